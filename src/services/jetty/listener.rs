//! One connector as a listener: what its properties come to, or why Jetty does not start.

use super::arguments::{Arguments, Property};
use super::connector::{Connector, Given};
use super::{Base, Refused};
use crate::model::{Endpoint, Listener, Setting, Step, Transport, Value};
use crate::syntax::java::{self, Address};
use crate::text::{Slot, Span};

/// What a setter is given in the end.
enum Final {
    Unset,
    Text(Property),
    Open(Property),
}

/// The same of a setter that takes an int.
enum Number {
    Unset,
    Known(i64, Property),
    Open(Property),
}

impl Base<'_> {
    pub(super) fn listener(&self, connector: &Connector, arguments: &Arguments) -> Result<Listener, Refused> {
        let ground = self.ground;
        let site = connector.site.unwrap_or_else(|| Span::top(ground.service.source));
        if connector.needs_keystore {
            self.keystore(arguments, site)?;
        }
        let mut notes = Vec::new();
        let endpoint = match connector.is_unix {
            true => self.path(connector, arguments, site, &mut notes),
            false => self.address(connector, arguments, site, &mut notes)?,
        };
        let mut listener = Listener::new(&ground.service.name, ground.place, endpoint, site);
        listener.notes = notes;
        (listener.backlog, listener.steps) = self.backlog(connector, arguments, site)?;
        Ok(listener)
    }

    fn value(&self, given: Option<&Given>, arguments: &Arguments) -> Final {
        let Some(given) = given else { return Final::Unset };
        if let Some(property) = arguments.property(&given.names) {
            return if property.open { Final::Open(property) } else { Final::Text(property) };
        }
        let at = given.at.unwrap_or_else(|| Span::top(self.ground.service.source));
        match &given.default {
            Some(text) => Final::Text(Property { text: text.clone(), at, exact: given.exact, open: false }),
            None => Final::Unset,
        }
    }

    /// An int of a setter: java.lang.Integer.valueOf, or Jetty does not start.
    fn number(&self, given: Option<&Given>, arguments: &Arguments) -> Result<Number, Refused> {
        match self.value(given, arguments) {
            Final::Unset => Ok(Number::Unset),
            Final::Open(property) => Ok(Number::Open(property)),
            Final::Text(property) => match java::integer(&property.text) {
                Some(number) => Ok(Number::Known(number, property)),
                None => Err(Refused { why: format!("\"{}\" is no number", property.text), at: property.at }),
            },
        }
    }

    fn address(
        &self,
        connector: &Connector,
        arguments: &Arguments,
        site: Span,
        notes: &mut Vec<Step>,
    ) -> Result<Endpoint, Refused> {
        let unknown = Endpoint::Unknown(Transport::Tcp);
        let mut note = |what: String, at: Span| notes.push(Step { value: None, what, at });
        let (port, at) = match self.number(connector.port.as_ref(), arguments)? {
            Number::Known(port, property) => (port, property.at),
            Number::Open(open) => {
                note(format!("the port is {}, which is set elsewhere", open.text), open.at);
                return Ok(unknown);
            }
            Number::Unset => (0, site),
        };
        let port = match u16::try_from(port) {
            Ok(0) => {
                note("port 0: the kernel picks one".to_owned(), at);
                return Ok(unknown);
            }
            Ok(port) => port,
            Err(_) => return Err(Refused { why: format!("{port} is no port"), at }),
        };
        let host = match self.value(connector.host.as_ref(), arguments) {
            Final::Unset => return Ok(Endpoint::DualStack(port)),
            Final::Open(open) => {
                note(format!("the host is {}, which is set elsewhere", open.text), open.at);
                return Ok(unknown);
            }
            Final::Text(host) => host,
        };
        match java::resolve(&host.text, self.ground.hosts) {
            Address::Known { ip, .. } if ip.to_canonical().is_unspecified() => Ok(Endpoint::DualStack(port)),
            Address::Known { ip, assumed } => {
                if assumed {
                    note(format!("assumed: {} is {ip}", host.text), host.at);
                }
                Ok(Endpoint::tcp(ip, port))
            }
            Address::Unknown => {
                note(format!("nothing in this tree says which address {} is", host.text), host.at);
                Ok(unknown)
            }
            Address::Refused => Err(Refused { why: format!("\"{}\" is no address", host.text), at: host.at }),
        }
    }

    fn path(
        &self,
        connector: &Connector,
        arguments: &Arguments,
        site: Span,
        notes: &mut Vec<Step>,
    ) -> Endpoint {
        let mut note = |what: &str, at: Span| notes.push(Step { value: None, what: what.to_owned(), at });
        match self.value(connector.path.as_ref(), arguments) {
            Final::Text(path) if !path.text.is_empty() => return Endpoint::Unix(path.text),
            Final::Open(path) => note("the path is set elsewhere", path.at),
            _ => note("nothing says which path it has", site),
        }
        Endpoint::Unknown(Transport::Unix)
    }

    fn backlog(
        &self,
        connector: &Connector,
        arguments: &Arguments,
        site: Span,
    ) -> Result<(Setting, Vec<Step>), Refused> {
        let written = match self.number(connector.backlog.as_ref(), arguments)? {
            Number::Known(number, property) => Some((number, property)),
            Number::Open(open) => {
                let what = format!("acceptQueueSize is {}, which is set elsewhere", open.text);
                return Ok((Setting::default(), vec![Step { value: None, what, at: open.at }]));
            }
            Number::Unset => None,
        };
        let default = self.ground.service.default("backlog");
        let default_step = |value: &Value<i64>| Step {
            value: Some(value.get),
            what: "Java's own default, which Jetty leaves as it is".to_owned(),
            at: value.span,
        };
        let slot = written
            .as_ref()
            .and_then(|(_, property)| self.slot(property))
            .or_else(|| self.room(connector, site));
        match written {
            Some((number, property)) if number > 0 => {
                let step = Step { value: Some(number), what: "acceptQueueSize".to_owned(), at: property.at };
                Ok((Setting { value: Some(Value::written(number, property.at)), slot }, vec![step]))
            }
            _ if connector.native => {
                let what = "acceptQueueSize is 0, and this connector calls listen(2) without Java".to_owned();
                Ok((Setting { value: None, slot }, vec![Step { value: None, what, at: site }]))
            }
            _ => {
                let steps = default.iter().map(default_step).collect();
                Ok((Setting { value: default, slot }, steps))
            }
        }
    }

    /// The number that is written, unless that is in the files of the distribution.
    fn slot(&self, property: &Property) -> Option<Slot> {
        let sources = self.ground.sources;
        let path = sources.get(property.at.source).path();
        let own = path.is_some_and(|path| !self.homes.iter().any(|home| path.starts_with(home)));
        let stands = property.exact && sources.slice(property.at) == property.text.as_bytes();
        let in_xml = path.is_some_and(|path| path.extension().is_some_and(|extension| extension == "xml"));
        let number = property.text.bytes().all(|byte| byte.is_ascii_digit());
        // A default in XML is better set as a property.
        let is_default = in_xml && sources.slice(property.at) == b"0";
        (own && stands && number && !is_default).then(|| Slot::replace(property.at))
    }

    /// A line for the property, below the one that names the module.
    fn room(&self, connector: &Connector, site: Span) -> Option<Slot> {
        let name = connector.backlog.as_ref()?.names.first()?;
        let path = self.ground.sources.get(site.source).path()?;
        let ini = path.extension().is_some_and(|extension| extension == "ini");
        let at = Span { start: site.end, ..site };
        ini.then(|| Slot::insert(at, format!("\n{name}="), ""))
    }

    /// TLS without a certificate keeps Jetty from starting.
    fn keystore(&self, arguments: &Arguments, site: Span) -> Result<(), Refused> {
        let names =
            ["jetty.sslContext.keyStorePath", "jetty.sslContext.keyStoreAbsolutePath", "jetty.keystore"];
        let said = arguments.property(&names.map(str::to_owned)).is_some();
        let tree = self.ground.tree;
        let is_there = |name: &String| {
            let bare = name.strip_prefix("etc/").unwrap_or(name);
            tree.exists(&self.folder.join(name)) || tree.exists(&self.folder.join(bare))
        };
        match said || !self.installed || self.table.keystores.iter().any(is_there) {
            true => Ok(()),
            false => Err(Refused {
                why: "etc/keystore is no keystore, and nothing names another".to_owned(),
                at: site,
            }),
        }
    }
}
