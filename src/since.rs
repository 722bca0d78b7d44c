//! What is new since a revision: the same audit is made of the files as they were then.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::discover::Site;
use crate::git::{Exports, Fault};
use crate::model::{Finding, Host, ProblemKind};
use crate::read::{Beliefs, read_sites};
use crate::request::{Error, Request};
use crate::suppress::Baseline;
use crate::text::{HashSet, Sources, Span};

/// Keeps the findings that are new, or say something else than then, such as a worse number; counts the others.
pub(crate) fn keep_new(sources: &Sources, host: &Host, was: &Baseline, findings: &mut Vec<Finding>) -> usize {
    // What was cut off of a folder may be what is new in it.
    let folders = host.problems.iter().filter(|it| it.kind == ProblemKind::CutOff).map(|it| it.at);
    let folders: HashSet<Span> = folders.filter(|at| sources.bytes(at.source).is_empty()).collect();
    let all = findings.len();
    let mut known = was.known(sources, host, findings).into_iter();
    findings.retain(|finding| {
        let said = known.next().flatten();
        said.is_none_or(|said| said != finding.message) || folders.contains(&finding.at)
    });
    all - findings.len()
}

/// What was wrong at a revision: the same audit, of the files as they were, but for what today's baseline lists.
pub(crate) fn as_it_was(
    request: &Request,
    sites: &[Site],
    today: &Beliefs,
    rev: &str,
) -> Result<Baseline, Error> {
    if request.config.as_deref().is_some_and(|path| !path.is_file()) {
        return Err(Fault::PipedPolicy.into());
    }
    let mut exports = Exports::new()?;
    let mut then = Request { changed_since: None, baseline: None, keep_baseline: false, ..request.clone() };
    let mut were = Vec::new();
    for (at, site) in sites.iter().enumerate() {
        let (home, there) = exports.repository(site.tree.top(), rev)?;
        let moved = |path: &Path| moved(path, &home, &there);
        // A folder that was not there had nothing wrong in it.
        were.extend(moved(site.tree.top()).and_then(|top| site.at(&top).ok()));
        if at == 0 {
            then.config = request.config.as_deref().map(|path| moved(path).unwrap_or(path.to_owned()));
            let first = request.paths.first().map(|path| moved(path).unwrap_or(there.clone()));
            then.paths = first.into_iter().collect();
        }
    }
    if were.is_empty() {
        return Ok(Baseline::default());
    }
    let mut read = match read_sites(Sources::new(), &were, &then) {
        // A policy that did not read then decided nothing: the one of today does.
        Err(Error::Broken(..)) => {
            let (paths, config) = (request.paths.clone(), request.config.clone());
            read_sites(Sources::new(), &were, &Request { paths, config, ..then })?
        }
        read => read?,
    };
    // A pipe has given it once.
    if let Some(beliefs) = Arc::get_mut(&mut read.beliefs) {
        beliefs.baseline.clone_from(&today.baseline);
    }
    let report = read.judge(None);
    Ok(Baseline::of(&report.sources, &report.host, report.findings.iter()))
}

/// Where a file or folder of a repository lies in another copy of it, if it does.
fn moved(path: &Path, from: &Path, to: &Path) -> Option<PathBuf> {
    let real = path.canonicalize().ok()?;
    let there = to.join(real.strip_prefix(from).ok()?);
    there.symlink_metadata().is_ok().then_some(there)
}
