use std::fs;

use tempfile::TempDir;

use super::*;
use crate::knowledge::Knowledge;
use crate::model::{Endpoint, Listener, Next, PlaceId, ReadAs, Room};
use crate::syntax::hosts::Hosts;
use crate::text::{Origin, Sources, Tree, apply};

/// A tree with uWSGI's files in it.
struct Machine {
    folder: TempDir,
    sources: Sources,
    files: Vec<String>,
    commands: Vec<Command>,
    read_as: ReadAs,
}

impl Machine {
    fn new(read_as: ReadAs, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let files = files.iter().map(|(path, _)| (*path).to_owned()).collect();
        Self { folder, sources: Sources::new(), files, commands: Vec::new(), read_as }
    }

    fn repository(ini: &str) -> Self {
        Self::new(ReadAs::Repo, &[("deploy/uwsgi.ini", ini)])
    }

    fn debian(ini: &str) -> Self {
        Self::new(ReadAs::Root, &[("etc/uwsgi/apps-enabled/shop.ini", ini)])
    }

    /// Started by this line of a file, with these variables.
    fn started(mut self, line: &str, variables: &[(&str, &str)]) -> Self {
        let source = self.sources.add(Origin::Builtin("Procfile".into()), line.as_bytes().to_vec());
        let word = |text: &str| {
            let start = line.find(text).unwrap_or_default();
            Word {
                text: text.into(),
                span: Span::new(source, start..start + text.len()),
                exact: true,
                open: false,
            }
        };
        let variable = |(name, value): &(&str, &str)| crate::model::Variable {
            name: (*name).into(),
            value: word(value),
        };
        self.commands.push(Command {
            starter: Starter::Procfile,
            name: "web".into(),
            words: line.split(' ').map(word).collect(),
            environment: variables.iter().map(variable).collect(),
            folder: Some("deploy".into()),
            at: Span::new(source, 0..line.len()),
            room: Some(Room {
                at: Span::new(source, line.len()..line.len()),
                before: " ".into(),
                after: String::new(),
            }),
            open_files: None,
            image: None,
        });
        self
    }

    fn read(&self) -> Found {
        let tree = Tree::open(self.folder.path(), true).unwrap();
        let knowledge = Knowledge::load(&self.sources).unwrap();
        let service = knowledge.service("uwsgi").unwrap();
        let ground = Ground {
            sources: &self.sources,
            tree: &tree,
            service,
            hosts: &Hosts::read(&self.sources, &tree),
            place: PlaceId(0),
            commands: &self.commands,
            read_as: self.read_as,
            only: &[],
        };
        let placed: Vec<PathBuf> =
            service.shape.places.iter().flat_map(|place| tree.glob(place.as_bytes())).collect();
        let mut files: Vec<Candidate> = Vec::new();
        for file in &self.files {
            let path = PathBuf::from(file);
            let by_place = placed.contains(&path);
            let bytes = fs::read(self.folder.path().join(&path)).unwrap();
            if by_place || service.shape.has_name(file.as_bytes()) && service.shape.looks_right(&bytes) {
                files.push(Candidate { path, by_place });
            }
        }
        read(ground, &files)
    }

    /// The file once uWSGI asks for a number, if it can be told to.
    fn set(&self, number: i64) -> Option<String> {
        let slot = self.read().listeners.first()?.backlog.slot.clone()?;
        let bytes = apply(self.sources.bytes(slot.span.source), &[slot.edit(number)]);
        Some(String::from_utf8(bytes).unwrap())
    }
}

fn told(found: &Found) -> Vec<(String, Option<i64>)> {
    let number = |listener: &Listener| listener.backlog.value.as_ref().map(|value| value.get);
    found.listeners.iter().map(|listener| (listener.endpoint.to_string(), number(listener))).collect()
}

fn one(address: &str, number: impl Into<Option<i64>>) -> Vec<(String, Option<i64>)> {
    vec![(address.to_owned(), number.into())]
}

