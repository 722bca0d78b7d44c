//! How files are told: the places where a service looks for them, their names, and what their content looks like.

use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use crate::text::{Glob, HashMap, has_magic, levels};

/// The `[files]` of a table of ours, as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Files {
    #[serde(default)]
    places: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    looks_like: String,
    otherwise: Option<Otherwise>,
    #[serde(default)]
    apps: bool,
}

/// Names that are anybody's, and what a file of such a name has to hold: it cannot be mistaken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Otherwise {
    names: Vec<String>,
    looks_like: String,
}

/// How the files of a service are told.
#[derive(Debug)]
pub struct Shape {
    /// Patterns of paths from the root: files that the service opens by itself where it is installed.
    pub places: Vec<String>,
    /// Patterns of file names (or of the last parts of paths) that may hold its configuration or source: in a repository
    /// anywhere, in a root below the application folders if `apps` is set.
    pub names: Vec<String>,
    /// Its own names, then those that are anybody's.
    ends: Vec<Glob>,
    /// How many are its own.
    own: usize,
    looks: Option<Looks>,
    looks_otherwise: Option<Looks>,
    /// Whether a root's application folders (`srv`, `opt`, `var/www`, ...) are searched.
    pub apps: bool,
}

impl Shape {
    /// That of a service which has a command line only.
    pub(super) fn none() -> Self {
        Self {
            places: Vec::new(),
            names: Vec::new(),
            ends: Vec::new(),
            own: 0,
            looks: None,
            looks_otherwise: None,
            apps: false,
        }
    }

    pub(super) fn new(files: Files) -> Self {
        let Files { places, names, looks_like, otherwise, apps } = files;
        let looks = |pattern| Looks { pattern, compiled: OnceLock::new() };
        let (others, looks_otherwise) = otherwise.map(|it| (it.names, looks(it.looks_like))).unzip();
        let others = others.into_iter().flatten();
        let ends = names.iter().cloned().chain(others).map(|name| Glob::new(name.as_bytes())).collect();
        let (own, looks) = (names.len(), Some(looks(looks_like)));
        Self { places, names, ends, own, looks, looks_otherwise, apps }
    }

    /// Whether a file of this path may be one.
    pub fn has_name(&self, path: &[u8]) -> bool {
        self.ends.iter().any(|glob| glob.matches_end(path))
    }

    /// Whether one of its names for a path says what the path ends in: `*.conf.template`.
    pub fn has_end(&self, path: &[u8], end: &[u8]) -> bool {
        let is_end = |name: &[u8]| name.strip_suffix(end).is_some_and(|rest| rest.ends_with(b"."));
        let says = |glob: &Glob| glob.parts().last().is_some_and(|name| is_end(name));
        self.ends.iter().any(|glob| says(glob) && glob.matches_end(path))
    }

    /// Whether a file of this path and content may be one.
    pub fn fits(&self, path: &[u8], bytes: &[u8]) -> bool {
        let has_own_name = self.ends.iter().take(self.own).any(|glob| glob.matches_end(path));
        match &self.looks_otherwise {
            Some(looks) if !has_own_name => looks.regex().is_some_and(|looks| looks.is_match(bytes)),
            _ => self.looks_right(bytes),
        }
    }

    /// Whether a file of this content and a name of its own may be one.
    pub fn looks_right(&self, bytes: &[u8]) -> bool {
        self.looks.as_ref().and_then(Looks::regex).is_some_and(|looks| looks.is_match(bytes))
    }
}

/// What the content of a service's files is told by. It is compiled for the first file of a fitting name: most audits meet few
/// of the services, and compiling all of the patterns takes longer than reading a machine's files.
#[derive(Debug)]
struct Looks {
    pattern: String,
    compiled: OnceLock<Option<Regex>>,
}

impl Looks {
    /// `None` for a fault of ours, which a test keeps out.
    fn regex(&self) -> Option<&Regex> {
        // The words that tell a file are ASCII. Letters of other scripts beside them would make it ten times as slow.
        let compile = || RegexBuilder::new(&self.pattern).unicode(false).build().ok();
        self.compiled.get_or_init(compile).as_ref()
    }
}

