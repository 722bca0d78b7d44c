//! The report for people: each finding with the lines that take part, the ledger of its number and what to do; then all
//! listeners in a table, a line of totals and the next command.

mod chain;
mod defaults;
mod excerpt;
mod files;
mod finding;
pub(super) mod groups;
mod ledger;
mod next;
mod running;
mod table;

use super::screen::{self, counted};
use super::subject::Paths;
use super::twins::Twins;
use super::{Detail, Report, Screen, plain};
use crate::model::{Finding, Kind, Listening, Place, ReadAs, Seen, Severity};
use crate::rules::Rule;
use crate::suppress::Entry;
use crate::text::{HashMap, HashSet, Origin, Source, Sources, Span};
use excerpt::Mark;
use groups::Group;
pub use next::Again;

/// Findings of one rule that are shown in full; the others get a line each.
const IN_FULL: usize = 3;

/// Findings of one rule that get a line each; the others are counted.
const IN_SHORT: usize = 10;

/// The whole report. `again` is the command line that made it; `least` the severity from which findings count.
pub fn render(report: &Report, screen: &Screen, again: &Again, least: Option<Severity>) -> String {
    let sockets = report.seen.as_ref().map(Seen::by_listener).unwrap_or_default();
    let paths = if screen.from_here { Paths::of(report) } else { Paths::from_root(report) };
    let page = Page { report, screen, paths, twins: Twins::of(report), sockets };
    if screen.detail == Detail::Quiet {
        return page.findings(|group| least.is_some_and(|least| group.severity >= least));
    }
    let mut text: String = report.host.places.iter().map(|place| page.opening(place)).collect();
    text.push_str(&page.premises());
    text.push_str(&report.seen.as_ref().map_or(String::new(), |seen| page.looked_at(&seen.running)));
    text.push('\n');
    if report.statistics {
        text.push_str(&(page.counted_by_rule() + &page.totals()));
        return text;
    }
    let is_small = |finding: &Finding| finding.severity == Severity::Info;
    let nothing = report.seen.is_none() && report.host.listeners.is_empty();
    if nothing && report.findings.iter().all(is_small) {
        text.push_str(&next::nothing(report, screen));
        text.push_str(&page.taken_in());
    }
    text.push_str(&page.findings(|_| true));
    match (&report.seen, report.host.listeners.is_empty()) {
        (Some(seen), _) => text.push_str(&page.running(seen)),
        (None, false) => {
            text.push_str(&(page.every_listener() + &page.at_their_defaults() + &page.chains()));
        }
        (None, true) => {}
    }
    if screen.is_verbose() {
        text.push_str(&page.in_detail());
    }
    if report.shows_files {
        text.push_str(&page.every_file());
    }
    text.push_str(&page.fixed());
    text.push_str(&page.totals());
    text.push_str(&next::in_files(report, screen, again));
    text.push_str(&next::render(report, screen, again));
    text
}

/// Why the program cannot do what it was asked, at the place in a file that is to blame.
pub fn fault(sources: &Sources, at: Span, message: &str, screen: &Screen) -> String {
    let mark = Mark { at, message: String::new() };
    let name = |source: &Source| plain::inline(&source.name());
    finding::drawn(sources, &name, &[mark], &plain::said(message), Severity::Error, screen)
}

/// The same without a place.
pub fn error(message: &str, screen: &Screen) -> String {
    let shown: Vec<String> = message.lines().map(plain::said).collect();
    format!("{} {}\n", screen.paint(screen::accent(Severity::Error), "error:"), shown.join("\n"))
}

/// Why a patch holds nothing.
pub fn no_patch(report: &Report, screen: &Screen) -> String {
    let text = match report.plan.edits.is_empty() {
        true => "The patch is empty: no finding has a fix in these files.",
        false => "The patch is empty: all fixes are unsafe (add --unsafe-fixes to include them).",
    };
    screen.hang("", text)
}

/// How much of the screen a finding gets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    Full,
    Short,
}

