//! More is allowed than a running listener has: it listened before, and has not listened again since.

use serde::Deserialize;

use super::drift::{Cause, Limits, drifted, is_changed};
use super::facts::{Facts, Socket};
use super::running::Live;
use crate::model::{Finding, Fix, Safety};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NeedsRelisten {}

impl NeedsRelisten {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let mut drifted = drifted(facts);
        drifted.retain(|(.., cause)| *cause == Cause::NotListenedAgain);
        drifted.iter().map(|(live, socket, limits, _)| finding(facts, live, socket, *limits)).collect()
    }
}

fn finding<'a>(facts: &Facts<'a>, live: &Live<'a>, socket: &Socket<'a>, limits: Limits) -> Finding {
    let Limits { running, now, .. } = limits;
    let message = format!(
        "{} still has a queue of {running}, but a restart gives it {now}: the limit was raised after it started",
        live.name(facts)
    );
    let finding = live.finding(facts, message).label(live.at, format!("limit {running}"));
    let title = facts.title(socket);
    let reload = facts.service(socket).is_some_and(|service| service.apply.reload.is_some());
    let help = match (reload, is_changed(facts, live, socket)) {
        (true, true) => format!("restart {title}: a reload is enough only if its file's number changed"),
        (true, false) => format!("restart {title}: a reload keeps the old queue"),
        (false, _) => format!("the queue stays at {running} until you restart {title}"),
    };
    let fix = Fix {
        title: format!("restart {title}: its queue grows from {running} to {now}"),
        safety: Safety::Safe,
        set: Vec::new(),
        then: facts.after_somaxconn(socket),
    };
    facts.label_asked(finding, socket).help(help).fix(Some(fix))
}
