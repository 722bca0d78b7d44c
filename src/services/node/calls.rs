//! What calls and operators give: makers of servers, the program's own functions, JavaScript's conversions.

use std::rc::Rc;

use super::eval::Evaluation;
use super::names::{is_function, last_name};
use super::program::{Frame, Spot};
use super::value::{Server, Thing, Value, agreed, leading_integer};
use crate::syntax::calls::Id;
use crate::text::over;

/// Calls of one name that are looked through for those of one function.
const MAX_NAMED: usize = 1_000;

/// JavaScript's own functions that are known here.
#[rustfmt::skip]
const OF_THE_LANGUAGE: [&str; 14] = [
    "Number", "parseInt", "Number.parseInt", "parseFloat", "Number.parseFloat", "String", "Boolean",
    "isNaN", "Number.isNaN", "Number.isInteger", "isFinite", "Number.isFinite", "Object.freeze", "Object.seal",
];

impl Evaluation<'_, '_> {
    pub(super) fn arguments(&self, call: &Spot) -> Vec<Spot> {
        let arguments = self.program.field(call, "arguments");
        arguments.map_or_else(Vec::new, |arguments| self.program.children(&arguments))
    }

    pub(super) fn call(&self, at: &Spot) -> Value {
        let Some(callee) = self.program.field(at, "function") else { return self.unknown(at) };
        let arguments = self.arguments(at);
        let name = self.program.text(&callee);
        if matches!(name, "require" | "import") {
            let wanted = self.of_child(at, arguments.first());
            return match wanted.string() {
                Some(name) => self.module(at, &name),
                None => self.not_plain(wanted, at),
            };
        }
        if name == "Object.assign" {
            // What it gives is its first argument, under another name.
            let first = arguments.first().filter(|first| self.program.kind(first) != "object");
            let known =
                first.map(|first| self.value(first)).filter(|it| matches!(it.thing, Thing::Object(_)));
            return known.unwrap_or_else(|| Thing::Object(at.clone()).into());
        }
        if let Some(value) = self.of_the_language(name, &arguments) {
            return value;
        }
        if let Some(value) = self.method_of_server(&callee, &arguments) {
            return value;
        }
        if let Some(method) = self.listen_method(&callee, &arguments) {
            return method;
        }
        if let Some(rest) = self.rest_of_arguments(&callee, &arguments) {
            return rest;
        }
        let called = self.value(&callee);
        match &called.thing {
            Thing::Function(function) => self.returned(function, arguments, at),
            _ => {
                let server =
                    self.server_made_by(&called, at).or_else(|| self.given_back(&called, &arguments));
                server.map_or_else(|| self.unknown(at), Value::from)
            }
        }
    }

    /// `stoppable(server)` is still the server.
    fn given_back(&self, called: &Value, arguments: &[Spot]) -> Option<Thing> {
        let Thing::Module(module) = &called.thing else { return None };
        let gives_back = self.program.servers.gives_back(module);
        let server = self.as_server(&self.value(arguments.first().filter(|_| gives_back)?))?;
        Some(Thing::Server(server))
    }

    pub(super) fn new_instance(&self, at: &Spot) -> Value {
        let made = self.part(at, "constructor");
        match &made.thing {
            Thing::Class(class) => Thing::Instance(class.clone()).into(),
            Thing::Function(_) => self.unknown(at),
            _ => self.server_made_by(&made, at).unwrap_or(Thing::Foreign).into(),
        }
    }

    /// JavaScript's own functions on plain values.
    fn of_the_language(&self, name: &str, arguments: &[Spot]) -> Option<Value> {
        if !OF_THE_LANGUAGE.contains(&name) {
            return None;
        }
        let given = self.value(arguments.first()?);
        let number = || given.number().unwrap_or(f64::NAN);
        let thing = match name {
            _ if !given.is_known() || name.starts_with("Object.") => return Some(given),
            "String" => given.string().map(Thing::Text)?,
            "Boolean" => Thing::Truth(given.truth()?),
            "isNaN" | "Number.isNaN" => Thing::Truth(number().is_nan()),
            "isFinite" | "Number.isFinite" => Thing::Truth(number().is_finite()),
            "Number.isInteger" => Thing::Truth(number().fract() == 0.0),
            "parseInt" | "Number.parseInt" => {
                Thing::Number(given.string().map_or(f64::NAN, |text| leading_integer(&text)))
            }
            _ => Thing::Number(number()),
        };
        Some(given.becomes(thing))
    }

