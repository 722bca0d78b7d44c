//! The policy: where it is found, what it decides, and what is answered where it is misspelt.

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use backlog_audit::Request;
use backlog_audit::config::{self, FailOn};
use backlog_audit::model::{Severity, key};
use backlog_audit::report::Report;
use backlog_audit::rules::Rules;
use backlog_audit::text::Sources;
use common::scratch::Scratch;
use common::snapshot;

const NGINX: &str = "events {}\nhttp { server { listen 80 backlog=2048; } }\n";

/// A repository with one nginx that asks for 2048, and this policy.
fn repository(name: &str, policy: &str) -> Scratch {
    let scratch = Scratch::new(&format!("policy-{name}"));
    scratch.write(".git/HEAD", "ref: refs/heads/main\n");
    scratch.write("deploy/nginx.conf", NGINX);
    scratch.write("backlog-audit.toml", policy);
    scratch
}

fn request(path: PathBuf) -> Request {
    Request { paths: vec![path], offline: true, ..Request::default() }
}

fn audit(scratch: &Scratch) -> Report {
    common::audit(&request(scratch.0.clone()))
}

fn rules(report: &Report) -> Vec<&str> {
    report.findings.iter().map(|finding| finding.rule.as_str()).collect()
}

fn somaxconn(report: &Report, place: usize) -> i64 {
    report.host.places[place].sysctls.number(key::SOMAXCONN).unwrap()
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backlog-audit"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn it_is_found_upward_but_not_above_the_repository() {
    let scratch = Scratch::new("policy-upward");
    scratch.write("backlog-audit.toml", "sysctls = { \"net.core.somaxconn\" = 1 }\n");
    scratch.write("repo/.git/HEAD", "ref: refs/heads/main\n");
    scratch.write("repo/a/b/nginx.conf", NGINX);
    scratch.write("root/etc/nginx/nginx.conf", NGINX);
    scratch.write("etc-only/etc/nginx/nginx.conf", NGINX);
    scratch.write("etc-only/backlog-audit.toml", "sysctls = { \"net.core.somaxconn\" = 7 }\n");
    let found = |path: &str| somaxconn(&common::audit(&request(scratch.0.join(path))), 0);
    assert_eq!(
        (found("repo"), found("repo/a"), found("root")),
        (4096, 4096, 4096),
        "what lies above is not theirs"
    );
    scratch.write("repo/backlog-audit.toml", "sysctls = { \"net.core.somaxconn\" = 2 }\n");
    let paths = ["repo", "repo/a", "repo/a/b", "repo/a/b/nginx.conf"];
    assert_eq!(paths.map(found), [2; 4]);
    scratch.write("repo/a/backlog-audit.toml", "sysctls = { \"net.core.somaxconn\" = 3 }\n");
    assert_eq!(paths.map(found), [2, 3, 3, 3], "the nearest one counts");
    assert_eq!(found("etc-only/etc"), 7, "an etc folder belongs to its root");
    let config = Some(scratch.0.join("backlog-audit.toml"));
    let report = common::audit(&Request { config, ..request(scratch.0.join("repo/a")) });
    assert_eq!(somaxconn(&report, 0), 1, "--config counts instead of what is found");
}

#[test]
fn what_is_assumed_points_at_its_line() {
    let policy = "kernel = \"5.3\"\n\n[sysctls]\nnet.core.somaxconn = 100\n\"net/ipv4/tcp_syncookies\" = 0\n";
    let scratch = repository("assumed", policy);
    let report = audit(&scratch);
    let place = &report.host.places[0];
    let at = |span| {
        let position = report.sources.position(span);
        format!("{}:{}:{}", report.sources.get(span.source).name(), position.line, position.column)
    };
    assert_eq!(
        (place.kernel.release.as_str(), at(place.kernel.version.span)),
        ("5.3", "backlog-audit.toml:1:10".into())
    );
    let value = |key| place.sysctls.get(key).unwrap().value.clone().unwrap();
    assert_eq!(
        (value(key::SOMAXCONN).get, at(value(key::SOMAXCONN).span)),
        (100, "backlog-audit.toml:4:22".into())
    );
    assert_eq!(value(key::SYNCOOKIES).get, 0);
    assert_eq!(report.queues[0].limit, Some(100));
    assert!(report.plan.edits.is_empty(), "what the policy assumes no file changes: {:?}", report.plan.edits);
    let seen_from_below = common::audit(&request(scratch.0.join("deploy")));
    let at = seen_from_below.host.places[0].kernel.version.span;
    assert_eq!(seen_from_below.sources.get(at.source).name(), "../backlog-audit.toml");
}

