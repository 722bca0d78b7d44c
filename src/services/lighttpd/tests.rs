use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::model::Kind;
use crate::services::{Seen, Trial};

const DEBIAN: &str = "etc/lighttpd/lighttpd.conf";
const ROOT: &str = "server.document-root = \"/srv\"\n";
const STATUS: &str = "var/lib/dpkg/status";

/// A machine with Debian 12's lighttpd.
fn machine(text: &str) -> Trial {
    let status = "Package: lighttpd\nVersion: 1.4.69-1\n";
    Trial::root("lighttpd", &[(DEBIAN, &format!("{ROOT}{text}")), (STATUS, status)])
}

fn read(text: &str) -> Seen {
    machine(text).read()
}

fn newer(text: &str) -> Seen {
    machine(text).with(STATUS, "Package: lighttpd\nVersion: 1.4.82-1\n").read()
}

fn repository(files: &[(&str, &str)]) -> Seen {
    Trial::repository("lighttpd", files).read()
}

/// The main file with a number put into the first listener's slot.
fn set(text: &str) -> Option<String> {
    Some(read(text).set(300)?.replacen(ROOT, "", 1))
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
        assert_eq!(set(before).as_deref(), Some(after), "{before}");
    }
    for computed in ["server.listen-backlog = 5 + 5\n", "server.listen-backlog = \"05\"\n"] {
        assert_eq!(set(computed).is_some(), computed.contains('"'), "{computed}");
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
        assert_eq!(set(before).as_deref(), Some(after), "{before}");
        assert_eq!(read(after).rows()[0], "0.0.0.0:81 300", "{after}");
    }
}

/// Every recorded tree: a number that is put into a slot is what the listener asks for afterwards, and what shares it.
#[test]
fn every_slot_of_the_recorded_trees_takes_a_number() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/services/lighttpd");
    let mut slots = 0;
    for case in fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()) {
        let before = recorded(&case).read();
        for (index, listener) in before.found.listeners.iter().enumerate() {
            let Some(slot) = listener.backlog.slot.as_ref() else { continue };
            let path = before.sources.get(slot.span.source).path().unwrap().to_str().unwrap();
            let longer = before.set_in(listener, 1234).unwrap();
            let after = recorded(&case).with(path, longer).read();
            assert_eq!(after.problems(), before.problems(), "{}", case.display());
            assert_eq!(after.rows().len(), before.rows().len(), "{}", case.display());
            assert_eq!(after.rows()[index], format!("{} 1234", listener.endpoint), "{}", case.display());
            slots += 1;
        }
    }
    assert!(slots > 60, "{slots} slots");
}

fn recorded(case: &Path) -> Trial {
    let mut trial = machine("");
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(case.join("root").join(&folder)).unwrap().map(Result::unwrap) {
            let inner = folder.join(entry.file_name());
            match entry.path().is_dir() {
                true => folders.push(inner),
                false => trial = trial.with(inner.to_str().unwrap(), fs::read(entry.path()).unwrap()),
            }
        }
    }
    trial
}

#[test]
fn an_old_one_has_no_backlog_to_set() {
    let old = |text: &str| machine(text).with(STATUS, "Package: lighttpd\nVersion: 1.4.39-1\n").read();
    for text in ["server.port = 80\n", "server.port = 80\nserver.listen-backlog = 9\n"] {
        let seen = old(text);
        assert_eq!(seen.rows(), ["0.0.0.0:80 1024"], "{text}");
        assert_eq!(seen.set(300), None, "{text}");
        let said = seen.one().steps.last().unwrap().what.clone();
        assert_eq!(said, "server.listen-backlog needs lighttpd 1.4.40 or later (this is 1.4.39)");
    }
}

#[test]
fn the_default_is_that_of_the_version_and_of_the_c_library() {
    let default = |seen: Seen| {
        let value = seen.found.listeners[0].backlog.value.clone().unwrap();
        (value.get, value.kind)
    };
    assert_eq!(default(read("")), (1024, Kind::Default));
    assert_eq!(default(newer("")), (4096, Kind::Default));
    assert_eq!(default(machine("").with(STATUS, "").read()), (4096, Kind::Assumed));
    let musl = machine("").with("etc/alpine-release", "3.20.0\n");
    assert_eq!(default(musl.read()), (1024, Kind::Default));
    let old = machine("").with("etc/os-release", "ID=almalinux\nVERSION_ID=8.10\n");
    assert_eq!(default(old.read()), (1024, Kind::Default));
}

#[test]
fn newer_releases_refuse_what_older_ones_read_over() {
    let text = "server.port server.listen-backlog = 8080\n";
    assert_eq!(read(text).rows(), ["0.0.0.0:8080 1024"]);
    assert_eq!(newer(text).found.problems[0].kind, ProblemKind::Lost);
    let elif = "$SERVER[\"socket\"] == \":81\" { } elif $SERVER[\"socket\"] == \":82\" { }\n";
    assert_eq!(newer(elif).rows(), ["0.0.0.0:81 4096", "0.0.0.0:82 4096", "0.0.0.0:80 4096"]);
}

#[test]
fn what_is_read_over_is_told() {
    let message = "Skipped: lighttpd ignores this word";
    assert_eq!(read("server.port = 80\n}\n").problems(), [message]);
}

#[test]
fn backends_are_the_hops_of_the_sockets_that_lead_there() {
    let found = read(
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
    );
    assert_eq!(
        found.hops(),
        [
            "0.0.0.0:81 -> /run/php.sock, app.internal:9002, [::1]:9003",
            "0.0.0.0:80 -> 127.0.0.1:9001, 10.0.0.2:80, app.internal:9002",
        ]
    );
}

