//! The lines of a sysctl file as each of the two tools reads them: systemd-sysctl at boot (src/sysctl/sysctl.c, `parse_file`)
//! and `sysctl --system` of procps (src/sysctl.c, `parse_setting_line`). They differ in small things.

use std::ops::Range;

use crate::text::{Glob, has_magic};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tool {
    #[default]
    Systemd,
    Procps,
}

/// What a line is; the ranges are bytes of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Assigns {
        key: Range<usize>,
        value: Range<usize>,
    },
    /// `-key` without a value: kept from being set by a pattern.
    Excludes {
        key: Range<usize>,
    },
    /// Neither an assignment nor a comment.
    Stray {
        whole: Range<usize>,
    },
}

impl Line {
    /// Where it begins in its file.
    pub fn start(&self) -> usize {
        match self {
            Line::Assigns { key, .. } | Line::Excludes { key } => key.start,
            Line::Stray { whole } => whole.start,
        }
    }
}

/// A longer line ends the reading of its file (`LONG_LINE_MAX` in src/basic/fileio.h of systemd).
const SYSTEMD_LONGEST: usize = 1 << 20;

pub fn lines(text: &[u8], tool: Tool) -> impl Iterator<Item = Line> {
    let ends_line = move |byte: &u8| match tool {
        // `read_line` of systemd takes all three for ends of lines.
        Tool::Systemd => matches!(byte, b'\n' | b'\r' | 0),
        Tool::Procps => *byte == b'\n',
    };
    let mut start = 0;
    let ranges = text.split(ends_line).map(move |raw| {
        let whole = start..start + raw.len();
        start = whole.end + 1;
        whole
    });
    let read = ranges.take_while(move |whole| tool == Tool::Procps || whole.len() <= SYSTEMD_LONGEST);
    read.filter_map(move |whole| line(text, whole, tool))
}

fn line(text: &[u8], whole: Range<usize>, tool: Tool) -> Option<Line> {
    let whole = match tool {
        Tool::Systemd => whole,
        // A C string ends at its first NUL.
        Tool::Procps => whole.start..find(text, &whole, 0).unwrap_or(whole.end),
    };
    let whole = strip(text, whole, tool);
    let first = *text.get(whole.start).filter(|_| !whole.is_empty())?;
    if matches!(first, b'#' | b';') || (tool == Tool::Procps && whole.len() < 2) {
        return None;
    }
    let dash = usize::from(first == b'-');
    let key = |end: usize| match tool {
        Tool::Systemd => strip(text, whole.start + dash..end, tool),
        // Blanks behind the dash stay in the key, and a second dash is dropped (`setting_new`).
        Tool::Procps => {
            let second = usize::from(dash == 1 && text.get(whole.start + 1) == Some(&b'-'));
            let start = (whole.start + dash + second).min(end);
            start..strip(text, start..end, tool).end.max(start)
        }
    };
    Some(match find(text, &whole, b'=') {
        Some(equals) => Line::Assigns { key: key(equals), value: strip(text, equals + 1..whole.end, tool) },
        None if dash == 1 => Line::Excludes { key: key(whole.end) },
        None => Line::Stray { whole },
    })
}

fn find(text: &[u8], within: &Range<usize>, byte: u8) -> Option<usize> {
    memchr::memchr(byte, text.get(within.clone())?).map(|at| within.start + at)
}

/// The range without the blanks at both ends. systemd's are space, tab and line ends, those of procps are isspace(3).
pub fn strip(text: &[u8], range: Range<usize>, tool: Tool) -> Range<usize> {
    let blank = |byte: &u8| match byte {
        b' ' | b'\t' | b'\n' | b'\r' => true,
        0x0B | 0x0C => tool == Tool::Procps,
        _ => false,
    };
    let inside = text.get(range.clone()).unwrap_or_default();
    let before = inside.iter().take_while(|byte| blank(byte)).count();
    let after = inside.iter().rev().take_while(|byte| blank(byte)).count();
    match before + after >= inside.len() {
        true => range.end..range.end,
        false => range.start + before..range.end - after,
    }
}

