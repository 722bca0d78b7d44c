//! All about one listener: its queue now, what was found and what to do, and how its number comes about.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::paint::Paint;
use crate::live::watch::app::App;
use crate::live::watch::rows::{Row, address};
use crate::live::watch::words;
use crate::model::{Listening, Namespace, Queue, Seen, Severity, key};
use crate::report::{Report, inline, left, right, said};
use crate::text::{Origin, Span as Place};

/// Lines longer than this are hard to read.
const WIDEST: usize = 100;

/// The words at the left.
const LEAD: usize = 11;

/// Sockets of one address that are listed before the rest is counted.
const SOCKETS: usize = 16;

/// Sysctls that decide about queues.
const SYSCTLS: [&str; 4] = [key::SOMAXCONN, key::MAX_SYN_BACKLOG, key::SYNCOOKIES, key::ABORT_ON_OVERFLOW];

pub(super) fn lines(app: &App, width: usize, paint: &Paint) -> Vec<Line<'static>> {
    let (Some(report), Some(row)) = (&app.shown, app.selected_row()) else { return Vec::new() };
    let Some(seen) = &report.seen else { return Vec::new() };
    let mut page =
        Page { report, seen, row, width: width.saturating_sub(1).min(WIDEST), paint, lines: Vec::new() };
    page.title();
    page.queue_now();
    page.findings();
    page.ledger();
    page.sysctls();
    page.sockets();
    page.lines
}

struct Page<'a> {
    report: &'a Report,
    seen: &'a Seen,
    row: &'a Row,
    width: usize,
    paint: &'a Paint,
    lines: Vec<Line<'static>>,
}

