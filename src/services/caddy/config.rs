//! What makes servers without a Caddyfile: Caddy's own configuration in JSON, and the commands that serve by their options
//! alone.

use super::{Address, Broken, Group, Hops, MAX_SERVERS, Member, Network, Options, next, opened};
use crate::model::{Hop, Listener};
use crate::services::Ground;
use crate::syntax::argv;
use crate::syntax::yaml::{self, Node, NodeKind};
use crate::text::{SourceId, Span, over};

/// `apps.http.servers` and `admin` (modules/caddyhttp/app.go, admin.go).
pub(super) fn of_json(ground: Ground<'_>, source: SourceId, is_named: bool) -> Result<Vec<Listener>, Broken> {
    let yaml = yaml::read(ground.sources, source);
    if let Some(fault) = yaml.fault() {
        return Err((fault.message.clone(), fault.at));
    }
    let mut options = Options::new(Span::top(source));
    let is_json = |node: &&Node| node.flow && matches!(node.kind, NodeKind::Map(_));
    let Some(document) = yaml.documents.first().filter(is_json) else {
        let message = "this configuration is neither a Caddyfile nor JSON, so its listeners are unknown";
        return Err((message.to_owned(), Span::top(source)));
    };
    if !is_named && document.get("apps").is_none() {
        return Ok(Vec::new());
    }
    let http = document.at(&["apps", "http"]);
    let port = |key: &str| u16::try_from(http?.get(key)?.number()?).ok();
    options.http_port = port("http_port").unwrap_or(options.http_port);
    options.https_port = port("https_port").unwrap_or(options.https_port);
    let (hops, mut groups) = (Hops::of(ground), Vec::new());
    if is_true(document.at(&["admin", "disabled"])) {
        options.admin = None;
    } else if let Some(listen) = document.at(&["admin", "listen"]) {
        on(&hops, (listen.text().unwrap_or_default(), listen.span), &nowhere(listen.span), &mut groups);
        options.admin = groups.drain(..).next().map(|admin| (admin.bound, admin.port, admin.site));
    }
    for (_, server) in http.and_then(|http| http.get("servers")).map(Node::merged).unwrap_or_default() {
        let is_off = |key: &str| is_true(server.at(&["automatic_https", key]));
        let routes = server.get("routes").map(Node::list).unwrap_or_default();
        let matchers = routes.iter().filter_map(|route| route.get("match")).flat_map(Node::list);
        let hosts = matchers.filter_map(|matcher| matcher.get("host")).flat_map(Node::list);
        let members = hosts.filter_map(|host| Some(member(host.text()?, host.span)));
        let group = Group {
            policies: server.get("tls_connection_policies").is_some_and(|it| !it.list().is_empty()),
            redirects: !is_off("disable") && !is_off("disable_redirects"),
            members: members.collect(),
            hops: routes.iter().flat_map(|route| dialled(ground, route)).collect(),
            ..nowhere(server.span)
        };
        for listen in server.get("listen").map(Node::list).unwrap_or_default() {
            on(&hops, (listen.text().unwrap_or_default(), listen.span), &group, &mut groups);
        }
    }
    let mut made = opened(ground, &hops, &options, &groups);
    made.extend(options.admin(ground));
    Ok(made)
}

fn is_true(node: Option<&Node>) -> bool {
    node.and_then(Node::text) == Some("true")
}

pub(super) fn nowhere(site: Span) -> Group {
    let (members, hops) = (Vec::new(), Vec::new());
    let bound = Network::anywhere();
    Group { bound, port: 0, open: false, site, policies: false, redirects: true, members, hops }
}

/// A name that automatic HTTPS may take care of.
fn member(host: &str, at: Span) -> Member {
    let open = host.contains('{');
    let address = Address { scheme: String::new(), host: host.to_ascii_lowercase(), port: None, open };
    Member { address, key: host.to_owned(), block: 0, at }
}

