//! Cells that line up: each column as wide as its widest cell, one of them giving way where the screen is too narrow.

use unicode_width::UnicodeWidthStr;

use super::Screen;
use super::screen::{accent, left, right, tail};
use crate::model::Severity;

/// Blanks before each column.
pub(super) const BETWEEN: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) head: &'static str,
    pub(super) side: Side,
    /// Becomes narrower than its cells where the screen asks for it; what is lost is their start.
    pub(super) gives_way: bool,
}

impl Column {
    pub(super) fn left(head: &'static str) -> Self {
        Self { head, side: Side::Left, gives_way: false }
    }

    pub(super) fn right(head: &'static str) -> Self {
        Self { head, side: Side::Right, gives_way: false }
    }

    pub(super) fn giving_way(self) -> Self {
        Self { gives_way: true, ..self }
    }
}

/// A cell, and whether it stands out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) accent: Option<Severity>,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, accent: None }
    }
}

impl Cell {
    pub(super) fn standing_out(self, severity: Option<Severity>) -> Self {
        Self { accent: severity, ..self }
    }
}

/// The head and the rows, a line each.
pub(super) fn lines(columns: &[Column], rows: &[Vec<Cell>], screen: &Screen) -> Vec<String> {
    let widths = widths(columns, rows, screen.width);
    let head: Vec<Cell> = columns.iter().map(|column| Cell::from(column.head.to_owned())).collect();
    let mut lines = vec![screen.faint(&line(columns, &head, &widths, screen))];
    lines.extend(rows.iter().map(|row| line(columns, row, &widths, screen)));
    lines
}

fn widths(columns: &[Column], rows: &[Vec<Cell>], screen: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = columns.iter().map(|column| column.head.width()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.text.width().max(*width);
        }
    }
    let mut over = (widths.iter().sum::<usize>() + BETWEEN * widths.len()).saturating_sub(screen);
    for (width, column) in widths.iter_mut().zip(columns).filter(|(_, column)| column.gives_way) {
        let narrow = width.saturating_sub(over).max(column.head.width());
        over = over.saturating_sub(*width - narrow);
        *width = narrow;
    }
    widths
}

fn line(columns: &[Column], cells: &[Cell], widths: &[usize], screen: &Screen) -> String {
    let mut text = String::new();
    for ((column, cell), width) in columns.iter().zip(cells).zip(widths) {
        let shown = tail(&cell.text, *width, screen.sign("…", "..."));
        let padded = match column.side {
            Side::Right => right(&shown, *width),
            Side::Left => left(&shown, *width),
        };
        text.push_str(&" ".repeat(BETWEEN));
        text.push_str(&match cell.accent {
            Some(severity) => screen.paint(accent(severity), &padded),
            None => padded,
        });
    }
    text.truncate(text.trim_end().len());
    text
}
