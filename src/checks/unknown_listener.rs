//! Something listens of which the files that were read do not tell.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::facts::Facts;
use super::running::{Live, counted};
use crate::model::{Endpoint, Finding};

/// Addresses that a message names before it counts the others.
const NAMED: usize = 3;

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnknownListener {}

impl UnknownListener {
    /// One for each program of the host; unix sockets are how the parts of a machine talk, and not worth a word.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let mut programs: BTreeMap<Option<&str>, Vec<Live<'_>>> = BTreeMap::new();
        for live in facts.running() {
            if live.listener.is_none() && !live.is_unix() && live.namespace.enter.is_empty() {
                programs.entry(live.owner().map(|owner| &*owner.name)).or_default().push(live);
            }
        }
        programs.iter().filter_map(|(program, sockets)| finding(facts, *program, sockets)).collect()
    }
}

fn finding<'a>(facts: &Facts<'a>, program: Option<&str>, sockets: &[Live<'a>]) -> Option<Finding> {
    let first = sockets.first()?;
    let mut distinct: Vec<&Endpoint> = sockets.iter().map(|live| &live.socket.address).collect();
    distinct.dedup();
    let mut addresses: Vec<String> = distinct.iter().take(NAMED).map(ToString::to_string).collect();
    let more = distinct.len().saturating_sub(NAMED);
    if more > 0 {
        addresses.push(format!("{more} more"));
    }
    let listed = match addresses.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => addresses.join(""),
    };
    let who = program.map_or_else(|| "an unknown process".to_owned(), str::to_owned);
    let unread = facts.seen.zip(program).and_then(|(seen, program)| seen.running.unread.get(program));
    let why = match unread {
        Some(file) => format!("the audit cannot read {file}"),
        None => "but no file that the audit has read explains it".to_owned(),
    };
    let message = format!("{who} listens on {listed}{} {why}", if unread.is_some() { ":" } else { "," });
    let limits: BTreeMap<u32, u64> = sockets.iter().fold(BTreeMap::new(), |mut limits, live| {
        *limits.entry(live.socket.limit).or_default() += 1;
        limits
    });
    let limits: Vec<String> =
        limits.iter().map(|(limit, count)| format!("{} of {limit}", counted(*count, "queue"))).collect();
    Some(first.finding(facts, message).label(first.at, limits.join(", ")))
}
