//! What `include` and `include_shell` draw in. Nothing is executed: what `cat` and Debian's own scripts would print is known
//! without them, and what others print is not.

use std::path::{Path, PathBuf};

use super::data::{Data, Value};
use super::lex::Compare;
use super::words::{Words, key};
use super::{Config, Entry};
use crate::syntax::refusal::Refusal;
use crate::syntax::start::Start;
use crate::text::tree::Unread;
use crate::text::{Span, deeper, has_magic, over};

/// Files that include files; lighttpd itself goes on until it runs out of stack.
const MAX_DEPTH: usize = 32;
const MAX_INCLUDES: usize = 4096;
/// Patterns that the braces of one make.
const MAX_PATTERNS: usize = 256;

impl<'a> Config<'a> {
    pub(super) fn include(&mut self, words: &mut Words<'a>, at: Span, depth: usize) -> Result<(), Refusal> {
        let value = words.expression(self)?;
        let at = Span { end: value.at.end, ..at };
        match text_of(&value)? {
            Some(text) => self.draw_in(&text, at, depth),
            None => {
                self.leave_open("it is unknown which file it includes here and what that opens", at);
                Ok(())
            }
        }
    }

    fn leave_open(&mut self, what: impl Into<String>, at: Span) {
        self.unknown.push((what.into(), at));
    }

    /// config_parse_file in src/configfile.c.
    fn draw_in(&mut self, pattern: &str, at: Span, depth: usize) -> Result<(), Refusal> {
        let mut found = false;
        let patterns = braces(pattern);
        if patterns.len() > MAX_PATTERNS {
            return Err(Refusal::ours(over("patterns that braces make", MAX_PATTERNS), at));
        }
        for pattern in patterns {
            for path in self.paths(&pattern) {
                found = true;
                self.read_in(&path, at, depth)?;
            }
        }
        let may_be_none = pattern.contains(['*', '?', '[', ']', '{', '}']);
        match found || may_be_none && !self.leads_out(pattern) {
            true => Ok(()),
            false if self.given.start == Start::Installed => {
                Err(Refusal::new(format!("include file not found: {pattern}"), at))
            }
            false => {
                self.leave_open(format!("{pattern} is not in this tree: its listeners are unknown"), at);
                Ok(())
            }
        }
    }

    fn read_in(&mut self, path: &Path, at: Span, depth: usize) -> Result<(), Refusal> {
        self.includes += 1;
        if depth >= MAX_DEPTH {
            return Err(Refusal::ours(deeper("includes", MAX_DEPTH), at));
        }
        if self.includes > MAX_INCLUDES {
            return Err(Refusal::ours(over("included files", MAX_INCLUDES), at));
        }
        match self.given.tree.read(self.given.sources, path) {
            Ok(source) => {
                self.included.insert(source);
                self.file(source, depth + 1)
            }
            Err(why @ (Unread::TooLarge(_) | Unread::Denied(_))) => {
                self.leave_open(format!("cannot read {}: {why}", path.display()), at);
                Ok(())
            }
            Err(why) => Err(Refusal::new(format!("opening configfile {} failed: {why}", path.display()), at)),
        }
    }

    fn paths(&self, pattern: &str) -> Vec<PathBuf> {
        let tree = self.given.tree;
        let path = self.located(pattern);
        let found = tree.glob(path.as_os_str().as_encoded_bytes());
        match self.moved(pattern).filter(|_| found.is_empty()) {
            Some(moved) => tree.glob(moved.as_os_str().as_encoded_bytes()),
            None => found,
        }
    }

    /// Whether a shell finds a file, or may find one that is not in this tree.
    fn is_there(&self, pattern: &str) -> bool {
        self.given.start != Start::Installed || !self.paths(pattern).is_empty()
    }

    /// Relative to the folder of the main file, unless it says where it begins; the unit's own folder is `/`.
    fn located(&self, pattern: &str) -> PathBuf {
        let from_here = pattern.starts_with("./") || pattern.starts_with("../");
        match from_here && self.given.start == Start::Installed {
            true => PathBuf::from(pattern),
            false => self.given.home.join(pattern),
        }
    }

    /// Where a path below the folder that lighttpd is installed in lies in a repository: its main file will be put there.
    fn moved(&self, pattern: &str) -> Option<PathBuf> {
        if !self.given.repository {
            return None;
        }
        let path = Path::new(pattern).strip_prefix("/").ok()?;
        let mut homes = self.given.places.iter().filter_map(|main| Path::new(main).parent());
        homes.find_map(|home| path.strip_prefix(home).ok()).map(|rest| self.given.home.join(rest))
    }

