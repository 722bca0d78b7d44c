//! Which findings are told together: those of one rule whose number is decided by one line.

use crate::model::{Endpoint, Finding, Fix, Listener, PlaceId, Queue, Severity, Step};
use crate::report::Report;
use crate::text::{HashMap, Span};

/// Findings by their indices in the report. The first stands for the rest: it loses most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) struct Group {
    pub(in crate::report) severity: Severity,
    pub(in crate::report) first: usize,
    pub(in crate::report) rest: Vec<usize>,
}

/// What findings of one group have in common.
#[derive(PartialEq, Eq, Hash)]
struct Key<'a> {
    rule: &'a str,
    severity: Severity,
    place: PlaceId,
    decider: Decider<'a>,
}

/// What one change would mend for all.
#[derive(PartialEq, Eq, Hash)]
enum Decider<'a> {
    /// The line that decides the number.
    Line(Span),
    /// The service that has to be restarted or reloaded.
    Service(&'a str),
    /// Small things about several files, in the same words.
    Words(&'a str),
}

/// All findings: the worst first, those of one rule together, else in the order of the report.
pub(in crate::report) fn groups(report: &Report) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut known: HashMap<Key, usize> = HashMap::default();
    for (index, finding) in report.findings.iter().enumerate() {
        let alone = Group { severity: finding.severity, first: index, rest: Vec::new() };
        let Some(decider) = decided_by(report, finding) else {
            groups.push(alone);
            continue;
        };
        let key = Key { rule: &finding.rule, severity: finding.severity, place: finding.place, decider };
        match known.get(&key).and_then(|at| groups.get_mut(*at)) {
            Some(group) => group.rest.push(index),
            None => {
                known.insert(key, groups.len());
                groups.push(alone);
            }
        }
    }
    for group in &mut groups {
        group.put_worst_first(report);
    }
    let rule = |group: &Group| report.findings.get(group.first).map(|finding| finding.rule.as_str());
    let mut first_met: HashMap<Option<&str>, usize> = HashMap::default();
    for (index, group) in groups.iter().enumerate() {
        first_met.entry(rule(group)).or_insert(index);
    }
    groups.sort_by_key(|group| (std::cmp::Reverse(group.severity), first_met.get(&rule(group)).copied()));
    groups
}

fn decided_by<'a>(report: &'a Report, finding: &'a Finding) -> Option<Decider<'a>> {
    if finding.listener.is_none() {
        let is_small = finding.severity == Severity::Info && finding.fixes.is_empty();
        return is_small.then_some(Decider::Words(&finding.message));
    }
    let (listener, queue) = report.listener(finding.listener?)?;
    let is_command = |fix: &Fix| fix.set.is_empty() && !fix.then.is_empty();
    if report.seen.is_some() && finding.fixes.iter().any(is_command) {
        return Some(Decider::Service(&listener.service));
    }
    decider(queue).map(|step| Decider::Line(step.at))
}

impl Group {
    pub(super) fn members(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.first).chain(self.rest.iter().copied())
    }

    fn put_worst_first(&mut self, report: &Report) {
        // A path that the file writes says more to its reader than one that a distribution's script adds.
        let is_written = |listener: &Listener| match &listener.endpoint {
            Endpoint::Unix(path) => report.sources.text(listener.site).contains(path),
            _ => true,
        };
        let lost = |index: usize| {
            let listener = report.findings.get(index).and_then(|finding| finding.listener);
            let found = listener.and_then(|listener| report.listener(listener));
            found.map_or((0, true), |(listener, queue)| (loss(queue), is_written(listener)))
        };
        let mut worst = self.first;
        for index in &mut self.rest {
            if lost(*index) > lost(worst) {
                std::mem::swap(&mut worst, index);
            }
        }
        self.first = worst;
        self.rest.sort_unstable();
    }
}

/// Connections that a program asked for and does not get.
pub(super) fn loss(queue: &Queue) -> i64 {
    match (queue.requested, queue.limit, queue.capped_by) {
        (Some(requested), Some(limit), Some(_)) => requested.saturating_sub(limit),
        _ => 0,
    }
}

/// The step that made the number what it is: the first of those that end with it.
fn decider(queue: &Queue) -> Option<&Step> {
    let last = queue.steps.last()?;
    queue.steps.iter().rev().take_while(|step| step.value == last.value).last()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SynQueue;
    use crate::text::{Origin, Sources};

    #[test]
    fn the_first_step_with_the_final_number_decides() {
        let sources = Sources::new();
        let span = |n| Span::new(sources.add(Origin::Flag(format!("{n}")), Vec::new()), 0..0);
        let queue = |values: &[i64]| Queue {
            listener: 0,
            steps: values
                .iter()
                .map(|value| Step { value: Some(*value), what: String::new(), at: span(*value) })
                .collect(),
            requested: None,
            limit: None,
            capped_by: None,
            syn: SynQueue::default(),
        };
        let decided_by = |values: &[i64]| {
            decider(&queue(values)).map(|step| sources.get(step.at.source).name().into_owned())
        };
        assert_eq!(decided_by(&[511, 2000, 128]).as_deref(), Some("128"));
        assert_eq!(decided_by(&[511, 511]).as_deref(), Some("511"));
        assert_eq!(decided_by(&[511, 5, 5]).as_deref(), Some("5"));
        assert_eq!(decided_by(&[]), None);
    }
}
