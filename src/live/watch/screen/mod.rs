//! The picture: what the state knows, drawn into a buffer of cells.

mod below;
mod detail;
mod header;
mod help;
mod paint;
mod table;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use super::app::{App, Mode};
use crate::report::Screen;
use paint::Paint;

/// The smallest screen that the table makes sense on.
const LEAST: (u16, u16) = (40, 8);

/// Draws the state; the state is told how much there was room for.
pub fn draw(frame: &mut Frame, app: &mut App, look: &Screen) {
    let paint = Paint { colour: look.colour, unicode: look.unicode };
    let area = frame.area();
    let buffer = frame.buffer_mut();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return too_small(buffer, area);
    }
    let head = header::lines(app, usize::from(area.width), &paint);
    let rows = [head.len(), 1].map(|rows| u16::try_from(rows).unwrap_or(1));
    // A page needs a blank line of its own above the keys.
    let is_page = matches!(app.mode, Mode::Detail | Mode::Help);
    let gap = u16::from(is_page && area.height >= 16);
    let [top, _, body, _, keys] = Layout::vertical([
        Constraint::Length(rows[0]),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(gap),
        Constraint::Length(1),
    ])
    .areas(area);
    put(buffer, top, &head);
    match app.mode {
        Mode::Detail => page(buffer, body, app, detail::lines(app, usize::from(area.width), &paint)),
        Mode::Help => page(buffer, body, app, help::lines(&paint)),
        Mode::List | Mode::Filter(_) => list(buffer, body, app, below::height(area.height), &paint),
    }
    put(buffer, keys, &[below::keys(app, usize::from(area.width), &paint)]);
}

/// The table, and below it in `about` lines what is known of the selected row.
fn list(buffer: &mut Buffer, body: Rect, app: &mut App, about: u16, paint: &Paint) {
    let [upper, lower] = Layout::vertical([Constraint::Fill(1), Constraint::Length(about)]).areas(body);
    table::draw(buffer, upper, app, paint);
    if about > 0 {
        put(buffer, lower, &below::lines(app, (usize::from(lower.width), usize::from(lower.height)), paint));
    }
}

/// Lines of which a part is seen.
fn page(buffer: &mut Buffer, body: Rect, app: &mut App, lines: Vec<Line>) {
    app.page = usize::from(body.height);
    app.scroll_end = lines.len().saturating_sub(app.page);
    app.scroll = app.scroll.min(app.scroll_end);
    put(buffer, body, lines.get(app.scroll..).unwrap_or_default());
}

fn put(buffer: &mut Buffer, area: Rect, lines: &[Line]) {
    for (row, line) in area.rows().zip(lines) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
}

fn too_small(buffer: &mut Buffer, area: Rect) {
    let words = [
        "Too small to watch:".to_owned(),
        format!("{}x{} at least, please.", LEAST.0, LEAST.1),
        format!("This is {}x{}.", area.width, area.height),
    ];
    put(buffer, area, &words.map(Line::from));
}
