//! From a command line to the programs that it starts: what only runs another one is taken off, scripts are gone through.

use std::ops::Deref;
use std::rc::Rc;

use super::line::{Base, Form, Line};
use super::runner::{self, Off};
use super::scene::{Given, Scene, weight};
use super::{packages, scripts};
use crate::model::{Command, Room};
use crate::syntax::shell::{self, Known, Variables};
use crate::text::{HashSet, Span, Text, deeper};

/// How deep shells and scripts may call each other.
const MAX_DEPTH: u32 = 6;

/// Follows a line to the programs that it starts.
pub(super) fn follow(scene: &Scene<'_>, base: &Base, line: Line, variables: &Variables) -> Vec<Command> {
    let mut found = Vec::new();
    Follow { scene, base, found: &mut found, entered: Vec::new() }.line(line, variables, 0);
    found
}

/// Follows all commands of a script that stands in a file: `environment` is what it is run with.
pub(super) fn follow_script(
    scene: &Scene<'_>,
    base: &Base,
    script: &Text,
    line: &Line,
    variables: &Variables,
) -> Vec<Command> {
    let mut found = Vec::new();
    Follow { scene, base, found: &mut found, entered: Vec::new() }.script(script, line, variables, 0);
    found
}

struct Follow<'a> {
    scene: &'a Scene<'a>,
    base: &'a Base,
    found: &'a mut Vec<Command>,
    /// The scripts that led here.
    entered: Vec<Span>,
}

impl Follow<'_> {
    fn line(&mut self, mut line: Line, variables: &Variables, depth: u32) {
        let words: usize = line.words.iter().map(|word| word.len()).sum();
        let size = words + weight(line.environment.iter().map(Deref::deref));
        if depth > MAX_DEPTH {
            return self.too_deep(&line);
        }
        if !self.scene.spend(size) {
            return;
        }
        let at = line.at.or_else(|| whole(&line.words));
        loop {
            if let Some((scripts, folder)) = packages::run(self.scene, &line) {
                line.folder = Some(folder);
                let variables = &with(variables, &line, Vec::new());
                return scripts.iter().for_each(|script| self.script(script, &line, variables, depth));
            }
            match runner::take_off(self.scene, &mut line) {
                Off::Again => {}
                Off::Nothing => return,
                Off::Done => break,
                Off::Script(script, arguments) => {
                    let variables = &with(variables, &line, arguments);
                    return self.script(&script, &line, variables, depth);
                }
                Off::Lines(lines) => {
                    let variables = &with(variables, &line, Vec::new());
                    return lines.iter().for_each(|it| self.script(it, &line, variables, depth));
                }
                Off::File(file, arguments) => match scripts::called(self.scene, self.base, &line, &file) {
                    Some(script) => {
                        let variables = &with(variables, &line, arguments);
                        return self.script(&script, &line, variables, depth);
                    }
                    None => break,
                },
            }
        }
        let script =
            line.words.first().and_then(|program| scripts::program(self.scene, self.base, &line, program));
        // Who knows the script by its name knows more than is written in it.
        self.push(line.clone(), at);
        match script {
            Some(script) => {
                let arguments = line.words.get(1..).unwrap_or_default().to_vec();
                self.script(&script, &line, &with(variables, &line, arguments), depth);
            }
            // The script of an image that is not here: by convention it ends with `exec "$@"`.
            None if line.words.len() > 1 && is_entrypoint(&line.words) => {
                line.words.remove(0);
                self.line(line, variables, depth + 1);
            }
            None => {}
        }
    }

    fn script(&mut self, script: &Text, outer: &Line, variables: &Variables, depth: u32) {
        if !self.scene.spend(script.len()) {
            return;
        }
        self.entered.push(script.span());
        let mut variables = variables.clone();
        let mut folder = outer.folder.clone();
        let commands = shell::commands(script, &mut variables);
        variables.tell(self.scene.sources);
        for simple in commands {
            if !self.scene.has_left() {
                break;
            }
            if let Some(to) = simple.words.get(1).filter(|_| is_word(&simple.words, "cd")) {
                folder = self.scene.folder(folder.as_deref(), &to.show());
                continue;
            }
            if simple.words.first().is_some_and(|first| self.scene.starts_nothing(first)) {
                continue;
            }
            let added =
                simple.exported.iter().map(Deref::deref).chain(&simple.assignments).cloned().map(Given::from);
            let environment = outer.environment.iter().cloned().chain(added).collect();
            let line = Line {
                words: simple.words,
                environment,
                folder: folder.clone(),
                form: Form::Plain,
                at: None,
            };
            self.line(line, &variables, depth + 1);
        }
        self.entered.pop();
    }

    /// What a script that calls itself starts is known by then.
    fn too_deep(&self, line: &Line) {
        let mut seen = HashSet::default();
        let at = line.at.or_else(|| whole(&line.words));
        if let Some(at) = at.filter(|_| self.entered.iter().all(|script| seen.insert(script))) {
            self.scene.sources.cut_off(at, deeper("shells and scripts that call each other", MAX_DEPTH));
        }
    }

    fn push(&mut self, line: Line, at: Option<Span>) {
        let (Some(last), Some(at)) = (line.words.last(), at) else { return };
        let (scene, base) = (self.scene, self.base);
        let end = Span { start: last.whole().end, ..last.whole() };
        let plain = |at| Some(Room { at, before: " ".into(), after: String::new() });
        let room = match &line.form {
            Form::Plain => plain(end),
            Form::Behind(at) => plain(*at),
            Form::Members { before, after } => {
                Some(Room { at: end, before: before.clone(), after: after.clone() })
            }
            Form::None => None,
        };
        self.found.push(Command {
            starter: base.starter,
            name: base.name.clone(),
            words: line.words.into_iter().map(Text::in_characters).collect(),
            environment: line.environment.iter().map(|variable| scene.variable(variable)).collect(),
            folder: line.folder,
            at,
            room,
            open_files: base.open_files.clone(),
            image: base.image.clone(),
        });
    }
}

fn is_word(words: &[Text], word: &str) -> bool {
    words.first().is_some_and(|first| first.is(word))
}

fn is_entrypoint(words: &[Text]) -> bool {
    let program = words.first().map(Text::show).unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or(&program);
    name.contains("entrypoint")
}

/// What a script knows that a line calls with these arguments.
fn with(variables: &Variables, line: &Line, arguments: Vec<Text>) -> Variables {
    let mut variables = variables.clone();
    for given in &line.environment {
        variables.set(&given.name, Known::of(&given.value));
    }
    variables.arguments = Some(arguments.into_iter().map(Rc::new).collect());
    variables
}

/// What is written in one file up to the last word.
fn whole(words: &[Text]) -> Option<Span> {
    let last = words.last()?.whole();
    let here = |word: &Span| word.source == last.source && word.start <= last.start;
    let first = words.iter().map(Text::whole).find(here).unwrap_or(last);
    Some(Span { end: last.end, ..first })
}
