//! The small words that XML's tags and declarations are made of.

use std::ops::Range;

/// A place in a text that moves on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    pub(super) at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.text.len()
    }

    pub(super) fn text(&self, range: Range<usize>) -> &'t str {
        self.text.get(range).unwrap_or_default()
    }

    pub(super) fn eat(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    /// Whether there was any white space.
    pub(super) fn space(&mut self) -> bool {
        let rest = self.rest();
        let length = rest.len() - rest.trim_start_matches(is_space).len();
        self.at += length;
        length > 0
    }

    /// A Name, XML 1.0 production 5; characters beyond ASCII are taken as they come.
    pub(super) fn name(&mut self) -> Option<&'t str> {
        let rest = self.rest();
        let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let name = rest.get(..length)?;
        let first = name.chars().next()?;
        if first.is_ascii_digit() || matches!(first, '-' | '.') {
            return None;
        }
        self.at += length;
        Some(name)
    }

    /// The range between two quotes.
    pub(super) fn quoted(&mut self) -> Option<Range<usize>> {
        let quote = self.rest().chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let start = self.at + 1;
        let length = self.text.get(start..)?.find(quote)?;
        self.at = start + length + 1;
        Some(start..start + length)
    }

    /// Everything up to `end`, which is passed over too.
    pub(super) fn until(&mut self, end: &str) -> Option<&'t str> {
        let length = self.rest().find(end)?;
        let passed = self.rest().get(..length);
        self.at += length + end.len();
        passed
    }
}

pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-' | '.') || !c.is_ascii()
}
