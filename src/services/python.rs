//! Python: the sockets that a program makes listen itself, and the servers that it starts in its own code. Only calls that are
//! known to open sockets count; what only a run could tell is not known, with the reason.

use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use serde::Deserialize;

use super::{
    Ask, BELOW_0_IS_0, Bound, Candidate, DualStack, Empty, Found, Ground, Interpreter, Names, OfFile, Policy,
    Programs, Run, Why, port_of,
};
use crate::knowledge::Service;
use crate::model::{Command, Listener, Text, Transport, Version};
use crate::syntax::calls::Id;
use crate::syntax::python::{
    Libraries, Linked, MAX_FUEL, Made, Program, Reached, Reading, Spot, Thing, Told, Value as Given,
    integer_of, questions, slots,
};
use crate::text::{HashMap, HashSet, Slot, SourceId, Span, over};

/// Calls that are looked at in one file.
const MAX_CALLS: usize = 2_000;

/// Sockets that one file may open.
const MAX_OPENINGS: usize = 1_000;

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let table = match Table::read(ground.service) {
        Ok(table) => table,
        Err(error) => return ground.broken("the table of servers", &error.message()),
    };
    let program = Program::new(ground.sources, ground.tree, &table);
    let programs = Programs::new(ground, |command| started(ground, &table, command));
    let takes_in = |path: &Path| program.taken_in(path);
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let mut all = Found::default();
    (all.listeners, all.left_out) = of_commands(ground, &table);
    for found in ground.tree.read_all(&paths, |path| {
        let source = ground.tree.read(ground.sources, path).ok();
        let startup = programs.of(path, &takes_in);
        source.map(|source| read_file(ground, &table, (&program, &startup), path, source)).unwrap_or_default()
    }) {
        all.listeners.extend(found.listeners);
        all.problems.extend(found.problems);
        all.left_out += found.left_out;
    }
    all
}

fn read_file(
    ground: Ground<'_>,
    table: &Table,
    (program, startup): (&Program<'_>, &OfFile<'_, '_>),
    path: &Path,
    source: SourceId,
) -> Found {
    let mut found = Found::default();
    let Ok(python) = program.open(path, source) else { return found };
    let left = questions();
    let linked = Linked::new(program, &left, startup);
    let reading = &python.reading_among(&linked, MAX_FUEL, 0);
    let openings = Openings { ground, table, reading };
    let mut opened = openings.all();
    let before = opened.len();
    opened.retain(|opening| !openings.is_for_development(path, opening));
    found.left_out = usize::from(opened.len() < before);
    found.listeners = opened.iter().flat_map(|opening| openings.listeners(opening)).collect();
    found
}

/// The file that a command line starts: `python app.py`, `python -m package.app`.
fn started<'a>(ground: Ground<'a>, table: &Table, command: &'a Command) -> Option<Run<'a>> {
    let Some((module, arguments)) = command.module() else {
        let parts = table.interpreter.parts(command).or_else(|| table.interpreter.script(command))?;
        let place = ground.named_file(command, parts.file)?;
        return Some(parts.starts(command, place));
    };
    let path = module.replace('.', "/");
    let mut files = [format!("{path}/__main__.py"), format!("{path}.py")].into_iter();
    let place = files.find_map(|file| ground.named_file(command, &file))?;
    Some(Run { place, command, options: &[], arguments })
}

/// Works out the openings of one file.
struct Openings<'r, 'p, 'a, 't> {
    ground: Ground<'t>,
    table: &'t Table,
    reading: &'r Reading<'p, 'a>,
}

impl<'t> Openings<'_, '_, '_, 't> {
    /// Everything that the file opens, each socket once.
    fn all(&self) -> Vec<Opening<'t>> {
        let (python, reading) = (self.reading.python, self.reading);
        let known = |name: &str| self.table.may_open(name);
        let calls = python.all_calls().filter(|call| reading.may_be_of(*call, known));
        let calls: Vec<Id> = calls.take(MAX_CALLS + 1).collect();
        let cut_off = |call, what| self.ground.sources.cut_off(reading.site(call), what);
        if let Some(call) = calls.get(MAX_CALLS) {
            cut_off(*call, over("calls of this file that may listen", MAX_CALLS));
        }
        let mut found: Vec<Opening<'t>> = Vec::new();
        for call in calls.into_iter().take(MAX_CALLS) {
            let Some(opening) = self.of_any(call) else { continue };
            if reading.reached(call) == Reached::Never {
                continue;
            }
            // Who listens last on a socket decides.
            let again = |other: &Opening<'_>| opening.socket.is_some() && other.socket == opening.socket;
            if let Some(earlier) = found.iter_mut().find(|other| again(other) || other.is_the_same(&opening))
            {
                *earlier = opening;
            } else if found.len() == MAX_OPENINGS {
                cut_off(call, over("sockets that this file opens", MAX_OPENINGS));
            } else {
                found.push(opening);
            }
        }
        found
    }

    fn of_any(&self, call: Id) -> Option<Opening<'t>> {
        let (table, reading) = (self.table, self.reading);
        let names = reading.callee(call);
        if let Some((entry, name)) = names.iter().find_map(|name| Some((table.find(name)?, name))) {
            return self.of_call(entry, call, name);
        }
        if reading.is_method(call, "listen") {
            return self.of_listen(call);
        }
        if !names.is_empty() {
            return None;
        }
        let is_it = |method: &Anywhere| reading.is_called_on(call, &method.name, &method.on);
        let entry = table.entries.iter().find(|entry| entry.anywhere.as_ref().is_some_and(is_it))?;
        self.of_call(entry, call, "")
    }

    /// What runs only when the file is run by itself, while another server serves the application.
    fn is_for_development(&self, path: &Path, opening: &Opening<'_>) -> bool {
        opening.entry.is_some_and(|entry| entry.serves_app || entry.development)
            && self.reading.reached(opening.call) == Reached::ByItself
            && is_served_otherwise(self.ground, self.table, path)
    }

    fn listeners(&self, opening: &Opening<'_>) -> Vec<Listener> {
        let Opening { library, sockets, .. } = opening;
        let site = self.reading.site(opening.call);
        let is = |what: fn(&Entry) -> bool| opening.entry.is_some_and(what);
        let mut place = opening.place.clone();
        place.notes.extend(is(|entry| entry.development).then(|| for_development(library)));
        self.reading.depends(opening.call).into_iter().for_each(|what| place.note(what));
        let all = self.ground.listeners(&place, site, &self.ask(opening, site));
        let internal = is(|entry| entry.internal);
        all.into_iter().map(|listener| Listener { sockets: *sockets, internal, ..listener }).collect()
    }

    fn ask(&self, opening: &Opening<'_>, site: Span) -> Ask {
        match &opening.backlog {
            Backlog::Default(name, slot) => own(self.ground, name, opening.library).with(slot.clone()),
            Backlog::Somaxconn(at) => self.ground.ask_for_somaxconn("socket.SOMAXCONN", *at),
            Backlog::Given { number, at, unless, slot } => {
                let asked = Ask::of_program(*number, unless.first(), *at).with(slot.clone());
                asked.becomes((*number).max(0), BELOW_0_IS_0)
            }
            Backlog::Unknown(why) => Ask::unknown(why, site),
        }
    }
}

