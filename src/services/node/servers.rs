//! Which exports of which modules make servers, from `rules/services/node.toml`, and by whose rules each listens.

use memchr::memmem;
use serde::Deserialize;

use crate::knowledge::Service;
use crate::services::Interpreter;

/// Whose rules a server listens by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Listens {
    /// `net.Server.listen`; most frameworks pass their arguments on to it.
    Net,
    /// An options object, and localhost unless it says otherwise.
    Fastify,
    /// Nest's adapter for Fastify: positional arguments, turned into Fastify's options object.
    NestFastify,
    /// Where to listen is said when the server is made; `start()` listens.
    Hapi,
    /// Making it is listening.
    Hono,
    /// Making it with a port is listening, by Node's own rules for options.
    Ws,
}

/// `[reader]` of `rules/services/node.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Servers {
    pub(super) interpreter: Interpreter,
    /// Methods that give back the server that they were called on.
    returns_itself: Vec<String>,
    /// Packages that are called with a server and give it back.
    gives_back: Vec<String>,
    server: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    module: String,
    /// What makes a server when it is called, with or without `new`; `default` is the module itself.
    exports: Vec<String>,
    /// TypeScript's names for such a server.
    #[serde(default)]
    types: Vec<String>,
    listens: Listens,
    /// For people: where it is seen that it listens so.
    #[serde(rename = "source")]
    _source: String,
}

impl Servers {
    pub(super) fn read(service: &Service) -> Result<Self, toml::de::Error> {
        service.reader.clone().try_into()
    }

    /// What calling an export gives.
    pub(super) fn made_by(&self, module: &str, export: &str) -> Option<Listens> {
        self.find(module, |entry| entry.exports.iter().any(|name| name == export))
    }

    /// What a variable of this type holds.
    pub(super) fn of_type(&self, module: &str, name: &str) -> Option<Listens> {
        self.find(module, |entry| entry.types.iter().any(|known| known == name))
    }

    pub(super) fn returns_itself(&self, method: &str) -> bool {
        self.returns_itself.iter().any(|name| name == method)
    }

    pub(super) fn gives_back(&self, module: &str) -> bool {
        self.gives_back.iter().any(|name| name == module)
    }

    /// Whether a file takes in a module that makes servers, however it is written, or calls Node's own function for it.
    pub(super) fn may_be_made_in(&self, text: &[u8]) -> bool {
        let has = |needle: &str| memmem::find(text, needle.as_bytes()).is_some();
        let takes_in = |entry: &Entry| {
            let module = &entry.module;
            let quoted = ["\"", "'", "`"].into_iter().flat_map(|quote| {
                ["require(", "from", "from "].map(|before| format!("{before}{quote}{module}{quote}"))
            });
            has(module) && quoted.into_iter().any(|written| has(&written))
        };
        has("createServer(") || self.server.iter().any(takes_in)
    }

    fn find(&self, module: &str, wanted: impl Fn(&Entry) -> bool) -> Option<Listens> {
        let entry = self.server.iter().find(|entry| entry.module == module && wanted(entry))?;
        Some(entry.listens)
    }
}
