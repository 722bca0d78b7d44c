//! Puma: the binds of config/puma.rb and of command lines, and what `rails server` makes of them.

mod bind;
mod config;
mod line;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::{Candidate, Found, Ground};
use crate::model::{
    Command, Endpoint, Label, Listener, Problem, ProblemKind, ReadAs, Setting, Step, Value, Version,
};
use crate::syntax::ruby::Surroundings;
use crate::text::{Slot, Span};
use bind::{Backlog, Url};
use line::Line;

/// The version that has another default address (lib/puma/configuration.rb: default_tcp_host).
const IPV6_FIRST: Version = Version::new(8, 0, 0);

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    let mut used = HashSet::new();
    let mut folders = HashSet::new();
    let rails_port = ground.service.default("rails-port").map_or(3000, |port| port.get);
    for (command, arguments) in ground.started() {
        if let Some(line) = line::read(command, arguments, rails_port) {
            folders.extend(command.folder.clone());
            started(ground, command, line, files, (&mut used, &mut folders), &mut found);
        }
    }
    for file in files.iter().filter(|file| !used.contains(&file.path)) {
        let Some(folder) = application(&file.path) else { continue };
        // Some command line starts Puma here by another file.
        if folders.contains(&folder) || is_for_development(&file.path) {
            found.left_out += 1;
            continue;
        }
        alone(ground, file, &folder, &mut found);
    }
    found
}

/// The folder that a configuration is for.
fn application(config: &Path) -> Option<PathBuf> {
    let folder = config.parent()?;
    let is = |folder: &Path, name: &str| folder.file_name().is_some_and(|last| last == name);
    Some(match folder.parent() {
        Some(outer) if is(folder, "config") => outer.to_owned(),
        Some(outer) if is(folder, "puma") && is(outer, "config") => outer.parent()?.to_owned(),
        _ => folder.to_owned(),
    })
}

/// `config/puma/development.rb` and `config/puma/test.rb`.
fn is_for_development(config: &Path) -> bool {
    environment_of(config).is_some_and(|name| matches!(name, "development" | "test"))
}

/// The environment in which a configuration is read.
fn environment_of(config: &Path) -> Option<&str> {
    let folder = config.parent()?;
    config.file_stem()?.to_str().filter(|_| folder.ends_with("config/puma"))
}

/// A Puma that a command line starts.
fn started(
    ground: Ground<'_>,
    command: &Command,
    line: Line,
    files: &[Candidate],
    (used, folders): (&mut HashSet<PathBuf>, &mut HashSet<PathBuf>),
    found: &mut Found,
) {
    let config = config_of(ground, command, &line, files);
    let is_rails = line.rails.is_some();
    if is_rails && config.is_none() && !has_puma(ground, command) {
        return;
    }
    let version = ground.version(config.as_deref().or(command.folder.as_deref()).unwrap_or(Path::new("")));
    let (own_host, address) = default_host(version);
    let host = line.rails.as_ref().map_or(own_host, |rails| rails.default_host);
    let mut binds = line.binds;
    let told = line.rails.as_ref().and_then(|rails| rails.told.clone());
    let by_line = told.is_some() || binds.iter().any(|bind| !bind.control);
    binds.extend(told);
    let mut broken = false;
    if let Some(path) = &config {
        used.insert(path.clone());
        folders.extend(application(path));
        let around = surroundings(ground, path, Some((command, line.environment.as_deref())));
        let source = ground.tree.read(ground.sources, path).ok();
        let read = source.map(|source| config::read(ground, source, &around, host, &[])).unwrap_or_default();
        binds.extend(read.binds.into_iter().filter(|bind| bind.control || !by_line));
        found.problems.extend(read.problems);
        broken = read.broken;
    }
    if binds.iter().all(|bind| bind.control) && !broken {
        let port = ground.service.default("port").map_or(9292, |port| port.get);
        let own = Url {
            text: Ok(format!("tcp://{host}:{port}")),
            shown: String::new(),
            site: command.at,
            tail: None,
            room: false,
            notes: Vec::new(),
            sure: true,
            control: false,
        };
        binds.push(line.rails.map_or(own, |rails| rails.default));
    }
    listen(ground, version, address.filter(|_| !is_rails), &binds, found);
}

