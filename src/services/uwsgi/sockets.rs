//! The sockets that one uWSGI's options open, all with one number.

use std::net::{IpAddr, Ipv4Addr};

use super::super::Ground;
use super::entry::Entry;
use super::instance::{Exported, Instance, Number, Refusal};
use crate::model::{Endpoint, Hop, Listener, Next, Setting, Step, Transport, Value};
use crate::syntax::number::atoi;
use crate::text::{Slot, SourceId, Span};

/// What a socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Worker,
    Router,
    Helper,
}

struct Socket {
    endpoint: Endpoint,
    at: Span,
    name: String,
    role: Role,
    notes: Vec<Step>,
    /// The option that says where a router passes requests on to.
    to: Option<String>,
}

/// What an address opens.
enum Address {
    At(Endpoint),
    Unknown(Transport, String),
    /// Somebody else opens it.
    Inherited,
    Refused(String),
}

pub(super) struct Opened {
    pub(super) listeners: Vec<Listener>,
    pub(super) refusal: Option<Refusal>,
    /// An address that is taken, and by what.
    pub(super) conflict: Option<(String, Span, Span)>,
}

/// Opens all sockets. `quiet` is a file in which no number may be put; `main` the one in which it is put best.
pub(super) fn open(
    instance: &Instance<'_>,
    quiet: Option<SourceId>,
    room: Option<Slot>,
    bundled: bool,
) -> Opened {
    let mut opened = Opened { listeners: Vec::new(), refusal: instance.refusal.clone(), conflict: None };
    let sockets = all(instance, &mut opened, bundled);
    let slot = slot(instance, &sockets, quiet, room);
    let (setting, steps) = number(instance, slot);
    let first = sockets.iter().find(|socket| socket.role == Role::Worker);
    for socket in &sockets {
        let mut listener = Listener::new(
            &instance.ground.service.name,
            instance.ground.place,
            socket.endpoint.clone(),
            socket.at,
        );
        listener.backlog = setting.clone();
        listener.steps.clone_from(&steps);
        listener.notes.clone_from(&socket.notes);
        listener.internal = socket.role == Role::Helper;
        listener.refuses_above_somaxconn = true;
        if socket.role == Role::Router {
            listener.hops = hops(instance, socket, first);
        }
        opened.listeners.push(listener);
    }
    opened
}

fn all(instance: &Instance<'_>, opened: &mut Opened, bundled: bool) -> Vec<Socket> {
    let tables = instance.tables;
    let abstract_paths = is_on(instance, "abstract-socket");
    let mut sockets: Vec<Socket> = Vec::new();
    for exported in &instance.exported {
        let is_in = |names: &[String]| names.contains(&exported.entry.key);
        if is_in(&tables.shared_sockets) || is_in(&tables.sockets) || is_in(&tables.ssl_sockets) {
            let exported = before_comma(exported, is_in(&tables.ssl_sockets));
            take(instance, &exported, Role::Worker, abstract_paths, &mut sockets, opened);
        }
    }
    let mut alone = None;
    for exported in &instance.exported {
        let router = tables.routers.iter().find(|router| router.option == exported.entry.key);
        let Some(router) = router.filter(|router| has_plugin(instance, &router.plugin, bundled)) else {
            continue;
        };
        if values(instance, &router.to).next().is_none() {
            alone = alone.or(Some(exported.entry.at));
        }
        let (exported, count) = (before_comma(exported, router.comma), sockets.len());
        take(instance, &exported, Role::Router, abstract_paths, &mut sockets, opened);
        for socket in sockets.iter_mut().skip(count) {
            socket.to = Some(router.to.clone());
        }
    }
    if let Some(at) = alone.filter(|_| !has_other_backend(instance))
        && !sockets.iter().any(|socket| socket.role == Role::Worker)
    {
        // plugins/http/http.c: http_init
        let what = "the router passes requests on to a port of loopback that the kernel picks".to_owned();
        let notes = vec![Step { value: None, what, at }];
        let endpoint = Endpoint::Unknown(Transport::Tcp);
        sockets.push(Socket { endpoint, at, name: String::new(), role: Role::Helper, notes, to: None });
    }
    helpers(instance, abstract_paths, &mut sockets, opened, bundled);
    sockets
}

fn values<'i>(instance: &'i Instance<'_>, key: &str) -> impl Iterator<Item = &'i Entry> {
    let key = key.to_owned();
    let named = move |exported: &&Exported| exported.entry.key == key;
    instance.exported.iter().filter(named).map(|exported| &exported.entry)
}

fn is_on(instance: &Instance<'_>, key: &str) -> bool {
    values(instance, key).last().is_some_and(|entry| is_true(&entry.value))
}

/// uwsgi_opt_true: what is not a no is a yes.
fn is_true(value: &str) -> bool {
    !["false", "off", "no", "0"].iter().any(|no| value.eq_ignore_ascii_case(no))
}

