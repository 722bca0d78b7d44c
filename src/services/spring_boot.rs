//! Spring Boot applications in a source tree: the embedded server that the build file brings in, and what application.properties,
//! application.yml, the environment and the arguments say of it.

use std::path::Path;

use serde::Deserialize;

use super::{Candidate, Found, Ground};
use crate::model::{Endpoint, Listener, Setting, Step, Transport, Value, Version};
use crate::syntax::builds::{self, Dependency};
use crate::syntax::java::{self, Address};
use crate::syntax::spring::{Config, Filled};
use crate::text::{Slot, SourceId, Span};

/// Whose starters are known.
const GROUPS: [&str; 2] = ["org.springframework.boot", "org.springframework.cloud"];

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    let starters: Starters = match ground.service.reader.clone().try_into() {
        Ok(starters) => starters,
        Err(error) => return ground.broken("the table of starters", &error.message()),
    };
    let mut applications = Vec::new();
    for file in files {
        let Ok(source) = ground.tree.read(ground.sources, &file.path) else { continue };
        let Some(build) = starters.read(ground, &file.path, source) else { continue };
        let module = file.path.parent().unwrap_or(Path::new(""));
        // A project that builds with both is one.
        if applications.iter().any(|(known, _)| *known == module) || !is_application(ground, module, &build) {
            continue;
        }
        applications.push((module, build));
    }
    let alone = applications.len() == 1;
    for (module, build) in &applications {
        // With several nobody can say which one a command line starts.
        let config = config(ground, module, alone);
        let elsewhere = config.elsewhere(ground.sources, ground.tree, module);
        found.listeners.extend(Application { ground, build, config: &config, elsewhere }.listeners());
    }
    found
}

/// A library has neither a build that makes it run nor a configuration.
fn is_application(ground: Ground<'_>, module: &Path, build: &Build) -> bool {
    let main = module.join("src/main");
    let configured = ["properties", "yml", "yaml"]
        .iter()
        .any(|extension| ground.tree.exists(&main.join(format!("resources/application.{extension}"))));
    ground.tree.is_folder(&main) && (build.runs || configured)
}

/// What the files of an application say, and the command lines that start it.
fn config<'a>(ground: Ground<'a>, module: &Path, started: bool) -> Config<'a> {
    let mut config = Config::read(ground.sources, ground.tree, module);
    let commands =
        ground.started().filter(|(_, arguments)| arguments.iter().any(|word| word.as_str() == "-jar"));
    for (command, arguments) in commands.filter(|_| started) {
        for variable in &command.environment {
            config.set_variable(&variable.name, variable.value.tail(variable.value.len()));
        }
        for start in ["-D", "--"] {
            let options =
                arguments.iter().filter_map(|word| Some((word, word.as_str().strip_prefix(start)?)));
            for (word, option) in options {
                let Some((name, value)) = option.split_once('=') else { continue };
                config.set_option(name, word.tail(value.len()));
            }
        }
    }
    config
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Server {
    Tomcat,
    Jetty,
    Undertow,
    Netty,
}

/// `[reader]` of `rules/services/spring-boot.toml`: starters by what they bring.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Starters {
    servlet: Vec<String>,
    reactive: Vec<String>,
    tomcat: Vec<String>,
    jetty: Vec<String>,
    undertow: Vec<String>,
}

#[derive(Debug)]
struct Build {
    server: Server,
    /// The dependency that brings the server.
    at: Span,
    version: Option<Version>,
    /// The build makes something that runs by itself.
    runs: bool,
}

