//! A program that compares its number with somaxconn itself, and ends where it is larger.

use serde::Deserialize;

use super::facts::{Facts, Socket};
use super::remedy::holdable;
use crate::model::{Finding, Fix, Kind, PlaceId, Safety, Severity, Value, key};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefusesToStart {}

impl RefusesToStart {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        facts.places.iter().flat_map(|(place, _)| in_place(facts, *place)).collect()
    }
}

fn in_place(facts: &Facts<'_>, place: PlaceId) -> Vec<Finding> {
    let Some((_, somaxconn)) = facts.sysctl(place, key::SOMAXCONN) else { return Vec::new() };
    let refused: Vec<&Socket<'_>> = facts.sockets_in(place).filter(|socket| is_refused(socket)).collect();
    let version = facts.host.place(place).map(|place| place.kernel.version.get);
    let can_be = |asked: &i64| version.is_some_and(|version| holdable(version, *asked));
    // One number for all, written once.
    let most = refused.iter().filter_map(|socket| socket.asks()).filter(can_be).max();
    refused.into_iter().filter_map(|socket| finding(facts, socket, somaxconn, most)).collect()
}

fn is_refused(socket: &Socket<'_>) -> bool {
    socket.queue.is_refused(socket.listener) && !socket.listener.internal
}

fn finding<'a>(
    facts: &Facts<'a>,
    socket: &Socket<'a>,
    somaxconn: &Value<i64>,
    most: Option<i64>,
) -> Option<Finding> {
    let (asked, place) = (socket.asks()?, socket.listener.place);
    let title = facts.title(socket);
    // Where the kernel is not known, there may be enough.
    let (verb, severity) = match somaxconn.kind {
        Kind::Assumed => ("would refuse", facts.severity.min(Severity::Info)),
        _ => ("refuses", facts.severity),
    };
    let message = format!(
        "{} {verb} to start: it asks for {asked}, but net.core.somaxconn is {}",
        facts.name(socket),
        somaxconn.get
    );
    let raised = most.filter(|most| asked <= *most);
    let fix = raised.and_then(|most| {
        Some(Fix {
            title: format!("raise net.core.somaxconn from {} to {most}", somaxconn.get),
            safety: Safety::Safe,
            set: vec![facts.sysctl_at_least(place, key::SOMAXCONN, most)?],
            then: facts.after_somaxconn(socket),
        })
    });
    let help = match (fix.is_some(), raised) {
        (true, _) => format!("start {title} afterwards: it reads somaxconn only when it opens its sockets"),
        (false, Some(_)) if somaxconn.kind == Kind::Assumed => {
            format!("set net.core.somaxconn to {asked} or more where this runs, and give it with --set")
        }
        (false, Some(_)) => format!("raise net.core.somaxconn to {asked} where it is set"),
        (false, None) => format!("make {title} ask for at most {}", somaxconn.get),
    };
    let finding = Finding { severity, ..facts.about(socket, message) };
    let finding = facts.label_asked(finding, socket);
    Some(finding.label(somaxconn.span, facts.origin(place, somaxconn)).help(help).fix(fix))
}
