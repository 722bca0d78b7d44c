//! Where a block of Lua ends, by the lexical rules that lua-nginx-module uses to find it (its lexer is made from the patterns
//! in util/gen-lexer-c): braces count, but not in comments, strings and long brackets.

use memchr::{memchr, memmem};

/// The offset after the brace that closes the block whose content starts at `start`; nothing if the file ends first.
pub fn block_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    let mut open = 1_u32;
    loop {
        let rest = bytes.get(at..)?;
        at += rest.iter().position(|byte| matches!(byte, b'{' | b'}' | b'[' | b'-' | b'"' | b'\''))?;
        match bytes.get(at..)? {
            [b'{', ..] => open += 1,
            [b'}', ..] => open -= 1,
            token => at += skipped(token)? - 1,
        }
        at += 1;
        if open == 0 {
            return Some(at);
        }
    }
}

/// How long the comment, string or long bracket is that starts here; 1 for a character that starts none.
fn skipped(token: &[u8]) -> Option<usize> {
    match token {
        [b'-', b'-', rest @ ..] => match long_bracket(rest) {
            Some(closing) => Some(2 + closing?),
            None => Some(memchr(b'\n', token).unwrap_or(token.len())),
        },
        [b'[', ..] => long_bracket(token).unwrap_or(Some(1)),
        [quote @ (b'"' | b'\''), rest @ ..] => Some(string(rest, *quote).map_or(1, |inner| inner + 2)),
        _ => Some(1),
    }
}

/// The length of `[[ ... ]]`, `[=[ ... ]=]` and so on; `None` if it is not one, `Some(None)` if it is never closed.
fn long_bracket(token: &[u8]) -> Option<Option<usize>> {
    let level = token.strip_prefix(b"[")?.iter().take_while(|byte| **byte == b'=').count();
    let inner = token.get(level + 1..)?.strip_prefix(b"[")?;
    let closing = [b"]".as_slice(), &vec![b'='; level], b"]"].concat();
    Some(memmem::find(inner, &closing).map(|at| level + 2 + at + closing.len()))
}

/// The length of a string's inside. A string ends on its line; else the quote is an ordinary character.
fn string(inner: &[u8], quote: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        match *inner.get(at)? {
            b'\n' => return None,
            b'\\' if inner.get(at + 1) == Some(&b'\n') => return None,
            b'\\' => at += 2,
            byte if byte == quote => return Some(at),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_counts_braces() {
        for block in [
            "}",
            " local t = {a = {}} }",
            " -- }\n }",
            " -- {\r\n }",
            " --[[ }\n } ]] }",
            " --[==[ } ]] ]=] } ]==] }",
            " local s = [[ } ]] }",
            " local s = [=[ ]] } ]=] }",
            " s = \"}\" }",
            " s = '}' }",
            " s = '\\'}' }",
            " s = \"\\\\\" }",
            " t[t[1]] = x - y }",
            " -- it's\n }",
        ] {
            assert_eq!(block_end(block.as_bytes(), 0), Some(block.len()), "{block}");
            let longer = format!("{block} }}");
            assert_eq!(block_end(longer.as_bytes(), 0), Some(block.len()), "{longer}");
        }
    }

    #[test]
    fn a_block_that_is_never_closed_has_no_end() {
        for block in ["", "{ }", "--[[ }", "[[ }", "-- }", "'}'", "\"\\\"}\""] {
            assert_eq!(block_end(block.as_bytes(), 0), None, "{block}");
        }
    }

    #[test]
    fn an_apostrophe_alone_on_its_line_is_no_string() {
        let block = " s = ' \n }";
        assert_eq!(block_end(block.as_bytes(), 0), Some(block.len()));
    }
}
