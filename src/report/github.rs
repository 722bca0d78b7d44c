//! The findings as workflow commands of GitHub Actions, which shows them beside the lines of a pull request.
//!
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>; what is escaped and how is written down in
//! actions/toolkit, `packages/core/src/command.ts`.

use super::Report;
use super::subject::{Paths, Subject};
use crate::model::Severity;

/// One command a line for each finding.
pub fn render(report: &Report) -> String {
    Paths::of(report).subjects().iter().map(command).collect()
}

fn command(subject: &Subject) -> String {
    let mut properties = Vec::new();
    let (file, in_tree) = subject.file();
    if in_tree {
        let at = subject.report.sources.position(subject.home());
        properties.extend([
            ("file", file),
            ("line", at.line.to_string()),
            ("endLine", at.end_line.to_string()),
        ]);
        // Columns count only where a finding begins and ends on one line.
        if at.line == at.end_line {
            properties.extend([("col", at.column.to_string()), ("endColumn", at.end_column.to_string())]);
        }
    }
    properties.push(("title", subject.finding.rule.clone()));
    let properties: Vec<String> =
        properties.iter().map(|(name, value)| format!("{name}={}", property(value))).collect();
    let mut lines = vec![subject.message()];
    lines.extend(subject.details());
    format!("::{} {}::{}\n", level(subject.finding.severity), properties.join(","), data(&lines.join("\n")))
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
