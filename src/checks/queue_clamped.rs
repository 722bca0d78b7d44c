//! A program asks for more than somaxconn, and the kernel cuts it without a word.

use serde::Deserialize;

use super::facts::{Facts, Socket};
use super::remedy::holdable;
use crate::model::{CappedBy, Finding, Fix, Kind, Place, PlaceId, Safety, Severity, Value, key};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueClamped {}

impl QueueClamped {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        facts.places.iter().flat_map(|(id, place)| Clamp::all(facts, *id, place)).collect()
    }
}

/// What all clamped listeners of one place share.
struct Clamp<'a> {
    facts: &'a Facts<'a>,
    place: PlaceId,
    somaxconn: &'a Value<i64>,
    /// The most that any of them asks for and this kernel can hold: one number for all, written once.
    most: Option<i64>,
}

impl<'a> Clamp<'a> {
    fn all(facts: &'a Facts<'a>, place: PlaceId, on: &Place) -> Vec<Finding> {
        let Some((_, somaxconn)) = facts.sysctl(place, key::SOMAXCONN) else { return Vec::new() };
        let clamped: Vec<&Socket<'_>> = facts.sockets_in(place).filter(|socket| is_clamped(socket)).collect();
        let version = on.kernel.version.get;
        let asked = clamped.iter().filter_map(|socket| socket.asks());
        let most = asked.filter(|asked| holdable(version, *asked)).max();
        let clamp = Self { facts, place, somaxconn, most };
        clamped.into_iter().filter_map(|socket| clamp.finding(socket)).collect()
    }

    fn finding(&self, socket: &Socket<'a>) -> Option<Finding> {
        let (facts, asked, holds) = (self.facts, socket.asks()?, socket.queue.holds()?);
        let name = facts.name(socket);
        let message = format!(
            "{name} asks for {asked}, but net.core.somaxconn limits it to {}: {holds} connections can wait",
            self.somaxconn.get
        );
        let severity =
            if self.is_chosen(socket) { facts.severity } else { facts.severity.min(Severity::Info) };
        let fix = self.fix(socket, asked);
        let help = self.help(socket, asked, fix.is_some());
        let finding = Finding { severity, ..facts.about(socket, message) };
        Some(
            facts
                .label_asked(finding, socket)
                .label(self.somaxconn.span, facts.origin(self.place, self.somaxconn))
                .help(help)
                .fix(fix),
        )
    }

    /// Whether a person chose one of the two numbers, or named the kernel whose default cuts the program's. Where the kernel is
    /// not known there may be nothing to cut.
    fn is_chosen(&self, socket: &Socket<'_>) -> bool {
        let kernel = self.facts.host.place(self.place).map(|place| &place.kernel.version);
        let is_named = || kernel.is_some_and(|version| self.facts.is_told(version.span));
        let default =
            self.facts.sysctl(self.place, key::SOMAXCONN).and_then(|(sysctl, _)| sysctl.default.as_ref());
        match self.somaxconn.kind {
            Kind::Assumed => false,
            Kind::Written => true,
            Kind::Live if default.is_none_or(|default| default.get != self.somaxconn.get) => true,
            Kind::Live => socket.kind() == Some(Kind::Written),
            Kind::Default => socket.kind() == Some(Kind::Written) || is_named(),
        }
    }

    fn fix(&self, socket: &Socket<'_>, asked: i64) -> Option<Fix> {
        let most = self.most.filter(|most| asked <= *most)?;
        let want = self.facts.sysctl_at_least(self.place, key::SOMAXCONN, most)?;
        Some(Fix {
            title: format!("raise net.core.somaxconn from {} to {most}", self.somaxconn.get),
            safety: Safety::Safe,
            set: vec![want],
            then: self.facts.after_somaxconn(socket),
        })
    }

    fn help(&self, socket: &Socket<'a>, asked: i64, fixable: bool) -> String {
        let title = self.facts.title(socket);
        let apply = self.facts.service(socket).map(|service| &service.apply);
        let reloads = apply.is_some_and(|apply| apply.reload.is_some() || apply.reload_keeps);
        match (fixable, self.most) {
            // The fix says the number; what it cannot say is why it takes a restart.
            (true, _) if reloads => format!("restart {title} afterwards: a reload keeps the old queue"),
            (true, _) => format!("restart {title} afterwards: a running program keeps its queue"),
            (false, Some(most)) if asked <= most && self.somaxconn.kind == Kind::Assumed => {
                format!("set net.core.somaxconn to {asked} or more where this runs, and give it with --set")
            }
            (false, Some(most)) if asked <= most => {
                format!("raise net.core.somaxconn to {asked} where it is set, and restart {title}")
            }
            _ => "ask for at most 65535: before Linux 4.1 a queue cannot be longer".to_owned(),
        }
    }
}

fn is_clamped(socket: &Socket<'_>) -> bool {
    socket.queue.capped_by == Some(CappedBy::Somaxconn)
        && socket.asks().is_some()
        && !socket.listener.internal
        // Nothing is cut where the program ends instead: that is `refuses-to-start`.
        && !socket.queue.is_refused(socket.listener)
}
