//! What we believe about services and kernels: `rules/services/*.toml`, `rules/commands.toml` and `rules/kernel.toml`, every
//! value with its place in those files, so that a report can point at the line where its source stands.

mod kernel;
pub mod keys;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use include_dir::{Dir, include_dir};
use regex::bytes::Regex;
use serde::Deserialize;
use toml::Spanned;

use crate::model::{Kind, Value, Version};
use crate::text::{Glob, Origin, SourceId, Sources, Span};
pub use kernel::{KernelFacts, Range};
pub use keys::Keys;

/// All of `rules/`, in the program.
pub static RULES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// A table of ours that does not read: a fault of the program, or of an organisation's file.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {message}")]
pub struct Broken {
    pub name: String,
    pub message: String,
    pub at: Option<Span>,
}

/// One file of `rules/services/`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceFile {
    title: String,
    what: String,
    homepage: String,
    #[serde(default)]
    programs: Vec<String>,
    #[serde(default)]
    modules: Vec<String>,
    #[serde(default)]
    starts: Option<Vec<String>>,
    #[serde(default)]
    version: VersionSources,
    #[serde(default)]
    files: Option<Files>,
    #[serde(default, rename = "default")]
    defaults: Vec<DefaultEntry>,
    apply: ApplyCommands,
    #[serde(default, rename = "fact")]
    facts: Vec<Fact>,
    #[serde(default)]
    reader: toml::Table,
    #[serde(default)]
    keys: Option<Spanned<Keys>>,
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

/// How a service's files are told, as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Files {
    #[serde(default)]
    places: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    looks_like: String,
    #[serde(default)]
    apps: bool,
}

/// How the files of a service are told.
#[derive(Debug)]
pub struct Shape {
    /// Patterns of paths from the root: files that the service opens by itself where it is installed.
    pub places: Vec<String>,
    /// Patterns of file names (or of the last parts of paths) that may hold its configuration or source: in a repository
    /// anywhere, in a root below the application folders if `apps` is set.
    pub names: Vec<String>,
    ends: Vec<Glob>,
    looks: Option<Looks>,
    /// Whether a root's application folders (`srv`, `opt`, `var/www`, ...) are searched.
    pub apps: bool,
}

impl Shape {
    /// That of a service which has a command line only.
    fn none() -> Self {
        Self { places: Vec::new(), names: Vec::new(), ends: Vec::new(), looks: None, apps: false }
    }

    fn new(files: Files) -> Self {
        let Files { places, names, looks_like, apps } = files;
        let ends = names.iter().map(|name| Glob::new(name.as_bytes())).collect();
        let looks = Some(Looks { pattern: looks_like, compiled: OnceLock::new() });
        Self { places, names, ends, looks, apps }
    }

    /// Whether a file of this path may be one.
    pub fn has_name(&self, path: &[u8]) -> bool {
        self.ends.iter().any(|glob| glob.matches_end(path))
    }

    /// Whether a file of this content may be one.
    pub fn looks_right(&self, bytes: &[u8]) -> bool {
        self.looks.as_ref().and_then(Looks::regex).is_some_and(|looks| looks.is_match(bytes))
    }
}

/// What the content of a service's files is told by. It is compiled for the first file of a fitting name: most audits meet few
/// of the services, and compiling all of the patterns takes longer than reading a machine's files.
#[derive(Debug)]
struct Looks {
    pattern: String,
    compiled: OnceLock<Option<Regex>>,
}

impl Looks {
    /// `None` for a fault of ours, which a test keeps out.
    fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| Regex::new(&self.pattern).ok()).as_ref()
    }
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

/// Commands for an administrator; data for the fixes' `then`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplyCommands {
    pub restart: String,
    pub reload: Option<String>,
    /// Checks the files without touching the running service.
    pub check: Option<String>,
    /// What a reload does to the backlog, and what it does not, with its source.
    pub source: String,
    #[serde(default)]
    at: Vec<ApplyAt>,
}

/// How a service that is installed at certain places is restarted: the commands with the groups of `path` filled in. What is
/// left out is as everywhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplyAt {
    #[serde(deserialize_with = "pattern")]
    path: regex::Regex,
    restart: String,
    reload: Option<String>,
    check: Option<String>,
}

fn pattern<'de, D: serde::Deserializer<'de>>(text: D) -> Result<regex::Regex, D::Error> {
    regex::Regex::new(&String::deserialize(text)?).map_err(serde::de::Error::custom)
}

impl ApplyCommands {
    /// The command that restarts the service whose file lies at `path` in its tree.
    pub fn restart_at(&self, path: &str) -> String {
        self.own(path, |at| Some(&at.restart)).unwrap_or_else(|| self.restart.clone())
    }

    pub fn reload_at(&self, path: &str) -> Option<String> {
        self.own(path, |at| at.reload.as_ref()).or_else(|| self.reload.clone())
    }

