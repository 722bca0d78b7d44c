//! Files of keys: what each kind says of which key, and where another key goes.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::python;
use super::said::{Said, Written};
use crate::knowledge::Keys;
use crate::knowledge::keys::Format;
use crate::model::Command;
use crate::services::Ground;
use crate::syntax::properties::{self, Property};
use crate::syntax::yaml::{self, Node, NodeKind, Style};
use crate::text::{Slot, SourceId, Sources, Span};

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Keyed {
    /// By the keys; those of tables in tables are joined by dots.
    pub(super) keys: BTreeMap<String, Vec<Written>>,
    /// Why it may say more, and where.
    pub(super) open: Option<(String, Span)>,
    /// Why the service refuses it.
    pub(super) refused: Option<(String, Span)>,
    /// Numbers are told from texts.
    pub(super) typed: bool,
}

pub(super) fn read(
    ground: Ground<'_>,
    file: SourceId,
    format: Format,
    keys: &Keys,
    command: Option<&Command>,
) -> Keyed {
    let bytes = ground.sources.bytes(file);
    match format {
        Format::Opaque => {
            Keyed { open: Some(("it is not read".into(), Span::top(file))), ..Keyed::default() }
        }
        Format::Properties => {
            let all = properties::read(ground.sources, file).into_iter().map(|property| {
                let Property { key, value } = property;
                let (at, exact) = (value.span(), value.exact().is_some());
                (key, vec![Written { said: Said::Text(value.as_str().to_owned()), at, exact }])
            });
            Keyed { keys: all.collect(), ..Keyed::default() }
        }
        Format::Toml => toml(file, bytes),
        Format::Yaml => yaml(ground.sources, file),
        Format::Python => match python::read(ground.sources, file, wanted(keys), command) {
            Err(why) => {
                Keyed { open: Some((format!("cannot read it: {why}"), Span::top(file))), ..Keyed::default() }
            }
            Ok(module) => Keyed {
                keys: module.names,
                open: module.star.map(|at| ("what it imports may set it".into(), at)),
                refused: module.broken.map(|at| ("it is not Python".into(), at)),
                typed: true,
            },
        },
    }
}

/// The keys that say something.
fn wanted(keys: &Keys) -> impl Iterator<Item = &str> {
    keys.setting.values().flat_map(|setting| &setting.keys).map(String::as_str)
}

pub(super) fn yaml(sources: &Sources, file: SourceId) -> Keyed {
    let yaml = yaml::read(sources, file);
    let refused = yaml.fault().map(|broken| (broken.message.clone(), broken.at));
    let open = yaml.broken.as_ref().filter(|broken| broken.ours);
    let open = open.map(|broken| ("it was read only in part".into(), broken.at));
    let mut found = Keyed { typed: true, refused, open, ..Keyed::default() };
    for document in &yaml.documents {
        maps("", document, &mut found.keys);
    }
    found
}

/// The parser bounds how deep maps lie in maps.
fn maps(above: &str, node: &Node, keys: &mut BTreeMap<String, Vec<Written>>) {
    for (key, value) in node.merged() {
        let Some(key) = key.text() else { continue };
        let key = if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") };
        if value.text().is_some() {
            keys.insert(key, vec![scalar(value)]);
        } else if value.list().is_empty() {
            maps(&key, value, keys);
        } else {
            keys.insert(key, value.list().iter().map(scalar).collect());
        }
    }
}

fn scalar(node: &Node) -> Written {
    let text = node.text().unwrap_or_default();
    let said = match (&node.kind, node.number()) {
        (_, Some(number)) => Said::Number(number),
        (NodeKind::Scalar(_, Style::Plain), _) if matches!(text, "true" | "false") => {
            Said::Truth(text == "true")
        }
        _ => Said::Text(text.to_owned()),
    };
    Written { said, at: node.span, exact: node.exact }
}

fn toml(file: SourceId, bytes: &[u8]) -> Keyed {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => {
            return Keyed { refused: Some(("it is not UTF-8".into(), Span::top(file))), ..Keyed::default() };
        }
    };
    match DeTable::parse(text) {
        Ok(table) => {
            let mut found = Keyed { typed: true, ..Keyed::default() };
            tables(file, text, "", table.get_ref(), &mut found.keys);
            found
        }
        Err(error) => {
            let at = error.span().map_or_else(|| Span::top(file), |range| Span::new(file, range));
            Keyed { refused: Some((error.message().to_owned(), at)), ..Keyed::default() }
        }
    }
}

/// The parser bounds how deep tables lie in tables.
fn tables(
    file: SourceId,
    text: &str,
    above: &str,
    table: &DeTable<'_>,
    keys: &mut BTreeMap<String, Vec<Written>>,
) {
    for (key, value) in table {
        let key =
            if above.is_empty() { key.get_ref().to_string() } else { format!("{above}.{}", key.get_ref()) };
        match value.get_ref() {
            DeValue::Table(inner) => tables(file, text, &key, inner, keys),
            DeValue::Array(all) => {
                keys.insert(key, all.iter().map(|value| written(file, text, value)).collect());
            }
            _ => {
                keys.insert(key, vec![written(file, text, value)]);
            }
        }
    }
}

fn written(file: SourceId, text: &str, value: &Spanned<DeValue<'_>>) -> Written {
    let spelt = text.get(value.span()).unwrap_or_default();
    let mut range = value.span();
    let (said, exact) = match value.get_ref() {
        DeValue::String(text) => {
            // Without its quotes.
            let bare = range.start + 1..range.end.saturating_sub(1).max(range.start + 1);
            let exact = spelt.get(1..spelt.len().saturating_sub(1)) == Some(text.as_ref());
            range = if exact { bare } else { range };
            (Said::Text(text.to_string()), exact)
        }
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => (Said::Number(number), spelt == number.to_string()),
            Err(_) => (Said::Other(spelt.to_owned()), false),
        },
        DeValue::Boolean(is) => (Said::Truth(*is), false),
        _ => (Said::Other(spelt.to_owned()), false),
    };
    Written { said, at: Span::new(file, range), exact }
}

/// Where a key goes that the file does not have.
pub(super) fn room(ground: Ground<'_>, file: SourceId, format: Format, key: &str) -> Option<Slot> {
    let bytes = ground.sources.bytes(file);
    let end = Span::new(file, bytes.len()..bytes.len());
    let line = if bytes.last().is_none_or(|last| *last == b'\n') { "" } else { "\n" };
    match format {
        Format::Python => Some(Slot::insert(end, format!("{line}{key} = "), "\n")),
        Format::Properties => Some(Slot::insert(end, format!("{line}{key}="), "\n")),
        // Keys of the top stand before all tables.
        Format::Toml if !key.contains('.') => Some(Slot::insert(Span::top(file), format!("{key} = "), "\n")),
        Format::Toml | Format::Yaml | Format::Opaque => None,
    }
}
