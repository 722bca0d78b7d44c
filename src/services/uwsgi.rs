//! uWSGI: instances of Debian's apps-enabled, of command lines, of emperors, and files that stand alone. All sockets of one have
//! one number.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{
    Ask, Bound, Candidate, DualStack, Empty, Found, Ground, Names, Policy, Why, bound_here, in_use, port_of,
};
use crate::model::{
    Command, Endpoint, Hop, Label, Listener, Next, ProblemKind, ReadAs, Starter, Step, Text, Transport,
};
use crate::syntax::number::atoi;
use crate::syntax::packages;
use crate::syntax::refusal::Refusal;
use crate::syntax::template::is_template;
use crate::syntax::uwsgi::{self, Entry, Environment, Exported, Given, Magic, Setup};
use crate::text::{HashSet, Slot, SourceId, Span, has_magic, over};

const ENABLED: &str = "etc/uwsgi/apps-enabled";
const DEBIAN: &str = "usr/share/uwsgi/conf/default.ini";
const TYPES: [&str; 6] = ["ini", "json", "js", "xml", "yaml", "yml"];
/// More than anybody keeps; each is an instance of its own.
const MAX_VASSALS: usize = 4_000;
/// The room that uWSGI has for a path: one byte is left for names without a file.
const SUN_PATH: usize = 102;

/// `[reader]` of `rules/services/uwsgi.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Tables {
    at_once: Vec<String>,
    debian: String,
    sockets: Vec<String>,
    ssl_sockets: Vec<String>,
    shared_sockets: Vec<String>,
    routers: Vec<Router>,
    helpers: Vec<Helper>,
    masters: HashSet<String>,
    arguments: uwsgi::Known,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Router {
    option: String,
    plugin: String,
    to: String,
    #[serde(default)]
    comma: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Helper {
    option: String,
    plugin: Option<String>,
    #[serde(default)]
    master: bool,
}

impl Tables {
    /// Whether an option opens a socket of the workers.
    fn is_socket(&self, option: &String) -> bool {
        [&self.sockets, &self.ssl_sockets, &self.shared_sockets].iter().any(|names| names.contains(option))
    }

    fn router(&self, option: &str) -> Option<&Router> {
        self.routers.iter().find(|router| router.option == option)
    }
}

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let tables: Tables = match ground.service.reader.clone().try_into() {
        Ok(tables) => tables,
        Err(error) => return ground.broken("its table", &error),
    };
    let mut reading = Reading { ground, tables: &tables, seen: HashSet::default(), found: Found::default() };
    reading.debian();
    for (command, words) in ground.started() {
        reading.command(command, words);
    }
    reading.files(files);
    reading.found
}

struct Reading<'a> {
    ground: Ground<'a>,
    tables: &'a Tables,
    seen: HashSet<SourceId>,
    found: Found,
}

/// How the sockets of an instance are shown.
#[derive(Default)]
struct Manner {
    /// The file that no number may be put into.
    quiet: Option<SourceId>,
    /// The end of the command line.
    room: Option<Slot>,
    /// Its plugins are built in.
    bundled: bool,
    /// An emperor started it.
    vassal: bool,
}