/// A configuration that no command line of the tree reads.
fn alone(ground: Ground<'_>, file: &Candidate, folder: &Path, found: &mut Found) {
    let Ok(source) = ground.tree.read(ground.sources, &file.path) else { return };
    let around = surroundings(ground, &file.path, None);
    let version = ground.version(folder);
    let (host, address) = default_host(version);
    let note = environment_of(&file.path).map(|name| format!("it is read in the environment `{name}`"));
    let read = config::read(ground, source, &around, host, &Vec::from_iter(note));
    found.problems.extend(read.problems);
    let mut binds = read.binds;
    if binds.iter().all(|bind| bind.control) && !read.broken {
        let why = "this file names none, and what starts it is not in the tree";
        binds.push(Url {
            text: Err(why.to_owned()),
            shown: String::new(),
            site: Span::top(source),
            tail: None,
            room: false,
            notes: Vec::new(),
            sure: false,
            control: false,
        });
    }
    listen(ground, version, address, &binds, found);
}

/// The address that Puma takes by itself, and what is to be said of it.
fn default_host(version: Option<Version>) -> (&'static str, Option<&'static str>) {
    match version {
        Some(version) if version >= IPV6_FIRST => {
            ("0.0.0.0", Some("Puma 8 takes [::] where the machine has an IPv6 address, else 0.0.0.0"))
        }
        _ => ("0.0.0.0", None),
    }
}

/// Whether `rails server` finds Puma: its Gemfile names it, or there is none to look at.
fn has_puma(ground: Ground<'_>, command: &Command) -> bool {
    let Some(folder) = &command.folder else { return true };
    match ground.tree.peek(&folder.join("Gemfile")) {
        Ok(gems) => memchr::memmem::find(&gems, b"puma").is_some(),
        Err(_) => true,
    }
}

/// The configuration that a command line reads.
fn config_of(ground: Ground<'_>, command: &Command, line: &Line, files: &[Candidate]) -> Option<PathBuf> {
    if line.no_config {
        return None;
    }
    if let Some(named) = &line.config {
        return ground.named_file(command, named);
    }
    let variable = |name: &&str| command.variable(name).map(|set| set.value.text.clone());
    let environment = line.environment.clone();
    let environment = environment
        .or_else(|| ["APP_ENV", "RACK_ENV", "RAILS_ENV"].iter().find_map(variable))
        .unwrap_or_else(|| "development".to_owned());
    let names = [format!("config/puma/{environment}.rb"), "config/puma.rb".to_owned()];
    if command.folder.is_some() {
        return names.iter().find_map(|name| ground.named_file(command, name));
    }
    // The folder is not known: the only application there is.
    let of = |name: &String| {
        let mut fitting = files.iter().filter(|file| file.path.ends_with(name));
        fitting.next().filter(|_| fitting.next().is_none()).map(|file| file.path.clone())
    };
    names.iter().find_map(|name| ground.named_file(command, name).or_else(|| of(name)))
}

/// What surrounds a configuration that a command line reads, or that something unknown does.
fn surroundings(ground: Ground<'_>, path: &Path, by: Option<(&Command, Option<&str>)>) -> Surroundings {
    let installed = ground.read_as == ReadAs::Root;
    let absolute = |path: &Path| format!("/{}", path.display());
    let mut around = Surroundings { file: installed.then(|| absolute(path)), ..Surroundings::default() };
    if let Some((command, environment)) = by {
        around.folder = command.folder.as_deref().filter(|_| installed).map(absolute);
        let set = command.environment.iter().map(|set| {
            let value = Some(set.value.text.clone()).filter(|_| !set.value.open);
            (set.name.clone(), value)
        });
        let mut all: std::collections::HashMap<_, _> = set.collect();
        // bin/puma puts what it is told there, for the application (lib/puma/launcher.rb: set_rack_environment).
        if let Some(environment) = environment {
            for name in ["RACK_ENV", "RAILS_ENV"] {
                all.entry(name.to_owned()).or_insert_with(|| Some(environment.to_owned()));
            }
        }
        around.environment = Some(all);
    }
    around
}