impl Page<'_> {
    fn title(&mut self) {
        let mut facts: Vec<String> = Vec::new();
        if self.seen.running.namespaces.len() > 1 {
            facts.push(format!("namespace {}", self.row.namespace));
        }
        facts.push(self.row.owner.clone());
        facts.extend(pid(self.report, self.row).filter(|pid| *pid != self.row.owner));
        if let Some(socket) = self.fullest() {
            facts.push(format!("user {}", socket.uid));
        }
        self.lines.push(Line::from(vec![
            Span::styled(format!(" {} {}", self.row.service, self.row.label()), self.paint.strong()),
            Span::styled(format!("  {}", facts.join(", ")), self.paint.faint()),
        ]));
        self.gap();
    }

    fn queue_now(&mut self) {
        let row = self.row;
        let mut spans = vec![Span::styled(left(" queue", LEAD), self.paint.strong())];
        spans.extend(self.paint.gauge(row, 16));
        let peak = row.peak.max(row.queued);
        let words =
            format!("  {} now, peak {peak}, room for {} (limit {})", row.queued, row.holds(), row.limit);
        spans.push(Span::styled(words, self.paint.state(row)));
        self.lines.push(Line::from(spans));
        let so_far = drops(self.report, row)
            .map_or_else(|| "the kernel does not count".to_owned(), |it| format!("{it} so far"));
        let rate = row.dropped.map_or(String::new(), |rate| format!("{}/s now, ", words::per_second(rate)));
        let style = if row.is_dropping() { self.paint.severity(Severity::Error) } else { Style::new() };
        self.beside("dropped", &format!("{rate}{so_far}"), style);
        if !row.is_unix() {
            let it = row.half_open;
            let text = match it.count {
                0 => "none".to_owned(),
                count => {
                    format!("{count}, {} answered late or never, from {} addresses", it.retried, it.peers)
                }
            };
            self.beside("half-open", &text, Style::new());
        }
        self.gap();
    }

    fn sysctls(&mut self) {
        let namespace = self.fullest().and_then(|socket| self.seen.namespace(socket));
        let Some((_, namespace)) = namespace else { return };
        let mut lead = "sysctls";
        for name in SYSCTLS {
            if let Some(text) = sysctl(namespace, name) {
                self.beside(lead, &text, Style::new());
                lead = "";
            }
        }
        self.gap();
    }

    fn findings(&mut self) {
        let found = findings(self.report, self.row);
        if found.is_empty() {
            self.beside("findings", "none for this listener", self.paint.faint());
            self.gap();
        }
        for index in found {
            self.finding(index);
            self.gap();
        }
    }

    fn finding(&mut self, index: usize) {
        let Some(finding) = self.report.findings.get(index) else { return };
        let sign = self.paint.severity_sign(finding.severity);
        let text = format!("{}: {}", inline(&finding.rule), said(&finding.message));
        let style = self.paint.severity(finding.severity);
        for (nth, line) in wrapped(&text, self.width.saturating_sub(3)).into_iter().enumerate() {
            let lead = if nth == 0 { format!(" {sign} ") } else { "   ".to_owned() };
            self.lines.push(Line::from(Span::styled(format!("{lead}{line}"), style)));
        }
        for (nth, fix) in finding.fixes.iter().enumerate() {
            self.beside("  fix", &said(&fix.title), Style::new());
            let then = self.report.then_of(index, nth);
            for (nth, command) in then.iter().enumerate() {
                self.beside(if nth == 0 { "  then" } else { "" }, command, Style::new());
            }
        }
        for (nth, help) in finding.help.iter().enumerate() {
            self.beside(if nth == 0 { "  help" } else { "" }, &said(help), Style::new());
        }
    }

    /// How the number comes about by the files, and what runs.
    fn ledger(&mut self) {
        let known = self.row.sockets.iter().find_map(|index| *self.seen.listeners.get(*index)?);
        match known.and_then(|index| self.report.queues.get(index)) {
            Some(queue) => self.steps(queue),
            None => self.beside("files", "do not describe this listener", self.paint.faint()),
        }
        let running = format!("{}  runs now (Send-Q)", right(&self.row.limit.to_string(), 6));
        self.beside("", &running, self.paint.strong());
        self.gap();
    }

    fn steps(&mut self, queue: &Queue) {
        let words: Vec<String> = queue.steps.iter().map(|step| said(&step.what)).collect();
        let widest =
            words.iter().map(|words| words.chars().count()).filter(|it| *it <= 40).max().unwrap_or(0);
        for (nth, (step, words)) in queue.steps.iter().zip(&words).enumerate() {
            let figure = step.value.map_or_else(|| "?".to_owned(), |value| value.to_string());
            let text = format!("{}  {}  {}", right(&figure, 6), left(words, widest), self.place(step.at));
            let cut = queue.capped_by.is_some() && nth + 1 == queue.steps.len();
            let style = if cut { self.paint.severity(Severity::Warning) } else { Style::new() };
            self.beside(if nth == 0 { "files" } else { "" }, &text, style);
        }
    }

    /// Each socket that shares the address.
    fn sockets(&mut self) {
        if self.row.sockets.len() < 2 {
            return;
        }
        let sockets = self.row.sockets.iter().filter_map(|index| self.seen.running.sockets.get(*index));
        let all: Vec<String> = sockets.map(socket).collect();
        for (nth, text) in all.iter().take(SOCKETS).enumerate() {
            self.beside(if nth == 0 { "sockets" } else { "" }, text, Style::new());
        }
        if all.len() > SOCKETS {
            self.beside("", &format!("and {} more", all.len() - SOCKETS), self.paint.faint());
        }
    }

    fn fullest(&self) -> Option<&Listening> {
        self.seen.running.sockets.get(*self.row.sockets.first()?)
    }

    fn place(&self, at: Place) -> String {
        let source = self.report.sources.get(at.source);
        let name = inline(&source.name());
        match source.origin {
            Origin::Flag(_) | Origin::Live(_) => name,
            _ => format!("{name}:{}", self.report.sources.position(at).line),
        }
    }

    /// A word at the left, and what it says, wrapped beside it.
    fn beside(&mut self, word: &str, text: &str, style: Style) {
        for (nth, line) in wrapped(text, self.width.saturating_sub(LEAD)).into_iter().enumerate() {
            let lead = if nth == 0 { left(&format!(" {word}"), LEAD) } else { " ".repeat(LEAD) };
            self.lines
                .push(Line::from(vec![Span::styled(lead, self.paint.strong()), Span::styled(line, style)]));
        }
    }

    fn gap(&mut self) {
        self.lines.push(Line::default());
    }
}

fn sysctl(namespace: &Namespace, name: &str) -> Option<String> {
    Some(format!("{}  {name}", right(&namespace.sysctl(name)?.to_string(), 6)))
}

