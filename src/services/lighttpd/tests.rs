use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::knowledge::Knowledge;
use crate::model::{Kind, Listener, Next, PlaceId, ReadAs};
use crate::syntax::hosts::Hosts;
use crate::text::{Sources, Tree, apply};

const DEBIAN: &str = "etc/lighttpd/lighttpd.conf";
const ROOT: &str = "server.document-root = \"/srv\"\n";

/// A tree with a lighttpd in it.
struct Machine {
    folder: TempDir,
    sources: Sources,
    files: Vec<Candidate>,
    read_as: ReadAs,
}

impl Machine {
    fn new(text: &str) -> Self {
        let files = vec![Candidate { path: DEBIAN.into(), by_place: true }];
        let folder = tempfile::tempdir().unwrap();
        let machine = Self { folder, sources: Sources::new(), files, read_as: ReadAs::Root };
        let status = "Package: lighttpd\nVersion: 1.4.69-1\n";
        machine.with(DEBIAN, format!("{ROOT}{text}")).with("var/lib/dpkg/status", status)
    }

    fn repository(files: &[(&str, &str)]) -> Self {
        let candidate = |(path, _): &(&str, &str)| Candidate { path: path.into(), by_place: false };
        let folder = tempfile::tempdir().unwrap();
        let found = files.iter().map(candidate).collect();
        let machine = Self { folder, sources: Sources::new(), files: found, read_as: ReadAs::Repo };
        files.iter().fold(machine, |machine, (path, text)| machine.with(path, text))
    }

