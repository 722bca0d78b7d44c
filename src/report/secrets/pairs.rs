//! Values that stand apart from their names: `name="password" value="x"`, `- name: PASSWORD` above `value: x`,
//! `<password>x</password>`.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::text::{FAR, NEAR, Text, is_of_name};

/// Keys whose values are names.
const NAMES: [&str; 14] = [
    "attribute",
    "entry",
    "env",
    "field",
    "id",
    "key",
    "name",
    "option",
    "param-name",
    "parameter",
    "parameterkey",
    "property",
    "var",
    "variable",
];

/// Keys whose values belong to a name beside them.
const VALUES: [&str; 11] = [
    "content",
    "data",
    "default",
    "defaultvalue",
    "param-value",
    "parametervalue",
    "plaintext",
    "string",
    "text",
    "val",
    "value",
];

/// Words between a name and its value, and lines.
const WORDS: usize = 12;
const LINES: usize = 3;

static BEFORE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i-u)(?:^|[\s"',{])(?:val|value|content)["']?\s*[=:]\s*["']([^"']*)["']"#).ok()
});

/// What begins text that has no tags.
const CDATA: &str = "<![CDATA[";

pub(super) enum Place {
    /// It starts here.
    At(usize),
    /// It is this.
    Is(Range<usize>),
}

/// The value of a name that is a value itself, or an element.
pub(super) fn value_of(text: Text, name: Range<usize>, after: usize) -> Option<Place> {
    let before = text.lately(name.start);
    if is_element(before) {
        return content(text, after).or_else(|| following(text, after));
    }
    if !is_named(before) {
        return None;
    }
    let tag = before.iter().rposition(|byte| matches!(byte, b'<' | b'{' | b'>' | b'}'));
    let tag = before.get(tag.map_or(0, |at| at + 1)..).unwrap_or_default();
    let earlier = BEFORE.as_ref().and_then(|regex| regex.captures_iter(tag).last()?.get(1));
    if let Some(earlier) = earlier {
        let start = name.start - tag.len();
        return Some(Place::Is(start + earlier.start()..start + earlier.end()));
    }
    following(text, after)
}

/// `<` or `<ns:` stands before.
fn is_element(before: &[u8]) -> bool {
    let space = before.strip_suffix(b":").unwrap_or(before);
    let prefix =
        space.iter().rev().take_while(|byte| before.len() > space.len() && is_of_name(**byte)).count();
    space.get(..space.len() - prefix).is_some_and(|rest| rest.ends_with(b"<"))
}

/// A key whose value is a name, and its sign, stand before.
fn is_named(before: &[u8]) -> bool {
    let quote = |text: &mut &[u8]| {
        if let [rest @ .., b'"' | b'\''] = *text {
            *text = rest;
        }
    };
    let mut rest = before.trim_ascii_end();
    quote(&mut rest);
    rest = rest.trim_ascii_end();
    let [head @ .., b'=' | b':' | b'>'] = rest else { return false };
    rest = head.strip_suffix(b"=").unwrap_or(head).trim_ascii_end();
    quote(&mut rest);
    let key = rest.iter().rev().take(40).take_while(|byte| is_of_name(**byte)).count();
    is_one(&NAMES, rest.get(rest.len() - key..).unwrap_or_default())
}

/// The value behind the next key that says so, in the same object, element or item.
fn following(text: Text, mut at: usize) -> Option<Place> {
    let (mut lines, in_tag) = (0, text.0.get(at).is_some_and(|_| text.lately(at).contains(&b'<')));
    for _ in 0..WORDS {
        loop {
            match text.byte(at) {
                _ if at >= text.len() || lines > LINES => return None,
                b'\n' => lines += 1,
                b'}' | b']' => return None,
                b'-' if text.byte(at + 1) == b' ' => return None,
                b'>' if in_tag && text.before(at) != b'/' && lines == 0 => {
                    let inside = content(text, at);
                    if inside.is_some() {
                        return inside;
                    }
                }
                byte if is_of_name(byte) => break,
                _ => {}
            }
            at += 1;
        }
        let end = text.name_end(at);
        let key = text.slice(at..end);
        let closed = end + usize::from(matches!(text.byte(end), b'"' | b'\''));
        let sign = text.blanks(closed);
        let is_value = is_one(&VALUES, key);
        at = match text.byte(sign) {
            b'>' if is_value => return content(text, sign),
            b'=' | b':' if is_value => {
                return Some(Place::At(sign + 1 + usize::from(text.byte(sign + 1) == b'>')));
            }
            b'=' | b':' => {
                let value = text.blanks(sign + 1);
                let after = text.mark(value).map(|mark| text.literal(mark).after);
                after.unwrap_or_else(|| value + text.bare_shortly(value, None).len()).max(sign + 1)
            }
            _ => end,
        };
    }
    None
}

/// The text between `>`, which stands here or behind attributes, and the next tag.
fn content(text: Text, at: usize) -> Option<Place> {
    let start = text.find(b'>', at..text.len().min(at + NEAR))? + 1;
    if text.slice(at..start).contains(&b'\n') {
        return None;
    }
    if text.before(start - 1) == b'/' {
        return None;
    }
    let most = text.len().min(start + FAR);
    let end = text.find(b'<', start..most)?;
    let inside = text.slice(start..end);
    if inside.trim_ascii().is_empty() && text.has(end, CDATA) {
        let data = end + CDATA.len();
        let length = memchr::memmem::find(text.slice(data..most), b"]]>")?;
        return Some(Place::Is(data..data + length));
    }
    if text.byte(end + 1) != b'/' {
        return None;
    }
    let lead = inside.len() - inside.trim_ascii_start().len();
    let trimmed = inside.trim_ascii();
    (!trimmed.is_empty()).then(|| Place::Is(start + lead..start + lead + trimmed.len()))
}

fn is_one(all: &[&str], word: &[u8]) -> bool {
    all.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}
