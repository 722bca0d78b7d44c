//! Jetty: the connectors that the modules of a base open, and the properties that its start.ini, start.d and command line set.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Ask, Bound, Candidate, Found, Ground, Why, port_of};
use crate::model::{Command, Listener, ProblemKind, Text, Transport};
use crate::syntax::java;
use crate::syntax::jetty_start::Arguments;
use crate::syntax::jetty_xml::{self, Given, Object};
use crate::text::{Slot, Span, over};

/// Connectors of one base, and XML files that it names.
const MAX_CONNECTORS: usize = 1_000;

/// `[reader]` of `rules/services/jetty.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    /// Patterns of the folders that a distribution may lie in.
    homes: Vec<String>,
    /// Where a base keeps its certificate, unless it says otherwise.
    keystores: Vec<String>,
    /// The properties that name another.
    keystore_properties: Vec<String>,
    connector: Vec<Known>,
}

/// A connector of one of Jetty's modules: the properties that its XML takes, the newest name first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Known {
    id: String,
    xml: String,
    modules: Vec<String>,
    #[serde(default)]
    host: Vec<String>,
    #[serde(default)]
    port: Vec<String>,
    #[serde(default)]
    default_port: Option<i64>,
    #[serde(default)]
    path: Vec<String>,
    #[serde(default)]
    default_path: Option<String>,
    accept_queue_size: Vec<String>,
    #[serde(default)]
    needs_keystore: bool,
    #[serde(default)]
    native: bool,
    /// For people: where it is seen that it is so.
    #[serde(rename = "source")]
    _source: String,
}

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let table: Table = match ground.service.reader.clone().try_into() {
        Ok(table) => table,
        Err(error) => return ground.broken("the table of connectors", &error),
    };
    let homes = table.homes.iter().filter(|_| ground.is_machine());
    let homes: Vec<PathBuf> = homes.flat_map(|home| ground.tree.glob(home.as_bytes())).collect();
    let mut found = Found::default();
    for (folder, files) in bases(files) {
        let installed = files.iter().any(|file| file.by_place) && ground.is_machine();
        let arguments = Arguments::default();
        let first = files.first().and_then(|file| ground.tree.read(ground.sources, &file.path).ok());
        let at = Span::top(first.unwrap_or(ground.service.source));
        let mut base = Base { ground, table: &table, homes: &homes, folder, at, installed, arguments };
        match base.read(&files).and_then(|()| base.listeners()) {
            Ok(listeners) => found.listeners.extend(listeners),
            Err((why, at)) => {
                let kind = if installed { ProblemKind::Lost } else { ProblemKind::Skipped };
                found.problems.push(ground.problem(kind, why, at));
            }
        }
    }
    found
}

/// The files of each base, in the order in which they are read.
fn bases(files: &[Candidate]) -> BTreeMap<PathBuf, Vec<&Candidate>> {
    let mut bases: BTreeMap<PathBuf, Vec<&Candidate>> = BTreeMap::new();
    for file in files {
        let Some(folder) = file.path.parent() else { continue };
        let base = match folder.file_name() {
            Some(name) if name == "start.d" => folder.parent().unwrap_or(folder),
            _ => folder,
        };
        bases.entry(base.to_owned()).or_default().push(file);
    }
    for files in bases.values_mut() {
        files.sort_by_key(|file| (!file.path.ends_with("start.ini"), &file.path));
        files.dedup_by_key(|file| &file.path);
    }
    bases
}

/// One Jetty: a folder with start.ini or start.d, and what it builds on.
struct Base<'a> {
    ground: Ground<'a>,
    table: &'a Table,
    homes: &'a [PathBuf],
    folder: PathBuf,
    /// The top of its first file.
    at: Span,
    /// The tree is the machine that it runs on.
    installed: bool,
    arguments: Arguments,
}

/// A connector before its properties are looked up.
#[derive(Default)]
struct Connector {
    id: String,
    host: Option<Given>,
    port: Option<Given>,
    path: Option<Given>,
    backlog: Option<Given>,
    is_unix: bool,
    /// It calls listen(2) without Java.
    native: bool,
    needs_keystore: bool,
}

/// A connector, and the text that opens it: the argument that names the module, or the element.
type Opened = (Connector, Span);

/// Why Jetty does not start, and where it is said.
type Refused = (String, Span);

