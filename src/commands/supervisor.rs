//! supervisord's programs (supervisor 4.2, options.py): command lines without a shell, with `%(name)s` expanded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Started;
use super::line::{Base, Form, Line, Scene, follow};
use crate::knowledge::Candidate;
use crate::model::Starter;
use crate::syntax::ini::{self, Entry};
use crate::syntax::letters::{Letter, Letters};
use crate::syntax::shell::{self, Assignment, Known, Variables, Word};

/// How many processes of one program are told apart.
const MAX_PROCESSES: i64 = 64;

/// How many files one file may include.
const MAX_FILES: usize = 500;

pub(super) fn read(scene: &Scene<'_>, files: &[Candidate], started: &mut Started) {
    let mut done: BTreeSet<PathBuf> = BTreeSet::new();
    // Those that include others first, because their environment is that of the others as well.
    let mut mains: Vec<&Candidate> = Vec::new();
    let mut rest: Vec<&Candidate> = Vec::new();
    for file in files {
        let is_main = entries(scene, &file.path).iter().any(is_include);
        if is_main { mains.push(file) } else { rest.push(file) }
    }
    for file in mains.into_iter().chain(rest) {
        if !done.insert(file.path.clone()) {
            continue;
        }
        let mut all = vec![(file.path.clone(), entries(scene, &file.path))];
        for path in included(scene, &file.path, &all.iter().flat_map(|(_, it)| it.iter()).collect::<Vec<_>>())
        {
            if done.insert(path.clone()) {
                let entries = entries(scene, &path);
                all.push((path, entries));
            }
        }
        programs(scene, &all, started);
    }
}

fn entries(scene: &Scene<'_>, path: &Path) -> Vec<Entry> {
    let source = scene.tree.read(scene.sources, path);
    source.map(|source| ini::entries(scene.sources, source)).unwrap_or_default()
}

fn is_include(entry: &Entry) -> bool {
    entry.section == "include" && entry.key == "files"
}

/// The files that `[include]` names, seen from the folder of the file.
fn included(scene: &Scene<'_>, path: &Path, entries: &[&Entry]) -> Vec<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let here = folder.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in entries.iter().filter(|entry| is_include(entry)) {
        let text = entry.value.text().replace("%(here)s", &format!("/{here}"));
        for pattern in text.split_ascii_whitespace() {
            let at = match pattern.strip_prefix('/') {
                Some(absolute) => PathBuf::from(absolute),
                None => folder.join(pattern),
            };
            let paths = scene.tree.glob(at.to_string_lossy().as_bytes()).into_iter();
            found.extend(paths.filter_map(|path| scene.tree.resolve(&path).ok()));
        }
    }
    found.truncate(MAX_FILES);
    found
}

/// The settings of one section.
type Settings<'a> = BTreeMap<&'a str, &'a Entry>;

fn programs(scene: &Scene<'_>, files: &[(PathBuf, Vec<Entry>)], started: &mut Started) {
    let mut sections: BTreeMap<(&str, &Path), Settings<'_>> = BTreeMap::new();
    for (path, entries) in files {
        for entry in entries {
            sections.entry((&entry.section, path)).or_default().insert(&entry.key, entry);
        }
    }
    let shared = sections.iter().find(|((section, _), _)| *section == "supervisord");
    let shared = shared.and_then(|((_, path), settings)| Some((settings.get("environment")?, *path)));
    let shared = shared.map(|(entry, path)| environment(&entry.value, &Names::of(scene, path)));
    let shared = shared.unwrap_or_default();
    for ((section, path), settings) in &sections {
        let Some(name) = section.strip_prefix("program:").or_else(|| section.strip_prefix("fcgi-program:"))
        else {
            continue;
        };
        program(scene, name.trim(), path, settings, &shared, started);
    }
}

fn program(
    scene: &Scene<'_>,
    name: &str,
    path: &Path,
    settings: &Settings<'_>,
    shared: &[Assignment],
    started: &mut Started,
) {
    let Some(command) = settings.get("command") else { return };
    let number =
        |key: &str| settings.get(key).and_then(|entry| entry.value.text().trim().parse::<i64>().ok());
    let (count, first) = (number("numprocs").unwrap_or(1), number("numprocs_start").unwrap_or(0));
    for process in 0..count.clamp(0, MAX_PROCESSES) {
        let mut names = Names::of(scene, path);
        names.set("program_name", name);
        names.set("group_name", name);
        names.numbers.insert("process_num".into(), first.saturating_add(process));
        names.numbers.insert("numprocs".into(), count);
        let mut all = shared.to_vec();
        if let Some(entry) = settings.get("environment") {
            all.extend(environment(&entry.value, &names));
        }
        names.environment = &all;
        let (letters, open) = names.expand(&command.value);
        let Some(words) = shell::split(&letters) else { return };
        let opens = |word: Word| Word { open: open && word.letters.bytes().contains(&b'%'), ..word };
        let folder = settings.get("directory").map(|entry| names.expand(&entry.value).0.text());
        let beside = path.parent().unwrap_or(Path::new(""));
        let folder = match (folder, scene.is_machine()) {
            (Some(folder), _) => scene.folder(Some(beside), &folder),
            (None, true) => Some(PathBuf::new()),
            (None, false) => Some(beside.to_owned()),
        };
        let line = Line {
            words: words.into_iter().map(opens).collect(),
            environment: all.clone(),
            folder,
            form: Form::Plain,
            at: Some(command.at),
        };
        let mut variables = Variables::default();
        for Assignment { name, value } in &all {
            variables.set(name, Known::Set(value.clone()));
        }
        started.commands.extend(follow(scene, &Base::new(Starter::Supervisor, name), line, &variables));
    }
}

