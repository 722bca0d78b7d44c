//! What no server can show: where numbers are written, hops, what is not known, hostile files.

use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::knowledge::Knowledge;
use crate::model::{Command, Kind, Listener, Next, PlaceId, ReadAs, Starter, Value, Variable, Word};
use crate::syntax::hosts::Hosts;
use crate::text::{Sources, Tree};

const FILE: &str = "etc/haproxy/haproxy.cfg";

/// One audit of some files.
struct Machine {
    _folder: TempDir,
    sources: Sources,
    found: Found,
}

fn machine(
    files: &[(&str, &str)],
    read_as: ReadAs,
    commands: impl FnOnce(&Sources) -> Vec<Command>,
) -> Machine {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let sources = Sources::new();
    let tree = Tree::open(folder.path(), true).unwrap();
    let knowledge = Knowledge::load(&sources).unwrap();
    let commands = commands(&sources);
    let ground = Ground {
        sources: &sources,
        tree: &tree,
        service: knowledge.service("haproxy").unwrap(),
        hosts: &Hosts::read(&sources, &tree),
        place: PlaceId(0),
        commands: &commands,
        read_as,
        only: &[],
    };
    let candidates: Vec<Candidate> = files
        .iter()
        .filter(|(path, _)| path.ends_with("haproxy.cfg"))
        .map(|(path, _)| Candidate { path: PathBuf::from(path), by_place: *path == FILE })
        .collect();
    let found = read(ground, &candidates);
    Machine { _folder: folder, sources, found }
}

fn root(text: &str) -> Machine {
    machine(&[(FILE, text)], ReadAs::Root, |_| Vec::new())
}

fn repo(text: &str) -> Machine {
    machine(&[("deploy/haproxy.cfg", text)], ReadAs::Repo, |_| Vec::new())
}

impl Machine {
    fn listener(&self, address: &str) -> &Listener {
        let is_its = |listener: &&Listener| listener.endpoint.to_string() == address;
        self.found.listeners.iter().find(is_its).unwrap_or_else(|| panic!("{:?}", self.found))
    }

    fn asked(&self, address: &str) -> Option<i64> {
        self.listener(address).backlog.value.as_ref().map(|value| value.get)
    }

    /// The line that the planner would make for 4096.
    fn written(&self, address: &str) -> Option<String> {
        let edit = self.listener(address).backlog.slot.as_ref()?.edit(4096);
        let mut text = self.sources.bytes(edit.span.source).to_vec();
        text.splice(edit.span.range(), edit.text.bytes());
        let line = self.sources.position(edit.span).line;
        Some(String::from_utf8(text).unwrap().lines().nth(line - 1).unwrap().trim().to_owned())
    }

    fn problems(&self) -> Vec<&str> {
        self.found.problems.iter().map(|problem| problem.message.as_str()).collect()
    }

    fn last_step(&self, address: &str) -> &str {
        &self.listener(address).steps.last().unwrap().what
    }
}

#[test]
fn the_number_is_written_where_it_counts() {
    let machine = root(
        "defaults\n backlog 10\nfrontend a\n bind :1 backlog 20 # why\n bind :2 # why\n bind :3 name 'x y'\t\n \
         bind :4 backlog 12k\n bind :5 \"\" ssl\n bind :6,:7\nfrontend b\n bind :8\n backlog \"30\"\n",
    );
    let line = |port: u16| machine.written(&format!("0.0.0.0:{port}")).unwrap_or_default();
    assert_eq!(line(1), "bind :1 backlog 4096 # why");
    assert_eq!(line(2), "bind :2 backlog 4096 # why");
    assert_eq!(line(3), "bind :3 name 'x y' backlog 4096");
    assert_eq!(line(4), "bind :4 backlog 12k backlog 4096");
    assert_eq!(line(5), "");
    assert_eq!(line(6), "bind :6,:7 backlog 4096");
    assert_eq!(line(8), "backlog \"4096\"");
}

