//! What an audit goes by, and what it reads: the policy and the rules, then the files of every site by the machines that
//! they run on.

mod seen;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::commands::Started;
use crate::config::{self, Assume, Policy, Target};
use crate::discover::Site;
use crate::knowledge::{Broken, Candidates, Knowledge, SYSCTL, read_given};
use crate::model::{
    ALTERNATIVES, FileSeen, Host, Idle, Place, PlaceId, PlaceKind, Problem, ProblemKind, ReadAs,
};
use crate::request::{Error, Request};
use crate::rules::{Folder, Rules};
use crate::services::Premises;
use crate::suppress::{Baseline, Ignoring, Only, comments};
use crate::text::{Cut, HashSet, Origin, Pattern, Patterns, Sources, Span};
use crate::{commands, discover, kernel, services};

/// Of one bound that was reached in more files than these, one is told with the number of the others.
const ALIKE: usize = 20;

/// So many patterns of `exclude` are looked for in the tree, to say of those that cover nothing that they do not.
const LOOKED_FOR: usize = 100;

/// What was read: the files' side of everything that is judged.
#[derive(Debug, Clone)]
pub struct Audited {
    pub(crate) sources: Sources,
    pub(crate) beliefs: Arc<Beliefs>,
    pub(crate) request: Request,
    pub host: Host,
    pub(crate) comments: Vec<Ignoring>,
    pub(crate) only: Vec<Only>,
    /// What was wrong at a revision, where only what is new is reported.
    pub(crate) was: Option<Baseline>,
    pub(crate) files: usize,
    pub(crate) left_out: usize,
    /// What became of the files.
    pub(crate) seen: Vec<FileSeen>,
}

/// What an audit goes by.
#[derive(Debug)]
pub(crate) struct Beliefs {
    pub(crate) knowledge: Knowledge,
    pub(crate) policy: Policy,
    pub(crate) rules: Chosen,
    pub(crate) baseline: Option<Baseline>,
    /// What of these has no effect.
    pub(crate) idle: Vec<Idle>,
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
    pub(crate) fn load(sources: &Sources, request: &Request, sites: &[Site]) -> Result<Self, Broken> {
        let knowledge = Knowledge::load(sources)?;
        let first = request.paths.first().map(PathBuf::as_path).zip(sites.first());
        let baseline = request.baseline.as_deref().map(|path| read_baseline(sources, path, sites.first()));
        let baseline = baseline.transpose()?;
        let policy = Policy::load(sources, &knowledge, request.config.as_deref(), first)?;
        let rules = load_rules(sources, request, &policy, sites.first())?;
        let mut idle = rules.all.idle.clone();
        if let Some((baseline, at)) = &baseline {
            let unknown = baseline.rules().into_iter().filter_map(|rule| rules.all.exists(rule).err());
            idle.extend(unknown.map(|said| Idle {
                at: *at,
                said: format!("a part of the baseline has no effect: {said}"),
                help: "write the baseline again".to_owned(),
            }));
        }
        Ok(Self { knowledge, policy, rules, baseline: baseline.map(|(baseline, _)| baseline), idle })
    }
}

/// Reads trees that are understood and open.
pub(crate) fn read_sites(sources: Sources, sites: &[Site], request: &Request) -> Result<Audited, Error> {
    let beliefs = match Beliefs::load(&sources, request, sites) {
        Ok(beliefs) => beliefs,
        Err(broken) => return Err(Error::broken(broken, &sources, sites.first())),
    };
    let mut read = Read::default();
    for site in sites {
        read.site(&sources, &beliefs, site, request);
    }
    if let Some(broken) = read.refused.take() {
        return Err(Error::broken(broken, &sources, sites.first()));
    }
    read.finish(&sources, sites, &beliefs);
    let files = sites.iter().map(|site| site.tree.files_read()).sum();
    let Read { host, comments, only, left_out, files: seen, .. } = read;
    let (beliefs, request) = (Arc::new(beliefs), request.clone());
    Ok(Audited { sources, beliefs, request, host, comments, only, was: None, files, left_out, seen })
}

fn read_baseline(sources: &Sources, path: &Path, site: Option<&Site>) -> Result<(Baseline, Span), Broken> {
    let help = format!("; --write-baseline {} makes it", path.display());
    let text = read_given("--baseline", path, if path.is_dir() { "" } else { &help })?;
    let parsed = Baseline::parse(&text, path);
    let source = sources.add(Origin::Config(config::shown(site, path)), text);
    let broken = |(message, at): (String, usize)| Broken {
        name: sources.get(source).name().into_owned(),
        message,
        at: Some(Span::new(source, at..sources.bytes(source).len().min(at + 1))),
    };
    Ok((parsed.map_err(broken)?, Span::top(source)))
}

