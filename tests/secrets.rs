//! What is secret is shown in no report, whatever its shape, and what decides a queue always is.

use std::fs;
use std::path::{Path, PathBuf};

use backlog_audit::model::{Fix, Label, Safety, Severity};
use backlog_audit::report::human::{self, Again};
use backlog_audit::report::prometheus::{self, Exposition};
use backlog_audit::report::{
    Report, Screen, checkstyle, github, gitlab, json, junit, markdown, ndjson, sarif,
};
use backlog_audit::text::Span;

mod common;

use common::by_hand::ByHand;
use common::scratch::Scratch;

/// The paragraphs of a file; those that begin with `##` are remarks.
fn paragraphs(name: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new("tests/secrets").join(name)).unwrap();
    let all = text.split("\n\n").map(|part| part.trim_matches('\n').to_owned());
    all.filter(|part| !part.is_empty() && !part.starts_with("##")).collect()
}

struct Shape {
    text: String,
    secrets: Vec<String>,
}

fn shapes() -> Vec<Shape> {
    let shape = |marked: String| {
        let inside = marked.split('«').skip(1).map(|part| part.split('»').next().unwrap().to_owned());
        Shape { secrets: inside.collect(), text: marked.replace(['«', '»'], "") }
    };
    let all: Vec<Shape> = paragraphs("shapes.txt").into_iter().map(shape).collect();
    assert!(all.len() >= 300 && all.iter().all(|shape| !shape.secrets.is_empty()));
    all
}

/// Every format but the patch, which is bytes of the files.
fn all_formats(report: &Report) -> [(&'static str, String); 10] {
    let screen = wide(400);
    let least = Some(Severity::Info);
    [
        ("human", human::render(report, &screen, &Again::default(), least)),
        ("json", json::render(report)),
        ("ndjson", ndjson::render(report)),
        ("sarif", sarif::render(report)),
        ("github", github::render(report)),
        ("gitlab", gitlab::render(report)),
        ("junit", junit::render(report, least)),
        ("checkstyle", checkstyle::render(report)),
        ("markdown", markdown::render(report)),
        ("prometheus", prometheus::render(report, Exposition::Text)),
    ]
}

fn wide(width: usize) -> Screen {
    Screen { width, ..Screen::plain() }
}

/// A report that shows all lines of the text, and speaks of each if it is asked to.
fn about(text: &str, speaks: bool) -> Report {
    let mut hand = ByHand::new();
    let file = hand.file("srv/some.conf", format!("{text}\nlisten 80 backlog=511;\n"));
    let listen = hand.at(file, "backlog=511");
    hand.somaxconn(hand.at(file, "80"), 128);
    hand.clamped("nginx", "0.0.0.0:80", listen, 511);
    let mut spans = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        spans.push((Span::new(file, start..start + 1), line.trim()));
        start += line.len();
    }
    let labels = spans.iter().map(|(at, _)| Label::new(*at, "")).collect();
    hand.finding("unreadable", Severity::Error, "all of it", spans[0].0).labels = labels;
    for (at, said) in spans.into_iter().filter(|_| speaks) {
        let finding = hand.finding("unreadable", Severity::Error, &format!("it is not known: {said}"), at);
        finding.labels = vec![Label::new(at, said)];
        finding.fixes = vec![Fix {
            title: format!("change {said}"),
            safety: Safety::Safe,
            set: Vec::new(),
            then: vec![said.to_owned()],
        }];
        *finding = finding.clone().help(format!("look at {said}"));
    }
    hand.0
}

/// The secrets that are shown.
fn leaks(shown: &str, secrets: &[String]) -> Vec<String> {
    let lines = secrets.iter().flat_map(|secret| secret.lines()).map(str::trim);
    lines.filter(|secret| secret.len() > 2 && shown.contains(secret)).map(str::to_owned).collect()
}

/// One listener of nginx, and a line of sysctl.d that cuts its queue, between two lines.
fn shown_beside(scratch: &Scratch, line: &str) -> Report {
    scratch.write("root/etc/sysctl.d/90-x.conf", format!("{line}\nnet.core.somaxconn = 128\n{line}\n"));
    common::audit(&common::of_root(&scratch.0.join("root")))
}

#[test]
fn no_line_of_a_report_shows_a_secret() {
    for shape in shapes() {
        let shown =
            human::render(&about(&shape.text, false), &wide(400), &Again::default(), Some(Severity::Info));
        let lines: Vec<&str> = shown.lines().filter(|line| line.contains('│')).collect();
        let words: Vec<String> =
            shape.secrets.iter().flat_map(|it| it.split_whitespace()).map(str::to_owned).collect();
        let leaked = leaks(&lines.join("\n"), &words);
        assert!(lines.len() >= shape.text.lines().count() && leaked.is_empty(), "{leaked:?} in\n{shown}");
    }
}

#[test]
fn no_format_speaks_of_a_secret_of_one_line() {
    for shape in shapes().iter().filter(|shape| !shape.text.contains('\n')) {
        for (name, shown) in all_formats(&about(&shape.text, true)) {
            let leaked = leaks(&shown, &shape.secrets);
            assert!(leaked.is_empty(), "{name}: {leaked:?} of {}\n{shown}", shape.text);
        }
    }
}

