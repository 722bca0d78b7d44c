//! WildFly and JBoss EAP: the listeners of the undertow subsystem, the socket-bindings that give them ports and the interfaces that
//! give them addresses. Domain mode, in which one file serves many hosts, is not read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Candidate, Found, Ground};
use crate::model::{Endpoint, Listener, ProblemKind, Setting, Step, Transport, Value, Version};
use crate::syntax::java::{self, Address};
use crate::syntax::jboss::{Properties, Resolved};
use crate::syntax::xml::{self, Attribute, Element, Reading};
use crate::text::{Slot, Span, Text};

const LISTENERS: [&str; 3] = ["ajp-listener", "http-listener", "https-listener"];

const NAMESPACE: &str = "urn:jboss:domain:undertow:";

/// What an installed WildFly starts without being told (standalone.sh).
const STANDALONE: &str = "standalone.xml";

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    let mut folders: BTreeMap<&Path, Vec<&Candidate>> = BTreeMap::new();
    for file in files {
        folders.entry(file.path.parent().unwrap_or(Path::new(""))).or_default().push(file);
    }
    let (properties, configuration) = of_commands(ground);
    for files in folders.values() {
        let used = used(configuration.as_deref(), files);
        found.left_out += files.len() - usize::from(used.is_some());
        if let Some(file) = used {
            one(ground, file, properties.clone(), &mut found);
        }
    }
    found
}

/// Of several configurations side by side one is started.
fn used<'f>(configuration: Option<&str>, files: &[&'f Candidate]) -> Option<&'f Candidate> {
    let named = |name: &str| files.iter().find(|file| file.path.ends_with(name)).copied();
    let told = configuration.and_then(named);
    told.or_else(|| named(STANDALONE)).or(match files {
        [only] => Some(*only),
        _ => None,
    })
}

fn one(ground: Ground<'_>, file: &Candidate, mut properties: Properties, found: &mut Found) {
    let Ok(source) = ground.tree.read(ground.sources, &file.path) else { return };
    let locate = |_: &str, _: &Path| -> Result<Option<PathBuf>, String> { Ok(None) };
    let document = xml::read(ground.sources, ground.tree, source, &locate);
    if let Some(fault) = &document.fault {
        let installed = file.by_place && ground.is_machine();
        let kind = if installed { ProblemKind::Lost } else { ProblemKind::Skipped };
        let message = format!("this configuration keeps it from starting: {}", fault.message);
        return found.problems.push(ground.problem(kind, message, fault.at));
    }
    if document.elements.first().is_none_or(|root| root.name != "server") {
        return;
    }
    of_file(&document, &mut properties);
    let ipv4 = prefers_ipv4(ground, &file.path);
    let server = Server { ground, document: &document, properties: &properties, ipv4 };
    found.listeners.extend(server.listeners());
}

/// What command lines set, and the configuration that one names.
fn of_commands(ground: Ground<'_>) -> (Properties, Option<String>) {
    let (mut properties, mut configuration) = (Properties::default(), None);
    for (command, arguments) in ground.started() {
        for variable in &command.environment {
            properties.set(&format!("env.{}", variable.name), variable.value.clone());
        }
        for (index, word) in arguments.iter().enumerate().filter(|(_, word)| !word.is_open()) {
            let next = arguments.get(index + 1).filter(|next| !next.is_open());
            let text = word.as_str();
            if let Some((name, value)) = text.strip_prefix("-D").and_then(|option| option.split_once('=')) {
                properties.set(name, Text::meant(value, word.span()));
            } else if let Some(address) = text.strip_prefix("-b=") {
                properties.set("jboss.bind.address", Text::meant(address, word.span()));
            } else if let (Some(next), "-b") = (next, text) {
                properties.set("jboss.bind.address", next.clone());
            } else if let Some(file) = text.strip_prefix("--server-config=").or(text.strip_prefix("-c=")) {
                configuration = Some(file.to_owned());
            } else if let (Some(next), "-c") = (next, text) {
                configuration = Some(next.as_str().to_owned());
            }
        }
    }
    (properties, configuration)
}

