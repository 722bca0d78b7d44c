//! PHP-FPM: the sockets of the pools of a main file and of what it includes, and what PHP-FPM would refuse to start with
//! (sapi/fpm/fpm/fpm_conf.c).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{
    Ask, Bound, Candidate, DualStack, Empty, Found, Ground, Names, Policy, Starts, Why, bound_here, in_use,
};
use crate::model::{
    Endpoint, Kind, Listener, Problem, ProblemKind, ReadAs, Setting, Step, Transport, Version,
};
use crate::syntax::fpm_conf::{self, Line, Stop};
use crate::syntax::number::atoi;
use crate::syntax::php_ini::{self, Filled, Statement};
use crate::text::{HashMap, HashSet, Slot, SourceId, Span, Text};

/// sun_path of unix(7) has 108 bytes, the last of which is 0; strlcpy cuts what is longer.
const SUN_PATH: usize = 107;

pub fn read(ground: Ground<'_>, candidates: &[Candidate]) -> Found {
    let keys: Keys = match ground.service.reader.clone().try_into() {
        Ok(keys) => keys,
        Err(error) => return ground.broken("its [reader] table", &error),
    };
    let mut found = Found::default();
    let starts = Starts::of(ground, &mut found);
    let mut files = files(ground, &starts, &keys, candidates, &mut found.problems);
    files.sort_by_key(|file| !file.installed);
    let (mains, fragments): (Vec<File>, Vec<File>) = files.into_iter().partition(|file| file.main);
    let mut left_out = mains.iter().filter(|main| starts.is_idle(&main.path)).count();
    // What was read on behalf of some main file.
    let mut seen = HashSet::default();
    let mut take = |first: &File, sources: &[SourceId], seen: &mut HashSet<SourceId>| {
        let mut process = Process::new(ground, &starts, &keys, first);
        let problem = process.run(sources, seen).err();
        if first.main && starts.is_idle(&first.path) {
            return;
        }
        found.problems.extend(problem);
        found.listeners.append(&mut process.listeners);
    };
    for main in &mains {
        if !seen.contains(&main.source) {
            take(main, &[main.source], &mut seen);
        }
    }
    // What no main file includes. Files of one folder of pools are one PHP-FPM; elsewhere each stands for itself.
    let mut folders: BTreeMap<PathBuf, Vec<File>> = BTreeMap::new();
    for file in fragments.into_iter().filter(|file| !seen.contains(&file.source)) {
        let folder = file.path.parent().unwrap_or(Path::new("")).to_owned();
        // Where PHP-FPM is installed, what its main file does not name is switched off.
        let is_off = |main: &File| main.installed && main.path.parent() == folder.parent();
        if file.by_place && mains.iter().any(is_off) {
            left_out += 1;
            continue;
        }
        let of_pools = folder.extension().is_some_and(|extension| extension == "d");
        let key = if of_pools { folder } else { file.path.clone() };
        folders.entry(key).or_default().push(file);
    }
    for mut files in folders.into_values() {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let sources: Vec<SourceId> = files.iter().map(|file| file.source).collect();
        if let Some(first) = files.first() {
            take(first, &sources, &mut seen);
        }
    }
    found.left_out += left_out;
    found
}

/// `[reader]` of `rules/services/php-fpm.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Keys {
    keys_until: String,
    global: Part,
    pool: Part,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    numbers: Vec<String>,
    others: Vec<String>,
    #[serde(default)]
    arrays: Vec<String>,
}

/// What a file looks like.
#[derive(Debug, Clone, Copy, Default)]
struct Looks {
    is_ours: bool,
    /// It includes pools.
    includes: bool,
}

impl Part {
    fn is_number(&self, key: &str) -> bool {
        self.numbers.iter().any(|name| name.eq_ignore_ascii_case(key))
    }

    fn has(&self, key: &str) -> bool {
        self.is_number(key) || self.others.iter().any(|name| name.eq_ignore_ascii_case(key))
    }

    fn has_array(&self, name: &str) -> bool {
        self.arrays.iter().any(|known| known == name)
    }
}