/// `A="b",C='d',E=f` (supervisor's datatypes.py, dict_of_key_value_pairs).
fn environment(value: &Letters, names: &Names<'_>) -> Vec<Assignment> {
    let (text, open) = names.expand(value);
    let mut found = Vec::new();
    let mut start = 0;
    let mut quote = None;
    let ends = text.0.iter().enumerate().filter(|(_, letter)| {
        match (quote, letter.byte) {
            (None, b'"' | b'\'') => quote = Some(letter.byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
        quote.is_none() && matches!(letter.byte, b',' | b'\n')
    });
    let ends: Vec<usize> = ends.map(|(index, _)| index).chain([text.len()]).collect();
    for end in ends {
        let part = text.slice(start..end);
        start = end + 1;
        let Some(equals) = part.0.iter().position(|letter| letter.byte == b'=') else { continue };
        let name = part.slice(0..equals).text().trim().to_owned();
        let value =
            shell::split(&part.slice(equals + 1..part.len())).and_then(|words| words.into_iter().next());
        if let Some(value) = value {
            let open = open && value.letters.bytes().contains(&b'%');
            found.push(Assignment { name, value: Word { open, ..value } });
        }
    }
    found
}

/// What `%(name)s` may stand for.
struct Names<'a> {
    texts: BTreeMap<String, String>,
    numbers: BTreeMap<String, i64>,
    environment: &'a [Assignment],
}

impl<'a> Names<'a> {
    fn of(scene: &Scene<'_>, path: &Path) -> Self {
        let mut names = Self { texts: BTreeMap::new(), numbers: BTreeMap::new(), environment: &[] };
        let folder = path.parent().unwrap_or(Path::new(""));
        // In a repository nobody knows where the file will lie.
        if scene.is_machine() {
            names.set("here", &format!("/{}", folder.display()));
        }
        names
    }

    fn set(&mut self, name: &str, text: &str) {
        self.texts.insert(name.to_owned(), text.to_owned());
    }

    /// A value with everything expanded, and whether something is not known. Each value may refer to the environment that
    /// supervisord itself has, which only a running one knows, and to what the file sets.
    fn expand(&self, value: &Letters) -> (Letters, bool) {
        let text = &value.0;
        let mut letters = Letters::default();
        let mut open = false;
        let mut at = 0;
        while let Some(letter) = text.get(at).copied() {
            let next = text.get(at + 1).map(|letter| letter.byte);
            let (length, known) = match (letter.byte, next) {
                (b'%', Some(b'%')) => (2, Some(Letters(vec![letter]))),
                (b'%', Some(b'(')) => match self.reference(text.get(at..).unwrap_or_default()) {
                    Some((length, known)) => (length, known),
                    None => (1, None),
                },
                _ => {
                    letters.0.push(letter);
                    at += 1;
                    continue;
                }
            };
            let written = text.get(at..at + length).unwrap_or_default();
            match known {
                Some(known) => letters.0.extend(known.0),
                None => {
                    open = true;
                    letters.0.extend(written);
                }
            }
            at += length;
        }
        (letters, open)
    }

    /// `%(name)s`, `%(process_num)02d`: how long it is, and what it stands for.
    fn reference(&self, text: &[Letter]) -> Option<(usize, Option<Letters>)> {
        let close = text.iter().take(200).position(|letter| letter.byte == b')')?;
        let name: String = text.get(2..close)?.iter().map(|letter| char::from(letter.byte)).collect();
        let flags: String =
            text.get(close + 1..)?.iter().take(6).map(|letter| char::from(letter.byte)).collect();
        let width = flags.chars().take_while(char::is_ascii_digit).count();
        let kind = flags.chars().nth(width)?;
        let length = close + 1 + width + 1;
        let at = Letters(text.get(..length)?.to_vec()).span()?;
        let said = |text: String| {
            let mut letters = Letters::default();
            letters.push_for(text.as_bytes(), at);
            letters
        };
        let digits = flags.get(..width)?;
        let known = match (self.texts.get(&name), self.numbers.get(&name), name.strip_prefix("ENV_")) {
            (Some(text), _, _) if kind == 's' => Some(said(text.clone())),
            (_, Some(number), _) => padded(*number, digits).map(said),
            (_, _, Some(variable)) => {
                let found = self.environment.iter().rev().find(|assignment| assignment.name == variable);
                found.filter(|found| !found.value.open).map(|found| found.value.letters.clone())
            }
            _ => None,
        };
        Some((length, known))
    }
}

/// A number as `%02d` writes it.
fn padded(number: i64, digits: &str) -> Option<String> {
    let width =
        if digits.is_empty() { 0 } else { digits.parse::<usize>().ok().filter(|width| *width < 20)? };
    Some(match digits.starts_with('0') {
        true => format!("{number:0width$}"),
        false => format!("{number:width$}"),
    })
}
