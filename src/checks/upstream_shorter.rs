//! A front lets far more connections wait than what it passes them on to.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::below_somaxconn;
use super::facts::{Facts, LONG_ENOUGH, Socket};
use crate::model::{Finding, Link, Listener, Transport};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UpstreamShorter {
    transport: Transport,
}

/// How many times longer the queue in front of a TCP socket has to be. A front accepts at once and has its own limits, and
/// TCP tries again: a few times is usual. A unix socket that is full refuses at once.
const FAR_LONGER: i64 = 4;

/// A unix socket with no more than what kernels before 5.4 allow refuses connections in a burst that its front takes in.
const SHORT: i64 = 128;
/// What such a socket gets at least: the number that nginx and PHP-FPM settled on.
const LONGER: i64 = 511;

/// Whether a queue is too short for what a front of `length` lets in.
pub(super) fn is_short(back: &Listener, limit: i64, length: i64) -> bool {
    let length = length.min(LONG_ENOUGH);
    let holds = limit.max(1).saturating_mul(i64::from(back.sockets.unwrap_or(1).max(1)));
    let is_short = match back.endpoint.transport() {
        Transport::Unix => length > holds || length == holds && limit <= SHORT,
        Transport::Tcp => length > holds.saturating_mul(FAR_LONGER),
    };
    is_short && !back.internal
}

/// The longest queue in front of a listener, how many more pass on to it, and where the longest does.
struct Front<'f, 'a> {
    socket: &'f Socket<'a>,
    limit: i64,
    others: usize,
    link: Link,
}

impl UpstreamShorter {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let by_index: BTreeMap<usize, &Socket<'_>> =
            facts.sockets.iter().map(|socket| (socket.index, socket)).collect();
        let mut fronts: BTreeMap<usize, Front<'_, '_>> = BTreeMap::new();
        for link in facts.links() {
            let Some((socket, limit)) =
                by_index.get(&link.from).and_then(|socket| Some((*socket, socket.queue.limit?)))
            else {
                continue;
            };
            let front = Front { socket, limit, others: 0, link: *link };
            let longest = match fronts.remove(&link.to) {
                Some(known) => known.or_longer(front),
                None => front,
            };
            fronts.insert(link.to, longest);
        }
        let found = |(to, front): (usize, Front<'_, '_>)| self.finding(facts, &front, by_index.get(&to)?);
        fronts.into_iter().filter_map(found).collect()
    }

    fn finding<'a>(&self, facts: &Facts<'a>, front: &Front<'_, 'a>, back: &Socket<'a>) -> Option<Finding> {
        let (limit, holds) = (back.queue.limit?, back.queue.holds()?);
        let is_meant = back.listener.endpoint.transport() == self.transport;
        if !is_meant || !is_short(back.listener, limit, front.limit) {
            return None;
        }
        let message = self.message(facts, front, back, holds);
        let length = front.limit.min(LONG_ENOUGH).max(below_somaxconn::may_become(facts, front.socket));
        let length = if limit < front.limit { length } else { length.max(LONGER) };
        let fix = facts.lengthened(back, length, format!(" in {}", facts.title(back)));
        let finding = facts.label_asked(facts.about(back, message), back);
        let finding = finding.label(front.link.at, "passes requests on from here");
        Some(finding.help(self.help(facts, front, back, fix.is_some())).fix(fix))
    }

    /// The socket that fails comes first.
    fn message<'a>(&self, facts: &Facts<'a>, front: &Front<'_, 'a>, back: &Socket<'a>, holds: i64) -> String {
        let wait = if holds == 1 { "1 connection" } else { &format!("{holds} connections") };
        let (name, behind) = (facts.name(front.socket), facts.name(back));
        let passes = match front.others {
            0 => "passes".to_owned(),
            more => format!("and {more} more pass"),
        };
        match self.transport {
            Transport::Unix => format!(
                "{behind} lets {wait} wait and refuses the next at once, but {name} {passes} requests to it"
            ),
            Transport::Tcp => format!(
                "{name} {passes} requests to {behind}: {wait} can wait there, {} at the front end",
                front.limit.saturating_add(1)
            ),
        }
    }

    fn help<'a>(&self, facts: &Facts<'a>, front: &Front<'_, 'a>, back: &Socket<'a>, fixable: bool) -> String {
        let (title, ahead) = (facts.title(back), facts.title(front.socket));
        match (fixable, self.transport) {
            (true, _) => {
                format!(
                    "raise {title}'s backlog to match {ahead}'s, if it can serve that many before clients give up"
                )
            }
            (false, Transport::Unix) => {
                format!(
                    "lengthen {title}'s queue where its number is set, or make it listen on TCP, where clients retry a full queue"
                )
            }
            (false, Transport::Tcp) => format!("lengthen {title}'s queue where its number is set"),
        }
    }
}

impl Front<'_, '_> {
    fn or_longer(self, other: Self) -> Self {
        let others = self.others + 1;
        Self { others, ..if other.limit > self.limit { other } else { self } }
    }
}
