//! The running queue is not the one that the files give, or will not be after the next boot.

use serde::Deserialize;

use super::drift::{Cause, Limits, drifted, next_boot};
use super::facts::{Facts, Socket};
use super::running::Live;
use crate::model::{Apply, Finding, Fix, Safety, key};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveDrift {}

impl LiveDrift {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let finding = |(live, socket, limits, cause): &(Live<'_>, Socket<'_>, Limits, Cause)| match cause {
            Cause::NotListenedAgain => None,
            Cause::FileChanged => Some(file_changed(facts, live, socket, *limits)),
            Cause::Lowered => Some(lowered(facts, live, socket, *limits)),
            Cause::AskedOtherwise => Some(asked_otherwise(facts, live, socket, *limits)),
            Cause::Somaxconn => somaxconn(facts, live, socket, *limits),
        };
        drifted(facts).iter().filter_map(finding).collect()
    }
}

/// The file was edited and the program has not been told.
fn file_changed<'a>(facts: &Facts<'a>, live: &Live<'a>, socket: &Socket<'a>, limits: Limits) -> Finding {
    let Limits { running, asked, now, .. } = limits;
    let message = format!(
        "{} has a queue of {running}; its file, changed since it started, asks for {asked}",
        live.name(facts)
    );
    let finding = live.finding(facts, message).label(live.at, format!("{running} is the limit"));
    let how = match socket.listener.apply {
        Apply::Reload => {
            "a reload brings it in if this number is what has changed there, else it takes a restart"
        }
        Apply::Restart => "only a restart brings it in",
    };
    let shorter = if now < running { ", and makes the queue shorter" } else { "" };
    let fix = Fix {
        title: format!("bring in what the file says: {now} instead of {running}"),
        safety: if now < running { Safety::Unsafe } else { Safety::Safe },
        set: Vec::new(),
        then: facts.after_backlog(socket),
    };
    facts.label_asked(finding, socket).help(format!("{how}{shorter}")).fix(Some(fix))
}

/// Nothing tells of a change: another file was meant, or an argument.
fn asked_otherwise<'a>(facts: &Facts<'a>, live: &Live<'a>, socket: &Socket<'a>, limits: Limits) -> Finding {
    let Limits { running, asked, now, .. } = limits;
    let message = format!("{} has a queue of {running}, but its files ask for {asked}", live.name(facts));
    let finding = live.finding(facts, message).label(live.at, format!("{running} is the limit"));
    let other = "it was started with another number, by other files or arguments";
    let help = match running < now {
        true => format!(
            "it listened while net.core.somaxconn was {running}, or {other}; with these files a restart gives {now}"
        ),
        false => format!("{other}; with these files a restart gives {now}"),
    };
    facts.label_asked(finding, socket).help(help)
}

/// A restart would make the queue shorter.
fn lowered<'a>(facts: &Facts<'a>, live: &Live<'a>, socket: &Socket<'a>, limits: Limits) -> Finding {
    let Limits { running, now, .. } = limits;
    let message = format!(
        "{} has a queue of {running}, but the next restart makes it {now}: net.core.somaxconn was lowered since it listened",
        live.name(facts)
    );
    let finding = live.finding(facts, message).label(live.at, format!("{running} is the limit"));
    let help =
        format!("if it needs {running}, set net.core.somaxconn to {running} or more before it is restarted");
    facts.label_asked(finding, socket).help(help)
}

/// The machine's somaxconn is not the one of its files.
fn somaxconn<'a>(facts: &Facts<'a>, live: &Live<'a>, socket: &Socket<'a>, limits: Limits) -> Option<Finding> {
    let Limits { running, next_boot: then, .. } = limits;
    let (place, current) = (socket.listener.place, live.somaxconn()?);
    let sysctl = facts.host.place(place)?.sysctls.get(key::SOMAXCONN)?;
    let boot = next_boot(sysctl)?;
    let message = format!(
        "{} has a queue of {running}, but the next boot makes it {then}: net.core.somaxconn is {current} now and {} then",
        live.name(facts),
        boot.get
    );
    let finding = live.finding(facts, message).label(live.at, format!("{running} is the limit"));
    let finding = match sysctl.boot.is_some() {
        true => finding.label(boot.span, format!("the next boot sets {}", boot.get)),
        false => finding.label(boot.span, format!("no file says it, so the next boot brings {}", boot.get)),
    };
    if then > running {
        let fix = Fix {
            title: format!("set net.core.somaxconn to {} now, as the files say", boot.get),
            safety: Safety::Safe,
            set: Vec::new(),
            then: [vec![format!("sysctl -w {}={}", key::SOMAXCONN, boot.get)], facts.after_somaxconn(socket)]
                .concat(),
        };
        return Some(
            finding.help("it was lowered by hand, or the file is newer than the last boot").fix(Some(fix)),
        );
    }
    let want = facts.sysctl_at_least(place, key::SOMAXCONN, current);
    let fix = want.map(|want| Fix {
        title: format!("keep net.core.somaxconn at {current} over the next boot"),
        safety: Safety::Safe,
        set: vec![want],
        then: Vec::new(),
    });
    let by = "it was raised by hand, or by something that is not read here (tuned, a container runtime)";
    Some(finding.help(by).fix(fix))
}
