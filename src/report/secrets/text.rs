//! A text as a scanner steps through it: names, quotes, literals and words. Beyond its end lies a line break.

use std::ops::Range;

/// The longest look ahead at something that decides and need not be masked.
pub(super) const NEAR: usize = 300;

/// The longest literal that may span lines; one that is not closed by then ends with its line.
pub(super) const FAR: usize = 4096;

#[derive(Clone, Copy)]
pub(super) struct Text<'a>(pub(super) &'a [u8]);

/// What opens a literal and closes it: `"`, `'''`, `\"`, `&quot;`.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub(super) start: usize,
    pub(super) len: usize,
}

impl Mark {
    pub(super) fn end(self) -> usize {
        self.start + self.len
    }
}

pub(super) struct Literal {
    pub(super) content: Range<usize>,
    pub(super) after: usize,
}

impl<'a> Text<'a> {
    pub(super) fn byte(self, at: usize) -> u8 {
        looked_at(1);
        self.0.get(at).copied().unwrap_or(b'\n')
    }

    /// The byte before; before the start lies a line break.
    pub(super) fn before(self, at: usize) -> u8 {
        at.checked_sub(1).map_or(b'\n', |at| self.byte(at))
    }

    pub(super) fn len(self) -> usize {
        self.0.len()
    }