fn for_development(library: &str) -> String {
    format!("this is {library}'s development server")
}

/// A library's own number.
fn own(ground: Ground<'_>, name: &str, library: &str) -> Ask {
    let whose = if library == "socket" { "Python" } else { library };
    ground.own_of(name, format!("{whose}'s own default"))
}

/// How a library makes sockets of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Binds {
    /// Every address that the host resolves to, each alone; both wildcards without a host.
    Every,
    /// IPv6 if a colon is in the host, else the first IPv4 address; `::` is dual-stack.
    Colon,
    /// The family that is asked for, IPv4 by default.
    Family,
    /// `::` without a host in a pair, IPv4 in a text.
    Gevent,
}

/// Where a library is told something: the place among the positional arguments, the name, and what it is if it is not told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Role {
    at: Option<usize>,
    name: String,
    default: Option<Literal>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Literal {
    Number(i64),
    Text(String),
}

/// A method that is told by its name where nobody knows what it is called on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Anywhere {
    name: String,
    /// The last name of the receiver ends so.
    on: String,
}

/// An argument that holds everything else in its attributes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    at: Option<usize>,
    name: String,
    classes: Vec<String>,
}

/// Settings of the whole program: a function that takes a dictionary of them, and the object whose attributes they are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    update: String,
    /// How its keys start in the dictionary.
    prefix: String,
    of: String,
}

/// A library's way to open sockets.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    library: String,
    /// Full names of functions, of classes whose instances listen, and of their methods.
    calls: Vec<String>,
    anywhere: Option<Anywhere>,
    config: Option<Config>,
    settings: Option<Settings>,
    host: Option<Role>,
    port: Option<Role>,
    path: Option<Role>,
    /// A pair of host and port, or a path.
    address: Option<Role>,
    /// `host:port` as a text, several of them in a list or with blanks between.
    addresses: Option<Role>,
    /// A socket that somebody else has bound.
    socket: Option<Role>,
    backlog: Option<Role>,
    /// The attribute of the class that is the backlog.
    attribute: Option<String>,
    family: Option<Role>,
    family_attribute: Option<String>,
    dual_stack: Option<Role>,
    class: Option<Role>,
    /// Whether it listens when it is made.
    activate: Option<Role>,
    /// Which server does the work.
    engine: Option<Role>,
    reuse_port: Option<Role>,
    /// How many processes have a socket of their own each.
    each_worker: Option<Role>,
    /// The first version of the server's own table in which that is so.
    each_worker_since: Option<String>,
    /// Arguments with which a parent process binds, by the rules of `colon`.
    #[serde(default)]
    forks: Vec<String>,
    /// It listens on TCP beside a path if it is told a host or a port.
    #[serde(default)]
    beside_path: bool,
    /// The name of its backlog among the defaults.
    default: Option<String>,
    binds: Binds,
    /// It serves an application that a server on a command line could serve as well.
    #[serde(default)]
    serves_app: bool,
    /// It says of itself that it is not for production.
    #[serde(default)]
    development: bool,
    /// Processes of one program talk through it.
    #[serde(default)]
    internal: bool,
    /// For people: where it is seen that it listens so.
    #[serde(rename = "source")]
    _source: String,
}

/// A command line that starts a server with nothing of the program's own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Line {
    library: String,
    /// Also as scripts that Python is told to run.
    programs: Vec<String>,
    modules: Vec<String>,
    /// The first word, if only that starts the server.
    word: Option<String>,
    /// Options whose value is the next word.
    takes: Vec<String>,
    positional: Option<Positional>,
    #[serde(default)]
    host: Switch,
    #[serde(default)]
    port: Switch,
    /// Options that make `::1` of the default host.
    #[serde(default)]
    ipv6: Vec<String>,
    /// The name of its backlog among the defaults.
    default: String,
    #[serde(default)]
    development: bool,
    #[serde(rename = "source")]
    _source: String,
}

