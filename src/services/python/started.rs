//! What the command lines of a tree say of a program: whether they run its file, and whether they start the application that
//! it defines by another server.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

use super::commands;
use super::table::Table;
use crate::model::Command;
use crate::services::Ground;
use crate::syntax::calls::Id;
use crate::syntax::python::{Condition, Reading};

/// How control comes to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    Never,
    /// Only by running this very file, or by who calls the function that it is in.
    ByItself,
    /// Whenever the file is imported.
    Always,
}

/// Functions on the way to a call that are looked through, one calling the other, and calls that are looked at of each.
const FUNCTIONS: usize = 8;
const CALLS: usize = 8;

/// How control comes to a node: through the functions that it lies in, as far as this file calls them. Each call is looked at
/// once: by way of functions that call each other there are millions of ways to one.
pub(super) fn reached(reading: &Reading<'_, '_>, at: Id) -> Reached {
    match reading.condition(at) {
        Condition::Never => return Reached::Never,
        Condition::Main => return Reached::ByItself,
        Condition::Open => {}
    }
    let code = &reading.python.code;
    let (mut met, mut level) = (HashSet::from([at]), vec![at]);
    for left in (0..=FUNCTIONS).rev() {
        let mut next = Vec::new();
        for at in level {
            let outer = code.ancestors(at).find(|outer| code.kind(*outer) == "function_definition");
            let Some(function) = outer else { return Reached::Always };
            let name = code.field(function, "name").map_or("", |name| code.text(name));
            let calls = reading.python.calls(name).iter().copied();
            let calls = calls.filter(|call| !code.contains(function, *call)).take(CALLS);
            next.extend(calls.filter(|call| left > 0 && met.insert(*call)));
        }
        next.retain(|call| reading.condition(*call) == Condition::Open);
        level = next;
    }
    Reached::ByItself
}

/// Whether a command line runs a file: `python app.py`, `python -m package.app`. A name alone is that of many files.
fn runs(ground: Ground<'_>, command: &Command, file: &Path) -> bool {
    let folder = file.parent().unwrap_or(Path::new(""));
    if let Some((module, _)) = command.module() {
        let path: PathBuf = module.split('.').collect();
        return file.with_extension("").ends_with(&path) || file.ends_with(path.join("__main__.py"));
    }
    command.words.iter().take(8).any(|word| {
        let path: PathBuf =
            Path::new(&word.text).components().filter(|part| matches!(part, Component::Normal(_))).collect();
        let close = path.components().count() > 1 || is_near(ground, command, folder);
        word.text.ends_with(".py") && close && (file.ends_with(&path) || path.ends_with(file))
    })
}

/// Whether a command line starts a server that an application is loaded into.
fn is_application_server(command: &Command, table: &Table) -> bool {
    command.arguments_of(&table.application_servers, &table.application_servers).is_some()
}

/// Whether some command line starts an application in this folder by a server that is made for it.
pub(super) fn has_application_server(ground: Ground<'_>, table: &Table, folder: &Path) -> bool {
    let mut servers = ground.commands.iter().filter(|command| is_application_server(command, table));
    servers.any(|command| is_near(ground, command, folder))
}

/// Whether another server serves what a file defines, so that what the file starts by itself is for development.
pub(super) fn is_served_otherwise(ground: Ground<'_>, table: &Table, file: &Path) -> bool {
    if ground.commands.iter().any(|command| runs(ground, command, file)) {
        return false;
    }
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut development = ground.commands.iter().filter(|command| commands::is_for_development(command));
    has_application_server(ground, table, folder)
        || development.any(|command| is_near(ground, command, folder))
        || folder
            .ancestors()
            .any(|folder| table.application_files.iter().any(|name| ground.tree.exists(&folder.join(name))))
}

/// The folder that a command line is at home in.
pub(super) fn folder_of(ground: Ground<'_>, command: &Command) -> Option<PathBuf> {
    let of_file = || ground.sources.get(command.at.source).path()?.parent().map(Path::to_owned);
    command.folder.clone().or_else(of_file)
}

/// Whether a command line belongs to the same project: a repository may hold several, each in a folder of its own.
fn is_near(ground: Ground<'_>, command: &Command, folder: &Path) -> bool {
    let Some(other) = folder_of(ground, command) else { return true };
    let first = |path: &Path| path.components().next().map(|part| part.as_os_str().to_owned());
    folder.starts_with(&other)
        || other.starts_with(folder)
        || first(folder) == first(&other)
        || !is_a_project(ground, &other)
}

fn is_a_project(ground: Ground<'_>, folder: &Path) -> bool {
    ground.tree.list(folder).iter().any(|name| {
        let name = name.to_string_lossy();
        name.ends_with(".py")
            || name.starts_with("requirements")
            || matches!(&*name, "pyproject.toml" | "Pipfile" | "setup.cfg")
    })
}
