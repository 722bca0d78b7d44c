//! PHP-FPM's files: each line by itself in the grammar of php.ini, and the files that `include` names in its place
//! (fpm_conf_load_ini_file in sapi/fpm/fpm/fpm_conf.c).

use std::fmt::Display;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::php_ini::{self, Filled, Statement};
use crate::text::{HashSet, SourceId, Sources, Span, Text, Tree, deeper, has_magic, over};

/// `ini_recursion` of fpm_conf.c.
const MAX_DEPTH: usize = 5;
/// More than anybody includes.
const MAX_FILES: usize = 2048;

/// Where the files lie, and what is known besides them.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    pub sources: &'a Sources,
    pub tree: &'a Tree,
    /// What relative includes start from.
    pub prefix: &'a str,
    /// The folder of the main file.
    pub folder: &'a Path,
    /// On this machine: what is not there is not there.
    pub installed: bool,
    /// What `${NAME}` is.
    pub variable: &'a dyn Fn(&str) -> Filled,
}

/// A section, `key = value` or `key[] = value`.
#[derive(Debug)]
pub struct Line {
    pub statement: Statement,
    /// The whole line, with its end.
    pub at: Span,
}

/// Why no more is read, and where.
#[derive(Debug)]
pub enum Stop {
    /// PHP-FPM does not start.
    Fault(String, Span),
    /// There are more files than anybody includes.
    Cut(String, Span),
}

/// What was read.
#[derive(Debug, Default)]
pub struct Read {
    /// What the includes say.
    pub includes: Vec<String>,
    pub seen: HashSet<SourceId>,
    pub stop: Option<Stop>,
    files: usize,
}

/// Who takes the lines; at what he refuses reading ends.
pub type Visit<'v> = dyn FnMut(Line) -> Result<(), (String, Span)> + 'v;

/// The lines of a file, with their ends.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    bytes.split_inclusive(|byte| *byte == b'\n').map(move |line| {
        let range = start..start + line.len();
        start = range.end;
        range
    })
}

/// What a tool will fill in before PHP-FPM reads it: Jinja's and ERB's tags, a shell's variables, `__NAME__`, `@NAME@`.
pub fn is_template(text: &str) -> bool {
    let is_name = |rest: &str| rest.starts_with(|c: char| c.is_ascii_uppercase() || "({".contains(c));
    let shell = || text.match_indices('$').any(|(at, _)| text.get(at + 1..).is_some_and(is_name));
    ["{{", "{%", "<%", "__", "@"].iter().any(|mark| text.contains(mark)) || shell()
}

/// Reads the first files one after the other, with all that they include.
pub fn read(setting: Setting<'_>, files: &[SourceId], visit: &mut Visit<'_>) -> Read {
    let mut walk = Walk { setting, visit, read: Read::default() };
    let done = files.iter().try_for_each(|file| walk.file(*file, 1));
    Read { stop: done.err(), ..walk.read }
}

struct Walk<'a, 'v> {
    setting: Setting<'a>,
    visit: &'a mut Visit<'v>,
    read: Read,
}

fn refused(message: impl Display, at: Span) -> Result<(), Stop> {
    Err(Stop::Fault(message.to_string(), at))
}

impl Walk<'_, '_> {
    fn file(&mut self, source: SourceId, depth: usize) -> Result<(), Stop> {
        self.read.seen.insert(source);
        self.read.files += 1;
        if self.read.files > MAX_FILES {
            return Err(Stop::Cut(over("files", MAX_FILES), Span::top(source)));
        }
        let bytes = self.setting.sources.bytes(source);
        lines(bytes).try_for_each(|line| self.line(source, bytes, line, depth))
    }

    fn line(
        &mut self,
        source: SourceId,
        bytes: &[u8],
        range: Range<usize>,
        depth: usize,
    ) -> Result<(), Stop> {
        let (statements, fault) = php_ini::read(source, bytes, range.clone(), self.setting.variable);
        let mut include = None;
        for statement in statements {
            match statement {
                Statement::Entry { name, at, .. } if name.starts_with('#') => {
                    return refused("a comment begins with ; and not with #", Span::new(source, at));
                }
                Statement::Entry { name, at, value: None } => {
                    return refused(format!("{name} has no value"), Span::new(source, at));
                }
                Statement::Entry { name, value: Some(value), .. } if name == "include" => {
                    include = Some(value);
                }
                statement => {
                    let at = Span::new(source, range.clone());
                    let taken = (self.visit)(Line { statement, at });
                    taken.or_else(|(message, at)| refused(message, at))?;
                }
            }
        }
        let Some(fault) = fault else {
            return include.map_or(Ok(()), |value| self.include(&value, depth));
        };
        let text = bytes.get(range.clone()).unwrap_or_default();
        if !self.setting.installed && is_template(&String::from_utf8_lossy(text)) {
            return Ok(());
        }
        // At the end of a line its last byte.
        let end = range.start + text.trim_ascii_end().len();
        let at = fault.at.min(end.saturating_sub(1)).max(range.start);
        let at = Span::new(source, at..at + 1);
        match fault.ours {
            Some(most) => Err(Stop::Cut(deeper(fault.message, most), at)),
            None => refused(fault.message, at),
        }
    }

    fn include(&mut self, value: &Text, depth: usize) -> Result<(), Stop> {
        let Setting { sources, tree, prefix, installed, .. } = self.setting;
        let at = value.span();
        self.read.includes.push(value.as_str().to_owned());
        if value.is_open() || !installed && is_template(value) {
            return Ok(());
        }
        let path = Path::new(prefix).join(value.as_str());
        let files = match self.matching(&path) {
            Some(files) => files,
            None if installed => {
                let folder = path.parent().unwrap_or(Path::new("")).display();
                return refused(format!("there is no folder {folder} to include from"), at);
            }
            None => return Ok(()),
        };
        for file in files.into_iter().filter(|file| !tree.is_folder(file)) {
            if depth >= MAX_DEPTH {
                return refused("it includes files more than five deep", at);
            }
            match tree.read(sources, &file) {
                Ok(source) => self.file(source, depth + 1)?,
                Err(why) => return refused(format!("cannot read {}: {why}", file.display()), at),
            }
        }
        Ok(())
    }

    /// What a pattern of an include leads to; nothing where its folder is missing (glob(3) with GLOB_ERR).
    fn matching(&self, path: &Path) -> Option<Vec<PathBuf>> {
        let tree = self.setting.tree;
        let bytes = |path: &Path| path.as_os_str().as_encoded_bytes().to_vec();
        if !has_magic(&bytes(path)) {
            let found = tree.entry(path).is_ok().then(|| path.to_owned());
            return Some(found.or_else(|| self.moved(path)).into_iter().collect());
        }
        let folder = path.ancestors().find(|path| !has_magic(&bytes(path)));
        match folder.is_some_and(|folder| tree.is_folder(folder)) {
            true => Some(tree.glob(&bytes(path))),
            false => self.moved(path).map(|moved| tree.glob(&bytes(&moved))),
        }
    }

    /// In a repository a file will be put elsewhere, and the folder of pools beside it too: `pool.d/*.conf`.
    fn moved(&self, path: &Path) -> Option<PathBuf> {
        let name = path.file_name().filter(|_| !self.setting.installed)?;
        let beside = self.setting.folder.join(path.parent()?.file_name()?);
        self.setting.tree.is_folder(&beside).then(|| beside.join(name))
    }
}
