//! config/puma.rb: the binds that it asks for.

use super::bind::Url;
use crate::model::{Problem, ProblemKind};
use crate::services::Ground;
use crate::syntax::ruby::{Directive, Reading, Ruby, Surroundings, Thing, Value};
use crate::text::{SourceId, Span};

/// What a configuration asks for.
#[derive(Debug, Default)]
pub(super) struct Config {
    pub binds: Vec<Url>,
    pub problems: Vec<Problem>,
    /// Not all of it is understood.
    pub broken: bool,
}

/// Reads a configuration; `default_host` is that of `port` without a host.
pub(super) fn read(
    ground: Ground<'_>,
    source: SourceId,
    around: &Surroundings,
    default_host: &str,
    notes: &[String],
) -> Config {
    let mut config = Config::default();
    let problem = |kind, message: String, at: Span| Problem {
        kind,
        service: Some(ground.service.name.clone()),
        message,
        help: None,
        at,
        labels: Vec::new(),
    };
    let ruby = match Ruby::parse(source, ground.sources.bytes(source)) {
        Ok(ruby) => ruby,
        Err(why) => {
            let message = format!("this configuration of Puma was not read: {why}");
            config.problems.push(problem(ProblemKind::Skipped, message, Span::top(source)));
            config.broken = true;
            return config;
        }
    };
    if let Some(at) = ruby.code.broken() {
        let message = "this is not understood, so binds in it may be missed".to_owned();
        config.problems.push(problem(ProblemKind::Skipped, message, ruby.code.span(at)));
        config.broken = true;
    }
    let reading = ruby.reading(around);
    for directive in reading.directives() {
        let url = match directive.name {
            "bind" => bind(&reading, &directive),
            "port" => port(&reading, &directive, default_host),
            "ssl_bind" => ssl_bind(&reading, &directive),
            "activate_control_app" => control(&reading, &directive),
            "backlog" if directive.conditions.is_empty() => {
                let message = "Puma does not start: it has no directive `backlog`".to_owned();
                let mut problem = problem(ProblemKind::Lost, message, ruby.code.span(directive.call));
                problem.help =
                    Some("write it into the URL: `bind \"tcp://0.0.0.0:9292?backlog=1024\"`".into());
                config.problems.push(problem);
                None
            }
            _ => None,
        };
        config.binds.extend(url.map(|url| with_conditions(url, &directive, notes)));
    }
    config
}

fn with_conditions(mut url: Url, directive: &Directive<'_>, notes: &[String]) -> Url {
    url.notes.extend(directive.conditions.iter().map(|condition| format!("it listens {condition}")));
    url.notes.extend(notes.iter().cloned());
    url.sure = directive.conditions.is_empty();
    url
}

fn site(reading: &Reading<'_, '_>, directive: &Directive<'_>) -> Span {
    reading.ruby.code.span(directive.call)
}

fn argument(reading: &Reading<'_, '_>, directive: &Directive<'_>, index: usize) -> Option<Value> {
    reading.positional(directive.call).get(index).map(|id| reading.value(*id))
}

fn shown(reading: &Reading<'_, '_>, directive: &Directive<'_>) -> String {
    let first = reading.positional(directive.call).first().copied();
    first.map_or("", |first| reading.ruby.code.text(first)).to_owned()
}

/// A URL that something is known of or not.
fn url(text: Result<String, String>, site: Span, unless: &[String]) -> Url {
    Url {
        shown: String::new(),
        text,
        site,
        tail: None,
        room: false,
        notes: unless.iter().map(|reason| format!("it is another address if {reason}")).collect(),
        sure: true,
        control: false,
    }
}

fn known(value: &Value) -> Result<String, String> {
    match (&value.thing, value.unless.first()) {
        (Thing::Unknown(why), _) => Err(why.clone()),
        (Thing::Nil, Some(unless)) => Err(format!("it is known only if {unless}")),
        _ => value.string().ok_or_else(|| "it is no plain value".to_owned()),
    }
}

fn bind(reading: &Reading<'_, '_>, directive: &Directive<'_>) -> Option<Url> {
    let value = argument(reading, directive, 0)?;
    let url = url(known(&value), site(reading, directive), &value.unless);
    Some(Url { shown: shown(reading, directive), tail: value.tail, room: true, ..url })
}

fn port(reading: &Reading<'_, '_>, directive: &Directive<'_>, default_host: &str) -> Option<Url> {
    let port = argument(reading, directive, 0)?;
    let host = argument(reading, directive, 1).filter(|host| host.thing != Thing::Nil);
    let text = known(&port).and_then(|port| {
        let host = host.as_ref().map_or_else(|| Ok(default_host.to_owned()), known)?;
        Ok(format!("tcp://{host}:{port}"))
    });
    let host_unless = host.map(|host| host.unless).unwrap_or_default();
    let unless = port.and_unless(&host_unless).unless;
    Some(url(text, site(reading, directive), &unless))
}

/// `ssl_bind host, port, key: ..., cert: ..., backlog: 89`: the backlog is an option, and `Integer()` of it.
fn ssl_bind(reading: &Reading<'_, '_>, directive: &Directive<'_>) -> Option<Url> {
    let (host, port) = (argument(reading, directive, 0)?, argument(reading, directive, 1)?);
    let backlog = reading.option(directive.call, "backlog").filter(|backlog| backlog.thing != Thing::Nil);
    let text = known(&host).and_then(|host| {
        let address = format!("ssl://{host}:{}", known(&port)?);
        match &backlog {
            Some(backlog) => Ok(format!("{address}?backlog={}", known(backlog)?)),
            None => Ok(address),
        }
    });
    let url = url(text, site(reading, directive), &host.and_unless(&port.unless).unless);
    let number = backlog.as_ref().and_then(|backlog| backlog.written);
    Some(Url { tail: number, ..url })
}

/// `activate_control_app`: without a URL it is a unix socket somewhere in the folder for temporary files.
fn control(reading: &Reading<'_, '_>, directive: &Directive<'_>) -> Option<Url> {
    let value = argument(reading, directive, 0).filter(|value| value.text() != Some("auto"));
    let temporary = || url(Err("it is a path for temporary files".into()), site(reading, directive), &[]);
    let url = match value {
        Some(value) => {
            let url = url(known(&value), site(reading, directive), &value.unless);
            Url { shown: shown(reading, directive), tail: value.tail, room: true, ..url }
        }
        None => Url { shown: "unix:".to_owned(), ..temporary() },
    };
    Some(Url { control: true, ..url })
}
