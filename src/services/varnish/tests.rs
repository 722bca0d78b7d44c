use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::knowledge::Knowledge;
use crate::model::{Kind, PlaceId, ReadAs, Room};
use crate::syntax::hosts::Hosts;
use crate::text::{Origin, Sources, Tree, apply};

/// A tree in which commands start Varnish.
struct Machine {
    folder: TempDir,
    sources: Sources,
    commands: Vec<Command>,
}

impl Machine {
    /// A unit with these words after the program's name; of words in which a `$` stands a part is not known.
    fn new(line: &str) -> Self {
        let (folder, sources) = (tempfile::tempdir().unwrap(), Sources::new());
        let text = format!("/usr/sbin/varnishd {line}");
        let source = sources.add(Origin::Builtin("varnish.service".into()), text.clone().into_bytes());
        let mut words = Vec::new();
        let mut at = 0;
        for word in text.split(' ') {
            let span = Span::new(source, at..at + word.len());
            at += word.len() + 1;
            if !word.is_empty() {
                let (open, text) = (word.contains('$'), if word == "''" { "" } else { word });
                words.push(Word { text: text.into(), span, exact: !open && !text.is_empty(), open });
            }
        }
        let end = Span::new(source, text.len()..text.len());
        let command = Command {
            starter: Starter::Unit,
            name: "varnish.service".into(),
            words,
            environment: Vec::new(),
            folder: None,
            at: Span::new(source, 0..text.len()),
            room: Some(Room { at: end, before: " ".into(), after: String::new() }),
            open_files: None,
            image: None,
        };
        Self { folder, sources, commands: vec![command] }
    }

