//! The report for people, at its best and at its worst: calm, aligned, within the screen, harmless.

mod common;

use std::path::Path;

use backlog_audit::model::{Endpoint, Label, Severity, Step, Transport};
use backlog_audit::report::human::{self, Again};
use backlog_audit::report::{Detail, Report, Screen, harmless, markdown};
use backlog_audit::text::Span;
use common::by_hand::ByHand;
use common::snapshot;
use unicode_width::UnicodeWidthStr;

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

/// A finding about these lines, each with its words.
fn about(files: &[(&str, &[u8], &str, &str)]) -> Report {
    let mut hand = ByHand::new();
    let spans: Vec<Span> = files
        .iter()
        .map(|(path, text, at, _)| {
            let file = hand.file(path, text);
            hand.at(file, at)
        })
        .collect();
    let labels = spans.iter().zip(files).map(|(at, (.., words))| Label::new(*at, *words)).collect();
    hand.finding("queue-tiny", Severity::Error, "a queue of 5 overflows at the first burst", spans[0])
        .labels = labels;
    hand.0
}

#[test]
fn secrets_are_starred_and_marks_stay_below_their_text() {
    let text = b"<Connector port=\"8009\" secret=\"horse battery\" acceptCount=\"5\"\n  keystorePass=\n    'changeit' />\n";
    let report = about(&[("etc/tomcat10/server.xml", text, "acceptCount=\"5\"", "5 asked for")]);
    same("secrets.txt", &shown(&report, Screen::plain()));
    let all = shown(&about(&[("a", text, "keystorePass", ""), ("b", text, "changeit", "")]), Screen::plain());
    assert!(!all.contains("changeit") && !all.contains("horse"), "{all}");
}

#[test]
fn what_a_terminal_would_obey_is_spelled_out() {
    let text = "a\u{1b}[31mred\u{9b}2J\u{202e}\u{7} \t5 # \u{feff}end\n".as_bytes();
    let mut report = about(&[("etc/\u{1b}]0;evil\u{7}/x", text, "5", "\u{1b}[5mblink")]);
    report.findings[0].message = "bad \u{1b}[2J news\nin two lines".into();
    report.findings[0].help = vec!["h\u{9b}elp".into()];
    let ours = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    for colour in [false, true] {
        let text = shown(&report, Screen { colour, ..Screen::plain() });
        let rest = ours.replace_all(&text, "");
        let harmful =
            rest.chars().find(|c| *c != '\n' && (c.is_control() || matches!(c, '\u{202e}' | '\u{feff}')));
        assert_eq!(harmful, None, "{rest}");
        assert!(!text.contains("\u{1b}[31mred") && !text.contains("\u{1b}[5m"), "{text}");
    }
    same("harmful.txt", &shown(&report, Screen::plain()));
}

#[test]
fn bytes_that_are_not_text_and_wide_characters_keep_the_marks_in_place() {
    let report = about(&[
        ("etc/latin-1", b"# \xe4\xf6\xfc backlog 5\n", "5", "after three bytes"),
        ("etc/wide", "# 接続待ち行列 = 5 件\n".as_bytes(), "5", "after wide characters"),
        ("etc/tabs", b"\tlisten\t80\tbacklog=5;\n", "backlog=5", "after tabs"),
    ]);
    same("characters.txt", &shown(&report, Screen::plain()));
}

#[test]
fn long_lines_show_the_surroundings_of_the_mark() {
    let minified = format!(
        "{}app.listen(3000,5);{}",
        "var a=function(){return 1};".repeat(20_000),
        "x();".repeat(20_000)
    );
    let end = format!("{}app.listen(3000,5)", "y();".repeat(100));
    let report = about(&[
        ("srv/app.min.js", minified.as_bytes(), "5);x", "in the middle"),
        (
            "srv/end.js",
            end.as_bytes(),
            "5)",
            "at the end of a line, and with a good deal to say about it, more than fits",
        ),
        ("srv/start.js", minified.as_bytes(), "var", "at the start"),
    ]);
    let text = shown(&report, Screen::plain());
    assert!(text.lines().all(|line| line.width() <= 80), "{text}");
    same("long-lines.txt", &text);
}

#[test]
fn a_long_path_keeps_its_end() {
    let path = format!("{}nginx.conf", "deploy/environments/production/".repeat(3));
    let text = "\n".repeat(1233) + "    listen 80 backlog=5;\n";
    let report = about(&[(&path, text.as_bytes(), "backlog=5", "asks for 5"), ("a", b"5\n", "5", "short")]);
    for width in [60, 80] {
        let text = shown(&report, Screen::plain().wide(width));
        assert!(text.lines().all(|line| line.width() <= width), "{text}");
        assert!(text.contains("/production/nginx.conf:1234:15]"), "{text}");
    }
    let text = shown(&report, Screen::plain());
    let header = text.lines().find(|line| line.contains("nginx.conf:1234")).unwrap();
    assert_eq!(header.width(), 80, "no more is cut off than has to be: {text}");
}

