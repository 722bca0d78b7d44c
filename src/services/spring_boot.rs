//! Spring Boot applications in a source tree: the embedded server that the build file brings in, and what application.properties,
//! application.yml, the environment and the arguments say of it.

use std::path::{Path, PathBuf};

use memchr::memmem;
use serde::Deserialize;

use super::{Ask, BELOW_1_IGNORED, Bound, Candidate, Found, Ground, Why, another, port_of, unless_so};
use crate::model::{Listener, Step, Version};
use crate::syntax::builds::{self, Dependency};
use crate::syntax::spring::{Config, Filled};
use crate::text::{Slot, SourceId, Span};

/// Folders above a module that may be those of its build.
const ABOVE: usize = 3;

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
        let above = || starters.above(ground, &file.path, source);
        let Some(mut build) = starters.read(ground, &file.path, source).or_else(above) else { continue };
        build.version = build.version.or_else(|| above()?.version);
        let module = file.path.parent().unwrap_or(Path::new("")).to_owned();
        // A project that builds with both is one.
        for module in modules(ground, &file.path, source).into_iter().chain([module]) {
            let is_known = applications.iter().any(|(known, _)| *known == module);
            if !is_known && is_application(ground, &module, &build) {
                applications.push((module, build.clone()));
            }
        }
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

/// The modules below a build that have a configuration and no word of Spring Boot in a build of their own.
fn modules(ground: Ground<'_>, path: &Path, source: SourceId) -> Vec<PathBuf> {
    let text = ground.sources.bytes(source);
    let names = |word: &str| memmem::find(text, word.as_bytes()).is_some();
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Vec::new() };
    if !["<module>", "subprojects", "allprojects"].into_iter().any(names) {
        return Vec::new();
    }
    let main = Path::new("src/main/resources/application.*");
    let patterns = ["*", "*/*"].map(|below| folder.join(below).join(main));
    let found = patterns.iter().flat_map(|pattern| ground.tree.glob(pattern.as_os_str().as_encoded_bytes()));
    let mut all: Vec<PathBuf> = found.filter_map(|file| Some(file.ancestors().nth(4)?.to_owned())).collect();
    all.dedup();
    let own = |module: &PathBuf| {
        let build = ground.tree.read(ground.sources, &module.join(name)).ok();
        build.is_some_and(|build| {
            memmem::find(ground.sources.bytes(build), b"org.springframework.boot").is_some()
        })
    };
    all.retain(|module| !own(module));
    all
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
            config.set_variable(&variable.name, variable.value.clone());
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

#[derive(Debug, Clone)]
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

impl Starters {
    /// What a module has from the build above it: its parent's pom.xml, a script for all subprojects.
    fn above(&self, ground: Ground<'_>, path: &Path, source: SourceId) -> Option<Build> {
        let name = path.file_name()?;
        let is_maven = path.extension().is_some_and(|extension| extension == "xml");
        let has = |source, words: &[&str]| {
            words.iter().any(|word| memmem::find(ground.sources.bytes(source), word.as_bytes()).is_some())
        };
        if is_maven && !has(source, &["<parent>"]) {
            return None;
        }
        path.parent()?.ancestors().skip(1).take(ABOVE).find_map(|folder| {
            let above = folder.join(name);
            let source = ground.tree.read(ground.sources, &above).ok()?;
            let counts = is_maven || has(source, &["subprojects", "allprojects"]);
            self.read(ground, &above, source).filter(|_| counts)
        })
    }
}

struct Application<'a> {
    ground: Ground<'a>,
    build: &'a Build,
    config: &'a Config<'a>,
    /// Where more configuration is brought in than there is in the tree.
    elsewhere: Option<Span>,
}

const BROUGHT_IN: &str = "configuration from elsewhere may set it";

impl Application<'_> {
    fn listeners(&self) -> Vec<Listener> {
        let own = self.listener("server.port", "server.address", true);
        let managed = self.config.get("management.server.port").filter(|port| {
            let same = self.config.get("server.port").is_some_and(|own| own.text == port.text);
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
        let (bound, at) = match (number.map(port_of), &given) {
            (Some(Ok(number)), given) => {
                given.iter().for_each(|given| unless(&mut notes, given));
                self.bound(number, self.config.get(address), site, &mut notes)
            }
            (Some(Err(why)), _) => (why.into(), site),
            (None, None) => (Bound::unknown(BROUGHT_IN), self.elsewhere.unwrap_or(site)),
            (None, Some(given)) => (Why::Elsewhere(given.text.to_string()).into(), site),
        };
        notes.extend(bound.steps(at));
        for name in [port, address] {
            for (profile, other) in self.config.in_profiles(name) {
                note(
                    &mut notes,
                    format!("in the profile {profile} {name} is {}", other.text),
                    other.text.span(),
                );
            }
        }
        let mut ask = self.ask(&mut notes);
        if !slot {
            ask.backlog.slot = None;
        }
        let listener = ground.listeners(&bound, site, &ask).pop()?;
        Some(Listener { notes, ..listener })
    }

    /// Where a port and an address listen, and the text that says so.
    fn bound(&self, port: u16, address: Option<Filled>, site: Span, notes: &mut Vec<Step>) -> (Bound, Span) {
        address.iter().for_each(|address| unless(notes, address));
        let at = address.as_ref().map_or(site, |address| address.text.span());
        let bound = match address {
            Some(address) if address.text.is_open() => Err(Why::Elsewhere(address.text.to_string())),
            address => self.ground.bind_java(address.as_ref().map(|it| it.text.trim()), port, false),
        };
        (bound.unwrap_or_else(Bound::from), at)
    }

    /// The server's own number, as far as it has a property.
    fn ask(&self, notes: &mut Vec<Step>) -> Ask {
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
                let unless = given.unless.first().map(|name| format!("{name} is set"));
                Ask::written(number, unless_so(property.unwrap_or_default(), unless), given.text.span())
                    .with(slot)
            }
            Some((given, None)) => Ask::elsewhere(&given.text, given.text.span()),
            None if property.is_some() && self.elsewhere.is_some() => {
                Ask::unknown(BROUGHT_IN, self.elsewhere.unwrap_or(self.build.at)).with(slot)
            }
            // 0 and less are not passed on to Tomcat.
            given => {
                let ignored = given.map(|(given, number)| Step {
                    value: number,
                    what: BELOW_1_IGNORED.to_owned(),
                    at: given.text.span(),
                });
                let version = self.build.version;
                let mut own = self.ground.own(default, version).after(ignored);
                if let Some(step) = own.steps.last_mut().filter(|_| own.backlog.value.is_some()) {
                    step.what = format!("the default of its embedded server: {}", self.name());
                }
                own.settable(self.ground, property.unwrap_or_default(), version, slot)
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
        let digits = given.text.bytes();
        let is_number = digits.strip_prefix(b"-").unwrap_or(digits).iter().all(u8::is_ascii_digit);
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

fn unless(notes: &mut Vec<Step>, given: &Filled) {
    for name in &given.unless {
        note(notes, another(format_args!("{name} is set")), given.text.span());
    }
}

#[cfg(test)]
mod tests;
