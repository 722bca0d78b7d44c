//! What programs read: JSON against its own schema, SARIF against that of OASIS, and both against the contract.

mod common;

use std::sync::LazyLock;

use backlog_audit::model::{Endpoint, Kind, Severity, Step, Transport};
use backlog_audit::report::{Report, json, sarif};
use backlog_audit::text::HashSet;
use backlog_audit::text::Origin;
use common::by_hand::ByHand;
use jsonschema::Validator;
use serde_json::{Value, json};

fn valid(schema: &Validator, document: &Value) {
    let errors: Vec<String> =
        schema.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

static OURS: LazyLock<Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(&json::schema()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
});

static OASIS: LazyLock<Validator> = LazyLock::new(|| {
    let schema = std::fs::read_to_string("tests/schemas/sarif-2.1.0.json").unwrap();
    // One pattern in it has a bracket too many, which JavaScript forgives.
    let schema = schema.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$");
    jsonschema::draft7::new(&serde_json::from_str(&schema).unwrap()).unwrap()
});

/// The report as JSON, held against the published schema.
fn as_json(report: &Report) -> Value {
    let document = serde_json::from_str(&json::render(report)).unwrap();
    valid(&OURS, &document);
    document
}

/// The report as SARIF, held against the schema of OASIS.
fn as_sarif(report: &Report) -> Value {
    let document = serde_json::from_str(&sarif::render(report)).unwrap();
    valid(&OASIS, &document);
    document
}

#[test]
fn every_tree_that_we_have_gives_valid_reports() {
    for root in common::roots() {
        let report = common::audit(&common::of_root(&root));
        let (document, log) = (as_json(&report), as_sarif(&report));
        let ids: Vec<&Value> = document["listeners"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
        let unique: HashSet<String> = ids.iter().map(|id| id.to_string()).collect();
        assert_eq!(unique.len(), ids.len(), "{}: {ids:?}", root.display());
        for listener in document["listeners"].as_array().unwrap() {
            let last = listener["steps"].as_array().unwrap().last().unwrap();
            assert_eq!(last["value"], listener["queue"]["limit"], "{}", root.display());
            let told = listener["steps"].as_array().unwrap().iter().any(|step| step["value"].is_null());
            assert!(!listener["address"].is_null() || told, "{}: {listener}", root.display());
        }
        assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), report.findings.len());
    }
}

#[test]
fn the_same_tree_gives_the_same_bytes() {
    for case in common::cases("hosts").iter().filter(|case| case.join("root").is_dir()) {
        let request = common::of_root(&case.join("root"));
        let (once, again) = (common::audit(&request), common::audit(&request));
        assert_eq!(json::render(&once), json::render(&again), "{}", case.display());
        assert_eq!(sarif::render(&once), sarif::render(&again), "{}", case.display());
    }
}

/// Two clamped listeners; the text before the second one is not ASCII.
fn sample() -> ByHand {
    let mut hand = ByHand::new();
    let sysctl = hand.file("etc/sysctl.d/99 old.conf", "# ä\nnet.core.somaxconn = 128\n");
    let nginx = hand.file(
        "etc/nginx/nginx.conf",
        "server { listen 80 backlog=511; }\n# 𝛑\tü\nserver { /*ü𝛑*/ listen 81 backlog=1000; }\n",
    );
    hand.somaxconn(hand.at(sysctl, "128"), 128);
    let (first, second) = (hand.at(nginx, "backlog=511"), hand.at(nginx, "backlog=1000"));
    hand.clamped("nginx", "0.0.0.0:80", first, 511);
    hand.clamped("nginx", "0.0.0.0:81", second, 1000);
    hand
}

