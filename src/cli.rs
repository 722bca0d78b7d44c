//! The command line: what can be said, and what is answered where it is not understood.

pub(crate) mod door;
pub(crate) mod habits;
pub(crate) mod init;
mod machine;
pub(crate) mod pages;
pub(crate) mod progress;
#[cfg(target_os = "linux")]
pub(crate) mod serve;
mod words;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::SystemTime;

use backlog_audit::Request;
use backlog_audit::config::FailOn;
use backlog_audit::model::{Date, ReadAs, shell};
use backlog_audit::report::catalogue;
use backlog_audit::report::human::Again;
use clap::builder::Styles;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use self::door::Failure;
pub(crate) use self::machine::{Live, Watch};
use self::words::{colour, command, fail_on, formats, forms, id, kernel, read_as, rule, sysctl};
pub(crate) use self::words::{nearest, unknown};

/// Computes the accept queue of every listener from its configuration files, shows why it is that long, and writes the fix as a patch
#[derive(Debug, Parser)]
#[command(
    name = "backlog-audit",
    version,
    propagate_version = true,
    args_override_self = true,
    max_term_width = 100,
    styles = Styles::plain(),
    args_conflicts_with_subcommands = true,
    subcommand_help_heading = "Other commands",
    override_usage = "backlog-audit [OPTIONS] [PATH]...\n       backlog-audit <COMMAND>",
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) audit: Audit,
    #[command(flatten)]
    pub(crate) files: Files,
    #[command(flatten)]
    pub(crate) view: View,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compare the sockets and counters of the running machine with its files
    Live(Box<Live>),
    /// Watch the queues of the running machine, on a screen or as lines in a pipe
    Watch(Box<Watch>),
    /// Write a starter policy, backlog-audit.toml, from what the audit finds
    Init(Box<init::Init>),
    #[command(flatten)]
    LookUp(LookUp),
}

/// What is known without looking at anything.
#[derive(Debug, Subcommand)]
pub(crate) enum LookUp {
    /// Explain a rule or a service, with an example and the source of every fact
    Explain {
        /// A rule such as queue-clamped, or a service such as nginx
        #[arg(value_parser = id(), hide_possible_values = true)]
        id: Option<String>,
        #[command(flatten)]
        catalogue: Catalogue,
    },
    /// List the rules
    Rules(Catalogue),
    /// List the services
    Services(Catalogue),
    /// Print the JSON Schema of the report or of backlog-audit.toml
    Schema {
        #[arg(default_value = "report")]
        of: Schema,
    },
    /// Print a completion script
    Completions { shell: Shell },
    /// Print a man page
    Man {
        /// A command such as explain, for its own page
        #[arg(value_parser = command(), hide_possible_values = true)]
        command: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Schema {
    Report,
    #[value(alias = "policy")]
    Config,
}

#[derive(Debug, Args)]
pub(crate) struct Catalogue {
    /// human, json or markdown; markdown=FOLDER writes one page per entry into a folder
    #[arg(short, long, value_name = "FORMAT", default_value = "human", hide_default_value = true, value_parser = forms(), hide_possible_values = true)]
    pub(crate) format: Form,
    /// A folder with your own rule files, in addition to the built-in ones
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) rules: Vec<PathBuf>,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = colour())]
    color: Colour,
}

/// How a catalogue is set, and the folder that its pages go to; none for standard output.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) form: catalogue::Form,
    pub(crate) folder: Option<PathBuf>,
}

const FORMS: [(&str, catalogue::Form); 3] = [
    ("human", catalogue::Form::Human),
    ("json", catalogue::Form::Json),
    ("markdown", catalogue::Form::Markdown),
];

