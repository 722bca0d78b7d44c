//! Attributes, classes, calls and parameters: what an instance holds, what a call gives, what a function is called with.

use std::rc::Rc;

use super::names::{Origin, is_function};
use super::value::Spot;
use super::{BINDINGS, Made, Reading, Thing, Value};
use crate::syntax::calls::Id;

const ASSIGNMENTS: &str = "assignments to one attribute";

impl Reading<'_, '_> {
    pub(super) fn attribute(&self, at: Id) -> Value {
        let code = self.code();
        let Some(name) = code.field(at, "attribute").map(|name| code.text(name)) else {
            return self.unknown(at);
        };
        let object = self.part(at, "object");
        match &object.thing {
            Thing::Named(module) => match module.ends_with('.') {
                true => self.named(format!("{module}{name}")),
                false => self.named(format!("{module}.{name}")),
            },
            Thing::Class(class) => self.of_class(*class, name).unwrap_or_else(|| self.unknown(at)),
            Thing::Made(made) => self.of_instance(made, name).unwrap_or_else(|| self.unknown(at)),
            _ => self.or_unknown(object, at),
        }
    }

    /// What a class, or one that it is derived from, binds under a name.
    pub fn of_class(&self, class: Spot, name: &str) -> Option<Value> {
        let Some(node) = self.here(class) else { return self.modules.member(class, name) };
        let scopes = &self.python.names.scopes;
        let own = scopes.find(self.code(), name, node).filter(|(scope, _)| *scope == node);
        if let Some((_, bindings)) = own {
            let live = self.reaching(bindings, node, None);
            return Value::agreed(live.iter().filter_map(|binding| self.bound(binding)).collect(), name);
        }
        self.effort.deeper(self.code(), node, || {
            let mut bases = self.bases(class).into_iter();
            bases.find_map(|base| match base.thing {
                Thing::Class(base) => self.of_class(base, name),
                _ => None,
            })
        })?
    }

    /// What `__init__` of a class sets on `self` before it hands over to that of its base; behind that it comes too late.
    pub fn set_before_base(&self, class: Spot, name: &str) -> Option<Value> {
        let (node, code) = (self.here(class)?, self.code());
        let is_init = |id: &Id| code.field(*id, "name").is_some_and(|name| code.text(name) == "__init__");
        let Some(init) = code.field(node, "body").and_then(|body| code.children(body).find(is_init)) else {
            return self.effort.deeper(code, node, || {
                self.bases(class).into_iter().find_map(|base| match base.thing {
                    Thing::Class(base) => self.set_before_base(base, name),
                    _ => None,
                })
            })?;
        };
        let body = code.field(init, "body")?;
        let hands_over = |id: &Id| {
            code.kind(*id) == "call"
                && code.field(*id, "function").is_some_and(|it| code.text(it).ends_with(".__init__"))
        };
        let call = code.all_in(body).find(hands_over)?;
        let assigned = self.python.names.members.get(name)?;
        let early = |object: Id| code.text(object) == "self" && code.contains(body, object) && object < call;
        let (object, value) = assigned.iter().rfind(|(object, _)| early(*object))?;
        let statement = code.ancestors(*object).find(|id| code.kind(*id) == "expression_statement")?;
        // In a branch it may come to pass.
        match value.filter(|_| code.parent(statement) == Some(body)) {
            Some(value) => self.once(value),
            None => Some(self.unknown(*object)),
        }
    }

    /// What a class of this file is derived from.
    fn bases(&self, class: Spot) -> Vec<Value> {
        let code = self.code();
        let list = self.here(class).and_then(|class| code.field(class, "superclasses"));
        let positional = |id: &Id| !matches!(code.kind(*id), "keyword_argument" | "dictionary_splat");
        let bases = list.into_iter().flat_map(|list| code.children(list)).filter(positional);
        let at = list.unwrap_or(code.root());
        self.first("classes of one class", at, bases).filter_map(|base| self.once(base)).collect()
    }

