//! Unicorn: the listens of its configuration and of command lines.

mod address;
mod line;

use std::collections::HashSet;
use std::path::Path;

use super::{Candidate, Found, Ground};
use crate::model::{Apply, Command, Listener, Problem, ProblemKind, ReadAs, Setting, Step, Value, Version};
use crate::syntax::ruby::{Directive, Reading, Ruby, Surroundings, Thing, Value as Said};
use crate::text::{Slot, SourceId, Span};
use address::Address;

/// One address, and the options of all listens on it.
#[derive(Debug)]
struct Listen {
    address: Address,
    site: Span,
    backlog: Backlog,
    v6_only: bool,
    notes: Vec<String>,
}

#[derive(Debug, Clone)]
enum Backlog {
    Default(Option<Slot>),
    Given(i64, Span, Option<Slot>, Vec<String>),
    Unknown(String),
    /// It is `nil`, which listen(2) does not take: the socket never listens.
    Nil,
}

/// What a Unicorn is told.
#[derive(Debug, Default)]
struct Told {
    listens: Vec<Listen>,
    problems: Vec<Problem>,
    /// Not all of its configuration is understood.
    broken: bool,
}

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    let mut used = HashSet::new();
    for (command, arguments) in ground.started() {
        let Some(line) = line::read(arguments) else { continue };
        let mut told = Told::default();
        for (text, at) in line.listens {
            told.add(plain(ground, &text, at, command));
        }
        let config = match &line.config {
            Some(named) => match ground.named_file(command, named) {
                Some(path) => Some(path),
                // It does not start without its configuration, which a package's own unit leaves to be written.
                None if ground.read_as != ReadAs::Repo => continue,
                None => {
                    told.listens.push(elsewhere(named, command.at));
                    None
                }
            },
            None => None,
        };
        if let Some(path) = config {
            let around = surroundings(ground, &path, Some(command));
            if let Ok(source) = ground.tree.read(ground.sources, &path) {
                told.configure(ground, source, &around);
            }
            used.insert(path);
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
        told.configure(ground, source, &surroundings(ground, &file.path, None));
        if told.listens.is_empty() && !told.broken {
            let why = "this file names none, and what starts it is not in the tree";
            let address = Address::Unknown(why.to_owned());
            let (site, backlog) = (Span::top(source), Backlog::Default(None));
            told.listens.push(Listen { address, site, backlog, v6_only: false, notes: Vec::new() });
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

fn surroundings(ground: Ground<'_>, path: &Path, command: Option<&Command>) -> Surroundings {
    let installed = ground.read_as == ReadAs::Root;
    let absolute = |path: &Path| format!("/{}", path.display());
    let set = |command: &Command| {
        let set = command.environment.iter().map(|set| {
            let value = Some(set.value.text.clone()).filter(|_| !set.value.open);
            (set.name.clone(), value)
        });
        set.collect()
    };
    Surroundings {
        file: installed.then(|| absolute(path)),
        folder: command.and_then(|command| command.folder.as_deref()).filter(|_| installed).map(absolute),
        environment: command.map(set),
    }
}

/// An address of a command line, which carries no options.
fn plain(ground: Ground<'_>, text: &str, at: Span, command: &Command) -> Listen {
    let folder = command.folder.as_deref().filter(|_| ground.read_as == ReadAs::Root);
    let address = match text.contains('$') {
        true => Address::Unknown(format!("nothing in the tree sets what is in `{text}`")),
        false => address::read(ground, text, folder),
    };
    Listen { address, site: at, backlog: Backlog::Default(None), v6_only: false, notes: Vec::new() }
}

fn elsewhere(config: &str, at: Span) -> Listen {
    let why = format!("{config} is not in the tree");
    Listen {
        address: Address::Unknown(why.clone()),
        site: at,
        backlog: Backlog::Unknown(why),
        v6_only: false,
        notes: Vec::new(),
    }
}

impl Told {
    /// Another listen; on an address that is known already it only adds its options.
    fn add(&mut self, new: Listen) {
        let same = |known: &&mut Listen| {
            matches!(new.address, Address::Known(_) | Address::Refused(_)) && known.address == new.address
        };
        match self.listens.iter_mut().find(same) {
            Some(known) => {
                if !matches!(new.backlog, Backlog::Default(_)) {
                    known.backlog = new.backlog;
                    known.site = new.site;
                } else if let (Backlog::Default(slot), Backlog::Default(other)) =
                    (&mut known.backlog, new.backlog)
                {
                    *slot = slot.take().or(other);
                }
                known.v6_only |= new.v6_only;
                known.notes.extend(new.notes);
            }
            None => self.listens.push(new),
        }
    }

    fn configure(&mut self, ground: Ground<'_>, source: SourceId, around: &Surroundings) {
        let ruby = match Ruby::parse(source, ground.sources.bytes(source)) {
            Ok(ruby) => ruby,
            Err(why) => {
                let message = format!("this configuration of Unicorn was not read: {why}");
                let problem = problem(ground, ProblemKind::Skipped, message, Span::top(source));
                self.broken = true;
                return self.problems.push(problem);
            }
        };
        if let Some(at) = ruby.code.broken() {
            let message = "this is not understood, so listens in it may be missed".to_owned();
            self.problems.push(problem(ground, ProblemKind::Skipped, message, ruby.code.span(at)));
            self.broken = true;
        }
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
    let address = match &said.thing {
        Thing::Number(port) => address::read(ground, &port.to_string(), folder),
        Thing::Text(text) => address::read(ground, text, folder),
        Thing::Unknown(why) if looks_like_a_path(code.text(first)) => Address::UnknownPath(why.clone()),
        Thing::Unknown(why) => Address::Unknown(why.clone()),
        Thing::Nil => match said.unless.first() {
            Some(unless) => Address::Unknown(format!("it is known only if {unless}")),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let sure = directive.conditions.is_empty();
    let mut notes: Vec<String> =
        directive.conditions.iter().map(|condition| format!("it listens {condition}")).collect();
    notes.extend(said.unless.iter().map(|reason| format!("it is another address if {reason}")));
    let backlog = match reading.option(directive.call, "backlog") {
        Some(backlog) => given(&backlog, site).map_err(|what| {
            let message = format!("Unicorn does not start: the backlog is {what} and no Integer");
            let kind = if sure { ProblemKind::Lost } else { ProblemKind::Skipped };
            problem(ground, kind, message, site)
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
    match &backlog.thing {
        Thing::Number(number) => {
            let at = backlog.written.unwrap_or(site);
            Ok(Backlog::Given(*number, at, backlog.written.map(Slot::replace), backlog.unless.clone()))
        }
        Thing::Unknown(why) => Ok(Backlog::Unknown(why.clone())),
        Thing::Nil => match backlog.unless.first() {
            Some(unless) => Ok(Backlog::Unknown(format!("it is known only if {unless}"))),
            None => Ok(Backlog::Nil),
        },
        Thing::Truth(false) => Ok(Backlog::Nil),
        Thing::Text(_) => Err("a text"),
        _ => Err("something else"),
    }
}

fn listen(ground: Ground<'_>, mut told: Told, site: Span, near: &Path, found: &mut Found) {
    let version = ground.version(near);
    let refused = told.problems.iter().any(|problem| problem.kind == ProblemKind::Lost);
    found.problems.append(&mut told.problems);
    if told.listens.is_empty() && !refused && !told.broken {
        let port = ground.service.default("port").map_or(8080, |port| port.get);
        let address = address::read(ground, &port.to_string(), None);
        let backlog = Backlog::Default(None);
        told.listens.push(Listen { address, site, backlog, v6_only: false, notes: Vec::new() });
    }
    for listen in told.listens {
        if let Address::Refused(text) = &listen.address {
            let message = format!("Unicorn does not start: `{text}` is no address that it takes");
            found.problems.push(problem(ground, ProblemKind::Lost, message, listen.site));
            continue;
        }
        found.listeners.extend(listener(ground, version, listen));
    }
}

fn listener(ground: Ground<'_>, version: Option<Version>, listen: Listen) -> Option<Listener> {
    let site = listen.site;
    let note = |what: String| Step { value: None, what, at: site };
    let (endpoint, why) = listen.address.endpoint(listen.v6_only);
    let (backlog, steps) = setting(ground, version, &listen.backlog, site)?;
    let why = why.map(|why| format!("the address is not known: {why}"));
    Some(Listener {
        backlog,
        steps,
        notes: why.into_iter().chain(listen.notes).map(note).collect(),
        apply: Apply::Reload,
        ..Listener::new(&ground.service.name, ground.place, endpoint, site)
    })
}

fn setting(
    ground: Ground<'_>,
    version: Option<Version>,
    backlog: &Backlog,
    site: Span,
) -> Option<(Setting, Vec<Step>)> {
    match backlog {
        Backlog::Nil => None,
        Backlog::Default(slot) => {
            let (value, step) = ground.default("backlog", version)?;
            Some((Setting { value: Some(value), slot: slot.clone() }, vec![step]))
        }
        Backlog::Given(number, at, slot, unless) => {
            let what = match unless.first() {
                Some(unless) => format!(":backlog of the listen, unless {unless}"),
                None => ":backlog of the listen".to_owned(),
            };
            let step = Step { value: Some(*number), what, at: *at };
            Some((Setting { value: Some(Value::written(*number, *at)), slot: slot.clone() }, vec![step]))
        }
        Backlog::Unknown(why) => {
            let what = format!("the backlog is not known: {why}");
            Some((Setting::default(), vec![Step { value: None, what, at: site }]))
        }
    }
}

fn problem(ground: Ground<'_>, kind: ProblemKind, message: String, at: Span) -> Problem {
    let service = Some(ground.service.name.clone());
    Problem { kind, service, message, help: None, at, labels: Vec::new() }
}

#[cfg(test)]
mod tests;
