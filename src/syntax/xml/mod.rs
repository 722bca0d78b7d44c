//! XML as a Java program's SAX reader takes it: not validated, a colon is a character of a name like any other, the entities and
//! attribute defaults of the DOCTYPE are put in, and each external entity is a source of its own.

mod cursor;
mod dtd;
mod encoding;
mod entities;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use quick_xml::events::Event;

use crate::text::{HashSet, SourceId, Sources, Span, Text, Tree, over};
use cursor::{Cursor, is_space};
use dtd::Dtd;
use entities::Left;

/// As many attributes as the JDK lets an element have (JDK 17, jdk.xml.internal.XMLSecurityManager: elementAttributeLimit).
const MAX_ATTRIBUTES: usize = 10_000;
/// Elements and attributes of one document: a hundred times what a configuration has.
const MAX_NODES: usize = 500_000;

/// A document as far as it could be read.
#[derive(Debug, Default)]
pub struct Reading {
    /// In the order of their start tags, those of the entities at the place of their reference.
    pub elements: Vec<Element>,
    /// The root's end tag was reached: what is wrong comes after it.
    pub complete: bool,
    /// Nothing where a bound of ours ended the reading, which is told.
    pub fault: Option<Fault>,
}

/// A start tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    pub name: String,
    /// How many elements are open around it.
    pub depth: usize,
    /// Those that the DOCTYPE adds come last; their place is their declaration.
    pub attributes: Vec<Attribute>,
    pub tag: Span,
    /// Where an attribute can be added, and the quotes to put round its value there.
    pub end: Option<(Span, char)>,
}

/// An attribute with its value as the program gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    pub name: String,
    pub value: Text,
}

/// Why the reader stops: the file is not well-formed, or an entity cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub message: String,
    pub at: Span,
}

/// Finds the file that a system identifier means, seen from the folder of the file that declares it; none if the program has it
/// built in and it declares nothing that matters.
pub type Locate<'a> = dyn Fn(&str, &Path) -> Result<Option<PathBuf>, String> + 'a;

impl Reading {
    /// The elements of this name right below the one with this index.
    pub fn children<'s>(
        &'s self,
        parent: usize,
        name: &'s str,
    ) -> impl Iterator<Item = (usize, &'s Element)> {
        let depth = self.elements.get(parent).map_or(usize::MAX, |element| element.depth);
        self.elements
            .iter()
            .enumerate()
            .skip(parent + 1)
            .take_while(move |(_, element)| element.depth > depth)
            .filter(move |(_, element)| element.depth == depth + 1 && element.name == name)
    }
}

impl Reading {
    /// What stands between the start tag of the element with this index and the next tag, without the blanks around it; nothing
    /// that stands anywhere where the element is empty, a comment stands in it or an entity makes something else of the text.
    pub fn content(&self, sources: &Sources, index: usize) -> Text {
        let Some(element) = self.elements.get(index) else { return Text::default() };
        let empty = sources.slice(element.tag).ends_with(b"/>");
        let start = element.tag.range().end;
        let rest = sources.bytes(element.tag.source).get(start..).unwrap_or_default();
        let end = memchr::memchr(b'<', rest).filter(|_| !empty).unwrap_or(0);
        let whole = rest.get(..end).unwrap_or_default();
        let closes = rest.get(end..).is_some_and(|next| next.starts_with(b"</"));
        let at = Span::new(element.tag.source, start..start + whole.len());
        match closes && !empty && !whole.contains(&b'&') {
            true => Text::written(whole, at).trimmed().in_characters(),
            false => Text::nothing(element.tag),
        }
    }

    /// The content of the first child of this name.
    pub fn child_content(&self, sources: &Sources, parent: usize, name: &str) -> Option<Text> {
        let (index, _) = self.children(parent, name).next()?;
        Some(self.content(sources, index))
    }
}

/// Reads a document and what it draws in.
pub fn read(sources: &Sources, tree: &Tree, file: SourceId, locate: &Locate<'_>) -> Reading {
    let dtd = Dtd::default();
    let mut reader = Reader {
        sources,
        tree,
        locate,
        dtd,
        expanding: Vec::new(),
        left: Left::new(),
        nodes: 0,
        depth: 0,
        cut: false,
        elements: Vec::new(),
    };
    let mut fault = reader.document(file).err();
    if let Some(Fault { message, at }) = fault.take_if(|_| reader.cut) {
        sources.cut_off(at, message);
    }
    Reading { complete: reader.depth == 0 && !reader.elements.is_empty(), elements: reader.elements, fault }
}

