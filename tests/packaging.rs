//! What is given away: one version, one home, one list of licences, and recipes that name nobody's address but those who have one.

use std::fs;
use std::path::{Path, PathBuf};

use backlog_audit::HOME;

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap()
}

fn manifest() -> toml::Table {
    read("Cargo.toml").parse().unwrap()
}

/// A text among tables that lie in one another.
fn text<'a>(table: &'a toml::Table, path: &[&str]) -> Option<&'a str> {
    let (last, tables) = path.split_last().unwrap();
    tables.iter().try_fold(table, |table, name| table.get(*name)?.as_table())?.get(*last)?.as_str()
}

/// All files of folders, and files.
fn files(paths: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn all_name_one_version() {
    let version = env!("CARGO_PKG_VERSION");
    let placeholder: toml::Table = read("pyproject.toml").parse().unwrap();
    assert_eq!(text(&placeholder, &["project", "version"]), Some(version));
    let needs = placeholder["project"]["dependencies"].as_array().unwrap();
    assert_eq!(needs, &[toml::Value::from(format!("backlog-audit=={version}"))]);
    // pip would take a package that needs one of its own name for installed already.
    assert_ne!(text(&placeholder, &["project", "name"]), Some("backlog-audit"));
    let wheel: toml::Table = read("packaging/wheel/pyproject.toml").parse().unwrap();
    assert_eq!(text(&wheel, &["project", "name"]), Some("backlog-audit"));
    assert_eq!(text(&wheel, &["project", "version"]), None, "the wheel has Cargo.toml's");
    for path in ["docs/ci.md", "templates/backlog-audit.gitlab-ci.yml"] {
        let named: Vec<String> = read(path)
            .lines()
            .filter_map(|line| Some(line.rsplit_once("backlog-audit:")?.1.to_owned()))
            .filter(|tag| tag.starts_with(|first: char| first.is_ascii_digit()))
            .collect();
        assert!(!named.is_empty() && named.iter().all(|tag| tag == version), "{path}: {named:?}");
    }
    assert!(
        read("docs/ci.md").contains(&format!("    rev: v{version}\n")),
        "docs/ci.md: pre-commit's recipe"
    );
}

#[test]
fn licences_are_one_list() {
    let list = |path: &str, of: &[&str]| {
        let table: toml::Table = read(path).parse().unwrap();
        let (last, tables) = of.split_last().unwrap();
        tables.iter().fold(&table, |table, name| table[*name].as_table().unwrap())[*last].clone()
    };
    assert_eq!(list("packaging/about.toml", &["accepted"]), list("deny.toml", &["licenses", "allow"]));
}

/// Both fields are the home, and all else takes it from there.
#[test]
fn a_home_is_said_once() {
    let manifest = manifest();
    let fields =
        ["homepage", "repository"].map(|name| text(&manifest, &["package", name]).unwrap_or_default());
    assert_eq!(fields, [HOME, HOME]);
    assert!(HOME.is_empty() || HOME.starts_with("https://") && !HOME.ends_with('/'), "{HOME}");
    for path in files(&["src"]) {
        let source = fs::read_to_string(&path).unwrap();
        if path != Path::new("src/lib.rs") {
            assert!(
                !source.contains("CARGO_PKG_HOMEPAGE") && !source.contains("CARGO_PKG_REPOSITORY"),
                "{}: take HOME",
                path.display()
            );
        }
    }
}

/// Whose addresses are written, beside ours: what is meant for examples, and others' own pages, formats and registries.
const HOSTS: &[&str] = &[
    "127.0.0.1",
    "docs.github.com",
    "docs.gitlab.com",
    "docs.oasis-open.org",
    "ghcr.io",
    "git.example.com",
    "json-schema.org",
    "json.schemastore.org",
    "keepachangelog.com",
    "localhost",
    "no-color.org",
    "prometheus.io",
    "registry.example.com",
    "rustup.rs",
    "semver.org",
    "www.rfc-editor.org",
];

#[test]
fn no_host_is_invented() {
    let given = [
        ".ci",
        ".github",
        ".pre-commit-hooks.yaml",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "Cargo.toml",
        "Dockerfile",
        "README.md",
        "action.yml",
        "docs/ci.md",
        "docs/monitoring.md",
        "docs/policy.md",
        "monitoring",
        "packaging",
        "pyproject.toml",
        "schemas",
        "src/report/sarif.rs",
        "templates",
    ];
    let home = HOME.split("://").nth(1).unwrap_or_default();
    let mut count = 0;
    for path in files(&given) {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for after in text.split("://").skip(1) {
            let is_host = |letter: char| letter.is_ascii_alphanumeric() || ".-".contains(letter);
            let end = after.find(|letter| !is_host(letter)).unwrap_or(after.len());
            let host = &after[..end];
            // A name without a dot is a placeholder, or a word of a test.
            if !host.contains('.') || (!home.is_empty() && after.starts_with(home)) {
                continue;
            }
            assert!(HOSTS.contains(&host), "{}: who is {host}?", path.display());
            count += 1;
        }
    }
    assert!(count > 5, "{count} addresses");
}

/// What others run with us they name by its commit: a tag can be moved.
#[test]
fn recipes_pin_what_they_use() {
    let mut count = 0;
    for path in files(&["action.yml", ".github", "docs/ci.md"]) {
        for line in read(path.to_str().unwrap()).lines() {
            let Some((_, used)) = line.split_once("uses: ") else { continue };
            let (commit, version) = used.split_once('@').unwrap().1.split_once(" # ").unwrap_or_default();
            let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_commit && !version.is_empty(), "{}: {line}", path.display());
            count += 1;
        }
    }
    assert!(count > 5, "{count} actions");
}

#[test]
fn the_readme_is_short() {
    assert!(read("README.md").lines().count() <= 150);
}
