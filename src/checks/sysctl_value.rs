//! A sysctl has a value that does harm.

use serde::Deserialize;

use super::facts::Facts;
use super::remedy::switch;
use crate::model::{Finding, PlaceId, Version, Want, key};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SysctlValue {
    /// The sysctl, in the spelling with dots.
    #[schemars(title = "sysctl", extend("enum" = key::ALL))]
    key: String,
    /// The values that do harm.
    #[schemars(example = [2])]
    is: Option<Vec<i64>>,
    /// The only value that does none.
    is_not: Option<i64>,
    /// The value that a fix sets.
    #[schemars(range(min = 0, max = 2_147_483_647), example = 1)]
    should_be: i64,
    /// What the harm is, as the second half of a sentence.
    effect: String,
    /// What to do about it.
    help: String,
    /// Only if other machines connect to some listener.
    #[serde(default)]
    outside: bool,
    /// The first kernel on which it does harm.
    #[serde(default, deserialize_with = "version")]
    #[schemars(with = "Option<String>", example = &"4.18")]
    since: Option<Version>,
}

fn version<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Version>, D::Error> {
    let text = String::deserialize(from)?;
    let version = Version::parse(&text).filter(|(_, rest)| rest.is_empty());
    version
        .map(|(version, _)| Some(version))
        .ok_or_else(|| serde::de::Error::custom("write a version, such as 4.18"))
}

impl SysctlValue {
    pub(super) fn is_idle(&self) -> Option<&'static str> {
        let names_none = self.is.as_ref().is_none_or(Vec::is_empty) && self.is_not.is_none();
        names_none.then_some("it has no value to look for: add is = [2] or is-not = 1")
    }

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
