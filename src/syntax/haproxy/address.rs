//! Addresses as `bind` and `server` take them (str2sa_range() in src/tools.c).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

/// The room for a path in a sockaddr_un (unix(7)), and what HAProxy keeps of it for `.<pid>.tmp`.
const UNIX_PATH: usize = 107;
const UNIX_SUFFIX: usize = 10;

/// What stands before an address: its family, if it names one, and whether connections come there at all.
const PREFIXES: [(&str, Family, Flow); 25] = [
    ("mptcp4@", Family::V4, Flow::Stream),
    ("mptcp6@", Family::V6, Flow::Stream),
    ("mptcp@", Family::Any, Flow::Stream),
    ("quic4@", Family::V4, Flow::Datagram),
    ("quic6@", Family::V6, Flow::Datagram),
    ("sockpair@", Family::Descriptor, Flow::None),
    ("rhttp@", Family::Any, Flow::None),
    ("rev@", Family::Any, Flow::None),
    ("abns@", Family::Abstract, Flow::Own),
    ("abnsz@", Family::Abstract, Flow::Own),
    ("unix@", Family::Unix, Flow::Own),
    ("uxst@", Family::Unix, Flow::Stream),
    ("uxdg@", Family::Unix, Flow::Datagram),
    ("ipv4@", Family::V4, Flow::Own),
    ("ipv6@", Family::V6, Flow::Own),
    ("tcp4@", Family::V4, Flow::Stream),
    ("tcp6@", Family::V6, Flow::Stream),
    ("udp4@", Family::V4, Flow::Datagram),
    ("udp6@", Family::V6, Flow::Datagram),
    ("tcp@", Family::Any, Flow::Stream),
    ("udp@", Family::Any, Flow::Datagram),
    ("ip@", Family::Any, Flow::Own),
    ("fd@", Family::Descriptor, Flow::Own),
    ("/", Family::Unix, Flow::Own),
    ("", Family::Any, Flow::Own),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Any,
    V4,
    V6,
    Unix,
    Abstract,
    Descriptor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// That of the keyword, or of `stream+` and `dgram+`.
    Own,
    Stream,
    Datagram,
    /// No socket of its own.
    None,
}

/// The addresses of a host, as far as they are known.
pub type Resolve<'r> = &'r dyn Fn(&str) -> Vec<IpAddr>;

/// The host part of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    Ip(IpAddr),
    /// A name that these files do not resolve, or resolve to several families.
    Name(String),
}

/// Where something listens or connects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// No ports: the one that the client connected to.
    Tcp(Host, Option<RangeInclusive<u16>>),
    /// The path as `ss` shows it.
    Unix(String),
    /// A descriptor that whoever starts HAProxy has opened.
    Inherited,
    /// Datagrams, QUIC and connections turned round: nothing is accepted.
    None,
}

impl Address {
    /// How many sockets it is.
    pub fn sockets(&self) -> i64 {
        match self {
            Address::Tcp(_, Some(ports)) => i64::try_from(ports.len()).unwrap_or(i64::MAX),
            _ => 1,
        }
    }
}

/// Reads one address of `bind`, or says in HAProxy's words what is wrong with it.
pub fn to_listen(resolve: Resolve<'_>, text: &str, prefix: &str) -> Result<Address, String> {
    read(resolve, text, prefix, true)
}

/// Reads the address of a server. Nothing, where HAProxy would not take it.
pub fn to_connect(resolve: Resolve<'_>, text: &str) -> Option<Address> {
    read(resolve, text, "", false).ok()
}

fn read(resolve: Resolve<'_>, text: &str, prefix: &str, listens: bool) -> Result<Address, String> {
    if text.is_empty() {
        return Err("it resolves to an empty address".into());
    }
    let (datagram, rest) = flow_of(text);
    let known = PREFIXES.iter().find(|(start, ..)| rest.starts_with(start));
    let Some((start, family, flow)) = known else { return Err("invalid address".into()) };
    let bare = if *start == "/" { rest } else { rest.strip_prefix(start).unwrap_or(rest) };
    match (flow, datagram) {
        (Flow::None, _) | (Flow::Datagram, _) | (Flow::Own, true) => return Ok(Address::None),
        _ => {}
    }
    match family {
        Family::Unix => unix(text, bare, prefix),
        Family::Abstract => Ok(Address::Unix(format!("@{bare}"))),
        Family::Descriptor => match bare.parse::<u32>() {
            Ok(_) => Ok(Address::Inherited),
            Err(_) => Err(format!("file descriptor '{bare}' is not a valid integer in '{text}'")),
        },
        Family::Any | Family::V4 | Family::V6 => inet(resolve, text, bare, *family, listens),
    }
}

