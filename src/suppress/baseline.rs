//! The findings that were there when somebody began to look: a baseline hides them, and nothing else. A finding is known by its
//! rule, its listener and the text of its line, so that it is the same one after lines have moved.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{Finding, Host, Place};
use crate::text::{HashMap, HashSet, SourceId, Sources};

const VERSION: u32 = 1;

/// What makes a baseline.
const WRITES: &str = "--write-baseline FILE writes a baseline";

/// What `--write-baseline` writes and `--baseline` reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// `service:address`, or `service:path` where the address is unknown.
    pub listener: Option<String>,
    /// A hash of the text of its line, without white space: the line itself may hold a secret.
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

    /// Reads what `--write-baseline` wrote to this file; else what is wrong, and the offset of that.
    pub fn parse(text: &[u8], file: &Path) -> Result<Self, (String, usize)> {
        let again = format!("write it again with --write-baseline {}", file.display());
        let merged = memchr::memmem::find_iter(text, b"<<<<<<<")
            .find(|at| at.checked_sub(1).is_none_or(|before| text.get(before) == Some(&b'\n')));
        if let Some(at) = merged {
            return Err((format!("a merge has left its conflict markers here; {again}"), at));
        }
        if text.trim_ascii().is_empty() {
            return Err((format!("the file is empty; {again}"), 0));
        }
        let bare = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
        let cut = text.len() - bare.len();
        let at = |error: &serde_json::Error| cut + offset(bare, error.line(), error.column());
        let value: Value = serde_json::from_slice(bare).map_err(|error| match error.is_eof() {
            true => (format!("the file ends in the middle; {again}"), at(&error)),
            false => (format!("this is not JSON, so it is not a baseline; {WRITES}"), at(&error)),
        })?;
        let has = |key: &str| value.get(key).is_some();
        let all = value.get("findings").and_then(Value::as_array);
        let other = match (value.get("version"), all) {
            _ if has("runs") => Some("this is a report in SARIF".to_owned()),
            _ if has("tool") => Some("this is a report of --format json".to_owned()),
            (Some(version), Some(_)) if version.as_u64() != Some(VERSION.into()) => Some(format!(
                "it is a baseline of version {version}, but this program reads version {VERSION}"
            )),
            (Some(_), Some(all)) if value.is_object() && all.iter().all(Value::is_object) => None,
            _ => Some("this is not a baseline".to_owned()),
        };
        if let Some(other) = other {
            return Err((format!("{other}; {WRITES}"), cut));
        }
        serde_json::from_slice(bare).map_err(|error| {
            let wanted = "an entry has path, rule, listener, line and message in quotes (path and listener may be null), \
                          and count, a whole number";
            (format!("{wanted}; {again}"), at(&error).saturating_sub(1))
        })
    }

    /// The rules that it lists findings of.
    pub fn rules(&self) -> BTreeSet<&str> {
        self.findings.iter().map(|entry| entry.rule.as_str()).collect()
    }

    /// How many findings it lists.
    pub fn count(&self) -> usize {
        self.findings.iter().map(|entry| entry.count).sum()
    }

    /// Whether it lists a finding that is the same as an entry of another one, in whatever file.
    fn has(&self, entry: &Entry) -> bool {
        self.findings.iter().any(|own| own.key() == entry.key())
    }

    /// Of entries that nothing was found for, those that are gone: what was read now does not have them, and nobody ignores them.
    pub fn gone(sources: &Sources, host: &Host, fixed: Vec<Entry>, ignored: &[Finding]) -> Vec<Entry> {
        let ignored = Self::of(sources, host, ignored.iter());
        let read = sources.all().filter(|(_, source)| !source.bytes().is_empty());
        let read: HashSet<String> = read.map(|(_, source)| source.name().into_owned()).collect();
        // Of another folder's files nothing is known: this audit may have begun elsewhere.
        let is_deleted = |path: &Path| {
            let below = |place: &Place| place.root.is_none() && is_absent(&place.top.join(path));
            path.parent().is_some_and(|folder| folder != Path::new("")) && host.places.iter().any(below)
        };
        let is_gone = |entry: &Entry| match &entry.path {
            Some(path) => read.contains(path) || is_deleted(Path::new(path)),
            None => true,
        };
        fixed.into_iter().filter(|entry| is_gone(entry) && !ignored.has(entry)).collect()
    }

    /// Takes out of the findings as many of each kind as the baseline lists: first those in the same file.
    pub fn take(&self, sources: &Sources, host: &Host, findings: Vec<Finding>) -> Known {
        let (entries, left) = self.compare(sources, host, &findings);
        let mut known = Known { findings: Vec::new(), hidden: Vec::new(), fixed: left };
        for (finding, entry) in findings.into_iter().zip(entries) {
            if entry.is_some() { known.hidden.push(finding) } else { known.findings.push(finding) }
        }
        known
    }

    /// For each finding that the baseline lists, what it said there.
    pub fn known(&self, sources: &Sources, host: &Host, findings: &[Finding]) -> Vec<Option<String>> {
        let entries = self.compare(sources, host, findings).0.into_iter();
        entries.map(|entry| entry.map(|entry| entry.message.clone())).collect()
    }

    /// The entry of each finding that has one, and the entries that are left over.
    fn compare(
        &self,
        sources: &Sources,
        host: &Host,
        findings: &[Finding],
    ) -> (Vec<Option<&Entry>>, Vec<Entry>) {
        let mut left = Left::of(&self.findings);
        let mut prints = Prints::default();
        let entries = findings.iter().map(|finding| Entry::of(sources, host, finding, &mut prints));
        let entries: Vec<Entry> = entries.collect();
        // All that stand in the same file first.
        let here: Vec<Option<&Entry>> = entries.iter().map(|entry| left.take_here(entry)).collect();
        let entries = here.into_iter().zip(&entries).map(|(here, entry)| here.or_else(|| left.take(entry)));
        (entries.collect(), left.entries())
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
            let address = listener.address().unwrap_or_else(unknown);
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

/// The offset of a line and a column, both from 1.
fn offset(text: &[u8], line: usize, column: usize) -> usize {
    let before = text.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1));
    let start: usize = before.map(<[u8]>::len).sum();
    text.len().min(start + column.saturating_sub(1))
}

