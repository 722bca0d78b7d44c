//! The program as it is called: what it answers, where its output goes, how it ends.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::scratch::Scratch;
use common::snapshot;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backlog-audit"));
    for name in ["NO_COLOR", "LC_ALL", "LC_CTYPE", "LANG"] {
        command.env_remove(name);
    }
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    program().args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A machine with one nginx that asks for more than it gets.
fn clamped(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    scratch.write("etc/nginx/nginx.conf", "events {}\nhttp { server { listen 80 backlog=2048; } }\n");
    scratch.write("etc/sysctl.d/99-old.conf", "net.core.somaxconn = 128\n");
    scratch
}

#[test]
fn a_mistake_is_answered_with_what_to_type_instead() {
    let scratch = Scratch::new("mistakes");
    scratch.write("etc/x", "");
    let mistakes: [&[&str]; 63] = [
        &["nowhere"],
        &["check", "."],
        &["~/x"],
        &["deploy/*.conf"],
        &["https://example.org/a"],
        &["etc/x/"],
        &["etc", "live"],
        &["explian"],
        &["rulse"],
        &["explain"],
        &["explain", "queue-clampd"],
        &["explain", "ngnix"],
        &["explain", "NGINX"],
        &["explain", "httpd"],
        &["explain", "nothing-like-it"],
        &["explain", "nginx", "apache"],
        &["services", "nginx"],
        &["rules", "--fail-on", "error"],
        &["schema", "x"],
        &["man", "explian"],
        &["--fix"],
        &["-o", "report.json"],
        &["--output-format", "json"],
        &["--exclude", "vendor"],
        &["--exit-zero"],
        &["--severity=error"],
        &["--explain", "queue-tiny"],
        &["--since", "main"],
        &["--no-color"],
        &["--nothing-like-it"],
        &["--ofline"],
        &["--serve"],
        &["--every", "1s"],
        &["live", "--offline"],
        &["live", "--kernel", "6.1"],
        &["live", "--for", "-1s"],
        &["watch", "--count", "abc"],
        &["watch", "--every", "0"],
        &["--format", "jsno"],
        &["--format", "jsonl"],
        &["--format", "json,sarif"],
        &["--format", "json="],
        &["--format", "json", "--format", "sarif"],
        &["--format", "json", "--patch", "-"],
        &["--json", "--diff"],
        &["--format", "json=r", "--format", "sarif=r"],
        &["--format", "prometheus"],
        &["--as", "etcc"],
        &["--as", "file", "etc"],
        &["--kernel", "modern"],
        &["--kernel", "6"],
        &["--set", "net.core.somaxconn"],
        &["--set", "net.core.somaxcon=128"],
        &["--set", "somaxconn=128"],
        &["--set", "vm.swappiness=1"],
        &["--set", "net.core.somaxconn=4k"],
        &["--set", "net.core.somaxconn=0100"],
        &["--set", "net.core.somaxconn=99999999999999999999"],
        &["--fail-on", "errors"],
        &["--fail-on", "none"],
        &["--select", "queue-tiny,"],
        &["--ignore", "*.bak"],
        &["--patch", "nowhere/fix.patch"],
    ];
    let mut all = String::new();
    for arguments in mistakes {
        let mut mistake = program();
        let output = mistake.arg0("backlog-audit").args(arguments).current_dir(&scratch.0).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        all.push_str(&format!("$ backlog-audit {}\n{}\n", arguments.join(" "), text(&output.stderr)));
    }
    snapshot::same(Path::new("tests/screens/mistakes.txt"), all.as_bytes());
}

#[test]
fn where_nothing_listens_it_says_what_it_looked_for() {
    let scratch = Scratch::new("nothing");
    for (name, file, arguments) in [
        ("nothing-root.txt", "root/etc/hostname", ["root"]),
        ("nothing-etc.txt", "root/etc/hostname", ["root/etc"]),
        ("nothing-repo.txt", "repo/README", ["repo"]),
        ("nothing-file.txt", "repo/README", ["repo/README"]),
    ] {
        scratch.write(file, "nothing\n");
        let mut audit = program();
        let output = audit.arg0("backlog-audit").args(arguments).current_dir(&scratch.0).output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
        snapshot::same(&Path::new("tests/screens").join(name), &output.stdout);
    }
}