impl<'a> Reading<'a> {
    fn setup(&self, environment: Environment, home: Option<PathBuf>) -> Setup<'a> {
        let Ground { sources, tree, read_as, .. } = self.ground;
        let complete: &[&str] = match read_as {
            ReadAs::Root => &["/etc/", "/opt/", "/srv/", "/usr/", "/home/", "/var/www/"],
            _ => &["/etc/"],
        };
        let (machine, at_once) = (self.ground.is_machine(), self.tables.at_once.as_slice());
        Setup::new(Given { sources, tree, machine, complete, at_once, environment, home })
    }

    /// Each file of apps-enabled after what Debian gives to all (/usr/share/uwsgi/init/specific_daemon).
    fn debian(&mut self) {
        let Ground { tree, sources, .. } = self.ground;
        for name in tree.list(Path::new(ENABLED)) {
            let path = Path::new(ENABLED).join(&name);
            let Some(kind) = kind_of(&path) else { continue };
            let Ok(source) = tree.read(sources, &path) else { continue };
            let at = Span::top(source);
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let variables = [("UWSGI_DEB_CONFNAMESPACE", "app".to_owned()), ("UWSGI_DEB_CONFNAME", stem)];
            let set = variables.map(|(name, value)| (name.to_owned(), Some(value))).into_iter().collect();
            let mut setup = self.setup(Environment { set, closed: self.ground.is_machine() }, None);
            setup.variables(at);
            let default = Path::new(DEBIAN);
            let quiet = if let Ok(source) = tree.read(sources, default) {
                setup.read(default, "ini", None, true, at);
                source
            } else {
                self.builtin(&mut setup, at);
                self.ground.service.source
            };
            setup.read(&path, kind, None, true, at);
            self.open(setup, Manner { quiet: Some(quiet), ..Manner::default() }, at);
        }
    }

    /// Debian's default.ini as we know it. What it opens is said at the file that it is opened for.
    fn builtin(&self, setup: &mut Setup<'a>, at: Span) {
        let source = self.ground.service.source;
        let mut options = uwsgi::ini(source, self.tables.debian.as_bytes(), "uwsgi");
        options.top = None;
        for entry in &mut options.entries {
            *entry = Entry::new(&entry.key, &entry.value, at);
        }
        setup.take(source, options, &Magic::new(Path::new(DEBIAN), true, ""));
    }

    fn command(&mut self, command: &'a Command, words: &[Text]) {
        let known = |word: &Text| (!word.is_open()).then(|| word.as_str().to_owned());
        let variables = command.environment.iter();
        let set = variables.map(|variable| (variable.name.clone(), known(&variable.value))).collect();
        let closed = self.ground.is_machine() && command.starter == Starter::Unit;
        let home = command.folder.clone().unwrap_or_default();
        let mut setup = self.setup(Environment { set, closed }, Some(home));
        setup.variables(command.at);
        let arguments = uwsgi::arguments(&self.tables.arguments, words);
        for option in arguments.options {
            setup.add(option);
        }
        for file in arguments.files {
            if let Some(kind) = kind_of(Path::new(file.value.split(':').next().unwrap_or_default())) {
                setup.add(Entry { key: kind.to_owned(), ..file });
            }
        }
        let room = command.room.as_ref().map(|room| room.slot(&["--listen"], ""));
        self.open(setup, Manner { room, bundled: !self.is_packaged(), ..Manner::default() }, command.at);
    }

    /// Whether a distribution's uWSGI is installed: it keeps its plugins in files.
    fn is_packaged(&self) -> bool {
        let Ground { tree, sources, .. } = self.ground;
        let folders = ["usr/lib/uwsgi/plugins", "usr/lib64/uwsgi"];
        folders.iter().any(|folder| tree.is_folder(Path::new(folder)))
            || packages::installed(sources, tree, "uwsgi-core").is_some()
    }

    /// What nobody has named yet. Files that another one includes are read with it.
    fn files(&mut self, files: &[Candidate]) {
        let (placed, named): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.by_place);
        for file in placed {
            if let Some((setup, source)) = self.alone(file)
                && !self.seen.contains(&source)
            {
                self.open(setup, Manner::default(), Span::top(source));
            }
        }
        let mut alone: Vec<(Setup<'a>, SourceId)> =
            named.into_iter().filter_map(|file| self.alone(file)).collect();
        let included: HashSet<SourceId> = alone
            .iter()
            .flat_map(|(setup, own)| setup.seen.iter().filter(move |seen| *seen != own))
            .copied()
            .collect();
        // An emperor's vassals are its own.
        alone.sort_by_key(|(setup, _)| values(setup, "emperor").next().is_none());
        for (setup, source) in alone {
            if !self.seen.contains(&source) && !included.contains(&source) {
                self.open(setup, Manner { bundled: true, ..Manner::default() }, Span::top(source));
            }
        }
    }

    /// An instance that reads one file.
    fn alone(&self, file: &Candidate) -> Option<(Setup<'a>, SourceId)> {
        let kind = kind_of(&file.path)?;
        let source = self.ground.tree.read(self.ground.sources, &file.path).ok()?;
        let closed = file.by_place && self.ground.is_machine();
        let home = file.path.parent().map(Path::to_owned);
        let mut setup = self.setup(Environment { closed, ..Environment::default() }, home);
        setup.read(&file.path, kind, None, true, Span::top(source));
        setup.finish();
        Some((setup, source))
    }

    /// The sockets of an instance, and the instances of its emperor.
    fn open(&mut self, mut setup: Setup<'a>, manner: Manner, at: Span) {
        setup.finish();
        refuse_negative(&mut setup);
        self.seen.extend(setup.seen.iter().copied());
        let bundled = manner.bundled;
        let is_ours = manner.quiet.is_some() || self.has_sockets(&setup) || self.is_named(at);
        let mut opening = Opening {
            ground: self.ground,
            tables: self.tables,
            setup: &setup,
            bundled,
            sockets: Vec::new(),
            refusal: setup.refusal.clone(),
            conflict: None,
        };
        opening.all();
        let slot = opening.slot(&manner);
        for mut listener in opening.listeners(slot) {
            if listener.site == at && manner.quiet.is_some() {
                listener.notes.push(Step::note(format!("/{DEBIAN} opens it for every instance"), at));
            }
            self.found.listeners.push(listener);
        }
        let Opening { refusal, conflict, .. } = opening;
        let problems = &mut self.found.problems;
        if let Some(refusal) = refusal.filter(|_| is_ours) {
            problems.push(self.ground.refused(ProblemKind::Lost, &refusal));
        }
        if let Some((endpoint, at, taken)) = conflict {
            problems.push(self.ground.conflict(in_use(endpoint), at, taken));
        }
        if !manner.vassal {
            self.emperor(&setup, bundled);
        }
    }

    fn has_sockets(&self, setup: &Setup<'_>) -> bool {
        let opens = |key: &String| self.tables.is_socket(key) || self.tables.router(key).is_some();
        setup.exported.iter().any(|exported| opens(&exported.entry.key))
    }

    /// A file that only has a section of that name may be another program's, and one with tags is a template.
    fn is_named(&self, at: Span) -> bool {
        let sources = self.ground.sources;
        sources.get(at.source).name().contains("uwsgi") && !is_template(sources.bytes(at.source))
    }

    /// Each file of an emperor's folder, with what it gives to all of them (core/emperor.c).
    fn emperor(&mut self, emperor: &Setup<'a>, bundled: bool) {
        let given = |table: &[(&str, &str)]| -> Vec<Entry> {
            let entries = |(from, to): &(&str, &str)| {
                let to = (*to).to_owned();
                values(emperor, from)
                    .map(move |entry| Entry { key: to.clone(), beside: None, ..entry.clone() })
                    .collect::<Vec<Entry>>()
            };
            table.iter().flat_map(entries).collect()
        };
        let before = given(&[
            ("vassals-inherit-before", "inherit"),
            ("vassals-include-before", "include"),
            ("vassal-set", "set"),
            ("vassals-set", "set"),
        ]);
        let after = given(&[("vassals-inherit", "inherit"), ("vassals-include", "include")]);
        let folders = values(emperor, "emperor").filter(|entry| entry.open.is_none());
        let mut vassals: Vec<PathBuf> = Vec::new();
        for entry in folders {
            vassals.extend(
                self.vassals(emperor, &entry.value).into_iter().filter(|path| kind_of(path).is_some()),
            );
            if vassals.len() > MAX_VASSALS {
                let what = over("vassals of one emperor", MAX_VASSALS);
                self.ground.sources.cut_off(entry.at, what);
                vassals.truncate(MAX_VASSALS);
            }
        }
        for path in vassals {
            let Some(kind) = kind_of(&path) else { continue };
            let Ok(source) = self.ground.tree.read(self.ground.sources, &path) else { continue };
            let at = Span::top(source);
            let home = path.parent().map(Path::to_owned);
            let mut vassal = self.setup(emperor.given.environment.clone(), home);
            vassal.variables(at);
            before.iter().for_each(|entry| vassal.add(entry.clone()));
            vassal.read(&path, kind, None, true, at);
            after.iter().for_each(|entry| vassal.add(entry.clone()));
            self.open(vassal, Manner { bundled, vassal: true, ..Manner::default() }, at);
        }
    }

    /// The files of a folder, or those that a pattern finds.
    fn vassals(&self, emperor: &Setup<'a>, value: &str) -> Vec<PathBuf> {
        let value = value.strip_prefix("dir://").or_else(|| value.strip_prefix("glob://")).unwrap_or(value);
        if value.contains("://") {
            return Vec::new();
        }
        let tree = self.ground.tree;
        let home = emperor.given.home.clone().unwrap_or_default();
        let plain = match value.strip_prefix('/') {
            Some(_) => PathBuf::from(value.trim_start_matches('/')),
            None => home.join(value),
        };
        if has_magic(value.as_bytes()) {
            return tree.glob(plain.to_string_lossy().as_bytes());
        }
        // In a repository the folder may lie beside the file that names it.
        let beside = plain.file_name().map(|name| home.join(name)).filter(|_| !self.ground.is_machine());
        let Some(folder) = [Some(plain), beside].into_iter().flatten().find(|folder| tree.is_folder(folder))
        else {
            return Vec::new();
        };
        tree.list(&folder).into_iter().map(|name| folder.join(name)).collect()
    }
}

