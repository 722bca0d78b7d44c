//! Netty, Reactor Netty, Vert.x and Undertow: builders whose options say where a server listens and with which backlog.

use super::built::Built;
use super::classes::Class;
use super::eval::Evaluation;
use super::listen::{Asked, Backlog, JAVA, NETTY, UNDERTOW};
use super::place;
use super::value::{Place, Thing, Value};
use crate::syntax::calls::Id;

/// Who calls listen(2) for Netty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    Java,
    Native,
    Unclear,
}

impl Evaluation<'_, '_> {
    /// More may be set where the file does not show it.
    pub(super) fn given_elsewhere(&self, built: &Built, at: Id) -> Option<Value> {
        built.unclear.as_ref().map(|why| Value::unknown(why.clone(), self.span(at)))
    }

    /// Netty: `bootstrap.bind(...)`.
    pub(super) fn netty(&self, call: Id, object: Id, arguments: &[Id]) -> Option<Asked> {
        let built = self.built(object);
        let channel = self.channel(&built)?;
        let address = match arguments {
            [] => self.local_address(&built),
            given => given.to_vec(),
        };
        let place = self.netty_place(&address);
        let backlog = self.netty_backlog(&built, call, channel);
        Some(Asked { place, backlog, shared: self.shares_port(&built) })
    }

    /// How the channel listens; `None` if it is no socket.
    fn channel(&self, built: &Built) -> Option<Channel> {
        let methods = ["channel", "channelFactory"];
        let last = methods.iter().find_map(|method| self.last_call(built, method, 1));
        let Some((_, arguments)) = last else { return Some(Channel::Unclear) };
        let named = self.text(*arguments.first()?);
        if self.classes.is_no_socket(named) {
            return None;
        }
        Some(match () {
            () if self.classes.is_native(named) => Channel::Native,
            () if named.contains("Nio") || named.contains("Oio") => Channel::Java,
            () => Channel::Unclear,
        })
    }

    fn local_address(&self, built: &Built) -> Vec<Id> {
        let counts = [1, 2];
        let last = counts.iter().find_map(|count| self.last_call(built, "localAddress", *count));
        last.map(|(_, arguments)| arguments).unwrap_or_default()
    }

    fn netty_place(&self, address: &[Id]) -> Place {
        match *address {
            [] => place::unknown("nothing in this file says what it is bound to"),
            [one] => {
                let value = self.value(one);
                match value.thing {
                    Thing::Number(_) => self.place(None, &value),
                    _ => self.at(&value),
                }
            }
            [host, port, ..] => self.place(Some(&self.value(host)), &self.value(port)),
        }
    }

    /// `option(ChannelOption.SO_BACKLOG, n)`.
    fn backlog_option(&self, built: &Built, at: Id) -> Option<Value> {
        let mut calls = built.calls.iter().rev().filter(|call| self.method(**call) == "option");
        let found = calls.find_map(|call| {
            let [option, value] = *self.arguments(*call) else { return None };
            let name = self.text(option);
            if name.ends_with("SO_BACKLOG") {
                return Some(self.unless_branched(*call, at, self.value(value)));
            }
            // Options that are known only where they come from.
            let constant = name.rsplit('.').next().is_some_and(|name| !name.chars().any(char::is_lowercase));
            (!constant).then(|| Value::unknown(format!("`{name}` may be any option"), self.span(*call)))
        });
        found.or_else(|| self.given_elsewhere(built, at))
    }

    fn netty_backlog(&self, built: &Built, at: Id, channel: Channel) -> Backlog {
        let given = self.backlog_option(built, at).filter(|value| !matches!(value.thing, Thing::Null));
        let number = given.as_ref().and_then(Value::number);
        let (least, too_small, given) = match (channel, number) {
            // Java makes its own default of 0; Netty refuses what is negative, and keeps its own.
            (Channel::Java, Some(0)) => (1, JAVA, given),
            (Channel::Unclear, Some(0)) => {
                let why = "0 is Java's default of 50 to NIO, and 0 to epoll";
                (0, NETTY, Some(Value::unknown(why, self.span(at))))
            }
            _ => (0, NETTY, given),
        };
        Backlog { given, default: NETTY, too_small, least, slot: None }
    }

    fn shares_port(&self, built: &Built) -> bool {
        let sets = |call: &Id| {
            let first = self.arguments(*call).first().map(|option| self.text(*option));
            self.method(*call) == "setReusePort"
                || first.is_some_and(|option| option.ends_with("SO_REUSEPORT"))
        };
        built.calls.iter().any(sets)
    }

