//! Where a server listens: hosts and ports as each library takes them, names through the tree's hosts file.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::table::Binds;
use crate::model::{Endpoint, Transport};
use crate::services::Ground;
use crate::syntax::hosts::Named;
use crate::syntax::python::{Thing, Value, integer_of};

/// Addresses, and what is to be said about them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Place {
    pub endpoints: Vec<Endpoint>,
    pub notes: Vec<String>,
}

/// The family that a socket was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
    Unix,
    /// Bluetooth, vsock and others that the accept queue of TCP has no part in.
    Other,
    Unknown,
}

impl Family {
    /// `socket.AF_INET6` and its like; IPv4 where nothing is said.
    pub(super) fn of(value: Option<&Value>) -> Self {
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
pub(super) struct Rules<'a> {
    pub ground: Ground<'a>,
    pub binds: Binds,
    pub family: Family,
    /// `IPV6_V6ONLY` is set.
    pub v6_only: bool,
}

impl Place {
    pub(super) fn at(endpoint: Endpoint) -> Self {
        Self { endpoints: vec![endpoint], notes: Vec::new() }
    }

    pub(super) fn unknown(why: &str) -> Self {
        Self {
            endpoints: vec![Endpoint::Unknown(Transport::Tcp)],
            notes: vec![format!("the address is not known: {why}")],
        }
    }

    pub(super) fn unless(mut self, reasons: &[String]) -> Self {
        for reason in reasons {
            let note = format!("it is another address if {reason}");
            if !self.notes.contains(&note) && self.is_known() {
                self.notes.push(note);
            }
        }
        self
    }

    pub(super) fn is_known(&self) -> bool {
        !self.endpoints.iter().any(|endpoint| matches!(endpoint, Endpoint::Unknown(_)))
    }

    pub(super) fn join(&mut self, other: Place) {
        for endpoint in other.endpoints {
            if matches!(endpoint, Endpoint::Unknown(_)) || !self.endpoints.contains(&endpoint) {
                self.endpoints.push(endpoint);
            }
        }
        for note in other.notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }
}

/// Why a value is nothing that a place can be made of.
pub(super) fn why_not(value: &Value, what: &str) -> String {
    match (&value.thing, value.unless.first()) {
        (Thing::Unknown(why), _) => why.clone(),
        (Thing::None, Some(unless)) => format!("it is known only if {unless}"),
        (Thing::Named(name), _) => format!("the files do not tell what `{name}` is"),
        _ => format!("it is no {what}"),
    }
}

pub(super) fn unix(path: &Value) -> Place {
    match path.text() {
        Some(path) => match path.strip_prefix('\0') {
            Some(name) => Place::at(Endpoint::Unix(format!("@{name}"))),
            None => Place::at(Endpoint::Unix(path.to_owned())),
        },
        None => Place {
            endpoints: vec![Endpoint::Unknown(Transport::Unix)],
            ..Place::unknown(&why_not(path, "path"))
        },
    }
    .unless(&path.unless)
}

/// A port that may be bound; the kernel picks one for 0.
fn port_of(port: &Value) -> Result<u16, Place> {
    let number = match &port.thing {
        Thing::Number(number) => Some(*number),
        Thing::Text(text) => integer_of(text),
        _ => None,
    };
    let Some(number) = number else { return Err(Place::unknown(&why_not(port, "port"))) };
    match u16::try_from(number) {
        Ok(0) => Err(Place::unknown("the kernel picks a free port")),
        Ok(port) => Ok(port),
        Err(_) => Err(Place::unknown("no port has this number")),
    }
}

impl Rules<'_> {
    /// A host and a port; no host, or an empty one, means every address.
    pub(super) fn host_and_port(&self, host: Option<&Value>, port: &Value) -> Place {
        let port_number = match port_of(port) {
            Ok(number) => number,
            Err(place) => return place,
        };
        let unless = host.map_or(&[][..], |host| host.unless.as_slice());
        let place = match host.map(|host| &host.thing) {
            None => self.on_any(port_number),
            Some(Thing::None) if unless.is_empty() => self.on_any(port_number),
            Some(Thing::Text(name)) => self.on_host(name, port_number),
            Some(Thing::List(hosts)) if self.binds == Binds::Every => {
                let mut all = Place::default();
                for host in hosts {
                    all.join(self.host_and_port(Some(host), port));
                }
                all
            }
            Some(_) => return Place::unknown(&host.map(|host| why_not(host, "host")).unwrap_or_default()),
        };
        place.unless(&port.unless).unless(unless)
    }

