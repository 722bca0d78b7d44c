//! The terminal: taken over, given back however the program ends, and a thread for everything that is waited for.

use std::io::{self, BufWriter, Stdout, Write as _};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{execute, queue};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::{App, Ended, Error, Wanted, Wish, draw, reader};
use crate::report::{Report, Screen};

/// A whole screen is written at once.
const BUFFER: usize = 1 << 16;

/// Whether the terminal is ours: it is given back once, by whoever comes first, and not drawn on afterwards.
static OURS: AtomicBool = AtomicBool::new(false);

/// Something to answer.
enum News {
    Look(Box<Report>, Option<String>),
    Input(Event),
    Signal(i32),
    /// The looking ended; with an error if it could not go on.
    Over(Option<Error>),
    /// The terminal has gone.
    Lost,
}

/// Watches on the terminal until somebody leaves.
pub fn run(wish: Wish, look: &Screen) -> Result<Ended, Error> {
    let (tell, news) = channel();
    listen_to_signals(tell.clone())?;
    let mut app = App::new(&machine(), wish.every);
    let mut held = Held::take()?;
    listen_to_keys(tell.clone());
    look_on(wish, tell);
    let ended = answer(&news, &mut app, &mut held, look);
    drop(held);
    ended
}

fn answer(news: &Receiver<News>, app: &mut App, held: &mut Held, look: &Screen) -> Result<Ended, Error> {
    loop {
        if held.draw(app, look).is_err() {
            return Ok(Ended::Done);
        }
        let Ok(first) = news.recv() else { return Err(Error::Stopped) };
        // All that has come meanwhile is drawn at once.
        for one in std::iter::once(first).chain(std::iter::from_fn(|| news.try_recv().ok())) {
            match one {
                News::Look(report, note) => app.take(*report, note),
                News::Input(Event::Key(key)) if app.press(key) == Wanted::NoMore => return Ok(Ended::Done),
                News::Input(_) => {}
                News::Signal(signal) => return Ok(Ended::Signal(signal)),
                News::Over(Some(error)) => return Err(error),
                News::Over(None) | News::Lost => return Ok(Ended::Done),
            }
        }
    }
}

/// The terminal in our hands; let go, it is as it was.
struct Held {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Held {
    fn take() -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
        }));
        enable_raw_mode()?;
        OURS.store(true, Ordering::SeqCst);
        let taken = execute!(io::stdout(), EnterAlternateScreen, Hide).and_then(|()| {
            Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(BUFFER, io::stdout())))
        });
        match taken {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    fn draw(&mut self, app: &mut App, look: &Screen) -> io::Result<()> {
        if !OURS.load(Ordering::SeqCst) {
            return Ok(());
        }
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| draw(frame, app, look))?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        self.terminal.backend_mut().flush()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        give_back();
    }
}

/// As far as it can be done: there may be no terminal any more.
fn give_back() {
    if !OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(io::stdout(), EndSynchronizedUpdate, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

fn listen_to_signals(tell: Sender<News>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    thread::spawn(move || signals.forever().try_for_each(|signal| tell.send(News::Signal(signal))));
    Ok(())
}

fn listen_to_keys(tell: Sender<News>) {
    thread::spawn(move || {
        while let Ok(input) = event::read() {
            if tell.send(News::Input(input)).is_err() {
                return;
            }
        }
        let _ = tell.send(News::Lost);
    });
}

/// Looks in a thread of its own: keys are answered meanwhile.
fn look_on(wish: Wish, tell: Sender<News>) {
    thread::spawn(move || {
        let end = End(tell.clone());
        let looked = reader::run(&wish, |report, note| match tell.send(News::Look(Box::new(report), note)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
        let _ = tell.send(News::Over(looked.err()));
        drop(end);
    });
}

/// Tells that the looking ended, also where it panics.
struct End(Sender<News>);

impl Drop for End {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.0.send(News::Over(Some(Error::Stopped)));
        }
    }
}

fn machine() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}
