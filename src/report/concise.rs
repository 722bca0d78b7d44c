//! A line a finding, as compilers and editors have it: `path:line:column: severity rule: message`. Findings of one rule whose
//! number one line decides are told together, as in the report for people.

use super::human::groups::{Group, groups};
use super::subject::{Paths, Subject};
use super::{Report, plain};

/// Listeners that one line names.
const LISTED: usize = 20;

/// The findings, the worst first; with `--statistics`, a line for each rule.
pub fn render(report: &Report) -> String {
    if report.statistics {
        let counts = report.by_rule();
        let line = |(count, severity, rule): &(usize, _, &str)| format!("{count} {severity} {rule}\n");
        return counts.iter().map(line).collect();
    }
    let paths = Paths::of(report);
    let subjects = paths.subjects();
    groups(report).iter().filter_map(|group| line(&paths, &subjects, group)).collect()
}

fn line(paths: &Paths<'_>, subjects: &[Subject<'_>], group: &Group) -> Option<String> {
    let subject = subjects.get(group.first)?;
    let column = subject.report.sources.position(subject.home()).column;
    let (place, message) = (paths.spot(subject.home()), subject.message());
    let (severity, rule) = (subject.finding.severity.word(), plain::inline(&subject.finding.rule));
    let also = also(subjects, group);
    Some(format!("{place}:{column}: {severity} {rule}: {message}{also}\n"))
}

/// The other listeners of a group.
fn also(subjects: &[Subject<'_>], group: &Group) -> String {
    let named = |index: &usize| {
        let subject = subjects.get(*index)?;
        let listener = subject.report.host.listeners.get(subject.finding.listener?)?;
        let address = listener.address().unwrap_or_else(|| subject.paths.spot(listener.site));
        Some(plain::inline(&format!("{} {address}", listener.service)))
    };
    let listed: Vec<String> = group.rest.iter().take(LISTED).filter_map(named).collect();
    let more = group.rest.len() - listed.len();
    match (listed.is_empty(), more) {
        (true, 0) => String::new(),
        (true, more) => format!(" (and {more} more)"),
        (false, 0) => format!(" (also {})", listed.join(", ")),
        (false, more) => format!(" (also {} and {more} more)", listed.join(", ")),
    }
}
