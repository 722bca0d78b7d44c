//! What pipelines read: each format against its schema and as its reader takes it, also where a tree is out to harm.

mod common;

use std::path::Path;
use std::process::Command;

use backlog_audit::model::{Endpoint, Label, Severity, Transport};
use backlog_audit::report::human::{self, Again};
use backlog_audit::report::{
    Report, Screen, checkstyle, github, gitlab, json, junit, markdown, ndjson, sarif,
};
use backlog_audit::text::HashSet;
use common::by_hand::ByHand;
use common::scratch::Scratch;
use common::snapshot;
use jsonschema::Validator;
use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::{Value, json};
use uppsala::XsdValidator;

const WARNING: Option<Severity> = Some(Severity::Warning);

fn schema(name: &str) -> String {
    std::fs::read_to_string(Path::new("tests/schemas").join(name)).unwrap()
}

/// What is wrong with a JSON document by a schema.
fn json_faults(schema: &Validator, document: &Value) -> Vec<String> {
    schema.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// What is wrong with an XML document by a schema.
fn xml_faults(schema: &str, document: &str) -> Vec<String> {
    let schema = uppsala::parse(schema).unwrap();
    let document = uppsala::parse(document).unwrap_or_else(|error| panic!("{error:?}\n{document}"));
    let errors = XsdValidator::from_schema(&schema).unwrap().validate(&document);
    errors.iter().map(|error| format!("{error:?}")).collect()
}

/// Some attributes of all elements of a name.
fn attributes(document: &str, element: &str, names: &[&str]) -> Vec<Vec<String>> {
    let document = uppsala::parse(document).unwrap();
    let of = |name: &str, id| document.get_attribute(id, name).unwrap_or("(none)").to_owned();
    let all = document.get_elements_by_tag_name(element);
    all.into_iter().map(|id| names.iter().map(|name| of(name, id)).collect()).collect()
}

/// A workflow command as the runner takes it (actions/runner, `ActionCommand.TryParseV2`).
#[derive(Debug, PartialEq)]
struct Workflow {
    name: String,
    properties: Vec<(String, String)>,
    data: String,
}

impl Workflow {
    fn parse(line: &str) -> Self {
        let (head, data) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
        let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
        let data = data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
        let property = |text: &str| {
            let (name, value) = text.split_once('=').unwrap();
            let value = value.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":");
            (name.to_owned(), value.replace("%2C", ",").replace("%25", "%"))
        };
        Self { name: name.to_owned(), properties: properties.split(',').map(property).collect(), data }
    }

    fn get(&self, name: &str) -> &str {
        self.properties.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

fn workflow(report: &Report) -> Vec<Workflow> {
    github::render(report).lines().map(Workflow::parse).collect()
}

/// What a reader of the Markdown sees: its text, and whether there is markup that we never write.
fn seen(report: &Report) -> (String, Vec<String>) {
    let text = markdown::render(report);
    let (mut shown, mut foreign) = (String::new(), Vec::new());
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(text) | Event::Code(text) => shown.push_str(&text),
            Event::InlineHtml(tag) if ["<code>", "</code>", "<!-- -->"].contains(&&*tag) => {}
            Event::Html(html) => {
                let html = html.replace("<details><summary>", "").replace("</summary>", "");
                let html = html.replace("</details>", "").replace("<!-- -->", "");
                foreign.extend(html.contains(['<', '>']).then_some(html));
            }
            Event::InlineHtml(tag) => foreign.push(tag.to_string()),
            Event::Start(
                tag @ (Tag::Link { .. } | Tag::Image { .. } | Tag::Emphasis | Tag::Strikethrough),
            ) => foreign.push(format!("{tag:?}")),
            Event::End(_) | Event::SoftBreak | Event::HardBreak => shown.push('\n'),
            _ => {}
        }
    }
    (shown, foreign)
}

