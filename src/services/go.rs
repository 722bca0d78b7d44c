//! Go sources: what a program listens on through package net, net/http and the frameworks built on them, and the calls that
//! give listen(2) a number of their own. Which calls listen is in the service's table.

mod started;

use std::path::{Path, PathBuf};

use memchr::memmem;
use serde::Deserialize;

use super::{Ask, Bound, Candidate, Found, Ground, OfFile, Policy, Programs, Why};
use crate::model::{Endpoint, Listener, Setting, Step, Transport, Version};
use crate::syntax::calls::Id;
use crate::syntax::go::{At, Files, Kind, Libraries, MAX_FUEL, Reading, Thing, Value};
use crate::syntax::host_port;
use crate::text::{HashMap, HashSet, Slot, Span, over};

/// Listeners of one file, and calls in it that are looked at.
const MAX_LISTENERS: usize = 1_000;
const MAX_CALLS: usize = 2_000;

/// Nodes of a function that are looked through for what is done with its listener.
const MAX_NODES: usize = 20_000;

/// What an expression on a longer line does is not shown as a whole.
const LONG: u32 = 120;

/// The first Go that asks for more than 65535 (golang/go#41470).
const WIDE: Version = Version::new(1, 16, 0);

/// A kind of call that listens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    library: String,
    /// Full names: `net.Listen`, `net/http.Server.ListenAndServe`.
    calls: Vec<String>,
    /// `tcp` unless it is written, an argument or a field of some struct.
    network: Option<String>,
    network_at: Option<usize>,
    #[serde(default)]
    network_fields: Vec<String>,
    /// The argument or the field that says the address, or the address itself.
    address: Option<usize>,
    address_field: Option<String>,
    /// The argument whose field it is, if it is not what the method is called on.
    of: Option<usize>,
    fixed: Option<String>,
    /// What an empty address means, and what none does, unless something outside says otherwise.
    empty: Option<String>,
    otherwise: Option<String>,
    unless: Option<String>,
    /// The number for listen(2): an argument or a field.
    backlog: Option<usize>,
    backlog_field: Option<String>,
    /// The descriptor that was bound before.
    socket: Option<usize>,
    /// A word in a file that makes one socket a process of it.
    shared: Option<String>,
    #[serde(rename = "source")]
    _source: String,
}

/// `[reader]` of `rules/services/go.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Tables {
    server: Vec<Entry>,
    constants: HashMap<String, String>,
    /// Constants that are defaults of ours.
    numbers: HashMap<String, String>,
    made_by: HashMap<String, String>,
    ports: HashMap<String, u16>,
    /// Where a program's main package mostly lies in its module, and the files of those that are no examples.
    programs: Vec<String>,
    commands: Vec<String>,
}

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let tables: Tables = match ground.service.reader.clone().try_into() {
        Ok(tables) => tables,
        Err(error) => {
            let error: toml::de::Error = error;
            return ground.broken("the table of calls", &error.message());
        }
    };
    let program = Program::new(ground, &tables);
    let names = if ground.commands.is_empty() { HashMap::default() } else { program.names(files) };
    let programs = Programs::new(ground, |command| program.started(&names, command));
    let takes_in = |folder: &Path| program.files.taken_in(folder);
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let mut all = Found::default();
    for found in ground.tree.read_all(&paths, |path| {
        let startup = programs.of(path.parent().unwrap_or(Path::new("")), &takes_in);
        read_file(&program, &startup, path)
    }) {
        all.listeners.extend(found.listeners);
        all.problems.extend(found.problems);
    }
    all
}

fn read_file(program: &Program<'_>, startup: &OfFile<'_, '_>, path: &Path) -> Found {
    let mut found = Found::default();
    let ground = program.ground;
    let Ok(source) = ground.tree.read(ground.sources, path) else { return found };
    let go = match program.files.open(path, source) {
        Some(Ok(go)) => go,
        // It is for another system, or was not read, which is told.
        None | Some(Err(_)) => return found,
    };
    let calls = go.calls(|name| program.last_names.contains(name));
    let reading = Reading::new(&program.files, startup, MAX_FUEL);
    let cut_off = |id, what| ground.sources.cut_off(At { go, id }.span(), what);
    if let Some(id) = calls.get(MAX_CALLS) {
        cut_off(*id, over("calls of this file that may listen", MAX_CALLS));
    }
    for id in calls.into_iter().take(MAX_CALLS) {
        let call = Call { program, reading: &reading, at: At { go, id } };
        for listener in call.listeners(path) {
            // Two branches that open the same address are one listener.
            let known = !matches!(listener.endpoint, Endpoint::Unknown(_));
            let again = known && found.listeners.iter().any(|other| other.endpoint == listener.endpoint);
            if again {
                continue;
            }
            match found.listeners.len() {
                MAX_LISTENERS => cut_off(id, over("listeners of this file", MAX_LISTENERS)),
                _ => found.listeners.push(listener),
            }
        }
    }
    found
}

