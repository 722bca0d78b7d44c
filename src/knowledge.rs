//! What we believe about services and kernels: `rules/services/*.toml`, `rules/commands.toml` and `rules/kernel.toml`, every
//! value with its place in those files, so that a report can point at the line where its source stands. An audit meets few
//! services: of each file the head is read, which tells whether there is one, and the rest when there is.

mod apply;
mod head;
mod kernel;
pub mod keys;
mod shape;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use include_dir::{Dir, include_dir};
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use crate::model::{Command, Kind, Value, Version};
use crate::text::{Origin, SourceId, Sources, Span};
pub use apply::ApplyCommands;
use head::split;
pub use head::{Lazy, lazy};
pub use kernel::{KernelFacts, Range};
pub use keys::Keys;
pub use shape::Shape;
use shape::{Files, ShapesByName};

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
    #[serde(default, rename = "files")]
    _files: IgnoredAny,
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
    pub shape: Arc<Shape>,
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

    fn read(signs: &Signs) -> Result<Self, Broken> {
        let Signs { name, shape, source, text, .. } = signs;
        let file: ServiceFile = parse_text(&file_name(name), text, *source)?;
        Ok(Self {
            keys: file.keys.map(|keys| checked(name, *source, keys)).transpose()?,
            name: name.clone(),
            shape: Arc::clone(shape),
            defaults: placed(name, *source, file.defaults)?,
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
            source: *source,
        })
    }
}

/// What the head of a service's file says: enough to tell whether the service is there.
#[derive(Debug)]
pub struct Signs {
    /// The name of its file: `nginx`.
    pub name: String,
    pub title: String,
    starts: Vec<String>,
    modules: Vec<String>,
    images: Vec<String>,
    shape: Arc<Shape>,
    source: SourceId,
    text: &'static str,
    service: OnceLock<Option<Service>>,
}

/// Of `ServiceFile`, what its head holds.
#[derive(Debug, Deserialize)]
struct SignsFile {
    title: String,
    #[serde(default)]
    programs: Vec<String>,
    #[serde(default)]
    modules: Vec<String>,
    starts: Option<Vec<String>>,
    #[serde(default)]
    version: VersionSources,
    files: Option<Files>,
}

impl Signs {
    fn read(
        sources: &Sources,
        name: &str,
        file: &'static include_dir::File<'static>,
    ) -> Result<Self, Broken> {
        let (text, source) = builtin(sources, file)?;
        let head: SignsFile = parse_text(&file_name(name), split(text, &["version", "files"]).0, source)?;
        Ok(Self {
            name: name.to_owned(),
            title: head.title,
            starts: head.starts.unwrap_or(head.programs),
            modules: head.modules,
            images: head.version.images,
            shape: Arc::new(head.files.map_or_else(Shape::none, Shape::new)),
            source,
            text,
            service: OnceLock::new(),
        })
    }

    /// All that we know of it; `None` for a fault of ours, which a test keeps out.
    pub fn service(&self) -> Option<&Service> {
        self.service.get_or_init(|| Service::read(self).ok()).as_ref()
    }

    /// Whether a command line starts it.
    pub fn are_in(&self, command: &Command) -> bool {
        command.arguments_for(&self.starts, &self.modules, &self.images).is_some()
    }
}

fn file_name(service: &str) -> String {
    format!("builtin:rules/services/{service}.toml")
}

/// Settings go by names: each that is used is described.
fn checked(service: &str, source: SourceId, keys: Spanned<Keys>) -> Result<Keys, Broken> {
    let at = Span::new(source, keys.span());
    let keys = keys.into_inner();
    match keys.unknown_setting() {
        None => Ok(keys),
        Some(name) => Err(Broken {
            name: file_name(service),
            message: format!("[keys] uses the setting {name}, and has no [keys.setting.{name}]"),
            at: Some(at),
        }),
    }
}

fn placed(service: &str, source: SourceId, entries: Vec<DefaultEntry>) -> Result<Vec<Default>, Broken> {
    let place = |entry: DefaultEntry| {
        let DefaultEntry { name, value, since, versions, source: citation } = entry;
        let since = since.map(|since| version(service, source, &since)).transpose()?;
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
    services: BTreeMap<String, Signs>,
    /// By the names that the candidates of each go by.
    shapes: Vec<(String, Arc<Shape>)>,
    by_name: ShapesByName,
    pub command_lines: Lazy<CommandLines>,
    pub kernel: KernelFacts,
}

impl Knowledge {
    pub fn load(sources: &Sources) -> Result<Self, Broken> {
        let mut services = BTreeMap::new();
        for file in RULES.get_dir("services").into_iter().flat_map(Dir::files) {
            let Some(name) = file.path().file_stem().and_then(|stem| stem.to_str()) else { continue };
            services.insert(name.to_owned(), Signs::read(sources, name, file)?);
        }
        let kernel = KernelFacts::load(sources)?;
        let (commands, command_lines) = load_commands(sources)?;
        // Sysctls are the kernel's, but found like the rest, and so is what starts programs.
        let of_services = services.values().map(|signs| (signs.name.clone(), Arc::clone(&signs.shape)));
        let of_kernel = (SYSCTL.to_owned(), Arc::clone(&kernel.shape));
        let shapes: Vec<(String, Arc<Shape>)> = of_services.chain([of_kernel]).chain(commands).collect();
        let by_name = ShapesByName::of(shapes.iter().map(|(_, shape)| &**shape));
        Ok(Self { services, shapes, by_name, command_lines, kernel })
    }

    /// All that we know of a service.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.get(name)?.service()
    }

    /// All that we know of every service, by name.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.values().filter_map(Signs::service)
    }

    /// What a service is told by.
    pub fn signs_of(&self, service: &str) -> Option<&Signs> {
        self.services.get(service)
    }

    /// What every service is told by, by name.
    pub fn signs(&self) -> impl Iterator<Item = &Signs> {
        self.services.values()
    }

    /// The shape of every kind of file, by the name that its candidates go by.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, &Shape)> {
        self.shapes.iter().map(|(name, shape)| (name.as_str(), &**shape))
    }

    /// Whether a file of this path may be of a kind that is taken, by its name.
    pub fn has_shape(&self, path: &[u8], taken: impl Fn(&Shape) -> bool) -> bool {
        self.by_name.any(path, |shape| self.shapes.get(shape).is_some_and(|(_, shape)| taken(shape)))
    }

    /// Those of the kinds of files that one of this path may be, by its name.
    pub fn shapes_of(&self, path: &[u8]) -> Vec<(&str, &Shape)> {
        let shapes = self.by_name.at(path).into_iter().filter_map(|shape| self.shapes.get(shape));
        shapes.map(|(name, shape)| (name.as_str(), &**shape)).collect()
    }
}

