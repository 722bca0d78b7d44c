//! One of several sockets that share an address is full while others have nothing to do.

use serde::Deserialize;

use super::facts::Facts;
use super::running::{Live, counted};
use crate::model::Finding;

/// A socket is idle that never held more than a tenth of its room.
const IDLE: u32 = 10;

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReuseportUnbalanced {}

impl ReuseportUnbalanced {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let running = facts.running();
        // They are in the order of their addresses.
        let groups = running.chunk_by(Live::shares_with);
        let several = groups.filter(|group| group.len() > 1 && group.iter().all(|live| !live.is_unix()));
        several.filter_map(|group| finding(facts, group)).collect()
    }
}

fn finding<'a>(facts: &Facts<'a>, group: &[Live<'a>]) -> Option<Finding> {
    let (full, rest): (Vec<&Live<'_>>, Vec<&Live<'_>>) = group.iter().partition(|live| live.socket.is_full());
    let first = full.first()?;
    let idle = |live: &&&Live<'_>| live.most() <= live.socket.holds() / IDLE;
    let most = rest.iter().filter(idle).map(|live| live.most()).max()?;
    let idle = rest.iter().filter(idle).count();
    let message = format!(
        "{} of the {} sockets of {} {} full, {idle} nearly empty",
        full.len(),
        group.len(),
        first.name(facts),
        if full.len() == 1 { "is" } else { "are" },
    );
    let mut found = first.finding(facts, message);
    for live in &full {
        found = found.label(live.at, format!("full: {} wait", live.most()));
    }
    let empty = rest.iter().find(|live| live.most() <= live.socket.holds() / IDLE)?;
    let waited = match most {
        0 => "nothing waited here".to_owned(),
        most => format!("at most {}", counted(most, "connection")),
    };
    found = found.label(empty.at, waited);
    let help = "the kernel picks a socket by a hash of the client's address, even if that socket is full";
    Some(found.help(help).help("the worker that owns it is stuck or slow: a longer queue does not help"))
}
