//! haproxy.cfg: what HAProxy listens on, and how its backlogs follow from its many maxconns (listener_backlog() in
//! src/listener.c), down to the one that it works out from the limit of open files.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Ask, Bound, Candidate, DualStack, Empty, Found, Ground, Hops, Named, Names, Policy, Reads, Why};
use crate::model::{
    Command, Endpoint, Hop, Kind, Listener, Next, ProblemKind, Setting, Step, Text, Transport, Value, Version,
};
use crate::syntax::haproxy::{
    self, Address, Arguments, Bind, Document, Environment, Given, Host, Keywords, Kind as Role, Line, Number,
    Section, Shards, is_literal,
};
use crate::syntax::refusal::Refusal;
use crate::text::{HashMap, HashSet, Slot, SourceId, Span, over};

/// Before, `listen NAME ADDRESS` opens a socket (cfg_parse_listen() in src/cfgparse.c).
const LISTEN_WITHOUT_BIND: Version = Version::new(1, 6, 0);
/// A socket for each group of threads is the default since 2.8 (tune.listener.default-shards).
const SHARDS_BY_GROUP: Version = Version::new(2, 8, 0);
/// A limit that nobody set ends here since 3.1 (include/haproxy/defaults.h).
const DEFAULT_MAXFD: i64 = 1 << 20;
/// The first version that does so.
const HAS_MAXFD: Version = Version::new(3, 1, 0);
/// What HAProxy counts for itself (struct global in src/haproxy.c), and for its command line and the master's.
const OWN: i64 = 10;
const CLI: i64 = 10;
/// An event poll and the two ends of a pipe for each thread.
const PER_THREAD: i64 = 3;
/// What compute_ideal_maxconn() gives at least (DEFAULT_MAXCONN).
const LEAST_MAXCONN: i64 = 100;
/// More than anybody has; the rest is left out, and said.
const MAX_LISTENERS: usize = 4096;
/// The same for the files of one HAProxy, and for what is read again because several name it.
const MAX_FILES: usize = 16_384;
const MAX_AGAIN: usize = 8 << 20;
/// What it costs to begin with a file, in bytes.
const COST: usize = 256;

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let keywords = Keywords::of(&ground.service.reader);
    let (mut found, mut again) = (Found::default(), Again::default());
    for run in runs(ground, files, &mut found) {
        let Some(mut sources) = sources(ground, &run, &mut found) else { continue };
        sources.retain(|source| again.spend(ground, *source));
        let folder = run.files.first().and_then(|file| file.parent()).unwrap_or(Path::new(""));
        let version = ground.version(folder);
        let document = haproxy::read(
            ground.sources,
            &sources,
            Given {
                keywords: &keywords,
                version: version.map(|Version { major, minor, patch }| [major, minor, patch]),
                environment: run.environment.clone(),
            },
        );
        Instance::read(ground, &keywords, &run, version, &document).report(&document, &mut found);
    }
    found
}

fn sources(ground: Ground<'_>, run: &Run, found: &mut Found) -> Option<Vec<SourceId>> {
    let read = |path: &PathBuf| {
        ground.tree.read(ground.sources, path).map_err(|why| {
            let candidate = Candidate { path: path.clone(), by_place: true };
            ground.unread(&candidate, &why)
        })
    };
    let read: Result<Vec<SourceId>, _> = run.files.iter().map(read).collect();
    read.map_err(|problem| found.problems.push(problem)).ok()
}

/// What has been read, and how much of it again.
#[derive(Default)]
struct Again {
    read: HashSet<SourceId>,
    bytes: usize,
}

impl Again {
    /// Whether a file may be read, once more if it was read before.
    fn spend(&mut self, ground: Ground<'_>, source: SourceId) -> bool {
        if self.read.insert(source) {
            return true;
        }
        let before = self.bytes;
        self.bytes = before.saturating_add(ground.sources.bytes(source).len() + COST);
        let fits = self.bytes <= MAX_AGAIN;
        if !fits && before <= MAX_AGAIN {
            let what = over("MiB of files that are read again", MAX_AGAIN >> 20);
            ground.sources.cut_off(Span::top(source), what);
        }
        fits
    }
}

/// How an HAProxy is started.
#[derive(Debug, Default)]
struct Run {
    arguments: Arguments,
    /// In the order in which they are read.
    files: Vec<PathBuf>,
    environment: Environment,
    /// The hard limit of open files.
    open_files: Option<Value<i64>>,
    /// HAProxy finds its files by itself, or is told them: what is wrong in them keeps it from starting.
    certain: bool,
}

