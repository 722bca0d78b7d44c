//! How a line of haproxy.cfg is cut into words: quotes, backslashes, comments and, inside double quotes alone, variables
//! (parse_line() in src/tools.c).

use std::ops::Range;
use std::rc::Rc;

use super::environment::{Environment, Known};
use crate::syntax::number::atoi;
use crate::syntax::refusal::Refusal;
use crate::text::{SourceId, Span, Text};

/// Words of a line (MAX_LINE_ARGS).
const MAX_WORDS: usize = 64;
/// What variables may make of a line, in bytes: more is no configuration.
pub(super) const MAX_EXPANDED: usize = 1 << 16;

/// The words of one line.
#[derive(Debug, Clone)]
pub struct Line {
    pub words: Vec<Text>,
    /// From the first word to the end of the last, quotes included.
    pub at: Span,
    /// Nothing is lost behind an empty word, so something can be written at the end.
    pub whole: bool,
    /// The line of the condition that it depends on, where the files do not tell whether that holds.
    pub maybe: Option<Span>,
    /// The variables as they are here.
    pub environment: Rc<Environment>,
}

impl Line {
    /// A word, empty where there is none.
    pub fn text(&self, index: usize) -> &str {
        self.words.get(index).map_or("", |word| word.as_str())
    }

    /// Refused, unless the keyword has its one number.
    pub fn takes_number(&self) -> Result<(), Refusal> {
        let refused = |why: &str| Err(Refusal::new(format!("'{}' {why}", self.text(0)), self.at));
        match self.words.len() {
            ..=1 => refused("expects an integer argument"),
            3.. if !self.words.iter().any(|word| word.is_open()) => {
                refused("cannot handle more than one argument")
            }
            _ => Ok(()),
        }
    }
}

/// Why a line cannot be read, in HAProxy's words, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) what: &'static str,
    pub(super) at: usize,
}

struct Cutter<'a> {
    text: &'a [u8],
    at: usize,
    environment: &'a Environment,
    quote: Option<(u8, usize)>,
    /// Where it lies in its source.
    source: SourceId,
    base: usize,
    word: Option<Text>,
    words: Vec<Option<Text>>,
    expanded: usize,
}

/// Cuts a line that starts at offset `base` of a source, and says how many bytes of values it is asked for.
pub(super) fn cut(
    text: &[u8],
    source: SourceId,
    base: usize,
    environment: &Rc<Environment>,
) -> Result<(Line, usize), Fault> {
    let mut cutter = Cutter {
        text,
        at: 0,
        environment,
        quote: None,
        source,
        base,
        word: None,
        words: Vec::new(),
        expanded: 0,
    };
    cutter.run()?;
    let words = cutter.words;
    // HAProxy takes an empty word for the end of the line.
    let is_end = |word: &Option<Text>| word.as_ref().is_none_or(Text::is_empty);
    let count = words.iter().position(is_end).unwrap_or(words.len());
    if words.len() > MAX_WORDS {
        return Err(Fault { what: "too many words", at: 0 });
    }
    let whole = words.iter().skip(count).all(Option::is_none);
    let kept: Vec<Text> = words.into_iter().take(count).flatten().collect();
    let end = |word: &Text| Span { start: word.whole().end, ..word.whole() };
    let (first, last) = (kept.first().map(Text::whole), kept.last().map(end));
    let nowhere = Span::new(source, base..base);
    let at = Span { end: last.unwrap_or(nowhere).end, ..first.unwrap_or(nowhere) };
    let words = kept.into_iter().map(|word| word.in_characters().as_one()).collect();
    let line = Line { words, at, whole, maybe: None, environment: Rc::clone(environment) };
    Ok((line, cutter.expanded))
}