#[test]
fn connections_go_to_the_servers_of_the_backends_that_are_named() {
    let machine = root(
        "global\n setenv H 10.0.0.1\nfrontend web\n bind :80\n use_backend api if { path /api }\n use_backend %[req.hdr(x)]\n default_backend app\n\
         backend api\n server a 10.0.0.1:8080 check\n server b $H:8080\n server b2 \"$H\":8080\n server c 10.0.0.2:8080 disabled\n\
         backend app\n server-template s 2 app.internal:9000\n server d /run/app.sock\n server e 10.0.0.3\n\
         backend not\n server f 10.0.0.4:1\n\
         listen tcp\n bind :81\n server g 10.0.0.5:1 backup\n server h abns@inner\n",
    );
    let hops = |address: &str| {
        let name = |next: &Next| match next {
            Next::At(endpoint) => endpoint.to_string(),
            Next::Named(name, port) => format!("{name}:{port}?"),
        };
        let hops = machine.listener(address).hops.iter();
        hops.map(|hop| name(&hop.to)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(hops("0.0.0.0:80"), "10.0.0.1:8080 app.internal:9000? /run/app.sock 10.0.0.3:80");
    assert_eq!(hops("0.0.0.0:81"), "10.0.0.5:1 @inner");
    assert_eq!(machine.problems(), [""; 0]);
}

#[test]
fn what_nobody_sets_is_not_guessed_in_a_repository() {
    let text =
        "frontend a\n bind :1 backlog \"$BL\"\n bind :${PORT} backlog 5\n bind :2\n backlog \"${BL-9}\"\n";
    let machine = repo(text);
    assert_eq!(machine.asked("0.0.0.0:1"), None);
    assert_eq!(machine.asked("0.0.0.0:2"), None);
    assert!(machine.last_step("0.0.0.0:2").contains("do not tell"), "{}", machine.last_step("0.0.0.0:2"));
    assert_eq!(machine.asked("?"), Some(5));
    let installed = root(text);
    assert_eq!(installed.asked("0.0.0.0:2"), Some(9));
}

#[test]
fn what_a_condition_decides_that_is_not_known_is_not_known() {
    let machine = root(
        "global\n maxconn 7\n.if feature(OPENSSL)\nfrontend a\n bind :1 backlog 3\n backlog 4\n.else\nfrontend b\n bind :2\n\
         .endif\nfrontend c\n bind :3\n .if feature(QUIC)\n backlog 5\n .endif\n",
    );
    assert_eq!(machine.asked("0.0.0.0:1"), Some(3));
    assert_eq!(machine.listener("0.0.0.0:1").notes.len(), 1);
    assert_eq!(machine.asked("0.0.0.0:2"), Some(7));
    assert_eq!(machine.asked("0.0.0.0:3"), None);
}

#[test]
fn versions_before_2_0_have_a_number_for_each_proxy() {
    let status = |version: &str| format!("Package: haproxy\nVersion: {version}\n\n");
    let asked = |version: &str| {
        let files = [
            (FILE, "global\n maxconn 50\nfrontend a\n bind :1\n"),
            ("var/lib/dpkg/status", &status(version)),
        ];
        machine(&files, ReadAs::Root, |_| Vec::new()).asked("0.0.0.0:1")
    };
    assert_eq!(asked("1.8.19-1+deb10u4"), Some(2000));
    assert_eq!(asked("2.2.9-2"), Some(50));
}

#[test]
fn a_listen_of_old_has_its_address_beside_its_name() {
    let files = [
        (FILE, "listen a :1\n backlog 5\n"),
        ("var/lib/dpkg/status", "Package: haproxy\nVersion: 1.5.8-3\n\n"),
    ];
    assert_eq!(machine(&files, ReadAs::Root, |_| Vec::new()).asked("0.0.0.0:1"), Some(5));
}

#[test]
fn what_is_no_whole_file_is_not_refused() {
    assert_eq!(repo("frontend a\n bind {{ ip }}:80\n default_backend {{ x }}\nglobal\n").problems(), [""; 0]);
    assert_eq!(repo("backlog 5\nfrontend a\n bind :1\n default_backend elsewhere\n").problems(), [""; 0]);
    assert_eq!(repo("global\nfrontend a\n bind :1\n default_backend elsewhere\n").problems().len(), 1);
}

/// A unit that starts HAProxy with these arguments.
fn unit(sources: &Sources, arguments: &str, hard: Option<i64>) -> Command {
    let at = sources.flag("unit", arguments);
    let word = |text: &str| Word { text: text.to_owned(), span: at, exact: true, open: false };
    let limit = |get| Value::written(get, at);
    Command {
        starter: Starter::Unit,
        name: "haproxy.service".into(),
        words: std::iter::once("/usr/sbin/haproxy").chain(arguments.split(' ')).map(word).collect(),
        environment: vec![Variable { name: "BL".into(), value: word("61") }],
        folder: None,
        at,
        room: None,
        open_files: hard.map(|hard| (limit(1024), limit(hard))),
        image: None,
    }
}

#[test]
fn a_command_line_says_what_is_read_and_how() {
    let files = [
        (FILE, "global\n maxconn 50\n"),
        ("etc/haproxy/conf.d/10-a.cfg", "defaults\n backlog \"$BL\"\n"),
        ("etc/haproxy/conf.d/20-b.cfg", "frontend a\n bind :1\nfrontend b\n bind :2\n backlog 0\n"),
        ("etc/haproxy/conf.d/b.cfg.off", "frontend c\n bind :3\n"),
    ];
    let started = |arguments: &str, hard| {
        machine(&files, ReadAs::Root, |sources| {
            vec![unit(sources, &format!("-c -f /{FILE}"), None), unit(sources, arguments, hard)]
        })
    };
    let arguments =
        "-Ws -f /etc/haproxy/haproxy.cfg -f /etc/haproxy/conf.d -p /run/haproxy.pid -S /run/m.sock,mode,600";
    let plain = started(arguments, None);
    assert_eq!((plain.asked("0.0.0.0:1"), plain.asked("0.0.0.0:2")), (Some(61), Some(50)));
    assert_eq!(plain.found.listeners.len(), 3, "{:?}", plain.found.listeners);
    let master = plain.listener("/run/m.sock");
    assert!(master.internal && master.backlog.value.as_ref().is_some_and(|value| value.get == 10));
    assert_eq!(started(&format!("{arguments} -n 40"), None).asked("0.0.0.0:2"), Some(40));
    assert_eq!(started(&format!("{arguments} -N 30"), None).asked("0.0.0.0:2"), Some(30));
    let conf = "-f /etc/haproxy/conf.d";
    assert_eq!(started(&format!("{conf} -m 16"), None).asked("0.0.0.0:2"), None);
    let limited = started(conf, Some(20000));
    assert_eq!(limited.asked("0.0.0.0:2"), Some((20000 - 10 - 2 - 3) / 2));
    let assumed = started(conf, None);
    let value = assumed.listener("0.0.0.0:2").backlog.value.clone().unwrap();
    assert!(value.kind == Kind::Assumed && (262_000..262_144).contains(&value.get), "{value:?}");
}

#[test]
fn a_range_of_all_ports_is_cut_off_and_said() {
    let machine = root("frontend a\n bind :1-65535,[::1]:1-65535\n bind :1-65535\n bind :1-65535\n");
    assert!(machine.found.listeners.len() < 10_000);
    assert_eq!(machine.problems().len(), 1);
}

#[test]
fn megabytes_take_no_time() {
    for piece in
        ["a ", "\"$A", "${", "\\x41", "'", ".if (", "frontend a\n bind :1\n use_backend b\n", "bind :1,:2\n"]
    {
        let text = format!("global\nfrontend x\n bind :1 {}\n", piece.repeat(2_000_000 / piece.len()));
        let start = std::time::Instant::now();
        let _ = root(&text);
        assert!(start.elapsed().as_secs() < 20, "{piece}");
    }
    let many: String =
        (0..20_000).map(|n| format!("frontend f{n}\n bind :1\n default_backend b\n")).collect();
    let servers: String = (0..20_000).map(|n| format!(" server s{n} 10.0.0.1:{n}\n")).collect();
    let start = std::time::Instant::now();
    let _ = root(&format!("global\n{many}backend b\n{servers}"));
    assert!(start.elapsed().as_secs() < 20);
}

proptest! {
    #[test]
    fn random_text_does_not_panic(
        words in prop::collection::vec(prop_oneof![
            Just("\n"), Just(" "), Just("frontend a"), Just("bind"), Just(":1-9"), Just("backlog"), Just("-5"), Just("\""),
            Just("'"), Just("\\"), Just("${A-"), Just("}"), Just(".if"), Just("(1"), Just("||"), Just("global"), Just("from"),
            Just("defaults"), Just("peers p"), Just("server"), Just("[::]:1"), Just(","), Just("unix@"), Just("é"), Just("\0"),
        ], 0..60),
    ) {
        let _ = root(&words.concat());
        let _ = root(&words.join(" "));
    }
}
