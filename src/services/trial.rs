//! What the tests of the readers stand on: a small tree, the command lines that start things in it, and what a reader makes of
//! them. Which files are candidates is decided as it is for a real tree: by place, or by name and content.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use tempfile::TempDir;

use super::{Candidate, Found, Ground, Premises, read, read_one};
use crate::knowledge::{Knowledge, Service};
use crate::model::{Command, Listener, Next, PlaceId, Problem, ReadAs, Room, Starter, Text, Variable};
use crate::syntax::hosts::Hosts;
use crate::text::{Edit, Origin, SourceId, Sources, Span, Tree, apply};

/// What is known, read once for all tests, and the sources that it points into.
static KNOWN: LazyLock<(Sources, Knowledge)> = LazyLock::new(|| {
    let sources = Sources::new();
    let knowledge = Knowledge::load(&sources).unwrap();
    (sources, knowledge)
});

/// A tree before it is read.
pub(crate) struct Trial {
    service: &'static str,
    folder: TempDir,
    sources: Sources,
    files: Vec<PathBuf>,
    commands: Vec<Command>,
    read_as: ReadAs,
    only: Vec<PathBuf>,
}

impl Trial {
    fn new(service: &'static str, read_as: ReadAs, files: &[(&str, &str)]) -> Self {
        let trial = Self {
            service,
            folder: tempfile::tempdir().unwrap(),
            sources: KNOWN.0.anew(),
            files: Vec::new(),
            commands: Vec::new(),
            read_as,
            only: Vec::new(),
        };
        files.iter().fold(trial, |trial, (path, text)| trial.with(path, text))
    }

    /// The root of a machine.
    pub(crate) fn root(service: &'static str, files: &[(&str, &str)]) -> Self {
        Self::new(service, ReadAs::Root, files)
    }

    pub(crate) fn repository(service: &'static str, files: &[(&str, &str)]) -> Self {
        Self::new(service, ReadAs::Repo, files)
    }

    pub(crate) fn with(mut self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        let file = self.folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
        self.files.push(path.into());
        self
    }

    /// A file of so many bytes of nothing.
    pub(crate) fn with_length(self, path: &str, length: u64) -> Self {
        let trial = self.with(path, "");
        fs::File::create(trial.folder.path().join(path)).unwrap().set_len(length).unwrap();
        trial
    }

    /// Asked for these files and folders by name.
    pub(crate) fn only(mut self, paths: &[&str]) -> Self {
        self.only = paths.iter().map(PathBuf::from).collect();
        self
    }

    /// Something starts `RAILS_ENV=production puma -p 80` from the top of the tree. A word with a `$` is not known.
    pub(crate) fn started(self, line: &str) -> Self {
        self.started_as(line, |_| {})
    }

    /// The same, with something about the command that is not as a Procfile has it.
    pub(crate) fn started_as(mut self, line: &str, change: impl FnOnce(&mut Command)) -> Self {
        let origin = Origin::File { root: None, path: "Procfile".into() };
        let mut command = command(self.sources.add(origin, line.as_bytes().to_vec()), line);
        change(&mut command);
        self.commands.push(command);
        self
    }

    /// The files of other services too, as the audit reads all of a place.
    pub(crate) fn read_with(self, others: &[&str]) -> Seen {
        let Self { sources, read_as, only, commands, .. } = &self;
        let tree = Tree::open(self.folder.path(), *read_as != ReadAs::Repo).unwrap();
        let names = others.iter().chain([&self.service]);
        let files = names.map(|name| {
            let service = KNOWN.1.service(name).unwrap();
            (service.name.clone(), self.candidates(&tree, service))
        });
        let (read_as, tree) = (*read_as, &tree);
        let premises = Premises { sources, tree, read_as, only, place: PlaceId(0), commands };
        let found = read(&KNOWN.1, premises, &files.collect());
        Seen { sources: self.sources, found }
    }

    pub(crate) fn read(self) -> Seen {
        let tree = Tree::open(self.folder.path(), self.read_as != ReadAs::Repo).unwrap();
        let service = KNOWN.1.service(self.service).unwrap();
        let ground = Ground {
            sources: &self.sources,
            tree: &tree,
            service,
            knowledge: &KNOWN.1,
            hosts: &Hosts::read(&self.sources, &tree),
            place: PlaceId(0),
            commands: &self.commands,
            read_as: self.read_as,
            only: &self.only,
        };
        let candidates = self.candidates(&tree, service);
        let found = read_one(ground, &candidates);
        Seen { sources: self.sources, found }
    }

    fn candidates(&self, tree: &Tree, service: &Service) -> Vec<Candidate> {
        let shape = &service.shape;
        let placed: Vec<PathBuf> =
            shape.places.iter().flat_map(|place| tree.glob(place.as_bytes())).collect();
        let candidate = |path: &PathBuf| {
            let by_place = placed.contains(path);
            let looks = || {
                let bytes = fs::read(self.folder.path().join(path)).unwrap();
                let path = path.to_str().unwrap().as_bytes();
                shape.has_name(path) && shape.fits(path, &bytes)
            };
            (by_place || looks()).then(|| Candidate { path: path.clone(), by_place })
        };
        let mut candidates: Vec<Candidate> = self.files.iter().filter_map(candidate).collect();
        candidates.sort();
        candidates
    }
}

