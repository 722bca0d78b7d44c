//! Command lines as Ruby's OptionParser reads them: long options may be cut short and short ones carry their value, and what is
//! no option stands anywhere.

use serde::Deserialize;

/// An option that a program knows, as its own help writes it: `-p --port PORT`, `--quiet`, `-f --fork [COUNT]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Known {
    long: String,
    short: Option<char>,
    takes: Takes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    /// A value that may be left out, so that only one behind `=` is sure to be one.
    Perhaps,
}

impl From<String> for Known {
    fn from(written: String) -> Self {
        let mut known = Known { long: String::new(), short: None, takes: Takes::Nothing };
        for word in written.split_ascii_whitespace() {
            match (word.strip_prefix("--"), word.strip_prefix('-')) {
                (Some(long), _) => known.long = long.to_owned(),
                (None, Some(short)) => known.short = short.chars().next(),
                (None, None) if word.starts_with('[') => known.takes = Takes::Perhaps,
                (None, None) => known.takes = Takes::Value,
            }
        }
        known
    }
}

/// An option on a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given<'k> {
    pub long: &'k str,
    /// The word that the value ends, and how many of its last bytes it is.
    pub value: Option<(usize, usize)>,
}

/// The options of a command line, in order. Nothing where it is refused.
pub fn options<'k>(words: &[&str], known: &'k [Known]) -> Option<Vec<Given<'k>>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if *word == "--" {
            break;
        }
        if let Some(name) = word.strip_prefix("--") {
            at = long(words, at, name, known, &mut found)?;
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            at = short(words, at, letters, known, &mut found)?;
        }
        at += 1;
    }
    Some(found)
}

/// The value in the next word.
fn next(words: &[&str], at: usize) -> Option<(usize, usize)> {
    words.get(at + 1).map(|word| (at + 1, word.len()))
}

fn long<'k>(
    words: &[&str],
    at: usize,
    name: &str,
    known: &'k [Known],
    found: &mut Vec<Given<'k>>,
) -> Option<usize> {
    let (name, inline) = match name.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (name, None),
    };
    let mut fitting = known.iter().filter(|option| option.long.starts_with(name));
    let exact = known.iter().find(|option| option.long == name);
    let option = exact.or_else(|| fitting.next().filter(|_| fitting.next().is_none()))?;
    let value = match (inline, option.takes) {
        (Some(_), Takes::Nothing) => return None,
        (Some(value), _) => Some((at, value.len())),
        (None, Takes::Value) => Some(next(words, at)?),
        (None, _) => None,
    };
    found.push(Given { long: &option.long, value });
    Some(value.map_or(at, |(word, _)| word))
}

/// `-p3000`, `-p 3000`, and flags that share a dash.
fn short<'k>(
    words: &[&str],
    at: usize,
    letters: &str,
    known: &'k [Known],
    found: &mut Vec<Given<'k>>,
) -> Option<usize> {
    let mut rest = letters;
    while let Some(letter) = rest.chars().next() {
        rest = rest.get(letter.len_utf8()..)?;
        let option = known.iter().find(|option| option.short == Some(letter))?;
        let value = match option.takes {
            Takes::Nothing => None,
            _ if !rest.is_empty() => Some((at, rest.len())),
            Takes::Value => Some(next(words, at)?),
            Takes::Perhaps => None,
        };
        found.push(Given { long: &option.long, value });
        if let Some((word, _)) = value {
            return Some(word);
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(line: &str) -> Option<Vec<(String, Option<String>)>> {
        let known = ["-p --port PORT", "--pidfile PATH", "-q --quiet", "-f --fork [COUNT]"];
        let known = known.map(|written| Known::from(written.to_owned()));
        let words: Vec<&str> = line.split(' ').collect();
        let found = options(&words, &known)?;
        let text = |(word, length): (usize, usize)| words[word][words[word].len() - length..].to_owned();
        Some(found.into_iter().map(|given| (given.long.to_owned(), given.value.map(text))).collect())
    }

    #[test]
    fn options_are_found_however_they_are_written() {
        for line in ["-p 80", "-p80", "--port 80", "--port=80", "--po=80", "-qp80", "a -p 80 b", "-f -p 80"] {
            let found = given(line).unwrap();
            assert!(found.contains(&("port".into(), Some("80".into()))), "{line}: {found:?}");
        }
        assert_eq!(given("-q -- -p 80").unwrap(), [("quiet".into(), None)]);
        assert_eq!(given("-f5").unwrap(), [("fork".into(), Some("5".into()))]);
        for line in ["-p", "--port", "--p 80", "-x", "--quiet=1", "--unknown"] {
            assert_eq!(given(line), None, "{line}");
        }
    }
}