#[test]
fn the_command_line_wins() {
    let policy = "kernel = \"5.3\"\nfail-on = \"never\"\nsysctls = { \"net.core.somaxconn\" = 100 }\n\
                  [rules]\nselect = [\"queue-clamped\"]\nignore = [\"queue-tiny\"]\n";
    let scratch = repository("wins", policy);
    let plain = request(scratch.0.clone());
    let report = common::audit(&plain);
    assert_eq!((rules(&report), report.fails_on, report.fails()), (vec!["queue-clamped"], None, false));
    let set = vec![(key::SOMAXCONN.to_owned(), 4096)];
    let report = common::audit(&Request { set, kernel: Some("6.1".into()), ..plain.clone() });
    assert_eq!((somaxconn(&report, 0), report.host.places[0].kernel.release.as_str()), (4096, "6.1"));
    let report = common::audit(&Request { fail_on: Some(FailOn::Info), ..plain.clone() });
    assert!(report.fails());
    let report = common::audit(&Request {
        select: vec!["queue-tiny".into()],
        ignore: vec!["queue-clamped".into()],
        ..plain
    });
    assert_eq!(report.rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ["queue-tiny"]);
}

#[test]
fn rules_count_as_much_as_the_policy_says() {
    let policy = "sysctls = { \"net.core.somaxconn\" = 100 }\n[rules]\nfolders = [\"policy\"]\n\
                  [rules.severity]\nqueue-clamped = \"error\"\nours = \"info\"\n";
    let scratch = repository("severity", policy);
    scratch.write(
        "policy/ours.toml",
        "severity = \"error\"\nsummary = \"s.\"\nwhat = \"w.\"\nwhy = \"w.\"\nfix = \"f.\"\nreferences = []\n\
         [check.queue-short]\nat-least = 4096\n",
    );
    let report = audit(&scratch);
    let severities: Vec<_> = report.findings.iter().map(|it| (it.rule.as_str(), it.severity)).collect();
    assert_eq!(severities, [("ours", Severity::Info), ("queue-clamped", Severity::Error)]);
    assert_eq!(report.rules.get("queue-clamped").unwrap().severity, Severity::Error);
}

#[test]
fn excluded_paths_are_left_out() {
    let scratch = repository("exclude", "exclude = [\"deploy/old\", \"**/*.vhost\"]\n");
    scratch.write("deploy/old/nginx.conf", NGINX.replace("80", "8001"));
    scratch.write("sites/a.vhost", "server { listen 8002; }\n");
    scratch.write("deploy/older/nginx.conf", NGINX.replace("80", "8003"));
    scratch.write("deploy/old/sysctl.d/99-old.conf", "net.core.somaxconn = 1\n");
    let report = audit(&scratch);
    assert_eq!(report.listener_ids(), ["nginx:0.0.0.0:80", "nginx:0.0.0.0:8003"]);
    assert_eq!((somaxconn(&report, 0), report.left_out), (4096, 3), "three by the policy");
}

