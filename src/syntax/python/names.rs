//! Which name is bound where in a Python program: imports, assignments, parameters, definitions. What is bound to is looked at
//! when it is asked for.

use crate::syntax::calls::{Code, Id, Scopes};
use crate::text::HashMap;

/// What a name is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// An assigned value, or a definition itself.
    Expression(Id),
    /// A member of what is assigned: `a, b = 1, 2`.
    Part(Id, usize),
    /// What an import gives, by its full name.
    Import(String),
    Parameter {
        of: Id,
        index: usize,
        default: Option<Id>,
    },
    /// One after the other of the members of a value.
    Element(Id),
    /// Bound by something that is not followed.
    Opaque,
}

#[derive(Debug, Clone)]
pub(super) struct Binding {
    pub at: Id,
    pub origin: Origin,
}

/// What one pass over a program gathers, in the order of the text.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    pub scopes: Scopes<'a, Binding>,
    /// `object.name = value`, by name: the object and the value, if it can be followed.
    pub members: HashMap<&'a str, Vec<(Id, Option<Id>)>>,
    /// Calls, by the last name of what is called.
    pub calls: HashMap<&'a str, Vec<Id>>,
    /// The modules of `from module import *`.
    pub wildcards: Vec<&'a str>,
}

pub(super) fn is_function(kind: &str) -> bool {
    matches!(kind, "function_definition" | "lambda")
}

/// What has names of its own.
pub(super) fn is_scope(kind: &str) -> bool {
    is_function(kind) || kind == "class_definition" || is_comprehension(kind)
}

fn is_comprehension(kind: &str) -> bool {
    kind.ends_with("_comprehension") || kind == "generator_expression"
}

/// The last name of what is called: `listen` of `a.b().listen`.
pub fn last_name<'a>(code: &Code<'a>, callee: Id) -> Option<&'a str> {
    match code.kind(callee) {
        "attribute" => code.field(callee, "attribute").map(|name| code.text(name)),
        "identifier" => Some(code.text(callee)),
        _ => None,
    }
}

impl<'a> Names<'a> {
    pub(super) fn gather(code: &Code<'a>) -> Self {
        let mut pass =
            Pass { code, names: Self::default(), scopes: Vec::new(), elsewhere: HashMap::default() };
        for id in code.all() {
            pass.meet(id);
        }
        pass.names
    }
}

struct Pass<'c, 'a> {
    code: &'c Code<'a>,
    names: Names<'a>,
    /// What the node at hand lies in that has names of its own.
    scopes: Vec<Id>,
    /// Names that a function declares `global` or `nonlocal`, and where they hold then.
    elsewhere: HashMap<(Id, &'a str), Id>,
}

impl<'a> Pass<'_, 'a> {
    fn meet(&mut self, id: Id) {
        let code = self.code;
        while self.scopes.last().is_some_and(|scope| !code.contains(*scope, id)) {
            self.scopes.pop();
        }
        let kind = code.kind(id);
        match kind {
            "import_statement" => self.import(id),
            "import_from_statement" => self.import_from(id),
            "assignment" => self.assign(id, "left", code.field(id, "right")),
            "augmented_assignment" => self.assign_opaque(code.field(id, "left")),
            "named_expression" => self.assign(id, "name", code.field(id, "value")),
            "for_statement" | "for_in_clause" => self.element(id),
            "as_pattern" => self.with_as(id),
            "function_definition" | "class_definition" => self.define(id),
            "delete_statement" => self.assign_opaque(code.children(id).next()),
            "global_statement" => self.declare(id, code.root()),
            "nonlocal_statement" => self.declare(id, self.outer()),
            "call" => {
                let callee = code.field(id, "function");
                if let Some(name) = callee.and_then(|callee| last_name(code, callee)) {
                    self.names.calls.entry(name).or_default().push(id);
                }
            }
            _ => {}
        }
        if is_scope(kind) {
            self.scopes.push(id);
            if is_function(kind) {
                self.parameters(id);
            }
        }
    }

    fn scope(&self) -> Id {
        self.scopes.last().copied().unwrap_or(self.code.root())
    }

    fn outer(&self) -> Id {
        self.scopes.iter().rev().nth(1).copied().unwrap_or(self.code.root())
    }

    fn declare(&mut self, id: Id, scope: Id) {
        for name in self.code.children(id) {
            self.elsewhere.insert((self.scope(), self.code.text(name)), scope);
        }
    }

    fn bind(&mut self, name: &'a str, at: Id, origin: Origin) {
        let here = self.scope();
        let scope = self.elsewhere.get(&(here, name)).copied().unwrap_or(here);
        self.names.scopes.bind(scope, name, Binding { at, origin });
    }

    fn import(&mut self, id: Id) {
        let code = self.code;
        for part in code.children(id) {
            let (name, alias) = named(code, part);
            match alias {
                Some(alias) => self.bind(alias, part, Origin::Import(name.to_owned())),
                // `import a.b` binds `a`.
                None => {
                    let first = name.split('.').next().unwrap_or(name);
                    self.bind(first, part, Origin::Import(first.to_owned()));
                }
            }
        }
    }

