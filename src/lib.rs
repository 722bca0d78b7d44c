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

use crate::read::read_sites;
use crate::report::Report;
use crate::text::Sources;
pub use read::Audited;
pub use request::{Error, Request};

/// The address of this project, without a slash at the end: Cargo.toml's `homepage`. Empty until somebody gives it a home; whatever
/// has a link to it then has none.
pub const HOME: &str = env!("CARGO_PKG_HOMEPAGE");

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
mod since;
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
    let mut audited = read_sites(sources, &sites, request)?;
    let since = |rev: &String| since::as_it_was(request, &sites, &audited.beliefs, rev);
    let was = request.changed_since.as_ref().map(since);
    audited.was = was.transpose()?;
    Ok(audited)
}
