//! The running queue is not the one that the files give, or will not be after the next boot.

use serde::Deserialize;

use super::drift::{Cause, Limits, drifted, next_boot};
use super::facts::{Facts, Socket};
use super::running::Live;
use crate::model::{Apply, Finding, Fix, Safety, key};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
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
        "{} has a queue of {running}, but its file asks for {asked}: somebody changed the file after the start",
        live.name(facts)
    );
    let finding = live.finding(facts, message).label(live.at, format!("limit {running}"));
    let how = match socket.listener.apply {
        Apply::Reload => "a reload applies it if this number has changed in the file; otherwise restart",
        Apply::Restart => "only a restart applies it",
    };
    let shorter = if now < running { " (this makes the queue shorter)" } else { "" };
    let fix = Fix {
        title: format!("apply the file: the queue goes from {running} to {now}"),
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
    let finding = live.finding(facts, message).label(live.at, format!("limit {running}"));
    let other = "other files or arguments started it with another number";
    let help = match running < now {
        true => format!(
            "it started while net.core.somaxconn was {running}, or {other}; with these files a restart gives {now}"
        ),
        false => format!("{other}; with these files a restart gives {now}"),
    };
    facts.label_asked(finding, socket).help(help)
}

/// A restart would make the queue shorter.
fn lowered<'a>(facts: &Facts<'a>, live: &Live<'a>, socket: &Socket<'a>, limits: Limits) -> Finding {
    let Limits { running, now, .. } = limits;
    let message = format!(
        "{} has a queue of {running}, but the next restart makes it {now}: net.core.somaxconn was lowered after it started",
        live.name(facts)
    );
    let finding = live.finding(facts, message).label(live.at, format!("limit {running}"));
    let help =
        format!("if it needs {running}, set net.core.somaxconn to at least {running} before you restart it");
    facts.label_asked(finding, socket).help(help)
}

/// The machine's somaxconn is not the one of its files.
fn somaxconn<'a>(facts: &Facts<'a>, live: &Live<'a>, socket: &Socket<'a>, limits: Limits) -> Option<Finding> {
    let Limits { running, next_boot: then, .. } = limits;
    let (place, current) = (socket.listener.place, live.somaxconn()?);
    let sysctl = facts.host.place(place)?.sysctls.get(key::SOMAXCONN)?;
    let boot = next_boot(sysctl)?;
    let message = format!(
        "{} has a queue of {running}, but the next boot makes it {then}: net.core.somaxconn is {current} now and will be {}",
        live.name(facts),
        boot.get
    );
    let finding = live.finding(facts, message).label(live.at, format!("limit {running}"));
    let finding = match sysctl.boot.is_some() {
        true => finding.label(boot.span, format!("the next boot sets {}", boot.get)),
        false => finding.label(boot.span, format!("no file sets it, so the next boot gives {}", boot.get)),
    };
    if then > running {
        let fix = Fix {
            title: format!("set net.core.somaxconn to {} now, as in the files", boot.get),
            safety: Safety::Safe,
            set: Vec::new(),
            then: [vec![format!("sysctl -w {}={}", key::SOMAXCONN, boot.get)], facts.after_somaxconn(socket)]
                .concat(),
        };
        return Some(finding.help("somebody lowered it, or the file is newer than the boot").fix(Some(fix)));
    }
    let want = facts.sysctl_at_least(place, key::SOMAXCONN, current);
    let fix = want.map(|want| Fix {
        title: format!("keep net.core.somaxconn at {current} across the next boot"),
        safety: Safety::Safe,
        set: vec![want],
        then: Vec::new(),
    });
    let by = "somebody raised it by hand, or something did that this audit does not read (tuned, a container runtime)";
    Some(finding.help(by).fix(fix))
}
