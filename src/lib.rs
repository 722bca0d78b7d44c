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

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::FailOn;
use crate::discover::Site;
use crate::knowledge::Broken;
use crate::model::{Date, ReadAs, Running};
use crate::read::{Beliefs, Read};
use crate::report::Report;
use crate::suppress::Only;
use crate::text::{Progress, Sources};
pub use judge::Audited;

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
pub mod resolve;
pub mod rules;
pub mod services;
pub mod suppress;
pub mod syntax;
pub mod text;

/// What to audit, and how.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Root filesystems, etc folders, repositories or files.
    pub paths: Vec<PathBuf>,
    /// One file by its name and bytes, instead of the paths.
    pub given: Option<(PathBuf, Vec<u8>)>,
    /// How to understand the paths, instead of the guess.
    pub read_as: Option<ReadAs>,
    /// The kernel that the files will run on, e.g. `5.15.0-91-generic`.
    pub kernel: Option<String>,
    /// Sysctls to assume: key in the spelling with dots, and value.
    pub set: Vec<(String, i64)>,
    /// The files are those of the machine that we run on, wherever they lie.
    pub live: bool,
    /// Never look at the running machine, even when the root is `/`.
    pub offline: bool,
    /// Take in what is not production.
    pub include_tests: bool,
    /// Put the unsafe fixes into the patch too.
    pub unsafe_fixes: bool,
    /// Folders of an organisation's own rules.
    pub rules: Vec<PathBuf>,
    /// Only these rules, if any.
    pub select: Vec<String>,
    /// All but these rules.
    pub ignore: Vec<String>,
    /// The policy, instead of the one that is found upward from the first path.
    pub config: Option<PathBuf>,
    /// From which severity on findings fail the audit, whatever the policy says.
    pub fail_on: Option<FailOn>,
    /// The day of the audit, for ignores that hold until one; without it none expires.
    pub today: Option<Date>,
    /// A file that lists findings which are not reported.
    pub baseline: Option<PathBuf>,
    /// Keep all that was found, as the next baseline.
    pub keep_baseline: bool,
    /// Only findings in which files take part that have changed since this revision.
    pub changed_since: Option<String>,
    /// What the machine of these files showed while it ran; it is judged too.
    pub running: Option<Running>,
    /// How far the audit has come, for somebody who waits.
    pub progress: Arc<Progress>,
}

/// Why an audit could not be done at all. A file that does not read is a finding instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Path(#[from] discover::Unusable),
    #[error(transparent)]
    Git(#[from] git::Fault),
    #[error("{}: {message}", path.display())]
    Baseline { path: PathBuf, message: String },
    /// A rule file or one of our own tables does not read; the sources hold the place that it names.
    #[error("{0}")]
    Broken(Broken, Box<Sources>),
}

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
    let Read { host, only, left_out, .. } = read;
    let (beliefs, request) = (Arc::new(beliefs), request.clone());
    Ok(Audited { sources, beliefs, request, host, only, changed, files, left_out })
}

/// What has changed in each site since a revision.
fn changed(sources: &Sources, sites: &[Site], rev: &str) -> Result<Vec<Only>, git::Fault> {
    let of = |site: &Site| {
        let paths = git::changed(sources, &site.tree, rev)?.into_iter().collect();
        Ok(Only { root: site.tree.label().map(str::to_owned), paths })
    };
    sites.iter().map(of).collect()
}
