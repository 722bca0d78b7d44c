//! The accept queue was full when connections came: they were turned away, and the kernel counted them.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::facts::Facts;
use super::running::{Live, counted, moved_by, rate};
use crate::model::{Counter, Finding, Namespace, PlaceId, Severity, key};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Overflow {
    when: When,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum When {
    /// While it was looked at.
    Now,
    /// At any time before, but not now.
    Before,
}

impl Overflow {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let running = facts.running();
        let mut findings = Vec::new();
        for namespace in facts.seen.iter().flat_map(|seen| &seen.running.namespaces) {
            let here = running.iter().filter(|live| live.namespace.name == namespace.name);
            let turned_away: Vec<&Live<'_>> = here.filter(|live| self.concerns(live)).collect();
            findings.extend(turned_away.iter().map(|live| self.of_listener(facts, live)));
            if turned_away.is_empty() && self.count(namespace) > 0 && facts.covers_unknown {
                findings.extend(self.of_namespace(facts, namespace));
            }
        }
        findings
    }

    /// How many met a full accept queue.
    fn count(&self, namespace: &Namespace) -> u64 {
        let moved = namespace.moved.count(Counter::ListenOverflows);
        match self.when {
            When::Now => moved,
            When::Before if moved > 0 => 0,
            When::Before => namespace.counters.count(Counter::ListenOverflows),
        }
    }

    /// Whether a listener is one of those that turned connections away because its accept queue was full. Its own counter
    /// does not tell which of its two queues was; whether the other one could have been does.
    fn concerns(&self, live: &Live<'_>) -> bool {
        let dropped = live.socket.dropped.unwrap_or(0);
        let by_syn_queue = live.moved(Counter::TCPReqQFullDrop) > 0 && !live.socket.is_full();
        match self.when {
            When::Now => dropped > 0 && self.count(live.namespace) > 0 && !by_syn_queue,
            When::Before => live.socket.drops.unwrap_or(0) > 0 && self.count(live.namespace) > 0,
        }
    }

    fn of_listener<'a>(&self, facts: &Facts<'a>, live: &Live<'a>) -> Finding {
        let (name, holds) = (live.name(facts), live.socket.holds());
        let finding = match self.when {
            When::Now => {
                let often = rate(overflows(facts, live), facts.window());
                let message = format!(
                    "{name} overflows: {often} turned away while {} wait",
                    counted(holds, "connection")
                );
                let (most, limit) = (live.most(), live.socket.limit);
                let says = match live.socket.is_full() {
                    true => format!("full: {most} wait, {limit} is the limit"),
                    false => format!("{most} at most were seen to wait, {limit} is the limit"),
                };
                live.finding(facts, message).label(live.at, says)
            }
            When::Before => {
                let drops = counted(live.socket.drops.unwrap_or(0), "drop");
                // The socket counts what either of its queues drops.
                let by_either = live.namespace.counters.count(Counter::TCPReqQFullDrop) > 0;
                let drops = if by_either { format!("{drops}, by either queue") } else { drops };
                let message =
                    format!("{name} has turned clients away since it was opened ({drops}), none now");
                live.finding(facts, message).label(live.at, format!("holds {}", counted(holds, "connection")))
            }
        };
        let finding = match &live.listener {
            Some(socket) => facts.label_asked(finding, socket),
            None => finding,
        };
        self.counted_at(facts, finding, live.namespace).help(self.help(facts, live))
    }

    /// Where no listener that is open now did it.
    fn of_namespace(&self, facts: &Facts<'_>, namespace: &Namespace) -> Option<Finding> {
        let at = facts.counter_at(namespace, Counter::ListenOverflows)?;
        let (count, name) = (self.count(namespace), &namespace.name);
        let message = match self.when {
            When::Now => {
                format!("an accept queue of {name} overflows: {} turned away", rate(count, facts.window()))
            }
            When::Before => format!(
                "accept queues of {name} have turned away {} to connect, by listeners that are gone or not told",
                counted(count, "attempt")
            ),
        };
        let severity = match self.when {
            When::Now => facts.severity,
            When::Before => facts.severity.min(Severity::Info),
        };
        let finding = Finding { severity, ..facts.finding(PlaceId::default(), at, message) };
        let help = match self.when {
            When::Now => {
                "no listener could be told: it was closed meanwhile, or the kernel does not count by socket"
            }
            When::Before => {
                "the counter starts with the namespace; before Linux 4.7 a socket does not count by itself; nstat shows whether it moves"
            }
        };
        Some(finding.help(help))
    }

    fn counted_at(&self, facts: &Facts<'_>, finding: Finding, namespace: &Namespace) -> Finding {
        let Some(at) = facts.counter_at(namespace, Counter::ListenOverflows) else { return finding };
        let count = self.count(namespace);
        finding.label(
            at,
            match self.when {
                When::Now => format!("{}, for all listeners here", moved_by(count, facts.window())),
                When::Before => "all listeners here, since the namespace was made".to_owned(),
            },
        )
    }

    /// What happens to clients, which number to change, and what that does not mend.
    fn help(&self, facts: &Facts<'_>, live: &Live<'_>) -> String {
        let knob = live.knob(facts);
        if self.when == When::Before {
            return format!("{knob}; measure through the next burst with live --for 1m before you change it");
        }
        let clients = match live.namespace.sysctl(key::ABORT_ON_OVERFLOW) {
            Some(0) | None => {
                "clients hang: their SYN is dropped without a word, they try again after 1 s and time out"
            }
            Some(_) => {
                "most clients hang, because their SYN is dropped; tcp_abort_on_overflow resets those whose handshake ends now"
            }
        };
        let program = match live.top() {
            Some(top) => format!("its program does not accept fast enough: {top}"),
            None => "its program does not accept fast enough".to_owned(),
        };
        format!("{clients}; {program}; a longer queue only helps against bursts, {knob}")
    }
}

/// How many met the full queue of this listener. The kernel counts overflows by namespace and drops by socket, some of them
/// twice: its share of the drops is its share of the overflows.
fn overflows(facts: &Facts<'_>, live: &Live<'_>) -> u64 {
    let here = facts.seen.iter().flat_map(|seen| &seen.running.sockets);
    let here = here.filter(|socket| socket.namespace == live.socket.namespace);
    let all: u64 = here.filter_map(|socket| socket.dropped).map(u64::from).sum();
    let own = u64::from(live.socket.dropped.unwrap_or(0));
    live.moved(Counter::ListenOverflows).saturating_mul(own).checked_div(all).unwrap_or(0).max(1)
}

/// The sockets whose accept queue overflows now.
pub(super) fn overflowing(running: &[Live<'_>]) -> BTreeSet<usize> {
    let now = Overflow { when: When::Now };
    running.iter().filter(|live| now.concerns(live)).map(|live| live.index).collect()
}
