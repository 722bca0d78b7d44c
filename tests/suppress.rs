//! What somebody decided to live with: it is left out of the report and of the patch, and nothing else is.

mod common;

use std::path::Path;
use std::process::{Command, Stdio};

use backlog_audit::Request;
use backlog_audit::model::{Date, ReadAs};
use backlog_audit::report::{Report, json, patch};
use common::scratch::Scratch;

fn request(scratch: &Scratch) -> Request {
    Request { kernel: Some("6.18".into()), ..common::of_root(&scratch.0) }
}

fn audit(scratch: &Scratch) -> Report {
    common::audit(&request(scratch))
}

/// `rule PATH:LINE` for every finding.
fn found(report: &Report) -> Vec<String> {
    let findings = report.findings.iter().map(|finding| {
        let source = report.sources.get(finding.at.source);
        format!("{} {}:{}", finding.rule, source.name(), report.sources.position(finding.at).line)
    });
    findings.collect()
}

fn nginx(lines: &str) -> String {
    format!("events {{}}\nhttp {{ server {{\n{lines}}} }}\n")
}

/// Each format of files that we read: without the comment there is a finding, with it there is none.
#[test]
fn a_comment_hides_what_it_stands_beside_in_every_format() {
    let xml = |comment: &str| {
        format!(
            "<Server port=\"-1\">\n <Service name=\"Catalina\">\n  {comment}\n  <Connector port=\"8080\"\n             \
             acceptCount=\"1\"/>\n  <Engine name=\"Catalina\" defaultHost=\"localhost\"/>\n </Service>\n</Server>\n"
        )
    };
    let node = |comment: &str| {
        format!(
            "const http = require('http');\nconst server = http.createServer();\n{comment}\nserver.listen({{\n  port: 3000,\n  backlog: 1,\n}});\n"
        )
    };
    for (rule, path, with, without) in [
        (
            "queue-tiny",
            "etc/nginx/nginx.conf",
            nginx("listen 80 backlog=1; # backlog-audit: ignore queue-tiny -- so\n"),
            nginx("listen 80 backlog=1; # backlog-audit: queue-tiny -- so\n"),
        ),
        (
            "queue-tiny",
            "etc/tomcat10/server.xml",
            xml("<!-- backlog-audit: ignore queue-tiny: so -->"),
            xml(""),
        ),
        ("queue-tiny", "srv/a/server.js", node("// backlog-audit: ignore queue-tiny -- so"), node("")),
        ("queue-tiny", "srv/a/server.ts", node("/* backlog-audit: ignore queue-tiny -- so */"), node("")),
        (
            "syncookies-always",
            "etc/sysctl.d/50-a.conf",
            "; backlog-audit: ignore syncookies-always -- so\nnet.ipv4.tcp_syncookies = 2\n".to_owned(),
            "; so\nnet.ipv4.tcp_syncookies = 2\n".to_owned(),
        ),
    ] {
        let scratch = Scratch::new("suppress-formats");
        scratch.write("etc/nginx/nginx.conf", nginx("listen 8000 backlog=511;\n"));
        let of_rule = |report: &Report| report.findings.iter().filter(|finding| finding.rule == rule).count();
        scratch.write(path, without);
        let report = audit(&scratch);
        assert_eq!((of_rule(&report), report.hidden.ignored), (1, 0), "{path}: {:?}", found(&report));
        scratch.write(path, with);
        let report = audit(&scratch);
        assert_eq!((of_rule(&report), report.hidden.ignored), (0, 1), "{path}: {:?}", found(&report));
        assert!(!found(&report).iter().any(|it| it.starts_with("ignore-")), "{path}: {:?}", found(&report));
    }
}

#[test]
fn only_what_is_named_is_hidden_and_only_there() {
    let scratch = Scratch::new("suppress-only");
    scratch.write(
        "etc/nginx/nginx.conf",
        nginx(
            "listen 80 backlog=1; # backlog-audit: ignore queue-clamped -- another rule\nlisten 81 backlog=1;\n\
             # backlog-audit: ignore queue-tiny -- only the next line\nlisten 82 backlog=1;\nlisten 83 backlog=1;\n",
        ),
    );
    let expected = ["queue-tiny :3", "ignore-unused :3", "queue-tiny :4", "queue-tiny :7"]
        .map(|it| it.replace(" :", " etc/nginx/nginx.conf:"));
    assert_eq!(found(&audit(&scratch)), expected);
}

/// Two listeners share somaxconn: one wants more of it than the other.
#[test]
fn what_is_hidden_is_not_in_the_patch() {
    let scratch = Scratch::new("suppress-patch");
    let listens = |first: &str, second: &str| {
        let lines = format!("listen 80 backlog=1000;{first}\nlisten 81 backlog=3000;{second}\n");
        scratch.write("etc/nginx/nginx.conf", nginx(&lines));
    };
    scratch.write("etc/sysctl.d/50-a.conf", "net.core.somaxconn = 128\n");
    let comment = " # backlog-audit: ignore queue-clamped -- so";
    let written = || String::from_utf8(patch::render(&audit(&scratch))).unwrap();
    listens("", "");
    assert!(written().contains("+net.core.somaxconn = 3000"));
    listens("", comment);
    assert!(written().contains("+net.core.somaxconn = 1000"), "{}", written());
    listens(comment, comment);
    assert_eq!(written(), "");
    assert!(json::render(&audit(&scratch)).contains("\"ignored\": 2"));
}