/// What every call of one place is judged by.
struct Program<'a> {
    ground: Ground<'a>,
    tables: &'a Tables,
    by_name: HashMap<&'a str, &'a Entry>,
    last_names: HashSet<&'a str>,
    files: Files<'a>,
}

impl<'a> Program<'a> {
    fn new(ground: Ground<'a>, tables: &'a Tables) -> Self {
        let all = tables.server.iter();
        let by_name: HashMap<&str, &Entry> =
            all.flat_map(|entry| entry.calls.iter().map(move |call| (call.as_str(), entry))).collect();
        let last_names = by_name.keys().filter_map(|full| full.rsplit('.').next()).collect();
        let number = |(name, default): (&String, &String)| {
            Some((name.clone(), Thing::Number(ground.service.default(default)?.get).into()))
        };
        let text = |(name, text): (&String, &String)| (name.clone(), Value::text(text.as_str()));
        let numbers = tables.numbers.iter().filter_map(number);
        let libraries = Libraries {
            constants: tables.constants.iter().map(text).chain(numbers).collect(),
            made_by: tables.made_by.clone(),
            programs: tables.commands.clone(),
        };
        let files = Files::new(ground.sources, ground.tree, libraries);
        Self { ground, tables, by_name, last_names, files }
    }

    /// Whether a folder belongs to a program, not to a library alone.
    fn is_program(&self, folder: &Path) -> bool {
        let top = self.files.module(folder).map_or_else(PathBuf::new, |(top, _)| top);
        self.tables.programs.iter().any(|pattern| {
            let pattern = top.join(pattern);
            !self.ground.tree.glob(pattern.as_os_str().as_encoded_bytes()).is_empty()
        })
    }
}

/// Where a call listens, and what is to be said about it.
struct Place {
    bound: Bound,
    /// It is what some caller says, or the kernel: no setting of the program.
    elsewhere: bool,
}

impl Place {
    fn of_kernel(transport: Transport) -> Self {
        let bound = match transport {
            Transport::Tcp => Why::AnyPort.into(),
            Transport::Unix => Bound::unknown_on(transport, "the kernel picks a free name"),
        };
        Self { bound, elsewhere: true }
    }

    fn not_told(transport: Transport, value: &Value) -> Self {
        let why = value.why_unknown().unwrap_or_else(|| "it is not a string".to_owned());
        let elsewhere = matches!(value.thing, Thing::Caller(_));
        Self { bound: Bound::unknown_on(transport, why), elsewhere }
    }

    fn unless(self, value: &Value) -> Self {
        Self { bound: self.bound.unless(&value.unless), ..self }
    }
}

impl From<Bound> for Place {
    fn from(bound: Bound) -> Self {
        Self { bound, elsewhere: false }
    }
}

/// A call that may listen.
struct Call<'p, 'a> {
    program: &'p Program<'a>,
    reading: &'p Reading<'p, 'a>,
    at: At<'p, 'a>,
}

impl<'p, 'a> Call<'p, 'a> {
    fn argument(&self, index: usize) -> Option<At<'p, 'a>> {
        self.at.go.arguments(self.at.id).get(index).map(|id| self.at.to(*id))
    }

    /// What a method is called on.
    fn receiver(&self) -> Option<At<'p, 'a>> {
        self.at.field("function")?.field("operand")
    }

    /// What it opens: one socket for each address that the function is called with.
    fn listeners(&self, path: &Path) -> Vec<Listener> {
        let full = self.reading.callee(self.at);
        let Some(entry) = full.and_then(|full| self.program.by_name.get(full.as_str()).copied()) else {
            return Vec::new();
        };
        if self.is_a_probe() {
            return Vec::new();
        }
        let mut places: Vec<Place> = Vec::new();
        for place in self.reading.for_each_caller(self.at, || self.place(entry)).into_iter().flatten() {
            let same = |other: &Place| other.bound.endpoints == place.bound.endpoints;
            if self.is_wanted(path, &place) && !places.iter().any(same) {
                places.push(place);
            }
        }
        places.iter().flat_map(|place| self.opened(entry, &place.bound)).collect()
    }

