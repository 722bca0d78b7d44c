//! The policy of a repository or a machine, `backlog-audit.toml`: what is assumed, which rules count and how much, what is
//! left out and what is wanted.

mod file;

use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use self::file::{Assumed, IgnoreTable, MinimumTable, PolicyFile, TargetTable};
use crate::discover::Site;
use crate::kernel::version;
use crate::knowledge::{Broken, Knowledge, parse_own, read_given, unknown};
use crate::model::{Came, Date, Endpoint, Ignore, IgnoredRule, Minimum, ReadAs, Severity, Value, key};
use crate::rules::{Folder, Rules};
use crate::suppress::{Ignoring, Reach};
use crate::text::{HashMap, Origin, Pattern, SourceId, Sources, Span, Tree};

/// The name of the file that is looked for.
pub const NAME: &str = "backlog-audit.toml";

/// How many policies extend one another at most.
const MAX_EXTENDED: usize = 16;

/// The lowest severity that makes the exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    Error,
    Warning,
    Info,
    Never,
}

impl FailOn {
    pub const ALL: [Self; 4] = [Self::Error, Self::Warning, Self::Info, Self::Never];

    pub fn word(self) -> &'static str {
        self.severity().map_or("never", Severity::word)
    }

    pub fn severity(self) -> Option<Severity> {
        match self {
            FailOn::Error => Some(Severity::Error),
            FailOn::Warning => Some(Severity::Warning),
            FailOn::Info => Some(Severity::Info),
            FailOn::Never => None,
        }
    }
}

/// What is assumed of machines, with the places that say so.
#[derive(Debug, Clone, Default)]
pub struct Assume {
    pub kernel: Option<(String, Span)>,
    /// Key in the spelling with dots, and value.
    pub set: Vec<(String, i64, Span)>,
}

/// Files that run on machines of their own.
#[derive(Debug, Clone)]
pub struct Target {
    pub name: String,
    pub path: Pattern,
    /// Where that stands.
    pub at: Span,
    /// All that it may be about is looked at.
    pub is_judged: bool,
    pub assume: Assume,
}

/// A pattern of paths that are left out.
#[derive(Debug, Clone)]
pub struct Excluded {
    pub pattern: Pattern,
    pub text: String,
    pub at: Span,
    /// All that it may be about is looked at.
    pub is_judged: bool,
}

/// A rule by its id, and where the policy names it.
type Named = (String, Span);

/// What a policy says; one that was not found says nothing.
#[derive(Debug, Default)]
pub struct Policy {
    pub assume: Assume,
    pub fail_on: Option<FailOn>,
    /// Finding no listener is a failure of the audit.
    pub fail_on_nothing: Option<bool>,
    pub select: Vec<Named>,
    pub ignore: Vec<Named>,
    pub severities: Vec<(Named, Severity)>,
    /// Folders of an organisation's own rules.
    pub folders: Vec<Folder>,
    pub exclude: Vec<Excluded>,
    pub targets: Vec<Target>,
    pub minimums: Vec<Minimum>,
    pub ignores: Vec<Ignoring>,
}

