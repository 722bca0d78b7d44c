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

use std::path::{Path, PathBuf};

use crate::config::{Assume, FailOn, Policy, Target};
use crate::discover::{Discovery, Site};
use crate::knowledge::{Broken, Candidates, Knowledge, SYSCTL};
use crate::model::{Date, Finding, Host, Place, PlaceId, PlaceKind, Queue, ReadAs, Safety};
use crate::plan::Plan;
use crate::report::Report;
use crate::rules::Rules;
use crate::suppress::{Baseline, Hidden, Ignored, Only};
use crate::text::Sources;

pub mod checks;
pub mod config;
pub mod discover;
pub mod git;
pub mod kernel;
pub mod knowledge;
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
    /// How to understand the paths, instead of the guess.
    pub read_as: Option<ReadAs>,
    /// The kernel that the files will run on, e.g. `5.15.0-91-generic`.
    pub kernel: Option<String>,
    /// Sysctls to assume: key in the spelling with dots, and value.
    pub set: Vec<(String, i64)>,
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
    /// The policy, instead of the one that is found upward from the first path.
    pub config: Option<PathBuf>,
    /// From which severity on findings fail the audit, whatever the policy says.
    pub fail_on: Option<FailOn>,
    /// The day of the audit, for ignores that hold until one; without it none expires.
    pub today: Option<Date>,
    /// A file that lists findings which are not reported.
    pub baseline: Option<PathBuf>,
    /// Keep all that was found, as the next baseline.
    pub keep_baseline: bool,
    /// Only findings in which files take part that have changed since this revision.
    pub changed_since: Option<String>,
}

/// Why an audit could not be done at all. A file that does not read is a finding instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Path(#[from] discover::Unusable),
    #[error(transparent)]
    Git(#[from] git::Fault),
    #[error("{}: {message}", path.display())]
    Baseline { path: PathBuf, message: String },
    /// A rule file or one of our own tables does not read; the sources hold the place that it names.
    #[error("{0}")]
    Broken(Broken, Box<Sources>),
}

/// Audits the trees that the request names.
pub fn audit(request: &Request) -> Result<Report, Error> {
    let sources = Sources::new();
    let sites = discover::sites(&request.paths, request.read_as)?;
    let baseline = request.baseline.as_deref().map(read_baseline).transpose()?;
    let beliefs = match Beliefs::load(&sources, request, &sites, baseline) {
        Ok(beliefs) => beliefs,
        Err(broken) => return Err(Error::Broken(broken, Box::new(sources))),
    };
    let mut read = Read::default();
    for site in &sites {
        read.site(&sources, &beliefs, site, request);
    }
    let Beliefs { knowledge, policy, rules, .. } = &beliefs;
    read.host.minimums.clone_from(&policy.minimums);
    let mut queues = resolve::queues(&read.host);
    let findings = rules.all.judge(&sources, knowledge, &read.host, &queues, None);
    let (mut findings, mut hidden) =
        leave_out(&sources, &beliefs, request, &mut read.host, &queues, findings);
    suppress::restrict(&sources, &read.only, &mut read.host, &mut queues, &mut findings);
    if let Some(rev) = &request.changed_since {
        hidden.unchanged = keep_changed(&sources, &sites, rev, &read.host, &mut findings)?;
    }
    let allowed = if request.unsafe_fixes { Safety::Unsafe } else { Safety::Safe };
    let plan = Plan::make(&sources, &read.host, &findings, allowed);
    let files = sites.iter().map(|site| site.tree.files_read()).sum();
    let fails_on = request.fail_on.or(policy.fail_on).unwrap_or(FailOn::Warning).severity();
    let left_out = read.left_out;
    let (host, rules) = (read.host, beliefs.rules.chosen);
    Ok(Report { sources, host, queues, findings, plan, rules, files, left_out, fails_on, hidden })
}

/// Keeps the findings in which files take part that have changed since a revision, and counts the others.
fn keep_changed(
    sources: &Sources,
    sites: &[Site],
    rev: &str,
    host: &Host,
    findings: &mut Vec<Finding>,
) -> Result<usize, git::Fault> {
    let mut changed = Vec::new();
    for site in sites {
        let paths = git::changed(sources, &site.tree, rev)?;
        changed.push(Only { root: site.tree.label().map(str::to_owned), paths });
    }
    let all = findings.len();
    findings.retain(|finding| suppress::takes_part(sources, &changed, host, finding));
    Ok(all - findings.len())
}