/// What the first word says that is no option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Positional {
    Port,
    /// `[HOST:]PORT`
    Address,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Switch {
    options: Vec<String>,
    variable: Option<String>,
    default: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Reader {
    interpreter: Interpreter,
    sockets: Vec<String>,
    application_servers: Vec<String>,
    application_files: Vec<String>,
    server: Vec<Entry>,
    command: Vec<Line>,
}

#[derive(Debug)]
struct Table {
    interpreter: Interpreter,
    entries: Vec<Entry>,
    lines: Vec<Line>,
    sockets: HashSet<String>,
    application_servers: Vec<String>,
    application_files: Vec<String>,
    by_call: HashMap<String, usize>,
    /// The last names of the calls.
    last_names: HashSet<String>,
    /// The first names of the calls: modules that no file of the program is looked for.
    libraries: HashSet<String>,
}

impl Table {
    fn read(service: &Service) -> Result<Self, toml::de::Error> {
        let reader: Reader = service.reader.clone().try_into()?;
        let calls = || {
            reader
                .server
                .iter()
                .enumerate()
                .flat_map(|(at, entry)| entry.calls.iter().map(move |call| (call.clone(), at)))
        };
        let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
        let first = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
        let anywhere = reader.server.iter().filter_map(|entry| Some(entry.anywhere.as_ref()?.name.clone()));
        Ok(Self {
            by_call: calls().collect(),
            last_names: calls().map(|(call, _)| last(&call)).chain(anywhere).collect(),
            libraries: calls()
                .map(|(call, _)| first(&call))
                .chain(["os", "sys"].map(str::to_owned))
                .collect(),
            interpreter: reader.interpreter,
            entries: reader.server,
            lines: reader.command,
            sockets: reader.sockets.into_iter().collect(),
            application_servers: reader.application_servers,
            application_files: reader.application_files,
        })
    }

    /// What a call of this full name opens sockets by.
    fn find(&self, call: &str) -> Option<&Entry> {
        let made = call.strip_suffix(".__init__").unwrap_or(call);
        self.entries.get(*self.by_call.get(made)?)
    }

    /// Whether some call that opens sockets has this last name.
    fn may_open(&self, last_name: &str) -> bool {
        matches!(last_name, "__init__" | "listen") || self.last_names.contains(last_name)
    }
}

impl Libraries for Table {
    fn has(&self, module: &str) -> bool {
        self.libraries.contains(module)
    }

    fn exports(&self, module: &str, name: &str) -> bool {
        let full = format!("{module}.{name}");
        let is_constant = name.contains('_') || name == "SOMAXCONN";
        self.sockets.contains(&full)
            || self.by_call.keys().any(|call| {
                call.strip_prefix(&full).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
            || (module == "socket" && is_constant && name.chars().all(|char| !char.is_lowercase()))
    }
}

/// The listeners of command lines that start a server with nothing of the program's own, without those that are for
/// development where another server starts the application.
fn of_commands(ground: Ground<'_>, table: &Table) -> (Vec<Listener>, usize) {
    let mut found = Vec::new();
    let mut left_out = 0;
    for (command, _) in ground.started() {
        let Some((line, words)) = table.line(command) else { continue };
        let folder = folder_of(ground, command).unwrap_or_default();
        if line.development && has_application_server(ground, table, &folder) {
            left_out += 1;
            continue;
        }
        found.extend(line.listeners(ground, command, words));
    }
    (found, left_out)
}

impl Table {
    /// A command line that starts a server by itself, and its words behind the program.
    fn line<'w>(&self, command: &'w Command) -> Option<(&Line, &'w [Text])> {
        let lines = self.lines.iter();
        let (line, words) = lines.filter_map(|line| Some((line, line.words(command)?))).next()?;
        let starts = line.word.as_ref().is_none_or(|word| {
            let first = line.plain(words).next();
            first.is_some_and(|first| first.as_str() == *word)
        });
        starts.then_some((line, words))
    }
}

impl Line {
    fn words<'w>(&self, command: &'w Command) -> Option<&'w [Text]> {
        command.arguments_of(&self.programs, &self.modules).or_else(|| {
            let words = command.words.get(1..).filter(|_| command.module().is_none())?;
            let at = words.iter().position(|word| !word.as_str().starts_with('-'))?;
            let script = words.get(at)?.as_str().rsplit('/').next()?;
            let is_it = script.ends_with(".py") && self.programs.iter().any(|program| program == script);
            words.get(at + 1..).filter(|_| is_it)
        })
    }

    /// The words that are no options and no values of options that take one.
    fn plain<'w>(&self, words: &'w [Text]) -> impl Iterator<Item = &'w Text> {
        let before = std::iter::once(None).chain(words.iter().map(Some));
        before.zip(words).filter_map(|(before, word)| {
            let is_value = before.is_some_and(|before| self.takes.iter().any(|option| before.is(option)));
            (!is_value && !word.as_str().starts_with('-')).then_some(word)
        })
    }

    fn listeners(&self, ground: Ground<'_>, command: &Command, words: &[Text]) -> Vec<Listener> {
        let mut plain = self.plain(words);
        let word = self.word.as_ref().and_then(|_| plain.next());
        let positional = plain.next().filter(|_| self.positional.is_some());
        let told = positional.map(|word| match word.as_str().rsplit_once(':') {
            Some((host, port)) if self.positional == Some(Positional::Address) => (Some(host), port, word),
            _ => (None, word.as_str(), word),
        });
        let port = told.map(|(_, port, word)| (port, word)).or_else(|| self.port.told(command, words));
        let host = told.and_then(|(host, _, word)| Some((host?, word)));
        let host = host.or_else(|| self.host.told(command, words));
        let v6 = words.iter().any(|word| self.ipv6.iter().any(|option| word.is(option))).then_some("::1");
        let shown = match self.positional {
            Some(_) => positional,
            None => port.or(host).map(|(_, told)| told).or(word),
        };
        let site = shown.map_or(command.at, |word| word.span());
        let host_text = host.map(|(host, _)| if host == "0" { "0.0.0.0" } else { host });
        let host_text = host_text.or(v6).or(self.host.default.as_deref());
        let port_text = port.map(|(port, _)| port).or(self.port.default.as_deref()).unwrap_or_default();
        let rules = Rules { ground, binds: Binds::Colon, family: Family::V4, v6_only: false };
        let mut place = match [host, port].into_iter().flatten().find(|(_, word)| word.is_open()) {
            Some((_, word)) => Why::Elsewhere(word.as_str().to_owned()).into(),
            None => rules.host_and_port(host_text.map(text_of).as_ref(), &text_of(port_text)),
        };
        place.notes.extend(self.development.then(|| for_development(&self.library)));
        ground.listeners(&place, site, &own(ground, &self.default, &self.library))
    }
}

