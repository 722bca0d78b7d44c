//! A tree that is written for one audit.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::symlink;

use backlog_audit::Request;
use backlog_audit::model::ReadAs;
use tempfile::TempDir;

pub struct Tree {
    top: TempDir,
    read_as: Cell<ReadAs>,
}

impl Default for Tree {
    fn default() -> Self {
        Self { top: tempfile::tempdir().unwrap(), read_as: Cell::new(ReadAs::Root) }
    }
}

impl Tree {
    /// It is a repository, and no root.
    pub fn is_repository(&self) -> &Self {
        self.read_as.set(ReadAs::Repo);
        self
    }

    pub fn file(&self, path: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.top.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub fn link(&self, target: &str, path: &str) -> &Self {
        symlink(target, self.top.path().join(path)).unwrap();
        self
    }

    /// A file with a comment at its end, so that it has so many KiB.
    pub fn padded(&self, path: &str, text: &str, kib: usize) -> &Self {
        self.file(path, format!("{text}#{}\n", "x".repeat((kib << 10) - text.len() - 2)))
    }

    /// The messages of one rule, or why the audit was refused.
    pub fn audit(&self, rule: &str) -> Vec<String> {
        let request = Request {
            paths: vec![self.top.path().to_owned()],
            read_as: Some(self.read_as.get()),
            offline: true,
            select: vec![rule.to_owned()],
            ..Request::default()
        };
        match backlog_audit::audit(&request) {
            Ok(report) => report.findings.into_iter().map(|finding| finding.message).collect(),
            Err(error) => vec![error.to_string()],
        }
    }
}

/// Lines that a number makes, from 0.
pub fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(|number| line(number) + "\n").collect()
}
