//! The command lines that start programs, wherever they are written: units, Dockerfiles, compose files, Procfiles, scripts of
//! package.json, supervisord. It knows how each kind of file quotes and expands words, and no service.

mod compose;
mod dockerfile;
mod follow;
mod line;
mod packages;
mod procfile;
mod runner;
mod scene;
mod script;
mod scripts;
mod supervisor;
mod unit;

use crate::knowledge::{COMMAND, Candidate, Candidates, Knowledge};
use crate::model::{Command, Problem, ReadAs};
use crate::text::{HashSet, Sources, Span, Tree};
use scene::Scene;
pub(crate) use unit::take_over;

/// What the files of a place start.
#[derive(Debug, Default)]
pub struct Started {
    pub commands: Vec<Command>,
    pub problems: Vec<Problem>,
}

type Reader = fn(&Scene<'_>, &[Candidate], &mut Started);

/// The readers, by the kind of file in `rules/commands.toml`. Scripts come last: where something else calls one, that knows its
/// variables.
const READERS: [(&str, Reader); 6] = [
    ("unit", unit::read),
    ("dockerfile", dockerfile::read),
    ("compose", compose::read),
    ("supervisor", supervisor::read),
    ("procfile", procfile::read),
    ("script", script::read),
];

/// Reads the files that start programs.
pub fn read(
    sources: &Sources,
    tree: &Tree,
    knowledge: &Knowledge,
    read_as: ReadAs,
    files: &Candidates,
) -> Started {
    let candidates = |kind: &str| files.get(&format!("{COMMAND}{kind}"));
    if READERS.iter().all(|(kind, _)| candidates(kind).is_none()) {
        return Started::default();
    }
    let scene = Scene::new(sources, tree, &knowledge.command_lines, read_as);
    let mut started = Started::default();
    for (kind, reader) in READERS {
        if let Some(files) = candidates(kind) {
            reader(&scene, files, &mut started);
        }
    }
    // Two files may lead to one line: a script that both call.
    let mut seen: HashSet<(Span, Vec<String>)> = HashSet::default();
    started.commands.retain(|command| {
        let words = command.words.iter().map(|word| word.as_str().to_owned()).collect();
        seen.insert((command.at, words))
    });
    started
}
