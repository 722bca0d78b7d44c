//! The running machine, replayed: what real servers, clients and the kernel showed once (`tests/oracle/live.py --record`) is
//! judged again, and has to come to the rules that the scenario is about, in the words that are recorded beside it.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use backlog_audit::report::human::{self, Again};
use backlog_audit::report::{Report, Screen, json};
use common::{cases, name, snapshot};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

/// What would wake somebody: a scenario that is not about it must not bring it up.
const ALARMS: [&str; 7] = [
    "half-open-flood",
    "live-drift",
    "needs-relisten",
    "overflowed-before",
    "overflowing",
    "queue-filling",
    "reuseport-unbalanced",
];

fn judged(case: &Path) -> Report {
    common::audit(&common::request(case))
}

fn screen(report: &Report) -> String {
    let again =
        Again { program: "backlog-audit".into(), command: "backlog-audit live".into(), ..Again::default() };
    human::render(report, &Screen::plain(), &again, None)
}

fn rules(truth: &Value, key: &str) -> BTreeSet<String> {
    truth[key].as_array().unwrap().iter().map(|rule| rule.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_scenario_brings_up_its_rules_and_no_other_alarm() {
    for case in cases("live") {
        let truth = common::json(&case.join("truth.json"));
        let (expected, allowed) = (rules(&truth, "expects"), rules(&truth, "allows"));
        let found: BTreeSet<String> = judged(&case).findings.into_iter().map(|it| it.rule).collect();
        let missing: Vec<_> = expected.difference(&found).collect();
        assert!(missing.is_empty(), "{}: no {missing:?}", case.display());
        let alarm = |rule: &&String| ALARMS.contains(&rule.as_str()) && !expected.contains(*rule);
        let more: Vec<_> = found.iter().filter(alarm).filter(|rule| !allowed.contains(*rule)).collect();
        assert!(more.is_empty(), "{}: {more:?}", case.display());
    }
}

#[test]
fn every_scenario_is_told_as_recorded() {
    for case in cases("live") {
        let text = screen(&judged(&case));
        snapshot::same(&case.join("expected.txt"), text.as_bytes());
        // Commands are there to be copied: they are never broken.
        let is_command = |line: &str| line.starts_with("    ") && !line.starts_with("     ");
        let wide = text.lines().find(|line| line.width() > 80 && !is_command(line));
        assert_eq!(wide, None, "{}", case.display());
    }
}

#[test]
fn what_was_seen_stands_in_the_report_for_programs() {
    for case in cases("live") {
        let report: Value = serde_json::from_str(&json::render(&judged(&case))).unwrap();
        let running = common::json(&case.join("running.json"));
        assert_eq!(report["running"]["sockets"], running["sockets"], "{}", case.display());
        for listener in report["listeners"].as_array().unwrap() {
            let here = &running["namespaces"][0]["name"];
            let mut sockets = running["sockets"].as_array().unwrap().iter();
            let socket = sockets
                .find(|socket| socket["address"] == listener["address"] && &socket["namespace"] == here);
            let limit = socket.map_or(&Value::Null, |socket| &socket["limit"]);
            assert_eq!(&listener["running"]["limit"], limit, "{}: {}", name(&case), listener["id"]);
        }
    }
}
