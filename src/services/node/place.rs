//! Where a server listens: ports and hosts as Node reads them, names through the tree's hosts file.

use std::net::{IpAddr, Ipv6Addr};

use super::eval::Evaluation;
use super::value::{Thing, Value};
use crate::model::{Endpoint, Transport};
use crate::syntax::hosts::Named;

/// Addresses, and what is to be said about them.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub endpoints: Vec<Endpoint>,
    pub notes: Vec<String>,
}

impl Place {
    fn at(endpoint: Endpoint) -> Self {
        Self { endpoints: vec![endpoint], notes: Vec::new() }
    }

    /// The variables of the environment that it was taken for granted are not set.
    pub(super) fn and_unless(mut self, names: &[String]) -> Self {
        for name in names {
            let note = match name.strip_prefix("argument ") {
                Some(_) => "another address is possible on the command line".to_owned(),
                None => format!("it is another address if {name} is set in the environment"),
            };
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        self
    }
}

pub(super) fn unknown(why: &str) -> Place {
    Place {
        endpoints: vec![Endpoint::Unknown(Transport::Tcp)],
        notes: vec![format!("the address is not known: {why}")],
    }
}

pub(super) fn any_port() -> Place {
    unknown("the kernel picks a free port")
}

impl Evaluation<'_, '_> {
    /// `listen(port, host)`, or `listen(path)` if the port is a string and no number.
    pub(super) fn place(&self, port: &Value, host: Option<&Value>, ipv6_only: bool) -> Place {
        if matches!(&port.thing, Thing::Text(text) if port.number().is_none_or(f64::is_nan) && !text.is_empty())
        {
            return self.unix(port);
        }
        let port_number = match port_number(port) {
            Ok(number) => number,
            Err(place) => return place,
        };
        let host_unless = host.map_or(&[][..], |host| host.unless.as_slice());
        let place = match host.map(|host| &host.thing) {
            Some(Thing::Text(name)) if !name.is_empty() => self.on_host(name, port_number, ipv6_only),
            Some(Thing::Unknown { why, .. }) => return unknown(why),
            _ if ipv6_only => unknown("Node 24 heeds ipv6Only without a host, Node 20 does not"),
            _ => Place::at(Endpoint::DualStack(port_number)),
        };
        place.and_unless(&port.unless).and_unless(host_unless)
    }

    pub(super) fn unix(&self, path: &Value) -> Place {
        let place = match &path.thing {
            Thing::Text(path) => match path.strip_prefix('\0') {
                Some(name) => Place::at(Endpoint::Unix(format!("@{name}"))),
                None => Place::at(Endpoint::Unix(path.clone())),
            },
            Thing::Unknown { why, .. } => {
                Place { endpoints: vec![Endpoint::Unknown(Transport::Unix)], ..unknown(why) }
            }
            _ => unknown("the path is no string, so Node refuses it"),
        };
        place.and_unless(&path.unless)
    }

    /// Node binds the first address that a name resolves to.
    fn on_host(&self, name: &str, port: u16, ipv6_only: bool) -> Place {
        match name.trim_matches(['[', ']']).parse() {
            Ok(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) if !ipv6_only => Place::at(Endpoint::DualStack(port)),
            Ok(address) => Place::at(Endpoint::tcp(address, port)),
            Err(_) => {
                let mut named = self.program.ground.hosts.resolve(name).to_vec();
                named.sort_by_key(|named| !named.address.is_ipv6());
                named.truncate(1);
                named_place(name, &named, port)
            }
        }
    }

    /// Fastify binds every address of localhost (lib/server.js: multipleBindings).
    pub(super) fn on_localhost(&self, port: &Value) -> Place {
        match port_number(port) {
            Ok(number) => named_place("localhost", self.program.ground.hosts.resolve("localhost"), number)
                .and_unless(&port.unless),
            Err(place) => place,
        }
    }
}

/// getaddrinfo(3) prefers ::1 to 127.0.0.1 (RFC 6724, 2.1), so IPv6 comes first.
fn named_place(name: &str, named: &[Named], port: u16) -> Place {
    if named.is_empty() {
        return unknown(&format!("`{name}` is not in the tree's hosts file"));
    }
    let assumed = named.iter().any(|named| named.at.is_none());
    let note = assumed.then(|| format!("assumed: `{name}` is a name of the loopback addresses"));
    Place {
        endpoints: named.iter().map(|named| Endpoint::tcp(named.address, port)).collect(),
        notes: note.into_iter().collect(),
    }
}

/// `validatePort` of lib/internal/validators.js, and 0 for nothing.
fn port_number(port: &Value) -> Result<u16, Place> {
    let left_to = port.unless.first().map(|name| format!("it is what the environment says in {name}"));
    let number = match &port.thing {
        Thing::Unknown { why, .. } => return Err(unknown(why)),
        Thing::Undefined | Thing::Null if left_to.is_some() => f64::NAN,
        Thing::Undefined | Thing::Null => 0.0,
        Thing::Text(text) if text.trim().is_empty() => f64::NAN,
        Thing::Number(_) | Thing::Text(_) | Thing::Truth(_) => port.number().unwrap_or(f64::NAN),
        _ => return Err(unknown("the port is not a plain value")),
    };
    if let Some(why) = left_to.filter(|_| number.is_nan()) {
        return Err(unknown(&why));
    }
    if number.fract() != 0.0 || !(0.0..=65535.0).contains(&number) {
        return Err(unknown("Node refuses what is given for a port"));
    }
    match number as u16 {
        0 => Err(any_port()),
        port => Ok(port),
    }
}
