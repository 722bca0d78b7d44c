//! C# as a text: where its comments and strings are. No more of the language is understood.

/// The text with blanks in place of its comments, and the same without what stands in strings: every offset stays.
pub fn without_comments(text: &str) -> (String, String) {
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