/// Takes out what somebody decided to live with, adds what is wrong with that, and keeps what the chosen rules say.
fn leave_out(
    sources: &Sources,
    Beliefs { knowledge, policy, rules, baseline }: &Beliefs,
    request: &Request,
    host: &mut Host,
    queues: &[Queue],
    findings: Vec<Finding>,
) -> (Vec<Finding>, Hidden) {
    let ignoring = suppress::comments(sources).into_iter().chain(policy.ignores.iter().cloned()).collect();
    let exists = |id: &str| rules.all.exists(id);
    let Ignored { findings, hidden: mut settled, ignores } =
        suppress::ignore(sources, host, findings, ignoring, request.today, exists);
    host.ignores = ignores;
    let findings = rules.all.judge(sources, knowledge, host, queues, Some(findings));
    let is_chosen = |rule: &str| rules.chosen.get(rule).is_some();
    let count = |hidden: &[Finding]| hidden.iter().filter(|finding| is_chosen(&finding.rule)).count();
    let mut hidden = Hidden { ignored: count(&settled), ..Hidden::default() };
    let chosen = findings.iter().filter(|finding| is_chosen(&finding.rule));
    hidden.baseline = request.keep_baseline.then(|| Baseline::of(sources, host, chosen));
    let mut findings = match baseline {
        None => findings,
        Some(baseline) => {
            let known = baseline.take(sources, host, findings);
            hidden.in_baseline = count(&known.hidden);
            hidden.fixed = Some(known.fixed.into_iter().filter(|entry| is_chosen(&entry.rule)).collect());
            settled.extend(known.hidden);
            known.findings
        }
    };
    host.settled = suppress::settled(&settled);
    if !host.settled.is_empty() {
        // What is hidden has no part in what is written.
        let again = rules.all.judge(sources, knowledge, host, queues, None);
        suppress::refresh(&mut findings, again);
    }
    findings.retain(|finding| is_chosen(&finding.rule));
    (findings, hidden)
}

/// What an audit goes by.
struct Beliefs {
    knowledge: Knowledge,
    policy: Policy,
    rules: Chosen,
    baseline: Option<Baseline>,
}

/// All rules, so that it is known what an ignore hides, and those that are asked for.
struct Chosen {
    all: Rules,
    chosen: Rules,
}

impl Beliefs {
    fn load(
        sources: &Sources,
        request: &Request,
        sites: &[Site],
        baseline: Option<Baseline>,
    ) -> Result<Self, Broken> {
        let knowledge = Knowledge::load(sources)?;
        let first = request.paths.first().map(PathBuf::as_path).zip(sites.first());
        let policy = Policy::load(sources, &knowledge, request.config.as_deref(), first)?;
        let rules = load_rules(sources, request, &policy)?;
        Ok(Self { knowledge, policy, rules, baseline })
    }
}

fn read_baseline(path: &Path) -> Result<Baseline, Error> {
    let read = std::fs::read(path).map_err(|error| error.to_string());
    read.and_then(|text| Baseline::parse(&text))
        .map_err(|message| Error::Baseline { path: path.to_owned(), message })
}

/// The rules that count, as much as they do. What the command line says of the choice replaces what the policy says.
fn load_rules(sources: &Sources, request: &Request, policy: &Policy) -> Result<Chosen, Broken> {
    let folders: Vec<PathBuf> = policy.folders.iter().chain(&request.rules).cloned().collect();
    let mut all = Rules::load(sources, &folders)?;
    policy.check_rules(sources, &all)?;
    for ((id, _), severity) in &policy.severities {
        all.set_severity(id, *severity);
    }
    let ids = |named: &[(String, text::Span)]| named.iter().map(|(id, _)| id.clone()).collect();
    let or = |asked: &Vec<String>, named| if asked.is_empty() { ids(named) } else { asked.clone() };
    let (select, ignore) = (or(&request.select, &policy.select), or(&request.ignore, &policy.ignore));
    let chosen = all.clone().choose(&select, &ignore)?;
    Ok(Chosen { all, chosen })
}

/// What all sites came to.
#[derive(Default)]
struct Read {
    host: Host,
    only: Vec<Only>,
    left_out: usize,
}

