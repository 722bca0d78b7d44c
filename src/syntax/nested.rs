//! Files of tables in tables, in YAML or TOML, as one list of paths and values.

use std::rc::Rc;

use toml::de::{DeTable, DeValue};

use super::yaml::{self, Node};
use crate::text::{SourceId, Sources, Span, Text};

/// How deep settings that matter to anybody are nested, and a little more. What lies deeper is never asked for.
pub const DEEPEST: usize = 8;

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its keys as written. All below a table share that table's, which may be as long as the file.
    pub path: Vec<Rc<str>>,
    /// Nothing where it is a list or an empty table.
    pub value: Option<Text>,
    /// Where the value stands, and where it does not.
    pub at: Span,
}

impl Setting {
    /// Whether it is the setting of this path, without regard to case, or one below it.
    pub fn is_in(&self, path: &[&str]) -> bool {
        self.path.len() >= path.len()
            && self.path.iter().zip(path).all(|(own, wanted)| own.eq_ignore_ascii_case(wanted))
    }

    pub fn is(&self, path: &[&str]) -> bool {
        self.path.len() == path.len() && self.is_in(path)
    }

    /// A part of the value is not known.
    pub fn is_open(&self) -> bool {
        self.value.as_ref().is_some_and(Text::is_open)
    }
}

/// The settings of a file's first document in YAML, or what is wrong with it; none where it is too much, which is told.
pub fn of_yaml(sources: &Sources, file: SourceId) -> Result<Option<Vec<Setting>>, (String, Span)> {
    let yaml = yaml::read(sources, file);
    match yaml.broken {
        Some(broken) if broken.ours => return Ok(None),
        Some(broken) => return Err((format!("read only in part: {}", broken.message), broken.at)),
        None => {}
    }
    let mut found = Vec::new();
    yaml.documents.iter().take(1).for_each(|document| maps(document, &mut Vec::new(), &mut found));
    Ok(Some(found))
}

fn maps(node: &Node, path: &mut Vec<Rc<str>>, found: &mut Vec<Setting>) {
    // What is left out is not set.
    if node.is_null() || path.len() > DEEPEST {
        return;
    }
    let entries = node.merged();
    if entries.is_empty() {
        let tag = node.tag.as_ref().filter(|tag| *tag != "!!str");
        let value = node.value().map(|value| tag.iter().fold(value, |value, tag| value.with_open(tag)));
        found.push(Setting { path: path.clone(), value, at: node.span });
    }
    for (key, value) in entries {
        path.push(key.text().unwrap_or_default().into());
        maps(value, path, found);
        path.pop();
    }
}

/// The settings of a file in TOML, or what is wrong with it.
pub fn of_toml(sources: &Sources, file: SourceId) -> Result<Option<Vec<Setting>>, (String, Span)> {
    let text = std::str::from_utf8(sources.bytes(file));
    let text = text.map_err(|_| ("it is not UTF-8".to_owned(), Span::top(file)))?;
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().unwrap_or_default();
        (error.message().to_owned(), Span::new(file, at))
    })?;
    let mut found = Vec::new();
    tables(file, table.get_ref(), &mut Vec::new(), &mut found);
    Ok(Some(found))
}

fn tables(file: SourceId, table: &DeTable<'_>, path: &mut Vec<Rc<str>>, found: &mut Vec<Setting>) {
    if path.len() > DEEPEST {
        return;
    }
    for (key, value) in table {
        path.push(key.get_ref().as_ref().into());
        let at = Span::new(file, value.span());
        let text = match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => {
                tables(file, inner, path, found);
                path.pop();
                continue;
            }
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(number) => Some(number.as_str().to_owned()),
            DeValue::Boolean(yes) => Some(yes.to_string()),
            _ => None,
        };
        found.push(Setting { path: path.clone(), value: text.map(|text| Text::meant(text, at)), at });
        path.pop();
    }
}