/// What a key names below /proc/sys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Name {
    One(Vec<u8>),
    /// A pattern of glob(7), by its text; it never matches a key that is written out elsewhere.
    Pattern(Vec<u8>),
}

impl Name {
    /// The first separator decides: if it is a dot, dots and slashes change places (sysctl.d(5)).
    pub fn of(key: &[u8], tool: Tool) -> Self {
        let mut path = key.to_vec();
        if path.iter().find(|byte| matches!(byte, b'.' | b'/')) == Some(&b'.') {
            for byte in &mut path {
                *byte = match *byte {
                    b'.' => b'/',
                    b'/' => b'.',
                    other => other,
                };
            }
        }
        if tool == Tool::Systemd {
            path = simplified(&path);
        }
        if has_magic(&path) { Name::Pattern(path) } else { Name::One(path) }
    }

    /// Whether systemd makes more patterns of it than are looked at.
    pub fn is_cut_off(&self) -> bool {
        match self {
            Name::Pattern(pattern) => braces(pattern).1,
            Name::One(_) => false,
        }
    }

    /// Whether the name leads to this path, such as `net/core/somaxconn`.
    pub fn leads_to(&self, path: &str, tool: Tool) -> bool {
        match self {
            Name::One(name) if tool == Tool::Systemd => name == path.as_bytes(),
            // procps opens the path as it is, and the kernel resolves it.
            Name::One(name) => resolved(name).as_deref() == Some(path.as_bytes()),
            Name::Pattern(pattern) if tool == Tool::Systemd => {
                braces(pattern).0.iter().any(|pattern| matches(pattern, path))
            }
            Name::Pattern(pattern) => matches(pattern, path),
        }
    }
}

/// `path_simplify` of systemd: no empty parts, no `.`, no slash at either end.
fn simplified(path: &[u8]) -> Vec<u8> {
    parts(path).collect::<Vec<_>>().join(&b'/')
}

/// Where the kernel comes to; `None` if it comes to no file: `..` leads out of a folder that does not exist, or a slash
/// stands behind the name.
fn resolved(path: &[u8]) -> Option<Vec<u8>> {
    let mut real: Vec<&[u8]> = Vec::new();
    for part in parts(path) {
        match part {
            b".." if matches!(real.as_slice(), [b"net"] | [b"net", b"core" | b"ipv4"]) => {
                real.pop();
            }
            b".." => return None,
            part => real.push(part),
        }
    }
    (!path.ends_with(b"/")).then(|| real.join(&b'/'))
}

fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".")
}

/// glob(3) knows no `**`: two stars are one.
fn matches(pattern: &[u8], path: &str) -> bool {
    let mut once = pattern.to_vec();
    once.dedup_by(|a, b| (*a, *b) == (b'*', b'*'));
    Glob::new(&once).matches(path.as_bytes())
}

/// Patterns that the braces of one make, and are looked at.
pub const MAX_PATTERNS: usize = 64;

/// systemd expands the first pair of braces (GLOB_BRACE), and does so only in patterns. Several pairs: the first is enough,
/// expanded again and again, up to a number that no file needs.
fn braces(pattern: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut todo = vec![pattern.to_vec()];
    let mut done = Vec::new();
    while let Some(next) = todo.pop() {
        if todo.len() + done.len() >= MAX_PATTERNS {
            return (done, true);
        }
        match pair(&next) {
            None => done.push(next),
            Some((before, inside, after)) => {
                let choices = inside.split(|byte| *byte == b',');
                todo.extend(choices.map(|choice| [before, choice, after].concat()));
            }
        }
    }
    (done, false)
}

