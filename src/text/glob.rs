//! Shell patterns as glob(3) reads them: `*`, `?`, `[a-z]`, `[!a]`, a backslash quotes; `/` and a leading `.` only match themselves.
//! A component `**` stands for any number of folders.

/// Whether a path holds a character that makes it a pattern, as glob(3) decides.
pub fn has_magic(path: &[u8]) -> bool {
    path.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

/// The names of a path, the last first.
pub fn levels(path: &[u8]) -> Vec<&[u8]> {
    path.rsplit(|byte| *byte == b'/').filter(|part| !part.is_empty()).collect()
}

/// Whether a pattern only matches itself.
fn is_plain(pattern: &[u8]) -> bool {
    !pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
}

/// How a level's pattern is looked at: most are one of a few forms, and are asked of every file of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    /// It only matches itself.
    Plain,
    /// `*`, `*end`, `start*`, `start*end`: where the star stands.
    Star(usize),
    /// `*middle*end`: where the second star stands.
    Stars(usize),
    Folders,
    Other,
}

impl Form {
    fn of(part: &[u8]) -> Self {
        let stars = part.iter().filter(|byte| **byte == b'*').count();
        let last = part.iter().rposition(|byte| *byte == b'*').unwrap_or_default();
        match stars {
            _ if part == b"**" => Form::Folders,
            _ if part.iter().any(|byte| matches!(byte, b'?' | b'[' | b'\\')) => Form::Other,
            0 => Form::Plain,
            1 => Form::Star(last),
            2 if part.starts_with(b"*") => Form::Stars(last),
            _ => Form::Other,
        }
    }

    fn matches(self, part: &[u8], name: &[u8]) -> bool {
        let visible = || name.first() != Some(&b'.') || part.first() == Some(&b'.');
        match self {
            Form::Plain => part == name,
            Form::Star(at) => {
                let (start, end) =
                    (part.get(..at).unwrap_or_default(), part.get(at + 1..).unwrap_or_default());
                name.len() >= start.len() + end.len()
                    && name.ends_with(end)
                    && name.starts_with(start)
                    && visible()
            }
            Form::Stars(at) => {
                let middle = part.get(1..at).unwrap_or_default();
                let rest = name.strip_suffix(part.get(at + 1..).unwrap_or_default());
                let holds =
                    |rest: &[u8]| middle.is_empty() || rest.windows(middle.len()).any(|it| it == middle);
                rest.is_some_and(holds) && visible()
            }
            Form::Folders | Form::Other => Glob::matches_name(part, name),
        }
    }
}

/// A pattern over whole paths.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Glob {
    parts: Vec<Vec<u8>>,
    forms: Vec<Form>,
}

impl Glob {
    pub fn new(pattern: &[u8]) -> Self {
        let parts: Vec<Vec<u8>> =
            pattern.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).map(<[u8]>::to_vec).collect();
        let forms = parts.iter().map(|part| Form::of(part)).collect();
        Self { parts, forms }
    }

    /// The pattern of each folder level.
    pub fn parts(&self) -> &[Vec<u8>] {
        &self.parts
    }

    pub fn matches(&self, path: &[u8]) -> bool {
        let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).collect();
        self.matches_names(&names)
    }

    /// Whether the last levels of a path match, as those of `**/pattern` would.
    pub fn matches_end(&self, path: &[u8]) -> bool {
        self.matches_levels(&levels(path))
    }

    /// The same for a path taken apart, because a large tree asks many patterns of every file.
    pub fn matches_levels(&self, levels: &[&[u8]]) -> bool {
        for (above, (part, form)) in self.parts.iter().zip(&self.forms).rev().enumerate() {
            if *form == Form::Folders {
                let levels: Vec<&[u8]> = levels.iter().rev().copied().collect();
                return (0..levels.len())
                    .any(|from| self.matches_names(levels.get(from..).unwrap_or_default()));
            }
            if !levels.get(above).is_some_and(|name| form.matches(part, name)) {
                return false;
            }
        }
        true
    }

    /// Iterative with one point of return, as below: a pattern of many `**` may come from whoever wrote the audited tree.
    fn matches_names(&self, names: &[&[u8]]) -> bool {
        let (mut p, mut n) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        let matches = |part: usize, name: &[u8]| match (self.parts.get(part), self.forms.get(part)) {
            (Some(part), Some(form)) => form.matches(part, name),
            _ => false,
        };
        while let Some(name) = names.get(n) {
            if self.forms.get(p) == Some(&Form::Folders) {
                star = Some((p + 1, n));
                p += 1;
            } else if matches(p, name) {
                p += 1;
                n += 1;
            } else if let Some((after, from)) = star {
                star = Some((after, from + 1));
                (p, n) = (after, from + 1);
            } else {
                return false;
            }
        }
        self.forms.iter().skip(p).all(|form| *form == Form::Folders)
    }

    /// Whether one name matches one level's pattern.
    pub fn matches_name(pattern: &[u8], name: &[u8]) -> bool {
        let hidden =
            name.first() == Some(&b'.') && pattern.first() != Some(&b'.') && !pattern.starts_with(b"\\.");
        !hidden
            && match pattern {
                // Most patterns are `*.conf`, and are asked of every file of a tree.
                [b'*', end @ ..] if is_plain(end) => name.ends_with(end),
                [first, ..] if is_plain(&[*first]) && name.first() != Some(first) => false,
                _ => match_name(pattern, name),
            }
    }
}

