//! What an expression comes to, as far as the files tell, and JavaScript's own conversions of it.

use super::program::{FileId, Spot};
use super::servers::Listens;
use crate::text::Span;

#[derive(Debug, Clone)]
pub(super) enum Thing {
    Number(f64),
    Text(String),
    Truth(bool),
    Null,
    Undefined,
    Object(Spot),
    Array(Spot),
    Function(Spot),
    Class(Spot),
    Instance(Spot),
    /// A file of the program, as what it exports.
    File(FileId),
    /// A module of Node or a package, by its name without `node:`.
    Module(String),
    /// Something that a module exports: its module and its name.
    Export(String, String),
    /// `process.env`: who starts the program says what is in it.
    Environment,
    /// `process.argv` without so many of its first elements.
    Arguments(usize),
    Server(Server),
    /// The method of a server that makes it listen.
    Listen(Server),
    /// A function or an object of a package or of the language; it is not looked into.
    Foreign,
    /// Why it is not known, in a few words; `plain` if it is one of several numbers or texts all the same, and the objects
    /// that it may be.
    Unknown {
        why: String,
        plain: bool,
        may_be: Vec<Spot>,
    },
}

/// A server, and the call that makes it.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub listens: Listens,
    pub made: Spot,
}

#[derive(Debug, Clone)]
pub(super) struct Value {
    pub thing: Thing,
    /// The literal that it is.
    pub written: Option<Spot>,
    /// The place outside of the program that it is, where that alone starts it.
    pub started: Option<Span>,
    /// What would make it another value: `PORT is set in the environment`. It is taken as not so.
    pub unless: Vec<String>,
}

impl From<Thing> for Value {
    fn from(thing: Thing) -> Self {
        Self { thing, written: None, started: None, unless: Vec::new() }
    }
}

impl Value {
    pub(super) fn unknown(why: impl Into<String>) -> Self {
        Thing::Unknown { why: why.into(), plain: false, may_be: Vec::new() }.into()
    }

    /// One of several values, and why it is not known which.
    pub(super) fn one_of(values: &[Value], why: impl Into<String>) -> Self {
        let may_be = values.iter().flat_map(Value::objects).cloned().collect();
        Thing::Unknown { why: why.into(), plain: values.iter().all(Value::is_plain), may_be }.into()
    }

    /// The objects that it is or may be.
    pub(super) fn objects(&self) -> &[Spot] {
        match &self.thing {
            Thing::Object(made) => std::slice::from_ref(made),
            Thing::Unknown { may_be, .. } => may_be,
            _ => &[],
        }
    }

    pub(super) fn is_plain(&self) -> bool {
        matches!(self.thing, Thing::Number(_) | Thing::Text(_))
    }

    pub(super) fn literal(thing: Thing, at: &Spot) -> Self {
        Self { written: Some(at.clone()), ..thing.into() }
    }

    /// Another thing that was made of this one.
    pub(super) fn becomes(self, thing: Thing) -> Self {
        Self { thing, ..self }
    }

    pub(super) fn and_unless(mut self, more: &[String]) -> Self {
        for reason in more {
            if !self.unless.contains(reason) {
                self.unless.push(reason.clone());
            }
        }
        self
    }

    pub(super) fn is_nothing(&self) -> bool {
        matches!(self.thing, Thing::Undefined | Thing::Null)
    }

    pub(super) fn is_known(&self) -> bool {
        !matches!(self.thing, Thing::Unknown { .. })
    }

    /// As a condition; `None` where it is not known.
    pub(super) fn truth(&self) -> Option<bool> {
        Some(match &self.thing {
            Thing::Unknown { .. } | Thing::Export(..) | Thing::Foreign => return None,
            Thing::Undefined | Thing::Null => false,
            Thing::Truth(truth) => *truth,
            Thing::Number(number) => *number != 0.0 && !number.is_nan(),
            Thing::Text(text) => !text.is_empty(),
            _ => true,
        })
    }

