//! Which listeners stand behind one another: the next hops of a front, matched to what listens there in the same place.

use std::net::{IpAddr, SocketAddr};

use super::{Endpoint, Host, Listener, Next, PlaceId};
use crate::text::{HashMap, Span};

/// Listeners of one address that a front is matched with. Several are alternatives, such as a file for each version.
pub const ALTERNATIVES: usize = 64;

/// One listener passes on to another; both by their indices in [`Host::listeners`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    pub from: usize,
    pub to: usize,
    /// The text that names the address.
    pub at: Span,
}

impl Host {
    /// All links, in the order of the fronts and their hops.
    pub fn links(&self) -> Vec<Link> {
        let fronts = self.listeners.iter().enumerate().filter(|(_, listener)| !listener.hops.is_empty());
        let mut fronts = fronts.peekable();
        if fronts.peek().is_none() {
            return Vec::new();
        }
        let behind = Behind::of(&self.listeners);
        let links = fronts.flat_map(|(from, front)| {
            let reached = front.hops.iter().flat_map(|hop| {
                behind.at(front.place, &hop.to).iter().take(ALTERNATIVES).map(|to| (*to, hop.at))
            });
            reached.filter(move |(to, _)| *to != from).map(move |(to, at)| Link { from, to, at })
        });
        links.collect()
    }

    /// The listeners of more than [`ALTERNATIVES`] of one address that a front passes on to: the first that it is not matched with.
    pub fn beyond_alternatives(&self) -> impl Iterator<Item = &Listener> {
        let fronts = self.listeners.iter().filter(|listener| !listener.hops.is_empty());
        let behind = fronts.clone().next().map(|_| Behind::of(&self.listeners));
        let mut beyond: Vec<usize> = Vec::new();
        if let Some(behind) = &behind {
            let hops = fronts.flat_map(|front| front.hops.iter().map(|hop| (front.place, &hop.to)));
            beyond.extend(hops.filter_map(|(place, to)| behind.at(place, to).get(ALTERNATIVES)));
        }
        beyond.sort_unstable();
        beyond.dedup();
        beyond.into_iter().filter_map(|index| self.listeners.get(index))
    }
}

/// Listeners by what is connected to.
struct Behind<'a> {
    paths: HashMap<(PlaceId, &'a str), Vec<usize>>,
    exact: HashMap<(PlaceId, SocketAddr), Vec<usize>>,
    /// By port, and whether they take IPv4 and IPv6.
    wide: HashMap<(PlaceId, u16, bool), Vec<usize>>,
}

impl<'a> Behind<'a> {
    fn of(listeners: &'a [Listener]) -> Self {
        let mut behind =
            Self { paths: HashMap::default(), exact: HashMap::default(), wide: HashMap::default() };
        // Another of the same service is an alternative; what else claims the address is somebody else's. The first that is too
        // much is kept, so that it can be told.
        let add = |known: &mut Vec<usize>, index: usize| {
            let service = |at: usize| listeners.get(at).map(|listener| &listener.service);
            let alike = known.first().is_none_or(|first| service(*first) == service(index));
            if alike && known.len() <= ALTERNATIVES {
                known.push(index);
            }
        };
        for (index, Listener { place, endpoint, .. }) in listeners.iter().enumerate() {
            match endpoint {
                Endpoint::Unix(path) => {
                    add(behind.paths.entry((*place, same(path))).or_default(), index);
                }
                Endpoint::Tcp(address) if address.ip().is_unspecified() => {
                    add(behind.wide.entry((*place, address.port(), address.is_ipv4())).or_default(), index);
                }
                Endpoint::Tcp(address) => {
                    add(behind.exact.entry((*place, *address)).or_default(), index);
                }
                Endpoint::DualStack(port) => {
                    for ipv4 in [true, false] {
                        add(behind.wide.entry((*place, *port, ipv4)).or_default(), index);
                    }
                }
                Endpoint::Unknown(_) => {}
            }
        }
        behind
    }