/// The JSON Schema of the file, with a final newline.
pub fn schema() -> String {
    let schema = schemars::schema_for!(PolicyFile);
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

impl Policy {
    /// The policy of `--config`, or the one that is found upward from the first PATH: not above its repository or root.
    pub fn load(
        sources: &Sources,
        knowledge: &Knowledge,
        given: Option<&Path>,
        first: Option<(&Path, &Site)>,
    ) -> Result<Self, Broken> {
        let found = match (given, first) {
            (Some(path), _) => Some(given_by_name(sources, path, first.map(|(_, site)| site))?),
            (None, Some((path, site))) => look(sources, path, site)?,
            (None, None) => None,
        };
        let mut policy = Self::default();
        let mut next = found;
        let mut read: Vec<PathBuf> = Vec::new();
        while let Some(found) = next.take() {
            let is_whole = first.is_some_and(|(_, site)| is_whole(site, &found.folder));
            let file: PolicyFile = parse_own(sources, found.source)?;
            let reader = Reader { sources, knowledge, found: &found, is_whole };
            read.push(found.path.clone());
            if let Some(extend) = &file.extend {
                next = Some(reader.extended(extend, &read, first.map(|(_, site)| site))?);
            }
            policy = policy.extending(reader.policy(file)?);
            policy.check_targets(sources)?;
        }
        Ok(policy)
    }

    /// This policy, which counts, over the one that it extends.
    fn extending(self, other: Self) -> Self {
        fn both<T>(below: Vec<T>, above: Vec<T>) -> Vec<T> {
            below.into_iter().chain(above).collect()
        }
        Self {
            assume: Assume {
                kernel: self.assume.kernel.or(other.assume.kernel),
                // The last one counts.
                set: both(other.assume.set, self.assume.set),
            },
            fail_on: self.fail_on.or(other.fail_on),
            fail_on_nothing: self.fail_on_nothing.or(other.fail_on_nothing),
            select: both(other.select, self.select),
            ignore: both(other.ignore, self.ignore),
            severities: both(other.severities, self.severities),
            folders: both(other.folders, self.folders),
            exclude: both(other.exclude, self.exclude),
            // A file belongs to the first target that covers it: the own ones come first.
            targets: both(self.targets, other.targets),
            minimums: both(other.minimums, self.minimums),
            ignores: both(other.ignores, self.ignores),
        }
    }

    /// Each target has a name of its own.
    fn check_targets(&self, sources: &Sources) -> Result<(), Broken> {
        let mut known: HashMap<&str, &Target> = HashMap::default();
        for target in &self.targets {
            if let Some(first) = known.insert(&target.name, target) {
                let line = sources.position(first.at).line;
                let file = sources.get(first.at.source).name();
                let message = format!("a target already has the name `{}`, in {file}:{line}", target.name);
                return Err(wrong(sources, target.at, message));
            }
        }
        Ok(())
    }

    /// Every rule that the policy names exists; else the place of the one that does not.
    pub fn check_rules(&self, sources: &Sources, rules: &Rules) -> Result<(), Broken> {
        let named =
            self.select.iter().chain(&self.ignore).chain(self.severities.iter().map(|(rule, _)| rule));
        let ignored = self.ignores.iter().flat_map(|it| &it.ignore.rules);
        let ignored = ignored.filter_map(|rule| Some((rule.id.as_ref()?, rule.at)));
        for (id, at) in named.map(|(id, at)| (id, *at)).chain(ignored) {
            let message = match id.as_str() {
                "*" | "all" => "leave `rule` out to match all rules".to_owned(),
                several if several.contains([',', ' ']) => {
                    let first = several.split([',', ' ']).next().unwrap_or_default();
                    format!(
                        "name one rule, such as \"{first}\"; put each further rule in its own quotes, or in a second [[ignore]]"
                    )
                }
                _ => match rules.exists(id) {
                    Ok(()) => continue,
                    Err(message) => message,
                },
            };
            return Err(wrong(sources, at, message));
        }
        Ok(())
    }
}

/// A policy's text, and where it was found.
struct Found {
    source: SourceId,
    /// Its real path.
    path: PathBuf,
    /// The real folder that its paths start from.
    folder: PathBuf,
    /// What its rule folders must not leave: what is found in a tree must not make us read what lies outside.
    within: Option<PathBuf>,
}

fn given_by_name(sources: &Sources, path: &Path, site: Option<&Site>) -> Result<Found, Broken> {
    let inside = path.join(NAME);
    let help = match inside.is_file() {
        true => format!("; the policy in it is {}", inside.display()),
        false => String::new(),
    };
    let bytes = read_given("--config", path, &help)?;
    let source = sources.add(Origin::Config(shown(site, path)), bytes);
    // A pipe has no folder: its paths start from the working directory.
    let real = path.canonicalize().ok().filter(|real| real.is_file());
    let real = real.or_else(|| Some(Path::new(".").canonicalize().ok()?.join(NAME)));
    let path = real.unwrap_or_else(|| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
    Ok(Found { source, path, folder, within: None })
}

fn look(sources: &Sources, first: &Path, site: &Site) -> Result<Option<Found>, Broken> {
    let Some(folders) = site.upward(first) else { return Ok(None) };
    let Some(top) = folders.last() else { return Ok(None) };
    let is_there = |folder: &&PathBuf| fs::symlink_metadata(folder.join(NAME)).is_ok();
    let Some(folder) = folders.iter().find(is_there) else { return Ok(None) };
    in_tree(sources, site, top, &folder.join(NAME)).map(Some)
}

/// A policy in a tree, by its real path: what it links to is in the tree as well.
fn in_tree(sources: &Sources, site: &Site, top: &Path, path: &Path) -> Result<Found, Broken> {
    let absolute_links = matches!(site.read_as, ReadAs::Root | ReadAs::Etc);
    let here = from_here(path);
    let tree = Tree::open(top, absolute_links).map_err(|error| broken(&here, error.to_string()))?;
    let bytes =
        tree.peek(path.strip_prefix(top).unwrap_or(path)).map_err(|why| broken(&here, why.to_string()))?;
    let source = sources.add(Origin::Config(shown(Some(site), path)), bytes);
    let folder = path.parent().unwrap_or(top).to_owned();
    Ok(Found { source, path: path.to_owned(), folder, within: Some(top.to_owned()) })
}

/// A file as seen from the tree of a site, if they lie in one another.
pub(crate) fn shown(site: Option<&Site>, path: &Path) -> PathBuf {
    // A pipe has no place.
    if !path.is_file() && !path.is_dir() {
        return path.to_owned();
    }
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name(), site) {
        (Ok(folder), Some(name), Some(site)) => seen_from(site.tree.top(), &folder).join(name),
        _ => path.to_owned(),
    }
}

/// A real path as seen from the working directory.
pub fn from_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().and_then(fs::canonicalize);
    match (here, path.parent(), path.file_name()) {
        (Ok(here), Some(folder), Some(name)) => {
            let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
            seen_from(&here, &folder).join(name)
        }
        _ => path.to_owned(),
    }
}

