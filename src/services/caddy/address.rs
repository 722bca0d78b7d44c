//! The keys of sites, and the network addresses of `bind` and `admin`, as Caddy takes them apart.

use super::super::Ground;
use crate::model::{Endpoint, Transport, Version};
use crate::syntax::host_port::split_loosely;

/// Schemes that no server has are refused: 2.7.5 (commit 288216e1f).
const STRICT_SCHEMES: Version = Version::new(2, 7, 5);

/// A site's key: `https://example.com:8443/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub scheme: String,
    pub host: String,
    pub port: Option<u16>,
    /// A part of it is not known.
    pub open: bool,
}

impl Address {
    pub(super) fn parse(text: &str, open: bool, version: Option<Version>) -> Result<Self, String> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let authority = rest.split('/').next().unwrap_or_default();
        let (host, port) = split_loosely(authority).unwrap_or((authority, ""));
        // A placeholder is replaced when Caddy runs, if at all.
        let open = open || text.contains('{');
        let port = match port.parse::<u32>() {
            Ok(number) => {
                let fits = u16::try_from(number);
                Some(fits.map_err(|_| format!("parsing key: port {number} is out of range"))?)
            }
            Err(_) if port.is_empty() || open => None,
            Err(_) => return Err(format!("parsing key: invalid port '{port}'")),
        };
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "" | "http" | "https" => Ok(Self { scheme, host: host.to_ascii_lowercase(), port, open }),
            _ if open || version.is_some_and(|version| version < STRICT_SCHEMES) => {
                Ok(Self { scheme: String::new(), host: host.to_ascii_lowercase(), port, open })
            }
            _ => Err(format!("unsupported URL scheme {scheme}://")),
        }
    }
}

/// What a server binds to, before the port is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Bound {
    /// The network (`tcp`, `tcp4`, `tcp6`) and the host.
    Tcp(String, String),
    Unix(String),
    /// A socket that is inherited.
    Descriptor(String),
    /// No stream.
    Other,
}

impl Bound {
    /// A network address, and the port that it names.
    pub(super) fn parse(text: &str) -> (Self, &str) {
        let (network, rest) = match text.split_once('/') {
            Some((network, rest)) => (network.trim().to_ascii_lowercase(), rest),
            None => (String::new(), text),
        };
        let (host, port) = split_loosely(rest).unwrap_or((rest, ""));
        let bound = match network.as_str() {
            "" | "tcp" => Self::Tcp("tcp".into(), host.to_owned()),
            "tcp4" | "tcp6" => Self::Tcp(network, host.to_owned()),
            // The permission bits stand behind a bar.
            "unix" => Self::Unix(rest.split('|').next().unwrap_or_default().to_owned()),
            "fd" | "fdgram" => Self::Descriptor(text.to_owned()),
            _ => Self::Other,
        };
        (bound, port)
    }

    /// The wildcard.
    pub(super) fn anywhere() -> Self {
        Self::Tcp("tcp".into(), String::new())
    }

    /// Where Go listens for it, and why that is not known.
    pub(super) fn endpoint(&self, ground: Ground<'_>, port: u16) -> Option<(Endpoint, Option<&'static str>)> {
        let unknown = |why| Some((Endpoint::Unknown(Transport::Tcp), Some(why)));
        match self {
            Self::Other => None,
            Self::Descriptor(_) => {
                unknown("the socket is passed to Caddy, and whoever opened it chose its backlog")
            }
            Self::Unix(path) if path.contains('{') => {
                Some((Endpoint::Unknown(Transport::Unix), Some("a part of the path is not known")))
            }
            Self::Unix(path) => Some((Endpoint::Unix(path.clone()), None)),
            Self::Tcp(_, host) if host.contains('{') => unknown("the host is not known"),
            Self::Tcp(..) if port == 0 => unknown("the kernel picks a free port"),
            Self::Tcp(network, host) => match ground.go_listens(network, host, port) {
                Some(endpoint) => Some((endpoint, None)),
                None => unknown("the host is no address, and no name of etc/hosts"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_apart() {
        let key = |text: &str| Address::parse(text, false, None).map(|it| (it.scheme, it.host, it.port));
        let is = |scheme: &str, host: &str, port| Ok((scheme.to_owned(), host.to_owned(), port));
        assert_eq!(key("Example.com"), is("", "example.com", None));
        assert_eq!(key("https://a:8443/x"), is("https", "a", Some(8443)));
        assert_eq!(key(":80"), is("", "", Some(80)));
        assert_eq!(key("[::1]:81"), is("", "::1", Some(81)));
        assert_eq!(key("[::1]"), is("", "::1", None));
        assert!(key(":8080-8082").is_err());
        assert!(key(":70000").is_err());
        assert!(key("ws://a").is_err());
    }

    #[test]
    fn networks_are_told() {
        assert_eq!(Bound::parse("unix//run/c.sock|0222").0, Bound::Unix("/run/c.sock".into()));
        assert_eq!(Bound::parse("[::1]").0, Bound::Tcp("tcp".into(), "::1".into()));
        assert_eq!(Bound::parse("tcp4/:2020"), (Bound::Tcp("tcp4".into(), String::new()), "2020"));
        assert_eq!(Bound::parse("udp/:1").0, Bound::Other);
    }
}
