//! The documents: their consoles do what they show, their pages are what the program writes, their links lead somewhere.
//!
//! A block of ```` ```console ```` is run line by line in one folder for each document. What a command prints is shown below it,
//! `[...]` stands for lines that are left out; below a command with nothing shown anything may be printed. A prompt of `#` is
//! root's, on a running machine: tests/oracle holds what is said there to real servers.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use backlog_audit::knowledge::{Group, Knowledge, Service};
use backlog_audit::text::Sources;
use common::scratch::Scratch;
use common::snapshot;

/// What a document holds between two marks is written by `UPDATE_EXPECT=1`.
fn holds(document: &str, mark: &str, made_from: &str, what: &str) {
    let text = fs::read_to_string(document).unwrap();
    let begin = format!("<!-- {mark}{made_from}: UPDATE_EXPECT=1 cargo test --test docs -->\n");
    let end = format!("<!-- /{mark} -->\n");
    let (before, rest) = text.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    let now = [before, &begin, what, &end, after].concat();
    snapshot::same(Path::new(document), now.as_bytes());
}

#[test]
fn documents_show_what_is_so() {
    holds("README.md", "services", ", from rules/services", &services_read());
    let scratch = ground("docs-screen");
    let (code, printed) = run(&scratch.0, "backlog-audit --offline examples/host");
    assert_eq!(code, Some(1), "{printed}");
    holds("README.md", "screen", "", &screen(&printed));
    let recorded = "tests/cases/live/overflow-now/expected.txt";
    holds(
        "docs/live.md",
        "screen",
        &format!(", from {recorded}"),
        &screen(fs::read_to_string(recorded).unwrap().split_once("\n\n").unwrap().1),
    );
}

/// A screen for a document: how it begins, its first finding, its tables and its last line.
fn screen(printed: &str) -> String {
    let is_finding = |part: &str| ["  ⚠ ", "  × "].iter().any(|sign| part.starts_with(sign));
    let is_table =
        |part: &str| ["  service ", "  listener ", "  counter "].iter().any(|head| part.starts_with(head));
    let is_count =
        |part: &str| part.lines().count() == 1 && part.contains(" listener") && part.contains(" read");
    let mut findings = 0;
    let mut shown: Vec<&str> = Vec::new();
    for part in printed.split("\n\n").map(|part| part.trim_end_matches('\n')) {
        findings += usize::from(is_finding(part));
        if shown.is_empty() || findings == 1 && is_finding(part) || is_table(part) || is_count(part) {
            shown.push(part);
        } else if shown.last() != Some(&"  [...]") {
            shown.push("  [...]");
        }
    }
    while shown.last() == Some(&"  [...]") {
        shown.pop();
    }
    format!("```text\n{}\n```\n", shown.join("\n\n"))
}

fn services_read() -> String {
    let knowledge = Knowledge::load(&Sources::new()).unwrap();
    let titles = |is_one: &dyn Fn(&Service) -> bool| {
        let mut found: Vec<&str> = knowledge
            .services()
            .filter(|service| is_one(service))
            .map(|service| service.title.as_str())
            .collect();
        found.sort_by_key(|title| title.to_lowercase());
        found.join(", ")
    };
    let rows = [
        ("front ends", Group::Front),
        ("application servers", Group::ApplicationServer),
        ("the Java side", Group::Java),
        ("programs, by their sources", Group::Program),
        ("sockets that systemd opens", Group::System),
    ];
    let rows =
        rows.map(|(name, group)| format!("| {name} | {} |\n", titles(&|service| service.group == group)));
    let unproved = titles(&|service| service.from_source_only);
    format!(
        "| | |\n|---|---|\n{}\nKnown from source code only, not confirmed with a real server: {unproved}.\n",
        rows.concat()
    )
}

fn documents() -> Vec<PathBuf> {
    let mut found = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(PathBuf::from).to_vec();
    for folder in ["docs", "docs/rules", "docs/services"] {
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        found.extend(files.filter(|path| path.extension().is_some_and(|it| it == "md")));
    }
    found.sort();
    found
}

/// A command of a document, the line that it stands on, and the lines that are shown below it.
struct Step {
    line: usize,
    command: String,
    shown: Vec<String>,
}

fn steps(document: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut console = false;
    let mut by_root = false;
    for (index, line) in document.lines().enumerate() {
        match (line.strip_prefix("```"), line.strip_prefix("$ ")) {
            (Some(kind), _) => (console, by_root) = (kind == "console", false),
            (None, Some(command)) if console => {
                by_root = false;
                steps.push(Step { line: index + 1, command: command.to_owned(), shown: Vec::new() });
            }
            (None, None) if console && (by_root || line.starts_with("# ")) => by_root = true,
            (None, None) if console => steps.last_mut().unwrap().shown.push(line.to_owned()),
            _ => {}
        }
    }
    steps
}

