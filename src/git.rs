//! The files of a revision, asked of the git command. It looks up revisions and their contents, and nothing else: it compares and
//! checks out no files itself, so that no filter, hook, monitor or diff program that a repository names is ever run.

mod child;
mod export;

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use self::child::{Child, NotThere, Pipe};
use crate::text::tree::MAX_FILE;
pub use export::Exports;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("--changed-since needs the git command: {0}")]
    NoGit(io::Error),
    #[error("--changed-since needs a git repository, but of {} git says: {said}{}", top.display(), trusted(said))]
    NoRepository { top: PathBuf, said: String },
    #[error("--changed-since: there is no revision `{rev}` in {}{help}", top.display())]
    NoRevision { rev: String, top: PathBuf, help: String },
    #[error("--changed-since: the revision is empty; name one, such as origin/main")]
    Empty,
    #[error("--changed-since: git stopped: {0}")]
    Stopped(io::Error),
    #[error("--changed-since: git ran `{asked}` in {} for longer than {seconds} seconds", top.display())]
    Slow { asked: String, top: PathBuf, seconds: u64 },
    #[error("--changed-since reads the policy a second time: give --config a file, not a pipe")]
    PipedPolicy,
    #[error("--changed-since: cannot create a temporary folder for the files of that revision: {0}")]
    NoScratch(io::Error),
    #[error(
        "--changed-since: the files of {} at that revision could not be written to a temporary folder: {error}",
        repository.display()
    )]
    NotWritten { repository: PathBuf, error: io::Error },
    #[error(
        "--changed-since: {} lacks files of that revision; `git fetch --refetch --no-filter` brings what a partial clone leaves out",
        repository.display()
    )]
    Missing { repository: PathBuf },
    #[error(
        "--changed-since: at that revision {} holds {what}, which is more than the audit compares; use --baseline instead",
        repository.display()
    )]
    Large { repository: PathBuf, what: &'static str },
}

/// What to do where git does not trust a folder that belongs to somebody else, as a mounted checkout in a container does.
fn trusted(said: &str) -> String {
    let folder = said.contains("dubious ownership").then(|| said.split('\'').nth(1)).flatten();
    folder.map_or(String::new(), |folder| {
        format!("; git config --global --add safe.directory '{folder}' trusts it")
    })
}

/// What to do where only a part of the history is here, as pipelines clone by default.
fn in_shallow(is_shallow: bool) -> &'static str {
    if is_shallow {
        ": it is a shallow clone; `git fetch --unshallow` brings the history (`fetch-depth: 0` in actions/checkout, `GIT_DEPTH: 0` in GitLab)"
    } else {
        ""
    }
}

/// How long git is waited for: a repository may have it read from a pipe that nobody writes to.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// For what it looks up in a few files, and for each step of an answer.
    answer: Duration,
    /// For what it may have to walk the history for.
    history: Duration,
    /// For the old contents of all files.
    all: Duration,
}

const PATIENCE: Patience = Patience {
    answer: Duration::from_secs(10),
    history: Duration::from_secs(60),
    all: Duration::from_secs(600),
};

/// A file as it was.
enum Was {
    Bytes(Vec<u8>),
    /// More than is ever read, by its size.
    Large(u64),
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
fn ask(top: &Path, words: &[&str], time: Duration) -> Result<Result<Vec<u8>, String>, Fault> {
    let said = Child::ask(git(top).args(words), time);
    let said = said.map_err(|error| fault(error, &words.join(" "), top, time))?;
    let first = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').next().unwrap_or_default().to_vec();
    if said.status.success() {
        return Ok(Ok(first(&said.output)));
    }
    let error = String::from_utf8_lossy(&first(&said.error)).into_owned();
    Ok(Err(error.trim_start_matches("fatal: ").to_owned()))
}

/// What has happened to git, which was asked something.
fn fault(error: io::Error, asked: &str, top: &Path, time: Duration) -> Fault {
    if error.kind() == io::ErrorKind::TimedOut {
        return Fault::Slow { asked: asked.to_owned(), top: top.to_owned(), seconds: time.as_secs() };
    }
    match error.downcast() {
        Ok(NotThere(error)) => Fault::NoGit(error),
        Err(error) => Fault::Stopped(error),
    }
}

/// The folder of the repository that a folder lies in.
fn repository(top: &Path, time: Duration) -> Result<PathBuf, Fault> {
    match ask(top, &["rev-parse", "--show-toplevel"], time)? {
        Ok(path) => Ok(PathBuf::from(OsStr::from_bytes(&path))),
        Err(said) => {
            let said = said.split(" (or any of").next().unwrap_or_default().to_owned();
            Err(Fault::NoRepository { top: top.to_owned(), said })
        }
    }
}

/// The commit to compare with: the last one that this branch shares with the revision, if there is one, else the revision.
fn commit(top: &Path, rev: &str, time: Duration) -> Result<String, Fault> {
    let none = || {
        let is_shallow = ask(top, &["rev-parse", "--is-shallow-repository"], time);
        let is_shallow = matches!(is_shallow, Ok(Ok(said)) if said == b"true");
        let name = |rev: &str| format!("refs/remotes/origin/{rev}");
        let remote = ask(top, &["rev-parse", "--verify", "--quiet", &name(rev)], time);
        let help = match rev.split_once("..") {
            Some((first, _)) => format!("; name one revision, not a range: --changed-since {first}"),
            None if matches!(remote, Ok(Ok(_))) => format!("; did you mean origin/{rev}?"),
            None => in_shallow(is_shallow).to_owned(),
        };
        Fault::NoRevision { rev: rev.to_owned(), top: top.to_owned(), help }
    };
    if rev.is_empty() {
        return Err(Fault::Empty);
    }
    if rev.starts_with('-') {
        return Err(none());
    }
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| none());
    let commit = ask(top, &["rev-parse", "--verify", "--quiet", &format!("{rev}^{{commit}}")], time)?;
    let commit = text(commit.map_err(|_| none())?)?;
    match ask(top, &["merge-base", &commit, "HEAD"], time)? {
        Ok(base) => text(base),
        Err(_) => Ok(commit),
    }
}

