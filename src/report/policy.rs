//! A first policy for what an audit found. Its settings are comments but for those that the command line gave.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::secrets::masked;
use super::{Report, counted, said};
use crate::model::{Date, Finding, Kind, Place, ReadAs, key};
use crate::text::{has_magic, is_harmful};

/// Rules whose findings the example of an ignore is made for, and machines that the example of a target is.
const EXAMPLES: usize = 3;

/// The longest word of a tree that is written, in bytes.
const LONGEST: usize = 200;

/// What the policy is to say.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The real folder that it will lie in.
    pub folder: &'a Path,
    /// What the command line assumed.
    pub kernel: Option<&'a str>,
    pub set: &'a [(String, i64)],
    pub today: Option<Date>,
}

/// The text of the policy. A setting begins at `#` without a space behind it; what stands next to one another belongs together.
pub fn render(report: &Report, wanted: &Wanted<'_>) -> String {
    let mut text = include_str!("policy.toml").to_owned();
    let place = report.host.places.first();
    match (wanted.kernel, place) {
        (Some(kernel), _) => add(&mut text, KERNEL, &[format!("kernel = {}", quoted(kernel))]),
        (None, Some(place)) => {
            let kernel = format!("#kernel = {}", quoted(&place.kernel.release));
            add(&mut text, &format!("{KERNEL}\n# {}", premise(place)), &[kernel]);
        }
        (None, None) => {}
    }
    text.push_str(&sysctls(wanted, place));
    let mut intro = MINIMUM;
    for (service, shortest) in shortest(report) {
        let table = ["#[[minimum]]".into(), setting("service", service), format!("#at-least = {shortest}")];
        add(&mut text, std::mem::take(&mut intro), &table);
    }
    intro = TARGET;
    for (name, path) in machines(report, wanted.folder) {
        let table = ["#[[target]]".into(), setting("name", &name), setting("path", &path)];
        add(&mut text, std::mem::take(&mut intro), &table);
    }
    intro = IGNORE;
    let ids = report.listener_ids();
    let until = wanted.today.map(|today| format!("#until = {}", a_year_on(today)));
    for (count, severity, rule) in report.by_rule().into_iter().filter(|it| it.1 != "info").take(EXAMPLES) {
        let is_one = |it: &&Finding| it.rule == rule && it.severity.word() == severity;
        let mut all = report.findings.iter().filter(is_one);
        if let Some(about) = all.find_map(|finding| about(report, &ids, wanted.folder, finding)) {
            let found =
                format!("# {}: {} today, for example this one:", said(rule), counted(count, severity));
            let table = ["#[[ignore]]".into(), setting("rule", rule), about, REASON.into()];
            let table: Vec<String> = table.into_iter().chain(until.clone()).collect();
            add(&mut text, &[std::mem::take(&mut intro), &found].join("\n"), &table);
        }
    }
    text
}

const KERNEL: &str = "# The kernel that the files will run on, as `uname -r` prints it.";
const SYSCTLS: &str = "# Sysctls of the machines that the files run on, whatever the files set.";
const UNSET: &str = "# Sysctls of the machines that the files run on. No file here sets this one.";
const MINIMUM: &str = "# The shortest queue that a service may have: Send-Q of `ss -lnt`.
# These numbers are the shortest queues of today. Add `port = 443` to limit one
# to a port.";
const TARGET: &str = "# Files that run on other machines. Each may have a kernel and sysctls of its own.";
const IGNORE: &str = "# Findings that your team accepts: why, and until which day.
# To accept all findings of today, use --write-baseline FILE instead.";
const REASON: &str = "#reason = \"say why\"";

/// Adds settings below a line of its own, and what is said about them.
fn add(text: &mut String, about: &str, settings: &[String]) {
    let lines = about.lines().filter(|line| !line.is_empty()).chain(settings.iter().map(String::as_str));
    text.push('\n');
    lines.for_each(|line| text.extend([line, "\n"]));
}

fn setting(name: &str, word: &str) -> String {
    format!("#{name} = {}", quoted(word))
}

/// What the audit took the kernel for.
fn premise(place: &Place) -> String {
    let kernel = format!("Linux {}", said(&place.kernel.release));
    match (place.kernel.version.kind, &place.kernel.of) {
        (Kind::Live, _) => format!("This machine runs {kernel}."),
        (Kind::Written, _) => format!("The files say {kernel}."),
        (_, Some(system)) => format!("The audit assumes {kernel}, the kernel of {}.", said(system)),
        (_, None) => format!("The audit assumes {kernel}, because the files do not say."),
    }
}

