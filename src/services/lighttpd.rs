//! lighttpd.conf: the sockets that its conditions and server.port open, with the backlog that each is given, and the backends
//! that stand behind them.

use std::net::{IpAddr, Ipv6Addr};

use super::{
    Ask, Bound, Candidate, DualStack, Empty, Found, Ground, Main, Names, Policy, Starts, Why, in_the_way,
    in_use,
};
use crate::model::{Endpoint, Hop, Listener, Next, Problem, ProblemKind, ReadAs, Step, Transport, Version};
use crate::syntax::lighttpd::{
    Compare, Config, Data, Entry, Given, List, Scope, Taken, Value, boolean, integer, normalize, short,
    string,
};
use crate::syntax::refusal::Refusal;
use crate::syntax::start::Start;
use crate::text::{HashMap, HashSet, Slot, SourceId, Span, over};

/// More sockets than anybody has.
const MAX_SOCKETS: usize = 4096;
/// More backends than anybody has.
const MAX_BACKENDS: usize = 4096;
/// More processes than a host has for one backend.
const MAX_PROCESSES: u16 = 256;
const BACKLOG: &str = "server.listen-backlog";

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    let mut included = HashSet::default();
    let is_main = |file: &Candidate, source| is_main(ground, file, source);
    let starts = Starts::of(ground, &mut found);
    let mut mains = ground.mains(&starts, files, is_main, &mut found);
    // Main files first: what they include does not stand for itself.
    mains.sort_by_key(|main| main.start == Start::Fragment);
    for main in mains {
        let mut unused = Found::default();
        let idle = starts.is_idle(&main.path);
        if !included.contains(&main.source) {
            found.left_out += usize::from(idle);
            one(ground, &starts, &main, &mut included, if idle { &mut unused } else { &mut found });
        }
    }
    found
}

/// Only a main file says what modules there are, or where the documents lie.
fn is_main(ground: Ground<'_>, file: &Candidate, source: SourceId) -> bool {
    let text = ground.sources.bytes(source);
    let sets = |key: &[u8]| {
        memchr::memmem::find_iter(text, key).any(|at| {
            let line = text.get(..at).and_then(|before| before.rsplit(|byte| *byte == b'\n').next());
            let after = text.get(at + key.len()..).unwrap_or_default().trim_ascii_start();
            line.is_some_and(|line| line.trim_ascii().is_empty()) && after.starts_with(b"=")
        })
    };
    let named = file.path.file_name().is_some_and(|name| name == "lighttpd.conf");
    named || sets(b"server.modules") || sets(b"server.document-root")
}

/// One lighttpd.
fn one(
    ground: Ground<'_>,
    starts: &Starts<'_>,
    main: &Main,
    included: &mut HashSet<SourceId>,
    found: &mut Found,
) {
    let version = ground.version(&main.folder);
    let (config, read) = Config::read(Given {
        sources: ground.sources,
        tree: ground.tree,
        main: main.source,
        start: main.start,
        home: &main.folder,
        version: version.map(|Version { major, minor, patch }| [major, minor, patch]),
        environment: environment(starts, main),
        repository: ground.read_as == ReadAs::Repo,
        places: &ground.service.shape.places,
        quiet: ground.list("quiet-scripts").collect(),
    });
    included.extend(config.included.iter().copied());
    if let Some(at) = config.dropped.filter(|_| read.is_ok() && main.start == Start::Installed) {
        let message = "lighttpd ignores this word";
        found.problems.push(ground.problem(ProblemKind::Skipped, message, at));
    }
    let mut opening = Opening {
        ground,
        config: &config,
        own: ground.own(default_name(ground), version),
        sockets: Vec::new(),
        conflicts: Vec::new(),
    };
    match read.and_then(|()| opening.all()) {
        Ok(()) => {
            found.listeners.extend(opening.sockets.into_iter().map(|socket| socket.listener));
            found.problems.extend(opening.conflicts);
        }
        Err(refusal) => {
            let lost = main.by_place && !refusal.ours || main.start == Start::Installed;
            let kind = if lost { ProblemKind::Lost } else { ProblemKind::Skipped };
            found.problems.push(ground.refused(kind, &refusal));
        }
    }
}

/// The variables of the commands that start lighttpd with a file; those of the first count.
fn environment(starts: &Starts<'_>, main: &Main) -> HashMap<String, Value> {
    let mut environment = HashMap::default();
    let commands: Vec<_> = starts.commands(&main.path).collect();
    for variable in commands.iter().rev().flat_map(|command| &command.environment) {
        let word = &variable.value;
        let literal = word.exact().is_some().then_some(word.span());
        let value = match word.is_open() {
            true => Value::open(word.span()),
            false => Value { data: Data::Text(word.as_str().into()), at: word.span(), literal },
        };
        environment.insert(variable.name.clone(), value);
    }
    environment
}

