//! What an audit goes by, and what it reads: the policy and the rules, then the files of every site by the machines that
//! they run on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::commands::Started;
use crate::config::{Assume, Policy, Target};
use crate::discover::{Discovery, Site};
use crate::knowledge::{Broken, Candidates, Knowledge, SYSCTL};
use crate::model::{Host, Place, PlaceId, PlaceKind, Problem, ProblemKind, ReadAs};
use crate::request::{Error, Request};
use crate::rules::{Folder, Rules};
use crate::services::Premises;
use crate::suppress::{Baseline, Ignoring, Only, comments};
use crate::text::{Cut, HashSet, Patterns, Sources, Span};
use crate::{commands, discover, kernel, services};

/// Of one bound that was reached in more files than these, one is told with the number of the others.
const ALIKE: usize = 20;

/// What an audit goes by.
#[derive(Debug)]
pub(crate) struct Beliefs {
    pub(crate) knowledge: Knowledge,
    pub(crate) policy: Policy,
    pub(crate) rules: Chosen,
    pub(crate) baseline: Option<Baseline>,
}

/// All rules, so that it is known what an ignore hides, and those that are asked for.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) all: Rules,
    pub(crate) chosen: Rules,
    /// They were chosen by name.
    pub(crate) by_name: bool,
}

