//! Macro and Use of mod_macro: lines that are read again with other words in them.

use super::lines::Line;
use crate::text::{HashMap, Text};

/// mod_macro has room for lines that are shorter (MAX_STRING_LEN in include/httpd.h).
const MAX_LINE: usize = 8192;

#[derive(Debug, Clone, Default)]
pub(super) struct Macro {
    parameters: Vec<Text>,
    pub(super) lines: Vec<Line>,
}

/// The macros of one configuration, by their names in lower case.
pub(super) type Macros = HashMap<String, std::rc::Rc<Macro>>;

impl Macro {
    pub(super) fn new(parameters: Vec<Text>) -> Self {
        Self { parameters, lines: Vec::new() }
    }

    /// Whether it takes so many arguments.
    pub(super) fn takes(&self, arguments: usize) -> bool {
        self.parameters.len() == arguments
    }

    /// How many comparisons it takes to fill a line.
    pub(super) fn looks(&self, line: &Line) -> usize {
        line.text.len().saturating_mul(self.parameters.len())
    }

    /// A line with arguments in place of the parameters: of those that begin at one place the longest (substitute_macro_args).
    /// Nothing where it becomes too long for mod_macro.
    pub(super) fn fill(&self, line: &Line, arguments: &[Text]) -> Option<Line> {
        let bytes = line.text.bytes();
        let mut text = Text::nothing(line.at);
        let (mut from, mut at) = (0, 0);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let named = self.parameters.iter().zip(arguments);
            let here = named.filter(|(name, _)| !name.is_empty() && rest.starts_with(name.bytes()));
            match here.max_by_key(|(name, _)| name.len()) {
                Some((name, argument)) => {
                    text.push_part(&line.text, from..at);
                    text.push_all(argument);
                    at += name.len();
                    from = at;
                    if text.len() + (bytes.len() - at) >= MAX_LINE {
                        return None;
                    }
                }
                None => at += 1,
            }
        }
        if from == 0 {
            return Some(line.clone());
        }
        text.push_part(&line.text, from..bytes.len());
        Some(Line { text, at: line.at })
    }
}
