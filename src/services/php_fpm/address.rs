//! What a pool's `listen` opens (sapi/fpm/fpm/fpm_sockets.c).

use std::net::IpAddr;

use super::super::Ground;
use crate::model::Endpoint;
use crate::syntax::number::atoi;

/// sun_path of unix(7) has 108 bytes, the last of which is 0; strlcpy cuts what is longer.
const MAX_PATH: usize = 107;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    At(Endpoint),
    /// A name that the tree does not know.
    Named(String),
    Refused(String),
}

pub(super) fn of(ground: Ground<'_>, listen: &str, prefix: &str) -> Address {
    let is_port = listen.bytes().all(|byte| byte.is_ascii_digit());
    if !listen.contains(':') && !is_port {
        return Address::At(Endpoint::Unix(path(listen, prefix)));
    }
    let (host, text) = match listen.rsplit_once(':') {
        Some((host, port)) => (Some(host), port),
        None => (None, listen),
    };
    let Some(port) = u16::try_from(atoi(text)).ok().filter(|port| *port > 0) else {
        return Address::Refused(format!("{text} is no port"));
    };
    // The port is a word of services(5) to getaddrinfo(3).
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Address::Refused(format!("{text} is no port"));
    }
    match host {
        None => Address::At(Endpoint::DualStack(port)),
        Some("") => Address::Refused("the address before the colon is missing".into()),
        Some(host) => tcp(ground, host, port),
    }
}

fn path(listen: &str, prefix: &str) -> String {
    let mut path = if listen.starts_with('/') { listen.to_owned() } else { format!("{prefix}/{listen}") };
    let mut end = MAX_PATH.min(path.len());
    while !path.is_char_boundary(end) {
        end -= 1;
    }
    path.truncate(end);
    path
}

/// The first address of getaddrinfo(3): with IPv6 before IPv4, as RFC 6724 ranks what this machine has.
fn tcp(ground: Ground<'_>, host: &str, port: u16) -> Address {
    // Nobody's name to getaddrinfo(3), and so the loopback of who does not listen for all.
    let host = if host == "*" { "::1" } else { host };
    let addresses = ground.addresses(host);
    match addresses.iter().find(|address| address.is_ipv6()).or(addresses.first()) {
        // net.ipv6.bindv6only is 0 unless somebody sets it.
        Some(IpAddr::V6(ip)) if ip.is_unspecified() => Address::At(Endpoint::DualStack(port)),
        Some(ip) => Address::At(Endpoint::tcp(*ip, port)),
        None if host.contains(':') && !host.contains('%') => {
            Address::Refused(format!("{host} is no address"))
        }
        None => Address::Named(host.to_owned()),
    }
}