/// All that the files start, and one for each file that none of these reads.
fn runs(ground: Ground<'_>, files: &[Candidate], found: &mut Found) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut read: HashSet<PathBuf> = HashSet::default();
    let mut started: Vec<(&Command, Reads)> = Vec::new();
    for (command, arguments) in ground.started() {
        let Some((run, reads)) = Run::of(ground, command, arguments) else { continue };
        found.problems.extend(ground.absent(command, &reads));
        started.push((command, reads));
        // What two units start with the same files is one.
        if run.files.is_empty() || runs.iter().any(|known| known.files == run.files) {
            continue;
        }
        read.extend(run.files.iter().cloned());
        runs.push(run);
    }
    let idle = ground.idle(started.iter().map(|(command, reads)| (*command, reads)));
    let rest = files.iter().filter(|file| !read.contains(&file.path));
    let (rest, idle): (Vec<_>, Vec<_>) = rest.partition(|file| !idle.contains(&file.path));
    found.left_out += idle.len();
    for file in rest {
        let around = Run::around(file.by_place && ground.is_machine(), ground.packaged(&file.path));
        runs.push(Run { files: vec![file.path.clone()], certain: file.by_place, ..around });
    }
    runs
}

impl Run {
    /// That of a command, with those of its files that are there.
    fn of(ground: Ground<'_>, command: &Command, arguments: &[Text]) -> Option<(Self, Reads)> {
        let around = Self::around(ground.is_machine(), Some(command));
        let mut run = Self { arguments: Arguments::read(arguments)?, certain: true, ..around };
        let folder = command.folder.clone().unwrap_or_default();
        for word in run.arguments.files.iter().filter(|word| !word.is_open()) {
            run.files.extend(files_of(ground, &folder.join(word.as_str())));
            if run.files.len() > MAX_FILES {
                ground.sources.cut_off(word.span(), over("files of one HAProxy", MAX_FILES));
                run.files.truncate(MAX_FILES);
                break;
            }
        }
        let is_absent = |word: &&Text| !ground.tree.exists(&folder.join(word.as_str()));
        let named = |path: &PathBuf| Named { path: path.clone(), folder: PathBuf::new() };
        let reads = match run.arguments.files.iter().find(is_absent) {
            _ if run.arguments.files.iter().any(|word| word.is_open()) => Reads::Unknown,
            Some(word) => Reads::Absent(word.as_str().to_owned(), word.span()),
            None => Reads::Named(run.files.iter().map(named).collect()),
        };
        Some((run, reads))
    }

    /// What a command gives besides its arguments; `complete` if nobody else can set a variable.
    fn around(complete: bool, command: Option<&Command>) -> Self {
        let mut environment = Environment::new(complete);
        for variable in command.into_iter().flat_map(|command| &command.environment) {
            environment.set(&variable.name, variable.value.as_str(), variable.value.is_open());
        }
        let limits = command.and_then(|command| command.open_files.clone());
        Self { environment, open_files: limits.map(|(_, hard)| hard), ..Self::default() }
    }
}

/// A file, or those of a folder that end in `.cfg`, by their names.
fn files_of(ground: Ground<'_>, path: &Path) -> Vec<PathBuf> {
    if !ground.tree.is_folder(path) {
        return ground.tree.resolve(path).into_iter().collect();
    }
    let is_config = |name: &[u8]| !name.starts_with(b".") && name.ends_with(b".cfg");
    let names = ground.tree.list(path).into_iter().filter(|name| is_config(name.as_bytes()));
    names.filter_map(|name| ground.tree.resolve(&path.join(name)).ok()).collect()
}

/// What the machine calls itself, as far as its files tell.
fn host_name(ground: Ground<'_>) -> Option<String> {
    let file = ground.tree.read(ground.sources, Path::new("etc/hostname")).ok()?;
    let name = String::from_utf8_lossy(ground.sources.bytes(file)).trim().to_owned();
    (!name.is_empty()).then_some(name)
}

/// What `global` says.
#[derive(Default)]
struct Global {
    maxconn: Option<Number>,
    descriptors: Option<Number>,
    threads: Option<Number>,
    groups: Option<Number>,
    shards: Option<Shards>,
    stats: Vec<Bind>,
    stats_maxconn: Option<Number>,
    stats_is_used: bool,
    master: bool,
    local_peer: Option<String>,
    unix_prefix: String,
}

/// A number of a section and whose it is: its own, or that of its defaults. A number that others take too has no slot: it is not
/// changed for one of them.
#[derive(Clone)]
struct Limit {
    number: Number,
    section: String,
}

