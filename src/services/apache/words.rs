//! The names of modules, schemes, folders and files that the reader goes by, from `rules/services/apache.toml`.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::Deserialize;

use crate::knowledge::Service;
use crate::syntax::directives::Lines;
use crate::text::{SourceId, Sources};

/// `[reader]` of `rules/services/apache.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Words {
    built_in: Vec<String>,
    built_in_of: BTreeMap<String, Vec<String>>,
    modules: BTreeMap<String, String>,
    ports: BTreeMap<String, u16>,
    parts: Vec<String>,
    mains: Vec<String>,
    shipped: Vec<String>,
    signs: HashSet<String>,
    foreign: HashSet<String>,
}

/// What a file looks like, for one that nobody includes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Looks {
    /// It has what stands in main files only.
    pub(super) main: bool,
    /// It has words that no other program's configuration has.
    pub(super) apache: bool,
    pub(super) foreign: bool,
}

impl Words {
    pub(super) fn read(service: &Service) -> Self {
        service.reader.clone().try_into().unwrap_or_default()
    }

    /// The modules that are there without LoadModule.
    pub(super) fn built_in(&self, main: &Path) -> HashSet<String> {
        let name = main.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let own = self.built_in_of.get(&name).into_iter().flatten();
        self.built_in.iter().chain(own).cloned().collect()
    }

    /// The symbol of a module that IfModule names, by its symbol or its source file.
    pub(super) fn module(&self, name: &str) -> String {
        match self.modules.get(name) {
            Some(symbol) => symbol.clone(),
            None => match name.strip_prefix("mod_").and_then(|name| name.strip_suffix(".c")) {
                Some(bare) => format!("{bare}_module"),
                None => name.to_owned(),
            },
        }
    }

    /// The port of a scheme where none is written.
    pub(super) fn port(&self, scheme: &str) -> Option<u16> {
        self.ports.get(&scheme.to_ascii_lowercase()).copied()
    }

    pub(super) fn is_part(&self, folder: &str) -> bool {
        self.parts.iter().any(|part| part == folder)
    }

    pub(super) fn is_main_name(&self, path: &Path) -> bool {
        path.file_name().is_some_and(|name| self.mains.iter().any(|main| name == main.as_str()))
    }

    pub(super) fn is_shipped(&self, path: &Path) -> bool {
        self.shipped.iter().any(|shipped| path.ends_with(shipped))
    }

    /// Looks at the first word of every line.
    pub(super) fn looks(&self, sources: &Sources, source: SourceId, path: &Path) -> Looks {
        let mut looks = Looks::default();
        let (mut listens, mut loads) = (false, false);
        for line in Lines::new(source, sources.bytes(source)) {
            let Some(first) = line.text.words().next() else { continue };
            let word = first.show().trim_end_matches('>').to_ascii_lowercase();
            looks.apache |= self.signs.contains(&word);
            looks.foreign |= self.foreign.contains(&word);
            looks.main |= word == "serverroot";
            listens |= word == "listen";
            loads |= word == "loadmodule" || word == "include" || word == "includeoptional";
        }
        looks.main |= listens && loads && self.is_main_name(path);
        let ours = |part: &str| part.contains("apache") || part.contains("httpd");
        looks.apache |= path.iter().any(|part| ours(&part.to_string_lossy().to_ascii_lowercase()));
        looks.apache |= path.file_name().is_some_and(|name| name == "ports.conf");
        looks.main &= looks.apache;
        looks
    }
}