impl Beliefs {
    pub(crate) fn load(
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

pub(crate) fn read_baseline(path: &Path) -> Result<Baseline, Error> {
    let read = std::fs::read(path).map_err(|error| error.to_string());
    read.and_then(|text| Baseline::parse(&text))
        .map_err(|message| Error::Baseline { path: path.to_owned(), message })
}

/// The rules that count, as much as they do. What the command line says of the choice replaces what the policy says.
fn load_rules(sources: &Sources, request: &Request, policy: &Policy) -> Result<Chosen, Broken> {
    let given = request.rules.iter().map(|path| Folder::given(path));
    let folders: Vec<Folder> = policy.folders.iter().cloned().chain(given).collect();
    let mut all = Rules::load(sources, &folders)?;
    policy.check_rules(sources, &all)?;
    for ((id, _), severity) in &policy.severities {
        all.set_severity(id, *severity);
    }
    let ids = |named: &[(String, Span)]| named.iter().map(|(id, _)| id.clone()).collect();
    let or = |asked: &Vec<String>, named| if asked.is_empty() { ids(named) } else { asked.clone() };
    let (select, ignore) = (or(&request.select, &policy.select), or(&request.ignore, &policy.ignore));
    let chosen = all.clone().choose(&select, &ignore)?;
    Ok(Chosen { all, chosen, by_name: !select.is_empty() })
}

/// What all sites came to.
#[derive(Default)]
pub(crate) struct Read {
    pub(crate) host: Host,
    /// The ignores in comments.
    pub(crate) comments: Vec<Ignoring>,
    pub(crate) only: Vec<Only>,
    pub(crate) left_out: usize,
    /// What problems say.
    told: HashSet<String>,
}

impl Read {
    pub(crate) fn site(&mut self, sources: &Sources, beliefs: &Beliefs, site: &Site, request: &Request) {
        let Beliefs { knowledge, policy, .. } = beliefs;
        let found = discover::find(sources, site, knowledge, request.include_tests, &policy.exclude);
        let Discovery { files, problems, left_out } = found;
        self.told.extend(problems.iter().map(|problem| problem.message.clone()));
        self.host.problems.extend(problems);
        self.left_out += left_out;
        for (target, files) in by_target(policy, site, files) {
            self.place(sources, beliefs, site, request, target, &files);
        }
        site.tree.rest();
        // What a file by itself includes is its own.
        if !site.only.is_empty() && site.read_as != ReadAs::File {
            let root = site.tree.label().map(str::to_owned);
            self.only.push(Only { root, paths: site.only.iter().cloned().collect() });
        }
    }

    /// Reads the comments that are for us, and adds where bounds were reached.
    pub(crate) fn cuts(&mut self, sources: &Sources, sites: &[Site]) {
        sites.iter().for_each(|site| site.tree.tell_cuts(sources));
        self.comments = comments(sources);
        for site in sites {
            self.too_large(sources, site);
        }
        let mut alike: BTreeMap<String, Vec<Cut>> = BTreeMap::new();
        for cut in sources.cuts() {
            alike.entry(cut.what.clone()).or_default().push(cut);
        }
        for mut cuts in alike.into_values() {
            let more = cuts.len() - 1;
            if more > ALIKE {
                // Sources have their numbers from threads that read side by side.
                cuts.sort_by(|a, b| sources.order(a.at, b.at));
                cuts.truncate(1);
                cuts.iter_mut()
                    .for_each(|cut| cut.what.push_str(&format!(" (and so in {more} other files)")));
            }
            self.host.problems.extend(cuts.into_iter().map(cut_off));
        }
    }

    /// Files that were too large to be read and that nothing else speaks of: something was to be read there.
    fn too_large(&mut self, sources: &Sources, site: &Site) {
        let told = self.host.problems.iter().map(|problem| problem.at.source);
        let told = told.chain(sources.cuts().iter().map(|cut| cut.at.source).collect::<Vec<_>>());
        let told: BTreeSet<(Option<&str>, &Path)> =
            told.map(|id| sources.get(id)).filter_map(|it| Some((it.root(), it.path()?))).collect();
        for (path, why) in site.tree.too_large() {
            if !told.contains(&(site.tree.label(), path.as_path())) {
                sources.cut_off(
                    Span::top(site.tree.unread(sources, &path)),
                    format!("nothing in it is known: {why}"),
                );
            }
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
        let asked = kernel::Asked {
            kernel,
            set,
            files: sysctls,
            live: (machine || request.live) && !request.offline,
        };
        let ruling = kernel::read(sources, &site.tree, knowledge, site.read_as, &asked);
        let Started { commands, problems: unstarted } =
            commands::read(sources, &site.tree, knowledge, site.read_as, files);
        let premises = Premises {
            sources,
            tree: &site.tree,
            read_as: site.read_as,
            only: &site.only,
            place,
            commands: &commands,
        };
        let mut found = services::read(knowledge, premises, files);
        if site.read_as == ReadAs::Root {
            commands::take_over(sources, &site.tree, &mut found.listeners);
        }
        self.host.places.push(Place {
            name: target.map_or("host", |target| &target.name).to_owned(),
            kind: PlaceKind::Host,
            read_as: site.read_as,
            top: site.tree.top().to_owned(),
            root: site.tree.label().map(str::to_owned),
            kernel: ruling.kernel,
            sysctls: ruling.sysctls,
        });
        self.left_out += found.left_out;
        self.host.listeners.extend(found.listeners);
        for problem in ruling.problems.into_iter().chain(unstarted).chain(found.problems) {
            // What all machines have in common is told once.
            if self.told.insert(problem.message.clone()) || target.is_none() {
                self.host.problems.push(problem);
            }
        }
    }
}

fn cut_off(Cut { at, what, in_program }: Cut) -> Problem {
    let (kind, help) = match in_program {
        true => (ProblemKind::NotFollowed, "`ss -lnt` on the machine shows what the program listens on"),
        false => (
            ProblemKind::CutOff,
            "audit a part of the tree by its path, or leave out what does not matter with `exclude` in the policy",
        ),
    };
    Problem { kind, service: None, message: what, help: Some(help.to_owned()), at, labels: Vec::new() }
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
    let paths = Patterns::of(policy.targets.iter().map(|target| &target.path));
    for (service, files) in files {
        for file in files {
            // Of several targets that cover it the first one counts.
            let target = paths.covering(site.tree.top(), &file.path).next();
            let part = target.map_or(0, |target| target + 1);
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

fn set_flag(sources: &Sources, key: &str, value: i64) -> Span {
    sources.flag("--set", &format!("{key}={value}"))
}
