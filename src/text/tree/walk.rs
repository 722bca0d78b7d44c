//! Looking through all files below a folder, as git sees them where it is a repository.

use std::cmp::Ordering;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::fs::FileType;

use super::ignores::Ignores;
use super::{Entry, Tree, lock};

/// What becomes of a folder or file that is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    Taken,
    /// Left out, and counted.
    LeftOut,
    /// No part of what is looked through.
    Passed,
}

/// Files and folders that one thread walks over.
const FEW: usize = 250;

/// How to walk.
#[derive(Clone, Copy)]
pub struct Walk<'a> {
    /// Leave out what .gitignore names.
    pub gitignore: bool,
    /// What becomes of a folder or file, by its path.
    pub judge: &'a (dyn Fn(&Path, bool) -> Judged + Sync),
    /// Files that are wanted, by their path in the tree.
    pub want: &'a (dyn Fn(&Path) -> bool + Sync),
}

/// The order of real paths: a folder and what is in it before its neighbours, as paths compare, and much faster.
fn in_order(a: &[u8], b: &[u8]) -> Ordering {
    let other = a.iter().zip(b).find(|(a, b)| a != b);
    let of = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
    other.map_or(a.len().cmp(&b.len()), |(a, b)| of(a).cmp(&of(b)))
}

impl Tree {
    /// The wanted regular files below `folder`, and the files and folders that were left out, both in order. Links are not
    /// followed (what they lead to is met where it lies), nor is another file system entered.
    pub fn walk(&self, folder: &Path, how: Walk<'_>) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let Ok(real) = self.resolve(folder) else { return Default::default() };
        if self.entry_at(&real) == Ok(Entry::File) {
            return (if (how.want)(&real) { vec![real] } else { Vec::new() }, Vec::new());
        }
        let Ok(device) = self.inside.device(&real) else { return Default::default() };
        let walker = Walker { tree: self, how, device, found: Mutex::default(), left_out: Mutex::default() };
        // Threads that wait for each other take longer to start and end than one alone takes for a small tree.
        let (mut waiting, mut met) = (vec![Folder { path: real, ignores: Ignores::default() }], 0);
        while met < FEW {
            let Some(folder) = waiting.pop() else { break };
            met += walker.visit(folder, |below| waiting.push(below));
        }
        if !waiting.is_empty() {
            rayon::scope(|scope| waiting.into_iter().for_each(|folder| walker.spread(folder, scope)));
        }
        let Walker { found, left_out, .. } = walker;
        let sorted = |paths: Mutex<Vec<PathBuf>>| {
            let mut paths = paths.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
            paths.sort_unstable_by(|a, b| in_order(a.as_os_str().as_bytes(), b.as_os_str().as_bytes()));
            paths
        };
        (sorted(found), sorted(left_out))
    }
}

struct Walker<'a> {
    tree: &'a Tree,
    how: Walk<'a>,
    /// The file system that is walked over.
    device: u64,
    found: Mutex<Vec<PathBuf>>,
    left_out: Mutex<Vec<PathBuf>>,
}

/// A folder that is to be looked through, by its real path, and what the folders above leave out of it.
struct Folder {
    path: PathBuf,
    ignores: Ignores,
}

impl<'a> Walker<'a> {
    fn spread<'s>(&'s self, folder: Folder, scope: &rayon::Scope<'s>) {
        scope.spawn(move |scope| {
            self.visit(folder, |below| self.spread(below, scope));
        });
    }

    /// Looks through one folder and hands over those in it; how many names it has.
    fn visit(&self, Folder { path, ignores }: Folder, mut below: impl FnMut(Folder)) -> usize {
        let names = self.tree.listed(&path);
        let has = |wanted: &str| names.iter().any(|(name, _)| name == wanted);
        let ignores = if self.how.gitignore { ignores.within(self.tree, &path, has) } else { ignores };
        let mut files = Vec::new();
        for (name, kind) in &names {
            let (path, kind) = (path.join(name), self.kind(&path, name, *kind));
            let is_folder = kind == FileType::Directory;
            if self.how.gitignore && ignores.leave_out(&path, is_folder) {
                continue;
            }
            match (self.how.judge)(&path, is_folder) {
                Judged::Taken if is_folder && self.stays(&path) => {
                    below(Folder { path, ignores: ignores.clone() })
                }
                Judged::Taken if kind == FileType::RegularFile && (self.how.want)(&path) => files.push(path),
                Judged::LeftOut => lock(&self.left_out).push(path),
                Judged::Taken | Judged::Passed => {}
            }
        }
        for file in &files {
            self.tree.remember(file.clone(), Entry::File);
        }
        lock(&self.found).append(&mut files);
        names.len()
    }

    /// Some file systems do not say in a listing what a name is.
    fn kind(&self, folder: &Path, name: &OsString, kind: FileType) -> FileType {
        if kind != FileType::Unknown {
            return kind;
        }
        let found = self.tree.inside.stat(&folder.join(name));
        found.map_or(kind, |found| FileType::from_raw_mode(found.st_mode))
    }

    fn stays(&self, folder: &Path) -> bool {
        self.tree.inside.device(folder).is_ok_and(|device| device == self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_paths() {
        let names = ["a", "a-b", "a.b", "a/b", "a/b/c", "a/b-c", "ab", "a0", "a/\u{1}", "A/b", "b", "\u{e9}"];
        for (a, b) in names.iter().flat_map(|a| names.map(|b| (a, b))) {
            assert_eq!(in_order(a.as_bytes(), b.as_bytes()), Path::new(a).cmp(Path::new(b)), "{a} {b}");
        }
    }
}
