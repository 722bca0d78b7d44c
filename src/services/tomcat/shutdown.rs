//! The port that shuts a Tomcat down: StandardServer.await opens a ServerSocket whose backlog nothing changes.

use super::super::{Bound, Why, port_of};
use super::attributes::{Number, elsewhere};
use super::{Closed, Instance};
use crate::model::{Endpoint, Listener, Step, Transport};
use crate::syntax::xml::Element;
use crate::text::Text;

impl Instance<'_> {
    /// `None` where there is none; an error where Tomcat stops because it cannot be opened.
    pub(super) fn shutdown(&self, root: &Element, offset: i64) -> Result<Option<Listener>, Closed> {
        let mut notes = Vec::new();
        let Some(endpoint) = self.shutdown_endpoint(root, offset, &mut notes)? else { return Ok(None) };
        let what = "the fixed queue of the shutdown port";
        let ask = self.ground.own_of("shutdown-backlog", what);
        let listener = self.ground.listener(endpoint, root.tag, ask);
        Ok(Some(Listener { notes, internal: true, ..listener }))
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
                notes.extend(elsewhere(attribute).steps(attribute.value.span()));
                return unknown;
            }
            (Number::Unset | Number::Bad(_), Some(default)) => (default.get, default.span),
            (Number::Unset | Number::Bad(_), None) => return Ok(None),
        };
        if port < 0 {
            return Ok(None);
        }
        match port_of(if port > 0 { port + offset } else { 0 }) {
            Ok(port) => self.shutdown_address(root, port, notes).map(Some),
            Err(why @ Why::AnyPort) => {
                notes.extend(Bound::from(why).steps(at));
                unknown
            }
            Err(why) => Err(Closed::new(&why, at)),
        }
    }

    fn shutdown_address(&self, root: &Element, port: u16, notes: &mut Vec<Step>) -> Result<Endpoint, Closed> {
        let (text, at) = match self.last(root, "address") {
            Some((attribute, filled)) if filled.text.is_open() => {
                notes.extend(elsewhere(attribute).steps(attribute.value.span()));
                return Ok(Endpoint::Unknown(Transport::Tcp));
            }
            Some((attribute, filled)) => (filled.text, attribute.value.span()),
            None => (Text::meant("localhost", root.tag), root.tag),
        };
        match self.ground.java_address(&text) {
            Ok((ip, assumed)) => {
                notes.extend(assumed.map(|what| Step::note(what, at)));
                self.socket(ip, port).map_err(|why| Closed { why, at })
            }
            Err(why @ Why::NoAddress(_)) => Err(Closed::new(&why, at)),
            Err(why) => {
                notes.extend(Bound::from(why).steps(at));
                Ok(Endpoint::Unknown(Transport::Tcp))
            }
        }
    }
}
