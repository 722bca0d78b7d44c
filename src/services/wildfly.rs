//! WildFly and JBoss EAP: the listeners of the undertow subsystem, the socket-bindings that give them ports and the interfaces that
//! give them addresses. Domain mode, in which one file serves many hosts, is not read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Ask, Bound, Candidate, Found, Ground, Why, another, port_of, unless_so};
use crate::model::{Listener, ProblemKind, Step, Version};
use crate::syntax::java;
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
        let message = format!("it does not start with this configuration: {}", fault.message);
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
        let (bound, at) =
            self.bound(element, &mut notes).unwrap_or_else(|(why, at)| (Bound::unknown(why), at));
        notes.extend(bound.steps(at));
        let listener = self.ground.listeners(&bound, element.tag, &self.ask(element, version)).pop()?;
        Some(Listener { notes, ..listener })
    }

    /// The port and the address of its socket-binding, and where the address is said; an error says why they are not known.
    fn bound(&self, element: &Element, notes: &mut Vec<Step>) -> Result<(Bound, Span), (String, Span)> {
        let name = attribute(element, "socket-binding")
            .ok_or(("it has no socket-binding".to_owned(), element.tag))?;
        let groups = self.document.children(0, "socket-binding-group");
        let mut bindings = groups.flat_map(|(index, group)| {
            self.document.children(index, "socket-binding").map(move |(_, binding)| (group, binding))
        });
        let found =
            bindings.find(|(_, binding)| attribute(binding, "name").is_some_and(|it| it.value == name.value));
        let Some((group, binding)) = found else {
            return Err((
                format!("there is no socket-binding {} in this file", name.value),
                name.value.span(),
            ));
        };
        let mut number = |attribute: Option<&Attribute>| {
            let Some(attribute) = attribute else { return Ok(0) };
            let value = self.resolve(attribute);
            unless(notes, &value);
            let known = java::integer(&value.text).filter(|_| !value.text.is_open());
            known.ok_or_else(|| (Why::Elsewhere(value.text.to_string()).to_string(), value.text.span()))
        };
        let port = number(attribute(binding, "port"))?;
        let fixed = attribute(binding, "fixed-port").is_some_and(|fixed| fixed.value == "true");
        let offset = if fixed || port == 0 { 0 } else { number(attribute(group, "port-offset"))? };
        let port = port_of(port.saturating_add(offset)).map_err(|why| (why.to_string(), binding.tag))?;
        let interface = attribute(binding, "interface").or(attribute(group, "default-interface"));
        let interface = interface.map(|interface| self.resolve(interface).text).unwrap_or_default();
        self.on_interface((&interface, binding.tag), port, notes)
    }

    fn on_interface(
        &self,
        (name, at): (&str, Span),
        port: u16,
        notes: &mut Vec<Step>,
    ) -> Result<(Bound, Span), (String, Span)> {
        let blocks = self.document.children(0, "interfaces");
        let mut interfaces = blocks.flat_map(|(index, _)| self.document.children(index, "interface"));
        let found = interfaces.find(|(_, it)| attribute(it, "name").is_some_and(|it| it.value == *name));
        let (index, interface) = found.ok_or((format!("there is no interface {name} in this file"), at))?;
        let bind = |host: Option<&str>, at: Span| match self.ground.bind_java(host, port, self.ipv4) {
            Ok(bound) => Ok((bound, at)),
            Err(why) => Err((why.to_string(), at)),
        };
        if self.document.children(index, "any-address").next().is_some() {
            return bind(None, interface.tag);
        }
        let address = self.document.children(index, "inet-address").next();
        let Some(address) = address.and_then(|(_, address)| attribute(address, "value")) else {
            return Err(("its interface is chosen on the machine".to_owned(), interface.tag));
        };
        let value = self.resolve(address);
        unless(notes, &value);
        match value.text.is_open() {
            true => Err((Why::Elsewhere(value.text.to_string()).to_string(), value.text.span())),
            false => bind(Some(&value.text), value.text.span()),
        }
    }

    fn ask(&self, element: &Element, version: Option<Version>) -> Ask {
        let too_old = self.ground.service.too_old("tcp-backlog", version).zip(version);
        let too_old = too_old.map(|(setting, this)| {
            let since = setting.since;
            let what = format!(
                "tcp-backlog can be set since undertow:{since} (WildFly 8.1), and this is undertow:{this}"
            );
            Step::note(what, setting.at)
        });
        let Some(attribute) = attribute(element, "tcp-backlog") else {
            let slot =
                element.end.map(|(end, quote)| Slot::insert(end, format!(" tcp-backlog={quote}"), quote));
            let mut own = self.ground.own("backlog", version).with(slot.filter(|_| too_old.is_none()));
            own.steps.extend(too_old);
            return own;
        };
        if let Some(too_old) = too_old {
            return Ask::unknown(too_old.what, attribute.value.span());
        }
        let value = self.resolve(attribute);
        let known = java::integer(&value.text).filter(|number| *number > 0 && !value.text.is_open());
        let Some(number) = known else {
            return Ask::elsewhere(&value.text, value.text.span());
        };
        let unless = value.unless.first().map(|name| format!("{name} is set"));
        let slot = value.text.exact().map(Slot::replace);
        Ask::written(number, unless_so("tcp-backlog", unless), value.text.span()).with(slot)
    }
}

fn unless(notes: &mut Vec<Step>, value: &Resolved) {
    let what = |name: &String| another(format_args!("{name} is set"));
    notes.extend(value.unless.iter().map(|name| Step::note(what(name), value.text.span())));
}

#[cfg(test)]
mod tests;