/// A section that has to do with connections.
#[derive(Default)]
struct Proxy {
    role: Role,
    name: String,
    backlog: Option<Limit>,
    maxconn: Option<Limit>,
    disabled: bool,
    splices: bool,
    binds: Vec<Bind>,
    servers: Vec<Text>,
    /// The backends that it names, and whether for certain.
    uses: Vec<(Text, bool)>,
    default_use: Option<(Text, bool)>,
    peers: i64,
    certain: bool,
}

impl Proxy {
    fn inheriting(parent: &Proxy) -> Self {
        let limit = |limit: &Option<Limit>| {
            let mut limit = limit.clone()?;
            limit.number.slot = None;
            Some(limit)
        };
        Self {
            backlog: limit(&parent.backlog),
            maxconn: limit(&parent.maxconn),
            disabled: parent.disabled,
            splices: parent.splices,
            default_use: parent.default_use.clone(),
            ..Self::default()
        }
    }

    fn named(&self) -> impl Iterator<Item = &(Text, bool)> {
        self.uses.iter().chain(&self.default_use).filter(|(word, _)| is_literal(word))
    }
}

/// A number that may decide, what it is called, and who wrote it for what.
struct Rung<'n> {
    number: &'n Number,
    what: String,
    kind: Kind,
    slot: Option<Slot>,
}

impl<'n> Rung<'n> {
    fn backlog(number: &'n Number, of: &str) -> Self {
        Self { number, what: format!("backlog of {of}"), kind: Kind::Written, slot: number.slot.clone() }
    }

    /// A number of connections, which counts for want of a backlog.
    fn maxconn(number: &'n Number, what: impl Into<String>) -> Self {
        Self { number, what: what.into(), kind: Kind::Default, slot: None }
    }

    fn maxconn_of(number: &'n Number, of: &str) -> Self {
        Self::maxconn(number, format!("maxconn of {of}, because no backlog is set"))
    }
}

fn known(value: Value<i64>, what: String, slot: Option<Slot>) -> Ask {
    let steps = vec![Step { value: Some(value.get), what, at: value.span }];
    Ask { backlog: Setting { value: Some(value), slot }, steps }
}

/// The servers that connections may be passed to, by the names of their backends.
type Servers<'p> = HashMap<&'p str, Vec<(Address, Span)>>;

/// What the listeners of one `bind` share.
struct Opening<'o> {
    bind: &'o Bind,
    ask: Ask,
    internal: bool,
    proxy: Option<&'o Proxy>,
}

/// One HAProxy.
struct Instance<'a> {
    ground: Ground<'a>,
    keywords: &'a Keywords<'a>,
    run: &'a Run,
    version: Option<Version>,
    global: Global,
    /// One for each section of its files.
    proxies: Vec<Proxy>,
    /// Connections that only look whether a server is there.
    checks: i64,
    refusals: Vec<Refusal>,
    /// What counts where nobody writes a number.
    automatic: (Option<Value<i64>>, Vec<Step>),
    looked_at: Hops<'a>,
}

impl<'a> Instance<'a> {
    fn read(
        ground: Ground<'a>,
        keywords: &'a Keywords<'a>,
        run: &'a Run,
        version: Option<Version>,
        document: &Document,
    ) -> Self {
        let local_peer = run.arguments.local_peer.clone().or_else(|| host_name(ground));
        let global = Global { local_peer, ..Global::default() };
        let mut instance = Self {
            ground,
            keywords,
            run,
            version,
            global,
            proxies: Vec::new(),
            checks: 0,
            refusals: Vec::new(),
            automatic: (None, Vec::new()),
            looked_at: Hops::of(ground),
        };
        for section in &document.sections {
            let proxy = instance.section(section);
            instance.proxies.push(proxy);
        }
        let mut steps = Vec::new();
        instance.automatic = (instance.automatic(&mut steps), steps);
        instance
    }

    fn section(&mut self, section: &Section) -> Proxy {
        let parent = section.from.and_then(|index| self.proxies.get(index));
        let mut proxy = parent.map_or_else(Proxy::default, Proxy::inheriting);
        proxy.role = section.kind;
        proxy.name.clone_from(&section.name);
        proxy.certain = section.head.maybe.is_none();
        if section.has_address {
            self.address_beside_name(&mut proxy, &section.head);
        }
        for line in &section.lines {
            match section.kind {
                Role::Global => self.global(line),
                Role::Peers => self.peers(&mut proxy, line),
                _ => self.keyword(&mut proxy, section, line),
            }
        }
        proxy
    }

