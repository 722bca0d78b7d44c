//! A rule is a TOML file: words, scope and one check with its parameters. Built-in rules and an organisation's are the same
//! thing; the same id replaces a built-in.

use std::path::PathBuf;

use crate::knowledge::{Broken, Knowledge};
use crate::model::{Finding, Host, Queue, Severity};
use crate::text::{SourceId, Sources};

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
    pub fn load(_sources: &Sources, _folders: &[PathBuf]) -> Result<Self, Broken> {
        Ok(Self::default())
    }

    pub fn choose(self, _select: &[String], _ignore: &[String]) -> Result<Self, Broken> {
        Ok(self)
    }

    pub fn judge(&self, _: &Sources, _: &Knowledge, _: &Host, _: &[Queue]) -> Vec<Finding> {
        Vec::new()
    }

    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.all.iter().find(|rule| rule.id == id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.all.iter()
    }
}
