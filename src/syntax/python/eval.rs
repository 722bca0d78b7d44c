//! Expressions of Python, one kind of node after the other.

use super::value::{integer_literal, unescaped};
use super::{Reading, Thing, Value};
use crate::syntax::calls::Id;
use crate::syntax::startup::Answer;
use crate::text::{Span, larger};

/// The longest text that is put together, in bytes. Addresses and paths are far below.
pub(super) const MAX_TEXT: usize = 1 << 12;

impl Reading<'_, '_> {
    pub(super) fn expression(&self, at: Id) -> Value {
        let code = self.code();
        match code.kind(at) {
            "integer" => match integer_literal(code.text(at)) {
                Some(number) => Value::literal(Thing::Number(number), code.span(at)),
                None => self.unknown(at),
            },
            "float" => match code.text(at).replace('_', "").parse() {
                Ok(number) => Value::literal(Thing::Real(number), code.span(at)),
                Err(_) => self.unknown(at),
            },
            "string" => self.string(at),
            "concatenated_string" => self.concatenated(at),
            "true" => Thing::Truth(true).into(),
            "false" => Thing::Truth(false).into(),
            "none" => Thing::None.into(),
            "identifier" => self.name(at),
            "list" | "tuple" | "expression_list" => self.list(at),
            "dictionary" => self.dictionary(at),
            "attribute" => self.attribute(at),
            "subscript" => self.subscript(at),
            "call" => self.call(at),
            "binary_operator" => self.binary(at),
            "boolean_operator" => self.either(at),
            "unary_operator" => self.unary(at),
            "not_operator" => self.not(at),
            "comparison_operator" => self.comparison(at),
            "conditional_expression" => self.conditional(at),
            "named_expression" => self.part(at, "value"),
            "parenthesized_expression" | "await" => self.of(at, code.children(at).next()),
            "as_pattern" => self.of(at, code.children(at).next()),
            "function_definition" | "lambda" => Thing::Function(self.spot(at)).into(),
            "class_definition" => Thing::Class(self.spot(at)).into(),
            _ => self.unknown(at),
        }
    }

    fn of(&self, at: Id, child: Option<Id>) -> Value {
        child.map_or_else(|| self.unknown(at), |child| self.value(child))
    }

    /// The value of the child that plays a part.
    pub(super) fn part(&self, at: Id, role: &str) -> Value {
        self.of(at, self.code().field(at, role))
    }

    fn string(&self, at: Id) -> Value {
        let code = self.code();
        let mut text = String::new();
        let mut unless = Vec::new();
        let (mut plain, mut raw) = (true, false);
        let mut inside: Option<Span> = None;
        for piece in code.children(at) {
            match code.kind(piece) {
                "string_start" => {
                    raw = code.text(piece).contains(['r', 'R']);
                    let end = code.span(piece).end;
                    inside = Some(Span { start: end, ..code.span(at) });
                }
                "string_content" => match self.content(piece, raw) {
                    Some(content) => {
                        plain &= content == code.text(piece);
                        text.push_str(&content);
                    }
                    None => return self.unknown(at),
                },
                "interpolation" => {
                    let inner = self.part(piece, "expression");
                    let bare = code.children(piece).count() == 1;
                    let Some(string) = inner.string().filter(|_| bare) else {
                        return if inner.is_known() { self.unknown(at) } else { inner };
                    };
                    plain = false;
                    text.push_str(&string);
                    unless = Value::from(Thing::None).and_unless(&unless).and_unless(&inner.unless).unless;
                }
                "string_end" => {
                    let start = code.span(piece).start;
                    inside = inside.map(|inside| Span { end: start, ..inside });
                }
                _ => return self.unknown(at),
            }
        }
        let value = self.computed_text(at, text);
        Value { written: inside.filter(|_| plain), unless, ..value }
    }

    /// The text between the quotes, its escapes undone.
    fn content(&self, at: Id, raw: bool) -> Option<String> {
        let code = self.code();
        let (whole, span) = (code.text(at), code.span(at));
        let mut text = String::new();
        let mut done = 0;
        for piece in code.children(at) {
            let (start, end) = (code.span(piece).start - span.start, code.span(piece).end - span.start);
            text.push_str(whole.get(done..start as usize)?);
            match code.kind(piece) {
                "escape_sequence" if !raw => text.push_str(&unescaped(code.text(piece))?),
                "escape_interpolation" => text.push_str(code.text(piece).get(1..)?),
                _ => text.push_str(code.text(piece)),
            }
            done = end as usize;
        }
        text.push_str(whole.get(done..)?);
        Some(text)
    }