    fn with(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    fn read(&self) -> Found {
        let tree = Tree::open(self.folder.path(), true).unwrap();
        let knowledge = Knowledge::load(&self.sources).unwrap();
        let ground = Ground {
            sources: &self.sources,
            tree: &tree,
            service: knowledge.service("varnish").unwrap(),
            hosts: &Hosts::read(&self.sources, &tree),
            place: PlaceId::default(),
            commands: &self.commands,
            read_as: ReadAs::Root,
            only: &[],
        };
        read(ground, &[])
    }

    /// The command line with `number` put into the slot of the first port.
    fn set(&self, number: i64) -> Option<String> {
        let found = self.read();
        let slot = found.listeners.iter().find_map(|listener| listener.backlog.slot.as_ref())?;
        let bytes = apply(self.sources.bytes(slot.span.source), &[slot.edit(number)]);
        Some(String::from_utf8(bytes).unwrap().replacen("/usr/sbin/varnishd ", "", 1))
    }
}

fn limits(found: &Found) -> Vec<(String, Option<i64>)> {
    let number = |listener: &Listener| listener.backlog.value.as_ref().map(|value| value.get);
    found.listeners.iter().map(|listener| (listener.endpoint.to_string(), number(listener))).collect()
}

fn row(address: &str, limit: i64) -> (String, Option<i64>) {
    (address.to_owned(), Some(limit))
}

#[test]
fn debians_unit_listens_on_both_families() {
    let found = Machine::new(
        "-j unix,user=vcache -F -a :6081 -T localhost:6082 -f /etc/varnish/default.vcl -S /etc/varnish/secret -s malloc,256m",
    )
    .with("etc/varnish/default.vcl", "vcl 4.1;\nbackend default { .host = \"127.0.0.1\"; .port = \"8080\"; }\n")
    .read();
    assert_eq!(
        limits(&found),
        [row("127.0.0.1:6082", 10), row("[::1]:6082", 10), row("0.0.0.0:6081", 1024), row("[::]:6081", 1024)]
    );
    assert!(found.problems.is_empty(), "{found:?}");
    let internal: Vec<bool> = found.listeners.iter().map(|listener| listener.internal).collect();
    assert_eq!(internal, [true, true, false, false]);
    assert_eq!(found.listeners[2].backlog.value.as_ref().unwrap().kind, Kind::Default);
    assert_eq!(found.listeners[2].hops[0].to.clone(), Next::At("127.0.0.1:8080".to_owned().into()));
}

#[test]
fn a_number_is_put_where_it_stands_or_as_a_last_argument() {
    for (before, after) in [
        ("-a :80 -b none -T none", "-a :80 -b none -T none -p listen_depth=300"),
        ("-a :80 -b none -p listen_depth=5 -T none", "-a :80 -b none -p listen_depth=300 -T none"),
        ("-plisten_depth=5 -a :80 -b none", "-plisten_depth=300 -a :80 -b none"),
        (
            "-p listen_depth=5 -a :80 -b none -p listen_depth=6",
            "-p listen_depth=5 -a :80 -b none -p listen_depth=300",
        ),
    ] {
        assert_eq!(Machine::new(before).set(300).as_deref(), Some(after));
        let ports = |found: Found| found.listeners.into_iter().filter(|listener| !listener.internal);
        assert!(ports(Machine::new(after).read()).all(|it| it.backlog.value.unwrap().get == 300));
    }
    for fixed in ["-a :80 -b none -r listen_depth", "-a :80 -b none -p listen_depth=0x10"] {
        assert_eq!(Machine::new(fixed).set(300), None, "{fixed}");
    }
    let two = Machine::new("-a :80 -b none -T none").read();
    assert_eq!(two.listeners.iter().filter(|listener| listener.backlog.slot.is_some()).count(), 1);
}

#[test]
fn a_number_in_the_file_of_commands_is_put_there() {
    let machine = Machine::new("-a 127.0.0.1:80 -T none -b none -I /etc/varnish/start.cli")
        .with("etc/varnish/start.cli", "param.set thread_pools 2\nparam.set listen_depth \"5\"\n");
    assert_eq!(limits(&machine.read()), [row("127.0.0.1:80", 5)]);
    assert_eq!(machine.set(300).unwrap(), "param.set thread_pools 2\nparam.set listen_depth \"300\"\n");
}

#[test]
fn what_is_not_known_is_no_guess() {
    for (line, expected) in [
        ("-a $ADDRESS -b none -T none", vec![row("?", 1024)]),
        ("-a 127.0.0.1:80 -b none -T none -p listen_depth=$DEPTH", vec![("127.0.0.1:80".to_owned(), None)]),
        ("-a web:80 -b none -T none", vec![row("?", 1024)]),
        ("-a 127.0.0.1:web -b none -T none", vec![row("?", 1024)]),
        ("$DAEMON_OPTS", vec![row("?", 10), row("?", 1024)]),
    ] {
        let found = Machine::new(line).read();
        assert_eq!(limits(&found), expected, "{line}");
        assert!(found.problems.is_empty(), "{found:?}");
        let listener = found.listeners.last().unwrap();
        assert!(listener.notes.iter().chain(&listener.steps).any(|step| step.what.contains("this tree")));
    }
}

#[test]
fn backends_are_the_next_hops() {
    let vcl = "vcl 4.1;\n// backend x { .host = \"no\"; }\ninclude \"more.vcl\";\nbackend none_of_these none;\n\
        backend a {\n  .host = \"10.0.0.1:81\"; /* .port = \"1\" */\n  .probe = { .request = \"GET / .host\"; .url = \"/\"; }\n}\n\
        backend b { .path = \"/run/app.sock\"; }\nsub vcl_recv { set req.http.host = \"x\"; }\n";
    let found = Machine::new("-a 127.0.0.1:80 -T none -f default.vcl")
        .with("etc/varnish/default.vcl", vcl)
        .with(
            "etc/varnish/more.vcl",
            "backend c { .host = \"origin\"; .port = \"http\"; }\ninclude \"default.vcl\";\n",
        )
        .read();
    let hop = |next: &Next| match next {
        Next::At(endpoint) => endpoint.to_string(),
        Next::Named(name, port) => format!("{name}:{port}"),
    };
    let hops: Vec<String> = found.listeners[0].hops.iter().map(|it| hop(&it.to)).collect();
    assert_eq!(hops, ["10.0.0.1:81", "/run/app.sock", "origin:80"]);
    let found = Machine::new("-a 127.0.0.1:80 -T none -b localhost:8080").read();
    assert_eq!(hop(&found.listeners[0].hops[0].to), "127.0.0.1:8080");
}

#[test]
fn nothing_listens_before_there_is_a_vcl() {
    let files = "-a 127.0.0.1:80 -T 127.0.0.1:81 -f ''";
    assert_eq!(limits(&Machine::new(files).read()), [row("127.0.0.1:81", 10)]);
    assert_eq!(limits(&Machine::new("-C -b none").read()), []);
    assert_eq!(limits(&Machine::new("-d -T 127.0.0.1:81").read()), [row("127.0.0.1:81", 10)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn no_text_panics(text in "[-a-zFT0-9=:/,.\\[\\]@ '$]{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let machine = Machine::new(&text).with("etc/varnish/a.cli", &bytes).with("etc/varnish/a.vcl", &bytes);
        machine.read();
        Machine::new(&format!("-a {text} -b none")).read();
        Machine::new("-f a.vcl -I a.cli").with("etc/varnish/a.cli", &bytes).with("etc/varnish/a.vcl", bytes).read();
    }
}
