//! NGINX Unit's configuration in JSON: its listeners.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use super::{Candidate, Found, Ground};
use crate::model::{Endpoint, Listener, Problem, ProblemKind, Setting, Step, Transport, Value};
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
    let source = match ground.tree.read(ground.sources, &file.path) {
        Ok(source) => source,
        Err(why) => {
            let at = Span::top(ground.tree.unread(ground.sources, &file.path));
            return found.problems.push(problem(ground, kind, format!("it was not read: {why}"), at));
        }
    };
    let json = yaml::read(ground.sources, source);
    if let Some(broken) = json.broken {
        let message = format!("not read to its end: {}", broken.message);
        return found.problems.push(problem(ground, kind, message, broken.at));
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
            Err((message, at)) => found.problems.push(problem(ground, kind, message, at)),
        }
    }
}

fn problem(ground: Ground<'_>, kind: ProblemKind, message: String, at: Span) -> Problem {
    let service = Some(ground.service.name.clone());
    Problem { kind, service, message, help: None, at, labels: Vec::new() }
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
    use std::path::PathBuf;

    use super::*;
    use crate::knowledge::Knowledge;
    use crate::model::{Kind, PlaceId, ReadAs};
    use crate::syntax::hosts::Hosts;
    use crate::text::{Sources, Tree, apply};

    const FILE: &str = "var/lib/unit/conf.json";

    fn audit(json: &str, status: &str, slots: impl Fn(&Sources, &Found)) -> Found {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [(FILE, json), ("var/lib/dpkg/status", status)] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let sources = Sources::new();
        let tree = Tree::open(folder.path(), true).unwrap();
        let knowledge = Knowledge::load(&sources).unwrap();
        let ground = Ground {
            sources: &sources,
            tree: &tree,
            service: knowledge.service("unit").unwrap(),
            hosts: &Hosts::read(&sources, &tree),
            place: PlaceId(0),
            commands: &[],
            read_as: ReadAs::Root,
            only: &[],
        };
        let found = read(ground, &[Candidate { path: PathBuf::from(FILE), by_place: true }]);
        slots(&sources, &found);
        found
    }

    fn rows(found: &Found) -> Vec<(String, Option<i64>)> {
        let row = |it: &Listener| (it.endpoint.to_string(), it.backlog.value.as_ref().map(|value| value.get));
        found.listeners.iter().map(row).collect()
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
        let found = audit(json, "", |sources, found| {
            let slots = found.listeners.iter().filter_map(|listener| listener.backlog.slot.as_ref());
            let edits: Vec<_> = slots.map(|slot| slot.edit(7)).collect();
            let source = found.listeners.first().unwrap().site.source;
            let after = String::from_utf8(apply(sources.bytes(source), &edits)).unwrap();
            assert_eq!(after.matches("\"backlog\": 7").count(), 4, "{after}");
            assert!(after.contains(r#""*:81": {"backlog": 7, "pass": "routes"}"#), "{after}");
        });
        let expected = [("0.0.0.0:80", 900), ("0.0.0.0:81", -1), ("0.0.0.0:82", -1), ("0.0.0.0:83", 0)];
        assert_eq!(rows(&found), expected.map(|(address, number)| (address.to_owned(), Some(number))));
        let kind = |index: usize| found.listeners.get(index).unwrap().backlog.value.as_ref().unwrap().kind;
        assert_eq!((kind(0), kind(1)), (Kind::Written, Kind::Assumed));
    }

    #[test]
    fn the_default_changed() {
        let json = r#"{"config": {"listeners": {"*:80": {"pass": "routes"}}}}"#;
        let status = |version: &str| {
            format!("Package: unit\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n")
        };
        assert_eq!(
            rows(&audit(json, &status("1.32.1-1~bookworm"), |_, _| ())),
            [("0.0.0.0:80".into(), Some(511))]
        );
        assert_eq!(
            rows(&audit(json, &status("1.33.0-1~bookworm"), |_, _| ())),
            [("0.0.0.0:80".into(), Some(-1))]
        );
    }

    #[test]
    fn what_unit_refuses() {
        for listener in [r#""a:80": {}"#, r#""*:80": {"backlog": "9"}"#, r#""*:80": {"backlog": -2}"#] {
            let found = audit(&format!("{{\"listeners\": {{{listener}}}}}"), "", |_, _| ());
            assert_eq!((found.listeners.len(), found.problems.len()), (0, 1), "{listener}");
        }
        assert_eq!(audit("{\"listeners\": [", "", |_, _| ()).problems.len(), 1);
        assert!(audit("[1]", "", |_, _| ()).problems.is_empty());
    }
}
