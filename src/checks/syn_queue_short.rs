//! Without SYN cookies, tcp_max_syn_backlog leaves less room for half-open connections than the accept queue has.

use serde::Deserialize;

use super::facts::{Facts, Socket};
use super::remedy::switch;
use crate::kernel::listen;
use crate::model::{Finding, PlaceId, key};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SynQueueShort {}

impl SynQueueShort {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        facts.places.iter().filter_map(|(place, _)| finding(facts, *place)).collect()
    }
}

/// One for a place, with the listener that asks for most: the line to change is the same for all.
fn finding(facts: &Facts<'_>, place: PlaceId) -> Option<Finding> {
    let (_, backlog) = facts.sysctl(place, key::MAX_SYN_BACKLOG)?;
    let (_, cookies) = facts.sysctl(place, key::SYNCOOKIES)?;
    let version = facts.host.place(place)?.kernel.version.get;
    let outside = facts.sockets_in(place).filter(|socket| socket.is_outside() && !socket.listener.internal);
    let (asked, socket): (i64, &Socket<'_>) =
        outside.filter_map(|socket| Some((socket.asks()?, socket))).max_by_key(|(asked, _)| *asked)?;
    let needed = facts.syn_backlog_for(place, asked)?;
    let room = listen::syn_queue(version, asked, Some(backlog.get), cookies.get).limit?;
    let name = facts.name(socket);
    let message = format!(
        "net.ipv4.tcp_max_syn_backlog = {} leaves room for {room} half-open connections, but {name} asks for {asked}",
        backlog.get
    );
    let at = if facts.is_audited(backlog.span) { backlog.span } else { facts.asked_at(socket) };
    let title = format!("raise net.ipv4.tcp_max_syn_backlog to {needed}");
    let fix = switch(title, facts.sysctl_at_least(place, key::MAX_SYN_BACKLOG, needed));
    let finding = facts
        .finding(place, at, message)
        .label(backlog.span, format!("three quarters of {} count", backlog.get));
    let finding = facts.label_asked(finding, socket).label(cookies.span, "no SYN cookies");
    Some(finding.help("or set net.ipv4.tcp_syncookies to 1: then this number does not matter").fix(fix))
}
