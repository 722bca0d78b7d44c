//! A command line as the service's option parser sees it: which words are options, and which are their values.

use std::collections::BTreeMap;

use super::super::Why;
use super::said::{self, Said, Told, Written};
use crate::knowledge::Keys;
use crate::knowledge::keys::SettingKeys;
use crate::model::Text;
use crate::text::Span;

/// What a command line says.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// By the names of settings.
    pub(super) told: BTreeMap<String, Told>,
    /// Why the program does not start.
    pub(super) refused: Option<(String, Span)>,
    /// A word that may be any number of options: a variable that nothing in the tree sets.
    pub(super) open: Option<(String, Span)>,
}

/// An option that is known.
#[derive(Clone, Copy)]
struct Known<'k> {
    name: &'k str,
    /// What its value starts with where one option serves many.
    start: &'k str,
    switch: bool,
    setting: Option<(&'k str, &'k SettingKeys)>,
}

/// The name of an option and the start of its value: `-p listen_depth=`; a bare `name=` has no option.
pub(super) fn spelt(option: &str) -> (&str, &str) {
    match option.split_once(' ') {
        Some(parts) => parts,
        None if option.starts_with('-') => (option, ""),
        None => ("", option),
    }
}

fn known(keys: &Keys) -> Vec<Known<'_>> {
    let of_settings = keys.setting.iter().flat_map(|(name, setting)| {
        setting.options.iter().map(move |option| {
            let (option, start) = spelt(option);
            Known { name: option, start, switch: setting.switch, setting: Some((name, setting)) }
        })
    });
    let switches = keys.switches.iter().map(|name| (name, true));
    let others = switches.chain(keys.valued.iter().map(|name| (name, false)));
    let others = others.map(|(name, switch)| Known { name, start: "", switch, setting: None });
    of_settings.chain(others).collect()
}

/// Reads the arguments of a program.
pub(super) fn read(keys: &Keys, words: &[Text]) -> Line {
    let known = known(keys);
    let is_template = words.iter().any(|word| said::is_template(word.as_str()));
    let mut reader = Reader { keys, known, words, next: 0, line: Line::default(), is_template };
    reader.all();
    reader.line
}

struct Reader<'k> {
    keys: &'k Keys,
    known: Vec<Known<'k>>,
    words: &'k [Text],
    next: usize,
    line: Line,
    /// Some of the words are those of a template, which has more of them than the program gets.
    is_template: bool,
}

impl<'k> Reader<'k> {
    fn all(&mut self) {
        let (mut others, mut open) = (0, Vec::new());
        let most = self.keys.most_words.unwrap_or(usize::MAX);
        while let Some(word) = self.take() {
            let text = word.as_str();
            if text == "--" {
                break;
            } else if text.starts_with("--") {
                self.long(word);
            } else if text.len() > 1 && text.starts_with('-') {
                self.short(word);
            } else {
                self.bare(word);
                match word.is_open() && is_variable(text) {
                    true => {
                        let why = format!("{text} may set it, and {}", Why::Elsewhere(text.to_owned()));
                        open.push((why, word.span()));
                    }
                    false => others += 1,
                }
                if others > most {
                    self.refuse(format!("{text} is one word too many"), word);
                }
                if self.keys.grammar.stops() && !word.is_open() && !self.is_template {
                    break;
                }
            }
        }
        if let Some(more) = self.take().filter(|_| open.is_empty() && others >= most) {
            self.refuse(format!("{} comes after the last word that it accepts", more.as_str()), more);
        }
        // One of the words is the application.
        let options = usize::from(others == 0);
        self.line.open = open.into_iter().rev().nth(options);
    }

    fn refuse(&mut self, why: String, word: &Text) {
        if !self.is_template {
            self.line.refused.get_or_insert((why, word.span()));
        }
    }

