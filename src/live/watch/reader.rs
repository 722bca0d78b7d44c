//! Looks at the machine again and again, beside its files: those are read anew now and then.

use std::ops::ControlFlow;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Error, Wish};
use crate::live::Machine;
use crate::read::Audited;
use crate::report::Report;
use crate::request::{self, Request};

/// How often the files are read, if that is quick.
const FILES_EVERY: Duration = Duration::from_secs(30);
/// Reading them takes at most one part in so many of the time.
const SHARE: u32 = 20;

/// Looks until the wish is fulfilled or nobody listens any more. The first look is a single one, so that there is something to
/// see at once; a note says what went wrong meanwhile.
pub(super) fn run(
    wish: &Wish,
    mut tell: impl FnMut(Report, Option<String>) -> ControlFlow<()>,
) -> Result<(), Error> {
    let reading = Reading::start(&wish.request);
    let mut machine = Machine::open()?;
    let running = machine.look(Duration::ZERO)?;
    let mut files = Files { request: &wish.request, read: reading.end()?, again: None, note: None };
    if tell(files.audited().judge(Some(running)), None).is_break() {
        return Ok(());
    }
    let until = wish.length.map(|length| Instant::now() + length);
    let mut looks = 0;
    while wish.count.is_none_or(|count| looks < count) {
        let left = until.map_or(wish.every, |until| until.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            break;
        }
        let running = machine.look(wish.every.min(left))?;
        files.keep_fresh()?;
        if tell(files.audited().judge(Some(running)), files.note.clone()).is_break() {
            break;
        }
        looks += 1;
    }
    Ok(())
}

/// The files as they were read last.
struct Files<'a> {
    request: &'a Request,
    read: Read,
    again: Option<Reading>,
    note: Option<String>,
}

struct Read {
    audited: Audited,
    at: Instant,
    took: Duration,
}

impl Files<'_> {
    fn audited(&self) -> Audited {
        self.read.audited.clone()
    }

    /// Takes in what was read meanwhile, and begins anew when it is time. What does not read now leaves what was read before.
    fn keep_fresh(&mut self) -> Result<(), Error> {
        match self.again.take() {
            Some(again) if again.thread.is_finished() => match again.end() {
                Ok(read) => (self.read, self.note) = (read, None),
                Err(Error::Stopped) => return Err(Error::Stopped),
                Err(error) => {
                    self.note = Some(format!("the files could not be read again: {error}"));
                    self.read.at = Instant::now();
                }
            },
            Some(again) => self.again = Some(again),
            None if self.read.at.elapsed() > FILES_EVERY.max(self.read.took * SHARE) => {
                self.again = Some(Reading::start(self.request));
            }
            None => {}
        }
        Ok(())
    }
}

/// A reading of the files under way.
struct Reading {
    thread: JoinHandle<Result<Audited, request::Error>>,
    began: Instant,
}

impl Reading {
    fn start(request: &Request) -> Self {
        let request = request.clone();
        Self { thread: thread::spawn(move || crate::read(&request)), began: Instant::now() }
    }

    fn end(self) -> Result<Read, Error> {
        let audited = self.thread.join().map_err(|_| Error::Stopped)??;
        Ok(Read { audited, at: Instant::now(), took: self.began.elapsed() })
    }
}
