//! `init`: a first policy for what an audit finds, in the folder where the next audit looks for one first.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use backlog_audit::config::{self, NAME};
use backlog_audit::discover::{self, Site};
use backlog_audit::model::shell;
use backlog_audit::report::{inline, policy};
use clap::{Args, ValueHint};

use super::door::{self, Door, Failure};
use super::progress::watched;
use super::{Ground, View, path_word};

pub(super) const EXAMPLES: [(&str, &str); 3] = [
    ("backlog-audit init", "write a policy for this folder"),
    ("backlog-audit init --kernel 5.10 deploy", "the same, for Linux 5.10"),
    ("backlog-audit init --stdout / > policy.toml", "then: --config policy.toml"),
];

/// What `init` is asked for.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Root filesystems, etc folders, repositories or files; the policy goes into the folder of the first [default: .]
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    path: Vec<PathBuf>,
    /// Print the policy instead of writing backlog-audit.toml
    #[arg(long, help_heading = "Output")]
    stdout: bool,
    #[command(flatten)]
    ground: Ground,
}

impl Init {
    pub(crate) fn run(&self, program: &str) -> Result<ExitCode, Failure> {
        let paths = if self.path.is_empty() { vec![PathBuf::from(".")] } else { self.path.clone() };
        let request = self.ground.request(paths);
        let sites = discover::sites(&request.paths, request.read_as).map_err(backlog_audit::Error::from)?;
        let first = request.paths.first().zip(sites.first());
        let folders = first.and_then(|(path, site)| Site::upward(site, path)).unwrap_or_default();
        let folder = folders.first().map_or(Path::new("/"), PathBuf::as_path);
        if !self.stdout {
            self.check(program, folder, &folders)?;
        }
        let view = View::PLAIN;
        let report = watched(&request.progress, &Door::error(&view), || backlog_audit::audit(&request))?;
        let (kernel, set) = (request.kernel.as_deref(), request.set.as_slice());
        let wanted = policy::Wanted { folder, kernel, set, today: request.today };
        let text = policy::render(&report, &wanted);
        if self.stdout {
            Door::output(&view).put(text.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        let file = folder.join(NAME);
        let unwritten = |error| door::unwritten(&file, &error);
        let mut made = fs::File::create_new(&file).map_err(unwritten)?;
        made.write_all(text.as_bytes()).map_err(|error| {
            // Half a policy would count.
            drop(fs::remove_file(&file));
            unwritten(error)
        })?;
        let file = inline(&config::from_here(&file).to_string_lossy());
        let next = self.line(program, None);
        let said = match report.host.listeners.is_empty() {
            true => format!("{file} is written, but no listener was found: {next} says what it looked for\n"),
            false => format!("{file} is written: uncomment what your team agrees on, then run {next}\n"),
        };
        Door::error(&view).put(said.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }

    /// Whether a policy may be written there: there is none that holds for it, and the folder is none of the system's.
    fn check(&self, program: &str, folder: &Path, folders: &[PathBuf]) -> Result<(), Failure> {
        let policies = folders.iter().map(|folder| folder.join(NAME));
        let mut there = policies.filter(|policy| fs::symlink_metadata(policy).is_ok());
        let message = match there.next() {
            Some(policy) => {
                format!("{} is there already, and stays as it is", config::from_here(&policy).display())
            }
            // FHS 3.0, 3.1: no application needs a file of its own in the root directory.
            None if folder == Path::new("/") => "a policy does not belong in /".to_owned(),
            None => return Ok(()),
        };
        let tip = format!("print one, for --config or to compare: {}", self.line(program, Some("--stdout")));
        Err(Failure::from(message).with_tip(tip))
    }

    /// A command about the same files: `init` with an option, else the audit. What the policy says it does not say again.
    fn line(&self, program: &str, init: Option<&str>) -> String {
        let Ground { read_as, offline, include_tests, .. } = &self.ground;
        let mut words = vec![program.to_owned()];
        words.extend(init.into_iter().flat_map(|option| ["init", option]).map(str::to_owned));
        words.extend(read_as.iter().flat_map(|read_as| ["--as", read_as.word()]).map(str::to_owned));
        let flags = [("--offline", *offline), ("--include-tests", *include_tests)];
        words.extend(flags.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag.to_owned()));
        words.extend(self.path.iter().map(|path| path_word(path)));
        shell::command(&words)
    }
}
