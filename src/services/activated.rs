//! Sockets that systemd opens and hands to a service: the `.socket` unit beside its `.service`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use super::{Ask, Bound, Ground, Why};
use crate::model::{Command, Endpoint, Kind, Listener, PlaceId, Starter, Step, Text, Transport, Version};
use crate::syntax::specifiers::Specifiers;
use crate::syntax::unit::{self, PLACES};
use crate::text::{HashMap, HashSet, Slot, SourceId, Span};

/// What one `ListenStream=` opens, with the number of its unit.
#[derive(Debug, Clone)]
pub(super) struct Socket {
    pub(super) endpoint: Endpoint,
    pub(super) at: Span,
    ask: Ask,
    /// What in its address is not known.
    open: Option<String>,
    interface: Option<String>,
    /// The service that takes it; its own unit, if that starts one for each connection.
    unit: String,
}

impl Socket {
    /// The unit's number, which stays.
    pub(super) fn ask(&self) -> Ask {
        self.ask.clone()
    }

    pub(super) fn note(&self) -> Step {
        let open = self.open.iter().map(|open| format!("; its address is unknown: {open}"));
        Step::note(format!("systemd opens it and hands it over{}", open.collect::<String>()), self.at)
    }

    /// The listener of systemd itself.
    pub(super) fn listener(&self, ground: Ground<'_>) -> Listener {
        let interface = self.interface.clone().filter(|_| self.endpoint.transport() == Transport::Tcp);
        Listener {
            notes: vec![self.note()],
            interface,
            unit: Some(self.unit.clone()),
            ..ground.listener(self.endpoint.clone(), self.at, self.ask())
        }
    }
}

/// The sockets of the unit that is named as the command's.
pub(super) fn sockets(ground: Ground<'_>, command: &Command) -> Vec<Socket> {
    let Some(name) = command.name.strip_suffix(".service").filter(|_| command.starter == Starter::Unit)
    else {
        return Vec::new();
    };
    let unit = format!("{name}.socket");
    let beside = loose(ground, command.at.source);
    let of = |name: &str| {
        let beside = beside.map(|folder| folder.join(name)).filter(|path| ground.tree.entry(path).is_ok());
        beside.or_else(|| unit::file(ground.tree, name))
    };
    let template = || of(&unit::template_of(&unit)).filter(|_| unit.contains('@'));
    let path = of(&unit).or_else(template).filter(|path| !unit::is_off(ground.tree, path));
    let source = path.and_then(|path| ground.tree.read(ground.sources, &path).ok());
    source.map_or_else(Vec::new, |source| of_unit(ground, source, &unit))
}

/// The folder of a unit that lies where systemd does not look, as in a repository.
fn loose<'a>(ground: Ground<'a>, source: SourceId) -> Option<&'a Path> {
    let folder = ground.sources.get(source).path().and_then(Path::parent)?;
    (!PLACES.iter().any(|place| folder == Path::new(place))).then_some(folder)
}

/// An address that a socket unit opens is told once: by what takes it, whose own number does not count then, else by the unit.
pub(super) fn settle(listeners: &mut Vec<Listener>) {
    let is_unit = |listener: &Listener| listener.service == SYSTEMD;
    let by_number = take_by_number(listeners);
    listeners.retain(|it| !is_unit(it) || !by_number.contains(&(it.place, it.site, it.unit.clone())));
    // Addresses that are not known are one only where one line opens them.
    let socket = |it: &Listener| {
        let is_unknown = matches!(it.endpoint, Endpoint::Unknown(_));
        (it.place, it.endpoint.clone(), is_unknown.then_some(it.site))
    };
    let units = listeners.iter().filter(|it| is_unit(it)).map(|unit| (socket(unit), unit.clone()));
    let units: HashMap<_, Listener> = units.collect();
    let mut taken = HashSet::default();
    for other in listeners.iter_mut().filter(|it| !is_unit(it)) {
        let Some((socket, unit)) = units.get_key_value(&socket(other)) else { continue };
        taken.insert(socket);
        let named = other.unit.take().or_else(|| unit.unit.clone());
        if other.site == unit.site {
            other.interface.clone_from(&unit.interface);
        } else {
            let own = std::mem::replace(other, unit.clone());
            (other.hops, other.service, other.full) = (own.hops, own.service, own.full);
        }
        other.unit = named;
    }
    listeners.retain(|it| !is_unit(it) || !taken.contains(&socket(it)));
}