/// Those that the file itself sets; a command line wins.
fn of_file(document: &Reading, properties: &mut Properties) {
    let blocks = document.children(0, "system-properties");
    for (_, property) in blocks.flat_map(|(block, _)| document.children(block, "property")) {
        if let (Some(name), Some(value)) = (attribute(property, "name"), attribute(property, "value")) {
            properties.set_default(&name.value, value.value.clone());
        }
    }
}

/// standalone.conf as it comes prefers IPv4; a tree without one is taken for such.
fn prefers_ipv4(ground: Ground<'_>, path: &Path) -> bool {
    let conf = path.ancestors().nth(3).map(|home| home.join("bin/standalone.conf"));
    let Some(Ok(conf)) = conf.map(|conf| ground.tree.read(ground.sources, &conf)) else { return true };
    let text = String::from_utf8_lossy(ground.sources.bytes(conf)).into_owned();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines.any(|line| line.contains("java.net.preferIPv4Stack=true"))
}

struct Server<'a> {
    ground: Ground<'a>,
    document: &'a Reading,
    properties: &'a Properties,
    ipv4: bool,
}

fn attribute<'e>(element: &'e Element, name: &str) -> Option<&'e Attribute> {
    element.attributes.iter().find(|attribute| attribute.name == name)
}

