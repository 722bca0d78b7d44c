//! Where a socket is bound: ports and hosts as Java reads them, names through the tree's hosts file.

use std::net::{IpAddr, Ipv4Addr};

use super::eval::Evaluation;
use super::value::{Host, Place, Thing, Value};
use crate::model::{Endpoint, Transport};
use crate::syntax::java::{self, Address};

pub(super) fn unknown(why: &str) -> Place {
    Place {
        endpoint: Endpoint::Unknown(Transport::Tcp),
        notes: vec![format!("the address is not known: {why}")],
    }
}

impl Place {
    fn at(endpoint: Endpoint) -> Self {
        Self { endpoint, notes: Vec::new() }
    }

    fn and_unless(mut self, value: &Value) -> Self {
        for outside in &value.unless {
            let note = format!("it is another address if {outside}");
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        self
    }
}

impl Evaluation<'_, '_> {
    /// A host, none for every address, and a port.
    pub(super) fn place(&self, host: Option<&Value>, port: &Value) -> Place {
        if let Some(why) = port.why_unknown() {
            return unknown(&why);
        }
        let number = match port.number().map(u16::try_from) {
            Some(Ok(0)) => return unknown("the kernel picks a free port").and_unless(port),
            Some(Ok(number)) => number,
            _ => return unknown("its port is no port"),
        };
        let place = match host.map(|host| (host, &host.thing)) {
            None | Some((_, Thing::Null)) => Ok(self.on_any(number)),
            Some((_, Thing::Text(name) | Thing::Host(Host::Named(name)))) => self.on(name, number),
            Some((_, Thing::Host(Host::Loopback))) => {
                Ok(Place::at(Endpoint::tcp(IpAddr::V4(Ipv4Addr::LOCALHOST), number)))
            }
            Some((_, Thing::Host(Host::Unknown(why)))) => Err(why.clone()),
            Some((host, _)) => Err(host.why_unknown().unwrap_or_else(|| "its host is no host".to_owned())),
        };
        let place = place.unwrap_or_else(|why| unknown(&why)).and_unless(port);
        match host {
            Some(host) => place.and_unless(host),
            None => place,
        }
    }

    /// One dual-stack socket, unless Java is told to know IPv4 alone.
    fn on_any(&self, port: u16) -> Place {
        Place::at(match self.prefers_ipv4() {
            true => Endpoint::tcp(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port),
            false => Endpoint::DualStack(port),
        })
    }

    fn on(&self, name: &str, port: u16) -> Result<Place, String> {
        match java::resolve(name, self.ground.hosts) {
            Address::Known { ip, .. } if ip.to_canonical().is_unspecified() => Ok(self.on_any(port)),
            Address::Known { ip, assumed } => {
                let notes = if assumed { vec![format!("assumed: {name} is {ip}")] } else { Vec::new() };
                Ok(Place { endpoint: Endpoint::tcp(ip, port), notes })
            }
            Address::Unknown => Err(format!("nothing in this tree says which address {name} is")),
            Address::Refused => Err(format!("\"{name}\" is no address")),
        }
    }

    pub(super) fn unix(&self, path: &Value) -> Place {
        let place = match &path.thing {
            Thing::Text(path) => Place::at(Endpoint::Unix(path.clone())),
            _ => {
                let why = path.why_unknown().unwrap_or_else(|| "its path is no text".to_owned());
                Place { endpoint: Endpoint::Unknown(Transport::Unix), ..unknown(&why) }
            }
        };
        place.and_unless(path)
    }

    /// A SocketAddress; null is a port that the kernel picks.
    pub(super) fn at(&self, address: &Value) -> Place {
        match &address.thing {
            Thing::At(place) => place.clone(),
            Thing::Null => unknown("the kernel picks a free port"),
            _ => unknown(&address.why_unknown().unwrap_or_else(|| "it is no address".to_owned())),
        }
    }

    /// java.net.Inet4Address: what the program itself sets before it opens anything.
    fn prefers_ipv4(&self) -> bool {
        let calls = self.file.names.calls.get("setProperty").map_or(&[][..], Vec::as_slice);
        calls.iter().any(|call| {
            let texts: Vec<&str> = self.arguments(*call).iter().map(|it| self.text(*it)).collect();
            matches!(texts.as_slice(), ["\"java.net.preferIPv4Stack\"", value] if value.trim_matches('"') == "true")
        })
    }
}
