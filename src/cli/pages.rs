//! What stands below the options: examples, exit codes, files and variables, in `--help` and on man pages.

use std::ffi::OsStr;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::door::Failure;
use super::{Cli, init, unknown};

/// Commands that people begin with, and what they do.
const EXAMPLES: [(&str, &str); 3] = [
    ("backlog-audit /etc", "audit the files of this machine"),
    ("backlog-audit --patch fix.patch .", "write the safe fixes of a repository"),
    ("sudo backlog-audit live", "look at the queues of the running machine"),
];

const OF_LIVE: [(&str, &str); 3] = [
    ("sudo backlog-audit live", "measure for one second"),
    ("sudo backlog-audit live --for 1m", "measure the peaks of one minute"),
    ("sudo backlog-audit live --serve", "serve metrics on 127.0.0.1:9798"),
];

const OF_WATCH: [(&str, &str); 2] = [
    ("sudo backlog-audit watch", "a screen (? shows keys)"),
    ("sudo backlog-audit watch --for 1m | tee queues.txt", "a line for each event"),
];

const EXIT_CODES: [(&str, &str); 3] = [
    ("0", "nothing was found at or above --fail-on"),
    ("1", "there are findings at or above --fail-on"),
    ("2", "the audit could not be done"),
];

const FILES: [(&str, &str); 1] = [("backlog-audit.toml", "the policy, found upward from PATH in its tree")];

/// The variable that stands for `--format`, unless the command line says what is to be written.
pub(crate) const FORMAT: &str = "BACKLOG_AUDIT_FORMAT";

const VARIABLES: [(&str, &str); 2] = [
    ("NO_COLOR", "if not empty, no colour (--color overrides it)"),
    ("COLUMNS", "width of the report in a file or a pipe"),
];

/// The variables that a command reads, from its options; those that have a value of their own come last.
fn variables(command: &Command) -> Vec<(String, String)> {
    let named = |it: &clap::Arg| match (it.get_env().and_then(OsStr::to_str), it.get_long()) {
        (Some(name), Some(long)) => Some((name.to_owned(), format!("same as --{long}"))),
        (None, Some("format")) if has(command, "fail-on") => {
            Some((FORMAT.to_owned(), "same as --format".to_owned()))
        }
        _ => None,
    };
    let own = VARIABLES.map(|(name, what)| (name.to_owned(), what.to_owned()));
    let all: Vec<_> = command.get_arguments().filter_map(named).collect();
    if has(command, "color") { all.into_iter().chain(own).collect() } else { all }
}

fn has(command: &Command, long: &str) -> bool {
    command.get_arguments().any(|it| it.get_long() == Some(long))
}

/// The examples of a command; none where it explains itself.
fn examples(command: &str) -> &'static [(&'static str, &'static str)] {
    match command {
        "backlog-audit" => &EXAMPLES,
        "live" => &OF_LIVE,
        "watch" => &OF_WATCH,
        "init" => &init::EXAMPLES,
        _ => &[],
    }
}

fn line(width: usize, word: &impl AsRef<str>, what: &impl AsRef<str>) -> String {
    format!("  {:width$}  {}\n", word.as_ref(), what.as_ref())
}

fn list(title: &str, rows: &[(impl AsRef<str>, impl AsRef<str>)]) -> String {
    let width = rows.iter().map(|(word, _)| word.as_ref().len()).max().unwrap_or(0);
    format!("{title}:\n{}", rows.iter().map(|(word, what)| line(width, word, what)).collect::<String>())
}

/// The command line with what stands below the options.
pub(crate) fn command() -> Command {
    let with_examples = |command: Command| {
        let rows = examples(command.get_name());
        if rows.is_empty() {
            command
        } else {
            command.after_help(list("Examples", rows).trim_end().to_owned())
        }
    };
    let short = [list("Examples", &EXAMPLES), "All options: backlog-audit --help".to_owned()].join("\n");
    let folder = "If a folder has the name of a command, write it with ./, such as ./rules.";
    let long = [
        list("Examples", &EXAMPLES),
        list("Exit codes", &EXIT_CODES),
        list("Files", &FILES),
        list("Variables", &variables(&Cli::command())),
        folder.to_owned(),
    ];
    // A pipeline that sets an empty variable says nothing by it.
    let is_empty =
        |it: &clap::Arg| it.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    let without_empty = |it: clap::Arg| if is_empty(&it) { it.env(None) } else { it };
    let program = Cli::command().mut_args(without_empty);
    let program = program.mut_subcommands(|command| with_examples(command.mut_args(without_empty)));
    program.after_help(short).after_long_help(long.join("\n"))
}

