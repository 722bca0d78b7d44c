//! Unicorn: the listens of its configuration and of command lines.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::{
    Ask, Bound, Candidate, DualStack, Empty, Found, Ground, Names, Policy, Why, another, options_of, port_of,
    unless_so,
};
use crate::model::{
    Apply, Command, Endpoint, Listener, Problem, ProblemKind, ReadAs, Step, Text, Transport, Version,
};
use crate::syntax::argv;
use crate::syntax::ruby::{Directive, Reading, Surroundings, Thing, Value as Said, expand_path};
use crate::text::{HashSet, Slot, SourceId, Span};

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let options: argv::Table = match ground.service.reader.clone().try_into() {
        Ok(options) => options,
        Err(error) => return ground.broken("the table of options", &error.message()),
    };
    let mut found = Found::default();
    let mut used = HashSet::default();
    for (command, arguments) in ground.started() {
        let Some(line) = Line::read(&options, arguments) else { continue };
        let mut told = Told::default();
        for (text, at) in line.listens {
            told.add(plain(ground, text, at, command));
        }
        if let Some(named) = line.config {
            match ground.named_file(command, named) {
                Some(path) => {
                    if let Ok(source) = ground.tree.read(ground.sources, &path) {
                        told.configure(ground, source, &ground.around(&path, Some(command)));
                    }
                    used.insert(path);
                }
                // It does not start without its configuration, which a package's own unit leaves to be written.
                None if ground.read_as != ReadAs::Repo => continue,
                None => {
                    let why = format!("{named} is not in the tree");
                    let backlog = Backlog::Unknown(why.clone());
                    told.listens.push(Listen {
                        backlog,
                        ..Listen::new(Address::At(Bound::unknown(why)), command.at)
                    });
                }
            }
        }
        if let Some((text, at)) = line.last {
            told.add(plain(ground, &text, at, command));
        }
        let near = command.folder.clone().unwrap_or_default();
        listen(ground, told, command.at, &near, &mut found);
    }
    for file in files.iter().filter(|file| !used.contains(&file.path)) {
        if is_for_development(&file.path) {
            found.left_out += 1;
            continue;
        }
        let Ok(source) = ground.tree.read(ground.sources, &file.path) else { continue };
        let mut told = Told::default();
        told.configure(ground, source, &ground.around(&file.path, None));
        if told.listens.is_empty() && !told.broken {
            let why = "this file sets none, and nothing in the tree starts it";
            told.listens.push(Listen::new(Address::At(Bound::unknown(why)), Span::top(source)));
        }
        listen(ground, told, Span::top(source), &file.path, &mut found);
    }
    found
}

/// `config/unicorn/development.rb`, `unicorn.development.rb` and the like.
fn is_for_development(config: &Path) -> bool {
    let stem = config.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    stem.split(['.', '-', '_']).any(|part| matches!(part, "development" | "dev" | "test"))
}

/// What a command line says.
#[derive(Debug, Default)]
struct Line<'w> {
    /// The addresses of -l, before those of the file.
    listens: Vec<(&'w str, Span)>,
    /// That of -o and -p, after them.
    last: Option<(String, Span)>,
    config: Option<&'w str>,
}

impl<'w> Line<'w> {
    /// Reads a command line; nothing where it does not start a server.
    fn read(options: &argv::Table, arguments: &'w [Text]) -> Option<Self> {
        let mut line = Line::default();
        let (mut host, mut port) = (None, None);
        for (option, value) in options_of(arguments, options)? {
            let value = value.map(|said| (said.text, said.word.span()));
            match (option, value) {
                ("listen", Some(said)) => line.listens.push(said),
                ("host", Some(said)) => host = Some(said),
                ("port", Some(said)) => port = Some(said),
                ("config-file", Some((text, _))) => line.config = Some(text),
                ("help" | "version", _) => return None,
                _ => {}
            }
        }
        line.last = port.or(host).map(|(_, at)| {
            let host = host.map_or("0.0.0.0", |(host, _)| host);
            (format!("{host}:{}", port.map_or("8080", |(port, _)| port)), at)
        });
        Some(line)
    }
}

/// getaddrinfo(3) prefers ::1 to 127.0.0.1 (RFC 6724, 2.1).
const UNICORN: Policy = Policy { empty: Empty::Name, names: Names::Ipv6First, dual_stack: DualStack::Ipv6 };

/// An address as `listen` and -l take it: lib/unicorn/configurator.rb, expand_addr; lib/unicorn/socket_helper.rb, bind_listen.
#[derive(Debug, PartialEq, Eq)]
enum Address {
    At(Bound),
    /// Unicorn does not start.
    Refused(String),
}

