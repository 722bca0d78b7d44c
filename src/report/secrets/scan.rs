//! Finds values by the names that stand before them. Every name of the text is looked at, whatever stands before it, so no key
//! hides another; the text is walked through once.

use std::cell::Cell;
use std::ops::Range;
use std::sync::LazyLock;

use super::names::{self, Weight};
use super::namesakes::{is_namesake, is_told};
use super::needles::Needles;
use super::text::{Literal, Mark, NEAR, Text};
use super::{below, pairs, value};

static STEMS: LazyLock<Needles> = LazyLock::new(|| Needles::new(names::STEMS.map(|stem| (stem, 0)), true));

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
pub(super) struct Wide {
    pub(super) depth: i32,
    /// Brackets may hold it open beyond the line.
    pub(super) lines: bool,
}

pub(super) struct Scan<'a> {
    pub(super) text: Text<'a>,
    pub(super) found: Vec<Range<usize>>,
    pub(super) at: usize,
    fresh: bool,
    comment: bool,
    login: bool,
    pub(super) quote: Option<Mark>,
    pub(super) wide: Option<Wide>,
    /// Lines up to here were looked at below a name of several secrets, and none holds one.
    pub(super) none_until: usize,
    /// A place and the end of its line that were looked for last: many names stand on a long line.
    line: Cell<(usize, usize)>,
}

