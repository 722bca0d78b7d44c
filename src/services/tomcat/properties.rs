//! What `${name}` stands for in a server.xml: catalina.properties beside it, the -D options that its JVM is started with, and its
//! environment where it is told to look there.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use super::environment;
use crate::services::Ground;
use crate::syntax::properties;
use crate::syntax::startup::Answer;
use crate::text::{HashMap, Span, Text};

/// Tomcat gives up after this many rounds (IntrospectionUtils.replaceProperties).
const ROUNDS: usize = 20;
/// No value that matters here is longer; properties that double each other are not followed for ever.
const MAX_VALUE: usize = 1 << 16;

/// The property that names the classes which look placeholders up, and two of those, which come with Tomcat.
const SOURCES: &str = "org.apache.tomcat.util.digester.PROPERTY_SOURCE";
const OF_ENVIRONMENT: &str = "org.apache.tomcat.util.digester.EnvironmentPropertySource";
const OF_SYSTEM: &str = "org.apache.tomcat.util.digester.SystemPropertySource";

/// What stands round an option in a script.
const ENDS: [char; 4] = [' ', '\t', '"', '\''];

/// The properties of one Tomcat.
#[derive(Debug, Default)]
pub(super) struct Properties {
    known: HashMap<String, Text>,
    /// Somebody else may set what is not set here: the environment, or a command line outside the tree.
    open: bool,
    /// Set, but not by the files of the tree alone.
    elsewhere: Vec<String>,
    prefer_ipv4: bool,
    /// Some value grew past what is looked at.
    cut: Cell<bool>,
}

/// A value after its placeholders are filled in.
#[derive(Debug)]
pub(super) struct Filled {
    /// Open where a placeholder is left that something outside the tree may fill in.
    pub(super) text: Text,
    /// The property of catalina.properties that is all of it: the text stands there.
    pub(super) property: Option<String>,
}

impl Properties {
    /// `folder` holds server.xml. In an installed Tomcat nothing else sets properties than what is read here.
    pub(super) fn read(ground: Ground<'_>, folder: &Path, installed: bool) -> Self {
        let mut found = Self { open: !installed, ..Self::default() };
        if let Some(base) = folder.parent().filter(|_| folder.ends_with("conf")) {
            found.set("catalina.base", Text::meant(format!("/{}", base.display()), Span::NOWHERE));
        }
        for path in command_lines(ground, folder) {
            found.options(ground, &path);
        }
        // java.net.Inet4Address asks for it before catalina.properties is read.
        found.prefer_ipv4 = found.is("java.net.preferIPv4Stack", "true");
        // CatalinaProperties makes each entry a system property: it wins over -D.
        if let Ok(file) = ground.tree.read(ground.sources, &folder.join("catalina.properties")) {
            for property in properties::read(ground.sources, file) {
                found.set(&property.key, property.value);
            }
        }
        found.look_elsewhere(ground, folder);
        found
    }

    /// The classes that look placeholders up, in their order; properties come last where they are not named (Digester.java: its
    /// static block).
    fn look_elsewhere(&mut self, ground: Ground<'_>, folder: &Path) {
        let Some(text) = self.known.get(SOURCES) else { return };
        let classes: Vec<&str> = text.split(',').map(str::trim).filter(|class| !class.is_empty()).collect();
        let place = |class: &str| classes.iter().position(|named| *named == class);
        self.open |= classes.iter().any(|class| ![OF_ENVIRONMENT, OF_SYSTEM].contains(class));
        let Some(environment) = place(OF_ENVIRONMENT) else { return };
        let comes_first = place(OF_SYSTEM).is_none_or(|system| environment < system);
        let (variables, whole) = environment::read(ground, folder);
        self.open |= !whole;
        for (name, answer) in variables {
            if !comes_first && self.known.contains_key(&name) {
                continue;
            }
            match answer {
                Answer::Set(set) => {
                    self.elsewhere.retain(|other| *other != name);
                    self.set(&name, set.text);
                }
                Answer::Unclear(_) | Answer::Unsaid => {
                    self.known.remove(&name);
                    self.elsewhere.push(name);
                }
            }
        }
    }

    pub(super) fn prefers_ipv4(&self) -> bool {
        self.prefer_ipv4
    }

    fn is(&self, key: &str, value: &str) -> bool {
        self.known.get(key).is_some_and(|known| known.eq_ignore_ascii_case(value))
    }

    fn set(&mut self, key: &str, value: Text) {
        self.known.insert(key.to_owned(), value);
    }

