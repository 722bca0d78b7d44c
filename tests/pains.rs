//! What people suffered, as trees: the report that a person reads says the number that holds, the knob and the file.
//!
//! A folder of `cases/pains` holds `root/`, the files as the sufferer had them, and `pain.toml`, whose fields stand below.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{cases, name};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Pain {
    /// Public threads, as `owner/repo#number`, or a page's address.
    thread: Vec<String>,
    /// What the sufferer saw, in one sentence.
    says: String,
    /// Which server on which kernel gave the numbers; `source: ...` where it cannot be had.
    measured: String,
    arguments: Vec<String>,
    told: Vec<String>,
    #[serde(default)]
    not_told: Vec<String>,
    /// What the report should say and does not say yet. Nothing is asked of these words.
    #[serde(default)]
    wanted: Vec<String>,
}

#[test]
fn every_sufferer_is_told_what_it_was() {
    let mut faults = Vec::new();
    for case in cases("pains") {
        let pain = pain(&case);
        let report = audit(&case, &pain.arguments);
        faults.extend(pain.faults(&report).into_iter().map(|fault| format!("{}: {fault}", name(&case))));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_pain_says_whence_it_is() {
    for case in cases("pains") {
        let pain = pain(&case);
        let case = name(&case);
        assert!(!pain.thread.is_empty() && pain.thread.iter().all(|it| is_thread(it)), "{case}: thread");
        assert!(pain.says.ends_with('.') && pain.says.len() > 20, "{case}: says");
        let of_a_kernel = pain.measured.contains(" on Linux ") || pain.measured.contains(", Linux ");
        assert!(of_a_kernel || pain.measured.starts_with("source: "), "{case}: measured");
        assert!(!pain.told.is_empty(), "{case}: told");
        let words = [&pain.told, &pain.not_told, &pain.wanted];
        assert!(words.iter().all(|list| list.iter().all(|it| *it == joined(it) && !it.is_empty())), "{case}");
        // One word is in one list.
        let all: Vec<&String> = words.into_iter().flatten().collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{case}: {all:?}");
    }
}

#[test]
fn a_missing_word_and_a_false_one_are_noticed() {
    for case in cases("pains").into_iter().take(3) {
        let mut pain = pain(&case);
        let report = audit(&case, &pain.arguments);
        assert!(pain.faults("").len() == pain.told.len(), "{}", case.display());
        pain.not_told = vec![pain.told.remove(0)];
        pain.told.push("a word that no report says".into());
        assert_eq!(pain.faults(&report).len(), 2, "{}", case.display());
    }
}

#[test]
fn lines_are_joined_as_they_are_read() {
    let report =
        "  ⚠ nginx asks for 4096, the kernel\n  │ cuts it to 128\n  seen as a 502\n          at once\n";
    let said = "⚠ nginx asks for 4096, the kernel cuts it to 128 seen as a 502 at once";
    assert_eq!(joined(report), said);
}

impl Pain {
    /// What the report lacks of `told`, and what it has of `not-told`.
    fn faults(&self, report: &str) -> Vec<String> {
        let said = joined(report);
        let lacks = self.told.iter().filter(|words| !said.contains(words.as_str()));
        let has = self.not_told.iter().filter(|words| said.contains(words.as_str()));
        let lacks = lacks.map(|words| format!("the report does not say {words:?}"));
        lacks.chain(has.map(|words| format!("the report says {words:?}"))).collect()
    }
}

fn pain(case: &Path) -> Pain {
    assert!(case.join("root").is_dir(), "{}", case.display());
    let path = case.join("pain.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The report that a person gets who asks for no format: in a pipe it is 80 columns wide and has no colour.
fn audit(case: &Path, arguments: &[String]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backlog-audit"));
    for variable in ["LC_ALL", "LC_CTYPE", "LANG"] {
        command.env_remove(variable);
    }
    let output = command
        .args(["--color", "never"])
        .args(arguments)
        .arg("root")
        .current_dir(case)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}: {said}", case.display());
    assert_eq!(said, "", "{}", case.display());
    String::from_utf8(output.stdout).unwrap()
}

/// The lines as one, so that the width of a screen parts nothing that belongs together. A message that goes on in the next line
/// is led by a bar there.
fn joined(report: &str) -> String {
    let words =
        report.lines().flat_map(|line| line.trim().strip_prefix("│ ").unwrap_or(line).split_whitespace());
    words.collect::<Vec<_>>().join(" ")
}

fn is_thread(text: &str) -> bool {
    let of_a_repository = |(repository, number): (&str, &str)| {
        repository.split('/').filter(|part| !part.is_empty()).count() == 2 && number.parse::<u32>().is_ok()
    };
    text.starts_with("https://") || text.split_once('#').is_some_and(of_a_repository)
}
