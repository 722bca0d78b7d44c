//! What an audit is asked, and why it cannot be done at all.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{self, FailOn};
use crate::discover::Site;
use crate::knowledge::Broken;
use crate::model::{Date, ReadAs, Running};
use crate::text::{Origin, Progress, Sources, Span};
use crate::{discover, git};

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
    /// Finding no listener is a failure of the audit.
    pub fail_on_nothing: bool,
    /// List what became of every file.
    pub show_files: bool,
    /// Count the findings of each rule instead of showing them.
    pub statistics: bool,
    /// The day of the audit, for ignores that hold until one; without it none expires.
    pub today: Option<Date>,
    /// A file that lists findings which are not reported.
    pub baseline: Option<PathBuf>,
    /// Keep all that was found, as the next baseline.
    pub keep_baseline: bool,
    /// Only findings that are new since this revision.
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
    /// A rule file or one of our own tables does not read; the sources hold the place that it names.
    #[error("{0}")]
    Broken(Broken, Box<Sources>),
}

impl Error {
    /// What does not read, by its path as seen from the working directory: reports have those of the audited tree.
    pub(crate) fn broken(broken: Broken, sources: &Sources, site: Option<&Site>) -> Self {
        let named = broken.at.and_then(|at| match &sources.get(at.source).origin {
            Origin::Config(path) => Some((at, path)),
            _ => None,
        });
        let Some((at, path)) = named else { return Self::Broken(broken, Box::new(sources.clone())) };
        let source = sources.get(at.source);
        let path = config::from_here(&site.map_or(path.clone(), |site| site.tree.top().join(path)));
        let there = Sources::new();
        let id = there.add(Origin::Config(path), source.bytes().to_vec());
        let name = there.get(id).name().into_owned();
        Self::Broken(Broken { name, at: Some(Span { source: id, ..at }), ..broken }, Box::new(there))
    }
}
