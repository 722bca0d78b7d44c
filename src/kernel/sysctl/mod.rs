//! sysctl.d: which files are applied, in which order, and what comes of every line, at boot (systemd-sysctl) and by hand (procps).

mod assignments;
mod files;
mod meant;
mod number;
mod outcome;
mod slot;
mod tuned;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range as Bytes;
use std::path::Path;

use super::{Asked, live};
use crate::knowledge::{KernelFacts, Knowledge, Range};
use crate::model::{
    Assignment, Fate, Kernel, Kind, Problem, ProblemKind, ReadAs, Suspect, Sysctl, Sysctls, Value, key,
};
use crate::syntax::sysctl_line::{self as line, Line, MAX_PATTERNS, Name, Tool};
use crate::text::tree::Unread;
use crate::text::{HashSet, SourceId, Sources, Span, Tree, over};
use files::{File, Files, Search};
use outcome::{Hit, Lot};
use slot::DropIns;

/// No sysctl file has as many lines: what has is data under a wrong name.
const MAX_LINES: usize = 20_000;
/// Lines about unknown keys of the network, of all files, that may have been meant for ours.
const MAX_ODD: usize = 10_000;

/// The sysctls of a tree's host.
pub fn read(
    sources: &Sources,
    tree: &Tree,
    knowledge: &Knowledge,
    read_as: ReadAs,
    asked: &Asked,
    kernel: &Kernel,
) -> (Sysctls, Vec<Problem>) {
    let files = Search { sources, tree, read_as, matters: names_a_key }.files(&asked.files);
    let reader = Reader {
        sources,
        tree,
        facts: &knowledge.kernel,
        kernel,
        templates: matches!(read_as, ReadAs::Repo | ReadAs::File),
        files: &files,
    };
    let boot = reader.gather(&files.boot, files.tool);
    let system = reader.gather(&files.system, Tool::Procps);
    let tuned = tuned::Profiles { sources, tree, facts: &knowledge.kernel, kernel, read_as }.somaxconn();
    let mut drop_ins = DropIns::new(sources, tree, read_as, &files);
    let mut sysctls = Sysctls::default();
    let suspects: Vec<(&File, Suspect)> =
        boot.odd.iter().filter_map(|row| Some((row.file, reader.suspect(row)?))).collect();
    for key in key::ALL {
        let said = reader.said(key, &boot, &system);
        let last = reader.last_name(key, &boot, &suspects);
        let slot = said.is_one_machine.then(|| drop_ins.slot(key, &said.sysctl.assignments, last)).flatten();
        sysctls.by_key.insert(
            key.to_owned(),
            reader.in_force(key, Sysctl { slot, ..said.sysctl }, tuned.as_ref(), asked),
        );
    }
    sysctls.suspects = suspects.into_iter().map(|(_, suspect)| suspect).collect();
    sysctls.ignored = reader.ignored(&sysctls);
    (sysctls, files.boot.iter().filter_map(|file| reader.problem(file)).collect())
}

/// Whether OpenRC starts the services of a machine: Alpine's, or one that has its runlevels.
pub fn is_openrc(sources: &Sources, tree: &Tree, knowledge: &Knowledge, read_as: ReadAs) -> bool {
    let alpine =
        || knowledge.kernel.systems.release(sources, tree).is_some_and(|release| release.id == "alpine");
    matches!(read_as, ReadAs::Root | ReadAs::Etc)
        && (tree.is_folder(Path::new("etc/runlevels")) || alpine())
        && !files::has_systemd(tree)
}

/// Whether a text may assign one of the keys: a glance, so that files which are not applied need not be read as sources.
fn names_a_key(text: &[u8]) -> bool {
    let leaf = |key: &'static str| key.rsplit('.').next().unwrap_or(key).as_bytes();
    let small = text.to_ascii_lowercase();
    key::ALL.into_iter().any(|key| memchr::memmem::find(&small, leaf(key)).is_some())
}

/// Whether different parts of a repository say different things of a key: then they are for different machines, and none of
/// them says what holds.
fn of_several_machines(rows: &[Row<'_>], hits: &[Hit<'_>]) -> bool {
    let groups: BTreeSet<&Path> = rows.iter().map(|row| row.file.group.as_path()).collect();
    let texts: BTreeSet<Option<&[u8]>> =
        hits.iter().map(|hit| hit.value.as_ref().map(|(text, _)| *text)).collect();
    groups.len() > 1 && texts.len() > 1
}

/// A line and the file that it stands in.
#[derive(Debug, Clone)]
struct Row<'a> {
    file: &'a File,
    source: SourceId,
    line: Line,
}

