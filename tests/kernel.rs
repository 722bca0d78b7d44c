//! What we say of the kernel is what it did: every recorded tree, table and default is computed again.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use backlog_audit::kernel::listen::{accept_queue, syn_queue};
use backlog_audit::kernel::{self, Asked, Ruling, version};
use backlog_audit::knowledge::Knowledge;
use backlog_audit::model::{Fate, ReadAs, Sysctl, Value, key};
use backlog_audit::text::{Sources, Tree, apply};
use serde_json::Value as Json;

/// The kernel's word on a tree.
fn rule(root: &Path, read_as: ReadAs, release: &str) -> (Sources, Ruling) {
    let sources = Sources::new();
    let knowledge = Knowledge::load(&sources).unwrap();
    let tree = Tree::open(root, true).unwrap();
    let asked =
        Asked { kernel: Some((release.to_owned(), sources.flag("--kernel", release))), ..Asked::default() };
    let ruling = kernel::read(&sources, &tree, &knowledge, read_as, &asked);
    (sources, ruling)
}

#[test]
fn trees_boot_and_are_applied_by_hand_as_recorded() {
    let cases = common::cases("kernel/sysctl");
    assert!(cases.len() >= 190, "{} cases", cases.len());
    let failed: Vec<String> = cases.iter().flat_map(|case| differences(case)).collect();
    assert!(failed.is_empty(), "{} differ:\n{}", failed.len(), failed.join("\n"));
}

fn differences(case: &Path) -> Vec<String> {
    let truth = common::json(&case.join("truth.json"));
    let (_, ruling) = rule(&case.join("root"), ReadAs::Root, truth["kernel"].as_str().unwrap());
    let mut failed = Vec::new();
    let mut compare = |world: &str, of: fn(&Sysctl) -> Option<&Value<i64>>| {
        for (key, recorded) in truth[world].as_object().unwrap() {
            let ours = ruling.sysctls.get(key).and_then(of).map(|value| value.get);
            if ours != recorded.as_i64() {
                failed.push(format!("{} {world} {key}: {recorded}, we say {ours:?}", common::name(case)));
            }
        }
    };
    compare("boot", |sysctl| sysctl.boot.as_ref());
    compare("system", |sysctl| sysctl.system.as_ref());
    failed
}

/// systemd-sysctl says of each value that the kernel refuses "Couldn't write", with the key, and of nothing else
/// "Invalid argument". Lines that it does not come to write are refused all the same, so ours may be more.
#[test]
fn what_systemd_could_not_write_is_invalid_to_us() {
    let mut seen = 0;
    for case in common::cases("kernel/sysctl") {
        let truth = common::json(&case.join("truth.json"));
        let (_, ruling) = rule(&case.join("root"), ReadAs::Root, truth["kernel"].as_str().unwrap());
        let said: Vec<&str> = strings(&truth["said"]["boot"]["lines"]);
        for sysctl in ruling.sysctls.by_key.values() {
            let path = format!("to '{}': Invalid argument", sysctl.key.replace('.', "/"));
            let refused = said.iter().any(|line| line.contains(&path));
            let invalid = |fate: &Fate| matches!(fate, Fate::Invalid { .. });
            let ours = sysctl.assignments.iter().any(|line| invalid(&line.fate));
            assert!(
                ours || !refused,
                "{}: systemd-sysctl could not write {}",
                common::name(&case),
                sysctl.key
            );
            assert!(
                !ours || refused || said.is_empty(),
                "{}: {} was written",
                common::name(&case),
                sysctl.key
            );
            seen += usize::from(refused);
        }
    }
    assert!(seen >= 40, "{seen} refused values");
}

fn strings(lines: &Json) -> Vec<&str> {
    lines.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect()
}