    /// Reactor Netty: `server.host(...).port(...).bindNow()`.
    pub(super) fn reactor(&self, call: Id, object: Id) -> Asked {
        let built = self.built(object);
        let calls = |method: &str| built.calls.iter().any(|call| self.method(*call) == method);
        let place = match (self.set(&built, "port", call), &built.unclear) {
            _ if calls("bindAddress") => place::unknown("a function says it"),
            (Some(port), _) => self.place(self.set(&built, "host", call).as_ref(), &port),
            (None, Some(why)) => place::unknown(why),
            (None, None) => {
                place::unknown("the kernel picks a free port unless PORT is set in the environment")
            }
        };
        let mut backlog = self.netty_backlog(&built, call, Channel::Unclear);
        if calls("tcpConfiguration") && backlog.given.is_none() {
            backlog.given = Some(Value::unknown("a function sets it up", self.span(call)));
        }
        Asked { place, backlog, shared: self.shares_port(&built) }
    }

    /// Vert.x: `vertx.createHttpServer(options).listen(...)`.
    pub(super) fn vertx(&self, call: Id, object: Id, arguments: &[Id]) -> Asked {
        let server = self.built(object);
        let made = server
            .calls
            .iter()
            .find(|call| matches!(self.method(**call), "createHttpServer" | "createNetServer"));
        let is_http = made.is_some_and(|made| self.method(*made) == "createHttpServer");
        let options = made.and_then(|made| self.arguments(*made).first().copied());
        let mut built = match options {
            Some(options) if self.class(options) == Some(Class::VertxOptions) => self.built(options),
            _ => Built::default(),
        };
        let unread = options.is_some() && built.calls.is_empty();
        // A copy of other options, or of a configuration.
        let copied = built.calls.iter().any(|call| {
            self.kind(*call) == "object_creation_expression" && !self.arguments(*call).is_empty()
        });
        if copied || unread || made.is_none() {
            built.unclear.get_or_insert_with(|| "its options come from elsewhere".to_owned());
        }
        let place = self.vertx_place(&built, call, arguments, is_http);
        let given = self.set(&built, "setAcceptBacklog", call).or_else(|| self.given_elsewhere(&built, call));
        // -1 is how Vert.x says that it is not set.
        let given = given.filter(|given| given.number() != Some(-1));
        let backlog = Backlog { given, default: NETTY, too_small: JAVA, least: 1, slot: None };
        Asked { place, backlog, shared: self.shares_port(&built) }
    }

    fn vertx_place(&self, built: &Built, call: Id, arguments: &[Id], is_http: bool) -> Place {
        let first = arguments.first().filter(|first| !self.is_function(**first));
        let port = first.map(|first| self.value(*first)).or_else(|| self.set(built, "setPort", call));
        let second = arguments.get(1).filter(|second| first.is_some() && !self.is_function(**second));
        let host = second.map(|second| self.value(*second)).or_else(|| self.set(built, "setHost", call));
        let host = host.filter(|host| second.is_none() || matches!(host.thing, Thing::Text(_)));
        match (port, &built.unclear) {
            (Some(port), _) => self.place(host.as_ref(), &port),
            (None, Some(why)) => place::unknown(why),
            (None, None) if is_http => {
                let default = self.ground.service.default("vertx-http-port");
                let port = default.map(|port| Value::new(Thing::Number(port.get), port.span));
                port.map_or_else(
                    || place::unknown("nothing says it"),
                    |port| self.place(host.as_ref(), &port),
                )
            }
            (None, None) => place::unknown("the kernel picks a free port"),
        }
    }

    fn is_function(&self, at: Id) -> bool {
        matches!(self.kind(at), "lambda_expression" | "method_reference")
    }

    /// Undertow: `addHttpListener(port, host)` of its builder, one socket each.
    pub(super) fn undertow(&self, call: Id, arguments: &[Id]) -> Option<Asked> {
        let [port, host, ..] = *arguments else { return None };
        let mut top = call;
        // What follows on the chain counts as well.
        while let Some(outer) = self.code().parent(top).filter(|outer| {
            self.kind(*outer) == "method_invocation"
                && self.code().role(top) == "object"
                && self.class(*outer) == Some(Class::UndertowBuilder)
        }) {
            top = outer;
        }
        let held = self.held_by(top);
        let built = self.built(held.unwrap_or(top));
        let given = built.calls.iter().rev().find_map(|it| {
            let [option, value] = *self.arguments(*it) else { return None };
            let is_it = self.method(*it) == "setSocketOption" && self.text(option).ends_with("BACKLOG");
            is_it.then(|| self.unless_branched(*it, call, self.value(value)))
        });
        let given = given.or_else(|| self.given_elsewhere(&built, call));
        let place = self.place(Some(&self.value(host)), &self.value(port));
        let backlog = Backlog { given, default: UNDERTOW, too_small: JAVA, least: 1, slot: None };
        Some(Asked { place, backlog, shared: false })
    }
}
