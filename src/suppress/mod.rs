//! What is left out of a report although it was found: what somebody decided to live with, and what does not concern the paths
//! that were asked for.

mod baseline;
mod comments;
mod ignore;
mod paths;

/// What was found and is not reported.
#[derive(Debug, Clone, Default)]
pub struct Hidden {
    /// Findings that somebody decided to live with.
    pub ignored: usize,
    /// Findings that the baseline lists.
    pub in_baseline: usize,
    /// Findings that were there at the revision asked for.
    pub not_new: usize,
    /// What the baseline lists and is no longer found; `None` without a baseline.
    pub fixed: Option<Vec<Entry>>,
    /// All that was found and not ignored, if it is wanted as a baseline.
    pub baseline: Option<Baseline>,
}

pub use baseline::{Baseline, Entry, Known};
pub use comments::comments;
pub use ignore::{Ignored, Ignoring, Reach, ignore, refresh, settled};
pub use paths::{Only, restrict};
