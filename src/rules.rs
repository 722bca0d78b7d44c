//! A rule is a TOML file: words, scope and one check with its parameters. Built-in rules and an organisation's are the same
//! thing; the same id replaces a built-in.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use crate::checks::{Check, Facts, Once, Socket};
use crate::knowledge::{Broken, Knowledge, Lazy, RULES, lazy, parse};
use crate::model::{Finding, Host, Listener, Minimums, Place, PlaceId, Queue, Seen, Severity};
use crate::text::tree::Unread;
use crate::text::{Origin, SourceId, Sources, Span, Tree};

/// One rule, as `rules/<id>.toml` says it.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The file's name without `.toml`: `queue-clamped`.
    pub id: String,
    pub severity: Severity,
    pub source: SourceId,
    scope: Scope,
    check: Check,
    /// Shared, because a report keeps the rules that were chosen.
    pub words: Arc<Lazy<Words>>,
}

/// What a rule says.
#[derive(Debug, Default)]
pub struct Words {
    /// The fault in one line.
    pub summary: String,
    /// What the rule looks for.
    pub what: String,
    /// Why that hurts.
    pub why: String,
    /// What to do about it.
    pub fix: String,
    /// Lines of files that it speaks about; a line such as `# etc/sysctl.conf` says whose the next ones are.
    pub example: String,
    /// Where the facts behind it are written down.
    pub references: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    severity: Severity,
    summary: String,
    what: String,
    why: String,
    fix: String,
    #[serde(default)]
    example: String,
    references: Vec<String>,
    #[serde(default)]
    scope: Scope,
    check: Check,
}

impl RuleFile {
    fn words(self) -> Words {
        Words {
            summary: self.summary,
            what: folded(&self.what),
            why: folded(&self.why),
            fix: folded(&self.fix),
            example: self.example,
            references: self.references,
        }
    }
}

/// What a rule of ours does: its first line and its last table. Those of ours have no scope.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Brief {
    severity: Severity,
    check: Check,
}

impl Brief {
    fn of(text: &str) -> Option<Self> {
        let (severity, rest) = text.split_once('\n')?;
        let (_, check) = rest.rsplit_once("\n[check.")?;
        toml::from_str(&format!("{severity}\n[check.{check}")).ok()
    }
}

/// What a rule is about; everything, where it does not say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scope {
    /// Names of services.
    services: Option<Vec<Spanned<String>>>,
    /// Kinds of places (`host`, `container`, `pod`) or their names.
    places: Option<Vec<String>>,
}

impl Scope {
    fn covers_place(&self, place: &Place) -> bool {
        let is = |name: &String| *name == place.name || name == place.kind.word();
        self.places.as_ref().is_none_or(|places| places.iter().any(is))
    }

    fn covers_service(&self, service: &str) -> bool {
        self.services.as_ref().is_none_or(|services| services.iter().any(|name| name.get_ref() == service))
    }

    /// A service that does not exist would make the rule silent for ever.
    fn check(&self, sources: &Sources, source: SourceId, known: &[&str]) -> Result<(), Broken> {
        let mut named = self.services.iter().flatten();
        match named.find(|name| !known.contains(&name.get_ref().as_str())) {
            None => Ok(()),
            Some(name) => Err(Broken {
                name: sources.get(source).name().into_owned(),
                message: unknown("service", name.get_ref(), known.iter().copied()),
                at: Some(Span::new(source, name.span())),
            }),
        }
    }
}

/// Everything that rules are judged on.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    pub sources: &'a Sources,
    pub knowledge: &'a Knowledge,
    pub host: &'a Host,
    pub queues: &'a [Queue],
    /// The running machine, if it was looked at.
    pub seen: Option<&'a Seen>,
}

/// A folder of an organisation's rules.
#[derive(Debug, Clone)]
pub struct Folder {
    pub path: PathBuf,
    /// What neither it nor its files lead out of: the real path of a tree whose own policy names it.
    pub within: Option<PathBuf>,
}

/// All rules of a run, by id.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    all: Vec<Rule>,
}

impl Rules {
    /// The built-in rules, and the `*.toml` files of the folders.
    pub fn load(sources: &Sources, folders: &[Folder]) -> Result<Self, Broken> {
        let mut all: BTreeMap<String, Rule> = BTreeMap::new();
        let is_rule = |path: &Path| path != Path::new("kernel.toml") && path != Path::new("commands.toml");
        for file in RULES.files().filter(|file| is_rule(file.path())) {
            let rule = Rule::built_in(sources, file)?;
            all.insert(rule.id.clone(), rule);
        }
        for folder in folders {
            for (path, bytes) in folder.files()? {
                let rule = Rule::read(sources, &path, sources.add(Origin::Config(path.clone()), bytes))?;
                all.insert(rule.id.clone(), rule);
            }
        }
        Ok(Self { all: all.into_values().collect() })
    }

