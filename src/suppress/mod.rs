//! What is left out of a report although it was found: what somebody decided to live with, and what does not concern the paths
//! that were asked for.

mod comments;
mod ignore;
mod paths;

/// What was found and is not reported.
#[derive(Debug, Clone, Default)]
pub struct Hidden {
    /// Findings that somebody decided to live with.
    pub ignored: usize,
}

pub use comments::comments;
pub use ignore::{Ignored, Ignoring, Reach, ignore, refresh, settled};
pub use paths::{Only, restrict};
