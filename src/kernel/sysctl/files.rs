//! Which sysctl files there are, in which order each tool applies them, and which ones are left out and why.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::line::Tool;
use crate::model::ReadAs;
use crate::text::tree::{Entry, Unread};
use crate::text::{SourceId, Sources, Tree};

/// From the highest priority to the lowest: of several files of one name only the first counts, as a whole (sysctl.d(5);
/// `PreloadSystem` in src/sysctl.c of procps). The last one is the same folder as the one before where /usr is merged.
const FOLDERS: [&str; 5] =
    ["etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d", "usr/lib/sysctl.d", "lib/sysctl.d"];

pub(super) const SYSCTL_CONF: &str = "etc/sysctl.conf";

/// Where a local /etc/sysctl.conf goes when Debian 13 takes the file away (dpkg-maintscript-helper(1), `rm_conffile`).
const MOVED_CONF: &str = "etc/sysctl.conf.dpkg-bak";

/// Marks in names of files and folders that are not meant to count; so is whatever stands behind `.conf`.
const ASIDE: [&str; 18] = [
    ".conf.",
    ".erb",
    ".j2",
    ".md",
    ".off",
    ".txt",
    "archive",
    "available",
    "backup",
    "bak",
    "disabled",
    "example",
    "old",
    "orig",
    "readme",
    "sample",
    "save",
    "~",
];

/// A file in one of the folders.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) name: Vec<u8>,
    /// As configured; the real one is the origin of its source.
    pub(super) path: PathBuf,
    pub(super) text: Result<SourceId, Unread>,
    /// What it belongs to: empty for the machine's own folders, else the part of a repository that it lies in.
    pub(super) group: PathBuf,
}

/// A file that is not applied at boot.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) file: File,
    pub(super) out: Out,
}

#[derive(Debug)]
pub(super) enum Out {
    /// By another file of its name.
    Masked(Box<File>),
    Hidden,
    NotConf,
    Subfolder,
    SysctlConf,
    Moved,
}

/// All files, by what happens to them.
#[derive(Debug)]
pub(super) struct Files {
    /// What applies them at boot.
    pub(super) tool: Tool,
    /// In the order in which it reads them.
    pub(super) boot: Vec<File>,
    /// In the order in which `sysctl --system` reads them.
    pub(super) system: Vec<File>,
    pub(super) left: Vec<Left>,
}

impl Files {
    /// `matters`: whether a file that is not applied anyway says anything of interest.
    pub(super) fn find(
        sources: &Sources,
        tree: &Tree,
        read_as: ReadAs,
        found: &[PathBuf],
        matters: impl Fn(&[u8]) -> bool,
    ) -> Self {
        let mut files = Files { tool: Tool::Systemd, boot: Vec::new(), system: Vec::new(), left: Vec::new() };
        let aside = |path: PathBuf, out| {
            let text = tree.read_if(sources, &path, &matters).ok().flatten()?;
            let file = File { name: file_name(&path), path, text: Ok(text), group: PathBuf::new() };
            Some(Left { file, out })
        };
        for (name, paths) in by_name(tree) {
            let mut paths = paths.into_iter();
            let Some(path) = paths.next() else { continue };
            if !name.ends_with(b".conf") {
                files.left.extend(
                    not_conf(tree, &name, path).into_iter().filter_map(|(path, out)| aside(path, out)),
                );
                continue;
            }
            let file = File { name, text: tree.read(sources, &path), path, group: PathBuf::new() };
            let masked = paths.filter(|path| tree.resolve(path) != tree.resolve(&file.path));
            files.left.extend(masked.filter_map(|path| aside(path, Out::Masked(Box::new(file.clone())))));
            if file.name.starts_with(b".") {
                // systemd skips hidden files (`FOREACH_DIRENT`), procps does not.
                files.left.extend(aside(file.path.clone(), Out::Hidden));
            } else {
                files.boot.push(file.clone());
            }
            files.system.push(file);
        }
        files.add(sources, tree, found);
        files.sysctl_conf(sources, tree, read_as);
        if tree.entry(Path::new(SYSCTL_CONF)).is_err() {
            files.left.extend(aside(PathBuf::from(MOVED_CONF), Out::Moved));
        }
        if boots_by_hand(tree, read_as) {
            files.tool = Tool::Procps;
            files.boot.clone_from(&files.system);
            files.left.retain(|left| !matches!(left.out, Out::Hidden | Out::SysctlConf));
        }
        files
    }

