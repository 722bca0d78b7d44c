//! Where lighttpd passes on what it accepts, and the sockets that it opens for backends it starts itself (src/gw_backend.c).

use super::data::{self, List, Value};
use super::sockets::{MAX, Socket};
use super::walk::{Entry, Walk};
use super::{Refusal, Start};
use crate::model::{Endpoint, Hop, Listener, Next, Step, Transport};
use crate::text::Span;

/// More processes than a host has for one backend.
const MAX_PROCESSES: u16 = 256;

/// One `( "host" => ..., "port" => ... )`.
struct Backend<'w> {
    list: &'w List,
    at: Span,
    /// The scope that names it, and the option.
    scope: usize,
    option: &'w str,
}

impl<'w> Walk<'_> {
    /// Adds the hops of the sockets, and the sockets of the backends.
    pub(super) fn backends(&'w self, sockets: &mut Vec<Socket>) -> Result<(), Refusal> {
        let mut started: Vec<Socket> = Vec::new();
        for backend in self.named()? {
            let hops = self.hops(&backend)?;
            for socket in sockets.iter_mut().filter(|socket| self.serves(socket.scope, &backend)) {
                for hop in &hops {
                    if !socket.listener.hops.iter().any(|known| known.to == hop.to) {
                        socket.listener.hops.push(hop.clone());
                    }
                }
            }
            if backend.list.get("bin-path").is_some() {
                self.start(&backend, &hops, &mut started)?;
            }
        }
        sockets.append(&mut started);
        Ok(())
    }

    /// All backends of modules that are loaded.
    fn named(&'w self) -> Result<Vec<Backend<'w>>, Refusal> {
        let options = self.ground.service.reader.get("backends").and_then(toml::Value::as_table);
        let mut found = Vec::new();
        for (option, module) in options.into_iter().flatten() {
            if !module.as_str().is_some_and(|module| self.has_module(module)) {
                continue;
            }
            for (scope, entry) in
                self.scopes.iter().enumerate().filter_map(|(i, s)| Some((i, s.get(option)?)))
            {
                let Some(all) = entry.value.list() else {
                    if entry.value.is_open() {
                        continue;
                    }
                    let why = format!("{option} should have been a list of key => list");
                    return Err(Refusal::new(why, entry.at));
                };
                let hosts =
                    all.items.iter().filter_map(|item| item.value.list()).flat_map(|list| &list.items);
                found.extend(hosts.filter_map(|host| {
                    Some(Backend { list: host.value.list()?, at: host.value.at, scope, option })
                }));
                if found.len() > MAX {
                    let why = format!("there are more than {MAX} backends in it");
                    return Err(Refusal { ours: true, ..Refusal::new(why, entry.at) });
                }
            }
        }
        Ok(found)
    }

    /// A module's options count only where it is loaded.
    fn has_module(&self, module: &str) -> bool {
        let modules = self.scopes.first().and_then(|global| global.get("server.modules"));
        match modules.map(|entry| &entry.value) {
            Some(value) if value.is_open() => true,
            Some(value) => value.list().is_some_and(|list| {
                list.items.iter().any(|item| item.value.is_open() || item.value.text() == Some(module))
            }),
            None => self.start == Start::Fragment || !self.is_whole(),
        }
    }

    /// Whether what arrives at a socket can get to a backend. Conditions other than that of a socket may hold.
    fn serves(&self, socket: usize, backend: &Backend<'_>) -> bool {
        let mut next = Some(backend.scope);
        while let Some((index, scope)) = next.and_then(|index| Some((index, self.scopes.get(index)?))) {
            if scope.socket.as_ref().is_some_and(|(compare, _)| *compare == super::lex::Compare::Equal) {
                return index == socket;
            }
            next = scope.parent;
        }
        let own = self.scopes.get(socket).filter(|_| socket != 0 && backend.scope == 0);
        own.is_none_or(|own| own.get(backend.option).is_none())
    }

    fn hops(&self, backend: &Backend<'_>) -> Result<Vec<Hop>, Refusal> {
        let Backend { list, at, .. } = backend;
        let text = |key| list.get(key).and_then(|value| Some((value.text()?, value.at)));
        let starts = list.get("bin-path").is_some();
        let processes = if starts { processes(list)? } else { 1 };
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
        let port = match list.get("port").map(|value| data::short("port", value)).transpose() {
            Ok(None | Some(Some(0))) => 80,
            Ok(Some(Some(port))) => port,
            Ok(Some(None)) => return Ok(Vec::new()),
            Err(why) => return Err(Refusal::new(why, *at)),
        };
        // sock_addr_from_str_hints in src/sock_addr.c.
        let host = if host == "localhost" { "127.0.0.1" } else { host };
        let ports = (0..processes).map(|number| port.wrapping_add(number));
        Ok(ports.map(|port| Hop { to: self.ground.next(host, port), at: site }).collect())
    }

    /// lighttpd listens before it starts the backend, and hands the socket over.
    fn start(&self, backend: &Backend<'_>, hops: &[Hop], started: &mut Vec<Socket>) -> Result<(), Refusal> {
        let list = backend.list;
        let entry = list.get("listen-backlog").map(entry);
        if let Some(entry) = &entry {
            data::integer("listen-backlog", &entry.value).map_err(|why| Refusal::new(why, entry.at))?;
        }
        let transport = if list.get("socket").is_some() { Transport::Unix } else { Transport::Tcp };
        let unknown = (Endpoint::Unknown(transport), backend.at);
        let known = hops.iter().map(|hop| match &hop.to {
            Next::At(endpoint) => (endpoint.clone(), hop.at),
            Next::Named(..) => unknown.clone(),
        });
        let mut openings: Vec<(Endpoint, Span)> = known.collect();
        if openings.is_empty() {
            openings = vec![unknown.clone(); processes(list)?.into()];
        }
        // The sockets of one backend share its number: it is put in once.
        let mut room = list.inside.filter(|_| entry.is_none());
        for (endpoint, site) in openings {
            let is_known = !matches!(endpoint, Endpoint::Unknown(_));
            if is_known && started.iter().any(|socket| socket.listener.endpoint == endpoint) {
                continue;
            }
            let ground = self.ground;
            let mut listener = Listener::new(&ground.service.name, ground.place, endpoint, site);
            (listener.backlog, listener.steps) = self.backlog(entry.as_ref(), "listen-backlog");
            if let Some(room) = room.take() {
                listener.backlog.slot = Some(self.list_room(room));
            }
            if !is_known {
                let what = "its address is set by what is not in this tree".into();
                listener.notes.push(Step { value: None, what, at: site });
            }
            started.push(Socket { scope: backend.scope, listener });
        }
        Ok(())
    }
}

fn entry(value: &Value) -> Entry {
    Entry { value: value.clone(), at: value.at }
}

/// How many processes are started at once: min-procs, at most max-procs, each four unless set.
fn processes(list: &List) -> Result<u16, Refusal> {
    let number = |key| match list.get(key) {
        Some(value) => data::short(key, value).map_err(|why| Refusal::new(why, value.at)),
        None => Ok(Some(4)),
    };
    let (least, most) = (number("min-procs")?.unwrap_or(4), number("max-procs")?.unwrap_or(4));
    Ok(least.min(most).min(MAX_PROCESSES))
}
