//! Expressions of Ruby, one kind of node after the other.

use std::path::{Component, Path, PathBuf};

use super::value::{integer_of, leading_integer, unescaped};
use super::{Reading, Thing, Value};
use crate::syntax::calls::Id;
use crate::text::{Span, larger};

/// The longest text that is put together, in bytes.
const MAX_TEXT: usize = 1 << 12;

impl Reading<'_, '_> {
    pub(super) fn expression(&self, at: Id) -> Value {
        let code = self.code();
        match code.kind(at) {
            "integer" => match integer_of(code.text(at)) {
                Some(number) => Value { written: Some(code.span(at)), ..Value::from(Thing::Number(number)) },
                None => self.unknown(at),
            },
            "string" => self.string(at),
            "chained_string" => self.chained(at),
            "simple_symbol" => Thing::Symbol(code.text(at).trim_start_matches(':').to_owned()).into(),
            "true" => Thing::Truth(true).into(),
            "false" => Thing::Truth(false).into(),
            "nil" => Thing::Nil.into(),
            "array" => Thing::List(code.children(at).map(|item| self.value(item)).collect()).into(),
            "string_array" => {
                let words = code.children(at).map(|word| Thing::Text(code.text(word).to_owned()).into());
                Thing::List(words.collect()).into()
            }
            "identifier" | "constant" | "global_variable" | "instance_variable" => self.variable(at),
            "element_reference" => self.element(at),
            "call" => self.call(at),
            "binary" => self.binary(at),
            "unary" => self.unary(at),
            "conditional" => self.conditional(at),
            "if_modifier" | "unless_modifier" => self.unknown(at),
            "assignment" => self.part(at, "right"),
            "parenthesized_statements" | "then" | "block_body" | "body_statement" | "begin" => {
                code.last_child(at).map_or_else(|| Thing::Nil.into(), |last| self.value(last))
            }
            _ => self.unknown(at),
        }
    }

    fn part(&self, at: Id, role: &str) -> Value {
        let child = self.code().field(at, role);
        child.map_or_else(|| self.unknown(at), |child| self.value(child))
    }

    fn string(&self, at: Id) -> Value {
        let code = self.code();
        let (written, span) = (code.text(at), code.span(at));
        let quote = written.as_bytes().first().copied().unwrap_or_default();
        let quoted = matches!(quote, b'\'' | b'"') && written.len() > 1;
        let inside = Span { start: span.start + 1, end: span.end.saturating_sub(1), ..span };
        let mut text = String::new();
        let mut unless = Value::from(Thing::Nil);
        let mut plain = quoted;
        let mut tail = Span { start: inside.end, ..inside };
        for piece in code.children(at) {
            match code.kind(piece) {
                "string_content" => {
                    text.push_str(code.text(piece));
                    tail = code.span(piece);
                    continue;
                }
                "escape_sequence" => match unescaped(code.text(piece)) {
                    Some(char)
                        if quote == b'"' || code.text(piece) == "\\\\" || code.text(piece) == "\\'" =>
                    {
                        text.push_str(&char);
                    }
                    _ => text.push_str(code.text(piece)),
                },
                "interpolation" => {
                    let inner = code.children(piece).next().map(|inner| self.value(inner));
                    let inner = inner.unwrap_or_else(|| Thing::Nil.into());
                    let Some(string) = inner.string() else { return self.not_known(inner, at) };
                    text.push_str(&string);
                    unless = unless.and_unless(&inner.unless);
                }
                _ => return self.unknown(at),
            }
            plain = false;
            tail = Span { start: code.span(piece).end, end: code.span(piece).end, ..span };
        }
        let tail = Some(tail).filter(|tail| quoted && tail.end == inside.end);
        let value = self.computed(at, text);
        Value { written: plain.then_some(inside), tail, unless: unless.unless, ..value }
    }

    fn computed(&self, at: Id, text: String) -> Value {
        if text.len() > MAX_TEXT {
            self.code().cut_off(at, larger("texts that are put together", MAX_TEXT, text.len()));
            return self.unknown(at);
        }
        Thing::Text(text).into()
    }

    fn not_known(&self, part: Value, at: Id) -> Value {
        if part.is_known() { self.unknown(at) } else { part }
    }

    fn chained(&self, at: Id) -> Value {
        let mut whole = Value::from(Thing::Text(String::new()));
        for piece in self.code().children(at) {
            whole = self.joined(at, whole, self.value(piece));
        }
        whole
    }

    /// Two texts, one behind the other.
    fn joined(&self, at: Id, left: Value, right: Value) -> Value {
        match (&left.thing, &right.thing) {
            (Thing::Text(a), Thing::Text(b)) => {
                let value = self.computed(at, format!("{a}{b}"));
                Value { tail: right.tail, unless: left.unless, ..value }.and_unless(&right.unless)
            }
            _ => self.not_known(if left.is_known() { right } else { left }, at),
        }
    }

