//! Looking through all files below a folder, as git sees them where it is a repository.

use std::cmp::Ordering;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ignore::{DirEntry, WalkBuilder, WalkState};

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
    /// The wanted regular files below `folder`, in order, and how many files and folders were left out. Links are not
    /// followed (what they lead to is met where it lies), nor is another file system entered.
    pub fn walk(&self, folder: &Path, how: Walk<'_>) -> (Vec<PathBuf>, usize) {
        // Threads that wait for each other take a millisecond to end: longer than one alone takes for a small tree.
        self.walk_by(1, FEW, folder, how)
            .or_else(|| self.walk_by(0, usize::MAX, folder, how))
            .unwrap_or_default()
    }

    /// By so many threads, 0 for as many as there are processors; nothing where there is more than so much to meet.
    fn walk_by(
        &self,
        threads: usize,
        most: usize,
        folder: &Path,
        how: Walk<'_>,
    ) -> Option<(Vec<PathBuf>, usize)> {
        let top = self.top.join(folder);
        let (met, left_out) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let found = Mutex::new(Vec::new());
        let walker = WalkBuilder::new(&top)
            .hidden(false)
            .parents(false)
            .ignore(false)
            .git_global(false)
            .git_exclude(how.gitignore)
            .git_ignore(how.gitignore)
            .require_git(false)
            .same_file_system(true)
            .threads(threads)
            .build_parallel();
        walker.run(|| {
            Box::new(|entry| {
                let Ok(entry) = entry else { return WalkState::Continue };
                if met.fetch_add(1, Relaxed) >= most {
                    return WalkState::Quit;
                }
                let folder = entry.file_type().is_some_and(|kind| kind.is_dir());
                let judged = match entry.depth() {
                    0 => Judged::Taken,
                    _ => (how.judge)(entry.path().strip_prefix(&self.top).unwrap_or(entry.path()), folder),
                };
                if judged != Judged::Taken {
                    left_out.fetch_add(usize::from(judged == Judged::LeftOut), Relaxed);
                    return WalkState::Skip;
                }
                if let Some(path) = self.wanted(&entry, how.want) {
                    lock(&found).push(path);
                }
                WalkState::Continue
            })
        });
        let mut found = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        found.sort_unstable_by(|a: &PathBuf, b| in_order(a.as_os_str().as_bytes(), b.as_os_str().as_bytes()));
        (met.into_inner() <= most).then_some((found, left_out.into_inner()))
    }

    fn wanted(&self, entry: &DirEntry, want: &(dyn Fn(&Path) -> bool + Sync)) -> Option<PathBuf> {
        let path = entry.path().strip_prefix(&self.top).ok()?;
        let file = entry.file_type().is_some_and(|kind| kind.is_file());
        if !file || !want(path) {
            return None;
        }
        self.remember(path.to_owned(), Entry::File);
        Some(path.to_owned())
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
