//! What an expression comes to: constants, objects, classes, the environment's defaults and servers are followed as far as
//! the files tell. Nothing is run; what only a run could tell is unknown, with the reason.

use std::cell::{Cell, RefCell};

use super::MAX_EXPRESSIONS;
use super::names::{self, Binding, Name, Origin, Step};
use super::program::{File, FileId, Program, Spot};
use super::servers::Listens;
use super::value::{Server, Thing, Value, agreed, number_literal, unescaped};
use crate::model::{Problem, ProblemKind};
use crate::services::{Ground, OfFile};
use crate::syntax::calls::Id;
use crate::syntax::eval::not_told;
use crate::text::{HashSet, Span, deeper, over};

/// How many expressions lie in one another, through names and calls, before it is given up.
const MAX_DEPTH: u32 = 48;

/// How many bindings of one name, calls of one function or elements of one array are looked at.
const MAX_EACH: usize = 1_000;

const TOO_FAR: &str = "following it takes too long";

/// Whether control comes to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Branch {
    Never,
    Surely,
    Perhaps,
}

/// Evaluates expressions of one file at a time. It ends: every expression costs fuel.
pub(super) struct Evaluation<'p, 'a> {
    pub program: &'p Program<'a>,
    /// What starts the program of the file at hand.
    pub startup: OfFile<'p, 'a>,
    pub fuel: Cell<u32>,
    depth: Cell<u32>,
    too_deep: Cell<bool>,
    /// The expressions that lie around the one that is worked out.
    around: RefCell<Vec<(FileId, Id)>>,
    /// The call that listens: what is assigned behind it comes too late.
    pub listening: Cell<Option<(FileId, Id)>>,
    /// What is being worked out: a name that is assigned from itself is not asked again.
    busy: RefCell<Vec<(FileId, Id)>>,
}

impl<'p, 'a> Evaluation<'p, 'a> {
    pub(super) fn new(program: &'p Program<'a>, startup: OfFile<'p, 'a>, fuel: u32) -> Self {
        let (depth, too_deep, fuel) = (Cell::default(), Cell::default(), Cell::new(fuel));
        let (around, busy, listening) = (RefCell::default(), RefCell::default(), Cell::default());
        Self { program, startup, fuel, depth, too_deep, around, listening, busy }
    }

    /// The first of what there may be much of, which costs as well; that there is more is told at a node.
    pub(super) fn first<T>(&self, at: &Spot, mut all: impl Iterator<Item = T>) -> Vec<T> {
        let first: Vec<T> = all.by_ref().take(MAX_EACH).collect();
        self.spend(first.len());
        if all.next().is_some() {
            self.cut_off(at, over("values, calls and elements of each name", MAX_EACH));
        }
        first
    }

    pub(super) fn spend(&self, length: usize) {
        let cost = u32::try_from(length / 16).unwrap_or(u32::MAX);
        self.fuel.set(self.fuel.get().saturating_sub(cost));
    }

    pub(super) fn cut_off(&self, at: &Spot, what: String) {
        if let Some(at) = self.program.span(at) {
            self.program.ground.sources.not_followed(at, what);
        }
    }

    /// What was not worked out. Where the file takes in nothing that makes servers, little is lost with it.
    pub(super) fn tell_effort(&self, file: Span) -> Option<Problem> {
        let Ground { sources, .. } = self.program.ground;
        let what = match (self.fuel.get() == 0, self.too_deep.get()) {
            (true, _) => over("expressions that lead to listeners", MAX_EXPRESSIONS),
            (_, true) => deeper("nested expressions", MAX_DEPTH),
            (false, false) => return None,
        };
        if self.program.servers.may_be_made_in(sources.bytes(file.source)) {
            sources.not_followed(file, what);
            return None;
        }
        let message = format!("{what}, so servers in it may be missing");
        Some(self.program.ground.problem(ProblemKind::Skipped, message, file))
    }

    pub(super) fn value(&self, at: &Spot) -> Value {
        self.around.borrow_mut().push((at.file, at.node));
        let value = self.deeper(|| self.expression(at));
        self.around.borrow_mut().pop();
        value.unwrap_or_else(|| Value::unknown(TOO_FAR))
    }

