//! Dockerfiles: which command the image of the last stage starts, with the variables and the files that the stages give it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Started;
use super::line::{Base, Form, Line, Scene, assignment, follow, follow_script};
use crate::knowledge::Candidate;
use crate::model::{Starter, Value};
use crate::syntax::json;
use crate::syntax::letters::Letters;
use crate::syntax::shell::{self, Assignment, Known, Variables, Word};
use crate::text::{SourceId, Span};

pub(super) fn read(scene: &Scene<'_>, files: &[Candidate], started: &mut Started) {
    for file in files {
        let Ok(source) = scene.tree.read(scene.sources, &file.path) else { continue };
        let Some(stage) = last_stage(scene, source) else { continue };
        let folder = file.path.parent().unwrap_or(Path::new(""));
        started.commands.extend(stage.commands(scene, &file.path.to_string_lossy(), folder));
    }
}

/// What a container is told to run.
#[derive(Debug, Clone)]
enum Run {
    Words(Vec<Word>),
    Shell(Letters),
}

/// A stage so far.
#[derive(Debug, Clone, Default)]
struct Stage {
    image: Option<Value<String>>,
    /// `ENV` and `ARG`.
    variables: Variables,
    environment: Vec<Assignment>,
    workdir: String,
    entrypoint: Option<Run>,
    command: Option<Run>,
    /// `CMD` stands in this stage, so that an `ENTRYPOINT` after it leaves it.
    has_command: bool,
    /// What is copied from the folder of the build: from there, to where.
    copies: Vec<(String, String)>,
}

/// One instruction: its name in capitals, and the rest of it without line ends.
struct Instruction {
    name: String,
    rest: Letters,
}

fn last_stage(scene: &Scene<'_>, source: SourceId) -> Option<Stage> {
    let (instructions, quote) = instructions(scene.sources.bytes(source), source);
    let mut stages: HashMap<String, Stage> = HashMap::new();
    let mut globals = Variables::default();
    let mut current: Option<(Stage, String)> = None;
    let mut count = 0;
    for instruction in instructions {
        if instruction.name == "FROM" {
            if let Some((done, name)) = current.take() {
                stages.insert(count.to_string(), done.clone());
                stages.insert(name, done);
                count += 1;
            }
            current = Some(from(scene, &instruction.rest, &mut globals, quote, &stages));
            continue;
        }
        match &mut current {
            Some((stage, _)) => stage.take(scene, &instruction, &globals, quote),
            None if instruction.name == "ARG" => set_argument(&instruction.rest, &mut globals, None, quote),
            None => {}
        }
    }
    current.map(|(stage, _)| stage)
}

/// `FROM [--platform=...] image [AS name]`.
fn from(
    scene: &Scene<'_>,
    rest: &Letters,
    globals: &mut Variables,
    quote: u8,
    stages: &HashMap<String, Stage>,
) -> (Stage, String) {
    let words = shell::words(rest, globals, quote);
    let mut words = words.iter().filter(|word| !word.letters.0.starts_with_dashes());
    let Some(image) = words.next() else { return (Stage::default(), String::new()) };
    let name = words.nth(1).map(|name| name.text().to_ascii_lowercase()).unwrap_or_default();
    let text = image.text();
    let stage = match stages.get(&text.to_ascii_lowercase()) {
        Some(stage) => Stage { has_command: false, copies: stage.copies.clone(), ..stage.clone() },
        None => {
            let word = scene.word(image);
            let image = (!word.open).then(|| Value::written(text, word.span));
            Stage { image, workdir: "/".into(), ..Stage::default() }
        }
    };
    (stage, name)
}

trait Dashes {
    fn starts_with_dashes(&self) -> bool;
}

impl Dashes for Vec<crate::syntax::letters::Letter> {
    fn starts_with_dashes(&self) -> bool {
        self.iter().take(2).filter(|letter| letter.byte == b'-').count() == 2
    }
}

/// `ARG name[=default] ...`; one of a stage without a default has that of the file.
fn set_argument(rest: &Letters, variables: &mut Variables, globals: Option<&Variables>, quote: u8) {
    for word in shell::words(rest, variables, quote) {
        match assignment(&word) {
            Some(Assignment { name, value }) => variables.set(&name, Known::Set(value)),
            None => {
                let name = word.text();
                if let Some(known @ Known::Set(_)) = globals.map(|globals| globals.get(&name)) {
                    variables.set(&name, known);
                }
            }
        }
    }
}

impl Stage {
    fn take(&mut self, scene: &Scene<'_>, instruction: &Instruction, globals: &Variables, quote: u8) {
        let rest = &instruction.rest;
        match instruction.name.as_str() {
            "ARG" => set_argument(rest, &mut self.variables, Some(globals), quote),
            "ENV" => self.set_environment(rest, quote),
            "WORKDIR" => {
                let words = shell::words(rest, &mut self.variables, quote);
                let parts: Vec<String> = words.iter().map(Word::text).collect();
                self.workdir = joined(&self.workdir, &parts.join(" "));
            }
            "COPY" | "ADD" => self.copy(rest, quote),
            "ENTRYPOINT" => {
                self.entrypoint = Some(run(rest));
                if !self.has_command {
                    self.command = None;
                }
            }
            "CMD" => {
                self.command = Some(run(rest));
                self.has_command = true;
            }
            _ => {}
        }
        let _ = scene;
    }

