//! The arguments of start.jar, wherever they are written: start.ini, start.d/*.ini, jetty.conf, a command line. Each is a module,
//! a property or a file.

use std::collections::HashMap;

use crate::model::Word;
use crate::text::{SourceId, Sources, Span};

/// Properties may name others, to this depth.
const DEPTH: u32 = 8;

/// No value that matters here is longer.
const MAX_VALUE: usize = 4096;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Property {
    pub text: String,
    pub at: Span,
    /// The text at the span is the value.
    pub exact: bool,
    /// A part of it is not known.
    pub open: bool,
}

/// All arguments of one Jetty, those that win last.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    properties: HashMap<String, Property>,
    /// Options of the JVM, which lose to everything.
    of_jvm: HashMap<String, Property>,
    /// Modules and the arguments that name them.
    pub modules: Vec<(String, Span)>,
    /// XML files that are named as such.
    pub xml: Vec<(String, Span)>,
}

impl Arguments {
    /// A file of arguments, one a line.
    pub(super) fn file(&mut self, sources: &Sources, source: SourceId) {
        let bytes = sources.bytes(source);
        let mut start = 0;
        for line in bytes.split(|byte| *byte == b'\n') {
            let text = line.trim_ascii();
            let before = line.len() - line.trim_ascii_start().len();
            let at = start + before..start + before + text.len();
            start += line.len() + 1;
            if !(text.is_empty() || text.starts_with(b"#")) {
                let exact = std::str::from_utf8(text).is_ok();
                let text = String::from_utf8_lossy(text).into_owned();
                self.argument(&Word { text, span: Span::new(source, at), exact, open: false });
            }
        }
    }

    /// One argument (StartArgs.parse).
    pub(super) fn argument(&mut self, word: &Word) {
        let text = word.text.as_str();
        let modules = ["--module=", "--modules=", "--add-module=", "--add-modules="];
        if let Some(named) = modules.iter().find_map(|option| text.strip_prefix(option)) {
            let named = named.split(',').map(str::trim).filter(|name| !name.is_empty());
            self.modules.extend(named.map(|name| (name.to_owned(), word.span)));
            return;
        }
        if text.starts_with("--") {
            return;
        }
        match text.strip_prefix("-D").unwrap_or(text).split_once('=') {
            Some((name, value)) => self.set(name, value, word),
            None if text.ends_with(".xml") => self.xml.push((text.to_owned(), word.span)),
            None => {}
        }
    }

    /// An option of the JVM that runs start.jar.
    pub(super) fn option_of_jvm(&mut self, word: &Word) {
        if let Some((name, value)) = word.text.strip_prefix("-D").and_then(|option| option.split_once('=')) {
            self.of_jvm.insert(name.to_owned(), property(value, word));
        }
    }

    /// `name=value`, `name+=value` after what there is, `name?=value` where there is nothing.
    fn set(&mut self, name: &str, value: &str, word: &Word) {
        let new = property(value, word);
        if let Some(name) = name.strip_suffix('?') {
            self.properties.entry(name.to_owned()).or_insert(new);
        } else if let Some(name) = name.strip_suffix('+') {
            let old = self.properties.get(name).map_or("", |old| old.text.as_str());
            let text = format!("{old}{}", new.text);
            self.properties.insert(name.to_owned(), Property { text, exact: false, ..new });
        } else {
            self.properties.insert(name.to_owned(), new);
        }
    }

    /// A property by any of its names, with those that it names filled in.
    pub(super) fn property(&self, names: &[String]) -> Option<Property> {
        let found = names.iter().find_map(|name| self.properties.get(name));
        let found = found.or_else(|| names.iter().find_map(|name| self.of_jvm.get(name)))?;
        Some(self.filled(found, DEPTH))
    }

    fn filled(&self, property: &Property, depth: u32) -> Property {
        let mut filled = Property { text: String::new(), ..property.clone() };
        let mut rest = property.text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            filled.text.push_str(before);
            let Some((name, tail)) = after.split_once('}') else { break };
            let named = self.properties.get(name).or_else(|| self.of_jvm.get(name));
            match named.filter(|_| depth > 0 && filled.text.len() < MAX_VALUE) {
                Some(named) => {
                    let value = self.filled(named, depth - 1);
                    filled.open |= value.open;
                    // The number is where the other property is set.
                    if before.is_empty() && tail.is_empty() && filled.text.is_empty() {
                        return Property { open: value.open, ..value };
                    }
                    filled.text.push_str(&value.text);
                }
                None => {
                    filled.text.extend(["${", name, "}"]);
                    filled.open = true;
                }
            }
            filled.exact = false;
            rest = tail;
        }
        filled.text.push_str(rest);
        filled
    }
}

fn property(value: &str, word: &Word) -> Property {
    let at = word.tail(value.len()).unwrap_or(word.span);
    Property { text: value.to_owned(), at, exact: word.exact, open: word.open }
}
