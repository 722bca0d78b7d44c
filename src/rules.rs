//! A rule is a TOML file: words, scope and one check with its parameters. Built-in rules and an organisation's are the same
//! thing; the same id replaces a built-in.

mod folder;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::checks::{Check, Facts, Once, Socket};
use crate::knowledge::{Broken, Knowledge, Lazy, RULES, lazy, nearest, parse, parse_own, unknown};
use crate::model::{
    Endpoint, Finding, Host, Idle, Listener, Minimums, Place, PlaceId, Queue, Seen, Severity, Transport,
};
use crate::text::{Origin, SourceId, Sources, Span};
pub use folder::Folder;

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
    /// How people meet it: what a log says, or a client sees, and what that means. Empty where nothing is to be seen. `{port}` and
    /// `{holds}` are those of the listener.
    pub symptom: String,
    /// The same for unix sockets, where it differs.
    pub symptom_unix: String,
    /// Why that hurts.
    pub why: String,
    /// What to do about it.
    pub fix: String,
    /// Lines of files that it speaks about; a line such as `# etc/sysctl.conf` says whose the next ones are.
    pub example: String,
    /// Where the facts behind it are written down.
    pub references: Vec<String>,
}

impl Words {
    /// The symptom of a listener; of none, where only the rule is spoken of.
    pub fn symptom_of(&self, endpoint: Option<&Endpoint>, holds: Option<i64>) -> String {
        let is_unix = endpoint.is_some_and(|it| it.transport() == Transport::Unix);
        let own = if is_unix && !self.symptom_unix.is_empty() { &self.symptom_unix } else { &self.symptom };
        let port = match endpoint {
            Some(endpoint) => endpoint.port().map(|port| format!(" on port {port}")),
            None => Some(" on port 8080".to_owned()),
        };
        let holds = holds.map_or_else(|| "a few".to_owned(), |holds| holds.to_string());
        own.trim().replace(" on port {port}", &port.unwrap_or_default()).replace("{holds}", &holds)
    }
}

/// A rule of backlog-audit. The file's name without `.toml` is the rule's id.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "A rule of backlog-audit", rename = "Rule")]
struct RuleFile {
    /// How much a finding counts.
    severity: Severity,
    /// The fault in one line.
    #[schemars(example = &"A queue is shorter than we want it.")]
    summary: String,
    /// What the rule looks for.
    #[schemars(example = &"Listeners whose queue holds less than 4096.")]
    what: String,
    /// How people meet it; empty where nothing is to be seen.
    #[serde(default)]
    symptom: String,
    /// The same for unix sockets, where it differs.
    #[serde(default)]
    symptom_unix: String,
    /// Why that hurts.
    #[schemars(example = &"Connections are dropped in a burst.")]
    why: String,
    /// What to do about it.
    #[schemars(example = &"Ask for 4096 and raise net.core.somaxconn.")]
    fix: String,
    /// Lines of files that it speaks about.
    #[serde(default)]
    example: String,
    /// Where the facts behind it are written down.
    #[schemars(example = ["runbook: queues"])]
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
            symptom: folded(&self.symptom),
            symptom_unix: folded(&self.symptom_unix),
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
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Scope {
    /// Names of services.
    #[schemars(with = "Option<Vec<String>>", example = ["nginx"])]
    services: Option<Vec<Spanned<String>>>,
    /// Kinds of places (`host`, `container`, `pod`) or their names.
    #[schemars(with = "Option<Vec<String>>", example = ["host"])]
    places: Option<Vec<Spanned<String>>>,
}

impl Scope {
    fn covers_place(&self, place: &Place) -> bool {
        let is = |name: &str| name == place.name || name == place.kind.word();
        self.places.as_ref().is_none_or(|places| places.iter().any(|name| is(name.get_ref())))
    }

    fn covers_service(&self, service: &str) -> bool {
        self.services.as_ref().is_none_or(|services| services.iter().any(|name| name.get_ref() == service))
    }

    /// A service that does not exist would make the rule silent for ever.
    fn check(&self, sources: &Sources, source: SourceId, knowledge: &Knowledge) -> Result<(), Broken> {
        for name in self.services.iter().flatten() {
            knowledge.has_service(name.get_ref()).map_err(|message| Broken {
                name: sources.get(source).name().into_owned(),
                message,
                at: Some(Span::new(source, name.span())),
            })?;
        }
        Ok(())
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

/// What a place can be.
const KINDS: [&str; 3] = ["container", "host", "pod"];

/// Files beside our rules that are none.
const NO_RULES: [&str; 3] = ["commands.toml", "kernel.toml", "likely.toml"];

/// All rules of a run, by id.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    all: Vec<Rule>,
    /// Folders of a policy that hold no rule.
    pub idle: Vec<Idle>,
}

impl Rules {
    /// The JSON Schema of a rule file, with a final newline.
    pub fn schema() -> String {
        serde_json::to_string_pretty(&schemars::schema_for!(RuleFile)).unwrap_or_default() + "\n"
    }