impl Switch {
    /// The value of an option in the next word or behind `=`, else of the variable, and its word.
    fn told<'w>(&self, command: &'w Command, words: &'w [Text]) -> Option<(&'w str, &'w Text)> {
        let option = words.iter().enumerate().rev().find_map(|(at, word)| {
            if self.options.iter().any(|option| word.is(option)) {
                let value = words.get(at + 1)?;
                return Some((value.as_str(), value));
            }
            let (name, value) = word.as_str().split_once('=')?;
            self.options.iter().any(|option| option == name).then_some((value, word))
        });
        option.or_else(|| {
            let set =
                command.variable(self.variable.as_ref()?).filter(|set| !set.value.as_str().is_empty())?;
            Some((set.value.as_str(), &set.value))
        })
    }
}

/// Whether a command line runs a file: `python app.py`, `python -m package.app`. A name alone is that of many files.
fn runs(ground: Ground<'_>, command: &Command, file: &Path) -> bool {
    let folder = file.parent().unwrap_or(Path::new(""));
    if let Some((module, _)) = command.module() {
        let path: PathBuf = module.split('.').collect();
        return file.with_extension("").ends_with(&path) || file.ends_with(path.join("__main__.py"));
    }
    command.words.iter().any(|word| {
        let path: PathBuf = Path::new(word.as_str())
            .components()
            .filter(|part| matches!(part, Component::Normal(_)))
            .collect();
        let close = path.components().count() > 1 || is_near(ground, command, folder);
        word.as_str().ends_with(".py") && close && (file.ends_with(&path) || path.ends_with(file))
    })
}

/// Whether a command line starts a server that an application is loaded into.
fn is_application_server(command: &Command, table: &Table) -> bool {
    command.arguments_of(&table.application_servers, &table.application_servers).is_some()
}

/// Whether some command line starts an application in this folder by a server that is made for it.
fn has_application_server(ground: Ground<'_>, table: &Table, folder: &Path) -> bool {
    let mut servers = ground.commands.iter().filter(|command| is_application_server(command, table));
    servers.any(|command| is_near(ground, command, folder))
}

/// Whether another server serves what a file defines, so that what the file starts by itself is for development.
fn is_served_otherwise(ground: Ground<'_>, table: &Table, file: &Path) -> bool {
    if ground.commands.iter().any(|command| runs(ground, command, file)) {
        return false;
    }
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut development =
        ground.commands.iter().filter(|it| table.line(it).is_some_and(|(line, _)| line.development));
    has_application_server(ground, table, folder)
        || development.any(|command| is_near(ground, command, folder))
        || folder
            .ancestors()
            .any(|folder| table.application_files.iter().any(|name| ground.tree.exists(&folder.join(name))))
}

/// The folder that a command line is at home in.
fn folder_of(ground: Ground<'_>, command: &Command) -> Option<PathBuf> {
    let of_file = || ground.sources.get(command.at.source).path()?.parent().map(Path::to_owned);
    command.folder.clone().or_else(of_file)
}

/// Whether a command line belongs to the same project: a repository may hold several, each in a folder of its own.
fn is_near(ground: Ground<'_>, command: &Command, folder: &Path) -> bool {
    let Some(other) = folder_of(ground, command) else { return true };
    let first = |path: &Path| path.components().next().map(|part| part.as_os_str().to_owned());
    folder.starts_with(&other)
        || other.starts_with(folder)
        || first(folder) == first(&other)
        || !is_a_project(ground, &other)
}

fn is_a_project(ground: Ground<'_>, folder: &Path) -> bool {
    ground.tree.list(folder).iter().any(|name| {
        let name = name.to_string_lossy();
        name.ends_with(".py")
            || name.starts_with("requirements")
            || matches!(&*name, "pyproject.toml" | "Pipfile" | "setup.cfg")
    })
}

/// The family that a socket was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    V4,
    V6,
    Unix,
    /// Bluetooth, vsock and others that the accept queue of TCP has no part in.
    Other,
    Unknown,
}

impl Family {
    /// `socket.AF_INET6` and its like; IPv4 where nothing is said.
    fn of(value: Option<&Given>) -> Self {
        let Some(value) = value else { return Family::V4 };
        match &value.thing {
            Thing::Named(name) => match name.rsplit('.').next().unwrap_or(name) {
                "AF_INET" => Family::V4,
                "AF_INET6" => Family::V6,
                "AF_UNIX" => Family::Unix,
                name if name.starts_with("AF_") => Family::Other,
                _ => Family::Unknown,
            },
            Thing::Text(name) if name == "AF_UNIX" => Family::Unix,
            Thing::None | Thing::Text(_) => Family::V4,
            _ => Family::Unknown,
        }
    }
}

/// By what rules a host becomes addresses.
#[derive(Clone, Copy)]
struct Rules<'a> {
    ground: Ground<'a>,
    binds: Binds,
    family: Family,
    /// `IPV6_V6ONLY` is set.
    v6_only: bool,
}

/// Why a value is nothing that a place can be made of.
fn why_not(value: &Given, what: &str) -> String {
    match (&value.thing, value.unless.first()) {
        (Thing::Unknown(why), _) => why.clone(),
        (Thing::None, Some(unless)) => format!("it is known only if {unless}"),
        (Thing::Named(name), _) => Why::Elsewhere(name.clone()).to_string(),
        _ => format!("it is not a {what}"),
    }
}

fn on_path(path: &Given) -> Bound {
    let place = match path.text() {
        Some(path) => Bound::path(path),
        None => Bound::unknown_on(Transport::Unix, why_not(path, "path")),
    };
    place.unless(&path.unless)
}

fn port_given(port: &Given) -> Result<u16, Bound> {
    let number = match &port.thing {
        Thing::Number(number) => Some(*number),
        Thing::Text(text) => integer_of(text),
        _ => None,
    };
    let Some(number) = number else { return Err(Bound::unknown(why_not(port, "port"))) };
    Ok(port_of(number)?)
}

