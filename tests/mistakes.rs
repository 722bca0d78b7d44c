//! What people write wrong in files of ours, and what is answered: where it is, and what to write instead. Each answer is kept.

mod common;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use backlog_audit::rules::Rules;
use common::scratch::Scratch;
use common::snapshot;

const NGINX: &str = "events {}\nhttp { server { listen 127.0.0.1:8081 backlog=8192; } }\n";

fn repository(name: &str) -> Scratch {
    let scratch = Scratch::new(&format!("mistakes-{name}"));
    scratch.write(".git/HEAD", "ref: refs/heads/main\n");
    scratch.write("deploy/nginx.conf", NGINX);
    scratch
}

/// The exit code, and what is said of it.
fn said(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backlog-audit"));
    let output = command
        .arg0("backlog-audit")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

/// What is refused, as a screen.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let (code, said) = said(folder, arguments);
    assert_eq!(code, Some(2), "{arguments:?}: {said}");
    for word in [
        "expected struct",
        "unknown field",
        "unknown variant",
        "invalid type",
        "EOF",
        "os error",
        "u32",
        "usize",
    ] {
        assert!(!said.contains(word), "{word}: {said}");
    }
    format!("$ backlog-audit {}\n{said}\n", arguments.join(" ")).replace("audit \n", "audit\n")
}

#[test]
fn policies() {
    let scratch = repository("policies");
    let mut all = String::new();
    for policy in fs::read_to_string("tests/mistakes/policies.toml").unwrap().split("# ---\n").skip(1) {
        scratch.write("backlog-audit.toml", policy);
        all.push_str(&format!("$ cat backlog-audit.toml\n{policy}{}", refused(&scratch.0, &[])));
    }
    scratch.write("backlog-audit.toml", b"kernel = \"5.4\"\n# caf\xe9\n");
    all.push_str(&refused(&scratch.0, &[]));
    scratch.write("backlog-audit.toml", "extend = \"deploy/a.toml\"\n");
    scratch.write("deploy/a.toml", "extend = \"b.toml\"\n");
    scratch.write("deploy/b.toml", "extend = \"../backlog-audit.toml\"\n");
    all.push_str(&refused(&scratch.0, &[]));
    for arguments in [&["--config", "nowhere.toml"], &["--config", "deploy"], &["--config", "."]] {
        all.push_str(&refused(&scratch.0, arguments));
    }
    snapshot::same(Path::new("tests/screens/mistakes-policy.txt"), all.as_bytes());
}

#[test]
fn rule_files() {
    let scratch = repository("rules");
    let mut all = String::new();
    let whole = fs::read_to_string("tests/mistakes/rule.toml").unwrap();
    for rule in fs::read_to_string("tests/mistakes/rules.toml").unwrap().split("# ---\n").skip(1) {
        // Each names the lines of the whole rule that it has otherwise.
        let key = |line: &str| line.split('=').next().unwrap().trim().to_owned();
        let (own, check) = match rule.find('[').filter(|at| rule[..*at].ends_with('\n') || *at == 0) {
            Some(at) => rule.split_at(at),
            None => (rule, "[check.queue-clamped]\n"),
        };
        let without = own.lines().filter_map(|line| line.strip_prefix("# without "));
        let gone: Vec<String> = own.lines().map(key).chain(without.map(str::to_owned)).collect();
        let mut text: String = own.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect();
        let kept = whole.split_inclusive('\n').filter(|line| !gone.contains(&key(line)));
        text.extend(kept);
        scratch.write("rules/long-queues.toml", text + check.trim_start_matches("[]\n"));
        all.push_str(&format!(
            "$ cat rules/long-queues.toml\n{rule}{}",
            refused(&scratch.0, &["--rules", "rules"])
        ));
    }
    scratch.write("rules/long-queues.toml", b"severity = \"warning\"\nsummary = \"caf\xe9\"\n");
    all.push_str(&refused(&scratch.0, &["--rules", "rules"]));
    scratch.write("rules/long-queues.toml", "");
    all.push_str(&refused(&scratch.0, &["--rules", "rules"]));
    for name in ["Long_Queues.toml", "nginx.toml"] {
        let folder = Path::new(name).file_stem().unwrap().to_str().unwrap();
        scratch.write(Path::new(folder).join(name), format!("{whole}[check.queue-clamped]\n"));
        all.push_str(&refused(&scratch.0, &["--rules", folder]));
    }
    for folder in ["nowhere", "deploy", "deploy/nginx.conf"] {
        all.push_str(&refused(&scratch.0, &["--rules", folder]));
    }
    snapshot::same(Path::new("tests/screens/mistakes-rules.txt"), all.as_bytes());
}

