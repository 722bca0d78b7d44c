//! What systemd makes of the words of a command line: specifiers when it reads the unit, variables when it starts it
//! (unit-printf.c; env-util.c, replace_env_argv).

use std::path::Path;

use crate::syntax::letters::{Letter, Letters};
use crate::syntax::shell::{Known, Word};
use crate::syntax::unit::Words;
use crate::text::HashMap;

/// What stands for each specifier.
#[derive(Debug, Clone, Default)]
pub(super) struct Specifiers(pub HashMap<u8, String>);

impl Specifiers {
    pub(super) fn of(name: &str, hostname: Option<&str>, file: Option<&Path>) -> Self {
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let (prefix, instance) = stem.split_once('@').unwrap_or((stem, ""));
        let last = |text: &str| text.rsplit('-').next().unwrap_or_default().to_owned();
        let mut known: HashMap<u8, String> = HashMap::from_iter([
            (b'n', name.to_owned()),
            (b'N', stem.to_owned()),
            (b'p', prefix.to_owned()),
            (b'P', unescaped(prefix)),
            (b'j', last(prefix)),
            (b'J', unescaped(&last(prefix))),
            (b't', "/run".to_owned()),
            (b'S', "/var/lib".to_owned()),
            (b'C', "/var/cache".to_owned()),
            (b'L', "/var/log".to_owned()),
            (b'E', "/etc".to_owned()),
            (b'T', "/tmp".to_owned()),
            (b'V', "/var/tmp".to_owned()),
            (b'h', "/root".to_owned()),
            (b'u', "root".to_owned()),
            (b'U', "0".to_owned()),
            (b'g', "root".to_owned()),
            (b'G', "0".to_owned()),
        ]);
        // The instances of a template that stands for all of them are not known.
        if !stem.ends_with('@') {
            known.insert(b'i', instance.to_owned());
            known.insert(b'I', unescaped(instance));
            let file = if instance.is_empty() { prefix } else { instance };
            known.insert(b'f', format!("/{}", unescaped(file)));
        } else {
            known.remove(&b'n');
            known.remove(&b'N');
        }
        if let Some(hostname) = hostname {
            known.insert(b'l', hostname.split('.').next().unwrap_or_default().to_owned());
            known.insert(b'H', hostname.to_owned());
        }
        if let Some(file) = file {
            known.insert(b'y', format!("/{}", file.display()));
            known.insert(b'Y', format!("/{}", file.parent().unwrap_or(file).display()));
        }
        Self(known)
    }

    /// A word with its specifiers replaced.
    pub(super) fn replace(&self, word: Word) -> Word {
        let mut letters = Letters::default();
        let mut open = word.open;
        let mut all = word.letters.0.iter().copied().peekable();
        while let Some(letter) = all.next() {
            let Some(next) = all.peek().copied().filter(|_| letter.byte == b'%') else {
                letters.0.push(letter);
                continue;
            };
            let at = Letters(vec![letter, next]).span().unwrap_or(letter.at);
            match self.0.get(&next.byte) {
                Some(text) => letters.push_for(text.as_bytes(), at),
                None if next.byte == b'%' => letters.push_for(b"%", at),
                // What is no specifier stays (specifier.c).
                None => {
                    open |= next.byte.is_ascii_alphabetic();
                    letters.0.extend([letter, next]);
                }
            }
            all.next();
        }
        Word { letters, open, ..word }
    }
}

/// `unit_name_unescape`: dashes are slashes, `\x2d` is a byte.
fn unescaped(text: &str) -> String {
    let mut found = Vec::new();
    let mut bytes = text.as_bytes();
    while let Some((first, rest)) = bytes.split_first() {
        bytes = rest;
        match first {
            b'-' => found.push(b'/'),
            b'\\' if rest.first() == Some(&b'x') => {
                let digits = rest.get(1..3).and_then(|digits| std::str::from_utf8(digits).ok());
                match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                    Some(byte) => {
                        found.push(byte);
                        bytes = rest.get(3..).unwrap_or_default();
                    }
                    None => found.push(b'\\'),
                }
            }
            byte => found.push(*byte),
        }
    }
    String::from_utf8_lossy(&found).into_owned()
}

/// The arguments that a word comes to: a word that is `$NAME` is split, `${NAME}` is not, and `$$` is a dollar.
pub(super) fn variables(word: Word, known: &dyn Fn(&str) -> Known) -> Vec<Word> {
    let bytes = word.letters.bytes();
    let whole = bytes.strip_prefix(b"$").filter(|name| !matches!(name.first(), Some(b'{' | b'$')));
    match whole {
        Some(name) => split(&String::from_utf8_lossy(name), word, known),
        None => vec![braces(word, known)],
    }
}

fn split(name: &str, word: Word, known: &dyn Fn(&str) -> Known) -> Vec<Word> {
    match known(name) {
        Known::Open => vec![Word { open: true, ..word }],
        Known::Unset => Vec::new(),
        Known::Set(value) if value.open => vec![Word { open: true, ..word }],
        Known::Set(value) => {
            let at = word.at;
            Words::new(&value.letters).map(|part| Word { at, ..part }).collect()
        }
    }
}

fn braces(word: Word, known: &dyn Fn(&str) -> Known) -> Word {
    let text = &word.letters.0;
    let mut letters = Letters::default();
    let mut open = word.open;
    let mut at = 0;
    while let Some(letter) = text.get(at).copied() {
        match (letter.byte, text.get(at + 1).map(|next| next.byte)) {
            (b'$', Some(b'$')) => {
                let both = Letters(text.get(at..at + 2).unwrap_or_default().to_vec());
                letters.push_for(b"$", both.span().unwrap_or(letter.at));
                at += 2;
            }
            (b'$', Some(b'{')) => match reference(text, at) {
                Some((name, end)) => {
                    match known(&name) {
                        Known::Set(value) => {
                            open |= value.open;
                            letters.0.extend(&value.letters.0);
                        }
                        Known::Unset => {}
                        Known::Open => {
                            open = true;
                            letters.0.extend(text.get(at..end).unwrap_or_default());
                        }
                    }
                    at = end;
                }
                None => {
                    letters.0.push(letter);
                    at += 1;
                }
            },
            _ => {
                letters.0.push(letter);
                at += 1;
            }
        }
    }
    Word { letters, open, ..word }
}

/// The name in `${NAME}`, and where it ends.
fn reference(text: &[Letter], at: usize) -> Option<(String, usize)> {
    let rest = text.get(at + 2..)?;
    let length = rest.iter().take_while(|letter| !matches!(letter.byte, b'}' | b':' | b'$')).count();
    rest.get(length).filter(|letter| letter.byte == b'}' && length > 0)?;
    let name = rest.iter().take(length).map(|letter| char::from(letter.byte)).collect();
    Some((name, at + 2 + length + 1))
}