    /// Whether the files of a pattern may be on the machine and not in this tree.
    fn leads_out(&self, pattern: &str) -> bool {
        let folder = |path: PathBuf| {
            let plain = path.ancestors().find(|path| !has_magic(path.as_os_str().as_encoded_bytes()));
            plain.is_some_and(|folder| self.given.tree.is_folder(folder))
        };
        self.given.start != Start::Installed
            && !folder(self.located(pattern))
            && !self.moved(pattern).is_some_and(folder)
    }

    pub(super) fn shell(&mut self, words: &mut Words<'a>, at: Span, depth: usize) -> Result<(), Refusal> {
        let value = words.expression(self)?;
        let at = Span { end: value.at.end, ..at };
        let command = text_of(&value)?.unwrap_or_default();
        let mut arguments = command.split_ascii_whitespace();
        let program = arguments.next().unwrap_or_default();
        let name = program.rsplit('/').next().unwrap_or(program);
        let plain = !command.contains(['|', '&', ';', '<', '>', '$', '`', '\'', '"', '\\', '(']);
        match name {
            "cat" if plain => arguments.try_for_each(|pattern| match self.is_there(pattern) {
                true => self.draw_in(pattern, at, depth),
                false => Err(Refusal::new(format!("cat: {pattern}: No such file or directory"), at)),
            }),
            "include-conf-enabled.pl" if plain => {
                let folder = arguments.next().unwrap_or("/etc/lighttpd/");
                let pattern = format!("{}/conf-enabled/*.conf", folder.trim_end_matches('/'));
                self.draw_in(&pattern, at, depth)
            }
            "use-ipv6.pl" if plain => self.use_ipv6(arguments.next(), at),
            _ if plain && self.given.quiet.contains(&name) => Ok(()),
            _ => {
                self.leave_open("it is unknown what this command prints and what that opens", at);
                Ok(())
            }
        }
    }

    /// Debian's script opens the port on `[::]` too, where the machine has IPv6.
    fn use_ipv6(&mut self, port: Option<&str>, at: Span) -> Result<(), Refusal> {
        let port: u16 = port.and_then(|port| port.parse().ok()).filter(|port| *port > 0).unwrap_or(80);
        let text = |text: &str| Value { data: Data::Text(text.into()), at, literal: None };
        let socket = text(&format!("[::]:{port}"));
        let scope = self.scope("$SERVER[\"socket\"]", Compare::Equal, socket, true);
        if let Some(scope) = self.scopes.get_mut(scope) {
            scope.assumed = Some("assuming that use-ipv6.pl opens it, as Debian's does".into());
        }
        if port != 443 {
            return Ok(());
        }
        let back = std::mem::replace(&mut self.current, scope);
        let entry = Entry { value: text("enable"), at };
        let before = self.entries().insert("ssl.engine".into(), entry);
        self.current = back;
        match before {
            Some(_) => Err(Refusal::new("Duplicate config variable: ssl.engine", at)),
            None => Ok(()),
        }
    }
}

/// A path or command; `None` where it is not known.
fn text_of(value: &Value) -> Result<Option<String>, Refusal> {
    Ok(if value.is_open() { None } else { Some(key(value)?.to_string()) })
}

/// The patterns that a pattern with braces stands for (GLOB_BRACE).
fn braces(pattern: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut left = vec![pattern.to_owned()];
    while let Some(pattern) = left.pop() {
        match outer(&pattern).filter(|_| done.len() + left.len() < MAX_PATTERNS) {
            Some((before, choices, after)) => {
                left.extend(choices.iter().rev().map(|choice| format!("{before}{choice}{after}")));
            }
            None => done.push(pattern),
        }
    }
    done
}

/// What stands before the first pair of braces, its choices, and the rest.
fn outer(pattern: &str) -> Option<(&str, Vec<&str>, &str)> {
    let (before, inside) = pattern.split_once('{')?;
    let (mut depth, mut from, mut choices) = (0, 0, Vec::new());
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth > 0 => depth -= 1,
            b'}' => {
                choices.push(inside.get(from..at)?);
                return Some((before, choices, inside.get(at + 1..)?));
            }
            b',' if depth == 0 => {
                choices.push(inside.get(from..at)?);
                from = at + 1;
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::braces;

    #[test]
    fn braces_are_choices() {
        assert_eq!(braces("a"), ["a"]);
        assert_eq!(braces("{a,b}.conf"), ["a.conf", "b.conf"]);
        assert_eq!(braces("x{a,{b,c}}{1,2}"), ["xa1", "xa2", "xb1", "xb2", "xc1", "xc2"]);
        assert_eq!(braces("}{"), ["}{"]);
    }
}
