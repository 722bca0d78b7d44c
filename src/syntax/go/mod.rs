//! Go programs as values with their places: constants, variables, fields of structs, flags and what functions return are
//! followed through the files of a package and of those that it imports. Nothing is run; what only a run could tell is
//! unknown, with the reason.

mod build;
mod calls;
mod eval;
mod files;
mod names;
mod types;
mod value;

use std::cell::{Cell, RefCell};

use super::calls::{Code, Id, Unparsed};
use super::eval::Bounds;
use super::startup::Startup;
use crate::text::{SourceId, Sources, Span};
pub use files::{Files, Libraries};
use names::{Names, Origin, last_name};
pub use types::Kind;
pub use value::{Thing, Value};

/// How many expressions lie in one another, through names and calls, before it is given up.
const MAX_DEPTH: u32 = 48;

/// How many bindings of one name, or calls of one function, are followed.
const MAX_VALUES: usize = 1_000;

/// How many calls of one name are looked at for those of one function.
const MAX_CALLS: usize = 1_000;

/// Expressions that are worked out for one file: many times what a program needs.
pub const MAX_FUEL: u32 = 50_000;

/// A parsed file and the names in it.
#[derive(Debug)]
pub struct Go<'a> {
    pub code: Code<'a>,
    names: Names<'a>,
}

impl<'a> Go<'a> {
    pub fn parse(sources: &'a Sources, source: SourceId) -> Result<Self, Unparsed> {
        let code = Code::parse(sources, source, &tree_sitter_go::LANGUAGE.into())?;
        let names = Names::gather(&code);
        Ok(Self { code, names })
    }

    /// The name of its package.
    pub fn package(&self) -> &'a str {
        self.names.package
    }

    /// The calls whose last name fits, in the order of the text.
    pub fn calls(&self, fits: impl Fn(&str) -> bool) -> Vec<Id> {
        let names = self.names.calls.iter().filter(|(name, _)| fits(name));
        let mut calls: Vec<Id> = names.flat_map(|(_, calls)| calls).copied().collect();
        calls.sort_unstable();
        calls
    }

    /// The first value that the file gives a field of this name, whichever struct's it is.
    pub fn first_set(&self, field: &str) -> Option<Id> {
        let keyed = self.names.keyed.get(field).and_then(|values| values.first().copied());
        let is_field = |left: Id| self.code.kind(left) == "selector_expression";
        let assigned = || {
            let all = self.names.assigned.get(field)?;
            all.iter().find_map(|(left, origin)| match origin {
                Origin::Value(value) if is_field(*left) => Some(*value),
                _ => None,
            })
        };
        keyed.or_else(assigned)
    }

    pub fn arguments(&self, call: Id) -> Vec<Id> {
        let list = self.code.field(call, "arguments");
        list.map(|list| self.code.children(list).collect()).unwrap_or_default()
    }
}

/// A node of one of the files.
#[derive(Debug, Clone, Copy)]
pub struct At<'p, 'a> {
    pub go: &'p Go<'a>,
    pub id: Id,
}

impl PartialEq for At<'_, '_> {
    fn eq(&self, other: &Self) -> bool {
        self.spot() == other.spot()
    }
}

impl<'p, 'a> At<'p, 'a> {
    fn code(self) -> &'p Code<'a> {
        &self.go.code
    }

    fn source(self) -> SourceId {
        self.go.code.source
    }

    fn spot(self) -> (SourceId, Id) {
        (self.source(), self.id)
    }

