//! Where a program listens: a host and a port come to the sockets that it binds, or to why they are not known, each fact in
//! one wording. What a program takes for a host or a port, and whether it starts without one, its reader knows.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::{Ask, Ground};
use crate::model::{Endpoint, Label, Listener, Next, Problem, ProblemKind, Step, Transport, key};
use crate::syntax::eval::not_told;
use crate::syntax::hosts::{Hosts, Named};
use crate::syntax::java::{self, Address};
use crate::text::Span;

/// Where sysctl.d(5) looks: of two files of one name the one in the first folder counts.
const SYSCTL_FOLDERS: [&str; 4] =
    ["etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d", "usr/lib/sysctl.d"];
const IPV6_SWITCHES: [&str; 2] = ["net.ipv6.conf.all.disable_ipv6", "net.ipv6.conf.default.disable_ipv6"];

/// How a program makes sockets of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    pub empty: Empty,
    pub names: Names,
    pub dual_stack: DualStack,
}

/// What a host is that is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Empty {
    Ipv4,
    Ipv6,
    /// A socket for each family.
    Both,
    /// A name like any other, which nobody has.
    Name,
}

/// Which of its addresses a name is bound to. Literals are bound as they are, but for those who know one family only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    All,
    First,
    /// The first one of IPv4, else the first.
    Ipv4First,
    Ipv6First,
    /// The first one of IPv4.
    Ipv4,
    /// The same, and literals of IPv6 do not fit.
    OnlyIpv4,
    OnlyIpv6,
    /// None: a host is a literal.
    Refused,
}

/// Which wildcards serve both families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DualStack {
    Never,
    /// `::`, as Linux has it (net.ipv6.bindv6only).
    Ipv6,
    /// `0.0.0.0` as well: the program makes sockets of IPv6 alone.
    Any,
}

/// Why an address is not known, or is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Port 0, or none.
    AnyPort,
    NoPort(String),
    /// A name that a name server may know.
    Unresolved(String),
    NoAddress(String),
    /// A literal of the family that the socket is not of.
    OtherFamily(IpAddr),
    /// What is written stands for what is not in the tree: a variable, a template.
    Elsewhere(String),
    /// The same where what is written says no more.
    NotTold,
    /// Somebody else opens the socket.
    Handed,
    /// The same, as this descriptor.
    Descriptor(i64),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::AnyPort => f.write_str("the kernel picks a free port"),
            Why::NoPort(text) => write!(f, "`{text}` is not a port"),
            Why::Unresolved(name) => write!(f, "the files do not say which address `{name}` is"),
            Why::NoAddress(text) if text.is_empty() => f.write_str("it is empty"),
            Why::NoAddress(text) => write!(f, "`{text}` is not an address"),
            Why::OtherFamily(IpAddr::V4(_)) => f.write_str("an IPv6 socket cannot use an IPv4 address"),
            Why::OtherFamily(IpAddr::V6(_)) => f.write_str("an IPv4 socket cannot use an IPv6 address"),
            Why::Elsewhere(text) => f.write_str(&not_told(text)),
            Why::NotTold => f.write_str("the files do not show it"),
            Why::Handed => f.write_str("the parent process opens the socket"),
            Why::Descriptor(number) => {
                write!(f, "the parent process opens the socket as descriptor {number}")
            }
        }
    }
}

/// A port that can be bound.
pub fn port_of<N: TryInto<u16> + fmt::Display + Copy>(number: N) -> Result<u16, Why> {
    match number.try_into() {
        Ok(0) => Err(Why::AnyPort),
        Ok(port) => Ok(port),
        Err(_) => Err(Why::NoPort(number.to_string())),
    }
}

/// A name has its addresses because every machine gives them so; no file says it.
const ASSUMED: &str = "assuming that localhost is 127.0.0.1 and ::1";

/// How a name came to an address.
pub fn by_name(named: &Named, at: Span) -> Step {
    match named.at {
        Some(line) => Step::note("the address of this name in etc/hosts", line),
        None => Step::note(ASSUMED, at),
    }
}

