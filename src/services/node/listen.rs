//! The forms of `listen`: which argument is the port, the host, the path and the backlog, as `Server.prototype.listen` of
//! Node's lib/net.js decides it, and what the frameworks make of theirs before they call it.

use super::super::{Bound, Why};
use super::eval::Evaluation;
use super::names::{Binding, Origin};
use super::place;
use super::program::Spot;
use super::servers::Listens;
use super::value::{Server, Thing, Value, to_int32};
use crate::model::Version;
use crate::syntax::calls::Id;
use crate::syntax::eval::not_told;
use crate::text::Slot;

/// What a call asks for, before the kernel sees it.
#[derive(Debug)]
pub(super) struct Asked {
    pub place: Bound,
    pub backlog: Backlog,
    /// `reusePort: true`.
    pub reuses_port: bool,
}

#[derive(Debug)]
pub(super) enum Backlog {
    /// None is given, and a number can be put at the slot.
    Default(Option<Slot>),
    /// What listen(2) is called with, and the value that it comes from.
    Given(i32, Value, Spot),
    Unknown(String),
}

/// An argument or option with its value.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub at: Spot,
    pub value: Value,
}

/// What a name promises of a value that the files do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Promise {
    Host,
    Backlog,
    Function,
    Nothing,
}

impl Given {
    pub(super) fn is_function(&self) -> bool {
        matches!(self.value.thing, Thing::Function(_) | Thing::Foreign)
    }

    fn is_unknown(&self) -> bool {
        !self.value.is_known()
    }
}

impl Evaluation<'_, '_> {
    /// What a call of a server's listening method asks for; `None` where it hands on what it is called with itself.
    pub(super) fn asked(&self, server: &Server, call: &Spot) -> Option<Asked> {
        self.listening.set(Some((call.file, call.node)));
        let given = self.spread(self.handed_over(call)?)?;
        Some(match server.listens {
            Listens::Net => self.asked_of_net(call, &given),
            Listens::Fastify => self.asked_of_fastify(call, &given),
            Listens::NestFastify => self.asked_of_nest_fastify(call, &given),
            Listens::Hapi => return self.asked_of_hapi(server),
            Listens::Hono => self.asked_of_hono(given.first()),
            // With another's `server`, or with none, it does not listen.
            Listens::Ws => match &given.first()?.value.thing {
                Thing::Object(options) if !self.option(options, "port").value.is_nothing() => {
                    self.asked_of_options(call, options, &given, Backlog::Default(None))
                }
                _ => return None,
            },
        })
    }

    /// The arguments of the method itself; `None` for a function that hands on its own.
    fn handed_over(&self, call: &Spot) -> Option<Vec<Spot>> {
        let arguments = self.arguments(call);
        match self.called_through(call) {
            None => Some(arguments),
            Some((_, false)) => Some(arguments.into_iter().skip(1).collect()),
            Some((_, true)) => {
                let Some(all) = arguments.into_iter().nth(1) else { return Some(Vec::new()) };
                match self.value(&all).thing {
                    Thing::Array(made) => Some(self.program.children(&made)),
                    _ if self.is_its_own(&all) => None,
                    _ => Some(vec![all]),
                }
            }
        }
    }

    /// Arguments with what `...` stands for; `None` for a function that hands on its own.
    fn spread(&self, arguments: Vec<Spot>) -> Option<Vec<Given>> {
        let mut given = Vec::new();
        for at in arguments {
            let value = match self.program.kind(&at) {
                "spread_element" => self.of_child(&at, self.program.children(&at).first()),
                _ => self.value(&at),
            };
            match (self.program.kind(&at), &value.thing) {
                ("spread_element", Thing::Array(made)) => {
                    given.extend(self.deeper(|| self.spread(self.program.children(made)))??);
                }
                ("spread_element", _) if self.hands_on(&at) => return None,
                _ => given.push(Given { at, value }),
            }
        }
        Some(given)
    }

    /// `listen(...args)` in a function of `...args`.
    fn hands_on(&self, spread: &Spot) -> bool {
        self.program.children(spread).first().is_some_and(|name| self.is_its_own(name))
    }

