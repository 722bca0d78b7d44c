//! How httpd.conf is written: lines and words, sections, variables, conditions, macros and includes. Reads a configuration in its
//! order, as Apache would start, and hands over the directives that are left, knowing in which sections each stands. It knows
//! none that opens a socket.

mod address;
mod conditions;
mod includes;
mod lines;
mod macros;
mod target;
mod variables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use conditions::Answer;
use includes::Home;
use macros::{Macro, Macros};

use super::start::Start;
use super::template::{is_placeholder, is_template};
use crate::text::tree::Unread;
use crate::text::{HashSet, SourceId, Sources, Span, Text, Tree, deeper, over};

pub use address::{Answers, Host, parse_address};
pub use lines::{Line, Lines, words};
pub use target::Target;
pub use variables::{Variables, variable};

/// As deep as Apache includes (AP_MAX_INCLUDE_DEPTH in server/core.c).
const MAX_DEPTH: usize = 100;
/// Listens in skipped sections that are kept; one more says that there are more.
pub const MAX_PASSED_OVER: usize = 64;
/// Bytes that are read, again and again where files and macros are used again and again; more than any configuration has.
const MAX_READ: usize = 32 << 20;
/// What it costs to begin with a file or to fill a line of a macro, in bytes to read.
const COST: usize = 256;
/// What it costs to look for the files of an include.
const LOOK: usize = 1024;
/// How many comparisons of a macro's parameters with its lines cost as much as a byte to read.
const COMPARISONS: usize = 8;
/// The same for a file or folder that it leads to.
const NAME: usize = 64;

/// What is known before the first line is read.
#[derive(Debug)]
pub struct Given<'a> {
    pub sources: &'a Sources,
    pub tree: &'a Tree,
    pub start: Start,
    /// The tree is all of a machine: what is not in it is nowhere.
    pub machine: bool,
    /// The folder of the main file, by the name that it is opened by.
    pub folder: &'a Path,
    pub version: Option<[u16; 3]>,
    pub variables: Variables,
    /// What its command line says instead of the main file: the server's root, and directives before it and behind it.
    pub arguments: Arguments,
    /// The modules that are there without LoadModule, by their symbols.
    pub loaded: HashSet<String>,
    /// The names that every build knows, in lower case.
    pub directives: &'a [String],
    pub sections: &'a [String],
    /// The symbols of modules whose source file is not called mod_NAME.c.
    pub symbols: &'a BTreeMap<String, String>,
}

/// `-d`, `-C` and `-c`.
#[derive(Debug, Default)]
pub struct Arguments {
    pub root: Option<PathBuf>,
    pub before: Vec<Line>,
    pub behind: Vec<Line>,
}

/// Who is told what is read.
pub trait Reader {
    /// A directive, or the beginning of a section that is neither a condition nor a macro.
    fn directive(&mut self, directive: &Directive<'_>);
    fn fault(&mut self, fault: Fault<'_>, at: Span);
}

#[derive(Debug)]
pub struct Directive<'d> {
    /// In lower case: `listen`, `<virtualhost`.
    pub name: &'d str,
    pub words: &'d [Text],
    pub at: Span,
    /// The file is a template: something fills it before Apache reads it.
    pub template: bool,
    /// Made by a macro: it is no line of a file, or more than one.
    pub in_macro: bool,
    sections: &'d [Section],
}

impl Directive<'_> {
    /// The sections that it stands in, the innermost first, without conditions.
    pub fn sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().rev().filter(|section| matches!(section.kind, Kind::Other(_)))
    }

    /// What it depends on that these files do not tell.
    pub fn only_if(&self) -> Option<&str> {
        self.sections.iter().find_map(|section| match &section.kind {
            Kind::Read { only_if } => only_if.as_deref(),
            _ => None,
        })
    }
}

#[derive(Debug)]
pub enum Fault<'f> {
    /// Apache does not start, in its own words.
    Refused(String),
    /// A section that is not closed as it was opened, in a file that is put to use elsewhere.
    Torn(String),
    /// An include leads out of the tree.
    Outside(&'f Path),
}