#[test]
fn json_says_what_the_contract_says() {
    let document = as_json(&sample().0);
    assert_eq!(document["version"], 1);
    assert_eq!(document["tool"], json!({ "name": "backlog-audit", "version": env!("CARGO_PKG_VERSION") }));
    let somaxconn = json!({ "path": "etc/sysctl.d/99 old.conf", "line": 2, "column": 22, "end_line": 2, "end_column": 25 });
    let place = &document["places"][0];
    assert_eq!(
        (&place["id"], &place["kind"], &place["as"], &place["kernel"]["version"]),
        (&json!("host"), &json!("host"), &json!("root"), &json!("6.1"))
    );
    assert_eq!(place["kernel"]["at"]["path"], "--kernel");
    assert_eq!(
        place["sysctls"]["net.core.somaxconn"],
        json!({ "value": 128, "kind": "written", "at": somaxconn, "live": null })
    );
    let listener = &document["listeners"][1];
    let asked =
        json!({ "path": "etc/nginx/nginx.conf", "line": 3, "column": 27, "end_line": 3, "end_column": 39 });
    assert_eq!(
        *listener,
        json!({
            "id": "nginx:0.0.0.0:81", "service": "nginx", "place": "host", "transport": "tcp", "address": "0.0.0.0:81", "at": asked,
            "backlog": { "requested": 1000, "kind": "written", "at": asked },
            "queue": { "limit": 128, "holds": 129, "capped_by": "net.core.somaxconn" },
            "syn_queue": { "limit": 128, "cookies": true },
            "sockets": 1, "apply": "restart",
            "steps": [
                { "value": 1000, "what": "asked for here", "at": asked },
                { "value": 128, "what": "limited by net.core.somaxconn", "at": somaxconn },
            ],
            "passes_to": [],
        })
    );
    let finding = &document["findings"][1];
    assert_eq!(
        (&finding["rule"], &finding["severity"], &finding["listener"], &finding["at"]),
        (&json!("queue-clamped"), &json!("warning"), &json!("nginx:0.0.0.0:81"), &somaxconn)
    );
    assert_eq!(finding["labels"][0], json!({ "message": "1000 asked for", "at": asked }));
    assert_eq!(
        finding["fixes"][0]["edits"],
        json!([{ "id": "e1", "path": "etc/sysctl.d/99 old.conf", "create": false, "start": 26, "end": 29, "text": "4096" }])
    );
    assert_eq!(document["findings"][0]["fixes"][0]["edits"][0]["id"], "e1", "one edit, in both findings");
    assert_eq!(
        document["summary"],
        json!({ "files": 2, "left_out": 0, "listeners": 2, "errors": 0, "warnings": 2, "infos": 0 })
    );
}

