//! `.if` blocks: what their conditions come to, as far as the files tell (src/cfgcond.c).

use super::environment::{Environment, Known};
use crate::text::Span;

/// Blocks in each other (MAXNESTEDCONDS).
const MAX_DEPTH: usize = 16;

/// Parentheses in each other; HAProxy itself goes on to 1,024 (MAX_CFG_RECURSION).
pub(super) const MAX_PARENTHESES: u32 = 16;

/// What stands before `(` in a condition. The rest depends on how HAProxy was built.
const PREDICATES: [&str; 14] = [
    "defined",
    "feature",
    "streq",
    "strneq",
    "strstr",
    "version_atleast",
    "version_before",
    "openssl_version_atleast",
    "openssl_version_before",
    "ssllib_name_startswith",
    "awslc_api_atleast",
    "awslc_api_before",
    "enabled",
    "fips_mode",
];

/// Why a condition cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unparsable {
    /// By HAProxy either.
    Faulty,
    /// By us alone.
    TooDeep,
}

/// What a condition is judged on.
pub(super) struct Judge<'a> {
    pub(super) environment: &'a Environment,
    pub(super) version: Option<[u16; 3]>,
}

impl Judge<'_> {
    /// Whether it holds; nothing where the files do not tell. An empty one does not hold.
    pub(super) fn holds(&self, text: &str) -> Result<Option<bool>, Unparsable> {
        if text.trim().is_empty() {
            return Ok(Some(false));
        }
        let (value, rest) = self.either(text, 0)?;
        if rest.trim().is_empty() { Ok(value) } else { Err(Unparsable::Faulty) }
    }

    fn either<'t>(&self, text: &'t str, depth: u32) -> Result<(Option<bool>, &'t str), Unparsable> {
        let (mut value, mut rest) = self.both(text, depth)?;
        while let Some(more) = rest.trim_start().strip_prefix("||") {
            let (next, after) = self.both(more, depth)?;
            value = match (value, next) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            };
            rest = after;
        }
        Ok((value, rest))
    }

    fn both<'t>(&self, text: &'t str, depth: u32) -> Result<(Option<bool>, &'t str), Unparsable> {
        let (mut value, mut rest) = self.term(text, depth)?;
        while let Some(more) = rest.trim_start().strip_prefix("&&") {
            let (next, after) = self.term(more, depth)?;
            value = match (value, next) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
            rest = after;
        }
        Ok((value, rest))
    }

    fn term<'t>(&self, text: &'t str, depth: u32) -> Result<(Option<bool>, &'t str), Unparsable> {
        let mut rest = text.trim_start();
        let mut negative = false;
        while let Some(after) = rest.strip_prefix('!') {
            negative = !negative;
            rest = after.trim_start();
        }
        let (value, rest) = match rest.strip_prefix('(') {
            Some(_) if depth >= MAX_PARENTHESES => return Err(Unparsable::TooDeep),
            Some(inner) => {
                let (value, rest) = self.either(inner, depth + 1)?;
                (value, rest.trim_start().strip_prefix(')').ok_or(Unparsable::Faulty)?)
            }
            None => self.plain(rest)?,
        };
        Ok((value.map(|value| value != negative), rest))
    }

    /// A number or a predicate.
    fn plain<'t>(&self, text: &'t str) -> Result<(Option<bool>, &'t str), Unparsable> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 {
            let (number, rest) = text.split_at_checked(digits).ok_or(Unparsable::Faulty)?;
            return Ok((Some(number.bytes().any(|digit| digit != b'0')), rest));
        }
        let end = text.find(['(', ' ']).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end).ok_or(Unparsable::Faulty)?;
        if !PREDICATES.contains(&name) {
            return Err(Unparsable::Faulty);
        }
        match rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            Some((arguments, rest)) => Ok((self.predicate(name, arguments), rest)),
            None if name == "fips_mode" => Ok((None, rest)),
            None => Err(Unparsable::Faulty),
        }
    }

    fn predicate(&self, name: &str, arguments: &str) -> Option<bool> {
        // Quoting inside arguments is a grammar of its own.
        if arguments.contains(['\\', '"', '\'', ' ']) {
            return None;
        }
        let (first, second) = arguments.split_once(',').unwrap_or((arguments, ""));
        match name {
            "defined" => match self.environment.get(first) {
                Known::Set(_) => Some(true),
                Known::Unset => Some(false),
                Known::Unknown => None,
            },
            "streq" => Some(first == second),
            "strneq" => Some(first != second),
            "strstr" => Some(first.contains(second)),
            "version_atleast" => Some(self.version? >= version(first)?),
            "version_before" => Some(self.version? < version(first)?),
            _ => None,
        }
    }
}

