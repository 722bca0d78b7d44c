//! The voice: words that docs/style.md replaces are found nowhere where people can see them. Comments are free.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

/// A row of the table: what is not said, and in which phrases it is fine.
struct Habit {
    words: String,
    not_this: Regex,
    this: Regex,
}

/// The table of docs/style.md.
fn habits() -> Vec<Habit> {
    let page = fs::read_to_string("docs/style.md").unwrap();
    let (_, table) = page.split_once("|---|---|\n").unwrap();
    let mut habits = Vec::new();
    for row in table.lines() {
        let [not_this, this] =
            row.trim_matches('|').split('|').map(phrases).collect::<Vec<_>>().try_into().unwrap();
        habits.push(Habit { words: row.to_owned(), not_this, this });
    }
    assert!(habits.len() > 20, "{} rows", habits.len());
    habits
}

/// Any of several phrases, as whole words.
fn phrases(cell: &str) -> Regex {
    let all: Vec<String> = cell.split(',').map(|phrase| regex::escape(phrase.trim())).collect();
    Regex::new(&format!(r"(?i)\b(?:{})\b", all.join("|").replace(' ', r"\s+"))).unwrap()
}

/// The words of a text that an operator would trip over.
fn faults(habits: &[Habit], place: &str, text: &str) -> Vec<String> {
    let of = |habit: &Habit| -> Vec<String> {
        let fine: Vec<_> = habit.this.find_iter(text).map(|it| it.range()).collect();
        let found = habit.not_this.find_iter(text);
        let found =
            found.filter(|it| !fine.iter().any(|fine| fine.start <= it.start() && it.end() <= fine.end));
        found.map(|it| format!("{place}: {:?} in {text:?}, see {}", it.as_str(), habit.words)).collect()
    };
    habits.iter().flat_map(of).collect()
}

/// Files below a folder with one ending.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(path.to_str().unwrap(), ending));
        } else if path.extension().is_some_and(|it| it == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Texts of a rule or a service, without what only the program reads.
fn texts(value: &toml::Value, found: &mut Vec<String>) {
    match value {
        toml::Value::String(text) => found.push(text.clone()),
        toml::Value::Array(all) => all.iter().for_each(|it| texts(it, found)),
        toml::Value::Table(table) => {
            let seen =
                table.iter().filter(|(key, _)| !["example", "looks-like", "reader"].contains(&key.as_str()));
            seen.for_each(|(_, it)| texts(it, found));
        }
        _ => {}
    }
}

/// The string literals of a source file that are sentences, its tests apart.
fn literals(code: &str) -> Vec<String> {
    let tests = ["#[cfg(test)]\nmod tests {", "#[cfg(test)]\npub(crate) mod tests {"];
    let end = tests.iter().filter_map(|start| code.find(start)).min().unwrap_or(code.len());
    let part =
        Regex::new(r##"(?s)//[^\n]*|b?r(?:"([^"]*)"|#"(.*?)"#)|"((?:[^"\\]|\\.)*)"|'(?:\\.[^']*|[^'\\])'"##)
            .unwrap();
    let joined = Regex::new(r"\\\n\s*").unwrap();
    let hole = Regex::new(r"\{\w*(?::[^{}]*)?\}").unwrap();
    let texts = part.captures_iter(&code[..end]).filter_map(|it| it.get(1).or(it.get(2)).or(it.get(3)));
    let texts = texts.map(|text| hole.replace_all(&joined.replace_all(text.as_str(), ""), "{}").into_owned());
    texts.filter(|text| text.contains(' ') && !text.contains("(?")).collect()
}

#[test]
fn no_sentence_has_a_word_that_operators_trip_over() {
    let habits = habits();
    let mut wrong = Vec::new();
    for path in files("rules", "toml") {
        let mut found = Vec::new();
        texts(&fs::read_to_string(&path).unwrap().parse::<toml::Table>().unwrap().into(), &mut found);
        wrong.extend(found.iter().flat_map(|text| faults(&habits, &path.display().to_string(), text)));
    }
    let is_test = |path: &Path| path.ends_with("tests.rs") || path.ends_with("trial.rs");
    for path in files("src", "rs").into_iter().filter(|path| !is_test(path)) {
        let found = literals(&fs::read_to_string(&path).unwrap());
        wrong.extend(found.iter().flat_map(|text| faults(&habits, &path.display().to_string(), text)));
    }
    let documents = files("docs", "md").into_iter().filter(|path| !path.ends_with("style.md"));
    for path in documents.chain(["README.md".into()]) {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.split("\n\n");
        wrong.extend(lines.flat_map(|text| faults(&habits, &path.display().to_string(), text)));
    }
    for arguments in [
        "--help",
        "live --help",
        "watch --help",
        "init --help",
        "init --stdout --offline examples/host",
        "explain --help",
        "rules --help",
        "services --help",
        "schema --help",
        "schema report",
        "schema config",
        "completions --help",
        "man --help",
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backlog-audit"));
        let output = command.args(arguments.split(' ')).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        wrong.extend(text.lines().flat_map(|line| faults(&habits, arguments, line)));
    }
    assert!(wrong.is_empty(), "{} places:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_word_is_found_where_people_see_it_and_nowhere_else() {
    let found = |code: &str| -> usize {
        literals(code).iter().map(|text| faults(&habits(), "here", text).len()).sum()
    };
    assert_eq!(found(r#"let a = "its front takes it";"#), 1);
    assert_eq!(found(r##"let a = r#"the file is "no" port"#; let b = '"'; let c = "told us";"##), 1);
    assert_eq!(found("let a = \"nobody was \\\n    told\";"), 1);
    assert_eq!(found(r#"// nobody was told "so it was told""#), 0);
    assert_eq!(found(r#"let a = "its front end serves it, and there is no other";"#), 0);
    assert_eq!(found("let a = 1;\n#[cfg(test)]\nmod tests {\n    let a = \"was told\";\n}\n"), 0);
}
