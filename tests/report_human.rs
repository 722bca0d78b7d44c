//! The report for people, at its best and at its worst: calm, aligned, within the screen, harmless.

mod common;

use std::path::Path;

use backlog_audit::model::Severity;
use backlog_audit::report::human::{self, Again};
use backlog_audit::report::{Report, Screen};
use common::by_hand::ByHand;
use common::snapshot;

fn shown(report: &Report, screen: Screen) -> String {
    let again = Again {
        program: "backlog-audit".into(),
        command: "backlog-audit /srv/host".into(),
        ..Again::default()
    };
    human::render(report, &screen, &again, Some(Severity::Warning))
}

fn same(name: &str, text: &str) {
    snapshot::same(&Path::new("tests/screens").join(name), text.as_bytes());
}

/// A sysctl that cuts, and an nginx with as many listeners as wanted.
fn clamped(count: usize) -> ByHand {
    let mut hand = ByHand::new();
    let sysctl =
        hand.file("etc/sysctl.d/99-legacy.conf", "# old\nnet.core.somaxconn = 128\nvm.swappiness = 10\n");
    let nginx: String = (0..count)
        .map(|n| format!("server {{\n    listen {} backlog={};\n}}\n", 8000 + n, 1000 + n))
        .collect();
    let nginx = hand.file("etc/nginx/nginx.conf", nginx);
    hand.somaxconn(hand.at(sysctl, "128"), 128);
    for n in 0..count {
        let at = hand.at(nginx, &format!("backlog={}", 1000 + n));
        hand.clamped("nginx", &format!("0.0.0.0:{}", 8000 + n), at, 1000 + n as i64);
    }
    hand
}

#[test]
fn one_finding() {
    same("one-finding.txt", &shown(&clamped(1).0, Screen::plain()));
}

#[test]
fn two_hundred_clamped_listeners_are_one_story() {
    let text = shown(&clamped(200).0, Screen::plain());
    assert!(text.lines().count() < 75, "{text}");
    same("two-hundred.txt", &text);
}
