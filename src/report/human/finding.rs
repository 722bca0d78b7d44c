//! One finding, or several that are one story: the snippet, the ledger, the others that share it, the fix.

use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode, ThemeCharacters, ThemeStyles,
};
use owo_colors::Style;

use super::excerpt::{Excerpt, Mark, name};
use super::groups::Group;
use super::{Page, plain};
use crate::model::{Finding, Fix, Listener, Queue, Safety, Severity};
use crate::report::Screen;
use crate::report::screen::{accent, counted};
use crate::text::{HashSet, Origin, SourceId, Sources};

/// Listeners, commands and files that are listed before the rest is counted.
const LISTED: usize = 12;
const COMMANDS: usize = 8;
const FILES: usize = 3;

/// Ports that are looked at one by one; more than that are looked at together.
const LOOKED_AT: usize = 2;

impl Page<'_> {
    /// A group with all that there is to say.
    pub(super) fn in_full(&self, group: &Group, finding: &Finding) -> String {
        let mut text = self.snippet(group, finding);
        if let Some((_, queue)) = finding.listener.and_then(|at| self.report.listener(at)) {
            text.push_str(&self.ledger(queue));
        }
        let others = self.others(group);
        if !others.is_empty() {
            text.push_str(&self.beside("also", &others));
        }
        for (index, fix) in finding.fixes.iter().enumerate() {
            text.push_str(&self.fix(group, index, fix));
        }
        // A fix has said so already.
        let repeated = |help: &&String| finding.fixes.iter().any(|fix| fix.title == **help);
        if let Some(help) = finding.help.as_ref().filter(|help| !repeated(help)) {
            text.push_str(&self.beside("help", &plain::said(help)));
        }
        text
    }

    /// A group as its message and its place.
    pub(super) fn in_short(&self, group: &Group, finding: &Finding) -> String {
        let icons = theme(group.severity, self.screen).characters;
        let icon = match group.severity {
            Severity::Error => icons.error,
            Severity::Warning => icons.warning,
            Severity::Info => icons.advice,
        };
        let sign = self.screen.paint(accent(group.severity), &icon);
        let text = format!(
            "{}{} {}",
            self.headline(group, finding),
            self.screen.sign(" —", ","),
            self.location(finding.at)
        );
        self.screen.hang(&format!("  {sign} "), &text)
    }

    fn headline(&self, group: &Group, finding: &Finding) -> String {
        let more = match group.rest.len() {
            0 => String::new(),
            count => self.screen.faint(&format!(" (and {count} more)")),
        };
        let rule = self.screen.paint(accent(finding.severity), &format!("{}:", finding.rule));
        format!("{rule} {}{more}", plain::said(&finding.message))
    }

    /// The message and the lines that take part: those of audited files drawn by miette, those of our own tables told, unless the
    /// ledger tells them anyway.
    fn snippet(&self, group: &Group, finding: &Finding) -> String {
        let (ours, drawn_ones): (Vec<Mark>, Vec<Mark>) =
            marks(finding).into_iter().partition(|mark| self.is_ours(mark) && !self.screen.is_verbose());
        let headline = self.headline(group, finding);
        let mut text = drawn(&self.report.sources, &drawn_ones, &headline, finding.severity, self.screen);
        for mark in drawn_ones.iter().filter(|mark| mark.is_whole_file(&self.report.sources)) {
            let file = name(self.report.sources.get(mark.at.source));
            if !mark.message.is_empty() || !headline.contains(&file) {
                text.push_str(&self.beside("file", &said_of(&file, &mark.message)));
            }
        }
        let queue = finding.listener.and_then(|at| self.report.queues.get(at));
        let in_ledger =
            |mark: &Mark| queue.is_some_and(|queue| queue.steps.iter().any(|step| step.at == mark.at));
        for mark in ours.iter().filter(|mark| !in_ledger(mark)) {
            text.push_str(&self.beside("note", &said_of(&self.location(mark.at), &mark.message)));
        }
        text
    }

    /// Whether a mark lies in one of our own tables.
    fn is_ours(&self, mark: &Mark) -> bool {
        matches!(self.report.sources.get(mark.at.source).origin, Origin::Builtin(_))
    }

    /// The other listeners of a group, by service.
    fn others(&self, group: &Group) -> String {
        let told = |index: &usize| {
            let (listener, queue) = self.report.listener(self.report.findings.get(*index)?.listener?)?;
            Some((listener.service.as_str(), self.asking(listener, queue)))
        };
        // Listeners that one line opens alike are told once, and the first has been told.
        let mut known: HashSet<(&str, String)> = told(&group.first).into_iter().collect();
        let others = group.rest.iter().filter_map(told);
        let all: Vec<(&str, String)> = others.filter(|told| known.insert(told.clone())).collect();
        let most = if self.screen.is_verbose() { all.len() } else { LISTED };
        let mut before = "";
        let mut words: Vec<String> = Vec::new();
        for (service, told) in all.iter().take(most) {
            words.push(if *service == before { told.clone() } else { format!("{service} {told}") });
            before = service;
        }
        if all.len() > most {
            words.push(format!("and {} more", all.len() - most));
        }
        words.join(", ")
    }

    /// A listener and what it asks for: `0.0.0.0:80 (511)`.
    fn asking(&self, listener: &Listener, queue: &Queue) -> String {
        let asked = queue.asked();
        let address = super::table::address(self.report, listener);
        match self.twins.has(listener) {
            true => format!("{address} at {} ({asked})", self.location(listener.site)),
            false => format!("{address} ({asked})"),
        }
    }

    fn fix(&self, group: &Group, index: usize, fix: &Fix) -> String {
        let safety = match fix.safety {
            Safety::Safe => "safe",
            Safety::Unsafe => "unsafe",
        };
        let title = format!("{} {}", plain::said(&fix.title), self.screen.faint(&format!("({safety})")));
        let mut text = self.beside("fix", &title);
        let files = self.files(group, index);
        if !files.is_empty() {
            text.push_str(&self.beside("in", &files));
        }
        let commands = self.commands(group, index);
        let most = if self.screen.is_verbose() { commands.len() } else { COMMANDS };
        for (at, command) in commands.iter().take(most).enumerate() {
            let lead = if at == 0 { "then" } else { "" };
            text.push_str(&self.lead(lead));
            text.push_str(command);
            text.push('\n');
        }
        if commands.len() > most {
            text.push_str(
                &self.beside("", &self.screen.faint(&format!("and {} more", commands.len() - most))),
            );
        }
        text
    }

    /// The files that the fixes of a group change.
    fn files(&self, group: &Group, index: usize) -> String {
        let mut all: Vec<String> = Vec::new();
        let mut known: HashSet<SourceId> = HashSet::default();
        for planned in group.members().flat_map(|member| self.report.plan.edits_of(member, index)) {
            let source = self.report.sources.get(planned.edit.span.source);
            if known.insert(planned.edit.span.source) {
                all.push(format!("{}{}", name(source), if source.is_absent() { " (new)" } else { "" }));
            }
        }
        let most = if self.screen.is_verbose() { all.len() } else { FILES };
        if all.len() > most {
            let rest = counted(all.len() - most, "more file");
            all.truncate(most);
            all.push(format!("and {rest}"));
        }
        all.join(", ")
    }

    /// What to run after the fixes of a group: what applies them, before what shows that it worked.
    fn commands(&self, group: &Group, index: usize) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        let mut known: HashSet<String> = HashSet::default();
        for member in group.members() {
            for command in self.report.then_of(member, index) {
                if known.insert(command.clone()) {
                    all.push(command);
                }
            }
        }
        let (mut look, mut all): (Vec<String>, Vec<String>) =
            all.into_iter().partition(|command| command.starts_with("ss -lnt "));
        if look.len() > LOOKED_AT && !self.screen.is_verbose() {
            look = vec!["ss -lnt".to_owned()];
        }
        all.sort_by_key(|command| command.starts_with("ss "));
        all.extend(look);
        all
    }
}

