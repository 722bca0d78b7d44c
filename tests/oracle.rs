//! What we predict is what the kernel showed: every recorded server is audited from its files alone and compared.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use backlog_audit::Request;
use backlog_audit::knowledge::Knowledge;
use backlog_audit::model::{Host, Listener, ProblemKind, Queue};
use backlog_audit::text::Sources;
use rayon::prelude::*;
use serde_json::Value;

/// A service with fewer cases has lost some.
const LEAST: usize = 10;

/// Whatever service it is that the units of a machine start.
#[test]
fn what_units_start_listens_as_predicted() {
    let cases = common::cases("commands/started");
    assert!(cases.len() >= 60, "there are {} cases of units", cases.len());
    let failed: Vec<String> = cases.iter().filter_map(|case| unlike(case)).collect();
    assert!(failed.is_empty(), "{} of {} cases differ:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

fn unlike(case: &Path) -> Option<String> {
    let truth = common::json(&case.join("truth.json"));
    let kernel = truth["kernel"].as_str().map(str::to_owned);
    let report = common::audit(&Request { kernel, ..common::of_root(&case.join("root")) });
    let problem = report.host.problems.iter().find(|problem| problem.kind != ProblemKind::Skipped);
    let fails = truth["failed"].as_array().is_some_and(|failed| !failed.is_empty());
    match problem {
        Some(problem) if !fails => {
            return Some(format!("{}: it starts: {}", common::name(case), problem.message));
        }
        Some(_) if truths(&truth).is_empty() => return None,
        None if fails => return Some(format!("{}: {} fail", common::name(case), truth["failed"])),
        _ => {}
    }
    let all = report.host.listeners.iter().zip(&report.queues);
    let predicted = all.map(row).fold(Vec::new(), add);
    differ(case, predicted, truths(&truth))
}

#[test]
fn servers_listen_as_predicted() {
    let cases: Vec<(String, PathBuf)> = services()
        .into_iter()
        .flat_map(|service| {
            let cases = common::cases(&format!("services/{service}"));
            assert!(cases.len() >= LEAST, "{service} has {} cases", cases.len());
            cases.into_iter().map(move |case| (service.clone(), case))
        })
        .collect();
    let failed: Vec<String> = cases
        .par_iter()
        .filter_map(|(service, case)| Some(format!("{service}/{}", difference(service, case)?)))
        .collect();
    assert!(failed.is_empty(), "{} of {} cases differ:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

#[test]
fn what_no_server_has_confirmed_says_so() {
    let knowledge = Knowledge::load(&Sources::new()).unwrap();
    let proved = knowledge.services().filter(|service| !service.from_source_only);
    let proved: BTreeSet<String> = proved.map(|service| service.name.clone()).collect();
    assert_eq!(proved, services());
}

/// The services whose real servers were asked.
fn services() -> BTreeSet<String> {
    common::cases("services").iter().map(|folder| common::name(folder).to_owned()).collect()
}

/// What a row says of a listener: transport, address, limit, sockets.
type Row = (String, Option<String>, Option<i64>, Option<i64>);

fn difference(service: &str, case: &Path) -> Option<String> {
    let truth = common::json(&case.join("truth.json"));
    let kernel = truth["kernel"].as_str().map(str::to_owned);
    let report = common::audit(&Request { kernel, ..common::of_root(&case.join("root")) });
    let problem = report.host.problems.iter().find(|problem| problem.kind != ProblemKind::Skipped);
    // A server that compares its number with somaxconn itself says so too.
    let above: BTreeSet<usize> = report
        .findings
        .iter()
        .filter(|finding| finding.rule == "refuses-to-start")
        .filter_map(|finding| finding.listener)
        .collect();
    match (truth["refused"].as_str(), problem) {
        (None, None) if !above.is_empty() => {
            return Some(format!("{}: the server starts, but we say: above somaxconn", common::name(case)));
        }
        (Some(_), None) if !above.is_empty() && truths(&truth).is_empty() => return None,
        (Some(said), None) if above.is_empty() => {
            return Some(format!("{}: the server refuses it: {said}", common::name(case)));
        }
        (None, Some(problem)) => {
            return Some(format!(
                "{}: the server starts, but we say: {}",
                common::name(case),
                problem.message
            ));
        }
        // A server that stays up with a part of its listeners is compared too.
        (Some(_), Some(_)) if truths(&truth).is_empty() => return None,
        _ => {}
    }
    differ(case, predictions(service, &report.host, &report.queues, &above), truths(&truth))
}

fn differ(case: &Path, mut predicted: Vec<Row>, mut shown: Vec<Row>) -> Option<String> {
    // Exact ones first, so that one without an address takes what is left.
    shown.retain(|row| !take(&mut predicted, |guess| matches(guess, row) && guess.1 == row.1));
    shown.retain(|row| !take(&mut predicted, |guess| matches(guess, row) && guess.1.is_none()));
    (!shown.is_empty() || !predicted.is_empty())
        .then(|| format!("{}: the kernel shows {shown:?}, we say {predicted:?}", common::name(case)))
}

fn matches(guess: &Row, truth: &Row) -> bool {
    guess.0 == truth.0 && guess.2 == truth.2 && (guess.3.is_none() || guess.3 == truth.3)
}

fn take(rows: &mut Vec<Row>, wanted: impl Fn(&Row) -> bool) -> bool {
    match rows.iter().position(wanted) {
        Some(index) => {
            rows.remove(index);
            true
        }
        None => false,
    }
}

/// What the service shows, without the listeners of those that refuse to start.
fn predictions(service: &str, host: &Host, queues: &[Queue], above: &BTreeSet<usize>) -> Vec<Row> {
    let all = host.listeners.iter().zip(queues).enumerate();
    let shown = all.filter(|(index, (listener, _))| listener.service == service && !above.contains(index));
    shown.map(|(_, both)| row(both)).fold(Vec::new(), add)
}

fn row((listener, queue): (&Listener, &Queue)) -> Row {
    let last = queue.steps.last().and_then(|step| step.value);
    assert_eq!(last, queue.limit, "the ledger ends with the limit");
    let transport = listener.endpoint.transport().word().to_owned();
    (transport, listener.address(), queue.limit, listener.sockets.map(i64::from))
}

/// Sockets of one address that are alike are one row of `ss -lnt | uniq -c`, whoever opens them.
fn add(mut rows: Vec<Row>, row: Row) -> Vec<Row> {
    let alike =
        |known: &&mut Row| row.1.is_some() && (&known.0, &known.1, known.2) == (&row.0, &row.1, row.2);
    match rows.iter_mut().find(alike) {
        Some(known) => known.3 = known.3.zip(row.3).map(|(known, more)| known + more),
        None => rows.push(row),
    }
    rows
}

fn truths(truth: &Value) -> Vec<Row> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let rows = truth["listeners"].as_array().unwrap().iter();
    rows.map(|row| {
        let transport = text(&row["transport"]).unwrap();
        (transport, text(&row["address"]), row["limit"].as_i64(), row["sockets"].as_i64())
    })
    .collect()
}
