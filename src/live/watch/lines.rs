//! Lines where there is no screen: a line for each listener in which something waited or was dropped, for people and awk.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::ops::ControlFlow;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::rows::{self, Row};
use super::words::{self, Moving};
use super::{Ended, Error, Wish, reader};
use crate::model::{Finding, Running};
use crate::report::{Report, counted, inline, left, said};

const HEAD: &str = "# time                namespace address                queued  peak limit  drops/s half-open sockets service\n";

/// Writes lines until the wish is fulfilled or the reader has gone.
pub fn run(wish: &Wish) -> Result<Ended, Error> {
    let mut lines = Lines::default();
    let mut trouble = None;
    reader::run(wish, |report, note| match put(&lines.of(&report, note.as_deref())) {
        Ok(()) if somebody_reads() => ControlFlow::Continue(()),
        Ok(()) => ControlFlow::Break(()),
        Err(error) => {
            trouble = Some(error).filter(|error| error.kind() != io::ErrorKind::BrokenPipe);
            ControlFlow::Break(())
        }
    })?;
    trouble.map_or(Ok(Ended::Done), |error| Err(error.into()))
}

fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Where nothing is written for long, a reader who has gone away is not met by writing.
fn somebody_reads() -> bool {
    let out = io::stdout();
    let mut asked = [PollFd::new(&out, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let gone = |it: &PollFd| it.revents().contains(PollFlags::ERR);
    !(poll(&mut asked, Some(&now)).is_ok() && asked.iter().any(gone))
}

/// A finding by its rule, its listener and the name of its source.
type Key = (String, Option<usize>, String);

/// What was written last, so that only what moves is written.
#[derive(Debug, Default)]
pub struct Lines {
    looks: u64,
    calm: bool,
    note: Option<String>,
    findings: BTreeSet<Key>,
}

impl Lines {
    /// The lines of one look.
    pub fn of(&mut self, report: &Report, note: Option<&str>) -> String {
        let Some(seen) = &report.seen else { return String::new() };
        let running = &seen.running;
        let time = words::timestamp(running.at);
        let mut text = String::new();
        let rows = rows::rows(report);
        if self.looks == 0 {
            text.push_str(HEAD);
            text.push_str(&opening(&time, running, rows.len()));
        }
        self.looks += 1;
        if let Some(note) = note.filter(|note| self.note.as_deref() != Some(note)) {
            text.push_str(&format!("{time} # {}\n", inline(note)));
        }
        self.note = note.map(str::to_owned);
        text.push_str(&self.new_findings(report, &time));
        text.push_str(&self.moved(&rows, running, &time));
        text
    }

    fn moved(&mut self, rows: &[Row], running: &Running, time: &str) -> String {
        let mut busy: Vec<&Row> = rows.iter().filter(|row| row.peak > 0 || row.is_dropping()).collect();
        busy.sort_by(|a, b| b.fullness().total_cmp(&a.fullness()).then_with(|| a.key.cmp_address(&b.key)));
        let bad: Vec<Moving> =
            words::moving(running).into_iter().filter(|moving| moving.severity.is_some()).collect();
        let calm = busy.is_empty() && bad.is_empty();
        let mut text: String = busy.iter().map(|row| line(row, time)).collect();
        if !bad.is_empty() {
            let words: Vec<String> = bad.into_iter().map(|moving| moving.words).collect();
            text.push_str(&format!("{time} # {}\n", words.join(", ")));
        }
        if calm && !self.calm {
            text.push_str(&format!("{time} # nothing waits and nothing is dropped\n"));
        }
        self.calm = calm;
        text
    }

    /// What is wrong since the last look; what the first one found is `live`'s to tell. The words of a finding may hold numbers
    /// that move: it is the same as long as its rule and its listener are.
    fn new_findings(&mut self, report: &Report, time: &str) -> String {
        let key = |it: &Finding| {
            (it.rule.clone(), it.listener, report.sources.get(it.at.source).name().into_owned())
        };
        let now: BTreeSet<Key> = report.findings.iter().map(key).collect();
        let is_new = |it: &&Finding| self.looks > 1 && !self.findings.contains(&key(it));
        let told = |it: &Finding| {
            format!("{time} # {} {}: {}\n", it.severity.word(), inline(&it.rule), said(&it.message))
        };
        let text = report.findings.iter().filter(is_new).map(told).collect();
        self.findings = now;
        text
    }
}

fn opening(time: &str, running: &Running, listeners: usize) -> String {
    let unseen: String = running.unseen.iter().map(|it| format!("; not seen: {}", inline(it))).collect();
    let release = inline(&running.release);
    format!("{time} # {}, Linux {release}{unseen}\n", counted(listeners, "listener"))
}

fn line(row: &Row, time: &str) -> String {
    let dropped = row.dropped.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}"));
    format!(
        "{time}  {} {} {:>6} {:>5} {:>5} {dropped:>8} {:>9} {:>7} {}\n",
        left(&one_word(&row.namespace), 9),
        left(&one_word(&row.address), 22),
        row.queued,
        row.peak,
        row.limit,
        row.half_open.count,
        row.sockets.len(),
        one_word(&row.service),
    )
}

/// Fields are parted by blanks.
fn one_word(text: &str) -> String {
    text.replace(' ', "\\x20")
}
