//! Envoy's bootstrap: its static listeners and the admin socket, and the clusters that they pass on to. What a management
//! server or another file brings is not in it.

use std::net::IpAddr;
use std::path::Path;

use super::{
    Ask, Bound, CUT, Candidate, DualStack, Empty, Found, Ground, Hops, Names, Policy, Why, bound_first,
    port_of,
};
use crate::model::{Endpoint, Hop, Listener, Next, ProblemKind, Step, Transport, Version};
use crate::syntax::yaml::{self, Node};
use crate::text::{HashMap, Slot, Span};

/// The default of reuse_port is on from here (docs/root/version_history/v1.20.0.rst).
const OWN_SOCKETS: Version = Version::new(1, 20, 0);

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    for file in files {
        one(ground, file, &mut found);
    }
    found
}

fn one(ground: Ground<'_>, file: &Candidate, found: &mut Found) {
    let lost = if file.by_place { ProblemKind::Lost } else { ProblemKind::Skipped };
    let Some(source) = ground.open(file, &mut found.problems) else { return };
    let yaml = yaml::read(ground.sources, source);
    if let Some(broken) = yaml.fault() {
        let message = format!("read only in part: {}", broken.message);
        found.problems.push(ground.problem(lost, message, broken.at));
    }
    let folder = file.path.parent().unwrap_or(Path::new(""));
    for document in &yaml.documents {
        let clusters = clusters(document);
        let version = ground.version(folder);
        let (workers, looked_at) = (workers(ground), Hops::of(ground));
        Bootstrap { ground, lost, version, workers, clusters, looked_at }.read(document, found);
    }
}

/// A field by its name, which JSON may spell in camel case (protobuf's JSON mapping).
fn field<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    node.get(name).or_else(|| node.get(&camel(name)))
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |camel, part| {
        let mut letters = part.chars();
        let head = letters.next().map(|letter| letter.to_ascii_uppercase());
        camel + &head.into_iter().chain(letters).collect::<String>()
    })
}

fn path<'n>(node: &'n Node, names: &[&str]) -> Option<&'n Node> {
    names.iter().try_fold(node, |node, name| field(node, name))
}

/// A boolean wrapper; what is neither is not known.
fn is_off(node: Option<&Node>) -> bool {
    node.and_then(Node::text) == Some("false")
}

/// `--concurrency`, where a command line says it.
fn workers(ground: Ground<'_>) -> Option<u32> {
    let (_, arguments) = ground.started().next()?;
    let at = arguments.iter().position(|word| word.as_str() == "--concurrency")?;
    arguments.get(at + 1)?.as_str().parse().ok().filter(|workers| *workers > 0)
}

/// The addresses of every cluster.
fn clusters(document: &Node) -> HashMap<&str, Vec<&Node>> {
    let mut clusters: HashMap<&str, Vec<&Node>> = HashMap::default();
    for cluster in path(document, &["static_resources", "clusters"]).map_or(&[][..], Node::list) {
        let Some(name) = field(cluster, "name").and_then(Node::word) else { continue };
        let mut addresses = Vec::new();
        let localities = path(cluster, &["load_assignment", "endpoints"]).map_or(&[][..], Node::list);
        for locality in localities {
            let endpoints = field(locality, "lb_endpoints").map_or(&[][..], Node::list);
            addresses.extend(endpoints.iter().filter_map(|one| path(one, &["endpoint", "address"])));
        }
        // Version 2 of the API.
        addresses.extend(field(cluster, "hosts").map_or(&[][..], Node::list));
        clusters.insert(name, addresses);
    }
    clusters
}

/// One bootstrap and what is known around it.
struct Bootstrap<'n, 'a> {
    ground: Ground<'a>,
    /// What it is when Envoy refuses it.
    lost: ProblemKind,
    version: Option<Version>,
    workers: Option<u32>,
    clusters: HashMap<&'n str, Vec<&'n Node>>,
    looked_at: Hops<'a>,
}

