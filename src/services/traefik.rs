//! Traefik's static configuration: its entry points. Every queue is the kernel's somaxconn; nothing that is written can change
//! that.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::{Bound, Candidate, Found, Ground, Policy, Why, bound_first, in_use, port_of};
use crate::model::{
    Command, Endpoint, Label, Listener, Occupied, Problem, ProblemKind, Starter, Step, Text, Variable,
};
use crate::syntax::host_port;
use crate::syntax::nested::{self, DEEPEST, Setting};
use crate::text::{HashMap, HashSet, Span};

type Broken = (String, Span);

/// Where Traefik looks for a file that nobody names, the first that there is.
const ENDINGS: [&str; 3] = ["toml", "yaml", "yml"];

/// What Traefik's own pages listen on, if nobody says otherwise.
const INTERNAL: &str = "traefik";

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    let mut used: HashSet<PathBuf> = HashSet::default();
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
    arguments: &[Text],
    installed: Option<&Candidate>,
) -> Option<Source> {
    let is_machine = ground.is_machine();
    let in_image = matches!(command.starter, Starter::Dockerfile | Starter::Compose);
    let arguments =
        arguments.get(usize::from(arguments.first().is_some_and(|it| it.as_str() == "traefik"))..)?;
    // A subcommand ends by itself.
    if arguments.first().is_some_and(|word| !word.as_str().starts_with('-')) {
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
    let of_arguments = of_arguments(arguments);
    let of_variables = of_variables(&command.environment);
    match (of_arguments.is_empty(), of_variables.is_empty()) {
        (false, _) => Some(Source::Settings(of_arguments)),
        (true, false) => Some(Source::Settings(of_variables)),
        // A file may be mounted into a container.
        (true, true) => (is_machine && !in_image).then(|| Source::Settings(Vec::new())),
    }
}

/// `--configFile=PATH` and `--configFile PATH`, in any case, and Traefik 1's `-c PATH`.
fn config_file(arguments: &[Text]) -> Option<&str> {
    let at = arguments.iter().position(|word| {
        let name = word.as_str().trim_start_matches('-').split('=').next().unwrap_or_default();
        name.eq_ignore_ascii_case("configfile") || word.is("-c")
    })?;
    let word = arguments.get(at).filter(|word| !word.is_open())?;
    match word.as_str().split_once('=') {
        Some((_, path)) => Some(path),
        None => arguments.get(at + 1).filter(|word| !word.is_open()).map(|word| word.as_str()),
    }
}

/// `--entrypoints.web.address=:80`; an option without a value is true.
fn of_arguments(arguments: &[Text]) -> Vec<Setting> {
    let setting = |word: &Text| {
        let text = word.as_str().trim_start_matches('-');
        let (name, value) = text.split_once('=').unwrap_or((text, "true"));
        let path: Vec<Rc<str>> = name.split('.').take(DEEPEST).map(Rc::from).collect();
        // An option that names a table sets it and nothing in it.
        let table =
            !text.contains('=') && path.len() == 2 && name.to_ascii_lowercase().starts_with("entrypoints.");
        let value = (!table).then(|| Text::meant(value, word.span()).with_open_of(word));
        Setting { path, value, at: word.span() }
    };
    arguments.iter().filter(|word| word.as_str().starts_with('-')).map(setting).collect()
}

/// `TRAEFIK_ENTRYPOINTS_WEB_ADDRESS`.
fn of_variables(variables: &[Arc<Variable>]) -> Vec<Setting> {
    let setting = |variable: &Arc<Variable>| {
        let name = variable.name.strip_prefix("TRAEFIK_")?;
        let path = name.split('_').take(DEEPEST).map(|part| part.to_ascii_lowercase().into()).collect();
        let value = variable.value.clone();
        Some(Setting { path, at: value.span(), value: Some(value) })
    };
    variables.iter().filter_map(setting).collect()
}

/// Opens what a file sets. One that is only named as if it were Traefik's is silent where it is not.
fn file(ground: Ground<'_>, path: &Path, certain: bool, found: &mut Found) {
    let Ground { tree, sources, .. } = ground;
    let kind = if certain { ProblemKind::Lost } else { ProblemKind::Skipped };
    let read = match tree.read(sources, path) {
        Ok(read) => read,
        Err(why) => {
            let at = Span::top(tree.unread(sources, path));
            let problem = ground.problem(kind, format!("cannot read it: {why}"), at);
            return found.problems.push(Problem { help: why.help(), ..problem });
        }
    };
    let is_toml = path.extension().is_some_and(|ending| ending == "toml");
    let settings = if is_toml { nested::of_toml(sources, read) } else { nested::of_yaml(sources, read) };
    match settings {
        Err((message, at)) => found.problems.push(ground.problem(kind, message, at)),
        Ok(None) => {}
        Ok(Some(settings)) if settings.iter().any(|setting| is_known(ground, setting)) => {
            open(ground, &settings, Span::top(read), kind, found);
        }
        Ok(_) if certain => {
            let message = "no valid configuration found in file";
            found.problems.push(ground.problem(kind, message, Span::top(read)));
        }
        Ok(_) => {}
    }
}

/// Whether the static configuration has its table.
fn is_known(ground: Ground<'_>, setting: &Setting) -> bool {
    let tables = ground.service.reader.get("tables").and_then(toml::Value::as_array);
    let mut tables = tables.into_iter().flatten().filter_map(toml::Value::as_str);
    setting.path.first().is_some_and(|first| tables.any(|table| table.eq_ignore_ascii_case(first)))
}

fn open(ground: Ground<'_>, settings: &[Setting], top: Span, kind: ProblemKind, found: &mut Found) {
    let listeners = match listeners(ground, settings, top) {
        Ok(listeners) => listeners,
        Err((message, at)) => return found.problems.push(ground.problem(kind, message, at)),
    };
    let mut bound = Taken::default();
    for (listener, reuses) in listeners {
        let Some(first) = bound.in_the_way(&listener.endpoint, reuses) else {
            bound.add(&listener, reuses);
            found.listeners.push(listener);
            continue;
        };
        found.problems.push(ground.conflict(in_use(&listener.endpoint), listener.site, first));
    }
}

/// The sockets that are bound: all of them, and those that share their address with nobody.
#[derive(Default)]
struct Taken {
    all: (Occupied, Vec<Label>),
    alone: (Occupied, Vec<Label>),
}

impl Taken {
    /// The socket that is in the way of this one: of two that set SO_REUSEPORT neither is.
    fn in_the_way(&self, endpoint: &Endpoint, reuses: bool) -> Option<Label> {
        let (occupied, labels) = if reuses { &self.alone } else { &self.all };
        labels.get(occupied.in_the_way(endpoint)?).cloned()
    }

    fn add(&mut self, listener: &Listener, reuses: bool) {
        for (occupied, labels) in
            [Some(&mut self.all), (!reuses).then_some(&mut self.alone)].into_iter().flatten()
        {
            occupied.take(&listener.endpoint);
            labels.push(bound_first(listener));
        }
    }
}

/// The listeners, and whether each sets SO_REUSEPORT.
fn listeners(ground: Ground<'_>, settings: &[Setting], top: Span) -> Result<Vec<(Listener, bool)>, Broken> {
    let mut found = Vec::new();
    let ask = ground.own("backlog", None);
    let own = by_name(settings);
    let (mut names, mut last): (HashSet<&str>, Option<&Rc<str>>) = Default::default();
    for setting in settings.iter().filter(|setting| setting.is_in(&["entrypoints"])) {
        let Some(name) = setting.path.get(1) else {
            return Err(("entryPoints cannot be a standalone element".to_owned(), setting.at));
        };
        // All of a table share its name: a long one is not looked up for each of them.
        let again = last.replace(name).is_some_and(|last| Rc::ptr_eq(last, name));
        if again || !names.insert(name) {
            continue;
        }
        let own = |key: &'static str| own.get(&(&**name, key)).copied();
        let site = own("address").map_or(setting.at, |address| address.at);
        let reuses = own("reuseport").and_then(|it| boolean(it.value.as_deref()?)) == Some(true);
        let place = match own("address").and_then(|it| Some((it.value.as_deref()?, it.is_open()))) {
            None => Some(Why::AnyPort.into()),
            Some((address, true)) => Some(Why::Elsewhere(address.to_owned()).into()),
            Some((address, false)) => endpoint(ground, address)
                .map_err(|why| (format!("error while building entryPoint {name}: {why}"), site))?,
        };
        let opened = place.map(|bound| ground.listeners(&bound, site, &ask)).unwrap_or_default();
        found.extend(opened.into_iter().map(|listener| (listener, reuses)));
    }
    let own = |port, what, at| {
        let listener = ground.listener(Endpoint::DualStack(port), at, ask.clone());
        (Listener { notes: vec![Step::note(what, at)], ..listener }, false)
    };
    if names.is_empty() {
        let what = "the entry point that Traefik opens by default";
        found.push(own(80, what, top));
    }
    if let Some(at) = internal(settings)?.filter(|_| !names.contains(INTERNAL)) {
        let what = "the entry point traefik, which this opens";
        found.push(own(8080, what, at));
    }
    Ok(found)
}

/// What each entry point sets of the keys that matter here; the last one counts.
fn by_name(settings: &[Setting]) -> HashMap<(&str, &'static str), &Setting> {
    let keyed = settings.iter().filter_map(|setting| {
        let [tables, name, key] = setting.path.as_slice() else { return None };
        let key = ["address", "reuseport"].into_iter().find(|it| it.eq_ignore_ascii_case(key))?;
        tables.eq_ignore_ascii_case("entrypoints").then_some(((&**name, key), setting))
    });
    keyed.collect()
}

/// What makes Traefik open the entry point of its own pages (pkg/config/static: SetEffectiveConfiguration).
fn internal(settings: &[Setting]) -> Result<Option<Span>, Broken> {
    for switch in [&["api", "insecure"][..], &["providers", "rest", "insecure"]] {
        let Some(setting) = settings.iter().rev().find(|setting| setting.is(switch)) else { continue };
        let text = setting.value.as_deref().unwrap_or_default();
        match boolean(text).filter(|_| !setting.is_open()) {
            Some(true) => return Ok(Some(setting.at)),
            None if !setting.is_open() => {
                return Err((format!("strconv.ParseBool: parsing \"{text}\": invalid syntax"), setting.at));
            }
            _ => {}
        }
    }
    let prometheus = &["metrics", "prometheus"][..];
    Ok([&["ping"][..], prometheus].into_iter().find_map(|table| page(settings, table)))
}

/// Where a page of Traefik's own is switched on, if it goes to Traefik's own entry point.
fn page(settings: &[Setting], table: &[&str]) -> Option<Span> {
    let of = |key: &str| {
        let path: Vec<&str> = table.iter().copied().chain([key]).collect();
        settings.iter().rev().find(|setting| setting.is(&path))?.value.as_deref()
    };
    let first = settings.iter().find(|setting| setting.is_in(table))?;
    let off = settings.iter().any(|it| it.is(table) && it.value.as_deref().and_then(boolean) == Some(false));
    let manual = of("manualrouting").and_then(boolean) == Some(true);
    let elsewhere = of("entrypoint").is_some_and(|name| name != INTERNAL);
    (!off && !manual && !elsewhere).then_some(first.at)
}

/// Go's strconv.ParseBool.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// `HOST:PORT/PROTOCOL`; UDP has no accept queue.
fn endpoint(ground: Ground<'_>, address: &str) -> Result<Option<Bound>, String> {
    let (address, protocol) = address.split_once('/').unwrap_or((address, "tcp"));
    match protocol.to_ascii_lowercase().as_str() {
        "tcp" => {}
        "udp" => return Ok(None),
        _ => return Err(format!("invalid protocol: {protocol}")),
    }
    if address.is_empty() {
        return Ok(Some(Why::AnyPort.into()));
    }
    // A template, or a variable that something else fills in.
    if address.contains(['{', '$', '<']) {
        return Ok(Some(Why::Elsewhere(address.to_owned()).into()));
    }
    let listen = |why: &str| format!("error opening listener: listen tcp: address {address}: {why}");
    let (host, port) = host_port::split(address).map_err(|wrong| listen(wrong.words()))?;
    let port = match port {
        "http" => 80,
        "https" => 443,
        "" => 0,
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            number.parse::<u16>().map_err(|_| listen("invalid port"))?
        }
        _ => return Ok(Some(Bound::unknown("its port is a name"))),
    };
    let bound = port_of(port).and_then(|port| ground.bind(Policy::go("tcp"), host, port));
    Ok(Some(bound.unwrap_or_else(Bound::from)))
}

#[cfg(test)]
mod tests;
