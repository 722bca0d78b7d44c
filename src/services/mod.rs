//! What each service's files mean: one module a grammar. A reader turns files into listeners and problems; it knows nothing
//! of the kernel, of other services or of what is good.

mod activated;
pub mod ask;
pub mod bind;
mod enabled;
mod hops;
mod layout;
mod libc;
mod mains;
mod opened;
mod program;
mod ruby;
mod start;
mod starters;
#[cfg(test)]
mod trial;
mod version;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub use crate::knowledge::Candidate;
use crate::knowledge::{Candidates, Knowledge, Service, Signs};
use crate::model::{
    Command, Listener, NotRead, PlaceId, Problem, ProblemKind, ReadAs, Starter, Text, Version,
};
use crate::syntax::hosts::Hosts;
use crate::syntax::refusal::Refusal;
use crate::syntax::template;
use crate::text::tree::Unread;
use crate::text::{HashMap, Slot, SourceId, Sources, Span, Tree};

use activated::{Socket, of_unit as sockets_of_unit, settle, sockets as given_by_systemd};
use ask::{Ask, BELOW_0_IGNORED, BELOW_0_IS_0, BELOW_1_IGNORED, CUT, unless_so};
use bind::{
    Bound, DualStack, Empty, Names, Policy, Why, another, bound_first, bound_here, by_name, in_the_way,
    in_use, port_of,
};
use enabled::Enabled;
use hops::Hops;
use layout::{Heard, Layout, Looks, Server};
use mains::Main;
use opened::Opened;
use program::{Interpreter, OfFile, Programs, Run, answer, variable};
use ruby::options_of;
use start::{Named, Reads, Starts};
use starters::Starters;
#[cfg(test)]
use trial::{Seen, Trial};

pub mod apache;
pub mod caddy;
pub mod envoy;
pub mod go;
pub mod haproxy;
pub mod java;
pub mod jetty;
pub mod kestrel;
pub mod keys;
pub mod lighttpd;
pub mod nginx;
pub mod node;
pub mod php_fpm;
pub mod puma;
pub mod python;
pub mod spring_boot;
pub mod squid;
pub mod systemd;
pub mod tomcat;
pub mod traefik;
pub mod unicorn;
pub mod unit;
pub mod uwsgi;
pub mod varnish;
pub mod wildfly;

/// What every reader stands on.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    pub sources: &'a Sources,
    pub tree: &'a Tree,
    pub service: &'a Service,
    pub knowledge: &'a Knowledge,
    /// Names as this machine resolves them.
    pub hosts: &'a Hosts,
    pub place: PlaceId,
    /// The command lines that this place's files write.
    pub commands: &'a [Command],
    /// In a repository or a single file, what lies outside it is absent without being wrong.
    pub read_as: ReadAs,
    /// The files and folders that were asked for by name.
    pub only: &'a [PathBuf],
}

impl<'a> Ground<'a> {
    /// The command lines that start the service, and its arguments in each.
    pub fn started(&self) -> impl Iterator<Item = (&'a Command, &'a [Text])> {
        let service = self.service;
        self.commands.iter().filter_map(move |command| Some((command, service.arguments_in(command)?)))
    }