#[test]
fn every_kind_of_socket_gets_the_recorded_limit() {
    let mut rows = 0;
    for case in common::cases("kernel/listen") {
        let truth = common::json(&case.join("truth.json"));
        let version = version::parse(truth["kernel"].as_str().unwrap()).unwrap();
        for row in truth["rows"].as_array().into_iter().flatten().filter(|row| row.get("limit").is_some()) {
            let [asked, somaxconn, limit] =
                ["asked", "somaxconn", "limit"].map(|name| row[name].as_i64().unwrap());
            let queue = accept_queue(version, asked, somaxconn);
            assert_eq!(queue.limit, limit, "{} {row}", common::name(&case));
            let cut = (0..=i64::MAX).contains(&asked) && limit < asked;
            assert_eq!(queue.capped_by.is_some(), cut, "{} {row}", common::name(&case));
            rows += 1;
        }
        for row in truth["held"].as_array().into_iter().flatten() {
            assert_eq!(
                row["limit"].as_i64().unwrap() + 1,
                row["holds"].as_i64().unwrap(),
                "{}",
                common::name(&case)
            );
        }
    }
    assert!(rows >= 800, "{rows} rows");
}

#[test]
fn half_open_connections_are_as_many_as_recorded() {
    let truth = common::json(Path::new("tests/cases/kernel/listen/syn-queue/truth.json"));
    let version = version::parse(truth["kernel"].as_str().unwrap()).unwrap();
    let rows = truth["rows"].as_array().unwrap();
    assert!(rows.len() >= 40, "{} rows", rows.len());
    for row in rows {
        let [cookies, asked, somaxconn, most, half_open] =
            ["syncookies", "asked", "somaxconn", "max_syn_backlog", "half_open"]
                .map(|name| row[name].as_i64().unwrap());
        let limit = accept_queue(version, asked, somaxconn).limit;
        let queue = syn_queue(version, limit, Some(most), cookies);
        assert_eq!((queue.limit, queue.limit_max), (Some(half_open), None), "{row}");
        assert_eq!(queue.cookies, cookies != 0);
    }
}

#[test]
fn a_new_namespace_starts_with_our_defaults() {
    let truth = common::json(Path::new("tests/cases/kernel/listen/defaults/truth.json"));
    let empty = tempfile::tempdir().unwrap();
    let (_, ruling) = rule(empty.path(), ReadAs::Root, truth["kernel"].as_str().unwrap());
    for (key, value) in truth["defaults"].as_object().unwrap() {
        assert_eq!(ruling.sysctls.number(key), value.as_i64(), "{key}");
    }
    assert_eq!(ruling.sysctls.number(key::MAX_SYN_BACKLOG), None);
}

/// Two keys of every recorded tree: the number is put where we say, counts at boot from then on, and no other key changes.
#[test]
fn a_number_put_into_its_slot_counts_at_boot() {
    let mut without = Vec::new();
    for case in common::cases("kernel/sysctl") {
        let (sources, before) = rule(&case.join("root"), ReadAs::Root, "6.18");
        for key in [key::SOMAXCONN, key::SYNCOOKIES] {
            let Some(slot) = before.sysctls.get(key).and_then(|sysctl| sysctl.slot.as_ref()) else {
                without.push(common::name(&case));
                continue;
            };
            let scratch = tempfile::tempdir().unwrap();
            common::copy(&case.join("root"), scratch.path());
            let source = sources.get(slot.span.source);
            let path = scratch.path().join(source.path().unwrap());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, apply(source.bytes(), &[slot.edit(123)])).unwrap();
            let (_, after) = rule(scratch.path(), ReadAs::Root, "6.18");
            let mut expected = booted(&before);
            expected.insert(key.to_owned(), Some(123));
            assert_eq!(booted(&after), expected, "{}: {}", common::name(&case), source.name());
        }
    }
    without.dedup();
    assert_eq!(without, ["folder-is-a-dangling-link"]);
}

fn booted(ruling: &Ruling) -> BTreeMap<String, Option<i64>> {
    let boot = |sysctl: &Sysctl| sysctl.boot.as_ref().map(|value| value.get);
    ruling.sysctls.by_key.iter().map(|(key, sysctl)| (key.clone(), boot(sysctl))).collect()
}