    /// `listen web :80`, as it was once written.
    fn address_beside_name(&mut self, proxy: &mut Proxy, head: &Line) {
        let old = self.version.is_some_and(|version| version < LISTEN_WITHOUT_BIND);
        if old && proxy.role == Role::Listen {
            proxy.binds.extend(self.bind(head, 2));
        } else {
            self.refuse("please use the 'bind' keyword for listening addresses", head);
        }
    }

    fn global(&mut self, line: &Line) {
        match line.text(0) {
            // The first one counts; HAProxy complains of others, and goes on.
            "maxconn" => {
                let number = self.number(line);
                let global = &mut self.global;
                let is_set = global.maxconn.as_ref().is_some_and(|known| known.get != Some(0));
                global.maxconn = if is_set { global.maxconn.take() } else { number };
            }
            "fd-hard-limit" => self.global.descriptors = self.number(line),
            "nbthread" => self.global.threads = self.number(line),
            "thread-groups" => self.global.groups = self.number(line),
            "tune.listener.default-shards" => self.global.shards = line.words.get(1).map(Shards::of),
            "master-worker" => self.global.master = true,
            // The command line wins.
            "localpeer" if self.run.arguments.local_peer.is_none() => {
                self.global.local_peer = Some(line.text(1).to_owned());
            }
            "unix-bind" => {
                let mut words = line.words.iter().skip_while(|word| word.as_str() != "prefix").skip(1);
                if let Some(prefix) = words.next() {
                    self.global.unix_prefix = prefix.as_str().to_owned();
                }
            }
            "stats" => self.stats(line),
            _ => {}
        }
    }

    fn stats(&mut self, line: &Line) {
        self.global.stats_is_used |= matches!(line.text(1), "socket" | "maxconn" | "timeout");
        match line.text(1) {
            "socket" => {
                // unix-bind does not count here.
                let prefix = std::mem::take(&mut self.global.unix_prefix);
                let bind = self.bind(line, 2);
                self.global.unix_prefix = prefix;
                self.global.stats.extend(bind);
            }
            "maxconn" => {
                let number = line.words.get(2).map(Number::of);
                if number.as_ref().is_none_or(|number| number.get.is_some_and(|get| get <= 0)) {
                    self.refuse("'stats maxconn' expects a positive value", line);
                }
                self.global.stats_maxconn = number.map(|number| number.unless(line.maybe));
            }
            _ => {}
        }
    }

    fn keyword(&mut self, proxy: &mut Proxy, section: &Section, line: &Line) {
        let certain = line.maybe.is_none();
        let word = |index: usize| line.words.get(index).cloned();
        let limit = |number: Option<Number>| number.map(|number| Limit { number, section: section.title() });
        match line.text(0) {
            "bind" if proxy.role == Role::Defaults => {
                self.refuse("'bind' not allowed in 'defaults' section", line);
            }
            "bind" => proxy.binds.extend(self.bind(line, 1)),
            "backlog" => proxy.backlog = limit(self.number(line)).or(proxy.backlog.take()),
            "maxconn" => proxy.maxconn = limit(self.number(line)).or(proxy.maxconn.take()),
            "disabled" => proxy.disabled |= certain,
            "enabled" => proxy.disabled = false,
            "option" => proxy.splices |= line.text(1).starts_with("splice-"),
            "use_backend" => proxy.uses.extend(word(1).map(|word| (word, certain))),
            "default_backend" => proxy.default_use = word(1).map(|word| (word, certain)),
            "dispatch" => proxy.servers.extend(word(1)),
            name @ ("server" | "server-template") => {
                let has = |keyword: &str| line.words.iter().skip(3).any(|word| word.as_str() == keyword);
                self.checks += i64::from(has("check")) + i64::from(has("agent-check"));
                let address = if name == "server" { 2 } else { 3 };
                proxy.servers.extend(word(address).filter(|_| !has("disabled")));
            }
            _ => {}
        }
    }

    fn peers(&mut self, proxy: &mut Proxy, line: &Line) {
        match line.text(0) {
            "bind" => proxy.binds.extend(self.bind(line, 1)),
            name @ ("disabled" | "enabled") => proxy.disabled = name == "disabled",
            name @ ("peer" | "server") if line.words.len() > 1 => {
                let local = self.global.local_peer.as_deref() == Some(line.text(1));
                // The address of the local peer is listened on; what follows are parameters of a server.
                if let Some(words) = line.words.get(..3).filter(|_| name == "peer" && local) {
                    let address = Line { words: words.to_vec(), whole: false, ..line.clone() };
                    proxy.binds.extend(self.bind(&address, 2));
                }
                proxy.peers += 1;
            }
            _ => {}
        }
    }

