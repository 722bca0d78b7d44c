//! httpd.conf and apache2.conf: where Apache listens, the one ListenBacklog of all its sockets, where its virtual hosts pass
//! requests on to, and what Apache would refuse to start with.

mod address;
mod conditions;
mod hops;
mod includes;
mod listeners;
mod macros;
mod sockets;
mod told;
mod variables;
mod walk;
mod words;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use self::listeners::Listeners;
use self::sockets::{Refusal, Sockets};
use self::told::Told;
use self::walk::{Start, Walk};
use self::words::{Looks, Words};
use super::{Candidate, Enabled, Found, Ground, Opened};
use crate::model::{Label, Problem, ProblemKind};
use crate::text::SourceId;

/// The names of the files that it begins with.
const MAIN: [&str; 2] = ["/apache2.conf", "/httpd.conf"];
/// More than a folder has of configurations that exclude each other.
const MOST_APART: usize = 64;
/// More Listens than a folder has; each of its files is compared with all of those before it.
const MOST_COMPARED: usize = 256;

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut reading = Reading {
        ground,
        words: Words::read(ground.service),
        opened: Opened::of(ground, |place| MAIN.iter().any(|name| place.ends_with(name))),
        included: HashSet::new(),
        mains: Vec::new(),
        enabled: Enabled::default(),
        found: Found::default(),
    };
    let (mut mains, fragments) = reading.sort(files);
    mains.sort_by_key(|file| (!reading.opened.is_main(file.candidate), file.candidate.path.clone()));
    for file in &mains {
        reading.main(file);
    }
    reading.fragments(&fragments);
    reading.found
}

/// A candidate that was read.
struct File<'c> {
    candidate: &'c Candidate,
    source: SourceId,
    looks: Looks,
}

/// What is known while the candidates are gone through.
struct Reading<'a> {
    ground: Ground<'a>,
    words: Words,
    opened: Opened,
    /// Files that another one includes.
    included: HashSet<SourceId>,
    /// The folders of main files.
    mains: Vec<PathBuf>,
    /// What they include.
    enabled: Enabled,
    found: Found,
}

