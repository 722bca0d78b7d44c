//! What uWSGI's command line says, as getopt_long(3) takes it: options in their order, then the words that are none.

use super::entry::Entry;
use super::tables::Tables;
use crate::model::Word;

/// The options of a command line, and the files that it names without one.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    pub(super) options: Vec<Entry>,
    pub(super) files: Vec<Entry>,
}

pub(super) fn read(tables: &Tables, words: &[Word]) -> Arguments {
    let mut arguments = Arguments::default();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        if text == "--" {
            arguments.files.extend(words.map(|word| entry("", &word.text, word)));
            break;
        }
        if let Some(long) = text.strip_prefix("--") {
            if let Some((key, value)) = long.split_once('=') {
                arguments.options.push(entry(key, value, word));
                continue;
            }
            // An option of a plugin that is not known takes a word if one follows.
            let takes = !tables.is_flag(long)
                && words.peek().is_some_and(|next| !next.text.starts_with('-') || next.text.len() < 2);
            let value = if takes { words.next() } else { None };
            arguments
                .options
                .push(value.map_or_else(|| entry(long, "", word), |value| entry(long, &value.text, value)));
        } else if let Some(letters) = text.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            cluster(tables, letters, word, &mut words, &mut arguments);
        } else {
            arguments.files.push(entry("", text, word));
        }
    }
    arguments
}

/// `-Mp4`: letters without a word, and at most one with the rest or the next word.
fn cluster<'w>(
    tables: &Tables,
    letters: &str,
    word: &Word,
    words: &mut impl Iterator<Item = &'w Word>,
    arguments: &mut Arguments,
) {
    for (at, letter) in letters.char_indices() {
        let Some((option, takes)) = tables.letter(letter) else { return };
        if !takes {
            arguments.options.push(entry(option, "", word));
            continue;
        }
        let rest = letters.get(at + letter.len_utf8()..).unwrap_or_default();
        let found = match rest {
            "" => words.next().map(|value| entry(option, &value.text, value)),
            rest => Some(entry(option, rest, word)),
        };
        arguments.options.extend(found);
        return;
    }
}

fn entry(key: &str, value: &str, word: &Word) -> Entry {
    let tail = word.tail(value.len()).filter(|_| word.text.ends_with(value) && !value.is_empty());
    Entry {
        exact: tail.is_some() && value.is_ascii(),
        open: word.open.then(|| word.text.clone()),
        ..Entry::new(key, value, tail.unwrap_or(word.span))
    }
}
