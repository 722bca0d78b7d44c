//! A word of a command line or a file, after quotes and variables.

use super::Span;

/// One word as the program gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// Where it is written, without quotes.
    pub span: Span,
    /// The text at the span is the word: nothing was unquoted, expanded or taken from elsewhere.
    pub exact: bool,
    /// A part of it is not known: a variable that nothing in the tree sets. It stands in the text as written.
    pub open: bool,
}

impl Word {
    /// The span of the last bytes of the word, where it is written as it is: the number of `--backlog=512`.
    pub fn tail(&self, length: usize) -> Option<Span> {
        let length = u32::try_from(length).ok().filter(|_| self.exact)?;
        Some(Span { start: self.span.end.checked_sub(length)?, ..self.span })
    }
}
