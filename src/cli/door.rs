//! Where text leaves the program: standard output, standard error or a file, and what each of them can show.

use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use backlog_audit::discover::Unusable;
use backlog_audit::report::{self, Detail, Screen, human};
use backlog_audit::text::tree::MAX_FILE;
use backlog_audit::text::{Sources, Span};
use terminal_size::{Width, terminal_size_of};

use super::{Cli, Colour, View, nearest};

/// A way out, and the screen behind it.
pub(crate) struct Door {
    way: Way,
    pub(crate) screen: Screen,
    is_terminal: bool,
}

enum Way {
    Output,
    Error,
    File(PathBuf),
    /// A file that somebody may read at any moment: always whole, the old one or the new.
    Replaced(PathBuf),
}

impl Door {
    pub(crate) fn output(view: &View) -> Self {
        Self::standard(Way::Output, &io::stdout(), terminal_size_of(io::stdout()), view)
    }

    pub(crate) fn error(view: &View) -> Self {
        Self::standard(Way::Error, &io::stderr(), terminal_size_of(io::stderr()), view)
    }

    pub(crate) fn file(path: &Path, view: &View) -> Self {
        let colour = view.color == Colour::Always;
        let screen = Screen { colour, detail: detail(view), from_here: true, ..Screen::plain() };
        Self { way: Way::File(path.to_owned()), screen, is_terminal: false }
    }

    pub(crate) fn replaced(path: &Path, view: &View) -> Self {
        Self { way: Way::Replaced(path.to_owned()), ..Self::file(path, view) }
    }

    fn standard<S>(way: Way, stream: &impl IsTerminal, size: Option<(Width, S)>, view: &View) -> Self {
        let is_terminal = stream.is_terminal();
        let colour = match view.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => is_terminal && has_no("NO_COLOR") && !variable_is("TERM", "dumb"),
        };
        let unicode = !is_terminal || speaks_unicode();
        let links = colour && is_terminal && supports_hyperlinks::supports_hyperlinks();
        let screen =
            Screen { colour, unicode, links, detail: detail(view), from_here: true, ..Screen::plain() };
        let columns = size.map(|(Width(columns), _)| usize::from(columns));
        let columns = columns.or_else(|| std::env::var("COLUMNS").ok()?.parse().ok());
        let screen = columns.map_or(screen, |columns| screen.wide(columns));
        Self { way, screen, is_terminal }
    }

    /// Whether pictures can be drawn there, again and again in the same place.
    pub(crate) fn is_screen(&self) -> bool {
        self.is_terminal && !variable_is("TERM", "dumb")
    }

    /// Writes text of ours. A reader who has gone away, as in `| head`, is no fault.
    pub(crate) fn put(&self, bytes: &[u8]) -> Result<(), Failure> {
        let written = match &self.way {
            Way::Output => io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()),
            Way::Error => io::stderr().write_all(bytes),
            Way::File(path) => return fs::write(path, bytes).map_err(|error| unwritten(path, &error)),
            Way::Replaced(path) => return replace(path, bytes).map_err(|error| unwritten(path, &error)),
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => {
                let name = if matches!(self.way, Way::Error) { "standard error" } else { "standard output" };
                Err(Failure::from(format!("cannot write to {name}: {}", reason(&error))))
            }
            Ok(()) => Ok(()),
        }
    }

    /// Writes the bytes of audited files: as they are for a program, harmless for a terminal.
    pub(crate) fn put_raw(&self, bytes: &[u8]) -> Result<(), Failure> {
        if self.is_terminal { self.put(report::harmless(bytes).as_bytes()) } else { self.put(bytes) }
    }

    /// Tells a person, as far as that can be done.
    pub(crate) fn tell(&self, failure: &Failure) {
        let _ = self.put(failure.show(&self.screen).as_bytes());
    }
}

/// Writes files by their names into a folder, which is made if there is none.
pub(crate) fn put_files(folder: &Path, files: &[(String, String)]) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| unwritten(folder, &error))?;
    let put =
        |(name, text): &(String, String)| Door::file(&folder.join(name), &View::PLAIN).put(text.as_bytes());
    files.iter().try_for_each(put)
}

pub(crate) fn unwritten(path: &Path, error: &io::Error) -> Failure {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let why = match (error.kind(), folder) {
        (io::ErrorKind::NotFound, Some(folder)) => format!("there is no folder {}", folder.display()),
        (io::ErrorKind::IsADirectory, _) => "it is a folder".to_owned(),
        (io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists, _) => {
            "a file of that name is in the way".to_owned()
        }
        _ => reason(error),
    };
    Failure::from(format!("cannot write {}: {why}", path.display()))
}

