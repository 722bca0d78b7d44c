//! Where Apache passes requests on: the addresses that ProxyPass, BalancerMember, SetHandler and RewriteRule name.

use super::super::Ground;
use super::words::Words;
use crate::model::{Endpoint, Hop, Next};
use crate::syntax::directives::Text;
use crate::text::Span;

/// One address, or a balancer that has members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pass {
    To(Hop),
    Balancer(String),
}

/// Reads the words of directives in one place.
#[derive(Clone, Copy)]
pub(super) struct Passes<'w, 'a> {
    pub(super) ground: Ground<'a>,
    pub(super) words: &'w Words,
}

impl Passes<'_, '_> {
    /// `ProxyPass [path] url [key=value ...]`: inside Location there is no path.
    pub(super) fn proxy(&self, words: &[Text], at: Span) -> Option<Pass> {
        let url = words.iter().take(2).find(|word| is_url(word))?;
        self.url(url, at)
    }

    /// `SetHandler proxy:url`.
    pub(super) fn handler(&self, words: &[Text], at: Span) -> Option<Pass> {
        let word = words.first()?;
        let start = "proxy:".len();
        let is_proxy = word.bytes().get(..start)?.eq_ignore_ascii_case(b"proxy:");
        self.url(&word.slice(start..word.bytes().len()), at).filter(|_| is_proxy)
    }

    /// `RewriteRule pattern url [P]`.
    pub(super) fn rewrite(&self, words: &[Text], at: Span) -> Option<Pass> {
        let [_, url, flags, ..] = words else { return None };
        let flags = flags.show();
        let flags = flags.trim().strip_prefix('[')?.strip_suffix(']')?;
        let proxies = |flag: &str| ["p", "proxy"].contains(&flag.trim().to_ascii_lowercase().as_str());
        self.url(url, at).filter(|_| flags.split(',').any(proxies))
    }

    /// `FastCgiExternalServer file -host address` and `-socket path`, of mod_fastcgi.
    pub(super) fn external(&self, words: &[Text], at: Span) -> Option<Pass> {
        let after = |option: &str| {
            let index = words.iter().position(|word| word.bytes() == option.as_bytes())?;
            words.get(index + 1)
        };
        if let Some(socket) = after("-socket") {
            return self.to(unix(&socket.show())?, socket, at);
        }
        let host = after("-host")?;
        let text = host.show();
        let (name, port) = text.rsplit_once(':')?;
        self.to(self.next(name, port.parse().ok()?)?, host, at)
    }

    /// `scheme://host[:port]...`, `unix:path|scheme:...`, `balancer://name`.
    pub(super) fn url(&self, word: &Text, at: Span) -> Option<Pass> {
        let text = word.show();
        if let Some(path) = strip(&text, "unix:") {
            let path = path.split('|').next()?;
            return self.to(unix(path)?, word, at);
        }
        if let Some(name) = balancer(&text) {
            return Some(Pass::Balancer(name));
        }
        let (scheme, rest) = text.split_once("://")?;
        let default = self.words.port(scheme)?;
        let authority = rest.split(['/', '?', '$']).next()?;
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let after_bracket = authority.rfind(']').map_or(0, |end| end + 1);
        let (host, port) = match authority.get(after_bracket..)?.find(':').map(|at| after_bracket + at) {
            Some(colon) => {
                // `%{...}` may follow, as in `http://app:8080%{REQUEST_URI}`.
                let digits = authority.get(colon + 1..)?;
                let digits = digits.split('%').next()?;
                (authority.get(..colon)?, if digits.is_empty() { default } else { digits.parse().ok()? })
            }
            None => (authority, default),
        };
        self.to(self.next(host, port)?, word, at)
    }

    fn next(&self, host: &str, port: u16) -> Option<Next> {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']' | ':');
        (!host.is_empty() && host.chars().all(known)).then(|| self.ground.next(host, port))
    }

    fn to(&self, to: Next, word: &Text, at: Span) -> Option<Pass> {
        Some(Pass::To(Hop { to, at: word.span().unwrap_or(at) }))
    }
}

/// The name of a balancer, which may have a path after it.
pub(super) fn balancer(text: &str) -> Option<String> {
    let name = strip(text, "balancer://")?.split('/').next()?;
    Some(name.to_ascii_lowercase())
}

fn strip<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    text.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix))?;
    text.get(prefix.len()..)
}

fn unix(path: &str) -> Option<Next> {
    let known = path.starts_with('/') && !path.contains(['$', '%', '{']);
    known.then(|| Next::At(Endpoint::Unix(path.to_owned())))
}

fn is_url(word: &Text) -> bool {
    let text = word.show();
    strip(&text, "unix:").is_some() || text.contains("://") && !text.starts_with(['/', '^', '!'])
}
