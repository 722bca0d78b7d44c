//! Which systemd service starts which file of a tree: a program that is told by its source is restarted by that one's name.

use std::path::PathBuf;

use super::Ground;
use crate::model::{Listener, Starter};
use crate::text::{HashMap, Sources};

/// The service that names a file in its command line; nothing where several do.
pub(super) struct Starters<'a>(HashMap<PathBuf, Option<&'a str>>);

impl<'a> Starters<'a> {
    pub(super) fn of(ground: Ground<'a>) -> Self {
        let mut found: HashMap<PathBuf, Option<&str>> = HashMap::default();
        for command in ground.commands.iter().filter(|command| command.starter == Starter::Unit) {
            // A template has no name to restart it by.
            let Some(name) = command.name.strip_suffix(".service").filter(|name| !name.ends_with('@')) else {
                continue;
            };
            let is_file = |word: &str| !word.starts_with('-') && word.contains(['.', '/']);
            let words = command.words.iter().filter(|word| !word.is_open() && is_file(word.as_str()));
            for path in words.filter_map(|word| ground.named_file(command, word.as_str())) {
                let known = found.entry(path).or_insert(Some(name));
                *known = known.filter(|known| *known == name);
            }
        }
        Self(found)
    }

    /// Says of each listener which service starts its program.
    pub(super) fn name(&self, sources: &Sources, listeners: &mut [Listener]) {
        for listener in listeners.iter_mut().filter(|_| !self.0.is_empty()) {
            let unit = sources.get(listener.site.source).path().and_then(|path| self.0.get(path));
            listener.unit = unit.copied().flatten().map(str::to_owned).or(listener.unit.take());
        }
    }
}
