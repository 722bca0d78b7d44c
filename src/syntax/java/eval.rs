//! What expressions come to: constants, also those of other files, variables with one value, arithmetic. What only a run could
//! tell is not known, with the reason.

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;

use super::library::{Library, Of};
use super::names::{Names, Origin, Variable, is_class_body, simple_name};
use super::{Outside, Thing, Value, integer};
use crate::syntax::calls::{Code, Id, Unparsed};
use crate::syntax::eval::{Bounds, Effort, not_told};
use crate::syntax::startup::{Answer, Startup};
use crate::text::{Slot, SourceId, Sources, Span, Tree, deeper};

/// How deep expressions, variables and methods are followed.
const MAX_DEPTH: u32 = 60;

/// Constants of other files are followed through so many of them.
const MAX_FILES: u32 = 16;

/// Uses of one name, callers of one method that are looked at.
pub(super) const MAX_VALUES: usize = 200;

pub(super) const BINDINGS: &str = "bindings of one name";
const TOO_FAR: &str = "following it takes too long";

pub struct File<'a> {
    pub path: PathBuf,
    pub code: Code<'a>,
    pub names: Names<'a>,
}

/// The evaluation of one file, with what a reader knows of libraries.
pub struct Evaluation<'p, 'a, L: Library> {
    pub sources: &'p Sources,
    pub tree: &'p Tree,
    pub library: &'p L,
    pub file: &'p File<'a>,
    pub effort: Effort,
    pub(super) startup: &'p dyn Startup,
    /// How often it was told something of use.
    pub(super) answers: Rc<Cell<u32>>,
    /// How many files away from the one that is read.
    away: u32,
}

impl<'p, 'a, L: Library> Evaluation<'p, 'a, L> {
    pub fn new(
        (sources, tree): (&'p Sources, &'p Tree),
        library: &'p L,
        file: &'p File<'a>,
        startup: &'p dyn Startup,
        fuel: u32,
    ) -> Self {
        let effort = Effort::new(Bounds { fuel, depth: MAX_DEPTH });
        Self { sources, tree, library, file, effort, startup, answers: Rc::default(), away: 0 }
    }

    pub fn code(&self) -> &'p Code<'a> {
        &self.file.code
    }

    pub fn span(&self, id: Id) -> Span {
        self.code().span(id)
    }

