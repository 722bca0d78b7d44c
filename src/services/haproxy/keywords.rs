//! The words that HAProxy knows, from the service's `[reader]` table.

use std::collections::HashSet;

use toml::Table;

/// The keywords of all versions.
pub(super) struct Keywords<'a> {
    /// What starts a section.
    pub(super) sections: HashSet<&'a str>,
    pub(super) global: HashSet<&'a str>,
    pub(super) proxy: HashSet<&'a str>,
    /// Parameters of `bind` that are one word, and those that take another.
    pub(super) flags: HashSet<&'a str>,
    pub(super) values: HashSet<&'a str>,
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
        }
    }
}
