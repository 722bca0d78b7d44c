//! The files of a tree's packages: parsed when they are asked for, once; and which folder an import means.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use memchr::memmem;

use super::{Go, Value, build};
use crate::syntax::calls::Unparsed;
use crate::text::{HashMap, SourceId, Sources, Span, Tree, over};

/// Files of one package that are read.
const MAX_FILES: usize = 400;

/// What is known of packages that lie in no tree.
#[derive(Debug, Default)]
pub struct Libraries {
    /// By their full names: `syscall.SOMAXCONN`.
    pub constants: HashMap<String, Value>,
    /// The types of what functions and methods give, all by their full names.
    pub made_by: HashMap<String, String>,
    /// Where a module's programs are written, as patterns from its folder.
    pub programs: Vec<String>,
}

pub struct Files<'a> {
    sources: &'a Sources,
    tree: &'a Tree,
    pub(super) libraries: Libraries,
    files: boxcar::Vec<(PathBuf, Go<'a>)>,
    known: Mutex<HashMap<SourceId, Result<usize, Unparsed>>>,
    packages: Mutex<HashMap<PathBuf, Vec<(PathBuf, SourceId)>>>,
    modules: Mutex<HashMap<PathBuf, Option<(PathBuf, String)>>>,
    programs: Mutex<HashMap<PathBuf, Vec<(PathBuf, SourceId)>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Files<'a> {
    pub fn new(sources: &'a Sources, tree: &'a Tree, libraries: Libraries) -> Self {
        let (files, known, packages, modules, programs) = Default::default();
        Self { sources, tree, libraries, files, known, packages, modules, programs }
    }

    /// Parses a file unless it is known already; nothing for one that is not compiled on Linux.
    pub fn open(&self, path: &Path, source: SourceId) -> Option<Result<&Go<'a>, Unparsed>> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let text = self.sources.bytes(source);
        let cut_off = |what| self.sources.cut_off(Span::top(source), what);
        build::is_for_linux(&name, text, cut_off).then(|| self.parsed(path, source))
    }

    fn parsed(&self, path: &Path, source: SourceId) -> Result<&Go<'a>, Unparsed> {
        let known = lock(&self.known).get(&source).copied();
        let index = match known {
            Some(known) => known,
            None => {
                let parsed = Go::parse(self.sources, source);
                let push = |go| self.files.push((path.to_owned(), go));
                *lock(&self.known).entry(source).or_insert_with(|| parsed.map(push))
            }
        }?;
        self.files.get(index).map(|(_, go)| go).ok_or(Unparsed::TooLong)
    }

    fn file(&self, source: SourceId) -> Option<&(PathBuf, Go<'a>)> {
        let index = *lock(&self.known).get(&source)?;
        self.files.get(index.ok()?)
    }

    /// The files of a folder's package that are compiled on Linux, but for its tests.
    fn package(&self, folder: &Path) -> Vec<(PathBuf, SourceId)> {
        if let Some(known) = lock(&self.packages).get(folder) {
            return known.clone();
        }
        let names = self.tree.list(folder).into_iter().map(|name| folder.join(name));
        let files = self.read(names);
        lock(&self.packages).insert(folder.to_owned(), files.clone());
        files
    }

    fn read(&self, paths: impl Iterator<Item = PathBuf>) -> Vec<(PathBuf, SourceId)> {
        let is_source = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".go") && !name.ends_with("_test.go")
        };
        let read = |path: PathBuf| {
            let source = self.tree.read(self.sources, &path).ok()?;
            Some((path, source))
        };
        let mut sources = paths.filter(is_source);
        let files: Vec<_> = sources.by_ref().take(MAX_FILES).filter_map(read).collect();
        if let (Some((_, first)), Some(_)) = (files.first(), sources.next()) {
            self.sources.cut_off(Span::top(*first), over("files of one package", MAX_FILES));
        }
        files
    }

    fn with_name(&self, files: Vec<(PathBuf, SourceId)>, name: &str) -> Vec<&Go<'a>> {
        let finder = memmem::Finder::new(name);
        let named = |(_, source): &(PathBuf, SourceId)| finder.find(self.sources.bytes(*source)).is_some();
        files.into_iter().filter(named).filter_map(|(path, source)| self.open(&path, source)?.ok()).collect()
    }

    /// The other files of a file's package in which a name stands.
    pub(super) fn siblings(&self, of: SourceId, name: &str) -> Vec<&Go<'a>> {
        let Some((path, own)) = self.file(of) else { return Vec::new() };
        let mut files = self.with_name(self.package(path.parent().unwrap_or(Path::new(""))), name);
        files.retain(|go| go.code.source != of && go.package() == own.package());
        files
    }

    /// The files of an imported package of the same module in which a name stands.
    pub(super) fn imported(&self, of: SourceId, path: &str, name: &str) -> Vec<&Go<'a>> {
        let folder = self.file(of).and_then(|(path, _)| path.parent());
        let Some((top, module)) = folder.and_then(|folder| self.module(folder)) else { return Vec::new() };
        let rest = path.strip_prefix(module.as_str());
        match rest.filter(|rest| rest.is_empty() || rest.starts_with('/')) {
            Some(rest) => self.with_name(self.package(&top.join(rest.trim_start_matches('/'))), name),
            None => Vec::new(),
        }
    }

    /// The files of the module's programs in which the name of a library's function stands.
    pub(super) fn users(&self, of: SourceId, name: &str) -> Vec<&Go<'a>> {
        let Some((path, own)) = self.file(of) else { return Vec::new() };
        let module = self.module(path.parent().unwrap_or(Path::new("")));
        let is_exported = name.starts_with(char::is_uppercase);
        let Some((top, _)) = module.filter(|_| own.package() != "main" && is_exported) else {
            return Vec::new();
        };
        let known = lock(&self.programs).get(&top).cloned();
        let files = known.unwrap_or_else(|| {
            let files = self.read(self.sources_of_programs(&top));
            lock(&self.programs).insert(top, files.clone());
            files
        });
        self.with_name(files, name)
    }

    /// The folders of the packages that those of a folder import from its own module.
    pub fn taken_in(&self, folder: &Path) -> Vec<PathBuf> {
        let Some((top, module)) = self.module(folder) else { return Vec::new() };
        let start = format!("\"{module}");
        let finder = memmem::Finder::new(&start);
        let mut found = Vec::new();
        for (_, source) in self.package(folder) {
            let text = self.sources.bytes(source);
            found.extend(finder.find_iter(text).filter_map(|at| {
                let rest = text.get(at + start.len()..)?;
                let path = std::str::from_utf8(rest.get(..memchr::memchr(b'"', rest)?)?).ok()?;
                // Another module's path may begin like this one's.
                let below = if path.is_empty() { path } else { path.strip_prefix('/')? };
                Some(if below.is_empty() { top.clone() } else { top.join(below) })
            }));
        }
        found
    }

    /// The name that Go gives to the program of a folder: the last part of its import path.
    pub fn program_name(&self, folder: &Path) -> Option<String> {
        let own = folder.file_name().and_then(|name| name.to_str());
        let name = match self.module(folder) {
            Some((top, module)) if top == folder => {
                let mut parts = module.rsplit('/');
                let last = parts.next()?.to_owned();
                // `/v2` says which version it is.
                let is_version = last.strip_prefix('v').is_some_and(|digits| digits.parse::<u32>().is_ok());
                parts.next().filter(|_| is_version).map_or(last.clone(), str::to_owned)
            }
            _ => own?.to_owned(),
        };
        Some(name)
    }

    /// The folders of the programs of the module in a folder.
    pub fn programs(&self, top: &Path) -> impl Iterator<Item = PathBuf> {
        self.sources_of_programs(top).filter_map(|file| file.parent().map(Path::to_owned))
    }

    fn sources_of_programs(&self, top: &Path) -> impl Iterator<Item = PathBuf> {
        let patterns = self.libraries.programs.iter().map(|pattern| top.join(pattern));
        patterns.flat_map(|pattern| self.tree.glob(pattern.as_os_str().as_encoded_bytes()))
    }

    /// The folder of the module that a folder lies in, and the module's path, from its go.mod.
    pub fn module(&self, folder: &Path) -> Option<(PathBuf, String)> {
        if let Some(known) = lock(&self.modules).get(folder) {
            return known.clone();
        }
        let found = folder.ancestors().find_map(|outer| {
            let source = self.tree.read(self.sources, &outer.join("go.mod")).ok()?;
            let text = std::str::from_utf8(self.sources.bytes(source)).ok()?;
            let path = text.lines().find_map(|line| line.trim().strip_prefix("module "))?;
            let path = path.split("//").next().unwrap_or_default().trim().trim_matches('"');
            Some((outer.to_owned(), path.to_owned()))
        });
        lock(&self.modules).insert(folder.to_owned(), found.clone());
        found
    }
}