    fn with(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    fn read(&self) -> Found {
        let tree = Tree::open(self.folder.path(), self.read_as != ReadAs::Repo).unwrap();
        let knowledge = Knowledge::load(&self.sources).unwrap();
        let ground = Ground {
            sources: &self.sources,
            tree: &tree,
            service: knowledge.service("lighttpd").unwrap(),
            hosts: &Hosts::read(&self.sources, &tree),
            place: PlaceId::default(),
            commands: &[],
            read_as: self.read_as,
            only: &[],
        };
        read(ground, &self.files)
    }

    /// The main file with `number` put into a listener's slot.
    fn set(&self, index: usize, number: i64) -> Option<String> {
        let slot = self.read().listeners.get(index)?.backlog.slot.clone()?;
        let bytes = apply(self.sources.bytes(slot.span.source), &[slot.edit(number)]);
        Some(String::from_utf8(bytes).unwrap().replacen(ROOT, "", 1))
    }
}

fn limits(found: &Found) -> Vec<(String, Option<i64>)> {
    let number = |listener: &Listener| listener.backlog.value.as_ref().map(|value| value.get);
    found.listeners.iter().map(|listener| (listener.endpoint.to_string(), number(listener))).collect()
}

fn messages(found: &Found) -> Vec<(ProblemKind, &str)> {
    found.problems.iter().map(|problem| (problem.kind, problem.message.as_str())).collect()
}

fn row(address: &str, limit: i64) -> (String, Option<i64>) {
    (address.to_owned(), Some(limit))
}

#[test]
fn a_number_is_put_where_it_stands_or_on_a_line_of_its_own() {
    for (before, after) in [
        (
            "server.port = 80\nserver.listen-backlog = 5 # five\n",
            "server.port = 80\nserver.listen-backlog = 300 # five\n",
        ),
        ("server.listen-backlog = \"5\"\n", "server.listen-backlog = \"300\"\n"),
        ("var.b = 5\nserver.listen-backlog = b\n", "var.b = 300\nserver.listen-backlog = b\n"),
        ("server.port = 80 # http\n#x\n", "server.port = 80 # http\nserver.listen-backlog = 300\n#x\n"),
        ("server.port = 80\r\n", "server.port = 80\r\nserver.listen-backlog = 300\r\n"),
        ("server.port = 80", "server.port = 80\nserver.listen-backlog = 300"),
        (
            "server.port = 80 server.tag = \"\"",
            "server.port = 80 server.tag = \"\"\nserver.listen-backlog = 300",
        ),
    ] {
        assert_eq!(Machine::new(before).set(0, 300).as_deref(), Some(after), "{before}");
    }
    for computed in ["server.listen-backlog = 5 + 5\n", "server.listen-backlog = \"05\"\n"] {
        let slot = Machine::new(computed).read().listeners[0].backlog.slot.clone();
        assert_eq!(slot.is_some(), computed.contains('"'), "{computed}");
    }
}

#[test]
fn a_socket_gets_its_own_line_inside_its_block() {
    for (before, after) in [
        (
            "$SERVER[\"socket\"] == \":81\" { }\n",
            "$SERVER[\"socket\"] == \":81\" { server.listen-backlog = 300 }\n",
        ),
        (
            "$SERVER[\"socket\"] == \":81\" {\n  ssl.engine = \"disable\"\n}\n",
            "$SERVER[\"socket\"] == \":81\" {\n  server.listen-backlog = 300\n  ssl.engine = \"disable\"\n}\n",
        ),
        (
            "$SERVER[\"socket\"] == \":81\" { # s\n}\n",
            "$SERVER[\"socket\"] == \":81\" {\n    server.listen-backlog = 300 # s\n}\n",
        ),
    ] {
        assert_eq!(Machine::new(before).set(0, 300).as_deref(), Some(after), "{before}");
        let changed = Machine::new(after).read();
        assert_eq!(limits(&changed)[0], row("0.0.0.0:81", 300), "{after}");
    }
}

/// Every recorded tree: a number that is put into a slot is what the listener asks for afterwards, and what shares it.
#[test]
fn every_slot_of_the_recorded_trees_takes_a_number() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/services/lighttpd");
    let mut slots = 0;
    for case in fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()) {
        let before = machine_of(&case).read();
        for (index, listener) in before.listeners.iter().enumerate() {
            let machine = machine_of(&case);
            let Some(slot) = machine.read().listeners[index].backlog.slot.clone() else { continue };
            let source = machine.sources.get(slot.span.source);
            let longer = apply(source.bytes(), &[slot.edit(1234)]);
            fs::write(machine.folder.path().join(source.path().unwrap()), longer).unwrap();
            let after = Machine { sources: Sources::new(), ..machine }.read();
            assert_eq!(messages(&after), messages(&before), "{}", case.display());
            assert_eq!(after.listeners.len(), before.listeners.len(), "{}", case.display());
            let own = limits(&after)[index].clone();
            assert_eq!(own, row(&listener.endpoint.to_string(), 1234), "{}", case.display());
            slots += 1;
        }
    }
    assert!(slots > 60, "{slots} slots");
}

fn machine_of(case: &Path) -> Machine {
    let mut machine = Machine::new("");
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(case.join("root").join(&folder)).unwrap().map(Result::unwrap) {
            let inner = folder.join(entry.file_name());
            match entry.path().is_dir() {
                true => folders.push(inner),
                false => machine = machine.with(inner.to_str().unwrap(), fs::read(entry.path()).unwrap()),
            }
        }
    }
    machine
}

#[test]
fn the_default_is_that_of_the_version_and_of_the_c_library() {
    let default = |machine: Machine| {
        let value = machine.read().listeners[0].backlog.value.clone().unwrap();
        (value.get, value.kind)
    };
    assert_eq!(default(Machine::new("")), (1024, Kind::Default));
    let newer = Machine::new("").with("var/lib/dpkg/status", "Package: lighttpd\nVersion: 1.4.82-1\n");
    assert_eq!(default(newer), (4096, Kind::Default));
    assert_eq!(default(Machine::new("").with("var/lib/dpkg/status", "")), (4096, Kind::Assumed));
    assert_eq!(default(Machine::new("").with("etc/alpine-release", "3.20.0\n")), (1024, Kind::Default));
}

