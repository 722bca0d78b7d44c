//! `rules/kernel.toml`: the kernel's defaults and limits by version, the kernels of distributions, the names of sysctls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::shape::{Files, Shape};
use super::system::Systems;
use super::table::{Broken, Lazy, Part, lazy};
use crate::model::{Kernel, Kind, Value, Version, key};
use crate::text::{SourceId, Sources};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KernelFile {
    files: Files,
    default: Vec<DefaultEntry>,
    range: Vec<RangeEntry>,
}

/// What follows in it, and only some audits need.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysFile {
    keys: BTreeMap<String, Names>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefaultEntry {
    key: String,
    since: Spanned<String>,
    value: Spanned<i64>,
    #[serde(rename = "source")]
    _source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RangeEntry {
    key: String,
    since: Spanned<String>,
    /// It holds for these kernels alone.
    build: Option<String>,
    min: i64,
    max: i64,
    #[serde(default)]
    signless: bool,
    #[serde(rename = "source")]
    _source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    names: Vec<String>,
    #[serde(rename = "source")]
    _source: String,
}

/// What the kernel accepts for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub min: i64,
    pub max: i64,
    /// A minus sign is refused even before a zero (proc_dou8vec_minmax in kernel/sysctl.c).
    pub signless: bool,
}

/// Something that holds from a version on.
#[derive(Debug)]
struct Since<T> {
    key: String,
    since: Version,
    build: Option<String>,
    get: T,
}

/// Folder below /proc/sys, with dots, and the names in it.
type Keys = BTreeMap<String, BTreeSet<String>>;

/// What we know of Linux.
#[derive(Debug)]
pub struct KernelFacts {
    defaults: Vec<Since<Value<i64>>>,
    ranges: Vec<Since<Range>>,
    pub systems: Systems,
    keys: Lazy<Keys>,
    /// How sysctl files are told in a repository.
    pub shape: Arc<Shape>,
    pub source: SourceId,
}

impl KernelFacts {
    pub(super) fn load(sources: &Sources) -> Result<Self, Broken> {
        let whole = Part::named(sources, "kernel.toml")?;
        let (head, rest) = whole.split(&["files", "default", "range"]);
        let (distributions, rest) = rest.split(&["distribution"]);
        let (system, rest) = rest.split(&["release", "libc", "tuned", "newest"]);
        let file: KernelFile = head.parse()?;
        let default = |entry: DefaultEntry| {
            let span = head.span(entry.value.span());
            let get = Value { get: entry.value.into_inner(), span, kind: Kind::Default };
            Ok(Since { key: entry.key, since: head.version(&entry.since)?, build: None, get })
        };
        let range = |entry: RangeEntry| {
            let get = Range { min: entry.min, max: entry.max, signless: entry.signless };
            Ok(Since { key: entry.key, since: head.version(&entry.since)?, build: entry.build, get })
        };
        Ok(Self {
            shape: Arc::new(Shape::new(file.files)),
            defaults: file.default.into_iter().map(default).collect::<Result<_, _>>()?,
            ranges: file.range.into_iter().map(range).collect::<Result<_, _>>()?,
            systems: Systems::new(distributions, system),
            keys: lazy(move || keys(rest).unwrap_or_default()),
            source: whole.source,
        })
    }

    /// The kernel's own value of a key; `None` where it depends on the machine.
    pub fn default(&self, key: &str, kernel: &Kernel) -> Option<Value<i64>> {
        let of = |version| newest(&self.defaults, key, version, |_| true);
        let mut value = of(kernel.version.get)?.clone();
        let differs = || kernel.also.iter().any(|also| of(*also).map(|it| it.get) != Some(value.get));
        let assumed = if kernel.also.is_empty() { kernel.version.kind == Kind::Assumed } else { differs() };
        if assumed {
            value.kind = Kind::Assumed;
        }
        Some(value)
    }

    /// ` since Linux 5.4`, of a default.
    pub fn since(&self, default: &Value<i64>) -> String {
        let known = self.defaults.iter().find(|known| known.get.span == default.span);
        known.map_or(String::new(), |known| format!(" since Linux {}", known.since))
    }

    /// Whether the kernels of a distribution's release differ in a default.
    pub fn differs(&self, kernel: &Kernel) -> bool {
        let assumed = |key: &str| self.default(key, kernel).is_some_and(|it| it.kind == Kind::Assumed);
        !kernel.also.is_empty() && key::ALL.iter().any(|key| assumed(key))
    }

    /// What the kernel takes for a key; any C int where nothing is written about it.
    pub fn range(&self, key: &str, kernel: &Kernel) -> Range {
        let any = Range { min: i32::MIN.into(), max: i32::MAX.into(), signless: false };
        newest(&self.ranges, key, kernel.version.get, |build| kernel.is_build(build)).copied().unwrap_or(any)
    }