impl Cutter<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Takes `length` bytes of the line into the word, where they mean `meaning`.
    fn take(&mut self, length: usize, meaning: &[u8]) {
        let (from, written) = (self.at, self.text.get(self.at..self.at + length));
        let place = self.span(from..from + length);
        let word = self.touch(length);
        match written == Some(meaning) {
            true => word.push_bytes(place.source, place.range().start, meaning),
            false => word.push_for(meaning, place),
        }
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.source, self.base + range.start..self.base + range.end)
    }

    /// Goes on by so many bytes, which are written as a part of the word.
    fn touch(&mut self, length: usize) -> &mut Text {
        let here = self.span(self.at..self.at + length);
        self.at += length;
        let word = self.word.take();
        let whole = word.as_ref().map_or(here, |word| Span { end: here.end, ..word.whole() });
        self.word.insert(word.unwrap_or_default().with_whole(whole))
    }

    fn end_word(&mut self) {
        let word = self.word.take();
        self.words.push(word);
    }

    fn run(&mut self) -> Result<(), Fault> {
        loop {
            let in_single = matches!(self.quote, Some((b'\'', _)));
            match self.peek(0) {
                0 | b'\n' | b'\r' => break,
                b'#' if self.quote.is_none() => break,
                mark @ (b'"' | b'\'') if self.quote.is_none_or(|(open, _)| open == mark) => {
                    self.quote = if self.quote.is_some() { None } else { Some((mark, self.at)) };
                    self.touch(1);
                }
                b'\\' if !in_single => self.escape()?,
                byte if is_space(byte) && self.quote.is_none() => self.blank(),
                b'$' if self.quote.is_some_and(|(open, _)| open == b'"') => self.variable()?,
                byte => self.take(1, &[byte]),
            }
        }
        self.end_word();
        match self.quote {
            Some((_, at)) => Err(Fault { what: "unmatched quote", at }),
            None => Ok(()),
        }
    }

    fn blank(&mut self) {
        while is_space(self.peek(0)) {
            self.at += 1;
        }
        if !self.words.is_empty() || self.word.is_some() {
            self.end_word();
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let quoted = self.quote.is_some();
        match self.peek(1) {
            byte @ (b' ' | b'\\' | b'#' | b'\'' | b'"') => self.take(2, &[byte]),
            b't' => self.take(2, b"\t"),
            b'n' => self.take(2, b"\n"),
            b'r' => self.take(2, b"\r"),
            b'$' if quoted => self.take(2, b"$"),
            b'x' => {
                let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
                let (Some(high), Some(low)) = (digit(self.peek(2)), digit(self.peek(3))) else {
                    return Err(Fault { what: "truncated or invalid hexadecimal sequence", at: self.at });
                };
                self.take(4, &[high << 4 | low]);
            }
            _ => self.take(1, b"\\"),
        }
        Ok(())
    }

    /// `$NAME`, `${NAME}`, `${NAME-default}` and `${NAME[*]}`, which is several words where the value has blanks.
    fn variable(&mut self) -> Result<(), Fault> {
        let start = self.at;
        let brace = self.peek(1) == b'{';
        let first = start + 1 + usize::from(brace);
        let mut end = first;
        let byte = |at: usize| self.text.get(at).copied().unwrap_or(0);
        if !(byte(end).is_ascii_alphabetic() || matches!(byte(end), b'_' | b'.')) {
            return Err(Fault { what: "forbidden first char in environment variable name", at: end });
        }
        end += 1;
        while byte(end).is_ascii_alphanumeric() || byte(end) == b'_' {
            end += 1;
        }
        let name = String::from_utf8_lossy(self.text.get(first..end).unwrap_or_default()).into_owned();
        let several = brace && byte(end) == b'[';
        if several {
            if self.text.get(end..end + 3) != Some(b"[*]") {
                return Err(Fault { what: "truncated or invalid word expansion sequence", at: end });
            }
            end += 3;
        }
        let mut default = None;
        if brace && byte(end) == b'-' {
            let rest = self.text.get(end + 1..).unwrap_or_default();
            let length = memchr::memchr(b'}', rest).unwrap_or(rest.len());
            default = rest.get(..length);
            end += 1 + length;
        }
        if brace {
            if byte(end) != b'}' {
                return Err(Fault { what: "unmatched brace in environment variable name", at: start + 1 });
            }
            end += 1;
        }
        let written = self.text.get(start..end).unwrap_or_default();
        let value = match (self.environment.get(&name), default) {
            (Known::Set(value), _) => value.as_bytes(),
            (Known::Unset, default) => default.unwrap_or_default(),
            (Known::Unknown, _) => {
                self.leave(written);
                return Ok(());
            }
        };
        self.expanded = self.expanded.saturating_add(value.len());
        if self.expanded > MAX_EXPANDED {
            self.leave(written);
            return Ok(());
        }
        let place = self.span(start..end);
        self.touch(written.len());
        if several {
            self.spread(value, place)
        } else {
            self.fill(value, place)
        }
        Ok(())
    }

    /// A variable whose value is not known stays as it is written.
    fn leave(&mut self, written: &[u8]) {
        self.take(written.len(), written);
        let word = self.word.get_or_insert_default();
        word.set_open(&String::from_utf8_lossy(written));
    }

    fn fill(&mut self, value: &[u8], place: Span) {
        self.word.get_or_insert_default().push_for(value, place);
    }

    fn spread(&mut self, value: &[u8], place: Span) {
        let whole = self.word.as_ref().map(Text::whole);
        for (index, part) in value.split(|byte| is_space(*byte)).enumerate() {
            let ends = index > 0 && !part.is_empty() && self.word.as_ref().is_some_and(|it| !it.is_empty());
            if ends {
                self.end_word();
                self.word = whole.map(Text::nothing);
            }
            self.fill(part, place);
        }
    }
}