/// What stands before, in and behind the innermost of the first braces.
fn pair(pattern: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let close = pattern.iter().position(|byte| *byte == b'}')?;
    let open = pattern.get(..close)?.iter().rposition(|byte| *byte == b'{')?;
    Some((pattern.get(..open)?, pattern.get(open + 1..close)?, pattern.get(close + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line as `key=value`, `-key` or `!stray`.
    fn read(text: &str, tool: Tool) -> Vec<String> {
        let at = |range: &Range<usize>| text[range.clone()].to_owned();
        let show = |line: &Line| match line {
            Line::Assigns { key, value } => format!("{}={}", at(key), at(value)),
            Line::Excludes { key } => format!("-{}", at(key)),
            Line::Stray { whole } => format!("!{}", at(whole)),
        };
        lines(text.as_bytes(), tool).map(|line| show(&line)).collect()
    }

    #[test]
    fn lines_are_assignments_exclusions_comments_and_strays() {
        let text = "# a = 1\n  ; b = 1\n\n\t a.b =  1 2 \t\r\n-c=3\n- d = 4\n-e\nf 5\ng==6\nh=";
        let both = ["a.b=1 2", "c=3", "-e", "!f 5", "g==6", "h="];
        let systemd = read(text, Tool::Systemd);
        assert_eq!(systemd, [&both[..2], &["d=4"], &both[2..]].concat());
        let procps = read(text, Tool::Procps);
        assert_eq!(procps, [&both[..2], &[" d=4"], &both[2..]].concat());
    }

    #[test]
    fn the_tools_differ_in_line_ends_blanks_and_dashes() {
        assert_eq!(read("a=1\rb=2\0c=3", Tool::Systemd), ["a=1", "b=2", "c=3"]);
        assert_eq!(read("a=1\rb=2\0c=3", Tool::Procps), ["a=1\rb=2"]);
        assert_eq!(read("\u{c}a=1\u{b}\nx", Tool::Procps), ["a=1"]);
        assert_eq!(read("\u{c}a=1\u{b}\nx", Tool::Systemd), ["\u{c}a=1\u{b}", "!x"]);
        assert_eq!(read("--a=1", Tool::Procps), ["a=1"]);
        assert_eq!(read("--a=1", Tool::Systemd), ["-a=1"]);
        let long = format!("a=1\n#{}\nb=2\n", "-".repeat(SYSTEMD_LONGEST));
        assert_eq!(read(&long, Tool::Systemd), ["a=1"]);
        assert_eq!(read(&long, Tool::Procps), ["a=1", "b=2"]);
    }

    #[test]
    fn names_lead_to_paths() {
        let leads = |key: &str, tool| Name::of(key.as_bytes(), tool).leads_to("net/core/somaxconn", tool);
        for key in ["net.core.somaxconn", "net/core/somaxconn", "/net/core/somaxconn", "net..core.somaxconn"]
        {
            assert!(leads(key, Tool::Systemd) && leads(key, Tool::Procps), "{key}");
        }
        for key in [
            "net.core/somaxconn",
            "net/core.somaxconn",
            "NET.CORE.SOMAXCONN",
            "proc/sys/net/core/somaxconn",
            "",
        ] {
            assert!(!leads(key, Tool::Systemd) && !leads(key, Tool::Procps), "{key}");
        }
        assert!(leads("net.core.somaxconn.", Tool::Systemd) && !leads("net.core.somaxconn.", Tool::Procps));
        let up = "net/ipv4/../core/somaxconn";
        assert!(!leads(up, Tool::Systemd) && leads(up, Tool::Procps));
        assert!(!leads("x/../net/core/somaxconn", Tool::Procps));
    }

    #[test]
    fn patterns_are_those_of_glob_3() {
        let leads = |key: &str, tool| Name::of(key.as_bytes(), tool).leads_to("net/core/somaxconn", tool);
        for key in ["net.core.somax*", "net.*.somaxconn", "net.core.[r-t]omaxconn", "net.**.som?xconn"] {
            assert!(leads(key, Tool::Systemd) && leads(key, Tool::Procps), "{key}");
        }
        for key in ["net.*somaxconn", "net.**", "net.core.{somaxconn,x}", "net.core.*y"] {
            assert!(!leads(key, Tool::Systemd) && !leads(key, Tool::Procps), "{key}");
        }
        assert!(leads("net.{ipv4,{core,x}}.somax*", Tool::Systemd));
        assert!(!leads("net.{ipv4,core}.somax*", Tool::Procps));
        let bomb = format!("net.{}*", "{a,b}".repeat(40));
        assert!(!leads(&bomb, Tool::Systemd));
    }
}
