//! What type an expression has: that of a library by its full name, or one that the program declares.

use super::names::{Origin, without_version};
use super::{At, MAX_CALLS, MAX_VALUES, Question, Reading};

/// Fields of one type that are looked at.
const MAX_FIELDS: usize = 1_000;

#[derive(Debug, Clone, PartialEq)]
pub enum Kind<'p, 'a> {
    /// `net/http.Server`.
    Library(String),
    /// Its declaration.
    Own(At<'p, 'a>),
}

impl<'p, 'a> Reading<'p, 'a> {
    /// The full name of what a call calls: `net.Listen`, `net/http.Server.ListenAndServe`.
    pub fn callee(&self, call: At<'p, 'a>) -> Option<String> {
        let function = call.field("function")?;
        if let Some(full) = self.qualified(function) {
            return Some(full);
        }
        let (operand, name) = (function.field("operand")?, function.last_name());
        match self.kind(operand)? {
            Kind::Library(full) => Some(format!("{full}.{name}")),
            Kind::Own(of) => Some(format!("{}.{name}", self.embedded(of, name)?)),
        }
    }

    /// `net.Listen` as the full name that it has by the file's imports.
    pub fn qualified(&self, at: At<'p, 'a>) -> Option<String> {
        let (package, name) = match at.kind() {
            "selector_expression" => (at.field("operand")?, at.field("field")?),
            "qualified_type" => (at.field("package")?, at.field("name")?),
            _ => return None,
        };
        let path = self.import(package)?;
        Some(format!("{}.{}", without_version(path), name.text()))
    }

