//! JavaScript and TypeScript: the servers that a program makes and what they listen on. Only a receiver that is known to be
//! a server counts; what only a run could tell is not known, with the reason.

mod calls;
mod eval;
mod listen;
mod listeners;
mod members;
mod minified;
mod names;
mod place;
mod program;
mod servers;
mod sites;
mod slots;
mod value;

use std::path::{Path, PathBuf};

use memchr::memmem;

use super::{Candidate, Found, Ground, OfFile, Programs};
use crate::model::ProblemKind;
use crate::text::{SourceId, Span, over};
use eval::Evaluation;
use minified::is_on_a_short_line;
use program::Program;
use servers::Servers;

/// Expressions that are worked out for one file: a thousand times what a server needs.
const MAX_EXPRESSIONS: u32 = 50_000;

/// Calls that may listen, by their names, of which as many are looked at in one file.
const MAX_CALLS: usize = 1_000;

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let servers = match Servers::read(ground.service) {
        Ok(servers) => servers,
        Err(error) => return ground.broken("the table of servers", &error.message()),
    };
    let program = Program::new(ground, &servers);
    let programs = Programs::new(ground, |command| program.started(command));
    let takes_in = |path: &Path| program.taken_in(path);
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let mut all = Found::default();
    for found in ground.tree.read_all(&paths, |path| {
        let source = ground.tree.read(ground.sources, path).ok();
        let startup = programs.of(path, &takes_in);
        source.map(|source| read_file(&program, startup, path.to_owned(), source)).unwrap_or_default()
    }) {
        all.listeners.extend(found.listeners);
        all.problems.extend(found.problems);
        all.left_out += found.left_out;
    }
    all.left_out += minified::tell(&program, &all.listeners);
    all
}

fn read_file<'a>(program: &Program<'a>, startup: OfFile<'_, 'a>, path: PathBuf, source: SourceId) -> Found {
    let mut found = Found::default();
    let (text, whole) = (program.ground.sources.bytes(source), Span::top(source));
    if !may_matter(text, |at| is_on_a_short_line(text, at)) {
        if may_matter(text, |_| true) {
            program.minified.push(whole);
        }
        return found;
    }
    let Ok(file) = program.open(&path, source) else { return found };
    let evaluation = Evaluation::new(program, startup, MAX_EXPRESSIONS);
    let mut calls = evaluation.may_listen(file);
    let many = calls.get(MAX_CALLS).map(|call| program.span(call).unwrap_or(whole));
    calls.truncate(MAX_CALLS);
    found.listeners = listeners::of_calls(&evaluation, &calls);
    let broken = program.file(file).and_then(|file| Some(file.code.span(file.code.broken()?)));
    let rest = |at: Span| text.get(at.range().start..).unwrap_or_default();
    let is_short = |at: &Span| may_matter(rest(*at), |inner| is_on_a_short_line(rest(*at), inner));
    let lost = broken.filter(|at| !found.listeners.is_empty() || is_short(at));
    let message = "the audit cannot parse this, so servers in it may be missing";
    found.problems.extend(lost.map(|at| program.ground.problem(ProblemKind::Skipped, message, at)));
    if let Some(at) = many {
        program.ground.sources.cut_off(at, over("calls of this file that may listen", MAX_CALLS));
    }
    found.problems.extend(evaluation.tell_effort(whole));
    found
}

/// Something that makes servers listen stands in it, at a place that counts.
fn may_matter(text: &[u8], counts: impl Fn(usize) -> bool) -> bool {
    let is_method = |at: &usize| {
        let rest = text.get(at + b"listen".len()..).unwrap_or_default().trim_ascii_start();
        rest.first().is_some_and(|next| b"(?.<)!'\"`".contains(next))
    };
    memmem::find_iter(text, b"listen").filter(is_method).any(counts)
        || [&b"@hono/node-server"[..], b"hapi"].iter().any(|word| memmem::find(text, word).is_some())
}

#[cfg(test)]
mod tests;
