//! Where a server listens: ports and hosts as Node reads them.

use super::super::{Bound, DualStack, Empty, Names, Policy, Why, another, port_of};
use super::eval::Evaluation;
use super::value::{Thing, Value};
use crate::model::{Transport, Version};

/// Node binds the first address that a name resolves to, and getaddrinfo(3) prefers ::1 to 127.0.0.1 (RFC 6724, 2.1).
const NODE: Policy = Policy { empty: Empty::Ipv6, names: Names::Ipv6First, dual_stack: DualStack::Ipv6 };

/// What was taken for granted to be not so, also where the address is not known.
pub(super) fn unless(mut place: Bound, reasons: &[String]) -> Bound {
    reasons.iter().for_each(|reason| place.note(another(reason)));
    place
}

impl Evaluation<'_, '_> {
    /// `listen(port, host)`, or `listen(path)` if the port is a string and no number.
    pub(super) fn place(&self, port: &Value, host: Option<&Value>, ipv6_only: bool) -> Bound {
        if matches!(&port.thing, Thing::Text(text) if port.number().is_none_or(f64::is_nan) && !text.is_empty())
        {
            return self.unix(port);
        }
        let port_number = match port_number(port) {
            Ok(number) => number,
            Err(place) => return place,
        };
        let host_unless = host.map_or(&[][..], |host| host.unless.as_slice());
        let name = match host.map(|host| &host.thing) {
            Some(Thing::Unknown { why, .. }) => return Bound::unknown(why),
            Some(Thing::Text(name)) => name,
            _ => "",
        };
        if name.is_empty() && ipv6_only {
            return Bound::unknown("Node 24 honours ipv6Only without a host, Node 20 does not");
        }
        let dual_stack = if ipv6_only { DualStack::Never } else { DualStack::Ipv6 };
        let place = self.program.ground.bind(Policy { dual_stack, ..NODE }, name, port_number);
        unless(unless(place.unwrap_or_else(Bound::from), &port.unless), host_unless)
    }

    pub(super) fn unix(&self, path: &Value) -> Bound {
        let place = match &path.thing {
            Thing::Text(path) => Bound::path(path),
            Thing::Unknown { why, .. } => Bound::unknown_on(Transport::Unix, why),
            _ => Bound::unknown("the path is not a string, so Node refuses it"),
        };
        unless(place, &path.unless)
    }

    /// Whether the tree shows a package that is older than a release.
    pub(super) fn is_before(&self, package: &str, release: Version) -> bool {
        let file = self.listening.get().and_then(|(file, _)| self.program.file(file));
        let folder = file.and_then(|file| file.path.parent());
        let version = folder.and_then(|folder| self.program.ground.version_of_npm(package, folder));
        version.is_some_and(|version| version < release)
    }

    /// Fastify binds every address of localhost (lib/server.js: multipleBindings), before 4.0 the first.
    pub(super) fn on_localhost(&self, port: &Value) -> Bound {
        let names = if self.is_before("fastify", Version::new(4, 0, 0)) { NODE.names } else { Names::All };
        let all = Policy { names, ..NODE };
        match port_number(port) {
            Ok(number) => {
                let place = self.program.ground.bind(all, "localhost", number);
                unless(place.unwrap_or_else(Bound::from), &port.unless)
            }
            Err(place) => place,
        }
    }
}

/// `validatePort` of lib/internal/validators.js, and 0 for nothing.
fn port_number(port: &Value) -> Result<u16, Bound> {
    let left_to = port.unless.first().map(|reason| format!("it is known only if {reason}"));
    let number = match &port.thing {
        Thing::Unknown { why, .. } => return Err(Bound::unknown(why)),
        Thing::Undefined | Thing::Null if left_to.is_some() => f64::NAN,
        Thing::Undefined | Thing::Null => 0.0,
        Thing::Text(text) if text.trim().is_empty() => f64::NAN,
        Thing::Number(_) | Thing::Text(_) | Thing::Truth(_) => port.number().unwrap_or(f64::NAN),
        _ => return Err(Bound::unknown("the port is not a plain value")),
    };
    if let Some(why) = left_to.filter(|_| number.is_nan()) {
        return Err(Bound::unknown(why));
    }
    if number.fract() != 0.0 || !(0.0..=65535.0).contains(&number) {
        return Err(Why::NoPort(number.to_string()).into());
    }
    Ok(port_of(number as u16)?)
}
