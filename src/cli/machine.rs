//! What `live` and `watch` are asked for.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use backlog_audit::Request;
use backlog_audit::report::human::Again;
use clap::{Args, ValueHint};

use super::door::Failure;
use super::words::{address, duration, host_name, interval};
use super::{Audit, Format};

const OF_LIVE: &str = "\
PATH is the root of this machine's files: / unless another is named.
For Prometheus: --format prometheus=FILE.prom for node_exporter's textfile collector,
--serve for a scraper at http://127.0.0.1:9798/metrics. Both take a single look unless --for is given.";

/// What `live` is asked for. PATH is the root of this machine's files.
#[derive(Debug, Args)]
#[command(after_help = OF_LIVE)]
pub(crate) struct Live {
    /// How long to measure rates and the fullest moment of every queue, such as 10s or 1m; 0s for a single look [default: 1s]
    #[arg(long = "for", value_name = "TIME", value_parser = duration, help_heading = "What is looked at")]
    window: Option<Duration>,
    /// Answer a Prometheus scraper until a signal comes; only this machine can ask, unless another address is written
    #[arg(
        long,
        value_name = "ADDRESS",
        num_args = 0..=1,
        default_missing_value = "9798",
        value_parser = address,
        conflicts_with_all = ["formats", "patch"],
        help_heading = "Output"
    )]
    pub(crate) serve: Option<SocketAddr>,
    /// A name that scrapers may call this machine by, besides its own, localhost and addresses
    #[arg(long, value_name = "NAME", value_parser = host_name, requires = "serve", help_heading = "Output")]
    pub(crate) serve_name: Vec<String>,
    #[command(flatten)]
    pub(crate) audit: Audit,
}

/// What `watch` is asked for.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The root of this machine's files
    #[arg(value_name = "PATH", default_value = "/", value_hint = ValueHint::AnyPath)]
    pub(crate) path: PathBuf,
    /// How often to look, such as 500ms or 2s
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    pub(crate) every: Duration,
    /// Leave after so long, such as 10s or 1m
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) length: Option<Duration>,
    /// Leave after so many looks
    #[arg(long, value_name = "NUMBER")]
    pub(crate) count: Option<u64>,
    /// A folder of your own rule files, beside the built-in ones
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) rules: Vec<PathBuf>,
}

impl Live {
    /// The files of this machine are those of `/`, unless a PATH is named.
    pub(crate) fn request(&self) -> Result<Request, Failure> {
        let root =
            |paths: Vec<PathBuf>| if self.audit.paths.is_empty() { vec![PathBuf::from("/")] } else { paths };
        let request = self.audit.request()?;
        Ok(Request { paths: root(request.paths), live: true, ..request })
    }

    pub(crate) fn again(&self, program: &str) -> Again {
        self.audit.repeated(program, &["live"])
    }

    /// Prometheus measures over time itself.
    pub(crate) fn window(&self) -> Duration {
        let single = self.serve.is_some() || self.audit.asks_for(Format::Prometheus);
        self.window.unwrap_or(if single { Duration::ZERO } else { Duration::from_secs(1) })
    }
}

impl Watch {
    pub(crate) fn request(&self) -> Request {
        let (paths, rules) = (vec![self.path.clone()], self.rules.clone());
        Request { paths, rules, live: true, ..Request::default() }
    }
}
