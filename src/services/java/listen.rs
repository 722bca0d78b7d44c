//! The calls that listen, and what each asks for: Java's own classes and what is built on them.

use std::net::{IpAddr, Ipv4Addr};

use super::classes::Class;
use super::eval::Evaluation;
use super::value::{Place, Thing, Value};
use super::{names, place};
use crate::model::Endpoint;
use crate::syntax::calls::Id;
use crate::text::{Slot, Span};

/// What a program asks for at a call.
#[derive(Debug)]
pub(super) struct Asked {
    pub place: Place,
    pub backlog: Backlog,
    /// Several processes or threads may share the address, each with a queue of its own.
    pub shared: bool,
}

/// The number that a program gives, and what holds where it gives none.
#[derive(Debug)]
pub(super) struct Backlog {
    pub given: Option<Value>,
    /// The default where nothing is given, and where what is given is less than `least`.
    pub default: Fallback,
    pub too_small: Fallback,
    pub least: i64,
    /// The place for a number that is not given.
    pub slot: Option<Slot>,
}

/// A default of our table, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fallback {
    pub name: &'static str,
    pub what: &'static str,
}

pub(super) const JAVA: Fallback = Fallback { name: "backlog", what: "Java's own default" };
pub(super) const NETTY: Fallback =
    Fallback { name: "netty-backlog", what: "Netty's own default: all that somaxconn allows" };
pub(super) const UNDERTOW: Fallback = Fallback { name: "undertow-backlog", what: "Undertow's own default" };
pub(super) const JETTY: Fallback =
    Fallback { name: "backlog", what: "Jetty leaves it to Java's own default" };

impl Backlog {
    /// Java takes what is below 1 for its default (ServerSocket.bind, sun.nio.ch.Net).
    pub(super) fn java(given: Option<Value>, slot: Option<Slot>) -> Self {
        Self { given, default: JAVA, too_small: JAVA, least: 1, slot }
    }
}

impl Evaluation<'_, '_> {
    /// What a call or `new` asks for; `None` if it does not listen.
    pub(super) fn asked(&self, call: Id) -> Option<Asked> {
        match self.kind(call) {
            "object_creation_expression" => self.asked_by_new(call),
            "method_invocation" => self.asked_by_call(call),
            _ => None,
        }
    }

    fn asked_by_new(&self, new: Id) -> Option<Asked> {
        let arguments = self.arguments(new);
        match self.class_named(self.text(self.field(new, "type")?))? {
            Class::Socket => self.socket(new, &arguments),
            Class::Jetty => self.jetty(&arguments),
            Class::JettyConnector => Some(self.jetty_connector(new)),
            _ => None,
        }
    }

    fn asked_by_call(&self, call: Id) -> Option<Asked> {
        let arguments = self.arguments(call);
        let object = self.field(call, "object")?;
        match self.method(call) {
            "bind" | "bindNow" | "bindUntilJavaShutdown" => match self.class(object)? {
                Class::Socket | Class::Channel => self.bind(object, &arguments),
                Class::HttpServer => self.http_server(&arguments),
                Class::Netty => self.netty(call, object, &arguments),
                Class::Reactor => Some(self.reactor(call, object)),
                _ => None,
            },
            "create" if self.class_itself(object) == Some(Class::HttpServer) => self.http_server(&arguments),
            "createServerSocket" if self.class(object) == Some(Class::Factory) => {
                self.socket(call, &arguments)
            }
            "listen" if self.class(object) == Some(Class::VertxServer) => {
                Some(self.vertx(call, object, &arguments))
            }
            "addHttpListener" | "addHttpsListener" | "addAjpListener"
                if self.class(object) == Some(Class::UndertowBuilder) =>
            {
                self.undertow(call, &arguments)
            }
            _ => None,
        }
    }

    /// The place for one more argument.
    fn after(&self, argument: Id) -> Slot {
        let span = self.span(argument);
        Slot::insert(Span { start: span.end, ..span }, ", ", "")
    }

    /// `new ServerSocket(port[, backlog[, address]])` and what a factory makes in the same way.
    fn socket(&self, new: Id, arguments: &[Id]) -> Option<Asked> {
        let port = self.value(*arguments.first()?);
        if self.is_a_probe(new) {
            return None;
        }
        let address = self.argument(arguments, 2).map(|address| self.host_or_any(address));
        let place = self.place(address.as_ref(), &port);
        let slot = arguments.first().filter(|_| arguments.len() == 1).map(|port| self.after(*port));
        let backlog = Backlog::java(self.argument(arguments, 1), slot);
        Some(Asked { place, backlog, shared: false })
    }

    fn host_or_any(&self, address: Value) -> Value {
        match address.thing {
            Thing::Null => address,
            _ => self.host(address),
        }
    }

    /// `bind(address[, backlog])` of a socket or a channel.
    fn bind(&self, object: Id, arguments: &[Id]) -> Option<Asked> {
        let address = self.value(*arguments.first()?);
        if self.is_a_probe(object) {
            return None;
        }
        let slot = arguments.first().filter(|_| arguments.len() == 1).map(|address| self.after(*address));
        let mut place = self.at(&address);
        if let Some(ipv4) = self.on_ipv4_alone(object, &place) {
            place = ipv4;
        }
        let backlog = Backlog::java(self.argument(arguments, 1), slot);
        Some(Asked { place, backlog, shared: false })
    }

