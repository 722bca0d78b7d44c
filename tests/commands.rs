//! The command lines that files write, as the programs that read these files take them: systemd, supervisord and the shell are
//! asked; Dockerfiles, compose files and the like are recorded as they are read here.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command as Process, Stdio};

use backlog_audit::commands::{self, Started};
use backlog_audit::knowledge::Knowledge;
use backlog_audit::model::{Command, ReadAs, Room, Starter, Word};
use backlog_audit::syntax::letters::Letters;
use backlog_audit::syntax::shell::{self, Variables};
use backlog_audit::text::{Origin, Sources, Span, apply};
use backlog_audit::{discover, text};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What a tree starts.
fn started(sources: &Sources, root: &Path, read_as: ReadAs) -> Started {
    let knowledge = Knowledge::load(sources).unwrap();
    let mut sites = discover::sites(&[root.to_owned()], Some(read_as)).unwrap();
    let site = sites.remove(0);
    let found = discover::find(sources, &site, &knowledge, false, &[]);
    let started = commands::read(sources, &site.tree, &knowledge, site.read_as, &found.files);
    started.commands.iter().for_each(|command| hold(sources, command));
    started
}

/// What is true of every command.
fn hold(sources: &Sources, command: &Command) {
    let variables = command.environment.iter().map(|variable| &variable.value);
    for word in command.words.iter().chain(variables) {
        assert!(
            !word.exact || sources.text(word.span) == word.text,
            "{word:?} is {:?}",
            sources.text(word.span)
        );
        assert!(word.span.end as usize <= sources.bytes(word.span.source).len());
        assert!(!(word.exact && word.open), "{word:?}");
    }
    assert!(!command.words.is_empty() && !sources.text(command.at).is_empty(), "{command:?}");
}

#[test]
fn units_start_what_systemd_starts() {
    let cases = common::cases("commands/unit");
    assert!(cases.len() >= 11);
    let mut recorded = 0;
    for case in cases {
        let truth = common::json(&case.join("truth.json"));
        let sources = Sources::new();
        let started = started(&sources, &case.join("root"), ReadAs::Root);
        let mut by_unit: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for command in started.commands.iter().filter(|command| command.starter == Starter::Unit) {
            by_unit.entry(command.name.clone()).or_default().push(as_started(command));
        }
        for (unit, rows) in truth["units"].as_object().unwrap() {
            let rows = rows.as_array().unwrap();
            let ours = by_unit.remove(unit).unwrap_or_default();
            let shown: Vec<Value> =
                rows.iter().filter(|row| is_main(row)).map(|row| known(row, &ours)).collect();
            assert_eq!(ours, shown, "{} {unit}", common::name(&case));
            recorded += shown.len();
        }
        assert_eq!(by_unit, BTreeMap::new(), "{}: systemd starts none of these", common::name(&case));
    }
    assert!(recorded >= 60, "{recorded}");
}

/// What the recorder would have said of our command.
fn as_started(command: &Command) -> Value {
    let environment: BTreeMap<&str, &str> =
        command.environment.iter().map(|it| (it.name.as_str(), it.value.text.as_str())).collect();
    json!({
        "argv": command.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(),
        "environment": environment,
        "folder": command.folder.as_ref().map(|folder| format!("/{}", folder.display())),
        "open_files": command.open_files.as_ref().map(|(soft, hard)| [soft.get, hard.get]),
    })
}

/// A row without what a unit leaves to others: its own `ExecStartPre=` and the limits that it has from outside.
fn known(row: &Value, ours: &[Value]) -> Value {
    let mut row = row.clone();
    if ours.iter().all(|ours| ours["open_files"].is_null()) {
        row["open_files"] = Value::Null;
    }
    row
}

/// Cases name what is no `ExecStart=` so that it can be told.
fn is_main(row: &Value) -> bool {
    !matches!(row["argv"][1].as_str(), Some("pre" | "post" | "reload" | "stop"))
}

#[test]
fn a_unit_that_is_refused_is_a_problem() {
    let sources = Sources::new();
    let started = started(&sources, Path::new("tests/cases/commands/unit/several/root"), ReadAs::Root);
    let mut refused: Vec<&str> =
        started.problems.iter().map(|problem| problem.message.split(' ').next().unwrap()).collect();
    refused.sort_unstable();
    assert_eq!(refused, ["forgotten.service", "refused.service"]);
    let help = started.problems[0].help.as_deref();
    assert_eq!(help, Some("an empty ExecStart= before the new one drops those before it"));
}