impl Rules<'_> {
    /// A host and a port; no host, or an empty one, means every address.
    fn host_and_port(&self, host: Option<&Given>, port: &Given) -> Bound {
        let port_number = match port_given(port) {
            Ok(number) => number,
            Err(place) => return place,
        };
        let unless = host.map_or(&[][..], |host| host.unless.as_slice());
        let place = match host.map(|host| &host.thing) {
            None => self.on_host("", port_number),
            Some(Thing::None) if unless.is_empty() => self.on_host("", port_number),
            Some(Thing::Text(name)) => self.on_host(name, port_number),
            Some(Thing::List(hosts)) if self.binds == Binds::Every => {
                let mut all = Bound::default();
                for host in hosts {
                    all.join(self.host_and_port(Some(host), port));
                }
                all
            }
            Some(_) => return Bound::unknown(host.map(|host| why_not(host, "host")).unwrap_or_default()),
        };
        place.unless(&port.unless).unless(unless)
    }

    fn policy(&self) -> Policy {
        let (empty, names) = match self.binds {
            Binds::Every => (Empty::Both, Names::All),
            Binds::Colon => (Empty::Ipv4, Names::Ipv4),
            Binds::Gevent => (Empty::Ipv6, Names::Ipv4),
            Binds::Family if self.family == Family::V6 => (Empty::Ipv6, Names::OnlyIpv6),
            Binds::Family => (Empty::Ipv4, Names::OnlyIpv4),
        };
        let apart = self.v6_only || self.binds == Binds::Every;
        Policy { empty, names, dual_stack: if apart { DualStack::Never } else { DualStack::Ipv6 } }
    }

    fn on_host(&self, name: &str, port: u16) -> Bound {
        match self.family == Family::Unknown && (name.is_empty() || self.binds == Binds::Family) {
            true => Bound::unknown("the files do not show the family of the socket"),
            false => self.ground.bind(self.policy(), name, port).unwrap_or_else(Bound::from),
        }
    }

    /// A pair of host and port, or a path.
    fn address(&self, address: &Given) -> Bound {
        match &address.thing {
            Thing::List(parts) => match (parts.first(), parts.get(1)) {
                (Some(host), Some(port)) => self.host_and_port(Some(host), port).unless(&address.unless),
                _ => Bound::unknown("it is not a pair of host and port"),
            },
            Thing::Number(_) if self.binds == Binds::Gevent => self.host_and_port(None, address),
            Thing::Text(text) if self.binds == Binds::Gevent => match text.rsplit_once(':') {
                Some((host, port)) => {
                    let v4 = Rules { binds: Binds::Colon, ..*self };
                    let host = host.trim_start_matches('*');
                    v4.host_and_port(Some(&Thing::Text(host.to_owned()).into()), &text_of(port))
                }
                None => self.host_and_port(None, address),
            }
            .unless(&address.unless),
            Thing::Text(_) => on_path(address),
            _ => Bound::unknown(why_not(address, "pair of host and port")),
        }
    }

    /// `host:port`, `[::1]:port`, `unix:/path`, several of them in a list or with blanks between.
    fn addresses(&self, addresses: &Given, default_port: &Given) -> Bound {
        let mut all = Bound::default();
        match &addresses.thing {
            Thing::Text(text) => {
                for one in text.split_ascii_whitespace() {
                    all.join(self.one_address(one, default_port));
                }
                all = all.unless(&addresses.unless);
            }
            Thing::List(items) => items.iter().for_each(|item| all.join(self.addresses(item, default_port))),
            _ => return Bound::unknown(why_not(addresses, "text")),
        }
        all
    }

    fn one_address(&self, text: &str, default_port: &Given) -> Bound {
        if let Some(path) = text.strip_prefix("unix:") {
            return on_path(&text_of(path));
        }
        if text.starts_with("fd://") {
            return Why::Handed.into();
        }
        let numbers = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        match text.rsplit_once(':').filter(|(_, port)| numbers(port)) {
            Some((host, port)) => {
                let host = if host == "*" { "" } else { host };
                self.host_and_port(Some(&text_of(host)), &text_of(port))
            }
            None => self.host_and_port(Some(&text_of(text)), default_port),
        }
    }
}

fn text_of(text: &str) -> Given {
    Thing::Text(text.to_owned()).into()
}

/// What listen(2) is called with.
#[derive(Debug, Clone, PartialEq)]
enum Backlog {
    /// The default of this name, and a place to write another.
    Default(String, Option<Slot>),
    /// A number, negative as asked for.
    Given {
        number: i64,
        at: Span,
        unless: Vec<String>,
        slot: Option<Slot>,
    },
    /// The C library's SOMAXCONN.
    Somaxconn(Span),
    Unknown(String),
}

/// One call that opens sockets.
#[derive(Debug, Clone)]
struct Opening<'t> {
    library: &'t str,
    entry: Option<&'t Entry>,
    call: Id,
    place: Bound,
    backlog: Backlog,
    /// `None` where it depends on the machine.
    sockets: Option<u32>,
    /// The socket that listens, where the program made it.
    socket: Option<Spot>,
}

impl Opening<'_> {
    /// Two branches of one program that open the same socket.
    fn is_the_same(&self, other: &Self) -> bool {
        let number = |opening: &Opening<'_>| match &opening.backlog {
            Backlog::Given { number, .. } => Some(*number),
            _ => None,
        };
        self.library == other.library
            && self.place.is_known()
            && self.place.endpoints == other.place.endpoints
            && number(self) == number(other)
    }
}

