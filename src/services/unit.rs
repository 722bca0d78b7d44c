//! NGINX Unit's configuration in JSON: its listeners.

use std::path::Path;

use super::{Ask, Bound, Candidate, DualStack, Empty, Found, Ground, Names, Policy, Why, port_of};
use crate::model::{Listener, ProblemKind};
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
        let message = format!("read only in part: {}", broken.message);
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
        match opened(ground, &file.path, name, listener) {
            Ok(listeners) => found.listeners.extend(listeners),
            // Unit refuses a configuration as a whole.
            Err((message, at)) => found.problems.push(ground.problem(kind, message, at)),
        }
    }
}

fn opened(
    ground: Ground<'_>,
    path: &Path,
    name: &Node,
    node: &Node,
) -> Result<Vec<Listener>, (String, Span)> {
    let text = name.text().unwrap_or_default();
    let bound = match text.contains(['$', '{']) {
        true => Why::Elsewhere(text.to_owned()).into(),
        false => bound(ground, text)
            .ok_or_else(|| (format!("The listener address \"{text}\" is invalid."), name.span))?,
    };
    Ok(ground.listeners(&bound, name.span, &ask(ground, path, node)?))
}

/// nxt_router_socket_conf() in src/nxt_router.c: -1 is the default, whatever that is.
fn ask(ground: Ground<'_>, path: &Path, node: &Node) -> Result<Ask, (String, Span)> {
    let version = ground.version(path.parent().unwrap_or(Path::new("")));
    let own = || ground.own("backlog", version);
    let Some(written) = node.get("backlog") else {
        return Ok(own().settable(ground, "backlog", version, yaml::room(ground.sources, node, "backlog")));
    };
    // nxt_conf_vldt_object() refuses members that it does not know.
    if let Some(setting) = ground.service.too_old("backlog", version) {
        return Err((ground.too_old(setting, version), written.span));
    }
    let Some(number) = written.number() else {
        return Err(("The \"backlog\" value must be an integer number".to_owned(), written.span));
    };
    let slot = written.exact.then(|| Slot::replace(written.span));
    let asked = Ask::written(number, "backlog", written.span).with(slot.clone());
    match number {
        -1 => Ok(own().with(slot).after(asked.steps)),
        0..=2_147_483_647 => Ok(asked),
        _ => Err(("The \"backlog\" number must be -1 or positive, and fit an int".to_owned(), written.span)),
    }
}

/// Unit makes sockets of IPv6 for IPv6 alone, and refuses names.
const UNIT: Policy = Policy { empty: Empty::Name, names: Names::Refused, dual_stack: DualStack::Never };

/// nxt_sockaddr_parse() in src/nxt_sockaddr.c: `*` is every address of IPv4.
fn bound(ground: Ground<'_>, text: &str) -> Option<Bound> {
    if let Some(path) = text.strip_prefix("unix:") {
        return (!path.is_empty()).then(|| Bound::path(path));
    }
    let (host, port) = host_port::split(text).ok()?;
    let port = port_of(port.parse::<u16>().ok()?).ok()?;
    ground.bind(UNIT, if host == "*" { "0.0.0.0" } else { host }, port).ok()
}

#[cfg(test)]
mod tests {
    use super::super::{Seen, Trial};
    use crate::model::Kind;

    const FILE: &str = "var/lib/unit/conf.json";

    fn root(json: &str) -> Seen {
        Trial::root("unit", &[(FILE, json)]).read()
    }

    #[test]
    fn addresses_are_what_the_source_says() {
        for (text, row) in [
            ("*:8080", "0.0.0.0:8080"),
            ("[::]:8080", "[::]:8080"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("unix:/run/u.sock", "/run/u.sock"),
            ("$HOST:1", "?"),
        ] {
            let seen = root(&format!(r#"{{"listeners": {{"{text}": {{"pass": "a", "backlog": 9}}}}}}"#));
            assert_eq!(seen.rows(), [format!("{row} 9")]);
        }
        for text in ["localhost:80", "*", "unix:", "*:0"] {
            let seen = root(&format!(r#"{{"listeners": {{"{text}": {{"pass": "a"}}}}}}"#));
            assert_eq!((seen.rows().len(), seen.problems().len()), (0, 1), "{text}");
        }
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