    /// Whether a key in the spelling with dots is one that some version of Linux has, as far as the lists go.
    pub fn is_known(&self, key: &str) -> bool {
        let Some((folder, name)) = key.rsplit_once('.') else { return false };
        self.keys.get(folder).is_some_and(|names| names.contains(name))
    }

    /// The folders below /proc/sys whose names are known, with dots: `net.core`, `net.ipv4`.
    pub fn folders(&self) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.keys.iter().map(|(folder, names)| (folder.as_str(), names))
    }
}

fn keys(rest: Part) -> Result<Keys, Broken> {
    let file: KeysFile = rest.parse()?;
    Ok(file.keys.into_iter().map(|(folder, names)| (folder, names.names.into_iter().collect())).collect())
}

/// The entry that counts: the newest that is not newer than the kernel.
fn newest<'a, T>(
    entries: &'a [Since<T>],
    key: &str,
    version: Version,
    is_build: impl Fn(&str) -> bool,
) -> Option<&'a T> {
    let of_build = |entry: &&Since<T>| entry.build.as_deref().is_none_or(&is_build);
    let old_enough =
        entries.iter().filter(|entry| entry.key == key && entry.since <= version).filter(of_build);
    old_enough.max_by_key(|entry| entry.since).map(|entry| &entry.get)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Knowledge;
    use crate::text::Span;

    fn facts() -> KernelFacts {
        Knowledge::load(&Sources::new()).unwrap().kernel
    }

    fn kernel(facts: &KernelFacts, version: Version, kind: Kind) -> Kernel {
        let version = Value { get: version, span: Span::top(facts.source), kind };
        Kernel::named(version, "", false)
    }

    #[test]
    fn defaults_are_those_of_the_version() {
        let facts = facts();
        let default = |key: &str, version| {
            facts.default(key, &kernel(&facts, version, Kind::Written)).map(|value| value.get)
        };
        for (version, somaxconn) in [
            (Version::new(2, 6, 32), 128),
            (Version::new(4, 18, 0), 128),
            (Version::new(5, 3, 18), 128),
            (Version::new(5, 4, 0), 4096),
            (Version::new(7, 0, 0), 4096),
        ] {
            assert_eq!(default(key::SOMAXCONN, version), Some(somaxconn), "{version}");
        }
        assert_eq!(default(key::SYNCOOKIES, Version::new(2, 6, 32)), Some(0));
        assert_eq!(default(key::SYNCOOKIES, Version::new(3, 10, 0)), Some(1));
        assert_eq!(default(key::MAX_SYN_BACKLOG, Version::new(6, 1, 0)), None);
        let assumed = facts.default(key::SOMAXCONN, &kernel(&facts, Version::new(6, 12, 0), Kind::Assumed));
        assert_eq!(assumed.map(|value| value.kind), Some(Kind::Assumed));
    }

    #[test]
    fn ranges_are_those_of_the_version() {
        let facts = facts();
        let range = |key, version| {
            let range = facts.range(key, &kernel(&facts, version, Kind::Written));
            (range.min, range.max, range.signless)
        };
        let (least, most) = (i64::from(i32::MIN), i64::from(i32::MAX));
        assert_eq!(range(key::SOMAXCONN, Version::new(3, 10, 0)), (least, most, false));
        assert_eq!(range(key::SOMAXCONN, Version::new(4, 0, 9)), (0, 65535, false));
        assert_eq!(range(key::SOMAXCONN, Version::new(4, 1, 0)), (0, most, false));
        assert_eq!(range(key::SYNCOOKIES, Version::new(5, 4, 0)), (least, most, false));
        assert_eq!(range(key::SYNCOOKIES, Version::new(5, 13, 0)), (0, 255, true));
        assert_eq!(range(key::MAX_SYN_BACKLOG, Version::new(6, 18, 0)), (least, most, false));
        let version = kernel(&facts, Version::new(3, 10, 0), Kind::Written).version;
        let of_red_hat = Kernel::named(version, "3.10.0-1160.el7.x86_64", true);
        assert_eq!(facts.range(key::SOMAXCONN, &of_red_hat).max, 65535);
    }

    #[test]
    fn what_the_kernels_of_a_release_do_not_agree_on_is_assumed() {
        let facts = facts();
        let of = |also| {
            let own = kernel(&facts, Version::new(5, 4, 0), Kind::Default);
            let kernel = Kernel { also: vec![also], ..own };
            (facts.default(key::SOMAXCONN, &kernel).map(|value| value.kind), facts.differs(&kernel))
        };
        assert_eq!(of(Version::new(4, 15, 0)), (Some(Kind::Assumed), true));
        assert_eq!(of(Version::new(5, 15, 0)), (Some(Kind::Default), false));
    }

    #[test]
    fn every_computed_key_is_a_known_name() {
        let facts = facts();
        assert!(key::ALL.iter().all(|key| facts.is_known(key)));
        assert!(!facts.is_known("net.core.somaxcon") && !facts.is_known("somaxconn"));
    }
}
