//! A command line on its way from a file to the [`Command`] that it is: its words, its variables, its folder.

use std::cell::{Cell, OnceCell, RefCell};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::runner::{self, Off};
use super::{script, scripts};
use crate::knowledge::{Candidate, CommandLines};
use crate::model::{Command, ReadAs, Room, Starter, Value, Variable, Word};
use crate::syntax::letters::Letters;
use crate::syntax::shell::{self, Assignment, Known, Variables};
use crate::syntax::unit;
use crate::text::tree::Unread;
use crate::text::{HashMap, HashSet, SourceId, Sources, Span, Tree, deeper, larger, over};

/// How much is looked at in one tree: command lines, and KiB of what goes into them, scripts and variables included.
const MAX_LOOKS: usize = 50_000;

/// What a line of a file that several units share weighs beside its text, in bytes.
const SETTING: usize = 32;

/// What a variable weighs beside its name and its value, in bytes: each program has a list of its own.
const VARIABLE: usize = 128;

/// The largest file that is read for its command lines, in bytes. What is larger was made by a machine.
const MAX_FILE: usize = 1 << 20;

/// How deep shells and scripts may call each other.
const MAX_DEPTH: u32 = 6;

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
pub(super) type Scripts = Rc<[(String, Letters)]>;

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
    fn starts_nothing(&self, program: &shell::Word) -> bool {
        let program = program.text();
        let name = program.rsplit('/').next().unwrap_or_default();
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

    pub(super) fn word(&self, word: &shell::Word) -> Word {
        Word {
            text: word.text(),
            span: word.letters.span().unwrap_or(word.at),
            exact: !word.open && word.letters.is_verbatim(self.sources),
            open: word.open,
        }
    }

    fn variable(&self, given: &Given) -> Arc<Variable> {
        let make = || Arc::new(Variable { name: given.name.clone(), value: self.word(&given.value) });
        given.0.variable.get_or_init(make).clone()
    }

    /// The variables of an environment file of systemd: thousands of units may name one.
    pub(super) fn environment(&self, source: SourceId) -> Rc<[Given]> {
        let read = || {
            let variables = unit::environment(self.sources, source).into_iter();
            let given = |it: unit::Variable| Given::from(Assignment { name: it.name, value: it.value });
            variables.map(given).collect()
        };
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
    let one = |it: &Assignment| VARIABLE + it.name.len() + it.value.letters.len();
    variables.into_iter().map(one).sum()
}

/// `a/b/c`, `b/c`, `c`.
pub(super) fn ends(path: &str) -> impl Iterator<Item = &str> {
    let inner = path.match_indices('/').filter_map(|(at, _)| path.get(at + 1..));
    std::iter::once(path).chain(inner).filter(|end| !end.is_empty())
}

/// How further arguments are written after the last word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// Behind a blank.
    Plain,
    /// As members of a list, with what stands before and after each.
    Members { before: String, after: String },
    /// Behind a blank at a place that is not where the last word is written.
    Behind(Span),
    /// They cannot be written there.
    None,
}

impl Form {
    /// Members of a JSON array.
    pub(super) fn json() -> Self {
        Form::Members { before: ", \"".into(), after: "\"".into() }
    }
}

/// What is the same of all command lines that one line comes to.
#[derive(Debug, Clone)]
pub(super) struct Base {
    pub starter: Starter,
    pub name: String,
    pub open_files: Option<(Value<i64>, Value<i64>)>,
    pub image: Option<Value<String>>,
    /// Files by the name that they have where the program runs, and their paths in the tree.
    pub copies: Vec<(String, PathBuf)>,
}

impl Base {
    pub(super) fn new(starter: Starter, name: impl Into<String>) -> Self {
        Self { starter, name: name.into(), open_files: None, image: None, copies: Vec::new() }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Line {
    pub words: Vec<shell::Word>,
    /// Of two of one name the later counts.
    pub environment: Vec<Given>,
    pub folder: Option<PathBuf>,
    pub form: Form,
    /// The whole of it, where that is more than its words.
    pub at: Option<Span>,
}

/// Follows a line to the programs that it starts.
pub(super) fn follow(scene: &Scene<'_>, base: &Base, line: Line, variables: &Variables) -> Vec<Command> {
    let mut found = Vec::new();
    Follow { scene, base, found: &mut found, entered: Vec::new() }.line(line, variables, 0);
    found
}

/// Follows all commands of a script that stands in a file: `environment` is what it is run with.
pub(super) fn follow_script(
    scene: &Scene<'_>,
    base: &Base,
    script: &Letters,
    line: &Line,
    variables: &Variables,
) -> Vec<Command> {
    let mut found = Vec::new();
    Follow { scene, base, found: &mut found, entered: Vec::new() }.script(script, line, variables, 0);
    found
}

struct Follow<'a> {
    scene: &'a Scene<'a>,
    base: &'a Base,
    found: &'a mut Vec<Command>,
    /// The scripts that led here.
    entered: Vec<Option<Span>>,
}

impl Follow<'_> {
    fn line(&mut self, mut line: Line, variables: &Variables, depth: u32) {
        let words: usize = line.words.iter().map(|word| word.letters.len()).sum();
        let size = words + weight(line.environment.iter().map(Deref::deref));
        if depth > MAX_DEPTH {
            return self.too_deep(&line);
        }
        if !self.scene.spend(size) {
            return;
        }
        let at = line.at.or_else(|| whole(&line.words));
        loop {
            if let Some((scripts, folder)) = script::run(self.scene, &line) {
                line.folder = Some(folder);
                let variables = &with(variables, &line, Vec::new());
                return scripts.iter().for_each(|script| self.script(script, &line, variables, depth));
            }
            match runner::take_off(self.scene, &mut line) {
                Off::Again => {}
                Off::Nothing => return,
                Off::Done => break,
                Off::Script(script, arguments) => {
                    let variables = &with(variables, &line, arguments);
                    return self.script(&script.letters, &line, variables, depth);
                }
                Off::Lines(lines) => {
                    let variables = &with(variables, &line, Vec::new());
                    return lines.iter().for_each(|it| self.script(&it.letters, &line, variables, depth));
                }
                Off::File(file, arguments) => match scripts::called(self.scene, self.base, &line, &file) {
                    Some(script) => {
                        let variables = &with(variables, &line, arguments);
                        return self.script(&script, &line, variables, depth);
                    }
                    None => break,
                },
            }
        }
        let script =
            line.words.first().and_then(|program| scripts::program(self.scene, self.base, &line, program));
        // Who knows the script by its name knows more than is written in it.
        self.push(line.clone(), at);
        match script {
            Some(script) => {
                let arguments = line.words.get(1..).unwrap_or_default().to_vec();
                self.script(&script, &line, &with(variables, &line, arguments), depth);
            }
            // The script of an image that is not here: by convention it ends with `exec "$@"`.
            None if line.words.len() > 1 && is_entrypoint(&line.words) => {
                line.words.remove(0);
                self.line(line, variables, depth + 1);
            }
            None => {}
        }
    }

