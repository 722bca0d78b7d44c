//! From `listen` directives to sockets: which servers share one, which addresses the wildcard of their port takes in, and what
//! nginx or the kernel refuses.

use std::net::{IpAddr, SocketAddr};

use super::address::Address;
use super::listen::{Listen, Module};
use super::release::{REPEATS_FILTERED, Release, STREAM_SHARES};
use super::walk::{Connections, Heard};
use crate::text::{HashMap, Span};

/// As many ports as an address has; nobody means more, and each costs memory.
pub(super) const MAX_SOCKETS: usize = 1 << 16;

const SHARED: &str =
    "socket options apply to the address, not to the server: only one listen of the address may set them";
const ONE_DEFAULT: &str = "an address has one default server";
const SAME_SERVER: &str = "one listen of it per server is enough";
const NO_SHARING: &str = "servers of mail, and of stream before nginx 1.25.5, cannot share an address";
const AGAIN: &str = "the file that says so is included more than once";
const FOLDED: &str = "backlog=, bind and the like give an address its own socket, which conflicts with the wildcard of its \
    port: put the option on the wildcard's listen";
const CONNECTIONS: &str = "raise worker_connections in events";
const FAMILIES: &str = "with ipv6only=off the socket accepts IPv4 connections too: remove the other listen";
const MODULES: &str =
    "http, stream and mail each open their own sockets: an address can belong to only one of them";

/// An address, the servers that listen on it, and whose options it has.
#[derive(Debug)]
pub(super) struct Shared<'t> {
    pub(super) module: Module,
    pub(super) address: Address,
    /// UDP or QUIC.
    pub(super) datagram: bool,
    /// The place among all.
    index: usize,
    /// In the order of the files.
    pub(super) heard: Vec<&'t Heard>,
    /// The listen with socket options. They replace those of the first one (ngx_http_add_addresses in src/http/ngx_http.c).
    pub(super) options: Option<&'t Listen>,
    default_server: Option<&'t Listen>,
}

impl<'t> Shared<'t> {
    /// The listen whose parameters the socket has.
    pub(super) fn deciding(&self) -> Option<&'t Listen> {
        self.options.or_else(|| self.heard.first().map(|heard| &heard.listen))
    }

    pub(super) fn is_dual_stack(&self) -> bool {
        self.options.is_some_and(|options| options.dual_stack)
    }

    fn socket(&self) -> Option<SocketAddr> {
        match self.address {
            Address::Tcp(address) => Some(address),
            Address::Unix(_) | Address::Name(..) => None,
        }
    }

    fn is_wildcard(&self) -> bool {
        self.socket().is_some_and(|address| address.ip().is_unspecified())
    }

    /// An IPv4 address written as an IPv6 one.
    fn is_mapped(&self) -> bool {
        self.socket().is_some_and(|address| address.is_ipv6() && address.ip().to_canonical().is_ipv4())
    }

    fn is_reused(&self) -> bool {
        self.options.is_some_and(|options| options.reuseport.is_some())
    }
}

/// A reason for nginx not to start, in its own words.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) at: Span,
    /// The other line that takes part, and how.
    pub(super) beside: Option<(Span, &'static str)>,
    pub(super) help: &'static str,
}

/// All addresses of one nginx, in the order in which they first appear.
#[derive(Debug, Default)]
pub(super) struct Sockets<'t> {
    pub(super) all: Vec<Shared<'t>>,
    known: HashMap<(Module, bool, &'t Address), usize>,
    /// By module, kind, family and port.
    wildcards: HashMap<(Module, bool, bool, u16), usize>,
    pub(super) refusals: Vec<Refusal>,
    /// The first listen that is one too many for us.
    pub(super) cut: Option<Span>,
}

impl<'t> Sockets<'t> {
    pub(super) fn of(listens: impl IntoIterator<Item = &'t Heard>, release: &Release<'_>) -> Self {
        let mut sockets = Self::default();
        for heard in listens {
            for address in &heard.listen.addresses {
                sockets.hear(heard, address, release);
            }
        }
        sockets.bind();
        sockets
    }

    fn hear(&mut self, heard: &'t Heard, address: &'t Address, release: &Release<'_>) {
        let key = (heard.listen.module, heard.listen.datagram, address);
        let index = self.known.get(&key).copied().unwrap_or(self.all.len());
        if let Some(shared) = self.all.get_mut(index) {
            self.refusals.extend(shared.join(heard, release));
        } else if index < MAX_SOCKETS {
            self.known.insert(key, index);
            self.add(heard, address);
        } else {
            self.cut = self.cut.or(Some(heard.listen.at));
        }
    }

