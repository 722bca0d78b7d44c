//! Java sources: the server sockets that a program opens, its own or through Netty, Vert.x, Undertow and Jetty. Only an object
//! whose class is known by import or declaration counts; what only a run could tell is not known, with the reason.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{
    Ask, BELOW_0_IGNORED, BELOW_1_IGNORED, Bound, Candidate, Found, Ground, Interpreter, OfFile, Programs,
    Run, Why, another, port_of,
};
use crate::model::{Command, Endpoint, Listener, Step, Transport};
use crate::syntax::calls::Id;
use crate::syntax::java::{self, Built, Evaluation, File, Library, Table, Thing};
use crate::text::{Slot, SourceId, Span, over};

/// Expressions that are worked out for one file: a thousand times what a server needs.
const MAX_FUEL: u32 = 50_000;

/// Listeners of one file.
const MAX_LISTENERS: usize = 1_000;

/// What an expression on a longer line does is not shown as a whole.
const LONG: u32 = 120;

/// `[reader]` of `rules/services/java.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Reader {
    interpreter: Interpreter,
    /// Methods that leave it open that a socket is there to be closed at once.
    asks_only: Vec<String>,
    /// Channels of Netty, as a program names them, that are no sockets at all, and those that call listen(2) themselves.
    no_sockets: Vec<String>,
    native: Vec<String>,
    classes: Table<Class>,
}

/// What is known of libraries, and where their addresses are looked up.
struct Java<'a> {
    ground: Ground<'a>,
    reader: Reader,
}

type Value = java::Value<Object>;

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let java = match ground.service.reader.clone().try_into() {
        Ok(reader) => Java { ground, reader },
        Err(error) => return ground.broken("the table of classes", &error.message()),
    };
    let roots = if ground.commands.is_empty() { Vec::new() } else { roots(ground, files) };
    let programs = Programs::new(ground, |command| java.started(&roots, command));
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let mut all = Found::default();
    for found in ground.tree.read_all(&paths, |path| {
        let source = ground.tree.read(ground.sources, path).ok();
        let root = source.and_then(|source| root(ground, path, source)).unwrap_or_default();
        let startup = programs.of(&root, &|_| Vec::new());
        source.map(|source| read_file(&java, &startup, path.to_owned(), source)).unwrap_or_default()
    }) {
        all.listeners.extend(found.listeners);
        all.problems.extend(found.problems);
    }
    all
}

/// The folder that a file's package lies in.
fn root(ground: Ground<'_>, path: &Path, source: SourceId) -> Option<PathBuf> {
    let mut lines = ground.sources.bytes(source).split(|byte| *byte == b'\n');
    let package = lines.find_map(|line| line.trim_ascii().strip_prefix(b"package "));
    let parts = package.map_or(0, |package| package.split(|byte| *byte == b'.').count());
    path.parent()?.ancestors().nth(parts).map(Path::to_owned)
}

fn roots(ground: Ground<'_>, files: &[Candidate]) -> Vec<PathBuf> {
    let root = |file: &Candidate| {
        let source = ground.tree.read(ground.sources, &file.path).ok()?;
        root(ground, &file.path, source)
    };
    let mut roots: Vec<PathBuf> = files.iter().filter_map(root).collect();
    roots.sort();
    roots.dedup();
    roots
}

impl Java<'_> {
    /// The program that a command line starts, by the folder of its sources: that of a class or of a file, and in a repository
    /// with one such folder that of a jar.
    fn started<'c>(&self, roots: &[PathBuf], command: &'c Command) -> Option<Run<'c>> {
        let Java { ground, reader } = self;
        let parts = reader.interpreter.parts(command)?;
        let name = parts.file.as_str();
        let is_jar = parts.options.last().is_some_and(|option| option.is("-jar"));
        let class = format!("{}.java", name.replace('.', "/"));
        let place = if is_jar {
            roots.first().filter(|_| roots.len() == 1 && !ground.is_machine())?.clone()
        } else if name.ends_with(".java") {
            let file = ground.named_file(command, name)?;
            let source = ground.tree.read(ground.sources, &file).ok()?;
            root(*ground, &file, source)?
        } else {
            let mut own = roots.iter().filter(|root| ground.tree.exists(&root.join(&class)));
            own.next().filter(|_| own.next().is_none())?.clone()
        };
        Some(parts.starts(command, place))
    }
}

