//! Computes the accept queue of every TCP listener that a tree of files describes, and shows which lines decide it.
//!
//! The accept queue of a listening socket is `min(backlog, net.core.somaxconn)`: what the program passes to listen(2),
//! and what the kernel of the network namespace allows (net/socket.c, `__sys_listen`).

#![deny(
    clippy::dbg_macro,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::todo,
    clippy::unimplemented,
    clippy::unwrap_used
)]
#![warn(unreachable_pub)]

use std::sync::Arc;

use crate::discover::Site;
use crate::read::{Beliefs, Read};
use crate::report::Report;
use crate::suppress::Only;
use crate::text::Sources;
pub use judge::Audited;
pub use request::{Error, Request};

pub mod checks;
pub mod commands;
pub mod config;
pub mod discover;
pub mod git;
mod judge;
pub mod kernel;
pub mod knowledge;
#[cfg(target_os = "linux")]
pub mod live;
pub mod model;
pub mod plan;
mod read;
pub mod report;
mod request;
pub mod resolve;
pub mod rules;
pub mod services;
pub mod suppress;
pub mod syntax;
pub mod text;

/// Audits the trees that the request names.
pub fn audit(request: &Request) -> Result<Report, Error> {
    Ok(read(request)?.judge(request.running.clone()))
}

/// Reads the trees that the request names.
pub fn read(request: &Request) -> Result<Audited, Error> {
    let sources = Sources::new();
    let mut sites = match &request.given {
        Some((path, bytes)) => vec![discover::given(&sources, path, bytes.clone())?],
        None => discover::sites(&request.paths, request.read_as)?,
    };
    sites.iter_mut().for_each(|site| site.tree.watched_by(&request.progress));
    let baseline = request.baseline.as_deref().map(read::read_baseline).transpose()?;
    let beliefs = match Beliefs::load(&sources, request, &sites, baseline) {
        Ok(beliefs) => beliefs,
        Err(broken) => return Err(Error::Broken(broken, Box::new(sources))),
    };
    let mut read = Read::default();
    for site in &sites {
        read.site(&sources, &beliefs, site, request);
    }
    read.cuts(&sources, &sites);
    let changed = request.changed_since.as_deref().map(|rev| changed(&sources, &sites, rev)).transpose()?;
    let files = sites.iter().map(|site| site.tree.files_read()).sum();
    let Read { host, comments, only, left_out, .. } = read;
    let (beliefs, request) = (Arc::new(beliefs), request.clone());
    Ok(Audited { sources, beliefs, request, host, comments, only, changed, files, left_out })
}

/// What has changed in each site since a revision.
fn changed(sources: &Sources, sites: &[Site], rev: &str) -> Result<Vec<Only>, git::Fault> {
    let of = |site: &Site| {
        let paths = git::changed(sources, &site.tree, rev)?.into_iter().collect();
        Ok(Only { root: site.tree.label().map(str::to_owned), paths })
    };
    sites.iter().map(of).collect()
}
