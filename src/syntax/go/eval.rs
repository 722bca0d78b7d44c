//! What expressions come to, and where variables, fields and parameters have their values from.

use super::names::{Binding, Origin, is_function};
use super::types::Kind;
use super::{At, Go, MAX_CALLS, MAX_VALUES, Question, Reading, Thing, Value};
use crate::syntax::calls::Id;
use crate::syntax::eval::not_told;
use crate::syntax::startup::Answer;

const BINDINGS: &str = "bindings of one name";
const ASSIGNMENTS: &str = "assignments to one field";
const TOO_FAR: &str = "following it takes too long";

/// A variable: its file, the node in which it holds, and what binds it there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variable<'p, 'a> {
    pub go: &'p Go<'a>,
    pub scope: Id,
    pub name: &'a str,
    pub bindings: &'p [Binding],
}

/// Where a value may come from.
#[derive(Debug, Clone)]
pub(super) enum Given<'p, 'a> {
    Is(At<'p, 'a>),
    Part(At<'p, 'a>, usize),
    Parameter(At<'p, 'a>, usize),
    /// A field of this name of several structs that are made apart.
    Each(String, Vec<At<'p, 'a>>),
    Known(Value),
    /// Nothing sets it before it is used.
    Zero(Option<At<'p, 'a>>),
    Opaque,
}

impl<'p, 'a> Reading<'p, 'a> {
    pub fn value(&self, at: At<'p, 'a>) -> Value {
        self.deeper(at, || self.told(|| self.expression(at))).unwrap_or_else(|| Value::unknown(TOO_FAR))
    }

    /// Unknown, because this expression is decided elsewhere.
    pub(super) fn unknown(&self, at: At<'p, 'a>) -> Value {
        Value::unknown(not_told(at.text()))
    }

    fn expression(&self, at: At<'p, 'a>) -> Value {
        let of = |part: Option<At<'p, 'a>>| part.map_or_else(|| self.unknown(at), |part| self.value(part));
        match at.kind() {
            "int_literal" => match integer(at.text()) {
                Some(number) => Value { written: Some(at.span()), ..Thing::Number(number).into() },
                None => self.unknown(at),
            },
            "interpreted_string_literal" | "raw_string_literal" => match string(at) {
                Some(text) => Value { written: Some(at.span()), ..Value::text(text) },
                None => self.unknown(at),
            },
            "nil" => Thing::Nil.into(),
            "true" => Thing::Truth(true).into(),
            "false" => Thing::Truth(false).into(),
            "parenthesized_expression" | "literal_element" => of(at.first()),
            "type_conversion_expression" => of(at.field("operand")),
            "unary_expression" => self.unary(at),
            "binary_expression" => self.binary(at),
            "identifier" | "selector_expression" => self.named(at),
            "call_expression" => self.called(at, 0),
            "index_expression" => self.element(at),
            _ => self.unknown(at),
        }
    }

    fn unary(&self, at: At<'p, 'a>) -> Value {
        let Some(operand) = at.field("operand") else { return self.unknown(at) };
        let value = self.value(operand);
        match (at.field("operator").map_or("", At::text), value.number()) {
            // What a pointer leads to is all that matters.
            ("*" | "&", _) => value,
            ("-", Some(number)) => Thing::Number(-number).into(),
            ("+", Some(_)) => Value { written: None, ..value },
            _ => self.unknown(at),
        }
    }

    fn binary(&self, at: At<'p, 'a>) -> Value {
        let (Some(left), Some(right)) = (at.field("left"), at.field("right")) else {
            return self.unknown(at);
        };
        let (left, right) = (self.value(left), self.value(right));
        // Of a host and a port the host may be left out.
        let left =
            if right.as_text().is_some_and(|text| text.starts_with(':')) { left.or_empty() } else { left };
        let operator = at.field("operator").map_or("", At::text);
        let thing = match (&left.thing, &right.thing, operator) {
            (Thing::Text(a), Thing::Text(b), "+") => Some(Thing::Text(format!("{a}{b}"))),
            (Thing::Number(a), Thing::Number(b), _) => arithmetic(operator, *a, *b).map(Thing::Number),
            _ => None,
        };
        match thing {
            Some(thing) => Value::from(thing).and_unless(&left.unless).and_unless(&right.unless),
            None => self.because(at, [left, right]),
        }
    }

