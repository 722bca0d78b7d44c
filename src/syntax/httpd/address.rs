//! What an address means to APR (apr_parse_addr_port), and where a VirtualHost answers that has it.

use std::net::{IpAddr, Ipv6Addr};

use crate::syntax::hosts::Hosts;

/// What stands before the port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// Nothing, or `*`.
    Any,
    /// As it is written.
    Written(String),
}

impl Host {
    /// Whether it is every address, of one family at least.
    pub fn is_any(&self) -> bool {
        match self {
            Host::Any => true,
            Host::Written(host) => host.parse().is_ok_and(|address: IpAddr| address.is_unspecified()),
        }
    }
}

/// Splits an address into host and port; the port is 0 where none is written.
pub fn parse_address(text: &str) -> Result<(Host, u16), &'static str> {
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

/// Where a VirtualHost answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// Every address, where there are none.
    addresses: Vec<IpAddr>,
    /// Every port, where there is none.
    port: Option<u16>,
}

impl Answers {
    /// What cannot be read may be any.
    pub fn read(text: &str, hosts: &Hosts) -> Self {
        let bare = text.strip_suffix(":*").unwrap_or(text);
        let (host, port) = parse_address(bare).unwrap_or((Host::Any, 0));
        let addresses = match host {
            Host::Written(host) if host != "_default_" => {
                hosts.lookup(&host).iter().map(|named| named.address).collect()
            }
            _ => Vec::new(),
        };
        Self { addresses, port: (port > 0).then_some(port) }
    }

    /// Whether what arrives at a socket may be meant for it.
    pub fn takes(&self, bound: Option<IpAddr>, port: u16) -> bool {
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
            assert_eq!(parse_address(text), expected, "{text}");
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