fn socket(socket: &Listening) -> String {
    let owner =
        socket.owner.as_ref().map_or_else(|| "?".to_owned(), |it| format!("{} {}", inline(&it.name), it.pid));
    let dropped = socket.drops.map_or(String::new(), |drops| format!(", {drops} dropped"));
    format!(
        "{} {owner}: {} now, {} at most, limit {}{dropped}",
        address(socket),
        socket.queued,
        socket.peak,
        socket.limit
    )
}

pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width.max(10))
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .word_separator(textwrap::WordSeparator::AsciiSpace);
    textwrap::wrap(text, options).into_iter().map(std::borrow::Cow::into_owned).collect()
}

/// The process, by its number.
pub(super) fn pid(report: &Report, row: &Row) -> Option<String> {
    let seen = report.seen.as_ref()?;
    let owner = seen.running.sockets.get(*row.sockets.first()?)?.owner.as_ref()?;
    Some(format!("pid {}", owner.pid))
}

/// What all its sockets dropped since they were opened.
pub(super) fn drops(report: &Report, row: &Row) -> Option<u64> {
    let sockets = &report.seen.as_ref()?.running.sockets;
    let drops = row.sockets.iter().filter_map(|index| sockets.get(*index)?.drops.map(u64::from));
    drops.reduce(|a, b| a + b)
}

/// The findings about a row, the worst first.
pub(super) fn findings(report: &Report, row: &Row) -> Vec<usize> {
    let Some(seen) = &report.seen else { return Vec::new() };
    let listeners: Vec<usize> = row.sockets.iter().filter_map(|index| *seen.listeners.get(*index)?).collect();
    let lines: Vec<&Place> = row.sockets.iter().filter_map(|index| seen.lines.get(*index)).collect();
    let sockets = row.sockets.iter().filter_map(|index| seen.running.sockets.get(*index));
    let address = sockets.map(address).next().unwrap_or_default();
    let about = |finding: &crate::model::Finding| {
        let points = |place: &Place| lines.contains(&place);
        match finding.listener {
            Some(listener) => listeners.contains(&listener),
            None => {
                points(&finding.at)
                    || finding.labels.iter().any(|label| points(&label.at))
                    || names(&inline(&finding.message), &address)
            }
        }
    };
    let all = report.findings.iter().enumerate().filter(|(_, finding)| about(finding));
    let mut found: Vec<(usize, Severity)> = all.map(|(index, finding)| (index, finding.severity)).collect();
    found.sort_by_key(|(_, severity)| std::cmp::Reverse(*severity));
    found.into_iter().map(|(index, _)| index).collect()
}

/// Whether a message names an address, and not one that begins or ends with it.
fn names(message: &str, address: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || ".:/[]".contains(c);
    message.match_indices(address).any(|(at, found)| {
        let before = message.get(..at).and_then(|text| text.chars().next_back());
        let mut after = message.get(at + found.len()..).unwrap_or_default().chars();
        let ends = !after
            .next()
            .is_some_and(|c| is_part(c) && !(".:".contains(c) && after.next().is_none_or(|c| c == ' ')));
        ends && !before.is_some_and(is_part)
    })
}

/// What to do about a finding: a word at the left, and what it says.
pub(super) fn next(report: &Report, index: usize) -> Vec<(&'static str, String)> {
    let Some(finding) = report.findings.get(index) else { return Vec::new() };
    let Some(fix) = finding.fixes.first() else {
        return finding.all_help("; ").iter().map(|help| ("help", said(help))).collect();
    };
    // On one line, nothing runs behind a comment.
    let (told, mut then): (Vec<String>, Vec<String>) =
        report.then_of(index, 0).into_iter().partition(|line| line.starts_with('#'));
    then.extend(told);
    let mut lines = vec![("next", said(&fix.title))];
    if !then.is_empty() {
        lines.push(("then", then.join("; ")));
    }
    lines
}

/// The text in at most so many lines, what is left of it cut off.
pub(super) fn clipped(text: &str, width: usize, most: usize, paint: &Paint) -> Vec<String> {
    let mut lines = wrapped(text, width);
    if lines.len() > most {
        let rest = lines.split_off(most.saturating_sub(1)).join(" ");
        lines.push(paint.head(&rest, width).trim_end().to_owned());
    }
    lines
}
