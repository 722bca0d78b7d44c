//! What each service's files mean: one module a grammar. A reader turns files into listeners and problems; it knows nothing
//! of the kernel, of other services or of what is good.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::knowledge::{Knowledge, Service};
use crate::model::{Listener, PlaceId, Problem};
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
}

/// A file that discovery holds to be a service's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// The real path in the tree.
    pub path: PathBuf,
    /// It lies where the service itself looks for it; else it was found by name and content.
    pub by_place: bool,
}

/// What a reader found.
#[derive(Debug, Default)]
pub struct Found {
    pub listeners: Vec<Listener>,
    pub problems: Vec<Problem>,
}

type Reader = fn(Ground<'_>, &[Candidate]) -> Found;

/// The readers, by the name of the service's file in `rules/services/`.
const READERS: [(&str, Reader); 3] = [("nginx", nginx::read), ("node", node::read), ("tomcat", tomcat::read)];

/// The files that discovery found, by service.
pub type Candidates = BTreeMap<String, Vec<Candidate>>;

/// Reads every service's files in one place.
pub fn read(
    sources: &Sources,
    tree: &Tree,
    knowledge: &Knowledge,
    place: PlaceId,
    files: &Candidates,
) -> Found {
    let hosts = &Hosts::read(sources, tree);
    let mut found = Found::default();
    for (name, reader) in READERS {
        let (Some(service), Some(files)) = (knowledge.service(name), files.get(name)) else { continue };
        let read = reader(Ground { sources, tree, service, hosts, place }, files);
        found.listeners.extend(read.listeners);
        found.problems.extend(read.problems);
    }
    found
}