impl Keys {
    /// Whether the lists are all that this version knows.
    fn are_all(&self, version: Option<Version>) -> bool {
        let until = Version::parse(&self.keys_until).map(|(until, _)| until);
        version.is_some_and(|version| until.is_some_and(|until| version <= until))
    }

    /// A file is PHP-FPM's if it has no key but PHP-FPM's own and a section that most files of it have; one with a pool's
    /// process manager may have other keys and names, or no section, but not both.
    fn look(&self, bytes: &[u8]) -> Looks {
        let (mut ours, mut others) = (0, 0);
        let (mut section, mut usual, mut manager, mut includes) = (false, false, false, false);
        let mut count = |known: bool| *(if known { &mut ours } else { &mut others }) += 1;
        for line in fpm_conf::lines(bytes) {
            let (statements, fault) = php_ini::read(Span::NOWHERE.source, bytes, line, &|_| Filled::Unknown);
            if fault.is_some() {
                count(false);
            }
            for statement in statements {
                match statement {
                    Statement::Section(name) => {
                        usual |= ["global", "www"].iter().any(|usual| name.eq_ignore_ascii_case(usual));
                        section = true;
                    }
                    Statement::Entry { name, value: Some(value), .. } if name == "include" => {
                        includes |= value.contains("fpm") || value.contains("pool");
                        count(true);
                    }
                    Statement::Entry { name, .. } => {
                        let known = self.pool.has(&name) || self.global.has(&name);
                        manager |= known && (name == "pm" || name.starts_with("pm."));
                        count(known);
                    }
                    Statement::Offset { name, .. } => count(self.pool.has_array(&name)),
                }
            }
        }
        let is_ours = ours > 0
            && match section || includes {
                true => manager || others == 0 && (usual || includes),
                false => manager && others == 0,
            };
        Looks { is_ours, includes: includes && is_ours }
    }
}

/// A file that PHP-FPM may read.
struct File {
    source: SourceId,
    path: PathBuf,
    by_place: bool,
    /// PHP-FPM begins with it.
    main: bool,
    /// PHP-FPM begins with it on this machine.
    installed: bool,
    /// What `-p` says.
    prefix: Option<String>,
}

/// The files that are PHP-FPM's, those first that a command line names.
fn files(
    ground: Ground<'_>,
    starts: &Starts<'_>,
    keys: &Keys,
    candidates: &[Candidate],
    problems: &mut Vec<Problem>,
) -> Vec<File> {
    let mut files: Vec<File> = Vec::new();
    for candidate in starts.candidates(candidates) {
        let Some(source) = ground.open(&candidate, problems) else { continue };
        let Candidate { path, by_place } = candidate;
        let looks = keys.look(ground.sources.bytes(source));
        if files.iter().any(|file| file.source == source) || !by_place && !looks.is_ours {
            continue;
        }
        let has_name = || path.file_name().is_some_and(|name| name == "php-fpm.conf");
        let main = looks.includes || starts.names(&path) || by_place && has_name();
        let installed = main && by_place && ground.is_machine();
        let said =
            || starts.line(starts.starting(&path)?).last("--prefix").filter(|said| !said.word.is_open());
        let prefix = said().filter(|_| main).map(|said| said.text.to_owned());
        files.push(File { source, path, by_place, main, installed, prefix });
    }
    files
}

/// What a pool says last for a key.
struct Given {
    /// Open where a variable or a template leaves it unknown.
    text: Text,
    /// The whole line, with its end.
    line: Span,
}

struct Pool {
    /// Empty where another file says it.
    name: String,
    at: Span,
    values: HashMap<String, Given>,
}

impl Pool {
    fn get(&self, key: &str) -> Option<&Given> {
        self.values.get(key)
    }

    /// What has a value, or one that is not known.
    fn set(&self, key: &str) -> Option<&Given> {
        self.get(key).filter(|given| given.text.is_open() || !given.text.is_empty())
    }

