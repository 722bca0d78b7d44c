//! What a reader knows of libraries, and by it which class the object of an expression has: by its declaration, by `new`, by
//! the methods that are known to return it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Value;
use super::eval::{BINDINGS, Evaluation};
use super::names::Origin;
use crate::syntax::calls::Id;

/// What a reader knows of libraries.
pub trait Library: Sized {
    /// What the object of a class does.
    type Class: Copy + Ord;
    /// An object that is worked out: an address.
    type Object: Clone + PartialEq;

    fn table(&self) -> &Table<Self::Class>;

    /// What a call of a library gives.
    fn called(evaluation: &Evaluation<'_, '_, Self>, call: Id) -> Option<Of<Self>>;

    /// What `new` makes.
    fn created(evaluation: &Evaluation<'_, '_, Self>, new: Id) -> Option<Of<Self>>;
}

/// A value in a program that uses a library.
pub type Of<L> = Value<<L as Library>::Object>;

/// By the class and the name of the method; `*` is every other method.
type Returns<C> = BTreeMap<C, BTreeMap<String, C>>;

/// Classes, and what their methods return.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", bound(deserialize = "C: Deserialize<'de> + Ord"))]
pub struct Table<C> {
    /// By their full names.
    names: BTreeMap<String, C>,
    /// What static methods return.
    of_classes: Returns<C>,
    of_objects: Returns<C>,
    /// Methods of objects that are mostly inherited.
    inherited: BTreeMap<String, Inherited<C>>,
    /// Methods that take a builder and set nothing of it.
    pub(super) take_only: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inherited<C> {
    /// How an import of the file starts.
    import: String,
    returns: C,
}

impl<C: Copy> Table<C> {
    fn named(&self, full: &str) -> Option<C> {
        self.names.get(full).copied()
    }
}

impl<L: Library> Evaluation<'_, '_, L> {
    /// The class that a type's name means here.
    pub fn class_named(&self, written: &str) -> Option<L::Class> {
        let names = &self.file.names;
        let bare: String =
            written.split('<').next().unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect();
        if let Some(class) = self.library.table().named(&bare) {
            return Some(class);
        }
        let (first, rest) = bare.split_once('.').map_or((bare.as_str(), ""), |(first, rest)| (first, rest));
        let dot = if rest.is_empty() { "" } else { "." };
        if let Some(full) = names.imports.get(first) {
            return self.library.table().named(&format!("{full}{dot}{rest}"));
        }
        if names.classes.contains_key(first) {
            return None;
        }
        let found = names
            .packages
            .iter()
            .find_map(|package| self.library.table().named(&format!("{package}.{first}{dot}{rest}")));
        // A class of the same package comes before those of imported packages.
        let beside = || self.file.path.with_file_name(format!("{first}.java"));
        found.filter(|_| !self.tree.exists(&beside()))
    }

    /// The class that a name means which is no variable: that of a static call.
    pub fn class_itself(&self, object: Id) -> Option<L::Class> {
        let names_a_class = match self.kind(object) {
            "identifier" => self.variable(object).is_none(),
            "field_access" => true,
            _ => false,
        };
        if names_a_class { self.class_named(self.text(object)) } else { None }
    }

    /// The class of an expression's object.
    pub fn class(&self, at: Id) -> Option<L::Class> {
        self.effort.deeper(self.code(), at, || self.class_of(at)).flatten()
    }

    fn class_of(&self, at: Id) -> Option<L::Class> {
        match self.kind(at) {
            "object_creation_expression" => self.class_named(self.text(self.field(at, "type")?)),
            "cast_expression" => self.class_named(self.text(self.field(at, "type")?)),
            "parenthesized_expression" => self.class(self.code().children(at).next()?),
            "assignment_expression" => self.class(self.field(at, "right")?),
            "identifier" | "field_access" => {
                let (_, variables) = self.variable(at)?;
                self.first(BINDINGS, at, variables.iter()).find_map(|variable| {
                    match (variable.declared, variable.origin) {
                        (Some(declared), _) => self.class_named(self.text(declared)),
                        (None, Origin::Value(value)) => self.class(value),
                        _ => None,
                    }
                })
            }
            "method_invocation" => self.class_returned(at),
            _ => None,
        }
    }

    fn class_returned(&self, call: Id) -> Option<L::Class> {
        let method = self.method(call);
        let table = self.library.table();
        let Some(object) = self.field(call, "object").filter(|object| self.kind(*object) != "this") else {
            return self.class_of_own_method(method);
        };
        match self.class_itself(object) {
            Some(class) => returned(&table.of_classes, class, method),
            None => {
                self.inherited(method).or_else(|| returned(&table.of_objects, self.class(object)?, method))
            }
        }
    }

    fn class_of_own_method(&self, method: &str) -> Option<L::Class> {
        let own = || {
            let mut methods = self.file.names.methods.get(method)?.iter();
            methods.find_map(|method| self.class_named(self.text(self.field(*method, "type")?)))
        };
        self.inherited(method).or_else(own)
    }

    /// What a method of an inherited object returns, which is known by its name in a file that imports the library.
    fn inherited(&self, method: &str) -> Option<L::Class> {
        let names = &self.file.names;
        let Inherited { import, returns } = self.library.table().inherited.get(method)?;
        let mut imports = names.imports.values().chain(&names.packages);
        imports.any(|name| name.starts_with(import.as_str())).then_some(*returns)
    }
}

/// What a method returns, by its name or as all others do.
fn returned<C: Copy + Ord>(table: &Returns<C>, class: C, method: &str) -> Option<C> {
    let methods = table.get(&class)?;
    methods.get(method).or_else(|| methods.get("*")).copied()
}
