//! Sockets that systemd opens and hands to a service: the `.socket` unit beside its `.service`.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use crate::model::{Command, Endpoint, Starter};
use crate::services::Ground;
use crate::syntax::unit;
use crate::text::{SourceId, Span};

/// Where units lie; the first one that has it counts (systemd.unit(5)).
const FOLDERS: [&str; 5] = [
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
];

/// What one `ListenStream=` opens, and the unit's `Backlog=`.
#[derive(Debug, Clone)]
pub(super) struct Socket {
    pub(super) endpoint: Endpoint,
    pub(super) at: Span,
    pub(super) backlog: Option<(i64, Span)>,
}

/// The sockets of the unit that is named as the command's.
pub(super) fn sockets(ground: Ground<'_>, command: &Command) -> Vec<Socket> {
    let Some(name) = command.name.strip_suffix(".service").filter(|_| command.starter == Starter::Unit)
    else {
        return Vec::new();
    };
    let beside = ground.sources.get(command.at.source).path().and_then(Path::parent);
    let folders = beside.into_iter().chain(FOLDERS.iter().map(Path::new));
    let unit = format!("{name}.socket");
    let source =
        folders.into_iter().find_map(|folder| ground.tree.read(ground.sources, &folder.join(&unit)).ok());
    source.map_or_else(Vec::new, |source| read(ground, source))
}

fn read(ground: Ground<'_>, source: SourceId) -> Vec<Socket> {
    let (mut found, mut backlog) = (Vec::new(), None);
    for entry in unit::entries(ground.sources, source).into_iter().filter(|entry| entry.section == "Socket") {
        match (entry.key.as_str(), entry.value.as_str()) {
            // An empty one takes back those before it.
            ("ListenStream", "") => found.clear(),
            ("ListenStream", address) => {
                found.extend(endpoint(address).map(|endpoint| (endpoint, entry.value.whole())));
            }
            ("Backlog", number) => {
                backlog = number.parse().ok().map(|number| (number, entry.value.whole())).or(backlog)
            }
            _ => {}
        }
    }
    found.into_iter().map(|(endpoint, at)| Socket { endpoint, at, backlog }).collect()
}

/// A path, an abstract name, `ADDRESS:PORT`, or a port of every address.
fn endpoint(address: &str) -> Option<Endpoint> {
    if address.starts_with(['/', '@']) {
        return Some(Endpoint::Unix(address.to_owned()));
    }
    if let Ok(port) = address.parse() {
        return Some(Endpoint::DualStack(port));
    }
    let socket: SocketAddr = address.parse().ok()?;
    match socket.ip() {
        IpAddr::V6(any) if any.is_unspecified() => Some(Endpoint::DualStack(socket.port())),
        ip => Some(Endpoint::tcp(ip, socket.port())),
    }
}
