//! The Caddyfile's words: quotes, backticks, heredocs, comments, and the variables that are put in before anything is read.

pub mod blocks;

use crate::text::{SourceId, Span};

/// One word and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub span: Span,
    pub quoted: bool,
    /// It is the first of its line; a line that ends in a backslash goes on in the next one.
    pub first: bool,
}

impl Token {
    /// A brace that opens a block.
    pub fn opens(&self) -> bool {
        !self.quoted && self.text == "{"
    }

    /// A brace that closes one.
    pub fn closes(&self) -> bool {
        !self.quoted && self.text == "}"
    }

    /// A variable that nobody sets stands in it as written, or a template's own words do.
    pub fn is_open(&self) -> bool {
        ["{$", "{{", "{%", "<%"].iter().any(|mark| self.text.contains(mark))
    }
}

/// What breaks a file off, and where.
pub type Broken = (String, Span);

/// The words of a file. A variable that `lookup` does not know has its default, or stays as it is written.
pub fn tokens(
    file: SourceId,
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<Token>, Broken> {
    let expanded = Expanded::of(text.strip_prefix('\u{feff}').unwrap_or(text), lookup);
    let skipped = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let span = |start: usize, end: usize| {
        let (start, end) = (expanded.origin(start), expanded.origin(end));
        Span::new(file, start + skipped..end.max(start) + skipped)
    };
    let mut lexer = Lexer::new(&expanded.text);
    let mut found = Vec::new();
    let mut last_line = 0;
    while let Some(word) = lexer.next().map_err(|(message, at)| (message, span(at, at)))? {
        let heredoc = usize::from(word.heredoc) * 2;
        let first = found.is_empty() || last_line < word.line;
        last_line = word.line + word.text.matches('\n').count() + heredoc;
        let span = span(word.start, word.end);
        found.push(Token { text: word.text, span, quoted: word.quoted, first });
    }
    Ok(found)
}

/// A text with its variables put in.
struct Expanded {
    text: String,
    /// Where a piece starts in the new text and in the old one, and whether it was copied.
    pieces: Vec<(usize, usize, bool)>,
}

impl Expanded {
    fn of(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut made = Self { text: String::with_capacity(text.len()), pieces: Vec::new() };
        let mut done = 0;
        while let Some((before, rest)) = text.get(done..).and_then(|rest| rest.split_once("{$")) {
            let Some((inside, _)) = rest.split_once('}') else { break };
            made.copy(before, done);
            let start = done + before.len();
            done = start + inside.len() + 3;
            let (name, default) = match inside.split_once(':') {
                Some((name, default)) => (name, Some(default)),
                None => (inside, None),
            };
            let known = if inside.is_empty() { None } else { lookup(name) };
            match known.or_else(|| default.map(str::to_owned)) {
                Some(value) => {
                    made.pieces.push((made.text.len(), start, false));
                    made.text.push_str(&value);
                }
                None => made.copy(text.get(start..done).unwrap_or_default(), start),
            }
        }
        made.copy(text.get(done..).unwrap_or_default(), done);
        made.pieces.push((made.text.len(), text.len(), true));
        made
    }

    fn copy(&mut self, text: &str, from: usize) {
        self.pieces.push((self.text.len(), from, true));
        self.text.push_str(text);
    }

    fn origin(&self, offset: usize) -> usize {
        let next = self.pieces.partition_point(|(start, ..)| *start <= offset);
        match next.checked_sub(1).and_then(|at| self.pieces.get(at)) {
            Some((start, old, true)) => old + (offset - start),
            Some((_, old, false)) => *old,
            None => offset,
        }
    }
}

/// A word of the expanded text.
struct Word {
    text: String,
    start: usize,
    end: usize,
    line: usize,
    quoted: bool,
    heredoc: bool,
}

/// Caddy's own lexer, step by step (caddyconfig/caddyfile/lexer.go).
struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    /// Line ends after backslashes, which count only at the next real one.
    skipped: usize,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, line: 1, skipped: 0 }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn end_line(&mut self) {
        self.line += 1 + self.skipped;
        self.skipped = 0;
    }

    fn next(&mut self) -> Result<Option<Word>, (String, usize)> {
        self.skip_blanks();
        let (start, line) = (self.at, self.line);
        match self.peek() {
            None => Ok(None),
            Some(quote @ ('"' | '`')) => {
                self.at += 1;
                let (text, quoted) = self.quoted(quote);
                // Quotes that nothing ever closes hold the rest of the file.
                let end = if quoted { self.at - 1 } else { self.at };
                Ok(Some(Word { text, start: start + 1, end, line, quoted, heredoc: false }))
            }
            Some(_) => self.plain(start, line).map(Some),
        }
    }

    /// Blanks, comments and lines that are continued.
    fn skip_blanks(&mut self) {
        let mut comment = false;
        while let Some(next) = self.peek() {
            match next {
                '\n' => {
                    comment = false;
                    self.end_line();
                }
                '#' => comment = true,
                '\\' if !comment && self.is_continued() => {
                    self.skipped += 1;
                    self.at += if self.text.get(self.at + 1..).is_some_and(|it| it.starts_with('\r')) {
                        2
                    } else {
                        1
                    };
                }
                _ if comment || next.is_whitespace() => {}
                _ => return,
            }
            self.at += next.len_utf8();
        }
    }

    fn is_continued(&self) -> bool {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        rest.starts_with('\n') || rest.starts_with("\r\n")
    }

    /// What stands up to the closing quote; only `"` can be escaped, and only in `"`.
    fn quoted(&mut self, quote: char) -> (String, bool) {
        let mut text = String::new();
        let mut escaped = false;
        while let Some(next) = self.peek() {
            self.at += next.len_utf8();
            if next == '\\' && !escaped && quote == '"' {
                escaped = true;
                continue;
            }
            if escaped {
                if next != '"' {
                    text.push('\\');
                }
                escaped = false;
            } else if next == quote {
                return (text, true);
            }
            if next == '\n' {
                self.end_line();
            }
            text.push(next);
        }
        (text, false)
    }

    fn plain(&mut self, start: usize, line: usize) -> Result<Word, (String, usize)> {
        let mut text = String::new();
        let mut heredoc = self.text.get(self.at..).is_some_and(|it| it.starts_with("<<"));
        while let Some(next) = self.peek() {
            if next == '\\' {
                if self.is_continued() {
                    break;
                }
                let rest = self.text.get(self.at + 1..).unwrap_or_default();
                self.at += 1;
                if text.is_empty() && rest.starts_with('<') {
                    heredoc = false;
                } else {
                    text.push('\\');
                }
                // A backslash escapes the next one of its kind from escaping.
                if rest.starts_with('\\') {
                    text.push('\\');
                    self.at += 1;
                }
                continue;
            }
            if heredoc && text.len() >= 2 && next == '\n' {
                self.at += 1;
                return self.heredoc(text.get(2..).unwrap_or_default().trim_end_matches('\r'), start, line);
            }
            if next == ' ' || (next.is_whitespace() && !(heredoc && text.len() >= 2)) {
                break;
            }
            self.at += next.len_utf8();
            text.push(next);
        }
        Ok(Word { text, start, end: self.at, line, quoted: false, heredoc: false })
    }

    /// The lines up to the marker, without the indent that the marker has.
    fn heredoc(&mut self, marker: &str, start: usize, line: usize) -> Result<Word, (String, usize)> {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        if marker.is_empty() || !marker.chars().all(fits) {
            let what = "a heredoc's marker has letters, digits, dashes and underscores only";
            return Err((format!("{what}; got '{marker}'"), start));
        }
        let body = self.at;
        let found = self.text.get(body..).and_then(|rest| rest.find(marker));
        let Some(length) = found else {
            let what = format!("incomplete heredoc <<{marker}, expected ending marker {marker}");
            return Err((what, start));
        };
        self.at = body + length + marker.len();
        let whole = self.text.get(body..body + length).unwrap_or_default();
        let (lines, indent) = whole.rsplit_once('\n').unwrap_or(("", whole));
        let stripped = lines.lines().map(|line| line.strip_prefix(indent).unwrap_or(line));
        let text = stripped.collect::<Vec<_>>().join("\n");
        self.line += 1 + whole.matches('\n').count();
        Ok(Word { text, start, end: self.at, line, quoted: true, heredoc: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Origin, Sources};

    fn words(text: &str) -> Vec<(String, bool)> {
        let sources = Sources::new();
        let file = sources.add(Origin::Builtin("Caddyfile".into()), text.as_bytes().to_vec());
        let lookup = |name: &str| (name == "PORT").then(|| "8080".to_owned());
        let found = tokens(file, text, &lookup).unwrap();
        for token in &found {
            assert!(token.span.end as usize <= text.len());
            if token.text == "here" {
                assert_eq!(&text[token.span.range()], "here");
            }
        }
        found.into_iter().map(|token| (token.text, token.first)).collect()
    }

    fn is(text: &str, expected: &[(&str, bool)]) {
        let expected: Vec<_> = expected.iter().map(|(word, first)| ((*word).to_owned(), *first)).collect();
        assert_eq!(words(text), expected, "{text:?}");
    }

    #[test]
    fn words_end_at_blanks_and_lines() {
        is("a b#c # d\n\te {\n}", &[("a", true), ("b#c", false), ("e", true), ("{", false), ("}", true)]);
        is("a \\\n b\nc", &[("a", true), ("b", false), ("c", true)]);
        is("a \\\r\n b\r\nc", &[("a", true), ("b", false), ("c", true)]);
    }

    #[test]
    fn quotes_hold_blanks() {
        is(r#""a \"b\" \n" `c "d`"#, &[(r#"a "b" \n"#, true), (r#"c "d"#, false)]);
        is("\"a\nb\" c\nd", &[("a\nb", true), ("c", false), ("d", true)]);
        is("\"a b", &[("a b", true)]);
    }

    #[test]
    fn variables_come_first() {
        is(
            ":{$PORT} here {$NO:d} {$NO}",
            &[(":8080", true), ("here", false), ("d", false), ("{$NO}", false)],
        );
    }

    #[test]
    fn heredocs_lose_their_indent() {
        is(
            "r <<E\n  a\n    b\n  E 200\nhere",
            &[("r", true), ("a\n  b", false), ("200", false), ("here", true)],
        );
        is("r \\<<E\nc", &[("r", true), ("<<E", false), ("c", true)]);
    }

    #[test]
    fn nothing_panics() {
        let alphabet = ["{", "}", "{$", "}", "<<", "E", "\n", "\r", "\\", "\"", "`", "#", " ", "é", ":", "a"];
        let sources = Sources::new();
        let mut seed = 7_usize;
        for _ in 0..3000 {
            let mut text = String::new();
            for _ in 0..14 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(alphabet[(seed >> 33) % alphabet.len()]);
            }
            let file = sources.add(Origin::Builtin("x".into()), text.clone().into_bytes());
            drop(tokens(file, &text, &|_| None));
        }
    }
}
