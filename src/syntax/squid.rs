//! How squid.conf is written: lines that a backslash continues, words, macros, conditions and includes. It knows no directive.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::number::strtol;
use super::refusal::Refusal;
use super::template::is_placeholder;
use crate::text::tree::Unread;
use crate::text::{HashSet, SourceId, Sources, Span, Tree, has_magic, over};

/// Includes in includes: parseOneConfigFile in src/cache_cf.cc.
const MAX_DEPTH: u32 = 16;
/// Lines that are read, and files that are included: more than anybody has.
const MAX_LINES: usize = 1 << 20;
const MAX_INCLUDES: usize = 4096;

/// What is known before the first line is read.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    pub sources: &'a Sources,
    pub tree: &'a Tree,
    /// It is this machine's: whatever is missing keeps Squid from starting. Else it may be a template.
    pub installed: bool,
    /// The folder of the main file, which will be put into that of one of these.
    pub folder: &'a Path,
    pub places: &'a [String],
    /// The number of the process: the master is 0, what accepts connections is 1 and more.
    pub number: i64,
}

/// What was read beside directives.
#[derive(Debug, Default)]
pub struct Seen {
    pub included: HashSet<SourceId>,
    /// What Squid reads and the tree does not have: what is said of it, and where it is included.
    pub unknown: Vec<(String, Span)>,
    lines: usize,
    includes: usize,
}

/// Reads a configuration from its main file on, with every directive that holds for the process, to its end or to what Squid or
/// `directive` refuses.
pub fn read(
    given: Given<'_>,
    main: SourceId,
    directive: &mut dyn FnMut(&Line) -> Result<(), Refusal>,
) -> (Seen, Result<(), Refusal>) {
    let macros = [
        ("${service_name}", "squid".to_owned()),
        ("${process_name}", "squid".to_owned()),
        ("${process_number}", given.number.to_string()),
    ];
    let mut walk = Walk { given, macros, seen: Seen::default(), directive };
    let read = walk.file(main, 0);
    (walk.seen, read)
}