/// The kind of a file, by its name.
fn kind_of(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?.to_str()?;
    TYPES.into_iter().find(|known| *known == extension)
}

fn values<'i>(setup: &'i Setup<'_>, key: &'i str) -> impl Iterator<Item = &'i Entry> {
    setup.exported.iter().map(|exported| &exported.entry).filter(move |entry| entry.key == key)
}

/// uwsgi_opt_true: what is not a no is a yes.
fn is_true(value: &str) -> bool {
    !["false", "off", "no", "0"].iter().any(|no| value.eq_ignore_ascii_case(no))
}

fn is_on(setup: &Setup<'_>, key: &str) -> bool {
    values(setup, key).last().is_some_and(|entry| is_true(&entry.value))
}

/// A negative `listen` ends uWSGI where it is read (uwsgi_opt_set_int in core/uwsgi.c).
fn refuse_negative(setup: &mut Setup<'_>) {
    let is_negative = |Exported { entry, perhaps, .. }: &Exported| {
        entry.key == "listen" && entry.open.is_none() && perhaps.is_none() && atoi(&entry.value) < 0
    };
    let Some(index) = setup.exported.iter().position(is_negative) else { return };
    setup.exported.truncate(index + 1);
    let last = setup.exported.last().map(|exported| &exported.entry);
    setup.refusal = last.map(|entry| Refusal::new(format!("listen = {} is below 0", entry.value), entry.at));
}