fn refused<T>(why: &str, at: Span) -> Result<T, Refused> {
    Err((format!("Jetty does not start: {why}"), at))
}

impl Connector {
    /// As the XML of the distribution has it.
    fn known(known: &Known, table: Span) -> Self {
        let given = |names: &[String], default: Option<String>| {
            let default = default.map(|default| Text::meant(default, table));
            (!names.is_empty()).then(|| Given { names: names.to_vec(), default })
        };
        Self {
            id: known.id.clone(),
            host: given(&known.host, None),
            port: given(&known.port, known.default_port.map(|port| port.to_string())),
            path: given(&known.path, known.default_path.clone()),
            backlog: given(&known.accept_queue_size, None),
            is_unix: !known.path.is_empty(),
            native: known.native,
            needs_keystore: known.needs_keystore,
        }
    }

    fn of_class(id: &str, class: &str) -> Option<Self> {
        let native = class.contains("UnixSocketConnector");
        let is_unix = native || class.contains("UnixDomainServerConnector");
        let (id, needs_keystore) = (id.to_owned(), id == "sslConnector");
        let is_one = is_unix || class.ends_with(".ServerConnector");
        is_one.then(|| Self { id, is_unix, native, needs_keystore, ..Self::default() })
    }

    fn set(&mut self, setters: Vec<(String, Given)>) {
        for (name, given) in setters {
            let place = match name.as_str() {
                "host" => &mut self.host,
                "port" => &mut self.port,
                "unixSocket" | "unixDomainPath" => &mut self.path,
                "acceptQueueSize" => &mut self.backlog,
                _ => continue,
            };
            *place = Some(given);
        }
    }
}

