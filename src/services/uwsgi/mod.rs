//! uWSGI: instances of Debian's apps-enabled, of command lines, of emperors, and files that stand alone.

mod arguments;
mod entry;
mod fill;
mod instance;
mod json;
mod markup;
mod sockets;
mod tables;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use self::entry::{Entry, Options};
use self::fill::Magic;
use self::instance::{Environment, Instance, Refusal};
use self::tables::Tables;
use super::{Candidate, Found, Ground};
use crate::model::{Command, Label, Problem, ProblemKind, Starter, Step, Word};
use crate::syntax::packages;
use crate::text::{Slot, SourceId, Span};

const ENABLED: &str = "etc/uwsgi/apps-enabled";
const DEBIAN: &str = "usr/share/uwsgi/conf/default.ini";
const TYPES: [&str; 6] = ["ini", "json", "js", "xml", "yaml", "yml"];
/// More than anybody keeps; each is an instance of its own.
const MAX_VASSALS: usize = 1_000;

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let Some(tables) = Tables::of(ground.service) else { return Found::default() };
    let mut reading = Reading { ground, tables: &tables, seen: HashSet::new(), found: Found::default() };
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
    emperor: bool,
}

impl<'a> Reading<'a> {
    fn instance(&self, environment: Environment) -> Instance<'a> {
        Instance::new(self.ground, self.tables, environment)
    }

    /// Each file of apps-enabled after what Debian gives to all (/usr/share/uwsgi/init/specific_daemon).
    fn debian(&mut self) {
        for name in self.ground.tree.list(Path::new(ENABLED)) {
            let path = Path::new(ENABLED).join(&name);
            let Some(kind) = kind_of(&path) else { continue };
            let Ok(source) = self.ground.tree.read(self.ground.sources, &path) else { continue };
            let at = Span::top(source);
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let variables = [("UWSGI_DEB_CONFNAMESPACE", "app".to_owned()), ("UWSGI_DEB_CONFNAME", stem)];
            let set = variables.map(|(name, value)| (name.to_owned(), Some(value))).into_iter().collect();
            let mut instance = self.instance(Environment { set, closed: self.ground.is_machine() });
            instance.variables(at);
            let default = Path::new(DEBIAN);
            let quiet = match self.ground.tree.read(self.ground.sources, default) {
                Ok(source) => {
                    instance.read(default, "ini", None, true, at);
                    source
                }
                Err(_) => {
                    self.builtin(&mut instance, at);
                    self.ground.service.source
                }
            };
            instance.read(&path, kind, None, true, at);
            self.open(instance, Manner { quiet: Some(quiet), ..Manner::default() }, at);
        }
    }

    /// Debian's default.ini as we know it. What it opens is said at the file that it is opened for.
    fn builtin(&self, instance: &mut Instance<'a>, at: Span) {
        let text = self.tables.debian.as_bytes();
        let mut options: Options = entry::ini(self.ground.service.source, text, "uwsgi");
        options.top = None;
        for entry in &mut options.entries {
            *entry = Entry::new(&entry.key, &entry.value, at);
        }
        instance.take(self.ground.service.source, options, &Magic::new(Path::new(DEBIAN), true, ""));
    }

    fn command(&mut self, command: &'a Command, words: &[Word]) {
        let arguments = arguments::read(self.tables, words);
        let closed = self.ground.is_machine() && command.starter == Starter::Unit;
        let mut instance = self.instance(Environment::of(command, closed));
        instance.home = Some(command.folder.clone().unwrap_or_default());
        instance.variables(command.at);
        for option in arguments.options {
            instance.add(option);
        }
        for file in arguments.files {
            if let Some(kind) = kind_of(Path::new(file.value.split(':').next().unwrap_or_default())) {
                instance.add(Entry { key: kind.to_owned(), ..file });
            }
        }
        let room = command.room.as_ref().map(|room| room.slot(&["--listen"], ""));
        self.open(instance, Manner { room, bundled: !self.is_packaged(), ..Manner::default() }, command.at);
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
            if let Some((instance, source)) = self.alone(file)
                && !self.seen.contains(&source)
            {
                self.open(instance, Manner::default(), Span::top(source));
            }
        }
        let mut alone: Vec<(Instance<'a>, SourceId)> =
            named.into_iter().filter_map(|file| self.alone(file)).collect();
        let includes = |instance: &Instance<'_>, own: SourceId| {
            instance.seen.iter().copied().filter(move |source| *source != own).collect::<Vec<SourceId>>()
        };
        let included: HashSet<SourceId> =
            alone.iter().flat_map(|(instance, own)| includes(instance, *own)).collect();
        // An emperor's vassals are its own.
        alone.sort_by_key(|(instance, _)| !has_emperor(instance));
        for (instance, source) in alone {
            if !self.seen.contains(&source) && !included.contains(&source) {
                self.open(instance, Manner { bundled: true, ..Manner::default() }, Span::top(source));
            }
        }
    }

    /// An instance that reads one file.
    fn alone(&self, file: &Candidate) -> Option<(Instance<'a>, SourceId)> {
        let kind = kind_of(&file.path)?;
        let source = self.ground.tree.read(self.ground.sources, &file.path).ok()?;
        let mut instance = self.instance(Environment {
            closed: file.by_place && self.ground.is_machine(),
            ..Environment::default()
        });
        instance.home = file.path.parent().map(Path::to_owned);
        instance.read(&file.path, kind, None, true, Span::top(source));
        instance.finish();
        Some((instance, source))
    }

    /// The sockets of an instance, and the instances of its emperor.
    fn open(&mut self, mut instance: Instance<'a>, manner: Manner, at: Span) {
        instance.finish();
        self.seen.extend(instance.seen.iter().copied());
        let opened = sockets::open(&instance, manner.quiet, manner.room, manner.bundled);
        for mut listener in opened.listeners {
            if listener.site == at && manner.quiet.is_some() {
                let what = format!("/{DEBIAN} opens it for every instance");
                listener.notes.push(Step { value: None, what, at });
            }
            self.found.listeners.push(listener);
        }
        let is_ours = manner.quiet.is_some() || instance.has_sockets() || self.is_named(at);
        if let Some(Refusal { message, at }) = opened.refusal.filter(|_| is_ours) {
            let message = format!("it does not start: {message}");
            self.found.problems.push(self.ground.problem(ProblemKind::Lost, message, at));
        }
        if let Some((endpoint, at, taken)) = opened.conflict {
            let message = format!("{endpoint} is in use by another of its sockets");
            let problem = self.ground.problem(ProblemKind::Conflict, message, at);
            let labels = vec![Label::new(taken, "it is bound here first")];
            self.found.problems.push(Problem { labels, ..problem });
        }
        if !manner.emperor {
            self.emperors(&instance, manner.bundled);
        }
    }

    /// A file that only has a section of that name may be another program's, and one with tags is a template.
    fn is_named(&self, at: Span) -> bool {
        let sources = self.ground.sources;
        let template = |mark: &str| memchr::memmem::find(sources.bytes(at.source), mark.as_bytes()).is_some();
        sources.get(at.source).name().contains("uwsgi") && !["{{", "{%", "<%"].into_iter().any(template)
    }

    /// Each file of an emperor's folder, with what it gives to all of them (core/emperor.c).
    fn emperors(&mut self, emperor: &Instance<'a>, bundled: bool) {
        let entries: Vec<Entry> = emperor.exported.iter().map(|exported| exported.entry.clone()).collect();
        let mut by_key: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in &entries {
            by_key.entry(entry.key.as_str()).or_default().push(entry);
        }
        let all = |keys: &[&str]| -> Vec<&Entry> {
            keys.iter().filter_map(|key| by_key.get(key)).flatten().copied().collect()
        };
        let folders = all(&["emperor"]);
        let vassals: Vec<PathBuf> = folders
            .iter()
            .filter(|entry| entry.open.is_none())
            .flat_map(|entry| self.vassals(emperor, &entry.value))
            .take(MAX_VASSALS)
            .collect();
        for path in vassals {
            let Some(kind) = kind_of(&path) else { continue };
            let Ok(source) = self.ground.tree.read(self.ground.sources, &path) else { continue };
            let at = Span::top(source);
            let mut vassal = self.instance(emperor.environment.clone());
            vassal.home = path.parent().map(Path::to_owned);
            vassal.variables(at);
            let mut add = |entries: Vec<&Entry>, key: &str| {
                for entry in entries {
                    vassal.add(Entry { key: key.to_owned(), beside: None, ..entry.clone() });
                }
            };
            add(all(&["vassals-inherit-before"]), "inherit");
            add(all(&["vassals-include-before"]), "include");
            add(all(&["vassal-set", "vassals-set"]), "set");
            vassal.read(&path, kind, None, true, at);
            let mut add = |entries: Vec<&Entry>, key: &str| {
                for entry in entries {
                    vassal.add(Entry { key: key.to_owned(), beside: None, ..entry.clone() });
                }
            };
            add(all(&["vassals-inherit"]), "inherit");
            add(all(&["vassals-include"]), "include");
            self.open(vassal, Manner { bundled, emperor: true, ..Manner::default() }, at);
        }
    }

    /// The files of a folder, or those that a pattern finds.
    fn vassals(&self, emperor: &Instance<'a>, value: &str) -> Vec<PathBuf> {
        let value = value.strip_prefix("dir://").or_else(|| value.strip_prefix("glob://")).unwrap_or(value);
        if value.contains("://") {
            return Vec::new();
        }
        let tree = self.ground.tree;
        let home = emperor.home.clone().unwrap_or_default();
        let plain = if value.starts_with('/') {
            PathBuf::from(value.trim_start_matches('/'))
        } else {
            home.join(value)
        };
        if crate::text::has_magic(value.as_bytes()) {
            return tree.glob(plain.to_string_lossy().as_bytes());
        }
        // In a repository the folder may lie beside the file that names it.
        let beside = plain.file_name().map(|name| home.join(name));
        let folders = std::iter::once(plain).chain(beside.filter(|_| !self.ground.is_machine()));
        let Some(folder) = folders.into_iter().find(|folder| tree.is_folder(folder)) else {
            return Vec::new();
        };
        tree.list(&folder).into_iter().map(|name| folder.join(name)).collect()
    }
}

fn has_emperor(instance: &Instance<'_>) -> bool {
    instance.exported.iter().any(|exported| exported.entry.key == "emperor")
}

/// The kind of a file, by its name.
fn kind_of(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?.to_str()?;
    TYPES.into_iter().find(|known| *known == extension)
}

#[cfg(test)]
mod tests;
