//! What mod_proxy takes for a URL.

use crate::syntax::url::Url;
use crate::text::Text;

/// Where requests are passed on to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `unix:path|scheme:...`
    Unix(String),
    /// `balancer://name`, in lower case; a path may follow.
    Balancer(String),
    /// `scheme://host[:port]...`, the scheme in lower case.
    Server { scheme: String, host: String, port: Option<u16> },
}

impl Target {
    /// Nothing where a part of the address is not known before a request comes.
    pub fn read(text: &str) -> Option<Self> {
        if let Some(path) = strip(text, "unix:") {
            return Self::path(path.split('|').next()?);
        }
        if let Some(name) = strip(text, "balancer://") {
            return Some(Target::Balancer(name.split('/').next()?.to_ascii_lowercase()));
        }
        // `$1` and `%{...}` may follow, as in `http://app:8080%{REQUEST_URI}`.
        let Url { scheme, host, port } = Url::read(text.split('$').next()?)?;
        let port = match port.split('%').next() {
            None | Some("") => None,
            Some(digits) => Some(digits.parse().ok()?),
        };
        Self::server(scheme, host, port)
    }

    pub fn path(path: &str) -> Option<Self> {
        let known = path.starts_with('/') && !path.contains(['$', '%', '{']);
        known.then(|| Target::Unix(path.to_owned()))
    }

    pub fn server(scheme: &str, host: &str, port: Option<u16>) -> Option<Self> {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']' | ':');
        let server = || Target::Server { scheme: scheme.to_ascii_lowercase(), host: host.to_owned(), port };
        (!host.is_empty() && host.chars().all(known)).then(server)
    }

    /// Whether a word is a URL, and no path or pattern of what is passed on.
    pub fn is_written(word: &Text) -> bool {
        let text = word.show();
        strip(&text, "unix:").is_some() || text.contains("://") && !text.starts_with(['/', '^', '!'])
    }

    /// `proxy:url`, as SetHandler has it.
    pub fn handler(word: &Text) -> Option<Text> {
        let url = strip(&word.show(), "proxy:")?.len();
        Some(word.slice(word.len() - url..word.len()))
    }
}

/// Without a prefix, which is the same in either case of letters.
fn strip<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    text.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix))?;
    text.get(prefix.len()..)
}
