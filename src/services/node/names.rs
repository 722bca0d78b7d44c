//! The names that a JavaScript or TypeScript program binds, what it assigns, and what it calls: found in one pass.

use crate::syntax::calls::{Code, Id, Scopes};
use crate::text::HashMap;

/// Where a binding's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin<'a> {
    Expression(Id),
    Parameter {
        of: Id,
        index: usize,
    },
    /// Each element of what a `for ... of` runs over.
    Element(Id),
    Import {
        from: &'a str,
        name: Name<'a>,
    },
    /// Declared without a value.
    Nothing,
    /// `...rest`.
    Rest,
    /// Bound by something that is not followed: a catch, a counter.
    Opaque,
}

/// What is imported from a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name<'a> {
    All,
    Default,
    Named(&'a str),
}

/// A step from a value to the part of it that a pattern binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    Key(&'a str),
    Index(usize),
    /// What stands in where there is nothing so far.
    Default(Id),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binding<'a> {
    pub origin: Origin<'a>,
    pub path: Vec<Step<'a>>,
    /// TypeScript's annotation.
    pub annotation: Option<Id>,
}

/// What one pass over a program gathers.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    pub scopes: Scopes<'a, Binding<'a>>,
    /// `name = value`, by name: the node of the name, and the value if it can be followed.
    pub assigned: HashMap<&'a str, Vec<(Id, Option<Id>)>>,
    /// `object.name = value`, by name: the object and the value; `object[name] = value` under [`NAMELESS`].
    pub members: HashMap<&'a str, Vec<(Id, Id)>>,
    /// Calls and `new`, by the last name of what is called; those of what a call with `listen`
    /// in it returns, under [`NAMELESS`].
    pub calls: HashMap<&'a str, Vec<Id>>,
    /// `export ...` statements.
    pub exports: Vec<Id>,
    pub classes: Vec<Id>,
}

/// The name of what is called without one: `promisify(server.listen)(3000)`.
pub(super) const NAMELESS: &str = "";

pub(super) fn is_function(kind: &str) -> bool {
    matches!(
        kind,
        "function_declaration"
            | "function_expression"
            | "arrow_function"
            | "method_definition"
            | "generator_function"
            | "generator_function_declaration"
    )
}

pub(super) fn is_class(kind: &str) -> bool {
    matches!(kind, "class_declaration" | "abstract_class_declaration" | "class")
}

fn opens_a_block(kind: &str) -> bool {
    matches!(kind, "statement_block" | "switch_body" | "for_statement" | "for_in_statement")
}

/// The name that a property is written with: an identifier, a string, or either of them computed.
pub(super) fn key<'a>(code: &Code<'a>, id: Id) -> Option<&'a str> {
    match code.kind(id) {
        "computed_property_name" => {
            let inner = code.last_child(id).filter(|inner| code.kind(*inner) == "string")?;
            key(code, inner)
        }
        "string" => Some(code.text(id).trim_matches(['\'', '"'])),
        _ => Some(code.text(id)),
    }
}

/// The last name of what is called: `listen` of `a.b().listen`.
pub(super) fn last_name<'a>(code: &Code<'a>, callee: Id) -> Option<&'a str> {
    match code.kind(callee) {
        "member_expression" => code.field(callee, "property").map(|name| code.text(name)),
        "identifier" | "super" => Some(code.text(callee)),
        "subscript_expression" => index(code, callee),
        "call_expression" => Some(NAMELESS),
        _ => None,
    }
}

/// The name in `a['name']`.
pub(super) fn index<'a>(code: &Code<'a>, subscript: Id) -> Option<&'a str> {
    key(code, code.field(subscript, "index").filter(|index| code.kind(*index) == "string")?)
}

impl<'a> Names<'a> {
    pub(super) fn gather(code: &Code<'a>) -> Self {
        let mut pass = Pass { code, names: Self::default(), blocks: Vec::new(), functions: Vec::new() };
        for id in code.all() {
            pass.meet(id);
        }
        pass.names
    }
}

struct Pass<'c, 'a> {
    code: &'c Code<'a>,
    names: Names<'a>,
    /// The blocks, functions and programs that the node at hand lies in; and of these, those that `var` binds in.
    blocks: Vec<Id>,
    functions: Vec<Id>,
}

