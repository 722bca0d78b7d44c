//! Command lines of Unicorn.

use crate::model::Word;
use crate::syntax::optparse::{Known, Takes, options};
use crate::text::Span;

/// bin/unicorn and bin/unicorn_rails.
const UNICORN: &[Known] = &[
    Known { long: "eval", short: Some('e'), takes: Takes::Value },
    Known { long: "debug", short: Some('d'), takes: Takes::Nothing },
    Known { long: "warn", short: Some('w'), takes: Takes::Nothing },
    Known { long: "include", short: Some('I'), takes: Takes::Value },
    Known { long: "require", short: Some('r'), takes: Takes::Value },
    Known { long: "host", short: Some('o'), takes: Takes::Value },
    Known { long: "port", short: Some('p'), takes: Takes::Value },
    Known { long: "env", short: Some('E'), takes: Takes::Value },
    Known { long: "no-default-middleware", short: Some('N'), takes: Takes::Nothing },
    Known { long: "daemonize", short: Some('D'), takes: Takes::Nothing },
    Known { long: "pid", short: Some('P'), takes: Takes::Value },
    Known { long: "server", short: Some('s'), takes: Takes::Value },
    Known { long: "listen", short: Some('l'), takes: Takes::Value },
    Known { long: "config-file", short: Some('c'), takes: Takes::Value },
    Known { long: "path", short: None, takes: Takes::Value },
    Known { long: "help", short: Some('h'), takes: Takes::Nothing },
    Known { long: "version", short: Some('v'), takes: Takes::Nothing },
];

/// What a command line says.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// The addresses of -l, before those of the file.
    pub listens: Vec<(String, Span)>,
    /// That of -o and -p, after them.
    pub last: Option<(String, Span)>,
    pub config: Option<String>,
}

/// Reads a command line; nothing where it does not start a server.
pub(super) fn read(arguments: &[Word]) -> Option<Line> {
    let texts: Vec<&str> = arguments.iter().map(|word| word.text.as_str()).collect();
    let mut line = Line::default();
    let mut host: Option<(&str, Span)> = None;
    let mut port: Option<(&str, Span)> = None;
    for given in options(&texts, UNICORN)? {
        let value = given.value.and_then(|(word, length)| {
            let word = arguments.get(word)?;
            Some((word.text.get(word.text.len().checked_sub(length)?..)?, word.span))
        });
        match (given.long, value) {
            ("listen", Some((text, at))) => line.listens.push((text.to_owned(), at)),
            ("host", Some(said)) => host = Some(said),
            ("port", Some(said)) => port = Some(said),
            ("config-file", Some((text, _))) => line.config = Some(text.to_owned()),
            ("help" | "version", _) => return None,
            _ => {}
        }
    }
    let at = port.or(host).map(|(_, at)| at);
    line.last = at.map(|at| {
        let host = host.map_or("0.0.0.0", |(host, _)| host);
        (format!("{host}:{}", port.map_or("8080", |(port, _)| port)), at)
    });
    Some(line)
}
