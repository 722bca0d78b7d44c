//! Above the table: which machine, what moves now, what was found.

use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::paint::Paint;
use crate::live::watch::app::App;
use crate::live::watch::words;
use crate::model::{Running, Severity};
use crate::report::{counted, inline};

pub(super) fn lines(app: &App, width: usize, paint: &Paint) -> Vec<Line<'static>> {
    let running = app.shown.as_ref().and_then(|report| report.seen.as_ref()).map(|seen| &seen.running);
    let Some(running) = running else {
        let machine = Span::styled(format!(" {}", app.machine), paint.strong());
        return vec![
            Line::from(machine),
            Line::from(" Reading the machine and its files..."),
            Line::default(),
        ];
    };
    let mut lines =
        vec![machine(app, running, width, paint), moving(running, width, paint), findings(app, width, paint)];
    let unseen = running.unseen.iter().map(|it| format!("not seen: {}", inline(it)));
    let said: Vec<String> = app.note.iter().map(|note| inline(note)).chain(unseen).collect();
    if !said.is_empty() {
        let said = paint.head(&said.join("; "), width.saturating_sub(2));
        lines.push(Line::from(Span::styled(format!(" {said}"), paint.faint())));
    }
    lines
}

fn machine(app: &App, running: &Running, width: usize, paint: &Paint) -> Line<'static> {
    let clock = words::clock(running.at);
    let left = vec![
        Span::styled(format!(" {}", app.machine), paint.strong()),
        Span::styled(format!("  Linux {}", inline(&running.release)), paint.faint()),
    ];
    let right = if app.is_paused() {
        vec![
            Span::styled(
                "PAUSED",
                paint.severity(Severity::Warning).add_modifier(ratatui::style::Modifier::BOLD),
            ),
            Span::raw(format!(" at {clock} UTC ")),
        ]
    } else {
        vec![Span::styled(format!("{clock} UTC, every {} ", words::time(app.every)), paint.faint())]
    };
    apart(left, right, width)
}

/// Counters that move, in words; the worst first, as many as there is room for.
fn moving(running: &Running, width: usize, paint: &Paint) -> Line<'static> {
    if running.window <= 0.0 {
        return Line::from(Span::styled(" measuring...", paint.faint()));
    }
    let all = words::moving(running);
    let mut spans = vec![Span::raw(" ")];
    if all.iter().all(|moving| moving.severity.is_none()) {
        spans.push(Span::raw("no overflows, no drops"));
    }
    for moving in all {
        let gap = if spans.len() > 1 { "  " } else { "" };
        let used: usize = spans.iter().map(|span| span.content.width()).sum();
        if used + gap.len() + moving.words.width() > width && spans.len() > 1 {
            break;
        }
        let style = moving.severity.map_or(paint.faint(), |severity| paint.severity(severity));
        spans.extend([Span::raw(gap), Span::styled(moving.words, style)]);
    }
    Line::from(spans)
}

/// What was found, and how many listeners are shown.
fn findings(app: &App, width: usize, paint: &Paint) -> Line<'static> {
    let count = |severity| app.shown.as_ref().map_or(0, |report| report.count(severity));
    let mut left = vec![Span::raw(" ")];
    for severity in [Severity::Error, Severity::Warning, Severity::Info] {
        let found = count(severity);
        if found > 0 {
            let sign = paint.severity_sign(severity);
            left.push(Span::styled(
                format!("{sign} {}", counted(found, severity.word())),
                paint.severity(severity),
            ));
            left.push(Span::raw("  "));
        }
    }
    if left.len() == 1 {
        left.push(Span::raw("no findings"));
    }
    apart(left, vec![Span::styled(shown(app), paint.faint())], width)
}

fn shown(app: &App) -> String {
    let all = app.order.len() + app.hidden;
    let mut text = match app.filter.is_empty() {
        true => counted(all, "listener"),
        false => format!("{all} of {} with \"{}\"", counted(app.rows.len(), "listener"), inline(&app.filter)),
    };
    if app.hidden > 0 {
        text.push_str(&format!(", {} idle unix hidden", app.hidden));
    }
    text + " "
}

/// Something at the left and something at the right; where there is no room, the left one goes on.
fn apart(mut left: Vec<Span<'static>>, right: Vec<Span<'static>>, width: usize) -> Line<'static> {
    let wide = |spans: &[Span]| spans.iter().map(|span| span.content.width()).sum::<usize>();
    let between = width.saturating_sub(wide(&left) + wide(&right));
    if between > 0 {
        left.push(Span::raw(" ".repeat(between)));
        left.extend(right);
    }
    Line::from(left)
}