#[derive(Debug)]
pub struct Section {
    /// In lower case: `<virtualhost`.
    pub name: String,
    pub at: Span,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Skipped,
    Read { only_if: Option<String> },
    Macro { name: String, made: Macro },
    Other(Vec<Text>),
}

impl Section {
    /// The words after its name.
    pub fn words(&self) -> &[Text] {
        match &self.kind {
            Kind::Other(words) => words,
            _ => &[],
        }
    }

    /// As people write it.
    pub fn shown(&self) -> &str {
        const WORDS: [&str; 8] =
            ["VirtualHost", "IfModule", "IfDefine", "IfVersion", "Directory", "Location", "Files", "If"];
        let bare = self.name.trim_start_matches('<');
        WORDS.iter().find(|word| word.eq_ignore_ascii_case(bare)).copied().unwrap_or(bare)
    }
}

/// What was read.
#[derive(Debug)]
pub struct Seen {
    pub files: HashSet<SourceId>,
    /// The files that patterns led to, whether or not they can be read.
    pub matched: Vec<PathBuf>,
    /// All that Apache would read: every include is in the tree.
    pub whole: bool,
    /// Each Listen of an Apache that is installed in a section that is skipped, and where that begins.
    pub passed_over: Vec<(Span, Span)>,
}

/// Reads a configuration from its main file on.
pub fn read(mut given: Given<'_>, main: SourceId, reader: &mut dyn Reader) -> Seen {
    let Arguments { root, before, behind } = std::mem::take(&mut given.arguments);
    let mut home = Home::of(given.folder);
    home.root = root.unwrap_or(home.root);
    let mut walk = Walk {
        given,
        reader,
        home,
        macros: Macros::default(),
        sections: Vec::new(),
        base: 0,
        reading: Vec::new(),
        template: false,
        depth: 0,
        read: 0,
        in_macro: false,
        incomplete: false,
        files: HashSet::default(),
        matched: Vec::new(),
        passed_over: Vec::new(),
    };
    walk.arguments(before);
    walk.file(main, Span::top(main));
    walk.arguments(behind);
    let whole = !walk.incomplete && walk.read < MAX_READ;
    Seen { files: walk.files, matched: walk.matched, whole, passed_over: walk.passed_over }
}

struct Walk<'a, 'r> {
    given: Given<'a>,
    reader: &'r mut dyn Reader,
    home: Home,
    macros: Macros,
    sections: Vec<Section>,
    /// How many sections were open when the file or macro began that is being read.
    base: usize,
    reading: Vec<SourceId>,
    /// What closes in the file need not match what opens.
    template: bool,
    depth: usize,
    read: usize,
    in_macro: bool,
    /// Where includes that are not in the tree lead: the rest of the configuration is somewhere else.
    incomplete: bool,
    files: HashSet<SourceId>,
    matched: Vec<PathBuf>,
    passed_over: Vec<(Span, Span)>,
}

impl Walk<'_, '_> {
    fn file(&mut self, source: SourceId, at: Span) {
        if self.reading.contains(&source) || self.depth >= MAX_DEPTH {
            return self.lost(at, format!("Exceeded maximum include depth of {MAX_DEPTH}"));
        }
        let sources = self.given.sources;
        let bytes = sources.bytes(source);
        if !self.spend(bytes.len() + COST, at) {
            return;
        }
        self.files.insert(source);
        self.reading.push(source);
        if bytes.starts_with(b"\xef\xbb\xbf") {
            let mark = Span::new(source, 0..3);
            self.refuse(mark, "Invalid command: Apache reads the file's byte order mark as part of it");
        }
        let template = std::mem::replace(&mut self.template, is_template(bytes));
        self.lines(Lines::new(source, bytes));
        self.template = template;
        self.reading.pop();
    }

