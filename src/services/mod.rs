//! What each service's files mean: one module a grammar. A reader turns files into listeners and problems; it knows nothing
//! of the kernel, of other services or of what is good.

use std::path::PathBuf;

pub use crate::knowledge::Candidate;
use crate::knowledge::{Candidates, Knowledge, Service};
use crate::model::{Listener, PlaceId, Problem, ReadAs};
use crate::syntax::hosts::Hosts;
use crate::text::{Sources, Tree};

pub mod nginx;
pub mod node;
pub mod tomcat;

/// What every reader stands on.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    pub sources: &'a Sources,
    pub tree: &'a Tree,
    pub service: &'a Service,
    /// Names as this machine resolves them.
    pub hosts: &'a Hosts,
    pub place: PlaceId,
    /// In a repository or a single file, what lies outside it is absent without being wrong.
    pub read_as: ReadAs,
    /// The files and folders that were asked for by name.
    pub only: &'a [PathBuf],
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
const READERS: [(&str, Reader); 3] = [("nginx", nginx::read), ("node", node::read), ("tomcat", tomcat::read)];

/// Reads every service's files in one place.
pub fn read(
    sources: &Sources,
    tree: &Tree,
    knowledge: &Knowledge,
    read_as: ReadAs,
    only: &[PathBuf],
    place: PlaceId,
    files: &Candidates,
) -> Found {
    let hosts = &Hosts::read(sources, tree);
    let mut found = Found::default();
    for (name, reader) in READERS {
        let (Some(service), Some(files)) = (knowledge.service(name), files.get(name)) else { continue };
        let read = reader(Ground { sources, tree, service, hosts, place, read_as, only }, files);
        found.listeners.extend(read.listeners);
        found.problems.extend(read.problems);
        found.left_out += read.left_out;
    }
    found
}
