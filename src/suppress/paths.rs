//! What is left out because it does not concern the paths that were asked for.

use std::path::PathBuf;

use crate::model::{Finding, Host, Queue, Seen, Target, Want};
use crate::text::{HashSet, Sources, Span};

/// Paths in one tree (by its label) that a report is about. A tree without an entry is reported as a whole.
#[derive(Debug, Clone)]
pub struct Only {
    pub root: Option<String>,
    pub paths: HashSet<PathBuf>,
}

impl Only {
    fn excludes(&self, sources: &Sources, at: Span) -> bool {
        let source = sources.get(at.source);
        source.root() == self.root.as_deref()
            && source.path().is_some_and(|path| !path.ancestors().any(|above| self.paths.contains(above)))
    }
}

/// Keeps the findings in which one of the paths takes part, and the listeners in those paths or findings.
pub fn restrict(
    sources: &Sources,
    only: &[Only],
    host: &mut Host,
    queues: &mut Vec<Queue>,
    seen: Option<&mut Seen>,
    findings: &mut Vec<Finding>,
) {
    if only.is_empty() {
        return;
    }
    findings.retain(|finding| takes_part(sources, only, host, finding));
    let asked = |at: Span| !only.iter().any(|only| only.excludes(sources, at));
    let named: HashSet<usize> =
        findings.iter().flat_map(|finding| finding.listener.into_iter().chain(wanted(finding))).collect();
    let listeners = host.listeners.iter().enumerate();
    let kept = listeners.filter(|(index, listener)| asked(listener.site) || named.contains(index));
    let kept: Vec<usize> = kept.map(|(index, _)| index).collect();
    for listener in seen.into_iter().flat_map(|seen| &mut seen.listeners) {
        *listener = listener.and_then(|old| kept.binary_search(&old).ok());
    }
    renumber(&kept, host, queues, findings);
}

/// Whether one of the paths takes part in a finding: its line, one of its labels, or what opens its listener.
fn takes_part(sources: &Sources, only: &[Only], host: &Host, finding: &Finding) -> bool {
    let labels = finding.labels.iter().map(|label| label.at);
    let site = finding.listener.and_then(|at| host.listeners.get(at)).map(|listener| listener.site);
    let files = |at: &Span| sources.get(at.source).path().is_some();
    let mut spans = std::iter::once(finding.at).chain(labels).chain(site).filter(files);
    spans.any(|at| !only.iter().any(|only| only.excludes(sources, at)))
}

/// The listeners whose numbers a finding wants changed.
fn wanted(finding: &Finding) -> impl Iterator<Item = usize> {
    finding.fixes.iter().flat_map(|fix| &fix.set).filter_map(|want| match want {
        Want::AtLeast { target: Target::Backlog { listener }, .. }
        | Want::Exactly { target: Target::Backlog { listener }, .. } => Some(*listener),
        _ => None,
    })
}

/// Drops the listeners that are not kept, and gives the rest their new indices everywhere.
fn renumber(kept: &[usize], host: &mut Host, queues: &mut Vec<Queue>, findings: &mut [Finding]) {
    let new = |old: usize| kept.binary_search(&old).unwrap_or(old);
    let mut index = 0..;
    host.listeners.retain(|_| index.next().is_some_and(|old| kept.binary_search(&old).is_ok()));
    queues.retain(|queue| kept.binary_search(&queue.listener).is_ok());
    for queue in queues {
        queue.listener = new(queue.listener);
    }
    for finding in findings {
        finding.listener = finding.listener.map(new);
        for want in finding.fixes.iter_mut().flat_map(|fix| &mut fix.set) {
            if let Want::AtLeast { target, .. } | Want::Exactly { target, .. } = want
                && let Target::Backlog { listener } = target
            {
                *listener = new(*listener);
            }
        }
    }
}
