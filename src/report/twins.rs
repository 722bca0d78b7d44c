//! Listeners that one service opens more than once at one address: only the lines that open them tell them apart.

use super::Report;
use crate::model::{Listener, PlaceId};
use crate::text::HashSet;

pub(super) struct Twins<'a>(HashSet<Name<'a>>);

/// What reports call a listener.
type Name<'a> = (PlaceId, &'a str, String);

impl<'a> Twins<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let mut seen = HashSet::default();
        let names = report.host.listeners.iter().filter_map(name);
        Self(names.filter(|name| !seen.insert(name.clone())).collect())
    }

    /// Whether another listener has the same name. One without an address is called after its line anyway.
    pub(super) fn has(&self, listener: &Listener) -> bool {
        name(listener).is_some_and(|name| self.0.contains(&name))
    }
}

fn name(listener: &Listener) -> Option<Name<'_>> {
    Some((listener.place, &listener.service, listener.address()?))
}
