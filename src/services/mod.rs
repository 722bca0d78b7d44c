//! What each service's files mean: one module a grammar. A reader turns files into listeners and problems; it knows nothing
//! of the kernel, of other services or of what is good.

pub mod ask;
pub mod bind;
mod enabled;
mod hops;
mod layout;
mod mains;
mod opened;
mod program;
mod ruby;
mod start;
#[cfg(test)]
mod trial;
mod version;

use std::path::{Path, PathBuf};

pub use crate::knowledge::Candidate;
use crate::knowledge::{Candidates, Knowledge, Service, Signs};
use crate::model::{Command, Listener, PlaceId, Problem, ProblemKind, ReadAs, Text, Version};
use crate::syntax::hosts::Hosts;
use crate::syntax::refusal::Refusal;
use crate::text::tree::Unread;
use crate::text::{SourceId, Sources, Span, Tree};

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
use program::{Interpreter, OfFile, Programs, Run, variable};
use ruby::options_of;
use start::{Named, Reads, Starts};
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

    /// The version of what a command line starts.
    pub fn version_of(&self, command: &Command, near: &Path) -> Option<Version> {
        version::of(*self, command, near)
    }

    /// The file that a command line names. In a repository an absolute path is one of the machine that the files will be copied
    /// to: the longest end of it that is a file here.
    pub fn named_file(&self, command: &Command, path: &str) -> Option<PathBuf> {
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

    /// What is wrong with the service's files.
    pub fn problem(&self, kind: ProblemKind, message: impl Into<String>, at: Span) -> Problem {
        let service = Some(self.service.name.clone());
        Problem { kind, service, message: message.into(), help: None, at, labels: Vec::new() }
    }

    /// A file of the service that cannot be read. One by content was read when its content was looked at; only one by place can
    /// be new, and lost.
    pub fn unread(&self, candidate: &Candidate, why: &Unread) -> Problem {
        let message = format!("{} is not read: {why}", candidate.path.display());
        self.problem(ProblemKind::Lost, message, Span::top(self.tree.unread(self.sources, &candidate.path)))
    }

    /// A service that does not start with its files, or that we do not read to their end.
    pub fn refused(&self, kind: ProblemKind, refusal: &Refusal) -> Problem {
        let name = &self.service.name;
        let (kind, message) = match refusal.ours {
            true => {
                (ProblemKind::CutOff, format!("this {name}.conf was not read to its end: {}", refusal.why))
            }
            false => (kind, format!("it does not start with this: {}", refusal.why)),
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
        let message = format!("{what} does not read: {error}");
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

/// Reads every service's files in one place.
pub fn read(knowledge: &Knowledge, premises: Premises<'_>, files: &Candidates) -> Found {
    let Premises { sources, tree, read_as, only, place, commands } = premises;
    let hosts = &Hosts::read(sources, tree);
    let mut found = Found::default();
    let ground = |service| Ground { sources, tree, service, hosts, place, commands, read_as, only };
    let own = READERS.iter().filter_map(|(name, _)| knowledge.signs_of(name));
    let is_own = |signs: &&Signs| READERS.iter().any(|(name, _)| *name == signs.name);
    for signs in own.chain(knowledge.signs().filter(|signs| !is_own(signs))) {
        let files = files.get(&signs.name).map_or(&[][..], Vec::as_slice);
        if files.is_empty() && !commands.iter().any(|command| signs.arguments_in(command).is_some()) {
            continue;
        }
        let Some(service) = signs.service() else { continue };
        let read = read_one(ground(service), files);
        found.listeners.extend(read.listeners);
        found.problems.extend(read.problems);
        found.left_out += read.left_out;
    }
    found
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
