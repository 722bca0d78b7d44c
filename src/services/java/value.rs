//! What an expression comes to, as far as the files tell.

use std::fmt;

use crate::model::Endpoint;
use crate::text::{Slot, Span};

/// Who else may decide a value, when the program is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outside {
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

/// A host as java.net.InetAddress has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    Named(String),
    Loopback,
    Unknown(String),
}

/// Where a socket is bound, with what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub endpoint: Endpoint,
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Thing {
    Null,
    Number(i64),
    Text(String),
    Host(Host),
    At(Place),
    /// Given when the program is started.
    Outside(Outside),
    Unknown(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub thing: Thing,
    /// The expression that decides it.
    pub at: Span,
    /// The literal that it comes from, if it is there for nothing else.
    pub slot: Option<Slot>,
    /// It is another one if something outside says so.
    pub unless: Vec<Outside>,
}

impl Value {
    pub(super) fn new(thing: Thing, at: Span) -> Self {
        Self { thing, at, slot: None, unless: Vec::new() }
    }

    pub(super) fn unknown(why: impl Into<String>, at: Span) -> Self {
        Self::new(Thing::Unknown(why.into()), at)
    }

    pub(super) fn number(&self) -> Option<i64> {
        match self.thing {
            Thing::Number(number) => Some(number),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.thing {
            Thing::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Another thing that was made of this one alone.
    pub(super) fn becomes(self, thing: Thing) -> Self {
        Self { thing, ..self }
    }

    pub(super) fn and_unless(mut self, more: &[Outside]) -> Self {
        for outside in more {
            if !self.unless.contains(outside) {
                self.unless.push(outside.clone());
            }
        }
        self
    }

    /// Why it is not known, if it is not.
    pub(super) fn why_unknown(&self) -> Option<String> {
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
    pub(super) fn agreed(values: Vec<Value>, name: &str) -> Option<Value> {
        let (outside, values): (Vec<Value>, Vec<Value>) =
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
