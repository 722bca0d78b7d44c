//! Expressions of JBoss, `${name:default}`, and who sets the names.

use super::template::closing_brace;
use crate::text::{HashMap, Sources, Text, deeper, larger};

/// Expressions in expressions.
const MAX_DEPTH: u32 = 20;

/// No value that matters here is longer.
const MAX_VALUE: usize = 4096;

/// A value with its expressions resolved.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub text: Text,
    /// Names that may make it another one.
    pub unless: Vec<String>,
}

/// Properties by name, the environment as `env.NAME`.
#[derive(Debug, Clone, Default)]
pub struct Properties {
    known: HashMap<String, Text>,
}

impl Properties {
    pub fn set(&mut self, name: &str, value: Text) {
        self.known.insert(name.to_owned(), value);
    }

    /// What counts where nothing else sets it.
    pub fn set_default(&mut self, name: &str, value: Text) {
        self.known.entry(name.to_owned()).or_insert(value);
    }

    pub fn resolve(&self, sources: &Sources, text: &Text) -> Resolved {
        self.resolved(sources, Resolved { text: text.clone(), unless: Vec::new() }, 0)
    }

    fn resolved(&self, sources: &Sources, mut value: Resolved, depth: u32) -> Resolved {
        let (text, at) = (value.text.as_str().to_owned(), value.text.span());
        let Some((before, after)) = text.split_once("${") else { return value };
        let Some(end) = closing_brace(after) else { return value.open(&text) };
        if depth >= MAX_DEPTH || text.len() >= MAX_VALUE {
            sources.cut_off(
                at,
                match depth {
                    MAX_DEPTH.. => deeper("nested expressions", MAX_DEPTH),
                    _ => larger("values of properties", MAX_VALUE, text.len()),
                },
            );
            return value.open(&text);
        }
        let inner = after.get(..end).unwrap_or_default();
        let rest = after.get(end + 1..).unwrap_or_default();
        let (names, default) = match inner.split_once(':') {
            Some((names, default)) => (names, Some(default)),
            None => (inner, None),
        };
        let alone = before.is_empty() && rest.is_empty();
        let known = names.split(',').find_map(|name| self.known.get(name.trim()));
        let filled = match (known, default) {
            (Some(known), _) if alone => Text::meant(known.bytes(), known.span()).with_open_of(known),
            (Some(known), _) => Text::meant(format!("{before}{known}{rest}"), at).with_open_of(known),
            (None, Some(default)) => {
                value.unless.push(names.to_owned());
                let end = text.len() - 1;
                match value.text.exact().filter(|_| alone) {
                    Some(_) => value.text.slice(end.saturating_sub(default.len())..end),
                    None => Text::meant(format!("{before}{default}{rest}"), at),
                }
            }
            (None, None) => return value.open(&text),
        };
        value.text = filled.with_open_of(&value.text);
        self.resolved(sources, value, depth + 1)
    }
}

impl Resolved {
    fn open(mut self, what: &str) -> Self {
        self.text.set_open(what);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Origin, Span};

    #[test]
    fn what_a_property_does_not_know_is_not_known() {
        let sources = Sources::new();
        let file = sources.add(Origin::Builtin("t".into()), b"${a}$b".to_vec());
        let text = |length: usize| Text::plain(&sources, Span::new(file, 0..length));
        let mut properties = Properties::default();
        properties.set("a", Text::plain(&sources, Span::new(file, 4..6)).with_open("$b"));
        for length in [4, 6] {
            assert_eq!(properties.resolve(&sources, &text(length)).text.open(), Some("$b"));
        }
    }
}