    /// Reads the addresses at word `first` of a line and the parameters behind.
    fn bind(&mut self, line: &Line, first: usize) -> Option<Bind> {
        let resolve = |host: &str| self.ground.addresses(host);
        let prefix = &self.global.unix_prefix;
        let reader = haproxy::Reader { resolve: &resolve, keywords: self.keywords, prefix };
        let bind = reader.read(line, first);
        self.checked(line, bind)
    }

    fn number(&mut self, line: &Line) -> Option<Number> {
        self.checked(line, line.takes_number());
        line.words.get(1).map(|word| Number::of(word).unless(line.maybe))
    }

    fn checked<T>(&mut self, line: &Line, read: Result<T, Refusal>) -> Option<T> {
        // It matters only where the line is read.
        let refused = |refusal| self.refusals.extend(line.maybe.is_none().then_some(refusal));
        read.map_err(refused).ok()
    }

    fn refuse(&mut self, why: &str, line: &Line) {
        self.checked::<()>(line, Err(Refusal::new(why, line.at)));
    }

    /// What it opens, and what is wrong with its files.
    fn report(mut self, document: &Document, found: &mut Found) {
        // A piece of a configuration, and what a program has yet to fill in, is not what HAProxy reads.
        if (self.run.certain || document.whole) && !document.template {
            if document.whole {
                self.check_uses();
            }
            let refusals = document.refusals.iter().chain(&self.refusals);
            found.problems.extend(refusals.map(|refusal| self.ground.refused(ProblemKind::Lost, refusal)));
            self.idle_backlogs(found);
        }
        let servers = self.servers(&document.environment);
        let before = found.listeners.len();
        for opening in self.openings() {
            let left = MAX_LISTENERS - (found.listeners.len() - before);
            let mut opened = self.listeners(&opening, &servers, left + 1);
            let is_over = opened.len() > left;
            opened.truncate(left);
            found.listeners.extend(opened);
            if is_over {
                let what = over("listeners of one HAProxy", MAX_LISTENERS);
                self.ground.sources.cut_off(opening.bind.at, what);
                break;
            }
        }
        found.listeners.extend(self.of_master());
    }

    /// The backends that are named have to be there.
    fn check_uses(&mut self) {
        let backends: HashSet<&str> = self.with_servers().map(|proxy| proxy.name.as_str()).collect();
        let counts = |proxy: &&Proxy| {
            matches!(proxy.role, Role::Frontend | Role::Listen) && !proxy.disabled && proxy.certain
        };
        let mut lost = Vec::new();
        for proxy in self.proxies.iter().filter(counts) {
            for (word, _) in proxy.named().filter(|(_, certain)| *certain) {
                if !backends.contains(word.as_str()) {
                    let why = format!("proxy '{}': unable to find backend '{}'", proxy.name, word.as_str());
                    lost.push(Refusal::new(why, word.span()));
                }
            }
        }
        self.refusals.extend(lost);
    }

    /// HAProxy warns of a `bind` in a backend, and opens it.
    fn idle_backlogs(&self, found: &mut Found) {
        let idle = |proxy: &&Proxy| proxy.role == Role::Backend && proxy.binds.is_empty();
        for limit in self.proxies.iter().filter(idle).filter_map(|proxy| proxy.backlog.as_ref()) {
            if limit.section.starts_with("backend ") {
                let message = "'backlog' is ignored in a backend: it has no listener";
                found.problems.push(self.ground.problem(ProblemKind::Skipped, message, limit.number.at));
            }
        }
    }

    fn with_servers(&self) -> impl Iterator<Item = &Proxy> {
        self.proxies.iter().filter(|proxy| proxy.role.has_servers())
    }

