//! How long a policy wants queues to be.

use super::{Endpoint, Listener, Value};
use crate::text::HashMap;

/// The length that the queues of some listeners have to have; of all, where it does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minimum {
    pub service: Option<String>,
    pub port: Option<u16>,
    pub address: Option<Endpoint>,
    pub at_least: Value<i64>,
}

/// What is wanted of services, ports and addresses; of all where one is not named.
type Subject<'a> = (Option<&'a str>, Option<u16>, Option<&'a Endpoint>);

/// Minimums by what they are for. Where several are for the same, the longest counts, and the last of those.
#[derive(Debug)]
pub struct Minimums<'a>(HashMap<Subject<'a>, (usize, &'a Minimum)>);

impl<'a> Minimums<'a> {
    pub fn of(minimums: &'a [Minimum]) -> Self {
        let mut longest: HashMap<Subject<'_>, (usize, &Minimum)> = HashMap::default();
        for (nth, minimum) in minimums.iter().enumerate() {
            let subject = (minimum.service.as_deref(), minimum.port, minimum.address.as_ref());
            let known = longest.entry(subject).or_insert((nth, minimum));
            if minimum.at_least.get >= known.1.at_least.get {
                *known = (nth, minimum);
            }
        }
        Self(longest)
    }

    /// The longest one for a listener; the last of several that are as long.
    pub fn longest(&self, listener: &Listener) -> Option<&'a Minimum> {
        let services = [None, Some(listener.service.as_str())];
        let ports = [None, Some(listener.endpoint.port())];
        let addresses = [None, Some(&listener.endpoint)];
        let subjects = services.into_iter().flat_map(|service| {
            let with_port = ports.into_iter().map(move |port| (service, port));
            with_port.flat_map(|(service, port)| addresses.map(|address| (service, port, address)))
        });
        // A listener without a port is in none's reach that names one.
        let subjects = subjects.filter_map(|(service, port, address)| match port {
            Some(None) => None,
            port => Some((service, port.flatten(), address)),
        });
        let found = subjects.filter_map(|subject| self.0.get(&subject));
        found.max_by_key(|(nth, minimum)| (minimum.at_least.get, *nth)).map(|(_, minimum)| *minimum)
    }
}
