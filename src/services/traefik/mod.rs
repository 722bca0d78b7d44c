//! Traefik's static configuration: its entry points. Every queue is the kernel's somaxconn; nothing that is written can change
//! that.

mod entry_points;
mod settings;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use self::settings::Setting;
use super::{Candidate, Found, Ground};
use crate::model::{Command, Endpoint, Listener, Problem, ProblemKind, ReadAs, Starter, Word};
use crate::syntax::yaml;
use crate::text::Span;

type Broken = (String, Span);

/// Where Traefik looks for a file that nobody names, the first that there is.
const ENDINGS: [&str; 3] = ["toml", "yaml", "yml"];

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    let mut used: HashSet<PathBuf> = HashSet::new();
    let by_place = || files.iter().filter(|file| file.by_place);
    let ends = |file: &&Candidate, ending: &str| file.path.extension().is_some_and(|it| it == ending);
    let installed = ENDINGS.iter().find_map(|ending| by_place().find(|file| ends(file, ending)));
    // The other two are passed over.
    used.extend(by_place().map(|file| file.path.clone()));
    let mut started = false;
    for (command, arguments) in ground.started() {
        match source(ground, command, arguments, installed) {
            Some(Source::File(path)) if !used.insert(path.clone()) && !is(installed, &path) => {}
            Some(Source::File(path)) if is(installed, &path) && started => {}
            Some(Source::File(path)) => {
                started |= is(installed, &path);
                file(ground, &path, true, &mut found);
            }
            Some(Source::Settings(settings)) => {
                open(ground, &settings, command.at, ProblemKind::Lost, &mut found)
            }
            None => {}
        }
    }
    // Where nothing says what is started, it is what lies there.
    let runs_otherwise = ground.started().any(|(command, _)| command.starter == Starter::Unit);
    if let Some(installed) = installed.filter(|_| !started && !runs_otherwise) {
        file(ground, &installed.path, true, &mut found);
    }
    for candidate in files {
        if used.insert(candidate.path.clone()) {
            file(ground, &candidate.path, false, &mut found);
        }
    }
    found
}

fn is(candidate: Option<&Candidate>, path: &Path) -> bool {
    candidate.is_some_and(|candidate| candidate.path == path)
}

/// What a Traefik takes its configuration from: a file, or else its arguments, or else its environment.
enum Source {
    File(PathBuf),
    Settings(Vec<Setting>),
}

fn source(
    ground: Ground<'_>,
    command: &Command,
    arguments: &[Word],
    installed: Option<&Candidate>,
) -> Option<Source> {
    let is_machine = matches!(ground.read_as, ReadAs::Root | ReadAs::Etc);
    let in_image = matches!(command.starter, Starter::Dockerfile | Starter::Compose);
    let arguments = arguments.get(usize::from(arguments.first().is_some_and(|it| it.text == "traefik"))..)?;
    // A subcommand ends by itself.
    if arguments.first().is_some_and(|word| !word.text.starts_with('-')) {
        return None;
    }
    if let Some(named) = config_file(arguments) {
        let folder = command.folder.as_deref().unwrap_or(Path::new(""));
        match ground.tree.resolve(&folder.join(named)) {
            Ok(path) => return Some(Source::File(path)),
            Err(_) if !is_machine || in_image => return None,
            Err(_) => {}
        }
    }
    if let Some(installed) = installed.filter(|_| is_machine && !in_image) {
        return Some(Source::File(installed.path.clone()));
    }
    let of_arguments = settings::of_arguments(arguments);
    let of_variables = settings::of_variables(&command.environment);
    match (of_arguments.is_empty(), of_variables.is_empty()) {
        (false, _) => Some(Source::Settings(of_arguments)),
        (true, false) => Some(Source::Settings(of_variables)),
        // A file may be mounted into a container.
        (true, true) => (is_machine && !in_image).then(|| Source::Settings(Vec::new())),
    }
}

/// `--configFile=PATH` and `--configFile PATH`, in any case.
fn config_file(arguments: &[Word]) -> Option<&str> {
    let at = arguments.iter().position(|word| {
        let name = word.text.trim_start_matches('-').split('=').next().unwrap_or_default();
        name.eq_ignore_ascii_case("configfile")
    })?;
    let word = arguments.get(at).filter(|word| !word.open)?;
    match word.text.split_once('=') {
        Some((_, path)) => Some(path),
        None => arguments.get(at + 1).filter(|word| !word.open).map(|word| word.text.as_str()),
    }
}