    pub(super) fn computed_text(&self, at: Id, text: String) -> Value {
        if text.len() > MAX_TEXT {
            self.code().cut_off(at, larger("texts that are put together", MAX_TEXT, text.len()));
            return self.unknown(at);
        }
        Thing::Text(text).into()
    }

    fn concatenated(&self, at: Id) -> Value {
        let mut text = String::new();
        let mut whole = Value::from(Thing::None);
        for piece in self.code().children(at) {
            let value = self.value(piece);
            let Some(string) = value.text() else { return value };
            text.push_str(string);
            whole = whole.and_unless(&value.unless);
        }
        self.computed_text(at, text).and_unless(&whole.unless)
    }

    fn list(&self, at: Id) -> Value {
        let code = self.code();
        let mut items = Vec::new();
        for item in code.children(at) {
            if code.kind(item) == "list_splat" {
                match self.of(item, code.children(item).next()).thing {
                    Thing::List(more) => items.extend(more),
                    _ => return self.unknown(at),
                }
            } else {
                items.push(self.value(item));
            }
        }
        Thing::List(items).into()
    }

    fn dictionary(&self, at: Id) -> Value {
        let code = self.code();
        let mut entries: Vec<(String, Value)> = Vec::new();
        for entry in code.children(at) {
            let more = match code.kind(entry) {
                "pair" => match self.part(entry, "key").thing {
                    Thing::Text(key) => vec![(key, self.part(entry, "value"))],
                    _ => return self.unknown(at),
                },
                _ => match self.of(entry, code.children(entry).next()).thing {
                    Thing::Dict(more) => more,
                    _ => return self.unknown(at),
                },
            };
            entries.extend(more);
        }
        Thing::Dict(entries).into()
    }

    fn subscript(&self, at: Id) -> Value {
        let (whole, index) = (self.part(at, "value"), self.part(at, "subscript"));
        match (&whole.thing, &index.thing) {
            (Thing::Environment, Thing::Text(name)) => self
                .variable(name)
                .unwrap_or_else(|| Value::unknown(format!("it is what the environment says in {name}"))),
            (Thing::Named(name), Thing::Number(index)) if name == "sys.argv" => {
                self.program_argument(*index).unwrap_or_else(|| self.unknown(at))
            }
            (Thing::Dict(entries), Thing::Text(key)) => {
                let found = entries.iter().rev().find(|(name, _)| name == key);
                found.map_or_else(|| self.unknown(at), |(_, value)| value.clone())
            }
            (Thing::List(items), Thing::Number(index)) => {
                let from_end = i64::try_from(items.len()).unwrap_or(0) + index;
                let index = usize::try_from(if *index < 0 { from_end } else { *index });
                let found = index.ok().and_then(|index| items.get(index));
                found.cloned().unwrap_or_else(|| self.unknown(at))
            }
            _ => self.or_unknown(whole, at),
        }
    }

    /// Unknown for the reason that a part of it is, or because the part is nothing that is followed.
    pub(super) fn or_unknown(&self, part: Value, at: Id) -> Value {
        if part.is_known() { self.unknown(at) } else { part }
    }

    fn binary(&self, at: Id) -> Value {
        let code = self.code();
        let (left, right) = (self.part(at, "left"), self.part(at, "right"));
        let operator = code.field(at, "operator").map_or("", |operator| code.text(operator));
        let thing = match (&left.thing, &right.thing) {
            (Thing::Text(a), Thing::Text(b)) if operator == "+" => Some(Thing::Text(format!("{a}{b}"))),
            (Thing::List(a), Thing::List(b)) if operator == "+" => {
                Some(Thing::List(a.iter().chain(b).cloned().collect()))
            }
            (Thing::Text(format), _) if operator == "%" => formatted(format, &right).map(Thing::Text),
            (Thing::Real(_), _) | (_, Thing::Real(_)) => None,
            _ => left.number().zip(right.number()).and_then(|(a, b)| computed(operator, a, b)),
        };
        match thing {
            Some(Thing::Text(text)) => {
                self.computed_text(at, text).and_unless(&left.unless).and_unless(&right.unless)
            }
            Some(thing) => Value::from(thing).and_unless(&left.unless).and_unless(&right.unless),
            None => self.or_unknown(if left.is_known() { right } else { left }, at),
        }
    }

    /// `a or b`, `a and b`.
    fn either(&self, at: Id) -> Value {
        let code = self.code();
        let left = self.part(at, "left");
        let is_or = code.field(at, "operator").is_some_and(|operator| code.text(operator) == "or");
        match left.truth() {
            Some(truth) if truth == is_or => left,
            Some(_) => self.part(at, "right").and_unless(&left.unless),
            None => self.or_unknown(left, at),
        }
    }