    fn variable(&self, at: Id) -> Value {
        let known = |path: &Option<String>| match path {
            Some(path) => Thing::Text(path.clone()).into(),
            None => Value::unknown("the files do not say where they will be"),
        };
        match self.code().text(at) {
            "__FILE__" => known(&self.around.file),
            "__dir__" => {
                let folder = self.around.file.as_ref().and_then(|file| Path::new(file).parent());
                known(&folder.map(|folder| folder.to_string_lossy().into_owned()))
            }
            _ => self.name(at),
        }
    }

    /// `ENV["PORT"]`, `list[0]`.
    fn element(&self, at: Id) -> Value {
        let code = self.code();
        let mut parts = code.children(at);
        let (Some(object), Some(index)) = (parts.next(), parts.next()) else { return self.unknown(at) };
        let index = self.value(index);
        if code.text(object) == "ENV" {
            return match index.text() {
                Some(name) => self.environment(name, Thing::Nil.into()),
                None => self.not_known(index, at),
            };
        }
        let whole = self.value(object);
        match (&whole.thing, &index.thing) {
            (Thing::List(items), Thing::Number(index)) => {
                let item = usize::try_from(*index).ok().and_then(|index| items.get(index));
                item.cloned().unwrap_or_else(|| Thing::Nil.into())
            }
            _ => self.not_known(whole, at),
        }
    }

    /// A variable of the environment, or what stands in where it is not set.
    fn environment(&self, name: &str, otherwise: Value) -> Value {
        match &self.around.environment {
            Some(all) => match all.get(name) {
                Some(Some(value)) => Thing::Text(value.clone()).into(),
                Some(None) => Value::unknown(format!("it is what the environment says in {name}")),
                None => otherwise,
            },
            None => otherwise.and_unless(&[format!("{name} is set in the environment")]),
        }
    }

    fn binary(&self, at: Id) -> Value {
        let code = self.code();
        let operator = code.field(at, "operator").map_or("", |operator| code.text(operator));
        let left = self.part(at, "left");
        if matches!(operator, "||" | "or" | "&&" | "and") {
            let is_or = matches!(operator, "||" | "or");
            return match left.truth() {
                Some(truth) if truth == is_or => left,
                Some(_) => self.part(at, "right").and_unless(&left.unless),
                None => left,
            };
        }
        let right = self.part(at, "right");
        if operator == "+" && matches!(left.thing, Thing::Text(_)) {
            return self.joined(at, left, right);
        }
        let thing = match (&left.thing, &right.thing) {
            (Thing::Number(a), Thing::Number(b)) => match operator {
                "+" => a.checked_add(*b).map(Thing::Number),
                "-" => a.checked_sub(*b).map(Thing::Number),
                "*" => a.checked_mul(*b).map(Thing::Number),
                "/" if *b > 0 => a.checked_div_euclid(*b).map(Thing::Number),
                "**" => u32::try_from(*b).ok().and_then(|b| a.checked_pow(b)).map(Thing::Number),
                _ => compared(operator, &left, &right),
            },
            _ => compared(operator, &left, &right),
        };
        match thing {
            Some(thing) => Value::from(thing).and_unless(&left.unless).and_unless(&right.unless),
            None => self.not_known(if left.is_known() { right } else { left }, at),
        }
    }

    fn unary(&self, at: Id) -> Value {
        let code = self.code();
        let value = self.part(at, "operand");
        let operator = code.field(at, "operator").map_or("", |operator| code.text(operator));
        let thing = match operator {
            "-" => value.number().and_then(i64::checked_neg).map(Thing::Number),
            "!" | "not" => value.truth().map(|truth| Thing::Truth(!truth)),
            _ => None,
        };
        match thing {
            // The sign is part of the number that somebody wrote.
            Some(thing) => {
                let written = value.written.map(|_| code.span(at));
                Value { written, tail: None, ..value.becomes(thing) }
            }
            None => self.not_known(value, at),
        }
    }

    fn conditional(&self, at: Id) -> Value {
        let condition = self.part(at, "condition");
        let role = match condition.truth() {
            Some(true) => "consequence",
            Some(false) => "alternative",
            None => {
                let both = vec![self.part(at, "consequence"), self.part(at, "alternative")];
                let both = Value::agreed(both, self.code().text(at)).filter(Value::is_known);
                return both.unwrap_or_else(|| self.unknown(at));
            }
        };
        self.part(at, role).and_unless(&condition.unless)
    }

