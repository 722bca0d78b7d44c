//! Which calls open sockets, and where each library is told about its address and backlog: `[reader]` of
//! `rules/services/python.toml`.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use crate::knowledge::Service;

/// How a library makes sockets of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Binds {
    /// Every address that the host resolves to, each alone; both wildcards without a host.
    Every,
    /// IPv6 if a colon is in the host, else the first IPv4 address; `::` is dual-stack.
    Colon,
    /// The family that is asked for, IPv4 by default.
    Family,
    /// `::` without a host in a pair, IPv4 in a text.
    Gevent,
}

/// Where a library is told something: the place among the positional arguments, the name, and what it is if it is not told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Role {
    pub at: Option<usize>,
    pub name: String,
    pub default: Option<Literal>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Literal {
    Number(i64),
    Text(String),
}

/// A method that is told by its name where nobody knows what it is called on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Anywhere {
    pub name: String,
    /// The last name of the receiver ends so.
    pub on: String,
}

/// An argument that holds everything else in its attributes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub at: Option<usize>,
    pub name: String,
    pub classes: Vec<String>,
}

/// Settings of the whole program: a function that takes a dictionary of them, and the object whose attributes they are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub update: String,
    pub of: String,
}

/// A library's way to open sockets.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Entry {
    pub library: String,
    /// Full names of functions, of classes whose instances listen, and of their methods.
    pub calls: Vec<String>,
    pub anywhere: Option<Anywhere>,
    pub config: Option<Config>,
    pub settings: Option<Settings>,
    pub host: Option<Role>,
    pub port: Option<Role>,
    pub path: Option<Role>,
    /// A pair of host and port, or a path.
    pub address: Option<Role>,
    /// `host:port` as a text, several of them in a list or with blanks between.
    pub addresses: Option<Role>,
    /// A socket that somebody else has bound.
    pub socket: Option<Role>,
    pub backlog: Option<Role>,
    /// The attribute of the class that is the backlog.
    pub attribute: Option<String>,
    pub family: Option<Role>,
    pub family_attribute: Option<String>,
    pub dual_stack: Option<Role>,
    pub class: Option<Role>,
    /// Whether it listens when it is made.
    pub activate: Option<Role>,
    /// Which server does the work.
    pub engine: Option<Role>,
    pub reuse_port: Option<Role>,
    /// How many processes have a socket of their own each.
    pub each_worker: Option<Role>,
    /// Arguments with which a parent process binds, by the rules of `colon`.
    #[serde(default)]
    pub forks: Vec<String>,
    /// It listens on TCP beside a path if it is told a host or a port.
    #[serde(default)]
    pub beside_path: bool,
    /// The name of its backlog among the defaults.
    pub default: Option<String>,
    pub binds: Binds,
    /// It serves an application that a server on a command line could serve as well.
    #[serde(default)]
    pub serves_app: bool,
    /// It says of itself that it is not for production.
    #[serde(default)]
    pub development: bool,
    /// Processes of one program talk through it.
    #[serde(default)]
    pub internal: bool,
    /// For people: where it is seen that it listens so.
    #[serde(rename = "source")]
    _source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Reader {
    sockets: Vec<String>,
    application_servers: Vec<String>,
    application_files: Vec<String>,
    server: Vec<Entry>,
}

#[derive(Debug)]
pub(super) struct Table {
    pub entries: Vec<Entry>,
    pub sockets: HashSet<String>,
    pub application_servers: Vec<String>,
    pub application_files: Vec<String>,
    by_call: HashMap<String, usize>,
    /// The last names of the calls.
    last_names: HashSet<String>,
    /// The first names of the calls: modules that no file of the program is looked for.
    libraries: HashSet<String>,
}

impl Table {
    pub(super) fn read(service: &Service) -> Result<Self, toml::de::Error> {
        let reader: Reader = service.reader.clone().try_into()?;
        let calls = || {
            reader
                .server
                .iter()
                .enumerate()
                .flat_map(|(at, entry)| entry.calls.iter().map(move |call| (call.clone(), at)))
        };
        let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
        let first = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
        let anywhere = reader.server.iter().filter_map(|entry| Some(entry.anywhere.as_ref()?.name.clone()));
        Ok(Self {
            by_call: calls().collect(),
            last_names: calls().map(|(call, _)| last(&call)).chain(anywhere).collect(),
            libraries: calls()
                .map(|(call, _)| first(&call))
                .chain(["os", "sys"].map(str::to_owned))
                .collect(),
            entries: reader.server,
            sockets: reader.sockets.into_iter().collect(),
            application_servers: reader.application_servers,
            application_files: reader.application_files,
        })
    }

    /// What a call of this full name opens sockets by.
    pub(super) fn find(&self, call: &str) -> Option<&Entry> {
        let made = call.strip_suffix(".__init__").unwrap_or(call);
        self.entries.get(*self.by_call.get(made)?)
    }

    /// Whether some call that opens sockets has this last name.
    pub(super) fn may_open(&self, last_name: &str) -> bool {
        last_name == "__init__" || self.last_names.contains(last_name)
    }

    pub(super) fn is_library(&self, module: &str) -> bool {
        self.libraries.contains(module)
    }

    /// Whether `from module import *` of a library gives this name.
    pub(super) fn exports(&self, module: &str, name: &str) -> bool {
        let full = format!("{module}.{name}");
        let is_constant = name.contains('_') || name == "SOMAXCONN";
        self.sockets.contains(&full)
            || self.by_call.keys().any(|call| {
                call.strip_prefix(&full).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
            || (module == "socket" && is_constant && name.chars().all(|char| !char.is_lowercase()))
    }
}