    /// Directives that are no lines of a file.
    fn arguments(&mut self, lines: Vec<Line>) {
        if !lines.is_empty() {
            self.in_macro = true;
            self.lines(lines.into_iter());
            self.in_macro = false;
        }
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
            let (at, message) = (open.at, format!("<{}> was not closed", open.shown()));
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
            self.given.sources.cut_off(at, over("MiB of files and macros", MAX_READ >> 20));
        }
        self.read < MAX_READ
    }

    fn line(&mut self, line: &Line) {
        if let Some(Section { kind: Kind::Macro { .. }, .. }) = self.sections.last() {
            return self.collect(line);
        }
        let skipped = matches!(self.sections.last(), Some(Section { kind: Kind::Skipped, .. }));
        if skipped && line.text.bytes().first() != Some(&b'<') {
            let counts = self.given.start == Start::Installed && self.passed_over.len() <= MAX_PASSED_OVER;
            if counts && words(&line.text).next().is_some_and(|first| lower(&first) == "listen") {
                let of = self.sections.iter().find(|section| matches!(section.kind, Kind::Skipped));
                self.passed_over.extend(of.map(|of| (line.at, of.at)));
            }
            return;
        }
        let text = if skipped {
            line.text.clone()
        } else {
            self.given.variables.fill(self.given.sources, &line.text)
        };
        if !self.spend(text.weight().saturating_sub(line.text.weight()), line.at) {
            return;
        }
        let mut words = words(&text);
        let Some(name) = words.next().map(|name| lower(&name)) else { return };
        match name.strip_prefix("</") {
            Some(name) => self.close(name, line.at),
            None if name.starts_with('<') => self.open(name.trim_end_matches('>'), &words.rest(), line.at),
            None => self.directive(&name, &words.collect::<Vec<_>>(), line.at),
        }
    }

    fn collect(&mut self, line: &Line) {
        let first = words(&line.text).next().map(|name| lower(&name)).unwrap_or_default();
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
        let message = format!("Expected </{}> but saw </{name}>", open.shown());
        let inner = self.sections.get(self.base..).unwrap_or_default();
        let matching = inner.iter().rposition(|section| section.name.get(1..) == Some(name));
        self.torn(at, message);
        if let Some(index) = matching {
            self.sections.truncate(self.base + index);
        }
    }

    fn open(&mut self, name: &str, rest: &Text, at: Span) {
        let end = rest.bytes().iter().rposition(|byte| *byte == b'>').unwrap_or(rest.len());
        let argument = rest.slice(0..end);
        let kind = match self.sections.last() {
            Some(Section { kind: Kind::Skipped, .. }) => Kind::Skipped,
            _ => self.kind(name, &argument, at),
        };
        if let Kind::Other(words) = &kind {
            self.hand_over(name, words, at);
        }
        self.sections.push(Section { name: name.to_owned(), at, kind });
    }

    fn kind(&mut self, name: &str, argument: &Text, at: Span) -> Kind {
        match self.answer(name, argument) {
            Some(Answer::Yes) => return Kind::Read { only_if: None },
            Some(Answer::No) => return Kind::Skipped,
            Some(Answer::Maybe(what)) => return Kind::Read { only_if: Some(what) },
            None => {}
        }
        let words: Vec<Text> = words(argument).collect();
        match (name, words.split_first()) {
            ("<macro", Some((name, parameters))) => {
                Kind::Macro { name: lower(name), made: Macro::new(parameters.to_vec()) }
            }
            ("<macro", None) => {
                self.lost(at, "<Macro: macro definition: name not specified");
                Kind::Skipped
            }
            _ => Kind::Other(words),
        }
    }

    fn directive(&mut self, name: &str, words: &[Text], at: Span) {
        match (name, words) {
            ("include" | "includeoptional", _) => return self.include(words, name == "includeoptional", at),
            ("use", [name, arguments @ ..]) => return self.use_macro(&lower(name), arguments, at),
            ("serverroot", [root, ..]) => {
                self.home.root = PathBuf::from(root.show().trim_start_matches('/'));
            }
            ("define", [name, rest @ ..]) => {
                self.given.variables.define(&name.show(), rest.first().cloned());
            }
            ("undefine", [name, ..]) => self.given.variables.undefine(&name.show()),
            ("undefmacro", [name, ..]) => {
                self.macros.remove(&lower(name));
            }
            ("loadmodule", [symbol, ..]) => {
                self.given.loaded.insert(symbol.show().into_owned());
            }
            _ => {}
        }
        self.hand_over(name, words, at);
    }

    fn hand_over(&mut self, name: &str, words: &[Text], at: Span) {
        let Self { sections, template, in_macro, .. } = self;
        let directive = Directive {
            name,
            words,
            at,
            template: *template,
            in_macro: *in_macro,
            sections: sections.as_slice(),
        };
        self.reader.directive(&directive);
    }

    fn use_macro(&mut self, name: &str, arguments: &[Text], at: Span) {
        let Some(made) = self.macros.get(name).cloned() else {
            if self.given.start == Start::Installed && !self.incomplete {
                self.lost(at, format!("macro '{name}' undefined"));
            }
            return;
        };
        if !made.takes(arguments.len()) {
            return self.refuse(at, &format!("macro '{name}' used with another number of arguments"));
        }
        if self.depth >= MAX_DEPTH {
            return self.given.sources.cut_off(at, deeper("nested macros", MAX_DEPTH));
        }
        let Some(lines) = self.filled(name, &made, arguments, at) else { return };
        let in_macro = std::mem::replace(&mut self.in_macro, true);
        self.lines(lines.into_iter());
        self.in_macro = in_macro;
    }

    /// The lines of a macro, of which mod_macro fills all before it reads the first.
    fn filled(&mut self, name: &str, made: &Macro, arguments: &[Text], at: Span) -> Option<Vec<Line>> {
        let mut lines = Vec::new();
        for (index, line) in made.lines.iter().enumerate() {
            if !self.spend(made.looks(line) / COMPARISONS, at) {
                return None;
            }
            let Some(line) = made.fill(line, arguments) else {
                let what = "cannot substitute, buffer size too small";
                self.lost(at, format!("while processing line {} of macro '{name}': {what}", index + 1));
                return None;
            };
            if !self.spend(line.text.weight() + COST, at) {
                return None;
            }
            lines.push(line);
        }
        Some(lines)
    }

    fn include(&mut self, words: &[Text], optional: bool, at: Span) {
        let [word] = words else {
            return self.refuse(at, "Include takes one argument");
        };
        let text = word.show();
        if is_placeholder(&text) {
            self.incomplete = true;
            return;
        }
        if !self.spend(LOOK, at) {
            return;
        }
        let targets = self.find(&text);
        if targets.met > includes::MAX_FILES {
            self.given.sources.cut_off(at, over("files and folders of one Include", includes::MAX_FILES));
        }
        if let Some(folder) = &targets.too_deep {
            let most = includes::MAX_FOLDERS;
            let what = "exceeds the maximum include directory nesting level";
            return self.lost(at, format!("Directory /{} {what} of {most}", folder.display()));
        }
        if !self.spend(targets.met * NAME, at) {
            return;
        }
        if targets.pattern {
            self.matched.extend(targets.files.iter().cloned());
        }
        let mut found = false;
        for path in &targets.files {
            match self.given.tree.read(self.given.sources, path) {
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
        let Given { tree, machine, start, .. } = self.given;
        let elsewhere = includes::is_elsewhere(tree, path);
        if machine && optional && !elsewhere {
            return;
        }
        if start == Start::Installed && !elsewhere {
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
        self.incomplete = true;
        // There may be listeners in what a repository does not have.
        if !machine && !optional && start == Start::Main && !includes::has_folder(tree, path) {
            self.reader.fault(Fault::Outside(path), at);
        }
    }

    fn unread(&mut self, path: &Path, why: &Unread, at: Span) {
        self.incomplete = true;
        if self.given.start == Start::Installed && !includes::is_elsewhere(self.given.tree, path) {
            self.lost(at, format!("cannot read /{}: {why}", path.display()));
        }
    }

    /// What is wrong with a word is so wherever the file is put to use, unless something fills it first.
    fn refuse(&mut self, at: Span, message: &str) {
        if !self.template {
            self.lost(at, message);
        }
    }

    /// A section that is not closed as it was opened.
    fn torn(&mut self, at: Span, message: String) {
        match self.given.start {
            Start::Installed => self.lost(at, message),
            _ if self.template => {}
            _ => self.reader.fault(Fault::Torn(message), at),
        }
    }

    fn lost(&mut self, at: Span, message: impl Into<String>) {
        self.reader.fault(Fault::Refused(message.into()), at);
    }
}

/// Names are the same in either case of letters.
fn lower(name: &Text) -> String {
    name.show().to_ascii_lowercase()
}
