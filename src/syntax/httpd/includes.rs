//! Where Include and IncludeOptional lead: a file, a pattern, or all that lies in a folder.

use std::path::{Path, PathBuf};

use super::Walk;
use crate::text::{Tree, has_magic};

/// As deep as Apache goes into folders (AP_MAX_INCLUDE_DIR_DEPTH in server/config.c).
pub(super) const MAX_FOLDERS: usize = 20;
/// More than any configuration has.
pub(super) const MAX_FILES: usize = 1 << 14;

/// The folders that the paths of one main file start from.
#[derive(Debug, Clone)]
pub(super) struct Home {
    /// ServerRoot, without its leading slash.
    pub(super) root: PathBuf,
    /// Of the main file.
    pub(super) folder: PathBuf,
}

impl Home {
    /// Without ServerRoot it is what the program was built with: the folder of the main file, or the one that has it in `conf`.
    pub(super) fn of(folder: &Path) -> Self {
        let root = match folder.parent() {
            Some(parent) if folder.ends_with("conf") => parent,
            _ => folder,
        };
        Self { root: root.to_owned(), folder: folder.to_owned() }
    }

    /// The path that a word means.
    pub(super) fn path(&self, word: &str) -> PathBuf {
        match word.strip_prefix('/') {
            Some(absolute) => PathBuf::from(absolute.trim_start_matches('/')),
            None => self.root.join(word),
        }
    }
}

/// What an include leads to.
#[derive(Debug)]
pub(super) struct Targets {
    pub(super) path: PathBuf,
    pub(super) pattern: bool,
    /// The files, whether or not they are there; none where a pattern matches nothing.
    pub(super) files: Vec<PathBuf>,
    /// Files and folders that were met on the way.
    pub(super) met: usize,
    /// A folder that lies deeper than Apache goes.
    pub(super) too_deep: Option<PathBuf>,
}

/// What a path or a pattern leads to.
#[derive(Debug, Default)]
struct Found {
    files: Vec<PathBuf>,
    met: usize,
    too_deep: Option<PathBuf>,
}

impl Walk<'_, '_> {
    /// Where a word leads while other files are being read: a guess that comes back to one of them is a wrong one.
    pub(super) fn find(&self, word: &str) -> Targets {
        let tree = self.given.tree;
        let path = self.home.path(word);
        let found = matching(tree, &path);
        let is_there = |found: &Found| found.files.iter().any(|file| tree.entry(file).is_ok());
        let comes_back = |file: &PathBuf| {
            tree.read(self.given.sources, file).is_ok_and(|source| self.reading.contains(&source))
        };
        let fits = |found: &Found| is_there(found) && !found.files.iter().any(comes_back);
        let Found { files, met, too_deep } = match is_there(&found) {
            true => found,
            false => self.moved(&path).into_iter().find(fits).unwrap_or(found),
        };
        Targets { pattern: is_pattern(&path), path, files, met, too_deep }
    }

    /// Where a path below ServerRoot lies in a repository: its main file will be put there.
    fn moved(&self, path: &Path) -> Vec<Found> {
        let home = &self.home;
        let rest = path.strip_prefix(&home.root).ok().filter(|_| !self.given.machine);
        let Some(rest) = rest else { return Vec::new() };
        let parent = home.folder.parent().filter(|_| home.folder.ends_with("conf"));
        let here = home.folder.join(rest);
        let below = rest.strip_prefix("conf").ok().map(|rest| home.folder.join(rest));
        // `conf/extra/httpd-ssl.conf` may lie beside the main file, from where an image copies both.
        let beside = rest.file_name().map(|name| home.folder.join(name)).filter(|path| !is_pattern(path));
        let above = parent.map(|parent| parent.join(rest));
        let paths = above.into_iter().chain(below).chain([here]).chain(beside);
        paths.map(|path| matching(self.given.tree, &path)).collect()
    }
}

fn matching(tree: &Tree, path: &Path) -> Found {
    let paths = match is_pattern(path) {
        true => tree.glob(path.as_os_str().as_encoded_bytes()),
        false => vec![path.to_owned()],
    };
    let mut found = Found::default();
    for path in paths {
        found.collect(tree, path, 0);
    }
    found
}

impl Found {
    /// A folder is all that lies in it, also what is hidden.
    fn collect(&mut self, tree: &Tree, path: PathBuf, depth: usize) {
        self.met += 1;
        match tree.is_folder(&path) {
            // Links lead to the same folders again and again, whether or not there are files in them.
            _ if self.met > MAX_FILES || self.too_deep.is_some() => {}
            false => self.files.push(path),
            true if depth >= MAX_FOLDERS => self.too_deep = Some(path),
            true => {
                for name in tree.list(&path) {
                    self.collect(tree, path.join(name), depth + 1);
                }
            }
        }
    }
}

fn is_pattern(path: &Path) -> bool {
    has_magic(path.as_os_str().as_encoded_bytes())
}

/// Whether the folder that a path begins with is there, up to the first pattern.
pub(super) fn has_folder(tree: &Tree, path: &Path) -> bool {
    let plain = path.ancestors().skip(1).find(|path| !is_pattern(path));
    plain.is_some_and(|folder| tree.is_folder(folder))
}

/// Whether a path begins with a part of the system that is not in this tree: it is laid over another.
pub(super) fn is_elsewhere(tree: &Tree, path: &Path) -> bool {
    let top = path.components().next();
    top.is_none_or(|top| !tree.is_folder(Path::new(top.as_os_str())))
}
