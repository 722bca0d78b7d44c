//! Our own tables as sources: their text, and TOML that says where it does not read.

use std::ops::Range;
use std::sync::LazyLock;

use include_dir::File;
use serde::Deserialize;
use toml::Spanned;

use super::RULES;
use crate::model::Version;
use crate::text::{Origin, SourceId, Sources, Span};

/// Parsed when it is asked for.
pub type Lazy<T> = LazyLock<T, Box<dyn FnOnce() -> T + Send>>;

pub fn lazy<T>(parse: impl FnOnce() -> T + Send + 'static) -> Lazy<T> {
    LazyLock::new(Box::new(parse))
}

/// A table of ours that does not read: a fault of the program, or of an organisation's file.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {message}")]
pub struct Broken {
    pub name: String,
    pub message: String,
    pub at: Option<Span>,
}

/// A part of one of our tables, whose places are those in the whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) source: SourceId,
    name: &'static str,
    start: usize,
    text: &'static str,
}

impl Part {
    /// All of a file in `rules/`.
    pub(super) fn whole(sources: &Sources, file: &'static File<'static>) -> Result<Self, Broken> {
        let name = file.path().to_str().unwrap_or_default();
        let source = sources.add(Origin::Builtin(format!("rules/{name}")), file.contents());
        Ok(Self { source, name, start: 0, text: text(name, file.contents(), source)? })
    }

    /// The file of this name in `rules/`.
    pub(super) fn named(sources: &Sources, name: &str) -> Result<Self, Broken> {
        let missing = || Broken { name: format!("rules/{name}"), message: "it is missing".into(), at: None };
        Self::whole(sources, RULES.get_file(name).ok_or_else(missing)?)
    }

    /// What stands before and from the first table that is none of these. No line of a longer string may look as if it opened
    /// one.
    pub(super) fn split(self, tables: &[&str]) -> (Self, Self) {
        let mut at = 0;
        for line in self.text.split_inclusive('\n') {
            let opened = line.strip_prefix('[').map(|name| name.trim_start_matches('['));
            let name = opened.and_then(|name| name.split(['.', ']']).next());
            if name.is_some_and(|name| !tables.contains(&name)) {
                break;
            }
            at += line.len();
        }
        let (head, rest) = self.text.split_at_checked(at).unwrap_or((self.text, ""));
        (Self { text: head, ..self }, Self { text: rest, start: self.start + at, ..self })
    }

    /// Its tables `[[NAME]]`, one by one: an audit asks for a few.
    pub(super) fn tables(self) -> impl Iterator<Item = Self> {
        let starts: Vec<usize> = self.text.match_indices("[[").map(|(at, _)| at).collect();
        let ends: Vec<usize> = starts.iter().skip(1).copied().chain([self.text.len()]).collect();
        let tables = starts.into_iter().zip(ends);
        tables.filter_map(move |(start, end)| {
            Some(Self { text: self.text.get(start..end)?, start: self.start + start, ..self })
        })
    }

    pub(super) fn text(self) -> &'static str {
        self.text
    }

    pub(super) fn parse<T: for<'de> Deserialize<'de>>(self) -> Result<T, Broken> {
        parsed(&self.full_name(), self.text, |range| self.span(range))
    }

    /// The place of a range of the part.
    pub(super) fn span(self, range: Range<usize>) -> Span {
        Span::new(self.source, self.start + range.start..self.start + range.end)
    }

    pub(super) fn broken(self, message: String, at: Span) -> Broken {
        Broken { name: self.full_name(), message, at: Some(at) }
    }

    pub(super) fn version(self, text: &Spanned<String>) -> Result<Version, Broken> {
        let parsed = Version::parse(text.get_ref()).filter(|(_, rest)| rest.is_empty());
        let message = || format!("{} is not a version: write it as 8.2 or 8.2.1", text.get_ref());
        parsed.map(|(version, _)| version).ok_or_else(|| self.broken(message(), self.span(text.span())))
    }

    fn full_name(self) -> String {
        format!("builtin:rules/{}", self.name)
    }
}

/// Parses a TOML source; the error carries the place.
pub fn parse<T: for<'de> Deserialize<'de>>(sources: &Sources, source: SourceId) -> Result<T, Broken> {
    let name = sources.get(source).name();
    parsed(&name, text(&name, sources.bytes(source), source)?, |range| Span::new(source, range))
}

fn parsed<T: for<'de> Deserialize<'de>>(
    name: &str,
    text: &str,
    span: impl Fn(Range<usize>) -> Span,
) -> Result<T, Broken> {
    toml::from_str(text).map_err(|error| Broken {
        name: name.to_owned(),
        message: error.message().to_owned(),
        at: error.span().map(span),
    })
}

fn text<'t>(name: &str, bytes: &'t [u8], source: SourceId) -> Result<&'t str, Broken> {
    std::str::from_utf8(bytes).map_err(|error| Broken {
        name: name.to_owned(),
        message: error.to_string(),
        at: Some(Span::top(source)),
    })
}
