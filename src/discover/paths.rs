//! How a PATH is understood: as a root filesystem, an etc folder, a repository or a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::model::ReadAs;
use crate::text::tree::MAX_FILE;
use crate::text::{Sources, Tree};

/// As much of a file as tells whether it is text, in bytes.
const START: usize = 4096;

/// One machine or repository to audit.
#[derive(Debug)]
pub struct Site {
    pub tree: Tree,
    pub read_as: ReadAs,
    /// What is reported, by path in the tree; all if empty. For `ReadAs::File`, the files themselves.
    pub only: Vec<PathBuf>,
}

impl Site {
    /// The same site in another copy of its tree.
    pub fn at(&self, top: &Path) -> io::Result<Self> {
        let tree = Tree::open(top, follows_absolute(self.read_as))?;
        let tree = match self.tree.label() {
            Some(label) => tree.labelled(label),
            None => tree,
        };
        Ok(Self { tree, read_as: self.read_as, only: self.only.clone() })
    }

    /// The folders in which a policy for a PATH of this site may lie: from it up to the top of its repository or root.
    pub fn upward(&self, path: &Path) -> Option<Vec<PathBuf>> {
        // A file whose bytes are given need not exist; its folder may.
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(_) => std::path::absolute(path).ok()?.parent()?.canonicalize().ok()?,
        };
        let start = if real.is_dir() { real.as_path() } else { real.parent()? };
        let top = match self.read_as {
            ReadAs::Root | ReadAs::Etc => self.tree.top(),
            ReadAs::Repo | ReadAs::File => repository_of(start).unwrap_or(self.tree.top()),
        };
        let inside = start.ancestors().take_while(|folder| folder.starts_with(top));
        Some(inside.map(Path::to_owned).collect())
    }
}

/// A PATH that cannot be audited.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct Unusable {
    pub path: PathBuf,
    pub source: io::Error,
}

/// A PATH and how it is understood.
struct Meant {
    read_as: ReadAs,
    top: PathBuf,
    only: Option<PathBuf>,
    given: PathBuf,
}

/// The machines and repositories that the paths name. Several files or folders of one repository are one machine.
pub fn sites(paths: &[PathBuf], read_as: Option<ReadAs>) -> Result<Vec<Site>, Unusable> {
    let mut meant: Vec<Meant> = Vec::new();
    for given in paths {
        let unusable = |source| Unusable { path: given.clone(), source };
        let real = given.canonicalize().map_err(unusable)?;
        // What somebody names and cannot be read is no small matter of a large tree.
        if real.is_file() {
            File::open(&real).and_then(|file| is_text(&file)).map_err(unusable)?;
        }
        meant.push(understand(given, real, read_as, paths.len() > 1).map_err(unusable)?);
    }
    let mut grouped: Vec<(Meant, Vec<PathBuf>)> = Vec::new();
    for mut path in meant {
        let only = path.only.take();
        match grouped.iter_mut().find(|(known, _)| known.top == path.top && known.read_as == path.read_as) {
            // One that is meant as a whole stays whole.
            Some((_, restricted)) => match only {
                Some(only) if !restricted.is_empty() => restricted.push(only),
                Some(_) => {}
                None => restricted.clear(),
            },
            None => grouped.push((path, only.into_iter().collect())),
        }
    }
    let several = grouped.len() > 1;
    grouped.into_iter().map(|(path, only)| open(path, only, several)).collect()
}

