//! The names of one Go file: what it imports, declares, assigns and calls, found in one pass.

use crate::syntax::calls::{Code, Id, Scopes};
use crate::text::HashMap;

/// Where a variable's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Value(Id),
    /// One of the values that a call returns.
    Part(Id, usize),
    /// Declared without a value: it is zero until it is set.
    Zero,
    /// A parameter of a function, by its index.
    Parameter(Id, usize),
    /// Bound by something that is not followed: a loop, a type switch, a receiver.
    Opaque,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Binding {
    /// The name where it is bound.
    pub at: Id,
    /// The type, where it is written.
    pub declared: Option<Id>,
    pub origin: Origin,
}

/// What one pass over a file gathers.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    pub package: &'a str,
    /// Import paths by the names that the file has for them.
    pub imports: HashMap<&'a str, &'a str>,
    pub scopes: Scopes<'a, Binding>,
    /// Assignments to variables, and to fields by the field's name: the left side, and where the value comes from.
    pub assigned: HashMap<&'a str, Vec<(Id, Origin)>>,
    /// `&name` and `&x.name`: a function may be told where to put a value.
    pub pointed: HashMap<&'a str, Vec<Id>>,
    /// Functions and methods.
    pub functions: HashMap<&'a str, Vec<Id>>,
    pub types: HashMap<&'a str, Id>,
    /// The values of composite literals by their keys.
    pub keyed: HashMap<&'a str, Vec<Id>>,
    /// Composite literals by the last name of their type.
    pub literals: HashMap<&'a str, Vec<Id>>,
    /// Calls by the last name of what is called.
    pub calls: HashMap<&'a str, Vec<Id>>,
}

/// The nodes in which a local name holds.
fn holds_names(kind: &str) -> bool {
    matches!(
        kind,
        "block"
            | "source_file"
            | "function_declaration"
            | "method_declaration"
            | "func_literal"
            | "if_statement"
            | "for_statement"
            | "expression_switch_statement"
            | "type_switch_statement"
            | "expression_case"
            | "default_case"
            | "type_case"
            | "communication_case"
    )
}

pub(super) fn is_function(kind: &str) -> bool {
    matches!(kind, "function_declaration" | "method_declaration" | "func_literal")
}

/// The last name of what is called, of a type, of a variable: `Listen` of `net.Listen`.
pub(super) fn last_name<'a>(code: &Code<'a>, id: Id) -> &'a str {
    let last = match code.kind(id) {
        "identifier" | "type_identifier" | "field_identifier" => Some(id),
        "selector_expression" => code.field(id, "field"),
        "qualified_type" => code.field(id, "name"),
        "generic_type" | "pointer_type" | "parenthesized_type" | "parenthesized_expression" => {
            return code.children(id).next().map_or("", |inner| last_name(code, inner));
        }
        _ => None,
    };
    last.map_or("", |last| code.text(last))
}

/// The name that a package mostly has, by its import path: its last part, without a version and what says that it is Go.
fn package_name(path: &str) -> &str {
    let bare = without_version(path);
    let last = bare.rsplit('/').next().unwrap_or(bare);
    let last = last.split_once(".v").map_or(last, |(name, _)| name);
    last.strip_prefix("go-").or_else(|| last.strip_prefix("go_")).unwrap_or(last)
}

/// An import path without its major version: `github.com/labstack/echo` of `github.com/labstack/echo/v4`.
pub(super) fn without_version(path: &str) -> &str {
    let version = path.rsplit_once("/v").filter(|(_, number)| number.parse::<u32>().is_ok());
    version.map_or(path, |(path, _)| path)
}

impl<'a> Names<'a> {
    pub(super) fn gather(code: &Code<'a>) -> Self {
        let mut names = Self::default();
        for id in code.all() {
            names.meet(code, id);
        }
        names
    }

    fn meet(&mut self, code: &Code<'a>, id: Id) {
        match code.kind(id) {
            "package_clause" => self.package = code.last_child(id).map_or("", |name| code.text(name)),
            "import_spec" => self.import(code, id),
            "short_var_declaration" => self.set(code, id, true),
            "assignment_statement" => self.set(code, id, false),
            "var_spec" | "const_spec" => self.declare(code, id),
            "parameter_list" => self.parameters(code, id),
            "range_clause" | "receive_statement" => self.opaque(code, id),
            "function_declaration" | "method_declaration" => {
                if let Some(name) = code.field(id, "name") {
                    self.functions.entry(code.text(name)).or_default().push(id);
                }
            }
            "type_spec" | "type_alias" => {
                if let Some(name) = code.field(id, "name") {
                    self.types.insert(code.text(name), id);
                }
            }
            "composite_literal" => {
                if let Some(of) = code.field(id, "type") {
                    self.literals.entry(last_name(code, of)).or_default().push(id);
                }
            }
            "keyed_element" => {
                if let (Some(key), Some(value)) = (code.field(id, "key"), code.field(id, "value")) {
                    self.keyed.entry(code.text(key)).or_default().push(value);
                }
            }
            "call_expression" => {
                if let Some(called) = code.field(id, "function") {
                    self.calls.entry(last_name(code, called)).or_default().push(id);
                }
            }
            "unary_expression" => self.point(code, id),
            _ => {}
        }
    }