#[test]
fn the_policy_hides_by_path_listener_and_rule() {
    let scratch = Scratch::new("suppress-policy");
    scratch.write("etc/nginx/nginx.conf", nginx("listen 80 backlog=1;\nlisten [::]:81 backlog=1;\n"));
    scratch.write("etc/nginx/other.conf", "");
    scratch.write("etc/sysctl.d/50-a.conf", "net.ipv4.tcp_syncookies = 2\n");
    let left = |ignore: &str| {
        scratch.write("backlog-audit.toml", format!("[[ignore]]\nreason = \"so\"\n{ignore}"));
        let rules = found(&audit(&scratch)).into_iter();
        let lines: Vec<String> =
            rules.map(|it| it.rsplit('/').next().unwrap_or_default().to_owned()).collect();
        lines.join(" ")
    };
    let all = "nginx.conf:3 nginx.conf:4 50-a.conf:1";
    assert_eq!(left("listener = \"nginx:0.0.0.0:80\""), "nginx.conf:4 50-a.conf:1");
    assert_eq!(left("listener = \"[::]:81\""), "nginx.conf:3 50-a.conf:1", "an address is not a pattern");
    assert_eq!(left("listener = \"nginx:*\""), "50-a.conf:1");
    assert_eq!(left("rule = \"syncookies-always\""), "nginx.conf:3 nginx.conf:4");
    assert_eq!(left("path = \"etc/sysctl.d\""), "nginx.conf:3 nginx.conf:4");
    assert_eq!(left("path = \"etc/*/*.conf\"\nrule = \"queue-tiny\""), "50-a.conf:1");
    assert!(
        left("path = \"etc/sysctl.d\"\nrule = \"queue-tiny\"").ends_with(all),
        "all of them have to cover it"
    );
    assert!(left("path = \"etc/sysctl.d\"\nlistener = \"*\"").ends_with(all));
    assert!(left("listener = \"tomcat:*\"").ends_with(all));
}

#[test]
fn an_ignore_is_judged_by_all_that_was_looked_at() {
    let scratch = Scratch::new("suppress-judged");
    scratch.write(
        "etc/nginx/nginx.conf",
        nginx("listen 80 backlog=1; # backlog-audit: ignore queue-tiny, queue-clamped -- so\n"),
    );
    scratch.write("backlog-audit.toml", "[[ignore]]\nrule = \"sysctl-typo\"\nreason = \"so\"\n");
    let unused = ["ignore-unused backlog-audit.toml:2", "ignore-unused etc/nginx/nginx.conf:3"];
    assert_eq!(found(&audit(&scratch)), unused);
    let selected = |select: &str| Request { select: vec![select.into()], ..request(&scratch) };
    let report = common::audit(&selected("queue-clamped"));
    assert_eq!(
        (found(&report), report.hidden.ignored),
        (vec![], 0),
        "what was not asked for is not counted either"
    );
    let report = common::audit(&selected("ignore-unused"));
    assert_eq!(found(&report), unused, "that other rules are not asked for makes no ignore useless");
    let report = common::audit(&Request { ignore: vec!["queue-tiny".into()], ..request(&scratch) });
    assert_eq!(found(&report), unused);
    // One file is not all that the policy is about.
    let paths = vec![scratch.0.join("etc/nginx/nginx.conf")];
    let config = Some(scratch.0.join("backlog-audit.toml"));
    let report = common::audit(&Request { paths, config, read_as: Some(ReadAs::File), ..request(&scratch) });
    assert_eq!(found(&report), ["ignore-unused nginx.conf:3"]);
}

#[test]
fn what_has_expired_hides_nothing() {
    let scratch = Scratch::new("suppress-expired");
    let line = "listen 80 backlog=1; # backlog-audit: ignore queue-tiny until 2026-06-30 -- so\n";
    scratch.write("etc/nginx/nginx.conf", nginx(line));
    let on = |day: Option<&str>| {
        found(&common::audit(&Request { today: day.and_then(Date::parse), ..request(&scratch) })).len()
    };
    assert_eq!(
        [on(Some("2026-06-29")), on(Some("2026-06-30")), on(Some("2026-07-01")), on(None)],
        [0, 0, 2, 0]
    );
}

/// The program looks at the calendar.
#[test]
fn today_is_known_at_the_door() {
    let scratch = Scratch::new("suppress-today");
    let code = |until: &str| {
        let line = format!("listen 80 backlog=1; # backlog-audit: ignore queue-tiny until {until} -- so\n");
        scratch.write("etc/nginx/nginx.conf", nginx(&line));
        let mut program = Command::new(env!("CARGO_BIN_EXE_backlog-audit"));
        let output = program.args(["--kernel", "6.18", "."]).current_dir(Path::new(&scratch.0));
        let output = output.stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (now, said) = code("9999-12-31");
    assert_eq!(now, Some(0));
    assert!(said.contains("nothing to report, 1 ignored"), "{said}");
    let (past, said) = code("2001-01-01");
    assert_eq!(past, Some(1));
    assert!(said.contains("ignore-expired") && said.contains("queue-tiny:"), "{said}");
}
