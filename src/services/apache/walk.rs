//! Reads a configuration in its order, as Apache would start: from the main file through every include and macro, knowing in which
//! section it is.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::super::{Enabled, Ground};
use super::address::{self, Answers};
use super::conditions::{Answer, Conditions};
use super::hops::{self, Passes};
use super::includes::{self, Home};
use super::macros::{Macro, Macros};
use super::told::{Backlog, Listen, Told, VirtualHost};
use super::variables::{self, Variables};
use super::words::Words;
use crate::model::{ProblemKind, Version};
use crate::syntax::directives::{Line, Lines, Text};
use crate::syntax::number::atoi;
use crate::text::tree::Unread;
use crate::text::{SourceId, Span};

/// As deep as Apache includes (AP_MAX_INCLUDE_DEPTH in server/core.c).
const MAX_DEPTH: usize = 100;
/// Bytes that are read, again and again where files and macros are used again and again; more than any configuration has.
const MAX_READ: usize = 32 << 20;
/// What it costs to begin with a file or to fill a line of a macro, in bytes to read.
const COST: usize = 256;
/// What it costs to look for the files of an include.
const LOOK: usize = 1024;
const MAX_LISTENS: usize = 1 << 16;

/// What Apache would make of the file that it begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// The main file of this machine's Apache: whatever is missing keeps it from starting.
    Installed,
    /// A main file that is put to use elsewhere.
    Main,
    /// A file that some main file includes.
    Fragment,
}

#[derive(Debug)]
enum Kind {
    Skipped,
    Read { only_if: Option<String> },
    VirtualHost(usize),
    Balancer(String),
    Macro { name: String, made: Macro },
    Other,
}

#[derive(Debug)]
struct Section {
    /// `<virtualhost`.
    name: String,
    at: Span,
    kind: Kind,
}

pub(super) struct Walk<'w, 'a> {
    ground: Ground<'a>,
    words: &'w Words,
    start: Start,
    version: Option<Version>,
    home: Home,
    variables: Variables,
    loaded: HashSet<String>,
    more_modules: bool,
    macros: Macros,
    sections: Vec<Section>,
    /// How many sections were open when the file or macro began that is being read.
    base: usize,
    reading: Vec<SourceId>,
    /// The file is a template: what closes need not match what opens.
    template: bool,
    depth: usize,
    read: usize,
    in_macro: bool,
    /// Where includes that are not in the tree lead: the rest of the configuration is somewhere else.
    pub(super) incomplete: bool,
    /// ServerRoot has a drive: what Windows makes of it is no concern of Linux.
    pub(super) windows: bool,
    /// Every file that was read.
    pub(super) files: HashSet<SourceId>,
    /// What patterns lead to.
    pub(super) enabled: Enabled,
    told: Told,
}

impl<'w, 'a> Walk<'w, 'a> {
    pub(super) fn new(
        ground: Ground<'a>,
        words: &'w Words,
        start: Start,
        folder: &Path,
        main: &Path,
    ) -> Self {
        Self {
            ground,
            words,
            start,
            version: ground.version(folder),
            home: Home::of(folder),
            variables: Variables::read(ground, folder),
            loaded: words.built_in(main),
            more_modules: start == Start::Fragment,
            macros: Macros::new(),
            sections: Vec::new(),
            base: 0,
            reading: Vec::new(),
            template: false,
            depth: 0,
            read: 0,
            in_macro: false,
            incomplete: false,
            windows: false,
            files: HashSet::new(),
            enabled: Enabled::default(),
            told: Told::default(),
        }
    }

    pub(super) fn main(&mut self, source: SourceId) {
        self.file(source, Span::top(source));
        let complete = !self.incomplete && self.start == Start::Installed && self.read < MAX_READ;
        if complete && self.told.listens.is_empty() && self.told.problems.is_empty() {
            self.lost(Span::top(source), "no listening sockets available, shutting down");
        }
    }

    pub(super) fn told(&mut self) -> Told {
        std::mem::take(&mut self.told)
    }

    fn file(&mut self, source: SourceId, at: Span) {
        if self.reading.contains(&source) || self.depth >= MAX_DEPTH {
            return self.lost(at, format!("Exceeded maximum include depth of {MAX_DEPTH}"));
        }
        let bytes = self.ground.sources.bytes(source);
        if !self.spend(bytes.len() + COST, at) {
            return;
        }
        self.files.insert(source);
        self.reading.push(source);
        if bytes.starts_with(b"\xef\xbb\xbf") {
            let mark = Span::new(source, 0..3);
            self.refuse(mark, "Invalid command: the file starts with a byte order mark, which Apache takes for a part of it");
        }
        let template = std::mem::replace(&mut self.template, is_template(bytes));
        self.lines(Lines::new(source, bytes));
        self.template = template;
        self.reading.pop();
    }

