use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::knowledge::Knowledge;
use crate::model::{Next, PlaceId, ReadAs};
use crate::syntax::hosts::Hosts;
use crate::text::{Origin, Sources, Tree};

const DEBIAN: &str = "etc/squid/squid.conf";

/// A tree with a Squid in it.
struct Machine {
    folder: TempDir,
    sources: Sources,
    files: Vec<Candidate>,
    commands: Vec<Command>,
    read_as: ReadAs,
}

impl Machine {
    fn new(text: &str) -> Self {
        let files = vec![Candidate { path: DEBIAN.into(), by_place: true }];
        let folder = tempfile::tempdir().unwrap();
        let commands = Vec::new();
        Self { folder, sources: Sources::new(), files, commands, read_as: ReadAs::Root }.with(DEBIAN, text)
    }

    fn repository(files: &[(&str, &str)]) -> Self {
        let candidate = |(path, _): &(&str, &str)| Candidate { path: path.into(), by_place: false };
        let found = files.iter().map(candidate).collect();
        let machine = Self { files: found, read_as: ReadAs::Repo, ..Self::new("") };
        files.iter().fold(machine, |machine, (path, text)| machine.with(path, text))
    }

    fn with(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    /// Started by this command line, with these limits of open files.
    fn started(mut self, starter: Starter, line: &str, limits: Option<(i64, i64)>) -> Self {
        let source = self.sources.add(Origin::Builtin("unit".into()), line.as_bytes().to_vec());
        let at = Span::top(source);
        let word = |text: &str| Word { text: text.into(), span: at, exact: false, open: false };
        self.commands.push(Command {
            starter,
            name: "squid".into(),
            words: line.split(' ').map(word).collect(),
            environment: Vec::new(),
            folder: None,
            at,
            room: None,
            open_files: limits.map(|(soft, hard)| (Value::written(soft, at), Value::written(hard, at))),
            image: None,
        });
        self
    }

    fn unit(self, limits: Option<(i64, i64)>) -> Self {
        self.started(Starter::Unit, "/usr/sbin/squid --foreground -sYC", limits)
    }

    fn read(&self) -> Found {
        let tree = Tree::open(self.folder.path(), self.read_as != ReadAs::Repo).unwrap();
        let knowledge = Knowledge::load(&self.sources).unwrap();
        let ground = Ground {
            sources: &self.sources,
            tree: &tree,
            service: knowledge.service("squid").unwrap(),
            hosts: &Hosts::read(&self.sources, &tree),
            place: PlaceId::default(),
            commands: &self.commands,
            read_as: self.read_as,
            only: &[],
        };
        read(ground, &self.files)
    }

    fn asked(&self) -> Option<(i64, Kind)> {
        let found = self.read();
        assert_eq!(found.listeners.len(), 1, "{found:?}");
        found.listeners[0].backlog.value.as_ref().map(|value| (value.get, value.kind))
    }
}

fn limits(found: &Found) -> Vec<(String, Option<i64>)> {
    let number = |listener: &Listener| listener.backlog.value.as_ref().map(|value| value.get);
    found.listeners.iter().map(|listener| (listener.endpoint.to_string(), number(listener))).collect()
}

fn messages(found: &Found) -> Vec<(ProblemKind, &str)> {
    found.problems.iter().map(|problem| (problem.kind, problem.message.as_str())).collect()
}

#[test]
fn a_quarter_of_the_open_files_is_asked_for() {
    let port = "http_port 3128\n";
    let more = "http_port 3128\nmax_filedescriptors 65536\n";
    for (machine, expected) in [
        (Machine::new(port), Some((256, Kind::Assumed))),
        (Machine::new(port).unit(None), Some((256, Kind::Assumed))),
        (Machine::new(port).unit(Some((16384, 16384))), Some((4096, Kind::Written))),
        (Machine::new(port).unit(Some((1024, 524_288))), Some((256, Kind::Written))),
        (Machine::new(more), Some((16384, Kind::Written))),
        (Machine::new(more).unit(Some((1024, 524_288))), Some((16384, Kind::Written))),
        (Machine::new(more).unit(Some((4096, 8192))), Some((2048, Kind::Written))),
        (Machine::new("http_port 3128\nmax_filedescriptors 600000\n"), Some((131_072, Kind::Assumed))),
        (Machine::new(port).started(Starter::Dockerfile, "squid -N", None), None),
        (Machine::new(more).started(Starter::Dockerfile, "squid -N", None), Some((16384, Kind::Written))),
        (Machine::new(port).unit(None).started(Starter::Compose, "squid", None), Some((256, Kind::Assumed))),
        (
            Machine::new(port).started(Starter::Unit, "squid -f /etc/squid/other.conf", Some((99, 99))),
            Some((256, Kind::Assumed)),
        ),
    ] {
        assert_eq!(machine.asked(), expected, "{:?}", machine.commands);
    }
}

#[test]
fn the_ledger_says_where_the_number_is_from() {
    let told = |machine: Machine| {
        let listener = machine.read().listeners.remove(0);
        assert!(listener.notes.iter().any(|note| note.what.contains("max_filedescriptors 4N")));
        listener.steps.iter().map(|step| (step.value, step.what.clone())).collect::<Vec<_>>()
    };
    let quarter = |number| (Some(number), "a quarter of them, as Squid asks for".to_owned());
    let assumed = "open files, assumed: what systemd allows a unit that does not say";
    assert_eq!(told(Machine::new("http_port 1\n")), [(Some(1024), assumed.into()), quarter(256)]);
    let cut = Machine::new("http_port 1\nmax_filedescriptors 9000\n").unit(Some((1024, 8000)));
    let cut_to = "cut to the hard limit of open files".to_owned();
    assert_eq!(told(cut), [(Some(9000), "max_filedescriptors".into()), (Some(8000), cut_to), quarter(2000)]);
}

#[test]
fn a_command_line_names_the_file() {
    let text = "http_port 3129\n";
    let machine = Machine { files: Vec::new(), ..Machine::new("") }.with("srv/proxy.conf", text).started(
        Starter::Unit,
        "squid -N -f /srv/proxy.conf",
        Some((8192, 8192)),
    );
    assert_eq!(limits(&machine.read()), [("*:3129".into(), Some(2048))]);
    let zero = "http_port 3128\nworkers 0\n";
    assert_eq!(Machine::new(zero).read().problems[0].kind, ProblemKind::Lost);
    let alone = Machine::new(zero).started(Starter::Unit, "squid -sYNC", None);
    assert_eq!(limits(&alone.read()), [("*:3128".into(), Some(256))]);
}

#[test]
fn peers_are_the_next_hops() {
    let found = Machine::new(
        "http_port 3128\ncache_peer 127.0.0.1 parent 8080 0 originserver\ncache_peer origin.example parent 80 0\n\
         cache_peer 127.0.0.1 parent 8080 0 name=again\ncache_peer only two\n",
    )
    .read();
    let hops: Vec<String> = found.listeners[0]
        .hops
        .iter()
        .map(|hop| match &hop.to {
            Next::At(endpoint) => endpoint.to_string(),
            Next::Named(name, port) => format!("{name}:{port}"),
        })
        .collect();
    assert_eq!(hops, ["127.0.0.1:8080", "origin.example:80"]);
}

#[test]
fn places_are_those_of_the_words() {
    let machine =
        Machine::new("http_port \\\n   127.0.0.1:3128 \\\n# x\n  name=é\n  max_filedescriptors 4096 # y\n");
    let found = machine.read();
    let listener = &found.listeners[0];
    assert_eq!(machine.sources.text(listener.site), "127.0.0.1:3128");
    assert_eq!(machine.sources.text(listener.steps[0].at), "4096");
    let macros = Machine::new("http_port 127.0.0.${process_number}:3128\n");
    let found = macros.read();
    assert_eq!(found.listeners[0].endpoint.to_string(), "127.0.0.1:3128");
    assert_eq!(macros.sources.text(found.listeners[0].site), "http_port 127.0.0.${process_number}:3128");
}

#[test]
fn a_repository_leaves_open_what_others_fill_in() {
    for (line, expected) in [
        ("http_port {{ squid_port }}", ("?", Some(256))),
        ("http_port ${PORT} intercept", ("?", Some(256))),
        ("http_port proxy.internal:3128", ("?", Some(256))),
        ("http_port 3128 {{ options }}", ("*:3128", Some(256))),
        ("http_port 3128\nmax_filedescriptors {{ squid_files }}", ("*:3128", Some(256))),
        ("http_port 3128\ninclude /etc/squid/gone.conf", ("*:3128", Some(256))),
        ("if {{ proxy }}\nhttp_port 3128\nendif", ("*:3128", Some(256))),
    ] {
        let found = Machine::repository(&[("docker/squid.conf", line)]).read();
        assert_eq!(limits(&found), [(expected.0.to_owned(), expected.1)], "{line}");
        assert_eq!(messages(&found), [], "{line}");
    }
    let part = ("files/conf.d/a.conf", "http_port 3129\n");
    let main = ("files/squid.conf", "include /etc/squid/conf.d/*.conf\nhttp_port 3128\n");
    let found = Machine::repository(&[part, main]).read();
    assert_eq!(limits(&found), [("*:3129".into(), Some(256)), ("*:3128".into(), Some(256))]);
    let broken = Machine::repository(&[("squid.conf", "http_port squid\n")]).read();
    assert_eq!(broken.problems[0].kind, ProblemKind::Skipped);
    assert_eq!(messages(&Machine::repository(&[("squid.conf", "acl a src all\n")]).read()), []);
}

#[test]
fn an_unknown_number_of_descriptors_is_no_guess() {
    let text = "http_port 3128\nmax_filedescriptors {{ n }}\n";
    let found = Machine::repository(&[("squid.conf", text)]).started(Starter::Compose, "squid", None).read();
    assert_eq!(limits(&found), [("*:3128".into(), None)]);
    assert_eq!(found.listeners[0].steps.last().unwrap().value, None);
}

#[test]
fn what_is_lost_is_told() {
    let found = Machine::new("http_port 3128\ninclude /etc/squid/gone.conf\n").read();
    let message = "Squid does not start with this: Unable to find configuration file: /etc/squid/gone.conf";
    assert_eq!(messages(&found), [(ProblemKind::Lost, message)]);
    let machine = Machine::new("");
    fs::File::create(machine.folder.path().join(DEBIAN)).unwrap().set_len(8 << 30).unwrap();
    assert_eq!(machine.read().problems[0].kind, ProblemKind::Lost);
}

#[test]
fn what_grows_without_end_ends() {
    let twice = "include /etc/squid/N.conf\n".repeat(4);
    let machine = (0..15).fold(Machine::new("include /etc/squid/0.conf\nhttp_port 1\n"), |machine, n| {
        machine.with(&format!("etc/squid/{n}.conf"), twice.replace('N', &(n + 1).to_string()))
    });
    assert!(messages(&machine.with("etc/squid/15.conf", "#\n").read())[0].1.contains("more than we read"));
    let ports: String = (1..60_000).map(|port| format!("http_port 127.0.0.1:{port}\n")).collect();
    assert_eq!(Machine::new(&ports).read().listeners.len(), MAX_PORTS);
    let line = format!("http_port 3128 {}", "\\\n name=x ".repeat(100_000));
    assert_eq!(Machine::new(&line).read().listeners.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn no_text_panics(text in "[a-z.=:0-9 #{}$\\[\\]\\\\\n-]{0,100}", bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        for name in ["http_port", "if", "include", "max_filedescriptors", "workers", "cache_peer", ""] {
            Machine::new(&format!("{name} {text}\nhttp_port 3128 {text}\n")).read();
        }
        Machine::new("").with(DEBIAN, bytes).read();
    }
}