/// The file that a system identifier names: a path or a `file:` URL, relative to `folder` (RFC 8089, RFC 3986).
pub fn file_of(system_id: &str, folder: &Path) -> Result<PathBuf, String> {
    let path = match system_id.split_once(':') {
        Some(("file", rest)) => match rest.strip_prefix("//") {
            Some(remote) => remote.strip_prefix("localhost").unwrap_or(remote),
            None => rest,
        },
        Some((scheme, _)) if is_scheme(scheme) => {
            return Err(format!("{system_id} is not a file, and nothing is fetched"));
        }
        _ => system_id,
    };
    let path = percent_decoded(path);
    let mut plain = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            std::path::Component::Normal(name) => plain.push(name),
            std::path::Component::ParentDir => drop(plain.pop()),
            _ => {}
        }
    }
    Ok(plain)
}

fn is_scheme(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn percent_decoded(path: &str) -> String {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match code.and_then(|two| u8::from_str_radix(two, 16).ok()).filter(|_| *byte == b'%') {
            Some(code) => (decoded.push(code), rest = after.get(2..).unwrap_or_default()),
            None => (decoded.push(*byte), rest = after),
        };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Where a stretch of text stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Its bytes are the source's own from `start` on; `quote` stands around them.
    Bytes { source: SourceId, start: usize, quote: Option<char> },
    /// It was made out of what stands here.
    Made(Span),
}

impl Place {
    fn span(self, range: Range<usize>) -> Span {
        match self {
            Place::Bytes { source, start, .. } => Span::new(source, start + range.start..start + range.end),
            Place::Made(span) => span,
        }
    }

    fn fault<T>(self, range: Range<usize>, message: impl Into<String>) -> Result<T, Fault> {
        Err(Fault { message: message.into(), at: self.span(range) })
    }
}

/// A text and where it stands.
#[derive(Debug, Clone)]
struct Piece {
    text: Rc<str>,
    place: Place,
}

struct Reader<'a> {
    /// It stops at a bound of ours.
    cut: bool,
    sources: &'a Sources,
    tree: &'a Tree,
    locate: &'a Locate<'a>,
    dtd: Dtd,
    /// The entities that we are inside.
    expanding: Vec<String>,
    left: Left,
    /// Elements and attributes so far.
    nodes: usize,
    depth: usize,
    elements: Vec<Element>,
}

