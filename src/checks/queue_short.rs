//! An accept queue is shorter than a rule wants it.

use serde::Deserialize;

use super::facts::{Facts, Socket};
use crate::model::{Finding, Fix, Kind, Safety, Target, Want, key};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct QueueShort {
    /// The length that every queue in scope should have.
    at_least: u32,
    /// Only programs that ask for less than this.
    asks_below: Option<u32>,
    /// Only programs that ask for at least this.
    #[serde(default)]
    asks_from: u32,
    /// Only programs whose number is their own default, which nobody chose.
    #[serde(default)]
    default_only: bool,
}

impl QueueShort {
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
    let fix = facts.lengthen(socket, at_least).map(|set| fix(facts, socket, set, at_least));
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
    let nowhere = format!("{at_least} or more are wanted, but these files offer no place to say so");
    let asks_less = socket.queue.requested.is_some_and(|asked| (0..at_least).contains(&asked));
    let short = facts.sysctl(socket.listener.place, key::SOMAXCONN).map(|(_, value)| value);
    let Some(told) = short.filter(|value| value.get < at_least && facts.is_told(value.span)) else {
        return nowhere;
    };
    let elsewhere = format!(
        "have net.core.somaxconn at {at_least} or more where this runs: {} says {}",
        facts.file(told.span),
        told.get
    );
    match (asks_less, &socket.listener.backlog.slot) {
        (false, _) => elsewhere,
        (true, Some(_)) => format!("ask for {at_least}, and {elsewhere}"),
        (true, None) => nowhere,
    }
}

fn fix(facts: &Facts<'_>, socket: &Socket<'_>, set: Vec<Want>, at_least: i64) -> Fix {
    let (title, then) = match set.first() {
        Some(Want::AtLeast { target: Target::Backlog { .. }, .. }) => {
            (format!("ask for {at_least}"), facts.after_backlog(socket))
        }
        _ => (format!("raise net.core.somaxconn to {at_least}"), facts.after_somaxconn(socket)),
    };
    Fix { title, safety: Safety::Unsafe, set, then }
}
