//! `.env` files as Docker Compose and the dotenv libraries agree on them: `NAME=value` a line, in quotes or not, with comments.
//! A value that refers to other variables is left as written, and open.

use super::letters::{Letter, Letters};
use super::shell::{Assignment, Word};
use crate::text::{SourceId, Sources, Span};

/// All variables in order; of two of one name the later counts.
pub fn read(sources: &Sources, file: SourceId) -> Vec<Assignment> {
    let text = Letters::plain(sources, Span::new(file, 0..sources.bytes(file).len()));
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = line_end(&text.0, at);
        let next = match name(&text.0, at, end) {
            Some((name, value)) => {
                let (value, next) = word(file, &text.0, value, end);
                found.push(Assignment { name, value });
                next
            }
            None => end,
        };
        at = line_end(&text.0, next) + 1;
    }
    found
}

fn line_end(text: &[Letter], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    rest.iter().position(|letter| letter.byte == b'\n').map_or(text.len(), |length| from + length)
}

/// The name on a line, and where its value begins.
fn name(text: &[Letter], from: usize, end: usize) -> Option<(String, usize)> {
    let line: Vec<u8> = text.get(from..end)?.iter().map(|letter| letter.byte).collect();
    let equals = line.iter().position(|byte| *byte == b'=')?;
    let name = line.get(..equals)?.trim_ascii();
    let name = name.strip_prefix(b"export ").unwrap_or(name).trim_ascii();
    let is_name = !name.is_empty()
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    let blanks = line.iter().skip(equals + 1).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    is_name.then(|| (String::from_utf8_lossy(name).into_owned(), from + equals + 1 + blanks))
}

/// A value, and where it ends.
fn word(file: SourceId, text: &[Letter], from: usize, end: usize) -> (Word, usize) {
    let quote = text.get(from).map(|letter| letter.byte).filter(|byte| matches!(byte, b'"' | b'\''));
    let quoted = quote.and_then(|quote| quoted(text, from, quote));
    let (letters, begun, ended) = match quoted {
        Some((letters, ended)) => (letters, from, ended),
        None => {
            let ended = bare_end(text, from, end);
            (Letters(text.get(from..ended).unwrap_or_default().to_vec()), from, ended)
        }
    };
    let open = quote != Some(b'\'') && letters.0.iter().any(|letter| letter.byte == b'$');
    // The file is its own text, so a letter's index is its offset.
    (Word { at: Span::new(file, begun..ended), letters, open }, ended)
}

/// Up to a comment or the end of the line, without the blanks before it.
fn bare_end(text: &[Letter], from: usize, end: usize) -> usize {
    let line = text.get(from..end).unwrap_or_default();
    let is_blank = |letter: &Letter| letter.byte.is_ascii_whitespace();
    let comment = line.windows(2).position(|pair| matches!(pair, [a, b] if is_blank(a) && b.byte == b'#'));
    let line = line.get(..comment.unwrap_or(line.len())).unwrap_or_default();
    from + line.len() - line.iter().rev().take_while(|letter| is_blank(letter)).count()
}

/// What stands in quotes, and where it ends; nothing where they are not closed.
fn quoted(text: &[Letter], from: usize, quote: u8) -> Option<(Letters, usize)> {
    let mut letters = Letters::default();
    let mut at = from + 1;
    loop {
        let letter = *text.get(at)?;
        let next = text.get(at + 1).copied();
        match (letter.byte, next) {
            (byte, _) if byte == quote => return Some((letters, at + 1)),
            (b'\\', Some(next)) if quote == b'"' => {
                let byte = match next.byte {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    byte => byte,
                };
                letters.push_for(&[byte], Span { end: next.at.end, ..letter.at });
                at += 1;
            }
            _ => letters.0.push(letter),
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
            .map(|it| (it.name, it.value.text(), it.value.open, it.value.letters.is_verbatim(&sources)))
            .collect();
        let expected = [
            ("A", "1", false, true),
            ("B", "two words", false, true),
            ("C", "x\n#y", false, false),
            ("D", "$E", false, true),
            ("E", "$A", true, true),
            ("F", "", false, false),
            ("G", "a\nb", false, true),
            ("H", "\"open", false, true),
        ];
        let expected =
            expected.map(|(name, value, open, exact)| (name.to_owned(), value.to_owned(), open, exact));
        assert_eq!(found, expected);
    }
}