    /// What drop-ins give to the unit of a package that starts the service with a file, where the tree has only the drop-ins.
    pub fn packaged(&self, file: &Path) -> Option<&'a Command> {
        let restart = self.service.apply.restart_at(&file.to_string_lossy());
        let unit = format!("{}.service", restart.strip_prefix("systemctl restart ")?);
        let mut all = self.commands.iter().filter(|command| command.words.is_empty() && command.name == unit);
        all.next().filter(|_| all.next().is_none())
    }

    /// Whether the tree is all of a machine, or its etc folder.
    pub fn is_machine(&self) -> bool {
        matches!(self.read_as, ReadAs::Root | ReadAs::Etc)
    }

    /// Whether a file was asked for by name, itself or its folder.
    pub fn is_named(&self, candidate: &Candidate) -> bool {
        let own = candidate.path.parent().unwrap_or(Path::new(""));
        let mut only = self.only.iter();
        only.any(|named| candidate.path.starts_with(named) && named.starts_with(own))
    }

    /// The service's version as the tree shows it to who looks from a folder.
    pub fn version(&self, near: &Path) -> Option<Version> {
        version::find(*self, near)
    }

    /// That of another service, which the program of this one starts.
    pub fn version_as(&self, service: &str, near: &Path) -> Option<Version> {
        version::find(Self { service: self.knowledge.service(service)?, ..*self }, near)
    }

    /// That of another package of PyPI.
    pub fn version_of_pypi(&self, name: &str, command: Option<&Command>, near: &Path) -> Option<Version> {
        version::of_pypi(*self, name, command, near)
    }

    /// That of a package of npm.
    pub fn version_of_npm(&self, name: &str, near: &Path) -> Option<Version> {
        version::of_npm(*self, name, near)
    }

    /// The version of what a command line starts.
    pub fn version_of(&self, command: &Command, near: &Path) -> Option<Version> {
        version::of(*self, command, near)
    }

    /// The file that a command line names. In a repository an absolute path is one of the machine that the files will be copied
    /// to: the longest end of it that is a file here.
    pub fn named_file(&self, command: &Command, path: &str) -> Option<PathBuf> {
        let Self { sources, tree, read_as, only, place, commands, .. } = *self;
        Premises { sources, tree, read_as, only, place, commands }.named_file(command, path)
    }

    /// The place of a number, if the text there is that very number.
    pub fn slot_at(&self, at: Span, number: i64) -> Option<Slot> {
        (self.sources.slice(at) == number.to_string().as_bytes()).then(|| Slot::replace(at))
    }

    /// What is wrong with the service's files.
    pub fn problem(&self, kind: ProblemKind, message: impl Into<String>, at: Span) -> Problem {
        let service = Some(self.service.name.clone());
        Problem { kind, service, message: message.into(), help: None, at, labels: Vec::new() }
    }

    /// A file of the service that cannot be read. One by content was read when its content was looked at; only one by place can
    /// be new, and lost.
    pub fn unread(&self, candidate: &Candidate, why: &Unread) -> Problem {
        let message = format!("cannot read {}: {why}", candidate.path.display());
        let at = Span::top(self.tree.unread(self.sources, &candidate.path));
        Problem { help: why.help(), ..self.problem(ProblemKind::Lost, message, at) }
    }

    /// A service that does not start with its files, or that we do not read to their end.
    pub fn refused(&self, kind: ProblemKind, refusal: &Refusal) -> Problem {
        let name = &self.service.name;
        let (kind, message) = match refusal.ours {
            true => (ProblemKind::CutOff, format!("this {name}.conf was read only in part: {}", refusal.why)),
            false => (kind, format!("{REFUSED}{}", refusal.why)),
        };
        self.problem(kind, message, refusal.at)
    }

    /// A list of words in the `[reader]` table of the service's file.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let list = self.service.reader.get(name).and_then(toml::Value::as_array);
        list.into_iter().flatten().filter_map(toml::Value::as_str)
    }

    /// The text of a file of the service, or the problem that there is none.
    pub fn open(&self, candidate: &Candidate, problems: &mut Vec<Problem>) -> Option<SourceId> {
        match self.tree.read(self.sources, &candidate.path) {
            Ok(source) => Some(source),
            Err(why) => {
                problems.push(self.unread(candidate, &why));
                None
            }
        }
    }

    /// What a reader found whose own table of the service's file does not read.
    pub fn broken(&self, what: &str, error: &dyn std::fmt::Display) -> Found {
        let message = format!("{what} cannot be read: {error}");
        let problem = self.problem(ProblemKind::Lost, message, Span::top(self.service.source));
        Found { problems: vec![problem], ..Found::default() }
    }
}

/// What a reader found.
#[derive(Debug, Default)]
pub struct Found {
    pub listeners: Vec<Listener>,
    pub problems: Vec<Problem>,
    /// Files that nothing puts to use.
    pub left_out: usize,
    /// Those that look as if something should.
    pub not_read: Vec<NotRead>,
}