/// A folder above or below another one, relative to it.
fn seen_from(top: &Path, folder: &Path) -> PathBuf {
    match (folder.strip_prefix(top), top.strip_prefix(folder)) {
        (Ok(below), _) => below.to_owned(),
        (_, Ok(above)) => above.iter().map(|_| "..").collect(),
        _ => folder.to_owned(),
    }
}

/// Makes a policy of the text of its file.
struct Reader<'a> {
    sources: &'a Sources,
    knowledge: &'a Knowledge,
    found: &'a Found,
    /// All that the policy is about is looked at.
    is_whole: bool,
}

impl Reader<'_> {
    fn policy(&self, file: PolicyFile) -> Result<Policy, Broken> {
        let folders = file.rules.folders.iter().map(|folder| self.folder(folder));
        let names = |rules: Vec<Spanned<String>>| rules.into_iter().map(|rule| self.named(rule)).collect();
        let severities = file.rules.severity.into_iter();
        Ok(Policy {
            assume: self.assume(file.kernel, file.sysctls)?,
            fail_on: file.fail_on,
            fail_on_nothing: file.fail_on_nothing,
            folders: folders.collect::<Result<_, _>>()?,
            select: names(file.rules.select),
            ignore: names(file.rules.ignore),
            severities: severities.map(|(rule, severity)| (self.named(rule), severity)).collect(),
            exclude: file.exclude.iter().map(|pattern| self.excluded(pattern)).collect::<Result<_, _>>()?,
            targets: self.targets(file.targets)?,
            ignores: file.ignores.into_iter().map(|it| self.ignore(it)).collect::<Result<_, _>>()?,
            minimums: file.minimums.into_iter().map(|it| self.minimum(it)).collect::<Result<_, _>>()?,
        })
    }

    fn span<T>(&self, value: &Spanned<T>) -> Span {
        Span::new(self.found.source, value.span())
    }

    fn named(&self, rule: Spanned<String>) -> Named {
        let at = self.span(&rule);
        (rule.into_inner(), at)
    }

    fn pattern(&self, pattern: &str) -> Pattern {
        Pattern::new(&self.found.folder, pattern)
    }

    fn excluded(&self, text: &Spanned<String>) -> Result<Excluded, Broken> {
        let pattern = self.pattern(text.get_ref());
        if text.get_ref().trim().is_empty() || pattern.covers_its_folder() {
            let message = "this pattern would leave everything out; remove it".to_owned();
            return Err(self.wrong(text, message));
        }
        Ok(Excluded { pattern, text: text.get_ref().clone(), at: self.span(text), is_judged: self.is_whole })
    }

    /// The policy that this one extends.
    fn extended(
        &self,
        extend: &Spanned<String>,
        read: &[PathBuf],
        site: Option<&Site>,
    ) -> Result<Found, Broken> {
        let path = self.found.folder.join(extend.get_ref());
        let wrong = |message: &str| Err(self.wrong(extend, message.to_owned()));
        let Ok(real) = path.canonicalize() else { return wrong("there is no such file") };
        let real = match real.is_dir() {
            true => real.join(NAME),
            false => real,
        };
        if self.found.within.as_ref().is_some_and(|top| !real.starts_with(top)) {
            return wrong("it is outside the audited tree; name a file inside it, or give --config");
        }
        if let Some(first) = read.iter().position(|known| *known == real) {
            let circle = read.get(first..).unwrap_or_default().iter().chain([&real]);
            let circle: Vec<String> = circle.map(|path| from_here(path).display().to_string()).collect();
            return wrong(&format!("these policies extend one another: {}", circle.join(" -> ")));
        }
        if read.len() > MAX_EXTENDED {
            return wrong(&format!("more than {MAX_EXTENDED} policies extend one another"));
        }
        match (&self.found.within, site) {
            (Some(top), Some(site)) => {
                in_tree(self.sources, site, top, &real).map_err(|broken| self.wrong(extend, broken.message))
            }
            _ => {
                let bytes =
                    read_given("extend", &real, "").map_err(|broken| self.wrong(extend, broken.message))?;
                let source = self.sources.add(Origin::Config(shown(site, &real)), bytes);
                let folder = real.parent().unwrap_or(Path::new("/")).to_owned();
                Ok(Found { source, path: real, folder, within: None })
            }
        }
    }

    fn wrong<T>(&self, value: &Spanned<T>, message: String) -> Broken {
        wrong(self.sources, self.span(value), message)
    }

    fn folder(&self, folder: &Spanned<String>) -> Result<Folder, Broken> {
        let path = self.found.folder.join(folder.get_ref());
        match &self.found.within {
            Some(top) if !stays_within(top, &path) => {
                let message =
                    "it is outside the audited tree; name a folder inside it, or give --rules".to_owned();
                Err(self.wrong(folder, message))
            }
            _ if folder.get_ref().trim().is_empty() => {
                let message =
                    "it names the folder of the policy itself; name the folder of your rules".to_owned();
                Err(self.wrong(folder, message))
            }
            _ if path.is_file() => {
                let message = "this is a file; name the folder that holds it".to_owned();
                Err(self.wrong(folder, message))
            }
            _ if !path.is_dir() => Err(self.wrong(folder, "there is no such folder".to_owned())),
            within => {
                Ok(Folder { shown: path.clone(), path, within: within.clone(), at: Some(self.span(folder)) })
            }
        }
    }

    fn assume(&self, kernel: Option<Spanned<String>>, sysctls: Assumed) -> Result<Assume, Broken> {
        if let Some(kernel) = kernel.as_ref().filter(|kernel| version::parse(kernel.get_ref()).is_none()) {
            let message = "write a kernel as uname -r prints it, such as 4.18 or 5.15.0-91-generic";
            return Err(self.wrong(kernel, message.to_owned()));
        }
        let mut set = Vec::new();
        for (key, number) in sysctls.0 {
            let name = key::dotted(key.get_ref());
            if !key::ALL.contains(&name.as_str()) {
                return Err(self.wrong(&key, self.no_sysctl(&name)));
            }
            set.push((name, *number.get_ref(), self.span(&number)));
        }
        Ok(Assume { kernel: kernel.map(|kernel| self.named(kernel)), set })
    }

    fn no_sysctl(&self, name: &str) -> String {
        match self.knowledge.kernel.is_known(name) {
            true => format!("no queue depends on {name}; these can be assumed: {}", key::ALL.join(", ")),
            false => unknown("sysctl", name, key::ALL.into_iter()),
        }
    }

    fn targets(&self, tables: Vec<TargetTable>) -> Result<Vec<Target>, Broken> {
        let mut targets: Vec<Target> = Vec::new();
        for table in tables {
            let name = table.name.get_ref();
            if !is_name(name) {
                let message = "use only letters, digits, dashes, dots and underscores in a name";
                return Err(self.wrong(&table.name, message.to_owned()));
            }
            if name == "host" {
                let message =
                    "reports use `host` for files outside all targets; choose another name".to_owned();
                return Err(self.wrong(&table.name, message));
            }
            targets.push(Target {
                name: name.clone(),
                path: self.pattern(table.path.get_ref()),
                at: self.span(&table.path),
                is_judged: self.is_whole,
                assume: self.assume(table.kernel, table.sysctls)?,
            });
        }
        Ok(targets)
    }

    fn ignore(&self, table: Spanned<IgnoreTable>) -> Result<Ignoring, Broken> {
        let IgnoreTable { path, listener, rule, reason, until } = table.get_ref();
        if path.is_none() && listener.is_none() && rule.is_none() {
            return Err(self.wrong(&table, "give a path, a listener or a rule to ignore".to_owned()));
        }
        let until = match until {
            None => None,
            Some(until) => match day(until.get_ref()) {
                Some(day) => Some(Value::written(day, self.span(until))),
                None => {
                    return Err(
                        self.wrong(until, "write a day without a time, such as 2030-12-31".to_owned())
                    );
                }
            },
        };
        let at = rule.as_ref().map_or_else(|| self.span(&table), |rule| self.span(rule));
        let came = if self.is_whole { Came::Unused } else { Came::NotJudged };
        let rules = vec![IgnoredRule { id: rule.as_ref().map(|rule| rule.get_ref().clone()), at, came }];
        let reason = reason.clone().filter(|reason| !reason.trim().is_empty());
        let path = path.as_ref().map(|pattern| self.pattern(pattern));
        Ok(Ignoring {
            ignore: Ignore { at, reason, until, has_expired: false, rules, mistaken: None },
            reach: Reach::Policy { path, listener: listener.clone() },
        })
    }

    fn minimum(&self, table: MinimumTable) -> Result<Minimum, Broken> {
        if let Some(service) = &table.service
            && let Err(message) = self.knowledge.has_service(service.get_ref())
        {
            return Err(self.wrong(service, message));
        }
        let at = self.span(&table.at_least);
        Ok(Minimum {
            service: table.service.map(Spanned::into_inner),
            port: table.port,
            address: table.address.map(Endpoint::from),
            at_least: Value::written(i64::from(*table.at_least.get_ref()), at),
            is_judged: self.is_whole,
        })
    }
}

/// Whether an audit of this site looks at all that a policy in this folder is about.
fn is_whole(site: &Site, folder: &Path) -> bool {
    site.read_as != ReadAs::File && folder.starts_with(site.tree.top())
}

/// Whether a folder and the rule files in it lie where they seem to.
fn stays_within(top: &Path, folder: &Path) -> bool {
    let inside = |path: &Path| path.canonicalize().is_ok_and(|real| real.starts_with(top));
    let Ok(entries) = fs::read_dir(folder) else { return folder.canonicalize().is_err() || inside(folder) };
    let mut files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    inside(folder) && files.all(|path| path.extension().is_none_or(|it| it != "toml") || inside(&path))
}

/// The name of a target is a part of ids.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-._".contains(c))
}

fn day(until: &Datetime) -> Option<Date> {
    match until {
        Datetime { date: Some(date), time: None, offset: None } => Date::new(date.year, date.month, date.day),
        _ => None,
    }
}

fn wrong(sources: &Sources, at: Span, message: String) -> Broken {
    Broken { name: sources.get(at.source).name().into_owned(), message, at: Some(at) }
}

fn broken(path: &Path, message: String) -> Broken {
    Broken { name: path.display().to_string(), message, at: None }
}
