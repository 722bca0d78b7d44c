//! Numbers, times and counters as a person reads them.

use std::time::Duration;

use crate::model::{Counter, Namespace, Running, Severity};
use crate::report::inline;

/// How many a second.
#[expect(clippy::cast_precision_loss, reason = "counts of seconds are far below 2^52")]
pub(super) fn rate(count: u64, window: f64) -> f64 {
    if window > 0.0 { count as f64 / window } else { 0.0 }
}

/// A rate in at most five columns: `0.5`, `42`, `12k`.
pub(super) fn per_second(rate: f64) -> String {
    match rate {
        _ if rate <= 0.0 => "0".to_owned(),
        _ if rate < 0.1 => "<0.1".to_owned(),
        _ if rate < 9.95 => format!("{rate:.1}").trim_end_matches(".0").to_owned(),
        _ if rate < 9_999.5 => format!("{rate:.0}"),
        _ if rate < 9_999_500.0 => format!("{:.0}k", rate / 1e3),
        _ => format!("{:.0}M", rate / 1e6),
    }
}

/// A number in at most five columns.
pub(super) fn number(number: u32) -> String {
    match number {
        0..=99_999 => number.to_string(),
        100_000..=9_999_999 => format!("{}k", number / 1_000),
        _ => format!("{}M", number / 1_000_000),
    }
}

/// `1 s`, `500 ms`, `2 min`.
pub(super) fn time(duration: Duration) -> String {
    match duration.as_millis() {
        milliseconds if milliseconds % 1000 != 0 => format!("{milliseconds} ms"),
        milliseconds if milliseconds % 60_000 == 0 && milliseconds > 0 => {
            format!("{} min", milliseconds / 60_000)
        }
        milliseconds => format!("{} s", milliseconds / 1000),
    }
}

/// `2026-05-01T14:02:31Z`, as RFC 3339 has it.
pub(super) fn timestamp(seconds: u64) -> String {
    let (year, month, day) = date(seconds / 86_400);
    format!("{year:04}-{month:02}-{day:02}T{}Z", clock(seconds))
}

/// `14:02:31`.
pub(super) fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

/// Days since 1970 as a date: Howard Hinnant's `civil_from_days`, for years that begin in March.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

/// A counter that moves, in words.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moving {
    pub(super) words: String,
    /// How bad that is; nothing for what is good to know.
    pub(super) severity: Option<Severity>,
}

/// What moved within the window, the worst first.
pub(super) fn moving(running: &Running) -> Vec<Moving> {
    if running.window <= 0.0 {
        return Vec::new();
    }
    let several = running.namespaces.len() > 1;
    let mut all: Vec<Moving> = Vec::new();
    for (nth, namespace) in running.namespaces.iter().enumerate() {
        let lead = if several && nth > 0 { format!("{}: ", inline(&namespace.name)) } else { String::new() };
        all.extend(bad_ones(namespace, running.window, &lead));
    }
    all.sort_by_key(|moving| std::cmp::Reverse(moving.severity));
    let opened: u64 = running.namespaces.iter().map(|it| it.moved.count(Counter::PassiveOpens)).sum();
    let opened = rate(opened, running.window);
    let half_open = half_open(running);
    if half_open > 0 {
        all.push(Moving { words: format!("half-open {half_open}"), severity: None });
    }
    if opened > 0.0 {
        let words = format!("connections {}/s", per_second(opened));
        all.push(Moving { words, severity: None });
    }
    all
}

fn bad_ones(namespace: &Namespace, window: f64, lead: &str) -> Vec<Moving> {
    let count = |counter| namespace.moved.count(counter);
    let (overflows, drops) = (count(Counter::ListenOverflows), count(Counter::ListenDrops));
    let no_room = count(Counter::TCPReqQFullDrop);
    let others = drops.saturating_sub(overflows).saturating_sub(no_room);
    let rows = [
        ("accept queue overflows", overflows, Severity::Error),
        ("SYN queue drops", no_room, Severity::Error),
        ("other drops", others, Severity::Warning),
        ("SYN cookies", count(Counter::SyncookiesSent), Severity::Warning),
        ("half-open resets", count(Counter::EmbryonicRsts), Severity::Warning),
    ];
    let moved = rows.into_iter().filter(|(_, count, _)| *count > 0);
    moved
        .map(|(what, count, severity)| Moving {
            words: format!("{lead}{what} {}/s", per_second(rate(count, window))),
            severity: Some(severity),
        })
        .collect()
}

/// All half-open connections. Sockets that share an address share the number.
fn half_open(running: &Running) -> u64 {
    let mut addresses: Vec<(&str, &crate::model::Endpoint, u32)> = running
        .sockets
        .iter()
        .filter(|socket| socket.half_open.count > 0)
        .map(|socket| (&*socket.namespace, &socket.address, socket.half_open.count))
        .collect();
    addresses.sort();
    addresses.dedup_by(|a, b| (a.0, a.1) == (b.0, b.1));
    addresses.iter().map(|(_, _, count)| u64::from(*count)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_fit_five_columns() {
        let shown = [0.0, 0.04, 0.5, 1.0, 9.9, 9.96, 42.4, 9999.0, 12_345.0, 2e7].map(per_second);
        assert_eq!(shown, ["0", "<0.1", "0.5", "1", "9.9", "10", "42", "9999", "12k", "20M"]);
        assert!([0, 99_999, 100_000, u32::MAX].iter().all(|it| number(*it).len() <= 5));
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, shown) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_777_644_151, "2026-05-01T14:02:31Z"),
            (4_102_444_800, "2100-01-01T00:00:00Z"),
        ] {
            assert_eq!(timestamp(seconds), shown);
        }
        let shown = [500, 1000, 2000, 60_000, 90_000].map(|ms| time(Duration::from_millis(ms)));
        assert_eq!(shown, ["500 ms", "1 s", "2 s", "1 min", "90 s"]);
    }
}