/// Two clamped listeners and one remark about a flag, on two lines that the reports name.
fn sample() -> ByHand {
    let mut hand = ByHand::new();
    let sysctl = hand.file("etc/sysctl.d/99 old.conf", "# old\nnet.core.somaxconn = 128\n");
    let nginx = hand.file("etc/nginx/nginx.conf", "listen 80 backlog=511;\nlisten 81 backlog=1000;\n");
    hand.somaxconn(hand.at(sysctl, "128"), 128);
    let (first, second) = (hand.at(nginx, "backlog=511"), hand.at(nginx, "backlog=1000"));
    hand.clamped("nginx", "0.0.0.0:80", first, 511);
    hand.clamped("nginx", "0.0.0.0:81", second, 1000);
    let kernel = hand.0.host.places[0].kernel.version.span;
    let finding = hand.finding("somaxconn-assumed", Severity::Info, "nobody sets net.core.somaxconn", kernel);
    finding.labels = vec![Label::new(kernel, "told here")];
    hand
}

const EVIL: &str =
    "a|b`c`<i>&\"'::x,y=%0A%\n\r\t\u{1b}[2J\u{9b}\u{202e}]]>@octocat ![x](y) **z** #1 \u{fffe}";

/// A tree out to harm: a file's name and the words about it are markup of every format, and hold secrets.
fn hostile() -> ByHand {
    let mut hand = ByHand::new();
    let secret = "<Connector keystorePass=\"hunter2\" port=\"80\"/> password: hunter2\n";
    let file = hand.file(&format!("etc/{EVIL}.conf"), secret);
    let at = hand.at(file, "port");
    hand.somaxconn(at, 128);
    hand.clamped("nginx", "0.0.0.0:80", at, 511);
    let finding = hand.finding("unreadable", Severity::Error, &format!("{EVIL} secret=hunter2"), at);
    finding.labels.push(Label::new(at, format!("{EVIL} token: \"hunter2\"")));
    let finding = finding.clone().help(format!("{EVIL} apiKey=hunter2"));
    *hand.0.findings.last_mut().unwrap() = finding;
    for queue in &mut hand.0.queues {
        queue.steps[0].what = format!("{EVIL} passwd=hunter2");
    }
    hand
}

/// Every format but the patch, which is bytes of the files.
fn all_formats(report: &Report) -> [(&'static str, String); 9] {
    [
        ("txt", human::render(report, &Screen::plain(), &Again::default(), WARNING)),
        ("json", json::render(report)),
        ("ndjson", ndjson::render(report)),
        ("sarif", sarif::render(report)),
        ("github", github::render(report)),
        ("gitlab.json", gitlab::render(report)),
        ("junit.xml", junit::render(report, WARNING)),
        ("checkstyle.xml", checkstyle::render(report)),
        ("md", markdown::render(report)),
    ]
}

#[test]
fn every_tree_that_we_have_gives_valid_reports() {
    let whole: Value = serde_json::from_str(&json::schema()).unwrap();
    let entry = json!({ "$ref": "#/$defs/FindingEntry", "$defs": whole["$defs"] });
    let entry = jsonschema::validator_for(&entry).unwrap();
    let quality =
        jsonschema::validator_for(&serde_json::from_str(&schema("gitlab-code-quality.json")).unwrap())
            .unwrap();
    let (junit_10, checkstyle_xsd) = (schema("junit-10.xsd"), schema("checkstyle.xsd"));
    for root in common::roots() {
        let report = common::audit(&common::of_root(&root));
        let (name, count) = (root.display(), report.findings.len());
        let lines: Vec<Value> =
            ndjson::render(&report).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), count, "{name}");
        assert!(!ndjson::render(&report).contains("***"), "{name}: words of ours are taken for secrets");
        for line in &lines {
            assert_eq!(json_faults(&entry, line), [""; 0], "{name}");
        }
        let issues: Value = serde_json::from_str(&gitlab::render(&report)).unwrap();
        assert_eq!(json_faults(&quality, &issues), [""; 0], "{name}");
        let prints: HashSet<&str> =
            issues.as_array().unwrap().iter().map(|it| it["fingerprint"].as_str().unwrap()).collect();
        assert_eq!(prints.len(), count, "{name}: GitLab drops issues with the same fingerprint");
        let tests = junit::render(&report, Some(Severity::Info));
        assert_eq!(xml_faults(&junit_10, &tests), [""; 0], "{name}");
        assert_eq!(attributes(&tests, "failure", &["type"]).len(), count, "{name}");
        let styles = checkstyle::render(&report);
        assert_eq!(xml_faults(&checkstyle_xsd, &styles), [""; 0], "{name}");
        assert_eq!(attributes(&styles, "error", &["line"]).len(), count, "{name}");
        assert_eq!(workflow(&report).len(), count, "{name}");
        assert_eq!(seen(&report).1, [""; 0], "{name}");
    }
}

