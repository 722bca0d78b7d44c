//! tcp_max_syn_backlog is set to more than any SYN queue here can hold.

use serde::Deserialize;

use super::facts::Facts;
use crate::kernel::listen;
use crate::model::{Finding, Kind, PlaceId, key};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SynBacklogIgnored {}

impl SynBacklogIgnored {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        facts.places.iter().filter_map(|(place, _)| finding(facts, *place)).collect()
    }
}

fn finding(facts: &Facts<'_>, place: PlaceId) -> Option<Finding> {
    let (_, backlog) = facts.sysctl(place, key::MAX_SYN_BACKLOG)?;
    if backlog.kind != Kind::Written || !is_ignored(facts, place, backlog.get) {
        return None;
    }
    let version = facts.host.place(place)?.kernel.version.get;
    let longest = longest(facts, place)?;
    let room = listen::syn_queue(version, longest, Some(backlog.get), 0).limit?;
    let message = format!(
        "net.ipv4.tcp_max_syn_backlog = {} has no effect: the programs' backlogs limit their SYN queues to {room}",
        backlog.get
    );
    let help = "a SYN queue is as long as the accept queue: raise the program's backlog and net.core.somaxconn instead";
    Some(facts.finding(place, backlog.span, message).label(backlog.span, "has no effect").help(help))
}

/// Whether this number is beyond what matters, with or without SYN cookies: one less would leave the same room.
pub(super) fn is_ignored(facts: &Facts<'_>, place: PlaceId, backlog: i64) -> bool {
    let Some((version, longest)) =
        facts.host.place(place).map(|on| on.kernel.version.get).zip(longest(facts, place))
    else {
        return false;
    };
    let room = |backlog| listen::syn_queue(version, longest, Some(backlog), 0).limit;
    room(backlog - 1) == room(i64::from(i32::MAX))
}

/// The longest accept queue that a listener here asks for, even if it does not get it yet; without a listener that is known,
/// the longest that any could have.
fn longest(facts: &Facts<'_>, place: PlaceId) -> Option<i64> {
    let (_, somaxconn) = facts.sysctl(place, key::SOMAXCONN)?;
    let outside = facts.sockets_in(place).filter(|socket| socket.is_outside());
    let asked = outside.map(|socket| match socket.queue.requested {
        Some(_) => socket.asks().unwrap_or(somaxconn.get),
        None => somaxconn.get,
    });
    Some(asked.max().unwrap_or(somaxconn.get))
}
