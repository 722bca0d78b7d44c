//! tuned(8): the sysctls that its active profile sets when it starts, after those of boot. Where a profile's own file is not in
//! the tree, what the distribution's package has in it counts.

use std::path::{Path, PathBuf};

use crate::knowledge::{KernelFacts, Tuned};
use crate::model::{Kernel, Kind, ReadAs, Value, key};
use crate::text::{SourceId, Sources, Span, Tree, over};

/// Profiles of the administrator go before those of packages (tuned/consts.py: LOAD_DIRECTORIES of 2.20 and 2.24).
const FOLDERS: [&str; 4] = ["etc/tuned/profiles", "etc/tuned", "usr/lib/tuned/profiles", "usr/lib/tuned"];
const ACTIVE: &str = "etc/tuned/active_profile";
const MAIN: &str = "etc/tuned/tuned-main.conf";
/// Profiles of profiles: no more are followed.
const MAX_PROFILES: usize = 20;

/// What tuned makes of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) value: Value<i64>,
    bound: Bound,
    /// It is not written again by the files of /etc and /run (`reapply_sysctl` in tuned-main.conf is on by default).
    pub(super) is_last: bool,
    /// The active profile, where what tuned does with it is that it applies the files again.
    pub(super) again: Option<Span>,
}

impl Setting {
    /// Whether nothing that the files say makes it more.
    pub(super) fn is_final(&self) -> bool {
        self.is_last && self.bound != Bound::AtLeast
    }
}

/// `KEY=>N` is not less than N, `KEY=<N` not more (tuned/plugins/base.py: _process_assignment_modifiers).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    Exactly,
    AtLeast,
    AtMost,
}

impl Setting {
    /// The value after tuned has started, where it was another before.
    pub(super) fn after(&self, before: Option<&Value<i64>>) -> Value<i64> {
        let stays = |before: &&Value<i64>| match self.bound {
            Bound::Exactly => false,
            Bound::AtLeast => before.get >= self.value.get,
            Bound::AtMost => before.get <= self.value.get,
        };
        before.filter(stays).unwrap_or(&self.value).clone()
    }
}

#[derive(Clone, Copy)]
pub(super) struct Profiles<'a> {
    pub(super) sources: &'a Sources,
    pub(super) tree: &'a Tree,
    pub(super) facts: &'a KernelFacts,
    pub(super) kernel: &'a Kernel,
    pub(super) read_as: ReadAs,
}

