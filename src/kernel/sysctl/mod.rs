//! sysctl.d: which files are applied, in which order, and what comes of every line, at boot (systemd-sysctl) and by hand (procps).

mod assignments;
mod files;
mod line;
mod meant;
mod number;
mod outcome;
mod slot;

use std::ops::Range as Bytes;

use super::{Asked, live};
use crate::knowledge::{KernelFacts, Knowledge, Range};
use crate::model::{Kernel, Kind, Problem, ProblemKind, ReadAs, Sysctl, Sysctls, Value, key};
use crate::text::tree::Unread;
use crate::text::{SourceId, Sources, Span, Tree};
use files::{File, Files};
use line::{Line, Name, Tool};
use outcome::{Hit, Lot};
use slot::DropIns;

/// The sysctls of a tree's host.
pub fn read(
    sources: &Sources,
    tree: &Tree,
    knowledge: &Knowledge,
    read_as: ReadAs,
    asked: &Asked,
    kernel: &Kernel,
) -> (Sysctls, Vec<Problem>) {
    let files = Files::find(sources, tree, read_as, &asked.files, names_a_key);
    let reader = Reader {
        sources,
        tree,
        facts: &knowledge.kernel,
        kernel,
        templates: matches!(read_as, ReadAs::Repo | ReadAs::File),
        files: &files,
    };
    let boot = reader.rows(&files.boot, Tool::Systemd);
    let system = reader.rows(&files.system, Tool::Procps);
    let mut drop_ins = DropIns::new(sources, tree, read_as, &files);
    let mut sysctls = Sysctls::default();
    for key in key::ALL {
        let sysctl = reader.sysctl(key, &boot, &system, asked, &mut drop_ins);
        sysctls.by_key.insert(key.to_owned(), sysctl);
    }
    sysctls.suspects = boot.iter().filter_map(|row| reader.suspect(row)).collect();
    sysctls.ignored = reader.ignored(&sysctls);
    (sysctls, files.boot.iter().filter_map(|file| reader.problem(file)).collect())
}

/// Whether a text may assign one of the keys: a glance, so that files which are not applied need not be read as sources.
fn names_a_key(text: &[u8]) -> bool {
    let leaf = |key: &'static str| key.rsplit('.').next().unwrap_or(key).as_bytes();
    let small = text.to_ascii_lowercase();
    key::ALL.into_iter().any(|key| memchr::memmem::find(&small, leaf(key)).is_some())
}

/// A line and the file that it stands in.
#[derive(Debug, Clone)]
struct Row<'a> {
    file: &'a File,
    source: SourceId,
    line: Line,
}

/// Key and value of an assignment, and the bytes that they are.
struct Written<'a> {
    key: &'a [u8],
    key_at: Span,
    value: &'a [u8],
    value_at: Span,
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    sources: &'a Sources,
    tree: &'a Tree,
    facts: &'a KernelFacts,
    kernel: &'a Kernel,
    /// Values may be left for a templating tool to fill in.
    templates: bool,
    files: &'a Files,
}

