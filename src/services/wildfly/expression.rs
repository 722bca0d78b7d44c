//! `${name:default}` in WildFly's configuration, and who sets the names.

use std::collections::HashMap;

use crate::model::Word;
use crate::services::Ground;
use crate::syntax::xml::{Attribute, Reading};
use crate::text::Span;

/// Expressions in expressions.
const DEPTH: u32 = 20;

/// No value that matters here is longer.
const MAX_VALUE: usize = 4096;

/// A value with its expressions resolved.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    pub text: String,
    pub at: Span,
    /// The text at the span is the value.
    pub exact: bool,
    /// Names that may make it another one.
    pub unless: Vec<String>,
    /// A name that nothing sets.
    pub open: bool,
}

/// Properties by name, the environment as `env.NAME`.
#[derive(Debug, Default)]
pub(super) struct Properties {
    known: HashMap<String, (String, Span)>,
    /// The configuration that a command line names.
    pub configuration: Option<String>,
}

impl Properties {
    pub(super) fn of_commands(ground: Ground<'_>) -> Self {
        let mut properties = Self::default();
        for (command, arguments) in ground.started() {
            for variable in &command.environment {
                let value = (variable.value.text.clone(), variable.value.span);
                properties.known.insert(format!("env.{}", variable.name), value);
            }
            properties.arguments(arguments);
        }
        properties
    }

    fn arguments(&mut self, arguments: &[Word]) {
        for (index, word) in arguments.iter().enumerate().filter(|(_, word)| !word.open) {
            let next = || arguments.get(index + 1).filter(|next| !next.open);
            let text = word.text.as_str();
            if let Some((name, value)) = text.strip_prefix("-D").and_then(|option| option.split_once('=')) {
                self.known.insert(name.to_owned(), (value.to_owned(), word.span));
            } else if let Some(address) = text.strip_prefix("-b=") {
                self.known.insert("jboss.bind.address".into(), (address.to_owned(), word.span));
            } else if let (Some(next), "-b") = (next(), text) {
                self.known.insert("jboss.bind.address".into(), (next.text.clone(), next.span));
            } else if let Some(file) = text.strip_prefix("--server-config=").or(text.strip_prefix("-c=")) {
                self.configuration = Some(file.to_owned());
            } else if let (Some(next), "-c") = (next(), text) {
                self.configuration = Some(next.text.clone());
            }
        }
    }

    /// Those that the file itself sets; a command line wins.
    pub(super) fn of_file(&mut self, document: &Reading) {
        let blocks: Vec<usize> = document.children(0, "system-properties").map(|(index, _)| index).collect();
        for (_, property) in blocks.into_iter().flat_map(|block| document.children(block, "property")) {
            let attribute = |name: &str| property.attributes.iter().find(|attribute| attribute.name == name);
            if let (Some(name), Some(value)) = (attribute("name"), attribute("value")) {
                self.known.entry(name.value.clone()).or_insert_with(|| (value.value.clone(), value.at));
            }
        }
    }

    pub(super) fn resolve(&self, ground: Ground<'_>, attribute: &Attribute) -> Resolved {
        let exact = ground.sources.slice(attribute.at) == attribute.value.as_bytes();
        let (text, at) = (attribute.value.clone(), attribute.at);
        self.resolved(Resolved { text, at, exact, unless: Vec::new(), open: false }, DEPTH)
    }

    fn resolved(&self, value: Resolved, depth: u32) -> Resolved {
        let text = value.text.clone();
        let Some((before, after)) = text.split_once("${") else { return value };
        let Some(end) = closing(after).filter(|_| depth > 0 && text.len() < MAX_VALUE) else {
            return Resolved { open: true, ..value };
        };
        let inner = after.get(..end).unwrap_or_default();
        let rest = after.get(end + 1..).unwrap_or_default();
        let (names, default) = match inner.split_once(':') {
            Some((names, default)) => (names, Some(default)),
            None => (inner, None),
        };
        let whole = value.exact && before.is_empty() && rest.is_empty();
        let known = names.split(',').find_map(|name| self.known.get(name.trim()));
        let next = match (known, default) {
            (Some((known, at)), _) if before.is_empty() && rest.is_empty() => {
                let exact = false;
                Resolved { text: known.clone(), at: *at, exact, ..value }
            }
            (Some((known, _)), _) => {
                Resolved { text: format!("{before}{known}{rest}"), exact: false, ..value }
            }
            (None, Some(default)) => {
                let mut unless = value.unless.clone();
                unless.push(names.to_owned());
                let end = value.at.end.saturating_sub(1);
                let start = end.saturating_sub(u32::try_from(default.len()).unwrap_or(u32::MAX));
                let at = if whole { Span { start, end, ..value.at } } else { value.at };
                Resolved { text: format!("{before}{default}{rest}"), at, exact: whole, unless, open: false }
            }
            (None, None) => return Resolved { open: true, ..value },
        };
        self.resolved(next, depth - 1)
    }
}

fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}
