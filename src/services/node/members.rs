//! What stands behind a dot: properties of objects, members of classes, exports of modules, the environment.

use super::eval::Evaluation;
use super::names::{NAMELESS, is_class, is_function, key};
use super::program::{File, FileId, Spot};
use super::servers::Listens;
use super::value::{Server, Thing, Value, agreed};
use crate::syntax::calls::{Code, Id};
use crate::syntax::startup::{Answer, Startup};

impl Evaluation<'_, '_> {
    pub(super) fn member_expression(&self, at: &Spot) -> Value {
        let parts = (self.program.field(at, "object"), self.program.field(at, "property"));
        let (Some(object), Some(property)) = parts else { return self.unknown(at) };
        self.member_of(&object, self.program.text(&property), at)
    }

    pub(super) fn subscript(&self, at: &Spot) -> Value {
        let Some(object) = self.program.field(at, "object") else { return self.unknown(at) };
        let index = self.part(at, "index");
        match (&index.thing, index.string()) {
            (Thing::Number(number), _) if *number >= 0.0 => {
                self.element(&self.value(&object), *number as usize, at)
            }
            (_, Some(name)) => self.member_of(&object, &name, at),
            _ => self.not_plain(index, at),
        }
    }

    /// A member of what an expression is: as it was made, or as it was assigned to since.
    fn member_of(&self, object: &Spot, name: &str, at: &Spot) -> Value {
        let whole = self.value(object);
        let made = self.member(&whole, name, at);
        if matches!(whole.thing, Thing::Object(_)) {
            return made;
        }
        let mut values = self.assigned_members(object, name);
        if values.is_empty() || made.is_known() {
            values.push(made);
        }
        agreed(values, self.program.text(at)).unwrap_or_else(|| self.unknown(at))
    }

    /// `object.name = value`, where the object is written alike and begins with the same name, or `this` of the same class.
    fn assigned_members(&self, object: &Spot, name: &str) -> Vec<Value> {
        let Some(file) = self.file(object) else { return Vec::new() };
        let assigned = file.names.members.get(name).into_iter().flatten();
        let here = assigned.filter(|(other, _)| is_the_same(file, object.node, *other));
        self.first(object, here).into_iter().filter_map(|(_, value)| self.once(&object.to(*value))).collect()
    }

    /// A property as a place finds it, after what was put into its object since that was made: `o.name = value`,
    /// `Object.assign(o, more)`, under whatever name the object goes. What may have come to pass `agrees` with what was
    /// there, or it is not known.
    pub(super) fn property_at(
        &self,
        made: &Spot,
        name: &str,
        reader: (FileId, Id),
        agrees: impl Fn(Value, Value) -> Option<Value>,
    ) -> Value {
        let other = Some(reader.0).filter(|file| *file != made.file);
        let mut value = self.property(made, name);
        for (store, later, surely) in
            [made.file].into_iter().chain(other).flat_map(|file| self.stores(file, made, name))
        {
            let twice = || Value::unknown(format!("`{name}` is assigned in more than one place"));
            value = match self.comes_before(made, &store, reader) {
                Some(false) => value,
                Some(true) if surely => later,
                _ if value.same(&later) => value,
                _ => agrees(value, later).unwrap_or_else(twice),
            };
        }
        value
    }

    /// What is put into an object in a file: where, what, and whether it surely is this object.
    fn stores(&self, file: FileId, made: &Spot, name: &str) -> Vec<(Spot, Value, bool)> {
        let (Some(root), Some(file)) = (self.program.root(file), self.program.file(file)) else {
            return Vec::new();
        };
        let (code, names) = (&file.code, &file.names);
        let of = |property| names.members.get(property).into_iter().flatten().copied();
        let calls = [
            ("assign", "Object.assign", Put::Merged),
            ("defineProperty", "Object.defineProperty", Put::Defined),
        ];
        let calls = calls.into_iter().flat_map(|(last, whole, put)| {
            names.calls.get(last).into_iter().flatten().filter_map(move |call| {
                let is_it = code.text(code.field(*call, "function")?) == whole;
                let first = code.children(code.field(*call, "arguments")?).next().filter(|_| is_it)?;
                Some(((first, *call), put))
            })
        });
        let all = of(name)
            .map(|store| (store, Put::Value))
            .chain(of(NAMELESS).map(|it| (it, Put::Any)))
            .chain(calls);
        let mut stores = Vec::new();
        for ((object, at), put) in self.first(&root, all.filter(|((it, _), _)| code.kind(*it) != "object")) {
            let Some(receiver) = self.once(&root.to(object)) else { continue };
            if !receiver.objects().iter().any(|object| object.is_at(made)) {
                continue;
            }
            let at = root.to(at);
            let value = match put {
                Put::Value => self.once(&at),
                Put::Any => Some(Value::unknown(format!("`{name}` may be assigned under another name"))),
                Put::Defined => match self.arguments(&at).as_slice() {
                    [_, key, how] if self.value(key).string().as_deref() == Some(name) => {
                        Some(self.member(&self.value(how), "value", how))
                    }
                    _ => None,
                },
                Put::Merged => self.property_of_all(&self.arguments(&at).split_off(1), name),
            };
            stores.extend(value.map(|value| (at, value, receiver.is_known())));
        }
        stores.sort_by_key(|(at, ..)| at.node);
        stores
    }

