//! A listening socket as a program's files describe it, before the kernel has its say.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PlaceId, Setting, Step};
use crate::text::{HashMap, Sources, Span};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    Tcp,
    Unix,
}

impl Transport {
    pub fn word(self) -> &'static str {
        match self {
            Transport::Tcp => "tcp",
            Transport::Unix => "unix",
        }
    }
}

/// What a socket is bound to, spelled as `ss -lnt` and `ss -lx` print it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", from = "String")]
#[schemars(with = "String")]
pub enum Endpoint {
    /// `0.0.0.0:80`, `[::]:80`, `127.0.0.1:8080`.
    Tcp(SocketAddr),
    /// `*:8080`: one dual-stack socket serves both families.
    DualStack(u16),
    /// A path as configured.
    Unix(String),
    /// The files cannot tell; a step says why.
    Unknown(Transport),
}

impl Endpoint {
    /// An IPv4-mapped address is the IPv4 address, as everybody reads it.
    pub fn tcp(address: IpAddr, port: u16) -> Self {
        Endpoint::Tcp(SocketAddr::new(address.to_canonical(), port))
    }

    pub fn transport(&self) -> Transport {
        match self {
            Endpoint::Tcp(_) | Endpoint::DualStack(_) => Transport::Tcp,
            Endpoint::Unix(_) => Transport::Unix,
            Endpoint::Unknown(transport) => *transport,
        }
    }

    /// The address as `ss` prints it, if known.
    pub fn address(&self) -> Option<String> {
        match self {
            Endpoint::Unknown(_) => None,
            known => Some(known.to_string()),
        }
    }

    pub fn port(&self) -> Option<u16> {
        match self {
            Endpoint::Tcp(address) => Some(address.port()),
            Endpoint::DualStack(port) => Some(*port),
            _ => None,
        }
    }

    /// Whether the kernel refuses to bind the second of two, be they addresses or paths.
    pub fn collides(&self, other: &Self) -> bool {
        match (self, other) {
            (Endpoint::Unix(a), Endpoint::Unix(b)) => a == b,
            _ => self.collides_in_tcp(other),
        }
    }

    /// The same of addresses only: for programs that unlink a path before they bind it.
    pub fn collides_in_tcp(&self, other: &Self) -> bool {
        match (self, other) {
            (Endpoint::DualStack(port), other) | (other, Endpoint::DualStack(port)) => {
                other.port() == Some(*port)
            }
            (Endpoint::Tcp(a), Endpoint::Tcp(b)) => {
                let wide = a.ip().is_unspecified() || b.ip().is_unspecified();
                a.port() == b.port() && a.is_ipv4() == b.is_ipv4() && (a == b || wide)
            }
            _ => false,
        }
    }

    /// Whether only this machine can connect.
    pub fn is_local(&self) -> bool {
        match self {
            Endpoint::Tcp(address) => address.ip().is_loopback(),
            Endpoint::Unix(_) => true,
            Endpoint::DualStack(_) | Endpoint::Unknown(_) => false,
        }
    }
}

/// The addresses that are bound, to find the first one in the way of another ([`Endpoint::collides_in_tcp`]) without looking at
/// all of them.
#[derive(Debug, Default)]
pub struct Occupied {
    firsts: HashMap<(u16, On), usize>,
    count: usize,
}

/// What is bound on a port; families are told by whether they are IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum On {
    Any,
    DualStack,
    Family(bool),
    Wildcard(bool),
    Address(IpAddr),
}

impl Occupied {
    /// Takes an address; the answer is which one, counted from 0, the kernel refuses it for.
    pub fn take(&mut self, endpoint: &Endpoint) -> Option<usize> {
        let nth = self.count;
        self.count += 1;
        let first = self.in_the_way(endpoint);
        let (port, _, own) = Self::kinds(endpoint)?;
        for on in own {
            self.firsts.entry((port, on)).or_insert(nth);
        }
        first
    }

    /// Which address, counted from 0, the kernel would refuse this one for.
    pub fn in_the_way(&self, endpoint: &Endpoint) -> Option<usize> {
        let (port, refused, _) = Self::kinds(endpoint)?;
        refused.into_iter().filter_map(|on| self.firsts.get(&(port, on)).copied()).min()
    }

    /// The port, what must not be there, and what will be.
    fn kinds(endpoint: &Endpoint) -> Option<(u16, Vec<On>, Vec<On>)> {
        Some(match endpoint {
            Endpoint::DualStack(port) => (*port, vec![On::Any], vec![On::Any, On::DualStack]),
            Endpoint::Tcp(address) => {
                let (ip, is_ipv4) = (address.ip(), address.is_ipv4());
                let (mut refused, mut own) = (vec![On::DualStack], vec![On::Any, On::Family(is_ipv4)]);
                if ip.is_unspecified() {
                    refused.push(On::Family(is_ipv4));
                    own.push(On::Wildcard(is_ipv4));
                } else {
                    refused.extend([On::Wildcard(is_ipv4), On::Address(ip)]);
                    own.push(On::Address(ip));
                }
                (address.port(), refused, own)
            }
            Endpoint::Unix(_) | Endpoint::Unknown(_) => return None,
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // ss prints a dotted tail where one is usual; Rust's own Display does the same.
            Endpoint::Tcp(address) => match address.ip() {
                IpAddr::V6(Ipv6Addr::UNSPECIFIED) => write!(f, "[::]:{}", address.port()),
                _ => write!(f, "{address}"),
            },
            Endpoint::DualStack(port) => write!(f, "*:{port}"),
            Endpoint::Unix(path) => f.write_str(path),
            Endpoint::Unknown(_) => f.write_str("?"),
        }
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.to_string()
    }
}

/// What is no address of TCP is a unix path.
impl From<String> for Endpoint {
    fn from(text: String) -> Self {
        match (text.strip_prefix("*:").map(str::parse), text.parse()) {
            (Some(Ok(port)), _) => Endpoint::DualStack(port),
            (_, Ok(address)) => Endpoint::Tcp(address),
            _ => Endpoint::Unix(text),
        }
    }
}

/// What applies a changed backlog. A raised somaxconn always needs a restart: a program that is only reloaded does
/// not call listen(2) again for a number of its own that has not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Apply {
    Reload,
    Restart,
}

