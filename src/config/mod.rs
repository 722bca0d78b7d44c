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
use crate::knowledge::{Broken, Knowledge, parse};
use crate::model::{Came, Date, Endpoint, Ignore, IgnoredRule, Minimum, ReadAs, Severity, Value, key};
use crate::rules::{Folder, Rules, unknown};
use crate::suppress::{Ignoring, Reach};
use crate::text::{Origin, Pattern, SourceId, Sources, Span, Tree};

/// The name of the file that is looked for.
pub const NAME: &str = "backlog-audit.toml";

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
    pub assume: Assume,
}

/// A rule by its id, and where the policy names it.
type Named = (String, Span);

/// What a policy says; one that was not found says nothing.
#[derive(Debug, Default)]
pub struct Policy {
    pub assume: Assume,
    pub fail_on: Option<FailOn>,
    pub select: Vec<Named>,
    pub ignore: Vec<Named>,
    pub severities: Vec<(Named, Severity)>,
    /// Folders of an organisation's own rules.
    pub folders: Vec<Folder>,
    pub exclude: Vec<Pattern>,
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
            (Some(path), _) => Some(given_by_name(sources, path)?),
            (None, Some((path, site))) => look(sources, path, site)?,
            (None, None) => None,
        };
        let Some(found) = found else { return Ok(Self::default()) };
        let whole = first.is_some_and(|(_, site)| is_whole(site, &found.folder));
        let file = parse(sources, found.source).map_err(with_nearest)?;
        Reader { sources, knowledge, found: &found, whole }.policy(file)
    }

    /// Every rule that the policy names exists; else the place of the one that does not.
    pub fn check_rules(&self, sources: &Sources, rules: &Rules) -> Result<(), Broken> {
        let named =
            self.select.iter().chain(&self.ignore).chain(self.severities.iter().map(|(rule, _)| rule));
        let ignored = self.ignores.iter().flat_map(|it| &it.ignore.rules);
        let ignored = ignored.filter_map(|rule| Some((rule.id.as_ref()?, rule.at)));
        for (id, at) in named.map(|(id, at)| (id, *at)).chain(ignored) {
            rules.exists(id).map_err(|message| wrong(sources, at, message))?;
        }
        Ok(())
    }
}

/// A policy's text, and where it was found.
struct Found {
    source: SourceId,
    /// The real folder that its paths start from.
    folder: PathBuf,
    /// What its rule folders must not leave: what is found in a tree must not make us read what lies outside.
    within: Option<PathBuf>,
}

fn given_by_name(sources: &Sources, path: &Path) -> Result<Found, Broken> {
    let unread = |error: std::io::Error| broken(path, error.to_string());
    let bytes = fs::read(path).map_err(unread)?;
    let real = path.canonicalize().map_err(unread)?;
    let folder = real.parent().unwrap_or(Path::new("/")).to_owned();
    Ok(Found { source: sources.add(Origin::Config(path.to_owned()), bytes), folder, within: None })
}

fn look(sources: &Sources, first: &Path, site: &Site) -> Result<Option<Found>, Broken> {
    let Some(folders) = site.upward(first) else { return Ok(None) };
    let Some(top) = folders.last() else { return Ok(None) };
    let Some(folder) = folders.iter().find(|folder| fs::symlink_metadata(folder.join(NAME)).is_ok()) else {
        return Ok(None);
    };
    let shown = seen_from(site.tree.top(), folder).join(NAME);
    let absolute_links = matches!(site.read_as, ReadAs::Root | ReadAs::Etc);
    let tree = Tree::open(top, absolute_links).map_err(|error| broken(top, error.to_string()))?;
    let path = folder.strip_prefix(top).unwrap_or(Path::new("")).join(NAME);
    let bytes = tree.peek(&path).map_err(|why| broken(&shown, why.to_string()))?;
    let source = sources.add(Origin::Config(shown), bytes);
    Ok(Some(Found { source, folder: folder.clone(), within: Some(top.clone()) }))
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
    whole: bool,
}