impl<'a> Pass<'_, 'a> {
    fn meet(&mut self, id: Id) {
        let code = self.code;
        for open in [&mut self.blocks, &mut self.functions] {
            while open.last().is_some_and(|scope| !code.contains(*scope, id)) {
                open.pop();
            }
        }
        let kind = code.kind(id);
        match kind {
            "variable_declarator" => self.declare(id),
            "formal_parameters" => self.parameters(id),
            "catch_clause" => self.pattern_of(id, "parameter", id, Origin::Opaque),
            "import_statement" => self.import(id),
            "export_statement" => self.names.exports.push(id),
            "assignment_expression" | "augmented_assignment_expression" => self.assign(id),
            "update_expression" => self.put(code.field(id, "argument"), id, None),
            "unary_expression" if code.text(id).starts_with("delete") => {
                self.put(code.field(id, "argument").filter(|it| code.kind(*it) != "identifier"), id, None);
            }
            "call_expression" => self.call(id, "function"),
            "new_expression" => self.call(id, "constructor"),
            "enum_declaration" => self.declare_itself(id, self.block()),
            "function_expression" | "class" => self.declare_itself(id, id),
            "arrow_function" => {
                self.pattern_of(id, "parameter", id, Origin::Parameter { of: id, index: 0 });
            }
            "for_in_statement" => self.declare_element(id),
            _ if kind.ends_with("_declaration") && (is_function(kind) || is_class(kind)) => {
                self.declare_itself(id, self.block());
            }
            _ => {}
        }
        if is_function(kind) || kind == "program" {
            self.functions.push(id);
            self.blocks.push(id);
        } else if is_class(kind) {
            self.names.classes.push(id);
        } else if opens_a_block(kind) {
            self.blocks.push(id);
        }
    }

    fn block(&self) -> Id {
        self.blocks.last().copied().unwrap_or(self.code.root())
    }

    fn declare(&mut self, id: Id) {
        let code = self.code;
        let is_var = code.parent(id).is_some_and(|parent| code.kind(parent) == "variable_declaration");
        let scope = match is_var {
            true => self.functions.last().copied().unwrap_or(code.root()),
            false => self.block(),
        };
        let origin = code.field(id, "value").map_or(Origin::Nothing, Origin::Expression);
        let annotation = code.field(id, "type");
        if let Some(name) = code.field(id, "name") {
            self.pattern(name, scope, origin, Vec::new(), annotation);
        }
    }

    /// A function, class or enum under its own name.
    fn declare_itself(&mut self, id: Id, scope: Id) {
        if let Some(name) = self.code.field(id, "name") {
            self.bind(scope, self.code.text(name), Origin::Expression(id), Vec::new(), None);
        }
    }

    fn declare_element(&mut self, id: Id) {
        let code = self.code;
        let runs_over_values = code.field(id, "operator").is_some_and(|word| code.text(word) == "of");
        let origin = if runs_over_values { Origin::Element(id) } else { Origin::Opaque };
        if code.field(id, "kind").is_some() {
            self.pattern_of(id, "left", id, origin);
        } else {
            self.reassign(code.field(id, "left"), None);
        }
    }

    fn parameters(&mut self, id: Id) {
        let code = self.code;
        let Some(of) = code.parent(id).filter(|parent| is_function(code.kind(*parent))) else { return };
        for (index, parameter) in code.children(id).enumerate() {
            let origin = Origin::Parameter { of, index };
            if !matches!(code.kind(parameter), "required_parameter" | "optional_parameter") {
                self.pattern(parameter, of, origin, Vec::new(), None);
            } else if let Some(pattern) = code.field(parameter, "pattern") {
                let default = code.field(parameter, "value").map(Step::Default);
                let annotation = code.field(parameter, "type");
                self.pattern(pattern, of, origin, default.into_iter().collect(), annotation);
            }
        }
    }

    fn import(&mut self, id: Id) {
        let code = self.code;
        let source = code.field(id, "source").and_then(|source| key(code, source));
        for clause in code.children(id) {
            match (code.kind(clause), source) {
                ("import_clause", Some(from)) => self.import_clause(clause, from),
                ("import_require_clause", _) => {
                    let Some(from) = code.field(clause, "source").and_then(|source| key(code, source)) else {
                        continue;
                    };
                    if let Some(name) = code.children(clause).next() {
                        self.imported(name, from, Name::Default);
                    }
                }
                _ => {}
            }
        }
    }

    fn import_clause(&mut self, clause: Id, from: &'a str) {
        let code = self.code;
        for part in code.children(clause) {
            match code.kind(part) {
                "identifier" => self.imported(part, from, Name::Default),
                "namespace_import" => {
                    if let Some(name) = code.last_child(part) {
                        self.imported(name, from, Name::All);
                    }
                }
                _ => {
                    for specifier in code.children(part) {
                        let Some(name) = code.field(specifier, "name") else { continue };
                        let local = code.field(specifier, "alias").unwrap_or(name);
                        let wanted = match key(code, name) {
                            Some("default") | None => Name::Default,
                            Some(name) => Name::Named(name),
                        };
                        self.imported(local, from, wanted);
                    }
                }
            }
        }
    }

    fn imported(&mut self, local: Id, from: &'a str, name: Name<'a>) {
        let origin = Origin::Import { from, name };
        self.bind(self.code.root(), self.code.text(local), origin, Vec::new(), None);
    }

    fn assign(&mut self, id: Id) {
        let code = self.code;
        let (Some(left), Some(right)) = (code.field(id, "left"), code.field(id, "right")) else { return };
        let operator = code.field(id, "operator").map(|operator| code.text(operator));
        let follows = operator.is_none_or(|operator| matches!(operator, "||=" | "??="));
        self.put(Some(left), if operator.is_none() { right } else { id }, follows.then_some(right));
    }

    /// What a property becomes, and what a name does; under a name that is worked out, any property may become it.
    fn put(&mut self, target: Option<Id>, value: Id, of_name: Option<Id>) {
        let (code, Some(left)) = (self.code, target) else { return };
        let property = match code.kind(left) {
            "member_expression" => code.field(left, "property").map(|property| code.text(property)),
            "subscript_expression" => index(code, left),
            _ => None,
        };
        if let Some(object) = code.field(left, "object") {
            let property = property.unwrap_or(NAMELESS);
            self.names.members.entry(property).or_default().push((object, value));
        }
        if property.is_none() {
            self.reassign(target, of_name);
        }
    }

    /// Names that get another value; what a pattern takes from it is not followed.
    fn reassign(&mut self, target: Option<Id>, value: Option<Id>) {
        let code = self.code;
        let Some(target) = target else { return };
        if code.kind(target) == "identifier" {
            self.names.assigned.entry(code.text(target)).or_default().push((target, value));
        } else {
            let names = code.children(target).filter(|id| {
                matches!(code.kind(*id), "identifier" | "shorthand_property_identifier_pattern")
            });
            for name in names {
                self.names.assigned.entry(code.text(name)).or_default().push((name, None));
            }
        }
    }

    fn call(&mut self, id: Id, role: &str) {
        let callee = self.code.field(id, role);
        let Some(name) = callee.and_then(|callee| last_name(self.code, callee)) else { return };
        if name != NAMELESS || callee.is_some_and(|callee| self.code.text(callee).contains("listen")) {
            self.names.calls.entry(name).or_default().push(id);
        }
    }

    fn pattern_of(&mut self, id: Id, role: &str, scope: Id, origin: Origin<'a>) {
        if let Some(pattern) = self.code.field(id, role) {
            self.pattern(pattern, scope, origin, Vec::new(), None);
        }
    }

    /// Binds every name in a pattern; patterns lie in patterns as deep as the author likes.
    fn pattern(
        &mut self,
        pattern: Id,
        scope: Id,
        origin: Origin<'a>,
        path: Vec<Step<'a>>,
        annotation: Option<Id>,
    ) {
        let code = self.code;
        let mut left = vec![(pattern, origin, path)];
        while let Some((id, origin, path)) = left.pop() {
            match code.kind(id) {
                "identifier" => self.bind(scope, code.text(id), origin, path, annotation),
                "shorthand_property_identifier_pattern" => {
                    let name = code.text(id);
                    self.bind(scope, name, origin, with(&path, Step::Key(name)), None);
                }
                "assignment_pattern" => {
                    let default = code.field(id, "right").map(Step::Default);
                    let path = path.into_iter().chain(default).collect();
                    left.extend(code.field(id, "left").map(|inner| (inner, origin, path)));
                }
                "object_assignment_pattern" => self.shorthand_with_default(id, scope, origin, &path),
                "pair_pattern" => {
                    let name = code.field(id, "key").and_then(|name| key(code, name));
                    let inner = code.field(id, "value");
                    if let (Some(name), Some(inner)) = (name, inner) {
                        left.push((inner, origin, with(&path, Step::Key(name))));
                    }
                }
                "object_pattern" => left.extend(code.children(id).map(|part| (part, origin, path.clone()))),
                "array_pattern" => {
                    let origin = if has_holes(code.text(id)) { Origin::Opaque } else { origin };
                    let parts = code.children(id).enumerate();
                    left.extend(parts.map(|(at, part)| (part, origin, with(&path, Step::Index(at)))));
                }
                "rest_pattern" => {
                    left.extend(code.last_child(id).map(|name| (name, Origin::Rest, Vec::new())));
                }
                _ => {}
            }
        }
    }

    /// `{ port = 3000 }` in a pattern.
    fn shorthand_with_default(&mut self, id: Id, scope: Id, origin: Origin<'a>, path: &[Step<'a>]) {
        let code = self.code;
        if let (Some(name), Some(default)) = (code.field(id, "left"), code.field(id, "right")) {
            let name = code.text(name);
            self.bind(scope, name, origin, with(&with(path, Step::Key(name)), Step::Default(default)), None);
        }
    }

    fn bind(
        &mut self,
        scope: Id,
        name: &'a str,
        origin: Origin<'a>,
        path: Vec<Step<'a>>,
        annotation: Option<Id>,
    ) {
        self.names.scopes.bind(scope, name, Binding { origin, path, annotation });
    }
}

fn with<'a>(path: &[Step<'a>], step: Step<'a>) -> Vec<Step<'a>> {
    path.iter().copied().chain([step]).collect()
}

/// `[, second]`: the tree has no node for what is left out.
fn has_holes(pattern: &str) -> bool {
    let mut last = ' ';
    pattern.chars().filter(|char| !char.is_whitespace()).any(|char| {
        let hole = char == ',' && (last == ',' || last == '[');
        last = char;
        hole
    })
}
