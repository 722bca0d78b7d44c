//! What to do next: the one command that helps now, and what to try where nothing was found.

use std::path::{Path, PathBuf};

use super::plain;
use crate::knowledge::Knowledge;
use crate::model::{Place, ReadAs, Safety};
use crate::report::screen::counted;
use crate::report::{Report, Screen};
use crate::text::Sources;

/// The command line that made the report, as far as the next one repeats it.
#[derive(Debug, Clone, Default)]
pub struct Again {
    /// Program, paths and options, quoted for a shell; nothing about formats.
    pub command: String,
    /// The file that the patch was written to, quoted; `-` for standard output.
    pub patch: Option<String>,
}

/// One line at most: nothing where there is nothing to do.
pub(super) fn render(report: &Report, screen: &Screen, again: &Again) -> String {
    let (in_patch, beyond) = report.plan.edits.iter().partition::<Vec<_>, _>(|planned| planned.in_patch);
    let command = &again.command;
    let (what, next) = match &again.patch {
        Some(_) if in_patch.is_empty() => return String::new(),
        Some(patch) if patch == "-" => return String::new(),
        Some(patch) => ("apply the patch", format!("patch -p1{} < {patch}", folder(report))),
        None if !in_patch.is_empty() => {
            ("write the fixes as a patch", format!("{command} --patch fix.patch"))
        }
        None if !beyond.is_empty() => (
            "write the fixes as a patch, unsafe ones too",
            format!("{command} --unsafe-fixes --patch fix.patch"),
        ),
        None => match report.findings.iter().max_by_key(|finding| finding.severity) {
            Some(finding) => ("more about it", format!("backlog-audit explain {}", finding.rule)),
            None => return String::new(),
        },
    };
    format!("\nNext, {what}:\n\n    {}\n", screen.strong(&plain::inline(&next)))
}

/// ` -d ROOT`, where the patch is applied anywhere but here.
fn folder(report: &Report) -> String {
    match report.host.places.as_slice() {
        [place] => {
            let top = from_here(&place.top);
            if top == Path::new(".") {
                String::new()
            } else {
                format!(" -d {}", quoted(&top.to_string_lossy()))
            }
        }
        _ => String::new(),
    }
}

/// Below the working directory, a path is shown from there.
fn from_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().and_then(std::fs::canonicalize);
    match here.ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned)) {
        Some(below) if below.as_os_str().is_empty() => PathBuf::from("."),
        Some(below) => below,
        None => path.to_owned(),
    }
}

/// What was audited, as its reader will know it.
pub(super) fn shown_path(place: &Place) -> String {
    let top = from_here(&place.top);
    let path = if place.read_as == ReadAs::Etc { top.join("etc") } else { top };
    plain::inline(&path.to_string_lossy())
}

/// The text as one word of a shell.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-._/:=,@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Where no listener was found: what was looked for, and where.
pub(super) fn nothing(report: &Report, screen: &Screen) -> String {
    let mut text = String::from("No listening socket was found. This was looked for:\n\n");
    let apart = report.host.places.iter().any(|place| place.read_as == ReadAs::Repo);
    let Ok(knowledge) = Knowledge::load(&Sources::new()) else { return text };
    for service in knowledge.services() {
        let files = &service.files;
        let mut patterns: Vec<&str> = files.places.iter().map(String::as_str).collect();
        if apart || files.apps {
            patterns.extend(files.names.iter().map(String::as_str));
        }
        let lead = format!("  {}", crate::report::screen::left(&service.title, 15));
        text.push_str(&screen.hang(&lead, &patterns.join(" ")));
    }
    text.push_str(&screen.hang(
        &format!("  {}", crate::report::screen::left("sysctl", 15)),
        "*.conf in etc/sysctl.d run/sysctl.d usr/local/lib/sysctl.d usr/lib/sysctl.d; etc/sysctl.conf",
    ));
    text.push('\n');
    text
}
