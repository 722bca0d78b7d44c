//! The program as it is called: what it answers, where its output goes, how it ends.

mod common;

use std::fs;
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
    let mistakes: [&[&str]; 19] = [
        &["nowhere"],
        &["explian"],
        &["rulse"],
        &["explain"],
        &["explain", "queue-clampd"],
        &["explain", "ngnix"],
        &["--format", "jsno"],
        &["--format", "json="],
        &["--format", "json", "--format", "sarif"],
        &["--format", "json", "--patch", "-"],
        &["--as", "etcc"],
        &["--as", "file", "etc"],
        &["--kernel", "modern"],
        &["--set", "net.core.somaxconn"],
        &["--set", "net.core.somaxcon=128"],
        &["--set", "net.core.somaxconn=4k"],
        &["--fail-on", "errors"],
        &["--ofline"],
        &["--patch", "nowhere/fix.patch"],
    ];
    let mut all = String::new();
    for arguments in mistakes {
        let output = run(&scratch.0, arguments);
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
        text(&run(&scratch.0, &["--offline", "rules"]).stdout).contains("8123"),
        "after an option it is a PATH"
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
    let help = text(&run(&scratch.0, &["--help"]).stdout);
    snapshot::same(Path::new("tests/screens/help.txt"), help.as_bytes());
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
