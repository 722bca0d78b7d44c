//! How uWSGI's options are written, and in which order one uWSGI reads them (core/config.c, core/uwsgi.c): command lines, the
//! environment, files of four kinds, blocks of logic, files that are read where they are named, and placeholders.

mod arguments;
mod entry;
mod fill;
mod json;
mod markup;

use std::path::{Path, PathBuf};

use super::number::atoi;
use super::refusal::Refusal;
use crate::text::{HashMap, HashSet, Slot, SourceId, Sources, Span, Tree, deeper, over};

pub use arguments::{Arguments, Known, read as arguments};
pub use entry::{Entry, Options, ini};
pub use fill::Magic;

const MAX_DEPTH: usize = 16;
const MAX_OPTIONS: usize = 5_000;
const MAX_TIMES: i32 = 1_000;

/// Variables that are known.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// No value where a part of it is not known.
    pub set: HashMap<String, Option<String>>,
    /// What is not set above is not set.
    pub closed: bool,
}

impl Environment {
    /// `Err`: nothing says whether it is set.
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        match self.set.get(name) {
            Some(Some(value)) => Ok(Some(value.clone())),
            None if self.closed => Ok(None),
            _ => Err(name.to_owned()),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Exported {
    pub entry: Entry,
    /// A condition that this tree does not decide.
    pub perhaps: Option<String>,
    /// It was taken at once.
    done: bool,
}

#[derive(Debug, Clone)]
enum Logic {
    If { truth: Option<bool>, data: String, what: String },
    For { items: Option<Vec<String>>, what: String },
}

/// What is known before the first option is read.
#[derive(Debug, Clone)]
pub struct Given<'a> {
    pub sources: &'a Sources,
    pub tree: &'a Tree,
    /// The tree is a machine's, and of these folders has all.
    pub machine: bool,
    pub complete: &'a [&'a str],
    /// Options of the caller's that are taken at once: their placeholders are not filled in (UWSGI_OPT_IMMEDIATE).
    pub at_once: &'a [String],
    pub environment: Environment,
    /// The folder that it runs in, in the tree.
    pub home: Option<PathBuf>,
}

/// One uWSGI's options.
pub struct Setup<'a> {
    pub given: Given<'a>,
    pub exported: Vec<Exported>,
    /// Why uWSGI ends before it opens a socket.
    pub refusal: Option<Refusal>,
    /// Where an option of its own can be put, of each file in turn.
    pub tops: Vec<(SourceId, Slot)>,
    pub seen: HashSet<SourceId>,
    /// A file that is not here, and how many options stand before it: it may say anything.
    pub lost: Option<(usize, String, Span)>,
    logic: Option<Logic>,
    running: bool,
    perhaps: Option<String>,
    first: Option<Magic>,
    last: Option<PathBuf>,
    depth: usize,
    finished: bool,
}

impl<'a> Setup<'a> {
    pub fn new(given: Given<'a>) -> Self {
        Self {
            given,
            exported: Vec::new(),
            refusal: None,
            tops: Vec::new(),
            seen: HashSet::default(),
            lost: None,
            logic: None,
            running: false,
            perhaps: None,
            first: None,
            last: None,
            depth: 0,
            finished: false,
        }
    }

    /// Variables named `UWSGI_LISTEN` are options, the first of all (core/utils.c: parse_sys_envs).
    pub fn variables(&mut self, at: Span) {
        let mut options: Vec<(String, Option<String>)> = Vec::new();
        for (name, value) in &self.given.environment.set {
            let Some(name) = name.strip_prefix("UWSGI_") else { continue };
            options.push((name.to_ascii_lowercase().replace('_', "-"), value.clone()));
        }
        options.sort();
        for (key, value) in options {
            let open = value.is_none().then(|| key.clone());
            self.add(Entry { open, ..Entry::new(&key, &value.unwrap_or_default(), at) });
        }
    }

    /// An option as it is read.
    pub fn add(&mut self, entry: Entry) {
        if self.refusal.is_some() {
            return;
        }
        if self.exported.len() >= MAX_OPTIONS {
            self.refusal = Some(Refusal::ours(over("options", MAX_OPTIONS), entry.at));
            return;
        }
        if self.running {
            return self.export(entry);
        }
        if matches!(entry.key.as_str(), "end" | "endfor" | "endif" | "end-if" | "end-for") {
            self.logic = None;
        }
        let Some(logic) = self.logic.clone() else { return self.export(entry) };
        self.running = true;
        self.block(&logic, entry);
        self.running = false;
    }