    /// Goes one step further in, unless that is too far.
    pub(super) fn deeper<T>(&self, further: impl FnOnce() -> T) -> Option<T> {
        let (fuel, depth) = (self.fuel.get(), self.depth.get());
        if fuel == 0 || depth == MAX_DEPTH {
            self.too_deep.set(self.too_deep.get() || depth == MAX_DEPTH && !self.goes_round());
            return None;
        }
        self.fuel.set(fuel - 1);
        self.depth.set(depth + 1);
        let result = further();
        self.depth.set(depth);
        Some(result)
    }

    /// What is made of itself is known no better further in.
    fn goes_round(&self) -> bool {
        let mut seen = HashSet::default();
        self.around.borrow().iter().any(|place| !seen.insert(*place))
    }

    fn expression(&self, at: &Spot) -> Value {
        match self.program.kind(at) {
            "number" => self.number(at),
            "string" => self.string(at),
            "template_string" => self.template(at),
            "true" => Value::literal(Thing::Truth(true), at),
            "false" => Value::literal(Thing::Truth(false), at),
            "null" => Thing::Null.into(),
            "undefined" => Thing::Undefined.into(),
            "object" | "enum_declaration" => Thing::Object(at.clone()).into(),
            "array" => Thing::Array(at.clone()).into(),
            "identifier" | "shorthand_property_identifier" => self.name(at),
            "this" => self.this(at),
            "super" => self.superclass(at),
            "member_expression" => self.member_expression(at),
            "subscript_expression" => self.subscript(at),
            "call_expression" => self.call(at),
            "new_expression" => self.new_instance(at),
            "binary_expression" | "augmented_assignment_expression" => self.binary(at),
            "unary_expression" => self.unary(at),
            "ternary_expression" => self.ternary(at),
            "assignment_expression" => self.part(at, "right"),
            "parenthesized_expression"
            | "await_expression"
            | "as_expression"
            | "satisfies_expression"
            | "non_null_expression"
            | "instantiation_expression" => self.of_child(at, self.program.children(at).first()),
            "sequence_expression" | "type_assertion" => self.of_child(at, self.program.children(at).last()),
            kind if names::is_function(kind) => Thing::Function(at.clone()).into(),
            kind if names::is_class(kind) => Thing::Class(at.clone()).into(),
            _ => self.unknown(at),
        }
    }

    pub(super) fn of_child(&self, at: &Spot, child: Option<&Spot>) -> Value {
        child.map_or_else(|| self.unknown(at), |child| self.value(child))
    }

    /// The value of the child that plays a part.
    pub(super) fn part(&self, at: &Spot, role: &str) -> Value {
        self.of_child(at, self.program.field(at, role).as_ref())
    }

    /// Unknown, because this expression is decided elsewhere.
    pub(super) fn unknown(&self, at: &Spot) -> Value {
        Value::unknown(not_told(self.program.text(at)))
    }

    pub(super) fn file(&self, at: &Spot) -> Option<&'p File<'a>> {
        self.program.file(at.file)
    }

    fn number(&self, at: &Spot) -> Value {
        match number_literal(self.program.text(at)) {
            Some(number) => Value::literal(Thing::Number(number), at),
            None => self.unknown(at),
        }
    }

    fn string(&self, at: &Spot) -> Value {
        let text = self.program.text(at);
        let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
        Value::literal(Thing::Text(unescaped(inner)), at)
    }

    fn template(&self, at: &Spot) -> Value {
        let mut whole = Value::literal(Thing::Undefined, at);
        let mut text = String::new();
        for piece in self.program.children(at) {
            if self.program.kind(&piece) != "template_substitution" {
                text.push_str(&unescaped(self.program.text(&piece)));
                continue;
            }
            let inner = self.of_child(&piece, self.program.children(&piece).first());
            let Some(string) = inner.string() else { return self.not_plain(inner, &piece) };
            text.push_str(&string);
            whole = whole.and_unless(&inner.unless);
        }
        whole.becomes(Thing::Text(text))
    }

    /// Unknown for the reason that a part of it is, or because the part is no plain value.
    pub(super) fn not_plain(&self, part: Value, at: &Spot) -> Value {
        if part.is_known() { self.unknown(at) } else { part }
    }

