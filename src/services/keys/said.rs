//! What somebody says of a setting, where it stands, and the numbers that such texts are to programs.

use super::super::Why;
use crate::knowledge::keys::{Digits, Number};
use crate::model::Text;
use crate::text::Span;

/// One value as it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Text(String),
    Number(i64),
    Truth(bool),
    /// What it is, where no setting of ours takes it: `10.5`.
    Other(String),
    /// The text as far as it is known, and why it is not.
    Open(String, String),
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) said: Said,
    pub(super) at: Span,
    /// The text at the span is the value.
    pub(super) exact: bool,
}

/// All that counts of what is said of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// By what: `--backlog`, `UVICORN_BACKLOG`, a key.
    pub(super) by: String,
    pub(super) values: Vec<Written>,
    /// Among numbers of its own a file's text may be no number.
    pub(super) typed: bool,
    pub(super) default: bool,
}

impl Written {
    /// The last bytes of a word: the value of `--backlog=5`.
    pub(super) fn tail(word: &Text, text: &str) -> Self {
        let tail = word.tail(text.len());
        let template = is_template(text);
        let said = match word.is_open() || template {
            true if template => Said::Open(text.to_owned(), format!("a template fills in {text}")),
            true => Said::Open(text.to_owned(), Why::Elsewhere(text.to_owned()).to_string()),
            false => Said::Text(text.to_owned()),
        };
        let exact = tail.exact().is_some() && matches!(said, Said::Text(_));
        Self { said, at: tail.span(), exact }
    }

    pub(super) fn truth(at: Span, is: bool) -> Self {
        Self { said: Said::Truth(is), at, exact: false }
    }

    /// The text that it is to a program; `None` where it is not known.
    pub(super) fn text(&self) -> Option<String> {
        match &self.said {
            Said::Text(text) | Said::Other(text) => Some(text.clone()),
            Said::Number(number) => Some(number.to_string()),
            Said::Truth(is) => Some(is.to_string()),
            Said::Open(..) => None,
        }
    }
}

/// Jinja, Go, ERB and the like put the value there.
pub(super) fn is_template(text: &str) -> bool {
    ["{{", "{%", "<%"].iter().any(|mark| text.contains(mark))
}

/// A number as a program takes it, and what it was before the program changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) number: i64,
    pub(super) was: i64,
}

impl Told {
    /// The last value as a number: `None` where it is not known, an error where the program refuses it.
    pub(super) fn number(&self, rules: &Number) -> Option<Result<Taken, String>> {
        let value = self.values.last()?;
        let digits = if self.typed { rules.file_text.unwrap_or(rules.text) } else { rules.text };
        let parsed = match &value.said {
            Said::Open(..) => return None,
            Said::Number(number) => Some(*number),
            Said::Truth(is) => Some(i64::from(*is)),
            Said::Text(text) => parse(text, digits),
            Said::Other(_) => None,
        };
        let shown = value.text().unwrap_or_default();
        let Some(was) = parsed else { return Some(Err(format!("`{shown}` is not taken for a number"))) };
        let outside =
            rules.least.is_some_and(|least| was < least) || rules.most.is_some_and(|most| was > most);
        if outside {
            return Some(Err(format!("{was} is refused")));
        }
        let number = rules.negative.filter(|_| was < 0).unwrap_or(was);
        Some(Ok(Taken { number, was }))
    }

    /// The span of the value that counts.
    pub(super) fn at(&self) -> Option<Span> {
        self.values.last().map(|value| value.at)
    }
}

fn parse(text: &str, digits: Digits) -> Option<i64> {
    match digits {
        Digits::Decimal => text.parse().ok(),
        Digits::Int => python(text, 10),
        Digits::IntAnyBase => {
            let (sign, bare) = match text.trim().strip_prefix('-') {
                Some(bare) => ("-", bare),
                None => ("", text.trim().trim_start_matches('+')),
            };
            let lower = bare.to_ascii_lowercase();
            let bases = [("0x", 16), ("0o", 8), ("0b", 2)];
            match bases.iter().find_map(|(start, base)| Some((lower.strip_prefix(start)?, *base))) {
                Some((rest, base)) => python(&format!("{sign}{}", rest.trim_start_matches('_')), base),
                // Python takes a leading 0 only where nothing but 0 follows.
                None if lower.starts_with('0') && lower.contains(|c| ('1'..='9').contains(&c)) => None,
                None => python(text, 10),
            }
        }
        Digits::Atoi => {
            let text = text.trim_start();
            let digits = text.trim_start_matches(['+', '-']);
            let sign = text.len() - digits.len();
            let end = digits.len() - digits.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let number = text.get(..sign + end).filter(|_| sign < 2 && end > 0);
            Some(number.map_or(0, |number| number.parse().unwrap_or(i64::MAX)))
        }
        Digits::Refused => None,
    }
}

/// Python's `int(text, base)`: blanks round it, a sign, single underscores between digits.
fn python(text: &str, base: u32) -> Option<i64> {
    let text = text.trim();
    let bare = text.strip_prefix(['+', '-']).unwrap_or(text);
    let odd = bare.starts_with(['_', '+', '-']) || bare.ends_with('_') || bare.contains("__");
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    if odd {
        return None;
    }
    match i64::from_str_radix(&digits, base) {
        Ok(number) => Some(number),
        // More than 64 bits is a number all the same, and refused as one.
        Err(error) => match error.kind() {
            std::num::IntErrorKind::PosOverflow => Some(i64::MAX),
            std::num::IntErrorKind::NegOverflow => Some(i64::MIN),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_they_are_to_the_program() {
        let int = |text| parse(text, Digits::Int);
        assert_eq!(
            [int(" 1_000 "), int("-1"), int("1__0"), int("0x10"), int("")],
            [Some(1000), Some(-1), None, None, None]
        );
        let any = |text| parse(text, Digits::IntAnyBase);
        assert_eq!(
            [any("0x100"), any("-0o17"), any("010"), any("00"), any("12")],
            [Some(256), Some(-15), None, Some(0), Some(12)]
        );
        let atoi = |text| parse(text, Digits::Atoi);
        assert_eq!([atoi("2k"), atoi("-3 "), atoi("k"), atoi("--1")], [Some(2), Some(-3), Some(0), Some(0)]);
        assert_eq!(int("99999999999999999999"), Some(i64::MAX));
    }
}
