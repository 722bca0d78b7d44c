//! `/etc/hosts`: names and their addresses.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use crate::text::{SourceId, Sources, Span, Tree};

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

    /// The addresses of a name, in the order of the file and as often as it gives them, as getaddrinfo(3) does. Names are compared without regard to case (hosts(5)).
    pub fn resolve(&self, name: &str) -> &[Named] {
        self.names.get(&name.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
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
                known.push(Named { address, at: Some(at) });
            }
        }
    }
}
