//! A C# source without its comments: what the few calls that matter are given. No more of the language is understood.

use regex::Regex;

use crate::services::Ground;
use crate::text::{SourceId, Span};

/// The largest source that is looked through, in bytes.
const MAX_CODE: usize = 1 << 20;

/// What a call is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Argument {
    pub text: String,
    pub at: Span,
}

#[derive(Debug, Default)]
pub(super) struct Code {
    /// The numbers that are put into `Backlog`.
    pub backlogs: Vec<Argument>,
    /// Calls that open sockets: the method and its first arguments.
    pub listens: Vec<(String, Argument)>,
    /// The arguments of UseUrls and the like.
    pub urls: Vec<Argument>,
    /// Numbers by their names.
    pub constants: Vec<(String, String)>,
}

/// The patterns, made once for all files.
pub(super) struct Patterns {
    backlog: Regex,
    listen: Regex,
    urls: Regex,
    constant: Regex,
}

impl Patterns {
    pub(super) fn new() -> Result<Self, regex::Error> {
        Ok(Self {
            backlog: Regex::new(r"\.\s*Backlog\s*=\s*([^;,})=\s][^;,})\n]{0,80})")?,
            listen: Regex::new(
                r"\.\s*(ListenAnyIP|ListenLocalhost|ListenUnixSocket|Listen)\s*\(([^\n;{]{0,200})",
            )?,
            urls: Regex::new(
                r#"(?:\.\s*UseUrls|\bUrls\s*\.\s*Add|\.\s*Run)\s*\(([^;\n{]{0,200}?)\)\s*[;.\n]"#,
            )?,
            constant: Regex::new(r"\bconst\s+int\s+(\w+)\s*=\s*([0-9_]+)\s*;")?,
        })
    }

    pub(super) fn read(&self, ground: Ground<'_>, source: SourceId) -> Code {
        let bytes = ground.sources.bytes(source);
        let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_CODE) else {
            return Code::default();
        };
        let (code, bare) = without_comments(text);
        let argument = |found: Option<regex::Match<'_>>| {
            let found = found?;
            let text = found.as_str().trim();
            let start = found.start() + (found.as_str().len() - found.as_str().trim_start().len());
            Some(Argument { text: text.to_owned(), at: Span::new(source, start..start + text.len()) })
        };
        let sockets = bare.contains("UseSockets") || bare.contains("SocketTransportOptions");
        let kestrel = bare.contains("UseKestrel") || bare.contains("ConfigureKestrel");
        let backlogs = self.backlog.captures_iter(&bare).filter(|_| sockets);
        let listens = self.listen.captures_iter(&code).filter(|_| kestrel);
        Code {
            backlogs: backlogs.filter_map(|found| argument(found.get(1))).collect(),
            listens: listens
                .filter_map(|found| Some((found.get(1)?.as_str().to_owned(), argument(found.get(2))?)))
                .collect(),
            urls: self.urls.captures_iter(&code).filter_map(|found| argument(found.get(1))).collect(),
            constants: self
                .constant
                .captures_iter(&code)
                .filter_map(|found| {
                    Some((found.get(1)?.as_str().to_owned(), found.get(2)?.as_str().to_owned()))
                })
                .collect(),
        }
    }
}

/// The text with blanks in place of its comments, and the same without what stands in strings: every offset stays.
fn without_comments(text: &str) -> (String, String) {
    let (mut code, mut bare) = (String::with_capacity(text.len()), String::with_capacity(text.len()));
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (length, kept) = match c {
            '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
            '/' if rest.starts_with("/*") => (rest.find("*/").map_or(rest.len(), |end| end + 2), false),
            '"' => (string_end(rest, code.ends_with('@')), true),
            _ => {
                code.push(c);
                bare.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
                continue;
            }
        };
        let piece = rest.get(..length).unwrap_or(rest);
        let blank: String = piece.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
        code.push_str(if kept { piece } else { &blank });
        bare.push_str(&blank);
        rest = rest.get(piece.len()..).unwrap_or_default();
    }
    (code, bare)
}

/// Where a string that starts the text ends; a verbatim one knows no escapes.
fn string_end(text: &str, verbatim: bool) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return at + 1,
            b'\n' if !verbatim => return at,
            b'\\' if !verbatim => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}
