//! What an address means to APR: apr_parse_addr_port.

use std::net::Ipv6Addr;

/// What stands before the port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// Nothing, or `*`.
    Any,
    /// As it is written.
    Written(String),
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
}
