//! The running machine as metrics. Names, units and HELP follow <https://prometheus.io/docs/practices/naming/>; a program's
//! pid is no label, since every restart would begin a new series.

mod listeners;
mod machine;
mod text;

use super::Report;

/// The two forms that Prometheus reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposition {
    /// The text format 0.0.4: also what node_exporter's textfile collector takes.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Exposition {
    /// The Content-Type of an answer in this form.
    pub fn content_type(self) -> &'static str {
        match self {
            Exposition::Text => "text/plain; version=0.0.4; charset=utf-8",
            Exposition::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// All metrics, in an order that is always the same. A report that has not looked at the running machine has none but the
/// version.
pub fn render(report: &Report, form: Exposition) -> String {
    let mut families = vec![machine::version()];
    if let Some(seen) = &report.seen {
        families.extend(machine::families(report, seen));
        families.extend(listeners::families(report, seen));
    }
    text::render(&families, form)
}
