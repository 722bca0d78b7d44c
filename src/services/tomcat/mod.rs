//! Tomcat's server.xml: its Connectors in the order in which they bind, and the shutdown port.

mod attributes;
mod backlog;
mod connector;
mod environment;
mod properties;
mod shutdown;

use std::path::{Path, PathBuf};

use super::{Candidate, Found, Ground, Why, bound_first, in_use};
use crate::model::{Label, Listener, Problem, ProblemKind};
use crate::syntax::xml::{self, Element, Reading};
use crate::text::{Span, Text, over};
use attributes::Number;
use connector::Opening;
use properties::Properties;

/// More than anybody has; the rest is left out, and said.
const MAX_CONNECTORS: usize = 4096;
const CLOSED: &str = "no socket is opened for this Connector";
const DOWN: &str = "it stops as soon as it is up, because its shutdown port cannot be opened";

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    for file in files {
        one(ground, file, &mut found);
    }
    found
}

/// One Tomcat: a server.xml and what it draws in.
struct Instance<'a> {
    ground: Ground<'a>,
    document: &'a Reading,
    properties: Properties,
    /// The tree is the machine that it runs on: what is not set there is not set.
    installed: bool,
    /// As far as the tree tells.
    version: Option<[u32; 3]>,
}

/// Why no socket is opened.
#[derive(Debug)]
struct Closed {
    why: String,
    at: Span,
}

impl Closed {
    fn new(why: &Why, at: Span) -> Self {
        Self { why: why.to_string(), at }
    }
}

fn one(ground: Ground<'_>, file: &Candidate, found: &mut Found) {
    let lost = if file.by_place { ProblemKind::Lost } else { ProblemKind::Skipped };
    let source = match ground.tree.read(ground.sources, &file.path) {
        Ok(source) => source,
        Err(why) => {
            let at = Span::top(ground.tree.unread(ground.sources, &file.path));
            let message = format!("cannot read {}: {why}", file.path.display());
            let problem = ground.problem(lost, message, at);
            return found.problems.push(Problem { help: why.help(), ..problem });
        }
    };
    let installed = file.by_place && ground.is_machine();
    let folder = file.path.parent().unwrap_or(Path::new(""));
    let properties = Properties::read(ground, folder, installed);
    let base = format!("/{}", folder.parent().unwrap_or(Path::new("")).display());
    let locate = |id: &str, from: &Path| {
        let id = Text::meant(id.replace("${catalina.base}", &base), Span::top(source));
        let id = properties.fill(&id).text;
        xml::file_of(&id, from).map(|path| Some(inside_conf(path, folder)))
    };
    let document = &xml::read(ground.sources, ground.tree, source, &locate);
    if !is_tomcat(document, file.by_place) {
        return;
    }
    if let Some(fault) = &document.fault {
        let (kind, what) = match document.complete {
            true => (ProblemKind::Skipped, "it starts with only what comes before this error"),
            false => (lost, "it does not start with this server.xml"),
        };
        found.problems.push(ground.problem(kind, format!("{what}: {}", fault.message), fault.at));
    }
    if let Some(root) = document.elements.first().filter(|_| document.complete) {
        let version = version(ground, folder);
        let instance = Instance { ground, document, properties, installed, version };
        instance.server(root, found);
        if let Some(what) = instance.properties.cut_off() {
            ground.sources.cut_off(root.tag, what);
        }
    }
}

/// Known by the root: WebSphere Liberty's is `server`. Other programs may have a Server too, but no Service in it.
fn is_tomcat(document: &Reading, by_place: bool) -> bool {
    match document.elements.first() {
        Some(root) => root.name == "Server" && (by_place || document.children(0, "Service").next().is_some()),
        None => by_place,
    }
}

/// Tomcat knows the folder of its server.xml as `conf`, wherever a distribution puts it.
fn inside_conf(path: PathBuf, folder: &Path) -> PathBuf {
    let conf = folder.parent().unwrap_or(Path::new("")).join("conf");
    match path.strip_prefix(conf) {
        Ok(rest) => folder.join(rest),
        Err(_) => path,
    }
}

