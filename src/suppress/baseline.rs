//! The findings that were there when somebody began to look: a baseline hides them, and nothing else. A finding is known by its
//! rule, its listener and the text of its line, so that it is the same one after lines have moved.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Finding, Host, Place};
use crate::text::{HashMap, SourceId, Sources};

const VERSION: u32 = 1;

/// What `--write-baseline` writes and `--baseline` reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    version: u32,
    /// Sorted, so that two baselines can be compared line by line.
    findings: Vec<Entry>,
}

/// One finding, or several that are alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "KnownEntry")]
pub struct Entry {
    /// Where it was found; it is the same one in another file.
    pub path: Option<String>,
    pub rule: String,
    /// `service:address`, or `service:path` where the address is not known.
    pub listener: Option<String>,
    /// The text of its line without regard to blanks, as a number: the line itself may hold a secret.
    pub line: String,
    pub message: String,
    pub count: usize,
}

/// The numbers of lines: thousands of findings may stand on one.
type Prints = HashMap<(SourceId, usize), String>;

/// What makes a finding the same one.
type Key = (String, Option<String>, String);

/// Findings as a baseline sees them.
#[derive(Debug)]
pub struct Known {
    pub findings: Vec<Finding>,
    /// In the baseline.
    pub hidden: Vec<Finding>,
    /// In the baseline and no longer found.
    pub fixed: Vec<Entry>,
}

impl Baseline {
    pub fn of<'a>(sources: &Sources, host: &Host, findings: impl Iterator<Item = &'a Finding>) -> Self {
        let mut counts: BTreeMap<Entry, usize> = BTreeMap::new();
        let mut prints = Prints::default();
        for finding in findings {
            *counts.entry(Entry::of(sources, host, finding, &mut prints)).or_default() += 1;
        }
        let findings = counts.into_iter().map(|(entry, count)| Entry { count, ..entry }).collect();
        Self { version: VERSION, findings }
    }

    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let baseline: Self = serde_json::from_slice(text).map_err(|error| format!("no baseline: {error}"))?;
        match baseline.version {
            VERSION => Ok(baseline),
            other => {
                Err(format!("it is a baseline of version {other}; version {VERSION} is what is read here"))
            }
        }
    }

    /// Takes out of the findings as many of each kind as the baseline lists: first those in the same file.
    pub fn take(&self, sources: &Sources, host: &Host, findings: Vec<Finding>) -> Known {
        let mut left = Left::of(&self.findings);
        let mut prints = Prints::default();
        let entries = findings.iter().map(|finding| Entry::of(sources, host, finding, &mut prints));
        let entries: Vec<Entry> = entries.collect();
        let here: Vec<bool> = entries.iter().map(|entry| left.take_here(entry)).collect();
        let mut known = Known { findings: Vec::new(), hidden: Vec::new(), fixed: Vec::new() };
        for ((finding, entry), here) in findings.into_iter().zip(&entries).zip(here) {
            if here || left.take(entry) { known.hidden.push(finding) } else { known.findings.push(finding) }
        }
        known.fixed = left.entries();
        known
    }
}

impl Entry {
    fn of(sources: &Sources, host: &Host, finding: &Finding, prints: &mut Prints) -> Self {
        let listener = finding.listener.and_then(|at| host.listeners.get(at));
        let home = finding.home(sources).or(listener.map(|listener| listener.site));
        let source = home.map(|home| (sources.get(home.source), home));
        let line = source.map_or_else(
            || print(b""),
            |(source, home)| {
                let line = source.line_of(home.start);
                prints.entry((home.source, line)).or_insert_with(|| print(source.line(line))).clone()
            },
        );
        let named = listener.map(|listener| {
            let label = host.place(listener.place).and_then(Place::label);
            let label = label.map_or(String::new(), |label| format!("{label}:"));
            // Not the id: in that of an unknown address is the number of the line.
            let unknown = || sources.get(listener.site.source).name().into_owned();
            let address = listener.endpoint.address().unwrap_or_else(unknown);
            format!("{label}{}:{address}", listener.service)
        });
        Self {
            path: source.map(|(source, _)| source.name().into_owned()),
            rule: finding.rule.clone(),
            listener: named,
            line,
            message: finding.message.clone(),
            count: 1,
        }
    }

    fn key(&self) -> Key {
        (self.rule.clone(), self.listener.clone(), self.line.clone())
    }
}

/// The entries of a baseline that no finding has been taken for yet.
struct Left<'a> {
    entries: Vec<(&'a Entry, usize)>,
    by_key: HashMap<Key, Vec<usize>>,
    here: HashMap<(Key, Option<&'a str>), Vec<usize>>,
}

impl<'a> Left<'a> {
    fn of(entries: &'a [Entry]) -> Self {
        let mut left = Self { entries: Vec::new(), by_key: HashMap::default(), here: HashMap::default() };
        for (at, entry) in entries.iter().enumerate() {
            left.entries.push((entry, entry.count));
            left.by_key.entry(entry.key()).or_default().push(at);
            left.here.entry((entry.key(), entry.path.as_deref())).or_default().push(at);
        }
        left
    }

    /// Takes one that is the same and was found in the same file.
    fn take_here(&mut self, entry: &'a Entry) -> bool {
        let alike = self.here.get_mut(&(entry.key(), entry.path.as_deref()));
        alike.is_some_and(|alike| take_one(&mut self.entries, alike))
    }

    fn take(&mut self, entry: &Entry) -> bool {
        let alike = self.by_key.get_mut(&entry.key());
        alike.is_some_and(|alike| take_one(&mut self.entries, alike))
    }

    fn entries(self) -> Vec<Entry> {
        let left = self.entries.into_iter().filter(|(_, count)| *count > 0);
        left.map(|(entry, count)| Entry { count, ..entry.clone() }).collect()
    }
}

/// Takes one of the entries at these indices; those that are used up are dropped from them.
fn take_one(entries: &mut [(&Entry, usize)], alike: &mut Vec<usize>) -> bool {
    while let Some(at) = alike.last() {
        if let Some((_, count)) = entries.get_mut(*at).filter(|(_, count)| *count > 0) {
            *count -= 1;
            return true;
        }
        alike.pop();
    }
    false
}

/// FNV-1a, 64 bits, of a line in which blanks count as one: it stays the same from release to release.
fn print(line: &[u8]) -> String {
    let words: Vec<&[u8]> = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", words.join(&b' ').iter().fold(0xcbf2_9ce4_8422_2325, step))
}
