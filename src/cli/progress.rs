//! A bar on standard error while an audit takes long.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use backlog_audit::report::Detail;
use backlog_audit::text::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use super::door::Door;

/// What is done sooner needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);

const TICK: Duration = Duration::from_millis(100);

/// Does the work, and shows how far it has come at a door that is a terminal. Nothing is left of the bar afterwards.
pub(crate) fn watched<T>(progress: &Progress, door: &Door, work: impl FnOnce() -> T) -> T {
    if !door.is_screen() || door.screen.detail == Detail::Quiet {
        return work();
    }
    let signs = if door.screen.unicode { "━╸ " } else { "=> " };
    thread::scope(|scope| {
        let (working, done) = mpsc::channel::<()>();
        scope.spawn(move || show(progress, &done, signs));
        let result = work();
        drop(working);
        result
    })
}

fn show(progress: &Progress, done: &Receiver<()>, signs: &str) {
    let goes_on = |time| done.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
    if !goes_on(PATIENCE) {
        return;
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("Auditing {bar:40} {pos} of {len}") {
        bar.set_style(style.progress_chars(signs));
    }
    loop {
        let (done, all) = progress.get();
        bar.set_length(all as u64);
        bar.set_position(done as u64);
        bar.tick();
        if !goes_on(TICK) {
            return bar.finish_and_clear();
        }
    }
}
