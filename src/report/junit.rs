//! The findings as a JUnit report, as Jenkins and others read it: each rule is a suite, and a rule that finds nothing has passed,
//! unless there was nothing to judge it on.
//!
//! The schema is that of jenkinsci/xunit-plugin, `junit-10.xsd`.

use std::io;

use quick_xml::Writer;
use quick_xml::events::BytesText;

use super::subject::{Paths, Subject};
use super::xml;
use super::{Report, plain};
use crate::model::{Listener, Place, Severity};
use crate::rules::Rule;
use crate::text::HashMap;

/// One test: a finding, or a rule that found nothing.
struct Case<'a> {
    name: String,
    outcome: Outcome<'a>,
}

enum Outcome<'a> {
    /// Nothing was found.
    Passed,
    /// The rule was not judged, and why.
    Skipped(&'static str),
    /// It fails if the finding counts.
    Found { subject: &'a Subject<'a>, counts: bool },
}

/// A rule and its tests.
struct Suite<'a> {
    rule: &'a str,
    cases: Vec<Case<'a>>,
}

/// The report as an XML document, with a final newline. Findings from severity `least` on are failures; lesser ones pass.
pub fn render(report: &Report, least: Option<Severity>) -> String {
    let paths = Paths::of(report);
    let subjects = paths.subjects();
    let suites = suites(report, &subjects, least);
    xml::document(|writer| {
        let count = |which: Which| suites.iter().map(|suite| suite.count(which)).sum::<usize>().to_string();
        let attributes = [
            ("name", env!("CARGO_PKG_NAME").to_owned()),
            ("tests", count(any)),
            ("failures", count(failing)),
            ("errors", "0".to_owned()),
        ];
        let attributes = attributes.iter().map(|(name, value)| (*name, value.as_str()));
        let root = writer.create_element("testsuites").with_attributes(attributes);
        root.write_inner_content(|writer| suites.iter().try_for_each(|suite| suite.write(writer))).map(drop)
    })
}

/// All rules that were asked for, and those that findings name besides.
fn suites<'a>(report: &'a Report, subjects: &'a [Subject<'a>], least: Option<Severity>) -> Vec<Suite<'a>> {
    let mut rules: Vec<&str> = report.rules.iter().map(|rule| rule.id.as_str()).collect();
    rules.extend(subjects.iter().map(|subject| subject.finding.rule.as_str()));
    rules.sort_unstable();
    rules.dedup();
    let of_rule = |rule: &'a str| {
        let found = subjects.iter().filter(|subject| subject.finding.rule == rule);
        let mut cases: Vec<Case> = found.map(|subject| case(subject, least)).collect();
        if cases.is_empty() {
            let skipped = report.rules.get(rule).and_then(|rule| untested(report, rule));
            let outcome = skipped.map_or(Outcome::Passed, Outcome::Skipped);
            cases.push(Case { name: rule.to_owned(), outcome });
        }
        number(&mut cases);
        Suite { rule, cases }
    };
    rules.into_iter().map(of_rule).collect()
}

/// Why a rule that found nothing was not judged.
fn untested(report: &Report, rule: &Rule) -> Option<&'static str> {
    let of_files = (report.live_alone && !rule.is_live()).then_some("left to the file audit");
    of_files.or_else(|| rule.lacks(&report.host, report.seen.as_ref()))
}

/// A test keeps its name when lines move and other files come, so that its history is kept: it is called after the listener and
/// the file that opens it, else after the file that it stands in.
fn case<'a>(subject: &'a Subject<'a>, least: Option<Severity>) -> Case<'a> {
    let listener = subject.finding.listener.and_then(|at| subject.report.host.listeners.get(at));
    let counts = least.is_some_and(|least| subject.finding.severity >= least);
    Case {
        name: listener.map_or_else(|| subject.file().0, |listener| named(subject, listener)),
        outcome: Outcome::Found { subject, counts },
    }
}

/// `nginx:0.0.0.0:80 (etc/nginx/nginx.conf)`, or `node (srv/server.js)` where the address is not known.
fn named(subject: &Subject, listener: &Listener) -> String {
    let Report { sources, host, .. } = subject.report;
    let label = host.place(listener.place).and_then(Place::label).map(|label| format!("{label}:"));
    let address = listener.address().map(|address| format!(":{address}"));
    let (label, address) = (label.unwrap_or_default(), address.unwrap_or_default());
    let name = plain::inline(&format!("{label}{}{address}", listener.service));
    format!("{name} ({})", subject.paths.name(sources.get(listener.site.source)))
}

/// The second test of a name gets `#2`.
fn number(cases: &mut [Case]) {
    let mut seen: HashMap<String, usize> = HashMap::default();
    for case in cases {
        let count = seen.entry(case.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            case.name = format!("{}#{count}", case.name);
        }
    }
}

/// Which tests are counted.
type Which = fn(&Case) -> bool;

fn any(_: &Case) -> bool {
    true
}

fn failing(case: &Case) -> bool {
    matches!(case.outcome, Outcome::Found { counts: true, .. })
}

fn left_out(case: &Case) -> bool {
    matches!(case.outcome, Outcome::Skipped(_))
}

impl Suite<'_> {
    fn count(&self, which: Which) -> usize {
        self.cases.iter().filter(|case| which(case)).count()
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let attributes = [
            ("name", self.rule.to_owned()),
            ("tests", self.count(any).to_string()),
            ("failures", self.count(failing).to_string()),
            ("errors", "0".to_owned()),
            ("skipped", self.count(left_out).to_string()),
        ];
        let attributes = attributes.iter().map(|(name, value)| (*name, value.as_str()));
        let suite = writer.create_element("testsuite").with_attributes(attributes);
        suite
            .write_inner_content(|writer| {
                self.cases.iter().try_for_each(|case| case.write(writer, self.rule))
            })
            .map(drop)
    }
}

impl Case<'_> {
    fn write(&self, writer: &mut Writer<Vec<u8>>, rule: &str) -> io::Result<()> {
        let class = format!("{}.{rule}", env!("CARGO_PKG_NAME"));
        let name = xml::text(&self.name);
        let case = writer
            .create_element("testcase")
            .with_attributes([("name", name.as_str()), ("classname", class.as_str())]);
        match self.outcome {
            Outcome::Passed => case.write_empty().map(drop),
            Outcome::Skipped(why) => case.write_inner_content(|writer| skipped(writer, why)).map(drop),
            Outcome::Found { subject, counts } => {
                case.write_inner_content(|writer| found(writer, subject, counts)).map(drop)
            }
        }
    }
}

fn skipped(writer: &mut Writer<Vec<u8>>, why: &str) -> io::Result<()> {
    writer.create_element("skipped").with_attribute(("message", why)).write_empty().map(drop)
}

fn found(writer: &mut Writer<Vec<u8>>, subject: &Subject, fails: bool) -> io::Result<()> {
    let message = xml::text(&subject.message());
    let mut lines = vec![subject.paths.spot(subject.home())];
    lines.extend(subject.details());
    if fails {
        let severity = subject.finding.severity.word();
        let failure = writer
            .create_element("failure")
            .with_attributes([("message", message.as_str()), ("type", severity)]);
        return failure.write_text_content(BytesText::new(&xml::text(&lines.join("\n")))).map(drop);
    }
    lines.insert(0, format!("{}: {message}", subject.finding.severity.word()));
    let output = writer.create_element("system-out");
    output.write_text_content(BytesText::new(&xml::text(&lines.join("\n")))).map(drop)
}