    fn script(&mut self, script: &Letters, outer: &Line, variables: &Variables, depth: u32) {
        if !self.scene.spend(script.len()) {
            return;
        }
        self.entered.push(script.span());
        let mut variables = variables.clone();
        let mut folder = outer.folder.clone();
        let commands = shell::commands(script, &mut variables);
        variables.tell(self.scene.sources);
        for simple in commands {
            if !self.scene.has_left() {
                break;
            }
            if let Some(to) = simple.words.get(1).filter(|_| is_word(&simple.words, "cd")) {
                let to = to.text();
                folder = self.scene.folder(folder.as_deref(), &to);
                continue;
            }
            if simple.words.first().is_some_and(|first| self.scene.starts_nothing(first)) {
                continue;
            }
            let added = simple.exported.iter().chain(&simple.assignments).cloned().map(Given::from);
            let environment = outer.environment.iter().cloned().chain(added).collect();
            let line = Line {
                words: simple.words,
                environment,
                folder: folder.clone(),
                form: Form::Plain,
                at: None,
            };
            self.line(line, &variables, depth + 1);
        }
        self.entered.pop();
    }

    /// What a script that calls itself starts is known by then.
    fn too_deep(&self, line: &Line) {
        let mut seen = HashSet::default();
        let at = line.at.or_else(|| whole(&line.words));
        if let Some(at) = at.filter(|_| self.entered.iter().all(|script| seen.insert(script))) {
            self.scene.sources.cut_off(at, deeper("shells and scripts that call each other", MAX_DEPTH));
        }
    }

    fn push(&mut self, line: Line, at: Option<Span>) {
        let (Some(last), Some(at)) = (line.words.last(), at) else { return };
        let (scene, base) = (self.scene, self.base);
        let end = Span { start: last.at.end, ..last.at };
        let plain = |at| Some(Room { at, before: " ".into(), after: String::new() });
        let room = match &line.form {
            Form::Plain => plain(end),
            Form::Behind(at) => plain(*at),
            Form::Members { before, after } => {
                Some(Room { at: end, before: before.clone(), after: after.clone() })
            }
            Form::None => None,
        };
        self.found.push(Command {
            starter: base.starter,
            name: base.name.clone(),
            words: line.words.iter().map(|word| scene.word(word)).collect(),
            environment: line.environment.iter().map(|variable| scene.variable(variable)).collect(),
            folder: line.folder,
            at,
            room,
            open_files: base.open_files.clone(),
            image: base.image.clone(),
        });
    }
}

/// `NAME=value`, quoted or not.
pub(super) fn assignment(word: &shell::Word) -> Option<Assignment> {
    let text = word.letters.bytes();
    let length = text.iter().position(|byte| *byte == b'=')?;
    let name = text.get(..length)?;
    let is_name = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let value = shell::Word { letters: word.letters.slice(length + 1..text.len()), ..word.clone() };
    is_name.then(|| Assignment { name: String::from_utf8_lossy(name).into_owned(), value })
}

fn is_word(words: &[shell::Word], word: &str) -> bool {
    words.first().is_some_and(|first| first.letters.bytes() == word.as_bytes())
}

fn is_entrypoint(words: &[shell::Word]) -> bool {
    let program = words.first().map(shell::Word::text).unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or(&program);
    name.contains("entrypoint")
}

/// What a script knows that a line calls with these arguments.
fn with(variables: &Variables, line: &Line, arguments: Vec<shell::Word>) -> Variables {
    let mut variables = variables.clone();
    for given in &line.environment {
        variables.set(&given.name, Known::of(&given.value));
    }
    variables.arguments = Some(arguments);
    variables
}

/// What is written in one file up to the last word.
fn whole(words: &[shell::Word]) -> Option<Span> {
    let last = words.last()?.at;
    let here = |word: &&shell::Word| word.at.source == last.source && word.at.start <= last.start;
    let first = words.iter().find(here).map_or(last, |first| first.at);
    Some(Span { end: last.end, ..first })
}
