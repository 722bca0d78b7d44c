//! The command line: what can be said, and what is answered where it is not understood.

pub(crate) mod door;
mod machine;
pub(crate) mod progress;
#[cfg(target_os = "linux")]
pub(crate) mod serve;
mod words;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use backlog_audit::Request;
use backlog_audit::config::FailOn;
use backlog_audit::model::{Date, ReadAs, shell};
use backlog_audit::report::catalogue;
use backlog_audit::report::human::Again;
use clap::builder::Styles;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use self::door::Failure;
pub(crate) use self::machine::{Live, Watch};
use self::words::{fail_on, form, kernel, output, read_as, sysctl};
pub(crate) use self::words::{nearest, unknown};

/// Computes the accept queue of every TCP listener from the files that decide it, shows why, and writes the fix as a patch
#[derive(Debug, Parser)]
#[command(
    name = "backlog-audit",
    version,
    max_term_width = 100,
    styles = Styles::plain(),
    args_conflicts_with_subcommands = true,
    subcommand_help_heading = "Commands besides the audit",
    override_usage = "backlog-audit [OPTIONS] [PATH]...\n       backlog-audit <COMMAND>",
    after_help = EXIT_CODES,
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) audit: Audit,
    #[command(flatten)]
    pub(crate) view: View,
}

const EXIT_CODES: &str = "\
Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 the audit could not be done.
A folder named like a command is written ./rules.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look at the running machine: its sockets and counters, against its files
    Live(Box<Live>),
    /// Watch the queues of the running machine: a screen, or lines in a pipe
    Watch(Watch),
    #[command(flatten)]
    LookUp(LookUp),
}

/// What is known without looking at anything.
#[derive(Debug, Subcommand)]
pub(crate) enum LookUp {
    /// Explain a rule or a service: what, why, an example, the source of every fact
    Explain {
        /// A rule such as queue-clamped, or a service such as nginx
        id: String,
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
        command: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Schema {
    Report,
    Config,
}

#[derive(Debug, Args)]
pub(crate) struct Catalogue {
    /// human, json or markdown; with markdown=FOLDER a page for each into files
    #[arg(short, long, value_name = "FORMAT", default_value = "human", hide_default_value = true, value_parser = form)]
    format: Form,
    /// A folder of your own rule files, beside the built-in ones
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) rules: Vec<PathBuf>,
}

/// How a catalogue is set, and the folder that its pages go to; none for standard output.
#[derive(Debug, Clone)]
struct Form {
    form: catalogue::Form,
    folder: Option<PathBuf>,
}

const FORMS: [(&str, catalogue::Form); 3] = [
    ("human", catalogue::Form::Human),
    ("json", catalogue::Form::Json),
    ("markdown", catalogue::Form::Markdown),
];

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Root filesystems, etc folders, repositories or files; - for one file on standard input [default: .]
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,

    /// human, json, ndjson, sarif, github, gitlab, junit, checkstyle, markdown or patch; with =FILE into a file, also several times
    #[arg(short, long = "format", value_name = "FORMAT[=FILE]", value_parser = output, help_heading = "Output")]
    formats: Vec<Output>,
    /// Write the fixes as one unified diff; - for standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    patch: Option<PathBuf>,
    /// Put the unsafe fixes into the patch too: they change more than the length of a queue
    #[arg(long, help_heading = "Output")]
    unsafe_fixes: bool,

