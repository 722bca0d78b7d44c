//! The listeners that one start of a service opens: their addresses, and how it comes to each number.

use std::fmt::Display;
use std::ops::Range;

use super::super::{Ask, BELOW_0_IS_0, Bound, DualStack, Empty, Names, Policy, Socket, Why, port_of};
use super::Refused;
use super::address::{self, Address, Spelt};
use super::instance::Instance;
use super::said::{Said, Told, Written};
use crate::knowledge::keys::{ListenerKeys, Resolves};
use crate::model::{Endpoint, Listener, Step, Transport};
use crate::text::{Slot, Span};

/// An endpoint, the text that opens it, and what is to be said of it.
struct Opening {
    endpoint: Endpoint,
    site: Span,
    notes: Vec<Step>,
    /// A backlog of its own.
    backlog: Option<Ask>,
    /// The socket was opened by somebody else, with the backlog that is told.
    handed: bool,
}

impl Opening {
    fn new(endpoint: Endpoint, site: Span) -> Self {
        Self { endpoint, site, notes: Vec::new(), backlog: None, handed: false }
    }

    fn unknown(transport: Transport, site: Span, why: impl Display) -> Self {
        let notes = Bound::unknown_on(transport, why).steps(site).collect();
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
        let again = self.keys.listens_again
            && (self.instance.is_before(self.keys.listens_again_before) || self.instance.instead().is_some());
        let ground = self.instance.ground;
        for Opening { endpoint, site, notes, backlog: own, handed } in openings {
            let ask = match handed && !again {
                true => own.unwrap_or_else(|| Ask::handed(site)),
                false if handed => backlog.clone(),
                false => own.unwrap_or_else(|| backlog.clone()),
            };
            let internal = self.keys.internal;
            found.push(Listener { notes, sockets, internal, ..ground.listener(endpoint, site, ask) });
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
            all.push(Opening::unknown(Transport::Unix, self.instance.site, why));
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
            let why = "its file does not set it, and no command line read here starts it";
            return Some(Opening::unknown(Transport::Tcp, instance.site, why));
        }
        let (why, at) = defaults.find_map(|name| instance.open(name))?;
        Some(Opening::unknown(Transport::Tcp, *at, why))
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
        let no_port = || Refused::new(Why::NoPort(number.to_string()).to_string(), site);
        self.tcp(&host, u16::try_from(number).map_err(|_| no_port())?, site)
    }

    /// One socket for each address of the host.
    fn tcp(&self, host: &str, port: u16, at: Span) -> Result<Vec<Opening>, Refused> {
        let bind = |host: &str| self.instance.ground.bind(self.policy(), host, port);
        let bound = port_of(port).and_then(|_| match self.instance.keys.hosts.get(host) {
            None => bind(host),
            Some(all) => all.iter().try_fold(Bound::default(), |mut bound, host| {
                bound.join(bind(host)?);
                Ok(bound)
            }),
        });
        let bound = match bound {
            Ok(bound) => bound,
            Err(why @ Why::NoAddress(_)) => return Err(Refused::new(why.to_string(), at)),
            Err(why) => return Ok(vec![Opening::unknown(Transport::Tcp, at, why)]),
        };
        let notes: Vec<Step> = bound.steps(at).collect();
        let fits = |endpoint: &Endpoint| {
            let is_ipv4 = matches!(endpoint, Endpoint::Tcp(address) if address.is_ipv4());
            self.instance.holds(if is_ipv4 { &self.keys.ipv4_when } else { &self.keys.ipv6_when })
        };
        let opening = |endpoint| Opening { notes: notes.clone(), ..Opening::new(endpoint, at) };
        Ok(bound.endpoints.into_iter().filter(fits).map(opening).collect())
    }

    fn policy(&self) -> Policy {
        let names = match self.keys.resolves {
            Resolves::All => Names::All,
            Resolves::FirstIpv4 => Names::Ipv4,
            Resolves::Refused => Names::Refused,
        };
        let dual_stack = if self.keys.dual_stack { DualStack::Ipv6 } else { DualStack::Never };
        Policy { empty: Empty::Name, names, dual_stack }
    }

    /// The number that counts for all listeners of this kind.
    fn backlog(&self) -> Result<Ask, Refused> {
        let (instance, name) = (self.instance, &self.keys.backlog);
        let instead = instance.instead().filter(|_| !self.keys.internal);
        let told = instance.told(name).filter(|told| !told.default);
        if let Some((who, default)) =
            instead.and_then(|instead| Some((&instead.who, instead.default.as_ref()?)))
        {
            let vain = told.and_then(|told| Some((told, told.values.last()?)));
            let vain = vain.map(|(told, value)| {
                let number = instance.number(name).ok().flatten().map(|(_, taken)| taken.number);
                let text = value.text().unwrap_or_default();
                let what = format!("{who} listens again over {} {text}", told.by);
                Step { value: number, what, at: value.at }
            });
            return Ok(instance.ground.own(default, instance.version).after(vain));
        }
        let Some(told) = told else {
            if let Some((why, at)) = instance.open(name) {
                return Ok(Ask::unknown(why, *at));
            }
            let (ground, version) = (instance.ground, instance.version);
            return Ok(ground.own(name, version).settable(ground, name, version, instance.room(name)));
        };
        if let Some(setting) = instance.ground.service.too_old(name, instance.version) {
            let why = instance.ground.too_old(setting, instance.version);
            return Err(Refused::new(why, told.at().unwrap_or(instance.site)));
        }
        let number = instance.number(name)?;
        Ok(from_told(told, number.map(|(_, taken)| (taken.number, taken.was))))
    }

    /// A number in an address, by the rules of the setting of the same name.
    fn own_backlog(&self, number: &str, value: &Written) -> Result<Ask, Refused> {
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
}

/// What is written, and what the program makes of it.
fn from_told(told: &Told, number: Option<(i64, i64)>) -> Ask {
    let Some(value) = told.values.last() else { return Ask::default() };
    let slot = value.exact.then(|| Slot::replace(value.at));
    match number {
        None => Ask::unknown(why(value), value.at),
        Some((number, was)) => {
            Ask::written(was, told.by.as_str(), value.at).becomes(number, BELOW_0_IS_0).with(slot)
        }
    }
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
    Opening { handed: true, ..Opening::unknown(Transport::Tcp, at, Why::Handed) }
}

/// A socket of a `.socket` unit.
fn activated(socket: &Socket) -> Opening {
    let (backlog, notes) = (Some(socket.ask()), vec![socket.note()]);
    Opening { handed: true, backlog, notes, ..Opening::new(socket.endpoint.clone(), socket.at) }
}