    fn unary(&self, at: Id) -> Value {
        let code = self.code();
        let value = self.part(at, "argument");
        let operator = code.field(at, "operator").map_or("", |operator| code.text(operator));
        let number = value.number().and_then(|number| match operator {
            "-" => number.checked_neg(),
            "+" => Some(number),
            "~" => Some(!number),
            _ => None,
        });
        match number {
            // The sign is part of the number that somebody wrote.
            Some(number) => {
                let written = value.written.map(|_| code.span(at));
                Value { written, ..value.computed(Thing::Number(number)) }
            }
            None => self.or_unknown(value, at),
        }
    }

    fn not(&self, at: Id) -> Value {
        let value = self.part(at, "argument");
        match value.truth() {
            Some(truth) => value.computed(Thing::Truth(!truth)),
            None => self.or_unknown(value, at),
        }
    }

    fn comparison(&self, at: Id) -> Value {
        let code = self.code();
        let mut operands = code.children(at).filter(|child| code.role(*child) != "operators");
        let mut operators = code.children(at).filter(|child| code.role(*child) == "operators");
        let (Some(left), Some(right), None) = (operands.next(), operands.next(), operands.next()) else {
            return self.unknown(at);
        };
        let operator = operators.next().map_or("", |operator| code.text(operator));
        let (left, right) = (self.value(left), self.value(right));
        if let (Thing::Text(name), Thing::Environment) = (&left.thing, &right.thing) {
            let (set, unless) = match self.modules.startup().variable(name) {
                Answer::Set(_) => (true, Vec::new()),
                Answer::Unsaid => (false, vec![format!("{name} is set in the environment")]),
                Answer::Unclear(why) => return Value::unknown(why),
            };
            return match operator {
                "in" => Value::from(Thing::Truth(set)).and_unless(&unless),
                "not in" => Value::from(Thing::Truth(!set)).and_unless(&unless),
                _ => self.unknown(at),
            };
        }
        let plain = |value: &Value| {
            matches!(value.thing, Thing::None | Thing::Truth(_) | Thing::Number(_) | Thing::Text(_))
        };
        if let (Some(a), Some(b), "<" | ">" | "<=" | ">=") = (left.number(), right.number(), operator) {
            let truth = match operator {
                "<" => a < b,
                ">" => a > b,
                "<=" => a <= b,
                _ => a >= b,
            };
            return Value::from(Thing::Truth(truth)).and_unless(&left.unless).and_unless(&right.unless);
        }
        let truth = match operator {
            "==" | "is" => left.thing == right.thing,
            "!=" | "is not" => left.thing != right.thing,
            _ => return self.unknown(at),
        };
        if !plain(&left) || !plain(&right) {
            return self.unknown(at);
        }
        Value::from(Thing::Truth(truth)).and_unless(&left.unless).and_unless(&right.unless)
    }

    fn conditional(&self, at: Id) -> Value {
        let mut parts = self.code().children(at);
        let (Some(yes), Some(condition), Some(no)) = (parts.next(), parts.next(), parts.next()) else {
            return self.unknown(at);
        };
        let condition = self.value(condition);
        match condition.truth() {
            Some(true) => self.value(yes).and_unless(&condition.unless),
            Some(false) => self.value(no).and_unless(&condition.unless),
            None => {
                let both = Value::agreed(vec![self.value(yes), self.value(no)], self.code().text(at));
                both.filter(Value::is_known).unwrap_or_else(|| self.unknown(at))
            }
        }
    }
}

fn computed(operator: &str, a: i64, b: i64) -> Option<Thing> {
    let small = || u32::try_from(b).ok().filter(|b| *b < 63);
    let number = match operator {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        "//" if b > 0 => a.checked_div_euclid(b),
        "%" if b > 0 => a.checked_rem_euclid(b),
        "**" => a.checked_pow(small()?),
        "<<" => a.checked_mul(1_i64.checked_shl(small()?)?),
        ">>" => a.checked_shr(small()?),
        "&" => Some(a & b),
        "|" => Some(a | b),
        _ => None,
    };
    number.map(Thing::Number)
}

/// `"%s:%d" % (host, port)`, with plain fields only.
fn formatted(format: &str, values: &Value) -> Option<String> {
    let one = std::slice::from_ref(values);
    let mut values = match &values.thing {
        Thing::List(items) => items.iter(),
        _ => one.iter(),
    };
    let mut pieces = format.split('%');
    let mut text = pieces.next()?.to_owned();
    while let Some(piece) = pieces.next() {
        if piece.is_empty() {
            text.push('%');
            text.push_str(pieces.next()?);
            continue;
        }
        let rest = piece.strip_prefix(['s', 'd'])?;
        text.push_str(&values.next()?.string()?);
        text.push_str(rest);
    }
    values.next().is_none().then_some(text)
}
