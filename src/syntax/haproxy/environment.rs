//! The variables that HAProxy sees: those of its unit and of `setenv` lines before.

use std::rc::Rc;

use super::words::Line;
use crate::text::{HashMap, Sources, larger, over};

/// What systemd or HAProxy itself sets, with values that no file tells.
const GIVEN: [&str; 17] = [
    "HAPROXY_BRANCH",
    "HAPROXY_CFGFILES",
    "HAPROXY_CLI",
    "HAPROXY_LOCALPEER",
    "HAPROXY_MASTER_CLI",
    "HAPROXY_MWORKER",
    "HAPROXY_STARTUP_VERSION",
    "HOME",
    "HOSTNAME",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LANG",
    "LOGNAME",
    "NOTIFY_SOCKET",
    "PATH",
    "SHELL",
    "USER",
];

/// No value that matters is longer, in bytes: those that double each other fill the memory.
const MAX_VALUE: usize = 1 << 13;
/// Each line knows the variables as they were before it. After so many changes nothing is known of any.
const MAX_CHANGES: usize = 1_000;

/// What is known of a variable.
pub(super) enum Known<'a> {
    Set(&'a str),
    Unset,
    Unknown,
}

/// The environment at one line.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `None` for one that has a value which is not known.
    variables: HashMap<String, Option<Rc<str>>>,
    /// What is not there is not set.
    complete: bool,
    changes: usize,
}

impl Environment {
    /// An empty one.
    pub fn new(complete: bool) -> Self {
        Self { variables: HashMap::default(), complete, changes: 0 }
    }

    /// Does what a line of `global` says of variables, as far as that is not too much, which is told.
    pub(super) fn take(&mut self, sources: &Sources, line: &Line) {
        if self.is_lost() {
            return;
        }
        self.changes += 1;
        if self.is_lost() {
            sources.cut_off(line.at, over("changes of variables", MAX_CHANGES));
            (self.variables, self.complete) = (HashMap::default(), false);
            return;
        }
        let name = line.text(1);
        match line.text(0) {
            "presetenv" if !matches!(self.get(name), Known::Unset) => {}
            "setenv" | "presetenv" => {
                let is_open = line.words.iter().skip(1).take(2).any(|word| word.is_open());
                let value = line.text(2);
                if value.len() > MAX_VALUE {
                    sources.cut_off(line.at, larger("values of variables", MAX_VALUE, value.len()));
                }
                self.set(name, value, is_open || line.maybe.is_some() || value.len() > MAX_VALUE);
            }
            "unsetenv" => {
                for word in line.words.iter().skip(1) {
                    match line.maybe {
                        Some(_) => self.forget(word.as_str()),
                        None => self.unset(word.as_str()),
                    }
                }
            }
            _ => {}
        }
    }

    pub(super) fn is_lost(&self) -> bool {
        self.changes > MAX_CHANGES
    }

    pub fn set(&mut self, name: &str, value: &str, open: bool) {
        self.variables.insert(name.to_owned(), (!open).then(|| value.into()));
    }

    pub(super) fn forget(&mut self, name: &str) {
        self.variables.insert(name.to_owned(), None);
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    pub(super) fn get(&self, name: &str) -> Known<'_> {
        match self.variables.get(name) {
            Some(Some(value)) => Known::Set(value),
            Some(None) => Known::Unknown,
            None if !self.complete || GIVEN.contains(&name) => Known::Unknown,
            // .LINE and the like, and the formats that HAProxy has ready (HAPROXY_HTTP_LOG_FMT).
            None if name.starts_with('.') || name.ends_with("_FMT") => Known::Unknown,
            None => Known::Unset,
        }
    }

    /// `$NAME` and `${NAME}` in an address, quoted or not (env_expand() in src/tools.c). Nothing, where a value is not known.
    pub fn expand(&self, text: &str) -> Option<String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let bare = after.strip_prefix('{').unwrap_or(after);
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = bare.find(|c: char| !is_name(c)).unwrap_or(bare.len());
            let (name, behind) = bare.split_at_checked(end)?;
            match self.get(name) {
                Known::Set(value) => out.push_str(value),
                Known::Unset => {}
                Known::Unknown => return None,
            }
            let braced = bare.len() != after.len();
            rest = behind.strip_prefix('}').filter(|_| braced).unwrap_or(behind);
        }
        out.push_str(rest);
        Some(out)
    }
}
