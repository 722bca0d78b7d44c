//! What an operator keeps open during an incident: a screen with a row a listener, or lines where there is no screen.

mod app;
mod lines;
mod past;
mod reader;
mod rows;
mod screen;
mod terminal;
mod words;

use std::io;
use std::time::Duration;

pub use app::{App, Wanted};
pub use lines::{Lines, run as in_lines};
pub use screen::draw;
pub use terminal::run as on_screen;

use crate::request::{self, Request};

/// What is to be watched, and how long.
#[derive(Debug, Clone)]
pub struct Wish {
    pub request: Request,
    /// The window of each look.
    pub every: Duration,
    /// How long to watch; for ever if nothing is said.
    pub length: Option<Duration>,
    /// How many windows.
    pub count: Option<u64>,
}

/// Why watching ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Somebody left, the time was over, or nobody reads any more.
    Done,
    /// By a signal: its number.
    Signal(i32),
}

/// Why watching could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Files(#[from] request::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the measurement stopped")]
    Stopped,
}
