//! JSON where it stands inside other files: an array of strings, each with its place.

use super::letters::{Letter, Letters};
use super::shell::Word;
use crate::text::Span;

/// The members of an array of strings; nothing where the text is anything else.
pub fn strings(text: &Letters) -> Option<Vec<Word>> {
    let mut json = Json { text: &text.0, at: 0 };
    let mut found = Vec::new();
    json.expect(b'[')?;
    if json.expect(b']').is_none() {
        loop {
            found.push(json.string()?);
            if json.expect(b',').is_none() {
                json.expect(b']')?;
                break;
            }
        }
    }
    json.blanks();
    (json.at == text.len()).then_some(found)
}

struct Json<'a> {
    text: &'a [Letter],
    at: usize,
}

impl Json<'_> {
    fn next(&mut self) -> Option<Letter> {
        let letter = self.text.get(self.at).copied()?;
        self.at += 1;
        Some(letter)
    }

    fn blanks(&mut self) {
        while self.text.get(self.at).is_some_and(|letter| letter.byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Past a byte and the blanks before it.
    fn expect(&mut self, byte: u8) -> Option<Letter> {
        self.blanks();
        self.text.get(self.at).filter(|letter| letter.byte == byte)?;
        self.next()
    }

    fn string(&mut self) -> Option<Word> {
        let open = self.expect(b'"')?;
        let mut letters = Letters::default();
        loop {
            let letter = self.next()?;
            match letter.byte {
                b'"' => {
                    let at = around(open, letter);
                    return Some(Word { letters, at, open: false });
                }
                b'\\' => {
                    let (text, last) = self.escape()?;
                    let mut buffer = [0; 4];
                    letters.push_for(text.encode_utf8(&mut buffer).as_bytes(), around(letter, last));
                }
                _ => letters.0.push(letter),
            }
        }
    }

    /// What an escape stands for, and its last letter.
    fn escape(&mut self) -> Option<(char, Letter)> {
        let letter = self.next()?;
        let plain = match letter.byte {
            b'"' | b'\\' | b'/' => char::from(letter.byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return None,
        };
        Some((plain, letter))
    }

    fn unicode(&mut self) -> Option<(char, Letter)> {
        let (high, last) = self.unit()?;
        if !(0xd800..0xdc00).contains(&high) {
            return Some((char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), last));
        }
        let paired = self.text.get(self.at).is_some_and(|letter| letter.byte == b'\\')
            && self.text.get(self.at + 1).is_some_and(|letter| letter.byte == b'u');
        if !paired {
            return Some((char::REPLACEMENT_CHARACTER, last));
        }
        self.at += 2;
        let (low, last) = self.unit()?;
        let joined = 0x10000 + ((high - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff);
        Some((char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER), last))
    }

    fn unit(&mut self) -> Option<(u32, Letter)> {
        let mut number = 0;
        let mut last = None;
        for _ in 0..4 {
            let letter = self.next()?;
            number = number * 16 + char::from(letter.byte).to_digit(16)?;
            last = Some(letter);
        }
        Some((number, last?))
    }
}

fn around(first: Letter, last: Letter) -> Span {
    Span { end: last.at.end.max(first.at.end), ..first.at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Origin, Sources};

    fn read(text: &str) -> Option<Vec<(String, String, bool)>> {
        let sources = Sources::new();
        let file = sources.add(Origin::Builtin("t".into()), text.as_bytes().to_vec());
        let letters = Letters::plain(&sources, Span::new(file, 0..text.len()));
        let word = |word: Word| {
            (word.text(), sources.text(word.at).into_owned(), word.letters.is_verbatim(&sources))
        };
        strings(&letters).map(|words| words.into_iter().map(word).collect())
    }

    #[test]
    fn strings_know_their_place() {
        assert_eq!(read(" [ ] "), Some(vec![]));
        let expected = [("ab", "\"ab\"", true), ("\"é😀", "\"\\\"é\\uD83D\\uDE00\"", false)];
        let expected = expected.map(|(text, at, exact)| (text.to_owned(), at.to_owned(), exact)).to_vec();
        assert_eq!(read("[\"ab\" ,\t\"\\\"é\\uD83D\\uDE00\"]"), Some(expected));
        for wrong in ["", "[", "[\"a\"", "[\"a\",]", "[\"a\"] b", "[1]", "['a']", "[\"\\x\"]", "[\"\\u12\"]"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