/// What is audited, what by, and where the report goes.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// human, concise, json, ndjson, sarif, github, gitlab, junit, checkstyle, markdown or patch; FORMAT=FILE writes to a file and may be repeated
    #[arg(short, long = "format", value_name = "FORMAT[=FILE]", value_parser = formats(), hide_possible_values = true, help_heading = "Output")]
    formats: Vec<Output>,
    /// Same as --format json
    #[arg(long, hide_short_help = true, help_heading = "Output")]
    json: bool,
    /// Same as --format patch
    #[arg(long, hide_short_help = true, help_heading = "Output")]
    diff: bool,
    /// Write the fixes as one unified diff; - writes to standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    patch: Option<PathBuf>,
    /// Include the unsafe fixes in the patch: they change what a program asks for or how the kernel behaves
    #[arg(long, hide_short_help = true, help_heading = "Output")]
    unsafe_fixes: bool,
    /// Count the findings of each rule instead of showing them
    #[arg(long, hide_short_help = true, help_heading = "Output")]
    statistics: bool,

    /// Exit with 1 if a finding has this severity or a higher one [default: warning]
    #[arg(long, value_name = "SEVERITY", env = "BACKLOG_AUDIT_FAIL_ON", hide_env = true, value_parser = fail_on(), help_heading = "Rules")]
    fail_on: Option<FailOn>,
    /// Apply only these rules
    #[arg(long, value_name = "RULE,...", env = "BACKLOG_AUDIT_SELECT", hide_env = true, value_delimiter = ',', value_parser = rule(),
        hide_possible_values = true, hide_short_help = true, help_heading = "Rules")]
    select: Vec<String>,
    /// Apply all rules but these
    #[arg(long, value_name = "RULE,...", env = "BACKLOG_AUDIT_IGNORE", hide_env = true, value_delimiter = ',', value_parser = rule(),
        hide_possible_values = true, hide_short_help = true, help_heading = "Rules")]
    ignore: Vec<String>,
    /// A folder with your own rule files, in addition to the built-in ones
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, hide_short_help = true, help_heading = "Rules")]
    rules: Vec<PathBuf>,
    /// The policy file, instead of the backlog-audit.toml of the repository or root
    #[arg(long, value_name = "FILE", env = "BACKLOG_AUDIT_CONFIG", hide_env = true, value_hint = ValueHint::FilePath,
        hide_short_help = true, help_heading = "Rules")]
    config: Option<PathBuf>,
    /// Hide the findings that FILE lists
    #[arg(long, value_name = "FILE", env = "BACKLOG_AUDIT_BASELINE", hide_env = true, value_hint = ValueHint::FilePath,
        hide_short_help = true, help_heading = "Rules")]
    baseline: Option<PathBuf>,
    /// Write all findings to FILE, for --baseline
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, hide_short_help = true, help_heading = "Rules")]
    pub(crate) write_baseline: Option<PathBuf>,
}

/// What files are, and what they run on.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct Ground {
    /// Treat PATH as this kind of tree instead of detecting it
    #[arg(long = "as", value_name = "KIND", value_parser = read_as(), hide_short_help = true, help_heading = "What is audited")]
    read_as: Option<ReadAs>,
    /// The kernel that the files will run on, such as 4.18 or 5.15.0-91-generic
    #[arg(long, value_name = "VERSION", env = "BACKLOG_AUDIT_KERNEL", hide_env = true, value_parser = kernel, allow_hyphen_values = true, help_heading = "What is audited")]
    kernel: Option<String>,
    /// Assume this value for a sysctl, such as net.core.somaxconn=128
    #[arg(long, value_name = "KEY=VALUE", env = "BACKLOG_AUDIT_SET", hide_env = true, value_delimiter = ',', value_parser = sysctl, allow_hyphen_values = true,
        help_heading = "What is audited")]
    set: Vec<(String, i64)>,
    /// Never read the running machine, even when the root is /
    #[arg(long, hide_short_help = true, help_heading = "What is audited")]
    offline: bool,
    /// Include the tests, examples and docs of a repository
    #[arg(long, hide_short_help = true, help_heading = "What is audited")]
    include_tests: bool,
}

/// What can only be said of files.
#[derive(Debug, Default, Args)]
pub(crate) struct Files {
    /// Root filesystems, etc folders, repositories or files; - reads one file from standard input [default: .]
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    /// List every file, with what it was read as or why it was not read
    #[arg(long, hide_short_help = true, help_heading = "Output")]
    show_files: bool,

    #[command(flatten)]
    ground: Ground,
    /// The name of the file on standard input, such as deploy/nginx.conf
    #[arg(long, value_name = "NAME", value_hint = ValueHint::FilePath, hide_short_help = true, help_heading = "What is audited")]
    stdin_path: Option<PathBuf>,

    /// Exit with 2 when no listener was found
    #[arg(long, hide_short_help = true, help_heading = "Rules")]
    fail_on_nothing: bool,
    /// Report only findings that are new since this git revision
    #[arg(long, value_name = "REV", hide_short_help = true, help_heading = "Rules")]
    changed_since: Option<String>,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct View {
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = colour(), hide_short_help = true, help_heading = "Output")]
    pub(crate) color: Colour,
    /// Print only the findings at or above --fail-on
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Output")]
    pub(crate) quiet: bool,
    /// Print every list in full
    #[arg(short, long, help_heading = "Output")]
    pub(crate) verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Auto,
    Always,
    Never,
}

