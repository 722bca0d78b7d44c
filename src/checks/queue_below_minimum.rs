//! An accept queue is shorter than the policy wants it.

use serde::Deserialize;

use super::facts::{Facts, Socket};
use super::queue_short::shorter;
use crate::model::Finding;

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueBelowMinimum {}

impl QueueBelowMinimum {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        facts.sockets.iter().filter_map(|socket| finding(facts, socket)).collect()
    }
}

/// Where several minimums hold for a listener, the longest counts.
fn finding<'a>(facts: &Facts<'a>, socket: &Socket<'a>) -> Option<Finding> {
    let wanted = &facts.minimum(socket)?.at_least;
    let finding = shorter(facts, socket, wanted.get)?;
    Some(finding.label(wanted.span, format!("the policy requires at least {}", wanted.get)))
}
