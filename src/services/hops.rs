//! Next hops as they are gathered: each address once. Thousands of listeners may pass on to thousands of servers, so those of one
//! instance have a budget.

use std::cell::Cell;

use super::Ground;
use crate::model::Hop;
use crate::text::{HashSet, Span, over};

/// Next hops that are looked at in one instance, all its listeners together, and names where they are as many.
const MAX_HOPS: usize = 1 << 19;

pub(super) struct Hops<'a> {
    pub(super) ground: Ground<'a>,
    left: Cell<usize>,
}

impl<'a> Hops<'a> {
    pub(super) fn of(ground: Ground<'a>) -> Self {
        Self { ground, left: Cell::new(MAX_HOPS) }
    }

    /// Each address once.
    pub(super) fn gather(&self, hops: impl IntoIterator<Item = Hop>) -> Vec<Hop> {
        let mut seen = HashSet::default();
        let looked_at = hops.into_iter().take_while(|hop| self.may_look(hop.at));
        looked_at.filter(|hop| seen.insert(hop.to.clone())).collect()
    }

    /// Whether one more may be looked at; what names it stands at a place.
    pub(super) fn may_look(&self, at: Span) -> bool {
        let left = self.left.get();
        if left == 0 {
            let what = over(format!("next hops and names of one {}", self.ground.service.title), MAX_HOPS);
            self.ground.sources.cut_off(at, what);
        }
        self.left.set(left.saturating_sub(1));
        left > 0
    }
}
