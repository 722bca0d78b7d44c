//! Jetty: the connectors that the modules of a base open, and the properties that its start.ini, start.d and command line set.

mod arguments;
mod connector;
mod listener;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Candidate, Found, Ground};
use crate::model::{Command, Listener, ProblemKind, ReadAs, Word};
use crate::text::Span;
use arguments::Arguments;
use connector::Connector;
use table::Table;

/// The variable of /etc/default/jetty9 that holds arguments of start.jar.
const JETTY_ARGS: &[u8] = b"JETTY_ARGS=";

/// Connectors of one base.
const MOST: usize = 100;

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let table = match Table::read(ground.service) {
        Ok(table) => table,
        Err(error) => {
            let message = format!("the table of connectors does not read: {}", error.message());
            let at = Span::top(ground.service.source);
            let problems = vec![ground.problem(ProblemKind::Lost, message, at)];
            return Found { problems, ..Found::default() };
        }
    };
    let homes: Vec<PathBuf> = match ground.read_as {
        ReadAs::Root | ReadAs::Etc => {
            table.homes.iter().flat_map(|home| ground.tree.glob(home.as_bytes())).collect()
        }
        _ => Vec::new(),
    };
    let mut found = Found::default();
    for (folder, files) in bases(files) {
        let by_place = files.iter().any(|file| file.by_place);
        let installed = by_place && ground.is_machine();
        Base { ground, table: &table, homes: &homes, folder, installed }.read(&files, &mut found);
    }
    found
}

/// The files of each base, in the order in which they are read.
fn bases(files: &[Candidate]) -> BTreeMap<PathBuf, Vec<&Candidate>> {
    let mut bases: BTreeMap<PathBuf, Vec<&Candidate>> = BTreeMap::new();
    for file in files {
        let Some(folder) = file.path.parent() else { continue };
        let base = match folder.file_name() {
            Some(name) if name == "start.d" => folder.parent().unwrap_or(folder),
            _ => folder,
        };
        bases.entry(base.to_owned()).or_default().push(file);
    }
    for files in bases.values_mut() {
        files.sort_by_key(|file| (!file.path.ends_with("start.ini"), &file.path));
        files.dedup_by_key(|file| &file.path);
    }
    bases
}

/// One Jetty: a folder with start.ini or start.d, and what it builds on.
struct Base<'a> {
    ground: Ground<'a>,
    table: &'a Table,
    homes: &'a [PathBuf],
    folder: PathBuf,
    /// The tree is the machine that it runs on.
    installed: bool,
}

/// Why Jetty does not start.
struct Refused {
    why: String,
    at: Span,
}

