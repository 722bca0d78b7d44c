//! The grammar of nginx.conf: words ended by `;`, blocks in braces, quotes, backslashes and comments, exactly as
//! ngx_conf_read_token() in src/core/ngx_conf_file.c reads them. Words are slices of the file. It knows no directive, only
//! that the ones called `*_by_lua_block` hold Lua.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use memchr::{memchr, memchr2};

use super::lua;

/// nginx reads through a buffer of this size, which a word or a comment has to fit (NGX_CONF_BUFFER).
const BUFFER: usize = 4096;

/// One word of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'a> {
    raw: &'a [u8],
    start: u32,
    quoted: bool,
    escaped: bool,
}

impl<'a> Word<'a> {
    /// What the word means: without its quotes, its backslashes resolved.
    pub fn value(&self) -> Cow<'a, [u8]> {
        if self.escaped { Cow::Owned(unescaped(self.raw)) } else { Cow::Borrowed(self.raw) }
    }

    /// The word as it stands between its quotes, if that is what it means.
    pub fn plain(&self) -> Option<&'a [u8]> {
        (!self.escaped).then_some(self.raw)
    }

    pub fn is(&self, value: &[u8]) -> bool {
        self.raw == value && !self.escaped || self.escaped && unescaped(self.raw) == value
    }

    /// The offsets of what stands between the quotes.
    pub fn inside(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.raw.len()
    }

    /// The offsets of the word with its quotes.
    pub fn range(&self) -> Range<usize> {
        let quote = usize::from(self.quoted);
        self.inside().start - quote..self.inside().end + quote
    }
}

/// Only these sequences mean another character; any other backslash stays and takes away what the next character does.
fn unescaped(raw: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(raw.len());
    let mut rest = raw;
    loop {
        rest = match rest {
            [] => return value,
            [b'\\', quoted @ (b'"' | b'\'' | b'\\'), rest @ ..] => {
                value.push(*quoted);
                rest
            }
            [b'\\', letter @ (b't' | b'r' | b'n'), rest @ ..] => {
                value.push(match letter {
                    b't' => b'\t',
                    b'r' => b'\r',
                    _ => b'\n',
                });
                rest
            }
            [byte, rest @ ..] => {
                value.push(*byte);
                rest
            }
        }
    }
}

/// What was read; its words are in [`Blocks::words`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statement {
    /// Words and a semicolon.
    Simple,
    /// Words and `{`.
    Open,
    /// `}`; it has no words.
    Close,
    /// Words and a whole block in another language.
    Foreign,
}

/// Why nginx does not read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub what: Wrong,
    /// The offsets of what is wrong: where an open thing begins, or the character that is out of place.
    pub at: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    Unexpected(char),
    OpenBlock,
    OpenStatement,
    OpenLua,
    TooLong,
}

impl fmt::Display for Wrong {
    /// In nginx's own words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Unexpected(found) => write!(f, "unexpected \"{found}\""),
            Wrong::OpenBlock => f.write_str("unexpected end of file, expecting \"}\""),
            Wrong::OpenStatement => f.write_str("unexpected end of file, expecting \";\" or \"}\""),
            Wrong::OpenLua => {
                f.write_str("unexpected end of file, expecting terminating characters for lua code block")
            }
            Wrong::TooLong => write!(f, "too long parameter, nginx reads {BUFFER} bytes at a time"),
        }
    }
}

/// A file, read statement by statement.
#[derive(Debug)]
pub struct Blocks<'a> {
    bytes: &'a [u8],
    at: usize,
    words: Vec<Word<'a>>,
    /// Where the blocks that are still open begin.
    braces: Vec<u32>,
}

impl<'a> Blocks<'a> {
    /// `start` is where to begin, e.g. after a byte order mark.
    pub fn new(bytes: &'a [u8], start: usize) -> Self {
        Self { bytes, at: start, words: Vec::new(), braces: Vec::new() }
    }

    /// The words of the statement that was read last.
    pub fn words(&self) -> &[Word<'a>] {
        &self.words
    }

    /// The offsets of the statement that was read last: from its first word to its `;` or `{`.
    pub fn site(&self) -> Range<usize> {
        self.words.first().map_or(self.at, |word| word.range().start)..self.at
    }

    /// The next statement; nothing at the end of the file. After a fault there is nothing more to read.
    pub fn read(&mut self) -> Result<Option<Statement>, Fault> {
        self.words.clear();
        loop {
            self.skip_space()?;
            let Some(&byte) = self.bytes.get(self.at) else { return self.end() };
            match (byte, self.words.is_empty()) {
                (b';', false) => {
                    self.at += 1;
                    return Ok(Some(Statement::Simple));
                }
                (b'{', false) => return self.open().map(Some),
                (b'}', true) => return self.close().map(Some),
                (b';' | b'{' | b'}', _) => return Err(self.unexpected(byte)),
                (b'"' | b'\'', _) => self.quoted(byte)?,
                _ => self.bare()?,
            }
        }
    }

