//! A value that the kernel refuses.

use serde::Deserialize;

use super::facts::Facts;
use super::repair::{Repair, fix, stays};
use crate::model::{Assignment, Fate, Finding, PlaceId, Severity, Sysctl};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SysctlInvalid {}

impl SysctlInvalid {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let lines = |(place, sysctl): (PlaceId, &Sysctl)| -> Vec<Finding> {
            sysctl.assignments.iter().filter_map(|line| finding(facts, place, sysctl, line)).collect()
        };
        facts.sysctls().flat_map(lines).collect()
    }
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
            finding = finding.label(winner.value_at, "this line is in force");
        }
        None => {
            let earlier =
                sysctl.assignments.iter().filter(|line| matches!(line.fate, Fate::Overridden { .. }));
            for line in earlier {
                finding = finding.label(line.value_at, "not applied either: only the last line for a key is");
            }
        }
    }
    let mend = line.mend.as_ref().zip(line.gives());
    let mend = mend.and_then(|(edit, gives)| facts.mend(place, &Repair { key: &sysctl.key, edit, gives }));
    let help = match line.gives() {
        Some(number) => {
            format!("if you mean {number}, write it in digits only, without quotes, commas or units")
        }
        None if text.parse::<i128>().is_ok() => nearest(facts, place, sysctl, &text),
        None => "write a whole number: digits only, without quotes, commas or units".to_owned(),
    };
    let title = line.gives().map(|number| format!("write {number}")).unwrap_or_default();
    Some(finding.help(help).fix(fix(title, mend)))
}

/// What to write instead of a number that is out of the kernel's range.
fn nearest(facts: &Facts<'_>, place: PlaceId, sysctl: &Sysctl, text: &str) -> String {
    let range = facts.host.place(place).map(|on| facts.knowledge.kernel.range(&sysctl.key, &on.kernel));
    match range {
        Some(range) if text.starts_with('-') => format!("write {} or more", range.min),
        Some(range) => format!("write {} or less: this kernel accepts no more", range.max),
        None => "write a number that the kernel accepts".to_owned(),
    }
}
