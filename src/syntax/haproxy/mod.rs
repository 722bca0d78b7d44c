//! How haproxy.cfg and HAProxy's command line are written: words, variables, conditions, sections and their names, `bind` lines and
//! addresses. Reads the files
//! of one HAProxy in its order, as `haproxy -c` would, and hands over sections with the lines that are left.

mod address;
mod arguments;
mod bind;
mod condition;
mod environment;
mod keywords;
mod words;

use std::rc::Rc;

use condition::{Blocks, Judge, MAX_PARENTHESES, Now, Unparsable};

use super::refusal::Refusal;
use super::template::is_template;
use crate::text::{HashMap, SourceId, Sources, Span, Text, deeper, larger};

pub use address::{Address, Host, Resolve, to_connect, to_listen};
pub use arguments::Arguments;
pub use bind::{Bind, Number, Reader, Shards};
pub use environment::Environment;
pub use keywords::Keywords;
pub use words::Line;

/// HAProxy itself stops at so many.
const REFUSALS: usize = 50;
/// What a file without an end of line at its end is refused from: 2.3 (cfgparse.c, "Missing LF on last line").
const NEEDS_LINE_END: [u16; 3] = [2, 3, 0];

/// What is known before the first line is read.
pub struct Given<'a> {
    pub keywords: &'a Keywords<'a>,
    pub version: Option<[u16; 3]>,
    pub environment: Environment,
}

/// What the files of one HAProxy say.
#[derive(Debug, Default)]
pub struct Document {
    pub sections: Vec<Section>,
    pub refusals: Vec<Refusal>,
    /// The variables at the end, which count in the addresses of servers.
    pub environment: Rc<Environment>,
    /// It has a section of its own for what is global.
    pub whole: bool,
    /// A program makes the real file of it.
    pub template: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    Global,
    Defaults,
    Frontend,
    Listen,
    Backend,
    LogForward,
    Peers,
    #[default]
    Other,
}

impl Kind {
    fn of(word: &str) -> Self {
        match word {
            "global" => Kind::Global,
            "defaults" => Kind::Defaults,
            "frontend" => Kind::Frontend,
            "listen" => Kind::Listen,
            "backend" => Kind::Backend,
            "log-forward" => Kind::LogForward,
            "peers" => Kind::Peers,
            _ => Kind::Other,
        }
    }

    /// Whether `defaults` count in it.
    pub fn is_proxy(self) -> bool {
        matches!(self, Kind::Frontend | Kind::Listen | Kind::Backend)
    }

    pub fn has_servers(self) -> bool {
        matches!(self, Kind::Listen | Kind::Backend)
    }
}

/// A section and its lines.
#[derive(Debug)]
pub struct Section {
    pub kind: Kind,
    pub name: String,
    /// `frontend web`, `defaults`.
    pub head: Line,
    /// The section of defaults that it begins with.
    pub from: Option<usize>,
    /// An address stands beside the name, as it was once written.
    pub has_address: bool,
    pub lines: Vec<Line>,
}

impl Section {
    /// What it is called: `frontend web`, `defaults`.
    pub fn title(&self) -> String {
        format!("{} {}", self.head.text(0), self.name).trim_end().to_owned()
    }
}

/// Whether a name is a name, and no expression that is worked out for each request.
pub fn is_literal(word: &Text) -> bool {
    !word.is_open() && !word.as_str().contains('%')
}

/// Reads files one after the other.
pub fn read(sources: &Sources, files: &[SourceId], given: Given<'_>) -> Document {
    let Given { keywords, version, environment } = given;
    let document = Document { environment: Rc::new(environment), ..Document::default() };
    let mut walk = Walk {
        sources,
        keywords,
        version,
        document,
        in_section: false,
        blocks: Blocks::default(),
        defaults: HashMap::default(),
        last_defaults: None,
        names: HashMap::default(),
    };
    for file in files {
        walk.file(*file, sources.bytes(*file));
    }
    walk.document
}

struct Walk<'a> {
    sources: &'a Sources,
    keywords: &'a Keywords<'a>,
    version: Option<[u16; 3]>,
    document: Document,
    /// A section has begun in this file.
    in_section: bool,
    blocks: Blocks,
    /// Sections of defaults by their names, and the last one.
    defaults: HashMap<String, usize>,
    last_defaults: Option<usize>,
    /// Frontends and listens, backends and listens: their names are two worlds.
    names: HashMap<(bool, String), usize>,
}

