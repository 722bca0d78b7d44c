//! Connections wait in a queue that has not much room left.

use serde::Deserialize;

use super::facts::Facts;
use super::running::{Live, counted};
use crate::model::Finding;

/// Two that wait at once are no sign of anything.
const FEW: u32 = 2;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct QueueFilling {
    /// From how many hundredths of its room on a queue counts as filling.
    from_percent: u32,
}

impl QueueFilling {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        facts.running().iter().filter(|live| self.is_filling(live)).map(|live| finding(facts, live)).collect()
    }

    /// One that turns connections away at this moment is another rule's.
    fn is_filling(&self, live: &Live<'_>) -> bool {
        let (most, holds) = (u64::from(live.most()), u64::from(live.socket.holds()));
        let full = live.socket.is_full();
        let much = most * 100 >= holds * u64::from(self.from_percent) && most > u64::from(FEW);
        (full || much) && live.socket.dropped.unwrap_or(0) == 0
    }
}

fn finding<'a>(facts: &Facts<'a>, live: &Live<'a>) -> Finding {
    let (name, most, limit) = (live.name(facts), live.most(), live.socket.limit);
    let wait = match live.socket.queued {
        now if now == most => format!("{} wait", counted(most, "connection")),
        now => format!("{} waited at once, {now} now", counted(most, "connection")),
    };
    let message = match live.socket.is_full() {
        true => format!("{name} is full: {wait}, the limit is {limit}"),
        false => format!("{name} fills up: {wait}, the limit is {limit}"),
    };
    let finding = live.finding(facts, message).label(live.at, format!("{wait}, {limit} is the limit"));
    let finding = match &live.listener {
        Some(socket) => facts.label_asked(finding, socket),
        None => finding,
    };
    finding.help(help(facts, live))
}

/// What happens to clients, and where to look: a queue fills because the program does not take from it.
fn help(facts: &Facts<'_>, live: &Live<'_>) -> String {
    let next = match (live.socket.is_full(), live.is_unix()) {
        (true, true) => "the next connect() fails with EAGAIN, which most front ends pass on as a 502",
        (true, false) => "the next client's SYN is dropped without a word",
        (false, _) => "clients wait until the program accepts them",
    };
    let look = match live.top() {
        Some(top) => format!("see what it is busy with: {top}"),
        None => "see what its program is busy with".to_owned(),
    };
    format!("{next}; the program accepts too slowly, {look}; {}", live.knob(facts))
}
