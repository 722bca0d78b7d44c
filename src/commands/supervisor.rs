//! supervisord's programs (supervisor 4.2, options.py): command lines without a shell, with `%(name)s` expanded.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::Started;
use super::follow::follow;
use super::line::{Base, Form, Line};
use super::scene::{Given, Scene, weight};
use crate::knowledge::Candidate;
use crate::model::{Command, Problem, ProblemKind, Starter};
use crate::syntax::ini::{self, Entry};
use crate::syntax::shell::{self, Assignment, Known, Variables};
use crate::text::{Text, over};

/// How many processes of one program are told apart.
const MAX_PROCESSES: i64 = 1_000;

/// How many files one file may include.
const MAX_FILES: usize = 4_000;

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
    scene.read(path).map(|source| ini::entries(scene.sources, source)).unwrap_or_default()
}

fn is_include(entry: &Entry) -> bool {
    *entry.section == *"include" && entry.key == "files"
}

/// The files that `[include]` names, seen from the folder of the file.
fn included(scene: &Scene<'_>, path: &Path, entries: &[&Entry]) -> Vec<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let here = folder.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in entries.iter().filter(|entry| is_include(entry)) {
        let text = entry.value.show().replace("%(here)s", &format!("/{here}"));
        for pattern in text.split_ascii_whitespace() {
            let at = match pattern.strip_prefix('/') {
                Some(absolute) => PathBuf::from(absolute),
                None => folder.join(pattern),
            };
            let paths = scene.tree.glob(at.to_string_lossy().as_bytes()).into_iter();
            found.extend(paths.filter_map(|path| scene.tree.resolve(&path).ok()));
        }
        if found.len() > MAX_FILES {
            scene.sources.cut_off(entry.value.whole(), over("files that it includes", MAX_FILES));
            found.truncate(MAX_FILES);
        }
    }
    found
}

/// The settings of one section, each with its file: sections of one name in several files are one.
type Settings<'a> = BTreeMap<&'a str, (&'a Entry, &'a Path)>;

fn programs(scene: &Scene<'_>, files: &[(PathBuf, Vec<Entry>)], started: &mut Started) {
    let mut sections: BTreeMap<&str, Settings<'_>> = BTreeMap::new();
    for (path, entries) in files {
        for section in entries.chunk_by(|one, next| Rc::ptr_eq(&one.section, &next.section)) {
            let Some(first) = section.first() else { continue };
            let settings = section.iter().map(|entry| (entry.key.as_str(), (entry, path.as_path())));
            sections.entry(&first.section).or_default().extend(settings);
        }
    }
    let mut found = Vec::new();
    // What supervisord does not take keeps all programs from being started.
    if let Err(refused) = all_programs(scene, &sections, &mut found) {
        started.problems.push(refused);
    } else {
        started.commands.extend(found);
    }
}

fn all_programs(
    scene: &Scene<'_>,
    sections: &BTreeMap<&str, Settings<'_>>,
    found: &mut Vec<Command>,
) -> Result<(), Problem> {
    let shared = match sections.get("supervisord").and_then(|settings| settings.get("environment")) {
        Some(setting) => environment(*setting, &Names::of(scene)).ok_or_else(|| refused(setting.0))?,
        None => Vec::new(),
    };
    for (section, settings) in sections {
        let name = section.strip_prefix("program:").or_else(|| section.strip_prefix("fcgi-program:"));
        if let Some(name) = name {
            program(scene, name.trim(), settings, &shared, found)?;
        }
    }
    Ok(())
}

fn refused(entry: &Entry) -> Problem {
    Problem {
        kind: ProblemKind::Lost,
        service: None,
        message: format!("supervisord refuses the environment of [{}] and starts nothing", entry.section),
        help: Some("put values in quotes: NAME=\"value\",OTHER=\"value\"".into()),
        at: entry.value.whole(),
        labels: Vec::new(),
    }
}

