//! The running machine for people: what was looked at, every listener with its queue as it is, and the counters that tell of
//! full queues.

use super::{Page, plain};
use crate::model::{Counter, Listening, Namespace, NamespaceKind, Queue, Running, Seen, Severity, Transport};
use crate::report::columns::{self, Cell, Column};
use crate::report::screen::counted;

/// Rows of one namespace, unless all are asked for; those with something in them come first.
const MOST_ROWS: usize = 24;

/// The counters that tell of trouble, and what each means, for a reader who has never met them.
const MEANINGS: [(Counter, &str); 6] = [
    (Counter::ListenOverflows, "turned away by a full accept queue"),
    (Counter::ListenDrops, "dropped by listeners, overflows included"),
    (Counter::TCPReqQFullDrop, "SYNs dropped by a full SYN queue"),
    (Counter::TCPReqQFullDoCookies, "SYNs that met a full queue, cookies on"),
    (Counter::SyncookiesSent, "SYN cookies sent"),
    (Counter::EmbryonicRsts, "half-open connections reset"),
];

impl Page<'_> {
    /// What was looked at, for how long, and what could not be seen.
    pub(super) fn looked_at(&self, running: &Running) -> String {
        let count =
            |transport| running.sockets.iter().filter(|it| it.address.transport() == transport).count();
        let (tcp, unix) = (count(Transport::Tcp), count(Transport::Unix));
        let long = if running.window > 0.0 { format!(" for {:.1} s", running.window) } else { String::new() };
        let text = format!(
            "this machine{long}, Linux {}: {tcp} TCP and {unix} unix listeners in {}",
            plain::inline(&running.release),
            counted(running.namespaces.len(), "network namespace")
        );
        let text = self.screen.phrased("Measured ", &text);
        let mut shown = self.screen.hang(&self.screen.faint("Measured "), &self.screen.faint(&text));
        for unseen in &running.unseen {
            let text = self.screen.faint(&plain::inline(unseen));
            shown.push_str(&self.screen.hang(&self.screen.faint("Not seen: "), &text));
        }
        shown
    }

    /// Every listener, by namespace, and the counters of each.
    pub(super) fn running(&self, seen: &Seen) -> String {
        let mut text = String::new();
        for namespace in &seen.running.namespaces {
            if namespace.kind != NamespaceKind::Host {
                let lead = format!("in {}", plain::inline(&namespace.name));
                let enter = self.screen.faint(&format!(" ({})", plain::inline(&namespace.enter)));
                text.push_str(&format!("  {}{enter}\n", self.screen.strong(&lead)));
            }
            text.push_str(&self.listeners(seen, namespace));
            text.push_str(&self.counters(namespace, seen.running.window));
        }
        text.push_str(&self.not_running(seen));
        text
    }

    fn listeners(&self, seen: &Seen, namespace: &Namespace) -> String {
        let all = seen.running.sockets.iter().enumerate();
        let (mut shown, quiet): (Vec<Row<'_>>, Vec<Row<'_>>) = all
            .filter(|(_, socket)| socket.namespace == namespace.name)
            .map(|(index, socket)| self.row(seen, index, socket))
            .partition(|row| self.screen.is_verbose() || !row.is_quiet());
        if shown.is_empty() && quiet.is_empty() {
            return self.screen.faint("  nothing listens\n\n");
        }
        // The fullest first; the sort keeps the order of addresses.
        shown.sort_by_key(|row| std::cmp::Reverse(row.percent()));
        let most = if self.screen.is_verbose() { shown.len() } else { MOST_ROWS };
        let hidden = shown.len().saturating_sub(most);
        shown.truncate(most);
        let mut lines = if shown.is_empty() { Vec::new() } else { self.table(&shown) };
        if hidden > 0 {
            lines.push(self.screen.faint(&format!("  and {hidden} more; --verbose lists all")));
        }
        if !quiet.is_empty() {
            let sockets = counted(quiet.len(), "unix socket");
            lines.push(
                self.screen.faint(&format!("  and {sockets} in which nothing waits; --verbose lists all")),
            );
        }
        lines.join("\n") + "\n\n"
    }

    /// Columns that would say nothing are left out.
    fn table(&self, rows: &[Row<'_>]) -> Vec<String> {
        let some = |number: fn(&Row<'_>) -> u32| rows.iter().any(|row| number(row) > 0);
        let (syn, drops) =
            (some(|row| row.socket.half_open.count), some(|row| row.socket.drops.unwrap_or(0)));
        let peak = rows.iter().any(|row| row.socket.peak > row.socket.queued);
        let files = rows.iter().any(|row| row.differs());
        let mut columns = vec![Column::left("listener").giving_way(), Column::right("queued")];
        let wanted =
            [(peak, "peak"), (true, "limit"), (files, "by files"), (syn, "half-open"), (drops, "drops")];
        columns.extend(wanted.into_iter().filter(|(wanted, _)| *wanted).map(|(_, head)| Column::right(head)));
        columns.push(Column::left("process").giving_way());
        let cells = |row: &Row<'_>| {
            let full = row.accent();
            let mut cells = vec![Cell::from(row.address()), number(row.socket.queued).standing_out(full)];
            let optional = [
                (peak, number(row.socket.peak).standing_out(full)),
                (true, number(row.socket.limit)),
                (files, row.by_files()),
                (syn, number(row.socket.half_open.count)),
                (drops, number(row.socket.drops.unwrap_or(0))),
            ];
            cells.extend(optional.into_iter().filter(|(wanted, _)| *wanted).map(|(_, cell)| cell));
            cells.push(Cell::from(row.process()));
            cells
        };
        let cells: Vec<Vec<Cell>> = rows.iter().map(cells).collect();
        columns::lines(&columns, &cells, self.screen)
    }

    fn row<'a>(&'a self, seen: &Seen, index: usize, socket: &'a Listening) -> Row<'a> {
        let joined = seen.listeners.get(index).copied().flatten();
        Row { socket, queue: joined.and_then(|joined| self.report.queues.get(joined)) }
    }

    /// The counters that are not zero, with what they mean.
    fn counters(&self, namespace: &Namespace, window: f64) -> String {
        let told = |counter: Counter| namespace.counters.count(counter) > 0;
        let rows: Vec<Vec<Cell>> = MEANINGS
            .iter()
            .filter(|(counter, _)| told(*counter) || self.screen.is_verbose())
            .map(|(counter, meaning)| {
                let moved = namespace.moved.count(*counter);
                let accent = (moved > 0).then_some(Severity::Warning);
                let mut cells = vec![
                    Cell::from(counter.word().to_owned()),
                    Cell::from(namespace.counters.count(*counter).to_string()),
                ];
                if window > 0.0 {
                    cells.push(Cell::from(format!("+{moved}")).standing_out(accent));
                }
                cells.push(Cell::from((*meaning).to_owned()));
                cells
            })
            .collect();
        if rows.is_empty() {
            return self.screen.faint("  no TCP queue has overflowed since this namespace was created\n\n");
        }
        let mut columns = vec![Column::left("counter"), Column::right("total")];
        columns.extend((window > 0.0).then_some(Column::right("change")));
        columns.push(Column::left("what it counts"));
        columns::lines(&columns, &rows, self.screen).join("\n") + "\n\n"
    }

    /// Listeners of the files that do not listen.
    fn not_running(&self, seen: &Seen) -> String {
        let runs = |index: usize| seen.listeners.contains(&Some(index));
        let absent: Vec<String> = self
            .report
            .listeners()
            .filter(|(_, queue)| !runs(queue.listener))
            .map(|(listener, _)| format!("{} {}", listener.service, self.address_of(listener)))
            .collect();
        if absent.is_empty() {
            return String::new();
        }
        let most = if self.screen.is_verbose() { absent.len() } else { MOST_ABSENT };
        let mut words: Vec<String> = absent.iter().take(most).cloned().collect();
        if absent.len() > most {
            words.push(format!("{} more", absent.len() - most));
        }
        let text = self.screen.faint(&words.join(", "));
        self.screen.hang(&self.screen.faint("  in the files, but not running: "), &text) + "\n"
    }
}