/// A command of git that is talked with.
struct Talk {
    git: Child,
    asked: String,
    top: PathBuf,
    patience: Patience,
    until: Instant,
    ask: Pipe,
    answer: BufReader<Pipe>,
}

/// As long as the first line of an answer may be beside the question: a name of an object, a kind and a size.
const ANSWER: usize = 1 << 10;
/// A longer name is none that git is asked for: paths of files are shorter (limits.h, PATH_MAX).
const PATH: usize = 16 << 10;

impl Talk {
    fn begin(top: &Path, words: &[&str], patience: Patience) -> Result<Self, Fault> {
        let mut command = git(top);
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut git = Child::start(&mut command).map_err(Fault::NoGit)?;
        let until = Instant::now() + patience.all;
        let (ask, answer) = git.pipes(patience.answer, until).map_err(Fault::Stopped)?;
        let (asked, top) = (words.join(" "), top.to_owned());
        Ok(Self { git, asked, top, patience, until, ask, answer: BufReader::new(answer) })
    }

    fn fault(&self, error: io::Error) -> Fault {
        let time = if Instant::now() < self.until { self.patience.answer } else { self.patience.all };
        fault(error, &self.asked, &self.top, time)
    }

    /// Whether it has come to its end without a fault.
    fn has_succeeded(&mut self) -> Result<bool, Fault> {
        let ended = self.git.ended(self.until);
        ended.map(|status| status.success()).map_err(|error| self.fault(error))
    }

