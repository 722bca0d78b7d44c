//! `rules/commands.toml`: the files that start programs, and what is known of their command lines.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::COMMAND;
use super::shape::{Files, Shape};
use super::table::{Broken, Lazy, Part, lazy};
use crate::text::Sources;

/// `rules/commands.toml`: the files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandsFile {
    unit: Files,
    dockerfile: Files,
    compose: Files,
    procfile: Files,
    script: Files,
    supervisor: Files,
}

/// The rest of `rules/commands.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandLinesFile {
    scripts: Scripts,
    #[serde(rename = "runner")]
    runners: Vec<Runner>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scripts {
    passing: Vec<String>,
    production: Vec<String>,
    other: Vec<String>,
}

/// What is known of command lines, whichever file writes them.
#[derive(Debug, Default)]
pub struct CommandLines {
    /// What is taken off because it only runs the program.
    pub runners: Vec<Runner>,
    /// Commands of scripts that start nothing which lasts.
    pub passing: Vec<String>,
    /// How the name of a script begins that starts something in production.
    pub production: Vec<String>,
    /// A part of the name of a file or script that is for something else.
    pub other: Vec<String>,
}

/// A program that only runs another one, and how the words before that one are told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Runner {
    /// Its names; further words of one are subcommands: `bundle exec`.
    pub names: Vec<String>,
    /// Options that are followed by a value.
    #[serde(default)]
    pub takes_value: Vec<String>,
    /// How many words that are no options stand before the program.
    #[serde(default)]
    pub operands: usize,
    /// `NAME=value` before the program is its environment.
    #[serde(default)]
    pub assigns: bool,
    /// The program stands after this word, and without it there is none.
    #[serde(default)]
    pub until: Option<String>,
    /// Options that name the folder in which the program runs.
    #[serde(default)]
    pub folder: Vec<String>,
    /// It is a shell: `-c` is followed by a script.
    #[serde(default)]
    pub shell: bool,
    /// Each word that is no option is a command line of its own.
    #[serde(default)]
    pub lines: bool,
    /// Only a program in a folder of this name is run by it; else it is the program itself.
    #[serde(default)]
    pub programs_in: Option<String>,
}

/// The tables of `rules/commands.toml` that tell files.
const STARTERS: [&str; 6] = ["unit", "dockerfile", "compose", "procfile", "script", "supervisor"];

/// Shapes of the files that start programs, by the names that their candidates go by.
type Starters = BTreeMap<String, Arc<Shape>>;

pub(super) fn load(sources: &Sources) -> Result<(Starters, Lazy<CommandLines>), Broken> {
    let (head, rest) = Part::named(sources, "commands.toml")?.split(&STARTERS);
    let CommandsFile { unit, dockerfile, compose, procfile, script, supervisor } = head.parse()?;
    let files = [unit, dockerfile, compose, procfile, script, supervisor];
    let shape = |(kind, files)| (format!("{COMMAND}{kind}"), Arc::new(Shape::new(files)));
    let lines = lazy(move || command_lines(rest).unwrap_or_default());
    Ok((STARTERS.into_iter().zip(files).map(shape).collect(), lines))
}

fn command_lines(rest: Part) -> Result<CommandLines, Broken> {
    let CommandLinesFile { scripts, runners } = rest.parse()?;
    let Scripts { passing, production, other } = scripts;
    Ok(CommandLines { runners, passing, production, other })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_the_file_reads() {
        let file = Part::named(&Sources::new(), "commands.toml").unwrap();
        command_lines(file.split(&STARTERS).1).unwrap();
    }
}