    fn add(&mut self, heard: &'t Heard, address: &'t Address) {
        let listen = &heard.listen;
        if let Address::Tcp(socket) = address
            && socket.ip().is_unspecified()
        {
            let key = (listen.module, listen.datagram, socket.is_ipv6(), socket.port());
            self.wildcards.insert(key, self.all.len());
        }
        self.all.push(Shared {
            module: listen.module,
            address: address.clone(),
            datagram: listen.datagram,
            index: self.all.len(),
            heard: vec![heard],
            options: listen.options.then_some(listen),
            default_server: listen.default_server.then_some(listen),
        });
    }

    /// Every listening socket takes one of a worker's connections, and one is left over (ngx_event_init_conf in
    /// src/event/ngx_event.c).
    pub(super) fn fit(&mut self, connections: Connections) {
        let mut own = self.all.iter().filter(|shared| self.taken_in(shared).is_none());
        let count = own.clone().count();
        let few = i64::try_from(count).is_ok_and(|count| count >= connections.number);
        if let Some(last) = own.next_back().and_then(Shared::deciding).filter(|_| few) {
            let number = connections.number;
            self.refusals.push(Refusal {
                message: format!("{number} worker_connections are not enough for {count} listening sockets"),
                at: last.at,
                beside: connections.at.map(|at| (at, "this many")),
                help: CONNECTIONS,
            });
        }
    }

    /// What servers share `address` with those of `listen`.
    pub(super) fn shared(&self, listen: &Listen, address: &Address) -> Option<&Shared<'t>> {
        self.all.get(*self.known.get(&(listen.module, listen.datagram, address))?)
    }

    /// The wildcard that takes an address in: one without options gets no socket then (ngx_http_init_listening). A name
    /// that we cannot resolve is taken to be an address of any family.
    pub(super) fn taken_in(&self, shared: &Shared<'t>) -> Option<&Shared<'t>> {
        if shared.options.is_some() || shared.is_wildcard() {
            return None;
        }
        let (families, port) = match &shared.address {
            Address::Tcp(socket) => ([socket.is_ipv6(); 2], socket.port()),
            Address::Name(_, port) => ([false, true], *port),
            Address::Unix(_) => return None,
        };
        let wildcard = |ipv6: &bool| self.wildcards.get(&(shared.module, shared.datagram, *ipv6, port));
        self.all.get(*families.iter().find_map(wildcard)?)
    }

    /// What happens when nginx binds its sockets one after the other (ngx_open_listening_sockets).
    fn bind(&mut self) {
        let bound: Vec<&Shared<'t>> =
            self.all.iter().filter(|shared| !shared.datagram && self.taken_in(shared).is_none()).collect();
        let mut refusals: Vec<Refusal> = bound.iter().filter_map(|shared| alone(shared)).collect();
        let mut same: HashMap<Address, &Shared<'t>> = HashMap::default();
        let mut ports: HashMap<u16, Vec<&Shared<'t>>> = HashMap::default();
        for shared in bound {
            if let Some(before) = same.insert(canonical(&shared.address), shared) {
                refusals.extend(in_use(shared, before));
            }
            if let Some(socket) = shared.socket().filter(|socket| socket.port() != 0) {
                ports.entry(socket.port()).or_default().push(shared);
            }
        }
        let mut ports: Vec<_> = ports.into_iter().collect();
        ports.sort_unstable_by_key(|(port, _)| *port);
        for (_, on_port) in ports {
            for wildcard in on_port.iter().filter(|shared| shared.is_wildcard()) {
                let others = on_port.iter().filter(|other| overlap(wildcard, other));
                refusals.extend(others.filter_map(|other| in_use(other, wildcard)));
            }
        }
        self.refusals.extend(refusals);
    }
}

impl<'t> Shared<'t> {
    /// One more server listens here.
    fn join(&mut self, heard: &'t Heard, release: &Release<'_>) -> Option<Refusal> {
        let (listen, last) = (&heard.listen, *self.heard.last()?);
        if std::ptr::eq(listen, &last.listen) && !release.is_before(REPEATS_FILTERED) {
            return None;
        }
        let refusal = self.refusal(heard, last, release);
        self.options = self.options.or(listen.options.then_some(listen));
        self.default_server = self.default_server.or(listen.default_server.then_some(listen));
        self.heard.push(heard);
        refusal
    }

