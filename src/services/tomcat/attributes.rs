//! Attributes as they reach a component of Tomcat: which setter they call, and what Java makes of their text.

use super::Instance;
use super::properties::Filled;
use crate::model::Step;
use crate::syntax::xml::{Attribute, Element};
use crate::text::Span;

/// A whole number, as the last setter that took one left it.
pub(super) enum Number<'e> {
    Known(i64, Span),
    /// Something outside the tree fills it in.
    Open(&'e Attribute),
    /// Only values that Java refuses.
    Bad(&'e Attribute),
    Unset,
}

impl Instance<'_> {
    /// The attributes that reach the setter of a property, in order, with their placeholders filled in.
    pub(super) fn setters<'e>(
        &self,
        element: &'e Element,
        property: &str,
    ) -> impl Iterator<Item = (&'e Attribute, Filled)> {
        let attributes = element.attributes.iter().filter(move |found| is_setter(&found.name, property));
        attributes.map(|attribute| (attribute, self.properties.fill(&attribute.value)))
    }

    pub(super) fn last<'e>(&self, element: &'e Element, property: &str) -> Option<(&'e Attribute, Filled)> {
        self.setters(element, property).last()
    }

    pub(super) fn boolean(&self, element: &Element, property: &str) -> Option<bool> {
        // java.lang.Boolean.valueOf.
        self.last(element, property).map(|(_, filled)| filled.text.eq_ignore_ascii_case("true"))
    }

    /// A value that Java refuses leaves the one before it.
    pub(super) fn integer<'e>(&self, element: &'e Element, property: &str) -> Number<'e> {
        let mut found = Number::Unset;
        for (attribute, filled) in self.setters(element, property) {
            match (integer(&filled.text), &found) {
                _ if filled.open => found = Number::Open(attribute),
                (Some(number), _) => found = Number::Known(number, attribute.at),
                (None, Number::Unset) => found = Number::Bad(attribute),
                _ => {}
            }
        }
        found
    }
}

/// Tomcat calls the setter with this name, and makes only its first letter a capital (IntrospectionUtils.setProperty).
pub(super) fn is_setter(attribute: &str, property: &str) -> bool {
    let first = |name: &str| name.chars().next().map(|first| first.to_ascii_uppercase());
    first(attribute) == first(property) && attribute.get(1..) == property.get(1..)
}

/// For what cannot be known: a placeholder that nothing in the tree fills in.
pub(super) fn open(attribute: &Attribute) -> Step {
    let what = format!("{}=\"{}\" is filled in elsewhere", attribute.name, attribute.value);
    Step { value: None, what, at: attribute.at }
}

/// java.lang.Integer.valueOf: a sign and decimal digits, nothing else; digits of other scripts count too.
pub(super) fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut number = digits.chars().next().map(|_| 0_i64)?;
    for c in digits.chars() {
        number = number.checked_mul(10)?.checked_add(digit(c)?)?;
    }
    let number = if negative { -number } else { number };
    i32::try_from(number).ok().map(i64::from)
}

/// java.lang.Character.digit, for the scripts that people type numbers in.
fn digit(c: char) -> Option<i64> {
    const ZEROS: [char; 5] = ['0', '\u{660}', '\u{6F0}', '\u{966}', '\u{FF10}'];
    ZEROS.iter().find_map(|zero| {
        let digit = u32::from(c).checked_sub(u32::from(*zero))?;
        (digit < 10).then_some(i64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sign_and_digits_make_a_number() {
        for (text, number) in [
            ("300", 300),
            ("+300", 300),
            ("-300", -300),
            ("0512", 512),
            ("-0", 0),
            ("２１", 21),
            ("2147483647", 2147483647),
            ("-2147483648", -2147483648),
        ] {
            assert_eq!(integer(text), Some(number), "{text}");
        }
        let refused = ["", "+", "-", " 7", "7 ", "7k", "0x10", "1_000", "2147483648", "- 5", "--5", "7.0"];
        for text in refused.into_iter().chain(["99999999999999999999"]) {
            assert_eq!(integer(text), None, "{text:?}");
        }
    }

    #[test]
    fn only_the_first_letter_may_differ() {
        assert!(is_setter("acceptCount", "acceptCount"));
        assert!(is_setter("AcceptCount", "acceptCount"));
        for name in ["acceptcount", "ACCEPTCOUNT", "x:acceptCount", "", "éacceptCount"] {
            assert!(!is_setter(name, "acceptCount"), "{name}");
        }
    }
}