    pub(super) fn slice(self, range: Range<usize>) -> &'a [u8] {
        let slice = self.0.get(range).unwrap_or_default();
        looked_at(slice.len());
        slice
    }

    pub(super) fn has(self, at: usize, word: &str) -> bool {
        self.0.get(at..).is_some_and(|rest| rest.starts_with(word.as_bytes()))
    }

    /// Where a byte stands first in a range.
    pub(super) fn find(self, byte: u8, range: Range<usize>) -> Option<usize> {
        let rest = self.0.get(range.clone()).unwrap_or_default();
        let found = memchr::memchr(byte, rest);
        looked_at(found.unwrap_or(rest.len()));
        found.map(|at| range.start + at)
    }

    /// What lies before, as far as a decision looks.
    pub(super) fn lately(self, at: usize) -> &'a [u8] {
        let near = self.0.get(at.saturating_sub(NEAR)..at).unwrap_or_default();
        let start = memchr::memrchr(b'\n', near).map_or(0, |end| end + 1);
        self.slice(at - (near.len() - start)..at)
    }

    /// What follows on the line, as far as a decision looks.
    pub(super) fn shortly(self, at: usize) -> &'a [u8] {
        let most = self.len().min(at + NEAR);
        self.slice(at..self.find(b'\n', at..most).unwrap_or(most))
    }

    /// After blanks, and line breaks that a backslash takes back.
    pub(super) fn blanks(self, mut at: usize) -> usize {
        loop {
            match self.byte(at) {
                b' ' | b'\t' | b'\r' if at < self.len() => at += 1,
                b'\\' if self.has(at + 1, "\n") => at += 2,
                b'\\' if self.has(at + 1, "\r\n") => at += 3,
                _ => return at,
            }
        }
    }

    /// After blanks and line breaks.
    pub(super) fn white(self, mut at: usize) -> usize {
        while at < self.len() && self.byte(at).is_ascii_whitespace() {
            at += 1;
        }
        at
    }

    pub(super) fn line_end(self, at: usize) -> usize {
        let end = self.find(b'\n', at..self.len()).unwrap_or(self.len().max(at));
        if self.before(end) == b'\r' && end > at { end - 1 } else { end }
    }

    /// The end of the name that starts here.
    pub(super) fn name_end(self, mut at: usize) -> usize {
        while is_of_name(self.byte(at)) {
            at += 1;
        }
        at
    }

    pub(super) fn mark(self, at: usize) -> Option<Mark> {
        let len = match self.byte(at) {
            quote @ (b'"' | b'\'') if self.byte(at + 1) == quote && self.byte(at + 2) == quote => 3,
            b'"' | b'\'' | b'`' => 1,
            b'\\' => {
                let slashes = (1..8).take_while(|more| self.byte(at + more) == b'\\').count() + 1;
                if !matches!(self.byte(at + slashes), b'"' | b'\'') {
                    return None;
                }
                slashes + 1
            }
            b'&' => {
                let entity = ["&quot;", "&apos;", "&#34;", "&#39;"].into_iter();
                entity.into_iter().find(|entity| self.has(at, entity))?.len()
            }
            _ => return None,
        };
        Some(Mark { start: at, len })
    }

    pub(super) fn is_mark(self, at: usize, like: Mark) -> bool {
        self.slice(at..at + like.len) == self.slice(like.start..like.end())
    }

    /// The literal that the mark opens. Two marks of one character that follow each other stand for one inside it.
    pub(super) fn literal(self, mark: Mark) -> Literal {
        let (start, single) = (mark.end(), mark.len == 1);
        let most = self.len().min(start + FAR);
        let mut at = start;
        let mut line = None;
        while at < most {
            match self.byte(at) {
                b'\\' if single => at += 1,
                b'\n' => line = line.or(Some(at)),
                _ if self.is_mark(at, mark) => {
                    if !(single && self.is_mark(at + 1, mark)) {
                        return Literal { content: start..at, after: at + mark.len };
                    }
                    at += 1;
                }
                _ => {}
            }
            at += 1;
        }
        let end = line.unwrap_or_else(|| self.line_end(most.min(self.len())));
        Literal { content: start..end, after: end }
    }

    /// The end of a value without quotes: at a blank, at what closes the brackets or the quote around it, or before the next
    /// assignment.
    pub(super) fn bare_end(self, start: usize, around: Option<Mark>) -> usize {
        self.bare_until(self.len(), start, around)
    }

    /// The value without quotes that starts here, as far as a decision looks.
    pub(super) fn bare_shortly(self, start: usize, around: Option<Mark>) -> &'a [u8] {
        self.slice(start..self.bare_until(self.len().min(start + NEAR), start, around))
    }

    fn bare_until(self, most: usize, start: usize, around: Option<Mark>) -> usize {
        let (mut at, mut depth) = (start, 0);
        while at < most {
            match self.byte(at) {
                b'\\' if self.byte(at + 1) == b' ' => at += 1,
                b'\\' if self.byte(at + 1) == b'n' && self.assigns(at + 2) => break,
                byte if byte.is_ascii_whitespace() || byte == b'<' => break,
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' if depth == 0 => break,
                b')' | b']' | b'}' => depth -= 1,
                b',' | b';' | b'&' | b'?' | b'>' if at > start && self.parts(at) => break,
                _ if around.is_some_and(|mark| self.is_mark(at, mark)) => break,
                _ => {}
            }
            at += 1;
        }
        let end = at.min(self.len());
        let word = self.slice(start..end);
        let kept = word.iter().rposition(|byte| !matches!(byte, b',' | b';' | b'\\'));
        let end = start + kept.map_or(0, |last| last + 1);
        self.whole(start, end)
    }

    /// Whether what could belong to a value parts it from the next thing.
    fn parts(self, at: usize) -> bool {
        let next = self.byte(at + 1);
        let ends = next.is_ascii_whitespace() || matches!(next, b'}' | b')' | b']' | b'"' | b'\'' | b'<');
        match self.byte(at) {
            b'&' => self.byte(at + 1) == b'&' || self.has(at, "&amp;") || self.assigns(at + 1),
            b'>' => ends,
            b'?' => self.assigns(at + 1),
            _ => ends || self.assigns(at + 1),
        }
    }

    /// Whether a name and a sign that gives it something follow.
    pub(super) fn assigns(self, at: usize) -> bool {
        let (rest, mark) = (self.shortly(at), |byte: &u8| matches!(byte, b'"' | b'\''));
        let rest = rest.trim_ascii_start();
        let rest = rest.strip_prefix(b"\"").or(rest.strip_prefix(b"'")).unwrap_or(rest);
        let name = rest.iter().take(64).take_while(|byte| is_of_name(**byte)).count();
        let after = rest.get(name..).unwrap_or_default();
        let after = if after.first().is_some_and(mark) { after.get(1..).unwrap_or_default() } else { after };
        name > 0 && matches!(after.trim_ascii_start().first(), Some(b'=' | b':'))
    }

    /// A range of whole characters, for bytes that were told apart by what is ASCII.
    fn whole(self, start: usize, mut end: usize) -> usize {
        while end < self.len() && end > start && self.byte(end) & 0xc0 == 0x80 {
            end += 1;
        }
        end
    }
}

/// Tests count the bytes.
fn looked_at(bytes: usize) {
    let _ = bytes;
    #[cfg(test)]
    super::tests::WORK.with(|work| work.set(work.get() + bytes));
}

pub(super) fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}
