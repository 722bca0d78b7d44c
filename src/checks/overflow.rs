//! The accept queue was full when connections came: they were turned away, and the kernel counted them.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::facts::Facts;
use super::running::{Live, counted, moved_by, rate};
use crate::model::{Counter, Finding, Namespace, PlaceId, Severity, key};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Overflow {
    when: When,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
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
                    "{name} overflows: it turned away {often} while {} wait",
                    counted(holds, "connection")
                );
                let (most, limit) = (live.most(), live.socket.limit);
                let says = match live.socket.is_full() {
                    true => format!("full: {most} wait, limit {limit}"),
                    false => format!("at most {most} waited at once, limit {limit}"),
                };
                live.finding(facts, message).label(live.at, says)
            }
            When::Before => {
                let drops = counted(live.socket.drops.unwrap_or(0), "drop");
                // The socket counts what either of its queues drops.
                let by_either = live.namespace.counters.count(Counter::TCPReqQFullDrop) > 0;
                let drops = if by_either { format!("{drops} by the accept or the SYN queue") } else { drops };
                let message = format!("{name} has turned clients away in the past ({drops}), but not now");
                live.finding(facts, message).label(live.at, format!("holds {}", counted(holds, "connection")))
            }
        };
        let finding = live.label_asked(facts, finding);
        Finding { help: self.help(facts, live), ..self.counted_at(facts, finding, live.namespace) }
    }

    /// Where no listener that is open now did it.
    fn of_namespace(&self, facts: &Facts<'_>, namespace: &Namespace) -> Option<Finding> {
        let at = facts.counter_at(namespace, Counter::ListenOverflows)?;
        let count = self.count(namespace);
        let name = if namespace.enter.is_empty() { "the host's namespace" } else { &namespace.name };
        let message = match self.when {
            When::Now => {
                format!("an accept queue in {name} overflows: it turned away {}", rate(count, facts.window()))
            }
            When::Before => format!(
                "accept queues in {name} turned away {} to connect before, none at a listener that is open now",
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
                "the listener is unknown: it has closed since then, or this kernel does not count per socket"
            }
            When::Before => {
                "the counter includes listeners that have closed, and Linux before 4.7 does not count per socket: to see whether it still rises, run: nstat -az TcpExtListenOverflows"
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
                When::Now => format!("{}, over all listeners here", moved_by(count, facts.window())),
                When::Before => "over all listeners here, since the namespace was created".to_owned(),
            },
        )
    }

    /// What happens to clients, which number to change, and what that does not mend.
    fn help(&self, facts: &Facts<'_>, live: &Live<'_>) -> Vec<String> {
        let knob = live.knob(facts);
        if self.when == When::Before {
            return vec![knob, "measure the next burst first, with live --for 1m".to_owned()];
        }
        let clients = match live.namespace.sysctl(key::ABORT_ON_OVERFLOW) {
            Some(0) | None => {
                "clients hang: the kernel silently drops their SYN, and they retry after 1 s until they time out"
            }
            Some(_) => {
                "most clients hang, because the kernel drops their SYN (tcp_abort_on_overflow resets only those that finish a handshake)"
            }
        };
        let program = match live.top() {
            Some(top) => {
                format!("the program does not accept fast enough; to see what it is doing, run: {top}")
            }
            None => "the program does not accept fast enough".to_owned(),
        };
        vec![clients.to_owned(), program, format!("a longer queue helps only against bursts ({knob})")]
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