/// isspace(3) in the C locale.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// What atol(3) makes of a word and a C int keeps of it: the number in front, 0 without one.
pub(super) fn number(text: &str) -> i64 {
    i64::from(atoi(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Origin, Sources};

    fn words(text: &str) -> String {
        let mut environment = Environment::new(true);
        environment.set("A", "1 2", false);
        let source = Sources::new().add(Origin::Builtin(String::new()), Vec::new());
        match cut(text.as_bytes(), source, 0, &Rc::new(environment)) {
            Err(fault) => format!("{} at {}", fault.what, fault.at),
            Ok((line, _)) => {
                let word = |word: &Text| {
                    let mark = if word.exact().is_some() { "" } else { "~" };
                    format!("{mark}{}", word.as_str())
                };
                line.words.iter().map(word).collect::<Vec<_>>().join("|")
            }
        }
    }

    #[test]
    fn lines_are_cut_as_haproxy_cuts_them() {
        for (text, seen) in [
            ("  bind :80 # why", "bind|:80"),
            ("a \"b c\" 'd $A'", "a|b c|d $A"),
            ("a\\ b \\# c", "~a b|~#|c"),
            ("\"$A\" $A ${A}", "~1 2|$A|${A}"),
            ("\"${A[*]}\" x", "~1|~2|x"),
            ("\"${NONE}\" x", ""),
            ("\"${NONE-5}\" x", "~5|x"),
            ("a \"\" b", "a"),
            ("a\rb", "a"),
            ("a b  ", "a|b"),
            ("\\x41 \\q", "~A|\\q"),
            ("a \"b", "unmatched quote at 2"),
            ("\"${A\"", "unmatched brace in environment variable name at 2"),
            ("\"$1\"", "forbidden first char in environment variable name at 2"),
            ("\\x4", "truncated or invalid hexadecimal sequence at 0"),
        ] {
            assert_eq!(words(text), seen, "{text}");
        }
    }

    #[test]
    fn numbers_are_what_stands_in_front() {
        for (text, value) in [
            ("12k", 12),
            ("x", 0),
            ("-1", -1),
            ("+7", 7),
            ("4294967297", 1),
            ("99999999999999999999", -1),
            ("2147483648", i64::from(i32::MIN)),
        ] {
            assert_eq!(number(text), value, "{text}");
        }
    }
}