impl Row<'_> {
    fn span(&self) -> Span {
        Span::new(self.source, self.line.start()..self.line.start())
    }
}

/// The lines of all files that concern us.
#[derive(Default)]
struct Gathered<'a> {
    /// Those that name one of the keys, with what they say of it.
    by_key: BTreeMap<&'static str, (Vec<Row<'a>>, Vec<Hit<'a>>)>,
    /// Those that may have been meant to.
    odd: Vec<Row<'a>>,
}

impl<'a> Gathered<'a> {
    fn of(&self, key: &str) -> (&[Row<'a>], &[Hit<'a>]) {
        self.by_key.get(key).map_or((&[], &[]), |(rows, hits)| (rows, hits))
    }
}

/// What the files say of a key.
struct Said {
    sysctl: Sysctl,
    /// Else there is no place beside the lines where a number would count.
    is_one_machine: bool,
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
    fn gather(self, files: &'a [File], tool: Tool) -> Gathered<'a> {
        let mut gathered = Gathered::default();
        let mut seen: HashSet<(SourceId, usize)> = HashSet::default();
        let paths = key::ALL.map(|key| (key, key.replace('.', "/")));
        for row in files.iter().flat_map(|file| self.rows(file, tool)) {
            let name = self.name(&row, tool);
            let leads = |path: &str| name.as_ref().is_some_and(|name| name.leads_to(path, tool));
            if tool == Tool::Systemd && name.as_ref().is_some_and(Name::is_cut_off) {
                self.sources.cut_off(row.span(), over("patterns that braces make", MAX_PATTERNS));
            }
            let mut known = false;
            for (key, _) in paths.iter().filter(|(_, path)| leads(path)) {
                let (rows, hits) = gathered.by_key.entry(key).or_default();
                hits.extend(name.clone().map(|name| self.hit(&row, name, key)));
                rows.push(row.clone());
                known = true;
            }
            if known || !self.is_odd(&row) || !seen.insert((row.source, row.line.start())) {
                continue;
            }
            match gathered.odd.len() < MAX_ODD {
                true => gathered.odd.push(row),
                false => {
                    self.sources.cut_off(row.span(), over("lines about other keys of the network", MAX_ODD))
                }
            }
        }
        gathered
    }

    fn rows(self, file: &'a File, tool: Tool) -> impl Iterator<Item = Row<'a>> {
        let source = file.text.clone().ok();
        let text = source.map(|source| self.sources.bytes(source)).unwrap_or_default();
        let mut left = MAX_LINES;
        let within = move |_: &Line| {
            if let Some(source) = source.filter(|_| left == 0) {
                self.sources.cut_off(Span::top(source), over("lines of sysctls", MAX_LINES));
            }
            left.checked_sub(1).inspect(|less| left = *less).is_some()
        };
        let rows = line::lines(text, tool).take_while(within).zip(std::iter::repeat(source));
        rows.filter_map(move |(line, source)| Some(Row { file, source: source?, line }))
            .filter(move |row| !self.is_template(row))
    }

    /// Whether a line that names none of the keys may have been meant to, or to name another of the network.
    fn is_odd(self, row: &Row<'_>) -> bool {
        match &row.line {
            Line::Assigns { key, .. } => {
                let key = self.slice(row.source, key.clone());
                // `//` is how other languages begin a comment: its author wants nothing of the line.
                !key.starts_with(b"//") && key.windows(3).any(|part| part.eq_ignore_ascii_case(b"net"))
            }
            Line::Stray { whole } => names_a_key(self.slice(row.source, whole.clone())),
            Line::Excludes { .. } => false,
        }
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
        self.facts.range(key, self.kernel)
    }

    /// What the line names; nothing if it is a stray.
    fn name(self, row: &Row<'_>, tool: Tool) -> Option<Name> {
        match &row.line {
            Line::Assigns { key, .. } | Line::Excludes { key } => {
                Some(Name::of(self.slice(row.source, key.clone()), tool))
            }
            Line::Stray { .. } => None,
        }
    }

    /// Whether systemd-sysctl takes the line for one about the key.
    fn names(self, row: &Row<'_>, key: &str) -> bool {
        let name = self.name(row, Tool::Systemd);
        name.is_some_and(|name| name.leads_to(&key.replace('.', "/"), Tool::Systemd))
    }

    fn hit(self, row: &Row<'_>, name: Name, key: &str) -> Hit<'a> {
        let value = self.written(row).map(|line| (line.value, number::parse(line.value, self.range(key))));
        Hit { name, value }
    }

    /// The name of the last file with a line about the key, or with one that was meant to be: once it is mended, it counts.
    fn last_name(self, key: &str, boot: &Gathered<'a>, suspects: &[(&'a File, Suspect)]) -> &'a [u8] {
        let named = boot.of(key).0.iter();
        let missed = boot.odd.iter().filter(|row| self.missed(key, row).is_some());
        let misspelt = suspects.iter().filter(|(_, suspect)| suspect.meant == key).map(|(file, _)| *file);
        let files = named.chain(missed).map(|row| row.file).chain(misspelt);
        files.map(|file| file.name.as_slice()).max().unwrap_or_default()
    }