/// Writes beside the file, then puts that in its place. What is no ordinary file, such as a pipe, is written to.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|it| !it.is_file()) {
        return fs::write(path, bytes);
    }
    // A link stays one: what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // A collector takes up names that end as the file's own does.
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = fs::File::create_new(&beside)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&beside, &path));
    if written.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::AlreadyExists) {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// What stands on standard input, as far as a file would be read.
pub(crate) fn input() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn detail(view: &View) -> Detail {
    match view {
        View { quiet: true, .. } => Detail::Quiet,
        View { verbose: true, .. } => Detail::Verbose,
        _ => Detail::Normal,
    }
}

/// <https://no-color.org>: set and not empty means no colour.
fn has_no(name: &str) -> bool {
    std::env::var_os(name).is_none_or(|value| value.is_empty())
}

fn variable_is(name: &str, value: &str) -> bool {
    std::env::var(name).is_ok_and(|found| found == value)
}

/// Whether the locale says UTF-8, as setlocale(3) looks for it; without any, terminals of today do. The Linux console has
/// no rounded corners.
fn speaks_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(|name| std::env::var(name).ok());
    let locale = locale.map(|locale| locale.to_ascii_lowercase()).find(|locale| !locale.is_empty());
    let utf8 = locale.is_none_or(|locale| locale.contains("utf-8") || locale.contains("utf8"));
    utf8 && !variable_is("TERM", "linux")
}

/// Why the program cannot do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    tip: Option<String>,
    /// Where it went wrong, if that is a place in a file.
    at: Option<(Box<Sources>, Span)>,
}

impl Failure {
    pub(crate) fn with_tip(self, tip: impl Into<String>) -> Self {
        Self { tip: Some(tip.into()), ..self }
    }

    /// For a person at this door.
    pub(crate) fn show(&self, screen: &Screen) -> String {
        let mut text = match &self.at {
            Some((sources, span)) => human::fault(sources, *span, &self.message, screen),
            None => human::error(&self.message, screen),
        };
        if let Some(tip) = &self.tip {
            text.push_str(&format!("\n  tip: {}\n", report::inline(tip)));
        }
        text
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self { message, tip: None, at: None }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::from(reason(&error))
    }
}

impl From<backlog_audit::Error> for Failure {
    fn from(error: backlog_audit::Error) -> Self {
        match error {
            backlog_audit::Error::Path(Unusable { path, source }) => no_path(&path, &source),
            backlog_audit::Error::Git(fault) => Self::from(without_number(&fault.to_string()).to_owned()),
            backlog_audit::Error::Broken(broken, sources) => {
                let message = format!("{}: {}", broken.name, without_number(&broken.message));
                Self { message, tip: None, at: broken.at.map(|at| (sources, at)) }
            }
        }
    }
}

#[cfg(target_os = "linux")]
impl From<backlog_audit::live::watch::Error> for Failure {
    fn from(error: backlog_audit::live::watch::Error) -> Self {
        use backlog_audit::live::watch::Error;
        match error {
            Error::Files(error) => error.into(),
            Error::Io(error) => error.into(),
            Error::Stopped => Self::from(error.to_string()),
        }
    }
}

/// A PATH that cannot be audited; a word in its place may be a command spelled wrong.
fn no_path(path: &Path, error: &io::Error) -> Failure {
    let shown = path.display();
    if error.kind() != io::ErrorKind::NotFound {
        let why = match error.kind() {
            io::ErrorKind::NotADirectory => "it is a file, not a folder".to_owned(),
            _ => reason(error),
        };
        let failure = Failure::from(format!("{shown} cannot be audited: {why}"));
        return match error.kind() {
            io::ErrorKind::PermissionDenied => failure.with_tip("run as root"),
            _ => failure,
        };
    }
    let failure = Failure::from(format!("there is no file or folder {shown}"));
    match meant_by(&path.to_string_lossy()) {
        Some(tip) => failure.with_tip(tip),
        None => failure,
    }
}

/// What somebody may have meant by a PATH that there is not.
fn meant_by(word: &str) -> Option<String> {
    let known: Vec<&str> = Cli::commands().iter().map(String::as_str).collect();
    match word {
        "audit" | "check" | "lint" | "run" | "scan" | "test" | "validate" => {
            Some("the audit needs no command: backlog-audit PATH".to_owned())
        }
        _ if known.contains(&word) => {
            Some(format!("`{word}` is a command, and a command comes first: backlog-audit {word}"))
        }
        _ if word.contains("://") => Some("clone it first, and name the folder".to_owned()),
        _ if word.starts_with("~/") => Some("the shell expands ~ only without quotes".to_owned()),
        _ if word.contains('*') => Some("the shell expands * only without quotes".to_owned()),
        _ => {
            let near = nearest(word, &known)?;
            Some(format!("there is a command `{near}`; a PATH is a file or a folder"))
        }
    }
}

/// What went wrong, in the words of the system.
pub(crate) fn reason(error: &io::Error) -> String {
    without_number(&error.to_string()).to_owned()
}

/// The number of an error means nothing to most readers.
fn without_number(message: &str) -> &str {
    message.split(" (os error").next().unwrap_or_default()
}
