//! What a reader met that keeps a service from starting, or us from reading its files.

use super::Label;
use crate::text::Span;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// The service itself would refuse to start: its listeners get in each other's way.
    Conflict,
    /// A service's own configuration is lost to it or to us: the listeners in it are unknown.
    Lost,
    /// A file that may not matter could not be read or parsed.
    Skipped,
    /// A bound of ours was reached: what lies beyond it is unknown.
    CutOff,
    /// The same where a value of a program was not followed to its end.
    NotFollowed,
}

/// A reader says what is wrong and where; `listen-conflict`, `unreadable` and `cut-off` make findings of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub kind: ProblemKind,
    pub service: Option<String>,
    /// One sentence without a full stop, as the service's own log would put it.
    pub message: String,
    pub help: Option<String>,
    pub at: Span,
    pub labels: Vec<Label>,
}
