//! One start of a service: what its command line, its environment and its file say, the strongest first.

use std::collections::BTreeMap;
use std::path::Path;

use super::Refused;
use super::file::{self, Keyed};
use super::options::{self, Line};
use super::said::{Said, Taken, Told, Written};
use crate::knowledge::Keys;
use crate::knowledge::keys::{Condition, Format, Instead, Is, KeyFile};
use crate::model::{Command, ReadAs, Starter, Text, Variable, Version};

use crate::services::{Ground, Socket, Why, given_by_systemd};
use crate::syntax::shell;
use crate::text::{Slot, SourceId, Span};

pub(super) struct Instance<'a> {
    pub(super) ground: Ground<'a>,
    pub(super) keys: &'a Keys,
    pub(super) version: Option<Version>,
    /// What starts it; for a file by itself, the file.
    pub(super) site: Span,
    command: Option<(&'a Command, &'a [Text])>,
    file: Option<(SourceId, Format)>,
    told: BTreeMap<&'a str, Told>,
    /// Why more may be set than is seen: by the command line, and by the file.
    open_line: Option<(String, Span)>,
    open_file: Option<(String, Span)>,
}

impl<'a> Instance<'a> {
    /// What a command line starts.
    pub(super) fn started(
        ground: Ground<'a>,
        keys: &'a Keys,
        command: &'a Command,
        arguments: &'a [Text],
    ) -> Result<Self, Refused> {
        let folder = command.folder.as_deref().unwrap_or(Path::new(""));
        let mut it = Self::new(ground, keys, ground.version_of(command, folder), command.at);
        it.command = Some((command, arguments));
        it.line(options::read(keys, arguments))?;
        if let Some(variable) = keys.arguments.as_ref().and_then(|name| command.variable(name)) {
            let words = words_of(&variable.value).ok_or_else(|| {
                Refused::new(format!("a quote in {} is not closed", variable.name), variable.value.span())
            })?;
            it.line(options::read(keys, &words))?;
        }
        it.variables(command);
        if let Some(file) = &keys.file {
            it.find_file(file, command)?;
        }
        it.defaults();
        it.refusals().map(|()| it)
    }

    /// What a file of keys says where nothing is known of the rest.
    pub(super) fn of_file(ground: Ground<'a>, keys: &'a Keys, source: SourceId) -> Result<Self, Refused> {
        let path = ground.sources.get(source).path().map(Path::to_owned).unwrap_or_default();
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut it = Self::new(ground, keys, ground.version(folder), Span::top(source));
        if let Some(KeyFile { format, .. }) = keys.file {
            it.read_file(source, format)?;
        }
        it.defaults();
        it.refusals().map(|()| it)
    }

    fn new(ground: Ground<'a>, keys: &'a Keys, version: Option<Version>, site: Span) -> Self {
        Self {
            ground,
            keys,
            version,
            site,
            command: None,
            file: None,
            told: BTreeMap::new(),
            open_line: None,
            open_file: None,
        }
    }

    fn line(&mut self, line: Line) -> Result<(), Refused> {
        if let Some((why, at)) = line.refused {
            return Err(Refused::new(why, at));
        }
        for (name, told) in line.told {
            self.tell(&name, told);
        }
        self.open_line = self.open_line.take().or(line.open);
        Ok(())
    }

    /// What is told first is the strongest.
    fn tell(&mut self, name: &str, told: Told) {
        if let Some((name, _)) = self.keys.setting.get_key_value(name) {
            self.told.entry(name.as_str()).or_insert(told);
        }
    }

    fn variables(&mut self, command: &Command) {
        for (name, setting) in &self.keys.setting {
            let set = setting.variables.iter().find_map(|variable| command.variable(variable));
            let Some(Variable { name: by, value }) = set.filter(|set| !set.value.as_str().is_empty()) else {
                continue;
            };
            let values = vec![Written::tail(value, value.as_str())];
            self.tell(name, Told { by: by.clone(), values, typed: false, default: false });
        }
    }