/// `stream+`, `dgram+` and `quic+` before the rest.
fn flow_of(text: &str) -> (bool, &str) {
    if let Some(rest) = text.strip_prefix("stream+") {
        return (false, rest);
    }
    let datagram = text.strip_prefix("dgram+").or_else(|| text.strip_prefix("quic+"));
    datagram.map_or((false, text), |rest| (true, rest))
}

fn unix(whole: &str, path: &str, prefix: &str) -> Result<Address, String> {
    match UNIX_PATH.checked_sub(UNIX_SUFFIX + prefix.len()) {
        Some(most) if path.len() <= most => Ok(Address::Unix(format!("{prefix}{path}"))),
        _ => Err(format!("socket path '{whole}' too long")),
    }
}

fn inet(
    resolve: Resolve<'_>,
    whole: &str,
    text: &str,
    family: Family,
    listens: bool,
) -> Result<Address, String> {
    let (host, port) = match text.rfind([':', ']']).and_then(|at| text.split_at_checked(at)) {
        Some((host, port)) if port.starts_with(':') => (host, port.get(1..).unwrap_or_default()),
        _ => (text, ""),
    };
    let ports = match port {
        "" if listens => return Err(format!("missing port specification in '{whole}'")),
        "" => None,
        // An offset to the port that the client connected to.
        _ if !listens && port.starts_with(['+', '-']) => None,
        _ => Some(ports(port, whole)?),
    };
    Ok(Address::Tcp(host_of(resolve, host, family, whole)?, ports))
}

fn ports(text: &str, whole: &str) -> Result<RangeInclusive<u16>, String> {
    if let Some(odd) = text.chars().next().filter(|first| !first.is_ascii_digit()) {
        return Err(format!("invalid character '{odd}' in port number '{text}' in '{whole}'"));
    }
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let port = |text: &str| match u16::try_from(super::words::number(text)) {
        Ok(port @ 1..) => Ok(port),
        _ => Err(format!("invalid port '{text}'")),
    };
    let (low, high) = (port(low)?, port(high)?);
    if low > high { Err(format!("invalid port range '{low}-{high}'")) } else { Ok(low..=high) }
}

fn host_of(resolve: Resolve<'_>, text: &str, family: Family, whole: &str) -> Result<Host, String> {
    let invalid = || format!("invalid address: '{text}' in '{whole}'");
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').ok_or_else(invalid)?,
        None => text,
    };
    let wrong = |address: IpAddr| match family {
        Family::V4 => address.is_ipv6(),
        Family::V6 => address.is_ipv4(),
        _ => false,
    };
    if bare.is_empty() || bare == "*" {
        return Ok(Host::Ip(match family {
            Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
            _ => Ipv4Addr::UNSPECIFIED.into(),
        }));
    }
    if let Ok(address) = bare.parse::<IpAddr>() {
        return if wrong(address) { Err(invalid()) } else { Ok(Host::Ip(address)) };
    }
    // resolv_hostname_validation()
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !bare.bytes().all(is_name) {
        return Err(invalid());
    }
    let mut resolved = resolve(bare);
    resolved.retain(|address| !wrong(*address));
    Ok(preferred(&resolved).map_or_else(|| Host::Name(bare.to_owned()), Host::Ip))
}

/// The first of what getaddrinfo(3) gives. Between families it depends on the machine's routes, but for loopback (gai.conf(5):
/// `::1` comes before all).
fn preferred(resolved: &[IpAddr]) -> Option<IpAddr> {
    let first = resolved.first()?;
    let loopback = IpAddr::V6(Ipv6Addr::LOCALHOST);
    if resolved.contains(&loopback) {
        return Some(loopback);
    }
    resolved.iter().all(|address| address.is_ipv4() == first.is_ipv4()).then_some(*first)
}
