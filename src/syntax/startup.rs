//! What a program is started with, as its source asks for it: variables of its environment, the words of its command line. Who
//! knows the command lines answers; here is only what languages have in common in asking.

use super::eval::not_told;
use crate::text::{Span, Text};

/// How many files one is taken to lead to.
pub const MAX_TAKEN_IN: usize = 2_000;

/// What somebody says of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nobody who is known sets it; somebody else may.
    Unsaid,
    Set(Set),
    /// It is set, and why nobody can tell to what.
    Unclear(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// It stands as it is only where no other place says it.
    pub text: Text,
    /// Whoever starts the program may still say something else: it is only an image's own.
    pub may_change: bool,
}

impl Set {
    /// Where the value may be written anew.
    pub fn written(&self) -> Option<Span> {
        self.text.exact()
    }
}

/// A word of a command line and the end of it that is looked for; nothing where it is not there; why it cannot be told.
pub type Look<'w> = Result<Option<(&'w Text, &'w str)>, String>;

/// Which words of a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What the program gets.
    Arguments,
    /// What stands between what runs the program and the program: `-Dname=value` of Java.
    Options,
}

/// The command lines that start a program.
pub trait Startup {
    /// A variable of its environment.
    fn variable(&self, name: &str) -> Answer;

    /// What its words come to by a look at those of each command line.
    fn words(&self, _part: Part, _look: &dyn for<'w> Fn(&'w [Text]) -> Look<'w>) -> Answer {
        Answer::Unsaid
    }

    /// Whether some command line gives it arguments.
    fn has_arguments(&self) -> bool {
        false
    }

    /// How many arguments it gets, where that is known.
    fn count(&self) -> Option<usize> {
        None
    }

    /// An argument by its place.
    fn argument(&self, index: usize) -> Answer {
        self.words(Part::Arguments, &|words| Ok(words.get(index).map(|word| (word, word.as_str()))))
    }
}

/// No command line is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Startup for Nobody {
    fn variable(&self, _: &str) -> Answer {
        Answer::Unsaid
    }
}

/// An option that a program is known to have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Switch {
    /// With their dashes: `-p`, `--port`.
    pub names: Vec<String>,
    pub takes_value: bool,
}

impl Switch {
    fn is_named(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }
}

/// What a word is among options: `--port=80`, `-vp80`, `-p`, `80`.
enum Met<'w> {
    Plain,
    /// The option that is looked for, with what stands behind it in the same word.
    Wanted(Option<&'w str>),
    Other {
        takes_next: bool,
    },
    /// None that is known, and not the one that is looked for.
    Strange,
    /// It may be the one that is looked for: languages differ.
    Unclear,
}

fn meet<'w>(text: &'w str, wanted: &Switch, all: &[Switch]) -> Met<'w> {
    if text.len() < 2 || !text.starts_with('-') {
        return Met::Plain;
    }
    let find = |name: &str| all.iter().find(|other| other.is_named(name));
    if text.starts_with("--") {
        let (name, joined) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        return match find(name) {
            _ if wanted.is_named(name) => Met::Wanted(joined),
            Some(other) => Met::Other { takes_next: other.takes_value && joined.is_none() },
            // It may be short for it.
            None if wanted.names.iter().any(|own| own.starts_with(name)) => Met::Unclear,
            None => Met::Strange,
        };
    }
    for (at, letter) in text.char_indices().skip(1) {
        let rest = text.get(at + letter.len_utf8()..).filter(|rest| !rest.is_empty());
        let name = format!("-{letter}");
        match find(&name) {
            _ if wanted.is_named(&name) && rest.is_some_and(|rest| rest.starts_with('=')) => {
                return Met::Unclear;
            }
            _ if wanted.is_named(&name) => return Met::Wanted(rest),
            Some(other) if other.takes_value => return Met::Other { takes_next: rest.is_none() },
            Some(_) => {}
            None => {
                let may_be = |letter: char| wanted.is_named(&format!("-{letter}"));
                let unclear = rest.is_some_and(|rest| rest.chars().any(may_be));
                return if unclear { Met::Unclear } else { Met::Strange };
            }
        }
    }
    Met::Other { takes_next: false }
}