    /// An option inside a block: each is judged by itself.
    fn block(&mut self, logic: &Logic, entry: Entry) {
        match logic {
            Logic::If { truth, data, what } => match truth {
                Some(true) => self.export(looped(entry, data)),
                Some(false) => {}
                None => self.maybe(what, entry),
            },
            Logic::For { items: Some(items), .. } => {
                for item in items {
                    self.export(looped(entry.clone(), item));
                }
            }
            Logic::For { items: None, what } => {
                let open = entry.open.clone().or_else(|| Some(what.clone()));
                self.maybe(what, Entry { open, ..entry });
            }
        }
    }

    fn maybe(&mut self, what: &str, entry: Entry) {
        let before = self.perhaps.replace(what.to_owned());
        self.export(entry);
        self.perhaps = before;
    }

    /// Keeps an option, and takes it at once if it is one of those.
    fn export(&mut self, entry: Entry) {
        if self.refusal.is_some() {
            return;
        }
        if self.exported.len() >= MAX_OPTIONS {
            self.refusal = Some(Refusal::ours(over("options", MAX_OPTIONS), entry.at));
            return;
        }
        let index = self.exported.len();
        self.exported.push(Exported { entry: entry.clone(), perhaps: self.perhaps.clone(), done: false });
        if self.at_once(&entry)
            && let Some(exported) = self.exported.get_mut(index)
        {
            exported.done = true;
        }
    }

    /// UWSGI_OPT_IMMEDIATE, as far as it matters.
    fn at_once(&mut self, entry: &Entry) -> bool {
        match entry.key.as_str() {
            "ini" | "xml" | "xmlconfig" | "yaml" | "yml" | "json" | "js" | "config" | "include" => {
                self.file(entry);
            }
            "set-placeholder" | "set-ph" => {
                if let Some((key, value)) = entry.value.split_once('=') {
                    let entry = Entry { key: key.into(), value: value.into(), exact: false, ..entry.clone() };
                    self.exported.push(Exported { entry, perhaps: self.perhaps.clone(), done: true });
                }
            }
            "set" => {
                if let Some((key, value)) = entry.value.split_once('=') {
                    let entry = Entry { key: key.into(), value: value.into(), exact: false, ..entry.clone() };
                    self.export(entry);
                }
            }
            key if is_logic(key) => self.open_block(entry),
            key => return self.given.at_once.iter().any(|known| known == key),
        }
        true
    }

    fn refuse(&mut self, why: impl Into<String>, at: Span) {
        if self.refusal.is_none() && self.perhaps.is_none() {
            self.refusal = Some(Refusal::new(why, at));
        }
    }

    fn open_block(&mut self, entry: &Entry) {
        if self.logic.is_some() && self.running {
            return self.refuse("a block of logic inside another", entry.at);
        }
        let data = entry.value.clone();
        let what = format!("{} = {data}", entry.key);
        let known = entry.open.is_none();
        let items =
            |items: Option<Vec<String>>| Logic::For { items: items.filter(|_| known), what: what.clone() };
        self.logic = Some(match entry.key.as_str() {
            "for" => {
                items(Some(data.split(' ').filter(|item| !item.is_empty()).map(str::to_owned).collect()))
            }
            "for-times" => {
                let times = atoi(&data);
                if times > MAX_TIMES {
                    self.given.sources.cut_off(entry.at, over("rounds of a loop", MAX_TIMES));
                }
                items(Some((1..=times.min(MAX_TIMES)).map(|time| time.to_string()).collect()))
            }
            "for-glob" | "for-readline" => items(None),
            _ => Logic::If { truth: self.truth(&entry.key, &data).filter(|_| known), data, what },
        });
    }

