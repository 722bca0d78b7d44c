//! The files that a server begins with: those that command lines name, those that lie where it looks, and what else looks like
//! one of its files.

use std::path::{Path, PathBuf};

use super::{Candidate, Found, Ground, Starts};
use crate::syntax::start::Start;
use crate::text::SourceId;
use crate::text::tree::Unread;

/// A file to begin with.
#[derive(Debug)]
pub(super) struct Main {
    pub(super) source: SourceId,
    pub(super) path: PathBuf,
    /// The folder of the name that it is opened by.
    pub(super) folder: PathBuf,
    pub(super) start: Start,
    /// It lies where the server looks, or a command line names it.
    pub(super) by_place: bool,
}

impl Ground<'_> {
    /// Each file once. `is_main` tells whether the server would begin with a file that lies anywhere.
    pub(super) fn mains(
        &self,
        starts: &Starts<'_>,
        files: &[Candidate],
        is_main: impl Fn(&Candidate, SourceId) -> bool,
        found: &mut Found,
    ) -> Vec<Main> {
        let machine = self.is_machine();
        let mut mains: Vec<Main> = Vec::new();
        for file in starts.candidates(files) {
            let source = match self.tree.read(self.sources, &file.path) {
                Ok(source) => source,
                Err(why) => {
                    let matters = file.by_place && why != Unread::Missing;
                    found.problems.extend(matters.then(|| self.unread(&file, &why)));
                    continue;
                }
            };
            if mains.iter().any(|main| main.source == source) {
                continue;
            }
            let start = match file.by_place {
                true if machine => Start::Installed,
                false if !is_main(&file, source) => Start::Fragment,
                _ => Start::Main,
            };
            let own = file.path.parent().unwrap_or(Path::new(""));
            let folder = starts.folder(&file.path).unwrap_or(own).to_owned();
            mains.push(Main { source, path: file.path, folder, start, by_place: file.by_place });
        }
        mains
    }
}