    /// Whether control comes to a statement after an object is made and before a place reads it, or only after both; `None`
    /// where a branch or a call decides it.
    fn comes_before(&self, made: &Spot, store: &Spot, (file, reader): (FileId, Id)) -> Option<bool> {
        let code = &self.file(store)?.code;
        let statement = code.ancestors(store.node).find(|node| {
            matches!(
                code.kind(*node),
                "expression_statement" | "lexical_declaration" | "variable_declaration"
            )
        })?;
        let block =
            code.parent(statement).filter(|it| matches!(code.kind(*it), "program" | "statement_block"))?;
        let function = |node| code.ancestors(node).find(|outer| is_function(code.kind(*outer)));
        let same_file = store.file == file;
        let holds_reader = same_file && code.contains(block, reader);
        let at_once = holds_reader && function(reader) == function(store.node);
        // An object that a function makes may be made more than once.
        let around = self
            .file(made)
            .and_then(|file| file.code.ancestors(made.node).find(|it| is_function(file.code.kind(*it))));
        let is_one = around.is_none_or(|outer| made.file == store.file && code.contains(outer, store.node));
        let with_made = made.file == store.file
            && code.contains(block, made.node)
            && around == function(store.node)
            && store.node > made.node;
        match store.node < reader || !same_file {
            true => (is_one && holds_reader || with_made).then_some(true),
            false => at_once.then_some(false),
        }
    }

    /// What the last of several objects has under a name.
    fn property_of_all(&self, objects: &[Spot], name: &str) -> Option<Value> {
        let values = objects.iter().rev().map(|object| self.member(&self.value(object), name, object));
        values.into_iter().find(|value| !value.is_nothing() || !value.unless.is_empty())
    }

    pub(super) fn member(&self, object: &Value, name: &str, at: &Spot) -> Value {
        let value = self.deeper(|| self.member_as_is(object, name, at));
        value.unwrap_or_else(|| self.unknown(at))
    }

    fn member_as_is(&self, object: &Value, name: &str, at: &Spot) -> Value {
        match &object.thing {
            Thing::Object(made) => {
                let agrees = |one, other| agreed(vec![one, other], name);
                self.property_at(made, name, (at.file, at.node), agrees).and_unless(&object.unless)
            }
            Thing::Instance(class) => {
                let own = self.class_member(class, name, false);
                own.or_else(|| listen_method(self.as_server(object)?, name))
                    .unwrap_or_else(|| self.unknown(at))
            }
            Thing::Server(server) => listen_method(server.clone(), name).unwrap_or_else(|| self.unknown(at)),
            Thing::Class(class) => self.class_member(class, name, true).unwrap_or_else(|| self.unknown(at)),
            Thing::File(file) => self.exported(*file, name),
            Thing::Module(module) => match (module.as_str(), name) {
                ("process", "env") => Thing::Environment.into(),
                ("process", "argv") => Thing::Arguments(0).into(),
                (_, "default") => object.clone(),
                _ => Thing::Export(module.clone(), name.to_owned()).into(),
            },
            Thing::Export(module, outer) => Thing::Export(module.clone(), format!("{outer}.{name}")).into(),
            Thing::Environment => self.variable(name),
            Thing::Foreign if self.program.text(at).starts_with("console") => Thing::Foreign.into(),
            _ => self.unknown(at),
        }
    }

