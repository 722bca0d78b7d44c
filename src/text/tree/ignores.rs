//! What a repository's own ignore files leave out: `.gitignore` of each folder, and `info/exclude` of a `.git` that is a folder.
//! They are read as any other file of the tree, regular, inside and bounded; the library that knows their patterns opens none.

use std::path::Path;
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::{Entry, Tree, Unread};

/// Patterns that are in force in one folder, of its own files and of those above.
const MAX_PATTERNS: usize = 4_000;

/// Bytes of the same.
const MAX_BYTES: usize = 256 << 10;

/// Patterns that are compiled as one: the time and memory that the library takes grow with the square of their number.
const CHUNK: usize = 64;

/// Ignore files by precedence: those of a folder before those of the folders above it.
#[derive(Debug, Clone, Default)]
pub(super) struct Ignores(Option<Arc<Level>>);

#[derive(Debug)]
struct Level {
    /// Bytes of the folder's path in the tree, with the `/` behind it.
    folder: usize,
    gitignore: Patterns,
    exclude: Patterns,
    /// What is in force, from here on upward.
    patterns: usize,
    bytes: usize,
    above: Ignores,
}

/// Chunks of one file; the last line that matches decides.
#[derive(Debug, Default)]
struct Patterns(Vec<Gitignore>);

impl Ignores {
    /// Those in a folder: what the folders above say, and its own files if it has any.
    pub(super) fn within(&self, tree: &Tree, folder: &Path, has: impl Fn(&str) -> bool) -> Self {
        if !has(".gitignore") && !has(".git") {
            return self.clone();
        }
        let (patterns, bytes) = self.0.as_ref().map_or((0, 0), |level| (level.patterns, level.bytes));
        let mut level = Level {
            folder: folder.as_os_str().len() + usize::from(!folder.as_os_str().is_empty()),
            gitignore: Patterns::default(),
            exclude: Patterns::default(),
            patterns,
            bytes,
            above: self.clone(),
        };
        level.gitignore = level.read(tree, &folder.join(".gitignore"));
        if tree.entry(&folder.join(".git")) == Ok(Entry::Folder) {
            level.exclude = level.read(tree, &folder.join(".git/info/exclude"));
        }
        Self(Some(Arc::new(level)))
    }

    /// Whether a file or folder is left out; a line that takes it back in decides against lines above it.
    pub(super) fn leave_out(&self, path: &Path, folder: bool) -> bool {
        let levels = || std::iter::successors(self.0.as_ref(), |level| level.above.0.as_ref());
        let by = |patterns: fn(&Level) -> &Patterns| {
            levels().find_map(|level| patterns(level).decide(level.below(path)?, folder))
        };
        by(|level| &level.gitignore).or_else(|| by(|level| &level.exclude)).unwrap_or(false)
    }
}

impl Level {
    /// A path as it is seen from the folder.
    fn below<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        use std::os::unix::ffi::OsStrExt;
        path.as_os_str()
            .as_bytes()
            .get(self.folder..)
            .map(|rest| Path::new(std::ffi::OsStr::from_bytes(rest)))
    }

    /// The patterns of a file, as many as fit. git follows no link to an ignore file (gitignore(5)).
    fn read(&mut self, tree: &Tree, path: &Path) -> Patterns {
        if tree.entry(path) != Ok(Entry::File) {
            return Patterns::default();
        }
        let text = match tree.bytes(path) {
            Ok(text) => text,
            Err(why @ Unread::TooLarge(_)) => {
                tree.cut_off(path.to_owned(), format!("the audit reads what this excludes: {why}"));
                return Patterns::default();
            }
            Err(_) => return Patterns::default(),
        };
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        let lines = text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let lines = lines.filter(|line| !line.trim_ascii().is_empty() && !line.starts_with(b"#"));
        let mut kept = Vec::new();
        for line in lines {
            (self.patterns, self.bytes) = (self.patterns + 1, self.bytes + line.len());
            if let Some(bound) = self.is_full() {
                tree.cut_off(path.to_owned(), format!("{bound}: the audit reads what the others exclude"));
                break;
            }
            kept.push(String::from_utf8_lossy(line));
        }
        Patterns(kept.chunks(CHUNK).map(compiled).collect())
    }

    fn is_full(&self) -> Option<String> {
        match () {
            () if self.patterns > MAX_PATTERNS => Some(taken("patterns", MAX_PATTERNS)),
            () if self.bytes > MAX_BYTES => Some(taken("KiB of patterns", MAX_BYTES >> 10)),
            () => None,
        }
    }
}

fn taken(what: &str, most: usize) -> String {
    format!("the audit uses only the first {most} {what} of a folder's ignore files and those above it")
}

impl Patterns {
    fn decide(&self, path: &Path, folder: bool) -> Option<bool> {
        self.0.iter().rev().find_map(|chunk| match chunk.matched(path, folder) {
            Match::None => None,
            Match::Ignore(_) => Some(true),
            Match::Whitelist(_) => Some(false),
        })
    }
}

/// Lines that are no patterns leave nothing out.
fn compiled(lines: &[std::borrow::Cow<'_, str>]) -> Gitignore {
    let mut builder = GitignoreBuilder::new(".");
    for line in lines {
        let _ = builder.add_line(None, line);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}