    /// The built-in rules, and the `*.toml` files of the folders.
    pub fn load(sources: &Sources, folders: &[Folder]) -> Result<Self, Broken> {
        let mut idle = Vec::new();
        // Only a rule of an organisation names services.
        let knowledge = if folders.is_empty() { None } else { Some(Knowledge::load(&Sources::new())?) };
        let mut all: BTreeMap<String, Rule> = BTreeMap::new();
        let is_rule = |path: &Path| !NO_RULES.iter().any(|name| path == Path::new(name));
        for file in RULES.files().filter(|file| is_rule(file.path())) {
            let rule = Rule::built_in(sources, file)?;
            all.insert(rule.id.clone(), rule);
        }
        for folder in folders {
            let files = folder.files()?;
            idle.extend(files.is_empty().then(|| folder.idle()).transpose()?);
            for (path, bytes) in files {
                let source = sources.add(Origin::Config(path.clone()), bytes);
                let rule = Rule::read(sources, &path, source, knowledge.as_ref())?;
                all.insert(rule.id.clone(), rule);
            }
        }
        Ok(Self { all: all.into_values().collect(), idle })
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
        let all: Vec<Rule> = self.all.into_iter().filter(chosen).collect();
        if all.is_empty() {
            let both: Vec<&str> =
                select.iter().filter(|id| ignore.contains(*id)).map(String::as_str).collect();
            let message = format!("no rule is left: both name {}", both.join(", "));
            return Err(Broken { name: "--select and --ignore".to_owned(), message, at: None });
        }
        Ok(Self { all, idle: self.idle })
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

    /// Whether it tells what the audit stands on, not what is wrong.
    pub fn is_premise(&self) -> bool {
        self.check.is_premise()
    }

    /// What there was not, without which the rule finds nothing.
    pub fn lacks(&self, host: &Host, seen: Option<&Seen>) -> Option<&'static str> {
        match () {
            () if self.check.is_live() && seen.is_none() => Some("the running machine was not measured"),
            () if self.check.is_about_minimums() && host.minimums.is_empty() => {
                Some("the policy sets no minimum")
            }
            () => None,
        }
    }

    /// A rule of ours: its words are parsed when somebody asks for them.
    fn built_in(sources: &Sources, file: &'static include_dir::File<'static>) -> Result<Self, Broken> {
        let origin = Origin::Builtin(format!("rules/{}", file.path().display()));
        let source = sources.add(origin, file.contents());
        let whole = || Self::read(sources, file.path(), source, None);
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

    fn read(
        sources: &Sources,
        path: &Path,
        source: SourceId,
        knowledge: Option<&Knowledge>,
    ) -> Result<Self, Broken> {
        let id = id(path)?;
        let file: RuleFile = match knowledge {
            Some(_) => parse_own(sources, source)?,
            None => parse(sources, source)?,
        };
        knowledge.map_or(Ok(()), |knowledge| file.scope.check(sources, source, knowledge))?;
        if knowledge.is_some_and(|knowledge| knowledge.has_service(&id).is_ok()) {
            return Err(broken(path, format!("a service has the name {id}; give the rule another name")));
        }
        if let Some(message) = file.check.is_idle() {
            let name = sources.get(source).name().into_owned();
            let start = memchr::memmem::find(sources.bytes(source), b"[check").unwrap_or_default();
            let length = memchr::memchr(b'\n', sources.bytes(source).get(start..).unwrap_or_default());
            let at = Some(Span::new(source, start..start + length.unwrap_or(1)));
            return Err(Broken { name, message: message.to_owned(), at });
        }
        let (severity, scope, check) = (file.severity, file.scope.clone(), file.check.clone());
        let words = Arc::new(lazy(move || file.words()));
        Ok(Self { id, severity, source, scope, check, words })
    }

    /// Places in its scope that there are not, where a kind of places is most likely meant.
    pub fn idle(&self, host: &Host) -> Vec<Idle> {
        let is_there =
            |name: &str| KINDS.contains(&name) || host.places.iter().any(|place| place.name == name);
        let named = self.scope.places.iter().flatten().filter(|name| !is_there(name.get_ref()));
        let idle = named.filter_map(|name| {
            let said =
                format!("the scope of {} has no effect: there is no place `{}`", self.id, name.get_ref());
            let near = nearest(name.get_ref(), KINDS.into_iter())?;
            let at = Span::new(self.source, name.span());
            Some(Idle { at, said, help: format!("did you mean `{near}`?") })
        });
        idle.collect()
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
            let words = id.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
            let better = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
            let better = if better.is_empty() { "long-queues" } else { &better };
            let message = format!(
                "a rule has its file's name, in lower-case letters, digits and single dashes: name the file {better}.toml"
            );
            Err(broken(path, message))
        }
    }
}

fn is_kebab_case(id: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    id.split('-').all(word)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

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
            ("at-least", "atleast", "atleast", "there is no key `atleast`; did you mean `at-least`?"),
            ("summary", "sumary", "sumary", "there is no key `sumary`; did you mean `summary`?"),
            (
                "queue-short",
                "queue-shrt",
                "queue-shrt",
                "there is no check `queue-shrt`; did you mean `queue-short`?",
            ),
            ("4096", "-1", "-1", "`at-least` is a whole number from 1 to 2147483647"),
            ("\"error\"", "\"eror\"", "\"eror\"", "there is no value `eror`; did you mean `error`?"),
            ("\"nginx\"", "\"ngnix\"", "\"ngnix\"", "there is no service `ngnix`; did you mean `nginx`?"),
        ] {
            let (sources, rules) = own("r.toml", &LONG.replace(right, wrong));
            let broken = rules.unwrap_err();
            assert!(broken.message.contains(says), "{}", broken.message);
            assert_eq!(sources.text(broken.at.unwrap()), at);
        }
        let broken = own("r.toml", &LONG.replace("[check.", "[check.queue-clamped]\n[check.")).1.unwrap_err();
        assert!(broken.message.contains("a rule has one check"), "{}", broken.message);
        let broken = own("No_Name.toml", LONG).1.unwrap_err();
        assert!(broken.message.contains("name the file no-name.toml"));
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
        assert_eq!(
            broken.message,
            "there is no rule `nothing-like-it-at-all`; `backlog-audit rules` lists them"
        );
        let both = rules().choose(&["queue-tiny".into()], &["queue-tiny".into()]).unwrap_err();
        assert_eq!(both.to_string(), "--select and --ignore: no rule is left: both name queue-tiny");
    }
}
