//! Looking through all files below a folder, as git sees them where it is a repository.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ignore::{DirEntry, WalkBuilder, WalkState};

use super::{Tree, lock};

/// What becomes of a folder or file that is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    Taken,
    /// Left out, and counted.
    LeftOut,
    /// No part of what is looked through.
    Passed,
}

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

impl Tree {
    /// The wanted regular files below `folder`, in order, and how many files and folders were left out. Links are not
    /// followed (what they lead to is met where it lies), nor is another file system entered.
    pub fn walk(&self, folder: &Path, how: Walk<'_>) -> (Vec<PathBuf>, usize) {
        let top = self.top.join(folder);
        let left_out = AtomicUsize::new(0);
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
            .build_parallel();
        walker.run(|| {
            Box::new(|entry| {
                let Ok(entry) = entry else { return WalkState::Continue };
                let folder = entry.file_type().is_some_and(|kind| kind.is_dir());
                let judged = match entry.depth() {
                    0 => Judged::Taken,
                    _ => (how.judge)(entry.path().strip_prefix(&self.top).unwrap_or(entry.path()), folder),
                };
                if judged != Judged::Taken {
                    left_out.fetch_add(usize::from(judged == Judged::LeftOut), Ordering::Relaxed);
                    return WalkState::Skip;
                }
                if let Some(path) = self.wanted(&entry, how.want) {
                    lock(&found).push(path);
                }
                WalkState::Continue
            })
        });
        let mut found = found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        found.sort_unstable();
        (found, left_out.into_inner())
    }

    fn wanted(&self, entry: &DirEntry, want: &(dyn Fn(&Path) -> bool + Sync)) -> Option<PathBuf> {
        let path = entry.path().strip_prefix(&self.top).ok()?;
        let file = entry.file_type().is_some_and(|kind| kind.is_file());
        (file && want(path)).then(|| path.to_owned())
    }
}