    /// A file by a name of its object; `None` if there is none.
    fn object(&mut self, name: &[u8]) -> io::Result<Option<Was>> {
        // Questions are lines.
        if name.contains(&b'\n') || name.len() > PATH {
            return Ok(None);
        }
        let question = [name, b"\n"].concat();
        self.ask.write_all(&question)?;
        self.ask.flush()?;
        let mut line = Vec::new();
        let most = question.len() + ANSWER;
        (&mut self.answer).take(most as u64).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
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

#[cfg(test)]
mod tests {
    use std::fs;
    #[cfg(target_os = "linux")]
    use std::thread;

    #[cfg(target_os = "linux")]
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    pub(super) fn is_here() -> bool {
        let is_here = Command::new("git").arg("--version").output().is_ok();
        if !is_here {
            eprintln!("there is no git here to be asked");
        }
        is_here
    }

    /// A repository with two commits of one file, packed.
    pub(super) fn repository() -> tempfile::TempDir {
        let folder = loose_repository();
        assert!(git(folder.path()).args(["gc", "--quiet"]).status().unwrap().success());
        folder
    }

    /// The same with each object in a file of its own.
    pub(super) fn loose_repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let run = |words: &[&str]| {
            let named = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"];
            let done = git(folder.path()).args(named).args(words).stdout(Stdio::null()).status().unwrap();
            assert!(done.success(), "{words:?}");
        };
        run(&["init", "--quiet"]);
        for text in ["a\n", "b\n"] {
            fs::write(folder.path().join("file"), text).unwrap();
            run(&["add", "file"]);
            run(&["commit", "--quiet", "-m", text.trim()]);
        }
        run(&["branch", "other"]);
        folder
    }

    /// The name of an object.
    pub(super) fn object(folder: &Path, wanted: &str) -> String {
        let said = git(folder).args(["rev-parse", wanted]).output().unwrap();
        String::from_utf8(said.stdout).unwrap().trim().to_owned()
    }

    /// What it started would go on when it is ended.
    #[test]
    fn git_starts_no_program_for_what_it_is_asked() {
        if !is_here() {
            return;
        }
        let folder = repository();
        let (trace, asked) = (folder.path().join("trace"), folder.path().join("asked"));
        // A partial clone: what is missing lies elsewhere.
        let set = |name: &str, value: &str| {
            let done = git(folder.path()).args(["config", name, value]).status().unwrap();
            assert!(done.success(), "{name}");
        };
        set("remote.o.url", "file:///nowhere");
        set("remote.o.promisor", "true");
        set("core.repositoryformatversion", "1");
        set("extensions.partialClone", "o");
        fs::write(&asked, format!("HEAD:file\nHEAD:none\n{}\n", "1".repeat(40))).unwrap();
        let questions: [&[&str]; 5] = [
            &["rev-parse", "--show-toplevel"],
            &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"],
            &["merge-base", "HEAD~1", "HEAD"],
            &["cat-file", "--batch"],
            &["ls-tree", "-r", "-z", "--full-tree", "HEAD"],
        ];
        for words in questions {
            let mut command = git(folder.path());
            command.args(words).env("GIT_TRACE2_EVENT", &trace).stdin(fs::File::open(&asked).unwrap());
            assert!(command.output().unwrap().status.success(), "{words:?}");
        }
        let said = fs::read_to_string(trace).unwrap();
        assert_eq!(said.matches("\"event\":\"start\"").count(), questions.len(), "{said}");
        assert!(
            !said.contains("\"event\":\"child_start\"") && !said.contains("\"event\":\"exec\""),
            "{said}"
        );
    }

    #[cfg(target_os = "linux")]
    fn asked_about(folder: &Path, patience: Patience) -> Result<Vec<u8>, Fault> {
        let mut exports = Exports::within(patience).unwrap();
        let (_, there) = exports.repository(folder, "HEAD~1")?;
        Ok(fs::read(there.join("file")).unwrap_or_default())
    }

    /// Every file that git opens for what it is asked.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_in_a_repository_is_not_waited_on_for_ever() {
        if !is_here() {
            return;
        }
        let second = Duration::from_secs(1);
        let short = Patience { answer: second, history: second, all: 3 * second };
        let plain = repository();
        assert_eq!(asked_about(plain.path(), PATIENCE).unwrap(), b"a\n");
        let pack = fs::read_dir(plain.path().join(".git/objects/pack")).unwrap();
        let packed: Vec<String> = pack
            .map(|entry| entry.unwrap().path().to_str().unwrap().rsplit_once('.').unwrap().1.to_owned())
            .collect();
        assert!(packed.iter().any(|it| it == "pack") && packed.iter().any(|it| it == "idx"), "{packed:?}");
        let places = [
            "HEAD",
            "config",
            "config.worktree",
            "index",
            "packed-refs",
            "refs/heads/main",
            "commondir",
            "shallow",
            "objects/info/alternates",
            "objects/info/commit-graph",
            "*.pack",
            "*.idx",
            "*.rev",
            "gitdir",
            "info/grafts",
        ];
        let slow = thread::scope(|scope| {
            let ask = |place: &'static str| {
                move || {
                    let folder = repository();
                    let git = folder.path().join(".git");
                    let at = match place.strip_prefix('*') {
                        None => git.join(place),
                        Some(end) => {
                            let mut files =
                                fs::read_dir(git.join("objects/pack")).unwrap().map(|it| it.unwrap().path());
                            let found = files.find(|it| it.to_str().unwrap().ends_with(end));
                            found.unwrap_or_else(|| {
                                git.join("objects/pack/x").with_extension(end.trim_start_matches('.'))
                            })
                        }
                    };
                    drop(fs::remove_file(&at));
                    fs::create_dir_all(at.parent().unwrap()).unwrap();
                    mknodat(CWD, &at, FileType::Fifo, Mode::RWXU, 0).unwrap();
                    let began = Instant::now();
                    let found = asked_about(folder.path(), short);
                    assert!(began.elapsed() < 60 * second, "{place}");
                    match found {
                        Err(fault @ Fault::Slow { .. }) => {
                            let said = fault.to_string();
                            assert!(
                                said.contains("git ran `") && said.contains("longer than 1 seconds"),
                                "{said}"
                            );
                            Some(place)
                        }
                        _ => None,
                    }
                }
            };
            let asked: Vec<_> = places.map(|place| scope.spawn(ask(place))).into_iter().collect();
            asked.into_iter().filter_map(|it| it.join().unwrap()).collect::<Vec<_>>()
        });
        for place in ["HEAD", "config", "packed-refs", "commondir"] {
            assert!(slow.contains(&place), "git does not wait there: {slow:?}");
        }
    }
}
