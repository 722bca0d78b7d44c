//! A command line that starts a program, as some file writes it: a unit's `ExecStart=`, a Dockerfile's `CMD`, a `Procfile`.

use std::path::PathBuf;
use std::sync::Arc;

use super::Value;
use crate::text::{Slot, Span, Text};

/// A variable of the command's environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    pub value: Text,
}

/// What kind of file starts the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Starter {
    /// A systemd unit and its drop-ins.
    Unit,
    Dockerfile,
    Compose,
    Procfile,
    /// A script of package.json.
    Script,
    Supervisor,
}

/// Where further arguments go, and how each is written there: plain words, members of a JSON array, items of a YAML list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    pub at: Span,
    /// What stands before and after each argument: a blank and nothing, `, "` and `"`.
    pub before: String,
    pub after: String,
}

impl Room {
    /// The place of a number after the arguments in `words` and the start of a last one: `(&["-p"], "listen_depth=")`.
    pub fn slot(&self, words: &[&str], start: &str) -> Slot {
        let whole: String = words.iter().map(|word| format!("{}{word}{}", self.before, self.after)).collect();
        Slot::insert(self.at, format!("{whole}{}{start}", self.before), self.after.clone())
    }
}

/// A command line that starts a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub starter: Starter,
    /// What the file calls it: `gunicorn.service`, the compose service, the process type, the script.
    pub name: String,
    /// The program first; what only runs it (`exec`, `env`, `bundle exec`, `poetry run`, `tini --`, `sh -c`) is taken off, and
    /// `python -m gunicorn` is left as it is. Nothing of a unit of which only drop-ins are in the tree.
    pub words: Vec<Text>,
    /// Of two of one name the later counts. Units share those of the files that they name.
    pub environment: Vec<Arc<Variable>>,
    /// The folder that relative paths of its arguments are relative to, in the audited tree, as far as it is known.
    pub folder: Option<PathBuf>,
    /// The whole command line.
    pub at: Span,
    pub room: Option<Room>,
    /// `LimitNOFILE=` of its unit: the soft limit of open files, and the hard one.
    pub open_files: Option<(Value<i64>, Value<i64>)>,
    /// The container image that it runs in, e.g. `python:3.12-slim`.
    pub image: Option<Value<String>>,
}

impl Command {
    /// The name of the program without its folder.
    pub fn program(&self) -> &str {
        let first = self.words.first().map_or("", Text::as_str);
        memchr::memrchr(b'/', first.as_bytes()).and_then(|at| first.get(at + 1..)).unwrap_or(first)
    }

    /// The module that Python is told to run: `python -m uvicorn`, and the words after it.
    pub fn module(&self) -> Option<(&str, &[Text])> {
        let program = self.program();
        if !program.starts_with("python") && !program.starts_with("pypy") {
            return None;
        }
        let at = self.words.iter().position(|word| word.is("-m"))?;
        // Only options of Python itself stand before it.
        let options = self.words.get(1..at)?.iter().all(|word| word.as_str().starts_with('-'));
        let module = self.words.get(at + 1).filter(|_| options)?;
        Some((module.as_str(), self.words.get(at + 2..)?))
    }

    /// The arguments, where it starts one of these programs or Python modules.
    pub fn arguments_of(&self, programs: &[String], modules: &[String]) -> Option<&[Text]> {
        let own = self.program();
        if programs.iter().any(|program| program == own) {
            return self.words.get(1..);
        }
        let (module, arguments) = self.module()?;
        modules.iter().any(|known| known == module).then_some(arguments)
    }

    /// All words, where they are only the arguments of what one of these images starts by itself.
    pub fn arguments_of_image(&self, images: &[String]) -> Option<&[Text]> {
        let image = &self.image.as_ref()?.get;
        if !self.words.first().is_some_and(|word| word.as_str().starts_with('-')) {
            return None;
        }
        let name = image.split('@').next().unwrap_or_default();
        let tag = name.rfind(':').filter(|colon| !name.get(*colon..).unwrap_or_default().contains('/'));
        let name = tag.and_then(|colon| name.get(..colon)).unwrap_or(name);
        let name = name.strip_prefix("docker.io/").unwrap_or(name);
        let name = name.strip_prefix("library/").unwrap_or(name);
        images.iter().any(|known| known == name).then_some(self.words.as_slice())
    }

    /// The arguments, where it starts one of these programs or Python modules, or an image that does.
    pub fn arguments_for(
        &self,
        programs: &[String],
        modules: &[String],
        images: &[String],
    ) -> Option<&[Text]> {
        self.arguments_of(programs, modules).or_else(|| self.arguments_of_image(images))
    }

    /// A variable of its environment.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.environment.iter().map(|variable| &**variable).rev().find(|variable| variable.name == name)
    }
}
