//! A table of TOML, held against the schema of its format. The parser takes no more than 80 tables in one another.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Mistake;
use super::near::{nearest, unknown};

/// What people call a key, and what it is called here.
const CALLED: [(&str, &str); 22] = [
    ("address", "listener"),
    ("at_least", "at-least"),
    ("backlog", "at-least"),
    ("comment", "reason"),
    ("description", "what"),
    ("expires", "until"),
    ("expiry", "until"),
    ("extends", "extend"),
    ("file", "path"),
    ("files", "path"),
    ("id", "rule"),
    ("level", "severity"),
    ("min", "at-least"),
    ("minimum", "at-least"),
    ("net", "sysctls"),
    ("paths", "path"),
    ("port", "listener"),
    ("service", "listener"),
    ("set", "sysctls"),
    ("sysctl", "sysctls"),
    ("title", "summary"),
    ("why-not", "reason"),
];

/// Options of the command line that somebody may take for keys.
const OPTIONS: [&str; 10] = [
    "as",
    "baseline",
    "changed-since",
    "color",
    "format",
    "include-tests",
    "offline",
    "quiet",
    "show-files",
    "verbose",
];

/// What people write to switch a rule off.
const OFF: [&str; 6] = ["disable", "disabled", "ignore", "never", "none", "off"];