    pub fn check_at(&self, path: &str) -> Option<String> {
        self.own(path, |at| at.check.as_ref()).or_else(|| self.check.clone())
    }

    /// A command of the first place that the path is in.
    fn own<'s>(&'s self, path: &str, command: impl Fn(&'s ApplyAt) -> Option<&'s String>) -> Option<String> {
        let mut places = self.at.iter().filter(|_| !path.is_empty());
        let (at, groups) = places.find_map(|at| Some((at, at.path.captures(path)?)))?;
        let mut filled = String::new();
        groups.expand(command(at)?, &mut filled);
        Some(filled)
    }
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

/// What we know of a service.
#[derive(Debug)]
pub struct Service {
    /// The name of its file: `nginx`.
    pub name: String,
    /// What people call it: `Apache Tomcat`.
    pub title: String,
    pub what: String,
    pub homepage: String,
    /// The names of its processes; any, where there are none.
    pub programs: Vec<String>,
    /// The programs that a command line starts it by, where they are not those of its processes.
    pub starts: Vec<String>,
    /// The Python modules that a command line starts it by: `uvicorn` of `python -m uvicorn`.
    pub modules: Vec<String>,
    pub version: VersionSources,
    pub shape: Shape,
    pub defaults: Vec<Default>,
    pub apply: ApplyCommands,
    pub facts: Vec<Fact>,
    /// Tables that only the service's own reader understands.
    pub reader: toml::Table,
    /// How its listeners are told, where plain keys are all it takes.
    pub keys: Option<Keys>,
    /// The whole of its file, for what is said about it in general.
    pub source: SourceId,
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

    fn new(sources: &Sources, name: &str, source: SourceId, file: ServiceFile) -> Result<Self, Broken> {
        let keys = file.keys.map(|keys| checked(sources, source, keys)).transpose()?;
        Ok(Self {
            keys,
            name: name.to_owned(),
            shape: file.files.map_or_else(Shape::none, Shape::new),
            defaults: placed(sources, source, file.defaults)?,
            title: file.title,
            what: file.what,
            homepage: file.homepage,
            starts: file.starts.unwrap_or_else(|| file.programs.clone()),
            programs: file.programs,
            modules: file.modules,
            version: file.version,
            apply: file.apply,
            facts: file.facts,
            reader: file.reader,
            source,
        })
    }
}

/// Settings go by names: each that is used is described.
fn checked(sources: &Sources, source: SourceId, keys: Spanned<Keys>) -> Result<Keys, Broken> {
    let at = Span::new(source, keys.span());
    let keys = keys.into_inner();
    match keys.unknown_setting() {
        None => Ok(keys),
        Some(name) => Err(Broken {
            name: sources.get(source).name().into_owned(),
            message: format!("[keys] uses the setting {name}, and has no [keys.setting.{name}]"),
            at: Some(at),
        }),
    }
}

fn placed(sources: &Sources, source: SourceId, entries: Vec<DefaultEntry>) -> Result<Vec<Default>, Broken> {
    let place = |entry: DefaultEntry| {
        let DefaultEntry { name, value, since, versions, source: citation } = entry;
        let since = since.map(|since| version(sources, source, &since)).transpose()?;
        let span = Span::new(source, value.span());
        let value = Value { get: value.into_inner(), span, kind: Kind::Default };
        Ok(Default { name, value, since, versions, source: citation })
    };
    entries.into_iter().map(place).collect()
}

/// What the candidates that hold sysctls go by.
pub const SYSCTL: &str = "sysctl";

/// What stands before the kinds of files that start programs: `command/unit`.
pub const COMMAND: &str = "command/";

/// A file that belongs to a service, as its `[files]` find it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// The real path in the tree.
    pub path: PathBuf,
    /// It lies where the service itself looks for it; else it was found by name and content.
    pub by_place: bool,
}

/// The files of each service, by its name.
pub type Candidates = BTreeMap<String, Vec<Candidate>>;

/// Everything in `rules/` that is not a rule.
#[derive(Debug)]
pub struct Knowledge {
    services: BTreeMap<String, Service>,
    /// The kinds of files that start programs, by the names that their candidates go by.
    commands: BTreeMap<String, Shape>,
    pub command_lines: CommandLines,
    pub kernel: KernelFacts,
}

impl Knowledge {
    pub fn load(sources: &Sources) -> Result<Self, Broken> {
        let mut services = BTreeMap::new();
        for file in RULES.get_dir("services").into_iter().flat_map(Dir::files) {
            let Some(name) = file.path().file_stem().and_then(|stem| stem.to_str()) else { continue };
            let source = builtin(sources, file);
            let service = Service::new(sources, name, source, parse(sources, source)?)?;
            services.insert(name.to_owned(), service);
        }
        let kernel = KernelFacts::load(sources, table(sources, "kernel.toml")?)?;
        let (commands, command_lines) = load_commands(sources)?;
        Ok(Self { services, commands, command_lines, kernel })
    }

    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.get(name)
    }

    /// The shape of every kind of file, by the name that its candidates go by. Sysctls are the kernel's, but found like the
    /// rest, and so is what starts programs.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, &Shape)> {
        let services = self.services.values().map(|service| (service.name.as_str(), &service.shape));
        let commands = self.commands.iter().map(|(name, shape)| (name.as_str(), shape));
        services.chain([(SYSCTL, &self.kernel.shape)]).chain(commands)
    }

    /// All services, by name.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.values()
    }
}

