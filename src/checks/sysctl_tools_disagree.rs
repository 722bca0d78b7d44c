//! What systemd-sysctl applies at boot is not what `sysctl --system` leaves.

use serde::Deserialize;

use super::facts::Facts;
use super::repair::fix;
use crate::model::{Assignment, Fate, Finding, PlaceId, Severity, Sysctl, key};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SysctlToolsDisagree {}

impl SysctlToolsDisagree {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        facts.sysctls().filter_map(|(place, sysctl)| finding(facts, place, sysctl)).collect()
    }
}

fn finding(facts: &Facts<'_>, place: PlaceId, sysctl: &Sysctl) -> Option<Finding> {
    let Some(by_hand) = &sysctl.system else { return only_at_boot(facts, place, sysctl) };
    let at_boot = sysctl.boot.as_ref().or(sysctl.default.as_ref()).map(|value| value.get);
    let (boot, system) = (at_boot, Some(by_hand.get));
    if boot == system || is_said_elsewhere(sysctl) {
        return None;
    }
    let number = |value: Option<i64>| {
        value.map_or_else(|| "the kernel's default".to_owned(), |value| value.to_string())
    };
    let message = format!(
        "{} is {} after boot, but {} after `sysctl --system`",
        sysctl.key,
        number(boot),
        number(system)
    );
    let at = by_hand.span;
    let mut finding = facts.finding(place, at, message).label(at, "`sysctl --system` applies this");
    if let Some(value) = &sysctl.boot {
        finding = finding.label(value.span, "the boot applies this");
    }
    if let Some(again) = sysctl.again {
        finding = finding.label(again, "tuned applies the files again when it starts, /etc/sysctl.conf last");
    }
    let larger =
        boot.max(system).filter(|_| matches!(sysctl.key.as_str(), key::SOMAXCONN | key::MAX_SYN_BACKLOG));
    let changeable = boot < system || sysctl.by_hand(facts.sources).is_some();
    let larger = larger.filter(|larger| changeable && sysctl.number() <= Some(*larger));
    let mend = larger.and_then(|larger| {
        Some((facts.welcome(place, &sysctl.key, larger)?, facts.sysctl_at_least(place, &sysctl.key, larger)?))
    });
    let title = format!("set {} to {} for both", sysctl.key, number(larger));
    let help = match facts.file(at).as_ref() {
        "etc/sysctl.conf" => {
            "set it once, in one file of /etc/sysctl.d, and not in /etc/sysctl.conf".to_owned()
        }
        _ => format!(
            "write `{} = N` in one file of /etc/sysctl.d: both tools read that form alike",
            sysctl.key
        ),
    };
    Some(finding.help(help).fix(fix(title, mend)))
}

/// `sysctl --system` passes over what is applied at boot: the number comes with the next boot, and is not undone by hand.
fn only_at_boot(facts: &Facts<'_>, place: PlaceId, sysctl: &Sysctl) -> Option<Finding> {
    let is_default = |value: i64| sysctl.default.as_ref().is_some_and(|default| default.get == value);
    let boot = sysctl.boot.as_ref().filter(|boot| !is_default(boot.get))?;
    let message = format!("only the boot applies {} = {}: `sysctl --system` does not", sysctl.key, boot.get);
    let mut finding = facts.finding(place, boot.span, message).label(boot.span, "the boot applies this");
    finding.severity = finding.severity.min(Severity::Info);
    Some(finding.help(format!("write `{} = {}`, which both tools apply", sysctl.key, boot.get)))
}

/// A line that only one of the tools takes has a rule of its own, if it is what makes the difference.
fn is_said_elsewhere(sysctl: &Sysctl) -> bool {
    let ends_at =
        |line: &Assignment| sysctl.system.as_ref().is_some_and(|value| line.value_at.contains(value.span));
    let unread = |line: &Assignment| {
        matches!(line.fate, Fate::NotApplied { .. } | Fate::Masked { .. }) && ends_at(line)
    };
    let refused = |line: &Assignment| matches!(line.fate, Fate::Invalid { .. });
    sysctl.assignments.iter().any(unread) || (sysctl.boot.is_none() && sysctl.assignments.iter().any(refused))
}
