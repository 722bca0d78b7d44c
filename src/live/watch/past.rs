//! How full the queues were, look after look, for as long as the sparkline reaches back.

use std::collections::VecDeque;

use super::rows::{Key, Row};
use crate::text::HashMap;

/// Looks that are remembered: a minute of seconds.
pub(super) const LOOKS: u64 = 60;

/// Looks that the order of the rows goes by: rows that change places every second cannot be read.
const RECENT: u64 = 10;

/// Something waited or was dropped. Looks that showed nothing leave no point.
#[derive(Debug, Clone, Copy)]
struct Point {
    look: u64,
    fullness: f64,
    dropped: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Past {
    /// Looks so far.
    looks: u64,
    rows: HashMap<Key, VecDeque<Point>>,
}

/// One column of a sparkline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Column {
    /// The fullest moment, from 0 to 1.
    pub(super) fullness: f64,
    pub(super) dropped: bool,
}

impl Past {
    pub(super) fn note(&mut self, rows: &[Row]) {
        self.looks += 1;
        for row in rows.iter().filter(|row| row.fullness() > 0.0 || row.is_dropping()) {
            let point = Point { look: self.looks, fullness: row.fullness(), dropped: row.is_dropping() };
            self.rows.entry(row.key.clone()).or_default().push_back(point);
        }
        // A whole column is forgotten at once, however wide a column is.
        let oldest = self.looks.saturating_sub(2 * LOOKS);
        self.rows.retain(|_, points| {
            while points.front().is_some_and(|point| point.look <= oldest) {
                points.pop_front();
            }
            !points.is_empty()
        });
    }

    /// The fullest moment of the last looks.
    pub(super) fn recent(&self, row: &Row) -> f64 {
        let since = self.looks.saturating_sub(RECENT);
        self.points(row).filter(|point| point.look > since).map(|point| point.fullness).fold(0.0, f64::max)
    }

    /// Whether nothing waited as far back as is remembered.
    pub(super) fn is_idle(&self, row: &Row) -> bool {
        self.points(row).next().is_none()
    }

    /// The sparkline at a width, the newest column last; nothing where there was no look yet. A column that stands for
    /// several looks keeps them until it moves on, so that the picture moves and does not flicker.
    pub(super) fn columns(&self, row: &Row, width: usize) -> Vec<Option<Column>> {
        let width = u64::try_from(width).unwrap_or(LOOKS).clamp(1, LOOKS);
        let looks_each = LOOKS.div_ceil(width);
        let newest = self.looks / looks_each;
        let column = |back: u64| {
            let nth = newest.checked_sub(back)?;
            let has_looks = nth * looks_each + looks_each > 1;
            let points = self.points(row).filter(|point| point.look / looks_each == nth);
            let none = Column { fullness: 0.0, dropped: false };
            has_looks.then(|| points.fold(none, Column::with))
        };
        (0..width).rev().map(column).collect()
    }

    fn points(&self, row: &Row) -> impl Iterator<Item = &Point> {
        self.rows.get(&row.key).into_iter().flatten()
    }
}

impl Column {
    fn with(self, point: &Point) -> Self {
        Self { fullness: self.fullness.max(point.fullness), dropped: self.dropped || point.dropped }
    }
}
