//! What a socket's name means: `$SERVER["socket"]`, or server.bind and server.port put together.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::services::Ground;

/// Where a socket is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bound {
    Tcp(IpAddr, u16),
    Unix(String),
    /// A name that no file of the tree knows.
    Named(String),
}

/// How a condition's text reaches the rest (http_request_host_normalize in src/request.c): its port may be octal or
/// hexadecimal, and one that is left out after a colon is none.
pub(super) fn normalize(text: &str) -> Result<String, String> {
    if text.starts_with([':', '/', '\\']) || text.starts_with("[]") {
        return Ok(text.to_owned());
    }
    let refused = || format!("invalid IP addr: {text}");
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (literal, after) = rest.split_once(']').ok_or_else(refused)?;
            if literal.parse::<Ipv6Addr>().is_err() && !literal.contains('%') {
                return Err(refused());
            }
            let port = if after.is_empty() { "" } else { after.strip_prefix(':').ok_or_else(refused)? };
            (format!("[{literal}]"), port)
        }
        None => {
            let (host, port) = text.split_once(':').unwrap_or((text, ""));
            (host.to_owned(), port)
        }
    };
    if port.is_empty() {
        return Ok(host);
    }
    let port = of_any_base(port).filter(|port| *port > 0).ok_or_else(refused)?;
    Ok(format!("{host}:{port}"))
}

/// strtol(3) of all of a text, whatever its base.
fn of_any_base(text: &str) -> Option<u16> {
    let lower = text.to_ascii_lowercase();
    match lower.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None if lower.starts_with('0') => u16::from_str_radix(&lower, 8).ok(),
        None => lower.parse().ok(),
    }
}

/// network_host_parse_addr in src/network.c. `port` is server.port, for a text that has none.
pub(super) fn bound(ground: Ground<'_>, text: &str, port: u16, ipv6: bool) -> Result<Bound, String> {
    if text.is_empty() {
        return Err("value of $SERVER[\"socket\"] must not be empty".into());
    }
    if let Some(name) = text.strip_prefix("\\x00") {
        return Ok(Bound::Unix(format!("@{name}")));
    }
    if text.starts_with(['/', '\\']) {
        // sun_path, with the byte that ends it.
        return match text.len() < 108 {
            true => Ok(Bound::Unix(text.to_owned())),
            false => Err(format!("unix socket filename too long: {text}")),
        };
    }
    let (host, written, mut ipv6) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((literal, after)) => (literal, after.strip_prefix(':'), true),
        None => match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port), ipv6),
            None => (text, None, ipv6),
        },
    };
    let port = match written {
        Some(digits) => leading(digits).ok_or_else(|| "port not set or out of range".to_owned())?,
        None => port,
    };
    ipv6 &= host != "*";
    let address = match host {
        "" | "*" if ipv6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        "" | "*" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        name => match resolved(ground, name, ipv6)? {
            Some(address) => address,
            None => return Ok(Bound::Named(name.to_owned())),
        },
    };
    Ok(Bound::Tcp(address, port))
}

/// The digits that a port begins with.
fn leading(text: &str) -> Option<u16> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok().filter(|port| *port > 0)
}

/// The first address of the family; one of IPv4 where IPv6 is asked for and there is no other.
fn resolved(ground: Ground<'_>, name: &str, ipv6: bool) -> Result<Option<IpAddr>, String> {
    let addresses = ground.addresses(name);
    let found = addresses.iter().find(|address| address.is_ipv6() == ipv6);
    match found.or(addresses.first().filter(|_| ipv6)) {
        Some(address) => Ok(Some(*address)),
        // A literal of the other family, or no name at all.
        None if name.contains([':', '%']) || name.parse::<IpAddr>().is_ok() => {
            Err(format!("getaddrinfo failed: '{name}'"))
        }
        None => Ok(None),
    }
}