/// A server at an address, or at each of a range of ports.
fn on(hops: &Hops<'_>, (text, at): (&str, Span), group: &Group, groups: &mut Vec<Group>) {
    let (bound, ports) = Network::parse(text);
    let open = ports.contains(['{', '$']);
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let number = |text: &str| if text.is_empty() { Ok(0) } else { text.parse::<u16>() };
    let (bound, first, last) = match (number(first), number(last)) {
        (Ok(first), Ok(last)) => (bound, first, last.max(first)),
        _ if matches!(bound, Network::Tcp(..)) => (Network::NoPort(ports.to_owned()), 0, 0),
        _ => (bound, 0, 0),
    };
    for port in first..=last {
        if groups.len() >= MAX_SERVERS {
            return hops.ground.sources.cut_off(at, over("servers of one configuration", MAX_SERVERS));
        }
        if !group.members.iter().all(|member| hops.may_look(member.at)) {
            return;
        }
        let (members, hops) = (group.members.clone(), hops.gather(group.hops.iter().cloned()));
        groups.push(Group { bound: bound.clone(), port, open, site: at, members, hops, ..*group });
    }
}

/// The upstreams of a route; its handlers lie in one another as deep as YAML goes.
fn dialled(ground: Ground<'_>, node: &Node) -> Vec<Hop> {
    match &node.kind {
        NodeKind::List(members) => members.iter().flat_map(|member| dialled(ground, member)).collect(),
        NodeKind::Map(entries) => {
            let hop = |key: &Node, value: &Node| {
                let text = value.text().filter(|_| key.text() == Some("dial"))?;
                Some(Hop { to: next(ground, text)?, at: value.span })
            };
            let hops = entries.iter().flat_map(|(key, value)| match hop(key, value) {
                Some(hop) => vec![hop],
                None => dialled(ground, value),
            });
            hops.collect()
        }
        NodeKind::Scalar(..) => Vec::new(),
    }
}

/// `caddy file-server`, `caddy reverse-proxy` and `caddy respond`, none of which has an admin endpoint.
pub(super) fn of_commands(ground: Ground<'_>) -> Vec<Listener> {
    let mut found = Vec::new();
    let hops = Hops::of(ground);
    for (command, arguments) in ground.started() {
        let Some((name, rest)) = arguments.split_first() else { continue };
        let table = ground.service.reader.get(name.as_str()).and_then(|table| table.clone().try_into().ok());
        let table: argv::Table = table.unwrap_or_default();
        let line = table.read(rest);
        let value = |option: &str| line.last(option).map(|it| (it.text, it.span(), it.word.is_open()));
        let domain = value("--domain");
        let (listen, host) = match name.as_str() {
            "file-server" => {
                let default = if domain.is_some() { ":443" } else { ":80" };
                (value("--listen").unwrap_or((default, command.at, false)), domain)
            }
            "respond" => (value("--listen").unwrap_or((":0", command.at, false)), None),
            "reverse-proxy" => {
                let from = value("--from").unwrap_or(("localhost", command.at, false));
                (from, Some(from))
            }
            _ => continue,
        };
        let mut group = nowhere(listen.1);
        group.redirects =
            name.is("file-server") || name.is("reverse-proxy") && !line.has("--disable-redirects");
        group.hops = line
            .all("--to")
            .filter_map(|to| Some(Hop { to: next(ground, to.text)?, at: to.span() }))
            .collect();
        group.members = host.iter().map(|(host, at, _)| member(host, *at)).collect();
        let mut groups = Vec::new();
        match Address::parse(listen.0, listen.2, None) {
            _ if listen.2 => groups.push(Group { open: true, ..group }),
            Ok(from) if name.is("reverse-proxy") => {
                let port = from.port.unwrap_or(if from.scheme == "http" { 80 } else { 443 });
                group.members.iter_mut().for_each(|member| member.address = from.clone());
                groups.push(Group { port, ..group });
            }
            _ => on(&hops, (listen.0, listen.1), &group, &mut groups),
        }
        let options = Options { admin: None, ..Options::new(command.at) };
        found.extend(opened(ground, &hops, &options, &groups));
    }
    found
}