#[test]
fn a_backend_that_lighttpd_starts_takes_its_number_once() {
    let text = r#"server.modules = ( "mod_fastcgi" )
fastcgi.server = ( ".a" => (( "bin-path" => "/a", "socket" => "/run/a.sock" )))
"#;
    let seen = read(text);
    assert_eq!(seen.rows()[1..], [0, 1, 2, 3].map(|n| format!("/run/a.sock-{n} 1024")));
    let slots = seen.found.listeners.iter().filter(|listener| listener.backlog.slot.is_some()).count();
    assert_eq!(slots, 2);
    let open = read(&text.replace("\"/run/a.sock\"", "\"/run/a-\" + PID"));
    assert_eq!(open.rows()[1..], ["? 1024"; 4]);
    let second = &seen.found.listeners[1];
    assert!(seen.set_in(second, 300).unwrap().contains("(( \"listen-backlog\" => 300, \"bin-path\""));
}

#[test]
fn what_is_not_known_is_no_guess() {
    for (text, expected) in [
        ("server.listen-backlog = env.QUEUE\n", "0.0.0.0:80 ?"),
        ("server.port = env.PORT\n", "? 1024"),
        ("server.bind = env.HOST\n", "? 1024"),
        ("server.bind = \"app.example.com\"\n", "? 1024"),
        ("var.q = env.A + 1\nserver.listen-backlog = var.q\n", "0.0.0.0:80 ?"),
    ] {
        let seen = read(text);
        assert_eq!(seen.rows(), [expected], "{text}");
        let listener = &seen.found.listeners[0];
        let told = if expected.ends_with('?') { &listener.steps } else { &listener.notes };
        assert!(told[0].what.contains("the files do not s"), "{told:?}");
    }
    let seen = read("include_shell \"/opt/make-vhosts\"\nserver.tag = var.from_there\n");
    assert_eq!(seen.rows(), ["0.0.0.0:80 1024"]);
    let said = "it is unknown what this command prints and what that opens";
    assert_eq!(seen.found.listeners[0].notes[0].what, said);
}

#[test]
fn a_repository_leaves_open_what_others_fill_in() {
    for (value, expected) in [
        ("{{ queue }}", "?"),
        ("\"{{ queue }}\"", "?"),
        ("@QUEUE@", "?"),
        ("${QUEUE}", "?"),
        ("<%= @queue %>", "?"),
        ("var.elsewhere", "?"),
        ("300", "300"),
    ] {
        let text = format!(
            "{ROOT}include \"/etc/lighttpd/gone.conf\"\nserver.port = 81\nserver.listen-backlog = {value}\n"
        );
        let seen = repository(&[("docker/lighttpd.conf", &text)]);
        assert_eq!(seen.rows(), [format!("0.0.0.0:81 {expected}")], "{value}");
        assert_eq!(seen.problems(), [""; 0]);
    }
}

#[test]
fn a_repository_is_read_from_its_main_files() {
    let fragment = "$SERVER[\"socket\"] == \":443\" { server.listen-backlog = 9 }\n";
    let main = format!("{ROOT}include \"/etc/lighttpd/conf-enabled/*.conf\"\n");
    let seen = repository(&[("x/conf-enabled/a.conf", fragment), ("x/lighttpd.conf", &main)]);
    assert_eq!(seen.rows(), ["0.0.0.0:443 9", "0.0.0.0:80 4096"]);
    let alone = repository(&[("lighttpd/conf.d/a.conf", fragment)]);
    assert_eq!(alone.rows(), ["0.0.0.0:443 9"]);
    let broken = repository(&[("lighttpd.conf", "server.port = 80\nserver.port = 81\n")]);
    assert_eq!(broken.found.problems[0].kind, ProblemKind::Skipped);
}

#[test]
fn what_grows_without_end_ends() {
    let doubling: String = (0..64).map(|_| "var.a := var.a + var.a\n").collect();
    let problems = read(&format!("var.a = \"x\"\n{doubling}")).problems();
    assert!(problems[0].contains("was read only in part"), "{problems:?}");
    let lists = format!("var.a = {}{}\n", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(read(&lists).problems().len(), 1);
    let blocks = "$HTTP[\"host\"] == \"a\" { ".repeat(100_000);
    assert_eq!(read(&blocks).problems().len(), 1);
    let twice = "include \"b.conf\"\ninclude \"b.conf\"\n";
    let machine = (0..30).fold(machine("include \"0.conf\""), |machine, n| {
        let text = twice.replace('b', &(n + 1).to_string());
        machine.with(&format!("etc/lighttpd/{n}.conf"), text)
    });
    assert_eq!(machine.read().problems().len(), 1);
    let sockets: String = (0..50_000).map(|n| format!("$SERVER[\"socket\"] == \"/{n}\" {{ }}\n")).collect();
    assert!(read(&sockets).problems()[0].contains("more than 4096 sockets"));
    let many: String = (0..20_000)
        .map(|n| format!("var.v{n} = ( \"k\" => {n} )\nserver.modules += ( \"m{n}\" )\n"))
        .collect();
    assert_eq!(read(&many).rows().len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn no_text_panics(text in "[a-z.\"=+:{}()\\[\\]$#,~! \n\\\\0-9-]{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        read(&text);
        read(&format!("server.port = 80\n$SERVER[\"socket\"] == {text}"));
        machine("").with(DEBIAN, bytes).read();
    }
}
