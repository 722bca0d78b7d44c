//! PHP's ini grammar (Zend/zend_ini_scanner.l and zend_ini_parser.y in normal mode): sections, entries, entries with an
//! offset. php.ini is read as a whole, PHP-FPM's files line by line.

use std::borrow::Cow;
use std::ops::Range;

use super::number::atoi;
use crate::text::{SourceId, Span, Text};

/// More brackets and signs than anybody opens before one value.
const MAX_DEPTH: usize = 32;

/// One statement. Names are as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    Section(Text),
    /// `name = value`; a name alone has no value.
    Entry {
        name: String,
        at: Range<usize>,
        value: Option<Text>,
    },
    /// `name[key] = value`.
    Offset {
        name: String,
        at: Range<usize>,
        key: Text,
    },
}

/// What `${name}` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filled {
    Known(String),
    Unknown,
}

/// What PHP calls a syntax error, and the byte where it is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub message: &'static str,
    pub at: usize,
    /// How deep we follow, where it is PHP that would go on.
    pub ours: Option<usize>,
}

/// The statements of `bytes[range]`, up to the first fault. A variable whose value is not known is left out of a value, which is
/// open then.
pub fn read(
    source: SourceId,
    bytes: &[u8],
    range: Range<usize>,
    variable: &dyn Fn(&str) -> Filled,
) -> (Vec<Statement>, Option<Fault>) {
    let mut scan = Scan { source, bytes: bytes.get(..range.end).unwrap_or(bytes), at: range.start, variable };
    if scan.rest().starts_with(b"\xef\xbb\xbf") {
        scan.at += 3;
    }
    let mut statements = Vec::new();
    loop {
        match scan.statement() {
            Ok(Some(statement)) => statements.push(statement),
            Ok(None) => return (statements, None),
            Err(fault) => return (statements, Some(fault)),
        }
    }
}

struct Scan<'a> {
    source: SourceId,
    bytes: &'a [u8],
    at: usize,
    variable: &'a dyn Fn(&str) -> Filled,
}

type Step<T> = Result<T, Fault>;

