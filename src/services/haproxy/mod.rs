//! haproxy.cfg: what HAProxy listens on, and how its backlogs follow from its many maxconns.

mod address;
mod backlog;
mod bind;
mod condition;
mod config;
mod environment;
mod hops;
mod keywords;
mod run;
mod sockets;
mod walk;
mod words;

use std::path::Path;

use self::config::{Config, Trouble};
use self::keywords::Keywords;
use self::run::Run;
use self::sockets::Sockets;
use self::walk::Walk;
use super::{Candidate, Found, Ground};
use crate::model::{Problem, ProblemKind, Version};
use crate::text::{SourceId, Span};

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let keywords = Keywords::of(&ground.service.reader);
    let mut found = Found::default();
    for run in run::all(ground, files) {
        Reading { ground, keywords: &keywords, run: &run }.read(&mut found);
    }
    found
}

/// One HAProxy while it is read.
struct Reading<'a> {
    ground: Ground<'a>,
    keywords: &'a Keywords<'a>,
    run: &'a Run,
}

impl Reading<'_> {
    fn read(&self, found: &mut Found) {
        let Some(sources) = self.sources(found) else { return };
        let folder = self.run.files.first().and_then(|file| file.parent()).unwrap_or(Path::new(""));
        let version = self.ground.version(folder);
        let config = self.config(&sources, version);
        // A piece of a configuration, and what a program has yet to fill in, is not what HAProxy reads.
        let counts = self.run.certain || config.whole;
        if counts && !config.template {
            found.problems.extend(config.troubles.iter().map(|trouble| self.problem(trouble)));
        }
        let sockets = Sockets { ground: self.ground, config: &config, run: self.run, version };
        sockets.open(found);
    }

    fn sources(&self, found: &mut Found) -> Option<Vec<SourceId>> {
        let Ground { sources, tree, .. } = self.ground;
        let mut read = Vec::new();
        for path in &self.run.files {
            match tree.read(sources, path) {
                Ok(source) => read.push(source),
                Err(why) => {
                    let message = format!("{} is not read: {why}", path.display());
                    let at = Span::top(tree.unread(sources, path));
                    found.problems.push(self.ground.problem(ProblemKind::Lost, message, at));
                    return None;
                }
            }
        }
        Some(read)
    }

    fn config(&self, sources: &[SourceId], version: Option<Version>) -> Config {
        let mut walk = Walk::new(self.ground, self.keywords, version, self.run);
        for source in sources {
            walk.file(*source);
        }
        walk.finish()
    }

    fn problem(&self, trouble: &Trouble) -> Problem {
        match trouble.harmless {
            true => self.ground.problem(ProblemKind::Skipped, trouble.what.clone(), trouble.at),
            false => self.ground.problem(
                ProblemKind::Lost,
                format!("it would not start: {}", trouble.what),
                trouble.at,
            ),
        }
    }
}

#[cfg(test)]
mod tests;
