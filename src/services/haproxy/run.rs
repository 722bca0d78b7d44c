//! How an HAProxy is started: its files, and what its command line says about them.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::super::{Candidate, Ground};
use super::bind::Number;
use super::environment::Environment;
use crate::model::{Command, Kind, Value, Word};
use crate::text::Span;

/// One HAProxy.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// In the order in which they are read.
    pub(super) files: Vec<PathBuf>,
    pub(super) environment: Environment,
    /// `-n`, and `-N`.
    pub(super) maxconn: Option<Number>,
    pub(super) proxy_maxconn: Option<Number>,
    /// `-m` or `-M`.
    pub(super) memory: Option<Span>,
    pub(super) local_peer: Option<String>,
    /// `-W`.
    pub(super) master: bool,
    /// `-S`: sockets of the master.
    pub(super) sockets: Vec<Word>,
    /// The hard limit of open files.
    pub(super) open_files: Option<Value<i64>>,
    /// HAProxy finds its files by itself, or is told them: what is wrong in them keeps it from starting.
    pub(super) certain: bool,
}

/// All that the files start, and one for each file that none of these reads.
pub(super) fn all(ground: Ground<'_>, files: &[Candidate]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut read: HashSet<PathBuf> = HashSet::new();
    for (command, arguments) in ground.started() {
        let Some(run) = Run::of(ground, command, arguments) else { continue };
        // What two units start with the same files is one.
        if runs.iter().any(|known| known.files == run.files) {
            continue;
        }
        read.extend(run.files.iter().cloned());
        runs.push(run);
    }
    for file in files.iter().filter(|file| !read.contains(&file.path)) {
        let installed = file.by_place && ground.is_machine();
        runs.push(Run {
            files: vec![file.path.clone()],
            environment: Environment::new(installed),
            certain: file.by_place,
            ..Run::default()
        });
    }
    runs
}

impl Run {
    /// That of a command, if its files are there.
    fn of(ground: Ground<'_>, command: &Command, arguments: &[Word]) -> Option<Self> {
        let mut run = Self {
            environment: Environment::of(command, ground.is_machine()),
            certain: true,
            open_files: command
                .open_files
                .as_ref()
                .map(|(_, hard)| Value { kind: Kind::Written, ..hard.clone() }),
            ..Self::default()
        };
        let mut named = Vec::new();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let flag = word.text.strip_prefix('-')?;
            match flag {
                // It only looks at the files, or prints something.
                "c" | "cc" | "v" | "vv" => return None,
                "W" | "Ws" => run.master = true,
                "-" => named.extend(words.by_ref()),
                "f" => named.extend(words.next()),
                "n" => run.maxconn = words.next().map(Number::of),
                "N" => run.proxy_maxconn = words.next().map(Number::of),
                "m" | "M" => run.memory = words.next().map(|word| word.span),
                "L" => run.local_peer = words.next().map(|word| word.text.clone()),
                "S" => run.sockets.extend(words.next().cloned()),
                "sf" | "st" => {
                    let is_pid = |word: &&Word| !word.text.starts_with('-');
                    let pids = words.clone().take_while(is_pid).count();
                    words.by_ref().take(pids).for_each(drop);
                }
                "C" | "p" | "x" => {
                    words.next();
                }
                _ => {}
            }
        }
        let folder = command.folder.clone().unwrap_or_default();
        for word in named.into_iter().filter(|word| !word.open) {
            run.files.extend(files_of(ground, &folder.join(&word.text)));
        }
        (!run.files.is_empty()).then_some(run)
    }
}

/// A file, or those of a folder that end in `.cfg`, by their names.
fn files_of(ground: Ground<'_>, path: &Path) -> Vec<PathBuf> {
    if !ground.tree.is_folder(path) {
        return ground.tree.resolve(path).into_iter().collect();
    }
    let is_config = |name: &[u8]| !name.starts_with(b".") && name.ends_with(b".cfg");
    let names = ground.tree.list(path).into_iter().filter(|name| is_config(name.as_bytes()));
    names.filter_map(|name| ground.tree.resolve(&path.join(name)).ok()).collect()
}