/// The rules that count, as much as they do. What the command line says of the choice replaces what the policy says.
fn load_rules(
    sources: &Sources,
    request: &Request,
    policy: &Policy,
    site: Option<&Site>,
) -> Result<Chosen, Broken> {
    let given = request.rules.iter().map(|path| Folder::given(path));
    let folders = policy.folders.iter().cloned().chain(given);
    let folders: Vec<Folder> =
        folders.map(|folder| Folder { shown: config::shown(site, &folder.path), ..folder }).collect();
    let mut all = Rules::load(sources, &folders)?;
    policy.check_rules(sources, &all)?;
    for ((id, _), severity) in &policy.severities {
        all.set_severity(id, *severity);
    }
    let ids = |named: &[(String, Span)]| named.iter().map(|(id, _)| id.clone()).collect();
    let or = |asked: &Vec<String>, named| if asked.is_empty() { ids(named) } else { asked.clone() };
    let (select, ignore) = (or(&request.select, &policy.select), or(&request.ignore, &policy.ignore));
    if request.keep_baseline && !(request.select.is_empty() && request.ignore.is_empty()) {
        let message =
            "it would lose what the other rules have found; leave --select and --ignore out".to_owned();
        return Err(Broken { name: "--write-baseline".to_owned(), message, at: None });
    }
    let chosen = all.clone().choose(&select, &ignore).map_err(|broken| {
        // What the policy says stands in a line of it.
        let of_policy = [(&request.select, &policy.select), (&request.ignore, &policy.ignore)];
        let of_policy = of_policy.into_iter().filter(|(asked, _)| asked.is_empty());
        let at = of_policy.flat_map(|(_, named)| named).map(|(_, at)| *at).next();
        match at.filter(|_| broken.name.contains(" and ")) {
            Some(at) => Broken { name: sources.get(at.source).name().into_owned(), at: Some(at), ..broken },
            None => broken,
        }
    })?;
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
    /// What became of the files.
    pub(crate) files: Vec<FileSeen>,
    /// What problems say.
    told: HashSet<String>,
    /// What somebody wants to be assumed and the kernel would refuse.
    pub(crate) refused: Option<Broken>,
    /// The targets that have files.
    in_use: HashSet<String>,
}

impl Read {
    pub(crate) fn site(&mut self, sources: &Sources, beliefs: &Beliefs, site: &Site, request: &Request) {
        let Beliefs { knowledge, policy, .. } = beliefs;
        let exclude: Vec<Pattern> = policy.exclude.iter().map(|it| it.pattern.clone()).collect();
        let mut found = discover::find(sources, site, knowledge, request.include_tests, &exclude);
        let before = self.host.problems.len();
        let problems = std::mem::take(&mut found.problems);
        self.told.extend(problems.iter().map(|problem| problem.message.clone()));
        self.host.problems.extend(problems);
        self.left_out += found.left_out.len() + found.excluded.len();
        let files = std::mem::take(&mut found.files);
        for (target, files) in by_target(policy, site, files.clone()) {
            self.in_use.extend(target.map(|target| target.name.clone()));
            self.place(sources, beliefs, site, request, target, &files);
        }
        let closed = std::mem::take(&mut found.closed);
        self.host.problems.extend(seen::closed(sources, site, knowledge, closed, site.tree.closed()));
        let problems = self.host.problems.get(before..).unwrap_or_default();
        self.files.extend(seen::list(sources, site, &found, &files, problems, request.show_files));
        self.host.not_read.extend(seen::not_read(sources, site, &found.unclaimed, &self.host.listeners));
        site.tree.rest();
        // What a file by itself includes is its own.
        if !site.only.is_empty() && site.read_as != ReadAs::File {
            let root = site.tree.label().map(str::to_owned);
            self.only.push(Only { root, paths: site.only.iter().cloned().collect() });
        }
    }

    /// What is asked of all that was read: the comments that are for us, and where bounds were reached, theirs among them.
    pub(crate) fn finish(&mut self, sources: &Sources, sites: &[Site], beliefs: &Beliefs) {
        sites.iter().for_each(|site| site.tree.tell_cuts(sources));
        self.idle(sites, beliefs);
        self.comments = comments(sources);
        for site in sites {
            self.too_large(sources, site);
        }
        for listener in self.host.beyond_alternatives() {
            let what =
                format!("no front end is matched with it: {ALTERNATIVES} listeners already have its address");
            sources.cut_off(listener.site, what);
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

    /// What of the policy, the rules and the baseline nothing here is about.
    fn idle(&mut self, sites: &[Site], Beliefs { policy, rules, idle, .. }: &Beliefs) {
        let mut all = idle.clone();
        let is_idle = |it: &&Target| it.is_judged && !self.in_use.contains(&it.name);
        for target in policy.targets.iter().filter(is_idle) {
            let said = format!("the target {} has no effect: no file that was read is its own", target.name);
            let help = "patterns start at the folder of the policy; a file belongs to the first target that covers it";
            all.push(Idle { at: target.at, said, help: help.to_owned() });
        }
        for excluded in policy.exclude.iter().filter(|it| it.is_judged).take(LOOKED_FOR) {
            if sites.iter().all(|site| excluded.pattern.covers_any(&site.tree) == Some(false)) {
                let said = format!("the exclude has no effect: there is no `{}`", excluded.text);
                let name = excluded.text.trim_start_matches('/');
                let help = format!(
                    "patterns start at the folder of the policy; `**/{name}` covers it anywhere below"
                );
                all.push(Idle { at: excluded.at, said, help });
            }
        }
        all.extend(rules.all.iter().flat_map(|rule| rule.idle(&self.host)));
        self.host.idle = all;
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
                    format!("nothing in it could be read: {why}"),
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
        if let Some((at, message)) = ruling.refused {
            self.refused.get_or_insert(Broken {
                name: sources.get(at.source).name().into_owned(),
                message,
                at: Some(at),
            });
        }
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
            openrc: kernel::sysctl::is_openrc(sources, &site.tree, knowledge, site.read_as),
        });
        self.left_out += found.left_out;
        self.host.not_read.extend(found.not_read);
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