/// The schemas can tell right from wrong.
#[test]
fn a_wrong_report_is_not_valid() {
    let (tests, styles) = (junit::render(&sample().0, WARNING), checkstyle::render(&sample().0));
    for (right, wrong) in [("testcase name", "testcase nam"), ("<failure ", "<failur "), ("tests=", "test=")]
    {
        let document = tests.replacen(right, wrong, 1).replacen(
            "</failure>",
            "</failur>",
            usize::from(right == "<failure "),
        );
        assert_ne!(xml_faults(&schema("junit-10.xsd"), &document), [""; 0], "{right}");
    }
    for (right, wrong) in
        [("severity=\"warning\"", "severity=\"warn\""), ("line=\"2\"", ""), ("source=", "src=")]
    {
        let document = styles.replacen(right, wrong, 1);
        assert_ne!(xml_faults(&schema("checkstyle.xsd"), &document), [""; 0], "{right}");
    }
    let quality = serde_json::from_str(&schema("gitlab-code-quality.json")).unwrap();
    let mut issues: Value = serde_json::from_str(&gitlab::render(&sample().0)).unwrap();
    issues[0]["severity"] = json!("warning");
    assert_ne!(json_faults(&jsonschema::validator_for(&quality).unwrap(), &issues), [""; 0]);
}

#[test]
fn the_formats_read_as_recorded() {
    for (name, text) in all_formats(&sample().0) {
        snapshot::same(&Path::new("tests/screens/formats").join(format!("sample.{name}")), text.as_bytes());
    }
}

#[test]
fn no_format_tells_a_secret() {
    let report = hostile().0;
    for (name, text) in all_formats(&report) {
        assert!(!text.contains("hunter2"), "{name}: {text}");
        let text = text.replace("&#42;", "*");
        assert!(text.contains("*******"), "{name}: {text}");
    }
}

#[test]
fn no_format_holds_a_harmful_character() {
    let report = hostile().0;
    for (name, text) in all_formats(&report) {
        let harmful = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{9b}');
        assert!(!text.contains(harmful), "{name}: {text:?}");
    }
}

/// The name of the hostile file on one line.
const SPELLED: &str = "a|b`c`<i>&\"'::x,y=%0A%\\n\\r\\t\\x1b[2J\\x9b\\u{202e}]]>@octocat ![x](y) **z** #1 ";

#[test]
fn github_takes_a_hostile_name_for_a_name() {
    let report = hostile().0;
    assert_eq!(github::render(&report).lines().count(), 2);
    for command in workflow(&report) {
        assert!(command.get("file").starts_with(&format!("etc/{SPELLED}")), "{command:?}");
        assert_eq!((command.get("line"), command.get("col")), ("1", "35"), "{command:?}");
        assert_eq!(command.properties.len(), 6, "{command:?}");
    }
    let [clamped, unreadable] = &workflow(&report)[..] else { panic!() };
    assert_eq!((clamped.name.as_str(), clamped.get("title")), ("warning", "queue-clamped"));
    assert_eq!((unreadable.name.as_str(), unreadable.get("title")), ("error", "unreadable"));
    assert!(unreadable.data.starts_with(SPELLED), "{unreadable:?}");
}

