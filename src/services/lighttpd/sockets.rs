//! The sockets that lighttpd opens (network_init in src/network.c): one for each `$SERVER["socket"] == "..."` in the order of
//! the file, then that of server.bind and server.port; what each condition does not set is taken from the global scope.

use std::net::{IpAddr, Ipv6Addr};

use super::address::{self, Bound};
use super::data::{self, Taken, Value};
use super::lex::Compare;
use super::walk::{Entry, Scope, Walk};
use super::{Refusal, Start};
use crate::model::{Apply, Endpoint, Label, Listener, Setting, Step, Transport, Value as Known};
use crate::services::Ground;
use crate::text::{Slot, Span};

/// More sockets, and more backends, than anybody has.
pub(super) const MAX: usize = 4096;
pub(super) const BACKLOG: &str = "server.listen-backlog";

/// A socket and the scope that opens it.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) scope: usize,
    pub(super) listener: Listener,
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

/// Two sockets that get in each other's way.
#[derive(Debug)]
pub(super) struct Clash {
    pub(super) refusal: Refusal,
    pub(super) first: Label,
}

impl<'w> Walk<'_> {
    pub(super) fn sockets(&'w self) -> Result<(Vec<Socket>, Vec<Clash>), Refusal> {
        let mut sockets = Vec::new();
        let mut clashes = Vec::new();
        let Some(global) = self.scopes.first() else { return Ok((sockets, clashes)) };
        for scope in &self.scopes {
            self.options(&Options::NONE, scope)?;
        }
        let shared = self.options(&Options::NONE, global)?;
        let port = self.port(global)?;
        for (index, scope) in self.scopes.iter().enumerate() {
            let Some((compare, name)) = &scope.socket else { continue };
            if sockets.len() >= MAX {
                let why = format!("there are more than {MAX} sockets in it");
                return Err(Refusal { ours: true, ..Refusal::new(why, name.at) });
            }
            let own = self.options(&shared, scope)?;
            let bound = self.bound(name, port, own.ipv6)?;
            if *compare == Compare::Equal {
                let endpoint = endpoint(&bound, &own);
                let listener = self.listener(endpoint, index, name.at, &own, &bound);
                self.open(&mut sockets, &mut clashes, index, listener);
            }
        }
        if self.start != Start::Fragment
            && let Some(listener) = self.main(global, port, &shared)?
        {
            self.open(&mut sockets, &mut clashes, 0, listener);
        }
        Ok((sockets, clashes))
    }

    /// A socket that is open already keeps what it was opened with.
    fn open(&self, sockets: &mut Vec<Socket>, clashes: &mut Vec<Clash>, scope: usize, listener: Listener) {
        let known = !matches!(listener.endpoint, Endpoint::Unknown(_));
        if known && sockets.iter().any(|other| is_same(&other.listener.endpoint, &listener.endpoint)) {
            return;
        }
        let taken = sockets.iter().find(|other| other.listener.endpoint.collides_in_tcp(&listener.endpoint));
        if let Some(Socket { listener: first, .. }) = taken {
            let why = format!("bind() {}: Address already in use", listener.endpoint);
            let refusal = Refusal::new(why, listener.site);
            clashes.push(Clash { refusal, first: Label::new(first.site, "this socket has the port") });
        }
        sockets.push(Socket { scope, listener });
    }

    /// An option as it is taken, and where it is set.
    fn taken<'s, T>(
        &self,
        scope: &'s Scope,
        key: &str,
        take: fn(&str, &'s Value) -> Taken<T>,
    ) -> Result<Option<(Option<T>, Span)>, Refusal> {
        let Some(entry) = scope.get(key) else { return Ok(None) };
        let taken = take(key, &entry.value).map_err(|why| Refusal::new(why, entry.at))?;
        Ok(Some((taken, entry.at)))
    }

