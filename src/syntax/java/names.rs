//! The names of one Java file: what it imports, declares, assigns and calls, found in one pass.

use crate::syntax::calls::{Code, Id, Scopes};
use crate::text::HashMap;

/// Where a variable's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Value(Id),
    /// Declared without a value.
    Nothing,
    /// A parameter of a method or a constructor, by its index.
    Parameter(Id, usize),
    /// Bound by something that is not followed: a loop, a lambda, a catch.
    Opaque,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// The type, where it is written.
    pub declared: Option<Id>,
    pub origin: Origin,
}

/// What one pass over a file gathers.
#[derive(Debug, Default)]
pub struct Names<'a> {
    pub scopes: Scopes<'a, Variable>,
    /// Full names by simple ones.
    pub imports: HashMap<&'a str, &'a str>,
    /// Packages of which every class is imported.
    pub packages: Vec<&'a str>,
    pub package: &'a str,
    /// Classes that are declared in the file, with their bodies.
    pub classes: HashMap<&'a str, Id>,
    pub methods: HashMap<&'a str, Vec<Id>>,
    /// Calls by the method's name, and `new` by the class's simple name.
    pub calls: HashMap<&'a str, Vec<Id>>,
    /// Every identifier that may be a variable, by its text.
    pub uses: HashMap<&'a str, Vec<Id>>,
}

/// A method has no more (The Java Virtual Machine Specification, 4.3.3).
const PARAMETERS: usize = 255;

pub(super) fn is_class_body(kind: &str) -> bool {
    matches!(kind, "class_body" | "enum_body" | "enum_body_declarations" | "interface_body")
}

fn is_class(kind: &str) -> bool {
    matches!(kind, "class_declaration" | "enum_declaration" | "interface_declaration" | "record_declaration")
}

/// The nodes in which a local name holds.
fn holds_names(kind: &str) -> bool {
    is_class_body(kind)
        || matches!(
            kind,
            "block"
                | "constructor_body"
                | "program"
                | "for_statement"
                | "enhanced_for_statement"
                | "try_with_resources_statement"
                | "catch_clause"
                | "switch_block_statement_group"
                | "lambda_expression"
                | "method_declaration"
                | "constructor_declaration"
                | "record_declaration"
        )
}

/// The last part of a type's name, without type arguments.
pub(super) fn simple_name<'a>(code: &Code<'a>, named: Id) -> &'a str {
    let text = code.text(named);
    let bare = text.split('<').next().unwrap_or(text);
    bare.rsplit('.').next().unwrap_or(bare).trim()
}

impl<'a> Names<'a> {
    pub fn gather(code: &Code<'a>) -> Self {
        let mut names = Self::default();
        for id in code.all() {
            names.meet(code, id);
        }
        names
    }

    fn meet(&mut self, code: &Code<'a>, id: Id) {
        match code.kind(id) {
            "package_declaration" => {
                self.package = code.last_child(id).map_or("", |name| code.text(name));
            }
            "import_declaration" => self.import(code, id),
            kind if is_class(kind) => {
                if let (Some(name), Some(body)) = (code.field(id, "name"), code.field(id, "body")) {
                    self.classes.insert(code.text(name), body);
                }
            }
            "variable_declarator" => {
                let declared = code.parent(id).and_then(|outer| code.field(outer, "type"));
                let origin = code.field(id, "value").map_or(Origin::Nothing, Origin::Value);
                self.bind(code, id, declared, origin);
            }
            "resource" => {
                let origin = code.field(id, "value").map_or(Origin::Opaque, Origin::Value);
                self.bind(code, id, code.field(id, "type"), origin);
            }
            "formal_parameter" | "spread_parameter" | "catch_formal_parameter" => self.parameter(code, id),
            "enhanced_for_statement" => self.bind(code, id, code.field(id, "type"), Origin::Opaque),
            "lambda_expression" => self.lambda(code, id),
            "method_declaration" => self.method(code, id),
            "method_invocation" => {
                if let Some(name) = code.field(id, "name") {
                    self.calls.entry(code.text(name)).or_default().push(id);
                }
            }
            "object_creation_expression" => {
                if let Some(class) = code.field(id, "type") {
                    self.calls.entry(simple_name(code, class)).or_default().push(id);
                }
            }
            "identifier" => self.uses.entry(code.text(id)).or_default().push(id),
            _ => {}
        }
    }

    fn import(&mut self, code: &Code<'a>, id: Id) {
        let Some(name) = code.children(id).find(|child| code.kind(*child) != "asterisk") else { return };
        let full = code.text(name);
        let every = code.children(id).any(|child| code.kind(child) == "asterisk");
        // Of a static import the class is what matters, and a constant is known by its own name.
        match full.rsplit_once('.') {
            _ if every => self.packages.push(full),
            Some((_, simple)) => {
                self.imports.insert(simple, full);
            }
            None => {}
        }
    }

    fn bind(&mut self, code: &Code<'a>, id: Id, declared: Option<Id>, origin: Origin) {
        let Some(name) = code.field(id, "name") else { return };
        self.bind_name(code, name, id, declared, origin);
    }

    fn bind_name(&mut self, code: &Code<'a>, name: Id, id: Id, declared: Option<Id>, origin: Origin) {
        let scope =
            std::iter::once(id).chain(code.ancestors(id)).find(|outer| holds_names(code.kind(*outer)));
        let declared = declared.filter(|declared| code.text(*declared) != "var");
        if let Some(scope) = scope {
            self.scopes.bind(scope, code.text(name), Variable { declared, origin });
        }
    }

    fn parameter(&mut self, code: &Code<'a>, id: Id) {
        let Some(list) = code.parent(id) else { return };
        let index = code.children(list).take(PARAMETERS).position(|it| it == id);
        let owner = code
            .parent(list)
            .filter(|owner| matches!(code.kind(*owner), "method_declaration" | "constructor_declaration"));
        let origin = match (owner, index) {
            (Some(owner), Some(index)) => Origin::Parameter(owner, index),
            _ => Origin::Opaque,
        };
        self.bind(code, id, code.field(id, "type"), origin);
    }

    fn lambda(&mut self, code: &Code<'a>, id: Id) {
        let Some(parameters) = code.field(id, "parameters") else { return };
        let names: Vec<Id> = match code.kind(parameters) {
            "identifier" => vec![parameters],
            "inferred_parameters" => code.children(parameters).collect(),
            _ => Vec::new(),
        };
        for name in names {
            self.bind_name(code, name, id, None, Origin::Opaque);
        }
    }

    fn method(&mut self, code: &Code<'a>, id: Id) {
        if let Some(name) = code.field(id, "name") {
            self.methods.entry(code.text(name)).or_default().push(id);
        }
    }
}
