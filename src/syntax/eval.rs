//! What working out expressions has in common in all languages: values that say why they are not known and what would make them
//! others, and an effort that ends.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::calls::{Code, Id};
use crate::text::{Span, deeper, over};

/// How much is worked out: every expression costs fuel, and none is followed into itself. Where it ends is told.
#[derive(Debug)]
pub struct Effort {
    bounds: Bounds,
    fuel: Rc<Cell<u32>>,
    depth: Cell<u32>,
    busy: RefCell<Vec<Id>>,
}

/// How many expressions are worked out, and how many in one another.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub fuel: u32,
    pub depth: u32,
}

impl Bounds {
    /// Says which of them was reached at a node.
    pub fn tell(self, code: &Code<'_>, at: Id, exhausted: bool) {
        code.cut_off(
            at,
            match exhausted {
                true => over("expressions that lead to listeners", self.fuel),
                false => deeper("nested expressions", self.depth),
            },
        );
    }
}

impl Effort {
    pub fn new(bounds: Bounds) -> Self {
        let fuel = Rc::new(Cell::new(bounds.fuel));
        Self { bounds, fuel, depth: Cell::default(), busy: RefCell::default() }
    }

    /// The effort in another file, of the same fuel and as deep.
    pub fn elsewhere(&self) -> Self {
        let (depth, busy) = (self.depth.clone(), RefCell::default());
        Self { fuel: self.fuel.clone(), depth, busy, ..*self }
    }

    /// One level deeper at a node, as long as there is fuel.
    pub fn deeper<T>(&self, code: &Code<'_>, at: Id, further: impl FnOnce() -> T) -> Option<T> {
        let depth = self.depth.get();
        if self.is_exhausted() || depth >= self.bounds.depth {
            self.bounds.tell(code, at, self.is_exhausted());
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

    /// Looking through a long list costs as well.
    pub fn paid<T>(&self, all: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        all.enumerate().map(|(nth, one)| {
            self.spend(u32::from(nth % 16 == 15));
            one
        })
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

/// Why what is written is not known where something elsewhere decides it.
pub fn not_told(text: &str) -> String {
    format!("the files do not say what {} is", shown(text))
}

/// What an expression may come to in one language.
pub trait Thing: Clone + PartialEq {
    fn unknown(why: String) -> Self;

    /// Why it is not known, in a few words.
    fn why(&self) -> Option<&str>;

    /// `None`, `nil`: a name that is that or something else is something else.
    fn is_nothing(&self) -> bool;

    /// Whether it does not matter which of both it is.
    fn is_like(&self, other: &Self) -> bool {
        self == other
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Value<T> {
    pub thing: T,
    /// The literal that it is: a number, or the inside of a text's quotes.
    pub written: Option<Span>,
    /// The end of a text, where it is written as it is: `?backlog=64` behind an interpolation. It may be empty.
    pub tail: Option<Span>,
    /// What would make it another value: `PORT is set in the environment`. It is taken as not so.
    pub unless: Vec<String>,
}

impl<T: Thing> From<T> for Value<T> {
    fn from(thing: T) -> Self {
        Self { thing, written: None, tail: None, unless: Vec::new() }
    }
}

impl<T: Thing> Value<T> {
    pub fn unknown(why: impl Into<String>) -> Self {
        T::unknown(why.into()).into()
    }

    pub fn literal(thing: T, at: Span) -> Self {
        Self { written: Some(at), ..thing.into() }
    }

    /// Another thing that was made of this one, by the same literal.
    pub fn becomes(self, thing: T) -> Self {
        Self { thing, ..self }
    }

    /// A thing that was computed from this one, so that no literal is it.
    pub fn computed(self, thing: T) -> Self {
        Self { thing, written: None, tail: None, ..self }
    }

    pub fn and_unless(mut self, more: &[String]) -> Self {
        for reason in more {
            if !self.unless.contains(reason) {
                self.unless.push(reason.clone());
            }
        }
        self
    }

    /// Why it is not known.
    pub fn why(&self) -> Option<&str> {
        self.thing.why()
    }

    pub fn is_known(&self) -> bool {
        self.why().is_none()
    }

    /// One of several values that a name may have: nothing gives way to something, and different ones are unknown.
    pub fn agreed(mut values: Vec<Self>, what: &str) -> Option<Self> {
        let unless: Vec<String> = values.iter().flat_map(|value| value.unless.clone()).collect();
        if values.iter().any(|value| !value.thing.is_nothing()) {
            values.retain(|value| !value.thing.is_nothing());
        }
        if let Some(unknown) = values.iter().find(|value| !value.is_known()) {
            return Some(unknown.clone());
        }
        let first = values.first()?.clone();
        Some(match values.iter().skip(1).all(|other| first.thing.is_like(&other.thing)) {
            true => first.and_unless(&unless),
            false => Self::unknown(format!("`{what}` is assigned in more than one place")),
        })
    }
}

/// `int(text)` of Python, and `Integer(text)` of Ruby to the same radix: blanks around it, a sign, and single underscores
/// between digits.
pub fn integer_of(text: &str, radix: u32) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = |part: &str| !part.is_empty() && part.chars().all(|digit| digit.is_digit(radix));
    let fits = digits.split('_').all(is_number);
    i64::from_str_radix(&text.replace('_', ""), radix).ok().filter(|_| fits)
}
