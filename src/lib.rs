//! Computes the accept queue of every TCP listener that a tree of files describes, and shows which lines decide it.
//!
//! The accept queue of a listening socket is `min(backlog, net.core.somaxconn)`: what the program passes to listen(2),
//! and what the kernel of the network namespace allows (net/socket.c, `__sys_listen`).

#![deny(
    clippy::dbg_macro,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::todo,
    clippy::unimplemented,
    clippy::unwrap_used
)]
#![warn(unreachable_pub)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use crate::discover::{Discovery, Site};
use crate::knowledge::{Broken, Candidate, Knowledge, SYSCTL};
use crate::model::{Finding, Host, Place, PlaceId, PlaceKind, ReadAs, Running, Safety, Severity};
use crate::plan::Plan;
use crate::report::Report;
use crate::rules::{Judged, Rules};
use crate::suppress::Only;
use crate::text::{Progress, Sources};

pub mod checks;
pub mod discover;
pub mod kernel;
pub mod knowledge;
#[cfg(target_os = "linux")]
pub mod live;
pub mod model;
pub mod plan;
pub mod report;
pub mod resolve;
pub mod rules;
pub mod services;
pub mod suppress;
pub mod syntax;
pub mod text;

/// What to audit, and how.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Root filesystems, etc folders, repositories or files.
    pub paths: Vec<PathBuf>,
    /// One file by its name and bytes, instead of the paths.
    pub given: Option<(PathBuf, Vec<u8>)>,
    /// How to understand the paths, instead of the guess.
    pub read_as: Option<ReadAs>,
    /// The kernel that the files will run on, e.g. `5.15.0-91-generic`.
    pub kernel: Option<String>,
    /// Sysctls to assume: key in the spelling with dots, and value.
    pub set: Vec<(String, i64)>,
    /// The files are those of the machine that we run on, wherever they lie.
    pub live: bool,
    /// Never look at the running machine, even when the root is `/`.
    pub offline: bool,
    /// Take in what is not production.
    pub include_tests: bool,
    /// Put the unsafe fixes into the patch too.
    pub unsafe_fixes: bool,
    /// Folders of an organisation's own rules.
    pub rules: Vec<PathBuf>,
    /// Only these rules, if any.
    pub select: Vec<String>,
    /// All but these rules.
    pub ignore: Vec<String>,
    /// What the machine of these files showed while it ran; it is judged too.
    pub running: Option<Running>,
    /// How far the audit has come, for somebody who waits.
    pub progress: Arc<Progress>,
}

/// Why an audit could not be done at all. A file that does not read is a finding instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Path(#[from] discover::Unusable),
    /// A rule file or one of our own tables does not read; the sources hold the place that it names.
    #[error("{0}")]
    Broken(Broken, Box<Sources>),
}

/// Audits the trees that the request names.
pub fn audit(request: &Request) -> Result<Report, Error> {
    Ok(read(request)?.judge(request.running.clone()))
}

/// Reads the trees that the request names.
pub fn read(request: &Request) -> Result<Audited, Error> {
    let sources = Sources::new();
    let loaded =
        Knowledge::load(&sources).and_then(|knowledge| Ok((knowledge, load_rules(&sources, request)?)));
    let (knowledge, rules) = match loaded {
        Ok(loaded) => loaded,
        Err(broken) => return Err(Error::Broken(broken, Box::new(sources))),
    };
    let mut sites = match &request.given {
        Some((path, bytes)) => vec![discover::given(&sources, path, bytes.clone())?],
        None => discover::sites(&request.paths, request.read_as)?,
    };
    sites.iter_mut().for_each(|site| site.tree.watched_by(&request.progress));
    let mut read = Read::default();
    for site in &sites {
        read.site(&sources, &knowledge, site, request);
    }
    let Read { host, only, left_out } = read;
    let allowed = if request.unsafe_fixes { Safety::Unsafe } else { Safety::Safe };
    let files = sites.iter().map(|site| site.tree.files_read()).sum();
    Ok(Audited {
        sources,
        knowledge: Arc::new(knowledge),
        rules,
        host,
        only,
        allowed,
        files,
        left_out,
        chosen: !request.select.is_empty(),
    })
}

/// What was read: the files' side of everything that is judged.
#[derive(Debug, Clone)]
pub struct Audited {
    sources: Sources,
    knowledge: Arc<Knowledge>,
    rules: Rules,
    pub host: Host,
    only: Vec<Only>,
    allowed: Safety,
    files: usize,
    left_out: usize,
    /// Rules were chosen by name.
    chosen: bool,
}

