//! What would put it right: wants that can be met in the audited files, and the commands that bring them in.

use super::facts::{Facts, LONG_ENOUGH, Socket};
use super::upstream_shorter::is_short;
use crate::kernel::listen;
use crate::knowledge::ApplyCommands;
use crate::model::{Apply, Endpoint, Fix, PlaceId, Safety, Target, Transport, Version, Want, key, shell};

impl Facts<'_> {
    /// The sysctl, if a line in these files decides it: there may be no sysctl files at all (a repository), and what a flag
    /// sets no file changes.
    pub(super) fn settable(&self, place: PlaceId, key: &str) -> Option<Target> {
        let sysctl = self.host.place(place)?.sysctls.get(key)?;
        let forced = sysctl.value.as_ref().is_some_and(|value| self.is_told(value.span));
        (sysctl.slot.is_some() && !forced).then(|| Target::Sysctl { place, key: key.to_owned() })
    }

    pub(super) fn sysctl_at_least(&self, place: PlaceId, key: &str, value: i64) -> Option<Want> {
        self.settable(place, key).map(|target| Want::AtLeast { target, value })
    }

    /// What has to be raised for an accept queue of `length`: the program's number, somaxconn, and without SYN cookies
    /// tcp_max_syn_backlog, which would be short then; and the number of what it passes on to, where that would be too short
    /// for it then. `None` if one of its own cannot be.
    pub(super) fn lengthen(&self, socket: &Socket<'_>, length: i64) -> Option<Vec<Want>> {
        let place = socket.listener.place;
        let version = self.host.place(place)?.kernel.version.get;
        let mut wants: Vec<Want> = self.raised(socket.index, length)?.into_iter().collect();
        if self.sysctl(place, key::SOMAXCONN)?.1.get < length {
            wants.push(self.sysctl_at_least(place, key::SOMAXCONN, length)?);
        }
        if let Some(needed) = self.syn_backlog_for(place, length) {
            wants.push(self.sysctl_at_least(place, key::MAX_SYN_BACKLOG, needed)?);
        }
        if wants.is_empty() || !holdable(version, length) {
            return None;
        }
        wants.extend(self.behind(socket.index, length));
        Some(wants)
    }

    /// The fix that makes a queue as long; `whose` follows the number that is asked for.
    pub(super) fn lengthened(&self, socket: &Socket<'_>, length: i64, whose: String) -> Option<Fix> {
        let set = self.lengthen(socket, length)?;
        let (title, then) = match set.first() {
            Some(Want::AtLeast { target: Target::Backlog { .. }, .. }) => {
                (format!("ask for {length}{whose}"), self.after_backlog(socket))
            }
            _ => (format!("raise {} to {length}", key::SOMAXCONN), self.after_somaxconn(socket)),
        };
        Some(self.with_others(socket, Fix { title, safety: Safety::Unsafe, set, then }))
    }

    /// The program's own number, if it is less: nothing, or what is to be raised. `None` if nothing in the files raises it.
    fn raised(&self, listener: usize, length: i64) -> Option<Option<Want>> {
        let requested = self.queues.get(listener)?.requested;
        if !requested.is_some_and(|asked| (0..length).contains(&asked)) {
            return Some(None);
        }
        self.host.listeners.get(listener)?.backlog.slot.as_ref()?;
        Some(Some(Want::AtLeast { target: Target::Backlog { listener }, value: length }))
    }

    /// What stands behind a listener and would be too short for one of `length`.
    fn behind(&self, listener: usize, length: i64) -> Vec<Want> {
        let (mut reached, mut wants) = (vec![listener], Vec::new());
        let mut next = 0;
        while let Some(from) = reached.get(next).copied() {
            next += 1;
            for link in self.links_from(from) {
                let back = self.host.listeners.get(link.to);
                let limit = self.queues.get(link.to).and_then(|queue| queue.limit);
                let short = back.zip(limit).is_some_and(|(back, limit)| is_short(back, limit, length));
                if short && !reached.contains(&link.to) {
                    reached.push(link.to);
                    wants.extend(self.raised(link.to, length.min(LONG_ENOUGH)).flatten());
                }
            }
        }
        wants
    }

    /// The tcp_max_syn_backlog that keeps as many half-open connections as an accept queue of `length` has room for, if
    /// the one in force does not.
    pub(super) fn syn_backlog_for(&self, place: PlaceId, length: i64) -> Option<i64> {
        let version = self.host.place(place)?.kernel.version.get;
        let (_, in_force) = self.sysctl(place, key::MAX_SYN_BACKLOG)?;
        let (_, cookies) = self.sysctl(place, key::SYNCOOKIES)?;
        let needed = syn_backlog_enough(version, length);
        (cookies.get == 0 && in_force.get < needed).then_some(needed)
    }

    /// A fix that changes the numbers of other programs too says so, and brings them in as well.
    pub(super) fn with_others(&self, socket: &Socket<'_>, mut fix: Fix) -> Fix {
        let mut titles: Vec<&str> = Vec::new();
        for want in &fix.set {
            let Want::AtLeast { target: Target::Backlog { listener }, .. } = want else { continue };
            let other = self.host.listeners.get(*listener).zip(self.queues.get(*listener));
            let Some((other, queue)) = other.filter(|_| *listener != socket.index) else { continue };
            let other = Socket { index: *listener, listener: other, queue };
            let title = self.title(&other);
            if !titles.contains(&title) {
                titles.push(title);
            }
            let commands =
                self.after_backlog(&other).into_iter().filter(|command| !fix.then.contains(command));
            fix.then.extend(commands.collect::<Vec<_>>());
        }
        if !titles.is_empty() {
            fix.title.push_str(&format!(", and in {} behind it", titles.join(", ")));
        }
        fix
    }

    /// Commands after a change of the program's own number.
    pub(super) fn after_backlog(&self, socket: &Socket<'_>) -> Vec<String> {
        let Some(commands) = self.service(socket).map(|service| &service.apply) else {
            return vec![look(socket)];
        };
        if let Some(restart) = self.socket_unit(socket) {
            return vec![restart, look(socket)];
        }
        let path = self.path(socket);
        let reload = commands.reload_at(&path).filter(|_| socket.listener.apply == Apply::Reload);
        let apply = self.started_by(socket, reload.unwrap_or_else(|| commands.restart_at(&path)));
        commands.check_at(&path).into_iter().chain([apply, look(socket)]).collect()
    }

    /// Opens anew what systemd opens. It goes on with its socket until then, and that is not done while the service runs.
    fn socket_unit(&self, socket: &Socket<'_>) -> Option<String> {
        let name = self.sources.get(socket.listener.site.source).path()?.file_name()?.to_str()?;
        let name = name.strip_suffix(".socket")?;
        let unit = socket.listener.unit.as_deref();
        // A template is restarted by its instances.
        let instance = unit.filter(|unit| unit.starts_with(name));
        let name = if name.ends_with('@') { instance?.trim_end_matches(".socket") } else { name };
        ApplyCommands::restart_socket(name, unit.unwrap_or(name))
    }

    /// Commands after a change of somaxconn: only a restart makes a program call listen(2) with the number that it had.
    pub(super) fn after_somaxconn(&self, socket: &Socket<'_>) -> Vec<String> {
        if let Some(restart) = self.socket_unit(socket) {
            return vec![restart, look(socket)];
        }
        let service = self.service(socket);
        let path = self.path(socket);
        // A restart stops the program first: what its own check refuses would not come up again.
        let check = service.and_then(|service| service.apply.check_at(&path));
        let restart = service.map(|service| service.apply.restart_at(&path));
        let restart = restart.map(|restart| self.started_by(socket, restart));
        check.into_iter().chain(restart).chain([look(socket)]).collect()
    }

    /// The command as it is where a unit starts the program, or OpenRC the service (rc-service(8)).
    fn started_by(&self, socket: &Socket<'_>, command: String) -> String {
        let unit = socket.listener.unit.as_deref().filter(|_| command.starts_with("# restart "));
        let command = unit.and_then(ApplyCommands::restart_unit).unwrap_or(command);
        let openrc = self.host.place(socket.listener.place).is_some_and(|place| place.openrc);
        let words = command.strip_prefix("systemctl ").and_then(|words| words.split_once(' '));
        match words.filter(|_| openrc) {
            Some((verb, name)) => format!("rc-service {} {verb}", name.trim_end_matches(".service")),
            None => command,
        }
    }

    /// The path of the file that opens a socket.
    fn path(&self, socket: &Socket<'_>) -> String {
        let path = self.sources.get(socket.listener.site.source).path();
        path.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// A fix that changes one sysctl and needs no restart: these are read for every packet.
pub(super) fn switch(title: String, want: Option<Want>) -> Option<Fix> {
    Some(Fix { title, safety: Safety::Unsafe, set: vec![want?], then: Vec::new() })
}

/// Whether this kernel can hold a queue of this length: before 4.1 its field has 16 bits.
pub(super) fn holdable(version: Version, length: i64) -> bool {
    listen::accept_queue(version, length, length).capped_by.is_none()
}

/// The least tcp_max_syn_backlog that leaves room for `limit` half-open connections while there are no cookies.
pub(super) fn syn_backlog_enough(version: Version, limit: i64) -> i64 {
    let fits = |most| listen::syn_queue(version, limit, Some(most), 0).limit >= Some(limit);
    // The number of entries never falls as tcp_max_syn_backlog grows.
    let (mut short, mut enough) = (-1, i64::from(i32::MAX));
    while enough - short > 1 {
        let middle = short + (enough - short) / 2;
        if fits(middle) { enough = middle } else { short = middle }
    }
    enough
}

/// Shows the queue of the running listener.
fn look(socket: &Socket<'_>) -> String {
    match &socket.listener.endpoint {
        Endpoint::Tcp(address) => format!("ss -lnt 'sport = :{}'", address.port()),
        Endpoint::DualStack(port) => format!("ss -lnt 'sport = :{port}'"),
        Endpoint::Unix(path) => match shell::argument(path) {
            Some(path) => format!("ss -lx | grep -F {path}"),
            None => shell::comment("ss -lx shows", path),
        },
        Endpoint::Unknown(Transport::Tcp) => "ss -lnt".to_owned(),
        Endpoint::Unknown(Transport::Unix) => "ss -lx".to_owned(),
    }
}
