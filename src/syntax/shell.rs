//! Command lines as POSIX shells read them: which simple commands a script may run, with which words and which variables.
//! It runs nothing: of two branches both are taken, and what only a running shell could know makes a word open.

use std::ops::Range;
use std::rc::Rc;

use crate::text::{HashMap, Sources, Span, Text, deeper, over};

/// How many bytes all expansions of one script may come to: variables can name each other into millions.
const MAX_EXPANDED: usize = 1 << 18;

/// How deep `${a:-${b:-...}}` is followed.
const MAX_DEPTH: u32 = 16;

/// How many commands of one script are read.
const MAX_COMMANDS: usize = 2_000;

/// How many variables of one script are kept.
const MAX_VARIABLES: usize = 500;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    pub name: String,
    pub value: Text,
}

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simple {
    /// What the script has exported before.
    pub exported: Rc<Vec<Rc<Assignment>>>,
    /// What stands before the command's words.
    pub assignments: Vec<Assignment>,
    pub words: Vec<Text>,
}

/// What is known of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    Set(Rc<Text>),
    /// It is not set, so it is empty.
    Unset,
    /// Whoever runs the script may set it.
    Open,
}

/// What a shell knows before it begins.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    by_name: HashMap<String, Known>,
    /// How many bytes have come of expansions so far.
    expanded: usize,
    /// Where bounds were reached, each once.
    cuts: Vec<(Span, String)>,
    /// `$@`: the arguments of the script, if they are known.
    pub arguments: Option<Rc<[Rc<Text>]>>,
}

impl Known {
    /// What a value is worth: one that is not known whole is not known.
    pub fn of(value: &Text) -> Self {
        if value.is_open() { Known::Open } else { Known::Set(Rc::new(value.clone())) }
    }
}

impl Variables {
    pub fn set(&mut self, name: &str, known: Known) {
        if self.by_name.len() < MAX_VARIABLES || self.by_name.contains_key(name) {
            self.by_name.insert(name.to_owned(), known);
        } else if let Known::Set(value) = known {
            self.cut_off(value.whole(), over("variables", MAX_VARIABLES));
        }
    }

    fn cut_off(&mut self, at: Span, what: String) {
        if !self.cuts.iter().any(|(_, known)| *known == what) {
            self.cuts.push((at, what));
        }
    }

    /// Tells where bounds were reached so far.
    pub fn tell(&mut self, sources: &Sources) {
        self.cuts.drain(..).for_each(|(at, what)| sources.cut_off(at, what));
    }

    pub fn count(&self) -> usize {
        self.by_name.len()
    }

    pub fn get(&self, name: &str) -> Known {
        self.by_name.get(name).cloned().unwrap_or(Known::Open)
    }

    /// What a branch that may not be taken sets.
    fn set_perhaps(&mut self, name: &str, word: Text) {
        let known = match self.by_name.get(name) {
            Some(Known::Set(other)) if other.bytes() != word.bytes() => Known::Open,
            _ => Known::Set(Rc::new(word)),
        };
        self.set(name, known);
    }
}

/// The words of a line whose only syntax is quotes and backslashes, as Python's `shlex.split` and its kin take it; nothing where
/// a quote is not closed.
pub fn split(text: &Text) -> Option<Vec<Text>> {
    let bytes = text.bytes();
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        while bytes.get(at).is_some_and(|byte| is_blank(*byte) || *byte == b'\n') {
            at += 1;
        }
        if at >= bytes.len() {
            return Some(words);
        }
        let (begun, mut word) = (at, Text::default());
        let mut quote = None;
        while let Some(byte) = bytes.get(at).copied() {
            let next = bytes.get(at + 1);
            match (quote, byte) {
                (None, byte) if is_blank(byte) || byte == b'\n' => break,
                (None, b'\'' | b'"') => quote = Some(byte),
                (Some(open), byte) if byte == open => quote = None,
                (None, b'\\') => {
                    next?;
                    word.push_escaped(text, at);
                    at += 1;
                }
                (Some(b'"'), b'\\') if matches!(next, Some(b'"' | b'\\')) => {
                    word.push_escaped(text, at);
                    at += 1;
                }
                _ => {
                    let length = text.stretch(at, |byte| match quote {
                        None => is_blank(byte) || b"\n'\"\\".contains(&byte),
                        Some(open) => byte == open || byte == b'\\',
                    });
                    word.push_part(text, at..at + length);
                    at += length - 1;
                }
            }
            at += 1;
        }
        if quote.is_some() {
            return None;
        }
        words.push(word.with_whole(text.place(begun..at).unwrap_or(text.whole())));
    }
}

