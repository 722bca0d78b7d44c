//! Which file belongs to which service: by the place where a service looks for it, or by name and content.

mod paths;
mod production;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::knowledge::{Candidate, Candidates, Knowledge, Shape};
use crate::model::{Problem, ProblemKind, ReadAs};
use crate::text::tree::{Unread, Walk};
use crate::text::{Pattern, Patterns, Sources, Span, Tree};
pub use paths::{Site, Unusable, given, sites};

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
    pub left_out: usize,
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
    let (paths, left_out) = searched(site, knowledge, include_tests);
    let exclude = Patterns::of(exclude.iter());
    let is_excluded = |path: &Path| exclude.covering(site.tree.top(), path).next().is_some();
    let (excluded, paths): (Vec<PathBuf>, Vec<PathBuf>) =
        paths.into_iter().partition(|path| is_excluded(path));
    found.left_out = left_out + excluded.len();
    for files in found.files.values_mut() {
        files.retain(|file| !is_excluded(&file.path));
    }
    found.by_content(sources, site, knowledge, &paths);
    for files in found.files.values_mut() {
        files.sort();
        // The same file by place and by content counts as found by place, which sorts last.
        files.reverse();
        files.dedup_by(|a, b| a.path == b.path);
        files.reverse();
    }
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
        for (path, seen) in paths.iter().zip(seen) {
            match seen {
                Ok(names) => {
                    for name in names {
                        self.add(name, Candidate { path: path.clone(), by_place: false });
                    }
                }
                Err(why) => self.problems.push(skipped(tree, sources, path, &why)),
            }
        }
    }

    fn add(&mut self, name: &str, file: Candidate) {
        self.files.entry(name.to_owned()).or_default().push(file);
    }
}

/// The files that some service may want by their name.
fn searched(site: &Site, knowledge: &Knowledge, include_tests: bool) -> (Vec<PathBuf>, usize) {
    let taken = |shape: &Shape| site.read_as != ReadAs::Root || shape.apps;
    let want = |path: &Path| knowledge.has_shape(path.as_os_str().as_bytes(), taken);
    let judge = |path: &Path, folder: bool| production::judge(path, folder, include_tests);
    let walk = Walk { gitignore: site.read_as == ReadAs::Repo, judge: &judge, want: &want };
    match site.read_as {
        ReadAs::File => (site.only.clone(), 0),
        ReadAs::Etc => (Vec::new(), 0),
        // What was asked for by name is taken in, also where it would be left out.
        ReadAs::Repo => walk_all(
            &site.tree,
            walk,
            [Path::new("")].into_iter().chain(site.only.iter().map(PathBuf::as_path)),
        ),
        ReadAs::Root => walk_all(&site.tree, walk, APPLICATIONS.into_iter().map(Path::new)),
    }
}

fn walk_all<'a>(
    tree: &Tree,
    walk: Walk<'_>,
    folders: impl Iterator<Item = &'a Path>,
) -> (Vec<PathBuf>, usize) {
    let mut all = (Vec::new(), 0);
    for real in folders.filter_map(|folder| tree.resolve(folder).ok()) {
        let (paths, left_out) = tree.walk(&real, walk);
        all.0.extend(paths);
        all.1 += left_out;
    }
    all.0.sort_unstable();
    all.0.dedup();
    all
}

/// Whose a file is, by its name and its content.
fn takers<'a>(
    sources: &Sources,
    site: &Site,
    knowledge: &'a Knowledge,
    path: &Path,
) -> Result<Vec<&'a str>, Unread> {
    let mut right = wanted_by(site, knowledge, path);
    let asked_for =
        |name: &str, shape: &Shape| site.read_as == ReadAs::File && is_named_after(name, shape, path);
    let looks = |bytes: &[u8]| {
        right.retain(|(name, shape)| shape.looks_right(bytes) || asked_for(name, shape));
        !right.is_empty()
    };
    match site.tree.read_if(sources, path, looks)? {
        Some(_) => Ok(right.into_iter().map(|(name, _)| name).collect()),
        None => Ok(Vec::new()),
    }
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
    let mut wanted = knowledge.shapes_of(path.as_os_str().as_bytes());
    wanted.retain(|(_, shape)| site.read_as != ReadAs::Root || shape.apps);
    wanted
}

fn skipped(tree: &Tree, sources: &Sources, path: &Path, why: &Unread) -> Problem {
    Problem {
        kind: ProblemKind::Skipped,
        service: None,
        message: format!("{} was not read: {why}", path.display()),
        help: None,
        at: Span::top(tree.unread(sources, path)),
        labels: Vec::new(),
    }
}
