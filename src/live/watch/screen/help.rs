//! What the keys do and what the columns mean.

use ratatui::text::{Line, Span};

use super::paint::Paint;
use crate::report::left;

const KEYS: [(&str, &str); 9] = [
    ("up down, j k", "select a listener, and follow it; also PgUp PgDn Home End"),
    ("Enter, d", "all about the selected listener, and what to do"),
    ("s", "sort by fullness, drops, address (port first), service"),
    ("r", "the other way round"),
    ("/", "only listeners with these words: address, service, process, unit"),
    ("p, space", "pause: the picture stands still, measuring goes on"),
    ("u", "show or hide unix sockets in which nothing waits"),
    ("?, h", "this page"),
    ("q, Esc", "back, and out; Ctrl-C always leaves"),
];

const COLUMNS: [(&str, &str); 8] = [
    ("address", "as ss prints it; x4: four sockets share it, the fullest is shown"),
    ("service", "by the files, or else the program"),
    ("queue", "how full: now, and at the fullest moment since the last look"),
    ("now", "connections that wait for accept(2): Recv-Q of ss -lnt"),
    ("peak", "the most that waited at once since the last look"),
    ("limit", "Send-Q of ss -lnt; one more fits, then clients time out"),
    ("drop/s", "SYNs and last ACKs that the listener dropped, a second"),
    ("last", "how full it was: the newest at the right"),
];

pub(super) fn lines(paint: &Paint) -> Vec<Line<'static>> {
    let row = |(word, says): &(&'static str, &'static str)| {
        Line::from(vec![Span::styled(left(&format!(" {word}"), 15), paint.strong()), Span::raw(*says)])
    };
    let mut lines: Vec<Line> = KEYS.iter().map(row).collect();
    lines.push(Line::default());
    lines.extend(COLUMNS.iter().map(row));
    lines
}