/// The folder that a document's commands run in: our example, a repository in need of a fix, and stand-ins for programs
/// that build us, which is what happens when the tests are run, or that become root.
fn ground(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    common::copy(Path::new("examples"), &scratch.0.join("examples"));
    common::copy(Path::new("examples/host"), &scratch.0.join("root"));
    scratch.write("deploy/nginx.conf", "events {}\nhttp {\n    server { listen 443 ssl backlog=4096; }\n}\n");
    scratch.write("deploy/sysctl.d/30-web.conf", "net.core.somaxconn = 128\n");
    let program = env!("CARGO_BIN_EXE_backlog-audit");
    for (name, script) in [
        ("backlog-audit", format!("exec {program} \"$@\"")),
        (
            "cargo",
            format!(
                "case \"$*\" in\n'run -- '*) shift 2; exec {program} \"$@\";;\n\
                 'test') ;;\n*) exit 9;;\nesac"
            ),
        ),
        // The files of the machine are those of a folder here, and nobody stops a watch.
        (
            "sudo",
            "case \"$2\" in\nlive) set -- \"$@\" root ;;\nwatch) set -- \"$@\" --count 1 root ;;\nesac\nexec \"$@\"".to_owned(),
        ),
    ] {
        scratch.write(format!("bin/{name}"), format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(scratch.0.join("bin").join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    scratch
}

/// The exit code and what is printed. The machine of a document is a folder of ours.
fn run(folder: &Path, command: &str) -> (Option<i32>, String) {
    let command = command.replace(" /etc", " root/etc").replace("-d / ", "-d root ");
    let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("timeout");
    let shell = shell
        .args(["60", "sh", "-c", &format!("exec 2>&1; {command}")])
        .current_dir(folder)
        .env("PATH", path);
    let output = shell.env_remove("NO_COLOR").stdin(Stdio::null()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// Whether lines are printed as they are shown.
fn is_shown(printed: &str, shown: &[String]) -> bool {
    let mut printed = printed.lines();
    let mut skip = false;
    for line in shown {
        let found = match line.trim() {
            "[...]" => {
                skip = true;
                continue;
            }
            _ if skip => printed.any(|real| real == line),
            _ => printed.next() == Some(line),
        };
        if !found {
            return false;
        }
        skip = false;
    }
    skip || printed.next().is_none()
}

#[test]
fn consoles_do_what_they_show() {
    let mut count = 0;
    for document in documents() {
        let steps = steps(&fs::read_to_string(&document).unwrap());
        let scratch = ground(&format!("docs-{count}"));
        for Step { line, command, shown } in &steps {
            let (code, printed) = run(&scratch.0, command);
            let place = format!("{}:{line}: {command}", document.display());
            // With 1 an audit tells that it found something.
            assert!(matches!(code, Some(0 | 1)), "{place} ended with {code:?}\n{printed}");
            assert!(
                shown.is_empty() || is_shown(&printed, shown),
                "{place} prints something else:\n{printed}"
            );
        }
        count += steps.len();
    }
    assert!(count > 10, "{count} commands");
}

#[test]
fn a_console_that_shows_something_else_is_seen() {
    let shown = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert!(is_shown("a\nb\nc\n", &shown(&["a", "[...]", "c"])));
    assert!(is_shown("a\nb\nc\n", &shown(&["a", "[...]"])));
    for wrong in [&["a", "c"][..], &["a", "b"], &["[...]", "b"], &["[...]", "d"], &["a", "b", "c", "d"]] {
        assert!(!is_shown("a\nb\nc\n", &shown(wrong)), "{wrong:?}");
    }
}

/// `UPDATE_EXPECT=1` writes them anew, as `backlog-audit rules --format markdown=docs/rules` does.
#[test]
fn pages_are_what_the_program_writes() {
    for catalogue in ["rules", "services"] {
        let scratch = Scratch::new(&format!("pages-{catalogue}"));
        let format = format!("markdown={}", scratch.0.join("new/folder").display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_backlog-audit"));
        assert!(command.args([catalogue, "--format", &format]).status().unwrap().success());
        let names = |folder: &Path| -> BTreeSet<_> {
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
        };
        let (written, kept) = (scratch.0.join("new/folder"), Path::new("docs").join(catalogue));
        for name in names(&written) {
            snapshot::same(&kept.join(&name), &fs::read(written.join(&name)).unwrap());
        }
        assert_eq!(names(&kept), names(&written), "{}", kept.display());
    }
}

#[test]
fn links_lead_somewhere() {
    let mut count = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for event in pulldown_cmark::Parser::new_ext(&text, pulldown_cmark::Options::ENABLE_TABLES) {
            let pulldown_cmark::Event::Start(pulldown_cmark::Tag::Link { dest_url, .. }) = event else {
                continue;
            };
            if dest_url.contains("://") {
                continue;
            }
            let target = document.parent().unwrap().join(&*dest_url);
            assert!(target.exists(), "{}: {dest_url}", document.display());
            count += 1;
        }
    }
    assert!(count > 20, "{count} links");
}
