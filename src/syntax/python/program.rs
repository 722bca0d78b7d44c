//! The files of a program: parsed when they are asked for, once; and which file an import means.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Modules, Python, Reading, Spot, Thing, Value};
use crate::syntax::calls::{Id, Unparsed};
use crate::syntax::startup::{MAX_TAKEN_IN, Startup};
use crate::text::{HashMap, SourceId, Sources, Span, Tree, deeper, over};

/// How many files are asked one by another.
const MAX_DEPTH: u32 = 16;

/// How often one file's names lead to others.
const MAX_QUESTIONS: u32 = 1_000;

/// Expressions that one such question may cost.
const MAX_FUEL: u32 = 1_000;

/// What is known of the modules that are no files of the program.
pub trait Libraries: Sync {
    /// Whether no file of the program is looked for by this name.
    fn has(&self, module: &str) -> bool;
    /// Whether `from module import *` gives this name.
    fn exports(&self, module: &str, name: &str) -> bool;
}

/// All files of one place, as far as something led to them.
pub struct Program<'a> {
    sources: &'a Sources,
    tree: &'a Tree,
    libraries: &'a dyn Libraries,
    files: boxcar::Vec<(PathBuf, Python<'a>)>,
    known: Mutex<HashMap<SourceId, Result<usize, Unparsed>>>,
    /// The files of modules, by their paths without `.py`.
    modules: Mutex<HashMap<PathBuf, Option<PathBuf>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Program<'a> {
    pub fn new(sources: &'a Sources, tree: &'a Tree, libraries: &'a dyn Libraries) -> Self {
        let (known, modules) = (Mutex::default(), Mutex::default());
        Self { sources, tree, libraries, files: boxcar::Vec::new(), known, modules }
    }

    /// Parses a file unless it is known already.
    pub fn open(&self, path: &Path, source: SourceId) -> Result<&Python<'a>, Unparsed> {
        let known = lock(&self.known).get(&source).copied();
        let index = match known {
            Some(known) => known,
            None => {
                let parsed = Python::parse(self.sources, source);
                let mut known = lock(&self.known);
                *known
                    .entry(source)
                    .or_insert_with(|| parsed.map(|python| self.files.push((path.to_owned(), python))))
            }
        }?;
        self.files.get(index).map(|(_, python)| python).ok_or(Unparsed::TooLong)
    }

    fn file(&self, source: SourceId) -> Option<&(PathBuf, Python<'a>)> {
        let index = *lock(&self.known).get(&source)?;
        self.files.get(index.ok()?)
    }

    /// The file in which an import finds a name, and what is left of the name in it.
    fn imported<'n>(&self, from: SourceId, name: &'n str) -> Option<(SourceId, &'n str)> {
        let folder = self.file(from)?.0.parent()?.to_owned();
        let bare = name.trim_start_matches('.');
        let dots = name.len() - bare.len();
        if dots > 0 {
            let package = folder.ancestors().nth(dots - 1)?;
            // What the package itself gives: `from . import name`.
            let own = || Some((self.opened(&self.module(package)?)?, bare));
            return self.in_folder(package, bare).or_else(own);
        }
        if self.libraries.has(bare.split('.').next().unwrap_or(bare)) {
            return None;
        }
        folder.ancestors().find_map(|folder| self.in_folder(folder, bare))
    }

    fn in_folder<'n>(&self, folder: &Path, name: &'n str) -> Option<(SourceId, &'n str)> {
        let mut path = folder.to_owned();
        let mut rest = name;
        let mut found = None;
        while let Some((first, more)) = rest.split_once('.') {
            path.push(first);
            rest = more;
            match self.module(&path) {
                Some(file) => found = Some((file, rest)),
                None if self.tree.is_folder(&path) => {}
                None => break,
            }
        }
        let (file, rest) = found?;
        Some((self.opened(&file)?, rest))
    }

    /// The files of the program that one imports.
    pub fn taken_in(&self, path: &Path) -> Vec<PathBuf> {
        let Ok(source) = self.tree.read(self.sources, path) else { return Vec::new() };
        let folder = path.parent().unwrap_or(Path::new(""));
        let names = imports(self.sources.bytes(source));
        if names.len() > MAX_TAKEN_IN {
            self.sources.cut_off(Span::top(source), over("files that this one includes", MAX_TAKEN_IN));
        }
        let names = names.into_iter().take(MAX_TAKEN_IN);
        names.flat_map(|name| self.modules_of(folder, &name)).collect()
    }

    /// The files of a module and of the packages around it.
    fn modules_of(&self, folder: &Path, name: &str) -> Vec<PathBuf> {
        let bare = name.trim_start_matches('.');
        let first = bare.split('.').next().unwrap_or(bare);
        let in_folder = |folder: &Path| {
            let (mut path, mut found) = (folder.to_owned(), Vec::new());
            for part in bare.split('.') {
                path.push(part);
                match self.module(&path) {
                    Some(file) => found.push(file),
                    None if self.tree.is_folder(&path) => {}
                    None => break,
                }
            }
            found
        };
        match name.len() - bare.len() {
            0 if self.libraries.has(first) => Vec::new(),
            0 => folder.ancestors().map(in_folder).find(|found| !found.is_empty()).unwrap_or_default(),
            dots => folder.ancestors().nth(dots - 1).map(in_folder).unwrap_or_default(),
        }
    }

    fn opened(&self, file: &Path) -> Option<SourceId> {
        let source = self.tree.read(self.sources, file).ok()?;
        self.open(file, source).ok()?;
        Some(source)
    }

    /// `a/b.py` or `a/b/__init__.py`.
    fn module(&self, path: &Path) -> Option<PathBuf> {
        if let Some(known) = lock(&self.modules).get(path) {
            return known.clone();
        }
        let mut file = path.as_os_str().to_owned();
        file.push(".py");
        let candidates = [path.join("__init__.py"), PathBuf::from(file)];
        let is_file = |path: &PathBuf| {
            let real = self.tree.resolve(path).ok()?;
            (!self.tree.is_folder(&real)).then_some(real)
        };
        let found = candidates.iter().find_map(is_file);
        lock(&self.modules).insert(path.to_owned(), found.clone());
        found
    }
}