/// Whether requests go elsewhere than to a static node: a cache, a pattern, subscriptions.
fn has_other_backend(instance: &Instance<'_>) -> bool {
    let elsewhere = |key: &str| {
        key.ends_with("-subscription-server")
            || key.contains("-use-cache")
            || key.contains("-use-pattern")
            || key.contains("-use-base")
            || key.contains("-use-code-string")
            || key.ends_with("-zerg")
    };
    instance.exported.iter().any(|exported| elsewhere(&exported.entry.key))
}

/// Distributions keep plugins in files of their own, which have to be asked for; uWSGI's own build has them inside.
fn has_plugin(instance: &Instance<'_>, plugin: &str, bundled: bool) -> bool {
    let named = |name: &String| name == plugin || name.rsplit('/').next() == Some(plugin);
    bundled || instance.plugins.iter().any(named) || is_on(instance, "autoload")
}

/// core/uwsgi.c: options that need a master bring it along, unless `master` says otherwise.
fn has_master(instance: &Instance<'_>) -> bool {
    let tables = instance.tables;
    match values(instance, "master").last() {
        Some(master) => is_true(&master.value),
        None => instance.exported.iter().any(|exported| tables.masters.contains(&exported.entry.key)),
    }
}

fn helpers(
    instance: &Instance<'_>,
    abstract_paths: bool,
    sockets: &mut Vec<Socket>,
    opened: &mut Opened,
    bundled: bool,
) {
    let master = has_master(instance);
    let mut last: Vec<(&str, &Exported)> = Vec::new();
    for exported in &instance.exported {
        let helper = instance.tables.helpers.iter().find(|helper| helper.option == exported.entry.key);
        let Some(helper) = helper.filter(|helper| master || !helper.master) else { continue };
        if helper.plugin.as_ref().is_some_and(|plugin| !has_plugin(instance, plugin, bundled)) {
            continue;
        }
        // Two names of one option.
        let family = helper.option.trim_end_matches("-server").trim_end_matches("-ss");
        last.retain(|(known, _)| *known != family);
        last.push((family, exported));
    }
    for (_, exported) in last {
        take(instance, exported, Role::Helper, abstract_paths, sockets, opened);
    }
}

/// The address of an option whose certificate stands behind a comma.
fn before_comma(exported: &Exported, has_comma: bool) -> Exported {
    let mut exported = exported.clone();
    if has_comma && let Some((address, _)) = exported.entry.value.split_once(',') {
        exported.entry.value = address.to_owned();
    }
    exported
}

fn take(
    instance: &Instance<'_>,
    exported: &Exported,
    role: Role,
    abstract_paths: bool,
    sockets: &mut Vec<Socket>,
    opened: &mut Opened,
) {
    let entry = &exported.entry;
    let mut notes = Vec::new();
    let mut note = |what: String| notes.push(Step { value: None, what, at: entry.at });
    if let Some(what) = &exported.perhaps {
        note(format!("only where {what} holds, which this tree does not tell"));
    }
    let name = entry.value.trim_start().to_owned();
    let endpoint = match &entry.open {
        Some(open) => {
            note(format!("nothing in this tree says what {open} is"));
            Endpoint::Unknown(if name.contains('/') { Transport::Unix } else { Transport::Tcp })
        }
        None => match address(instance.ground, &name, abstract_paths) {
            Address::At(endpoint) => endpoint,
            Address::Unknown(transport, why) => {
                note(why);
                Endpoint::Unknown(transport)
            }
            Address::Inherited => return,
            Address::Refused(message) => {
                if exported.perhaps.is_none() && opened.refusal.is_none() {
                    opened.refusal = Some(Refusal { message, at: entry.at });
                }
                return;
            }
        },
    };
    if let Some(taken) = sockets.iter().find(|socket| socket.endpoint.collides(&endpoint)) {
        // A name that is bound already is left out (uwsgi_socket_is_already_bound).
        let again = role == Role::Worker && taken.name == name || endpoint.transport() == Transport::Unix;
        if !again && exported.perhaps.is_none() && opened.conflict.is_none() {
            opened.conflict = Some((endpoint.to_string(), entry.at, taken.at));
        }
        return;
    }
    sockets.push(Socket { endpoint, at: entry.at, name, role, notes, to: None });
}

/// core/socket.c: uwsgi_new_socket, bind_to_tcp, bind_to_unix.
fn address(ground: Ground<'_>, name: &str, abstract_paths: bool) -> Address {
    if name.starts_with("fd://") || name.starts_with('=') {
        return Address::Inherited;
    }
    let Some((host, port)) = name.rsplit_once(':') else {
        return path(name, abstract_paths);
    };
    if name.starts_with("::") {
        return Address::Inherited;
    }
    // htons cuts what is too large.
    let Ok(port) = u16::try_from(atoi(port) & 0xffff) else {
        return Address::Unknown(Transport::Tcp, format!("{port} is no port"));
    };
    if port == 0 {
        return Address::Unknown(Transport::Tcp, "port 0: the kernel picks one".to_owned());
    }
    if host.contains('*') {
        let why = "the first address of this machine's that begins so, which no file tells".to_owned();
        return Address::Unknown(Transport::Tcp, why);
    }
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return match inner.parse::<IpAddr>() {
            Ok(ip) if ip.is_unspecified() => Address::At(Endpoint::DualStack(port)),
            Ok(ip) => Address::At(Endpoint::tcp(ip, port)),
            Err(_) => Address::Unknown(Transport::Tcp, format!("{inner} is no IPv6 address")),
        };
    }
    if host.is_empty() {
        return Address::At(Endpoint::tcp(Ipv4Addr::UNSPECIFIED.into(), port));
    }
    // gethostbyname(3) gives IPv4 addresses only.
    match ground.addresses(host).into_iter().find(IpAddr::is_ipv4) {
        Some(ip) => Address::At(Endpoint::tcp(ip, port)),
        None => {
            Address::Unknown(Transport::Tcp, format!("nothing in this tree says which address {host} is"))
        }
    }
}