    pub fn text(&self, id: Id) -> &'a str {
        self.code().text(id)
    }

    pub fn kind(&self, id: Id) -> &'p str {
        self.code().kind(id)
    }

    pub fn field(&self, id: Id, role: &str) -> Option<Id> {
        self.code().field(id, role)
    }

    /// The arguments of a call or of `new`.
    pub fn arguments(&self, call: Id) -> Vec<Id> {
        self.field(call, "arguments").map(|list| self.code().children(list).collect()).unwrap_or_default()
    }

    /// The method that is called.
    pub fn method(&self, call: Id) -> &'a str {
        match self.kind(call) {
            "method_invocation" => self.field(call, "name").map_or("", |name| self.text(name)),
            _ => "",
        }
    }

    /// As many of all as are looked at; where there are more, that is told.
    pub(super) fn first<T>(
        &self,
        what: &'static str,
        at: Id,
        all: impl Iterator<Item = T>,
    ) -> impl Iterator<Item = T> {
        self.code().first(MAX_VALUES, what, at, all)
    }

    /// Looking through a long list costs as well.
    fn spend(&self, length: usize) {
        self.effort.spend(u32::try_from(length / 16).unwrap_or(u32::MAX));
    }

    pub fn unknown(&self, at: Id) -> Of<L> {
        Value::unknown(not_told(self.text(at)), self.span(at))
    }

    pub fn value(&self, at: Id) -> Of<L> {
        let before = self.answers.get();
        let value = self.effort.deeper(self.code(), at, || self.value_of(at));
        let value = value.unwrap_or_else(|| Value::unknown(TOO_FAR, self.span(at)));
        Value { started: value.started || self.answers.get() > before, ..value }
    }

    fn value_of(&self, at: Id) -> Of<L> {
        match self.kind(at) {
            "decimal_integer_literal"
            | "hex_integer_literal"
            | "octal_integer_literal"
            | "binary_integer_literal" => self.literal(at),
            "string_literal" => self.string(at),
            "null_literal" => Value::new(Thing::Null, self.span(at)),
            "identifier" | "field_access" => self.named(at),
            "parenthesized_expression" => self.of(at, self.code().children(at).next()),
            "cast_expression" => self.of(at, self.field(at, "value")),
            "unary_expression" => self.unary(at),
            "binary_expression" => self.binary(at),
            "ternary_expression" => self.ternary(at),
            "assignment_expression" => self.of(at, self.field(at, "right")),
            "array_access" => self.element(at),
            "method_invocation" => self.called(at),
            "object_creation_expression" => self.created(at),
            _ => self.unknown(at),
        }
    }

    fn of(&self, at: Id, child: Option<Id>) -> Of<L> {
        child.map_or_else(|| self.unknown(at), |child| self.value(child))
    }

    fn literal(&self, at: Id) -> Of<L> {
        let text = self.text(at);
        let Some(number) = number_literal(text) else { return self.unknown(at) };
        let is_it = text.parse() == Ok(number) && self.is_for_one_thing(at);
        let slot = is_it.then(|| Slot::replace(self.span(at)));
        Value { slot, ..Value::new(Thing::Number(number), self.span(at)) }
    }

    fn string(&self, at: Id) -> Of<L> {
        let mut text = String::new();
        for piece in self.code().children(at) {
            match self.kind(piece) {
                "string_fragment" => text.push_str(self.text(piece)),
                _ => return self.unknown(at),
            }
        }
        // The number of `Integer.parseInt("512")`.
        let span = self.span(at);
        let inner = Span { start: span.start + 1, end: span.end.saturating_sub(1), ..span };
        let digits = text.parse::<i64>().is_ok_and(|number| number.to_string() == text);
        let slot = (digits && self.is_for_one_thing(at)).then(|| Slot::replace(inner));
        let at = if digits { inner } else { span };
        Value { slot, ..Value::new(Thing::Text(text), at) }
    }

    fn unary(&self, at: Id) -> Of<L> {
        let operand = self.of(at, self.field(at, "operand"));
        let operator = self.field(at, "operator").map_or("", |operator| self.text(operator));
        let Some(number) = operand.number() else { return self.or_unknown(operand, at) };
        match operator {
            "-" => self.made(at, number.checked_neg()),
            "+" => self.made(at, Some(number)),
            "~" => self.made(at, Some(!number)),
            _ => self.unknown(at),
        }
    }

    /// The reason why a part is not known is the reason of the whole.
    fn or_unknown(&self, part: Of<L>, at: Id) -> Of<L> {
        if part.why_unknown().is_some() { Value { slot: None, ..part } } else { self.unknown(at) }
    }

    /// A number that no literal is.
    fn made(&self, at: Id, number: Option<i64>) -> Of<L> {
        let number = number.and_then(|number| i32::try_from(number).ok());
        number.map_or_else(
            || self.unknown(at),
            |number| Value::new(Thing::Number(number.into()), self.span(at)),
        )
    }

    fn binary(&self, at: Id) -> Of<L> {
        let left = self.of(at, self.field(at, "left"));
        let right = self.of(at, self.field(at, "right"));
        let operator = self.field(at, "operator").map_or("", |operator| self.text(operator));
        let unless = [left.unless.as_slice(), right.unless.as_slice()].concat();
        if let (Some(a), Some(b)) = (left.number(), right.number()) {
            return self.made(at, arithmetic(operator, a, b)).and_unless(&unless);
        }
        let part = |value: &Of<L>| match &value.thing {
            Thing::Text(text) => Some(text.clone()),
            Thing::Number(number) => Some(number.to_string()),
            _ => None,
        };
        match (part(&left), part(&right)) {
            (Some(a), Some(b)) if operator == "+" => {
                Value::new(Thing::Text(a + &b), self.span(at)).and_unless(&unless)
            }
            _ if left.why_unknown().is_some() => self.or_unknown(left, at),
            _ => self.or_unknown(right, at),
        }
    }

    fn ternary(&self, at: Id) -> Of<L> {
        let branches = ["consequence", "alternative"].map(|role| self.of(at, self.field(at, role)));
        let name = self.field(at, "condition").map_or("", |condition| self.text(condition));
        Value::agreed(branches.into(), name).unwrap_or_else(|| self.unknown(at))
    }

    /// `args[0]` of the main method.
    fn element(&self, at: Id) -> Of<L> {
        let array = self.field(at, "array").filter(|array| self.kind(*array) == "identifier");
        let is_argument = array.and_then(|array| self.variable(array)).is_some_and(|(_, variables)| {
            variables.iter().any(|variable| match variable.origin {
                Origin::Parameter(of, _) => {
                    self.field(of, "name").is_some_and(|name| self.text(name) == "main")
                }
                _ => false,
            })
        });
        match is_argument {
            true => {
                let index = self.field(at, "index").and_then(|index| self.value(index).number());
                let index = index.and_then(|index| usize::try_from(index).ok());
                let answer = index.map_or(Answer::Unsaid, |index| self.startup.argument(index));
                self.answered(answer, Outside::Argument, at)
            }
            false => self.unknown(at),
        }
    }

    /// The variable that a name means, and the node in which it holds.
    pub fn variable(&self, at: Id) -> Option<(Id, &'p [Variable])> {
        let code = self.code();
        let names = &self.file.names;
        if self.kind(at) == "field_access" {
            return self.variable(self.field(at, "field")?);
        }
        let outer = code.parent(at)?;
        let name = self.text(at);
        if self.kind(outer) == "field_access" && code.role(at) == "field" {
            let object = self.field(outer, "object")?;
            let body = match self.kind(object) {
                "this" => code.ancestors(at).find(|node| is_class_body(code.kind(*node)))?,
                "identifier" => *names.classes.get(self.text(object))?,
                _ => return None,
            };
            return names.scopes.find(code, name, body);
        }
        let is_other =
            matches!(self.kind(outer), "method_invocation" | "method_declaration") && code.role(at) == "name";
        names.scopes.find(code, name, at).filter(|_| !is_other)
    }

    fn named(&self, at: Id) -> Of<L> {
        if let Some((scope, variables)) = self.variable(at) {
            return self.of_variable(at, scope, variables);
        }
        let (object, name) = match self.kind(at) {
            "field_access" => (self.field(at, "object"), self.field(at, "field")),
            // A constant that is imported by its own name.
            _ => return self.imported_constant(at).unwrap_or_else(|| self.unknown(at)),
        };
        let (Some(object), Some(name)) = (object, name) else { return self.unknown(at) };
        let full = self.full_name(self.text(object));
        self.constant_of(&full, self.text(name)).unwrap_or_else(|| self.unknown(at))
    }

    fn imported_constant(&self, at: Id) -> Option<Of<L>> {
        let full = self.file.names.imports.get(self.text(at))?;
        let (class, name) = full.rsplit_once('.')?;
        self.constant_of(class, name)
    }

    /// The full name of a class as this file writes it: imported, else of its own package.
    fn full_name(&self, name: &str) -> String {
        let names = &self.file.names;
        match names.imports.get(name) {
            Some(full) => (*full).to_owned(),
            None if name.contains('.') || names.package.is_empty() => name.to_owned(),
            None => format!("{}.{name}", names.package),
        }
    }

    /// A constant of a class in another file of the same source folder.
    fn constant_of(&self, class: &str, name: &str) -> Option<Of<L>> {
        let names = &self.file.names;
        if class.contains(['(', ' ', '[']) || self.effort.is_exhausted() {
            return None;
        }
        let folder = self.file.path.parent()?;
        let packages = names.package.split('.').filter(|part| !part.is_empty()).count();
        let base = folder.ancestors().nth(packages)?;
        let path = base.join(format!("{}.java", class.replace('.', "/")));
        let real = self.tree.resolve(&path).ok().filter(|real| !self.tree.is_folder(real))?;
        if self.away >= MAX_FILES {
            self.code().cut_off(self.code().root(), deeper("constants of other files", MAX_FILES));
            return None;
        }
        let source = self.tree.read(self.sources, &real).ok()?;
        self.effort.spend(100);
        let file = File::parse(real, self.sources, source).ok()?;
        let there = Evaluation {
            sources: self.sources,
            tree: self.tree,
            library: self.library,
            file: &file,
            effort: self.effort.elsewhere(),
            startup: self.startup,
            answers: self.answers.clone(),
            away: self.away + 1,
        };
        let body = *file.names.classes.get(class.rsplit('.').next()?)?;
        let (scope, variables) = file.names.scopes.find(&file.code, name, body)?;
        let at = there.code().children(body).next()?;
        let value = there.of_variable_named(at, name, scope, variables);
        value.why_unknown().is_none().then_some(value)
    }

    fn of_variable(&self, at: Id, scope: Id, variables: &[Variable]) -> Of<L> {
        let name = simple_name(self.code(), at);
        self.of_variable_named(at, name, scope, variables)
    }

    fn of_variable_named(&self, at: Id, name: &str, scope: Id, variables: &[Variable]) -> Of<L> {
        let mut values = Vec::new();
        for variable in self.first(BINDINGS, at, variables.iter()) {
            match variable.origin {
                Origin::Value(node) => values.extend(self.once(node)),
                Origin::Parameter(of, index) => values.push(self.parameter(at, of, index)),
                Origin::Opaque => values.push(self.unknown(at)),
                Origin::Nothing => {}
            }
        }
        for assigned in self.uses(name, scope).into_iter().filter_map(|node| self.assignment(node)) {
            match assigned {
                Some(value) => values.extend(self.once(value)),
                None => values.push(self.unknown(at)),
            }
        }
        let unset = || Value::unknown(format!("nothing in this file sets `{name}`"), self.span(at));
        Value::agreed(values, name).unwrap_or_else(unset)
    }

    /// The value of an expression that is not being worked out already.
    fn once(&self, at: Id) -> Option<Of<L>> {
        self.effort.once(at, || self.value(at))
    }

    /// Where a variable stands, besides its declaration.
    pub fn uses(&self, name: &str, scope: Id) -> Vec<Id> {
        let code = self.code();
        let all = self.file.names.uses.get(name).map_or(&[][..], Vec::as_slice);
        self.spend(all.len());
        let is_use = |node: &Id| {
            let declares = code.role(*node) == "name"
                && code.parent(*node).is_some_and(|outer| {
                    matches!(
                        code.kind(outer),
                        "variable_declarator" | "resource" | "formal_parameter" | "enhanced_for_statement"
                    )
                });
            !declares && self.variable(*node).is_some_and(|(found, _)| found == scope)
        };
        let all = all.iter().copied().filter(|node| code.contains(scope, *node)).filter(is_use);
        self.first("uses of one name", scope, all).collect()
    }

    /// The name as a whole: `this.name` of `name`.
    pub fn whole(&self, node: Id) -> Id {
        let outer = self.code().parent(node);
        let qualified = |outer: &Id| self.kind(*outer) == "field_access" && self.code().role(node) == "field";
        outer.filter(qualified).unwrap_or(node)
    }

    /// What is assigned at a use of a name: `None` if it is none, no value if it cannot be followed.
    fn assignment(&self, node: Id) -> Option<Option<Id>> {
        let node = self.whole(node);
        let outer = self.code().parent(node)?;
        match self.kind(outer) {
            "update_expression" => Some(None),
            "assignment_expression" if self.code().role(node) == "left" => {
                let plain = self.field(outer, "operator").is_some_and(|operator| self.text(operator) == "=");
                Some(self.field(outer, "right").filter(|_| plain))
            }
            _ => None,
        }
    }

    /// What a method or constructor of this file is called with, if all its calls agree.
    fn parameter(&self, at: Id, of: Id, index: usize) -> Of<L> {
        let code = self.code();
        let Some(name) = self.field(of, "name").map(|name| self.text(name)) else { return self.unknown(at) };
        let count = |list: Option<Id>| list.map_or(0, |list| code.children(list).count());
        let wanted = count(self.field(of, "parameters"));
        let calls = self.file.names.calls.get(name).map_or(&[][..], Vec::as_slice);
        self.spend(calls.len());
        let is_constructor = self.kind(of) == "constructor_declaration";
        let fits = |call: &&Id| {
            (self.kind(**call) == "object_creation_expression") == is_constructor
                && self.arguments(**call).len() == wanted
        };
        let given = self.first("calls of one method", of, calls.iter().filter(fits));
        let values: Vec<Of<L>> =
            given.filter_map(|call| self.once(*self.arguments(*call).get(index)?)).collect();
        let why = || Value::unknown(format!("`{name}` is called with it from elsewhere"), self.span(at));
        Value::alike(values, self.text(at)).unwrap_or_else(why)
    }

    /// What a method of this file returns, if all its returns agree.
    pub fn returned(&self, call: Id) -> Option<Of<L>> {
        let code = self.code();
        let own = self.field(call, "object").is_none_or(|object| {
            self.kind(object) == "this" || self.file.names.classes.contains_key(self.text(object))
        });
        let methods = self.file.names.methods.get(self.method(call)).filter(|_| own)?;
        let [method] = methods.as_slice() else { return None };
        let returns = code.all_in(*method).filter(|node| {
            let owner = code
                .ancestors(*node)
                .find(|outer| matches!(code.kind(*outer), "method_declaration" | "lambda_expression"));
            code.kind(*node) == "return_statement" && owner == Some(*method)
        });
        let returns = self.first("returns of one method", *method, returns);
        let values = returns.filter_map(|node| self.once(code.children(node).next()?)).collect();
        Value::agreed(values, self.method(call))
    }

    /// A number is there for the queue alone if its name says so, or if the name is used once.
    fn is_for_one_thing(&self, literal: Id) -> bool {
        let code = self.code();
        let mut inner = literal;
        for outer in code.ancestors(literal) {
            match code.kind(outer) {
                "argument_list" | "return_statement" => return true,
                "variable_declarator" | "assignment_expression" => {
                    let name = self.field(outer, "name").or_else(|| self.field(outer, "left"));
                    return name.is_some_and(|name| self.is_named_for_it(name));
                }
                "parenthesized_expression" | "cast_expression" => {}
                "ternary_expression" if code.role(inner) != "condition" => {}
                _ => return false,
            }
            inner = outer;
        }
        false
    }

    fn is_named_for_it(&self, name: Id) -> bool {
        let name = simple_name(self.code(), name);
        let spoken = name.to_ascii_lowercase();
        let uses = self.file.names.uses.get(name).map_or(0, Vec::len);
        spoken.contains("backlog") || spoken.contains("queue") || uses <= 2
    }
}

