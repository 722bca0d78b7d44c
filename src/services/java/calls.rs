//! The calls that give plain values and addresses: the environment, properties, parsing, java.net's addresses.

use super::classes::Class;
use super::eval::{Evaluation, parsed};
use super::value::{Host, Outside, Thing, Value};
use crate::syntax::calls::Id;

impl Evaluation<'_, '_> {
    pub(super) fn called(&self, call: Id) -> Value {
        let arguments = self.arguments(call);
        let object = self.field(call, "object");
        let on = object.map_or("", |object| self.text(object));
        let found = match (on, self.method(call)) {
            ("System", _) => self.of_system(call, &arguments),
            (_, "parseInt" | "parseUnsignedInt" | "decode") => self.argument(&arguments, 0).and_then(parsed),
            ("Integer" | "Short" | "Long", "valueOf") => self.argument(&arguments, 0).and_then(parsed),
            ("Integer" | "Long", "getInteger" | "getLong") => {
                self.set_outside(&arguments, call, Outside::Property)
            }
            ("System.getenv()", "getOrDefault") => self.set_outside(&arguments, call, Outside::Variable),
            ("Path", "of") | ("Paths", "get") if arguments.len() == 1 => self.argument(&arguments, 0),
            ("Optional", "of" | "ofNullable") => self.argument(&arguments, 0),
            ("Objects", "requireNonNullElse") => {
                let both = arguments.iter().map(|argument| self.value(*argument)).collect();
                Value::agreed(both, on)
            }
            ("Objects", "requireNonNull") => self.argument(&arguments, 0),
            (_, "orElse") => {
                let whole = object.map(|object| self.value(object));
                Value::agreed(whole.into_iter().chain(self.argument(&arguments, 0)).collect(), on)
            }
            (_, "map" | "filter" | "trim" | "strip" | "intValue" | "toString") => {
                object.and_then(|object| parsed_if(self.value(object), self.method(call)))
            }
            // Vert.x, Typesafe and others: a key and what holds without it.
            (_, "getInteger" | "getInt") if arguments.len() == 2 => {
                self.set_outside(&arguments, call, Outside::Setting)
            }
            // Commons CLI: an option of the command line, and what holds without it.
            (_, "getOptionValue") if arguments.len() == 2 => {
                self.set_outside(&arguments, call, |_| Outside::Argument)
            }
            _ => self.address_called(call, &arguments),
        };
        let found = found.filter(|value| !matches!(&value.thing, Thing::Unknown(_)));
        found.or_else(|| self.returned(call)).unwrap_or_else(|| self.unknown(call))
    }

    pub(super) fn argument(&self, arguments: &[Id], index: usize) -> Option<Value> {
        arguments.get(index).map(|argument| self.value(*argument))
    }

    fn of_system(&self, call: Id, arguments: &[Id]) -> Option<Value> {
        match self.method(call) {
            "getenv" => self.set_outside(arguments, call, Outside::Variable),
            "getProperty" => self.set_outside(arguments, call, Outside::Property),
            _ => None,
        }
    }

    /// What something outside is asked for by its name, with the value that holds where it is not set.
    fn set_outside(&self, arguments: &[Id], call: Id, kind: fn(String) -> Outside) -> Option<Value> {
        let name = self.argument(arguments, 0)?.text()?.to_owned();
        match self.argument(arguments, 1) {
            Some(value) if value.why_unknown().is_none() => Some(value.and_unless(&[kind(name)])),
            Some(unknown) => Some(unknown),
            None => Some(Value::new(Thing::Outside(kind(name)), self.span(call))),
        }
    }

    fn address_called(&self, call: Id, arguments: &[Id]) -> Option<Value> {
        let class = self.class_itself(self.field(call, "object")?)?;
        let thing = match (class, self.method(call)) {
            (Class::Address, "getByName") => {
                let named = self.argument(arguments, 0)?;
                return Some(self.host(named));
            }
            (Class::Address, "getLoopbackAddress") => Thing::Host(Host::Loopback),
            (Class::Address, "getLocalHost") => {
                Thing::Host(Host::Unknown("it is what the machine's name resolves to".to_owned()))
            }
            (Class::SocketAddress, "createUnresolved") => return self.socket_address(call, arguments),
            (Class::UnixAddress, "of") => return self.unix_address(call, arguments),
            _ => return None,
        };
        Some(Value::new(thing, self.span(call)))
    }

    pub(super) fn created(&self, new: Id) -> Value {
        let class = self.field(new, "type").and_then(|class| self.class_named(self.text(class)));
        let arguments = self.arguments(new);
        let made = match class {
            Some(Class::SocketAddress) => self.socket_address(new, &arguments),
            Some(Class::UnixAddress) => self.unix_address(new, &arguments),
            _ => None,
        };
        made.unwrap_or_else(|| self.unknown(new))
    }

    /// InetAddress.getByName of a value.
    pub(super) fn host(&self, named: Value) -> Value {
        let host = match &named.thing {
            Thing::Text(name) => Host::Named(name.clone()),
            Thing::Null => Host::Loopback,
            Thing::Host(host) => host.clone(),
            Thing::Outside(_) => return named,
            _ => Host::Unknown(named.why_unknown().unwrap_or_else(|| "it is no address".to_owned())),
        };
        named.becomes(Thing::Host(host))
    }

    /// `new InetSocketAddress(port)`, `(host, port)`.
    fn socket_address(&self, at: Id, arguments: &[Id]) -> Option<Value> {
        let place = match *arguments {
            [port] => self.place(None, &self.value(port)),
            [host, port] => self.place(Some(&self.value(host)), &self.value(port)),
            _ => return None,
        };
        Some(Value::new(Thing::At(place), self.span(at)))
    }

    fn unix_address(&self, at: Id, arguments: &[Id]) -> Option<Value> {
        let path = self.argument(arguments, 0)?;
        Some(Value::new(Thing::At(self.unix(&path)), self.span(at)))
    }
}

/// `map` keeps what is given from outside, whatever it is made into.
fn parsed_if(value: Value, method: &str) -> Option<Value> {
    match (&value.thing, method) {
        (Thing::Outside(_), _) => Some(value),
        (Thing::Text(_) | Thing::Number(_), "trim" | "strip" | "intValue" | "toString") => Some(value),
        _ => None,
    }
}
