//! How lighttpd.conf is written: words, values and what `+` makes of them, conditions with their blocks, includes. Reads a file in
//! lighttpd's order, from the main file through every include, into what each condition sets. It knows no setting.

mod address;
mod data;
mod include;
mod lex;
mod room;
mod words;

use std::path::Path;

use data::merge;
use lex::{Release, Token};
use words::{Variables, Words};

use super::refusal::Refusal;
use super::start::Start;
use crate::text::{HashMap, HashSet, SourceId, Sources, Span, Tree, deeper, over};

pub use address::normalize;
pub use data::{Data, Item, List, Taken, Value, boolean, integer, short, string};
pub use lex::Compare;

/// The conditions that there are: src/configparser.y, configparser_comp_key_id.
const HTTP: [&str; 13] = [
    "url",
    "host",
    "referer",
    "useragent",
    "user-agent",
    "language",
    "cookie",
    "remoteip",
    "remote-ip",
    "querystring",
    "query-string",
    "request-method",
    "scheme",
];

/// Blocks inside blocks.
const MAX_DEPTH: usize = 64;
/// Words that are read, members and bytes that are put together: more than anybody has.
const MAX_WORK: usize = 1 << 23;

/// What a setting was set to.
#[derive(Debug, Clone)]
pub struct Entry {
    pub value: Value,
    /// From its name to the end of its value.
    pub at: Span,
}

/// The global scope, or a condition and what it sets.
#[derive(Debug, Default)]
pub struct Scope {
    pub parent: Option<usize>,
    /// What is compared with `$SERVER["socket"]`, and how.
    pub socket: Option<(Compare, Value)>,
    entries: HashMap<String, Entry>,
    /// The block of an `else` without a condition.
    rest: bool,
    /// Behind the brace that opens it first.
    inside: Option<Span>,
    /// Whose it is that nothing in the tree spells out.
    pub assumed: Option<String>,
}

impl Scope {
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }
}

/// What is known before the first line is read.
#[derive(Debug)]
pub struct Given<'a> {
    pub sources: &'a Sources,
    pub tree: &'a Tree,
    pub main: SourceId,
    pub start: Start,
    /// The folder of the main file, by the name that it is opened by.
    pub home: &'a Path,
    pub version: Option<[u16; 3]>,
    /// The variables of the environment that lighttpd is started in.
    pub environment: HashMap<String, Value>,
    /// In a repository the main file will be put into the folder of one of these.
    pub repository: bool,
    pub places: &'a [String],
    /// Scripts for include_shell that print nothing that matters.
    pub quiet: Vec<&'a str>,
}

/// A lighttpd.conf as far as it was read.
#[derive(Debug)]
pub struct Config<'a> {
    pub given: Given<'a>,
    /// The global one first.
    pub scopes: Vec<Scope>,
    /// The files that are read because another one includes them.
    pub included: HashSet<SourceId>,
    /// What lighttpd reads and the tree does not have: what is said of it, and where it is included.
    pub unknown: Vec<(String, Span)>,
    /// The first word that lighttpd reads over.
    pub dropped: Option<Span>,
    known: HashMap<(usize, String), usize>,
    /// The last statement of the main file that sets something for the whole server.
    last: Option<Span>,
    release: Release,
    includes: usize,
    work: usize,
    current: usize,
}

/// A block that is being read.
struct Frame {
    /// The scope around it.
    back: usize,
    global: bool,
}

impl<'a> Config<'a> {
    /// Reads it from the main file on, to its end or to what lighttpd refuses.
    pub fn read(given: Given<'a>) -> (Self, Result<(), Refusal>) {
        let (main, release) = (given.main, Release::of(given.version));
        let mut config = Self {
            given,
            scopes: vec![Scope::default()],
            included: HashSet::default(),
            unknown: Vec::new(),
            dropped: None,
            known: HashMap::default(),
            last: None,
            release,
            includes: 0,
            work: 0,
            current: 0,
        };
        let read = config.file(main, 0);
        (config, read)
    }

