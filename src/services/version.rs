//! Which version of a service a tree shows.

use std::path::Path;

use super::Ground;
use crate::model::Version;
use crate::syntax::packages;

/// What the tree says of it.
pub(super) fn find(ground: Ground<'_>, _near: &Path) -> Option<Version> {
    let packages = &ground.service.version.packages;
    packages.iter().find_map(|package| upstream(&packages::installed(ground.sources, ground.tree, package)?))
}

/// `1.22.1-9+deb12u11` and `1:1.26.0-r1` as numbers.
pub(super) fn upstream(text: &str) -> Option<Version> {
    let without_epoch = text.split_once(':').map_or(text, |(_, rest)| rest);
    let (version, _) = Version::parse(without_epoch)?;
    Some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_distributions_write_them() {
        assert_eq!(upstream("1.22.1-9+deb12u11"), Some(Version::new(1, 22, 1)));
        assert_eq!(upstream("1:1.26.0-r1"), Some(Version::new(1, 26, 0)));
        assert_eq!(upstream("1.29-1"), Some(Version::new(1, 29, 0)));
        assert_eq!(upstream("latest"), None);
    }
}
