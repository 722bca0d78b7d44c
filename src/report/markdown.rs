//! The findings as Markdown, for a comment on a pull request or a job's summary: a table of all, then what there is to say of each.

use super::human::groups::{Group, groups};
use super::screen::counted;
use super::subject::{Paths, Subject};
use super::twins::Twins;
use super::{Report, plain};
use crate::model::{Label, Safety, Severity, Step};
use crate::text::HashSet;

/// Rows and stories that are told before the rest is counted: GitHub takes no comment of more than 65536 characters.
const ROWS: usize = 50;
const STORIES: usize = 10;

/// Listeners, commands and lines of one story.
const LISTED: usize = 20;

/// The report as GitHub Flavored Markdown, with a final newline.
pub fn render(report: &Report) -> String {
    let paths = Paths::of(report);
    let page = Page { report, paths: &paths, subjects: paths.subjects(), twins: Twins::of(report) };
    let groups = groups(report);
    let mut text = page.heading();
    text.push_str(&page.table(&groups));
    for group in groups.iter().take(STORIES) {
        text.push_str(&page.story(group));
    }
    text
}

struct Page<'a> {
    report: &'a Report,
    paths: &'a Paths<'a>,
    subjects: Vec<Subject<'a>>,
    /// Listeners that are told with the line that opens them.
    twins: Twins<'a>,
}

impl Page<'_> {
    fn heading(&self) -> String {
        let summary = self.report.summary();
        let counts = [(summary.errors, "error"), (summary.warnings, "warning"), (summary.infos, "info")];
        let found: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, thing)| counted(count, thing))
            .collect();
        let found = if found.is_empty() { "nothing to report".to_owned() } else { found.join(", ") };
        let listeners = counted(summary.listeners, "listener");
        format!("### backlog-audit: {found}\n\n{listeners}, {} read.\n", counted(summary.files, "file"))
    }

    fn table(&self, groups: &[Group]) -> String {
        if groups.is_empty() {
            return String::new();
        }
        let mut text = String::from("\n| severity | rule | where | what |\n|---|---|---|---|\n");
        let rows = groups.iter().filter_map(|group| Some((group, self.subjects.get(group.first)?)));
        for (group, subject) in rows.take(ROWS) {
            let more = match group.rest.len() {
                0 => String::new(),
                count => format!(" (and {count} more)"),
            };
            let place = escaped(&self.paths.spot(subject.home()));
            let (severity, rule) = (subject.finding.severity, escaped(&subject.finding.rule));
            let message = escaped(&subject.message());
            text.push_str(&format!(
                "| {} {} | {rule} | <code>{place}</code> | {message}{more} |\n",
                sign(severity),
                severity.word()
            ));
        }
        if groups.len() > ROWS {
            text.push_str(&format!("\nAnd {} not shown here.\n", groups.len() - ROWS));
        }
        text
    }

    /// One finding, or several that are one story, folded away.
    fn story(&self, group: &Group) -> String {
        let Some(subject) = self.subjects.get(group.first) else { return String::new() };
        let mut text = match subject.steps() {
            [] => self.lines(subject),
            steps => self.ledger(steps),
        };
        text.push_str(&self.others(group));
        for (index, fix) in subject.finding.fixes.iter().enumerate() {
            let safety = if fix.safety == Safety::Safe { "safe" } else { "unsafe" };
            let title = escaped(&plain::said(&fix.title));
            text.push_str(&format!("**Fix** ({safety}): {title}\n\n"));
            text.push_str(&code(&self.report.then_of(subject.index, index)));
        }
        if let Some(help) = subject.help() {
            text.push_str(&format!("**Help**: {}\n\n", escaped(&help)));
        }
        if text.is_empty() {
            return text;
        }
        let title = format!("{}: {}", escaped(&subject.finding.rule), escaped(&subject.message()));
        format!("\n<details><summary>{title}</summary>\n\n{text}</details>\n")
    }

    /// How the number came about.
    fn ledger(&self, steps: &[Step]) -> String {
        let row = |step: &Step| {
            let number = step.value.map_or("?".to_owned(), |value| value.to_string());
            let (what, place) = (plain::said(&step.what), self.paths.spot(step.at));
            format!("| {number} | {} | <code>{}</code> |\n", escaped(&what), escaped(&place))
        };
        let rows: String = steps.iter().take(LISTED).map(row).collect();
        format!("| queue | decided by | where |\n|--:|---|---|\n{rows}\n")
    }

    /// The lines that take part.
    fn lines(&self, subject: &Subject) -> String {
        let line = |label: &Label| {
            let place = subject.elsewhere(label.at);
            let place = place.map_or(String::new(), |place| format!("<code>{}</code>: ", escaped(&place)));
            format!("- {place}{}\n", escaped(&plain::said(&label.message)))
        };
        let lines: String = subject.labels().take(LISTED).map(line).collect();
        if lines.is_empty() { lines } else { lines + "\n" }
    }

    fn others(&self, group: &Group) -> String {
        let line = |index: &usize| {
            let subject = self.subjects.get(*index)?;
            Some(format!("- {}{}\n", escaped(&subject.message()), self.opened_at(subject)))
        };
        // Listeners that one line opens alike are told once, and the first has been told.
        let mut known: HashSet<String> = line(&group.first).into_iter().collect();
        let others = group.rest.iter().filter_map(line);
        let lines: Vec<String> = others.filter(|line| known.insert(line.clone())).collect();
        let mut text: String = lines.iter().take(LISTED).map(String::as_str).collect();
        if lines.len() > LISTED {
            text.push_str(&format!("- and {} more\n", lines.len() - LISTED));
        }
        if text.is_empty() { text } else { format!("The same holds for:\n\n{text}\n") }
    }

    /// Where a listener is opened that its message does not tell from another.
    fn opened_at(&self, subject: &Subject) -> String {
        let listener = subject.finding.listener.and_then(|at| self.report.host.listeners.get(at));
        let twin = listener.filter(|listener| self.twins.has(listener));
        twin.map_or(String::new(), |twin| format!(" (<code>{}</code>)", escaped(&self.paths.spot(twin.site))))
    }
}

fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "❌",
        Severity::Warning => "⚠️",
        Severity::Info => "ℹ️",
    }
}

/// Commands as a block, fenced by more backquotes than they hold.
fn code(commands: &[String]) -> String {
    if commands.is_empty() {
        return String::new();
    }
    let mut lines: Vec<String> = commands.iter().take(LISTED).cloned().collect();
    if commands.len() > LISTED {
        lines.push(format!("# and {} more", commands.len() - LISTED));
    }
    let text = lines.join("\n");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}sh\n{text}\n{fence}\n\n")
}

/// Text in which neither Markdown nor HTML sees markup, in a table as elsewhere: entities are never markup. Names of
/// people and addresses are not made links of.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let next = rest.as_str().chars().next().unwrap_or(' ');
        match c {
            '&' | '<' | '>' | '`' | '*' | '[' | ']' | '\\' | '|' | '~' | '#' | '$' => {
                shown.push_str(&format!("&#{};", u32::from(c)));
            }
            // In a word it is no markup: net.ipv4.tcp_syncookies.
            '_' if !(before.is_alphanumeric() && next.is_alphanumeric()) => shown.push_str("&#95;"),
            ':' if rest.as_str().starts_with("//") => shown.push_str("&#58;"),
            '@' => shown.push_str("@<!-- -->"),
            c => shown.push(c),
        }
        before = c;
    }
    shown
}