/// Where a list of pieces stands, and so what may be in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Value,
    /// A section's name: up to the bracket that closes it.
    Section,
    /// The same, but blanks before the bracket are dropped.
    Offset,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn fault<T>(&self, message: &'static str) -> Step<T> {
        Err(Fault { message, at: self.at.min(self.bytes.len()), ours: None })
    }

    /// Passes over the bytes of a kind; the answer is where they stood.
    fn run(&mut self, is_one: impl Fn(u8) -> bool) -> Range<usize> {
        let start = self.at;
        while self.peek().is_some_and(&is_one) {
            self.at += 1;
        }
        start..self.at
    }

    fn span(&self, at: Range<usize>) -> Span {
        Span::new(self.source, at)
    }

    fn blanks(&mut self) {
        self.run(|byte| matches!(byte, b' ' | b'\t'));
    }

    fn lossy(&self, at: &Range<usize>) -> Cow<'a, str> {
        String::from_utf8_lossy(self.bytes.get(at.clone()).unwrap_or_default())
    }

    fn comment(&mut self) {
        self.run(|byte| !matches!(byte, b'\n' | b'\r'));
    }

    fn statement(&mut self) -> Step<Option<Statement>> {
        loop {
            self.run(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
            match self.peek() {
                None => return Ok(None),
                Some(b';') => self.comment(),
                Some(b'[') => {
                    self.at += 1;
                    let name = self.bracket(State::Section)?;
                    return Ok(Some(Statement::Section(name)));
                }
                Some(byte) if is_label(byte) => return self.labelled().map(Some),
                Some(_) => return self.fault("it is neither a section nor a key"),
            }
        }
    }

    fn labelled(&mut self) -> Step<Statement> {
        let mut at = self.run(is_label);
        let name = self.lossy(&at).trim_end_matches(' ').to_owned();
        at.end = at.start + name.len().min(at.len());
        if self.peek() == Some(b'[') {
            self.at += 1;
            self.blanks();
            let key = self.bracket(State::Offset)?;
            self.blanks();
            if self.peek() != Some(b'=') {
                return self.fault("there is no = after the bracket");
            }
            self.value()?;
            return Ok(Statement::Offset { name, at, key });
        }
        if is_keyword(&name).is_some() {
            return self.fault("a word such as yes or null is not a key");
        }
        let end = self.at;
        self.blanks();
        match self.peek() {
            Some(b'=') => Ok(Statement::Entry { name, at, value: Some(self.value()?) }),
            _ => {
                self.at = end;
                Ok(Statement::Entry { name, at, value: None })
            }
        }
    }

    /// What follows the equals sign, to the end of the line.
    fn value(&mut self) -> Step<Text> {
        self.at += 1;
        self.blanks();
        let value = match self.keyword() {
            Some(word) => word,
            None if self.ends() => Text::nothing(self.span(self.at..self.at)),
            None => self.expression(0)?,
        };
        self.end_of_value()?;
        Ok(value)
    }

    /// Whether the value ends here, blanks and a comment aside.
    fn ends(&self) -> bool {
        let rest = self.rest();
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        matches!(rest.get(blanks), None | Some(b'\n' | b'\r' | b';'))
    }

    fn end_of_value(&mut self) -> Step<()> {
        match self.peek() {
            _ if self.ends() => {
                self.comment();
                Ok(())
            }
            Some(b'=') => self.fault("an unquoted = in a value"),
            // A quote that nothing closes ends the value; what follows it is taken for a statement.
            Some(b'\'') => {
                self.at += 1;
                Ok(())
            }
            _ => self.fault("something in the value that must be quoted"),
        }
    }

    /// `yes`, `off`, `null` and their like are the whole value.
    fn keyword(&mut self) -> Option<Text> {
        let (start, at) = (self.at, self.plain());
        match is_keyword(&self.lossy(&at)) {
            Some(text) => Some(Text::meant(text, self.span(at))),
            None => {
                self.at = start;
                None
            }
        }
    }

    /// Operators are all alike in rank and work on what atoi(3) makes of their sides.
    fn expression(&mut self, depth: usize) -> Step<Text> {
        let mut left = self.operand(depth)?;
        while let Some(operator @ (b'|' | b'&' | b'^')) = self.peek() {
            self.at += 1;
            self.blanks();
            let right = self.operand(depth)?;
            let (a, b) = (atoi(&left), atoi(&right));
            let result = match operator {
                b'|' => a | b,
                b'&' => a & b,
                _ => a ^ b,
            };
            let at = Span { end: right.span().end, ..left.span() };
            left = Text::meant(result.to_string(), at).with_open_of(&left).with_open_of(&right);
        }
        Ok(left)
    }

    fn operand(&mut self, depth: usize) -> Step<Text> {
        let Some(sign @ (b'(' | b'~' | b'!')) = self.peek() else { return self.list(State::Value) };
        if depth >= MAX_DEPTH {
            let fault = self.fault("brackets and signs");
            return fault.map_err(|fault| Fault { ours: Some(MAX_DEPTH), ..fault });
        }
        self.at += 1;
        self.blanks();
        let inner = if sign == b'(' { self.expression(depth + 1)? } else { self.operand(depth + 1)? };
        let text = match sign {
            b'(' => {
                if self.peek() != Some(b')') {
                    return self.fault("an unquoted ( that nothing closes");
                }
                self.at += 1;
                self.blanks();
                inner.as_str().to_owned()
            }
            b'~' => (!atoi(&inner)).to_string(),
            _ => i32::from(atoi(&inner) == 0).to_string(),
        };
        Ok(Text::meant(text, inner.span()).with_open_of(&inner))
    }

    fn bracket(&mut self, state: State) -> Step<Text> {
        let text = match self.peek() {
            Some(b']') => Text::nothing(self.span(self.at..self.at)),
            _ => self.list(state)?,
        };
        if self.peek() != Some(b']') {
            return self.fault("a [ that nothing closes");
        }
        self.at += 1;
        Ok(text)
    }

    /// Runs, quoted strings and variables that make one text, at least one of them.
    fn list(&mut self, state: State) -> Step<Text> {
        let mut joined: Option<Text> = None;
        while let Some(piece) = self.piece(state)? {
            joined = Some(match joined {
                None => piece,
                // Blanks that end a value are none of it, but for those that something follows.
                Some(mut before) => {
                    before.push_text(&piece);
                    let whole = Span { end: piece.whole().end, ..before.whole() };
                    before.with_whole(whole)
                }
            });
        }
        joined.map_or_else(|| self.fault("a value is missing"), |joined| Ok(joined.as_one()))
    }

    fn piece(&mut self, state: State) -> Step<Option<Text>> {
        if state == State::Value && self.ends() {
            return Ok(None);
        }
        let blanks = self.run(|byte| matches!(byte, b' ' | b'\t'));
        match self.peek() {
            Some(b'"') => return self.quoted().map(Some),
            _ if !blanks.is_empty() => {
                let dropped = state == State::Offset && self.peek() == Some(b']');
                return Ok((!dropped).then(|| self.as_written(blanks)));
            }
            Some(b'\'') => return Ok(self.raw()),
            Some(b'$') if self.rest().starts_with(b"${") => return self.filled().map(Some),
            _ => {}
        }
        let at = if state == State::Value { self.plain() } else { self.plain_in_bracket() };
        if state == State::Value && is_keyword(&self.lossy(&at)).is_some() {
            return self.fault("a word such as yes or null inside a value must be quoted");
        }
        Ok((!at.is_empty()).then(|| self.as_written(at)))
    }

    fn as_written(&self, at: Range<usize>) -> Text {
        let text = self.bytes.get(at.clone()).unwrap_or_default();
        Text::written(text, self.span(at)).in_characters()
    }

    /// What needs no quotes in a value.
    fn plain(&mut self) -> Range<usize> {
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b'$' => match self.bytes.get(self.at + 1) {
                    None | Some(b'{' | 0) => break,
                    Some(_) => self.at += 2,
                },
                b'=' | b' ' | b'\t' | b'\n' | b'\r' | b';' | b'"' | b'\'' | 0 => break,
                _ if is_operator(byte) => break,
                _ => self.at += 1,
            }
        }
        start..self.at
    }

    fn plain_in_bracket(&mut self) -> Range<usize> {
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b'$' | b'\\' => match self.bytes.get(self.at + 1) {
                    None | Some(0) => break,
                    Some(b'{') if byte == b'$' => break,
                    Some(_) => self.at += 2,
                },
                b'\n' | b'\r' | b';' | b'"' | b'\'' | b']' => break,
                _ => self.at += 1,
            }
        }
        start..self.at
    }

    /// `'as it is'`. A quote that nothing closes is none.
    fn raw(&mut self) -> Option<Text> {
        let start = self.at + 1;
        let length = memchr::memchr(b'\'', self.bytes.get(start..)?).filter(|length| *length > 0)?;
        self.at = start + length + 1;
        Some(self.as_written(start..start + length))
    }

    fn quoted(&mut self) -> Step<Text> {
        self.at += 1;
        let start = self.at;
        let mut text = Text::default();
        loop {
            let Some(byte) = self.peek() else { return self.fault("a \" that nothing closes") };
            let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
            match (byte, rest) {
                (b'"', _) => break,
                (b'$', [b'{', ..]) => text.push_text(&self.filled()?),
                // A Windows path may end in a backslash.
                (b'\\', [b'"'] | [b'"', b'\n' | b'\r', ..]) => self.one(&mut text, byte),
                (b'\\', [escaped @ (b'"' | b'\\' | b'$'), ..]) => {
                    text.push_for(&[*escaped], self.span(self.at..self.at + 2));
                    self.at += 2;
                }
                _ => self.one(&mut text, byte),
            }
        }
        let whole = self.span(start..self.at);
        self.at += 1;
        self.blanks();
        Ok(text.with_whole(whole).in_characters().as_one())
    }

    /// The byte here stands for itself.
    fn one(&mut self, text: &mut Text, byte: u8) {
        text.push_bytes(self.source, self.at, &[byte]);
        self.at += 1;
    }

    /// `${name}`.
    fn filled(&mut self) -> Step<Text> {
        let start = self.at;
        self.at += 2;
        let at = self.run(is_label);
        let name = self.lossy(&at).trim_matches([' ', '\t']).to_owned();
        if at.is_empty() || self.peek() != Some(b'}') {
            return self.fault("a ${ that nothing closes");
        }
        self.at += 1;
        let at = self.span(start..self.at);
        Ok(match (self.variable)(&name) {
            Filled::Known(text) => Text::meant(text, at),
            Filled::Unknown => Text::nothing(at).with_open(&name),
        })
    }
}