/// The name of our default: a short SOMAXCONN is no larger than what lighttpd had before it asked the C library.
fn default_name(ground: Ground<'_>) -> &'static str {
    if ground.somaxconn().number < 1024 { "backlog-short" } else { "backlog" }
}

/// A socket and the scope that opens it.
#[derive(Debug)]
struct Socket {
    scope: usize,
    listener: Listener,
}

/// What is true of a socket, as the global scope or its own says.
#[derive(Debug, Clone)]
struct Options<'w> {
    backlog: Option<&'w Entry>,
    ipv6: bool,
    /// `server.set-v6only`, unless `server.v4mapped` decides.
    only: bool,
    mapped: Option<bool>,
}

impl Options<'_> {
    /// p->defaults of network_init.
    const NONE: Self = Self { backlog: None, ipv6: false, only: true, mapped: None };
}

/// One `( "host" => ..., "port" => ... )`.
struct Backend<'w> {
    list: &'w List,
    at: Span,
    /// The scope that names it, and the option.
    scope: usize,
    option: &'w str,
}

/// The sockets that lighttpd opens (network_init in src/network.c): one for each `$SERVER["socket"] == "..."` in the order of the
/// file, then that of server.bind and server.port; what each condition does not set is taken from the global scope.
struct Opening<'w> {
    ground: Ground<'w>,
    config: &'w Config<'w>,
    /// The backlog of sockets that nobody gives one.
    own: Ask,
    sockets: Vec<Socket>,
    conflicts: Vec<Problem>,
}

impl<'w> Opening<'w> {
    fn all(&mut self) -> Result<(), Refusal> {
        let Config { scopes, given, .. } = self.config;
        let Some(global) = scopes.first() else { return Ok(()) };
        if given.start == Start::Installed && self.config.is_whole() {
            let root = global.get("server.document-root");
            if root.is_none_or(|root| root.value.text() == Some("")) {
                return Err(Refusal::new("server.document-root is not set", Span::top(given.main)));
            }
        }
        for scope in scopes {
            options(&Options::NONE, scope)?;
        }
        let shared = options(&Options::NONE, global)?;
        let port = port(global)?;
        for (index, scope) in scopes.iter().enumerate() {
            let Some((compare, name)) = &scope.socket else { continue };
            if self.sockets.len() >= MAX_SOCKETS {
                return Err(Refusal::ours(
                    format!("there are more than {MAX_SOCKETS} sockets in it"),
                    name.at,
                ));
            }
            let own = options(&shared, scope)?;
            let bound = self.named(name, port, &own)?;
            if *compare == Compare::Equal {
                self.open(index, self.listener(index, name.at, &own, &bound));
            }
        }
        if given.start != Start::Fragment
            && let Some(listener) = self.main(global, port, &shared)?
        {
            self.open(0, listener);
        }
        self.backends()
    }

    /// A socket that is open already keeps what it was opened with.
    fn open(&mut self, scope: usize, listener: Listener) {
        let known = !matches!(listener.endpoint, Endpoint::Unknown(_));
        let sockets = || self.sockets.iter().map(|socket| &socket.listener);
        if known && sockets().any(|other| is_same(&other.endpoint, &listener.endpoint)) {
            return;
        }
        if let Some(first) = in_the_way(sockets(), &listener.endpoint) {
            let why = format!("lighttpd does not start: {}", in_use(&listener.endpoint));
            self.conflicts.push(self.ground.conflict(why, listener.site, first));
        }
        self.sockets.push(Socket { scope, listener });
    }

    /// Where the socket of a condition is bound.
    fn named(&self, name: &Value, port: Option<u16>, options: &Options<'_>) -> Result<Bound, Refusal> {
        let Some(text) = name.text() else { return Ok(Why::NotTold.into()) };
        let refusal = |why| Refusal::new(why, name.at);
        let text = normalize(text).map_err(refusal)?;
        self.bound(&text, port, options).map_err(refusal)
    }

