//! Java's `.properties` files, as java.util.Properties.load reads them: Latin-1, escapes, continued lines.

use crate::text::{SourceId, Sources, Span, Text};

/// `key=value`, with the escapes replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    pub key: String,
    pub value: Text,
}

/// All properties in order; of two with one key the later one counts.
pub fn read(sources: &Sources, file: SourceId) -> Vec<Property> {
    let bytes = sources.bytes(file);
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let line = logical_line(bytes, &mut at);
        let comment = matches!(line.first(), Some((_, b'#' | b'!')));
        if !line.is_empty() && !comment {
            found.push(property(file, &line, at));
        }
    }
    found
}

/// A byte and its offset.
type Placed = (usize, u8);

/// The next line and those that continue it, without line ends, the backslashes before them and leading blanks.
fn logical_line(bytes: &[u8], at: &mut usize) -> Vec<Placed> {
    let mut line: Vec<Placed> = Vec::new();
    let mut leading = true;
    // Where the line of the file begins in it.
    let mut begun = 0;
    while let Some(byte) = bytes.get(*at).copied() {
        let start = *at;
        *at += 1;
        match byte {
            b' ' | b'\t' | b'\x0c' if leading => {}
            b'\r' | b'\n' => {
                if byte == b'\r' && bytes.get(*at) == Some(&b'\n') {
                    *at += 1;
                }
                let comment = matches!(line.first(), Some((_, b'#' | b'!')));
                let last = line.get(begun..).unwrap_or_default().iter().rev();
                let slashes = last.take_while(|(_, byte)| *byte == b'\\').count();
                if comment || slashes % 2 == 0 {
                    return line;
                }
                line.pop();
                (leading, begun) = (true, line.len());
            }
            _ => {
                line.push((start, byte));
                leading = false;
            }
        }
    }
    line
}

fn property(file: SourceId, line: &[Placed], end: usize) -> Property {
    let is_blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\x0c');
    let mut escaped = false;
    let ends_key = |(_, byte): &Placed| {
        let ends = !escaped && (is_blank(*byte) || matches!(byte, b'=' | b':'));
        escaped = *byte == b'\\' && !escaped;
        ends
    };
    let split = line.iter().position(ends_key).unwrap_or(line.len());
    let (key, rest) = line.split_at_checked(split).unwrap_or((line, &[]));
    let skip = |rest: &[Placed]| rest.iter().take_while(|(_, byte)| is_blank(*byte)).count();
    let mut start = skip(rest);
    if matches!(rest.get(start), Some((_, b'=' | b':'))) {
        start += 1;
        start += skip(rest.get(start..).unwrap_or_default());
    }
    let value = rest.get(start..).unwrap_or_default();
    let range = match (value.first(), value.last()) {
        (Some((first, _)), Some((last, _))) => *first..last + 1,
        _ => end..end,
    };
    let at = Span::new(file, range);
    let plain = value.len() == at.range().len() && value.iter().all(|(_, it)| it.is_ascii() && *it != b'\\');
    let text = unescaped(value);
    let value = if plain { Text::written(text, at) } else { Text::meant(text, at) };
    Property { key: unescaped(key), value }
}

fn unescaped(text: &[Placed]) -> String {
    let mut units = Vec::with_capacity(text.len());
    let mut bytes = text.iter().map(|(_, byte)| *byte);
    while let Some(byte) = bytes.next() {
        let unit = match byte {
            b'\\' => match bytes.next() {
                Some(b't') => u16::from(b'\t'),
                Some(b'n') => u16::from(b'\n'),
                Some(b'r') => u16::from(b'\r'),
                Some(b'f') => 0x0c,
                Some(b'u') => {
                    let digits: String = bytes.by_ref().take(4).map(char::from).collect();
                    u16::from_str_radix(&digits, 16).unwrap_or(u16::from(b'?'))
                }
                Some(other) => u16::from(other),
                None => break,
            },
            plain => u16::from(plain),
        };
        units.push(unit);
    }
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Origin;

    fn all(text: &[u8]) -> Vec<(String, String, String)> {
        let sources = Sources::new();
        let file = sources.add(Origin::Builtin("t".into()), text.to_vec());
        let read = read(&sources, file);
        let three = |p: Property| {
            let written = sources.text(p.value.span()).into_owned();
            (p.key, p.value.as_str().to_owned(), written)
        };
        read.into_iter().map(three).collect()
    }

    fn one(text: &str) -> (String, String, String) {
        let mut found = all(text.as_bytes());
        assert_eq!(found.len(), 1, "{text:?}");
        found.remove(0)
    }

    fn three(key: &str, value: &str, written: &str) -> (String, String, String) {
        (key.into(), value.into(), written.into())
    }

    #[test]
    fn keys_end_at_the_first_separator() {
        assert_eq!(one("a=1"), three("a", "1", "1"));
        assert_eq!(one("  a  :  1 "), three("a", "1 ", "1 "));
        assert_eq!(one("a 1"), three("a", "1", "1"));
        assert_eq!(one("a==1"), three("a", "=1", "=1"));
        assert_eq!(one("a\\:b\\ c=1"), three("a:b c", "1", "1"));
        assert_eq!(one("a"), three("a", "", ""));
        assert_eq!(one("a=1\r\n"), three("a", "1", "1"));
    }

    #[test]
    fn lines_continue_after_an_odd_number_of_backslashes() {
        assert_eq!(one("a=3\\\n   05"), three("a", "305", "3\\\n   05"));
        assert_eq!(one("a=3\\\r\n05"), three("a", "305", "3\\\r\n05"));
        assert_eq!(all(b"a=3\\\\\nb=4").len(), 2);
        assert_eq!(one("a=3\\"), three("a", "3", "3\\"));
    }

    #[test]
    fn many_backslashes_are_counted_once() {
        let text = format!("a={}{}", "\\\\".repeat(100_000), "\\\n".repeat(100_000));
        assert_eq!(one(&text).1.len(), 100_000);
    }

    #[test]
    fn comments_never_continue() {
        assert_eq!(all(b"# a=1\\\nb=2\n! c=3\n\n   \n"), [three("b", "2", "2")]);
    }

    #[test]
    fn escapes_are_replaced() {
        assert_eq!(one("a=\\u0033\\0\\5"), three("a", "305", "\\u0033\\0\\5"));
        assert_eq!(one("a=\\t\\uD83D\\uDE00\\u00"), three("a", "\t\u{1F600}\0", "\\t\\uD83D\\uDE00\\u00"));
        assert_eq!(all(b"a=\xE9").first().map(|found| found.1.clone()), Some("é".into()));
    }
}