/// The simple commands of a script, in its order. `variables` is what holds where it begins, and afterwards where it ends.
pub fn commands(text: &Text, variables: &mut Variables) -> Vec<Simple> {
    let Some(first) = text.place(0..1) else { return Vec::new() };
    let mut shell = Shell::new(text, variables, first);
    shell.script();
    shell.found
}

/// The words of a line that has quotes, backslashes and variables, but no operators; values are not split. What `quote` says is
/// what quotes a letter instead of the backslash.
pub fn words(text: &Text, variables: &mut Variables, quote: u8) -> Vec<Text> {
    let Some(first) = text.place(0..1) else { return Vec::new() };
    let mut shell = Shell { operators: false, quote, ..Shell::new(text, variables, first) };
    while let Some(byte) = shell.peek() {
        if is_blank(byte) || byte == b'\n' {
            shell.at += 1;
        } else {
            shell.word();
        }
    }
    shell.parts.into_iter().map(|part| part.word).collect()
}

/// A word, and what it is as syntax.
#[derive(Debug)]
struct Part {
    word: Text,
    /// Nothing of it is quoted or expanded, so it may be a word of the grammar.
    plain: bool,
    /// How long the name is that it assigns to.
    name: Option<usize>,
}

impl Part {
    fn is(&self, word: &str) -> bool {
        self.plain && self.word.is(word)
    }
}

struct Shell<'a> {
    text: &'a Text,
    at: usize,
    variables: &'a mut Variables,
    exported: Rc<Vec<Rc<Assignment>>>,
    /// How many bytes have been exported so far.
    published: usize,
    /// Here-documents that begin with the next line, by the word that ends each; and whether tabs before it are dropped.
    pending: Vec<(Vec<u8>, bool)>,
    parts: Vec<Part>,
    found: Vec<Simple>,
    /// How many branches and loops are open, and how many of them are `case`.
    branches: u32,
    cases: u32,
    in_pattern: bool,
    /// Where the script begins: the place of what has no letters.
    here: Span,
    /// `;`, `|` and the like end words, and values are split.
    operators: bool,
    quote: u8,
}

/// A word in the making.
#[derive(Default)]
struct Making {
    text: Text,
    /// It is a word even if it is empty.
    quoted: bool,
    plain: bool,
    name: Option<usize>,
    /// Words that an expansion before has ended.
    before: Vec<Text>,
}

impl<'a> Shell<'a> {
    fn new(text: &'a Text, variables: &'a mut Variables, here: Span) -> Self {
        Self {
            text,
            at: 0,
            variables,
            exported: Rc::default(),
            published: 0,
            pending: Vec::new(),
            parts: Vec::new(),
            found: Vec::new(),
            branches: 0,
            cases: 0,
            in_pattern: false,
            here,
            operators: true,
            quote: b'\\',
        }
    }

    fn peek(&self) -> Option<u8> {
        self.ahead(0)
    }

    fn ahead(&self, distance: usize) -> Option<u8> {
        self.text.bytes().get(self.at + distance).copied()
    }