    /// network_host_parse_addr in src/network.c. `port` is server.port, for a text that has none.
    fn bound(&self, text: &str, port: Option<u16>, options: &Options<'_>) -> Result<Bound, String> {
        if text.is_empty() {
            return Err("value of $SERVER[\"socket\"] must not be empty".into());
        }
        if let Some(name) = text.strip_prefix("\\x00") {
            return Ok(Bound::at(Endpoint::Unix(format!("@{name}"))));
        }
        if text.starts_with(['/', '\\']) {
            // sun_path, with the byte that ends it.
            return match text.len() < 108 {
                true => Ok(Bound::path(text)),
                false => Err(format!("unix socket filename too long: {text}")),
            };
        }
        let (host, written, mut ipv6) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((literal, after)) => (literal, after.strip_prefix(':'), true),
            None => match text.rsplit_once(':') {
                Some((host, port)) => (host, Some(port), options.ipv6),
                None => (text, None, options.ipv6),
            },
        };
        // The digits that it begins with.
        let number = |digits: &str| digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
        let number = |digits| number(digits).filter(|port| *port > 0).ok_or("port not set or out of range");
        let port = written.map(number).transpose()?.or(port);
        ipv6 &= host != "*";
        let policy = options.policy(ipv6);
        match self.ground.bind(policy, if host == "*" { "" } else { host }, port.unwrap_or_default()) {
            Ok(_) if port.is_none() => Ok(Why::NotTold.into()),
            // A literal of the other family, or no name at all.
            Err(why) if host.contains([':', '%']) || !matches!(why, Why::Unresolved(_)) => {
                Err(format!("getaddrinfo failed: '{host}'"))
            }
            bound => Ok(bound.unwrap_or_else(Bound::from)),
        }
    }

    /// The socket of server.bind and server.port; what systemd hands over is left out of account.
    fn main(
        &self,
        global: &Scope,
        port: Option<u16>,
        shared: &Options<'_>,
    ) -> Result<Option<Listener>, Refusal> {
        let bind = taken(global, "server.bind", string)?;
        let port_at = global.get("server.port").map(|entry| entry.at);
        let site = bind.as_ref().map(|(_, at)| *at).or(port_at);
        let site = site.unwrap_or(Span::top(self.config.given.main));
        let host = bind.map_or(Some(""), |(host, _)| host);
        let name = match (host, port) {
            (Some("/dev/stdin"), _) => return Ok(None),
            (Some(host), _) if host.starts_with(['/', '\\']) => Some(host.to_owned()),
            (Some(host), Some(port)) => Some(format!("{host}:{port}")),
            _ => None,
        };
        let bound = match name {
            Some(name) => self.bound(&name, None, shared).map_err(|why| Refusal::new(why, site))?,
            None => Why::NotTold.into(),
        };
        let mut listener = self.listener(0, site, shared, &bound);
        listener.notes.extend(self.config.unknown.iter().map(|(what, at)| Step::note(what, *at)));
        Ok(Some(listener))
    }

    fn listener(&self, scope: usize, site: Span, options: &Options<'_>, bound: &Bound) -> Listener {
        let version =
            self.config.given.version.map(|[major, minor, patch]| Version::new(major, minor, patch));
        let has_it = self.ground.service.too_old(BACKLOG, version).is_none();
        let ask = match options.backlog.filter(|_| has_it) {
            None => {
                self.own.clone().settable(self.ground, BACKLOG, version, self.config.room(scope, BACKLOG))
            }
            written => self.ask(written, BACKLOG),
        };
        let endpoint = bound.endpoints.first().cloned().unwrap_or(Endpoint::Unknown(Transport::Tcp));
        let mut listener = self.ground.listener(endpoint, site, ask);
        let assumed = self.config.scopes.get(scope).and_then(|scope| scope.assumed.clone());
        listener.notes = bound.steps(site).chain(assumed.map(|what| Step::note(what, site))).collect();
        listener
    }

    /// What listen(2) is called with.
    fn ask(&self, entry: Option<&Entry>, what: &str) -> Ask {
        let Some(entry) = entry else { return self.own.clone() };
        let Ok(Some(number)) = integer(what, &entry.value) else {
            return Ask::unknown(Why::NotTold, entry.at);
        };
        let at = entry.value.literal.unwrap_or(entry.at);
        let spells = |at: &Span| self.ground.sources.text(*at).parse() == Ok(number);
        Ask::written(number, what, at).with(entry.value.literal.filter(spells).map(Slot::replace))
    }

    /// Where lighttpd passes on what it accepts, and the sockets that it opens for backends it starts itself
    /// (src/gw_backend.c).
    fn backends(&mut self) -> Result<(), Refusal> {
        let mut started: Vec<Socket> = Vec::new();
        for backend in self.all_backends()? {
            let hops = self.hops(&backend)?;
            let Self { sockets, config, .. } = self;
            for Socket { listener, .. } in sockets.iter_mut().filter(|it| serves(config, it.scope, &backend))
            {
                for hop in &hops {
                    if !listener.hops.iter().any(|known| known.to == hop.to) {
                        listener.hops.push(hop.clone());
                    }
                }
            }
            if backend.list.get("bin-path").is_some() {
                self.start(&backend, &hops, &mut started)?;
            }
        }
        self.sockets.append(&mut started);
        Ok(())
    }

    /// All backends of modules that are loaded.
    fn all_backends(&self) -> Result<Vec<Backend<'w>>, Refusal> {
        let options = self.ground.service.reader.get("backends").and_then(toml::Value::as_table);
        let loaded = |module: &toml::Value| module.as_str().is_some_and(|module| self.has_module(module));
        let options = options.into_iter().flatten().filter(|(_, module)| loaded(module));
        let mut found = Vec::new();
        for (option, _) in options {
            let entries = self.config.scopes.iter().enumerate();
            for (scope, entry) in entries.filter_map(|(index, scope)| Some((index, scope.get(option)?))) {
                if entry.value.is_open() {
                    continue;
                }
                let refusal =
                    || Refusal::new(format!("{option} should have been a list of key => list"), entry.at);
                let all = entry.value.list().ok_or_else(refusal)?;
                let hosts =
                    all.items.iter().filter_map(|item| item.value.list()).flat_map(|list| &list.items);
                found.extend(hosts.filter_map(|host| {
                    Some(Backend { list: host.value.list()?, at: host.value.at, scope, option })
                }));
                if found.len() > MAX_BACKENDS {
                    let why = format!("there are more than {MAX_BACKENDS} backends in it");
                    return Err(Refusal::ours(why, entry.at));
                }
            }
        }
        Ok(found)
    }

    /// A module's options count only where it is loaded.
    fn has_module(&self, module: &str) -> bool {
        let modules = self.config.scopes.first().and_then(|global| global.get("server.modules"));
        let Some(Entry { value, .. }) = modules else { return !self.config.is_whole() };
        let mut items = value.list().into_iter().flat_map(|list| &list.items);
        value.is_open() || items.any(|item| item.value.is_open() || item.value.text() == Some(module))
    }

    /// How many processes are started at once: min-procs, at most max-procs, each four unless set.
    fn processes(&self, list: &List, at: Span) -> Result<u16, Refusal> {
        let number = |key| match list.get(key) {
            Some(value) => short(key, value).map_err(|why| Refusal::new(why, value.at)),
            None => Ok(Some(4)),
        };
        let (least, most) = (number("min-procs")?.unwrap_or(4), number("max-procs")?.unwrap_or(4));
        let count = least.min(most);
        if count > MAX_PROCESSES {
            self.ground.sources.cut_off(at, over("processes of one backend", MAX_PROCESSES));
        }
        Ok(count.min(MAX_PROCESSES))
    }

    fn hops(&self, backend: &Backend<'_>) -> Result<Vec<Hop>, Refusal> {
        let Backend { list, at, .. } = backend;
        let text = |key| list.get(key).and_then(|value| Some((value.text()?, value.at)));
        let starts = list.get("bin-path").is_some();
        let processes = if starts { self.processes(list, *at)? } else { 1 };
        let socket = text("socket").or(text("host").filter(|(host, _)| host.starts_with('/')));
        if let Some((path, at)) = socket {
            let names = (0..processes).map(|number| match starts {
                true => format!("{path}-{number}"),
                false => path.to_owned(),
            });
            return Ok(names.map(|path| Hop { to: Next::At(Endpoint::Unix(path)), at }).collect());
        }
        let (host, site) = match (text("host"), list.get("host").or(list.get("socket"))) {
            (Some(host), _) => host,
            (None, None) if starts => ("127.0.0.1", *at),
            _ => return Ok(Vec::new()),
        };
        let port = list.get("port").map(|value| short("port", value)).transpose();
        let port = match port.map_err(|why| Refusal::new(why, *at))? {
            None | Some(Some(0)) => 80,
            Some(Some(port)) => port,
            Some(None) => return Ok(Vec::new()),
        };
        // sock_addr_from_str_hints in src/sock_addr.c.
        let host = if host == "localhost" { "127.0.0.1" } else { host };
        let ports = (0..processes).map(|number| port.wrapping_add(number));
        Ok(ports.map(|port| Hop { to: self.ground.next(host, port), at: site }).collect())
    }

    /// lighttpd listens before it starts the backend, and hands the socket over.
    fn start(&self, backend: &Backend<'_>, hops: &[Hop], started: &mut Vec<Socket>) -> Result<(), Refusal> {
        const KEY: &str = "listen-backlog";
        let list = backend.list;
        let entry = list.get(KEY).map(|value| Entry { value: value.clone(), at: value.at });
        if let Some(entry) = &entry {
            integer(KEY, &entry.value).map_err(|why| Refusal::new(why, entry.at))?;
        }
        let transport = if list.get("socket").is_some() { Transport::Unix } else { Transport::Tcp };
        let unknown = (Endpoint::Unknown(transport), backend.at);
        let known = hops.iter().map(|hop| match &hop.to {
            Next::At(endpoint) => (endpoint.clone(), hop.at),
            Next::Named(..) => unknown.clone(),
        });
        let mut openings: Vec<(Endpoint, Span)> = known.collect();
        if openings.is_empty() {
            openings = vec![unknown.clone(); self.processes(list, backend.at)?.into()];
        }
        // The sockets of one backend share its number: it is put in once.
        let mut room = list.inside.filter(|_| entry.is_none());
        for (endpoint, site) in openings {
            let is_known = !matches!(endpoint, Endpoint::Unknown(_));
            if is_known && started.iter().any(|socket| socket.listener.endpoint == endpoint) {
                continue;
            }
            let mut listener = self.ground.listener(endpoint, site, self.ask(entry.as_ref(), KEY));
            if let Some(room) = room.take() {
                listener.backlog.slot = Some(self.config.list_room(room, KEY));
            }
            if !is_known {
                listener.notes.extend(Bound::from(Why::NotTold).steps(site));
            }
            started.push(Socket { scope: backend.scope, listener });
        }
        Ok(())
    }
}

