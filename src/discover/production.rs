//! What in a repository is not production: dependencies, and what is named as tests, examples, fixtures, benchmarks or docs.

use std::ffi::OsStr;
use std::path::Path;

use crate::text::Tree;
use crate::text::tree::Judged;

/// What git and the like keep for themselves: no part of the repository.
const HISTORY: [&str; 3] = [".git", ".hg", ".svn"];

/// Other people's code: never taken in. Those with a dot are where tools keep languages, packages and caches.
#[rustfmt::skip]
const NEVER: [&str; 24] = [
    ".asdf", ".bundle", ".cache", ".cargo", ".conda", ".gradle", ".m2", ".npm", ".nvm", ".pnpm-store",
    ".pyenv", ".rbenv", ".rustup", ".rvm", ".sdkman", ".venv", ".vscode-server", ".yarn", "bower_components",
    "dist-packages", "node_modules", "site-packages", "vendor", "venv",
];

/// Words that name a folder, alone or as one part of `e2e-tests` and the like.
#[rustfmt::skip]
const WORDS: [&str; 17] = [
    "bench", "benches", "benchmark", "benchmarks", "demo", "demos", "e2e", "example", "examples", "fixture",
    "fixtures", "mocks", "sample", "samples", "test", "testdata", "tests",
];

/// Words that name a folder as a whole: `rpm_spec`, `api-specs` and `docs_nginx` are parts of what is delivered.
const ALONE: [&str; 5] = ["doc", "docs", "fuzz", "spec", "specs"];

/// What becomes of a file or folder of this path.
pub(super) fn judge(path: &Path, folder: bool, include_tests: bool) -> Judged {
    let name = path.file_name().unwrap_or_default();
    // Below it every folder is a package, such as com.example.demo, and tests have a folder of their own beside it.
    let include_tests = include_tests || folder && is_main_source(path);
    match () {
        () if folder && HISTORY.iter().any(|history| name == *history) => Judged::Passed,
        () if folder && is_library(path) || left_out(name, folder, include_tests) => Judged::LeftOut,
        () => Judged::Taken,
    }
}

/// Maven's and Gradle's folder for the source of what is delivered.
fn is_main_source(path: &Path) -> bool {
    let mut parts = path.parent().into_iter().flat_map(Path::iter);
    let of_language = |part: &OsStr| ["java", "kotlin", "scala"].iter().any(|language| part == *language);
    let mut before = [OsStr::new(""); 2];
    parts.any(|part| {
        let found = before == ["src", "main"] && of_language(part);
        before = [before[1], part];
        found
    })
}

/// A language's own library, wherever it is installed: `lib/python3.11`, and the modules that Go was asked for.
fn is_library(path: &Path) -> bool {
    let mut last = path.iter().rev().map(OsStr::to_string_lossy);
    let (Some(name), Some(parent)) = (last.next(), last.next()) else { return false };
    let python = name.strip_prefix("python").is_some_and(|version| version.starts_with(['2', '3']));
    python && matches!(&*parent, "lib" | "lib64") || path.ends_with("go/pkg/mod")
}

fn left_out(name: &OsStr, folder: bool, include_tests: bool) -> bool {
    let name = name.to_string_lossy();
    if folder && NEVER.contains(&&*name) {
        return true;
    }
    !include_tests && if folder { is_word(name.trim_matches('_')) } else { is_test_file(&name) }
}

/// RPM's own folder of packages is written in capitals: SPECS.
fn is_word(name: &str) -> bool {
    let is = |words: &[&str], part: &str| words.contains(&part.to_ascii_lowercase().as_str());
    name != "SPECS" && (is(&ALONE, name) || name.split(['-', '_', '.']).any(|part| is(&WORDS, part)))
}

/// Whether a path has the name of benchmarks and is the Python package at the top that the repository is about, or a part of it.
pub(super) fn is_package(tree: &Tree, path: &Path) -> bool {
    let is_named = path.file_stem().is_some_and(|name| name == "bench");
    is_named && path.starts_with("bench") && tree.exists(Path::new("bench/__init__.py"))
}

/// How the names of files end that are no source.
const CONFIGURATION: [&str; 13] = [
    "cfg", "conf", "in", "ini", "service", "socket", "spec", "target", "timer", "toml", "xml", "yaml", "yml",
];

