//! A front lets far more connections wait than what it passes them on to.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::below_somaxconn;
use super::facts::{Facts, Socket};
use crate::model::{Finding, Fix, Link, Listener, Safety, Target, Transport, Want};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UpstreamShorter {
    transport: Transport,
}

/// How many times longer the queue in front of a TCP socket has to be. A front accepts at once and has its own limits, and
/// TCP tries again: a few times is usual. A unix socket that is full refuses at once.
const FAR_LONGER: i64 = 4;

/// Whether a queue is too short for what a front of `length` lets in.
pub(super) fn is_short(back: &Listener, limit: i64, length: i64) -> bool {
    let sockets = i64::from(back.sockets.unwrap_or(1).max(1));
    let times = match back.endpoint.transport() {
        Transport::Unix => 1,
        Transport::Tcp => FAR_LONGER,
    };
    !back.internal && length > limit.max(1).saturating_mul(sockets).saturating_mul(times)
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
        let wait = if holds == 1 { "1 connection" } else { &format!("{holds} connections") };
        let what = match self.transport {
            Transport::Unix => format!("{wait} can wait there, and the next one is refused at once"),
            Transport::Tcp => format!("{wait} can wait there, {} in front", front.limit.saturating_add(1)),
        };
        let passes = match front.others {
            0 => "passes".to_owned(),
            more => format!("and {more} more pass"),
        };
        let (name, behind) = (facts.name(front.socket), facts.name(back));
        let message = format!("{name} {passes} on to {behind}: {what}");
        let length = front.limit.max(below_somaxconn::may_become(facts, front.socket));
        let fix = facts.lengthen(back, length).map(|set| fix(facts, back, set, length));
        let finding = facts.label_asked(facts.about(back, message), back);
        let finding = finding.label(front.link.at, "passed on from here");
        Some(finding.help(self.help(facts, back, fix.is_some())).fix(fix))
    }

    fn help(&self, facts: &Facts<'_>, back: &Socket<'_>, fixable: bool) -> String {
        let title = facts.title(back);
        match (fixable, self.transport) {
            (true, _) => format!("let {title} hold what its front lets in, if it can serve it in time"),
            (false, Transport::Unix) => {
                format!(
                    "lengthen the queue of {title} where its number is decided, or let it listen on TCP: there a full queue is tried again"
                )
            }
            (false, Transport::Tcp) => format!("lengthen the queue of {title} where its number is decided"),
        }
    }
}

impl Front<'_, '_> {
    fn or_longer(self, other: Self) -> Self {
        let others = self.others + 1;
        Self { others, ..if other.limit > self.limit { other } else { self } }
    }
}

fn fix(facts: &Facts<'_>, back: &Socket<'_>, set: Vec<Want>, length: i64) -> Fix {
    let (title, then) = match set.first() {
        Some(Want::AtLeast { target: Target::Backlog { .. }, .. }) => {
            (format!("ask for {length} in {}", facts.title(back)), facts.after_backlog(back))
        }
        _ => (format!("raise net.core.somaxconn to {length}"), facts.after_somaxconn(back)),
    };
    Fix { title, safety: Safety::Unsafe, set, then }
}
