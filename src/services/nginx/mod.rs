//! nginx.conf: the servers of http, stream and mail, what they listen on, and what nginx would refuse to start with.

mod address;
mod family;
mod file;
mod library;
mod listen;
mod listener;
mod pass;
mod release;
mod sockets;
mod torn;
mod walk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use self::library::{FileId, Library};
use self::listen::Module;
use self::listener::Listeners;
use self::release::Release;
use self::sockets::{Refusal, Sockets};
use self::walk::{Start, Told, Walk};
use super::{Candidate, Enabled, Found, Ground, Opened, Starts};
use crate::model::{Endpoint, Kind, Label, Listener, NotRead, Problem, ProblemKind};
use crate::text::{HashSet, Span, has_magic};

/// Paths of includes that a message names.
const OUTSIDE_SHOWN: usize = 3;

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    let starts = Starts::of(ground, &mut found);
    let mut reading = Reading {
        starts: &starts,
        library: Library::new(ground),
        release: Release::of(ground, Path::new("")),
        opened: Opened::of(ground, |place| !has_magic(place.as_bytes())),
        included: HashSet::default(),
        mains: Vec::new(),
        enabled: Enabled::default(),
        found,
    };
    let files = starts.candidates(files);
    let (mut mains, fragments) = reading.sort(&files);
    mains.sort_by_key(|(candidate, _)| (!reading.is_installed(candidate), !is_main_name(&candidate.path)));
    for (candidate, id) in mains {
        reading.main(candidate, id);
    }
    reading.fragments(&fragments);
    reading.found
}

/// What is known while the candidates are gone through.
struct Reading<'a> {
    starts: &'a Starts<'a>,
    library: Library<'a>,
    release: Release<'a>,
    opened: Opened,
    /// Files that another one includes.
    included: HashSet<FileId>,
    /// The folders of main files.
    mains: Vec<PathBuf>,
    /// What they include.
    enabled: Enabled,
    found: Found,
}

/// A file that some main file may include.
struct Fragment {
    id: FileId,
    module: Module,
    /// The folder of the nginx that reads it.
    family: PathBuf,
    /// What its relative includes start from.
    folder: PathBuf,
}

type Files<'c> = Vec<(&'c Candidate, FileId)>;

