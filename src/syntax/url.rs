//! What a URL says of the machine that it leads to.

/// `scheme://user@host:port/path`, as far as it leads somewhere. The host of an IPv6 address has its brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Url<'u> {
    pub scheme: &'u str,
    pub host: &'u str,
    /// What stands behind the colon; empty where there is nothing.
    pub port: &'u str,
}

impl<'u> Url<'u> {
    /// Nothing where there is no `://`.
    pub fn read(text: &'u str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let after_bracket = authority.rfind(']').map_or(0, |end| end + 1);
        let colon = authority.get(after_bracket..)?.find(':').map(|at| after_bracket + at);
        let (host, port) = match colon {
            Some(colon) => (authority.get(..colon)?, authority.get(colon + 1..)?),
            None => (authority, ""),
        };
        Some(Self { scheme, host, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lead_to_a_host_and_a_port() {
        let read = |text| Url::read(text).map(|url| (url.scheme, url.host, url.port));
        assert_eq!(read("http://app"), Some(("http", "app", "")));
        assert_eq!(read("ws://user@app:81/x?y@z"), Some(("ws", "app", "81")));
        assert_eq!(read("http://[::1]:8080?a"), Some(("http", "[::1]", "8080")));
        assert_eq!(read("http://[::1]/"), Some(("http", "[::1]", "")));
        assert_eq!(read("app:80"), None);
    }
}
