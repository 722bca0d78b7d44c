//! The listeners that one start of a service opens: their addresses, and how it comes to each number.

use std::net::IpAddr;
use std::ops::Range;

use super::Refused;
use super::activated::Socket;
use super::address::{self, Address, Spelt};
use super::instance::Instance;
use super::said::{Said, Told, Written};
use crate::knowledge::keys::{ListenerKeys, Resolves};
use crate::model::{Endpoint, Listener, Setting, Step, Transport, Value};
use crate::text::{Slot, Span};

/// How a program comes to its number.
#[derive(Debug, Clone, Default)]
struct Backlog {
    setting: Setting,
    steps: Vec<Step>,
}

/// An endpoint, the text that opens it, and what is to be said of it.
struct Opening {
    endpoint: Endpoint,
    site: Span,
    notes: Vec<Step>,
    /// A backlog of its own.
    backlog: Option<Backlog>,
    /// The socket was opened by somebody else, with the backlog that is told.
    handed: bool,
}

impl Opening {
    fn new(endpoint: Endpoint, site: Span) -> Self {
        Self { endpoint, site, notes: Vec::new(), backlog: None, handed: false }
    }

    fn unknown(transport: Transport, site: Span, why: String) -> Self {
        let notes = vec![Step { value: None, what: why, at: site }];
        Self { notes, ..Self::new(Endpoint::Unknown(transport), site) }
    }
}

/// All that one start opens.
pub(super) fn all(instance: &Instance<'_>) -> Result<Vec<Listener>, Refused> {
    let mut found = Vec::new();
    for keys in &instance.keys.listeners {
        let known = instance.version.is_some() || !keys.known_version;
        let fits = known && instance.is_since(keys.since) && instance.is_before(keys.before);
        if fits && instance.holds(&keys.when) {
            Reader { instance, keys }.read(&mut found)?;
        }
    }
    Ok(found)
}

struct Reader<'i> {
    instance: &'i Instance<'i>,
    keys: &'i ListenerKeys,
}

