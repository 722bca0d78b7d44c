//! Which sysctl files there are, in which order each tool applies them, and which ones are left out and why.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use crate::model::ReadAs;
use crate::syntax::sysctl_line::Tool;
use crate::text::tree::{Entry, Unread};
use crate::text::{SourceId, Sources, Tree};

/// From the highest priority to the lowest: of several files of one name only the first counts, as a whole (sysctl.d(5);
/// `PreloadSystem` in src/sysctl.c of procps). The last one is the same folder as the one before where /usr is merged.
pub(super) const FOLDERS: [&str; 5] =
    ["etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d", "usr/lib/sysctl.d", "lib/sysctl.d"];

pub(super) const SYSCTL_CONF: &str = "etc/sysctl.conf";

/// Where a local /etc/sysctl.conf goes when Debian 13 takes the file away (dpkg-maintscript-helper(1), `rm_conffile`).
const MOVED_CONF: &str = "etc/sysctl.conf.dpkg-bak";

/// Scripts of SysV init that apply the files.
const SCRIPTS: [&str; 3] = ["etc/rc.d/rc.sysinit", "etc/rc.d/init.d/functions", "etc/init.d/procps"];

/// Marks in names of files and folders that are not meant to count; so is whatever stands behind `.conf`.
#[rustfmt::skip]
const ASIDE: [&str; 18] = [
    ".conf.", ".erb", ".j2", ".md", ".off", ".txt", "archive", "available", "backup", "bak", "disabled",
    "example", "old", "orig", "readme", "sample", "save", "~",
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
    /// By the script of SysV init.
    PassedOver,
}

/// All files, by what happens to them.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// What applies them at boot.
    pub(super) tool: Tool,
    /// In the order in which it reads them.
    pub(super) boot: Vec<File>,
    /// In the order in which `sysctl --system` reads them.
    pub(super) system: Vec<File>,
    pub(super) left: Vec<Left>,
    /// Nothing reads a folder at boot.
    pub(super) conf_only: bool,
}

/// Where to look, and what for.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) sources: &'a Sources,
    pub(super) tree: &'a Tree,
    pub(super) read_as: ReadAs,
    /// Whether the text of a file that is not applied says anything of interest.
    pub(super) matters: fn(&[u8]) -> bool,
}

