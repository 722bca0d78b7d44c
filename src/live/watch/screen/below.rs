//! Below the table: what is known of the selected row, the one thing to do next, and the keys.

use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::detail;
use super::paint::Paint;
use crate::live::watch::app::{App, Mode};
use crate::live::watch::rows::Row;
use crate::report::{Report, counted, inline, said};

/// A rule and the row.
const HEAD: usize = 2;

/// Lines that a message may take.
const MESSAGE: usize = 2;

/// The lines of screen that are for this, of so many in all: none on a low screen.
pub(super) fn height(screen: u16) -> u16 {
    match screen {
        ..16 => 0,
        16..32 => 6,
        32.. => 8,
    }
}

pub(super) fn lines(app: &App, (width, height): (usize, usize), paint: &Paint) -> Vec<Line<'static>> {
    let rule = Span::styled(paint.sign("─", "-").repeat(width), paint.faint());
    let mut lines = vec![Line::from(rule)];
    if let (Some(report), Some(row)) = (&app.shown, app.selected_row()) {
        lines.push(about(report, row, width, paint));
        lines.extend(wrong(report, row, (width, height.saturating_sub(HEAD)), paint));
    }
    lines
}

/// Who it is, and what no column shows.
fn about(report: &Report, row: &Row, width: usize, paint: &Paint) -> Line<'static> {
    let mut facts = vec![row.owner.clone()];
    if let Some(pid) = detail::pid(report, row).filter(|pid| *pid != row.owner) {
        facts.push(pid);
    }
    if row.sockets.len() > 1 {
        facts.push(format!("the fullest of {}", counted(row.sockets.len(), "socket")));
    }
    if row.half_open.count > 0 {
        facts.push(format!("{} half-open", row.half_open.count));
    }
    if let Some(drops) = detail::drops(report, row).filter(|drops| *drops > 0) {
        facts.push(format!("{drops} dropped so far"));
    }
    let name = format!(" {} {}", row.service, row.label());
    let facts = paint.head(&facts.join(", "), width.saturating_sub(name.width() + 3));
    Line::from(vec![Span::styled(name, paint.strong()), Span::styled(format!("  {facts}"), paint.faint())])
}

/// The worst that was found about it, and what to do next.
fn wrong(report: &Report, row: &Row, (width, height): (usize, usize), paint: &Paint) -> Vec<Line<'static>> {
    let found = detail::findings(report, row);
    let worst = found.first().and_then(|index| Some((*index, report.findings.get(*index)?)));
    let Some((index, finding)) = worst else {
        return vec![Line::from(Span::styled(" no findings for this listener", paint.faint()))];
    };
    let style = paint.severity(finding.severity);
    let sign = paint.severity_sign(finding.severity);
    let text = format!("{}: {}", inline(&finding.rule), said(&finding.message));
    let mut lines: Vec<Line> = Vec::new();
    for (nth, line) in detail::clipped(&text, width.saturating_sub(5), MESSAGE, paint).into_iter().enumerate()
    {
        let lead = if nth == 0 { format!(" {sign} ") } else { "   ".to_owned() };
        lines.push(Line::from(Span::styled(format!("{lead}{line}"), style)));
    }
    let next = detail::next(report, index);
    // A single answer has the room to itself.
    let lines_each = if next.len() == 1 { height.saturating_sub(lines.len()) } else { 1 };
    for (word, text) in next {
        let said = detail::clipped(&text, width.saturating_sub(10), lines_each, paint);
        for (nth, line) in said.into_iter().enumerate() {
            let lead = if nth == 0 { format!("   {word} ") } else { " ".repeat(8) };
            lines.push(Line::from(vec![Span::styled(lead, paint.strong()), Span::raw(line)]));
        }
    }
    lines
}

/// What keys do now; the least needed give way first.
pub(super) fn keys(app: &App, width: usize, paint: &Paint) -> Line<'static> {
    if let Mode::Filter(_) = &app.mode {
        let typed = format!(" filter: {}{}", inline(&app.filter), paint.sign("▏", "_"));
        return Line::from(vec![
            Span::styled(typed, paint.strong()),
            Span::styled("  Enter applies, Esc cancels", paint.faint()),
        ]);
    }
    let scroll = paint.sign("↑↓", "j/k");
    let pause = if app.is_paused() { "resume" } else { "pause" };
    let all: Vec<(&str, &str)> = match app.mode {
        Mode::Detail | Mode::Help => vec![("Esc", "back"), (scroll, "scroll"), ("p", pause), ("?", "help")],
        _ => vec![
            ("q", "quit"),
            ("Enter", "detail"),
            ("?", "help"),
            (scroll, "select"),
            ("s", "sort"),
            ("/", "filter"),
            ("p", pause),
            ("u", "unix"),
            ("r", "reverse"),
        ],
    };
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    for (key, what) in all {
        used += key.width() + what.width() + 3;
        if used > width {
            break;
        }
        spans.push(Span::styled(key.to_owned(), paint.strong()));
        spans.push(Span::styled(format!(" {what}  "), paint.faint()));
    }
    Line::from(spans)
}
