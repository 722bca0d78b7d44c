//! What somebody decided to live with, without saying why, for longer than was said, or for nothing; and what else of a policy
//! has no effect.

use serde::Deserialize;

use super::facts::Facts;
use crate::model::{Came, Endpoint, Finding, Idle, Ignore, IgnoredRule, Minimum, Subject};
use crate::text::{HashSet, Span};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ignores {
    fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    Unexplained,
    Expired,
    Unused,
    /// A line of the policy, of a rule or of a baseline that nothing here is about.
    NoEffect,
}

impl Ignores {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let all = facts.host.ignores.iter();
        match self.fault {
            Fault::Unexplained => all
                .filter(|it| it.reason.is_none() && it.mistaken.is_none())
                .map(|it| unexplained(facts, it))
                .collect(),
            Fault::Expired => all.filter_map(|it| expired(facts, it)).collect(),
            Fault::Unused => all.filter(|it| !it.has_expired).flat_map(|it| unused(facts, it)).collect(),
            Fault::NoEffect => {
                let idle = facts.host.idle.iter().cloned().chain(idle_minimums(facts));
                idle.map(|it| finding(facts, it.at, it.said).help(it.help)).collect()
            }
        }
    }
}

fn unexplained(facts: &Facts<'_>, ignore: &Ignore) -> Finding {
    let help = match facts.is_told(ignore.at) {
        true => "add a reason: reason = \"...\"",
        false => "add a reason after two dashes, or after a colon in XML comments",
    };
    finding(facts, ignore.at, format!("{} gives no reason", title(ignore))).help(help)
}

fn expired(facts: &Facts<'_>, ignore: &Ignore) -> Option<Finding> {
    let until = ignore.until.as_ref().filter(|_| ignore.has_expired)?;
    let message = format!("{} expired after {}", title(ignore), until.get);
    Some(finding(facts, until.span, message).help("fix what it hides, or review it and set a new date"))
}

/// Minimums that no listener is long or short of. One whose address is not known may be meant.
fn idle_minimums<'a>(facts: &Facts<'a>) -> impl Iterator<Item = Idle> + use<'a> {
    let listeners = || facts.host.listeners.iter();
    let meant: HashSet<Subject<'_>> = listeners().flat_map(Minimum::subjects).collect();
    let unknown = listeners().filter(|it| matches!(it.endpoint, Endpoint::Unknown(_)));
    let unknown: HashSet<Option<&str>> = unknown.flat_map(|it| [None, Some(it.service.as_str())]).collect();
    let concerns = move |minimum: &Minimum| {
        meant.contains(&minimum.subject()) || unknown.contains(&minimum.service.as_deref())
    };
    let idle = facts.host.minimums.iter().filter(move |it| it.is_judged && !concerns(it));
    idle.map(|minimum| {
        let Minimum { service, port, address, .. } = minimum;
        let service = service.as_ref().map_or("no listener".to_owned(), |it| format!("no listener of {it}"));
        let port = port.map_or(String::new(), |port| format!(" on port {port}"));
        let at = address.as_ref().and_then(Endpoint::address).map_or(String::new(), |it| format!(" at {it}"));
        let help = match address {
            Some(_) => "write the address as `ss -lnt` prints it, such as 0.0.0.0:80, or remove the minimum",
            None => "compare it with the table of listeners, or remove it",
        };
        let said = format!("the minimum has no effect: there is {service}{port}{at}");
        Idle { at: minimum.at_least.span, said, help: help.to_owned() }
    })
}

fn unused(facts: &Facts<'_>, ignore: &Ignore) -> Vec<Finding> {
    if let Some((said, help)) = &ignore.mistaken {
        return vec![finding(facts, ignore.at, said.clone()).help(*help)];
    }
    if ignore.rules.is_empty() {
        let message = "this ignore names no rule, so it hides nothing".to_owned();
        return vec![finding(facts, ignore.at, message).help("name the rules to ignore, with commas")];
    }
    let of_rule = |rule: &IgnoredRule| match &rule.came {
        Came::Used | Came::NotJudged => None,
        Came::Unknown { said } => Some(finding(facts, rule.at, said.clone())),
        Came::Unused => {
            let message = match &rule.id {
                Some(id) => format!("{id} reports nothing here, so this ignore hides nothing"),
                None => "this ignore hides nothing".to_owned(),
            };
            Some(finding(facts, rule.at, message).help("remove it"))
        }
    };
    ignore.rules.iter().filter_map(of_rule).collect()
}

fn finding(facts: &Facts<'_>, at: Span, message: String) -> Finding {
    facts.finding(facts.place_of(at), at, message)
}

/// `the ignore of queue-default, queue-tiny`
fn title(ignore: &Ignore) -> String {
    let ids: Vec<&str> = ignore.rules.iter().filter_map(|rule| rule.id.as_deref()).collect();
    match ids.is_empty() {
        true => "the ignore".to_owned(),
        false => format!("the ignore of {}", ids.join(", ")),
    }
}
