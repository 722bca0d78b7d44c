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
        let text = |name: &str| attribute(element, name).map(|attribute| attribute.value.as_str().to_owned());
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
        let name = attribute(element, "name")?.value.as_str().to_owned();
        // Since Jetty 10 `<Set name="..." property="..."/>` sets nothing where the property is not set.
        let given = match attribute(element, "property") {
            Some(property) => Given { names: vec![property.value.as_str().to_owned()], ..Given::default() },
            None => given(sources, document, index),
        };
        Some((name, given))
    };
    document.children(of, "Set").filter_map(setter).collect()
}

/// The content of a `Set`: a text, or a `Property`.
fn given(sources: &Sources, document: &Reading, set: usize) -> Given {
    let kinds = ["Property", "SystemProperty"];
    let Some((index, property)) = kinds.iter().find_map(|kind| document.children(set, kind).next()) else {
        return Given { names: Vec::new(), default: Some(document.content(sources, set)) };
    };
    let either = |own: &str, name: &str| match attribute(property, own) {
        Some(attribute) => Some(attribute.value.clone()),
        None => document.child_content(sources, index, name),
    };
    let old = either("deprecated", "Deprecated").unwrap_or_default();
    let older = old.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let name = either("name", "Name").map(|name| name.as_str().to_owned());
    Given { names: name.into_iter().chain(older).collect(), default: either("default", "Default") }
}
