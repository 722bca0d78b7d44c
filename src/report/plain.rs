//! Other people's text made harmless: what a terminal would obey is spelled out, what is secret is starred.

use super::secrets::masked;
pub use crate::text::spelled_out as inline;
pub(super) use crate::text::{is_harmful, spell_out as push};

/// Words of a report on one line, harmless and with secrets starred.
pub(crate) fn said(text: &str) -> String {
    inline(&masked(text))
}

/// A command as it may be typed. With stars for a secret it would be another one, so it becomes a comment.
pub(super) fn command(text: &str) -> String {
    match masked(text) {
        starred if starred != text && !text.starts_with('#') => inline(&format!("# {starred}")),
        starred => inline(&starred),
    }
}
