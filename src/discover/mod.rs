//! Which file belongs to which service: by the place where a service looks for it, or by name and content.

mod likely;
mod paths;
mod production;
mod unread;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::knowledge::{COMMAND, Candidate, Candidates, Knowledge, SYSCTL, Shape};
use crate::model::{Problem, ProblemKind, ReadAs};
use crate::text::tree::{Closed, Judged, Unread, Walk};
use crate::text::{HashSet, Pattern, Patterns, Sources, Span, Tree, over};
use likely::{GLANCE, Glanced, MAX_GLANCES, MAX_PLACES};
pub use likely::{Meant, Mention, Unclaimed, is_sysctl_file};
pub use paths::{Site, Unusable, given, sites};
pub use unread::configuration_of;

/// A root's folders for applications: file-hierarchy(7), the conventions of container images, and what people do.
const APPLICATIONS: [&str; 7] = ["app", "home", "opt", "root", "srv", "usr/src/app", "var/www"];

/// What was found in one tree.
#[derive(Debug, Default)]
pub struct Discovery {
    /// By the service's name; sorted, without repeats.
    pub files: Candidates,
    /// Files that a service would have had, had they been readable.
    pub problems: Vec<Problem>,
    /// Files and folders left out because they are not production.
    pub left_out: Vec<PathBuf>,
    /// Those that the policy excludes.
    pub excluded: Vec<PathBuf>,
    /// Files with the name of a service's whose content is not of it.
    pub unlike: Vec<PathBuf>,
    /// What is likely ours and no service's or sysctl's file.
    pub unclaimed: Vec<Unclaimed>,
    /// Folders that could not be looked into.
    pub closed: BTreeMap<PathBuf, Closed>,
}

/// Looks through a tree for the files of every service, but for those that `exclude` covers.
pub fn find(
    sources: &Sources,
    site: &Site,
    knowledge: &Knowledge,
    include_tests: bool,
    exclude: &[Pattern],
) -> Discovery {
    let mut found = Discovery::default();
    if site.read_as != ReadAs::File {
        for (name, shape) in knowledge.shapes() {
            found.by_place(&site.tree, name, shape);
        }
    }
    let Searched { paths, glances, left_out } = searched(sources, site, knowledge, include_tests);
    let exclude = Patterns::of(exclude.iter());
    let is_excluded = |path: &Path| exclude.covering(site.tree.top(), path).next().is_some();
    let (excluded, paths): (Vec<PathBuf>, Vec<PathBuf>) =
        paths.into_iter().partition(|path| is_excluded(path));
    let glances: Vec<PathBuf> = glances.into_iter().filter(|path| !is_excluded(path)).collect();
    (found.left_out, found.excluded) = (left_out, excluded);
    for files in found.files.values_mut() {
        files.retain(|file| !is_excluded(&file.path));
    }
    found.by_content(sources, site, knowledge, &paths);
    found.at_a_glance(sources, site, knowledge, &glances);
    for files in found.files.values_mut() {
        files.sort();
        // The same file by place and by content counts as found by place, which sorts last.
        files.reverse();
        files.dedup_by(|a, b| a.path == b.path);
        files.reverse();
    }
    found.unclaim();
    found.closed = site.tree.closed();
    found
}

impl Discovery {
    fn by_place(&mut self, tree: &Tree, name: &str, shape: &Shape) {
        for pattern in &shape.places {
            for path in tree.glob(pattern.as_bytes()) {
                let path = tree.resolve(&path).unwrap_or(path);
                self.add(name, Candidate { path, by_place: true });
            }
        }
    }

    fn by_content(&mut self, sources: &Sources, site: &Site, knowledge: &Knowledge, paths: &[PathBuf]) {
        let tree = &site.tree;
        let seen = tree.read_all(paths, |path| takers(sources, site, knowledge, path));
        for (path, (seen, meant)) in paths.iter().zip(seen) {
            self.leave(sources, tree, path, meant);
            match seen {
                Ok(names) => {
                    if names.is_empty() {
                        self.unlike.push(path.clone());
                    }
                    for name in names {
                        self.add(name, Candidate { path: path.clone(), by_place: false });
                    }
                }
                Err(why) => self.problems.push(skipped(tree, sources, path, &why)),
            }
        }
    }

