//! The `[reader]` table of Apache's file: names that its build and its packages decide.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::text::HashSet;

/// `[reader]` of `rules/services/apache.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Table {
    pub(super) built_in: Vec<String>,
    pub(super) built_in_of: BTreeMap<String, Vec<String>>,
    pub(super) modules: BTreeMap<String, String>,
    pub(super) ports: BTreeMap<String, u16>,
    pub(super) parts: Vec<String>,
    pub(super) mains: Vec<String>,
    pub(super) shipped: Vec<String>,
    pub(super) signs: HashSet<String>,
    pub(super) foreign: HashSet<String>,
    pub(super) directives: Vec<String>,
    pub(super) sections: Vec<String>,
}