impl Apply {
    pub fn word(self) -> &'static str {
        match self {
            Apply::Reload => "reload",
            Apply::Restart => "restart",
        }
    }
}

/// Where a program passes on what it accepts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Next {
    At(Endpoint),
    /// A name that the tree's hosts do not know, and a port: another container's, or another machine's.
    Named(String, u16),
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Next::At(endpoint) => endpoint.fmt(f),
            Next::Named(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

/// One next hop of a listener: a `proxy_pass`, a `server` line of the upstream that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    pub to: Next,
    /// The text that names the address.
    pub at: Span,
}

/// One listening socket, or several alike (`SO_REUSEPORT`), of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The service's name: that of its file in `rules/services/`.
    pub service: String,
    pub place: PlaceId,
    pub endpoint: Endpoint,
    /// The interface that it is bound to (SO_BINDTODEVICE).
    pub interface: Option<String>,
    /// The text that opens it: the `listen` directive, the `Connector`'s start tag, the call.
    pub site: Span,
    /// What listen(2) is called with, negative as passed, before somaxconn.
    pub backlog: Setting,
    /// How many sockets, each with a queue of its own; `None` where it depends on the machine.
    pub sockets: Option<u32>,
    /// What applies a changed backlog.
    pub apply: Apply,
    /// How the program comes to its number; the last one's value is the backlog.
    pub steps: Vec<Step>,
    /// What else a reader should know, such as what must fill before the queue does, or why the address is unknown.
    pub notes: Vec<Step>,
    /// A socket whose small fixed queue is right, such as Tomcat's shutdown port.
    pub internal: bool,
    /// Where what arrives here is passed on to, each address once.
    pub hops: Vec<Hop>,
    /// The program looks at somaxconn itself, and ends where its number is larger.
    pub refuses_above_somaxconn: bool,
    /// What the program itself says when its queue is full.
    pub full: Option<String>,
    /// Where the number that it has by default can be made another, for people.
    pub knob: Option<String>,
    /// The systemd service that starts its program, where the tree has one that names the program's file.
    pub unit: Option<String>,
}

impl Listener {
    /// A socket of which no more is known yet.
    pub fn new(service: &str, place: PlaceId, endpoint: Endpoint, site: Span) -> Self {
        Self {
            service: service.to_owned(),
            place,
            endpoint,
            interface: None,
            site,
            backlog: Setting::default(),
            sockets: Some(1),
            apply: Apply::Restart,
            steps: Vec::new(),
            notes: Vec::new(),
            internal: false,
            hops: Vec::new(),
            refuses_above_somaxconn: false,
            full: None,
            knob: None,
            unit: None,
        }
    }

    /// The address as `ss` prints it, if known: `127.0.0.1:80`, `127.0.0.1%lo:80`.
    pub fn address(&self) -> Option<String> {
        self.endpoint.address().map(|address| bound_to(address, self.interface.as_deref()))
    }
}

/// An address with the interface that its socket is bound to.
pub fn bound_to(address: String, interface: Option<&str>) -> String {
    match interface.zip(address.rsplit_once(':')) {
        Some((interface, (host, port))) => format!("{host}%{interface}:{port}"),
        None => address,
    }
}

/// The ids of listeners in reports: `nginx:0.0.0.0:80`; `node:PATH:LINE` where the address is not known; a second of the same
/// id gets `#2`. What stands before a listener is the name of its root, when there are several, and that of its target.
pub fn ids<'a>(listeners: impl Iterator<Item = (String, &'a Listener)>, sources: &Sources) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::default();
    listeners
        .map(|(before, listener)| {
            let place = listener.address().unwrap_or_else(|| {
                let line = sources.position(listener.site).line;
                format!("{}:{line}", sources.get(listener.site.source).name())
            });
            let id = format!("{before}{}:{place}", listener.service);
            let count = seen.entry(id.clone()).or_default();
            *count += 1;
            if *count == 1 { id } else { format!("{id}#{count}") }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_in_the_way_is_the_one_that_collides() {
        let addresses = ["0.0.0.0", "[::]", "127.0.0.1", "10.0.0.1", "[::1]"];
        let mut all: Vec<Endpoint> = [80, 81].map(Endpoint::DualStack).to_vec();
        for port in [80, 81] {
            all.extend(addresses.iter().map(|it| Endpoint::Tcp(format!("{it}:{port}").parse().unwrap())));
        }
        all.extend([Endpoint::Unix("/a".into()), Endpoint::Unknown(Transport::Tcp)]);
        let pairs = all.iter().flat_map(|a| all.iter().map(move |b| (a, b)));
        for bound in pairs.flat_map(|(a, b)| all.iter().map(move |c| [a, b, c])) {
            let mut occupied = Occupied::default();
            for (nth, it) in bound.iter().enumerate() {
                let first = bound[..nth].iter().position(|other| other.collides_in_tcp(it));
                assert_eq!(occupied.take(it), first, "{bound:?}");
            }
        }
    }
}
