//! Command lines as a program's own parser cuts them: from a table of its options, which words are options and which are their
//! values. It knows no program.

use serde::Deserialize;

use crate::text::{Span, Text};

/// The options of a program, as its own help writes them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Table {
    /// `-p --port PORT`, `-q --quiet`, `-f --fork [COUNT]`. The last name is what an option goes by.
    options: Vec<Known>,
    /// Long names may be cut short as far as they stay clear.
    #[serde(default)]
    abbreviates: bool,
    /// A value that may be left out is also the next word, unless a dash leads that (optparse.rb, OptionalArgument).
    #[serde(default)]
    reaches: bool,
    /// The first word that is no option ends them; one that is not known may be options itself.
    #[serde(default)]
    stops: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
struct Known {
    /// With their dashes.
    names: Vec<String>,
    takes: Takes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    /// A value that may be left out, so that only one in the same word is sure to be one.
    Perhaps,
}

impl From<String> for Known {
    fn from(written: String) -> Self {
        let mut known = Known { names: Vec::new(), takes: Takes::Nothing };
        for word in written.split_ascii_whitespace() {
            match word {
                _ if word.starts_with('-') => known.names.push(word.to_owned()),
                _ if word.starts_with('[') => known.takes = Takes::Perhaps,
                _ => known.takes = Takes::Value,
            }
        }
        known
    }
}

impl Known {
    fn name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }
}

/// An option as it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given<'t, 'w> {
    /// The last of its names in the table.
    pub name: &'t str,
    /// The word that it stands in.
    pub word: &'w Text,
    pub value: Option<Value<'w>>,
}

/// A value, which is the end of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'w> {
    pub word: &'w Text,
    pub text: &'w str,
}

impl Value<'_> {
    /// Where it is written as it is.
    pub fn exact(&self) -> Option<Span> {
        self.word.tail(self.text.len()).exact()
    }

    pub fn span(&self) -> Span {
        self.word.tail(self.text.len()).span()
    }
}

/// What a parser would not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong<'w> {
    Unknown(&'w Text),
    /// An option without the value that it takes.
    Lacks(&'w Text),
    /// One with a value that takes none.
    Takes(&'w Text),
}

/// What a command line says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Line<'t, 'w> {
    pub given: Vec<Given<'t, 'w>>,
    /// The words that are neither options nor values.
    pub rest: Vec<&'w Text>,
    pub wrong: Vec<Wrong<'w>>,
}

impl<'t, 'w> Line<'t, 'w> {
    /// The values of an option, in their order.
    pub fn all<'l>(&'l self, name: &'l str) -> impl DoubleEndedIterator<Item = Value<'w>> + 'l {
        self.given.iter().filter(move |given| given.name == name).filter_map(|given| given.value)
    }

    /// The value of an option; of several the last.
    pub fn last(&self, name: &str) -> Option<Value<'w>> {
        self.all(name).next_back()
    }

    pub fn has(&self, name: &str) -> bool {
        self.given.iter().any(|given| given.name == name)
    }
}

impl Table {
    /// Cuts the arguments of a program, which its own name is none of.
    pub fn read<'t, 'w>(&'t self, words: &'w [Text]) -> Line<'t, 'w> {
        let mut reader = Reader { table: self, words: words.iter(), line: Line::default() };
        while let Some(word) = reader.words.next() {
            match word.as_str() {
                "--" => break,
                text if text.len() > 1 && text.starts_with('-') => reader.option(word),
                _ => {
                    reader.line.rest.push(word);
                    if self.stops && !word.is_open() {
                        break;
                    }
                }
            }
        }
        reader.line.rest.extend(reader.words);
        reader.line
    }

    fn named(&self, name: &str) -> Option<&Known> {
        let named = |known: &&Known| known.names.iter().any(|known| known == name);
        let exact = self.options.iter().find(named);
        let begun = |known: &&Known| known.names.iter().any(|known| known.starts_with(name));
        let mut begun = self.options.iter().filter(begun).filter(|_| self.abbreviates && name.len() > 2);
        exact.or_else(|| begun.next().filter(|_| begun.next().is_none()))
    }

    fn letter(&self, letter: char) -> Option<&Known> {
        let is_it = |name: &String| name.strip_prefix('-').is_some_and(|name| name.chars().eq([letter]));
        self.options.iter().find(|known| known.names.iter().any(is_it))
    }
}

struct Reader<'t, 'w> {
    table: &'t Table,
    words: std::slice::Iter<'w, Text>,
    line: Line<'t, 'w>,
}

impl<'t, 'w> Reader<'t, 'w> {
    fn option(&mut self, word: &'w Text) {
        if word.as_str().starts_with("--") {
            self.long(word);
        } else {
            self.letters(word);
        }
    }