    pub fn set_severity(&mut self, id: &str, severity: Severity) {
        for rule in self.all.iter_mut().filter(|rule| rule.id == id) {
            rule.severity = severity;
        }
    }

    /// Only the rules of `select`, if it names any, and none of `ignore`.
    pub fn choose(self, select: &[String], ignore: &[String]) -> Result<Self, Broken> {
        for (flag, ids) in [("--select", select), ("--ignore", ignore)] {
            if let Some(message) = ids.iter().find_map(|id| self.exists(id).err()) {
                return Err(Broken { name: flag.to_owned(), message, at: None });
            }
        }
        let chosen =
            |rule: &Rule| (select.is_empty() || select.contains(&rule.id)) && !ignore.contains(&rule.id);
        Ok(Self { all: self.all.into_iter().filter(chosen).collect() })
    }

    /// What is wrong, sorted by path, place and rule. Whether ignores are in order can be told once they have been applied: what
    /// was found until then is `before`.
    pub fn judge(&self, judged: Judged<'_>, before: Option<Vec<Finding>>) -> Vec<Finding> {
        let sources = judged.sources;
        let minimums = Minimums::of(&judged.host.minimums);
        let of = |rule: &Rule| rule.check.judge(&rule.facts(judged, &minimums));
        let now = self.all.iter().filter(|rule| rule.check.is_about_ignores() == before.is_some());
        let mut findings: Vec<Finding> = now.flat_map(of).collect();
        findings.extend(before.into_iter().flatten());
        findings.sort_by(|a, b| {
            sources
                .order(a.at, b.at)
                .then_with(|| a.rule.cmp(&b.rule))
                .then_with(|| a.message.cmp(&b.message))
        });
        // What several places have in common is told once.
        findings.dedup_by(|a, b| {
            let no_listener = a.listener.is_none() && b.listener.is_none();
            no_listener && (a.at, &a.rule, &a.message) == (b.at, &b.rule, &b.message)
        });
        findings
    }

    /// What is wrong with the id of a rule that there is not.
    pub fn exists(&self, id: &str) -> Result<(), String> {
        match self.get(id) {
            Some(_) => Ok(()),
            None => Err(unknown("rule", id, self.all.iter().map(|rule| rule.id.as_str()))),
        }
    }

    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.all.iter().find(|rule| rule.id == id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.all.iter()
    }
}

impl Rule {
    /// Whether it is about the running machine.
    pub fn is_live(&self) -> bool {
        self.check.is_live()
    }

    /// What there was not, without which the rule finds nothing.
    pub fn lacks(&self, host: &Host, seen: Option<&Seen>) -> Option<&'static str> {
        match () {
            () if self.check.is_live() && seen.is_none() => Some("the running machine was not looked at"),
            () if self.check.is_about_minimums() && host.minimums.is_empty() => {
                Some("no policy names a minimum")
            }
            () => None,
        }
    }

    /// A rule of ours: its words are parsed when somebody asks for them.
    fn built_in(sources: &Sources, file: &'static include_dir::File<'static>) -> Result<Self, Broken> {
        let origin = Origin::Builtin(format!("rules/{}", file.path().display()));
        let source = sources.add(origin, file.contents());
        let whole = || Self::read(sources, file.path(), source);
        let Some(brief) = file.contents_utf8().and_then(Brief::of) else { return whole() };
        let text = file.contents_utf8().unwrap_or_default();
        let words =
            move || toml::from_str(text).map_or_else(|_| Words::default(), |file: RuleFile| file.words());
        Ok(Self {
            id: id(file.path())?,
            severity: brief.severity,
            source,
            scope: Scope::default(),
            check: brief.check,
            words: Arc::new(lazy(words)),
        })
    }

    fn read(sources: &Sources, path: &Path, source: SourceId) -> Result<Self, Broken> {
        let id = id(path)?;
        let file: RuleFile = parse(sources, source)?;
        file.scope.check(sources, source, &services())?;
        let (severity, scope, check) = (file.severity, file.scope.clone(), file.check.clone());
        let words = Arc::new(lazy(move || file.words()));
        Ok(Self { id, severity, source, scope, check, words })
    }

    /// The names of the services that it is about; `None` for all.
    pub fn services(&self) -> Option<Vec<&str>> {
        let named = self.scope.services.as_ref()?;
        Some(named.iter().map(|name| name.get_ref().as_str()).collect())
    }

    /// What the rule is judged on: that part of everything which its scope covers.
    fn facts<'a>(&'a self, judged: Judged<'a>, minimums: &'a Minimums<'a>) -> Facts<'a> {
        let Judged { sources, knowledge, host, queues, seen } = judged;
        let places = host.places.iter().enumerate().map(|(index, place)| (PlaceId(index), place));
        let covers = |listener: &Listener| {
            let place = host.place(listener.place);
            self.scope.covers_service(&listener.service)
                && place.is_some_and(|place| self.scope.covers_place(place))
        };
        let is_settled =
            |listener| !host.settled.is_empty() && host.settled.contains(&(self.id.clone(), listener));
        let sockets = queues.iter().filter(|queue| !is_settled(queue.listener)).filter_map(|queue| {
            let listener = host.listeners.get(queue.listener).filter(|listener| covers(listener))?;
            Some(Socket { index: queue.listener, listener, queue })
        });
        let about = |service: &Option<String>| match service {
            Some(service) => self.scope.covers_service(service),
            None => self.scope.services.is_none(),
        };
        Facts {
            minimums,
            found: Once::default(),
            rule: &self.id,
            severity: self.severity,
            sources,
            knowledge,
            host,
            queues,
            seen,
            covers_unknown: self.scope.services.is_none(),
            places: places.filter(|(_, place)| self.scope.covers_place(place)).collect(),
            sockets: sockets.collect(),
            problems: host.problems.iter().filter(|problem| about(&problem.service)).collect(),
        }
    }
}