/// Opens what a file sets. One that is only named as if it were Traefik's is silent where it is not.
fn file(ground: Ground<'_>, path: &Path, certain: bool, found: &mut Found) {
    let kind = if certain { ProblemKind::Lost } else { ProblemKind::Skipped };
    let read = match ground.tree.read(ground.sources, path) {
        Ok(source) => source,
        Err(why) => {
            let at = Span::top(ground.tree.unread(ground.sources, path));
            return found.problems.push(problem(ground, kind, (format!("it was not read: {why}"), at)));
        }
    };
    let is_toml = path.extension().is_some_and(|ending| ending == "toml");
    let settings = if is_toml {
        let bytes = ground.sources.bytes(read);
        let text = std::str::from_utf8(bytes).map_err(|_| ("it is not UTF-8".to_owned(), Span::top(read)));
        text.and_then(|text| settings::of_toml(read, text))
    } else {
        let yaml = yaml::read(ground.sources, read);
        match yaml.broken {
            Some(broken) => Err((format!("not read to its end: {}", broken.message), broken.at)),
            // Traefik reads the first document.
            None => Ok(yaml.documents.first().map(settings::of_yaml).unwrap_or_default()),
        }
    };
    match settings {
        Err(broken) => found.problems.push(problem(ground, kind, broken)),
        Ok(settings) if !settings.iter().any(|setting| is_known(ground, setting)) => {
            let broken = ("no valid configuration found in file".to_owned(), Span::top(read));
            found.problems.extend(certain.then(|| problem(ground, kind, broken)));
        }
        Ok(settings) => open(ground, &settings, Span::top(read), kind, found),
    }
}

/// Whether the static configuration has its table.
fn is_known(ground: Ground<'_>, setting: &Setting) -> bool {
    let tables = ground.service.reader.get("tables").and_then(toml::Value::as_array);
    let mut tables = tables.into_iter().flatten().filter_map(toml::Value::as_str);
    setting.path.first().is_some_and(|first| tables.any(|table| table.eq_ignore_ascii_case(first)))
}

fn open(ground: Ground<'_>, settings: &[Setting], top: Span, kind: ProblemKind, found: &mut Found) {
    match entry_points::listeners(ground, settings, top) {
        Ok(listeners) => {
            let mut bound = Bound::default();
            for (listener, reuses) in listeners {
                let Some(first) = bound.in_the_way(&listener.endpoint, reuses) else {
                    bound.add(&listener, reuses);
                    found.listeners.push(listener);
                    continue;
                };
                let message =
                    format!("error opening listener: {}: bind: address already in use", listener.endpoint);
                let mut conflict = problem(ground, ProblemKind::Conflict, (message, listener.site));
                conflict.labels.push(crate::model::Label::new(first, "the first one"));
                found.problems.push(conflict);
            }
        }
        Err(broken) => found.problems.push(problem(ground, kind, broken)),
    }
}

fn problem(ground: Ground<'_>, kind: ProblemKind, (message, at): Broken) -> Problem {
    let service = Some(ground.service.name.clone());
    Problem { kind, service, message, help: None, at, labels: Vec::new() }
}

/// Which one it was, and where it stands.
type First = Option<(usize, Span)>;

/// The addresses that are bound: on each port, and there on each address, the first one and the first that shares it with nobody.
#[derive(Default)]
struct Bound {
    firsts: HashMap<(u16, Option<Endpoint>), [First; 2]>,
    count: usize,
}

impl Bound {
    /// Where the first bind stands for which the kernel refuses this one.
    fn in_the_way(&self, endpoint: &Endpoint, reuses: bool) -> Option<Span> {
        let port = endpoint.port()?;
        let first = |at: Option<Endpoint>| {
            self.firsts.get(&(port, at)).and_then(|firsts| *firsts.get(usize::from(reuses))?)
        };
        let first = match endpoint {
            Endpoint::DualStack(_) => first(None),
            _ => [first(Some(endpoint.clone())), first(Some(Endpoint::DualStack(port)))]
                .into_iter()
                .flatten()
                .min_by_key(|(nth, _)| *nth),
        };
        first.map(|(_, site)| site)
    }

    fn add(&mut self, listener: &Listener, reuses: bool) {
        let Some(port) = listener.endpoint.port() else { return };
        self.count += 1;
        let this = (self.count, listener.site);
        for at in [None, Some(listener.endpoint.clone())] {
            let [any, alone] = self.firsts.entry((port, at)).or_default();
            any.get_or_insert(this);
            if !reuses {
                alone.get_or_insert(this);
            }
        }
    }
}

#[cfg(test)]
mod tests;