    /// `ENV a=b c=d`, or `ENV a b` as it was written once.
    fn set_environment(&mut self, rest: &Letters, quote: u8) {
        let words = shell::words(rest, &mut self.variables, quote);
        let assigns = words.first().is_some_and(|first| assignment(first).is_some());
        let found: Vec<Assignment> = match words.split_first() {
            Some((name, values)) if !assigns => {
                let mut value = Word { letters: Letters::default(), at: name.at, open: false };
                for (index, word) in values.iter().enumerate() {
                    if index > 0 {
                        value.letters.push_for(b" ", word.at);
                    }
                    value.letters.0.extend(&word.letters.0);
                    value.open |= word.open;
                }
                vec![Assignment { name: name.text(), value }]
            }
            _ => words.iter().filter_map(assignment).collect(),
        };
        for assignment in found {
            let Assignment { name, value } = &assignment;
            self.variables.set(name, if value.open { Known::Open } else { Known::Set(value.clone()) });
            self.environment.push(assignment);
        }
    }

    fn copy(&mut self, rest: &Letters, quote: u8) {
        let words = match json::strings(rest) {
            Some(words) => words,
            None => shell::words(rest, &mut self.variables, quote),
        };
        let texts: Vec<String> = words.iter().map(Word::text).collect();
        if texts.iter().any(|text| text.starts_with("--from") || text.starts_with("<<")) {
            return;
        }
        let mut paths: Vec<&String> = texts.iter().filter(|text| !text.starts_with("--")).collect();
        let Some(to) = paths.pop() else { return };
        let there = joined(&self.workdir, to);
        self.copies.extend(paths.into_iter().map(|from| (from.clone(), there.clone())));
    }

    fn commands(&self, scene: &Scene<'_>, name: &str, beside: &Path) -> Vec<crate::model::Command> {
        let context = self.context(scene, beside);
        let folder = self.folder(scene, &context);
        let base = Base {
            image: self.image.clone(),
            copies: self.copied_files(&context),
            ..Base::new(Starter::Dockerfile, name)
        };
        let line = |words: Vec<Word>, form| Line {
            words,
            environment: self.environment.clone(),
            folder: Some(folder.clone()),
            form,
            at: None,
        };
        let variables = &self.variables;
        match (&self.entrypoint, &self.command) {
            (Some(Run::Shell(script)), _) | (None, Some(Run::Shell(script))) => {
                follow_script(scene, &base, script, &line(Vec::new(), Form::Plain), variables)
            }
            (Some(Run::Words(entry)), Some(Run::Words(rest))) => {
                let words = entry.iter().chain(rest).cloned().collect();
                follow(scene, &base, line(words, Form::json()), variables)
            }
            // A script given to an entrypoint comes as `/bin/sh -c script`, which is what most of them run.
            (Some(Run::Words(_)), Some(Run::Shell(script))) => {
                follow_script(scene, &base, script, &line(Vec::new(), Form::Plain), variables)
            }
            (Some(Run::Words(words)), None) | (None, Some(Run::Words(words))) => {
                follow(scene, &base, line(words.clone(), Form::json()), variables)
            }
            (None, None) => Vec::new(),
        }
    }

    /// The folder of the build: the nearest one upward that has what is copied from it.
    fn context(&self, scene: &Scene<'_>, beside: &Path) -> PathBuf {
        let named: Vec<&str> = self.copies.iter().map(|(from, _)| from.trim_start_matches("./")).collect();
        let named: Vec<&str> = named
            .into_iter()
            .filter(|from| !matches!(*from, "" | ".") && !from.contains(['*', '$', ':', '?']))
            .collect();
        let has = |folder: &Path| {
            named.iter().filter(|from| scene.tree.exists(&folder.join(from.trim_start_matches('/')))).count()
        };
        // Of two that have as much, the nearer one.
        let all = beside.ancestors().map(|folder| (has(folder), folder));
        let best = all.fold((0, beside), |best, found| if found.0 > best.0 { found } else { best });
        best.1.to_owned()
    }

    /// The folder of the tree that becomes the working one.
    fn folder(&self, scene: &Scene<'_>, context: &Path) -> PathBuf {
        let under = |(from, there): &(String, String)| {
            let below = Path::new(&self.workdir).strip_prefix(there.trim_end_matches('/')).ok()?;
            let folder = context.join(from.trim_matches('/')).join(below);
            let real = scene.tree.resolve(&folder).ok().filter(|_| scene.tree.is_folder(&folder))?;
            Some((there.len(), real))
        };
        let mut found: Vec<(usize, PathBuf)> = self.copies.iter().filter_map(under).collect();
        // The first of those that lie deepest: what is copied on top rarely is the program.
        found.sort_by_key(|(depth, _)| std::cmp::Reverse(*depth));
        found.into_iter().next().map_or_else(|| context.to_owned(), |(_, folder)| folder)
    }

