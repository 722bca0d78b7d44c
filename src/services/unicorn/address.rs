//! Addresses as `listen` and -l take them: lib/unicorn/configurator.rb, expand_addr, and lib/unicorn/socket_helper.rb,
//! bind_listen.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Component, Path, PathBuf};

use crate::model::{Endpoint, Transport};
use crate::services::Ground;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address {
    Known(Endpoint),
    /// A path of which no more is known, and why.
    UnknownPath(String),
    Unknown(String),
    /// Unicorn does not start.
    Refused(String),
}

impl Address {
    /// As `ss` shows it, and why it is not known.
    pub(super) fn endpoint(self, v6_only: bool) -> (Endpoint, Option<String>) {
        match self {
            Address::Known(Endpoint::DualStack(port)) if v6_only => {
                (Endpoint::tcp(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port), None)
            }
            Address::Known(endpoint) => (endpoint, None),
            Address::UnknownPath(why) => (Endpoint::Unknown(Transport::Unix), Some(why)),
            Address::Unknown(why) | Address::Refused(why) => (Endpoint::Unknown(Transport::Tcp), Some(why)),
        }
    }
}

/// An address as text; a relative path is one of the working folder.
pub(super) fn read(ground: Ground<'_>, text: &str, folder: Option<&Path>) -> Address {
    if let Some(path) = text.strip_prefix("unix:") {
        return expanded(path, folder);
    }
    if text.starts_with('~') {
        return Address::UnknownPath("it lies in somebody's home folder".to_owned());
    }
    if text.starts_with('/') {
        return Address::Known(Endpoint::Unix(text.to_owned()));
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let bare = text.strip_prefix("*:").unwrap_or(text);
    if is_number(bare) {
        return on_host(ground, "0.0.0.0", bare, text);
    }
    let is_v4 = text.parse::<Ipv4Addr>().is_ok();
    let is_v6 = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some();
    if is_v4 || is_v6 {
        return on_host(ground, text, "80", text);
    }
    match text.rsplit_once(':').filter(|(_, port)| is_number(port)) {
        Some((host, port)) => on_host(ground, host, port, text),
        None => Address::Refused(text.to_owned()),
    }
}

fn on_host(ground: Ground<'_>, host: &str, port: &str, text: &str) -> Address {
    let Ok(port) = port.parse::<u16>() else { return Address::Refused(text.to_owned()) };
    if port == 0 {
        return Address::Unknown("the kernel picks a free port".to_owned());
    }
    let mut addresses = ground.addresses(host);
    // getaddrinfo(3) prefers ::1 to 127.0.0.1 (RFC 6724, 2.1).
    addresses.sort_by_key(|address| !address.is_ipv6());
    match addresses.first() {
        Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => Address::Known(Endpoint::DualStack(port)),
        Some(address) => Address::Known(Endpoint::tcp(*address, port)),
        None => Address::Unknown(format!("`{host}` is not in the tree's hosts file")),
    }
}

/// File.expand_path.
fn expanded(path: &str, folder: Option<&Path>) -> Address {
    let whole = match (path.starts_with('/'), folder) {
        (true, _) => PathBuf::from(path),
        (false, Some(folder)) => Path::new("/").join(folder).join(path),
        (false, None) => return Address::UnknownPath("it lies in a folder that is not known".to_owned()),
    };
    let mut plain = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    Address::Known(Endpoint::Unix(plain.to_string_lossy().into_owned()))
}
