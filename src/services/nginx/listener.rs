//! What the report is told of a socket of nginx's: its address, how its backlog comes about, and where it can be written.

use std::cmp::Reverse;

use super::super::{Ask, Bound, CUT, Ground, Why, by_name};
use super::address::Address;
use super::listen::{Listen, Module};
use super::pass::Passes;
use super::sockets::{MAX_SOCKETS, Shared, Sockets};
use super::walk::{Heard, Told};
use crate::model::{Apply, Endpoint, Hop, Listener, Step, Transport};
use crate::text::{HashMap, HashSet, Slot, Span, over};

/// Where the options of addresses will go if they are written: two listens of one address cannot both have any.
#[derive(Default)]
struct Claims<'t> {
    made: HashMap<(Module, &'t Address), &'t Heard>,
    /// Listens that cannot have any; a range of thousands of ports is looked at once.
    refused: HashSet<Span>,
}

/// Makes listeners of sockets.
pub(super) struct Listeners<'l, 't> {
    pub(super) ground: Ground<'l>,
    pub(super) told: &'t Told,
    pub(super) sockets: &'l Sockets<'t>,
    /// How often each `listen` is included.
    pub(super) uses: HashMap<Span, u32>,
    passes: Passes<'l, 't>,
}

impl<'l, 't> Listeners<'l, 't> {
    pub(super) fn of(ground: Ground<'l>, told: &'t Told, sockets: &'l Sockets<'t>) -> Self {
        if let Some(at) = sockets.cut {
            ground.sources.cut_off(at, over("addresses of one nginx", MAX_SOCKETS));
        }
        let mut uses = HashMap::default();
        for heard in &told.listens {
            *uses.entry(heard.listen.at).or_default() += 1;
        }
        Self { ground, told, sockets, uses, passes: Passes::of(ground, told) }
    }