/// `rules/commands.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandsFile {
    unit: Files,
    dockerfile: Files,
    compose: Files,
    procfile: Files,
    script: Files,
    supervisor: Files,
    scripts: Scripts,
    #[serde(rename = "runner")]
    runners: Vec<Runner>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scripts {
    passing: Vec<String>,
    production: Vec<String>,
    other: Vec<String>,
}

/// What is known of command lines, whichever file writes them.
#[derive(Debug)]
pub struct CommandLines {
    /// What is taken off because it only runs the program.
    pub runners: Vec<Runner>,
    /// Commands of scripts that start nothing which lasts.
    pub passing: Vec<String>,
    /// How the name of a script begins that starts something in production.
    pub production: Vec<String>,
    /// A part of the name of a file or script that is for something else.
    pub other: Vec<String>,
}

/// A program that only runs another one, and how the words before that one are told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Runner {
    /// Its names; further words of one are subcommands: `bundle exec`.
    pub names: Vec<String>,
    /// Options that are followed by a value.
    #[serde(default)]
    pub takes_value: Vec<String>,
    /// How many words that are no options stand before the program.
    #[serde(default)]
    pub operands: usize,
    /// `NAME=value` before the program is its environment.
    #[serde(default)]
    pub assigns: bool,
    /// The program stands after this word, and without it there is none.
    #[serde(default)]
    pub until: Option<String>,
    /// Options that name the folder in which the program runs.
    #[serde(default)]
    pub folder: Vec<String>,
    /// It is a shell: `-c` is followed by a script.
    #[serde(default)]
    pub shell: bool,
    /// Each word that is no option is a command line of its own.
    #[serde(default)]
    pub lines: bool,
    /// Only a program in a folder of this name is run by it; else it is the program itself.
    #[serde(default)]
    pub programs_in: Option<String>,
}

fn load_commands(sources: &Sources) -> Result<(BTreeMap<String, Shape>, CommandLines), Broken> {
    let source = table(sources, "commands.toml")?;
    let file: CommandsFile = parse(sources, source)?;
    let kinds = [
        ("unit", file.unit),
        ("dockerfile", file.dockerfile),
        ("compose", file.compose),
        ("procfile", file.procfile),
        ("script", file.script),
        ("supervisor", file.supervisor),
    ];
    let shape = |(kind, files)| (format!("{COMMAND}{kind}"), Shape::new(files));
    let Scripts { passing, production, other } = file.scripts;
    let lines = CommandLines { runners: file.runners, passing, production, other };
    Ok((kinds.into_iter().map(shape).collect(), lines))
}

fn table(sources: &Sources, name: &str) -> Result<SourceId, Broken> {
    let missing = || Broken { name: format!("rules/{name}"), message: "it is missing".into(), at: None };
    Ok(builtin(sources, RULES.get_file(name).ok_or_else(missing)?))
}

fn version(sources: &Sources, source: SourceId, text: &Spanned<String>) -> Result<Version, Broken> {
    let parsed = Version::parse(text.get_ref()).filter(|(_, rest)| rest.is_empty());
    parsed.map(|(version, _)| version).ok_or_else(|| Broken {
        name: sources.get(source).name().into_owned(),
        message: format!("{} is no version: write it as 8.2 or 8.2.1", text.get_ref()),
        at: Some(Span::new(source, text.span())),
    })
}

fn builtin(sources: &Sources, file: &'static include_dir::File<'static>) -> SourceId {
    sources.add(Origin::Builtin(format!("rules/{}", file.path().display())), file.contents())
}

/// Parses a TOML source; the error carries the place.
pub fn parse<T: for<'de> Deserialize<'de>>(sources: &Sources, source: SourceId) -> Result<T, Broken> {
    let name = sources.get(source).name().into_owned();
    let text = std::str::from_utf8(sources.bytes(source)).map_err(|error| Broken {
        name: name.clone(),
        message: error.to_string(),
        at: Some(Span::top(source)),
    })?;
    toml::from_str(text).map_err(|error| Broken {
        name,
        message: error.message().to_owned(),
        at: error.span().map(|range| Span::new(source, range)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        let knowledge = Knowledge::load(&Sources::new()).unwrap();
        for (name, shape) in knowledge.shapes() {
            assert!(shape.looks.as_ref().is_none_or(|looks| looks.regex().is_some()), "{name}");
        }
    }
}
