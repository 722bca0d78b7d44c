//! The sockets that one HAProxy opens, as the report is told of them.

use std::net::IpAddr;

use super::super::{Found, Ground};
use super::address::{Address, Host};
use super::backlog::{Backlog, Ladder};
use super::bind::{Bind, Shards};
use super::config::{Config, Proxy, Role};
use super::hops::Hops;
use super::run::Run;
use super::words::number;
use crate::model::{Endpoint, Listener, ProblemKind, Step, Transport, Version, Word};
use crate::text::Span;

/// More than anybody has; the rest is left out, and said.
const MAX_LISTENERS: usize = 4096;
/// A socket for each group of threads is the default since 2.8 (tune.listener.default-shards).
const SHARDS_BY_GROUP: Version = Version::new(2, 8, 0);
const NOT_IN_FILES: &str = "the address is not known: the files do not tell it";

/// What one HAProxy opens.
pub(super) struct Sockets<'a> {
    pub(super) ground: Ground<'a>,
    pub(super) config: &'a Config,
    pub(super) run: &'a Run,
    pub(super) version: Option<Version>,
}

/// What the listeners of one `bind` share.
struct Opening<'o> {
    bind: &'o Bind,
    backlog: Backlog,
    internal: bool,
    proxy: Option<&'o Proxy>,
}

impl Sockets<'_> {
    pub(super) fn open(&self, found: &mut Found) {
        let Self { ground, config, run, version } = *self;
        let ladder = Ladder::new(ground, config, run, version);
        let hops = Hops::new(ground, config, &config.environment);
        let cli = config.global.stats.iter().map(|bind| Opening {
            bind,
            backlog: ladder.of_cli(bind),
            internal: true,
            proxy: None,
        });
        let live = config.proxies.iter().filter(|proxy| !proxy.disabled);
        let proxies = live.flat_map(|proxy| proxy.binds.iter().map(move |bind| (proxy, bind)));
        let binds = proxies.map(|(proxy, bind)| Opening {
            bind,
            backlog: ladder.of(bind, proxy),
            internal: proxy.role == Role::Peers,
            proxy: Some(proxy),
        });
        let before = found.listeners.len();
        for opening in cli.chain(binds) {
            if found.listeners.len() - before > MAX_LISTENERS {
                let message = format!("the listeners after the first {MAX_LISTENERS} were not read");
                found.problems.push(ground.problem(ProblemKind::Skipped, message, opening.bind.at));
                break;
            }
            found.listeners.extend(self.listeners(&opening, &hops));
        }
        found.listeners.extend(self.master(&ladder));
    }

    fn listeners(&self, opening: &Opening<'_>, hops: &Hops<'_>) -> Vec<Listener> {
        let unknown = [(Endpoint::Unknown(Transport::Tcp), Some(NOT_IN_FILES.to_owned()))];
        let ends: Vec<(Endpoint, Option<String>)> = match &opening.bind.addresses {
            None => unknown.into(),
            Some(addresses) => {
                addresses.iter().flat_map(|address| ends(address, opening.bind)).take(MAX_LISTENERS).collect()
            }
        };
        let inherits = |address: &Address| *address == Address::Inherited;
        let inherited = opening.bind.addresses.iter().flatten().any(inherits);
        let listener = |(endpoint, note): (Endpoint, Option<String>)| {
            let port = endpoint.port();
            let mut listener = self.listener(opening, endpoint);
            listener.notes.extend(note.map(|what| Step { value: None, what, at: opening.bind.written }));
            if inherited {
                let what = "whoever starts HAProxy opens this socket, and decides about its queue".to_owned();
                listener.backlog = crate::model::Setting::default();
                listener.steps = vec![Step { value: None, what, at: opening.bind.written }];
            }
            listener.hops = opening.proxy.map_or_else(Vec::new, |proxy| hops.of(proxy, port));
            listener
        };
        ends.into_iter().map(listener).collect()
    }

    fn listener(&self, opening: &Opening<'_>, endpoint: Endpoint) -> Listener {
        let Opening { bind, backlog, internal, .. } = opening;
        let mut listener = Listener::new(&self.ground.service.name, self.ground.place, endpoint, bind.at);
        listener.backlog = backlog.setting.clone();
        listener.steps = backlog.steps.clone();
        listener.sockets = self.count(bind);
        listener.internal = *internal;
        if let Some(at) = bind.maybe {
            let what = "it is opened only if this condition holds, which the files do not tell".to_owned();
            listener.notes.push(Step { value: None, what, at });
        }
        if let Some(namespace) = &bind.namespace {
            let what = format!(
                "it listens in the network namespace {}, which has a net.core.somaxconn of its own",
                namespace.text
            );
            listener.backlog.value = None;
            listener.steps.push(Step { value: None, what, at: namespace.span });
        }
        listener
    }

    /// How many sockets each address of a `bind` gets (check_config_validity() in src/cfgparse.c).
    fn count(&self, bind: &Bind) -> Option<u32> {
        let threads = self.threads(bind);
        let groups = || match &self.config.global.groups {
            Some(groups) => groups.get,
            None => Some(1),
        };
        let since = self.version.is_none_or(|version| version >= SHARDS_BY_GROUP);
        let default = self.config.global.shards.unwrap_or(match since {
            true => Shards::ByGroup,
            false => Shards::Number(1),
        });
        let count = match bind.shards.unwrap_or(default) {
            Shards::Unknown => None,
            Shards::Number(1) => Some(1),
            Shards::Number(number) => threads.map(|threads| threads.min(number)),
            Shards::ByThread => threads,
            Shards::ByGroup => groups(),
        };
        count.and_then(|count| u32::try_from(count).ok())
    }

    /// On how many threads a `bind` is, which without `nbthread` depends on the machine.
    fn threads(&self, bind: &Bind) -> Option<i64> {
        let all = self.config.global.threads.as_ref()?.get.filter(|threads| *threads > 0)?;
        let Some(word) = &bind.threads else { return Some(all) };
        let set = word.text.rsplit('/').next().filter(|_| !word.open)?;
        let (low, high) = match set {
            "all" => (1, all),
            "odd" => return Some((all + 1) / 2),
            "even" => return Some(all / 2),
            set => set
                .split_once('-')
                .map_or_else(|| (number(set), number(set)), |(low, high)| (number(low), number(high))),
        };
        (1 <= low && low <= high && high <= all).then(|| high - low + 1)
    }

    /// The sockets of `-S`: an address and parameters of `bind`, with commas between.
    fn master(&self, ladder: &Ladder<'_>) -> Vec<Listener> {
        let known = |word: &&Word| !word.open;
        let bind = |word: &Word| {
            let text = word.text.split(',').next().unwrap_or_default();
            let address = super::address::to_listen(self.ground, text, "").ok()?;
            Some(Bind::bare(word.span, address))
        };
        let open = |bind: Bind| {
            let backlog = ladder.of_master(&bind);
            let ends =
                bind.addresses.iter().flatten().flat_map(|address| ends(address, &bind)).collect::<Vec<_>>();
            let opening = Opening { bind: &bind, backlog, internal: true, proxy: None };
            ends.into_iter().map(|(endpoint, _)| self.listener(&opening, endpoint)).collect::<Vec<_>>()
        };
        self.run.sockets.iter().filter(known).filter_map(bind).flat_map(open).collect()
    }
}

