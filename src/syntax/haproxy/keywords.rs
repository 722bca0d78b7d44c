//! The words that HAProxy knows, as a table has them.

use toml::Table;

use super::condition::version;
use crate::text::{HashMap, HashSet};

/// The keywords of all versions.
pub struct Keywords<'a> {
    /// What starts a section.
    pub sections: HashSet<&'a str>,
    pub global: HashSet<&'a str>,
    pub proxy: HashSet<&'a str>,
    /// What `no` and `default` may stand before, besides `tune.` options.
    pub negatable: HashSet<&'a str>,
    /// Parameters of `bind` that are one word, and those that take another.
    pub flags: HashSet<&'a str>,
    pub values: HashSet<&'a str>,
    gone_from_global: HashMap<&'a str, [u16; 3]>,
    gone_from_proxies: HashMap<&'a str, [u16; 3]>,
}

impl<'a> Keywords<'a> {
    pub fn of(reader: &'a Table) -> Self {
        let words = |name: &str| {
            let text = reader.get(name).and_then(|value| value.as_str()).unwrap_or_default();
            text.split_ascii_whitespace().collect()
        };
        Self {
            sections: words("sections"),
            global: words("global"),
            proxy: words("proxy"),
            negatable: words("negatable"),
            flags: words("bind-flags"),
            values: words("bind-values"),
            gone_from_global: gone(reader, "gone-from-global"),
            gone_from_proxies: gone(reader, "gone-from-proxies"),
        }
    }

    /// The version that refuses a keyword which older ones take.
    pub fn refused_since(&self, global: bool, name: &str) -> Option<[u16; 3]> {
        let gone = if global { &self.gone_from_global } else { &self.gone_from_proxies };
        gone.get(name).copied()
    }
}

/// Words by the version that first refuses them.
fn gone<'a>(reader: &'a Table, name: &str) -> HashMap<&'a str, [u16; 3]> {
    let versions = reader.get(name).and_then(|value| value.as_table()).into_iter().flatten();
    let known = versions.filter_map(|(version, words)| Some((self::version(version)?, words.as_str()?)));
    known
        .flat_map(|(version, words)| words.split_ascii_whitespace().map(move |word| (word, version)))
        .collect()
}
