//! The environment that a Tomcat is started with: of its unit, and of the setenv.sh that catalina.sh reads. Of that script only
//! plain lines are understood.

use std::path::Path;

use crate::model::{Command, Starter};
use crate::services::{Ground, variable};
use crate::syntax::startup::{Answer, Set};
use crate::text::{SourceId, Span, Text};

/// How lines begin that make others depend on something, or read more.
const BRANCHES: [&str; 12] =
    ["if ", "case ", "for ", "while ", "until ", "unset ", "[", "test ", ". ", "source ", "set ", "eval "];

/// Variables in the order in which they are set.
pub(super) type Variables = Vec<(String, Answer)>;

/// The variables, and whether these are all. `folder` holds server.xml.
pub(super) fn read(ground: Ground<'_>, folder: &Path) -> (Variables, bool) {
    let command = unit(ground, folder);
    let of_unit = command.into_iter().flat_map(|command| {
        let names = command.environment.iter().map(|set| set.name.clone());
        names.map(move |name| (name.clone(), variable(command, &name)))
    });
    let mut found: Variables = of_unit.collect();
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
        let exported = line.strip_prefix("export ");
        let Some((name, value)) = exported.unwrap_or(line).trim_start().split_once('=') else { continue };
        let known = !line.starts_with('#') && found.iter().any(|(known, _)| known == name);
        if exported.is_none() && !known {
            continue;
        }
        let answer = match bare(value).filter(|_| plain && exported.is_some()) {
            Some((skipped, bare)) => {
                let start = at + skipped;
                let at = Span::new(script, start..start + bare.len());
                Answer::Set(Set { text: Text::written(bare, at), may_change: false })
            }
            None => Answer::Unclear(format!("a script sets {name}")),
        };
        found.push((name.to_owned(), answer));
    }
    plain
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
