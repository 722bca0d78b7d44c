//! What the build files of Java projects name: the dependencies, plugins and the parent in Maven's pom.xml, dependencies and
//! plugins in Gradle's scripts. Of a script only what stands there plainly is seen; nothing is run.

use std::path::Path;

use regex::Regex;

use super::xml::{self, Reading};
use crate::text::{SourceId, Sources, Span, Tree};

#[derive(Debug)]
pub struct Dependency {
    pub group: String,
    pub artifact: String,
    pub at: Span,
    /// It is there to compile against; what runs the program brings its own.
    pub provided: bool,
}

/// A name and the version that stands beside it.
#[derive(Debug)]
pub struct Versioned {
    pub name: String,
    pub version: Option<String>,
}

#[derive(Debug, Default)]
pub struct Build {
    /// Without those that are for tests.
    pub dependencies: Vec<Dependency>,
    /// Plugins; in a script whatever is written like one.
    pub plugins: Vec<Versioned>,
    pub parent: Option<Versioned>,
}

/// `None` where it is no build file.
pub fn read(sources: &Sources, tree: &Tree, path: &Path, source: SourceId) -> Option<Build> {
    match path.extension().is_some_and(|extension| extension == "xml") {
        true => maven(sources, tree, source),
        false => Some(gradle(sources, source)),
    }
}

fn maven(sources: &Sources, tree: &Tree, source: SourceId) -> Option<Build> {
    let document = xml::read(sources, tree, source, &|_, _| Ok(None));
    let root = document.elements.first().filter(|root| root.name == "project");
    root.filter(|_| document.complete)?;
    let content = |parent: usize, name: &str| document.child_content(sources, parent, name);
    let text = |parent: usize, name: &str| content(parent, name).map(|text| text.show().into_owned());
    let dependency = |index: usize| {
        let artifact = content(index, "artifactId")?;
        let scope = text(index, "scope").unwrap_or_default();
        let group = text(index, "groupId").unwrap_or_default();
        let (at, artifact) = (artifact.exact()?, artifact.show().into_owned());
        (scope != "test").then_some(Dependency { group, artifact, at, provided: scope == "provided" })
    };
    let versioned =
        |index: usize| Some(Versioned { name: text(index, "artifactId")?, version: text(index, "version") });
    let all = |path: &[&str]| below(&document, 0, path).into_iter();
    Some(Build {
        dependencies: all(&["dependencies", "dependency"]).filter_map(dependency).collect(),
        plugins: all(&["build", "plugins", "plugin"]).filter_map(versioned).collect(),
        parent: all(&["parent"]).find_map(versioned),
    })
}

/// The elements at the end of a path of names.
fn below(document: &Reading, from: usize, path: &[&str]) -> Vec<usize> {
    let Some((first, rest)) = path.split_first() else { return vec![from] };
    let children = document.children(from, first).map(|(index, _)| index);
    children.flat_map(|child| below(document, child, rest)).collect()
}

fn gradle(sources: &Sources, source: SourceId) -> Build {
    let (Ok(text), Ok(dependency), Ok(plugin)) = (
        std::str::from_utf8(sources.bytes(source)),
        Regex::new(r#"(?m)(?:^|[{;])[ \t]*(\w+)[ \t(]*['"]([\w.-]+):([\w-]+)"#),
        Regex::new(r#"['"]([\w.-]+)['"]\)?(?:\s+version\s*\(?['"]([\w.-]+))?"#),
    ) else {
        return Build::default();
    };
    let dependencies = dependency.captures_iter(text).filter_map(|found| {
        let (kind, group, artifact) = (found.get(1)?, found.get(2)?, found.get(3)?);
        let kind = kind.as_str().to_ascii_lowercase();
        let counts =
            !kind.contains("test") && !kind.starts_with("annotation") && !kind.starts_with("exclude");
        counts.then(|| Dependency {
            group: group.as_str().to_owned(),
            artifact: artifact.as_str().to_owned(),
            at: Span::new(source, artifact.range()),
            provided: kind.starts_with("provided") || kind == "compileonly",
        })
    });
    let plugins = plugin.captures_iter(text).filter_map(|found| {
        let version = found.get(2).map(|version| version.as_str().to_owned());
        Some(Versioned { name: found.get(1)?.as_str().to_owned(), version })
    });
    Build { dependencies: dependencies.collect(), plugins: plugins.collect(), parent: None }
}
