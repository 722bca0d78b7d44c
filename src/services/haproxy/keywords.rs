//! The words that HAProxy knows, from the service's `[reader]` table.

use std::collections::{HashMap, HashSet};

use toml::Table;

use crate::model::Version;

/// The keywords of all versions.
pub(super) struct Keywords<'a> {
    /// What starts a section.
    pub(super) sections: HashSet<&'a str>,
    pub(super) global: HashSet<&'a str>,
    pub(super) proxy: HashSet<&'a str>,
    /// Parameters of `bind` that are one word, and those that take another.
    pub(super) flags: HashSet<&'a str>,
    pub(super) values: HashSet<&'a str>,
    gone_from_global: HashMap<&'a str, Version>,
    gone_from_proxies: HashMap<&'a str, Version>,
}

impl<'a> Keywords<'a> {
    pub(super) fn of(reader: &'a Table) -> Self {
        let words = |name: &str| {
            let text = reader.get(name).and_then(|value| value.as_str()).unwrap_or_default();
            text.split_ascii_whitespace().collect()
        };
        Self {
            sections: words("sections"),
            global: words("global"),
            proxy: words("proxy"),
            flags: words("bind-flags"),
            values: words("bind-values"),
            gone_from_global: gone(reader, "gone-from-global"),
            gone_from_proxies: gone(reader, "gone-from-proxies"),
        }
    }

    /// The version that refuses a keyword which older ones take.
    pub(super) fn refused_since(&self, global: bool, name: &str) -> Option<Version> {
        let gone = if global { &self.gone_from_global } else { &self.gone_from_proxies };
        gone.get(name).copied()
    }
}

/// Words by the version that first refuses them.
fn gone<'a>(reader: &'a Table, name: &str) -> HashMap<&'a str, Version> {
    let versions = reader.get(name).and_then(|value| value.as_table()).into_iter().flatten();
    let known = versions.filter_map(|(version, words)| Some((Version::parse(version)?.0, words.as_str()?)));
    known
        .flat_map(|(version, words)| words.split_ascii_whitespace().map(move |word| (word, version)))
        .collect()
}
