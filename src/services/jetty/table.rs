//! The connectors of Jetty's own modules, from `rules/services/jetty.toml`.

use serde::Deserialize;

use crate::knowledge::Service;

/// `[reader]` of `rules/services/jetty.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    /// Patterns of the folders that a distribution may lie in.
    pub homes: Vec<String>,
    /// Where a base keeps its certificate, unless it says otherwise.
    pub keystores: Vec<String>,
    pub connector: Vec<Known>,
}

/// One connector: the properties that its XML takes, the newest name first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Known {
    pub id: String,
    pub xml: String,
    pub modules: Vec<String>,
    #[serde(default)]
    pub host: Vec<String>,
    #[serde(default)]
    pub port: Vec<String>,
    #[serde(default)]
    pub default_port: Option<i64>,
    #[serde(default)]
    pub path: Vec<String>,
    #[serde(default)]
    pub default_path: Option<String>,
    pub accept_queue_size: Vec<String>,
    #[serde(default)]
    pub needs_keystore: bool,
    #[serde(default)]
    pub native: bool,
    /// For people: where it is seen that it is so.
    #[serde(rename = "source")]
    _source: String,
}

impl Table {
    pub(super) fn read(service: &Service) -> Result<Self, toml::de::Error> {
        service.reader.clone().try_into()
    }
}