    /// The lines of a file or a macro, whose sections end with it.
    fn lines(&mut self, lines: impl Iterator<Item = Line>) {
        let base = std::mem::replace(&mut self.base, self.sections.len());
        self.depth += 1;
        for line in lines {
            if self.read >= MAX_READ {
                break;
            }
            self.line(&line);
        }
        if let Some(open) = self.sections.get(self.base).filter(|_| self.read < MAX_READ) {
            let (at, message) = (open.at, format!("{}> was not closed", open.shown()));
            self.torn(at, message);
        }
        self.sections.truncate(self.base);
        self.depth -= 1;
        self.base = base;
    }

    /// Whether there is so much left to read.
    fn spend(&mut self, bytes: usize, at: Span) -> bool {
        let before = self.read;
        self.read = self.read.saturating_add(bytes);
        if before < MAX_READ && self.read >= MAX_READ {
            self.lost(at, "too many includes, the rest is not read");
        }
        self.read < MAX_READ
    }

    fn line(&mut self, line: &Line) {
        if let Some(Section { kind: Kind::Macro { .. }, .. }) = self.sections.last() {
            return self.collect(line);
        }
        let skipped = matches!(self.sections.last(), Some(Section { kind: Kind::Skipped, .. }));
        if skipped && line.text.bytes().first() != Some(&b'<') {
            return;
        }
        let text = if skipped { line.text.clone() } else { self.variables.fill(&line.text) };
        let mut words = text.words();
        let Some(name) = words.next().map(|name| name.show().to_ascii_lowercase()) else { return };
        match name.strip_prefix("</") {
            Some(name) => self.close(name, line.at),
            None if name.starts_with('<') => self.open(name.trim_end_matches('>'), &words.rest(), line.at),
            None => self.directive(&name, words.collect(), line),
        }
    }

    fn collect(&mut self, line: &Line) {
        let mut words = line.text.words();
        let first = words.next().map(|name| name.show().to_ascii_lowercase()).unwrap_or_default();
        if first.starts_with("</macro>") {
            if let Some(Section { kind: Kind::Macro { name, made }, .. }) = self.sections.pop() {
                self.macros.insert(name, Rc::new(made));
            }
        } else if let Some(Section { kind: Kind::Macro { made, .. }, .. }) = self.sections.last_mut() {
            made.lines.push(line.clone());
        }
    }

    fn close(&mut self, name: &str, at: Span) {
        let Some(name) = name.strip_suffix('>') else {
            return self.torn(at, format!("</{name}> directive missing closing '>'"));
        };
        let Some(open) = self.sections.get(self.base..).and_then(<[Section]>::last) else {
            return self.torn(at, format!("</{name}> without matching <{name}> section"));
        };
        if open.name.get(1..) == Some(name) {
            self.sections.pop();
            return;
        }
        let message = format!("Expected </{}> but saw </{name}>", open.shown().trim_start_matches('<'));
        let inner = self.sections.get(self.base..).unwrap_or_default();
        let matching = inner.iter().rposition(|section| section.name.get(1..) == Some(name));
        self.torn(at, message);
        if let Some(index) = matching {
            self.sections.truncate(self.base + index);
        }
    }

    fn open(&mut self, name: &str, rest: &Text, at: Span) {
        let end = rest.bytes().iter().rposition(|byte| *byte == b'>').unwrap_or(rest.bytes().len());
        let argument = rest.slice(0..end);
        let kind = match self.sections.last() {
            Some(Section { kind: Kind::Skipped, .. }) => Kind::Skipped,
            _ => self.kind(name, &argument, at),
        };
        self.sections.push(Section { name: name.to_owned(), at, kind });
    }

