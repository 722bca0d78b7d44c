//! The sections that are read or skipped at once: IfModule, IfDefine, IfVersion, IfFile, IfDirective and IfSection.

use std::cmp::Ordering;

use regex::Regex;

use super::includes;
use super::lines::words;
use super::{Start, Walk};
use crate::text::Text;

/// A version that is not known is new enough.
const NEW: [u16; 3] = [2, 4, 999];

/// How directives and sections of modules begin.
const OF_MODULES: [(&str, &str); 8] = [
    ("ssl", "ssl_module"),
    ("proxy", "proxy_module"),
    ("rewrite", "rewrite_module"),
    ("header", "headers_module"),
    ("expires", "expires_module"),
    ("h2", "http2_module"),
    ("ifversion", "version_module"),
    ("macro", "macro_module"),
];

/// Whether a section is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    /// It depends on what these files do not tell.
    Maybe(String),
}

impl Answer {
    fn of(yes: bool) -> Self {
        if yes { Answer::Yes } else { Answer::No }
    }

    fn not(self) -> Self {
        match self {
            Answer::Yes => Answer::No,
            Answer::No => Answer::Yes,
            maybe => maybe,
        }
    }
}

impl Walk<'_, '_> {
    /// Nothing where the section is no condition. The argument has no `>` any more.
    pub(super) fn answer(&self, section: &str, argument: &Text) -> Option<Answer> {
        let mut words = words(argument).map(|word| word.show().into_owned());
        let first = words.next().unwrap_or_default();
        let (negated, mut name) = match first.strip_prefix('!') {
            Some(rest) => (true, rest.to_owned()),
            None => (false, first),
        };
        let mut rest: Vec<String> = words.collect();
        if name.is_empty() && !rest.is_empty() {
            name = rest.remove(0);
        }
        let answer = match section {
            "<ifmodule" => self.module(&name),
            "<ifdefine" => self.define(&name),
            "<ifversion" => self.version(&name, rest.first().map(String::as_str)),
            "<iffile" => self.exists(&name),
            "<ifdirective" => self.known(&name, self.given.directives),
            "<ifsection" => self.known(&name, self.given.sections),
            _ => return None,
        };
        Some(if negated { answer.not() } else { answer })
    }

    /// By its symbol or its source file (start_ifmod in server/core.c).
    fn module(&self, name: &str) -> Answer {
        let symbol = match self.given.symbols.get(name) {
            Some(symbol) => symbol.clone(),
            None => match name.strip_prefix("mod_").and_then(|name| name.strip_suffix(".c")) {
                Some(bare) => format!("{bare}_module"),
                None => name.to_owned(),
            },
        };
        match self.given.loaded.contains(&symbol) {
            false if self.incomplete || self.given.start == Start::Fragment => {
                Answer::Maybe(format!("{name} is loaded"))
            }
            loaded => Answer::of(loaded),
        }
    }

    fn define(&self, name: &str) -> Answer {
        match self.given.variables.is_defined(name) {
            false if self.given.start == Start::Fragment => Answer::Maybe(format!("{name} is defined")),
            defined => Answer::of(defined),
        }
    }

    /// Whether a directive or section is there: the core's is, a module's where that is loaded (start_cond_section in
    /// server/core.c of 2.4.34 and later).
    fn known(&self, name: &str, core: &[String]) -> Answer {
        let name = name.trim_start_matches('<').to_ascii_lowercase();
        if core.contains(&name) {
            return Answer::Yes;
        }
        match OF_MODULES.iter().find(|(start, _)| name.starts_with(start)) {
            Some((_, module)) => self.module(module),
            None => Answer::Maybe(format!("{name} is known to a module")),
        }
    }

    fn exists(&self, name: &str) -> Answer {
        let path = self.home.path(name);
        match self.given.tree.exists(&path) {
            true => Answer::Yes,
            false if self.given.machine && !includes::is_elsewhere(self.given.tree, &path) => Answer::No,
            false => Answer::Maybe(format!("{name} is there")),
        }
    }

    /// start_ifversion in modules/metadata/mod_version.c.
    fn version(&self, first: &str, second: Option<&str>) -> Answer {
        let (operator, wanted) = match second {
            Some(wanted) => (first, wanted),
            None => ("=", first),
        };
        let unknown = || Answer::Maybe(format!("the version is {operator} {wanted}"));
        let pattern = wanted.strip_prefix('/').and_then(|wanted| wanted.strip_suffix('/'));
        let equal = matches!(operator, "=" | "==");
        if operator == "~" || equal && pattern.is_some() {
            let own = self.given.version.map(|own| own.map(|part| part.to_string()).join("."));
            let (Some(own), Ok(regex)) = (own, Regex::new(pattern.unwrap_or(wanted))) else {
                return unknown();
            };
            return Answer::of(regex.is_match(&own));
        }
        let Some(wanted) = parse(wanted) else { return unknown() };
        let own = self.given.version.unwrap_or(NEW).cmp(&wanted);
        match operator {
            "=" | "==" if self.given.version.is_none() => unknown(),
            "=" | "==" => Answer::of(own == Ordering::Equal),
            ">" => Answer::of(own == Ordering::Greater),
            ">=" => Answer::of(own != Ordering::Less),
            "<" => Answer::of(own == Ordering::Less),
            "<=" => Answer::of(own != Ordering::Greater),
            _ => unknown(),
        }
    }
}

/// `2`, `2.4` and `2.4.71`: what is not given is 0.
fn parse(text: &str) -> Option<[u16; 3]> {
    let mut parts = text.split('.').map(|part| part.parse::<u16>().ok());
    let mut next = || parts.next().unwrap_or(Some(0));
    let version = [next()?, next()?, next()?];
    parts.next().is_none().then_some(version)
}
