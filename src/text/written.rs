//! A text and where each part of it stands: a word, a value, an argument or an attribute, after quotes are taken off, escapes
//! and references are resolved and lines are joined. It knows no grammar.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use super::{SourceId, Sources, Span};

/// The bytes up to where the next run begins, and where they are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// Where it ends in the text.
    end: usize,
    at: Span,
    /// The bytes stand at the span as they are; else they are what all of the span means: an escape, a reference.
    same: bool,
}

impl Run {
    /// Where a part of it stands: `range` is counted from where the run begins.
    fn place(&self, range: Range<usize>) -> Span {
        if self.same { within(self.at, range) } else { self.at }
    }

    /// Whether `next` goes on where this one ends.
    fn goes_on(&self, next: &Run) -> bool {
        match (self.same, next.same) {
            (true, true) => self.at.source == next.at.source && self.at.end == next.at.start,
            (false, false) => self.at == next.at,
            _ => false,
        }
    }
}

/// Most texts stand somewhere as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Runs {
    #[default]
    None,
    One(Run),
    Several(Vec<Run>),
}

impl Runs {
    fn all(&self) -> &[Run] {
        match self {
            Self::None => &[],
            Self::One(run) => std::slice::from_ref(run),
            Self::Several(runs) => runs,
        }
    }

    fn last_mut(&mut self) -> Option<&mut Run> {
        match self {
            Self::None => None,
            Self::One(run) => Some(run),
            Self::Several(runs) => runs.last_mut(),
        }
    }

    fn truncate(&mut self, length: usize) {
        match self {
            _ if length == 0 => *self = Self::None,
            Self::Several(runs) if length == 1 => {
                *self = runs.first().map_or(Self::None, |run| Self::One(*run))
            }
            Self::Several(runs) => runs.truncate(length),
            Self::None | Self::One(_) => {}
        }
    }

    fn push(&mut self, run: Run) {
        match self {
            Self::None => *self = Self::One(run),
            Self::One(first) => *self = Self::Several(vec![*first, run]),
            Self::Several(runs) => runs.push(run),
        }
    }
}

/// A text that knows where it is from.
#[derive(Debug, Clone)]
pub struct Text {
    bytes: Vec<u8>,
    runs: Runs,
    /// All of it as it is written, its quotes included; where it would stand, if it is empty.
    whole: Span,
    /// What in it is not known, as written. It may be as long as the text, and every part of that has it.
    open: Option<Arc<str>>,
}

impl Default for Text {
    fn default() -> Self {
        Self::nothing(Span::NOWHERE)
    }
}

/// Two texts are the same that say the same, wherever they stand.
impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.is(other)
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.is(other)
    }
}

/// Known texts are UTF-8, and are asked for as such. It costs what [`Text::as_str`] costs.
impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.show())
    }
}

impl Text {
    /// An empty text, or the start of one.
    pub fn nothing(whole: Span) -> Self {
        Self { bytes: Vec::new(), runs: Runs::None, whole, open: None }
    }

    /// What stands at a span, as it is.
    pub fn plain(sources: &Sources, at: Span) -> Self {
        Self::written(sources.slice(at), at)
    }

    /// A text that stands at a span as it is: whoever calls this knows that it does.
    pub fn written(text: impl Into<Vec<u8>>, at: Span) -> Self {
        let bytes = text.into();
        let same = bytes.len() == at.range().len();
        Self::new(bytes, at, same)
    }

    /// A text that something else at a span means.
    pub fn meant(text: impl Into<Vec<u8>>, at: Span) -> Self {
        Self::new(text.into(), at, false)
    }

    /// A text at a span, which stands there as it is or is what something there means.
    pub fn at(sources: &Sources, text: impl Into<Vec<u8>>, at: Span) -> Self {
        let bytes = text.into();
        let same = sources.slice(at) == bytes;
        Self::new(bytes, at, same)
    }

    fn new(bytes: Vec<u8>, at: Span, same: bool) -> Self {
        let run = Run { end: bytes.len(), at, same };
        let runs = if bytes.is_empty() { Runs::None } else { Runs::One(run) };
        Self { bytes, runs, whole: at, open: None }
    }

    /// The same text, of which all that is written is this.
    pub fn with_whole(self, whole: Span) -> Self {
        Self { whole, ..self }
    }

    /// The same text, of which something is not known.
    pub fn with_open(mut self, what: &str) -> Self {
        self.set_open(what);
        self
    }

