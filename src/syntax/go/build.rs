//! Whether a file is compiled on Linux: the constraints in its name and in its `//go:build` line (go/build/constraint).

use crate::text::deeper;

/// Systems and processors that a file's name may end in (internal/syslist), without Linux and its common processors.
const OTHERS: [&str; 32] = [
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "wasip1",
    "windows",
    "zos",
    "386",
    "arm",
    "loong64",
    "mips",
    "mips64",
    "mips64le",
    "mipsle",
    "ppc64",
    "ppc64le",
    "riscv",
    "riscv64",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

/// What holds for the programs that this is about. A tag that somebody has to ask for does not.
const TRUE: [&str; 6] = ["linux", "unix", "amd64", "arm64", "gc", "cgo"];

/// Nesting of parentheses and `!`.
const MAX_DEPTH: u32 = 32;

/// Whether a file of this name and text is for Linux, and for every build there; `cut_off` is told where that is not read.
pub(super) fn is_for_linux(name: &str, text: &[u8], cut_off: impl FnOnce(String)) -> bool {
    let stem = name.strip_suffix(".go").unwrap_or(name);
    let mut ends = stem.split('_').skip(1).collect::<Vec<_>>().into_iter().rev().take(2);
    !ends.any(|end| OTHERS.contains(&end))
        && constraint(text).is_none_or(|constraint| holds(constraint, cut_off))
}

/// The `//go:build` line: it stands before the package's name.
fn constraint(text: &[u8]) -> Option<&str> {
    let lines = text.split(|byte| *byte == b'\n').map(|line| std::str::from_utf8(line).unwrap_or_default());
    let mut before = lines.take_while(|line| !line.starts_with("package "));
    before.find_map(|line| line.strip_prefix("//go:build "))
}

fn holds(constraint: &str, cut_off: impl FnOnce(String)) -> bool {
    let mut words = Words { rest: constraint, too_deep: false };
    let found = words.either(0);
    if words.too_deep {
        cut_off(deeper("nested build constraints", MAX_DEPTH));
    }
    found
}

struct Words<'t> {
    rest: &'t str,
    too_deep: bool,
}

impl<'t> Words<'t> {
    fn take(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        let after = rest.strip_prefix(word);
        self.rest = after.unwrap_or(rest);
        after.is_some()
    }

    fn either(&mut self, depth: u32) -> bool {
        let mut found = self.both(depth);
        while self.take("||") {
            found |= self.both(depth);
        }
        found
    }

    fn both(&mut self, depth: u32) -> bool {
        let mut found = self.single(depth);
        while self.take("&&") {
            found &= self.single(depth);
        }
        found
    }

    fn single(&mut self, depth: u32) -> bool {
        if depth > MAX_DEPTH {
            self.too_deep = true;
            return true;
        }
        if self.take("!") {
            return !self.single(depth + 1);
        }
        if self.take("(") {
            let inner = self.either(depth + 1);
            self.take(")");
            return inner;
        }
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.'));
        let (tag, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        TRUE.contains(&tag) || tag.starts_with("go1.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_systems_are_told() {
        for name in ["server_linux.go", "server.go", "windows.go", "server_linux_amd64.go", "linux.go"] {
            assert!(is_for_linux(name, b"", drop), "{name}");
        }
        for name in ["server_windows.go", "server_darwin_arm64.go", "server_s390x.go"] {
            assert!(!is_for_linux(name, b"", drop), "{name}");
        }
        for (line, expected) in [
            ("linux", true),
            ("!windows", true),
            ("windows || (linux && amd64)", true),
            ("go1.18 && !ignore", true),
            ("ignore", false),
            ("darwin || freebsd", false),
            ("linux && !(unix || x)", false),
            ("!!!linux", false),
            ("((((", false),
            ("", false),
        ] {
            let text = format!("// a comment\n\n//go:build {line}\n\npackage main\n");
            assert_eq!(is_for_linux("a.go", text.as_bytes(), drop), expected, "{line}");
        }
        assert!(is_for_linux("a.go", b"package main\n\n//go:build ignore\n", drop));
    }
}