#[test]
fn xml_takes_a_hostile_name_for_a_name() {
    let report = hostile().0;
    let (tests, styles) = (junit::render(&report, WARNING), checkstyle::render(&report));
    assert_eq!(xml_faults(&schema("junit-10.xsd"), &tests), [""; 0]);
    assert_eq!(xml_faults(&schema("checkstyle.xsd"), &styles), [""; 0]);
    let names = attributes(&styles, "file", &["name"]);
    assert!(names.len() == 1 && names[0][0].starts_with(&format!("etc/{SPELLED}")), "{names:?}");
    for message in attributes(&tests, "failure", &["message"]).iter().filter(|it| it[0].contains("octocat")) {
        assert!(message[0].starts_with(SPELLED), "{message:?}");
    }
}

#[test]
fn markdown_takes_a_hostile_name_for_a_name() {
    let (shown, foreign) = seen(&hostile().0);
    assert_eq!(foreign, [""; 0], "{shown}");
    assert!(shown.contains(&format!("etc/{SPELLED}")), "{shown}");
    let text = markdown::render(&hostile().0);
    assert!(!text.contains("@octocat"), "nobody is called: {text}");
    let rows = text.lines().filter(|line| line.starts_with("| ❌") || line.starts_with("| ⚠️"));
    assert_eq!(rows.map(|row| row.matches('|').count()).collect::<Vec<_>>(), [5, 5]);
}

#[test]
fn what_does_not_count_is_no_failure() {
    let report = sample().0;
    for (least, failures) in [(None, 0), (Some(Severity::Error), 0), (WARNING, 2), (Some(Severity::Info), 3)]
    {
        let tests = junit::render(&report, least);
        assert_eq!(attributes(&tests, "failure", &["type"]).len(), failures, "{least:?}");
        let total = attributes(&tests, "testsuites", &["tests", "failures", "errors"]);
        assert_eq!(total, [["3".to_owned(), failures.to_string(), "0".to_owned()]]);
    }
}

#[test]
fn a_rule_that_finds_nothing_has_passed() {
    let report = common::audit(&common::of_root(Path::new("examples/host")));
    let names = attributes(&junit::render(&report, WARNING), "testcase", &["classname", "name"]);
    assert!(
        names.contains(&vec!["backlog-audit.sysctl-typo".to_owned(), "sysctl-typo".to_owned()]),
        "{names:?}"
    );
    let unique: HashSet<&Vec<String>> = names.iter().collect();
    assert_eq!(unique.len(), names.len());
}

#[test]
fn a_rule_with_nothing_to_judge_is_skipped() {
    let request = common::of_root(Path::new("examples/host"));
    let skipped = |report: &Report| -> HashSet<String> {
        let text = junit::render(report, WARNING);
        let cases = text.split("<testcase ").filter(|case| case.contains("<skipped "));
        cases.map(|case| case.split('"').nth(1).unwrap().to_owned()).collect()
    };
    let report = common::audit(&request);
    let mut live: HashSet<String> =
        report.rules.iter().filter(|rule| rule.is_live()).map(|rule| rule.id.clone()).collect();
    live.insert("queue-below-minimum".to_owned());
    assert_eq!(skipped(&report), live);
    let looked = common::audit(&common::request(Path::new("tests/cases/live/overflow-now")));
    let skipped = skipped(&looked);
    assert!(skipped.contains("queue-clamped") && !skipped.contains("queue-filling"), "{skipped:?}");
}

/// What another file opens at the same address changes nothing about a test, nor does a line above.
#[test]
fn tests_keep_their_names() {
    let names = |files: &[(&str, &str)]| {
        let mut hand = ByHand::new();
        let sysctl = hand.file("etc/sysctl.conf", "net.core.somaxconn = 128\n");
        hand.somaxconn(hand.at(sysctl, "128"), 128);
        for (path, text) in files {
            let file = hand.file(path, text);
            hand.clamped("nginx", "0.0.0.0:8080", hand.at(file, "511"), 511);
            hand.clamped("node", "0.0.0.0:1", hand.at(file, "511"), 511);
            hand.0.host.listeners.last_mut().unwrap().endpoint = Endpoint::Unknown(Transport::Tcp);
        }
        let names = attributes(&junit::render(&hand.0, WARNING), "testcase", &["name"]);
        names.concat()
    };
    let shop = ["nginx:0.0.0.0:8080 (shop.conf)", "node (shop.conf)"];
    assert_eq!(names(&[("shop.conf", "511")]), shop);
    let more = names(&[("billing.conf", "511"), ("shop.conf", "\n\n511")]);
    assert_eq!(more[2..], shop);
    let twice = names(&[("shop.conf", "511"), ("shop.conf", "511")]);
    assert_eq!(twice[2], "nginx:0.0.0.0:8080 (shop.conf)#2");
}

