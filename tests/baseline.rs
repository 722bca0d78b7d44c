//! The baseline: it hides what it lists and nothing else, also after lines have moved, and tells what it lists for nothing.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use backlog_audit::Request;
use backlog_audit::report::{Report, json, patch};
use common::scratch::Scratch;
use serde_json::{Value, json};

fn run(scratch: &Scratch, arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_backlog-audit"));
    let arguments = ["--kernel", "6.18", "--offline"].iter().chain(arguments);
    program.args(arguments).current_dir(&scratch.0).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Audits with the baseline.
fn audit(scratch: &Scratch) -> Report {
    let baseline = Some(scratch.0.join("known.json"));
    common::audit(&Request { kernel: Some("6.18".into()), baseline, ..common::of_root(&scratch.0) })
}

/// Makes what is found now the baseline.
fn learn(scratch: &Scratch) {
    run(scratch, &["--as", "root", "--write-baseline", "known.json", "."]);
}

fn found(report: &Report) -> Vec<String> {
    let findings = report.findings.iter().map(|finding| {
        let source = report.sources.get(finding.at.source);
        format!("{} {}:{}", finding.rule, source.name(), report.sources.position(finding.at).line)
    });
    findings.collect()
}

fn fixed(report: &Report) -> Vec<String> {
    let document: Value = serde_json::from_str(&json::render(report)).unwrap();
    let fixed = document["fixed"].as_array().unwrap().iter();
    fixed.map(|it| format!("{} {} x{}", it["rule"].as_str().unwrap(), it["listener"], it["count"])).collect()
}

fn nginx(lines: &str) -> String {
    format!("events {{}}\nhttp {{ server {{\n{lines}}} }}\n")
}

#[test]
fn it_hides_all_that_was_there_and_says_so() {
    let scratch = Scratch::new("baseline-all");
    scratch.write("etc/nginx/nginx.conf", nginx("listen 80 backlog=1;\nlisten 81 backlog=9000;\n"));
    scratch.write("etc/sysctl.d/50-a.conf", "net.ipv4.tcp_syncookies = 2\n");
    let first = run(&scratch, &["--write-baseline", "known.json", "."]);
    assert_eq!(first.status.code(), Some(0), "they are written down");
    assert_eq!(text(&first.stderr), "3 findings are now in the baseline known.json\n");
    let once = fs::read(scratch.0.join("known.json")).unwrap();
    learn(&scratch);
    assert_eq!(fs::read(scratch.0.join("known.json")).unwrap(), once, "the same tree, the same bytes");
    let second = run(&scratch, &["--baseline", "known.json", "--fail-on", "info", "."]);
    assert_eq!(second.status.code(), Some(0), "{}", text(&second.stdout));
    assert!(
        text(&second.stdout).contains("nothing to report, 3 in the baseline"),
        "{}",
        text(&second.stdout)
    );
    let report = audit(&scratch);
    assert_eq!((report.findings.len(), report.hidden.in_baseline, fixed(&report).len()), (0, 3, 0));
    assert!(patch::render(&report).is_empty(), "what is hidden has no part in the patch");
}

#[test]
fn lines_may_move_but_not_change() {
    let scratch = Scratch::new("baseline-moved");
    scratch.write("etc/nginx/nginx.conf", nginx("listen 80 backlog=1;\nlisten 81 backlog=2;\n"));
    scratch.write(
        "srv/a/server.js",
        "const net = require('net');\nnet.createServer().listen(process.env.PORT, '0.0.0.0', 1);\n",
    );
    learn(&scratch);
    assert_eq!(found(&audit(&scratch)), Vec::<String>::new());
    scratch
        .write("etc/nginx/nginx.conf", nginx("\n# moved\n  listen\t81   backlog=2;\nlisten 80 backlog=1;\n"));
    scratch.write(
        "srv/a/server.js",
        "\n\nconst net = require('net');\n  net.createServer().listen(process.env.PORT, '0.0.0.0', 1);\n",
    );
    assert_eq!(found(&audit(&scratch)), Vec::<String>::new());
    scratch.write("etc/nginx/nginx.conf", nginx("listen 80 backlog=3;\nlisten 82 backlog=2;\n"));
    let report = audit(&scratch);
    let new = ["queue-tiny etc/nginx/nginx.conf:3", "queue-tiny etc/nginx/nginx.conf:4"];
    assert_eq!(found(&report), new, "another text, another listener");
    let gone = ["queue-tiny \"nginx:0.0.0.0:80\" x1", "queue-tiny \"nginx:0.0.0.0:81\" x1"];
    assert_eq!(fixed(&report), gone);
}

#[test]
fn what_is_alike_is_counted() {
    let scratch = Scratch::new("baseline-count");
    let always = "net.ipv4.tcp_syncookies = 2\n";
    let typo = "net.core.somaxcon = 512\n";
    scratch.write("etc/sysctl.d/50-a.conf", format!("{always}{typo}{typo}"));
    learn(&scratch);
    let listed: Value = common::json(&scratch.0.join("known.json"));
    let counts: Vec<&Value> = listed["findings"].as_array().unwrap().iter().map(|it| &it["count"]).collect();
    assert_eq!(counts, [&json!(1), &json!(2)], "{listed:#}");
    scratch.write("etc/sysctl.d/60-b.conf", typo);
    let report = audit(&scratch);
    assert_eq!(
        found(&report),
        ["sysctl-typo etc/sysctl.d/60-b.conf:1"],
        "those in the same file are the old ones"
    );
    scratch.write("etc/sysctl.d/50-a.conf", format!("{always}{typo}"));
    assert_eq!(found(&audit(&scratch)), Vec::<String>::new(), "one has moved to another file");
    fs::remove_file(scratch.0.join("etc/sysctl.d/60-b.conf")).unwrap();
    assert_eq!(fixed(&audit(&scratch)), ["sysctl-typo null x1"]);
}

#[test]
fn what_is_fixed_is_told() {
    let scratch = Scratch::new("baseline-fixed");
    scratch.write("etc/nginx/nginx.conf", nginx("listen 80 backlog=1;\n"));
    learn(&scratch);
    scratch.write("etc/nginx/nginx.conf", nginx("listen 80 backlog=511;\n"));
    let said = text(&run(&scratch, &["--baseline", "known.json", "."]).stdout);
    assert!(said.contains("Fixed since the baseline: queue-tiny of nginx:0.0.0.0:80\n"), "{said}");
    let without = text(&run(&scratch, &["--format", "json", "."]).stdout);
    assert!(!without.contains("\"fixed\""), "without a baseline nothing is said of it");
    let other = text(&run(&scratch, &["--baseline", "known.json", "--select", "queue-clamped", "."]).stdout);
    assert!(!other.contains("Fixed"), "of rules that were not asked for nothing is said: {other}");
}

#[test]
fn an_old_baseline_is_written_anew() {
    let scratch = Scratch::new("baseline-anew");
    scratch.write("etc/nginx/nginx.conf", nginx("listen 80 backlog=1;\nlisten 81 backlog=1;\n"));
    learn(&scratch);
    scratch.write("etc/nginx/nginx.conf", nginx("listen 81 backlog=1;\nlisten 82 backlog=1;\n"));
    run(&scratch, &["--baseline", "known.json", "--write-baseline", "known.json", "."]);
    let report = audit(&scratch);
    assert_eq!((found(&report).len(), report.hidden.in_baseline, fixed(&report).len()), (0, 2, 0));
}

#[test]
fn only_what_is_gone_is_fixed() {
    let scratch = Scratch::new("baseline-gone");
    let tiny = "listen 80 backlog=1;\n";
    for file in ["etc/nginx/nginx.conf", "etc/angie/angie.conf"] {
        scratch.write(file, nginx(tiny));
    }
    learn(&scratch);
    let fixed_in = |path: &str| {
        let request = Request {
            paths: vec![scratch.0.join(path)],
            kernel: Some("6.18".into()),
            baseline: Some(scratch.0.join("known.json")),
            ..Request::default()
        };
        fixed(&common::audit(&request)).len()
    };
    assert_eq!(fixed_in("etc/nginx"), 0, "the files of another root were not looked at");
    scratch.write(
        "etc/nginx/nginx.conf",
        nginx("# backlog-audit: ignore queue-tiny -- one client\nlisten 80 backlog=1;\n"),
    );
    assert_eq!(fixed(&audit(&scratch)).len(), 0, "it is ignored");
    scratch.write("etc/nginx/nginx.conf", nginx("listen 80 backlog=511;\n"));
    assert_eq!(fixed(&audit(&scratch)).len(), 1, "it is written otherwise");
    fs::remove_file(scratch.0.join("etc/angie/angie.conf")).unwrap();
    assert_eq!(fixed(&audit(&scratch)).len(), 2, "its file is gone");
}

#[test]
fn a_line_with_a_secret_is_not_copied() {
    let scratch = Scratch::new("baseline-secret");
    let server = "<Server port=\"-1\"><Service name=\"Catalina\">\n<Connector port=\"8443\" acceptCount=\"1\" keystorePass=\"hunter2\"/>\n</Service></Server>\n";
    scratch.write("etc/tomcat10/server.xml", server);
    learn(&scratch);
    let written = text(&fs::read(scratch.0.join("known.json")).unwrap());
    assert!(written.contains("queue-tiny") && !written.contains("hunter2"), "{written}");
}

#[test]
fn one_that_does_not_read_ends_the_audit() {
    let scratch = Scratch::new("baseline-broken");
    scratch.write("etc/nginx/nginx.conf", nginx("listen 80;\n"));
    for (content, says) in [
        (None, "--baseline: there is no file known.json; --write-baseline known.json makes it"),
        (Some("{}"), "known.json: this is not a baseline; --write-baseline FILE"),
        (Some("<a/>"), "known.json: this is not JSON, so it is not a baseline"),
        (Some("{\"version\": 2, \"findings\": []}"), "known.json: it is a baseline of version 2"),
    ] {
        if let Some(content) = content {
            scratch.write("known.json", content);
        }
        let output = run(&scratch, &["--baseline", "known.json", "."]);
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(2), ""));
        assert!(text(&output.stderr).contains(says), "{}", text(&output.stderr));
    }
    let output = run(&scratch, &["--write-baseline", "nowhere/known.json", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!Path::new(&scratch.0).join("nowhere").exists());
}
