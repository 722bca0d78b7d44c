//! What the readers of command lines stand on: the tree, the budget of the work, the files that are read more than once.

use std::cell::{Cell, OnceCell, RefCell};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use crate::knowledge::{Candidate, CommandLines};
use crate::model::{ReadAs, Variable};
use crate::syntax::shell::Assignment;
use crate::syntax::unit;
use crate::text::tree::Unread;
use crate::text::{HashMap, SourceId, Sources, Span, Text, Tree, larger, over};

/// How much is looked at in one tree: command lines, and KiB of what goes into them, scripts and variables included.
const MAX_LOOKS: usize = 50_000;

/// What a line of a file that several units share weighs beside its text, in bytes.
const SETTING: usize = 32;

/// What a variable weighs beside its name and its value, in bytes: each program has a list of its own.
const VARIABLE: usize = 128;

/// The largest file that is read for its command lines, in bytes. What is larger was made by a machine.
const MAX_FILE: usize = 1 << 20;

/// What all readers stand on.
pub(super) struct Scene<'a> {
    pub sources: &'a Sources,
    pub tree: &'a Tree,
    pub lines: &'a CommandLines,
    pub read_as: ReadAs,
    /// Nothing once it is told that nothing is left.
    left: Cell<Option<usize>>,
    /// The file that was read last.
    file: Cell<Option<Span>>,
    /// The scripts of the package.json that was read last: they run each other.
    pub scripts: RefCell<Option<(PathBuf, Scripts)>>,
    environments: RefCell<HashMap<SourceId, Rc<[Given]>>>,
}

/// A variable that a program is started with. The commands of many units share it.
#[derive(Debug, Clone)]
pub(super) struct Given(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    assignment: Assignment,
    variable: OnceCell<Arc<Variable>>,
}

impl From<Assignment> for Given {
    fn from(assignment: Assignment) -> Self {
        Self(Rc::new(Shared { assignment, variable: OnceCell::new() }))
    }
}

impl Deref for Given {
    type Target = Assignment;

    fn deref(&self) -> &Assignment {
        &self.0.assignment
    }
}

/// The names and texts of a package.json's scripts.
pub(super) type Scripts = Rc<[(String, Text)]>;

impl<'a> Scene<'a> {
    pub(super) fn new(
        sources: &'a Sources,
        tree: &'a Tree,
        lines: &'a CommandLines,
        read_as: ReadAs,
    ) -> Self {
        let (left, file) = (Cell::new(Some(MAX_LOOKS)), Cell::default());
        let (scripts, environments) = (RefCell::default(), RefCell::default());
        Self { sources, tree, lines, read_as, left, file, scripts, environments }
    }

    /// Whether a command of a script is none that lasts: a word of the shell, a tool that sets something up.
    pub(super) fn starts_nothing(&self, program: &Text) -> bool {
        let name = program.as_str().rsplit('/').next().unwrap_or_default();
        self.lines.passing.iter().any(|passing| passing == name)
    }

    /// Whether the name of a file or a script says nothing of development, tests and the like.
    pub(super) fn is_production(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let mut parts = name.split(|letter: char| !letter.is_ascii_alphanumeric());
        !parts.any(|part| self.lines.other.iter().any(|other| other == part))
    }

