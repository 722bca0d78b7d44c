//! From what was read to what is wrong: queues, findings, what is left out of them, and the plan of the fixes.

use std::sync::Arc;

use crate::config::FailOn;
use crate::knowledge::Knowledge;
use crate::model::{Came, Finding, Host, Ignore, Queue, Running, Safety, Seen, Severity};
use crate::plan::Plan;
use crate::read::{Audited, Beliefs, Chosen};
use crate::report::Report;
use crate::request::Request;
use crate::rules::{Judged, Rule};
use crate::suppress::{Baseline, Hidden, Ignored, Ignoring};
use crate::text::tree::modified;
use crate::text::{HashSet, Sources, Tree};
use crate::{discover, resolve, since, suppress};

impl Audited {
    /// Computes the queues and looks for what is wrong: in the files, or where the running machine is in trouble or differs
    /// from them. What is wrong in the files alone is only counted then, unless rules were chosen.
    pub fn judge(self, running: Option<Running>) -> Report {
        let Self { sources, beliefs, request, mut host, comments, only, was, files, left_out, seen: all } =
            self;
        let Beliefs { knowledge, policy, rules, .. } = &*beliefs;
        host.minimums.clone_from(&policy.minimums);
        let mut queues = resolve::queues(&host);
        let mut seen = running.map(|running| {
            let running = with_unread(with_changes(running, &sources, &host), knowledge, &host);
            resolve::seen(&sources, knowledge, &host, running)
        });
        let judged =
            Judged { sources: &sources, knowledge, host: &host, queues: &queues, seen: seen.as_ref() };
        let findings = rules.all.judge(judged, None);
        let facts = (queues.as_slice(), seen.as_ref());
        let (mut findings, mut hidden) =
            leave_out(&sources, &beliefs, &request, &mut host, facts, (findings, comments));
        let live_alone = seen.is_some() && !rules.by_name;
        let in_files = if live_alone { leave_to_the_audit(&beliefs, &mut findings) } else { 0 };
        suppress::restrict(&sources, &only, &mut host, &mut queues, seen.as_mut(), &mut findings);
        if let Some(was) = &was {
            hidden.not_new = since::keep_new(&sources, &host, was, &mut findings);
        }
        let mut plan = Plan::make(&sources, &host, &findings, Safety::Safe);
        plan.settle_safety(&mut findings);
        if request.unsafe_fixes {
            plan = Plan::make(&sources, &host, &findings, Safety::Unsafe);
        }
        plan.name_merged(&mut findings);
        let fails_on = request.fail_on.or(policy.fail_on).unwrap_or(FailOn::Warning).severity();
        let fails_on_nothing = request.fail_on_nothing || policy.fail_on_nothing == Some(true);
        if fails_on_nothing && host.listeners.is_empty() {
            // An audit that failed leaves nothing behind.
            hidden.baseline = None;
        }
        let rules = rules.chosen.clone();
        Report {
            sources,
            host,
            queues,
            seen,
            findings,
            in_files,
            live_alone,
            plan,
            rules,
            files,
            left_out,
            seen_files: all,
            shows_files: request.show_files,
            statistics: request.statistics,
            fails_on,
            fails_on_nothing,
            hidden,
        }
    }
}

/// Takes out what is wrong in the files alone, and counts the warnings and errors among it.
fn leave_to_the_audit(beliefs: &Beliefs, findings: &mut Vec<Finding>) -> usize {
    let is_live = |finding: &Finding| beliefs.rules.all.get(&finding.rule).is_some_and(Rule::is_live);
    let counts = |finding: &&Finding| finding.severity > Severity::Info && !is_live(finding);
    let count = findings.iter().filter(counts).count();
    findings.retain(is_live);
    count
}

/// Adds when the files that name backlogs were changed last; a record of the machine says it by itself.
fn with_changes(mut running: Running, sources: &Sources, host: &Host) -> Running {
    if !running.changed.is_empty() {
        return running;
    }
    for listener in &host.listeners {
        let written = listener.backlog.value.as_ref().map(|backlog| backlog.span);
        for span in [written, Some(listener.site)].into_iter().flatten() {
            let file = sources.get(span.source).path().zip(host.place(listener.place));
            let Some((path, place)) = file else { continue };
            let name = path.to_string_lossy().into_owned();
            if running.changed.contains_key(&name) {
                continue;
            }
            running.changed.extend(modified(&place.top, path).map(|seconds| (name, seconds)));
        }
    }
    running
}

/// Adds what the programs that no reader knows seem to be configured by.
fn with_unread(mut running: Running, knowledge: &Knowledge, host: &Host) -> Running {
    let place = host.places.first().filter(|_| running.unread.is_empty());
    let Some(tree) = place.and_then(|place| Tree::open(&place.top, true).ok()) else { return running };
    let owners = running.sockets.iter().filter_map(|socket| socket.owner.clone());
    let mut asked: HashSet<Arc<str>> = HashSet::default();
    let owners: Vec<_> =
        owners.filter(|owner| owner.container.is_none() && asked.insert(Arc::clone(&owner.name))).collect();
    for owner in owners {
        let names: Vec<&str> = owner.program.as_deref().into_iter().chain([&*owner.name]).collect();
        let is_known = |name: &&str| knowledge.services().any(|it| it.programs.iter().any(|own| own == name));
        if names.iter().any(is_known) {
            continue;
        }
        if let Some(file) = discover::configuration_of(&tree, &names) {
            running.unread.insert(owner.name.to_string(), file.to_string_lossy().into_owned());
        }
    }
    running
}

/// Whether an ignore of a rule about the running machine is of use cannot be told from files.
fn leave_live(rules: &Chosen, ignores: &mut [Ignore]) {
    let is_live = |id: &String| rules.all.get(id).is_some_and(Rule::is_live);
    for rule in ignores.iter_mut().flat_map(|ignore| &mut ignore.rules) {
        if rule.came == Came::Unused && rule.id.as_ref().is_some_and(is_live) {
            rule.came = Came::NotJudged;
        }
    }
}

/// Takes out what somebody decided to live with, adds what is wrong with that, and keeps what the chosen rules say.
fn leave_out(
    sources: &Sources,
    beliefs: &Beliefs,
    request: &Request,
    host: &mut Host,
    (queues, seen): (&[Queue], Option<&Seen>),
    (findings, mut ignoring): (Vec<Finding>, Vec<Ignoring>),
) -> (Vec<Finding>, Hidden) {
    let Beliefs { knowledge, policy, rules, baseline, .. } = beliefs;
    ignoring.extend(policy.ignores.iter().cloned());
    let exists = |id: &str| rules.all.exists(id);
    let Ignored { findings, hidden: mut settled, mut ignores } =
        suppress::ignore(sources, host, findings, ignoring, request.today, exists);
    if seen.is_none() {
        leave_live(rules, &mut ignores);
    }
    host.ignores = ignores;
    let findings = rules.all.judge(Judged { sources, knowledge, host, queues, seen }, Some(findings));
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
            let fixed = known.fixed.into_iter().filter(|entry| is_chosen(&entry.rule)).collect();
            hidden.fixed = Some(Baseline::gone(sources, host, fixed, &settled));
            settled.extend(known.hidden);
            known.findings
        }
    };
    host.settled = suppress::settled(&settled);
    if !host.settled.is_empty() {
        // What is hidden has no part in what is written.
        let again = rules.all.judge(Judged { sources, knowledge, host, queues, seen }, None);
        suppress::refresh(&mut findings, again);
    }
    findings.retain(|finding| is_chosen(&finding.rule));
    (findings, hidden)
}
