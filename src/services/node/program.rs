//! The files of a program: parsed when they are asked for, once; and which file an import means.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use tree_sitter::Language;

use super::names::Names;
use super::servers::Servers;
use crate::model::Command;
use crate::services::{Ground, Run};
use crate::syntax::calls::{Code, Id, Unparsed};
use crate::syntax::startup::MAX_TAKEN_IN;
use crate::text::{HashMap, HashSet, SourceId, Span, over};

/// A file of a [`Program`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FileId(usize);

#[derive(Debug)]
pub(super) struct File<'a> {
    pub path: PathBuf,
    pub code: Code<'a>,
    pub names: Names<'a>,
}

/// What a function was called with, or what a loop has come to.
#[derive(Debug)]
pub(super) struct Frame {
    pub owner: (FileId, Id),
    pub given: Vec<Spot>,
    pub outer: Option<Rc<Frame>>,
}

/// A node of a file, and how control came there.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    pub file: FileId,
    pub node: Id,
    pub frame: Option<Rc<Frame>>,
}

impl Spot {
    /// Another node of the same file, in the same frame.
    pub(super) fn to(&self, node: Id) -> Self {
        Self { node, ..self.clone() }
    }

    pub(super) fn is_at(&self, other: &Spot) -> bool {
        (self.file, self.node) == (other.file, other.node)
    }
}

/// All files of one place, as far as something led to them.
pub(super) struct Program<'a> {
    pub ground: Ground<'a>,
    pub servers: &'a Servers,
    /// Calls that a minifier has been at.
    pub minified: boxcar::Vec<Span>,
    files: boxcar::Vec<File<'a>>,
    by_path: Mutex<HashMap<PathBuf, Result<FileId, Unparsed>>>,
}

/// What Node and TypeScript add to a name without an extension.
const EXTENSIONS: [&str; 7] = ["js", "cjs", "mjs", "ts", "cts", "mts", "json"];

impl<'a> Program<'a> {
    pub(super) fn new(ground: Ground<'a>, servers: &'a Servers) -> Self {
        let (minified, files) = (boxcar::Vec::new(), boxcar::Vec::new());
        Self { ground, servers, minified, files, by_path: Mutex::default() }
    }