    fn options(&self, around: &Options<'w>, scope: &'w Scope) -> Result<Options<'w>, Refusal> {
        self.taken(scope, BACKLOG, data::integer)?;
        self.taken(scope, "ssl.engine", data::boolean)?;
        let boolean = |key| Ok(self.taken(scope, key, data::boolean)?.and_then(|(taken, _)| taken));
        Ok(Options {
            backlog: scope.get(BACKLOG).or(around.backlog),
            ipv6: boolean("server.use-ipv6")?.unwrap_or(around.ipv6),
            only: boolean("server.set-v6only")?.unwrap_or(around.only),
            mapped: boolean("server.v4mapped")?.or(around.mapped),
        })
    }

    /// server.port, or the one that TLS decides; `None` where it is not known.
    fn port(&self, global: &Scope) -> Result<Option<u16>, Refusal> {
        let written = self.taken(global, "server.port", data::short)?.map(|(port, _)| port);
        let tls = self.taken(global, "ssl.engine", data::boolean)?.is_some_and(|(on, _)| on == Some(true));
        Ok(match written {
            None | Some(Some(0)) if tls => Some(443),
            None | Some(Some(0)) => Some(80),
            Some(port) => port,
        })
    }

    /// `None` where a part of the name is not known.
    fn bound(&self, name: &Value, port: Option<u16>, ipv6: bool) -> Result<Option<Bound>, Refusal> {
        let Some(text) = name.text() else { return Ok(None) };
        let refusal = |why| Refusal::new(why, name.at);
        let text = address::normalize(text).map_err(refusal)?;
        let bound = address::bound(self.ground, &text, port.unwrap_or_default(), ipv6).map_err(refusal)?;
        Ok(Some(bound).filter(|bound| !matches!(bound, Bound::Tcp(_, 0))))
    }

    /// The socket of server.bind and server.port; what systemd hands over is left out of account.
    fn main(
        &'w self,
        global: &Scope,
        port: Option<u16>,
        shared: &Options<'w>,
    ) -> Result<Option<Listener>, Refusal> {
        let bind = self.taken(global, "server.bind", data::string)?;
        let port_at = global.get("server.port").map(|entry| entry.at);
        let site = bind.as_ref().map(|(_, at)| *at).or(port_at).unwrap_or(Span::top(self.main));
        let host = match bind {
            Some((None, _)) => None,
            Some((Some("/dev/stdin"), _)) => return Ok(None),
            Some((Some(host), _)) => Some(host),
            None => Some(""),
        };
        let name = match (host, port) {
            (Some(host), _) if host.starts_with(['/', '\\']) => Some(host.to_owned()),
            (Some(host), Some(port)) => Some(format!("{host}:{port}")),
            _ => None,
        };
        let bound = name.map(|name| address::bound(self.ground, &name, 0, shared.ipv6)).transpose();
        let bound = bound.map_err(|why| Refusal::new(why, site))?;
        let mut listener = self.listener(endpoint(&bound, shared), 0, site, shared, &bound);
        listener.notes.extend(self.unknown.iter().cloned());
        Ok(Some(listener))
    }

    fn listener(
        &self,
        endpoint: Endpoint,
        scope: usize,
        site: Span,
        options: &Options<'_>,
        bound: &Option<Bound>,
    ) -> Listener {
        let Ground { service, place, .. } = self.ground;
        let mut listener = Listener::new(&service.name, place, endpoint, site);
        listener.apply = Apply::Restart;
        (listener.backlog, listener.steps) = self.backlog(options.backlog, "server.listen-backlog");
        if listener.backlog.slot.is_none() && options.backlog.is_none() {
            listener.backlog.slot = self.room(scope);
        }
        let mut note = |what: String| listener.notes.push(Step { value: None, what, at: site });
        match bound {
            None => note("its address is set by what is not in this tree".into()),
            Some(Bound::Named(name)) => note(format!("nothing in this tree says which address {name} is")),
            _ => {}
        }
        let assumed = self.scopes.get(scope).and_then(|scope| scope.assumed.clone());
        assumed.into_iter().for_each(note);
        listener
    }

    /// What listen(2) is called with.
    pub(super) fn backlog(&self, entry: Option<&Entry>, what: &str) -> (Setting, Vec<Step>) {
        let Some(entry) = entry else {
            let (value, step) = self.default.clone().unzip();
            return (Setting { value, slot: None }, step.into_iter().collect());
        };
        let Ok(Some(number)) = data::integer(what, &entry.value) else {
            let what = format!("{what} is set by what is not in this tree");
            return (Setting::default(), vec![Step { value: None, what, at: entry.at }]);
        };
        let at = entry.value.literal.unwrap_or(entry.at);
        let slot = entry.value.literal.filter(|at| self.spells(*at, number)).map(Slot::replace);
        let step = Step { value: Some(number), what: what.to_owned(), at };
        (Setting { value: Some(Known::written(number, at)), slot }, vec![step])
    }

    fn spells(&self, at: Span, number: i64) -> bool {
        self.ground.sources.text(at).parse() == Ok(number)
    }
}

/// The name of our default: musl's SOMAXCONN is no larger than what lighttpd had before it asked the C library.
pub(super) fn default_name(ground: Ground<'_>) -> &'static str {
    let marks = ground.service.reader.get("musl").and_then(toml::Value::as_array);
    let mut marks = marks.into_iter().flatten().filter_map(toml::Value::as_str);
    let is_musl = marks.any(|mark| !ground.tree.glob(mark.as_bytes()).is_empty());
    if is_musl { "backlog-musl" } else { "backlog" }
}

impl Options<'_> {
    /// p->defaults of network_init.
    const NONE: Self = Self { backlog: None, ipv6: false, only: true, mapped: None };
}

fn endpoint(bound: &Option<Bound>, options: &Options<'_>) -> Endpoint {
    match bound {
        Some(Bound::Unix(path)) => Endpoint::Unix(path.clone()),
        Some(Bound::Tcp(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)) => {
            match options.mapped.unwrap_or(!options.only) {
                true => Endpoint::DualStack(*port),
                false => Endpoint::tcp(IpAddr::V6(Ipv6Addr::UNSPECIFIED), *port),
            }
        }
        Some(Bound::Tcp(address, port)) => Endpoint::tcp(*address, *port),
        Some(Bound::Named(_)) | None => Endpoint::Unknown(Transport::Tcp),
    }
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