impl Search<'_> {
    /// `found` are the files that lie elsewhere than a machine has them.
    pub(super) fn files(self, found: &[PathBuf]) -> Files {
        let mut files = Files::default();
        if self.read_as != ReadAs::File {
            for (name, paths) in by_name(self.tree) {
                self.of_one_name(&mut files, name, paths);
            }
        }
        self.found(&mut files, found);
        if self.read_as != ReadAs::File {
            self.sysctl_conf(&mut files);
        }
        if let Some((boot, passed_over)) = self.by_hand(&files.system) {
            files.tool = Tool::Procps;
            files.boot = boot;
            files.left.retain(|left| !matches!(left.out, Out::Hidden | Out::SysctlConf));
            files.conf_only = passed_over.is_some();
            let passed_over = passed_over.into_iter().flatten();
            files.left.extend(passed_over.map(|file| Left { file, out: Out::PassedOver }));
        }
        files
    }

    fn file(self, name: &[u8], path: PathBuf) -> File {
        let text = self.tree.read(self.sources, &path);
        File { name: name.to_owned(), path, text, group: PathBuf::new() }
    }

    fn left(self, path: PathBuf, out: Out) -> Option<Left> {
        let text = self.tree.read_if(self.sources, &path, self.matters).ok().flatten()?;
        Some(Left { file: File { name: file_name(&path), path, text: Ok(text), group: PathBuf::new() }, out })
    }

    /// The files of one name in all folders: the first counts, and hides the others.
    fn of_one_name(self, files: &mut Files, name: Vec<u8>, paths: Vec<PathBuf>) {
        let mut paths = paths.into_iter();
        let Some(path) = paths.next() else { return };
        if !name.ends_with(b".conf") {
            // A package's source may name its files by more than they are installed as.
            if self.read_as == ReadAs::Repo && name.contains(&b'#') {
                return;
            }
            let meant = not_conf(self.tree, &name, path).into_iter();
            return files.left.extend(meant.filter_map(|(path, out)| self.left(path, out)));
        }
        let file = self.file(&name, path);
        let masked = paths.filter(|path| self.tree.resolve(path) != self.tree.resolve(&file.path));
        files.left.extend(masked.filter_map(|path| self.left(path, Out::Masked(Box::new(file.clone())))));
        if name.starts_with(b".") {
            // systemd skips hidden files (`FOREACH_DIRENT`), procps does not.
            files.left.extend(self.left(file.path.clone(), Out::Hidden));
        } else {
            files.boot.push(file.clone());
        }
        files.system.push(file);
    }

    /// Files that a repository holds elsewhere count as if they lay in etc/sysctl.d; where they will be put is not known, so
    /// none masks another.
    fn found(self, files: &mut Files, found: &[PathBuf]) {
        let elsewhere = |path: &&PathBuf| {
            path.as_path() != Path::new(SYSCTL_CONF)
                // ufw applies its own, when and if it starts (ufw-framework(8)).
                && !path.ends_with("ufw/sysctl.conf")
                && !FOLDERS.iter().any(|folder| path.parent() == Some(Path::new(folder)))
        };
        for path in found.iter().filter(elsewhere) {
            let file = File { group: group(path), ..self.file(&file_name(path), path.clone()) };
            for files in [&mut files.boot, &mut files.system] {
                let at = files.partition_point(|other| other.name <= file.name);
                files.insert(at, file.clone());
            }
        }
    }

    /// procps always reads /etc/sysctl.conf, last of all; systemd-sysctl has not since its version 207, but for a link from
    /// sysctl.d, which distributions ship.
    fn sysctl_conf(self, files: &mut Files) {
        let file = self.file(b"sysctl.conf", PathBuf::from(SYSCTL_CONF));
        if file.text.is_err() {
            if self.tree.entry(&file.path).is_err() {
                files.left.extend(self.left(PathBuf::from(MOVED_CONF), Out::Moved));
            }
            // What is there and cannot be read is missed where `sysctl --system` counts.
            if !matches!(file.text, Err(Unread::Missing | Unread::Dangling(_) | Unread::Outside)) {
                files.system.push(file);
            }
            return;
        }
        files.system.push(file.clone());
        if files.boot.iter().any(|linked| linked.text == file.text) {
            return;
        }
        if self.read_as == ReadAs::Repo {
            // As if by the link 99-sysctl.conf: a repository holds its own files and not the distribution's.
            let name = b"99-sysctl.conf".to_vec();
            let at = files.boot.partition_point(|other| other.name < name);
            files.boot.insert(at, File { name, ..file });
        } else {
            files.left.push(Left { file, out: Out::SysctlConf });
        }
    }

    /// What is applied at boot without systemd, in that order, and the folders' files where no folder is: as by `sysctl --system` with OpenRC
    /// (init.d/sysctl.in) and runit (void-runit, core-services/08-sysctl.sh); with SysV init as its script says, CentOS 6's reads
    /// sysctl.conf first, and its last releases the folder then (initscripts, rc.d/init.d/functions: apply_sysctl).
    fn by_hand(self, system: &[File]) -> Option<(Vec<File>, Option<Vec<File>>)> {
        if !matches!(self.read_as, ReadAs::Root | ReadAs::Etc) || has_systemd(self.tree) {
            return None;
        }
        let is_there = |path: &&str| self.tree.exists(Path::new(path));
        let text: Vec<u8> =
            SCRIPTS.iter().flat_map(|path| self.tree.peek(Path::new(path)).unwrap_or_default()).collect();
        let is_code = |line: &&[u8]| !line.trim_ascii_start().starts_with(b"#");
        let text = text.split(|byte| *byte == b'\n').filter(is_code).collect::<Vec<_>>().join(&b'\n');
        let at = |word: &str| memchr::memmem::find(&text, word.as_bytes());
        let (whole, conf, folder) = (at("--system"), at("sysctl.conf"), at("sysctl.d"));
        let (own, others): (Vec<File>, Vec<File>) =
            system.iter().cloned().partition(|file| file.path == Path::new(SYSCTL_CONF));
        match (conf, folder) {
            _ if ["etc/runlevels", "etc/runit"].iter().any(&is_there) || whole.is_some() => {}
            (Some(_), None) => return Some((own, Some(others))),
            (Some(conf), Some(folder)) if conf < folder => return Some(([own, others].concat(), None)),
            _ if !is_there(&"etc/inittab") && conf.or(folder).is_none() => return None,
            _ => {}
        }
        Some((system.to_vec(), None))
    }
}

pub(super) fn has_systemd(tree: &Tree) -> bool {
    let systemd = ["usr/lib/systemd/systemd", "lib/systemd/systemd", "etc/systemd/system"];
    systemd.iter().any(|path| tree.exists(Path::new(path)))
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
