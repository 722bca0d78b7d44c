//! What can be said of a file that nginx would not read to its end.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::{memchr, memmem, memrchr};
use regex::bytes::Regex;

use crate::syntax::blocks::Wrong;
use crate::text::Span;

/// Why nginx would not read on, and where.
#[derive(Debug)]
pub(super) struct Torn {
    pub(super) why: Wrong,
    pub(super) at: Span,
    /// The templates that are marked as it is there.
    pub(super) template: Option<&'static str>,
}

/// What a template begins its own words with, and whose it is.
const MARKS: [(&[u8], &str); 3] = [(b"<%", "ERB"), (b"{%", "Jinja"), (b"{{", "Jinja or Go")];

static SERVER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?m)^([^#\n]*[\s;{}])?server\s*\{").ok());

/// Without `=`: other formats have a `listen` too. The semicolon may be what is missing.
static LISTEN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?m)^([^#\n]*[\s;{}])?listen[ \t]+[^\s=:;#][^;#\n]*(;|$)").ok());

/// Whether a server that listens seems to stand anywhere in a file, also where nginx would not come to.
pub(super) fn has_server(bytes: &[u8]) -> bool {
    [&SERVER, &LISTEN].into_iter().all(|regex| regex.as_ref().is_some_and(|regex| regex.is_match(bytes)))
}

/// Whose template a file looks like where it is torn: in the statement, or in all that an open block holds.
pub(super) fn template(bytes: &[u8], why: &Wrong, at: &Range<usize>) -> Option<&'static str> {
    let before = bytes.get(..at.start).unwrap_or_default();
    let after = bytes.get(at.end..).unwrap_or_default();
    let part = match why {
        Wrong::Unexpected(_) => {
            let start = memrchr(b';', before).map_or(0, |semicolon| semicolon + 1);
            start..at.end + memchr(b'\n', after).unwrap_or(after.len())
        }
        _ => at.start..bytes.len(),
    };
    let part = bytes.get(part).unwrap_or_default();
    MARKS.iter().find(|(mark, _)| memmem::find(part, mark).is_some()).map(|(_, whose)| *whose)
}
