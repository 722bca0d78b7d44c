//! Dockerfiles: which command the image of the last stage starts, with the variables and the files that the stages give it.

mod instructions;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::Started;
use super::follow::{follow, follow_script};
use super::line::{Base, Form, Line, assignment};
use super::scene::{Given, Scene, weight};
use crate::knowledge::Candidate;
use crate::model::{Command, Starter, Value};
use crate::syntax::json;
use crate::syntax::shell::{self, Assignment, Known, Variables};
use crate::text::{HashMap, SourceId, Text};
use instructions::{Instruction, instructions};

/// What a variable or a copied file of a stage weighs beside its text, in bytes.
const ENTRY: usize = 128;

pub(super) fn read(scene: &Scene<'_>, files: &[Candidate], started: &mut Started) {
    for file in scene.in_production(files) {
        let Some(source) = scene.read(&file.path) else { continue };
        let Some(stage) = stage(scene, source, None) else { continue };
        let base = Base::new(Starter::Dockerfile, file.path.to_string_lossy());
        let folder = file.path.parent().unwrap_or(Path::new(""));
        let context = stage.context(scene, folder);
        started.commands.extend(stage.commands(scene, base, &context));
    }
}

/// What a container is told to run.
#[derive(Debug, Clone)]
pub(super) enum Run {
    Words(Vec<Text>, Form),
    Shell(Text),
}

/// What the container of an image runs, and with what.
#[derive(Debug, Clone, Default)]
pub(super) struct Stage {
    /// The image that it is made from, in the end.
    pub image: Option<Value<String>>,
    /// `ENV` and `ARG`, as instructions may refer to them.
    variables: Variables,
    pub environment: Vec<Given>,
    pub workdir: String,
    pub entrypoint: Option<Run>,
    pub command: Option<Run>,
    /// `CMD` stands in this stage, so that an `ENTRYPOINT` after it leaves it.
    has_command: bool,
    /// What is copied from the folder of the build: from there, to where.
    copies: Vec<(String, String)>,
}

/// The last stage of a file, or the one of a name.
pub(super) fn stage(scene: &Scene<'_>, source: SourceId, target: Option<&str>) -> Option<Stage> {
    let (instructions, quote) = instructions(scene.sources.bytes(source), source);
    let mut stages: HashMap<String, Rc<Stage>> = HashMap::default();
    let mut globals = Variables::default();
    let mut current: Option<(Stage, String)> = None;
    let mut count = 0;
    for instruction in instructions {
        if instruction.name == "FROM" {
            if let Some((mut done, name)) = current.take() {
                done.variables.tell(scene.sources);
                if !scene.spend(done.size()) {
                    return None;
                }
                let done = Rc::new(done);
                stages.insert(count.to_string(), Rc::clone(&done));
                stages.insert(name, done);
                count += 1;
            }
            current = Some(from(&instruction.rest, &mut globals, quote, &stages));
            continue;
        }
        match &mut current {
            Some((stage, _)) => stage.take(&instruction, &globals, quote),
            None if instruction.name == "ARG" => set_argument(&instruction.rest, &mut globals, None, quote),
            None => {}
        }
    }
    globals.tell(scene.sources);
    let target = target.map(str::to_ascii_lowercase);
    let (mut last, name) = current?;
    last.variables.tell(scene.sources);
    match target.filter(|target| *target != name) {
        Some(target) => stages.remove(&target).map(Rc::unwrap_or_clone),
        None => Some(last),
    }
}

/// `FROM [--platform=...] image [AS name]`.
fn from(
    rest: &Text,
    globals: &mut Variables,
    quote: u8,
    stages: &HashMap<String, Rc<Stage>>,
) -> (Stage, String) {
    let words = shell::words(rest, globals, quote);
    let mut words = words.iter().filter(|word| !word.as_str().starts_with("--"));
    let Some(image) = words.next() else { return (Stage::default(), String::new()) };
    let name = words.nth(1).map(|name| name.show().to_ascii_lowercase()).unwrap_or_default();
    let text = image.show();
    let stage = match stages.get(&text.to_ascii_lowercase()) {
        Some(stage) => Stage { has_command: false, ..Stage::clone(stage) },
        None => Stage::of((!image.is_open()).then(|| Value::written(text.into_owned(), image.span()))),
    };
    (stage, name)
}

/// `ARG name[=default] ...`; one of a stage without a default has that of the file.
fn set_argument(rest: &Text, variables: &mut Variables, globals: Option<&Variables>, quote: u8) {
    for word in shell::words(rest, variables, quote) {
        match assignment(&word) {
            Some(Assignment { name, value }) => variables.set(&name, Known::of(&value)),
            None => {
                let name = word.show();
                if let Some(known @ Known::Set(_)) = globals.map(|globals| globals.get(&name)) {
                    variables.set(&name, known);
                }
            }
        }
    }
}

impl Stage {
    /// A container of an image that is made elsewhere.
    pub(super) fn of(image: Option<Value<String>>) -> Self {
        Self { image, workdir: "/".into(), ..Self::default() }
    }

