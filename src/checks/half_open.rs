//! The SYN queue of a listener is nearly full of half-open connections: by a flood of SYNs, or because it is very short.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::facts::Facts;
use super::overflow;
use super::running::{Live, moved_by, rate};
use crate::model::{Counter, Finding, Namespace, PlaceId, key};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HalfOpenFlood {
    /// From how many hundredths of its room on a SYN queue counts as full.
    #[schemars(range(min = 1, max = 100), example = 80)]
    from_percent: i64,
    /// A queue that is shorter than this is filled by the clients of an ordinary moment.
    short_below: i64,
}

impl HalfOpenFlood {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let running: Vec<Live<'_>> = facts.running().into_iter().filter(|live| !live.is_unix()).collect();
        let overflowing = overflow::overflowing(&running);
        let mut findings = Vec::new();
        for here in running.chunk_by(|a, b| a.namespace.name == b.namespace.name) {
            let explained = here.iter().any(|live| behind_full_queue(live, &overflowing));
            let full: Vec<(&Live<'_>, i64)> = here
                .chunk_by(Live::shares_with)
                .filter(|sharing| !sharing.iter().any(|live| behind_full_queue(live, &overflowing)))
                .filter_map(|sharing| self.full(facts, sharing))
                .collect();
            findings.extend(full.iter().map(|(live, room)| self.finding(facts, live, *room)));
            if full.is_empty() && !explained {
                findings.extend(self.burst(facts, here));
            }
        }
        findings
    }

    /// The first of the sockets that share an address, with the room in their SYN queues, if that is nearly used up.
    fn full<'l, 'a>(&self, facts: &Facts<'_>, sharing: &'l [Live<'a>]) -> Option<(&'l Live<'a>, i64)> {
        let live = sharing.first()?;
        let count = i64::from(live.socket.half_open.count);
        if count < 2 {
            return None;
        }
        let room = live.syn_queue(facts).limit?.checked_mul(i64::try_from(sharing.len()).ok()?)?;
        let used = count.saturating_mul(100) >= room.saturating_mul(self.from_percent);
        (room > 0 && used).then_some((live, room))
    }

    fn finding<'a>(&self, facts: &Facts<'a>, live: &Live<'a>, room: i64) -> Finding {
        let half = live.socket.half_open;
        let name = live.name(facts);
        let used = format!("{} of {room} half-open, from {}", half.count, addresses(half.peers));
        let flood = self.is_flood(live, room);
        let full = if i64::from(half.count) < room { "nearly full" } else { "full" };
        let message = match flood {
            true => format!("{name}: SYN queue {full}: {used}; this looks like a SYN flood"),
            false => format!("{name}: SYN queue {full}: {used}; this looks like a burst, not a SYN flood"),
        };
        let unanswered = format!("the kernel resent the SYN-ACK to {} of {}", half.retried, half.count);
        let finding = live.finding(facts, message).label(live.at, unanswered);
        let finding = live.label_asked(facts, finding);
        Finding { help: help(facts, live, flood), ..label_refused(facts, finding, live.namespace) }
    }

    /// Whether this many half-open connections are more than clients make who mean to connect: those get on with it, so that
    /// PassiveOpens moves along, and answer their SYN-ACK.
    fn is_flood(&self, live: &Live<'_>, room: i64) -> bool {
        let half = live.socket.half_open;
        let refused = i64::try_from(refused(live.namespace)).unwrap_or(i64::MAX);
        let arrived = i64::try_from(live.moved(Counter::PassiveOpens)).unwrap_or(i64::MAX);
        let unanswered = half.retried.saturating_mul(2) >= half.count && refused > room;
        room >= self.short_below || unanswered || refused > arrived.saturating_add(room)
    }

    /// Some SYN queue was full for a moment, and none is now: connections came all at once, and went on. Which one it was is
    /// known if there is one only, or one that has some of them left.
    fn burst<'a>(&self, facts: &Facts<'a>, here: &[Live<'a>]) -> Option<Finding> {
        let namespace = here.first()?.namespace;
        let count = refused(namespace);
        let mut likely = here.iter().filter(|live| here.len() == 1 || live.socket.half_open.count > 0);
        let live = likely.next().filter(|_| likely.next().is_none());
        let room = live.and_then(|live| live.syn_queue(facts).limit);
        if count == 0 || count > namespace.moved.count(Counter::PassiveOpens) || room == Some(0) {
            return None;
        }
        let times = rate(count, facts.window());
        let finding = match (live, room) {
            (Some(live), Some(room)) => {
                let name = live.name(facts);
                let message =
                    format!("{name}: bursts filled its SYN queue of {room} ({times}), not a SYN flood");
                let finding = live.finding(facts, message);
                let finding = finding.label(live.at, format!("room for {room} half-open connections"));
                Finding { help: help(facts, live, false), ..finding }
            }
            _ => {
                let message =
                    format!("bursts filled a SYN queue in {} ({times}), not a SYN flood", namespace.name);
                let at = facts.counter_at(namespace, counter(namespace))?;
                let help = "a listener with a short backlog has a short SYN queue: live --for 1m may show which one it is";
                facts.finding(PlaceId::default(), at, message).help(help)
            }
        };
        Some(label_refused(facts, finding, namespace))
    }
}

/// Behind a full accept queue handshakes cannot end: that is what there is to say then.
fn behind_full_queue(live: &Live<'_>, overflowing: &BTreeSet<usize>) -> bool {
    live.socket.is_full() || overflowing.contains(&live.index)
}

/// The counter of SYNs that met a full SYN queue. Without cookies they are among the drops: the 3/4 rule of tcp_conn_request
/// counts nowhere else.
fn counter(namespace: &Namespace) -> Counter {
    match namespace.sysctl(key::SYNCOOKIES) {
        Some(0) => Counter::ListenDrops,
        _ => Counter::TCPReqQFullDoCookies,
    }
}

fn refused(namespace: &Namespace) -> u64 {
    let moved = |counter| namespace.moved.count(counter);
    match counter(namespace) {
        Counter::ListenDrops => moved(Counter::ListenDrops).saturating_sub(moved(Counter::ListenOverflows)),
        cookies => moved(cookies),
    }
}

fn label_refused(facts: &Facts<'_>, finding: Finding, namespace: &Namespace) -> Finding {
    match (facts.counter_at(namespace, counter(namespace)), refused(namespace)) {
        (Some(at), count) if count > 0 => finding.label(at, moved_by(count, facts.window())),
        _ => finding,
    }
}

/// What happens to clients, and which number to look at.
fn help(facts: &Facts<'_>, live: &Live<'_>, flood: bool) -> Vec<String> {
    let clients = match live.has_cookies() {
        true => {
            "clients still connect with SYN cookies, but without timestamps they lose window scaling and SACK"
        }
        false => {
            "clients hang: the kernel silently drops their SYN (net.ipv4.tcp_syncookies = 1 would let them connect)"
        }
    };
    let knob = live.syn_knob(facts);
    let (look, when) = match flood {
        true => (
            "to see where the SYNs come from, run: ss -Hn state syn-recv",
            "for real clients on a slow network",
        ),
        false => (
            "so few half-open connections are a burst, even if the kernel's log says flooding",
            "if bursts are normal here",
        ),
    };
    vec![clients.to_owned(), look.to_owned(), format!("{when}, make the queue longer ({knob})")]
}

fn addresses(count: u32) -> String {
    if count == 1 { "1 address".to_owned() } else { format!("{count} addresses") }
}
