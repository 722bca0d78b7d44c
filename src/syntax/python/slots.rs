//! Where a number can be written: the literal that it comes from, or a place for one more argument, attribute or statement.

use super::Python;
use crate::syntax::calls::{Code, Id};
use crate::text::{Slot, Span};

/// The literal that a backlog comes from, if it is in this file, is that very number and is there for nothing else.
pub fn of_literal(python: &Python<'_>, written: Span, call: Id) -> Option<Slot> {
    let code = &python.code;
    let literal = code.at(written)?;
    (code.contains(call, literal) || is_for_the_queue(code, literal)).then(|| Slot::replace(written))
}

/// A place for `backlog=` behind the last argument of a call, or for the only argument where it goes without a name.
pub fn for_argument(code: &Code<'_>, call: Id, name: Option<&str>) -> Option<Slot> {
    let list = code.field(call, "arguments").filter(|list| code.kind(*list) == "argument_list")?;
    let written = name.map_or(String::new(), |name| format!("{name}="));
    let span = code.span(list);
    match code.last_child(list) {
        None => Some(Slot::insert(Span { start: span.start + 1, ..span }, written, "")),
        Some(_) if name.is_none() => None,
        Some(last) => {
            let last = code.span(last);
            Some(Slot::insert(Span { start: last.end, ..last }, format!(", {written}"), ""))
        }
    }
}

/// A place for an attribute at the start of a class, behind what is said about it.
pub fn for_attribute(python: &Python<'_>, class: Id, name: &str) -> Option<Slot> {
    let code = &python.code;
    let body = code.field(class, "body")?;
    let first = code.children(body).next()?;
    let span = code.span(first);
    let gap = gap(python, class, span)?;
    let is_text = code.kind(first) == "expression_statement"
        && code.children(first).next().is_some_and(|inner| code.kind(inner) == "string");
    Some(match is_text {
        true => Slot::insert(Span { start: span.end, ..span }, format!("{gap}{name} = "), ""),
        false => Slot::insert(span, format!("{name} = "), gap),
    })
}

/// A place for a statement behind the one that makes an instance: `config.backlog = `.
pub fn behind_statement(python: &Python<'_>, made: Id, name: &str) -> Option<Slot> {
    let code = &python.code;
    let assignment = code.parent(made).filter(|parent| code.kind(*parent) == "assignment")?;
    let target = code.field(assignment, "left").filter(|left| code.kind(*left) == "identifier")?;
    let statement = code.parent(assignment).filter(|parent| code.kind(*parent) == "expression_statement")?;
    let span = code.span(statement);
    let gap = gap(python, code.parent(statement)?, span)?;
    let before = format!("{gap}{}.{name} = ", code.text(target));
    Some(Slot::insert(Span { start: span.end, ..span }, before, ""))
}

/// The line break and the indentation before a statement; nothing where it shares its line.
fn gap(python: &Python<'_>, outer: Id, statement: Span) -> Option<String> {
    let code = &python.code;
    let whole = code.span(outer);
    let before =
        code.text_of(Span { start: whole.start.min(statement.start), end: statement.start, ..statement });
    let line = before.rfind('\n').map(|at| before.get(at + 1..).unwrap_or_default());
    match line {
        Some(indent) if indent.trim().is_empty() => Some(format!("\n{indent}")),
        Some(_) => None,
        // The block starts with the statement: its indentation is on the line that it starts on.
        None => {
            let start = code.text_of(Span { start: 0, end: statement.start, ..statement });
            let indent = start.rsplit('\n').next().unwrap_or_default();
            indent.trim().is_empty().then(|| format!("\n{indent}"))
        }
    }
}

/// A number is there for the queue alone if its name says so, or if the name is used once.
fn is_for_the_queue(code: &Code<'_>, literal: Id) -> bool {
    let owner = code.ancestors(literal).find_map(|node| {
        let role = match code.kind(node) {
            "assignment" => "left",
            "keyword_argument" | "default_parameter" | "typed_default_parameter" => "name",
            "pair" => "key",
            "argument_list" | "block" | "module" => return Some(None),
            _ => return None,
        };
        Some(code.field(node, role))
    });
    let Some(Some(name)) = owner else { return owner.is_some() };
    let name = code.text(name).trim_matches(['\'', '"']);
    let last = name.rsplit('.').next().unwrap_or(name);
    let spoken = last.to_ascii_lowercase();
    let uses =
        || code.all().filter(|id| code.kind(*id) == "identifier" && code.text(*id) == last).take(3).count();
    spoken.contains("backlog") || spoken.contains("queue") || uses() <= 2
}