impl Folder {
    /// One that somebody names by themselves: its links may lead anywhere.
    pub fn given(path: &Path) -> Self {
        Self { path: path.to_owned(), within: None }
    }

    /// Its rule files and what is in them, in order. A FIFO or a device is none: a policy may name a folder of the audited tree.
    fn files(&self) -> Result<Vec<(PathBuf, Vec<u8>)>, Broken> {
        let unread = |error: io::Error| broken(&self.path, error.to_string());
        let real = self.path.canonicalize().map_err(unread)?;
        // A folder that cannot be listed is no empty one.
        fs::read_dir(&real).map_err(unread)?;
        let top = self.within.as_deref().unwrap_or(Path::new("/"));
        let tree = Tree::open(top, true).map_err(unread)?;
        let out = |_| broken(&self.path, "it leads out of what is audited".to_owned());
        let inside = real.strip_prefix(top).map_err(out)?;
        let names = tree.list(inside).into_iter().map(PathBuf::from);
        let names = names.filter(|name| name.extension().is_some_and(|extension| extension == "toml"));
        let read = |name: PathBuf| match tree.peek(&inside.join(&name)) {
            Ok(bytes) => Some(Ok((self.path.join(name), bytes))),
            Err(Unread::NotAFile(kind)) if kind != Unread::FOLDER => None,
            Err(why) => Some(Err(broken(&self.path.join(name), why.to_string()))),
        };
        names.filter_map(read).collect()
    }
}

/// One line of a text that was broken into lines where it suited the file.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn broken(path: &Path, message: String) -> Broken {
    Broken { name: path.display().to_string(), message, at: None }
}

fn id(path: &Path) -> Result<String, Broken> {
    let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match is_kebab_case(&id) {
        true => Ok(id),
        false => {
            let message =
                format!("`{id}` is no name for a rule: small letters, digits and single dashes are");
            Err(broken(path, message))
        }
    }
}

fn is_kebab_case(id: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    id.split('-').all(word)
}

/// The services that we know, by their files.
fn services() -> Vec<&'static str> {
    let files = RULES.get_dir("services").into_iter().flat_map(include_dir::Dir::files);
    files.filter_map(|file| file.path().file_stem()?.to_str()).collect()
}

/// `there is no rule `queue-clampd`; did you mean `queue-clamped`?`
pub(crate) fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known.map(|known| (strsim::osa_distance(name, known), known)).min();
    match near.filter(|(distance, _)| *distance <= name.len() / 2) {
        Some((_, known)) => format!("there is no {what} `{name}`; did you mean `{known}`?"),
        None => format!("there is no {what} `{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(folders: &[PathBuf]) -> (Sources, Result<Rules, Broken>) {
        let folders: Vec<Folder> = folders.iter().map(|path| Folder::given(path)).collect();
        let sources = Sources::new();
        let rules = Rules::load(&sources, &folders);
        (sources, rules)
    }

    /// A folder with one rule of an organisation, loaded.
    fn own(name: &str, text: &str) -> (Sources, Result<Rules, Broken>) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), text).unwrap();
        load(&[folder.path().to_owned()])
    }

    const LONG: &str = r#"