/// Distributions keep plugins in files of their own, which have to be asked for; uWSGI's own build has them inside.
fn has_plugin(setup: &Setup<'_>, plugin: &str) -> bool {
    let is_its = |name: &str| name.trim() == plugin || name.trim().rsplit('/').next() == Some(plugin);
    let asked = ["plugin", "plugins", "need-plugin", "need-plugins"];
    let mut asked = asked.iter().flat_map(|key| values(setup, key));
    asked.any(|entry| entry.value.split(',').any(is_its)) || is_on(setup, "autoload")
}

/// Whether requests go elsewhere than to a static node: a cache, a pattern, subscriptions.
fn has_other_backend(setup: &Setup<'_>) -> bool {
    let ends = ["-subscription-server", "-zerg"];
    let parts = ["-use-cache", "-use-pattern", "-use-base", "-use-code-string"];
    setup
        .exported
        .iter()
        .map(|exported| &exported.entry.key)
        .any(|key| ends.iter().any(|end| key.ends_with(end)) || parts.iter().any(|part| key.contains(part)))
}

/// What a socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role<'t> {
    Worker,
    /// With the option that says where it passes requests on to.
    Router(&'t str),
    Helper,
}

struct Socket<'t> {
    endpoint: Endpoint,
    at: Span,
    name: String,
    role: Role<'t>,
    notes: Vec<Step>,
}