    /// `server.listen.bind(server)` and `promisify(server.listen)` are still its method.
    fn listen_method(&self, callee: &Spot, arguments: &[Spot]) -> Option<Value> {
        let method = match last_name(&self.file(callee)?.code, callee.node)? {
            "bind" => self.part(callee, "object"),
            "promisify" => self.value(arguments.first()?),
            _ => return None,
        };
        matches!(method.thing, Thing::Listen(_)).then_some(method)
    }

    /// `process.argv.slice(2)`.
    fn rest_of_arguments(&self, callee: &Spot, arguments: &[Spot]) -> Option<Value> {
        let [from] = arguments else { return None };
        last_name(&self.file(callee)?.code, callee.node).filter(|name| *name == "slice")?;
        let Thing::Arguments(cut) = self.part(callee, "object").thing else { return None };
        let from = self.value(from).number().filter(|from| (0.0..100.0).contains(from))?;
        Some(Thing::Arguments(cut + from as usize).into())
    }

    /// A method of a server that gives the server back, or a setting that express keeps.
    fn method_of_server(&self, callee: &Spot, arguments: &[Spot]) -> Option<Value> {
        let object = self.program.field(callee, "object")?;
        let method = self.program.text(&self.program.field(callee, "property")?);
        let keeps_it = method == "listen" || self.program.servers.returns_itself(method);
        if !keeps_it {
            return None;
        }
        let value = self.value(&object);
        let server = self.as_server(&value)?;
        match arguments {
            [name] if method == "get" => self.setting(&server, &object, name),
            _ => Some(Thing::Server(server).into()),
        }
    }

    /// `app.get('port')` after `app.set('port', ...)`, there or in the file that makes the app.
    fn setting(&self, app: &Server, here: &Spot, name: &Spot) -> Option<Value> {
        let wanted = self.value(name).string()?;
        let root = |file| self.program.root(file);
        let files = root(here.file).into_iter().chain(root(app.made.file).filter(|it| it.file != here.file));
        let sets = files.flat_map(|root| {
            let calls = self.file(&root).and_then(|file| file.names.calls.get("set")).into_iter().flatten();
            self.first(&root, calls.map(|call| root.to(*call)))
        });
        let values = sets.filter_map(|call| {
            let object = self.program.field(&self.program.field(&call, "function")?, "object")?;
            let arguments = self.arguments(&call);
            let [key, value] = arguments.as_slice() else { return None };
            let same = self.value(key).string()? == wanted
                && self.as_server(&self.value(&object)).is_some_and(|server| server.made.is_at(&app.made));
            same.then(|| self.value(value))
        });
        agreed(values.collect(), self.program.text(name))
    }

    /// What a function gives back for these arguments.
    pub(super) fn returned(&self, function: &Spot, given: Vec<Spot>, call: &Spot) -> Value {
        let outer = function.frame.clone().or_else(|| call.frame.clone());
        let owner = (function.file, function.node);
        let inside = Spot { frame: Some(Rc::new(Frame { owner, given, outer })), ..function.clone() };
        let Some(body) = self.program.field(&inside, "body") else { return self.unknown(call) };
        if self.program.kind(&body) != "statement_block" {
            return self.value(&body);
        }
        let mut returns = Returns::default();
        self.follow(&body, &mut returns);
        let values = self.first(function, returns.values.iter()).into_iter();
        let values = values.map(|value| self.value(value)).collect();
        let value = agreed(values, self.program.text(call)).unwrap_or_else(|| Thing::Undefined.into());
        match returns.unless.iter().find(|reason| !value.unless.contains(reason)) {
            Some(reason) if value.is_plain() => {
                Value::one_of(&[value], format!("it is another one if {reason}"))
            }
            _ => value,
        }
    }

