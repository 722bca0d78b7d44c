//! The sockets that the Listens of one Apache open, and where they get in each other's way: open_listeners in server/listen.c.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::address::{self, Host};
use super::told::{Listen, Told};
use crate::model::{Endpoint, Transport};
use crate::syntax::hosts::{Hosts, Named};

const ANY4: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const ANY6: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// One socket, or those of all processors.
#[derive(Debug)]
pub(super) struct Socket<'t> {
    pub(super) listen: &'t Listen,
    pub(super) endpoint: Endpoint,
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
    pub(super) count: Count,
    /// How a name became the address, or why there is none.
    pub(super) note: Option<Note>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    One,
    /// As many as ListenCoresBucketsRatio makes of the processors.
    Buckets,
    /// Those after the first.
    Further,
}

#[derive(Debug)]
pub(super) enum Note {
    Named(Named),
    Unresolved(String),
    Unknown(String),
}

/// A Listen that is in the way of itself or of others.
#[derive(Debug)]
pub(super) struct Refusal<'t> {
    pub(super) listen: &'t Listen,
    pub(super) first: &'t Listen,
    pub(super) message: String,
    pub(super) help: &'static str,
}

/// An address to bind.
#[derive(Debug, Clone)]
struct Wanted<'t> {
    listen: &'t Listen,
    address: IpAddr,
    port: u16,
    /// Without a host: bound by name, there would be no other socket.
    any: bool,
    named: Option<Named>,
}

/// What is bound on a port.
#[derive(Debug, Default)]
struct Port<'t> {
    any4: Option<&'t Listen>,
    any6: Option<&'t Listen>,
    first4: Option<&'t Listen>,
    first6: Option<&'t Listen>,
}

#[derive(Debug, Default)]
pub(super) struct Sockets<'t> {
    pub(super) all: Vec<Socket<'t>>,
    pub(super) refusals: Vec<Refusal<'t>>,
    ports: HashMap<u16, Port<'t>>,
    bound: HashMap<(IpAddr, u16), &'t Listen>,
    /// Every socket may be bound as often as there are processors, so none is in the way of another.
    shared: bool,
}

impl<'t> Sockets<'t> {
    pub(super) fn of(told: &'t Told, hosts: &Hosts) -> Self {
        let mut sockets = Self { shared: told.ratio.is_some(), ..Self::default() };
        let mut written: HashMap<(&Host, u16), &Listen> = HashMap::new();
        let mut wanted = Vec::new();
        for listen in told.listens.iter().filter(|listen| listen.only_if.is_none()) {
            if let Ok((host, port)) = &listen.address {
                match written.get(&(host, *port)) {
                    Some(first) => {
                        sockets.refuse(
                            listen,
                            first,
                            "Cannot define multiple Listeners on the same IP:port".into(),
                        );
                        continue;
                    }
                    None => written.insert((host, *port), listen),
                };
            }
            wanted.extend(sockets.wanted(listen, hosts));
        }
        sockets.open(wanted, true);
        // What may be there is told of only where there is room for it.
        for listen in told.listens.iter().filter(|listen| listen.only_if.is_some()) {
            let wanted = sockets.wanted(listen, hosts);
            sockets.open(wanted, false);
        }
        sockets
    }

