//! Two lines assign a key, and the one that is read last has the smaller number.

use serde::Deserialize;

use super::facts::Facts;
use super::syn_backlog_ignored::is_ignored;
use crate::model::{Assignment, Fate, Finding, Fix, PlaceId, Safety, Sysctl, key};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SysctlOverridden {
    /// Keys of which more is longer; of a switch no value is the smaller one.
    keys: Vec<String>,
}

impl SysctlOverridden {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let places = facts.places.iter();
        let sysctls = places.flat_map(|(id, place)| {
            let of = |key: &String| Some((*id, place.sysctls.get(key)?));
            self.keys.iter().filter_map(of)
        });
        sysctls.filter_map(|(place, sysctl)| finding(facts, place, sysctl)).collect()
    }
}

fn finding(facts: &Facts<'_>, place: PlaceId, sysctl: &Sysctl) -> Option<Finding> {
    let winner = sysctl.winner()?;
    let wins = winner.value?;
    let is_larger = |line: &&Assignment| {
        matches!(line.fate, Fate::Overridden { .. }) && line.value.is_some_and(|value| value > wins)
    };
    let mut losers: Vec<&Assignment> = sysctl.assignments.iter().filter(is_larger).collect();
    losers.sort_by_key(|line| std::cmp::Reverse(line.value));
    let largest = losers.first()?;
    let value = largest.value?;
    if sysctl.key == key::MAX_SYN_BACKLOG && is_ignored(facts, place, wins) {
        return None;
    }
    let message = format!(
        "{} ends at {wins}: {} is read later than {}, which says {value}",
        sysctl.key,
        facts.line(winner.value_at),
        facts.line(largest.value_at),
    );
    let mut finding =
        facts.finding(place, winner.value_at, message).label(winner.value_at, "read last: it counts");
    for line in losers {
        finding = finding.label(line.value_at, format!("{} has no effect", line.value.unwrap_or(value)));
    }
    let want = facts.sysctl_at_least(place, &sysctl.key, value);
    let title = format!("let {} be {value}", sysctl.key);
    let fix = want.filter(|_| facts.welcome(place, &sysctl.key, value).is_some()).map(|want| Fix {
        title,
        safety: Safety::Unsafe,
        set: vec![want],
        then: Vec::new(),
    });
    Some(
        finding
            .help("keep one line for the key and delete the other, or give both the number that is meant")
            .fix(fix),
    )
}
