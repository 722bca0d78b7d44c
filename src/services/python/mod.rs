//! Python: the sockets that a program makes listen itself, and the servers that it starts in its own code. Only calls that are
//! known to open sockets count; what only a run could tell is not known, with the reason.

mod address;
mod commands;
mod opening;
mod program;
mod slots;
mod started;
mod table;

use std::path::PathBuf;

use super::{Candidate, Found, Ground};
use crate::model::{Endpoint, Kind, Listener, ProblemKind, Setting, Step, Value};
use crate::syntax::calls::Id;
use crate::syntax::python::{FUEL, Python};
use crate::text::{SourceId, Span};
use opening::{Backlog, Opening, Openings};
use program::{Linked, Program};
use started::Reached;
use table::Table;

/// Calls that are looked at in one file.
const MOST_CALLS: usize = 2_000;

/// Listeners that one file may have.
const MOST: usize = 100;

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let table = match Table::read(ground.service) {
        Ok(table) => table,
        Err(error) => return ground.broken("the table of servers", &error.message()),
    };
    let program = Program::new(ground, &table);
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let mut all = Found::default();
    (all.listeners, all.left_out) = commands::read(ground, &table);
    for found in ground.tree.read_all(&paths, |path| {
        let source = ground.tree.read(ground.sources, path).ok();
        source.map(|source| read_file(&program, path.to_owned(), source)).unwrap_or_default()
    }) {
        all.listeners.extend(found.listeners);
        all.problems.extend(found.problems);
        all.left_out += found.left_out;
    }
    all
}

fn read_file(program: &Program<'_>, path: PathBuf, source: SourceId) -> Found {
    let mut found = Found::default();
    let whole = Span::top(source);
    let python = match program.open(&path, source) {
        Ok(python) => python,
        Err(why) => {
            let message = format!("{} was not read for servers: {why}", path.display());
            found.problems.push(program.ground.problem(ProblemKind::Skipped, message, whole));
            return found;
        }
    };
    let left = program::questions();
    let linked = Linked::new(program, &left);
    let reading = python.reading_among(&linked, FUEL);
    let openings = Openings { ground: program.ground, reading: &reading };
    let mut opened = of_file(program, python, &openings);
    let before = opened.len();
    opened.retain(|opening| !is_for_development(program, &openings, &path, opening));
    found.left_out = usize::from(opened.len() < before);
    found.listeners = opened.iter().flat_map(|opening| listeners(program, &openings, opening)).collect();
    let names_one = python.called().any(|name| name == "listen" || program.table.may_open(name));
    if reading.is_exhausted() && names_one {
        let message = "it takes too long to follow, so servers in it may be missed".to_owned();
        found.problems.push(program.ground.problem(ProblemKind::Skipped, message, whole));
    }
    found
}

/// Everything that a file opens, each socket once.
fn of_file<'t>(
    program: &Program<'t>,
    python: &Python<'_>,
    openings: &Openings<'_, '_, '_, 't>,
) -> Vec<Opening<'t>> {
    let table = program.table;
    let known = |name: &str| name == "listen" || table.may_open(name);
    let calls = python.all_calls().filter(|call| openings.may_matter(*call, known));
    let calls: Vec<Id> = calls.take(MOST_CALLS).collect();
    let mut found: Vec<Opening<'t>> = Vec::new();
    for call in calls {
        let Some(opening) = of_call(table, openings, call) else { continue };
        if started::reached(openings.reading, call) == Reached::Never || found.len() >= MOST {
            continue;
        }
        // Who listens last on a socket decides.
        let again = |other: &Opening<'_>| opening.socket.is_some() && other.socket == opening.socket;
        if let Some(earlier) = found.iter_mut().find(|other| again(other) || is_the_same(other, &opening)) {
            *earlier = opening;
        } else {
            found.push(opening);
        }
    }
    found
}

/// Two branches of one program that open the same socket.
fn is_the_same(one: &Opening<'_>, other: &Opening<'_>) -> bool {
    let number = |opening: &Opening<'_>| match &opening.backlog {
        Backlog::Given { number, .. } => Some(*number),
        _ => None,
    };
    one.library == other.library
        && one.place.is_known()
        && one.place.endpoints == other.place.endpoints
        && number(one) == number(other)
}

