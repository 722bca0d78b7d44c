//! What a server may be called. A page of any site can have its own name lead to this machine, and then read what is served
//! here as its own (DNS rebinding): such a name is not one of ours.

use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv6Addr};

/// As much of a small file as is read.
const READ: u64 = 1 << 20;

/// Names in small letters.
#[derive(Debug)]
pub(super) struct Names(Vec<String>);

impl Names {
    /// This machine's, and those that somebody has given it.
    pub(super) fn of_machine(given: &[String]) -> Self {
        let own = ["/proc/sys/kernel/hostname", "/etc/hostname"].map(text);
        let own = own.iter().flat_map(|text| text.lines()).map(str::trim);
        let own = own.filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self::new(own.map(small).collect(), &text("/etc/hosts"), given)
    }

    /// `hosts` is a table as hosts(5) has it: what stands on a line beside a name of the machine is one too.
    fn new(mut names: Vec<String>, hosts: &str, given: &[String]) -> Self {
        let own = names.clone();
        for line in hosts.lines() {
            let words = line.split('#').next().unwrap_or_default().split_whitespace().skip(1).map(small);
            let beside: Vec<String> = words.collect();
            if beside.iter().any(|name| own.contains(name)) {
                names.extend(beside);
            }
        }
        names.extend(given.iter().map(small));
        Self(names)
    }

    /// Whether the host of an authority, such as `web1:9798`, is this machine. An address is: no other site has that for its name.
    pub(super) fn know(&self, authority: &str) -> bool {
        let Some(host) = host(authority) else { return false };
        let name = small(host);
        is_address(host) || name == "localhost" || name.ends_with(".localhost") || self.0.contains(&name)
    }
}

/// The host of `host`, `host:port`, `[::1]` or `[::1]:port`.
pub(super) fn host(authority: &str) -> Option<&str> {
    let end = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, rest) = authority.split_at_checked(end)?;
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port)).then_some(host)
}

fn is_address(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        // An interface may stand behind it: `fe80::1%eth0`.
        Some(inside) => inside.split('%').next().is_some_and(|it| it.parse::<Ipv6Addr>().is_ok()),
        None => host.parse::<IpAddr>().is_ok(),
    }
}

fn small(name: impl AsRef<str>) -> String {
    let name = name.as_ref();
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// A small file of this machine; nothing where there is none.
fn text(path: &str) -> String {
    let mut bytes = Vec::new();
    let _ = File::open(path).and_then(|file| file.take(READ).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_known() {
        let hosts = "127.0.0.1 localhost\n127.0.1.1 web1.example.org web1 # ours\n192.0.2.9 other.example.org other\n";
        let names = Names::new(vec!["web1".to_owned()], hosts, &["Metrics.Example.Org.".to_owned()]);
        for ours in [
            "127.0.0.1",
            "127.0.0.1:9798",
            "192.0.2.7:1",
            "[::1]",
            "[::1]:9798",
            "[fe80::1%eth0]:80",
            "[2001:db8::1]:",
            "localhost",
            "LocalHost:9798",
            "a.b.localhost",
            "localhost.",
            "web1",
            "WEB1.example.org:80",
            "web1.example.org.",
            "metrics.example.org",
            "metrics.example.org.:443",
        ] {
            assert!(names.know(ours), "{ours}");
        }
        for theirs in [
            "",
            ":80",
            "example.org",
            "evil.web1",
            "web1.evil",
            "other",
            "localhost.evil",
            "notlocalhost",
            "127.0.0.1.evil",
            "127.0.0.1:80:80",
            "127.0.0.1:x",
            "a@127.0.0.1",
            "[::1",
            "[::1]x",
            "[web1]",
            "[127.0.0.1]",
            "2130706433",
            "0x7f.1",
            "127.1",
            "web1/",
            "web1 ",
            "web1..",
        ] {
            assert!(!names.know(theirs), "{theirs}");
        }
    }
}