    fn import(&mut self, code: &Code<'a>, id: Id) {
        let Some(path) = code.field(id, "path") else { return };
        let path = code.text(path).trim_matches(['"', '`']);
        let name = code.field(id, "name").map_or_else(|| package_name(path), |name| code.text(name));
        self.imports.insert(name, path);
    }

    fn bind(&mut self, code: &Code<'a>, name: Id, declared: Option<Id>, origin: Origin) {
        let scope = code.ancestors(name).find(|outer| holds_names(code.kind(*outer)));
        self.bind_in(code, scope.unwrap_or(code.root()), name, declared, origin);
    }

    fn bind_in(&mut self, code: &Code<'a>, scope: Id, name: Id, declared: Option<Id>, origin: Origin) {
        self.scopes.bind(scope, code.text(name), Binding { at: name, declared, origin });
    }

    /// `a, b := f()` and `a, b = 1, 2`.
    fn set(&mut self, code: &Code<'a>, id: Id, declares: bool) {
        let (Some(left), Some(right)) = (code.field(id, "left"), code.field(id, "right")) else { return };
        let plain = declares || code.field(id, "operator").is_some_and(|operator| code.text(operator) == "=");
        let values: Vec<Id> = code.children(right).collect();
        for (index, name) in code.children(left).enumerate() {
            let origin = if plain { origin(&values, index) } else { Origin::Opaque };
            if declares && code.kind(name) == "identifier" {
                self.bind(code, name, None, origin);
            } else {
                self.assigned.entry(last_name(code, name)).or_default().push((name, origin));
            }
        }
    }

    fn declare(&mut self, code: &Code<'a>, id: Id) {
        let declared = code.field(id, "type");
        let values: Vec<Id> =
            code.field(id, "value").map(|list| code.children(list).collect()).unwrap_or_default();
        let names = code.children(id).filter(|name| code.role(*name) == "name");
        for (index, name) in names.filter(|name| code.kind(*name) == "identifier").enumerate() {
            let origin = match (values.is_empty(), code.kind(id)) {
                (true, "var_spec") => Origin::Zero,
                // It repeats the expression before it: iota.
                (true, _) => Origin::Opaque,
                (false, _) => origin(&values, index),
            };
            self.bind(code, name, declared, origin);
        }
    }

    fn parameters(&mut self, code: &Code<'a>, list: Id) {
        let Some(function) = code.parent(list).filter(|outer| is_function(code.kind(*outer))) else { return };
        let is_given = code.role(list) == "parameters";
        let mut index = 0;
        for declaration in code.children(list) {
            let declared = code.field(declaration, "type");
            let single = code.kind(declaration) == "parameter_declaration";
            let names: Vec<Id> =
                code.children(declaration).filter(|name| code.role(*name) == "name").collect();
            for name in &names {
                let origin = match (is_given, code.role(list)) {
                    (true, _) if single => Origin::Parameter(function, index),
                    // A result is a variable that is zero at first.
                    (_, "result") => Origin::Zero,
                    _ => Origin::Opaque,
                };
                index += 1;
                self.bind_in(code, function, *name, declared, origin);
            }
            index += usize::from(names.is_empty());
        }
    }

    fn opaque(&mut self, code: &Code<'a>, id: Id) {
        let names: Vec<Id> =
            code.field(id, "left").map(|left| code.children(left).collect()).unwrap_or_default();
        for name in names.into_iter().filter(|name| code.kind(*name) == "identifier") {
            self.bind(code, name, None, Origin::Opaque);
        }
    }

    fn point(&mut self, code: &Code<'a>, id: Id) {
        let is_address = code.field(id, "operator").is_some_and(|operator| code.text(operator) == "&");
        if let Some(operand) = code.field(id, "operand").filter(|_| is_address) {
            let name = last_name(code, operand);
            if !name.is_empty() {
                self.pointed.entry(name).or_default().push(id);
            }
        }
    }
}

fn origin(values: &[Id], index: usize) -> Origin {
    match (values, values.get(index)) {
        // `v := f()` and `v, err := f()`: what a call is decides, so one value may be a part too.
        ([value], None) => Origin::Part(*value, index),
        (_, Some(value)) => Origin::Value(*value),
        _ => Origin::Opaque,
    }
}