type Reader = fn(Ground<'_>, &[Candidate]) -> Found;

/// The readers, by the name of the service's file in `rules/services/`.
const READERS: &[(&str, Reader)] = &[
    ("apache", apache::read),
    ("caddy", caddy::read),
    ("envoy", envoy::read),
    ("go", go::read),
    ("haproxy", haproxy::read),
    ("java", java::read),
    ("jetty", jetty::read),
    ("kestrel", kestrel::read),
    ("lighttpd", lighttpd::read),
    ("nginx", nginx::read),
    ("node", node::read),
    ("php-fpm", php_fpm::read),
    ("puma", puma::read),
    ("python", python::read),
    ("spring-boot", spring_boot::read),
    ("squid", squid::read),
    ("systemd", systemd::read),
    ("tomcat", tomcat::read),
    ("traefik", traefik::read),
    ("unicorn", unicorn::read),
    ("unit", unit::read),
    ("uwsgi", uwsgi::read),
    ("varnish", varnish::read),
    ("wildfly", wildfly::read), //
];

/// The files of one place, and what they say of it in general.
#[derive(Clone, Copy)]
pub struct Premises<'a> {
    pub sources: &'a Sources,
    pub tree: &'a Tree,
    pub read_as: ReadAs,
    pub only: &'a [PathBuf],
    pub place: PlaceId,
    pub commands: &'a [Command],
}

impl Premises<'_> {
    fn named_file(&self, command: &Command, path: &str) -> Option<PathBuf> {
        let is_file = |path: PathBuf| {
            let real = self.tree.resolve(&path).ok()?;
            (self.tree.exists(&real) && !self.tree.is_folder(&real)).then_some(real)
        };
        let beside = || self.sources.get(command.at.source).path()?.parent().map(Path::to_owned);
        let folder = command.folder.clone().or_else(beside).unwrap_or_default();
        let Some(absolute) = path.strip_prefix('/') else { return is_file(folder.join(path)) };
        if self.read_as == ReadAs::Root || self.read_as == ReadAs::Etc {
            return is_file(PathBuf::from(absolute));
        }
        let parts: Vec<&str> = absolute.split('/').collect();
        (0..parts.len()).find_map(|from| {
            let end: PathBuf = parts.get(from..)?.iter().collect();
            is_file(folder.join(&end)).or_else(|| is_file(end))
        })
    }
}

/// Reads every service's files in one place.
pub fn read(knowledge: &Knowledge, premises: Premises<'_>, files: &Candidates) -> Found {
    let Premises { sources, tree, read_as, only, place, commands } = premises;
    let hosts = &Hosts::read(sources, tree);
    let mut found = Found::default();
    let mut starters: Option<Starters<'_>> = None;
    let ground =
        |service| Ground { sources, tree, service, knowledge, hosts, place, commands, read_as, only };
    let scripts = scripts(premises);
    let mut templates = Templates::default();
    let own = READERS.iter().filter_map(|(name, _)| knowledge.signs_of(name));
    let is_own = |signs: &&Signs| READERS.iter().any(|(name, _)| *name == signs.name);
    for signs in own.chain(knowledge.signs().filter(|signs| !is_own(signs))) {
        let files = files.get(&signs.name).map_or(&[][..], Vec::as_slice);
        let files = &*with_scripts(tree, files, &scripts, signs);
        if files.is_empty() && !commands.iter().any(|command| signs.arguments_in(command).is_some()) {
            continue;
        }
        let Some(service) = signs.service() else { continue };
        let mut read = read_one(ground(service), files);
        if !read.listeners.is_empty() {
            starters.get_or_insert_with(|| Starters::of(ground(service))).name(sources, &mut read.listeners);
        }
        read.listeners.iter_mut().for_each(|listener| dress(listener, service));
        read.problems.iter_mut().for_each(|problem| excuse(ground(service), problem, &mut templates));
        found.listeners.extend(read.listeners);
        found.problems.extend(read.problems);
        found.left_out += read.left_out;
        found.not_read.extend(read.not_read);
    }
    settle(&mut found.listeners);
    found
}

