//! Connections wait in a queue that has not much room left.

use serde::Deserialize;

use super::facts::Facts;
use super::running::{Live, counted};
use crate::model::Finding;

/// Two that wait at once are no sign of anything.
const FEW: u32 = 2;

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct QueueFilling {
    /// From how many hundredths of its room on a queue counts as filling.
    #[schemars(range(min = 1, max = 100), example = 80)]
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
        true => format!("{name} is full: {wait}, limit {limit}"),
        false => format!("{name} is filling up: {wait}, limit {limit}"),
    };
    let finding = live.finding(facts, message).label(live.at, format!("{wait}, limit {limit}"));
    let finding = live.label_asked(facts, finding);
    Finding { help: help(facts, live), ..finding }
}

/// What happens to clients, and where to look: a queue fills because the program does not take from it.
fn help(facts: &Facts<'_>, live: &Live<'_>) -> Vec<String> {
    let next = match (live.socket.is_full(), live.is_unix()) {
        (true, true) => "the next connect() fails with EAGAIN, and most front ends answer that with a 502",
        (true, false) => "the kernel will silently drop the next client's SYN",
        (false, _) => "clients wait until the program accepts them",
    };
    let look = match live.top() {
        Some(top) => format!("the program accepts too slowly; to see what it is doing, run: {top}"),
        None => "the program accepts too slowly".to_owned(),
    };
    vec![next.to_owned(), look, live.knob(facts)]
}
