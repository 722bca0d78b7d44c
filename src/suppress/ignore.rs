//! What somebody decided to live with, in a comment or in the policy: it is left out, and what came of every such decision
//! is kept.

use std::collections::BTreeSet;
use std::path::Path;

use crate::model::{Came, Date, Endpoint, Finding, Host, Ignore, Listener, Place};
use crate::text::{Glob, Globs, HashMap, Pattern, Patterns, SourceId, Sources, Span, levels};

/// An ignore and what it is about.
#[derive(Debug, Clone)]
pub struct Ignoring {
    pub ignore: Ignore,
    pub reach: Reach,
}

/// What an ignore is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reach {
    /// A line of a file.
    Line(SourceId, usize),
    /// Files and listeners, as a policy names them; all, where it does not say.
    Policy {
        path: Option<Pattern>,
        /// The id of a listener, with or without its place, its address, or a pattern of either.
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
    let ids = host.listener_ids(sources);
    let mut index = Index::of(&ignoring);
    let is_ignored: Vec<bool> = findings
        .iter()
        .map(|finding| index.hides(&Subject::of(sources, host, &ids, finding), &finding.rule))
        .collect();
    for (at, rule) in index.used() {
        if let Some(rule) = ignoring.get_mut(at).and_then(|it| it.ignore.rules.get_mut(rule)) {
            rule.came = Came::Used;
        }
    }
    let (mut kept, mut hidden) = (Vec::new(), Vec::new());
    for (finding, is_ignored) in findings.into_iter().zip(is_ignored) {
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

/// Ignores of one rule that have the same reach: they hide the same findings.
struct Alike<'i> {
    reach: &'i Reach,
    listener: Option<Named<'i>>,
    /// Every rule, where none is named.
    rule: Option<&'i str>,
    /// The index of each ignore, and that of the rule in it.
    members: Vec<(usize, usize)>,
    used: bool,
}

/// The ignores that hold, by where they may apply, so that thousands of them take no longer for each finding.
#[derive(Default)]
struct Index<'i> {
    all: Vec<Alike<'i>>,
    by_line: HashMap<(SourceId, usize, Option<&'i str>), usize>,
    /// Those of a policy: by path, by listener, by rule alone.
    by_path: (Patterns<'i>, Vec<usize>),
    by_address: HashMap<String, Vec<usize>>,
    by_id: (Globs, Vec<usize>),
    by_rule: HashMap<Option<&'i str>, usize>,
}

impl<'i> Index<'i> {
    fn of(ignoring: &'i [Ignoring]) -> Self {
        let mut index = Self::default();
        let mut known: HashMap<(&Reach, Option<&str>), usize> = HashMap::default();
        let holds = ignoring.iter().enumerate().filter(|(_, it)| !it.ignore.has_expired);
        for (at, it) in holds {
            for (nth, rule) in it.ignore.rules.iter().enumerate() {
                let (reach, rule) = (&it.reach, rule.id.as_deref());
                let place = *known.entry((reach, rule)).or_insert(index.all.len());
                match index.all.get_mut(place) {
                    Some(alike) => alike.members.push((at, nth)),
                    None => index.all.push(Alike::of(reach, rule, (at, nth))),
                }
            }
        }
        index.arrange();
        index
    }

    fn arrange(&mut self) {
        let (mut patterns, mut globs) = (Vec::new(), Vec::new());
        for (at, alike) in self.all.iter().enumerate() {
            match (alike.reach, &alike.listener) {
                (Reach::Line(source, line), _) => {
                    self.by_line.insert((*source, *line, alike.rule), at);
                }
                (Reach::Policy { path: Some(path), .. }, _) => {
                    self.by_path.1.push(at);
                    patterns.push(path);
                }
                (Reach::Policy { path: None, .. }, Some(named)) => {
                    self.by_address.entry(named.address.clone()).or_default().push(at);
                    self.by_id.1.push(at);
                    globs.push(named.glob.clone());
                }
                (Reach::Policy { path: None, .. }, None) => {
                    self.by_rule.insert(alike.rule, at);
                }
            }
        }
        self.by_path.0 = Patterns::of(patterns.into_iter());
        self.by_id.0 = Globs::of(globs.iter());
    }

    /// Whether something hides findings of this rule about this; then it has been of use.
    fn hides(&mut self, subject: &Subject<'_>, rule: &str) -> bool {
        let mut hides = false;
        for at in self.near(subject, rule) {
            let alike = self.all.get_mut(at).filter(|it| it.rule.is_none_or(|id| id == rule));
            if let Some(alike) = alike.filter(|it| it.listener.as_ref().is_none_or(|it| it.is(subject))) {
                alike.used = true;
                hides = true;
            }
        }
        hides
    }

    /// Those whose line or path is the subject's, or whose listener may be.
    fn near(&self, subject: &Subject<'_>, rule: &str) -> Vec<usize> {
        let of_rule = || [None, Some(rule)].into_iter();
        let lines = subject.lines.iter().flat_map(|(source, line)| of_rule().map(|it| (*source, *line, it)));
        let mut near: Vec<usize> = lines.filter_map(|line| self.by_line.get(&line)).copied().collect();
        near.extend(of_rule().filter_map(|rule| self.by_rule.get(&rule)));
        let covering = subject.files.iter().flat_map(|(top, file)| self.by_path.0.covering(top, file));
        near.extend(covering.filter_map(|at| self.by_path.1.get(at)));
        if let Some((names, listener)) = &subject.listener {
            near.extend(listener.address().and_then(|it| self.by_address.get(&it)).into_iter().flatten());
            let named = names.iter().flat_map(|name| self.by_id.0.near(levels(name.as_bytes()).into_iter()));
            near.extend(named.filter_map(|at| self.by_id.1.get(at)));
        }
        near
    }

    fn used(self) -> Vec<(usize, usize)> {
        self.all.into_iter().filter(|alike| alike.used).flat_map(|alike| alike.members).collect()
    }
}

impl<'i> Alike<'i> {
    fn of(reach: &'i Reach, rule: Option<&'i str>, member: (usize, usize)) -> Self {
        let listener = match reach {
            Reach::Policy { listener: Some(text), .. } => Some(Named::of(text)),
            _ => None,
        };
        Self { reach, listener, rule, members: vec![member], used: false }
    }
}

/// A listener as a policy names it.
struct Named<'i> {
    text: &'i str,
    address: String,
    glob: Glob,
}

impl<'i> Named<'i> {
    fn of(text: &'i str) -> Self {
        Self { text, address: Endpoint::from(text.to_owned()).to_string(), glob: Glob::new(text.as_bytes()) }
    }

    fn is(&self, subject: &Subject<'_>) -> bool {
        subject.listener.as_ref().is_some_and(|(names, listener)| {
            listener.address().is_some_and(|address| address == self.address)
                || names.iter().any(|name| name == self.text || self.glob.matches(name.as_bytes()))
        })
    }
}

/// What a finding is about.
struct Subject<'a> {
    /// The line that it points at, and the one that opens its listener.
    lines: Vec<(SourceId, usize)>,
    /// The same as files, with the folders of this machine that hold their trees.
    files: Vec<(&'a Path, &'a Path)>,
    /// Its id with and without the place, and its address: patterns match each of them.
    listener: Option<(Vec<String>, &'a Listener)>,
}

impl<'a> Subject<'a> {
    fn of(sources: &'a Sources, host: &'a Host, ids: &'a [String], finding: &Finding) -> Self {
        let listener = finding.listener.and_then(|at| Some((ids.get(at)?, host.listeners.get(at)?)));
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
            listener: listener.map(|(id, listener)| (names(host, id, listener), listener)),
        }
    }
}

fn names(host: &Host, id: &str, listener: &Listener) -> Vec<String> {
    let label = host.place(listener.place).and_then(Place::label);
    let bare = label.and_then(|label| id.strip_prefix(&label)?.strip_prefix(':'));
    let names = [Some(id), bare].into_iter().flatten().map(str::to_owned);
    let bound = listener.interface.as_ref().and_then(|_| listener.address());
    names.chain(listener.endpoint.address()).chain(bound).collect()
}