fn of_call<'t>(table: &'t Table, openings: &Openings<'_, '_, '_, 't>, call: Id) -> Option<Opening<'t>> {
    let names = openings.reading.callee(call);
    if let Some((entry, name)) = names.iter().find_map(|name| Some((table.find(name)?, name))) {
        return openings.of_call(entry, call, name);
    }
    if openings.is_method(call, "listen") {
        return openings.of_listen(call, |kind| table.sockets.contains(kind));
    }
    if !names.is_empty() {
        return None;
    }
    let entry = table.entries.iter().find(|entry| {
        entry.anywhere.as_ref().is_some_and(|method| openings.is_called_on(call, &method.name, &method.on))
    })?;
    openings.of_call(entry, call, "")
}

/// What runs only when the file is run by itself, while another server serves the application.
fn is_for_development(
    program: &Program<'_>,
    openings: &Openings<'_, '_, '_, '_>,
    path: &std::path::Path,
    opening: &Opening<'_>,
) -> bool {
    opening.entry.is_some_and(|entry| entry.serves_app || entry.development)
        && started::reached(openings.reading, opening.call) == Reached::ByItself
        && started::is_served_otherwise(program.ground, program.table, path)
}

fn listeners(
    program: &Program<'_>,
    openings: &Openings<'_, '_, '_, '_>,
    opening: &Opening<'_>,
) -> Vec<Listener> {
    let ground = program.ground;
    let site = openings.site(opening.call);
    let (backlog, steps) = setting(program, opening, site);
    let mut notes = opening.place.notes.clone();
    if opening.entry.is_some_and(|entry| entry.development) {
        notes.push(format!("this is the server that {} has for development", opening.library));
    }
    let notes: Vec<Step> = notes.into_iter().map(|what| Step { value: None, what, at: site }).collect();
    let listener = |endpoint: &Endpoint| Listener {
        backlog: backlog.clone(),
        sockets: opening.sockets,
        internal: opening.entry.is_some_and(|entry| entry.internal),
        steps: steps.clone(),
        notes: notes.clone(),
        ..Listener::new(&ground.service.name, ground.place, endpoint.clone(), site)
    };
    opening.place.endpoints.iter().map(listener).collect()
}

fn setting(program: &Program<'_>, opening: &Opening<'_>, site: Span) -> (Setting, Vec<Step>) {
    match &opening.backlog {
        Backlog::Default(name, slot) => {
            let value = program.ground.service.default(name);
            let what = match opening.library {
                "socket" => "Python's own default".to_owned(),
                library => format!("{library}'s own default"),
            };
            let step =
                value.iter().map(|value| Step { value: Some(value.get), what: what.clone(), at: value.span });
            let steps = step.collect();
            (Setting { value, slot: slot.clone() }, steps)
        }
        Backlog::Somaxconn(at) => somaxconn(program, *at),
        Backlog::Given { number, at, unless, slot } => {
            let what = match unless.first() {
                Some(unless) => format!("what the program asks for unless {unless}"),
                None => "what the program asks for".to_owned(),
            };
            let mut steps = vec![Step { value: Some(*number), what, at: *at }];
            if *number < 0 {
                let what = "Python makes 0 of a negative backlog".to_owned();
                steps.push(Step { value: Some(0), what, at: *at });
            }
            let value = Some(Value::written((*number).max(0), *at));
            (Setting { value, slot: slot.clone() }, steps)
        }
        Backlog::Unknown(why) => {
            let what = format!("the backlog is not known: {why}");
            (Setting::default(), vec![Step { value: None, what, at: site }])
        }
    }
}

/// The constant of the C library that the interpreter was built with.
fn somaxconn(program: &Program<'_>, at: Span) -> (Setting, Vec<Step>) {
    let ground = program.ground;
    let images: Vec<&str> = ground
        .commands
        .iter()
        .filter_map(|command| command.image.as_ref())
        .map(|image| image.get.as_str())
        .collect();
    let musl = ground.tree.exists(std::path::Path::new("etc/alpine-release"))
        || (!images.is_empty() && images.iter().all(|image| image.contains("alpine")));
    let (name, library) = if musl { ("SOMAXCONN-musl", "musl") } else { ("SOMAXCONN", "glibc") };
    let Some(constant) = ground.service.default(name) else { return Default::default() };
    let asked =
        Step { value: Some(constant.get), what: "the program asks for socket.SOMAXCONN".to_owned(), at };
    let what = format!("a constant of the C library, {} with {library}", constant.get);
    let steps = vec![asked, Step { value: Some(constant.get), what, at: constant.span }];
    let kind = if musl { Kind::Default } else { Kind::Assumed };
    (Setting { value: Some(Value { kind, ..constant }), slot: None }, steps)
}

#[cfg(test)]
mod tests;
