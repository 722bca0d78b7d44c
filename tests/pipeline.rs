//! The audit in a pipeline: a repository of git in which things happen one after the other, and each exit code of the contract.

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::scratch::Scratch;
use serde_json::Value;

/// A repository whose git knows nothing of this machine.
struct Repository(Scratch);

impl Repository {
    fn new(name: &str) -> Self {
        let repository = Self(Scratch::new(&format!("pipeline-{name}")));
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    fn write(&self, path: &str, text: &str) {
        self.0.write(path, text);
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        git.args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.autocrlf=false"]);
        let output = git.args(arguments).current_dir(&self.0.0).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "a"]);
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut program = Command::new(env!("CARGO_BIN_EXE_backlog-audit"));
        let arguments = ["--kernel", "6.18"].iter().chain(arguments);
        program.args(arguments).current_dir(&self.0.0).stdin(Stdio::null()).output().unwrap()
    }

    /// The exit code, and `rule PATH:LINE` for every finding.
    fn audit(&self, arguments: &[&str]) -> (i32, Vec<String>) {
        let output = self.run(&[&["--format", "json"], arguments].concat());
        let document: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
        let shown = |it: &Value| {
            format!("{} {}:{}", text_of(&it["rule"]), text_of(&it["at"]["path"]), it["at"]["line"])
        };
        (output.status.code().unwrap(), document["findings"].as_array().unwrap().iter().map(shown).collect())
    }

    fn since(&self, rev: &str) -> Vec<String> {
        self.audit(&["--changed-since", rev]).1
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn nginx(lines: &str) -> String {
    format!("events {{}}\nhttp {{ server {{\n{lines}}} }}\n")
}

#[test]
fn a_repository_goes_through_its_pipeline() {
    let repository = Repository::new("whole");
    let clean = (0, vec![]);
    repository.write("web/nginx.conf", &nginx("listen 80 backlog=511;\n"));
    repository.commit();
    assert_eq!(repository.audit(&[]), clean, "clean");

    repository.write("web/nginx.conf", &nginx("listen 80 backlog=511;\nlisten 81 backlog=2;\n"));
    let tiny = "queue-tiny web/nginx.conf:4".to_owned();
    assert_eq!(repository.audit(&[]), (1, vec![tiny.clone()]), "a new finding");
    assert_eq!(repository.audit(&["--changed-since", "HEAD"]), (1, vec![tiny.clone()]), "not yet committed");

    let ignored = |until: &str| {
        nginx(&format!(
            "listen 80 backlog=511;\nlisten 81 backlog=2; # backlog-audit: ignore queue-tiny{until} -- one client\n"
        ))
    };
    repository.write("web/nginx.conf", &ignored(""));
    assert_eq!(repository.audit(&["--fail-on", "info"]), clean, "ignored");
    repository.write("web/nginx.conf", &ignored(" until 2001-01-01"));
    let expired = "ignore-expired web/nginx.conf:4".to_owned();
    assert_eq!(repository.audit(&[]), (1, vec![tiny.clone(), expired]), "the ignore has expired");
    repository.write("web/nginx.conf", &nginx("listen 80 backlog=511;\nlisten 81 backlog=2;\n"));
    repository.write(
        "backlog-audit.toml",
        "[[ignore]]\nrule = \"queue-tiny\"\npath = \"web\"\nreason = \"one client\"\n",
    );
    assert_eq!(repository.audit(&["--fail-on", "info"]), clean, "ignored by the policy");
    repository.write("backlog-audit.toml", "");

    assert_eq!(repository.audit(&["--write-baseline", "known.json"]).0, 0);
    repository.commit();
    assert_eq!(repository.audit(&["--baseline", "known.json"]), clean, "in the baseline");
    repository.write(
        "web/nginx.conf",
        &nginx("# moved\nlisten 81 backlog=2;\nlisten 80 backlog=511;\nlisten 82 backlog=3;\n"),
    );
    let new = (1, vec!["queue-tiny web/nginx.conf:6".to_owned()]);
    assert_eq!(repository.audit(&["--baseline", "known.json"]), new, "not in the baseline");

    repository.commit();
    assert_eq!(repository.since("HEAD"), Vec::<String>::new(), "nothing has changed since");
    let said = text(&repository.run(&["--changed-since", "HEAD"]).stdout);
    assert!(said.contains("nothing to report, 2 there before"), "{said}");
    let since = repository.since("HEAD~1");
    assert_eq!(since, ["queue-tiny web/nginx.conf:6"], "the other one has only moved");
    assert_eq!(repository.audit(&["--changed-since", "HEAD~1", "--baseline", "known.json"]), new);
}

#[test]
fn what_has_changed_is_what_is_not_as_it_was() {
    let repository = Repository::new("changed");
    let tiny = |path: &str| format!("queue-tiny {path}:3");
    let listen = |port: u16| nginx(&format!("listen {port} backlog=1;\n"));
    for (port, path) in
        [(80, "a/nginx.conf"), (81, "b/nginx.conf"), (82, "c d/nginx.conf"), (83, "e/nginx.conf")]
    {
        repository.write(path, &listen(port));
    }
    repository.commit();
    assert_eq!(repository.audit(&[]).1.len(), 4);
    assert_eq!(repository.since("HEAD"), Vec::<String>::new());
    repository.write("b/nginx.conf", &(listen(81) + "# changed\n"));
    assert_eq!(repository.since("HEAD"), Vec::<String>::new(), "it was there before");
    let more = |port: u16| nginx(&format!("listen {port} backlog=1;\nlisten 1{port} backlog=1;\n"));
    let new = |path: &str| format!("queue-tiny {path}:4");
    repository.write("b/nginx.conf", &more(81));
    assert_eq!(repository.since("HEAD"), [new("b/nginx.conf")], "not staged");
    repository.git(&["add", "b"]);
    assert_eq!(repository.since("HEAD"), [new("b/nginx.conf")], "staged");
    repository.commit();
    assert_eq!(repository.since("main~1"), [new("b/nginx.conf")], "committed");
    repository.write("f/nginx.conf", &listen(84));
    assert_eq!(repository.since("HEAD"), [tiny("f/nginx.conf")], "not known to git");
    fs::remove_dir_all(repository.0.0.join("f")).unwrap();
    repository.git(&["mv", "c d/nginx.conf", "c d/other.conf"]);
    assert_eq!(repository.since("HEAD"), Vec::<String>::new(), "under another name");
    repository.git(&["reset", "--quiet", "--hard"]);
    repository.write("a/nginx.conf", &listen(80).replace('\n', "\r\n"));
    assert_eq!(repository.since("HEAD"), Vec::<String>::new(), "line endings are git's own affair");
    repository.write("a/nginx.conf", &listen(80));
    repository.git(&["update-index", "--assume-unchanged", "a/nginx.conf"]);
    repository.write("a/nginx.conf", &more(80));
    assert_eq!(repository.since("HEAD"), [new("a/nginx.conf")], "whatever the index says");
}

#[test]
fn what_a_deleted_line_or_file_brings_is_new_and_so_is_what_has_become_worse() {
    let repository = Repository::new("gone");
    repository.write("etc/sysctl.d/50-a.conf", "net.core.somaxconn = 2048\n");
    repository.write("etc/sysctl.d/60-b.conf", "net.core.somaxconn = 8192\n");
    repository.write("etc/nginx/nginx.conf", &nginx("listen 80 backlog=8192;\nlisten 81 backlog=8192;\n"));
    repository.write("backlog-audit.toml", "[[ignore]]\nrule = \"queue-tiny\"\nreason = \"one client\"\n");
    repository.commit();
    let since =
        |rev: &str| repository.audit(&["--changed-since", rev, "--as", "root", "--fail-on", "info"]).1;
    let clamped = |line: u8| format!("queue-clamped etc/nginx/nginx.conf:{line}");
    fs::remove_file(repository.0.0.join("etc/sysctl.d/60-b.conf")).unwrap();
    assert_eq!(since("HEAD"), [clamped(3), clamped(4)], "by a file that is gone");
    repository.commit();
    assert_eq!(since("HEAD"), Vec::<String>::new());
    repository.write("etc/sysctl.d/50-a.conf", "net.core.somaxconn = 1024\n");
    assert_eq!(since("HEAD"), [clamped(3), clamped(4)], "cut to less");
    repository.git(&["reset", "--quiet", "--hard"]);
    repository.write(
        "etc/nginx/nginx.conf",
        &nginx("listen 80 backlog=8192;\nlisten 81 backlog=8192;\nlisten 82 backlog=2;\n"),
    );
    assert_eq!(since("HEAD"), Vec::<String>::new(), "ignored");
    repository.commit();
    repository.write("backlog-audit.toml", "");
    assert_eq!(since("HEAD"), ["queue-tiny etc/nginx/nginx.conf:5"], "no more ignored");
    repository.write("backlog-audit.toml", "[");
    repository.commit();
    repository.write("backlog-audit.toml", "");
    assert_eq!(since("HEAD"), Vec::<String>::new(), "a policy that did not read");
}

#[test]
fn what_is_cut_off_of_a_folder_is_told_and_hides_nothing() {
    let repository = Repository::new("cut");
    repository.write("a/nginx.conf", &nginx("listen 80 backlog=1;\ninclude r/*/*/*/*/*.conf;\n"));
    repository.write("a/r/a.conf", "");
    for link in 0..10 {
        symlink(".", repository.0.0.join(format!("a/r/l{link}"))).unwrap();
    }
    repository.commit();
    assert_eq!(repository.since("HEAD"), ["cut-off a/r:1"]);
    repository.write("b/nginx.conf", &nginx("listen 81 backlog=1;\n"));
    assert_eq!(repository.since("HEAD"), ["cut-off a/r:1", "queue-tiny b/nginx.conf:3"]);
}

#[test]
fn another_line_that_takes_part_counts_and_the_facts_are_those_of_the_whole_tree() {
    let repository = Repository::new("parts");
    repository.write("etc/sysctl.d/50-a.conf", "net.core.somaxconn = 2048\n");
    repository.write("web/nginx.conf", &nginx("listen 80 backlog=2048;\n"));
    repository.write("backlog-audit.toml", "[[ignore]]\nrule = \"sysctl-typo\"\nreason = \"was so once\"\n");
    repository.commit();
    repository.write("etc/sysctl.d/50-a.conf", "net.core.somaxconn = 1024\n");
    let clamped = "queue-clamped web/nginx.conf:3";
    assert_eq!(repository.since("HEAD"), [clamped], "the listener's file is as it was");
    repository.commit();
    repository.write("web/nginx.conf", &nginx("listen 80 backlog=4096;\n"));
    assert_eq!(repository.since("HEAD"), [clamped], "the limit is read from a file that is as it was");
    repository.commit();
    repository.write(
        "backlog-audit.toml",
        "# changed\n[[ignore]]\nrule = \"sysctl-typo\"\nreason = \"was so once\"\n",
    );
    assert_eq!(repository.since("HEAD"), Vec::<String>::new(), "it was unused before");
    let second = "[[ignore]]\nrule = \"sysctl-typo\"\nreason = \"was so once\"\n[[ignore]]\nrule = \"queue-tiny\"\nreason = \"one client\"\n";
    repository.write("backlog-audit.toml", second);
    assert_eq!(repository.since("HEAD"), ["ignore-unused backlog-audit.toml:5"]);
    let said = text(&repository.run(&["--changed-since", "HEAD", "."]).stdout);
    assert!(said.contains("2 there before") && said.contains("0.0.0.0:80"), "{said}");
    let again = "--changed-since HEAD";
    assert!(said.contains(again) || said.contains("explain"), "{said}");
}

#[test]
fn a_part_of_a_repository_and_a_single_file_have_the_same_past() {
    let repository = Repository::new("below");
    repository.write("deploy/web/nginx.conf", &nginx("listen 80 backlog=1;\n"));
    repository.write("deploy/api/nginx.conf", &nginx("listen 81 backlog=1;\n"));
    repository.commit();
    repository.write("deploy/web/nginx.conf", &nginx("listen 80 backlog=2;\n"));
    for (path, found) in [
        ("deploy", vec!["queue-tiny web/nginx.conf:3"]),
        ("deploy/web", vec!["queue-tiny nginx.conf:3"]),
        ("deploy/web/nginx.conf", vec!["queue-tiny nginx.conf:3"]),
        ("deploy/api/nginx.conf", vec![]),
    ] {
        assert_eq!(repository.audit(&["--changed-since", "HEAD", path]).1, found, "{path}");
    }
    let both = ["--changed-since", "HEAD", "deploy/api/nginx.conf", "deploy/web/nginx.conf"];
    assert_eq!(repository.audit(&both).1, ["queue-tiny deploy/web/nginx.conf:3"]);
}

#[test]
fn a_branch_is_compared_with_where_it_began() {
    let repository = Repository::new("branch");
    repository.write("a/nginx.conf", &nginx("listen 80 backlog=1;\n"));
    repository.write("b/nginx.conf", &nginx("listen 81 backlog=1;\n"));
    repository.commit();
    repository.git(&["checkout", "--quiet", "-b", "work"]);
    repository.write("b/nginx.conf", &nginx("listen 81 backlog=2;\n"));
    repository.commit();
    repository.git(&["checkout", "--quiet", "main"]);
    repository.write("a/nginx.conf", &nginx("listen 80 backlog=2;\n"));
    repository.commit();
    repository.git(&["checkout", "--quiet", "work"]);
    assert_eq!(
        repository.since("main"),
        ["queue-tiny b/nginx.conf:3"],
        "what others did meanwhile is theirs"
    );
}

#[test]
fn a_file_that_does_not_read_is_not_new_every_time() {
    let repository = Repository::new("unread");
    repository.write("etc/nginx/nginx.conf", "events {}\nhttp { include sites-enabled/*; }\n");
    repository.write("etc/nginx/sites-enabled/a", "server { listen 80 backlog=511; }\n");
    symlink("../sites-available/gone", repository.0.0.join("etc/nginx/sites-enabled/gone")).unwrap();
    repository
        .write("server.js", &format!("require('net').createServer().listen(1);\n{}", "//\n".repeat(3 << 20)));
    repository.commit();
    assert_ne!(
        repository.audit(&["--as", "root"]).1.len() + repository.audit(&[]).1.len(),
        0,
        "something is unreadable"
    );
    assert_eq!(repository.since("HEAD"), Vec::<String>::new());
    assert_eq!(repository.audit(&["--changed-since", "HEAD", "--as", "root"]).1, Vec::<String>::new());
}

#[test]
fn where_git_has_no_answer_it_is_an_error() {
    let fails = |output: &Output, says: &str| {
        assert_eq!(
            (output.status.code(), text(&output.stdout).as_str()),
            (Some(2), ""),
            "{}",
            text(&output.stderr)
        );
        assert!(text(&output.stderr).contains(says), "{}", text(&output.stderr));
    };
    let repository = Repository::new("errors");
    repository.write("nginx.conf", &nginx("listen 80 backlog=1;\n"));
    repository.commit();
    fails(&repository.run(&["--changed-since="]), "the revision is empty");
    for rev in ["nowhere", "--all", "-h", "HEAD:nginx.conf", "HEAD^{tree}", "a b\nc"] {
        let option = format!("--changed-since={rev}");
        fails(
            &repository.run(&[&option]),
            &format!("there is no revision `{}", rev.lines().next().unwrap_or("")),
        );
    }
    let mut without = Command::new(env!("CARGO_BIN_EXE_backlog-audit"));
    let without =
        without.args(["--changed-since", "HEAD"]).current_dir(&repository.0.0).env("PATH", "/nowhere");
    fails(&without.output().unwrap(), "--changed-since needs the git command: No such file or directory");
    let scratch = Scratch::new("pipeline-no-repository");
    scratch.write("nginx.conf", nginx("listen 80 backlog=1;\n"));
    let mut outside = Command::new(env!("CARGO_BIN_EXE_backlog-audit"));
    outside.args(["--changed-since", "HEAD"]).current_dir(&scratch.0);
    // The folder for scratch files may itself lie in a repository.
    outside.env("GIT_CEILING_DIRECTORIES", scratch.0.parent().unwrap());
    fails(&outside.output().unwrap(), "not a git repository");
}

/// A hook calls us in the environment of its own repository.
#[test]
fn the_environment_of_a_hook_leads_nowhere() {
    let (ours, theirs) = (Repository::new("hook-ours"), Repository::new("hook-theirs"));
    for repository in [&ours, &theirs] {
        repository.write("nginx.conf", &nginx("listen 80 backlog=1;\n"));
        repository.commit();
    }
    ours.write("nginx.conf", &nginx("listen 80 backlog=2;\n"));
    let mut program = Command::new(env!("CARGO_BIN_EXE_backlog-audit"));
    program.args(["--format", "json", "--changed-since", "HEAD"]).current_dir(&ours.0.0);
    program.env("GIT_DIR", theirs.0.0.join(".git")).env("GIT_WORK_TREE", &theirs.0.0);
    let output = program.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("queue-tiny"));
}