    /// How to understand PATH, instead of a guess
    #[arg(long = "as", value_name = "KIND", value_parser = read_as(), help_heading = "What is audited")]
    read_as: Option<ReadAs>,
    /// What the file on standard input is called, such as deploy/nginx.conf
    #[arg(long, value_name = "NAME", value_hint = ValueHint::FilePath, help_heading = "What is audited")]
    stdin_path: Option<PathBuf>,
    /// The kernel that the files will run on, such as 4.18 or 5.15.0-91-generic
    #[arg(long, value_name = "VERSION", value_parser = kernel, help_heading = "What is audited")]
    kernel: Option<String>,
    /// Assume a sysctl, such as net.core.somaxconn=128
    #[arg(long, value_name = "KEY=VALUE", value_parser = sysctl, help_heading = "What is audited")]
    set: Vec<(String, i64)>,
    /// Never look at the running machine, even when the root is /
    #[arg(long, help_heading = "What is audited")]
    offline: bool,
    /// Take in tests, examples and docs of a repository too
    #[arg(long, help_heading = "What is audited")]
    include_tests: bool,

    /// The lowest severity that makes the exit code 1 [default: warning]
    #[arg(long, value_name = "SEVERITY", value_parser = fail_on(), help_heading = "Rules")]
    fail_on: Option<FailOn>,
    /// Only these rules
    #[arg(long, value_name = "RULE,...", value_delimiter = ',', help_heading = "Rules")]
    select: Vec<String>,
    /// All but these rules
    #[arg(long, value_name = "RULE,...", value_delimiter = ',', help_heading = "Rules")]
    ignore: Vec<String>,
    /// A folder of your own rule files, beside the built-in ones
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Rules")]
    rules: Vec<PathBuf>,
    /// The policy, instead of the backlog-audit.toml of the repository or root
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Rules")]
    config: Option<PathBuf>,
    /// Leave out the findings that FILE lists
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Rules")]
    baseline: Option<PathBuf>,
    /// Write all findings into FILE, for --baseline
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Rules")]
    pub(crate) write_baseline: Option<PathBuf>,
    /// Only findings in which files take part that have changed since a git revision
    #[arg(long, value_name = "REV", help_heading = "Rules")]
    changed_since: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct View {
    /// When to colour
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true, help_heading = "Output")]
    pub(crate) color: Colour,
    /// Only the findings that count for --fail-on
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    pub(crate) quiet: bool,
    /// Everything, however long
    #[arg(short, long, global = true, help_heading = "Output")]
    pub(crate) verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
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

const FORMATS: [(&str, Format); 11] = [
    ("human", Format::Human),
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

impl Catalogue {
    pub(crate) fn form(&self) -> catalogue::Form {
        self.format.form
    }

    /// The folder that pages go to.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.format.folder.as_deref()
    }
}

impl Audit {
    pub(crate) fn request(&self) -> Result<Request, Failure> {
        let given = self.given()?;
        let paths = match &given {
            Some((name, _)) => vec![name.clone()],
            None if self.paths.is_empty() => vec![PathBuf::from(".")],
            None => self.paths.clone(),
        };
        Ok(Request {
            paths,
            given,
            live: false,
            read_as: self.read_as,
            kernel: self.kernel.clone(),
            set: self.set.clone(),
            offline: self.offline,
            include_tests: self.include_tests,
            unsafe_fixes: self.unsafe_fixes,
            rules: self.rules.clone(),
            select: self.select.clone(),
            ignore: self.ignore.clone(),
            running: None,
            config: self.config.clone(),
            fail_on: self.fail_on,
            today: Date::of(SystemTime::now()),
            baseline: self.baseline.clone(),
            keep_baseline: self.write_baseline.is_some(),
            changed_since: self.changed_since.clone(),
            ..Request::default()
        })
    }

    /// The file that is read from standard input, if one is.
    fn given(&self) -> Result<Option<(PathBuf, Vec<u8>)>, Failure> {
        let wanted = self.paths.iter().any(|path| path.as_os_str() == "-");
        let fault = match (&self.stdin_path, self.paths.as_slice(), self.read_as) {
            (None, ..) if !wanted => return Ok(None),
            (Some(name), [_], None | Some(ReadAs::File)) if wanted => {
                let name = name.clone();
                return Ok(Some((name, door::input().map_err(|error| format!("standard input: {error}"))?)));
            }
            (None, ..) => "what a file is shows in its name; give it as --stdin-path NAME",
            (_, [_], Some(_)) if wanted => "what comes from standard input is read as a file",
            (_, [_, ..], _) if wanted => "standard input is read alone, without other paths",
            _ => "--stdin-path names the file that the path - stands for",
        };
        Err(Failure::from(fault.to_owned()))
    }

