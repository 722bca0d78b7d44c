//! Java sources: the server sockets that a program opens, its own or through Netty, Vert.x, Undertow and Jetty. Only an object
//! whose class is known by import or declaration counts; what only a run could tell is not known, with the reason.

mod built;
mod calls;
mod classes;
mod eval;
mod frameworks;
mod listen;
mod listeners;
mod names;
mod place;
mod types;
mod value;

use std::cell::Cell;
use std::path::PathBuf;

use super::{Candidate, Found, Ground};
use crate::model::ProblemKind;
use crate::syntax::calls::Id;
use crate::text::{SourceId, Span};
use classes::Classes;
use eval::{Evaluation, File};

/// Expressions that are worked out for one file: a thousand times what a server needs.
const FUEL: u32 = 50_000;

/// Listeners of one file.
const MOST: usize = 1_000;

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let classes = match Classes::read(ground.service) {
        Ok(classes) => classes,
        Err(error) => return ground.broken("the table of classes", &error.message()),
    };
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let mut all = Found::default();
    for found in ground.tree.read_all(&paths, |path| {
        let source = ground.tree.read(ground.sources, path).ok();
        source.map(|source| read_file(ground, &classes, path.to_owned(), source)).unwrap_or_default()
    }) {
        all.listeners.extend(found.listeners);
        all.problems.extend(found.problems);
    }
    all
}

fn read_file(ground: Ground<'_>, classes: &Classes, path: PathBuf, source: SourceId) -> Found {
    let mut found = Found::default();
    let whole = Span::top(source);
    let skipped = |message: String| ground.problem(ProblemKind::Skipped, message, whole);
    let name = path.display().to_string();
    let file = match File::parse(path, source, ground.sources.bytes(source)) {
        Ok(file) => file,
        Err(why) => {
            found.problems.push(skipped(format!("{name} was not read for servers: {why}")));
            return found;
        }
    };
    let fuel = Cell::new(FUEL);
    let evaluation = Evaluation::new(ground, classes, &file, &fuel);
    let calls = file
        .code
        .all()
        .filter(|id: &Id| matches!(file.code.kind(*id), "object_creation_expression" | "method_invocation"));
    found.listeners = calls.filter_map(|call| listeners::of_call(&evaluation, call)).take(MOST).collect();
    found.listeners.sort_by_key(|listener| listener.site);
    if fuel.get() == 0 {
        let message = "it takes too long to follow, so servers in it may be missed".to_owned();
        found.problems.push(skipped(message));
    }
    found
}

#[cfg(test)]
mod tests;
