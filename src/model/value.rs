//! A value, where it stands and how we know it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::text::{Slot, Span};

/// How a value is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Somebody wrote it: in a file or on the command line.
    Written,
    /// The program's or the kernel's own default, for a version that we know.
    Default,
    /// Read from the running machine.
    Live,
    /// A default for a version that we do not know.
    Assumed,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Kind::Written => "written",
            Kind::Default => "default",
            Kind::Live => "live",
            Kind::Assumed => "assumed",
        }
    }
}

/// A value with the place that decides it: for a default that is its line in our own tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value<T> {
    pub get: T,
    pub span: Span,
    pub kind: Kind,
}

impl<T> Value<T> {
    pub fn written(get: T, span: Span) -> Self {
        Self { get, span, kind: Kind::Written }
    }
}

/// A number that may be known and may be changed. No value: the file cannot tell, and a step says why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Setting {
    pub value: Option<Value<i64>>,
    pub slot: Option<Slot>,
}