severity = "error"
summary = "short"
what = "w"
why = "w"
fix = "f"
references = []

[scope]
services = ["nginx"]

[check.queue-short]
at-least = 4096
"#;

    #[test]
    fn every_built_in_rule_loads_and_says_why() {
        let rules = load(&[]).1.unwrap();
        assert!(rules.iter().count() >= 35);
        for rule in rules.iter() {
            assert!(!rule.words.references.is_empty(), "{} cites nothing", rule.id);
            assert!(
                rule.words.summary.ends_with('.') && rule.words.summary.len() < 120,
                "{}",
                rule.words.summary
            );
            for text in [&rule.words.what, &rule.words.why, &rule.words.fix] {
                assert!(text.ends_with('.'), "{}: {text}", rule.id);
            }
        }
    }

    #[test]
    fn a_rule_in_brief_is_the_whole_rule() {
        let (sources, rules) = load(&[]);
        for rule in rules.unwrap().iter() {
            let text = std::str::from_utf8(sources.bytes(rule.source)).unwrap();
            let brief = Brief::of(text).unwrap();
            let whole: RuleFile = parse(&sources, rule.source).unwrap();
            assert_eq!(brief.severity, whole.severity, "{}", rule.id);
            assert_eq!(format!("{:?}", brief.check), format!("{:?}", whole.check), "{}", rule.id);
            assert_eq!(format!("{:?}", whole.scope), format!("{:?}", Scope::default()), "{}", rule.id);
        }
    }

    #[test]
    fn an_organisation_adds_and_replaces() {
        let built_in = load(&[]).1.unwrap().iter().count();
        let rules = own("long-queues.toml", LONG).1.unwrap();
        assert_eq!(rules.get("long-queues").unwrap().severity, Severity::Error);
        assert_eq!(rules.iter().count(), built_in + 1);
        let rules = own("queue-tiny.toml", LONG).1.unwrap();
        assert_eq!(rules.iter().count(), built_in);
        assert_eq!(rules.get("queue-tiny").unwrap().severity, Severity::Error);
    }

    #[test]
    fn what_is_misspelt_is_pointed_at() {
        for (right, wrong, at, says) in [
            (
                "at-least",
                "atleast",
                "atleast",
                "unknown field `atleast`, expected one of `at-least`, `asks-below`",
            ),
            ("summary", "sumary", "sumary", "unknown field `sumary`"),
            ("queue-short", "queue-shrt", "queue-shrt", "unknown variant `queue-shrt`"),
            ("4096", "-1", "-1", "invalid value"),
            ("\"error\"", "\"eror\"", "\"eror\"", "unknown variant `eror`"),
            ("\"nginx\"", "\"ngnix\"", "\"ngnix\"", "there is no service `ngnix`; did you mean `nginx`?"),
        ] {
            let (sources, rules) = own("r.toml", &LONG.replace(right, wrong));
            let broken = rules.unwrap_err();
            assert!(broken.message.contains(says), "{}", broken.message);
            assert_eq!(sources.text(broken.at.unwrap()), at);
        }
        let broken = own("r.toml", &LONG.replace("[check.", "[check.queue-clamped]\n[check.")).1.unwrap_err();
        assert!(broken.message.contains("exactly 1 element"), "{}", broken.message);
        let broken = own("No_Name.toml", LONG).1.unwrap_err();
        assert!(broken.message.contains("no name for a rule"));
    }

    #[test]
    fn rules_are_chosen_by_id() {
        let rules = || load(&[]).1.unwrap();
        let ids = |rules: Rules| rules.iter().map(|rule| rule.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(rules().choose(&["queue-tiny".into()], &[]).unwrap()), ["queue-tiny"]);
        assert!(!ids(rules().choose(&[], &["queue-tiny".into()]).unwrap()).contains(&"queue-tiny".into()));
        let broken = rules().choose(&["queue-clampd".into()], &[]).unwrap_err();
        assert_eq!(
            broken.to_string(),
            "--select: there is no rule `queue-clampd`; did you mean `queue-clamped`?"
        );
        let broken = rules().choose(&[], &["nothing-like-it-at-all".into()]).unwrap_err();
        assert_eq!(broken.message, "there is no rule `nothing-like-it-at-all`");
    }
}
