//! What the servers that are configured in Ruby share: the surroundings of a configuration, and options of command lines.

use std::path::Path;

use super::Ground;
use crate::model::{Command, Problem, ProblemKind, ReadAs, Text};
use crate::syntax::argv::{self, Given};
use crate::syntax::ruby::{Ruby, Surroundings};
use crate::text::SourceId;

/// The options of a command line without their dashes; nothing where it is refused.
pub(super) fn options_of<'w, 't>(
    arguments: &'w [Text],
    table: &'t argv::Table,
) -> Option<impl Iterator<Item = (&'t str, Option<argv::Value<'w>>)>> {
    let line = table.read(arguments);
    let bare = |given: Given<'t, 'w>| (given.name.trim_start_matches('-'), given.value);
    line.wrong.is_empty().then(|| line.given.into_iter().map(bare))
}

impl<'a> Ground<'a> {
    /// A configuration in Ruby, as far as it is understood, and what is wrong with it; `what` may be missed then. That it was
    /// not read at all is told by the parser.
    pub(super) fn ruby(&self, source: SourceId, what: &str) -> (Option<Ruby<'a>>, Option<Problem>) {
        let Ok(ruby) = Ruby::parse(self.sources, source) else { return (None, None) };
        let message = || format!("the audit cannot parse this, so {what} in it may be missing");
        let skipped = |at| self.problem(ProblemKind::Skipped, message(), ruby.code.span(at));
        let broken = ruby.code.broken().map(skipped);
        (Some(ruby), broken)
    }

    /// What surrounds a configuration that a command line reads, or that something unknown does.
    pub(super) fn around(&self, configuration: &Path, by: Option<&Command>) -> Surroundings {
        let installed = self.read_as == ReadAs::Root;
        let absolute = |path: &Path| format!("/{}", path.display());
        let set = |command: &Command| {
            let set = command.environment.iter().map(|set| {
                let value = Some(set.value.as_str().to_owned()).filter(|_| !set.value.is_open());
                (set.name.clone(), value)
            });
            set.collect()
        };
        Surroundings {
            file: installed.then(|| absolute(configuration)),
            folder: by.and_then(|command| command.folder.as_deref()).filter(|_| installed).map(absolute),
            environment: by.map(set),
        }
    }
}