/// The full names that the lines of a program import: `a.b` and `a.b.c` of `from a.b import c`.
fn imports(text: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        let is_one = line.starts_with(b"import ") || line.starts_with(b"from ");
        let Some(line) = std::str::from_utf8(line).ok().filter(|_| is_one) else { continue };
        let line = line.split('#').next().unwrap_or(line);
        let names = |list: &str| -> Vec<String> {
            let names = list.split(',').filter_map(|part| part.split_whitespace().next());
            names.map(|name| name.trim_matches(['(', ')', ';']).to_owned()).collect()
        };
        if let Some(list) = line.strip_prefix("import ") {
            found.extend(names(list));
        } else if let Some((module, list)) = line.trim_start_matches("from ").split_once(" import") {
            let module = module.trim();
            let dot = if module.ends_with('.') { "" } else { "." };
            found.extend(names(list).iter().map(|name| format!("{module}{dot}{name}")));
            found.push(module.to_owned());
        }
    }
    found
}

/// The other files of the program, as one of them sees them.
pub struct Linked<'p, 'a> {
    program: &'p Program<'a>,
    depth: u32,
    questions: &'p Questions,
    startup: &'p dyn Startup,
}

/// What a file asks of others.
#[derive(Debug)]
pub struct Questions {
    left: Cell<u32>,
    /// Those that wait for an answer: one that asks itself has none.
    open: RefCell<Vec<(SourceId, Question)>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Question {
    Last(String),
    Returned(Id),
    Kinds(Id),
    Member(Id, String),
}

/// How many questions a file may ask of others.
pub fn questions() -> Questions {
    Questions { left: Cell::new(MAX_QUESTIONS), open: RefCell::default() }
}

impl<'p, 'a> Linked<'p, 'a> {
    pub fn new(program: &'p Program<'a>, questions: &'p Questions, startup: &'p dyn Startup) -> Self {
        Self { program, depth: 0, questions, startup }
    }