impl Options<'_> {
    /// The first address of the family; one of IPv4 where IPv6 is asked for and there is no other.
    fn policy(&self, ipv6: bool) -> Policy {
        let (empty, names) =
            if ipv6 { (Empty::Ipv6, Names::Ipv6First) } else { (Empty::Ipv4, Names::OnlyIpv4) };
        let mapped = self.mapped.unwrap_or(!self.only);
        Policy { empty, names, dual_stack: if mapped { DualStack::Ipv6 } else { DualStack::Never } }
    }
}

/// An option as it is taken, and where it is set.
fn taken<'s, T>(
    scope: &'s Scope,
    key: &str,
    take: fn(&str, &'s Value) -> Taken<T>,
) -> Result<Option<(Option<T>, Span)>, Refusal> {
    let Some(entry) = scope.get(key) else { return Ok(None) };
    let taken = take(key, &entry.value).map_err(|why| Refusal::new(why, entry.at))?;
    Ok(Some((taken, entry.at)))
}

fn options<'w>(around: &Options<'w>, scope: &'w Scope) -> Result<Options<'w>, Refusal> {
    taken(scope, BACKLOG, integer)?;
    taken(scope, "ssl.engine", boolean)?;
    let boolean = |key| Ok(taken(scope, key, boolean)?.and_then(|(taken, _)| taken));
    Ok(Options {
        backlog: scope.get(BACKLOG).or(around.backlog),
        ipv6: boolean("server.use-ipv6")?.unwrap_or(around.ipv6),
        only: boolean("server.set-v6only")?.unwrap_or(around.only),
        mapped: boolean("server.v4mapped")?.or(around.mapped),
    })
}

