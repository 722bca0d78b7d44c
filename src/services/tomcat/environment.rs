//! The environment that a Tomcat is started with: of its unit, and of the setenv.sh that catalina.sh reads. Of that script only
//! plain lines are understood.

use std::path::Path;

use crate::model::{Command, Starter};
use crate::services::{Ground, answer};
use crate::syntax::startup::{Answer, Set};
use crate::text::{HashMap, SourceId, Span, Text};

/// How lines begin that make others depend on something, or read more.
const BRANCHES: [&str; 12] =
    ["if ", "case ", "for ", "while ", "until ", "unset ", "[", "test ", ". ", "source ", "set ", "eval "];

/// Variables by their names: what is set last counts.
pub(super) type Variables = HashMap<String, Answer>;

/// The variables, and whether these are all. `folder` holds server.xml.
pub(super) fn read(ground: Ground<'_>, folder: &Path) -> (Variables, bool) {
    let command = unit(ground, folder);
    let of_unit = command.into_iter().flat_map(|command| &command.environment);
    let mut found: Variables = of_unit.map(|set| (set.name.clone(), answer(&set.value))).collect();
    let script = folder.parent().unwrap_or(Path::new("")).join("bin/setenv.sh");
    let script = ground.tree.read(ground.sources, &script).ok().filter(|_| folder.ends_with("conf"));
    let plain = script.is_none_or(|script| exports(ground, script, &mut found));
    (found, command.is_some() && plain)
}

/// The one unit that starts it: of the name of its folder in /etc, or one that names the folder that it was unpacked into.
fn unit<'a>(ground: Ground<'a>, folder: &Path) -> Option<&'a Command> {
    let home = format!("/{}", folder.parent().unwrap_or(Path::new("")).display());
    let name =
        folder.file_name().map(|name| format!("{}.service", name.to_string_lossy())).unwrap_or_default();
    let is_own = |command: &&Command| {
        let told = || command.variable("CATALINA_BASE").map(|set| set.value.trim_end_matches('/'));
        let within = || command.words.iter().any(|word| Path::new(word.as_str()).starts_with(&home));
        command.starter == Starter::Unit
            && match folder.ends_with("conf") {
                true => told() == Some(home.as_str()) || told().is_none() && within(),
                false => command.name == name,
            }
    };
    let mut all = ground.commands.iter().filter(is_own);
    all.next().filter(|_| all.next().is_none())
}

/// Adds what a script exports; whether all of it is understood.
fn exports(ground: Ground<'_>, script: SourceId, found: &mut Variables) -> bool {
    let bytes = ground.sources.bytes(script);
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let mut lines = text.lines().map(str::trim_start);
    let plain = !lines.any(|line| BRANCHES.iter().any(|start| line.starts_with(start)));
    let mut next = 0;
    for line in text.split_inclusive('\n') {
        let at = next + line.find('=').map_or(0, |sign| sign + 1);
        next += line.len();
        let line = line.trim();
        let one = line.strip_prefix("export ").and_then(|rest| rest.trim_start().split_once('='));
        let one = one.filter(|(name, _)| plain && is_name(name));
        let Some((name, (skipped, bare))) = one.and_then(|(name, value)| Some((name, bare(value)?))) else {
            set_somehow(line, found);
            continue;
        };
        let start = at + skipped;
        let text = Text::written(bare, Span::new(script, start..start + bare.len()));
        found.insert(name.to_owned(), Answer::Set(Set { text, may_change: false }));
    }
    plain
}

/// Adds what a line exports, or sets again, in a way that is not followed.
fn set_somehow(line: &str, found: &mut Variables) {
    let code = unquoted(line);
    for statement in code.split('#').next().unwrap_or_default().split([';', '&', '|']) {
        let statement = statement.trim_start();
        let exported = statement.strip_prefix("export ");
        let words = exported.unwrap_or(statement).split_whitespace();
        for word in words.take_while(|word| exported.is_some() || word.contains('=')) {
            let name = word.split('=').next().unwrap_or_default();
            if is_name(name) && (exported.is_some() || found.contains_key(name)) {
                found.insert(name.to_owned(), Answer::Unclear(format!("a script sets {name}")));
            }
        }
    }
}

/// A line without what stands in quotes.
fn unquoted(line: &str) -> String {
    let mut quote = None;
    let is_outside = |letter: &char| {
        let before = quote;
        quote = before.or(Some(*letter)).filter(|open| match before {
            Some(_) => open != letter,
            None => matches!(open, '"' | '\''),
        });
        before.is_none() && quote.is_none()
    };
    line.chars().filter(is_outside).collect()
}

fn is_name(name: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    name.chars().all(is_letter) && name.starts_with(|first: char| !first.is_ascii_digit())
}

/// A value without its quotes, where nothing in it is more than it says; and how much of it comes before.
fn bare(value: &str) -> Option<(usize, &str)> {
    let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    let bare = quoted.unwrap_or(value);
    let is_odd = |letter: char| "\"'`$\\".contains(letter);
    let splits = |letter: char| letter.is_whitespace() || ";&|<>(){}*?#~".contains(letter);
    let plain = !bare.contains(is_odd) && (quoted.is_some() || !bare.contains(splits));
    plain.then_some((usize::from(quoted.is_some()), bare))
}
