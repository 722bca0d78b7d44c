//! The declarations of a DOCTYPE that change what a program gets: entities and the defaults of attributes. The first
//! declaration of a name counts (XML 1.0, 3.3 and 4.2).

use std::ops::Range;
use std::path::PathBuf;

use super::cursor::Cursor;
use super::entities::character;
use super::{Attribute, Fault, Piece, Place, Reader};
use crate::text::{HashMap, HashSet, Text};

#[derive(Debug, Default)]
pub(super) struct Dtd {
    pub(super) seen: bool,
    general: HashMap<String, Entity>,
    /// By the name without its `%`.
    parameter: HashMap<String, Entity>,
    /// By the element's name.
    defaults: HashMap<String, Vec<Attribute>>,
    /// Names of an element and of its attribute: the first default counts.
    declared: HashSet<(String, String)>,
}

#[derive(Debug)]
pub(super) enum Entity {
    Internal(Piece),
    External {
        system_id: String,
        folder: PathBuf,
    },
    /// Something that is not XML, such as a picture.
    Unparsed,
}

impl Dtd {
    /// A general entity, or with `%` before its name a parameter entity.
    pub(super) fn entity(&self, name: &str) -> Option<&Entity> {
        match name.strip_prefix('%') {
            Some(name) => self.parameter.get(name),
            None => self.general.get(name),
        }
    }

    /// Adds the defaults of attributes that an element does not give.
    pub(super) fn complete(&self, element: &str, attributes: &mut Vec<Attribute>) {
        let Some(defaults) = self.defaults.get(element) else { return };
        let given: HashSet<&str> = attributes.iter().map(|attribute| attribute.name.as_str()).collect();
        let missing = |default: &&Attribute| !given.contains(default.name.as_str());
        let missing: Vec<Attribute> = defaults.iter().filter(missing).cloned().collect();
        attributes.extend(missing);
    }
}

impl Reader<'_> {
    /// `NAME SYSTEM "..." [ declarations ]`: the internal subset comes first, so that it wins.
    pub(super) fn doctype(&mut self, piece: &Piece, range: Range<usize>) -> Result<(), Fault> {
        self.dtd.seen = true;
        let mut cursor = Cursor::new(piece.text.get(..range.end).unwrap_or_default());
        cursor.at = range.start;
        let wrong = || piece.place.fault(range.clone(), "the DOCTYPE is broken");
        if cursor.name().is_none() {
            return wrong();
        }
        cursor.space();
        let Ok(external) = external_id(&mut cursor) else { return wrong() };
        cursor.space();
        if cursor.eat("[") {
            self.declarations(&mut cursor, piece.place)?;
            if !cursor.eat("]") {
                return wrong();
            }
            cursor.space();
        }
        if !cursor.is_done() {
            return wrong();
        }
        if let Some(system_id) = external {
            let at = piece.place.span(range);
            let subset = self.external("the external subset", system_id, &self.folder(at), at)?;
            subset.map_or(Ok(()), |subset| self.all_declarations(&subset))?;
        }
        Ok(())
    }

    fn all_declarations(&mut self, piece: &Piece) -> Result<(), Fault> {
        let mut cursor = Cursor::new(&piece.text);
        self.declarations(&mut cursor, piece.place)?;
        match cursor.is_done() {
            true => Ok(()),
            false => piece.place.fault(cursor.at..cursor.at + 1, "this is not a declaration"),
        }
    }

    /// Reads declarations up to something that is none.
    fn declarations(&mut self, cursor: &mut Cursor<'_>, place: Place) -> Result<(), Fault> {
        loop {
            cursor.space();
            let start = cursor.at;
            let read = if cursor.eat("<!--") {
                cursor.until("-->").map(drop)
            } else if cursor.eat("<?") {
                cursor.until("?>").map(drop)
            } else if cursor.eat("<!ENTITY") {
                self.entity_declaration(cursor, place, start)
            } else if cursor.eat("<!ATTLIST") {
                self.attribute_defaults(cursor, place, start)?
            } else if cursor.eat("<!ELEMENT") || cursor.eat("<!NOTATION") {
                skip_declaration(cursor)
            } else if cursor.eat("%") {
                let name = cursor.until(";").unwrap_or_default().to_owned();
                let at = place.span(start..cursor.at);
                self.inside(&format!("%{name}"), at, |reader, entity| {
                    reader.all_declarations(entity.piece())
                })?;
                Some(())
            } else {
                return Ok(());
            };
            if read.is_none() {
                return place.fault(start..start + 1, "this declaration is broken");
            }
        }
    }

    /// `<!ENTITY name "text">`, `<!ENTITY name SYSTEM "file">`, and both with `%` before the name.
    fn entity_declaration(&mut self, cursor: &mut Cursor<'_>, place: Place, start: usize) -> Option<()> {
        cursor.space().then_some(())?;
        let parameter = cursor.eat("%") && cursor.space();
        let name = cursor.name()?.to_owned();
        cursor.space().then_some(())?;
        let entity = match cursor.quoted() {
            Some(range) => Entity::Internal(replacement(cursor, range, place)),
            None => {
                let system_id = external_id(cursor).ok()??.to_owned();
                let unparsed = cursor.space() && cursor.eat("NDATA");
                if unparsed {
                    cursor.space();
                    cursor.name()?;
                }
                let folder = self.folder(place.span(start..cursor.at));
                if unparsed { Entity::Unparsed } else { Entity::External { system_id, folder } }
            }
        };
        cursor.space();
        cursor.eat(">").then_some(())?;
        let entities = if parameter { &mut self.dtd.parameter } else { &mut self.dtd.general };
        entities.entry(name).or_insert(entity);
        Some(())
    }

    /// `<!ATTLIST element name TYPE "default" ...>`.
    fn attribute_defaults(
        &mut self,
        cursor: &mut Cursor<'_>,
        place: Place,
        start: usize,
    ) -> Result<Option<()>, Fault> {
        cursor.space();
        let Some(element) = cursor.name() else { return Ok(None) };
        let mut found = Vec::new();
        cursor.space();
        while !cursor.eat(">") {
            let Some((name, default)) = attribute_definition(cursor) else { return Ok(None) };
            cursor.space();
            found.extend(default.map(|range| (name, range)));
        }
        let at = place.span(start..cursor.at);
        for (name, range) in found {
            let value = self.value(cursor.text(range), at, true)?;
            let name = name.to_owned();
            if self.dtd.declared.insert((element.to_owned(), name.clone())) {
                let value = Text::meant(value, at);
                self.dtd.defaults.entry(element.to_owned()).or_default().push(Attribute { name, value });
            }
        }
        Ok(Some(()))
    }
}