fn is_label(byte: u8) -> bool {
    !matches!(byte, b'=' | b'\n' | b'\r' | b'\t' | b';' | b'$' | b'{' | b'}' | b'"' | b'[')
        && !is_operator(byte)
}

fn is_operator(byte: u8) -> bool {
    matches!(byte, b'&' | b'|' | b'^' | b'~' | b'(' | b')' | b'!')
}

/// What a word that stands for a truth value is as text.
fn is_keyword(word: &str) -> Option<&'static str> {
    let is_one = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    match () {
        () if is_one(&["true", "on", "yes"]) => Some("1"),
        () if is_one(&["false", "off", "no", "none", "null"]) => Some(""),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Origin, Sources};

    fn statements(bytes: &[u8], variable: &dyn Fn(&str) -> Filled) -> (Vec<Statement>, Option<Fault>) {
        let source = Sources::new().add(Origin::Builtin(String::new()), Vec::new());
        read(source, bytes, 0..bytes.len(), variable)
    }

    fn value(line: &str) -> Result<String, &'static str> {
        let variable = |name: &str| match name {
            "SET" => Filled::Known("1".into()),
            _ => Filled::Unknown,
        };
        match statements(line.as_bytes(), &variable) {
            (_, Some(fault)) => Err(fault.message),
            (statements, None) => match statements.into_iter().next() {
                Some(Statement::Entry { value, .. }) => {
                    Ok(value.map_or("no value".into(), |text| text.to_string()))
                }
                other => Ok(format!("{other:?}")),
            },
        }
    }

    #[test]
    fn values_are_what_php_makes_of_them() {
        for (line, expected) in [
            ("a = 5", "5"),
            ("a\t=\t5 ; five\n", "5"),
            ("  a=b c  \r\n", "b c"),
            ("a = \"b\" 'c' d", "bc d"),
            (r#"a = "%t \"%m\" \\ \$x \y""#, r#"%t "%m" \ $x \y"#),
            (r#"a = "C:\dir\""#, r"C:\dir\"),
            ("a = ${SET}${UNSET}2", "12"),
            ("a = \"x${SET}\"", "x1"),
            ("a = $pool-$x", "$pool-$x"),
            ("a = Yes", "1"),
            ("a = none", ""),
            ("a = yesterday", "yesterday"),
            ("a =", ""),
            ("a = ;", ""),
            ("a = (5 | 2) & ~1", "6"),
            ("a = !5", "0"),
            ("a", "no value"),
            ("# a", "no value"),
        ] {
            assert_eq!(value(line), Ok(expected.to_owned()), "{line}");
        }
    }

    #[test]
    fn what_php_refuses_is_refused() {
        for line in [
            "a = b=c",
            "a = %R (s)",
            "a = \"b",
            "a = I say no",
            "a = b ! c",
            "[www",
            "a[b = c",
            "a[b] c",
            "= c",
            "yes = 1",
            "a = ${b",
            "a = )",
        ] {
            assert!(value(line).is_err(), "{line}: {:?}", value(line));
        }
        let deep = format!("a = {}1", "~".repeat(100_000));
        assert!(value(&deep).is_err());
    }

    #[test]
    fn only_a_run_by_itself_is_exact() {
        for (line, expected) in [
            ("a = 512", true),
            ("a = \"512\"", true),
            ("a = '512' ; x", true),
            ("a = 5'1'2", false),
            ("a = ${SET}", false),
            ("a = 1|2", false),
            ("a = yes", false),
        ] {
            let (found, _) = statements(line.as_bytes(), &|_| Filled::Unknown);
            let Some(Statement::Entry { value: Some(value), .. }) = found.first() else { panic!() };
            assert_eq!(value.exact().is_some(), expected, "{line}");
            assert!(!expected || line[value.span().range()] == **value, "{line}");
        }
    }

    #[test]
    fn sections_keep_their_blanks_and_offsets_do_not() {
        let line = "[ www ] a[ b ] = c";
        let (found, fault) = statements(line.as_bytes(), &|_| Filled::Unknown);
        assert_eq!(fault, None);
        let [Statement::Section(name), ..] = found.as_slice() else { panic!() };
        assert_eq!(name.as_str(), " www ");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(0_u8..128, 0..80)) {
            statements(&bytes, &|_| Filled::Unknown);
        }

        #[test]
        fn no_grammar_makes_it_panic(line in r#"[a\[\]="'${}\\;~(|) \n]{0,40}"#) {
            statements(line.as_bytes(), &|_| Filled::Unknown);
        }
    }
}
