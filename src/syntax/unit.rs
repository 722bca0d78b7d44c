//! systemd's unit files: sections, continued lines, and words in quotes with C's escapes (systemd.syntax(7); conf-parser.c,
//! extract-word.c and env-file.c of systemd 252).

use std::path::{Path, PathBuf};

use super::letters::{Letter, Letters};
use super::shell::Word;
use crate::text::{SourceId, Sources, Span, Tree, tree};

/// Where systemd looks for units, the first place first (systemd.unit(5)).
pub const PLACES: [&str; 5] = [
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
];

/// The file that decides what a unit is: the first one of its name.
pub fn file(tree: &Tree, name: &str) -> Option<PathBuf> {
    PLACES.iter().map(|place| Path::new(place).join(name)).find(|path| tree.entry(path).is_ok())
}

/// Whether a unit is switched off: its file is empty, or a link to /dev/null.
pub fn is_masked(tree: &Tree, name: &str) -> bool {
    let Some(path) = file(tree, name) else { return false };
    is_null(tree, &path) || tree.peek(&path).is_ok_and(|text| text.is_empty())
}

pub fn is_null(tree: &Tree, path: &Path) -> bool {
    matches!(tree.entry(path), Ok(tree::Entry::Link(target)) if target == Path::new("/dev/null"))
}

/// Whether the tree has the units of packages, so that those it lacks are not there.
pub fn has_packages(tree: &Tree) -> bool {
    PLACES.iter().rev().take(2).any(|place| !tree.list(Path::new(place)).is_empty())
}

/// `Key=value` in a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub section: String,
    pub key: String,
    /// Without the blanks around it and with a blank for each backslash that continues its line.
    pub value: Letters,
    /// Where the value stands, or where it would.
    pub at: Span,
}

/// All entries in order. Whoever reads units reads none with a line as long as systemd refuses: LONG_LINE_MAX, 1 MiB.
pub fn entries(sources: &Sources, file: SourceId) -> Vec<Entry> {
    let bytes = sources.bytes(file);
    let mut found = Vec::new();
    let mut section = String::new();
    let mut line = Letters::default();
    let mut at = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let text = rest.get(..length).unwrap_or_default();
        let start = at;
        at += length + 1;
        // A comment between continued lines does not end them.
        if matches!(text.trim_ascii_start().first(), Some(b'#' | b';')) {
            continue;
        }
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        line.push_bytes(file, start, text);
        if continues(&mut line) {
            continue;
        }
        found.extend(entry(&std::mem::take(&mut line), &mut section));
    }
    found.extend(entry(&line, &mut section));
    found
}

/// Whether an odd backslash ends the line; it becomes a blank.
fn continues(line: &mut Letters) -> bool {
    let slashes = line.0.iter().rev().take_while(|letter| letter.byte == b'\\').count();
    if slashes % 2 == 0 {
        return false;
    }
    if let Some(last) = line.0.last_mut() {
        last.byte = b' ';
    }
    true
}

fn entry(line: &Letters, section: &mut String) -> Option<Entry> {
    let line = trimmed(line);
    let (first, last) = (line.0.first()?, line.0.last()?);
    if first.byte == b'[' && last.byte == b']' {
        *section = line.slice(1..line.len() - 1).text();
        return None;
    }
    let equals = line.0.iter().position(|letter| letter.byte == b'=')?;
    let key = trimmed(&line.slice(0..equals)).text();
    let value = trimmed(&line.slice(equals + 1..line.len()));
    let end = line.0.get(equals)?.at;
    let nowhere = Span { start: end.end, ..end };
    let at = value.span().unwrap_or(nowhere);
    Some(Entry { section: section.clone(), key, value, at })
}

fn trimmed(text: &Letters) -> Letters {
    let is_blank = |letter: &Letter| letter.byte.is_ascii_whitespace();
    let start = text.0.iter().take_while(|letter| is_blank(letter)).count();
    let end = text.len() - text.0.iter().rev().take_while(|letter| is_blank(letter)).count();
    text.slice(start..end.max(start))
}

/// Takes words off the front of a value.
#[derive(Debug)]
pub struct Words<'a> {
    text: &'a [Letter],
    at: usize,
    /// A word that systemd does not take: an open quote.
    pub broken: bool,
}

