//! A `bind` line: its addresses and those of its parameters that decide about queues.

use super::super::Ground;
use super::address::{self, Address};
use super::environment::Environment;
use super::keywords::Keywords;
use super::words::{self, Line};
use crate::model::Word;
use crate::text::{Slot, Span};

/// A number as HAProxy reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    /// Nothing, where a variable of it or the condition that it stands under is not known.
    pub(super) get: Option<i64>,
    pub(super) at: Span,
    /// It is written as it counts.
    pub(super) slot: Option<Slot>,
}

impl Number {
    pub(super) fn of(word: &Word) -> Self {
        let get = (!word.open).then(|| words::number(&word.text));
        let spelt = word.exact && get.is_some_and(|get| word.text == get.to_string());
        Self { get, at: word.span, slot: spelt.then(|| Slot::replace(word.span)) }
    }
}

/// How many sockets each address gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shards {
    Number(i64),
    ByThread,
    ByGroup,
    Unknown,
}

impl Shards {
    pub(super) fn of(word: &Word) -> Self {
        match word.text.as_str() {
            _ if word.open => Shards::Unknown,
            "by-thread" => Shards::ByThread,
            "by-group" => Shards::ByGroup,
            "by-process" => Shards::Number(1),
            number => Shards::Number(words::number(number)),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Bind {
    pub(super) at: Span,
    /// The word with the addresses.
    pub(super) written: Span,
    /// Nothing, where they are not known.
    pub(super) addresses: Option<Vec<Address>>,
    pub(super) backlog: Option<Number>,
    pub(super) maxconn: Option<Number>,
    pub(super) shards: Option<Shards>,
    /// It runs on these threads only.
    pub(super) threads: Option<Word>,
    pub(super) v6_only: bool,
    /// The network namespace that it listens in.
    pub(super) namespace: Option<Word>,
    /// Where ` backlog N` fits.
    pub(super) room: Option<Slot>,
    /// The line of the condition that it depends on.
    pub(super) maybe: Option<Span>,
}

/// What is wrong with a line, in HAProxy's words.
pub(super) struct Refused {
    pub(super) what: String,
    pub(super) at: Span,
}

/// What a `bind` is read with.
pub(super) struct Reader<'a> {
    pub(super) ground: Ground<'a>,
    pub(super) keywords: &'a Keywords<'a>,
    pub(super) environment: &'a Environment,
    /// Of `unix-bind`.
    pub(super) prefix: &'a str,
}

impl Reader<'_> {
    /// Reads the addresses at word `first` of a line and the parameters behind.
    pub(super) fn read(&self, line: &Line, first: usize, maybe: Option<Span>) -> Result<Bind, Refused> {
        let refused = |what: String, at: Span| Refused { what, at };
        let Some(written) = line.words.get(first) else {
            return Err(refused("expects an address or a path".into(), line.at));
        };
        let text = match written.open {
            true => None,
            false => self.environment.expand(&written.text),
        };
        let addresses = match text {
            Some(text) => Some(
                self.addresses(&text).map_err(|what| refused(format!("'bind' : {what}"), written.span))?,
            ),
            None => None,
        };
        let end = Span { start: line.at.end, ..line.at };
        let mut bind = Bind {
            at: line.at,
            written: written.span,
            addresses,
            backlog: None,
            maxconn: None,
            shards: None,
            threads: None,
            v6_only: false,
            namespace: None,
            room: line.whole.then(|| Slot::insert(end, " backlog ", "")),
            maybe,
        };
        self.parameters(&mut bind, line.words.get(first + 1..).unwrap_or_default())?;
        Ok(bind)
    }

    fn addresses(&self, text: &str) -> Result<Vec<Address>, String> {
        let mut all = Vec::new();
        // What follows a last comma is not looked at.
        let mut rest = Some(text);
        while let Some(part) = rest.filter(|rest| !rest.is_empty()) {
            let (one, more) = part.split_once(',').map_or((part, None), |(one, more)| (one, Some(more)));
            all.push(address::to_listen(self.ground, one, self.prefix)?);
            rest = more;
        }
        if all.is_empty() { Err("it resolves to an empty address".into()) } else { Ok(all) }
    }

    fn parameters(&self, bind: &mut Bind, words: &[Word]) -> Result<(), Refused> {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let name = word.text.as_str();
            let refused = |what: String| Refused { what, at: word.span };
            if word.open {
                // It may be anything, and so may the rest.
                bind.backlog = Some(Number { get: None, at: word.span, slot: None });
                bind.room = None;
                return Ok(());
            }
            if self.keywords.flags.contains(name) {
                bind.v6_only = (bind.v6_only || name == "v6only") && name != "v4v6";
                continue;
            }
            if !self.keywords.values.contains(name) {
                return Err(refused(format!("unknown keyword '{name}' of 'bind'")));
            }
            let Some(value) = words.next() else {
                return Err(refused(format!("'{name}' : missing value")));
            };
            self.parameter(bind, name, value)?;
        }
        Ok(())
    }

    fn parameter(&self, bind: &mut Bind, name: &str, value: &Word) -> Result<(), Refused> {
        let invalid =
            |number: i64| Refused { what: format!("'{name}' : invalid value {number}"), at: value.span };
        match name {
            "backlog" | "maxconn" => {
                let number = Number::of(value);
                if let Some(negative) = number.get.filter(|number| *number < 0) {
                    return Err(invalid(negative));
                }
                match name {
                    "backlog" => bind.backlog = Some(number),
                    _ => bind.maxconn = Some(number),
                }
            }
            "shards" => match Shards::of(value) {
                Shards::Number(number) if number < 1 => return Err(invalid(number)),
                shards => bind.shards = Some(shards),
            },
            "thread" => bind.threads = Some(value.clone()),
            "namespace" => bind.namespace = Some(value.clone()),
            _ => {}
        }
        Ok(())
    }
}