/// What a schema wants of a value.
enum Wanted<'s> {
    Text,
    Day,
    Number(i64, i64),
    Truth,
    OneOf(Vec<&'s str>),
    List(&'s Value),
    Table(&'s Value),
    /// A table with one entry, whose key decides what is in it.
    Choice(Vec<(&'s str, &'s Value)>),
    Any(Vec<&'s Value>),
}

/// The text of a file, and the schema that it is held against.
pub(super) struct Held<'a> {
    pub(super) text: &'a str,
    pub(super) schema: &'a Value,
}

/// A value, what it is called, and the table around it.
#[derive(Clone, Copy)]
struct Place<'p> {
    /// As a line of the file says it: `[rules]`, `[[ignore]]`; empty at the top.
    header: &'p str,
    key: &'p str,
    schema: &'p Value,
}

impl<'a> Held<'a> {
    /// The first thing that is wrong with the file.
    pub(super) fn file(&self, table: &DeTable<'_>) -> Result<(), Mistake> {
        let is_empty = self.text.lines().all(|line| line.trim().is_empty() || line.trim().starts_with('#'));
        let whole = 0..if is_empty { 0 } else { self.text.len() };
        match self.table("", self.schema, table, whole) {
            Err(mistake) if is_empty => Err(Mistake { message: "the file is empty".to_owned(), ..mistake }),
            held => held,
        }
    }

    fn table(
        &self,
        header: &str,
        schema: &Value,
        table: &DeTable<'_>,
        at: Range<usize>,
    ) -> Result<(), Mistake> {
        let schema = self.resolved(schema);
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties").filter(|it| it.is_object());
        let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let name: &str = key.get_ref();
            match (properties.and_then(|all| all.get(name)), others) {
                (Some(schema), _) => self.value(Place { header, key: name, schema }, value)?,
                (None, Some(schema)) => self.value(Place { header, key: name, schema }, value)?,
                (None, None) if is_closed => {
                    let message = self.no_key(header, name, schema);
                    return Err(Mistake { message, at: key.span() });
                }
                (None, None) => {}
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let missing = required.filter_map(Value::as_str).find(|key| !table.contains_key(*key));
        missing.map_or(Ok(()), |key| {
            let wanted = properties.and_then(|all| all.get(key)).unwrap_or(&Value::Null);
            Err(Mistake { message: self.missing(key, wanted), at: self.first_line(at) })
        })
    }

    fn value(&self, place: Place<'_>, value: &Spanned<DeValue<'_>>) -> Result<(), Mistake> {
        let Place { header, key, schema } = place;
        let raw = self.text.get(value.span()).unwrap_or_default();
        let line = |value: &str| format!("{key} = {value}");
        let wrong = |message: String| Err(Mistake { message, at: self.first_line(value.span()) });
        match (self.wanted(schema), value.get_ref()) {
            (Wanted::Any(all), value_) => {
                let fits = |schema: &&&Value| fits(&self.wanted(schema), value_);
                let schema = all.iter().find(fits).or(all.first()).copied().unwrap_or(&Value::Null);
                // A key without quotes is a table in a table.
                match value_ {
                    DeValue::Table(table) => table.iter().try_for_each(|(inner, value)| {
                        let key = format!("{key}.{}", inner.get_ref());
                        self.value(Place { key: &key, ..place }, value)
                    }),
                    _ => self.value(Place { schema, ..place }, value),
                }
            }
            (Wanted::Text, DeValue::String(_)) | (Wanted::Day, DeValue::Datetime(_)) => Ok(()),
            (Wanted::Truth, DeValue::Boolean(_)) => Ok(()),
            (Wanted::Text, DeValue::Array(all)) => {
                let first =
                    all.iter().find(|it| it.get_ref().is_str()).and_then(|it| self.text.get(it.span()));
                let first = first.map_or_else(|| self.example(key, schema), &line);
                wrong(format!("`{key}` is one string, not a list: {first}{}", second(header, all.len())))
            }
            (Wanted::Text, DeValue::Table(_)) => {
                wrong(format!("`{key}` is a string in quotes, such as {}", self.example(key, schema)))
            }
            (Wanted::Text, _) => wrong(format!("write it in quotes: {}", line(&format!("\"{raw}\"")))),
            (Wanted::Day, DeValue::String(text)) if is_day(text) => {
                wrong(format!("write the day without quotes: {}", line(text)))
            }
            (Wanted::Day, _) => {
                wrong(format!("`{key}` is a day without quotes, such as {}", self.example(key, schema)))
            }
            (Wanted::Number(least, most), DeValue::Integer(number))
                if i64::from_str_radix(number.as_str(), number.radix())
                    .is_ok_and(|number| (least..=most).contains(&number)) =>
            {
                Ok(())
            }
            (Wanted::Number(least, most), DeValue::String(text))
                if text.parse().is_ok_and(|number: i64| (least..=most).contains(&number)) =>
            {
                wrong(format!("write it without quotes: {}", line(text)))
            }
            (Wanted::Number(least, most), found) => {
                let range = match (least, most) {
                    (i64::MIN, i64::MAX) => String::new(),
                    _ => format!(" from {least} to {most}"),
                };
                let quotes = if found.is_str() { ", without quotes" } else { "" };
                let several = found.as_array().map_or_else(String::new, |all| second(header, all.len()));
                let example = self.example(key, schema);
                wrong(format!("`{key}` is a whole number{range}{quotes}, such as {example}{several}"))
            }
            (Wanted::Truth, _) => wrong(format!("`{key}` is true or false, without quotes")),
            (Wanted::OneOf(words), DeValue::String(word)) if words.contains(&&**word) => Ok(()),
            (Wanted::OneOf(words), DeValue::String(word)) => wrong(match header {
                "[rules.severity]" if OFF.contains(&&**word) => {
                    format!("a rule is switched off by its name in a list: [rules] ignore = [\"{key}\"]")
                }
                _ => unknown(self.noun(schema), word, words.into_iter()),
            }),
            (Wanted::OneOf(words), _) => {
                wrong(format!("`{key}` is one of these, in quotes: {}", words.join(", ")))
            }
            (Wanted::List(item), DeValue::Array(all)) => {
                let header = format!("[[{key}]]");
                all.iter()
                    .try_for_each(|value| self.value(Place { header: &header, key, schema: item }, value))
            }
            (Wanted::List(item), found) if matches!(self.wanted(item), Wanted::Table(_)) => match found {
                DeValue::Table(_) => {
                    wrong(format!("write [[{key}]], in two pairs of brackets: there may be several"))
                }
                _ => wrong(self.no_table(&format!("[[{key}]]"), key)),
            },
            (Wanted::List(_), DeValue::String(_)) => {
                wrong(format!("write it as a list: {}", line(&format!("[{raw}]"))))
            }
            (Wanted::List(_), _) => {
                wrong(format!("`{key}` is a list, such as {}", self.example(key, schema)))
            }
            (Wanted::Table(schema), DeValue::Table(table)) => {
                let header = match header {
                    list if list.starts_with("[[") && list.get(2..list.len() - 2) == Some(key) => {
                        list.to_owned()
                    }
                    "" => format!("[{key}]"),
                    above => format!("[{}.{key}]", above.trim_matches(['[', ']'])),
                };
                self.table(&header, schema, table, value.span())
            }
            (Wanted::Table(_), DeValue::Array(all)) if all.iter().all(|it| it.get_ref().is_table()) => {
                wrong(format!("write [{key}], in one pair of brackets"))
            }
            (Wanted::Table(_), _) => wrong(self.no_table(header, key)),
            (Wanted::Choice(choices), DeValue::Table(table)) => {
                self.choice(key, &choices, table, value.span())
            }
            (Wanted::Choice(choices), DeValue::String(word)) => {
                let name =
                    choices.iter().find(|(name, _)| *name == &**word).map_or("queue-short", |(name, _)| name);
                wrong(format!("write `{key}` as a table: [{key}.{name}]"))
            }
            (Wanted::Choice(_), _) => wrong(format!("write `{key}` as a table, such as [{key}.queue-short]")),
        }
    }

    /// A table that has exactly one of several entries.
    fn choice(
        &self,
        key: &str,
        choices: &[(&str, &Value)],
        table: &DeTable<'_>,
        at: Range<usize>,
    ) -> Result<(), Mistake> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        let names = || choices.iter().map(|(name, _)| *name);
        for (name, value) in &entries {
            let choice = choices.iter().find(|(known, _)| *known == &**name.get_ref());
            match choice {
                Some((name, _)) if !value.get_ref().is_table() => {
                    let message = format!("write `{name}` as a table: [{key}.{name}]");
                    return Err(Mistake { message, at: value.span() });
                }
                Some((name, schema)) => {
                    let header = format!("[{key}]");
                    self.value(Place { header: &header, key: name, schema }, value)?;
                }
                None if value.get_ref().is_table() => {
                    let message = unknown(key, name.get_ref(), names());
                    return Err(Mistake { message, at: name.span() });
                }
                None => {
                    let message = format!("name the {key} in the brackets, such as [{key}.queue-short]");
                    return Err(Mistake { message, at: name.span() });
                }
            }
        }
        match entries.as_slice() {
            [_] => Ok(()),
            [_, (second, _), ..] => {
                let message = format!("a rule has one {key}; write another rule for the second");
                Err(Mistake { message, at: second.span() })
            }
            [] => {
                let message = format!("name the {key} in the brackets, such as [{key}.queue-short]");
                Err(Mistake { message, at: self.first_line(at) })
            }
        }
    }

    /// What to say of something that is no table where one is wanted.
    fn no_table(&self, header: &str, key: &str) -> String {
        let header =
            if header.is_empty() || !header.contains(key) { format!("[{key}]") } else { header.to_owned() };
        let elsewhere = self.elsewhere(key);
        let meant = elsewhere.iter().find(|other| !other.starts_with("[[") && **other != header);
        let meant = meant.map_or(String::new(), |other| format!("; or did you mean {other}?"));
        format!("`{key}` is a table: write {header}, and its keys below that{meant}")
    }

    fn no_key(&self, header: &str, name: &str, schema: &Value) -> String {
        let known: Vec<&str> = schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(key, _)| &**key)
            .collect();
        let called =
            || CALLED.iter().find(|(word, key)| *word == name && known.contains(key)).map(|(_, key)| *key);
        if let Some(near) = nearest(name, known.iter().copied()).or_else(called) {
            return format!("there is no key `{name}`; did you mean `{near}`?");
        }
        if known.is_empty() {
            return format!("there is no key `{name}`: {header} has none");
        }
        match self.elsewhere(name).first() {
            Some(there) => format!("there is no key `{name}` here; did you mean {there}?"),
            None if OPTIONS.contains(&name) => {
                format!("`{name}` is an option of the command line, not a key of this file: --{name}")
            }
            None => format!("there is no key `{name}`; known: {}", known.join(", ")),
        }
    }

    fn missing(&self, key: &str, schema: &Value) -> String {
        if let Wanted::Choice(_) = self.wanted(schema) {
            return format!("a rule needs one {key}, such as [{key}.queue-short]");
        }
        let what = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let what = what.split(['.', ';', '\n']).next().unwrap_or_default();
        let mut letters = what.chars();
        let what = letters.next().map(|first| first.to_lowercase().chain(letters).collect::<String>());
        let what = what.map_or(String::new(), |what| format!(": {what}"));
        format!("`{key}` is missing{what}, such as {}", self.example(key, schema))
    }

    /// A line that could stand there.
    fn example(&self, key: &str, schema: &Value) -> String {
        let schema = self.resolved(schema);
        let first = schema.get("examples").and_then(|all| all.get(0));
        match (first, self.wanted(schema)) {
            (Some(day), Wanted::Day) => format!("{key} = {}", day.as_str().unwrap_or_default()),
            (Some(Value::Array(all)), _) => {
                let all: Vec<String> = all.iter().map(Value::to_string).collect();
                format!("{key} = [{}]", all.join(", "))
            }
            (Some(value), _) => format!("{key} = {value}"),
            (None, Wanted::OneOf(words)) => {
                format!("{key} = \"{}\"", words.get(1).or(words.first()).unwrap_or(&""))
            }
            (None, Wanted::Number(least, _)) => format!("{key} = {}", least.max(128)),
            (None, Wanted::List(_)) => format!("{key} = [\"...\"]"),
            (None, _) => format!("{key} = \"...\""),
        }
    }

    /// Tables that have a key of this name, or are called so: `[rules] select = ...`, `[rules.severity]`.
    fn elsewhere(&self, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (above, schema) in self.schema.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            let (header, table) = match self.wanted(schema) {
                Wanted::Table(table) => (format!("[{above}]"), table),
                Wanted::List(item) => match self.wanted(item) {
                    Wanted::Table(table) => (format!("[[{above}]]"), table),
                    _ => continue,
                },
                _ => continue,
            };
            let Some(schema) = table.get("properties").and_then(|all| all.get(name)) else { continue };
            found.push(match self.wanted(schema) {
                Wanted::Table(_) => format!("[{above}.{name}]"),
                _ => format!("{header} {}", self.example(name, schema)),
            });
        }
        found
    }

    fn noun<'s>(&'s self, schema: &'s Value) -> &'s str {
        self.resolved(schema).get("title").and_then(Value::as_str).unwrap_or("value")
    }

    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let path = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
        path.and_then(|path| self.schema.pointer(path)).unwrap_or(schema)
    }

    fn wanted<'s>(&'s self, schema: &'s Value) -> Wanted<'s> {
        let schema = self.resolved(schema);
        let list = |name: &str| schema.get(name).and_then(Value::as_array);
        if let Some(all) = list("anyOf") {
            let all: Vec<&Value> =
                all.iter().filter(|it| it.get("type").and_then(Value::as_str) != Some("null")).collect();
            return match all.as_slice() {
                [one] => self.wanted(one),
                _ => Wanted::Any(all),
            };
        }
        if let Some(all) = list("oneOf") {
            let choice = |it: &'s Value| {
                it.get("properties").and_then(Value::as_object)?.iter().next().map(|(key, it)| (&**key, it))
            };
            let choices: Vec<_> = all.iter().filter_map(choice).collect();
            return match choices.is_empty() {
                true => Wanted::OneOf(all.iter().flat_map(words).collect()),
                false => Wanted::Choice(choices),
            };
        }
        if schema.get("enum").is_some() || schema.get("const").is_some() {
            return Wanted::OneOf(words(schema).collect());
        }
        let kind = schema.get("type");
        let kind = kind.and_then(|kind| kind.as_str().or_else(|| kind.get(0).and_then(Value::as_str)));
        let bound = |name: &str| schema.get(name).and_then(Value::as_i64);
        match kind.unwrap_or_default() {
            "string" if schema.get("format").and_then(Value::as_str) == Some("date") => Wanted::Day,
            "integer" => {
                let most = match schema.get("format").and_then(Value::as_str) {
                    Some("uint32") => u32::MAX.into(),
                    _ => i64::MAX,
                };
                Wanted::Number(bound("minimum").unwrap_or(i64::MIN), bound("maximum").unwrap_or(most))
            }
            "boolean" => Wanted::Truth,
            "array" => Wanted::List(schema.get("items").unwrap_or(&Value::Null)),
            "object" => Wanted::Table(schema),
            _ => Wanted::Text,
        }
    }

    /// A table is pointed at by the line that opens it.
    fn first_line(&self, at: Range<usize>) -> Range<usize> {
        let text = self.text.get(at.clone()).unwrap_or_default();
        at.start..at.start + text.lines().next().unwrap_or_default().trim_end().len()
    }
}

/// The words that a schema lists.
fn words(schema: &Value) -> impl Iterator<Item = &str> {
    let all = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    all.chain(schema.get("const")).filter_map(Value::as_str)
}

fn fits(wanted: &Wanted<'_>, value: &DeValue<'_>) -> bool {
    match wanted {
        Wanted::Number(..) => value.is_integer(),
        Wanted::Table(_) => value.is_table(),
        _ => value.is_str(),
    }
}

/// Where somebody lists several, and each has to stand in a table of its own.
fn second(header: &str, count: usize) -> String {
    match header.starts_with("[[") && count > 1 {
        true => format!("; write a second {header} for the next"),
        false => String::new(),
    }
}

fn is_day(text: &str) -> bool {
    text.parse::<toml::value::Datetime>().is_ok_and(|it| it.date.is_some() && it.time.is_none())
}
