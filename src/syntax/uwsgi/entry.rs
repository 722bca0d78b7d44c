//! Options as uWSGI's files write them: ini, YAML and JSON here, XML beside it.

use std::ops::Range;

use crate::syntax::refusal::Refusal;
use crate::text::{Slot, SourceId, Span};

/// `key = value` of a file, a command line or the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    pub value: String,
    /// The value as written; the key where there is none.
    pub at: Span,
    /// The text there is the value.
    pub exact: bool,
    /// What in it is not known, as written.
    pub open: Option<String>,
    /// Where a `listen` can be put beside it.
    pub beside: Option<Slot>,
}

impl Entry {
    pub fn new(key: &str, value: &str, at: Span) -> Self {
        Self { key: key.to_owned(), value: value.to_owned(), at, exact: false, open: None, beside: None }
    }
}

/// The options of one section of a file.
#[derive(Debug, Default)]
pub struct Options {
    pub entries: Vec<Entry>,
    /// Where a `listen` can be put that stands in no block.
    pub top: Option<Slot>,
    /// What uWSGI does not read, and ends at.
    pub fault: Option<Refusal>,
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `bytes` without blanks at both ends, and where that stands.
fn trimmed(bytes: &[u8], start: usize) -> (&[u8], Range<usize>) {
    let before = bytes.iter().take_while(|byte| is_blank(**byte)).count();
    let rest = bytes.get(before..).unwrap_or_default();
    let after = rest.iter().rev().take_while(|byte| is_blank(**byte)).count();
    let text = rest.get(..rest.len() - after).unwrap_or_default();
    (text, start + before..start + before + text.len())
}

/// The lines of a text with their offsets, without line feeds.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    bytes.split_inclusive(|byte| *byte == b'\n').map(move |line| {
        let at = start;
        start += line.len();
        (at, line.strip_suffix(b"\n").unwrap_or(line))
    })
}

/// A line of its own after the line that begins at `start`, with what stands before and after the number.
fn line_after(source: SourceId, bytes: &[u8], start: usize, before: &str) -> Slot {
    let rest = bytes.get(start..).unwrap_or_default();
    match memchr::memchr(b'\n', rest) {
        Some(length) => {
            let end = start + length + 1;
            let crlf = rest.get(..length).is_some_and(|line| line.ends_with(b"\r"));
            Slot::insert(Span::new(source, end..end), before, if crlf { "\r\n" } else { "\n" })
        }
        None => Slot::insert(Span::new(source, bytes.len()..bytes.len()), format!("\n{before}"), ""),
    }
}

/// core/ini.c: uwsgi_ini_config. Only whole lines are comments; a section's header loses its last character.
pub fn ini(source: SourceId, bytes: &[u8], asked: &str) -> Options {
    let mut options = Options::default();
    let mut inside = false;
    for (start, line) in lines(bytes) {
        let (text, at) = trimmed(line, start);
        match text.first() {
            None | Some(b';' | b'#') => {}
            Some(b'[') => {
                let name = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
                inside = name == asked.as_bytes();
                if inside && options.top.is_none() {
                    options.top = Some(line_after(source, bytes, start, "listen = "));
                }
            }
            Some(_) if !inside => {}
            Some(_) => {
                let equals = memchr::memchr(b'=', text).unwrap_or(text.len());
                let (key, _) = trimmed(text.get(..equals).unwrap_or_default(), 0);
                let rest = text.get(equals + 1..).unwrap_or_default();
                let (value, place) = trimmed(rest, at.start + equals + 1);
                let written = if value.is_empty() { at } else { place };
                options.entries.push(Entry {
                    exact: !value.is_empty() && value.is_ascii(),
                    beside: Some(line_after(source, bytes, start, "listen = ")),
                    ..Entry::new(&lossy(key), &lossy(value), Span::new(source, written))
                });
            }
        }
    }
    options
}

/// The mapping of the asked name in a YAML file: scalars, and sequences of scalars, each a line. What else there may be is
/// not known.
pub(super) fn yaml(source: SourceId, bytes: &[u8], asked: &str) -> Options {
    let mut options = Options::default();
    let mut inside: Option<usize> = None;
    let mut key: Option<String> = None;
    for (start, line) in lines(bytes) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let depth = line.iter().take_while(|byte| **byte == b' ').count();
        let (text, at) = trimmed(yaml_content(line), start);
        if text.is_empty() || text == b"---" {
            continue;
        }
        let Some(outer) = inside else {
            let (name, rest) = yaml_key(text);
            if name.is_some_and(|name| name == asked.as_bytes()) && rest.is_some_and(<[u8]>::is_empty) {
                inside = Some(depth);
            }
            continue;
        };
        if let (Some(item), Some(key)) = (text.strip_prefix(b"-"), &key) {
            let (item, place) = trimmed(item, at.start + 1);
            options.entries.push(yaml_scalar(source, key, item, place));
            continue;
        }
        if depth <= outer {
            break;
        }
        let (Some(name), Some(rest)) = yaml_key(text) else { continue };
        let (value, place) = trimmed(rest, at.end - rest.len());
        let name = lossy(name);
        key = Some(name.clone());
        if !value.is_empty() {
            let before = format!("{}listen: ", " ".repeat(depth));
            let entry = yaml_scalar(source, &name, value, place);
            let beside = Some(line_after(source, bytes, start, &before));
            options.entries.push(Entry { beside, ..entry });
        }
    }
    options
}