/// What the folder that Tomcat was unpacked into says of it, else what it is called: `apache-tomcat-9.0.31`, `tomcat10`. What
/// a name leaves out counts as the newest of its line.
fn version(ground: Ground<'_>, folder: &Path) -> Option<[u32; 3]> {
    let notes = folder.parent().unwrap_or(Path::new("")).join("RELEASE-NOTES");
    let told = ground.tree.read(ground.sources, &notes).ok().and_then(|notes| {
        let text = String::from_utf8_lossy(ground.sources.bytes(notes)).into_owned();
        numbers(text.split_once("Apache Tomcat Version ")?.1)
    });
    told.or_else(|| {
        let path = folder.to_string_lossy().to_ascii_lowercase();
        numbers(path.rsplit_once("tomcat")?.1.trim_start_matches('-'))
    })
}

fn numbers(text: &str) -> Option<[u32; 3]> {
    let number = text.split(|c: char| !(c.is_ascii_digit() || c == '.')).next()?;
    let mut parts = number.split('.').map_while(|part| part.parse().ok());
    Some([parts.next()?, parts.next().unwrap_or(u32::MAX), parts.next().unwrap_or(u32::MAX)])
}

impl Instance<'_> {
    fn server(&self, root: &Element, found: &mut Found) {
        // setPortOffset refuses a negative one.
        let offset = match self.integer(root, "portOffset") {
            Number::Known(offset, _) if offset >= 0 => offset,
            _ => 0,
        };
        let mut bound = Vec::new();
        for Opening { listener, .. } in self.openings(offset, found) {
            self.bind(&mut bound, listener, "the Connector", found);
        }
        match self.shutdown(root, offset) {
            Ok(Some(listener)) => self.bind(&mut bound, listener, "the shutdown port", found),
            Ok(None) => {}
            Err(Closed { why, at }) => {
                let message = format!("{DOWN}: {why}");
                found.problems.push(self.ground.problem(ProblemKind::Lost, message, at));
            }
        }
        found.listeners.extend(bound);
    }

    /// What the Connectors open, in the order in which they do.
    fn openings(&self, offset: i64, found: &mut Found) -> Vec<Opening> {
        let mut open = Vec::new();
        let services = self.document.children(0, "Service");
        let connectors = services.flat_map(|(service, _)| {
            self.document.children(service, "Connector").map(move |connector| (service, connector))
        });
        for (count, (service, (index, element))) in connectors.enumerate() {
            if count == MAX_CONNECTORS {
                self.ground.sources.cut_off(element.tag, over("Connectors of one Tomcat", MAX_CONNECTORS));
                break;
            }
            match self.connector(service, index, element, offset) {
                Ok(opening) => open.push(opening),
                Err(Closed { why, at }) => found.problems.push(Problem {
                    labels: vec![Label::new(at, why)],
                    ..self.ground.problem(ProblemKind::Skipped, CLOSED, element.tag)
                }),
            }
        }
        open.sort_by_key(|opening| !opening.on_init);
        open
    }

    /// A second socket where one is bound already is refused (EADDRINUSE).
    fn bind(&self, bound: &mut Vec<Listener>, listener: Listener, what: &str, found: &mut Found) {
        let Some(first) = bound.iter().find(|first| first.endpoint.collides(&listener.endpoint)) else {
            return bound.push(listener);
        };
        let message = format!("{what} stays closed: {}", in_use(&listener.endpoint));
        let first = bound_first(first);
        found.problems.push(self.ground.conflict(message, listener.site, first));
    }

    /// Whether this Tomcat is at least this one, if the tree tells.
    fn is_since(&self, major: u32, minor: u32) -> Option<bool> {
        self.version.map(|version| version >= [major, minor, 0])
    }

    /// CVE-2020-1938: AJP listens on loopback and wants a secret since 7.0.100, 8.5.51 and 9.0.31; a Tomcat that we do not
    /// know is taken for a newer one.
    fn is_before_ghostcat(&self) -> bool {
        match self.version {
            Some([7, 0, patch]) => patch < 100,
            Some([8, 5, patch]) => patch < 51,
            Some([9, 0, patch]) => patch < 31,
            Some([8, minor, _]) => minor < 5,
            Some([major, ..]) => major < 7,
            None => false,
        }
    }
}

#[cfg(test)]
mod tests;
