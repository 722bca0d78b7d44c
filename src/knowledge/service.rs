//! What is known of a service: one file of `rules/services/`, its head at once and the rest when the service is met.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use include_dir::File;
use serde::Deserialize;
use toml::Spanned;

use super::shape::Files;
use super::table::{Broken, Part};
use super::{ApplyCommands, Keys, Shape};
use crate::model::{Command, Kind, Text, Value, Version};
use crate::text::{SourceId, Sources};

/// The head of a service's file: up to its first table that is none of `HEAD`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct HeadFile {
    title: String,
    what: String,
    homepage: String,
    group: Group,
    #[serde(default)]
    from_source_only: bool,
    #[serde(default)]
    programs: Vec<String>,
    #[serde(default)]
    modules: Vec<String>,
    starts: Option<Vec<String>>,
    #[serde(default)]
    version: VersionSources,
    files: Option<Files>,
}

/// The tables of the head.
const HEAD: [&str; 2] = ["version", "files"];

/// The rest of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BodyFile {
    #[serde(default, rename = "default")]
    defaults: Vec<DefaultEntry>,
    apply: ApplyCommands,
    #[serde(default, rename = "fact")]
    facts: Vec<Fact>,
    #[serde(default)]
    start: toml::Table,
    #[serde(default)]
    reader: toml::Table,
    #[serde(default)]
    keys: Option<Spanned<Keys>>,
}

/// What a service is to those who run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    Front,
    ApplicationServer,
    Java,
    /// Programs that listen by themselves, told by their sources.
    Program,
}

/// What in a tree tells a service's version.
#[derive(Debug, Clone, std::default::Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VersionSources {
    /// Packages of a distribution, by dpkg, rpm and apk.
    pub packages: Vec<String>,
    /// Packages of PyPI: requirements, lock files and installed metadata.
    pub pypi: Vec<String>,
    pub npm: Vec<String>,
    pub gem: Vec<String>,
    /// Container images whose tag is the version: `php` of `php:8.2-fpm`.
    pub images: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefaultEntry {
    name: String,
    value: Spanned<i64>,
    /// The first version that it holds for; without it, all that no newer entry holds for.
    since: Option<Spanned<String>>,
    /// The service's versions that it holds for, in words.
    versions: String,
    source: String,
}

/// Something true about a service, and how we know.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    pub text: String,
    pub source: String,
}

/// A number that the service uses when nobody writes one.
#[derive(Debug, Clone)]
pub struct Default {
    pub name: String,
    pub value: Value<i64>,
    pub since: Option<Version>,
    pub versions: String,
    pub source: String,
}

/// What the head of a service's file says: enough to tell whether the service is there.
#[derive(Debug)]
pub struct Head {
    /// The name of its file: `nginx`.
    pub name: String,
    /// What people call it: `Apache Tomcat`.
    pub title: String,
    pub what: String,
    pub homepage: String,
    pub group: Group,
    /// No real server has confirmed what is known of it.
    pub from_source_only: bool,
    /// The names of its processes; any, where there are none.
    pub programs: Vec<String>,
    /// The programs that a command line starts it by, where they are not those of its processes.
    pub starts: Vec<String>,
    /// The Python modules that a command line starts it by: `uvicorn` of `python -m uvicorn`.
    pub modules: Vec<String>,
    pub version: VersionSources,
    pub shape: Arc<Shape>,
    /// The whole of its file, for what is said about it in general.
    pub source: SourceId,
}

impl Head {
    /// The arguments that a command line gives to the service, where it starts it.
    pub fn arguments_in<'c>(&self, command: &'c Command) -> Option<&'c [Text]> {
        command.arguments_for(&self.starts, &self.modules, &self.version.images)
    }
}

/// What we know of a service.
#[derive(Debug)]
pub struct Service {
    head: Arc<Head>,
    pub defaults: Vec<Default>,
    pub apply: ApplyCommands,
    pub facts: Vec<Fact>,
    /// How a command line names its files, and what else it says.
    pub start: toml::Table,
    /// Tables that only the service's own reader understands.
    pub reader: toml::Table,
    /// How its listeners are told, where plain keys are all it takes.
    pub keys: Option<Keys>,
}