impl Reading<'_> {
    /// Main files, and those that some main file may include.
    fn sort<'c>(&mut self, files: &'c [Candidate]) -> (Files<'c>, Files<'c>) {
        let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
        let mut sorted = (Vec::new(), Vec::new());
        for (candidate, id) in files.iter().zip(self.library.add_all(&paths)) {
            match id {
                Ok(id) if self.is_main(candidate, id) => sorted.0.push((candidate, id)),
                Ok(id) => sorted.1.push((candidate, id)),
                Err(why) => self.found.problems.push(self.library.ground.unread(candidate, &why)),
            }
        }
        sorted
    }

    /// A file is where nginx begins if it lies there, or if it has the blocks that only stand at the top.
    fn is_main(&self, candidate: &Candidate, id: FileId) -> bool {
        self.is_installed(candidate) || self.library.file(id).is_some_and(|file| file.looks.main)
    }

    /// Where nginx begins because it is told so, or by itself.
    fn is_installed(&self, candidate: &Candidate) -> bool {
        self.starts.names(&candidate.path) || self.opened.is_main(candidate)
    }

    fn main(&mut self, candidate: &Candidate, id: FileId) {
        if self.included.contains(&id) || self.leaves_out(candidate) {
            return;
        }
        let installed = self.library.ground.is_machine() && self.is_installed(candidate);
        let start = if installed { Start::Installed } else { Start::Main };
        // nginx looks beside the name that it is given (ngx_process_options: conf_prefix).
        let named = self.starts.folder(&candidate.path).map(Path::to_owned);
        let folder = named.unwrap_or_else(|| self.opened.folder(candidate));
        self.release = Release::of(self.library.ground, &folder);
        let argument = self.argument(&candidate.path);
        let problems = self.found.problems.len();
        let told = self.walk(argument, id, &folder, start);
        if self.starts.is_idle(&candidate.path) {
            self.found.problems.truncate(problems);
            self.found.left_out += 1;
        } else {
            self.open(&told, true);
        }
        self.mains.push(folder);
    }

    /// The `-g` of what starts nginx with a file, as far as it is known.
    fn argument(&mut self, file: &Path) -> Option<FileId> {
        let directives = self.starts.line(self.starts.starting(file)?).last("-g")?;
        (!directives.word.is_open()).then(|| self.library.add_argument(directives))
    }

    /// What no main file includes, as the nginxes that may read it. Where a main file is installed above it, it is not in use.
    fn fragments(&mut self, fragments: &[(&Candidate, FileId)]) {
        let mut left: Vec<Fragment> = Vec::new();
        for (candidate, id) in fragments {
            let Some(module) = self.module(*id).filter(|_| !self.included.contains(id)) else { continue };
            if self.leaves_out(candidate) || self.is_beyond(candidate, *id) {
                continue;
            }
            let own = self.opened.folder(candidate);
            let above = self.mains.iter().filter(|main| own.starts_with(main));
            let main = above.max_by_key(|main| main.as_os_str().len());
            if !candidate.by_place || main.is_none() || self.library.ground.is_named(candidate) {
                let family = family::of(&own);
                let folder = main.unwrap_or(&family).clone();
                left.push(Fragment { id: *id, module, family, folder });
            }
        }
        for Fragment { id, folder, .. } in &left {
            let included = self.library.follow(vec![*id], folder);
            self.included.extend(included.files().filter(|included| included != id));
        }
        let mut families: BTreeMap<PathBuf, Vec<Told>> = BTreeMap::new();
        for Fragment { id, module, family, folder } in left {
            if !self.included.contains(&id) {
                self.release = Release::of(self.library.ground, &family);
                let told = self.walk(None, id, &folder, Start::Fragment(module));
                families.entry(family).or_default().push(told);
            }
        }
        let before = self.found.listeners.len();
        for (folder, family) in families {
            self.release = Release::of(self.library.ground, &folder);
            self.family(family);
        }
        write_once(self.found.listeners.get_mut(before..).unwrap_or_default());
    }

    /// Fragments of one folder. On a machine one nginx reads them all.
    fn family(&mut self, fragments: Vec<Told>) {
        let nginxes = match self.library.ground.is_machine() {
            true => vec![family::together(fragments)],
            false => family::parted(self.library.ground.sources, fragments, &self.release),
        };
        for told in nginxes {
            self.open(&told, false);
        }
    }

    /// Counts a file that is switched off, unless it was asked for by name.
    fn leaves_out(&mut self, candidate: &Candidate) -> bool {
        let out = self.enabled.is_off(&candidate.path) && !self.library.ground.is_named(candidate);
        self.found.left_out += usize::from(out);
        out
    }

    /// Tells of a part that no include reaches.
    fn is_beyond(&mut self, candidate: &Candidate, id: FileId) -> bool {
        let beyond = self.enabled.is_beyond(&candidate.path) && !self.library.ground.is_named(candidate);
        let file = self.library.file(id).filter(|_| beyond);
        let service = &self.library.ground.service.name;
        self.found.not_read.extend(file.map(|file| NotRead::configuration(service, file.source)));
        beyond
    }

    /// The module that a file's servers belong to, if it is nginx's at all.
    fn module(&self, id: FileId) -> Option<Module> {
        let looks = self.library.file(id)?.looks;
        match () {
            () if looks.shiny => None,
            () if looks.stream => Some(Module::Stream),
            () if looks.server => Some(Module::Http),
            () => None,
        }
    }

    /// What one nginx is told from its beginning.
    fn walk(&mut self, argument: Option<FileId>, id: FileId, folder: &Path, start: Start) -> Told {
        let includes = self.library.follow(argument.into_iter().chain([id]).collect(), folder);
        self.included.extend(includes.files());
        if !matches!(start, Start::Fragment(_)) {
            let tree = self.library.ground.tree;
            // A folder has something in it only if the name is there, be it a link that leads out of the tree.
            for target in includes.all().filter(|target| tree.entry(&target.path).is_ok()) {
                self.enabled.note(tree, &target.path, target.file.is_ok());
            }
        }
        let mut told = Walk::new(&self.library, &includes, &self.release, start).read(argument, id);
        self.found.problems.append(&mut told.problems);
        self.found.problems.extend(self.outside(&told.outside));
        told
    }

    /// One row for all includes of one nginx that lead out: they have one reason.
    fn outside(&self, outside: &[(String, Span)]) -> Option<Problem> {
        let (_, at) = *outside.first()?;
        let mut paths: Vec<&str> = outside.iter().map(|(path, _)| path.as_str()).collect();
        paths.dedup();
        let message = match paths.as_slice() {
            [path] => {
                format!("the include of {path} leads out of the repository: its listeners are unknown")
            }
            paths => {
                let (shown, rest) = paths.split_at_checked(OUTSIDE_SHOWN).unwrap_or((paths, &[]));
                let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
                let count = paths.len();
                format!(
                    "{count} includes lead out of the repository ({}{more}): its listeners are unknown",
                    shown.join(", ")
                )
            }
        };
        let help = "audit the machine or the image that it is for, where these files exist".to_owned();
        Some(Problem { help: Some(help), ..self.library.ground.problem(ProblemKind::Skipped, message, at) })
    }

    /// The sockets that one nginx opens.
    fn open(&mut self, told: &Told, whole: bool) {
        let ground = self.library.ground;
        let mut sockets = Sockets::of(&told.listens, &self.release);
        if whole {
            sockets.fit(told.connections);
        }
        self.found.problems.extend(sockets.refusals.iter().map(|refusal| problem(ground, refusal)));
        self.found.listeners.extend(Listeners::of(ground, told, &sockets).all());
    }
}

/// Loose files may all be included by one nginx, which refuses a second `backlog=` for an address: where one is written no other
/// is added, else only the first may get one.
fn write_once(listeners: &mut [Listener]) {
    let is_written = |listener: &Listener| {
        listener.backlog.value.as_ref().is_some_and(|backlog| backlog.kind == Kind::Written)
    };
    let mut taken: HashSet<Endpoint> =
        listeners.iter().filter(|listener| is_written(listener)).map(|it| it.endpoint.clone()).collect();
    for listener in listeners.iter_mut().filter(|listener| !is_written(listener)) {
        if !taken.insert(listener.endpoint.clone()) {
            listener.backlog.slot = None;
        }
    }
}

/// The names of main files: nginx's own and those of the programs made of it.
fn is_main_name(path: &Path) -> bool {
    let mains = ["nginx.conf", "angie.conf", "freenginx.conf"];
    path.file_name().is_some_and(|name| mains.iter().any(|main| name == *main))
}

fn problem(ground: Ground<'_>, refusal: &Refusal) -> Problem {
    Problem {
        kind: ProblemKind::Conflict,
        service: Some(ground.service.name.clone()),
        message: refusal.message.clone(),
        help: Some(refusal.help.to_owned()),
        at: refusal.at,
        labels: refusal.beside.iter().map(|(at, role)| Label::new(*at, *role)).collect(),
    }
}

#[cfg(test)]
mod tests;
