//! /etc/sysctl.conf assigns a key, and nothing reads that file at boot.

use serde::Deserialize;

use super::facts::Facts;
use super::repair::{self, stays};
use crate::model::{Assignment, Fate, Finding, Fix, PlaceId, Sysctl, Want, key};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SysctlConfIgnored {}

impl SysctlConfIgnored {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        facts.sysctls().filter_map(|(place, sysctl)| finding(facts, place, sysctl)).collect()
    }
}

fn finding(facts: &Facts<'_>, place: PlaceId, sysctl: &Sysctl) -> Option<Finding> {
    let line = last(sysctl)?;
    let value = line.value.filter(|value| sysctl.number() != Some(*value))?;
    let message = format!(
        "{} sets {} = {value}, but nothing reads it at boot: {}",
        facts.file(line.value_at),
        sysctl.key,
        stays(sysctl)
    );
    let fix = fix(facts, place, sysctl, value);
    let mut finding =
        facts.finding(place, line.value_at, message).label(line.value_at, "not applied at boot");
    if let Some(winner) = sysctl.winner() {
        finding = finding.label(winner.value_at, "this line is in force");
    }
    Some(finding.help("move the line into a file of /etc/sysctl.d, such as 60-local.conf").fix(fix))
}

/// The line that `sysctl --system` would end at.
fn last(sysctl: &Sysctl) -> Option<&Assignment> {
    let ignored = |line: &&Assignment| line.in_sysctl_conf && matches!(line.fate, Fate::NotApplied { .. });
    sysctl.assignments.iter().rfind(|line| ignored(line) && line.value.is_some())
}

fn fix(facts: &Facts<'_>, place: PlaceId, sysctl: &Sysctl, value: i64) -> Option<Fix> {
    let safety = facts.welcome(place, &sysctl.key, value)?;
    let target = facts.settable(place, &sysctl.key)?;
    let is_length = matches!(sysctl.key.as_str(), key::SOMAXCONN | key::MAX_SYN_BACKLOG);
    let longer = sysctl.number().is_none_or(|number| value > number);
    let want = match is_length {
        true if !longer => return None,
        true => Want::AtLeast { target, value },
        false => Want::Exactly { target, value },
    };
    repair::fix(format!("set {} to {value} in /etc/sysctl.d", sysctl.key), Some((safety, want)))
}