/// What the command line set; else an example, where no file sets the one that all queues depend on.
fn sysctls(wanted: &Wanted<'_>, place: Option<&Place>) -> String {
    let mut text = String::new();
    // The last one counts.
    let set: BTreeMap<&str, i64> = wanted.set.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    let unwritten = place.and_then(|it| it.sysctls.get(key::SOMAXCONN)).filter(|it| !it.is_written());
    if !set.is_empty() {
        let lines = set.iter().map(|(key, value)| format!("{key} = {value}"));
        let table: Vec<String> = ["[sysctls]".to_owned()].into_iter().chain(lines).collect();
        add(&mut text, SYSCTLS, &table);
    } else if let Some(number) = unwritten.and_then(|it| it.number()) {
        add(&mut text, UNSET, &["#[sysctls]".to_owned(), format!("#{} = {number}", key::SOMAXCONN)]);
    }
    text
}

/// The length of the shortest queue of each service.
fn shortest(report: &Report) -> BTreeMap<&str, i64> {
    let mut shortest = BTreeMap::new();
    for (listener, queue) in report.listeners().filter(|(listener, _)| !listener.internal) {
        let Some(limit) = queue.limit.filter(|limit| *limit > 0) else { continue };
        let known = shortest.entry(listener.service.as_str()).or_insert(limit);
        *known = limit.min(*known);
    }
    shortest
}

/// The folders of a repository with an `etc` that opens listeners, where there are several: their names, and their paths from
/// the policy.
fn machines(report: &Report, folder: &Path) -> Vec<(String, String)> {
    let Some(place) = report.host.places.first().filter(|place| place.read_as == ReadAs::Repo) else {
        return Vec::new();
    };
    let is_etc = |path: &&Path| path.file_name().is_some_and(|name| name == "etc");
    let opened = report.host.listeners.iter().filter_map(|it| report.sources.get(it.site.source).path());
    let etcs = opened.filter_map(|path| path.ancestors().filter(is_etc).last());
    let tops: BTreeSet<&Path> = etcs.filter_map(Path::parent).filter(|top| *top != Path::new("")).collect();
    let mut known = BTreeSet::from(["host"]);
    let is_name = |name: &&str| name.chars().all(|c| c.is_alphanumeric() || "-._".contains(c));
    let named = tops.iter().filter(|_| tops.len() > 1).filter_map(|top| {
        let name = top.file_name()?.to_str().filter(is_name)?;
        let path = pattern(&place.top.join(top), folder)?;
        known.insert(name).then(|| (name.to_owned(), path))
    });
    named.take(EXAMPLES).collect()
}

/// What an ignore of this finding names: its listener, else its file.
fn about(report: &Report, ids: &[String], folder: &Path, finding: &Finding) -> Option<String> {
    if let Some(id) = finding.listener.and_then(|at| ids.get(at)) {
        return Some(setting("listener", id)).filter(|_| is_shown(id));
    }
    let source = report.sources.get(finding.home(&report.sources)?.source);
    let place = report.host.places.iter().find(|place| place.root.as_deref() == source.root())?;
    Some(setting("path", &pattern(&place.top.join(source.path()?), folder)?))
}

/// The pattern of a path, seen from the folder of the policy; none for one that is another pattern.
fn pattern(path: &Path, folder: &Path) -> Option<String> {
    let below = path.strip_prefix(folder).ok()?.to_str()?;
    let is_plain = !has_magic(below.as_bytes()) && !below.contains('\\');
    (is_shown(below) && is_plain).then(|| below.to_owned())
}

/// Whether a word of a tree may be written as it is: it is short, not secret, and all of it is text.
fn is_shown(word: &str) -> bool {
    let is_whole = !word.contains(char::REPLACEMENT_CHARACTER) && masked(word) == word;
    is_whole && (1..=LONGEST).contains(&word.len())
}

/// The last day of the next year.
fn a_year_on(today: Date) -> String {
    let year = today.to_string().get(..4).and_then(|year| year.parse::<u16>().ok()).unwrap_or_default();
    format!("{:04}-12-31", (year + 1).min(9999))
}

/// A basic string of TOML on one line, with what could mislead a reader spelled out (TOML 1.0, "String").
fn quoted(word: &str) -> String {
    let mut text = String::from('"');
    for c in word.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if is_harmful(c) => text.push_str(&format!("\\U{:08x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}
