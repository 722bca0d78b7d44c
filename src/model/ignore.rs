//! What somebody decided to live with.

use super::{Date, Value};
use crate::text::Span;

/// Findings that are left out because somebody said so, in a comment or in the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignore {
    /// What says so.
    pub at: Span,
    pub reason: Option<String>,
    /// The last day on which it holds.
    pub until: Option<Value<Date>>,
    /// That day is over: it hides nothing any more.
    pub has_expired: bool,
    /// A comment that names no rule hides nothing.
    pub rules: Vec<IgnoredRule>,
    /// Why a comment that is meant as one is none, and what to write.
    pub mistaken: Option<(String, &'static str)>,
}

/// What somebody wrote and nothing here is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idle {
    pub at: Span,
    pub said: String,
    pub help: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredRule {
    /// Every rule, where none is named.
    pub id: Option<String>,
    pub at: Span,
    pub came: Came,
}

/// What came of an ignore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// There was something to hide.
    Used,
    Unused,
    /// There is no such rule, and what is said about it.
    Unknown {
        said: String,
    },
    /// Not all was looked at that it may be about.
    NotJudged,
}
