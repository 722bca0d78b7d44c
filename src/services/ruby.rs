//! What the servers that are configured in Ruby share: the surroundings of a configuration, and options of command lines.

use std::path::Path;

use super::Ground;
use crate::model::{Command, Problem, ProblemKind, ReadAs, Text};
use crate::syntax::optparse::{Known, options};
use crate::syntax::ruby::{Ruby, Surroundings};
use crate::text::SourceId;

/// The value of an option: the end of a word.
pub(super) struct Said<'w> {
    pub(super) text: &'w str,
    pub(super) word: &'w Text,
}

/// The options of a command line; nothing where it is refused.
pub(super) fn options_of<'w, 'k>(
    arguments: &'w [Text],
    known: &'k [Known],
) -> Option<Vec<(&'k str, Option<Said<'w>>)>> {
    let texts: Vec<&str> = arguments.iter().map(|word| word.as_str()).collect();
    let said = |(word, length): (usize, usize)| {
        let word = arguments.get(word)?;
        Some(Said { text: word.as_str().get(word.as_str().len().checked_sub(length)?..)?, word })
    };
    let all = options(&texts, known)?.into_iter();
    Some(all.map(|given| (given.long, given.value.and_then(said))).collect())
}

impl<'a> Ground<'a> {
    /// A configuration in Ruby, as far as it is understood, and what is wrong with it; `what` may be missed then. That it was
    /// not read at all is told by the parser.
    pub(super) fn ruby(&self, source: SourceId, what: &str) -> (Option<Ruby<'a>>, Option<Problem>) {
        let Ok(ruby) = Ruby::parse(self.sources, source) else { return (None, None) };
        let message = || format!("this is not understood, so {what} in it may be missed");
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
