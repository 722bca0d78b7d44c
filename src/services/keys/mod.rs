//! Services that are told everything by plain keys: options, variables of the environment and keys of a file. It knows how such
//! things are written; what they mean to a service stands in the `[keys]` of its TOML file.

mod address;
mod file;
mod instance;
mod listener;
mod options;
mod python;
mod said;

use std::collections::BTreeSet;

use super::{Candidate, Found, Ground, bound_first, in_use};
use crate::knowledge::Keys;
use crate::model::{Occupied, Problem, ProblemKind};
use crate::text::Span;
use instance::Instance;

/// Reads every command line that starts the service, and the files of keys that none of them names.
pub fn read(ground: Ground<'_>, keys: &Keys, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    let mut used = BTreeSet::new();
    let mut folders = Vec::new();
    for (command, arguments) in ground.started() {
        folders.extend(command.folder.as_deref());
        match Instance::started(ground, keys, command, arguments) {
            Ok(instance) => {
                used.extend(instance.file());
                open(&instance, &mut found);
            }
            Err(Refused { why, at }) => found.problems.push(refused(ground, &why, at)),
        }
    }
    for file in files {
        // What is started round it does without it.
        if folders.iter().any(|folder| file.path.starts_with(folder)) {
            continue;
        }
        let Some(source) = ground.tree.read(ground.sources, &file.path).ok() else { continue };
        if used.insert(source) {
            match Instance::of_file(ground, keys, source) {
                Ok(instance) => open(&instance, &mut found),
                Err(Refused { why, at }) => found.problems.push(refused(ground, &why, at)),
            }
        }
    }
    found
}

/// Why the service does not start.
#[derive(Debug)]
struct Refused {
    why: String,
    at: Span,
}

impl Refused {
    fn new(why: impl Into<String>, at: Span) -> Self {
        Self { why: why.into(), at }
    }
}

fn open(instance: &Instance<'_>, found: &mut Found) {
    let listeners = match listener::all(instance) {
        Ok(listeners) => listeners,
        Err(Refused { why, at }) => return found.problems.push(refused(instance.ground, &why, at)),
    };
    let mut taken = Occupied::default();
    let clash = listeners.iter().find_map(|second| {
        let first = listeners.get(taken.take(&second.endpoint)?)?;
        Some((first, second))
    });
    let Some((first, second)) = clash else { return found.listeners.extend(listeners) };
    let conflict = instance.ground.conflict(in_use(&second.endpoint), second.site, bound_first(first));
    found.problems.push(conflict);
}

fn refused(ground: Ground<'_>, why: &str, at: Span) -> Problem {
    ground.problem(ProblemKind::Lost, format!("it does not start: {why}"), at)
}

#[cfg(test)]
mod tests;
