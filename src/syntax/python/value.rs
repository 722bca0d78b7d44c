//! What an expression comes to, as far as the files tell, and Python's own conversions of it.

use std::rc::Rc;

use crate::syntax::calls::Id;
use crate::syntax::eval;
use crate::text::SourceId;

#[derive(Debug, Clone, PartialEq)]
pub enum Thing {
    None,
    Truth(bool),
    Number(i64),
    Real(f64),
    Text(String),
    /// A list or a tuple.
    List(Vec<Value>),
    /// A dictionary all of whose keys are texts.
    Dict(Vec<(String, Value)>),
    /// What an import gives, by its full name: `socket.SOMAXCONN`.
    Named(String),
    /// What a call makes: an instance of a class.
    Made(Rc<Made>),
    /// A function of the program.
    Function(Spot),
    /// A class of the program.
    Class(Spot),
    /// The variables of the environment, `os.environ`.
    Environment,
    /// Why it is not known, in a few words.
    Unknown(String),
}

/// A node of one of the program's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot {
    pub source: SourceId,
    pub node: Id,
}

/// An instance, and the call that makes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    pub call: Spot,
    /// What is called: an imported name, or a class of the program.
    pub class: Value,
    /// The imported classes that it is one of, by their full names, the nearest first.
    pub kinds: Vec<String>,
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
        *self == Thing::None
    }

    /// The same plain value, or instances of the same imported class.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Thing::Made(one), Thing::Made(other)) => !one.kinds.is_empty() && one.kinds == other.kinds,
            (Thing::List(a), Thing::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.thing.is_like(&b.thing))
            }
            _ => self == other,
        }
    }
}

impl Value {
    pub fn text(&self) -> Option<&str> {
        match &self.thing {
            Thing::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number as it is; `True` counts as 1.
    pub fn number(&self) -> Option<i64> {
        match self.thing {
            Thing::Number(number) => Some(number),
            Thing::Truth(truth) => Some(i64::from(truth)),
            _ => None,
        }
    }

    /// The full name of what an import gives.
    pub fn name(&self) -> Option<&str> {
        match &self.thing {
            Thing::Named(name) => Some(name),
            _ => None,
        }
    }

    /// As a condition; `None` where it is not known.
    pub fn truth(&self) -> Option<bool> {
        Some(match &self.thing {
            Thing::Unknown(_) | Thing::Named(_) | Thing::Made(_) | Thing::Environment => return None,
            Thing::None => false,
            Thing::Truth(truth) => *truth,
            Thing::Number(number) => *number != 0,
            Thing::Real(number) => *number != 0.0,
            Thing::Text(text) => !text.is_empty(),
            Thing::List(items) => !items.is_empty(),
            Thing::Dict(items) => !items.is_empty(),
            Thing::Function(_) | Thing::Class(_) => true,
        })
    }

    /// `int(value)`; `None` where it is not known, or refused.
    pub fn integer(&self) -> Option<i64> {
        match &self.thing {
            Thing::Number(number) => Some(*number),
            Thing::Truth(truth) => Some(i64::from(*truth)),
            Thing::Real(number) if number.abs() < 9e15 => Some(number.trunc() as i64),
            Thing::Text(text) => integer_of(text),
            _ => None,
        }
    }

    /// `str(value)` of a plain value.
    pub fn string(&self) -> Option<String> {
        Some(match &self.thing {
            Thing::Text(text) => text.clone(),
            Thing::Number(number) => number.to_string(),
            Thing::Truth(true) => "True".into(),
            Thing::Truth(false) => "False".into(),
            Thing::None => "None".into(),
            _ => return None,
        })
    }
}

/// `int(text)`.
pub fn integer_of(text: &str) -> Option<i64> {
    eval::integer_of(text, 10)
}

/// A number as it is written in a program.
pub(super) fn integer_literal(text: &str) -> Option<i64> {
    let plain = text.replace('_', "").to_ascii_lowercase();
    let radix = |digits: &str, radix| i64::from_str_radix(digits, radix).ok();
    match plain.get(..2).unwrap_or_default() {
        "0x" => radix(plain.get(2..)?, 16),
        "0o" => radix(plain.get(2..)?, 8),
        "0b" => radix(plain.get(2..)?, 2),
        _ => plain.parse().ok(),
    }
}

/// The character that an escape stands for; nothing for the end of a line.
pub(super) fn unescaped(escape: &str) -> Option<String> {
    let digits = |from: usize, radix| {
        let code = u32::from_str_radix(escape.get(from..)?, radix).ok()?;
        char::from_u32(code).map(String::from)
    };
    match escape.get(1..2)? {
        "n" => Some("\n".into()),
        "t" => Some("\t".into()),
        "r" => Some("\r".into()),
        "\n" | "\r" => Some(String::new()),
        "x" | "u" | "U" => digits(2, 16),
        "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" => digits(1, 8),
        other @ ("\\" | "'" | "\"") => Some(other.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_python_reads_them() {
        for (text, number) in [(" 12 ", 12), ("1_000", 1000), ("-5", -5), ("007", 7)] {
            assert_eq!(integer_of(text), Some(number), "{text}");
        }
        for text in ["", "1 2", "12px", "0x10", "1__0", "_1", "1.5", "--1"] {
            assert_eq!(integer_of(text), None, "{text}");
        }
        for (text, number) in [("0x1_00", 256), ("0b11", 3), ("0o17", 15), ("1_024", 1024)] {
            assert_eq!(integer_literal(text), Some(number), "{text}");
        }
        assert_eq!(integer_literal("10j"), None);
    }

    #[test]
    fn escapes_are_undone() {
        for (escape, text) in [("\\n", "\n"), ("\\x41", "A"), ("\\u0042", "B"), ("\\0", "\0"), ("\\\n", "")] {
            assert_eq!(unescaped(escape).as_deref(), Some(text));
        }
        assert_eq!(unescaped("\\N{DASH}"), None);
    }
}
