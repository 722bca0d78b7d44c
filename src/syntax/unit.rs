//! systemd's unit files: sections, continued lines, and words in quotes with C's escapes (systemd.syntax(7); conf-parser.c,
//! extract-word.c and env-file.c of systemd 252).

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::shell::Assignment;
use crate::text::{SourceId, Sources, Span, Text, Tree, tree};

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
    file(tree, name).is_some_and(|path| is_off(tree, &path))
}

/// Whether that is so of a unit's file.
pub fn is_off(tree: &Tree, path: &Path) -> bool {
    let is_empty = || tree.resolve(path).is_ok_and(|real| tree.length(&real) == Some(0));
    is_null(tree, path) || is_empty()
}

pub fn is_null(tree: &Tree, path: &Path) -> bool {
    matches!(tree.entry(path), Ok(tree::Entry::Link(target)) if target == Path::new("/dev/null"))
}

/// Whether the tree has the units of packages, so that those it lacks are not there.
pub fn has_packages(tree: &Tree) -> bool {
    PLACES.iter().rev().take(2).any(|place| !tree.list(Path::new(place)).is_empty())
}

/// The folders of drop-ins that hold for a name: its own, its template's, those of each `prefix-`.
pub fn dropin_names(name: &str) -> Vec<String> {
    let mut found = vec![format!("{name}.d")];
    let (stem, kind) = name.rsplit_once('.').unwrap_or((name, ""));
    if stem.contains('@') && !stem.ends_with('@') {
        found.push(format!("{}.d", template_of(name)));
    }
    let stem = stem.split_once('@').map_or(stem, |(stem, _)| stem);
    let mut end = stem.len();
    while let Some(dash) = stem.get(..end).and_then(|stem| stem.rfind('-')) {
        end = dash;
        if let Some(prefix) = stem.get(..=dash).filter(|prefix| prefix.len() > 1 && *prefix != stem) {
            found.push(format!("{prefix}.{kind}.d"));
        }
    }
    found
}

/// The template of an instance: `app@.service` of `app@blue.service`.
pub fn template_of(name: &str) -> String {
    let kind = name.rsplit_once('.').map_or("", |(_, kind)| kind);
    name.split_once('@').map_or_else(|| name.to_owned(), |(stem, _)| format!("{stem}@.{kind}"))
}

/// `Key=value` in a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// All of a section share its name, which may be as long as the file.
    pub section: Rc<str>,
    pub key: String,
    /// Without the blanks around it and with a blank for each backslash that continues its line.
    pub value: Text,
}

/// All entries in order. Whoever reads units reads none with a line as long as systemd refuses: LONG_LINE_MAX, 1 MiB.
pub fn entries(sources: &Sources, file: SourceId) -> Vec<Entry> {
    let bytes = sources.bytes(file);
    let mut found = Vec::new();
    let mut section = Rc::from("");
    let mut line = Text::default();
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
fn continues(line: &mut Text) -> bool {
    let slashes = line.bytes().iter().rev().take_while(|byte| **byte == b'\\').count();
    let last = line.len().saturating_sub(1);
    let place = line.place(last..last + 1).filter(|_| slashes % 2 == 1);
    if let Some(place) = place {
        line.truncate(last);
        line.push_for(b" ", place);
    }
    place.is_some()
}

fn entry(line: &Text, section: &mut Rc<str>) -> Option<Entry> {
    let line = line.trimmed();
    if line.bytes().starts_with(b"[") && line.bytes().ends_with(b"]") {
        *section = line.slice(1..line.len() - 1).show().into();
        return None;
    }
    let equals = memchr::memchr(b'=', line.bytes())?;
    let key = line.slice(0..equals).trimmed().show().into_owned();
    let value = line.slice(equals + 1..line.len()).trimmed();
    let sign = line.place(equals..equals + 1)?;
    let whole = if value.is_empty() { Span { start: sign.end, ..sign } } else { value.span() };
    Some(Entry { section: Rc::clone(section), key, value: value.with_whole(whole) })
}

/// Takes words off the front of a value.
#[derive(Debug)]
pub struct Words<'a> {
    text: &'a Text,
    at: usize,
    /// A word that systemd does not take: an open quote.
    pub broken: bool,
}

impl<'a> Words<'a> {
    pub fn new(text: &'a Text) -> Self {
        Self { text, at: 0, broken: false }
    }

    /// Whether only an unquoted `;` comes next, which ends a command; it is taken.
    pub fn semicolon(&mut self) -> bool {
        self.blanks();
        let alone = self.byte(0) == Some(b';') && self.byte(1).is_none_or(|byte| byte.is_ascii_whitespace());
        self.at += usize::from(alone);
        alone
    }

    /// `\;` is an argument of one semicolon.
    fn quoted_semicolon(&mut self) -> Option<Text> {
        let both = self.byte(0) == Some(b'\\') && self.byte(1) == Some(b';');
        if !both || !self.byte(2).is_none_or(|byte| byte.is_ascii_whitespace()) {
            return None;
        }
        let at = self.text.place(self.at..self.at + 2)?;
        self.at += 2;
        Some(Text::meant(";", at))
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.bytes().get(self.at + ahead).copied()
    }

    fn blanks(&mut self) {
        while self.byte(0).is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn escape(&self) -> Option<(Vec<u8>, usize)> {
        unescaped(self.text.bytes().get(self.at + 1..).unwrap_or_default())
    }
}

impl Iterator for Words<'_> {
    type Item = Text;

