//! A line for a key, in a form or a file that systemd-sysctl does not apply.

use serde::Deserialize;

use super::facts::Facts;
use super::repair::{Repair, stays};
use crate::model::{Assignment, Fate, Finding, Fix, Place, PlaceId, Safety};
use crate::text::{SourceId, Span};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SysctlNotApplied {}

/// Lines of one file that are not applied for one reason: one finding.
struct Dead<'a> {
    source: SourceId,
    why: &'a str,
    by: Option<Span>,
    lines: Vec<&'a Assignment>,
}

impl SysctlNotApplied {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let of = |(id, place): &(PlaceId, &Place)| -> Vec<Finding> {
            dead(place).iter().filter_map(|dead| finding(facts, *id, dead)).collect()
        };
        facts.places.iter().flat_map(of).collect()
    }
}

/// /etc/sysctl.conf is a chapter of its own.
fn dead(place: &Place) -> Vec<Dead<'_>> {
    let mut all: Vec<Dead<'_>> = Vec::new();
    let lines = place.sysctls.by_key.values().flat_map(|sysctl| &sysctl.assignments);
    for line in lines.filter(|line| !line.in_sysctl_conf) {
        let Fate::NotApplied { why, by } = &line.fate else { continue };
        let source = line.key_at.source;
        match all.iter_mut().find(|dead| dead.source == source && dead.why == why) {
            Some(dead) => dead.lines.push(line),
            None => all.push(Dead { source, why, by: *by, lines: vec![line] }),
        }
    }
    for dead in &mut all {
        dead.lines.sort_by_key(|line| line.key_at);
    }
    all
}

fn finding(facts: &Facts<'_>, place: PlaceId, dead: &Dead<'_>) -> Option<Finding> {
    let sysctls = &facts.host.place(place)?.sysctls;
    let first = dead.lines.first()?;
    let sysctl = sysctls.get(&first.key)?;
    let message = match dead.lines.as_slice() {
        [one] => {
            format!("{} = {} is not applied at boot: {}", one.key, facts.sources.text(one.value_at), dead.why)
        }
        many => format!(
            "{} lines of {} are not applied at boot: {}",
            many.len(),
            facts.file(first.key_at),
            dead.why
        ),
    };
    let mut finding = facts.finding(place, first.key_at, message);
    for line in &dead.lines {
        let says = sysctls.get(&line.key).map(stays).unwrap_or_default();
        finding = finding.label(line.key_at, says);
    }
    if let Some(by) = dead.by {
        finding = finding.label(by, "this excludes it");
    }
    if let Some(winner) = sysctl.winner() {
        finding = finding.label(winner.value_at, "this line is in force");
    }
    // Where the same numbers are in force anyway, nobody is worse off.
    let harmless = dead.lines.iter().all(|line| {
        line.value.is_some() && line.value == sysctls.get(&line.key).and_then(|sysctl| sysctl.number())
    });
    let severity =
        if harmless { finding.severity.min(crate::model::Severity::Info) } else { finding.severity };
    let fix = fix(facts, place, dead);
    let help = help(facts, dead, fix.is_some());
    Some(Finding { severity, ..finding }.help(help).fix(fix))
}

fn fix(facts: &Facts<'_>, place: PlaceId, dead: &Dead<'_>) -> Option<Fix> {
    let mends: Option<Vec<_>> = dead
        .lines
        .iter()
        .map(|line| {
            let repair = Repair { key: &line.key, edit: line.mend.as_ref()?, gives: line.gives()? };
            facts.mend(place, &repair)
        })
        .collect();
    let mends = mends?;
    let safety = mends.iter().map(|(safety, _)| *safety).max().unwrap_or(Safety::Unsafe);
    let set = mends.into_iter().map(|(_, want)| want).collect();
    Some(Fix { title: "write the key as sysctl.d(5) requires".to_owned(), safety, set, then: Vec::new() })
}

fn help(facts: &Facts<'_>, dead: &Dead<'_>, fixable: bool) -> String {
    let written = |line: &Assignment| format!("`{} = {}`", line.key, facts.sources.text(line.value_at));
    match dead.by {
        _ if dead.lines.iter().all(|line| line.mend.is_some()) => {
            let right: Vec<String> = dead.lines.iter().map(|line| written(line)).collect();
            let care = if fixable { "" } else { ", and check that no other line contradicts it" };
            format!("write {}{care}", right.join(", "))
        }
        Some(by) if by.start < by.end => {
            format!("delete {} or the line that it excludes", facts.line(by))
        }
        Some(by) => format!("give this file or {} another name", facts.file(by)),
        None => "move the lines into a file of /etc/sysctl.d whose name ends in .conf".to_owned(),
    }
}