/// What makes it another address.
pub fn another(reason: impl fmt::Display) -> String {
    format!("it is another address if {reason}")
}

/// Why an address was not bound (EADDRINUSE).
pub fn in_use(address: impl fmt::Display) -> String {
    format!("bind() to {address} failed (98: Address already in use)")
}

/// The sockets that something opens, and what is to be said of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bound {
    pub endpoints: Vec<Endpoint>,
    pub notes: Vec<String>,
}

impl Bound {
    pub fn at(endpoint: Endpoint) -> Self {
        Self { endpoints: vec![endpoint], notes: Vec::new() }
    }

    /// A path; without a file where it begins with a zero, which `ss` shows as `@`.
    pub fn path(path: &str) -> Self {
        Self::at(Endpoint::Unix(match path.strip_prefix('\0') {
            Some(name) => format!("@{name}"),
            None => path.to_owned(),
        }))
    }

    pub fn unknown(why: impl fmt::Display) -> Self {
        Self::unknown_on(Transport::Tcp, why)
    }

    pub fn unknown_on(transport: Transport, why: impl fmt::Display) -> Self {
        let notes = vec![format!("unknown address: {why}")];
        Self { notes, ..Self::at(Endpoint::Unknown(transport)) }
    }

    /// The reasons for which it may be another address.
    pub fn unless(mut self, reasons: impl IntoIterator<Item = impl fmt::Display>) -> Self {
        let known = self.is_known();
        for reason in reasons.into_iter().filter(|_| known) {
            self.note(another(reason));
        }
        self
    }

    pub fn is_known(&self) -> bool {
        !self.endpoints.iter().any(|endpoint| matches!(endpoint, Endpoint::Unknown(_)))
    }

    pub fn note(&mut self, what: String) {
        if !self.notes.contains(&what) {
            self.notes.push(what);
        }
    }

    /// More sockets, each address once.
    pub fn join(&mut self, other: Bound) {
        for endpoint in other.endpoints {
            if matches!(endpoint, Endpoint::Unknown(_)) || !self.endpoints.contains(&endpoint) {
                self.endpoints.push(endpoint);
            }
        }
        other.notes.into_iter().for_each(|what| self.note(what));
    }

    pub fn steps(&self, at: Span) -> impl Iterator<Item = Step> {
        self.notes.iter().map(move |what| Step::note(what, at))
    }
}

impl From<Why> for Bound {
    fn from(why: Why) -> Self {
        Self::unknown(why)
    }
}

impl Policy {
    /// What Go's net.Listen binds to on a network (`tcp`, `tcp4`, `tcp6`): an unspecified address of either family is both of
    /// them (net/ipsock_posix.go: favoriteAddrFamily), a name its first IPv4 address.
    pub fn go(network: &str) -> Self {
        let (empty, names, dual_stack) = match network {
            "tcp4" => (Empty::Ipv4, Names::OnlyIpv4, DualStack::Never),
            "tcp6" => (Empty::Ipv6, Names::OnlyIpv6, DualStack::Never),
            _ => (Empty::Ipv6, Names::Ipv4First, DualStack::Any),
        };
        Self { empty, names, dual_stack }
    }

    /// The socket at an address.
    pub fn endpoint(&self, address: IpAddr, port: u16) -> Endpoint {
        match (address.is_unspecified(), self.dual_stack) {
            (true, DualStack::Any) => Endpoint::DualStack(port),
            (true, DualStack::Ipv6) if address.is_ipv6() => Endpoint::DualStack(port),
            _ => Endpoint::tcp(address, port),
        }
    }

    /// What is bound without a host.
    pub fn any(&self, port: u16) -> Option<Bound> {
        let (v4, v6) = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        let all: &[IpAddr] = match self.empty {
            Empty::Ipv4 => &[v4],
            Empty::Ipv6 => &[v6],
            Empty::Both => &[v4, v6],
            Empty::Name => return None,
        };
        let endpoints = all.iter().map(|address| self.endpoint(*address, port)).collect();
        Some(Bound { endpoints, notes: Vec::new() })
    }

