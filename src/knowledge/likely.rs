//! `rules/likely.toml`: what may be meant for a service or a sysctl though nobody takes it in.

use std::collections::BTreeMap;

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use super::{Lazy, RULES, lazy};
use crate::text::Glob;

/// Where the file is.
pub(super) const NAME: &str = "likely.toml";

/// How files are told that are likely meant for us.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Likely {
    /// What a template's name ends in, behind the name of the file that is made of it.
    pub templates: Vec<String>,
    /// The same of a file that is to be copied.
    pub shipped: Vec<String>,
    /// What the names of files end in that may write a sysctl.
    pub texts: Vec<String>,
    /// What the names of files end in that are for something else.
    pub aside: Vec<String>,
    /// What the names of files begin with that are for people.
    pub for_people: Vec<String>,
    services: BTreeMap<String, Named>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Named {
    #[serde(deserialize_with = "globs")]
    names: Vec<Glob>,
    listens: Option<Pattern>,
    /// What looks like the service's and listens is its own under any name.
    #[serde(default)]
    anywhere: bool,
}

/// A pattern of text, compiled when it is first asked for.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
struct Pattern(Lazy<Option<Regex>>);

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self(lazy(move || RegexBuilder::new(&text).unicode(false).build().ok()))
    }
}

fn globs<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Glob>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    Ok(names.iter().map(|name| Glob::new(name.as_bytes())).collect())
}

impl Likely {
    /// Our own, which a test reads.
    pub(super) fn load() -> Self {
        let text = RULES.get_file(NAME).and_then(include_dir::File::contents_utf8);
        text.and_then(|text| toml::from_str(text).ok()).unwrap_or_default()
    }

    /// The services whose file one of this path is likely to be.
    pub fn services_of<'l>(&'l self, path: &'l [u8]) -> impl Iterator<Item = &'l str> {
        let named = |named: &&'l Named| named.names.iter().any(|glob| glob.matches_end(path));
        self.services.iter().filter(move |(_, it)| named(it)).map(|(name, _)| name.as_str())
    }

    /// The services whose file any text may be.
    pub fn services_anywhere(&self) -> impl Iterator<Item = &str> {
        self.services.iter().filter(|(_, it)| it.anywhere).map(|(name, _)| name.as_str())
    }

    /// Whether a text may be a service's, if what is likely for that service is looked for.
    pub fn fits(&self, service: &str, text: &[u8]) -> bool {
        let pattern =
            |it: &Named| it.listens.as_ref().map(|it| it.0.as_ref().is_some_and(|it| it.is_match(text)));
        self.services.get(service).is_some_and(|it| pattern(it).unwrap_or(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Knowledge;
    use crate::text::Sources;

    #[test]
    fn the_file_reads_and_names_services() {
        let text = RULES.get_file(NAME).unwrap().contents_utf8().unwrap();
        let likely: Likely = toml::from_str(text).unwrap();
        let knowledge = Knowledge::load(&Sources::new()).unwrap();
        for service in likely.services.keys() {
            assert!(knowledge.signs_of(service).is_some(), "{service}");
        }
        for it in likely.services.values().filter_map(|it| it.listens.as_ref()) {
            assert!(it.0.is_some());
        }
    }
}
