//! What people type out of habit, as we understand it.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Command, CommandFactory};

use super::door::Failure;
use super::{Cli, words};

/// Options that other programs have, and what does the same here.
const HABITS: [(&[&str], &str); 21] = [
    (
        &["--fix", "--apply", "--write", "--fix-dry-run", "-i", "--in-place"],
        "the audit does not change your files: use --patch fix.patch, then patch -p1 < fix.patch",
    ),
    (&["--output-format", "--reporter", "--report", "-F"], "use --format FORMAT"),
    (
        &["-o", "--output", "--out", "--out-file", "--output-file"],
        "use --format FORMAT=FILE, such as json=report.json",
    ),
    (&["--sarif"], "use --format sarif"),
    (&["--markdown"], "use --format markdown"),
    (&["--concise"], "use --format concise"),
    (&["--exclude", "--skip"], "use --ignore RULE; for paths there is `exclude` in backlog-audit.toml"),
    (&["--exit-zero", "--no-fail", "--soft-fail"], "use --fail-on never"),
    (&["--severity", "--level", "--min-severity", "--fail-level"], "use --fail-on SEVERITY"),
    (&["--explain"], "use the command: backlog-audit explain ID"),
    (&["--since", "--from-ref", "--new-from-rev"], "use --changed-since REV"),
    (&["--rule", "--enable", "--only"], "use --select RULE"),
    (&["--disable"], "use --ignore RULE"),
    (&["--list-rules", "--list"], "use the command: backlog-audit rules"),
    (&["--watch"], "use the command: backlog-audit watch"),
    (&["--live"], "use the command: backlog-audit live"),
    (&["--no-color", "--no-colour"], "use --color never"),
    (&["-c", "--policy"], "use --config FILE"),
    (&["--root", "--path", "--input"], "write the folder as it is: backlog-audit /srv/root"),
    (&["--stdin", "--stdin-filename"], "use - as the PATH, and --stdin-path NAME"),
    (&["--debug", "--trace"], "use --verbose"),
];

/// The words of a command line with the command first: options may stand before it.
pub(crate) fn in_order(program: &Command, words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    // `help -h` is what somebody types who wants help.
    if let [_, help, option, ..] = words.as_slice()
        && help == "help"
        && option.as_encoded_bytes().starts_with(b"-")
    {
        return words.into_iter().take(1).chain([OsString::from("--help")]).collect();
    }
    let at = words.iter().skip(1).scan(false, |is_value, word| {
        let is_option = !*is_value && word.as_encoded_bytes().starts_with(b"-") && word != "-";
        let is_command = !*is_value && !is_option;
        *is_value = is_option && takes_next(program, word);
        Some((is_command, word == "--"))
    });
    let first = at.enumerate().find(|(_, (is_word, is_end))| *is_word || *is_end);
    if let Some((before, (true, _))) = first.filter(|(before, _)| *before > 0) {
        let command = before + 1;
        if words.get(command).and_then(|word| word.to_str()).is_some_and(Cli::is_command) {
            words.get_mut(1..=command).unwrap_or_default().rotate_right(1);
        }
    }
    words
}

/// Whether the word after an option is its value.
fn takes_next(program: &Command, word: &OsStr) -> bool {
    let Some(word) = word.to_str() else { return false };
    let is_meant = |option: &&clap::Arg| match word.strip_prefix("--") {
        Some(long) => option.get_long() == Some(long),
        None => option.get_short().is_some_and(|short| word == format!("-{short}")),
    };
    let mut options = program.get_arguments().filter(|option| !option.is_positional());
    options.find(is_meant).is_some_and(|it| matches!(it.get_action(), ArgAction::Set | ArgAction::Append))
}

/// What is said of an option or a word that there is not; none where clap's own words are good.
pub(crate) fn answer(error: &clap::Error) -> Option<Failure> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else { return None };
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let option = word.split('=').next().unwrap_or(word);
    if !option.starts_with('-') {
        let failure = Failure::from(format!("there is one word too many: {word}"));
        let about = || format!("to read about a rule or a service: backlog-audit explain {word}");
        return Some(if words::ids().contains(word) { failure.with_tip(about()) } else { failure });
    }
    let failure = Failure::from(format!("there is no option {option} here"));
    let habit = HABITS.iter().find(|(options, _)| options.contains(&option)).map(|(_, advice)| *advice);
    let near = || match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(near)) if strsim::osa_distance(option, near) <= 2 => {
            Some(format!("did you mean {near}?"))
        }
        _ => None,
    };
    let advice = habit.map(str::to_owned).or_else(|| elsewhere(option)).or_else(near);
    Some(failure.with_tip(advice.unwrap_or_else(|| "add --help for the options that there are".to_owned())))
}

/// The command that has an option.
fn elsewhere(option: &str) -> Option<String> {
    let program = Cli::command();
    let long = option.strip_prefix("--")?;
    let has = |command: &&Command| command.get_arguments().any(|it| it.get_long() == Some(long));
    if has(&&program) {
        return Some(format!("{option} belongs to the audit: backlog-audit {option} ..."));
    }
    let command = program.get_subcommands().find(has)?.get_name();
    Some(format!("{option} belongs to a command: backlog-audit {command} {option} ..."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_comes_first() {
        let ordered = |line: &str| {
            let words = in_order(&Cli::command(), line.split(' ').map(OsString::from));
            words.iter().map(|word| word.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        for (line, meant) in [
            ("ba --quiet live", "ba live --quiet"),
            ("ba -f json rules", "ba rules -f json"),
            ("ba --format json -q live /", "ba live --format json -q /"),
            ("ba --format=json live", "ba live --format=json"),
            ("ba live -q", "ba live -q"),
            ("ba", "ba"),
            // A value, a folder, what comes after other paths, and what is no option.
            ("ba --config rules", "ba --config rules"),
            ("ba --quiet ./live", "ba --quiet ./live"),
            ("ba etc live", "ba etc live"),
            ("ba --quiet -- live", "ba --quiet -- live"),
            ("ba --quiet - live", "ba --quiet - live"),
            ("ba --unknown live", "ba live --unknown"),
        ] {
            assert_eq!(ordered(line), meant, "{line}");
        }
    }
}