    /// The reason why a part is not known is the reason of the whole.
    pub(super) fn because(&self, at: At<'p, 'a>, parts: impl IntoIterator<Item = Value>) -> Value {
        let why = parts.into_iter().find(|part| part.why_unknown().is_some());
        why.map_or_else(|| self.unknown(at), |part| Value { written: None, ..part })
    }

    /// `os.Args[1]`.
    fn element(&self, at: At<'p, 'a>) -> Value {
        let of = at.field("operand").and_then(|operand| self.qualified(operand));
        let index = at.field("index").and_then(|index| usize::try_from(self.value(index).number()?).ok());
        match of.as_deref() {
            Some("os.Args") => {
                // The program itself comes first.
                let index = index.and_then(|index| index.checked_sub(1));
                let answer = index.map_or(Answer::Unsaid, |index| self.startup.argument(index));
                self.answered(Value::answered(answer, "an argument says so"))
            }
            _ => self.unknown(at),
        }
    }

    fn named(&self, at: At<'p, 'a>) -> Value {
        if let Some(constant) =
            self.qualified(at).and_then(|full| self.files.libraries.constants.get(&full).cloned())
        {
            return constant;
        }
        let given = self.origins(at);
        let (zero, given): (Vec<_>, Vec<_>) =
            given.into_iter().partition(|given| matches!(given, Given::Zero(_)));
        let values: Vec<Value> = given.into_iter().filter_map(|given| self.of_given(at, given)).collect();
        match Value::agreed(values, at.last_name()) {
            Some(value) => value,
            None => {
                zero.into_iter().find_map(|zero| self.of_given(at, zero)).unwrap_or_else(|| self.unknown(at))
            }
        }
    }

    fn of_given(&self, at: At<'p, 'a>, given: Given<'p, 'a>) -> Option<Value> {
        match given {
            Given::Is(node) => self.once(Question::Value, node, || self.told(|| self.expression(node))),
            Given::Part(call, index) if call.kind() == "call_expression" => {
                self.once(Question::Value, call, || self.told(|| self.called(call, index)))
            }
            Given::Parameter(function, index) => {
                let values = self.with_arguments(function, index, |given| self.value(given));
                let name = function.field("name").map_or("", At::text);
                let from_outside = || match name {
                    "" => self.unknown(at),
                    name => Thing::Caller(name.to_owned()).into(),
                };
                Some(Value::alike(values, at.last_name()).unwrap_or_else(from_outside))
            }
            Given::Each(name, nodes) => {
                let values = nodes.into_iter().filter_map(|node| self.of_given(at, Given::Is(node)));
                Value::alike(values.collect(), &name)
            }
            Given::Known(value) => Some(value),
            Given::Zero(of) => match of?.text() {
                "string" => Some(Value::text("")),
                "int" | "uint" | "int32" | "int64" | "uint16" => Some(Thing::Number(0).into()),
                _ => None,
            },
            Given::Part(..) | Given::Opaque => Some(self.unknown(at)),
        }
    }

    /// Works with what a function is called with at an index: by the call that it is followed for, else by all in the package.
    fn with_arguments<T>(
        &self,
        function: At<'p, 'a>,
        index: usize,
        work: impl Fn(At<'p, 'a>) -> T,
    ) -> Vec<T> {
        let frame = self.frames.borrow().iter().rposition(|(followed, _)| *followed == function);
        let Some(frame) = frame else {
            let calls = self.callers(function);
            return calls
                .into_iter()
                .filter_map(|call| self.deeper(call, || Some(work(call.argument(index)?)))?)
                .collect();
        };
        // The argument is one of the caller's own.
        let inner = self.frames.borrow_mut().split_off(frame);
        let call = inner.first().map(|(_, call)| *call);
        let argument = call.and_then(|call| call.argument(index));
        let done = argument.and_then(|argument| self.deeper(argument, || work(argument)));
        self.frames.borrow_mut().extend(inner);
        done.into_iter().collect()
    }

