//! Command lines of Puma, and of `rails server`, which starts it.

use super::bind::Url;
use crate::model::{Command, Starter, Word};
use crate::syntax::optparse::{Known, Takes, options};
use crate::text::Span;

/// bin/puma: lib/puma/cli.rb, setup_options.
const PUMA: &[Known] = &[
    Known { long: "bind", short: Some('b'), takes: Takes::Value },
    Known { long: "bind-to-activated-sockets", short: None, takes: Takes::Perhaps },
    Known { long: "config", short: Some('C'), takes: Takes::Value },
    Known { long: "no-config", short: None, takes: Takes::Nothing },
    Known { long: "control-url", short: None, takes: Takes::Value },
    Known { long: "control-token", short: None, takes: Takes::Value },
    Known { long: "debug", short: None, takes: Takes::Nothing },
    Known { long: "dir", short: None, takes: Takes::Value },
    Known { long: "environment", short: Some('e'), takes: Takes::Value },
    Known { long: "fork-worker", short: Some('f'), takes: Takes::Perhaps },
    Known { long: "include", short: Some('I'), takes: Takes::Value },
    Known { long: "port", short: Some('p'), takes: Takes::Value },
    Known { long: "pidfile", short: None, takes: Takes::Value },
    Known { long: "plugin", short: None, takes: Takes::Value },
    Known { long: "preload", short: None, takes: Takes::Nothing },
    Known { long: "prune-bundler", short: None, takes: Takes::Nothing },
    Known { long: "extra-runtime-dependencies", short: None, takes: Takes::Value },
    Known { long: "quiet", short: Some('q'), takes: Takes::Nothing },
    Known { long: "log-requests", short: Some('v'), takes: Takes::Nothing },
    Known { long: "restart-cmd", short: Some('R'), takes: Takes::Value },
    Known { long: "silent", short: Some('s'), takes: Takes::Nothing },
    Known { long: "state", short: Some('S'), takes: Takes::Value },
    Known { long: "threads", short: Some('t'), takes: Takes::Value },
    Known { long: "early-hints", short: None, takes: Takes::Nothing },
    Known { long: "version", short: Some('V'), takes: Takes::Nothing },
    Known { long: "workers", short: Some('w'), takes: Takes::Value },
    Known { long: "tag", short: None, takes: Takes::Value },
    Known { long: "redirect-stdout", short: None, takes: Takes::Value },
    Known { long: "redirect-stderr", short: None, takes: Takes::Value },
    Known { long: "redirect-append", short: None, takes: Takes::Nothing },
    Known { long: "no-redirect-append", short: None, takes: Takes::Nothing },
    Known { long: "help", short: Some('h'), takes: Takes::Nothing },
];

/// `rails server`: railties, lib/rails/commands/server/server_command.rb.
const RAILS: &[Known] = &[
    Known { long: "port", short: Some('p'), takes: Takes::Value },
    Known { long: "binding", short: Some('b'), takes: Takes::Value },
    Known { long: "config", short: Some('c'), takes: Takes::Value },
    Known { long: "daemon", short: Some('d'), takes: Takes::Nothing },
    Known { long: "using", short: Some('u'), takes: Takes::Value },
    Known { long: "pid", short: Some('P'), takes: Takes::Value },
    Known { long: "dev-caching", short: Some('C'), takes: Takes::Nothing },
    Known { long: "no-dev-caching", short: None, takes: Takes::Nothing },
    Known { long: "early-hints", short: None, takes: Takes::Nothing },
    Known { long: "log-to-stdout", short: None, takes: Takes::Nothing },
    Known { long: "environment", short: Some('e'), takes: Takes::Value },
    Known { long: "help", short: Some('h'), takes: Takes::Nothing },
];

/// What a command line says.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub binds: Vec<Url>,
    pub config: Option<String>,
    pub no_config: bool,
    pub environment: Option<String>,
    /// `rails server`: the host and the port that it is told, and those that it has by itself.
    pub rails: Option<Rails>,
}

#[derive(Debug)]
pub(super) struct Rails {
    pub told: Option<Url>,
    pub default_host: &'static str,
    pub default: Url,
}

/// The end of a word that is a value.
struct Said<'w> {
    text: &'w str,
    word: &'w Word,
}