    /// As a condition that nothing outside can make another.
    pub(super) fn sure_truth(&self) -> Option<bool> {
        self.truth().filter(|_| self.unless.is_empty())
    }

    /// `Number(value)`; `None` where it is not known.
    pub(super) fn number(&self) -> Option<f64> {
        Some(match &self.thing {
            Thing::Unknown { .. } | Thing::Export(..) | Thing::Array(_) => return None,
            Thing::Number(number) => *number,
            Thing::Text(text) => number_of(text),
            Thing::Null => 0.0,
            Thing::Truth(truth) => f64::from(u8::from(*truth)),
            _ => f64::NAN,
        })
    }

    /// `String(value)` of a plain value.
    pub(super) fn string(&self) -> Option<String> {
        Some(match &self.thing {
            Thing::Text(text) => text.clone(),
            Thing::Number(number) if number.is_finite() => number.to_string(),
            Thing::Truth(truth) => truth.to_string(),
            Thing::Null => "null".into(),
            Thing::Undefined => "undefined".into(),
            _ => return None,
        })
    }

    /// The same plain value, or the same kind of server.
    pub(super) fn same(&self, other: &Value) -> bool {
        match (&self.thing, &other.thing) {
            (Thing::Number(a), Thing::Number(b)) => a == b,
            (Thing::Text(a), Thing::Text(b)) => a == b,
            (Thing::Truth(a), Thing::Truth(b)) => a == b,
            (Thing::Undefined, Thing::Undefined) | (Thing::Null, Thing::Null) => true,
            (Thing::Server(a), Thing::Server(b)) | (Thing::Listen(a), Thing::Listen(b)) => {
                a.listens == b.listens
            }
            (Thing::Function(a), Thing::Function(b))
            | (Thing::Object(a), Thing::Object(b))
            | (Thing::Array(a), Thing::Array(b))
            | (Thing::Class(a), Thing::Class(b))
            | (Thing::Instance(a), Thing::Instance(b)) => a.is_at(b),
            // http, https and http2 make servers that listen alike.
            (Thing::Module(a), Thing::Module(b)) => {
                a == b || (a.starts_with("http") && b.starts_with("http"))
            }
            (Thing::Export(a, name), Thing::Export(b, other)) => {
                name == other && (a == b || (a.starts_with("http") && b.starts_with("http")))
            }
            (Thing::File(a), Thing::File(b)) => a == b,
            _ => false,
        }
    }
}

/// One value of several that may be assigned: nothing gives way to something, everything gives way to a server (what a
/// server is made of may be kept under its name before), and different ones are unknown.
pub(super) fn agreed(mut values: Vec<Value>, what: &str) -> Option<Value> {
    let unless: Vec<String> = values.iter().flat_map(|value| value.unless.clone()).collect();
    if values.iter().any(|value| !value.is_nothing()) {
        values.retain(|value| !value.is_nothing());
    }
    if values.iter().any(|value| matches!(value.thing, Thing::Server(_))) {
        values.retain(|value| matches!(value.thing, Thing::Server(_)));
    }
    if let Some(unknown) = values.iter().find(|value| !value.is_known()) {
        let mut unknown = unknown.clone();
        if let Thing::Unknown { may_be, .. } = &mut unknown.thing {
            *may_be = values.iter().flat_map(Value::objects).cloned().collect();
        }
        return Some(unknown);
    }
    let first = values.first()?.clone();
    Some(match values.iter().skip(1).all(|other| first.same(other)) {
        true => first.and_unless(&unless),
        false => Value::one_of(&values, format!("`{what}` is assigned in more than one place")),
    })
}

