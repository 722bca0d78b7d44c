//! From facts to queues: what the program asks for, what the kernel makes of it, step by step.

mod seen;

use crate::kernel::listen;
use crate::model::{CappedBy, Host, Kind, Listener, Place, Queue, Step, SynQueue, Transport, Value, key};

pub use seen::seen;

/// The queue of every listener, in their order.
pub fn queues(host: &Host) -> Vec<Queue> {
    host.listeners.iter().enumerate().map(|(index, listener)| queue(host, index, listener)).collect()
}

fn queue(host: &Host, index: usize, listener: &Listener) -> Queue {
    let mut queue = Queue {
        listener: index,
        steps: listener.steps.clone(),
        requested: listener.backlog.value.as_ref().map(|backlog| backlog.get),
        limit: None,
        capped_by: None,
        syn: SynQueue::default(),
    };
    let Some(place) = host.place(listener.place) else { return queue };
    let Some(somaxconn) = place.sysctls.get(key::SOMAXCONN).and_then(|sysctl| sysctl.value.as_ref()) else {
        return queue;
    };
    let Some(requested) = queue.requested else { return queue };
    let version = place.kernel.version.get;
    let accept = listen::accept_queue(version, requested, somaxconn.get);
    queue.limit = Some(accept.limit);
    queue.capped_by = accept.capped_by;
    queue.steps.push(kernel_step(place, requested, somaxconn, accept));
    // A client of a unix socket connects in one step.
    if listener.endpoint.transport() == Transport::Tcp {
        queue.syn = listen::syn_queue(
            version,
            accept.limit,
            place.sysctls.number(key::MAX_SYN_BACKLOG),
            place.sysctls.number(key::SYNCOOKIES).unwrap_or(1),
        );
    }
    queue
}

/// The kernel's line in the ledger.
fn kernel_step(place: &Place, requested: i64, somaxconn: &Value<i64>, accept: listen::AcceptQueue) -> Step {
    let who = match somaxconn.kind {
        Kind::Written => "net.core.somaxconn".to_owned(),
        Kind::Live => "net.core.somaxconn, as it is now".to_owned(),
        Kind::Default => format!("net.core.somaxconn, the default of Linux {}", place.kernel.version.get),
        Kind::Assumed => "net.core.somaxconn, the default of a modern Linux, assumed".to_owned(),
    };
    let what = match accept.capped_by {
        Some(CappedBy::Somaxconn) => format!("cut by {who}"),
        Some(CappedBy::SixteenBits) => format!("cut to 16 bits by Linux {}", place.kernel.version.get),
        None if requested < 0 => format!("a negative backlog means {who}"),
        None => format!("within {who} ({})", somaxconn.get),
    };
    Step { value: Some(accept.limit), what, at: somaxconn.span }
}