/// Iterative with one point of return, so that no pattern takes more than quadratic time.
fn match_name(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        let step = name.get(n).and_then(|byte| match_one(pattern.get(p..).unwrap_or_default(), *byte));
        match (pattern.get(p), step) {
            (Some(b'*'), _) => {
                star = Some((p + 1, n));
                p += 1;
            }
            (Some(_), Some(used)) => {
                p += used;
                n += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    (p, n) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

/// How many bytes of the pattern match this one byte of the name.
fn match_one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', ..] => match_class(pattern, byte),
        [b'\\', quoted, ..] => (*quoted == byte).then_some(2),
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

fn match_class(pattern: &[u8], byte: u8) -> Option<usize> {
    let negated = matches!(pattern.get(1), Some(b'!' | b'^'));
    let first = if negated { 2 } else { 1 };
    // A `]` right at the start is a member; a class that is never closed is an ordinary bracket.
    let close = first
        + 1
        + pattern.get(first + 1..)?.iter().position(|byte| *byte == b']').unwrap_or(usize::MAX - first - 1);
    let Some(members) = pattern.get(first..close) else {
        return (byte == b'[').then_some(1);
    };
    let mut found = false;
    let mut at = 0;
    while let Some(low) = members.get(at) {
        match (members.get(at + 1), members.get(at + 2)) {
            (Some(b'-'), Some(high)) => {
                found |= (*low..=*high).contains(&byte);
                at += 3;
            }
            _ => {
                found |= *low == byte;
                at += 1;
            }
        }
    }
    (found != negated).then_some(close + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Glob::new(pattern.as_bytes()).matches(path.as_bytes())
    }

    #[test]
    fn it_matches_as_glob_3_does() {
        for (pattern, path) in [
            ("etc/*.conf", "etc/a.conf"),
            ("e?c", "etc"),
            ("[a-c]x", "bx"),
            ("[!a]x", "bx"),
            ("[^a]x", "bx"),
            ("**/server.xml", "opt/t/conf/server.xml"),
            ("**/server.xml", "server.xml"),
            ("a/**/b/**/c", "a/b/x/b/y/c"),
            ("a/**", "a"),
            ("a/**", "a/b/c"),
            ("a*b*c", "axxbyyc"),
            ("[]a]", "]"),
            ("\\*", "*"),
            ("[x", "[x"),
            ("*", "a"),
            ("*a", "a"),
            ("a*", "a"),
            (".*", ".a"),
            ("etc/", "etc"),
            ("[a-]", "-"),
        ] {
            assert!(matches(pattern, path), "{pattern} should match {path}");
        }
        for (pattern, path) in [
            ("*.conf", ".a.conf"),
            ("*", "a/b"),
            ("[!a]x", "ax"),
            ("a*b*c", "axxbyy"),
            ("?", ""),
            ("\\*", "a"),
            ("etc/*", "etc"),
            ("[a-c]", "d"),
            ("**/x", "y"),
            ("a/**/b", "a/b/c"),
            ("a/**/b/c", "a/b/b"),
        ] {
            assert!(!matches(pattern, path), "{pattern} should not match {path}");
        }
    }

    #[test]
    fn an_end_is_that_of_any_folder() {
        let ends = |pattern: &str, path: &str| {
            let end = Glob::new(pattern.as_bytes()).matches_end(path.as_bytes());
            assert_eq!(end, matches(&format!("**/{pattern}"), path), "{pattern} and {path}");
            end
        };
        for (pattern, path) in [
            ("*.conf", "a.conf"),
            ("*.conf", "etc/.d/a.conf"),
            ("conf/*.xml", "srv/conf/a.xml"),
            ("a/**/b", "x/a/y/z/b"),
            ("nginx.conf", "/etc/nginx.conf"),
        ] {
            assert!(ends(pattern, path), "{pattern} should match {path}");
        }
        for (pattern, path) in [
            ("*.conf", ".conf"),
            ("conf/*.xml", "a.xml"),
            ("conf/a", "xconf/a"),
            ("a/**/b", "a/b/c"),
            ("a", ""),
        ] {
            assert!(!ends(pattern, path), "{pattern} should not match {path}");
        }
    }

    #[test]
    fn every_form_matches_as_the_general_one_does() {
        let parts = [
            "*", "a", "*a", "a*", "a*a", "*a*", "*a*b", "**", "***", "*a*b*", ".a", ".*", ".a*b", "a*.b",
            "?a", "[a]*", "\\.a", "\\*", "*ab*ab", "ab*ab",
        ];
        let names = [
            "a", "b", "ab", "aa", "aba", "abab", "aab", ".a", ".ab", ".aab", "a.b", "b.a", "*", "*a",
            "ababab",
        ];
        for (part, name) in parts.iter().flat_map(|part| names.map(|name| (*part, name))) {
            let (bytes, name) = (part.as_bytes(), name.as_bytes());
            let general = Glob::matches_name(bytes, name);
            assert_eq!(
                Form::of(bytes).matches(bytes, name),
                general,
                "{part} and {}",
                String::from_utf8_lossy(name)
            );
        }
    }

    #[test]
    fn many_stars_end_soon() {
        let pattern = "*a".repeat(2_000);
        assert!(!matches(&pattern, &"a".repeat(1_000)));
        let folders = "**/a/".repeat(200);
        assert!(!matches(&format!("{folders}b"), &"a/".repeat(400)));
        assert!(matches(&format!("{folders}a"), &"a/".repeat(400)));
    }
}
