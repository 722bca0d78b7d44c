//! What an expression of Ruby comes to, and Ruby's own conversions of it.

use crate::syntax::eval;

#[derive(Debug, Clone, PartialEq)]
pub enum Thing {
    Nil,
    Truth(bool),
    Number(i64),
    Text(String),
    Symbol(String),
    List(Vec<Value>),
    /// Why it is not known, in a few words.
    Unknown(String),
}

pub type Value = eval::Value<Thing>;

impl eval::Thing for Thing {
    fn unknown(why: String) -> Self {
        Thing::Unknown(why)
    }

    fn why(&self) -> Option<&str> {
        match self {
            Thing::Unknown(why) => Some(why),
            _ => None,
        }
    }

    fn is_nothing(&self) -> bool {
        *self == Thing::Nil
    }
}

impl Value {
    /// `value.to_s`, or why it is not known.
    pub fn known(&self) -> Result<String, String> {
        match (&self.thing, self.unless.first()) {
            (Thing::Unknown(why), _) => Err(why.clone()),
            (Thing::Nil, Some(unless)) => Err(format!("it is known only if {unless}")),
            _ => self.string().ok_or_else(|| "it is not a plain value".to_owned()),
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.thing {
            Thing::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<i64> {
        match self.thing {
            Thing::Number(number) => Some(number),
            _ => None,
        }
    }

    /// As a condition; `None` where it is not known.
    pub fn truth(&self) -> Option<bool> {
        match &self.thing {
            Thing::Unknown(_) => None,
            Thing::Nil | Thing::Truth(false) => Some(false),
            _ => Some(true),
        }
    }

    /// `Integer(value)`; `None` where it is not known, or refused.
    pub fn integer(&self) -> Option<i64> {
        match &self.thing {
            Thing::Number(number) => Some(*number),
            Thing::Text(text) => integer_of(text),
            _ => None,
        }
    }

    /// `value.to_s`; `None` where it is not known.
    pub fn string(&self) -> Option<String> {
        Some(match &self.thing {
            Thing::Nil => String::new(),
            Thing::Truth(truth) => truth.to_string(),
            Thing::Number(number) => number.to_string(),
            Thing::Text(text) | Thing::Symbol(text) => text.clone(),
            Thing::List(_) | Thing::Unknown(_) => return None,
        })
    }
}

/// `Integer(text)`: blanks around it, a sign, a radix by its prefix, single underscores between digits.
pub fn integer_of(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = rest.to_ascii_lowercase();
    let (digits, radix) = match lower.as_bytes() {
        [b'0', b'x', ..] => (lower.get(2..)?, 16),
        [b'0', b'b', ..] => (lower.get(2..)?, 2),
        [b'0', b'o', ..] => (lower.get(2..)?, 8),
        [b'0', _, ..] => (lower.get(1..)?, 8),
        _ => (lower.as_str(), 10),
    };
    eval::integer_of(digits, radix).filter(|_| !digits.starts_with(['+', '-'])).map(|number| sign * number)
}

/// `text.to_i`: the digits that it starts with, else 0.
pub fn leading_integer(text: &str) -> i64 {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut number: i64 = 0;
    let mut after_digit = false;
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' => {
                number = number.saturating_mul(10).saturating_add(i64::from(byte - b'0'));
                after_digit = true;
            }
            b'_' if after_digit => after_digit = false,
            _ => break,
        }
    }
    sign * number
}

/// The text of an escape between double quotes.
pub(super) fn unescaped(escape: &str) -> Option<String> {
    Some(match escape.get(1..2)? {
        "n" => "\n".into(),
        "t" => "\t".into(),
        "r" => "\r".into(),
        "0" => "\0".into(),
        "e" => "\u{1b}".into(),
        "s" => " ".into(),
        "\n" => String::new(),
        "x" | "u" => {
            let digits = escape.get(2..)?.trim_matches(['{', '}']);
            u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?.into()
        }
        other => other.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_ruby_reads_them() {
        for (text, number) in [(" 12 ", 12), ("1_000", 1000), ("-5", -5), ("0x10", 16), ("010", 8), ("0", 0)]
        {
            assert_eq!(integer_of(text), Some(number), "{text}");
        }
        for text in ["", "1 2", "12px", "1__0", "_1", "1.5", "--1", "09", "0x"] {
            assert_eq!(integer_of(text), None, "{text}");
        }
        for (text, number) in
            [("12px", 12), ("abc", 0), ("-7.9", -7), ("", 0), ("1_0", 10), ("010", 10), ("+3", 3)]
        {
            assert_eq!(leading_integer(text), number, "{text}");
        }
        assert_eq!(leading_integer(&"9".repeat(40)), i64::MAX);
    }
}
