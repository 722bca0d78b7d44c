//! What every fuzz target does: lay some bytes out as a tree, audit it, and hold the report to what must be true of any report.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use backlog_audit::model::ReadAs;
use backlog_audit::report::{
    Report, Screen, checkstyle, github, gitlab, human, json, junit, markdown, ndjson, patch, prometheus,
    sarif,
};
use backlog_audit::text::{Slot, Span};
use backlog_audit::{Error, Request};

/// What only a file beside a repository says.
const OUTSIDE: &str = "outside.the-repository.invalid";

/// A tree in memory-backed storage where there is some, laid anew for every input.
pub struct Ground(tempfile::TempDir);

impl Default for Ground {
    fn default() -> Self {
        let memory = Path::new("/dev/shm");
        let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self(made.expect("a scratch folder"))
    }
}

impl Ground {
    /// Audits a root filesystem of these files.
    pub fn audit(&self, files: &[(&str, &[u8])]) {
        let root = self.0.path().join("tree");
        for (path, bytes) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder made");
            fs::write(path, bytes).expect("a file written");
        }
        fs::create_dir_all(&root).expect("a folder made");
        self.hold(Request { paths: vec![root.clone()], ..Request::default() });
        fs::remove_dir_all(root).expect("a folder removed");
    }

    /// Audits a repository of these files, where one that begins with `-> ` is a link. What lies beside the repository is
    /// never shown.
    pub fn repository(&self, files: &[(&str, &[u8])]) {
        let (root, outside) = (self.0.path().join("repository"), self.0.path().join("outside"));
        fs::create_dir_all(&outside).expect("a folder made");
        let secret = format!("events {{}} http {{ server {{ listen 80; server_name {OUTSIDE}; }} }}");
        fs::write(outside.join("nginx.conf"), secret).expect("a file written");
        for (path, bytes) in files {
            let path = root.join(path);
            let made = fs::create_dir_all(path.parent().expect("a folder"));
            // A link may have taken the place of a folder, and lead out.
            let stays = made.is_ok()
                && path.parent().is_some_and(|it| it.canonicalize().is_ok_and(|it| it.starts_with(&root)));
            if !stays || fs::symlink_metadata(&path).is_ok() {
                continue;
            }
            match bytes.strip_prefix(b"-> ") {
                Some(target) => drop(symlink(OsStr::from_bytes(&target[..target.len().min(200)]), &path)),
                None => fs::write(&path, bytes).expect("a file written"),
            }
        }
        fs::create_dir_all(&root).expect("a folder made");
        self.hold_as(ReadAs::Repo, Request { paths: vec![root.clone()], ..Request::default() });
        self.hold(Request { paths: vec![root.clone()], ..Request::default() });
        fs::remove_dir_all(root).expect("a folder removed");
    }

    /// A folder of rules with one rule of these bytes.
    pub fn rule(&self, bytes: &[u8]) {
        let folder = self.0.path().join("rules");
        fs::create_dir_all(&folder).expect("a folder made");
        fs::write(folder.join("own.toml"), bytes).expect("a file written");
        let empty = self.0.path().join("empty");
        fs::create_dir_all(&empty).expect("a folder made");
        self.hold(Request { paths: vec![empty], rules: vec![folder], ..Request::default() });
    }

    /// A record of a running machine of these bytes, if they are one.
    pub fn running(&self, bytes: &[u8]) {
        let Ok(running) = serde_json::from_slice(bytes) else { return };
        let root = self.0.path().join("machine");
        fs::create_dir_all(root.join("etc/nginx")).expect("a folder made");
        let nginx = "events {} http { server { listen 80 backlog=600; listen unix:/run/web.sock; } }";
        fs::write(root.join("etc/nginx/nginx.conf"), nginx).expect("a file written");
        self.hold(Request { paths: vec![root], running: Some(running), ..Request::default() });
    }

    fn hold(&self, request: Request) {
        self.hold_as(ReadAs::Root, request);
    }

    fn hold_as(&self, read_as: ReadAs, request: Request) {
        let request = Request { read_as: Some(read_as), offline: true, unsafe_fixes: true, ..request };
        match backlog_audit::audit(&request) {
            Ok(report) => check(&report),
            Err(Error::Path(error)) => panic!("the path is good: {error}"),
            Err(_) => {}
        }
    }
}