    /// A wildcard is reached by the loopback addresses; any other address may be another machine's.
    fn at<'s>(&'s self, place: PlaceId, next: &'s Next) -> &'s [usize] {
        let found = match next {
            Next::At(Endpoint::Unix(path)) => self.paths.get(&(place, same(path))),
            Next::At(Endpoint::Tcp(address)) => {
                let wide = || self.wide.get(&(place, address.port(), address.is_ipv4()));
                let own = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
                self.exact.get(&(place, *address)).or_else(|| wide().filter(|_| own(address.ip())))
            }
            Next::At(Endpoint::DualStack(_) | Endpoint::Unknown(_)) | Next::Named(..) => None,
        };
        found.map_or(&[], Vec::as_slice)
    }
}

/// /var/run is a link to /run (file-hierarchy(7)).
fn same(path: &str) -> &str {
    path.strip_prefix("/var").filter(|rest| rest.starts_with("/run/")).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Hop;
    use crate::text::{Origin, Sources};

    fn links(hops: &[Next], behind: &[Endpoint]) -> Vec<(usize, usize)> {
        let sources = Sources::new();
        let at = Span::top(sources.add(Origin::Builtin("t".into()), Vec::new()));
        let listener = |endpoint: Endpoint| Listener::new("any", PlaceId(0), endpoint, at);
        let mut front = listener(Endpoint::DualStack(80));
        front.hops = hops.iter().map(|to| Hop { to: to.clone(), at }).collect();
        let mut host = Host { listeners: vec![front], ..Host::default() };
        host.listeners.extend(behind.iter().cloned().map(listener));
        host.links().iter().map(|link| (link.from, link.to)).collect()
    }

    fn tcp(text: &str) -> Endpoint {
        Endpoint::Tcp(text.parse().unwrap())
    }

    #[test]
    fn loopback_reaches_what_listens_everywhere() {
        let hop = [Next::At(tcp("127.0.0.1:8080"))];
        assert_eq!(links(&hop, &[tcp("127.0.0.1:8080")]), [(0, 1)]);
        assert_eq!(links(&hop, &[tcp("0.0.0.0:8080")]), [(0, 1)]);
        assert_eq!(links(&hop, &[Endpoint::DualStack(8080)]), [(0, 1)]);
        assert_eq!(links(&hop, &[tcp("[::]:8080")]), []);
        assert_eq!(links(&hop, &[tcp("0.0.0.0:8080"), tcp("127.0.0.1:8080")]), [(0, 2)]);
    }

    #[test]
    fn all_alternatives_are_reached() {
        let hop = [Next::At(tcp("127.0.0.1:8080"))];
        let many = vec![tcp("0.0.0.0:8080"); ALTERNATIVES + 2];
        assert_eq!(links(&hop, &many[..2]), [(0, 1), (0, 2)]);
        assert_eq!(links(&hop, &many).len(), ALTERNATIVES);
    }

    #[test]
    fn another_machine_is_not_this_one() {
        assert_eq!(links(&[Next::At(tcp("10.0.0.5:8080"))], &[tcp("0.0.0.0:8080")]), []);
        assert_eq!(links(&[Next::Named("app".into(), 8080)], &[tcp("0.0.0.0:8080")]), []);
    }

    #[test]
    fn a_path_below_var_run_is_one_below_run() {
        let hop = [Next::At(Endpoint::Unix("/var/run/php.sock".into()))];
        assert_eq!(links(&hop, &[Endpoint::Unix("/run/php.sock".into())]), [(0, 1)]);
        assert_eq!(links(&hop, &[Endpoint::Unix("/srv/run/php.sock".into())]), []);
    }

    #[test]
    fn a_front_that_passes_on_to_itself_is_no_chain() {
        assert_eq!(links(&[Next::At(tcp("127.0.0.1:80"))], &[]), []);
    }
}
