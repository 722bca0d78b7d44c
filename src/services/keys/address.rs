//! Whole addresses as programs are told them: `HOST:PORT`, `unix:PATH`, `fd://N`, and Twisted's endpoints.

use super::super::Why;
use crate::knowledge::keys::{AddressGrammar, Spelling};

/// What an address means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// A host as written, and the port where it is one.
    Tcp {
        host: String,
        port: Result<u16, String>,
    },
    Unix(String),
    /// The number of an open socket.
    Open(String),
    Refused(String),
}

/// An address, and the backlog that some say in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spelt {
    pub(super) address: Address,
    pub(super) backlog: Option<String>,
}

pub(super) fn read(text: &str, spelling: &Spelling) -> Spelt {
    match spelling.grammar {
        AddressGrammar::HostPort => Spelt { address: host_port(text, spelling), backlog: None },
        AddressGrammar::Twisted => twisted(text),
    }
}

fn host_port(text: &str, spelling: &Spelling) -> Address {
    let after = |starts: &[String]| starts.iter().find_map(|start| text.strip_prefix(start.as_str()));
    if let Some(path) = after(&spelling.unix) {
        return Address::Unix(path.to_owned());
    }
    if let Some(number) = after(&spelling.fd) {
        return Address::Open(number.to_owned());
    }
    let text = after(&spelling.tcp).unwrap_or(text);
    let bracket = text.rfind(']').unwrap_or(0);
    let (host, port) = match text.rfind(':').filter(|colon| *colon >= bracket) {
        Some(colon) => (text.get(..colon).unwrap_or_default(), text.get(colon + 1..)),
        None => (text, None),
    };
    let port = match (port, spelling.port) {
        (Some(port), _) => self::port(port),
        (None, Some(port)) => Ok(port),
        (None, None) => Err(format!("{text} has no port")),
    };
    Address::Tcp { host: host.to_owned(), port }
}

pub(super) fn port(text: &str) -> Result<u16, String> {
    text.trim().parse().map_err(|_| Why::NoPort(text.to_owned()).to_string())
}

/// `kind:positional:name=value`; a backslash takes the meaning of `:` and `=` away (twisted/internet/endpoints.py).
fn twisted(text: &str) -> Spelt {
    let mut parts: Vec<(Option<String>, String)> = vec![(None, String::new())];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let Some((name, value)) = parts.last_mut() else { break };
        match letter {
            '\\' => value.extend(letters.next()),
            ':' => parts.push((None, String::new())),
            '=' if name.is_none() => *name = Some(std::mem::take(value)),
            other => value.push(other),
        }
    }
    let kind = parts.first().map_or("", |(_, kind)| kind.as_str()).to_owned();
    let mut positional =
        parts.iter().skip(1).filter(|(name, _)| name.is_none()).map(|(_, value)| value.clone());
    let mut of = |wanted: &str| {
        let named = parts.iter().skip(1).find(|(name, _)| name.as_deref() == Some(wanted));
        named.map(|(_, value)| value.clone()).or_else(|| positional.next())
    };
    let (address, backlog) = match kind.as_str() {
        "tcp" | "tcp6" | "ssl" => {
            let port = of("port");
            // Of ssl the second and third are files.
            let (interface, backlog) = match kind.as_str() {
                "ssl" => (named(&parts, "interface"), named(&parts, "backlog")),
                "tcp6" => (of("interface").or(Some("::".into())), of("backlog")),
                _ => (of("interface"), of("backlog")),
            };
            let port = port.map_or_else(|| Err(format!("{text} has no port")), |text| self::port(&text));
            (Address::Tcp { host: interface.unwrap_or_default(), port }, backlog)
        }
        "unix" => {
            let path = of("address").unwrap_or_default();
            let _mode = of("mode");
            (Address::Unix(path), of("backlog"))
        }
        "fd" | "systemd" => (Address::Open(of("fileno").unwrap_or_default()), None),
        other => (Address::Refused(format!("`{other}` is not a kind of endpoint that is known")), None),
    };
    Spelt { address, backlog }
}

fn named(parts: &[(Option<String>, String)], wanted: &str) -> Option<String> {
    parts.iter().find(|(name, _)| name.as_deref() == Some(wanted)).map(|(_, value)| value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_hosts_and_ports() {
        let spelling = Spelling {
            unix: vec!["unix://".into(), "unix:".into()],
            fd: vec!["fd://".into()],
            port: Some(8000),
            ..Spelling::default()
        };
        let of = |text| read(text, &spelling).address;
        let tcp = |host: &str, port| Address::Tcp { host: host.into(), port: Ok(port) };
        assert_eq!(of("127.0.0.1"), tcp("127.0.0.1", 8000));
        assert_eq!(of(":80"), tcp("", 80));
        assert_eq!(of("[::1]:80"), tcp("[::1]", 80));
        assert_eq!(of("[::1]"), tcp("[::1]", 8000));
        assert_eq!(of("unix:///run/x"), Address::Unix("/run/x".into()));
        assert_eq!(of("unix:x"), Address::Unix("x".into()));
        assert_eq!(of("fd://3"), Address::Open("3".into()));
        assert!(matches!(of("a:b"), Address::Tcp { port: Err(_), .. }));
    }

    #[test]
    fn endpoints_may_say_their_backlog() {
        let of = |text| {
            let Spelt { address, backlog } = twisted(text);
            (address, backlog)
        };
        let tcp = |host: &str, port| Address::Tcp { host: host.into(), port: Ok(port) };
        assert_eq!(of("tcp:80:127.0.0.1:90"), (tcp("127.0.0.1", 80), Some("90".into())));
        assert_eq!(of("tcp:backlog=7:port=80"), (tcp("", 80), Some("7".into())));
        assert_eq!(of("tcp6:80:interface=\\:\\:1"), (tcp("::1", 80), None));
        assert_eq!(of("unix:/run/a\\:b:backlog=3"), (Address::Unix("/run/a:b".into()), Some("3".into())));
        assert!(matches!(of("").0, Address::Refused(_)));
    }
}