    /// What nginx has against one more server here, if anything.
    fn refusal(&self, heard: &'t Heard, last: &'t Heard, release: &Release<'_>) -> Option<Refusal> {
        let (at, address) = (&heard.listen, &self.address);
        let no_sharing =
            self.module == Module::Mail || self.module == Module::Stream && release.is_before(STREAM_SHARES);
        let options = self.options.filter(|_| at.options);
        let default_server = self.default_server.filter(|_| at.default_server);
        let (message, first, help) = match (options, default_server) {
            _ if no_sharing => {
                (format!("duplicate \"{address}\" address and port pair"), &last.listen, NO_SHARING)
            }
            _ if last.server == heard.server => {
                (format!("a duplicate listen {address}"), &last.listen, SAME_SERVER)
            }
            (Some(first), _) => (format!("duplicate listen options for {address}"), first, SHARED),
            (None, Some(first)) => (format!("a duplicate default server for {address}"), first, ONE_DEFAULT),
            (None, None) => return None,
        };
        let again = first.at == at.at;
        let beside = (!again).then_some((first.at, "the address is here first"));
        Some(Refusal { message, at: at.at, beside, help: if again { AGAIN } else { help } })
    }
}

/// What the kernel refuses whatever else there is.
fn alone<'t>(shared: &Shared<'t>) -> Option<Refusal> {
    let at = shared.deciding()?;
    let (message, help) = match &shared.address {
        // IPV6_V6ONLY and an IPv4 address exclude each other (net/ipv6/af_inet6.c, __inet6_bind).
        Address::Tcp(_) if shared.is_mapped() && !shared.is_dual_stack() => (
            format!("bind() to {} failed (22: Invalid argument)", shared.address),
            "write the IPv4 address, or ipv6only=off",
        ),
        // Since January 2025 (commit 5b0af621c3f6, Linux 6.13 and stable releases); before, a second worker could not bind the path.
        Address::Unix(_) if shared.is_reused() => (
            format!("setsockopt(SO_REUSEPORT) {} failed (95: Operation not supported)", shared.address),
            "a path can be bound only once: remove reuseport",
        ),
        _ => return None,
    };
    Some(Refusal { message, at: at.at, beside: None, help })
}

/// `[::ffff:1.2.3.4]:80` is `1.2.3.4:80`.
fn canonical(address: &Address) -> Address {
    match address {
        Address::Tcp(socket) => Address::Tcp(SocketAddr::new(socket.ip().to_canonical(), socket.port())),
        other => other.clone(),
    }
}

/// Whether a wildcard is in the way of another address of its port. Of two wildcards, one is: that of IPv6.
fn overlap(wildcard: &Shared<'_>, other: &Shared<'_>) -> bool {
    let (Some(wide), Some(narrow)) = (wildcard.socket(), other.socket()) else { return false };
    let same_family = wide.is_ipv6() == matches!(narrow.ip().to_canonical(), IpAddr::V6(_));
    match other.is_wildcard() {
        true => wide.is_ipv6() && !narrow.is_ipv6() && wildcard.is_dual_stack(),
        false => same_family || wide.is_ipv6() && wildcard.is_dual_stack(),
    }
}

/// Two sockets on one address, unless both may be one of many (SO_REUSEPORT in socket(7)).
fn in_use<'t>(one: &Shared<'t>, other: &Shared<'t>) -> Option<Refusal> {
    if one.is_reused() && other.is_reused() {
        return None;
    }
    let (first, second) = if one.index < other.index { (one, other) } else { (other, one) };
    let ipv6 = |shared: &Shared<'_>| shared.socket().is_some_and(|socket| socket.is_ipv6());
    let (refused, at, beside, help) = match () {
        () if first.module != second.module => (second, second, (first, "this one has it"), MODULES),
        () if ipv6(first) != ipv6(second) => (second, second, (first, "this one has it"), FAMILIES),
        // A wildcard is bound last (ngx_http_cmp_conf_addrs).
        () if one.is_wildcard() => (one, other, (one, "the wildcard of its port"), FOLDED),
        () => (other, one, (other, "the wildcard of its port"), FOLDED),
    };
    Some(Refusal {
        message: super::super::in_use(&refused.address),
        at: at.deciding()?.at,
        beside: beside.0.deciding().map(|listen| (listen.at, beside.1)),
        help,
    })
}
