//! Bounds that were reached: what an audit leaves unread for the sake of its time and memory is told.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

use super::{SourceId, Span};

/// What a bound keeps from being looked at, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    pub at: Span,
    /// One sentence without a full stop.
    pub what: String,
    /// A value of a program was not followed to its end, which ordinary programs bring about too.
    pub in_program: bool,
}

/// Those of an audit, one for a file and sentence: the first place, and whether all were in programs.
#[derive(Debug, Default)]
pub(super) struct Cuts(Mutex<BTreeMap<(SourceId, String), (Span, bool)>>);

impl Cuts {
    pub(super) fn add(&self, at: Span, what: String, in_program: bool) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, weak) = known.entry((at.source, what)).or_insert((at, in_program));
        (*first, *weak) = ((*first).min(at), *weak && in_program);
    }

    pub(super) fn all(&self) -> Vec<Cut> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cut = |((_, what), (at, in_program)): (&(SourceId, String), &(Span, bool))| Cut {
            at: *at,
            what: what.clone(),
            in_program: *in_program,
        };
        known.iter().map(cut).collect()
    }
}

/// How it is said that there is more of something than is looked at; `what` is in the plural.
pub fn over(what: impl Display, most: impl Display) -> String {
    format!("the audit reads only the first {most} {what}")
}

/// How it is said that something is not followed further in; `what` is in the plural, and does something.
pub fn deeper(what: impl Display, most: impl Display) -> String {
    format!("the audit does not follow {what} more than {most} deep")
}

/// How it is said that a file is too large, in bytes; `what` is what such files are, in the plural.
pub fn larger(what: impl Display, most: usize, size: usize) -> String {
    let most = if most.is_multiple_of(1 << 20) { format!("{} MiB", most >> 20) } else { kib(most) };
    format!("the audit does not read {what} over {most}: this one has {}", kib(size))
}

fn kib(size: usize) -> String {
    format!("{} KiB", size.div_ceil(1024))
}