#[test]
fn marks_that_overlap_or_span_lines_are_drawn_apart() {
    let mut hand = ByHand::new();
    let file = hand
        .file("etc/nginx/nginx.conf", "server {\n    listen 80 backlog=5\n        reuseport;\n}\n\n\nlast\n");
    let whole = hand.at(file, "listen 80 backlog=5\n        reuseport;");
    let (value, number, last) = (hand.at(file, "backlog=5"), hand.at(file, "5"), hand.at(file, "last"));
    let finding = hand.finding("queue-tiny", Severity::Warning, "tiny", whole);
    finding.labels = vec![
        Label::new(number, "the number"),
        Label::new(whole, "the directive"),
        Label::new(value, "the option"),
        Label::new(value, "said twice"),
        Label::new(Span::new(file, last.end as usize..last.end as usize), "an empty place"),
    ];
    same("overlaps.txt", &shown(&hand.0, Screen::plain()));
}

#[test]
fn every_width_holds() {
    let mut hand = clamped(30);
    hand.0.host.listeners[3].sockets = None;
    hand.0.findings[0].help = vec!["words ".repeat(40)];
    for width in [60, 72, 80, 100] {
        let text = shown(&hand.0, Screen::plain().wide(width));
        for line in text.lines().filter(|line| line.width() > width) {
            // Commands are never broken: they are there to be copied.
            assert!(
                line.trim_start().starts_with("backlog-audit")
                    || line.contains("sysctl -w")
                    || line.contains("ss -"),
                "{width}: {line}"
            );
        }
    }
}

#[test]
fn ascii_is_enough() {
    let text = shown(&clamped(2).0, Screen { unicode: false, ..Screen::plain() });
    assert!(text.is_ascii(), "{text}");
    same("ascii.txt", &text);
}

#[test]
fn many_findings_of_one_rule_become_lines_and_then_a_number() {
    let mut hand = ByHand::new();
    for n in 0..30 {
        let file = hand.file(&format!("etc/nginx/sites/{n}"), "x\n");
        hand.finding("unreadable", Severity::Info, &format!("site {n} does not read"), Span::top(file));
    }
    let text = shown(&hand.0, Screen::plain());
    same("many.txt", &text);
    let all = shown(&hand.0, Screen { detail: Detail::Verbose, ..Screen::plain() });
    assert_eq!(all.matches("does not read").count(), 30);
}

#[test]
fn quiet_shows_what_counts_and_nothing_else() {
    let mut hand = clamped(1);
    let file = hand.file("a", "x");
    hand.finding("unreadable", Severity::Info, "of no weight", Span::top(file));
    let text = shown(&hand.0, Screen { detail: Detail::Quiet, ..Screen::plain() });
    assert!(
        text.contains("queue-clamped") && !text.contains("of no weight") && !text.contains("Next"),
        "{text}"
    );
}

#[test]
fn all_is_told_where_all_is_asked_for() {
    let mut hand = clamped(2);
    let at = hand.0.host.listeners[1].site;
    hand.0.host.listeners[1].notes = vec![Step {
        value: Some(400),
        what: "maxThreads: Tomcat serves this many requests at once".into(),
        at,
    }];
    hand.0.queues[0].syn.limit_max = Some(129);
    hand.0.queues[1].syn.cookies = false;
    hand.0.host.listeners[1].endpoint = Endpoint::Unknown(Transport::Tcp);
    same("verbose.txt", &shown(&hand.0, Screen { detail: Detail::Verbose, ..Screen::plain() }));
}

#[test]
fn listeners_of_one_address_are_told_apart_by_their_lines() {
    let mut hand = ByHand::new();
    let sysctl = hand.file("etc/sysctl.d/99-legacy.conf", "net.core.somaxconn = 128\n");
    hand.somaxconn(hand.at(sysctl, "128"), 128);
    for service in ["billing", "shop", "a-program-with-a-name-that-leaves-no-room-for-its-own-folder"] {
        let file = hand.file(&format!("srv/{service}/server.js"), "\napp.listen(3000, 511)\n");
        let at = hand.at(file, "511");
        hand.clamped("node", "0.0.0.0:3000", at, 511);
        hand.clamped("node", "0.0.0.0:3000", at, 511);
    }
    let alone = hand.file("srv/alone/server.js", "\napp.listen(3001, 511)\n");
    hand.clamped("node", "0.0.0.0:3001", hand.at(alone, "511"), 511);
    same("twins.txt", &shown(&hand.0, Screen::plain()));
    same("twins.md", &markdown::render(&hand.0));
}

#[test]
fn bytes_for_a_terminal_keep_their_lines_and_lose_their_power() {
    assert_eq!(harmless(b"+a\x1b[2J\x9b\n\tb\r\n\xff"), "+a\\x1b[2J\u{fffd}\n\tb\\r\n\u{fffd}");
}