    /// Everything that is to be written. The report for people goes to standard output unless something else does.
    pub(crate) fn outputs(&self) -> Result<Vec<Output>, String> {
        let mut all = self.formats.clone();
        if let Some(patch) = &self.patch {
            let file = (patch.as_os_str() != "-").then(|| patch.clone());
            all.push(Output { format: Format::Patch, file });
        }
        let mut bare = all.iter().filter(|output| output.file.is_none());
        let (first, second) = (bare.next(), bare.next());
        if let (Some(first), Some(second)) = (first, second) {
            let word =
                |format| FORMATS.iter().find(|(_, known)| *known == format).map_or("", |(word, _)| word);
            let (first, second) = (word(first.format), word(second.format));
            return Err(format!(
                "{first} and {second} cannot both go to standard output; write one to a file: --format {second}=FILE"
            ));
        }
        if first.is_none() || self.is_patch_beside_human() {
            all.push(Output { format: Format::Human, file: None });
        }
        Ok(all)
    }

    pub(crate) fn asks_for(&self, format: Format) -> bool {
        self.formats.iter().any(|output| output.format == format)
    }

    /// The patch goes to standard output beside the report for people, which then goes to standard error.
    pub(crate) fn is_patch_beside_human(&self) -> bool {
        self.formats.is_empty() && self.patch.as_deref() == Some(Path::new("-"))
    }

    /// The command line that asks for the same again, without its formats.
    pub(crate) fn again(&self, program: &str) -> Again {
        self.repeated(program, &[])
    }

    fn repeated(&self, program: &str, command: &[&str]) -> Again {
        let mut words = vec![program.to_owned()];
        words.extend(command.iter().map(|word| (*word).to_owned()));
        let mut option = |name: &str, value: &str| match value.starts_with('-') {
            true => words.push(format!("{name}={value}")),
            false => words.extend([name.to_owned(), value.to_owned()]),
        };
        if let Some(read_as) = self.read_as {
            option("--as", read_as.word());
        }
        if let Some(name) = &self.stdin_path {
            option("--stdin-path", &name.to_string_lossy());
        }
        if let Some(kernel) = &self.kernel {
            option("--kernel", kernel);
        }
        for (key, value) in &self.set {
            option("--set", &format!("{key}={value}"));
        }
        for folder in &self.rules {
            option("--rules", &folder.to_string_lossy());
        }
        for (name, file) in [("--config", &self.config), ("--baseline", &self.baseline)] {
            if let Some(file) = file {
                option(name, &file.to_string_lossy());
            }
        }
        if let Some(rev) = &self.changed_since {
            option("--changed-since", rev);
        }
        for (name, rules) in [("--select", &self.select), ("--ignore", &self.ignore)] {
            if !rules.is_empty() {
                option(name, &rules.join(","));
            }
        }
        for (flag, given) in [("--offline", self.offline), ("--include-tests", self.include_tests)] {
            if given {
                words.push(flag.to_owned());
            }
        }
        words.extend(self.paths.iter().map(|path| path_word(path)));
        let written = self.formats.iter().filter(|output| output.format == Format::Patch);
        let written = written.map(|output| output.file.as_deref().unwrap_or(Path::new("-")));
        let patch = self.patch.as_deref().into_iter().chain(written);
        let patch = patch.map(|path| path.to_string_lossy().into_owned()).next();
        let command = shell::command(&words);
        Again { program: program.to_owned(), command, patch, unsafe_fixes: self.unsafe_fixes }
    }
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
    pub(crate) fn commands() -> Vec<String> {
        use clap::CommandFactory;
        Self::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
    }
}
