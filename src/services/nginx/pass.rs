//! Where requests go on to: what `proxy_pass`, `fastcgi_pass` and the like name, and the servers of upstreams.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::Ground;
use super::address::number;
use super::listen::Module;
use super::walk::{Told, Upstream};
use crate::model::{Endpoint, Hop, Next};
use crate::text::{HashMap, HashSet, Span};

/// A front has a few upstreams; a machine-made file that has thousands is not followed to the last.
const MAX_HOPS: usize = 64;

/// The next hops of every server.
pub(super) struct Passes<'t> {
    by_server: HashMap<usize, Vec<(&'t [u8], Span)>>,
    upstreams: HashMap<(Module, &'t [u8]), &'t Upstream>,
    /// What is known of an upstream and of a server already: thousands may share one.
    of_upstream: Known<&'t [u8]>,
    of_server: Known<usize>,
}

/// Hops, each address once.
type Known<T> = RefCell<HashMap<(Module, T), Rc<[Hop]>>>;

impl<'t> Passes<'t> {
    pub(super) fn of(told: &'t Told) -> Self {
        let mut by_server: HashMap<usize, Vec<(&[u8], Span)>> = HashMap::default();
        for passed in &told.passes {
            by_server.entry(passed.server).or_default().push((&passed.to, passed.at));
        }
        let named = told.upstreams.iter();
        let named = named.map(|upstream| ((upstream.module, upstream.name.as_slice()), upstream));
        let upstreams = named.collect();
        Self { by_server, upstreams, of_upstream: Known::default(), of_server: Known::default() }
    }

    /// Where some servers of one module pass on to, each address once. What holds a variable is not known.
    pub(super) fn of_servers(
        &self,
        ground: Ground<'_>,
        module: Module,
        servers: impl Iterator<Item = usize>,
    ) -> Vec<Hop> {
        let mut hops: Vec<Hop> = Vec::new();
        for server in servers {
            for hop in self.of_server(ground, module, server).iter() {
                if hops.len() >= MAX_HOPS {
                    return hops;
                }
                if hops.iter().all(|known| known.to != hop.to) {
                    hops.push(hop.clone());
                }
            }
        }
        hops
    }

    /// Where one server passes on to, to one more than are told.
    fn of_server(&self, ground: Ground<'_>, module: Module, server: usize) -> Rc<[Hop]> {
        if let Some(known) = self.of_server.borrow().get(&(module, server)) {
            return known.clone();
        }
        let passed = self.by_server.get(&server).into_iter().flatten();
        let mut hops: Vec<Hop> = Vec::new();
        for (to, at) in passed {
            let new = self.hops(ground, module, to, *at);
            for hop in new.iter().take(MAX_HOPS + 1) {
                if hops.len() <= MAX_HOPS && hops.iter().all(|known| known.to != hop.to) {
                    hops.push(hop.clone());
                }
            }
        }
        let hops: Rc<[Hop]> = hops.into();
        self.of_server.borrow_mut().insert((module, server), hops.clone());
        hops
    }

    fn hops(&self, ground: Ground<'_>, module: Module, to: &'t [u8], at: Span) -> Rc<[Hop]> {
        let Some((rest, default_port)) = without_scheme(to) else { return Rc::default() };
        let host = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
        match self.upstreams.get(&(module, host)) {
            Some(upstream) => self.of_upstream(ground, (module, host), upstream),
            None => next(ground, rest, default_port).map(|to| Hop { to, at }).into_iter().collect(),
        }
    }

    fn of_upstream(&self, ground: Ground<'_>, name: (Module, &'t [u8]), upstream: &Upstream) -> Rc<[Hop]> {
        if let Some(known) = self.of_upstream.borrow().get(&name) {
            return known.clone();
        }
        // A server of an upstream of http has port 80 (ngx_http_upstream_server); in stream it must name one.
        let peers = upstream.peers.iter();
        let hops = peers.filter_map(|(peer, at)| Some(Hop { to: next(ground, peer, Some(80))?, at: *at }));
        let mut known = HashSet::default();
        let hops: Rc<[Hop]> = hops.filter(|hop| known.insert(hop.to.clone())).collect();
        self.of_upstream.borrow_mut().insert(name, hops.clone());
        hops
    }
}

/// The address of a URL, and the port that its scheme stands for.
fn without_scheme(url: &[u8]) -> Option<(&[u8], Option<u16>)> {
    if url.contains(&b'$') {
        return None;
    }
    let schemes: [(&[u8], Option<u16>); 6] = [
        (b"http://", Some(80)),
        (b"https://", Some(443)),
        (b"grpc://", Some(80)),
        (b"grpcs://", Some(443)),
        (b"uwsgi://", None),
        (b"suwsgi://", None),
    ];
    let is_scheme = |scheme: &[u8]| url.get(..scheme.len()).is_some_and(|it| it.eq_ignore_ascii_case(scheme));
    let known = schemes.iter().find(|(scheme, _)| is_scheme(scheme));
    Some(known.map_or((url, None), |(scheme, port)| (url.get(scheme.len()..).unwrap_or_default(), *port)))
}

fn next(ground: Ground<'_>, address: &[u8], default_port: Option<u16>) -> Option<Next> {
    if let Some(path) = address.strip_prefix(b"unix:") {
        // A URI after the path is set apart by a colon.
        let path = path.split(|byte| *byte == b':').next().unwrap_or_default();
        let path = String::from_utf8_lossy(path).into_owned();
        return (!path.is_empty()).then_some(Next::At(Endpoint::Unix(path)));
    }
    let address = address.split(|byte| *byte == b'/').next().unwrap_or_default();
    let end_of_host = address.iter().position(|byte| *byte == b']').unwrap_or(0);
    let colon = address.iter().skip(end_of_host).position(|byte| *byte == b':').map(|at| at + end_of_host);
    let (host, port) = match colon {
        Some(at) => {
            let (host, port) = address.split_at_checked(at)?;
            (host, u16::try_from(number(port.get(1..)?)?).ok()?)
        }
        None => (address, default_port?),
    };
    let host = std::str::from_utf8(host).ok().filter(|host| !host.is_empty())?;
    Some(ground.next(host, port))
}
