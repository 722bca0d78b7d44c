//! How a Spring application is told its properties: files that count more than others, profiles, names that are written in
//! several ways, `${placeholders}`. What a property means is not known here.

use std::path::{Path, PathBuf};

use super::template::closing_brace;
use super::yaml::{self, Node};
use super::{java, properties};
use crate::text::{SourceId, Sources, Span, Tree, deeper, larger, over};

/// Placeholders in placeholders, and maps in maps.
const MAX_DEPTH: u32 = 20;

/// No value that matters here is longer.
const MAX_VALUE: usize = 4096;

/// Properties that are looked at for one application.
const MAX_PROPERTIES: usize = 20_000;

/// One property as some place sets it.
#[derive(Debug, Clone)]
pub struct Property {
    /// In one spelling: `server.tomcat.acceptcount`.
    key: String,
    pub text: String,
    pub at: Span,
    /// The text at the span is the value.
    pub exact: bool,
    pub open: bool,
    /// Only in this profile.
    pub profile: Option<String>,
    /// From the environment, where a name has no dots.
    of_environment: bool,
}

/// A value with its placeholders filled in.
#[derive(Debug, Clone)]
pub struct Filled {
    pub text: String,
    pub at: Span,
    pub exact: bool,
    /// Names that may make it another one.
    pub unless: Vec<String>,
    /// It is not known.
    pub open: bool,
}

/// All that is set, the strongest last.
#[derive(Debug)]
pub struct Config<'a> {
    sources: &'a Sources,
    all: Vec<Property>,
    /// The end of the last plain property of a .properties file of the jar: there another line fits.
    pub room: Option<Span>,
}

/// Where an application's files lie, the weakest first.
const FOLDERS: [&str; 4] = ["src/main/resources", "src/main/resources/config", "", "config"];

/// The weakest first: what is loaded by the same name from the same place.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "properties"];

impl<'a> Config<'a> {
    pub fn read(sources: &'a Sources, tree: &Tree, module: &Path) -> Self {
        let mut config = Self { sources, all: Vec::new(), room: None };
        let mut of_profiles = Vec::new();
        for folder in FOLDERS {
            let folder = module.join(folder);
            for extension in EXTENSIONS {
                let plain = folder.join(format!("application.{extension}"));
                config.file(tree, &plain, None);
                let named = format!("{}/application-*.{extension}", folder.display());
                of_profiles.extend(tree.glob(named.trim_start_matches('/').as_bytes()));
            }
        }
        // What is for a profile counts more than what is for all, wherever it lies.
        let (plain, for_some): (Vec<_>, Vec<_>) =
            std::mem::take(&mut config.all).into_iter().partition(|it| it.profile.is_none());
        config.all = plain.into_iter().chain(for_some).collect();
        for path in of_profiles {
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let profile = stem.strip_prefix("application-").unwrap_or_default().to_owned();
            config.file(tree, &path, Some(profile));
        }
        config
    }

    fn file(&mut self, tree: &Tree, path: &Path, profile: Option<String>) {
        let sources = self.sources;
        let Ok(source) = tree.read(sources, path) else { return };
        let is_yaml = path.extension().is_some_and(|extension| extension != "properties");
        let mut documents: Vec<Vec<Property>> = Vec::new();
        if is_yaml {
            for document in &yaml::read(sources, source).documents {
                let mut found = Vec::new();
                flatten(sources, document, String::new(), 0, &mut found);
                documents.push(found);
            }
        } else {
            documents = of_properties(sources, source);
            let last = documents.last().and_then(|last| last.last()).filter(|_| documents.len() == 1);
            if let Some(last) = last.filter(|_| profile.is_none()) {
                self.room = Some(Span { start: last.at.end, ..last.at });
            }
        }
        for mut document in documents {
            let on = ["spring.config.activate.onprofile", "spring.profiles"];
            let named = document.iter().find(|it| on.contains(&it.key.as_str())).map(|it| it.text.clone());
            let profile = named.or_else(|| profile.clone());
            document.iter_mut().for_each(|it| it.profile.clone_from(&profile));
            let left = MAX_PROPERTIES.saturating_sub(self.all.len());
            if let Some(first) = document.get(left) {
                sources.cut_off(first.at, over("properties", MAX_PROPERTIES));
            }
            self.all.extend(document.into_iter().take(left));
        }
    }

