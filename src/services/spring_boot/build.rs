//! What a build file says of an application: that it is one of Spring Boot's, which server it has, which version.

use std::path::Path;

use regex::Regex;
use serde::Deserialize;

use crate::model::Version;
use crate::services::Ground;
use crate::syntax::xml::{self, Reading};
use crate::text::{SourceId, Span};

/// Whose starters are known.
const GROUPS: [&str; 2] = ["org.springframework.boot", "org.springframework.cloud"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    Tomcat,
    Jetty,
    Undertow,
    Netty,
}

/// `[reader]` of `rules/services/spring-boot.toml`: starters by what they bring.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Starters {
    servlet: Vec<String>,
    reactive: Vec<String>,
    tomcat: Vec<String>,
    jetty: Vec<String>,
    undertow: Vec<String>,
}

/// A starter among the dependencies.
#[derive(Debug)]
struct Dependency {
    artifact: String,
    at: Span,
    /// It is there to compile against; what runs the application brings its own.
    provided: bool,
}

#[derive(Debug)]
pub(super) struct Build {
    pub server: Server,
    /// The dependency that brings the server.
    pub at: Span,
    pub version: Option<Version>,
    /// The build makes something that runs by itself.
    pub runs: bool,
}

impl Starters {
    /// `None` where no server is brought in, or another program's server runs the application.
    pub(super) fn read(&self, ground: Ground<'_>, path: &Path, source: SourceId) -> Option<Build> {
        let is_pom = path.extension().is_some_and(|extension| extension == "xml");
        let (dependencies, version, runs) = match is_pom {
            true => maven(ground, source)?,
            false => gradle(ground, source),
        };
        let find = |names: &[String]| dependencies.iter().find(|it| names.contains(&it.artifact));
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
        (!elsewhere).then_some(Build { server, at: by.at, version, runs })
    }
}

type Read = (Vec<Dependency>, Option<Version>, bool);

fn maven(ground: Ground<'_>, source: SourceId) -> Option<Read> {
    let sources = ground.sources;
    let document = xml::read(sources, ground.tree, source, &|_, _| Ok(None));
    let root = document.elements.first().filter(|root| root.name == "project");
    root.filter(|_| document.complete)?;
    let content = |parent: usize, name: &str| document.child_content(sources, parent, name);
    let mut dependencies = Vec::new();
    for index in below(&document, 0, &["dependencies", "dependency"]) {
        let Some((artifact, Some(at))) = content(index, "artifactId") else { continue };
        let scope = content(index, "scope").map(|(scope, _)| scope).unwrap_or_default();
        let group = content(index, "groupId").map(|(group, _)| group).unwrap_or_default();
        let ours = GROUPS.contains(&group.as_str());
        if ours && scope != "test" {
            dependencies.push(Dependency { artifact, at, provided: scope == "provided" });
        }
    }
    let parent = below(&document, 0, &["parent"]).into_iter().find(|parent| {
        content(*parent, "artifactId")
            .is_some_and(|(artifact, _)| artifact.starts_with("spring-boot-starter-parent"))
    });
    let version = parent.and_then(|parent| content(parent, "version")).and_then(|(text, _)| version(&text));
    let runs = below(&document, 0, &["build", "plugins", "plugin"]).into_iter().any(|plugin| {
        content(plugin, "artifactId").is_some_and(|(artifact, _)| artifact == "spring-boot-maven-plugin")
    });
    Some((dependencies, version, runs))
}

/// The elements at the end of a path of names.
fn below(document: &Reading, from: usize, path: &[&str]) -> Vec<usize> {
    let Some((first, rest)) = path.split_first() else { return vec![from] };
    let children: Vec<usize> = document.children(from, first).map(|(index, _)| index).collect();
    match rest.is_empty() {
        true => children,
        false => children.into_iter().flat_map(|child| below(document, child, rest)).collect(),
    }
}

fn gradle(ground: Ground<'_>, source: SourceId) -> Read {
    let text = String::from_utf8_lossy(ground.sources.bytes(source)).into_owned();
    let exact = text.len() == ground.sources.bytes(source).len();
    let mut dependencies = Vec::new();
    let (Ok(starter), Ok(plugin)) = (
        Regex::new(r#"^\s*(\w+)\b[\s(]*['"]org\.springframework\.(?:boot|cloud):([\w-]+)"#),
        Regex::new(r#"org\.springframework\.boot['"]\)?\s+version\s*\(?['"]([\w.-]+)"#),
    ) else {
        return (dependencies, None, false);
    };
    let mut start = 0;
    for line in text.split('\n') {
        let from = start;
        start += line.len() + 1;
        let Some(found) = starter.captures(line).filter(|_| exact) else { continue };
        let (Some(kind), Some(artifact)) = (found.get(1), found.get(2)) else { continue };
        let kind = kind.as_str().to_ascii_lowercase();
        if kind.contains("test") || kind.starts_with("annotation") || kind.starts_with("exclude") {
            continue;
        }
        dependencies.push(Dependency {
            artifact: artifact.as_str().to_owned(),
            at: Span::new(source, from + artifact.start()..from + artifact.end()),
            provided: kind.starts_with("provided") || kind == "compileonly",
        });
    }
    let told = plugin.captures(&text).and_then(|found| version(found.get(1)?.as_str()));
    let applied = text.contains("org.springframework.boot'") || text.contains("org.springframework.boot\"");
    (dependencies, told, applied)
}

fn version(text: &str) -> Option<Version> {
    Version::parse(text).map(|(version, _)| version)
}