    /// A number as PHP-FPM has it, 0 where nothing sets it; `None` where it is not known.
    fn number(&self, key: &str) -> Option<i32> {
        match self.get(key) {
            Some(given) if given.text.is_open() => None,
            Some(given) => Some(atoi(&given.text)),
            None => Some(0),
        }
    }

    fn is_managed(&self, how: &str) -> bool {
        self.get("pm").is_some_and(|manager| manager.text.eq_ignore_ascii_case(how))
    }
}

/// A socket that is bound.
struct Taken {
    /// As written.
    listen: String,
    at: Span,
    endpoint: Endpoint,
}

type Checked = Result<(), Problem>;

/// Why PHP-FPM does not start, and where.
type Fault = (String, Span);

/// Where a line of a file stands.
#[derive(Clone, Copy)]
enum Section {
    /// Before the first section of a file that another one includes: in the pool that is open there.
    Outside,
    Global,
    Pool(usize),
}

/// One PHP-FPM. Sections go on across files, and the last line with a key counts.
struct Process<'a> {
    ground: Ground<'a>,
    starts: &'a Starts<'a>,
    keys: &'a Keys,
    main: &'a File,
    /// What relative paths start from.
    prefix: String,
    version: Option<Version>,
    pools: Vec<Pool>,
    /// By their names in small letters: they are compared without regard to case.
    names: HashMap<String, usize>,
    section: Section,
    /// By the port or path that only one of them can have, or several on different addresses.
    bound: HashMap<String, Vec<Taken>>,
    listeners: Vec<Listener>,
}

impl<'a> Process<'a> {
    fn new(ground: Ground<'a>, starts: &'a Starts<'a>, keys: &'a Keys, main: &'a File) -> Self {
        Self {
            ground,
            starts,
            keys,
            main,
            prefix: main.prefix.clone().unwrap_or_else(|| built_prefix(&main.path)),
            version: None,
            pools: Vec::new(),
            names: HashMap::default(),
            section: if main.main { Section::Global } else { Section::Outside },
            bound: HashMap::default(),
            listeners: Vec::new(),
        }
    }

    /// Opens what the files say; the problem is what keeps PHP-FPM from starting: it says the first and reads no further.
    fn run(&mut self, files: &[SourceId], seen: &mut HashSet<SourceId>) -> Checked {
        let (ground, starts, main, prefix) = (self.ground, self.starts, self.main, self.prefix.clone());
        let setting = fpm_conf::Setting {
            sources: ground.sources,
            tree: ground.tree,
            prefix: &prefix,
            folder: main.path.parent().unwrap_or(Path::new("")),
            installed: main.installed,
            variable: &|name| variable(starts, main, name),
        };
        let read = fpm_conf::read(setting, files, &mut |line| self.line(line));
        seen.extend(read.seen);
        self.version = self.version(&read.includes);
        match read.stop {
            Some(Stop::Fault(message, at)) => Err(self.lost(message, at)),
            Some(Stop::Cut(message, at)) => Err(ground.problem(ProblemKind::CutOff, message, at)),
            None => self.open(),
        }
    }

    /// A fault that keeps PHP-FPM from starting.
    fn lost(&self, message: impl std::fmt::Display, at: Span) -> Problem {
        self.ground.problem(ProblemKind::Lost, format!("it does not start: {message}"), at)
    }

    fn line(&mut self, line: Line) -> Result<(), Fault> {
        let Line { statement, at: line } = line;
        let source = line.source;
        match statement {
            Statement::Section(name) if name.eq_ignore_ascii_case("global") => {
                self.section = Section::Global;
            }
            Statement::Section(name) => {
                self.section = Section::Pool(self.pool(&name, name.span()));
            }
            Statement::Entry { name, at, value: Some(value) } => {
                return self.entry(&name, Span::new(source, at), value, line);
            }
            Statement::Entry { value: None, .. } => {}
            Statement::Offset { name, at, .. } => return self.offset(&name, Span::new(source, at)),
        }
        Ok(())
    }

