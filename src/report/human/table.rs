//! All listeners with what they ask for and what they get.

use std::collections::HashMap;

use super::groups::loss;
use super::{excerpt, plain};
use crate::model::{Listener, Place, Queue, Severity};
use crate::report::columns::{self, Cell, Column};
use crate::report::{Report, Screen};

/// More rows than this are folded: listeners that differ in nothing but their address share one.
const FOLDED_FROM: usize = 24;

const ADDRESS: usize = 1;
const LIMIT: usize = 3;

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
    let cells: Vec<Vec<Cell>> = rows.iter().map(cells).collect();
    let mut lines = columns::lines(&columns(), &cells, screen);
    if hidden > 0 {
        lines.push(screen.faint(&format!("  and {hidden} more; --verbose lists all")));
    }
    if rows.iter().any(|row| row.shared) {
        lines.push(screen.faint("  xN: N sockets share the address, each with a queue of its own"));
    }
    lines.join("\n") + "\n\n"
}

fn columns() -> [Column; 6] {
    [
        Column::left("service"),
        Column::left("address").giving_way(),
        Column::right("asked"),
        Column::right("limit"),
        Column::right("holds"),
        Column::left("cut by"),
    ]
}

/// What is left of a number that was cut stands out.
fn cells(row: &Row) -> Vec<Cell> {
    let cut = (row.lost > 0).then_some(Severity::Warning);
    let cell = |(index, text): (usize, &String)| {
        Cell::from(text.clone()).standing_out(cut.filter(|_| index == LIMIT))
    };
    row.cells.iter().enumerate().map(cell).collect()
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
