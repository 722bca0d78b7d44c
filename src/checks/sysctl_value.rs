//! A sysctl has a value that does harm.

use serde::Deserialize;

use super::facts::Facts;
use super::remedy::switch;
use crate::model::{Finding, PlaceId, Version, Want};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SysctlValue {
    key: String,
    /// The values that do harm.
    is: Option<Vec<i64>>,
    /// The only value that does none.
    is_not: Option<i64>,
    should_be: i64,
    /// What the harm is, as the second half of a sentence.
    effect: String,
    help: String,
    /// Only if other machines connect to some listener.
    #[serde(default)]
    outside: bool,
    /// The first kernel on which it does harm.
    #[serde(default, deserialize_with = "version")]
    since: Option<Version>,
}

fn version<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Version>, D::Error> {
    let text = String::deserialize(from)?;
    let version = Version::parse(&text).filter(|(_, rest)| rest.is_empty());
    version
        .map(|(version, _)| Some(version))
        .ok_or_else(|| serde::de::Error::custom("expected a version such as 4.18"))
}

impl SysctlValue {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        facts.places.iter().filter_map(|(place, _)| self.finding(facts, *place)).collect()
    }

    fn finding(&self, facts: &Facts<'_>, place: PlaceId) -> Option<Finding> {
        let (_, value) = facts.sysctl(place, &self.key)?;
        let old = self
            .since
            .is_some_and(|since| facts.host.place(place).is_some_and(|on| on.kernel.version.get < since));
        if old || !self.does_harm(value.get) {
            return None;
        }
        let mut exposed = facts.sockets_in(place).filter(|socket| socket.is_outside());
        let first = exposed.next();
        if self.outside && first.is_none() {
            return None;
        }
        // A default stands in none of the audited files; then the listener that suffers is the place to look at.
        let at = match first {
            Some(socket) if !facts.is_audited(value.span) && !facts.is_told(value.span) => {
                socket.listener.site
            }
            _ => value.span,
        };
        let message = format!("{} is {}: {}", self.key, value.get, self.effect);
        let mut finding = facts.finding(place, at, message).label(value.span, facts.origin(place, value));
        if let Some(socket) = first.filter(|_| self.outside) {
            finding = finding.label(socket.listener.site, "other machines connect here");
        }
        let want =
            facts.settable(place, &self.key).map(|target| Want::Exactly { target, value: self.should_be });
        let fix = switch(format!("set {} to {}", self.key, self.should_be), want);
        Some(finding.help(&self.help).fix(fix))
    }

    fn does_harm(&self, value: i64) -> bool {
        self.is.as_ref().is_some_and(|values| values.contains(&value))
            || self.is_not.is_some_and(|only| value != only)
    }
}
