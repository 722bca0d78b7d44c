//! YAML as a small tree in which every value knows where it stands. Aliases stand for what they name, merge keys (`<<`) are
//! looked through, and what a value means (a number, a yes) is its reader's affair.

use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, StructureStyle, options};

use crate::text::{HashMap, Slot, SourceId, Sources, Span, Text, deeper, larger, over};

/// The largest file that is parsed, in bytes. What is larger was made by a machine.
pub const MAX_YAML: usize = 2 << 20;

/// How many nodes all anchors and aliases of a file may come to: a few lines can name each other into millions.
const MAX_ALIASED: usize = 100_000;

/// How deep lists and maps may be nested, so that whoever walks a tree may do it by recursion.
const MAX_DEPTH: usize = 120;

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    Single,
    Double,
    /// `|` or `>`.
    Block,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    Scalar(String, Style),
    List(Vec<Node>),
    /// In the order of the text; of two entries with one key the later one counts.
    Map(Vec<(Node, Node)>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// A scalar without its quotes; a list or map from its first byte to its last, brackets included.
    pub span: Span,
    pub kind: NodeKind,
    /// The text at the span is the scalar: nothing was escaped, folded or joined.
    pub exact: bool,
    /// `[a, b]` and `{a: b}`, as JSON writes them.
    pub flow: bool,
    /// The tag as written: `!reference`, `!!str`, `!Sub`. A tag of its own makes a value that nobody else can know.
    pub tag: Option<String>,
    /// An alias led here: the span is where the anchor's value stands.
    pub aliased: bool,
}

/// Why a file, or the rest of one, was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub message: String,
    pub at: Span,
    /// It is too much for us alone, which is told.
    pub ours: bool,
}

/// The documents of a file, as far as they can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Yaml {
    pub documents: Vec<Node>,
    /// Where the reading ended before the file did.
    pub broken: Option<Broken>,
}

impl Node {
    /// The text of a scalar; a value that is left out is empty.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// The text of a scalar that is plainly a word, and no null: `~`, `null` and nothing at all are no words.
    pub fn word(&self) -> Option<&str> {
        self.text().filter(|_| !self.is_null())
    }

