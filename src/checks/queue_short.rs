//! An accept queue is shorter than a rule wants it.

use serde::Deserialize;

use super::facts::{Facts, Socket};
use crate::model::{Finding, Kind, key};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct QueueShort {
    /// The length that every queue in scope should have.
    #[schemars(range(min = 1, max = 2_147_483_647), example = 4096)]
    at_least: u32,
    /// Only programs that ask for less than this.
    #[schemars(range(max = 2_147_483_647))]
    asks_below: Option<u32>,
    /// Only programs that ask for at least this.
    #[serde(default)]
    #[schemars(range(max = 2_147_483_647))]
    asks_from: u32,
    /// Only programs whose number is their own default, which nobody chose.
    #[serde(default)]
    default_only: bool,
}

impl QueueShort {
    pub(super) fn is_idle(&self) -> Option<&'static str> {
        let excluded = self.asks_below.is_some_and(|below| below <= self.asks_from);
        excluded.then_some("no number is below asks-below and at least asks-from")
    }

    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        facts.sockets.iter().filter_map(|socket| self.finding(facts, socket)).collect()
    }

    fn finding<'a>(&self, facts: &Facts<'a>, socket: &Socket<'a>) -> Option<Finding> {
        let asks = |is: &dyn Fn(i64) -> bool| socket.asks().is_some_and(is);
        let little = self.asks_below.is_none_or(|below| asks(&|asked| asked < below.into()));
        let enough = self.asks_from == 0 || asks(&|asked| asked >= self.asks_from.into());
        let chosen = self.default_only && socket.kind() == Some(Kind::Written);
        shorter(facts, socket, self.at_least.into()).filter(|_| little && enough && !chosen)
    }
}

/// The finding that a queue is shorter than `at_least`, with what would make it as long.
pub(super) fn shorter<'a>(facts: &Facts<'a>, socket: &Socket<'a>, at_least: i64) -> Option<Finding> {
    let (limit, holds) = (socket.queue.limit?, socket.queue.holds()?);
    if limit >= at_least || socket.listener.internal {
        return None;
    }
    let wait = if holds == 1 { "1 connection can wait" } else { &format!("{holds} connections can wait") };
    let message = format!("{} has an accept queue of {limit}: {wait}", facts.name(socket));
    let fix = facts.lengthened(socket, at_least, String::new());
    let help = match &fix {
        Some(fix) => fix.title.clone(),
        None => advice(facts, socket, at_least),
    };
    let finding = facts.label_asked(facts.about(socket, message), socket);
    let place = socket.listener.place;
    let short = facts.sysctl(place, key::SOMAXCONN).filter(|(_, somaxconn)| somaxconn.get < at_least);
    let finding = match short {
        Some((_, somaxconn)) => finding.label(somaxconn.span, facts.origin(place, somaxconn)),
        None => finding,
    };
    Some(finding.help(help).fix(fix))
}

/// What to do where no file that was read can be changed.
fn advice(facts: &Facts<'_>, socket: &Socket<'_>, at_least: i64) -> String {
    let by_policy = facts.minimum(socket).is_some_and(|minimum| minimum.at_least.get == at_least);
    let who = if by_policy { "the policy requires" } else { "the queue needs" };
    let nowhere = match &socket.listener.knob {
        Some(knob) => format!("{who} at least {at_least}: set it with {knob}"),
        None => format!("{who} at least {at_least}, but none of these files has a setting for it"),
    };
    let asks_less = socket.queue.requested.is_some_and(|asked| (0..at_least).contains(&asked));
    let short = facts.sysctl(socket.listener.place, key::SOMAXCONN).map(|(_, value)| value);
    let Some(told) = short.filter(|value| value.get < at_least && facts.is_told(value.span)) else {
        return nowhere;
    };
    let elsewhere = format!(
        "set net.core.somaxconn to {at_least} or more where this runs: {} sets {}",
        facts.file(told.span),
        told.get
    );
    match (asks_less, &socket.listener.backlog.slot) {
        (false, _) => elsewhere,
        (true, Some(_)) => format!("ask for {at_least}, and {elsewhere}"),
        (true, None) => nowhere,
    }
}