/// Every program that a repository can name for git to run: none of them is.
#[test]
fn a_hostile_repository_runs_nothing() {
    let repository = Repository::new("hostile");
    repository.write("nginx.conf", &nginx("listen 80 backlog=1;\n"));
    repository.write("other.conf", &nginx("listen 81 backlog=1;\n"));
    repository.write(".gitattributes", "* filter=evil diff=evil merge=evil\n");
    repository.commit();
    let mark = repository.0.0.join("ran");
    let script = repository.0.0.join(".git/evil");
    fs::write(&script, format!("#!/bin/sh\ntouch '{}'\n", mark.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let evil = script.to_str().unwrap();
    for hook in [
        "post-index-change",
        "reference-transaction",
        "fsmonitor-watchman",
        "post-checkout",
        "query-watchman",
    ] {
        let path = repository.0.0.join(".git/hooks").join(hook);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(&script, path).unwrap();
    }
    let config = format!(
        "[core]\n\trepositoryformatversion = 1\n\tfsmonitor = {evil}\n\tpager = {evil}\n\teditor = {evil}\n\tsshCommand = {evil}\n\
         \talternateRefsCommand = {evil}\n\tgitProxy = {evil}\n[diff]\n\texternal = {evil}\n[diff \"evil\"]\n\tcommand = {evil}\n\
         \ttextconv = {evil}\n[filter \"evil\"]\n\tclean = {evil}\n\tsmudge = {evil}\n\tprocess = {evil}\n\trequired = true\n\
         [pager]\n\trev-parse = {evil}\n\tcat-file = {evil}\n\tmerge-base = {evil}\n[alias]\n\trev-parse = !{evil}\n\
         \tcat-file = !{evil}\n[extensions]\n\tpartialClone = evil\n[remote \"evil\"]\n\turl = {top}\n\tpromisor = true\n\
         \tpartialclonefilter = blob:none\n\tuploadpack = {evil}\n[protocol]\n\tallow = always\n[protocol \"file\"]\n\tallow = always\n\
         [credential]\n\thelper = {evil}\n[gpg]\n\tprogram = {evil}\n",
        top = repository.0.0.display(),
    );
    fs::write(repository.0.0.join(".git/config"), config).unwrap();
    // What is missing would have to be fetched, by the remote's own program.
    let object = repository.git_without_config(&["rev-parse", "HEAD:other.conf"]);
    let (folder, name) = object.trim().split_at(2);
    let object = repository.0.0.join(".git/objects").join(folder).join(name);
    let aside = object.with_extension("aside");
    fs::rename(&object, &aside).unwrap();
    drop(fs::remove_file(&mark));
    repository.write("nginx.conf", &nginx("listen 80 backlog=2;\n"));
    let output = repository.run(&["--changed-since", "HEAD"]);
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("lacks files of that revision"), "{said}");
    fs::rename(aside, object).unwrap();
    assert_eq!(repository.since("HEAD"), ["queue-tiny nginx.conf:3"]);
    assert!(!mark.exists(), "something ran");
}

impl Repository {
    /// git, without what the repository's own configuration names.
    fn git_without_config(&self, arguments: &[&str]) -> String {
        let aside = self.0.0.join(".git/config.aside");
        let config = self.0.0.join(".git/config");
        fs::rename(&config, &aside).unwrap();
        let output = self.git(arguments);
        fs::rename(&aside, &config).unwrap();
        output
    }
}

/// Each exit code of the contract.
#[test]
fn exit_codes_are_three() {
    let repository = Repository::new("codes");
    repository.write("web/nginx.conf", &nginx("listen 80 backlog=1;\n"));
    repository.write("info/etc/nginx/nginx.conf", &nginx("listen 80;\n"));
    repository.write("info/etc/sysctl.d/50-a.conf", "net.core.somaxconn = 8192\n");
    repository.write("error/etc/nginx/nginx.conf", "events {}\nhttp { server { listen 80; }\n");
    repository.write("clean/etc/nginx/nginx.conf", &nginx("listen 80;\n"));
    repository.write("empty/README", "nothing\n");
    repository.write("policies/never.toml", "fail-on = \"never\"\n");
    repository.write("policies/info.toml", "fail-on = \"info\"\n");
    repository.write("policies/wrong.toml", "fail_on = \"info\"\n");
    repository.write("own/wrong.toml", "severity = \"error\"\n");
    repository.write("skipped/server.js", &format!("listen({}", "(".repeat(9 << 20)));
    repository.commit();
    let calls: [(i32, &[&str]); 28] = [
        // Nothing at or above --fail-on.
        (0, &["clean"]),
        (0, &["empty"]),
        (0, &["info"]),
        (0, &["--fail-on", "error", "web"]),
        (0, &["--fail-on", "never", "error"]),
        (0, &["--ignore", "queue-tiny", "web"]),
        (0, &["--config", "policies/never.toml", "error"]),
        (0, &["--changed-since", "HEAD", "web"]),
        (0, &["--quiet", "--format", "patch", "clean"]),
        (0, &["skipped"]),
        // Findings at or above it.
        (1, &["web"]),
        (1, &["error"]),
        (1, &["--fail-on", "error", "error"]),
        (1, &["--fail-on", "info", "info"]),
        (1, &["--config", "policies/info.toml", "info"]),
        (1, &["--config", "policies/never.toml", "--fail-on", "warning", "web"]),
        (1, &["--quiet", "--format", "json", "web"]),
        (1, &["--fail-on", "info", "skipped"]),
        // The audit could not be done.
        (2, &["nowhere"]),
        (2, &["--no-such-option"]),
        (2, &["--fail-on", "fatal"]),
        (2, &["--config", "policies/wrong.toml", "clean"]),
        (2, &["--config", "policies/none.toml", "clean"]),
        (2, &["--rules", "own", "clean"]),
        (2, &["--baseline", "none.json", "clean"]),
        (2, &["--changed-since", "none", "clean"]),
        (2, &["--select", "no-such-rule", "clean"]),
        (2, &["--format", "json=no/such/folder", "clean"]),
    ];
    for (code, arguments) in calls {
        let output = repository.run(arguments);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert_eq!(output.stderr.is_empty(), code != 2, "{arguments:?}: {said}");
    }
    assert!(Path::new(&repository.0.0).join("web").is_dir());
}