/// A program that listens itself on a descriptor asks for its own number: of its unit's sockets, which begin at 3
/// (sd_listen_fds(3)). What was taken so, by its place, its line and its service.
fn take_by_number(listeners: &mut [Listener]) -> HashSet<(PlaceId, Span, Option<String>)> {
    let mut units: HashMap<(PlaceId, String), Vec<Listener>> = HashMap::default();
    for unit in listeners.iter().filter(|it| it.service == SYSTEMD) {
        let service = unit.unit.clone().unwrap_or_default();
        units.entry((unit.place, service)).or_default().push(unit.clone());
    }
    let mut taken = HashSet::default();
    for other in listeners.iter_mut().filter(|it| matches!(it.endpoint, Endpoint::Unknown(_))) {
        let Some(name) = other.unit.clone().filter(|_| other.service != SYSTEMD) else { continue };
        let Some(sockets) = units.get(&(other.place, name)) else { continue };
        let said = |fd: i64| Bound::from(Why::Descriptor(fd)).notes;
        let fd = |note: &Step| {
            let fd = note.what.rsplit(' ').next()?.parse().ok()?;
            said(fd).contains(&note.what).then_some(fd)
        };
        let Some(fd) = other.notes.iter().find_map(fd) else { continue };
        let socket = usize::try_from(fd).ok().and_then(|fd| sockets.get(fd.checked_sub(3)?));
        let Some(socket) = socket else { continue };
        other.notes.retain(|note| !said(fd).contains(&note.what));
        other.notes.extend(socket.notes.iter().cloned());
        (other.endpoint, other.interface) = (socket.endpoint.clone(), socket.interface.clone());
        taken.insert((other.place, socket.site, other.unit.clone()));
    }
    taken
}

/// The service whose rows say what systemd itself asks for.
const SYSTEMD: &str = "systemd";

/// What systemd asks for without a `Backlog=`: the SOMAXCONN that it was built with, or all that there can be, in the releases
/// that `[reader]` says. Whoever has an old C library has an old systemd.
fn own(ground: Ground<'_>) -> Option<Ask> {
    let ground = Ground { service: ground.knowledge.service(SYSTEMD)?, ..ground };
    let release = |name: &str| Some(Version::parse(ground.service.reader.get(name)?.as_str()?)?.0);
    let (since, branch) = (release("most-since")?, release("most-in")?);
    let version = ground.version(Path::new(""));
    let is_less = match version {
        Some(version) => version < since && (version.major != branch.major || version < branch),
        None => ground.somaxconn().is_short(),
    };
    if is_less {
        return Some(ground.library_constant());
    }
    let mut ask = ground.own("backlog", version);
    if let Some(value) = ask.backlog.value.as_mut().filter(|_| version.is_none()) {
        value.kind = Kind::Assumed;
    }
    Some(ask)
}

/// The drop-ins of a unit in the order of their names; of two of one name the one that is nearest to the unit counts, and what
/// holds for all sockets counts least (systemd.unit(5)).
fn drop_ins(ground: Ground<'_>, source: SourceId, unit: &str) -> Vec<SourceId> {
    let mut by_name: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    let names = unit::dropin_names(unit);
    let places = || loose(ground, source).into_iter().chain(PLACES.iter().map(Path::new));
    let own = places().flat_map(|place| names.iter().map(move |name| place.join(name)));
    let of_all = places().map(|place| place.join("socket.d"));
    for folder in own.chain(of_all) {
        for name in ground.tree.list(&folder) {
            if Path::new(&name).extension().is_some_and(|it| it == "conf") {
                let path = folder.join(&name);
                by_name.entry(name).or_insert(path);
            }
        }
    }
    by_name.values().filter_map(|path| ground.tree.read(ground.sources, path).ok()).collect()
}

/// Whether a text may be edited: on a machine, what packages have is not.
fn is_own(ground: Ground<'_>, at: Span) -> bool {
    !ground.is_machine() || ground.sources.get(at.source).path().is_some_and(|path| path.starts_with("etc"))
}

/// The sockets of a unit's file and its drop-ins.
pub(super) fn of_unit(ground: Ground<'_>, source: SourceId, unit: &str) -> Vec<Socket> {
    let specifiers = Specifiers::of(unit, None, ground.sources.get(source).path());
    let mut read = Unit::default();
    for source in std::iter::once(source).chain(drop_ins(ground, source, unit)) {
        for entry in unit::entries(ground.sources, source).iter().filter(|it| *it.section == *"Socket") {
            read.take(entry, &specifiers);
        }
    }
    read.sockets(ground, unit)
}