/// What fish offers after a command that takes one of some words.
fn fish_words() -> String {
    let words = |command: &Command| {
        let words = command.get_positionals().flat_map(clap::Arg::get_possible_values);
        let words: Vec<String> = words.map(|word| word.get_name().to_owned()).collect();
        let name = command.get_name();
        let condition = format!("__fish_backlog_audit_using_subcommand {name}");
        let line = || format!("complete -c backlog-audit -n \"{condition}\" -f -a \"{}\"\n", words.join(" "));
        if words.is_empty() { String::new() } else { line() }
    };
    Cli::command().get_subcommands().map(words).collect()
}

/// A completion script, mended where clap_complete goes wrong.
pub(crate) fn mended(shell: Shell, script: Vec<u8>) -> Vec<u8> {
    let Ok(text) = String::from_utf8(script) else { return Vec::new() };
    let text = match shell {
        // Its names of commands differ where the program's name has a dash (clap-rs/clap#6421).
        Shell::Bash => text.replace("backlog__subcmd__audit", "backlog__audit"),
        // It offers commands after the first path, not in its place.
        Shell::Zsh => {
            let is_path =
                |line: &&str| !line.starts_with("'*::paths -- ") && !line.starts_with("'::paths -- ");
            let text: String = text.split_inclusive('\n').filter(is_path).collect();
            let either = "{_alternative 'commands:command:_backlog-audit_commands' 'files:file:_files'}";
            text.replacen("\":: :_backlog-audit_commands\"", &format!("\"1: :{either}\""), 1)
                .replace("backlog-audit-command-$line[2]:", "backlog-audit-command-$line[1]:")
                .replace("words=($line[2] \"${words[@]}\")", "words=($line[1] \"${words[@]}\")")
                .replacen("case $line[2] in", "case $line[1] in", 1)
        }
        // It asks for the command before an option has its value, and offers no words of a command.
        Shell::Fish => {
            text.replace(" -- $cmd 2>/dev/null\n    or return\n", " -- $cmd 2>/dev/null\n    or return 0\n")
                + &fish_words()
        }
        _ => text,
    };
    text.into_bytes()
}

/// The man page of the program, or of one of its commands.
pub(crate) fn man(wanted: Option<&str>) -> Result<Vec<u8>, Failure> {
    let mut program = Cli::command();
    // Gives the commands their whole names.
    program.build();
    // Its page would say what every page says.
    let program = program.mut_subcommand("help", |help| help.hide(true));
    let wanted = wanted.map(|name| name.strip_prefix("backlog-audit-").unwrap_or(name));
    let command = match wanted {
        None => program,
        Some(name) => program.find_subcommand(name).cloned().ok_or_else(|| {
            unknown("command", name, &Cli::commands().iter().map(String::as_str).collect::<Vec<_>>())
        })?,
    };
    // Text of an option that `-h` leaves out is on the page only as its long help.
    let command = command.mut_args(|it| match it.get_help().cloned() {
        Some(help) if it.get_long_help().is_none() => it.long_help(help),
        _ => it,
    });
    let name = wanted.unwrap_or("backlog-audit");
    let title = wanted.map_or(name.to_owned(), |name| format!("backlog-audit-{name}"));
    let (fails, has_policy) = (has(&command, "fail-on"), wanted == Some("init") || has(&command, "config"));
    let variables = variables(&command);
    let man = Man::new(command).title(title).source(concat!("backlog-audit ", env!("CARGO_PKG_VERSION")));
    let man = man.manual("User Commands");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if wanted.is_none() {
        man.render_subcommands_section(&mut page)?;
    }
    section("EXIT STATUS", if fails { &EXIT_CODES } else { &[] }, &mut page)?;
    section("EXAMPLES", examples(name), &mut page)?;
    section("FILES", if has_policy { &FILES } else { &[] }, &mut page)?;
    section("ENVIRONMENT", &variables, &mut page)?;
    see_also(wanted, &mut page)?;
    Ok(page)
}

fn section(
    title: &str,
    rows: &[(impl AsRef<str>, impl AsRef<str>)],
    page: &mut Vec<u8>,
) -> std::io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    for (word, what) in rows {
        roff.control("TP", []).text([bold(word.as_ref())]).text([roman(what.as_ref())]);
    }
    roff.to_writer(page)
}

/// Our other pages, and those of the system that speak of the same.
fn see_also(wanted: Option<&str>, page: &mut Vec<u8>) -> std::io::Result<()> {
    let ours = match wanted {
        Some(_) => vec!["backlog-audit(1)".to_owned()],
        None => Vec::new(),
    };
    let others = ["listen(2)", "tcp(7)", "sysctl.d(5)", "ss(8)"].map(str::to_owned);
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"])
        .text([roman(ours.into_iter().chain(others).collect::<Vec<_>>().join(", "))]);
    roff.to_writer(page)
}