impl Reader<'_> {
    fn read(&self, found: &mut Vec<Listener>) -> Result<(), Refused> {
        let openings = self.openings()?;
        if openings.is_empty() {
            return Ok(());
        }
        let backlog = self.backlog()?;
        let sockets = self.sockets()?;
        let again = self.keys.listens_again && self.instance.is_before(self.keys.listens_again_before);
        let ground = self.instance.ground;
        for Opening { endpoint, site, notes, backlog: own, handed } in openings {
            let Backlog { setting, steps } = match handed && !again {
                true => own.unwrap_or_else(|| kept(site)),
                false if handed => backlog.clone(),
                false => own.unwrap_or_else(|| backlog.clone()),
            };
            found.push(Listener {
                backlog: setting,
                steps,
                notes,
                sockets,
                internal: self.keys.internal,
                ..Listener::new(&ground.service.name, ground.place, endpoint, site)
            });
        }
        Ok(())
    }

    fn sockets(&self) -> Result<Option<u32>, Refused> {
        let ListenerKeys { sockets, sockets_when, sockets_since, .. } = self.keys;
        let several = self.instance.holds(sockets_when) && self.instance.is_since(*sockets_since);
        match sockets.as_ref().filter(|_| several) {
            Some(setting) => {
                let number = self.instance.number(setting)?;
                Ok(number.and_then(|(_, taken)| u32::try_from(taken.number.max(1)).ok()))
            }
            None => Ok(Some(1)),
        }
    }

    fn openings(&self) -> Result<Vec<Opening>, Refused> {
        let mut all = Vec::new();
        let given = self.instance.sockets();
        if !given.is_empty() && !self.keys.internal {
            return Ok(given.iter().map(activated).collect());
        }
        let ListenerKeys { address, host, port, unix, fd, hidden, .. } = self.keys;
        if let Some(setting) = address {
            all.extend(self.addresses(setting)?);
        }
        if let (Some(host), Some(port)) = (host, port) {
            all.extend(self.host_and_port(host, port)?);
        }
        for value in unix.iter().filter_map(|name| self.instance.told(name)).flat_map(|told| &told.values) {
            all.push(match value.text() {
                Some(path) => Opening::new(Endpoint::Unix(path), value.at),
                None => Opening::unknown(Transport::Unix, value.at, why(value)),
            });
        }
        for value in fd.iter().filter_map(|name| self.instance.told(name)).flat_map(|told| &told.values) {
            all.push(handed(value.at));
        }
        if let Some(why) = hidden {
            all.push(Opening::unknown(Transport::Unix, self.instance.site, why.clone()));
        }
        Ok(all)
    }

    /// Whole addresses, each of which may say its own backlog.
    fn addresses(&self, setting: &str) -> Result<Vec<Opening>, Refused> {
        let mut all = Vec::new();
        let Some(told) = self.instance.told(setting) else { return Ok(all) };
        if let Some(unknown) = self.unseen(&[setting]) {
            return Ok(vec![unknown]);
        }
        let words = self.instance.keys.setting.get(setting).is_some_and(|keys| keys.words);
        for value in &told.values {
            let Some(text) = value.text() else {
                let Said::Open(text, _) = &value.said else { continue };
                let unix = self.keys.spelling.unix.iter().any(|start| text.starts_with(start.as_str()));
                let transport = if unix { Transport::Unix } else { Transport::Tcp };
                all.push(Opening::unknown(transport, value.at, why(value)));
                continue;
            };
            let parts: Vec<&str> = if words { text.split_whitespace().collect() } else { vec![&text] };
            for part in parts {
                let Spelt { address, backlog } = address::read(part, &self.keys.spelling);
                let mut opened = self.address(address, value.at)?;
                if let Some(number) = backlog {
                    let own = self.own_backlog(&number, value)?;
                    opened.iter_mut().for_each(|opening| opening.backlog = Some(own.clone()));
                }
                all.extend(opened);
            }
        }
        Ok(all)
    }

    /// A default address is none where somebody may have said another that is not seen.
    fn unseen(&self, settings: &[&str]) -> Option<Opening> {
        let instance = self.instance;
        let default = |name: &&&str| instance.told(name).is_none_or(|told| told.default);
        let mut defaults = settings.iter().filter(default).peekable();
        if instance.is_file_alone() && defaults.peek().is_some() {
            let why = "its file does not say it, and no command line that was read starts it";
            return Some(Opening::unknown(Transport::Tcp, instance.site, why.into()));
        }
        let (why, at) = defaults.find_map(|name| instance.open(name))?;
        Some(Opening::unknown(Transport::Tcp, *at, why.clone()))
    }

    fn address(&self, address: Address, at: Span) -> Result<Vec<Opening>, Refused> {
        match address {
            Address::Tcp { host, port } => self.tcp(&host, port.map_err(|why| Refused::new(why, at))?, at),
            Address::Unix(path) => Ok(vec![Opening::new(Endpoint::Unix(path), at)]),
            Address::Open(_) => Ok(vec![handed(at)]),
            Address::Refused(why) => Err(Refused::new(why, at)),
        }
    }

    fn host_and_port(&self, host: &str, port: &str) -> Result<Vec<Opening>, Refused> {
        let told = |name| self.instance.told(name);
        let (Some(host_told), Some(port_told)) = (told(host), told(port)) else { return Ok(Vec::new()) };
        if let Some(unknown) = self.unseen(&[host, port]) {
            return Ok(vec![unknown]);
        }
        let written = [port_told, host_told].into_iter().filter(|told| !told.default).find_map(Told::at);
        let site = written.unwrap_or(self.instance.site);
        let unknown = |told: &Told| {
            let last = told.values.last().map_or_else(String::new, why);
            Ok(vec![Opening::unknown(Transport::Tcp, site, last)])
        };
        let Some((_, number)) = self.instance.number(port)? else { return unknown(port_told) };
        let Some(host) = host_told.values.last().and_then(Written::text) else { return unknown(host_told) };
        let number = number.number;
        let port = u16::try_from(number).map_err(|_| Refused::new(format!("{number} is no port"), site))?;
        self.tcp(&host, port, site)
    }

    /// One socket for each address of the host.
    fn tcp(&self, host: &str, port: u16, at: Span) -> Result<Vec<Opening>, Refused> {
        if port == 0 {
            return Ok(vec![Opening::unknown(Transport::Tcp, at, "port 0: the kernel picks one".into())]);
        }
        let ground = self.instance.ground;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let addresses: Vec<IpAddr> = match self.instance.keys.hosts.get(host) {
            Some(all) => all.iter().filter_map(|address| address.parse().ok()).collect(),
            None => bare.parse().map_or_else(|_| self.resolved(bare), |literal| vec![literal]),
        };
        let is_literal = bare.parse::<IpAddr>().is_ok() || self.instance.keys.hosts.contains_key(host);
        if !is_literal && self.keys.resolves == Resolves::Refused {
            return Err(Refused::new(format!("`{host}` is no address"), at));
        }
        if addresses.is_empty() {
            let why = format!("nothing in the tree says which address `{host}` is");
            return Ok(vec![Opening::unknown(Transport::Tcp, at, why)]);
        }
        let assumed = !is_literal && ground.hosts.resolve(bare).iter().any(|named| named.at.is_none());
        let opening = |address: IpAddr| {
            let any = address.is_unspecified() && address.is_ipv6() && self.keys.dual_stack;
            let endpoint = if any { Endpoint::DualStack(port) } else { Endpoint::tcp(address, port) };
            let mut opening = Opening::new(endpoint, at);
            if assumed {
                let what = format!("assumed: `{host}` is a name of the loopback addresses");
                opening.notes.push(Step { value: None, what, at });
            }
            opening
        };
        let fits = |address: &IpAddr| {
            self.instance.holds(if address.is_ipv4() { &self.keys.ipv4_when } else { &self.keys.ipv6_when })
        };
        Ok(addresses.into_iter().filter(fits).map(opening).collect())
    }

    fn resolved(&self, name: &str) -> Vec<IpAddr> {
        let mut all = self.instance.ground.addresses(name);
        match self.keys.resolves {
            Resolves::All => {
                let mut seen = Vec::new();
                all.retain(|address| {
                    !seen.contains(address) && {
                        seen.push(*address);
                        true
                    }
                });
                all
            }
            Resolves::FirstIpv4 | Resolves::Refused => {
                all.into_iter().filter(IpAddr::is_ipv4).take(1).collect()
            }
        }
    }

    /// The number that counts for all listeners of this kind.
    fn backlog(&self) -> Result<Backlog, Refused> {
        let (instance, name) = (self.instance, &self.keys.backlog);
        if let Some(instead) =
            instance.keys.instead.iter().find(|it| !self.keys.internal && instance.holds(&it.when))
        {
            return Ok(self.default(&instead.default));
        }
        let Some(told) = instance.told(name).filter(|told| !told.default) else {
            if let Some((why, at)) = instance.open(name) {
                let steps = vec![Step { value: None, what: why.clone(), at: *at }];
                return Ok(Backlog { setting: Setting::default(), steps });
            }
            let mut default = self.default(name);
            default.setting.slot = instance.room(name);
            return Ok(default);
        };
        let number = instance.number(name)?;
        Ok(from_told(told, number.map(|(_, taken)| (taken.number, taken.was))))
    }

    /// A number in an address, by the rules of the setting of the same name.
    fn own_backlog(&self, number: &str, value: &Written) -> Result<Backlog, Refused> {
        let rules = self.instance.keys.setting.get(&self.keys.backlog).and_then(|keys| keys.number);
        let place = number_in(&value.text().unwrap_or_default(), number).filter(|_| value.exact);
        let short = |offset: usize| u32::try_from(offset).unwrap_or(0);
        let at = place.clone().map_or(value.at, |range| Span {
            start: value.at.start + short(range.start),
            end: value.at.start + short(range.end),
            ..value.at
        });
        let exact = place.is_some();
        let written = Written { said: Said::Text(number.to_owned()), at, exact };
        let told = Told {
            by: "backlog of the endpoint".into(),
            values: vec![written],
            typed: false,
            default: false,
        };
        match told.number(&rules.unwrap_or_default()) {
            Some(Err(why)) => Err(Refused::new(why, at)),
            Some(Ok(taken)) => Ok(from_told(&told, Some((taken.number, taken.was)))),
            None => Ok(from_told(&told, None)),
        }
    }

    fn default(&self, name: &str) -> Backlog {
        let (value, step) = self.instance.ground.default(name, self.instance.version).unzip();
        Backlog { setting: Setting { value, slot: None }, steps: step.into_iter().collect() }
    }
}

