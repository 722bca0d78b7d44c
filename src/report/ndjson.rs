//! The findings as JSON, one a line, for programs that read a stream: each is an entry of `findings` of the whole report.

use super::Report;
use super::json;

/// One line for each finding.
pub fn render(report: &Report) -> String {
    let ids = report.listener_ids();
    let entries = (0..report.findings.len()).filter_map(|at| json::finding_entry(report, at, &ids));
    entries.map(|entry| json::to_line(&entry)).collect()
}
