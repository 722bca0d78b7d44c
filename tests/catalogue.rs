//! What `rules`, `services` and `explain` say, and that its examples are true.

mod common;

use std::fs;
use std::path::Path;

use backlog_audit::Request;
use backlog_audit::knowledge::Knowledge;
use backlog_audit::report::catalogue::{self, Form};
use backlog_audit::report::{Screen, harmless};
use backlog_audit::rules::Rules;
use backlog_audit::text::Sources;
use common::snapshot;
use unicode_width::UnicodeWidthStr;

fn known() -> (Rules, Knowledge) {
    let sources = Sources::new();
    (Rules::load(&sources, &[]).unwrap(), Knowledge::load(&sources).unwrap())
}

#[test]
fn every_example_is_taken_from_a_tree_that_the_rule_speaks_about() {
    for rule in known().0.iter() {
        let case = Path::new("tests/cases/rules").join(&rule.id).join("fires");
        let mut text = String::new();
        let mut lines = 0;
        for line in rule.words.example.lines() {
            match line.strip_prefix("# ") {
                Some(name) => text = shown_by(&case, &rule.id, name),
                None => {
                    lines += 1;
                    let same = |known: &str| words(known) == words(line);
                    assert!(text.lines().any(same), "{}: {line}\n{text}", rule.id);
                }
            }
        }
        assert!(lines > 0, "{} has no example", rule.id);
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// A file of the case, or what a command showed on the running machine that the rule speaks about there.
fn shown_by(case: &Path, rule: &str, name: &str) -> String {
    if let Ok(text) = fs::read_to_string(case.join("root").join(name)) {
        return text;
    }
    let report = common::audit(&Request { select: vec![rule.to_owned()], ..common::request(case) });
    let finding = &report.findings[0];
    let mut places = finding.labels.iter().map(|label| label.at.source).chain([finding.at.source]);
    let source = places.find(|source| report.sources.get(*source).name() == name);
    let source = source.unwrap_or_else(|| panic!("{rule}: {name} takes no part"));
    String::from_utf8_lossy(report.sources.bytes(source)).into_owned()
}

#[test]
fn the_lists_and_pages_read_as_recorded() {
    let (rules, knowledge) = known();
    let screen = Screen::plain();
    let explain = |id, form| catalogue::explain(id, &rules, &knowledge, form, &screen).unwrap();
    for (name, text) in [
        ("rules.txt", catalogue::rules(&rules, Form::Human, &screen)),
        ("services.txt", catalogue::services(&knowledge, Form::Human, &screen)),
        ("explain-queue-clamped.txt", explain("queue-clamped", Form::Human)),
        ("explain-queue-clamped.md", explain("queue-clamped", Form::Markdown)),
        ("explain-queue-clamped.json", explain("queue-clamped", Form::Json)),
    ] {
        snapshot::same(&Path::new("tests/screens").join(name), text.as_bytes());
    }
}

#[test]
fn every_page_fits_the_screen_and_is_harmless() {
    let (rules, knowledge) = known();
    let names =
        rules.iter().map(|rule| rule.id.clone()).chain(knowledge.services().map(|it| it.name.clone()));
    for name in names {
        let page = |form| catalogue::explain(&name, &rules, &knowledge, form, &Screen::plain()).unwrap();
        let text = page(Form::Human);
        assert_eq!(text.lines().find(|line| line.width() > 80 && !line.contains("://")), None, "{name}");
        assert_eq!(harmless(text.as_bytes()), text);
        assert!(serde_json::from_str::<serde_json::Value>(&page(Form::Json)).is_ok());
        assert!(page(Form::Markdown).starts_with("# "));
    }
    assert_eq!(catalogue::explain("nothing", &rules, &knowledge, Form::Human, &Screen::plain()), None);
}