    /// In a library an address that is not known is its caller's to say, or one of a test.
    fn is_wanted(&self, path: &Path, place: &Place) -> bool {
        let folder = path.parent().unwrap_or(Path::new(""));
        place.bound.is_known()
            || self.at.go.package() == "main"
            || !place.elsewhere && self.program.is_program(folder)
    }

    /// The function that the call lies in.
    fn function(&self) -> Option<Id> {
        let code = &self.at.go.code;
        let kinds = ["function_declaration", "method_declaration", "func_literal"];
        code.ancestors(self.at.id).find(|id| kinds.contains(&code.kind(*id)))
    }

    /// A socket that is opened only to be told a free port: it is asked for its address and closed.
    fn is_a_probe(&self) -> bool {
        let code = &self.at.go.code;
        let list = code.parent(self.at.id).filter(|list| code.kind(*list) == "expression_list");
        let held = list.and_then(|list| code.field(code.parent(list)?, "left"));
        let Some(held) = held.and_then(|held| code.children(held).next()) else { return false };
        let function = self.function().unwrap_or(code.root());
        let name = code.text(held);
        if code.all_in(function).nth(MAX_NODES).is_some() {
            let what = over("nodes of this function", MAX_NODES);
            self.program.ground.sources.cut_off(self.at.to(function).span(), what);
            return false;
        }
        let is_use = |id: &Id| *id != held && code.kind(*id) == "identifier" && code.text(*id) == name;
        let uses = code.all_in(function).filter(is_use);
        let mut closed = false;
        for id in uses {
            let selector = code.parent(id).filter(|outer| code.kind(*outer) == "selector_expression");
            match selector.and_then(|selector| code.field(selector, "field")).map(|field| code.text(field)) {
                Some("Close") => closed = true,
                Some("Addr") => {}
                _ => return false,
            }
        }
        closed
    }

    fn opened(&self, entry: &Entry, bound: &Bound) -> Vec<Listener> {
        let site = self.site();
        let sockets = (!self.is_shared(entry)).then_some(1);
        let all = self.program.ground.listeners(bound, site, &self.ask(entry, site));
        all.into_iter().map(|listener| Listener { sockets, ..listener }).collect()
    }

    fn is_shared(&self, entry: &Entry) -> bool {
        let text = self.program.ground.sources.bytes(self.at.span().source);
        entry.shared.as_ref().is_some_and(|word| memmem::find(text, word.as_bytes()).is_some())
    }

    /// `Listen(":8080")`: the name of what is called and what it is given, as far as it stands on one line.
    fn site(&self) -> Span {
        let whole = self.at.span();
        let name = self.at.field("function").map(|function| function.field("field").unwrap_or(function));
        let start = name.map_or(whole.start, |name| name.span().start);
        let text = self.program.ground.sources.slice(Span { start, ..whole });
        let first = memchr::memchr(b'\n', text).and_then(|at| u32::try_from(at).ok());
        let length = first.unwrap_or(whole.end.saturating_sub(start)).min(LONG);
        Span { start, end: start + length, ..whole }
    }

    /// Where it listens; nothing if it opens no stream.
    fn place(&self, entry: &Entry) -> Option<Place> {
        if let Some(socket) = entry.socket {
            return Some(self.bound(socket));
        }
        let network = self.network(entry);
        let stream = ["tcp", "tcp4", "tcp6", "unix", "unixpacket"];
        if network.as_text().is_some_and(|network| !stream.contains(&network)) {
            return None;
        }
        let address = self.address(entry);
        let found = match (address, &entry.otherwise) {
            (Some(address), _) => address,
            (None, Some(otherwise)) => {
                let unless: Vec<String> = entry.unless.iter().cloned().collect();
                Value::text(otherwise.as_str()).and_unless(&unless)
            }
            (None, None) => Value::text(""),
        };
        // Who starts the program is to say it; a program asks whether somebody did.
        if let (Some(""), Some(reason)) = (found.as_text(), found.unless.first()) {
            let why = format!("it is known only if {reason}");
            return Some(Bound::unknown(why).into());
        }
        let found = match (found.as_text(), &entry.empty) {
            (Some(""), Some(empty)) => found.becomes(Thing::Text(empty.clone())),
            _ => found,
        };
        Some(self.on(&network, &found).unless(&network).unless(&found))
    }