    fn find_file(&mut self, keys: &KeyFile, command: &Command) -> Result<(), Refused> {
        let named = keys.setting.as_deref().and_then(|name| self.told.get(name)).and_then(|told| {
            let value = told.values.last()?.clone();
            Some((told.by.clone(), value))
        });
        let Some((by, value)) = named else {
            let Some(folder) = &command.folder else { return Ok(()) };
            let found = keys
                .default
                .iter()
                .find_map(|name| self.ground.tree.read(self.ground.sources, &folder.join(name)).ok());
            return found.map_or(Ok(()), |source| self.read_file(source, keys.format));
        };
        let Some(text) = value.text() else {
            self.open_file = Some((format!("it is unknown which file {by} names"), value.at));
            return Ok(());
        };
        let prefix = keys
            .prefixes
            .iter()
            .find_map(|(start, format)| Some((text.strip_prefix(start.as_str())?, *format)));
        let (path, format) = prefix.unwrap_or((text.as_str(), keys.format));
        if format == Format::Opaque {
            self.open_file = Some((format!("{text} may set it, and is not read"), value.at));
            return Ok(());
        }
        let Some(found) = self.ground.named_file(command, path) else {
            let is_sure = path.starts_with('/') || command.folder.is_some();
            // Of an image or a repository not everything is seen.
            if is_sure && self.ground.read_as == ReadAs::Root && command.starter == Starter::Unit {
                return Err(Refused::new(format!("there is no {text}"), value.at));
            }
            self.open_file = Some((format!("{text} may set it, and is not in the tree"), value.at));
            return Ok(());
        };
        match self.ground.tree.read(self.ground.sources, &found) {
            Ok(source) => self.read_file(source, format),
            Err(why) => {
                self.open_file = Some((format!("{text} may set it, and was not read: {why}"), value.at));
                Ok(())
            }
        }
    }

    fn read_file(&mut self, source: SourceId, format: Format) -> Result<(), Refused> {
        let command = self.command.map(|(command, _)| command);
        let Keyed { mut keys, open, refused, typed } =
            file::read(self.ground, source, format, self.keys, command);
        if let Some((why, at)) = refused {
            return Err(Refused::new(why, at));
        }
        self.file = Some((source, format));
        self.open_file = open;
        for (name, setting) in &self.keys.setting {
            let found = setting.keys.iter().find_map(|key| Some((key, keys.remove(key)?)));
            if let Some((key, values)) = found.filter(|(_, values)| !values.is_empty()) {
                self.tell(name, Told { by: key.clone(), values, typed, default: false });
            }
        }
        Ok(())
    }

    fn defaults(&mut self) {
        for (name, setting) in &self.keys.setting {
            let filled = setting.default.iter().find_map(|text| self.filled(text));
            let Some(said) = filled else { continue };
            let values = vec![Written { said, at: self.site, exact: false }];
            self.tell(name, Told { by: String::new(), values, typed: false, default: true });
        }
    }

    /// A default with its variables filled in; none where one of them is not set.
    fn filled(&self, text: &str) -> Option<Said> {
        let Some((before, rest)) = text.split_once("${") else { return Some(Said::Text(text.to_owned())) };
        let (name, after) = rest.split_once('}')?;
        let (command, _) = self.command?;
        let whole = |value: &str| format!("{before}{value}{after}");
        match command.variable(name) {
            Some(set) if set.value.is_open() => {
                let why = Why::Elsewhere(format!("${name}")).to_string();
                Some(Said::Open(whole(set.value.as_str()), why))
            }
            Some(set) => Some(Said::Text(whole(set.value.as_str()))),
            // Heroku and foreman choose the port of each process of a Procfile.
            None if name == "PORT" && command.starter == Starter::Procfile => {
                Some(Said::Open(whole("$PORT"), "who runs the Procfile chooses the port".into()))
            }
            None => None,
        }
    }

    fn refusals(&self) -> Result<(), Refused> {
        match self.keys.refusals.iter().find(|refusal| self.holds(&refusal.when)) {
            Some(refusal) => Err(Refused::new(refusal.why.clone(), self.site)),
            None => Ok(()),
        }
    }

    pub(super) fn holds(&self, conditions: &[Condition]) -> bool {
        conditions.iter().all(|Condition(tests)| tests.iter().any(|test| self.test(&test.setting, &test.is)))
    }

    fn test(&self, setting: &str, is: &Is) -> bool {
        let told = self.told(setting);
        let value = told.and_then(|told| told.values.last()).filter(|_| told.is_some());
        let number = || self.number(setting).ok().flatten().map(|(_, taken)| taken.number);
        match is {
            Is::Set(wanted) => {
                let off = matches!(value.map(|value| &value.said), Some(Said::Truth(false)));
                (told.is_some_and(|told| !told.default) && !off) == *wanted
            }
            Is::Text(text) => value.and_then(Written::text).is_some_and(|value| value == *text),
            Is::Above(least) => number().is_some_and(|number| number > *least),
            Is::Below(most) => number().is_none_or(|number| number < *most),
        }
    }