fn listen(
    ground: Ground<'_>,
    version: Option<Version>,
    address: Option<&str>,
    binds: &[Url],
    found: &mut Found,
) {
    let mut bound: Vec<(Endpoint, Span)> = Vec::new();
    for url in binds {
        let Some(places) = url.places(ground) else { continue };
        let (endpoints, why) = match places {
            Ok(endpoints) => (endpoints, None),
            Err((endpoint, why)) => (vec![endpoint], Some(why)),
        };
        let backlog = url.backlog();
        if let Backlog::Refused(why) = &backlog {
            found.problems.push(problem(
                ground,
                ProblemKind::Lost,
                format!("Puma does not start: {why}"),
                url.site,
            ));
            continue;
        }
        for endpoint in endpoints {
            let known = !matches!(endpoint, Endpoint::Unknown(_)) && url.sure;
            if let Some((_, first)) = bound.iter().find(|(other, _)| known && *other == endpoint) {
                let message = format!("Puma does not start: {endpoint} is bound twice");
                let mut problem = problem(ground, ProblemKind::Conflict, message, url.site);
                problem.labels = vec![Label { message: "it is bound here first".into(), at: *first }];
                found.problems.push(problem);
                continue;
            }
            if known {
                bound.push((endpoint.clone(), url.site));
            }
            let listener = listener(ground, version, url, &backlog, endpoint, why.as_deref(), address);
            found.listeners.push(listener);
        }
    }
}

fn listener(
    ground: Ground<'_>,
    version: Option<Version>,
    url: &Url,
    backlog: &Backlog,
    endpoint: Endpoint,
    why: Option<&str>,
    address: Option<&str>,
) -> Listener {
    let on_any = matches!(&endpoint, Endpoint::Tcp(at) if at.ip().is_unspecified() && at.is_ipv4());
    let address = address.filter(|_| on_any && url.shown.is_empty());
    let note = |what: String| Step { value: None, what, at: url.site };
    let notes = why.map(|why| format!("the address is not known: {why}"));
    let notes = notes.into_iter().chain(address.map(str::to_owned)).chain(url.notes.iter().cloned());
    let (backlog, steps) = setting(ground, version, backlog, url.site);
    Listener {
        backlog,
        steps,
        notes: notes.map(note).collect(),
        internal: url.control,
        ..Listener::new(&ground.service.name, ground.place, endpoint, url.site)
    }
}

fn setting(
    ground: Ground<'_>,
    version: Option<Version>,
    backlog: &Backlog,
    site: Span,
) -> (Setting, Vec<Step>) {
    let default = |slot: Option<Slot>| match ground.default("backlog", version) {
        Some((value, step)) => (Setting { value: Some(value), slot }, vec![step]),
        None => Default::default(),
    };
    match backlog {
        Backlog::Default(slot) => default(slot.clone()),
        Backlog::Given(number, at, slot) => {
            let step = Step { value: Some(*number), what: "backlog= of the URL".to_owned(), at: *at };
            (Setting { value: Some(Value::written(*number, *at)), slot: slot.clone() }, vec![step])
        }
        Backlog::Refused(why) | Backlog::Unknown(why) => {
            let what = format!("the backlog is not known: {why}");
            (Setting::default(), vec![Step { value: None, what, at: site }])
        }
    }
}

fn problem(ground: Ground<'_>, kind: ProblemKind, message: String, at: Span) -> Problem {
    let service = Some(ground.service.name.clone());
    Problem { kind, service, message, help: None, at, labels: Vec::new() }
}

#[cfg(test)]
mod tests;
