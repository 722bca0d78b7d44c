//! JSON where it stands inside other files: an array of strings, each with its place.

use crate::text::Text;

/// The members of an array of strings; nothing where the text is anything else.
pub fn strings(text: &Text) -> Option<Vec<Text>> {
    let mut json = Json { text, at: 0 };
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
    text: &'a Text,
    at: usize,
}

impl Json<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Past a byte and the blanks before it.
    fn expect(&mut self, byte: u8) -> Option<u8> {
        self.blanks();
        self.peek().filter(|found| *found == byte)?;
        self.next()
    }

    fn string(&mut self) -> Option<Text> {
        self.expect(b'"')?;
        let open = self.at - 1;
        let mut string = Text::default();
        loop {
            let begun = self.at;
            match self.next()? {
                b'"' => return Some(string.with_whole(self.text.place(open..self.at)?)),
                b'\\' => {
                    let character = self.escape()?;
                    let mut buffer = [0; 4];
                    let place = self.text.place(begun..self.at)?;
                    string.push_for(character.encode_utf8(&mut buffer).as_bytes(), place);
                }
                _ => string.push_part(self.text, begun..self.at),
            }
        }
    }

    /// What an escape stands for.
    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return None,
        })
    }

    fn unicode(&mut self) -> Option<char> {
        let high = self.unit()?;
        let either = |code: u32| Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        let paired = self.text.bytes().get(self.at..).is_some_and(|rest| rest.starts_with(b"\\u"));
        if !(0xd800..0xdc00).contains(&high) || !paired {
            return either(high);
        }
        self.at += 2;
        let low = self.unit()?;
        either(0x10000 + ((high - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff))
    }

    fn unit(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |number, _| Some(number * 16 + char::from(self.next()?).to_digit(16)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Origin, Sources, Span};

    fn read(text: &str) -> Option<Vec<(String, String, bool)>> {
        let sources = Sources::new();
        let file = sources.add(Origin::Builtin("t".into()), text.as_bytes().to_vec());
        let json = Text::plain(&sources, Span::new(file, 0..text.len()));
        let word = |word: Text| {
            (word.show().into_owned(), sources.text(word.whole()).into_owned(), word.exact().is_some())
        };
        strings(&json).map(|words| words.into_iter().map(word).collect())
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
