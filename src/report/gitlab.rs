//! The findings as a code quality report of GitLab, which shows them in a merge request.
//!
//! <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>, a part of Code Climate's format.

use serde::Serialize;

use super::subject::{Paths, Subject};
use super::{Report, json};
use crate::model::Severity;

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: String,
    /// GitLab drops the second of two that are the same.
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

/// The report as one JSON array, with a final newline.
pub fn render(report: &Report) -> String {
    let paths = Paths::of(report);
    let subjects = &paths.subjects();
    json::to_text(&json::Each(|| subjects.iter().map(issue)))
}

fn issue(subject: &Subject) -> Issue {
    let at = subject.report.sources.position(subject.home());
    Issue {
        description: subject.message(),
        check_name: subject.finding.rule.clone(),
        fingerprint: subject.fingerprint(),
        severity: severity(subject.finding.severity),
        location: Location { path: subject.file().0, lines: Lines { begin: at.line, end: at.end_line } },
    }
}

/// `blocker` is not ours to say, and `minor` would say less than a warning does.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "critical",
        Severity::Warning => "major",
        Severity::Info => "info",
    }
}
