//! Styles, signs, gauges and sparklines: colour only where it says something, and nothing that only colour says.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;

use crate::live::watch::past::Column;
use crate::live::watch::rows::Row;
use crate::model::Severity;
use crate::report::{left, tail};

/// From this part on a queue is worth a look.
const FILLING: f64 = 0.7;

/// What the screen can show.
pub(super) struct Paint {
    pub(super) colour: bool,
    pub(super) unicode: bool,
}

impl Paint {
    fn coloured(&self, style: Style, colour: Color) -> Style {
        if self.colour { style.fg(colour) } else { style }
    }

    pub(super) fn strong(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn faint(&self) -> Style {
        if self.colour { Style::new().add_modifier(Modifier::DIM) } else { Style::new() }
    }

    pub(super) fn severity(&self, severity: Severity) -> Style {
        match severity {
            Severity::Error => self.coloured(self.strong(), Color::Red),
            Severity::Warning => self.coloured(Style::new(), Color::Yellow),
            Severity::Info => self.coloured(Style::new(), Color::Cyan),
        }
    }

    /// How a row's numbers stand out.
    pub(super) fn state(&self, row: &Row) -> Style {
        match row.fullness() {
            _ if row.is_full() || row.is_dropping() => self.severity(Severity::Error),
            fullness if fullness >= FILLING => self.severity(Severity::Warning),
            _ => Style::new(),
        }
    }

    pub(super) fn sign(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    pub(super) fn severity_sign(&self, severity: Severity) -> &'static str {
        match severity {
            Severity::Error => self.sign("✗", "x"),
            Severity::Warning => self.sign("▲", "!"),
            Severity::Info => self.sign("•", "-"),
        }
    }

    pub(super) fn ellipsis(&self) -> &'static str {
        self.sign("…", "~")
    }

    /// The text in so many columns, its end cut off if it is longer.
    pub(super) fn head(&self, text: &str, width: usize) -> String {
        left(&clip(text, width, self.ellipsis()), width)
    }

    /// The text in so many columns, its start cut off if it is longer: the end of an address says most.
    pub(super) fn tail(&self, text: &str, width: usize) -> String {
        left(&tail(text, width, self.ellipsis()), width)
    }

    /// How full a queue is, in `width` columns: what waits now, what waited at the fullest moment, what is free.
    pub(super) fn gauge(&self, row: &Row, width: usize) -> Vec<Span<'static>> {
        let eighths = |part: u32| eighths(part, row.holds(), width);
        let (now, peak) = (eighths(row.queued), eighths(row.peak.max(row.queued)));
        let [whole, part] = [now / 8, now % 8];
        let solid = if self.unicode {
            let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"].get(part).copied().unwrap_or_default();
            format!("{}{partial}", "█".repeat(whole))
        } else {
            "#".repeat(now.div_ceil(8))
        };
        let used = solid.chars().count();
        let reached = peak.div_ceil(8).saturating_sub(used);
        let free = width.saturating_sub(used + reached);
        let style = self.state(row);
        vec![
            Span::styled(solid, style),
            Span::styled(self.sign("░", "=").repeat(reached), style),
            Span::styled(self.sign("·", ".").repeat(free), self.faint()),
        ]
    }

    pub(super) fn sparkline(&self, columns: &[Option<Column>]) -> Vec<Span<'static>> {
        columns.iter().map(|column| self.spark(*column)).collect()
    }

    fn spark(&self, column: Option<Column>) -> Span<'static> {
        let Some(Column { fullness, dropped }) = column else { return Span::raw(" ") };
        let levels = if self.unicode { "▁▂▃▄▅▆▇█" } else { ":-=+*oO#" };
        let style = match fullness {
            _ if dropped || fullness >= 1.0 => self.severity(Severity::Error),
            _ if fullness >= FILLING => self.severity(Severity::Warning),
            _ => Style::new(),
        };
        let level = level(fullness);
        match levels.chars().nth(level.wrapping_sub(1)) {
            Some(sign) => Span::styled(sign.to_string(), style),
            None if dropped => Span::styled("!", style),
            None => Span::styled(".", self.faint()),
        }
    }
}

/// From 0 for nothing to 8 for full: whatever waits shows, and only what is full looks full.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 8")]
fn level(fullness: f64) -> usize {
    match fullness {
        _ if fullness <= 0.0 => 0,
        _ if fullness >= 1.0 => 8,
        _ => ((fullness * 8.0).floor() as usize).clamp(1, 7),
    }
}

/// A part of a whole in eighths of a column: whatever waits shows, and only what is full looks full.
fn eighths(part: u32, whole: u32, width: usize) -> usize {
    let (all, whole) = (width * 8, u64::from(whole.max(1)));
    if part == 0 || u64::from(part) >= whole {
        return if part == 0 { 0 } else { all };
    }
    let columns = u64::try_from(all).unwrap_or(0) * u64::from(part) / whole;
    usize::try_from(columns).unwrap_or(all).clamp(1, all.saturating_sub(1))
}

/// The text, its end replaced by a sign if it is wider.
fn clip(text: &str, width: usize, sign: &str) -> String {
    use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
    if text.width() <= width {
        return text.to_owned();
    }
    let mut room = width.saturating_sub(sign.width());
    let fits = |c: &char| {
        let wide = c.width().unwrap_or(0);
        let fits = wide <= room;
        room = room.saturating_sub(wide);
        fits
    };
    text.chars().take_while(fits).chain(sign.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_full_looks_full_and_whatever_waits_shows() {
        assert_eq!([0, 1, 64, 128, 129, 500].map(|queued| eighths(queued, 129, 8)), [0, 1, 31, 63, 64, 64]);
        assert_eq!([0.0, 0.001, 0.5, 0.999, 1.0].map(level), [0, 1, 4, 7, 8]);
    }

    #[test]
    fn what_is_too_long_is_cut_to_the_width() {
        assert_eq!(clip("nginx.service", 6, "…"), "nginx…");
        assert_eq!(clip("nginx", 5, "…"), "nginx");
        assert_eq!(clip("日本語", 4, "…"), "日…");
    }
}