impl<'a> Reading<'a> {
    /// Main files, and those that some main file may include.
    fn sort<'c>(&mut self, files: &'c [Candidate]) -> (Vec<File<'c>>, Vec<File<'c>>) {
        let (mut mains, mut fragments) = (Vec::new(), Vec::new());
        let Ground { tree, sources, .. } = self.ground;
        for candidate in files {
            match tree.read(sources, &candidate.path) {
                Ok(source) => {
                    let looks = self.words.looks(sources, source, &candidate.path);
                    let file = File { candidate, source, looks };
                    let is_main = self.opened.is_main(candidate) || looks.main && !looks.foreign;
                    if is_main { mains.push(file) } else { fragments.push(file) }
                }
                Err(why) => self.found.problems.push(self.ground.unread(candidate, &why)),
            }
        }
        (mains, fragments)
    }

    fn main(&mut self, file: &File<'_>) {
        if self.included.contains(&file.source) || self.leaves_out(file.candidate) {
            return;
        }
        let installed = self.ground.is_machine() && self.opened.is_main(file.candidate);
        let start = if installed { Start::Installed } else { Start::Main };
        let folder = self.opened.folder(file.candidate);
        let told = self.walk(file, &folder, start);
        let refusals: Vec<Problem> = Sockets::of(&told, self.ground.hosts)
            .refusals
            .iter()
            .map(|refusal| self.problem(refusal))
            .collect();
        self.found.problems.extend(refusals);
        self.open(&told, &folder);
        self.mains.push(folder);
    }

    /// What no main file includes, as the Apaches that may read it. Where a main file is installed above it, it is not in use.
    fn fragments(&mut self, files: &[File<'_>]) {
        let mut left = Vec::new();
        for file in files {
            let ours = file.candidate.by_place || file.looks.apache && !file.looks.foreign;
            if !ours || self.included.contains(&file.source) || self.leaves_out(file.candidate) {
                continue;
            }
            let own = self.opened.folder(file.candidate);
            let unused = file.candidate.by_place && self.mains.iter().any(|main| own.starts_with(home(main)));
            if !unused || self.ground.is_named(file.candidate) {
                left.push((file, own));
            }
        }
        let mut families: BTreeMap<PathBuf, Vec<(SourceId, Told)>> = BTreeMap::new();
        for (file, own) in left {
            let family = self.family(&own);
            let told = self.walk(file, &family, Start::Fragment);
            families.entry(family).or_default().push((file.source, told));
        }
        for (family, mut told) in families {
            // What another one of them includes is read there.
            told.retain(|(source, _)| !self.included.contains(source));
            for told in parted(told.into_iter().map(|(_, told)| told).collect(), self.ground) {
                self.open(&told, &family);
            }
        }
    }

    /// The folder of the Apache that a fragment in `folder` belongs to.
    fn family(&self, folder: &Path) -> PathBuf {
        let part = folder.file_name().is_some_and(|name| self.words.is_part(&name.to_string_lossy()));
        folder.parent().filter(|_| part).unwrap_or(folder).to_owned()
    }

    /// Counts a file that is switched off, unless it was asked for by name.
    fn leaves_out(&mut self, candidate: &Candidate) -> bool {
        let out = self.enabled.is_off(&candidate.path) && !self.ground.is_named(candidate);
        self.found.left_out += usize::from(out);
        out
    }

    /// What one Apache is told from its beginning.
    fn walk(&mut self, file: &File<'_>, folder: &Path, start: Start) -> Told {
        let path = &file.candidate.path;
        let mut walk = Walk::new(self.ground, &self.words, start, folder, path);
        walk.main(file.source);
        self.included.extend(walk.files.iter().filter(|included| **included != file.source));
        if start != Start::Fragment {
            self.enabled.extend(std::mem::take(&mut walk.enabled));
        }
        if walk.windows {
            self.found.left_out += 1;
            return Told::default();
        }
        let mut told = walk.told();
        // A file that nothing listens in may be torn without harm.
        let matters = start != Start::Fragment || !told.listens.is_empty();
        let problems = std::mem::take(&mut told.problems);
        let serious = |problem: &Problem| matters || problem.kind == ProblemKind::Lost;
        self.found.problems.extend(problems.into_iter().filter(serious));
        told
    }

    /// The sockets that one Apache opens.
    fn open(&mut self, told: &Told, folder: &Path) {
        let sockets = Sockets::of(told, self.ground.hosts);
        let version = self.ground.version(folder);
        let listeners = Listeners { ground: self.ground, version, told, sockets: &sockets };
        self.found.listeners.extend(listeners.all());
    }

    fn problem(&self, refusal: &Refusal<'_>) -> Problem {
        let label = |at, words: &str| Label::new(at, words);
        Problem {
            kind: ProblemKind::Conflict,
            service: Some(self.ground.service.name.clone()),
            message: refusal.message.clone(),
            help: Some(refusal.help.to_owned()),
            at: refusal.listen.at,
            labels: vec![
                label(refusal.listen.at, "cannot be bound"),
                label(refusal.first.at, "is bound first"),
            ],
        }
    }
}

/// The folder of an installed Apache: `etc/httpd` of `etc/httpd/conf`.
fn home(main: &Path) -> &Path {
    main.parent().filter(|_| main.ends_with("conf")).unwrap_or(main)
}

/// The Apaches that the fragments of one folder are for: those that bind the same address are meant for different ones. What
/// listens nowhere belongs to all.
fn parted(fragments: Vec<Told>, ground: Ground<'_>) -> Vec<Told> {
    let (listening, silent): (Vec<_>, Vec<_>) =
        fragments.into_iter().partition(|told| !told.listens.is_empty());
    let mut apaches: Vec<Told> = Vec::new();
    for told in listening {
        let fits = |apache: &Told| {
            if !apache.shares_port(&told) {
                return true;
            }
            if apache.listens.len() > MOST_COMPARED {
                return false;
            }
            let both = Told {
                listens: apache.listens.iter().chain(&told.listens).cloned().collect(),
                ..Told::default()
            };
            Sockets::of(&both, ground.hosts).refusals.is_empty()
        };
        let index = apaches.iter().rev().take(MOST_APART).position(fits).map(|back| apaches.len() - 1 - back);
        match index.and_then(|index| apaches.get_mut(index)) {
            Some(apache) => apache.take_in(told),
            None => apaches.push(told),
        }
    }
    for apache in &mut apaches {
        silent.iter().for_each(|told| apache.take_in(told.shared()));
    }
    apaches
}

#[cfg(test)]
mod tests;
