//! What is given to a name of a secret: where the value begins and ends, and what of it is hidden.

use super::names::{self, Weight};
use super::scan::{Name, Scan, last_word};
use super::text::{Mark, is_of_name};
use super::{below, pairs, value};

impl Scan<'_> {
    /// What follows a sign that gives a name something.
    pub(super) fn given(&mut self, at: usize, name: &Name) {
        let colon = self.text.before(at) == b':';
        let filled = self.is_filled(name.range.start) && matches!(self.text.byte(at), b'-' | b'=' | b'?');
        let at = at + usize::from(colon && filled);
        let start = self.text.blanks(at);
        if colon && below::block(self, start, name) {
            return;
        }
        if start < self.text.len() && self.text.byte(start) == b'\n' {
            if colon && below::column(self.text, name).is_none() {
                return;
            }
            let next = self.text.white(start);
            if let Some(mark) = self.text.mark(next) {
                self.hide_literal(mark);
            }
            return;
        }
        self.value(start, name, start > at || colon || self.is_small(name));
    }

    /// Whether a name stands where a shell or a template fills something in: `${NAME`, `{$NAME`.
    pub(super) fn is_filled(&self, start: usize) -> bool {
        let before = self.text.slice(start.saturating_sub(2)..start);
        [b"${", b"{$", b"%{", b"#{"].iter().any(|sign| before == *sign)
    }

    /// Names in small letters stand in settings, where a value goes on behind a blank; `PASSWORD=x` may stand before a command.
    fn is_small(&self, name: &Name) -> bool {
        self.text.slice(name.range.clone()).iter().any(u8::is_ascii_lowercase)
    }

    /// Hides the value that starts here. `spaced` says that words behind a blank may belong to it.
    pub(super) fn value(&mut self, at: usize, name: &Name, spaced: bool) {
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
                    let end = if spaced { self.tail(self.at, name) } else { self.at };
                    if self.text.byte(self.at) == b' ' {
                        self.hide(self.at..end);
                        self.at = end;
                    }
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

    /// `key="password" value="x"`: what is given to the name is the name of something beside it, or no more than `value`.
    fn names_another(&self, mark: Mark) -> bool {
        let literal = self.text.literal(mark);
        let name = self.text.slice(literal.content.clone());
        let paired = name.iter().all(|byte| is_of_name(*byte))
            && names::weight(name).is_some()
            && pairs::value_of(self.text, literal.content, literal.after).is_some();
        paired || value::is_prose(name)
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
        // What is stepped into is told by what is near: each name inside looks ahead again.
        let near = text.bare_shortly(at, open);
        let prefix = near.iter().take(4).position(|byte| matches!(byte, b'"' | b'\''));
        let letters = |count: &usize| {
            near.iter().take(*count).all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'$' | b'@'))
        };
        if let Some(mark) = prefix.filter(letters).and_then(|count| text.mark(at + count)) {
            // `b"x"`
            self.hide_literal(mark);
            return Some(self.at);
        }
        if value::leads(near) || value::is_call(near, text.shortly(at + near.len())) {
            self.widen(at, false);
            return None;
        }
        let mut end = text.bare_end(at, open);
        if text.byte(at) == b'!' && text.byte(end) == b' ' {
            // A tag of YAML stands before the value.
            end = text.bare_end(text.blanks(end), open);
        }
        let word = text.slice(at..end);
        self.at = end;
        if word.starts_with(b"${") && !value::is_open(word) {
            let inner = word.iter().position(|byte| matches!(byte, b':' | b'-'));
            self.hide(at + inner.map_or(0, |at| at + 1)..end - usize::from(word.ends_with(b"}")));
            return Some(end);
        }
        let next = self.goes_on(end);
        let is_type =
            value::is_type(word) && (next.is_some() || !spaced || text.byte(text.blanks(end)) == b'|');
        let harmless =
            name.weight == Weight::Weak && (word.iter().all(u8::is_ascii_digit) || value::is_prose(word));
        if is_type || harmless || value::is_open(word) {
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
        if text.before(name.range.start) == b';' {
            // `Password=a b;Port=1`
            let rest = text.shortly(at);
            let end = rest.iter().position(|byte| matches!(byte, b';' | b'"' | b'\''));
            return end.map(|end| at + end).filter(|end| text.byte(*end) == b';' && text.assigns(end + 1));
        }
        let word = text.bare_shortly(at, self.quote);
        let scheme = ["apikey", "basic", "bearer", "digest", "negotiate", "token"];
        let scheme = scheme.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
            || word.starts_with(b"AWS4-");
        let header = names::is_header(text.slice(name.range.clone())) && (scheme || self.is_cookie(name));
        let entry = self.quote.is_some_and(|quote| quote.end() == name.range.start && self.is_entry(quote));
        let end = match self.quote {
            Some(quote) if header || entry => text.literal(quote).content.end.min(self.line_end(at)),
            None if header => self.line_end(at),
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
                let script = head.get(head.len().saturating_sub(6)..).unwrap_or_default();
                !script.windows(2).any(|pair| matches!(pair, b"c\"" | b"c'")) || !script.contains(&b'-')
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
        let open = first && self.quote.is_none() && rest.len() < 290;
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
}