    fn network(&self, entry: &Entry) -> Value {
        let written = Value::text(entry.network.as_deref().unwrap_or("tcp"));
        if let Some(network) = entry.network_at.and_then(|index| self.argument(index)) {
            return self.reading.value(network);
        }
        // It may be a field of the server or of options that the server was made with.
        let mut set = entry.network_fields.iter().filter_map(|field| self.at.go.first_set(field));
        set.next().map_or(written, |set| self.reading.value(self.at.to(set)))
    }

    fn address(&self, entry: &Entry) -> Option<Value> {
        if let Some(fixed) = &entry.fixed {
            return Some(Value::text(fixed.as_str()));
        }
        if let Some(field) = &entry.address_field {
            let of = match entry.of {
                Some(index) => self.argument(index),
                None => self.receiver(),
            };
            return self.reading.field(of?, field);
        }
        let argument = self.argument(entry.address?)?;
        let value = self.reading.value(argument);
        match value.why_unknown() {
            Some(_) => Some(self.structured(argument).unwrap_or(value)),
            None => Some(value),
        }
    }

    /// `&net.TCPAddr{IP: ip, Port: 8080}` and `&net.UnixAddr{Name: path}`, as text.
    fn structured(&self, argument: At<'p, 'a>) -> Option<Value> {
        let literal = *self.reading.makers(argument).first()?;
        let Some(Kind::Library(full)) = self.reading.kind(literal) else { return None };
        match full.as_str() {
            "net.UnixAddr" => self.reading.field(literal, "Name"),
            "net.TCPAddr" => {
                let (host, port) = self.tcp_address(literal);
                let name = match &host.thing {
                    Thing::Nil => "",
                    Thing::Text(name) => name,
                    _ => return Some(host),
                };
                let Some(number) = port.shown() else { return Some(port) };
                let name = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
                Some(
                    Value::text(format!("{name}:{number}")).and_unless(&host.unless).and_unless(&port.unless),
                )
            }
            _ => None,
        }
    }

    /// The IP and the port of a `net.TCPAddr{...}`, by their names or by their places.
    fn tcp_address(&self, literal: At<'p, 'a>) -> (Value, Value) {
        let code = &literal.go.code;
        let all: Vec<Id> =
            literal.field("body").map_or_else(Vec::new, |body| code.children(body.id).collect());
        let plain = all.iter().all(|id| code.kind(*id) != "keyed_element");
        let placed = |index: usize| all.get(index).filter(|_| plain).map(|id| literal.to(*id));
        let is_ip = |id: &&Id| code.field(**id, "key").is_some_and(|key| code.text(key) == "IP");
        let named = all.iter().find(is_ip).and_then(|id| code.field(*id, "value"));
        let ip = named.map(|id| literal.to(id)).or_else(|| placed(0));
        let given = || self.reading.field(literal, "IP").or_else(|| ip.map(|ip| self.reading.value(ip)));
        let host = ip.and_then(|ip| self.bytes(ip)).map(Value::text).or_else(given);
        let host = host.unwrap_or_else(|| Value::text(""));
        let port = self.reading.field(literal, "Port").or_else(|| placed(1).map(|at| self.reading.value(at)));
        (host, port.unwrap_or_else(|| Thing::Number(0).into()))
    }

    /// `net.IPv4(127, 0, 0, 1)` and `net.IP{127, 0, 0, 1}` as text.
    fn bytes(&self, ip: At<'p, 'a>) -> Option<String> {
        let code = &ip.go.code;
        let ip = match code.kind(ip.id) {
            "literal_element" => ip.to(code.children(ip.id).next()?),
            _ => ip,
        };
        let parts: Vec<Id> = match code.kind(ip.id) {
            "call_expression" if ip.text().starts_with("net.IPv4(") => ip.go.arguments(ip.id).to_vec(),
            "composite_literal" if ip.text().starts_with("net.IP{") => {
                code.children(ip.field("body")?.id).collect()
            }
            _ => return None,
        };
        let bytes =
            parts.into_iter().map(|part| u8::try_from(self.reading.value(ip.to(part)).number()?).ok());
        let bytes: [u8; 4] = bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()?;
        Some(std::net::Ipv4Addr::from(bytes).to_string())
    }

