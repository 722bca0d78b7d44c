//! Lines and words: one directive a line, lines that a backslash continues, words with quotes, as ap_cfg_getline() in
//! server/config.c and ap_getword_conf() in server/util.c read them. A text remembers where each part of it stands, also when
//! parts of it were put in from elsewhere.

use std::ops::Range;

use memchr::memchr;

use crate::text::{SourceId, Span, Text};

/// The words of a text.
pub fn words(text: &Text) -> Words<'_> {
    Words { text, at: 0 }
}

fn trimmed(text: &Text) -> Text {
    let bytes = text.bytes();
    let start = bytes.iter().position(|byte| !is_space(*byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_space(*byte)).map_or(start, |last| last + 1);
    text.slice(start..end)
}

/// What isspace(3) takes for a space.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\x0b' | b'\x0c' | b'\r')
}

/// The words of a text, one after the other.
#[derive(Debug, Clone)]
pub struct Words<'t> {
    text: &'t Text,
    at: usize,
}

impl Words<'_> {
    /// What follows the words that were taken.
    pub fn rest(&self) -> Text {
        self.text.slice(self.at..self.text.len())
    }
}

impl Iterator for Words<'_> {
    type Item = Text;

    fn next(&mut self) -> Option<Text> {
        let bytes = self.text.bytes();
        let skip = |from: usize| from + bytes.iter().skip(from).take_while(|byte| is_space(**byte)).count();
        let start = skip(self.at);
        let first = *bytes.get(start)?;
        let word = match first {
            b'"' | b'\'' => {
                let end = closing(bytes, start + 1, first);
                self.at = skip(end + 1).min(bytes.len());
                unescaped(self.text, start + 1..end, Some(first))
            }
            _ => {
                let length = bytes.iter().skip(start).position(|byte| is_space(*byte));
                let end = length.map_or(bytes.len(), |length| start + length);
                self.at = skip(end);
                unescaped(self.text, start..end, None)
            }
        };
        Some(word)
    }
}

/// Where a quoted word ends: at its quote, or with the line.
fn closing(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        at += match (byte, bytes.get(at + 1)) {
            (b'\\', Some(next)) if *next == quote || *next == b'\\' => 2,
            (byte, _) if *byte == quote => return at,
            _ => 1,
        };
    }
    bytes.len()
}

/// A backslash takes away what a backslash means, and what the quote does that stands around the word.
fn unescaped(text: &Text, range: Range<usize>, quote: Option<u8>) -> Text {
    let whole = text.slice(range);
    let bytes = whole.bytes();
    if memchr(b'\\', bytes).is_none() {
        return whole;
    }
    let mut word = Text::nothing(whole.whole());
    let mut from = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1);
        if *byte == b'\\' && next.is_some_and(|next| *next == b'\\' || Some(*next) == quote) {
            word.push_part(&whole, from..at);
            from = at + 1;
            at += 1;
        }
        at += 1;
    }
    word.push_part(&whole, from..bytes.len());
    word
}

/// A line with what continues it, without the space around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub text: Text,
    /// All of it in its file.
    pub at: Span,
}

/// The lines of a file that are neither empty nor comments.
#[derive(Debug)]
pub struct Lines<'a> {
    source: SourceId,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    pub fn new(source: SourceId, bytes: &'a [u8]) -> Self {
        Self { source, bytes, at: 0 }
    }

    /// One physical line without its end, and where the next begins.
    fn physical(&self, start: usize) -> Option<(Range<usize>, usize)> {
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        let Some(length) = memchr(b'\n', rest) else {
            return Some((start..self.bytes.len(), self.bytes.len()));
        };
        let carriage = usize::from(length > 0 && rest.get(length - 1) == Some(&b'\r'));
        Some((start..start + length - carriage, start + length + 1))
    }

    fn logical(&mut self) -> Option<Text> {
        let mut text = Text::default();
        let mut started = false;
        while let Some((range, next)) = self.physical(self.at) {
            started = true;
            self.at = next;
            let line = self.bytes.get(range.clone()).unwrap_or_default();
            // The last line of a file cannot be continued, and keeps its backslash.
            let continued = line.ends_with(b"\\") && next > range.end;
            let kept = range.start..range.end - usize::from(continued);
            let bytes = self.bytes.get(kept.clone()).unwrap_or_default();
            text.push_bytes(self.source, kept.start, bytes);
            if !continued {
                break;
            }
        }
        started.then_some(text)
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        loop {
            let text = trimmed(&self.logical()?);
            if !text.is_empty() && !text.bytes().starts_with(b"#") {
                let at = text.span();
                return Some(Line { text: text.with_whole(at), at });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::{Origin, Sources};

    /// The words of every line as `[word|word]`.
    fn read(text: &str) -> String {
        let sources = Sources::new();
        let source = sources.add(Origin::Builtin("t".into()), text.as_bytes().to_vec());
        let lines = Lines::new(source, sources.bytes(source));
        let show = |line: Line| {
            let words: Vec<String> = words(&line.text).map(|word| word.show().into_owned()).collect();
            format!("[{}]", words.join("|"))
        };
        lines.map(show).collect()
    }

    #[test]
    fn words_end_as_apache_ends_them() {
        for (text, seen) in [
            ("", ""),
            ("Listen 80\n\n  # c\n\tListen\t81 ", "[Listen|80][Listen|81]"),
            ("Listen 80 # c", "[Listen|80|#|c]"),
            ("Listen \\\n80\nListen\\\nBacklog 7", "[Listen|80][ListenBacklog|7]"),
            ("# c \\\nListen 80\nListen 81", "[Listen|81]"),
            ("# c \\ \nListen 80", "[Listen|80]"),
            ("Listen 80\r\nListen \\\r\n81\r\n", "[Listen|80][Listen|81]"),
            ("a \"b c\" 'd \"e'", "[a|b c|d \"e]"),
            ("a \"b\\\"c\\\\d\\e\" f\\\\g\\\"", "[a|b\"c\\d\\e|f\\g\\\"]"),
            ("a \"b", "[a|b]"),
            ("a \"b\"c d\"e f\"", "[a|b|c|d\"e|f\"]"),
            ("a \"\" b", "[a||b]"),
            ("a\x0bb\rc", "[a|b|c]"),
            ("a\\", "[a\\]"),
        ] {
            assert_eq!(read(text), seen, "{text:?}");
        }
    }

    #[test]
    fn a_word_knows_its_place_unless_it_was_put_together() {
        let sources = Sources::new();
        let source = sources.add(Origin::Builtin("t".into()), " A 'b' c\\\nd \"e\\\"\"\n".as_bytes());
        let line = Lines::new(source, sources.bytes(source)).next().unwrap();
        assert_eq!(line.at, Span::new(source, 1..17));
        let spans: Vec<_> = words(&line.text).map(|word| word.exact().map(Span::range)).collect();
        assert_eq!(spans, [Some(1..2), Some(4..5), None, None]);
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_words(bytes in proptest::collection::vec(
            prop_oneof![Just(b'"'), Just(b'\\'), Just(b'\n'), Just(b'\r'), Just(b' '), Just(b'#'), any::<u8>()],
            0..200,
        )) {
            let sources = Sources::new();
            let source = sources.add(Origin::Builtin("t".into()), bytes);
            for line in Lines::new(source, sources.bytes(source)) {
                for word in words(&line.text) {
                    if let Some(span) = word.exact() {
                        prop_assert_eq!(sources.slice(span), word.bytes());
                    }
                }
            }
        }
    }
}