/// The sockets of one address, and why one is not known.
fn ends(address: &Address, bind: &Bind) -> Vec<(Endpoint, Option<String>)> {
    match address {
        Address::Tcp(host, ports) => {
            let end = |port: u16| match host {
                Host::Ip(ip) => (endpoint(*ip, port, bind.v6_only), None),
                Host::Name(name) => {
                    let why = format!("the address of {name} is not known: the files do not tell it");
                    (Endpoint::Unknown(Transport::Tcp), Some(why))
                }
            };
            ports.clone().into_iter().flatten().map(end).collect()
        }
        Address::Unix(path) => vec![(Endpoint::Unix(path.clone()), None)],
        Address::Inherited => vec![(Endpoint::Unknown(Transport::Tcp), None)],
        Address::None => Vec::new(),
    }
}

/// `::` takes both families unless it is told not to, or net.ipv6.bindv6only says so.
fn endpoint(ip: IpAddr, port: u16, v6_only: bool) -> Endpoint {
    match ip {
        IpAddr::V6(v6) if v6.is_unspecified() && !v6_only => Endpoint::DualStack(port),
        _ => Endpoint::tcp(ip, port),
    }
}

impl Bind {
    fn bare(at: Span, address: Address) -> Self {
        Self {
            at,
            written: at,
            addresses: Some(vec![address]),
            backlog: None,
            maxconn: None,
            shards: Some(Shards::Number(1)),
            threads: None,
            v6_only: false,
            namespace: None,
            room: None,
            maybe: None,
        }
    }
}