    fn variable(&self, name: &str) -> Value {
        match self.startup.variable(name) {
            // Whoever reads it does so because it differs.
            Answer::Unsaid if name == "NODE_ENV" => Value::unknown("it depends on NODE_ENV"),
            answer => answered(answer, format!("{name} is set in the environment")),
        }
    }

    /// Node's own path comes first, and the program's.
    fn program_argument(&self, index: usize) -> Value {
        let own = index.checked_sub(2).map_or(Answer::Unsaid, |index| self.startup.argument(index));
        answered(own, "an argument says so".to_owned())
    }

    pub(super) fn element(&self, object: &Value, index: usize, at: &Spot) -> Value {
        match &object.thing {
            Thing::Array(made) => match self.program.children(made).get(index) {
                Some(element) if self.program.kind(element) != "spread_element" => self.value(element),
                Some(_) => self.unknown(at),
                None => Thing::Undefined.into(),
            },
            Thing::Arguments(cut) => self.program_argument(cut + index),
            _ => self.member(object, &index.to_string(), at),
        }
    }

    /// A property of an object literal: the last one of its name counts, and a spread may hold it too.
    pub(super) fn property(&self, made: &Spot, name: &str) -> Value {
        match self.program.kind(made) {
            "enum_declaration" => return self.variant(made, name),
            "call_expression" => {
                let value = self.property_of_all(&self.arguments(made), name);
                return value.unwrap_or_else(|| Thing::Undefined.into());
            }
            _ => {}
        }
        let Some(file) = self.file(made) else { return self.unknown(made) };
        for child in self.program.children(made).iter().rev() {
            let named = |role| {
                self.program.field(child, role).and_then(|name| key(&file.code, name.node)) == Some(name)
            };
            match self.program.kind(child) {
                "pair" if named("key") => return self.part(child, "value"),
                "shorthand_property_identifier" if self.program.text(child) == name => {
                    return self.value(child);
                }
                "method_definition" if named("name") => return self.method(child),
                "spread_element" => {
                    let spread = self.of_child(child, self.program.children(child).first());
                    let value = self.member(&spread, name, child);
                    if !value.is_nothing() || !value.unless.is_empty() {
                        return value;
                    }
                }
                _ => {}
            }
        }
        Thing::Undefined.into()
    }

    /// A variant of a TypeScript enum: one without a value is one more than the one before it.
    fn variant(&self, made: &Spot, name: &str) -> Value {
        let Some(body) = self.program.field(made, "body") else { return self.unknown(made) };
        let mut next = 0.0;
        for variant in self.program.children(&body) {
            let value = match self.program.kind(&variant) {
                "enum_assignment" => self.part(&variant, "value"),
                _ => Thing::Number(next).into(),
            };
            let own = self.program.field(&variant, "name").unwrap_or_else(|| variant.clone());
            if self.program.text(&own) == name {
                return value;
            }
            next = value.number().unwrap_or(f64::NAN) + 1.0;
        }
        Thing::Undefined.into()
    }

    /// A method is itself; a getter is what it returns.
    fn method(&self, at: &Spot) -> Value {
        let getter = self.file(at).is_some_and(|file| has_modifier(&file.code, at.node, "get"));
        if getter { self.returned(at, Vec::new(), at) } else { Thing::Function(at.clone()).into() }
    }

    /// The object that a method or a constructor works on.
    pub(super) fn this(&self, at: &Spot) -> Value {
        let Some(file) = self.file(at) else { return self.unknown(at) };
        let code = &file.code;
        let own = |node: &Id| {
            let kind = code.kind(*node);
            is_function(kind) && kind != "arrow_function" || is_field(kind) || kind == "class_static_block"
        };
        let Some(member) = code.ancestors(at.node).find(own) else { return self.unknown(at) };
        let around = code.ancestors(member).take(2);
        for node in around {
            match code.kind(node) {
                kind if is_class(kind) && is_static(code, member) => return Thing::Class(at.to(node)).into(),
                kind if is_class(kind) => return Thing::Instance(at.to(node)).into(),
                "object" => return Thing::Object(at.to(node)).into(),
                _ => {}
            }
        }
        self.unknown(at)
    }

