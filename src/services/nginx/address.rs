//! The first argument of `listen`: what ngx_parse_url() in src/core/ngx_inet.c makes of it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

use crate::syntax::hosts::{Hosts, Named};

/// The room for a path in a sockaddr_un, its final zero included (unix(7)).
const UNIX_PATH: usize = 108;

/// What servers share a socket by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Address {
    Tcp(SocketAddr),
    Unix(Vec<u8>),
    /// A name that the files do not resolve, and the port.
    Name(Vec<u8>, u16),
}

impl fmt::Display for Address {
    /// As nginx's messages spell it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(address) => write!(f, "{address}"),
            Address::Unix(path) => write!(f, "unix:{}", String::from_utf8_lossy(path)),
            Address::Name(name, port) => write!(f, "{}:{port}", String::from_utf8_lossy(name)),
        }
    }
}

/// All that one `listen` listens on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Addresses {
    pub(super) all: Vec<Address>,
    /// What a name resolved to, and the lines that say so.
    pub(super) named: Vec<Named>,
}

/// Reads an address, or says in nginx's words what is wrong with it. `default_port` is for an address without one.
pub(super) fn parse(text: &[u8], default_port: u16, hosts: &Hosts) -> Result<Addresses, &'static str> {
    if text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"unix:")) {
        return unix(text.get(5..).unwrap_or_default());
    }
    match text.strip_prefix(b"[") {
        Some(rest) => ipv6(rest, default_port),
        None => ipv4_or_name(text, default_port, hosts),
    }
}

fn unix(path: &[u8]) -> Result<Addresses, &'static str> {
    match path.len() {
        0 => Err("no path in the unix domain socket"),
        UNIX_PATH.. => Err("too long path in the unix domain socket"),
        _ => Ok(Addresses { all: vec![Address::Unix(path.to_vec())], named: Vec::new() }),
    }
}

fn ipv6(text: &[u8], default_port: u16) -> Result<Addresses, &'static str> {
    let close = text.iter().position(|byte| *byte == b']').ok_or("invalid host")?;
    let (host, rest) = text.split_at(close);
    let ports = match rest {
        [_, b':', ports @ ..] if !ports.contains(&b'/') => port_range(ports)?,
        [_] => default_port..=default_port,
        _ => return Err("invalid host"),
    };
    let address: Option<Ipv6Addr> = std::str::from_utf8(host).ok().and_then(|host| host.parse().ok());
    match address {
        _ if host.is_empty() => Err("no host"),
        Some(address) => Ok(tcp(&[address.into()], ports)),
        None => Err("invalid IPv6 address"),
    }
}

fn ipv4_or_name(text: &[u8], default_port: u16, hosts: &Hosts) -> Result<Addresses, &'static str> {
    if text.iter().any(|byte| matches!(byte, b'/' | b'?')) {
        return Err("invalid host");
    }
    let (host, ports) = match text.iter().position(|byte| *byte == b':') {
        Some(colon) => {
            (text.get(..colon).unwrap_or_default(), port_range(text.get(colon + 1..).unwrap_or_default())?)
        }
        None => match only_ports(text)? {
            Some(ports) => return Ok(tcp(&[Ipv4Addr::UNSPECIFIED.into()], ports)),
            None => (text, default_port..=default_port),
        },
    };
    let numeric =
        if host == b"*" { Some(Ipv4Addr::UNSPECIFIED) } else { dotted(host).or_else(|| aton(host)) };
    match numeric {
        _ if host.is_empty() => Err("no host"),
        Some(address) => Ok(tcp(&[address.into()], ports)),
        None => Ok(resolved(host, ports, hosts)),
    }
}

fn resolved(host: &[u8], ports: RangeInclusive<u16>, hosts: &Hosts) -> Addresses {
    let named = std::str::from_utf8(host).map_or(&[][..], |name| hosts.resolve(name));
    if named.is_empty() {
        let all = ports.map(|port| Address::Name(host.to_vec(), port)).collect();
        return Addresses { all, named: Vec::new() };
    }
    let addresses: Vec<IpAddr> = named.iter().map(|named| named.address).collect();
    Addresses { named: named.to_vec(), ..tcp(&addresses, ports) }
}

fn tcp(addresses: &[IpAddr], ports: RangeInclusive<u16>) -> Addresses {
    let on = |address: &IpAddr| {
        let address = *address;
        ports.clone().map(move |port| Address::Tcp(SocketAddr::new(address, port)))
    };
    Addresses { all: addresses.iter().flat_map(on).collect(), named: Vec::new() }
}

/// `80` or `8000-8003` behind a colon.
fn port_range(text: &[u8]) -> Result<RangeInclusive<u16>, &'static str> {
    let port = |text: &[u8]| match number(text) {
        Some(port @ 1..=65535) => u16::try_from(port).map_err(|_| "invalid port"),
        _ => Err("invalid port"),
    };
    let (first, last) = match text.iter().position(|byte| *byte == b'-') {
        Some(dash) => {
            let last = port(text.get(dash + 1..).unwrap_or_default())?;
            (port(text.get(..dash).unwrap_or_default())?, last)
        }
        None => (port(text)?, port(text)?),
    };
    if first <= last { Ok(first..=last) } else { Err("invalid port range") }
}