impl Walk<'_> {
    fn file(&mut self, source: SourceId, bytes: &[u8]) {
        self.document.template |= is_template(bytes);
        (self.in_section, self.blocks) = (false, Blocks::default());
        let mut start = 0;
        for raw in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.document.refusals.len() >= REFUSALS {
                return;
            }
            self.line(raw, source, start);
            start += raw.len();
        }
        if !self.blocks.is_empty() {
            self.refuse("non-terminated '.if' block", Span::new(source, start..start));
        }
        let since = self.version.is_none_or(|version| version >= NEEDS_LINE_END);
        if since && bytes.last().is_some_and(|last| *last != b'\n') {
            let last = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let at = Span::new(source, last..start);
            self.refuse("the last line has no line end: since 2.3 HAProxy calls it truncated", at);
        }
    }

    fn refuse(&mut self, why: impl Into<String>, at: Span) {
        self.document.refusals.push(Refusal::new(why, at));
    }

    /// It matters only where the line is read for certain.
    fn refuse_line(&mut self, why: impl Into<String>, line: &Line, at: Span) {
        if line.maybe.is_none() {
            self.refuse(why, at);
        }
    }

    fn line(&mut self, raw: &[u8], source: SourceId, start: usize) {
        let blank = raw.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if raw.get(blank) == Some(&b'[') {
            return; // the start of a scope, for -dS
        }
        match words::cut(raw, source, start, &self.document.environment) {
            Ok((line, _)) if line.words.is_empty() => {}
            Ok((line, filled)) => {
                if filled > words::MAX_EXPANDED {
                    let what = larger("values of one line", words::MAX_EXPANDED, filled);
                    self.sources.cut_off(line.at, what);
                }
                self.statement(line);
            }
            Err(fault) => {
                let at = Span::new(source, start + fault.at..start + raw.trim_ascii_end().len());
                // Lines are cut before it is known whether they count.
                self.refuse(fault.what, at);
            }
        }
    }

    fn statement(&mut self, mut line: Line) {
        if matches!(line.text(0), ".if" | ".elif" | ".else" | ".endif") {
            return self.block(&line);
        }
        line.maybe = match self.blocks.now() {
            Now::Off => return,
            Now::On => None,
            Now::Maybe(at) => Some(at),
        };
        match line.text(0) {
            ".alert" => self.refuse_line("an .alert ends the start", &line, line.at),
            first if first.starts_with('.') => {}
            "no" | "default" => self.negative(&line),
            _ if line.words.first().is_some_and(|word| word.is_open()) => {}
            first if self.keywords.sections.contains(first) => self.section(line),
            _ => self.keyword(line),
        }
    }

    fn block(&mut self, line: &Line) {
        let words = line.words.get(1..).unwrap_or_default();
        let text = words.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(" ");
        let judge = Judge { environment: &line.environment, version: self.version };
        let holds = || match words.iter().any(|word| word.is_open()) {
            true => Ok(None),
            false => judge.holds(&text).or_else(|why| match why {
                Unparsable::TooDeep => {
                    self.sources.cut_off(line.at, deeper("parentheses in a condition", MAX_PARENTHESES));
                    Ok(None)
                }
                why => Err(why),
            }),
        };
        let done = match line.text(0) {
            ".if" => self.blocks.open(line.at, holds),
            ".elif" => self.blocks.other(line.at, holds),
            ".else" => self.blocks.otherwise(line.at),
            _ => self.blocks.close(),
        };
        if let Err(why) = done
            && self.blocks.now() != Now::Off
        {
            self.refuse(why, line.at);
        }
    }

    /// Only options and the like may be turned off, and none of them is a number.
    fn negative(&mut self, line: &Line) {
        let name = line.text(1);
        if !self.keywords.negatable.contains(name) && !name.starts_with("tune.") {
            self.refuse_line(format!("'no' and 'default' do not go with '{name}'"), line, line.at);
        }
    }

    fn section(&mut self, line: Line) {
        self.in_section = true;
        let mut kind = Kind::of(line.text(0));
        self.document.whole |= kind == Kind::Global;
        if line.words.len() < 2 && !matches!(kind, Kind::Global | Kind::Defaults | Kind::Other) {
            self.refuse_line(format!("'{}' expects an <id> argument", line.text(0)), &line, line.at);
            kind = Kind::Other;
        }
        let nameless = kind == Kind::Defaults && line.text(1) == "from" && line.words.len() == 3;
        let (name, behind) = if nameless { ("", 1) } else { (line.text(1), 2) };
        let name = name.to_owned();
        let (mut from, mut has_address) = (None, false);
        if !matches!(kind, Kind::Global | Kind::Other) {
            self.check_name(kind, &name, &line);
            let named = line.text(behind) == "from" && line.words.len() > behind + 1;
            has_address = kind.is_proxy() && line.words.len() > behind && !named;
            from = match named {
                true => self.named_defaults(line.text(behind + 1), &name, &line),
                false => self.last_defaults.filter(|_| kind.is_proxy()),
            };
        }
        let section = Section { kind, name, head: line, from, has_address, lines: Vec::new() };
        self.remember(&section);
        self.document.sections.push(section);
    }

    /// invalid_char() in src/tools.c
    fn check_name(&mut self, kind: Kind, name: &str, line: &Line) {
        let is_odd = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-' | '.'));
        let certain = kind != Kind::Defaults && line.words.get(1).is_some_and(|word| !word.is_open());
        if let Some(odd) = name.chars().find(is_odd).filter(|_| certain) {
            let why = format!("character '{odd}' is not permitted in {} name '{name}'", line.text(0));
            self.refuse_line(why, line, line.at);
        }
    }

    fn named_defaults(&mut self, parent: &str, name: &str, line: &Line) -> Option<usize> {
        let known = self.defaults.get(parent).copied();
        if known.is_none() && self.document.whole {
            let why = format!("defaults section '{parent}' not found for {} '{name}'", line.text(0));
            self.refuse_line(why, line, line.at);
        }
        known
    }

    /// Names of two sections must differ.
    fn remember(&mut self, section: &Section) {
        let index = self.document.sections.len();
        if section.kind == Kind::Defaults {
            self.last_defaults = Some(index);
            self.defaults.insert(section.name.clone(), index);
        }
        let sides: &[bool] = match section.kind {
            Kind::Frontend => &[true],
            Kind::Backend => &[false],
            Kind::Listen => &[true, false],
            _ => &[],
        };
        let mut taken = false;
        for side in sides {
            let other = self.names.insert((*side, section.name.clone()), index);
            let other = other.and_then(|other| self.document.sections.get(other));
            taken |= other.is_some_and(|other| other.head.maybe.is_none());
        }
        if taken {
            let why = format!("another {} has the name '{}'", section.head.text(0), section.name);
            self.refuse_line(why, &section.head, section.head.at);
        }
    }

    fn keyword(&mut self, line: Line) {
        let (name, at) = (line.text(0), line.words.first().map_or(line.at, |word| word.span()));
        let kind = self.document.sections.last().map(|section| section.kind).filter(|_| self.in_section);
        let Some(kind) = kind else {
            return self.refuse_line(format!("unknown keyword '{name}' out of section"), &line, at);
        };
        if kind == Kind::Other {
            return;
        }
        self.check_age(kind == Kind::Global, &line, at);
        let is_known = match kind {
            Kind::Global => self.keywords.global.contains(name),
            Kind::LogForward | Kind::Peers => true,
            _ => self.keywords.proxy.contains(name),
        };
        let Some(section) = self.document.sections.last_mut() else { return };
        if !is_known {
            let why = format!("unknown keyword '{name}' in '{}' section", section.head.text(0));
            return self.refuse_line(why, &line, at);
        }
        if kind == Kind::Global && name.ends_with("env") {
            Rc::make_mut(&mut self.document.environment).take(self.sources, &line);
        }
        section.lines.push(line);
    }

    /// Whether this version takes a keyword that there was once.
    fn check_age(&mut self, global: bool, line: &Line, at: Span) {
        let name = line.text(0);
        let since = self.keywords.refused_since(global, name);
        if let Some(since) = since.filter(|since| self.version.is_some_and(|version| version >= *since)) {
            let [major, minor, _] = since;
            let why = format!("'{name}' is not supported any more since HAProxy {major}.{minor}");
            self.refuse_line(why, line, at);
        }
    }
}