impl Reader<'_> {
    fn policy(&self, file: PolicyFile) -> Result<Policy, Broken> {
        let folders = file.rules.folders.iter().map(|folder| self.folder(folder));
        let names = |rules: Vec<Spanned<String>>| rules.into_iter().map(|rule| self.named(rule)).collect();
        let severities = file.rules.severity.into_iter();
        Ok(Policy {
            assume: self.assume(file.kernel, file.sysctls)?,
            fail_on: file.fail_on,
            folders: folders.collect::<Result<_, _>>()?,
            select: names(file.rules.select),
            ignore: names(file.rules.ignore),
            severities: severities.map(|(rule, severity)| (self.named(rule), severity)).collect(),
            exclude: file.exclude.iter().map(|pattern| self.pattern(pattern)).collect(),
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

    fn wrong<T>(&self, value: &Spanned<T>, message: String) -> Broken {
        wrong(self.sources, self.span(value), message)
    }

    fn folder(&self, folder: &Spanned<String>) -> Result<Folder, Broken> {
        let path = self.found.folder.join(folder.get_ref());
        match &self.found.within {
            Some(top) if !stays_within(top, &path) => {
                let message =
                    "it leads out of what is audited; name a folder in it, or give --rules".to_owned();
                Err(self.wrong(folder, message))
            }
            _ if !path.is_dir() => Err(self.wrong(folder, "there is no such folder".to_owned())),
            within => Ok(Folder { path, within: within.clone() }),
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
                return Err(self.wrong(&key, unknown("sysctl", &name, key::ALL.into_iter())));
            }
            set.push((name, *number.get_ref(), self.span(&number)));
        }
        Ok(Assume { kernel: kernel.map(|kernel| self.named(kernel)), set })
    }

    fn targets(&self, tables: Vec<TargetTable>) -> Result<Vec<Target>, Broken> {
        let mut targets: Vec<Target> = Vec::new();
        for table in tables {
            let name = table.name.get_ref();
            if !is_name(name) {
                let message = "a name is made of letters, digits, dashes, dots and underscores";
                return Err(self.wrong(&table.name, message.to_owned()));
            }
            if name == "host" || targets.iter().any(|target| target.name == *name) {
                return Err(self.wrong(&table.name, format!("`{name}` is taken; call it otherwise")));
            }
            targets.push(Target {
                name: name.clone(),
                path: self.pattern(&table.path),
                assume: self.assume(table.kernel, table.sysctls)?,
            });
        }
        Ok(targets)
    }

    fn ignore(&self, table: Spanned<IgnoreTable>) -> Result<Ignoring, Broken> {
        let IgnoreTable { path, listener, rule, reason, until } = table.get_ref();
        if path.is_none() && listener.is_none() && rule.is_none() {
            return Err(self.wrong(&table, "name a path, a listener or a rule to ignore".to_owned()));
        }
        let until = match until {
            None => None,
            Some(until) => match day(until.get_ref()) {
                Some(day) => Some(Value::written(day, self.span(until))),
                None => return Err(self.wrong(until, "write a day, such as 2026-12-31".to_owned())),
            },
        };
        let at = rule.as_ref().map_or_else(|| self.span(&table), |rule| self.span(rule));
        let came = if self.whole { Came::Unused } else { Came::NotJudged };
        let rules = vec![IgnoredRule { id: rule.as_ref().map(|rule| rule.get_ref().clone()), at, came }];
        let reason = reason.clone().filter(|reason| !reason.trim().is_empty());
        let path = path.as_ref().map(|pattern| self.pattern(pattern));
        Ok(Ignoring {
            ignore: Ignore { at, reason, until, has_expired: false, rules },
            reach: Reach::Policy { path, listener: listener.clone() },
        })
    }

    fn minimum(&self, table: MinimumTable) -> Result<Minimum, Broken> {
        let services = || self.knowledge.signs().map(|signs| signs.name.as_str());
        if let Some(service) = &table.service
            && self.knowledge.signs_of(service.get_ref()).is_none()
        {
            return Err(self.wrong(service, unknown("service", service.get_ref(), services())));
        }
        let at = self.span(&table.at_least);
        Ok(Minimum {
            service: table.service.map(Spanned::into_inner),
            port: table.port,
            address: table.address.map(Endpoint::from),
            at_least: Value::written(i64::from(*table.at_least.get_ref()), at),
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

/// What serde says of a word that it does not know ends with those that it knows: the nearest of them is named.
fn with_nearest(broken: Broken) -> Broken {
    let mut words = broken.message.split('`').skip(1).step_by(2);
    let Some(wrong) = words.next().filter(|_| broken.message.starts_with("unknown ")) else { return broken };
    let what = if broken.message.starts_with("unknown field") { "key" } else { "value" };
    let known: Vec<&str> = words.collect();
    let mut message = unknown(what, wrong, known.iter().copied());
    if !message.contains("did you mean") {
        message = format!("{message}; known: {}", known.join(", "));
    }
    Broken { message, ..broken }
}