/// A script that a unit starts by its own name, and the program that its first line names.
type Script = (PathBuf, String);

/// Of a script's first line as much is looked at, and of all of it to tell whether it listens, in bytes.
const FIRST_LINE: u64 = 256;
const SCRIPT: u64 = 1 << 18;

fn scripts(premises: Premises<'_>) -> BTreeSet<Script> {
    let of = |command: &Command| {
        let word = command.words.first().filter(|word| !word.is_open() && word.contains('/'))?;
        let path = premises.named_file(command, word.as_str())?;
        let text = premises.tree.glance(&path, FIRST_LINE).ok()?;
        let line =
            text.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next().map(String::from_utf8_lossy)?;
        let mut words = line.split_whitespace();
        let name = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
        let program = words.next().map(name).filter(|name| name != "env");
        let program = program.or_else(|| words.find(|word| !word.starts_with('-')).map(name))?;
        Some((path, program))
    };
    let units = premises.commands.iter().filter(|command| command.starter == Starter::Unit);
    units.filter_map(of).collect()
}

/// The files of a service, and the scripts that are its own by their first line and by what is in them.
fn with_scripts<'f>(
    tree: &Tree,
    files: &'f [Candidate],
    scripts: &BTreeSet<Script>,
    signs: &Signs,
) -> Cow<'f, [Candidate]> {
    let looks_right =
        |path: &Path| tree.glance(path, SCRIPT).is_ok_and(|text| signs.shape.looks_right(&text));
    let is_own = |(path, program): &&Script| {
        signs.shape.apps
            && signs.programs.contains(program)
            && !files.iter().any(|file| file.path == *path)
            && looks_right(path)
    };
    let own: Vec<Candidate> = scripts
        .iter()
        .filter(is_own)
        .map(|(path, _)| Candidate { path: path.clone(), by_place: false })
        .collect();
    if own.is_empty() { Cow::Borrowed(files) } else { Cow::Owned([files, &own].concat()) }
}

/// Gives a listener what the service's file says of all of them.
fn dress(listener: &mut Listener, service: &Service) {
    let own = listener.backlog.value.as_ref().map(|value| value.span);
    let row = service.defaults.iter().find(|row| Some(row.value.span) == own);
    listener.full.clone_from(&service.full);
    listener.knob = row.and_then(|row| row.knob.clone());
}

/// How the refusal of a file begins.
const REFUSED: &str = "it does not start with this: ";

/// What is said of a file that was read up to a fault.
const PARTLY: &str = "read only in part:";

/// Whose templates the files are that were looked at for it.
type Templates = HashMap<SourceId, Option<&'static str>>;

/// Nobody starts a service with a template: it is read as far as it goes.
fn excuse(ground: Ground<'_>, problem: &mut Problem, known: &mut Templates) {
    let why = problem.message.strip_prefix(REFUSED);
    let counts = match problem.kind {
        ProblemKind::Lost => true,
        ProblemKind::Skipped => why.is_some(),
        // What gets in its own way was read whole.
        ProblemKind::Conflict | ProblemKind::CutOff | ProblemKind::NotFollowed => false,
    };
    if ground.is_machine() || !counts {
        return;
    }
    let source = problem.at.source;
    let whose = || template::whose(ground.sources.bytes(source));
    let Some(whose) = *known.entry(source).or_insert_with(whose) else { return };
    let why = why.or_else(|| problem.message.strip_prefix(PARTLY)).unwrap_or(&problem.message).trim_start();
    problem.message = format!("{PARTLY} it looks like a template of {whose}: {why}");
    problem.kind = ProblemKind::Skipped;
    problem.help = Some("audit the file that this template produces".to_owned());
}

/// Reads one service's files, by its own reader or as plain keys. What has neither only runs.
fn read_one(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let own = READERS.iter().find(|(name, _)| *name == ground.service.name);
    match (own, &ground.service.keys) {
        (Some((_, reader)), _) => reader(ground, files),
        (None, Some(keys)) => keys::read(ground, keys, files),
        (None, None) => Found::default(),
    }
}