    /// Gathers what a statement may return; true if it always ends the function.
    fn follow(&self, at: &Spot, returns: &mut Returns) -> bool {
        self.deeper(|| self.follow_statement(at, returns)).unwrap_or(false)
    }

    fn follow_statement(&self, at: &Spot, returns: &mut Returns) -> bool {
        match self.program.kind(at) {
            "return_statement" => {
                returns.values.extend(self.program.children(at).into_iter().next());
                true
            }
            "throw_statement" => true,
            "if_statement" => self.follow_branches(at, returns),
            "statement_block" | "else_clause" | "try_statement" => {
                self.program.children(at).iter().any(|statement| self.follow(statement, returns))
            }
            kind if is_function(kind) || kind.ends_with("_declaration") || kind == "expression_statement" => {
                false
            }
            _ => {
                returns.values.extend(self.all_returns(at));
                false
            }
        }
    }

    fn follow_branches(&self, at: &Spot, returns: &mut Returns) -> bool {
        let branch = |role, returns: &mut Returns| {
            self.program.field(at, role).is_some_and(|branch| self.follow(&branch, returns))
        };
        let condition = self.part(at, "condition");
        let (taken, other) = match condition.truth() {
            Some(true) => ("consequence", "alternative"),
            Some(false) => ("alternative", "consequence"),
            None => {
                let first = branch("consequence", returns);
                return branch("alternative", returns) && first;
            }
        };
        let mut others = Returns::default();
        if !condition.unless.is_empty() && (branch(other, &mut others) || !others.values.is_empty()) {
            returns.unless.extend(condition.unless);
        }
        branch(taken, returns)
    }

    /// Every `return` in a loop or switch, those of functions in it aside.
    fn all_returns(&self, at: &Spot) -> Vec<Spot> {
        let Some(file) = self.file(at) else { return Vec::new() };
        let code = &file.code;
        let own = |node: &Id| {
            let mut between = code.ancestors(*node).take_while(|outer| *outer != at.node);
            !between.any(|outer| is_function(code.kind(outer)))
        };
        let returns = code.all_in(at.node).filter(|node| code.kind(*node) == "return_statement").filter(own);
        self.first(at, returns.filter_map(|node| code.children(node).next()).map(|node| at.to(node)))
    }

    pub(super) fn ternary(&self, at: &Spot) -> Value {
        let condition = self.part(at, "condition");
        match condition.truth() {
            Some(true) => self.part(at, "consequence").and_unless(&condition.unless),
            Some(false) => self.part(at, "alternative").and_unless(&condition.unless),
            None => {
                let either = vec![self.part(at, "consequence"), self.part(at, "alternative")];
                match (agreed(either.clone(), self.program.text(at)), &condition.thing) {
                    (Some(value), _) if value.is_known() => value,
                    (_, Thing::Unknown { why, .. }) => Value::one_of(&either, why),
                    _ => self.unknown(at),
                }
            }
        }
    }

    fn operator(&self, at: &Spot) -> &str {
        let operator = self.program.field(at, "operator").map_or("", |operator| self.program.text(&operator));
        match self.program.kind(at) {
            "augmented_assignment_expression" => operator.trim_end_matches('='),
            _ => operator,
        }
    }

    pub(super) fn unary(&self, at: &Spot) -> Value {
        let inner = self.part(at, "argument");
        if self.operator(at) == "delete" {
            return Thing::Undefined.into();
        }
        if !inner.is_known() {
            return inner;
        }
        let thing = match (self.operator(at), inner.number(), inner.truth()) {
            ("-", Some(number), _) => Thing::Number(-number),
            ("+", Some(number), _) => Thing::Number(number),
            ("!", _, Some(truth)) => Thing::Truth(!truth),
            ("void", ..) => Thing::Undefined,
            _ => return self.unknown(at),
        };
        // `-5` is written as a whole: the literal is the expression, not the 5 in it.
        let written = matches!(thing, Thing::Number(number) if number < 0.0)
            .then(|| at.clone())
            .filter(|_| inner.written.is_some());
        let started = inner.started.filter(|_| self.operator(at) == "+");
        Value { written: written.or(inner.written), thing, started, unless: inner.unless }
    }

