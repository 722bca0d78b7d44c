//! From calls to openings: what each call that opens sockets is told, by its arguments, its settings or its class.

use std::rc::Rc;

use super::address::{self, Family, Place, Rules, why_not};
use super::slots;
use super::table::{Binds, Entry, Literal, Role};
use crate::services::Ground;
use crate::syntax::calls::Id;
use crate::syntax::python::{Made, Reading, Spot, Thing, Value, last_name};
use crate::text::{Slot, Span};

/// What listen(2) is called with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Backlog {
    /// The default of this name, and a place to write another.
    Default(String, Option<Slot>),
    /// A number, negative as asked for.
    Given {
        number: i64,
        at: Span,
        unless: Vec<String>,
        slot: Option<Slot>,
    },
    /// The C library's SOMAXCONN.
    Somaxconn(Span),
    Unknown(String),
}

/// One call that opens sockets.
#[derive(Debug, Clone)]
pub(super) struct Opening<'t> {
    pub library: &'t str,
    pub entry: Option<&'t Entry>,
    pub call: Id,
    pub place: Place,
    pub backlog: Backlog,
    /// `None` where it depends on the machine.
    pub sockets: Option<u32>,
    /// The socket that listens, where the program made it.
    pub socket: Option<Spot>,
}

/// Where a call is told what.
enum Told {
    Arguments(Id, usize),
    Instance(Rc<Made>),
    Settings { entries: Vec<(String, Value)>, of: String },
    Nowhere(String),
}

/// Works out the openings of one file.
pub(super) struct Openings<'r, 'p, 'a, 't> {
    pub ground: Ground<'t>,
    pub reading: &'r Reading<'p, 'a>,
}