/// A format, and the file that it goes to; none for standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Human,
    Concise,
    Json,
    Ndjson,
    Sarif,
    Github,
    Gitlab,
    Junit,
    Checkstyle,
    Markdown,
    Patch,
    Prometheus,
}

const FORMATS: [(&str, Format); 12] = [
    ("human", Format::Human),
    ("concise", Format::Concise),
    ("json", Format::Json),
    ("ndjson", Format::Ndjson),
    ("sarif", Format::Sarif),
    ("github", Format::Github),
    ("gitlab", Format::Gitlab),
    ("junit", Format::Junit),
    ("checkstyle", Format::Checkstyle),
    ("markdown", Format::Markdown),
    ("patch", Format::Patch),
    ("prometheus", Format::Prometheus),
];

impl Format {
    fn word(self) -> &'static str {
        FORMATS.iter().find(|(_, known)| *known == self).map_or("", |(word, _)| word)
    }
}

impl View {
    /// Where nothing has been said.
    pub(crate) const PLAIN: Self = Self { color: Colour::Auto, quiet: false, verbose: false };
}

impl LookUp {
    pub(crate) fn view(&self) -> View {
        match self {
            Self::Explain { catalogue, .. } | Self::Rules(catalogue) | Self::Services(catalogue) => {
                View { color: catalogue.color, ..View::PLAIN }
            }
            _ => View::PLAIN,
        }
    }
}

impl Ground {
    fn request(&self, paths: Vec<PathBuf>) -> Request {
        let Self { read_as, kernel, set, offline, include_tests } = self.clone();
        let today = Date::of(SystemTime::now());
        Request { paths, read_as, kernel, set, offline, include_tests, today, ..Request::default() }
    }
}

impl Audit {
    pub(crate) fn request(&self, files: &Files) -> Result<Request, Failure> {
        let given = Self::given(files)?;
        let paths = match &given {
            Some((name, _)) => vec![name.clone()],
            None if files.paths.is_empty() => vec![PathBuf::from(".")],
            None => files.paths.clone(),
        };
        Ok(Request {
            given,
            unsafe_fixes: self.unsafe_fixes,
            rules: self.rules.clone(),
            select: self.select.clone(),
            ignore: self.ignore.clone(),
            config: self.config.clone(),
            fail_on: self.fail_on,
            fail_on_nothing: files.fail_on_nothing,
            show_files: files.show_files,
            statistics: self.statistics,
            baseline: self.baseline.clone(),
            keep_baseline: self.write_baseline.is_some(),
            changed_since: files.changed_since.clone(),
            ..files.ground.request(paths)
        })
    }

    /// The file that is read from standard input, if one is.
    fn given(files: &Files) -> Result<Option<(PathBuf, Vec<u8>)>, Failure> {
        let wanted = files.paths.iter().any(|path| path.as_os_str() == "-");
        let fault = match (&files.stdin_path, files.paths.as_slice(), files.ground.read_as) {
            (None, ..) if !wanted => return Ok(None),
            (Some(name), [_], None | Some(ReadAs::File)) if wanted => {
                let name = name.clone();
                return Ok(Some((
                    name,
                    door::input().map_err(|error| format!("standard input: {}", door::reason(&error)))?,
                )));
            }
            (None, ..) => "standard input needs a name to tell its type: add --stdin-path deploy/nginx.conf",
            (_, [_], Some(_)) if wanted => "what comes from standard input is read as a file",
            (_, [_, ..], _) if wanted => "standard input is read alone, without other paths",
            _ => "--stdin-path names what comes from standard input: write - as the PATH too",
        };
        Err(Failure::from(fault.to_owned()))
    }

    /// `BACKLOG_AUDIT_FORMAT`, where the command line says nothing of what is to be written.
    pub(crate) fn format_by_variable(&mut self) -> Result<(), String> {
        let is_said = !self.formats.is_empty() || self.json || self.diff || self.patch.is_some();
        let variable = std::env::var(pages::FORMAT).unwrap_or_default();
        if !is_said && !variable.is_empty() {
            let output = words::output(&variable).map_err(|why| format!("{}: {why}", pages::FORMAT))?;
            self.formats.push(output);
        }
        Ok(())
    }

