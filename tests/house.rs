//! The floors of the house: which module may import which. A wrong arrow fails, with its line.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and what it may see. `main`, `cli`, and `lib` with its two halves may see everything.
const SEES: [(&str, &[&str]); 17] = [
    ("text", &[]),
    ("syntax", &["text"]),
    ("model", &["text"]),
    ("knowledge", &["text", "model"]),
    ("services", &["text", "syntax", "model", "knowledge"]),
    ("commands", &["text", "syntax", "model", "knowledge"]),
    ("kernel", &["text", "syntax", "model", "knowledge"]),
    ("discover", &["text", "model", "knowledge"]),
    ("resolve", &["text", "model", "knowledge", "kernel"]),
    ("checks", &["text", "model", "knowledge", "kernel"]),
    ("rules", &["text", "model", "knowledge", "checks"]),
    ("plan", &["text", "model"]),
    ("suppress", &["text", "model"]),
    ("git", &["text"]),
    ("config", &["text", "model", "knowledge", "kernel", "discover", "checks", "rules", "suppress"]),
    ("report", &["text", "model", "knowledge", "rules", "plan", "suppress"]),
    ("live", &["text", "model", "knowledge", "kernel"]),
];

const TOP: [&str; 6] = ["cli", "judge", "lib", "main", "read", "request"];

/// What `lib` shows of the top floor to the world.
const SHOWN: [&str; 3] = ["Audited", "Error", "Request"];

/// Modules inside others that stand on the top floor too: the screen shows reports of what the module around it sees.
const TOP_INSIDE: [(&str, &str); 1] = [("live", "watch")];

/// Modules in which each submodule stands for itself: one service never sees another.
const APART: [&str; 1] = ["services"];

#[test]
fn every_arrow_points_down() {
    let mut wrong = Vec::new();
    for file in sources(Path::new("src")) {
        let module = module_of(&file);
        let text = fs::read_to_string(&file).unwrap();
        for (line, path) in crate_paths(&text, &module) {
            if let Some(why) = fault(&module, &path) {
                wrong.push(format!("{}:{line}: {why}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "wrong arrows:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_has_a_floor() {
    let known: BTreeSet<&str> = SEES.iter().map(|(name, _)| *name).chain(TOP).collect();
    for file in sources(Path::new("src")) {
        let module = module_of(&file);
        assert!(known.contains(module[0].as_str()), "{} stands on no floor", file.display());
    }
}

#[test]
fn a_wrong_arrow_is_seen() {
    let module = ["services".to_owned(), "nginx".to_owned()];
    let text = "use crate::kernel::listen;\nuse super::tomcat::read;\nlet x = crate::text::Span::top(id);\nuse super::Ground;\n";
    let faults: Vec<usize> = crate_paths(text, &module)
        .into_iter()
        .filter_map(|(line, path)| fault(&module, &path).map(|_| line))
        .collect();
    assert_eq!(faults, [1, 2]);
    let path = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    let [live, watch, report] =
        [path(&["live"]), path(&["live", "watch", "app"]), path(&["report", "human"])];
    assert!(fault(&live, &watch).is_some() && fault(&live, &report).is_some());
    assert!(fault(&watch, &report).is_none() && fault(&watch, &live).is_none());
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// `src/services/nginx/listen.rs` is `services::nginx::listen`.
fn module_of(file: &Path) -> Vec<String> {
    let path = file.strip_prefix("src").unwrap().with_extension("");
    let mut parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.len() > 1 && parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// Every path in the text that names a module of this crate, from its root, with its line. A `use` group gives one path a member.
fn crate_paths(text: &str, module: &[String]) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut statement = String::new();
    let mut begun = 0;
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        if statement.is_empty() {
            begun = index + 1;
            if !(code.contains("crate::") || code.contains("super::")) {
                continue;
            }
        }
        statement.push_str(code);
        let open_use = statement.trim_start().trim_start_matches("pub ").starts_with("use ")
            && !code.trim_end().ends_with(';');
        if open_use {
            continue;
        }
        found.extend(paths_in(&statement, module).into_iter().map(|path| (begun, path)));
        statement.clear();
    }
    found
}

fn paths_in(statement: &str, module: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in statement.match_indices("crate::") {
        found.extend(members(&statement[at + "crate::".len()..]));
    }
    let supers = statement.match_indices("super::").filter(|(at, _)| !statement[..*at].ends_with("super::"));
    for (at, _) in supers {
        let mut rest = &statement[at..];
        let mut base = module.to_vec();
        while let Some(after) = rest.strip_prefix("super::") {
            base.pop();
            rest = after;
        }
        found.extend(members(rest).into_iter().map(|tail| base.iter().cloned().chain(tail).collect()));
    }
    found
}

/// `a::b::C` or `{a::X, b::{Y, Z}}`, as far as two names deep.
fn members(path: &str) -> Vec<Vec<String>> {
    let word =
        |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    if let Some(group) = path.strip_prefix('{') {
        let mut depth = 0;
        let parts = group.split(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        });
        return parts.flat_map(|part| members(part.trim())).collect();
    }
    let first = word(path);
    let rest = &path[first.len()..];
    match rest.strip_prefix("::") {
        _ if first.is_empty() => Vec::new(),
        Some(rest) => {
            members(rest).into_iter().map(|tail| [first.clone()].into_iter().chain(tail).collect()).collect()
        }
        None => vec![vec![first]],
    }
}

fn fault(module: &[String], path: &[String]) -> Option<String> {
    let (from, to) = (module.first()?.as_str(), path.first()?.as_str());
    let inner = module.get(1).map_or("", String::as_str);
    if TOP.contains(&from) || TOP_INSIDE.contains(&(from, inner)) {
        return None;
    }
    if TOP.contains(&to) || SHOWN.contains(&to) {
        return Some(format!("{from} must not see the top floor's {to}"));
    }
    if SEES.iter().all(|(name, _)| *name != to) {
        return None;
    }
    let reaches_up =
        |(outer, inner): &(&str, &str)| to == *outer && path.get(1).is_some_and(|it| it == inner);
    if TOP_INSIDE.iter().any(reaches_up) {
        return Some(format!("{from} must not see {}", path.join("::")));
    }
    if from == to {
        let (mine, other) = (module.get(1)?, path.get(1)?);
        let is_module = other.chars().next().is_some_and(char::is_lowercase);
        let file = Path::new("src").join(from);
        let exists = file.join(format!("{other}.rs")).exists() || file.join(other).is_dir();
        let apart = APART.contains(&from) && is_module && exists && mine != other;
        return apart.then(|| format!("{from}::{mine} must not see {from}::{other}"));
    }
    let sees = SEES.iter().find(|(name, _)| *name == from)?.1;
    (!sees.contains(&to)).then(|| format!("{from} must not see {to}"))
}