    fn script(&mut self) {
        while let Some(byte) = self.peek() {
            if self.found.len() >= MAX_COMMANDS {
                let at = self.written(self.at, self.at + 1);
                return self.variables.cut_off(at, over("commands of one script", MAX_COMMANDS));
            }
            match byte {
                b'\n' => {
                    self.finish();
                    self.at += 1;
                    self.skip_documents();
                }
                b'\\' if self.ahead(1) == Some(b'\n') => self.at += 2,
                _ if is_blank(byte) => self.at += 1,
                b'#' => self.at = self.line_end(self.at),
                b'&' if self.ahead(1) == Some(b'>') => {
                    self.at += 1;
                    self.redirection();
                }
                b'<' | b'>' => self.redirection(),
                b'(' => self.parenthesis(),
                b')' => self.close(),
                b';' | b'&' | b'|' => {
                    self.finish();
                    self.in_pattern =
                        self.cases > 0 && byte == b';' && matches!(self.ahead(1), Some(b';' | b'&'));
                    self.at += 1 + usize::from(self.in_pattern);
                }
                _ if self.is_descriptor() => self.redirection(),
                _ => {
                    self.word();
                    self.case();
                }
            }
            if self.in_pattern {
                self.pattern();
            }
        }
        self.finish();
    }

    fn line_end(&self, from: usize) -> usize {
        let rest = self.text.bytes().get(from..).unwrap_or_default();
        memchr::memchr(b'\n', rest).map_or(self.text.len(), |length| from + length)
    }

