//! Bounds that were reached: what an audit leaves unread for the sake of its time and memory is told.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::{SourceId, Span};

/// What a bound keeps from being looked at, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    pub at: Span,
    /// One sentence without a full stop.
    pub what: String,
}

/// Those of an audit, one for a file and sentence.
#[derive(Debug, Default)]
pub(super) struct Cuts(Mutex<BTreeMap<(SourceId, String), Span>>);

impl Cuts {
    pub(super) fn add(&self, at: Span, what: String) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = known.entry((at.source, what)).or_insert(at);
        *first = (*first).min(at);
    }

    pub(super) fn all(&self) -> Vec<Cut> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|((_, what), at)| Cut { at: *at, what: what.clone() }).collect()
    }
}
