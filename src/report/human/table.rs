//! All listeners with what they ask for and what they get.

use std::hash::Hash;

use unicode_width::UnicodeWidthStr;

use super::groups::loss;
use super::{Page, plain};
use crate::model::{Listener, Place, Queue, Severity};
use crate::report::columns::{self, Cell, Column};
use crate::report::screen::tail;
use crate::text::HashMap;

/// More rows than this are folded: listeners that differ in nothing but their address share one.
const FOLDED_FROM: usize = 24;

const SERVICE_HEAD: &str = "service";

const SERVICE: usize = 0;
const ADDRESS: usize = 1;
const LIMIT: usize = 3;

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    cells: [String; 6],
    /// The line that opens it, where others have its name.
    place: Option<String>,
    /// Connections that are asked for and not given.
    lost: i64,
    /// Several sockets share the address.
    shared: bool,
    /// Listeners that it stands for.
    count: usize,
}

impl Page<'_> {
    /// All listeners, a line each.
    pub(super) fn every_listener(&self) -> String {
        let screen = self.screen;
        let rows = self.report.listeners().map(|(listener, queue)| self.table_row(listener, queue)).collect();
        let mut rows = folded(rows, |row| (row.cells.clone(), row.place.clone()));
        let mut hidden = 0;
        if rows.len() > FOLDED_FROM && !screen.is_verbose() {
            rows = folded(rows, |row| {
                let mut cells = row.cells.clone();
                cells[ADDRESS].clear();
                cells
            });
            rows.sort_by_key(|row| std::cmp::Reverse(row.lost));
            hidden = rows.iter().skip(FOLDED_FROM).map(|row| row.count).sum();
            rows.truncate(FOLDED_FROM);
        }
        for row in rows.iter_mut().filter(|row| row.count > 1) {
            row.cells[ADDRESS].push_str(&format!(" and {} more", row.count - 1));
        }
        let cells: Vec<Vec<Cell>> = rows.iter().map(cells).collect();
        let mut lines = self.with_places(&rows, columns::lines(&columns(), &cells, screen));
        if hidden > 0 {
            lines.push(screen.faint(&format!("  and {hidden} more; --verbose lists all")));
        }
        if rows.iter().any(|row| row.shared) {
            lines.push(screen.faint("  xN: N sockets share the address, each with a queue of its own"));
        }
        lines.join("\n") + "\n\n"
    }

    /// The lines of the table, each row's place below it.
    fn with_places(&self, rows: &[Row], table: Vec<String>) -> Vec<String> {
        let services = rows.iter().map(|row| row.cells[SERVICE].width());
        let left = services.chain([SERVICE_HEAD.width()]).max().unwrap_or(0) + 2 * columns::BETWEEN;
        let room = self.screen.width.saturating_sub(left);
        let mut lines: Vec<String> = Vec::with_capacity(table.len());
        // The head has none.
        let places = std::iter::once(None).chain(rows.iter().map(|row| row.place.as_deref()));
        for (line, place) in table.into_iter().zip(places) {
            lines.push(line);
            let place = place.map(|place| tail(place, room, self.screen.sign("…", "...")));
            lines.extend(place.map(|place| format!("{}{}", " ".repeat(left), self.screen.faint(&place))));
        }
        lines
    }

    /// The address, as `ss` prints it, with its root or target when there are several; without one, the line that opens it.
    pub(super) fn address_of(&self, listener: &Listener) -> String {
        let label = self.report.host.place(listener.place).and_then(Place::label);
        let known = listener.address();
        let address = plain::inline(known.as_deref().unwrap_or(&self.location(listener.site)));
        match label {
            Some(label) if known.is_some() => format!("{}: {address}", plain::inline(&label)),
            _ => address,
        }
    }

    fn table_row(&self, listener: &Listener, queue: &Queue) -> Row {
        let number = |number: Option<i64>| number.map_or("?".to_owned(), |number| number.to_string());
        let sockets = match listener.sockets {
            Some(1) => String::new(),
            Some(count) => format!(" x{count}"),
            None => " xN".to_owned(),
        };
        let [limit, holds, cut_by] = match queue.is_refused(listener) {
            true => ["-".to_owned(), "-".to_owned(), "refuses to start".to_owned()],
            false => {
                let cut_by = queue.capped_by.map_or("", |by| by.word());
                [number(queue.limit), number(queue.holds()), cut_by.to_owned()]
            }
        };
        Row {
            cells: [
                listener.service.clone(),
                self.address_of(listener) + &sockets,
                queue.asked(),
                limit,
                holds,
                cut_by,
            ],
            place: self.twins.has(listener).then(|| self.location(listener.site)),
            lost: loss(queue),
            shared: listener.sockets != Some(1),
            count: 1,
        }
    }
}

fn columns() -> [Column; 6] {
    [
        Column::left(SERVICE_HEAD),
        Column::left("address").giving_way(),
        Column::right("asked"),
        Column::right("limit"),
        Column::right("holds"),
        Column::left("limited by"),
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

/// Rows that are alike in what counts, as one: the first of them.
fn folded<T: Eq + Hash>(rows: Vec<Row>, counts: impl Fn(&Row) -> T) -> Vec<Row> {
    let mut kept: Vec<Row> = Vec::new();
    let mut known: HashMap<T, usize> = HashMap::default();
    for row in rows {
        let counts = counts(&row);
        match known.get(&counts).and_then(|at| kept.get_mut(*at)) {
            Some(same) => {
                same.count += row.count;
                // It stands for several lines then.
                same.place = same.place.take().filter(|place| Some(place) == row.place.as_ref());
            }
            None => {
                known.insert(counts, kept.len());
                kept.push(row);
            }
        }
    }
    kept
}
