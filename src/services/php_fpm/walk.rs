//! One PHP-FPM's files in the order in which it reads them, line by line (fpm_conf_load_ini_file in
//! sapi/fpm/fpm/fpm_conf.c): sections go on across files, and the last line with a key counts.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::super::Ground;
use super::keys::{Key, Keys};
use super::{lost, version};
use crate::model::{Command, Problem, ProblemKind};
use crate::syntax::php_ini::{self, Filled, Statement, Text};
use crate::text::{SourceId, Span, has_magic};

/// `ini_recursion` of fpm_conf.c.
const MAX_DEPTH: usize = 5;
/// More than anybody includes.
const MAX_FILES: usize = 2048;

/// What `${NAME}` can be.
pub(super) struct Environment<'a> {
    pub(super) commands: Vec<&'a Command>,
    /// What no command line sets is not set.
    pub(super) closed: bool,
}

impl Environment<'_> {
    fn get(&self, name: &str) -> Filled {
        let set = self.commands.iter().find_map(|command| command.variable(name));
        match set.map(|variable| &variable.value) {
            Some(word) if word.open => Filled::Unknown,
            Some(word) => Filled::Known(word.text.clone()),
            None if self.closed => Filled::Known(String::new()),
            None => Filled::Unknown,
        }
    }
}

/// What a pool says last for a key.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) text: String,
    /// The value as written.
    pub(super) at: Span,
    /// The text there is the value.
    pub(super) exact: bool,
    /// A variable or a template leaves it unknown; its name.
    pub(super) open: Option<String>,
    /// The whole line, with its end.
    pub(super) line: Span,
}

#[derive(Debug, Clone)]
pub(super) struct Pool {
    pub(super) name: String,
    pub(super) at: Span,
    values: HashMap<String, Given>,
}

impl Pool {
    pub(super) fn get(&self, key: &str) -> Option<&Given> {
        self.values.get(key)
    }
}