fn program(
    scene: &Scene<'_>,
    name: &str,
    settings: &Settings<'_>,
    shared: &[Given],
    found: &mut Vec<Command>,
) -> Result<(), Problem> {
    let Some((command, path)) = settings.get("command").copied() else { return Ok(()) };
    let number =
        |key: &str| settings.get(key).and_then(|(entry, _)| entry.value.as_str().trim().parse::<i64>().ok());
    let (count, first) = (number("numprocs").unwrap_or(1), number("numprocs_start").unwrap_or(0));
    let own = settings.get("environment").map_or(0, |(it, _)| it.value.len());
    let size = own + weight(shared.iter().map(Deref::deref));
    // Those whose commands are the same are not told apart anyway.
    let tells_apart =
        |key| settings.get(key).is_some_and(|(it, _)| it.value.as_str().contains("process_num"));
    if count > MAX_PROCESSES && ["command", "environment", "directory"].into_iter().any(tells_apart) {
        scene.sources.cut_off(command.value.whole(), over("processes of one program", MAX_PROCESSES));
    }
    for process in (0..count.clamp(0, MAX_PROCESSES)).take_while(|_| scene.spend(size)) {
        let mut names = Names::of(scene);
        names.texts.extend(
            [("program_name", name), ("group_name", name)].map(|(key, text)| (key.into(), text.into())),
        );
        names
            .numbers
            .extend([("process_num".into(), first.saturating_add(process)), ("numprocs".into(), count)]);
        let mut all = shared.to_vec();
        if let Some(setting) = settings.get("environment") {
            all.extend(environment(*setting, &names).ok_or_else(|| refused(setting.0))?);
        }
        names.environment = &all;
        let text = names.expand((command, path));
        let Some(words) = shell::split(&text) else { break };
        let directory = settings.get("directory").map(|setting| names.expand(*setting));
        let line = Line {
            words: words.into_iter().map(|word| opened(word, &text)).collect(),
            environment: all.clone(),
            folder: folder(scene, directory.as_ref().map(Text::show).as_deref(), path),
            form: Form::Plain,
            at: Some(command.value.whole()),
        };
        let mut variables = Variables::default();
        for given in &all {
            variables.set(&given.name, Known::of(&given.value));
        }
        found.extend(follow(scene, &Base::new(Starter::Supervisor, name), line, &variables));
    }
    Ok(())
}

/// The folder of a program: that which is named, else that of supervisord, which nobody but a machine knows.
fn folder(scene: &Scene<'_>, named: Option<&str>, file: &Path) -> Option<PathBuf> {
    let beside = file.parent().unwrap_or(Path::new(""));
    match (named, scene.is_machine()) {
        (Some(named), _) => scene.folder(Some(beside), named),
        (None, true) => Some(PathBuf::new()),
        (None, false) => Some(beside.to_owned()),
    }
}

/// `A="b",C='d',E=f` (supervisor's datatypes.py, dict_of_key_value_pairs): of four tokens each, the last is not looked at.
/// Nothing where supervisord refuses it.
fn environment(setting: (&Entry, &Path), names: &Names<'_>) -> Option<Vec<Given>> {
    let text = names.expand(setting);
    let tokens = tokens(&text)?;
    let pair = |tokens: &[Text]| {
        let [name, equals, value, ..] = tokens else { return None };
        let is_quote = |byte: &&u8| matches!(byte, b'"' | b'\'');
        let start = value.bytes().iter().take_while(is_quote).count();
        let end = value.len() - value.bytes().iter().rev().take_while(is_quote).count();
        let value = value.slice(start..end.max(start)).with_whole(value.span());
        let name = name.show().into_owned();
        equals.is("=").then(|| Assignment { name, value: opened(value, &text) }.into())
    };
    tokens.chunks(4).map(pair).collect()
}

/// A part of a text that is open where what is not known stands in it.
fn opened(mut part: Text, of: &Text) -> Text {
    part.open_by(of, b'%');
    part
}