    /// Files that may be production, by their names.
    pub(super) fn in_production<'f>(&self, files: &'f [Candidate]) -> impl Iterator<Item = &'f Candidate> {
        let is_production = |file: &&Candidate| {
            let name = file.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let folder = file.path.parent().and_then(Path::file_name).unwrap_or_default();
            folder != ".devcontainer" && self.is_production(&name)
        };
        files.iter().filter(is_production)
    }

    /// Whether absolute paths are those of the tree.
    pub(super) fn is_machine(&self) -> bool {
        matches!(self.read_as, ReadAs::Root | ReadAs::Etc)
    }

    pub(super) fn variable(&self, given: &Given) -> Arc<Variable> {
        let value = || given.value.clone().in_characters();
        let make = || Arc::new(Variable { name: given.name.clone(), value: value() });
        given.0.variable.get_or_init(make).clone()
    }

    /// The variables of an environment file of systemd: thousands of units may name one.
    pub(super) fn environment(&self, source: SourceId) -> Rc<[Given]> {
        let read = || unit::environment(self.sources, source).into_iter().map(Given::from).collect();
        self.environments.borrow_mut().entry(source).or_insert_with(read).clone()
    }

    /// A folder that something names, as far as the tree has it. In a repository an absolute path is one of the machine that the
    /// files will be copied to: the longest end of it that is a folder here.
    pub(super) fn folder(&self, from: Option<&Path>, named: &str) -> Option<PathBuf> {
        let from = from.map(Path::to_owned);
        let Some(absolute) = named.strip_prefix('/') else {
            let joined = from.as_deref().unwrap_or(Path::new("")).join(named);
            let there = self.tree.resolve(&joined).ok().filter(|_| self.tree.is_folder(&joined));
            return there.or(from);
        };
        if self.is_machine() {
            return Some(PathBuf::from(absolute));
        }
        let base = from.as_deref().unwrap_or(Path::new(""));
        let there = ends(absolute).find(|end| self.tree.is_folder(&base.join(end)));
        there.map_or(from.clone(), |end| Some(base.join(end)))
    }

    /// A file of command lines.
    pub(super) fn read(&self, path: &Path) -> Option<SourceId> {
        let too_large = |size| larger("files of command lines", MAX_FILE, size);
        let source = match self.tree.read(self.sources, path) {
            Ok(source) => source,
            Err(Unread::TooLarge(size)) => {
                let real = self.tree.resolve(path).unwrap_or_else(|_| path.to_owned());
                self.tree.cut_off(real, too_large(usize::try_from(size).unwrap_or(usize::MAX)));
                return None;
            }
            Err(_) => return None,
        };
        let (at, size) = (Span::top(source), self.sources.bytes(source).len());
        self.file.set(Some(at));
        if size > MAX_FILE {
            self.sources.cut_off(at, too_large(size));
        }
        (size <= MAX_FILE).then_some(source)
    }

    /// Takes off what looking at so many bytes costs; whether it may be done.
    pub(super) fn spend(&self, bytes: usize) -> bool {
        let some = self.has_left();
        let left = self.left.get().map(|left| left.saturating_sub(1 + bytes / 1024));
        self.left.set(left);
        some
    }

    /// Whether anything more may be looked at. What cannot be is told once, where it begins.
    pub(super) fn has_left(&self) -> bool {
        let Some(left) = self.left.get() else { return false };
        if let Some(at) = self.file.get().filter(|_| left == 0) {
            let what = "command lines of a tree, and KiB of what goes into them,";
            self.sources.cut_off(at, over(what, MAX_LOOKS));
            self.left.set(None);
        }
        left > 0
    }

    /// Takes off what the settings of a file cost that others may read as well.
    pub(super) fn spend_on_file(&self, source: SourceId) -> bool {
        let bytes = self.sources.bytes(source);
        self.spend(bytes.len() + memchr::memchr_iter(b'\n', bytes).count() * SETTING)
    }

    /// Takes off what it costs to give variables to one more program.
    pub(super) fn spend_on<'g>(&self, variables: impl IntoIterator<Item = &'g Assignment>) -> bool {
        let size = weight(variables);
        if size == 0 { self.has_left() } else { self.spend(size) }
    }
}

/// What variables come to, in bytes.
pub(super) fn weight<'g>(variables: impl IntoIterator<Item = &'g Assignment>) -> usize {
    let one = |it: &Assignment| VARIABLE + it.name.len() + it.value.weight();
    variables.into_iter().map(one).sum()
}

/// `a/b/c`, `b/c`, `c`.
pub(super) fn ends(path: &str) -> impl Iterator<Item = &str> {
    let inner = path.match_indices('/').filter_map(|(at, _)| path.get(at + 1..));
    std::iter::once(path).chain(inner).filter(|end| !end.is_empty())
}
