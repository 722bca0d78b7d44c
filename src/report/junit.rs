//! The findings as a JUnit report, as Jenkins and others read it: each rule is a suite, and a rule that finds nothing has passed.
//!
//! The schema is that of jenkinsci/xunit-plugin, `junit-10.xsd`.

use std::collections::HashMap;
use std::io;

use quick_xml::Writer;
use quick_xml::events::BytesText;

use super::subject::{Paths, Subject};
use super::xml;
use super::{Report, plain};
use crate::model::Severity;

/// One test: a finding, or a rule that found nothing.
struct Case<'a> {
    name: String,
    /// It fails if the finding counts.
    subject: Option<(&'a Subject<'a>, bool)>,
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
    let ids = report.listener_ids();
    let suites = suites(report, &subjects, &ids, least);
    xml::document(|writer| {
        let count =
            |failing: bool| suites.iter().map(|suite| suite.count(failing)).sum::<usize>().to_string();
        let attributes = [
            ("name", env!("CARGO_PKG_NAME").to_owned()),
            ("tests", count(false)),
            ("failures", count(true)),
            ("errors", "0".to_owned()),
        ];
        let attributes = attributes.iter().map(|(name, value)| (*name, value.as_str()));
        let root = writer.create_element("testsuites").with_attributes(attributes);
        root.write_inner_content(|writer| suites.iter().try_for_each(|suite| suite.write(writer))).map(drop)
    })
}

/// All rules that were asked for, and those that findings name besides.
fn suites<'a>(
    report: &'a Report,
    subjects: &'a [Subject<'a>],
    ids: &[String],
    least: Option<Severity>,
) -> Vec<Suite<'a>> {
    let mut rules: Vec<&str> = report.rules.iter().map(|rule| rule.id.as_str()).collect();
    rules.extend(subjects.iter().map(|subject| subject.finding.rule.as_str()));
    rules.sort_unstable();
    rules.dedup();
    let of_rule = |rule: &'a str| {
        let found = subjects.iter().filter(|subject| subject.finding.rule == rule);
        let mut cases: Vec<Case> = found.map(|subject| case(subject, ids, least)).collect();
        if cases.is_empty() {
            cases.push(Case { name: rule.to_owned(), subject: None });
        }
        number(&mut cases);
        Suite { rule, cases }
    };
    rules.into_iter().map(of_rule).collect()
}

/// A test keeps its name when lines move, so that its history is kept: it is called after the listener, else after the file.
fn case<'a>(subject: &'a Subject<'a>, ids: &[String], least: Option<Severity>) -> Case<'a> {
    let listener = subject.finding.listener.and_then(|at| ids.get(at)).map(|id| plain::inline(id));
    let fails = least.is_some_and(|least| subject.finding.severity >= least);
    Case { name: listener.unwrap_or_else(|| subject.file().0), subject: Some((subject, fails)) }
}

/// The second test of a name gets `#2`.
fn number(cases: &mut [Case]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for case in cases {
        let count = seen.entry(case.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            case.name = format!("{}#{count}", case.name);
        }
    }
}

impl Suite<'_> {
    fn count(&self, failing: bool) -> usize {
        self.cases.iter().filter(|case| !failing || matches!(case.subject, Some((_, true)))).count()
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let attributes = [
            ("name", self.rule.to_owned()),
            ("tests", self.count(false).to_string()),
            ("failures", self.count(true).to_string()),
            ("errors", "0".to_owned()),
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
        let Some((subject, fails)) = self.subject else { return case.write_empty().map(drop) };
        case.write_inner_content(|writer| outcome(writer, subject, fails)).map(drop)
    }
}

fn outcome(writer: &mut Writer<Vec<u8>>, subject: &Subject, fails: bool) -> io::Result<()> {
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
