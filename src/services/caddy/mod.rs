//! The Caddyfile: what its sites, its admin endpoint and the redirects of automatic HTTPS listen on. Every queue is the kernel's
//! somaxconn; nothing in the file can change that.

mod address;
mod blocks;
mod hops;
mod redirects;
mod sites;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use self::blocks::Blocks;
use self::sites::{Options, Server};
use super::{Candidate, Found, Ground};
use crate::model::{Listener, Problem, ProblemKind, Setting, Step};
use crate::syntax::caddyfile::Broken;
use crate::text::{SourceId, Span};

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    let mut imported: HashSet<PathBuf> = HashSet::new();
    let mut files: Vec<&Candidate> = files.iter().collect();
    files.sort_by_key(|file| (!file.by_place, !is_main(&file.path)));
    for file in files {
        if !imported.contains(&file.path) {
            imported.extend(one(ground, file, &mut found));
        }
    }
    found
}

/// Other names are of files that a main one imports, or of one that is told by the command line.
fn is_main(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"Caddyfile"))
}

/// Reads a Caddyfile and says what it imported.
fn one(ground: Ground<'_>, file: &Candidate, found: &mut Found) -> HashSet<PathBuf> {
    let kind = if file.by_place { ProblemKind::Lost } else { ProblemKind::Skipped };
    let problem = |kind: ProblemKind, (message, at): Broken| Problem {
        kind,
        service: Some(ground.service.name.clone()),
        message,
        help: None,
        at,
        labels: Vec::new(),
    };
    let source = match ground.tree.read(ground.sources, &file.path) {
        Ok(source) => source,
        Err(why) => {
            let at = Span::top(ground.tree.unread(ground.sources, &file.path));
            found.problems.push(problem(kind, (format!("it was not read: {why}"), at)));
            return HashSet::new();
        }
    };
    let folder = file.path.parent().unwrap_or(Path::new(""));
    let mut blocks = blocks::read(ground, source, folder);
    let missing = std::mem::take(&mut blocks.missing).into_iter();
    found.problems.extend(missing.map(|it| problem(ProblemKind::Skipped, it)));
    match listeners(ground, &blocks, source, is_main(&file.path)) {
        Ok(listeners) => found.listeners.extend(listeners),
        Err(broken) => found.problems.push(problem(kind, broken)),
    }
    blocks.imported
}

/// Caddy starts with all of a file or with nothing.
fn listeners(
    ground: Ground<'_>,
    blocks: &Blocks,
    source: SourceId,
    with_admin: bool,
) -> Result<Vec<Listener>, Broken> {
    if ground.sources.bytes(source).is_empty() {
        return Err(("adapting config using caddyfile: EOF".to_owned(), Span::top(source)));
    }
    if let Some(broken) = &blocks.broken {
        return Err(broken.clone());
    }
    let version = ground.version(Path::new(""));
    let options = Options::read(&blocks.global, Span::top(source))?;
    let servers = sites::servers(ground, &options, version, &blocks.sites)?;
    let mut made: Vec<Listener> = servers.into_iter().map(|server| listener(ground, server)).collect();
    if let Some((bound, port, at)) = options.admin.filter(|_| with_admin)
        && let Some((endpoint, unknown)) = bound.endpoint(ground, port)
    {
        let (hops, redirects) = (Vec::new(), false);
        let server = Server { endpoint, unknown, site: at, hops, redirects, inherited: false };
        let mut admin = listener(ground, server);
        let what = "the admin endpoint".to_owned();
        admin.notes.push(Step { value: None, what, at });
        made.push(admin);
    }
    Ok(made)
}

fn listener(ground: Ground<'_>, server: Server) -> Listener {
    let site = server.site;
    let mut listener = Listener::new(&ground.service.name, ground.place, server.endpoint, site);
    let note = |what: &str| Step { value: None, what: what.to_owned(), at: site };
    listener.hops = server.hops;
    if let Some(why) = server.unknown {
        listener.notes.push(note(why));
    }
    if server.redirects {
        listener.notes.push(note("automatic HTTPS opens it, to redirect to HTTPS"));
    }
    if server.inherited {
        listener.steps.push(note("the backlog is that of whoever opened the socket"));
        return listener;
    }
    if let Some((value, step)) = ground.default("backlog", None) {
        listener.backlog = Setting { value: Some(value), slot: None };
        listener.steps.push(step);
    }
    listener
}

#[cfg(test)]
mod tests;