    pub(super) fn binary(&self, at: &Spot) -> Value {
        let operator = self.operator(at);
        let left = self.part(at, "left");
        match (operator, left.truth()) {
            ("||" | "??" | "&&", _) => self.logical(at, operator, left),
            _ if !left.is_known() => left,
            _ => {
                let right = self.part(at, "right");
                if !right.is_known() {
                    return right;
                }
                let unless = left.unless.iter().chain(&right.unless).cloned().collect::<Vec<_>>();
                match computed(operator, &left, &right) {
                    Some(thing) => Value::from(thing).and_unless(&unless),
                    None => self.unknown(at),
                }
            }
        }
    }

    fn logical(&self, at: &Spot, operator: &str, left: Value) -> Value {
        let goes_on = match operator {
            "??" => left.is_known().then(|| left.is_nothing()),
            "||" => left.truth().map(|truth| !truth),
            _ => left.truth(),
        };
        match goes_on {
            Some(true) => self.part(at, "right").and_unless(&left.unless),
            Some(false) => left,
            // A server on either side is a server; beside a number or text the other side is one too.
            None => match (self.part(at, "right"), &left.thing) {
                (right, _) if self.as_server(&right).is_some() => right,
                (right, Thing::Unknown { why, .. }) => Value::one_of(&[right], why),
                _ => left,
            },
        }
    }

    /// What a parameter holds: what the calls in the same file give it.
    pub(super) fn parameter(&self, at: &Spot, of: Id, index: usize) -> Value {
        if let Some(value) = self.given(at, of, index) {
            return value;
        }
        let function = at.to(of);
        if let Some(value) = self.given_by_promise(&function, index) {
            return value;
        }
        let calls = self.calls_of(&function);
        let values = calls.iter().map(|call| match self.arguments(call).get(index) {
            Some(argument) => self.value(argument),
            None => Thing::Undefined.into(),
        });
        agreed(values.collect(), self.program.text(at)).unwrap_or_else(|| self.unknown(at))
    }

    /// The argument that this very call, or this turn of the loop, gives.
    pub(super) fn given(&self, at: &Spot, of: Id, index: usize) -> Option<Value> {
        let frames = std::iter::successors(at.frame.as_deref(), |frame| frame.outer.as_deref());
        let frame = frames.into_iter().find(|frame| frame.owner == (at.file, of))?;
        let spread = frame.given.iter().take(index + 1).any(|it| self.program.kind(it) == "spread_element");
        Some(match frame.given.get(index) {
            _ if spread => self.unknown(at),
            Some(argument) => self.value(argument),
            None => Thing::Undefined.into(),
        })
    }

    /// `promise.then(app => ...)`, and the functions that `new Promise` hands out.
    fn given_by_promise(&self, function: &Spot, index: usize) -> Option<Value> {
        let code = &self.file(function)?.code;
        let arguments = code.parent(function.node).filter(|it| code.kind(*it) == "arguments")?;
        let call = function.to(code.parent(arguments)?);
        if self.program.field(&call, "constructor").is_some_and(|it| self.program.text(&it) == "Promise") {
            return Some(Thing::Foreign.into());
        }
        let callee = self.program.field(&call, "function")?;
        let then = last_name(code, callee.node) == Some("then") && index == 0;
        then.then(|| self.part(&callee, "object"))
    }

