//! Values below their names, as YAML has them: block scalars, lists, scalars on a line of their own, and what a Secret of
//! Kubernetes holds.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::names;
use super::scan::{Name, Scan};
use super::text::Text;
use super::value;

static SECRET: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?m-u)^kind:[ \t]*["']?(?:Sealed)?Secret["']?[ \t\r]*$"#).ok());

static DATA: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?m-u)^(?:data|stringData):[ \t\r]*\n((?:[ \t]+[^\n]*(?:\n|\z)|[ \t\r]*\n)*)").ok()
});

static PART: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?m-u)^---").ok());

/// Hides what lies below a name that has nothing beside it; whether there was something.
pub(super) fn block(scan: &mut Scan, start: usize, name: &Name) -> bool {
    let text = scan.text;
    let Some(column) = column(text, name) else { return false };
    let tagged = matches!(text.byte(start), b'!' | b'&');
    let start = if tagged { text.blanks(text.bare_end(start, None)) } else { start };
    let scalar = matches!(text.byte(start), b'|' | b'>');
    let signs = |at: &usize| matches!(text.byte(*at), b'|' | b'>' | b'+' | b'-' | b'0'..=b'9');
    let after = start + if scalar { (start..start + 3).take_while(signs).count() } else { 0 };
    let after = text.blanks(after);
    let end = if text.byte(after) == b'#' { text.line_end(after) } else { after };
    let judged = !scalar && end < scan.none_until;
    if judged || end >= text.len() || !matches!(text.byte(end), b'\n' | b'\r') {
        return false;
    }
    let below = Below { scalar, many: names::is_many(text.slice(name.range.clone())) };
    let (mut passed, hidden) = (0, scan.found.len());
    let mut at = text.line_end(end);
    while at < text.len() {
        let line = at + 1 + usize::from(text.byte(at) == b'\r');
        let end = text.line_end(line);
        let content = text.slice(line..end);
        let indent = content.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if indent < content.len() && !(below.many || passed < MOST) {
            break;
        }
        if indent < content.len() {
            let item = !scalar && content.get(indent..).is_some_and(|rest| rest.starts_with(b"- "));
            if indent < column || (indent == column && !item) {
                break;
            }
            passed += usize::from(line_below(scan, line + indent, end, below) == Line::Passed);
        }
        at = end.max(line);
        if passed == 0 && scan.found.len() > hidden {
            scan.at = at.min(text.len());
        }
        if line >= text.len() {
            break;
        }
    }
    let found = scan.found.len() > hidden;
    if below.many && !found {
        scan.none_until = at;
    }
    found
}

/// Where on its line a name begins, or the quote around it, if nothing but quotes and dashes stands before.
pub(super) fn column(text: Text, name: &Name) -> Option<usize> {
    let start = name.range.start;
    let mut at = start;
    loop {
        match text.before(at) {
            b'\n' => break,
            byte if byte.is_ascii_whitespace() || matches!(byte, b'-' | b'"' | b'\'') => at -= 1,
            _ => return None,
        }
    }
    Some(start - at - usize::from(matches!(text.before(start), b'"' | b'\'')))
}

/// Lines of a mapping below a name that are looked at for its value.
const MOST: usize = 6;

/// Whether a key gives the value of the name above.
fn is_value(key: &[u8]) -> bool {
    [&b"default"[..], b"value", b"defaultValue", b"plaintext", b"text"].contains(&key)
}

#[derive(Clone, Copy)]
struct Below {
    scalar: bool,
    many: bool,
}

#[derive(PartialEq)]
enum Line {
    Hidden,
    /// A mapping, whose names speak for themselves.
    Passed,
}

/// Hides a line below a name.
fn line_below(scan: &mut Scan, start: usize, end: usize, below: Below) -> Line {
    let text = scan.text;
    if below.scalar {
        scan.hide(start..end);
        return Line::Hidden;
    }
    let content = text.slice(start..end);
    let dash = content.iter().take_while(|byte| matches!(byte, b'-' | b' ')).count();
    let item = content.get(dash..).unwrap_or_default();
    let colon = item.windows(2).position(|pair| pair == b": ");
    let key = colon.or(item.ends_with(b":").then(|| item.len() - 1));
    match key {
        None => {
            let open = value::is_open(item.trim_ascii_end()) || item.starts_with(b"#");
            if !open {
                scan.hide(start + dash..end);
            }
            Line::Hidden
        }
        Some(at) if below.many || is_value(item.get(..at).unwrap_or_default()) => {
            let from = start + dash + at + 1;
            let value = text.blanks(from).min(end);
            scan.hide_unless_open(value..end);
            if below.many { Line::Hidden } else { Line::Passed }
        }
        Some(_) => Line::Passed,
    }
}

