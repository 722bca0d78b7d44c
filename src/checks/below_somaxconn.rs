//! Somebody raised somaxconn, and a program does not ask for that much.

use serde::Deserialize;

use super::facts::{Facts, LONG_ENOUGH, Socket};
use crate::model::{Finding, Fix, Kind, Safety, Sysctl, key};
use crate::text::Span;

/// The somaxconn of Linux before 5.4, the least that any version has by itself.
const OLD_DEFAULT: i64 = 128;

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BelowSomaxconn {
    /// Who chose the program's number.
    backlog: Chosen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Chosen {
    /// Nobody: it is the program's own default.
    Default,
    /// A person wrote it. That matters only where somaxconn is more than the kernel's default.
    Written,
}

/// What stands between a program's number and the one that somaxconn was raised to.
struct Gap {
    /// What the program asks for.
    asked: i64,
    /// What somaxconn is meant to be, and the line that says so.
    somaxconn: i64,
    /// What the program may ask for then.
    enough: i64,
    at: Span,
    /// Whether that line counts.
    in_force: bool,
}

impl BelowSomaxconn {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        facts.sockets.iter().filter_map(|socket| self.finding(facts, socket)).collect()
    }

    fn finding<'a>(&self, facts: &Facts<'a>, socket: &Socket<'a>) -> Option<Finding> {
        let gap = self.gap(facts, socket)?;
        let Gap { asked, somaxconn, enough, at, in_force } = gap;
        let message = self.message(facts, socket, &gap);
        let fix = raise(facts, socket, &gap);
        let help = match (self.backlog, &fix) {
            (Chosen::Default, Some(_)) => format!("set the backlog that you want, up to {enough}"),
            (Chosen::Default, None) => match &socket.listener.knob {
                Some(knob) => format!("set the backlog that you want, up to {enough}, with {knob}"),
                None => "none of these files has a setting for a longer queue".to_owned(),
            },
            (Chosen::Written, _) => format!("raise the program's own backlog, unless {asked} is intended"),
        };
        let finding = facts.label_asked(facts.about(socket, message), socket);
        let label = if in_force { "set to" } else { "intended to be" };
        Some(finding.label(at, format!("{label} {somaxconn}")).help(help).fix(fix))
    }

    fn message<'a>(&self, facts: &Facts<'a>, socket: &Socket<'a>, gap: &Gap) -> String {
        let Gap { asked, somaxconn, in_force, .. } = gap;
        let name = facts.name(socket);
        let names = match facts.written_in_vain(socket) {
            Some(_) => "ignores the backlog that its files set",
            None => "sets no backlog",
        };
        let (set, raised) = match in_force {
            true => ("is set to", "is raised to"),
            false => ("was meant to be", "was meant to be"),
        };
        match self.backlog {
            Chosen::Default => {
                format!("{name} {names}: its default is {asked}, but net.core.somaxconn {set} {somaxconn}")
            }
            Chosen::Written => {
                format!("net.core.somaxconn {raised} {somaxconn}, but {name} asks for only {asked}")
            }
        }
    }

    fn gap(&self, facts: &Facts<'_>, socket: &Socket<'_>) -> Option<Gap> {
        let place = socket.listener.place;
        let (sysctl, value) = facts.sysctl(place, key::SOMAXCONN)?;
        // Against a flag or the policy no line of these files counts.
        let (somaxconn, at) = match facts.is_told(value.span) {
            true => (value.get, value.span),
            false => facts.intended_somaxconn(place)?,
        };
        let is_ours = match self.backlog {
            Chosen::Default => {
                socket.kind() == Some(Kind::Default) && is_raised(facts, sysctl, somaxconn, at)
            }
            Chosen::Written => {
                socket.kind() == Some(Kind::Written)
                    && sysctl.default.as_ref().is_some_and(|default| somaxconn > default.get)
            }
        };
        let wanted = facts.minimum(socket).map_or(0, |minimum| minimum.at_least.get);
        let enough = somaxconn.min(LONG_ENOUGH.max(wanted));
        let asked = socket.asks().filter(|asked| *asked < enough && is_ours && !socket.listener.internal)?;
        // It was raised for another one then, and there is no reason to wonder about this.
        (!facts.has_use_for(place, somaxconn, enough)).then_some(Gap {
            asked,
            somaxconn,
            enough,
            at,
            in_force: value.span == at,
        })
    }
}

/// Whether a somaxconn is meant to let queues be longer. A line that says no less than the kernel's default was written for
/// that, but for the 128 of old kernels; a flag or the policy only says what is there.
fn is_raised(facts: &Facts<'_>, sysctl: &Sysctl, somaxconn: i64, at: Span) -> bool {
    let known = sysctl.default.as_ref().filter(|default| default.kind != Kind::Assumed);
    let default = known.map_or(OLD_DEFAULT, |default| default.get);
    match facts.is_told(at) {
        true => somaxconn > default.max(LONG_ENOUGH),
        false => somaxconn >= default && somaxconn > OLD_DEFAULT,
    }
}

/// What a listener's queue becomes where the fixes of these rules are made, and policies are met; 0 where none says anything.
pub(super) fn may_become(facts: &Facts<'_>, socket: &Socket<'_>) -> i64 {
    let wanted = facts.minimum(socket).map(|minimum| minimum.at_least.get);
    let gaps =
        [Chosen::Default, Chosen::Written].map(|backlog| BelowSomaxconn { backlog }.gap(facts, socket));
    let raised = gaps.into_iter().flatten().map(|gap| gap.enough);
    raised
        .chain(wanted)
        .chain(socket.asks().map(|asked| asked.min(LONG_ENOUGH)))
        .max()
        .filter(|length| facts.lengthen(socket, *length).is_some())
        .unwrap_or(0)
}

/// The operator's own number: the one in the sysctl, as far as a queue can be that long.
fn raise(facts: &Facts<'_>, socket: &Socket<'_>, gap: &Gap) -> Option<Fix> {
    let Gap { somaxconn, enough, .. } = gap;
    let title = match enough == somaxconn {
        true => format!("ask for {enough}, the number in net.core.somaxconn"),
        false => format!("ask for {enough}"),
    };
    let (set, then) = (facts.lengthen(socket, *enough)?, facts.after_backlog(socket));
    Some(facts.with_others(socket, Fix { title, safety: Safety::Unsafe, set, then }))
}