impl<'a> Reader<'a> {
    fn rows(self, files: &'a [File], tool: Tool) -> Vec<Row<'a>> {
        files.iter().flat_map(|file| self.rows_of(file, tool)).collect()
    }

    fn rows_of(self, file: &'a File, tool: Tool) -> Vec<Row<'a>> {
        let Ok(source) = file.text else { return Vec::new() };
        let lines = line::lines(self.sources.bytes(source), tool).into_iter();
        lines.map(|line| Row { file, source, line }).filter(|row| !self.is_template(row)).collect()
    }

    fn is_template(self, row: &Row<'_>) -> bool {
        let Line::Assigns { key, value } = &row.line else { return false };
        let text = self.slice(row.source, key.start..value.end);
        self.templates
            && [&b"{{"[..], b"{%", b"<%", b"${", b"$("]
                .iter()
                .any(|mark| memchr::memmem::find(text, mark).is_some())
    }

    fn slice(self, source: SourceId, range: Bytes<usize>) -> &'a [u8] {
        self.sources.bytes(source).get(range).unwrap_or_default()
    }

    fn written(self, row: &Row<'_>) -> Option<Written<'a>> {
        let Line::Assigns { key, value } = &row.line else { return None };
        let span = |range: &Bytes<usize>| Span::new(row.source, range.clone());
        Some(Written {
            key: self.slice(row.source, key.clone()),
            key_at: span(key),
            value: self.slice(row.source, value.clone()),
            value_at: span(value),
        })
    }

    fn range(self, key: &str) -> Range {
        self.facts.range(key, self.kernel.version.get)
    }

    /// What the line has to do with the key, if anything.
    fn hit(self, row: &Row<'_>, key: &str, tool: Tool) -> Option<Hit<'a>> {
        let range = match &row.line {
            Line::Assigns { key, .. } | Line::Excludes { key } => key.clone(),
            Line::Stray { .. } => return None,
        };
        let name = Name::of(self.slice(row.source, range), tool);
        let named = name.leads_to(&key.replace('.', "/"), tool);
        let value = self.written(row).map(|line| (line.value, number::parse(line.value, self.range(key))));
        named.then_some(Hit { name, value })
    }

    fn sysctl(
        self,
        key: &str,
        boot: &[Row<'a>],
        system: &[Row<'a>],
        asked: &Asked,
        drop_ins: &mut DropIns<'_>,
    ) -> Sysctl {
        let hits = |rows: &[Row<'a>], tool| -> (Vec<Row<'a>>, Vec<Hit<'a>>) {
            rows.iter().filter_map(|row| Some((row.clone(), self.hit(row, key, tool)?))).unzip()
        };
        let (rows, ours) = hits(boot, Tool::Systemd);
        let lots = outcome::at_boot(&ours);
        let winner = lots.iter().position(|lot| *lot == Lot::Wins).and_then(|index| rows.get(index));
        let (theirs_at, theirs) = hits(system, Tool::Procps);
        let last = outcome::by_hand(&theirs, &key.replace('.', "/")).and_then(|index| theirs_at.get(index));
        let assignments = self.assignments(key, boot, &rows, &lots);
        let boot = winner.and_then(|row| self.value(key, row));
        let set = asked.set.iter().rev().find(|(name, ..)| name == key);
        let set = set.map(|(_, value, span)| Value::written(*value, *span));
        let live = asked.live.then(|| self.live(key)).flatten();
        let default = self.facts.default(key, self.kernel);
        Sysctl {
            key: key.to_owned(),
            value: set.or_else(|| boot.clone()).or_else(|| live.clone()).or_else(|| default.clone()),
            system: last.and_then(|row| self.value(key, row)),
            boot,
            live,
            default,
            slot: drop_ins.slot(key, &assignments, rows.last().map(|row| row.file.name.as_slice())),
            assignments,
        }
    }

    fn live(self, key: &str) -> Option<Value<i64>> {
        let (text, span) = live::reading(self.sources, key)?;
        Some(Value { get: text.parse().ok()?, span, kind: Kind::Live })
    }

    /// The value that a line gives the key, at the number itself.
    fn value(self, key: &str, row: &Row<'_>) -> Option<Value<i64>> {
        let line = self.written(row)?;
        let number = number::parse(line.value, self.range(key)).ok()?;
        let start = line.value_at.range().start;
        let at = Span::new(row.source, start + number.at.start..start + number.at.end);
        Some(Value::written(number.value, at))
    }

    /// A file that systemd-sysctl opens and we cannot read. A link that leads nowhere is nothing to it.
    fn problem(self, file: &File) -> Option<Problem> {
        let why = match &file.text {
            Ok(_) | Err(Unread::Missing | Unread::Dangling(_) | Unread::Outside) => return None,
            Err(_) if files::is_mask(self.tree, &file.path) => return None,
            Err(why) => why,
        };
        Some(Problem {
            kind: ProblemKind::Skipped,
            service: None,
            message: format!("{} was not read: {why}", file.path.display()),
            help: None,
            at: Span::top(self.tree.unread(self.sources, &file.path)),
            labels: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests;
