//! A number that does not fit the 16 bits that kernels before 4.1 have for it.

use serde::Deserialize;

use super::facts::{Facts, Socket};
use crate::model::{CappedBy, Finding, key};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SixteenBits {}

impl SixteenBits {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let wrapped =
            facts.sockets.iter().filter(|socket| socket.queue.capped_by == Some(CappedBy::SixteenBits));
        wrapped.filter_map(|socket| finding(facts, socket)).collect()
    }
}

fn finding<'a>(facts: &Facts<'a>, socket: &Socket<'a>) -> Option<Finding> {
    let place = socket.listener.place;
    let (_, somaxconn) = facts.sysctl(place, key::SOMAXCONN)?;
    let version = &facts.host.place(place)?.kernel.version;
    let passed = socket.asks().map_or(somaxconn.get, |asked| asked.min(somaxconn.get));
    let message = format!(
        "{} asks for a queue of {passed}, but Linux {} keeps only 16 bits of the number: the queue is {}",
        facts.name(socket),
        version.get,
        socket.queue.limit?
    );
    let help = match socket.asks() {
        Some(asked) if asked <= somaxconn.get => "ask for at most 65535, the maximum before Linux 4.1",
        _ => "set net.core.somaxconn to 65535, the maximum before Linux 4.1",
    };
    let finding = facts.label_asked(facts.about(socket, message), socket);
    let finding = finding.label(somaxconn.span, facts.origin(place, somaxconn));
    Some(finding.label(version.span, format!("Linux {}", version.get)).help(help))
}
