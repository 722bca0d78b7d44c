//! What is secret in other people's text, so that no report shows it. Names, values and the sides of addresses are judged by what
//! they look like, on the safe side; what a program means by them is not known.

mod below;
mod given;
mod names;
mod namesakes;
mod needles;
mod pairs;
mod scan;
mod shapes;
#[cfg(test)]
mod tests;
mod text;
mod value;

use std::ops::Range;

use crate::model::key;
use crate::text::Source;

/// The places in the text that hold secrets, in order and apart.
pub(super) fn secrets(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = scan::scan(text);
    shapes::find(text, &mut found);
    below::kubernetes(text, &mut found);
    // `key = "net.core.somaxconn"` in a rule of ours is the name of a sysctl.
    found.retain(|range| !key::ALL.iter().any(|key| text.get(range.clone()) == Some(key.as_bytes())));
    found.sort_unstable_by_key(|range| (range.start, range.end));
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found.into_iter().filter(|range| range.start < range.end) {
        match apart.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

/// Words of a report, which may repeat what a file says, with secrets starred.
pub(super) fn masked(text: &str) -> String {
    let secrets = secrets(text.as_bytes());
    if secrets.is_empty() {
        return text.to_owned();
    }
    let mut bytes = text.as_bytes().to_vec();
    for range in secrets {
        if let Some(secret) = bytes.get_mut(range) {
            secret.fill(b'*');
        }
    }
    // Secrets end where characters do.
    String::from_utf8(bytes).unwrap_or_default()
}

/// The secrets on a line (1-based), as offsets in it, in order.
pub(super) fn secrets_on(source: &Source, line: usize) -> Vec<Range<usize>> {
    let start = source.start_of(line);
    let end = start + source.line(line).len();
    let all = source.hidden(secrets);
    let first = all.partition_point(|range| range.end <= start);
    let on_line = all.iter().skip(first).take_while(|range| range.start < end);
    on_line.map(|range| range.start.max(start) - start..range.end.min(end) - start).collect()
}

/// The bytes of a line (1-based) with one star for each secret, however long it is.
pub(super) fn without_secrets(source: &Source, line: usize) -> Vec<u8> {
    let bytes = source.line(line);
    let mut kept = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for range in secrets_on(source, line) {
        kept.extend_from_slice(bytes.get(from..range.start).unwrap_or_default());
        kept.push(b'*');
        from = range.end;
    }
    kept.extend_from_slice(bytes.get(from..).unwrap_or_default());
    kept
}
