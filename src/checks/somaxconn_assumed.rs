//! The kernel is not known, and on an older one some queues would be shorter.

use serde::Deserialize;

use super::facts::{Facts, Socket};
use crate::model::{Finding, Kind, PlaceId, key};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SomaxconnAssumed {
    /// The smaller default that an older kernel would have.
    older_default: u32,
    /// The first kernel with the assumed one, as a message names it.
    since: String,
}

impl SomaxconnAssumed {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        facts.places.iter().filter_map(|(place, _)| self.finding(facts, *place)).collect()
    }

    /// One for a place, at the first listener that it matters for.
    fn finding(&self, facts: &Facts<'_>, place: PlaceId) -> Option<Finding> {
        let (_, somaxconn) =
            facts.sysctl(place, key::SOMAXCONN).filter(|(_, value)| value.kind == Kind::Assumed)?;
        let matters = |socket: &&Socket<'_>| {
            let asked = socket.queue.requested;
            asked.is_some_and(|asked| asked < 0 || asked > self.older_default.into())
                && !socket.listener.internal
        };
        let stake: Vec<_> = facts.sockets_in(place).filter(matters).collect();
        let first = stake.iter().min_by(|a, b| facts.sources.order(a.listener.site, b.listener.site))?;
        let count = match stake.len() {
            1 => "1 listener asks".to_owned(),
            many => format!("{many} listeners ask"),
        };
        let message = format!(
            "assuming that net.core.somaxconn is {}{}: {count} for more than {}, the default before Linux {}",
            somaxconn.get,
            facts.within(place),
            self.older_default,
            self.since
        );
        // What writes it and was not taken in may be what holds.
        let told = facts.not_read().filter(|it| it.key == Some(key::SOMAXCONN) && !it.contained);
        let told = told.filter(|it| facts.place_of(it.at) == facts.place_of(first.listener.site));
        let mut told = told.filter_map(|it| Some((it.at, it.value?)));
        let mut told = told.by_ref().filter(|(_, value)| facts.takes(place, key::SOMAXCONN, *value));
        let help = match told.next() {
            Some((at, value)) => {
                format!(
                    "{} sets {value}: if that value applies, add --set net.core.somaxconn={value}",
                    facts.line(at)
                )
            }
            None => "give the kernel with --kernel, or the value with --set net.core.somaxconn=N".to_owned(),
        };
        let finding = facts.finding(place, facts.asked_at(first), message);
        let finding = facts.label_asked(finding, first);
        Some(finding.label(somaxconn.span, facts.origin(place, somaxconn)).help(help))
    }
}
