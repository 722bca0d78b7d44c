//! The arguments of Jetty's start.jar, wherever they are written: start.ini, start.d/*.ini, jetty.conf, a command line. Each is a
//! module, a property or a file.

use std::cell::Cell;

use crate::text::{HashMap, SourceId, Sources, Span, Text, deeper, larger, over};

/// Properties may name others, to this depth.
const MAX_DEPTH: u32 = 8;

/// No value that matters here is longer.
const MAX_VALUE: usize = 4096;

/// How many references to properties are followed: those to nothing can name each other into millions.
const MAX_REFERENCES: usize = 2_000;

/// All arguments of one Jetty, those that win last.
#[derive(Debug, Default)]
pub struct Arguments {
    properties: HashMap<String, Text>,
    /// Options of the JVM, which lose to everything.
    of_jvm: HashMap<String, Text>,
    /// Modules and the arguments that name them.
    pub modules: Vec<(String, Span)>,
    /// XML files that are named as such.
    pub xml: Vec<String>,
    /// References that were followed so far.
    followed: Cell<usize>,
}

impl Arguments {
    /// A file of arguments, one a line.
    pub fn file(&mut self, sources: &Sources, source: SourceId) {
        let bytes = sources.bytes(source);
        let mut start = 0;
        for line in bytes.split(|byte| *byte == b'\n') {
            let text = line.trim_ascii();
            let before = start + line.len() - line.trim_ascii_start().len();
            start += line.len() + 1;
            if !(text.is_empty() || text.starts_with(b"#")) {
                let at = Span::new(source, before..before + text.len());
                self.argument(&Text::written(text, at).in_characters());
            }
        }
    }

    /// `NAME="name=value ..."` of a file of variables, where of two lines the later counts.
    pub fn variable(&mut self, sources: &Sources, source: SourceId, name: &str) {
        let mut words = Vec::new();
        let mut start = 0;
        for line in sources.bytes(source).split(|byte| *byte == b'\n') {
            let before = start + line.len() - line.trim_ascii_start().len();
            start += line.len() + 1;
            let value = line.trim_ascii().strip_prefix(name.as_bytes());
            let Some(value) = value.and_then(|rest| rest.strip_prefix(b"=")) else { continue };
            words.clear();
            let mut at = before + name.len() + 1;
            for word in value.split(|byte| byte.is_ascii_whitespace() || b"\"'".contains(byte)) {
                let span = Span::new(source, at..at + word.len());
                at += word.len() + 1;
                if let Ok(text) = std::str::from_utf8(word) {
                    let word = Text::written(text, span);
                    words.push(if text.contains('$') { word.with_open(text) } else { word });
                }
            }
        }
        words.iter().for_each(|word| self.argument(word));
    }

    /// The arguments in a variable's value, which jetty.sh cuts at blanks.
    pub fn words(&mut self, value: &Text) {
        let mut at = 0;
        for word in value.bytes().split(u8::is_ascii_whitespace) {
            let range = at..at + word.len();
            at = range.end + 1;
            self.argument(&value.slice(range));
        }
    }

    /// One argument (StartArgs.parse).
    pub fn argument(&mut self, word: &Text) {
        let text = word.as_str();
        let modules = ["--module=", "--modules=", "--add-module=", "--add-modules="];
        if let Some(named) = modules.iter().find_map(|option| text.strip_prefix(option)) {
            let named = named.split(',').map(str::trim).filter(|name| !name.is_empty());
            self.modules.extend(named.map(|name| (name.to_owned(), word.span())));
            return;
        }
        if text.starts_with("--") {
            return;
        }
        match text.strip_prefix("-D").unwrap_or(text).split_once('=') {
            Some((name, value)) => self.set(name, word.tail(value.len())),
            None if text.ends_with(".xml") => self.xml.push(text.to_owned()),
            None => {}
        }
    }

    /// An option of the JVM that runs start.jar.
    pub fn option_of_jvm(&mut self, word: &Text) {
        if let Some((name, value)) =
            word.as_str().strip_prefix("-D").and_then(|option| option.split_once('='))
        {
            self.of_jvm.insert(name.to_owned(), word.tail(value.len()));
        }
    }

    /// `name=value`, `name+=value` after what there is, `name?=value` where there is nothing.
    fn set(&mut self, name: &str, new: Text) {
        if let Some(name) = name.strip_suffix('?') {
            self.properties.entry(name.to_owned()).or_insert(new);
        } else if let Some(name) = name.strip_suffix('+') {
            let all = self.properties.entry(name.to_owned()).or_default();
            all.push_text(&new);
            *all = std::mem::take(all).meant_by(new.span());
        } else {
            self.properties.insert(name.to_owned(), new);
        }
    }

    /// A property by any of its names, with those that it names filled in.
    pub fn property(&self, sources: &Sources, names: &[String]) -> Option<Text> {
        let found = names.iter().find_map(|name| self.properties.get(name));
        let found = found.or_else(|| names.iter().find_map(|name| self.of_jvm.get(name)))?;
        Some(self.filled(sources, found, 0))
    }

    fn filled(&self, sources: &Sources, property: &Text, depth: u32) -> Text {
        let (written, at) = (property.as_str(), property.span());
        if !written.contains("${") {
            return property.clone();
        }
        let mut filled = Text::nothing(at).with_open_of(property);
        let mut rest = written;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, tail)) = after.split_once('}') else { break };
            let named = self.properties.get(name).or_else(|| self.of_jvm.get(name));
            let length = filled.len() + before.len();
            if named.is_some_and(|named| !self.follows(sources, at, length.max(named.len()), depth)) {
                filled.set_open("${");
                break;
            }
            filled.push_for(before.as_bytes(), at);
            match named {
                Some(named) => {
                    let value = self.filled(sources, named, depth + 1);
                    // The number is where the other property is set.
                    if before.is_empty() && tail.is_empty() && filled.is_empty() {
                        return value;
                    }
                    filled.open_as(&value);
                    filled.push_for(value.bytes(), at);
                }
                None => {
                    let reference = format!("${{{name}}}");
                    filled.set_open(&reference);
                    filled.push_for(reference.as_bytes(), at);
                }
            }
            rest = tail;
        }
        filled.push_for(rest.as_bytes(), at);
        filled
    }

    /// Whether a reference is followed; where that would be too much, it is told.
    fn follows(&self, sources: &Sources, at: Span, length: usize, depth: u32) -> bool {
        let followed = self.followed.get();
        let too_much = if depth >= MAX_DEPTH {
            deeper("nested properties", MAX_DEPTH)
        } else if length >= MAX_VALUE {
            larger("values of properties", MAX_VALUE, length)
        } else if followed >= MAX_REFERENCES {
            over("references to properties", MAX_REFERENCES)
        } else {
            self.followed.set(followed + 1);
            return true;
        };
        sources.cut_off(at, too_much);
        false
    }
}
