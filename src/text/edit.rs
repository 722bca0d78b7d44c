//! A change of some bytes of one source.

use super::Span;

/// Replaces the bytes at `span` by `text`. In an absent source it creates the file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

/// `bytes` with every edit made. Edits are of this one source, sorted by start and do not overlap; one that does is left out.
pub fn apply(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut made = Vec::with_capacity(bytes.len() + edits.iter().map(|edit| edit.text.len()).sum::<usize>());
    let mut done = 0;
    for edit in edits {
        let range = edit.span.range();
        let Some(kept) = bytes.get(done..range.start) else { continue };
        if range.end > bytes.len() || range.end < range.start {
            continue;
        }
        made.extend_from_slice(kept);
        made.extend_from_slice(edit.text.as_bytes());
        done = range.end;
    }
    made.extend_from_slice(bytes.get(done..).unwrap_or_default());
    made
}