    /// The path of the import that a name means, if it is that of no variable.
    pub(super) fn import(&self, at: At<'p, 'a>) -> Option<&'a str> {
        if !matches!(at.kind(), "identifier" | "package_identifier") {
            return None;
        }
        let path = at.go.names.imports.get(at.text())?;
        at.go.names.scopes.find(at.code(), at.text(), at.id).is_none().then_some(path)
    }

    /// The type of a library that one of the program's own embeds, if it has no such method of its own.
    fn embedded(&self, of: At<'p, 'a>, method: &str) -> Option<String> {
        if !self.methods(of, method).is_empty() {
            return None;
        }
        self.fields(of).into_iter().filter(|field| field.field("name").is_none()).find_map(|field| match self
            .kind_of_type(field.field("type")?)?
        {
            Kind::Library(full) => Some(full),
            Kind::Own(_) => None,
        })
    }

    /// The fields of a struct that the program declares.
    pub(super) fn fields(&self, of: At<'p, 'a>) -> Vec<At<'p, 'a>> {
        let structure = of.field("type").filter(|structure| structure.kind() == "struct_type");
        let list = structure.and_then(At::first);
        let fields =
            list.map(|list| of.first_of(MAX_FIELDS, "fields of one type", list.children()).collect());
        fields.unwrap_or_default()
    }

    /// The methods of this name of a type that the program declares.
    pub(super) fn methods(&self, of: At<'p, 'a>, name: &str) -> Vec<At<'p, 'a>> {
        let own = of.field("name").map_or("", At::text);
        let of_type = |method: &At<'p, 'a>| {
            let receiver = method.field("receiver").and_then(At::first);
            receiver.and_then(|it| it.field("type")).is_some_and(|it| it.last_name() == own)
        };
        let found = self.package(of, name).into_iter().flat_map(|go| {
            let all = go.names.functions.get(name).map_or(&[][..], Vec::as_slice);
            all.iter().map(move |id| At { go, id: *id })
        });
        of.first_of(MAX_CALLS, "methods of one name", found).filter(of_type).collect()
    }

    /// The type that is written at a node.
    pub(super) fn kind_of_type(&self, at: At<'p, 'a>) -> Option<Kind<'p, 'a>> {
        self.deeper(at, || match at.kind() {
            "pointer_type" | "parenthesized_type" => self.kind_of_type(at.first()?),
            "generic_type" => self.kind_of_type(at.field("type")?),
            "qualified_type" => {
                let name = at.field("name")?.text();
                let path = self.import(at.field("package")?)?;
                let own = self.files.imported(at.source(), path, name);
                let declared = own.iter().find_map(|go| Some(At { go, id: *go.names.types.get(name)? }));
                Some(match declared {
                    Some(declared) => self.declared(declared),
                    None => Kind::Library(format!("{}.{name}", without_version(path))),
                })
            }
            "type_identifier" | "identifier" => {
                let name = at.text();
                let found = self.package(at, name).into_iter();
                let declared = found.filter_map(|go| Some(At { go, id: *go.names.types.get(name)? })).next();
                declared.map(|declared| self.declared(declared))
            }
            _ => None,
        })?
    }

    /// `type Server = http.Server` is another name for it.
    fn declared(&self, spec: At<'p, 'a>) -> Kind<'p, 'a> {
        let of = spec.field("type").filter(|_| spec.kind() == "type_alias");
        of.and_then(|of| self.kind_of_type(of)).unwrap_or(Kind::Own(spec))
    }

    /// The type of an expression.
    pub fn kind(&self, at: At<'p, 'a>) -> Option<Kind<'p, 'a>> {
        self.once(Question::Type, at, || match at.kind() {
            "composite_literal" => self.kind_of_type(at.field("type")?),
            "parenthesized_expression" | "literal_element" => self.kind(at.first()?),
            "unary_expression" => self.kind(at.field("operand")?),
            "type_conversion_expression" | "type_assertion_expression" => {
                self.kind_of_type(at.field("type")?)
            }
            "identifier" => self.kind_of_variable(at),
            "selector_expression" => self.kind_of_member(at),
            "call_expression" => self.kind_returned(at, 0),
            _ => None,
        })?
    }

    fn kind_of_variable(&self, at: At<'p, 'a>) -> Option<Kind<'p, 'a>> {
        let variable = self.variable(at)?;
        at.first_of(MAX_VALUES, "bindings of one name", variable.bindings.iter()).find_map(|binding| {
            let node = |id| At { go: variable.go, id };
            match (binding.declared, binding.origin) {
                (Some(declared), _) => self.kind_of_type(node(declared)),
                (None, Origin::Value(value)) => self.kind(node(value)),
                (None, Origin::Part(call, index)) => {
                    let call = node(call);
                    (call.kind() == "call_expression").then(|| self.kind_returned(call, index))?
                }
                _ => None,
            }
        })
    }

    fn kind_of_member(&self, at: At<'p, 'a>) -> Option<Kind<'p, 'a>> {
        let name = at.field("field")?.text();
        if let Some(variable) = self.imported_variable(at) {
            let (declared, origin) = variable.bindings.first().map(|it| (it.declared, it.origin))?;
            return match (declared, origin) {
                (Some(declared), _) => self.kind_of_type(At { go: variable.go, id: declared }),
                (None, Origin::Value(value)) => self.kind(At { go: variable.go, id: value }),
                _ => None,
            };
        }
        let Kind::Own(of) = self.kind(at.field("operand")?)? else { return None };
        let has_name = |field: &At<'p, 'a>| {
            let mut names = field.children().filter(|part| part.code().role(part.id) == "name").peekable();
            match names.peek() {
                Some(_) => names.any(|own| own.text() == name),
                None => field.field("type").is_some_and(|own| own.last_name() == name),
            }
        };
        self.kind_of_type(self.fields(of).into_iter().find(has_name)?.field("type")?)
    }

    /// The type of one of the values that a call gives.
    fn kind_returned(&self, call: At<'p, 'a>, index: usize) -> Option<Kind<'p, 'a>> {
        let function = call.field("function")?;
        if function.text() == "new" {
            return self.kind_of_type(call.argument(0)?);
        }
        if let Some(declaration) = self.targets(call).first() {
            let result = declaration.field("result")?;
            if result.kind() != "parameter_list" {
                return self.kind_of_type(result).filter(|_| index == 0);
            }
            let names = |part: &At<'p, 'a>| {
                part.children().filter(|it| it.code().role(it.id) == "name").count().max(1)
            };
            let mut each = result.children().flat_map(|part| std::iter::repeat_n(part, names(&part)));
            return self.kind_of_type(each.nth(index)?.field("type")?);
        }
        let full = self.callee(call)?;
        let made = self.files.libraries.made_by.get(&full).filter(|_| index == 0);
        made.map(|made| Kind::Library(made.clone()))
    }
}
