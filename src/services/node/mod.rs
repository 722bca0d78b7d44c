//! JavaScript and TypeScript: the servers that a program makes and what they listen on. Only a receiver that is known to be
//! a server counts; what only a run could tell is not known, with the reason.

mod calls;
mod eval;
mod listen;
mod listeners;
mod members;
mod names;
mod place;
mod program;
mod servers;
mod sites;
mod slots;
mod value;

use std::path::PathBuf;

use memchr::memmem;

use super::{Candidate, Found, Ground};
use crate::model::ProblemKind;
use crate::text::{SourceId, Span};
use eval::Evaluation;
use program::Program;
use servers::Servers;

/// The longest line that somebody wrote, in bytes: a call on a longer one was put there by a minifier.
const LONGEST_LINE: usize = 1_000;

/// Expressions that are worked out for one file: a thousand times what a server needs.
const FUEL: u32 = 50_000;

/// Calls of the name `listen` that are looked at in one file.
const MOST_CALLS: usize = 1_000;

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let servers = match Servers::read(ground.service) {
        Ok(servers) => servers,
        Err(error) => return ground.broken("the table of servers", &error.message()),
    };
    let program = Program::new(ground, &servers);
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let mut all = Found::default();
    for found in ground.tree.read_all(&paths, |path| {
        let source = ground.tree.read(ground.sources, path).ok();
        source.map(|source| read_file(&program, path.to_owned(), source)).unwrap_or_default()
    }) {
        all.listeners.extend(found.listeners);
        all.problems.extend(found.problems);
    }
    all
}

fn read_file(program: &Program<'_>, path: PathBuf, source: SourceId) -> Found {
    let mut found = Found::default();
    let text = program.ground.sources.bytes(source);
    if !may_matter(text) {
        return found;
    }
    let whole = Span::top(source);
    let Ok(file) = program.open(&path, source) else { return found };
    let evaluation = Evaluation::new(program, FUEL);
    let mut calls = evaluation.may_listen(file);
    let many = calls.len() > MOST_CALLS;
    calls.truncate(MOST_CALLS);
    found.listeners = listeners::of_calls(&evaluation, &calls);
    let broken = program.file(file).and_then(|file| Some(file.code.span(file.code.broken()?)));
    let rest = |at: Span| text.get(at.range().start..).unwrap_or_default();
    let lost = broken.filter(|at| !found.listeners.is_empty() || may_matter(rest(*at)));
    let why = [
        (lost, "this is not understood"),
        (many.then_some(whole), "it calls too much that may listen"),
        ((evaluation.fuel.get() == 0).then_some(whole), "it takes too long to follow"),
    ];
    for (at, why) in why {
        let message = format!("{why}, so servers in it may be missed");
        found.problems.extend(at.map(|at| program.ground.problem(ProblemKind::Skipped, message, at)));
    }
    found
}

/// Something that makes servers listen stands in it, and not only where a minifier has been.
fn may_matter(text: &[u8]) -> bool {
    let is_method = |at: &usize| {
        let rest = text.get(at + b"listen".len()..).unwrap_or_default().trim_ascii_start();
        rest.first().is_some_and(|next| b"(?.<)!".contains(next))
    };
    memmem::find_iter(text, b"listen").filter(is_method).any(|at| is_on_a_short_line(text, at))
        || [&b"@hono/node-server"[..], b"hapi"].iter().any(|word| memmem::find(text, word).is_some())
}

fn is_on_a_short_line(text: &[u8], at: usize) -> bool {
    let before = text.get(at.saturating_sub(LONGEST_LINE)..at).unwrap_or_default();
    let after = text.get(at..text.len().min(at + LONGEST_LINE)).unwrap_or_default();
    let start = memchr::memrchr(b'\n', before).map_or(before.len(), |newline| before.len() - newline - 1);
    let end = memchr::memchr(b'\n', after).unwrap_or(after.len());
    start + end < LONGEST_LINE
}

#[cfg(test)]
mod tests;