    pub(super) fn file(&self, id: FileId) -> Option<&File<'a>> {
        self.files.get(id.0)
    }

    pub(super) fn path(&self, id: FileId) -> std::path::Display<'_> {
        self.file(id).map_or(Path::new(""), |file| &file.path).display()
    }

    /// The whole of a file.
    pub(super) fn root(&self, id: FileId) -> Option<Spot> {
        Some(Spot { file: id, node: self.file(id)?.code.root(), frame: None })
    }

    /// Whether a file is data and no program.
    pub(super) fn is_data(&self, id: FileId) -> bool {
        self.file(id).is_some_and(|file| file.path.extension().is_some_and(|extension| extension == "json"))
    }

    /// The value in a file of data, which is read as a statement in parentheses.
    pub(super) fn data(&self, id: FileId) -> Option<Spot> {
        let root = self.root(id)?;
        let statement = self.children(&root).into_iter().next()?;
        self.children(&statement).into_iter().next()
    }

    pub(super) fn span(&self, spot: &Spot) -> Option<Span> {
        Some(self.file(spot.file)?.code.span(spot.node))
    }

    pub(super) fn kind(&self, spot: &Spot) -> &str {
        self.file(spot.file).map_or("", |file| file.code.kind(spot.node))
    }

    pub(super) fn text(&self, spot: &Spot) -> &'a str {
        self.file(spot.file).map_or("", |file| file.code.text(spot.node))
    }

    /// The child that plays a part in a node.
    pub(super) fn field(&self, spot: &Spot, role: &str) -> Option<Spot> {
        Some(spot.to(self.file(spot.file)?.code.field(spot.node, role)?))
    }

    pub(super) fn children(&self, spot: &Spot) -> Vec<Spot> {
        let Some(file) = self.file(spot.file) else { return Vec::new() };
        file.code.children(spot.node).map(|child| spot.to(child)).collect()
    }

    /// Parses a file unless it is known already.
    pub(super) fn open(&self, path: &Path, source: SourceId) -> Result<FileId, Unparsed> {
        if let Some(known) = self.known().get(path) {
            return *known;
        }
        let parsed = self.parse(path, source);
        let mut known = self.known();
        *known.entry(path.to_owned()).or_insert_with(|| {
            let (code, names) = parsed?;
            Ok(FileId(self.files.push(File { path: path.to_owned(), code, names })))
        })
    }

    fn parse(&self, path: &Path, source: SourceId) -> Result<(Code<'a>, Names<'a>), Unparsed> {
        let sources = self.ground.sources;
        let extension = path.extension().and_then(|extension| extension.to_str());
        let code = match extension {
            Some("json") => Code::parse_value(sources, source, &javascript()),
            Some("ts" | "mts" | "cts") => {
                Code::parse(sources, source, &tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into())
            }
            _ => self.parse_javascript(source),
        }?;
        let names = Names::gather(&code);
        Ok((code, names))
    }

    /// Type annotations in a `.js` file are Flow's; TypeScript's grammar reads most of them.
    fn parse_javascript(&self, source: SourceId) -> Result<Code<'a>, Unparsed> {
        let sources = self.ground.sources;
        let code = Code::parse(sources, source, &javascript())?;
        if code.broken().is_none() {
            return Ok(code);
        }
        let typed = Code::parse(sources, source, &tree_sitter_typescript::LANGUAGE_TSX.into());
        Ok(typed.ok().filter(|typed| typed.broken().is_none()).unwrap_or(code))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Result<FileId, Unparsed>>> {
        self.by_path.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file that a relative import means; packages are not looked into.
    pub(super) fn imported(&self, from: FileId, name: &str) -> Option<FileId> {
        if !name.starts_with('.') {
            return None;
        }
        let path = self.named(&self.file(from)?.path, name)?;
        let source = self.ground.tree.read(self.ground.sources, &path).ok()?;
        self.open(&path, source).ok()
    }

    /// The file that a relative name means in another.
    fn named(&self, from: &Path, name: &str) -> Option<PathBuf> {
        let base = from.parent()?.join(name);
        self.candidates(&base).into_iter().find_map(|path| self.is_file(&path))
    }

    /// The files that one names: as imports, or in any other way.
    pub(super) fn taken_in(&self, path: &Path) -> Vec<PathBuf> {
        let Ok(source) = self.ground.tree.read(self.ground.sources, path) else { return Vec::new() };
        let text = self.ground.sources.bytes(source);
        let starts = memchr::memchr3_iter(b'\'', b'"', b'`', text);
        let names = starts.filter_map(|start| {
            let rest = text.get(start + 1..).filter(|rest| rest.starts_with(b"."))?;
            let end = memchr::memchr3(b'\'', b'"', b'`', rest)?;
            std::str::from_utf8(rest.get(..end)?)
                .ok()
                .filter(|name| is_relative(name) && !name.contains('\n'))
        });
        let mut seen = HashSet::default();
        let mut names = names.filter(|name| seen.insert(*name));
        let named = names.by_ref().take(MAX_TAKEN_IN).filter_map(|name| self.named(path, name)).collect();
        if names.next().is_some() {
            let what = over("files that this one includes", MAX_TAKEN_IN);
            self.ground.sources.cut_off(Span::top(source), what);
        }
        named
    }

    /// The file that a command line starts.
    pub(super) fn started<'c>(&self, command: &'c Command) -> Option<Run<'c>> {
        let parts = self.servers.interpreter.parts(command)?;
        let mut paths = self.candidates(Path::new(parts.file.as_str())).into_iter();
        let place = paths.find_map(|path| self.ground.named_file(command, path.to_str()?))?;
        Some(parts.starts(command, place))
    }

    fn is_file(&self, path: &Path) -> Option<PathBuf> {
        let real = self.ground.tree.resolve(path).ok()?;
        (!self.ground.tree.is_folder(&real)).then_some(real)
    }

    /// In the order in which Node tries them (CommonJS, "All together"); TypeScript writes `.js` for its `.ts`.
    fn candidates(&self, base: &Path) -> Vec<PathBuf> {
        let with = |base: &Path, extension: &str| {
            let mut name = base.as_os_str().to_owned();
            name.push(".");
            name.push(extension);
            PathBuf::from(name)
        };
        let mut all = vec![base.to_owned()];
        all.extend(EXTENSIONS.iter().map(|extension| with(base, extension)));
        match base.extension().and_then(|extension| extension.to_str()) {
            Some("js") => all.push(base.with_extension("ts")),
            Some("mjs") => all.push(base.with_extension("mts")),
            Some("cjs") => all.push(base.with_extension("cts")),
            _ => {}
        }
        all.extend(EXTENSIONS.iter().map(|extension| with(&base.join("index"), extension)));
        all
    }
}

/// Whether a text names a file by its place.
fn is_relative(name: &str) -> bool {
    matches!(name, "." | "..") || name.starts_with("./") || name.starts_with("../")
}

fn javascript() -> Language {
    tree_sitter_javascript::LANGUAGE.into()
}
