//! The patch is taken by patch(1) and by git, and changes nothing but what its edits say, whatever the files are made of.

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use backlog_audit::model::{Host, Place};
use backlog_audit::plan::{Plan, Planned};
use backlog_audit::report::{Report, patch};
use backlog_audit::text::{Edit, Origin, Sources, Span};
use common::by_hand;
use common::scratch::Scratch;

/// A file, the text in it that is replaced, and what by. No bytes: the file is new.
struct Change<'a> {
    path: &'a str,
    before: Option<&'a [u8]>,
    old: &'a str,
    new: &'a str,
}

impl Change<'_> {
    /// Every place where the old text stands.
    fn edits(&self) -> Vec<(usize, usize)> {
        let bytes = self.before.unwrap_or_default();
        if self.old.is_empty() {
            return vec![(bytes.len(), bytes.len())];
        }
        let old = self.old.as_bytes();
        (0..bytes.len()).filter(|at| bytes[*at..].starts_with(old)).map(|at| (at, at + old.len())).collect()
    }

    fn after(&self) -> Vec<u8> {
        let mut bytes = self.before.unwrap_or_default().to_vec();
        for (start, end) in self.edits().into_iter().rev() {
            bytes.splice(start..end, self.new.bytes());
        }
        bytes
    }
}

fn report(changes: &[Change], root: Option<&str>) -> Report {
    let sources = Sources::new();
    let mut plan = Plan::default();
    for change in changes {
        let (root, path) = (root.map(str::to_owned), PathBuf::from(change.path));
        let origin = match change.before {
            Some(_) => Origin::File { root, path },
            None => Origin::Absent { root, path },
        };
        let source = sources.add(origin, change.before.unwrap_or_default().to_vec());
        for (start, end) in change.edits() {
            let edit = Edit { span: Span::new(source, start..end), text: change.new.to_owned() };
            plan.edits.push(Planned {
                id: "e1".into(),
                edit,
                in_patch: true,
                serves: Vec::new(),
                writes: std::collections::BTreeMap::new(),
                then: Vec::new(),
            });
        }
    }
    by_hand::report(sources, Host::default(), plan)
}

fn run(program: &str, arguments: &[&str], folder: &Path, input: &[u8]) {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}\n{}",
        String::from_utf8_lossy(&said),
        String::from_utf8_lossy(input)
    );
    // Neither an offset nor a fuzz: each hunk lies exactly where it says.
    let said = String::from_utf8_lossy(&said);
    assert!(!said.contains("offset") && !said.contains("fuzz"), "{program}: {said}");
}

