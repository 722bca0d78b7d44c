//! The three ways to write Traefik's static configuration (a file in YAML or TOML, arguments, variables) as one list of paths
//! and values.

use toml::de::{DeTable, DeValue};

use crate::model::{Variable, Word};
use crate::syntax::yaml::Node;
use crate::text::{SourceId, Span};

/// How deep the settings that matter are nested, and a little more.
const MAX_DEPTH: usize = 8;

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    /// Its keys as written; Traefik takes them without regard to case.
    pub path: Vec<String>,
    /// Nothing where it is an empty table.
    pub value: Option<String>,
    /// A part of the value is not known.
    pub open: bool,
    pub at: Span,
}

impl Setting {
    /// Whether it is the setting of this path, in lower case, or one below it.
    pub(super) fn is_in(&self, path: &[&str]) -> bool {
        self.path.len() >= path.len()
            && self.path.iter().zip(path).all(|(own, wanted)| own.eq_ignore_ascii_case(wanted))
    }

    pub(super) fn is(&self, path: &[&str]) -> bool {
        self.path.len() == path.len() && self.is_in(path)
    }
}

pub(super) fn of_yaml(document: &Node) -> Vec<Setting> {
    let mut found = Vec::new();
    yaml(document, &mut Vec::new(), &mut found);
    found
}

fn yaml(node: &Node, path: &mut Vec<String>, found: &mut Vec<Setting>) {
    // What is left out is not set.
    if node.is_null() || path.len() > MAX_DEPTH {
        return;
    }
    let entries = node.merged();
    if entries.is_empty() {
        let value = node.text().map(str::to_owned);
        let open = node.tag.as_ref().is_some_and(|tag| tag != "!!str");
        found.push(Setting { path: path.clone(), value, open, at: node.span });
    }
    for (key, value) in entries {
        path.push(key.text().unwrap_or_default().to_owned());
        yaml(value, path, found);
        path.pop();
    }
}

/// The settings of a file in TOML, or what is wrong with it.
pub(super) fn of_toml(file: SourceId, text: &str) -> Result<Vec<Setting>, (String, Span)> {
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().unwrap_or_default();
        (error.message().to_owned(), Span::new(file, at))
    })?;
    let mut found = Vec::new();
    toml(file, table.get_ref(), &mut Vec::new(), &mut found);
    Ok(found)
}

fn toml(file: SourceId, table: &DeTable<'_>, path: &mut Vec<String>, found: &mut Vec<Setting>) {
    if path.len() > MAX_DEPTH {
        return;
    }
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        let at = Span::new(file, value.span());
        let text = match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => {
                toml(file, inner, path, found);
                path.pop();
                continue;
            }
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(number) => Some(number.as_str().to_owned()),
            DeValue::Boolean(yes) => Some(yes.to_string()),
            _ => None,
        };
        found.push(Setting { path: path.clone(), value: text, open: false, at });
        path.pop();
    }
}

/// `--entrypoints.web.address=:80`; an option without a value is true.
pub(super) fn of_arguments(arguments: &[Word]) -> Vec<Setting> {
    let setting = |word: &Word| {
        let text = word.text.trim_start_matches('-');
        let (name, value) = text.split_once('=').unwrap_or((text, "true"));
        let path: Vec<String> = name.split('.').take(MAX_DEPTH).map(str::to_owned).collect();
        // An option that names a table sets it and nothing in it.
        let table =
            !text.contains('=') && path.len() == 2 && name.to_ascii_lowercase().starts_with("entrypoints.");
        let value = (!table).then(|| value.to_owned());
        Setting { path, value, open: word.open, at: word.span }
    };
    arguments.iter().filter(|word| word.text.starts_with('-')).map(setting).collect()
}

/// `TRAEFIK_ENTRYPOINTS_WEB_ADDRESS`.
pub(super) fn of_variables(variables: &[Variable]) -> Vec<Setting> {
    let setting = |variable: &Variable| {
        let name = variable.name.strip_prefix("TRAEFIK_")?;
        let path = name.split('_').take(MAX_DEPTH).map(str::to_ascii_lowercase).collect();
        let Word { text, span, open, .. } = &variable.value;
        Some(Setting { path, value: Some(text.clone()), open: *open, at: *span })
    };
    variables.iter().filter_map(setting).collect()
}
