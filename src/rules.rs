//! A rule is a TOML file: words, scope and one check with its parameters. Built-in rules and an organisation's are the same
//! thing; the same id replaces a built-in.

use crate::model::Severity;
use crate::text::SourceId;

/// One rule, as `rules/<id>.toml` says it.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The file's name without `.toml`: `queue-clamped`.
    pub id: String,
    pub severity: Severity,
    /// The fault in one line.
    pub summary: String,
    /// What the rule looks for.
    pub what: String,
    /// Why that hurts.
    pub why: String,
    /// What to do about it.
    pub fix: String,
    /// Where the facts behind it are written down.
    pub references: Vec<String>,
    pub source: SourceId,
}

/// All rules of a run, by id.
#[derive(Debug, Default)]
pub struct Rules {
    all: Vec<Rule>,
}

impl Rules {
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.all.iter().find(|rule| rule.id == id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.all.iter()
    }
}
