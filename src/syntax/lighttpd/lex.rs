//! The words of a lighttpd.conf, cut as config_tokenizer in src/configfile.c cuts them. It knows what may follow what only as
//! far as lighttpd's own does.

use std::borrow::Cow;

use crate::syntax::refusal::Refusal;
use crate::text::{SourceId, Span};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// The end of a line, of which any number is one.
    Line,
    Assign,
    Force,
    Append,
    Arrow,
    Comma,
    Plus,
    Open,
    Close,
    Left,
    Right,
    LeftBracket,
    RightBracket,
    Dollar,
    /// `SERVER` of `$SERVER["socket"]`.
    Object(&'a str),
    Compare(Compare),
    Key(&'a str),
    Text(Cow<'a, str>),
    Number(&'a str),
    Global,
    Include,
    IncludeShell,
    Else,
    /// What some tool fills in before lighttpd sees the file.
    Template,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compare {
    Equal,
    NotEqual,
    Match,
    NoMatch,
    Prefix,
    Suffix,
}

/// How placeholders of the usual tools begin and end.
const TEMPLATES: [(&[u8], &[u8]); 7] = [
    (b"{{", b"}}"),
    (b"<%", b"%>"),
    (b"<?", b"?>"),
    (b"${", b"}"),
    (b"%(", b")s"),
    (b"@", b"@"),
    (b"%", b"%"),
];

/// What came with later releases.
#[derive(Debug, Clone, Copy)]
pub(super) struct Release {
    /// `elif` and `if` are words (1.4.74).
    elif: bool,
    /// A string behind a string or a name, and a name behind a name, are refused and not read over (1.4.77).
    strict: bool,
}

impl Release {
    pub(super) fn of(version: Option<[u16; 3]>) -> Self {
        let since = |patch| version.is_none_or(|version| version >= [1, 4, patch]);
        Self { elif: since(74), strict: since(77) }
    }
}

pub(super) struct Lexer<'a> {
    source: SourceId,
    bytes: &'a [u8],
    at: usize,
    parens: usize,
    in_condition: bool,
    /// A block has ended, and more stands on its line.
    ended: bool,
    release: Release,
    /// The word before is a name, or a string.
    after_key: bool,
    after_text: bool,
    /// Whether the file may be one that a tool fills in.
    templates: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(source: SourceId, bytes: &'a [u8], release: Release, templates: bool) -> Self {
        let (at, parens, in_condition, ended, after_key, after_text) = (0, 0, false, false, false, false);
        Self { source, bytes, at, parens, in_condition, ended, release, after_key, after_text, templates }
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or_default()
    }

    fn refuse<T>(&self, why: impl Into<String>) -> Result<T, Refusal> {
        let end = (self.at + 1).min(self.bytes.len());
        Err(Refusal::new(why, Span::new(self.source, self.at.min(end)..end)))
    }

    fn cut(&mut self, token: Token<'a>, length: usize) -> Result<Option<(Token<'a>, Span)>, Refusal> {
        let start = self.at;
        self.at = (start + length).min(self.bytes.len());
        Ok(Some((token, Span::new(self.source, start..self.at))))
    }

    pub(super) fn next(&mut self) -> Result<Option<(Token<'a>, Span)>, Refusal> {
        let found = self.cut_next()?;
        let token = found.as_ref().map(|(token, _)| token);
        let (key, text) = (matches!(token, Some(Token::Key(_))), matches!(token, Some(Token::Text(_))));
        if self.release.strict && (self.after_key && (key || text) || self.after_text && text) {
            let at = found.map_or(Span::top(self.source), |(_, at)| at);
            return Err(Refusal::new("an operator is missing before it", at));
        }
        (self.after_key, self.after_text) = (key, text);
        Ok(found)
    }

    fn cut_next(&mut self) -> Result<Option<(Token<'a>, Span)>, Refusal> {
        if std::mem::take(&mut self.ended) {
            return self.cut(Token::Line, 0);
        }
        while self.at < self.bytes.len() {
            if let Some(length) = self.template() {
                return self.cut(Token::Template, length);
            }
            match (self.byte(0), self.byte(1)) {
                (b' ' | b'\t', _) => self.at += 1,
                (0xc2, 0xa0) => self.at += 2,
                (b'#', _) => self.skip_comment(),
                (b'\n' | b'\r', _) => {
                    self.skip_lines();
                    if self.parens == 0 {
                        return self.cut(Token::Line, 0);
                    }
                }
                (b',', _) if self.parens == 0 => self.at += 1,
                (b',', _) => return self.cut(Token::Comma, 1),
                (b'=', next) => return self.equals(next),
                (b'!', next) => return self.not(next),
                (b'"', _) => return self.text(),
                (b'(', _) => {
                    self.parens += 1;
                    return self.cut(Token::Open, 1);
                }
                (b')', _) if self.parens == 0 => return self.refuse("a ) without its ("),
                (b')', _) => {
                    self.parens -= 1;
                    return self.cut(Token::Close, 1);
                }
                (b'$', _) => {
                    self.in_condition = true;
                    return self.cut(Token::Dollar, 1);
                }
                (b'+', b'=') => return self.cut(Token::Append, 2),
                (b'+', _) => return self.cut(Token::Plus, 1),
                (b':', b'=') => return self.cut(Token::Force, 2),
                (b'{', _) => return self.cut(Token::Left, 1),
                (b'}', _) => return self.right(),
                (b'[', _) => return self.cut(Token::LeftBracket, 1),
                (b']', _) => return self.cut(Token::RightBracket, 1),
                // It is where the file ends for lighttpd, which says "stray NUL" and goes on.
                (0, _) => self.at = self.bytes.len(),
                (first, _) => match self.word(first)? {
                    Some(found) => return Ok(Some(found)),
                    None => continue,
                },
            }
        }
        Ok(None)
    }

    fn skip_comment(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0)).unwrap_or(rest.len());
    }

    fn skip_lines(&mut self) {
        while self.at < self.bytes.len() {
            match self.byte(0) {
                b'\r' | b'\n' | b' ' | b'\t' => self.at += 1,
                b'#' => self.skip_comment(),
                _ => break,
            }
        }
    }

    fn equals(&mut self, next: u8) -> Result<Option<(Token<'a>, Span)>, Refusal> {
        if self.parens > 0 {
            return if next == b'>' { self.cut(Token::Arrow, 2) } else { self.refuse("in a list it is =>") };
        }
        if !self.in_condition {
            return self.cut(Token::Assign, 1);
        }
        let compare = match next {
            b'=' => Compare::Equal,
            b'~' => Compare::Match,
            b'^' => Compare::Prefix,
            b'$' => Compare::Suffix,
            _ => return self.refuse("a condition compares with ==, !=, =~, !~, =^ or =$"),
        };
        self.in_condition = false;
        self.cut(Token::Compare(compare), 2)
    }

    fn not(&mut self, next: u8) -> Result<Option<(Token<'a>, Span)>, Refusal> {
        let compare = match next {
            b'=' if self.in_condition => Compare::NotEqual,
            b'~' if self.in_condition => Compare::NoMatch,
            _ => return self.refuse("a condition compares with ==, !=, =~, !~, =^ or =$"),
        };
        self.in_condition = false;
        self.cut(Token::Compare(compare), 2)
    }

    /// Only `\"` is an escape.
    fn text(&mut self) -> Result<Option<(Token<'a>, Span)>, Refusal> {
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
        let mut quoted = false;
        let mut escapes = false;
        let mut end = None;
        for (index, byte) in rest.iter().enumerate() {
            match byte {
                0 => break,
                b'"' if !quoted => {
                    end = Some(index);
                    break;
                }
                b'"' => escapes = true,
                _ => {}
            }
            quoted = *byte == b'\\' && rest.get(index + 1) == Some(&b'"');
        }
        let Some(inside) = end.and_then(|end| rest.get(..end)) else {
            return self.refuse("a string that does not end");
        };
        let text = String::from_utf8_lossy(inside);
        let text = if escapes { Cow::Owned(text.replace("\\\"", "\"")) } else { text };
        self.cut(Token::Text(text), inside.len() + 2)
    }

    fn right(&mut self) -> Result<Option<(Token<'a>, Span)>, Refusal> {
        let found = self.cut(Token::Right, 1);
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let after = rest.iter().find(|byte| !matches!(byte, b' ' | b'\t'));
        self.ended = after.is_some_and(|byte| !matches!(byte, b'\r' | b'\n' | b'#'));
        found
    }

    fn word(&mut self, first: u8) -> Result<Option<(Token<'a>, Span)>, Refusal> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let while_ = |is: fn(&u8) -> bool| {
            let length = rest.iter().position(|byte| !is(byte)).unwrap_or(rest.len());
            let word = std::str::from_utf8(rest.get(..length).unwrap_or_default()).unwrap_or_default();
            // A word at the very end of a file is none to lighttpd.
            (word, length > 0 && rest.get(length).is_some_and(|byte| *byte != 0))
        };
        if self.in_condition {
            let (word, ends) = while_(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
            let token = Token::Object(word);
            return if ends { self.cut(token, word.len()) } else { self.refuse("not a condition") };
        }
        if first.is_ascii_digit() {
            let (digits, _) = while_(u8::is_ascii_digit);
            return self.cut(Token::Number(digits), digits.len());
        }
        let (word, ends) = while_(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        if !ends {
            return self.refuse("not a name");
        }
        let token = match word {
            "include" => Token::Include,
            "include_shell" => Token::IncludeShell,
            "global" => Token::Global,
            "else" => Token::Else,
            "elif" | "elsif" | "elseif" if self.release.elif => Token::Else,
            "if" if self.release.elif => {
                self.at += word.len();
                return Ok(None);
            }
            name => Token::Key(name),
        };
        self.cut(token, word.len())
    }

    fn template(&self) -> Option<usize> {
        if !self.templates || self.in_condition {
            return None;
        }
        let rest = self.bytes.get(self.at..)?;
        TEMPLATES.iter().find_map(|(begin, end)| {
            let inside = rest.strip_prefix(*begin)?;
            let line = inside.split(|byte| *byte == b'\n').next()?;
            let length = memchr::memmem::find(line, end)?;
            Some(begin.len() + length + end.len())
        })
    }
}

/// Whether a string has a placeholder in it.
pub(super) fn has_template(text: &str) -> bool {
    let marks = [("{{", "}}"), ("<%", "%>"), ("<?", "?>"), ("${", "}"), ("%(", ")s")];
    let has =
        |(begin, end): &(&str, &str)| text.split_once(begin).is_some_and(|(_, after)| after.contains(end));
    marks.iter().any(has) || ['@', '%'].iter().any(|sign| is_between(text, *sign))
}

/// `@PORT@`, but not the two signs of `a@b.c, d@e.f`.
fn is_between(text: &str, sign: char) -> bool {
    let mut parts = text.split(sign).skip(1).peekable();
    let name = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    while let Some(part) = parts.next() {
        if name(part) && parts.peek().is_some() {
            return true;
        }
    }
    false
}
