//! A `bind` line: its addresses and those of its parameters that decide about queues.

use super::address::{self, Address, Resolve};
use super::keywords::Keywords;
use super::words::{self, Line};
use crate::syntax::refusal::Refusal;
use crate::text::{Slot, Span, Text};

/// A number as HAProxy reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Nothing, where a variable of it or the condition that it stands under is not known.
    pub get: Option<i64>,
    pub at: Span,
    /// It is written as it counts.
    pub slot: Option<Slot>,
}

impl Number {
    pub fn of(word: &Text) -> Self {
        let get = (!word.is_open()).then(|| words::number(word.as_str()));
        let spelt = word.exact().is_some() && get.is_some_and(|get| word.as_str() == get.to_string());
        Self { get, at: word.span(), slot: spelt.then(|| Slot::replace(word.span())) }
    }

    /// What stands under a condition that is not known is not known either.
    pub fn unless(self, maybe: Option<Span>) -> Self {
        match maybe {
            Some(_) => Self { get: None, slot: None, ..self },
            None => self,
        }
    }
}

/// How many sockets each address gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shards {
    Number(i64),
    ByThread,
    ByGroup,
    Unknown,
}

impl Shards {
    pub fn of(word: &Text) -> Self {
        match word.as_str() {
            _ if word.is_open() => Shards::Unknown,
            "by-thread" => Shards::ByThread,
            "by-group" => Shards::ByGroup,
            "by-process" => Shards::Number(1),
            number => Shards::Number(words::number(number)),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Bind {
    pub at: Span,
    /// The word with the addresses.
    pub written: Span,
    /// Nothing, where they are not known.
    pub addresses: Option<Vec<Address>>,
    pub backlog: Option<Number>,
    pub maxconn: Option<Number>,
    pub shards: Option<Shards>,
    /// It runs on these threads only.
    pub threads: Option<Text>,
    pub v6_only: bool,
    /// The network namespace that it listens in.
    pub namespace: Option<Text>,
    /// The network interface that it is bound to.
    pub interface: Option<Text>,
    /// Where ` backlog N` fits.
    pub room: Option<Slot>,
    /// The line of the condition that it depends on.
    pub maybe: Option<Span>,
}

impl Bind {
    /// An address without parameters.
    pub fn bare(at: Span, addresses: Option<Vec<Address>>) -> Self {
        Self {
            at,
            written: at,
            addresses,
            backlog: None,
            maxconn: None,
            shards: None,
            threads: None,
            v6_only: false,
            namespace: None,
            interface: None,
            room: None,
            maybe: None,
        }
    }

    /// How many of so many threads it runs on; nothing where it names some that are not there.
    pub fn threads_of(&self, all: i64) -> Option<i64> {
        let Some(word) = &self.threads else { return Some(all) };
        let set = word.as_str().rsplit('/').next().filter(|_| !word.is_open())?;
        let (low, high) = match set {
            "all" => (1, all),
            "odd" => return Some((all + 1) / 2),
            "even" => return Some(all / 2),
            set => {
                let (low, high) = set.split_once('-').unwrap_or((set, set));
                (words::number(low), words::number(high))
            }
        };
        (1 <= low && low <= high && high <= all).then(|| high - low + 1)
    }
}

/// What a `bind` is read with.
pub struct Reader<'a> {
    pub resolve: Resolve<'a>,
    pub keywords: &'a Keywords<'a>,
    /// Of `unix-bind`.
    pub prefix: &'a str,
}

impl Reader<'_> {
    /// Reads the addresses at word `first` of a line and the parameters behind.
    pub fn read(&self, line: &Line, first: usize) -> Result<Bind, Refusal> {
        let Some(written) = line.words.get(first) else {
            return Err(Refusal::new("expects an address or a path", line.at));
        };
        let text = if written.is_open() { None } else { line.environment.expand(written.as_str()) };
        let refused = |why| Refusal::new(format!("'bind' : {why}"), written.span());
        let addresses = text.map(|text| self.addresses(&text).map_err(refused)).transpose()?;
        let end = Span { start: line.at.end, ..line.at };
        let mut bind = Bind {
            at: line.at,
            room: line.whole.then(|| Slot::insert(end, " backlog ", "")),
            maybe: line.maybe,
            ..Bind::bare(written.span(), addresses)
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
            all.push(address::to_listen(self.resolve, one, self.prefix)?);
            rest = more;
        }
        if all.is_empty() { Err("it resolves to an empty address".into()) } else { Ok(all) }
    }

    fn parameters(&self, bind: &mut Bind, words: &[Text]) -> Result<(), Refusal> {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let name = word.as_str();
            let refused = |why: String| Refusal::new(why, word.span());
            if word.is_open() {
                // It may be anything, and so may the rest.
                bind.backlog = Some(Number { get: None, at: word.span(), slot: None });
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

    fn parameter(&self, bind: &mut Bind, name: &str, value: &Text) -> Result<(), Refusal> {
        let invalid = |number: i64| Refusal::new(format!("'{name}' : invalid value {number}"), value.span());
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
            "interface" if value.is_open() => bind.addresses = None,
            "interface" => bind.interface = Some(value.clone()),
            "namespace" => bind.namespace = Some(value.clone()),
            _ => {}
        }
        Ok(())
    }
}