impl Reader<'_> {
    fn document(&mut self, file: SourceId) -> Result<(), Fault> {
        let piece = self.piece(file)?;
        self.content(&piece)?;
        match self.elements.is_empty() {
            true => piece.place.fault(0..0, "there is no root element"),
            false => Ok(()),
        }
    }

    /// The text of a source.
    fn piece(&self, file: SourceId) -> Result<Piece, Fault> {
        let wrong = |(message, at): (String, usize)| Fault { message, at: Span::new(file, at..at + 1) };
        let found = encoding::decode(self.sources.bytes(file)).map_err(wrong)?;
        let place = match found.start {
            Some(start) => Place::Bytes { source: file, start, quote: None },
            None => Place::Made(Span::top(file)),
        };
        if let Some((at, _)) = found.text.char_indices().find(|(_, c)| !is_char(*c)) {
            return place.fault(at..at + 1, "a control character cannot be part of XML");
        }
        Ok(Piece { text: found.text.into(), place })
    }

    /// Reads what may stand between two tags; the DOCTYPE only before the first one.
    fn content(&mut self, piece: &Piece) -> Result<(), Fault> {
        let (place, floor) = (piece.place, self.depth);
        let mut reader = quick_xml::Reader::from_str(&piece.text);
        reader.config_mut().check_comments = true;
        loop {
            let start = offset(reader.buffer_position());
            let event = match reader.read_event() {
                Ok(event) => event,
                Err(error) => {
                    let at = offset(reader.error_position());
                    return place.fault(at..at + 1, error.to_string());
                }
            };
            let range = start..offset(reader.buffer_position());
            match event {
                Event::Start(_) => {
                    self.element(piece, range)?;
                    self.depth += 1;
                }
                Event::Empty(_) => self.element(piece, range)?,
                Event::End(_) => self.depth -= 1,
                Event::GeneralRef(name) if self.depth > 0 => self.reference(&name, place.span(range))?,
                Event::Text(text) if self.depth > 0 && !text.contains("]]>") => {}
                Event::Text(text) if text.chars().all(is_space) => {}
                Event::CData(_) if self.depth > 0 => {}
                Event::Comment(_) => {}
                Event::PI(note) if !note.target().eq_ignore_ascii_case("xml") => {}
                Event::DocType(text) if self.elements.is_empty() && !self.dtd.seen => {
                    let start = range.end - 1 - text.len();
                    self.doctype(piece, start..range.end - 1)?;
                }
                Event::Eof => break,
                Event::DocType(_) => return place.fault(range, "a DOCTYPE must come once, before the root"),
                Event::Decl(_) | Event::PI(_) => {
                    return place.fault(range, "an XML declaration must be at the very start of a file");
                }
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                    return place.fault(range, "there is text where none may be");
                }
            }
        }
        match self.elements.iter().rfind(|element| element.depth == floor && self.depth > floor) {
            Some(open) => Err(Fault { message: format!("<{}> is never closed", open.name), at: open.tag }),
            None => Ok(()),
        }
    }

    /// Reads a tag: `range` is from `<` to `>`.
    fn element(&mut self, piece: &Piece, range: Range<usize>) -> Result<(), Fault> {
        let place = piece.place;
        if self.depth == 0 && !self.elements.is_empty() {
            return place.fault(range, "there is a second root element");
        }
        let inner = range.start + 1..range.end - 1;
        let mut cursor = Cursor::new(piece.text.get(..inner.end).unwrap_or_default());
        cursor.at = inner.start;
        let Some(name) = cursor.name().map(str::to_owned) else {
            return place.fault(range, "this is not a name of an element");
        };
        let mut attributes = Vec::new();
        let mut end = cursor.at;
        while !(cursor.is_done() || cursor.rest() == "/") {
            let spaced = cursor.space();
            if cursor.is_done() || cursor.rest() == "/" {
                break;
            }
            let from = cursor.at;
            let Some((name, value)) = spaced.then(|| attribute(&mut cursor)).flatten() else {
                return place.fault(from..from + 1, "this is not an attribute, or no space stands before it");
            };
            end = cursor.at;
            let at = place.span(value.clone());
            let value = self.value(cursor.text(value), at, true)?;
            let value = Text::at(self.sources, value, at);
            attributes.push(Attribute { name: name.to_owned(), value });
        }
        self.dtd.complete(&name, &mut attributes);
        self.count(&attributes, place.span(range.clone()))?;
        let end = match place {
            Place::Bytes { quote, .. } => {
                Some((place.span(end..end), if quote == Some('"') { '\'' } else { '"' }))
            }
            Place::Made(_) => None,
        };
        self.elements.push(Element { name, depth: self.depth, attributes, tag: place.span(range), end });
        Ok(())
    }

    fn count(&mut self, attributes: &[Attribute], tag: Span) -> Result<(), Fault> {
        let fault = |message: String| Err(Fault { message, at: tag });
        if attributes.len() > MAX_ATTRIBUTES {
            return fault(format!("an element has more than {MAX_ATTRIBUTES} attributes"));
        }
        let mut seen = HashSet::default();
        if let Some(twice) = attributes.iter().find(|attribute| !seen.insert(&attribute.name)) {
            return fault(format!("the attribute {} is given twice", twice.name));
        }
        self.nodes += 1 + attributes.len();
        self.cut = self.nodes > MAX_NODES;
        if self.cut { fault(over("elements and attributes", MAX_NODES)) } else { Ok(()) }
    }
}

/// `name = "value"`.
fn attribute<'t>(cursor: &mut Cursor<'t>) -> Option<(&'t str, Range<usize>)> {
    let name = cursor.name()?;
    cursor.space();
    if !cursor.eat("=") {
        return None;
    }
    cursor.space();
    Some((name, cursor.quoted()?))
}

/// A Char, XML 1.0 production 2.
fn is_char(c: char) -> bool {
    !(c.is_ascii_control() && !is_space(c) && c != '\x7f' || matches!(c, '\u{FFFE}' | '\u{FFFF}'))
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
