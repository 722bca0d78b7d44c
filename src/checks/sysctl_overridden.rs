//! Two lines assign a key, and the one that is read last has the smaller number; of a switch, another one.

use serde::Deserialize;

use super::facts::Facts;
use super::syn_backlog_ignored::is_ignored;
use crate::model::{Assignment, Fate, Finding, Fix, PlaceId, Safety, Sysctl, key};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SysctlOverridden {
    /// Keys of which more is longer.
    keys: Vec<String>,
    /// Keys of which no value is better than another.
    switches: Vec<String>,
}

impl SysctlOverridden {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let places = facts.places.iter();
        let sysctls = places.flat_map(|(id, place)| {
            let of = |key: &String| Some((*id, place.sysctls.get(key)?));
            self.keys.iter().chain(&self.switches).filter_map(of)
        });
        let is_switch = |sysctl: &Sysctl| self.switches.contains(&sysctl.key);
        sysctls.filter_map(|(place, sysctl)| finding(facts, place, sysctl, is_switch(sysctl))).collect()
    }
}

fn finding(facts: &Facts<'_>, place: PlaceId, sysctl: &Sysctl, is_switch: bool) -> Option<Finding> {
    let winner = sysctl.winner()?;
    let wins = winner.value?;
    let is_lost = |line: &&Assignment| {
        matches!(line.fate, Fate::Overridden { .. })
            && line.value.is_some_and(|value| value > wins || is_switch && value != wins)
    };
    let mut losers: Vec<&Assignment> = sysctl.assignments.iter().filter(is_lost).collect();
    losers.sort_by_key(|line| std::cmp::Reverse(line.value));
    let largest = losers.first()?;
    let value = largest.value?;
    if sysctl.key == key::MAX_SYN_BACKLOG && is_ignored(facts, place, wins) {
        return None;
    }
    let message = format!(
        "{} is {wins}: {} overrides the {value} of {}",
        sysctl.key,
        facts.line(winner.value_at),
        facts.line(largest.value_at),
    );
    let by = winner.link.as_ref().map_or(String::new(), |link| format!(" by its link {link}"));
    let last = format!("read last{by}, so it is in force");
    let mut finding = facts.finding(place, winner.value_at, message).label(winner.value_at, last);
    for line in losers {
        finding = finding.label(line.value_at, format!("{} has no effect", line.value.unwrap_or(value)));
    }
    let want = facts.sysctl_at_least(place, &sysctl.key, value);
    let file = sysctl.slot.as_ref().map_or(winner.value_at, |slot| slot.span);
    let title = format!("set {} to {value} in {}", sysctl.key, facts.file(file));
    let fix = want
        .filter(|_| !is_switch)
        .filter(|_| facts.welcome(place, &sysctl.key, value).is_some())
        .map(|want| Fix { title, safety: Safety::Unsafe, set: vec![want], then: Vec::new() });
    Some(
        finding
            .help("keep one line for the key and delete the other, or set the same number in both")
            .fix(fix),
    )
}
