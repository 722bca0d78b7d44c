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
use crate::text::Span;
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
    log: Option<Log>,
    #[serde(default, rename = "setting")]
    settings: Vec<SettingEntry>,
    #[serde(default, rename = "fact")]
    facts: Vec<Fact>,
    #[serde(default)]
    start: toml::Table,
    #[serde(default)]
    reader: toml::Table,
    #[serde(default)]
    keys: Option<Spanned<Keys>>,
}

/// What a service's log says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    /// When a queue is full.
    full: String,
    #[serde(rename = "source")]
    _source: String,
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
    /// What opens sockets for others.
    System,
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
    /// The first version that it does not hold for any more, where no newer entry says what does.
    before: Option<Spanned<String>>,
    /// Of versions so old that it counts only where the tree tells that it is one of them.
    #[serde(default)]
    historic: bool,
    /// Where another number goes, for people: a setting, a parameter.
    knob: Option<String>,
    /// The service's versions that it holds for, in words.
    versions: String,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingEntry {
    name: String,
    since: Spanned<String>,
    /// For people: how we know.
    #[serde(rename = "source")]
    _source: String,
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
    pub before: Option<Version>,
    pub historic: bool,
    pub knob: Option<String>,
    pub versions: String,
    pub source: String,
}

/// A setting that older versions do not have.
#[derive(Debug, Clone)]
pub struct Setting {
    pub name: String,
    pub since: Version,
    pub at: Span,
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
    pub settings: Vec<Setting>,
    pub apply: ApplyCommands,
    /// What its log says when a queue is full.
    pub full: Option<String>,
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
            Some(version) => named()
                .find(|entry| entry.since.is_none_or(|since| since <= version))
                .filter(|entry| entry.before.is_none_or(|before| version < before)),
            None => named().next(),
        }
    }

    /// What the default of this name is worth: `Assumed` where versions differ and this one is not known.
    pub fn kind_of_default(&self, name: &str, version: Option<Version>) -> Kind {
        let named = self.defaults.iter().filter(|entry| entry.name == name);
        let several = named.filter(|entry| !entry.historic).count() > 1;
        if several && version.is_none() { Kind::Assumed } else { Kind::Default }
    }

    /// Whether versions differ in the default of this name.
    pub fn differs(&self, name: &str) -> bool {
        self.defaults.iter().filter(|entry| entry.name == name).count() > 1
    }

    /// The setting of this name, where a version is too old to have it.
    pub fn too_old(&self, name: &str, version: Option<Version>) -> Option<&Setting> {
        let setting = self.settings.iter().find(|setting| setting.name == name)?;
        version.is_some_and(|version| version < setting.since).then_some(setting)
    }

    fn read(head: Arc<Head>, body: Part) -> Result<Self, Broken> {
        let BodyFile { defaults, settings, apply, log, facts, start, reader, keys } = body.parse()?;
        let setting = |SettingEntry { name, since, .. }| {
            let (at, since) = (body.span(since.span()), body.version(&since)?);
            Ok(Setting { name, since, at })
        };
        Ok(Self {
            keys: keys.map(|keys| checked(body, keys)).transpose()?,
            defaults: defaults.into_iter().map(|entry| placed(body, entry)).collect::<Result<_, _>>()?,
            settings: settings.into_iter().map(setting).collect::<Result<_, _>>()?,
            head,
            apply,
            full: log.map(|log| log.full),
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
    let DefaultEntry { name, value, since, before, historic, knob, versions, source } = entry;
    let version = |text: Option<Spanned<String>>| text.map(|text| body.version(&text)).transpose();
    let (since, before) = (version(since)?, version(before)?);
    let span = body.span(value.span());
    let value = Value { get: value.into_inner(), span, kind: Kind::Default };
    Ok(Default { name, value, since, before, historic, knob, versions, source })
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

    #[test]
    fn newer_defaults_stand_before_older_ones() {
        for service in Knowledge::load(&Sources::new()).unwrap().services() {
            for (index, newer) in service.defaults.iter().enumerate() {
                let rest = service.defaults.iter().skip(index + 1);
                let older: Vec<_> = rest.filter(|older| older.name == newer.name).collect();
                let in_order = older.iter().all(|older| newer.since > older.since);
                assert!(in_order && !(newer.historic && index == 0), "{}: {}", service.name, newer.name);
            }
        }
    }

    /// A server has a table of its own, and programs that start it a row in theirs.
    #[test]
    fn two_tables_for_one_server_say_the_same() {
        let knowledge = Knowledge::load(&Sources::new()).unwrap();
        let default = |service: &str, name: &str| {
            let service = knowledge.service(service).unwrap();
            service.default_in(name, None).unwrap_or_else(|| panic!("{}: {name}", service.name))
        };
        for name in ["uvicorn", "hypercorn", "waitress", "granian"] {
            let (own, row) = (default(name, "backlog"), default("python", name));
            let said = |it: &Default| (it.value.get, it.since, it.versions.clone(), it.source.clone());
            assert_eq!(
                (said(own).0, said(own).1, said(own).2),
                (said(row).0, said(row).1, said(row).2),
                "{name}"
            );
        }
        for (one, other) in [
            (("daphne", "backlog"), ("python", "twisted")),
            (("gunicorn", "aiohttp-backlog"), ("python", "aiohttp")),
            (("gunicorn", "control-backlog"), ("python", "asyncio")),
            (("spring-boot", "tomcat"), ("tomcat", "backlog")),
            (("spring-boot", "jetty"), ("jetty", "backlog")),
            (("spring-boot", "undertow"), ("java", "undertow-backlog")),
            (("spring-boot", "netty"), ("java", "netty-backlog")),
            (("jetty", "backlog"), ("java", "backlog")),
            (("caddy", "backlog"), ("go", "backlog")),
            (("traefik", "backlog"), ("go", "backlog")),
        ] {
            assert_eq!(
                default(one.0, one.1).value.get,
                default(other.0, other.1).value.get,
                "{one:?} {other:?}"
            );
        }
    }

    /// Whoever doubts a number has to find where it is from.
    #[test]
    fn every_source_names_a_version_a_commit_or_a_page() {
        let tells = |source: &str| {
            let numbered = source
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '.')
                .any(|word| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit()));
            numbered
                || ["https://", "commit ", "#", "(php-src ", "source only"]
                    .iter()
                    .any(|it| source.contains(it))
        };
        for service in Knowledge::load(&Sources::new()).unwrap().services() {
            for default in &service.defaults {
                assert!(tells(&default.source), "{}: {}: {}", service.name, default.name, default.source);
            }
        }
    }
}