    /// A field, method or assigned member of a class, its superclasses, and (for what a base class leaves open) its
    /// subclasses in the same file.
    pub(super) fn class_member(&self, class: &Spot, name: &str, of_class: bool) -> Option<Value> {
        let own = self.own_member(class, name, of_class);
        own.or_else(|| match self.heritage(class)?.thing {
            Thing::Class(base) => self.deeper(|| self.class_member(&base, name, of_class))?,
            _ => None,
        })
        .or_else(|| self.subclasses(class).iter().find_map(|sub| self.own_member(sub, name, of_class)))
    }

    fn own_member(&self, class: &Spot, name: &str, of_class: bool) -> Option<Value> {
        let file = self.file(class)?;
        let code = &file.code;
        let body = code.field(class.node, "body")?;
        let mut values = Vec::new();
        let mut types = Vec::new();
        for member in code.children(body).filter(|member| is_static(code, *member) == of_class) {
            let own = code.field(member, "property").or_else(|| code.field(member, "name"));
            match code.kind(member) {
                "method_definition" if own.is_some_and(|own| code.text(own) == "constructor") => {
                    values.extend(self.constructor_property(&class.to(member), name));
                }
                _ if own.and_then(|own| key(code, own)) != Some(name) => {}
                "method_definition" => return Some(self.method(&class.to(member))),
                kind if is_field(kind) => {
                    types.extend(code.field(member, "type"));
                    values.extend(code.field(member, "value").and_then(|value| self.once(&class.to(value))));
                }
                _ => {}
            }
        }
        let assigned = file.names.members.get(name).into_iter().flatten();
        let here =
            assigned.filter(|(object, _)| code.kind(*object) == "this" && code.contains(body, *object));
        values.extend(
            self.first(class, here).into_iter().filter_map(|(_, value)| self.once(&class.to(*value))),
        );
        let value = agreed(values, name);
        if types.is_empty() {
            return value;
        }
        let value = value.unwrap_or_else(|| self.unknown(class));
        Some(self.or_as_typed(class, value, types.into_iter())).filter(|value| value.is_known())
    }

    /// TypeScript's `constructor(private readonly server: Server)`: the parameter is a member as well.
    fn constructor_property(&self, constructor: &Spot, name: &str) -> Option<Value> {
        let code = &self.file(constructor)?.code;
        let parameters = code.field(constructor.node, "parameters")?;
        let own = code.children(parameters).find_map(|parameter| {
            let pattern = code.field(parameter, "pattern")?;
            let is_member = code.children(parameter).any(|it| code.kind(it) == "accessibility_modifier");
            (is_member && code.text(pattern) == name).then_some(pattern)
        })?;
        Some(self.value(&constructor.to(own)))
    }

    /// What a class extends.
    fn heritage(&self, class: &Spot) -> Option<Value> {
        let code = &self.file(class)?.code;
        let heritage = code.children(class.node).find(|child| code.kind(*child) == "class_heritage")?;
        let clause = code.children(heritage).next()?;
        let base = match code.kind(clause) {
            "extends_clause" => code.field(clause, "value")?,
            "implements_clause" => return None,
            _ => clause,
        };
        Some(self.value(&class.to(base)))
    }

    fn subclasses(&self, class: &Spot) -> Vec<Spot> {
        let Some(file) = self.file(class) else { return Vec::new() };
        let extends =
            |node: &&Id| file.code.children(**node).any(|it| file.code.kind(it) == "class_heritage");
        let classes = self.first(class, file.names.classes.iter().filter(extends)).into_iter();
        classes
            .map(|node| class.to(*node))
            .filter(|sub| !sub.is_at(class))
            .filter(|sub| matches!(self.heritage(sub), Some(Value { thing: Thing::Class(base), .. }) if base.is_at(class)))
            .collect()
    }

    pub(super) fn superclass(&self, at: &Spot) -> Value {
        let class = self.file(at).and_then(|file| class_around(&file.code, at.node));
        match class.and_then(|class| self.heritage(&at.to(class))) {
            Some(Value { thing: Thing::Class(base), .. }) => Thing::Instance(base).into(),
            Some(base) => self.server_made_by(&base, at).map_or_else(|| self.unknown(at), Value::from),
            None => self.unknown(at),
        }
    }

    /// The server that a value is: made by a module's export, or of a class that extends one.
    pub(super) fn as_server(&self, value: &Value) -> Option<Server> {
        match &value.thing {
            Thing::Server(server) => Some(server.clone()),
            Thing::Instance(class) => match self.heritage(class)? {
                Value { thing: Thing::Class(base), .. } => {
                    self.deeper(|| self.as_server(&Thing::Instance(base).into()))?
                }
                base => match self.server_made_by(&base, class)? {
                    Thing::Server(server) => Some(server),
                    _ => None,
                },
            },
            _ => None,
        }
    }