    /// com.sun.net.httpserver: `create(address, backlog)`, `bind(address, backlog)`.
    fn http_server(&self, arguments: &[Id]) -> Option<Asked> {
        let address = self.value(*arguments.first()?);
        let unbound = matches!(address.thing, Thing::Null);
        let given = self.argument(arguments, 1)?;
        let backlog = Backlog::java(Some(given), None);
        (!unbound).then(|| Asked { place: self.at(&address), backlog, shared: false })
    }

    /// `new Server(8080)`, `new Server(address)`.
    fn jetty(&self, arguments: &[Id]) -> Option<Asked> {
        let [address] = arguments else { return None };
        let value = self.value(*address);
        let place = match &value.thing {
            Thing::Number(_) => self.place(None, &value),
            Thing::At(place) => place.clone(),
            Thing::Outside(_) => place::unknown(&value.why_unknown().unwrap_or_default()),
            // A pool of threads, or an address that comes from elsewhere.
            _ if self.is_declared_as(*address, &["int", "Integer", "InetSocketAddress"]) => self.at(&value),
            _ => return None,
        };
        let backlog = Backlog { default: JETTY, too_small: JETTY, ..Backlog::java(None, None) };
        Some(Asked { place, backlog, shared: false })
    }

    fn is_declared_as(&self, at: Id, types: &[&str]) -> bool {
        let declared = self.variable(at).and_then(|(_, variables)| variables.first()?.declared);
        declared.is_some_and(|declared| types.contains(&self.text(declared)))
    }

    /// `new ServerConnector(server)`: its setters say the rest.
    fn jetty_connector(&self, new: Id) -> Asked {
        let built = match self.held_by(new) {
            Some(variable) => self.built(variable),
            None => self.built(new),
        };
        let number = |setter| self.set(&built, setter, new);
        let place = match (number("setPort"), &built.unclear) {
            (Some(port), _) => {
                let host = number("setHost").map(|host| self.host_or_any(host));
                self.place(host.as_ref(), &port)
            }
            (None, Some(why)) => place::unknown(why),
            (None, None) => place::unknown("the kernel picks a free port"),
        };
        let given = number("setAcceptQueueSize").or_else(|| self.given_elsewhere(&built, new));
        let backlog = Backlog { default: JETTY, too_small: JETTY, ..Backlog::java(given, None) };
        Asked { place, backlog, shared: false }
    }

    /// The variable that keeps what an expression makes.
    pub(super) fn held_by(&self, made: Id) -> Option<Id> {
        let code = self.code();
        let mut inner = made;
        loop {
            let outer = code.parent(inner)?;
            match (code.kind(outer), code.role(inner)) {
                ("variable_declarator" | "resource", "value") => return self.field(outer, "name"),
                ("assignment_expression", "right") => return self.field(outer, "left"),
                ("cast_expression" | "parenthesized_expression", _) => inner = outer,
                _ => return None,
            }
        }
    }

    /// A socket that is opened only to see whether a port is free, or to be told a free one: nothing is done with it, and it
    /// is closed again.
    fn is_a_probe(&self, made: Id) -> bool {
        let code = self.code();
        let held = match self.kind(made) {
            "identifier" => Some(made),
            _ => self.held_by(made),
        };
        let Some(held) = held.filter(|held| self.kind(*held) == "identifier") else {
            let called = code.parent(made).filter(|_| code.role(made) == "object");
            return called.is_some_and(|call| self.classes.asks_only(self.method(call)));
        };
        let resource = code.parent(held).is_some_and(|outer| code.kind(outer) == "resource");
        let Some((scope, _)) = self.variable(held) else { return false };
        if names::is_class_body(code.kind(scope)) {
            return false;
        }
        let uses = self.uses(self.text(held), scope);
        let is_resource = resource || self.is_resource(self.text(held), scope);
        let method = |node: &Id| {
            let outer = code.parent(*node)?;
            match (code.kind(outer), code.role(*node)) {
                ("method_invocation", "object") => Some(self.method(outer)),
                ("binary_expression", _) => Some("isOpen"),
                ("assignment_expression", "left") => Some("isOpen"),
                _ => None,
            }
        };
        let harmless =
            |node: &Id| method(node).is_some_and(|name| name == "bind" || self.classes.asks_only(name));
        let closed = is_resource || uses.iter().any(|node| method(node) == Some("close"));
        closed && uses.iter().all(harmless)
    }

    fn is_resource(&self, name: &str, scope: Id) -> bool {
        let code = self.code();
        code.kind(scope) == "try_with_resources_statement"
            && code.children(scope).filter(|it| code.kind(*it) == "resource_specification").any(|list| {
                code.children(list).any(|it| self.field(it, "name").is_some_and(|own| self.text(own) == name))
            })
    }

    /// `ServerSocketChannel.open(StandardProtocolFamily.INET)` knows IPv4 alone.
    fn on_ipv4_alone(&self, channel: Id, place: &Place) -> Option<Place> {
        let port = match place.endpoint {
            Endpoint::DualStack(port) => port,
            _ => return None,
        };
        let built = self.built(channel);
        let (_, family) = self.last_call(&built, "open", 1)?;
        let ipv4 = self.text(*family.first()?).ends_with("INET");
        let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        ipv4.then(|| Place { endpoint: Endpoint::tcp(any, port), notes: place.notes.clone() })
    }
}