    fn name(&self, at: &Spot) -> Value {
        let name = self.program.text(at);
        let Some(file) = self.file(at) else { return self.unknown(at) };
        let Some((scope, bindings)) = file.names.scopes.find(&file.code, name, at.node) else {
            return self.global(at, name);
        };
        let bindings = self.first(at, bindings.iter());
        let (surely, assigned) = self.assigned(at, file, name, scope);
        let declared = bindings.iter().filter(|_| !surely);
        let mut values: Vec<Value> = declared.filter_map(|binding| self.bound(at, binding)).collect();
        values.extend(assigned);
        let value = agreed(values, name).unwrap_or_else(|| self.unknown(at));
        let typed = bindings.iter().filter_map(|binding| binding.annotation);
        self.or_as_typed(at, value, typed)
    }

    /// A variable of a server's type holds a server, whoever puts it there.
    pub(super) fn or_as_typed(&self, at: &Spot, value: Value, types: impl Iterator<Item = Id>) -> Value {
        if value.is_known() && !value.is_nothing() {
            return value;
        }
        let mut types = types.filter_map(|annotation| self.of_type(&at.to(annotation)));
        types.next().unwrap_or(value)
    }

    pub(super) fn bound(&self, at: &Spot, binding: &Binding<'_>) -> Option<Value> {
        let whole = match binding.origin {
            Origin::Expression(node) => self.once(&at.to(node))?,
            Origin::Parameter { of, index } => self.parameter(at, of, index),
            Origin::Element(of) => self.given(at, of, 0).unwrap_or_else(|| self.unknown(at)),
            Origin::Import { from, name } => self.import(at, from, name),
            Origin::Nothing => Thing::Undefined.into(),
            Origin::Rest | Origin::Opaque => self.unknown(at),
        };
        Some(binding.path.iter().fold(whole, |value, step| match step {
            Step::Key(name) => self.member(&value, name, at),
            Step::Index(index) => self.element(&value, *index, at),
            Step::Default(node) if matches!(value.thing, Thing::Undefined) => {
                self.value(&at.to(*node)).and_unless(&value.unless)
            }
            Step::Default(_) => value,
        }))
    }

    /// The value of an expression that is not being worked out already.
    pub(super) fn once(&self, at: &Spot) -> Option<Value> {
        let place = (at.file, at.node);
        if self.busy.borrow().contains(&place) {
            return None;
        }
        self.busy.borrow_mut().push(place);
        let value = self.value(at);
        self.busy.borrow_mut().pop();
        Some(value)
    }

    /// What is assigned to a name after its declaration, and whether it surely is.
    fn assigned(&self, at: &Spot, file: &File<'a>, name: &str, scope: Id) -> (bool, Vec<Value>) {
        let assignments = file.names.assigned.get(name).map_or(&[][..], Vec::as_slice);
        let here = |node: Id| {
            file.names.scopes.find(&file.code, name, node).is_some_and(|(found, _)| found == scope)
        };
        let mut surely = false;
        let mut values = Vec::new();
        for (node, value) in self.first(at, assignments.iter().filter(|(node, _)| here(*node))) {
            match self.branch(at, *node, scope) {
                Branch::Never => continue,
                Branch::Surely => {
                    surely = true;
                    values.clear();
                }
                Branch::Perhaps => {}
            }
            values.extend(match value {
                Some(value) => self.once(&at.to(*value)),
                None => Some(self.unknown(at)),
            });
        }
        (surely, values)
    }