/// What is written, and what the program makes of it.
fn from_told(told: &Told, number: Option<(i64, i64)>) -> Backlog {
    let Some(value) = told.values.last() else { return Backlog::default() };
    let at = value.at;
    let slot = value.exact.then(|| Slot::replace(at));
    let Some((number, was)) = number else {
        let steps = vec![Step { value: None, what: format!("{}: {}", told.by, why(value)), at }];
        return Backlog { setting: Setting::default(), steps };
    };
    let mut steps = vec![Step { value: Some(was), what: told.by.clone(), at }];
    if number != was {
        steps.push(Step { value: Some(number), what: format!("{number} is made of a number below 0"), at });
    }
    Backlog { setting: Setting { value: Some(Value::written(number, at)), slot }, steps }
}

/// Where `backlog=77` of an endpoint has its number.
fn number_in(text: &str, number: &str) -> Option<Range<usize>> {
    let named = format!("backlog={number}");
    let start = text.find(&named)? + named.len() - number.len();
    let end = start + number.len();
    let ends = text.get(end..).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
    ends.then_some(start..end)
}

fn why(value: &Written) -> String {
    match &value.said {
        Said::Open(_, why) => why.clone(),
        _ => String::new(),
    }
}

fn handed(at: Span) -> Opening {
    let why = "an open socket that it is handed".to_owned();
    Opening { handed: true, ..Opening::unknown(Transport::Tcp, at, why) }
}

fn kept(at: Span) -> Backlog {
    let what = "who opened the socket has said how long its queue is".into();
    Backlog { setting: Setting::default(), steps: vec![Step { value: None, what, at }] }
}

/// A socket of a `.socket` unit.
fn activated(socket: &Socket) -> Opening {
    let backlog = match socket.backlog {
        Some((number, at)) => Backlog {
            setting: Setting { value: Some(Value::written(number, at)), slot: Some(Slot::replace(at)) },
            steps: vec![Step { value: Some(number), what: "Backlog of the socket unit".into(), at }],
        },
        None => kept(socket.at),
    };
    let what = "systemd opens it and hands it over".into();
    let notes = vec![Step { value: None, what, at: socket.at }];
    Opening {
        handed: true,
        backlog: Some(backlog),
        notes,
        ..Opening::new(socket.endpoint.clone(), socket.at)
    }
}