    /// Where a function of this file is called from this file.
    pub(super) fn calls_of(&self, function: &Spot) -> Vec<Spot> {
        let Some(file) = self.file(function) else { return Vec::new() };
        let (code, names) = (&file.code, &file.names);
        if let Some(call) = called_on_the_spot(code, function.node) {
            return vec![function.to(call)];
        }
        let Some(name) = own_name(code, function.node) else { return Vec::new() };
        let named = names.calls.get(name).map_or(&[][..], Vec::as_slice);
        if named.len() > MAX_NAMED {
            self.cut_off(function, over("calls of one name", MAX_NAMED));
        }
        let calls = named.iter().take(MAX_NAMED).map(|call| function.to(*call));
        self.first(function, calls.filter(|call| self.calls(call, function)))
    }

    fn calls(&self, call: &Spot, function: &Spot) -> bool {
        let call = Spot { frame: None, ..call.clone() };
        if self.program.kind(&call) == "new_expression" {
            let class = self.part(&call, "constructor");
            return matches!(class.thing, Thing::Class(class) if self.contains(&class, function));
        }
        let callee = self.part(&call, "function");
        matches!(callee.thing, Thing::Function(called) if called.is_at(function))
    }

    fn contains(&self, outer: &Spot, inner: &Spot) -> bool {
        outer.file == inner.file
            && self.file(outer).is_some_and(|file| file.code.contains(outer.node, inner.node))
    }
}

/// What a function may return.
#[derive(Debug, Default)]
struct Returns {
    values: Vec<Spot>,
    /// What decides about it, and is taken as not so.
    unless: Vec<String>,
}

/// `(function () { ... })()`.
fn called_on_the_spot(code: &crate::syntax::calls::Code<'_>, function: Id) -> Option<Id> {
    let mut inner = function;
    for outer in code.ancestors(function) {
        match code.kind(outer) {
            "parenthesized_expression" => inner = outer,
            "call_expression" if code.field(outer, "function") == Some(inner) => return Some(outer),
            _ => return None,
        }
    }
    None
}

/// The name that a function is called by: its own, its variable's, its property's; a constructor's is its class's.
fn own_name<'a>(code: &crate::syntax::calls::Code<'a>, function: Id) -> Option<&'a str> {
    let named = |node: Id, role: &str| code.field(node, role).map(|name| code.text(name));
    let own = named(function, "name");
    if own == Some("constructor") {
        let class = code.parent(code.parent(function)?)?;
        return named(class, "name");
    }
    let around = code.parent(function)?;
    own.or_else(|| match code.kind(around) {
        "variable_declarator" => named(around, "name"),
        "pair" => named(around, "key"),
        "field_definition" => named(around, "property"),
        "public_field_definition" => named(around, "name"),
        "assignment_expression" => {
            let left = code.field(around, "left")?;
            last_name(code, left)
        }
        _ => None,
    })
}

fn computed(operator: &str, left: &Value, right: &Value) -> Option<Thing> {
    let text = matches!(left.thing, Thing::Text(_)) || matches!(right.thing, Thing::Text(_));
    if operator == "+" && text {
        return Some(Thing::Text(left.string()? + &right.string()?));
    }
    let same = || left.same(right);
    let loose = || same() || left.is_nothing() && right.is_nothing() || left.number() == right.number();
    let (a, b) = (left.number()?, right.number()?);
    Some(match operator {
        "===" => Thing::Truth(same()),
        "!==" => Thing::Truth(!same()),
        "==" => Thing::Truth(loose()),
        "!=" => Thing::Truth(!loose()),
        "<" => Thing::Truth(a < b),
        "<=" => Thing::Truth(a <= b),
        ">" => Thing::Truth(a > b),
        ">=" => Thing::Truth(a >= b),
        "+" => Thing::Number(a + b),
        "-" => Thing::Number(a - b),
        "*" => Thing::Number(a * b),
        "/" => Thing::Number(a / b),
        "%" => Thing::Number(a % b),
        "**" => Thing::Number(a.powf(b)),
        "<<" => Thing::Number(f64::from(
            super::value::to_int32(a).wrapping_shl(super::value::to_int32(b).cast_unsigned()),
        )),
        _ => return None,
    })
}
