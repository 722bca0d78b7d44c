//! Servers that a command line starts with nothing of the program's own: Django's `runserver`, `flask run` and
//! `python -m http.server`.

use super::address::{Family, Place, Rules};
use super::started;
use super::table::{Binds, Table};
use crate::model::{Command, Endpoint, Listener, Setting, Step, Word};
use crate::services::Ground;
use crate::syntax::python::{Thing, Value};
use crate::text::Span;

/// What a command line asks for.
struct Asked {
    library: &'static str,
    /// The name of its backlog among the defaults.
    default: &'static str,
    development: bool,
    binds: Binds,
    host: Option<String>,
    port: String,
    site: Span,
    /// A variable that nothing in the tree sets stands in it.
    open: bool,
}

/// The listeners of all command lines, without those that are for development where another server starts the application.
pub(super) fn read(ground: Ground<'_>, table: &Table) -> (Vec<Listener>, usize) {
    let mut found = Vec::new();
    let mut left_out = 0;
    for (command, _) in ground.started() {
        let Some(asked) = asked(command) else { continue };
        let folder = started::folder_of(ground, command).unwrap_or_default();
        if asked.development && started::has_application_server(ground, table, &folder) {
            left_out += 1;
            continue;
        }
        found.extend(listeners(ground, &asked));
    }
    (found, left_out)
}

/// Whether a command line starts a server that serves an application while it is developed.
pub(super) fn is_for_development(command: &Command) -> bool {
    asked(command).is_some_and(|asked| asked.development)
}

fn asked(command: &Command) -> Option<Asked> {
    let words = command.words.get(1..)?;
    match command.program() {
        "manage.py" | "django-admin" => runserver(command, words),
        "flask" => flask(command, words),
        _ => {
            if let Some((module, rest)) = command.module() {
                return match module {
                    "http.server" => http_server(command, rest),
                    "flask" => flask(command, rest),
                    "django" => runserver(command, rest),
                    _ => None,
                };
            }
            let script = words.iter().position(|word| !word.text.starts_with('-'))?;
            let is_manage = words.get(script)?.text.rsplit('/').next() == Some("manage.py");
            is_manage.then(|| runserver(command, words.get(script + 1..).unwrap_or_default()))?
        }
    }
}

/// The words that are no options and no values of options that take one.
fn plain<'w>(words: &'w [Word], takes: &[&str]) -> Vec<&'w Word> {
    let mut found = Vec::new();
    let mut skip = false;
    for word in words {
        if skip {
            skip = false;
        } else if word.text.starts_with('-') {
            skip = takes.contains(&word.text.as_str());
        } else {
            found.push(word);
        }
    }
    found
}

/// The value of an option in the next word or behind `=`, and its word.
fn option<'w>(words: &'w [Word], names: &[&str]) -> Option<(&'w str, &'w Word)> {
    words.iter().enumerate().rev().find_map(|(at, word)| {
        if names.contains(&word.text.as_str()) {
            let value = words.get(at + 1)?;
            return Some((value.text.as_str(), value));
        }
        let (name, value) = word.text.split_once('=')?;
        names.contains(&name).then_some((value, word))
    })
}

/// `manage.py runserver [-6] [[ADDRESS:]PORT]`: django/core/management/commands/runserver.py.
fn runserver(command: &Command, words: &[Word]) -> Option<Asked> {
    let takes = ["--settings", "--pythonpath", "-v", "--verbosity"];
    let plain = plain(words, &takes);
    let (first, rest) = plain.split_first()?;
    if first.text != "runserver" {
        return None;
    }
    let v6 = words.iter().any(|word| matches!(word.text.as_str(), "-6" | "--ipv6"));
    let own = if v6 { "::1" } else { "127.0.0.1" };
    let (host, port) = match rest.first() {
        Some(word) => match word.text.rsplit_once(':') {
            Some((host, port)) => (if host == "0" { "0.0.0.0" } else { host }, port),
            None => (own, word.text.as_str()),
        },
        None => (own, "8000"),
    };
    let word = rest.first();
    Some(Asked {
        library: "Django",
        default: "django",
        development: true,
        binds: Binds::Colon,
        host: Some(host.to_owned()),
        port: port.to_owned(),
        site: word.map_or(command.at, |word| word.span),
        open: word.is_some_and(|word| word.open),
    })
}

/// `flask run -h HOST -p PORT`, FLASK_RUN_HOST and FLASK_RUN_PORT: flask/cli.py.
fn flask(command: &Command, words: &[Word]) -> Option<Asked> {
    let takes = ["--app", "-A", "--env-file", "-e"];
    let run = *plain(words, &takes).first()?;
    if run.text != "run" {
        return None;
    }
    let variable = |name: &str| {
        let set = command.variable(name).filter(|set| !set.value.text.is_empty())?;
        Some((set.value.text.as_str(), &set.value))
    };
    let host = option(words, &["-h", "--host"]).or_else(|| variable("FLASK_RUN_HOST"));
    let port = option(words, &["-p", "--port"]).or_else(|| variable("FLASK_RUN_PORT"));
    Some(Asked {
        library: "Flask",
        default: "werkzeug",
        development: true,
        binds: Binds::Colon,
        host: Some(host.map_or("127.0.0.1", |(host, _)| host).to_owned()),
        port: port.map_or("5000", |(port, _)| port).to_owned(),
        site: port.or(host).map_or(run.span, |(_, word)| word.span),
        open: [host, port].into_iter().flatten().any(|(_, word)| word.open),
    })
}

/// `python -m http.server [-b ADDRESS] [PORT]`: Lib/http/server.py.
fn http_server(command: &Command, words: &[Word]) -> Option<Asked> {
    let takes = ["-b", "--bind", "-d", "--directory", "-p", "--protocol"];
    let port = plain(words, &takes).first().copied();
    let host = option(words, &["-b", "--bind"]);
    Some(Asked {
        library: "http.server",
        default: "socketserver",
        development: false,
        binds: Binds::Colon,
        host: host.map(|(host, _)| host.to_owned()),
        port: port.map_or("8000", |word| word.text.as_str()).to_owned(),
        site: port.map_or(command.at, |word| word.span),
        open: port.is_some_and(|word| word.open) || host.is_some_and(|(_, word)| word.open),
    })
}

fn listeners(ground: Ground<'_>, asked: &Asked) -> Vec<Listener> {
    let text = |text: &str| Value::from(Thing::Text(text.to_owned()));
    let rules = Rules { ground, binds: asked.binds, family: Family::V4, v6_only: false };
    let place = match asked.open {
        true => Place::unknown("nothing in the tree sets what the command line names"),
        false => rules.host_and_port(asked.host.as_deref().map(text).as_ref(), &text(&asked.port)),
    };
    let value = ground.service.default(asked.default);
    let what = format!("{}'s own default", asked.library);
    let steps: Vec<Step> = value
        .iter()
        .map(|value| Step { value: Some(value.get), what: what.clone(), at: value.span })
        .collect();
    let development =
        asked.development.then(|| format!("this is the server that {} has for development", asked.library));
    let notes: Vec<Step> = place
        .notes
        .into_iter()
        .chain(development)
        .map(|what| Step { value: None, what, at: asked.site })
        .collect();
    let listener = |endpoint: &Endpoint| Listener {
        backlog: Setting { value: value.clone(), slot: None },
        steps: steps.clone(),
        notes: notes.clone(),
        ..Listener::new(&ground.service.name, ground.place, endpoint.clone(), asked.site)
    };
    place.endpoints.iter().map(listener).collect()
}
