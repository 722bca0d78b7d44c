//! The keys of PHP-FPM's files, and whether a file has them.

use serde::Deserialize;

use crate::knowledge::Service;
use crate::model::Version;
use crate::syntax::php_ini::{self, Filled, Statement};

/// `[reader]` of `rules/services/php-fpm.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Keys {
    keys_until: String,
    global: Part,
    pool: Part,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    numbers: Vec<String>,
    others: Vec<String>,
    #[serde(default)]
    arrays: Vec<String>,
}

/// What a key is where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Number,
    Text,
    /// It belongs into the other part of the file.
    Misplaced,
    Unknown,
}

/// What a file looks like.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Looks {
    pub(super) is_ours: bool,
    /// It includes pools.
    pub(super) includes: bool,
}

impl Part {
    fn has(names: &[String], key: &str) -> bool {
        names.iter().any(|name| name.eq_ignore_ascii_case(key))
    }

    fn kind(&self, key: &str) -> Option<Key> {
        match () {
            () if Self::has(&self.numbers, key) => Some(Key::Number),
            () if Self::has(&self.others, key) => Some(Key::Text),
            () => None,
        }
    }
}

impl Keys {
    pub(super) fn of(service: &Service) -> Option<Self> {
        service.reader.clone().try_into().ok()
    }

    pub(super) fn kind(&self, key: &str, in_pool: bool) -> Key {
        let (here, there) = if in_pool { (&self.pool, &self.global) } else { (&self.global, &self.pool) };
        here.kind(key).unwrap_or_else(|| match there.kind(key) {
            Some(_) => Key::Misplaced,
            None => Key::Unknown,
        })
    }

    /// Whether the lists are all that this version knows.
    pub(super) fn are_all(&self, version: Option<Version>) -> bool {
        let until = Version::parse(&self.keys_until).map(|(until, _)| until);
        version.is_some_and(|version| until.is_some_and(|until| version <= until))
    }

    /// A file is PHP-FPM's if it has no key but PHP-FPM's own and a section that most files of it have; one with a pool's
    /// process manager may have other keys and names.
    pub(super) fn look(&self, bytes: &[u8]) -> Looks {
        let (mut sections, mut ours, mut others) = (0, 0, 0);
        let (mut usual, mut manager, mut includes) = (false, false, false);
        let mut start = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (statements, fault) = php_ini::read(bytes, start..start + line.len(), &|_| Filled::Unknown);
            start += line.len();
            others += usize::from(fault.is_some());
            for statement in statements {
                match statement {
                    Statement::Section(name) => {
                        usual |= ["global", "www"].iter().any(|usual| name.text.eq_ignore_ascii_case(usual));
                        sections += 1;
                    }
                    Statement::Entry { name, value: Some(value), .. } if name == "include" => {
                        includes |= value.text.contains("fpm") || value.text.contains("pool");
                        ours += 1;
                    }
                    Statement::Entry { name, .. } => {
                        let known = self.kind(&name, true) != Key::Unknown;
                        manager |= known && (name == "pm" || name.starts_with("pm."));
                        *(if known { &mut ours } else { &mut others }) += 1;
                    }
                    Statement::Offset { name, .. } => {
                        let known = Part::has(&self.pool.arrays, &name);
                        *(if known { &mut ours } else { &mut others }) += 1;
                    }
                }
            }
        }
        let is_ours =
            ours > 0 && (sections > 0 || includes) && (manager || others == 0 && (usual || includes));
        Looks { is_ours, includes: includes && is_ours }
    }

    pub(super) fn is_array(&self, name: &str) -> bool {
        self.pool.arrays.iter().any(|known| known == name)
    }
}
