//! The kernel is not known, and on an older one some queues would be shorter.

use serde::Deserialize;

use super::facts::{Facts, Socket};
use crate::model::{Finding, Kind, PlaceId, key};

#[derive(Debug, Clone, Deserialize)]
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
            "net.core.somaxconn is assumed to be {}{}: {count} for more than the {} of Linux before {}",
            somaxconn.get,
            facts.within(place),
            self.older_default,
            self.since
        );
        let help = "name the kernel with --kernel, or the value with --set net.core.somaxconn=N";
        let finding = facts.finding(place, facts.asked_at(first), message);
        let finding = facts.label_asked(finding, first);
        Some(finding.label(somaxconn.span, facts.origin(place, somaxconn)).help(help))
    }
}
