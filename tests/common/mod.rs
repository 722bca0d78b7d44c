//! What several harnesses share: where the cases are, and how one is audited.
#![allow(dead_code)] // each harness uses a part

pub mod by_hand;
pub mod hostile;
pub mod patched;
pub mod scratch;
pub mod snapshot;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use backlog_audit::Request;
use backlog_audit::model::{Date, ReadAs, Running};
use backlog_audit::report::Report;

pub fn cases(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new("tests/cases").join(kind);
    let mut found: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{} holds no case", folder.display());
    found
}

/// Every root filesystem that we have.
pub fn roots() -> Vec<PathBuf> {
    let mut roots = vec![PathBuf::from("examples/host")];
    for kind in ["hosts", "services/nginx", "services/node", "services/tomcat"] {
        roots.extend(cases(kind).iter().map(|case| case.join("root")));
    }
    for rule in cases("rules") {
        roots.extend(fs::read_dir(rule).unwrap().map(|case| case.unwrap().path().join("root")));
    }
    roots.retain(|root| root.is_dir());
    roots.sort();
    assert!(roots.len() > 200, "{}", roots.len());
    roots
}

pub fn name(case: &Path) -> String {
    case.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A request for a root filesystem as another machine would see it.
pub fn of_root(root: &Path) -> Request {
    Request { paths: vec![root.to_owned()], read_as: Some(ReadAs::Root), offline: true, ..Request::default() }
}

/// A case's root with what `request.json` beside it says: kernel, as, set, rules, today; and what the machine showed, if
/// `running.json` does.
pub fn request(case: &Path) -> Request {
    let mut request = of_root(&case.join("root"));
    let running = case.join("running.json");
    if running.exists() {
        let running: Running = serde_json::from_value(json(&running)).unwrap();
        request.kernel = Some(running.release.clone());
        request.running = Some(running);
    }
    let asked = case.join("request.json");
    if !asked.exists() {
        return request;
    }
    for (name, value) in json(&asked).as_object().unwrap() {
        match name.as_str() {
            "kernel" => request.kernel = value.as_str().map(str::to_owned),
            "as" => {
                let all = [ReadAs::Root, ReadAs::Etc, ReadAs::Repo, ReadAs::File];
                request.read_as = all.into_iter().find(|read_as| value == read_as.word());
            }
            "set" => {
                let pairs = value.as_object().unwrap().iter();
                request.set = pairs.map(|(key, value)| (key.clone(), value.as_i64().unwrap())).collect();
            }
            "today" => request.today = Date::parse(value.as_str().unwrap()),
            "rules" => request.rules = vec![case.join(value.as_str().unwrap())],
            other => panic!("{}: {other}?", asked.display()),
        }
    }
    request
}

pub fn audit(request: &Request) -> Report {
    backlog_audit::audit(request).unwrap_or_else(|error| panic!("{:?}: {error}", request.paths))
}

/// A copy of a tree, links as they are.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type().unwrap() {
            kind if kind.is_symlink() => symlink(fs::read_link(path).unwrap(), copy).unwrap(),
            kind if kind.is_dir() => self::copy(&path, &copy),
            _ => fs::write(copy, fs::read(path).unwrap()).unwrap(),
        }
    }
}

pub fn json(path: &Path) -> serde_json::Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
