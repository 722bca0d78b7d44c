//! The findings as SARIF 2.1.0 (OASIS), for code scanning: the ledger of a number is a code flow, an edit a fix.

use std::os::unix::ffi::OsStrExt;

use serde::Serialize;
use serde_json::{Value, json};

use super::subject::{Paths, Subject};
use super::{Report, json, page_of, secrets};
use crate::HOME;
use crate::model::{Fix, Safety, Severity, Step};
use crate::rules::Rule;
use crate::text::{Origin, Source, Span};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

#[derive(Serialize)]
struct Log<Results> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<Results>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<Results> {
    tool: Value,
    column_kind: &'static str,
    results: Results,
}

/// The report as one SARIF log, with a final newline.
pub fn render(report: &Report) -> String {
    let rules: &Vec<&Rule> = &report.rules.iter().collect();
    let paths = Paths::of(report);
    let subjects = &paths.subjects();
    let mut tool = json!({ "driver": {
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
    } });
    if let (false, Some(driver)) =
        (HOME.is_empty(), tool.pointer_mut("/driver").and_then(Value::as_object_mut))
    {
        driver.insert("informationUri".into(), HOME.into());
    }
    let results = json::Each(|| subjects.iter().map(|subject| subject.result(rules)));
    json::to_text(&Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run { tool, column_kind: "unicodeCodePoints", results }],
    })
}

fn descriptor(rule: &Rule) -> Value {
    let (what, why, fix) = (rule.words.what.trim(), rule.words.why.trim(), rule.words.fix.trim());
    let text = format!("{what}\n\n{why}\n\n{fix}");
    let mut markdown = format!("{what}\n\n**Why**: {why}\n\n**Fix**: {fix}\n");
    if !rule.words.example.trim().is_empty() {
        markdown.push_str(&format!("\n```\n{}\n```\n", rule.words.example.trim()));
    }
    for reference in &rule.words.references {
        markdown.push_str(&format!("\n- {reference}"));
    }
    let mut descriptor = json!({
        "id": rule.id,
        "shortDescription": { "text": rule.words.summary },
        "fullDescription": { "text": what },
        "help": { "text": text, "markdown": markdown },
        "defaultConfiguration": { "level": level(rule.severity) },
    });
    if let (Some(page), Some(fields)) = (page_of(&rule.id, HOME), descriptor.as_object_mut()) {
        fields.insert("helpUri".into(), page.into());
    }
    descriptor
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

impl Subject<'_> {
    fn result(&self, rules: &[&Rule]) -> Value {
        let finding = self.finding;
        let message = secrets::masked(&finding.message);
        let text = match finding.all_help("; ") {
            Some(help) => format!("{message}; {}", secrets::masked(&help)),
            None => message,
        };
        let mut result = json!({
            "ruleId": finding.rule,
            "level": level(finding.severity),
            "message": { "text": text },
            "locations": [self.location(self.home(), None)],
            "partialFingerprints": { "finding/v1": self.fingerprint() },
        });
        let Some(fields) = result.as_object_mut() else { return result };
        if let Some(index) = rules.iter().position(|rule| rule.id == finding.rule) {
            fields.insert("ruleIndex".into(), index.into());
        }
        let mut insert = |key: &str, values: Vec<Value>| {
            if !values.is_empty() {
                fields.insert(key.into(), Value::Array(values));
            }
        };
        insert("relatedLocations", self.related());
        insert("codeFlows", self.ledger());
        insert("fixes", finding.fixes.iter().enumerate().filter_map(|(at, fix)| self.fix(at, fix)).collect());
        result
    }

    fn related(&self) -> Vec<Value> {
        let labels = self.finding.labels.iter().enumerate();
        let numbered = labels.map(|(index, label)| {
            let mut location = self.location(label.at, Some(&secrets::masked(&label.message)));
            if let Some(fields) = location.as_object_mut() {
                fields.insert("id".into(), (index + 1).into());
            }
            location
        });
        numbered.collect()
    }

    /// The steps by which the listener's number came about.
    fn ledger(&self) -> Vec<Value> {
        let step = |step: &Step| {
            let what = secrets::masked(&step.what);
            let text = step.value.map_or(what.clone(), |value| format!("{value}: {what}"));
            json!({ "location": self.location(step.at, Some(&text)) })
        };
        let steps: Vec<Value> = self.steps().iter().map(step).collect();
        if steps.is_empty() { steps } else { vec![json!({ "threadFlows": [{ "locations": steps }] })] }
    }

    fn location(&self, span: Span, message: Option<&str>) -> Value {
        let source = self.report.sources.get(span.source);
        let mut location = json!({ "physicalLocation": { "artifactLocation": self.artifact(source) } });
        if !source.is_absent()
            && let Some(physical) = location.pointer_mut("/physicalLocation").and_then(Value::as_object_mut)
        {
            physical.insert("region".into(), self.region(span));
        }
        if let (Some(message), Some(fields)) = (message, location.as_object_mut()) {
            fields.insert("message".into(), json!({ "text": message }));
        }
        location
    }

    fn region(&self, span: Span) -> Value {
        let at = self.report.sources.position(span);
        json!({
            "startLine": at.line,
            "startColumn": at.column,
            "endLine": at.end_line,
            "endColumn": at.end_column,
        })
    }

    fn fix(&self, index: usize, fix: &Fix) -> Option<Value> {
        let edits = self.report.plan.edits_of(self.index, index);
        let changes: Vec<Value> = edits
            .map(|planned| {
                let source = self.report.sources.get(planned.edit.span.source);
                json!({
                    "artifactLocation": self.artifact(source),
                    "replacements": [{
                        "deletedRegion": self.region(planned.edit.span),
                        "insertedContent": { "text": planned.edit.text },
                    }],
                })
            })
            .collect();
        let unsafe_too = if fix.safety == Safety::Unsafe { " (unsafe: it changes behaviour)" } else { "" };
        (!changes.is_empty()).then(|| {
            json!({
                "description": { "text": format!("{}{unsafe_too}", secrets::masked(&fix.title)) },
                "artifactChanges": changes,
            })
        })
    }

    /// Files are relative to the folder that the audit was run in; the rest has a URI of its own.
    fn artifact(&self, source: &Source) -> Value {
        match self.paths.path(source) {
            Some(path) => json!({ "uri": escaped(path.as_os_str().as_bytes()), "uriBaseId": "%SRCROOT%" }),
            None => json!({ "uri": uri(&source.origin) }),
        }
    }
}

/// A reading, a flag or a line of our own tables as a URI.
fn uri(origin: &Origin) -> String {
    match origin {
        Origin::File { path, .. } | Origin::Absent { path, .. } | Origin::Config(path) => {
            escaped(path.as_os_str().as_bytes())
        }
        Origin::Builtin(path) => format!("builtin:{}", escaped(path.as_bytes())),
        Origin::Live(path) => format!("file://{}", escaped(path.as_bytes())),
        Origin::Flag(flag) => format!("flag:{}", escaped(flag.as_bytes())),
    }
}

/// RFC 3986: every byte that is not unreserved or `/` is written as `%XX`.
fn escaped(bytes: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    bytes
        .iter()
        .map(|byte| if plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