    /// What it comes to in a stage that is made from it, in bytes.
    fn size(&self) -> usize {
        let copies = self.copies.iter().map(|(from, there)| ENTRY + from.len() + there.len());
        weight(self.environment.iter().map(Deref::deref))
            + self.variables.count() * ENTRY
            + copies.sum::<usize>()
    }

    fn take(&mut self, instruction: &Instruction, globals: &Variables, quote: u8) {
        let rest = &instruction.rest;
        match instruction.name.as_str() {
            "ARG" => set_argument(rest, &mut self.variables, Some(globals), quote),
            "ENV" => self.set_environment(rest, quote),
            "WORKDIR" => {
                let words = shell::words(rest, &mut self.variables, quote);
                let parts: Vec<&str> = words.iter().map(Text::as_str).collect();
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
    }

    /// `ENV a=b c=d`, or `ENV a b` as it was written once.
    fn set_environment(&mut self, rest: &Text, quote: u8) {
        let words = shell::words(rest, &mut self.variables, quote);
        let assigns = words.first().is_some_and(|first| assignment(first).is_some());
        let found: Vec<Assignment> = match words.split_first() {
            Some((name, values)) if !assigns => {
                let mut value = Text::nothing(name.whole());
                for (index, word) in values.iter().enumerate() {
                    if index > 0 {
                        value.push_for(b" ", word.whole());
                    }
                    value.push_text(word);
                }
                vec![Assignment { name: name.show().into_owned(), value }]
            }
            _ => words.iter().filter_map(assignment).collect(),
        };
        for assignment in found {
            let Assignment { name, value } = &assignment;
            self.variables.set(name, Known::of(value));
            self.environment.push(assignment.into());
        }
    }

    fn copy(&mut self, rest: &Text, quote: u8) {
        let words = match json::strings(rest) {
            Some(words) => words,
            None => shell::words(rest, &mut self.variables, quote),
        };
        let texts: Vec<&str> = words.iter().map(Text::as_str).collect();
        if texts.iter().any(|text| text.starts_with("--from") || text.starts_with("<<")) {
            return;
        }
        let mut paths: Vec<&str> = texts.into_iter().filter(|text| !text.starts_with("--")).collect();
        let Some(to) = paths.pop() else { return };
        let there = joined(&self.workdir, to);
        self.copies.extend(paths.into_iter().map(|from| (from.to_owned(), there.clone())));
    }

    /// What runs in a container of it; `context` is the folder that it is built from.
    pub(super) fn commands(&self, scene: &Scene<'_>, base: Base, context: &Path) -> Vec<Command> {
        let folder = self.folder(scene, context);
        let base = Base { image: self.image.clone(), copies: self.copied_files(context), ..base };
        let line = |words: Vec<Text>, form: &Form| Line {
            words,
            environment: self.environment.clone(),
            folder: Some(folder.clone()),
            form: form.clone(),
            at: None,
        };
        // What a build is given is gone when a container starts.
        let mut variables = Variables::default();
        self.environment.iter().for_each(|it| variables.set(&it.name, Known::of(&it.value)));
        let variables = &variables;
        match (&self.entrypoint, &self.command) {
            // A script given to an entrypoint comes as `/bin/sh -c script`, which is what most of them run.
            (Some(Run::Shell(script)), _) | (_, Some(Run::Shell(script))) => {
                follow_script(scene, &base, script, &line(Vec::new(), &Form::Plain), variables)
            }
            (Some(Run::Words(entry, _)), Some(Run::Words(rest, form))) => {
                let words = entry.iter().chain(rest).cloned().collect();
                let found = follow(scene, &base, line(words, form), variables);
                match found.as_slice() {
                    // An entrypoint that is not in the tree: most of them prepare something and run what they are given.
                    [command] if is_entrypoint(command) && !rest.is_empty() => {
                        follow(scene, &base, line(rest.clone(), form), variables)
                    }
                    _ => found,
                }
            }
            (Some(Run::Words(words, form)), None) | (None, Some(Run::Words(words, form))) => {
                follow(scene, &base, line(words.clone(), form), variables)
            }
            (None, None) => Vec::new(),
        }
    }

    /// The folder of the build: the nearest one upward that has what is copied from it.
    pub(super) fn context(&self, scene: &Scene<'_>, beside: &Path) -> PathBuf {
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

fn run(rest: &Text) -> Run {
    match json::strings(rest) {
        Some(words) => Run::Words(words, Form::json()),
        None => Run::Shell(rest.clone()),
    }
}

/// `docker-entrypoint.sh` and the like.
fn is_entrypoint(command: &Command) -> bool {
    command.program().contains("entrypoint")
}

/// A path as seen from a folder of the image.
pub(super) fn joined(folder: &str, path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let folder = folder.trim_end_matches('/');
    match path.trim_start_matches("./") {
        "" | "." => format!("{folder}/"),
        path => format!("{folder}/{path}"),
    }
}
