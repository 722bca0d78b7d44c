//! The findings as Checkstyle writes them, which most CI servers and review bots can read.
//!
//! The format is what `XMLLogger` of checkstyle/checkstyle writes: files, and in each the faults by place.

use std::collections::BTreeMap;
use std::io;

use quick_xml::Writer;

use super::Report;
use super::subject::{Paths, Subject};
use super::xml;
use crate::model::Severity;

/// The version of Checkstyle whose format it is: readers look for a known one.
const VERSION: &str = "4.3";

/// The report as an XML document, with a final newline.
pub fn render(report: &Report) -> String {
    let paths = Paths::of(report);
    let subjects = paths.subjects();
    let mut files: BTreeMap<String, Vec<&Subject>> = BTreeMap::new();
    for subject in &subjects {
        files.entry(subject.file().0).or_default().push(subject);
    }
    xml::document(|writer| {
        let root = writer.create_element("checkstyle").with_attribute(("version", VERSION));
        root.write_inner_content(|writer| files.iter().try_for_each(|file| write_file(writer, file)))
            .map(drop)
    })
}

fn write_file(writer: &mut Writer<Vec<u8>>, (name, faults): (&String, &Vec<&Subject>)) -> io::Result<()> {
    let file = writer.create_element("file").with_attribute(("name", xml::text(name).as_str()));
    file.write_inner_content(|writer| faults.iter().try_for_each(|subject| write_fault(writer, subject)))
        .map(drop)
}

fn write_fault(writer: &mut Writer<Vec<u8>>, subject: &Subject) -> io::Result<()> {
    let at = subject.report.sources.position(subject.home());
    let message = match subject.help() {
        Some(help) => format!("{}; {help}", subject.message()),
        None => subject.message(),
    };
    let attributes = [
        ("line", at.line.to_string()),
        ("column", at.column.to_string()),
        ("severity", severity(subject.finding.severity).to_owned()),
        ("message", xml::text(&message)),
        ("source", format!("{}.{}", env!("CARGO_PKG_NAME"), subject.finding.rule)),
    ];
    let attributes = attributes.iter().map(|(name, value)| (*name, value.as_str()));
    writer.create_element("error").with_attributes(attributes).write_empty().map(drop)
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}
