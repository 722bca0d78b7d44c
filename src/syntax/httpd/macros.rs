//! Macro and Use of mod_macro: lines that are read again with other words in them.

use super::lines::{Line, Text};
use crate::text::HashMap;

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

    /// A line with arguments in place of the parameters: of those that begin at one place the longest (substitute_macro_args).
    pub(super) fn fill(&self, line: &Line, arguments: &[Text]) -> Line {
        let bytes = line.text.bytes();
        let mut text = Text::default();
        let (mut from, mut at) = (0, 0);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let named = self.parameters.iter().zip(arguments);
            let here = named.filter(|(name, _)| !name.bytes().is_empty() && rest.starts_with(name.bytes()));
            match here.max_by_key(|(name, _)| name.bytes().len()) {
                Some((name, argument)) => {
                    text.append(&line.text.slice(from..at));
                    text.append(argument);
                    at += name.bytes().len();
                    from = at;
                }
                None => at += 1,
            }
        }
        if from == 0 {
            return line.clone();
        }
        text.append(&line.text.slice(from..bytes.len()));
        Line { text, at: line.at }
    }
}
