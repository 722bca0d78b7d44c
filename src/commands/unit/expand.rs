//! What systemd makes of the words of a command line when it starts it: its variables (env-util.c, replace_env_argv).

use crate::syntax::shell::Known;
use crate::syntax::unit::Words;
use crate::text::Text;

/// The arguments that a word comes to: a word that is `$NAME` is split, `${NAME}` is not, and `$$` is a dollar.
pub(super) fn variables(word: Text, known: &dyn Fn(&str) -> Known) -> Vec<Text> {
    let name = word.bytes().strip_prefix(b"$").filter(|name| !matches!(name.first(), Some(b'{' | b'$')));
    let Some(name) = name.map(String::from_utf8_lossy) else { return vec![braces(&word, known)] };
    match known(&name) {
        Known::Set(value) if !value.is_open() => {
            Words::new(&value).map(|part| part.with_whole(word.whole())).collect()
        }
        Known::Unset => Vec::new(),
        Known::Open | Known::Set(_) => {
            let written = word.show().into_owned();
            vec![word.with_open(&written)]
        }
    }
}

fn braces(word: &Text, known: &dyn Fn(&str) -> Known) -> Text {
    let bytes = word.bytes();
    let mut text = Text::nothing(word.whole());
    text.open_as(word);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1);
        if let (b'$', Some(b'$')) = (byte, next) {
            text.push_escaped(word, at);
            at += 2;
            continue;
        }
        let reference = if (byte, next) == (&b'$', Some(&b'{')) { reference(bytes, at) } else { None };
        let Some((name, end)) = reference else {
            let length = word.stretch(at, |byte| byte == b'$');
            text.push_part(word, at..at + length);
            at += length;
            continue;
        };
        match known(&name) {
            Known::Set(value) => text.push_text(&value),
            Known::Unset => {}
            Known::Open => {
                text.set_open(&word.slice(at..end).show());
                text.push_part(word, at..end);
            }
        }
        at = end;
    }
    text
}

/// The name in `${NAME}`, and where it ends.
fn reference(text: &[u8], at: usize) -> Option<(String, usize)> {
    let rest = text.get(at + 2..)?;
    let length = rest.iter().take_while(|byte| !matches!(byte, b'}' | b':' | b'$')).count();
    rest.get(length).filter(|byte| **byte == b'}' && length > 0)?;
    Some((String::from_utf8_lossy(rest.get(..length)?).into_owned(), at + 2 + length + 1))
}
