//! Somebody raised somaxconn, and a program does not ask for that much.

use serde::Deserialize;

use super::facts::{Facts, Socket};
use crate::model::{Finding, Fix, Kind, Safety, key};
use crate::text::Span;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BelowSomaxconn {
    /// Who chose the program's number.
    backlog: Chosen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Chosen {
    /// Nobody: it is the program's own default.
    Default,
    /// A person wrote it. That matters only where somaxconn is more than the kernel's default.
    Written,
}

impl BelowSomaxconn {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        facts.sockets.iter().filter_map(|socket| self.finding(facts, socket)).collect()
    }

    fn finding<'a>(&self, facts: &Facts<'a>, socket: &Socket<'a>) -> Option<Finding> {
        let (asked, somaxconn, at) = self.gap(facts, socket)?;
        let name = facts.name(socket);
        let (message, help) = match self.backlog {
            Chosen::Default => (
                format!(
                    "{name} names no backlog: its default of {asked} stays, net.core.somaxconn is set to {somaxconn}"
                ),
                format!("write the backlog that is meant, up to {somaxconn}"),
            ),
            Chosen::Written => (
                format!(
                    "net.core.somaxconn is raised to {somaxconn}, but {name} asks for {asked}: that is the limit"
                ),
                format!("raise the program's own number, or leave it if {asked} is meant"),
            ),
        };
        let fix = raise(facts, socket, somaxconn);
        let help = match fix {
            None if self.backlog == Chosen::Default => {
                format!("it stays at {asked}: these files offer no place to change it")
            }
            _ => help,
        };
        let finding = facts.label_asked(facts.about(socket, message), socket);
        Some(finding.label(at, format!("set to {somaxconn}")).help(help).fix(fix))
    }

    /// What the program asks for, and what somaxconn is meant to be.
    fn gap(&self, facts: &Facts<'_>, socket: &Socket<'_>) -> Option<(i64, i64, Span)> {
        let place = socket.listener.place;
        let (sysctl, _) = facts.sysctl(place, key::SOMAXCONN)?;
        let (somaxconn, at) = facts.intended_somaxconn(place)?;
        let is_ours = match self.backlog {
            Chosen::Default => socket.kind() == Some(Kind::Default),
            Chosen::Written => {
                socket.kind() == Some(Kind::Written)
                    && sysctl.default.as_ref().is_some_and(|default| somaxconn > default.get)
            }
        };
        let asked =
            socket.asks().filter(|asked| *asked < somaxconn && is_ours && !socket.listener.internal)?;
        // Where one listener uses all of it, it was raised for that one, and there is no reason to wonder about others.
        (!facts.uses_fully(place, somaxconn)).then_some((asked, somaxconn, at))
    }
}

/// The operator's own number: the one in the sysctl.
fn raise(facts: &Facts<'_>, socket: &Socket<'_>, somaxconn: i64) -> Option<Fix> {
    Some(Fix {
        title: format!("ask for {somaxconn}, the number in net.core.somaxconn"),
        safety: Safety::Unsafe,
        set: facts.lengthen(socket, somaxconn)?,
        then: facts.after_backlog(socket),
    })
}
