//! VCL, the language of Varnish, as far as it names backends and other files.

use crate::text::{SourceId, Span};

/// What a VCL file says of backends.
#[derive(Debug, Default)]
pub struct Vcl {
    pub backends: Vec<Backend>,
    pub includes: Vec<String>,
}

/// The attributes of a backend, each with its place.
#[derive(Debug, Default)]
pub struct Backend {
    pub host: Option<(String, Span)>,
    pub port: Option<String>,
    pub path: Option<(String, Span)>,
}

/// A word, a sign or a string of VCL.
enum Piece<'v> {
    Word(&'v str),
    Sign(u8),
    Text(&'v str, Span),
}

impl Vcl {
    pub fn read(source: SourceId, bytes: &[u8]) -> Self {
        let mut vcl = Self::default();
        let mut scanner = Scanner { source, bytes, at: 0 };
        let mut before = "";
        let mut backend: Option<Backend> = None;
        let mut depth = 0_usize;
        while let Some(piece) = scanner.next() {
            match piece {
                Piece::Word("backend") if backend.is_none() && depth == 0 => {
                    backend = Some(Backend::default())
                }
                Piece::Word(word) => before = word,
                Piece::Sign(b'{') => depth += 1,
                Piece::Sign(b'}') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        vcl.backends.extend(backend.take());
                    }
                }
                // `backend none none;`
                Piece::Sign(b';') if depth == 0 => backend = None,
                Piece::Sign(_) => {}
                Piece::Text(text, at) => match (&mut backend, before) {
                    (Some(backend), ".host") if depth == 1 => backend.host = Some((text.to_owned(), at)),
                    (Some(backend), ".port") if depth == 1 => backend.port = Some(text.to_owned()),
                    (Some(backend), ".path") if depth == 1 => backend.path = Some((text.to_owned(), at)),
                    (None, "include") => vcl.includes.push(text.to_owned()),
                    _ => {}
                },
            }
        }
        vcl
    }
}

struct Scanner<'v> {
    source: SourceId,
    bytes: &'v [u8],
    at: usize,
}

impl<'v> Scanner<'v> {
    fn next(&mut self) -> Option<Piece<'v>> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            match rest {
                [] => return None,
                [b'#', ..] | [b'/', b'/', ..] => self.skip(rest, b"\n"),
                [b'/', b'*', ..] => self.skip(rest, b"*/"),
                [b'{', b'"', ..] => self.skip(rest, b"\"}"),
                [b'"', b'"', b'"', ..] => {
                    self.at += 3;
                    self.skip(rest.get(3..).unwrap_or_default(), b"\"\"\"");
                }
                [b'"', inside @ ..] => {
                    let length = memchr::memchr2(b'"', b'\n', inside).unwrap_or(inside.len());
                    let start = self.at + 1;
                    self.at += length + 2;
                    let text = std::str::from_utf8(inside.get(..length)?).unwrap_or_default();
                    return Some(Piece::Text(text, Span::new(self.source, start..start + length)));
                }
                [byte, ..] if byte.is_ascii_whitespace() => self.at += 1,
                [byte, ..] if is_word(*byte) => {
                    let length = rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len());
                    self.at += length;
                    return Some(Piece::Word(std::str::from_utf8(rest.get(..length)?).unwrap_or_default()));
                }
                [byte, ..] => {
                    self.at += 1;
                    return Some(Piece::Sign(*byte));
                }
            }
        }
    }

    fn skip(&mut self, rest: &[u8], end: &[u8]) {
        self.at += memchr::memmem::find(rest, end).map_or(rest.len(), |at| at + end.len());
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}
