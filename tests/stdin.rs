//! One file from standard input, understood as the file of its name would be.

mod common;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::scratch::Scratch;
use serde_json::Value;

fn audit(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_backlog-audit"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not ask for its input may have closed it.
    drop(child.stdin.take().unwrap().write_all(input));
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

const SERVERS: &[u8] = b"events {}\nhttp { include more.conf; server { listen 80 backlog=70000; } }\n";

#[test]
fn it_reads_as_the_file_of_that_name_would() {
    let scratch = Scratch::new("stdin-same");
    scratch.write("deploy/nginx.conf", SERVERS);
    scratch.write("deploy/more.conf", "server { listen 81; }\n");
    for format in ["human", "json", "sarif", "github", "patch"] {
        let of = |path: &[&str]| {
            let arguments = ["--set", "net.core.somaxconn=128", "--unsafe-fixes", "--format", format];
            audit(&scratch.0, &[&arguments[..], path].concat(), SERVERS)
        };
        let (file, input) = (of(&["deploy/nginx.conf"]), of(&["-", "--stdin-path", "deploy/nginx.conf"]));
        assert_eq!(file.status.code(), Some(1), "{format}: {}", text(&file.stderr));
        assert_eq!(input.status.code(), Some(1), "{format}: {}", text(&input.stderr));
        let next = |out: &str| out.split("\nNext, ").next().unwrap().to_owned();
        assert_eq!(next(text(&file.stdout)), next(text(&input.stdout)));
    }
}

/// An editor's buffer is newer than the file, which need not even exist.
#[test]
fn what_lies_on_the_disk_does_not_count() {
    let scratch = Scratch::new("stdin-newer");
    scratch.write("nginx.conf", "events {}\nhttp { server { listen 9999; } }\n");
    for name in ["nginx.conf", "./nginx.conf", "nowhere/at/all/nginx.conf", "/nowhere/nginx.conf"] {
        let input = b"events {}\nhttp { server { listen 80; } }\n";
        let output = audit(&scratch.0, &["-", "--stdin-path", name, "-f", "json"], input);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let listeners = report["listeners"].as_array().unwrap();
        assert_eq!(listeners.len(), 1, "{name}: {report:#}");
        assert_eq!(listeners[0]["address"], "0.0.0.0:80", "{name}");
        assert_eq!(report["summary"]["files"], 1, "{name}");
    }
}

/// A file is known by its whole path, as /etc/sysctl.d/90-web.conf is.
#[test]
fn its_name_says_whose_it_is() {
    let scratch = Scratch::new("stdin-whose");
    for (name, is_read) in [("etc/sysctl.d/90-web.conf", true), ("90-web.txt", false)] {
        let output =
            audit(&scratch.0, &["-", "--stdin-path", name, "-f", "json"], b"net.core.somaxconn = 4k\n");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let rules = report["findings"].as_array().unwrap().iter().any(|it| it["rule"] == "sysctl-invalid");
        assert_eq!(rules, is_read, "{name}: {report:#}");
    }
}

/// The policy is looked for from where the file would lie.
#[test]
fn the_policy_of_its_folder_holds() {
    let scratch = Scratch::new("stdin-policy");
    scratch.write("repository/.git/HEAD", "");
    scratch.write("repository/deploy/x", "");
    scratch.write("repository/backlog-audit.toml", "[sysctls]\n\"net.core.somaxconn\" = 7\n");
    for name in ["repository/deploy/nginx.conf", "repository/nginx.conf"] {
        let input = b"events {}\nhttp { server { listen 80; } }\n";
        let output = audit(&scratch.0, &["-", "--stdin-path", name, "-f", "json"], input);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        assert_eq!(report["listeners"][0]["queue"]["limit"], 7, "{name}: {report:#}");
    }
}

#[test]
fn more_than_a_file_may_hold_is_a_finding() {
    let scratch = Scratch::new("stdin-large");
    let input = vec![b'#'; (8 << 20) + 1];
    let output = audit(&scratch.0, &["-", "--stdin-path", "etc/nginx/nginx.conf", "-f", "json"], &input);
    assert!(
        text(&output.stdout).contains("the audit does not read files over 8 MiB"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn a_mistake_is_answered_with_what_to_type_instead() {
    let scratch = Scratch::new("stdin-mistakes");
    scratch.write("x/nginx.conf", SERVERS);
    for (arguments, answer) in [
        (&["-"][..], "standard input needs a name to tell its type: add --stdin-path deploy/nginx.conf"),
        (
            &["x", "--stdin-path", "nginx.conf"],
            "--stdin-path names what comes from standard input: write - as the PATH too",
        ),
        (
            &["--stdin-path", "nginx.conf"],
            "--stdin-path names what comes from standard input: write - as the PATH too",
        ),
        (&["-", "x", "--stdin-path", "nginx.conf"], "standard input is read alone, without other paths"),
        (
            &["-", "--as", "repo", "--stdin-path", "nginx.conf"],
            "what comes from standard input is read as a file",
        ),
        (&["-", "--stdin-path", ".."], ".. cannot be audited: not the name of a file"),
    ] {
        let output = audit(&scratch.0, arguments, SERVERS);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stderr).trim(), format!("error: {answer}"), "{arguments:?}");
    }
}