    /// Whether a condition holds; nothing where the tree does not tell.
    fn truth(&self, key: &str, data: &str) -> Option<bool> {
        let positive = key.replace("-not-", "-");
        let holds = match positive.as_str() {
            "if-env" | "ifenv" => {
                let (name, wanted) = split(data);
                let value = self.given.environment.get(name).ok()?;
                value.is_some_and(|value| wanted.is_none_or(|wanted| wanted == value))
            }
            "if-opt" => {
                let (name, wanted) = split(data);
                let option = self.exported.iter().find(|exported| exported.entry.key == name);
                match option {
                    Some(exported) if exported.perhaps.is_some() || exported.entry.open.is_some() => {
                        return None;
                    }
                    Some(exported) => wanted.is_none_or(|wanted| wanted == exported.entry.value),
                    None => false,
                }
            }
            "if-exists" | "ifexists" => self.there(data)?,
            "if-file" => self.there(data)? && !self.given.tree.is_folder(Path::new(data)),
            "if-dir" | "ifdir" | "if-directory" => {
                self.there(data)? && self.given.tree.is_folder(Path::new(data))
            }
            "if-reload" => false,
            _ => return None,
        };
        Some(holds != (positive != key))
    }

    /// Whether something is there; what a tree of files may lack for other reasons is not known.
    fn there(&self, path: &str) -> Option<bool> {
        if !self.given.machine || !path.starts_with('/') {
            return None;
        }
        if self.given.tree.exists(Path::new(path)) {
            return Some(true);
        }
        self.given.complete.iter().any(|folder| path.starts_with(folder)).then_some(false)
    }

    /// A file that an option names: `path`, `path:section`, or `:section` of the one that was read last.
    fn file(&mut self, entry: &Entry) {
        let value = &entry.value;
        if value.contains("://") || value == "-" || entry.open.is_some() {
            return self.lost(value, entry.at);
        }
        let (path, section) = match value.rsplit_once(':') {
            Some((path, section)) => (path, Some(section).filter(|section| !section.is_empty())),
            None => (value.as_str(), None),
        };
        let found = match path {
            "" => self.last.clone(),
            path => self.find(path),
        };
        let Some(path) = found else {
            if self.given.machine && value.starts_with("/etc/") {
                return self.refuse(format!("there is no {path}"), entry.at);
            }
            return self.lost(value, entry.at);
        };
        let kind = match entry.key.as_str() {
            "include" | "inherit" | "config" | "" => {
                path.extension().unwrap_or_default().to_string_lossy().into_owned()
            }
            key => key.to_owned(),
        };
        let counts = !matches!(entry.key.as_str(), "include" | "inherit" | "");
        self.read(&path, &kind, section, counts, entry.at);
    }

    /// What a file that is not here says is not known.
    fn lost(&mut self, name: &str, at: Span) {
        self.lost = Some((self.exported.len(), format!("{name}, which is not here"), at));
    }

    /// Where a path leads: from the folder that uWSGI runs in; in a repository also beside the file that names it.
    fn find(&self, path: &str) -> Option<PathBuf> {
        let tree = self.given.tree;
        let is_there = |path: &Path| tree.exists(path) && !tree.is_folder(path);
        if self.given.machine && path.starts_with('/') {
            let path = PathBuf::from(path.trim_start_matches('/'));
            return is_there(&path).then_some(path);
        }
        let beside = self.last.as_deref().and_then(Path::parent);
        let name = Path::new(path).file_name().map(Path::new);
        let homes = self.given.home.as_deref().into_iter().chain(beside);
        let plain = homes.clone().map(|home| home.join(path.trim_start_matches('/')));
        let moved = homes.filter_map(|home| Some(home.join(name?)));
        let moved = moved.filter(|_| !self.given.machine);
        plain.chain(moved).find(|path| is_there(path))
    }

    /// Reads a file of the tree. `counts`: the capitals of `%N` may be its.
    pub fn read(&mut self, path: &Path, kind: &str, section: Option<&str>, counts: bool, at: Span) {
        if self.depth >= MAX_DEPTH {
            self.refusal = Some(Refusal::ours(deeper("files that name each other", MAX_DEPTH), at));
            return;
        }
        let (tree, sources) = (self.given.tree, self.given.sources);
        let source = match tree.read(sources, path) {
            Ok(source) => source,
            Err(why) => return self.refuse(format!("cannot read {}: {why}", path.display()), at),
        };
        self.seen.insert(source);
        let bytes = sources.bytes(source);
        let name = section.unwrap_or("uwsgi");
        let options = match kind {
            "ini" => entry::ini(source, bytes, name),
            "yaml" | "yml" => entry::yaml(source, bytes, name),
            "json" | "js" => json::read(source, bytes, name),
            "xml" | "xmlconfig" => markup::read(sources, tree, source, section),
            _ => return self.lost(&path.display().to_string(), at),
        };
        self.last = Some(path.to_owned());
        let magic = Magic::new(path, self.given.machine, section.unwrap_or_default());
        if counts && self.first.is_none() {
            self.first = Some(magic.clone());
        }
        self.take(source, options, &magic);
    }

