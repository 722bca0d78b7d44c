//! What the keys do and what the columns mean.

use ratatui::text::{Line, Span};

use super::paint::Paint;
use crate::report::left;

const KEYS: [(&str, &str); 9] = [
    ("up down, j k", "select a listener and follow it; also PgUp PgDn Home End"),
    ("Enter, d", "show the selected listener and what to do about it"),
    ("s", "sort by fullness, drops, address (port first), service"),
    ("r", "reverse the order"),
    ("/", "filter by these words: address, service, process, unit"),
    ("p, space", "pause the screen; the measurement goes on"),
    ("u", "show or hide idle unix sockets"),
    ("?, h", "this page"),
    ("q, Esc", "go back or quit; Ctrl-C always quits"),
];

const COLUMNS: [(&str, &str); 8] = [
    ("address", "as in ss; x4 is four sockets that share it (the fullest is shown)"),
    ("service", "from the files, or else the name of the program"),
    ("queue", "how full it is now, and its peak since the last refresh"),
    ("now", "connections that wait for accept(2), Recv-Q in ss -lnt"),
    ("peak", "most connections that waited at once since the last refresh"),
    ("limit", "Send-Q in ss -lnt; one more fits, then clients time out"),
    ("drop/s", "SYNs and last ACKs that the listener drops per second"),
    ("last", "how full it was, the newest on the right"),
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
