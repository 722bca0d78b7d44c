//! Every line that assigns a key, or was meant to, and what becomes of it.

use super::files::{File, Left, Out, is_mask};
use super::number::{self, Refused};
use super::outcome::Lot;
use super::{Reader, Row, Written, meant};
use crate::model::{Assignment, Fate, IgnoredFile, Suspect, Sysctls, key};
use crate::syntax::sysctl_line::{self as line, Line, Name, Tool};
use crate::text::tree::Unread;
use crate::text::{Edit, HashMap, HashSet, Slot, Span};

/// An assignment with the name of its file, which orders it.
type Named<'a> = (&'a [u8], Assignment);

impl<'a> Reader<'a> {
    /// In the order in which systemd-sysctl reads the files, those that it leaves out among them. `ruled` are the rows that
    /// name the key, with the lot of each; `odd` are others that may have been meant to.
    pub(super) fn assignments(
        self,
        key: &str,
        odd: &[Row<'a>],
        ruled: &[Row<'a>],
        lots: &[Lot],
    ) -> Vec<Assignment> {
        let mut all: Vec<Named<'a>> = Vec::new();
        // A file that is read under two names counts where it is read last.
        let last: HashMap<Span, usize> = ruled.iter().map(|row| self.span(row)).zip(0..).collect();
        for (index, (row, lot)) in ruled.iter().zip(lots).enumerate() {
            let again = last.get(&self.span(row)) != Some(&index);
            if let Some(line) = self.written(row).filter(|_| !again) {
                let fate = self.fate(key, ruled, &line, *lot);
                let real = self.sources.get(row.source).path();
                let link =
                    real.filter(|real| *real != row.file.path).map(|_| row.file.path.display().to_string());
                all.push((&row.file.name, Assignment { link, ..self.assignment(key, &line, fate) }));
            }
        }
        all.extend(odd.iter().filter_map(|row| self.missed(key, row)));
        all.extend(self.files.left.iter().flat_map(|left| self.of_left(key, left)));
        all.sort_by_key(|(name, _)| *name);
        all.into_iter().map(|(_, line)| line).collect()
    }

    /// The whole of a line, without the blanks around it.
    fn span(self, row: &Row<'_>) -> Span {
        let range = match &row.line {
            Line::Assigns { key, value } => key.start..value.end,
            Line::Excludes { key } => key.clone(),
            Line::Stray { whole } => whole.clone(),
        };
        Span::new(row.source, range)
    }

    fn fate(self, key: &str, ruled: &[Row<'a>], line: &Written<'_>, lot: Lot) -> Fate {
        let at = |index: usize| ruled.get(index).map(|row| self.span(row));
        match lot {
            Lot::Wins => Fate::Wins,
            Lot::Refused => Fate::Invalid {
                why: self.refused(key, line).map(|refused| refused.to_string()).unwrap_or_default(),
            },
            Lot::OverriddenBy(by) => Fate::Overridden { by: at(by).unwrap_or(line.value_at) },
            Lot::ExcludedBy(by) => {
                Fate::NotApplied { why: "a line `-key` without a value excludes it".into(), by: at(by) }
            }
        }
    }

    fn refused(self, key: &str, line: &Written<'_>) -> Option<Refused> {
        number::parse(line.value, self.range(key)).err()
    }

    /// What a line of an applied file is, whatever its fate.
    fn assignment(self, key: &str, line: &Written<'_>, fate: Fate) -> Assignment {
        let range = self.range(key);
        let number = number::parse(line.value, range).ok();
        let part = |from: usize, to: usize| {
            let start = line.value_at.range().start;
            Span::new(line.value_at.source, start + from..start + to)
        };
        let octal_meant = number::octal_meant(line.value);
        let mend = match octal_meant {
            Some(meant) => {
                let word = line.value.iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
                Some(Edit { span: part(0, word), text: meant.to_string() })
            }
            None if number.is_none() => number::mended(line.value, range)
                .map(|value| Edit { span: line.value_at, text: value.to_string() }),
            None => None,
        };
        // A pattern may set more than this key.
        let slot = number.as_ref().filter(|_| !crate::text::has_magic(line.key));
        Assignment {
            key: key.to_owned(),
            key_at: line.key_at,
            value_at: line.value_at,
            value: number.as_ref().map(|number| number.value),
            octal_meant,
            fate,
            in_sysctl_conf: false,
            link: None,
            slot: slot.map(|number| Slot::replace(part(number.at.start, number.at.end))),
            mend,
        }
    }

    /// A line of an applied file that does not name the key but was meant to.
    pub(super) fn missed(self, key: &str, row: &Row<'a>) -> Option<Named<'a>> {
        let (line, why, text) = match &row.line {
            Line::Stray { whole } => {
                let (line, text) = self.without_equals(key, row, whole.clone())?;
                (line, "there is no `=` in the line", text)
            }
            _ => {
                let line = self.written(row)?;
                let why = meant::plain(line.key).filter(|meant| meant.key == key)?.why;
                (line, why, key.to_owned())
            }
        };
        let at = if matches!(row.line, Line::Stray { .. }) { self.span(row) } else { line.key_at };
        let fate = Fate::NotApplied { why: why.to_owned(), by: None };
        let found = self.assignment(key, &line, fate);
        let mend = Some(Edit { span: at, text }).filter(|_| found.value.is_some());
        Some((&row.file.name, Assignment { mend, slot: None, ..found }))
    }

    /// `net.core.somaxconn 1024`, and how it would be written.
    fn without_equals(
        self,
        key: &str,
        row: &Row<'_>,
        whole: std::ops::Range<usize>,
    ) -> Option<(Written<'a>, String)> {
        let text = self.slice(row.source, whole.clone());
        let word = meant::first_word(text);
        let colon = usize::from(text.get(word.len()) == Some(&b':'));
        let rest = whole.start + word.len() + colon..whole.end;
        let value_at = line::strip(self.sources.bytes(row.source), rest, Tool::Systemd);
        let value = self.slice(row.source, value_at.clone());
        number::parse(value, self.range(key)).ok().filter(|_| word == key.as_bytes())?;
        let end = whole.start + word.len();
        let line = Written {
            key: word,
            key_at: Span::new(row.source, whole.start..end),
            value,
            value_at: Span::new(row.source, value_at),
        };
        let text = format!("{key} = {}", String::from_utf8_lossy(value));
        Some((line, text))
    }

    /// The lines for the key in a file that is not applied at boot.
    fn of_left(self, key: &str, left: &'a Left) -> Vec<Named<'a>> {
        let hits = self.rows(&left.file, Tool::Systemd).filter(|row| self.names(row, key));
        hits.filter_map(|row| {
            let line = self.written(&row)?;
            let fate = self.fate_of_left(left);
            let in_sysctl_conf = matches!(left.out, Out::SysctlConf | Out::Moved);
            let found = self.assignment(key, &line, fate);
            // procps reads these two, so their numbers count for somebody.
            let slot = found.slot.filter(|_| matches!(left.out, Out::SysctlConf | Out::Hidden));
            Some((left.file.name.as_slice(), Assignment { in_sysctl_conf, slot, mend: None, ..found }))
        })
        .collect()
    }

    fn fate_of_left(self, left: &'a Left) -> Fate {
        let not_applied = |why: &str| Fate::NotApplied { why: why.to_owned(), by: None };
        match &left.out {
            Out::PassedOver => not_applied("the boot scripts read /etc/sysctl.conf alone"),
            Out::Hidden => not_applied("systemd-sysctl skips files whose name starts with a dot"),
            Out::NotConf => not_applied("the name of the file does not end in .conf"),
            Out::Subfolder => not_applied("systemd-sysctl does not read folders below sysctl.d"),
            Out::SysctlConf => not_applied(
                "systemd-sysctl does not read /etc/sysctl.conf, and no *.conf in sysctl.d links to it",
            ),
            Out::Moved => not_applied(
                "the upgrade to Debian 13 moved /etc/sysctl.conf aside, and nothing reads this copy",
            ),
            Out::Masked(by) => self.masked(&left.file, by),
        }
    }

    /// A file replaces another on purpose if it says nothing at all, or something of a key that the other speaks of too.
    fn masked(self, file: &'a File, by: &'a File) -> Fate {
        let path = by.path.display();
        let why = match &by.text {
            _ if is_mask(self.tree, &by.path) => return Fate::Masked { by: None },
            Ok(source) => {
                let (ours, theirs) = (self.assigned(file), self.assigned(by));
                if theirs.is_empty() || !ours.is_disjoint(&theirs) {
                    return Fate::Masked { by: Some(Span::top(*source)) };
                }
                format!("{path} has the same name and replaces this whole file")
            }
            Err(Unread::NotAFile(kind)) => format!("{path} is {kind} of the same name and hides this file"),
            Err(_) => format!("{path} is a link to nothing and hides this file"),
        };
        Fate::NotApplied { why, by: by.text.clone().ok().map(Span::top) }
    }

    fn assigned(self, file: &'a File) -> HashSet<Name> {
        let rows = self.rows(file, Tool::Systemd).filter(|row| matches!(row.line, Line::Assigns { .. }));
        rows.filter_map(|row| self.name(&row, Tool::Systemd)).collect()
    }

    /// A key that the kernel does not know, close to one that it knows.
    pub(super) fn suspect(self, row: &Row<'_>) -> Option<Suspect> {
        let line = self.written(row)?;
        let plain = meant::plain(line.key);
        let systemd = Name::of(line.key, Tool::Systemd);
        let dotted = match (&plain, &systemd) {
            (Some(plain), _) => plain.key.clone(),
            (None, Name::One(path)) => String::from_utf8_lossy(path).replace('/', "."),
            (None, Name::Pattern(_)) => return None,
        };
        let known = |name: &str| self.facts.is_known(name);
        let meant = match plain {
            // A known key in disguise; the keys of `key::ALL` are assignments that are not applied.
            Some(_) if known(&dotted) => Some(dotted).filter(|key| !key::ALL.contains(&key.as_str())),
            _ => meant::similar(self.facts, &dotted),
        }?;
        let reached = systemd.leads_to(&meant.replace('.', "/"), Tool::Systemd);
        let value = number::parse(line.value, self.range(&meant)).ok().map(|number| number.value);
        let mend = Some(Edit { span: line.key_at, text: meant.clone() });
        (!reached).then_some(Suspect { key_at: line.key_at, value_at: line.value_at, meant, value, mend })
    }

    /// The files that assign a key and are left out by what looks like a mistake.
    pub(super) fn ignored(self, sysctls: &Sysctls) -> Vec<IgnoredFile> {
        let lines = || sysctls.by_key.values().flat_map(|sysctl| &sysctl.assignments);
        let mistaken = |left: &Left| {
            let source = left.file.text.clone().ok()?;
            lines().find_map(|line| match &line.fate {
                Fate::NotApplied { why, by } if line.key_at.source == source => {
                    Some(IgnoredFile { at: Span::top(source), by: *by, why: why.clone() })
                }
                _ => None,
            })
        };
        self.files.left.iter().filter_map(mistaken).collect()
    }
}