/// gethostbyname(3) gives IPv4 addresses only; literals of IPv6 stand in brackets.
const UWSGI: Policy = Policy { empty: Empty::Ipv4, names: Names::OnlyIpv4, dual_stack: DualStack::Never };
const LITERAL: Policy = Policy { empty: Empty::Name, names: Names::Refused, dual_stack: DualStack::Any };

/// What an address opens.
enum Address {
    At(Bound),
    /// Somebody else opens it.
    Inherited,
    Refused(String),
}

/// One uWSGI while it opens its sockets.
struct Opening<'a> {
    ground: Ground<'a>,
    tables: &'a Tables,
    setup: &'a Setup<'a>,
    bundled: bool,
    sockets: Vec<Socket<'a>>,
    refusal: Option<Refusal>,
    /// An address that is taken, and by what.
    conflict: Option<(Endpoint, Span, Label)>,
}

impl<'a> Opening<'a> {
    fn has_plugin(&self, plugin: &str) -> bool {
        self.bundled || has_plugin(self.setup, plugin)
    }

    /// Opens all sockets, in uWSGI's order.
    fn all(&mut self) {
        let (tables, setup) = (self.tables, self.setup);
        for exported in setup.exported.iter().filter(|exported| tables.is_socket(&exported.entry.key)) {
            let has_comma = tables.ssl_sockets.contains(&exported.entry.key);
            self.take(exported, has_comma, Role::Worker);
        }
        let mut alone = None;
        for exported in &setup.exported {
            let router = tables.router(&exported.entry.key);
            let Some(router) = router.filter(|router| self.has_plugin(&router.plugin)) else { continue };
            if values(setup, &router.to).next().is_none() {
                alone = alone.or(Some(exported.entry.at));
            }
            self.take(exported, router.comma, Role::Router(&router.to));
        }
        let has_worker = self.sockets.iter().any(|socket| socket.role == Role::Worker);
        if let Some(at) = alone.filter(|_| !has_worker && !has_other_backend(setup)) {
            // plugins/http/http.c: http_init
            let what = "the router passes requests on to a port of loopback that the kernel picks";
            let (endpoint, notes) = (Endpoint::Unknown(Transport::Tcp), vec![Step::note(what, at)]);
            self.sockets.push(Socket { endpoint, at, name: String::new(), role: Role::Helper, notes });
        }
        self.helpers();
    }

    /// core/uwsgi.c: options that need a master bring it along, unless `master` says otherwise.
    fn has_master(&self) -> bool {
        let brings = |exported: &Exported| self.tables.masters.contains(&exported.entry.key);
        match values(self.setup, "master").last() {
            Some(master) => is_true(&master.value),
            None => self.setup.exported.iter().any(brings),
        }
    }

    fn helpers(&mut self) {
        let master = self.has_master();
        let mut last: Vec<(&str, &Exported)> = Vec::new();
        for exported in &self.setup.exported {
            let helper = self.tables.helpers.iter().find(|helper| helper.option == exported.entry.key);
            let Some(helper) = helper.filter(|helper| master || !helper.master) else { continue };
            if helper.plugin.as_ref().is_some_and(|plugin| !self.has_plugin(plugin)) {
                continue;
            }
            // Two names of one option.
            let family = helper.option.trim_end_matches("-server").trim_end_matches("-ss");
            last.retain(|(known, _)| *known != family);
            last.push((family, exported));
        }
        for (_, exported) in last {
            self.take(exported, false, Role::Helper);
        }
    }

