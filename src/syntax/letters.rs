//! A text that was unquoted, joined or expanded, with the place from which each of its bytes came.

use std::ops::Range;

use crate::text::{SourceId, Sources, Span};

/// A byte of a text and what it was written as: itself, an escape, a reference to a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letter {
    pub byte: u8,
    pub at: Span,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Letters(pub Vec<Letter>);

impl Letters {
    /// The text at a span: each byte stands for itself.
    pub fn plain(sources: &Sources, span: Span) -> Self {
        let mut letters = Self::default();
        letters.push_bytes(span.source, span.range().start, sources.slice(span));
        letters
    }

    /// Bytes that stand for themselves in a source, from an offset on.
    pub fn push_bytes(&mut self, source: SourceId, start: usize, bytes: &[u8]) {
        let letter = |(index, byte): (usize, &u8)| Letter {
            byte: *byte,
            at: Span::new(source, start + index..start + index + 1),
        };
        self.0.extend(bytes.iter().enumerate().map(letter));
    }

    /// A text that something else at `at` stands for.
    pub fn push_for(&mut self, text: &[u8], at: Span) {
        self.0.extend(text.iter().map(|byte| Letter { byte: *byte, at }));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.0.iter().map(|letter| letter.byte).collect()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// The letters of a range; none where it does not lie in the text.
    pub fn slice(&self, range: Range<usize>) -> Self {
        Self(self.0.get(range).unwrap_or_default().to_vec())
    }

    /// From the first letter's place to the last one's, where they stand in one source in this order.
    pub fn span(&self) -> Option<Span> {
        let (first, last) = (self.0.first()?.at, self.0.last()?.at);
        let ordered = first.source == last.source && first.start <= last.end;
        ordered.then_some(Span { end: last.end, ..first })
    }

    /// Whether the text at its span is the text: each byte stands for itself, right after the one before.
    pub fn is_verbatim(&self, sources: &Sources) -> bool {
        let single = self.0.iter().all(|letter| letter.at.range().len() == 1);
        let joined = self.0.windows(2).all(|pair| match pair {
            [a, b] => a.at.source == b.at.source && a.at.end == b.at.start,
            _ => false,
        });
        single && joined && self.span().is_some_and(|span| sources.slice(span) == self.bytes())
    }
}