fn read_file(java: &Java<'_>, startup: &OfFile<'_, '_>, path: PathBuf, source: SourceId) -> Found {
    let Java { ground, .. } = java;
    let mut found = Found::default();
    let Ok(file) = File::parse(path, ground.sources, source) else { return found };
    let evaluation = Evaluation::new((ground.sources, ground.tree), java, &file, startup, MAX_FUEL);
    let opened = file.code.all().filter_map(|call| evaluation.listener(call));
    found.listeners = opened.take(MAX_LISTENERS + 1).collect();
    if let Some(listener) = found.listeners.get(MAX_LISTENERS) {
        ground.sources.cut_off(listener.site, over("listeners of this file", MAX_LISTENERS));
        found.listeners.truncate(MAX_LISTENERS);
    }
    found.listeners.sort_by_key(|listener| listener.site);
    found
}

/// What an object of a class does here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Class {
    /// java.net.ServerSocket.
    Socket,
    /// A server channel of java.nio.
    Channel,
    /// Opens channels.
    Provider,
    /// Makes sockets.
    Factory,
    /// Makes factories of sockets.
    Tls,
    /// com.sun.net.httpserver.
    HttpServer,
    /// Netty's ServerBootstrap.
    Netty,
    /// Reactor Netty's servers: each method gives a new one.
    Reactor,
    /// Makes servers of Vert.x.
    Vertx,
    VertxServer,
    VertxOptions,
    Undertow,
    UndertowBuilder,
    /// An embedded Jetty.
    Jetty,
    JettyConnector,
    /// java.net.InetAddress.
    Address,
    SocketAddress,
    UnixAddress,
    /// What a method gives that ends a chain.
    Other,
}

/// A host as java.net.InetAddress has it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Named(String),
    Loopback,
    Unknown(String),
}

/// What addresses are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Object {
    Host(Host),
    At(Bound),
}

impl Library for Java<'_> {
    type Class = Class;
    type Object = Object;

    fn table(&self) -> &Table<Class> {
        &self.reader.classes
    }

    fn called(evaluation: &Evaluation<'_, '_, Self>, call: Id) -> Option<Value> {
        evaluation.address_called(call)
    }

    fn created(evaluation: &Evaluation<'_, '_, Self>, new: Id) -> Option<Value> {
        let class = evaluation.class_named(evaluation.text(evaluation.field(new, "type")?))?;
        let arguments = evaluation.arguments(new);
        match class {
            Class::SocketAddress => evaluation.socket_address(new, &arguments),
            Class::UnixAddress => evaluation.unix_address(new, &arguments),
            _ => None,
        }
    }
}

/// What was taken for granted to be not set, also where the address is not known.
fn unless(mut place: Bound, value: &Value) -> Bound {
    value.unless.iter().for_each(|outside| place.note(another(outside)));
    place
}

/// Why a value is no address.
fn no_address(value: &Value) -> String {
    let why = || value.text().map_or(Why::NotTold, |text| Why::NoAddress(text.to_owned())).to_string();
    value.why_unknown().unwrap_or_else(why)
}

/// Who calls listen(2) for Netty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    Java,
    Native,
    Unclear,
}

/// What a program asks for at a call.
#[derive(Debug)]
struct Asked {
    place: Bound,
    backlog: Backlog,
    /// Several processes or threads may share the address, each with a queue of its own.
    shared: bool,
}

/// The number that a program gives, and what holds where it gives none.
#[derive(Debug)]
struct Backlog {
    given: Option<Value>,
    /// The default where nothing is given, and where what is given is less than `least`.
    default: Fallback,
    too_small: Fallback,
    least: i64,
    /// The place for a number that is not given.
    slot: Option<Slot>,
}

/// A default of our table, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fallback {
    name: &'static str,
    what: &'static str,
}

const JAVA: Fallback = Fallback { name: "backlog", what: "Java's own default" };
const NETTY: Fallback =
    Fallback { name: "netty-backlog", what: "Netty's own default: all that somaxconn allows" };
const UNDERTOW: Fallback = Fallback { name: "undertow-backlog", what: "Undertow's own default" };
const JETTY: Fallback = Fallback { name: "jetty-backlog", what: "Jetty leaves it to Java's own default" };