    fn bind(&self, hosts: &Hosts, host: &str, port: u16) -> Result<Bound, Why> {
        if let Some(any) = self.any(port).filter(|_| host.is_empty()) {
            return Ok(any);
        }
        match literal(host) {
            Some(address) if self.names.takes(address) => Ok(Bound::at(self.endpoint(address, port))),
            Some(address) => Err(Why::OtherFamily(address)),
            None if self.names == Names::Refused => Err(Why::NoAddress(host.to_owned())),
            None => match self.names.of(hosts.resolve(host)) {
                [] => Err(Why::Unresolved(host.to_owned())),
                named => Ok(self.named(named, port)),
            },
        }
    }

    fn named(&self, named: &[Named], port: u16) -> Bound {
        let mut bound = Bound::default();
        for named in named {
            bound.join(Bound::at(self.endpoint(named.address, port)));
            if named.at.is_none() {
                bound.note(ASSUMED.to_owned());
            }
        }
        bound
    }
}

impl Names {
    /// Whether the program binds an address that is written as one.
    fn takes(self, address: IpAddr) -> bool {
        match self {
            Names::OnlyIpv4 => address.is_ipv4(),
            Names::OnlyIpv6 => address.is_ipv6(),
            _ => true,
        }
    }

    /// What is bound of a name's addresses.
    fn of(self, all: &[Named]) -> &[Named] {
        let first = |ipv4: bool| all.iter().position(|named| named.address.is_ipv4() == ipv4);
        let at = match self {
            Names::All => return all,
            Names::First => Some(0),
            Names::Ipv4First => first(true).or(Some(0)),
            Names::Ipv6First => first(false).or(Some(0)),
            Names::Ipv4 | Names::OnlyIpv4 => first(true),
            Names::OnlyIpv6 => first(false),
            Names::Refused => None,
        };
        at.and_then(|at| all.get(at..=at)).unwrap_or_default()
    }
}

