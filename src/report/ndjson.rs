//! The findings as JSON, one a line, for programs that read a stream: each is an entry of `findings` of the whole report, but for
//! its paths, which start at the working directory where the files lie below it.

use super::subject::Paths;
use super::{Report, json};
use crate::text::Source;

/// One line for each finding.
pub fn render(report: &Report) -> String {
    let ids = report.listener_ids();
    let paths = Paths::of(report);
    let naming = |source: &Source| match paths.below_here(source) {
        Some(path) => (None, path.to_string_lossy().into_owned()),
        None => json::from_root(source),
    };
    let entries = (0..report.findings.len()).filter_map(|at| json::finding_entry(report, at, &ids, &naming));
    entries.map(|entry| json::to_line(&entry)).collect()
}