fn command(source: SourceId, line: &str) -> Command {
    let mut at = 0;
    let word = |text: &str| {
        let span = Span::new(source, at..at + text.len());
        at += text.len() + 1;
        let word = Text::written(text, span);
        if text.contains('$') { word.with_open(text) } else { word }
    };
    let mut words: Vec<Text> = line.split(' ').map(word).collect();
    let program = words.iter().position(|word| !word.as_str().contains('=')).unwrap_or(0);
    let variable = |word: Text| {
        let (name, _) = word.as_str().split_once('=').unwrap();
        Variable { name: name.into(), value: word.slice(name.len() + 1..word.len()) }
    };
    let environment = words.drain(..program).map(variable).map(Arc::new).collect();
    let end = Span::new(source, line.len()..line.len());
    Command {
        starter: Starter::Procfile,
        name: "web".into(),
        words,
        environment,
        folder: Some(PathBuf::new()),
        at: Span::new(source, 0..line.len()),
        room: Some(Room { at: end, before: " ".into(), after: String::new() }),
        open_files: None,
        image: None,
    }
}

/// What a reader made of it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) sources: Sources,
    pub(crate) found: Found,
}

impl Seen {
    /// `*:80 511`, a listener each; `?` is what is not known.
    pub(crate) fn rows(&self) -> Vec<String> {
        let row = |listener: &Listener| {
            let number = listener.backlog.value.as_ref().map(|value| value.get.to_string());
            format!("{} {}", listener.endpoint, number.unwrap_or("?".into()))
        };
        self.found.listeners.iter().map(row).collect()
    }

    /// `Lost: what is wrong`, a problem each.
    pub(crate) fn problems(&self) -> Vec<String> {
        let show = |problem: &Problem| format!("{:?}: {}", problem.kind, problem.message);
        self.found.problems.iter().map(show).collect()
    }

    /// What bounds keep from being looked at.
    pub(crate) fn cuts(&self) -> Vec<String> {
        self.sources.cuts().into_iter().map(|cut| cut.what).collect()
    }

    /// `*:80 -> 127.0.0.1:9000, app:80`, a listener each.
    pub(crate) fn hops(&self) -> Vec<String> {
        let next = |next: &Next| match next {
            Next::At(endpoint) => endpoint.to_string(),
            Next::Named(name, port) => format!("{name}:{port}"),
        };
        let show = |listener: &Listener| {
            let hops: Vec<String> = listener.hops.iter().map(|hop| next(&hop.to)).collect();
            format!("{} -> {}", listener.endpoint, hops.join(", "))
        };
        self.found.listeners.iter().map(show).collect()
    }

    /// The first listener at an address as `ss` shows it.
    pub(crate) fn at(&self, address: &str) -> &Listener {
        let mut listeners = self.found.listeners.iter();
        let found = listeners.find(|listener| listener.endpoint.to_string() == address);
        found.unwrap_or_else(|| panic!("no {address} in {:?}", self.rows()))
    }

    /// The only listener, of files that nothing is wrong with.
    pub(crate) fn one(&self) -> &Listener {
        assert_eq!(self.problems(), [""; 0]);
        assert_eq!(self.found.listeners.len(), 1, "{:?}", self.rows());
        &self.found.listeners[0]
    }

    /// What all steps and notes say.
    pub(crate) fn said(&self) -> String {
        let steps =
            self.found.listeners.iter().flat_map(|listener| listener.steps.iter().chain(&listener.notes));
        steps.map(|step| step.what.as_str()).collect::<Vec<_>>().join("; ")
    }

    /// The file in which the first listener's number stands, once it asks for this one; `None` where it has no place.
    pub(crate) fn set(&self, number: i64) -> Option<String> {
        self.set_in(self.found.listeners.first()?, number)
    }

    pub(crate) fn set_in(&self, listener: &Listener, number: i64) -> Option<String> {
        let edit: Edit = listener.backlog.slot.as_ref()?.edit(number);
        let bytes = apply(self.sources.bytes(edit.span.source), std::slice::from_ref(&edit));
        Some(String::from_utf8(bytes).unwrap())
    }

    /// A file after every listener's number was set, where that is possible.
    pub(crate) fn set_all(&self, path: &str, number: i64) -> String {
        let slots = self.found.listeners.iter().filter_map(|listener| listener.backlog.slot.as_ref());
        let of_file = |edit: &Edit| self.sources.get(edit.span.source).path() == Some(Path::new(path));
        let mut edits: Vec<Edit> = slots.map(|slot| slot.edit(number)).filter(of_file).collect();
        edits.sort_by_key(|edit| edit.span.start);
        edits.dedup();
        let source = edits.first().expect("a slot in it").span.source;
        String::from_utf8(apply(self.sources.bytes(source), &edits)).unwrap()
    }
}