    /// Opens what an option names; a certificate may stand behind a comma.
    fn take(&mut self, exported: &Exported, has_comma: bool, role: Role<'a>) {
        let Exported { entry, perhaps, .. } = exported;
        let address = entry.value.split(',').next().filter(|_| has_comma);
        let name = address.unwrap_or(&entry.value).trim_start().to_owned();
        let mut notes = Vec::new();
        let mut note = |what: String| notes.push(Step::note(what, entry.at));
        if let Some(what) = perhaps {
            note(format!("only where {what} holds, which the files do not show"));
        }
        let found = match &entry.open {
            Some(open) => {
                let transport = if name.contains('/') { Transport::Unix } else { Transport::Tcp };
                Address::At(Bound::unknown_on(transport, Why::Elsewhere(open.clone())))
            }
            None => self.address(&name),
        };
        let bound = match found {
            Address::At(bound) => bound,
            Address::Inherited => return,
            Address::Refused(why) => {
                let refused = perhaps.is_none().then(|| Refusal::new(why, entry.at));
                self.refusal = self.refusal.take().or(refused);
                return;
            }
        };
        notes.extend(bound.steps(entry.at));
        let Some(endpoint) = bound.endpoints.into_iter().next() else { return };
        let Some(taken) = self.sockets.iter().find(|socket| socket.endpoint.collides(&endpoint)) else {
            return self.sockets.push(Socket { endpoint, at: entry.at, name, role, notes });
        };
        // A name that is bound already is left out (uwsgi_socket_is_already_bound).
        let again = role == Role::Worker && taken.name == name || endpoint.transport() == Transport::Unix;
        if !again && perhaps.is_none() {
            self.conflict.get_or_insert((endpoint, entry.at, bound_here(&taken.endpoint, taken.at)));
        }
    }

