//! Reads the sections of haproxy.cfg, line by line, and says what `haproxy -c` would refuse.

use std::collections::HashMap;
use std::path::Path;

use super::super::Ground;
use super::bind::{Bind, Number, Reader, Refused, Shards};
use super::condition::{Blocks, Judge, Now};
use super::config::{Config, Global, Proxy, Role, Server, Taken, Trouble, is_literal};
use super::environment::{Environment, Known};
use super::keywords::Keywords;
use super::run::Run;
use super::words::{self, Line};
use crate::model::{Version, Word};
use crate::text::{SourceId, Span};

/// HAProxy stops here itself.
const MAX_TROUBLES: usize = 50;
/// What a file without an end of line at its end is refused from: 2.3 (cfgparse.c, "Missing LF on last line").
const NEEDS_LINE_END: Version = Version::new(2, 3, 0);
/// Before, `listen NAME ADDRESS` opens a socket (cfg_parse_listen() in src/cfgparse.c).
const LISTEN_WITHOUT_BIND: Version = Version::new(1, 6, 0);

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    None,
    Global,
    Proxy(usize),
    Other,
}

/// Reads the files of one HAProxy, one after the other.
pub(super) struct Walk<'a> {
    ground: Ground<'a>,
    keywords: &'a Keywords<'a>,
    version: Option<Version>,
    environment: Environment,
    /// By the command line, which wins.
    peer_is_told: bool,
    config: Config,
    section: Section,
    blocks: Blocks,
    /// Sections of defaults by their names, and the last one.
    defaults: HashMap<String, usize>,
    last_defaults: Option<usize>,
    /// Frontends and listens, backends and listens: their names are two worlds.
    names: HashMap<(bool, String), usize>,
    maybe: Option<Span>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        ground: Ground<'a>,
        keywords: &'a Keywords<'a>,
        version: Option<Version>,
        run: &Run,
    ) -> Self {
        let local_peer = run.local_peer.clone().or_else(|| host_name(ground));
        Self {
            ground,
            keywords,
            version,
            environment: run.environment.clone(),
            peer_is_told: run.local_peer.is_some(),
            config: Config { global: Global { local_peer, ..Global::default() }, ..Config::default() },
            section: Section::None,
            blocks: Blocks::default(),
            defaults: HashMap::new(),
            last_defaults: None,
            names: HashMap::new(),
            maybe: None,
        }
    }

    pub(super) fn file(&mut self, source: SourceId) {
        let bytes = self.ground.sources.bytes(source);
        self.config.template |= is_template(bytes);
        (self.section, self.blocks) = (Section::None, Blocks::default());
        let mut start = 0;
        for raw in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.config.troubles.len() >= MAX_TROUBLES {
                return;
            }
            self.line(raw, source, start);
            start += raw.len();
        }
        let end = Span::new(source, start..start);
        if !self.blocks.is_empty() {
            self.refuse("non-terminated '.if' block", end);
        }
        let since = self.version.is_none_or(|version| version >= NEEDS_LINE_END);
        if since && bytes.last().is_some_and(|last| *last != b'\n') {
            let last = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let at = Span::new(source, last..start);
            self.refuse("the last line has no line end: since 2.3 HAProxy takes the file for cut off", at);
        }
    }

    /// All has been read.
    pub(super) fn finish(mut self) -> Config {
        if self.config.whole {
            self.check_uses();
        }
        // HAProxy warns of a `bind` in a backend, and opens it.
        let idle = |proxy: &&Proxy| proxy.role == Role::Backend && proxy.binds.is_empty();
        let backlogs = self.config.proxies.iter().filter(idle).filter_map(|proxy| proxy.backlog.as_ref());
        let own: Vec<Span> =
            backlogs.filter(|taken| taken.from.is_none()).map(|taken| taken.number.at).collect();
        for at in own {
            self.warn("'backlog' is ignored in a backend: it has no listener", at);
        }
        self.config.environment = self.environment;
        self.config
    }

    fn line(&mut self, raw: &[u8], source: SourceId, start: usize) {
        let blank = raw.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if raw.get(blank) == Some(&b'[') {
            return; // the start of a scope, for -dS
        }
        match words::cut(raw, source, start, &self.environment) {
            Ok(line) if line.words.is_empty() => {}
            Ok(line) => self.statement(line),
            Err(fault) => {
                let at = Span::new(source, start + fault.at..start + raw.trim_ascii_end().len());
                // Lines are cut before it is known whether they count.
                self.config.troubles.push(Trouble { what: fault.what.into(), at, harmless: false });
            }
        }
    }

    fn statement(&mut self, mut line: Line) {
        let first = line.words.first().map_or("", |word| word.text.as_str());
        if matches!(first, ".if" | ".elif" | ".else" | ".endif") {
            return self.block(&line);
        }
        self.maybe = match self.blocks.now() {
            Now::Off => return,
            Now::On => None,
            Now::Maybe(at) => Some(at),
        };
        match first {
            ".alert" => return self.refuse("an .alert ends the start", line.at),
            _ if first.starts_with('.') => return,
            // Only options and the like may be turned off, and none of them is a number.
            "no" | "default" => {
                line.words.remove(0);
                return self.negative(&line);
            }
            _ => {}
        }
        if line.words.first().is_some_and(|word| word.open) {
            return;
        }
        match self.keywords.sections.get(first).copied() {
            Some(name) => self.open_section(name, &line),
            None => self.keyword(&line),
        }
    }

    fn block(&mut self, line: &Line) {
        let words = line.words.get(1..).unwrap_or_default();
        let text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        let judge = Judge { environment: &self.environment, version: self.version };
        let holds = || if words.iter().any(|word| word.open) { Ok(None) } else { judge.holds(&text) };
        let done = match line.words.first().map_or("", |word| word.text.as_str()) {
            ".if" => self.blocks.open(line.at, holds),
            ".elif" => self.blocks.other(line.at, holds),
            ".else" => self.blocks.otherwise(line.at),
            _ => self.blocks.close(),
        };
        if let Err(what) = done {
            self.maybe = None;
            self.refuse(what, line.at);
        }
    }

    fn negative(&mut self, line: &Line) {
        const MAY: [&str; 12] = [
            "option",
            "log",
            "busy-polling",
            "set-dumpable",
            "strict-limits",
            "insecure-fork-wanted",
            "insecure-setuid-wanted",
            "numa-cpu-mapping",
            "quick-exit",
            "h2-workaround-bogus-websocket-clients",
            "h1-accept-payload-with-any-method",
            "master-worker",
        ];
        let first = line.words.first().map_or("", |word| word.text.as_str());
        if !MAY.contains(&first) && !first.starts_with("tune.") {
            self.refuse(format!("'no' and 'default' do not go with '{first}'"), line.at);
        }
    }

    fn open_section(&mut self, name: &str, line: &Line) {
        let role = match name {
            "global" => {
                self.config.whole = true;
                self.section = Section::Global;
                return;
            }
            "defaults" => Role::Defaults,
            "frontend" => Role::Frontend,
            "listen" => Role::Listen,
            "backend" => Role::Backend,
            "log-forward" => Role::LogForward,
            "peers" => Role::Peers,
            _ => {
                self.section = Section::Other;
                return;
            }
        };
        let named = line.words.get(1);
        if named.is_none() && role != Role::Defaults {
            self.section = Section::Other;
            return self.refuse(format!("'{name}' expects an <id> argument"), line.at);
        }
        self.proxy(role, line);
    }

    fn proxy(&mut self, role: Role, line: &Line) {
        let text = |index: usize| line.words.get(index).map(|word| word.text.as_str());
        let nameless = role == Role::Defaults && text(1) == Some("from") && text(3).is_none();
        let name = if nameless { "" } else { text(1).unwrap_or_default() };
        let from = if nameless { 1 } else { 2 };
        let mut proxy = Proxy {
            role,
            name: name.to_owned(),
            backlog: None,
            maxconn: None,
            disabled: false,
            splices: false,
            binds: Vec::new(),
            servers: Vec::new(),
            uses: Vec::new(),
            default_use: None,
            peers: Vec::new(),
            head: line.at,
            maybe: self.maybe,
        };
        let inherits = matches!(role, Role::Frontend | Role::Listen | Role::Backend);
        // invalid_char() in src/tools.c
        let is_odd = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-' | '.'));
        let certain = role != Role::Defaults && line.words.get(1).is_some_and(|word| !word.open);
        if let Some(odd) = name.chars().find(is_odd).filter(|_| certain) {
            let what = format!("character '{odd}' is not permitted in {} name '{name}'", role.word());
            self.refuse(what, line.at);
        }
        let source = match (text(from), text(from + 1)) {
            (Some("from"), Some(parent)) => {
                let known = self.defaults.get(parent).copied();
                if known.is_none() && self.config.whole {
                    let what = format!("defaults section '{parent}' not found for {} '{name}'", role.word());
                    self.refuse(what, line.at);
                }
                known
            }
            (Some(_), _) if inherits => return self.listen_without_bind(proxy, line),
            _ => self.last_defaults.filter(|_| inherits),
        };
        if let Some(parent) = source.and_then(|index| self.config.proxies.get(index)) {
            proxy.take(parent);
        }
        self.add(proxy);
    }

    /// `listen web :80`, as it was once written.
    fn listen_without_bind(&mut self, mut proxy: Proxy, line: &Line) {
        let old = self.version.is_some_and(|version| version < LISTEN_WITHOUT_BIND);
        if let Some(parent) = self.last_defaults.and_then(|index| self.config.proxies.get(index)) {
            proxy.take(parent);
        }
        if old && proxy.role == Role::Listen {
            if let Ok(bind) = self.read_bind(line, 2) {
                proxy.binds.push(bind);
            }
        } else {
            self.refuse("please use the 'bind' keyword for listening addresses", line.at);
        }
        self.add(proxy);
    }

    fn add(&mut self, proxy: Proxy) {
        let index = self.config.proxies.len();
        let sides: &[bool] = match proxy.role {
            Role::Defaults => {
                self.last_defaults = Some(index);
                self.defaults.insert(proxy.name.clone(), index);
                &[]
            }
            Role::Frontend => &[true],
            Role::Backend => &[false],
            Role::Listen => &[true, false],
            Role::LogForward | Role::Peers => &[],
        };
        for side in sides {
            let other = self.names.insert((*side, proxy.name.clone()), index);
            let certain = proxy.maybe.is_none()
                && other
                    .and_then(|other| self.config.proxies.get(other))
                    .is_some_and(|other| other.maybe.is_none());
            if certain {
                let what = format!("another {} has the name '{}'", proxy.role.word(), proxy.name);
                self.refuse(what, proxy.head);
                break;
            }
        }
        self.config.proxies.push(proxy);
        self.section = Section::Proxy(index);
    }

    fn keyword(&mut self, line: &Line) {
        let Some(first) = line.words.first() else { return };
        let name = first.text.as_str();
        self.check_age(name, first.span);
        match self.section {
            Section::None => {
                let what = format!("unknown keyword '{name}' out of section");
                self.refuse(what, first.span);
            }
            Section::Global if !self.keywords.global.contains(name) => {
                let what = format!("unknown keyword '{name}' in 'global' section");
                self.refuse(what, first.span);
            }
            Section::Global => self.global(name, line),
            Section::Proxy(index) => self.proxy_keyword(index, name, line),
            Section::Other => {}
        }
    }

    /// Whether this version takes a keyword that there was once.
    fn check_age(&mut self, name: &str, at: Span) {
        let since = match self.section {
            Section::Global => self.keywords.refused_since(true, name),
            Section::Proxy(_) => self.keywords.refused_since(false, name),
            Section::None | Section::Other => None,
        };
        if let Some(since) = since.filter(|since| self.version.is_some_and(|version| version >= *since)) {
            self.refuse(format!("'{name}' is not supported any more since HAProxy {since}"), at);
        }
    }

    fn global(&mut self, name: &str, line: &Line) {
        let text = |index: usize| line.words.get(index).map_or("", |word| word.text.as_str());
        let is_open = |index: usize| line.words.get(index).is_some_and(|word| word.open);
        match name {
            "maxconn" => {
                // The first one counts; HAProxy complains of others, and goes on.
                let known = self.config.global.maxconn.as_ref().is_some_and(|known| known.get != Some(0));
                if let Some(number) = self.number(line).filter(|_| !known) {
                    self.config.global.maxconn = Some(number);
                }
            }
            "fd-hard-limit" => self.config.global.descriptors = self.number(line),
            "nbthread" => self.config.global.threads = self.number(line),
            "thread-groups" => self.config.global.groups = self.number(line),
            "tune.listener.default-shards" => {
                self.config.global.shards = line.words.get(1).map(Shards::of);
            }
            "master-worker" => self.config.global.master = true,
            "localpeer" if !self.peer_is_told => self.config.global.local_peer = Some(text(1).to_owned()),
            "unix-bind" => self.unix_bind(line),
            "stats" => self.stats(text(1), line),
            "setenv" | "presetenv" => {
                let is_set = !matches!(self.environment.get(text(1)), Known::Unset);
                if name == "presetenv" && is_set {
                    return;
                }
                let open = is_open(1) || is_open(2) || self.maybe.is_some();
                self.environment.set(text(1), text(2), open);
            }
            "unsetenv" | "resetenv" => {
                for word in line.words.iter().skip(1).filter(|_| name == "unsetenv") {
                    match self.maybe {
                        Some(_) => self.environment.forget(&word.text),
                        None => self.environment.unset(&word.text),
                    }
                }
            }
            _ => {}
        }
    }

    fn unix_bind(&mut self, line: &Line) {
        let mut words = line.words.iter().skip(1);
        while let Some(word) = words.next() {
            if word.text == "prefix"
                && let Some(prefix) = words.next()
            {
                self.config.global.unix_prefix.clone_from(&prefix.text);
            }
        }
    }

    fn stats(&mut self, what: &str, line: &Line) {
        match what {
            "socket" => {
                self.config.global.stats_is_used = true;
                let prefix = std::mem::take(&mut self.config.global.unix_prefix);
                let bind = self.read_bind(line, 2);
                self.config.global.unix_prefix = prefix;
                match bind {
                    Ok(bind) => self.config.global.stats.push(bind),
                    Err(Refused { what, at }) => self.refuse(format!("'stats socket' : {what}"), at),
                }
            }
            "maxconn" => {
                self.config.global.stats_is_used = true;
                let number = line.words.get(2).map(Number::of);
                if number.as_ref().is_none_or(|number| number.get.is_some_and(|get| get <= 0)) {
                    self.refuse("'stats maxconn' expects a positive value", line.at);
                }
                self.config.global.stats_maxconn = self.certain(number);
            }
            "timeout" => self.config.global.stats_is_used = true,
            _ => {}
        }
    }

    fn proxy_keyword(&mut self, index: usize, name: &str, line: &Line) {
        let Some(role) = self.config.proxies.get(index).map(|proxy| proxy.role) else { return };
        match role {
            Role::Peers => return self.peers_keyword(index, name, line),
            Role::LogForward => {}
            _ if !self.keywords.proxy.contains(name) => {
                let what = format!("unknown keyword '{name}' in '{}' section", role.word());
                let at = line.words.first().map_or(line.at, |word| word.span);
                return self.refuse(what, at);
            }
            _ => {}
        }
        match name {
            "bind" if role == Role::Defaults => {
                self.refuse("'bind' not allowed in 'defaults' section", line.at);
            }
            "bind" => self.bind(index, line),
            "backlog" | "maxconn" => self.limit(index, name, line),
            _ => self.rest(index, name, line),
        }
    }

    fn bind(&mut self, index: usize, line: &Line) {
        match self.read_bind(line, 1) {
            Ok(bind) => {
                if let Some(proxy) = self.config.proxies.get_mut(index) {
                    proxy.binds.push(bind);
                }
            }
            Err(Refused { what, at }) => self.refuse(what, at),
        }
    }

    fn read_bind(&self, line: &Line, first: usize) -> Result<Bind, Refused> {
        let reader = Reader {
            ground: self.ground,
            keywords: self.keywords,
            environment: &self.environment,
            prefix: &self.config.global.unix_prefix,
        };
        reader.read(line, first, self.maybe)
    }

    fn limit(&mut self, index: usize, name: &str, line: &Line) {
        let Some(number) = self.number(line) else { return };
        let Some(proxy) = self.config.proxies.get_mut(index) else { return };
        let taken = Some(Taken { number, from: None });
        match name {
            "backlog" => proxy.backlog = taken,
            _ => proxy.maxconn = taken,
        }
    }

    fn rest(&mut self, index: usize, name: &str, line: &Line) {
        let maybe = self.maybe;
        let Some(proxy) = self.config.proxies.get_mut(index) else { return };
        let word = |index: usize| line.words.get(index);
        match name {
            "disabled" => proxy.disabled = maybe.is_none() || proxy.disabled,
            "enabled" => proxy.disabled = false,
            "option" => proxy.splices |= word(1).is_some_and(|word| word.text.starts_with("splice-")),
            "use_backend" => proxy.uses.extend(word(1).map(|word| (word.clone(), maybe))),
            "default_backend" => proxy.default_use = word(1).map(|word| (word.clone(), maybe)),
            "dispatch" => proxy.servers.extend(word(1).map(|word| Server { address: word.clone() })),
            "server" | "server-template" => {
                let has = |keyword: &str| line.words.iter().skip(3).any(|word| word.text == keyword);
                self.config.checks += i64::from(has("check")) + i64::from(has("agent-check"));
                let address = if name == "server" { 2 } else { 3 };
                if !has("disabled") {
                    proxy.servers.extend(word(address).map(|word| Server { address: word.clone() }));
                }
            }
            _ => {}
        }
    }

    fn peers_keyword(&mut self, index: usize, name: &str, line: &Line) {
        match name {
            "bind" => self.bind(index, line),
            "disabled" | "enabled" => {
                if let Some(proxy) = self.config.proxies.get_mut(index) {
                    proxy.disabled = name == "disabled";
                }
            }
            "peer" | "server" => {
                let Some(peer) = line.words.get(1).cloned() else { return };
                let local = self.config.global.local_peer.as_deref() == Some(peer.text.as_str());
                if name == "peer" && local && line.words.len() > 2 {
                    self.bind_peer(index, line);
                }
                if let Some(proxy) = self.config.proxies.get_mut(index) {
                    proxy.peers.push(peer);
                }
            }
            _ => {}
        }
    }

    /// The address of the local peer is listened on; what follows are parameters of a server.
    fn bind_peer(&mut self, index: usize, line: &Line) {
        let words = line.words.get(..3).unwrap_or_default().to_vec();
        let address = Line { words, at: line.at, whole: false };
        self.bind_line(index, &address);
    }

    fn bind_line(&mut self, index: usize, line: &Line) {
        match (self.read_bind(line, 2), self.config.proxies.get_mut(index)) {
            (Ok(bind), Some(proxy)) => proxy.binds.push(bind),
            (Err(Refused { what, at }), _) => self.refuse(what, at),
            _ => {}
        }
    }

    /// The one argument of a keyword.
    fn number(&mut self, line: &Line) -> Option<Number> {
        let first = line.words.first().map_or("", |word| word.text.as_str()).to_owned();
        if line.words.len() > 2 && !line.words.iter().any(|word| word.open) {
            self.refuse(format!("'{first}' cannot handle more than one argument"), line.at);
        }
        let number = line.words.get(1).map(Number::of);
        if number.is_none() {
            self.refuse(format!("'{first}' expects an integer argument"), line.at);
        }
        self.certain(number)
    }

    /// What stands under a condition that is not known is not known either.
    fn certain(&self, number: Option<Number>) -> Option<Number> {
        let maybe = self.maybe.is_some();
        number.map(|number| if maybe { Number { get: None, slot: None, ..number } } else { number })
    }

    /// The backends that are named have to be there.
    fn check_uses(&mut self) {
        let missing = |proxy: &Proxy| {
            let named = proxy.uses.iter().chain(&proxy.default_use);
            let certain = named.filter(|(word, maybe)| maybe.is_none() && is_literal(word));
            let lost = certain.filter(|(word, _)| !self.names.contains_key(&(false, word.text.clone())));
            lost.map(|(word, _)| (proxy.name.clone(), word.clone())).collect::<Vec<_>>()
        };
        let counts = |proxy: &&Proxy| {
            matches!(proxy.role, Role::Frontend | Role::Listen) && !proxy.disabled && proxy.maybe.is_none()
        };
        let lost: Vec<(String, Word)> = self.config.proxies.iter().filter(counts).flat_map(missing).collect();
        self.maybe = None;
        for (name, word) in lost {
            self.refuse(format!("proxy '{name}': unable to find backend '{}'", word.text), word.span);
        }
    }

    fn refuse(&mut self, what: impl Into<String>, at: Span) {
        // It matters only where the line is read.
        if self.maybe.is_none() && self.blocks.now() != Now::Off {
            self.config.troubles.push(Trouble { what: what.into(), at, harmless: false });
        }
    }

    fn warn(&mut self, what: &str, at: Span) {
        self.config.troubles.push(Trouble { what: what.into(), at, harmless: true });
    }
}

/// What the machine calls itself, as far as its files tell.
fn host_name(ground: Ground<'_>) -> Option<String> {
    let file = ground.tree.read(ground.sources, Path::new("etc/hostname")).ok()?;
    let name = String::from_utf8_lossy(ground.sources.bytes(file)).trim().to_owned();
    (!name.is_empty()).then_some(name)
}

/// What Jinja, Go, ERB and the like fill in: none of these marks means anything to HAProxy outside of quotes.
fn is_template(bytes: &[u8]) -> bool {
    ["{{", "{%", "<%"].iter().any(|mark| memchr::memmem::find(bytes, mark.as_bytes()).is_some())
}