impl Deref for Service {
    type Target = Head;

    fn deref(&self) -> &Head {
        &self.head
    }
}

impl Service {
    /// The newest default of this name.
    pub fn default(&self, name: &str) -> Option<Value<i64>> {
        self.defaults.iter().find(|entry| entry.name == name).map(|entry| entry.value.clone())
    }

    /// The default of this name in a version; in one that is not known it is the newest, and assumed where versions differ.
    pub fn default_in(&self, name: &str, version: Option<Version>) -> Option<&Default> {
        let named = || self.defaults.iter().filter(|entry| entry.name == name);
        match version {
            Some(version) => named().find(|entry| entry.since.is_none_or(|since| since <= version)),
            None => named().next(),
        }
    }

    /// What the default of this name is worth: `Assumed` where versions differ and this one is not known.
    pub fn kind_of_default(&self, name: &str, version: Option<Version>) -> Kind {
        let several = self.defaults.iter().filter(|entry| entry.name == name).count() > 1;
        if several && version.is_none() { Kind::Assumed } else { Kind::Default }
    }

    fn read(head: Arc<Head>, body: Part) -> Result<Self, Broken> {
        let BodyFile { defaults, apply, facts, start, reader, keys } = body.parse()?;
        Ok(Self {
            keys: keys.map(|keys| checked(body, keys)).transpose()?,
            defaults: defaults.into_iter().map(|entry| placed(body, entry)).collect::<Result<_, _>>()?,
            head,
            apply,
            facts,
            start,
            reader,
        })
    }
}

/// A service whose head was read: the rest is when there is such a one.
#[derive(Debug)]
pub struct Signs {
    head: Arc<Head>,
    body: Part,
    service: OnceLock<Option<Service>>,
}

impl Deref for Signs {
    type Target = Head;

    fn deref(&self) -> &Head {
        &self.head
    }
}

impl Signs {
    pub(super) fn read(sources: &Sources, name: &str, file: &'static File<'static>) -> Result<Self, Broken> {
        let whole = Part::whole(sources, file)?;
        let (head, body) = whole.split(&HEAD);
        let file: HeadFile = head.parse()?;
        let head = Head {
            name: name.to_owned(),
            title: file.title,
            what: file.what,
            homepage: file.homepage,
            group: file.group,
            from_source_only: file.from_source_only,
            starts: file.starts.unwrap_or_else(|| file.programs.clone()),
            programs: file.programs,
            modules: file.modules,
            version: file.version,
            shape: Arc::new(file.files.map_or_else(Shape::none, Shape::new)),
            source: whole.source,
        };
        Ok(Self { head: Arc::new(head), body, service: OnceLock::new() })
    }

    /// All that we know of it; `None` for a fault of ours, which a test keeps out.
    pub fn service(&self) -> Option<&Service> {
        self.service.get_or_init(|| Service::read(Arc::clone(&self.head), self.body).ok()).as_ref()
    }
}

/// Settings go by names: each that is used is described.
fn checked(body: Part, keys: Spanned<Keys>) -> Result<Keys, Broken> {
    let at = body.span(keys.span());
    let keys = keys.into_inner();
    match keys.unknown_setting() {
        None => Ok(keys),
        Some(name) => {
            let message = format!("[keys] uses the setting {name}, and has no [keys.setting.{name}]");
            Err(body.broken(message, at))
        }
    }
}

fn placed(body: Part, entry: DefaultEntry) -> Result<Default, Broken> {
    let DefaultEntry { name, value, since, versions, source } = entry;
    let since = since.map(|since| body.version(&since)).transpose()?;
    let span = body.span(value.span());
    let value = Value { get: value.into_inner(), span, kind: Kind::Default };
    Ok(Default { name, value, since, versions, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Knowledge;

    #[test]
    fn the_rest_of_every_file_reads() {
        for signs in Knowledge::load(&Sources::new()).unwrap().signs() {
            Service::read(Arc::clone(&signs.head), signs.body).unwrap();
        }
    }
}