#[test]
fn a_bare_machine_format_has_standard_output_to_itself() {
    let scratch = clamped("bare");
    for format in ["json", "sarif"] {
        let output = run(&scratch.0, &["--format", format]);
        assert!(serde_json::from_slice::<serde_json::Value>(&output.stdout).is_ok());
        assert_eq!(text(&output.stderr), "");
    }
    let output = run(&scratch.0, &["--patch", "-"]);
    assert!(!text(&output.stdout).contains("Audited"));
    assert!(text(&output.stderr).contains("0.0.0.0:80"), "the report for people is told beside it");
    let output = run(&scratch.0, &["--format", "patch"]);
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn one_run_writes_several_formats() {
    let scratch = clamped("several");
    let output = run(
        &scratch.0,
        &[
            "-f",
            "json=a.json",
            "-f",
            "sarif=a.sarif",
            "-f",
            "human=a.txt",
            "--patch",
            "a.patch",
            "--color",
            "always",
            ".",
        ],
    );
    assert!(text(&output.stdout).contains("0.0.0.0:80"));
    for file in ["a.json", "a.sarif"] {
        let written = fs::read(scratch.0.join(file)).unwrap();
        assert!(serde_json::from_slice::<serde_json::Value>(&written).is_ok(), "{file}");
    }
    assert!(text(&fs::read(scratch.0.join("a.txt")).unwrap()).contains("0.0.0.0:80"));
    assert!(scratch.0.join("a.patch").exists());
}

#[test]
fn a_reader_that_went_away_is_no_fault() {
    let scratch = clamped("pipe");
    let calls: [&[&str]; 6] =
        [&["."], &["--format", "json"], &["rules"], &["schema"], &["explain", "nginx"], &["man"]];
    for arguments in calls {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = program().args(arguments).current_dir(&scratch.0).stdout(writer).output().unwrap();
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
        assert_ne!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn colour_is_a_matter_of_taste() {
    let scratch = clamped("colour");
    let coloured = |arguments: &[&str], no_color: Option<&str>| {
        let mut command = program();
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let output = command.args(arguments).current_dir(&scratch.0).output().unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(!coloured(&["."], None), "a pipe is not a terminal");
    assert!(coloured(&["--color", "always"], None));
    assert!(coloured(&["--color", "always"], Some("1")), "what is said on the command line counts most");
    assert!(!coloured(&["--color", "never"], None));
}

#[test]
fn a_folder_named_like_a_command_is_written_with_its_place() {
    let scratch = Scratch::new("named");
    scratch.write("rules/etc/nginx/nginx.conf", "events {}\nhttp { server { listen 8123; } }\n");
    assert!(!text(&run(&scratch.0, &["rules"]).stdout).contains("8123"));
    assert!(text(&run(&scratch.0, &["./rules"]).stdout).contains("8123"));
    assert!(
        !text(&run(&scratch.0, &["--color", "never", "rules"]).stdout).contains("8123"),
        "options may come first"
    );
    assert!(
        text(&run(&scratch.0, &["--offline", "--", "rules"]).stdout).contains("8123"),
        "what comes after -- is a PATH"
    );
}

#[test]
fn the_catalogue_comes_in_three_forms() {
    let scratch = Scratch::new("catalogue");
    let lists: [&[&str]; 4] = [&["rules"], &["services"], &["explain", "nginx"], &["explain", "tomcat"]];
    for arguments in lists {
        for form in ["human", "json", "markdown"] {
            let output = run(&scratch.0, &[arguments, &["--format", form]].concat());
            assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""), "{arguments:?}");
            let out = text(&output.stdout);
            match form {
                "json" => assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok(), "{out}"),
                "human" => assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}"),
                _ => assert!(out.starts_with(['#', '|']), "{out}"),
            }
        }
    }
}