/// Whether a folder lacks a file.
fn is_absent(path: &Path) -> bool {
    path.parent().is_some_and(Path::is_dir) && path.symlink_metadata().is_err()
}

/// The entries of a baseline that no finding has been taken for yet.
struct Left<'a> {
    entries: Vec<(&'a Entry, usize)>,
    by_key: HashMap<Key, Vec<usize>>,
    here: HashMap<(Key, Option<String>), Vec<usize>>,
}

impl<'a> Left<'a> {
    fn of(entries: &'a [Entry]) -> Self {
        let mut left = Self { entries: Vec::new(), by_key: HashMap::default(), here: HashMap::default() };
        for (at, entry) in entries.iter().enumerate() {
            left.entries.push((entry, entry.count));
            left.by_key.entry(entry.key()).or_default().push(at);
            left.here.entry((entry.key(), entry.path.clone())).or_default().push(at);
        }
        left
    }

    /// Takes one that is the same and was found in the same file.
    fn take_here(&mut self, entry: &Entry) -> Option<&'a Entry> {
        let alike = self.here.get_mut(&(entry.key(), entry.path.clone()))?;
        take_one(&mut self.entries, alike)
    }

    fn take(&mut self, entry: &Entry) -> Option<&'a Entry> {
        let alike = self.by_key.get_mut(&entry.key())?;
        take_one(&mut self.entries, alike)
    }

    fn entries(self) -> Vec<Entry> {
        let left = self.entries.into_iter().filter(|(_, count)| *count > 0);
        left.map(|(entry, count)| Entry { count, ..entry.clone() }).collect()
    }
}

/// Takes one of the entries at these indices; those that are used up are dropped from them.
fn take_one<'a>(entries: &mut [(&'a Entry, usize)], alike: &mut Vec<usize>) -> Option<&'a Entry> {
    while let Some(at) = alike.last() {
        if let Some((entry, count)) = entries.get_mut(*at).filter(|(_, count)| *count > 0) {
            *count -= 1;
            return Some(entry);
        }
        alike.pop();
    }
    None
}

/// FNV-1a, 64 bits, of a line in which blanks count as one: it stays the same from release to release.
fn print(line: &[u8]) -> String {
    let words: Vec<&[u8]> = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", words.join(&b' ').iter().fold(0xcbf2_9ce4_8422_2325, step))
}
