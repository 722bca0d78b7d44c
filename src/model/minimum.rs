//! How long a policy wants queues to be.

use std::borrow::Cow;

use super::{Endpoint, Listener, Value};
use crate::text::HashMap;

/// The length that the queues of some listeners have to have; of all, where it does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minimum {
    pub service: Option<String>,
    pub port: Option<u16>,
    pub address: Option<Endpoint>,
    pub at_least: Value<i64>,
    /// All that it may be about is looked at.
    pub is_judged: bool,
}

/// A service, a port and an address that a minimum is for; all, where one is not named.
pub type Subject<'a> = (Option<&'a str>, Option<u16>, Option<Cow<'a, Endpoint>>);

impl Minimum {
    pub fn subject(&self) -> Subject<'_> {
        (self.service.as_deref(), self.port, self.address.as_ref().map(Cow::Borrowed))
    }

    /// The subjects of all minimums that there may be for a listener. One without a port is in none's reach that names one.
    pub fn subjects(listener: &Listener) -> impl Iterator<Item = Subject<'_>> {
        let port = listener.endpoint.port();
        let services = [None, Some(listener.service.as_str())];
        let ports = [None, port].into_iter().take(1 + usize::from(port.is_some()));
        // With an interface it is no address of TCP, as a policy's text of it is none.
        let bound = listener.interface.as_ref().and_then(|_| listener.address()).map(Endpoint::from);
        let bound = bound.map(|it| Some(Cow::Owned(it)));
        let addresses = [None, Some(Cow::Borrowed(&listener.endpoint))].into_iter().chain(bound);
        addresses.flat_map(move |address| {
            let address = move || address.clone();
            ports.clone().flat_map(move |port| services.map(|service| (service, port, address())))
        })
    }
}

/// Minimums by what they are for. Where several are for the same, the longest counts, and the last of those.
#[derive(Debug)]
pub struct Minimums<'a>(HashMap<Subject<'a>, (usize, &'a Minimum)>);

impl<'a> Minimums<'a> {
    pub fn of(minimums: &'a [Minimum]) -> Self {
        let mut longest: HashMap<Subject<'_>, (usize, &Minimum)> = HashMap::default();
        for (nth, minimum) in minimums.iter().enumerate() {
            let known = longest.entry(minimum.subject()).or_insert((nth, minimum));
            if minimum.at_least.get >= known.1.at_least.get {
                *known = (nth, minimum);
            }
        }
        Self(longest)
    }

    /// The longest one for a listener; the last of several that are as long.
    pub fn longest(&self, listener: &Listener) -> Option<&'a Minimum> {
        let known: &HashMap<Subject<'_>, (usize, &'a Minimum)> = &self.0;
        let found = Minimum::subjects(listener).filter_map(|subject| known.get(&subject));
        found.max_by_key(|(nth, minimum)| (minimum.at_least.get, *nth)).map(|(_, minimum)| *minimum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PlaceId;
    use crate::text::Sources;

    #[test]
    fn an_address_is_meant_with_and_without_its_interface() {
        let at = Sources::new().flag("t", "");
        let minimum = |address: &str| Minimum {
            service: None,
            port: None,
            address: Some(Endpoint::from(address.to_owned())),
            at_least: Value::written(1, at),
            is_judged: true,
        };
        let endpoint = Endpoint::from("127.0.0.1:80".to_owned());
        let mut listener = Listener::new("nginx", PlaceId(0), endpoint, at);
        let meant = |listener: &Listener, address: &str| {
            Minimums::of(&[minimum(address)]).longest(listener).is_some()
        };
        assert!(meant(&listener, "127.0.0.1:80") && !meant(&listener, "127.0.0.1%lo:80"));
        listener.interface = Some("lo".to_owned());
        assert!(meant(&listener, "127.0.0.1:80") && meant(&listener, "127.0.0.1%lo:80"));
        assert!(!meant(&listener, "127.0.0.1%eth0:80") && !meant(&listener, "127.0.0.1:81"));
    }
}