impl Server<'_> {
    fn listeners(&self) -> Vec<Listener> {
        let mut found = Vec::new();
        let profiles = self.document.children(0, "profile");
        for (subsystem, element) in
            profiles.flat_map(|(profile, _)| self.document.children(profile, "subsystem"))
        {
            let namespace = attribute(element, "xmlns").map_or("", |namespace| namespace.value.as_str());
            let Some(version) = namespace.strip_prefix(NAMESPACE) else { continue };
            let version = version.rsplit(':').next().and_then(Version::parse).map(|(version, _)| version);
            for (server, _) in self.document.children(subsystem, "server") {
                for kind in LISTENERS {
                    let listeners = self.document.children(server, kind);
                    found.extend(listeners.filter_map(|(_, element)| self.listener(element, version)));
                }
            }
        }
        found
    }

    fn resolve(&self, attribute: &Attribute) -> Resolved {
        self.properties.resolve(self.ground.sources, &attribute.value)
    }

    fn listener(&self, element: &Element, version: Option<Version>) -> Option<Listener> {
        let enabled = attribute(element, "enabled").map(|enabled| self.resolve(enabled).text);
        if enabled.is_some_and(|enabled| enabled.is("false")) {
            return None;
        }
        let mut notes = Vec::new();
        let endpoint = self.endpoint(element, &mut notes).unwrap_or(Endpoint::Unknown(Transport::Tcp));
        let ground = self.ground;
        let mut listener = Listener::new(&ground.service.name, ground.place, endpoint, element.tag);
        listener.notes = notes;
        (listener.backlog, listener.steps) = self.backlog(element, version);
        Some(listener)
    }

    /// The port and the address of its socket-binding; a note says why where they are not known.
    fn endpoint(&self, element: &Element, notes: &mut Vec<Step>) -> Option<Endpoint> {
        let mut note = |what: String, at: Span| notes.push(Step { value: None, what, at });
        let name = attribute(element, "socket-binding")?;
        let groups = self.document.children(0, "socket-binding-group");
        let mut bindings = groups.flat_map(|(index, group)| {
            self.document.children(index, "socket-binding").map(move |(_, binding)| (group, binding))
        });
        let found = bindings
            .find(|(_, binding)| attribute(binding, "name").is_some_and(|it| it.value.is(&name.value)));
        let Some((group, binding)) = found else {
            note(format!("there is no socket-binding {} in this file", name.value), name.value.span());
            return None;
        };
        let mut number = |attribute: Option<&Attribute>| {
            let Some(attribute) = attribute else { return Some(0) };
            let value = self.resolve(attribute);
            for name in &value.unless {
                note(format!("it is another port if {name} is set"), value.text.span());
            }
            let known = java::integer(&value.text).filter(|_| !value.text.is_open());
            if known.is_none() {
                note(format!("the port is {}, which is set elsewhere", value.text), value.text.span());
            }
            known
        };
        let port = number(attribute(binding, "port"))?;
        let fixed = attribute(binding, "fixed-port").is_some_and(|fixed| fixed.value.is("true"));
        let offset = if fixed { 0 } else { number(attribute(group, "port-offset"))? };
        let port = u16::try_from(port.checked_add(offset)?).ok().filter(|_| port > 0)?;
        let interface = attribute(binding, "interface").or(attribute(group, "default-interface"))?;
        self.on_interface(&self.resolve(interface).text, port, notes)
    }

    fn on_interface(&self, name: &str, port: u16, notes: &mut Vec<Step>) -> Option<Endpoint> {
        let mut note = |what: String, at: Span| notes.push(Step { value: None, what, at });
        let blocks = self.document.children(0, "interfaces");
        let mut interfaces = blocks.flat_map(|(index, _)| self.document.children(index, "interface"));
        let (index, interface) =
            interfaces.find(|(_, it)| attribute(it, "name").is_some_and(|it| it.value.is(name)))?;
        let any = || match self.ipv4 {
            true => Endpoint::tcp(std::net::Ipv4Addr::UNSPECIFIED.into(), port),
            false => Endpoint::DualStack(port),
        };
        if self.document.children(index, "any-address").next().is_some() {
            return Some(any());
        }
        let Some((_, address)) = self.document.children(index, "inet-address").next() else {
            note("its interface is chosen on the machine".to_owned(), interface.tag);
            return None;
        };
        let value = self.resolve(attribute(address, "value")?);
        for name in &value.unless {
            note(format!("it is another address if {name} is set"), value.text.span());
        }
        match java::resolve(&value.text, self.ground.hosts) {
            _ if value.text.is_open() => {
                note(format!("the address is {}, which is set elsewhere", value.text), value.text.span());
                None
            }
            Address::Known { ip, .. } if ip.to_canonical().is_unspecified() => Some(any()),
            Address::Known { ip, assumed } => {
                if assumed {
                    note(format!("assumed: {} is {ip}", value.text), value.text.span());
                }
                Some(Endpoint::tcp(ip, port))
            }
            _ => {
                note(format!("nothing in this tree says which address {} is", value.text), value.text.span());
                None
            }
        }
    }

    fn backlog(&self, element: &Element, version: Option<Version>) -> (Setting, Vec<Step>) {
        let Some(attribute) = attribute(element, "tcp-backlog") else {
            let default = self.ground.service.default_in("backlog", version);
            let kind = self.ground.service.kind_of_default("backlog", version);
            let value = default.map(|default| Value { kind, ..default.value.clone() });
            let step = default.map(|default| Step {
                value: Some(default.value.get),
                what: format!("the default of {}", default.versions),
                at: default.value.span,
            });
            let slot =
                element.end.map(|(end, quote)| Slot::insert(end, format!(" tcp-backlog={quote}"), quote));
            // Before WildFly 9 there is no such attribute.
            let slot = slot.filter(|_| version.is_none_or(|version| version >= Version::new(2, 0, 0)));
            return (Setting { value, slot }, step.into_iter().collect());
        };
        let value = self.resolve(attribute);
        let known = java::integer(&value.text).filter(|number| *number > 0 && !value.text.is_open());
        let Some(number) = known else {
            let what = format!("tcp-backlog is {}, which is set elsewhere", value.text);
            return (Setting::default(), vec![Step { value: None, what, at: value.text.span() }]);
        };
        let what = match value.unless.first() {
            Some(name) => format!("tcp-backlog, unless {name} is set"),
            None => "tcp-backlog".to_owned(),
        };
        let slot = value.text.exact().map(Slot::replace);
        let step = Step { value: Some(number), what, at: value.text.span() };
        (Setting { value: Some(Value::written(number, value.text.span())), slot }, vec![step])
    }
}

#[cfg(test)]
mod tests;