/// Hides the list item on the next line, which is what the option on this one is given.
pub(super) fn next_item(scan: &mut Scan, at: usize) {
    let text = scan.text;
    let next = text.white(at);
    if text.byte(next) != b'-' || text.byte(next + 1) != b' ' {
        return;
    }
    let value = text.blanks(next + 1);
    if text.byte(value) != b'-' && !text.slice(value..value + 2).ends_with(b"-") {
        let end = text.line_end(value);
        scan.hide_unless_open(value..end);
        scan.at = end;
    }
}

/// Whether an object lies below a name, as below a service called `auth`, whose first lines do not give the name a value.
pub(super) fn is_object(text: Text, at: usize, name: &Name) -> bool {
    let mut line = text.white(at);
    let deeper = text.lately(line).len() > text.lately(name.range.start).len();
    if text.byte(text.blanks(at)) != b'\n' || !deeper || names::is_many(text.slice(name.range.clone())) {
        return false;
    }
    for number in 0..MOST {
        let content = text.shortly(line).trim_ascii_end();
        let colon = content.windows(2).position(|pair| pair == b": ");
        match colon.or(content.ends_with(b":").then(|| content.len() - 1)) {
            None if number == 0 => return false,
            Some(key) if is_value(content.get(..key).unwrap_or_default()) => return false,
            _ => line = text.white(text.line_end(line)),
        }
    }
    true
}

/// Where the value of `? PASSWORD` stands: behind a colon on the next line.
pub(super) fn explicit(text: Text, at: usize) -> Option<usize> {
    let next = text.white(at);
    (text.byte(next) == b':' && text.byte(next + 1) == b' ').then_some(next + 1)
}

/// Hides the second line of `- "PASSWORD`, which a quote spans; whether there was one.
pub(super) fn folded(scan: &mut Scan, start: usize, at: usize) -> bool {
    let text = scan.text;
    let Some(quote) = scan.quote.filter(|quote| quote.len == 1 && quote.end() == start) else { return false };
    if text.lately(quote.start).trim_ascii() != b"-" {
        return false;
    }
    let next = text.white(at);
    let ends = |byte: &u8| *byte == text.byte(quote.start);
    let Some(len) = text.shortly(next).iter().position(ends) else { return false };
    scan.hide_unless_open(next..next + len);
    scan.at = next + len;
    true
}

/// Hides the values of Secrets of Kubernetes.
pub(super) fn kubernetes(bytes: &[u8], found: &mut Vec<std::ops::Range<usize>>) {
    if memchr::memmem::find(bytes, b"Secret").is_none() {
        return;
    }
    let (Some(secret), Some(data), Some(part)) = (SECRET.as_ref(), DATA.as_ref(), PART.as_ref()) else {
        return;
    };
    let starts: Vec<usize> = part.find_iter(bytes).map(|sign| sign.start()).collect();
    let ends = starts.iter().copied().chain([bytes.len()]);
    for (start, end) in std::iter::once(0).chain(starts.iter().copied()).zip(ends) {
        let document = bytes.get(start..end).unwrap_or_default();
        if !secret.is_match(document) {
            continue;
        }
        for block in data.captures_iter(document).filter_map(|block| block.get(1)) {
            let mut at = start + block.start();
            for line in block.as_bytes().split_inclusive(|byte| *byte == b'\n') {
                let text = line.trim_ascii_end();
                let value = memchr::memchr(b':', text).map_or(0, |colon| colon + 1);
                let blanks = text.iter().skip(value).take_while(|byte| byte.is_ascii_whitespace()).count();
                if value + blanks < text.len() {
                    found.push(at + value + blanks..at + text.len());
                }
                at += line.len();
            }
        }
    }
}