impl Base<'_> {
    fn read(&self, files: &[&Candidate], found: &mut Found) {
        let ground = self.ground;
        let mut arguments = Arguments::default();
        for file in files {
            match ground.tree.read(ground.sources, &file.path) {
                Ok(source) => arguments.file(ground.sources, source),
                Err(why) => {
                    let kind = if self.installed { ProblemKind::Lost } else { ProblemKind::Skipped };
                    let at = Span::top(ground.tree.unread(ground.sources, &file.path));
                    let message = format!("{} was not read: {why}", file.path.display());
                    return found.problems.push(ground.problem(kind, message, at));
                }
            }
        }
        self.command_lines(&mut arguments);
        match self.listeners(&arguments) {
            Ok(listeners) => found.listeners.extend(listeners),
            Err(Refused { why, at }) => {
                let kind = if self.installed { ProblemKind::Lost } else { ProblemKind::Skipped };
                let message = format!("Jetty does not start: {why}");
                found.problems.push(ground.problem(kind, message, at));
            }
        }
    }

    /// What jetty.sh and command lines add: it wins over the files.
    fn command_lines(&self, arguments: &mut Arguments) {
        let ground = self.ground;
        let name =
            self.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if self.folder.parent() == Some(Path::new("etc")) {
            for word in defaults_of(ground, &Path::new("etc/default").join(&name)) {
                arguments.argument(&word);
            }
        }
        if let Ok(conf) = ground.tree.read(ground.sources, &self.folder.join("jetty.conf")) {
            arguments.file(ground.sources, conf);
        }
        for (command, words) in ground.started().filter(|(command, _)| self.is_started_by(command)) {
            let jar = words.iter().position(is_start_jar).unwrap_or(0);
            words.iter().take(jar).for_each(|word| arguments.option_of_jvm(word));
            words.iter().skip(jar + 1).for_each(|word| arguments.argument(word));
            if let Some(more) = command.variable("JETTY_ARGS") {
                arguments.argument(&more.value);
            }
        }
    }

    /// A command line that names another base starts that one.
    fn is_started_by(&self, command: &Command) -> bool {
        let named =
            command.words.iter().find_map(|word| word.text.split_once("jetty.base=").map(|(_, base)| base));
        let named = named.or_else(|| Some(command.variable("JETTY_BASE")?.value.text.as_str()));
        let is_it = named.is_none_or(|base| Path::new(base.trim_matches('/')) == self.folder);
        is_it && command.words.iter().any(is_start_jar)
    }

    fn listeners(&self, arguments: &Arguments) -> Result<Vec<Listener>, Refused> {
        let mut all: Vec<Connector> = Vec::new();
        for (module, at) in &arguments.modules {
            // A module's name is taken as it is, with a remark behind it.
            if module.contains([' ', '#']) {
                return Err(Refused { why: format!("there is no module \"{module}\""), at: *at });
            }
        }
        for known in &self.table.connector {
            let named = arguments.modules.iter().find(|(module, _)| known.modules.contains(module));
            let Some((_, site)) = named else { continue };
            match self.xml_file(&known.xml) {
                Some(path) => self.xml(&path, Some(*site), &mut all)?,
                None => all.push(Connector::known(known, *site)),
            }
        }
        for (name, _) in arguments.xml.iter().take(MOST) {
            let is_known = self
                .table
                .connector
                .iter()
                .any(|known| name.ends_with(&known.xml) && all.iter().any(|it| it.id == known.id));
            if let Some(path) = self.xml_file(name).filter(|_| !is_known) {
                self.xml(&path, None, &mut all)?;
            }
        }
        all.iter().take(MOST).map(|connector| self.listener(connector, arguments)).collect()
    }

    fn xml(&self, path: &Path, site: Option<Span>, all: &mut Vec<Connector>) -> Result<(), Refused> {
        let broken = |(message, at)| Refused { why: format!("{}: {message}", path.display()), at };
        self.connectors_of(path, site, all).map_err(broken)
    }
}

fn is_start_jar(word: &Word) -> bool {
    word.text.ends_with("start.jar") || word.text.ends_with("jetty.sh")
}

/// `JETTY_ARGS="name=value ..."` of a file that jetty.sh's unit reads.
fn defaults_of(ground: Ground<'_>, path: &Path) -> Vec<Word> {
    let Ok(source) = ground.tree.read(ground.sources, path) else { return Vec::new() };
    let bytes = ground.sources.bytes(source);
    let mut words = Vec::new();
    let mut start = 0;
    for line in bytes.split(|byte| *byte == b'\n') {
        let before = start + line.len() - line.trim_ascii_start().len();
        start += line.len() + 1;
        let Some(value) = line.trim_ascii().strip_prefix(JETTY_ARGS) else { continue };
        // Of two lines the later counts.
        words.clear();
        let quoted = value.strip_prefix(b"\"").or(value.strip_prefix(b"'"));
        let inner = quoted.unwrap_or(value);
        let mut at = before + JETTY_ARGS.len() + usize::from(quoted.is_some());
        for word in inner.split(|byte| byte.is_ascii_whitespace() || b"\"'".contains(byte)) {
            let span = Span::new(source, at..at + word.len());
            at += word.len() + 1;
            if let Ok(text) = std::str::from_utf8(word) {
                let open = text.contains('$');
                words.push(Word { text: text.to_owned(), span, exact: !open, open });
            }
        }
    }
    words
}

#[cfg(test)]
mod tests;