/// A text without a colon that is a port or a range of ports; what is not made of numbers is a host.
fn only_ports(text: &[u8]) -> Result<Option<RangeInclusive<u16>>, &'static str> {
    let mut parts = text.splitn(2, |byte| *byte == b'-');
    match parts.all(|part| number(part).is_some()) {
        true => port_range(text).map(Some),
        false => Ok(None),
    }
}

/// A decimal number of any length that fits 63 bits (ngx_atoi in src/core/ngx_string.c).
pub(super) fn number(text: &[u8]) -> Option<i64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(text).ok()?.parse().ok())?
}

/// Four decimal numbers, which may be empty or start with zeros (ngx_inet_addr). All ones are no address to it.
fn dotted(host: &[u8]) -> Option<Ipv4Addr> {
    let octets: Vec<u8> = host
        .split(|byte| *byte == b'.')
        .map(
            |part| {
                if part.is_empty() { Some(0) } else { number(part).and_then(|octet| octet.try_into().ok()) }
            },
        )
        .collect::<Option<_>>()?;
    let octets: [u8; 4] = octets.try_into().ok()?;
    Some(Ipv4Addr::from(octets)).filter(|address| !address.is_broadcast())
}

/// What getaddrinfo(3) takes for a number: up to four parts, decimal, octal or hexadecimal, the last one filling the rest
/// (inet_aton(3)).
fn aton(host: &[u8]) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = std::str::from_utf8(host).ok()?.split('.').map(c_number).collect::<Option<_>>()?;
    let (last, octets) = parts.split_last().filter(|(_, octets)| octets.len() < 4)?;
    let rest = 32 - 8 * octets.len();
    if u64::from(*last) >> rest != 0 {
        return None;
    }
    let high = octets
        .iter()
        .try_fold(0_u32, |high, octet| Some(high << 8 | u32::from(u8::try_from(*octet).ok()?)))?;
    Some(Ipv4Addr::from(u32::try_from(u64::from(high) << rest).ok()? | last))
}

fn c_number(text: &str) -> Option<u32> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = match (hexadecimal, text.strip_prefix('0')) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (text, 10),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(digits, radix).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match parse(text.as_bytes(), 80, &Hosts::default()) {
            Err(why) => why.to_owned(),
            Ok(found) => found
                .all
                .iter()
                .map(|address| match address {
                    Address::Name(..) => format!("{address}?"),
                    _ => address.to_string(),
                })
                .collect::<Vec<_>>()
                .join(" "),
        }
    }

    #[test]
    fn every_form_is_read() {
        for (text, seen) in [
            ("80", "0.0.0.0:80"),
            ("080", "0.0.0.0:80"),
            ("80-82", "0.0.0.0:80 0.0.0.0:81 0.0.0.0:82"),
            ("*:81", "0.0.0.0:81"),
            ("*", "0.0.0.0:80"),
            ("127.0.0.1", "127.0.0.1:80"),
            ("127.0.0.1:81-82", "127.0.0.1:81 127.0.0.1:82"),
            ("127.000.0.010:81", "127.0.0.10:81"),
            ("127..1.2", "127.0.1.2:80"),
            ("127.1:81", "127.0.0.1:81"),
            ("0177.1", "127.0.0.1:80"),
            ("0x7f000001:81", "127.0.0.1:81"),
            ("0:81", "0.0.0.0:81"),
            ("255.255.255.255", "255.255.255.255:80"),
            ("[::]", "[::]:80"),
            ("[::1]:81-82", "[::1]:81 [::1]:82"),
            ("[0:0::1]:81", "[::1]:81"),
            ("[::ffff:1.2.3.4]:81", "[::ffff:1.2.3.4]:81"),
            ("unix:/run/a:b", "unix:/run/a:b"),
            ("UNIX:a", "unix:a"),
            ("web:81", "web:81?"),
            ("web", "web:80?"),
            ("80-", "80-:80?"),
            ("80-81-82", "80-81-82:80?"),
            ("127.0.0.256", "127.0.0.256:80?"),
            ("1.2.3.4.5", "1.2.3.4.5:80?"),
            ("99999999999999999999", "99999999999999999999:80?"),
        ] {
            assert_eq!(read(text), seen, "{text}");
        }
    }

    #[test]
    fn what_nginx_refuses_is_refused_in_its_words() {
        for (text, seen) in [
            ("", "no host"),
            (":80", "no host"),
            ("0", "invalid port"),
            ("65536", "invalid port"),
            ("80-65536", "invalid port"),
            ("82-80", "invalid port range"),
            ("a:0", "invalid port"),
            ("a:", "invalid port"),
            ("::1:80", "invalid port"),
            ("a:80-", "invalid port"),
            ("a/b", "invalid host"),
            ("[::1", "invalid host"),
            ("[::1]80", "invalid host"),
            ("[]:80", "no host"),
            ("[::1]:", "invalid port"),
            ("[fe80::1%eth0]:80", "invalid IPv6 address"),
            ("unix:", "no path in the unix domain socket"),
        ] {
            assert_eq!(read(text), seen, "{text}");
        }
        assert_eq!(read(&format!("unix:{}", "x".repeat(107))), format!("unix:{}", "x".repeat(107)));
        assert_eq!(read(&format!("unix:{}", "x".repeat(108))), "too long path in the unix domain socket");
    }
}