#[test]
fn a_number_is_put_where_it_stands_or_beside_the_socket() {
    for (ini, longer) in [
        ("[uwsgi]\nsocket = :1\nlisten = 64\n", "[uwsgi]\nsocket = :1\nlisten = 300\n"),
        ("[uwsgi]\nsocket = :1\nx = y\n", "[uwsgi]\nsocket = :1\nlisten = 300\nx = y\n"),
        ("[uwsgi]\nsocket = :1\r\nx = y\r\n", "[uwsgi]\nsocket = :1\r\nlisten = 300\r\nx = y\r\n"),
        (
            "[uwsgi]\nfor = 1 2\nsocket = :%(_)\nendfor =\n",
            "[uwsgi]\nlisten = 300\nfor = 1 2\nsocket = :%(_)\nendfor =\n",
        ),
    ] {
        assert_eq!(Machine::repository(ini).set(300).as_deref(), Some(longer));
    }
    for ini in ["listen = 64k", "listen = %(x)", "listen = 064", "if-env = A\nlisten = 5\nendif ="] {
        assert_eq!(Machine::repository(&format!("[uwsgi]\nsocket = :1\n{ini}\n")).set(300), None, "{ini}");
    }
    let app = "[uwsgi]\nchdir = /srv\n";
    assert_eq!(Machine::debian(app).set(300).as_deref(), Some("[uwsgi]\nlisten = 300\nchdir = /srv\n"));
    let xml = "<uwsgi>\n  <socket>:1</socket>\n</uwsgi>\n";
    let longer = "<uwsgi>\n  <socket>:1</socket>\n  <listen>300</listen>\n</uwsgi>\n";
    assert_eq!(Machine::new(ReadAs::Repo, &[("uwsgi.xml", xml)]).set(300).as_deref(), Some(longer));
}

#[test]
fn a_command_line_is_read_from_left_to_right_and_files_without_option_last() {
    let ini = "[uwsgi]\nlisten = 64\n";
    for (line, number) in [
        ("uwsgi --http-socket :1 --listen 65 --ini uwsgi.ini", 64),
        ("uwsgi --http-socket :1 --ini uwsgi.ini --listen 65", 65),
        ("uwsgi --http-socket :1 --ini uwsgi.ini --listen=66", 66),
        ("uwsgi --http-socket :1 uwsgi.ini -l 67", 64),
        ("uwsgi --master -l 68 -s :1", 68),
        ("uwsgi -Ml69 -s :1 --lazy-apps -p 4", 69),
        ("uwsgi --http-socket :1 --enable-threads", 100),
    ] {
        let machine = Machine::new(ReadAs::Repo, &[("deploy/uwsgi.ini", ini)]).started(line, &[]);
        let found = machine.read();
        assert_eq!(told(&found).first(), one("0.0.0.0:1", number).first(), "{line}");
    }
}

#[test]
fn a_number_of_the_command_line_is_changed_there() {
    for (line, longer) in [
        ("uwsgi -s :1 --listen 65 -M", "uwsgi -s :1 --listen 300 -M"),
        ("uwsgi -s :1 --listen=65", "uwsgi -s :1 --listen=300"),
        ("uwsgi -s :1 -l65", "uwsgi -s :1 -l300"),
        ("uwsgi -s :1 -M", "uwsgi -s :1 -M --listen 300"),
    ] {
        let machine = Machine::new(ReadAs::Repo, &[]).started(line, &[]);
        assert_eq!(machine.set(300).as_deref(), Some(longer), "{line}");
    }
}

#[test]
fn variables_are_options_and_the_first_of_them() {
    let line = "uwsgi -s :1 64";
    let machine = Machine::new(ReadAs::Repo, &[]).started(line, &[("UWSGI_LISTEN", "64")]);
    assert_eq!(told(&machine.read()), one("0.0.0.0:1", 64));
    let line = "uwsgi -s :1 -l 65 64";
    let machine = Machine::new(ReadAs::Repo, &[]).started(line, &[("UWSGI_LISTEN", "64")]);
    assert_eq!(told(&machine.read()), one("0.0.0.0:1", 65));
}

#[test]
fn a_router_passes_on_to_its_nodes_or_the_first_socket() {
    let hops = |ini: &str| {
        let found = Machine::repository(ini).read();
        let router =
            found.listeners.into_iter().find(|listener| listener.endpoint.port() == Some(80)).unwrap();
        router.hops.into_iter().map(|hop| hop.to).collect::<Vec<Next>>()
    };
    let unix = |path: &str| Next::At(Endpoint::Unix(path.into()));
    assert_eq!(hops("[uwsgi]\nhttp = :80\nsocket = /run/a.sock\n"), [unix("/run/a.sock")]);
    let to = "[uwsgi]\nhttp = :80\nhttp-to = /run/b.sock\nhttp-to = app:3031\nsocket = /run/a.sock\n";
    assert_eq!(hops(to), [unix("/run/b.sock"), Next::Named("app".into(), 3031)]);
    assert_eq!(hops("[uwsgi]\nhttps = :80,a.crt,a.key\n"), []);
}