    /// `2>` and the like: digits right before a redirection.
    fn is_descriptor(&self) -> bool {
        let rest = self.text.bytes().get(self.at..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        digits > 0 && digits < 4 && matches!(self.ahead(digits), Some(b'<' | b'>'))
    }

    fn redirection(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        let document =
            self.peek() == Some(b'<') && self.ahead(1) == Some(b'<') && self.ahead(2) != Some(b'<');
        let begun = self.at;
        while self.at - begun < 3 && matches!(self.peek(), Some(b'<' | b'>' | b'&' | b'|' | b'-')) {
            self.at += 1;
        }
        let tabs = document && self.text.bytes().get(begun + 2) == Some(&b'-');
        if self.peek() == Some(b'(') {
            self.at = self.matching(self.at);
            return;
        }
        while self.peek().is_some_and(is_blank) {
            self.at += 1;
        }
        if self.peek().is_none_or(ends_word) {
            return;
        }
        let kept = std::mem::take(&mut self.parts);
        self.word();
        let target = std::mem::replace(&mut self.parts, kept);
        if let Some(target) = target.first().filter(|_| document) {
            self.pending.push((target.word.bytes().to_vec(), tabs));
        }
    }

    fn skip_documents(&mut self) {
        for (end, tabs) in std::mem::take(&mut self.pending) {
            while self.at < self.text.len() {
                let stop = self.line_end(self.at);
                let line = self.text.bytes().get(self.at..stop).unwrap_or_default();
                let skip = line.iter().take_while(|byte| tabs && **byte == b'\t').count();
                self.at = stop + 1;
                if line.get(skip..) == Some(end.as_slice()) {
                    break;
                }
            }
        }
        self.at = self.at.min(self.text.len());
    }

    fn parenthesis(&mut self) {
        // `name()` begins a function: its body is read like the rest.
        if self.ahead(1) == Some(b')') && !self.parts.is_empty() {
            self.parts.clear();
            self.at += 2;
            return;
        }
        self.finish();
        // `((a + b))` is arithmetic.
        self.at = if self.ahead(1) == Some(b'(') { self.matching(self.at) } else { self.at + 1 };
    }

    fn close(&mut self) {
        self.finish();
        self.at += 1;
    }

    /// What a branch of `case` is for, up to its parenthesis.
    fn pattern(&mut self) {
        self.in_pattern = false;
        while let Some(byte) = self.peek() {
            match byte {
                b')' => {
                    self.at += 1;
                    return;
                }
                b'#' => self.at = self.line_end(self.at),
                byte if ends_word(byte) => self.at += 1,
                _ => {
                    self.word();
                    let parts = std::mem::take(&mut self.parts);
                    if let Some(end) = parts.first().filter(|part| part.is("esac")) {
                        self.enter(end);
                        return;
                    }
                }
            }
        }
    }

    /// `case word in` is followed by a pattern.
    fn case(&mut self) {
        let [first, _, .., last] = self.parts.as_slice() else { return };
        if first.is("case") && last.is("in") {
            self.finish();
            self.in_pattern = true;
        }
    }

    /// The words so far are one command, or words of the grammar.
    fn finish(&mut self) {
        let mut parts = std::mem::take(&mut self.parts);
        let grammar = parts.iter().take_while(|part| self.is_grammar(part)).count();
        for part in parts.drain(..grammar) {
            self.enter(&part);
        }
        let Some(first) = parts.first() else { return };
        if ["for", "select", "case", "function"].iter().any(|word| first.is(word)) {
            self.branches += 1;
            self.cases += u32::from(first.is("case"));
            if let Some(name) = parts.get(1).filter(|_| !first.is("case")) {
                self.variables.set(&name.word.show(), Known::Open);
            }
            return;
        }
        let assigns = parts.iter().take_while(|part| part.name.is_some()).count();
        let assignments: Vec<Assignment> = parts.drain(..assigns).filter_map(assignment).collect();
        if parts.is_empty() {
            assignments.into_iter().for_each(|assignment| self.assign(assignment));
            return;
        }
        if parts.first().is_some_and(|first| first.is("export")) {
            parts.drain(1..).for_each(|part| self.export(part));
            return;
        }
        let words = parts.into_iter().map(|part| part.word).collect();
        self.found.push(Simple { exported: Rc::clone(&self.exported), assignments, words });
    }

    fn is_grammar(&self, part: &Part) -> bool {
        const WORDS: [&str; 15] = [
            "if", "then", "elif", "else", "fi", "while", "until", "do", "done", "esac", "!", "{", "}",
            "time", "in",
        ];
        WORDS.iter().any(|word| part.is(word))
    }

    fn enter(&mut self, part: &Part) {
        if ["if", "while", "until"].iter().any(|word| part.is(word)) {
            self.branches += 1;
        }
        if ["fi", "done", "esac"].iter().any(|word| part.is(word)) {
            self.branches = self.branches.saturating_sub(1);
        }
        self.cases = self.cases.saturating_sub(u32::from(part.is("esac")));
    }

    fn assign(&mut self, Assignment { name, value }: Assignment) {
        if self.branches > 0 {
            self.variables.set_perhaps(&name, value);
        } else {
            self.variables.set(&name, Known::of(&value));
        }
        if self.exported.iter().any(|known| known.name == name) {
            self.publish(name);
        }
    }

    fn export(&mut self, part: Part) {
        let name = match part.name {
            Some(_) => {
                let Some(assignment) = assignment(part) else { return };
                let name = assignment.name.clone();
                self.assign(assignment);
                name
            }
            None => part.word.show().into_owned(),
        };
        self.publish(name);
    }

    fn publish(&mut self, name: String) {
        let Known::Set(value) = self.variables.get(&name) else { return };
        let exported = Rc::make_mut(&mut self.exported);
        exported.retain(|known| known.name != name);
        self.published = self.published.saturating_add(value.len());
        let over = match exported.len() {
            MAX_VARIABLES.. => over("variables", MAX_VARIABLES),
            _ if self.published > MAX_EXPANDED => over("KiB of values that are exported", MAX_EXPANDED >> 10),
            _ => return exported.push(Rc::new(Assignment { name, value: (*value).clone() })),
        };
        self.variables.cut_off(value.whole(), over);
    }

    /// Reads one word as written, which may come to none or to several.
    fn word(&mut self) {
        let begun = self.at;
        let mut making = Making { plain: true, ..Making::default() };
        while let Some(byte) = self.peek() {
            match byte {
                b'(' if self.operators && making.name.is_some_and(|name| name + 1 == making.text.len()) => {
                    // An array.
                    let open = self.at;
                    self.at = self.matching(open);
                    self.unknown(&mut making, open);
                }
                byte if self.operators && ends_word(byte) || is_blank(byte) || byte == b'\n' => break,
                byte if byte == self.quote => self.backslash(&mut making),
                b'\'' => self.single(&mut making),
                b'"' => self.double(&mut making),
                b'$' | b'`' if byte_expands(self.operators, byte) => {
                    self.expansion(&mut making, !self.operators, 0);
                }
                b'=' if making.plain && making.name.is_none() && is_name(making.text.bytes()) => {
                    making.name = Some(making.text.len());
                    self.take_one(&mut making);
                }
                _ => self.take_one(&mut making),
            }
        }
        // Whatever it is, it is behind us.
        self.at = self.at.max(begun + 1);
        let at = self.written(begun, self.at);
        let Making { text, quoted, plain, name, before } = making;
        let words = before.into_iter().map(|word| word.with_whole(at));
        self.parts.extend(words.map(|word| Part { word, plain: false, name: None }));
        if !text.is_empty() || quoted {
            self.parts.push(Part { word: text.with_whole(at), plain, name });
        }
    }

    fn written(&self, begun: usize, ended: usize) -> Span {
        self.text.place(begun..ended.min(self.text.len())).unwrap_or(self.here)
    }

    /// The byte here stands for itself.
    fn take_one(&mut self, making: &mut Making) {
        making.text.push_part(self.text, self.at..self.at + 1);
        self.at += 1;
    }

    fn backslash(&mut self, making: &mut Making) {
        making.plain = false;
        match self.ahead(1) {
            Some(b'\n') => {}
            Some(_) => making.text.push_escaped(self.text, self.at),
            None => making.text.push_part(self.text, self.at..self.at + 1),
        }
        self.at += 2;
    }

    fn single(&mut self, making: &mut Making) {
        (making.plain, making.quoted) = (false, true);
        self.at += 1;
        while let Some(byte) = self.peek() {
            if byte == b'\'' {
                self.at += 1;
                return;
            }
            self.take_one(making);
        }
    }

    fn double(&mut self, making: &mut Making) {
        (making.plain, making.quoted) = (false, true);
        self.at += 1;
        while let Some(byte) = self.peek() {
            match (byte, self.ahead(1)) {
                (b'"', _) => {
                    self.at += 1;
                    return;
                }
                (byte, Some(b'\n')) if byte == self.quote => self.at += 2,
                (byte, Some(b'"' | b'\\' | b'$' | b'`')) if byte == self.quote => {
                    making.text.push_escaped(self.text, self.at);
                    self.at += 2;
                }
                (b'$' | b'`', _) if byte_expands(self.operators, byte) => self.expansion(making, true, 0),
                _ => self.take_one(making),
            }
        }
    }

    /// `$name`, `${name...}`, `$(...)` or `` `...` ``.
    fn expansion(&mut self, making: &mut Making, quoted: bool, depth: u32) {
        making.plain = false;
        let begun = self.at;
        match (self.peek(), self.ahead(1)) {
            (Some(b'`'), _) => {
                let rest = self.text.bytes().get(self.at + 1..).unwrap_or_default();
                let length = memchr::memchr(b'`', rest);
                self.at = length.map_or(self.text.len(), |length| self.at + length + 2);
                self.unknown(making, begun);
            }
            (_, Some(b'(')) => {
                self.at = self.matching(self.at + 1);
                self.unknown(making, begun);
            }
            (_, Some(b'{')) => self.braces(making, quoted, depth),
            // `$'...'` and `$"..."`: the quote is what counts.
            (_, Some(b'\'' | b'"')) if !quoted => self.at += 1,
            (_, Some(byte)) if is_letter(byte) => {
                self.at += 1;
                let name = self.name();
                let known = self.variables.get(&name);
                self.put(making, known, quoted, begun);
            }
            (_, Some(b'@' | b'*')) => {
                self.at += 2;
                self.arguments(making, begun);
            }
            (_, Some(b'0'..=b'9' | b'#' | b'?' | b'$' | b'!' | b'-')) => {
                self.at += 2;
                let known = self.argument(begun + 1);
                self.put(making, known, quoted, begun);
            }
            _ => self.take_one(making),
        }
    }

    fn name(&mut self) -> String {
        let begun = self.at;
        while self.peek().is_some_and(|byte| is_letter(byte) || byte.is_ascii_digit()) {
            self.at += 1;
        }
        let name = self.text.bytes().get(begun..self.at).unwrap_or_default();
        String::from_utf8_lossy(name).into_owned()
    }

    /// What `$1` is.
    fn argument(&self, digit: usize) -> Known {
        let digit = self.text.bytes().get(digit).filter(|digit| digit.is_ascii_digit());
        let index = digit.and_then(|digit| usize::from(digit - b'0').checked_sub(1));
        match (index, &self.variables.arguments) {
            (Some(index), Some(arguments)) => {
                arguments.get(index).map_or(Known::Unset, |it| Known::Set(Rc::clone(it)))
            }
            _ => Known::Open,
        }
    }

    fn arguments(&mut self, making: &mut Making, begun: usize) {
        let Some(arguments) = self.variables.arguments.clone() else { return self.unknown(making, begun) };
        for (index, argument) in arguments.iter().enumerate() {
            if self.exhausted(making) {
                break;
            }
            if index > 0 {
                self.end_word(making);
            }
            making.text.open_as(argument);
            self.extend(making, argument);
        }
        // No arguments are no word.
        making.quoted &= !making.text.is_empty();
    }

    fn braces(&mut self, making: &mut Making, quoted: bool, depth: u32) {
        let begun = self.at;
        self.at += 2;
        let name = match self.peek() {
            Some(b'@' | b'*') if self.ahead(1) == Some(b'}') => {
                self.at += 2;
                return self.arguments(making, begun);
            }
            Some(byte) if is_letter(byte) => self.name(),
            _ => return self.unknown_braces(making, begun),
        };
        let known = self.variables.get(&name);
        let colon = self.peek() == Some(b':');
        let operator = self.ahead(usize::from(colon));
        if self.peek() == Some(b'}') {
            self.at += 1;
            return self.put(making, known, quoted, begun);
        }
        if !matches!(operator, Some(b'-' | b'=' | b'+' | b'?')) {
            return self.unknown_braces(making, begun);
        }
        if depth >= MAX_DEPTH {
            let at = self.written(begun, self.at);
            self.variables.cut_off(at, deeper("nested references", MAX_DEPTH));
            return self.unknown_braces(making, begun);
        }
        self.at += usize::from(colon) + 1;
        let empty = matches!(&known, Known::Set(word) if word.is_empty() && !word.is_open());
        let set = matches!(known, Known::Set(_)) && !(colon && empty);
        let other = self.alternative(quoted, depth + 1);
        match operator {
            Some(b'-' | b'=') if !set => {
                if operator == Some(b'=') {
                    let word = other.text.clone().with_whole(self.written(begun, self.at));
                    let known = if other.before.is_empty() { Known::of(&word) } else { Known::Open };
                    self.variables.set(&name, known);
                }
                self.take(making, other, quoted);
            }
            Some(b'+') if set => self.take(making, other, quoted),
            Some(b'+') if known == Known::Open => self.unknown(making, begun),
            Some(b'+') => {}
            Some(b'?') if !set => self.unknown(making, begun),
            _ => self.put(making, known, quoted, begun),
        }
    }

    /// What stands after the operator, up to the brace.
    fn alternative(&mut self, quoted: bool, depth: u32) -> Making {
        let mut making = Making::default();
        while let Some(byte) = self.peek() {
            match byte {
                b'}' => {
                    self.at += 1;
                    break;
                }
                b'\\' => self.backslash(&mut making),
                b'\'' if !quoted => self.single(&mut making),
                b'"' if !quoted => self.double(&mut making),
                b'"' => self.at += 1,
                b'$' | b'`' => self.expansion(&mut making, true, depth),
                _ => self.take_one(&mut making),
            }
        }
        making
    }

    fn take(&mut self, making: &mut Making, other: Making, quoted: bool) {
        let quoted = quoted || other.quoted;
        for word in &other.before {
            self.take_word(making, word, quoted);
            self.end_word(making);
        }
        making.quoted |= other.quoted;
        self.take_word(making, &other.text, quoted);
    }

    fn take_word(&mut self, making: &mut Making, word: &Text, quoted: bool) {
        making.text.open_as(word);
        // A blank behind a backslash ends no word either.
        let is_escaped = |(at, byte): (usize, &u8)| {
            is_blank(*byte) && word.place(at..at + 1).is_some_and(|place| place.range().len() > 1)
        };
        let kept = quoted || word.bytes().iter().enumerate().any(is_escaped);
        self.spread(making, word, kept);
    }

    fn unknown_braces(&mut self, making: &mut Making, begun: usize) {
        self.at = self.matching(begun + 1);
        self.unknown(making, begun);
    }

    /// Past the bracket that closes the one here; quotes are looked over.
    fn matching(&self, from: usize) -> usize {
        let mut depth = 0_u32;
        let mut at = from;
        let mut quote = None;
        while let Some(byte) = self.text.bytes().get(at).copied() {
            match (quote, byte) {
                (_, b'\\') => at += 1,
                (Some(open), byte) if byte == open => quote = None,
                (Some(_), _) => {}
                (None, b'\'' | b'"') => quote = Some(byte),
                (None, b'(' | b'{') => depth += 1,
                (None, b')' | b'}') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return at + 1;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        self.text.len()
    }

    /// What was written from `begun` on stays as it is, and its value open.
    fn unknown(&mut self, making: &mut Making, begun: usize) {
        let written = self.text.bytes().get(begun..self.at).unwrap_or_default();
        making.text.set_open(&String::from_utf8_lossy(written));
        making.text.push_part(self.text, begun..self.at);
    }

    fn put(&mut self, making: &mut Making, known: Known, quoted: bool, begun: usize) {
        match known {
            Known::Set(word) => {
                making.text.open_as(&word);
                self.spread(making, &word, quoted);
            }
            Known::Unset => {}
            Known::Open => self.unknown(making, begun),
        }
    }

    /// A value in quotes, or to the left of none: `a=$b` is one word as well.
    fn spread(&mut self, making: &mut Making, value: &Text, quoted: bool) {
        let first = self.parts.first().is_none_or(|first| first.is("export"));
        let assigns = making.name.is_some() && making.before.is_empty() && first;
        if quoted || assigns {
            return self.extend(making, value);
        }
        let ends = |byte: u8| is_blank(byte) || byte == b'\n';
        let mut at = 0;
        while let Some(byte) = value.bytes().get(at).filter(|_| !self.exhausted(making)) {
            let length = if ends(*byte) { 1 } else { value.stretch(at, ends) };
            match ends(*byte) {
                true => self.end_word(making),
                false => self.extend_part(making, value, at..at + length),
            }
            at += length;
        }
    }

    /// Nothing more is expanded.
    fn exhausted(&mut self, making: &mut Making) -> bool {
        let exhausted = self.variables.expanded >= MAX_EXPANDED;
        if exhausted {
            let last = self.at.saturating_sub(1);
            let at = self.written(last, last + 1);
            making.text.set_open("$");
            self.variables.cut_off(at, over("KiB of values that are filled in", MAX_EXPANDED >> 10));
        }
        exhausted
    }

    fn extend(&mut self, making: &mut Making, value: &Text) {
        if !self.exhausted(making) {
            self.extend_part(making, value, 0..value.len());
        }
    }

    /// As much of a part of a value as may still be expanded.
    fn extend_part(&mut self, making: &mut Making, value: &Text, part: Range<usize>) {
        let left = MAX_EXPANDED.saturating_sub(self.variables.expanded);
        let length = part.len().min(left);
        self.variables.expanded += length;
        making.text.push_part(value, part.start..part.start + length);
        if length < part.len() {
            self.exhausted(making);
        }
    }

    /// Ends the word in the making, where a value does: that is a byte of it as well.
    fn end_word(&mut self, making: &mut Making) {
        self.variables.expanded += 1;
        if !making.text.is_empty() || making.quoted {
            making.before.push(std::mem::take(&mut making.text));
            making.quoted = false;
        }
    }
}

fn assignment(part: Part) -> Option<Assignment> {
    let (word, length) = (part.word, part.name?);
    let name = word.slice(0..length).show().into_owned();
    Some(Assignment { name, value: word.slice(length + 1..word.len()) })
}

fn is_name(word: &[u8]) -> bool {
    word.first().is_some_and(|first| is_letter(*first))
        && word.iter().all(|byte| is_letter(*byte) || byte.is_ascii_digit())
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

/// Without operators there are no commands to take the output of either.
fn byte_expands(operators: bool, byte: u8) -> bool {
    operators || byte == b'$'
}

fn ends_word(byte: u8) -> bool {
    is_blank(byte) || matches!(byte, b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
}