    /// Whether control comes to a node, as far as what the program is started with decides it.
    fn branch(&self, at: &Spot, node: Id, scope: Id) -> Branch {
        let Some(code) = self.file(at).map(|file| &file.code) else { return Branch::Perhaps };
        let (mut inner, mut branch) = (node, Branch::Perhaps);
        for outer in code.ancestors(node).take_while(|outer| *outer != scope) {
            let needed = match (code.kind(outer), code.role(inner)) {
                ("if_statement", "consequence") => Some(true),
                ("if_statement", "alternative") => Some(false),
                (
                    "catch_clause" | "switch_case" | "switch_default" | "while_statement" | "for_statement"
                    | "for_in_statement",
                    _,
                )
                | ("ternary_expression", "consequence" | "alternative")
                | ("binary_expression", "right") => return Branch::Perhaps,
                (kind, _) if names::is_function(kind) => return Branch::Perhaps,
                _ => None,
            };
            inner = outer;
            let condition = needed.and_then(|_| code.field(outer, "condition"));
            let Some((needed, condition)) = needed.zip(condition) else { continue };
            // What a condition looks at was not assigned behind it.
            if code.contains(condition, at.node) {
                return Branch::Never;
            }
            match self.once(&at.to(condition)).and_then(|value| value.sure_truth()) {
                Some(truth) if truth == needed => branch = Branch::Surely,
                Some(_) => return Branch::Never,
                None => return Branch::Perhaps,
            }
        }
        branch
    }

    fn global(&self, at: &Spot, name: &str) -> Value {
        match name {
            "NaN" => Thing::Number(f64::NAN).into(),
            "Infinity" => Thing::Number(f64::INFINITY).into(),
            "process" => Thing::Module("process".into()).into(),
            "exports" => Thing::File(at.file).into(),
            "console" => Thing::Foreign.into(),
            _ => self.unknown(at),
        }
    }

    fn import(&self, at: &Spot, from: &str, name: Name<'_>) -> Value {
        if !from.starts_with('.') {
            let module = Thing::Module(from.strip_prefix("node:").unwrap_or(from).to_owned()).into();
            return match name {
                Name::All | Name::Default => module,
                Name::Named(name) => self.member(&module, name, at),
            };
        }
        let Some(file) = self.program.imported(at.file, from) else {
            return Value::unknown(format!("`{from}` is not in the tree"));
        };
        match name {
            Name::All => Thing::File(file).into(),
            Name::Default => self.exported(file, "default"),
            Name::Named(name) => self.exported(file, name),
        }
    }

    /// `require(...)` or `import(...)` of a module by its name.
    pub(super) fn module(&self, at: &Spot, from: &str) -> Value {
        if !from.starts_with('.') {
            return self.import(at, from, Name::All);
        }
        match self.program.imported(at.file, from) {
            Some(file) => self.required(file),
            None => Value::unknown(format!("`{from}` is not in the tree")),
        }
    }

    /// What `require` gives: `module.exports`, if it is assigned as a whole.
    fn required(&self, file: FileId) -> Value {
        let Some(root) = self.program.root(file) else { return Thing::File(file).into() };
        if self.program.is_data(file) {
            return self.of_child(&root, self.program.data(file).as_ref());
        }
        let assigned = self.file(&root).and_then(|file| file.names.members.get("exports"));
        let whole = assigned
            .into_iter()
            .flatten()
            .rev()
            .find(|(object, _)| self.program.text(&root.to(*object)) == "module");
        let whole = whole.and_then(|(_, value)| self.once(&root.to(*value)));
        whole.unwrap_or_else(|| Thing::File(file).into())
    }

    /// What a file exports under a name, as either kind of module.
    pub(super) fn exported(&self, file: FileId, name: &str) -> Value {
        let value = self.deeper(|| self.exported_as_is(file, name));
        value.unwrap_or_else(|| Value::unknown(TOO_FAR))
    }

    fn exported_as_is(&self, file: FileId, name: &str) -> Value {
        let Some(root) = self.program.root(file) else { return Value::unknown("it is not in the tree") };
        if let Some(value) = self.exported_by_statement(&root, name) {
            return value;
        }
        let assigned = self.file(&root).and_then(|file| file.names.members.get(name));
        let own =
            assigned.into_iter().flatten().rev().find(|(object, _)| {
                matches!(self.program.text(&root.to(*object)), "exports" | "module.exports")
            });
        if let Some((_, value)) = own {
            return self.value(&root.to(*value));
        }
        match self.required(file) {
            Value { thing: Thing::File(_), .. } => {
                Value::unknown(format!("{} does not export `{name}`", self.program.path(file)))
            }
            whole if name == "default" => whole,
            whole => self.member(&whole, name, &root),
        }
    }

