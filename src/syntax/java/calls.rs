//! The calls of Java's own classes that give plain values: the environment, properties, parsing.

use super::eval::{Evaluation, parsed};
use super::library::{Library, Of};
use super::{Outside, Thing, Value};
use crate::syntax::calls::Id;
use crate::syntax::startup::{Answer, Part, Set};
use crate::text::{Slot, Text};

impl<L: Library> Evaluation<'_, '_, L> {
    pub(super) fn called(&self, call: Id) -> Of<L> {
        let arguments = self.arguments(call);
        let object = self.field(call, "object");
        let on = object.map_or("", |object| self.text(object));
        let found = match (on, self.method(call)) {
            ("System", _) => self.of_system(call, &arguments),
            (_, "parseInt" | "parseUnsignedInt" | "decode") => self.argument(&arguments, 0).and_then(parsed),
            ("Integer" | "Short" | "Long", "valueOf") => self.argument(&arguments, 0).and_then(parsed),
            ("Integer" | "Long", "getInteger" | "getLong") => {
                self.set_outside(&arguments, call, Outside::Property).and_then(parsed)
            }
            ("System.getenv()", "getOrDefault") => self.set_outside(&arguments, call, Outside::Variable),
            ("Path", "of") | ("Paths", "get") if arguments.len() == 1 => self.argument(&arguments, 0),
            ("Optional", "of" | "ofNullable") => self.argument(&arguments, 0),
            ("Objects", "requireNonNullElse") => {
                let both = arguments.iter().map(|argument| self.value(*argument)).collect();
                Value::agreed(both, on)
            }
            ("Objects", "requireNonNull") => self.argument(&arguments, 0),
            (_, "orElse") => {
                let whole = object.map(|object| self.value(object));
                Value::agreed(whole.into_iter().chain(self.argument(&arguments, 0)).collect(), on)
            }
            (_, "map" | "filter" | "trim" | "strip" | "intValue" | "toString") => {
                object.and_then(|object| parsed_if(self.value(object), self.method(call)))
            }
            // Vert.x, Typesafe and others: a key and what holds without it.
            (_, "getInteger" | "getInt") if arguments.len() == 2 => {
                self.set_outside(&arguments, call, Outside::Setting)
            }
            // Commons CLI: an option of the command line, and what holds without it.
            (_, "getOptionValue") if arguments.len() == 2 => {
                self.set_outside(&arguments, call, |_| Outside::Argument)
            }
            _ => L::called(self, call),
        };
        // Why the command line does not tell it is kept.
        let found = found.filter(|value| value.started || !matches!(&value.thing, Thing::Unknown(_)));
        found.or_else(|| self.returned(call)).unwrap_or_else(|| self.unknown(call))
    }

    pub(super) fn created(&self, new: Id) -> Of<L> {
        L::created(self, new).unwrap_or_else(|| self.unknown(new))
    }

    pub fn argument(&self, arguments: &[Id], index: usize) -> Option<Of<L>> {
        arguments.get(index).map(|argument| self.value(*argument))
    }

    fn of_system(&self, call: Id, arguments: &[Id]) -> Option<Of<L>> {
        match self.method(call) {
            "getenv" => self.set_outside(arguments, call, Outside::Variable),
            "getProperty" => self.set_outside(arguments, call, Outside::Property),
            _ => None,
        }
    }

    /// What something outside is asked for by its name, with the value that holds where it is not set.
    fn set_outside(&self, arguments: &[Id], call: Id, kind: fn(String) -> Outside) -> Option<Of<L>> {
        let name = self.argument(arguments, 0)?.text()?.to_owned();
        let answer = match kind(name.clone()) {
            Outside::Variable(name) => self.startup.variable(&name),
            Outside::Property(name) => self.property(&name),
            Outside::Argument | Outside::Setting(_) => Answer::Unsaid,
        };
        if answer != Answer::Unsaid {
            return Some(self.answered(answer, kind(name), call));
        }
        match self.argument(arguments, 1) {
            Some(value) if value.why_unknown().is_none() => Some(value.and_unless(&[kind(name)])),
            Some(unknown) => Some(unknown),
            None => Some(Value::new(Thing::Outside(kind(name)), self.span(call))),
        }
    }
}

impl<L: Library> Evaluation<'_, '_, L> {
    /// What the program is started with, at what asks for it.
    pub(super) fn answered(&self, answer: Answer, outside: Outside, at: Id) -> Of<L> {
        match answer {
            Answer::Unsaid => Value::new(Thing::Outside(outside), self.span(at)),
            Answer::Unclear(why) => Value { started: true, ..Value::unknown(why, self.span(at)) },
            Answer::Set(set) => {
                self.answers.set(self.answers.get() + 1);
                let slot = set.written().map(Slot::replace);
                let unless = Vec::from_iter(set.may_change.then_some(outside));
                Value {
                    slot,
                    unless,
                    started: true,
                    ..Value::new(Thing::Text(set.text.to_string()), set.text.span())
                }
            }
        }
    }

    /// A property: of variables that the JVM takes options from, and of the options before the class, which come after the
    /// first two (java(1); arguments.cpp: parse).
    fn property(&self, name: &str) -> Answer {
        let start = format!("-D{name}=");
        let of_variable = |variable: &str| match self.startup.variable(variable) {
            Answer::Set(set) => {
                let value =
                    set.text.split_whitespace().rev().find_map(|word| word.strip_prefix(start.as_str()));
                value.map_or(Answer::Unsaid, |value| {
                    Answer::Set(Set { text: Text::meant(value, set.text.span()), ..set.clone() })
                })
            }
            other => other,
        };
        let of_options = || {
            self.startup.words(Part::Options, &|words| {
                let found = words.iter().rev();
                Ok(found.filter_map(|word| Some((word, word.strip_prefix(start.as_str())?))).next())
            })
        };
        let mut answers = [of_variable("_JAVA_OPTIONS"), of_options()].into_iter();
        let answer = answers.find(|answer| *answer != Answer::Unsaid);
        let mut weaker = ["JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS"].into_iter().map(of_variable);
        answer.or_else(|| weaker.find(|answer| *answer != Answer::Unsaid)).unwrap_or(Answer::Unsaid)
    }
}

/// `map` keeps what is given from outside, whatever it is made into.
fn parsed_if<O: Clone + PartialEq>(value: Value<O>, method: &str) -> Option<Value<O>> {
    match (&value.thing, method) {
        (Thing::Outside(_), _) => Some(value),
        (Thing::Text(_) | Thing::Number(_), "trim" | "strip" | "intValue" | "toString") => Some(value),
        (Thing::Text(_), "map" | "filter") if value.started => parsed(value.clone()).or(Some(value)),
        _ => None,
    }
}
