//! PHP-FPM's files: the pools of a main file and of what it includes, and what PHP-FPM would refuse to start with.

mod address;
mod keys;
mod pool;
mod version;
mod walk;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use self::keys::Keys;
use self::pool::Pools;
use self::walk::{Environment, Walk};
use super::{Candidate, Found, Ground};
use crate::model::{Command, Label, Problem, ProblemKind};
use crate::text::{SourceId, Span};

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let Some(keys) = Keys::of(ground.service) else { return Found::default() };
    let mut reading = Reading { ground, keys: &keys, seen: HashSet::new(), found: Found::default() };
    let mut files = reading.open(files);
    let (mains, fragments): (Vec<File>, Vec<File>) = {
        files.sort_by_key(|file| !file.installed);
        files.into_iter().partition(|file| file.main)
    };
    for main in &mains {
        reading.main(main);
    }
    reading.fragments(&mains, fragments);
    reading.found
}

/// A file that PHP-FPM may read.
struct File {
    source: SourceId,
    path: PathBuf,
    by_place: bool,
    /// PHP-FPM begins with it.
    main: bool,
    /// PHP-FPM begins with it on this machine.
    installed: bool,
    /// What `-p` says.
    prefix: Option<String>,
}

struct Reading<'a> {
    ground: Ground<'a>,
    keys: &'a Keys,
    /// What was read on behalf of some main file.
    seen: HashSet<SourceId>,
    found: Found,
}

impl<'a> Reading<'a> {
    /// The files that are PHP-FPM's, those first that a command line names.
    fn open(&mut self, candidates: &[Candidate]) -> Vec<File> {
        let is_machine = self.ground.is_machine();
        let mut files: Vec<File> = Vec::new();
        for (command, arguments) in self.ground.started() {
            let Some(path) = option(arguments, "-y", "--fpm-config") else { continue };
            let relative = command.folder.clone().unwrap_or_default().join(path);
            let path = if path.starts_with('/') { PathBuf::from(path) } else { relative };
            let Ok(path) = self.ground.tree.resolve(&path) else { continue };
            let Ok(source) = self.ground.tree.read(self.ground.sources, &path) else { continue };
            let prefix = option(arguments, "-p", "--prefix").map(str::to_owned);
            files.push(File { source, path, by_place: true, main: true, installed: is_machine, prefix });
        }
        for candidate in candidates {
            match self.ground.tree.read(self.ground.sources, &candidate.path) {
                Ok(source) if files.iter().any(|file| file.source == source) => {}
                Ok(source) => files.extend(self.file(candidate, source)),
                Err(why) => {
                    let at = Span::top(self.ground.tree.unread(self.ground.sources, &candidate.path));
                    let message = format!("{} is not read: {why}", candidate.path.display());
                    self.found.problems.push(self.ground.problem(ProblemKind::Lost, message, at));
                }
            }
        }
        files
    }

    fn file(&self, candidate: &Candidate, source: SourceId) -> Option<File> {
        let Candidate { path, by_place } = candidate.clone();
        let looks = self.keys.look(self.ground.sources.bytes(source));
        if !by_place && !looks.is_ours {
            return None;
        }
        let main = looks.includes || by_place && path.file_name().is_some_and(|name| name == "php-fpm.conf");
        let installed = main && by_place && self.ground.is_machine();
        Some(File { source, path, by_place, main, installed, prefix: None })
    }

    fn main(&mut self, main: &File) {
        if !self.seen.contains(&main.source) {
            let pools = self.walk(main, &[main.source]);
            self.take(main, pools, main.installed);
        }
    }

    /// What no main file includes. Files of one folder of pools are one PHP-FPM; elsewhere each stands for itself.
    fn fragments(&mut self, mains: &[File], fragments: Vec<File>) {
        let mut folders: BTreeMap<PathBuf, Vec<File>> = BTreeMap::new();
        for file in fragments.into_iter().filter(|file| !self.seen.contains(&file.source)) {
            let folder = file.path.parent().unwrap_or(Path::new("")).to_owned();
            // Where PHP-FPM is installed, what its main file does not name is switched off.
            let home = folder.parent().unwrap_or(Path::new(""));
            let is_off = |main: &File| main.installed && main.path.parent() == Some(home);
            if file.by_place && mains.iter().any(is_off) {
                self.found.left_out += 1;
                continue;
            }
            let of_pools = folder.extension().is_some_and(|extension| extension == "d");
            let key = if of_pools { folder } else { file.path.clone() };
            folders.entry(key).or_default().push(file);
        }
        for mut files in folders.into_values() {
            files.sort_by(|a, b| a.path.cmp(&b.path));
            let sources: Vec<SourceId> = files.iter().map(|file| file.source).collect();
            let Some(first) = files.first() else { continue };
            let pools = self.walk(first, &sources);
            self.take(first, pools, false);
        }
    }

    fn walk(&mut self, first: &File, sources: &[SourceId]) -> Walk<'a> {
        let environment = Environment {
            commands: self.ground.started().map(|(command, _)| command).collect::<Vec<&Command>>(),
            // A unit's environment is in the tree; that of a container is not.
            closed: first.installed && first.path.starts_with("etc"),
        };
        let mut walk = Walk::new(self.ground, self.keys, environment, &first.path, first.prefix.as_deref());
        walk.installed = first.installed;
        for source in sources {
            walk.file(*source);
        }
        self.seen.extend(walk.seen.iter().copied());
        walk
    }

    /// The sockets of one PHP-FPM.
    fn take(&mut self, file: &File, walk: Walk<'a>, whole: bool) {
        let version = version::of(self.ground, file.source, &file.path, &walk);
        let mut pools = Pools::new(self.ground, version, walk.prefix.clone(), whole);
        // Debian's and Red Hat's units start it as root; a container may have another user.
        pools.as_root = file.path.starts_with("etc");
        let fault = walk.fault.or_else(|| pools.open(&walk.pools).err());
        self.found.listeners.append(&mut pools.listeners);
        self.found.problems.extend(fault);
    }
}

/// The value of an option in one of its two forms.
fn option<'w>(arguments: &'w [crate::model::Word], short: &str, long: &str) -> Option<&'w str> {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        if text == short || text == long {
            return words.next().map(|word| word.text.as_str());
        }
        if let Some(value) = text.strip_prefix(long).and_then(|rest| rest.strip_prefix('=')) {
            return Some(value);
        }
    }
    None
}

/// A fault that keeps PHP-FPM from starting.
fn lost(ground: Ground<'_>, message: impl std::fmt::Display, at: Span) -> Problem {
    ground.problem(ProblemKind::Lost, format!("it does not start: {message}"), at)
}

fn labelled(problem: Problem, at: Span, message: impl Into<String>) -> Problem {
    Problem { labels: vec![Label::new(at, message)], ..problem }
}

#[cfg(test)]
mod tests;
