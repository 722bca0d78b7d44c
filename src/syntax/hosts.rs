//! `/etc/hosts`: names and their addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use crate::text::{HashMap, HashSet, SourceId, Sources, Span, Tree, over};

/// Addresses of one name; a machine has a handful.
const MAX_ADDRESSES: usize = 1_000;

/// A name's address and the line that gives it; no line where it is what every machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    pub address: IpAddr,
    pub at: Option<Span>,
}

/// Names as a machine resolves them without asking a name server.
#[derive(Debug, Default)]
pub struct Hosts {
    names: HashMap<String, Vec<Named>>,
}

impl Hosts {
    /// The tree's `etc/hosts`. Without one, `localhost` is both loopback addresses, and nothing says so.
    pub fn read(sources: &Sources, tree: &Tree) -> Self {
        let mut hosts = Self::default();
        if let Ok(file) = tree.read(sources, Path::new("etc/hosts")) {
            hosts.add(sources, file);
        }
        if !hosts.names.contains_key("localhost") {
            let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
            let named = loopback.map(|address| Named { address, at: None });
            hosts.names.insert("localhost".into(), named.to_vec());
        }
        hosts
    }

    /// The addresses of a name, in the order of the file and as often as it gives them, as getaddrinfo(3) does. Names are
    /// compared without regard to case (hosts(5)).
    pub fn resolve(&self, name: &str) -> &[Named] {
        self.names.get(&name.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// What getaddrinfo(3) makes of a host: a literal, of IPv4 also a short one, or a name. Each address once.
    pub fn lookup(&self, host: &str) -> Vec<Named> {
        let literal = host.parse().ok().or_else(|| short(host).map(IpAddr::V4));
        let literal = literal.map(|address| Named { address, at: None });
        let all = match &literal {
            Some(named) => std::slice::from_ref(named),
            None => self.resolve(host),
        };
        let mut known = HashSet::default();
        let canonical = all.iter().map(|named| Named { address: named.address.to_canonical(), ..*named });
        canonical.filter(|named| known.insert(named.address)).collect()
    }

    fn add(&mut self, sources: &Sources, file: SourceId) {
        let mut start = 0;
        for line in sources.bytes(file).split_inclusive(|byte| *byte == b'\n') {
            let at = Span::new(file, start..start + line.len());
            start += line.len();
            let text = String::from_utf8_lossy(line);
            let mut words = text.split('#').next().unwrap_or_default().split_ascii_whitespace();
            let Some(Ok(address)) = words.next().map(str::parse) else { continue };
            for name in words {
                let known = self.names.entry(name.to_ascii_lowercase()).or_default();
                if known.len() < MAX_ADDRESSES {
                    known.push(Named { address, at: Some(at) });
                } else {
                    sources.cut_off(at, over("addresses of one name", MAX_ADDRESSES));
                }
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_addresses_are_filled_up() {
        for (text, address) in [("127.1", "127.0.0.1"), ("10.1.2", "10.1.0.2"), ("1", "0.0.0.1")] {
            assert_eq!(short(text), address.parse().ok(), "{text}");
        }
        for text in ["", "a", "1.2.3.4.5", "256.1", "1.16777216", "1..2", "1.", "010.1"] {
            assert_eq!(short(text), None, "{text}");
        }
    }
}