    /// Works for each call of the function that a node lies in, as if that were the only one; once if there is no other.
    pub fn for_each_caller<T>(&self, at: At<'p, 'a>, work: impl Fn() -> T) -> Vec<T> {
        let code = at.code();
        let function = code
            .ancestors(at.id)
            .find(|outer| matches!(code.kind(*outer), "function_declaration" | "method_declaration"));
        let calls = function.map(|function| self.callers(at.to(function))).unwrap_or_default();
        let (Some(function), true) = (function, calls.len() > 1) else { return vec![work()] };
        let with = |call| {
            self.frames.borrow_mut().push((at.to(function), call));
            let done = work();
            self.frames.borrow_mut().pop();
            done
        };
        calls.into_iter().map(with).collect()
    }

    /// The calls of a function in its package and in the programs of its module.
    fn callers(&self, function: At<'p, 'a>) -> Vec<At<'p, 'a>> {
        let Some(name) = function.field("name").map(At::text) else { return Vec::new() };
        let mut files = self.package(function, name);
        files.extend(self.files.users(function.source(), name));
        let calls = files.into_iter().flat_map(|go| {
            let calls = go.names.calls.get(name).map_or(&[][..], Vec::as_slice);
            calls.iter().map(move |id| At { go, id: *id })
        });
        let leads_here = |call: &At<'p, 'a>| {
            self.deeper(*call, || self.targets(*call).contains(&function)).unwrap_or_default()
        };
        let calls = function.first_of(MAX_CALLS, "calls of one name", calls).filter(leads_here);
        function.first_of(MAX_VALUES, "calls of one function", calls).collect()
    }

    /// The variable that a name means: of this file, else of its package.
    pub(super) fn variable(&self, at: At<'p, 'a>) -> Option<Variable<'p, 'a>> {
        let name = at.text();
        let in_file = at.go.names.scopes.find(at.code(), name, at.id).map(|found| (at.go, found));
        let (go, (scope, bindings)) = match in_file {
            Some(found) => found,
            None => self.top_level(self.files.siblings(at.source(), name), name)?,
        };
        Some(Variable { go, scope, name, bindings })
    }