    /// The same text, as little known as another one that it is made of.
    pub fn with_open_of(mut self, other: &Text) -> Self {
        self.open_as(other);
        self
    }

    /// The same text, which all that is written means, unless only quotes are written besides: a reference to nothing is more.
    pub fn as_one(self) -> Self {
        let Span { start, end, .. } = self.whole;
        let inside = (start.saturating_add(1), end.saturating_sub(1));
        match self.exact().map(|at| (at.start, at.end)) {
            Some(at) if at == (start, end) || at == inside => self,
            _ => {
                let whole = self.whole;
                self.meant_by(whole)
            }
        }
    }

    /// The same text, which all of a span means.
    pub fn meant_by(self, at: Span) -> Self {
        Self { open: self.open, ..Self::meant(self.bytes, at) }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What it takes of memory: the bytes, and where each part of them stands.
    pub fn weight(&self) -> usize {
        self.len() + size_of_val(self.runs.all())
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The text; what is no UTF-8 is no text that anybody knows. A text [in characters](Self::in_characters) always is.
    /// All of it is looked at each time: in a loop over its letters ask once.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or("\u{fffd}")
    }

    /// The text as people read it.
    pub fn show(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// The same text with a mark for what is no UTF-8.
    pub fn in_characters(self) -> Self {
        if std::str::from_utf8(&self.bytes).is_ok() {
            return self;
        }
        let meant = Self::meant(self.show().into_owned(), self.span());
        Self { whole: self.whole, open: self.open, ..meant }
    }

    pub fn is(&self, text: &str) -> bool {
        self.bytes == text.as_bytes()
    }

    /// A decimal number that is all of the text, if the text is known.
    pub fn number(&self) -> Option<i64> {
        self.as_str().parse().ok().filter(|_| !self.is_open())
    }

    /// What in it is not known, as written: a reference to a variable that nothing sets, the mark of a template.
    pub fn open(&self) -> Option<&str> {
        self.open.as_deref()
    }

    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub fn set_open(&mut self, what: &str) {
        self.open.get_or_insert_with(|| what.into());
    }

    /// It is as little known as another text that it is made of.
    pub fn open_as(&mut self, other: &Text) {
        if self.open.is_none() {
            self.open.clone_from(&other.open);
        }
    }

    /// A part is as little known as the text that it was cut from, where the mark of a reference stands in it.
    pub fn open_by(&mut self, of: &Text, mark: u8) {
        if of.is_open() && self.bytes.contains(&mark) {
            self.open_as(of);
        }
    }

    /// All of it as it is written, its quotes included.
    pub fn whole(&self) -> Span {
        self.whole
    }

    /// Where to point: from its first byte to its last, without quotes; all that is written where that is not in one piece.
    pub fn span(&self) -> Span {
        self.ends().unwrap_or(self.whole)
    }

    fn ends(&self) -> Option<Span> {
        let runs = self.runs.all();
        joined(runs.first()?.at, runs.last()?.at)
    }

    /// Where it stands as it is, and all of it is known: what is put there takes its place.
    pub fn exact(&self) -> Option<Span> {
        match self.runs {
            Runs::One(Run { at, same: true, .. }) if self.open.is_none() => Some(at),
            _ => None,
        }
    }

    /// Its last bytes: the number of `--backlog=512`. Where the text does not stand as it is, all that is written means them.
    pub fn tail(&self, length: usize) -> Self {
        let (start, end) = (self.len().saturating_sub(length), self.len());
        let bytes = self.bytes.get(start..).unwrap_or_default();
        let tail = match self.exact() {
            Some(at) => Self::written(bytes, within(at, start..end)),
            None => Self::meant(bytes, self.span()),
        };
        Self { open: self.open.clone(), ..tail }
    }

    /// How many bytes from one on stand before the next that means something: that one at least.
    pub fn stretch(&self, from: usize, means: impl Fn(u8) -> bool) -> usize {
        let rest = self.bytes.get(from + 1..).unwrap_or_default();
        1 + rest.iter().position(|byte| means(*byte)).unwrap_or(rest.len())
    }

    /// Where some of its bytes stand, from the first to the last.
    pub fn place(&self, range: Range<usize>) -> Option<Span> {
        let last = range.end.checked_sub(1).filter(|last| range.start <= *last)?;
        let (first, last) = (self.place_of(range.start)?, self.place_of(last)?);
        Some(joined(first, last).unwrap_or(first))
    }

    fn place_of(&self, at: usize) -> Option<Span> {
        let index = self.run_at(at);
        let begun = self.begin_of(index);
        self.runs.all().get(index).map(|run| run.place(at - begun..at - begun + 1))
    }

    fn run_at(&self, at: usize) -> usize {
        self.runs.all().partition_point(|run| run.end <= at)
    }

    /// Where a run begins in the text.
    fn begin_of(&self, index: usize) -> usize {
        index.checked_sub(1).and_then(|before| self.runs.all().get(before)).map_or(0, |run| run.end)
    }

    /// A part of the text, written as the whole of it is; what lies outside is left out.
    pub fn slice(&self, range: Range<usize>) -> Self {
        let mut part = Self { open: self.open.clone(), ..Self::nothing(self.whole) };
        part.push_part(self, range);
        part
    }

    /// Without the blanks around it.
    pub fn trimmed(&self) -> Self {
        let start = self.bytes.len() - self.bytes.trim_ascii_start().len();
        self.slice(start..start + self.bytes.trim_ascii().len())
    }

    fn push(&mut self, bytes: &[u8], at: Span, same: bool) {
        if bytes.is_empty() {
            return;
        }
        self.bytes.extend_from_slice(bytes);
        let run = Run { end: self.bytes.len(), at, same };
        match self.runs.last_mut() {
            Some(last) if last.goes_on(&run) => (last.end, last.at.end) = (run.end, at.end),
            _ => self.runs.push(run),
        }
    }

    /// Bytes that stand in a source as they are, from an offset on.
    pub fn push_bytes(&mut self, source: SourceId, start: usize, bytes: &[u8]) {
        self.push(bytes, Span::new(source, start..start + bytes.len()), true);
    }

    /// Bytes that something at a span means.
    pub fn push_for(&mut self, bytes: &[u8], at: Span) {
        self.push(bytes, at, false);
    }

    /// A part of another text; what lies outside of it is left out.
    pub fn push_part(&mut self, other: &Text, range: Range<usize>) {
        let mut at = range.start;
        let stop = range.end.min(other.bytes.len());
        let mut index = other.run_at(at);
        while let Some(run) = other.runs.all().get(index).filter(|_| at < stop) {
            let (begun, end) = (other.begin_of(index), run.end.min(stop));
            let bytes = other.bytes.get(at..end).unwrap_or_default();
            self.push(bytes, run.place(at - begun..end - begun), run.same);
            (at, index) = (end, index + 1);
        }
    }

    /// The byte behind an escape, where both of them mean it.
    pub fn push_escaped(&mut self, other: &Text, at: usize) {
        if let (Some(byte), Some(both)) = (other.bytes.get(at + 1), other.place(at..at + 2)) {
            self.push_for(&[*byte], both);
        }
    }

    /// All of another text, as if it were known.
    pub fn push_all(&mut self, other: &Text) {
        self.push_part(other, 0..other.len());
    }

    /// Another text, which may be open.
    pub fn push_text(&mut self, other: &Text) {
        self.push_part(other, 0..other.len());
        self.open_as(other);
    }

    /// Leaves only the first bytes.
    pub fn truncate(&mut self, length: usize) {
        if length >= self.len() {
            return;
        }
        let last = length.checked_sub(1).map(|last| self.run_at(last));
        let begun = last.map_or(0, |last| self.begin_of(last));
        self.bytes.truncate(length);
        self.runs.truncate(last.map_or(0, |last| last + 1));
        if let Some(last) = self.runs.last_mut() {
            (last.at, last.end) = (last.place(0..length - begun), length);
        }
    }
}

/// The part of a place, counted from its start.
fn within(at: Span, part: Range<usize>) -> Span {
    let start = at.range().start;
    Span::new(at.source, start + part.start..start + part.end)
}

/// From one place to another, if they lie in one source in this order.
fn joined(first: Span, last: Span) -> Option<Span> {
    let ordered = first.source == last.source && first.start <= last.end;
    ordered.then_some(Span { end: last.end, ..first })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::Origin;

    fn source(text: &str) -> (Sources, SourceId) {
        let sources = Sources::new();
        let file = sources.add(Origin::Builtin("t".into()), text.as_bytes().to_vec());
        (sources, file)
    }

    #[test]
    fn a_text_stands_somewhere_as_it_is_or_is_put_together() {
        let (sources, file) = source("a \"5\\\"12\" $b");
        let mut word = Text::plain(&sources, Span::new(file, 3..4));
        assert_eq!((word.as_str(), word.exact(), word.number()), ("5", Some(Span::new(file, 3..4)), Some(5)));
        word.push_bytes(file, 4, b"\\");
        assert_eq!(word.exact(), Some(Span::new(file, 3..5)));
        assert_eq!((word.tail(1).as_str(), word.tail(1).exact()), ("\\", Some(Span::new(file, 4..5))));
        word.truncate(1);
        word.push_for(b"\"", Span::new(file, 4..6));
        word.push_bytes(file, 6, b"12");
        assert_eq!((word.as_str(), word.exact(), word.tail(1).exact()), ("5\"12", None, None));
        assert_eq!((word.tail(1).as_str(), word.tail(1).span()), ("2", word.span()));
        assert_eq!((word.span(), word.place(1..2)), (Span::new(file, 3..8), Some(Span::new(file, 4..6))));
        assert_eq!(word.slice(2..9).exact(), Some(Span::new(file, 6..8)));
        assert_eq!(word.with_open("$b").slice(2..4).exact(), None);
    }

    #[test]
    fn a_part_is_open_where_the_mark_stands_in_it() {
        let (sources, file) = source("$a b");
        let whole = Text::plain(&sources, Span::new(file, 0..4)).with_open("$a");
        let part = |range: Range<usize>| {
            let mut part = Text::plain(&sources, Span::new(file, range));
            part.open_by(&whole, b'$');
            part
        };
        assert_eq!((part(0..2).open(), part(3..4).open()), (Some("$a"), None));
    }

    #[test]
    fn what_a_span_means_does_not_stand_there() {
        let (sources, file) = source("5 /**/");
        let at = |text: &str, range: Range<usize>| Text::at(&sources, text, Span::new(file, range));
        assert_eq!(at("5", 0..1).exact(), Some(Span::new(file, 0..1)));
        assert_eq!((at("5     ", 0..6).exact(), at("6", 0..1).exact()), (None, None));
    }

    #[test]
    fn an_empty_text_is_where_it_would_stand() {
        let (_, file) = source("a=");
        let empty = Text::nothing(Span::new(file, 2..2));
        assert_eq!((empty.span(), empty.exact(), empty.number()), (Span::new(file, 2..2), None, None));
        assert_eq!((Text::default().span(), Text::default().place(0..1)), (Span::NOWHERE, None));
    }

    #[test]
    fn what_is_no_utf_8_is_shown_with_a_mark() {
        let (_, file) = source("");
        let text = Text::written(b"a\xff", Span::new(file, 0..2));
        assert_eq!((text.as_str(), &*text.show()), ("\u{fffd}", "a\u{fffd}"));
        assert_eq!(text.exact(), Some(Span::new(file, 0..2)));
        assert_eq!(text.in_characters().as_str(), "a\u{fffd}");
    }

    proptest! {
        /// A text put together from parts is, byte for byte, where its parts were.
        #[test]
        fn parts_keep_their_places(parts in proptest::collection::vec((0usize..20, 0usize..20, any::<bool>()), 0..8)) {
            let (sources, file) = source("abcdefghijklmnopqrst");
            let (mut text, mut places) = (Text::default(), Vec::new());
            for (a, b, same) in parts {
                let range = a.min(b)..a.max(b);
                let at = Span::new(file, range.clone());
                match same {
                    true => text.push_text(&Text::plain(&sources, at)),
                    false => text.push_for(sources.slice(at), at),
                }
                places.extend(range.map(|byte| if same { Span::new(file, byte..byte + 1) } else { at }));
            }
            for (index, place) in places.iter().enumerate() {
                prop_assert_eq!(text.place(index..index + 1), Some(*place));
                prop_assert_eq!(text.slice(index..index + 1).span(), *place);
            }
            prop_assert_eq!(text.len(), places.len());
            if let Some(exact) = text.exact() {
                prop_assert_eq!(sources.slice(exact), text.bytes());
            }
            prop_assert_eq!(&text.slice(0..text.len()), &text);
            for length in (0..text.len()).rev() {
                let mut first = text.clone();
                first.truncate(length);
                prop_assert_eq!((&first, first.exact()), (&text.slice(0..length), text.slice(0..length).exact()));
                prop_assert_eq!(first.place(0..length), text.slice(0..length).place(0..length));
            }
        }
    }
}