#[test]
fn a_router_on_the_port_of_a_socket_is_in_its_way() {
    let found = Machine::repository("[uwsgi]\nsocket = :3031\nhttp = :3031\n").read();
    let kinds: Vec<ProblemKind> = found.problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [ProblemKind::Conflict]);
    assert_eq!(told(&found), one("0.0.0.0:3031", 100));
}

#[test]
fn what_the_tree_does_not_tell_is_not_guessed() {
    for ini in [
        "listen = 5\nif-env = A\nlisten = 6\nendif =",
        "if-file = /run/flag\nlisten = 6\nendif =",
        "listen = 5\ninclude = /opt/elsewhere.ini",
        "for-glob = /run/*\nlisten = 1%(_)\nendfor =",
    ] {
        let found = Machine::repository(&format!("[uwsgi]\nsocket = :1\n{ini}\n")).read();
        assert_eq!(told(&found), one("0.0.0.0:1", None), "{ini}");
        assert!(found.problems.is_empty(), "{ini}");
        assert!(found.listeners[0].steps.iter().all(|step| step.value.is_none() && !step.what.is_empty()));
    }
    for socket in [":$(PORT)", ":{{ port }}", "${host}:80", "%d/app.sock", "*:80", "app.example.com:80"] {
        let found = Machine::repository(&format!("[uwsgi]\nsocket = {socket}\n")).read();
        assert_eq!(found.listeners[0].endpoint.address(), None, "{socket}");
        assert!(!found.listeners[0].notes.is_empty(), "{socket}");
    }
}

#[test]
fn files_that_others_read_do_not_stand_alone() {
    let files = [
        ("deploy/base.ini", "[uwsgi]\nsocket = :1\n"),
        ("deploy/uwsgi.ini", "[uwsgi]\ninherit = base.ini\nlisten = 64\n"),
        ("vassals/a.ini", "[uwsgi]\nsocket = :2\n"),
        ("emperor.ini", "[uwsgi]\nemperor = /etc/uwsgi/vassals\nvassal-set = listen=65\n"),
    ];
    let mut found = told(&Machine::new(ReadAs::Repo, &files).read());
    found.sort();
    assert_eq!(found, [one("0.0.0.0:1", 64), one("0.0.0.0:2", 65)].concat());
}

#[test]
fn other_files_with_the_section_are_nobodys_fault() {
    for ini in [
        "[uwsgi]\nini = :uwsgi\n",
        "[app:main]\nuse = egg:shop\n[uwsgi]\nthreads = 4\n",
        "{\"uwsgi\": {{ x }}}",
    ] {
        let found = Machine::new(ReadAs::Repo, &[("app.ini", ini)]).read();
        assert!(found.listeners.is_empty() && found.problems.is_empty(), "{ini}");
    }
    let found = Machine::new(ReadAs::Repo, &[("uwsgi.json", "{\"uwsgi\": {{ x }}}")]).read();
    assert!(found.listeners.is_empty() && found.problems.is_empty());
}

#[test]
fn hostile_files_end_soon() {
    for ini in [
        format!("[uwsgi]\n{}", "for = a b c d e f g h i j\nini = :uwsgi\nendfor =\n".repeat(500)),
        format!("[uwsgi]\na = %(a)\nsocket = %(a)\nb = {}\n", "%(b)".repeat(2_000)),
        format!("[uwsgi]\n{}", "ini = :uwsgi\n".repeat(50)),
        format!("[uwsgi]\nfor-times = 99999999\n{}", "socket = :%(_)\n".repeat(1_000)),
        format!("[uwsgi]\n{}", "socket = /run/a%(x + 1)\nx = 5\n".repeat(5_000)),
    ] {
        Machine::repository(&ini).read();
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_make_it_panic(text in r"(\[uwsgi\]\n|(socket|listen|ini|for|if-env|endif|emperor|http|stats) ?= ?|[:%$()/0-9a-z,\[\]@*-]|\n){0,60}") {
        let _found = Machine::repository(&text).read();
        let _found = Machine::debian(&text).read();
        let _found = Machine::new(ReadAs::Repo, &[]).started(&format!("uwsgi {}", text.replace('\n', " ")), &[]).read();
    }
}
