//! Which of its files a server begins with, which of the others these draw in, and which of the rest it would read together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Candidate, Enabled, Found, Ground, Opened, Starts};
use crate::syntax::start::Start;
use crate::text::{HashSet, SourceId};

/// What a file looks like, wherever it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looks {
    Main,
    /// What some main file may include.
    Fragment,
    /// Perhaps another program's: it counts only where the server itself looks.
    Foreign,
}

/// What one server is told by a file, and by what it includes.
#[derive(Debug)]
pub(super) struct Heard<T> {
    pub(super) told: T,
    /// Every file that was read.
    pub(super) files: HashSet<SourceId>,
    /// The files that patterns led to, whether or not they can be read.
    pub(super) matched: Vec<PathBuf>,
}

/// A server whose main file includes others.
pub(super) trait Server {
    type Told;

    fn looks(&self, file: &Candidate, source: SourceId) -> Looks;
    fn read(&mut self, file: &Candidate, source: SourceId, folder: &Path, start: Start) -> Heard<Self::Told>;
    /// The servers that the fragments of one folder are for.
    fn parted(&self, fragments: Vec<Self::Told>) -> Vec<Self::Told>;
    fn open(&mut self, told: &Self::Told, folder: &Path, start: Start);
}

/// What is known while the candidates are gone through.
pub(super) struct Layout<'a> {
    ground: Ground<'a>,
    starts: &'a Starts<'a>,
    opened: Opened,
    /// Files that another one includes.
    included: HashSet<SourceId>,
    /// The folders of main files.
    mains: Vec<PathBuf>,
    /// What they include.
    enabled: Enabled,
    found: Found,
}

impl<'a> Layout<'a> {
    /// `is_main` tells the places where the server begins.
    pub(super) fn of(ground: Ground<'a>, starts: &'a Starts<'a>, is_main: impl Fn(&str) -> bool) -> Self {
        Self {
            ground,
            starts,
            opened: Opened::of(ground, is_main),
            included: HashSet::default(),
            mains: Vec::new(),
            enabled: Enabled::default(),
            found: Found::default(),
        }
    }

    /// Opens what the files say, and hands back what is wrong with the files themselves. `parts` are names of folders that a main
    /// file above them includes.
    pub(super) fn read(mut self, files: &[Candidate], parts: &[String], server: &mut impl Server) -> Found {
        let (mut mains, mut fragments) = (Vec::new(), Vec::new());
        let Ground { tree, sources, .. } = self.ground;
        for file in files {
            match tree.read(sources, &file.path) {
                Ok(source) => match server.looks(file, source) {
                    _ if self.begins_with(file) => mains.push((file, source)),
                    Looks::Main => mains.push((file, source)),
                    looks if looks == Looks::Fragment || file.by_place => fragments.push((file, source)),
                    _ => {}
                },
                Err(why) => self.found.problems.push(self.ground.unread(file, &why)),
            }
        }
        mains.sort_by_key(|(file, _)| (!self.begins_with(file), &file.path));
        for (file, source) in mains {
            self.main(file, source, server);
        }
        self.fragments(fragments, parts, server);
        self.found
    }

    /// Whether the server begins with a file because it is told so, or by itself.
    fn begins_with(&self, file: &Candidate) -> bool {
        self.starts.names(&file.path) || self.opened.is_main(file)
    }

    fn main(&mut self, file: &Candidate, source: SourceId, server: &mut impl Server) {
        if self.leaves_out(file, source) {
            return;
        }
        let installed = self.ground.is_machine() && self.begins_with(file);
        let start = if installed { Start::Installed } else { Start::Main };
        let folder = self.opened.folder(file);
        let told = self.told(file, source, &folder, start, server);
        match self.starts.is_idle(&file.path) {
            true => self.found.left_out += 1,
            false => server.open(&told, &folder, start),
        }
        self.mains.push(folder);
    }

    /// What no main file includes, as the servers that may read it. Where a main file is installed above it, it is not in use.
    fn fragments<S: Server>(&mut self, files: Vec<(&Candidate, SourceId)>, parts: &[String], server: &mut S) {
        let mut families: BTreeMap<PathBuf, Vec<(SourceId, S::Told)>> = BTreeMap::new();
        for (file, source) in files {
            let own = self.opened.folder(file);
            // `etc/httpd` of `etc/httpd/conf`.
            let home = |main: &PathBuf| match main.parent() {
                Some(parent) if main.ends_with("conf") => own.starts_with(parent),
                _ => own.starts_with(main),
            };
            let unused = file.by_place && self.mains.iter().any(home) && !self.ground.is_named(file);
            if !self.leaves_out(file, source) && !unused {
                let is_part =
                    own.file_name().is_some_and(|name| parts.iter().any(|part| name == part.as_str()));
                let family = own.parent().filter(|_| is_part).unwrap_or(&own);
                let told = self.told(file, source, family, Start::Fragment, server);
                families.entry(family.to_owned()).or_default().push((source, told));
            }
        }
        for (family, mut told) in families {
            // What another one of them includes is read there.
            told.retain(|(source, _)| !self.included.contains(source));
            for told in server.parted(told.into_iter().map(|(_, told)| told).collect()) {
                server.open(&told, &family, Start::Fragment);
            }
        }
    }

    /// Whether a file is read where it is included. One that is switched off is counted, unless it was asked for by name.
    fn leaves_out(&mut self, file: &Candidate, source: SourceId) -> bool {
        let included = self.included.contains(&source);
        let off = !included && self.enabled.is_off(&file.path) && !self.ground.is_named(file);
        self.found.left_out += usize::from(off);
        included || off
    }

    fn told<S: Server>(
        &mut self,
        file: &Candidate,
        source: SourceId,
        folder: &Path,
        start: Start,
        server: &mut S,
    ) -> S::Told {
        let Heard { told, files, matched } = server.read(file, source, folder, start);
        self.included.extend(files.into_iter().filter(|included| *included != source));
        if start != Start::Fragment {
            let tree = self.ground.tree;
            for path in &matched {
                self.enabled.note(tree, path, tree.resolve(path).is_ok());
            }
        }
        told
    }
}