    fn servers(&self, environment: &Environment) -> Servers<'_> {
        let resolve = |host: &str| self.ground.addresses(host);
        let address = |word: &Text| {
            let text = environment.expand(word.as_str()).filter(|_| !word.is_open())?;
            Some((haproxy::to_connect(&resolve, &text)?, word.span()))
        };
        let servers = |proxy: &Proxy| proxy.servers.iter().filter_map(address).collect();
        let live = self.with_servers().filter(|proxy| !proxy.disabled);
        live.map(|proxy| (proxy.name.as_str(), servers(proxy))).collect()
    }

    fn openings(&self) -> impl Iterator<Item = Opening<'_>> {
        let cli = self.global.stats.iter().map(|bind| Opening {
            bind,
            ask: self.of_cli(bind),
            internal: true,
            proxy: None,
        });
        let live = self.proxies.iter().filter(|proxy| !proxy.disabled);
        let proxies = live.flat_map(|proxy| proxy.binds.iter().map(move |bind| (proxy, bind)));
        cli.chain(proxies.map(|(proxy, bind)| Opening {
            bind,
            ask: self.of_proxy(proxy, bind),
            internal: proxy.role == Role::Peers,
            proxy: Some(proxy),
        }))
    }

    /// The number of a `bind` of a section.
    fn of_proxy(&self, proxy: &Proxy, bind: &Bind) -> Ask {
        let rungs = [
            bind.backlog.as_ref().map(|number| Rung::backlog(number, "bind")),
            proxy.backlog.as_ref().map(|limit| Rung::backlog(&limit.number, &limit.section)),
            bind.maxconn.as_ref().map(|number| Rung::maxconn_of(number, "bind")),
            proxy.maxconn.as_ref().map(|limit| Rung::maxconn_of(&limit.number, &limit.section)),
        ];
        climb(bind, rungs).unwrap_or_else(|| match proxy.role {
            Role::LogForward => self.fixed(bind, "log-forward-maxconn", 1, ""),
            Role::Peers => {
                self.fixed(bind, "peer-maxconn", proxy.peers.max(1), ", for each peer of the section")
            }
            _ => self.of_global(bind),
        })
    }

    /// That of a socket for commands.
    fn of_cli(&self, bind: &Bind) -> Ask {
        let stats = self.global.stats_maxconn.as_ref();
        let rungs = [
            bind.backlog.as_ref().map(|number| Rung::backlog(number, "bind")),
            bind.maxconn.as_ref().map(|number| Rung::maxconn_of(number, "bind")),
            stats.map(|number| Rung::maxconn(number, "stats maxconn of global")),
        ];
        climb(bind, rungs).unwrap_or_else(|| self.fixed(bind, "cli-maxconn", 1, ""))
    }

    /// A number of our own table, so many times.
    fn fixed(&self, bind: &Bind, name: &str, times: i64, why: &str) -> Ask {
        let mut own = self.ground.own(name, self.version).with(bind.room.clone());
        if let (Some(value), Some(step)) = (&mut own.backlog.value, own.steps.last_mut()) {
            value.get = value.get.saturating_mul(times);
            step.value = Some(value.get);
            step.what.push_str(why);
        }
        own
    }

    /// What a proxy takes that sets nothing.
    fn of_global(&self, bind: &Bind) -> Ask {
        let told = |number: &'_ Option<Number>, what: &str| {
            climb(bind, [number.as_ref().map(|number| Rung::maxconn(number, what))])
        };
        if let Some(told) = told(&self.run.arguments.proxy_maxconn, "-N of the command line") {
            return told;
        }
        // Up to 1.9 a proxy has a number of its own; since then it is that of global.
        let own = self.ground.default("proxy-maxconn", self.version);
        if let Some((value, step)) = own.filter(|(value, _)| value.get != 0) {
            return known(value, step.what, bind.room.clone());
        }
        told(&self.run.arguments.maxconn, "-n of the command line")
            .or_else(|| told(&self.global.maxconn, "maxconn of global, because no backlog is set"))
            .unwrap_or_else(|| {
                let (value, steps) = self.automatic.clone();
                Ask { backlog: Setting { value, slot: bind.room.clone() }, steps }
            })
    }

    /// compute_ideal_maxconn() in src/haproxy.c: two descriptors for each connection, of those that the process may have.
    fn automatic(&self, steps: &mut Vec<Step>) -> Option<Value<i64>> {
        if let Some(at) = self.run.arguments.memory {
            steps.push(Step::note("maxconn of global comes from the memory that -m allows", at));
            return None;
        }
        let (mut files, mut at) = self.open_files(steps)?;
        if let Some(limit) = &self.global.descriptors {
            let Some(most) = limit.get else {
                steps.push(Step::note("fd-hard-limit: the files do not show its number", limit.at));
                return None;
            };
            (files, at) = (if most > 0 { files.min(most) } else { files }, limit.at);
            steps.push(Step { value: Some(files), what: "fd-hard-limit".into(), at });
        } else if self.version.is_none_or(|version| version >= HAS_MAXFD) {
            files = files.min(DEFAULT_MAXFD);
        }
        let left = files.saturating_sub(self.descriptors());
        // Data that passes through pipes takes descriptors too.
        let splices = self.proxies.iter().any(|proxy| proxy.splices && proxy.maxconn.is_none());
        let get = if splices { left.saturating_mul(2) / 5 } else { left / 2 }.max(LEAST_MAXCONN);
        let what = "maxconn that HAProxy derives from it, as no backlog or maxconn is set (assumed)";
        steps.push(Step { value: Some(get), what: what.into(), at });
        Some(Value { get, span: at, kind: Kind::Assumed })
    }

    /// The hard limit of open files.
    fn open_files(&self, steps: &mut Vec<Step>) -> Option<(i64, Span)> {
        let (get, at, what) = match &self.run.open_files {
            Some(limit) => (limit.get, limit.span, "the hard limit of open files of its unit"),
            None => {
                let default = self.ground.service.default("open-files")?;
                (default.get, default.span, "the hard limit of open files that systemd sets, assumed")
            }
        };
        steps.push(Step { value: Some(get), what: what.into(), at });
        Some((get, at))
    }

    /// What HAProxy needs besides connections (global.maxsock).
    fn descriptors(&self) -> i64 {
        let Self { global, run, .. } = self;
        let binds = global.stats.iter().chain(self.proxies.iter().flat_map(|proxy| &proxy.binds));
        let listeners = binds.filter_map(|bind| bind.addresses.as_ref()).flatten().map(Address::sockets);
        let master = run.arguments.master || global.master;
        let cli = if global.stats_is_used || master { CLI } else { 0 };
        let sockets = i64::from(master) + i64::try_from(run.arguments.sockets.len()).unwrap_or(0) * (CLI + 1);
        let threads = global.threads.as_ref().and_then(|threads| threads.get).unwrap_or(1);
        let peers = self.proxies.iter().map(|proxy| proxy.peers).sum::<i64>();
        let fixed = [OWN, cli, sockets, threads.saturating_mul(PER_THREAD), self.checks, peers * 3];
        listeners.chain(fixed).fold(0, i64::saturating_add)
    }

    fn listeners(&self, opening: &Opening<'_>, servers: &Servers<'_>, most: usize) -> Vec<Listener> {
        let Opening { bind, proxy, .. } = opening;
        let Some(addresses) = &bind.addresses else {
            let listener = self.listener(opening, &Why::NotTold.into());
            let hops = proxy.map_or_else(Vec::new, |proxy| self.hops(servers, proxy, None));
            return vec![Listener { hops, ..listener }];
        };
        let inherited = addresses.contains(&Address::Inherited);
        let listener = |bound: Bound| {
            let mut listener = self.listener(opening, &bound);
            if inherited {
                Ask { backlog: listener.backlog, steps: listener.steps } = Ask::handed(bind.written);
            }
            let port = listener.endpoint.port();
            listener.hops = proxy.map_or_else(Vec::new, |proxy| self.hops(servers, proxy, port));
            listener
        };
        let ends = addresses.iter().flat_map(|address| ends(address, bind.v6_only));
        ends.take(most).map(listener).collect()
    }

    /// The socket of one address.
    fn listener(&self, opening: &Opening<'_>, bound: &Bound) -> Listener {
        let Opening { bind, ask, internal, .. } = opening;
        let endpoint = bound.endpoints.first().cloned().unwrap_or(Endpoint::Unknown(Transport::Tcp));
        let mut listener = self.ground.listener(endpoint, bind.at, ask.clone());
        listener.sockets = self.count(bind);
        listener.internal = *internal;
        let interface = bind.interface.as_ref().filter(|_| listener.endpoint.port().is_some());
        listener.interface = interface.map(|name| name.as_str().to_owned());
        if let Some(at) = bind.maybe {
            let what = "it is opened only if this condition holds, which the files do not show";
            listener.notes.push(Step::note(what, at));
        }
        if let Some(namespace) = &bind.namespace {
            let what = format!(
                "it listens in the network namespace {}, which has a net.core.somaxconn of its own",
                namespace.as_str()
            );
            listener.backlog.value = None;
            listener.steps.push(Step::note(what, namespace.span()));
        }
        listener.notes.extend(bound.steps(bind.written));
        listener
    }

    /// How many sockets each address of a `bind` gets (check_config_validity() in src/cfgparse.c).
    fn count(&self, bind: &Bind) -> Option<u32> {
        // Without `nbthread` it depends on the machine.
        let all = self.global.threads.as_ref().and_then(|threads| threads.get);
        let threads = all.filter(|threads| *threads > 0).and_then(|all| bind.threads_of(all));
        let default = match self.version.is_none_or(|version| version >= SHARDS_BY_GROUP) {
            true => Shards::ByGroup,
            false => Shards::Number(1),
        };
        let count = match bind.shards.or(self.global.shards).unwrap_or(default) {
            Shards::Unknown => None,
            Shards::Number(1) => Some(1),
            Shards::Number(number) => threads.map(|threads| threads.min(number)),
            Shards::ByThread => threads,
            Shards::ByGroup => self.global.groups.as_ref().map_or(Some(1), |groups| groups.get),
        };
        count.and_then(|count| u32::try_from(count).ok())
    }

    /// The sockets of `-S`: an address and parameters of `bind`, with commas between. No file has a word about their queues.
    fn of_master(&self) -> Vec<Listener> {
        let resolve = |host: &str| self.ground.addresses(host);
        let mut listeners = Vec::new();
        for word in self.run.arguments.sockets.iter().filter(|word| !word.is_open()) {
            let text = word.as_str().split(',').next().unwrap_or_default();
            let Ok(address) = haproxy::to_listen(&resolve, text, "") else { continue };
            let bind = Bind { shards: Some(Shards::Number(1)), ..Bind::bare(word.span(), None) };
            let ask = self.fixed(&bind, "cli-maxconn", 1, "");
            let opening = Opening { bind: &bind, ask, internal: true, proxy: None };
            let ends = ends(&address, false).into_iter();
            listeners.extend(ends.map(|bound| self.listener(&opening, &bound)));
        }
        listeners
    }

    /// The next hops of what a proxy accepts at a port.
    fn hops(&self, servers: &Servers<'_>, proxy: &Proxy, port: Option<u16>) -> Vec<Hop> {
        let own = Some(proxy.name.as_str()).filter(|_| proxy.role == Role::Listen);
        let named = proxy.named().take_while(|(word, _)| self.looked_at.may_look(word.span()));
        let names = own.into_iter().chain(named.map(|(word, _)| word.as_str()));
        let servers = names.filter_map(|name| servers.get(name)).flatten();
        self.looked_at.gather(servers.filter_map(|(address, at)| self.hop(address, *at, port)))
    }

    fn hop(&self, address: &Address, at: Span, port: Option<u16>) -> Option<Hop> {
        let to = match address {
            // The address that the client connected to.
            Address::Tcp(Host::Ip(address), _) if address.is_unspecified() => return None,
            Address::Tcp(host, ports) => {
                let port = ports.as_ref().map(|ports| *ports.start()).or(port)?;
                match host {
                    Host::Ip(address) => Next::At(Endpoint::tcp(*address, port)),
                    Host::Name(name) => self.ground.next(name, port),
                }
            }
            Address::Unix(path) => Next::At(Endpoint::Unix(path.clone())),
            Address::Inherited | Address::None => return None,
        };
        Some(Hop { to, at })
    }
}