    /// The options of a text that was read.
    pub fn take(&mut self, source: SourceId, options: Options, magic: &Magic) {
        if let Some(fault) = options.fault.filter(|_| self.refusal.is_none()) {
            self.refusal = Some(fault).filter(|fault| fault.ours || self.perhaps.is_none());
            return;
        }
        self.tops.extend(options.top.map(|top| (source, top)));
        self.depth += 1;
        for mut entry in options.entries {
            // What a tool fills in before uWSGI reads it.
            let template = ["{{", "{%", "<%", "${"].iter().any(|mark| entry.value.contains(mark));
            if template && !self.given.machine {
                entry.open = entry.open.or_else(|| Some(entry.value.clone()));
            } else if entry.value.contains('%') {
                match fill::letters(&entry.value, magic, self.first.as_ref()) {
                    Ok(filled) => {
                        entry.exact &= filled == entry.value;
                        entry.value = filled;
                    }
                    Err(open) => entry.open = entry.open.or(Some(open)),
                }
            }
            self.add(entry);
        }
        self.depth -= 1;
    }

    /// Fills in what is left, then reads the files that are read last.
    pub fn finish(&mut self) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        self.fill();
        let mut index = 0;
        while let Some(exported) = self.exported.get(index).cloned() {
            index += 1;
            if exported.entry.key == "inherit" {
                self.running = true;
                self.perhaps.clone_from(&exported.perhaps);
                self.file(&exported.entry);
                self.perhaps = None;
                self.running = false;
            }
        }
    }

    fn fill(&mut self) {
        let environment = self.given.environment.clone();
        for exported in self.exported.iter_mut().filter(|exported| !exported.done) {
            replace(self.given.sources, &mut exported.entry, '$', &|name| environment.get(name));
        }
        let mut first: HashMap<String, usize> = HashMap::default();
        for (index, exported) in self.exported.iter().enumerate() {
            first.entry(exported.entry.key.clone()).or_insert(index);
        }
        for index in 0..self.exported.len() {
            let Some(mut entry) =
                self.exported.get(index).filter(|one| !one.done).map(|one| one.entry.clone())
            else {
                continue;
            };
            let option = |name: &str| first.get(name).and_then(|index| self.exported.get(*index));
            replace(self.given.sources, &mut entry, '%', &|name| {
                let open = |name: &str| {
                    option(name).is_some_and(|one| one.entry.open.is_some() || one.perhaps.is_some())
                };
                if name.split(' ').any(open) {
                    return Err(name.to_owned());
                }
                let value = |name: &str| option(name).map(|one| one.entry.value.clone());
                Ok(if name.contains(' ') { Some(fill::sum(name, &value)) } else { value(name) })
            });
            if let Some(exported) = self.exported.get_mut(index) {
                exported.entry = entry;
            }
        }
    }
}

fn replace(
    sources: &Sources,
    entry: &mut Entry,
    symbol: char,
    get: &dyn Fn(&str) -> Result<Option<String>, String>,
) {
    if !entry.value.contains(symbol) {
        return;
    }
    match fill::brackets(&entry.value, symbol, get) {
        Ok(filled) => {
            entry.exact &= filled == entry.value;
            entry.value = filled;
        }
        Err(fill::Open { text, cut }) => {
            cut.into_iter().for_each(|cut| sources.cut_off(entry.at, cut));
            entry.open = entry.open.take().or(Some(text));
        }
    }
}

/// An option of a loop with what the loop is at.
fn looped(entry: Entry, item: &str) -> Entry {
    if !entry.value.contains("%(_)") {
        return entry;
    }
    Entry { value: entry.value.replace("%(_)", item), exact: false, ..entry }
}

fn is_logic(key: &str) -> bool {
    key.starts_with("if-")
        || matches!(key, "ifenv" | "ifexists" | "ifdir" | "ifplugin")
        || matches!(key, "for" | "for-glob" | "for-times" | "for-readline")
}

fn split(data: &str) -> (&str, Option<&str>) {
    data.split_once('=').map_or((data, None), |(name, value)| (name, Some(value)))
}