    /// Files that are nobody's by their names: what they are likely meant for.
    fn at_a_glance(&mut self, sources: &Sources, site: &Site, knowledge: &Knowledge, paths: &[PathBuf]) {
        let look = |path: &Path| {
            let bytes = site.tree.glance(path, GLANCE).unwrap_or_default();
            likely::look(knowledge, path, &bytes)
        };
        for (path, meant) in paths.iter().zip(site.tree.read_all(paths, look)) {
            self.leave(sources, &site.tree, path, meant);
        }
    }

    /// Keeps what a file is likely meant for.
    fn leave(&mut self, sources: &Sources, tree: &Tree, path: &Path, glanced: Glanced) {
        if glanced.more {
            let what = over("places of this file that may write sysctls", MAX_PLACES);
            sources.cut_off(Span::top(tree.unread(sources, path)), what);
        }
        let unclaimed = glanced.meant.into_iter().map(|meant| Unclaimed { path: path.to_owned(), meant });
        self.unclaimed.extend(unclaimed);
    }

    /// Takes off what is taken in after all.
    fn unclaim(&mut self) {
        let of_services = self.files.iter().filter(|(name, _)| !name.starts_with(COMMAND));
        let taken: HashSet<&Path> =
            of_services.flat_map(|(_, files)| files).map(|it| it.path.as_path()).collect();
        let sysctls: HashSet<&Path> =
            self.files.get(SYSCTL).into_iter().flatten().map(|it| it.path.as_path()).collect();
        let mut unclaimed = std::mem::take(&mut self.unclaimed);
        unclaimed.sort_by(|a, b| a.path.cmp(&b.path));
        unclaimed.retain(|it| match &it.meant {
            Meant::Config { .. } => !taken.contains(it.path.as_path()),
            Meant::Sysctl(_) => !sysctls.contains(it.path.as_path()) && !likely::is_sysctl_file(&it.path),
        });
        self.unclaimed = unclaimed;
    }

    fn add(&mut self, name: &str, file: Candidate) {
        self.files.entry(name.to_owned()).or_default().push(file);
    }
}

/// What looking through a tree came to.
#[derive(Default)]
struct Searched {
    /// Files that some service may want by their name.
    paths: Vec<PathBuf>,
    /// Others that may be meant for us.
    glances: Vec<PathBuf>,
    left_out: Vec<PathBuf>,
}

fn searched(sources: &Sources, site: &Site, knowledge: &Knowledge, include_tests: bool) -> Searched {
    let taken = |shape: &Shape| site.read_as != ReadAs::Root || shape.apps;
    let has_shape = |path: &Path| knowledge.has_shape(path.as_os_str().as_bytes(), taken);
    let is_worth_it = |path: &Path| likely::is_worth_it(&knowledge.likely, path, true);
    let want = |path: &Path| has_shape(path) || is_worth_it(path);
    let judge = |path: &Path, folder: bool| {
        let is_package = production::is_package(&site.tree, path);
        production::judge(path, folder, include_tests || is_package)
    };
    let walk = Walk { gitignore: site.read_as == ReadAs::Repo, judge: &judge, want: &want };
    let (all, left_out) = match site.read_as {
        ReadAs::File => return Searched { paths: site.only.clone(), ..Searched::default() },
        ReadAs::Etc => Default::default(),
        // What was asked for by name is taken in, also where it would be left out.
        ReadAs::Repo => walk_all(
            &site.tree,
            walk,
            [Path::new("")].into_iter().chain(site.only.iter().map(PathBuf::as_path)),
        ),
        ReadAs::Root => walk_all(&site.tree, walk, APPLICATIONS.into_iter().map(Path::new)),
    };
    let (paths, mut glances): (Vec<_>, Vec<_>) = all.into_iter().partition(|path| has_shape(path));
    if site.read_as != ReadAs::Repo {
        glances.extend(beside(site, knowledge));
    }
    if glances.len() > MAX_GLANCES {
        let what = over("files that may write sysctls or be templates", MAX_GLANCES);
        sources.cut_off(Span::top(site.tree.unread(sources, Path::new("."))), what);
        glances.truncate(MAX_GLANCES);
    }
    Searched { paths, glances, left_out }
}

