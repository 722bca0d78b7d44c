//! Which nginx is installed, for the few rules that changed from one release to another.

use std::cell::OnceCell;
use std::path::Path;

use super::super::Ground;
use crate::model::Version;

/// Servers in stream share an address as those in http do, and stream knows default_server and deferred: 1.25.5 (commit d21675228).
pub(super) const STREAM_SHARES: Version = Version::new(1, 25, 5);
/// Without a master process no socket is cloned for other workers: 1.23.3 (commit 593bb5438, ticket 2403).
pub(super) const ALONE: Version = Version::new(1, 23, 3);
/// A name that gives an address twice is bound once: 1.23.3 (commit 22223c75c, ticket 2400).
pub(super) const REPEATS_FILTERED: Version = Version::new(1, 23, 3);
/// `quic`: 1.25.0 (commit e92cb24f4).
pub(super) const QUIC: Version = Version::new(1, 25, 0);
/// `quic` goes with no parameter that is for connections: 1.25.4 (commit 71a0a4acd); before, only a few were refused.
pub(super) const QUIC_CHECKED: Version = Version::new(1, 25, 4);
/// `multipath`: 1.29.7 (commit 920dc099c).
pub(super) const MULTIPATH: Version = Version::new(1, 29, 7);

/// The release of an nginx in the tree, looked for when first asked.
pub(super) struct Release<'a> {
    ground: Ground<'a>,
    known: OnceCell<Option<Version>>,
}

impl<'a> Release<'a> {
    /// That of the nginx whose files lie in `folder`. Some that are made of nginx count for themselves.
    pub(super) fn of(ground: Ground<'a>, folder: &Path) -> Self {
        let counted = ground.service.reader.get("own-numbers").and_then(toml::Value::as_array);
        let mut counted = counted.into_iter().flatten().filter_map(toml::Value::as_str);
        let apart = counted.any(|name| folder.iter().any(|part| part == name));
        let known = if apart { OnceCell::from(None) } else { OnceCell::new() };
        Self { ground, known }
    }

    /// Whether it is known to be older than `version`.
    pub(super) fn is_before(&self, version: Version) -> bool {
        self.known.get_or_init(|| self.ground.version(Path::new(""))).is_some_and(|known| known < version)
    }
}
