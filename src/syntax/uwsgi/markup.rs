//! XML files of uWSGI's: the elements right below `<uwsgi>` (core/xmlconf.c).

use super::entry::{Entry, Options};
use crate::syntax::refusal::Refusal;
use crate::syntax::xml::{self, Element, Reading};
use crate::text::{Slot, SourceId, Sources, Span, Tree};

pub(super) fn read(sources: &Sources, tree: &Tree, source: SourceId, id: Option<&str>) -> Options {
    let nowhere = |_: &str, _: &std::path::Path| Err("uWSGI opens no other file".to_owned());
    let reading = xml::read(sources, tree, source, &nowhere);
    let mut options = Options::default();
    let Some(parent) = parent(&reading, id).filter(|_| reading.complete) else {
        let why = "it has no whole <uwsgi>";
        options.fault = Some(match reading.fault {
            Some(fault) => Refusal::new(why, fault.at),
            None if reading.complete => Refusal::new(why, Span::top(source)),
            None => Refusal::ours(why, Span::top(source)),
        });
        return options;
    };
    let depth = reading.elements.get(parent).map_or(0, |element| element.depth);
    let inside = reading.elements.iter().skip(parent + 1).take_while(|element| element.depth > depth);
    for element in inside.filter(|element| element.depth == depth + 1) {
        let own = attribute(element, "id");
        if id.zip(own).is_none_or(|(asked, own)| asked == own) {
            options.entries.extend(option(sources, source, element));
        }
    }
    options
}

fn attribute<'e>(element: &'e Element, name: &str) -> Option<&'e str> {
    element
        .attributes
        .iter()
        .find(|attribute| attribute.name == name)
        .map(|attribute| attribute.value.as_str())
}

/// The root, or the first `<uwsgi>` right below it that has no other id.
fn parent(reading: &Reading, id: Option<&str>) -> Option<usize> {
    if reading.elements.first()?.name == "uwsgi" {
        return Some(0);
    }
    let mut below = reading.children(0, "uwsgi");
    below
        .find(|(_, element)| id.zip(attribute(element, "id")).is_none_or(|(asked, own)| asked == own))
        .map(|(index, _)| index)
}

/// An element's text up to the first thing that is none; one that has nothing in it is 1.
fn option(sources: &Sources, source: SourceId, element: &Element) -> Option<Entry> {
    if element.tag.source != source {
        return Some(Entry {
            open: Some(element.name.clone()),
            ..Entry::new(&element.name, "", element.tag)
        });
    }
    let bytes = sources.bytes(source);
    let tag = bytes.get(element.tag.range())?;
    let one = Entry::new(&element.name, "1", element.tag);
    if !tag.starts_with(b"<") || tag.ends_with(b"/>") {
        return Some(one);
    }
    let start = element.tag.end as usize;
    let rest = bytes.get(start..)?;
    let length = memchr::memchr(b'<', rest)?;
    let (raw, after) = rest.split_at_checked(length)?;
    let closing = format!("</{}", element.name);
    if raw.is_empty() && after.starts_with(closing.as_bytes()) {
        return Some(one);
    }
    let text = String::from_utf8_lossy(raw);
    let odd = raw.contains(&b'&') || !after.starts_with(closing.as_bytes());
    let end = start + length + memchr::memchr(b'>', after)? + 1;
    Some(Entry {
        exact: !odd && raw.is_ascii(),
        open: odd.then(|| element.name.clone()),
        beside: Some(beside(bytes, source, element, end)),
        ..Entry::new(&element.name, &text, Span::new(source, start..start + length))
    })
}

/// A line of its own with the same blanks before it, or right behind the element.
fn beside(bytes: &[u8], source: SourceId, element: &Element, end: usize) -> Slot {
    let before = bytes.get(..element.tag.start as usize).unwrap_or_default();
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let blanks = line.iter().all(u8::is_ascii_whitespace) && line.len() < before.len();
    let indent = if blanks { format!("\n{}", String::from_utf8_lossy(line)) } else { String::new() };
    Slot::insert(Span::new(source, end..end), format!("{indent}<listen>"), "</listen>")
}