/// The numbers that a version starts with: `2.4-dev3` is 2.4.0.
pub(super) fn version(text: &str) -> Option<[u16; 3]> {
    let mut parts = text.splitn(3, '.').map(|part| part.split(|c: char| !c.is_ascii_digit()).next());
    let mut number = || parts.next()??.parse().ok();
    Some([number()?, number()?, number().unwrap_or(0)])
}

/// What counts at a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Now {
    On,
    Off,
    /// The condition is not known; its line.
    Maybe(Span),
}

/// One `.if` and how far it has come.
#[derive(Debug)]
struct Block {
    now: Now,
    /// A branch was taken for certain.
    taken: bool,
    maybe: Option<Span>,
    last: bool,
}

/// The blocks that a line stands in.
#[derive(Debug, Default)]
pub(super) struct Blocks(Vec<Block>);

impl Blocks {
    pub(super) fn now(&self) -> Now {
        let mut maybe = None;
        for block in &self.0 {
            match block.now {
                Now::Off => return Now::Off,
                Now::Maybe(at) => maybe = Some(at),
                Now::On => {}
            }
        }
        maybe.map_or(Now::On, Now::Maybe)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn open(
        &mut self,
        at: Span,
        holds: impl FnOnce() -> Result<Option<bool>, Unparsable>,
    ) -> Result<(), &'static str> {
        if self.0.len() + 1 >= MAX_DEPTH {
            return Err("too many nested '.if'");
        }
        let mut block = Block { now: Now::Off, taken: false, maybe: None, last: false };
        match self.now() {
            Now::Off => block.taken = true,
            _ => block.branch(at, holds().map_err(|_| "unparsable conditional expression")?),
        }
        self.0.push(block);
        Ok(())
    }

    pub(super) fn other(
        &mut self,
        at: Span,
        holds: impl FnOnce() -> Result<Option<bool>, Unparsable>,
    ) -> Result<(), &'static str> {
        let block = self.0.last_mut().ok_or("lone '.elif' with no matching '.if'")?;
        match block {
            Block { last: true, .. } => return Err("'.elif' after '.else' is not permitted"),
            Block { taken: true, .. } => block.now = Now::Off,
            _ => block.branch(at, holds().map_err(|_| "unparsable conditional expression")?),
        }
        Ok(())
    }

    pub(super) fn otherwise(&mut self, at: Span) -> Result<(), &'static str> {
        let block = self.0.last_mut().ok_or("lone '.else' with no matching '.if'")?;
        match block.last {
            true => return Err("'.else' after '.else' is not permitted"),
            false if block.taken => block.now = Now::Off,
            false => block.branch(at, Some(true)),
        }
        block.last = true;
        Ok(())
    }

    pub(super) fn close(&mut self) -> Result<(), &'static str> {
        self.0.pop().map(|_| ()).ok_or("lone '.endif' with no matching '.if'")
    }
}

impl Block {
    fn branch(&mut self, at: Span, holds: Option<bool>) {
        self.taken |= holds == Some(true);
        self.now = match (holds, self.maybe) {
            (Some(false), _) => Now::Off,
            (Some(true), None) => Now::On,
            (Some(true), Some(before)) => Now::Maybe(before),
            (None, _) => Now::Maybe(at),
        };
        if holds.is_none() {
            self.maybe.get_or_insert(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_hold_do_not_or_are_not_known() {
        let mut environment = Environment::new(true);
        environment.set("A", "1", false);
        environment.forget("B");
        let judge = Judge { environment: &environment, version: Some([2, 6, 12]) };
        let known = Some;
        for (text, seen) in [
            ("", Ok(known(false))),
            ("1", Ok(known(true))),
            ("0", Ok(known(false))),
            ("defined(A)", Ok(known(true))),
            ("!defined(C)", Ok(known(true))),
            ("defined(B)", Ok(None)),
            ("defined(B) && 0", Ok(known(false))),
            ("defined(B) || 1", Ok(known(true))),
            ("(defined(A) && !0)", Ok(known(true))),
            ("streq(a,a)", Ok(known(true))),
            ("version_atleast(2.4)", Ok(known(true))),
            ("version_before(2.4)", Ok(known(false))),
            ("feature(OPENSSL)", Ok(None)),
            ("what(1)", Err(Unparsable::Faulty)),
            ("defined(A", Err(Unparsable::Faulty)),
            ("1 1", Err(Unparsable::Faulty)),
        ] {
            assert_eq!(judge.holds(text), seen, "{text}");
        }
        assert_eq!(judge.holds(&"(".repeat(100_000)), Err(Unparsable::TooDeep));
    }
}
