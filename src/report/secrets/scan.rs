//! Finds values by the names that stand before them. Every name of the text is looked at, whatever stands before it, so no key
//! hides another; the text is walked through once.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::names::{self, Weight};
use super::text::{Literal, Mark, Text, is_of_name};
use super::{Voice, below, pairs, value};

static STEMS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(names::STEMS).ok());

/// Words after which a name and a blank give a value: `proxy_set_header Authorization "x"`, `ENV PASSWORD x`.
const HEADS: [&str; 35] = [
    "auth_request_set",
    "add",
    "add-header",
    "add_header",
    "append",
    "arg",
    "declare",
    "define",
    "env",
    "export",
    "fastcgi_param",
    "grpc_set_header",
    "header",
    "header_down",
    "header_up",
    "local",
    "merge",
    "more_set_headers",
    "more_set_input_headers",
    "option",
    "passenv",
    "passenger_env_var",
    "presetenv",
    "proxy_set_header",
    "readonly",
    "replace-header",
    "scgi_param",
    "set",
    "set-env",
    "set-header",
    "set-var",
    "setenv",
    "setifempty",
    "uwsgi_param",
    "uwsgi_set_header",
];

/// Lines that begin so say a user and a password.
const LOGINS: [&str; 8] = ["account", "alter", "create", "login", "machine", "stats", "user", "username"];

pub(super) struct Name {
    pub(super) range: Range<usize>,
    pub(super) weight: Weight,
    /// It is the first word of a line or a statement.
    first: bool,
}

/// Until when all literals are secret.
#[derive(Clone, Copy)]
struct Wide {
    depth: i32,
    /// Brackets may hold it open beyond the line.
    lines: bool,
}

pub(super) struct Scan<'a> {
    pub(super) text: Text<'a>,
    voice: Voice,
    pub(super) found: Vec<Range<usize>>,
    pub(super) at: usize,
    fresh: bool,
    comment: bool,
    login: bool,
    quote: Option<Mark>,
    wide: Option<Wide>,
}

/// The places in the text that hold what is given to names of secrets.
pub(super) fn scan(text: &[u8], voice: Voice) -> Vec<Range<usize>> {
    let Some(stems) = STEMS.as_ref() else { return Vec::new() };
    let mut stems = stems.find_iter(text).map(|stem| stem.start()).peekable();
    if stems.peek().is_none() {
        return Vec::new();
    }
    let text = Text(text);
    let mut scan = Scan {
        text,
        voice,
        found: Vec::new(),
        at: 0,
        fresh: true,
        comment: false,
        login: false,
        quote: None,
        wide: None,
    };
    while scan.at < text.len() {
        while stems.next_if(|stem| *stem < scan.at).is_some() {}
        scan.step(stems.peek().copied().unwrap_or(usize::MAX));
    }
    scan.found
}