impl Audited {
    /// Computes the queues and looks for what is wrong: in the files, or where the running machine is in trouble or differs
    /// from them. What is wrong in the files alone is only counted then, unless rules were chosen.
    pub fn judge(self, running: Option<Running>) -> Report {
        let Self { sources, knowledge, rules, mut host, only, allowed, files, left_out, chosen } = self;
        let mut queues = resolve::queues(&host);
        let mut seen = running.map(|running| {
            let running = with_changes(running, &sources, &host);
            resolve::seen(&sources, &knowledge, &host, running)
        });
        let judged = Judged {
            sources: &sources,
            knowledge: &knowledge,
            host: &host,
            queues: &queues,
            seen: seen.as_ref(),
        };
        let mut in_files = 0;
        let mut findings = match &seen {
            Some(_) if !chosen => {
                let (live, of_files) = rules.clone().part();
                let counts = |finding: &Finding| finding.severity > Severity::Info;
                in_files = of_files.judge(judged).iter().filter(|finding| counts(finding)).count();
                live.judge(judged)
            }
            _ => rules.judge(judged),
        };
        suppress::restrict(&sources, &only, &mut host, &mut queues, seen.as_mut(), &mut findings);
        let plan = Plan::make(&sources, &host, &findings, allowed);
        Report { sources, host, queues, seen, findings, in_files, plan, rules, files, left_out }
    }
}

/// Adds when the files that name backlogs were changed last; a record of the machine says it by itself.
fn with_changes(mut running: Running, sources: &Sources, host: &Host) -> Running {
    if running.changed.is_empty() {
        for listener in &host.listeners {
            let written = listener.backlog.value.as_ref().map(|backlog| backlog.span);
            for span in [written, Some(listener.site)].into_iter().flatten() {
                let Some((path, place)) = sources.get(span.source).path().zip(host.place(listener.place))
                else {
                    continue;
                };
                let path = path.to_string_lossy().into_owned();
                if running.changed.contains_key(&path) {
                    continue;
                }
                let modified = std::fs::metadata(place.top.join(&path)).and_then(|it| it.modified());
                let since = modified.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                running.changed.extend(since.map(|since| (path, since.as_secs())));
            }
        }
    }
    running
}

fn load_rules(sources: &Sources, request: &Request) -> Result<Rules, Broken> {
    Rules::load(sources, &request.rules)?.choose(&request.select, &request.ignore)
}

/// What all sites came to.
#[derive(Default)]
struct Read {
    host: Host,
    only: Vec<Only>,
    left_out: usize,
}

impl Read {
    fn site(&mut self, sources: &Sources, knowledge: &Knowledge, site: &Site, request: &Request) {
        let place = PlaceId(self.host.places.len());
        let Discovery { files, problems, left_out } =
            discover::find(sources, site, knowledge, request.include_tests);
        let asked = asked(sources, site, request, files.get(SYSCTL));
        let ruling = kernel::read(sources, &site.tree, knowledge, site.read_as, &asked);
        let found = services::read(sources, &site.tree, knowledge, site.read_as, place, &files);
        self.host.places.push(Place {
            name: "host".into(),
            kind: PlaceKind::Host,
            read_as: site.read_as,
            top: site.tree.top().to_owned(),
            root: site.tree.label().map(str::to_owned),
            kernel: ruling.kernel,
            sysctls: ruling.sysctls,
        });
        self.host.listeners.extend(found.listeners);
        self.host.problems.extend(problems.into_iter().chain(ruling.problems).chain(found.problems));
        self.left_out += left_out;
        // What a file by itself includes is its own.
        if !site.only.is_empty() && site.read_as != ReadAs::File {
            let root = site.tree.label().map(str::to_owned);
            self.only.push(Only { root, paths: site.only.clone() });
        }
    }
}

fn asked(sources: &Sources, site: &Site, request: &Request, files: Option<&Vec<Candidate>>) -> kernel::Asked {
    let machine =
        matches!(site.read_as, ReadAs::Root | ReadAs::Etc) && site.tree.top() == std::path::Path::new("/");
    kernel::Asked {
        kernel: request.kernel.as_ref().map(|release| (release.clone(), sources.flag("--kernel", release))),
        set: request
            .set
            .iter()
            .map(|(key, value)| (key.clone(), *value, set_flag(sources, key, *value)))
            .collect(),
        files: files.into_iter().flatten().map(|file| file.path.clone()).collect(),
        live: (machine || request.live) && !request.offline,
    }
}

fn set_flag(sources: &Sources, key: &str, value: i64) -> text::Span {
    sources.flag("--set", &format!("{key}={value}"))
}
