//! Where a backlog can be written: the literal that it comes from, or a place for one more argument or property.

use super::eval::Evaluation;
use super::listen::{Given, Promise};
use super::program::Spot;
use super::value::Thing;
use crate::syntax::calls::{Code, Id};
use crate::text::{Slot, Span};

impl Evaluation<'_, '_> {
    /// The literal that a backlog comes from, if it is that very number and is there for nothing else.
    pub(super) fn slot_at(&self, written: &Spot, number: i32, call: &Spot) -> Option<Slot> {
        let code = &self.file(written)?.code;
        let quoted = code.kind(written.node) == "string";
        let mut span = code.span(written.node);
        if quoted {
            span = Span { start: span.start + 1, end: span.end - 1, ..span };
        }
        let text = code.text(written.node).trim_matches(['\'', '"']);
        let here = written.file == call.file && code.contains(call.node, written.node);
        let is_it = text.parse() == Ok(number);
        (is_it && (here || is_for_the_queue(code, written.node))).then(|| Slot::replace(span))
    }

    /// A place for `backlog` in an object literal.
    pub(super) fn slot_in(&self, options: &Spot) -> Option<Slot> {
        let code = &self.file(options)?.code;
        let children: Vec<Id> = code.children(options.node).collect();
        let named = children.iter().filter_map(|child| code.field(*child, "key").or(Some(*child)));
        if code.kind(options.node) != "object"
            || named.into_iter().any(|key| code.text(key).trim_matches(['\'', '"']) == "backlog")
        {
            return None;
        }
        let key = if self.program.is_data(options.file) { "\"backlog\"" } else { "backlog" };
        let span = code.span(options.node);
        let Some(last) = children.last() else {
            let at = Span { start: span.start + 1, ..span };
            return Some(Slot::insert(at, format!(" {key}: "), " "));
        };
        let (gap, last) = (gap(code, options.node, *last), code.span(*last));
        let written = code.text(options.node);
        let rest = written.get((last.end - span.start) as usize..).unwrap_or_default();
        let remark = rest.trim_start_matches([',', ' ', '\t']).starts_with('/');
        // A remark behind the last property speaks of that one, and stays behind it.
        Some(match remark {
            true => Slot::insert(last, format!("{key}: "), format!(",{gap}")),
            false => Slot::insert(Span { start: last.end, ..span }, format!(",{gap}{key}: "), ""),
        })
    }

    /// A place for one more argument: after the port, or after the host if there is one.
    pub(super) fn slot_for_arguments(&self, call: &Spot, given: &[Given]) -> Option<Slot> {
        let code = &self.file(call)?.code;
        let Some(first) = given.first().filter(|first| !self.is_callback(first)) else {
            let arguments = code.span(code.field(call.node, "arguments")?);
            let after = if given.is_empty() { "" } else { ", " };
            return Some(Slot::insert(Span { start: arguments.start + 1, ..arguments }, "0, ", after));
        };
        let last = match given.get(1) {
            None => first,
            Some(second) if second.is_function() => first,
            Some(second) => match (&second.value.thing, self.promise(second)) {
                (Thing::Text(_) | Thing::Undefined | Thing::Null, _) => second,
                (Thing::Unknown { .. }, Promise::Function) => first,
                (Thing::Unknown { .. }, Promise::Host) => second,
                (Thing::Unknown { .. }, _) if given.len() > 2 => second,
                // A number that does not count stands where the backlog belongs, or it may be a callback.
                _ => return None,
            },
        };
        // Anything but a callback after it was put there for something.
        let next = given.iter().position(|it| it.at.is_at(&last.at)).and_then(|index| given.get(index + 1));
        let unclear = given.iter().any(|it| code.kind(it.at.node) == "spread_element")
            || next.is_some_and(|next| next.value.is_known() && !next.is_function());
        let span = code.span(last.at.node);
        (!unclear && last.at.file == call.file)
            .then(|| Slot::insert(Span { start: span.end, ..span }, ", ", ""))
    }
}

/// What stands between the properties of a literal: a blank, or a new line with its indentation.
fn gap(code: &Code<'_>, object: Id, last: Id) -> String {
    let before = (code.span(last).start - code.span(object).start) as usize;
    let text = code.text(object).get(..before).unwrap_or_default();
    let blank = text.len() - text.trim_end().len();
    match text.get(text.len() - blank..) {
        Some(gap) if gap.contains('\n') => gap.to_owned(),
        _ => " ".to_owned(),
    }
}

/// A number is there for the queue alone if its name says so, or if the name is used once.
fn is_for_the_queue(code: &Code<'_>, literal: Id) -> bool {
    let owner = code.ancestors(literal).find_map(|node| {
        let role = match code.kind(node) {
            "variable_declarator" | "enum_assignment" | "public_field_definition" | "method_definition" => {
                "name"
            }
            "pair" => "key",
            "field_definition" => "property",
            "assignment_expression"
            | "augmented_assignment_expression"
            | "assignment_pattern"
            | "object_assignment_pattern" => "left",
            "required_parameter" | "optional_parameter" => "pattern",
            "arguments" => return Some(None),
            _ => return None,
        };
        Some(code.field(node, role))
    });
    let Some(Some(name)) = owner else { return owner.is_some() };
    let name = code.text(name);
    let spoken = name.to_ascii_lowercase();
    let is_leaf = |node: Id| code.children(node).next().is_none();
    let uses = || code.all().filter(|node| is_leaf(*node) && code.text(*node) == name).take(3).count();
    spoken.contains("backlog") || spoken.contains("queue") || uses() <= 2
}
