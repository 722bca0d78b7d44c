//! The paths that a pattern leads to, within bounds: links that go round would else multiply with every level.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Tree, lock};
use crate::text::{Glob, HashSet, has_magic};

/// Paths of one pattern that lead where another path of it has led. A server would take each of them; a few are links that
/// somebody made on purpose.
const MAX_REPEATS: usize = 1_000;

/// Paths that all patterns of an audit may lead to.
const MAX_PATHS: usize = 1 << 19;

/// Names that all patterns of an audit may be held against.
const MAX_NAMES: usize = 1 << 25;

/// As long as a path may be in Linux, in bytes (limits.h: PATH_MAX): a longer one names nothing.
pub(super) const LONGEST_PATH: usize = 4096;

/// Characters of a pattern that are shown.
const SHOWN: usize = 120;

/// What the patterns of an audit have taken so far.
#[derive(Debug, Default)]
pub(super) struct Spent {
    paths: AtomicUsize,
    names: AtomicUsize,
    told: AtomicBool,
}

impl Spent {
    /// Whether so many more are still within the bounds.
    fn add(&self, names: usize, paths: usize) -> bool {
        let names = self.names.fetch_add(names, Ordering::Relaxed) + names;
        let paths = self.paths.fetch_add(paths, Ordering::Relaxed) + paths;
        names <= MAX_NAMES && paths <= MAX_PATHS
    }
}

impl Tree {
    /// The paths that match a pattern, as glob(3) finds and sorts them: folders are listed only where a level has magic.
    pub fn glob(&self, pattern: &[u8]) -> Vec<PathBuf> {
        let mut found = vec![PathBuf::new()];
        let glob = Glob::new(pattern);
        let mut repeats = 0;
        for (level, part) in glob.parts().iter().enumerate() {
            found = match has_magic(part) {
                false => self.below(found, unquoted(part)),
                true => self.all_matching(&found, part, pattern),
            };
            if has_magic(part) && level + 1 < glob.parts().len() {
                repeats = self.without_repeats(&mut found, repeats, pattern);
            }
            if found.is_empty() {
                return found;
            }
        }
        if glob.parts().last().is_none_or(|part| !has_magic(part)) {
            found.retain(|path| self.entry(path).is_ok());
        }
        self.without_repeats(&mut found, repeats, pattern);
        found.sort_unstable_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
        found
    }

    /// The same name below each folder.
    fn below(&self, folders: Vec<PathBuf>, name: Vec<u8>) -> Vec<PathBuf> {
        let name = OsString::from_vec(name);
        let fits = |folder: &PathBuf| folder.as_os_str().len() + name.len() < LONGEST_PATH;
        folders.into_iter().filter(fits).map(|folder| folder.join(&name)).collect()
    }

    fn all_matching(&self, folders: &[PathBuf], part: &[u8], pattern: &[u8]) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for folder in folders {
            let (names, before) = (self.names(folder), found.len());
            if names.is_empty()
                && let Ok(real) = self.resolve(folder)
                && let Some(closed) = lock(&self.closed).get_mut(&real)
            {
                closed.wanted = true;
            }
            let fits = |name: &&OsString| {
                Glob::matches_name(part, name.as_bytes())
                    && folder.as_os_str().len() + name.len() < LONGEST_PATH
            };
            found.extend(names.iter().filter(fits).map(|name| folder.join(name)));
            if !self.spent.add(names.len().max(1), found.len() - before) {
                found.truncate(before);
                self.tell_once(pattern);
                break;
            }
        }
        found
    }

    /// Leaves out paths that lead where others do once there are too many of them; how many there are by now.
    fn without_repeats(&self, found: &mut Vec<PathBuf>, mut repeats: usize, pattern: &[u8]) -> usize {
        let mut met = HashSet::default();
        let mut dropped = false;
        found.retain(|path| {
            let again = !met.insert(self.resolve(path).unwrap_or_else(|_| path.clone()));
            repeats += usize::from(again);
            let kept = !again || repeats <= MAX_REPEATS;
            dropped |= !kept;
            kept
        });
        if dropped {
            self.cut_off(
                plain(pattern),
                format!(
                    "the pattern `{}` reaches the same files more than {MAX_REPEATS} times through links that form a \
                     loop: the audit skipped the rest",
                    shown(pattern)
                ),
            );
        }
        repeats
    }

    fn tell_once(&self, pattern: &[u8]) {
        if !self.spent.told.swap(true, Ordering::Relaxed) {
            self.cut_off(
                plain(pattern),
                format!(
                    "the patterns of this tree match more than {MAX_PATHS} paths, or are tested on more than \
                     {MAX_NAMES} names: the audit skipped `{}` and those after it",
                    shown(pattern)
                ),
            );
        }
    }
}

/// The folder that a pattern begins with.
fn plain(pattern: &[u8]) -> PathBuf {
    let parts = Path::new(OsStr::from_bytes(pattern)).iter().filter(|part| *part != "/");
    parts.take_while(|part| !has_magic(part.as_bytes())).collect()
}

/// As much of a pattern as a person reads.
fn shown(pattern: &[u8]) -> String {
    let text = String::from_utf8_lossy(pattern);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.into_owned(),
    }
}

/// A level of a pattern without magic, its quoting backslashes removed.
fn unquoted(part: &[u8]) -> Vec<u8> {
    let mut quoted = false;
    part.iter()
        .filter(|byte| {
            quoted = **byte == b'\\' && !quoted;
            !quoted
        })
        .copied()
        .collect()
}