impl<'a> File<'a> {
    pub fn parse(path: PathBuf, sources: &'a Sources, source: SourceId) -> Result<Self, Unparsed> {
        let code = Code::parse(sources, source, &tree_sitter_java::LANGUAGE.into())?;
        let names = Names::gather(&code);
        Ok(Self { path, code, names })
    }
}

fn arithmetic(operator: &str, a: i64, b: i64) -> Option<i64> {
    let shift = |b: i64| u32::try_from(b & 31).ok();
    match operator {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        "/" => a.checked_div(b),
        "%" => a.checked_rem(b),
        "&" => Some(a & b),
        "|" => Some(a | b),
        "^" => Some(a ^ b),
        "<<" => a.checked_shl(shift(b)?),
        ">>" => a.checked_shr(shift(b)?),
        _ => None,
    }
}

/// `8_080`, `0x1F90`, `017620`, `0b1`, `100L`.
fn number_literal(text: &str) -> Option<i64> {
    let plain: String = text.chars().filter(|c| *c != '_').collect::<String>().to_ascii_lowercase();
    let plain = plain.strip_suffix('l').unwrap_or(&plain);
    let number = match plain.get(..2) {
        Some("0x") => i64::from_str_radix(plain.get(2..)?, 16).ok()?,
        Some("0b") => i64::from_str_radix(plain.get(2..)?, 2).ok()?,
        _ if plain.len() > 1 && plain.starts_with('0') => i64::from_str_radix(plain, 8).ok()?,
        _ => plain.parse().ok()?,
    };
    // 0xFFFFFFFF is -1.
    let is_decimal = !plain.starts_with('0') || plain == "0";
    match i32::try_from(number) {
        Ok(number) => Some(number.into()),
        Err(_) if is_decimal => (number <= 1 << 31).then_some(number),
        Err(_) => u32::try_from(number).ok().map(|bits| i64::from(bits.cast_signed())),
    }
}

/// What Integer.parseInt makes of a text.
pub(super) fn parsed<O: Clone + PartialEq>(value: Value<O>) -> Option<Value<O>> {
    match &value.thing {
        Thing::Text(text) => integer(text).map(|number| value.clone().becomes(Thing::Number(number))),
        Thing::Number(_) | Thing::Outside(_) | Thing::Unknown(_) => Some(value),
        _ => None,
    }
}