    fn top_level(&self, files: Vec<&'p Go<'a>>, name: &str) -> Option<(&'p Go<'a>, (Id, &'p [Binding]))> {
        self.spend(files.len() * 16);
        files.into_iter().find_map(|go| {
            let root = go.code.root();
            Some((go, go.names.scopes.find(&go.code, name, root)?))
        })
    }

    /// `config.Port` of another package of the program.
    pub(super) fn imported_variable(&self, at: At<'p, 'a>) -> Option<Variable<'p, 'a>> {
        let path = self.import(at.field("operand")?)?;
        let name = at.field("field")?.text();
        let files = self.files.imported(at.source(), path, name);
        let (go, (scope, bindings)) = self.top_level(files, name)?;
        Some(Variable { go, scope, name, bindings })
    }

    /// Where the value of a variable or a field may come from.
    pub(super) fn origins(&self, at: At<'p, 'a>) -> Vec<Given<'p, 'a>> {
        if at.kind() == "identifier" {
            return self.variable(at).map(|variable| self.of_variable(variable, at)).unwrap_or_default();
        }
        if let Some(variable) = self.imported_variable(at) {
            return self.of_variable(variable, at);
        }
        match (at.field("operand"), at.field("field")) {
            (Some(operand), Some(name)) if self.import(operand).is_none() => {
                self.member(operand, name.text())
            }
            _ => Vec::new(),
        }
    }

    fn of_variable(&self, variable: Variable<'p, 'a>, at: At<'p, 'a>) -> Vec<Given<'p, 'a>> {
        let Variable { go, scope, name, bindings } = variable;
        let is_it = |id: Id| {
            let found = go.code.text(id) == name && go.code.kind(id) == "identifier";
            found && go.names.scopes.find(&go.code, name, id).is_some_and(|(other, _)| other == scope)
        };
        let assigned = go.names.assigned.get(name).map_or(&[][..], Vec::as_slice);
        let pointed = go.names.pointed.get(name).map_or(&[][..], Vec::as_slice);
        self.spend(bindings.len() + assigned.len() + pointed.len());
        let bound = bindings.iter().map(|it| (it.at, given(go, it.origin, it.declared)));
        let assigned = assigned.iter().filter(|(left, _)| is_it(*left));
        let assigned = assigned.map(|(left, origin)| (*left, given(go, *origin, None)));
        let pointed = pointed.iter().filter(|id| go.code.field(**id, "operand").is_some_and(is_it));
        let flags = pointed.filter_map(|id| Some((*id, self.flag_for(At { go, id: *id })?)));
        let mut all: Vec<(Id, Given<'p, 'a>)> = bound.chain(assigned).chain(flags).collect();
        all.sort_by_key(|(id, _)| *id);
        if scope == go.code.root() || go.code.source != at.source() {
            let all = all.into_iter().map(|(_, given)| given);
            return at.first_of(MAX_VALUES, BINDINGS, all).collect();
        }
        reaching(all, scope, at)
    }

    /// Where a field of a struct may have its value from: from the literal that made it, or from what is assigned to it.
    pub(super) fn member(&self, of: At<'p, 'a>, name: &str) -> Vec<Given<'p, 'a>> {
        let kind = self.kind(of);
        let mut literals = self.makers(of);
        let own = match &kind {
            Some(Kind::Own(own)) => Some(*own),
            _ => None,
        };
        if let Some(own) = own.filter(|_| literals.is_empty()) {
            literals = self.literals(own);
        }
        let elements: Vec<_> = literals.into_iter().filter_map(|literal| element(literal, name)).collect();
        let mut found =
            Vec::from_iter((!elements.is_empty()).then_some(Given::Each(name.to_owned(), elements)));
        let same = |operand: At<'p, 'a>| {
            let by_name = operand.go.code.source == of.source() && operand.text() == of.text();
            let by_type = || own.is_some_and(|own| self.kind(operand) == Some(Kind::Own(own)));
            by_name || by_type()
        };
        for go in self.package(of, name) {
            let assigned = go.names.assigned.get(name).map_or(&[][..], Vec::as_slice);
            let pointed = go.names.pointed.get(name).map_or(&[][..], Vec::as_slice);
            self.spend(assigned.len() + pointed.len());
            let is_it = |selector: At<'p, 'a>| {
                selector.kind() == "selector_expression" && selector.field("operand").is_some_and(same)
            };
            let assigned = assigned.iter().filter(|(left, _)| is_it(At { go, id: *left }));
            let assigned = of.first_of(MAX_VALUES, ASSIGNMENTS, assigned);
            found.extend(assigned.map(|(_, origin)| given(go, *origin, None)));
            let pointed = pointed.iter().map(|id| At { go, id: *id });
            let pointed = pointed.filter(|it| it.field("operand").is_some_and(is_it));
            let pointed = of.first_of(MAX_VALUES, ASSIGNMENTS, pointed);
            found.extend(pointed.filter_map(|it| self.flag_for(it)));
        }
        found.extend(own.and_then(|own| self.tagged(own, name)));
        if let (true, Some(own)) = (found.is_empty(), own) {
            found.extend(self.in_embedded(of, own, name));
        }
        found
    }

    /// A field of what a struct embeds: `Addr` of `App{Server: &http.Server{Addr: addr}}`.
    fn in_embedded(&self, of: At<'p, 'a>, own: At<'p, 'a>, name: &str) -> Vec<Given<'p, 'a>> {
        let embedded = self.fields(own).into_iter().filter(|field| field.field("name").is_none());
        let types =
            embedded.filter_map(|field| field.field("type")).filter(|it| it.kind() == "qualified_type");
        let makers = of.first_of(MAX_VALUES, "embedded types", types).flat_map(|it| {
            let given = self.deeper(it, || self.member(of, it.last_name())).unwrap_or_default();
            given.into_iter().flat_map(|given| self.made_of(given))
        });
        makers.filter_map(|literal| element(literal, name)).map(Given::Is).collect()
    }

    /// The value of a field; nothing where its struct was made without it.
    pub fn field(&self, of: At<'p, 'a>, name: &str) -> Option<Value> {
        let given = self.member(of, name);
        let values: Vec<Value> = given.into_iter().filter_map(|given| self.of_given(of, given)).collect();
        let found = Value::agreed(values, name);
        if found.is_some() || !self.makers(of).is_empty() {
            return found;
        }
        let caller = Some(self.value(of)).filter(|value| matches!(value.thing, Thing::Caller(_)));
        Some(caller.unwrap_or_else(|| self.unknown(of)))
    }

    /// `Addr string` with the tag `default:":8080"`: what envconfig and its like set where the environment says nothing.
    fn tagged(&self, own: At<'p, 'a>, name: &str) -> Option<Given<'p, 'a>> {
        let field = self
            .fields(own)
            .into_iter()
            .find(|field| field.field("name").is_some_and(|it| it.text() == name))?;
        let tag = string(field.field("tag")?)?;
        let key = |key: &str| {
            let (_, rest) = tag.split_once(&format!("{key}:\""))?;
            Some(rest.split('"').next()?.to_owned())
        };
        let variable = ["env", "envconfig"].into_iter().find_map(key);
        let name = variable.as_ref().map(|names| names.split(',').next().unwrap_or_default());
        if let Some(name) = name
            && let told = self.answered(Value::environment(name, self.startup.variable(name)))
            && !matches!(told.thing, Thing::Outside(_))
        {
            let number = told.as_text().and_then(|text| text.parse().ok()).map(Thing::Number);
            return Some(Given::Known(number.map_or(told.clone(), |number| told.becomes(number))));
        }
        let default = key("envDefault").or_else(|| key("default")).or_else(|| key("env-default"))?;
        let named = ["env", "envconfig", "long", "arg"].into_iter().find_map(key);
        let what = named.map_or_else(
            || "the configuration says so".to_owned(),
            |name| format!("{} is set", name.split(',').next().unwrap_or_default()),
        );
        let number = default.parse().map(Thing::Number).unwrap_or(Thing::Text(default));
        Some(Given::Known(Value::from(number).and_unless(&[what])))
    }

    /// The literals of a type that the program declares.
    fn literals(&self, own: At<'p, 'a>) -> Vec<At<'p, 'a>> {
        let Some(name) = own.field("name").map(At::text) else { return Vec::new() };
        let files = self.package(own, name).into_iter();
        let all = files.flat_map(|go| {
            let all = go.names.literals.get(name).map_or(&[][..], Vec::as_slice);
            all.iter().map(move |id| At { go, id: *id })
        });
        let unqualified = |it: &At<'p, 'a>| it.field("type").is_some_and(|of| of.kind() != "qualified_type");
        own.first_of(MAX_VALUES, "literals of one type", all.filter(unqualified)).collect()
    }

    /// The literals that may have made what an expression is.
    pub fn makers(&self, at: At<'p, 'a>) -> Vec<At<'p, 'a>> {
        let made = self.once(Question::Makers, at, || match at.kind() {
            "composite_literal" => vec![at],
            "parenthesized_expression" | "literal_element" => self.makers_of(at.first()),
            "unary_expression" => self.makers_of(at.field("operand")),
            "call_expression" if at.field("function").is_some_and(|it| it.text() == "new") => vec![at],
            "call_expression" => self.returns(at, 0, |value| self.makers(value)).concat(),
            "identifier" | "selector_expression" => {
                let given = at.first_of(MAX_VALUES, BINDINGS, self.origins(at).into_iter());
                given.flat_map(|given| self.made_of(given)).collect()
            }
            _ => Vec::new(),
        });
        made.unwrap_or_default()
    }

    fn makers_of(&self, at: Option<At<'p, 'a>>) -> Vec<At<'p, 'a>> {
        at.map(|at| self.makers(at)).unwrap_or_default()
    }

    fn made_of(&self, given: Given<'p, 'a>) -> Vec<At<'p, 'a>> {
        match given {
            Given::Is(node) => self.makers(node),
            Given::Part(call, index) => self.returns(call, index, |value| self.makers(value)).concat(),
            Given::Parameter(function, index) => {
                self.with_arguments(function, index, |value| self.makers(value)).concat()
            }
            Given::Each(_, nodes) => nodes.into_iter().flat_map(|node| self.makers(node)).collect(),
            Given::Known(_) | Given::Zero(_) | Given::Opaque => Vec::new(),
        }
    }

    /// The declarations that a call may lead to.
    pub(super) fn targets(&self, call: At<'p, 'a>) -> Vec<At<'p, 'a>> {
        let Some(called) = call.field("function") else { return Vec::new() };
        let name = called.last_name();
        let plain = |files: Vec<&'p Go<'a>>| -> Vec<At<'p, 'a>> {
            let all = files.into_iter().flat_map(|go| {
                let all = go.names.functions.get(name).map_or(&[][..], Vec::as_slice);
                all.iter().map(move |id| At { go, id: *id })
            });
            let all = all.filter(|it| it.kind() == "function_declaration");
            call.first_of(MAX_VALUES, "functions of one name", all).collect()
        };
        match (called.kind(), called.field("operand")) {
            ("identifier", _) => plain(self.package(called, name)),
            ("selector_expression", Some(operand)) => match (self.import(operand), self.kind(operand)) {
                (Some(path), _) => plain(self.files.imported(call.source(), path, name)),
                (None, Some(Kind::Own(own))) => self.methods(own, name),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// Works with what a call's function returns at an index, at each of its returns.
    pub(super) fn returns<T>(
        &self,
        call: At<'p, 'a>,
        index: usize,
        work: impl Fn(At<'p, 'a>) -> T,
    ) -> Vec<T> {
        let mut found = Vec::new();
        for target in self.targets(call) {
            let returned: Vec<At<'p, 'a>> =
                target.first_of(MAX_VALUES, "returns of one function", target.returns()).collect();
            self.frames.borrow_mut().push((target, call));
            for list in returned {
                let value = list.first().and_then(|list| list.children().nth(index));
                found.extend(value.and_then(|value| self.deeper(value, || work(value))));
            }
            self.frames.borrow_mut().pop();
        }
        found
    }
}

impl<'p, 'a> At<'p, 'a> {
    /// The returns of a function itself, not of those in it.
    fn returns(self) -> impl Iterator<Item = Self> {
        let code = self.code();
        let own = move |id: &Id| {
            let owner = code.ancestors(*id).find(|outer| is_function(code.kind(*outer)));
            code.kind(*id) == "return_statement" && owner == Some(self.id)
        };
        code.all_in(self.id).filter(own).map(move |id| self.to(id))
    }
}

/// What may hold at a node: what is set before it, from the last that is set whatever happens.
fn reaching<'p, 'a>(all: Vec<(Id, Given<'p, 'a>)>, scope: Id, at: At<'p, 'a>) -> Vec<Given<'p, 'a>> {
    let code = at.code();
    let mut between = code.ancestors(at.id).take_while(|outer| *outer != scope);
    let in_order = !between.any(|outer| matches!(code.kind(outer), "func_literal" | "for_statement"));
    let is_sure = |id: Id| {
        let mut between = code.ancestors(id).take_while(|outer| *outer != scope);
        between.all(|outer| !is_conditional(at, outer) || code.contains(outer, at.id))
    };
    // `port` of `port = ":" + port` is an earlier one.
    let is_part = |given: &Given<'p, 'a>| match given {
        Given::Is(node) | Given::Part(node, _) => code.contains(node.id, at.id),
        _ => false,
    };
    let before = all.into_iter().filter(|(id, given)| (!in_order || *id < at.id) && !is_part(given));
    let mut live = Vec::new();
    let latest = before.collect::<Vec<_>>().into_iter().rev();
    for (id, given) in at.first_of(MAX_VALUES, BINDINGS, latest) {
        live.push(given);
        if is_sure(id) {
            break;
        }
    }
    live.reverse();
    live
}

/// Whether what lies in a node is run on some condition, or at another time.
fn is_conditional(at: At<'_, '_>, outer: Id) -> bool {
    let code = at.code();
    match code.kind(outer) {
        "expression_case" | "default_case" | "communication_case" | "type_case" | "func_literal" => true,
        "block" => {
            let parent = code.parent(outer).map_or("", |parent| code.kind(parent));
            matches!(parent, "if_statement" | "for_statement")
        }
        _ => false,
    }
}

fn given<'p, 'a>(go: &'p Go<'a>, origin: Origin, declared: Option<Id>) -> Given<'p, 'a> {
    let node = |id| At { go, id };
    match origin {
        Origin::Value(value) => Given::Is(node(value)),
        Origin::Part(call, index) => Given::Part(node(call), index),
        Origin::Parameter(function, index) => Given::Parameter(node(function), index),
        Origin::Zero => Given::Zero(declared.map(node)),
        Origin::Opaque => Given::Opaque,
    }
}

/// The value of a key in a literal.
pub(super) fn element<'p, 'a>(literal: At<'p, 'a>, key: &str) -> Option<At<'p, 'a>> {
    let keyed = literal.field("body")?.children().filter(|it| it.kind() == "keyed_element");
    let mut fits = keyed.filter(|it| it.field("key").is_some_and(|own| own.text() == key));
    fits.next()?.field("value")
}

fn arithmetic(operator: &str, a: i64, b: i64) -> Option<i64> {
    match operator {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        "/" => a.checked_div(b),
        "<<" => a.checked_shl(u32::try_from(b).ok()?),
        "|" => Some(a | b),
        _ => None,
    }
}

/// `8_080`, `0x1F90`, `0o17`, `017`, `0b1`.
fn integer(text: &str) -> Option<i64> {
    let plain = text.replace('_', "").to_ascii_lowercase();
    match plain.get(..2) {
        Some("0x") => i64::from_str_radix(plain.get(2..)?, 16).ok(),
        Some("0o") => i64::from_str_radix(plain.get(2..)?, 8).ok(),
        Some("0b") => i64::from_str_radix(plain.get(2..)?, 2).ok(),
        _ if plain.len() > 1 && plain.starts_with('0') => i64::from_str_radix(&plain, 8).ok(),
        _ => plain.parse().ok(),
    }
}

/// What a string literal says, if nothing rare is escaped in it.
fn string(at: At<'_, '_>) -> Option<String> {
    let mut text = String::new();
    for piece in at.children() {
        match (piece.kind(), piece.text()) {
            ("escape_sequence", "\\x00" | "\\000" | "\\u0000") => text.push('\0'),
            ("escape_sequence", "\\\\") => text.push('\\'),
            ("escape_sequence", "\\\"") => text.push('"'),
            ("escape_sequence", "\\n") => text.push('\n'),
            ("escape_sequence", "\\t") => text.push('\t'),
            ("escape_sequence", _) => return None,
            (_, piece) => text.push_str(piece),
        }
    }
    Some(text)
}
