//! Files that people write for us in TOML: read, and where they do not read, answered in the words of their own format. What is
//! wanted of a key stands in one place, the type that reads it: the schema made of that names the mistake and shows an example.

mod given;
mod held;
mod near;
mod syntax;

use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::de::DeTable;

use super::table::Broken;
use crate::text::{SourceId, Sources, Span};
pub use given::read_given;
use held::Held;
pub use near::{nearest, unknown};

/// As long as an answer may be, in characters.
const LONGEST: usize = 400;

/// What is wrong with a part of a text, and what to write instead.
struct Mistake {
    message: String,
    at: Range<usize>,
}

/// Parses TOML that a person wrote; the error says what to write, and carries the place.
pub fn parse_own<T>(sources: &Sources, source: SourceId) -> Result<T, Broken>
where
    T: for<'de> Deserialize<'de> + JsonSchema,
{
    let broken = |Mistake { message, at }: Mistake| {
        let name = sources.get(source).name().into_owned();
        // A value may be as long as the file.
        let message = match message.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{}...", message.get(..end).unwrap_or_default()),
            None => message,
        };
        Broken { name, message, at: Some(Span::new(source, at)) }
    };
    parsed(sources.bytes(source)).map_err(broken)
}

fn parsed<T>(bytes: &[u8]) -> Result<T, Mistake>
where
    T: for<'de> Deserialize<'de> + JsonSchema,
{
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let message = "this byte is not UTF-8; save the file as UTF-8".to_owned();
        Mistake { message, at: at..bytes.len().min(at + 1) }
    })?;
    let table = DeTable::parse(text).map_err(|error| syntax::mistake(text, &error))?;
    let schema = schemars::schema_for!(T).to_value();
    Held { text, schema: &schema }.file(table.get_ref())?;
    toml::from_str(text)
        .map_err(|error| Mistake { message: error.message().to_owned(), at: error.span().unwrap_or(0..0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Sample {
        /// What it is called. As people say it.
        #[schemars(example = &"web")]
        name: String,
        #[schemars(range(min = 1, max = 65_535), example = 80)]
        port: Option<u16>,
        #[serde(default)]
        #[schemars(example = ["legacy"])]
        exclude: Vec<String>,
        #[serde(default)]
        quick: bool,
        #[serde(default, rename = "part")]
        parts: Vec<Part>,
        one: Option<Part>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Part {
        path: String,
    }

    fn said(text: &str) -> String {
        let mistake = parsed::<Sample>(text.as_bytes()).unwrap_err();
        format!("{}: {}", text.get(mistake.at).unwrap(), mistake.message)
    }

    #[test]
    fn each_mistake_is_answered_with_what_to_write() {
        for (text, answer) in [
            ("name = 5.10\n", "5.10: write it in quotes: name = \"5.10\""),
            ("name = [\"a\"]\n", "[\"a\"]: `name` is one string, not a list: name = \"a\""),
            ("name = \"a\"\nport = \"80\"\n", "\"80\": write it without quotes: port = 80"),
            (
                "name = \"a\"\nport = 70000\n",
                "70000: `port` is a whole number from 1 to 65535, such as port = 80",
            ),
            (
                "name = \"a\"\nport = 80.5\n",
                "80.5: `port` is a whole number from 1 to 65535, such as port = 80",
            ),
            ("name = \"a\"\nexclude = \"b\"\n", "\"b\": write it as a list: exclude = [\"b\"]"),
            ("name = \"a\"\nquick = \"yes\"\n", "\"yes\": `quick` is true or false, without quotes"),
            (
                "name = \"a\"\n[part]\npath = \"b\"\n",
                "[part]: write [[part]], in two pairs of brackets: there may be several",
            ),
            ("name = \"a\"\n[[one]]\npath = \"b\"\n", "[[one]]: write [one], in one pair of brackets"),
            ("port = 1\n", "port = 1: `name` is missing: what it is called, such as name = \"web\""),
            ("", ": the file is empty"),
            (
                "{\"name\": 1}\n",
                "{: this is JSON; the file has to be TOML, with lines such as key = \"value\"",
            ),
        ] {
            assert_eq!(said(text), answer);
        }
    }
}