    /// What the files say of a key.
    fn said(self, key: &str, boot: &Gathered<'a>, system: &Gathered<'a>) -> Said {
        let path = key.replace('.', "/");
        let (rows, hits) = boot.of(key);
        let lots = match self.files.tool {
            Tool::Systemd => outcome::at_boot(hits),
            Tool::Procps => outcome::in_turn(hits, &path),
        };
        let winner = lots.iter().position(|lot| *lot == Lot::Wins).and_then(|index| rows.get(index));
        let (theirs, their_hits) = system.of(key);
        let last = outcome::by_hand(their_hits, &path).and_then(|index| theirs.get(index));
        let said = Sysctl {
            key: key.to_owned(),
            value: None,
            boot: winner.and_then(|row| self.value(key, row)),
            system: last.and_then(|row| self.value(key, row)),
            again: None,
            live: None,
            default: self.facts.default(key, self.kernel),
            assignments: self.assignments(key, &boot.odd, rows, &lots),
            slot: None,
        };
        if of_several_machines(rows, hits) {
            let wrong =
                |line: &Assignment| matches!(line.fate, Fate::Invalid { .. } | Fate::NotApplied { .. });
            let assignments = said.assignments.into_iter().filter(wrong).collect();
            let sysctl = Sysctl { boot: None, system: None, assignments, ..said };
            return Said { sysctl, is_one_machine: false };
        }
        Said { sysctl: said, is_one_machine: true }
    }

    /// What holds when a service starts after boot: `--set`, else the files, else tuned, else the running kernel, else its default.
    fn in_force(self, key: &str, said: Sysctl, tuned: Option<&tuned::Setting>, asked: &Asked) -> Sysctl {
        let set = asked.set.iter().rev().find(|(name, ..)| name == key);
        let set = set.map(|(_, value, span)| Value::written(*value, *span));
        let live = asked.live.then(|| self.live(key)).flatten();
        let boot = self.after_boot(tuned.filter(|_| key == key::SOMAXCONN), &said);
        let (written, guessed) = match boot {
            Some(boot) if boot.kind != Kind::Written => (None, Some(boot)),
            boot => (boot, None),
        };
        let value = set.or(written).or_else(|| live.clone()).or(guessed).or_else(|| said.default.clone());
        let is_final = key == key::SOMAXCONN && tuned.is_some_and(tuned::Setting::is_final);
        // No file of ours comes after it.
        let slot = said.slot.clone().filter(|_| !is_final);
        let again = tuned.and_then(|tuned| tuned.again);
        Sysctl { value, live, slot, again, ..said }
    }

    /// What the files leave, and tuned after them: it writes those of /etc and /run again unless it is told not to.
    fn after_boot(self, tuned: Option<&tuned::Setting>, said: &Sysctl) -> Option<Value<i64>> {
        let again = |boot: &&Value<i64>| {
            let path = self.sources.get(boot.span.source).path();
            path.is_none_or(|path| path.starts_with("etc") || path.starts_with("run"))
        };
        match tuned {
            None => said.boot.clone(),
            Some(tuned) if tuned.is_last => Some(tuned.after(said.boot.as_ref().or(said.default.as_ref()))),
            Some(tuned) => match said.boot.as_ref().filter(again) {
                Some(boot) => Some(boot.clone()),
                None => Some(tuned.after(said.boot.as_ref().or(said.default.as_ref()))),
            },
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

    /// A file that counts at boot and that we cannot read. A link that leads nowhere is nothing to it.
    fn problem(self, file: &File) -> Option<Problem> {
        let why = match &file.text {
            Ok(_) | Err(Unread::Missing | Unread::Dangling(_) | Unread::Outside) => return None,
            Err(_) if files::is_mask(self.tree, &file.path) => return None,
            Err(why) => why,
        };
        Some(Problem {
            // Where there is no file, no tool reads one.
            kind: if matches!(why, Unread::NotAFile(_)) { ProblemKind::Skipped } else { ProblemKind::Lost },
            service: None,
            message: format!("cannot read all of {}: {why}", file.path.display()),
            help: why.help(),
            at: Span::top(self.tree.unread(self.sources, &file.path)),
            labels: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests;
