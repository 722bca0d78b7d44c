//! What `rules`, `services` and `explain` say, and that its examples are true.

mod common;

use std::fs;
use std::path::Path;

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
        let root = Path::new("tests/cases/rules").join(&rule.id).join("fires/root");
        let mut text = String::new();
        let mut lines = 0;
        for line in rule.example.lines() {
            match line.strip_prefix("# ") {
                Some(file) => text = fs::read_to_string(root.join(file)).unwrap(),
                None => {
                    lines += 1;
                    assert!(text.lines().any(|known| known.trim() == line.trim()), "{}: {line}", rule.id);
                }
            }
        }
        assert!(lines > 0, "{} has no example", rule.id);
    }
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