    fn exported_by_statement(&self, root: &Spot, name: &str) -> Option<Value> {
        let file = self.file(root)?;
        for statement in file.names.exports.iter().map(|node| root.to(*node)) {
            let source = self.program.field(&statement, "source");
            let clause = self
                .program
                .children(&statement)
                .into_iter()
                .find(|child| self.program.kind(child) == "export_clause");
            let found = match (clause, source) {
                (Some(clause), source) => self.exported_by_clause(&clause, source.as_ref(), name),
                (None, Some(source)) => self.exported_from(&source, name),
                (None, None) if self.program.text(&statement).starts_with("export default") => {
                    let whole = self.program.field(&statement, "value");
                    let whole = whole.or_else(|| self.program.field(&statement, "declaration"));
                    (name == "default").then(|| self.of_child(&statement, whole.as_ref()))
                }
                (None, None) => self.exported_declaration(&statement, name),
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// `export { a as b }`, also `from` another file.
    fn exported_by_clause(&self, clause: &Spot, source: Option<&Spot>, name: &str) -> Option<Value> {
        let code = &self.file(clause)?.code;
        let specifier = self.program.children(clause).into_iter().find(|specifier| {
            let alias = code.field(specifier.node, "alias").or_else(|| code.field(specifier.node, "name"));
            alias.and_then(|alias| names::key(code, alias)) == Some(name)
        })?;
        let own = self.program.field(&specifier, "name")?;
        let Some(source) = source else { return Some(self.value(&own)) };
        let from = names::key(code, source.node)?;
        Some(match self.program.text(&own) {
            "default" => self.import(clause, from, Name::Default),
            own => self.import(clause, from, Name::Named(own)),
        })
    }

    /// `export * from`.
    fn exported_from(&self, source: &Spot, name: &str) -> Option<Value> {
        let from = names::key(&self.file(source)?.code, source.node)?;
        let value = self.import(source, from, Name::Named(name));
        (name != "default" && value.is_known()).then_some(value)
    }

    /// `export const a = ...`, `export class A`.
    fn exported_declaration(&self, statement: &Spot, name: &str) -> Option<Value> {
        let declaration = self.program.field(statement, "declaration")?;
        let code = &self.file(statement)?.code;
        let outermost = |node: Id| {
            let mut between = code.ancestors(node).take_while(|outer| *outer != declaration.node);
            !between.any(|outer| names::is_function(code.kind(outer)) || code.kind(outer) == "class_body")
        };
        let own = code.all_in(declaration.node).find(|node| {
            let is_name = matches!(
                code.kind(*node),
                "identifier" | "type_identifier" | "shorthand_property_identifier_pattern"
            );
            is_name && code.role(*node) != "value" && code.text(*node) == name && outermost(*node)
        })?;
        Some(self.name(&statement.to(own)))
    }

    /// A server that a type annotation promises.
    fn of_type(&self, at: &Spot) -> Option<Value> {
        let (file, servers) = (self.file(at)?, self.program.servers);
        let named = |local: &str, inside: Option<&str>| {
            let (_, bindings) = file.names.scopes.find(&file.code, local, at.node)?;
            let Origin::Import { from, name } = bindings.first()?.origin else { return None };
            let module = from.strip_prefix("node:").unwrap_or(from);
            match (name, inside) {
                (Name::Named(name), None) => servers.of_type(module, name),
                (Name::Default, None) => servers.of_type(module, "default"),
                (_, Some(name)) => servers.of_type(module, name),
                (Name::All, None) => None,
            }
        };
        let code = &file.code;
        let mut nodes = code.first(MAX_EACH, "parts of one type", at.node, code.all_in(at.node));
        let listens: Listens = nodes.find_map(|node| match code.kind(node) {
            "nested_type_identifier" => {
                let (module, name) = (code.field(node, "module")?, code.field(node, "name")?);
                named(code.text(module), Some(code.text(name)))
            }
            "type_identifier"
                if code.role(node) != "name" || code.kind(code.parent(node)?) == "generic_type" =>
            {
                named(code.text(node), None)
            }
            _ => None,
        })?;
        Some(Thing::Server(Server { listens, made: at.clone() }).into())
    }
}