/// The text of an internal entity: character references are replaced when it is declared, others when it is used.
fn replacement(cursor: &Cursor<'_>, range: Range<usize>, place: Place) -> Piece {
    let raw = cursor.text(range.clone());
    let quote = cursor.text(range.start - 1..range.start).chars().next();
    match place {
        // Inside a literal inside a literal no kind of quotes is left to write with.
        Place::Bytes { source, start, quote: None } if !raw.contains("&#") => {
            Piece { text: raw.into(), place: Place::Bytes { source, start: start + range.start, quote } }
        }
        _ => Piece { text: with_characters(raw).into(), place: Place::Made(place.span(range)) },
    }
}

fn with_characters(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    for (index, part) in raw.split('&').enumerate() {
        let found = part.split_once(';').filter(|(name, _)| index > 0 && name.starts_with('#'));
        match found.and_then(|(name, rest)| Some((character(name)?, rest))) {
            Some((c, rest)) => {
                text.push(c);
                text.push_str(rest);
            }
            None if index > 0 => {
                text.push('&');
                text.push_str(part);
            }
            None => text.push_str(part),
        }
    }
    text
}

/// `SYSTEM "file"` or `PUBLIC "name" "file"`: the file; `None` where there is neither.
fn external_id<'t>(cursor: &mut Cursor<'t>) -> Result<Option<&'t str>, ()> {
    let public = cursor.eat("PUBLIC");
    if !public && !cursor.eat("SYSTEM") {
        return Ok(None);
    }
    cursor.space();
    if public {
        cursor.quoted().ok_or(())?;
        cursor.space();
    }
    let file = cursor.quoted().ok_or(())?;
    Ok(Some(cursor.text(file)))
}

/// An attribute's name, and where its default stands.
fn attribute_definition<'t>(cursor: &mut Cursor<'t>) -> Option<(&'t str, Option<Range<usize>>)> {
    let name = cursor.name()?;
    cursor.space();
    if !cursor.eat("(") {
        cursor.name()?;
        cursor.space();
        cursor.eat("(").then(|| cursor.until(")"));
    } else {
        cursor.until(")")?;
    }
    cursor.space();
    if cursor.eat("#REQUIRED") || cursor.eat("#IMPLIED") {
        return Some((name, None));
    }
    if cursor.eat("#FIXED") {
        cursor.space();
    }
    Some((name, Some(cursor.quoted()?)))
}

/// Up to the `>` that no quotes enclose.
fn skip_declaration(cursor: &mut Cursor<'_>) -> Option<()> {
    while !cursor.eat(">") {
        if cursor.quoted().is_none() {
            let c = cursor.rest().chars().next().filter(|c| !matches!(c, '"' | '\''))?;
            cursor.at += c.len_utf8();
        }
    }
    Some(())
}