/// A unit, as far as it is read.
#[derive(Default)]
struct Unit {
    /// What its lines open, and what in an address is not known.
    opens: Vec<(Endpoint, Span, Option<String>)>,
    backlog: Option<(i64, Text)>,
    only_6: bool,
    interface: Option<String>,
    service: Option<String>,
    accepts: bool,
}

impl Unit {
    fn take(&mut self, entry: &unit::Entry, specifiers: &Specifiers) {
        match (entry.key.as_str(), entry.value.as_str()) {
            // An empty one takes back those before it, of whatever kind.
            (key, "") if key.starts_with("Listen") => self.opens.clear(),
            (key @ ("ListenStream" | "ListenSequentialPacket"), _) => {
                let address = specifiers.replace(&entry.value);
                let open = address.open().map(str::to_owned);
                let endpoint = match open {
                    Some(_) if address.starts_with(['/', '@']) => Some(Endpoint::Unknown(Transport::Unix)),
                    Some(_) => Some(Endpoint::Unknown(Transport::Tcp)),
                    None => endpoint(&address),
                };
                let is_one = |it: &Endpoint| key == "ListenStream" || it.transport() == Transport::Unix;
                self.opens.extend(endpoint.filter(is_one).map(|it| (it, entry.value.whole(), open)));
            }
            ("Backlog", number) => {
                let number = unsigned(number).map(|number| (number.into(), entry.value.clone()));
                self.backlog = number.or(self.backlog.take());
            }
            ("Service", _) => {
                let service = specifiers.replace(&entry.value);
                self.service = service.strip_suffix(".service").map(str::to_owned);
            }
            ("Accept", answer) => self.accepts = boolean(answer).unwrap_or(self.accepts),
            ("BindIPv6Only", "ipv6-only") => self.only_6 = true,
            ("BindIPv6Only", "both" | "default") => self.only_6 = false,
            ("BindToDevice", "" | "*") => self.interface = None,
            ("BindToDevice", device) => self.interface = Some(device.to_owned()),
            _ => {}
        }
    }

    /// What it asks for, whichever socket it is.
    fn ask(&self, ground: Ground<'_>) -> Option<Ask> {
        if let Some((number, text)) = &self.backlog {
            let slot = text.exact().filter(|at| is_own(ground, *at)).map(Slot::replace);
            return Some(Ask::written(*number, "Backlog of the socket unit", text.whole()).with(slot));
        }
        // One line below the last one that opens a socket.
        let last = self.opens.iter().rev().map(|(_, at, _)| *at).find(|at| is_own(ground, *at));
        let slot = last.map(|at| Slot::insert(Span { start: at.end, ..at }, "\nBacklog=", ""));
        own(ground).map(|ask| ask.with(slot))
    }

    fn sockets(self, ground: Ground<'_>, name: &str) -> Vec<Socket> {
        let ask = self.ask(ground);
        let of_name = || name.strip_suffix(".socket").unwrap_or(name).to_owned();
        let unit = if self.accepts { name.to_owned() } else { self.service.unwrap_or_else(of_name) };
        let socket = |(endpoint, at, open): (Endpoint, Span, Option<String>)| {
            let ask = ask.clone().unwrap_or_else(|| Ask::handed(at));
            let endpoint = match endpoint {
                Endpoint::DualStack(port) if self.only_6 => Endpoint::tcp(Ipv6Addr::UNSPECIFIED.into(), port),
                endpoint => endpoint,
            };
            Socket { endpoint, at, ask, open, interface: self.interface.clone(), unit: unit.clone() }
        };
        self.opens.into_iter().map(socket).collect()
    }
}

/// A truth as systemd reads it (parse-util.c, parse_boolean); it ignores what is none.
fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}

/// A number without a sign as systemd reads it, in the bases of C, of `0b` and of `0o` (parse-util.c, safe_atou of 252).
fn unsigned(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let (digits, base) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (digits.get(2..)?, 16),
        [b'0', b'b', ..] => (digits.get(2..)?, 2),
        [b'0', b'o', ..] => (digits.get(2..)?, 8),
        [b'0', _, ..] => (digits, 8),
        _ => (digits, 10),
    };
    u32::from_str_radix(digits, base).ok().filter(|_| !digits.starts_with('+'))
}

