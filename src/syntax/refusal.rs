//! Why a text is not read as its program would read it.

use crate::text::Span;

/// Why a program does not start with its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// In the program's own words.
    pub why: String,
    pub at: Span,
    /// The program would start: what is too much is too much for us.
    pub ours: bool,
}

impl Refusal {
    pub fn new(why: impl Into<String>, at: Span) -> Self {
        Self { why: why.into(), at, ours: false }
    }

    /// More than we read.
    pub fn ours(why: impl Into<String>, at: Span) -> Self {
        Self { ours: true, ..Self::new(why, at) }
    }
}
