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
        queue.syn = syn_queue(place, accept.limit);
    }
    queue
}

/// That of the place's kernel; where its distribution's release comes with others, it is between the least and the most.
fn syn_queue(place: &Place, limit: i64) -> SynQueue {
    let most = place.sysctls.number(key::MAX_SYN_BACKLOG);
    let cookies = place.sysctls.number(key::SYNCOOKIES).unwrap_or(1);
    let of = |version| listen::syn_queue(version, limit, most, cookies);
    let own = of(place.kernel.version.get);
    let others = place.kernel.also.iter().map(|version| of(*version));
    let limits: Vec<i64> = others.chain([own]).flat_map(|it| [it.limit, it.limit_max]).flatten().collect();
    let (least, most) = (limits.iter().min().copied(), limits.iter().max().copied());
    match own.limit {
        Some(_) => SynQueue { limit: least, limit_max: most.filter(|most| Some(*most) != least), ..own },
        None => own,
    }
}

/// The kernel's line in the ledger.
fn kernel_step(place: &Place, requested: i64, somaxconn: &Value<i64>, accept: listen::AcceptQueue) -> Step {
    let who = match somaxconn.kind {
        Kind::Written => "net.core.somaxconn".to_owned(),
        Kind::Live => "net.core.somaxconn, the running value".to_owned(),
        Kind::Default | Kind::Assumed => format!("net.core.somaxconn, {}", place.unwritten(somaxconn)),
    };
    let what = match accept.capped_by {
        Some(CappedBy::Somaxconn) => format!("limited by {who}"),
        Some(CappedBy::SixteenBits) => format!("reduced to 16 bits by Linux {}", place.kernel.version.get),
        None if requested < 0 => format!("a negative backlog means {who}"),
        None => format!("within {who} ({})", somaxconn.get),
    };
    Step { value: Some(accept.limit), what, at: somaxconn.span }
}