impl<'a> Scan<'a> {
    fn step(&mut self, stem: usize) {
        let byte = self.text.byte(self.at);
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            return self.word(stem);
        }
        if let Some(mark) = self.text.mark(self.at) {
            return self.mark(mark);
        }
        match byte {
            b'\n' => self.newline(),
            b'(' | b'[' | b'{' => self.deeper(1),
            b')' | b']' | b'}' => self.deeper(-1),
            b';' if self.fresh && self.wide.is_none() => self.comments(1),
            b',' | b';' => self.ends(),
            b'#' => self.comments(1),
            b'/' if self.text.byte(self.at + 1) == b'/' => self.comments(2),
            b'=' if self.text.byte(self.at + 1) == b'>' && self.is_program() => self.wide = None,
            _ => {}
        }
        self.fresh = match byte {
            b';' | b'{' | b'}' | b'\n' => true,
            b' ' | b'\t' | b'\r' => self.fresh,
            b'-' => self.fresh && self.text.byte(self.at + 1) == b' ',
            b'#' => self.comment && self.fresh,
            _ => false,
        };
        self.at += 1;
    }

    /// An arrow in what a call is given begins a function, whose literals are its own.
    fn is_program(&self) -> bool {
        self.wide.is_some_and(|wide| wide.depth > 0)
    }

    fn newline(&mut self) {
        (self.comment, self.login, self.quote) = (false, false, None);
        if self.wide.is_none() {
            return;
        }
        let goes_on = |byte: u8| matches!(byte, b'|' | b'?' | b'+' | b'=' | b'\\' | b'.');
        let last = self.text.slice(self.at.saturating_sub(80)..self.at).trim_ascii_end().last().copied();
        let next =
            self.text.slice(self.at..self.text.len().min(self.at + 80)).trim_ascii_start().first().copied();
        let on = last.is_some_and(goes_on) || next.is_some_and(goes_on);
        self.wide = self.wide.filter(|wide| on || (wide.depth > 0 && wide.lines));
    }

    fn deeper(&mut self, by: i32) {
        if let Some(wide) = &mut self.wide {
            wide.depth += by;
        }
        self.wide = self.wide.filter(|wide| wide.depth >= 0);
    }

    fn ends(&mut self) {
        self.wide = self.wide.filter(|wide| wide.depth > 0);
    }

    fn comments(&mut self, sign: usize) {
        let apart = self.text.before(self.at).is_ascii_whitespace();
        if apart && self.quote.is_none() && (sign == 2 || self.text.byte(self.at + 1) != b'{') {
            self.comment = true;
        }
    }

    fn mark(&mut self, mark: Mark) {
        self.at = mark.end();
        self.fresh = false;
        let letter = |at: usize| self.text.before(at).is_ascii_alphanumeric();
        let apostrophe =
            self.text.byte(mark.start) == b'\'' && letter(mark.start) && letter(mark.start.saturating_sub(1));
        match self.quote {
            Some(open) if self.text.is_mark(mark.start, open) => self.quote = None,
            _ if self.wide.is_some() && !apostrophe => {
                let literal = self.literal(mark);
                if self.is_asked_for(mark, literal.content.clone()) {
                    self.quote = Some(mark);
                    return;
                }
                self.hide_unless_open(literal.content.clone());
                self.at = literal.after.max(mark.end());
            }
            None if !apostrophe => self.quote = Some(mark),
            _ => {}
        }
    }

    /// The literal that the mark opens, which in a comment ends with its line.
    fn literal(&self, mark: Mark) -> Literal {
        let literal = self.text.literal(mark);
        if !self.comment {
            return literal;
        }
        let end = self.text.line_end(mark.end());
        Literal { content: mark.end()..literal.content.end.min(end), after: literal.after.min(end) }
    }

    /// Whether it is the name of a secret that a program asks its environment for.
    fn is_asked_for(&self, mark: Mark, content: Range<usize>) -> bool {
        let name = self.text.slice(content);
        let capital = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
        matches!(self.text.before(mark.start), b'[' | b'(')
            && name.iter().all(capital)
            && names::weight(name).is_some()
    }

    fn word(&mut self, stem: usize) {
        let (start, first) = (self.at, std::mem::replace(&mut self.fresh, false));
        let mut end = self.text.name_end(start);
        if self.is_filled(start) {
            // `${PASSWORD-x}`
            let name = self.text.slice(start..end);
            end = name.iter().position(|byte| *byte == b'-').map_or(end, |dash| start + dash);
        }
        self.at = end;
        let name = self.text.slice(start..end);
        if first {
            self.login = LOGINS.iter().any(|word| name.eq_ignore_ascii_case(word.as_bytes()));
        }
        if self.is_program() && (name == b"function" || name == b"lambda") {
            self.wide = None;
        }
        if stem < end
            && let Some(weight) = names::weight(name)
        {
            self.judge(&Name { range: start..end, weight, first });
        }
    }

    fn judge(&mut self, name: &Name) {
        let (text, start) = (self.text, name.range.start);
        if text.before(start) == b'/' && text.before(start - 1) == b'<' {
            return;
        }
        let (after, quoted, closed) = self.closed(start, name.range.end);
        if quoted {
            self.quote = self.quote.filter(|open| !text.is_mark(name.range.end, *open));
            self.at = text.mark(name.range.end).map_or(self.at, Mark::end);
        }
        if let Some(place) = pairs::value_of(text, name.range.clone(), after) {
            return match place {
                pairs::Place::Is(value) => self.hide_unless_open(value),
                pairs::Place::At(at) => self.value(at, name, false),
            };
        }
        let gap = text.blanks(after);
        let strong = name.weight > Weight::Weak;
        match text.byte(gap) {
            b'%' if text.has(gap, "%3D") || text.has(gap, "%3d") => self.value(gap + 3, name, false),
            b'=' | b'!' if self.compares(gap) => self.compared(gap),
            b'=' if text.byte(gap + 1) == b'>' => self.given(gap + 2, name),
            // Of options comments say `key= is`.
            b'=' if self.comment && gap == after && text.byte(gap + 1).is_ascii_whitespace() => {}
            b'=' => self.given(gap + 1, name),
            b':' | b'?' | b'+' | b'|' | b'.' if text.byte(gap + 1) == b'=' => self.given(gap + 2, name),
            b':' if text.has(gap, "::=") => self.given(gap + 3, name),
            b':' if text.byte(gap + 1) == b':' || text.has(gap + 1, "//") => {}
            b':' => self.given(gap + 1, name),
            b'-' if self.is_filled(start) => self.value(gap + 1, name, false),
            b',' if quoted && strong => self.argument(gap + 1, name),
            b'(' if strong && gap == name.range.end => self.widen(gap, false),
            _ if (strong || quoted) && self.falls_back(gap, quoted && closed) => self.widen(gap, false),
            b'\n' if text.before(start) == b'-' => below::next_item(self, gap),
            _ if gap > after => self.parted(name, gap, quoted),
            _ => {}
        }
    }

    /// After what closes the quote or the brackets around a name; whether there was a quote, and whether a bracket.
    fn closed(&self, start: usize, end: usize) -> (usize, bool, bool) {
        let closes = |mark: &Mark| {
            let around = start.checked_sub(mark.len).is_some_and(|before| self.text.is_mark(before, *mark));
            around || self.quote.is_some_and(|open| self.text.is_mark(end, open))
        };
        let mark = self.text.mark(end).filter(closes);
        let mut at = mark.map_or(end, Mark::end);
        let (quoted, from) = (mark.is_some(), at);
        loop {
            match self.text.byte(at) {
                b']' | b')' => at += 1,
                b'[' => {
                    let inside = self.text.shortly(at).iter().take(80).position(|byte| *byte == b']');
                    let Some(close) = inside else { break };
                    at += close + 1;
                }
                _ => break,
            }
        }
        let subscript = at > from && self.text.byte(from) == b'[';
        let sign = self.text.byte(self.text.blanks(at));
        let takes = matches!(sign, b'=' | b':' | b'?' | b'|' | b'.' | b'o' | b'{' | b',');
        // `tokens [a]` and `tokens(...)` are values themselves.
        if subscript && !takes { (from, quoted, false) } else { (at, quoted, at > from) }
    }

    fn compares(&self, at: usize) -> bool {
        let next = self.text.byte(at + 1);
        next == b'=' && self.text.byte(at) != b':'
    }

    /// A literal that a secret is compared with.
    fn compared(&mut self, at: usize) {
        let signs = (at..at + 4).take_while(|at| matches!(self.text.byte(*at), b'=' | b'!' | b'~')).count();
        let at = self.text.blanks(at + signs);
        if let Some(mark) = self.text.mark(at) {
            self.hide_literal(mark);
        }
    }

    /// What stands in for a secret that is not set: `SECRET || "x"`, `getenv("SECRET").or("x")`, `fetch("SECRET") { "x" }`.
    fn falls_back(&self, at: usize, closed: bool) -> bool {
        let signs = ["||", "??", "?:", "or ", "| ", "if "];
        self.voice == Voice::Lines && !self.comment && signs.iter().any(|sign| self.text.has(at, sign))
            || (closed && matches!(self.text.byte(at), b'.' | b'{'))
    }

    /// The next argument of a call or a command: `getenv("SECRET", "x")`.
    fn argument(&mut self, at: usize, name: &Name) {
        let at = self.text.white(at);
        let is_option = self.text.byte(at + 1) == b'-';
        match self.text.mark(at) {
            Some(mark) if !is_option => self.hide_literal(mark),
            None if self.text.before(name.range.start) != b'-' => self.widen(at, false),
            _ => {}
        }
    }

    fn widen(&mut self, at: usize, lines: bool) {
        self.wide = Some(Wide { depth: 0, lines });
        self.at = at;
    }

    /// What follows a sign that gives a name something.
    fn given(&mut self, at: usize, name: &Name) {
        let colon = self.text.before(at) == b':';
        let filled = self.is_filled(name.range.start) && matches!(self.text.byte(at), b'-' | b'=' | b'?');
        let at = at + usize::from(colon && filled);
        let start = self.text.blanks(at);
        if colon && self.voice == Voice::Lines && below::block(self, start, name) {
            return;
        }
        if start < self.text.len() && self.text.byte(start) == b'\n' {
            let next = self.text.white(start);
            if let Some(mark) = self.text.mark(next) {
                self.hide_literal(mark);
            }
            return;
        }
        self.value(start, name, start > at || colon || self.is_small(name));
    }

    /// Whether a name stands where a shell or a template fills something in: `${NAME`, `{$NAME`.
    fn is_filled(&self, start: usize) -> bool {
        let before = self.text.lately(start);
        before.ends_with(b"${")
            || before.ends_with(b"{$")
            || before.ends_with(b"%{")
            || before.ends_with(b"#{")
    }

    /// Names in small letters stand in settings, where a value goes on behind a blank; `PASSWORD=x` may stand before a command.
    fn is_small(&self, name: &Name) -> bool {
        self.text.slice(name.range.clone()).iter().any(u8::is_ascii_lowercase)
    }

    /// Hides the value that starts here. `spaced` says that words behind a blank may belong to it.
    fn value(&mut self, at: usize, name: &Name, spaced: bool) {
        let mut at = self.text.blanks(at);
        at += if self.text.has(at, "&'static ") { "&'static ".len() } else { 0 };
        // More than a type and the value are never read.
        for _ in 0..3 {
            let after = match self.text.mark(at) {
                Some(mark) if self.quote.is_none_or(|open| !self.text.is_mark(at, open)) => {
                    if name.weight == Weight::Weak && self.names_another(mark) {
                        self.at = at;
                        return;
                    }
                    self.hide_literal(mark);
                    self.at
                }
                Some(_) => return,
                None if self.is_opened(at, name) => return,
                None => match self.bare(at, name, spaced) {
                    Some(after) => after,
                    None => return,
                },
            };
            match self.goes_on(after) {
                Some(next) => at = next,
                None => return,
            }
        }
    }

    /// `key="password" value="x"`: what is given to the name is the name of something beside it.
    fn names_another(&self, mark: Mark) -> bool {
        let literal = self.text.literal(mark);
        let name = self.text.slice(literal.content.clone());
        name.iter().all(|byte| is_of_name(*byte))
            && names::weight(name).is_some()
            && pairs::value_of(self.text, literal.content, literal.after).is_some()
    }

    /// A value in brackets, or one that a template fills in.
    fn is_opened(&mut self, at: usize, name: &Name) -> bool {
        let (text, byte) = (self.text, self.text.byte(at));
        let template = text.has(at, "{{") || text.has(at, "{%") || text.has(at, "<%");
        let rest = text.shortly(at + 1);
        let close = match byte {
            _ if template => {
                self.widen(at, false);
                return true;
            }
            b'(' => b')',
            b'[' => b']',
            b'{' => b'}',
            _ => return false,
        };
        let end = rest.iter().position(|byte| *byte == close);
        let quoted =
            rest.iter().take(end.unwrap_or(usize::MAX)).any(|byte| matches!(byte, b'"' | b'\'' | b'`'));
        let goes_on = |end: usize| rest.get(end + 1).is_some_and(u8::is_ascii_alphanumeric);
        if byte == b'{' && end.is_some_and(goes_on) {
            return false;
        }
        let open_line = matches!(rest.trim_ascii().last(), None | Some(b',' | b'[' | b'{' | b'('));
        match end {
            Some(end) if !quoted && (byte != b'{' || names::is_many(text.slice(name.range.clone()))) => {
                self.hide(at + 1..at + 1 + end);
                self.at = at + 1 + end;
            }
            None if !quoted && !open_line => return false,
            _ => self.widen(at, name.weight > Weight::Weak),
        }
        true
    }

    /// Hides a value without quotes; gives its end unless it is something that the scan has to step into.
    fn bare(&mut self, at: usize, name: &Name, spaced: bool) -> Option<usize> {
        let text = self.text;
        let open = self.quote;
        if let Some(end) = self.end_of_whole(at, name) {
            self.hide_unless_open(at..end);
            self.at = end;
            return None;
        }
        let end = text.bare_end(at, open);
        let word = text.slice(at..end);
        let prefix = word.iter().take(4).position(|byte| matches!(byte, b'"' | b'\''));
        let letters = |count: &usize| {
            word.iter().take(*count).all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'$' | b'@'))
        };
        if let Some(mark) = prefix.filter(letters).and_then(|count| text.mark(at + count)) {
            // `b"x"`
            self.hide_literal(mark);
            return Some(self.at);
        }
        self.at = end;
        if word.starts_with(b"${") && !value::is_open(word) {
            let inner = word.iter().position(|byte| matches!(byte, b':' | b'-'));
            self.hide(at + inner.map_or(0, |at| at + 1)..end - usize::from(word.ends_with(b"}")));
            return Some(end);
        }
        if value::leads(word) || value::is_call(word, text.shortly(end)) {
            self.at = at;
            self.wide = Some(Wide { depth: 0, lines: false });
            return None;
        }
        let next = self.goes_on(end);
        let is_type =
            value::is_type(word) && (next.is_some() || !spaced || text.byte(text.blanks(end)) == b'|');
        let number = name.weight == Weight::Weak && word.iter().all(u8::is_ascii_digit);
        if is_type || number || (value::is_open(word) && name.weight != Weight::Store) {
            self.at = if word.is_empty() { at.max(self.at) } else { at };
            return (end > at).then_some(end).filter(|_| next.is_some());
        }
        let end = if spaced && next.is_none() { self.tail(end, name) } else { end };
        self.hide(at..end);
        self.at = end;
        Some(end)
    }

    /// A header, an entry of an environment in quotes of its own, and what stands in a fallback of a shell are taken whole.
    fn end_of_whole(&self, at: usize, name: &Name) -> Option<usize> {
        let text = self.text;
        if self.is_filled(name.range.start) && matches!(text.byte(name.range.end), b':' | b'-' | b'=') {
            let rest = text.shortly(at);
            return rest.iter().position(|byte| *byte == b'}').map(|end| at + end);
        }
        let word = text.slice(at..text.bare_end(at, self.quote));
        let scheme = ["apikey", "basic", "bearer", "digest", "negotiate", "token"];
        let scheme = scheme.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
            || word.starts_with(b"AWS4-");
        let header = names::is_header(text.slice(name.range.clone())) && (scheme || self.is_cookie(name));
        let entry = self.quote.is_some_and(|quote| quote.end() == name.range.start && self.is_entry(quote));
        let end = match self.quote {
            Some(quote) if header || entry => text.literal(quote).content.end.min(text.line_end(at)),
            None if header => text.line_end(at),
            _ => return None,
        };
        (end > at).then_some(end)
    }

    fn is_cookie(&self, name: &Name) -> bool {
        self.text.slice(name.range.clone()).eq_ignore_ascii_case(b"cookie")
            && self.text.byte(name.range.end) == b':'
    }

    /// Whether a quote is around one entry of a list rather than around a command.
    fn is_entry(&self, quote: Mark) -> bool {
        let before = self.text.lately(quote.start).trim_ascii_end().to_ascii_lowercase();
        let Some(last) = before.last() else { return true };
        let head = before.trim_ascii_end();
        let signs = head.iter().rev().take_while(|byte| b"=:+ \t".contains(byte)).count();
        let word = last_word(head.get(..head.len() - signs).unwrap_or_default());
        match last {
            b'[' | b'"' | b'\'' | b',' => {
                ![&b"c\""[..], b"c'", b"c\",", b"c',"].iter().any(|end| head.ends_with(end))
            }
            b'-' => !head.ends_with(b"--"),
            _ => [&b"-e"[..], b"-h", b"env", b"environment", b"export", b"header", b"headers", b"setenv"]
                .iter()
                .any(|end| word.ends_with(end)),
        }
    }

    /// The end of a value that has blanks: it goes on to the end of its line, where no more than words follow.
    fn tail(&self, end: usize, name: &Name) -> usize {
        let text = self.text;
        let begun = text.lately(name.range.start);
        let first = begun.iter().filter(|byte| byte.is_ascii_whitespace()).count() <= begun.len().min(60)
            && begun.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty() && *word != b"-").count()
                <= 1
            && !begun.iter().any(|byte| matches!(byte, b'=' | b':' | b'{' | b'('));
        let rest = text.shortly(end);
        let rest = match rest.windows(2).position(|pair| pair == b" #") {
            Some(comment) => rest.get(..comment).unwrap_or_default(),
            None => rest,
        };
        let words = rest.trim_ascii_end();
        let signs = |byte: &u8| b"=:{}()[]<>|&;\"'`/\\".contains(byte);
        let file =
            |pair: &[u8]| pair.first() == Some(&b'.') && pair.get(1).is_some_and(u8::is_ascii_alphanumeric);
        let plain = !words.iter().any(signs) && !words.windows(2).any(|pair| pair == b" -" || file(pair));
        let open = first && self.voice == Voice::Lines && self.quote.is_none() && rest.len() < 290;
        if open && plain { end + words.len() } else { end }
    }

    /// Where a value goes on: behind an operator all literals belong to it, behind `=` the value follows its type.
    fn goes_on(&mut self, end: usize) -> Option<usize> {
        let text = self.text;
        let gap = text.blanks(end);
        let spaced = gap > end;
        match text.byte(gap) {
            b'=' if matches!(text.byte(gap + 1), b'=' | b'>') => None,
            b'=' if spaced => Some(text.blanks(gap + 1)),
            b'|' | b'?' | b'+' | b'%' if spaced => self.go_wide(gap),
            b'.' | b'(' | b'[' if !spaced => self.go_wide(gap),
            b'o' | b'i' | b'e'
                if spaced && ["or ", "if ", "else "].iter().any(|word| text.has(gap, word)) =>
            {
                self.go_wide(gap)
            }
            _ => None,
        }
    }

    fn go_wide(&mut self, at: usize) -> Option<usize> {
        self.widen(at, false);
        None
    }

    /// A name and a value with a blank between them.
    fn parted(&mut self, name: &Name, at: usize, quoted: bool) {
        let text = self.text;
        let word = text.slice(at..text.bare_end(at, self.quote));
        let mark = text.mark(at);
        let begins =
            |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || b"_!@#^*./~+$%\\".contains(&byte);
        let closes = self.quote.is_some_and(|open| text.is_mark(at, open));
        let alone = text.byte(at + 1).is_ascii_whitespace() && !text.byte(at).is_ascii_alphanumeric();
        if closes || (mark.is_none() && (alone || !begins(text.byte(at)))) {
            return;
        }
        let typed = text.blanks(at + word.len());
        if mark.is_none()
            && typed > at + word.len()
            && text.byte(typed) == b'='
            && text.byte(typed + 1) != b'='
        {
            // `var password string = "x"`
            return self.value(typed + 1, name, false);
        }
        if value::is_prose(word) || (mark.is_none() && value::is_type(word)) {
            return;
        }
        let behind = at + word.len();
        if self.takes(name, behind, mark.is_some(), quoted) {
            self.value(at, name, false);
        }
    }

    /// Whether what follows behind a blank is given to the name.
    fn takes(&self, name: &Name, behind: usize, literal: bool, quoted: bool) -> bool {
        let text = self.text;
        let range = name.range.clone();
        let before = text.lately(range.start);
        if before.ends_with(b"-") {
            let negative =
                ["no-", "no_", "without-", "skip-", "ask-", "prompt-", "use-", "enable-", "disable-"];
            let option = text.slice(range).to_ascii_lowercase();
            return !negative.iter().any(|word| option.starts_with(word.as_bytes()));
        }
        let variable = before.strip_suffix(b"$").unwrap_or(before);
        let previous = last_word(variable.trim_ascii_end()).to_ascii_lowercase();
        let known = HEADS.iter().any(|head| previous == head.as_bytes());
        let sure = previous.iter().any(|byte| matches!(byte, b'_' | b'-'));
        if known && (sure || self.voice == Voice::Lines) && !self.comment {
            return true;
        }
        if matches!(text.before(range.start), b'/' | b'$' | b'@') {
            return false;
        }
        let last = matches!(text.byte(text.blanks(behind)), b'\n' | b';');
        if name.first {
            // Comments speak of secrets, and comment lines out.
            return !self.comment || (last && name.weight > Weight::Weak);
        }
        let strong = name.weight > Weight::Weak && self.voice == Voice::Lines && !self.comment;
        if !strong || quoted || self.quote.is_some() || matches!(&previous[..], b"-e" | b"--env") {
            return false;
        }
        self.login || literal || (last && !text.slice(name.range.clone()).contains(&b'.'))
    }

    fn hide_literal(&mut self, mark: Mark) {
        let literal = self.literal(mark);
        let content = literal.content.clone();
        let rest = self.text.byte(literal.after);
        self.at = literal.after.max(mark.end());
        self.hide_unless_open(content);
        if literal.after > mark.end()
            && (rest.is_ascii_alphanumeric() || matches!(rest, b'"' | b'\'' | b'$' | b'_'))
        {
            // Words and quotes that a shell puts together.
            let end = self.text.bare_end(self.at, self.quote);
            self.hide(self.at..end);
            self.at = end.max(self.at);
        }
    }

    pub(super) fn hide_unless_open(&mut self, value: Range<usize>) {
        if !value::is_open(self.text.slice(value.clone())) {
            self.hide(value);
        }
    }

    pub(super) fn hide(&mut self, value: Range<usize>) {
        if value.start < value.end {
            self.found.push(value);
        }
    }
}

fn last_word(text: &[u8]) -> &[u8] {
    text.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default()
}
