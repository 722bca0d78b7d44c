//! What has changed since a revision, asked of the git command. It looks up revisions and old contents, and nothing else: it
//! compares no files itself, so that no filter, hook, monitor or diff program that a repository names is ever run.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::text::tree::MAX_FILE;
use crate::text::{Origin, Source, Sources, Tree};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("--changed-since needs the git command: {0}")]
    NoGit(io::Error),
    #[error("--changed-since needs a git repository, but of {} git says: {said}", top.display())]
    NoRepository { top: PathBuf, said: String },
    #[error("--changed-since: there is no revision `{rev}` in {}", top.display())]
    NoRevision { rev: String, top: PathBuf },
    #[error("--changed-since: git stopped: {0}")]
    Stopped(io::Error),
}

/// The files of a tree that were read and are not what they were at a revision, or where this branch left it: committed or not,
/// and new ones too. Paths are those of the sources.
pub fn changed(sources: &Sources, tree: &Tree, rev: &str) -> Result<Vec<PathBuf>, Fault> {
    let top = tree.top();
    let (repository, commit) = (repository(top)?, commit(top, rev)?);
    let mut past = Past::open(top, &commit)?;
    let mut changed = Vec::new();
    for (_, source) in sources.all() {
        let is_ours = source.root() == tree.label() || matches!(source.origin, Origin::Config(_));
        let Some((path, file)) =
            source.path().filter(|_| is_ours).and_then(|path| on_disk(top, source, path))
        else {
            continue;
        };
        // What lies outside has no past here.
        let Ok(inside) = file.strip_prefix(&repository) else { continue };
        let was = past.content(inside).map_err(Fault::Stopped)?;
        if !was.is_some_and(|was| is_same(source, &file, &was)) {
            changed.push(path.to_owned());
        }
    }
    Ok(changed)
}

/// A source's file, links in its folders resolved. A policy may be named from the working directory.
fn on_disk<'a>(top: &Path, source: &Source, path: &'a Path) -> Option<(&'a Path, PathBuf)> {
    match source.origin {
        Origin::File { .. } => Some((path, top.join(path))),
        Origin::Config(_) => {
            let file = top.join(path).canonicalize().or_else(|_| path.canonicalize()).ok()?;
            Some((path, file))
        }
        _ => None,
    }
}

/// A file as it was.
enum Was {
    Bytes(Vec<u8>),
    /// More than is ever read, by its size.
    Large(u64),
}

fn is_same(source: &Source, file: &Path, was: &Was) -> bool {
    match was {
        Was::Bytes(bytes) if !source.bytes().is_empty() => same_text(source.bytes(), bytes),
        // What could not be read has no text: a link that leads nowhere, or a file that is too large.
        Was::Bytes(bytes) => match fs::read_link(file) {
            Ok(target) => target.as_os_str().as_bytes() == bytes,
            Err(_) => length(file) == Some(bytes.len() as u64),
        },
        Was::Large(size) => length(file) == Some(*size),
    }
}

fn length(file: &Path) -> Option<u64> {
    fs::symlink_metadata(file).ok().filter(fs::Metadata::is_file).map(|found| found.len())
}