/// A path, an abstract name, `ADDRESS:PORT`, or a port of every address. There is no port 0.
fn endpoint(address: &str) -> Option<Endpoint> {
    if address.starts_with(['/', '@']) {
        return Some(Endpoint::Unix(address.to_owned()));
    }
    let port = |text: &str| unsigned(text).and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
    if let Some(port) = port(address) {
        return Some(Endpoint::DualStack(port));
    }
    let (host, digits) = address.rsplit_once(':')?;
    let (port, inside) = (port(digits)?, host.strip_prefix('[').and_then(|it| it.strip_suffix(']')));
    match inside.map(str::parse::<Ipv6Addr>) {
        Some(address) => match address.ok()? {
            any if any.is_unspecified() => Some(Endpoint::DualStack(port)),
            address => Some(Endpoint::tcp(address.into(), port)),
        },
        None => Some(Endpoint::tcp(host.parse::<Ipv4Addr>().ok()?.into(), port)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Seen, Trial};
    use crate::model::Starter;

    const SOCKET: &str = "etc/systemd/system/app.socket";

    /// What a program in Python has that `app.service` starts.
    fn taken(socket: &str, program: &str) -> Seen {
        let trial = Trial::root("python", &[(SOCKET, socket), ("srv/app.py", program)]);
        let trial = trial.started_as("/usr/bin/python3 /srv/app.py", |command| {
            (command.starter, command.name) = (Starter::Unit, "app.service".into());
        });
        trial.read_with(&["systemd"])
    }

    #[test]
    fn a_program_that_listens_on_a_descriptor_asks_for_its_own() {
        let unit = "[Socket]\nListenStream=80\nListenStream=81\nBacklog=9\n";
        let on = |made: &str| taken(unit, &format!("import socket\nsocket.{made}.listen(33)\n")).rows();
        assert_eq!(on("socket(fileno=3)"), ["*:80 33", "*:81 9"]);
        assert_eq!(on("fromfd(4, socket.AF_INET6, socket.SOCK_STREAM)"), ["*:81 33", "*:80 9"]);
        assert_eq!(on("socket(fileno=5)"), ["? 33", "*:80 9", "*:81 9"]);
        assert_eq!(on("fromfd(3, socket.AF_INET, socket.SOCK_DGRAM)"), ["*:80 9", "*:81 9"]);
    }

    #[test]
    fn addresses_that_are_not_known_are_not_one() {
        let unit = "[Socket]\nListenStream=%v:80\nBacklog=9\n";
        let program = "import os, socket\ns = socket.socket()\ns.bind((os.environ['H'], 80))\ns.listen(33)\n";
        assert_eq!(taken(unit, program).rows(), ["? 33", "? 9"]);
    }

    #[test]
    fn instances_that_open_what_is_not_known_stay_two() {
        let template = "[Socket]\nListenStream=%v:80\nBacklog=9\n";
        let wants = "etc/systemd/system/sockets.target.wants";
        let trial = Trial::root("systemd", &[("etc/systemd/system/app@.socket", template)]);
        let trial =
            trial.with(&format!("{wants}/app@1.socket"), "").with(&format!("{wants}/app@2.socket"), "");
        assert_eq!(trial.read_with(&[]).rows(), ["? 9", "? 9"]);
    }

    #[test]
    fn a_repository_takes_a_number_where_it_is_written() {
        let unit = "[Socket]\nListenStream=80\nBacklog=128\n";
        let drop_in = ("deploy/app.socket.d/more.conf", "[Socket]\nBacklog=256\n");
        let seen = Trial::repository("systemd", &[("deploy/app.socket", unit)]).read();
        assert_eq!(seen.set(512).as_deref(), Some("[Socket]\nListenStream=80\nBacklog=512\n"));
        let seen = Trial::repository("systemd", &[("deploy/app.socket", unit), drop_in]).read();
        assert_eq!(seen.rows(), ["*:80 256"]);
        assert_eq!(seen.set(512).as_deref(), Some("[Socket]\nBacklog=512\n"));
        // On a machine, what packages have is not edited.
        let seen = Trial::root("systemd", &[("usr/lib/systemd/system/app.socket", unit)]).read();
        assert_eq!((seen.rows(), seen.set(512)), (vec!["*:80 128".to_owned()], None));
    }

    #[test]
    fn a_unit_that_is_switched_off_hands_over_nothing() {
        let unit = "[Socket]\nListenStream=80\nBacklog=9\n";
        let program = "import socket\nsocket.socket(fileno=3).listen(33)\n";
        let trial = Trial::root("python", &[(SOCKET, ""), ("usr/local/lib/systemd/system/app.socket", unit)]);
        let trial = trial.with("srv/app.py", program);
        let trial = trial.started_as("/usr/bin/python3 /srv/app.py", |command| {
            (command.starter, command.name) = (Starter::Unit, "app.service".into());
        });
        assert_eq!(trial.read_with(&["systemd"]).rows(), ["? 33"]);
    }
}