/// The value that an option gets, the last one that counts, or the option itself where it takes none. All options that the
/// program is known to have tell which words are values of others.
pub fn option<'w>(words: &'w [Text], wanted: &Switch, all: &[Switch]) -> Look<'w> {
    let mut found = None;
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let text = word.as_str();
        if text == "--" {
            break;
        }
        match meet(text, wanted, all) {
            // What looks like an option is no value of another one.
            Met::Plain | Met::Strange | Met::Other { takes_next: false } => {}
            Met::Other { takes_next: true } => drop(rest.next()),
            Met::Wanted(_) if !wanted.takes_value => found = Some((word, text)),
            Met::Wanted(Some(value)) => found = Some((word, value)),
            Met::Wanted(None) => match rest.next() {
                Some(value) => found = Some((value, value.as_str())),
                None => return Err(format!("`{text}` has no value on the command line")),
            },
            Met::Unclear => return Err(unclear(text)),
        }
    }
    Ok(found)
}

/// A word that is no option and no value of one, by its place among those.
pub fn operand<'w>(words: &'w [Text], index: usize, all: &[Switch]) -> Look<'w> {
    let mut plain = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word.is("--") {
            plain.extend(rest);
            break;
        }
        match meet(word, &Switch::default(), all) {
            Met::Plain => plain.push(word),
            Met::Other { takes_next: true } => drop(rest.next()),
            Met::Other { .. } => {}
            Met::Wanted(_) | Met::Strange | Met::Unclear => return Err(unclear(word)),
        }
    }
    Ok(plain.get(index).map(|word| (*word, word.as_str())))
}

fn unclear(text: &str) -> String {
    let name = text.split('=').next().unwrap_or(text);
    format!("{} on the command line", not_told(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Text> {
        line.split(' ').map(|word| Text::meant(word, Span::NOWHERE)).collect()
    }

    fn switch(names: &[&str], takes_value: bool) -> Switch {
        Switch { names: names.iter().map(|name| (*name).to_owned()).collect(), takes_value }
    }

    fn all() -> Vec<Switch> {
        vec![
            switch(&["-p", "--port"], true),
            switch(&["-v", "--verbose"], false),
            switch(&["-c", "--config"], true),
        ]
    }

    #[test]
    fn options_are_found_as_getopt_finds_them() {
        let port = |line: &str| {
            let words = words(line);
            option(&words, &all()[0], &all()).map(|found| found.map(|(_, text)| text.to_owned()))
        };
        for (line, value) in [
            ("--port 80", Some("80")),
            ("--port=80", Some("80")),
            ("-p 80", Some("80")),
            ("-p80", Some("80")),
            ("-vp80", Some("80")),
            ("-vp 80", Some("80")),
            ("-c --port a -p 81", Some("81")),
            ("-cp80", None),
            ("-p 80 --port 81", Some("81")),
            ("a -- -p 80", None),
            ("-v a b", None),
            ("--what 80 -x a -p 82", Some("82")),
        ] {
            assert_eq!(port(line), Ok(value.map(str::to_owned)), "{line}");
        }
        for line in ["--por 80", "-xp80", "-p", "-p=80"] {
            assert!(port(line).is_err(), "{line}");
        }
    }

    #[test]
    fn words_are_counted_without_options() {
        let second = |line: &str| {
            let words = words(line);
            operand(&words, 1, &all()).map(|found| found.map(|(_, text)| text.to_owned()))
        };
        assert_eq!(second("-v a -c x b"), Ok(Some("b".to_owned())));
        assert_eq!(second("a --port=1 -- -b"), Ok(Some("-b".to_owned())));
        assert_eq!(second("a"), Ok(None));
        assert!(second("a -x b").is_err());
    }
}
