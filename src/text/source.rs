//! Everything that a number can come from: audited files, `/proc` readings, command-line flags and our own tables.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::{Cut, Cuts, Position, SourceId, Span};

/// Characters are counted once for so many bytes, so that a line of any length costs no more for each place on it.
const STRIDE: usize = 256;

/// What a source is; it decides how a report names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A file of the audited tree: its real path, relative to the root. `root` names the tree when there are several.
    File { root: Option<String>, path: PathBuf },
    /// A file that does not exist yet; a fix may create it.
    Absent { root: Option<String>, path: PathBuf },
    /// One of our own tables, such as `rules/services/nginx.toml`.
    Builtin(String),
    /// A reading of the running kernel: `/proc/sys/net/core/somaxconn`, or the command that shows the same, such as `ss -lntp`.
    Live(String),
    /// A command-line flag, such as `--kernel`.
    Flag(String),
    /// The policy, by its path as seen from the audited tree, and rules of an organisation. They are read for what they say,
    /// and never changed.
    Config(PathBuf),
}

/// One text, with its lines found when first asked for.
#[derive(Debug, Clone)]
pub struct Source {
    pub origin: Origin,
    bytes: Cow<'static, [u8]>,
    lines: OnceLock<Vec<u32>>,
    hidden: OnceLock<Vec<Range<usize>>>,
    /// Offsets between characters, and how many of them lie before; none where each byte is one.
    counted: OnceLock<Vec<(u32, u32)>>,
}

impl Source {
    fn new(origin: Origin, bytes: Cow<'static, [u8]>) -> Self {
        Self { origin, bytes, lines: OnceLock::new(), hidden: OnceLock::new(), counted: OnceLock::new() }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What no report shows of the text, found when first asked for.
    pub(crate) fn hidden(&self, find: impl FnOnce(&[u8]) -> Vec<Range<usize>>) -> &[Range<usize>] {
        self.hidden.get_or_init(|| find(&self.bytes))
    }

    /// The path as a report prints it, without escaping: `etc/sysctl.conf`, `builtin:rules/kernel.toml`, `--kernel`.
    pub fn name(&self) -> Cow<'_, str> {
        match &self.origin {
            Origin::File { path, .. } | Origin::Absent { path, .. } | Origin::Config(path) => {
                path.to_string_lossy()
            }
            Origin::Builtin(path) => Cow::Owned(format!("builtin:{path}")),
            Origin::Live(path) | Origin::Flag(path) => Cow::Borrowed(path),
        }
    }

    /// The audited tree that the source belongs to, when there are several.
    pub fn root(&self) -> Option<&str> {
        match &self.origin {
            Origin::File { root, .. } | Origin::Absent { root, .. } => root.as_deref(),
            _ => None,
        }
    }

    /// The path inside the audited tree, for sources that have one.
    pub fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::File { path, .. } | Origin::Absent { path, .. } | Origin::Config(path) => Some(path),
            _ => None,
        }
    }

    /// A file of the audited tree.
    pub fn is_file(&self) -> bool {
        matches!(self.origin, Origin::File { .. })
    }

    pub fn is_absent(&self) -> bool {
        matches!(self.origin, Origin::Absent { .. })
    }

    fn lines(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            std::iter::once(0)
                .chain(
                    memchr::memchr_iter(b'\n', &self.bytes)
                        .map(|at| u32::try_from(at + 1).unwrap_or(u32::MAX)),
                )
                .collect()
        })
    }

    /// The line (1-based) that a byte lies on.
    pub fn line_of(&self, offset: u32) -> usize {
        self.lines().partition_point(|start| *start <= offset).max(1)
    }

    /// Where line `line` (1-based) starts; the end of the text for lines that there are not.
    pub fn start_of(&self, line: usize) -> usize {
        self.lines().get(line.wrapping_sub(1)).map_or(self.bytes.len(), |start| *start as usize)
    }

    fn line_and_column(&self, offset: u32) -> (usize, usize) {
        let line = self.line_of(offset);
        let (start, offset) = (self.start_of(line), offset as usize);
        let inside = start <= offset && offset <= self.bytes.len();
        let before = if inside { self.characters_to(offset) - self.characters_to(start) } else { 0 };
        (line, before + 1)
    }

    /// How many characters lie before an offset; what is no UTF-8 counts as it is shown.
    fn characters_to(&self, offset: usize) -> usize {
        let (counted, before) = self.counted_to(offset);
        let rest = self.bytes.get(counted..offset).unwrap_or_default();
        before
            + if self.counted().is_empty() {
                rest.len()
            } else {
                String::from_utf8_lossy(rest).chars().count()
            }
    }

    /// The last offset up to this one that lies between characters and to which they are counted, and their number.
    fn counted_to(&self, offset: usize) -> (usize, usize) {
        let counted = self.counted();
        let after = counted.partition_point(|(at, _)| *at as usize <= offset);
        let last = after.checked_sub(1).and_then(|at| counted.get(at));
        last.map_or((0, 0), |(at, before)| (*at as usize, *before as usize))
    }

    fn counted(&self) -> &[(u32, u32)] {
        self.counted.get_or_init(|| if self.bytes.is_ascii() { Vec::new() } else { count(&self.bytes) })
    }

    /// The bytes of line `line` (1-based), without its line ending.
    pub fn line(&self, line: usize) -> &[u8] {
        let rest = self.bytes.get(self.start_of(line)..).unwrap_or_default();
        let text = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        text.strip_suffix(b"\r").unwrap_or(text)
    }
}