#[test]
fn markdown_fits_a_comment_however_much_is_found() {
    let mut hand = ByHand::new();
    let sysctl = hand.file("etc/sysctl.conf", "net.core.somaxconn = 128\n");
    hand.somaxconn(hand.at(sysctl, "128"), 128);
    for number in 0..2000 {
        let file = hand.file(&format!("etc/nginx/sites-enabled/site-number-{number}.conf"), "x");
        hand.clamped("nginx", &format!("0.0.0.0:{}", 1000 + number), hand.at(file, "x"), 511);
        hand.finding("unreadable", Severity::Error, "it does not read", hand.at(file, "x"));
    }
    let text = markdown::render(&hand.0);
    assert!(text.len() < 65536, "{}", text.len());
    assert!(text.contains("2000 errors, 2000 warnings") && text.contains("not shown here"), "{text}");
}

/// Runs the program in a folder and gives what it writes.
fn run(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backlog-audit"));
    let output = command.args(arguments).arg("--offline").current_dir(folder).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap()
}

/// A pipeline shows a finding beside a line only if it knows the file by its path from the repository.
#[test]
fn files_are_named_from_the_working_directory() {
    let scratch = Scratch::new("named");
    for web in ["web1", "web2"] {
        scratch.write(
            format!("deploy/{web}/etc/nginx/nginx.conf"),
            "events {}\nhttp { server { listen 80 backlog=2048; } }\n",
        );
        scratch.write(format!("deploy/{web}/etc/sysctl.d/99-old.conf"), "net.core.somaxconn = 128\n");
    }
    let first = |folder: &str, paths: &[&str]| {
        let all = ["--select", "queue-clamped", "--format", "github"];
        let text = run(&scratch.0.join(folder), &[&all[..], paths].concat());
        text.lines().map(|line| Workflow::parse(line).get("file").to_owned()).collect::<Vec<_>>()
    };
    let web1 = "deploy/web1/etc/nginx/nginx.conf";
    assert_eq!(first("", &["deploy/web1"]), [web1]);
    assert_eq!(first("", &[web1]), [""; 0], "a file by itself has no somaxconn");
    assert_eq!(first("", &["deploy/web1", "deploy/web2"]), [web1, "deploy/web2/etc/nginx/nginx.conf"]);
    assert_eq!(first("deploy/web1", &["."]), ["etc/nginx/nginx.conf"]);
    assert_eq!(first("deploy/web1", &["../web2"]), ["etc/nginx/nginx.conf"], "not below: from its root");
    let log = run(&scratch.0, &["--select", "queue-clamped", "--format", "sarif", "deploy/web1"]);
    let log: Value = serde_json::from_str(&log).unwrap();
    let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"];
    assert_eq!(place["uri"], web1);
}

/// Every format can be asked for, into a file too.
#[test]
fn one_run_writes_every_format() {
    let scratch = Scratch::new("every-format");
    scratch.write("etc/nginx/nginx.conf", "events {}\nhttp { server { listen 80 backlog=70000; } }\n");
    let formats =
        ["human", "json", "ndjson", "sarif", "github", "gitlab", "junit", "checkstyle", "markdown", "patch"];
    let wanted: Vec<String> =
        formats.iter().map(|format| format!("--format={format}=out/{format}")).collect();
    std::fs::create_dir(scratch.0.join("out")).unwrap();
    run(&scratch.0, &wanted.iter().map(String::as_str).collect::<Vec<_>>());
    for format in formats {
        let bare = run(&scratch.0, &["--format", format]);
        let file = std::fs::read_to_string(scratch.0.join("out").join(format)).unwrap();
        assert!(!bare.is_empty() && (bare == file || format == "human"), "{format}: {file}");
    }
}