impl Backlog {
    /// Java takes what is below 1 for its default (ServerSocket.bind, sun.nio.ch.Net).
    fn java(given: Option<Value>, slot: Option<Slot>) -> Self {
        Self { given, default: JAVA, too_small: JAVA, least: 1, slot }
    }
}

/// From calls to listeners: what each call asks for, in the words of the model, with the place that decides it.
impl Evaluation<'_, '_, Java<'_>> {
    /// The listener of a call, if it listens.
    fn listener(&self, call: Id) -> Option<Listener> {
        let Asked { place, backlog, shared } = self.asked(call)?;
        let site = self.site(call);
        let ground = self.library.ground;
        let mut listener = ground.listeners(&place, site, &self.ask(backlog, site)).pop()?;
        listener.sockets = (!shared).then_some(1);
        Some(listener)
    }

    /// `new ServerSocket(8080)`, or the name of a method and what it is given.
    fn site(&self, call: Id) -> Span {
        let whole = self.span(call);
        let start = self.field(call, "name").map_or(whole.start, |name| self.span(name).start);
        let arguments = self.field(call, "arguments").map(|arguments| self.span(arguments));
        let end = arguments.map_or(whole.end, |arguments| arguments.end);
        let text = self.library.ground.sources.slice(Span { start, end, ..whole });
        let first = text.iter().position(|byte| *byte == b'\n').and_then(|at| u32::try_from(at).ok());
        let short = first.unwrap_or(end.saturating_sub(start)).min(LONG);
        Span { start, end: start + short, ..whole }
    }

    fn ask(&self, backlog: Backlog, site: Span) -> Ask {
        let Backlog { given, default, too_small, least, slot } = backlog;
        let own = |Fallback { name, what }: Fallback| self.library.ground.own_of(name, what);
        let Some(given) = given else { return own(default).with(slot) };
        let Thing::Number(number) = given.thing else {
            return Ask::unknown(given.why_unknown().unwrap_or_else(|| "it has no number".to_owned()), site);
        };
        let slot = given.slot.and_then(|_| self.library.ground.slot_at(given.at, number));
        let asked = Ask::of_program(number, given.unless.first(), given.at).with(slot.clone());
        if number >= least {
            return asked;
        }
        let what = if least == 1 { BELOW_1_IGNORED } else { BELOW_0_IGNORED };
        let ignored = asked.steps.into_iter().map(|step| Step { what: what.to_owned(), ..step });
        own(too_small).with(slot).after(ignored)
    }
}

/// Java's own classes and what is built on them.
impl Evaluation<'_, '_, Java<'_>> {
    /// What a call or `new` asks for; `None` if it does not listen.
    fn asked(&self, call: Id) -> Option<Asked> {
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
        // To see whether a port is free, or to be told a free one.
        if self.is_only_asked(new, &self.library.reader.asks_only) {
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
        if self.is_only_asked(object, &self.library.reader.asks_only) {
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
            Thing::Object(Object::At(place)) => place.clone(),
            Thing::Outside(_) => Bound::unknown(value.why_unknown().unwrap_or_default()),
            // A pool of threads, or an address that comes from elsewhere.
            _ if self.is_declared_as(*address, &["int", "Integer", "InetSocketAddress"]) => self.at(&value),
            _ => return None,
        };
        let backlog = Backlog { default: JETTY, too_small: JETTY, ..Backlog::java(None, None) };
        Some(Asked { place, backlog, shared: false })
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
            (None, Some(why)) => Bound::unknown(why),
            (None, None) => Why::AnyPort.into(),
        };
        let given = number("setAcceptQueueSize").or_else(|| self.given_elsewhere(&built, new));
        let backlog = Backlog { default: JETTY, too_small: JETTY, ..Backlog::java(given, None) };
        Asked { place, backlog, shared: false }
    }

    /// `ServerSocketChannel.open(StandardProtocolFamily.INET)` knows IPv4 alone.
    fn on_ipv4_alone(&self, channel: Id, place: &Bound) -> Option<Bound> {
        let [Endpoint::DualStack(port)] = *place.endpoints.as_slice() else { return None };
        let built = self.built(channel);
        let (_, family) = self.last_call(&built, "open", 1)?;
        let ipv4 = self.text(*family.first()?).ends_with("INET");
        let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        ipv4.then(|| Bound { endpoints: vec![Endpoint::tcp(any, port)], notes: place.notes.clone() })
    }
}