/// Listeners that are named before the rest is counted.
const MOST_ABSENT: usize = 6;

/// A socket, and the queue that the files give it.
struct Row<'a> {
    socket: &'a Listening,
    queue: Option<&'a Queue>,
}

impl Row<'_> {
    /// Unix sockets of which nobody's file tells are how the parts of a machine talk.
    fn is_quiet(&self) -> bool {
        let socket = self.socket;
        socket.address.transport() == Transport::Unix && self.queue.is_none() && socket.peak == 0
    }

    /// How full it was, in hundredths.
    fn percent(&self) -> u64 {
        u64::from(self.socket.peak) * 100 / u64::from(self.socket.holds())
    }

    fn accent(&self) -> Option<Severity> {
        match (self.socket.is_full(), self.percent()) {
            (true, _) => Some(Severity::Error),
            (false, 50..) => Some(Severity::Warning),
            _ => None,
        }
    }

    fn limit_by_files(&self) -> Option<i64> {
        self.queue.and_then(|queue| queue.limit)
    }

    fn differs(&self) -> bool {
        self.limit_by_files().is_some_and(|limit| limit != i64::from(self.socket.limit))
    }

    fn by_files(&self) -> Cell {
        let text = self.limit_by_files().map_or(String::new(), |limit| limit.to_string());
        Cell::from(text).standing_out(self.differs().then_some(Severity::Warning))
    }

    fn address(&self) -> String {
        plain::inline(&self.socket.bound_to())
    }

    /// Whose it is: the process, and the unit or container where they tell more.
    fn process(&self) -> String {
        let Some(owner) = &self.socket.owner else { return "?".to_owned() };
        let (name, pid) = (plain::inline(&owner.name), owner.pid);
        match (&owner.container, &owner.unit) {
            (Some(container), _) => format!("{name} ({pid}) in {}", plain::inline(container)),
            (None, Some(unit)) if !unit.starts_with(&*owner.name) => {
                format!("{name} ({pid}), {}", plain::inline(unit))
            }
            _ => format!("{name} ({pid})"),
        }
    }
}

fn number(number: u32) -> Cell {
    Cell::from(number.to_string())
}
