//! What is wrong, where, and what would put it right.

use schemars::JsonSchema;
use serde::Serialize;

use super::PlaceId;
use crate::text::{Edit, Sources, Span};

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Warning,
    Error,
}

impl Severity {
    pub fn word(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// A place that takes part in a finding, and what it has to do with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub message: String,
    pub at: Span,
}

impl Label {
    pub fn new(at: Span, message: impl Into<String>) -> Self {
        Self { message: message.into(), at }
    }
}

/// Whether a fix may be applied unseen: safe if no queue gets shorter and nothing but the length of a queue changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Safety {
    Safe,
    Unsafe,
}

/// A number that a fix can set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    Sysctl {
        place: PlaceId,
        key: String,
    },
    /// The backlog of a listener, by its index in [`Host::listeners`](super::Host).
    Backlog {
        listener: usize,
    },
}

/// What a check wants; the planner knows how to write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// At least this number: wants for one target are merged by maximum.
    AtLeast { target: Target, value: i64 },
    /// Exactly this number: for switches, such as tcp_syncookies.
    Exactly { target: Target, value: i64 },
    /// A change that the reader of the file prepared, and the number that it gives to a target.
    Mend { edit: Edit, gives: Option<(Target, i64)> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    pub title: String,
    pub safety: Safety,
    pub set: Vec<Want>,
    /// What to run afterwards, in order: what applies the change, what must be restarted, what to look at.
    pub then: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id, e.g. `queue-clamped`.
    pub rule: String,
    pub severity: Severity,
    /// One sentence without a full stop.
    pub message: String,
    /// What to know or to do, one fact a line.
    pub help: Vec<String>,
    pub place: PlaceId,
    /// By its index in [`Host::listeners`](super::Host).
    pub listener: Option<usize>,
    /// The line that the rule is about.
    pub at: Span,
    /// Other lines that take part, in the order in which they explain it.
    pub labels: Vec<Label>,
    pub fixes: Vec<Fix>,
}

impl Finding {
    /// The line that a reader opens: its own if that lies in an audited file, else the first of its labels that does.
    pub fn home(&self, sources: &Sources) -> Option<Span> {
        let mut spans = std::iter::once(self.at).chain(self.labels.iter().map(|label| label.at));
        spans.find(|span| sources.get(span.source).path().is_some())
    }

    /// Another line that takes part. One that the finding is already about adds nothing.
    #[must_use]
    pub fn label(mut self, at: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label::new(at, message));
        self
    }

    #[must_use]
    pub fn help(mut self, line: impl Into<String>) -> Self {
        self.help.push(line.into());
        self
    }

    /// All lines of help as one text.
    pub fn all_help(&self, between: &str) -> Option<String> {
        (!self.help.is_empty()).then(|| self.help.join(between))
    }

    #[must_use]
    pub fn fix(mut self, fix: Option<Fix>) -> Self {
        self.fixes.extend(fix);
        self
    }
}