    fn call(&self, at: Id) -> Value {
        let code = self.code();
        let name = code.field(at, "method").map_or("", |method| code.text(method));
        let arguments = self.positional(at);
        let first = || arguments.first().map(|first| self.value(*first));
        let Some(receiver) = code.field(at, "receiver") else {
            return match (name, first()) {
                ("Integer", Some(value)) => match value.integer() {
                    Some(number) => value.becomes(Thing::Number(number)),
                    None => self.not_known(value, at),
                },
                ("String", Some(value)) => match value.string() {
                    Some(text) => value.becomes(Thing::Text(text)),
                    None => self.not_known(value, at),
                },
                _ => self.unknown(at),
            };
        };
        match (code.text(receiver), name) {
            ("ENV", "fetch") => {
                let Some(variable) = first() else { return self.unknown(at) };
                let Some(variable) = variable.text() else { return self.unknown(at) };
                let block = code.field(at, "block").and_then(|block| code.field(block, "body"));
                let otherwise = block.or(arguments.get(1).copied()).map(|default| self.value(default));
                let missing = || Value::unknown(format!("it is what the environment says in {variable}"));
                self.environment(variable, otherwise.unwrap_or_else(missing))
            }
            ("File", "expand_path") => self.expanded(at, &arguments),
            ("File", "join") => self.path_of(at, &arguments),
            ("File", "dirname") => match first() {
                Some(value) => match value.text().map(Path::new).and_then(Path::parent) {
                    Some(folder) => Value::from(Thing::Text(folder.to_string_lossy().into_owned()))
                        .and_unless(&value.unless),
                    None => self.not_known(value, at),
                },
                None => self.unknown(at),
            },
            ("Dir", "pwd" | "getwd") => match &self.around.folder {
                Some(folder) => Thing::Text(folder.clone()).into(),
                None => Value::unknown("the files do not show the working folder"),
            },
            _ => self.method(at, receiver, name, &arguments),
        }
    }

    /// Methods of plain values.
    fn method(&self, at: Id, receiver: Id, name: &str, arguments: &[Id]) -> Value {
        let value = self.value(receiver);
        let thing = match (&value.thing, name) {
            (Thing::Unknown(_), _) => None,
            (_, "freeze" | "dup" | "strip") => Some(value.thing.clone()),
            (Thing::Number(number), "to_i") => Some(Thing::Number(*number)),
            (Thing::Text(text), "to_i") => Some(Thing::Number(leading_integer(text))),
            (Thing::Nil, "to_i") => Some(Thing::Number(0)),
            (_, "to_s") => value.string().map(Thing::Text),
            (_, "nil?") => Some(Thing::Truth(value.thing == Thing::Nil)),
            (Thing::Text(text), "empty?") => Some(Thing::Truth(text.is_empty())),
            (Thing::Nil, "blank?") | (Thing::Nil, "empty?") => Some(Thing::Truth(true)),
            (Thing::Nil, "present?") => Some(Thing::Truth(false)),
            (Thing::Text(text), "present?") => Some(Thing::Truth(!text.trim().is_empty())),
            (Thing::Text(text), "+" | "concat") => {
                let more = arguments.first().and_then(|more| self.value(*more).string());
                more.map(|more| Thing::Text(format!("{text}{more}")))
            }
            _ => None,
        };
        match thing {
            Some(thing) => value.becomes(thing),
            None => self.not_known(value, at),
        }
    }

    fn texts(&self, at: Id, arguments: &[Id]) -> Result<(Vec<String>, Vec<String>), Value> {
        let mut texts = Vec::new();
        let mut unless = Vec::new();
        for argument in arguments {
            let value = self.value(*argument);
            match value.string().filter(|_| value.thing != Thing::Nil) {
                Some(text) => texts.push(text),
                None => return Err(self.not_known(value, at)),
            }
            unless.extend(value.unless);
        }
        Ok((texts, unless))
    }

    fn path_of(&self, at: Id, arguments: &[Id]) -> Value {
        match self.texts(at, arguments) {
            Ok((texts, unless)) => {
                let parts: Vec<&str> = texts.iter().map(|text| text.trim_matches('/')).collect();
                let root = texts.first().is_some_and(|first| first.starts_with('/'));
                let path = format!("{}{}", if root { "/" } else { "" }, parts.join("/"));
                self.computed(at, path).and_unless(&unless)
            }
            Err(unknown) => unknown,
        }
    }

    /// `File.expand_path("../tmp/app.sock", __dir__)`.
    fn expanded(&self, at: Id, arguments: &[Id]) -> Value {
        let (texts, unless) = match self.texts(at, arguments) {
            Ok(both) => both,
            Err(unknown) => return unknown,
        };
        let Some(path) = texts.first() else { return self.unknown(at) };
        let from = texts.get(1).cloned().or_else(|| self.around.folder.clone());
        let base = if path.starts_with('/') { Some(String::new()) } else { from };
        let Some(base) = base.filter(|base| path.starts_with('/') || base.starts_with('/')) else {
            return Value::unknown("the files do not show the working folder");
        };
        self.computed(at, expand_path(path, Path::new(&base))).and_unless(&unless)
    }
}

/// `File.expand_path(path, base)`.
pub fn expand_path(path: &str, base: &Path) -> String {
    let mut whole = PathBuf::new();
    for part in base.join(path).components() {
        match part {
            Component::ParentDir => {
                whole.pop();
            }
            Component::CurDir => {}
            part => whole.push(part),
        }
    }
    whole.to_string_lossy().into_owned()
}

fn compared(operator: &str, left: &Value, right: &Value) -> Option<Thing> {
    let known = left.is_known() && right.is_known();
    let truth = match operator {
        "==" => left.thing == right.thing,
        "!=" => left.thing != right.thing,
        _ => return None,
    };
    known.then_some(Thing::Truth(truth))
}