    /// Reads a file in the scope that it is included in.
    fn file(&mut self, source: SourceId, depth: usize) -> Result<(), Refusal> {
        let bytes = self.given.sources.bytes(source);
        let mut words = Words::new(source, bytes, self.release, self.given.start != Start::Installed);
        let mut frames: Vec<Frame> = Vec::new();
        while let Some((token, at)) = words.take()? {
            self.pay(1, at)?;
            match token {
                Token::Line => {}
                Token::Key(key) => self.assign(&mut words, key, at)?,
                Token::Global => {
                    words.expect(&Token::Left)?;
                    frames.push(Frame { back: self.current, global: true });
                    self.current = 0;
                }
                Token::Dollar => {
                    let scope = self.condition(&mut words, at)?;
                    self.enter(&mut words, &mut frames, scope)?;
                }
                Token::Right if !frames.is_empty() => {
                    let closed = self.current;
                    if let Some(frame) = frames.pop() {
                        self.current = frame.back;
                        if !frame.global {
                            self.after(&mut words, &mut frames, closed)?;
                        }
                    }
                }
                Token::Include => self.include(&mut words, at, depth)?,
                Token::IncludeShell => self.shell(&mut words, at, depth)?,
                other => words.drop(&other, at),
            }
            if frames.len() > MAX_DEPTH {
                return Err(Refusal::ours(deeper("nested blocks", MAX_DEPTH), at));
            }
        }
        self.dropped = self.dropped.or(words.dropped);
        if frames.is_empty() { Ok(()) } else { Err(words.ended()) }
    }

    /// `key = value`, `key := value` and `key += value`.
    fn assign(&mut self, words: &mut Words<'a>, key: &str, at: Span) -> Result<(), Refusal> {
        let assigns = |token: &Token<'_>| matches!(token, Token::Assign | Token::Force | Token::Append);
        let (operator, _) = words.find(assigns)?;
        let value = words.expression(self)?;
        if key.starts_with("env.") {
            return Err(Refusal::new("Setting env variable is not supported", at));
        }
        let key = full(key);
        let at = Span { end: value.at.end, ..at };
        let entry = match operator {
            Token::Assign if self.entries().contains_key(&key) => {
                return Err(Refusal::new(format!("Duplicate config variable: {key}"), at));
            }
            Token::Append => Entry { value: self.append(&key, value, at)?, at },
            _ => Entry { value, at },
        };
        if self.current == 0 && at.source == self.given.main {
            self.last = Some(at);
        }
        self.entries().insert(key, entry);
        Ok(())
    }

    fn entries(&mut self) -> &mut HashMap<String, Entry> {
        let current = self.current.min(self.scopes.len() - 1);
        #[expect(clippy::indexing_slicing, reason = "the global scope is always there")]
        &mut self.scopes[current].entries
    }

    fn append(&mut self, key: &str, value: Value, at: Span) -> Result<Value, Refusal> {
        let own = self.entries().remove(key).map(|entry| entry.value);
        let Some(before) = own.or_else(|| self.lookup(key)) else { return Ok(value) };
        let (data, cost) = merge(before.data, &value.data).map_err(|why| Refusal::new(why, at))?;
        self.pay(cost, at)?;
        Ok(Value { data, at: value.at, literal: None })
    }

    fn lookup(&self, key: &str) -> Option<Value> {
        let mut next = Some(self.current);
        while let Some(scope) = next.and_then(|index| self.scopes.get(index)) {
            if let Some(entry) = scope.entries.get(key) {
                return Some(entry.value.clone());
            }
            next = scope.parent;
        }
        None
    }

    /// `$SERVER["socket"] == "..."`, after its first sign.
    fn condition(&mut self, words: &mut Words<'a>, at: Span) -> Result<usize, Refusal> {
        let (object, _) = words.find(|token| matches!(token, Token::Object(_)))?;
        let Token::Object(object) = object else { return Err(words.ended()) };
        words.expect(&Token::LeftBracket)?;
        let field = words.expression(self)?;
        words.expect(&Token::RightBracket)?;
        let (compare, _) = words.find(|token| matches!(token, Token::Compare(_)))?;
        let Token::Compare(compare) = compare else { return Err(words.ended()) };
        let value = words.expression(self)?;
        let field = field.text().unwrap_or_default();
        let is_socket = object == "SERVER" && field == "socket";
        if !is_socket && object != "REQUEST_HEADER" && !(object == "HTTP" && HTTP.contains(&field)) {
            return Err(Refusal::new(format!("error comp_key ${object}[\"{field}\"]"), at));
        }
        match &value.data {
            Data::Text(_) | Data::Open => {}
            _ => return Err(Refusal::new("rvalue must be string", value.at)),
        }
        let subject = format!("${object}[\"{field}\"]");
        Ok(self.scope(&subject, compare, value, is_socket))
    }

