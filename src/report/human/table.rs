//! All listeners with what they ask for and what they get.

use std::collections::HashMap;

use unicode_width::UnicodeWidthStr;

use super::groups::loss;
use super::{excerpt, plain};
use crate::model::{Listener, Place, Queue, Severity};
use crate::report::screen::{accent, left, right, tail};
use crate::report::{Report, Screen};

/// More rows than this are folded: listeners that differ in nothing but their address share one.
const FOLDED_FROM: usize = 24;

const COLUMNS: [&str; 6] = ["service", "address", "asked", "limit", "holds", "cut by"];
const ADDRESS: usize = 1;
const ASKED: usize = 2;
const LIMIT: usize = 3;
const HOLDS: usize = 4;
const CUT_BY: usize = 5;

/// Blanks before each column.
const BETWEEN: usize = 2;

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    cells: [String; 6],
    /// Connections that are asked for and not given.
    lost: i64,
    /// Several sockets share the address.
    shared: bool,
    /// Listeners that it stands for.
    count: usize,
}

pub(super) fn render(report: &Report, screen: &Screen) -> String {
    let mut rows: Vec<Row> =
        report.listeners().map(|(listener, queue)| row(report, listener, queue)).collect();
    let mut hidden = 0;
    if rows.len() > FOLDED_FROM && !screen.is_verbose() {
        rows = folded(rows);
        rows.sort_by_key(|row| std::cmp::Reverse(row.lost));
        hidden = rows.iter().skip(FOLDED_FROM).map(|row| row.count).sum();
        rows.truncate(FOLDED_FROM);
    }
    let widths = widths(&rows, screen.width);
    let head = Row { cells: COLUMNS.map(str::to_owned), lost: 0, shared: false, count: 0 };
    let mut lines = vec![screen.faint(&line(&head, &widths, screen))];
    lines.extend(rows.iter().map(|row| line(row, &widths, screen)));
    if hidden > 0 {
        lines.push(screen.faint(&format!("  and {hidden} more; --verbose lists all")));
    }
    if rows.iter().any(|row| row.shared) {
        lines.push(screen.faint("  xN: N sockets share the address, each with a queue of its own"));
    }
    lines.join("\n") + "\n\n"
}

/// The address, as `ss` prints it, with its root or target when there are several; without one, the line that opens it.
pub(super) fn address(report: &Report, listener: &Listener) -> String {
    let label = report.host.place(listener.place).and_then(Place::label);
    let address = listener.endpoint.address().unwrap_or_else(|| {
        let line = report.sources.position(listener.site).line;
        format!("{}:{line}", excerpt::name(report.sources.get(listener.site.source)))
    });
    let address = plain::inline(&address);
    match label {
        Some(label) if listener.endpoint.address().is_some() => {
            format!("{}: {address}", plain::inline(&label))
        }
        _ => address,
    }
}

fn row(report: &Report, listener: &Listener, queue: &Queue) -> Row {
    let number = |number: Option<i64>| number.map_or("?".to_owned(), |number| number.to_string());
    let sockets = match listener.sockets {
        Some(1) => String::new(),
        Some(count) => format!(" x{count}"),
        None => " xN".to_owned(),
    };
    Row {
        cells: [
            listener.service.clone(),
            address(report, listener) + &sockets,
            number(queue.requested),
            number(queue.limit),
            number(queue.holds()),
            queue.capped_by.map_or(String::new(), |by| by.word().to_owned()),
        ],
        lost: loss(queue),
        shared: listener.sockets != Some(1),
        count: 1,
    }
}

/// Rows that differ in nothing but the address, as one.
fn folded(rows: Vec<Row>) -> Vec<Row> {
    let mut kept: Vec<Row> = Vec::new();
    let mut known: HashMap<[String; 6], usize> = HashMap::new();
    for row in rows {
        let mut but_address = row.cells.clone();
        but_address[ADDRESS].clear();
        match known.get(&but_address).and_then(|at| kept.get_mut(*at)) {
            Some(same) => same.count += 1,
            None => {
                known.insert(but_address, kept.len());
                kept.push(row);
            }
        }
    }
    for row in kept.iter_mut().filter(|row| row.count > 1) {
        row.cells[ADDRESS].push_str(&format!(" and {} more", row.count - 1));
    }
    kept
}

/// As wide as the widest cell; the address gives way where the screen is too narrow.
fn widths(rows: &[Row], screen: usize) -> [usize; 6] {
    let mut widths = COLUMNS.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(&row.cells) {
            *width = (*width).max(cell.width());
        }
    }
    let taken: usize = widths.iter().sum::<usize>() + BETWEEN * widths.len();
    let least = COLUMNS[ADDRESS].len();
    widths[ADDRESS] = widths[ADDRESS].saturating_sub(taken.saturating_sub(screen)).max(least);
    widths
}

/// A row, padded so that the columns line up; what is left of a number that was cut stands out.
fn line(row: &Row, widths: &[usize; 6], screen: &Screen) -> String {
    let mut text = String::new();
    for (index, (cell, width)) in row.cells.iter().zip(widths).enumerate() {
        let cell = tail(cell, *width, screen.sign("…", "..."));
        let padded = match index {
            ASKED..=HOLDS => right(&cell, *width),
            CUT_BY => cell,
            _ => left(&cell, *width),
        };
        text.push_str(&" ".repeat(BETWEEN));
        let stands_out = index == LIMIT && row.lost > 0;
        text.push_str(&if stands_out { screen.paint(accent(Severity::Warning), &padded) } else { padded });
    }
    text.truncate(text.trim_end().len());
    text
}