    /// Says which bound keeps it from asking more of a file, or for it.
    fn tell(&self, source: SourceId) {
        let what = match self.questions.left.get() {
            0 => over("names of other files", MAX_QUESTIONS),
            _ => deeper("imports from file to file", MAX_DEPTH),
        };
        self.program.sources.cut_off(Span::top(source), what);
    }

    fn ask<T>(
        &self,
        source: SourceId,
        question: Question,
        look: impl FnOnce(&Reading<'_, '_>) -> T,
    ) -> Option<T> {
        let Questions { left, open } = self.questions;
        let question = (source, question);
        if open.borrow().contains(&question) {
            return None;
        }
        if left.get() == 0 || self.depth == MAX_DEPTH {
            self.tell(source);
            return None;
        }
        left.set(left.get() - 1);
        let (_, python) = self.program.file(source)?;
        let linked = Linked { depth: self.depth + 1, ..*self };
        open.borrow_mut().push(question);
        let answer = look(&python.reading_among(&linked, MAX_FUEL, linked.depth));
        open.borrow_mut().pop();
        Some(answer)
    }
}

impl Modules for Linked<'_, '_> {
    fn startup(&self) -> &dyn Startup {
        self.startup
    }

    fn value(&self, from: SourceId, name: &str) -> Option<Value> {
        if self.questions.left.get() == 0 {
            self.tell(from);
            return None;
        }
        let (source, rest) = self.program.imported(from, name)?;
        let mut parts = rest.split('.');
        let first = parts.next()?;
        let mut value =
            self.ask(source, Question::Last(first.to_owned()), |reading| reading.last(first))??;
        for part in parts {
            let Thing::Class(class) = value.thing else { return None };
            value = self.member(class, part)?;
        }
        Some(value)
    }

    fn returned(&self, function: Spot) -> Option<Value> {
        self.ask(function.source, Question::Returned(function.node), |reading| {
            reading.returned(function.node)
        })
    }

    fn kinds(&self, class: Spot) -> Vec<String> {
        let class_value = Thing::Class(class).into();
        let question = Question::Kinds(class.node);
        self.ask(class.source, question, |reading| reading.kinds(&class_value)).unwrap_or_default()
    }

    fn member(&self, class: Spot, name: &str) -> Option<Value> {
        let question = Question::Member(class.node, name.to_owned());
        self.ask(class.source, question, |reading| reading.of_class(class, name))?
    }

    fn exports(&self, from: SourceId, module: &str, name: &str) -> bool {
        self.program.libraries.exports(module, name)
            || self.value(from, &format!("{module}.{name}")).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct None;

    impl Libraries for None {
        fn has(&self, _: &str) -> bool {
            false
        }
        fn exports(&self, _: &str, _: &str) -> bool {
            false
        }
    }

    #[test]
    fn a_name_is_followed_as_far_as_there_are_folders() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("import a{}\nimport a.b.c.d\n", ".a".repeat(2_000));
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        for (path, text) in [("main.py", text.as_str()), ("a/b/__init__.py", ""), ("a/b/c.py", "")] {
            std::fs::write(folder.path().join(path), text).unwrap();
        }
        let (sources, tree) = (Sources::new(), Tree::open(folder.path(), false).unwrap());
        let program = Program::new(&sources, &tree, &None);
        let taken_in = program.taken_in(Path::new("main.py"));
        assert_eq!(taken_in, [PathBuf::from("a/b/__init__.py"), PathBuf::from("a/b/c.py")]);
        assert!(lock(&program.modules).len() < 10);
    }
}