    /// What counts more than all before: a variable of the environment.
    pub fn set_variable(&mut self, name: &str, value: Filled) {
        self.set(squeezed(name), value, true);
    }

    /// An option of Java, `-Dname=value`, or an argument, `--name=value`.
    pub fn set_option(&mut self, name: &str, value: Filled) {
        self.set(uniform(name), value, false);
    }

    fn set(&mut self, key: String, value: Filled, of_environment: bool) {
        let Filled { text, at, exact, open, .. } = value;
        self.all.push(Property { key, text, at, exact, open, profile: None, of_environment });
    }

    /// The profiles that are known to be active.
    fn active(&self) -> Vec<String> {
        let name = Name::of("spring.profiles.active");
        let named = self.all.iter().rev().find(|it| it.profile.is_none() && it.is(&name));
        let plain = named.filter(|it| !it.open && !it.text.contains("${"));
        let names = plain.map(|it| it.text.split(',').map(|name| name.trim().to_owned()).collect());
        names.unwrap_or_default()
    }

    /// Where more is brought in from outside the tree: a config server, a vault.
    pub fn elsewhere(&self, sources: &Sources, tree: &Tree, module: &Path) -> Option<Span> {
        let import = uniform("spring.config.import");
        let written = self.all.iter().find(|it| it.key.starts_with(&import)).map(|it| it.at);
        let bootstraps =
            EXTENSIONS.iter().map(|it| module.join(format!("src/main/resources/bootstrap.{it}")));
        let read = |path: PathBuf| tree.read(sources, &path).ok();
        written.or_else(|| bootstraps.filter_map(read).next().map(Span::top))
    }

    /// What counts for a name.
    fn property(&self, name: &str) -> Option<&Property> {
        let (active, name) = (self.active(), Name::of(name));
        let counts = |it: &&Property| it.profile.as_ref().is_none_or(|profile| active.contains(profile));
        self.all.iter().rev().filter(counts).find(|it| it.is(&name))
    }

    /// What other profiles make of a name.
    pub fn in_profiles(&self, name: &str) -> Vec<(&str, &Property)> {
        let (active, name) = (self.active(), Name::of(name));
        let others = self.all.iter().filter(|it| it.is(&name));
        others
            .filter_map(|it| Some((it.profile.as_deref()?, it)))
            .filter(|(profile, _)| !active.iter().any(|name| name == profile))
            .collect()
    }

    pub fn get(&self, name: &str) -> Option<Filled> {
        let property = self.property(name)?;
        let start = Filled {
            text: property.text.clone(),
            at: property.at,
            exact: property.exact,
            unless: Vec::new(),
            open: property.open,
        };
        Some(self.filled(start, 0))
    }