    /// Files by the names that they have in the image. A target may be a folder without saying so.
    fn copied_files(&self, context: &Path) -> Vec<(String, PathBuf)> {
        let both = |(from, there): &(String, String)| {
            let path = context.join(from.trim_matches('/'));
            let name = Path::new(from).file_name().map(|name| name.to_string_lossy().into_owned());
            let inside = joined(there, &name.unwrap_or_default());
            [(there.clone(), path.clone()), (inside, path)]
        };
        self.copies.iter().flat_map(both).collect()
    }
}

fn run(rest: &Letters) -> Run {
    match json::strings(rest) {
        Some(words) => Run::Words(words),
        None => Run::Shell(rest.clone()),
    }
}

/// A path as seen from a folder of the image.
fn joined(folder: &str, path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let folder = folder.trim_end_matches('/');
    match path.trim_start_matches("./") {
        "" | "." => format!("{folder}/"),
        path => format!("{folder}/{path}"),
    }
}

/// The instructions of a file, and the letter that continues lines and quotes.
fn instructions(bytes: &[u8], source: SourceId) -> (Vec<Instruction>, u8) {
    let mut quote = b'\\';
    let mut lines = Lines { bytes, at: 0 };
    let mut found: Vec<Instruction> = Vec::new();
    let mut directives = true;
    while let Some((start, line)) = lines.next_line() {
        let text = line.trim_ascii_start();
        if text.first() == Some(&b'#') {
            if let Some(letter) = directive(text).filter(|_| directives) {
                quote = letter;
            }
            continue;
        }
        directives = false;
        if text.is_empty() {
            continue;
        }
        let mut letters = Letters::default();
        let continues = add(&mut letters, source, start + line.len() - text.len(), text, quote);
        if continues {
            lines.continued(&mut letters, source, quote);
        }
        let instruction = instruction(letters);
        if matches!(instruction.name.as_str(), "RUN" | "COPY" | "ADD") {
            lines.skip_documents(&instruction.rest);
        }
        found.push(instruction);
    }
    (found, quote)
}

/// ``# escape=` ``
fn directive(comment: &[u8]) -> Option<u8> {
    let text = comment.get(1..)?.trim_ascii_start();
    let value = text.get(b"escape".len()..).filter(|_| text.to_ascii_lowercase().starts_with(b"escape"))?;
    value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii().first().copied()
}

/// Adds a line; whether the next one continues it.
fn add(letters: &mut Letters, source: SourceId, start: usize, line: &[u8], quote: u8) -> bool {
    let trimmed = line.trim_ascii_end();
    match trimmed.strip_suffix(&[quote]) {
        Some(begun) => {
            letters.push_bytes(source, start, begun);
            true
        }
        None => {
            letters.push_bytes(source, start, trimmed);
            false
        }
    }
}

fn instruction(letters: Letters) -> Instruction {
    let length =
        letters.0.iter().position(|letter| letter.byte.is_ascii_whitespace()).unwrap_or(letters.len());
    let name = letters.slice(0..length).text().to_ascii_uppercase();
    let blanks = letters.0.iter().skip(length).take_while(|letter| letter.byte.is_ascii_whitespace()).count();
    let rest = letters.slice(length + blanks..letters.len());
    Instruction { name, rest }
}

struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    fn next_line(&mut self) -> Option<(usize, &'a [u8])> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let start = self.at;
        self.at += length + 1;
        let line = rest.get(..length)?;
        Some((start, line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// The lines that continue one; comments and empty lines between them do not count.
    fn continued(&mut self, letters: &mut Letters, source: SourceId, quote: u8) {
        while let Some((start, line)) = self.next_line() {
            let text = line.trim_ascii_start();
            if text.is_empty() || text.first() == Some(&b'#') {
                continue;
            }
            if !add(letters, source, start, line, quote) {
                return;
            }
        }
    }

    /// Past the here-documents that an instruction begins.
    fn skip_documents(&mut self, rest: &Letters) {
        let text = rest.bytes();
        for at in memchr::memmem::find_iter(&text, b"<<") {
            let word = text.get(at + 2..).unwrap_or_default();
            let tabs = word.first() == Some(&b'-');
            let word = word.strip_prefix(b"-").unwrap_or(word);
            let word: Vec<u8> = word
                .iter()
                .filter(|byte| !matches!(byte, b'"' | b'\''))
                .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
                .copied()
                .collect();
            if word.is_empty() {
                continue;
            }
            while let Some((_, line)) = self.next_line() {
                let line = if tabs { line.trim_ascii_start() } else { line };
                if line == word {
                    break;
                }
            }
        }
    }
}

/// The place of an instruction's rest, for those who look at it as a whole.
#[allow(dead_code)]
fn place(rest: &Letters) -> Option<Span> {
    rest.span()
}