/// What lies in an etc folder, and beside it where somebody keeps more than a machine has: scripts, playbooks.
fn beside(site: &Site, knowledge: &Knowledge) -> Vec<PathBuf> {
    let want = |path: &Path| likely::is_worth_it(&knowledge.likely, path, false);
    let judge = |path: &Path, folder: bool| match production::judge(path, folder, true) {
        Judged::Taken => Judged::Taken,
        _ => Judged::Passed,
    };
    let walk = Walk { gitignore: false, judge: &judge, want: &want };
    let mut folders = vec![PathBuf::from("etc")];
    // A whole machine has its data there.
    if site.read_as == ReadAs::Root && !site.tree.is_folder(Path::new("usr/bin")) {
        let names = site.tree.list(Path::new("")).into_iter().map(PathBuf::from);
        folders.extend(names.filter(|name| !MACHINES_OWN.iter().any(|own| name == Path::new(own))));
    }
    walk_all(&site.tree, walk, folders.iter().map(PathBuf::as_path)).0
}

/// Folders at the top of a machine (file-hierarchy(7)), and those for applications, which are searched anyway.
#[rustfmt::skip]
const MACHINES_OWN: [&str; 23] = [
    "app", "bin", "boot", "dev", "etc", "home", "lib", "lib64", "media", "mnt", "opt", "proc", "root", "run",
    "sbin", "srv", "sys", "tmp", "var", "usr", "lib32", "libx32", "lost+found",
];

fn walk_all<'a>(
    tree: &Tree,
    walk: Walk<'_>,
    folders: impl Iterator<Item = &'a Path>,
) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let mut all = (Vec::new(), Vec::new());
    for real in folders.filter_map(|folder| tree.resolve(folder).ok()) {
        let (paths, left_out) = tree.walk(&real, walk);
        all.0.extend(paths);
        all.1.extend(left_out);
    }
    all.0.sort_unstable();
    all.0.dedup();
    all
}

/// Whose a file is, by its name and its content, and what it is likely to be beside that.
fn takers<'a>(
    sources: &Sources,
    site: &Site,
    knowledge: &'a Knowledge,
    path: &Path,
) -> (Result<Vec<&'a str>, Unread>, Glanced) {
    let mut right = wanted_by(site, knowledge, path);
    let mut meant = Glanced::default();
    let asked_for =
        |name: &str, shape: &Shape| site.read_as == ReadAs::File && is_named_after(name, shape, path);
    let looks = |bytes: &[u8]| {
        if likely::is_worth_it(&knowledge.likely, path, true) {
            let glance = usize::try_from(GLANCE).unwrap_or(usize::MAX);
            meant = likely::look(knowledge, path, bytes.get(..glance).unwrap_or(bytes));
        }
        let name_of = path.as_os_str().as_bytes();
        right.retain(|(name, shape)| shape.fits(name_of, bytes) || asked_for(name, shape));
        !right.is_empty()
    };
    let taken = match site.tree.read_if(sources, path, looks) {
        Ok(Some(_)) => Ok(right.into_iter().map(|(name, _)| name).collect()),
        Ok(None) => Ok(Vec::new()),
        Err(why) => Err(why),
    };
    (taken, meant)
}

/// Whether a file has the name that only the service's own has, such as nginx.conf: whatever is in it, it is meant to be that.
fn is_named_after(name: &str, shape: &Shape, path: &Path) -> bool {
    let file = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let mut places = shape.places.iter().map(|place| place.rsplit('/').next().unwrap_or_default());
    file.contains(name) && places.any(|own| own == file)
}

fn wanted_by<'a>(site: &Site, knowledge: &'a Knowledge, path: &Path) -> Vec<(&'a str, &'a Shape)> {
    // A file by itself is known by its whole path: /etc/sysctl.d/90-tuning.conf.
    let path = match site.read_as {
        ReadAs::File => Cow::Owned(site.tree.top().join(path)),
        _ => Cow::Borrowed(path),
    };
    let path = path.as_os_str().as_bytes();
    let mut wanted = knowledge.shapes_of(path);
    wanted.retain(|(_, shape)| site.read_as != ReadAs::Root || shape.apps);
    // A name that only has room for any end is no template's: `Caddyfile.*`, `sites-available/*`. A host in India ends in `.in`.
    if let Some(end) = likely::template_end(&knowledge.likely, path).filter(|end| *end != b"in") {
        wanted.retain(|(name, shape)| name.starts_with(COMMAND) || shape.has_end(path, end));
    }
    wanted
}

fn skipped(tree: &Tree, sources: &Sources, path: &Path, why: &Unread) -> Problem {
    Problem {
        kind: ProblemKind::Skipped,
        service: None,
        message: format!("cannot read {}: {why}", path.display()),
        help: why.help(),
        at: Span::top(tree.unread(sources, path)),
        labels: Vec::new(),
    }
}