    fn next(&mut self) -> Option<Text> {
        self.blanks();
        let begun = self.at;
        self.byte(0)?;
        if let Some(word) = self.quoted_semicolon() {
            return Some(word);
        }
        let mut word = Text::default();
        let mut quote = None;
        while let Some(byte) = self.byte(0) {
            let here = self.at;
            match (quote, byte) {
                (None, byte) if byte.is_ascii_whitespace() => break,
                (None, b'\'' | b'"') => quote = Some(byte),
                (Some(open), byte) if open == byte => quote = None,
                (_, b'\\') => match self.escape() {
                    Some((bytes, length)) => {
                        self.at += length;
                        word.push_for(&bytes, self.text.place(here..self.at + 1)?);
                    }
                    // An escape that there is not stays as it is written.
                    None => word.push_part(self.text, here..here + 1),
                },
                _ => {
                    let length = self.text.stretch(here, |byte| match quote {
                        None => byte.is_ascii_whitespace() || b"'\"\\".contains(&byte),
                        Some(open) => byte == open || byte == b'\\',
                    });
                    word.push_part(self.text, here..here + length);
                    self.at += length - 1;
                }
            }
            self.at += 1;
        }
        self.broken |= quote.is_some();
        (!self.broken).then(|| word.with_whole(self.text.place(begun..self.at).unwrap_or(self.text.whole())))
    }
}

/// What stands after a backslash: the bytes that it means, and how many letters it takes (escape.c, cunescape_one).
fn unescaped(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let plain = |byte: u8| Some((vec![byte], 1));
    match *rest.first()? {
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

fn character(rest: &[u8], digits: usize) -> Option<(Vec<u8>, usize)> {
    let code = number(rest, 1, digits, 16).filter(|code| *code > 0)?;
    Some((char::from_u32(code)?.to_string().into_bytes(), digits + 1))
}

fn number(rest: &[u8], from: usize, digits: usize, radix: u32) -> Option<u32> {
    let digits = rest.get(from..from + digits)?;
    digits.iter().try_fold(0_u32, |number, byte| {
        let digit = char::from(*byte).to_digit(radix)?;
        number.checked_mul(radix)?.checked_add(digit)
    })
}

/// The variables of an `EnvironmentFile=`: like a shell's assignments, but nothing is expanded (env-file.c, parse_env_file_internal).
pub fn environment(sources: &Sources, file: SourceId) -> Vec<Assignment> {
    let bytes = sources.bytes(file);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'#' | b';' => at = comment_end(bytes, at),
            byte if byte.is_ascii_whitespace() => at += 1,
            _ => {
                let (variable, next) = variable(file, bytes, at);
                found.extend(variable);
                at = next.max(at + 1);
            }
        }
    }
    found
}

/// A comment ends with its line, unless a backslash continues it.
fn comment_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\n' | b'\r' => return at,
            _ => at += 1,
        }
    }
    at
}

fn variable(file: SourceId, bytes: &[u8], from: usize) -> (Option<Assignment>, usize) {
    let line = bytes.get(from..).unwrap_or_default();
    let Some(length) = memchr::memchr3(b'=', b'\n', b'\r', line) else { return (None, bytes.len()) };
    if line.get(length) != Some(&b'=') {
        return (None, from + length + 1);
    }
    let (value, next) = value(file, bytes, from + length + 1);
    let name = String::from_utf8_lossy(line.get(..length).unwrap_or_default()).trim().to_owned();
    (Some(Assignment { name, value }), next)
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

/// A value up to the end of its line, and where the next thing begins.
fn value(file: SourceId, bytes: &[u8], from: usize) -> (Text, usize) {
    let mut at = from;
    while matches!(bytes.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    let begun = at;
    let mut value = Text::default();
    // Blanks at the end of what stands in no quotes do not count.
    let mut kept = 0;
    let mut state = State::Before;
    while let Some(byte) = bytes.get(at).copied() {
        let (here, next) = (at, bytes.get(at + 1).copied());
        match (state, byte, next) {
            (State::Before | State::Bare, b'\n' | b'\r', _) => break,
            (State::Before, b'\'', _) => state = State::Single,
            (State::Before, b'"', _) => state = State::Double,
            (State::Single, b'\'', _) | (State::Double, b'"', _) => state = State::Before,
            (State::Double, b'\\', Some(next)) => {
                at += 1;
                match next {
                    b'"' | b'\\' | b'`' | b'$' => value.push_for(&[next], Span::new(file, here..here + 2)),
                    b'\n' => {}
                    _ => value.push_bytes(file, here, &[byte, next]),
                }
            }
            (State::Before | State::Bare, b'\\', Some(next)) => {
                at += 1;
                state = State::Bare;
                if !matches!(next, b'\n' | b'\r') {
                    value.push_for(&[next], Span::new(file, here..here + 2));
                }
            }
            (State::Before, b' ' | b'\t', _) => {}
            _ => {
                state = if state == State::Before { State::Bare } else { state };
                value.push_bytes(file, here, &[byte]);
            }
        }
        if state != State::Bare || !matches!(byte, b' ' | b'\t') {
            kept = value.len();
        }
        at += 1;
    }
    value.truncate(kept);
    let whole = if begun < at { begun..at } else { from..from };
    (value.with_whole(Span::new(file, whole)), at + 1)
}
