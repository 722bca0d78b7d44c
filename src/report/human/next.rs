//! What to do next: the one command that helps now, and what was looked for where nothing was found.

use std::borrow::Cow;
use std::path::Path;

use unicode_width::UnicodeWidthStr;

use super::plain;
use crate::knowledge::Knowledge;
use crate::model::{Finding, Place, ReadAs, Safety, Severity, shell};
use crate::report::screen::counted;
use crate::report::{Report, Screen, from_here, patch};
use crate::text::Sources;

/// The command line that made the report, as far as the next one repeats it.
#[derive(Debug, Clone, Default)]
pub struct Again {
    /// The program, as it was called; not quoted.
    pub program: String,
    /// Program, paths and options, quoted for a shell; nothing about formats.
    pub command: String,
    /// The file that the patch was written to; `-` for standard output.
    pub patch: Option<String>,
    /// The unsafe fixes are in the patch.
    pub unsafe_fixes: bool,
    /// What is not production is read too.
    pub include_tests: bool,
}

/// The next command, and what it is for; nothing where there is nothing to do.
pub(super) fn render(report: &Report, screen: &Screen, again: &Again) -> String {
    match next(report, again) {
        Some((purpose, command)) => {
            format!("\nNext, {purpose}:\n\n    {}\n", screen.strong(&plain::inline(&command)))
        }
        None => String::new(),
    }
}

fn next(report: &Report, again: &Again) -> Option<(&'static str, String)> {
    let edits = &report.plan.edits;
    let in_patch = edits.iter().any(|planned| planned.in_patch);
    let command = &again.command;
    if let Some(patch) = &again.patch {
        let written = in_patch && patch != "-";
        return written.then(|| ("apply the patch", apply(report, patch)));
    }
    if in_patch && again.unsafe_fixes {
        return Some(("write the fixes as a patch", format!("{command} --unsafe-fixes --patch fix.patch")));
    }
    if in_patch {
        return Some(("write the safe fixes as a patch", format!("{command} --patch fix.patch")));
    }
    let unsafe_ones = |finding: &Finding| {
        finding.severity > Severity::Info && finding.fixes.iter().any(|fix| fix.safety == Safety::Unsafe)
    };
    let in_trouble = |finding: &Finding| finding.severity > Severity::Info && finding.fixes.is_empty();
    if report.seen.is_some() && report.findings.iter().any(in_trouble) {
        return Some(("watch the queues", shell::command(&[&again.program, "watch"])));
    }
    if !edits.is_empty() && report.findings.iter().any(unsafe_ones) {
        return Some(("look at the unsafe fixes", format!("{command} --unsafe-fixes --format patch")));
    }
    let is_empty = report.seen.is_none() && report.host.listeners.is_empty() && report.findings.is_empty();
    if is_empty && report.left_out > 0 && !again.include_tests {
        return Some(("include tests, examples and docs", format!("{command} --include-tests")));
    }
    if is_empty {
        let command = shell::command(&[&again.program, "explain", "nginx"]);
        return Some(("see which files a service has, and where", command));
    }
    let worst = report.findings.iter().rev().max_by_key(|finding| finding.severity)?;
    Some(("read more about it", shell::command(&[&again.program, "explain", &worst.rule])))
}

/// What a look at the running machine does not tell: the faults of the files alone.
pub(super) fn in_files(report: &Report, screen: &Screen, again: &Again) -> String {
    if report.in_files == 0 {
        return String::new();
    }
    let place = |place: &Place| shell::as_path(&from_here(&place.top).to_string_lossy()).into_owned();
    let words: Vec<String> =
        std::iter::once(again.program.clone()).chain(report.host.places.iter().map(place)).collect();
    let command = shell::command(&words);
    let text = format!("An audit of the files alone shows {}:", counted(report.in_files, "more finding"));
    let whole = format!("{text} {command}");
    // A line is not broken inside a quoted word.
    let is_broken = command.contains('\'') && whole.width() > screen.width;
    if is_broken { format!("{text}\n\n    {command}\n") } else { screen.hang("", &whole) }
}

/// The command that applies the patch, from here.
fn apply(report: &Report, patch: &str) -> String {
    let top = from_here(&patch::folder(&report.host.places));
    let folder = top.to_string_lossy();
    let mut words = vec![Cow::Borrowed("patch"), "-p1".into()];
    if top != Path::new(".") {
        words.extend(["-d".into(), shell::as_path(&folder)]);
    }
    match shell::word(patch) {
        Some(word) => format!("{} < {word}", shell::command(&words)),
        None => shell::comment("apply with patch -p1:", patch),
    }
}

/// What was audited, as its reader will know it.
pub(super) fn shown_path(place: &Place) -> String {
    let top = from_here(&place.top);
    let path = if place.read_as == ReadAs::Etc { top.join("etc") } else { top };
    plain::inline(&path.to_string_lossy())
}

/// Where no listener was found: what was looked for, and how.
pub(super) fn nothing(report: &Report, screen: &Screen) -> String {
    let read_as = |wanted: ReadAs| report.host.places.iter().any(|place| place.read_as == wanted);
    let how = match () {
        () if read_as(ReadAs::File) || read_as(ReadAs::Repo) => "by file name and content",
        () if read_as(ReadAs::Root) => {
            "where their packages install them, and by name and content in application folders"
        }
        () => "where their packages install them",
    };
    let mut text = screen.hang("", &format!("No listeners found. Looked for these services {how}:"));
    let Ok(knowledge) = Knowledge::load(&Sources::new()) else { return text };
    let titles: Vec<&str> = knowledge.signs().map(|signs| signs.title.as_str()).collect();
    let all = format!("{}, and what {STARTERS} start", titles.join(", "));
    text.push_str(&format!("\n{}\n", screen.hang("  ", &all)));
    if read_as(ReadAs::File) {
        let alone = "A file is read on its own: includes that lead out of its folder are not followed. \
                     To follow them, audit the etc folder or the root.";
        text.push_str(&format!("{}\n", screen.hang("", alone)));
    }
    text
}

/// What starts programs.
const STARTERS: &str =
    "systemd units, Dockerfiles, compose files, Procfiles, package.json scripts and supervisord";
