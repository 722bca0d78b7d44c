//! What systemd makes of the specifiers in a unit when it reads it (unit-printf.c).

use std::path::Path;

use crate::text::{HashMap, Text};

/// What stands for each specifier of a unit.
#[derive(Debug, Clone, Default)]
pub struct Specifiers(pub HashMap<u8, String>);

impl Specifiers {
    pub fn of(name: &str, hostname: Option<&str>, file: Option<&Path>) -> Self {
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
    pub fn replace(&self, word: &Text) -> Text {
        let bytes = word.bytes();
        let mut text = Text::nothing(word.whole());
        text.open_as(word);
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            let Some(next) = bytes.get(at + 1).filter(|_| *byte == b'%') else {
                let length = word.stretch(at, |byte| byte == b'%');
                text.push_part(word, at..at + length);
                at += length;
                continue;
            };
            match (self.0.get(next), word.place(at..at + 2)) {
                (Some(known), Some(place)) => text.push_for(known.as_bytes(), place),
                _ if *next == b'%' => text.push_escaped(word, at),
                // What is no specifier stays (specifier.c).
                _ => {
                    if next.is_ascii_alphabetic() {
                        text.set_open(&word.slice(at..at + 2).show());
                    }
                    text.push_part(word, at..at + 2);
                }
            }
            at += 2;
        }
        text
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
