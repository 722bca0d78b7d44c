//! What `live` and `watch` are asked for.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use backlog_audit::Request;
use backlog_audit::model::ReadAs;
use backlog_audit::report::human::Again;
use clap::{Args, ValueHint};

use super::door::Failure;
use super::words::{address, colour, count, duration, host_name, interval};
use super::{Audit, Colour, Files, Format, View};

/// What `live` is asked for. For Prometheus there are `--format prometheus=FILE.prom` for node_exporter's textfile collector, and
/// `--serve` for a scraper: without `--for` both measure only once.
#[derive(Debug, Args)]
pub(crate) struct Live {
    /// The root of this machine's files [default: /]
    #[arg(value_name = "PATH", value_hint = ValueHint::DirPath)]
    path: Option<PathBuf>,
    /// How long to measure the rates and the peak of every queue, such as 10s or 1m; 0s measures only once [default: 1s]
    #[arg(long = "for", value_name = "TIME", value_parser = duration, allow_hyphen_values = true, help_heading = "What is measured")]
    window: Option<Duration>,
    /// Serve metrics to Prometheus until stopped; only this machine can connect unless you give another address
    #[arg(
        long,
        value_name = "ADDRESS",
        num_args = 0..=1,
        default_missing_value = "9798",
        value_parser = address,
        conflicts_with_all = ["formats", "patch", "json", "diff"],
        help_heading = "Output"
    )]
    pub(crate) serve: Option<SocketAddr>,
    /// Another host name that scrapers may use for this machine, besides its own name, localhost and addresses
    #[arg(long, value_name = "NAME", value_parser = host_name, requires = "serve", help_heading = "Output")]
    pub(crate) serve_name: Vec<String>,
    #[command(flatten)]
    pub(crate) audit: Audit,
    #[command(flatten)]
    pub(crate) view: View,
}

/// What `watch` is asked for.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The root of this machine's files
    #[arg(value_name = "PATH", default_value = "/", value_hint = ValueHint::AnyPath)]
    pub(crate) path: PathBuf,
    /// How often to refresh, such as 500ms or 2s
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval, allow_hyphen_values = true)]
    pub(crate) every: Duration,
    /// Stop after this time, such as 10s or 1m
    #[arg(long = "for", value_name = "TIME", value_parser = duration, allow_hyphen_values = true)]
    pub(crate) length: Option<Duration>,
    /// Stop after this many refreshes
    #[arg(long, value_name = "NUMBER", value_parser = count, allow_hyphen_values = true)]
    pub(crate) count: Option<u64>,
    /// A folder with your own rule files, in addition to the built-in ones
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) rules: Vec<PathBuf>,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = colour())]
    pub(crate) color: Colour,
}

impl Live {
    pub(crate) fn request(&self) -> Result<Request, Failure> {
        let request = self.audit.request(&self.files())?;
        // It is a root whatever it holds, but for an etc folder, which is that of one.
        let is_root = request.paths.iter().all(|path| path.file_name().is_none_or(|name| name != "etc"));
        Ok(Request { read_as: is_root.then_some(ReadAs::Root), live: true, ..request })
    }

    /// The files of this machine are those of `/`, unless a PATH is named.
    fn files(&self) -> Files {
        Files { paths: vec![self.path.clone().unwrap_or(PathBuf::from("/"))], ..Files::default() }
    }

    pub(crate) fn again(&self, program: &str) -> Again {
        let paths = self.path.iter().cloned().collect();
        self.audit.again(&Files { paths, ..Files::default() }, program, &["live"])
    }

    /// Prometheus measures over time itself.
    pub(crate) fn window(&self) -> Duration {
        let single = self.serve.is_some() || self.audit.asks_for(Format::Prometheus);
        self.window.unwrap_or(if single { Duration::ZERO } else { Duration::from_secs(1) })
    }
}

impl Watch {
    pub(crate) fn view(&self) -> View {
        View { color: self.color, ..View::PLAIN }
    }

    pub(crate) fn request(&self) -> Request {
        let (paths, rules) = (vec![self.path.clone()], self.rules.clone());
        Request { paths, rules, live: true, ..Request::default() }
    }
}