impl<'n> Bootstrap<'n, '_> {
    fn read(&self, document: &'n Node, found: &mut Found) {
        let admin = path(document, &["admin", "address"]);
        let mut bound: Vec<Listener> = Vec::new();
        let own = self.ground.own("backlog", self.version);
        if let Some(listener) = admin.and_then(|address| self.listener(address, &own)) {
            bound.push(Listener { sockets: Some(1), ..listener });
        }
        for node in path(document, &["static_resources", "listeners"]).map_or(&[][..], Node::list) {
            let merged = node.entries().iter().find(|(key, _)| key.text() == Some("<<"));
            if let Some((key, _)) = merged {
                let message = "no such field: '<<'; Envoy knows anchors, and no merge keys".to_owned();
                found.problems.push(self.ground.problem(self.lost, message, key.span));
                continue;
            }
            match self.listeners(node) {
                Ok(listeners) => listeners.into_iter().for_each(|it| self.bind(it, &mut bound, found)),
                Err((message, at)) => found.problems.push(self.ground.problem(self.lost, message, at)),
            }
        }
        found.listeners.extend(bound);
    }

    /// A second listener of an address is refused (ListenerManagerImpl: "has duplicate address").
    fn bind(&self, listener: Listener, bound: &mut Vec<Listener>, found: &mut Found) {
        let known = matches!(listener.endpoint, Endpoint::Tcp(_) | Endpoint::DualStack(_));
        match bound.iter().find(|first| known && first.endpoint == listener.endpoint) {
            None => bound.push(listener),
            Some(first) => {
                let message = format!("the listener has duplicate address '{}'", listener.endpoint);
                let conflict = self.ground.conflict(message, listener.site, bound_first(first));
                found.problems.push(conflict);
            }
        }
    }

    fn listener(&self, address: &Node, ask: &Ask) -> Option<Listener> {
        let (bound, at) = self.bound(address)?;
        let listener = self.ground.listeners(&bound, at, ask).pop()?;
        Some(Listener { site: address.span, ..listener })
    }

    /// What one listener opens: its address and the additional ones.
    fn listeners(&self, node: &'n Node) -> Result<Vec<Listener>, (String, Span)> {
        let unbound = is_off(field(node, "bind_to_port"))
            || is_off(path(node, &["deprecated_v1", "bind_to_port"]))
            || field(node, "udp_listener_config").is_some()
            || field(node, "internal_listener").is_some()
            || field(node, "api_listener").is_some();
        if unbound {
            return Ok(Vec::new());
        }
        let ask = self.ask(node)?;
        let hops = self.hops(node);
        let additional = field(node, "additional_addresses").map_or(&[][..], Node::list);
        let additional = additional.iter().filter_map(|one| field(one, "address"));
        let own = field(node, "address").into_iter().chain(additional);
        let made = own.filter_map(|address| {
            let mut listener = self.listener(address, &ask)?;
            let shared = !self.has_own_sockets(node);
            let sockets = if shared || listener.endpoint.transport() == Transport::Unix {
                Some(1)
            } else {
                self.workers
            };
            listener.sockets = sockets;
            listener.hops = hops.clone();
            if sockets.is_none() {
                let what =
                    "every worker has a socket of its own: as many as hardware threads, or --concurrency";
                listener.notes.push(Step { value: None, what: what.into(), at: address.span });
            }
            Some(listener)
        });
        Ok(made.collect())
    }

    /// Whether every worker has a socket of its own, which it asked for before that became the default.
    fn has_own_sockets(&self, node: &Node) -> bool {
        let written = field(node, "enable_reuse_port").or_else(|| field(node, "reuse_port"));
        match written.and_then(Node::text) {
            Some("true") => true,
            Some("false") => false,
            _ => self.version.is_none_or(|version| version >= OWN_SOCKETS),
        }
    }

    fn ask(&self, node: &Node) -> Result<Ask, (String, Span)> {
        let Some(written) = field(node, "tcp_backlog_size").filter(|written| !written.is_null()) else {
            let room = yaml::room(self.ground.sources, node, "tcp_backlog_size");
            return Ok(self.ground.own("backlog", self.version).settable(
                self.ground,
                "tcp_backlog_size",
                self.version,
                room,
            ));
        };
        // A field that the message does not have is refused (MessageUtil::loadFromYaml).
        if let Some(setting) = self.ground.service.too_old("tcp_backlog_size", self.version) {
            return Err((self.ground.too_old(setting, self.version), written.span));
        }
        let text = written.text().unwrap_or_default();
        let Some(number) = unsigned(text) else {
            return Err((format!("tcp_backlog_size: invalid number: '{text}'"), written.span));
        };
        let passed = i64::from(number.cast_signed());
        let plain = written.exact && !written.aliased && passed >= 0 && !text.contains('.');
        let slot = plain.then(|| Slot::replace(written.span));
        Ok(Ask::written(number.into(), "tcp_backlog_size", written.span).becomes(passed, CUT).with(slot))
    }

    /// Where an address listens, and the text that says so; UDP has no accept queue.
    fn bound(&self, address: &Node) -> Option<(Bound, Span)> {
        if let Some(path) = path(address, &["pipe", "path"]).and_then(Node::word) {
            return Some((Bound::path(path), address.span));
        }
        let socket = field(address, "socket_address")?;
        if field(socket, "protocol").and_then(Node::text) == Some("UDP") {
            return None;
        }
        let host = field(socket, "address").and_then(Node::word).unwrap_or("0.0.0.0");
        let dual_stack = if takes_ipv4(socket) { DualStack::Ipv6 } else { DualStack::Never };
        let policy = Policy { empty: Empty::Name, names: Names::Refused, dual_stack };
        // Envoy takes a literal as it is: one in brackets is none.
        let ip = host.parse::<IpAddr>().map_err(|_| Why::NoAddress(host.to_owned()));
        let port = match field(socket, "port_value").and_then(Node::text) {
            Some(port) => port.parse().map_err(|_| Why::NoPort(port.to_owned())).and_then(port_of::<u16>),
            None => return Some((Bound::unknown("it has no port_value"), socket.span)),
        };
        let bound = port.and_then(|port| Ok(Bound::at(policy.endpoint(ip?, port))));
        Some((bound.unwrap_or_else(Bound::from), socket.span))
    }

    /// The clusters that anything in a listener names: filters and routes alike.
    fn hops(&self, listener: &'n Node) -> Vec<Hop> {
        let mut named = Vec::new();
        clusters_named(listener, false, &mut named);
        let addresses = named.iter().filter_map(|name| self.clusters.get(name)).flatten();
        self.looked_at.gather(addresses.filter_map(|address| self.hop(address)))
    }

    fn hop(&self, address: &Node) -> Option<Hop> {
        if let Some(path) = path(address, &["pipe", "path"]) {
            return Some(Hop { to: Next::At(Endpoint::Unix(path.word()?.to_owned())), at: path.span });
        }
        let socket = field(address, "socket_address")?;
        let host = field(socket, "address")?;
        let port = field(socket, "port_value")?.text()?.parse().ok()?;
        Some(Hop { to: self.ground.next(host.word()?, port), at: host.span })
    }
}

