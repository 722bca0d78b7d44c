//! What uWSGI's command line says, as getopt_long(3) takes it: options in their order, then the words that are none.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::entry::Entry;
use crate::text::{HashSet, Text};

/// Which options take a word.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Known {
    /// Those that take none.
    flags: HashSet<String>,
    /// The options that one letter stands for, and those letters that take nothing.
    letters: BTreeMap<char, String>,
    bare_letters: String,
}

/// The options of a command line, and the files that it names without one.
#[derive(Debug, Default)]
pub struct Arguments {
    pub options: Vec<Entry>,
    pub files: Vec<Entry>,
}

pub fn read(known: &Known, words: &[Text]) -> Arguments {
    let mut arguments = Arguments::default();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let text = word.as_str();
        if text == "--" {
            arguments.files.extend(words.map(|word| entry("", word.as_str(), word)));
            break;
        }
        if let Some(long) = text.strip_prefix("--") {
            if let Some((key, value)) = long.split_once('=') {
                arguments.options.push(entry(key, value, word));
                continue;
            }
            // An option of a plugin that is not known takes a word if one follows.
            let takes = !known.flags.contains(long)
                && words
                    .peek()
                    .is_some_and(|next| !next.as_str().starts_with('-') || next.as_str().len() < 2);
            let value = if takes { words.next() } else { None };
            arguments.options.push(
                value.map_or_else(|| entry(long, "", word), |value| entry(long, value.as_str(), value)),
            );
        } else if let Some(letters) = text.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            cluster(known, letters, word, &mut words, &mut arguments);
        } else {
            arguments.files.push(entry("", text, word));
        }
    }
    arguments
}

/// `-Mp4`: letters without a word, and at most one with the rest or the next word.
fn cluster<'w>(
    known: &Known,
    letters: &str,
    word: &Text,
    words: &mut impl Iterator<Item = &'w Text>,
    arguments: &mut Arguments,
) {
    for (at, letter) in letters.char_indices() {
        let Some(option) = known.letters.get(&letter) else { return };
        if known.bare_letters.contains(letter) {
            // A letter before what is not known is known.
            arguments.options.push(Entry::new(option, "", word.span()));
            continue;
        }
        let rest = letters.get(at + letter.len_utf8()..).unwrap_or_default();
        let found = match rest {
            "" => words.next().map(|value| entry(option, value.as_str(), value)),
            rest => Some(entry(option, rest, word)),
        };
        arguments.options.extend(found);
        return;
    }
}

fn entry(key: &str, value: &str, word: &Text) -> Entry {
    let tail = word.tail(value.len()).exact().filter(|_| word.as_str().ends_with(value));
    Entry {
        exact: tail.is_some() && value.is_ascii(),
        open: word.is_open().then(|| word.as_str().to_owned()),
        ..Entry::new(key, value, tail.unwrap_or(word.span()))
    }
}
