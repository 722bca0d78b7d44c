//! How a Spring application is told its properties: files that count more than others, profiles, names that are written in
//! several ways, `${placeholders}`. What a property means is not known here.

use std::path::{Path, PathBuf};

use super::template::closing_brace;
use super::yaml::{self, Node};
use super::{java, properties};
use crate::text::{SourceId, Sources, Span, Text, Tree, deeper, larger, over};

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
    pub text: Text,
    /// Only in this profile.
    pub profile: Option<String>,
    /// From the environment, where a name has no dots.
    of_environment: bool,
}

/// A value with its placeholders filled in.
#[derive(Debug, Clone)]
pub struct Filled {
    pub text: Text,
    /// Names that may make it another one.
    pub unless: Vec<String>,
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
                let at = last.text.whole();
                self.room = Some(Span { start: at.end, ..at });
            }
        }
        for mut document in documents {
            let on = ["spring.config.activate.onprofile", "spring.profiles"];
            let named = document
                .iter()
                .find(|it| on.contains(&it.key.as_str()))
                .map(|it| it.text.as_str().to_owned());
            let profile = named.or_else(|| profile.clone());
            document.iter_mut().for_each(|it| it.profile.clone_from(&profile));
            let left = MAX_PROPERTIES.saturating_sub(self.all.len());
            if let Some(first) = document.get(left) {
                sources.cut_off(first.text.span(), over("properties", MAX_PROPERTIES));
            }
            self.all.extend(document.into_iter().take(left));
        }
    }

    /// What counts more than all before: a variable of the environment.
    pub fn set_variable(&mut self, name: &str, value: Text) {
        self.set(squeezed(name), value, true);
    }

    /// An option of Java, `-Dname=value`, or an argument, `--name=value`.
    pub fn set_option(&mut self, name: &str, value: Text) {
        self.set(uniform(name), value, false);
    }

    fn set(&mut self, key: String, text: Text, of_environment: bool) {
        self.all.push(Property { key, text, profile: None, of_environment });
    }

    /// The profiles that are known to be active.
    fn active(&self) -> Vec<String> {
        let name = Name::of("spring.profiles.active");
        let named = self.all.iter().rev().find(|it| it.profile.is_none() && it.is(&name));
        let plain = named.filter(|it| !it.text.is_open() && !it.text.contains("${"));
        let names = plain.map(|it| it.text.split(',').map(|name| name.trim().to_owned()).collect());
        names.unwrap_or_default()
    }

    /// Where more is brought in from outside the tree: a config server, a vault.
    pub fn elsewhere(&self, sources: &Sources, tree: &Tree, module: &Path) -> Option<Span> {
        let import = uniform("spring.config.import");
        let written = self.all.iter().find(|it| it.key.starts_with(&import)).map(|it| it.text.span());
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
        let text = self.property(name)?.text.clone();
        Some(self.filled(Filled { text, unless: Vec::new() }, 0))
    }

    /// Fills in `${name}` and `${name:default}`.
    fn filled(&self, mut value: Filled, depth: u32) -> Filled {
        let written = value.text.as_str().to_owned();
        let Some((before, after)) = written.split_once("${") else { return value };
        let Some(end) = closing_brace(after) else { return value.open(&written) };
        if depth >= MAX_DEPTH || written.len() >= MAX_VALUE {
            self.sources.cut_off(
                value.text.span(),
                match depth {
                    MAX_DEPTH.. => deeper("nested placeholders", MAX_DEPTH),
                    _ => larger("values of properties", MAX_VALUE, written.len()),
                },
            );
            return value.open(&written);
        }
        let inner = after.get(..end).unwrap_or_default();
        let rest = after.get(end + 1..).unwrap_or_default();
        let (name, default) =
            inner.split_once(':').map_or((inner, None), |(name, default)| (name, Some(default)));
        match (self.property(name), default) {
            (Some(found), _) if !found.text.is_open() => value.put(before, &found.text, rest),
            (_, Some(default)) => {
                value.put_default(before, default, rest);
                value.unless.push(name.to_owned());
            }
            _ => return value.open(&written),
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
        java::integer(self.text.trim()).filter(|_| !self.text.is_open())
    }

    fn open(mut self, what: &str) -> Self {
        self.text.set_open(what);
        self
    }

    /// What a placeholder stands for, put between what stands around it.
    fn put(&mut self, before: &str, text: &str, rest: &str) {
        self.text = Text::meant(format!("{before}{text}{rest}"), self.text.span()).with_open_of(&self.text);
    }

    /// The same of its own default, which can be replaced where the placeholder is all of the value.
    fn put_default(&mut self, before: &str, default: &str, rest: &str) {
        let end = self.text.len().saturating_sub(1);
        match self.text.exact() {
            Some(_) if before.is_empty() && rest.is_empty() => {
                self.text = self.text.slice(end.saturating_sub(default.len())..end);
            }
            _ => self.put(before, default, rest),
        }
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
                MAX_DEPTH.. => deeper("nested maps", MAX_DEPTH),
                _ => larger("names of properties", MAX_VALUE, path.len()),
            },
        );
    }
    if let Some(mut text) = node.value() {
        if let Some(tag) = node.tag.as_ref().filter(|tag| !tag.starts_with("!!")) {
            text.set_open(tag);
        }
        found.push(Property { key: uniform(&path), text, profile: None, of_environment: false });
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
        let start = property.value.whole().range().start;
        let document = starts.partition_point(|begun| *begun < start);
        if let Some(document) = documents.get_mut(document) {
            document.push(Property {
                key: uniform(&property.key),
                text: property.value,
                profile: None,
                of_environment: false,
            });
        }
    }
    documents
}
