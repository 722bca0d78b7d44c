//! Which sites are switched off: what lies in `sites-available` while a main file reads `sites-enabled` beside it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::text::{HashMap, HashSet, Tree};

/// The folders that main files include from, by their real paths, with the names whose files cannot be read.
#[derive(Debug, Default)]
pub(super) struct Enabled {
    folders: HashMap<PathBuf, HashSet<OsString>>,
}

impl Enabled {
    /// Notes a path that a main file includes, and whether it can be read.
    pub(super) fn note(&mut self, tree: &Tree, path: &Path, is_read: bool) {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return };
        let Ok(folder) = tree.resolve(folder) else { return };
        let unread = self.folders.entry(folder).or_default();
        if !is_read {
            unread.insert(name.to_owned());
        }
    }

    /// Whether a file that no main file includes lies further in than what one includes from: `conf.d/templates/a.conf`.
    pub(super) fn is_beyond(&self, path: &Path) -> bool {
        let mut above = path.ancestors().skip(2).filter(|folder| is_for_parts(folder));
        let own = path.parent().is_some_and(|folder| self.folders.contains_key(folder));
        !own && above.any(|folder| self.folders.contains_key(folder))
    }

    /// Whether a file that no main file includes is switched off. A link that cannot be followed may lead to it.
    pub(super) fn is_off(&self, path: &Path) -> bool {
        let enabled = path.parent().and_then(counterpart).and_then(|folder| self.folders.get(&folder));
        enabled.is_some_and(|unread| path.file_name().is_some_and(|name| !unread.contains(name)))
    }
}

/// `conf.d`, `sites-enabled`: a folder whose files are read as they lie there.
fn is_for_parts(folder: &Path) -> bool {
    let name = folder.file_name().map(OsStr::as_bytes);
    name.is_some_and(|name| name.ends_with(b".d") || name.ends_with(b"-enabled"))
}

/// `sites-enabled` for `sites-available`.
fn counterpart(folder: &Path) -> Option<PathBuf> {
    let name = folder.file_name().map(OsStr::as_bytes)?;
    let enabled = [name.strip_suffix(b"-available")?, b"-enabled"].concat();
    Some(folder.with_file_name(OsString::from_vec(enabled)))
}