#[test]
fn newer_releases_refuse_what_older_ones_read_over() {
    let text = "server.port server.listen-backlog = 8080\n";
    assert_eq!(limits(&Machine::new(text).read()), [row("0.0.0.0:8080", 1024)]);
    let newer = Machine::new(text).with("var/lib/dpkg/status", "Package: lighttpd\nVersion: 1.4.82-1\n");
    assert_eq!(newer.read().problems[0].kind, ProblemKind::Lost);
    let elif = "$SERVER[\"socket\"] == \":81\" { } elif $SERVER[\"socket\"] == \":82\" { }\n";
    let newer = Machine::new(elif).with("var/lib/dpkg/status", "Package: lighttpd\nVersion: 1.4.82-1\n");
    assert_eq!(
        limits(&newer.read()),
        [row("0.0.0.0:81", 4096), row("0.0.0.0:82", 4096), row("0.0.0.0:80", 4096)]
    );
}

#[test]
fn what_is_read_over_is_told() {
    let found = Machine::new("server.port = 80\n}\n").read();
    let message = "lighttpd reads over this word and goes on as if it were not there";
    assert_eq!(messages(&found), [(ProblemKind::Skipped, message)]);
}

#[test]
fn backends_are_the_hops_of_the_sockets_that_lead_there() {
    let found = Machine::new(
        r#"
server.port = 80
server.modules = ( "mod_proxy", "mod_fastcgi" )
proxy.server = ( "/a" => (( "host" => "localhost", "port" => 9001 ), ( "host" => "10.0.0.2" )) )
$HTTP["host"] == "x" { proxy.server = ( "" => ( "one" => ( "host" => "app.internal", "port" => "9002" ))) }
$SERVER["socket"] == ":81" {
    proxy.server = ( "" => (( "host" => "::1", "port" => 9003 )))
    $HTTP["host"] == "y" { fastcgi.server = ( ".php" => (( "socket" => "/run/php.sock" ))) }
}
scgi.server = ( "" => (( "host" => "127.0.0.1", "port" => 9009 )))
"#,
    )
    .read();
    let hops = |index: usize| -> Vec<String> {
        let hop = |next: &Next| match next {
            Next::At(endpoint) => endpoint.to_string(),
            Next::Named(name, port) => format!("{name}:{port}"),
        };
        found.listeners[index].hops.iter().map(|it| hop(&it.to)).collect()
    };
    assert_eq!(found.listeners.len(), 2);
    assert_eq!(hops(0), ["/run/php.sock", "app.internal:9002", "[::1]:9003"]);
    assert_eq!(hops(1), ["127.0.0.1:9001", "10.0.0.2:80", "app.internal:9002"]);
}

#[test]
fn a_backend_that_lighttpd_starts_takes_its_number_once() {
    let text = r#"server.modules = ( "mod_fastcgi" )
fastcgi.server = ( ".a" => (( "bin-path" => "/a", "socket" => "/run/a.sock" )))
"#;
    let found = Machine::new(text).read();
    assert_eq!(limits(&found)[1..], [0, 1, 2, 3].map(|n| row(&format!("/run/a.sock-{n}"), 1024)));
    let slots = found.listeners.iter().filter(|listener| listener.backlog.slot.is_some()).count();
    assert_eq!(slots, 2);
    let open = Machine::new(&text.replace("\"/run/a.sock\"", "\"/run/a-\" + PID")).read();
    assert_eq!(limits(&open)[1..], [0; 4].map(|_| row("?", 1024)));
    assert!(Machine::new(text).set(1, 300).unwrap().contains("(( \"listen-backlog\" => 300, \"bin-path\""));
}

#[test]
fn what_is_not_known_is_no_guess() {
    for (text, expected) in [
        ("server.listen-backlog = env.QUEUE\n", ("0.0.0.0:80", None)),
        ("server.port = env.PORT\n", ("?", Some(1024))),
        ("server.bind = env.HOST\n", ("?", Some(1024))),
        ("server.bind = \"app.example.com\"\n", ("?", Some(1024))),
        ("var.q = env.A + 1\nserver.listen-backlog = var.q\n", ("0.0.0.0:80", None)),
    ] {
        let found = Machine::new(text).read();
        assert_eq!(limits(&found), [(expected.0.to_owned(), expected.1)], "{text}");
        let listener = &found.listeners[0];
        let told = if expected.1.is_none() { &listener.steps } else { &listener.notes };
        assert!(told[0].what.contains("this tree"), "{told:?}");
    }
    let found = Machine::new("include_shell \"/opt/make-vhosts\"\nserver.tag = var.from_there\n").read();
    assert_eq!(limits(&found), [row("0.0.0.0:80", 1024)]);
    assert_eq!(
        found.listeners[0].notes[0].what,
        "what this command prints is not known, nor what that opens"
    );
}