/// The numbers of characters at places about [`STRIDE`] bytes apart.
fn count(bytes: &[u8]) -> Vec<(u32, u32)> {
    let (mut at, mut characters) = (0_u32, 0_u32);
    let mut counted = vec![(0, 0)];
    let mut step = |length: usize| {
        at = at.saturating_add(u32::try_from(length).unwrap_or(u32::MAX));
        characters += 1;
        if counted.last().is_some_and(|(last, _)| (at - *last) as usize >= STRIDE) {
            counted.push((at, characters));
        }
    };
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|character| step(character.len_utf8()));
        if !chunk.invalid().is_empty() {
            step(chunk.invalid().len());
        }
    }
    counted
}

/// All sources of an audit. Shared between threads; a source never moves and is never dropped before the rest.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    all: boxcar::Vec<Source>,
    nothing: OnceLock<Source>,
    cuts: Arc<Cuts>,
}

impl Sources {
    /// The same sources for another audit, which may be cut off elsewhere.
    #[cfg(test)]
    pub(crate) fn anew(&self) -> Self {
        Self { cuts: Arc::default(), ..self.clone() }
    }

    pub fn new() -> Self {
        Self::default()
    }

    pub fn add(&self, origin: Origin, bytes: impl Into<Cow<'static, [u8]>>) -> SourceId {
        SourceId(u32::try_from(self.all.push(Source::new(origin, bytes.into()))).unwrap_or(u32::MAX))
    }

    /// A value given on the command line, e.g. `--set` with `net.core.somaxconn=128`: a source with the value as its text.
    pub fn flag(&self, name: &str, text: &str) -> Span {
        let source = self.add(Origin::Flag(name.to_owned()), text.as_bytes().to_vec());
        Span::new(source, 0..text.len())
    }

    pub fn get(&self, id: SourceId) -> &Source {
        self.all.get(id.0 as usize).unwrap_or_else(|| {
            self.nothing.get_or_init(|| Source::new(Origin::Builtin(String::new()), Cow::Borrowed(&[])))
        })
    }

    pub fn bytes(&self, id: SourceId) -> &[u8] {
        self.get(id).bytes()
    }

    /// A bound was reached: `what` says in one sentence what is not looked at because of it. Said again of the same file, it is
    /// told once, of the first place.
    pub fn cut_off(&self, at: Span, what: impl Into<String>) {
        self.cuts.add(at, what.into(), false);
    }

    /// The same where a value of a program is not followed to its end.
    pub fn not_followed(&self, at: Span, what: impl Into<String>) {
        self.cuts.add(at, what.into(), true);
    }

    /// Where bounds were reached, in the order of the sources.
    pub fn cuts(&self) -> Vec<Cut> {
        self.cuts.all()
    }

    /// All of them, in the order in which they came.
    pub fn all(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        self.all.iter().map(|(index, source)| (SourceId(u32::try_from(index).unwrap_or(u32::MAX)), source))
    }

    /// The bytes at a span; empty where the span does not lie in its source.
    pub fn slice(&self, span: Span) -> &[u8] {
        self.bytes(span.source).get(span.range()).unwrap_or_default()
    }

    pub fn text(&self, span: Span) -> Cow<'_, str> {
        String::from_utf8_lossy(self.slice(span))
    }

    pub fn position(&self, span: Span) -> Position {
        let source = self.get(span.source);
        let (line, column) = source.line_and_column(span.start);
        let (end_line, end_column) = source.line_and_column(span.end);
        Position { line, column, end_line, end_column }
    }

    /// Orders spans as a reader meets them: by path, then by place.
    pub fn order(&self, a: Span, b: Span) -> std::cmp::Ordering {
        let (x, y) = (self.get(a.source), self.get(b.source));
        (x.root(), x.name(), a.start, a.end).cmp(&(y.root(), y.name(), b.start, b.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_start_at_one() {
        let sources = Sources::new();
        let file = sources.add(Origin::Builtin("t".into()), "a\nü = 12\n".as_bytes());
        let at = sources.position(Span::new(file, 7..9));
        assert_eq!((at.line, at.column, at.end_line, at.end_column), (2, 5, 2, 7));
        assert_eq!(sources.get(file).line(2), "ü = 12".as_bytes());
        assert_eq!(sources.get(file).line(9), b"");
    }

    #[test]
    fn a_column_is_counted_from_nearby_and_is_that_of_the_shown_line() {
        let unit: &[u8] = "listen a:8; \u{fc}\u{20ac}\u{1f600}".as_bytes();
        let bytes: Vec<u8> = [unit, b"\xff\xf0\x9f\x98 \xe2\x82\n", unit, b"\xe2", unit].concat().repeat(50);
        let one_line = bytes.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }).collect();
        for bytes in [bytes, one_line] {
            let source = Source::new(Origin::Builtin("t".into()), Cow::Owned(bytes));
            for offset in 0..=source.bytes.len() {
                let (line, column) = source.line_and_column(offset as u32);
                let before = &source.bytes[source.start_of(line)..offset];
                assert_eq!(column, String::from_utf8_lossy(before).chars().count() + 1, "{offset}");
                assert!(offset - source.counted_to(offset).0 < STRIDE + 4, "{offset}");
            }
        }
    }
}
