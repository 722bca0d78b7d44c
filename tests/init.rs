//! `init`: the policy that it writes is found, accepted and changes nothing; each setting in it is valid once it is uncommented.

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::scratch::Scratch;
use common::{copy, snapshot};
use regex::Regex;
use serde_json::Value;

const NAME: &str = "backlog-audit.toml";
const NGINX: &str = "events {}\nhttp { server { listen 80 backlog=2048; } }\n";

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backlog-audit"));
    let command = command.arg0("backlog-audit").args(arguments).current_dir(folder).stdin(Stdio::null());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What is found, without the paths of the policy.
fn audit(folder: &Path, arguments: &[&str]) -> Value {
    let output = run(folder, &[arguments, &["--offline", "--format", "json"]].concat());
    let said = text(&output.stderr);
    assert!(output.status.code() != Some(2), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rules = report["findings"].as_array().unwrap().iter();
    rules
        .map(|it| Value::from(vec![it["rule"].clone(), it["listener"].clone(), it["severity"].clone()]))
        .collect()
}

fn init(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, &[&["init"], arguments].concat());
    assert_eq!(
        (output.status.code(), text(&output.stdout).as_str()),
        (Some(0), ""),
        "{}",
        text(&output.stderr)
    );
    text(&output.stderr)
}

/// A policy with a year that does not pass.
fn dated(policy: &str) -> String {
    Regex::new(r"\d{4}-12-31").unwrap().replace_all(policy, "2030-12-31").into_owned()
}

/// The policy with one of its commented settings uncommented, for each of them; the last has all.
fn uncommented(policy: &str) -> Vec<String> {
    let setting = |line: &str| {
        line.strip_prefix('#')
            .filter(|it| it.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()))
            .map(str::to_owned)
    };
    let parts: Vec<&str> = policy.split("\n\n").collect();
    let open = |part: &str| {
        let lines = part.lines().map(|line| setting(line).unwrap_or(line.to_owned()));
        lines.collect::<Vec<_>>().join("\n")
    };
    let one = (0..parts.len()).map(|nth| {
        let parts = parts
            .iter()
            .enumerate()
            .map(|(at, part)| if at == nth { open(part) } else { (*part).to_owned() });
        parts.collect::<Vec<_>>().join("\n\n") + "\n"
    });
    one.chain([parts.iter().map(|part| open(part)).collect::<Vec<_>>().join("\n\n") + "\n"])
        .filter(|text| text.trim_end() != policy.trim_end())
        .collect()
}

/// Each setting is one that the audit takes; the answer is how many there are.
fn all_are_valid(folder: &Path, arguments: &[&str]) -> usize {
    let file = folder.join(NAME);
    let policy = fs::read_to_string(&file).unwrap();
    let all = uncommented(&policy);
    for changed in &all {
        fs::write(&file, changed).unwrap();
        let output = run(folder, &[arguments, &["--offline"]].concat());
        // It may say that nothing listens where that is a failure.
        let said = text(&output.stderr).replace("error: no listener was found (--fail-on-nothing)\n", "");
        assert!(output.status.code() != Some(2) || said.is_empty(), "{changed}\n{said}");
    }
    fs::write(&file, policy).unwrap();
    all.len()
}

fn example(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    copy(Path::new("examples/host"), &scratch.0.join("host"));
    scratch
}

#[test]
fn the_policy_is_found_and_changes_nothing() {
    let scratch = example("init-host");
    let before = audit(&scratch.0, &["host"]);
    let said = init(&scratch.0, &["--offline", "host"]);
    let policy = fs::read_to_string(scratch.0.join("host").join(NAME)).unwrap();
    snapshot::same(Path::new("tests/screens/init-host.toml"), dated(&policy).as_bytes());
    assert_eq!(audit(&scratch.0, &["host"]), before);
    let valid = all_are_valid(&scratch.0.join("host"), &[]);
    assert!(valid >= 8, "{valid}");
    let again = run(&scratch.0, &["init", "host"]);
    assert_eq!(again.status.code(), Some(2));
    assert_eq!(fs::read_to_string(scratch.0.join("host").join(NAME)).unwrap(), policy);
    snapshot::same(
        Path::new("tests/screens/init.txt"),
        format!(
            "$ backlog-audit init --offline host\n{said}\n$ backlog-audit init host\n{}",
            text(&again.stderr)
        )
        .as_bytes(),
    );
    let printed = run(&scratch.0, &["init", "--offline", "--stdout", "host"]);
    assert_eq!(
        (printed.status.code(), text(&printed.stdout)),
        (Some(0), policy),
        "a policy of comments changes nothing"
    );
}