#[test]
fn what_is_not_known_is_null_and_a_step_says_why() {
    let mut hand = sample();
    let site = hand.0.host.listeners[0].site;
    let listener = &mut hand.0.host.listeners[0];
    listener.endpoint = Endpoint::Unknown(Transport::Tcp);
    listener.backlog.value = None;
    listener.sockets = None;
    listener.notes =
        vec![Step { value: None, what: "the port comes from process.env.PORT".into(), at: site }];
    let queue = &mut hand.0.queues[0];
    (queue.requested, queue.limit, queue.capped_by) = (None, None, None);
    queue.steps.truncate(1);
    queue.steps[0].value = None;
    let mut second = hand.0.host.listeners[0].clone();
    second.backlog.value = None;
    hand.0.host.listeners[1] = second;
    let document = as_json(&hand.0);
    let listener = &document["listeners"][0];
    assert_eq!(listener["id"], "nginx:etc/nginx/nginx.conf:1");
    assert_eq!(document["listeners"][1]["id"], "nginx:etc/nginx/nginx.conf:1#2");
    assert_eq!((&listener["address"], &listener["sockets"]), (&Value::Null, &Value::Null));
    assert_eq!(listener["queue"], json!({ "limit": null, "holds": null, "capped_by": null }));
    assert_eq!(
        (&listener["backlog"]["requested"], &listener["backlog"]["kind"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(listener["steps"][0]["what"], "the port comes from process.env.PORT");
    assert_eq!(listener["steps"].as_array().unwrap().last().unwrap()["value"], listener["queue"]["limit"]);
}

#[test]
fn several_roots_are_told_apart() {
    let mut hand = sample();
    hand.0.host.places[0].root = Some("web1".into());
    let origin = Origin::File { root: Some("web1".into()), path: "etc/x".into() };
    let source = hand.0.sources.add(origin, "a".as_bytes());
    hand.0.findings[0].at = backlog_audit::text::Span::top(source);
    let document = as_json(&hand.0);
    assert_eq!(document["places"][0]["id"], "web1:host");
    assert_eq!(document["places"][0]["root"], "web1");
    assert_eq!(document["listeners"][0]["id"], "web1:nginx:0.0.0.0:80");
    assert_eq!(document["listeners"][0]["place"], "web1:host");
    assert_eq!(document["findings"][0]["at"]["root"], "web1");
    assert_eq!(
        as_sarif(&hand.0)["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "web1/etc/x"
    );
}

#[test]
fn a_sysctl_whose_default_depends_on_memory_is_null() {
    let mut hand = sample();
    let mut sysctl = hand.0.host.places[0].sysctls.get("net.core.somaxconn").unwrap().clone();
    sysctl.key = "net.ipv4.tcp_max_syn_backlog".into();
    sysctl.value = None;
    hand.0.host.places[0].sysctls.by_key.insert(sysctl.key.clone(), sysctl.clone());
    sysctl.key = "net.core.netdev_max_backlog".into();
    hand.0.host.places[0].sysctls.by_key.insert(sysctl.key.clone(), sysctl);
    let sysctls = as_json(&hand.0)["places"][0]["sysctls"].clone();
    assert_eq!(
        sysctls["net.ipv4.tcp_max_syn_backlog"],
        json!({ "value": null, "kind": "default", "at": null, "live": null })
    );
    assert_eq!(sysctls.get("net.core.netdev_max_backlog"), None, "of no interest unless written");
}

#[test]
fn kinds_are_four_words() {
    let words = [Kind::Written, Kind::Default, Kind::Live, Kind::Assumed].map(|kind| json!(kind));
    assert_eq!(words, ["written", "default", "live", "assumed"].map(|word| json!(word)));
}

#[test]
fn json_holds_harmful_characters_as_escapes() {
    let mut hand = sample();
    hand.finding(
        "unreadable",
        Severity::Info,
        "\u{1b}[2J \u{9b}31m \u{202e}evil \u{7f} ü",
        hand.0.findings[0].at,
    );
    let text = json::render(&hand.0);
    assert!(text.contains(r"\u001b[2J \u009b31m \u202eevil \u007f ü"), "{text}");
    assert_eq!(as_json(&hand.0)["findings"][2]["message"], "\u{1b}[2J \u{9b}31m \u{202e}evil \u{7f} ü");
    assert!(sarif::render(&hand.0).contains(r"\u001b[2J \u009b31m \u202eevil"));
}

/// A key that is renamed or retyped shows here: that takes a new version.
#[test]
fn the_published_schema_is_the_recorded_one() {
    let recorded = std::path::Path::new("tests/schemas/report-1.json");
    common::snapshot::same(recorded, json::schema().as_bytes());
}

#[test]
fn the_published_schema_knows_its_words() {
    let mut wrong = as_json(&sample().0);
    wrong["findings"][0]["severity"] = json!("fatal");
    assert!(!OURS.is_valid(&wrong));
    let mut wrong = as_json(&sample().0);
    wrong["version"] = json!(2);
    assert!(!OURS.is_valid(&wrong));
    let mut wrong = as_json(&sample().0);
    wrong["listeners"][0].as_object_mut().unwrap().remove("steps");
    assert!(!OURS.is_valid(&wrong));
}

#[test]
fn sarif_has_places_ledger_fixes_and_fingerprints() {
    let document = as_sarif(&sample().0);
    let run = &document["runs"][0];
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let result = &run["results"][1];
    assert_eq!((&result["ruleId"], &result["level"]), (&json!("queue-clamped"), &json!("warning")));
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(
        place["artifactLocation"],
        json!({ "uri": "etc/sysctl.d/99%20old.conf", "uriBaseId": "%SRCROOT%" })
    );
    assert_eq!(place["region"], json!({ "startLine": 2, "startColumn": 22, "endLine": 2, "endColumn": 25 }));
    let ledger = &result["codeFlows"][0]["threadFlows"][0]["locations"];
    assert_eq!(ledger[0]["location"]["message"]["text"], "1000: asked for here");
    assert_eq!(ledger[1]["location"]["message"]["text"], "128: limited by net.core.somaxconn");
    assert_eq!(ledger[0]["location"]["physicalLocation"]["region"]["startColumn"], 27);
    assert_eq!(result["relatedLocations"][0]["message"]["text"], "1000 asked for");
    let change = &result["fixes"][0]["artifactChanges"][0];
    assert_eq!(
        change["replacements"],
        json!([{ "deletedRegion": { "startLine": 2, "startColumn": 22, "endLine": 2, "endColumn": 25 }, "insertedContent": { "text": "4096" } }])
    );
}

#[test]
fn sarif_explains_each_rule_that_it_names() {
    let report = common::audit(&common::of_root(std::path::Path::new("examples/host")));
    let run = as_sarif(&report)["runs"][0].clone();
    for result in run["results"].as_array().unwrap() {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        let known = report.rules.get(rule["id"].as_str().unwrap()).unwrap();
        let markdown = rule["help"]["markdown"].as_str().unwrap();
        for part in [
            &known.words.what,
            &known.words.why,
            &known.words.fix,
            &known.words.example,
            &known.words.references[0],
        ] {
            assert!(markdown.contains(part.trim()), "{markdown}");
        }
        assert!(rule["help"]["text"].as_str().unwrap().contains(known.words.fix.trim()));
    }
}

#[test]
fn fingerprints_stay_when_lines_move_and_differ_between_findings() {
    let prints = |hand: &ByHand| -> Vec<String> {
        let results = as_sarif(&hand.0)["runs"][0]["results"].clone();
        let print = |result: &Value| result["partialFingerprints"]["finding/v1"].as_str().unwrap().to_owned();
        results.as_array().unwrap().iter().map(print).collect()
    };
    let before = prints(&sample());
    assert_ne!(before[0], before[1]);
    let mut hand = ByHand::new();
    let sysctl = hand.file("etc/sysctl.d/99 old.conf", "# moved down\n\n\n  net.core.somaxconn\t =  128 \n");
    let nginx = hand.file("etc/nginx/nginx.conf", "backlog=511 backlog=1000");
    hand.somaxconn(hand.at(sysctl, "128"), 128);
    let (first, second) = (hand.at(nginx, "backlog=511"), hand.at(nginx, "backlog=1000"));
    hand.clamped("nginx", "0.0.0.0:80", first, 511);
    hand.clamped("nginx", "0.0.0.0:81", second, 1000);
    assert_eq!(before, prints(&hand));
    hand.0.host.listeners[0].service = "tomcat".into();
    assert_ne!(before[0], prints(&hand)[0], "another service");
    hand.0.host.listeners[0].service = "nginx".into();
    hand.0.findings[1].listener = Some(0);
    let twins = prints(&hand);
    assert_eq!(twins[0], before[0]);
    assert_ne!(twins[0], twins[1], "even alike, each has its own");
}

#[test]
fn fingerprints_do_not_tell_secrets() {
    let print = |password: &str| {
        let mut hand = ByHand::new();
        let line = format!("<Connector port=\"80\" keystorePass=\"{password}\"/>\n");
        let file = hand.file("etc/tomcat10/server.xml", line);
        let at = hand.at(file, "port");
        hand.finding("queue-default", Severity::Info, "a queue", at);
        as_sarif(&hand.0)["runs"][0]["results"][0]["partialFingerprints"]["finding/v1"].clone()
    };
    assert_eq!(print("hunter2"), print("something longer"));
}
