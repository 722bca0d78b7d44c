//! What an expression of a Go program comes to, as far as the files tell.

use crate::syntax::startup::Answer;
use crate::text::Span;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    Nil,
    Truth(bool),
    Number(i64),
    Text(String),
    /// Given when the program is started: `PORT is set in the environment`, `-addr is given`.
    Outside(String),
    /// Given by who calls the function of this name, and no file tells who does.
    Caller(String),
    Unknown(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    pub thing: Thing,
    /// The literal that it is, if it is one.
    pub written: Option<Span>,
    /// It was made of what the program is started with.
    pub started: bool,
    /// What would make it another value; it is taken as not set.
    pub unless: Vec<String>,
}

/// How the reason reads that a variable of the environment is.
const ENVIRONMENT: &str = " is set in the environment";

impl From<Thing> for Value {
    fn from(thing: Thing) -> Self {
        Self { thing, written: None, started: false, unless: Vec::new() }
    }
}

impl Value {
    pub fn text(text: impl Into<String>) -> Self {
        Thing::Text(text.into()).into()
    }

    /// A variable of the environment.
    pub(super) fn environment(name: &str, answer: Answer) -> Self {
        let reason = format!("{name}{ENVIRONMENT}");
        match answer {
            Answer::Unsaid => Thing::Outside(reason).into(),
            answer => Self::answered(answer, &reason),
        }
    }

    /// What the program is started with; the reason is that of another value.
    pub(super) fn answered(answer: Answer, reason: &str) -> Self {
        match answer {
            Answer::Unsaid => Thing::Outside(reason.to_owned()).into(),
            Answer::Unclear(why) => Self::unknown(why),
            Answer::Set(set) => {
                let unless = Vec::from_iter(set.may_change.then(|| reason.to_owned()));
                Self { written: set.written(), started: true, unless, ..Self::text(set.text.to_string()) }
            }
        }
    }

    /// It is what the program is started with, and is not filled in later.
    fn is_told(&self) -> bool {
        self.started && self.why_unknown().is_none() && self.as_text() != Some("")
    }

    /// A variable of the environment is empty as long as nothing sets it.
    pub(super) fn or_empty(self) -> Self {
        match self.thing {
            Thing::Outside(what) if what.ends_with(ENVIRONMENT) => Self::text("").and_unless(&[what]),
            thing => Self { thing, ..self },
        }
    }

    pub fn unknown(why: impl Into<String>) -> Self {
        Thing::Unknown(why.into()).into()
    }

    pub fn number(&self) -> Option<i64> {
        match self.thing {
            Thing::Number(number) => Some(number),
            _ => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match &self.thing {
            Thing::Text(text) => Some(text),
            _ => None,
        }
    }

    /// As fmt's verbs `%s`, `%d` and `%v` write it.
    pub fn shown(&self) -> Option<String> {
        match &self.thing {
            Thing::Text(text) => Some(text.clone()),
            Thing::Number(number) => Some(number.to_string()),
            Thing::Truth(truth) => Some(truth.to_string()),
            _ => None,
        }
    }

    /// Another thing that was made of this one alone.
    pub fn becomes(self, thing: Thing) -> Self {
        Self { thing, ..self }
    }

    pub fn and_unless(mut self, more: &[String]) -> Self {
        for reason in more {
            if !self.unless.contains(reason) {
                self.unless.push(reason.clone());
            }
        }
        self
    }

    /// Why it is not known, if it is not.
    pub fn why_unknown(&self) -> Option<String> {
        match &self.thing {
            Thing::Unknown(why) => Some(why.clone()),
            Thing::Outside(what) => Some(format!("it is known only if {what}")),
            Thing::Caller(name) => Some(format!("it is what `{name}` is called with")),
            _ => None,
        }
    }

    /// Of several values that it may have the one that holds as long as nothing outside says otherwise.
    pub fn agreed(values: Vec<Value>, name: &str) -> Option<Value> {
        let (told, others): (Vec<Value>, Vec<Value>) = values.into_iter().partition(Value::is_told);
        match Self::alike(others, name) {
            // What is told takes the place of what holds without it.
            Some(other) if told.is_empty() || matches!(other.thing, Thing::Unknown(_)) => Some(other),
            _ => Self::alike(told, name),
        }
    }

    /// The same of values of which none takes another's place: what several callers give, what several structs hold.
    pub fn alike(values: Vec<Value>, name: &str) -> Option<Value> {
        let (outside, values): (Vec<Value>, Vec<Value>) =
            values.into_iter().partition(|value| matches!(value.thing, Thing::Outside(_)));
        let mut rest = values.into_iter();
        let Some(mut agreed) = rest.next() else { return outside.into_iter().next() };
        for value in rest {
            if agreed.why_unknown().is_some() {
                break;
            }
            agreed = match &value.thing {
                Thing::Unknown(_) | Thing::Caller(_) => value,
                thing if *thing == agreed.thing => agreed.and_unless(&value.unless),
                // What is empty is filled before it is used.
                Thing::Text(text) if text.is_empty() => agreed.and_unless(&value.unless),
                _ if agreed.as_text() == Some("") => value.and_unless(&agreed.unless),
                _ => Value::unknown(format!("`{name}` has several values")),
            };
        }
        for value in outside {
            agreed = agreed.and_unless(&value.unless);
            if let Thing::Outside(what) = value.thing {
                agreed = agreed.and_unless(&[what]);
            }
        }
        Some(agreed)
    }
}
