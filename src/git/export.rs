//! The files of a repository as they were in a commit, written into a scratch folder that goes when it is no more needed.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use tempfile::TempDir;

use super::{Fault, PATH, PATIENCE, Patience, Talk, Was, commit, repository};

/// What may be written of one repository.
#[derive(Clone, Copy)]
struct Room {
    files: usize,
    bytes: u64,
}

/// The largest public repositories have some hundred thousand files.
const ROOM: Room = Room { files: 1 << 20, bytes: 4 << 30 };

/// Repositories as they were at a revision.
#[derive(Debug)]
pub struct Exports {
    scratch: TempDir,
    patience: Patience,
    done: Vec<(PathBuf, PathBuf)>,
}

/// A file or link in a commit.
struct Entry {
    path: PathBuf,
    object: Vec<u8>,
    is_link: bool,
}

impl Exports {
    pub fn new() -> Result<Self, Fault> {
        Self::within(PATIENCE)
    }

    pub(super) fn within(patience: Patience) -> Result<Self, Fault> {
        let scratch = tempfile::Builder::new().prefix("backlog-audit-").tempdir();
        let scratch = scratch.map_err(Fault::NoScratch)?;
        Ok(Self { scratch, patience, done: Vec::new() })
    }

    /// Where the repository of a folder lies, and where its files lie as they were at a revision, or where this branch left it.
    pub fn repository(&mut self, top: &Path, rev: &str) -> Result<(PathBuf, PathBuf), Fault> {
        let home = repository(top, self.patience.answer)?;
        if let Some((_, there)) = self.done.iter().find(|(known, _)| *known == home) {
            return Ok((home, there.clone()));
        }
        let there = self.scratch.path().join(self.done.len().to_string());
        let commit = commit(top, rev, self.patience.history)?;
        export(top, &home, &commit, &there, (ROOM, self.patience))?;
        self.done.push((home.clone(), there.clone()));
        Ok((home, there))
    }
}

/// Writes the files of a commit below `there`.
fn export(
    top: &Path,
    home: &Path,
    commit: &str,
    there: &Path,
    (room, patience): (Room, Patience),
) -> Result<(), Fault> {
    let not_written = |error| Fault::NotWritten { repository: home.to_owned(), error };
    let large = |what| Fault::Large { repository: home.to_owned(), what };
    let missing = || Fault::Missing { repository: home.to_owned() };
    let entries = match entries(top, commit, room, patience)? {
        Listed::All(entries) => entries,
        Listed::TooMany => return Err(large("too many files")),
        Listed::Torn => return Err(missing()),
    };
    // As in the repository itself, whoever looks upward from a file stops there.
    fs::create_dir_all(there.join(".git")).map_err(not_written)?;
    let mut past = Talk::begin(top, &["cat-file", "--batch"], patience)?;
    let (mut links, mut written, mut last) = (Vec::new(), 0, PathBuf::new());
    for Entry { path, object, is_link } in entries {
        let was = past.object(&object).map_err(|error| past.fault(error))?.ok_or_else(missing)?;
        written += was.bytes();
        if written > room.bytes {
            return Err(large("files that are too large"));
        }
        if let (Was::Bytes(target), true) = (&was, is_link) {
            links.push((there.join(path), target.clone()));
            continue;
        }
        let at = there.join(path);
        // Files of one folder follow each other.
        if let Some(folder) = at.parent().filter(|folder| *folder != last) {
            fs::create_dir_all(folder).or_else(passed).map_err(not_written)?;
            folder.clone_into(&mut last);
        }
        write(&at, &was).map_err(not_written)?;
    }
    // Last, so that no file is ever written through one.
    links.iter().try_for_each(|(at, target)| link(at, target)).map_err(not_written)
}

fn link(at: &Path, target: &[u8]) -> io::Result<()> {
    let made = at.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| symlink(OsStr::from_bytes(target), at)).or_else(passed)
}

fn write(at: &Path, was: &Was) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).create_new(true).open(at) {
        Ok(file) => file,
        Err(error) => return passed(error),
    };
    match was {
        Was::Bytes(bytes) => file.write_all(bytes),
        // Of what is never read the size is enough.
        Was::Large(size) => File::set_len(&file, *size),
    }
}

/// Names that one file system keeps apart and another does not, and links that it does not take, are left out.
fn passed(error: io::Error) -> io::Result<()> {
    use io::ErrorKind::{
        AlreadyExists, InvalidFilename, InvalidInput, IsADirectory, NotADirectory, NotFound,
    };
    match error.kind() {
        AlreadyExists | InvalidFilename | InvalidInput | IsADirectory | NotADirectory | NotFound => Ok(()),
        _ => Err(error),
    }
}