    fn take(&mut self) -> Option<&'k Text> {
        let word = self.words.get(self.next)?;
        self.next += 1;
        Some(word)
    }

    /// `--backlog 5`, `--backlog=5`, `--back 5`.
    fn long(&mut self, word: &'k Text) {
        let (name, value) = match word.as_str().split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word.as_str(), None),
        };
        let mut meant: Vec<Known<'k>> =
            self.known.iter().filter(|known| known.name == name).copied().collect();
        if meant.is_empty() {
            meant = self.known.iter().filter(|known| known.name.starts_with(name)).copied().collect();
            let one = meant.windows(2).all(|pair| matches!(pair, [a, b] if a.name == b.name));
            let clear = one && self.keys.grammar.abbreviates();
            if !meant.is_empty() && !clear {
                return self.refuse(format!("{name} is not one of its options"), word);
            }
        }
        match (meant.first(), value) {
            (Some(known), _) if known.switch => self.set(&meant, Written::truth(word.span(), true)),
            (Some(_), Some(value)) => self.set(&meant, Written::tail(word, value)),
            (Some(_), None) => self.value_of(word, &meant),
            (None, None) => self.pass(),
            (None, Some(_)) => {}
        }
    }

    /// The value of an option that is not known, if it has one.
    fn pass(&mut self) {
        let value = self.words.get(self.next).is_some_and(|word| !word.as_str().starts_with('-'));
        self.next += usize::from(value && !self.keys.grammar.stops() && self.next + 1 < self.words.len());
    }

    /// `-b 5`, `-b5`, `-Db5`.
    fn short(&mut self, word: &'k Text) {
        let text = word.as_str();
        let mut at = 1;
        while let Some(letter) = text.get(at..).and_then(|rest| rest.chars().next()) {
            at += letter.len_utf8();
            let is = |known: &&Known<'_>| {
                let mut letters = known.name.chars().skip(1);
                letters.next() == Some(letter) && letters.next().is_none()
            };
            let meant: Vec<Known<'k>> = self.known.iter().filter(is).copied().collect();
            match meant.first() {
                Some(known) if known.switch => self.set(&meant, Written::truth(word.span(), true)),
                Some(_) => {
                    let rest = text.get(at..).unwrap_or_default();
                    let sign = self.keys.grammar.takes_sign_off() && rest.starts_with('=');
                    match rest.get(usize::from(sign)..).filter(|rest| !rest.is_empty()) {
                        Some(value) => self.set(&meant, Written::tail(word, value)),
                        None => self.value_of(word, &meant),
                    }
                    return;
                }
                None => return,
            }
        }
    }

    /// The next word is the value.
    fn value_of(&mut self, option: &Text, meant: &[Known<'k>]) {
        match self.take() {
            Some(value) => self.set(meant, Written::tail(value, value.as_str())),
            None => self.refuse(format!("{} has no value", option.as_str()), option),
        }
    }

    fn bare(&mut self, word: &'k Text) {
        let meant: Vec<Known<'k>> =
            self.known.iter().filter(|known| known.name.is_empty()).copied().collect();
        self.set(&meant, Written::tail(word, word.as_str()));
    }

    fn set(&mut self, meant: &[Known<'k>], value: Written) {
        for known in meant {
            let Some((name, setting)) = known.setting else { continue };
            let Some(value) = without_start(&value, known.start) else { continue };
            let by = format!("{} {}", known.name, known.start.trim_end_matches('='));
            let fresh =
                || Told { by: by.trim().to_owned(), values: Vec::new(), typed: false, default: false };
            let told = self.line.told.entry(name.to_owned()).or_insert_with(fresh);
            if !setting.repeats {
                told.values.clear();
            }
            told.values.push(value);
        }
    }
}

fn without_start(value: &Written, start: &str) -> Option<Written> {
    if start.is_empty() {
        return Some(value.clone());
    }
    let said = match &value.said {
        Said::Text(text) => Said::Text(text.strip_prefix(start)?.to_owned()),
        Said::Open(text, why) => Said::Open(text.strip_prefix(start)?.to_owned(), why.clone()),
        _ => return None,
    };
    let skipped = u32::try_from(start.len()).unwrap_or(0);
    let at = if value.exact { Span { start: value.at.start + skipped, ..value.at } } else { value.at };
    Some(Written { said, at, exact: value.exact })
}

/// `$OPTIONS`, `${OPTIONS}`, `$@`: the whole word.
fn is_variable(text: &str) -> bool {
    let Some(name) = text.strip_prefix('$') else { return false };
    let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
    matches!(name, "@" | "*") || name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
