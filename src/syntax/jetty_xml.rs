//! Jetty's XML: objects, and what their setters are given (org.eclipse.jetty.xml.XmlConfiguration).

use std::path::Path;

use super::xml::{self, Attribute, Element, Reading};
use crate::text::{SourceId, Sources, Span, Text, Tree};

/// What a setter is given: a text, or a property with a default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// The property's names, the newest first.
    pub names: Vec<String>,
    pub default: Option<Text>,
}

/// A `New` or a `Ref`.
#[derive(Debug)]
pub struct Object {
    pub id: String,
    /// The class of a new one.
    pub class: Option<String>,
    pub at: Span,
    /// By the names of the setters.
    pub set: Vec<(String, Given)>,
}

/// The objects of a file in its order, or what is wrong with it.
pub fn read(sources: &Sources, tree: &Tree, file: SourceId) -> Result<Vec<Object>, (String, Span)> {
    // The one DOCTYPE that Jetty's files have is in its jar.
    let locate = |id: &str, folder: &Path| match id.contains("jetty.org/") || id.contains("eclipse.org/") {
        true => Ok(None),
        false => xml::file_of(id, folder).map(Some),
    };
    let document = xml::read(sources, tree, file, &locate);
    if let Some(fault) = &document.fault {
        return Err((fault.message.clone(), fault.at));
    }
    let object = |(index, element): (usize, &Element)| {
        let text = |name: &str| attribute(element, name).map(|attribute| attribute.value.clone());
        let (id, class) = match element.name.as_str() {
            "New" => (text("id"), Some(text("class").unwrap_or_default())),
            "Ref" => (text("refid").or_else(|| text("id")), None),
            _ => return None,
        };
        let set = setters(sources, &document, index);
        Some(Object { id: id.unwrap_or_default(), class, at: element.tag, set })
    };
    Ok(document.elements.iter().enumerate().filter_map(object).collect())
}

fn attribute<'e>(element: &'e Element, name: &str) -> Option<&'e Attribute> {
    element.attributes.iter().find(|attribute| attribute.name == name)
}

fn setters(sources: &Sources, document: &Reading, of: usize) -> Vec<(String, Given)> {
    let setter = |(index, element): (usize, &Element)| {
        let name = attribute(element, "name")?.value.clone();
        // Since Jetty 10 `<Set name="..." property="..."/>` sets nothing where the property is not set.
        let given = match attribute(element, "property") {
            Some(property) => Given { names: vec![property.value.clone()], ..Given::default() },
            None => given(sources, document, (index, element.tag)),
        };
        Some((name, given))
    };
    document.children(of, "Set").filter_map(setter).collect()
}

/// The content of a `Set`: a text, or a `Property`.
fn given(sources: &Sources, document: &Reading, (set, tag): (usize, Span)) -> Given {
    let kinds = ["Property", "SystemProperty"];
    let written = |(text, at): (String, Option<Span>)| match at {
        Some(at) => Text::written(text, at),
        None => Text::meant(text, tag),
    };
    let Some((index, property)) = kinds.iter().find_map(|kind| document.children(set, kind).next()) else {
        return Given { names: Vec::new(), default: Some(written(document.content(sources, set))) };
    };
    let child = |name: &str| document.child_content(sources, index, name);
    let either = |own: &str, name: &str| match attribute(property, own) {
        Some(attribute) => Some(attribute.value.clone()),
        None => child(name).map(|(text, _)| text),
    };
    let old = either("deprecated", "Deprecated").unwrap_or_default();
    let older = old.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let names = either("name", "Name").into_iter().chain(older).collect();
    let default = match attribute(property, "default") {
        Some(default) if sources.slice(default.at) == default.value.as_bytes() => {
            Some(Text::written(default.value.as_str(), default.at))
        }
        Some(default) => Some(Text::meant(default.value.as_str(), default.at)),
        None => child("Default").map(written),
    };
    Given { names, default }
}