    /// The pool of a name, new or continued.
    fn pool(&mut self, name: &str, at: Span) -> usize {
        let next = self.pools.len();
        let index = *self.names.entry(name.to_ascii_lowercase()).or_insert(next);
        if index == next {
            self.pools.push(Pool { name: name.to_owned(), at, values: HashMap::default() });
        }
        index
    }

    fn entry(&mut self, name: &str, at: Span, value: Text, line: Span) -> Result<(), Fault> {
        let Keys { global, pool, .. } = self.keys;
        if matches!(self.section, Section::Outside) && pool.has(name) {
            self.section = Section::Pool(self.pool("", at));
        }
        let (here, there) = match self.section {
            Section::Pool(_) => (pool, global),
            Section::Outside | Section::Global => (global, pool),
        };
        if !here.has(name) {
            return match self.section {
                Section::Pool(_) if there.has(name) => Err((format!("{name} belongs in [global]"), at)),
                _ if there.has(name) => Err((format!("{name} belongs in a pool, not in [global]"), at)),
                _ if self.keys.are_all(self.version_in_name(at.source)) => {
                    Err((format!("{name} is not one of its keys"), at))
                }
                _ => Ok(()),
            };
        }
        let template = !self.main.installed && fpm_conf::is_template(&value);
        let known = !value.is_open() && !template;
        if known && here.is_number(name) && !is_number(&value) {
            return Err((format!("{name} = {value} is not a number"), value.span()));
        }
        let key = name.to_ascii_lowercase();
        let managers = ["static", "dynamic", "ondemand"];
        if key == "pm" && known && !managers.iter().any(|name| value.eq_ignore_ascii_case(name)) {
            return Err(("pm is static, dynamic or ondemand".into(), value.span()));
        }
        let Section::Pool(index) = self.section else { return Ok(()) };
        let Some(pool) = self.pools.get_mut(index) else { return Ok(()) };
        let mut text = value.clone();
        if value.contains("$pool") {
            let named = value.replace("$pool", &pool.name);
            text = Text::meant(named, value.span()).with_open_of(&value);
        }
        if template || pool.name.is_empty() && value.contains("$pool") {
            text.set_open(&value);
        }
        pool.values.insert(key, Given { text, line });
        Ok(())
    }

    fn offset(&self, name: &str, at: Span) -> Result<(), Fault> {
        match self.section {
            Section::Global => Err(("keys with brackets belong in a pool, not in [global]".into(), at)),
            _ if self.keys.pool.has_array(name) => Ok(()),
            _ => Err((format!("{name}[] is not one of its keys"), at)),
        }
    }

    fn version_in_name(&self, source: SourceId) -> Option<Version> {
        version_in(&format!("/{}", self.ground.sources.get(source).name()))
    }

    /// What the folder of the main file says, else what it includes, else the tree, else what it calls its sockets.
    fn version(&self, includes: &[String]) -> Option<Version> {
        self.version_in_name(self.main.source)
            .or_else(|| includes.iter().find_map(|include| version_in(include)))
            .or_else(|| self.ground.version(self.main.path.parent().unwrap_or(Path::new(""))))
            .or_else(|| self.pools.iter().find_map(|pool| version_in(&pool.get("listen")?.text)))
    }

    /// All listeners, and the first thing that PHP-FPM would refuse (fpm_conf_process_all_pools).
    fn open(&mut self) -> Checked {
        let mut checked = Ok(());
        let pools = std::mem::take(&mut self.pools);
        for pool in &pools {
            let sound = if self.main.installed { self.check(pool) } else { Ok(()) };
            let opened = self.listen(pool);
            checked = checked.and(sound).and(opened);
        }
        // They are made after all others.
        for pool in &pools {
            let opened = self.listen_for_status(pool);
            checked = checked.and(opened);
        }
        if self.main.installed && pools.is_empty() {
            return checked.and(Err(self.lost("no pool is defined", Span::top(self.main.source))));
        }
        checked
    }

