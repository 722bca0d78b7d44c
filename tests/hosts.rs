//! Whole hosts and the four reports about them. `UPDATE_EXPECT=1` records the reports anew.
//!
//! A folder of `cases/hosts` holds `args`, the arguments of the audit, in words parted by blanks; paths in it are relative to
//! the folder, or to the one that `from` names. Beside it stand the host's files and what is expected: `expected.txt`, `.json`,
//! `.sarif`, `.patch`, and in `expected.code` the exit code.

mod common;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use common::{cases, snapshot};
use unicode_width::UnicodeWidthStr;

/// What each report is asked for with.
const REPORTS: [(&str, &[&str]); 4] = [
    ("txt", &[]),
    ("json", &["--format", "json"]),
    ("sarif", &["--format", "sarif"]),
    ("patch", &["--format", "patch"]),
];

#[test]
fn every_host_is_reported_as_recorded() {
    for case in cases("hosts") {
        let mut codes = Vec::new();
        for (extension, format) in REPORTS {
            let (code, report) = audit(&case, format);
            snapshot::same(&case.join(format!("expected.{extension}")), &report);
            codes.push(code);
        }
        assert!(codes.iter().all(|code| *code == codes[0]), "{}: {codes:?}", case.display());
        snapshot::same(&case.join("expected.code"), format!("{}\n", codes[0]).as_bytes());
    }
}

#[test]
fn no_line_for_people_is_wider_than_the_screen() {
    for case in cases("hosts") {
        let text = String::from_utf8(audit(&case, &[]).1).unwrap();
        // Commands are there to be copied: they are never broken.
        let is_command = |line: &str| line.starts_with("    ") && !line.starts_with("     ");
        let wide = text.lines().find(|line| line.width() > 80 && !is_command(line));
        assert_eq!(wide, None, "{}", case.display());
    }
}

/// Runs the program in the folder of a case; gives the exit code and what it wrote.
fn audit(case: &Path, format: &[&str]) -> (i32, Vec<u8>) {
    let arguments = fs::read_to_string(case.join("args")).unwrap();
    let from = fs::read_to_string(case.join("from")).unwrap_or_default();
    let output = Command::new(env!("CARGO_BIN_EXE_backlog-audit"))
        .arg0("backlog-audit")
        .args(arguments.split_whitespace())
        .args(format)
        .current_dir(case.join(from.trim()))
        .output()
        .unwrap();
    // Where there is no patch to see, a reader is told why.
    let no_patch = format.contains(&"patch") && output.stdout.is_empty();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said.lines().count(), usize::from(no_patch), "{}: {said}", case.display());
    (output.status.code().unwrap(), output.stdout)
}