    /// The scope of a condition: the same words at the same place are one.
    fn scope(&mut self, subject: &str, compare: Compare, value: Value, is_socket: bool) -> usize {
        let name = name_of(subject, compare, &value);
        let new = self.scopes.len();
        let index = *self.known.entry((self.current, name)).or_insert(new);
        if index == new {
            let socket = is_socket.then_some((compare, value));
            self.scopes.push(Scope { parent: Some(self.current), socket, ..Scope::default() });
        }
        index
    }

    fn enter(&mut self, words: &mut Words<'a>, frames: &mut Vec<Frame>, scope: usize) -> Result<(), Refusal> {
        let brace = words.expect(&Token::Left)?;
        if self.current == 0 && frames.last().is_some_and(|frame| frame.global) {
            let why = "Cannot use conditionals inside a global { ... } block";
            return Err(Refusal::new(why, brace));
        }
        frames.push(Frame { back: self.current, global: false });
        self.current = scope;
        if let Some(scope) = self.scopes.get_mut(scope) {
            scope.inside.get_or_insert(Span { start: brace.end, ..brace });
        }
        Ok(())
    }

    /// What may follow the block of a condition: `else` and another one, or a block for the rest.
    fn after(
        &mut self,
        words: &mut Words<'a>,
        frames: &mut Vec<Frame>,
        closed: usize,
    ) -> Result<(), Refusal> {
        words.take_if(&Token::Line)?;
        let Some(at) = words.take_if(&Token::Else)? else { return Ok(()) };
        let scope = match words.take_if(&Token::Dollar)? {
            Some(at) => self.condition(words, at)?,
            None => {
                let new = self.scopes.len();
                self.scopes.push(Scope { parent: Some(self.current), rest: true, ..Scope::default() });
                new
            }
        };
        // A condition that stood before, or one behind a block for the rest.
        if scope <= closed || self.scopes.get(closed).is_some_and(|closed| closed.rest) {
            return Err(Refusal::new("unreachable else condition", at));
        }
        self.enter(words, frames, scope)
    }
}

/// A name without a dot is a variable's (`key` of the grammar); names are the same in either case of letters.
fn full(key: &str) -> String {
    match key.contains('.') {
        true => key.to_ascii_lowercase(),
        false => format!("var.{}", key.to_ascii_lowercase()),
    }
}

fn name_of(subject: &str, compare: Compare, value: &Value) -> String {
    match value.text() {
        Some(text) => format!("{subject} {compare:?} {text}").to_ascii_lowercase(),
        // Two that are not known need not be the same.
        None => format!("{subject} {compare:?} {:?}", value.at),
    }
}

impl Variables for Config<'_> {
    fn variable(&mut self, key: &str, at: Span) -> Result<Value, Refusal> {
        if let Some(name) = key.strip_prefix("env.") {
            return Ok(self.given.environment.get(name).cloned().unwrap_or(Value::open(at)));
        }
        let key = full(key);
        match self.lookup(&key) {
            Some(value) => Ok(value),
            None if matches!(key.as_str(), "var.cwd" | "var.pid") => Ok(Value::open(at)),
            None if self.is_whole() => Err(Refusal::new(format!("Undefined config variable: {key}"), at)),
            None => Ok(Value::open(at)),
        }
    }

    fn pay(&mut self, cost: usize, at: Span) -> Result<(), Refusal> {
        self.work = self.work.saturating_add(cost);
        match self.work > MAX_WORK {
            true => Err(Refusal::ours(over("words and bytes that are put together", MAX_WORK), at)),
            false => Ok(()),
        }
    }
}

impl Config<'_> {
    /// Whether everything that lighttpd reads has been read so far.
    pub fn is_whole(&self) -> bool {
        self.given.start != Start::Fragment && self.unknown.is_empty()
    }
}
