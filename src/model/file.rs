//! What became of the files: what was read as what, what was left out, and what is likely ours and was not taken in.

use schemars::JsonSchema;
use serde::Serialize;

use crate::text::{SourceId, Span};

/// A file or folder, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[schemars(rename = "File")]
pub struct FileSeen {
    /// The audited root, when there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// Relative to the audited root.
    pub path: String,
    /// Services, `sysctl`, kinds of files that start programs, or `part` of another file; null where it was not read.
    pub read_as: Option<String>,
    /// Why it was not read, or read only in part.
    pub why: Option<String>,
}

/// Of what kind a file is that is likely ours and was not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotReadKind {
    Template,
    Configuration,
    Sysctl,
}

/// A file that is likely ours and was not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRead {
    pub kind: NotReadKind,
    /// Its top, or the name of the sysctl in it.
    pub at: Span,
    /// The service that it is likely for.
    pub service: Option<String>,
    /// The sysctl that it writes, in the spelling with dots.
    pub key: Option<&'static str>,
    /// What it writes, where that is a literal number.
    pub value: Option<i64>,
    /// It is a container's own.
    pub contained: bool,
}

impl NotRead {
    /// A file of a service that nothing puts to use.
    pub fn configuration(service: &str, file: SourceId) -> Self {
        Self {
            kind: NotReadKind::Configuration,
            at: Span::top(file),
            service: Some(service.to_owned()),
            key: None,
            value: None,
            contained: false,
        }
    }
}
