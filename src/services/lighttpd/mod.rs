//! lighttpd.conf: the sockets that its conditions and server.port open, with the backlog that each is given, and the backends
//! that stand behind them.

mod address;
mod backends;
mod data;
mod include;
mod lex;
mod room;
mod sockets;
mod walk;
mod words;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::{Candidate, Found, Ground};
use crate::model::{Command, Problem, ProblemKind, Word};
use crate::text::{SourceId, Span};
use sockets::{Clash, Socket};
use walk::Walk;

/// Why lighttpd does not start.
#[derive(Debug, Clone)]
struct Refusal {
    why: String,
    at: Span,
    /// It would start: what is too much is too much for us.
    ours: bool,
}

impl Refusal {
    fn new(why: impl Into<String>, at: Span) -> Self {
        Self { why: why.into(), at, ours: false }
    }
}

/// What lighttpd would make of the file that it begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// The main file of this machine's lighttpd: whatever is missing keeps it from starting.
    Installed,
    /// A main file that is put to use elsewhere.
    Main,
    /// A file that some main file includes.
    Fragment,
}

/// A file to begin with.
struct Main {
    /// The folder of the name that it is opened by.
    folder: PathBuf,
    source: SourceId,
    start: Start,
    by_place: bool,
}

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    let mut included = HashSet::new();
    let mut mains = mains(ground, files, &mut found);
    // Main files first: what they include does not stand for itself.
    mains.sort_by_key(|main| main.start == Start::Fragment);
    for main in mains {
        if !included.contains(&main.source) {
            one(ground, &main, &mut included, &mut found);
        }
    }
    found
}

/// What command lines begin with (`-f`), what lies where lighttpd looks, and what else looks like its files.
fn mains(ground: Ground<'_>, files: &[Candidate], found: &mut Found) -> Vec<Main> {
    let mut mains: Vec<Main> = Vec::new();
    let machine = ground.is_machine();
    for path in started(ground).into_iter().filter(|_| machine) {
        if let Ok(source) = ground.tree.read(ground.sources, &path) {
            add(&mut mains, &path, source, Start::Installed, true);
        }
    }
    for file in files {
        match ground.tree.read(ground.sources, &file.path) {
            Ok(source) => {
                let start = match file.by_place && machine {
                    true => Start::Installed,
                    false if file.by_place || is_main(ground, file, source) => Start::Main,
                    false => Start::Fragment,
                };
                add(&mut mains, &file.path, source, start, file.by_place);
            }
            Err(why) => {
                let kind = if file.by_place { ProblemKind::Lost } else { ProblemKind::Skipped };
                let at = Span::top(ground.tree.unread(ground.sources, &file.path));
                found.problems.push(ground.problem(
                    kind,
                    format!("{} was not read: {why}", file.path.display()),
                    at,
                ));
            }
        }
    }
    mains
}

fn add(mains: &mut Vec<Main>, path: &Path, source: SourceId, start: Start, by_place: bool) {
    if mains.iter().all(|main| main.source != source) {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        mains.push(Main { folder, source, start, by_place });
    }
}

/// The files that command lines name: `lighttpd -D -f FILE`.
fn started(ground: Ground<'_>) -> Vec<PathBuf> {
    let file = |(command, arguments): (&Command, &[Word])| {
        let at = arguments.iter().rposition(|word| word.text.starts_with("-f"))?;
        let word = arguments.get(at)?;
        let file = match word.text.strip_prefix("-f") {
            Some("") => arguments.get(at + 1).filter(|word| !word.open)?.text.as_str(),
            attached => attached.filter(|_| !word.open)?,
        };
        Some(command.folder.clone().unwrap_or_default().join(file))
    };
    ground.started().filter_map(file).collect()
}

/// Only a main file says what modules there are, or where the documents lie.
fn is_main(ground: Ground<'_>, file: &Candidate, source: SourceId) -> bool {
    let text = ground.sources.bytes(source);
    let sets = |key: &[u8]| {
        memchr::memmem::find_iter(text, key).any(|at| {
            let line = text.get(..at).and_then(|before| before.rsplit(|byte| *byte == b'\n').next());
            let after = text.get(at + key.len()..).unwrap_or_default().trim_ascii_start();
            line.is_some_and(|line| line.trim_ascii().is_empty()) && after.starts_with(b"=")
        })
    };
    let named = file.path.file_name().is_some_and(|name| name == "lighttpd.conf");
    named || sets(b"server.modules") || sets(b"server.document-root")
}

/// One lighttpd.
fn one(ground: Ground<'_>, main: &Main, included: &mut HashSet<SourceId>, found: &mut Found) {
    let mut walk = Walk::new(ground, main.source, &main.folder, main.start);
    let read = walk.file(main.source, 0).and_then(|()| sockets(&walk));
    included.extend(walk.included.iter().copied());
    if let Some(at) = walk.dropped.filter(|_| read.is_ok() && main.start == Start::Installed) {
        let message = "lighttpd reads over this word and goes on as if it were not there";
        found.problems.push(ground.problem(ProblemKind::Skipped, message, at));
    }
    match read {
        Ok((sockets, clashes)) => {
            found.listeners.extend(sockets.into_iter().map(|socket| socket.listener));
            for Clash { refusal, first } in clashes {
                let message = format!("lighttpd does not start: {}", refusal.why);
                let problem = ground.problem(ProblemKind::Conflict, message, refusal.at);
                found.problems.push(Problem { labels: vec![first], ..problem });
            }
        }
        Err(refusal) => {
            let kind = match main.by_place && !refusal.ours || main.start == Start::Installed {
                true => ProblemKind::Lost,
                false => ProblemKind::Skipped,
            };
            let message = match refusal.ours {
                true => format!("this lighttpd.conf was not read to its end: {}", refusal.why),
                false => format!("lighttpd does not start with this: {}", refusal.why),
            };
            found.problems.push(ground.problem(kind, message, refusal.at));
        }
    }
}

fn sockets(walk: &Walk<'_>) -> Result<(Vec<Socket>, Vec<Clash>), Refusal> {
    if walk.start == Start::Installed && walk.is_whole() {
        let global = walk.scopes.first();
        let root = global.and_then(|global| global.get("server.document-root"));
        if root.is_none_or(|root| root.value.text() == Some("")) {
            return Err(Refusal::new("server.document-root is not set", Span::top(walk.main)));
        }
    }
    let (mut sockets, clashes) = walk.sockets()?;
    walk.backends(&mut sockets)?;
    Ok((sockets, clashes))
}

#[cfg(test)]
mod tests;