pub(super) struct Walk<'a> {
    ground: Ground<'a>,
    keys: &'a Keys,
    environment: Environment<'a>,
    /// The folder of the main file.
    folder: PathBuf,
    pub(super) prefix: String,
    /// On this machine: what is not there is not there.
    pub(super) installed: bool,
    pub(super) pools: Vec<Pool>,
    /// By their names in small letters: they are compared without regard to case.
    names: HashMap<String, usize>,
    current: Option<usize>,
    /// What the includes say.
    pub(super) includes: Vec<String>,
    pub(super) seen: HashSet<SourceId>,
    files: usize,
    depth: usize,
    /// What keeps PHP-FPM from starting: it says the first and reads no further.
    pub(super) fault: Option<Problem>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        ground: Ground<'a>,
        keys: &'a Keys,
        environment: Environment<'a>,
        main: &Path,
        prefix: Option<&str>,
    ) -> Self {
        Self {
            ground,
            keys,
            environment,
            folder: main.parent().unwrap_or(Path::new("")).to_owned(),
            prefix: prefix.map_or_else(|| built_prefix(main), str::to_owned),
            installed: false,
            pools: Vec::new(),
            names: HashMap::new(),
            current: None,
            includes: Vec::new(),
            seen: HashSet::new(),
            files: 0,
            depth: 0,
            fault: None,
        }
    }

    pub(super) fn file(&mut self, source: SourceId) {
        self.seen.insert(source);
        self.files += 1;
        if self.files > MAX_FILES {
            let message = format!("the includes after the first {MAX_FILES} files were not read");
            self.fault = Some(self.ground.problem(ProblemKind::Skipped, message, Span::top(source)));
            return;
        }
        let bytes = self.ground.sources.bytes(source);
        self.depth += 1;
        let mut start = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let range = start..start + line.len();
            start = range.end;
            self.line(source, bytes, range);
            if self.fault.is_some() {
                break;
            }
        }
        self.depth -= 1;
    }

    fn line(&mut self, source: SourceId, bytes: &[u8], range: std::ops::Range<usize>) {
        let environment = &self.environment;
        let (statements, fault) = php_ini::read(bytes, range.clone(), &|name| environment.get(name));
        let line = Span::new(source, range.clone());
        let mut include = None;
        for statement in statements {
            match statement {
                Statement::Section(name) => self.section(source, &name),
                Statement::Entry { name, at, .. } if name.starts_with('#') => {
                    self.refuse("a comment begins with ; and not with #", Span::new(source, at));
                }
                Statement::Entry { name, at, value: None } => {
                    self.refuse(&format!("{name} has no value"), Span::new(source, at));
                }
                Statement::Entry { name, value: Some(value), .. } if name == "include" => {
                    include = Some(value);
                }
                Statement::Entry { name, at, value: Some(value) } => {
                    self.entry(&name, Span::new(source, at), value, line);
                }
                Statement::Offset { name, at, .. } => self.offset(&name, Span::new(source, at)),
            }
        }
        if let Some(fault) = fault {
            let at = self.shown(source, bytes, &range, fault.at);
            if !self.is_template(&String::from_utf8_lossy(bytes.get(range).unwrap_or_default())) {
                self.refuse(fault.message, at);
            }
            return;
        }
        if let Some(value) = include.filter(|_| self.fault.is_none()) {
            self.include(&value, Span::new(source, value.at.clone()));
        }
    }

    /// The byte of a fault; at the end of a line its last one.
    fn shown(&self, source: SourceId, bytes: &[u8], line: &std::ops::Range<usize>, at: usize) -> Span {
        let text = bytes.get(line.clone()).unwrap_or_default();
        let end = line.start + text.trim_ascii_end().len();
        let at = at.min(end.saturating_sub(1)).max(line.start);
        Span::new(source, at..at + 1)
    }

    /// What a tool will fill in before PHP-FPM reads it: Jinja's and ERB's tags, a shell's variables, `__NAME__`, `@NAME@`.
    fn is_template(&self, text: &str) -> bool {
        let is_name = |rest: &str| rest.starts_with(|c: char| c.is_ascii_uppercase() || "({".contains(c));
        let shell = || text.match_indices('$').any(|(at, _)| text.get(at + 1..).is_some_and(is_name));
        let tagged = || ["{{", "{%", "<%", "__", "@"].iter().any(|mark| text.contains(mark));
        !self.installed && (tagged() || shell())
    }

    fn refuse(&mut self, message: &str, at: Span) {
        if self.fault.is_none() {
            self.fault = Some(lost(self.ground, message, at));
        }
    }

    fn section(&mut self, source: SourceId, name: &Text) {
        if name.text.eq_ignore_ascii_case("global") {
            self.current = None;
            return;
        }
        let next = self.pools.len();
        let index = *self.names.entry(name.text.to_ascii_lowercase()).or_insert(next);
        self.current = Some(index);
        if index == next {
            let at = Span::new(source, name.at.clone());
            self.pools.push(Pool { name: name.text.clone(), at, values: HashMap::new() });
        }
    }

    fn entry(&mut self, name: &str, at: Span, value: Text, line: Span) {
        let in_pool = self.current.is_some();
        let template = self.is_template(&value.text);
        let known = value.open.is_none() && !template;
        match self.keys.kind(name, in_pool) {
            Key::Misplaced if in_pool => return self.refuse(&format!("{name} belongs into [global]"), at),
            Key::Misplaced => {
                return self.refuse(&format!("{name} belongs into a pool, not into [global]"), at);
            }
            Key::Unknown => {
                if self.keys.are_all(self.version(at.source)) {
                    self.refuse(&format!("{name} is no key of its"), at);
                }
                return;
            }
            Key::Number if known && !is_number(&value.text) => {
                let what = format!("{name} = {} is no number to it", value.text);
                return self.refuse(&what, Span::new(at.source, value.at));
            }
            Key::Number | Key::Text => {}
        }
        let key = name.to_ascii_lowercase();
        let managers = ["static", "dynamic", "ondemand"];
        if key == "pm" && known && !managers.iter().any(|name| value.text.eq_ignore_ascii_case(name)) {
            return self.refuse("pm is static, dynamic or ondemand", Span::new(at.source, value.at));
        }
        let Some(pool) = self.current.and_then(|index| self.pools.get_mut(index)) else { return };
        let text = value.text.replace("$pool", &pool.name);
        let given = Given {
            exact: value.exact && text == value.text,
            open: value.open.or_else(|| template.then(|| value.text.clone())),
            text,
            at: Span::new(at.source, value.at),
            line,
        };
        pool.values.insert(key, given);
    }

    fn offset(&mut self, name: &str, at: Span) {
        match self.current {
            None => self.refuse("keys with brackets belong into a pool, not into [global]", at),
            Some(_) if self.keys.is_array(name) => {}
            Some(_) => self.refuse(&format!("{name}[] is no key of its"), at),
        }
    }

    fn version(&self, source: SourceId) -> Option<crate::model::Version> {
        version::in_path(&format!("/{}", self.ground.sources.get(source).name()))
    }

    fn include(&mut self, value: &Text, at: Span) {
        self.includes.push(value.text.clone());
        if value.open.is_some() || self.is_template(&value.text) {
            return;
        }
        let path = match value.text.starts_with('/') {
            true => PathBuf::from(&value.text),
            false => Path::new(&self.prefix).join(&value.text),
        };
        let files = match self.matching(&path) {
            Some(files) => files,
            None if self.installed => {
                let folder = path.parent().unwrap_or(Path::new("")).display();
                return self.refuse(&format!("there is no folder {folder} to include from"), at);
            }
            None => return,
        };
        for file in files {
            if self.ground.tree.is_folder(&file) {
                continue;
            }
            if self.depth >= MAX_DEPTH {
                return self.refuse("it includes files more than five deep", at);
            }
            match self.ground.tree.read(self.ground.sources, &file) {
                Ok(source) => self.file(source),
                Err(why) => self.refuse(&format!("{} is not read: {why}", file.display()), at),
            }
            if self.fault.is_some() {
                return;
            }
        }
    }

    /// What a pattern of an include leads to; nothing where its folder is missing (glob(3) with GLOB_ERR).
    fn matching(&self, path: &Path) -> Option<Vec<PathBuf>> {
        let tree = self.ground.tree;
        let bytes = |path: &Path| path.to_string_lossy().into_owned().into_bytes();
        if !has_magic(&bytes(path)) {
            if tree.entry(path).is_ok() {
                return Some(vec![path.to_owned()]);
            }
            return Some(self.moved(path).into_iter().collect());
        }
        let has_folder = |path: &Path| {
            let plain = path.ancestors().find(|path| !has_magic(&bytes(path)));
            plain.is_some_and(|folder| tree.is_folder(folder))
        };
        match has_folder(path) {
            true => Some(tree.glob(&bytes(path))),
            false => self.moved(path).map(|moved| tree.glob(&bytes(&moved))),
        }
    }

    /// In a repository a file will be put elsewhere, and the folder of pools beside it too: `pool.d/*.conf`.
    fn moved(&self, path: &Path) -> Option<PathBuf> {
        let name = path.file_name().filter(|_| !self.installed)?;
        let beside = self.folder.join(path.parent()?.file_name()?);
        self.ground.tree.is_folder(&beside).then(|| beside.join(name))
    }
}

/// A minus is a sign at the beginning only (fpm_conf_set_integer).
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// What relative paths start from: the prefix that PHP is built for where its main file lies (PHP_PREFIX).
fn built_prefix(main: &Path) -> String {
    let path = main.to_string_lossy();
    let home = path.strip_suffix("/etc/php-fpm.conf").filter(|home| !home.is_empty());
    match home {
        Some(home) if home.starts_with("opt/cpanel/") => format!("/{home}/usr"),
        Some(home) => format!("/{home}"),
        None if path.starts_with("usr/local/") => "/usr/local".into(),
        None => "/usr".into(),
    }
}