    /// `--port 80`, `--port=80`.
    fn long(&mut self, word: &'w Text) {
        let (name, joined) = match word.as_str().split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word.as_str(), None),
        };
        match (self.table.named(name), joined) {
            (None, _) => self.line.wrong.push(Wrong::Unknown(word)),
            (Some(known), None) if known.takes == Takes::Value => self.next(known, word),
            (Some(known), Some(_)) if known.takes == Takes::Nothing => {
                self.line.wrong.push(Wrong::Takes(word));
            }
            (Some(known), None) => self.perhaps(known, word),
            (Some(known), joined) => self.give(known, word, joined.map(|text| Value { word, text })),
        }
    }

    /// `-p 80`, `-p80`, `-qp80`.
    fn letters(&mut self, word: &'w Text) {
        for (at, letter) in word.as_str().char_indices().skip(1) {
            let rest = word.as_str().get(at + letter.len_utf8()..).filter(|rest| !rest.is_empty());
            match (self.table.letter(letter), rest) {
                (None, _) => return self.line.wrong.push(Wrong::Unknown(word)),
                (Some(known), _) if known.takes == Takes::Nothing => self.give(known, word, None),
                (Some(known), None) if known.takes == Takes::Value => return self.next(known, word),
                (Some(known), None) => return self.perhaps(known, word),
                (Some(known), rest) => {
                    return self.give(known, word, rest.map(|text| Value { word, text }));
                }
            }
        }
    }

    /// The next word is the value where it can be one.
    fn perhaps(&mut self, known: &'t Known, word: &'w Text) {
        let reaches = self.table.reaches && known.takes == Takes::Perhaps;
        let next = self.words.as_slice().first().filter(|next| reaches && !next.starts_with('-'));
        let value = next.map(|value| Value { word: value, text: value.as_str() });
        if value.is_some() {
            self.words.next();
        }
        self.give(known, word, value);
    }

    /// The value is the next word.
    fn next(&mut self, known: &'t Known, word: &'w Text) {
        match self.words.next() {
            Some(value) => self.give(known, word, Some(Value { word: value, text: value.as_str() })),
            None => self.line.wrong.push(Wrong::Lacks(word)),
        }
    }

    fn give(&mut self, known: &'t Known, word: &'w Text, value: Option<Value<'w>>) {
        self.line.given.push(Given { name: known.name(), word, value });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Sources;

    fn read(table: &str, line: &str) -> String {
        let table: Table = toml::from_str(table).unwrap();
        let sources = Sources::new();
        let word = |text: &str| {
            let span = sources.flag("t", text);
            Text::written(text, span)
        };
        let words: Vec<Text> = line.split(' ').map(word).collect();
        let Line { given, rest, wrong } = table.read(&words);
        let show = |given: &Given<'_, '_>| match given.value {
            Some(value) => format!("{}={}", given.name, value.text),
            None => given.name.to_owned(),
        };
        let said = given.iter().map(show).chain(rest.iter().map(|word| word.to_string()));
        let wrong = wrong.iter().map(|wrong| match wrong {
            Wrong::Unknown(word) => format!("?{}", word),
            Wrong::Lacks(word) => format!("{}!", word),
            Wrong::Takes(word) => format!("!{}", word),
        });
        said.chain(wrong).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn letters_share_a_dash_and_carry_their_value() {
        let table = "options = ['-p --port PORT', '-q --quiet', '-f --fork [COUNT]', '-h -?']";
        for (line, said) in [
            ("-p 80", "--port=80"),
            ("-p80", "--port=80"),
            ("-qp80", "--quiet --port=80"),
            ("--port=80 --port 81", "--port=80 --port=81"),
            ("a -p 80 b", "--port=80 a b"),
            ("-f -p 80", "--fork --port=80"),
            ("-f5", "--fork=5"),
            ("-q -- -p 80", "--quiet -p 80"),
            ("- -h", "-? -"),
            ("-p", "-p!"),
            ("--port", "--port!"),
            ("-xp80 -q", "--quiet ?-xp80"),
            ("--quiet=1", "!--quiet=1"),
            ("--po=80", "?--po=80"),
        ] {
            assert_eq!(read(table, line), said, "{line}");
        }
    }

    #[test]
    fn parsers_differ() {
        let table = "options = ['--port PORT', '--pid FILE', '--quiet']";
        let reaching = "options = ['-f --fork [COUNT]', '-q --quiet']\nreaches = true";
        for (line, said) in [("-f 4 a", "--fork=4 a"), ("--fork -q", "--fork --quiet"), ("-q a", "--quiet a")]
        {
            assert_eq!(read(reaching, line), said, "{line}");
        }
        let (short, first) = (format!("{table}\nabbreviates = true"), format!("{table}\nstops = true"));
        assert_eq!(read(&short, "--po 80 --p 80 --q"), "--port=80 --quiet 80 ?--p");
        assert_eq!(read(&first, "--quiet a --quiet"), "--quiet a --quiet");
    }
}