    /// What calling a module or one of its exports makes, if that is a server.
    pub(super) fn server_made_by(&self, maker: &Value, made: &Spot) -> Option<Thing> {
        let listens = match &maker.thing {
            Thing::Module(module) => self.program.servers.made_by(module, "default"),
            Thing::Export(module, name) => self.program.servers.made_by(module, name),
            _ => None,
        }?;
        let listens = if self.is_given_an_adapter(made) { Listens::NestFastify } else { listens };
        Some(Thing::Server(Server { listens, made: made.clone() }))
    }

    /// `NestFactory.create(AppModule, new FastifyAdapter())` listens by the adapter's rules.
    fn is_given_an_adapter(&self, made: &Spot) -> bool {
        let Some(arguments) = self.program.field(made, "arguments") else { return false };
        let adapter =
            |value: Value| matches!(value.thing, Thing::Server(Server { listens: Listens::NestFastify, .. }));
        let arguments = self.program.children(&arguments);
        arguments.iter().any(|argument| {
            let may_be = matches!(self.program.kind(argument), "new_expression" | "identifier");
            may_be && adapter(self.value(argument))
        })
    }
}

/// The method of a server that makes it listen.
fn listen_method(server: Server, name: &str) -> Option<Value> {
    let method = if server.listens == Listens::Hapi { "start" } else { "listen" };
    (name == method && server.listens != Listens::Hono).then(|| Thing::Listen(server).into())
}

/// Whether two expressions are written alike and begin with the same name, or with `this` of the same class.
fn is_the_same(file: &File<'_>, one: Id, other: Id) -> bool {
    let code = &file.code;
    let (own, begins) = (beginning(code, one), beginning(code, other));
    let scope = |node| file.names.scopes.find(code, code.text(node), node).map(|(scope, _)| scope);
    code.text(one) == code.text(other)
        && match (code.kind(own), code.kind(begins)) {
            ("identifier", "identifier") => scope(own) == scope(begins),
            ("this", "this") => class_around(code, own) == class_around(code, begins),
            _ => false,
        }
}

/// How something is put into an object: under a name, under one that is worked out, as a descriptor says, or with all
/// that another holds.
#[derive(Clone, Copy)]
enum Put {
    Value,
    Any,
    Defined,
    Merged,
}

/// What a chain of members begins with: `a` of `a.b.c`.
fn beginning(code: &Code<'_>, chain: Id) -> Id {
    let inward = |node: &Id| match code.kind(*node) {
        "member_expression" => code.field(*node, "object"),
        "non_null_expression" | "parenthesized_expression" => code.children(*node).next(),
        _ => None,
    };
    std::iter::successors(Some(chain), inward).last().unwrap_or(chain)
}

fn class_around(code: &Code<'_>, at: Id) -> Option<Id> {
    code.ancestors(at).find(|node| is_class(code.kind(*node)))
}

fn is_field(kind: &str) -> bool {
    matches!(kind, "field_definition" | "public_field_definition")
}

fn is_static(code: &Code<'_>, member: Id) -> bool {
    has_modifier(code, member, "static")
}

/// Whether a keyword stands before a member's name.
fn has_modifier(code: &Code<'_>, member: Id, keyword: &str) -> bool {
    let name = code.field(member, "property").or_else(|| code.field(member, "name"));
    let start = code.span(member).start;
    let before = name.map_or(0, |name| (code.span(name).start - start) as usize);
    let modifiers = code.text(member).get(..before).unwrap_or_default();
    modifiers.split_whitespace().any(|word| word == keyword)
}

/// What nobody sets is taken as not set.
fn answered(answer: Answer, reason: String) -> Value {
    match answer {
        Answer::Unsaid => Value { unless: vec![reason], ..Thing::Undefined.into() },
        Answer::Unclear(why) => Thing::Unknown { why, plain: true, may_be: Vec::new() }.into(),
        Answer::Set(set) => {
            let unless = Vec::from_iter(set.may_change.then_some(reason));
            Value { started: set.written(), unless, ..Thing::Text(set.text.to_string()).into() }
        }
    }
}
