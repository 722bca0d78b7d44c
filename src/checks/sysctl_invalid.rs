//! A value that the kernel refuses.

use serde::Deserialize;

use super::facts::Facts;
use super::repair::{Repair, fix, stays};
use crate::model::{Assignment, Fate, Finding, PlaceId, Severity, Sysctl};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SysctlInvalid {}

impl SysctlInvalid {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let places = facts.places.iter();
        let sysctls =
            places.flat_map(|(id, place)| place.sysctls.by_key.values().map(|sysctl| (*id, sysctl)));
        sysctls.flat_map(|(place, sysctl)| of(facts, place, sysctl)).collect()
    }
}

fn of<'a>(facts: &'a Facts<'_>, place: PlaceId, sysctl: &'a Sysctl) -> impl Iterator<Item = Finding> + 'a {
    sysctl.assignments.iter().filter_map(move |line| finding(facts, place, sysctl, line))
}

fn finding(facts: &Facts<'_>, place: PlaceId, sysctl: &Sysctl, line: &Assignment) -> Option<Finding> {
    let Fate::Invalid { why } = &line.fate else { return None };
    let text = facts.sources.text(line.value_at);
    let written = if text.is_empty() { "an empty value".to_owned() } else { format!("`{text}`") };
    let message = format!("the kernel refuses {written} for {}: {why}", sysctl.key);
    let mut finding = facts.finding(place, line.value_at, message).label(line.value_at, stays(sysctl));
    match sysctl.winner() {
        // Another line counts, so nothing is lost at boot.
        Some(winner) => {
            finding.severity = finding.severity.min(Severity::Info);
            finding = finding.label(winner.value_at, "this line counts");
        }
        None => {
            let earlier =
                sysctl.assignments.iter().filter(|line| matches!(line.fate, Fate::Overridden { .. }));
            for line in earlier {
                finding = finding
                    .label(line.value_at, "not applied at boot either: only the last line for a key is");
            }
        }
    }
    let mend = line.mend.as_ref().zip(line.gives());
    let mend = mend.and_then(|(edit, gives)| facts.mend(place, &Repair { key: &sysctl.key, edit, gives }));
    let help = match line.gives() {
        Some(number) => {
            format!("write {number}, if that is meant: digits only, without quotes, commas or units")
        }
        None if text.parse::<i128>().is_ok() => "write a number that the kernel takes".to_owned(),
        None => "write a whole number: digits only, without quotes, commas or units".to_owned(),
    };
    let title = line.gives().map(|number| format!("write {number}")).unwrap_or_default();
    Some(finding.help(help).fix(fix(title, mend)))
}