    fn kind(&mut self, name: &str, argument: &Text, at: Span) -> Kind {
        let conditions = Conditions {
            ground: self.ground,
            words: self.words,
            home: &self.home,
            variables: &self.variables,
            loaded: &self.loaded,
            more_modules: self.more_modules,
            fragment: self.start == Start::Fragment,
            version: self.version,
        };
        match conditions.answer(name, argument) {
            Some(Answer::Yes) => return Kind::Read { only_if: None },
            Some(Answer::No) => return Kind::Skipped,
            Some(Answer::Maybe(what)) => return Kind::Read { only_if: Some(what) },
            None => {}
        }
        let words: Vec<Text> = argument.words().collect();
        match name {
            "<virtualhost" => {
                let answers =
                    words.iter().map(|word| Answers::read(&word.show(), self.ground.hosts)).collect();
                self.told.hosts.push(VirtualHost { answers, passes: Vec::new() });
                Kind::VirtualHost(self.told.hosts.len() - 1)
            }
            "<proxy" => match words.first().and_then(|word| hops::balancer(&word.show())) {
                Some(name) => Kind::Balancer(name),
                None => Kind::Other,
            },
            "<macro" => match words.split_first() {
                Some((name, parameters)) => Kind::Macro {
                    name: name.show().to_ascii_lowercase(),
                    made: Macro::new(parameters.to_vec()),
                },
                None => {
                    self.lost(at, "<Macro: macro definition: name not specified");
                    Kind::Skipped
                }
            },
            _ => Kind::Other,
        }
    }

    fn directive(&mut self, name: &str, words: Vec<Text>, line: &Line) {
        match name {
            "listen" => self.listen(&words, line),
            "listenbacklog" => self.backlog(&words, line),
            "listencoresbucketsratio" => self.ratio(&words, line.at),
            "serverroot" => {
                if let Some(word) = words.first() {
                    let text = word.show();
                    self.windows |= text.get(1..3).is_some_and(|rest| [":/", ":\\"].contains(&rest));
                    self.home.root = PathBuf::from(text.trim_start_matches('/'));
                }
            }
            "include" | "includeoptional" => self.include(&words, name == "includeoptional", line.at),
            "define" => {
                if let [name, rest @ ..] = words.as_slice() {
                    self.variables.define(&name.show(), rest.first().cloned());
                }
            }
            "undefine" => {
                if let Some(name) = words.first() {
                    self.variables.undefine(&name.show());
                }
            }
            "loadmodule" => self.load(&words, line.at),
            "use" => self.use_macro(&words, line.at),
            "undefmacro" => {
                if let Some(name) = words.first() {
                    self.macros.remove(&name.show().to_ascii_lowercase());
                }
            }
            _ => self.pass(name, &words, line.at),
        }
    }

    /// Where a directive is refused that belongs outside of every section.
    fn misplaced(&mut self, directive: &str, at: Span) -> bool {
        let inside = |section: &&Section| !matches!(section.kind, Kind::Read { .. } | Kind::Macro { .. });
        let Some(section) = self.sections.iter().rev().find(inside) else { return false };
        let message = match section.kind {
            Kind::VirtualHost(_) => format!("{directive} cannot occur within <VirtualHost> section"),
            _ => format!("{directive} not allowed in {}> context", section.shown()),
        };
        self.lost(at, message);
        true
    }

    fn only_if(&self) -> Option<String> {
        self.sections.iter().find_map(|section| match &section.kind {
            Kind::Read { only_if } => only_if.clone(),
            _ => None,
        })
    }

    fn listen(&mut self, words: &[Text], line: &Line) {
        if self.misplaced("Listen", line.at) {
            return;
        }
        match words {
            // Newer ones take `options=` in a third place.
            [_] | [_, _] => self.hear(words, line),
            [_, _, third] if third.bytes().starts_with(b"options=") => self.hear(words, line),
            _ if words.iter().any(|word| !is_known(&word.show())) => self.hear(words, line),
            _ => self.refuse(line.at, "Listen requires 1 or 2 arguments"),
        }
    }

    fn hear(&mut self, words: &[Text], line: &Line) {
        let text = words.first().map(Text::show).unwrap_or_default();
        let address = match address::parse(&text) {
            Ok(known) if is_known(&text) && known.1 > 0 => Ok(known),
            _ if !is_known(&text) => Err(unknown(words)),
            Ok(_) => return self.refuse(line.at, "Port must be specified"),
            Err(why) => return self.refuse(line.at, why),
        };
        if self.told.listens.len() == MAX_LISTENS {
            self.lost(line.at, "too many addresses, the rest is not read");
        }
        if self.told.listens.len() <= MAX_LISTENS {
            let (only_if, room) = (self.only_if(), !self.in_macro);
            self.told.listens.push(Listen { at: line.at, address, only_if, room });
        }
    }

