//! How far the reading of files has come, for whoever shows it while it goes on.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts that only grow: what there is to read turns up on the way.
#[derive(Debug, Default)]
pub struct Progress {
    all: AtomicUsize,
    done: AtomicUsize,
}

impl Progress {
    /// Files that are done, and all that are known of.
    pub fn get(&self) -> (usize, usize) {
        (self.done.load(Ordering::Relaxed), self.all.load(Ordering::Relaxed))
    }

    pub(super) fn expect(&self, files: usize) {
        self.all.fetch_add(files, Ordering::Relaxed);
    }

    pub(super) fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}