impl Starters {
    /// `None` where no server is brought in, or another program's server runs the application.
    fn read(&self, ground: Ground<'_>, path: &Path, source: SourceId) -> Option<Build> {
        let build = builds::read(ground.sources, ground.tree, path, source)?;
        let find = |names: &[String]| {
            let is_it =
                |it: &&Dependency| GROUPS.contains(&it.group.as_str()) && names.contains(&it.artifact);
            build.dependencies.iter().find(is_it)
        };
        let (servlet, reactive) = (find(&self.servlet), find(&self.reactive));
        let given = find(&self.tomcat);
        let (server, by) = match (find(&self.jetty), find(&self.undertow)) {
            (Some(jetty), _) => (Server::Jetty, jetty),
            (None, Some(undertow)) => (Server::Undertow, undertow),
            (None, None) => match (servlet, reactive, given) {
                (Some(servlet), ..) => (Server::Tomcat, servlet),
                (None, _, Some(tomcat)) => (Server::Tomcat, tomcat),
                (None, Some(reactive), None) => (Server::Netty, reactive),
                (None, None, None) => return None,
            },
        };
        let elsewhere = by.provided || given.is_some_and(|tomcat| tomcat.provided);
        let plugin = |name: &str| build.plugins.iter().any(|it| it.name == name);
        let runs = ["org.springframework.boot", "spring-boot-maven-plugin"].iter().any(|name| plugin(name));
        let parent = build.parent.iter().filter(|it| it.name.starts_with("spring-boot-starter-parent"));
        let plugins = build.plugins.iter().filter(|it| it.name == "org.springframework.boot");
        let versions = parent.chain(plugins).filter_map(|it| it.version.as_deref());
        let version = versions.filter_map(Version::parse).next();
        let (at, version) = (by.at, version.map(|(version, _)| version));
        (!elsewhere).then_some(Build { server, at, version, runs })
    }
}

struct Application<'a> {
    ground: Ground<'a>,
    build: &'a Build,
    config: &'a Config<'a>,
    /// Where more configuration is brought in than there is in the tree.
    elsewhere: Option<Span>,
}

const BROUGHT_IN: &str = "configuration from elsewhere may say it";