    pub(super) fn all(&self) -> Vec<Listener> {
        let mut taken_in: HashMap<(Module, &Address), Vec<&Shared<'t>>> = HashMap::default();
        let mut own = Vec::new();
        for shared in self.sockets.all.iter().filter(|shared| !shared.datagram) {
            match self.sockets.taken_in(shared) {
                Some(wildcard) => {
                    taken_in.entry((shared.module, &wildcard.address)).or_default().push(shared)
                }
                None => own.push(shared),
            }
        }
        let mut claims = Claims::default();
        let listener = |shared: &&Shared<'t>| {
            let taken_in = taken_in.get(&(shared.module, &shared.address)).map_or(&[][..], Vec::as_slice);
            self.listener(shared, taken_in, &mut claims)
        };
        own.iter().filter_map(listener).collect()
    }

    fn listener(
        &self,
        shared: &Shared<'t>,
        taken_in: &[&Shared<'t>],
        claims: &mut Claims<'t>,
    ) -> Option<Listener> {
        let listen = shared.deciding()?;
        let ask = self.ask(listen).with(self.slot(shared, claims));
        Some(Listener {
            sockets: self.count(shared),
            apply: Apply::Reload,
            notes: self.notes(shared, taken_in),
            hops: self.hops(shared, taken_in),
            ..self.ground.listener(endpoint(shared), listen.at, ask)
        })
    }

    fn hops(&self, shared: &Shared<'t>, taken_in: &[&Shared<'t>]) -> Vec<Hop> {
        let heard = std::iter::once(&shared).chain(taken_in).flat_map(|shared| &shared.heard);
        self.passes.of_servers(self.ground, shared.module, heard.map(|heard| heard.server))
    }

    fn ask(&self, listen: &Listen) -> Ask {
        let Some(backlog) = listen.backlog else { return self.ground.own("backlog", None) };
        let asked = Ask::written(backlog.written, "backlog= of listen", backlog.at);
        asked.becomes(i64::from(backlog.passed), CUT)
    }

    /// One socket for each worker with reuseport (ngx_clone_listening in src/core/ngx_connection.c).
    fn count(&self, shared: &Shared<'_>) -> Option<u32> {
        match shared.options.and_then(|options| options.reuseport) {
            Some(_) if !self.told.alone => self.told.workers.number.map(|number| number.max(1)),
            _ => Some(1),
        }
    }

    /// Options may stand in one listen of an address, and give each of its addresses a socket: so they must go where none of
    /// these has options elsewhere or is taken in by a wildcard, and into a text that is included once.
    fn slot(&self, shared: &Shared<'t>, claims: &mut Claims<'t>) -> Option<Slot> {
        if let Some(options) = shared.options {
            return match options.backlog {
                _ if !self.is_used_once(options) => None,
                Some(backlog) => backlog.number.map(Slot::replace),
                None => options.room.map(append),
            };
        }
        if let Some(heard) = claims.made.get(&(shared.module, &shared.address)) {
            return self.room(heard);
        }
        let free = shared.heard.iter().filter(|heard| self.is_free(heard, claims)).copied();
        // The one with the most addresses, or some of them would be left without any.
        let heard = free.min_by_key(|heard| (heard.implicit, Reverse(heard.listen.addresses.len())))?;
        let addresses = heard.listen.addresses.iter();
        claims.made.extend(addresses.map(|address| ((shared.module, address), heard)));
        self.room(heard)
    }

    fn is_free(&self, heard: &Heard, claims: &mut Claims<'_>) -> bool {
        if claims.refused.contains(&heard.listen.at) {
            return false;
        }
        let alone = |address: &Address| {
            let shared = self.sockets.shared(&heard.listen, address);
            shared.is_some_and(|shared| shared.options.is_none() && self.sockets.taken_in(shared).is_none())
                && !claims.made.contains_key(&(heard.listen.module, address))
        };
        let free = self.is_used_once(&heard.listen) && heard.listen.addresses.iter().all(alone);
        if !free {
            claims.refused.insert(heard.listen.at);
        }
        free
    }

    fn is_used_once(&self, listen: &Listen) -> bool {
        self.uses.get(&listen.at) == Some(&1) && !self.told.circles.contains(&listen.at.source)
    }

    fn room(&self, heard: &Heard) -> Option<Slot> {
        if !heard.implicit {
            return heard.listen.room.map(append);
        }
        // The server's first line, indented one level deeper than the server.
        let at = heard.listen.at;
        let source = self.ground.sources.get(at.source);
        let position = self.ground.sources.position(at);
        let line = source.line(position.line);
        let indent = line.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let indent = String::from_utf8_lossy(line.get(..indent)?).into_owned();
        let after = Span { start: at.end, ..at };
        Some(Slot::insert(after, format!("\n{indent}    listen 80 backlog="), ";"))
    }

    fn notes(&self, shared: &Shared<'t>, taken_in: &[&Shared<'t>]) -> Vec<Step> {
        let Some(listen) = shared.deciding() else { return Vec::new() };
        let note = |what: String, at| Step { value: None, what, at };
        let mut notes = Vec::new();
        match &shared.address {
            Address::Name(name, _) => notes.extend(Bound::from(unresolved(name)).steps(listen.at)),
            Address::Tcp(socket) if socket.port() == 0 => {
                notes.extend(Bound::from(Why::AnyPort).steps(listen.at));
            }
            Address::Tcp(socket) => {
                let named = listen.named.iter().find(|named| named.address == socket.ip());
                notes.extend(named.map(|named| by_name(named, listen.at)));
            }
            Address::Unix(_) => {}
        }
        if shared.heard.iter().all(|heard| heard.implicit) {
            notes.push(note(
                "a server without listen: port 80 when root starts it, else 8000".into(),
                listen.at,
            ));
        }
        if let Some(reuseport) = listen.reuseport {
            notes.push(note("reuseport: every worker has a queue of its own".into(), reuseport));
            notes.extend(self.told.workers.at.map(|at| note("how many workers there are".into(), at)));
        }
        notes.extend(taken_in.iter().filter_map(|other| {
            let what = format!("{} has no socket of its own: this one serves it", other.address);
            Some(note(what, other.deciding()?.at))
        }));
        notes
    }
}

/// Another parameter, before the semicolon and any comment.
fn append(room: Span) -> Slot {
    Slot::insert(room, " backlog=", "")
}

fn endpoint(shared: &Shared<'_>) -> Endpoint {
    match &shared.address {
        Address::Unix(path) => Endpoint::Unix(String::from_utf8_lossy(path).into_owned()),
        Address::Tcp(socket) if socket.port() == 0 => Endpoint::Unknown(Transport::Tcp),
        Address::Tcp(socket)
            if socket.is_ipv6() && socket.ip().is_unspecified() && shared.is_dual_stack() =>
        {
            Endpoint::DualStack(socket.port())
        }
        Address::Tcp(socket) => Endpoint::tcp(socket.ip(), socket.port()),
        Address::Name(..) => Endpoint::Unknown(Transport::Tcp),
    }
}

fn unresolved(name: &[u8]) -> Why {
    let text = String::from_utf8_lossy(name).into_owned();
    match text.contains(['$', '{', '%', '<', '@']) {
        true => Why::Elsewhere(text),
        false => Why::Unresolved(text),
    }
}