struct Walk<'a, 'd> {
    given: Given<'a>,
    macros: [(&'static str, String); 3],
    seen: Seen,
    directive: &'d mut dyn FnMut(&Line) -> Result<(), Refusal>,
}

impl Walk<'_, '_> {
    /// parseOneConfigFile.
    fn file(&mut self, source: SourceId, depth: u32) -> Result<(), Refusal> {
        let mut conditions: Vec<bool> = Vec::new();
        let sources = self.given.sources;
        let lines = Lines::new(source, sources.bytes(source));
        let mut last = Span::top(source);
        for mut line in lines {
            last = line.at();
            self.seen.lines += 1;
            if self.seen.lines > MAX_LINES {
                return Err(Refusal::ours(over("lines", MAX_LINES), last));
            }
            line.fill(&self.macros);
            if !self.given.installed {
                line.close_up();
            }
            let text = line.text.clone();
            if let Some(expression) = statement(&text, "if") {
                conditions.push(self.holds(expression, last)?);
            } else if statement(&text, "endif").is_some() {
                conditions.pop().ok_or_else(|| Refusal::new("'endif' without 'if'", last))?;
            } else if statement(&text, "else").is_some() {
                let inner = conditions.last_mut().ok_or_else(|| Refusal::new("'else' without 'if'", last))?;
                *inner = !*inner;
            } else if conditions.last().copied().unwrap_or(true) {
                // The innermost condition alone counts.
                match line.name() {
                    "include" if line.text.len() >= 9 => self.include(&line, depth)?,
                    _ => (self.directive)(&line)?,
                }
            }
        }
        match conditions.is_empty() {
            true => Ok(()),
            false => Err(Refusal::new("if-statement without 'endif'", last)),
        }
    }

    /// EvalBoolExpr.
    fn holds(&self, expression: &str, at: Span) -> Result<bool, Refusal> {
        let number = |text: &str| {
            let refusal = || Refusal::new(format!("String is not a integer number: '{text}'"), at);
            strtol(text, 0).ok_or_else(refusal)
        };
        match (expression, expression.split_once('=')) {
            ("true", _) => Ok(true),
            ("false", _) => Ok(false),
            _ if !self.given.installed && is_placeholder(expression) => Ok(true),
            (_, Some((left, right))) => Ok(number(left.trim_ascii_end())? == number(right)?),
            _ => Err(Refusal::new(format!("Unable to evaluate expression '{expression}'"), at)),
        }
    }

    /// parseManyConfigFiles.
    fn include(&mut self, line: &Line, depth: u32) -> Result<(), Refusal> {
        let at = line.at();
        let list = line.text.get("include".len()..).unwrap_or_default();
        let mut paths = Vec::new();
        for pattern in quoted_words(list) {
            let found = self.found(&pattern);
            if found.is_empty() && self.given.installed {
                return Err(Refusal::new(format!("Unable to find configuration file: {pattern}"), at));
            }
            if found.is_empty() && !has_magic(pattern.as_bytes()) {
                let what = format!("{pattern} is not in this tree: its listeners are unknown");
                self.seen.unknown.push((what, at));
            }
            paths.extend(found);
        }
        for path in paths {
            self.seen.includes += 1;
            if self.seen.includes > MAX_INCLUDES {
                return Err(Refusal::ours(over("included files", MAX_INCLUDES), at));
            }
            if depth >= MAX_DEPTH {
                let why = format!("can't include {}: includes are nested too deeply (>16)!", path.display());
                return Err(Refusal::new(why, at));
            }
            match self.given.tree.read(self.given.sources, &path) {
                Ok(source) => {
                    self.seen.included.insert(source);
                    self.file(source, depth + 1)?;
                }
                // A folder can be opened, and has no lines.
                Err(Unread::NotAFile(_)) => {}
                Err(why) if self.given.installed => {
                    let why = format!("Unable to open configuration file: {}: {why}", path.display());
                    return Err(Refusal::new(why, at));
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// In a repository also below the folder of the main file, which will be put where Squid is installed.
    fn found(&self, pattern: &str) -> Vec<PathBuf> {
        let tree = self.given.tree;
        let found = tree.glob(pattern.as_bytes());
        if !found.is_empty() || self.given.installed {
            return found;
        }
        let path = Path::new(pattern).strip_prefix("/").unwrap_or(Path::new(pattern));
        let homes = self.given.places.iter().filter_map(|main| Path::new(main).parent());
        let mut rests = homes.filter_map(|home| path.strip_prefix(home).ok());
        let moved = self.given.folder.join(rests.next().unwrap_or(path));
        tree.glob(moved.as_os_str().as_encoded_bytes())
    }
}

/// `if`, `else` or `endif`, and what follows (FindStatement).
fn statement<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(word)?;
    (rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_whitespace())).then(|| rest.trim_ascii_start())
}

/// The words of a list of files, in which quotes keep blanks together (strwordtok).
fn quoted_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            c if c.is_ascii_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// A line with those that continue it.
#[derive(Debug)]
pub struct Line {
    source: SourceId,
    pub text: String,
    /// Where parts of the text come from: offsets in the text, and in the source.
    parts: Vec<(usize, usize)>,
    end: usize,
    /// A macro was filled in: the text is not what is written.
    filled: bool,
}

impl Line {
    /// The first word.
    fn name(&self) -> &str {
        self.text.split_ascii_whitespace().next().unwrap_or_default()
    }

    pub fn at(&self) -> Span {
        let start = self.parts.first().map_or(0, |(_, start)| *start);
        Span::new(self.source, start..self.end)
    }

    /// ProcessMacros.
    fn fill(&mut self, macros: &[(&str, String)]) {
        for (name, value) in macros {
            if self.text.contains(name) {
                self.text = self.text.replace(name, value);
                self.filled = true;
            }
        }
    }

    /// Takes the blanks out of placeholders: `{{ port }}` is one word.
    fn close_up(&mut self) {
        if !["{{", "<%"].iter().any(|open| self.text.contains(open)) {
            return;
        }
        let mut inside = false;
        let mut text = String::new();
        for (at, c) in self.text.char_indices() {
            let rest = self.text.get(at..).unwrap_or_default();
            inside = match inside {
                true => !rest.starts_with("}}") && !rest.starts_with("%>"),
                false => rest.starts_with("{{") || rest.starts_with("<%"),
            };
            if !(inside && c.is_ascii_whitespace()) {
                text.push(c);
            }
        }
        (self.text, self.filled) = (text, true);
    }

    /// The words before a comment, each with its place.
    pub fn words(&self) -> Vec<(&str, Span)> {
        let mut words = Vec::new();
        let mut rest = self.text.as_str();
        let mut at = 0;
        loop {
            let trimmed = rest.trim_ascii_start();
            at += rest.len() - trimmed.len();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                return words;
            }
            let end = trimmed.find(|c: char| c.is_ascii_whitespace()).unwrap_or(trimmed.len());
            let (word, after) = trimmed.split_at_checked(end).unwrap_or((trimmed, ""));
            words.push((word, self.place(at, word.len())));
            at += end;
            rest = after;
        }
    }

    fn place(&self, at: usize, length: usize) -> Span {
        let part = self.parts.partition_point(|(from, _)| *from <= at).checked_sub(1);
        match part.and_then(|part| self.parts.get(part)).filter(|_| !self.filled) {
            Some((from, start)) => Span::new(self.source, start + at - from..start + at - from + length),
            None => self.at(),
        }
    }
}

/// The lines of a file as parseOneConfigFile puts them together.
struct Lines<'a> {
    source: SourceId,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    fn new(source: SourceId, bytes: &'a [u8]) -> Self {
        Self { source, bytes, at: 0 }
    }

    /// The next line of the file, and where it begins and ends; blanks before it are skipped.
    fn one(&mut self) -> Option<(Cow<'a, str>, usize)> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..length)?;
        let start = self.at;
        self.at += length + 1;
        // The stock file has eight thousand lines of comment.
        if line.first() == Some(&b'#') {
            return Some((Cow::Borrowed("#"), start));
        }
        let whole = line.get(..memchr::memchr2(b'\r', 0, line).unwrap_or(line.len()))?;
        let text = whole.trim_ascii_start();
        // One byte a character where it is no text, so that places stay right.
        let plain = |byte: &u8| if byte.is_ascii() { char::from(*byte) } else { '?' };
        let read = std::str::from_utf8(text).map_or_else(|_| text.iter().map(plain).collect(), Cow::Borrowed);
        Some((read, start + whole.len() - text.len()))
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let mut line =
            Line { source: self.source, text: String::new(), parts: Vec::new(), end: 0, filled: false };
        // What a backslash leaves open at the end of the file is lost.
        while let Some((text, start)) = self.one() {
            // Comments and empty lines do not end what is continued.
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            line.parts.push((line.text.len(), start));
            line.end = start + text.trim_ascii_end().len();
            line.text.push_str(&text);
            match line.text.strip_suffix('\\') {
                Some(open) => line.text.truncate(open.len()),
                None => {
                    line.text.truncate(line.text.trim_ascii_end().len());
                    return Some(line);
                }
            }
        }
        None
    }
}
