//! The options that matter, by name.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::knowledge::Service;

/// `[reader]` of `rules/services/uwsgi.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Tables {
    pub(super) debian: String,
    pub(super) sockets: Vec<String>,
    pub(super) ssl_sockets: Vec<String>,
    pub(super) shared_sockets: Vec<String>,
    pub(super) routers: Vec<Router>,
    pub(super) helpers: Vec<Helper>,
    pub(super) masters: Vec<String>,
    pub(super) flags: Vec<String>,
    letters: BTreeMap<char, String>,
    bare_letters: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Router {
    pub(super) option: String,
    pub(super) plugin: String,
    pub(super) to: String,
    #[serde(default)]
    pub(super) comma: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Helper {
    pub(super) option: String,
    pub(super) plugin: Option<String>,
    #[serde(default)]
    pub(super) master: bool,
}

impl Tables {
    pub(super) fn of(service: &Service) -> Option<Self> {
        service.reader.clone().try_into().ok()
    }

    pub(super) fn is_flag(&self, option: &str) -> bool {
        self.flags.iter().any(|flag| flag == option)
    }

    /// The option of a letter, and whether it takes a word.
    pub(super) fn letter(&self, letter: char) -> Option<(&str, bool)> {
        let option = self.letters.get(&letter)?;
        Some((option, !self.bare_letters.contains(letter)))
    }
}
