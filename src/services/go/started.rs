//! Which program a command line starts: by the name that Go gives it, or the folder of `go run`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Program;
use crate::model::{Command, Starter};
use crate::services::{Candidate, Run};
use crate::text::HashMap;

impl Program<'_> {
    /// The folders of programs by the names that Go gives these.
    pub(super) fn names(&self, files: &[Candidate]) -> HashMap<String, Vec<PathBuf>> {
        let (mut folders, mut tops): (Vec<PathBuf>, BTreeSet<PathBuf>) = Default::default();
        for file in files {
            let folder = file.path.parent().unwrap_or(Path::new("")).to_owned();
            let source = self.ground.tree.read(self.ground.sources, &file.path);
            let is_main = source.is_ok_and(|source| {
                let mut lines = self.ground.sources.bytes(source).split(|byte| *byte == b'\n');
                lines.any(|line| line.trim_ascii_end() == b"package main")
            });
            match is_main {
                true => folders.push(folder),
                false => tops.extend(self.files.module(&folder).map(|(top, _)| top)),
            }
        }
        folders.extend(tops.iter().flat_map(|top| self.files.programs(top)));
        folders.sort();
        folders.dedup();
        let mut names: HashMap<String, Vec<PathBuf>> = HashMap::default();
        for folder in folders {
            if let Some(name) = self.files.program_name(&folder) {
                names.entry(name).or_default().push(folder);
            }
        }
        names
    }

    /// The program that a command line starts: `go run ./cmd/app`, or one of the name that Go gives it.
    pub(super) fn started<'c>(
        &self,
        names: &HashMap<String, Vec<PathBuf>>,
        command: &'c Command,
    ) -> Option<Run<'c>> {
        let words = command.words.as_slice();
        let run = |place: PathBuf, arguments| Run { place, command, options: &[], arguments };
        if command.program() == "go" {
            words.get(1).filter(|word| word.is("run"))?;
            let at = words.iter().skip(2).position(|word| !word.starts_with('-'))? + 2;
            let first = words.get(at).filter(|word| !word.is_open())?;
            let sources = words.iter().skip(at).take_while(|word| word.ends_with(".go")).count();
            let folder = match sources {
                0 => command.folder.clone()?.join(first.as_str()),
                _ => self.ground.named_file(command, first)?.parent()?.to_owned(),
            };
            let real = self.ground.tree.resolve(&folder).ok()?;
            return Some(run(real, words.get(at + sources.max(1)..)?));
        }
        // What a package installed has another's name by chance.
        let folder = words.first()?.rsplit_once('/').map_or("", |(folder, _)| folder);
        let is_packaged = matches!(folder, "/usr/bin" | "/usr/sbin" | "/bin" | "/sbin");
        let [place] = names.get(command.program())?.as_slice() else { return None };
        (!is_packaged || command.starter != Starter::Unit)
            .then(|| run(place.clone(), words.get(1..).unwrap_or_default()))
    }
}