#[test]
fn a_repository_leaves_open_what_others_fill_in() {
    for (value, expected) in [
        ("{{ queue }}", None),
        ("\"{{ queue }}\"", None),
        ("@QUEUE@", None),
        ("${QUEUE}", None),
        ("<%= @queue %>", None),
        ("var.elsewhere", Some(None)),
        ("300", Some(Some(300))),
    ] {
        let text = format!(
            "{ROOT}include \"/etc/lighttpd/gone.conf\"\nserver.port = 81\nserver.listen-backlog = {value}\n"
        );
        let found = Machine::repository(&[("docker/lighttpd.conf", &text)]).read();
        assert_eq!(limits(&found), [("0.0.0.0:81".to_owned(), expected.flatten())], "{value}");
        assert_eq!(messages(&found), []);
    }
}

#[test]
fn a_repository_is_read_from_its_main_files() {
    let fragment = "$SERVER[\"socket\"] == \":443\" { server.listen-backlog = 9 }\n";
    let main = format!("{ROOT}include \"/etc/lighttpd/conf-enabled/*.conf\"\n");
    let found =
        Machine::repository(&[("x/conf-enabled/a.conf", fragment), ("x/lighttpd.conf", &main)]).read();
    assert_eq!(limits(&found), [row("0.0.0.0:443", 9), row("0.0.0.0:80", 4096)]);
    let alone = Machine::repository(&[("lighttpd/conf.d/a.conf", fragment)]).read();
    assert_eq!(limits(&alone), [row("0.0.0.0:443", 9)]);
    let broken = Machine::repository(&[("lighttpd.conf", "server.port = 80\nserver.port = 81\n")]).read();
    assert_eq!(broken.problems[0].kind, ProblemKind::Skipped);
}

#[test]
fn what_grows_without_end_ends() {
    let doubling: String = (0..64).map(|_| "var.a := var.a + var.a\n").collect();
    let found = Machine::new(&format!("var.a = \"x\"\n{doubling}")).read();
    assert!(messages(&found)[0].1.contains("was not read to its end"), "{:?}", messages(&found));
    let lists = format!("var.a = {}{}\n", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(Machine::new(&lists).read().problems.len(), 1);
    let blocks = "$HTTP[\"host\"] == \"a\" { ".repeat(100_000);
    assert_eq!(Machine::new(&blocks).read().problems.len(), 1);
    let twice = "include \"b.conf\"\ninclude \"b.conf\"\n";
    let machine = (0..30).fold(Machine::new("include \"0.conf\""), |machine, n| {
        let text = twice.replace('b', &(n + 1).to_string());
        machine.with(&format!("etc/lighttpd/{n}.conf"), text)
    });
    assert_eq!(machine.read().problems.len(), 1);
    let sockets: String = (0..50_000).map(|n| format!("$SERVER[\"socket\"] == \"/{n}\" {{ }}\n")).collect();
    assert!(messages(&Machine::new(&sockets).read())[0].1.contains("more than 4096 sockets"));
    let many: String = (0..20_000)
        .map(|n| format!("var.v{n} = ( \"k\" => {n} )\nserver.modules += ( \"m{n}\" )\n"))
        .collect();
    assert_eq!(Machine::new(&many).read().listeners.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn no_text_panics(text in "[a-z.\"=+:{}()\\[\\]$#,~! \n\\\\0-9-]{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        Machine::new(&text).read();
        Machine::new(&format!("server.port = 80\n$SERVER[\"socket\"] == {text}")).read();
        Machine::new("").with(DEBIAN, bytes).read();
    }
}