#[test]
fn packagers_get_completions_and_a_man_page() {
    let scratch = Scratch::new("packagers");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = text(&run(&scratch.0, &["completions", shell]).stdout);
        assert!(script.contains("backlog-audit") && script.contains("include-tests"), "{shell}");
    }
    let page = text(&run(&scratch.0, &["man"]).stdout);
    assert!(page.contains(".TH backlog-audit 1") && page.contains("net.core.somaxconn=128"), "{page}");
    // What the program's own page refers to is there.
    let commands: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("backlog\\-audit\\-"))
        .filter_map(|line| line.strip_suffix("(1)"))
        .collect();
    assert!(commands.contains(&"explain") && commands.contains(&"man"), "{commands:?}");
    for command in commands {
        let page = text(&run(&scratch.0, &["man", command]).stdout);
        assert!(page.contains(&format!(".TH backlog-audit-{command} 1")), "{command}: {page}");
    }
    let output = run(&scratch.0, &["man", "explian"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean `explain`?"));
}

#[test]
fn the_schema_is_the_one_of_the_library() {
    let scratch = Scratch::new("schema");
    for arguments in [&["schema"][..], &["schema", "report"]] {
        assert_eq!(text(&run(&scratch.0, arguments).stdout), backlog_audit::report::json::schema());
    }
}

#[test]
fn help_fits_the_screen_and_names_every_option() {
    let scratch = Scratch::new("help");
    for (file, arguments) in [
        ("help.txt", &["--help"][..]),
        ("help-short.txt", &["-h"]),
        ("help-live.txt", &["live", "--help"]),
        ("help-watch.txt", &["watch", "--help"]),
        ("help-init.txt", &["init", "--help"]),
    ] {
        let help = text(&run(&scratch.0, arguments).stdout);
        snapshot::same(&Path::new("tests/screens").join(file), help.as_bytes());
    }
    assert_eq!(run(&scratch.0, &["help", "-h"]).stdout, run(&scratch.0, &["--help"]).stdout);
}

#[test]
fn habits_are_answered() {
    let scratch = clamped("habits");
    let out = |arguments: &[&str]| text(&run(&scratch.0, arguments).stdout);
    assert_eq!(out(&["--json"]), out(&["-f", "json"]));
    assert_eq!(out(&["-f", "JSON"]), out(&["-f", "json=-"]));
    assert_eq!(out(&["--diff"]), out(&["--patch", "-"]));
    assert!(out(&["--diff"]).starts_with("# After this patch:\n# sysctl -w net.core.somaxconn=2048\n"));
    assert_eq!(
        out(&["--kernel", "v6.1"]),
        out(&["--kernel", "4.18", "--kernel", "6.1"]),
        "the last one counts"
    );
    for command in ["live", "watch", "explain", "rules", "schema", "man"] {
        assert_eq!(
            out(&[command, "--version"]),
            format!("backlog-audit-{command} {}\n", env!("CARGO_PKG_VERSION"))
        );
    }
    assert_eq!(out(&["-f", "json", "rules"]), out(&["rules", "-f", "json"]));
    let counts = out(&["--statistics"]);
    assert!(
        counts.contains("     1  warning  queue-clamped\n") && !counts.contains("backlog=2048"),
        "{counts}"
    );
    let concise = out(&["-f", "concise"]);
    assert!(concise.starts_with("etc/nginx/nginx.conf:2:") && concise.lines().count() == 1, "{concise}");
    assert_eq!(out(&["-f", "concise", "--statistics"]), "1 warning queue-clamped\n");
}

#[test]
fn variables_stand_for_options_and_say_how_wide_a_pipe_is() {
    let scratch = clamped("variables");
    let run = |name: &str, value: &str, arguments: &[&str]| {
        let mut command = program();
        command.env(name, value).args(arguments).current_dir(&scratch.0);
        let output = command.output().unwrap();
        (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
    };
    assert!(run("BACKLOG_AUDIT_KERNEL", "4.18", &[]).1.contains("Linux 4.18"));
    assert!(run("BACKLOG_AUDIT_KERNEL", "4.18", &["--kernel", "6.1"]).1.contains("Linux 6.1"));
    assert_eq!(run("BACKLOG_AUDIT_FAIL_ON", "error", &[]).0, 0);
    assert_eq!(run("BACKLOG_AUDIT_IGNORE", "queue-clamped, sysctl-overridden", &[]).0, 0);
    assert!(run("BACKLOG_AUDIT_FORMAT", "json", &[]).1.starts_with('{'));
    assert!(
        run("BACKLOG_AUDIT_SET", "net.core.somaxconn=999,net.ipv4.tcp_syncookies=0", &[]).1.contains("999")
    );
    let (code, said) = run("BACKLOG_AUDIT_KERNEL", "6", &[]);
    assert!(code == 2 && said.contains("--kernel"), "{said}");
    // A command that has no such option is not disturbed.
    assert_eq!(run("BACKLOG_AUDIT_KERNEL", "6.1", &["rules"]).0, 0);
    // The next command names the program as it was called, however long that is.
    let is_ours = |line: &&str| !line.contains(env!("CARGO_BIN_EXE_backlog-audit"));
    let widest = |value: &str| {
        let said = run("COLUMNS", value, &[]).1;
        said.lines().filter(is_ours).map(|line| line.chars().count()).max().unwrap()
    };
    assert!(widest("60") <= 60 && widest("100") > 80 && widest("0") <= 80 && widest("x") <= 80);
}

#[test]
fn the_exit_code_follows_the_worst_finding_that_counts() {
    let scratch = clamped("codes");
    for (arguments, code) in [
        (&["."][..], 1),
        (&["--fail-on", "error"], 0),
        (&["--fail-on", "warning"], 1),
        (&["--fail-on", "never"], 0),
        (&["--ignore", "queue-clamped"], 0),
        (&["--ignore", "queue-clamped", "--fail-on", "info"], 0),
        (&["--select", "queue-tiny,queue-clamped"], 1),
        (&["--set", "net.core.somaxconn=4096", "--ignore", "sysctl-overridden"], 0),
        (&["--format", "json"], 1),
        (&["--quiet"], 1),
    ] {
        let output = run(&scratch.0, arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stdout));
    }
    let quiet = text(&run(&scratch.0, &["--quiet", "--fail-on", "error"]).stdout);
    assert_eq!(quiet, "", "nothing that counts, nothing said");
}

#[test]
fn a_rule_that_is_misspelt_is_pointed_at() {
    let scratch = clamped("own");
    scratch.write("own/long-queues.toml", "severity = \"error\"\nsumary = \"a queue is short\"\n");
    let mut all = String::new();
    let calls: [&[&str]; 5] = [
        &["--rules", "own"],
        &["rules", "--rules", "own"],
        &["--rules", "nowhere"],
        &["--select", "queue-clampd"],
        &["--ignore", "nothing-like-it"],
    ];
    for arguments in calls {
        let output = run(&scratch.0, arguments);
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(2), ""), "{arguments:?}");
        all.push_str(&format!("$ backlog-audit {}\n{}\n", arguments.join(" "), text(&output.stderr)));
    }
    snapshot::same(Path::new("tests/screens/broken-rules.txt"), all.as_bytes());
}

