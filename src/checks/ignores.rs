//! What somebody decided to live with, without saying why, for longer than was said, or for nothing.

use serde::Deserialize;

use super::facts::Facts;
use crate::model::{Came, Finding, Ignore, IgnoredRule};
use crate::text::Span;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ignores {
    fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    Unexplained,
    Expired,
    Unused,
}

impl Ignores {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let all = facts.host.ignores.iter();
        match self.fault {
            Fault::Unexplained => {
                all.filter(|it| it.reason.is_none()).map(|it| unexplained(facts, it)).collect()
            }
            Fault::Expired => all.filter_map(|it| expired(facts, it)).collect(),
            Fault::Unused => all.filter(|it| !it.has_expired).flat_map(|it| unused(facts, it)).collect(),
        }
    }
}

fn unexplained(facts: &Facts<'_>, ignore: &Ignore) -> Finding {
    let help = match facts.is_told(ignore.at) {
        true => "say why, as in reason = \"...\"",
        false => "say why, behind two dashes, or behind a colon where a comment must not hold them",
    };
    finding(facts, ignore.at, format!("{} gives no reason", title(ignore))).help(help)
}

fn expired(facts: &Facts<'_>, ignore: &Ignore) -> Option<Finding> {
    let until = ignore.until.as_ref().filter(|_| ignore.has_expired)?;
    let message = format!("{} has expired: it held until {}", title(ignore), until.get);
    Some(finding(facts, until.span, message).help("mend what it hides, or look again and give it a new date"))
}

fn unused(facts: &Facts<'_>, ignore: &Ignore) -> Vec<Finding> {
    if ignore.rules.is_empty() {
        let message = "an ignore that names no rule hides nothing".to_owned();
        return vec![finding(facts, ignore.at, message).help("name the rules to ignore, between commas")];
    }
    let of_rule = |rule: &IgnoredRule| match &rule.came {
        Came::Used | Came::NotJudged => None,
        Came::Unknown { said } => Some(finding(facts, rule.at, said.clone())),
        Came::Unused => {
            let message = match &rule.id {
                Some(id) => format!("{id} has nothing to say here: the ignore hides nothing"),
                None => "the ignore hides nothing".to_owned(),
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