/// Netty, Reactor Netty, Vert.x and Undertow: builders whose options say where a server listens and with which backlog.
impl Evaluation<'_, '_, Java<'_>> {
    /// More may be set where the file does not show it.
    fn given_elsewhere(&self, built: &Built, at: Id) -> Option<Value> {
        built.unclear.as_ref().map(|why| Value::unknown(why.clone(), self.span(at)))
    }

    /// Netty: `bootstrap.bind(...)`.
    fn netty(&self, call: Id, object: Id, arguments: &[Id]) -> Option<Asked> {
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
        let names = |all: &[String]| all.iter().any(|name| named.contains(name.as_str()));
        if names(&self.library.reader.no_sockets) {
            return None;
        }
        Some(match () {
            () if names(&self.library.reader.native) => Channel::Native,
            () if named.contains("Nio") || named.contains("Oio") => Channel::Java,
            () => Channel::Unclear,
        })
    }

    fn local_address(&self, built: &Built) -> Vec<Id> {
        let counts = [1, 2];
        let last = counts.iter().find_map(|count| self.last_call(built, "localAddress", *count));
        last.map(|(_, arguments)| arguments).unwrap_or_default()
    }

    fn netty_place(&self, address: &[Id]) -> Bound {
        match *address {
            [] => Bound::unknown("nothing in this file shows its address"),
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
    fn reactor(&self, call: Id, object: Id) -> Asked {
        let built = self.built(object);
        let calls = |method: &str| built.calls.iter().any(|call| self.method(*call) == method);
        let place = match (self.set(&built, "port", call), &built.unclear) {
            _ if calls("bindAddress") => Bound::unknown("a function sets it"),
            (Some(port), _) => self.place(self.set(&built, "host", call).as_ref(), &port),
            (None, Some(why)) => Bound::unknown(why),
            (None, None) => Bound::unknown(format!("{} unless PORT is set in the environment", Why::AnyPort)),
        };
        let mut backlog = self.netty_backlog(&built, call, Channel::Unclear);
        if calls("tcpConfiguration") && backlog.given.is_none() {
            backlog.given = Some(Value::unknown("a function sets it up", self.span(call)));
        }
        Asked { place, backlog, shared: self.shares_port(&built) }
    }

    /// Vert.x: `vertx.createHttpServer(options).listen(...)`.
    fn vertx(&self, call: Id, object: Id, arguments: &[Id]) -> Asked {
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

    fn vertx_place(&self, built: &Built, call: Id, arguments: &[Id], is_http: bool) -> Bound {
        let first = arguments.first().filter(|first| !self.is_function(**first));
        let port = first.map(|first| self.value(*first)).or_else(|| self.set(built, "setPort", call));
        let second = arguments.get(1).filter(|second| first.is_some() && !self.is_function(**second));
        let host = second.map(|second| self.value(*second)).or_else(|| self.set(built, "setHost", call));
        let host = host.filter(|host| second.is_none() || matches!(host.thing, Thing::Text(_)));
        match (port, &built.unclear) {
            (Some(port), _) => self.place(host.as_ref(), &port),
            (None, Some(why)) => Bound::unknown(why),
            (None, None) if is_http => {
                let default = self.library.ground.service.default("vertx-http-port");
                let port = default.map(|port| Value::new(Thing::Number(port.get), port.span));
                port.map_or_else(|| Why::NotTold.into(), |port| self.place(host.as_ref(), &port))
            }
            (None, None) => Why::AnyPort.into(),
        }
    }

    fn is_function(&self, at: Id) -> bool {
        matches!(self.kind(at), "lambda_expression" | "method_reference")
    }

    /// Undertow: `addHttpListener(port, host)` of its builder, one socket each.
    fn undertow(&self, call: Id, arguments: &[Id]) -> Option<Asked> {
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

/// Where a socket is bound: ports and hosts as Java reads them, names through the tree's hosts file.
impl Evaluation<'_, '_, Java<'_>> {
    /// A host, none for every address, and a port.
    fn place(&self, host: Option<&Value>, port: &Value) -> Bound {
        if let Some(why) = port.why_unknown() {
            return Bound::unknown(why);
        }
        let said = |place: Bound| match host {
            Some(host) => unless(unless(place, port), host),
            None => unless(place, port),
        };
        let number = match port.number().map(port_of) {
            Some(Ok(number)) => number,
            Some(Err(why)) => return unless(why.into(), port),
            None => return port.text().map_or(Why::NotTold, |text| Why::NoPort(text.to_owned())).into(),
        };
        let bind = |host: Option<&str>| self.library.ground.bind_java(host, number, self.prefers_ipv4());
        let place = match host.map(|host| (host, &host.thing)) {
            None | Some((_, Thing::Null)) => bind(None),
            Some((_, Thing::Text(name) | Thing::Object(Object::Host(Host::Named(name))))) => bind(Some(name)),
            Some((_, Thing::Object(Object::Host(Host::Loopback)))) => {
                Ok(Bound::at(Endpoint::tcp(IpAddr::V4(Ipv4Addr::LOCALHOST), number)))
            }
            Some((_, Thing::Object(Object::Host(Host::Unknown(why))))) => Ok(Bound::unknown(why)),
            Some((host, _)) => Ok(Bound::unknown(no_address(host))),
        };
        said(place.unwrap_or_else(Bound::from))
    }

    fn unix(&self, path: &Value) -> Bound {
        let place = match &path.thing {
            Thing::Text(path) => Bound::path(path),
            _ => {
                let why = path.why_unknown().unwrap_or_else(|| "its path is not a string".to_owned());
                Bound::unknown_on(Transport::Unix, why)
            }
        };
        unless(place, path)
    }

    /// A SocketAddress; null is a port that the kernel picks.
    fn at(&self, address: &Value) -> Bound {
        match &address.thing {
            Thing::Object(Object::At(place)) => place.clone(),
            Thing::Null => Why::AnyPort.into(),
            _ => Bound::unknown(no_address(address)),
        }
    }

    /// java.net.Inet4Address: what the program itself sets before it opens anything.
    fn prefers_ipv4(&self) -> bool {
        let calls = self.file.names.calls.get("setProperty").map_or(&[][..], Vec::as_slice);
        calls.iter().any(|call| {
            let texts: Vec<&str> = self.arguments(*call).iter().map(|it| self.text(*it)).collect();
            matches!(texts.as_slice(), ["\"java.net.preferIPv4Stack\"", value] if value.trim_matches('"') == "true")
        })
    }

    fn address_called(&self, call: Id) -> Option<Value> {
        let arguments = &self.arguments(call);
        let class = self.class_itself(self.field(call, "object")?)?;
        let thing = match (class, self.method(call)) {
            (Class::Address, "getByName") => {
                let named = self.argument(arguments, 0)?;
                return Some(self.host(named));
            }
            (Class::Address, "getLoopbackAddress") => Thing::Object(Object::Host(Host::Loopback)),
            (Class::Address, "getLocalHost") => Thing::Object(Object::Host(Host::Unknown(
                "it is what the machine's name resolves to".to_owned(),
            ))),
            (Class::SocketAddress, "createUnresolved") => return self.socket_address(call, arguments),
            (Class::UnixAddress, "of") => return self.unix_address(call, arguments),
            _ => return None,
        };
        Some(Value::new(thing, self.span(call)))
    }

    /// InetAddress.getByName of a value.
    fn host(&self, named: Value) -> Value {
        let host = match &named.thing {
            Thing::Text(name) => Host::Named(name.clone()),
            Thing::Null => Host::Loopback,
            Thing::Object(Object::Host(host)) => host.clone(),
            Thing::Outside(_) => return named,
            _ => Host::Unknown(no_address(&named)),
        };
        named.becomes(Thing::Object(Object::Host(host)))
    }

    /// `new InetSocketAddress(port)`, `(host, port)`.
    fn socket_address(&self, at: Id, arguments: &[Id]) -> Option<Value> {
        let place = match *arguments {
            [port] => self.place(None, &self.value(port)),
            [host, port] => self.place(Some(&self.value(host)), &self.value(port)),
            _ => return None,
        };
        Some(Value::new(Thing::Object(Object::At(place)), self.span(at)))
    }

    fn unix_address(&self, at: Id, arguments: &[Id]) -> Option<Value> {
        let path = self.argument(arguments, 0)?;
        Some(Value::new(Thing::Object(Object::At(self.unix(&path))), self.span(at)))
    }
}

#[cfg(test)]
mod tests;