#[test]
fn each_target_has_machines_of_its_own() {
    let policy = "kernel = \"6.1\"\n\
                  [[target]]\nname = \"staging\"\npath = \"deploy/staging\"\nsysctls = { \"net.core.somaxconn\" = 64 }\n\
                  [[target]]\nname = \"production\"\npath = \"deploy/production/**\"\nkernel = \"5.3\"\n\
                  [[target]]\nname = \"nothing\"\npath = \"nowhere\"\n";
    let scratch = repository("targets", policy);
    scratch.write("deploy/staging/nginx.conf", NGINX);
    scratch.write("deploy/production/nginx.conf", NGINX);
    let report = audit(&scratch);
    let places: Vec<_> =
        report.host.places.iter().map(|it| (it.name.as_str(), it.kernel.release.as_str())).collect();
    assert_eq!(places, [("host", "6.1"), ("staging", "6.1"), ("production", "5.3")]);
    assert_eq!((somaxconn(&report, 0), somaxconn(&report, 1), somaxconn(&report, 2)), (4096, 64, 128));
    let limits: Vec<_> = report.queues.iter().map(|queue| queue.limit.unwrap()).collect();
    assert_eq!(
        report.listener_ids(),
        ["nginx:0.0.0.0:80", "staging:nginx:0.0.0.0:80", "production:nginx:0.0.0.0:80"]
    );
    assert_eq!(limits, [2048, 64, 128]);
    let clamped = report.findings.iter().filter(|finding| finding.rule == "queue-clamped");
    let told: Vec<&str> = clamped.map(|finding| finding.message.split(" asks").next().unwrap()).collect();
    assert_eq!(told, ["nginx on 0.0.0.0:80 in production", "nginx on 0.0.0.0:80 in staging"]);
    // What they have in common holds for all, and is told once.
    scratch.write("base/sysctl.d/99-base.conf", "net.core.somaxconn = 512\nnet.ipv4.tcp_syncookies = 2\n");
    scratch.write("deploy/production/sysctl.d/50-own.conf", "net.ipv4.tcp_max_syn_backlog = 77\n");
    let report = audit(&scratch);
    assert_eq!((somaxconn(&report, 0), somaxconn(&report, 1), somaxconn(&report, 2)), (512, 64, 512));
    let synq =
        |place: usize| report.host.places[place].sysctls.get(key::MAX_SYN_BACKLOG).unwrap().is_written();
    assert_eq!((synq(0), synq(1), synq(2)), (false, false, true));
    let told = rules(&report).into_iter().filter(|rule| *rule == "syncookies-always").count();
    assert_eq!(told, 1, "{:#?}", report.findings);
    let one = common::audit(&request(scratch.0.join("deploy/staging/nginx.conf")));
    assert_eq!(one.queues[0].limit, Some(64), "a file by itself belongs to its target too");
    let shown = text(&run(&scratch.0, &["."]).stdout);
    assert!(
        shown.contains("Audited production in . as a repository,\n        for Linux 5.3 (from"),
        "{shown}"
    );
}