/// The command that a report ends with.
fn next(report: &str) -> &str {
    let (_, next) = report.split_once("\nNext, ").unwrap_or_else(|| panic!("{report}"));
    next.lines().nth(2).unwrap().trim()
}

#[test]
fn the_next_command_works_until_nothing_is_left_to_do() {
    let scratch = Scratch::new("next");
    let root = PathBuf::from("it's a root");
    scratch
        .write(root.join("etc/nginx/nginx.conf"), "events {}\nhttp { server { listen 80 backlog=2048; } }\n");
    scratch.write(root.join("etc/sysctl.d/99-old.conf"), "net.core.somaxconn = 128\n");
    let shell = |command: &str| {
        let output = Command::new("sh").args(["-c", command]).current_dir(&scratch.0).output().unwrap();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let first = text(&run(&scratch.0, &["it's a root", "--kernel", "6.1", "--offline"]).stdout);
    let (code, second) = shell(next(&first));
    assert_eq!(code, Some(1), "the findings are still there: {second}");
    let (code, said) = shell(next(&second));
    assert_eq!(code, Some(0), "{said}");
    let applied = fs::read_to_string(scratch.0.join(root).join("etc/sysctl.d/99-old.conf")).unwrap();
    assert_eq!(applied, "net.core.somaxconn = 2048\n");
    let (code, third) = shell(next(&first));
    assert_eq!(code, Some(0), "{third}");
}

#[test]
fn the_next_command_explains_where_nothing_can_be_written() {
    let scratch = Scratch::new("explains");
    scratch.write("etc/nginx/nginx.conf", "events {}\nhttp { server { listen 80; }\n");
    let report = text(&run(&scratch.0, &["."]).stdout);
    let command = next(&report).to_owned();
    assert!(command.ends_with(" explain unreadable"), "{command}");
    let output = Command::new("sh").args(["-c", &command]).current_dir(&scratch.0).output().unwrap();
    assert!(text(&output.stdout).starts_with("unreadable"));
}

/// Whoever may not read what is closed to all: not even its owner may, but root may.
fn as_nobody(scratch: &Scratch, arguments: &[&str]) -> Output {
    let program = scratch.0.join("program");
    // Where the program was built may be closed to others too.
    // Another process copies it: nobody else's child can hold it open for writing when it is to run.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_backlog-audit")).arg(&program).status();
    assert!(copied.unwrap().success());
    let mut command = Command::new("./program");
    command.args(arguments).current_dir(&scratch.0);
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    command.output().unwrap()
}

/// Closes a file or folder to all but root, and opens it again.
struct Closed(PathBuf, fs::Permissions);

impl Closed {
    fn new(path: PathBuf) -> Self {
        let before = fs::metadata(&path).unwrap().permissions();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).unwrap();
        Self(path, before)
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        fs::set_permissions(&self.0, self.1.clone()).unwrap();
    }
}