fn path(name: &str, abstract_paths: bool) -> Address {
    match name {
        "" => Address::Refused("the name of a socket is empty".to_owned()),
        // One byte is left for names without a file.
        name if name.len() > 102 => {
            Address::Refused(format!("the path of a socket is longer than 102 bytes: {name}"))
        }
        // One byte more than the name has, and ss shows it.
        name if name.starts_with('@') => Address::At(Endpoint::Unix(format!("{name}@"))),
        name => match name.strip_prefix("\\0") {
            Some(rest) => Address::At(Endpoint::Unix(format!("@{rest}@"))),
            None if abstract_paths => Address::At(Endpoint::Unix(format!("@{name}"))),
            None => Address::At(Endpoint::Unix(name.to_owned())),
        },
    }
}

/// Where a router passes requests on to: what its option says, else the first socket.
fn hops(instance: &Instance<'_>, router: &Socket, first: Option<&Socket>) -> Vec<Hop> {
    let mut hops: Vec<Hop> = Vec::new();
    let Some(to) = &router.to else { return hops };
    for entry in values(instance, to).filter(|entry| entry.open.is_none()) {
        // `address*weight`, `address,address`.
        for part in entry.value.split(',') {
            let name = part.split('*').next().unwrap_or_default().trim();
            let next = match name.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>())) {
                Some((host, Ok(port))) => {
                    instance.ground.next(if host.is_empty() { "127.0.0.1" } else { host }, port)
                }
                Some(_) => continue,
                None if name.is_empty() => continue,
                None => Next::At(Endpoint::Unix(name.to_owned())),
            };
            if !hops.iter().any(|hop| hop.to == next) {
                hops.push(Hop { to: next, at: entry.at });
            }
        }
    }
    if hops.is_empty() && !has_other_backend(instance) {
        hops.extend(first.map(|socket| Hop { to: Next::At(socket.endpoint.clone()), at: socket.at }));
    }
    hops.retain(|hop| !matches!(hop.to, Next::At(Endpoint::Unknown(_))));
    hops
}

/// Where the number is changed, or put.
fn slot(
    instance: &Instance<'_>,
    sockets: &[Socket],
    quiet: Option<SourceId>,
    room: Option<Slot>,
) -> Option<Slot> {
    match &instance.number {
        Number::Known(entry) => {
            let spelt = entry.exact && atoi(&entry.value).to_string() == entry.value;
            (spelt && Some(entry.at.source) != quiet).then(|| Slot::replace(entry.at))
        }
        Number::Unknown(..) => None,
        Number::Unset => {
            let top = instance.tops.iter().rev().find(|(source, _)| Some(*source) != quiet);
            let in_files = |exported: &Exported| {
                let own = sockets.iter().any(|socket| socket.at == exported.entry.at);
                let outside = Some(exported.entry.at.source) == quiet || exported.perhaps.is_some();
                exported.entry.beside.clone().filter(|_| own && !outside)
            };
            let in_block = instance.exported.iter().any(|exported| {
                exported.entry.key.starts_with("if") || exported.entry.key.starts_with("for")
            });
            let beside = instance.exported.iter().rev().find_map(in_files).filter(|_| !in_block);
            beside.or_else(|| top.map(|(_, slot)| slot.clone())).or(room)
        }
    }
}

fn number(instance: &Instance<'_>, slot: Option<Slot>) -> (Setting, Vec<Step>) {
    match &instance.number {
        Number::Unset => {
            let default = instance.ground.default("backlog", None);
            let steps = default.iter().map(|(_, step)| step.clone()).collect();
            (Setting { value: default.map(|(value, _)| value), slot }, steps)
        }
        Number::Known(entry) => {
            let number = i64::from(atoi(&entry.value));
            let text = entry.value.trim();
            let what = match text {
                text if text.starts_with("%(") || text.starts_with("$(") => {
                    format!("listen = {text}: listen is taken before this is filled in, and so is {number}")
                }
                text if text != number.to_string() => format!("listen = {text}: {number} to uWSGI"),
                _ => "listen".to_owned(),
            };
            let step = Step { value: Some(number), what, at: entry.at };
            (Setting { value: Some(Value::written(number, entry.at)), slot }, vec![step])
        }
        Number::Unknown(what, at) => {
            let what = format!("listen depends on {what}, which this tree does not tell");
            (Setting::default(), vec![Step { value: None, what, at: *at }])
        }
    }
}
