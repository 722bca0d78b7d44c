//! A program of somebody else's that is asked something: it answers in time and with measure, or it is ended. It has to be one
//! that starts no others: they would go on.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{self, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

/// More than that is no answer.
const ROOM: usize = 1 << 20;

/// A child that ends when this is dropped. Its process group is ours, so that what ends us at a terminal ends it too.
pub(super) struct Child(process::Child);

/// What one that has ended said.
pub(super) struct Said {
    pub(super) status: ExitStatus,
    pub(super) output: Vec<u8>,
    pub(super) error: Vec<u8>,
}

impl Child {
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        command.spawn().map(Self)
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
    pub(super) fn ended(&mut self, until: Instant) -> io::Result<ExitStatus> {
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
        // That of one which has ended does nothing.
        let _ = self.0.kill();
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
            return Err(io::Error::other("it printed more than 1 MiB"));
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
        // Who always has something to say is never waited for.
        left(self.until)?;
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
    use rustix::process::{Pid, getpgid, getpgrp};

    use super::*;

    /// For what answers, whatever else the machine does; and for what does not.
    const LONG: Duration = Duration::from_secs(30);
    const SHORT: Duration = Duration::from_millis(500);

    fn shell(script: &str, stdin: impl Into<Stdio>, time: Duration) -> io::Result<Said> {
        Child::ask(Command::new("sh").args(["-c", script]).stdin(stdin), time)
    }

    #[test]
    fn an_answer_comes_from_both_pipes() {
        let said = shell("echo out; echo err >&2; exit 3", Stdio::null(), LONG).unwrap();
        assert_eq!(
            (said.status.code(), &said.output[..], &said.error[..]),
            (Some(3), &b"out\n"[..], &b"err\n"[..])
        );
        let absent = Child::ask(&mut Command::new("no-such-program-anywhere"), LONG).err().unwrap();
        assert!(absent.get_ref().is_some_and(|error| error.is::<NotThere>()));
    }

    #[test]
    fn who_does_not_answer_is_ended() {
        for script in [
            "exec sleep 60",
            "exec >&- 2>&-; exec sleep 60",
            "while :; do printf .; sleep 0.01; done",
            // What it has left behind holds the pipes.
            "exec 3<&0; cat <&3 & exit",
        ] {
            let (stdin, held) = io::pipe().unwrap();
            let began = Instant::now();
            let error = shell(script, stdin, SHORT).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{script}");
            assert!(began.elapsed() < LONG, "{script}");
            drop(held);
        }
    }

    #[test]
    fn an_answer_without_end_is_none() {
        for script in ["yes", "yes >&2", "tr '\\0' x < /dev/zero"] {
            let error = shell(script, Stdio::null(), LONG).err().unwrap();
            assert!(error.to_string().contains("more than 1 MiB"), "{script}");
        }
    }

    fn start(script: &str, patience: Duration, until: Duration) -> (Child, (Pipe, Pipe)) {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = Child::start(&mut command).unwrap();
        let pipes = child.pipes(patience, Instant::now() + until).unwrap();
        (child, pipes)
    }

    #[test]
    fn a_pipe_that_moves_is_waited_for_and_no_other() {
        let mut text = String::new();
        let second = Duration::from_secs(1);
        let (_child, (_, mut slow)) = start("for i in 1 2 3 4; do sleep 1; echo $i; done", 3 * second, LONG);
        slow.read_to_string(&mut text).unwrap();
        assert_eq!(text, "1\n2\n3\n4\n");
        let (_child, (mut to, mut from)) = start("exec sleep 60", SHORT, LONG);
        assert_eq!(from.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(to.write_all(&[0; 1 << 20]).unwrap_err().kind(), ErrorKind::TimedOut);
        let (_child, (_, mut endless)) = start("while :; do echo .; sleep 0.01; done", LONG, SHORT);
        assert_eq!(endless.read_to_string(&mut text).unwrap_err().kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn what_is_there_too_late_is_not_taken() {
        let (mut child, (_, mut from)) = start("echo .", LONG, Duration::ZERO);
        child.0.wait().unwrap();
        assert_eq!(from.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn what_ends_us_at_a_terminal_ends_it_too() {
        let (child, _pipes) = start("exec cat", LONG, LONG);
        assert_eq!(getpgid(Some(Pid::from_child(&child.0))).unwrap(), getpgrp());
    }
}
