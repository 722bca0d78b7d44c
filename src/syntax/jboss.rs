//! Expressions of JBoss, `${name:default}`, and who sets the names.

use super::template::closing_brace;
use crate::text::{HashMap, Sources, Span, deeper, larger};

/// Expressions in expressions.
const MAX_DEPTH: u32 = 20;

/// No value that matters here is longer.
const MAX_VALUE: usize = 4096;

/// A value with its expressions resolved.
#[derive(Debug, Clone)]
pub struct Resolved {
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
#[derive(Debug, Clone, Default)]
pub struct Properties {
    known: HashMap<String, (String, Span)>,
}

impl Properties {
    pub fn set(&mut self, name: &str, value: &str, at: Span) {
        self.known.insert(name.to_owned(), (value.to_owned(), at));
    }

    /// What counts where nothing else sets it.
    pub fn set_default(&mut self, name: &str, value: &str, at: Span) {
        self.known.entry(name.to_owned()).or_insert_with(|| (value.to_owned(), at));
    }

    /// A value, and whether the text at its place is the same.
    pub fn resolve(&self, sources: &Sources, text: &str, at: Span, exact: bool) -> Resolved {
        let text = text.to_owned();
        self.resolved(sources, Resolved { text, at, exact, unless: Vec::new(), open: false }, 0)
    }

    fn resolved(&self, sources: &Sources, value: Resolved, depth: u32) -> Resolved {
        let text = value.text.clone();
        let Some((before, after)) = text.split_once("${") else { return value };
        let Some(end) = closing_brace(after) else { return Resolved { open: true, ..value } };
        if depth >= MAX_DEPTH || text.len() >= MAX_VALUE {
            sources.cut_off(
                value.at,
                match depth {
                    MAX_DEPTH.. => deeper("expressions in one another", MAX_DEPTH),
                    _ => larger("values of properties", MAX_VALUE, text.len()),
                },
            );
            return Resolved { open: true, ..value };
        }
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
        self.resolved(sources, next, depth + 1)
    }
}