    /// The imported classes that a class is one of, the nearest first.
    pub fn kinds(&self, class: &Value) -> Vec<String> {
        match &class.thing {
            Thing::Named(name) => vec![name.clone()],
            Thing::Class(class) if self.here(*class).is_none() => self.modules.kinds(*class),
            Thing::Class(class) => {
                let kinds = self.effort.deeper(self.code(), class.node, || {
                    let bases = self.bases(*class).into_iter();
                    let kinds = bases.flat_map(|base| self.kinds(&base));
                    self.first("classes of one class", class.node, kinds).collect()
                });
                kinds.unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// An attribute of an instance: assigned to it, to `self` in its class, or bound by the class.
    pub fn of_instance(&self, made: &Rc<Made>, name: &str) -> Option<Value> {
        let assigned = self.python.names.members.get(name).map_or(&[][..], Vec::as_slice);
        let mut values = Vec::new();
        let at = assigned.first().map_or(self.code().root(), |(object, _)| *object);
        for (object, value) in self.first(ASSIGNMENTS, at, assigned.iter()) {
            let Some(Thing::Made(owner)) = self.once(*object).map(|owner| owner.thing) else { continue };
            let of_class = matches!((&owner.class.thing, &made.class.thing), (Thing::Class(a), Thing::Class(b)) if a == b);
            if owner.call == made.call || of_class {
                values.extend(match value {
                    Some(value) => self.once(*value),
                    None => Some(self.unknown(*object)),
                });
            }
        }
        if let Thing::Class(class) = &made.class.thing {
            values.extend(self.of_class(*class, name));
        }
        let inherited = || made.kinds.first().map(|kind| self.named(format!("{kind}.{name}")));
        Value::agreed(values, name).or_else(|| self.option(made, name)).or_else(inherited)
    }

    /// What is assigned to an attribute of something imported: `socketserver.TCPServer.request_queue_size = 50`.
    pub fn assigned_to(&self, full_name: &str, attribute: &str) -> Option<Value> {
        let assigned = self.python.names.members.get(attribute).map_or(&[][..], Vec::as_slice);
        let is_it = |object: Id| self.once(object).is_some_and(|object| object.name() == Some(full_name));
        let at = assigned.first().map_or(self.code().root(), |(object, _)| *object);
        let values = self.first(ASSIGNMENTS, at, assigned.iter()).filter(|(object, _)| is_it(*object));
        let values = values.filter_map(|(object, value)| match value {
            Some(value) => self.once(*value),
            None => Some(self.unknown(*object)),
        });
        Value::agreed(values.collect(), attribute)
    }

    /// The value node of a keyword argument.
    pub fn keyword(&self, call: Id, name: &str) -> Option<Id> {
        let code = self.code();
        let list = code.field(call, "arguments")?;
        let is_it = |id: &Id| {
            code.kind(*id) == "keyword_argument"
                && code.field(*id, "name").is_some_and(|it| code.text(it) == name)
        };
        code.field(code.children(list).find(is_it)?, "value")
    }

    /// The node of a positional argument; none after a `*`.
    pub fn positional(&self, call: Id, index: usize) -> Option<Id> {
        self.positionals(call).nth(index)
    }

    pub(super) fn positionals(&self, call: Id) -> impl Iterator<Item = Id> {
        let code = self.code();
        let list = code.field(call, "arguments").filter(|list| code.kind(*list) == "argument_list");
        let plain = |id: &Id| code.kind(*id) != "keyword_argument" && code.kind(*id) != "dictionary_splat";
        let all = list.into_iter().flat_map(|list| code.children(list));
        all.filter(plain).take_while(|id| code.kind(*id) != "list_splat")
    }

    /// An argument by its place or its name; unknown where a `*` or `**` may hold it.
    pub fn argument(&self, call: Id, index: Option<usize>, name: &str) -> Option<Value> {
        if let Some(node) = index.and_then(|index| self.positional(call, index)) {
            return Some(self.value(node));
        }
        if let Some(node) = self.keyword(call, name) {
            return Some(self.value(node));
        }
        let code = self.code();
        let list = code.field(call, "arguments")?;
        for splat in code.children(list) {
            let whole = |id: Id| code.children(id).next().map(|inner| self.value(inner));
            match code.kind(splat) {
                "list_splat" if index.is_some() => {
                    return Some(self.or_unknown(Thing::None.into(), splat));
                }
                "dictionary_splat" => match whole(splat).map(|value| value.thing) {
                    Some(Thing::Dict(entries)) => {
                        if let Some((_, value)) = entries.into_iter().rev().find(|(key, _)| key == name) {
                            return Some(value);
                        }
                    }
                    _ => return Some(self.unknown(splat)),
                },
                _ => {}
            }
        }
        None
    }

    /// The full names of what is called: several where an instance is of several classes.
    pub fn callee(&self, call: Id) -> Vec<String> {
        let code = self.code();
        let Some(function) = code.field(call, "function") else { return Vec::new() };
        if code.kind(function) == "attribute" {
            let name = code.field(function, "attribute").map_or("", |name| code.text(name));
            if let Thing::Made(made) = self.part(function, "object").thing {
                return made.kinds.iter().map(|kind| format!("{kind}.{name}")).collect();
            }
        }
        let called = self.value(function);
        self.kinds(&called)
    }

    /// The instance that a method is called on.
    pub fn receiver(&self, call: Id) -> Option<Value> {
        let code = self.code();
        let function = code.field(call, "function").filter(|id| code.kind(*id) == "attribute")?;
        Some(self.part(function, "object"))
    }

    pub(super) fn call(&self, at: Id) -> Value {
        let code = self.code();
        let Some(function) = code.field(at, "function") else { return self.unknown(at) };
        if let Some(value) = self.method(at, function) {
            return value;
        }
        if code.kind(function) == "identifier"
            && self.find(code.text(function), function).is_none()
            && let Some(value) = self.builtin(at, code.text(function))
        {
            return value;
        }
        let called = self.value(function);
        match &called.thing {
            Thing::Named(name) if matches!(name.as_str(), "os.getenv" | "os.environ.get") => {
                self.environment(at)
            }
            Thing::Named(name) if name == "os.path.join" => self.joined(at),
            Thing::Named(_) | Thing::Class(_) => {
                let kinds = self.kinds(&called);
                Thing::Made(Rc::new(Made { call: self.spot(at), class: called, kinds })).into()
            }
            Thing::Function(function) => match self.here(*function) {
                Some(function) => self.returned(function),
                None => self.modules.returned(*function).unwrap_or_else(|| self.unknown(at)),
            },
            _ => self.or_unknown(called, at),
        }
    }

    /// What a function of this file returns.
    pub fn returned(&self, function: Id) -> Value {
        let code = self.code();
        if code.kind(function) == "lambda" {
            return self.part(function, "body");
        }
        let own = |id: &Id| {
            let mut around = code.ancestors(*id).take_while(|outer| *outer != function);
            code.kind(*id) == "return_statement" && !around.any(|outer| is_function(code.kind(outer)))
        };
        let returns = self.first("returns of one function", function, code.all_in(function).filter(own));
        let values = returns.filter_map(|id| match code.children(id).next() {
            Some(value) => self.once(value),
            None => Some(Thing::None.into()),
        });
        Value::agreed(values.collect(), "return").unwrap_or_else(|| self.unknown(function))
    }

    /// Methods of plain values and of the environment.
    fn method(&self, at: Id, function: Id) -> Option<Value> {
        let code = self.code();
        if code.kind(function) != "attribute" {
            return None;
        }
        let name = code.text(code.field(function, "attribute")?);
        if !matches!(name, "get" | "format" | "strip" | "startswith" | "split" | "lower" | "encode") {
            return None;
        }
        let object = self.part(function, "object");
        match (&object.thing, name) {
            (Thing::Environment, "get") => Some(self.environment(at)),
            (Thing::Dict(entries), "get") => {
                let key = self.argument(at, Some(0), "")?;
                let found = entries.iter().rev().find(|(name, _)| Some(name.as_str()) == key.text());
                let or_else = || self.argument(at, Some(1), "").unwrap_or_else(|| Thing::None.into());
                Some(found.map_or_else(or_else, |(_, value)| value.clone()))
            }
            (Thing::Text(text), "strip" | "lower" | "encode") => {
                let text = match name {
                    "strip" => text.trim().to_owned(),
                    "lower" => text.to_lowercase(),
                    _ => text.clone(),
                };
                Some(object.clone().computed(Thing::Text(text)))
            }
            (Thing::Text(text), "startswith") => {
                let start = self.argument(at, Some(0), "")?;
                Some(object.clone().computed(Thing::Truth(text.starts_with(start.text()?))))
            }
            (Thing::Text(text), "split") => {
                let by = self.argument(at, Some(0), "")?;
                let by = by.text().filter(|by| !by.is_empty())?;
                let parts = text.split(by).map(|part| Thing::Text(part.to_owned()).into()).collect();
                Some(object.clone().computed(Thing::List(parts)))
            }
            (Thing::Text(text), "format") => self.filled(at, text).map(|text| object.clone().computed(text)),
            _ => None,
        }
    }

    /// `"{}:{port}".format(host, port=port)`, with plain fields only.
    fn filled(&self, at: Id, format: &str) -> Option<Thing> {
        let mut text = String::new();
        let mut rest = format;
        let mut next = 0;
        while let Some(open) = rest.find('{') {
            text.push_str(rest.get(..open)?);
            let (field, after) = rest.get(open + 1..)?.split_once('}')?;
            let value = match field.parse() {
                Ok(index) => self.argument(at, Some(index), ""),
                Err(_) if field.is_empty() => {
                    next += 1;
                    self.argument(at, Some(next - 1), "")
                }
                Err(_) => self.argument(at, None, field),
            };
            text.push_str(&value?.string()?);
            rest = after;
        }
        text.push_str(rest);
        (!rest.contains('}')).then(|| self.computed_text(at, text).thing)
    }

    /// `os.environ.get("PORT", 8000)`.
    fn environment(&self, at: Id) -> Value {
        let Some(name) = self.argument(at, Some(0), "key") else { return self.unknown(at) };
        let Some(name) = name.text() else { return self.unknown(at) };
        if let Some(set) = self.variable(name) {
            return set;
        }
        let default = self.argument(at, Some(1), "default");
        let unless = vec![format!("{name} is set in the environment")];
        default.unwrap_or_else(|| Thing::None.into()).and_unless(&unless)
    }

    fn joined(&self, at: Id) -> Value {
        let mut path = std::path::PathBuf::new();
        let mut unless = Value::from(Thing::None);
        let mut parts = 0;
        for part in self.positionals(at) {
            let part = self.value(part);
            let Some(text) = part.text() else { return self.or_unknown(part, at) };
            path.push(text);
            unless = unless.and_unless(&part.unless);
            parts += 1;
        }
        if let Some(more) = self.argument(at, Some(parts), "") {
            return self.or_unknown(more, at);
        }
        Value::from(Thing::Text(path.to_string_lossy().into_owned())).and_unless(&unless.unless)
    }

    fn builtin(&self, at: Id, name: &str) -> Option<Value> {
        let first = || self.argument(at, Some(0), "");
        match name {
            "int" => {
                let value = first()?;
                Some(match value.integer() {
                    Some(number) => value.becomes(Thing::Number(number)),
                    // `int(None)` is an error: the program counts on the environment.
                    None => self.or_unknown(value, at),
                })
            }
            "str" => {
                let value = first()?;
                Some(match value.string() {
                    Some(text) => value.computed(Thing::Text(text)),
                    None => self.or_unknown(value, at),
                })
            }
            "bool" => {
                let value = first()?;
                Some(match value.truth() {
                    Some(truth) => value.computed(Thing::Truth(truth)),
                    None => self.or_unknown(value, at),
                })
            }
            "min" | "max" => {
                let (a, b) = (first()?, self.argument(at, Some(1), "")?);
                let three = self.argument(at, Some(2), "").is_some();
                let (x, y) = a.number().zip(b.number()).filter(|_| !three)?;
                let number = if name == "min" { x.min(y) } else { x.max(y) };
                Some(Value::from(Thing::Number(number)).and_unless(&a.unless).and_unless(&b.unless))
            }
            "len" => {
                let is_it = first()?.name() == Some("sys.argv");
                let count = self.modules.startup().count().filter(|_| is_it)?;
                Some(Thing::Number(i64::try_from(count + 1).ok()?).into())
            }
            "list" | "tuple" => first().filter(|value| matches!(value.thing, Thing::List(_))),
            "dict" => self.dict(at),
            "super" => self.superclass(at),
            _ => None,
        }
    }

    fn dict(&self, at: Id) -> Option<Value> {
        let code = self.code();
        let list = code.field(at, "arguments")?;
        let mut entries = Vec::new();
        for entry in code.children(list) {
            let name = code.field(entry, "name").filter(|_| code.kind(entry) == "keyword_argument")?;
            entries.push((code.text(name).to_owned(), self.part(entry, "value")));
        }
        Some(Thing::Dict(entries).into())
    }

    /// The class that a node lies in, where the innermost function is a method of it.
    fn class_around(&self, at: Id) -> Option<Id> {
        let code = self.code();
        let function = code.ancestors(at).find(|outer| is_function(code.kind(*outer)))?;
        self.class_of(function)
    }

    fn class_of(&self, function: Id) -> Option<Id> {
        let code = self.code();
        let mut outer = code.ancestors(function).filter(|id| code.kind(*id) != "decorated_definition");
        outer.next().filter(|block| code.kind(*block) == "block")?;
        outer.next().filter(|class| code.kind(*class) == "class_definition")
    }

    fn superclass(&self, at: Id) -> Option<Value> {
        let class = self.class_around(at)?;
        Some(self.instance(class))
    }

    fn instance(&self, class: Id) -> Value {
        let spot = self.spot(class);
        let class = Value::from(Thing::Class(spot));
        let kinds = self.kinds(&class);
        Thing::Made(Rc::new(Made { call: spot, class, kinds })).into()
    }

    /// What a function is called with; its own default where nothing in this file calls it.
    pub(super) fn parameter(&self, at: Id, of: Id, index: usize, default: Option<Id>) -> Option<Value> {
        let code = self.code();
        let class = self.class_of(of);
        if let Some(class) = class.filter(|_| index == 0) {
            return Some(match self.decorated(of, "classmethod") {
                true => Thing::Class(self.spot(class)).into(),
                false => self.instance(class),
            });
        }
        let name = code.all_in(at).find(|id| code.kind(*id) == "identifier").map_or("", |id| code.text(id));
        let function = code.field(of, "name").map_or("", |name| code.text(name));
        let called = match class.filter(|_| function == "__init__") {
            Some(class) => code.field(class, "name").map_or("", |name| code.text(name)),
            None => function,
        };
        let shift = usize::from(class.is_some() && !self.decorated(of, "staticmethod"));
        let calls = self.first("calls of one function", of, self.python.calls(called).iter().copied());
        let mut values = Vec::new();
        let is_it =
            |call: &Id| self.effort.deeper(code, *call, || self.calls_it(*call, of, class)).unwrap_or(false);
        for call in calls.filter(is_it) {
            values.extend(match self.argument(call, index.checked_sub(shift), name) {
                Some(value) => Some(value),
                None => default.and_then(|default| self.once(default)),
            });
        }
        values.extend(self.targets(of, index.checked_sub(shift)));
        if values.is_empty() {
            return Some(self.not_called(at, of, name, default));
        }
        let value = Value::agreed(values, name)?;
        Some(if value.is_known() { value } else { self.as_annotated(at).unwrap_or(value) })
    }

    /// What threads and processes are started with: `Process(target=serve, args=(sock,))`.
    fn targets(&self, of: Id, index: Option<usize>) -> Vec<Value> {
        let starts = ["Process", "Thread"].into_iter().flat_map(|name| self.python.calls(name)).copied();
        let is_it = |start: &Id| {
            let target = self.keyword(*start, "target");
            let target =
                target.and_then(|target| self.effort.deeper(self.code(), target, || self.once(target))?);
            target.is_some_and(|target| target.thing == Thing::Function(self.spot(of)))
        };
        let given = |start: Id| match self.argument(start, None, "args")?.thing {
            Thing::List(items) => items.get(index?).cloned(),
            _ => Some(self.unknown(start)),
        };
        self.first("threads and processes", of, starts).filter(is_it).filter_map(given).collect()
    }

    fn not_called(&self, at: Id, of: Id, name: &str, default: Option<Id>) -> Value {
        if let Some(value) = self.click_option(of, name) {
            return value;
        }
        let given = format!("the caller gives `{name}`");
        let default = default.and_then(|default| self.once(default));
        let known = default.filter(|value| value.thing != Thing::None);
        known
            .map(|value| value.and_unless(&[given]))
            .or_else(|| self.as_annotated(at))
            .unwrap_or_else(|| Value::unknown(format!("the caller decides `{name}`")))
    }

    /// A parameter of an imported type holds one of these, whoever gives it.
    fn as_annotated(&self, at: Id) -> Option<Value> {
        let code = self.code();
        let annotation = code.field(at, "type").and_then(|annotation| code.children(annotation).next())?;
        let class = self.once(annotation)?;
        let kinds = self.kinds(&class);
        let made = Made { call: self.spot(at), class, kinds };
        (!made.kinds.is_empty()).then(|| Thing::Made(Rc::new(made)).into())
    }

    /// Whether a call of the right name calls this function, or makes an instance of this class.
    fn calls_it(&self, call: Id, of: Id, class: Option<Id>) -> bool {
        let code = self.code();
        let Some(callee) = code.field(call, "function") else { return false };
        match (code.kind(callee), class) {
            ("identifier", _) => match self.find(code.text(callee), callee) {
                Some((_, bindings)) => self.first(BINDINGS, callee, bindings.iter()).any(|binding| {
                    matches!(binding.origin, Origin::Expression(node) if node == of || Some(node) == class)
                }),
                None => false,
            },
            ("attribute", Some(class)) => {
                let object = code.field(callee, "object").and_then(|object| self.once(object));
                match object.map(|object| object.thing) {
                    Some(Thing::Made(made)) => made.class.thing == Thing::Class(self.spot(class)),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    fn decorated(&self, function: Id, name: &str) -> bool {
        let code = self.code();
        let outer = code.parent(function).filter(|outer| code.kind(*outer) == "decorated_definition");
        let mut decorators = outer
            .into_iter()
            .flat_map(|outer| code.children(outer))
            .filter(|id| code.kind(*id) == "decorator");
        decorators.any(|id| code.text(id).trim_start_matches('@').trim() == name)
    }
}

/// The method of `optparse` gives a pair: the options, and what is left of the command line.
pub(super) fn is_optparse(kind: &str) -> bool {
    kind.starts_with("optparse.")
}
