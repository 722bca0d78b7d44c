//! A file's words with one in sight, and the expressions that they make.

use std::rc::Rc;

use super::data::{Data, Item, List, MEMBER, Value, merge};
use super::lex::{Lexer, Release, Token, has_template};
use crate::syntax::number::int;
use crate::syntax::refusal::Refusal;
use crate::text::{SourceId, Span};

/// Lists inside lists; lighttpd's own parser gives up before.
const MAX_DEPTH: usize = 64;

/// Where an expression finds variables, and who pays for what it builds.
pub(super) trait Variables {
    fn variable(&mut self, key: &str, at: Span) -> Result<Value, Refusal>;
    fn pay(&mut self, cost: usize, at: Span) -> Result<(), Refusal>;
}

pub(super) struct Words<'a> {
    lexer: Lexer<'a>,
    seen: Option<(Token<'a>, Span)>,
    /// Whether strings may have placeholders in them.
    templates: bool,
    end: Span,
    /// The first word that lighttpd reads over.
    pub(super) dropped: Option<Span>,
}

impl<'a> Words<'a> {
    pub(super) fn new(source: SourceId, bytes: &'a [u8], release: Release, templates: bool) -> Self {
        let end = Span::new(source, bytes.len()..bytes.len());
        Self {
            lexer: Lexer::new(source, bytes, release, templates),
            seen: None,
            templates,
            end,
            dropped: None,
        }
    }

    pub(super) fn take(&mut self) -> Result<Option<(Token<'a>, Span)>, Refusal> {
        match self.seen.take() {
            Some(seen) => Ok(Some(seen)),
            None => self.lexer.next(),
        }
    }

    fn peek(&mut self) -> Result<Option<&Token<'a>>, Refusal> {
        if self.seen.is_none() {
            self.seen = self.lexer.next()?;
        }
        Ok(self.seen.as_ref().map(|(token, _)| token))
    }

    pub(super) fn take_if(&mut self, wanted: &Token<'_>) -> Result<Option<Span>, Refusal> {
        let is = self.peek()? == Some(wanted);
        Ok(self.seen.take_if(|_| is).map(|(_, at)| at))
    }

    /// The next word that can stand here: lighttpd's parser, which lemon made of a grammar without an error symbol, drops all
    /// words before it without a complaint.
    pub(super) fn find(&mut self, fits: impl Fn(&Token<'a>) -> bool) -> Result<(Token<'a>, Span), Refusal> {
        loop {
            match self.take()? {
                Some((token, at)) if fits(&token) => return Ok((token, at)),
                Some((token, at)) => self.drop(&token, at),
                None => return Err(self.ended()),
            }
        }
    }

    pub(super) fn expect(&mut self, wanted: &Token<'_>) -> Result<Span, Refusal> {
        self.find(|token| token == wanted).map(|(_, at)| at)
    }

    /// A word that cannot stand where it does.
    pub(super) fn drop(&mut self, token: &Token<'_>, at: Span) {
        if !matches!(token, Token::Line | Token::Template) {
            self.dropped.get_or_insert(at);
        }
    }

    pub(super) fn ended(&self) -> Refusal {
        Refusal::new("the file ends in the middle of something", self.end)
    }

    pub(super) fn expression(&mut self, variables: &mut dyn Variables) -> Result<Value, Refusal> {
        self.sum(variables, 0)
    }

    fn sum(&mut self, variables: &mut dyn Variables, depth: usize) -> Result<Value, Refusal> {
        let mut sum = self.value(variables, depth)?;
        while self.take_if(&Token::Plus)?.is_some() {
            let next = self.value(variables, depth)?;
            let at = Span { end: next.at.end, ..sum.at };
            let (data, cost) = merge(sum.data, &next.data).map_err(|why| Refusal::new(why, at))?;
            variables.pay(cost, at)?;
            sum = Value { data, at, literal: None };
        }
        Ok(sum)
    }

    fn value(&mut self, variables: &mut dyn Variables, depth: usize) -> Result<Value, Refusal> {
        let templates = self.templates;
        Ok(match self.find(begins_value)? {
            (Token::Key(key), at) => Value { at, ..variables.variable(key, at)? },
            (Token::Text(text), at) if !(templates && has_template(&text)) => {
                let literal = Some(Span { start: at.start + 1, end: at.end.saturating_sub(1), ..at });
                Value { data: Data::Text(text.into()), at, literal }
            }
            (Token::Number(digits), at) => {
                let refusal = |_| Refusal::new(format!("error parsing number: '{digits}'"), at);
                let number: i64 = digits.parse().map_err(refusal)?;
                Value { data: Data::Number(int(number)), at, literal: Some(at) }
            }
            (Token::Open, at) => self.list(variables, at, depth + 1)?,
            (_, at) => Value::open(at),
        })
    }

    fn list(&mut self, variables: &mut dyn Variables, open: Span, depth: usize) -> Result<Value, Refusal> {
        if depth > MAX_DEPTH {
            return Err(Refusal::new("lists in lists are nested too deeply", open));
        }
        let mut list = List::of(Span { start: open.end, ..open });
        // At the beginning and behind a comma there may be a member.
        let mut member = true;
        let close = loop {
            match self.take()? {
                Some((Token::Close, at)) => break at,
                Some((Token::Comma, _)) if !list.items.is_empty() => member = true,
                Some(seen) if member && begins_value(&seen.0) => {
                    self.seen = Some(seen);
                    let item = self.member(variables, depth)?;
                    let (at, key) = (item.value.at, item.key.clone().unwrap_or_default());
                    variables.pay(MEMBER, at)?;
                    if !list.add(item) {
                        return Err(Refusal::new(format!("duplicate array-key: {key}"), at));
                    }
                    member = false;
                }
                Some((token, at)) => {
                    member = list.items.is_empty();
                    self.drop(&token, at);
                }
                None => return Err(self.ended()),
            }
        };
        Ok(Value { data: Data::List(Rc::new(list)), at: Span { end: close.end, ..open }, literal: None })
    }

    fn member(&mut self, variables: &mut dyn Variables, depth: usize) -> Result<Item, Refusal> {
        let first = self.sum(variables, depth)?;
        Ok(match self.take_if(&Token::Arrow)? {
            Some(_) => Item { key: Some(key(&first)?), value: self.sum(variables, depth)? },
            None => Item { key: None, value: first },
        })
    }
}

fn begins_value(token: &Token<'_>) -> bool {
    matches!(token, Token::Key(_) | Token::Text(_) | Token::Number(_) | Token::Open | Token::Template)
}

/// A value as a key, a path or a command (`stringop` of the grammar). What is not known is no key of ours.
pub(super) fn key(value: &Value) -> Result<Rc<str>, Refusal> {
    match &value.data {
        Data::Text(text) => Ok(Rc::clone(text)),
        Data::Number(number) => Ok(number.to_string().into()),
        Data::Open => Ok("".into()),
        Data::List(_) => Err(Refusal::new("operand must be string", value.at)),
    }
}