    fn on_any(&self, port: u16) -> Place {
        let v4 = Endpoint::tcp(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
        match (self.binds, self.family) {
            (_, Family::Unknown) => Place::unknown("the files do not tell the family of the socket"),
            (Binds::Every, _) => {
                let v6 = Endpoint::tcp(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
                Place { endpoints: vec![v4, v6], notes: Vec::new() }
            }
            (Binds::Gevent, _) | (Binds::Family, Family::V6) => {
                Place::at(self.v6(Ipv6Addr::UNSPECIFIED, port))
            }
            _ => Place::at(v4),
        }
    }

    fn v6(&self, address: Ipv6Addr, port: u16) -> Endpoint {
        match address.is_unspecified() && !self.v6_only && self.binds != Binds::Every {
            true => Endpoint::DualStack(port),
            false => Endpoint::tcp(IpAddr::V6(address), port),
        }
    }

    fn on_host(&self, name: &str, port: u16) -> Place {
        if name.is_empty() {
            return self.on_any(port);
        }
        if self.binds == Binds::Family && self.family == Family::Unknown {
            return Place::unknown("the files do not tell the family of the socket");
        }
        let v6_family = self.binds == Binds::Family && self.family == Family::V6;
        match name.trim_matches(['[', ']']).parse() {
            Ok(IpAddr::V6(_)) if self.binds == Binds::Family && !v6_family => {
                Place::unknown("an IPv4 socket takes no IPv6 address")
            }
            Ok(IpAddr::V6(address)) => Place::at(self.v6(address, port)),
            Ok(IpAddr::V4(_)) if v6_family => Place::unknown("an IPv6 socket takes no IPv4 address"),
            Ok(address) => Place::at(Endpoint::tcp(address, port)),
            Err(_) => self.on_name(name, port, v6_family),
        }
    }

    fn on_name(&self, name: &str, port: u16, v6_family: bool) -> Place {
        let named = self.ground.hosts.resolve(name);
        let fits = |named: &&Named| self.binds == Binds::Every || named.address.is_ipv6() == v6_family;
        let mut fitting: Vec<&Named> = named.iter().filter(fits).collect();
        if self.binds != Binds::Every {
            fitting.truncate(1);
        }
        if fitting.is_empty() {
            return Place::unknown(&format!("`{name}` is not in the tree's hosts file"));
        }
        let mut place = Place::default();
        for named in fitting {
            place.join(Place::at(Endpoint::tcp(named.address, port)));
            if named.at.is_none() && self.binds == Binds::Every {
                let note = format!("assumed: `{name}` is a name of the loopback addresses");
                place.notes = vec![note];
            }
        }
        place
    }

    /// A pair of host and port, or a path.
    pub(super) fn address(&self, address: &Value) -> Place {
        match &address.thing {
            Thing::List(parts) => match (parts.first(), parts.get(1)) {
                (Some(host), Some(port)) => self.host_and_port(Some(host), port).unless(&address.unless),
                _ => Place::unknown("it is no pair of host and port"),
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
            Thing::Text(_) => unix(address),
            _ => Place::unknown(&why_not(address, "pair of host and port")),
        }
    }

    /// `host:port`, `[::1]:port`, `unix:/path`, several of them in a list or with blanks between.
    pub(super) fn addresses(&self, addresses: &Value, default_port: &Value) -> Place {
        let mut all = Place::default();
        match &addresses.thing {
            Thing::Text(text) => {
                for one in text.split_ascii_whitespace() {
                    all.join(self.one_address(one, default_port));
                }
                all = all.unless(&addresses.unless);
            }
            Thing::List(items) => items.iter().for_each(|item| all.join(self.addresses(item, default_port))),
            _ => return Place::unknown(&why_not(addresses, "text")),
        }
        all
    }

    fn one_address(&self, text: &str, default_port: &Value) -> Place {
        if let Some(path) = text.strip_prefix("unix:") {
            return unix(&text_of(path));
        }
        if text.starts_with("fd://") {
            return Place::unknown("the socket is handed over by who starts the program");
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

fn text_of(text: &str) -> Value {
    Thing::Text(text.to_owned()).into()
}