impl Base<'_> {
    fn read(&mut self, files: &[&Candidate]) -> Result<(), Refused> {
        let ground = self.ground;
        for file in files {
            match ground.tree.read(ground.sources, &file.path) {
                Ok(source) => self.arguments.file(ground.sources, source),
                Err(why) => {
                    let at = Span::top(ground.tree.unread(ground.sources, &file.path));
                    return Err((format!("cannot read {}: {why}", file.path.display()), at));
                }
            }
        }
        self.command_lines();
        Ok(())
    }

    /// What jetty.sh and command lines add: it wins over the files.
    fn command_lines(&mut self) {
        let Ground { tree, sources, .. } = self.ground;
        // jetty.sh's unit reads /etc/default/jetty9.
        let name = self.folder.file_name().filter(|_| self.folder.parent() == Some(Path::new("etc")));
        let defaults = name.map(|name| Path::new("etc/default").join(name));
        if let Some(source) = defaults.and_then(|path| tree.read(sources, &path).ok()) {
            self.arguments.variable(sources, source, "JETTY_ARGS");
        }
        if let Ok(conf) = tree.read(sources, &self.folder.join("jetty.conf")) {
            self.arguments.file(sources, conf);
        }
        for (command, words) in self.ground.started() {
            if !is_started_by(&self.folder, command) {
                continue;
            }
            let jar = words.iter().position(is_start_jar).unwrap_or(0);
            words.iter().take(jar).for_each(|word| self.arguments.option_of_jvm(word));
            words.iter().skip(jar + 1).for_each(|word| self.arguments.argument(word));
            if let Some(more) = command.variable("JETTY_ARGS") {
                self.arguments.words(&more.value);
            }
        }
    }

    fn listeners(&self) -> Result<Vec<Listener>, Refused> {
        let Arguments { modules, xml, .. } = &self.arguments;
        // A module's name is taken as it is, with a remark behind it.
        if let Some((module, at)) = modules.iter().find(|(module, _)| module.contains([' ', '#'])) {
            return refused(&format!("there is no module \"{module}\""), *at);
        }
        let mut all: Vec<Opened> = Vec::new();
        for known in &self.table.connector {
            let named = modules.iter().find(|(module, _)| known.modules.contains(module));
            let Some((_, site)) = named else { continue };
            match self.xml_file(&known.xml) {
                Some(path) => self.xml(&path, Some(*site), &mut all)?,
                None => all.push((Connector::known(known, Span::top(self.ground.service.source)), *site)),
            }
        }
        if xml.len() > MAX_CONNECTORS {
            self.cut_off("XML files of one Jetty");
        }
        for name in xml.iter().take(MAX_CONNECTORS) {
            let known = self.table.connector.iter().filter(|known| name.ends_with(&known.xml));
            let mut ids = known.map(|known| &known.id);
            let is_known = ids.any(|id| all.iter().any(|(connector, _)| connector.id == *id));
            if let Some(path) = self.xml_file(name).filter(|_| !is_known) {
                self.xml(&path, None, &mut all)?;
            }
        }
        if all.len() > MAX_CONNECTORS {
            self.cut_off("connectors of one Jetty");
        }
        let made = all.iter().take(MAX_CONNECTORS);
        made.filter_map(|(connector, site)| self.listener(connector, *site).transpose()).collect()
    }

    fn cut_off(&self, what: &str) {
        self.ground.sources.cut_off(self.at, over(what, MAX_CONNECTORS));
    }

    /// A file of the base's `etc`, or of the distribution's. Debian's base is its own `etc`.
    fn xml_file(&self, name: &str) -> Option<PathBuf> {
        let bare = name.strip_prefix("etc/").unwrap_or(name);
        let own = [self.folder.join("etc").join(bare), self.folder.join(bare), self.folder.join(name)];
        let of_homes = self.homes.iter().map(|home| home.join("etc").join(bare));
        let tree = self.ground.tree;
        own.into_iter().chain(of_homes).find_map(|path| {
            let real = tree.resolve(&path).ok()?;
            (!tree.is_folder(&real)).then_some(real)
        })
    }

    /// Puts the connectors of an XML file to those that are known, and changes those that it refers to.
    fn xml(&self, path: &Path, site: Option<Span>, all: &mut Vec<Opened>) -> Result<(), Refused> {
        let Ground { tree, sources, .. } = self.ground;
        let Ok(source) = tree.read(sources, path) else { return Ok(()) };
        let objects = jetty_xml::read(sources, tree, source)
            .or_else(|(message, at)| refused(&format!("{}: {message}", path.display()), at))?;
        for Object { id, class, at, set } in objects {
            match class {
                Some(class) => all.extend(Connector::of_class(&id, &class).map(|mut connector| {
                    connector.set(set);
                    (connector, site.unwrap_or(at))
                })),
                None => {
                    if let Some((connector, _)) = all.iter_mut().find(|(connector, _)| connector.id == id) {
                        connector.set(set);
                    }
                }
            }
        }
        Ok(())
    }

    fn listener(&self, connector: &Connector, site: Span) -> Result<Option<Listener>, Refused> {
        if connector.needs_keystore {
            self.keystore(site)?;
        }
        let (bound, at) = match connector.is_unix {
            true => self.path(connector, site),
            false => self.bound(connector, site)?,
        };
        let ask = self.ask(connector, site)?;
        let listener = self.ground.listeners(&bound, site, &ask).pop();
        Ok(listener.map(|listener| Listener { notes: bound.steps(at).collect(), ..listener }))
    }

    /// What a setter is given in the end.
    fn value(&self, given: Option<&Given>) -> Option<Text> {
        let Given { names, default } = given?;
        self.arguments.property(self.ground.sources, names).or_else(|| default.clone())
    }

    /// The same of a setter that takes an int: java.lang.Integer.valueOf, or Jetty does not start. No number where it is not known.
    fn number(&self, given: Option<&Given>) -> Result<Option<(Option<i64>, Text)>, Refused> {
        let Some(value) = self.value(given) else { return Ok(None) };
        match java::integer(value.as_str()) {
            _ if value.is_open() => Ok(Some((None, value))),
            Some(number) => Ok(Some((Some(number), value))),
            None => refused(&format!("\"{}\" is not a number", value.as_str()), value.span()),
        }
    }

    /// Where it listens, and the text that says so.
    fn bound(&self, connector: &Connector, site: Span) -> Result<(Bound, Span), Refused> {
        let (port, at) = match self.number(connector.port.as_ref())? {
            Some((Some(port), value)) => (port, value.span()),
            Some((None, open)) => return Ok((Why::Elsewhere(open.to_string()).into(), open.span())),
            None => (0, site),
        };
        let port = match port_of(port) {
            Ok(port) => port,
            Err(why @ Why::AnyPort) => return Ok((why.into(), at)),
            Err(why) => return refused(&why.to_string(), at),
        };
        let host = match self.value(connector.host.as_ref()) {
            Some(open) if open.is_open() => {
                return Ok((Why::Elsewhere(open.to_string()).into(), open.span()));
            }
            host => host,
        };
        let at = host.as_ref().map_or(site, |host| host.span());
        match self.ground.bind_java(host.as_ref().map(|host| host.as_str()), port, false) {
            Err(why @ Why::NoAddress(_)) => refused(&why.to_string(), at),
            bound => Ok((bound.unwrap_or_else(Bound::from), at)),
        }
    }

    fn path(&self, connector: &Connector, site: Span) -> (Bound, Span) {
        let unknown = |why: &Why, at| (Bound::unknown_on(Transport::Unix, why), at);
        match self.value(connector.path.as_ref()) {
            Some(path) if path.is_open() => unknown(&Why::Elsewhere(path.to_string()), path.span()),
            Some(path) if !path.as_str().is_empty() => (Bound::path(path.as_str()), site),
            _ => unknown(&Why::NotTold, site),
        }
    }

    fn ask(&self, connector: &Connector, site: Span) -> Result<Ask, Refused> {
        let written = self.number(connector.backlog.as_ref())?;
        if let Some((None, open)) = written {
            return Ok(Ask::elsewhere(open.as_str(), open.span()));
        }
        let slot = match &written {
            Some((_, value)) if !self.is_default(value) => self.slot(value),
            _ => self.room(connector, site),
        };
        let ask = match written {
            Some((Some(number), value)) if number > 0 => {
                Ask::written(number, "acceptQueueSize", value.span())
            }
            _ if connector.native => {
                let why = "acceptQueueSize is 0, and this connector calls listen(2) without Java";
                Ask::unknown(why, site)
            }
            _ => self.ground.own_of("backlog", "Java's own default, which Jetty leaves as it is"),
        };
        Ok(ask.with(slot))
    }

    /// The number that is written, unless that is in the files of the distribution.
    fn slot(&self, value: &Text) -> Option<Slot> {
        let sources = self.ground.sources;
        let path = sources.get(value.span().source).path()?;
        // A base may be its own home.
        let own = path.starts_with(&self.folder) || !self.homes.iter().any(|home| path.starts_with(home));
        let stands = value.exact().is_some() && sources.slice(value.span()) == value.as_str().as_bytes();
        let digits = value.as_str().strip_prefix('-').unwrap_or(value.as_str());
        let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        (own && stands && number).then(|| Slot::replace(value.span()))
    }

    /// What the distribution's XML has is better set as a property.
    fn is_default(&self, value: &Text) -> bool {
        let path = self.ground.sources.get(value.span().source).path();
        let in_xml = path.and_then(Path::extension).is_some_and(|extension| extension == "xml");
        in_xml && value.as_str() == "0"
    }

    /// A line for the property, below the one that names the module.
    fn room(&self, connector: &Connector, site: Span) -> Option<Slot> {
        let name = connector.backlog.as_ref()?.names.first()?;
        let path = self.ground.sources.get(site.source).path()?;
        let ini = path.extension().is_some_and(|extension| extension == "ini");
        let at = Span { start: site.end, ..site };
        ini.then(|| Slot::insert(at, format!("\n{name}="), ""))
    }

    /// TLS without a certificate keeps Jetty from starting.
    fn keystore(&self, site: Span) -> Result<(), Refused> {
        let (sources, names) = (self.ground.sources, &self.table.keystore_properties);
        let said = self.arguments.property(sources, names).is_some();
        let tree = self.ground.tree;
        let is_there = |name: &String| {
            let bare = name.strip_prefix("etc/").unwrap_or(name);
            tree.exists(&self.folder.join(name)) || tree.exists(&self.folder.join(bare))
        };
        match said || !self.installed || self.table.keystores.iter().any(is_there) {
            true => Ok(()),
            false => refused("etc/keystore is not a keystore, and nothing sets another", site),
        }
    }
}

/// A command line that names another base starts that one.
fn is_started_by(folder: &Path, command: &Command) -> bool {
    let mut words = command.words.iter();
    let named = words.find_map(|word| word.as_str().split_once("jetty.base=").map(|(_, base)| base));
    let named = named.or_else(|| Some(command.variable("JETTY_BASE")?.value.as_str()));
    let is_it = named.is_none_or(|base| Path::new(base.trim_matches('/')) == folder);
    is_it && command.words.iter().any(is_start_jar)
}

fn is_start_jar(word: &Text) -> bool {
    word.as_str().ends_with("start.jar") || word.as_str().ends_with("jetty.sh")
}

#[cfg(test)]
mod tests;
