//! One finding, or several that are one story: the snippet, the ledger, the others that share it, the fix.

use std::fmt;
use std::ops::Range;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode, ThemeCharacters, ThemeStyles,
};
use owo_colors::Style;

use super::excerpt::{Excerpt, Mark, Name};
use super::groups::Group;
use super::{Page, plain};
use crate::HOME;
use crate::model::{Endpoint, Finding, Fix, Listener, Queue, Safety, Severity, Transport};
use crate::plan::Planned;
use crate::report::screen::{accent, counted, wrapping};
use crate::report::{Screen, once_each, page_of, secrets};
use crate::text::{Edit, HashMap, HashSet, Origin, Source, SourceId, Sources};

/// Listeners, commands and files that are listed before the rest is counted.
const LISTED: usize = 12;
const COMMANDS: usize = 8;
const FILES: usize = 3;

/// A longer line is not repeated for the number in it, in bytes.
const LINE: usize = 56;

/// Columns before the words of a headline.
const SIGN: usize = 4;

/// Ports that are looked at one by one; more than that are looked at together.
const LOOKED_AT: usize = 2;

impl Page<'_> {
    /// A group with all that there is to say.
    pub(super) fn in_full(&self, group: &Group, finding: &Finding) -> String {
        let mut text = self.snippet(group, finding);
        if let Some((listener, queue)) = finding.listener.and_then(|at| self.report.listener(at)) {
            text.push_str(&self.ledger(queue));
            // How many are served at once says how fast a queue drains.
            text.push_str(&self.notes(listener.notes.iter().filter(|note| note.value.is_some())));
        }
        let others = self.others(group);
        if !others.is_empty() {
            text.push_str(&self.beside("also", &others));
        }
        text.push_str(&self.symptom(finding));
        for (index, fix) in finding.fixes.iter().enumerate() {
            text.push_str(&self.fix(group, index, fix));
        }
        // A fix has said so already.
        let repeated = |help: &&String| finding.fixes.iter().any(|fix| fix.title == **help);
        for (nth, help) in finding.help.iter().filter(|help| !repeated(help)).enumerate() {
            text.push_str(&self.beside(if nth == 0 { "help" } else { "" }, &plain::said(help)));
        }
        text
    }

    /// How people meet it, where something is wrong.
    fn symptom(&self, finding: &Finding) -> String {
        let rule = self.report.rules.get(&finding.rule).filter(|_| finding.severity > Severity::Info);
        let about = finding.listener.and_then(|at| self.report.listener(at));
        let (endpoint, holds) =
            (about.map(|(it, _)| &it.endpoint), about.and_then(|(_, queue)| queue.holds()));
        let nowhere = Endpoint::Unknown(Transport::Tcp);
        let symptom = rule
            .map_or(String::new(), |rule| rule.words.symptom_of(Some(endpoint.unwrap_or(&nowhere)), holds));
        let full = about.and_then(|(it, queue)| it.full.as_ref().filter(|_| !queue.is_refused(it)));
        let full = full.map_or(String::new(), |full| format!(" {full}"));
        if symptom.is_empty() { symptom } else { self.beside("seen as", &plain::said(&(symptom + &full))) }
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
            count if finding.listener.is_some() => {
                self.screen.faint(&format!(" (same for {})", counted(count, "other listener")))
            }
            count => self.screen.faint(&format!(" (and {count} more)")),
        };
        let rule = self.screen.linked(&finding.rule, page_of(&finding.rule, HOME).as_deref());
        let rule = self.screen.paint(accent(finding.severity), &format!("{rule}:"));
        format!("{rule} {}{more}", plain::said(&finding.message))
    }

    /// The message and the lines that take part: those of audited files drawn by miette, those of our own tables told, unless the
    /// ledger tells them anyway.
    fn snippet(&self, group: &Group, finding: &Finding) -> String {
        let (ours, drawn_ones): (Vec<Mark>, Vec<Mark>) =
            marks(finding).into_iter().partition(|mark| self.is_ours(mark) && !self.screen.is_verbose());
        let headline = self.headline(group, finding);
        let phrased = self.screen.phrased("  │ ", &headline);
        let mut text = drawn(
            &self.report.sources,
            &|source| self.paths.name(source),
            &drawn_ones,
            &phrased,
            finding.severity,
            self.screen,
        );
        for mark in drawn_ones.iter().filter(|mark| mark.is_whole_file(&self.report.sources)) {
            let file = self.paths.name(self.report.sources.get(mark.at.source));
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
        let most = if self.screen.is_verbose() { group.rest.len() } else { LISTED };
        let mut before = "";
        let files = group.rest.iter().filter_map(|index| self.report.findings.get(*index));
        let files =
            files.filter(|finding| finding.listener.is_none()).map(|finding| self.location(finding.at));
        let mut words: Vec<String> = files.take(most).collect();
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
        let address = self.address_of(listener);
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
        text.push_str(&self.edits(group, index));
        let commands = self.commands(group, index);
        let most = if self.screen.is_verbose() { commands.len() } else { COMMANDS };
        for (at, command) in commands.iter().take(most).enumerate() {
            let lead = if at == 0 { "then" } else { "" };
            match command.strip_prefix("# ") {
                // Each of its lines is a comment: somebody may paste them.
                Some(comment) => {
                    let (first, next) = (format!("{}# ", self.lead(lead)), format!("{}# ", self.lead("")));
                    let options = wrapping(self.screen.width).initial_indent(&first).subsequent_indent(&next);
                    text.push_str(&textwrap::fill(comment, options));
                }
                // A command is one line, however long.
                None => text.push_str(&format!("{}{command}", self.lead(lead))),
            }
            text.push('\n');
        }
        if commands.len() > most {
            text.push_str(
                &self.beside("", &self.screen.faint(&format!("and {} more", commands.len() - most))),
            );
        }
        text
    }

    /// What the fixes of a group write, and where: a line for each file.
    fn edits(&self, group: &Group, index: usize) -> String {
        // With how many more are in the file.
        let mut all: Vec<(&Planned, usize)> = Vec::new();
        let mut known: HashMap<SourceId, usize> = HashMap::default();
        let mut met: HashSet<&str> = HashSet::default();
        let edits = group.members().flat_map(|member| self.report.plan.edits_of(member, index));
        for planned in edits.filter(|planned| met.insert(&planned.id)) {
            match known.get(&planned.edit.span.source).and_then(|at| all.get_mut(*at)) {
                Some((_, more)) => *more += 1,
                None => {
                    known.insert(planned.edit.span.source, all.len());
                    all.push((planned, 0));
                }
            }
        }
        let most = if self.screen.is_verbose() { all.len() } else { FILES };
        let mut text = String::new();
        for (at, (planned, more)) in all.iter().take(most).enumerate() {
            text.push_str(&self.edit(planned, *more, if at == 0 { "write" } else { "" }));
        }
        if all.len() > most {
            let rest = counted(all.len() - most, "more file");
            text.push_str(&self.beside("", &self.screen.faint(&format!("and in {rest}"))));
        }
        text
    }

    fn edit(&self, planned: &Planned, more: usize, lead: &str) -> String {
        let source = self.report.sources.get(planned.edit.span.source);
        let place = match source.is_absent() {
            true => format!("{} (new)", self.paths.name(source)),
            false => self.location(planned.edit.span),
        };
        let written = plain::said(&written(source, &planned.edit));
        let more = if more == 0 { String::new() } else { format!(" and {}", counted(more, "more line")) };
        self.beside(lead, &format!("{written}  {}", self.screen.faint(&(place + &more))))
    }

    /// What to run after the fixes of a group: what applies them, before what shows that it worked.
    fn commands(&self, group: &Group, index: usize) -> Vec<String> {
        let commands = group.members().flat_map(|member| self.report.then_of(member, index));
        let (mut look, mut all) = once_each(commands);
        if look.len() > LOOKED_AT && !self.screen.is_verbose() {
            look = vec!["ss -lnt".to_owned()];
        }
        all.extend(look);
        all
    }
}

