//! Which sites are switched off: what lies in `sites-available` while a main file reads `sites-enabled` beside it.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::library::Includes;
use crate::text::Tree;

/// The folders that main files include from, by their real paths, with the names whose files cannot be read.
#[derive(Debug, Default)]
pub(super) struct Enabled {
    folders: HashMap<PathBuf, HashSet<OsString>>,
}

impl Enabled {
    /// Notes what a main file includes.
    pub(super) fn note(&mut self, tree: &Tree, includes: &Includes<'_>) {
        for target in includes.all() {
            let (Some(folder), Some(name)) = (target.path.parent(), target.path.file_name()) else {
                continue;
            };
            let Ok(folder) = tree.resolve(folder) else { continue };
            // The folder has something in it only if the name is there, be it a link that leads out of the tree.
            if tree.entry(&target.path).is_err() {
                continue;
            }
            let unread = self.folders.entry(folder).or_default();
            if target.file.is_err() {
                unread.insert(name.to_owned());
            }
        }
    }

    /// Whether a file that no main file includes is switched off. A link that cannot be followed may lead to it.
    pub(super) fn is_off(&self, path: &Path) -> bool {
        let enabled = path.parent().and_then(counterpart).and_then(|folder| self.folders.get(&folder));
        enabled.is_some_and(|unread| path.file_name().is_some_and(|name| !unread.contains(name)))
    }
}

/// `sites-enabled` for `sites-available`.
fn counterpart(folder: &Path) -> Option<PathBuf> {
    let name = folder.file_name().map(OsStr::as_bytes)?;
    let enabled = [name.strip_suffix(b"-available")?, b"-enabled"].concat();
    Some(folder.with_file_name(OsString::from_vec(enabled)))
}