    /// The -Dname=value of a shell script, an environment file or a unit.
    fn options(&mut self, ground: Ground<'_>, path: &Path) {
        let Ok(file) = ground.tree.read(ground.sources, path) else { return };
        let text = String::from_utf8_lossy(ground.sources.bytes(file));
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            for (at, _) in line.match_indices("-D") {
                let before = line.get(..at).unwrap_or_default();
                let starts = before.is_empty() || before.ends_with(ENDS) || before.ends_with('=');
                let option = line.get(at + 2..).unwrap_or_default().split(ENDS).next().unwrap_or_default();
                match option.split_once('=').filter(|_| starts) {
                    // A shell's own variable: its value is not here.
                    Some((key, value)) if value.contains(['$', '`']) => self.elsewhere.push(key.to_owned()),
                    Some((key, value)) => self.set(key, Text::meant(value, Span::NOWHERE)),
                    None => {}
                }
            }
        }
    }

    /// As IntrospectionUtils.replaceProperties does: again and again while a placeholder is left.
    pub(super) fn fill(&self, value: &Text) -> Filled {
        let mut text = value.as_str().to_owned();
        for _ in 0..ROUNDS {
            if !text.contains("${") {
                break;
            }
            if text.len() > MAX_VALUE {
                self.cut.set(true);
                return Filled { text: value.clone().with_open(value), property: None };
            }
            let next = self.fill_once(&text);
            if next == text {
                break;
            }
            text = next;
        }
        let left = |key: &String| text.contains(&format!("${{{key}"));
        let open = self.open && is_template(&text) || self.elsewhere.iter().any(left);
        let single = value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
        let property = single.and_then(|name| Some((name, self.known.get(name)?)));
        let property = property.filter(|(_, known)| known.is(&text) && known.span() != Span::NOWHERE);
        let filled = match property {
            Some((_, known)) => known.clone(),
            None if value.is(&text) => value.clone(),
            None => Text::meant(text, value.span()),
        };
        let text = if open { filled.with_open(value) } else { filled };
        Filled { text, property: property.map(|(name, _)| name.to_owned()) }
    }

    /// What is not looked at of the values.
    pub(super) fn cut_off(&self) -> Option<String> {
        self.cut
            .get()
            .then(|| format!("values that placeholders make longer than {MAX_VALUE} bytes are not filled in"))
    }

    fn fill_once(&self, value: &str) -> String {
        let mut filled = String::with_capacity(value.len());
        let mut rest = value;
        while let Some((before, after)) = rest.split_once("${") {
            filled.push_str(before);
            let Some((name, tail)) = after.split_once('}') else {
                filled.push_str("${");
                rest = after;
                break;
            };
            match self.lookup(name) {
                Some(text) => filled.push_str(text),
                None => filled.extend(["${", name, "}"]),
            }
            rest = tail;
            if filled.len() > MAX_VALUE {
                break;
            }
        }
        filled.push_str(rest);
        filled
    }

    /// `name`, or `name:-default`.
    fn lookup<'p>(&'p self, name: &'p str) -> Option<&'p str> {
        let plain = |name: &str| self.known.get(name).map(Text::as_str);
        plain(name).or_else(|| {
            let (name, default) = name.split_once(":-")?;
            let elsewhere = self.elsewhere.iter().any(|key| key == name);
            plain(name).or((!elsewhere).then_some(default))
        })
    }
}

/// Marks of the tools that fill a configuration in before Tomcat sees it: Jinja, Mustache, Ant, autoconf, sed.
fn is_template(text: &str) -> bool {
    let is_word = |text: &str| text.contains('_') && text.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    ["{{", "@", "%", "$"].iter().any(|mark| text.contains(mark)) || is_word(text)
}

/// The files that may hold the options of this Tomcat's JVM: those of the distributions' units, and its own setenv.sh.
fn command_lines(ground: Ground<'_>, folder: &Path) -> Vec<PathBuf> {
    let Some(parent) = folder.parent() else { return Vec::new() };
    if folder.ends_with("conf") {
        return vec![parent.join("bin/setenv.sh")];
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let unit = format!("{}/systemd/system/{name}.service", parent.display());
    let mut paths = vec![parent.join("default").join(&*name), parent.join("sysconfig").join(&*name)];
    paths.extend([folder.join("tomcat.conf"), PathBuf::from(&unit)]);
    paths.extend(ground.tree.glob(format!("{unit}.d/*.conf").as_bytes()));
    paths
}