    fn backlog(&mut self, words: &[Text], line: &Line) {
        if self.misplaced("ListenBacklog", line.at) {
            return;
        }
        let Some(word) = words.first() else {
            return self.refuse(line.at, "ListenBacklog takes one argument");
        };
        let number = match atoi(&word.show()) {
            _ if words.iter().any(|word| !is_known(&word.show())) => Err(unknown(words)),
            _ if words.len() > 1 => return self.refuse(line.at, "ListenBacklog takes one argument"),
            number if number < 1 => return self.refuse(line.at, "ListenBacklog must be > 0"),
            number => Ok(i64::from(number)),
        };
        let only_if = self.only_if();
        self.told.backlogs.push(Backlog { at: line.at, word: word.clone(), only_if, number });
    }

    fn ratio(&mut self, words: &[Text], at: Span) {
        if self.misplaced("ListenCoresBucketsRatio", at) {
            return;
        }
        let text = words.first().map(Text::show).unwrap_or_default();
        if is_known(&text) && atoi(&text) < 1 {
            return self.refuse(at, "ListenCoresBucketsRatio must be > 0");
        }
        self.told.ratio = Some(at);
    }

    fn load(&mut self, words: &[Text], at: Span) {
        let Some(symbol) = words.first().map(Text::show) else { return };
        if symbol == "cgid_module" {
            self.told.cgid = Some(at);
        }
        self.loaded.insert(symbol);
    }

    fn use_macro(&mut self, words: &[Text], at: Span) {
        let Some((name, arguments)) = words.split_first() else { return };
        let Some(made) = self.macros.get(&name.show().to_ascii_lowercase()).cloned() else {
            if self.start == Start::Installed && !self.incomplete {
                let message = format!("macro '{}' undefined", name.show().to_ascii_lowercase());
                self.lost(at, message);
            }
            return;
        };
        if !made.takes(arguments.len()) {
            let name = name.show().to_ascii_lowercase();
            return self.refuse(at, &format!("macro '{name}' used with another number of arguments"));
        }
        let size = made.lines.iter().map(|line| line.text.bytes().len() + COST).sum();
        if self.depth >= MAX_DEPTH || !self.spend(size, at) {
            return;
        }
        let in_macro = std::mem::replace(&mut self.in_macro, true);
        self.lines(made.lines.iter().map(|line| made.fill(line, arguments)));
        self.in_macro = in_macro;
    }

    fn include(&mut self, words: &[Text], optional: bool, at: Span) {
        let [word] = words else {
            return self.refuse(at, "Include takes one argument");
        };
        let text = word.show();
        if !is_known(&text) {
            self.more_modules = true;
            self.incomplete = true;
            return;
        }
        if !self.spend(LOOK, at) {
            return;
        }
        let targets = includes::find(self.ground, &self.home, &text, &self.reading);
        if targets.pattern {
            self.note(&targets.files);
        }
        let Ground { tree, sources, .. } = self.ground;
        let mut found = false;
        for path in &targets.files {
            match tree.read(sources, path) {
                Ok(source) => {
                    found = true;
                    self.file(source, at);
                }
                Err(Unread::Missing | Unread::Dangling(_)) if optional => {}
                Err(Unread::Missing) if !targets.pattern => {}
                Err(why) => self.unread(path, &why, at),
            }
        }
        if !found {
            self.missing(&targets.path, targets.pattern, optional, at);
        }
    }

    /// An include that leads to nothing.
    fn missing(&mut self, path: &Path, pattern: bool, optional: bool, at: Span) {
        let machine = self.ground.is_machine();
        let elsewhere = includes::is_elsewhere(self.ground, path);
        if machine && optional && !elsewhere {
            return;
        }
        if self.start == Start::Installed && !elsewhere {
            let path = path.display();
            return self.lost(
                at,
                match pattern {
                    true => format!(
                        "No matches for the wildcard of /{path}, failing (use IncludeOptional if required)"
                    ),
                    false => format!("Could not open configuration file /{path}: No such file or directory"),
                },
            );
        }
        self.more_modules = true;
        self.incomplete = true;
        if !machine && !optional && self.start == Start::Main {
            self.outside(path, at);
        }
    }

    /// There may be listeners in what a repository does not have.
    fn outside(&mut self, path: &Path, at: Span) {
        if self.words.is_shipped(path) || includes::has_folder(self.ground, path) {
            return;
        }
        let message = format!(
            "the include of /{} leads out of the repository: what listens there is unknown",
            path.display()
        );
        self.problem(ProblemKind::Skipped, at, message);
        if let Some(problem) = self.told.problems.last_mut() {
            problem.help =
                Some("audit the machine or the image that it is for: there these files can be read".into());
        }
    }

