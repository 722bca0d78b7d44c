//! What the report is told of Apache's sockets: how their one backlog comes about, where it can be written, and where requests
//! are passed on to.

use super::super::Ground;
use super::hops::Pass;
use super::sockets::{Count, Note, Socket, Sockets};
use super::told::{Backlog, Listen, Told, VirtualHost};
use crate::model::{Apply, Endpoint, Hop, Listener, Setting, Step, Transport, Value, Version};
use crate::text::{Slot, Span};

pub(super) struct Listeners<'l, 't> {
    pub(super) ground: Ground<'l>,
    pub(super) version: Option<Version>,
    pub(super) told: &'t Told,
    pub(super) sockets: &'l Sockets<'t>,
}

impl Listeners<'_, '_> {
    pub(super) fn all(&self) -> Vec<Listener> {
        let (setting, steps) = self.backlog();
        let made = |socket: &Socket<'_>| Listener {
            backlog: setting.clone(),
            steps: steps.clone(),
            sockets: (socket.count == Count::One).then_some(1),
            apply: Apply::Restart,
            notes: self.notes(socket),
            hops: self.hops(socket),
            ..self.listener(socket.endpoint.clone(), socket.listen.at)
        };
        let mut all: Vec<Listener> = self.sockets.all.iter().map(made).collect();
        // Nobody starts an Apache that listens nowhere.
        if !all.is_empty() {
            all.extend(self.told.cgid.and_then(|at| self.cgid(at)));
        }
        all
    }

    fn listener(&self, endpoint: Endpoint, site: Span) -> Listener {
        Listener::new(&self.ground.service.name, self.ground.place, endpoint, site)
    }

    /// The last number that was read, and the steps to it.
    fn backlog(&self) -> (Setting, Vec<Step>) {
        let Some(last) = self.told.backlogs.last() else {
            let default = self.ground.default("backlog", self.version);
            let (value, step) = default.unzip();
            return (Setting { value, slot: self.room() }, step.into_iter().collect());
        };
        let Backlog { at, word, number, .. } = last;
        match number {
            Ok(number) => {
                let span = word.span().unwrap_or(*at);
                let plain = word.bytes() == number.to_string().as_bytes();
                // `0640` is the value too; `1k` is not.
                let is_value = word.show().parse() == Ok(*number);
                let slot = word.span().filter(|_| is_value).map(Slot::replace);
                let mut steps = vec![Step { value: Some(*number), what: "ListenBacklog".into(), at: span }];
                if span.source != at.source || !at.contains(span) {
                    steps.push(Step { value: Some(*number), what: "ListenBacklog takes it".into(), at: *at });
                    steps
                        .first_mut()
                        .into_iter()
                        .for_each(|step| step.what = "what the variable is set to".into());
                } else if !plain {
                    let text = word.show();
                    steps
                        .iter_mut()
                        .for_each(|step| step.what = format!("ListenBacklog {text}, as a number"));
                }
                (Setting { value: Some(Value::written(*number, span)), slot }, steps)
            }
            Err(why) => (Setting::default(), vec![Step { value: None, what: why.clone(), at: *at }]),
        }
    }

    /// A line before the first Listen that is read for certain.
    fn room(&self) -> Option<Slot> {
        let certain = |listen: &&Listen| listen.room && listen.only_if.is_none();
        let may = |listen: &&Listen| listen.room;
        let listens = || self.told.listens.iter();
        let at = listens().find(certain).or_else(|| listens().find(may))?.at;
        let source = self.ground.sources.get(at.source);
        let line = self.ground.sources.position(at).line;
        let start = source.start_of(line);
        let indent = source.bytes().get(start..at.start as usize)?;
        let is_blank = indent.iter().all(|byte| matches!(byte, b' ' | b'\t'));
        let rest = source.bytes().get(at.end as usize..)?;
        let end = if rest.starts_with(b"\r\n") { "\r\n" } else { "\n" };
        let after = format!("{end}{}", String::from_utf8_lossy(indent));
        is_blank.then(|| Slot::insert(at, "ListenBacklog ", after))
    }

    fn notes(&self, socket: &Socket<'_>) -> Vec<Step> {
        let at = socket.listen.at;
        let note = |what: String, at| Step { value: None, what, at };
        let mut notes = Vec::new();
        notes.extend(
            socket
                .listen
                .only_if
                .iter()
                .map(|what| note(format!("only where {what}, which these files do not tell"), at)),
        );
        notes.extend(match &socket.note {
            Some(Note::Named(named)) => Some(match named.at {
                Some(line) => note("the address of the name, as etc/hosts gives it".into(), line),
                None => note("assumed: localhost is 127.0.0.1 and ::1".into(), at),
            }),
            Some(Note::Unresolved(name)) => {
                Some(note(format!("{name} is not in etc/hosts: Apache asks the resolver when it starts"), at))
            }
            Some(Note::Unknown(why)) => Some(note(why.clone(), at)),
            None => None,
        });
        if let Some(ratio) = self.told.ratio {
            notes.push(match socket.count {
                Count::Further => note(
                    "ListenCoresBucketsRatio: one for every further share of the processors, none where there is only one".into(),
                    ratio,
                ),
                _ => note("ListenCoresBucketsRatio: every share of the processors has a queue of its own".into(), ratio),
            });
        }
        let last = self.told.backlogs.last();
        notes.extend(last.and_then(|last| {
            let what = last.only_if.as_ref()?;
            Some(note(format!("the number is so only where {what}, which these files do not tell"), last.at))
        }));
        let before = self.told.backlogs.len().saturating_sub(1);
        let overridden = self.told.backlogs.iter().take(before).map(|backlog| backlog.at);
        notes.extend(overridden.take(3).map(|at| note("a later ListenBacklog takes its place".into(), at)));
        notes
    }

    /// What the VirtualHosts of a socket pass on, and what all of them inherit.
    fn hops(&self, socket: &Socket<'_>) -> Vec<Hop> {
        let here = |host: &&VirtualHost| {
            host.answers.iter().any(|answers| answers.takes(socket.address, socket.port))
        };
        let own = self.told.hosts.iter().filter(here).flat_map(|host| &host.passes);
        let mut hops: Vec<Hop> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for pass in own.chain(&self.told.passes) {
            let members = match pass {
                Pass::Balancer(name) => self.told.balancers.get(name).map_or(&[][..], Vec::as_slice),
                Pass::To(_) => std::slice::from_ref(pass),
            };
            for member in members {
                if let Pass::To(hop) = member
                    && seen.insert(format!("{:?}", hop.to))
                {
                    hops.push(hop.clone());
                }
            }
        }
        hops
    }

    /// The socket of mod_cgid's daemon.
    fn cgid(&self, at: Span) -> Option<Listener> {
        let (value, step) = self.ground.default("cgid-backlog", self.version)?;
        let what = "the socket of mod_cgid: ScriptSock, and the number of the process after it".into();
        Some(Listener {
            backlog: Setting { value: Some(value), slot: None },
            steps: vec![step],
            notes: vec![Step { value: None, what, at }],
            internal: true,
            ..self.listener(Endpoint::Unknown(Transport::Unix), at)
        })
    }
}
