//! Which listener a half-open connection belongs to: the kernel knows only its addresses.

use std::net::IpAddr;

use super::diag::{HalfOpened, Socket};
use crate::model::{Endpoint, HalfOpen};
use crate::text::{HashMap, HashSet};

/// The half-open connections of each address on which somebody listens: the one that is bound to it, else to all.
pub(super) fn by_listener(sockets: &[Socket], all: &[HalfOpened]) -> HashMap<Endpoint, HalfOpen> {
    let listening: HashSet<&Endpoint> = sockets.iter().map(|socket| &socket.address).collect();
    let mut peers: HashMap<Endpoint, (HalfOpen, HashSet<IpAddr>)> = HashMap::default();
    for one in all {
        let Some(listener) = candidates(one).into_iter().find(|it| listening.contains(it)) else { continue };
        let (found, from) = peers.entry(listener).or_default();
        found.count += 1;
        found.retried += u32::from(one.retried);
        from.insert(one.peer);
    }
    let counted = |(endpoint, (found, from)): (Endpoint, (HalfOpen, HashSet<IpAddr>))| {
        (endpoint, HalfOpen { peers: u32::try_from(from.len()).unwrap_or(u32::MAX), ..found })
    };
    peers.into_iter().map(counted).collect()
}

/// The addresses of listeners that may have answered, the likeliest first (net/ipv4/inet_hashtables.c: compute_score).
fn candidates(one: &HalfOpened) -> [Endpoint; 3] {
    let any = match one.local {
        IpAddr::V4(_) => IpAddr::from([0; 4]),
        IpAddr::V6(_) => IpAddr::from([0; 16]),
    };
    [Endpoint::tcp(one.local, one.port), Endpoint::tcp(any, one.port), Endpoint::DualStack(one.port)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(address: &str) -> Socket {
        Socket {
            address: Endpoint::from(address.to_owned()),
            interface: 0,
            mptcp: false,
            limit: 5,
            queued: 0,
            drops: None,
            inode: 1,
            uid: 0,
            cookie: 1,
        }
    }

    fn half(local: &str, peer: &str, retried: bool) -> HalfOpened {
        HalfOpened { local: local.parse().unwrap(), port: 80, peer: peer.parse().unwrap(), retried }
    }

    #[test]
    fn the_nearest_listener_answers() {
        let sockets = [socket("127.0.0.1:80"), socket("0.0.0.0:80"), socket("*:81")];
        let all = [
            half("127.0.0.1", "10.0.0.1", false),
            half("192.0.2.1", "10.0.0.1", true),
            half("192.0.2.1", "10.0.0.1", false),
            half("192.0.2.1", "10.0.0.2", true),
            half("::1", "::1", false),
        ];
        let found = by_listener(&sockets, &all);
        assert_eq!(found[&sockets[0].address], HalfOpen { count: 1, retried: 0, peers: 1 });
        assert_eq!(found[&sockets[1].address], HalfOpen { count: 3, retried: 2, peers: 2 });
        assert_eq!(found.len(), 2, "nobody listens on [::1]:80");
        let both = [socket("*:80")];
        assert_eq!(by_listener(&both, &all)[&both[0].address].count, 5);
    }
}