#[test]
fn an_audit_shows_no_secret_beside_the_line_that_it_is_about() {
    let scratch = Scratch::new("secrets");
    scratch.write("root/etc/nginx/nginx.conf", "events {}\nhttp { server { listen 80 backlog=511; } }\n");
    let report = shown_beside(&scratch, "# nothing");
    assert!(all_formats(&report)[0].1.contains("# nothing"), "the lines beside are shown");
    for shape in shapes().iter().filter(|shape| !shape.text.contains('\n')) {
        let report = shown_beside(&scratch, &shape.text);
        for (name, shown) in all_formats(&report) {
            let leaked = leaks(&shown, &shape.secrets);
            assert!(leaked.is_empty(), "{name}: {leaked:?} of {}\n{shown}", shape.text);
        }
    }
}

#[test]
fn what_only_looks_secret_stays_readable() {
    let all: Vec<String> =
        paragraphs("open.txt").iter().flat_map(|part| part.lines()).map(str::to_owned).collect();
    assert!(all.len() >= 80);
    for line in all {
        let shown = human::render(&about(&line, false), &wide(400), &Again::default(), Some(Severity::Info));
        let drawn = shown.lines().any(|it| it.contains('│') && it.contains(line.trim()));
        assert!(drawn, "{line}\n{shown}");
    }
}

/// What recorded trees hold that is secret, as it is shown.
const RECORDED: [(&str, &str); 5] = [
    ("changeit", "********"),
    ("hunter2", "*******"),
    ("correct horse battery staple", "****************************"),
    ("authkey=b\"x\"", "authkey=b\"*\""),
    ("--control-token x", "--control-token *"),
];

/// Every recorded root filesystem.
fn all_roots(folder: &Path, found: &mut Vec<PathBuf>) {
    let root = folder.join("root");
    if root.is_dir() {
        return found.push(root);
    }
    let mut inside: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inside.sort();
    inside.iter().filter(|path| path.is_dir()).for_each(|path| all_roots(path, found));
}

/// The spans that decide a queue: what opens a listener, its number, where its steps and its address stand, all sysctls, and what
/// findings point at.
fn deciding(report: &Report) -> Vec<Span> {
    let mut spans = Vec::new();
    for listener in &report.host.listeners {
        spans.push(listener.site);
        spans.extend(listener.backlog.value.as_ref().map(|value| value.span));
        spans.extend(listener.steps.iter().map(|step| step.at));
        spans.extend(listener.hops.iter().map(|hop| hop.at));
    }
    for place in &report.host.places {
        let sysctls = place.sysctls.by_key.values();
        spans.extend(sysctls.filter_map(|sysctl| Some(sysctl.value.as_ref()?.span)));
    }
    spans.extend(report.findings.iter().flat_map(|it| it.labels.iter().map(|label| label.at)));
    spans.retain(|span| report.sources.get(span.source).path().is_some());
    spans.sort_by_key(|span| (span.source, span.start, span.end));
    spans.dedup();
    spans
}

/// The line that a span starts on, as the human report draws it.
fn drawn(report: &Report, span: Span) -> String {
    let line = report.sources.position(span).line.to_string();
    let shown = human::fault(&report.sources, span, "here", &wide(100_000));
    let numbered = |it: &str| {
        let (number, text) = it.split_once(" │")?;
        (number.trim() == line).then(|| text.strip_prefix(' ').unwrap_or(text).to_owned())
    };
    shown.lines().find_map(numbered).unwrap_or_default()
}

#[test]
fn what_decides_a_queue_is_never_hidden() {
    let (mut roots, mut looked) = (vec![PathBuf::from("examples/host")], 0);
    all_roots(Path::new("tests/cases"), &mut roots);
    assert!(roots.len() > 500, "{}", roots.len());
    for root in roots {
        let Ok(report) = backlog_audit::audit(&common::of_root(&root)) else { continue };
        for span in deciding(&report) {
            let source = report.sources.get(span.source);
            let position = report.sources.position(span);
            let line = String::from_utf8_lossy(source.line(position.line)).into_owned();
            // What is no plain text is spelled out, which moves the columns.
            if line.trim().is_empty() || !line.chars().all(|c| matches!(c, ' '..='~')) {
                continue;
            }
            let expected = RECORDED.iter().fold(line, |line, (secret, shown)| line.replace(secret, shown));
            let shown = drawn(&report, span);
            let same_line = position.end_line == position.line;
            let end = if same_line { position.end_column - 1 } else { expected.len() };
            let part = |text: &str| {
                let range = (position.column - 1).min(text.len())..end.min(text.len());
                text.get(range).unwrap_or_default().trim_end().to_owned()
            };
            looked += 1;
            assert_eq!(part(&shown), part(&expected), "{}: {shown}", root.display());
        }
    }
    assert!(looked > 2_000, "{looked}");
}
