//! A pattern of paths as a policy writes it.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Glob, Globs, levels};

/// A pattern seen from the folder that it is written in. It covers what it matches, and all that lies below.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    folder: PathBuf,
    glob: Glob,
}

impl Pattern {
    /// `folder` is the real path of a folder of this machine.
    pub fn new(folder: &Path, pattern: &str) -> Self {
        let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
        Self { folder: folder.to_owned(), glob: Glob::new(pattern.as_bytes()) }
    }

    /// Whether it covers a file of a tree, by its path there. A tree that does not lie in the pattern's folder is matched from
    /// its own top.
    pub fn covers(&self, top: &Path, path: &Path) -> bool {
        let full = top.join(path);
        let seen = full.strip_prefix(&self.folder).unwrap_or(path);
        seen.ancestors().any(|part| self.glob.matches(part.as_os_str().as_bytes()))
    }
}

/// Many patterns, of which few are looked at for each path.
#[derive(Debug, Default)]
pub struct Patterns<'a> {
    all: Vec<&'a Pattern>,
    globs: Globs,
}

impl<'a> Patterns<'a> {
    pub fn of(patterns: impl Iterator<Item = &'a Pattern>) -> Self {
        let all: Vec<&Pattern> = patterns.collect();
        let globs = Globs::of(all.iter().map(|pattern| &pattern.glob));
        Self { all, globs }
    }

    /// The numbers of those that cover a file, in their order.
    pub fn covering(&self, top: &Path, path: &Path) -> impl Iterator<Item = usize> {
        let full = top.join(path);
        // A pattern may be written in a folder above the tree.
        let near = match self.all.is_empty() {
            true => Vec::new(),
            false => self.globs.near(levels(full.as_os_str().as_bytes()).into_iter()),
        };
        near.into_iter().filter(move |at| self.all.get(*at).is_some_and(|it| it.covers(top, path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_covers_what_lies_below() {
        let covers = |pattern: &str, top: &str, path: &str| {
            Pattern::new(Path::new("/repo"), pattern).covers(Path::new(top), Path::new(path))
        };
        assert!(covers("deploy/staging", "/repo", "deploy/staging/etc/a.conf"));
        assert!(covers("./deploy/staging/", "/repo", "deploy/staging/a.conf"));
        assert!(covers("deploy/*/nginx", "/repo", "deploy/staging/nginx/a.conf"));
        assert!(covers("**/*.conf", "/repo", "deploy/a.conf"));
        assert!(covers("deploy/staging", "/repo/deploy", "staging/a.conf"), "seen from the policy's folder");
        assert!(covers("etc/nginx", "/machine", "etc/nginx/nginx.conf"), "a tree elsewhere has its own top");
        assert!(!covers("deploy/stag", "/repo", "deploy/staging/a.conf"));
        assert!(!covers("staging", "/repo", "deploy/staging/a.conf"));
        assert!(!covers("deploy/staging/*.conf", "/repo", "deploy/staging/x/a.txt"));
    }
}