#[test]
fn an_ignore_of_it_hides_what_it_names() {
    let scratch = example("init-ignore");
    let before = audit(&scratch.0, &["host"]).as_array().unwrap().len();
    init(&scratch.0, &["--offline", "host"]);
    let file = scratch.0.join("host").join(NAME);
    let policy = fs::read_to_string(&file).unwrap();
    let ignores: Vec<String> =
        uncommented(&policy).into_iter().filter(|it| it.contains("\n[[ignore]]")).collect();
    assert!(ignores.len() > 1);
    for ignore in ignores {
        fs::write(&file, ignore).unwrap();
        let found = audit(&scratch.0, &["host"]);
        assert!(found.as_array().unwrap().len() < before, "{found}");
        assert!(!found.to_string().contains("ignore-"), "{found}");
    }
}

#[test]
fn what_the_command_line_assumed_stays() {
    let scratch = Scratch::new("init-assumed");
    scratch.write("repo/.git/HEAD", "ref: refs/heads/main\n");
    scratch.write("repo/deploy/nginx.conf", NGINX);
    let given = [
        "--kernel",
        "5.3",
        "--set",
        "net.core.somaxconn=64,net.ipv4.tcp_syncookies=2",
        "--set",
        "net.core.somaxconn=100",
    ];
    let before = audit(&scratch.0, &[&given, &["repo"][..]].concat());
    init(&scratch.0, &[&given, &["repo"][..]].concat());
    let policy = fs::read_to_string(scratch.0.join("repo").join(NAME)).unwrap();
    assert!(policy.contains("\nkernel = \"5.3\"\n"), "{policy}");
    assert!(
        policy.contains("\n[sysctls]\nnet.core.somaxconn = 100\nnet.ipv4.tcp_syncookies = 2\n"),
        "{policy}"
    );
    assert_eq!(audit(&scratch.0, &["repo"]), before);
    all_are_valid(&scratch.0.join("repo"), &[]);
}

#[test]
fn it_lies_where_the_audit_looks_first_and_shadows_none() {
    let scratch = Scratch::new("init-where");
    scratch.write("repo/.git/HEAD", "ref: refs/heads/main\n");
    scratch.write("repo/deploy/nginx.conf", NGINX);
    let said = init(&scratch.0, &["repo/deploy/nginx.conf"]);
    assert!(said.starts_with("repo/deploy/backlog-audit.toml is written"), "{said}");
    fs::rename(scratch.0.join("repo/deploy").join(NAME), scratch.0.join("repo").join(NAME)).unwrap();
    let refused = |folder: &Path, arguments: &[&str], what: &str| {
        let output = run(folder, &[&["init"], arguments].concat());
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        assert!(text(&output.stderr).contains(what), "{}", text(&output.stderr));
    };
    refused(&scratch.0.join("repo"), &["deploy"], "backlog-audit.toml is there already");
    refused(&scratch.0.join("repo/deploy"), &[], "../backlog-audit.toml is there already");
    // A link that leads nowhere yet is not followed.
    fs::remove_file(scratch.0.join("repo").join(NAME)).unwrap();
    symlink(scratch.0.join("outside"), scratch.0.join("repo").join(NAME)).unwrap();
    refused(&scratch.0, &["repo"], "is there already");
    assert!(!scratch.0.join("outside").exists());
    refused(&scratch.0, &["nowhere"], "there is no file or folder nowhere");
    refused(Path::new("/"), &["--as", "root"], "a policy does not belong in /");
    assert!(!Path::new("/").join(NAME).exists());
    scratch.write("machine/etc/nginx/nginx.conf", NGINX);
    init(&scratch.0, &["machine/etc"]);
    assert!(
        audit(&scratch.0, &["machine/etc"]).is_array() && scratch.0.join("machine/etc").join(NAME).exists()
    );
}