#[test]
fn what_is_misspelt_is_pointed_at_with_what_was_meant() {
    let mut all = String::new();
    for (name, policy) in [
        ("key", "fail-on = \"error\"\nkernle = \"5.10\"\n"),
        ("word", "fail-on = \"eror\"\n"),
        ("far", "colour = \"red\"\n"),
        ("table", "[[minimun]]\nat-least = 1\n"),
        ("nested", "[[minimum]]\nservice = \"nginx\"\natleast = 4096\n"),
        ("missing", "[[minimum]]\nservice = \"nginx\"\n"),
        ("kernel", "kernel = \"modern\"\n"),
        ("sysctl", "[sysctls]\n\"net.core.somaxcon\" = 128\n"),
        ("nested-sysctl", "[sysctls]\nnet.core.somaxcon = 128\n"),
        ("number", "[sysctls]\n\"net.core.somaxconn\" = \"128\"\n"),
        ("rule", "[rules]\nselect = [\"queue-tiny\", \"queue-clampd\"]\n"),
        ("severity", "[rules.severity]\nqueue-clampd = \"error\"\n"),
        ("severity-word", "[rules.severity]\nqueue-clamped = \"fatal\"\n"),
        ("service", "[[minimum]]\nservice = \"ngnix\"\nat-least = 4096\n"),
        ("target", "[[target]]\nname = \"host\"\npath = \"deploy\"\n"),
        ("target-name", "[[target]]\nname = \"a:b\"\npath = \"deploy\"\n"),
        ("folder", "[rules]\nfolders = [\"nowhere\"]\n"),
        ("outside", "[rules]\nfolders = [\"../..\"]\n"),
        ("ignore", "[[ignore]]\nreason = \"so\"\n"),
        ("ignored-rule", "[[ignore]]\npath = \"a\"\n\n[[ignore]]\nrule = \"queue-clampd\"\n"),
        ("until", "[[ignore]]\nrule = \"queue-clamped\"\nuntil = 2026-01-31T00:00:00Z\n"),
        ("quoted-until", "[[ignore]]\nrule = \"queue-clamped\"\nuntil = \"2026-01-31\"\n"),
        ("reason", "[[ignore]]\nrule = \"queue-clamped\"\nreson = \"so\"\n"),
        ("toml", "kernel = 5.10.1\n"),
    ] {
        let scratch = repository(&format!("misspelt-{name}"), policy);
        let output = run(&scratch.0, &[]);
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(2), ""), "{name}");
        all.push_str(&format!(
            "$ cat backlog-audit.toml\n{policy}$ backlog-audit\n{}\n",
            text(&output.stderr)
        ));
    }
    snapshot::same(Path::new("tests/screens/broken-policy.txt"), all.as_bytes());
    let scratch = Scratch::new("policy-none");
    let output = run(&scratch.0, &["--config", "nowhere.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("nowhere.toml"), "{}", text(&output.stderr));
}

/// What lies in a tree must not make us show what lies outside it.
#[test]
fn a_policy_that_is_found_leads_nowhere_else() {
    let secret = Scratch::new("policy-secret");
    secret.write("credentials.toml", "token = \"hunter2\"\n");
    let scratch = repository("hostile", "");
    let refused = || {
        let output = run(&scratch.0, &[]);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    };
    let policy = scratch.0.join("backlog-audit.toml");
    fs::remove_file(&policy).unwrap();
    symlink(secret.0.join("credentials.toml"), &policy).unwrap();
    refused();
    fs::remove_file(&policy).unwrap();
    symlink("../".repeat(20) + secret.0.join("credentials.toml").to_str().unwrap(), &policy).unwrap();
    refused();
    fs::remove_file(&policy).unwrap();
    for folder in [secret.0.to_str().unwrap(), "linked", "rules"] {
        scratch.write("backlog-audit.toml", format!("[rules]\nfolders = [\"{folder}\"]\n"));
        let linked = scratch.0.join("linked");
        drop(fs::remove_file(&linked));
        symlink(&secret.0, &linked).unwrap();
        fs::create_dir_all(scratch.0.join("rules")).unwrap();
        drop(fs::remove_file(scratch.0.join("rules/r.toml")));
        symlink(secret.0.join("credentials.toml"), scratch.0.join("rules/r.toml")).unwrap();
        refused();
    }
}

#[test]
fn a_rule_folder_of_a_policy_can_hold_anything() {
    let scratch = repository("folder-of-anything", "[rules]\nfolders = [\"rules\"]\n");
    fs::create_dir_all(scratch.0.join("rules")).unwrap();
    let mode = rustix::fs::Mode::RWXU;
    let fifo = scratch.0.join("rules/fifo.toml");
    rustix::fs::mknodat(rustix::fs::CWD, fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert_eq!(run(&scratch.0, &["--kernel", "6.1"]).status.code(), Some(0), "a FIFO is not waited on");
    fs::File::create(scratch.0.join("rules/large.toml")).unwrap().set_len(8 << 30).unwrap();
    let output = run(&scratch.0, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("it has 8192 MiB"), "{}", text(&output.stderr));
}

#[test]
fn a_policy_says_what_the_one_that_it_extends_leaves_open() {
    let own = "extend = \"base/policy.toml\"\nfail-on = \"info\"\nexclude = [\"deploy/new\"]\n\
               [rules]\nignore = [\"queue-default\"]\n[sysctls]\nnet.core.somaxconn = 200\n\
               [[target]]\nname = \"own\"\npath = \"deploy/own\"\n[[minimum]]\nservice = \"nginx\"\nat-least = 64\n";
    let base = "kernel = \"5.3\"\nfail-on = \"never\"\nfail-on-nothing = true\nexclude = [\"old\"]\n\
                [rules]\nignore = [\"queue-tiny\"]\n[sysctls]\nnet.core.somaxconn = 100\nnet.ipv4.tcp_syncookies = 0\n\
                [[target]]\nname = \"all\"\npath = \"../deploy/**\"\n[[minimum]]\nat-least = 32\n";
    let scratch = repository("extends", own);
    scratch.write("base/policy.toml", base);
    scratch.write("base/old/nginx.conf", NGINX.replace("80", "81"));
    scratch.write("deploy/new/nginx.conf", NGINX.replace("80", "82"));
    scratch.write("deploy/own/nginx.conf", NGINX.replace("80", "83"));
    let report = audit(&scratch);
    let place = &report.host.places[0];
    assert_eq!((somaxconn(&report, 0), place.kernel.release.as_str()), (200, "5.3"));
    assert_eq!(place.sysctls.number(key::SYNCOOKIES), Some(0));
    assert_eq!((report.fails_on, report.fails_on_nothing), (Some(Severity::Info), true));
    assert_eq!(
        report.listener_ids(),
        ["nginx:0.0.0.0:80", "own:nginx:0.0.0.0:83"],
        "each file has its own folder"
    );
    let left_out = ["queue-tiny", "queue-default"].map(|rule| report.rules.get(rule).is_none());
    assert_eq!((left_out, report.host.minimums.len()), ([true, true], 2));
    let at = report.sources.get(place.kernel.version.span.source).name().into_owned();
    assert_eq!(at, "base/policy.toml");
    // Found in a tree, it leads nowhere else; named, it may.
    let other = Scratch::new("policy-extended");
    other.write("policy.toml", "kernel = \"4.18\"\n");
    let path = other.0.join("policy.toml");
    scratch.write("backlog-audit.toml", format!("extend = \"{}\"\n", path.display()));
    let output = run(&scratch.0, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("outside the audited tree"), "{}", text(&output.stderr));
    fs::remove_file(scratch.0.join("base/policy.toml")).unwrap();
    symlink(&path, scratch.0.join("base/policy.toml")).unwrap();
    scratch.write("backlog-audit.toml", "extend = \"base/policy.toml\"\n");
    assert_eq!(run(&scratch.0, &[]).status.code(), Some(2));
    let config = Some(scratch.0.join("backlog-audit.toml"));
    let report = common::audit(&Request { config, ..request(scratch.0.clone()) });
    assert_eq!(report.host.places[0].kernel.release, "4.18");
}

#[test]
fn the_schema_is_published_and_fresh() {
    snapshot::same(Path::new("schemas/config.schema.json"), config::schema().as_bytes());
    assert_eq!(text(&run(Path::new("."), &["schema", "config"]).stdout), config::schema());
}

#[test]
fn the_schema_takes_what_the_program_takes() {
    let schema = serde_json::from_str(&config::schema()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let taken = |policy: &str| {
        let value: toml::Value = toml::from_str(policy).unwrap();
        schema.is_valid(&serde_json::to_value(value).unwrap())
    };
    let whole = "kernel = \"5.10\"\nfail-on = \"never\"\nexclude = [\"old\"]\n[sysctls]\nnet.core.somaxconn = 1\n\
                 \"net.ipv4.tcp_syncookies\" = 1\n[rules]\nselect = [\"queue-tiny\"]\nignore = [\"queue-default\"]\n\
                 [rules.severity]\nqueue-tiny = \"info\"\n[[target]]\nname = \"a\"\npath = \"b\"\n\
                 kernel = \"6.1\"\n[[ignore]]\npath = \"a\"\nlistener = \"b\"\n\
                 rule = \"queue-tiny\"\nreason = \"c\"\n[[minimum]]\nservice = \"nginx\"\nport = 80\naddress = \"0.0.0.0:80\"\nat-least = 1\n";
    let scratch = repository("whole", whole);
    assert_ne!(run(&scratch.0, &[]).status.code(), Some(2));
    assert!(taken(whole) && taken(""));
    for wrong in [
        "kernle = \"5.10\"\n",
        "fail-on = \"eror\"\n",
        "[[minimum]]\nport = 80\n",
        "[[target]]\nname = \"a\"\n",
    ] {
        assert!(!taken(wrong), "{wrong}");
    }
}

/// The policy that the documentation shows is one, and the rules that its comments name exist.
#[test]
fn the_documented_policy_is_taken() {
    let page = fs::read_to_string("docs/policy.md").unwrap();
    let (_, rest) = page.split_once("```toml\n").unwrap();
    for ignored in page.lines().filter_map(|line| line.split_once("# backlog-audit: ignore ")) {
        let rules = ignored.1.split(" until ").next().unwrap().split(" -- ").next().unwrap();
        for rule in rules.split(", ").filter(|rule| *rule != "RULE") {
            assert!(Rules::load(&Sources::new(), &[]).unwrap().get(rule).is_some(), "{rule}");
        }
    }
    let scratch = repository("documented", rest.split_once("```").unwrap().0);
    scratch.write("policy/rules/README", "");
    let output = run(&scratch.0, &[]);
    assert_ne!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("queue-below-minimum"), "{}", text(&output.stdout));
}
