//! The findings as SARIF 2.1.0 (OASIS), for code scanning: the ledger of a number is a code flow, an edit a fix.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Report, json};
use crate::model::{Finding, Fix, Safety, Severity, Step};
use crate::rules::Rule;
use crate::text::{Origin, Source, Span};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The report as one SARIF log, with a final newline.
pub fn render(report: &Report) -> String {
    let rules: Vec<&Rule> = report.rules.iter().collect();
    let mut twins = HashMap::new();
    let results: Vec<Value> = report
        .findings
        .iter()
        .enumerate()
        .map(|(index, finding)| Subject { report, finding, index }.result(&rules, &mut twins))
        .collect();
    json::to_text(&json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": env!("CARGO_PKG_NAME"),
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    }))
}

fn descriptor(rule: &Rule) -> Value {
    let text = format!("{}\n\n{}\n\n{}", rule.what.trim(), rule.why.trim(), rule.fix.trim());
    let mut markdown =
        format!("{}\n\n**Why**: {}\n\n**Fix**: {}", rule.what.trim(), rule.why.trim(), rule.fix.trim());
    for reference in &rule.references {
        markdown.push_str(&format!("\n- {reference}"));
    }
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.summary },
        "fullDescription": { "text": rule.what.trim() },
        "help": { "text": text, "markdown": markdown },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// One finding and where it stands in its report.
struct Subject<'a> {
    report: &'a Report,
    finding: &'a Finding,
    index: usize,
}

impl Subject<'_> {
    /// `twins` counts findings of the same fingerprint, so that each has one of its own.
    fn result(&self, rules: &[&Rule], twins: &mut HashMap<u64, usize>) -> Value {
        let finding = self.finding;
        let print = self.fingerprint();
        let twin = twins.entry(print).or_default();
        *twin += 1;
        let mut result = json!({
            "ruleId": finding.rule,
            "level": level(finding.severity),
            "message": { "text": self.message() },
            "locations": [self.location(self.home(), None)],
            "partialFingerprints": { "finding/v1": format!("{print:016x}:{twin}") },
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

    fn message(&self) -> String {
        match &self.finding.help {
            Some(help) => format!("{}; {help}", self.finding.message),
            None => self.finding.message.clone(),
        }
    }

    /// The line that a viewer opens: the finding's own if it lies in an audited file, else the first that does.
    fn home(&self) -> Span {
        let finding = self.finding;
        let in_file = |span: &Span| self.report.sources.get(span.source).path().is_some();
        let site = finding.listener.and_then(|at| self.report.host.listeners.get(at)).map(|it| it.site);
        let mut spans =
            std::iter::once(finding.at).chain(finding.labels.iter().map(|label| label.at)).chain(site);
        spans.find(in_file).unwrap_or(finding.at)
    }

    fn related(&self) -> Vec<Value> {
        let labels = self.finding.labels.iter().enumerate();
        let numbered = labels.map(|(index, label)| {
            let mut location = self.location(label.at, Some(&label.message));
            if let Some(fields) = location.as_object_mut() {
                fields.insert("id".into(), (index + 1).into());
            }
            location
        });
        numbered.collect()
    }

    /// The steps by which the listener's number came about.
    fn ledger(&self) -> Vec<Value> {
        let queue = self.finding.listener.and_then(|at| self.report.queues.get(at));
        let step = |step: &Step| {
            let text = match step.value {
                Some(value) => format!("{value}: {}", step.what),
                None => step.what.clone(),
            };
            json!({ "location": self.location(step.at, Some(&text)) })
        };
        let steps: Vec<Value> = queue.into_iter().flat_map(|queue| &queue.steps).map(step).collect();
        if steps.is_empty() { steps } else { vec![json!({ "threadFlows": [{ "locations": steps }] })] }
    }

    fn location(&self, span: Span, message: Option<&str>) -> Value {
        let source = self.report.sources.get(span.source);
        let mut location = json!({ "physicalLocation": { "artifactLocation": artifact(source) } });
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
                    "artifactLocation": artifact(source),
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
                "description": { "text": format!("{}{unsafe_too}", fix.title) },
                "artifactChanges": changes,
            })
        })
    }

    /// Stays the same when lines move: made of the rule, the listener's address, the file and the text of the line.
    fn fingerprint(&self) -> u64 {
        let span = self.home();
        let source = self.report.sources.get(span.source);
        let listener = self.finding.listener.and_then(|at| self.report.host.listeners.get(at));
        let address = listener.and_then(|listener| listener.endpoint.address()).unwrap_or_default();
        let line = source.line(self.report.sources.position(span).line).trim_ascii();
        let parts =
            [self.finding.rule.as_bytes(), address.as_bytes(), uri(source).as_bytes(), line].join(&b'\n');
        fnv1a(&parts)
    }
}

/// Files are relative to the audited root, which SARIF viewers take for the repository's; the rest has a URI of its own.
fn artifact(source: &Source) -> Value {
    match source.path() {
        Some(_) => json!({ "uri": uri(source), "uriBaseId": "%SRCROOT%" }),
        None => json!({ "uri": uri(source) }),
    }
}

/// RFC 3986: every byte that is not unreserved or `/` is written as `%XX`.
fn uri(source: &Source) -> String {
    use std::os::unix::ffi::OsStrExt;
    let path = match &source.origin {
        Origin::File { root, path } | Origin::Absent { root, path } => match root {
            Some(root) => std::path::Path::new(root).join(path),
            None => path.clone(),
        },
        Origin::Config(path) => path.clone(),
        Origin::Builtin(path) => return format!("builtin:{}", escaped(path.as_bytes())),
        Origin::Live(path) => return format!("file://{}", escaped(path.as_bytes())),
        Origin::Flag(flag) => return format!("flag:{}", escaped(flag.as_bytes())),
    };
    escaped(path.as_os_str().as_bytes())
}

fn escaped(bytes: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    bytes
        .iter()
        .map(|byte| if plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// FNV-1a, 64 bits: a hash that stays the same from release to release.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
