//! From an entity's bytes to its text: byte order marks, and the encoding that its XML or text declaration names
//! (XML 1.0, 4.3.3 and appendix F).

use std::borrow::Cow;

use super::cursor::Cursor;

/// A declaration is shorter than this.
const HEAD: usize = 1024;

/// The text of an entity, after its declaration.
#[derive(Debug)]
pub(super) struct Text<'s> {
    pub(super) text: Cow<'s, str>,
    /// Where it starts in the bytes, when each byte of the text stands for the byte at the same place; else `None`.
    pub(super) start: Option<usize>,
}

/// What is wrong, and at which byte.
pub(super) type Wrong = (String, usize);

pub(super) fn decode(bytes: &[u8]) -> Result<Text<'_>, Wrong> {
    if let Some(text) = utf_16(bytes) {
        let text = text?;
        let start = declaration(&text).map_err(|message| (message, 0))?.end;
        return Ok(Text { text: Cow::Owned(text.get(start..).unwrap_or_default().to_owned()), start: None });
    }
    let mark = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let bytes = bytes.get(mark..).unwrap_or_default();
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let found = declaration(&ascii(head)).map_err(|message| (message, mark))?;
    let start = mark + found.end;
    let text = byte_text(bytes.get(found.end..).unwrap_or_default(), found.encoding.as_deref())
        .map_err(|(message, at)| (message, start + at))?;
    Ok(Text { text, start: Some(start) })
}

/// Text of an encoding that has ASCII in single bytes.
fn byte_text<'s>(bytes: &'s [u8], encoding: Option<&str>) -> Result<Cow<'s, str>, Wrong> {
    let name = encoding.unwrap_or("utf-8").to_ascii_lowercase();
    if matches!(name.as_str(), "utf-8" | "utf8") {
        return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| {
            ("this is not UTF-8, and no other encoding is declared".into(), error.valid_up_to())
        });
    }
    let foreign = bytes.iter().position(|byte| !byte.is_ascii());
    match foreign {
        None if is_ascii_superset(&name) => Ok(Cow::Owned(ascii(bytes))),
        Some(at) if name == "us-ascii" => Err(("this is not US-ASCII, which is declared".into(), at)),
        // No markup, number or keyword needs more than ASCII. Other characters keep their places only.
        Some(_) if is_ascii_superset(&name) => Ok(Cow::Owned(ascii(bytes))),
        _ => Err((format!("the declared encoding {name} cannot be read"), 0)),
    }
}

/// The bytes as text of the same length: a character of names stands for every byte that is not ASCII.
fn ascii(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '_' }).collect()
}

/// Encodings that Java knows and in which no byte of a longer character is one of XML's own.
fn is_ascii_superset(name: &str) -> bool {
    const FAMILIES: [&str; 9] =
        ["us-ascii", "iso-8859-", "windows-", "cp12", "koi8-", "gb", "big5", "shift_jis", "euc-"];
    FAMILIES.iter().any(|family| name.starts_with(family))
}

fn utf_16(bytes: &[u8]) -> Option<Result<String, Wrong>> {
    let (skip, unit): (usize, fn([u8; 2]) -> u16) = match bytes {
        [0xFE, 0xFF, ..] => (2, u16::from_be_bytes),
        [0xFF, 0xFE, ..] => (2, u16::from_le_bytes),
        [0, b'<', ..] => (0, u16::from_be_bytes),
        [b'<', 0, ..] => (0, u16::from_le_bytes),
        _ => return None,
    };
    let pairs = bytes.get(skip..)?.chunks_exact(2);
    let units =
        pairs.map(|pair| unit([pair.first().copied().unwrap_or(0), pair.last().copied().unwrap_or(0)]));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    Some(text.map_err(|_| ("this is not UTF-16".into(), 0)))
}

struct Declaration {
    encoding: Option<String>,
    /// How many bytes it takes; 0 where there is none.
    end: usize,
}

/// `<?xml version="1.0" encoding="UTF-8"?>`; in an external entity the version may be left out (production 77).
fn declaration(text: &str) -> Result<Declaration, String> {
    let mut cursor = Cursor::new(text);
    if !(cursor.eat("<?xml") && cursor.space()) {
        return Ok(Declaration { encoding: None, end: 0 });
    }
    let mut encoding = None;
    let (mut seen, mut version) = (0, false);
    while !cursor.eat("?>") {
        let wrong = || "the XML declaration is broken".to_owned();
        let name = cursor.name().ok_or_else(wrong)?;
        cursor.space();
        let equals = cursor.eat("=");
        cursor.space();
        let value = cursor.quoted().filter(|_| equals).map(|range| cursor.text(range)).ok_or_else(wrong)?;
        let place = match (name, value) {
            ("version", "1.0" | "1.1") => 1,
            ("encoding", _) => 2,
            ("standalone", "yes" | "no") => 3,
            _ => return Err(wrong()),
        };
        if place <= seen || !(cursor.space() || cursor.rest().starts_with("?>")) {
            return Err(wrong());
        }
        seen = place;
        version |= place == 1;
        if place == 2 {
            encoding = Some(value.to_owned());
        }
    }
    match version || encoding.is_some() {
        true => Ok(Declaration { encoding, end: cursor.at }),
        false => Err("the XML declaration gives no version".into()),
    }
}