/// ECMAScript's StringToNumber: blanks around it are nothing, and no digits at all are 0.
pub(super) fn number_of(text: &str) -> f64 {
    let text = text.trim();
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).map_or(f64::NAN, |n| n as f64);
    match text.get(..2).unwrap_or_default() {
        "0x" | "0X" => radix(text.get(2..).unwrap_or_default(), 16),
        "0o" | "0O" => radix(text.get(2..).unwrap_or_default(), 8),
        "0b" | "0B" => radix(text.get(2..).unwrap_or_default(), 2),
        _ if text.is_empty() => 0.0,
        _ if text.chars().all(|char| char.is_ascii_digit() || "+-.eE".contains(char)) => {
            text.parse().unwrap_or(f64::NAN)
        }
        _ => f64::NAN,
    }
}

/// `parseInt(text, 10)`, and `parseInt(text, 16)` for `0x`.
pub(super) fn leading_integer(text: &str) -> f64 {
    let text = text.trim_start();
    if text.starts_with("0x") || text.starts_with("0X") {
        return number_of(text);
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.find(|char: char| !char.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end).and_then(|digits| digits.parse::<f64>().ok()).map_or(f64::NAN, |number| sign * number)
}

/// ECMAScript's ToInt32, which V8's `Int32Value` is: what becomes of the backlog on its way to listen(2).
pub(super) fn to_int32(number: f64) -> i32 {
    if !number.is_finite() {
        return 0;
    }
    let wrapped = number.trunc().rem_euclid(4_294_967_296.0);
    // Below 2^32 by the remainder, so the cast keeps every bit.
    (wrapped as u32).cast_signed()
}

/// A number as it is written in a program; a BigInt is none.
pub(super) fn number_literal(text: &str) -> Option<f64> {
    let plain = text.replace('_', "");
    let old_octal =
        plain.len() > 1 && plain.starts_with('0') && plain.bytes().all(|b| (b'0'..=b'7').contains(&b));
    let number = match plain.get(1..).filter(|_| old_octal) {
        Some(digits) => u64::from_str_radix(digits, 8).map_or(f64::NAN, |n| n as f64),
        None => number_of(&plain),
    };
    (!number.is_nan()).then_some(number)
}

/// The text of a string literal, its escapes undone.
pub(super) fn unescaped(inner: &str) -> String {
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            text.push(char);
            continue;
        }
        match chars.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('0') => text.push('\0'),
            Some('x') => text.extend(code_point(&mut chars, 2)),
            Some('u') => text.extend(code_point(&mut chars, 4)),
            Some('\n') | None => {}
            Some(other) => text.push(other),
        }
    }
    text
}

fn code_point(chars: &mut std::str::Chars<'_>, digits: usize) -> Option<char> {
    let braces = chars.as_str().starts_with('{');
    let hex: String = if braces {
        chars.by_ref().skip(1).take_while(|char| *char != '}').collect()
    } else {
        chars.by_ref().take(digits).collect()
    };
    u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_javascript_reads_them() {
        for (text, number) in [("", 0.0), (" 12 ", 12.0), ("0x10", 16.0), ("1e3", 1000.0), ("-5", -5.0)] {
            assert_eq!(number_of(text), number, "{text}");
        }
        for text in ["1 2", "12px", "inf", "nan", "0x", "1_000", "-0x10"] {
            assert!(number_of(text).is_nan(), "{text}");
        }
        assert_eq!(leading_integer(" 12px"), 12.0);
        assert_eq!(leading_integer("-7.9"), -7.0);
        assert!(leading_integer("px").is_nan());
        assert_eq!(number_literal("1_024"), Some(1024.0));
        assert_eq!(number_literal("0777"), Some(511.0));
        assert_eq!(number_literal("10n"), None);
    }

    #[test]
    fn thirty_two_bits_as_v8_cuts_them() {
        for (number, cut) in [
            (511.9, 511),
            (0.5, 0),
            (-5.0, -5),
            (4_294_967_297.0, 1),
            (2_147_483_648.0, i32::MIN),
            (f64::INFINITY, 0),
            (f64::NAN, 0),
        ] {
            assert_eq!(to_int32(number), cut, "{number}");
        }
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(unescaped(r"a\x41\u{42}\u0043\n\\\'"), "aABC\n\\'");
    }
}
