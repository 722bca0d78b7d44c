//! A number with a leading zero: C reads it as octal.

use serde::Deserialize;

use super::facts::Facts;
use super::remedy::switch;
use crate::model::{Finding, PlaceId, Sysctl};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SysctlOctal {}

impl SysctlOctal {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        facts.sysctls().filter_map(|(place, sysctl)| finding(facts, place, sysctl)).collect()
    }
}

/// Only of the line that counts; one that the kernel refuses (`08`) is [`super::sysctl_invalid`]'s.
fn finding(facts: &Facts<'_>, place: PlaceId, sysctl: &Sysctl) -> Option<Finding> {
    let line = sysctl.winner()?;
    let (value, meant) = line.value.zip(line.octal_meant).filter(|(value, meant)| value != meant)?;
    let text = facts.sources.text(line.value_at);
    let message = format!("{} = {text} is octal: the kernel stores {value}", sysctl.key);
    let welcome = facts.welcome(place, &sysctl.key, meant);
    let want = welcome.and_then(|_| facts.sysctl_at_least(place, &sysctl.key, meant));
    let fix = switch(format!("write {meant}"), want);
    let finding =
        facts.finding(place, line.value_at, message).label(line.value_at, format!("a leading zero: {value}"));
    Some(finding.help(format!("write {meant}, or {value} if you mean the octal number")).fix(fix))
}
