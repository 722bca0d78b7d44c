//! The files that a server begins with: those that command lines name, those that lie where it looks, and what else looks like
//! one of its files.

use std::path::{Path, PathBuf};

use super::{Candidate, Found, Ground};
use crate::model::{Command, Text};
use crate::syntax::start::Start;
use crate::text::SourceId;
use crate::text::tree::Unread;

/// A file to begin with.
#[derive(Debug)]
pub(super) struct Main {
    pub(super) source: SourceId,
    /// The folder of the name that it is opened by.
    pub(super) folder: PathBuf,
    pub(super) start: Start,
    /// It lies where the server looks, or a command line names it.
    pub(super) by_place: bool,
}

impl Ground<'_> {
    /// Each file once. `option` is what names one on a command line: `-f FILE` or `-fFILE`; `is_main` tells whether the server would
    /// begin with a file that lies anywhere.
    pub(super) fn mains(
        &self,
        option: &str,
        files: &[Candidate],
        is_main: impl Fn(&Candidate, SourceId) -> bool,
        found: &mut Found,
    ) -> Vec<Main> {
        let machine = self.is_machine();
        let started = self.started().filter(|_| machine);
        let named = started.filter_map(|(command, words)| file_of(command, words, option));
        let named = named.map(|path| Candidate { path, by_place: true });
        let mut mains: Vec<Main> = Vec::new();
        for file in named.chain(files.iter().cloned()) {
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
            let folder = file.path.parent().unwrap_or(Path::new("")).to_owned();
            mains.push(Main { source, folder, start, by_place: file.by_place });
        }
        mains
    }
}

/// The file that an option names on a command line; of several the last.
pub(super) fn file_of(command: &Command, arguments: &[Text], option: &str) -> Option<PathBuf> {
    let at = arguments.iter().rposition(|word| word.as_str().starts_with(option))?;
    let word = arguments.get(at)?;
    let (word, file) = match word.as_str().strip_prefix(option) {
        Some("") => arguments.get(at + 1).map(|word| (word, word.as_str()))?,
        attached => (word, attached?),
    };
    (!word.is_open()).then(|| command.folder.clone().unwrap_or_default().join(file))
}
