//! Puma: the binds of config/puma.rb and of command lines, and what `rails server` makes of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{
    Ask, Bound, Candidate, DualStack, Empty, Found, Ground, Names, Policy, Socket, Why, another, bound_here,
    given_by_systemd, in_use, options_of, port_of,
};
use crate::model::{
    Command, Endpoint, Listener, Problem, ProblemKind, Starter, Step, Text, Transport, Version,
};
use crate::syntax::argv;
use crate::syntax::ruby::{Directive, Reading, Surroundings, Thing, integer_of, leading_integer};
use crate::text::{HashSet, Slot, SourceId, Span};

/// The version that has another default address (lib/puma/configuration.rb: default_tcp_host).
const IPV6_FIRST: Version = Version::new(8, 0, 0);

/// The setting that came later than that of TCP.
const OF_UNIX: &str = "the backlog of a unix socket";

/// `[reader]` of `rules/services/puma.toml`: the options of command lines.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    puma: argv::Table,
    rails: argv::Table,
}

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let options: Options = match ground.service.reader.clone().try_into() {
        Ok(options) => options,
        Err(error) => return ground.broken("the table of options", &error.message()),
    };
    let mut found = Found::default();
    let mut used = HashSet::default();
    let mut folders = HashSet::default();
    for (command, arguments) in ground.started() {
        if let Some(line) = Line::read(ground, &options, command, arguments) {
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
    let mut activated = line.activated;
    let told = line.rails.as_ref().and_then(|rails| rails.told.clone());
    let by_line = told.is_some() || binds.iter().any(|bind| !bind.control);
    binds.extend(told);
    let mut broken = false;
    if let Some(path) = &config {
        used.insert(path.clone());
        folders.extend(application(path));
        let around = surroundings(ground, path, command, line.environment.as_deref());
        if let Ok(source) = ground.tree.read(ground.sources, path) {
            let read = Config::read(ground, source, &around, host, None);
            binds.extend(read.binds.into_iter().filter(|bind| bind.control || !by_line));
            activated = activated.or(read.activated);
            found.problems.extend(read.problems);
            broken = read.broken;
        }
    }
    if binds.iter().all(|bind| bind.control) && !broken {
        let port = ground.service.default("port").map_or(9292, |port| port.get);
        let own = || Url::new(Ok(format!("tcp://{host}:{port}")), command.at);
        binds.push(line.rails.map_or_else(own, |rails| rails.default));
    }
    let before = found.listeners.len();
    listen(ground, version, address.filter(|_| !is_rails), &binds, found);
    let sockets = given_by_systemd(ground, command);
    hand_over(&sockets, activated.filter(|how| *how != Activated::Not), ground, before, &mut found.listeners);
}

/// Sockets that systemd opens keep their queues (lib/puma/binder.rb: inherit_tcp_listener); those that no bind names are opened
/// where `bind_to_activated_sockets` says so, and with `only` nothing else is.
fn hand_over(
    sockets: &[Socket],
    activated: Option<Activated>,
    ground: Ground<'_>,
    before: usize,
    listeners: &mut Vec<Listener>,
) {
    let mut own = listeners.split_off(before);
    let bound = |socket: &&Socket| own.iter().any(|it| it.endpoint == socket.endpoint);
    let taken: Vec<&Socket> = sockets.iter().filter(|it| activated.is_some() || bound(it)).collect();
    let only = activated == Some(Activated::Only) && !taken.is_empty();
    own.retain(|it| (it.internal || !only) && taken.iter().all(|socket| socket.endpoint != it.endpoint));
    listeners.extend(own);
    listeners.extend(taken.into_iter().map(|socket| Listener {
        notes: vec![socket.note()],
        ..ground.listener(socket.endpoint.clone(), socket.at, socket.ask())
    }));
}

/// A configuration that no command line of the tree reads.
fn alone(ground: Ground<'_>, file: &Candidate, folder: &Path, found: &mut Found) {
    let Ok(source) = ground.tree.read(ground.sources, &file.path) else { return };
    let version = ground.version(folder);
    let (host, address) = default_host(version);
    let note = environment_of(&file.path).map(|name| format!("read only in the environment `{name}`"));
    let read = Config::read(ground, source, &ground.around(&file.path, None), host, note);
    found.problems.extend(read.problems);
    let mut binds = read.binds;
    if binds.iter().all(|bind| bind.control) && !read.broken {
        let why = "this file sets none, and nothing in the tree starts it";
        binds.push(Url { sure: false, ..Url::new(Err(why.to_owned()), Span::top(source)) });
    }
    listen(ground, version, address, &binds, found);
}

/// The address that Puma takes by itself, and what is to be said of it.
fn default_host(version: Option<Version>) -> (&'static str, Option<&'static str>) {
    let note = "Puma 8 uses [::] where the machine has an IPv6 address, else 0.0.0.0";
    ("0.0.0.0", version.filter(|version| *version >= IPV6_FIRST).map(|_| note))
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
    let variable = |name: &&str| command.variable(name).map(|set| set.value.as_str().to_owned());
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

/// bin/puma puts the environment that it is told where the application sees it (lib/puma/launcher.rb: set_rack_environment).
fn surroundings(
    ground: Ground<'_>,
    path: &Path,
    command: &Command,
    environment: Option<&str>,
) -> Surroundings {
    let mut around = ground.around(path, Some(command));
    if let (Some(all), Some(environment)) = (&mut around.environment, environment) {
        for name in ["RACK_ENV", "RAILS_ENV"] {
            all.entry(name.to_owned()).or_insert_with(|| Some(environment.to_owned()));
        }
    }
    around
}

/// What a command line says.
#[derive(Debug, Default)]
struct Line {
    binds: Vec<Url>,
    config: Option<String>,
    no_config: bool,
    environment: Option<String>,
    activated: Option<Activated>,
    rails: Option<Rails>,
}

/// `bind_to_activated_sockets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activated {
    Too,
    Only,
    Not,
}

impl Activated {
    fn of(text: &str) -> Self {
        match text {
            "only" => Self::Only,
            "false" => Self::Not,
            _ => Self::Too,
        }
    }
}

/// `rails server`: where it is told to listen, and where it does by itself.
#[derive(Debug)]
struct Rails {
    told: Option<Url>,
    default_host: &'static str,
    default: Url,
}

impl Line {
    /// Reads a command line; nothing where it does not start Puma.
    fn read(ground: Ground<'_>, options: &Options, command: &Command, arguments: &[Text]) -> Option<Self> {
        if command.program() == "rails" {
            let (first, rest) = arguments.split_first()?;
            let is_server = matches!(first.as_str(), "server" | "s");
            return is_server.then(|| Self::rails(ground, options, command, rest))?;
        }
        let mut line = Line::default();
        for (option, value) in options_of(arguments, &options.puma)? {
            match (option, value) {
                ("bind", Some(said)) => line.binds.push(Url::said(said.text.to_owned(), &said, command)),
                ("port", Some(said)) => {
                    let url = Url::said(format!("tcp://0.0.0.0:{}", said.text), &said, command);
                    line.binds.push(Url { tail: None, ..url });
                }
                ("control-url", Some(said)) => {
                    let url = Url::said(said.text.to_owned(), &said, command);
                    line.binds.push(Url { control: true, ..url });
                }
                ("config", Some(said)) if said.text == "-" => line.no_config = true,
                ("config", Some(said)) => line.config = Some(said.text.to_owned()),
                ("environment", Some(said)) => line.environment = Some(said.text.to_owned()),
                ("no-config", _) => line.no_config = true,
                ("bind-to-activated-sockets", said) => {
                    line.activated = Some(said.map_or(Activated::Too, |said| Activated::of(said.text)));
                }
                ("version" | "help", _) => return None,
                _ => {}
            }
        }
        Some(line)
    }

    fn rails(ground: Ground<'_>, options: &Options, command: &Command, arguments: &[Text]) -> Option<Self> {
        let variable = |name: &str| {
            let set = command.variable(name).filter(|set| !set.value.as_str().is_empty())?;
            Some((set.value.as_str(), set.value.span()))
        };
        let (mut host, mut port, mut environment) = (None, None, None);
        for (option, value) in options_of(arguments, &options.rails)? {
            match (option, value) {
                ("binding", Some(said)) => host = Some((said.text, said.word.span())),
                ("port", Some(said)) => port = Some((said.text, said.word.span())),
                ("environment", Some(said)) => environment = Some(said.text),
                ("using", Some(said)) if said.text != "puma" => return None,
                ("help", _) => return None,
                _ => {}
            }
        }
        let host = host.or_else(|| ["HOST", "BINDING"].into_iter().find_map(variable));
        let port = port.or_else(|| variable("PORT"));
        let set = || ["RAILS_ENV", "RACK_ENV"].into_iter().find_map(variable).map(|(name, _)| name);
        let environment = environment.or_else(set).unwrap_or("development");
        let default_host = if environment == "development" { "localhost" } else { "0.0.0.0" };
        let default_port = ground.service.default("rails-port").map_or(3000, |port| port.get).to_string();
        let at = |host: &str, port: &str, site: Span| {
            let text = format!("tcp://{host}:{port}");
            Url::new(if text.contains('$') { Err(Why::NotTold.to_string()) } else { Ok(text) }, site)
        };
        let told = port.or(host).map(|(_, site)| {
            let host = host.map_or(default_host, |(host, _)| host);
            at(host, port.map_or(&default_port, |(port, _)| port), site)
        });
        let default = at(default_host, &default_port, command.at);
        let environment = Some(environment.to_owned());
        Some(Line { environment, rails: Some(Rails { told, default_host, default }), ..Line::default() })
    }
}

/// What a configuration asks for.
#[derive(Debug, Default)]
struct Config {
    binds: Vec<Url>,
    activated: Option<Activated>,
    problems: Vec<Problem>,
    /// Not all of it is understood.
    broken: bool,
}

impl Config {
    /// Reads a configuration; `default_host` is that of `port` without a host.
    fn read(
        ground: Ground<'_>,
        source: SourceId,
        around: &Surroundings,
        default_host: &str,
        note: Option<String>,
    ) -> Self {
        let mut config = Config::default();
        let (ruby, problem) = ground.ruby(source, "binds");
        config.broken = ruby.is_none() || problem.is_some();
        config.problems.extend(problem);
        let Some(ruby) = ruby else { return config };
        let reading = ruby.reading(around);
        for directive in reading.directives() {
            let url = match directive.name {
                "bind" => written(&reading, &directive),
                "port" => port(&reading, &directive, default_host),
                "ssl_bind" => ssl_bind(&reading, &directive),
                "activate_control_app" => Some(control(&reading, &directive)),
                "bind_to_activated_sockets" => {
                    let said = reading.argument(directive.call, 0).map(|said| match said.thing {
                        Thing::Text(text) | Thing::Symbol(text) => Activated::of(&text),
                        Thing::Nil | Thing::Truth(false) => Activated::Not,
                        _ => Activated::Too,
                    });
                    config.activated = Some(said.unwrap_or(Activated::Too));
                    None
                }
                "backlog" if directive.conditions.is_empty() => {
                    config.problems.push(no_such_directive(ground, ruby.code.span(directive.call)));
                    None
                }
                _ => None,
            };
            config.binds.extend(url.map(|mut url| {
                let conditions = directive.conditions.iter();
                url.notes.extend(conditions.map(|condition| format!("it listens {condition}")));
                url.notes.extend(note.clone());
                Url { sure: directive.conditions.is_empty(), ..url }
            }));
        }
        config
    }
}

fn no_such_directive(ground: Ground<'_>, at: Span) -> Problem {
    let message = "Puma does not start: it has no directive `backlog`";
    let help = "write it in the URL: `bind \"tcp://0.0.0.0:9292?backlog=1024\"`";
    Problem { help: Some(help.into()), ..ground.problem(ProblemKind::Lost, message, at) }
}

fn of_directive(
    text: Result<String, String>,
    reading: &Reading<'_, '_>,
    directive: &Directive<'_>,
    unless: &[String],
) -> Url {
    let notes = unless.iter().map(another).collect();
    Url { notes, ..Url::new(text, reading.ruby.code.span(directive.call)) }
}

/// The URL that a directive is given.
fn written(reading: &Reading<'_, '_>, directive: &Directive<'_>) -> Option<Url> {
    let first = *reading.positional(directive.call).first()?;
    let value = reading.value(first);
    let shown = reading.ruby.code.text(first).to_owned();
    let url = of_directive(value.known(), reading, directive, &value.unless);
    Some(Url { shown, tail: value.tail, room: true, ..url })
}

fn port(reading: &Reading<'_, '_>, directive: &Directive<'_>, default_host: &str) -> Option<Url> {
    let port = reading.argument(directive.call, 0)?;
    let host = reading.argument(directive.call, 1).filter(|host| host.thing != Thing::Nil);
    let text = port.known().and_then(|port| {
        let host = host.as_ref().map_or_else(|| Ok(default_host.to_owned()), |host| host.known())?;
        Ok(format!("tcp://{host}:{port}"))
    });
    let host_unless = host.map(|host| host.unless).unwrap_or_default();
    Some(of_directive(text, reading, directive, &port.and_unless(&host_unless).unless))
}

/// `ssl_bind host, port, key: ..., cert: ..., backlog: 89`: the backlog is an option, and `Integer()` of it.
fn ssl_bind(reading: &Reading<'_, '_>, directive: &Directive<'_>) -> Option<Url> {
    let (host, port) = (reading.argument(directive.call, 0)?, reading.argument(directive.call, 1)?);
    let backlog = reading.option(directive.call, "backlog").filter(|backlog| backlog.thing != Thing::Nil);
    let text = host.known().and_then(|host| {
        let address = format!("ssl://{host}:{}", port.known()?);
        match &backlog {
            Some(backlog) => Ok(format!("{address}?backlog={}", backlog.known()?)),
            None => Ok(address),
        }
    });
    let url = of_directive(text, reading, directive, &host.and_unless(&port.unless).unless);
    Some(Url { tail: backlog.and_then(|backlog| backlog.written), ..url })
}

/// `activate_control_app`: without a URL it is a unix socket somewhere in the folder for temporary files.
fn control(reading: &Reading<'_, '_>, directive: &Directive<'_>) -> Url {
    let is_auto = reading.argument(directive.call, 0).is_some_and(|value| value.text() == Some("auto"));
    let temporary = || {
        let why = "it is a path for temporary files".to_owned();
        Url { shown: "unix:".to_owned(), ..of_directive(Err(why), reading, directive, &[]) }
    };
    let url = written(reading, directive).filter(|_| !is_auto).unwrap_or_else(temporary);
    Url { control: true, ..url }
}

/// A URL, and where it is written.
#[derive(Debug, Clone)]
struct Url {
    /// The URL, or why it is not known.
    text: Result<String, String>,
    /// What is written for it; the start of it tells the scheme of one that is not known.
    shown: String,
    site: Span,
    /// The end of the URL, where it is written as it is.
    tail: Option<Span>,
    /// Whether more can be written behind it.
    room: bool,
    notes: Vec<String>,
    /// It is opened whatever happens.
    sure: bool,
    /// The control server's: it answers `pumactl`, and nobody else.
    control: bool,
}

impl Url {
    fn new(text: Result<String, String>, site: Span) -> Self {
        let (shown, notes) = (String::new(), Vec::new());
        Self { text, shown, site, tail: None, room: false, notes, sure: true, control: false }
    }

    /// One of a command line.
    fn said(text: String, said: &argv::Value<'_>, command: &Command) -> Self {
        let open = said.word.is_open() && text.contains('$');
        let why = Why::Elsewhere(said.text.to_owned()).to_string();
        Url {
            tail: said.exact(),
            // A shell would take `&` for its own.
            room: command.starter == Starter::Unit || !text.contains('?'),
            shown: text.clone(),
            ..Url::new(if open { Err(why) } else { Ok(text) }, said.word.span())
        }
    }

    fn is_unix(&self) -> bool {
        let start = self.text.as_ref().unwrap_or(&self.shown);
        start.trim_start_matches(['"', '\'']).starts_with("unix:")
    }

    fn query(&self) -> Option<&str> {
        self.text.as_ref().ok()?.split_once('?').map(|(_, query)| query)
    }

    /// What listen(2) is called with; an error where Puma does not start.
    fn ask(&self, ground: Ground<'_>, version: Option<Version>) -> Result<Ask, String> {
        if let Err(why) = &self.text {
            let query = self.shown.split_once('?').map_or("", |(_, query)| query);
            let is_open = query.contains("backlog=") || query.contains("#{");
            return Ok(if is_open { Ask::unknown(why, self.site) } else { ground.own("backlog", version) });
        }
        let too_old = ground.service.too_old(OF_UNIX, version).filter(|_| self.is_unix());
        if let Some(setting) = too_old {
            let mut unknown = Ask::unknown("Ruby uses SOMAXCONN of its C library, 128 or 4096", self.site);
            unknown.steps.push(Step::note(ground.too_old(setting, version), setting.at));
            return Ok(unknown);
        }
        let pairs = self.query().into_iter().flat_map(|query| query.split(['&', ';']));
        let given = pairs.filter_map(|pair| pair.split_once('=')).rfind(|(name, _)| *name == "backlog");
        let Some((_, number)) = given else {
            return Ok(ground.own("backlog", version).with(self.slot_behind()));
        };
        let value = match self.is_unix() {
            true => integer_of(number),
            false => Some(leading_integer(number)),
        };
        let fits = value.filter(|value| i32::try_from(*value).is_ok());
        let value = fits.ok_or_else(|| format!("it does not accept backlog={number}"))?;
        let written = self.number_at(number);
        let asked = Ask::written(value, "backlog= of the URL", written.unwrap_or(self.site));
        Ok(asked.with(written.map(Slot::replace)))
    }

    /// Where the number stands.
    fn number_at(&self, number: &str) -> Option<Span> {
        let tail = self.tail?;
        let text = self.text.as_ref().ok()?;
        let begin = text.rfind(&format!("backlog={number}"))? + "backlog=".len();
        let found = begin.checked_sub(text.len().checked_sub(tail.range().len())?)?;
        let digits = number.strip_prefix('-').unwrap_or(number);
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let short = |offset: usize| u32::try_from(offset).ok();
        let start = tail.start + short(found)?;
        plain.then_some(Span { start, end: start + short(number.len())?, ..tail })
    }

    /// A place for a backlog behind the URL.
    fn slot_behind(&self) -> Option<Slot> {
        let tail = self.tail.filter(|_| self.room)?;
        let before = if self.query().is_some() { "&backlog=" } else { "?backlog=" };
        Some(Slot::insert(Span { start: tail.end, ..tail }, before, ""))
    }

    /// Where it opens sockets; nothing where Puma passes over it.
    fn places(&self, ground: Ground<'_>) -> Option<Bound> {
        let transport = if self.is_unix() { Transport::Unix } else { Transport::Tcp };
        let text = match &self.text {
            Ok(text) => text,
            Err(why) => return Some(Bound::unknown_on(transport, why)),
        };
        let bare = text.split_once('?').map_or(text.as_str(), |(bare, _)| bare);
        if bare == "unix://" {
            return Some(Bound::unknown_on(transport, "it uses a variable that is not set"));
        }
        if let Some(path) = bare.strip_prefix("unix://") {
            return Some(Bound::at(Endpoint::Unix(path.replace("%20", " "))));
        }
        let rest = bare.strip_prefix("tcp://").or_else(|| bare.strip_prefix("ssl://"))?;
        let Some((host, port)) = rest.trim_end_matches('/').rsplit_once(':') else {
            return Some(Why::AnyPort.into());
        };
        let Ok(number) = port.parse::<u16>() else { return Some(Why::NoPort(port.to_owned()).into()) };
        Some(port_of(number).and_then(|port| on_host(ground, host, port)).unwrap_or_else(Bound::from))
    }
}

const PUMA: Policy = Policy { empty: Empty::Name, names: Names::First, dual_stack: DualStack::Ipv6 };

/// `localhost` is both loopback addresses, whatever the hosts file says.
fn on_host(ground: Ground<'_>, host: &str, port: u16) -> Result<Bound, Why> {
    if host == "localhost" {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let endpoints = loopback.map(|address| Endpoint::tcp(address, port)).to_vec();
        return Ok(Bound { endpoints, ..Bound::default() });
    }
    ground.bind(PUMA, host, port)
}

/// The listeners of all binds; `address` is what is to be said of Puma's own.
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
        let ask = match url.ask(ground, version) {
            Ok(ask) => ask,
            Err(why) => {
                let message = format!("Puma does not start: {why}");
                found.problems.push(ground.problem(ProblemKind::Lost, message, url.site));
                continue;
            }
        };
        for endpoint in &places.endpoints {
            let known = places.is_known() && url.sure;
            if let Some((_, first)) = bound.iter().find(|(other, _)| known && other == endpoint) {
                let message = format!("Puma does not start: {}", in_use(endpoint));
                let first = bound_here(endpoint, *first);
                found.problems.push(ground.conflict(message, url.site, first));
                continue;
            }
            if known {
                bound.push((endpoint.clone(), url.site));
            }
            let on_any = matches!(endpoint, Endpoint::Tcp(at) if at.ip().is_unspecified() && at.is_ipv4());
            let address = address.filter(|_| on_any && url.shown.is_empty());
            let said = address.map(str::to_owned).into_iter().chain(url.notes.clone());
            found.listeners.push(Listener {
                notes: places.steps(url.site).chain(said.map(|what| Step::note(what, url.site))).collect(),
                internal: url.control,
                ..ground.listener(endpoint.clone(), url.site, ask.clone())
            });
        }
    }
}

#[cfg(test)]
mod tests;
