//! How metrics are written: <https://prometheus.io/docs/instrumenting/exposition_formats/> and OpenMetrics 1.0.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Exposition;
use crate::report::plain;

/// The metrics of one name. One without rows is not written.
#[derive(Debug)]
pub(super) struct Family {
    /// Without the `_total` of a counter and the `_info` of an info.
    pub(super) name: String,
    pub(super) kind: Kind,
    /// One sentence or several, in one line, without quotes and backslashes.
    pub(super) help: &'static str,
    /// Labels appear once: a scraper would refuse the whole page for a second row of the same labels.
    pub(super) rows: BTreeMap<Labels, f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    /// A gauge in a unit that its name ends with.
    GaugeIn(&'static str),
    Counter,
    /// What is told by labels; the number is always 1.
    Info,
}

/// Names and values. A value holds nothing that a terminal obeys.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Labels(Vec<(&'static str, String)>);

impl Labels {
    pub(super) fn new<const N: usize>(labels: [(&'static str, &str); N]) -> Self {
        Self::default().and(labels)
    }

    /// The same and some more.
    #[must_use]
    pub(super) fn and<const N: usize>(mut self, labels: [(&'static str, &str); N]) -> Self {
        self.0.extend(labels.map(|(name, value)| (name, plain::inline(value))));
        self
    }
}

impl Family {
    pub(super) fn new(name: impl Into<String>, kind: Kind, help: &'static str) -> Self {
        Self { name: format!("backlog_audit_{}", name.into()), kind, help, rows: BTreeMap::new() }
    }

    /// Adds rows; of two with the same labels the first stays.
    #[must_use]
    pub(super) fn with(mut self, rows: impl IntoIterator<Item = (Labels, f64)>) -> Self {
        for (labels, value) in rows {
            self.rows.entry(labels).or_insert(value);
        }
        self
    }

    /// What its rows are called.
    fn row_name(&self) -> String {
        let ending = match self.kind {
            Kind::Gauge | Kind::GaugeIn(_) => "",
            Kind::Counter => "_total",
            Kind::Info => "_info",
        };
        format!("{}{ending}", self.name)
    }

    /// Before OpenMetrics a counter goes by the name of its rows, and there is no info.
    fn head(&self, form: Exposition) -> String {
        let (name, kind) = match (form, self.kind) {
            (Exposition::OpenMetrics, Kind::Info) => (self.name.clone(), "info"),
            (Exposition::OpenMetrics, Kind::Counter) => (self.name.clone(), "counter"),
            (Exposition::Text, Kind::Counter) => (self.row_name(), "counter"),
            _ => (self.row_name(), "gauge"),
        };
        let unit = match (form, self.kind) {
            (Exposition::OpenMetrics, Kind::GaugeIn(unit)) => format!("# UNIT {name} {unit}\n"),
            _ => String::new(),
        };
        format!("# HELP {name} {}\n# TYPE {name} {kind}\n{unit}", self.help)
    }
}

/// The text of all families.
pub(super) fn render(families: &[Family], form: Exposition) -> String {
    let mut text = String::new();
    for family in families.iter().filter(|family| !family.rows.is_empty()) {
        text.push_str(&family.head(form));
        let name = family.row_name();
        for (labels, value) in &family.rows {
            text.push_str(&name);
            push_labels(&mut text, labels);
            let _ = writeln!(text, " {value}");
        }
    }
    if form == Exposition::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn push_labels(text: &mut String, labels: &Labels) {
    for (nth, (name, value)) in labels.0.iter().enumerate() {
        let _ = write!(text, "{}{name}=\"", if nth == 0 { '{' } else { ',' });
        for c in value.chars() {
            if matches!(c, '\\' | '"') {
                text.push('\\');
            }
            text.push(c);
        }
        text.push('"');
    }
    if !labels.0.is_empty() {
        text.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(value: &str) -> String {
        let row = (Labels::new([("address", value)]), 1.0);
        let text = render(&[Family::new("x", Kind::Gauge, "What.").with([row])], Exposition::Text);
        text.lines().last().unwrap().to_owned()
    }

    #[test]
    fn a_value_of_a_label_cannot_leave_its_quotes() {
        for (value, shown) in [
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("", ""),
            ("/run/ü ✓.sock", "/run/ü ✓.sock"),
            ("a\"} 1\nb{c=\"d", "a\\\"} 1\\\\nb{c=\\\"d"),
            ("a\\", "a\\\\"),
            ("\0\u{1b}[2J\r\t\u{9b}\u{202e}\u{7f}", "\\\\x00\\\\x1b[2J\\\\r\\\\t\\\\x9b\\\\u{202e}\\\\x7f"),
            ("\u{2028}\u{fffd}", "\\\\u{2028}\u{fffd}"),
        ] {
            assert_eq!(line(value), format!("backlog_audit_x{{address=\"{shown}\"}} 1"));
        }
    }

    #[test]
    fn values_that_look_the_same_are_one_row() {
        let rows = [("a\n", 1.0), ("a\\n", 2.0), ("b", 3.0)];
        let rows = rows.map(|(value, number)| (Labels::new([("address", value)]), number));
        let family = Family::new("x", Kind::Gauge, "What.").with(rows);
        assert_eq!(family.rows.values().copied().collect::<Vec<f64>>(), [1.0, 3.0]);
    }

    #[test]
    fn numbers_are_written_out() {
        for (number, shown) in [(0.0, "0"), (0.25, "0.25"), (4_294_967_295.0, "4294967295"), (-1.0, "-1")] {
            let family = Family::new("x", Kind::Counter, "What.").with([(Labels::default(), number)]);
            let text = render(&[family], Exposition::Text);
            assert!(text.ends_with(&format!("\nbacklog_audit_x_total {shown}\n")), "{text}");
        }
    }

    #[test]
    fn the_forms_differ_in_their_heads() {
        let row = || [(Labels::default(), 1.0)];
        let families = [
            Family::new("drops", Kind::Counter, "What.").with(row()),
            Family::new("build", Kind::Info, "What.").with(row()),
            Family::new("fill_ratio", Kind::GaugeIn("ratio"), "What.").with(row()),
            Family::new("nothing", Kind::Gauge, "What."),
        ];
        assert_eq!(
            render(&families, Exposition::Text),
            "# HELP backlog_audit_drops_total What.\n# TYPE backlog_audit_drops_total counter\n\
             backlog_audit_drops_total 1\n\
             # HELP backlog_audit_build_info What.\n# TYPE backlog_audit_build_info gauge\n\
             backlog_audit_build_info 1\n\
             # HELP backlog_audit_fill_ratio What.\n# TYPE backlog_audit_fill_ratio gauge\n\
             backlog_audit_fill_ratio 1\n"
        );
        assert_eq!(
            render(&families, Exposition::OpenMetrics),
            "# HELP backlog_audit_drops What.\n# TYPE backlog_audit_drops counter\n\
             backlog_audit_drops_total 1\n\
             # HELP backlog_audit_build What.\n# TYPE backlog_audit_build info\n\
             backlog_audit_build_info 1\n\
             # HELP backlog_audit_fill_ratio What.\n# TYPE backlog_audit_fill_ratio gauge\n\
             # UNIT backlog_audit_fill_ratio ratio\n\
             backlog_audit_fill_ratio 1\n# EOF\n"
        );
    }
}
