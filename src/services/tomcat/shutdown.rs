//! The port that shuts a Tomcat down: StandardServer.await opens a ServerSocket whose backlog nothing changes.

use super::attributes::{Number, open};
use super::{Closed, Instance};
use crate::model::{Apply, Endpoint, Listener, Setting, Step, Transport};
use crate::syntax::java::{self, Address};
use crate::syntax::xml::Element;
use crate::text::Text;

impl Instance<'_> {
    /// `None` where there is none; an error where Tomcat stops because it cannot be opened.
    pub(super) fn shutdown(&self, root: &Element, offset: i64) -> Result<Option<Listener>, Closed> {
        let mut notes = Vec::new();
        let Some(endpoint) = self.shutdown_endpoint(root, offset, &mut notes)? else { return Ok(None) };
        let backlog = self.ground.service.default("shutdown-backlog");
        let what = "the queue of the shutdown port, which nothing changes";
        let steps =
            backlog.iter().map(|value| Step { value: Some(value.get), what: what.into(), at: value.span });
        Ok(Some(Listener {
            service: self.ground.service.name.clone(),
            place: self.ground.place,
            endpoint,
            site: root.tag,
            sockets: Some(1),
            apply: Apply::Restart,
            steps: steps.collect(),
            backlog: Setting { value: backlog, slot: None },
            notes,
            internal: true,
            hops: Vec::new(),
            refuses_above_somaxconn: false,
        }))
    }

    fn shutdown_endpoint(
        &self,
        root: &Element,
        offset: i64,
        notes: &mut Vec<Step>,
    ) -> Result<Option<Endpoint>, Closed> {
        let unknown = Ok(Some(Endpoint::Unknown(Transport::Tcp)));
        let (port, at) = match (self.integer(root, "port"), self.ground.service.default("shutdown-port")) {
            (Number::Known(port, at), _) => (port, at),
            (Number::Open(attribute), _) => {
                notes.push(open(attribute));
                return unknown;
            }
            (Number::Unset | Number::Bad(_), Some(default)) => (default.get, default.span),
            (Number::Unset | Number::Bad(_), None) => return Ok(None),
        };
        match port {
            ..0 => Ok(None),
            0 => {
                notes.push(Step { value: None, what: "port 0: the kernel picks one".into(), at });
                unknown
            }
            1.. => {
                let port = u16::try_from(port + offset)
                    .map_err(|_| Closed { why: format!("{} is no port", port + offset), at })?;
                self.shutdown_address(root, port, notes).map(Some)
            }
        }
    }

    fn shutdown_address(&self, root: &Element, port: u16, notes: &mut Vec<Step>) -> Result<Endpoint, Closed> {
        let (text, at) = match self.last(root, "address") {
            Some((attribute, filled)) if filled.text.is_open() => {
                notes.push(open(attribute));
                return Ok(Endpoint::Unknown(Transport::Tcp));
            }
            Some((attribute, filled)) => (filled.text, attribute.value.span()),
            None => (Text::meant("localhost", root.tag), root.tag),
        };
        let mut note = |what: String| notes.push(Step { value: None, what, at });
        match java::resolve(&text, self.ground.hosts) {
            Address::Known { ip, assumed } => {
                if assumed {
                    note(format!("assumed: {text} is {ip}"));
                }
                self.socket(ip, port).map_err(|why| Closed { why, at })
            }
            Address::Unknown => {
                note(format!("nothing in this tree says which address {text} is"));
                Ok(Endpoint::Unknown(Transport::Tcp))
            }
            Address::Refused => Err(Closed { why: format!("\"{text}\" is no address"), at }),
        }
    }
}