impl Profiles<'_> {
    /// What is set of somaxconn, the one of our keys that profiles set.
    pub(super) fn somaxconn(self) -> Option<Setting> {
        if !matches!(self.read_as, ReadAs::Root | ReadAs::Etc) {
            return None;
        }
        let known = self.facts.systems.tuned().filter(|known| known.key == key::SOMAXCONN)?;
        let active = self.read(Path::new(ACTIVE)).map(|source| self.text(source));
        let names: Vec<&str> = active.as_deref().unwrap_or_default().split_whitespace().collect();
        if names.is_empty() {
            return self.of_release(known, active.is_some());
        }
        let mut left = MAX_PROFILES;
        // Of several the later ones count (tuned/profiles/merger.py).
        names.into_iter().rev().find_map(|name| self.profile(name, known, &mut left))
    }

    /// tuned runs by default, with a profile that it chooses. That nobody took it away is only assumed.
    fn of_release(self, known: &Tuned, is_there: bool) -> Option<Setting> {
        let gone =
            self.tree.is_folder(Path::new("usr/lib")) && !self.tree.is_folder(Path::new("usr/lib/tuned"));
        let release = self.facts.systems.release(self.sources, self.tree)?;
        let runs = is_there || (!gone && self.kernel.version.kind == Kind::Default);
        (runs && known.runs_on(&release)).then(|| self.known(known, Kind::Assumed))
    }

    fn known(self, known: &Tuned, kind: Kind) -> Setting {
        Setting {
            value: Value { kind, ..known.at_least.clone() },
            bound: Bound::AtLeast,
            is_last: self.is_last(),
            again: self.again(),
        }
    }

    fn profile(self, name: &str, known: &Tuned, left: &mut usize) -> Option<Setting> {
        let Some(less) = left.checked_sub(1) else {
            let active = self.read(Path::new(ACTIVE)).map(Span::top);
            active.iter().for_each(|at| self.sources.cut_off(*at, over("profiles of tuned", MAX_PROFILES)));
            return None;
        };
        *left = less;
        let name = name.rsplit('/').next().filter(|name| !name.is_empty() && *name != "..")?;
        let mut paths = FOLDERS.iter().map(|folder| Path::new(folder).join(name).join("tuned.conf"));
        let Some(source) = paths.find_map(|path: PathBuf| self.read(&path)) else {
            let ships = known.profiles.iter().any(|profile| profile == name);
            return ships.then(|| self.known(known, Kind::Default));
        };
        let text = self.text(source);
        let mut section = String::new();
        let (mut included, mut set) = (String::new(), None);
        for (at, line) in lines(&text) {
            if let Some(named) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
                section = named.to_owned();
            } else if let Some((key, value)) = line.split_once('=') {
                match (section.as_str(), key.trim()) {
                    ("main", "include") => included = value.trim().to_owned(),
                    ("sysctl", key::SOMAXCONN) => {
                        set = self.setting(source, value, at + line.len() - value.len());
                    }
                    _ => (),
                }
            }
        }
        let include = || included.split(',').rev().find_map(|name| self.profile(function(name), known, left));
        set.or_else(include)
    }

    fn setting(self, source: SourceId, value: &str, at: usize) -> Option<Setting> {
        let text = value.trim();
        let bound = match text.bytes().next() {
            Some(b'>') => Bound::AtLeast,
            Some(b'<') => Bound::AtMost,
            _ => Bound::Exactly,
        };
        let digits = text.trim_start_matches(['>', '<']).trim().trim_matches(['"', '\'']);
        let range = self.facts.range(key::SOMAXCONN, self.kernel);
        let number = super::number::parse(digits.as_bytes(), range).ok()?;
        let start = at + value.find(digits)?;
        let span = Span::new(source, start + number.at.start..start + number.at.end);
        Some(Setting {
            value: Value::written(number.value, span),
            bound,
            is_last: self.is_last(),
            again: self.again(),
        })
    }

    fn again(self) -> Option<Span> {
        self.read(Path::new(ACTIVE)).filter(|_| !self.is_last()).map(Span::top)
    }

    fn is_last(self) -> bool {
        let Some(source) = self.read(Path::new(MAIN)) else { return false };
        let text = self.text(source);
        let set = lines(&text).filter_map(|(_, line)| line.split_once('='));
        let value = set.filter(|(key, _)| key.trim() == "reapply_sysctl").last();
        value.is_some_and(|(_, value)| matches!(value.trim(), "0" | "False" | "false" | "no" | "off"))
    }

    fn read(self, path: &Path) -> Option<SourceId> {
        self.tree.read(self.sources, path).ok()
    }

    fn text(self, source: SourceId) -> String {
        // As long as it is, so that places in it are places in the file.
        let letter = |byte: &u8| if byte.is_ascii() { char::from(*byte) } else { '?' };
        self.sources.bytes(source).iter().map(letter).collect()
    }
}

/// `${f:virt_check:virtual-guest:throughput-performance}` is one of two, which set the same.
fn function(name: &str) -> &str {
    let name = name.trim();
    let inside = name.strip_prefix("${f:virt_check:").and_then(|inside| inside.strip_suffix('}'));
    inside.and_then(|names| names.split(':').next()).unwrap_or(name)
}

/// Lines that say something, and where each starts.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    let placed = text.split_inclusive('\n').map(move |line| {
        let start = at + line.len() - line.trim_start().len();
        at += line.len();
        (start, line.trim())
    });
    placed.filter(|(_, line)| !line.is_empty() && !line.starts_with(['#', ';']))
}
