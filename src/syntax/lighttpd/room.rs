//! Where a number can be put that nobody has written yet: a line for the whole server, one in a block, a member of a list.

use super::Config;
use crate::text::{Slot, Span};

impl Config<'_> {
    /// Where a scope can set a key that it does not.
    pub fn room(&self, scope: usize, key: &str) -> Option<Slot> {
        match scope {
            0 => self.last.map(|last| self.line_room(Span { start: last.end, ..last }, key)),
            _ => self.scopes.get(scope)?.inside.map(|inside| self.block_room(inside, key)),
        }
    }

    /// A line after the statement that ends here, and after its comment, unless more than that stands behind it.
    fn line_room(&self, end: Span, key: &str) -> Slot {
        let rest = self.rest(end);
        let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        let (line, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        let free = line.trim_ascii_start();
        let skipped = if free.is_empty() || free.starts_with(b"#") { length } else { 0 };
        let start = end.start + u32::try_from(skipped).unwrap_or_default();
        Slot::insert(
            Span { start, ..end },
            format!("{}{key} = ", newline(after.get(..2).unwrap_or_default())),
            "",
        )
    }

    /// The first thing in a block.
    fn block_room(&self, inside: Span, key: &str) -> Slot {
        let (line, next) = parted(self.rest(inside));
        let deeper = if next.trim_ascii_start().starts_with(b"}") { "    " } else { "" };
        let before = match line.contains(&b'}') {
            true => " ".to_owned(),
            false => format!("{}{}{deeper}", newline(line), indent(next)),
        };
        Slot::insert(inside, format!("{before}{key} = "), "")
    }

    /// The first member of a list that has one.
    pub fn list_room(&self, inside: Span, key: &str) -> Slot {
        let (line, next) = parted(self.rest(inside));
        let (before, after) = match line.trim_ascii() {
            b"" => (format!("{}{}", newline(line), indent(next)), ","),
            _ if line.starts_with(b" ") => (" ".to_owned(), ","),
            _ => (String::new(), ", "),
        };
        Slot::insert(inside, format!("{before}\"{key}\" => "), after)
    }

    /// What stands in the file from here on.
    fn rest(&self, at: Span) -> &[u8] {
        self.given.sources.bytes(at.source).get(at.start as usize..).unwrap_or_default()
    }
}

/// The rest of a line, with its end, and what follows.
fn parted(text: &[u8]) -> (&[u8], &[u8]) {
    let length = memchr::memchr(b'\n', text).map_or(text.len(), |end| end + 1);
    text.split_at_checked(length).unwrap_or((text, &[]))
}

/// The end of a line like this one.
fn newline(line: &[u8]) -> &'static str {
    if line.ends_with(b"\r\n") { "\r\n" } else { "\n" }
}

/// What a line begins with.
fn indent(line: &[u8]) -> String {
    line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).map(|byte| char::from(*byte)).collect()
}