/// The places in the text that hold what is given to names of secrets.
pub(super) fn scan(text: &[u8]) -> Vec<Range<usize>> {
    let mut stems = STEMS.find(text).map(|(at, _)| at).peekable();
    if stems.peek().is_none() {
        return Vec::new();
    }
    let text = Text(text);
    let mut scan = Scan {
        text,
        found: Vec::new(),
        at: 0,
        fresh: true,
        comment: false,
        login: false,
        quote: None,
        wide: None,
        line: Cell::default(),
        none_until: 0,
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
            b'=' if self.text.byte(self.at + 1) == b'>' && self.is_program() => self.arrow(),
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

    /// Behind an arrow may stand what a function does.
    fn arrow(&mut self) {
        let body = self.text.byte(self.text.blanks(self.at + 2));
        self.wide = self.wide.filter(|_| body != b'{' && body != b'\n');
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

    /// The end of the line that a place is on.
    pub(super) fn line_end(&self, at: usize) -> usize {
        let (from, end) = self.line.get();
        if from < at && at <= end {
            return end;
        }
        let end = self.text.line_end(at);
        self.line.set((at, end));
        end
    }

    /// The literal that the mark opens, which in a comment ends with its line.
    pub(super) fn literal(&self, mark: Mark) -> Literal {
        let literal = self.text.literal(mark);
        if !self.comment {
            return literal;
        }
        let end = self.line_end(mark.end());
        Literal { content: mark.end()..literal.content.end.min(end), after: literal.after.min(end) }
    }

    /// Whether it is the name of a secret that a program asks its environment for, or of a module that it loads.
    fn is_asked_for(&self, mark: Mark, content: Range<usize>) -> bool {
        let name = self.text.slice(content);
        let capital = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
        let environment = name.iter().all(capital) && names::weight(name).is_some();
        (matches!(self.text.before(mark.start), b'[' | b'(') && environment)
            || self.text.lately(mark.start).ends_with(b"require(")
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
            && (weight > Weight::Told || is_told(self.text, &(start..end)))
        {
            self.judge(&Name { range: start..end, weight: weight.max(Weight::Weak), first });
        }
    }

    fn judge(&mut self, name: &Name) {
        let (text, start) = (self.text, name.range.start);
        if text.before(start) == b'/' && text.before(start - 1) == b'<' {
            return;
        }
        if is_namesake(text, &name.range) {
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
            b'=' | b'!' if self.compares(gap) => self.compared(name, gap),
            b'=' if text.byte(gap + 1) == b'>' => self.given(gap + 2, name),
            // Of options comments say `key= is`.
            b'=' if self.comment && gap == after && text.byte(gap + 1).is_ascii_whitespace() => {}
            b'=' if self.calls(start, gap + 1) => self.widen(gap + 1, false),
            b'=' => match self.own_of_tuple(start, gap + 1) {
                Some(mark) => self.hide_literal(mark),
                None => self.given(gap + 1, name),
            },
            b':' | b'?' | b'+' | b'|' | b'.' if text.byte(gap + 1) == b'=' => self.given(gap + 2, name),
            b':' if text.has(gap, "::=") => self.given(gap + 3, name),
            b':' if text.byte(gap + 1) == b':' || text.has(gap + 1, "//") => {}
            b':' if below::is_object(text, gap + 1, name) => {}
            b':' => self.given(gap + 1, name),
            b'-' if self.is_filled(start) => self.value(gap + 1, name, false),
            b',' if strong && (quoted || text.before(start) == b':') => self.argument(gap + 1),
            b',' if strong => self.tuple(gap),
            b'(' if strong && gap == name.range.end => self.widen(gap, false),
            _ if (strong || quoted) && self.falls_back(gap, quoted && closed) => self.widen(gap, false),
            b'\n' if strong && below::folded(self, start, gap) => {}
            b'\n' if text.lately(start).trim_ascii_start().starts_with(b"? ") => {
                if let Some(at) = below::explicit(text, gap) {
                    self.value(at, name, true);
                }
            }
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
        while at < from + NEAR {
            match self.text.byte(at) {
                b']' | b')' => at += 1,
                b'[' => {
                    let close = self.text.find(b']', at..self.text.len().min(at + 80));
                    let same = |close: &usize| !self.text.slice(at..*close).contains(&b'\n');
                    let Some(close) = close.filter(same) else { break };
                    at = close + 1;
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

    /// A literal that a secret is compared with, or a word in an `if` of nginx.
    fn compared(&mut self, name: &Name, at: usize) {
        let negates = self.text.byte(at) == b'!' && self.text.lately(name.range.start).ends_with(b"($");
        let signs = (at..at + 4).take_while(|at| matches!(self.text.byte(*at), b'=' | b'!' | b'~')).count();
        let at = self.text.blanks(at + signs);
        if name.weight == Weight::Weak {
            return;
        }
        if let Some(mark) = self.text.mark(at) {
            self.hide_literal(mark);
        } else if negates && signs == 2 {
            let end = self.text.bare_end(at, self.quote);
            let word = self.text.slice(at..end);
            let constant = word.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
            if !constant && !word.iter().any(|byte| b"$(:".contains(byte)) {
                self.hide_unless_open(at..end);
                self.at = end;
            }
        }
    }

    /// What stands in for a secret that is not set: `SECRET || "x"`, `getenv("SECRET").or("x")`, `fetch("SECRET") { "x" }`.
    fn falls_back(&self, at: usize, closed: bool) -> bool {
        let signs = ["||", "??", "?:", "or ", "| ", "if ", "*/"];
        !self.comment && signs.iter().any(|sign| self.text.has(at, sign))
            || (closed && matches!(self.text.byte(at), b'.' | b'{'))
    }

    /// The next argument of a call or a command: `getenv("SECRET", "x")`.
    fn argument(&mut self, at: usize) {
        let at = self.text.white(at);
        let is_option = self.text.byte(at + 1) == b'-';
        match self.text.mark(at) {
            Some(mark) if !is_option => self.hide_literal(mark),
            // To the end of the call.
            None => (self.wide, self.at) = (Some(Wide { depth: 1, lines: false }), at),
            _ => {}
        }
    }

    /// `password, port = "x", 80`
    fn tuple(&mut self, at: usize) {
        let names =
            |byte: &u8| !(super::text::is_of_name(*byte) || matches!(byte, b',' | b' ' | b'$' | b'@'));
        let rest = self.text.shortly(at);
        let sign = rest.iter().position(names).unwrap_or(0);
        if matches!(rest.get(sign..), Some([b'=', next, ..]) if *next != b'=') {
            (self.wide, self.at) = (Some(Wide { depth: 1, lines: false }), at + sign + 1);
        }
    }

    /// Whether a program gives what a call returns.
    fn calls(&self, start: usize, sign: usize) -> bool {
        let at = self.text.blanks(sign);
        let declares = ["const", "let", "val", "var", "final", "auto", "my"];
        let before = last_word(self.text.lately(start).trim_ascii_end());
        at > sign
            && value::passes_names(
                self.text.shortly(at),
                declares.iter().any(|word| before == word.as_bytes()),
            )
    }

    /// `user, password = "x", "y"`: the literal that is given to the name that starts here.
    fn own_of_tuple(&self, start: usize, at: usize) -> Option<Mark> {
        let (text, before) = (self.text, self.text.lately(start));
        let names = |byte: &u8| super::text::is_of_name(*byte) || b", $@\t".contains(byte);
        let commas = before.iter().filter(|byte| **byte == b',').count();
        if !before.trim_ascii_end().ends_with(b",") || commas > 8 || !before.iter().all(names) {
            return None;
        }
        let mut at = text.blanks(at);
        for _ in 0..commas {
            let literal = text.mark(at).map(|mark| text.literal(mark));
            at = match literal {
                Some(literal) if literal.after > self.line_end(at) => return None,
                Some(literal) => literal.after,
                None => at + memchr::memchr(b',', text.shortly(at))?,
            };
            let comma = text.blanks(at);
            at = (text.byte(comma) == b',').then(|| text.blanks(comma + 1))?;
        }
        text.mark(at)
    }

    pub(super) fn widen(&mut self, at: usize, lines: bool) {
        self.wide = Some(Wide { depth: 0, lines });
        self.at = at;
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
            let lead = text.lately(name.range.start).trim_ascii();
            self.value(at, name, lead.eq_ignore_ascii_case(b"env"));
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
        if known && !self.comment {
            return true;
        }
        if matches!(text.before(range.start), b'/' | b'$' | b'@') || before.ends_with(b"/.") {
            return false;
        }
        let last = matches!(text.byte(text.blanks(behind)), b'\n' | b';');
        if name.first {
            // Comments speak of secrets, and comment lines out.
            return !self.comment || (last && name.weight > Weight::Weak);
        }
        let strong = name.weight > Weight::Weak && !self.comment;
        let described = before.trim_ascii_start().starts_with(b"Description=");
        if !strong || described || quoted || self.quote.is_some() || matches!(&previous[..], b"-e" | b"--env")
        {
            return false;
        }
        let name = text.slice(name.range.clone());
        let compound = name.contains(&b'_')
            || name
                .windows(2)
                .any(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
        self.login || literal || ((last || compound) && !name.contains(&b'.'))
    }

    pub(super) fn hide_literal(&mut self, mark: Mark) {
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

/// The last word, without a quote before it.
pub(super) fn last_word(text: &[u8]) -> &[u8] {
    let quote = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'`' | b'"' | b'\'' | b'(');
    text.rsplit(quote).next().unwrap_or_default()
}