    fn import_from(&mut self, id: Id) {
        let code = self.code;
        let Some(module) = code.field(id, "module_name").map(|module| code.text(module)) else { return };
        for part in code.children(id) {
            if code.kind(part) == "wildcard_import" {
                self.names.wildcards.push(module);
            } else if code.role(part) == "name" {
                let (name, alias) = named(code, part);
                let dot = if module.ends_with('.') { "" } else { "." };
                self.bind(alias.unwrap_or(name), part, Origin::Import(format!("{module}{dot}{name}")));
            }
        }
    }

    fn assign(&mut self, id: Id, role: &str, value: Option<Id>) {
        // `name: int` alone binds nothing.
        let (Some(target), Some(value)) = (self.code.field(id, role), value) else { return };
        // Of `a = b = 5` each target has the value at the end.
        let mut value = value;
        while self.code.kind(value) == "assignment" {
            let Some(next) = self.code.field(value, "right") else { return };
            value = next;
        }
        self.target(target, Some(value), &|part| match part {
            None => Origin::Expression(value),
            Some(index) => Origin::Part(value, index),
        });
    }

    fn assign_opaque(&mut self, target: Option<Id>) {
        if let Some(target) = target {
            self.target(target, None, &|_| Origin::Opaque);
        }
    }

    fn element(&mut self, id: Id) {
        let (Some(target), Some(of)) = (self.code.field(id, "left"), self.code.field(id, "right")) else {
            return;
        };
        self.target(target, None, &|part| match part {
            None => Origin::Element(of),
            Some(_) => Origin::Opaque,
        });
    }

    /// `with open() as name`; what `except` and `match` bind is not followed.
    fn with_as(&mut self, id: Id) {
        let code = self.code;
        let value = code.children(id).next();
        let Some(target) = code.last_child(id).filter(|last| Some(*last) != value) else { return };
        let target = code.children(target).next().unwrap_or(target);
        let is_with = code.parent(id).is_some_and(|parent| code.kind(parent) == "with_item");
        match value.filter(|_| is_with) {
            Some(value) => self.target(target, Some(value), &|part| match part {
                None => Origin::Expression(value),
                Some(_) => Origin::Opaque,
            }),
            None => self.assign_opaque(Some(target)),
        }
    }

    /// Binds what an assignment names, one level of unpacking deep.
    fn target(&mut self, target: Id, value: Option<Id>, origin: &dyn Fn(Option<usize>) -> Origin) {
        let code = self.code;
        match code.kind(target) {
            "identifier" => self.bind(code.text(target), target, origin(None)),
            "attribute" => {
                let (object, name) = (code.field(target, "object"), code.field(target, "attribute"));
                if let (Some(object), Some(name)) = (object, name) {
                    self.names.members.entry(code.text(name)).or_default().push((object, value));
                }
            }
            "pattern_list" | "tuple_pattern" | "list_pattern" => {
                let parts: Vec<Id> = code.children(target).collect();
                let starred = parts.iter().any(|part| code.kind(*part) == "list_splat_pattern");
                for (index, part) in parts.into_iter().enumerate() {
                    match code.kind(part) {
                        "identifier" if !starred => {
                            self.bind(code.text(part), part, origin(Some(index)));
                        }
                        "attribute" => self.target(part, None, &|_| Origin::Opaque),
                        _ => self.all_opaque(part),
                    }
                }
            }
            "subscript" => {}
            _ => self.all_opaque(target),
        }
    }

    fn all_opaque(&mut self, target: Id) {
        let code = self.code;
        for name in code.all_in(target).filter(|id| code.kind(*id) == "identifier") {
            self.bind(code.text(name), name, Origin::Opaque);
        }
    }

    fn define(&mut self, id: Id) {
        if let Some(name) = self.code.field(id, "name") {
            self.bind(self.code.text(name), id, Origin::Expression(id));
        }
    }

    fn parameters(&mut self, of: Id) {
        let code = self.code;
        let Some(list) = code.field(of, "parameters") else { return };
        let is_one = |id: &Id| !code.kind(*id).ends_with("_separator");
        for (index, parameter) in code.children(list).filter(is_one).enumerate() {
            let (name, default) = match code.kind(parameter) {
                "identifier" => (Some(parameter), None),
                "default_parameter" | "typed_default_parameter" => {
                    (code.field(parameter, "name"), code.field(parameter, "value"))
                }
                "typed_parameter" => (code.children(parameter).next(), None),
                _ => (None, None),
            };
            match name.filter(|name| code.kind(*name) == "identifier") {
                Some(name) => {
                    self.bind(code.text(name), parameter, Origin::Parameter { of, index, default });
                }
                None => self.all_opaque(parameter),
            }
        }
    }
}

/// `name as alias`.
fn named<'a>(code: &Code<'a>, part: Id) -> (&'a str, Option<&'a str>) {
    match code.kind(part) {
        "aliased_import" => {
            let text = |role| code.field(part, role).map(|id| code.text(id));
            (text("name").unwrap_or_default(), text("alias"))
        }
        _ => (code.text(part), None),
    }
}