#[test]
fn a_folder_that_may_not_be_read_is_told() {
    let scratch = clamped("closed");
    let nginx = "events {}\nhttp { include /srv/sites/*.conf; server { listen 80; } }\n";
    scratch.write("etc/nginx/nginx.conf", nginx);
    scratch.write("srv/sites/a.conf", "server { listen 81; }\n");
    scratch.write("opt/tomcat/conf/server.xml", "<Server/>");
    scratch.write("etc/systemd/system/nginx.service.d/a.conf", "[Service]\nUser=a\n");
    scratch.write("etc/secrets/a", "");
    scratch.write("root/a", "");
    let lost = ["etc/sysctl.d", "etc/systemd/system/nginx.service.d", "opt/tomcat/conf", "srv/sites"];
    let closed = lost.iter().chain(&["etc/secrets", "root"]);
    let closed: Vec<Closed> = closed.map(|folder| Closed::new(scratch.0.join(folder))).collect();
    let arguments = [".", "--offline", "--select", "unreadable", "--format", "json"];
    let output = as_nobody(&scratch, &arguments);
    drop(closed);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let of = |severity| {
        let of = findings.iter().filter(move |finding| finding["severity"] == severity);
        of.map(|finding| finding["at"]["path"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(of("error"), lost);
    assert_eq!(of("info"), ["etc/secrets"], "those that may not matter have one row");
    for finding in findings {
        assert_eq!(finding["help"], "run as root to include it", "{finding}");
    }
    // All of it may be read.
    let output = as_nobody(&scratch, &arguments);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["findings"], serde_json::json!([]));
}

#[test]
fn a_file_that_is_named_and_may_not_be_read_is_no_audit() {
    let scratch = clamped("named");
    let file = "etc/nginx/nginx.conf";
    let closed = Closed::new(scratch.0.join(file));
    let output = as_nobody(&scratch, &[file]);
    drop(closed);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert_eq!(said, format!("error: {file} cannot be audited: Permission denied\n\n  tip: run as root\n"));
    assert!(output.stdout.is_empty());
}

#[test]
fn finding_nothing_can_be_a_failure() {
    let scratch = clamped("listens");
    scratch.write("repo/README", "nothing\n");
    let code = |arguments: &[&str]| run(&scratch.0, arguments).status.code();
    assert_eq!(code(&["--offline", "repo"]), Some(0));
    let output = run(&scratch.0, &["--offline", "repo", "--fail-on-nothing"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stdout).starts_with("Audited repo"), "the report is there all the same");
    assert_eq!(text(&output.stderr), "error: no listener was found (--fail-on-nothing)\n");
    assert_eq!(code(&["--offline", ".", "--fail-on", "never", "--fail-on-nothing"]), Some(0));
    scratch.write("repo/backlog-audit.toml", "fail-on-nothing = true\n");
    assert_eq!(code(&["--offline", "repo"]), Some(2));
}

#[test]
fn every_file_is_listed_with_what_became_of_it() {
    let scratch = Scratch::new("files");
    for (path, words) in [
        ("repo/nginx.conf", "events {}\nhttp { include part; server { listen 80; } }\n"),
        ("repo/part", "# nothing\n"),
        ("repo/templates/nginx.conf.j2", "http { server {\n    listen {{ port }};\n} }\n"),
        ("repo/sysctl.d/web.conf", "net.core.somaxconn = 128\n"),
        ("repo/setup.sh", "sysctl -w net.core.somaxconn=1024\n"),
        ("repo/other.conf", "a = 1\n"),
        ("repo/docs/nginx.conf", "events {}\n"),
    ] {
        scratch.write(path, words);
    }
    let mut audit = program();
    let output = audit.arg0("backlog-audit").args(["repo", "--show-files"]).current_dir(&scratch.0).output();
    snapshot::same(Path::new("tests/screens/show-files.txt"), &output.unwrap().stdout);
    let output = run(&scratch.0, &["repo", "--show-files", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let files = report["files"].as_array().unwrap();
    let row = |path: &str| files.iter().find(|row| row["path"] == path).unwrap();
    assert_eq!(row("nginx.conf")["read_as"], "nginx");
    assert_eq!(row("part")["read_as"], "part");
    assert_eq!(row("docs")["read_as"], serde_json::Value::Null);
    let output = run(&scratch.0, &["repo", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report.get("files").is_none());
}