    /// What listens again behind it.
    pub(super) fn instead(&self) -> Option<&Instead> {
        let folder = || {
            let file = || self.ground.sources.get(self.file?.0).path()?.parent();
            self.command.and_then(|(command, _)| command.folder.as_deref()).or_else(file)
        };
        let fits = |instead: &&Instead| {
            let Some((package, before)) = instead.pypi.as_ref().zip(instead.before) else { return true };
            let command = self.command.map(|(command, _)| command);
            let version = self.ground.version_of_pypi(package, command, folder().unwrap_or(Path::new("")));
            version.is_some_and(|version| version < before)
        };
        self.keys.instead.iter().filter(|instead| self.holds(&instead.when)).find(fits)
    }

    /// Whether this version, else the newest, is at least that one.
    pub(super) fn is_since(&self, since: Option<Version>) -> bool {
        since.is_none_or(|since| self.version.is_none_or(|version| version >= since))
    }

    pub(super) fn is_before(&self, before: Option<Version>) -> bool {
        before.is_none_or(|before| self.version.is_some_and(|version| version < before))
    }

    /// What counts of a setting, if anybody says anything.
    pub(super) fn told(&self, name: &str) -> Option<&Told> {
        self.told.get(name)
    }

    /// Why a setting that nobody seems to give may be given all the same.
    pub(super) fn open(&self, name: &str) -> Option<&(String, Span)> {
        let setting = self.keys.setting.get(name)?;
        let line = self.open_line.as_ref().filter(|_| !setting.options.is_empty());
        line.or(self.open_file.as_ref().filter(|_| !setting.keys.is_empty()))
    }

    /// A setting as a number, where it is known.
    pub(super) fn number(&self, name: &str) -> Result<Option<(&Told, Taken)>, Refused> {
        let Some(told) = self.told(name) else { return Ok(None) };
        let rules = self.keys.setting.get(name).and_then(|setting| setting.number).unwrap_or_default();
        match told.number(&rules) {
            None => Ok(None),
            Some(Ok(taken)) => Ok(Some((told, taken))),
            Some(Err(why)) => {
                let by = if told.by.is_empty() { String::new() } else { format!("{}: ", told.by) };
                Err(Refused::new(format!("{by}{why}"), told.at().unwrap_or(self.site)))
            }
        }
    }

    /// Where a setting can be given that nobody gives.
    pub(super) fn room(&self, name: &str) -> Option<Slot> {
        let setting = self.keys.setting.get(name)?;
        if let Some((command, arguments)) = self.command {
            let option = setting
                .options
                .iter()
                .find(|option| option.starts_with("--") || option.contains([' ', '=']))?;
            let (name, start) = options::spelt(option);
            let room = command.room.as_ref()?;
            if !self.keys.grammar.stops() {
                let words: &[&str] = if name.is_empty() { &[] } else { &[name] };
                return Some(room.slot(words, start));
            }
            // Behind the program's own word, where one stands in a plain line.
            let before = command.words.len().checked_sub(arguments.len() + 1)?;
            let program = command
                .words
                .get(before)
                .filter(|word| word.exact().is_some() && room.before == " " && room.after.is_empty())?;
            let end = Span { start: program.span().end, ..program.span() };
            return Some(Slot::insert(end, format!(" {name}={start}"), ""));
        }
        let (source, format) = self.file?;
        file::room(self.ground, source, format, setting.keys.first()?)
    }

    pub(super) fn file(&self) -> Option<SourceId> {
        self.file.map(|(source, _)| source)
    }

    /// Nothing is known of the command line that starts it.
    pub(super) fn is_file_alone(&self) -> bool {
        self.command.is_none()
    }

    /// What systemd hands it.
    pub(super) fn sockets(&self) -> Vec<Socket> {
        let command = self.command.filter(|_| self.keys.activated);
        command.map_or_else(Vec::new, |(command, _)| given_by_systemd(self.ground, command))
    }
}

/// The arguments in a variable, as shlex.split takes them apart; nothing where a quote is not closed.
pub(super) fn words_of(value: &Text) -> Option<Vec<Text>> {
    let mut words = shell::split(value)?;
    words.iter_mut().for_each(|word| word.open_by(value, b'$'));
    Some(words)
}