/// Shapes, by their numbers, for the names that may be theirs: a large tree has many files, and few are anybody's.
#[derive(Debug, Default)]
pub(super) struct ShapesByName {
    /// By the whole name: `nginx.conf`.
    whole: HashMap<Vec<u8>, Vec<End>>,
    /// By what follows the last dot: `*.conf`.
    extension: HashMap<Vec<u8>, Vec<End>>,
    /// By a pattern of the name: `Dockerfile.*`.
    others: Vec<End>,
}

/// The number of a shape, and the end of a path that it may have.
type End = (usize, Glob);

impl ShapesByName {
    pub(super) fn of<'s>(shapes: impl Iterator<Item = &'s Shape>) -> Self {
        let mut all = Self::default();
        let ends = shapes.enumerate().flat_map(|(shape, it)| it.ends.iter().map(move |end| (shape, end)));
        for (shape, end) in ends {
            let name = end.parts().last().map(Vec::as_slice).unwrap_or_default();
            let ends = match extension(name) {
                _ if !is_pattern(name) => all.whole.entry(name.to_vec()).or_default(),
                Some(extension) if !is_pattern(extension) => {
                    all.extension.entry(extension.to_vec()).or_default()
                }
                _ => &mut all.others,
            };
            ends.push((shape, end.clone()));
        }
        all
    }

    /// The shapes whose names may be those of a path with these levels, some of them again.
    fn near<'s>(&'s self, levels: &'s [&[u8]]) -> impl Iterator<Item = usize> + 's {
        let name = levels.first().copied().unwrap_or_default();
        let whole = self.whole.get(name).into_iter().flatten();
        let extension = extension(name).and_then(|end| self.extension.get(end)).into_iter().flatten();
        let ends = whole.chain(extension).chain(&self.others);
        ends.filter(|(_, end)| end.matches_levels(levels)).map(|(shape, _)| *shape)
    }

    /// Whether a file of this path may have a shape of those that are taken.
    pub(super) fn any(&self, path: &[u8], mut taken: impl FnMut(usize) -> bool) -> bool {
        self.near(&levels(path)).any(&mut taken)
    }

    /// The shapes that a file of this path may have, in their order.
    pub(super) fn at(&self, path: &[u8]) -> Vec<usize> {
        let mut shapes: Vec<usize> = self.near(&levels(path)).collect();
        if shapes.len() > 1 {
            shapes.sort_unstable();
            shapes.dedup();
        }
        shapes
    }
}

fn is_pattern(name: &[u8]) -> bool {
    has_magic(name) || name.contains(&b'\\')
}

fn extension(name: &[u8]) -> Option<&[u8]> {
    name.get(memchr::memrchr(b'.', name)? + 1..)
}

#[cfg(test)]
mod tests {
    use crate::knowledge::Knowledge;
    use crate::text::Sources;

    #[test]
    fn every_pattern_compiles() {
        let knowledge = Knowledge::load(&Sources::new()).unwrap();
        for (name, shape) in knowledge.shapes() {
            assert!(shape.looks.as_ref().is_none_or(|looks| looks.regex().is_some()), "{name}");
        }
    }

    #[test]
    fn a_name_finds_every_shape_that_has_it() {
        let knowledge = Knowledge::load(&Sources::new()).unwrap();
        for path in [
            "nginx.conf",
            "etc/sysctl.d/a.conf",
            "a/sites-available/x",
            "a/sites-available/.x",
            "Dockerfile.prod",
            "x.Dockerfile",
            "www",
            "src/a.ts",
            ".conf",
            "a.",
            "conf",
            "config/puma/a.rb",
            "my-haproxy-2.cfg",
            "package.json",
            "a/unit/x.json",
            "docker-compose.prod.yml",
            "x.service.d/y.conf",
            "a/.unit/b.json",
            "Procfile.dev",
            "",
        ] {
            let path = path.as_bytes();
            let all: Vec<&str> =
                knowledge.shapes().filter(|(_, shape)| shape.has_name(path)).map(|(name, _)| name).collect();
            let found: Vec<&str> = knowledge.shapes_of(path).into_iter().map(|(name, _)| name).collect();
            assert_eq!(found, all, "{}", String::from_utf8_lossy(path));
        }
    }
}