impl<'a> Words<'a> {
    pub fn new(text: &'a Letters) -> Self {
        Self { text: &text.0, at: 0, broken: false }
    }

    /// Whether only an unquoted `;` comes next, which ends a command; it is taken.
    pub fn semicolon(&mut self) -> bool {
        self.blanks();
        let alone = self.byte(0) == Some(b';') && self.byte(1).is_none_or(|byte| byte.is_ascii_whitespace());
        self.at += usize::from(alone);
        alone
    }

    /// `\;` is an argument of one semicolon.
    fn quoted_semicolon(&mut self) -> Option<Word> {
        let both = self.byte(0) == Some(b'\\') && self.byte(1) == Some(b';');
        if !both || !self.byte(2).is_none_or(|byte| byte.is_ascii_whitespace()) {
            return None;
        }
        let (slash, semicolon) = (*self.text.get(self.at)?, *self.text.get(self.at + 1)?);
        self.at += 2;
        let at = around(slash, semicolon);
        let mut letters = Letters::default();
        letters.push_for(b";", at);
        Some(Word { letters, at, open: false })
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).map(|letter| letter.byte)
    }

    fn blanks(&mut self) {
        while self.byte(0).is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn escape(&self) -> Option<(Vec<u8>, usize)> {
        unescaped(self.text.get(self.at + 1..).unwrap_or_default())
    }
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        self.blanks();
        let begun = self.at;
        let first = *self.text.get(begun)?;
        if let Some(word) = self.quoted_semicolon() {
            return Some(word);
        }
        let mut letters = Letters::default();
        let mut quote = None;
        while let Some(letter) = self.text.get(self.at).copied() {
            match (quote, letter.byte) {
                (None, byte) if byte.is_ascii_whitespace() => break,
                (None, b'\'' | b'"') => quote = Some(letter.byte),
                (Some(open), byte) if open == byte => quote = None,
                (_, b'\\') => match self.escape() {
                    Some((bytes, length)) => {
                        let last = self.text.get(self.at + length).copied().unwrap_or(letter);
                        letters.push_for(&bytes, around(letter, last));
                        self.at += length;
                    }
                    // An escape that there is not stays as it is written.
                    None => letters.0.push(letter),
                },
                _ => letters.0.push(letter),
            }
            self.at += 1;
        }
        if quote.is_some() {
            self.broken = true;
            return None;
        }
        let last = self.text.get(begun..self.at).and_then(<[Letter]>::last).copied().unwrap_or(first);
        Some(Word { letters, at: around(first, last), open: false })
    }
}

/// What stands after a backslash: the bytes that it means, and how many letters it takes (escape.c, cunescape_one).
fn unescaped(rest: &[Letter]) -> Option<(Vec<u8>, usize)> {
    let plain = |byte: u8| Some((vec![byte], 1));
    match rest.first()?.byte {
        b'a' => plain(7),
        b'b' => plain(8),
        b'f' => plain(12),
        b'n' => plain(b'\n'),
        b'r' => plain(b'\r'),
        b't' => plain(b'\t'),
        b'v' => plain(11),
        b's' => plain(b' '),
        byte @ (b'\\' | b'"' | b'\'') => plain(byte),
        b'x' => number(rest, 1, 2, 16).filter(|code| *code > 0).map(|code| (vec![low(code)], 3)),
        b'u' => character(rest, 4),
        b'U' => character(rest, 8),
        b'0'..=b'7' => {
            number(rest, 0, 3, 8).filter(|code| (1..256).contains(code)).map(|code| (vec![low(code)], 3))
        }
        _ => None,
    }
}

fn low(code: u32) -> u8 {
    u8::try_from(code & 0xff).unwrap_or_default()
}

fn character(rest: &[Letter], digits: usize) -> Option<(Vec<u8>, usize)> {
    let code = number(rest, 1, digits, 16).filter(|code| *code > 0)?;
    Some((char::from_u32(code)?.to_string().into_bytes(), digits + 1))
}

fn number(rest: &[Letter], from: usize, digits: usize, radix: u32) -> Option<u32> {
    let digits = rest.get(from..from + digits)?;
    digits.iter().try_fold(0_u32, |number, letter| {
        let digit = char::from(letter.byte).to_digit(radix)?;
        number.checked_mul(radix)?.checked_add(digit)
    })
}