impl<'t> Openings<'_, '_, '_, 't> {
    /// What a call opens by the rules of a library; `name` is how it was found.
    fn of_call(&self, entry: &'t Entry, call: Id, name: &str) -> Option<Opening<'t>> {
        let told = self.told(entry, call, name);
        let class = self.class_of(entry, call);
        if name.ends_with(".__init__") || !self.is_replaced(&class) {
            self.activates(entry, &told)?;
        } else {
            return None;
        }
        let (place, socket) = self.place(entry, &told, class.as_ref())?;
        let reuses = entry.reuse_port.as_ref().and_then(|role| self.given(&told, role));
        let sockets = match reuses.map(|value| value.truth()) {
            Some(Some(false)) | None => self.workers(entry, &told),
            Some(_) => None,
        };
        Some(Opening {
            library: &entry.library,
            entry: Some(entry),
            call,
            place,
            backlog: self.backlog(entry, &told, call, class.as_ref()),
            sockets,
            socket,
        })
    }

    fn told(&self, entry: &Entry, call: Id, name: &str) -> Told {
        if let Some(config) = &entry.config {
            let given = self.reading.argument(call, config.at, &config.name);
            return match given.map(|value| value.thing) {
                Some(Thing::Made(made)) if made.kinds.iter().any(|kind| config.classes.contains(kind)) => {
                    Told::Instance(made)
                }
                _ => Told::Nowhere("its configuration comes from elsewhere".to_owned()),
            };
        }
        if let Some(settings) = &entry.settings {
            return self.reading.settings(&settings.update, &settings.prefix, &settings.of);
        }
        // A method that is called on its class is given the instance first.
        let unbound = name.ends_with(".__init__")
            && !matches!(self.reading.receiver(call).map(|value| value.thing), Some(Thing::Made(_)));
        Told::Arguments(call, usize::from(unbound))
    }

    fn given(&self, told: &Told, role: &Role) -> Option<Given> {
        self.reading.given(told, role.at, &role.name)
    }

    /// What is given for a role, or the library's default; `None` counts as not given where there is a default.
    fn or_default(&self, told: &Told, role: &Role) -> Option<Given> {
        let default = role.default.as_ref().map(|default| match default {
            Literal::Number(number) => Given::from(Thing::Number(*number)),
            Literal::Text(text) => Given::from(Thing::Text(text.clone())),
        });
        match self.given(told, role) {
            Some(value) if value.thing == Thing::None => match default {
                Some(default) if value.unless.is_empty() => Some(default),
                _ => Some(value),
            },
            Some(value) => Some(value),
            None => default,
        }
    }

    /// The class whose instance listens.
    fn class_of(&self, entry: &Entry, call: Id) -> Option<Given> {
        if let Some(role) = &entry.class {
            return self.reading.argument(call, role.at, &role.name);
        }
        match self.reading.receiver(call).map(|receiver| receiver.thing) {
            Some(Thing::Made(made)) => Some(made.class.clone()),
            _ => {
                let code = &self.reading.python.code;
                let function = code.field(call, "function")?;
                // `Base.__init__(self, ...)` makes what it is given.
                let own = self.reading.argument(call, Some(0), "self").map(|it| it.thing);
                match own.filter(|_| code.text(function).ends_with(".__init__")) {
                    Some(Thing::Made(made)) => Some(made.class.clone()),
                    _ => Some(self.reading.value(function)),
                }
            }
        }
    }

    /// Whether a class has an `__init__` of its own, which says what is opened.
    fn is_replaced(&self, class: &Option<Given>) -> bool {
        match class.as_ref().map(|class| &class.thing) {
            Some(Thing::Class(class)) => self.reading.of_class(*class, "__init__").is_some(),
            _ => false,
        }
    }

    fn activates(&self, entry: &Entry, told: &Told) -> Option<()> {
        let role = entry.activate.as_ref();
        let activates = role.and_then(|role| self.given(told, role)).and_then(|value| value.truth());
        let later = || !self.reading.python.calls("server_activate").is_empty();
        (activates != Some(false) || later()).then_some(())
    }

    /// How many sockets there are alike.
    fn workers(&self, entry: &Entry, told: &Told) -> Option<u32> {
        let Some(role) = entry.each_worker.as_ref().filter(|_| !self.shares_one(entry)) else {
            return Some(1);
        };
        match self.given(told, role) {
            None => Some(1),
            Some(value) => value.number().and_then(|number| u32::try_from(number).ok()),
        }
    }

    /// Whether the workers of the server's version share one socket.
    fn shares_one(&self, entry: &Entry) -> bool {
        let since = entry.each_worker_since.as_deref().and_then(Version::parse);
        let path = self.ground.sources.get(self.reading.python.code.source).path();
        let folder = path.and_then(Path::parent).unwrap_or(Path::new(""));
        let version = || entry.default.as_deref().and_then(|server| self.ground.version_as(server, folder));
        since.is_some_and(|(since, _)| version().is_some_and(|version| version < since))
    }

    fn place(&self, entry: &Entry, told: &Told, class: Option<&Given>) -> Option<(Bound, Option<Spot>)> {
        if let Told::Nowhere(why) = told {
            return Some((Bound::unknown(why), None));
        }
        let given = |role: &Option<Role>| role.as_ref().and_then(|role| self.given(told, role));
        let something = |value: &Given| value.thing != Thing::None;
        if let Some(socket) = given(&entry.socket).filter(something) {
            return Some(self.of_socket(&socket));
        }
        let rules = self.rules(entry, told, class);
        if rules.family == Family::Other {
            return None;
        }
        let path = given(&entry.path).filter(something);
        let told_tcp =
            [&entry.host, &entry.port].iter().any(|role| given(role).is_some_and(|it| something(&it)));
        let mut all = Bound::default();
        if let Some(path) = &path {
            match &path.thing {
                Thing::List(paths) => paths.iter().for_each(|path| all.join(on_path(path))),
                _ => all.join(on_path(path)),
            }
        }
        let is_unix_only = entry.path.is_some() && entry.port.is_none();
        if is_unix_only && path.is_none() {
            return Some((Why::NotTold.into(), None));
        }
        if path.is_none() || entry.beside_path && told_tcp {
            // A path or a socket that only the environment or the command line may give.
            let may_be = [&entry.path, &entry.socket].into_iter().filter_map(given);
            let unless: Vec<String> = may_be.flat_map(|value| value.unless).collect();
            match self.tcp(entry, told, &rules) {
                Ok(place) => all.join(if path.is_none() { place.unless(&unless) } else { place }),
                Err(socket) => return socket,
            }
        }
        Some((all, None))
    }

    /// The addresses of TCP; a socket where an address may be one.
    fn tcp(
        &self,
        entry: &Entry,
        told: &Told,
        rules: &Rules<'_>,
    ) -> Result<Bound, Option<(Bound, Option<Spot>)>> {
        let or_default = |role: &Option<Role>| role.as_ref().and_then(|role| self.or_default(told, role));
        let port = or_default(&entry.port);
        let no_port = || Thing::Number(0).into();
        if let Some(addresses) = or_default(&entry.addresses) {
            return Ok(rules.addresses(&addresses, &port.unwrap_or_else(no_port)));
        }
        let Some(role) = &entry.address else {
            let host = or_default(&entry.host);
            let unix = host
                .as_ref()
                .and_then(Given::text)
                .and_then(|host| host.strip_prefix("unix://").or_else(|| host.strip_prefix("unix:")));
            return Ok(match unix {
                Some(path) => on_path(&Thing::Text(path.to_owned()).into()),
                None => rules.host_and_port(host.as_ref(), &port.unwrap_or_else(no_port)),
            });
        };
        let Some(address) = self.given(told, role) else {
            return Ok(Why::NotTold.into());
        };
        match &address.thing {
            // gevent takes a socket that listens already.
            Thing::Made(made) if self.is_socket(made) || entry.binds == Binds::Gevent => Err(None),
            _ => Ok(rules.address(&address)),
        }
    }

    fn rules(&self, entry: &Entry, told: &Told, class: Option<&Given>) -> Rules<'t> {
        let family = entry.family.as_ref().and_then(|role| self.given(told, role));
        let of_class = || {
            let name = entry.family_attribute.as_ref()?;
            match class.map(|class| &class.thing) {
                Some(Thing::Class(class)) => self.reading.of_class(*class, name),
                _ => None,
            }
        };
        let family = Family::of(family.or_else(of_class).as_ref());
        let dual = entry.dual_stack.as_ref().map(|role| self.given(told, role).and_then(|dual| dual.truth()));
        let forks = entry.forks.iter().any(|name| {
            let role = Role { at: None, name: name.clone(), default: None };
            self.given(told, &role).is_some_and(|value| match value.thing {
                Thing::Number(number) => number > 1,
                _ => value.truth().unwrap_or(false),
            })
        });
        let binds = if forks { Binds::Colon } else { entry.binds };
        Rules { ground: self.ground, binds, family, v6_only: dual.is_some_and(|dual| dual != Some(true)) }
    }

    /// The address of a socket that is handed over, and the socket.
    fn of_socket(&self, socket: &Given) -> (Bound, Option<Spot>) {
        let first = match &socket.thing {
            Thing::List(sockets) if sockets.len() == 1 => sockets.first(),
            _ => Some(socket),
        };
        match first.map(|socket| &socket.thing) {
            Some(Thing::Made(made)) => {
                let made = self.bare(made);
                (self.bound(&made, None).unwrap_or_else(|| Why::NotTold.into()), Some(made.call))
            }
            _ => (Why::Handed.into(), None),
        }
    }

    fn is_socket(&self, made: &Rc<Made>) -> bool {
        self.bare(made).kinds.iter().any(|kind| kind.ends_with("socket.socket") || kind.ends_with(".listen"))
    }

    /// The socket inside of what `ssl` wraps.
    fn bare(&self, made: &Rc<Made>) -> Rc<Made> {
        let wrapped = made.kinds.iter().any(|kind| kind.ends_with("wrap_socket"));
        let inner = self.reading.here(made.call).filter(|_| wrapped);
        match inner.and_then(|call| self.reading.argument(call, Some(0), "sock")).map(|value| value.thing) {
            Some(Thing::Made(inner)) => inner,
            _ => made.clone(),
        }
    }

    /// `socket.listen`: the address is that of the `bind` before it.
    fn of_listen(&self, call: Id) -> Option<Opening<'t>> {
        let receiver = self.reading.receiver(call)?;
        let made = match &receiver.thing {
            Thing::Made(made) => Some(self.bare(made)),
            Thing::Unknown(_) => None,
            _ => return None,
        };
        let text = self.reading.receiver_text(call)?;
        let (place, socket) = match &made {
            Some(made) if made.kinds.iter().any(|kind| self.table.sockets.contains(kind)) => {
                let place = self.bound(made, Some(call))?;
                (place, Some(made.call))
            }
            Some(_) => return None,
            None if self.is_called_a_socket(text) => (Bound::unknown("the socket is made elsewhere"), None),
            None => return None,
        };
        let given = self.reading.argument(call, Some(0), "");
        let backlog = match given {
            Some(value) => self.number(&value, call, "socket"),
            None => {
                let slot = slots::for_argument(&self.reading.python.code, call, None);
                Backlog::Default("socket".to_owned(), slot)
            }
        };
        Some(Opening { library: "socket", entry: None, call, place, backlog, sockets: Some(1), socket })
    }

    /// What nobody else listens on, in a file that knows of sockets.
    fn is_called_a_socket(&self, text: &str) -> bool {
        let last = text.rsplit('.').next().unwrap_or(text).to_ascii_lowercase();
        let knows = self.reading.last("socket").is_some_and(|value| value.name() == Some("socket"));
        knows && last.contains("sock")
    }

    /// The address that a socket is bound to; nothing where it is none of TCP or unix.
    fn bound(&self, made: &Made, before: Option<Id>) -> Option<Bound> {
        let Some(call) = self.reading.here(made.call) else {
            return Some(Bound::unknown("the socket is made in another file"));
        };
        let made_here = self.reading.python.code.kind(call) == "call";
        let argument = |index, name| self.reading.argument(call, Some(index), name).filter(|_| made_here);
        let is_of_fd = made.kinds.iter().any(|kind| kind == "socket.fromfd");
        let fd = if is_of_fd { argument(0, "fd") } else { argument(3, "fileno") };
        let family = Family::of(argument(usize::from(is_of_fd), "family").as_ref());
        let is_datagram = argument(1 + usize::from(is_of_fd), "type").is_some_and(|kind| {
            kind.name().is_some_and(|name| name.ends_with("SOCK_DGRAM") || name.ends_with("SOCK_RAW"))
        });
        if family == Family::Other || is_datagram {
            return None;
        }
        let v6_only = self.calls_on("setsockopt", made, before).into_iter().any(|option| {
            let is_it = |value: Given| value.name().is_some_and(|name| name.ends_with("IPV6_V6ONLY"));
            self.reading.argument(option, Some(1), "").is_some_and(is_it)
                && self.reading.argument(option, Some(2), "").and_then(|value| value.truth()) == Some(true)
        });
        let rules = Rules { ground: self.ground, binds: Binds::Family, family, v6_only };
        let binds = self.calls_on("bind", made, before);
        let mut places = binds.iter().filter_map(|bind| self.reading.argument(*bind, Some(0), "address"));
        let Some(first) = places.next() else {
            let fd = fd.and_then(|fd| fd.number()).map(|fd| Why::Descriptor(fd).into());
            return Some(fd.unwrap_or_else(|| Bound::unknown("nothing binds the socket here")));
        };
        let place = match (&first.thing, family) {
            (Thing::Text(_) | Thing::Unknown(_) | Thing::None, Family::Unix) => on_path(&first),
            _ => rules.address(&first),
        };
        Some(match places.all(|other| rules.address(&other) == rules.address(&first)) {
            true => place,
            false => Bound::unknown("it is bound in more than one place"),
        })
    }

    /// The calls of a method on a socket, wrapped or not.
    fn calls_on(&self, method: &str, made: &Made, near: Option<Id>) -> Vec<Id> {
        self.reading.calls_on(method, near, |other| self.bare(&other).call == made.call)
    }

    fn backlog(&self, entry: &Entry, told: &Told, call: Id, class: Option<&Given>) -> Backlog {
        let Some(default) = &entry.default else {
            return Backlog::Unknown(format!("{} picks the server when it starts", entry.library));
        };
        let engine = entry.engine.as_ref().map(|role| self.or_default(told, role));
        if engine.is_some_and(|engine| engine.as_ref().and_then(Given::text) != Some("wsgiref")) {
            return Backlog::Unknown("another server does the work".to_owned());
        }
        if let Some(attribute) = &entry.attribute {
            return self.attribute(entry, attribute, default, call, class);
        }
        if let Told::Nowhere(why) = told {
            return Backlog::Unknown(why.clone());
        }
        let Some(role) = &entry.backlog else { return Backlog::Default(default.clone(), None) };
        match self.given(told, role) {
            Some(value) if value.thing == Thing::None && value.unless.is_empty() => {
                Backlog::Default(default.clone(), None)
            }
            Some(value) => self.number(&value, call, default),
            None => Backlog::Default(default.clone(), self.slot(told, &role.name)),
        }
    }

    /// A place for a backlog that is not told.
    fn slot(&self, told: &Told, name: &str) -> Option<Slot> {
        let python = self.reading.python;
        match told {
            Told::Arguments(call, _) => slots::for_argument(&python.code, *call, Some(name)),
            Told::Instance(made) => slots::behind_statement(python, self.reading.here(made.call)?, name),
            Told::Settings { .. } | Told::Nowhere(_) => None,
        }
    }

    /// The literal that a number is, or what the program is started with.
    fn slot_of(&self, at: Span, number: i64, call: Id) -> Option<Slot> {
        let sources = self.ground.sources;
        let is_program = sources.get(at.source).path().and_then(Path::extension).is_some_and(|it| it == "py");
        match is_program {
            true => slots::of_literal(self.reading.python, at, call),
            false => self.ground.slot_at(at, number),
        }
    }

    /// The number that an attribute of the class is, in the program or put there from outside.
    fn attribute(
        &self,
        entry: &Entry,
        name: &str,
        default: &str,
        call: Id,
        class: Option<&Given>,
    ) -> Backlog {
        let spot =
            class.and_then(|class| if let Thing::Class(spot) = class.thing { Some(spot) } else { None });
        let own = spot.and_then(|class| {
            let set = self.reading.set_before_base(class, name);
            set.or_else(|| self.reading.of_class(class, name))
        });
        let kinds = class.map(|class| self.reading.kinds(class)).unwrap_or_default();
        let patched = || {
            let kinds = kinds.iter().chain(entry.calls.first());
            kinds.into_iter().find_map(|kind| self.reading.assigned_to(kind, name))
        };
        match own.or_else(patched) {
            Some(value) => self.number(&value, call, default),
            None => {
                let here = spot.and_then(|class| self.reading.here(class));
                let slot = here.and_then(|class| slots::for_attribute(self.reading.python, class, name));
                Backlog::Default(default.to_owned(), slot)
            }
        }
    }

    /// A number as listen(2) gets it.
    fn number(&self, value: &Given, call: Id, default: &str) -> Backlog {
        let code = &self.reading.python.code;
        if value.name().is_some_and(|name| name == "SOMAXCONN" || name.ends_with("socket.SOMAXCONN")) {
            return Backlog::Somaxconn(code.span(call));
        }
        let number = match &value.thing {
            Thing::Text(_) if default == "waitress" => value.integer(),
            _ => value.number(),
        };
        match number {
            Some(number) if i32::try_from(number).is_ok() => Backlog::Given {
                number,
                at: value.written.unwrap_or_else(|| code.span(call)),
                unless: value.unless.clone(),
                slot: value.written.and_then(|at| self.slot_of(at, number, call)),
            },
            Some(_) => Backlog::Unknown("the number does not fit a C int".to_owned()),
            None => Backlog::Unknown(why_not(value, "number")),
        }
    }
}

#[cfg(test)]
mod tests;
