//! What only runs another program, taken off a command line: `exec`, `env A=b`, `sudo -u x`, `bundle exec`, `sh -c '...'`.
//! Which programs do so, and how their own words are told, stands in `rules/commands.toml`.

use super::line::{Line, assignment};
use super::scene::Scene;
use crate::knowledge::Runner;
use crate::text::Text;

/// What is left of a line.
pub(super) enum Off {
    /// Something was taken off.
    Again,
    /// It starts the program that it names first.
    Done,
    /// It starts nothing.
    Nothing,
    /// What runs several command lines.
    Lines(Vec<Text>),
    /// A shell that is given a script, and the script's arguments.
    Script(Text, Vec<Text>),
    /// A shell that is given a script's file.
    File(Text, Vec<Text>),
}

pub(super) fn take_off(scene: &Scene<'_>, line: &mut Line) -> Off {
    line.words.first_mut().into_iter().for_each(find);
    let Some(first) = line.words.first() else { return Off::Nothing };
    let program = first.as_str().rsplit('/').next().unwrap_or_default();
    let runners = scene.lines.runners.iter();
    let found = runners.flat_map(|runner| runner.names.iter().map(move |name| (runner, name))).find_map(
        |(runner, name)| {
            let subcommands = match name.strip_prefix(program)? {
                "" => "",
                rest => rest.strip_prefix(' ')?,
            };
            Some((runner, after(runner, &line.words, subcommands)?))
        },
    );
    match found {
        Some((runner, at)) if runner.shell => shell(runner, line, at),
        Some((runner, at)) if runner.lines => Off::Lines(operands(runner, line, at)),
        Some((runner, at)) => words(scene, runner, line, at),
        None => Off::Done,
    }
}

/// `$(which program)` is the program.
fn find(first: &mut Text) {
    let text = first.as_str();
    let inner = text.strip_prefix("$(").and_then(|text| text.strip_suffix(')'));
    let inner = inner.or_else(|| text.strip_prefix('`')?.strip_suffix('`')).unwrap_or_default();
    let name =
        ["which ", "command -v ", "type -p "].iter().find_map(|finder| inner.trim().strip_prefix(finder));
    let Some(name) = name.map(str::trim).filter(|name| !name.contains([' ', '$', '`', '"'])) else { return };
    let Some(start) = text.rfind(name) else { return };
    let mut found = Text::nothing(first.whole());
    found.push_part(first, start..start + name.len());
    *first = found;
}

/// Where the words of a runner begin: behind its name and its subcommands, which may stand behind options.
fn after(runner: &Runner, words: &[Text], subcommands: &str) -> Option<usize> {
    let mut at = 1;
    for subcommand in subcommands.split_ascii_whitespace() {
        while let Some(option) = words.get(at).map(Text::as_str).filter(|word| word.starts_with('-')) {
            at += 1 + usize::from(takes_value(runner, option));
        }
        if words.get(at).map(Text::as_str) != Some(subcommand) {
            return None;
        }
        at += 1;
    }
    Some(at)
}

fn takes_value(runner: &Runner, option: &str) -> bool {
    runner.takes_value.iter().any(|known| known == option)
}

/// The words that are no options.
fn operands(runner: &Runner, line: &Line, from: usize) -> Vec<Text> {
    let mut found = Vec::new();
    let mut words = line.words.iter().skip(from);
    while let Some(word) = words.next() {
        let text = word.as_str();
        if !text.starts_with('-') {
            found.push(word.clone());
        } else if takes_value(runner, text) {
            words.next();
        }
    }
    found
}

fn words(scene: &Scene<'_>, runner: &Runner, line: &mut Line, from: usize) -> Off {
    let mut at = from;
    if let Some(until) = &runner.until {
        let rest = line.words.get(at..).unwrap_or_default();
        let Some(behind) = rest.iter().position(|word| word.is(until)) else {
            return Off::Nothing;
        };
        return cut(line, at + behind + 1);
    }
    let mut operands = runner.operands;
    while let Some(word) = line.words.get(at) {
        let text = word.as_str();
        if text == "--" {
            at += 1;
            break;
        }
        if text.len() > 1 && text.starts_with('-') {
            let (option, joined) = text.split_once('=').map_or((text, None), |(a, b)| (a, Some(b)));
            let value = takes_value(runner, option) && joined.is_none();
            let named = joined.or_else(|| line.words.get(at + 1).map(Text::as_str));
            if let Some(named) = named.filter(|_| runner.folder.iter().any(|known| known == option)) {
                line.folder = scene.folder(line.folder.as_deref(), named);
            }
            at += 1 + usize::from(value);
        } else if let Some(assignment) = assignment(word).filter(|_| runner.assigns) {
            line.environment.push(assignment.into());
            at += 1;
        } else if operands > 0 {
            operands -= 1;
            at += 1;
        } else {
            break;
        }
    }
    match (&runner.programs_in, line.words.get(at)) {
        (Some(folder), Some(program)) if at != from || !lies_in(program.as_str(), folder) => Off::Done,
        (Some(_), None) => Off::Done,
        _ => cut(line, at),
    }
}

/// Whether a program's file is one that was installed: it lies in a folder of this name, and is no source file.
fn lies_in(path: &str, folder: &str) -> bool {
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or_default();
    parts.next() == Some(folder) && !name.contains('.')
}

fn cut(line: &mut Line, at: usize) -> Off {
    if at >= line.words.len() {
        return Off::Nothing;
    }
    line.words.drain(..at);
    line.at = None;
    Off::Again
}

fn shell(runner: &Runner, line: &mut Line, from: usize) -> Off {
    let mut at = from;
    let mut script = false;
    while let Some(option) = line.words.get(at).map(Text::as_str) {
        if option == "--" {
            at += 1;
            break;
        }
        if !(option.len() > 1 && option.starts_with(['-', '+'])) {
            break;
        }
        script |= option.starts_with('-') && !option.starts_with("--") && option.contains('c');
        at += 1 + usize::from(
            takes_value(runner, option) || option.ends_with('o') && !option.starts_with("--"),
        );
    }
    let Some(first) = line.words.get(at).cloned() else { return Off::Nothing };
    // The word after a script is its `$0`.
    let arguments = line.words.get(at + 1 + usize::from(script)..).unwrap_or_default().to_vec();
    if script { Off::Script(first, arguments) } else { Off::File(first, arguments) }
}