    /// Fills in `${name}` and `${name:default}`.
    fn filled(&self, mut value: Filled, depth: u32) -> Filled {
        let Some((before, after)) =
            value.text.clone().split_once("${").map(|(a, b)| (a.to_owned(), b.to_owned()))
        else {
            return value;
        };
        let Some(end) = closing_brace(&after) else { return Filled { open: true, ..value } };
        if depth >= MAX_DEPTH || value.text.len() >= MAX_VALUE {
            self.sources.cut_off(
                value.at,
                match depth {
                    MAX_DEPTH.. => deeper("placeholders in one another", MAX_DEPTH),
                    _ => larger("values of properties", MAX_VALUE, value.text.len()),
                },
            );
            return Filled { open: true, ..value };
        }
        let inner = after.get(..end).unwrap_or_default();
        let rest = after.get(end + 1..).unwrap_or_default();
        let (name, default) =
            inner.split_once(':').map_or((inner, None), |(name, default)| (name, Some(default)));
        let whole = value.exact && before.is_empty() && rest.is_empty();
        let mut put = |text: &str| {
            value.text = format!("{before}{text}{rest}");
            value.exact = false;
        };
        match (self.property(name), default) {
            (Some(found), _) if !found.open => put(&found.text),
            (_, Some(default)) => {
                put(default);
                if let Some(end) = value.at.end.checked_sub(1).filter(|_| whole) {
                    let length = u32::try_from(default.len()).unwrap_or(u32::MAX);
                    value.at = Span { start: end.saturating_sub(length), end, ..value.at };
                    value.exact = true;
                }
                value.unless.push(name.to_owned());
            }
            _ => return Filled { open: true, ..value },
        }
        self.filled(value, depth + 1)
    }
}

impl Property {
    fn is(&self, name: &Name) -> bool {
        self.key == if self.of_environment { name.squeezed.as_str() } else { name.uniform.as_str() }
    }
}

/// A name that is looked for, as files and as the environment spell it.
struct Name {
    uniform: String,
    squeezed: String,
}

impl Name {
    fn of(name: &str) -> Self {
        Self { uniform: uniform(name), squeezed: squeezed(name) }
    }
}

impl Filled {
    /// A whole number; none where it is not known.
    pub fn number(&self) -> Option<i64> {
        java::integer(self.text.trim()).filter(|_| !self.open)
    }
}

/// Relaxed binding: case, dashes and underscores do not matter.
fn uniform(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

fn squeezed(name: &str) -> String {
    uniform(name).replace('.', "")
}

/// What is cut off of more properties than are looked at is told by who takes them.
fn flatten(sources: &Sources, node: &Node, path: String, depth: u32, found: &mut Vec<Property>) {
    if found.len() > MAX_PROPERTIES {
        return;
    }
    if depth >= MAX_DEPTH || path.len() >= MAX_VALUE {
        return sources.cut_off(
            node.span,
            match depth {
                MAX_DEPTH.. => deeper("maps in one another", MAX_DEPTH),
                _ => larger("names of properties", MAX_VALUE, path.len()),
            },
        );
    }
    if let Some(text) = node.text() {
        let open = node.tag.as_ref().is_some_and(|tag| !tag.starts_with("!!"));
        let (text, at, exact) = (text.to_owned(), node.span, node.exact);
        let key = uniform(&path);
        found.push(Property { key, text, at, exact, open, profile: None, of_environment: false });
    }
    for (key, value) in node.merged() {
        let Some(name) = key.text() else { continue };
        let dot = if path.is_empty() { "" } else { "." };
        flatten(sources, value, format!("{path}{dot}{name}"), depth + 1, found);
    }
}

/// The documents of a .properties file: `#---` and `!---` stand between them.
fn of_properties(sources: &Sources, source: SourceId) -> Vec<Vec<Property>> {
    let bytes = sources.bytes(source);
    let mut starts = Vec::new();
    let mut at = 0;
    for line in bytes.split(|byte| *byte == b'\n') {
        if matches!(line.trim_ascii_end(), b"#---" | b"!---") {
            starts.push(at);
        }
        at += line.len() + 1;
    }
    let mut documents: Vec<Vec<Property>> = vec![Vec::new(); starts.len() + 1];
    for property in properties::read(sources, source).into_iter().take(MAX_PROPERTIES + 1) {
        let exact = sources.slice(property.at) == property.value.as_bytes();
        let document = starts.partition_point(|start| *start < property.at.range().start);
        if let Some(document) = documents.get_mut(document) {
            document.push(Property {
                key: uniform(&property.key),
                text: property.value,
                at: property.at,
                exact,
                open: false,
                profile: None,
                of_environment: false,
            });
        }
    }
    documents
}