    /// Files that a repository holds elsewhere count as if they lay in etc/sysctl.d; where they will be put is not known, so
    /// none masks another.
    fn add(&mut self, sources: &Sources, tree: &Tree, found: &[PathBuf]) {
        let elsewhere = |path: &&PathBuf| {
            path.as_path() != Path::new(SYSCTL_CONF)
                // ufw applies its own, when and if it starts (ufw-framework(8)).
                && !path.ends_with("ufw/sysctl.conf")
                && !FOLDERS.iter().any(|folder| path.parent() == Some(Path::new(folder)))
        };
        for path in found.iter().filter(elsewhere) {
            let (name, text) = (file_name(path), tree.read(sources, path));
            let file = File { name, path: path.clone(), text, group: group(path) };
            for files in [&mut self.boot, &mut self.system] {
                let at = files.partition_point(|other| other.name <= file.name);
                files.insert(at, file.clone());
            }
        }
    }

    /// procps always reads /etc/sysctl.conf, last of all; systemd-sysctl has not since its version 207, but for a link from
    /// sysctl.d, which distributions ship.
    fn sysctl_conf(&mut self, sources: &Sources, tree: &Tree, read_as: ReadAs) {
        let path = Path::new(SYSCTL_CONF);
        let Ok(text) = tree.read(sources, path) else { return };
        let name = b"sysctl.conf".to_vec();
        let file = File { name, path: path.to_owned(), text: Ok(text), group: PathBuf::new() };
        self.system.push(file.clone());
        if self.boot.iter().any(|linked| linked.text == file.text) {
            return;
        }
        if matches!(read_as, ReadAs::Repo | ReadAs::File) {
            // As if by the link 99-sysctl.conf: a repository holds its own files and not the distribution's.
            let at = self.boot.partition_point(|other| other.name.as_slice() < b"99-sysctl.conf".as_slice());
            self.boot.insert(at, File { name: b"99-sysctl.conf".to_vec(), ..file });
        } else {
            self.left.push(Left { file, out: Out::SysctlConf });
        }
    }
}

/// The part of a repository that stands for one machine: a root filesystem, a folder `sysctl.d`, else a single file.
fn group(path: &Path) -> PathBuf {
    let top: PathBuf =
        path.iter().take_while(|part| !["etc", "run", "usr"].iter().any(|top| part == top)).collect();
    match path.parent() {
        _ if top != path => top,
        Some(folder) if folder.ends_with("sysctl.d") => folder.to_owned(),
        _ => path.to_owned(),
    }
}

/// Whether `sysctl --system` is what runs at boot, as with OpenRC (init.d/sysctl.in) and runit (void-runit,
/// core-services/08-sysctl.sh).
fn boots_by_hand(tree: &Tree, read_as: ReadAs) -> bool {
    let systemd = ["usr/lib/systemd/systemd", "lib/systemd/systemd", "etc/systemd/system"];
    matches!(read_as, ReadAs::Root | ReadAs::Etc)
        && ["etc/runlevels", "etc/runit"].iter().any(|folder| tree.is_folder(Path::new(folder)))
        && !systemd.iter().any(|path| tree.exists(Path::new(path)))
}

/// The paths of each name, the one that counts first; names in byte order.
fn by_name(tree: &Tree) -> BTreeMap<Vec<u8>, Vec<PathBuf>> {
    let mut seen = Vec::new();
    let mut names: BTreeMap<Vec<u8>, Vec<PathBuf>> = BTreeMap::new();
    for folder in FOLDERS.map(Path::new) {
        let Ok(real) = tree.resolve(folder) else { continue };
        if seen.contains(&real) {
            continue;
        }
        seen.push(real);
        for name in tree.list(folder) {
            let path = folder.join(&name);
            names.entry(name.into_vec()).or_default().push(path);
        }
    }
    names
}

/// What has another name than `*.conf` and may still have been meant: a file, or the files in a folder.
fn not_conf(tree: &Tree, name: &[u8], path: PathBuf) -> Vec<(PathBuf, Out)> {
    let name = String::from_utf8_lossy(name).to_lowercase();
    if name.starts_with('.') || ASIDE.iter().any(|mark| name.contains(mark)) {
        return Vec::new();
    }
    match tree.entry(&path) {
        Ok(Entry::Folder) => {
            let inside = tree.list(&path).into_iter().map(|name| path.join(name));
            inside
                .filter(|path| file_name(path).ends_with(b".conf"))
                .map(|path| (path, Out::Subfolder))
                .collect()
        }
        _ => vec![(path, Out::NotConf)],
    }
}

/// Whether a file is a link to /dev/null: the documented way to switch off another of its name.
pub(super) fn is_mask(tree: &Tree, path: &Path) -> bool {
    matches!(tree.entry(path), Ok(Entry::Link(target)) if target.ends_with("dev/null"))
}

fn file_name(path: &Path) -> Vec<u8> {
    path.file_name().map(|name| name.to_owned().into_vec()).unwrap_or_default()
}