    /// What a pool must have.
    fn check(&self, pool: &Pool) -> Checked {
        let missing = |key: &str| Err(self.lost(format!("pool {} has no {key}", pool.name), pool.at));
        self.prefix_is_there(pool)?;
        // Debian's and Red Hat's units start it as root; a container may have another user.
        if self.main.path.starts_with("etc") && pool.get("user").is_none() && !self.may_be_root() {
            return missing("user");
        }
        if pool.set("listen").is_none() {
            return missing("listen");
        }
        if pool.get("pm").is_none() {
            return missing("pm");
        }
        match pool.number("pm.max_children") {
            Some(children) if children < 1 => missing("pm.max_children above 0"),
            Some(children) if pool.is_managed("dynamic") => self.spare_servers(pool, children),
            _ => Ok(()),
        }
    }

    fn may_be_root(&self) -> bool {
        self.starts.reading(&self.main.path).any(|run| self.starts.line(run).has("--allow-to-run-as-root"))
    }

    fn prefix_is_there(&self, pool: &Pool) -> Checked {
        let Some(prefix) = pool.get("prefix").filter(|prefix| !prefix.text.is_open()) else { return Ok(()) };
        let tree = self.ground.tree;
        let path = Path::new(prefix.text.as_str());
        let known = self.ground.read_as == ReadAs::Root
            && path.is_absolute()
            && path.parent().is_some_and(|parent| parent.parent().is_some() && tree.is_folder(parent));
        match known && !tree.is_folder(path) {
            true => Err(self.lost(format!("there is no folder {}", prefix.text), prefix.text.span())),
            false => Ok(()),
        }
    }

    fn spare_servers(&self, pool: &Pool, children: i32) -> Checked {
        let names = ["pm.min_spare_servers", "pm.max_spare_servers", "pm.start_servers"];
        let [Some(least), Some(most), Some(start)] = names.map(|name| pool.number(name)) else {
            return Ok(());
        };
        let what = match () {
            () if least <= 0 => "pm = dynamic needs a pm.min_spare_servers above 0",
            () if most <= 0 => "pm = dynamic needs a pm.max_spare_servers above 0",
            () if least > children || most > children => {
                "pm.min_spare_servers or pm.max_spare_servers is above pm.max_children"
            }
            () if most < least => "pm.max_spare_servers is below pm.min_spare_servers",
            () if start > 0 && !(least..=most).contains(&start) => {
                "pm.start_servers is not between pm.min_spare_servers and pm.max_spare_servers"
            }
            () => return Ok(()),
        };
        let at = pool.get("pm").map_or(pool.at, |manager| manager.text.span());
        Err(self.lost(format!("pool {}: {what}", pool.name), at))
    }

    /// The socket of a pool. In a file that some other PHP-FPM reads, `listen` may stand elsewhere.
    fn listen(&mut self, pool: &Pool) -> Checked {
        let listen = pool.set("listen");
        let opened = match (listen, pool.get("listen.backlog")) {
            (Some(listen), _) => self.bind(pool, listen)?,
            (None, Some(backlog)) if !self.main.installed => {
                let what = "the listen of this pool is in another file";
                let bound = Bound::unknown(what);
                let listener = self.opened(&bound, backlog.text.span());
                listener.map(|listener| Listener { notes: bound.steps(pool.at).collect(), ..listener })
            }
            _ => None,
        };
        let Some(mut listener) = opened else { return Ok(()) };
        Ask { backlog: listener.backlog, steps: listener.steps } = self.ask(pool, listen);
        let children = pool.get("pm.max_children").zip(pool.number("pm.max_children"));
        if let Some((given, children)) = children.filter(|_| listen.is_some()) {
            let what = "pm.max_children: this many requests are served at once, the others wait here".into();
            listener.notes.push(Step { value: Some(i64::from(children)), what, at: given.text.span() });
        }
        self.listeners.push(listener);
        Ok(())
    }