/// server.port, or the one that TLS decides; `None` where it is not known.
fn port(global: &Scope) -> Result<Option<u16>, Refusal> {
    let written = taken(global, "server.port", short)?.map(|(port, _)| port);
    let tls = taken(global, "ssl.engine", boolean)?.is_some_and(|(on, _)| on == Some(true));
    Ok(match written {
        None | Some(Some(0)) if tls => Some(443),
        None | Some(Some(0)) => Some(80),
        Some(port) => port,
    })
}

/// One address, whatever families it serves.
fn is_same(a: &Endpoint, b: &Endpoint) -> bool {
    match (a, b) {
        (Endpoint::DualStack(port), Endpoint::Tcp(other))
        | (Endpoint::Tcp(other), Endpoint::DualStack(port)) => {
            other.port() == *port && other.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
        }
        _ => a == b,
    }
}

/// Whether what arrives at a socket can get to a backend. Conditions other than that of a socket may hold.
fn serves(config: &Config<'_>, socket: usize, backend: &Backend<'_>) -> bool {
    let mut next = Some(backend.scope);
    while let Some((index, scope)) = next.and_then(|index| Some((index, config.scopes.get(index)?))) {
        if scope.socket.as_ref().is_some_and(|(compare, _)| *compare == Compare::Equal) {
            return index == socket;
        }
        next = scope.parent;
    }
    let own = config.scopes.get(socket).filter(|_| socket != 0 && backend.scope == 0);
    own.is_none_or(|own| own.get(backend.option).is_none())
}

#[cfg(test)]
mod tests;
