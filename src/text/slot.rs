//! A place in a file that takes one number, written or not yet.

use super::{Edit, Sources, Span};

/// Where a number stands (`before` and `after` are empty and the span covers the number), or where it can be put
/// (the span is empty and `before`, `after` make it fit: ` backlog=` before a semicolon, a whole new line, a whole
/// new file). Only the reader of a grammar can make one, and only where the text at the span *is* the value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slot {
    pub span: Span,
    pub before: String,
    pub after: String,
    /// What is written is the number this many times: Squid takes a quarter of its descriptors for the backlog.
    pub factor: i64,
}

impl Slot {
    /// The number that stands at `span`.
    pub fn replace(span: Span) -> Self {
        Self { span, before: String::new(), after: String::new(), factor: 1 }
    }

    /// A number that is not written yet, put at offset `at.start`.
    pub fn insert(at: Span, before: impl Into<String>, after: impl Into<String>) -> Self {
        let (before, after) = (before.into(), after.into());
        Self { span: Span { end: at.start, ..at }, before, after, factor: 1 }
    }

    /// A line of its own before one that begins with what stands at `at`, with the same indent: `before` and the number.
    pub fn line_before(sources: &Sources, at: Span, before: &str) -> Option<Self> {
        let source = sources.get(at.source);
        let start = source.start_of(source.line_of(at.start));
        let indent = source.bytes().get(start..at.start as usize)?;
        let is_blank = indent.iter().all(|byte| matches!(byte, b' ' | b'\t'));
        let rest = source.bytes().get(at.end as usize..)?;
        let end = if rest.starts_with(b"\r\n") { "\r\n" } else { "\n" };
        let after = format!("{end}{}", String::from_utf8_lossy(indent));
        is_blank.then(|| Self::insert(at, before, after))
    }

    /// The same place for a number that is written `factor` times as large.
    pub fn times(self, factor: i64) -> Self {
        Self { factor, ..self }
    }

    pub fn edit(&self, value: i64) -> Edit {
        let written = value.saturating_mul(self.factor);
        Edit { span: self.span, text: format!("{}{written}{}", self.before, self.after) }
    }
}
