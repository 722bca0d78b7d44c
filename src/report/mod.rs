//! The only way out is text. Each format is one function from a [`Report`] to a string.

pub mod catalogue;
pub mod checkstyle;
mod columns;
pub mod concise;
pub mod github;
pub mod gitlab;
pub mod human;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod ndjson;
pub mod patch;
mod plain;
pub mod policy;
pub mod prometheus;
pub mod sarif;
mod screen;
mod secrets;
mod subject;
mod twins;
mod xml;

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

pub use plain::inline;
pub(crate) use plain::said;
pub use screen::{Detail, Screen};
pub(crate) use screen::{counted, left, right, tail};

use crate::knowledge::RULES;
use crate::model::{FileSeen, Finding, Host, Listener, Queue, Seen, Severity};
use crate::plan::Plan;
use crate::rules::Rules;
use crate::suppress::Hidden;
use crate::text::{HashMap, HashSet, Sources};

/// Everything that an audit came to, ready to be shown.
#[derive(Debug)]
pub struct Report {
    pub sources: Sources,
    pub host: Host,
    /// One for each listener, in the order of `host.listeners`.
    pub queues: Vec<Queue>,
    /// The running machine, if it was looked at.
    pub seen: Option<Seen>,
    /// Sorted by path, place and rule.
    pub findings: Vec<Finding>,
    /// Warnings and errors of the files alone, which a look at the running machine does not tell.
    pub in_files: usize,
    /// Rules about the files alone were left to the audit of the files.
    pub live_alone: bool,
    pub plan: Plan,
    pub rules: Rules,
    /// Files that were read.
    pub files: usize,
    /// Files and folders left out because they are not production.
    pub left_out: usize,
    /// What became of the files: of all where that is asked for, else of those that were taken in.
    pub seen_files: Vec<FileSeen>,
    pub shows_files: bool,
    /// The report for people counts the findings of each rule instead of showing them.
    pub statistics: bool,
    /// From which severity on findings count.
    pub fails_on: Option<Severity>,
    /// Finding no listener is a failure of the audit.
    pub fails_on_nothing: bool,
    pub hidden: Hidden,
}

/// Bytes as text that a terminal can be given: line by line the same, harmful characters spelled out.
pub fn harmless(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for c in String::from_utf8_lossy(bytes).chars() {
        if matches!(c, '\n' | '\t') { shown.push(c) } else { plain::push(&mut shown, c) }
    }
    shown
}

/// The page about one of our own rules, if there is a home.
fn page_of(rule: &str, home: &str) -> Option<String> {
    let is_ours = RULES.get_file(format!("{rule}.toml")).is_some();
    let version = env!("CARGO_PKG_VERSION");
    (is_ours && !home.is_empty()).then(|| format!("{home}/blob/v{version}/docs/rules/{rule}.md"))
}

/// Below the working directory, a path is shown from there.
pub(crate) fn from_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().and_then(std::fs::canonicalize);
    match here.ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned)) {
        Some(below) if below.as_os_str().is_empty() => PathBuf::from("."),
        Some(below) => below,
        None => path.to_owned(),
    }
}

/// Commands, each once: those that show one listener, and before them all others.
fn once_each(commands: impl Iterator<Item = String>) -> (Vec<String>, Vec<String>) {
    let mut known: HashSet<String> = HashSet::default();
    let once = commands.filter(|command| known.insert(command.clone()));
    let shows_all = |command: &String| command == "ss -lnt";
    let (mut look, mut others): (Vec<_>, Vec<_>) =
        once.partition(|command| shows_all(command) || command.starts_with("ss -lnt "));
    if look.iter().any(shows_all) {
        look.retain(shows_all);
    }
    others.sort_by_key(|command| command.starts_with("ss "));
    (look, others)
}

impl Report {
    /// Whether there is a finding that counts.
    pub fn fails(&self) -> bool {
        self.fails_on.is_some_and(|least| self.findings.iter().any(|finding| finding.severity >= least))
    }

    /// Whether nothing that listens was found, where that is a failure.
    pub fn lacks_listeners(&self) -> bool {
        self.fails_on_nothing && self.host.listeners.is_empty()
    }

    /// How many findings each rule has, the worst and the most first.
    pub fn by_rule(&self) -> Vec<(usize, &'static str, &str)> {
        let mut counts: HashMap<(Severity, &str), usize> = HashMap::default();
        for finding in &self.findings {
            *counts.entry((finding.severity, finding.rule.as_str())).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|((severity, rule), count)| (Reverse(*severity), Reverse(*count), *rule));
        counts.into_iter().map(|((severity, rule), count)| (count, severity.word(), rule)).collect()
    }

    /// The listeners and their queues.
    pub fn listeners(&self) -> impl Iterator<Item = (&Listener, &Queue)> {
        self.host.listeners.iter().zip(&self.queues)
    }

    /// A listener and its queue, by the index that findings have.
    pub fn listener(&self, index: usize) -> Option<(&Listener, &Queue)> {
        Some((self.host.listeners.get(index)?, self.queues.get(index)?))
    }

    /// The ids of the listeners, in their order.
    pub fn listener_ids(&self) -> Vec<String> {
        self.host.listener_ids(&self.sources)
    }

    /// What to run after one fix of one finding, as it is shown everywhere.
    pub(crate) fn then_of(&self, finding: usize, fix: usize) -> Vec<String> {
        self.plan.then_of(&self.findings, finding, fix).iter().map(|line| plain::command(line)).collect()
    }

    /// What to run after all fixes that are in the patch.
    pub(crate) fn then_of_patch(&self) -> Vec<String> {
        let fixes = self.findings.iter().enumerate().flat_map(|(finding, it)| {
            let is_in = move |fix: &usize| self.plan.edits_of(finding, *fix).any(|planned| planned.in_patch);
            (0..it.fixes.len()).filter(is_in).map(move |fix| (finding, fix))
        });
        let (look, then) = once_each(fixes.flat_map(|(finding, fix)| self.then_of(finding, fix)));
        then.into_iter().chain(if look.len() > 1 { vec!["ss -lnt".to_owned()] } else { look }).collect()
    }

    pub fn summary(&self) -> json::Summary {
        json::Summary {
            files: self.files,
            left_out: self.left_out,
            listeners: self.host.listeners.len(),
            errors: self.count(Severity::Error),
            warnings: self.count(Severity::Warning),
            infos: self.count(Severity::Info),
            ignored: self.hidden.ignored,
            in_baseline: self.hidden.in_baseline,
            unchanged: self.hidden.not_new,
        }
    }

    /// The findings of one severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_link_is_written_without_a_home() {
        assert_eq!(page_of("queue-tiny", ""), None);
        assert_eq!(page_of("of-somebody-else", "https://example.org/a"), None);
        let page = page_of("queue-tiny", "https://example.org/a").unwrap();
        assert!(
            page.starts_with("https://example.org/a/blob/v") && page.ends_with("/docs/rules/queue-tiny.md")
        );
    }
}
