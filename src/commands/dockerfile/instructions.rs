//! How Dockerfiles are written: instructions, comments, continued lines, here-documents (Dockerfile reference, "Format" and
//! "Here-Documents"; BuildKit's parser.go).

use crate::text::{SourceId, Text};

/// One instruction: its name in capitals, and the rest of it without line ends.
pub(super) struct Instruction {
    pub name: String,
    pub rest: Text,
}

/// The instructions of a file, and the letter that continues lines and quotes.
pub(super) fn instructions(bytes: &[u8], source: SourceId) -> (Vec<Instruction>, u8) {
    let mut quote = b'\\';
    let mut lines = Lines { bytes, at: 0 };
    let mut found: Vec<Instruction> = Vec::new();
    let mut directives = true;
    while let Some((start, line)) = lines.next_line() {
        let text = line.trim_ascii_start();
        if text.first() == Some(&b'#') {
            if let Some(letter) = directive(text).filter(|_| directives) {
                quote = letter;
            }
            continue;
        }
        directives = false;
        if text.is_empty() {
            continue;
        }
        let mut whole = Text::default();
        let continues = add(&mut whole, source, start + line.len() - text.len(), text, quote);
        if continues {
            lines.continued(&mut whole, source, quote);
        }
        let instruction = instruction(&whole);
        if matches!(instruction.name.as_str(), "RUN" | "COPY" | "ADD") {
            lines.skip_documents(&instruction.rest);
        }
        found.push(instruction);
    }
    (found, quote)
}

/// ``# escape=` ``
fn directive(comment: &[u8]) -> Option<u8> {
    let text = comment.get(1..)?.trim_ascii_start();
    let value = text.get(b"escape".len()..).filter(|_| text.to_ascii_lowercase().starts_with(b"escape"))?;
    value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii().first().copied()
}

/// Adds a line; whether the next one continues it.
fn add(text: &mut Text, source: SourceId, start: usize, line: &[u8], quote: u8) -> bool {
    let trimmed = line.trim_ascii_end();
    match trimmed.strip_suffix(&[quote]) {
        Some(begun) => {
            text.push_bytes(source, start, begun);
            true
        }
        None => {
            text.push_bytes(source, start, trimmed);
            false
        }
    }
}

fn instruction(line: &Text) -> Instruction {
    let bytes = line.bytes();
    let length = bytes.iter().position(u8::is_ascii_whitespace).unwrap_or(bytes.len());
    let name = line.slice(0..length).show().to_ascii_uppercase();
    let blanks = bytes.iter().skip(length).take_while(|byte| byte.is_ascii_whitespace()).count();
    Instruction { name, rest: line.slice(length + blanks..bytes.len()) }
}

struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    fn next_line(&mut self) -> Option<(usize, &'a [u8])> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let start = self.at;
        self.at += length + 1;
        let line = rest.get(..length)?;
        Some((start, line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// The lines that continue one; comments and empty lines between them do not count.
    fn continued(&mut self, whole: &mut Text, source: SourceId, quote: u8) {
        while let Some((start, line)) = self.next_line() {
            let text = line.trim_ascii_start();
            if text.is_empty() || text.first() == Some(&b'#') {
                continue;
            }
            if !add(whole, source, start, line, quote) {
                return;
            }
        }
    }

    /// Past the here-documents that an instruction begins.
    fn skip_documents(&mut self, rest: &Text) {
        for word in rest.bytes().split(u8::is_ascii_whitespace) {
            let Some((tabs, word)) = document(word) else { continue };
            while let Some((_, line)) = self.next_line() {
                let line = if tabs { line.trim_ascii_start() } else { line };
                if line == word {
                    break;
                }
            }
        }
    }
}

/// `<<EOF`, `<<-EOF`, `3<<"EOF"`: whether tabs are dropped, and the word that ends it.
fn document(word: &[u8]) -> Option<(bool, Vec<u8>)> {
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let word = word.get(digits..)?.strip_prefix(b"<<")?;
    let tabs = word.first() == Some(&b'-');
    let word = word.strip_prefix(b"-").unwrap_or(word);
    let word: Vec<u8> = word.iter().copied().filter(|byte| !matches!(byte, b'"' | b'\'')).collect();
    (!word.is_empty() && !word.contains(&b'<') && !word.iter().all(u8::is_ascii_digit))
        .then_some((tabs, word))
}
