//! Somebody raised somaxconn, and a program does not ask for that much.

use serde::Deserialize;

use super::facts::{Facts, Socket};
use crate::model::{Finding, Fix, Kind, Safety, key};
use crate::text::Span;

/// The most that is asked for because somaxconn is as large: it is what a kernel before 4.1 can hold at all
/// (sk_max_ack_backlog had 16 bits), and those who write millions into a sysctl do not mean one queue.
const LARGEST: i64 = u16::MAX as i64;

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
        let message = self.message(&facts.name(socket), &gap);
        let fix = raise(facts, socket, &gap);
        let help = match (self.backlog, &fix) {
            (Chosen::Default, Some(_)) => format!("write the backlog that is meant, up to {enough}"),
            (Chosen::Default, None) => "these files offer no place to ask for more".to_owned(),
            (Chosen::Written, _) => {
                format!("raise the program's own number, or leave it if {asked} is meant")
            }
        };
        let finding = facts.label_asked(facts.about(socket, message), socket);
        let label = if in_force { "set to" } else { "meant to be" };
        Some(finding.label(at, format!("{label} {somaxconn}")).help(help).fix(fix))
    }

    fn message(&self, name: &str, gap: &Gap) -> String {
        let Gap { asked, somaxconn, in_force, .. } = gap;
        let (set, raised) = match in_force {
            true => ("is set to", "is raised to"),
            false => ("is meant to be", "is meant to be"),
        };
        match self.backlog {
            Chosen::Default => format!(
                "{name} names no backlog: its default of {asked} stays, net.core.somaxconn {set} {somaxconn}"
            ),
            Chosen::Written => format!(
                "net.core.somaxconn {raised} {somaxconn}, but {name} asks for {asked}: that is the limit"
            ),
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
            Chosen::Default => socket.kind() == Some(Kind::Default),
            Chosen::Written => {
                socket.kind() == Some(Kind::Written)
                    && sysctl.default.as_ref().is_some_and(|default| somaxconn > default.get)
            }
        };
        let enough = somaxconn.min(LARGEST);
        let asked = socket.asks().filter(|asked| *asked < enough && is_ours && !socket.listener.internal)?;
        // Where one listener uses all of it, it was raised for that one, and there is no reason to wonder about others.
        (!facts.uses_fully(place, enough)).then_some(Gap {
            asked,
            somaxconn,
            enough,
            at,
            in_force: value.span == at,
        })
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
        .chain(socket.asks())
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
    Some(Fix {
        title,
        safety: Safety::Unsafe,
        set: facts.lengthen(socket, *enough)?,
        then: facts.after_backlog(socket),
    })
}
