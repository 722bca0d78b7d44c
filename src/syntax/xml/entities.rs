//! References: what they stand for, within the bounds that the JDK sets.

use std::path::{Path, PathBuf};

use super::cursor::is_space;
use super::{Fault, Piece, Reader, dtd, is_char};
use crate::text::tree::Unread;
use crate::text::{Span, deeper};

/// What the JDK draws in before it takes a file for an attack (JDK 17, jdk.xml.internal.XMLSecurityManager:
/// entityExpansionLimit, totalEntitySizeLimit).
const MAX_REFERENCES: usize = 64_000;
const MAX_ENTITY_BYTES: usize = 50_000_000;
/// Entities inside entities: people nest two or three, and each takes a stack frame.
const MAX_NESTING: usize = 64;

/// What may still be drawn in.
pub(super) struct Left {
    references: usize,
    bytes: usize,
}

impl Left {
    pub(super) fn new() -> Self {
        Self { references: MAX_REFERENCES, bytes: MAX_ENTITY_BYTES }
    }

    /// One more reference, to an entity of so many bytes.
    fn take(&mut self, bytes: usize) -> Result<(), String> {
        self.references = self
            .references
            .checked_sub(1)
            .ok_or_else(|| format!("there are more than {MAX_REFERENCES} references to entities"))?;
        self.bytes = self
            .bytes
            .checked_sub(bytes)
            .ok_or_else(|| format!("the entities come to more than {MAX_ENTITY_BYTES} bytes"))?;
        Ok(())
    }
}

/// An entity's text, and where it comes from.
pub(super) enum Entered {
    Internal(Piece),
    External(Piece),
}

impl Entered {
    pub(super) fn piece(&self) -> &Piece {
        match self {
            Entered::Internal(piece) | Entered::External(piece) => piece,
        }
    }
}

impl Reader<'_> {
    /// An attribute's value: references replaced, white space made blanks (XML 1.0, 3.3.3).
    pub(super) fn value(&mut self, raw: &str, at: Span, in_tag: bool) -> Result<String, Fault> {
        let fault = |message: String| Err(Fault { message, at });
        if raw.contains('<') {
            return fault("a value cannot contain <".into());
        }
        let mut value = String::with_capacity(raw.len());
        let mut parts = raw.split('&');
        push_normal(&mut value, parts.next().unwrap_or_default(), in_tag);
        for part in parts {
            let Some((name, rest)) = part.split_once(';') else {
                return fault("an & starts a reference, and this one has no end".into());
            };
            match character(name) {
                Some(c) => value.push(c),
                None => value.push_str(&self.inside(name, at, |reader, entity| match entity {
                    Entered::Internal(piece) => reader.value(&piece.text, at, false),
                    Entered::External(_) => {
                        fault(format!("a value cannot refer to an external entity, as &{name}; does"))
                    }
                })?),
            }
            push_normal(&mut value, rest, in_tag);
        }
        Ok(value)
    }

    /// Puts in what a reference between two tags stands for.
    pub(super) fn reference(&mut self, name: &str, at: Span) -> Result<(), Fault> {
        if character(name).is_some() {
            return Ok(());
        }
        self.inside(name, at, |reader, entity| reader.content(entity.piece()))
    }

    /// Steps into an entity, reads it and steps out again.
    pub(super) fn inside<T>(
        &mut self,
        name: &str,
        at: Span,
        read: impl FnOnce(&mut Self, &Entered) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.expanding.iter().any(|open| open == name) {
            return Err(Fault { message: format!("the entity {name} refers to itself"), at });
        }
        let entity = self.entity(name, at)?;
        self.expanding.push(name.to_owned());
        if self.expanding.len() > MAX_NESTING {
            self.cut = true;
            return Err(Fault { message: deeper("nested entities", MAX_NESTING), at });
        }
        self.left.take(entity.piece().text.len()).map_err(|message| Fault { message, at })?;
        let read = read(self, &entity)?;
        self.expanding.pop();
        Ok(read)
    }

    fn entity(&self, name: &str, at: Span) -> Result<Entered, Fault> {
        let fault = |what: &str| Err(Fault { message: format!("the entity {name} is not {what}"), at });
        match self.dtd.entity(name) {
            Some(dtd::Entity::Internal(piece)) => Ok(Entered::Internal(piece.clone())),
            Some(dtd::Entity::External { system_id, folder }) => {
                let piece = self.external(name, system_id, folder, at)?;
                piece.map_or_else(|| fault("in this tree"), |piece| Ok(Entered::External(piece)))
            }
            Some(dtd::Entity::Unparsed) => fault("XML"),
            None => fault("declared"),
        }
    }

    /// Reads an external entity.
    pub(super) fn external(
        &self,
        what: &str,
        system_id: &str,
        folder: &Path,
        at: Span,
    ) -> Result<Option<Piece>, Fault> {
        let fault = |why: String| Fault { message: format!("{what} cannot be read: {why}"), at };
        let Some(path) = (self.locate)(system_id, folder).map_err(fault)? else { return Ok(None) };
        let missing = |why: Unread| fault(format!("{}: {why}", path.display()));
        let file = self.tree.read(self.sources, &path).map_err(missing)?;
        self.piece(file).map(Some)
    }

    /// The folder of the file that a span lies in: relative names start there.
    pub(super) fn folder(&self, at: Span) -> PathBuf {
        self.sources.get(at.source).path().and_then(Path::parent).unwrap_or(Path::new("")).to_owned()
    }
}

/// A literal line break counts as one blank; one that a reference names stays as it is.
fn push_normal(value: &mut String, raw: &str, in_tag: bool) {
    if memchr::memchr3(b'\t', b'\r', b'\n', raw.as_bytes()).is_none() {
        return value.push_str(raw);
    }
    let raw = if in_tag { raw.replace("\r\n", "\n") } else { raw.to_owned() };
    value.extend(raw.chars().map(|c| if is_space(c) { ' ' } else { c }));
}

/// The character that `&NAME;` stands for without any declaration.
pub(super) fn character(name: &str) -> Option<char> {
    let digits = name.strip_prefix('#');
    match (name, digits) {
        ("lt", _) => Some('<'),
        ("gt", _) => Some('>'),
        ("amp", _) => Some('&'),
        ("quot", _) => Some('"'),
        ("apos", _) => Some('\''),
        (_, Some(digits)) => {
            let code = match digits.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            code.ok().and_then(char::from_u32).filter(|c| is_char(*c))
        }
        _ => None,
    }
}
