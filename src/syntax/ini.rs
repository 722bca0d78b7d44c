//! INI files as Python's configparser reads them: sections, `key = value` or `key: value`, comments behind a blank, values that
//! go on in indented lines.

use std::rc::Rc;

use crate::text::{SourceId, Sources, Span, Text};

/// `key = value` in a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// All of a section share its name, which may be as long as the file.
    pub section: Rc<str>,
    /// In small letters.
    pub key: String,
    /// Its lines, joined by line ends.
    pub value: Text,
}

/// All entries in order. Comments begin with `;` or `#`, at the start of a line or behind a blank.
pub fn entries(sources: &Sources, file: SourceId) -> Vec<Entry> {
    let bytes = sources.bytes(file);
    let mut found: Vec<Entry> = Vec::new();
    let mut section = Rc::from("");
    // Whether indented lines go on with the last entry.
    let mut going = false;
    let mut at = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..length).unwrap_or_default();
        let start = at;
        at += length + 1;
        let line = without_comment(line).trim_ascii_end();
        let indent = line.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let text = line.get(indent..).unwrap_or_default();
        if text.is_empty() {
            continue;
        }
        if let Some(entry) = found.last_mut().filter(|_| going && indent > 0) {
            let begun = start + indent;
            entry.value.push_for(b"\n", Span::new(file, begun..begun));
            entry.value.push_bytes(file, begun, text);
            let whole = Span { end: entry.value.span().end, ..entry.value.whole() };
            entry.value = std::mem::take(&mut entry.value).with_whole(whole);
            continue;
        }
        if let Some(name) = text.strip_prefix(b"[").and_then(|text| text.split(|byte| *byte == b']').next()) {
            section = String::from_utf8_lossy(name).into();
            going = false;
            continue;
        }
        let Some(split) = text.iter().position(|byte| matches!(byte, b'=' | b':')) else { continue };
        let key = text.get(..split).unwrap_or_default().trim_ascii();
        let value = text.get(split + 1..).unwrap_or_default();
        let blanks = value.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let from = start + indent + split + 1 + blanks;
        let at = Span::new(file, from..from + value.len() - blanks);
        going = true;
        found.push(Entry {
            section: Rc::clone(&section),
            key: String::from_utf8_lossy(key).to_ascii_lowercase(),
            value: Text::plain(sources, at),
        });
    }
    found
}

fn without_comment(line: &[u8]) -> &[u8] {
    let blank = |index: usize| index == 0 || line.get(index - 1).is_some_and(u8::is_ascii_whitespace);
    let comment =
        line.iter().enumerate().position(|(index, byte)| matches!(byte, b';' | b'#') && blank(index));
    line.get(..comment.unwrap_or(line.len())).unwrap_or_default()
}