    fn on(&self, network: &Value, address: &Value) -> Place {
        let Some(network) = network.as_text() else {
            return match address.as_text() {
                Some(path) if path.starts_with(['/', '@']) => Bound::path(path).into(),
                _ => Place::not_told(Transport::Tcp, network),
            };
        };
        let transport = if network.starts_with("unix") { Transport::Unix } else { Transport::Tcp };
        match (&address.thing, transport) {
            (Thing::Text(path), Transport::Unix) if path.is_empty() => Place::of_kernel(transport),
            (Thing::Text(path), Transport::Unix) if path.starts_with('\0') => {
                Bound::unknown_on(transport, "versions of Go differ in where such a name ends").into()
            }
            (Thing::Text(path), Transport::Unix) => Bound::path(path).into(),
            (Thing::Text(text), Transport::Tcp) => self.on_tcp(network, text),
            (Thing::Nil, _) => Place::of_kernel(transport),
            // The first versions of Fiber take a port.
            (Thing::Number(port), Transport::Tcp) => self.on_tcp(network, &format!(":{port}")),
            _ => Place::not_told(transport, address),
        }
    }

    fn on_tcp(&self, network: &str, address: &str) -> Place {
        if address.is_empty() {
            return Place::of_kernel(Transport::Tcp);
        }
        let refused = |why: &str| Bound::unknown(format!("Go refuses it: {why}")).into();
        let (host, port) = match host_port::split(address) {
            Ok(both) => both,
            Err(wrong) => return refused(wrong.words()),
        };
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        let number: Option<u16> = match self.program.tables.ports.get(port) {
            Some(number) => Some(*number),
            None if port.is_empty() => Some(0),
            None if digits => port.parse().ok(),
            None => return Bound::unknown("its port is a name").into(),
        };
        match number {
            Some(0) => Place::of_kernel(Transport::Tcp),
            Some(number) => {
                let bound = self.program.ground.bind(Policy::go(network), host, number);
                bound.unwrap_or_else(Bound::from).into()
            }
            None => Bound::from(Why::NoPort(port.to_owned())).into(),
        }
    }

    /// What a descriptor was bound to in the same function.
    fn bound(&self, socket: usize) -> Place {
        let not_told = || Bound::from(Why::NotTold).into();
        let code = &self.at.go.code;
        let (Some(function), Some(socket)) = (self.function(), self.argument(socket)) else {
            return not_told();
        };
        let binds = self.at.go.calls(|name| name == "Bind").into_iter().map(|id| self.at.to(id));
        let mut binds = binds.filter(|bind| {
            let first = bind.go.arguments(bind.id).first().map(|id| code.text(*id));
            code.contains(function, bind.id) && first == Some(socket.text())
        });
        let address =
            binds.next().and_then(|bind| bind.go.arguments(bind.id).get(1).map(|id| self.at.to(*id)));
        let literal = address.and_then(|address| self.reading.makers(address).first().copied());
        let Some(literal) = literal else { return not_told() };
        let kind = self.reading.kind(literal);
        let kind = match &kind {
            Some(Kind::Library(full)) => full.rsplit('.').next().unwrap_or_default(),
            _ => "",
        };
        let text = code.text(function);
        let port = || self.reading.field(literal, "Port").unwrap_or_else(|| Thing::Number(0).into());
        match kind {
            "SockaddrUnix" => {
                let path = self.reading.field(literal, "Name").unwrap_or_else(|| Value::text(""));
                self.on(&Value::text("unix"), &path)
            }
            // An array is filled in by copying.
            "SockaddrInet4" | "SockaddrInet6" if text.contains(".Addr") => not_told(),
            "SockaddrInet4" | "SockaddrInet6" => {
                let only = kind == "SockaddrInet4" || text.contains("IPV6_V6ONLY");
                let network = match kind {
                    "SockaddrInet4" => "tcp4",
                    _ if only => "tcp6",
                    _ => "tcp",
                };
                let Some(host) = self.array(literal) else { return not_told() };
                let port = port();
                match port.shown() {
                    Some(number) => self.on_tcp(network, &format!("{host}:{number}")).unless(&port),
                    None => Place::not_told(Transport::Tcp, &port),
                }
            }
            _ => not_told(),
        }
    }