impl Read {
    fn site(&mut self, sources: &Sources, beliefs: &Beliefs, site: &Site, request: &Request) {
        let Beliefs { knowledge, policy, .. } = beliefs;
        let found = discover::find(sources, site, knowledge, request.include_tests, &policy.exclude);
        let Discovery { files, problems, left_out } = found;
        self.host.problems.extend(problems);
        self.left_out += left_out;
        for (target, files) in by_target(policy, site, files) {
            self.place(sources, beliefs, site, request, target, &files);
        }
        // What a file by itself includes is its own.
        if !site.only.is_empty() && site.read_as != ReadAs::File {
            let root = site.tree.label().map(str::to_owned);
            self.only.push(Only { root, paths: site.only.clone() });
        }
    }

    /// The machines of a target, or those of all files that belong to none.
    fn place(
        &mut self,
        sources: &Sources,
        Beliefs { knowledge, policy, .. }: &Beliefs,
        site: &Site,
        request: &Request,
        target: Option<&Target>,
        files: &Candidates,
    ) {
        let place = PlaceId(self.host.places.len());
        let machine = matches!(site.read_as, ReadAs::Root | ReadAs::Etc) && site.tree.top() == Path::new("/");
        let Assume { kernel, set } = assumed(sources, request, policy, target);
        let sysctls = files.get(SYSCTL).into_iter().flatten();
        let sysctls = sysctls.map(|file| file.path.clone()).collect();
        let asked = kernel::Asked { kernel, set, files: sysctls, live: machine && !request.offline };
        let ruling = kernel::read(sources, &site.tree, knowledge, site.read_as, &asked);
        let found = services::read(sources, &site.tree, knowledge, site.read_as, place, files);
        self.host.places.push(Place {
            name: target.map_or("host", |target| &target.name).to_owned(),
            kind: PlaceKind::Host,
            read_as: site.read_as,
            top: site.tree.top().to_owned(),
            root: site.tree.label().map(str::to_owned),
            kernel: ruling.kernel,
            sysctls: ruling.sysctls,
        });
        self.host.listeners.extend(found.listeners);
        for problem in ruling.problems.into_iter().chain(found.problems) {
            // What all machines have in common is told once.
            if target.is_none() || self.host.problems.iter().all(|known| known.message != problem.message) {
                self.host.problems.push(problem);
            }
        }
    }
}

/// The files of a site by the machines that they run on: those of no target, then those of each target that has any. Sysctl
/// files of no target are for all machines.
fn by_target<'p>(
    policy: &'p Policy,
    site: &Site,
    files: Candidates,
) -> Vec<(Option<&'p Target>, Candidates)> {
    let targets = std::iter::once(None).chain(policy.targets.iter().map(Some));
    let mut parts: Vec<(Option<&Target>, Candidates)> =
        targets.map(|target| (target, Candidates::new())).collect();
    for (service, files) in files {
        for file in files {
            let part = policy.target_of(site.tree.top(), &file.path).map_or(0, |target| target + 1);
            if let Some((_, part)) = parts.get_mut(part) {
                part.entry(service.clone()).or_default().push(file);
            }
        }
    }
    parts.retain(|(target, files)| target.is_none() || !files.is_empty());
    let shared = parts.first().and_then(|(_, part)| part.get(SYSCTL)).cloned().unwrap_or_default();
    for (_, part) in parts.iter_mut().skip(1).filter(|_| !shared.is_empty()) {
        let sysctls = part.entry(SYSCTL.to_owned()).or_default();
        sysctls.extend(shared.iter().cloned());
        sysctls.sort();
    }
    parts
}

/// What is assumed of machines: by the command line, else for their target, else for all.
fn assumed(sources: &Sources, request: &Request, policy: &Policy, target: Option<&Target>) -> Assume {
    let flag = request.kernel.as_ref().map(|release| (release.clone(), sources.flag("--kernel", release)));
    let own = target.map(|target| &target.assume);
    let kernel = flag.or_else(|| own.and_then(|own| own.kernel.clone()));
    let flags = request.set.iter().map(|(key, value)| (key.clone(), *value, set_flag(sources, key, *value)));
    let own = own.into_iter().flat_map(|own| &own.set);
    // The last one counts.
    let set = policy.assume.set.iter().chain(own).cloned().chain(flags).collect();
    Assume { kernel: kernel.or_else(|| policy.assume.kernel.clone()), set }
}

fn set_flag(sources: &Sources, key: &str, value: i64) -> text::Span {
    sources.flag("--set", &format!("{key}={value}"))
}
