//! Attributes as they reach a component of Tomcat: which setter they call, and what Java makes of their text.

use super::super::{Bound, Why};
use super::Instance;
use super::properties::Filled;
use crate::syntax::java::integer;
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
                _ if filled.text.is_open() => found = Number::Open(attribute),
                (Some(number), _) => found = Number::Known(number, attribute.value.span()),
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

/// An address with a placeholder that nothing in the tree fills in.
pub(super) fn elsewhere(attribute: &Attribute) -> Bound {
    Why::Elsewhere(attribute.value.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_letter_may_differ() {
        assert!(is_setter("acceptCount", "acceptCount"));
        assert!(is_setter("AcceptCount", "acceptCount"));
        for name in ["acceptcount", "ACCEPTCOUNT", "x:acceptCount", "", "éacceptCount"] {
            assert!(!is_setter(name, "acceptCount"), "{name}");
        }
    }
}
