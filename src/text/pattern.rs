//! A pattern of paths as a policy writes it.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Glob, Globs, Tree, levels};

/// A pattern seen from the folder that it is written in. It covers what it matches, and all that lies below.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    folder: PathBuf,
    glob: Glob,
}

impl Pattern {
    /// `folder` is the real path of a folder of this machine.
    pub fn new(folder: &Path, pattern: &str) -> Self {
        let parts: Vec<&str> = pattern.split('/').filter(|part| *part != ".").collect();
        Self { folder: folder.to_owned(), glob: Glob::new(parts.join("/").as_bytes()) }
    }

    /// Whether it covers the folder that it is written in, and so all below that.
    pub fn covers_its_folder(&self) -> bool {
        self.glob.parts().is_empty()
    }

    /// Whether it covers anything of a tree; `None` where its folder is not in the tree, or where it takes a walk to find out.
    pub fn covers_any(&self, tree: &Tree) -> Option<bool> {
        let below = self.folder.strip_prefix(tree.top()).ok()?;
        let parts = self.glob.parts();
        if parts.iter().any(|part| part == b"**") {
            return None;
        }
        let above = below.iter().map(|name| quoted(name.as_bytes()));
        let parts: Vec<Vec<u8>> = above.chain(parts.iter().cloned()).collect();
        Some(!tree.glob(&parts.join(&b'/')).is_empty())
    }

    /// Whether it covers a file of a tree, by its path there. A tree that does not lie in the pattern's folder is matched from
    /// its own top.
    pub fn covers(&self, top: &Path, path: &Path) -> bool {
        let full = top.join(path);
        let seen = full.strip_prefix(&self.folder).unwrap_or(path);
        seen.ancestors().any(|part| self.glob.matches(part.as_os_str().as_bytes()))
    }
}

/// A pattern of glob(3) that only this name matches.
fn quoted(name: &[u8]) -> Vec<u8> {
    let quote = |byte: &u8| matches!(byte, b'*' | b'?' | b'[' | b'\\').then_some(b'\\');
    name.iter().flat_map(|byte| quote(byte).into_iter().chain([*byte])).collect()
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
        assert!(covers("././deploy/./staging", "/repo", "deploy/staging/a.conf"));
        assert!(covers("/deploy//staging", "/repo", "deploy/staging/a.conf"));
        assert!(covers(".", "/repo", "deploy/staging/a.conf"));
        assert!(covers("deploy/*/nginx", "/repo", "deploy/staging/nginx/a.conf"));
        assert!(covers("**/*.conf", "/repo", "deploy/a.conf"));
        assert!(covers("deploy/staging", "/repo/deploy", "staging/a.conf"), "seen from the policy's folder");
        assert!(covers("etc/nginx", "/machine", "etc/nginx/nginx.conf"), "a tree elsewhere has its own top");
        assert!(!covers("deploy/stag", "/repo", "deploy/staging/a.conf"));
        assert!(!covers("staging", "/repo", "deploy/staging/a.conf"));
        assert!(!covers("deploy/staging/*.conf", "/repo", "deploy/staging/x/a.txt"));
    }

    #[test]
    fn it_says_whether_it_covers_anything() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(top.join("a[b]*/legacy")).unwrap();
        let tree = Tree::open(&top, false).unwrap();
        let covers = |folder: &str, pattern| Pattern::new(&top.join(folder), pattern).covers_any(&tree);
        for pattern in ["legacy", "/legacy", "././legacy/", "leg*", "./legacy//"] {
            assert_eq!(covers("a[b]*", pattern), Some(true), "{pattern}");
        }
        assert_eq!((covers("", "legacy"), covers("", "*/legacy")), (Some(false), Some(true)));
        assert_eq!((covers("", "**/x"), covers("/elsewhere", "x")), (None, None));
    }
}
