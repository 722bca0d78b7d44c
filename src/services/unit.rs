//! NGINX Unit's configuration in JSON: its listeners.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use super::{Candidate, Found, Ground};
use crate::model::{Endpoint, Listener, ProblemKind, Setting, Step, Transport, Value};
use crate::syntax::host_port;
use crate::syntax::yaml::{self, Node};
use crate::text::{Slot, Span};

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    for file in files {
        one(ground, file, &mut found);
    }
    found
}

fn one(ground: Ground<'_>, file: &Candidate, found: &mut Found) {
    let kind = if file.by_place { ProblemKind::Lost } else { ProblemKind::Skipped };
    let Some(source) = ground.open(file, &mut found.problems) else { return };
    let json = yaml::read(ground.sources, source);
    if let Some(broken) = json.fault() {
        let message = format!("not read to its end: {}", broken.message);
        return found.problems.push(ground.problem(kind, message, broken.at));
    }
    // The whole tree of the control API, or its `config`.
    let listeners =
        json.documents.first().and_then(|it| it.get("listeners").or_else(|| it.at(&["config", "listeners"])));
    let entries = listeners.map_or(&[][..], Node::entries);
    // Other programs have listeners too; those of Unit pass on.
    let are_ours = |(_, listener): &(Node, Node)| {
        listener.get("pass").is_some() || listener.get("application").is_some()
    };
    if !file.by_place && !entries.iter().all(are_ours) {
        return;
    }
    for (name, listener) in entries {
        match self::listener(ground, &file.path, name, listener) {
            Ok(listener) => found.listeners.push(listener),
            // Unit refuses a configuration as a whole.
            Err((message, at)) => found.problems.push(ground.problem(kind, message, at)),
        }
    }
}

fn listener(ground: Ground<'_>, path: &Path, name: &Node, node: &Node) -> Result<Listener, (String, Span)> {
    let text = name.text().unwrap_or_default();
    let (endpoint, unknown) = match text.contains(['$', '{']) {
        true => (Endpoint::Unknown(Transport::Tcp), Some("a part of the address is not known")),
        false => {
            let found = endpoint(text)
                .ok_or_else(|| (format!("The listener address \"{text}\" is invalid."), name.span));
            (found?, None)
        }
    };
    let mut listener = Listener::new(&ground.service.name, ground.place, endpoint, name.span);
    let note = unknown.map(|what| Step { value: None, what: what.to_owned(), at: name.span });
    listener.notes.extend(note);
    (listener.backlog, listener.steps) = backlog(ground, path, node)?;
    Ok(listener)
}

/// nxt_router_socket_conf() in src/nxt_router.c: -1 is the default, whatever that is.
fn backlog(ground: Ground<'_>, path: &Path, node: &Node) -> Result<(Setting, Vec<Step>), (String, Span)> {
    let default = |slot: Option<Slot>, mut steps: Vec<Step>| {
        let version = ground.version(path.parent().unwrap_or(Path::new("")));
        let (value, step) = ground.default("backlog", version).unzip();
        steps.extend(step);
        (Setting { value, slot }, steps)
    };
    let Some(written) = node.get("backlog") else {
        return Ok(default(yaml::room(ground.sources, node, "backlog"), Vec::new()));
    };
    let Some(number) = written.number() else {
        return Err(("The \"backlog\" value must be an integer number".to_owned(), written.span));
    };
    let step = Step { value: Some(number), what: "backlog".into(), at: written.span };
    let slot = written.exact.then(|| Slot::replace(written.span));
    match number {
        -1 => Ok(default(slot, vec![step])),
        0..=2_147_483_647 => {
            let value = Some(Value::written(number, written.span));
            Ok((Setting { value, slot }, vec![step]))
        }
        _ => Err(("The \"backlog\" number must be -1 or positive, and fit an int".to_owned(), written.span)),
    }
}

/// nxt_sockaddr_parse() in src/nxt_sockaddr.c: `*` is every address of IPv4, IPv6 is IPv6 only, names are refused.
fn endpoint(text: &str) -> Option<Endpoint> {
    if let Some(path) = text.strip_prefix("unix:") {
        return (!path.is_empty()).then(|| Endpoint::Unix(path.to_owned()));
    }
    let (host, port) = host_port::split(text).ok()?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    let address = match host {
        "*" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        host => host.parse().ok()?,
    };
    Some(Endpoint::tcp(address, port))
}

#[cfg(test)]
mod tests {
    use super::super::{Seen, Trial};
    use super::*;
    use crate::model::Kind;

    const FILE: &str = "var/lib/unit/conf.json";

    fn root(json: &str) -> Seen {
        Trial::root("unit", &[(FILE, json)]).read()
    }

    #[test]
    fn addresses_are_what_the_source_says() {
        assert_eq!(endpoint("*:8080").unwrap().to_string(), "0.0.0.0:8080");
        assert_eq!(endpoint("[::]:8080").unwrap().to_string(), "[::]:8080");
        assert_eq!(endpoint("127.0.0.1:1").unwrap().to_string(), "127.0.0.1:1");
        assert_eq!(endpoint("unix:/run/u.sock").unwrap().to_string(), "/run/u.sock");
        assert_eq!(endpoint("localhost:80"), None);
        assert_eq!(endpoint("*"), None);
    }

    #[test]
    fn numbers_and_where_they_go() {
        let json = r#"{"listeners": {"*:80": {"pass": "routes", "backlog": 900}, "*:81": {"pass": "routes"},
            "*:82": {"pass": "routes", "backlog": -1}, "*:83": {"pass": "routes", "backlog": 0}}}"#;
        let seen = root(json);
        assert_eq!(seen.rows(), ["0.0.0.0:80 900", "0.0.0.0:81 -1", "0.0.0.0:82 -1", "0.0.0.0:83 0"]);
        let kind = |index: usize| seen.found.listeners[index].backlog.value.as_ref().unwrap().kind;
        assert_eq!((kind(0), kind(1)), (Kind::Written, Kind::Assumed));
        let after = seen.set_all(FILE, 7);
        assert_eq!(after.matches("\"backlog\": 7").count(), 4, "{after}");
        assert!(after.contains(r#""*:81": {"backlog": 7, "pass": "routes"}"#), "{after}");
    }

    #[test]
    fn the_default_changed() {
        let json = r#"{"config": {"listeners": {"*:80": {"pass": "routes"}}}}"#;
        for (version, row) in
            [("1.32.1-1~bookworm", "0.0.0.0:80 511"), ("1.33.0-1~bookworm", "0.0.0.0:80 -1")]
        {
            let status = format!(
                "Package: unit\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n"
            );
            let trial = Trial::root("unit", &[(FILE, json), ("var/lib/dpkg/status", &status)]);
            assert_eq!(trial.read().rows(), [row]);
        }
    }

    #[test]
    fn what_unit_refuses() {
        for listener in [r#""a:80": {}"#, r#""*:80": {"backlog": "9"}"#, r#""*:80": {"backlog": -2}"#] {
            let seen = root(&format!("{{\"listeners\": {{{listener}}}}}"));
            assert_eq!((seen.rows().len(), seen.problems().len()), (0, 1), "{listener}");
        }
        assert_eq!(root("{\"listeners\": [").problems().len(), 1);
        assert_eq!(root("[1]").problems(), [""; 0]);
    }
}
