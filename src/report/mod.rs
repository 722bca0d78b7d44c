//! The only way out is text. Each format is one function from a [`Report`] to a string.

pub mod catalogue;
pub mod checkstyle;
mod columns;
pub mod github;
pub mod gitlab;
pub mod human;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod ndjson;
pub mod patch;
mod plain;
pub mod prometheus;
pub mod sarif;
mod screen;
mod secrets;
mod subject;
mod twins;
mod xml;

pub(crate) use plain::{inline, said};
pub use screen::{Detail, Screen};
pub(crate) use screen::{counted, left, right, tail};

use crate::model::{Finding, Host, Listener, Queue, Seen, Severity};
use crate::plan::Plan;
use crate::rules::Rules;
use crate::suppress::Hidden;
use crate::text::Sources;

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
    /// From which severity on findings count.
    pub fails_on: Option<Severity>,
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

impl Report {
    /// Whether there is a finding that counts.
    pub fn fails(&self) -> bool {
        self.fails_on.is_some_and(|least| self.findings.iter().any(|finding| finding.severity >= least))
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
            unchanged: self.hidden.unchanged,
        }
    }

    /// The findings of one severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}