    /// `arguments`, or the name of `...args`.
    fn is_its_own(&self, name: &Spot) -> bool {
        let (text, Some(file)) = (self.program.text(name), self.file(name)) else { return false };
        let found = file.names.scopes.find(&file.code, text, name.node);
        let is_rest = |(_, bindings): (Id, &[Binding<'_>])| {
            bindings.iter().all(|binding| binding.origin == Origin::Rest)
        };
        text == "arguments" || found.is_some_and(is_rest)
    }

    fn asked_of_net(&self, call: &Spot, given: &[Given]) -> Asked {
        let from_arguments = self.backlog_from_arguments(call, given);
        let Some(first) = given.first().filter(|first| !self.is_callback(first)) else {
            return Asked::new(Why::AnyPort.into(), from_arguments, self.slot_for_arguments(call, given));
        };
        if let Thing::Object(options) = &first.value.thing {
            return self.asked_of_options(call, options, given, from_arguments);
        }
        let host = given.get(1).filter(|host| self.may_be_host(host, given));
        let place = self.place(&first.value, host.map(|host| &host.value), false);
        let backlog = self.unless_hidden(from_arguments, first);
        Asked::new(place, backlog, self.slot_for_arguments(call, given))
    }

    fn asked_of_options(
        &self,
        call: &Spot,
        options: &Spot,
        given: &[Given],
        from_arguments: Backlog,
    ) -> Asked {
        let place = self.place_of_options(options);
        if self.inherits(options) {
            // Only backlogFromArgs is passed on with a descriptor.
            return Asked::new(place, from_arguments, self.slot_for_arguments(call, given));
        }
        let backlog = self.backlog_option(options, call).or(from_arguments);
        let reuses_port = self.option(options, "reusePort").value.truth() == Some(true);
        Asked { reuses_port, ..Asked::new(place, backlog, self.slot_in(options)) }
    }

    /// `{ fd: 3 }`: a socket that whoever starts the program has made.
    fn inherits(&self, options: &Spot) -> bool {
        self.option(options, "fd").value.number().is_some_and(|fd| fd >= 0.0)
    }

    /// `toNumber(args[1]) || toNumber(args[2])`: the first positive number of the two.
    fn backlog_from_arguments(&self, call: &Spot, given: &[Given]) -> Backlog {
        let mut ignored = None;
        let is_spread = |argument: &Given| self.program.kind(&argument.at) == "spread_element";
        for (index, argument) in given.iter().enumerate().take(3) {
            if is_spread(argument) {
                return Backlog::Unknown(self.why(argument));
            }
            if index == 0 {
                continue;
            }
            let number = argument.value.number().unwrap_or(f64::NAN);
            if number > 0.0 {
                return Backlog::Given(to_int32(number), argument.value.clone(), argument.at.clone());
            }
            // What does not count stands where one that does belongs.
            ignored = ignored.or_else(|| self.slot_of_ignored(argument, call));
            let is_none = matches!(self.promise(argument), Promise::Host | Promise::Function);
            if let Some(why) = self.may_be_a_number(argument).filter(|_| !is_none) {
                return Backlog::Unknown(why);
            }
        }
        Backlog::Default(ignored)
    }

    /// `options.backlog || ...`: anything that is not falsy goes to listen(2) as a 32-bit integer.
    fn backlog_option(&self, options: &Spot, call: &Spot) -> Backlog {
        let option = self.option(options, "backlog");
        let (value, number) = (&option.value, option.value.number().unwrap_or(f64::NAN));
        match value.truth() {
            Some(true) if value.is_plain() || matches!(value.thing, Thing::Truth(_)) => {
                Backlog::Given(to_int32(number), option.value, option.at)
            }
            _ => {
                let ignored = || Backlog::Default(self.slot_of_ignored(&option, call));
                self.may_be_a_number(&option).map_or_else(ignored, Backlog::Unknown)
            }
        }
    }

    fn option(&self, options: &Spot, name: &str) -> Given {
        let reader = self.listening.get().unwrap_or((options.file, options.node));
        let value = self.property_at(options, name, reader, |_, _| None);
        Given { at: options.clone(), value }
    }

    fn slot_of_ignored(&self, given: &Given, call: &Spot) -> Option<Slot> {
        let (written, number) = (given.value.written.as_ref()?, given.value.number()?);
        self.slot_at(written, to_int32(number), call)
    }

    /// Why what is no number here may be one all the same: it is not known, it is a package's, or something outside sets it.
    fn may_be_a_number(&self, given: &Given) -> Option<String> {
        match &given.value.thing {
            Thing::Undefined | Thing::Null | Thing::Number(_) => {
                given.value.unless.first().map(|reason| format!("it is another one if {reason}"))
            }
            Thing::Unknown { .. }
            | Thing::Export(..)
            | Thing::Module(_)
            | Thing::File(_)
            | Thing::Array(_) => Some(self.why(given)),
            _ => None,
        }
    }

    fn why(&self, given: &Given) -> String {
        match &given.value.thing {
            Thing::Unknown { why, .. } => why.clone(),
            _ => not_told(self.program.text(&given.at)),
        }
    }

    fn place_of_options(&self, options: &Spot) -> Bound {
        let option = |name| self.option(options, name).value;
        if self.inherits(options) {
            return Why::Handed.into();
        }
        let (port, path) = (option("port"), option("path"));
        let by_path = matches!(port.thing, Thing::Undefined) && !self.has(options, "port");
        if by_path {
            return match path.is_nothing() {
                true => Bound::unknown("neither a port nor a path is given, so Node refuses it"),
                false => self.unix(&path),
            };
        }
        self.place(&port, Some(&option("host")), option("ipv6Only").truth() == Some(true))
    }

    /// Whether the literal itself has a property, be it undefined.
    fn has(&self, options: &Spot, name: &str) -> bool {
        self.program.children(options).iter().any(|child| {
            let key = self.program.field(child, "key").unwrap_or_else(|| child.clone());
            self.program.text(&key).trim_matches(['\'', '"']) == name
        })
    }

    /// Whether the second argument is, or may be, a host: Node takes it for one if it is a string.
    fn may_be_host(&self, host: &Given, given: &[Given]) -> bool {
        match &host.value.thing {
            Thing::Text(_) => true,
            Thing::Unknown { .. } => match self.promise(host) {
                Promise::Host => true,
                Promise::Function | Promise::Backlog => false,
                Promise::Nothing => given.len() > 2,
            },
            _ => false,
        }
    }

    pub(super) fn is_callback(&self, given: &Given) -> bool {
        given.is_function() || given.is_unknown() && self.promise(given) == Promise::Function
    }

    /// No backlog is seen, but where an options object may stand, one may be in that.
    fn unless_hidden(&self, backlog: Backlog, first: &Given) -> Backlog {
        match (&backlog, &first.value.thing) {
            (Backlog::Default(_), Thing::Unknown { why, plain: false, .. })
                if !self.names_a_port(&first.at) =>
            {
                Backlog::Unknown(why.clone())
            }
            _ => backlog,
        }
    }

    /// A name or key that speaks of a port or a path is no options object.
    fn names_a_port(&self, at: &Spot) -> bool {
        let text = self.program.text(at).to_ascii_lowercase();
        let speaks = |name: &str| {
            let any = |words: &[&str]| words.iter().any(|word| name.contains(word));
            any(&["port", "path", "sock", "pipe"])
                && !any(&["opt", "conf", "setting", "transport", "export", "import", "support"])
        };
        let names = text.split(|char: char| !char.is_alphanumeric() && char != '_');
        self.program.kind(at) != "spread_element"
            && !text.contains(['{', '['])
            && !text.contains("assign")
            && names.into_iter().any(speaks)
    }

    pub(super) fn promise(&self, given: &Given) -> Promise {
        let text = self.program.text(&given.at).to_ascii_lowercase();
        let name = text.rsplit(['.', '?']).next().unwrap_or_default();
        let any = |words: &[&str]| words.iter().any(|word| name.contains(word));
        match () {
            () if any(&["backlog", "queue"]) => Promise::Backlog,
            () if any(&["host", "addr", "bind", "interface"]) || name == "ip" || name.ends_with("_ip") => {
                Promise::Host
            }
            () if any(&["callback", "resolve", "listening", "done", "next", "ready", "handler"])
                || matches!(name, "cb" | "fn" | "info" | "log" | "debug") =>
            {
                Promise::Function
            }
            () => Promise::Nothing,
        }
    }

    fn asked_of_fastify(&self, call: &Spot, given: &[Given]) -> Asked {
        let Some(first) = given.first().filter(|first| !first.is_function()) else {
            return Asked::new(Why::AnyPort.into(), Backlog::Default(None), None);
        };
        // Before version 4 the options went to Node as they were.
        let is_old = self.is_before("fastify", Version::new(4, 0, 0));
        if let Thing::Object(options) = &first.value.thing {
            if is_old {
                return self.asked_of_options(call, options, given, Backlog::Default(None));
            }
            let place = match self.option(options, "path").value {
                path if path.is_nothing() => {
                    let option = |name| self.option(options, name).value;
                    self.place_or_localhost(&option("port"), option("host"))
                }
                _ => self.place_of_options(options),
            };
            return Asked::new(place, self.backlog_option(options, call), self.slot_in(options));
        }
        // Until version 4: listen(port, host, backlog).
        let host = given.get(1).filter(|host| !host.is_function());
        let place = self.place_or_localhost(
            &first.value,
            host.map_or_else(|| Thing::Undefined.into(), |host| host.value.clone()),
        );
        let backlog = match given.get(2) {
            Some(_) if host.is_some() => self.backlog_from_arguments(call, given),
            _ => Backlog::Default(None),
        };
        let slot = host.and_then(|_| self.slot_for_arguments(call, given));
        Asked::new(place, self.unless_hidden(backlog, first), slot)
    }

    fn asked_of_nest_fastify(&self, call: &Spot, given: &[Given]) -> Asked {
        if matches!(given.first().map(|first| &first.value.thing), Some(Thing::Object(_))) {
            return self.asked_of_fastify(call, given);
        }
        let Some(port) = given.first() else {
            return Asked::new(Why::AnyPort.into(), Backlog::Default(None), None);
        };
        let host = given.get(1).filter(|host| !host.is_function());
        let host = host.map_or_else(|| Thing::Undefined.into(), |host| host.value.clone());
        let place = self.place_or_localhost(&port.value, host);
        Asked::new(place, self.unless_hidden(Backlog::Default(None), port), None)
    }

    /// Fastify without a host is on every address of localhost.
    fn place_or_localhost(&self, port: &Value, host: Value) -> Bound {
        match &host.thing {
            Thing::Undefined | Thing::Null => place::unless(self.on_localhost(port), &host.unless),
            Thing::Text(name) if name == "localhost" => place::unless(self.on_localhost(port), &host.unless),
            _ => self.place(port, Some(&host), false),
        }
    }

    /// `Hapi.server({ port, host, address })`: there is no backlog among its options.
    fn asked_of_hapi(&self, server: &Server) -> Option<Asked> {
        let options = self.arguments(&server.made).into_iter().next().map(|at| self.value(&at));
        let place = match options.as_ref().map(|options| &options.thing) {
            None => Why::AnyPort.into(),
            Some(Thing::Object(options)) => {
                let option = |name| self.option(options, name).value;
                if matches!(option("autoListen").thing, Thing::Truth(false)) {
                    return None;
                }
                let (port, address, host) = (option("port"), option("address"), option("host"));
                match &port.thing {
                    Thing::Text(path) if path.contains('/') => self.unix(&port),
                    _ => self.place(&port, Some(if address.is_nothing() { &host } else { &address }), false),
                }
            }
            Some(Thing::Unknown { why, .. }) => Bound::unknown(why),
            Some(_) => Bound::unknown("its options are not an object literal"),
        };
        Some(Asked::new(place, Backlog::Default(None), None))
    }

    /// `serve({ fetch, port, hostname })`, or `serve(app)` on the port that stands in node.toml.
    fn asked_of_hono(&self, options: Option<&Given>) -> Asked {
        let usual = self.program.ground.service.default("hono-port");
        let everywhere = match self.is_before("@hono/node-server", Version::new(1, 13, 2)) {
            true => Value::from(Thing::Text("0.0.0.0".into())),
            false => Thing::Undefined.into(),
        };
        let usual = || usual.as_ref().map_or(Thing::Undefined, |port| Thing::Number(port.get as f64)).into();
        let place = match options.map(|options| &options.value.thing) {
            Some(Thing::Object(options)) => {
                let port = match self.option(options, "port").value {
                    port if port.is_nothing() => Value::and_unless(usual(), &port.unless),
                    port => port,
                };
                let host = self.option(options, "hostname").value;
                self.place(&port, Some(if host.is_nothing() { &everywhere } else { &host }), false)
            }
            Some(Thing::Unknown { why, .. }) => Bound::unknown(why),
            _ => self.place(&usual(), Some(&everywhere), false),
        };
        Asked::new(place, Backlog::Default(None), None)
    }
}

impl Asked {
    fn new(place: Bound, backlog: Backlog, slot: Option<Slot>) -> Self {
        let backlog = match backlog {
            Backlog::Default(ignored) => Backlog::Default(ignored.or(slot)),
            given => given,
        };
        Self { place, backlog, reuses_port: false }
    }
}

impl Backlog {
    fn or(self, other: Backlog) -> Backlog {
        match (self, other) {
            (Backlog::Default(own), Backlog::Default(other)) => Backlog::Default(own.or(other)),
            (Backlog::Default(_), other) => other,
            (own, _) => own,
        }
    }
}
