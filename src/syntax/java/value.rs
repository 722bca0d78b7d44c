//! What an expression comes to, as far as the files tell.

use std::fmt;

use crate::text::{Slot, Span};

/// Who else may decide a value, when the program is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outside {
    Argument,
    Variable(String),
    Property(String),
    /// A key of some configuration that is read at run time.
    Setting(String),
}

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outside::Argument => f.write_str("an argument says so"),
            Outside::Variable(name) => write!(f, "{name} is set in the environment"),
            Outside::Property(name) => write!(f, "the property {name} is set"),
            Outside::Setting(name) => write!(f, "the configuration sets {name}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing<O> {
    Null,
    Number(i64),
    Text(String),
    /// What a library makes: an address.
    Object(O),
    /// Given when the program is started.
    Outside(Outside),
    Unknown(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value<O> {
    pub thing: Thing<O>,
    /// The expression that decides it.
    pub at: Span,
    /// The literal that it comes from, if it is there for nothing else.
    pub slot: Option<Slot>,
    /// It was made of what the program is started with.
    pub started: bool,
    /// It is another one if something outside says so.
    pub unless: Vec<Outside>,
}

impl<O: Clone + PartialEq> Value<O> {
    pub fn new(thing: Thing<O>, at: Span) -> Self {
        Self { thing, at, slot: None, started: false, unless: Vec::new() }
    }

    pub fn unknown(why: impl Into<String>, at: Span) -> Self {
        Self::new(Thing::Unknown(why.into()), at)
    }

    pub fn number(&self) -> Option<i64> {
        match self.thing {
            Thing::Number(number) => Some(number),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.thing {
            Thing::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Another thing that was made of this one alone.
    pub fn becomes(self, thing: Thing<O>) -> Self {
        Self { thing, ..self }
    }

    pub fn and_unless(mut self, more: &[Outside]) -> Self {
        for outside in more {
            if !self.unless.contains(outside) {
                self.unless.push(outside.clone());
            }
        }
        self
    }

    /// Why it is not known, if it is not.
    pub fn why_unknown(&self) -> Option<String> {
        match &self.thing {
            Thing::Unknown(why) => Some(why.clone()),
            Thing::Outside(Outside::Argument) => Some("it is an argument of the program".to_owned()),
            Thing::Outside(Outside::Variable(name)) => {
                Some(format!("it is what {name} is in the environment"))
            }
            Thing::Outside(Outside::Property(name)) => Some(format!("it is what the property {name} is")),
            Thing::Outside(Outside::Setting(name)) => {
                Some(format!("it is what the configuration says of {name}"))
            }
            _ => None,
        }
    }

    /// Of several values that it may have the one that holds as long as nothing outside says otherwise.
    pub fn agreed(values: Vec<Self>, name: &str) -> Option<Self> {
        let is_told = |value: &Self| value.started && value.why_unknown().is_none();
        let (told, others): (Vec<_>, Vec<_>) = values.into_iter().partition(is_told);
        match Self::alike(others, name) {
            // What is told takes the place of what holds without it.
            Some(other) if told.is_empty() || matches!(other.thing, Thing::Unknown(_)) => Some(other),
            _ => Self::alike(told, name),
        }
    }

    /// The same of values of which none takes another's place: what several callers give.
    pub fn alike(values: Vec<Self>, name: &str) -> Option<Self> {
        let (outside, values): (Vec<_>, Vec<_>) =
            values.into_iter().partition(|value| matches!(value.thing, Thing::Outside(_)));
        let mut rest = values.into_iter();
        let Some(first) = rest.next() else { return outside.into_iter().next() };
        let mut agreed = first;
        for value in rest {
            if matches!(agreed.thing, Thing::Unknown(_)) {
                break;
            }
            agreed = match &value.thing {
                Thing::Unknown(_) => value,
                thing if *thing == agreed.thing => agreed.and_unless(&value.unless),
                _ => Value::unknown(format!("`{name}` has several values"), value.at),
            };
        }
        for value in outside {
            agreed = agreed.and_unless(&value.unless);
            if let Thing::Outside(outside) = value.thing {
                agreed = agreed.and_unless(&[outside]);
            }
        }
        Some(agreed)
    }
}