    /// A number as YAML 1.2 and every reader of it takes it: decimal digits, not in quotes.
    pub fn number(&self) -> Option<i64> {
        match &self.kind {
            NodeKind::Scalar(text, Style::Plain) => text.parse().ok(),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        match &self.kind {
            NodeKind::Scalar(text, Style::Plain) => {
                matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }

    /// The members of a list; none of anything else.
    pub fn list(&self) -> &[Node] {
        match &self.kind {
            NodeKind::List(members) => members,
            _ => &[],
        }
    }

    /// The entries of a map as written; none of anything else.
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.kind {
            NodeKind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// All entries that count: without those that a later one replaces, with those that merge keys bring in.
    pub fn merged(&self) -> Vec<(&Node, &Node)> {
        let mut found: Vec<(&Node, &Node)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::default();
        self.gather(&mut found, &mut places);
        found
    }

    fn gather<'a>(&'a self, found: &mut Vec<(&'a Node, &'a Node)>, places: &mut HashMap<&'a str, usize>) {
        let brought = found.len();
        for (key, value) in self.entries().iter().filter(|(key, _)| !key.is_merge()) {
            let Some(name) = key.text() else { continue };
            match places.get(name).copied() {
                None => {
                    places.insert(name, found.len());
                    found.push((key, value));
                }
                // What the map that merges has itself stays.
                Some(at) if at >= brought => {
                    if let Some(entry) = found.get_mut(at) {
                        *entry = (key, value);
                    }
                }
                Some(_) => {}
            }
        }
        for (_, value) in self.entries().iter().filter(|(key, _)| key.is_merge()) {
            match &value.kind {
                NodeKind::List(maps) => maps.iter().for_each(|map| map.gather(found, places)),
                _ => value.gather(found, places),
            }
        }
    }

    fn is_merge(&self) -> bool {
        matches!(&self.kind, NodeKind::Scalar(text, Style::Plain) if text == "<<")
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// A key and its value.
    pub fn entry(&self, key: &str) -> Option<(&Node, &Node)> {
        let own = self.entries().iter().rev().find(|(name, _)| name.text() == Some(key));
        let own = own.map(|(name, value)| (name, value));
        own.or_else(|| {
            let merges = self.entries().iter().filter(|(name, _)| name.is_merge());
            let maps = merges.flat_map(|(_, value)| match &value.kind {
                NodeKind::List(maps) => maps.as_slice(),
                _ => std::slice::from_ref(value),
            });
            maps.into_iter().find_map(|map| map.entry(key))
        })
    }

    /// The value at the end of a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// A scalar as one value: it stands at its span as it is, or all that stands there means it.
    pub fn value(&self) -> Option<Text> {
        let text = self.text()?;
        Some(if self.exact { Text::written(text, self.span) } else { Text::meant(text, self.span) })
    }

    /// The text of a scalar, each byte with its place.
    pub fn placed(&self, sources: &Sources) -> Option<Text> {
        let NodeKind::Scalar(text, style) = &self.kind else { return None };
        let written = sources.slice(self.span);
        let placed = match style {
            _ if self.exact => Some(Text::written(written, self.span)),
            Style::Double => unescaped(self.span, written),
            _ => aligned(self.span, written, text, *style == Style::Single),
        };
        let placed = placed.filter(|placed| self.exact || placed.is(text));
        let placed = placed.unwrap_or_else(|| Text::meant(text.as_str(), self.span));
        Some(placed.with_whole(self.written()))
    }

    /// The whole scalar with its quotes.
    pub fn written(&self) -> Span {
        let quoted = matches!(&self.kind, NodeKind::Scalar(_, Style::Single | Style::Double));
        Span { start: self.span.start.saturating_sub(u32::from(quoted)), end: self.end(), ..self.span }
    }

    /// Where it ends, with its quotes.
    fn end(&self) -> u32 {
        let quoted = matches!(&self.kind, NodeKind::Scalar(_, Style::Single | Style::Double));
        self.span.end.saturating_add(u32::from(quoted))
    }

    fn size(&self) -> usize {
        1 + match &self.kind {
            NodeKind::Scalar(..) => 0,
            NodeKind::List(members) => members.iter().map(Node::size).sum(),
            NodeKind::Map(entries) => entries.iter().map(|(key, value)| key.size() + value.size()).sum(),
        }
    }
}

/// The place of a number under a key that a map does not have yet: before its first entry, in the map's own style.
pub fn room(sources: &Sources, map: &Node, key: &str) -> Option<Slot> {
    let (first, _) = map.entries().first()?;
    let quote = match &first.kind {
        NodeKind::Scalar(_, Style::Double) => "\"",
        NodeKind::Scalar(_, Style::Single) => "'",
        NodeKind::Scalar(..) if first.tag.is_none() => "",
        _ => return None,
    };
    if map.aliased || first.aliased {
        return None;
    }
    let at = first.span.start.checked_sub(u32::try_from(quote.len()).ok()?)?;
    let place = Span { start: at, end: at, ..first.span };
    let before = format!("{quote}{key}{quote}: ");
    if map.flow {
        return Some(Slot::insert(place, before, ", "));
    }
    let source = sources.get(place.source);
    let start = source.start_of(source.line_of(at));
    let indent = " ".repeat((at as usize).checked_sub(start)?);
    // The document's own line ends would do too, but YAML takes either.
    Some(Slot::insert(place, before, format!("\n{indent}")))
}

/// The text of a scalar in double quotes; nothing where a line ends in it, which folds.
fn unescaped(span: Span, written: &[u8]) -> Option<Text> {
    let start = span.range().start;
    let mut text = Text::default();
    let mut at = 0;
    while let Some(byte) = written.get(at).copied() {
        let (character, length) = match byte {
            b'\\' => escape(written.get(at + 1..)?)?,
            b'\n' | b'\r' => return None,
            _ => {
                text.push_bytes(span.source, start + at, &[byte]);
                at += 1;
                continue;
            }
        };
        let mut buffer = [0; 4];
        let end = at + length + 1;
        let place = Span::new(span.source, start + at..start + end);
        text.push_for(character.encode_utf8(&mut buffer).as_bytes(), place);
        at = end;
    }
    Some(text)
}

/// What stands after a backslash: the character that it means, and how many bytes it takes (YAML 1.2.2, 5.7).
fn escape(rest: &[u8]) -> Option<(char, usize)> {
    let code = |digits: usize| {
        let digits = std::str::from_utf8(rest.get(1..=digits)?).ok()?;
        u32::from_str_radix(digits, 16).ok()
    };
    let plain = |character: char| Some((character, 1));
    match rest.first()? {
        b'0' => plain('\0'),
        b'a' => plain('\u{7}'),
        b'b' => plain('\u{8}'),
        b't' | b'\t' => plain('\t'),
        b'n' => plain('\n'),
        b'v' => plain('\u{b}'),
        b'f' => plain('\u{c}'),
        b'r' => plain('\r'),
        b'e' => plain('\u{1b}'),
        byte @ (b' ' | b'"' | b'/' | b'\\') => plain(char::from(*byte)),
        b'N' => plain('\u{85}'),
        b'_' => plain('\u{a0}'),
        b'L' => plain('\u{2028}'),
        b'P' => plain('\u{2029}'),
        b'x' => Some((char::from_u32(code(2)?)?, 3)),
        // A pair of JSON's halves is rare enough to have no place of its own.
        b'u' => Some((char::from_u32(code(4)?)?, 5)),
        b'U' => Some((char::from_u32(code(8)?)?, 9)),
        _ => None,
    }
}

/// The text of a scalar that differs from what is written in blanks alone, and in quotes that are doubled.
fn aligned(span: Span, written: &[u8], text: &str, doubled: bool) -> Option<Text> {
    let mut placed = Text::default();
    let mut at = 0;
    for byte in text.bytes() {
        let is_blank = byte.is_ascii_whitespace();
        while !is_blank && written.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        let here = written.get(at);
        let length = if doubled && byte == b'\'' { 2 } else { 1 };
        let (start, end) = (span.range().start + at, span.range().end);
        match here == Some(&byte) && length == 1 {
            true => placed.push_bytes(span.source, start, &[byte]),
            false if !is_blank && here != Some(&byte) => return None,
            false => {
                let place = start.min(end)..(start + length).min(end);
                placed.push_for(&[byte], Span::new(span.source, place));
            }
        }
        at += if is_blank { usize::from(here.is_some_and(u8::is_ascii_whitespace)) } else { length };
    }
    Some(placed)
}

impl Yaml {
    /// Where the file is at fault, and no bound of ours.
    pub fn fault(&self) -> Option<&Broken> {
        self.broken.as_ref().filter(|broken| !broken.ours)
    }
}

/// Why there is nothing more: what, where, and whether that is a bound of ours.
type Stop = (String, usize, bool);

/// Reads a file of any number of documents. Where that is too much it is told.
pub fn read(sources: &Sources, file: SourceId) -> Yaml {
    let bytes = sources.bytes(file);
    let text = match std::str::from_utf8(bytes) {
        _ if bytes.len() > MAX_YAML => Err((larger("YAML files", MAX_YAML, bytes.len()), 0, true)),
        Ok(text) => Ok(text),
        Err(error) => Err(("it is not UTF-8".into(), error.valid_up_to(), false)),
    };
    let (documents, stop) = match text {
        Ok(text) => Reader::new(file, text).read(),
        Err(stop) => (Vec::new(), Some(stop)),
    };
    let broken = stop.map(|(message, at, ours)| {
        let at = at.min(bytes.len());
        Broken { message, at: Span::new(file, at..at), ours }
    });
    if let Some(broken) = broken.as_ref().filter(|broken| broken.ours) {
        sources.cut_off(broken.at, broken.message.as_str());
    }
    Yaml { documents, broken }
}

fn too_deep(at: usize) -> Stop {
    (deeper("lists and maps", MAX_DEPTH), at, true)
}

fn too_much(at: usize) -> Stop {
    (over("values behind anchors and aliases", MAX_ALIASED), at, true)
}

/// A list or map whose end has not come yet.
struct Open {
    node: Node,
    /// A key that waits for its value.
    key: Option<Node>,
    anchor: usize,
}

struct Reader<'a> {
    file: SourceId,
    text: &'a str,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    aliased: usize,
    done: Vec<Node>,
}

impl<'a> Reader<'a> {
    fn new(file: SourceId, text: &'a str) -> Self {
        Self { file, text, open: Vec::new(), anchors: HashMap::default(), aliased: 0, done: Vec::new() }
    }

    fn read(mut self) -> (Vec<Node>, Option<Stop>) {
        let options = options! {
            emit_comments: false,
            // One more list in a map is one level here, two for some of the parser's own counts.
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        for next in Parser::new_from_str_with_options(self.text, options) {
            let done = match next {
                Ok((event, span)) => self.take(event, span.byte_range().unwrap_or_default()),
                Err(error) => {
                    let at = error.marker().byte_offset().unwrap_or(0);
                    match error.kind() {
                        ErrorKind::RecursionLimitExceeded => Err(too_deep(at)),
                        kind => Err((kind.to_string(), at, false)),
                    }
                }
            };
            if let Err(stop) = done {
                return (self.done, Some(stop));
            }
        }
        (self.done, None)
    }

    fn take(&mut self, event: Event<'_>, range: Range<usize>) -> Result<(), Stop> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.scalar(&text, style, range, tag.map(|tag| tag.original()));
                self.put(node, anchor)?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.begin(NodeKind::List(Vec::new()), style, range, anchor, tag.map(|tag| tag.original()))?;
            }
            Event::MappingStart(style, anchor, tag) => {
                self.begin(NodeKind::Map(Vec::new()), style, range, anchor, tag.map(|tag| tag.original()))?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(range)?,
            Event::Alias(id) => self.alias(id, range)?,
            _ => {}
        }
        Ok(())
    }

    fn scalar(&self, text: &str, style: ScalarStyle, range: Range<usize>, tag: Option<String>) -> Node {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        let quoted = matches!(style, Style::Single | Style::Double) && range.len() >= 2;
        let range = if quoted { range.start + 1..range.end - 1 } else { range };
        // A value that is left out is told as a `~` that stands nowhere.
        let text = if style == Style::Plain && range.is_empty() { "" } else { text };
        let exact = self.text.get(range.clone()) == Some(text);
        let kind = NodeKind::Scalar(text.to_owned(), style);
        Node { span: Span::new(self.file, range), kind, exact, flow: false, tag, aliased: false }
    }

    fn begin(
        &mut self,
        kind: NodeKind,
        style: StructureStyle,
        range: Range<usize>,
        anchor: usize,
        tag: Option<String>,
    ) -> Result<(), Stop> {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(range.start));
        }
        let flow = style == StructureStyle::Flow;
        let span = Span::new(self.file, range);
        let node = Node { span, kind, exact: false, flow, tag, aliased: false };
        self.open.push(Open { node, key: None, anchor });
        Ok(())
    }

    fn end(&mut self, range: Range<usize>) -> Result<(), Stop> {
        let Some(Open { mut node, anchor, .. }) = self.open.pop() else { return Ok(()) };
        let last = match &node.kind {
            NodeKind::Scalar(..) => None,
            NodeKind::List(members) => members.last(),
            NodeKind::Map(entries) => entries.last().map(|(_, value)| value),
        };
        let end = Span::new(self.file, range);
        // A block ends where its last value does; the parser says where the next thing begins.
        node.span.end = match last {
            Some(last) if !node.flow && !last.aliased => last.end().max(node.span.end),
            _ => end.end,
        };
        self.put(node, anchor)
    }

    fn alias(&mut self, id: usize, range: Range<usize>) -> Result<(), Stop> {
        let Some((node, size)) = self.anchors.get(&id) else { return Ok(()) };
        self.aliased += size;
        if self.aliased > MAX_ALIASED {
            return Err(too_much(range.start));
        }
        let node = Node { aliased: true, ..node.clone() };
        self.put(node, 0)
    }

    /// A finished node goes where it belongs.
    fn put(&mut self, node: Node, anchor: usize) -> Result<(), Stop> {
        if anchor != 0 {
            let size = node.size();
            self.aliased += size;
            if self.aliased > MAX_ALIASED {
                return Err(too_much(node.span.range().start));
            }
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(open) = self.open.last_mut() else {
            self.done.push(node);
            return Ok(());
        };
        match &mut open.node.kind {
            NodeKind::Scalar(..) => {}
            NodeKind::List(members) => members.push(node),
            NodeKind::Map(entries) => match open.key.take() {
                Some(key) => entries.push((key, node)),
                None => open.key = Some(node),
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::Origin;

    fn yaml(text: &[u8]) -> (Sources, Yaml) {
        let sources = Sources::new();
        let file = sources.add(Origin::Builtin("t.yml".into()), text.to_vec());
        let yaml = read(&sources, file);
        (sources, yaml)
    }

    fn one(text: &str) -> (Sources, Node) {
        let (sources, mut yaml) = yaml(text.as_bytes());
        assert_eq!(yaml.broken, None);
        assert_eq!(yaml.documents.len(), 1);
        (sources, yaml.documents.remove(0))
    }

    #[test]
    fn every_scalar_stands_somewhere() {
        let text = "a: plain  # c\n\"b\": 'it''s'\nc: \"\\x41\"\nd:\ne: \"12\"\nf: |\n  x\n  y\ng: [1, {h: ü}]\ni: two\n  words\n";
        let (sources, node) = one(text);
        let shown = |key: &str| {
            let value = node.get(key).unwrap();
            (value.text().unwrap().to_owned(), sources.text(value.span).into_owned(), value.exact)
        };
        assert_eq!(shown("a"), ("plain".into(), "plain".into(), true));
        assert_eq!(shown("b"), ("it's".into(), "it''s".into(), false));
        assert_eq!(shown("c"), ("A".into(), "\\x41".into(), false));
        assert_eq!(shown("d"), (String::new(), String::new(), true));
        assert!(node.get("d").unwrap().is_null());
        assert_eq!(shown("e"), ("12".into(), "12".into(), true));
        assert_eq!((node.get("e").unwrap().number(), node.get("e").unwrap().word()), (None, Some("12")));
        assert_eq!(shown("f"), ("x\ny\n".into(), "x\n  y\n".into(), false));
        assert_eq!(shown("i"), ("two words".into(), "two\n  words".into(), false));
        let list = node.get("g").unwrap();
        assert!(list.flow && sources.text(list.span) == "[1, {h: ü}]");
        assert_eq!(list.list()[0].number(), Some(1));
        assert_eq!(list.list()[1].get("h").unwrap().text(), Some("ü"));
        assert_eq!(node.at(&["g", "h"]), None);
    }

    #[test]
    fn letters_know_their_place() {
        let text = "a: \"x\\ty\\u00e9 z\"\nb: 'it''s one'\nc: >\n  some --n=12\n  folded words\nd: plain\n  words\ne: |\r\n  x y\r\n";
        let (sources, node) = one(text);
        for (key, word, place) in [
            ("a", "z", "z"),
            ("a", "é", "\\u00e9"),
            ("b", "'", "''"),
            ("b", "one", "one"),
            ("c", "--n=12", "--n=12"),
            ("c", "folded", "folded"),
            ("d", "words", "words"),
            ("e", "y", "y"),
        ] {
            let text = node.get(key).unwrap().placed(&sources).unwrap();
            assert_eq!(text.as_str(), node.get(key).unwrap().text().unwrap());
            let at = text.as_str().find(word).unwrap();
            let found = text.slice(at..at + word.len());
            assert_eq!(sources.text(found.span()), place, "{key} {word}");
            assert_eq!(found.exact().is_some(), word == place, "{key} {word}");
        }
        assert_eq!(sources.text(node.get("b").unwrap().written()), "'it''s one'");
    }

    #[test]
    fn a_block_ends_with_its_last_value() {
        let (sources, node) = one("a:\n  - x\n  - b: \"y\"\n\n# c\nd: 1\r\n");
        let list = node.get("a").unwrap();
        assert_eq!((sources.text(list.span), list.flow), ("- x\n  - b: \"y\"".into(), false));
        assert_eq!(node.get("d").unwrap().number(), Some(1));
    }

    #[test]
    fn aliases_and_merges_lead_to_what_they_name() {
        let text = "x: &base {a: 1, b: 2}\ny: &other {b: 3, c: 4}\nz:\n  <<: [*base, *other]\n  a: 9\n  a: 8\nw: *base\n";
        let (sources, node) = one(text);
        let z = node.get("z").unwrap();
        let numbers: Vec<_> =
            z.merged().iter().map(|(key, value)| (key.text().unwrap(), value.number().unwrap())).collect();
        assert_eq!(numbers, [("a", 8), ("b", 2), ("c", 4)]);
        for (key, number) in numbers {
            assert_eq!(z.get(key).unwrap().number(), Some(number));
        }
        let w = node.get("w").unwrap();
        assert!(w.aliased && sources.text(w.get("b").unwrap().span) == "2");
    }

    #[test]
    fn what_can_be_read_is_read() {
        let (_, found) = yaml(b"a: 1\n---\nb: 2\n---\nc: [");
        assert_eq!(found.documents.len(), 2);
        assert_eq!(found.broken.unwrap().at.start, 21);
        assert!(yaml(b"").1.documents.is_empty());
        assert_eq!(yaml(b"\xff").1.broken.unwrap().message, "it is not UTF-8");
        let (sources, found) = yaml("\u{feff}a: 12".as_bytes());
        assert_eq!(sources.text(found.documents[0].get("a").unwrap().span), "12");
        assert!(yaml(b"a: *nobody").1.broken.is_some());
        let (_, node) = one("a: !Ref b");
        assert_eq!(node.get("a").unwrap().tag.as_deref(), Some("!Ref"));
    }

    #[test]
    fn bombs_end_soon() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let members = vec![format!("*a{}", level - 1); 9].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{members}]\n"));
        }
        assert!(yaml(bomb.as_bytes()).1.broken.unwrap().message.contains("anchors"));
        for open in ["[", "{", "- ", "? ", "&a ", "a: ", "\"", "\n - ", "!!a "] {
            let started = std::time::Instant::now();
            let _ = yaml(open.repeat(MAX_YAML / open.len()).as_bytes());
            assert!(started.elapsed().as_secs() < 20, "{open}");
        }
    }

    fn check(sources: &Sources, node: &Node) {
        assert!(
            node.span.start <= node.span.end
                && node.span.end as usize <= sources.bytes(node.span.source).len()
        );
        match &node.kind {
            NodeKind::Scalar(text, _) => {
                assert!(!node.exact || sources.text(node.span) == *text);
                assert_eq!(node.placed(sources).unwrap().show(), *text);
            }
            NodeKind::List(members) => members.iter().for_each(|member| check(sources, member)),
            NodeKind::Map(entries) => entries.iter().for_each(|(key, value)| {
                check(sources, key);
                check(sources, value);
            }),
        }
        node.merged();
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[ab:\\-\\[\\]{}&*!|>'\"#, \n<?]{0,60}") {
            let (sources, found) = yaml(text.as_bytes());
            found.documents.iter().for_each(|document| check(&sources, document));
        }
    }
}