/// Applies the patch with both tools, each on a tree of its own, and compares every byte.
fn both_take(name: &str, changes: &[Change]) {
    let text = patch::render(&report(changes, None));
    for (tool, arguments) in
        [("patch", ["-p1", "--no-backup-if-mismatch"]), ("git", ["apply", "--whitespace=nowarn"])]
    {
        let folder = Scratch::new(&format!("{name}-{tool}"));
        for change in changes {
            let path = folder.0.join(change.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            if let Some(bytes) = change.before {
                fs::write(path, bytes).unwrap();
            }
        }
        run(tool, &arguments, &folder.0, &text);
        for change in changes {
            let made = fs::read(folder.0.join(change.path)).unwrap();
            assert!(made == change.after(), "{tool} on {}: {}", change.path, String::from_utf8_lossy(&text));
        }
    }
}

#[test]
fn ordinary_files_and_a_new_one() {
    let many: String = (0..100).map(|n| format!("line {n}\n")).collect();
    both_take(
        "ordinary",
        &[
            Change { path: "etc/a.conf", before: Some(b"a = 128\n"), old: "128", new: "4096" },
            Change { path: "etc/b.conf", before: Some(many.as_bytes()), old: "50\n", new: "50;\n" },
            Change {
                path: "etc/sysctl.d/90.conf",
                before: None,
                old: "",
                new: "net.core.somaxconn = 4096\n",
            },
            Change { path: "etc/many.conf", before: Some(many.as_bytes()), old: "7", new: "77" },
        ],
    );
}

#[test]
fn line_endings_and_bytes_that_are_not_text() {
    both_take(
        "bytes",
        &[
            Change { path: "crlf", before: Some(b"x\r\na = 128\r\ny\r\n"), old: "128", new: "4096" },
            Change { path: "no-newline", before: Some(b"x\na = 128"), old: "128", new: "4096" },
            Change { path: "appended", before: Some(b"a = 128"), old: "", new: "\nb = 1\n" },
            Change {
                path: "far-from-the-end",
                before: Some(b"128\n1\n2\n3\n4\n5\nend"),
                old: "128",
                new: "1",
            },
            Change { path: "latin-1", before: Some(b"# \xe4\xf6\n128\n# \xff\n"), old: "128", new: "4096" },
            Change { path: "lone-cr", before: Some(b"a\rb\r128\r"), old: "128", new: "4096" },
            Change { path: "mixed", before: Some(b"a\rb\n128\r\n\r\n\rc"), old: "128", new: "4096" },
            Change { path: "escapes", before: Some(b"\x1b[31m\n128\n\x07\n"), old: "128", new: "4096" },
        ],
    );
}

#[test]
fn names_as_git_quotes_them() {
    let change = |path| Change { path, before: Some(b"a\n128\n"), old: "128", new: "4096" };
    both_take(
        "names",
        &[
            change("with space/a b.conf"),
            change("tab\there"),
            change("quote\"and\\backslash"),
            change("umlaut-ä/ü.conf"),
            change("escape-\u{1b}[31m.conf"),
            change("-p1"),
            change("ends in a blank "),
            Change { path: "new file/ö b.conf", before: None, old: "", new: "x\n" },
        ],
    );
}

#[test]
fn several_roots_are_patched_from_the_nearest_folder_above_all() {
    let change = [Change { path: "etc/a", before: Some(b"128\n"), old: "128", new: "4096" }];
    let place = |root: &str, top: &str| {
        let place = by_hand::ByHand::new().0.host.places.remove(0);
        Place { top: top.into(), root: Some(root.into()), ..place }
    };
    for (tops, path) in
        [(["/srv/web1", "/srv/web2"], "web1/etc/a"), (["/srv/a/web1", "/srv/b"], "a/web1/etc/a")]
    {
        let mut report = report(&change, Some("./web1"));
        report.host.places = vec![place("./web1", tops[0]), place("web2", tops[1])];
        let text = String::from_utf8(patch::render(&report)).unwrap();
        assert!(text.starts_with(&format!("--- a/{path}\n+++ b/{path}\n@@")), "{text}");
        assert_eq!(patch::folder(&report.host.places), Path::new("/srv"));
    }
}

#[test]
fn edits_outside_the_patch_and_edits_that_change_nothing_leave_no_trace() {
    let mut report = report(&[Change { path: "a", before: Some(b"128\n"), old: "128", new: "128" }], None);
    assert_eq!(patch::render(&report), b"");
    report.plan.edits[0].edit.text = "256".into();
    report.plan.edits[0].in_patch = false;
    assert_eq!(patch::render(&report), b"");
}

#[test]
fn ten_thousand_changes_take_no_time() {
    let text: String = (0..10_000).map(|n| format!("server {{\n    listen {n} backlog=511;\n}}\n")).collect();
    let change =
        [Change { path: "a", before: Some(text.as_bytes()), old: "backlog=511", new: "backlog=4096" }];
    let started = std::time::Instant::now();
    let patch = patch::render(&report(&change, None));
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    let folder = Scratch::new("many");
    fs::write(folder.0.join("a"), &text).unwrap();
    run("git", &["apply"], &folder.0, &patch);
    assert!(fs::read(folder.0.join("a")).unwrap() == change[0].after());
}