/// The places of a finding, in the order in which they explain it; its own comes first if nothing is said about it.
fn marks(finding: &Finding) -> Vec<Mark> {
    let said = finding.labels.iter().map(|label| Mark { at: label.at, message: label.message.clone() });
    let mut marks: Vec<Mark> = said.collect();
    if marks.iter().all(|mark| mark.at != finding.at) {
        marks.insert(0, Mark { at: finding.at, message: String::new() });
    }
    marks
}

fn said_of(place: &str, message: &str) -> String {
    if message.is_empty() { place.to_owned() } else { format!("{place}: {}", plain::said(message)) }
}

/// A headline and the lines that take part, as miette draws them.
pub(super) fn drawn(
    sources: &Sources,
    marks: &[Mark],
    headline: &str,
    severity: Severity,
    screen: &Screen,
) -> String {
    let excerpt = Excerpt::new(sources, marks, screen.width);
    let labels = excerpt.labels(screen.width);
    let shown = Shown { message: headline.to_owned(), severity, labels, excerpt };
    // miette keeps two columns free at the right.
    let handler = GraphicalReportHandler::new_themed(theme(severity, screen))
        .with_width(screen.width + 2)
        .with_break_words(false)
        .with_word_splitter(textwrap::WordSplitter::NoHyphenation)
        .with_word_separator(textwrap::WordSeparator::AsciiSpace);
    let mut text = String::new();
    // Rendering to memory does not fail.
    let _ = handler.render_report(&mut text, &shown);
    text
}

/// miette's theme, with one accent.
fn theme(severity: Severity, screen: &Screen) -> GraphicalTheme {
    let mut characters = if screen.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() };
    characters.advice = screen.sign("•", "-").to_owned();
    let mut styles = ThemeStyles::none();
    if screen.colour {
        let accent = accent(severity);
        (styles.error, styles.warning, styles.advice) = (accent, accent, accent);
        (styles.linum, styles.link) = (Style::new().dimmed(), Style::new().bold());
        styles.highlights = vec![accent.remove_all_effects()];
    }
    GraphicalTheme { characters, styles }
}

/// A finding as miette takes it.
#[derive(Debug)]
struct Shown {
    message: String,
    severity: Severity,
    excerpt: Excerpt,
    labels: Vec<LabeledSpan>,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Shown {}

impl Diagnostic for Shown {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Info => miette::Severity::Advice,
        })
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.excerpt.is_empty()).then_some(&self.excerpt)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}