impl Address {
    /// An address as text; a relative path is one of the working folder.
    fn read(ground: Ground<'_>, text: &str, folder: Option<&Path>) -> Self {
        if let Some(path) = text.strip_prefix("unix:") {
            return match folder.map(|folder| Path::new("/").join(folder)) {
                _ if path.starts_with('/') => Address::path(&expand_path(path, Path::new("/"))),
                Some(folder) => Address::path(&expand_path(path, &folder)),
                None => Address::unknown_path("it lies in an unknown folder"),
            };
        }
        if text.starts_with('~') {
            return Address::unknown_path("it lies in somebody's home folder");
        }
        if text.starts_with('/') {
            return Address::path(text);
        }
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let bare = text.strip_prefix("*:").unwrap_or(text);
        if is_number(bare) {
            return Self::on_host(ground, "0.0.0.0", bare, text);
        }
        let is_v4 = text.parse::<Ipv4Addr>().is_ok();
        let is_v6 = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some();
        if is_v4 || is_v6 {
            return Self::on_host(ground, text, "80", text);
        }
        match text.rsplit_once(':').filter(|(_, port)| is_number(port)) {
            Some((host, port)) => Self::on_host(ground, host, port, text),
            None => Address::Refused(text.to_owned()),
        }
    }

    fn on_host(ground: Ground<'_>, host: &str, port: &str, text: &str) -> Self {
        let Ok(port) = port.parse::<u16>() else { return Address::Refused(text.to_owned()) };
        let bound = port_of(port).and_then(|port| ground.bind(UNICORN, host, port));
        Address::At(bound.unwrap_or_else(Bound::from))
    }

    fn path(path: &str) -> Self {
        Address::At(Bound::path(path))
    }

    fn unknown_path(why: &str) -> Self {
        Address::At(Bound::unknown_on(Transport::Unix, why))
    }
}

/// One address, and the options of all listens on it.
#[derive(Debug)]
struct Listen {
    address: Address,
    site: Span,
    backlog: Backlog,
    v6_only: bool,
    notes: Vec<String>,
}

impl Listen {
    fn new(address: Address, site: Span) -> Self {
        Listen { address, site, backlog: Backlog::Default(None), v6_only: false, notes: Vec::new() }
    }
}

#[derive(Debug, Clone)]
enum Backlog {
    Default(Option<Slot>),
    Given(i64, Span, Option<Slot>, Vec<String>),
    Unknown(String),
    /// It is `nil`, which listen(2) does not take: the socket never listens.
    Nil,
}

/// An address of a command line, which carries no options.
fn plain(ground: Ground<'_>, text: &str, at: Span, command: &Command) -> Listen {
    let folder = command.folder.as_deref().filter(|_| ground.read_as == ReadAs::Root);
    let address = match text.contains('$') {
        true => Address::At(Why::Elsewhere(text.to_owned()).into()),
        false => Address::read(ground, text, folder),
    };
    Listen::new(address, at)
}

/// What a Unicorn is told.
#[derive(Debug, Default)]
struct Told {
    listens: Vec<Listen>,
    problems: Vec<Problem>,
    /// Not all of its configuration is understood.
    broken: bool,
}

impl Told {
    /// Another listen; on an address that is known already it only adds its options.
    fn add(&mut self, new: Listen) {
        let same = |known: &&mut Listen| {
            let may = match &new.address {
                Address::At(bound) => bound.is_known(),
                Address::Refused(_) => true,
            };
            may && known.address == new.address
        };
        let Some(known) = self.listens.iter_mut().find(same) else { return self.listens.push(new) };
        match (&mut known.backlog, new.backlog) {
            (Backlog::Default(slot), Backlog::Default(other)) => *slot = slot.take().or(other),
            (_, Backlog::Default(_)) => {}
            (backlog, given) => {
                *backlog = given;
                known.site = new.site;
            }
        }
        known.v6_only |= new.v6_only;
        known.notes.extend(new.notes);
    }

    fn configure(&mut self, ground: Ground<'_>, source: SourceId, around: &Surroundings) {
        let (ruby, problem) = ground.ruby(source, "listens");
        self.broken |= ruby.is_none() || problem.is_some();
        self.problems.extend(problem);
        let Some(ruby) = ruby else { return };
        let reading = ruby.reading(around);
        for directive in reading.directives().iter().filter(|directive| directive.name == "listen") {
            match of_directive(ground, &reading, directive, around) {
                Ok(Some(listen)) => self.add(listen),
                Ok(None) => {}
                Err(problem) => self.problems.push(problem),
            }
        }
    }
}

