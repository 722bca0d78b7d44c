//! What is called like a secret and is none: hosts before their ports, zones of shared memory, images and modules.

use std::ops::Range;

use super::names;
use super::text::{Text, is_of_name};

/// Statements that list hosts with their ports.
const LISTS: [&str; 9] =
    ["bind", "fastcgi", "listen", "proxy", "server", "targets", "to", "upstream", "virtualhost"];

/// What is given one host with its port.
const TAKES: [&str; 9] =
    ["addr", "address", "backend", "dial", "endpoint", "host", "socket", "target", "url"];

/// What is given a name and what of it is meant: `image: auth:1.2`, `gunicorn auth:app`.
const PARTS: [&[u8]; 6] = [b"daphne", b"gunicorn", b"hypercorn", b"image", b"module", b"uvicorn"];

/// Whether the name at this place is that of a host, a zone, an image or a module.
pub(super) fn is_namesake(text: Text, name: &Range<usize>) -> bool {
    let before = text.lately(name.start);
    is_zone(before, text.byte(name.end))
        || (is_part(text.shortly(name.end)) && PARTS.contains(&previous(before)))
        || is_site(before, text.shortly(name.end))
        || (has_port(text.shortly(name.end)) && is_host(before))
}

/// Whether what is given to a name is more than a short word, as the names of rows and columns are.
pub(super) fn is_told(text: Text, name: &Range<usize>) -> bool {
    let rest = text.shortly(name.end);
    let closes = rest.iter().take_while(|byte| b"\"'])".contains(byte)).count();
    let rest = rest.get(closes..).unwrap_or_default();
    let value = match rest.trim_ascii_start() {
        [b'=' | b':', value @ ..] => value,
        value if text.before(name.start) == b'$' && value.len() < rest.len() => value,
        _ => return false,
    };
    let opens = value.iter().take_while(|byte| b"\"'` \t".contains(byte)).count();
    let value = value.get(opens..).unwrap_or_default();
    let end = value.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(value.len());
    let word = value.get(..end).unwrap_or_default();
    word.len() > 6 && word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic)
}

/// `:8080`, and nothing that could belong to a value.
fn has_port(rest: &[u8]) -> bool {
    let Some(port) = rest.strip_prefix(b":") else { return false };
    let digits = port.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"/;,\"'`)]}?#<>|$\\".contains(byte);
    (1..=5).contains(&digits) && port.get(digits).is_none_or(ends)
}

/// `:app`, where a colon and a blank would give a value.
fn is_part(rest: &[u8]) -> bool {
    matches!(rest, [b':', next, ..] if next.is_ascii_alphanumeric())
}

/// `auth:8080 {`
fn is_site(before: &[u8], rest: &[u8]) -> bool {
    let head = rest.trim_ascii_end().strip_suffix(b"{").unwrap_or_default();
    before.trim_ascii().is_empty() && head.len() < 8 && head.ends_with(b" ") && has_port(head)
}

fn is_host(before: &[u8]) -> bool {
    if before.ends_with(b"://") || before.ends_with(b"@//") {
        return true;
    }
    let apart = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`[(,=".contains(byte);
    // `listen: 80, password:1234`
    if !before.last().is_some_and(apart) || before.ends_with(b", ") {
        return false;
    }
    let (first, previous) = (first(before), previous(before));
    let is = |word: &[u8], all: &[&str]| {
        let last = word.rsplit(|byte| matches!(byte, b'_' | b'-')).next().unwrap_or_default();
        all.iter().any(|known| last.eq_ignore_ascii_case(known.as_bytes()))
    };
    let lists = |word: &[u8]| is(word, &LISTS) || names::passes_on(word);
    lists(first) || lists(previous) || is(previous, &TAKES) || previous == b"-b"
}

/// `zone=token`, `shared:TOKENS:`, `zone token`, `limit_conn token`.
fn is_zone(before: &[u8], after: u8) -> bool {
    before.ends_with(b"zone=")
        || (before.ends_with(b"shared:") && after == b':')
        || (before.ends_with(b" ")
            && [&b"zone"[..], b"limit_conn"].contains(&previous(before))
            && first(before) == previous(before))
}

/// The first word of the statement.
fn first(before: &[u8]) -> &[u8] {
    let statement = before.rsplit(|byte| matches!(byte, b';' | b'{' | b'}')).next().unwrap_or_default();
    let start = statement.iter().position(|byte| is_of_name(*byte) && *byte != b'-');
    let words = statement.get(start.unwrap_or(statement.len())..).unwrap_or_default();
    words.split(|byte| !is_of_name(*byte)).next().unwrap_or_default()
}

/// The last word, whatever signs follow it.
fn previous(before: &[u8]) -> &[u8] {
    let end = before.iter().rposition(|byte| is_of_name(*byte)).map_or(0, |at| at + 1);
    before.get(..end).unwrap_or_default().rsplit(|byte| !is_of_name(*byte)).next().unwrap_or_default()
}
