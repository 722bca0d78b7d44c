//! What working out expressions has in common in all languages: it ends, and what it does not know it shows.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::calls::Id;

/// How much is worked out: every expression costs fuel, and none is followed into itself.
#[derive(Debug)]
pub struct Effort {
    fuel: Rc<Cell<u32>>,
    depth: Cell<u32>,
    deepest: u32,
    busy: RefCell<Vec<Id>>,
}

impl Effort {
    pub fn new(fuel: u32, deepest: u32) -> Self {
        Self { fuel: Rc::new(Cell::new(fuel)), depth: Cell::default(), deepest, busy: RefCell::default() }
    }

    /// The effort in another file, of the same fuel.
    pub fn elsewhere(&self) -> Self {
        let (depth, busy) = (Cell::default(), RefCell::default());
        Self { fuel: self.fuel.clone(), depth, deepest: self.deepest, busy }
    }

    /// One level deeper, as long as there is fuel.
    pub fn deeper<T>(&self, further: impl FnOnce() -> T) -> Option<T> {
        let depth = self.depth.get();
        if self.is_exhausted() || depth >= self.deepest {
            return None;
        }
        self.spend(1);
        self.depth.set(depth + 1);
        let result = further();
        self.depth.set(depth);
        Some(result)
    }

    /// Works out a node that is not being worked out already.
    pub fn once<T>(&self, at: Id, work: impl FnOnce() -> T) -> Option<T> {
        if self.busy.borrow().contains(&at) {
            return None;
        }
        self.busy.borrow_mut().push(at);
        let result = work();
        self.busy.borrow_mut().pop();
        Some(result)
    }

    pub fn spend(&self, cost: u32) {
        self.fuel.set(self.fuel.get().saturating_sub(cost));
    }

    pub fn is_exhausted(&self) -> bool {
        self.fuel.get() == 0
    }
}

/// The start of what is written, to be shown.
pub fn shown(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(40).collect();
    let more = if short.len() < text.len() { "..." } else { "" };
    format!("`{short}{more}`")
}
