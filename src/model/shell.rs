//! Words of other people in commands that are there to be pasted into a shell: each is quoted, and what no quoting makes sane
//! is only told of, in a comment.

use std::borrow::Cow;

use crate::text::{is_harmful, spelled_out};

/// The text as one word of a shell, quoted if it must be; `None` where nobody could see what he runs: controls, marks that
/// turn the direction of writing, and what was no UTF-8.
pub fn word(text: &str) -> Option<Cow<'_, str>> {
    let is_sane = !text.contains(|c| is_harmful(c) || c == char::REPLACEMENT_CHARACTER);
    is_sane.then(|| quoted(text))
}

/// The same for a command that ends its options at `--`: what begins with a dash stands behind that.
pub fn argument(text: &str) -> Option<Cow<'_, str>> {
    let word = word(text)?;
    Some(if text.starts_with('-') { Cow::Owned(format!("-- {word}")) } else { word })
}

/// A path that no command takes for an option, not quoted yet: `./-x`.
pub fn as_path(path: &str) -> Cow<'_, str> {
    if path.starts_with('-') { Cow::Owned(format!("./{path}")) } else { Cow::Borrowed(path) }
}

/// A command of these words. One with a word that is not sane becomes a comment.
pub fn command(words: &[impl AsRef<str>]) -> String {
    let sane: Option<Vec<_>> = words.iter().map(|it| word(it.as_ref())).collect();
    match sane {
        Some(words) => words.join(" "),
        None => words.iter().fold("#".to_owned(), |line, it| format!("{line} {}", shown(it.as_ref()))),
    }
}

/// A line that says what to do, and with what. It is quoted too: not every shell knows comments at its prompt (zshoptions(1),
/// INTERACTIVE_COMMENTS).
pub fn comment(what: &str, with: &str) -> String {
    format!("# {what} {}", shown(with))
}

/// The text as a word of a comment.
pub fn shown(text: &str) -> String {
    quoted(&spelled_out(text)).into_owned()
}

fn quoted(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "-._/:=,@%+".contains(c);
    // zsh takes `=ls` for the path of a program, PowerShell `@x` for a variable, and a shell's own commands `%1` for a job.
    match !text.is_empty() && text.chars().all(plain) && !text.starts_with(['=', '%', '@']) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(format!("'{}'", text.replace('\'', r"'\''"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_only_if_it_must_be() {
        for plain in ["nginx", "app@1.service", "/run/a-b_c.sock", "net.core.somaxconn=1", "./é", "a,b%n+c:d"]
        {
            assert_eq!(word(plain).unwrap(), plain);
        }
        for (text, quoted) in [
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$(touch x)", "'$(touch x)'"),
            ("=x", "'=x'"),
            ("@x", "'@x'"),
            ("~", "'~'"),
        ] {
            assert_eq!(word(text).unwrap(), quoted);
        }
    }

    #[test]
    fn a_dash_begins_no_option() {
        assert_eq!(argument("-rf").unwrap(), "-- -rf");
        assert_eq!(argument("--x y").unwrap(), "-- '--x y'");
        assert_eq!(argument("a-b").unwrap(), "a-b");
        assert_eq!((as_path("-rf"), as_path("/-rf")), ("./-rf".into(), "/-rf".into()));
        assert_eq!(command(&["ls", "a b", "$x"]), "ls 'a b' '$x'");
    }

    #[test]
    fn what_nobody_could_see_is_only_told() {
        for text in ["a\nb", "a\rb", "a\tb", "\u{1b}[2J", "a\u{202e}b", "a\u{fffd}b", "\u{9b}", "-\u{200b}"] {
            assert_eq!((word(text), argument(text)), (None, None), "{text:?}");
            assert!(command(&["ls", text]).starts_with("# ls "), "{text:?}");
        }
        assert_eq!(comment("restart", "a"), "# restart a");
        assert_eq!(comment("restart", "a\nb c"), r"# restart 'a\nb c'");
    }
}