/// The line as it will be, or the new words alone where it is long.
fn written(source: &Source, edit: &Edit) -> String {
    let new_line = edit.text.trim_end().rsplit('\n').next().unwrap_or_default().trim().to_owned();
    let Range { start, end } = edit.span.range();
    let (before, after) = (source.bytes().get(..start), source.bytes().get(end..));
    let (Some(before), Some(after)) = (before, after) else { return new_line };
    if edit.text.contains('\n') {
        return new_line;
    }
    let before = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let after = after.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = source.line_of(edit.span.start);
    if before.len() + after.len() > LINE || !secrets::secrets_on(source, line).is_empty() {
        return new_line;
    }
    let line = [before, edit.text.as_bytes(), after].concat();
    String::from_utf8_lossy(&line).trim().to_owned()
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
    name: Name<'_>,
    marks: &[Mark],
    headline: &str,
    severity: Severity,
    screen: &Screen,
) -> String {
    let excerpt = Excerpt::new(sources, name, marks, screen.width);
    let labels = excerpt.labels(screen.width);
    // Behind the sign, or the bar of a line that goes on.
    let message = textwrap::fill(headline, wrapping(screen.width - SIGN).break_words(false));
    let shown = Shown { message, severity, labels, excerpt };
    let handler = GraphicalReportHandler::new_themed(theme(severity, screen)).with_wrap_lines(false);
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
