//! Values of a lighttpd.conf: strings, numbers and lists, what `+` makes of two, and what an option takes for a number.

use std::rc::Rc;

use crate::syntax::number::{int, strtol};
use crate::text::{HashMap, Span};

#[derive(Debug, Clone)]
pub enum Data {
    Text(Rc<str>),
    /// A C int.
    Number(i32),
    List(Rc<List>),
    /// What the tree does not tell.
    Open,
}

#[derive(Debug, Clone)]
pub struct Value {
    pub data: Data,
    /// The expression.
    pub at: Span,
    /// The text that is the value, nothing added to it, without quotes.
    pub literal: Option<Span>,
}

impl Value {
    pub fn open(at: Span) -> Self {
        Self { data: Data::Open, at, literal: None }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn list(&self) -> Option<&List> {
        match &self.data {
            Data::List(list) => Some(list),
            _ => None,
        }
    }

    pub fn is_open(&self) -> bool {
        matches!(self.data, Data::Open)
    }
}

/// What a member of a list costs, as bytes do: about what it takes of memory.
pub(super) const MEMBER: usize = 64;

#[derive(Debug, Clone)]
pub struct Item {
    pub key: Option<Rc<str>>,
    pub value: Value,
}

/// A list, of which some members may have keys; these are the same in either case of letters (array_keycmp in src/array.c).
#[derive(Debug, Clone, Default)]
pub struct List {
    pub items: Vec<Item>,
    keys: HashMap<String, usize>,
    /// Behind its opening parenthesis, where it is written out.
    pub inside: Option<Span>,
}

impl List {
    pub fn of(inside: Span) -> Self {
        Self { inside: Some(inside), ..Self::default() }
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        let index = self.keys.get(&key.to_ascii_lowercase())?;
        self.items.get(*index).map(|item| &item.value)
    }

    /// `false` where there is one of this key already.
    pub fn add(&mut self, item: Item) -> bool {
        if let Some(key) = &item.key {
            let key = key.to_ascii_lowercase();
            if self.keys.contains_key(&key) {
                return false;
            }
            self.keys.insert(key, self.items.len());
        }
        self.items.push(item);
        true
    }
}

/// What `+` makes of two values (configparser_merge_data in src/configparser.y), and what it costs.
pub(super) fn merge(first: Data, second: &Data) -> Result<(Data, usize), String> {
    let text = |text: String| {
        let cost = text.len();
        Ok((Data::Text(text.into()), cost))
    };
    match (first, second) {
        (Data::Open, _) | (_, Data::Open) => Ok((Data::Open, 0)),
        (Data::Text(a), Data::Text(b)) => text(format!("{a}{b}")),
        (Data::Text(a), Data::Number(b)) => text(format!("{a}{b}")),
        (Data::Number(a), Data::Text(b)) => text(format!("{a}{b}")),
        (Data::Number(a), Data::Number(b)) => Ok((Data::Number(a.wrapping_add(*b)), 0)),
        (Data::List(a), Data::List(b)) => {
            let copied = if Rc::strong_count(&a) > 1 { a.items.len() } else { 0 };
            let mut all = Rc::unwrap_or_clone(a);
            for item in &b.items {
                let key = item.key.clone();
                let same = key.as_ref().and_then(|key| all.get(key)).is_some_and(|it| equal(it, &item.value));
                if !same && !all.add(item.clone()) {
                    return Err(format!("Duplicate array-key '{}'", key.unwrap_or_default()));
                }
            }
            Ok((Data::List(Rc::new(all)), (copied + b.items.len()).saturating_mul(MEMBER)))
        }
        _ => Err("data type mismatch, cannot merge".into()),
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    match (&a.data, &b.data) {
        (Data::Text(a), Data::Text(b)) => a == b,
        (Data::Number(a), Data::Number(b)) => a == b,
        _ => false,
    }
}

/// What an option takes a value for (config_plugin_values_init_block in src/configfile-glue.c): `None` where it is not known,
/// an error where lighttpd refuses it.
pub type Taken<T> = Result<Option<T>, String>;

/// T_CONFIG_SHORT: a number is cut to 16 bits, a string must fit.
pub fn short(key: &str, value: &Value) -> Taken<u16> {
    match &value.data {
        Data::Open => Ok(None),
        Data::Number(number) => Ok(Some(low_half(*number))),
        Data::Text(text) => match strtol(text, 10).and_then(|number| u16::try_from(number).ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(format!("got a string but expected a short: {key} {text}")),
        },
        Data::List(_) => Err(format!("unexpected type for key: {key}, expected a short integer")),
    }
}

fn low_half(number: i32) -> u16 {
    let [low, high, ..] = number.to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// T_CONFIG_INT: an unsigned int, which becomes an int again.
pub fn integer(key: &str, value: &Value) -> Taken<i64> {
    match &value.data {
        Data::Open => Ok(None),
        Data::Number(number) => Ok(Some(i64::from(*number))),
        Data::Text(text) => match strtol(text, 10).filter(|number| *number >= 0) {
            Some(number) => Ok(Some(i64::from(int(number)))),
            None => Err(format!("got a string but expected an integer: {key} {text}")),
        },
        Data::List(_) => Err(format!("unexpected type for key: {key}, expected an integer")),
    }
}

/// T_CONFIG_BOOL.
pub fn boolean(key: &str, value: &Value) -> Taken<bool> {
    let word = match &value.data {
        Data::Open => return Ok(None),
        Data::Number(number) => return Ok(Some(*number != 0)),
        Data::Text(text) => text.to_ascii_lowercase(),
        Data::List(_) => String::new(),
    };
    match word.as_str() {
        "enable" | "enabled" | "true" | "1" => Ok(Some(true)),
        "disable" | "disabled" | "false" | "0" => Ok(Some(false)),
        _ => Err(format!("unexpected type for key: {key} (string) \"(enable|disable)\"")),
    }
}

/// T_CONFIG_STRING.
pub fn string<'v>(key: &str, value: &'v Value) -> Taken<&'v str> {
    match &value.data {
        Data::Open => Ok(None),
        Data::Text(text) => Ok(Some(text)),
        Data::Number(_) | Data::List(_) => Err(format!("{key} should have been a string like ... = \"...\"")),
    }
}