    fn unread(&mut self, path: &Path, why: &Unread, at: Span) {
        self.more_modules = true;
        self.incomplete = true;
        if self.start == Start::Installed && !includes::is_elsewhere(self.ground, path) {
            self.lost(at, format!("/{} is not read: {why}", path.display()));
        }
    }

    /// What a pattern leads to, for the sites beside it that are switched off.
    fn note(&mut self, files: &[PathBuf]) {
        let tree = self.ground.tree;
        for path in files {
            self.enabled.note(tree, path, tree.resolve(path).is_ok());
        }
    }

    fn pass(&mut self, name: &str, words: &[Text], at: Span) {
        let passes = Passes { ground: self.ground, words: self.words };
        let pass = match name {
            "proxypass" | "proxypassmatch" => passes.proxy(words, at),
            "sethandler" => passes.handler(words, at),
            "rewriterule" => passes.rewrite(words, at),
            "fastcgiexternalserver" => passes.external(words, at),
            "balancermember" => return self.member(passes, words, at),
            _ => None,
        };
        let Some(pass) = pass else { return };
        let host = self.sections.iter().rev().find_map(|section| match section.kind {
            Kind::VirtualHost(index) => Some(index),
            _ => None,
        });
        match host.and_then(|index| self.told.hosts.get_mut(index)) {
            Some(host) => host.passes.push(pass),
            None => self.told.passes.push(pass),
        }
    }

    /// Inside `<Proxy balancer://name>`, or with that name as its first word.
    fn member(&mut self, passes: Passes<'_, '_>, words: &[Text], at: Span) {
        let within = self.sections.iter().rev().find_map(|section| match &section.kind {
            Kind::Balancer(name) => Some(name.clone()),
            _ => None,
        });
        let named = words.first().and_then(|word| hops::balancer(&word.show()));
        let (name, url) = match (named, within) {
            (Some(name), _) => (Some(name), words.get(1)),
            (None, name) => (name, words.first()),
        };
        if let (Some(name), Some(pass)) = (name, url.and_then(|url| passes.url(url, at))) {
            self.told.balancers.entry(name).or_default().push(pass);
        }
    }

    /// What is wrong with a word is so wherever the file is put to use, unless something fills it first.
    fn refuse(&mut self, at: Span, message: &str) {
        if !self.template {
            self.lost(at, message.to_owned());
        }
    }

    /// A section that is not closed as it was opened.
    fn torn(&mut self, at: Span, message: String) {
        match self.start {
            Start::Installed => self.lost(at, message),
            _ if self.template => {}
            _ => self.problem(ProblemKind::Skipped, at, format!("not read to its end: {message}")),
        }
    }

    /// Apache would not start; it says what it meets first.
    fn lost(&mut self, at: Span, message: impl Into<String>) {
        if self.told.problems.iter().all(|problem| problem.kind != ProblemKind::Lost) {
            self.problem(ProblemKind::Lost, at, message.into());
        }
    }

    fn problem(&mut self, kind: ProblemKind, at: Span, message: String) {
        self.told.problems.push(self.ground.problem(kind, message, at));
    }
}

impl Section {
    /// As people write it.
    fn shown(&self) -> &str {
        match self.name.as_str() {
            "<virtualhost" => "<VirtualHost",
            "<ifmodule" => "<IfModule",
            "<ifdefine" => "<IfDefine",
            "<ifversion" => "<IfVersion",
            "<directory" => "<Directory",
            "<location" => "<Location",
            "<files" => "<Files",
            "<if" => "<If",
            other => other,
        }
    }
}

/// Why words are not known.
fn unknown(words: &[Text]) -> String {
    let text = words.iter().map(Text::show).collect::<Vec<_>>().join(" ");
    match variables::variable(text.as_bytes(), 0).and_then(|(start, end)| text.get(start..end)) {
        Some(variable) => format!("nothing that was read sets {variable}"),
        None => format!("{text} is a placeholder, which something fills before Apache reads it"),
    }
}

/// Whether a word is one that Apache would read, and no placeholder.
fn is_known(text: &str) -> bool {
    let marks = ["${", "{{", "{%", "<%", "@@", "__", "%{", "%%"];
    let named = text.starts_with('@') && text.ends_with('@') && text.len() > 2;
    let shouted = text.len() > 2 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    !named
        && !shouted
        && !text.starts_with('$')
        && !text.contains('<')
        && !marks.iter().any(|mark| text.contains(mark))
}

/// What templates begin their own words with.
fn is_template(bytes: &[u8]) -> bool {
    ["{%", "<%", "{{"].iter().any(|mark| memchr::memmem::find(bytes, mark.as_bytes()).is_some())
}
