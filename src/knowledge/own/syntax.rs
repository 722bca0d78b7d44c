//! Text that is no TOML.

use super::Mistake;

/// What is wrong where a text does not parse, in the words of who writes TOML now and then.
pub(super) fn mistake(text: &str, error: &toml::de::Error) -> Mistake {
    let first = text.len() - text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).len();
    let at = error.span().unwrap_or(first..first);
    let message = |message: String| Mistake { message, at: at.clone() };
    if text.get(first..).is_some_and(|text| text.starts_with('{')) {
        let message = "this is JSON; the file has to be TOML, with lines such as key = \"value\"".to_owned();
        return Mistake { message, at: first..first + 1 };
    }
    let start = text.get(..at.start).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark)) {
        let message = "a merge has left its conflict markers here".to_owned();
        return Mistake { message, at: start..start + line.len() };
    }
    let key = line.split(['=', ':']).next().unwrap_or_default().trim();
    let value = line.split_once('=').map(|(_, value)| value.split('#').next().unwrap_or_default().trim());
    let said = error.message();
    match value {
        None if line.contains(':') && !line.trim_start().starts_with(['[', '#']) => {
            message(format!("TOML writes = where YAML writes a colon: {key} = ..."))
        }
        _ if said == "duplicate key" => {
            let name = text.get(at.clone()).unwrap_or(key);
            let is_it = |line: &str| {
                let line = line.trim_start_matches(['[', ' ']);
                line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(['=', ']', '.']))
            };
            let first = text.lines().position(is_it).unwrap_or_default() + 1;
            message(format!("`{name}` is written twice; the first time on line {first}"))
        }
        Some(value) if is_day(value) => {
            message(format!("{value} is not a day; write one as year-month-day, such as 2030-12-31"))
        }
        Some(value) if value.starts_with(|c: char| c.is_ascii_digit()) && !value.contains('.') => {
            message(format!("{value} is neither a whole number nor a string in quotes"))
        }
        Some(value) if is_bare(value) => message(format!("write it in quotes: {key} = \"{value}\"")),
        Some("") => message(format!("`{key}` has no value")),
        _ if said.contains("recurs") => message("lists and tables are nested more than 80 deep".to_owned()),
        _ if said.contains("basic string") || said.contains("literal string") => {
            message("this string has no end: close its quotes".to_owned())
        }
        _ => message(format!("this is not TOML: {said}")),
    }
}

/// A word that only lacks its quotes.
fn is_bare(value: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || "-_./*:+ ".contains(c);
    !value.is_empty() && value.chars().all(is_word)
}

/// `2030-13-31`
fn is_day(value: &str) -> bool {
    let parts: Vec<&str> = value.splitn(3, '-').collect();
    let digits = |part: &&str| part.starts_with(|c: char| c.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(digits) && parts.first().is_some_and(|year| year.len() == 4)
}