/// Whether two texts are the same but for line endings, which git may have changed at checkout (gitattributes(5), `eol`).
fn same_text(a: &[u8], b: &[u8]) -> bool {
    let lines = |text| {
        <[u8]>::split(text, |byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
    };
    a == b || lines(a).eq(lines(b))
}

/// git, as nothing in a repository or around it can bend it.
fn git(top: &Path) -> Command {
    let mut git = Command::new("git");
    // Else a hook's environment would lead to the repository that it was called for.
    for name in
        ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_NAMESPACE"]
    {
        git.env_remove(name);
    }
    // What is missing from a partial clone is not fetched: a repository may name a program for that.
    git.env("GIT_NO_LAZY_FETCH", "1").env("GIT_ALLOW_PROTOCOL", "none").env("GIT_TERMINAL_PROMPT", "0");
    git.env("GIT_NO_REPLACE_OBJECTS", "1").env("LC_ALL", "C");
    git.args(["--no-pager", "--no-optional-locks", "-c", "core.fsmonitor=false"]);
    git.args(["-c", "core.hooksPath=/dev/null", "-c", "safe.bareRepository=explicit", "-C"]).arg(top);
    git.stdin(Stdio::null()).stderr(Stdio::piped());
    git
}

/// The first line that a command of git prints, or what it says instead.
fn ask<S: AsRef<OsStr>>(top: &Path, words: &[S]) -> Result<Result<Vec<u8>, String>, Fault> {
    let output = git(top).args(words).output().map_err(Fault::NoGit)?;
    let first = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').next().unwrap_or_default().to_vec();
    if output.status.success() {
        return Ok(Ok(first(&output.stdout)));
    }
    let said = String::from_utf8_lossy(&first(&output.stderr)).into_owned();
    Ok(Err(said.trim_start_matches("fatal: ").to_owned()))
}

/// The folder of the repository that a folder lies in.
fn repository(top: &Path) -> Result<PathBuf, Fault> {
    match ask(top, &["rev-parse", "--show-toplevel"])? {
        Ok(path) => Ok(PathBuf::from(OsStr::from_bytes(&path))),
        Err(said) => Err(Fault::NoRepository { top: top.to_owned(), said }),
    }
}

/// The commit to compare with: the last one that this branch shares with the revision, if there is one, else the revision.
fn commit(top: &Path, rev: &str) -> Result<String, Fault> {
    let none = || Fault::NoRevision { rev: rev.to_owned(), top: top.to_owned() };
    if rev.starts_with('-') {
        return Err(none());
    }
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| none());
    let commit = ask(top, &["rev-parse", "--verify", "--quiet", &format!("{rev}^{{commit}}")])?;
    let commit = text(commit.map_err(|_| none())?)?;
    match ask(top, &["merge-base", &commit, "HEAD"])? {
        Ok(base) => text(base),
        Err(_) => Ok(commit),
    }
}

/// Contents as they were in a commit.
struct Past {
    commit: String,
    git: Child,
    ask: ChildStdin,
    answer: BufReader<ChildStdout>,
}

impl Past {
    fn open(top: &Path, commit: &str) -> Result<Self, Fault> {
        let mut command = git(top);
        command.args(["cat-file", "--batch"]).stderr(Stdio::null());
        let mut git = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(Fault::NoGit)?;
        let (Some(ask), Some(answer)) = (git.stdin.take(), git.stdout.take()) else {
            return Err(Fault::Stopped(io::ErrorKind::BrokenPipe.into()));
        };
        Ok(Self { commit: commit.to_owned(), git, ask, answer: BufReader::new(answer) })
    }

    /// A file by its path in the repository; `None` if there was none.
    fn content(&mut self, path: &Path) -> io::Result<Option<Was>> {
        let path = path.as_os_str().as_bytes();
        // Questions are lines.
        if path.contains(&b'\n') {
            return Ok(None);
        }
        let question = [self.commit.as_bytes(), b":", path, b"\n"].concat();
        self.ask.write_all(&question)?;
        self.ask.flush()?;
        let mut line = Vec::new();
        if self.answer.read_until(b'\n', &mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((kind, size)) = header(&line) else { return Ok(None) };
        // The content and a line break.
        let mut content = (&mut self.answer).take(size + 1);
        if size > MAX_FILE {
            io::copy(&mut content, &mut io::sink())?;
            return Ok((kind == Kind::File).then_some(Was::Large(size)));
        }
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        bytes.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        Ok((kind == Kind::File).then_some(Was::Bytes(bytes)))
    }
}

impl Drop for Past {
    fn drop(&mut self) {
        // It has nothing left to do; killed, it cannot keep us waiting.
        let _ = self.git.kill();
        let _ = self.git.wait();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Other,
}

/// `<object> blob <size>`; `None` for `<question> missing`.
fn header(line: &[u8]) -> Option<(Kind, u64)> {
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.trim_end().split(' ');
    let (_, kind, size) = (words.next()?, words.next()?, words.next()?);
    let kind = match kind {
        "blob" => Kind::File,
        "tree" | "commit" | "tag" => Kind::Other,
        _ => return None,
    };
    size.parse().ok().filter(|_| words.next().is_none()).map(|size| (kind, size))
}
