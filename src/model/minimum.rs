//! How long a policy wants queues to be.

use super::{Endpoint, Listener, Value};

/// The length that the queues of some listeners have to have; of all, where it does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minimum {
    pub service: Option<String>,
    pub port: Option<u16>,
    pub address: Option<Endpoint>,
    pub at_least: Value<i64>,
}

impl Minimum {
    pub fn is_for(&self, listener: &Listener) -> bool {
        let endpoint = &listener.endpoint;
        self.service.as_ref().is_none_or(|service| *service == listener.service)
            && self.port.is_none_or(|port| endpoint.port() == Some(port))
            && self.address.as_ref().is_none_or(|address| address == endpoint)
    }
}
