//! What haproxy.cfg says about listeners, by its sections.

use super::bind::{Bind, Number, Shards};
use super::environment::Environment;
use crate::model::Word;
use crate::text::Span;

/// Something that keeps HAProxy from starting.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) what: String,
    pub(super) at: Span,
    /// HAProxy starts all the same.
    pub(super) harmless: bool,
}

/// What `global` says.
#[derive(Debug, Default)]
pub(super) struct Global {
    pub(super) maxconn: Option<Number>,
    pub(super) descriptors: Option<Number>,
    pub(super) threads: Option<Number>,
    pub(super) groups: Option<Number>,
    pub(super) shards: Option<Shards>,
    pub(super) stats: Vec<Bind>,
    pub(super) stats_maxconn: Option<Number>,
    pub(super) stats_is_used: bool,
    pub(super) master: bool,
    pub(super) local_peer: Option<String>,
    pub(super) unix_prefix: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Defaults,
    Frontend,
    Listen,
    Backend,
    LogForward,
    Peers,
}

impl Role {
    pub(super) fn word(self) -> &'static str {
        match self {
            Role::Defaults => "defaults",
            Role::Frontend => "frontend",
            Role::Listen => "listen",
            Role::Backend => "backend",
            Role::LogForward => "log-forward",
            Role::Peers => "peers",
        }
    }
}

/// A number of a section, its own or what it takes from its defaults.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) number: Number,
    /// The section that says so, unless it is the listener's own.
    pub(super) from: Option<String>,
}

/// A server that connections are passed to.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) address: Word,
}

/// A section with a name that has to do with connections.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) role: Role,
    pub(super) name: String,
    pub(super) backlog: Option<Taken>,
    pub(super) maxconn: Option<Taken>,
    pub(super) disabled: bool,
    pub(super) splices: bool,
    pub(super) binds: Vec<Bind>,
    pub(super) servers: Vec<Server>,
    /// The backends that it names, with the conditions' lines.
    pub(super) uses: Vec<(Word, Option<Span>)>,
    pub(super) default_use: Option<(Word, Option<Span>)>,
    /// Of `peers`.
    pub(super) peers: Vec<Word>,
    pub(super) head: Span,
    pub(super) maybe: Option<Span>,
}

/// What the files of one HAProxy say.
#[derive(Debug, Default)]
pub(super) struct Config {
    pub(super) global: Global,
    pub(super) proxies: Vec<Proxy>,
    pub(super) checks: i64,
    pub(super) troubles: Vec<Trouble>,
    /// The variables at the end, which count in the addresses of servers.
    pub(super) environment: Environment,
    /// It has a section of its own for what is global.
    pub(super) whole: bool,
    /// A program makes the real file of it.
    pub(super) template: bool,
}

impl Proxy {
    /// Takes what its defaults say.
    pub(super) fn take(&mut self, parent: &Proxy) {
        let from = match parent.name.as_str() {
            "" => "defaults".to_owned(),
            name => format!("defaults {name}"),
        };
        let taken = |taken: &Taken| Taken {
            number: taken.number.clone(),
            from: Some(taken.from.clone().unwrap_or_else(|| from.clone())),
        };
        self.backlog = parent.backlog.as_ref().map(taken);
        self.maxconn = parent.maxconn.as_ref().map(taken);
        self.disabled = parent.disabled;
        self.splices = parent.splices;
        self.default_use.clone_from(&parent.default_use);
    }
}

/// Whether a name is a name, and no expression that is worked out for each request.
pub(super) fn is_literal(word: &Word) -> bool {
    !word.open && !word.text.contains('%')
}