/// The first number that is not 0.
fn climb<'n>(bind: &Bind, rungs: impl IntoIterator<Item = Option<Rung<'n>>>) -> Option<Ask> {
    let rung = rungs.into_iter().flatten().find(|rung| rung.number.get != Some(0))?;
    let slot = rung.slot.or_else(|| bind.room.clone());
    let Some(get) = rung.number.get else {
        let why = format!("{}: the files do not show its number", rung.what);
        return Some(Ask::unknown(why, rung.number.at).with(slot));
    };
    Some(known(Value { get, span: rung.number.at, kind: rung.kind }, rung.what, slot))
}

/// The sockets of one address.
fn ends(address: &Address, v6_only: bool) -> Vec<Bound> {
    // `::` takes both families unless it is told not to, or net.ipv6.bindv6only says so.
    let dual_stack = if v6_only { DualStack::Never } else { DualStack::Ipv6 };
    let policy = Policy { empty: Empty::Name, names: Names::Refused, dual_stack };
    match address {
        Address::Tcp(host, ports) => {
            let end = |port: u16| match host {
                Host::Ip(ip) => Bound::at(policy.endpoint(*ip, port)),
                Host::Name(name) => Why::Unresolved(name.clone()).into(),
            };
            ports.clone().into_iter().flatten().map(end).collect()
        }
        Address::Unix(path) => vec![Bound::at(Endpoint::Unix(path.clone()))],
        Address::Inherited => vec![Why::Handed.into()],
        Address::None => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
