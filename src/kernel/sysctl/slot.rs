//! Where a number is put so that it counts at boot.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::files::{FOLDERS, File, Files, SYSCTL_CONF};
use crate::model::{Assignment, Fate, ReadAs};
use crate::text::tree::Unread;
use crate::text::{Slot, SourceId, Sources, Span, Tree};

/// Names for a file of ours, tried in turn until one sorts late enough.
const NAMES: [&str; 3] = ["90-backlog-audit.conf", "99-backlog-audit.conf", "zz-backlog-audit.conf"];

const FOLDER: &str = "etc/sysctl.d";

/// The places for numbers that no line in etc/ decides yet; one new file serves several keys.
pub(super) struct DropIns<'a> {
    sources: &'a Sources,
    tree: &'a Tree,
    files: &'a Files,
    /// In a repository, and in a file that is audited by itself, a winning line is edited wherever it stands.
    anywhere: bool,
    /// The real folder that takes a new file; `None` where there is no machine to configure.
    folder: Option<PathBuf>,
    made: BTreeMap<PathBuf, SourceId>,
}

impl<'a> DropIns<'a> {
    pub(super) fn new(sources: &'a Sources, tree: &'a Tree, read_as: ReadAs, files: &'a Files) -> Self {
        let folder = match tree.resolve(Path::new(FOLDER)) {
            Ok(real) => Some(real).filter(|real| tree.is_folder(real)),
            Err(Unread::Missing) if read_as == ReadAs::Repo => beside(files),
            Err(Unread::Missing) => Some(PathBuf::from(FOLDER)),
            Err(_) => None,
        };
        let machine = match read_as {
            ReadAs::Root | ReadAs::Etc => true,
            ReadAs::Repo => {
                !files.system.is_empty()
                    || [FOLDER, SYSCTL_CONF].iter().any(|path| tree.exists(Path::new(path)))
            }
            ReadAs::File => false,
        };
        let anywhere = matches!(read_as, ReadAs::Repo | ReadAs::File);
        let folder = folder.filter(|_| machine && !files.conf_only);
        Self { sources, tree, files, anywhere, folder, made: BTreeMap::new() }
    }

    /// `last` is the name of the last file that names the key in any way; empty if none does.
    pub(super) fn slot(&mut self, key: &str, lines: &[Assignment], last: &[u8]) -> Option<Slot> {
        let winner = lines.iter().find(|line| line.fate == Fate::Wins);
        let local = winner.filter(|line| {
            let path = self.sources.get(line.value_at.source).path();
            path.is_some_and(|path| path.starts_with("etc") || self.anywhere)
        });
        match local.and_then(|line| line.slot.clone()) {
            Some(slot) => Some(slot),
            None => self.drop_in(key, last),
        }
    }

    fn drop_in(&mut self, key: &str, last: &[u8]) -> Option<Slot> {
        let stem = String::from_utf8_lossy(last.strip_suffix(b".conf").unwrap_or(last)).into_owned();
        let names = NAMES.iter().map(|name| (*name).to_owned());
        // `_` sorts behind the dot of `.conf`.
        let mut names = names.chain([format!("{stem}_backlog-audit.conf")]);
        let path = names.find_map(|name| self.free(&name).filter(|_| name.as_bytes() > last))?;
        let text = match self.tree.read(self.sources, &path) {
            Ok(source) => {
                let bytes = self.sources.bytes(source);
                let newline = if matches!(bytes.last(), None | Some(b'\n')) { "" } else { "\n" };
                return Some(insert(source, bytes.len(), newline, key));
            }
            Err(_) => *self.made.entry(path.clone()).or_insert_with(|| self.tree.absent(self.sources, &path)),
        };
        Some(insert(text, 0, "", key))
    }

    /// The path for a file of this name, if it hides none and is not something else already.
    fn free(&self, name: &str) -> Option<PathBuf> {
        let path = self.folder.as_ref()?.join(name);
        let same = |file: &&File| file.name == name.as_bytes();
        match self.files.boot.iter().find(same) {
            None => Some(path).filter(|path| self.tree.entry(path) == Err(Unread::Missing)),
            // Ours from before.
            Some(file) => Some(path)
                .filter(|path| self.tree.resolve(&file.path).as_ref() == Ok(path) && file.text.is_ok()),
        }
    }
}

/// A repository without an etc/ folder has its sysctl files somewhere: a new one belongs beside the last of them, if that is in
/// the copy of a machine's folder. What another tool copies, it copies by name.
fn beside(files: &Files) -> Option<PathBuf> {
    let folder = files.boot.last().and_then(|file| file.path.parent())?;
    let by_name = folder.iter().any(|part| ["files", "templates"].iter().any(|known| part == *known));
    (!by_name && FOLDERS.iter().any(|own| folder.ends_with(own))).then(|| folder.to_owned())
}

fn insert(source: SourceId, at: usize, before: &str, key: &str) -> Slot {
    Slot::insert(Span::new(source, at..at), format!("{before}{key} = "), "\n")
}