fn around(first: Letter, last: Letter) -> Span {
    let ordered = first.at.source == last.at.source && first.at.start <= last.at.end;
    if ordered { Span { end: last.at.end, ..first.at } } else { first.at }
}

/// A variable of an environment file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    pub value: Word,
}

/// The variables of an `EnvironmentFile=`: like a shell's assignments, but nothing is expanded (env-file.c, parse_env_file_internal).
pub fn environment(sources: &Sources, file: SourceId) -> Vec<Variable> {
    let text = Letters::plain(sources, Span::new(file, 0..sources.bytes(file).len()));
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(letter) = text.0.get(at) {
        match letter.byte {
            b'#' | b';' => at = comment_end(&text.0, at),
            byte if byte.is_ascii_whitespace() => at += 1,
            _ => {
                let (variable, next) = variable(&text.0, at);
                found.extend(variable);
                at = next.max(at + 1);
            }
        }
    }
    found
}

/// A comment ends with its line, unless a backslash continues it.
fn comment_end(text: &[Letter], from: usize) -> usize {
    let mut at = from;
    while let Some(letter) = text.get(at) {
        match letter.byte {
            b'\\' => at += 2,
            b'\n' | b'\r' => return at,
            _ => at += 1,
        }
    }
    at
}

fn variable(text: &[Letter], from: usize) -> (Option<Variable>, usize) {
    let line = text.get(from..).unwrap_or_default();
    let Some(length) = line.iter().position(|letter| matches!(letter.byte, b'=' | b'\n' | b'\r')) else {
        return (None, text.len());
    };
    let name: Vec<u8> = line.iter().take(length).map(|letter| letter.byte).collect();
    let equals = line.get(length).filter(|letter| letter.byte == b'=');
    let Some(equals) = equals else { return (None, from + length + 1) };
    let (letters, at, next) = value(text, from + length + 1, *equals);
    let name = String::from_utf8_lossy(&name).trim().to_owned();
    (Some(Variable { name, value: Word { letters, at, open: false } }), next)
}

/// Where in a value we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before its first letter, or behind a quoted part: only here a quote begins one.
    Before,
    Bare,
    Single,
    Double,
}

/// A value up to the end of its line, where it stands, and where the next thing begins.
fn value(text: &[Letter], from: usize, equals: Letter) -> (Letters, Span, usize) {
    let mut at = from;
    while text.get(at).is_some_and(|letter| matches!(letter.byte, b' ' | b'\t')) {
        at += 1;
    }
    let begun = at;
    let mut letters = Letters::default();
    // Blanks at the end of what stands in no quotes do not count.
    let mut kept = 0;
    let mut state = State::Before;
    while let Some(letter) = text.get(at).copied() {
        let next = text.get(at + 1).copied();
        match (state, letter.byte, next) {
            (State::Before | State::Bare, b'\n' | b'\r', _) => break,
            (State::Before, b'\'', _) => state = State::Single,
            (State::Before, b'"', _) => state = State::Double,
            (State::Single, b'\'', _) | (State::Double, b'"', _) => state = State::Before,
            (State::Single, ..) => letters.0.push(letter),
            (State::Double, b'\\', Some(next)) => {
                at += 1;
                match next.byte {
                    b'"' | b'\\' | b'`' | b'$' => letters.push_for(&[next.byte], around(letter, next)),
                    b'\n' => {}
                    _ => letters.0.extend([letter, next]),
                }
            }
            (State::Before | State::Bare, b'\\', Some(next)) => {
                at += 1;
                state = State::Bare;
                if !matches!(next.byte, b'\n' | b'\r') {
                    letters.push_for(&[next.byte], around(letter, next));
                }
            }
            (State::Before, b' ' | b'\t', _) => {}
            (State::Before, ..) => {
                state = State::Bare;
                letters.0.push(letter);
            }
            _ => letters.0.push(letter),
        }
        if state != State::Bare || !matches!(letter.byte, b' ' | b'\t') {
            kept = letters.len();
        }
        at += 1;
    }
    letters.0.truncate(kept);
    let place = match text.get(begun..at).unwrap_or_default() {
        [first, .., last] => around(*first, *last),
        [only] => only.at,
        [] => Span { start: equals.at.end, ..equals.at },
    };
    (letters, place, at + 1)
}
