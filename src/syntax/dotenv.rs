//! `.env` files as Docker Compose and the dotenv libraries agree on them: `NAME=value` a line, in quotes or not, with comments.
//! A value that refers to other variables is left as written, and open.

use super::shell::Assignment;
use crate::text::{SourceId, Sources, Span, Text};

/// All variables in order; of two of one name the later counts.
pub fn read(sources: &Sources, file: SourceId) -> Vec<Assignment> {
    let bytes = sources.bytes(file);
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = line_end(bytes, at);
        let next = match name(bytes, at, end) {
            Some((name, value)) => {
                let (value, next) = value_at(file, bytes, value, end);
                found.push(Assignment { name, value });
                next
            }
            None => end,
        };
        at = line_end(bytes, next) + 1;
    }
    found
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(bytes.len(), |length| from + length)
}

/// The name on a line, and where its value begins.
fn name(bytes: &[u8], from: usize, end: usize) -> Option<(String, usize)> {
    let line = bytes.get(from..end)?;
    let equals = memchr::memchr(b'=', line)?;
    let name = line.get(..equals)?.trim_ascii();
    let name = name.strip_prefix(b"export ").unwrap_or(name).trim_ascii();
    let is_name = !name.is_empty()
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    let blanks = line.iter().skip(equals + 1).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    is_name.then(|| (String::from_utf8_lossy(name).into_owned(), from + equals + 1 + blanks))
}

/// A value, and where it ends.
fn value_at(file: SourceId, bytes: &[u8], from: usize, end: usize) -> (Text, usize) {
    let quote = bytes.get(from).copied().filter(|byte| matches!(byte, b'"' | b'\''));
    let quoted = quote.and_then(|quote| quoted(file, bytes, from, quote));
    let (mut value, ended) = quoted.unwrap_or_else(|| {
        let ended = bare_end(bytes, from, end);
        let written = bytes.get(from..ended).unwrap_or_default();
        (Text::written(written, Span::new(file, from..ended)), ended)
    });
    if quote != Some(b'\'') && value.bytes().contains(&b'$') {
        let written = value.show().into_owned();
        value.set_open(&written);
    }
    (value.with_whole(Span::new(file, from..ended)), ended)
}

/// Up to a comment or the end of the line, without the blanks before it.
fn bare_end(bytes: &[u8], from: usize, end: usize) -> usize {
    let line = bytes.get(from..end).unwrap_or_default();
    let comment = line.windows(2).position(|pair| matches!(pair, [a, b'#'] if a.is_ascii_whitespace()));
    let line = line.get(..comment.unwrap_or(line.len())).unwrap_or_default();
    from + line.trim_ascii_end().len()
}

/// What stands in quotes, and where it ends; nothing where they are not closed.
fn quoted(file: SourceId, bytes: &[u8], from: usize, quote: u8) -> Option<(Text, usize)> {
    let mut text = Text::default();
    let mut at = from + 1;
    loop {
        match (*bytes.get(at)?, bytes.get(at + 1)) {
            (byte, _) if byte == quote => return Some((text, at + 1)),
            (b'\\', Some(next)) if quote == b'"' => {
                let byte = match next {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    byte => *byte,
                };
                text.push_for(&[byte], Span::new(file, at..at + 2));
                at += 1;
            }
            (byte, _) => text.push_bytes(file, at, &[byte]),
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Origin;

    #[test]
    fn values_stand_where_they_are_written() {
        let text = "# c\nA=1\nexport B = two words # c\nC=\"x\\n#y\" # c\nD='$E'\nE=$A\nF=\n=x\nno\nG=\"a\nb\"\nH=\"open\n";
        let sources = Sources::new();
        let file = sources.add(Origin::Builtin("t".into()), text.as_bytes().to_vec());
        let found: Vec<_> = read(&sources, file)
            .into_iter()
            .map(|it| (it.name, it.value.show().into_owned(), it.value.is_open(), it.value.exact().is_some()))
            .collect();
        let expected = [
            ("A", "1", false, true),
            ("B", "two words", false, true),
            ("C", "x\n#y", false, false),
            ("D", "$E", false, true),
            ("E", "$A", true, false),
            ("F", "", false, false),
            ("G", "a\nb", false, true),
            ("H", "\"open", false, true),
        ];
        let expected =
            expected.map(|(name, value, open, exact)| (name.to_owned(), value.to_owned(), open, exact));
        assert_eq!(found, expected);
    }
}