impl Application<'_> {
    fn listeners(&self) -> Vec<Listener> {
        let own = self.listener("server.port", "server.address", true);
        let managed = self.config.get("management.server.port").filter(|port| {
            let same = self.config.get("server.port").is_some_and(|own| own.text.is(&port.text));
            !same
                && port.number()
                    != self.port_by_default().filter(|_| self.config.get("server.port").is_none())
        });
        let management =
            managed.and_then(|_| self.listener("management.server.port", "management.server.address", false));
        own.into_iter().chain(management).collect()
    }

    fn port_by_default(&self) -> Option<i64> {
        self.ground.service.default("port").map(|port| port.get)
    }

    /// What a port and an address open; nothing for -1.
    fn listener(&self, port: &str, address: &str, slot: bool) -> Option<Listener> {
        let ground = self.ground;
        let given = self.config.get(port);
        let site = given.as_ref().map_or(self.build.at, |port| port.text.span());
        let mut notes = Vec::new();
        let number = match &given {
            Some(given) => given.number(),
            None => self.port_by_default().filter(|_| self.elsewhere.is_none()),
        };
        if number.is_some_and(|number| number < 0) {
            return None;
        }
        let endpoint = match (number.map(u16::try_from), &given) {
            (Some(Ok(0)), _) => {
                note(&mut notes, "port 0: the kernel picks one".to_owned(), site);
                Endpoint::Unknown(Transport::Tcp)
            }
            (Some(Ok(number)), given) => {
                given.iter().for_each(|given| unless(&mut notes, given, "another port"));
                self.at(number, self.config.get(address), &mut notes)
            }
            (_, None) => {
                note(
                    &mut notes,
                    format!("the port is not known: {BROUGHT_IN}"),
                    self.elsewhere.unwrap_or(site),
                );
                Endpoint::Unknown(Transport::Tcp)
            }
            (_, given) => {
                let text = given.as_ref().map_or("", |given| given.text.as_str());
                note(&mut notes, format!("the port is {text}, which is set elsewhere"), site);
                Endpoint::Unknown(Transport::Tcp)
            }
        };
        for name in [port, address] {
            for (profile, other) in self.config.in_profiles(name) {
                note(
                    &mut notes,
                    format!("in the profile {profile} {name} is {}", other.text),
                    other.text.span(),
                );
            }
        }
        let mut listener = Listener::new(&ground.service.name, ground.place, endpoint, site);
        (listener.backlog, listener.steps) = self.backlog(&mut notes);
        if !slot {
            listener.backlog.slot = None;
        }
        listener.notes = notes;
        Some(listener)
    }

    fn at(&self, port: u16, address: Option<Filled>, notes: &mut Vec<Step>) -> Endpoint {
        let Some(address) = address else { return Endpoint::DualStack(port) };
        unless(notes, &address, "another address");
        let known = (!address.text.is_open()).then(|| java::resolve(address.text.trim(), self.ground.hosts));
        match known {
            Some(Address::Known { ip, .. }) if ip.to_canonical().is_unspecified() => {
                Endpoint::DualStack(port)
            }
            Some(Address::Known { ip, assumed }) => {
                if assumed {
                    note(notes, format!("assumed: {} is {ip}", address.text), address.text.span());
                }
                Endpoint::tcp(ip, port)
            }
            _ => {
                note(
                    notes,
                    format!("nothing in this tree says which address {} is", address.text),
                    address.text.span(),
                );
                Endpoint::Unknown(Transport::Tcp)
            }
        }
    }

    /// The server's own number, as far as it has a property.
    fn backlog(&self, notes: &mut Vec<Step>) -> (Setting, Vec<Step>) {
        let (default, property) = match self.build.server {
            Server::Tomcat => ("tomcat", Some("server.tomcat.accept-count")),
            Server::Undertow => ("undertow", Some("server.undertow.options.socket.BACKLOG")),
            Server::Jetty => ("jetty", None),
            Server::Netty => ("netty", None),
        };
        let given = property.and_then(|property| self.config.get(property));
        for (profile, other) in property.into_iter().flat_map(|property| self.config.in_profiles(property)) {
            note(notes, format!("in the profile {profile} it asks for {}", other.text), other.text.span());
        }
        let slot = given.as_ref().map_or_else(|| self.room(property), |given| self.slot(given));
        match given.as_ref().map(|given| (given, given.number())) {
            Some((given, Some(number))) if number > 0 => {
                let what = match given.unless.first() {
                    Some(name) => format!("what the application asks for unless {name} is set"),
                    None => property.unwrap_or_default().to_owned(),
                };
                let at = given.text.span();
                let step = Step { value: Some(number), what, at };
                (Setting { value: Some(Value::written(number, at)), slot }, vec![step])
            }
            Some((given, None)) => {
                let what =
                    format!("{} is {}, which is set elsewhere", property.unwrap_or_default(), given.text);
                (Setting::default(), vec![Step { value: None, what, at: given.text.span() }])
            }
            None if property.is_some() && self.elsewhere.is_some() => {
                let what = format!("the backlog is not known: {BROUGHT_IN}");
                let step = Step { value: None, what, at: self.elsewhere.unwrap_or(self.build.at) };
                (Setting { value: None, slot }, vec![step])
            }
            // 0 and less are not passed on to Tomcat.
            given => {
                let ignored = given.map(|(given, number)| Step {
                    value: number,
                    what: "0 and less count as nothing".to_owned(),
                    at: given.text.span(),
                });
                let Some((value, mut step)) = self.ground.default(default, self.build.version) else {
                    return (Setting::default(), Vec::new());
                };
                step.what = format!("the default of its embedded server: {}", self.name());
                (Setting { value: Some(value), slot }, ignored.into_iter().chain([step]).collect())
            }
        }
    }

    fn name(&self) -> &'static str {
        match self.build.server {
            Server::Tomcat => "Tomcat",
            Server::Jetty => "Jetty",
            Server::Undertow => "Undertow",
            Server::Netty => "Reactor Netty, which asks for all that somaxconn allows since Spring Boot 2.2",
        }
    }

    fn slot(&self, given: &Filled) -> Option<Slot> {
        let is_number = given.text.bytes().iter().all(u8::is_ascii_digit);
        given.text.exact().filter(|_| is_number).map(Slot::replace)
    }

    /// Another line of application.properties.
    fn room(&self, property: Option<&str>) -> Option<Slot> {
        let (property, at) = (property?, self.config.room?);
        Some(Slot::insert(at, format!("\n{property}="), ""))
    }
}

fn note(notes: &mut Vec<Step>, what: String, at: Span) {
    notes.push(Step { value: None, what, at });
}

fn unless(notes: &mut Vec<Step>, given: &Filled, what: &str) {
    for name in &given.unless {
        note(notes, format!("it is {what} if {name} is set"), given.text.span());
    }
}

#[cfg(test)]
mod tests;
