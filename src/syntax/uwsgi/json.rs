//! JSON files of uWSGI's: the members of one object in their order, with their places (core/json.c).

use super::entry::{Entry, Options};
use crate::syntax::refusal::Refusal;
use crate::text::{Slot, SourceId, Span, deeper};

const MAX_DEPTH: usize = 64;
const FAULT: &str = "it is not JSON";

/// The members of the object of the asked name.
pub(super) fn read(source: SourceId, bytes: &[u8], asked: &str) -> Options {
    let mut reader = Reader { source, bytes, at: 0, too_deep: false, options: Options::default() };
    if reader.value(&mut |reader, key| reader.section(key, asked), 0).is_none() {
        let at = reader.at.min(bytes.len());
        let at = Span::new(source, at..at);
        reader.options.fault = Some(match reader.too_deep {
            true => Refusal::ours(deeper("objects and lists", MAX_DEPTH), at),
            false => Refusal::new(FAULT, at),
        });
    }
    reader.options
}

struct Reader<'a> {
    source: SourceId,
    bytes: &'a [u8],
    at: usize,
    too_deep: bool,
    options: Options,
}

/// What is done with a member, once its key is read.
type Member<'m, 'a> = dyn FnMut(&mut Reader<'a>, &str) -> Option<()> + 'm;

impl<'a> Reader<'a> {
    fn peek(&mut self) -> Option<u8> {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    /// Passes over a value; the members of an object go to `member`.
    fn value(&mut self, member: &mut Member<'_, 'a>, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            self.too_deep = true;
            return None;
        }
        match self.peek()? {
            b'{' => {
                self.at += 1;
                if self.peek()? == b'}' {
                    return self.take(b'}');
                }
                loop {
                    let (key, ..) = self.string()?;
                    self.take(b':')?;
                    member(self, &key)?;
                    match self.peek()? {
                        b',' => self.at += 1,
                        _ => return self.take(b'}'),
                    }
                }
            }
            b'[' => self.list(&mut |reader| reader.value(&mut |reader, _| reader.skip(depth + 1), depth + 1)),
            b'"' => self.string().map(|_| ()),
            _ => self.word().map(|_| ()),
        }
    }

    fn list(&mut self, item: &mut dyn FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        if self.peek()? == b']' {
            return self.take(b']');
        }
        loop {
            item(self)?;
            match self.peek()? {
                b',' => self.at += 1,
                _ => return self.take(b']'),
            }
        }
    }

    fn skip(&mut self, depth: usize) -> Option<()> {
        self.value(&mut |reader, _| reader.skip(depth + 1), depth)
    }

    fn section(&mut self, key: &str, asked: &str) -> Option<()> {
        if key != asked || self.peek()? != b'{' {
            return self.skip(1);
        }
        self.value(&mut |reader, key| reader.option(key), 1)
    }

    fn option(&mut self, key: &str) -> Option<()> {
        match self.peek()? {
            b'[' => self.list(&mut |reader| reader.scalar(key, false)),
            b'{' => self.skip(2),
            _ => self.scalar(key, true),
        }
    }

    fn scalar(&mut self, key: &str, alone: bool) -> Option<()> {
        let (text, at, exact) = match self.peek()? {
            b'"' => self.string()?,
            b'[' | b'{' => return self.skip(3),
            _ => {
                let at = self.word()?;
                let text = String::from_utf8_lossy(self.bytes.get(at.clone())?).into_owned();
                match text.as_str() {
                    "true" => ("1".into(), at, false),
                    "false" | "null" => ("0".into(), at, false),
                    _ => (text, at, true),
                }
            }
        };
        let end = Span::new(self.source, self.at..self.at);
        let beside = alone.then(|| Slot::insert(end, ", \"listen\": ", ""));
        let entry = Entry { exact, beside, ..Entry::new(key, &text, Span::new(self.source, at)) };
        self.options.entries.push(entry);
        Some(())
    }

    /// A number or a name.
    fn word(&mut self) -> Option<std::ops::Range<usize>> {
        self.peek()?;
        let start = self.at;
        let is_one = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        while self.bytes.get(self.at).is_some_and(is_one) {
            self.at += 1;
        }
        (self.at > start).then_some(start..self.at)
    }

    /// A string, where its text stands, and whether it is written as it is.
    fn string(&mut self) -> Option<(String, std::ops::Range<usize>, bool)> {
        self.take(b'"')?;
        let start = self.at;
        loop {
            match self.bytes.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        let at = start..self.at;
        self.at += 1;
        let raw = self.bytes.get(at.clone())?;
        let plain = !raw.contains(&b'\\') && raw.is_ascii();
        let text = match plain {
            true => String::from_utf8_lossy(raw).into_owned(),
            false => serde_json::from_slice(self.bytes.get(start - 1..self.at)?).ok()?,
        };
        Some((text, at, plain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Origin, Sources, apply};

    #[test]
    fn members_come_in_their_order() {
        let text = r#"{"a": {"b": [1, {"c": 2}]}, "uwsgi": {"socket": [":1", ":2"], "listen": 64, "master": true,
            "x": "a\u0062", "y": {"listen": 5}}}"#;
        let sources = Sources::new();
        let source = sources.add(Origin::Builtin("t".into()), text.as_bytes().to_vec());
        let options = read(source, text.as_bytes(), "uwsgi");
        assert_eq!(options.fault, None);
        let found: Vec<(&str, &str)> =
            options.entries.iter().map(|entry| (entry.key.as_str(), entry.value.as_str())).collect();
        assert_eq!(
            found,
            [("socket", ":1"), ("socket", ":2"), ("listen", "64"), ("master", "1"), ("x", "ab")]
        );
        let slot = options.entries[2].beside.clone().unwrap();
        let patched = apply(text.as_bytes(), &[slot.edit(300)]);
        assert!(String::from_utf8(patched).unwrap().contains(r#""listen": 64, "listen": 300, "master""#));
    }

    #[test]
    fn what_is_no_json_is_a_fault() {
        for text in ["", "{", "{\"a\"", "{\"a\": }", "[1,", "{\"uwsgi\": {\"a\": \"b}", &"[".repeat(9999)] {
            let sources = Sources::new();
            let source = sources.add(Origin::Builtin("t".into()), text.as_bytes().to_vec());
            assert!(read(source, text.as_bytes(), "uwsgi").fault.is_some(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(text in r#"([\[\]{}:,"\\0-9a]|"uwsgi"|"a"){0,40}"#) {
            let sources = Sources::new();
            let source = sources.add(Origin::Builtin("t".into()), text.clone().into_bytes());
            read(source, text.as_bytes(), "uwsgi");
        }
    }
}