    /// core/socket.c: uwsgi_new_socket, bind_to_tcp, bind_to_unix.
    fn address(&self, name: &str) -> Address {
        if name.starts_with("fd://") || name.starts_with('=') {
            return Address::Inherited;
        }
        let Some((host, port)) = name.rsplit_once(':') else { return self.path(name) };
        if name.starts_with("::") {
            return Address::Inherited;
        }
        // htons cuts what is too large.
        let bound = port_of(atoi(port) & 0xffff).and_then(|port| {
            if host.contains('*') {
                let why = "it is this machine's first address with that prefix, which no file shows";
                return Ok(Bound::unknown(why));
            }
            match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
                Some(inner) => self.ground.bind(LITERAL, inner, port),
                None => self.ground.bind(UWSGI, host, port),
            }
        });
        Address::At(bound.unwrap_or_else(Bound::from))
    }

    fn path(&self, name: &str) -> Address {
        if name.is_empty() {
            return Address::Refused("the name of a socket is empty".to_owned());
        }
        if name.len() > SUN_PATH {
            return Address::Refused(format!("the path of a socket is longer than {SUN_PATH} bytes: {name}"));
        }
        // A name without a file has one byte more than it says, and ss shows it.
        let shown = match name.strip_prefix('@').or_else(|| name.strip_prefix("\\0")) {
            Some(rest) => format!("@{rest}@"),
            None if is_on(self.setup, "abstract-socket") => format!("@{name}"),
            None => name.to_owned(),
        };
        Address::At(Bound::at(Endpoint::Unix(shown)))
    }

    fn listeners(&self, slot: Option<Slot>) -> Vec<Listener> {
        let ask = self.ask(slot);
        let listener = |socket: &Socket<'_>| {
            let mut listener = self.ground.listener(socket.endpoint.clone(), socket.at, ask.clone());
            listener.notes.clone_from(&socket.notes);
            listener.internal = socket.role == Role::Helper;
            listener.refuses_above_somaxconn = true;
            if let Role::Router(to) = socket.role {
                listener.hops = self.hops(to);
            }
            listener
        };
        self.sockets.iter().map(listener).collect()
    }

    /// Where a router passes requests on to: what its option says, else the first socket.
    fn hops(&self, to: &str) -> Vec<Hop> {
        let mut hops: Vec<Hop> = Vec::new();
        for entry in values(self.setup, to).filter(|entry| entry.open.is_none()) {
            // `address*weight`, `address,address`.
            for part in entry.value.split(',') {
                let name = part.split('*').next().unwrap_or_default().trim();
                let next = match name.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>())) {
                    Some(("", Ok(port))) => self.ground.next("127.0.0.1", port),
                    Some((host, Ok(port))) => self.ground.next(host, port),
                    None if !name.is_empty() => Next::At(Endpoint::Unix(name.to_owned())),
                    _ => continue,
                };
                if !hops.iter().any(|hop| hop.to == next) {
                    hops.push(Hop { to: next, at: entry.at });
                }
            }
        }
        if hops.is_empty() && !has_other_backend(self.setup) {
            let first = self.sockets.iter().find(|socket| socket.role == Role::Worker);
            hops.extend(first.map(|socket| Hop { to: Next::At(socket.endpoint.clone()), at: socket.at }));
        }
        hops.retain(|hop| !matches!(hop.to, Next::At(Endpoint::Unknown(_))));
        hops
    }

    /// The `listen` that counts. `Err`: why it is not known.
    fn listen(&self) -> Result<Option<&'a Entry>, (&'a str, Span)> {
        let exported = &self.setup.exported;
        let last = exported.iter().enumerate().rfind(|(_, exported)| exported.entry.key == "listen");
        let index = last.map(|(index, _)| index);
        match (&self.setup.lost, last) {
            (Some((from, what, at)), _) if index.is_none_or(|index| index < *from) => Err((what, *at)),
            (_, Some((_, Exported { entry, perhaps, .. }))) => {
                match entry.open.as_ref().or(perhaps.as_ref()) {
                    Some(what) => Err((what, entry.at)),
                    None => Ok(Some(entry)),
                }
            }
            (_, None) => Ok(None),
        }
    }

    /// Where the number is changed, or put.
    fn slot(&self, manner: &Manner) -> Option<Slot> {
        let is_quiet = |source: SourceId| Some(source) == manner.quiet;
        if let Some(entry) = self.listen().ok()? {
            let spelt = entry.exact && atoi(&entry.value).to_string() == entry.value;
            return (spelt && !is_quiet(entry.at.source)).then(|| Slot::replace(entry.at));
        }
        let exported = &self.setup.exported;
        let top = self.setup.tops.iter().rev().find(|(source, _)| !is_quiet(*source));
        let beside = |Exported { entry, perhaps, .. }: &Exported| {
            let own = self.sockets.iter().any(|socket| socket.at == entry.at);
            entry.beside.clone().filter(|_| own && perhaps.is_none() && !is_quiet(entry.at.source))
        };
        let is_block = |key: &str| key.starts_with("if") || key.starts_with("for");
        let in_block = exported.iter().any(|exported| is_block(&exported.entry.key));
        let beside = exported.iter().rev().find_map(beside).filter(|_| !in_block);
        beside.or_else(|| top.map(|(_, slot)| slot.clone())).or(manner.room.clone())
    }

    fn ask(&self, slot: Option<Slot>) -> Ask {
        match self.listen() {
            Ok(None) => self.ground.own("backlog", None).with(slot),
            Ok(Some(entry)) => {
                let number = i64::from(atoi(&entry.value));
                let text = entry.value.trim();
                let what = match text {
                    text if text.starts_with("%(") || text.starts_with("$(") => {
                        format!(
                            "listen = {text}: uWSGI reads listen before it fills this in, so it is {number}"
                        )
                    }
                    text if text != number.to_string() => format!("uWSGI reads listen = {text} as {number}"),
                    _ => "listen".to_owned(),
                };
                Ask::written(number, what, entry.at).with(slot)
            }
            Err((what, at)) => Ask::unknown(format!("it depends on {what}, which the files do not show"), at),
        }
    }
}

#[cfg(test)]
mod tests;