    pub fn kind(self) -> &'p str {
        self.code().kind(self.id)
    }

    pub fn text(self) -> &'a str {
        self.code().text(self.id)
    }

    pub fn span(self) -> Span {
        self.code().span(self.id)
    }

    pub fn to(self, id: Id) -> Self {
        Self { id, ..self }
    }

    pub fn field(self, role: &str) -> Option<Self> {
        self.code().field(self.id, role).map(|id| self.to(id))
    }

    fn first(self) -> Option<Self> {
        self.code().children(self.id).next().map(|id| self.to(id))
    }

    fn children(self) -> impl Iterator<Item = Self> {
        self.code().children(self.id).map(move |id| self.to(id))
    }

    fn argument(self, index: usize) -> Option<Self> {
        self.go.arguments(self.id).get(index).map(|id| self.to(*id))
    }

    /// The first of all that stand in some relation to it; where there are more, that is told.
    fn first_of<T>(
        self,
        most: usize,
        what: &'static str,
        all: impl Iterator<Item = T>,
    ) -> impl Iterator<Item = T> {
        self.code().first(most, what, self.id, all)
    }

    /// The last name of an expression or a type.
    fn last_name(self) -> &'a str {
        last_name(self.code(), self.id)
    }
}

/// What may be asked about a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Value,
    Type,
    Makers,
    Flag,
}

/// Evaluates expressions of some file. It ends: every expression costs fuel.
pub struct Reading<'p, 'a> {
    files: &'p Files<'a>,
    startup: &'p dyn Startup,
    /// How often it was told something of use.
    answers: Cell<u32>,
    bounds: Bounds,
    fuel: Cell<u32>,
    depth: Cell<u32>,
    /// What is being worked out: a name that is assigned from itself is not asked again.
    busy: RefCell<Vec<(Question, SourceId, Id)>>,
    /// The functions that are being followed, each with the call that it is followed for.
    frames: RefCell<Vec<(At<'p, 'a>, At<'p, 'a>)>>,
}

impl<'p, 'a> Reading<'p, 'a> {
    pub fn new(files: &'p Files<'a>, startup: &'p dyn Startup, fuel: u32) -> Self {
        let (busy, frames, answers) = (RefCell::default(), RefCell::default(), Cell::default());
        let bounds = Bounds { fuel, depth: MAX_DEPTH };
        Self { files, startup, answers, bounds, fuel: Cell::new(fuel), depth: Cell::new(0), busy, frames }
    }

    /// Goes one step further in, unless that is too far.
    fn deeper<T>(&self, at: At<'p, 'a>, further: impl FnOnce() -> T) -> Option<T> {
        let (fuel, depth) = (self.fuel.get(), self.depth.get());
        if fuel == 0 || depth == MAX_DEPTH {
            self.bounds.tell(at.code(), at.id, fuel == 0);
            return None;
        }
        self.fuel.set(fuel - 1);
        self.depth.set(depth + 1);
        let result = further();
        self.depth.set(depth);
        Some(result)
    }

    /// The same for what is not being worked out of a node already.
    fn once<T>(&self, what: Question, at: At<'p, 'a>, work: impl FnOnce() -> T) -> Option<T> {
        let (source, id) = at.spot();
        if self.busy.borrow().contains(&(what, source, id)) {
            return None;
        }
        self.busy.borrow_mut().push((what, source, id));
        let result = self.deeper(at, work);
        self.busy.borrow_mut().pop();
        result
    }

    /// A value, marked where it was made of what the program is started with.
    fn told(&self, work: impl FnOnce() -> Value) -> Value {
        let before = self.answers.get();
        let value = work();
        Value { started: value.started || self.answers.get() > before, ..value }
    }

    fn answered(&self, value: Value) -> Value {
        self.answers.set(self.answers.get() + u32::from(value.started));
        value
    }

    /// Looking through a long list costs as well.
    fn spend(&self, length: usize) {
        let cost = u32::try_from(length / 16).unwrap_or(u32::MAX);
        self.fuel.set(self.fuel.get().saturating_sub(cost));
    }

    /// The file itself and the rest of its package, as far as a name stands in it.
    fn package(&self, at: At<'p, 'a>, name: &str) -> Vec<&'p Go<'a>> {
        let mut files = vec![at.go];
        files.extend(self.files.siblings(at.source(), name));
        self.spend(files.len() * 16);
        files
    }
}

#[cfg(test)]
mod tests;
