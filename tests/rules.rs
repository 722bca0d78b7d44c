//! Each rule by itself: a small root filesystem that makes it speak and one that does not, what it says word for word, and
//! what is left to say once its fixes are made.
//!
//! `UPDATE_EXPECT=1 cargo test --test rules` writes `expected.json` anew; read the difference before you commit it.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use backlog_audit::Request;
use backlog_audit::model::{Finding, Safety};
use backlog_audit::report::Report;
use backlog_audit::rules::Rules;
use backlog_audit::text::{Sources, Span};
use common::patched::{self, Patched};
use serde_json::{Value, json};

/// One case: `tests/cases/rules/<rule>/fires` or `silent`, with `-and-why` behind it where there are several.
struct Case {
    rule: String,
    name: String,
    path: PathBuf,
}

impl Case {
    fn all() -> Vec<Case> {
        let rules = common::cases("rules").into_iter();
        rules.flat_map(|rule| Case::of(&rule)).collect()
    }

    fn of(rule: &Path) -> Vec<Case> {
        let kind = format!("rules/{}", common::name(rule));
        let case = |path: PathBuf| Case { rule: common::name(rule), name: common::name(&path), path };
        common::cases(&kind).into_iter().map(case).collect()
    }

    fn fires(&self) -> bool {
        match self.name.split('-').next() {
            Some("fires") => true,
            Some("silent") => false,
            _ => panic!("{}: a case either fires or is silent", self.path.display()),
        }
    }

    /// The case's root, with what `request.json` beside it says.
    fn request(&self) -> Request {
        common::request(&self.path)
    }
}

#[test]
fn every_rule_has_both_cases() {
    let rules = Rules::load(&Sources::new(), &[]).unwrap();
    for rule in rules.iter() {
        let folder = Path::new("tests/cases/rules").join(&rule.id);
        assert!(folder.is_dir(), "{} has no case", rule.id);
        let cases = Case::of(&folder);
        assert!(cases.iter().any(Case::fires), "{} never fires", rule.id);
        assert!(cases.iter().any(|case| !case.fires()), "{} is never silent", rule.id);
    }
}

#[test]
fn every_case_says_what_is_expected() {
    let mut wrong = Vec::new();
    for case in Case::all() {
        let report = common::audit(&Request { select: vec![case.rule.clone()], ..case.request() });
        if report.findings.is_empty() == case.fires() {
            wrong.push(format!("{}: {} findings", case.path.display(), report.findings.len()));
        }
        let said = serde_json::to_string_pretty(&shown(&report)).unwrap() + "\n";
        let expected = case.path.join("expected.json");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&expected, said).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != said {
            wrong.push(format!("{}:\n{said}", expected.display()));
        }
    }
    assert!(wrong.is_empty(), "{} cases say something else:\n{}", wrong.len(), wrong.join("\n"));
}

/// Each fix alone, on a copy of the tree: its finding is gone, there is none that was not there, and the other bytes stay.
#[test]
fn every_fix_mends_its_finding_and_breaks_nothing() {
    for case in Case::all() {
        let request = Request { unsafe_fixes: true, ..case.request() };
        let report = common::audit(&Request { select: vec![case.rule.clone()], ..request.clone() });
        for (index, finding) in report.findings.iter().enumerate() {
            for fix in 0..finding.fixes.len() {
                let it = &finding.fixes[fix];
                if it.set.is_empty() {
                    assert!(!it.then.is_empty(), "{}: a fix that does nothing", case.path.display());
                    continue;
                }
                let edits = report.plan.edits_of(index, fix).map(|planned| planned.edit.clone()).collect();
                let patched = Patched::new(&request, &report, edits);
                assert!(!patched.edits.is_empty(), "{}: a fix without an edit", case.path.display());
                let after = patched.audit(std::slice::from_ref(&case.rule));
                let same = patched::key(&report, finding);
                let left = after.findings.iter().find(|found| patched::key(&after, found) == same);
                assert!(left.is_none(), "{}: still there: {left:#?}", case.path.display());
                patched.check_bytes(&report);
            }
        }
    }
}

/// The whole patch of all rules, safe and unsafe.
#[test]
fn every_patch_keeps_its_promises() {
    for case in Case::all() {
        for allowed in [Safety::Safe, Safety::Unsafe] {
            let request = Request { unsafe_fixes: allowed == Safety::Unsafe, ..case.request() };
            patched::check_patch(&request, allowed, &case.path.display().to_string());
        }
    }
}

/// What a case expects, in the words of the report's JSON.
fn shown(report: &Report) -> Value {
    let ids = report.listener_ids();
    let findings = report.findings.iter().enumerate();
    findings.map(|(index, finding)| shown_finding(report, &ids, index, finding)).collect()
}

fn shown_finding(report: &Report, ids: &[String], index: usize, finding: &Finding) -> Value {
    let labels = finding.labels.iter().map(|label| (at(report, label.at), json!(label.message)));
    let fixes: Vec<Value> = (0..finding.fixes.len()).map(|fix| shown_fix(report, index, fix)).collect();
    json!({
        "rule": finding.rule,
        "severity": finding.severity.word(),
        "at": at(report, finding.at),
        "listener": finding.listener.map(|listener| &ids[listener]),
        "message": finding.message,
        "labels": labels.map(|(at, message)| json!([at, message])).collect::<Vec<_>>(),
        "help": finding.all_help("\n"),
        "fixes": fixes,
    })
}

fn shown_fix(report: &Report, finding: usize, fix: usize) -> Value {
    let it = &report.findings[finding].fixes[fix];
    let edits = report.plan.edits_of(finding, fix).map(|planned| {
        let source = report.sources.get(planned.edit.span.source);
        let new = if source.is_absent() { "new file" } else { "" };
        let span = planned.edit.span;
        BTreeMap::from([
            ("at", json!(format!("{} {}..{} {new}", source.name(), span.start, span.end).trim_end())),
            ("text", json!(planned.edit.text)),
        ])
    });
    json!({
        "title": it.title,
        "safety": it.safety,
        "edits": edits.collect::<Vec<_>>(),
        "then": report.plan.then_of(&report.findings, finding, fix),
    })
}

/// `etc/nginx/nginx.conf:4:9`
fn at(report: &Report, span: Span) -> String {
    let position = report.sources.position(span);
    format!("{}:{}:{}", report.sources.get(span.source).name(), position.line, position.column)
}
