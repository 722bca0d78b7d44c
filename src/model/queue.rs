//! The accept queue that the kernel gives a listener, and how its length comes about.

use schemars::JsonSchema;
use serde::Serialize;

use super::Listener;
use crate::text::Span;

/// One line of the ledger of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The number after this step; `None` where it is not known.
    pub value: Option<i64>,
    /// Who decided, in a few words: `nginx's own default`, `net.core.somaxconn`.
    pub what: String,
    pub at: Span,
}

impl Step {
    /// What is said where there is no number to say.
    pub fn note(what: impl Into<String>, at: Span) -> Self {
        Self { value: None, what: what.into(), at }
    }
}

/// What limited the number: net.core.somaxconn, or the 16-bit field of old kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub enum CappedBy {
    #[serde(rename = "net.core.somaxconn")]
    Somaxconn,
    #[serde(rename = "16-bit backlog")]
    SixteenBits,
}

impl CappedBy {
    pub fn word(self) -> &'static str {
        match self {
            CappedBy::Somaxconn => "net.core.somaxconn",
            CappedBy::SixteenBits => "16-bit backlog",
        }
    }
}

/// The SYN queue of a listener: half-open connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SynQueue {
    /// Entries that fit before the next SYN is dropped or answered by a cookie; 0 with `tcp_syncookies=2`.
    pub limit: Option<i64>,
    /// Where stable backports differ from the mainline value of the version, the larger one.
    pub limit_max: Option<i64>,
    /// Whether a cookie is sent when it is full.
    pub cookies: bool,
}

/// The accept queue of one listener (by its index in [`Host::listeners`](super::Host)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    pub listener: usize,
    /// From the program's number to the limit; the last one's value is `limit`.
    pub steps: Vec<Step>,
    /// What listen(2) is called with.
    pub requested: Option<i64>,
    /// What `ss -lnt` shows as Send-Q.
    pub limit: Option<i64>,
    pub capped_by: Option<CappedBy>,
    pub syn: SynQueue,
}

impl Queue {
    /// Connections that wait at most: the kernel's test is `>`, so one more than the limit
    /// (`sk_acceptq_is_full`, include/net/sock.h).
    pub fn holds(&self) -> Option<i64> {
        self.limit.map(|limit| limit.saturating_add(1))
    }

    /// The program compares what it asks for with somaxconn itself, and ends where it would be cut.
    pub fn is_refused(&self, listener: &Listener) -> bool {
        listener.refuses_above_somaxconn && self.capped_by == Some(CappedBy::Somaxconn)
    }

    /// What the program asks for, in a word; a negative number is as much as somaxconn allows.
    pub fn asked(&self) -> String {
        match self.requested {
            Some(number) if number < 0 => "max".to_owned(),
            Some(number) => number.to_string(),
            None => "?".to_owned(),
        }
    }
}