impl Ground<'_> {
    /// The sockets of a host and a port. A host is a literal, with brackets or without, or a name of etc/hosts.
    pub fn bind(&self, policy: Policy, host: &str, port: u16) -> Result<Bound, Why> {
        policy.bind(self.hosts, host, port)
    }

    /// The sockets of a host and a port as programs on Java have them, which make sockets of IPv6 unless they are told to know
    /// IPv4 alone (java.net.preferIPv4Stack).
    pub fn bind_java(&self, host: Option<&str>, port: u16, ipv4_alone: bool) -> Result<Bound, Why> {
        let (empty, dual_stack) = match ipv4_alone {
            true => (Empty::Ipv4, DualStack::Never),
            false => (Empty::Ipv6, DualStack::Any),
        };
        let policy = Policy { empty, names: Names::Ipv4First, dual_stack };
        let any = || policy.any(port).unwrap_or_default();
        let Some(host) = host else { return Ok(any()) };
        let (ip, note) = self.java_address(host)?;
        let mut bound = match ip.to_canonical().is_unspecified() {
            true => any(),
            false => Bound::at(policy.endpoint(ip, port)),
        };
        bound.notes.extend(note);
        Ok(bound)
    }

    /// What java.net.InetAddress.getByName makes of a host, with what is to be said of it.
    pub fn java_address(&self, host: &str) -> Result<(IpAddr, Option<String>), Why> {
        match java::resolve(host, self.hosts) {
            Address::Known { ip, assumed } => Ok((ip, assumed.then(|| ASSUMED.to_owned()))),
            Address::Unknown => Err(Why::Unresolved(host.to_owned())),
            Address::Refused => Err(Why::NoAddress(host.to_owned())),
        }
    }

    /// The line that switches IPv6 off at boot, as who asks the machine for its addresses finds it (AI_ADDRCONFIG): the last of
    /// its key, of files in the order of their names (sysctl.d(5)).
    pub fn ipv6_off(&self) -> Option<Step> {
        let mut files = BTreeMap::new();
        for folder in SYSCTL_FOLDERS.map(Path::new) {
            let names =
                self.tree.list(folder).into_iter().filter(|it| it.to_string_lossy().ends_with(".conf"));
            names.for_each(|name| {
                let path = folder.join(&name);
                files.entry(name).or_insert(path);
            });
        }
        let sources = files.values().filter_map(|file| self.tree.read(self.sources, file).ok());
        let lines = sources.flat_map(|source| {
            let mut end = 0;
            self.sources.bytes(source).split_inclusive(|byte| *byte == b'\n').filter_map(move |line| {
                let start = end;
                end += line.len();
                let (name, value) = std::str::from_utf8(line).ok()?.split_once('=')?;
                let name = key::dotted(name.trim().trim_start_matches('-'));
                let at = Span::new(source, start..start + line.trim_ascii_end().len());
                IPV6_SWITCHES.contains(&name.as_str()).then(|| (value.trim() == "1", at))
            })
        });
        let (_, at) = lines.last().filter(|(off, _)| *off)?;
        Some(Step::note("IPv6 is off: if the machine has an IPv4 address, it listens on 0.0.0.0 instead", at))
    }

    /// The addresses of a host as a program is told it: a literal, with brackets or without, or a name of etc/hosts.
    pub fn addresses(&self, host: &str) -> Vec<IpAddr> {
        match literal(host) {
            Some(literal) => vec![literal],
            None => self.hosts.resolve(host).iter().map(|named| named.address).collect(),
        }
    }

    /// The next hop at a host and port.
    pub fn next(&self, host: &str, port: u16) -> Next {
        let named = || self.hosts.resolve(host).first().map(|named| named.address);
        match literal(host).or_else(named) {
            Some(address) => Next::At(Endpoint::tcp(address, port)),
            None => Next::Named(host.to_ascii_lowercase(), port),
        }
    }

    /// A socket of the service.
    pub fn listener(&self, endpoint: Endpoint, site: Span, ask: Ask) -> Listener {
        let Ask { backlog, steps } = ask;
        Listener { backlog, steps, ..Listener::new(&self.service.name, self.place, endpoint, site) }
    }

    /// All sockets that something opens, with one number.
    pub fn listeners(&self, bound: &Bound, site: Span, ask: &Ask) -> Vec<Listener> {
        let notes: Vec<Step> = bound.steps(site).collect();
        let listener = |endpoint: &Endpoint| Listener {
            notes: notes.clone(),
            ..self.listener(endpoint.clone(), site, ask.clone())
        };
        bound.endpoints.iter().map(listener).collect()
    }

    /// A socket that is not bound, because another one is in its way (EADDRINUSE).
    pub fn conflict(&self, message: impl Into<String>, at: Span, first: Label) -> Problem {
        Problem { labels: vec![first], ..self.problem(ProblemKind::Conflict, message, at) }
    }
}

/// An address, with brackets or without.
fn literal(host: &str) -> Option<IpAddr> {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

/// The socket that is in the way of another address, of those bound before it, as a conflict labels it.
pub(super) fn in_the_way<'l>(
    bound: impl IntoIterator<Item = &'l Listener>,
    next: &Endpoint,
) -> Option<Label> {
    bound.into_iter().find(|first| first.endpoint.collides_in_tcp(next)).map(bound_first)
}

pub(super) fn bound_first(first: &Listener) -> Label {
    bound_here(&first.endpoint, first.site)
}

