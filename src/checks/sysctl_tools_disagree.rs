//! What systemd-sysctl applies at boot is not what `sysctl --system` leaves.

use serde::Deserialize;

use super::facts::Facts;
use super::repair::fix;
use crate::model::{Assignment, Fate, Finding, PlaceId, Sysctl, Value, key};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SysctlToolsDisagree {}

impl SysctlToolsDisagree {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let places = facts.places.iter();
        let sysctls =
            places.flat_map(|(id, place)| place.sysctls.by_key.values().map(|sysctl| (*id, sysctl)));
        sysctls.filter_map(|(place, sysctl)| finding(facts, place, sysctl)).collect()
    }
}

fn finding(facts: &Facts<'_>, place: PlaceId, sysctl: &Sysctl) -> Option<Finding> {
    let of = |value: &Option<Value<i64>>| value.as_ref().or(sysctl.default.as_ref()).map(|value| value.get);
    let (boot, system) = (of(&sysctl.boot), of(&sysctl.system));
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
    let at = sysctl.system.as_ref().or(sysctl.boot.as_ref())?.span;
    let mut finding = facts.finding(place, at, message);
    if let Some(value) = &sysctl.system {
        finding = finding.label(value.span, "`sysctl --system` ends here");
    }
    if let Some(value) = &sysctl.boot {
        finding = finding.label(value.span, "systemd-sysctl ends here");
    }
    let larger =
        boot.max(system).filter(|_| matches!(sysctl.key.as_str(), key::SOMAXCONN | key::MAX_SYN_BACKLOG));
    let changeable = boot < system || sysctl.by_hand(facts.sources).is_some();
    let larger = larger.filter(|larger| changeable && sysctl.number() <= Some(*larger));
    let mend = larger.and_then(|larger| {
        Some((facts.welcome(place, &sysctl.key, larger)?, facts.sysctl_at_least(place, &sysctl.key, larger)?))
    });
    let title = format!("let {} be {} for both", sysctl.key, number(larger));
    let help = match facts.file(at).as_ref() {
        "etc/sysctl.conf" => {
            "say it once, in one file of /etc/sysctl.d, and in /etc/sysctl.conf not at all".to_owned()
        }
        _ => format!(
            "write `{} = N` in one file of /etc/sysctl.d, in the form that both read alike",
            sysctl.key
        ),
    };
    Some(finding.help(help).fix(fix(title, mend)))
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