    /// `Addr: [4]byte{127, 0, 0, 1}` as text; nothing of it is every address.
    fn array(&self, literal: At<'p, 'a>) -> Option<String> {
        let code = &literal.go.code;
        let elements = code.children(literal.field("body")?.id);
        let is_addr = |id: &Id| code.field(*id, "key").is_some_and(|key| code.text(key) == "Addr");
        let Some(element) = elements.into_iter().find(is_addr) else { return Some(String::new()) };
        let array = *self.reading.makers(literal.to(code.field(element, "value")?)).first()?;
        let bytes = array
            .go
            .code
            .children(array.field("body")?.id)
            .map(|id| self.reading.value(array.to(id)).number());
        let bytes: Vec<i64> = bytes.collect::<Option<_>>()?;
        let parts: Vec<String> = bytes.iter().map(i64::to_string).collect();
        match parts.len() {
            0 => Some(String::new()),
            4 => Some(parts.join(".")),
            _ => None,
        }
    }

    /// Go's own number: that of an old one where an image tells which Go builds the program.
    fn own(&self, entry: &Entry, site: Span) -> Ask {
        let ground = self.program.ground;
        let whose = match entry.library.as_str() {
            "net" => "Go's own default".to_owned(),
            library => format!("{library} leaves it to Go's own default"),
        };
        let all = format!("{whose}: all that somaxconn allows");
        let folder = ground.sources.get(site.source).path().and_then(Path::parent).unwrap_or(Path::new(""));
        let version = ground.version(folder).filter(|version| *version < WIDE);
        match version.and_then(|version| ground.service.default_in("backlog", Some(version))) {
            None => ground.own_of("backlog", all),
            Some(old) => {
                let value = old.value.clone();
                let what = format!("{all}, but no more than this before Go 1.16");
                let step = Step { value: Some(value.get), what, at: value.span };
                Ask { backlog: Setting { value: Some(value), slot: None }, steps: vec![step] }
            }
        }
    }

    fn ask(&self, entry: &Entry, site: Span) -> Ask {
        let own = || self.own(entry, site);
        let argument = entry.backlog.and_then(|index| self.argument(index));
        let value = match (&entry.backlog_field, argument) {
            (Some(field), _) => self.receiver().and_then(|of| self.reading.field(of, field)),
            (None, Some(argument)) => match self.constant(argument) {
                Some(constant) => return constant,
                None => Some(self.reading.value(argument)),
            },
            (None, None) => None,
        };
        let Some(value) = value else { return own() };
        let Some(number) = value.number() else {
            let why = value.why_unknown().unwrap_or_else(|| "it is not a number".to_owned());
            return Ask::unknown(why, site);
        };
        if entry.backlog_field.is_some() && number <= 0 {
            return own();
        }
        let asked = Ask::of_program(number, value.unless.first(), value.written.unwrap_or(site));
        asked.with(self.slot(&value))
    }

    /// `syscall.SOMAXCONN` is a number of Go's, whatever the kernel's is.
    fn constant(&self, argument: At<'p, 'a>) -> Option<Ask> {
        let full = self.reading.qualified(argument)?;
        let value = self.program.ground.service.default(self.program.tables.numbers.get(&full)?)?;
        let asked = Step {
            value: Some(value.get),
            what: format!("the program requests {}", argument.text()),
            at: argument.span(),
        };
        let what = format!("a constant of {}, {} on Linux", full.rsplit_once('.')?.0, value.get);
        let constant = Step { value: Some(value.get), what, at: value.span };
        Some(Ask { backlog: Setting { value: Some(value), slot: None }, steps: vec![asked, constant] })
    }

    /// The literal that a number comes from, if it is in this file and there for nothing else.
    fn slot(&self, value: &Value) -> Option<Slot> {
        let written = value.written?;
        let go = self.at.go;
        if value.started {
            return self.program.ground.slot_at(written, value.number()?);
        }
        let literal = go.code.at(written)?;
        let named = || {
            let owner = go.code.ancestors(literal).find(|id| {
                matches!(
                    go.code.kind(*id),
                    "const_spec" | "var_spec" | "short_var_declaration" | "keyed_element"
                )
            });
            let name = owner.and_then(|owner| go.code.children(owner).next()).map(|name| go.code.text(name));
            name.map(str::to_ascii_lowercase)
                .is_some_and(|name| name.contains("backlog") || name.contains("queue"))
        };
        let plain = go.code.text(literal).parse() == Ok(value.number()?);
        (plain && (go.code.contains(self.at.id, literal) || named())).then(|| Slot::replace(written))
    }
}

#[cfg(test)]
mod tests;