    fn skip_space(&mut self) -> Result<(), Fault> {
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            self.at += rest.iter().position(|byte| !is_space(*byte)).unwrap_or(rest.len());
            match self.bytes.get(self.at..) {
                Some(comment @ [b'#', ..]) => {
                    let newline = memchr(b'\n', comment);
                    self.fits(self.at, self.at + newline.unwrap_or(comment.len() - 1))?;
                    self.at += newline.unwrap_or(comment.len());
                }
                _ => return Ok(()),
            }
        }
    }

    fn bare(&mut self) -> Result<(), Fault> {
        let start = self.at;
        let mut end = start;
        let mut escaped = false;
        loop {
            let rest = self.bytes.get(end..).unwrap_or_default();
            end += rest.iter().position(|byte| ends_or_changes(*byte)).unwrap_or(rest.len());
            match self.bytes.get(end) {
                Some(b'\\') => {
                    escaped = true;
                    end += 2;
                }
                // A brace right after a dollar is part of a variable's name.
                Some(b'$') => end += 1 + leading_braces(self.bytes.get(end + 1..).unwrap_or_default()),
                Some(byte) => {
                    self.fits(start, end + usize::from(is_space(*byte)))?;
                    self.push(start..end, false, escaped);
                    self.at = end;
                    return Ok(());
                }
                None => return Err(self.open_statement(start)),
            }
        }
    }

    fn quoted(&mut self, quote: u8) -> Result<(), Fault> {
        let start = self.at + 1;
        let mut end = start;
        let mut escaped = false;
        loop {
            let rest = self.bytes.get(end..).unwrap_or_default();
            end += memchr2(quote, b'\\', rest).ok_or_else(|| self.open_statement(start - 1))?;
            if self.bytes.get(end) == Some(&quote) {
                break;
            }
            escaped = true;
            end += 2;
        }
        self.push(start..end, true, escaped);
        self.at = end + 1;
        match self.bytes.get(self.at) {
            Some(byte) if is_space(*byte) => self.fits(start, self.at + 1),
            Some(b';' | b'{' | b')') => self.fits(start, self.at),
            Some(byte) => Err(self.unexpected(*byte)),
            None => Err(self.open_statement(start - 1)),
        }
    }

    fn push(&mut self, inside: Range<usize>, quoted: bool, escaped: bool) {
        let start = u32::try_from(inside.start).unwrap_or(u32::MAX);
        let raw = self.bytes.get(inside).unwrap_or_default();
        self.words.push(Word { raw, start, quoted, escaped });
    }

    /// nginx forgets where a word began only when it has read the byte at `seen`.
    fn fits(&self, start: usize, seen: usize) -> Result<(), Fault> {
        let long = seen - start >= BUFFER && start + BUFFER < self.bytes.len();
        if long { Err(Fault { what: Wrong::TooLong, at: self.line_from(start) }) } else { Ok(()) }
    }

    fn open(&mut self) -> Result<Statement, Fault> {
        let brace = self.at;
        self.at += 1;
        if self.words.first().is_some_and(|name| name.raw.ends_with(b"_by_lua_block")) {
            self.at = lua::block_end(self.bytes, self.at)
                .ok_or_else(|| Fault { what: Wrong::OpenLua, at: self.site() })?;
            return Ok(Statement::Foreign);
        }
        self.braces.push(u32::try_from(brace).unwrap_or(u32::MAX));
        Ok(Statement::Open)
    }

    fn close(&mut self) -> Result<Statement, Fault> {
        self.braces.pop().ok_or_else(|| self.unexpected(b'}'))?;
        self.at += 1;
        Ok(Statement::Close)
    }

    fn end(&self) -> Result<Option<Statement>, Fault> {
        match (self.words.is_empty(), self.braces.last()) {
            (false, _) => Err(self.open_statement(self.at)),
            (true, Some(brace)) => {
                let brace = *brace as usize;
                Err(Fault { what: Wrong::OpenBlock, at: brace..brace + 1 })
            }
            (true, None) => Ok(None),
        }
    }

    fn unexpected(&self, byte: u8) -> Fault {
        Fault { what: Wrong::Unexpected(char::from(byte)), at: self.at..self.at + 1 }
    }

    /// `word` is where the word starts that the file ends in, in case it is the first.
    fn open_statement(&self, word: usize) -> Fault {
        let start = self.words.first().map_or(word, |first| first.range().start);
        Fault { what: Wrong::OpenStatement, at: self.line_from(start) }
    }

    /// A place for people to look at: what goes on for pages is shown by its beginning.
    fn line_from(&self, start: usize) -> Range<usize> {
        let rest = self.bytes.get(start..).unwrap_or_default();
        let line = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        start..start + line.min(40)
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn ends_or_changes(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{' | b'\\' | b'$')
}

fn leading_braces(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| **byte == b'{').count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every statement as `[word|word]` followed by `;`, `{`, `}` or `L`, and the fault that ends the file, if any.
    fn read(text: &str) -> String {
        let mut blocks = Blocks::new(text.as_bytes(), 0);
        let mut seen = String::new();
        loop {
            let statement = match blocks.read() {
                Ok(Some(statement)) => statement,
                Ok(None) => return seen,
                Err(fault) => return format!("{seen}{}", fault.what),
            };
            if statement != Statement::Close {
                let words: Vec<_> = blocks.words().iter().map(Word::value).collect();
                seen += &format!("[{}]", String::from_utf8_lossy(&words.join(&b'|')));
            }
            seen.push(match statement {
                Statement::Simple => ';',
                Statement::Open => '{',
                Statement::Close => '}',
                Statement::Foreign => 'L',
            });
        }
    }

    #[test]
    fn words_end_as_nginx_ends_them() {
        for (text, seen) in [
            ("", ""),
            ("a b;c{d;}", "[a|b];[c]{[d];}"),
            ("a\r\n\tb # c;\n;", "[a|b];"),
            ("a#b;", "[a#b];"),
            ("a \"b c\" 'd;e';", "[a|b c|d;e];"),
            ("a \"b\\\"c\" 'd\\'' \\\\ \\n;", "[a|b\"c|d'|\\|\n];"),
            ("a b\\;c \\x \\{;", "[a|b\\;c|\\x|\\{];"),
            ("a ${b}c $d{ e;}", "[a|${b}c|$d]{[e];}"),
            ("a ${${b;", "[a|${${b];"),
            ("if ($a = \"b\") { }", "[if|($a|=|b|)]{}"),
            ("if ($a = \"b\"){}", "[if|($a|=|b|)]{}"),
            ("a b\"c;", "[a|b\"c];"),
            ("a b};", "[a|b}];"),
            ("a \"\";", "[a|];"),
            ("x_by_lua_block { s = '}' -- }\n } a;", "[x_by_lua_block]L[a];"),
        ] {
            assert_eq!(read(text), seen, "{text}");
        }
    }

    #[test]
    fn faults_are_nginx_s_own() {
        let unclosed = "unexpected end of file, expecting \";\" or \"}\"";
        for (text, seen) in [
            ("a", unclosed),
            ("a \"b;", unclosed),
            ("a \"b\\\"", unclosed),
            ("a b\\", unclosed),
            ("a 'b'", unclosed),
            ("a # b;", unclosed),
            ("a {", "[a]{unexpected end of file, expecting \"}\""),
            ("}", "unexpected \"}\""),
            ("a }", "unexpected \"}\""),
            (";", "unexpected \";\""),
            ("{", "unexpected \"{\""),
            ("a \"b\"c;", "unexpected \"c\""),
            ("a \"b\"# c\n;", "unexpected \"#\""),
            (
                "x_by_lua_block { \"}\"",
                "unexpected end of file, expecting terminating characters for lua code block",
            ),
        ] {
            assert_eq!(read(text), seen, "{text}");
        }
    }

    #[test]
    fn a_word_has_its_place_with_and_without_quotes() {
        let mut blocks = Blocks::new(b" listen 'backlog=1' ;", 0);
        assert_eq!(blocks.read(), Ok(Some(Statement::Simple)));
        assert_eq!(blocks.words()[1].inside(), 9..18);
        assert_eq!(blocks.words()[1].range(), 8..19);
        assert_eq!(blocks.site(), 1..21);
    }

    #[test]
    fn nesting_costs_no_stack() {
        let deep = 200_000;
        let text = "a{".repeat(deep) + &"}".repeat(deep);
        assert_eq!(read(&text), "[a]{".repeat(deep) + &"}".repeat(deep));
        assert!(read(&"a{".repeat(deep)).ends_with("expecting \"}\""));
    }

    #[test]
    fn a_fault_points_at_where_an_open_thing_begins() {
        let mut blocks = Blocks::new(b"http { server { } ", 0);
        while let Ok(Some(_)) = blocks.read() {}
        assert_eq!(blocks.read(), Err(Fault { what: Wrong::OpenBlock, at: 5..6 }));
        for (text, at) in
            [("z;\n b c\nd", 4..7), ("z; 'b\n", 3..5), ("z; a \"b\"c;", 8..9), ("z; } b;", 3..4)]
        {
            let mut blocks = Blocks::new(text.as_bytes(), 0);
            assert_eq!(blocks.read(), Ok(Some(Statement::Simple)));
            assert_eq!(blocks.read().unwrap_err().at, at, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_statements_or_a_fault(bytes in proptest::collection::vec(
            prop_oneof![Just(b'"'), Just(b'\\'), Just(b'{'), Just(b'}'), Just(b';'), Just(b' '), Just(b'$'), any::<u8>()],
            0..200,
        )) {
            let mut blocks = Blocks::new(&bytes, 0);
            let mut last = 0;
            while let Ok(Some(_)) = blocks.read() {
                prop_assert!(blocks.at > last);
                last = blocks.at;
                for word in blocks.words() {
                    prop_assert_eq!(bytes.get(word.inside()), Some(word.raw));
                }
            }
        }
    }
}