/// `rules/commands.toml`: the files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandsFile {
    unit: Files,
    dockerfile: Files,
    compose: Files,
    procfile: Files,
    script: Files,
    supervisor: Files,
}

/// The rest of `rules/commands.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandLinesFile {
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
#[derive(Debug, std::default::Default)]
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

const COMMANDS: &str = "commands.toml";

/// The tables of `rules/commands.toml` that tell files.
const STARTERS: [&str; 6] = ["unit", "dockerfile", "compose", "procfile", "script", "supervisor"];

/// Shapes of the files that start programs, by the names that their candidates go by.
type Starters = BTreeMap<String, Arc<Shape>>;

fn load_commands(sources: &Sources) -> Result<(Starters, Lazy<CommandLines>), Broken> {
    let (text, source) = table(sources, COMMANDS)?;
    let (head, rest) = split(text, &STARTERS);
    let files: CommandsFile = parse_text(COMMANDS, head, source)?;
    let CommandsFile { unit, dockerfile, compose, procfile, script, supervisor } = files;
    let files = [unit, dockerfile, compose, procfile, script, supervisor];
    let shape = |(kind, files)| (format!("{COMMAND}{kind}"), Arc::new(Shape::new(files)));
    let lines = lazy(move || command_lines(rest, source).unwrap_or_default());
    Ok((STARTERS.into_iter().zip(files).map(shape).collect(), lines))
}

fn command_lines(text: &str, source: SourceId) -> Result<CommandLines, Broken> {
    let CommandLinesFile { scripts, runners } = parse_text(COMMANDS, text, source)?;
    let Scripts { passing, production, other } = scripts;
    Ok(CommandLines { runners, passing, production, other })
}

/// A table of ours in `rules/`: its text, and its source.
fn table(sources: &Sources, name: &str) -> Result<(&'static str, SourceId), Broken> {
    let missing = || Broken { name: format!("rules/{name}"), message: "it is missing".into(), at: None };
    builtin(sources, RULES.get_file(name).ok_or_else(missing)?)
}

fn version(name: &str, source: SourceId, text: &Spanned<String>) -> Result<Version, Broken> {
    let parsed = Version::parse(text.get_ref()).filter(|(_, rest)| rest.is_empty());
    parsed.map(|(version, _)| version).ok_or_else(|| Broken {
        name: name.to_owned(),
        message: format!("{} is no version: write it as 8.2 or 8.2.1", text.get_ref()),
        at: Some(Span::new(source, text.span())),
    })
}

fn builtin(
    sources: &Sources,
    file: &'static include_dir::File<'static>,
) -> Result<(&'static str, SourceId), Broken> {
    let name = format!("rules/{}", file.path().display());
    let source = sources.add(Origin::Builtin(name.clone()), file.contents());
    Ok((text(&name, file.contents(), source)?, source))
}

/// Parses a TOML source; the error carries the place.
pub fn parse<T: for<'de> Deserialize<'de>>(sources: &Sources, source: SourceId) -> Result<T, Broken> {
    let name = sources.get(source).name();
    parse_text(&name, text(&name, sources.bytes(source), source)?, source)
}

/// Parses TOML that a source begins with.
fn parse_text<T: for<'de> Deserialize<'de>>(name: &str, text: &str, source: SourceId) -> Result<T, Broken> {
    toml::from_str(text).map_err(|error| Broken {
        name: name.to_owned(),
        message: error.message().to_owned(),
        at: error.span().map(|range| Span::new(source, range)),
    })
}

fn text<'t>(name: &str, bytes: &'t [u8], source: SourceId) -> Result<&'t str, Broken> {
    std::str::from_utf8(bytes).map_err(|error| Broken {
        name: name.to_owned(),
        message: error.to_string(),
        at: Some(Span::top(source)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_reads_and_the_heads_say_what_the_whole_does() {
        let knowledge = Knowledge::load(&Sources::new()).unwrap();
        for signs in knowledge.signs() {
            let service = Service::read(signs).unwrap();
            let whole: SignsFile = parse_text(&signs.name, signs.text, signs.source).unwrap();
            assert_eq!(
                (&service.starts, &service.modules),
                (&signs.starts, &signs.modules),
                "{}",
                signs.name
            );
            assert_eq!(
                (&service.title, &service.version.images),
                (&signs.title, &signs.images),
                "{}",
                signs.name
            );
            let shape = whole.files.map_or_else(Shape::none, Shape::new);
            assert_eq!(format!("{shape:?}"), format!("{:?}", signs.shape), "{}", signs.name);
        }
        let (text, source) = table(&Sources::new(), COMMANDS).unwrap();
        command_lines(split(text, &STARTERS).1, source).unwrap();
    }
}