/// `server.test.js`, `server.spec.ts`, `server_test.js`, `test_server.py`, `test.js`; but not `latest.conf` or `test.example.com.conf`,
/// which somebody may serve.
fn is_test_file(name: &str) -> bool {
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    let source = !CONFIGURATION.contains(&extension);
    let last = stem.rsplit(['.', '_', '-']).next().unwrap_or(stem);
    let first = stem.split(['_', '-']).next().unwrap_or(stem);
    source
        && (matches!(last, "test" | "tests" | "spec" | "bench" | "benchmark" | "fixture" | "example")
            || matches!(first, "test" | "bench" | "benchmark" | "example")
            || matches!(extension, "java" | "kt") && is_test_class(stem))
}

/// `ServerTest`, `ServerTests`, `ServerTestCase`, `ServerIT`: the names that Maven's Surefire and Failsafe look for.
fn is_test_class(stem: &str) -> bool {
    ["Test", "Tests", "TestCase", "IT"].iter().any(|end| {
        let before = stem.strip_suffix(end).and_then(|stem| stem.chars().last());
        before.is_some_and(|last| last.is_lowercase() || last.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_stays() {
        let out = |name: &str, folder| left_out(OsStr::new(name), folder, false);
        for folder in [
            "node_modules",
            "site-packages",
            "test",
            "tests",
            "__tests__",
            "docs",
            "e2e-tests",
            "Examples",
            "vendor",
            "sample-apps",
            "demos",
            "fuzz",
            "spec",
            "specs",
            "_docs",
        ] {
            assert!(out(folder, true), "{folder}");
        }
        for folder in [
            "src",
            "latest",
            "contest",
            "specials",
            "etc",
            "documents",
            "democracy",
            "rpm_spec",
            "api-specs",
            "docs_nginx",
        ] {
            assert!(!out(folder, true), "{folder}");
        }
        for file in ["a.test.js", "a.spec.ts", "a_test.js", "test.js", "test-server.mjs", "bench.js"] {
            assert!(out(file, false), "{file}");
        }
        for file in [
            "app-bench.service",
            "server.js",
            "latest.js",
            "test.example.com.conf",
            "server.xml",
            "contest.js",
            "vendor",
        ] {
            assert!(!out(file, false), "{file}");
        }
        assert_eq!(judge(Path::new("a/.git"), true, true), Judged::Passed);
        assert_eq!(judge(Path::new("home/a/go/pkg/mod"), true, true), Judged::LeftOut);
        assert_eq!(judge(Path::new("src/pkg/mod"), true, false), Judged::Taken);
        assert!(left_out(OsStr::new("node_modules"), true, true));
        assert!(!left_out(OsStr::new("tests"), true, true));
    }

    #[test]
    fn what_a_language_brings_along_is_left_out() {
        let judged = |path: &str| judge(Path::new(path), true, true);
        for folder in
            ["root/.pyenv", "opt/conda/lib/python3.11", "usr/lib64/python2.7", "root/go/pkg/mod", "app/venv"]
        {
            assert_eq!(judged(folder), Judged::LeftOut, "{folder}");
        }
        for folder in ["app/lib/pythonic", "app/python3", "app/mod", "app/lib", "srv/.config"] {
            assert_eq!(judged(folder), Judged::Taken, "{folder}");
        }
    }

    #[test]
    fn packages_of_the_main_source_are_production() {
        let taken = |path: &str, folder| judge(Path::new(path), folder, false) == Judged::Taken;
        assert!(taken("src/main/java/com/example", true));
        assert!(taken("shop/src/main/kotlin/com/example/demo", true));
        for folder in ["src/test", "src/main/example", "src/java/example", "src/main/java/node_modules"] {
            assert!(!taken(folder, true), "{folder}");
        }
        for file in ["ServerTest.java", "ServerTests.java", "Http2IT.java", "ServerTestCase.kt"] {
            assert!(!taken(file, false), "{file}");
        }
        for file in ["Test.java", "Latest.java", "EXIT.java", "Contest.kt", "ServerTest.xml", "ATTest.conf"] {
            assert!(taken(file, false), "{file}");
        }
    }
}
