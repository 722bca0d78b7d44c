//! A program of somebody else's that is asked something: it answers in time and with measure, or it is ended with all that it
//! started.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{self, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

/// More than that is no answer.
const ROOM: usize = 1 << 20;

/// A child with a process group of its own, which ends when this is dropped.
pub(super) struct Child(process::Child);

/// What one that has ended said.
pub(super) struct Said {
    pub(super) status: ExitStatus,
    pub(super) output: Vec<u8>,
    pub(super) error: Vec<u8>,
}

impl Child {
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        command.process_group(0).spawn().map(Self)
    }

    /// Asks a program that answers at once and ends.
    pub(super) fn ask(command: &mut Command, time: Duration) -> io::Result<Said> {
        let until = Instant::now() + time;
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Self::start(command).map_err(not_there)?;
        let pipes = [child.0.stdout.take().map(OwnedFd::from), child.0.stderr.take().map(OwnedFd::from)];
        let [output, error] = heard(pipes, until)?;
        Ok(Said { status: child.ended(until)?, output, error })
    }

    /// Where it is written to and read from, if both are piped; each byte has to move within `patience`, and all until then.
    pub(super) fn pipes(&mut self, patience: Duration, until: Instant) -> io::Result<(Pipe, Pipe)> {
        let pipe = |fd: Option<OwnedFd>| Pipe::new(fd.ok_or(ErrorKind::BrokenPipe)?, patience, until);
        let (to, from) = (self.0.stdin.take().map(OwnedFd::from), self.0.stdout.take().map(OwnedFd::from));
        Ok((pipe(to)?, pipe(from)?))
    }

    /// Who has closed its ends may still go on.
    fn ended(&mut self, until: Instant) -> io::Result<ExitStatus> {
        let mut pause = Duration::from_micros(100);
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            left(until)?;
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // One that has been waited for has no group any more, and its number may be another's.
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

/// An error that tells a program that cannot be started from one that stopped.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct NotThere(pub(super) io::Error);

fn not_there(error: io::Error) -> io::Error {
    io::Error::other(NotThere(error))
}

/// What comes from both until both end.
fn heard(pipes: [Option<OwnedFd>; 2], until: Instant) -> io::Result<[Vec<u8>; 2]> {
    let mut open = Vec::new();
    for (at, fd) in pipes.into_iter().enumerate() {
        open.extend(fd.map(|fd| Ok::<_, io::Error>((at, Pipe::new(fd, Duration::MAX, until)?))).transpose()?);
    }
    let mut all = [Vec::new(), Vec::new()];
    let mut piece = vec![0; 8 << 10];
    while !open.is_empty() {
        let files = open.iter().map(|(_, pipe)| PollFd::new(&pipe.file, PollFlags::IN));
        let ready = ready(&mut files.collect::<Vec<_>>(), left(until)?)?;
        let mut still = Vec::new();
        for ((at, mut pipe), ready) in open.into_iter().zip(ready) {
            let count = if ready { pipe.file.read(&mut piece) } else { Err(ErrorKind::WouldBlock.into()) };
            let said = all.get_mut(at);
            match (count, said) {
                (Ok(0), _) | (_, None) => continue,
                (Ok(count), Some(said)) => said.extend_from_slice(piece.get(..count).unwrap_or_default()),
                (Err(error), _) if is_later(&error) => {}
                (Err(error), _) => return Err(error),
            }
            still.push((at, pipe));
        }
        if all.iter().any(|said| said.len() > ROOM) {
            return Err(io::Error::other("it said more than 1 MiB"));
        }
        open = still;
    }
    Ok(all)
}

/// An end of a pipe that is never waited on for ever.
pub(super) struct Pipe {
    file: File,
    patience: Duration,
    until: Instant,
}

impl Pipe {
    fn new(fd: OwnedFd, patience: Duration, until: Instant) -> io::Result<Self> {
        fcntl_setfl(&fd, fcntl_getfl(&fd)? | OFlags::NONBLOCK)?;
        Ok(Self { file: File::from(fd), patience, until })
    }

    /// Does it once that is possible.
    fn once(
        &mut self,
        ready_for: PollFlags,
        mut act: impl FnMut(&mut File) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let until = Instant::now().checked_add(self.patience).map_or(self.until, |soon| soon.min(self.until));
        loop {
            match act(&mut self.file) {
                Err(error) if is_later(&error) => {
                    ready(&mut [PollFd::new(&self.file.as_fd(), ready_for)], left(until)?)?;
                }
                done => return done,
            }
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.once(PollFlags::IN, |file| file.read(bytes))
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.once(PollFlags::OUT, |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn left(until: Instant) -> io::Result<Duration> {
    match until.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}

/// Which of them are ready, within a time.
fn ready(fds: &mut [PollFd<'_>], time: Duration) -> io::Result<Vec<bool>> {
    let time = Timespec::try_from(time + Duration::from_millis(1)).ok();
    match poll(fds, time.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(fds.iter().map(|fd| !fd.revents().is_empty()).collect()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(500);

    fn shell(script: &str) -> io::Result<Said> {
        Child::ask(Command::new("sh").args(["-c", script]).stdin(Stdio::null()), SOON)
    }

    /// What it takes at most, whatever else the machine does.
    fn fails(script: &str) -> io::Error {
        let began = Instant::now();
        let error = shell(script).err().unwrap();
        assert!(began.elapsed() < 20 * SOON, "{script}");
        error
    }

    #[test]
    fn an_answer_comes_from_both_pipes() {
        let said = shell("echo out; echo err >&2; exit 3").unwrap();
        assert_eq!(
            (said.status.code(), &said.output[..], &said.error[..]),
            (Some(3), &b"out\n"[..], &b"err\n"[..])
        );
        let absent = Child::ask(&mut Command::new("no-such-program-anywhere"), SOON).err().unwrap();
        assert!(absent.get_ref().is_some_and(|error| error.is::<NotThere>()));
    }

    #[test]
    fn who_does_not_answer_is_ended_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        for script in [
            "sleep 60".to_owned(),
            "exec >&- 2>&-; sleep 60".to_owned(),
            "while :; do printf .; sleep 0.01; done".to_owned(),
            format!("(sleep 3; echo > '{}') & sleep 60", mark.display()),
        ] {
            assert_eq!(fails(&script).kind(), ErrorKind::TimedOut, "{script}");
        }
        thread::sleep(Duration::from_secs(4));
        assert!(!mark.exists(), "a child went on");
    }

    #[test]
    fn an_answer_without_end_is_none() {
        for script in ["yes", "yes >&2", "tr '\\0' x < /dev/zero"] {
            assert!(fails(script).to_string().contains("more than 1 MiB"), "{script}");
        }
    }

    #[test]
    fn a_pipe_that_moves_is_waited_for_and_no_other() {
        let start = |script: &str, until: Duration| {
            let mut command = Command::new("sh");
            command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = Child::start(&mut command).unwrap();
            let pipes = child.pipes(SOON, Instant::now() + until).unwrap();
            (child, pipes)
        };
        let mut text = String::new();
        let (_child, (_, mut slow)) = start("for i in 1 2 3 4 5; do sleep 0.2; echo $i; done", 100 * SOON);
        slow.read_to_string(&mut text).unwrap();
        assert_eq!(text, "1\n2\n3\n4\n5\n");
        let (_child, (mut to, mut from)) = start("sleep 60", 100 * SOON);
        assert_eq!(from.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(to.write_all(&[0; 1 << 20]).unwrap_err().kind(), ErrorKind::TimedOut);
        let (_child, (_, mut endless)) = start("while :; do echo .; sleep 0.01; done", SOON);
        assert_eq!(endless.read_to_string(&mut text).unwrap_err().kind(), ErrorKind::TimedOut);
    }
}