/// A report on a screen.
struct Page<'a> {
    report: &'a Report,
    screen: &'a Screen,
    paths: Paths<'a>,
    /// Listeners that are told with the line that opens them.
    twins: Twins<'a>,
    /// The running sockets of each listener.
    sockets: HashMap<usize, Vec<(usize, &'a Listening)>>,
}

impl Page<'_> {
    /// What was audited, as what, for which kernel.
    fn opening(&self, place: &Place) -> String {
        let path = match place.name.as_str() {
            "host" => next::shown_path(place),
            target => format!("{} in {}", plain::inline(target), next::shown_path(place)),
        };
        let what = match place.read_as {
            ReadAs::Root => format!("{path} as a root filesystem"),
            ReadAs::Etc => format!("{path} as the etc folder of a machine"),
            ReadAs::Repo => format!("{path} as a repository"),
            ReadAs::File => match self.report.seen_files.as_slice() {
                [one] => format!("{} on its own", plain::inline(&one.path)),
                _ => format!("files in {path} on their own"),
            },
        };
        let (kernel, by) = (&place.kernel, self.location(place.kernel.version.span));
        let how = match kernel.version.kind {
            Kind::Live => "running now".to_owned(),
            Kind::Default if kernel.also.is_empty() => {
                format!("the kernel of {}", kernel.of.as_deref().unwrap_or("its distribution"))
            }
            Kind::Default => kernel.others(),
            Kind::Assumed if kernel.also.is_empty() => "use --kernel to set it".to_owned(),
            Kind::Assumed => format!("{}: use --kernel to set it", kernel.others()),
            Kind::Written if kernel.is_newer_than_known() => {
                format!("from {by}, treated as {}, the newest that the audit knows", kernel.version.get)
            }
            Kind::Written => format!("from {by}"),
        };
        let assuming = matches!(kernel.version.kind, Kind::Default | Kind::Assumed);
        let verb = if assuming { "assuming" } else { "for" };
        let text = format!("{what}, {verb} Linux {} ({how})", plain::inline(&kernel.release));
        let text = self.screen.phrased("Audited ", &text);
        self.screen.hang(&self.screen.faint("Audited "), &self.screen.faint(&text))
    }

    /// What the audit stands on without knowing it, where that is all that there is to say of it.
    fn premises(&self) -> String {
        let premises = self.report.findings.iter().filter(|finding| self.is_premise(finding));
        let said = |finding: &Finding| {
            let help = finding.all_help("; ").unwrap_or_default();
            let text = plain::said(&format!("{}; {help} ({})", finding.message, finding.rule));
            self.screen.hang(&" ".repeat("Audited ".len()), &self.screen.faint(&text))
        };
        premises.map(said).collect()
    }

    fn is_premise(&self, finding: &Finding) -> bool {
        let rule = self.report.rules.get(&finding.rule);
        finding.severity == Severity::Info && rule.is_some_and(Rule::is_premise)
    }

    /// Each group in full; from the fourth of a rule on as one line, and beyond that as a number.
    fn findings(&self, wanted: impl Fn(&Group) -> bool) -> String {
        let finding = |group: &Group| self.report.findings.get(group.first);
        // The opening tells those, where there is one.
        let has_opening = self.screen.detail != Detail::Quiet;
        let is_told =
            |group: &Group| has_opening && finding(group).is_some_and(|finding| self.is_premise(finding));
        let groups = groups::groups(self.report).into_iter().filter(|group| wanted(group) && !is_told(group));
        let groups: Vec<Group> = groups.collect();
        let mut blocks: Vec<(Size, String)> = Vec::new();
        for of_rule in groups.chunk_by(|a, b| self.rule(a) == self.rule(b)) {
            let (full, short) = match self.screen.is_verbose() {
                true => (of_rule.len(), 0),
                false => (IN_FULL, IN_SHORT),
            };
            for (index, group) in of_rule.iter().enumerate().take(full + short) {
                let Some(finding) = finding(group) else { continue };
                blocks.push(match index < full {
                    true => (Size::Full, self.in_full(group, finding)),
                    false => (Size::Short, self.in_short(group, finding)),
                });
            }
            let hidden = of_rule.len().saturating_sub(full + short);
            if hidden > 0 {
                let rest = format!("    and {hidden} more of this rule; --verbose shows all\n");
                blocks.push((Size::Short, self.screen.faint(&rest)));
            }
        }
        let mut text = String::new();
        let mut before = None;
        for (size, block) in blocks {
            if before.is_some_and(|before| before == Size::Full || size == Size::Full) {
                text.push('\n');
            }
            text.push_str(&block);
            before = Some(size);
        }
        if before.is_some() {
            text.push('\n');
        }
        text
    }

    fn rule(&self, group: &Group) -> Option<&str> {
        self.report.findings.get(group.first).map(|finding| finding.rule.as_str())
    }

    /// What `--statistics` shows.
    fn counted_by_rule(&self) -> String {
        let line = |(count, severity, rule): (usize, &str, &str)| {
            format!("{count:>6}  {severity:7}  {}\n", plain::inline(rule))
        };
        let lines: String = self.report.by_rule().into_iter().map(line).collect();
        if lines.is_empty() { lines } else { lines + "\n" }
    }

    /// What the baseline lists for nothing.
    fn fixed(&self) -> String {
        let named = |entry: &Entry| {
            let at = entry.listener.as_ref().or(entry.path.as_ref());
            let times = if entry.count > 1 { format!(" x{}", entry.count) } else { String::new() };
            format!("{} of {}{times}", entry.rule, at.map_or("", String::as_str))
        };
        let fixed = self.report.hidden.fixed.as_deref().unwrap_or_default();
        let words: Vec<String> = fixed.iter().map(|entry| plain::inline(&named(entry))).collect();
        match words.is_empty() {
            true => String::new(),
            false => self.screen.hang("Fixed since the baseline: ", &words.join(", ")) + "\n",
        }
    }

    fn totals(&self) -> String {
        let summary = self.report.summary();
        let mut parts = vec![counted(summary.listeners, "listener")];
        if let (Some(_), Some(listeners)) = (&self.report.seen, parts.first_mut()) {
            listeners.push_str(" in the files");
        }
        for (count, severity) in [
            (summary.errors, Severity::Error),
            (summary.warnings, Severity::Warning),
            (summary.infos, Severity::Info),
        ] {
            if count > 0 {
                parts.push(counted(count, severity.word()) + &self.of_rules(count, severity));
            }
        }
        if summary.errors + summary.warnings + summary.infos == 0 {
            parts.push("nothing to report".to_owned());
        }
        for (count, what) in [
            (summary.ignored, "ignored"),
            (summary.in_baseline, "in the baseline"),
            (summary.unchanged, "there before"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        parts.push(format!("{} read", counted(summary.files, "file")));
        if summary.left_out > 0 {
            parts.push(format!(
                "{} left out (tests, examples, third-party code, files that are not enabled)",
                summary.left_out
            ));
        }
        self.screen.hang("", &parts.join(", "))
    }

    /// Several findings of one rule are told as one: ` from 2 rules`.
    fn of_rules(&self, count: usize, severity: Severity) -> String {
        let found = self.report.findings.iter().filter(|finding| finding.severity == severity);
        let rules: HashSet<&str> = found.map(|finding| finding.rule.as_str()).collect();
        let is_plain = rules.len() == count || rules.is_empty();
        if is_plain { String::new() } else { format!(" from {}", counted(rules.len(), "rule")) }
    }

    /// `etc/nginx/nginx.conf:12`.
    fn location(&self, span: Span) -> String {
        let source: &Source = self.report.sources.get(span.source);
        match &source.origin {
            Origin::Flag(_) => self.paths.name(source),
            _ => format!("{}:{}", self.paths.name(source), self.report.sources.position(span).line),
        }
    }

    /// The same in at most `room` columns. The end of one of our own tables' names would be taken for an audited file.
    fn location_in(&self, span: Span, room: usize) -> String {
        let location = self.location(span);
        let is_ours = matches!(self.report.sources.get(span.source).origin, Origin::Builtin(_));
        match is_ours {
            true => "built in".to_owned(),
            false => screen::tail(&location, room, self.screen.sign("…", "...")),
        }
    }
}