    /// The pool that answers for `pm.status_listen`. Nothing sets its backlog.
    fn listen_for_status(&mut self, pool: &Pool) -> Checked {
        let Some(listen) = pool.get("pm.status_listen").filter(|given| !given.text.is_empty()) else {
            return Ok(());
        };
        let Some(mut listener) = self.bind(pool, listen)? else { return Ok(()) };
        Ask { backlog: listener.backlog, steps: listener.steps } = self.ground.own("backlog", self.version);
        listener.internal = true;
        let what = "pm.status_listen: nothing sets the backlog of this socket".into();
        listener.notes.push(Step { value: None, what, at: listen.text.span() });
        self.listeners.push(listener);
        Ok(())
    }

    fn opened(&self, bound: &Bound, site: Span) -> Option<Listener> {
        self.ground.listeners(bound, site, &Ask::default()).pop()
    }

    /// The socket of one address, unless it is one that another pool has already.
    fn bind(&mut self, pool: &Pool, listen: &Given) -> Result<Option<Listener>, Problem> {
        let prefix = pool.get("prefix").map_or(self.prefix.as_str(), |prefix| prefix.text.as_str());
        let bound = match listen.text.open() {
            Some(name) => {
                let is_path = listen.text.contains('/');
                let transport = if is_path { Transport::Unix } else { Transport::Tcp };
                Bound::unknown_on(transport, Why::Elsewhere(name.to_owned()))
            }
            None => {
                bound(self.ground, &listen.text, prefix).map_err(|why| self.lost(why, listen.text.span()))?
            }
        };
        let Some(endpoint) = bound.endpoints.first().filter(|_| bound.is_known()) else {
            return Ok(self.opened(&bound, listen.text.span()));
        };
        let place = endpoint.port().map_or_else(|| endpoint.to_string(), |port| port.to_string());
        let taken = self.bound.entry(place).or_default();
        for first in taken.iter() {
            let same = listen.text.is(&first.listen);
            if !same && first.endpoint == *endpoint {
                return Ok(None);
            }
            if same || first.endpoint.collides(endpoint) {
                let first = bound_here(&first.endpoint, first.at);
                return Err(self.ground.conflict(in_use(endpoint), listen.text.span(), first));
            }
        }
        taken.push(Taken {
            listen: listen.text.to_string(),
            at: listen.text.span(),
            endpoint: endpoint.clone(),
        });
        Ok(self.opened(&bound, listen.text.span()))
    }

    fn ask(&self, pool: &Pool, listen: Option<&Given>) -> Ask {
        let own = self.ground.own("backlog", self.version);
        let Some(given) = pool.get("listen.backlog") else {
            return own.with(listen.map(|listen| self.line_after(listen)));
        };
        if let Some(name) = given.text.open() {
            return Ask::elsewhere(name, given.text.span());
        }
        let number = i64::from(atoi(&given.text));
        let spelt = given.text.exact().filter(|_| given.text.is(&number.to_string()));
        let asked = Ask::written(number, "listen.backlog", given.text.span());
        match own.backlog.value {
            Some(value) if pool.is_managed("ondemand") && number < value.get => {
                let assumed = if value.kind == Kind::Assumed { ", assumed" } else { "" };
                let what = format!("pm = ondemand raises {number} to the built-in default{assumed}");
                let raised = Step { value: Some(value.get), what, at: given.text.span() };
                let backlog = Setting { value: Some(value), slot: None };
                Ask { backlog, steps: vec![raised] }.after(asked.steps)
            }
            _ => asked.with(spelt.map(Slot::replace)),
        }
    }

    /// A line of its own after the one that says `listen`.
    fn line_after(&self, listen: &Given) -> Slot {
        let line = self.ground.sources.slice(listen.line);
        let at = Span { start: listen.line.end, ..listen.line };
        let crlf = line.ends_with(b"\r\n");
        match line.ends_with(b"\n") {
            true => Slot::insert(at, "listen.backlog = ", if crlf { "\r\n" } else { "\n" }),
            false => Slot::insert(at, "\nlisten.backlog = ", ""),
        }
    }
}

