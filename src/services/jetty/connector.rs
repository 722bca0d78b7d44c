//! What the connectors are given: by Jetty's XML files where the tree has them, else as those of the distribution say it.

use std::path::{Path, PathBuf};

use super::Base;
use super::table::Known;
use crate::syntax::xml::{self, Reading};
use crate::text::Span;

/// A value in an XML file: written, or a property with a default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Given {
    /// The property's names, the newest first.
    pub names: Vec<String>,
    pub default: Option<String>,
    pub at: Option<Span>,
    /// The text at the span is the default.
    pub exact: bool,
}

/// A connector before its properties are looked up.
#[derive(Debug, Default)]
pub(super) struct Connector {
    pub id: String,
    pub host: Option<Given>,
    pub port: Option<Given>,
    pub path: Option<Given>,
    pub is_unix: bool,
    pub backlog: Option<Given>,
    pub native: bool,
    pub needs_keystore: bool,
    /// The text that opens it: the argument that names the module, or the element.
    pub site: Option<Span>,
}

impl Connector {
    /// As the XML of the distribution has it.
    pub(super) fn known(known: &Known, site: Span) -> Self {
        let given = |names: &[String], default: Option<String>| {
            (!names.is_empty()).then(|| Given { names: names.to_vec(), default, at: None, exact: false })
        };
        Self {
            id: known.id.clone(),
            host: given(&known.host, None),
            port: given(&known.port, known.default_port.map(|port| port.to_string())),
            path: given(&known.path, known.default_path.clone()),
            is_unix: !known.path.is_empty(),
            backlog: given(&known.accept_queue_size, None),
            native: known.native,
            needs_keystore: known.needs_keystore,
            site: Some(site),
        }
    }
}

impl Base<'_> {
    /// A file of the base's `etc`, or of the distribution's. Debian's base is its own `etc`.
    pub(super) fn xml_file(&self, name: &str) -> Option<PathBuf> {
        let bare = name.strip_prefix("etc/").unwrap_or(name);
        let own = [self.folder.join("etc").join(bare), self.folder.join(bare), self.folder.join(name)];
        let of_homes = self.homes.iter().map(|home| home.join("etc").join(bare));
        let tree = self.ground.tree;
        own.into_iter().chain(of_homes).find_map(|path| {
            let real = tree.resolve(&path).ok()?;
            (!tree.is_folder(&real)).then_some(real)
        })
    }

    /// Puts the connectors of an XML file to those that are known, and changes those that it refers to.
    pub(super) fn connectors_of(
        &self,
        path: &Path,
        site: Option<Span>,
        all: &mut Vec<Connector>,
    ) -> Result<(), (String, Span)> {
        let ground = self.ground;
        let Ok(source) = ground.tree.read(ground.sources, path) else { return Ok(()) };
        // The one DOCTYPE that Jetty's files have is in its jar.
        let locate = |id: &str, folder: &Path| match id.contains("jetty.org/") || id.contains("eclipse.org/")
        {
            true => Ok(None),
            false => xml::file_of(id, folder).map(Some),
        };
        let document = xml::read(ground.sources, ground.tree, source, &locate);
        if let Some(fault) = &document.fault {
            return Err((fault.message.clone(), fault.at));
        }
        for (index, element) in document.elements.iter().enumerate() {
            let attribute = |name: &str| {
                let found = element.attributes.iter().find(|attribute| attribute.name == name);
                found.map(|attribute| attribute.value.as_str())
            };
            let class = attribute("class").unwrap_or_default();
            let is_unix =
                class.contains("UnixSocketConnector") || class.contains("UnixDomainServerConnector");
            if element.name == "New" && (is_unix || class.ends_with(".ServerConnector")) {
                let mut connector = Connector {
                    id: attribute("id").unwrap_or_default().to_owned(),
                    is_unix,
                    native: class.contains("UnixSocketConnector"),
                    needs_keystore: attribute("id") == Some("sslConnector"),
                    site: site.or(Some(element.tag)),
                    ..Connector::default()
                };
                self.setters(&document, index, &mut connector);
                all.push(connector);
            } else if element.name == "Ref" {
                let id = attribute("refid").or(attribute("id")).unwrap_or_default();
                if let Some(connector) = all.iter_mut().find(|connector| connector.id == id) {
                    self.setters(&document, index, connector);
                }
            }
        }
        Ok(())
    }

    fn setters(&self, document: &Reading, of: usize, connector: &mut Connector) {
        for (index, element) in document.children(of, "Set") {
            let name = element.attributes.iter().find(|attribute| attribute.name == "name");
            let place = match name.map(|name| name.value.as_str()) {
                Some("host") => &mut connector.host,
                Some("port") => &mut connector.port,
                Some("unixSocket" | "unixDomainPath") => &mut connector.path,
                Some("acceptQueueSize") => &mut connector.backlog,
                _ => continue,
            };
            let given = self.given(document, index);
            // Since Jetty 10 `<Set name="..." property="..."/>` sets nothing where the property is not set.
            let optional = element.attributes.iter().find(|attribute| attribute.name == "property");
            *place = match optional {
                Some(property) => Some(Given { names: vec![property.value.clone()], ..Given::default() }),
                None => Some(given),
            };
        }
    }

    /// The content of a `Set`: a text, or a `Property`.
    fn given(&self, document: &Reading, set: usize) -> Given {
        let kinds = ["Property", "SystemProperty"];
        let Some((index, property)) = kinds.iter().find_map(|kind| document.children(set, kind).next())
        else {
            let (text, at) = document.content(self.ground.sources, set);
            return Given { names: Vec::new(), exact: at.is_some(), at, default: Some(text) };
        };
        let attribute = |name: &str| property.attributes.iter().find(|attribute| attribute.name == name);
        let child = |name: &str| document.child_content(self.ground.sources, index, name);
        let own = attribute("name").map(|name| name.value.clone()).or_else(|| Some(child("Name")?.0));
        let old =
            attribute("deprecated").map(|old| old.value.clone()).or_else(|| Some(child("Deprecated")?.0));
        let old = old.unwrap_or_default();
        let older = old.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let names = own.into_iter().chain(older).collect();
        match (attribute("default"), child("Default")) {
            (Some(default), _) => {
                let exact = self.ground.sources.slice(default.at) == default.value.as_bytes();
                Given { names, default: Some(default.value.clone()), at: Some(default.at), exact }
            }
            (None, Some((text, at))) => Given { names, default: Some(text), exact: at.is_some(), at },
            (None, None) => Given { names, ..Given::default() },
        }
    }
}