#[test]
fn where_nothing_listens_it_says_so() {
    let scratch = Scratch::new("init-nothing");
    let said = init(&scratch.0, &[]);
    assert_eq!(
        said,
        "backlog-audit.toml is written, but no listener was found: backlog-audit says what it looked for\n"
    );
    assert_eq!(audit(&scratch.0, &[]), Value::Array(Vec::new()));
    all_are_valid(&scratch.0, &[]);
}

#[test]
fn several_machines_get_targets_and_several_roots_one_policy() {
    let scratch = Scratch::new("init-several");
    scratch.write("repo/.git/HEAD", "ref: refs/heads/main\n");
    for (machine, somaxconn) in [("a/web", 100), ("b/db", 200), ("c/web", 300), ("x y/host", 1)] {
        scratch.write(format!("repo/{machine}/etc/nginx/nginx.conf"), NGINX);
        scratch.write(
            format!("repo/{machine}/etc/sysctl.d/50.conf"),
            format!("net.core.somaxconn = {somaxconn}\n"),
        );
    }
    init(&scratch.0, &["repo"]);
    let policy = fs::read_to_string(scratch.0.join("repo").join(NAME)).unwrap();
    assert!(policy.contains("#name = \"db\"\n#path = \"b/db\"\n"), "{policy}");
    assert!(
        policy.contains("#name = \"web\"\n#path = \"a/web\"\n") && !policy.contains("c/web\"\n\n"),
        "{policy}"
    );
    all_are_valid(&scratch.0.join("repo"), &[]);
    for root in ["one", "two"] {
        scratch.write(format!("{root}/etc/nginx/nginx.conf"), NGINX);
        scratch.write(format!("{root}/etc/sysctl.d/50.conf"), "net.core.somaxconn = 100\n");
    }
    let before = audit(&scratch.0, &["one", "two"]);
    init(&scratch.0, &["one", "two"]);
    assert!(scratch.0.join("one").join(NAME).exists() && !scratch.0.join("two").join(NAME).exists());
    assert_eq!(audit(&scratch.0, &["one", "two"]), before);
    all_are_valid(&scratch.0.join("one"), &[".", "../two"]);
}

/// A word of the tree begins no line, ends no string and is no pattern.
#[test]
fn hostile_names_stay_words() {
    let scratch = Scratch::new("init-hostile");
    scratch.write("repo/.git/HEAD", "ref: refs/heads/main\n");
    for (nth, name) in [
        "a\nfail-on = \"never\"\n",
        "b\"]\nexclude = [\"*\"",
        "c\\",
        "[d]*",
        "e\u{202e}\u{7f}\r",
        "\"\"\"f",
        "#g",
    ]
    .iter()
    .enumerate()
    {
        scratch.write(format!("repo/{nth}{name}/etc/nginx/nginx.conf"), NGINX);
        scratch.write(
            format!("repo/{nth}{name}/etc/sysctl.conf"),
            "net.core.somaxcon = 1\nnet.core.somaxconn = 010\n",
        );
        scratch.write(
            format!("repo/{nth}{name}/server.js"),
            "require('http').createServer().listen('/run/\\n[[x]]\\u{202e}\"a.sock');\n",
        );
    }
    let before = audit(&scratch.0, &["repo"]);
    init(&scratch.0, &["repo"]);
    let policy = fs::read_to_string(scratch.0.join("repo").join(NAME)).unwrap();
    let live: Vec<&str> = policy.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert_eq!(live, ["fail-on = \"warning\""], "{policy}");
    assert!(!policy.contains(['\u{202e}', '\u{7f}', '\r']), "{policy}");
    assert_eq!(audit(&scratch.0, &["repo"]), before);
    all_are_valid(&scratch.0.join("repo"), &[]);
}
