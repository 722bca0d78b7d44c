//! The SYN queue of a listener is nearly full of half-open connections: by a flood of SYNs, or because it is very short.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::facts::Facts;
use super::overflow;
use super::running::{Live, counted, rate};
use crate::model::{Counter, Endpoint, Finding, Namespace};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HalfOpenFlood {
    /// From how many hundredths of its room on a SYN queue counts as full.
    from_percent: i64,
    /// A queue that is shorter than this is filled by the clients of an ordinary moment.
    short_below: i64,
}

impl HalfOpenFlood {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let running = facts.running();
        let overflowing = overflow::overflowing(&running);
        // Sockets that share an address share what is half-open there.
        let mut told: BTreeSet<(&str, &Endpoint)> = BTreeSet::new();
        let mut findings = Vec::new();
        for live in &running {
            // Behind a full accept queue handshakes cannot end: that is what there is to say then.
            let few = live.socket.half_open.count < 2;
            if few || live.socket.is_full() || overflowing.contains(&live.index) {
                continue;
            }
            let sharing = running.iter().filter(|it| it.socket.address == live.socket.address);
            let sockets = sharing.filter(|it| it.socket.namespace == live.socket.namespace).count();
            let Some(room) = self.full(facts, live, sockets) else { continue };
            if told.insert((&live.socket.namespace, &live.socket.address)) {
                findings.push(self.finding(facts, live, room));
            }
        }
        for namespace in facts.seen.iter().flat_map(|seen| &seen.running.namespaces) {
            if !told.iter().any(|(told, _)| *told == &*namespace.name) {
                findings.extend(self.burst(facts, &running, namespace));
            }
        }
        findings
    }

    /// Some SYN queue was full for a moment, and none is now: connections came all at once, and went on.
    fn burst<'a>(&self, facts: &Facts<'a>, running: &[Live<'a>], namespace: &Namespace) -> Option<Finding> {
        let full = [Counter::TCPReqQFullDoCookies, Counter::TCPReqQFullDrop];
        let counter = full.into_iter().find(|counter| namespace.moved.count(*counter) > 0)?;
        let here = running.iter().filter(|live| live.namespace.name == namespace.name && !live.is_unix());
        let with_room = here.filter_map(|live| Some((live.syn_queue(facts).limit?, live)));
        let (room, live) = with_room.min_by_key(|(room, _)| *room)?;
        if room == 0 || room >= self.short_below {
            return None;
        }
        let times = rate(namespace.moved.count(counter), facts.window());
        let message = format!(
            "bursts met a full SYN queue ({times}), no flood: {} has room for {room}",
            live.name(facts)
        );
        let finding = live.finding(facts, message).label(live.at, "the shortest here");
        let finding = match facts.counter_at(namespace, counter) {
            Some(at) => finding.label(at, moved(facts, live, counter)),
            None => finding,
        };
        Some(finding.help(self.help(facts, live, room)))
    }

    /// The room in its SYN queue, if that is nearly used up.
    fn full(&self, facts: &Facts<'_>, live: &Live<'_>, sockets: usize) -> Option<i64> {
        let room = live.syn_queue(facts).limit?.checked_mul(i64::try_from(sockets).ok()?)?;
        let count = i64::from(live.socket.half_open.count);
        (count.saturating_mul(100) >= room.saturating_mul(self.from_percent)).then_some(room)
    }

    fn finding<'a>(&self, facts: &Facts<'a>, live: &Live<'a>, room: i64) -> Finding {
        let half = live.socket.half_open;
        let name = live.name(facts);
        let from = format!("{} from {}", counted(half.count, "half-open connection"), addresses(half.peers));
        let message = match room < self.short_below {
            true => format!("{name} met a burst, no flood: {from} fill its SYN queue of {room}"),
            false => format!("{name} looks flooded with SYNs: {from} fill its SYN queue of {room}"),
        };
        let unanswered = format!("{} of {} had their SYN-ACK sent again", half.retried, half.count);
        let finding = live.finding(facts, message).label(live.at, unanswered);
        let finding = match &live.listener {
            Some(socket) => facts.label_asked(finding, socket),
            None => finding,
        };
        let counter =
            if live.has_cookies() { Counter::TCPReqQFullDoCookies } else { Counter::TCPReqQFullDrop };
        let finding = match facts.counter_at(live.namespace, counter) {
            Some(at) if live.moved(counter) > 0 => finding.label(at, moved(facts, live, counter)),
            _ => finding,
        };
        finding.help(self.help(facts, live, room))
    }

    fn help(&self, facts: &Facts<'_>, live: &Live<'_>, room: i64) -> String {
        let clients = match live.has_cookies() {
            true => {
                "clients still connect, by SYN cookies, which cost them window scaling and SACK where they have no timestamps"
            }
            false => {
                "further SYNs are dropped without a word: clients hang; net.ipv4.tcp_syncookies = 1 would let them connect"
            }
        };
        match room < self.short_below {
            true => format!(
                "{clients}; so few are a burst rather than an attack, whatever the kernel's log says of SYN flooding; {}",
                live.knob(facts)
            ),
            false => format!(
                "{clients}; see where they come from: ss -Hn state syn-recv; if these are real clients on a slow network, {}",
                live.knob(facts)
            ),
        }
    }
}

fn moved(facts: &Facts<'_>, live: &Live<'_>, counter: Counter) -> String {
    format!("moved by {} in {:.1} s", live.moved(counter), facts.window())
}

fn addresses(count: u32) -> String {
    if count == 1 { "1 address".to_owned() } else { format!("{count} addresses") }
}
