//! Somebody raised the packet queue of the network card, and it is the accept queue that is short.

use serde::Deserialize;

use super::facts::Facts;
use crate::model::{CappedBy, Finding, Kind, PlaceId, key};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WrongKnob {}

impl WrongKnob {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        facts.places.iter().filter_map(|(place, _)| finding(facts, *place)).collect()
    }
}

fn finding(facts: &Facts<'_>, place: PlaceId) -> Option<Finding> {
    let (_, packets) = facts.sysctl(place, key::NETDEV_MAX_BACKLOG)?;
    let (_, somaxconn) = facts.sysctl(place, key::SOMAXCONN)?;
    if packets.kind != Kind::Written || somaxconn.kind == Kind::Written {
        return None;
    }
    let cut = |queue: &crate::model::Queue| queue.capped_by == Some(CappedBy::Somaxconn);
    let socket = facts.sockets_in(place).find(|socket| cut(socket.queue) && socket.asks().is_some())?;
    let name = facts.name(socket);
    let message = format!(
        "net.core.netdev_max_backlog counts packets, not connections: net.core.somaxconn limits {name} to {}",
        somaxconn.get
    );
    let finding = facts.finding(place, packets.span, message).label(packets.span, "not what limits it");
    let finding = facts.label_asked(finding, socket).label(somaxconn.span, facts.origin(place, somaxconn));
    Some(finding.help("raise net.core.somaxconn; leave this one unless /proc/net/softnet_stat shows drops"))
}