/// `listen 8080, backlog: 64`.
fn of_directive(
    ground: Ground<'_>,
    reading: &Reading<'_, '_>,
    directive: &Directive<'_>,
    around: &Surroundings,
) -> Result<Option<Listen>, Problem> {
    let code = &reading.ruby.code;
    let site = code.span(directive.call);
    let Some(first) = reading.positional(directive.call).first().copied() else { return Ok(None) };
    let said = reading.value(first);
    let folder = around.folder.as_deref().map(Path::new);
    let address = match (&said.thing, said.known()) {
        (Thing::Number(_) | Thing::Text(_), Ok(text)) => Address::read(ground, &text, folder),
        (Thing::Unknown(_), Err(why)) if looks_like_a_path(code.text(first)) => Address::unknown_path(&why),
        (Thing::Unknown(_) | Thing::Nil, Err(why)) => Address::At(Bound::unknown(why)),
        _ => return Ok(None),
    };
    let conditions = directive.conditions.iter().map(|condition| format!("it listens {condition}"));
    let unless = said.unless.iter().map(another);
    let notes = conditions.chain(unless).collect();
    let backlog = match reading.option(directive.call, "backlog") {
        Some(backlog) => given(&backlog, site).map_err(|what| {
            let message = format!("Unicorn does not start: the backlog is {what}, not an Integer");
            let sure = directive.conditions.is_empty();
            ground.problem(if sure { ProblemKind::Lost } else { ProblemKind::Skipped }, message, site)
        })?,
        None => {
            let slot = reading.behind_arguments(directive.call);
            Backlog::Default(slot.map(|at| Slot::insert(at, ", backlog: ", "")))
        }
    };
    let v6_only = reading.option(directive.call, "ipv6only").and_then(|value| value.truth()) == Some(true);
    Ok(Some(Listen { address, site, backlog, v6_only, notes }))
}

/// What is written for an address of which no more is known.
fn looks_like_a_path(written: &str) -> bool {
    written.trim_start_matches(['"', '\'']).starts_with('/') || written.to_ascii_lowercase().contains("sock")
}

/// The backlog of a listen, or what it is instead of a number.
fn given(backlog: &Said, site: Span) -> Result<Backlog, &'static str> {
    match (&backlog.thing, backlog.known()) {
        (Thing::Number(number), _) => {
            let at = backlog.written.unwrap_or(site);
            Ok(Backlog::Given(*number, at, backlog.written.map(Slot::replace), backlog.unless.clone()))
        }
        (Thing::Unknown(_) | Thing::Nil, Err(why)) => Ok(Backlog::Unknown(why)),
        (Thing::Nil | Thing::Truth(false), _) => Ok(Backlog::Nil),
        (Thing::Text(_), _) => Err("a text"),
        _ => Err("something else"),
    }
}

fn listen(ground: Ground<'_>, mut told: Told, site: Span, near: &Path, found: &mut Found) {
    let version = ground.version(near);
    let refused = told.problems.iter().any(|problem| problem.kind == ProblemKind::Lost);
    found.problems.append(&mut told.problems);
    if told.listens.is_empty() && !refused && !told.broken {
        let port = ground.service.default("port").map_or(8080, |port| port.get);
        told.listens.push(Listen::new(Address::read(ground, &port.to_string(), None), site));
    }
    for listen in told.listens {
        match &listen.address {
            Address::Refused(text) => {
                let message = format!("Unicorn does not start: {}", Why::NoAddress(text.clone()));
                found.problems.push(ground.problem(ProblemKind::Lost, message, listen.site));
            }
            Address::At(bound) => found.listeners.extend(listener(ground, version, bound, &listen)),
        }
    }
}

fn listener(
    ground: Ground<'_>,
    version: Option<Version>,
    bound: &Bound,
    listen: &Listen,
) -> Option<Listener> {
    let site = listen.site;
    let ask = match &listen.backlog {
        Backlog::Nil => return None,
        Backlog::Default(slot) => ground.own("backlog", version).with(slot.clone()),
        Backlog::Given(number, at, slot, unless) => {
            let what = unless_so(":backlog of the listen", unless.first());
            Ask::written(*number, what, *at).with(slot.clone())
        }
        Backlog::Unknown(why) => Ask::unknown(why, site),
    };
    let mut listener = ground.listeners(bound, site, &ask).pop()?;
    if let (Endpoint::DualStack(port), true) = (&listener.endpoint, listen.v6_only) {
        listener.endpoint = Endpoint::tcp(IpAddr::V6(Ipv6Addr::UNSPECIFIED), *port);
    }
    listener.notes.extend(listen.notes.iter().map(|what| Step::note(what, site)));
    listener.apply = Apply::Reload;
    Some(listener)
}

#[cfg(test)]
mod tests;