/// Reads a command line; nothing where it does not start Puma.
pub(super) fn read(command: &Command, arguments: &[Word], rails_port: i64) -> Option<Line> {
    let texts: Vec<&str> = arguments.iter().map(|word| word.text.as_str()).collect();
    if command.program() == "rails" {
        let (first, rest) = texts.split_first()?;
        let words = arguments.get(1..)?;
        return matches!(*first, "server" | "s").then(|| rails(command, words, rest, rails_port))?;
    }
    let mut line = Line::default();
    for given in options(&texts, PUMA)? {
        let value = given.value.and_then(|value| said(arguments, value));
        match (given.long, value) {
            ("bind", Some(said)) => line.binds.push(url(said.text.to_owned(), &said, command)),
            ("port", Some(said)) => {
                let mut url = url(format!("tcp://0.0.0.0:{}", said.text), &said, command);
                url.tail = None;
                line.binds.push(url);
            }
            ("control-url", Some(said)) => {
                let control = Url { control: true, ..url(said.text.to_owned(), &said, command) };
                line.binds.push(control);
            }
            ("config", Some(said)) if said.text == "-" => line.no_config = true,
            ("config", Some(said)) => line.config = Some(said.text.to_owned()),
            ("environment", Some(said)) => line.environment = Some(said.text.to_owned()),
            ("no-config", _) => line.no_config = true,
            ("version" | "help", _) => return None,
            _ => {}
        }
    }
    Some(line)
}

fn said(arguments: &[Word], (word, length): (usize, usize)) -> Option<Said<'_>> {
    let word = arguments.get(word)?;
    let text = word.text.get(word.text.len().checked_sub(length)?..)?;
    Some(Said { text, word })
}

fn url(text: String, said: &Said<'_>, command: &Command) -> Url {
    let open = said.word.open && text.contains('$');
    // A shell would take `&` for its own.
    let room = command.starter == Starter::Unit || !text.contains('?');
    Url {
        shown: text.clone(),
        text: if open {
            Err(format!("nothing in the tree sets what is in `{}`", said.text))
        } else {
            Ok(text)
        },
        site: said.word.span,
        tail: said.word.tail(said.text.len()),
        room,
        notes: Vec::new(),
        sure: true,
        control: false,
    }
}

fn rails(command: &Command, arguments: &[Word], texts: &[&str], rails_port: i64) -> Option<Line> {
    let mut line = Line::default();
    let mut host: Option<(String, Span)> = None;
    let mut port: Option<(String, Span)> = None;
    for given in options(texts, RAILS)? {
        let value = given.value.and_then(|value| said(arguments, value));
        match (given.long, value) {
            ("binding", Some(said)) => host = Some((said.text.to_owned(), said.word.span)),
            ("port", Some(said)) => port = Some((said.text.to_owned(), said.word.span)),
            ("environment", Some(said)) => line.environment = Some(said.text.to_owned()),
            ("using", Some(said)) if said.text != "puma" => return None,
            ("help", _) => return None,
            _ => {}
        }
    }
    let variable = |name: &str| {
        let set = command.variable(name).filter(|set| !set.value.text.is_empty())?;
        Some((set.value.text.clone(), set.value.span))
    };
    let host = host.or_else(|| variable("HOST")).or_else(|| variable("BINDING"));
    let port = port.or_else(|| variable("PORT"));
    let environment = || {
        let set = ["RAILS_ENV", "RACK_ENV"].into_iter().find_map(variable);
        set.map_or_else(|| "development".to_owned(), |(name, _)| name)
    };
    let environment = line.environment.get_or_insert_with(environment).clone();
    let default_host = if environment == "development" { "localhost" } else { "0.0.0.0" };
    let at = |host: &str, port: &str, site: Span| {
        let text = format!("tcp://{host}:{port}");
        let open = text.contains('$');
        Url {
            shown: text.clone(),
            text: if open {
                Err("nothing in the tree sets what the command line names".into())
            } else {
                Ok(text)
            },
            site,
            tail: None,
            room: false,
            notes: Vec::new(),
            sure: true,
            control: false,
        }
    };
    let rails_port = rails_port.to_string();
    let site = port.as_ref().or(host.as_ref()).map(|(_, at)| *at);
    let told = site.map(|site| {
        let host = host.as_ref().map_or(default_host, |(host, _)| host);
        at(host, port.as_ref().map_or(&rails_port, |(port, _)| port), site)
    });
    line.rails = Some(Rails { told, default_host, default: at(default_host, &rails_port, command.at) });
    Some(line)
}