impl<'t> Openings<'_, '_, '_, 't> {
    /// What a call opens by the rules of a library; `name` is how it was found.
    pub(super) fn of_call(&self, entry: &'t Entry, call: Id, name: &str) -> Option<Opening<'t>> {
        let told = self.told(entry, call, name);
        let class = self.class_of(entry, call);
        if name.ends_with(".__init__") || !self.is_replaced(&class) {
            self.activates(entry, &told)?;
        } else {
            return None;
        }
        let (place, socket) = self.place(entry, &told, class.as_ref())?;
        let reuses = entry.reuse_port.as_ref().and_then(|role| self.given(&told, role));
        let sockets = match reuses.map(|value| value.truth()) {
            Some(Some(false)) | None => self.workers(entry, &told),
            Some(_) => None,
        };
        Some(Opening {
            library: &entry.library,
            entry: Some(entry),
            call,
            place,
            backlog: self.backlog(entry, &told, call, class.as_ref()),
            sockets,
            socket,
        })
    }

    fn told(&self, entry: &Entry, call: Id, name: &str) -> Told {
        if let Some(config) = &entry.config {
            let given = self.reading.argument(call, config.at, &config.name);
            return match given.map(|value| value.thing) {
                Some(Thing::Made(made)) if made.kinds.iter().any(|kind| config.classes.contains(kind)) => {
                    Told::Instance(made)
                }
                _ => Told::Nowhere("its configuration comes from elsewhere".to_owned()),
            };
        }
        if let Some(settings) = &entry.settings {
            return self.settings(&settings.update, &settings.of);
        }
        // A method that is called on its class is given the instance first.
        let unbound = name.ends_with(".__init__")
            && !matches!(self.reading.receiver(call).map(|value| value.thing), Some(Thing::Made(_)));
        Told::Arguments(call, usize::from(unbound))
    }

    /// All settings of the whole program.
    fn settings(&self, update: &str, of: &str) -> Told {
        let mut entries = Vec::new();
        let calls = self.reading.python.calls("update").iter().take(32);
        for call in calls.filter(|call| self.reading.callee(**call).iter().any(|name| name == update)) {
            match self.reading.argument(*call, Some(0), "").map(|value| value.thing) {
                Some(Thing::Dict(more)) => entries.extend(more),
                _ => return Told::Nowhere("its settings come from elsewhere".to_owned()),
            }
        }
        Told::Settings { entries, of: of.to_owned() }
    }

    /// What is given for a role; nothing for the library's own default.
    fn given(&self, told: &Told, role: &Role) -> Option<Value> {
        match told {
            Told::Arguments(call, shift) => {
                self.reading.argument(*call, role.at.map(|at| at + shift), &role.name)
            }
            Told::Instance(made) => {
                let value = self.reading.of_instance(made, &role.name)?;
                let inherited = |kind: &String| value.name() == Some(&format!("{kind}.{}", role.name));
                (!made.kinds.iter().any(inherited)).then_some(value)
            }
            Told::Settings { entries, of } => {
                let key = format!("server.{}", role.name);
                let set = entries.iter().rev().find(|(name, _)| *name == key);
                set.map(|(_, value)| value.clone()).or_else(|| self.reading.assigned_to(of, &role.name))
            }
            Told::Nowhere(why) => Some(Value::unknown(why.clone())),
        }
    }

    /// What is given for a role, or the library's default; `None` counts as not given where there is a default.
    fn or_default(&self, told: &Told, role: &Role) -> Option<Value> {
        let default = role.default.as_ref().map(|default| match default {
            Literal::Number(number) => Value::from(Thing::Number(*number)),
            Literal::Text(text) => Value::from(Thing::Text(text.clone())),
        });
        match self.given(told, role) {
            Some(value) if value.thing == Thing::None => match default {
                Some(default) if value.unless.is_empty() => Some(default),
                _ => Some(value),
            },
            Some(value) => Some(value),
            None => default,
        }
    }

    /// The class whose instance listens.
    fn class_of(&self, entry: &Entry, call: Id) -> Option<Value> {
        if let Some(role) = &entry.class {
            return self.reading.argument(call, role.at, &role.name);
        }
        match self.reading.receiver(call).map(|receiver| receiver.thing) {
            Some(Thing::Made(made)) => Some(made.class.clone()),
            _ => {
                let code = &self.reading.python.code;
                Some(self.reading.value(code.field(call, "function")?))
            }
        }
    }

    /// Whether a class has an `__init__` of its own, which says what is opened.
    fn is_replaced(&self, class: &Option<Value>) -> bool {
        match class.as_ref().map(|class| &class.thing) {
            Some(Thing::Class(class)) => self.reading.of_class(*class, "__init__").is_some(),
            _ => false,
        }
    }

    fn activates(&self, entry: &Entry, told: &Told) -> Option<()> {
        let role = entry.activate.as_ref();
        let activates = role.and_then(|role| self.given(told, role)).and_then(|value| value.truth());
        let later = || !self.reading.python.calls("server_activate").is_empty();
        (activates != Some(false) || later()).then_some(())
    }

    /// How many sockets there are alike.
    fn workers(&self, entry: &Entry, told: &Told) -> Option<u32> {
        let Some(role) = &entry.each_worker else { return Some(1) };
        match self.given(told, role) {
            None => Some(1),
            Some(value) => value.number().and_then(|number| u32::try_from(number).ok()),
        }
    }

    fn place(&self, entry: &Entry, told: &Told, class: Option<&Value>) -> Option<(Place, Option<Spot>)> {
        if let Told::Nowhere(why) = told {
            return Some((Place::unknown(why), None));
        }
        let given = |role: &Option<Role>| role.as_ref().and_then(|role| self.given(told, role));
        let something = |value: &Value| value.thing != Thing::None;
        if let Some(socket) = given(&entry.socket).filter(something) {
            return Some(self.of_socket(&socket));
        }
        let rules = self.rules(entry, told, class);
        if rules.family == Family::Other {
            return None;
        }
        let path = given(&entry.path).filter(something);
        let told_tcp =
            [&entry.host, &entry.port].iter().any(|role| given(role).is_some_and(|it| something(&it)));
        let mut all = Place::default();
        if let Some(path) = &path {
            match &path.thing {
                Thing::List(paths) => paths.iter().for_each(|path| all.join(address::unix(path))),
                _ => all.join(address::unix(path)),
            }
        }
        let is_unix_only = entry.path.is_some() && entry.port.is_none();
        if is_unix_only && path.is_none() {
            return Some((Place::unknown("it is not told here"), None));
        }
        if path.is_none() || entry.beside_path && told_tcp {
            // A path or a socket that only the environment or the command line may give.
            let may_be = [&entry.path, &entry.socket].into_iter().filter_map(given);
            let unless: Vec<String> = may_be.flat_map(|value| value.unless).collect();
            match self.tcp(entry, told, &rules) {
                Ok(place) => all.join(if path.is_none() { place.unless(&unless) } else { place }),
                Err(socket) => return socket,
            }
        }
        Some((all, None))
    }

    /// The addresses of TCP; a socket where an address may be one.
    fn tcp(
        &self,
        entry: &Entry,
        told: &Told,
        rules: &Rules<'_>,
    ) -> Result<Place, Option<(Place, Option<Spot>)>> {
        let or_default = |role: &Option<Role>| role.as_ref().and_then(|role| self.or_default(told, role));
        let port = or_default(&entry.port);
        let no_port = || Thing::Number(0).into();
        if let Some(addresses) = or_default(&entry.addresses) {
            return Ok(rules.addresses(&addresses, &port.unwrap_or_else(no_port)));
        }
        let Some(role) = &entry.address else {
            let host = or_default(&entry.host);
            let unix = host
                .as_ref()
                .and_then(Value::text)
                .and_then(|host| host.strip_prefix("unix://").or_else(|| host.strip_prefix("unix:")));
            return Ok(match unix {
                Some(path) => address::unix(&Thing::Text(path.to_owned()).into()),
                None => rules.host_and_port(host.as_ref(), &port.unwrap_or_else(no_port)),
            });
        };
        let Some(address) = self.given(told, role) else {
            return Ok(Place::unknown("it is not told here"));
        };
        match &address.thing {
            // gevent takes a socket that listens already.
            Thing::Made(made) if self.is_socket(made) || entry.binds == Binds::Gevent => Err(None),
            _ => Ok(rules.address(&address)),
        }
    }

    fn rules(&self, entry: &Entry, told: &Told, class: Option<&Value>) -> Rules<'t> {
        let family = entry.family.as_ref().and_then(|role| self.given(told, role));
        let of_class = || {
            let name = entry.family_attribute.as_ref()?;
            match class.map(|class| &class.thing) {
                Some(Thing::Class(class)) => self.reading.of_class(*class, name),
                _ => None,
            }
        };
        let family = Family::of(family.or_else(of_class).as_ref());
        let dual = entry.dual_stack.as_ref().map(|role| self.given(told, role).and_then(|dual| dual.truth()));
        let forks = entry.forks.iter().any(|name| {
            let role = Role { at: None, name: name.clone(), default: None };
            self.given(told, &role).is_some_and(|value| match value.thing {
                Thing::Number(number) => number > 1,
                _ => value.truth().unwrap_or(false),
            })
        });
        let binds = if forks { Binds::Colon } else { entry.binds };
        Rules { ground: self.ground, binds, family, v6_only: dual.is_some_and(|dual| dual != Some(true)) }
    }

    /// The address of a socket that is handed over, and the socket.
    fn of_socket(&self, socket: &Value) -> (Place, Option<Spot>) {
        let first = match &socket.thing {
            Thing::List(sockets) if sockets.len() == 1 => sockets.first(),
            _ => Some(socket),
        };
        match first.map(|socket| &socket.thing) {
            Some(Thing::Made(made)) => {
                let made = self.bare(made);
                (
                    self.bound(&made, None).unwrap_or_else(|| Place::unknown("it is not told here")),
                    Some(made.call),
                )
            }
            _ => (Place::unknown("the socket is handed over by who starts the program"), None),
        }
    }

    fn is_socket(&self, made: &Rc<Made>) -> bool {
        self.bare(made).kinds.iter().any(|kind| kind.ends_with("socket.socket") || kind.ends_with(".listen"))
    }

    /// The socket inside of what `ssl` wraps.
    fn bare(&self, made: &Rc<Made>) -> Rc<Made> {
        let wrapped = made.kinds.iter().any(|kind| kind.ends_with("wrap_socket"));
        let inner = self.reading.here(made.call).filter(|_| wrapped);
        match inner.and_then(|call| self.reading.argument(call, Some(0), "sock")).map(|value| value.thing) {
            Some(Thing::Made(inner)) => inner,
            _ => made.clone(),
        }
    }

    /// `socket.listen`: the address is that of the `bind` before it.
    pub(super) fn of_listen(&self, call: Id, is_socket: impl Fn(&str) -> bool) -> Option<Opening<'t>> {
        let receiver = self.reading.receiver(call)?;
        let made = match &receiver.thing {
            Thing::Made(made) => Some(self.bare(made)),
            Thing::Unknown(_) => None,
            _ => return None,
        };
        let text = self.receiver_text(call)?;
        let (place, socket) = match &made {
            Some(made) if made.kinds.iter().any(|kind| is_socket(kind)) => {
                let place = self.bound(made, Some(call))?;
                (place, Some(made.call))
            }
            Some(_) => return None,
            None if self.is_called_a_socket(text) => (Place::unknown("the socket is made elsewhere"), None),
            None => return None,
        };
        let given = self.reading.argument(call, Some(0), "");
        let backlog = match given {
            Some(value) => self.number(&value, call, "socket"),
            None => {
                let slot = slots::for_argument(&self.reading.python.code, call, None);
                Backlog::Default("socket".to_owned(), slot)
            }
        };
        Some(Opening { library: "socket", entry: None, call, place, backlog, sockets: Some(1), socket })
    }

    fn receiver_text(&self, call: Id) -> Option<&str> {
        let code = &self.reading.python.code;
        let function = code.field(call, "function")?;
        Some(code.text(code.field(function, "object")?))
    }

    /// What nobody else listens on, in a file that knows of sockets.
    fn is_called_a_socket(&self, text: &str) -> bool {
        let last = text.rsplit('.').next().unwrap_or(text).to_ascii_lowercase();
        let knows = self.reading.last("socket").is_some_and(|value| value.name() == Some("socket"));
        knows && last.contains("sock")
    }

    /// The address that a socket is bound to; nothing where it is none of TCP or unix.
    fn bound(&self, made: &Made, before: Option<Id>) -> Option<Place> {
        let Some(call) = self.reading.here(made.call) else {
            return Some(Place::unknown("the socket is made in another file"));
        };
        let made_here = self.reading.python.code.kind(call) == "call";
        let argument = |index, name| self.reading.argument(call, Some(index), name).filter(|_| made_here);
        let family = Family::of(argument(0, "family").as_ref());
        let is_datagram = argument(1, "type").is_some_and(|kind| {
            kind.name().is_some_and(|name| name.ends_with("SOCK_DGRAM") || name.ends_with("SOCK_RAW"))
        });
        if family == Family::Other || is_datagram {
            return None;
        }
        let v6_only = self.on("setsockopt", made, before).into_iter().any(|option| {
            let is_it = |value: Value| value.name().is_some_and(|name| name.ends_with("IPV6_V6ONLY"));
            self.reading.argument(option, Some(1), "").is_some_and(is_it)
                && self.reading.argument(option, Some(2), "").and_then(|value| value.truth()) == Some(true)
        });
        let rules = Rules { ground: self.ground, binds: Binds::Family, family, v6_only };
        let binds = self.on("bind", made, before);
        let mut places = binds.iter().filter_map(|bind| self.reading.argument(*bind, Some(0), "address"));
        let Some(first) = places.next() else {
            return Some(Place::unknown("nothing binds the socket here"));
        };
        let place = match (&first.thing, family) {
            (Thing::Text(_) | Thing::Unknown(_) | Thing::None, Family::Unix) => address::unix(&first),
            _ => rules.address(&first),
        };
        Some(match places.all(|other| rules.address(&other) == rules.address(&first)) {
            true => place,
            false => Place::unknown("it is bound in more than one place"),
        })
    }

    /// The calls of a method on an instance; of several, those in the function that the call at hand is in.
    fn on(&self, method: &str, made: &Made, near: Option<Id>) -> Vec<Id> {
        let code = &self.reading.python.code;
        let is_it = |call: &Id| match self.reading.receiver(*call).map(|value| value.thing) {
            Some(Thing::Made(other)) => self.bare(&other).call == made.call,
            _ => false,
        };
        let calls = self.reading.python.calls(method).iter().copied().take(64).filter(is_it);
        let calls: Vec<Id> = calls.collect();
        let function = |id: Id| code.ancestors(id).find(|outer| code.kind(*outer) == "function_definition");
        let close: Vec<Id> = match near {
            Some(near) => calls.iter().copied().filter(|call| function(*call) == function(near)).collect(),
            None => Vec::new(),
        };
        if close.is_empty() { calls } else { close }
    }

    fn backlog(&self, entry: &Entry, told: &Told, call: Id, class: Option<&Value>) -> Backlog {
        let Some(default) = &entry.default else {
            return Backlog::Unknown(format!("{} picks the server when it starts", entry.library));
        };
        if let Some(role) = &entry.engine {
            let engine = self.or_default(told, role);
            let is_plain = engine.as_ref().and_then(Value::text).is_some_and(|name| name == "wsgiref");
            if !is_plain {
                return Backlog::Unknown("another server does the work".to_owned());
            }
        }
        if let Some(attribute) = &entry.attribute {
            return self.attribute(entry, attribute, default, call, class);
        }
        if let Told::Nowhere(why) = told {
            return Backlog::Unknown(why.clone());
        }
        let Some(role) = &entry.backlog else { return Backlog::Default(default.clone(), None) };
        match self.given(told, role) {
            Some(value) if value.thing == Thing::None && value.unless.is_empty() => {
                Backlog::Default(default.clone(), None)
            }
            Some(value) => self.number(&value, call, default),
            None => Backlog::Default(default.clone(), self.slot(told, &role.name)),
        }
    }

    /// A place for a backlog that is not told.
    fn slot(&self, told: &Told, name: &str) -> Option<Slot> {
        let python = self.reading.python;
        match told {
            Told::Arguments(call, _) => slots::for_argument(&python.code, *call, Some(name)),
            Told::Instance(made) => slots::behind_statement(python, self.reading.here(made.call)?, name),
            Told::Settings { .. } | Told::Nowhere(_) => None,
        }
    }

    /// The number that an attribute of the class is, in the program or put there from outside.
    fn attribute(
        &self,
        entry: &Entry,
        name: &str,
        default: &str,
        call: Id,
        class: Option<&Value>,
    ) -> Backlog {
        let own = match class.map(|class| &class.thing) {
            Some(Thing::Class(class)) => self.reading.of_class(*class, name),
            _ => None,
        };
        let kinds = class.map(|class| self.reading.kinds(class)).unwrap_or_default();
        let patched = || {
            let kinds = kinds.iter().chain(entry.calls.first());
            kinds.take(8).find_map(|kind| self.reading.assigned_to(kind, name))
        };
        match own.or_else(patched) {
            Some(value) => self.number(&value, call, default),
            None => {
                let here = match class.map(|class| &class.thing) {
                    Some(Thing::Class(class)) => self.reading.here(*class),
                    _ => None,
                };
                let slot = here.and_then(|class| slots::for_attribute(self.reading.python, class, name));
                Backlog::Default(default.to_owned(), slot)
            }
        }
    }

    /// A number as listen(2) gets it.
    fn number(&self, value: &Value, call: Id, default: &str) -> Backlog {
        let code = &self.reading.python.code;
        if value.name().is_some_and(|name| name == "SOMAXCONN" || name.ends_with("socket.SOMAXCONN")) {
            return Backlog::Somaxconn(code.span(call));
        }
        let number = match &value.thing {
            Thing::Text(_) if default == "waitress" => value.integer(),
            _ => value.number(),
        };
        match number {
            Some(number) if i32::try_from(number).is_ok() => Backlog::Given {
                number,
                at: value.written.unwrap_or_else(|| code.span(call)),
                unless: value.unless.clone(),
                slot: value.written.and_then(|at| slots::of_literal(self.reading.python, at, call)),
            },
            Some(_) => Backlog::Unknown("no C int holds the number".to_owned()),
            None => Backlog::Unknown(why_not(value, "number")),
        }
    }

    /// What is shown of a call: from its last name to its end.
    pub(super) fn site(&self, call: Id) -> Span {
        let code = &self.reading.python.code;
        let function = code.field(call, "function");
        let name = function.map(|function| code.field(function, "attribute").unwrap_or(function));
        let span = code.span(call);
        Span { start: name.map_or(span.start, |name| code.span(name).start), ..span }
    }

    /// Whether a call is one of a method of this name.
    pub(super) fn is_method(&self, call: Id, name: &str) -> bool {
        let code = &self.reading.python.code;
        let function = code.field(call, "function").filter(|id| code.kind(*id) == "attribute");
        function.and_then(|function| last_name(code, function)) == Some(name)
    }

    /// Whether a method is called on something unknown whose last name ends in a word.
    pub(super) fn is_called_on(&self, call: Id, method: &str, word: &str) -> bool {
        self.is_method(call, method)
            && self.reading.receiver(call).is_some_and(|receiver| !receiver.is_known())
            && self.receiver_text(call).is_some_and(|text| text.to_ascii_lowercase().ends_with(word))
    }

    /// Whether a call may open something at all: by its last name, or because a class may be made by it.
    pub(super) fn may_matter(&self, call: Id, known: impl Fn(&str) -> bool) -> bool {
        let code = &self.reading.python.code;
        let Some(function) = code.field(call, "function") else { return false };
        let Some(name) = last_name(code, function) else { return false };
        known(name)
            || name.starts_with(char::is_uppercase)
            || (code.kind(function) == "identifier" && self.reading.may_be_imported(function))
    }
}
