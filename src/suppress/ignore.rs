//! What somebody decided to live with, in a comment or in the policy: it is left out, and what came of every such decision
//! is kept.

use std::collections::BTreeSet;
use std::path::Path;

use crate::model::{Came, Date, Endpoint, Finding, Host, Ignore, Listener};
use crate::text::{Glob, HashMap, Pattern, SourceId, Sources, Span};

/// An ignore and what it is about.
#[derive(Debug, Clone)]
pub struct Ignoring {
    pub ignore: Ignore,
    pub reach: Reach,
}

/// What an ignore is about.
#[derive(Debug, Clone)]
pub enum Reach {
    /// A line of a file.
    Line(SourceId, usize),
    /// Files and listeners, as a policy names them; all, where it does not say.
    Policy {
        path: Option<Pattern>,
        /// The id of a listener, its address, or a pattern of ids.
        listener: Option<String>,
    },
}

/// What is left to report, and what is not.
#[derive(Debug)]
pub struct Ignored {
    pub findings: Vec<Finding>,
    pub hidden: Vec<Finding>,
    /// In the order in which they were given.
    pub ignores: Vec<Ignore>,
}

/// Takes out of the findings what is to be ignored. `exists` says what is wrong with the id of a rule.
pub fn ignore(
    sources: &Sources,
    host: &Host,
    findings: Vec<Finding>,
    mut ignoring: Vec<Ignoring>,
    today: Option<Date>,
    exists: impl Fn(&str) -> Result<(), String>,
) -> Ignored {
    for Ignoring { ignore, .. } in &mut ignoring {
        ignore.has_expired = ignore.until.as_ref().zip(today).is_some_and(|(until, today)| until.get < today);
        for rule in &mut ignore.rules {
            if let Some(Err(said)) = rule.id.as_deref().map(&exists) {
                rule.came = Came::Unknown { said };
            }
        }
    }
    if ignoring.is_empty() {
        return Ignored { findings, hidden: Vec::new(), ignores: Vec::new() };
    }
    let index = Index::of(&ignoring);
    let ids = host.listener_ids(sources);
    let (mut kept, mut hidden) = (Vec::new(), Vec::new());
    for finding in findings {
        let subject = Subject::of(sources, host, &ids, &finding);
        let mut is_ignored = false;
        for at in index.near(&subject) {
            let it = ignoring.get_mut(at).filter(|it| it.reach.covers(&subject));
            is_ignored |= it.is_some_and(|it| it.ignore.hides(&finding.rule));
        }
        if is_ignored { hidden.push(finding) } else { kept.push(finding) }
    }
    Ignored { findings: kept, hidden, ignores: ignoring.into_iter().map(|it| it.ignore).collect() }
}

/// What the hidden findings are about: a rule and a listener.
pub fn settled(hidden: &[Finding]) -> BTreeSet<(String, usize)> {
    hidden.iter().filter_map(|finding| Some((finding.rule.clone(), finding.listener?))).collect()
}

/// Gives findings the fixes that they have once the rest is settled: `again` is what was found then. No finding comes or goes.
pub fn refresh(findings: &mut [Finding], again: Vec<Finding>) {
    let key = |it: &Finding| (it.rule.clone(), it.at, it.listener, it.message.clone());
    let mut again: HashMap<_, Finding> = again.into_iter().map(|it| (key(&it), it)).collect();
    for finding in findings {
        if let Some(fresh) = again.remove(&key(finding)) {
            *finding = fresh;
        }
    }
}

impl Ignore {
    /// Whether it hides findings of this rule; then it has been of use.
    fn hides(&mut self, rule: &str) -> bool {
        let mut hides = false;
        let ours = self.rules.iter_mut().filter(|it| it.id.as_ref().is_none_or(|id| id == rule));
        for it in ours.filter(|_| !self.has_expired) {
            it.came = Came::Used;
            hides = true;
        }
        hides
    }
}

/// The ignores by where they may apply, so that a file with thousands of them takes no longer.
struct Index {
    by_line: HashMap<(SourceId, usize), Vec<usize>>,
    anywhere: Vec<usize>,
}

impl Index {
    fn of(ignoring: &[Ignoring]) -> Self {
        let mut index = Self { by_line: HashMap::default(), anywhere: Vec::new() };
        for (at, it) in ignoring.iter().enumerate() {
            match it.reach {
                Reach::Line(source, line) => index.by_line.entry((source, line)).or_default().push(at),
                Reach::Policy { .. } => index.anywhere.push(at),
            }
        }
        index
    }

    fn near(&self, subject: &Subject<'_>) -> Vec<usize> {
        let lines = subject.lines.iter().filter_map(|line| self.by_line.get(line)).flatten();
        lines.chain(&self.anywhere).copied().collect()
    }
}

/// What a finding is about.
struct Subject<'a> {
    /// The line that it points at, and the one that opens its listener.
    lines: Vec<(SourceId, usize)>,
    /// The same as files, with the folders of this machine that hold their trees.
    files: Vec<(&'a Path, &'a Path)>,
    listener: Option<(&'a str, &'a Listener)>,
}

impl<'a> Subject<'a> {
    fn of(sources: &'a Sources, host: &'a Host, ids: &'a [String], finding: &Finding) -> Self {
        let listener = finding.listener.and_then(|at| Some((ids.get(at)?.as_str(), host.listeners.get(at)?)));
        let site = listener.map(|(_, listener)| listener.site);
        let spans: Vec<Span> = finding.home(sources).into_iter().chain(site).collect();
        let file = |span: &Span| {
            let source = sources.get(span.source);
            let place = host.places.iter().find(|place| place.root.as_deref() == source.root())?;
            Some((place.top.as_path(), source.path()?))
        };
        Self {
            lines: spans.iter().map(|at| (at.source, sources.get(at.source).line_of(at.start))).collect(),
            files: spans.iter().filter_map(file).collect(),
            listener,
        }
    }
}

impl Reach {
    fn covers(&self, subject: &Subject<'_>) -> bool {
        let Reach::Policy { path, listener } = self else { return true };
        let in_path = |path: &Pattern| subject.files.iter().any(|(top, file)| path.covers(top, file));
        path.as_ref().is_none_or(in_path)
            && listener.as_ref().is_none_or(|text| {
                subject.listener.is_some_and(|(id, listener)| {
                    let endpoint = &listener.endpoint;
                    let known = !matches!(endpoint, Endpoint::Unknown(_));
                    id == text
                        || (known && *endpoint == Endpoint::from(text.clone()))
                        || Glob::new(text.as_bytes()).matches(id.as_bytes())
                })
            })
    }
}
