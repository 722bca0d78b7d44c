//! More is allowed than a running listener has: it listened before, and has not listened again since.

use serde::Deserialize;

use super::drift::{Cause, Limits, drifted, is_changed};
use super::facts::{Facts, Socket};
use super::running::Live;
use crate::model::{Finding, Fix, Safety};

#[derive(Debug, Clone, Deserialize)]
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
        "{} still has a queue of {running}, though it would get {now} now: it has not listened again since more is allowed",
        live.name(facts)
    );
    let finding = live.finding(facts, message).label(live.at, format!("{running} is the limit"));
    let title = facts.title(socket);
    let reload = facts.service(socket).is_some_and(|service| service.apply.reload.is_some());
    let help = match (reload, is_changed(facts, live, socket)) {
        (true, true) => format!(
            "clients get {running}, whatever the files say; a restart of {title} mends it, a reload only if this number has changed in its file"
        ),
        (true, false) => {
            format!(
                "clients get {running}, whatever the files say; a reload of {title} keeps the old queue, a restart does not"
            )
        }
        (false, _) => format!("clients get {running}, whatever the files say, until {title} is restarted"),
    };
    let fix = Fix {
        title: format!("let {title} listen again: {now} instead of {running}"),
        safety: Safety::Safe,
        set: Vec::new(),
        then: facts.after_somaxconn(socket),
    };
    facts.label_asked(finding, socket).help(help).fix(Some(fix))
}