/// What `${NAME}` is. What no command line sets is not set, but in a container, whose environment is not in the tree.
fn variable(starts: &Starts<'_>, main: &File, name: &str) -> Filled {
    let set = starts.commands(&main.path).find_map(|command| command.variable(name));
    match set.map(|variable| &variable.value) {
        Some(word) if !word.is_open() => Filled::Known(word.as_str().to_owned()),
        None if main.installed && main.path.starts_with("etc") => Filled::Known(String::new()),
        _ => Filled::Unknown,
    }
}

/// A minus is a sign at the beginning only (fpm_conf_set_integer).
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The prefix that PHP is built for where its main file lies (PHP_PREFIX).
fn built_prefix(main: &Path) -> String {
    let path = main.to_string_lossy();
    let home = path.strip_suffix("/etc/php-fpm.conf").filter(|home| !home.is_empty());
    match home {
        Some(home) if home.starts_with("opt/cpanel/") => format!("/{home}/usr"),
        Some(home) => format!("/{home}"),
        None if path.starts_with("usr/local/") => "/usr/local".into(),
        None => "/usr".into(),
    }
}

/// Which PHP a name is of: `/etc/php/8.2/fpm`, `/etc/php82`, `/etc/php5`, `/opt/cpanel/ea-php82`, `php8.2-fpm.sock`.
fn version_in(path: &str) -> Option<Version> {
    path.match_indices("php").find_map(|(at, found)| {
        let rest = path.get(at + found.len()..)?;
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number = rest.get(..end)?.trim_end_matches('.');
        let mut digits = number.bytes().map(|byte| u16::from(byte.wrapping_sub(b'0')));
        match (number.len(), number.contains('.')) {
            (3 | 4, true) => Some(Version::parse(number)?.0),
            (2, false) => Some(Version::new(digits.next()?, digits.next()?, 0)),
            // Debian's folder of 5.4 to 5.6. A 7 is 7.0 or later.
            (1, false) if number == "5" => Some(Version::new(5, 4, 0)),
            (1, false) if number == "7" => Some(Version::new(7, 0, 0)),
            // Alpine's of 8.0; its later ones are numbered. SUSE's php8 is any.
            (1, false) if number == "8" && path.starts_with("/etc/php8/p") => Some(Version::new(8, 0, 0)),
            _ => None,
        }
    })
}

/// The first address of getaddrinfo(3): with IPv6 before IPv4, as RFC 6724 ranks what this machine has. net.ipv6.bindv6only is 0
/// unless somebody sets it.
const PHP: Policy = Policy { empty: Empty::Ipv6, names: Names::Ipv6First, dual_stack: DualStack::Ipv6 };

/// What a pool's `listen` opens (sapi/fpm/fpm/fpm_sockets.c), or why PHP-FPM refuses it.
fn bound(ground: Ground<'_>, listen: &str, prefix: &str) -> Result<Bound, String> {
    let is_decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !listen.contains(':') && !is_decimal(listen) {
        return Ok(Bound::path(&socket_path(listen, prefix)));
    }
    let (host, text) = match listen.rsplit_once(':') {
        Some((host, port)) => (Some(host), port),
        None => (None, listen),
    };
    // The port is a word of services(5) to getaddrinfo(3).
    let port = u16::try_from(atoi(text)).ok().filter(|port| *port > 0 && is_decimal(text));
    let port = port.ok_or_else(|| Why::NoPort(text.to_owned()).to_string())?;
    let host = match host {
        None => "",
        Some("") => return Err("the address before the colon is missing".into()),
        // Nobody's name to getaddrinfo(3), and so the loopback of who does not listen for all.
        Some("*") => "::1",
        Some(host) => host,
    };
    match ground.bind(PHP, host, port) {
        Err(Why::Unresolved(host)) if host.contains(':') && !host.contains('%') => {
            Err(Why::NoAddress(host).to_string())
        }
        bound => Ok(bound.unwrap_or_else(Bound::from)),
    }
}

fn socket_path(listen: &str, prefix: &str) -> String {
    let mut path = if listen.starts_with('/') { listen.to_owned() } else { format!("{prefix}/{listen}") };
    while path.len() > SUN_PATH {
        path.pop();
    }
    path
}

#[cfg(test)]
mod tests;