/// A UInt32Value of protobuf's JSON: digits, in quotes or not, with nothing but zeros behind a point.
fn unsigned(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_whole = !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0');
    let is_plain = whole.bytes().all(|digit| digit.is_ascii_digit());
    whole.parse().ok().filter(|_| is_whole && is_plain)
}

fn takes_ipv4(socket: &Node) -> bool {
    field(socket, "ipv4_compat").and_then(Node::text) == Some("true")
}

/// Every `cluster`, and every `name` of `weighted_clusters`.
fn clusters_named<'n>(node: &'n Node, weighted: bool, named: &mut Vec<&'n str>) {
    for member in node.list() {
        clusters_named(member, weighted, named);
    }
    for (key, value) in node.entries() {
        match (key.text().unwrap_or_default(), value.word()) {
            ("cluster", Some(name)) => named.push(name),
            ("name", Some(name)) if weighted => named.push(name),
            ("clusters", _) => clusters_named(value, weighted, named),
            ("weighted_clusters" | "weightedClusters", _) => clusters_named(value, true, named),
            _ => clusters_named(value, false, named),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::Trial;

    #[test]
    fn fields_have_two_spellings() {
        assert_eq!(camel("tcp_backlog_size"), "tcpBacklogSize");
        assert_eq!(camel("address"), "address");
    }

    #[test]
    fn before_1_20_the_workers_share_one_socket() {
        let text = "static_resources: {listeners: [{address: {socket_address: {address: 0.0.0.0, port_value: 80}}LINE}]}\n";
        let sockets = |image: &str, line: &str| {
            let trial = Trial::repository(
                "envoy",
                &[("envoy.yaml", &text.replace("LINE", line)), ("Dockerfile", &format!("FROM {image}\n"))],
            );
            trial.started("envoy --concurrency 4 -c envoy.yaml").read().found.listeners[0].sockets
        };
        assert_eq!(sockets("envoyproxy/envoy:v1.18.4", ""), Some(1));
        assert_eq!(sockets("envoyproxy/envoy:v1.18.4", ", reuse_port: true"), Some(4));
        assert_eq!(sockets("envoyproxy/envoy:v1.20.0", ""), Some(4));
        assert_eq!(sockets("envoyproxy/envoy:v1.20.0", ", enable_reuse_port: false"), Some(1));
        assert_eq!(sockets("scratch", ""), Some(4));
    }
}
