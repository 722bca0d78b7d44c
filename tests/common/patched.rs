//! What is left to say after fixes were made: on a copy of the tree, audited again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use backlog_audit::Request;
use backlog_audit::model::{Finding, Fix, Safety};
use backlog_audit::report::Report;
use backlog_audit::text::{Edit, SourceId, apply};
use tempfile::TempDir;

/// A copy of a tree with edits made in it.
pub struct Patched {
    request: Request,
    root: PathBuf,
    copy: TempDir,
    pub edits: BTreeMap<SourceId, Vec<Edit>>,
}

impl Patched {
    pub fn new(request: &Request, report: &Report, edits: Vec<Edit>) -> Self {
        let copy = tempfile::tempdir().unwrap();
        let root = request.paths[0].clone();
        copy_tree(&root, copy.path());
        let mut by_source: BTreeMap<SourceId, Vec<Edit>> = BTreeMap::new();
        for edit in edits {
            by_source.entry(edit.span.source).or_default().push(edit);
        }
        for (id, edits) in &mut by_source {
            edits.sort_by_key(|edit| edit.span);
            let source = report.sources.get(*id);
            let path = copy.path().join(source.path().unwrap());
            assert_eq!(source.is_absent(), !path.exists(), "{}", path.display());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, apply(source.bytes(), edits)).unwrap();
        }
        Self { request: request.clone(), root, copy, edits: by_source }
    }

    /// Audits the copy as the original was, but for the rules.
    pub fn audit(&self, select: &[String]) -> Report {
        let paths = vec![self.copy.path().to_owned()];
        super::audit(&Request { paths, select: select.to_vec(), ..self.request.clone() })
    }

    /// Every byte that no edit covers is as it was, in every file, and only edited files are new.
    pub fn check_bytes(&self, report: &Report) {
        let mut edited = BTreeMap::new();
        for (id, edits) in &self.edits {
            edited.insert(report.sources.get(*id).path().unwrap().to_owned(), edits);
        }
        let before = files(&self.root);
        let after = files(self.copy.path());
        for path in before.union(&after) {
            let old = fs::read(self.root.join(path)).unwrap_or_default();
            let new = fs::read(self.copy.path().join(path)).unwrap();
            match edited.get(path) {
                None => assert_eq!(old, new, "{}", path.display()),
                Some(edits) => assert!(is_edited(&old, &new, edits), "{}", path.display()),
            }
        }
    }
}

/// Whether `new` is `old` with other bytes at the edits' places only.
fn is_edited(old: &[u8], new: &[u8], edits: &[Edit]) -> bool {
    let (mut rest, mut done) = (new, 0);
    for edit in edits {
        let Some(after) = rest.strip_prefix(&old[done..edit.span.range().start]) else { return false };
        let Some(after) = after.strip_prefix(edit.text.as_bytes()) else { return false };
        (rest, done) = (after, edit.span.range().end);
    }
    rest == &old[done..]
}

/// Makes the whole patch: none of the findings that it claims to mend is left, none is new, the listeners are the same.
pub fn check_patch(request: &Request, allowed: Safety, name: &str) {
    let before = super::audit(request);
    let edits: Vec<Edit> = before
        .plan
        .edits
        .iter()
        .filter(|planned| planned.in_patch)
        .map(|planned| planned.edit.clone())
        .collect();
    let patched = Patched::new(request, &before, edits);
    patched.check_bytes(&before);
    let after = patched.audit(&request.select);
    let keys =
        |report: &Report| report.findings.iter().map(|found| key(report, found)).collect::<BTreeSet<_>>();
    let (old, new) = (keys(&before), keys(&after));
    let brought: Vec<_> = new.difference(&old).collect();
    assert!(brought.is_empty(), "{name} ({allowed:?}): the patch brings {brought:#?}\n{}", shown(&before));
    for finding in &before.findings {
        let edits = |fix: &Fix| !fix.set.is_empty() && fix.safety <= allowed;
        let claims = finding.fixes.iter().any(edits);
        let gone = !new.contains(&key(&before, finding));
        assert!(!claims || gone, "{name} ({allowed:?}): still there: {finding:#?}\n{}", shown(&before));
    }
    assert_eq!(before.listener_ids(), after.listener_ids(), "{name}");
    let limits = |report: &Report| report.queues.iter().map(|queue| queue.limit).collect::<Vec<_>>();
    let shorter = limits(&before).into_iter().zip(limits(&after)).any(|(old, new)| new < old);
    assert!(allowed == Safety::Unsafe || !shorter, "{name}: a safe patch makes a queue shorter");
}

fn shown(report: &Report) -> String {
    String::from_utf8_lossy(&backlog_audit::report::patch::render(report)).into_owned()
}

/// What makes a finding the same one after lines have moved: rule, listener, file and key.
pub fn key(report: &Report, finding: &Finding) -> (String, Option<String>, String, String) {
    let listener = finding.listener.map(|index| report.listener_ids()[index].clone());
    let file = report.sources.get(finding.at.source).name().into_owned();
    let sysctl =
        finding.message.split([' ', '`', ':']).find(|word| word.starts_with("net.")).unwrap_or_default();
    (finding.rule.clone(), listener, file, sysctl.to_owned())
}

fn files(root: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                found.insert(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    found
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy_tree(&path, &target);
        } else if kind.is_symlink() {
            symlink(fs::read_link(&path).unwrap(), target).unwrap();
        } else if kind.is_file() {
            fs::copy(&path, target).unwrap();
        }
    }
}
