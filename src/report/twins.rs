//! Listeners that one service opens more than once at one address: only the lines that open them tell them apart.

use super::Report;
use crate::model::{Endpoint, Listener, PlaceId};
use crate::text::HashSet;

pub(super) struct Twins<'a>(HashSet<Name<'a>>);

/// What reports call a listener.
type Name<'a> = (PlaceId, &'a str, &'a Endpoint);

impl<'a> Twins<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let mut seen = HashSet::default();
        let names = report.host.listeners.iter().filter_map(name);
        Self(names.filter(|name| !seen.insert(*name)).collect())
    }

    /// Whether another listener has the same name. One without an address is called after its line anyway.
    pub(super) fn has(&self, listener: &Listener) -> bool {
        name(listener).is_some_and(|name| self.0.contains(&name))
    }
}

fn name(listener: &Listener) -> Option<Name<'_>> {
    let Listener { place, service, endpoint, .. } = listener;
    (!matches!(endpoint, Endpoint::Unknown(_))).then_some((*place, service, endpoint))
}