impl Was {
    /// What it takes on the disk.
    fn bytes(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Large(_) => 0,
        }
    }
}

/// The files and links of a commit, as far as they are here.
enum Listed {
    All(Vec<Entry>),
    TooMany,
    /// git has not got all of its folders.
    Torn,
}

fn entries(top: &Path, commit: &str, room: Room, patience: Patience) -> Result<Listed, Fault> {
    let mut list = Talk::begin(top, &["ls-tree", "-r", "-z", "--full-tree", commit], patience)?;
    let mut entries = Vec::new();
    loop {
        let mut line = Vec::new();
        let read = (&mut list.answer).take(PATH as u64).read_until(0, &mut line);
        read.map_err(|error| list.fault(error))?;
        match line.pop() {
            None if list.has_succeeded()? => return Ok(Listed::All(entries)),
            None => return Ok(Listed::Torn),
            Some(0) if entries.len() < room.files => entries.extend(entry(&line)),
            Some(0) => return Ok(Listed::TooMany),
            Some(_) => return Err(list.fault(io::ErrorKind::InvalidData.into())),
        }
    }
}

/// `<mode> <kind> <object>\t<path>`; none for what is no file, and for paths that lead out of the folder that they are written into.
fn entry(line: &[u8]) -> Option<Entry> {
    let at = line.iter().position(|byte| *byte == b'\t')?;
    let (head, path) = (line.get(..at)?, Path::new(OsStr::from_bytes(line.get(at + 1..)?)));
    let mut words = head.split(|byte| *byte == b' ');
    let (mode, kind, object) = (words.next()?, words.next()?, words.next()?);
    let is_inside =
        |part: Component| matches!(part, Component::Normal(name) if !name.eq_ignore_ascii_case(".git"));
    let is_plain = kind == b"blob" && path.components().all(is_inside) && path.components().next().is_some();
    is_plain.then(|| Entry { path: path.to_owned(), object: object.to_owned(), is_link: mode == b"120000" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_out_is_none() {
        let is_taken = |path: &str| entry(format!("100644 blob 12ab\t{path}").as_bytes()).is_some();
        assert!(is_taken("a") && is_taken("a/b c\n"));
        for path in ["", "/a", "../a", "a/../../b", "a/..", ".git/config", "a/.GIT/hooks/x"] {
            assert!(!is_taken(path), "{path}");
        }
        assert!(entry(b"160000 commit 12ab\tmodule").is_none());
        assert!(entry(b"120000 blob 12ab\tlink").is_some_and(|it| it.is_link));
    }

    #[test]
    fn more_than_there_is_room_for_is_an_error() {
        if !super::super::tests::is_here() {
            return;
        }
        let folder = super::super::tests::repository();
        let out = tempfile::tempdir().unwrap();
        let export = |name: &str, room| {
            export(folder.path(), folder.path(), "HEAD", &out.path().join(name), (room, PATIENCE))
        };
        export("a", ROOM).unwrap();
        assert_eq!(fs::read(out.path().join("a/file")).unwrap(), b"b\n");
        let few = export("b", Room { files: 0, ..ROOM }).unwrap_err().to_string();
        assert!(few.contains("too many files"), "{few}");
        let small = export("c", Room { bytes: 1, ..ROOM }).unwrap_err().to_string();
        assert!(small.contains("too large"), "{small}");
    }

    /// A clone with `--filter` leaves out folders or contents, and none of them is fetched.
    #[test]
    fn what_a_partial_clone_lacks_is_no_empty_past() {
        if !super::super::tests::is_here() {
            return;
        }
        let out = tempfile::tempdir().unwrap();
        for (name, wanted) in [("blob", "HEAD~1:file"), ("tree", "HEAD~1^{tree}")] {
            let folder = super::super::tests::loose_repository();
            let object = super::super::tests::object(folder.path(), wanted);
            let (start, rest) = object.split_at(2);
            fs::remove_file(folder.path().join(".git/objects").join(start).join(rest)).unwrap();
            let done =
                export(folder.path(), folder.path(), "HEAD~1", &out.path().join(name), (ROOM, PATIENCE));
            assert!(matches!(done, Err(Fault::Missing { .. })), "{name}: {done:?}");
        }
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let out = tempfile::tempdir().unwrap();
        symlink("/nowhere", out.path().join("link")).unwrap();
        write(&out.path().join("link"), &Was::Bytes(b"a".to_vec())).unwrap();
        assert!(fs::symlink_metadata(out.path().join("link")).unwrap().is_symlink());
    }
}
