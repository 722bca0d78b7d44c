//! What an address means to APR: apr_parse_addr_port, and the names that getaddrinfo resolves after it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::syntax::hosts::{Hosts, Named};

/// What stands before the port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Host {
    /// Nothing, or `*`.
    Any,
    /// As it is written.
    Written(String),
}

/// Splits an address into host and port; the port is 0 where none is written.
pub(super) fn parse(text: &str) -> Result<(Host, u16), &'static str> {
    const INVALID: &str = "Invalid address or port";
    let digits = text.len() - text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (before, port) = text.split_at_checked(text.len() - digits).ok_or(INVALID)?;
    if before.is_empty() {
        return Ok((Host::Any, number(port).ok_or(INVALID)?));
    }
    let (host, port) = match before.strip_suffix(':').filter(|_| !port.is_empty()) {
        Some("") => return Err(INVALID),
        Some(host) => (host, number(port).ok_or(INVALID)?),
        None => (text, 0),
    };
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or(INVALID)?;
        let bare = inner.split('%').next().unwrap_or(inner);
        bare.parse::<Ipv6Addr>().map_err(|_| INVALID)?;
        return Ok((Host::Written(inner.to_owned()), port));
    }
    match host {
        "*" => Ok((Host::Any, port)),
        _ => Ok((Host::Written(host.to_owned()), port)),
    }
}

fn number(digits: &str) -> Option<u16> {
    digits.trim_start_matches('0').parse().ok().filter(|port| *port > 0)
}

/// The addresses of a host, each once; none where only a name server knows.
pub(super) fn resolve(host: &str, hosts: &Hosts) -> Vec<Named> {
    let literal = host.parse().ok().or_else(|| short(host).map(IpAddr::V4));
    let all = match literal {
        Some(address) => vec![Named { address, at: None }],
        None => hosts.resolve(host).to_vec(),
    };
    let mut once: Vec<Named> = Vec::new();
    for named in all {
        let named = Named { address: named.address.to_canonical(), ..named };
        if once.iter().all(|known| known.address != named.address) {
            once.push(named);
        }
    }
    once
}

/// Whether a host is an address by itself.
pub(super) fn is_literal(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok() || short(host).is_some()
}

/// `127.1` is 127.0.0.1 (inet_aton(3)); only decimal numbers.
fn short(text: &str) -> Option<Ipv4Addr> {
    let decimal = |part: &str| {
        let plain = part == "0" || !part.starts_with('0');
        part.parse::<u32>().ok().filter(|_| plain && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let parts: Vec<u32> = text.split('.').map(decimal).collect::<Option<_>>()?;
    let (last, leading) = parts.split_last()?;
    let bits = 32_u32.checked_sub(8 * u32::try_from(leading.len()).ok()?).filter(|bits| *bits >= 8)?;
    if leading.iter().any(|part| *part > 255) || u64::from(*last) >= 1 << bits {
        return None;
    }
    let mut address = u64::from(*last);
    for (index, part) in leading.iter().enumerate() {
        address |= u64::from(*part) << (24 - 8 * index);
    }
    u32::try_from(address).ok().map(Ipv4Addr::from)
}

/// Where a VirtualHost answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answers {
    /// Every address, where there are none.
    addresses: Vec<IpAddr>,
    /// Every port, where there is none.
    port: Option<u16>,
}

impl Answers {
    /// What cannot be read may be any.
    pub(super) fn read(text: &str, hosts: &Hosts) -> Self {
        let bare = text.strip_suffix(":*").unwrap_or(text);
        let (host, port) = parse(bare).unwrap_or((Host::Any, 0));
        let addresses = match host {
            Host::Written(host) if host != "_default_" => {
                resolve(&host, hosts).iter().map(|named| named.address).collect()
            }
            _ => Vec::new(),
        };
        Self { addresses, port: (port > 0).then_some(port) }
    }

    /// Whether what arrives at a socket may be meant for it.
    pub(super) fn takes(&self, bound: Option<IpAddr>, port: u16) -> bool {
        let here = |own: &IpAddr| bound.is_none_or(|bound| bound.is_unspecified() || bound == *own);
        self.port.is_none_or(|own| own == port)
            && (self.addresses.is_empty()
                || self.addresses.iter().any(|own| own.is_unspecified() || here(own)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_apr_reads_them() {
        let written = |host: &str, port| Ok((Host::Written(host.into()), port));
        let invalid = || Err("Invalid address or port");
        for (text, expected) in [
            ("80", Ok((Host::Any, 80))),
            ("080", Ok((Host::Any, 80))),
            ("*:80", Ok((Host::Any, 80))),
            ("127.0.0.1:80", written("127.0.0.1", 80)),
            ("[::1]:80", written("::1", 80)),
            ("[fe80::1%eth0]:80", written("fe80::1%eth0", 80)),
            ("web:80", written("web", 80)),
            ("127.0.0.1", written("127.0.0.1", 0)),
            ("", invalid()),
            ("0", invalid()),
            ("65536", invalid()),
            (":80", invalid()),
            ("[::1:80", invalid()),
            ("[web]:80", invalid()),
            ("::1:80", written("::1", 80)),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn short_addresses_are_filled_up() {
        for (text, address) in [("127.1", "127.0.0.1"), ("10.1.2", "10.1.0.2"), ("1", "0.0.0.1")] {
            assert_eq!(short(text), address.parse().ok(), "{text}");
        }
        for text in ["", "a", "1.2.3.4.5", "256.1", "1.16777216", "1..2", "1.", "010.1"] {
            assert_eq!(short(text), None, "{text}");
        }
    }

    #[test]
    fn a_virtual_host_answers_where_its_address_does() {
        let takes = |text: &str, bound: Option<&str>, port| {
            Answers::read(text, &Hosts::default()).takes(bound.map(|bound| bound.parse().unwrap()), port)
        };
        assert!(takes("*:80", None, 80) && takes("*", None, 81) && takes("*:*", Some("10.0.0.1"), 80));
        assert!(takes("_default_:443", None, 443) && !takes("_default_:443", None, 80));
        assert!(takes("10.0.0.1:80", Some("0.0.0.0"), 80) && takes("10.0.0.1", Some("10.0.0.1"), 80));
        assert!(!takes("10.0.0.1:80", Some("10.0.0.2"), 80) && takes("*:{{ port }}", None, 80));
    }
}