    /// Everything that is to be written. The report for people goes to standard output unless something else does.
    pub(crate) fn outputs(&self) -> Result<Vec<Output>, String> {
        if self.write_baseline.as_deref() == Some(Path::new("-")) {
            return Err("--write-baseline needs a file, such as baseline.json".to_owned());
        }
        let mut all = self.formats.clone();
        let short = [(self.json, Format::Json), (self.diff, Format::Patch)];
        let short = short.into_iter().filter(|(given, _)| *given);
        all.extend(short.map(|(_, format)| Output { format, file: None }));
        if let Some(patch) = &self.patch {
            let file = (patch.as_os_str() != "-").then(|| patch.clone());
            all.push(Output { format: Format::Patch, file });
        }
        if let Some(clash) = clash(&all) {
            return Err(clash);
        }
        if all.iter().all(|output| output.file.is_some()) || self.is_patch_beside_human() {
            all.push(Output { format: Format::Human, file: None });
        }
        Ok(all)
    }

    pub(crate) fn asks_for(&self, format: Format) -> bool {
        self.formats.iter().any(|output| output.format == format)
    }

    /// The patch goes to standard output beside the report for people, which then goes to standard error.
    pub(crate) fn is_patch_beside_human(&self) -> bool {
        !self.json && self.formats.is_empty() && self.patch.as_deref() == Some(Path::new("-"))
    }

    /// The command line that asks for the same again, without its formats.
    pub(crate) fn again(&self, files: &Files, program: &str, command: &[&str]) -> Again {
        let mut words = vec![program.to_owned()];
        words.extend(command.iter().map(|word| (*word).to_owned()));
        let mut option = |name: &str, value: &str| match value.starts_with('-') {
            true => words.push(format!("{name}={value}")),
            false => words.extend([name.to_owned(), value.to_owned()]),
        };
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let list = |words: &Vec<String>| (!words.is_empty()).then(|| words.join(","));
        let set = files.ground.set.iter().map(|(key, value)| ("--set", Some(format!("{key}={value}"))));
        let rules = self.rules.iter().map(|folder| ("--rules", Some(text(folder))));
        let others = [
            ("--as", files.ground.read_as.map(|read_as| read_as.word().to_owned())),
            ("--stdin-path", files.stdin_path.as_ref().map(text)),
            ("--kernel", files.ground.kernel.clone()),
            ("--config", self.config.as_ref().map(text)),
            ("--baseline", self.baseline.as_ref().map(text)),
            ("--changed-since", files.changed_since.clone()),
            ("--select", list(&self.select)),
            ("--ignore", list(&self.ignore)),
        ];
        for (name, value) in others.into_iter().chain(set).chain(rules) {
            if let Some(value) = value {
                option(name, &value);
            }
        }
        for (flag, given) in
            [("--offline", files.ground.offline), ("--include-tests", files.ground.include_tests)]
        {
            if given {
                words.push(flag.to_owned());
            }
        }
        words.extend(files.paths.iter().map(|path| path_word(path)));
        let written = self.formats.iter().filter(|output| output.format == Format::Patch);
        let written = written.map(|output| output.file.as_deref().unwrap_or(Path::new("-")));
        let patch = self.patch.as_deref().into_iter().chain(written);
        let patch = patch.map(|path| path.to_string_lossy().into_owned()).next();
        let command = shell::command(&words);
        let (unsafe_fixes, include_tests) = (self.unsafe_fixes, files.ground.include_tests);
        Again { program: program.to_owned(), command, patch, unsafe_fixes, include_tests }
    }
}

/// What two of them cannot both go to.
fn clash(all: &[Output]) -> Option<String> {
    let before = |at: usize, output: &Output| all.iter().take(at).find(|other| other.file == output.file);
    let twice = |(at, output): (usize, &Output)| Some((before(at, output)?.format.word(), output.clone()));
    let (first, Output { format, file }) = all.iter().enumerate().find_map(twice)?;
    let second = format.word();
    Some(match file {
        Some(file) => format!("{first} and {second} cannot both go to {}", file.display()),
        None => format!(
            "{first} and {second} cannot both go to standard output; write one to a file: --format {second}=FILE"
        ),
    })
}

/// A path as it is said again: one that is named like a command or an option is told apart from it.
fn path_word(path: &Path) -> String {
    let text = path.to_string_lossy();
    match Cli::is_command(&text) {
        true => format!("./{text}"),
        false if text == "-" => text.into_owned(),
        false => shell::as_path(&text).into_owned(),
    }
}

impl Cli {
    pub(crate) fn is_command(word: &str) -> bool {
        Self::commands().iter().any(|name| name == word)
    }

    /// The names of all commands.
    pub(crate) fn commands() -> &'static [String] {
        static COMMANDS: LazyLock<Vec<String>> = LazyLock::new(|| {
            Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
        });
        &COMMANDS
    }
}