/// A line without its comment.
fn yaml_content(line: &[u8]) -> &[u8] {
    let mut quote = None;
    for (at, byte) in line.iter().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            (None, b'#') if at == 0 || line.get(at - 1).copied().is_none_or(is_blank) => {
                return line.get(..at).unwrap_or_default();
            }
            _ => {}
        }
    }
    line
}

/// The key of a line, and what follows its colon.
fn yaml_key(text: &[u8]) -> (Option<&[u8]>, Option<&[u8]>) {
    let colon = memchr::memchr_iter(b':', text).find(|at| text.get(at + 1).copied().is_none_or(is_blank));
    let Some(colon) = colon else { return (None, None) };
    let name = text.get(..colon).map(|name| trimmed(name, 0).0);
    let name = name.map(|name| unquoted(name).unwrap_or(name));
    (name, text.get(colon + 1..))
}

fn unquoted(text: &[u8]) -> Option<&[u8]> {
    let inner = |quote: u8| text.strip_prefix(&[quote])?.strip_suffix(&[quote]);
    inner(b'"').or_else(|| inner(b'\''))
}

fn yaml_scalar(source: SourceId, key: &str, value: &[u8], at: Range<usize>) -> Entry {
    let (text, at) = match unquoted(value) {
        Some(inner) => (inner, at.start + 1..at.end.saturating_sub(1)),
        None => (value, at),
    };
    // Flows, blocks, anchors, tags and escapes.
    let odd = value.first().is_some_and(|byte| b"[{|>&*!".contains(byte)) || text.contains(&b'\\');
    Entry {
        exact: !odd && text.is_ascii(),
        open: odd.then(|| lossy(value)),
        ..Entry::new(key, &lossy(text), Span::new(source, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Origin, Sources, apply};

    fn read(text: &str, read: fn(SourceId, &[u8], &str) -> Options) -> (Vec<(String, String)>, Vec<String>) {
        let sources = Sources::new();
        let source = sources.add(Origin::Builtin("t".into()), text.as_bytes().to_vec());
        let options = read(source, text.as_bytes(), "uwsgi");
        let pairs = options.entries.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect();
        for entry in options.entries.iter().filter(|entry| entry.exact) {
            assert_eq!(sources.text(entry.at), entry.value);
        }
        let slots = options.entries.iter().filter_map(|entry| entry.beside.clone());
        let patched = slots.map(|slot| String::from_utf8(apply(text.as_bytes(), &[slot.edit(300)])).unwrap());
        (pairs, patched.collect())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn ini_is_read_as_uwsgi_reads_it() {
        let text = "[other]\na = 1\n [uwsgi]\r\n; b\n# c\n  d  = e = f ; g\nmaster\nh=\n[uwsgi] ; x\ni = 1\n[uwsgi)\nj = k";
        let (found, patched) = read(text, ini);
        assert_eq!(found, pairs(&[("d", "e = f ; g"), ("master", ""), ("h", ""), ("j", "k")]));
        assert!(patched[0].contains("g\nlisten = 300\nmaster"), "{}", patched[0]);
        assert!(patched[3].ends_with("j = k\nlisten = 300"), "{}", patched[3]);
    }

    #[test]
    fn yaml_is_a_mapping_of_scalars() {
        let text = "a: 1\nuwsgi:\n  socket: :3031 # x\n  'listen': \"64\"\n  env:\n    - A=b\n    - \"c\"\n  mount: [x]\n\nb:\n  listen: 5\n";
        let (found, patched) = read(text, yaml);
        assert_eq!(
            found,
            pairs(&[("socket", ":3031"), ("listen", "64"), ("env", "A=b"), ("env", "c"), ("mount", "[x]")])
        );
        assert!(patched[0].contains("# x\n  listen: 300\n  'listen'"), "{}", patched[0]);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(text in r##"([a-z]{0,2}|[\[\]:='"#;\n -]|uwsgi|\r\n){0,40}"##) {
            read(&text, ini);
            read(&text, yaml);
        }
    }
}