/// A file whose bytes are given, understood as the file of that name would be.
pub fn given(sources: &Sources, path: &Path, bytes: Vec<u8>) -> Result<Site, Unusable> {
    let unusable = |source| Unusable { path: path.to_owned(), source };
    let whole = std::path::absolute(path).map_err(unusable)?;
    let (Some(folder), Some(name)) = (whole.parent(), whole.file_name().map(Path::new)) else {
        return Err(unusable(io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file")));
    };
    seems_text(&bytes).map_err(unusable)?;
    let tree = Tree::around(sources, folder, name, bytes);
    Ok(Site { tree, read_as: ReadAs::File, only: vec![name.to_owned()] })
}

fn open(path: Meant, only: Vec<PathBuf>, several: bool) -> Result<Site, Unusable> {
    let tree = Tree::open(&path.top, follows_absolute(path.read_as))
        .map_err(|source| Unusable { path: path.given.clone(), source })?;
    let tree = if several { tree.labelled(path.given.display().to_string()) } else { tree };
    Ok(Site { tree, read_as: path.read_as, only })
}

/// In a repository absolute links mean some other machine.
fn follows_absolute(read_as: ReadAs) -> bool {
    matches!(read_as, ReadAs::Root | ReadAs::Etc)
}

fn understand(given: &Path, real: PathBuf, read_as: Option<ReadAs>, several: bool) -> io::Result<Meant> {
    let read_as = read_as.unwrap_or_else(|| guess(&real));
    let meant = |top: &Path, read_as, only: Option<&Path>| Meant {
        read_as,
        top: top.to_owned(),
        only: only.map(Path::to_owned),
        given: given.to_owned(),
    };
    match read_as {
        _ if read_as != ReadAs::File && !real.is_dir() => Err(io::Error::from(io::ErrorKind::NotADirectory)),
        ReadAs::File if !real.is_file() => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
        }
        ReadAs::Root => Ok(meant(&real, ReadAs::Root, None)),
        ReadAs::Etc if !real.ends_with("etc") => {
            let inside = given.join("etc");
            let such = if inside.is_dir() { inside } else { PathBuf::from("deploy/etc") };
            let message = format!("--as etc needs a folder called etc, such as {}", such.display());
            Err(io::Error::new(io::ErrorKind::InvalidInput, message))
        }
        ReadAs::Etc => Ok(meant(real.parent().unwrap_or(&real), ReadAs::Etc, None)),
        // Only among several paths does it matter what they lie in: then they restrict what is reported.
        ReadAs::Repo | ReadAs::File => match repository_of(&real).filter(|top| several && *top != real) {
            Some(top) => Ok(meant(top, ReadAs::Repo, real.strip_prefix(top).ok())),
            None if read_as == ReadAs::Repo => Ok(meant(&real, ReadAs::Repo, None)),
            None => Ok(meant(real.parent().unwrap_or(&real), ReadAs::File, real.file_name().map(Path::new))),
        },
    }
}

/// Whether a file that somebody names can be read as text. A pipe is left to who reads it.
fn is_text(file: &File) -> io::Result<()> {
    let size = file.metadata()?.len();
    if size > MAX_FILE {
        let message =
            format!("it has {} MiB; files over {} MiB are not read", size.div_ceil(1 << 20), MAX_FILE >> 20);
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let mut start = Vec::new();
    file.take(START as u64).read_to_end(&mut start)?;
    seems_text(&start)
}

/// No configuration holds a byte of zero; text of two bytes a character does.
fn seems_text(bytes: &[u8]) -> io::Result<()> {
    let start = bytes.get(..bytes.len().min(START)).unwrap_or_default();
    let message = match start {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it is UTF-16; save it as UTF-8",
        _ if start.contains(&0) => "it is not text",
        _ => return Ok(()),
    };
    Err(io::Error::new(io::ErrorKind::InvalidData, message))
}

fn guess(real: &Path) -> ReadAs {
    match () {
        () if !real.is_dir() => ReadAs::File,
        () if real.join(".git").exists() => ReadAs::Repo,
        () if real.join("etc").is_dir() => ReadAs::Root,
        () if real.file_name().is_some_and(|name| name == "etc") => ReadAs::Etc,
        () => ReadAs::Repo,
    }
}

/// The nearest folder that holds `.git`. It is looked for, not read.
fn repository_of(real: &Path) -> Option<&Path> {
    real.ancestors().find(|folder| folder.join(".git").exists())
}