    /// The addresses of a Listen in the order in which Apache binds them.
    fn wanted(&mut self, listen: &'t Listen, hosts: &Hosts) -> Vec<Wanted<'t>> {
        let (host, port) = match &listen.address {
            Ok((host, port)) => (host, *port),
            Err(why) => {
                self.unknown(listen, 0, Note::Unknown(why.clone()));
                return Vec::new();
            }
        };
        let wanted = |address, any, named| Wanted { listen, address, port, any, named };
        match host {
            Host::Any => vec![wanted(ANY4, true, None), wanted(ANY6, true, None)],
            Host::Written(host) => {
                let addresses = address::resolve(host, hosts);
                if addresses.is_empty() {
                    self.unknown(listen, port, Note::Unresolved(host.clone()));
                }
                let by_name = !address::is_literal(host);
                let one = |named: Named| wanted(named.address, false, by_name.then_some(named));
                addresses.into_iter().map(one).collect()
            }
        }
    }

    fn unknown(&mut self, listen: &'t Listen, port: u16, note: Note) {
        let count = if self.shared { Count::Buckets } else { Count::One };
        let endpoint = Endpoint::Unknown(Transport::Tcp);
        self.all.push(Socket { listen, endpoint, address: None, port, count, note: Some(note) });
    }

    fn open(&mut self, mut wanted: Vec<Wanted<'t>>, certain: bool) {
        for index in 0..wanted.len() {
            let next = wanted.get(index + 1);
            // `[::]` goes before `0.0.0.0`, for it may serve both.
            let swaps = |this: &Wanted<'_>, next: &Wanted<'_>| {
                this.address == ANY4 && next.address == ANY6 && this.port == next.port
            };
            if wanted.get(index).zip(next).is_some_and(|(this, next)| swaps(this, next)) {
                wanted.swap(index, index + 1);
            }
            let Some(this) = wanted.get(index).cloned() else { break };
            let port = self.ports.entry(this.port).or_default();
            if this.address == ANY4 && port.any6.is_some() {
                continue;
            }
            let taken = self.taken(&this).filter(|_| !self.shared);
            match taken {
                None => self.bind(this),
                Some(_) if !certain => {}
                Some(first) => {
                    let next = wanted.get(index + 1);
                    let goes_on = this.address == ANY6
                        && next.is_some_and(|next| next.address == ANY4 && next.port == this.port);
                    self.taken_by(&this, first, goes_on);
                    if !goes_on {
                        break;
                    }
                }
            }
        }
    }

    /// Who is in the way of an address.
    fn taken(&self, wanted: &Wanted<'t>) -> Option<&'t Listen> {
        let port = self.ports.get(&wanted.port)?;
        let same = self.bound.get(&(wanted.address, wanted.port)).copied();
        match wanted.address {
            ANY6 => port.any6.or(port.any4).or(port.first6).or(port.first4),
            ANY4 => port.any6.or(port.any4).or(port.first4),
            IpAddr::V4(_) => same.or(port.any6).or(port.any4),
            IpAddr::V6(_) => same.or(port.any6),
        }
    }

    fn bind(&mut self, wanted: Wanted<'t>) {
        let Wanted { listen, address, port, any, named } = wanted;
        let bound = self.ports.entry(port).or_default();
        let place = match address {
            ANY4 => &mut bound.any4,
            ANY6 => &mut bound.any6,
            IpAddr::V4(_) => &mut bound.first4,
            IpAddr::V6(_) => &mut bound.first6,
        };
        place.get_or_insert(listen);
        self.bound.entry((address, port)).or_insert(listen);
        let endpoint = match address {
            ANY6 => Endpoint::DualStack(port),
            _ => Endpoint::tcp(address, port),
        };
        let note = named.map(Note::Named);
        let count = match (self.shared, any) {
            (false, _) | (true, true) => Count::One,
            (true, false) => Count::Buckets,
        };
        self.all.push(Socket { listen, endpoint, address: Some(address), port, count, note });
        if self.shared && any && address == ANY6 {
            let endpoint = Endpoint::tcp(ANY4, port);
            let (address, count) = (Some(ANY4), Count::Further);
            self.all.push(Socket { listen, endpoint, address, port, count, note: None });
        }
    }

    fn taken_by(&mut self, wanted: &Wanted<'t>, first: &'t Listen, goes_on: bool) {
        let address = match wanted.address {
            ANY6 => format!("[::]:{}", wanted.port),
            address => Endpoint::tcp(address, wanted.port).to_string(),
        };
        let message = match goes_on {
            true => format!("the IPv6 half of port {}, for {address} is in use already", wanted.port),
            false => format!("could not bind to address {address}, which is in use already"),
        };
        self.refuse(wanted.listen, first, message);
    }

    fn refuse(&mut self, listen: &'t Listen, first: &'t Listen, message: String) {
        let help = "leave one of them out: a Listen without an address serves every address of its port";
        self.refusals.push(Refusal { listen, first, message, help });
    }
}