#[test]
fn baselines() {
    let entry = r#"{"path":null,"rule":"queue-tiny","listener":null,"line":"x","message":"m","count":1}"#;
    let scratch = repository("baselines");
    let mut all = String::new();
    for (name, text) in [
        ("empty.json", String::new()),
        ("cut.json", "{\n  \"version\": 1,\n".to_owned()),
        ("merged.json", "{\n  \"version\": 1,\n<<<<<<< HEAD\n".to_owned()),
        ("other.json", "{}".to_owned()),
        ("list.json", "[1, []]".to_owned()),
        ("words.json", "{\"version\": 1, \"findings\": [\"queue-tiny\"]}".to_owned()),
        ("newer.json", "{\"version\": 2, \"findings\": []}".to_owned()),
        ("minus.json", format!("{{\"version\":1,\"findings\":[{}]}}", entry.replace(":1}", ":-1}"))),
        ("report.json", "{\"version\": 1, \"tool\": {}, \"findings\": []}".to_owned()),
        ("report.sarif", "{\"version\": \"2.1.0\", \"runs\": []}".to_owned()),
    ] {
        scratch.write(name, &text);
        let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
        all.push_str(&format!("$ cat {name}\n{text}{end}{}", refused(&scratch.0, &["--baseline", name])));
    }
    for name in ["deploy/nginx.conf", "deploy", "nowhere.json", "a.json,b.json"] {
        all.push_str(&refused(&scratch.0, &["--baseline", name]));
    }
    all.push_str(&refused(&scratch.0, &["--select", "queue-tiny", "--write-baseline", "b.json"]));
    scratch.write("empty.conf", "\n");
    all.push_str(&refused(
        &scratch.0,
        &["-q", "--fail-on-nothing", "--write-baseline", "b.json", "empty.conf"],
    ));
    assert!(!scratch.0.join("b.json").exists(), "an audit that failed leaves nothing behind");
    scratch.write("b.json", format!("{{\"version\":1,\"findings\":[{}]}}", entry.replace("tiny", "tinny")));
    let (code, told) = said(&scratch.0, &["--baseline", "b.json", "--select", "policy-unused", "-f", "json"]);
    assert_eq!(code, Some(0));
    assert!(told.contains("there is no rule `queue-tinny`; did you mean `queue-tiny`?"), "{told}");
    snapshot::same(Path::new("tests/screens/mistakes-baseline.txt"), all.as_bytes());
}

#[test]
fn comments() {
    let scratch = repository("comments");
    let listen = |number: usize, comment: &str| format!("listen {} backlog=1; # {comment}\n", 8000 + number);
    let comments = [
        "backlog-audit: disable queue-tiny -- x",
        "backlog-audit ignore queue-tiny -- x",
        "backlog_audit: ignore queue-tiny -- x",
        "backlog-audit: ignore-next-line queue-tiny -- x",
        "backlog-audit: ignore queue-tiny until 2030-13-31 -- x",
        "backlog-audit: ignore queue-tiny - x",
        "backlog-audit: ignore queue-tinny -- x",
        "backlog-audit: ignore",
        "backlog-audit: skip this one, it is old",
    ];
    let lines: String =
        comments.iter().enumerate().map(|(number, comment)| listen(number, comment)).collect();
    scratch.write("deploy/nginx.conf", format!("events {{}}\nhttp {{ server {{\n{lines}}} }}\n"));
    let (_, told) = said(&scratch.0, &["--select", "ignore-unused,ignore-unexplained", "--kernel", "6.1"]);
    snapshot::same(Path::new("tests/screens/mistakes-comments.txt"), told.as_bytes());
}

/// What is named on the command line and cannot be what it has to be.
#[test]
fn paths() {
    let scratch = repository("paths");
    scratch.write("root/etc/nginx/nginx.conf", NGINX);
    scratch.write("wide.conf", b"\xff\xfee\0v\0");
    scratch.write("zero.conf", b"events {}\0");
    scratch.write("large.conf", vec![b'#'; 9 << 20]);
    let mut all = String::new();
    for arguments in [
        &["root", "--as", "etc"][..],
        &["root/etc/nginx", "--as", "etc"],
        &["wide.conf"],
        &["zero.conf"],
        &["large.conf"],
        &["--select", "queue-tiny", "--ignore", "queue-tiny"],
    ] {
        all.push_str(&refused(&scratch.0, arguments));
    }
    snapshot::same(Path::new("tests/screens/mistakes-paths.txt"), all.as_bytes());
    scratch.write("backlog-audit.toml", "kernel = \"x\"\n");
    let above = scratch.0.parent().unwrap();
    let name = scratch.0.file_name().unwrap().to_str().unwrap();
    for path in [name.to_owned(), format!("{name}/deploy"), scratch.0.to_str().unwrap().to_owned()] {
        let (_, said) = said(above, &[&path]);
        assert!(said.contains(&format!("{name}/backlog-audit.toml:1:10")), "{path}: {said}");
        assert!(!said.contains(".."), "{path}: {said}");
    }
}

#[test]
fn the_schema_of_rules_is_published_and_fresh() {
    snapshot::same(Path::new("schemas/rule.schema.json"), Rules::schema().as_bytes());
}

/// The checks that a rule can name are listed where the answer to a misspelt one leads.
#[test]
fn every_check_is_listed() {
    let schema: serde_json::Value = serde_json::from_str(&Rules::schema()).unwrap();
    let checks = schema["$defs"]["Check"]["oneOf"].as_array().unwrap().iter();
    let page = fs::read_to_string("docs/policy.md").unwrap();
    for check in checks.map(|it| it["required"][0].as_str().unwrap()) {
        assert!(page.contains(&format!("`{check}`")), "docs/policy.md does not list {check}");
    }
}
