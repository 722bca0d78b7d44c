//! What one Connector asks for: where it listens, or why it never does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::{Bound, Why, port_of};
use super::attributes::{Number, elsewhere};
use super::backlog::Backlog;
use super::{Closed, Instance};
use crate::model::{Endpoint, Listener, Step, Transport};
use crate::syntax::xml::Element;

/// A socket that a Connector opens.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) listener: Listener,
    /// When Tomcat initialises, not when it starts: these come first, whatever their order in the file.
    pub(super) on_init: bool,
}

/// What a Connector's `protocol` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Protocol {
    ajp: bool,
    /// NIO alone can listen on a path.
    nio: bool,
}

/// Where `~/.keystore` may be: the homes of people and of the users that Tomcat runs as.
const HOMES: [&str; 5] = ["home/*", "opt/*", "root", "usr/share/tomcat*", "var/lib/tomcat*"];

impl Instance<'_> {
    /// `service` and `index`, that of the Connector, are indices in the document.
    pub(super) fn connector(
        &self,
        service: usize,
        index: usize,
        element: &Element,
        offset: i64,
    ) -> Result<Opening, Closed> {
        let protocol = self.protocol(element)?;
        let mut notes = Vec::new();
        let endpoint = self.endpoint(element, protocol, offset, &mut notes)?;
        self.certificate(index, element, protocol)?;
        let on_init = self.boolean(element, "bindOnInit").unwrap_or(true);
        match self.missing_secret(element, protocol) {
            Some(note) if !on_init && self.version.is_some() => {
                return Err(Closed { why: note.what, at: note.at });
            }
            note => notes.extend(note),
        }
        let Backlog { ask, notes: more } = self.backlog(element);
        notes.extend(more);
        notes.extend(self.capacity(service, element));
        let listener = Listener { notes, ..self.ground.listener(endpoint, element.tag, ask) };
        Ok(Opening { listener, on_init })
    }

    /// Connector's constructor: two names, else a class; one that is not there leaves the Connector closed.
    fn protocol(&self, element: &Element) -> Result<Protocol, Closed> {
        let Some(attribute) = element.attributes.iter().find(|attribute| attribute.name == "protocol") else {
            return Ok(Protocol { ajp: false, nio: true });
        };
        let name = self.properties.fill(&attribute.value).text;
        let gone = |why: &str| Err(Closed { why: format!("\"{name}\" {why}"), at: attribute.value.span() });
        match name.as_str() {
            "HTTP/1.1" => return Ok(Protocol { ajp: false, nio: true }),
            "AJP/1.3" => return Ok(Protocol { ajp: true, nio: true }),
            _ => {}
        }
        let Some(class) = name.strip_prefix("org.apache.coyote.") else {
            let is_class = name.contains('.') && !name.contains([' ', '/']);
            // Somebody's own class builds on one of Tomcat's.
            return if is_class { Ok(Protocol { ajp: false, nio: true }) } else { gone("is not a protocol") };
        };
        let ajp = class.starts_with("ajp.");
        match class {
            "http11.Http11NioProtocol" | "ajp.AjpNioProtocol" => Ok(Protocol { ajp, nio: true }),
            "http11.Http11AprProtocol" | "ajp.AjpAprProtocol" if self.is_since(10, 1) == Some(true) => {
                gone("is not part of Tomcat since 10.1")
            }
            "http11.Http11Protocol" | "ajp.AjpProtocol" if self.is_since(9, 0) == Some(true) => {
                gone("is not part of Tomcat since 9.0")
            }
            _ => Ok(Protocol { ajp, nio: false }),
        }
    }

    fn endpoint(
        &self,
        element: &Element,
        protocol: Protocol,
        offset: i64,
        notes: &mut Vec<Step>,
    ) -> Result<Endpoint, Closed> {
        if protocol.nio
            && let Some((attribute, path)) = self.last(element, "unixDomainSocketPath")
        {
            if path.text.is_open() || path.text.contains("${") {
                notes.extend(elsewhere(attribute).steps(attribute.value.span()));
                return Ok(Endpoint::Unknown(Transport::Unix));
            }
            return match path.text.is_empty() {
                true => {
                    Err(Closed { why: "unixDomainSocketPath is empty".into(), at: attribute.value.span() })
                }
                false => Ok(Endpoint::Unix(path.text.as_str().to_owned())),
            };
        }
        let (port, at) = match self.integer(element, "port") {
            Number::Known(port, at) => (port, at),
            Number::Open(attribute) => {
                notes.extend(elsewhere(attribute).steps(attribute.value.span()));
                return Ok(Endpoint::Unknown(Transport::Tcp));
            }
            Number::Bad(attribute) if !self.installed => {
                notes.extend(elsewhere(attribute).steps(attribute.value.span()));
                return Ok(Endpoint::Unknown(Transport::Tcp));
            }
            Number::Bad(attribute) => {
                return Err(Closed::new(&Why::NoPort(attribute.value.to_string()), attribute.value.span()));
            }
            Number::Unset => return Err(Closed { why: "it has no port".into(), at: element.tag }),
        };
        // The offset is for ports that are chosen (AbstractProtocol.getPortWithOffset).
        let port = if port > 0 { port + offset } else { port };
        match port_of(port) {
            Ok(port) => self.bound(element, protocol, port, notes),
            Err(why @ Why::AnyPort) => {
                notes.extend(Bound::from(why).steps(at));
                Ok(Endpoint::Unknown(Transport::Tcp))
            }
            Err(why) => Err(Closed::new(&why, at)),
        }
    }

    /// setAddress takes what InetAddress.getByName makes of the text, and else keeps what it has.
    fn bound(
        &self,
        element: &Element,
        protocol: Protocol,
        port: u16,
        notes: &mut Vec<Step>,
    ) -> Result<Endpoint, Closed> {
        let ajp = protocol.ajp && !self.is_before_ghostcat();
        if ajp && self.version.is_none() && self.last(element, "address").is_none() {
            let what = "assuming that AJP listens on loopback, as in every Tomcat since February 2020".into();
            notes.push(Step { value: None, what, at: element.tag });
        }
        let mut ip = Some(match ajp {
            true => IpAddr::V4(Ipv4Addr::LOCALHOST),
            false if self.properties.prefers_ipv4() => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            false => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        });
        for (attribute, filled) in self.setters(element, "address") {
            if filled.text.is_open() {
                ip = None;
                notes.extend(elsewhere(attribute).steps(attribute.value.span()));
                continue;
            }
            match self.ground.java_address(&filled.text) {
                Ok((known, assumed)) => {
                    ip = Some(known);
                    notes.extend(assumed.map(|what| Step::note(what, attribute.value.span())));
                }
                Err(why @ Why::NoAddress(_)) => {
                    notes.push(Step::note(format!("{why}: Tomcat ignores it"), attribute.value.span()));
                }
                Err(why) => {
                    ip = None;
                    notes.extend(Bound::from(why).steps(attribute.value.span()));
                }
            }
        }
        match ip {
            Some(ip) => self.socket(ip, port).map_err(|why| Closed { why, at: element.tag }),
            None => Ok(Endpoint::Unknown(Transport::Tcp)),
        }
    }

    /// Java's sockets serve both families, also when 0.0.0.0 is asked for, unless they are told not to.
    pub(super) fn socket(&self, ip: IpAddr, port: u16) -> Result<Endpoint, String> {
        match self.properties.prefers_ipv4() {
            true if ip.to_canonical().is_ipv6() => {
                Err(format!("{ip} is IPv6, and java.net.preferIPv4Stack is set"))
            }
            false if ip.is_unspecified() => Ok(Endpoint::DualStack(port)),
            _ => Ok(Endpoint::tcp(ip, port)),
        }
    }

    /// An HTTPS Connector without a certificate fails to initialise, unless its user has a ~/.keystore.
    fn certificate(&self, index: usize, element: &Element, protocol: Protocol) -> Result<(), Closed> {
        let tls = !protocol.ajp && self.boolean(element, "SSLEnabled").unwrap_or(false);
        if !tls || !self.installed {
            return Ok(());
        }
        let inside =
            self.document.elements.iter().skip(index + 1).take_while(|inner| inner.depth > element.depth);
        let mut attributes = std::iter::once(element).chain(inside).flat_map(|element| &element.attributes);
        // On the Connector itself up to 9.0, in SSLHostConfig and Certificate since 8.5.
        let old = ["keystore", "sslcertificate"];
        let given = attributes.any(|attribute| {
            let name = attribute.name.to_ascii_lowercase();
            name.starts_with("certificate")
                || self.is_since(10, 0) != Some(true) && old.iter().any(|old| name.starts_with(old))
        });
        let tree = self.ground.tree;
        let at_home = |home: &str| !tree.glob(format!("{home}/.keystore").as_bytes()).is_empty();
        match given || HOMES.iter().any(|home| at_home(home)) {
            true => Ok(()),
            false => Err(Closed { why: "SSLEnabled without a certificate".into(), at: element.tag }),
        }
    }

    /// Without a secret an AJP Connector does not start; the socket that it opened before stays.
    fn missing_secret(&self, element: &Element, protocol: Protocol) -> Option<Step> {
        if !protocol.ajp || self.is_before_ghostcat() {
            return None;
        }
        let required = self.boolean(element, "secretRequired").unwrap_or(true);
        let mut secrets = ["secret", "requiredSecret"].iter().filter_map(|name| self.last(element, name));
        let given = secrets.any(|(_, secret)| !secret.text.is_empty());
        let what =
            "AJP without a secret does not start since February 2020: nobody accepts what waits here".into();
        (required && !given).then_some(Step { value: None, what, at: element.tag })
    }
}
