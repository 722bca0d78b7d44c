//! Where HAProxy passes on what arrives: the servers of the backends that a frontend names.

use std::collections::{HashMap, HashSet};

use super::super::Ground;
use super::address::{self, Address, Host};
use super::config::{Config, Proxy, Role, Server, is_literal};
use super::environment::Environment;
use crate::model::{Endpoint, Hop, Next};
use crate::text::Span;

/// More than a report can show.
const MAX_HOPS: usize = 256;
/// Thousands of listeners may pass on to thousands of servers.
const MAX_LOOKED_AT: usize = 1024;

/// The servers of one HAProxy, by the names of their backends.
pub(super) struct Hops<'a> {
    ground: Ground<'a>,
    backends: HashMap<&'a str, Vec<(Address, Span)>>,
}

impl<'a> Hops<'a> {
    pub(super) fn new(ground: Ground<'a>, config: &'a Config, environment: &Environment) -> Self {
        let with_servers = |proxy: &&Proxy| matches!(proxy.role, Role::Backend | Role::Listen);
        let live = config.proxies.iter().filter(with_servers).filter(|proxy| !proxy.disabled);
        let servers = |proxy: &Proxy| {
            let addresses = proxy.servers.iter().filter_map(|server| address_of(ground, environment, server));
            addresses.take(MAX_LOOKED_AT).collect()
        };
        let backends = live.map(|proxy| (proxy.name.as_str(), servers(proxy))).collect();
        Self { ground, backends }
    }

    /// The next hops of what a proxy accepts at a port.
    pub(super) fn of(&self, proxy: &Proxy, port: Option<u16>) -> Vec<Hop> {
        let own = Some(proxy.name.as_str()).filter(|_| proxy.role == Role::Listen);
        let named = proxy.uses.iter().chain(&proxy.default_use).filter(|(word, _)| is_literal(word));
        let names = own.into_iter().chain(named.map(|(word, _)| word.text.as_str()));
        let servers = names.take(MAX_LOOKED_AT).filter_map(|name| self.backends.get(name)).flatten();
        let hops = servers.take(MAX_LOOKED_AT).filter_map(|(address, at)| self.hop(address, *at, port));
        let mut seen = HashSet::new();
        hops.filter(|hop| seen.insert(key(&hop.to))).take(MAX_HOPS).collect()
    }

    fn hop(&self, address: &Address, at: Span, port: Option<u16>) -> Option<Hop> {
        let to = match address {
            Address::Tcp(host, ports) => {
                let port = ports.as_ref().map(|ports| *ports.start()).or(port)?;
                match host {
                    // The address that the client connected to.
                    Host::Ip(address) if address.is_unspecified() => return None,
                    Host::Ip(address) => Next::At(Endpoint::tcp(*address, port)),
                    Host::Name(name) => self.ground.next(name, port),
                }
            }
            Address::Unix(path) => Next::At(Endpoint::Unix(path.clone())),
            Address::Inherited | Address::None => return None,
        };
        Some(Hop { to, at })
    }
}

fn address_of(ground: Ground<'_>, environment: &Environment, server: &Server) -> Option<(Address, Span)> {
    let word = Some(&server.address).filter(|word| !word.open)?;
    let text = environment.expand(&word.text)?;
    Some((address::to_connect(ground, &text)?, word.span))
}

fn key(next: &Next) -> (String, u16) {
    match next {
        Next::At(endpoint) => (endpoint.to_string(), 0),
        Next::Named(name, port) => (name.clone(), *port),
    }
}