/// Tokens as Python's shlex.shlex takes them outside of its POSIX mode: quotes stay, and a word may have some in it. Nothing
/// where a quote is not closed.
fn tokens(text: &Text) -> Option<Vec<Text>> {
    let bytes = text.bytes();
    let is_quote = |byte: u8| matches!(byte, b'"' | b'\'');
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_/.+-():".contains(&byte) || byte >= 0x80;
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = bytes.get(at + 1..).unwrap_or_default();
        let length = match *byte {
            byte if byte.is_ascii_whitespace() => 0,
            b'#' => {
                at += rest.iter().take_while(|byte| **byte != b'\n').count();
                0
            }
            byte if is_quote(byte) => memchr::memchr(byte, rest)? + 2,
            byte if is_word(byte) => {
                1 + rest.iter().take_while(|byte| is_word(**byte) || is_quote(**byte)).count()
            }
            _ => 1,
        };
        if length > 0 {
            let mut token = Text::nothing(text.whole());
            token.push_part(text, at..at + length);
            found.push(token);
        }
        at += length.max(1);
    }
    Some(found)
}

/// What `%(name)s` may stand for.
struct Names<'a> {
    texts: BTreeMap<String, String>,
    numbers: BTreeMap<String, i64>,
    environment: &'a [Given],
    scene: &'a Scene<'a>,
}

impl<'a> Names<'a> {
    fn of(scene: &'a Scene<'a>) -> Self {
        Self { texts: BTreeMap::new(), numbers: BTreeMap::new(), environment: &[], scene }
    }

    /// A value with everything expanded; what only the environment of supervisord itself holds is open.
    fn expand(&self, (entry, path): (&Entry, &Path)) -> Text {
        // In a repository nobody knows where the file will lie.
        let here =
            self.scene.is_machine().then(|| format!("/{}", path.parent().unwrap_or(Path::new("")).display()));
        let (written, bytes) = (&entry.value, entry.value.bytes());
        let mut text = Text::nothing(written.whole());
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            let length = match (byte, bytes.get(at + 1)) {
                (b'%', Some(b'%')) => {
                    text.push_escaped(written, at);
                    2
                }
                (b'%', Some(b'(')) => {
                    let (length, known) = self.reference(written, at, here.as_deref()).unwrap_or((1, None));
                    match known {
                        Some(known) => text.push_part(&known, 0..known.len()),
                        None => {
                            text.set_open(&written.slice(at..at + length).show());
                            text.push_part(written, at..at + length);
                        }
                    }
                    length
                }
                _ => {
                    let length = written.stretch(at, |byte| byte == b'%');
                    text.push_part(written, at..at + length);
                    length
                }
            };
            at += length;
        }
        text
    }

    /// `%(name)s`, `%(process_num)02d`: how long it is, and what it stands for.
    fn reference(&self, written: &Text, from: usize, here: Option<&str>) -> Option<(usize, Option<Text>)> {
        let text = written.bytes().get(from..)?;
        // No name has such letters, so none is looked for past them.
        let end = text.iter().skip(2).position(|byte| matches!(byte, b'(' | b')' | b'%'))?;
        let close = 2 + end;
        text.get(close).filter(|byte| **byte == b')')?;
        let name = std::str::from_utf8(text.get(2..close)?).ok()?;
        let flags = text.get(close + 1..)?;
        let width = flags.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
        let kind = *flags.get(width).filter(|_| width < 6)?;
        let length = close + 1 + width + 1;
        let at = written.place(from..from + length)?;
        let digits = std::str::from_utf8(flags.get(..width)?).ok()?;
        let known_text = self.texts.get(name).map(String::as_str).or_else(|| here.filter(|_| name == "here"));
        let known = match (known_text, self.numbers.get(name), name.strip_prefix("ENV_")) {
            (Some(text), _, _) if kind == b's' => Some(Text::meant(text, at)),
            (_, Some(number), _) => padded(*number, digits).map(|number| Text::meant(number, at)),
            (_, _, Some(variable)) => {
                let found = self.environment.iter().rev().find(|assignment| assignment.name == variable);
                let known = found.filter(|it| !it.value.is_open() && self.scene.spend(it.value.len()));
                known.map(|found| found.value.clone())
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