pub(super) fn bound_here(first: &Endpoint, at: Span) -> Label {
    Label::new(at, format!("{first} is bound here first"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Sources, Tree};

    const EACH: Policy = Policy { empty: Empty::Both, names: Names::All, dual_stack: DualStack::Never };
    const FIRST: Policy = Policy { empty: Empty::Ipv6, names: Names::Ipv6First, dual_stack: DualStack::Ipv6 };
    const IPV4: Policy = Policy { empty: Empty::Ipv4, names: Names::OnlyIpv4, dual_stack: DualStack::Ipv6 };
    const LITERAL: Policy = Policy { empty: Empty::Name, names: Names::Refused, dual_stack: DualStack::Ipv6 };

    fn hosts(text: Option<&str>) -> Hosts {
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = text {
            std::fs::create_dir(folder.path().join("etc")).unwrap();
            std::fs::write(folder.path().join("etc/hosts"), text).unwrap();
        }
        Hosts::read(&Sources::new(), &Tree::open(folder.path(), true).unwrap())
    }

    /// The sockets, or why there are none, and what is said of them.
    fn said(hosts: &Hosts, policy: Policy, host: &str) -> String {
        let bound = policy.bind(hosts, host, 80).unwrap_or_else(Bound::from);
        let endpoints = bound.endpoints.iter().map(ToString::to_string);
        endpoints.chain(bound.notes).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_policy_decides_what_a_host_is() {
        let hosts = &hosts(Some("127.0.0.1 localhost\n10.0.0.1 web\nfd00::1 web\n10.0.0.2 four\n"));
        for (policy, host, sockets) in [
            (EACH, "", "0.0.0.0:80 [::]:80"),
            (EACH, "::", "[::]:80"),
            (EACH, "web", "10.0.0.1:80 [fd00::1]:80"),
            (FIRST, "", "*:80"),
            (FIRST, "[::]", "*:80"),
            (FIRST, "0.0.0.0", "0.0.0.0:80"),
            (FIRST, "web", "[fd00::1]:80"),
            (FIRST, "WEB", "[fd00::1]:80"),
            (FIRST, "four", "10.0.0.2:80"),
            (FIRST, "localhost", "127.0.0.1:80"),
            (IPV4, "", "0.0.0.0:80"),
            (IPV4, "web", "10.0.0.1:80"),
            (IPV4, "::1", "? unknown address: an IPv4 socket cannot use an IPv6 address"),
            (LITERAL, "::1", "[::1]:80"),
            (LITERAL, "web", "? unknown address: `web` is not an address"),
            (FIRST, "db", "? unknown address: the files do not say which address `db` is"),
            (Policy::go("tcp"), "", "*:80"),
            (Policy::go("tcp"), "0.0.0.0", "*:80"),
            (Policy::go("tcp"), "web", "10.0.0.1:80"),
            (Policy::go("tcp4"), "", "0.0.0.0:80"),
            (Policy::go("tcp6"), "", "[::]:80"),
            (Policy::go("tcp6"), "web", "[fd00::1]:80"),
        ] {
            assert_eq!(said(hosts, policy, host), sockets, "{policy:?} {host}");
        }
    }

    #[test]
    fn what_is_assumed_is_said() {
        let hosts = &hosts(None);
        assert_eq!(said(hosts, EACH, "localhost"), format!("127.0.0.1:80 [::1]:80 {ASSUMED}"));
        assert_eq!(said(hosts, FIRST, "localhost"), format!("[::1]:80 {ASSUMED}"));
    }

    #[test]
    fn ports_are_16_bits_and_0_is_any() {
        assert_eq!(port_of(65535), Ok(65535));
        assert_eq!(port_of(0), Err(Why::AnyPort));
        assert_eq!(port_of(65536), Err(Why::NoPort("65536".into())));
        assert_eq!(port_of(-1_i64), Err(Why::NoPort("-1".into())));
    }

    #[test]
    fn sockets_are_joined_once_and_reasons_only_of_what_is_known() {
        let mut all = Bound::path("\0name");
        all.join(Bound::path("@name"));
        all.join(Bound::path("/run/x").unless(["A is set", "A is set"]));
        assert_eq!(all.endpoints, ["@name", "/run/x"].map(|path| Endpoint::Unix(path.into())));
        assert_eq!(all.notes, ["it is another address if A is set"]);
        assert_eq!(Bound::unknown("x").unless(["A is set"]).notes, ["unknown address: x"]);
    }
}