/// What is true of any report.
fn check(report: &Report) {
    for (listener, queue) in report.host.listeners.iter().zip(&report.queues) {
        inside(report, listener.site);
        assert_eq!(
            queue.steps.last().and_then(|step| step.value),
            queue.limit,
            "the ledger ends with the limit"
        );
        queue.steps.iter().chain(&listener.notes).for_each(|step| inside(report, step.at));
        let written = listener.backlog.value.as_ref().map(|backlog| backlog.get);
        listener.backlog.slot.iter().for_each(|slot| slot_holds(report, slot, written));
    }
    for finding in &report.findings {
        inside(report, finding.at);
        finding.labels.iter().for_each(|label| inside(report, label.at));
    }
    for pair in report.plan.edits.iter().filter(|planned| planned.in_patch).collect::<Vec<_>>().windows(2) {
        let (a, b) = (pair[0].edit.span, pair[1].edit.span);
        assert!(a.source != b.source || a.end <= b.start, "edits of a patch do not overlap");
    }
    shown(report);
}

/// Every format can show every report, and no control character of a file reaches a terminal.
fn shown(report: &Report) {
    let patch = patch::render(report);
    assert!(!memmem(&patch, OUTSIDE.as_bytes()), "{}", String::from_utf8_lossy(&patch));
    let again = human::Again::default();
    for text in [
        human::render(report, &Screen::plain(), &again, None),
        checkstyle::render(report),
        github::render(report),
        gitlab::render(report),
        json::render(report),
        junit::render(report, None),
        markdown::render(report),
        ndjson::render(report),
        prometheus::render(report, prometheus::Exposition::Text),
        sarif::render(report),
    ] {
        assert!(!text.contains(OUTSIDE), "{text}");
        let harmful = text.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(harmful, None, "{text}");
    }
}

fn memmem(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn inside(report: &Report, span: Span) {
    let length = report.sources.bytes(span.source).len();
    assert!(span.start <= span.end && span.end as usize <= length, "{span:?} of {length} bytes");
}

/// A slot over text covers the number itself, in one of C's spellings.
fn slot_holds(report: &Report, slot: &Slot, written: Option<i64>) {
    inside(report, slot.span);
    let text = report.sources.text(slot.span);
    let digits = text.trim_start_matches(['-', '+']);
    assert!(text.is_empty() || digits.starts_with(|c: char| c.is_ascii_digit()), "{text:?} is {written:?}");
}

/// The files of one input: each piece between zero bytes goes to the path that its first byte picks.
pub fn pieces<'a>(paths: &[&'static str], bytes: &'a [u8]) -> Vec<(&'static str, &'a [u8])> {
    let piece = |piece: &'a [u8]| {
        let (first, rest) = piece.split_first()?;
        Some((paths[*first as usize % paths.len()], rest))
    };
    let mut files: Vec<_> = bytes.split(|byte| *byte == 0).take(8).filter_map(piece).collect();
    files.sort_by_key(|(path, _)| *path);
    files.dedup_by_key(|(path, _)| *path);
    files
}

/// The files of a tree written as one input, where every path is one that stays inside the tree.
pub fn tree(bytes: &[u8]) -> Option<Vec<(&str, &[u8])>> {
    let files: Vec<_> = bytes.split(|byte| *byte == 0).take(12).map(file).collect::<Option<_>>()?;
    let mut paths: Vec<_> = files.iter().map(|(path, _)| *path).collect();
    paths.sort_unstable();
    // No file twice, and none where another one needs a folder.
    let apart = paths.windows(2).all(|pair| !pair[1].starts_with(pair[0]));
    apart.then_some(files)
}

fn file(piece: &[u8]) -> Option<(&str, &[u8])> {
    let end = piece.iter().position(|byte| *byte == b'\n')?;
    let path = std::str::from_utf8(&piece[..end]).ok()?;
    let inside = path.len() < 100 && path.split('/').all(|name| !matches!(name, "" | "." | ".."));
    inside.then_some((path, &piece[end + 1..]))
}
