//! The sockets of one PHP-FPM's pools, and what it refuses once it has read them (fpm_conf_process_all_pools in
//! sapi/fpm/fpm/fpm_conf.c).

use std::collections::HashMap;

use super::super::Ground;
use super::address::{self, Address};
use super::walk::{Given, Pool};
use super::{labelled, lost};
use crate::model::{
    Endpoint, Kind, Listener, Problem, ProblemKind, ReadAs, Setting, Step, Transport, Value, Version,
};
use crate::syntax::number::atoi;
use crate::text::{Slot, Span};

/// A socket that is bound.
struct Bound {
    /// As written.
    listen: String,
    at: Span,
    endpoint: Endpoint,
}

pub(super) struct Pools<'a> {
    ground: Ground<'a>,
    version: Option<Version>,
    prefix: String,
    /// All files of it are known, so what is missing is missing.
    whole: bool,
    pub(super) as_root: bool,
    /// By the port or path that only one of them can have, or several on different addresses.
    bound: HashMap<String, Vec<Bound>>,
    pub(super) listeners: Vec<Listener>,
}

type Checked = Result<(), Problem>;

impl<'a> Pools<'a> {
    pub(super) fn new(ground: Ground<'a>, version: Option<Version>, prefix: String, whole: bool) -> Self {
        Self { ground, version, prefix, whole, as_root: false, bound: HashMap::new(), listeners: Vec::new() }
    }

    /// All listeners, and the first thing that PHP-FPM would refuse.
    pub(super) fn open(&mut self, pools: &[Pool]) -> Checked {
        let mut checked = Ok(());
        for pool in pools {
            let own = self.check(pool);
            checked = checked.and(own);
            let bound = self.pool(pool);
            checked = checked.and(bound);
        }
        // They are made after all others.
        for pool in pools {
            let status = self.status(pool);
            checked = checked.and(status);
        }
        if self.whole && pools.is_empty() {
            return checked.and(Err(lost(self.ground, "no pool is defined", self.top())));
        }
        checked
    }

    fn top(&self) -> Span {
        Span::top(self.ground.service.source)
    }

    /// What a pool must have.
    fn check(&self, pool: &Pool) -> Checked {
        if !self.whole {
            return Ok(());
        }
        let missing = |key: &str| {
            let message = format!("pool {} has no {key}", pool.name);
            Err(lost(self.ground, message, pool.at))
        };
        self.prefix_is_there(pool)?;
        if self.as_root && pool.get("user").is_none() && !self.may_be_root() {
            return missing("user");
        }
        if pool.get("listen").is_none_or(|listen| listen.text.is_empty() && listen.open.is_none()) {
            return missing("listen");
        }
        let Some(manager) = pool.get("pm") else { return missing("pm") };
        let Some(children) = number(pool, "pm.max_children") else { return Ok(()) };
        if children < 1 {
            return missing("pm.max_children above 0");
        }
        match manager.text.eq_ignore_ascii_case("dynamic") {
            true => self.spare_servers(pool, children),
            false => Ok(()),
        }
    }

    fn may_be_root(&self) -> bool {
        let allowed = |text: &str| text == "-R" || text == "--allow-to-run-as-root";
        self.ground.started().any(|(_, words)| words.iter().any(|word| allowed(&word.text)))
    }

    fn prefix_is_there(&self, pool: &Pool) -> Checked {
        let Some(prefix) = pool.get("prefix").filter(|prefix| prefix.open.is_none()) else { return Ok(()) };
        let tree = self.ground.tree;
        let path = std::path::Path::new(&prefix.text);
        let known = self.ground.read_as == ReadAs::Root
            && path.is_absolute()
            && path.parent().is_some_and(|parent| parent.parent().is_some() && tree.is_folder(parent));
        match known && !tree.is_folder(path) {
            true => Err(lost(self.ground, format!("there is no folder {}", prefix.text), prefix.at)),
            false => Ok(()),
        }
    }

    fn spare_servers(&self, pool: &Pool, children: i32) -> Checked {
        let names = ["pm.min_spare_servers", "pm.max_spare_servers", "pm.start_servers"];
        let [Some(least), Some(most), Some(start)] = names.map(|name| number(pool, name)) else {
            return Ok(());
        };
        let refused = |what: &str| {
            let at = pool.get("pm").map_or(pool.at, |manager| manager.at);
            Err(lost(self.ground, format!("pool {}: {what}", pool.name), at))
        };
        match () {
            () if least <= 0 => refused("pm = dynamic wants a pm.min_spare_servers above 0"),
            () if most <= 0 => refused("pm = dynamic wants a pm.max_spare_servers above 0"),
            () if least > children || most > children => {
                refused("pm.min_spare_servers or pm.max_spare_servers is above pm.max_children")
            }
            () if most < least => refused("pm.max_spare_servers is below pm.min_spare_servers"),
            () if start > 0 && !(least..=most).contains(&start) => {
                refused("pm.start_servers is not between pm.min_spare_servers and pm.max_spare_servers")
            }
            () => Ok(()),
        }
    }

    /// The socket of a pool. In a file that some other PHP-FPM reads, `listen` may stand elsewhere.
    fn pool(&mut self, pool: &Pool) -> Checked {
        let Some(listen) = pool.get("listen").filter(|given| given.open.is_some() || !given.text.is_empty())
        else {
            if let Some(backlog) = pool.get("listen.backlog").filter(|_| !self.whole) {
                let mut listener = self.listener(Endpoint::Unknown(Transport::Tcp), backlog.at);
                let what = format!("the listen of pool {} stands in another file", pool.name);
                listener.notes.push(Step { value: None, what, at: pool.at });
                self.backlog(pool, None, &mut listener);
                self.listeners.push(listener);
            }
            return Ok(());
        };
        let Some(mut listener) = self.bind(pool, listen)? else { return Ok(()) };
        self.backlog(pool, Some(listen), &mut listener);
        if let Some((given, children)) = pool.get("pm.max_children").zip(number(pool, "pm.max_children")) {
            let what = "pm.max_children: so many requests are worked on at once, the others wait here".into();
            listener.notes.push(Step { value: Some(i64::from(children)), what, at: given.at });
        }
        self.listeners.push(listener);
        Ok(())
    }

    /// The pool that answers for `pm.status_listen`. Nothing sets its backlog.
    fn status(&mut self, pool: &Pool) -> Checked {
        let Some(listen) = pool.get("pm.status_listen").filter(|given| !given.text.is_empty()) else {
            return Ok(());
        };
        let Some(mut listener) = self.bind(pool, listen)? else { return Ok(()) };
        let default = self.ground.default("backlog", self.version);
        listener.steps.extend(default.iter().map(|(_, step)| step.clone()));
        listener.backlog.value = default.map(|(value, _)| value);
        listener.internal = true;
        let what = "pm.status_listen: nothing sets the backlog of this socket".into();
        listener.notes.push(Step { value: None, what, at: listen.at });
        self.listeners.push(listener);
        Ok(())
    }

    fn listener(&self, endpoint: Endpoint, site: Span) -> Listener {
        Listener::new(&self.ground.service.name, self.ground.place, endpoint, site)
    }

    /// The socket of one address, unless it is one that another pool has already.
    fn bind(&mut self, pool: &Pool, listen: &Given) -> Result<Option<Listener>, Problem> {
        let unknown = |what: String| {
            let mut listener = self.listener(Endpoint::Unknown(transport_of(&listen.text)), listen.at);
            listener.notes.push(Step { value: None, what, at: listen.at });
            Ok(Some(listener))
        };
        if let Some(name) = &listen.open {
            return unknown(format!("nothing in this tree says what {name} is"));
        }
        let prefix = pool.get("prefix").map_or(self.prefix.as_str(), |prefix| prefix.text.as_str());
        let endpoint = match address::of(self.ground, &listen.text, prefix) {
            Address::At(endpoint) => endpoint,
            Address::Named(host) => {
                return unknown(format!("nothing in this tree says which address {host} is"));
            }
            Address::Refused(why) => return Err(lost(self.ground, why, listen.at)),
        };
        let bound = Bound { listen: listen.text.clone(), at: listen.at, endpoint: endpoint.clone() };
        let place = endpoint.port().map_or_else(|| endpoint.to_string(), |port| port.to_string());
        let taken = self.bound.entry(place).or_default();
        for first in taken.iter() {
            let same = first.listen == bound.listen;
            if !same && first.endpoint == endpoint {
                return Ok(None);
            }
            if same || first.endpoint.collides(&endpoint) {
                let message = format!("{endpoint} is in use by another of its pools");
                let conflict = self.ground.problem(ProblemKind::Conflict, message, listen.at);
                return Err(labelled(conflict, first.at, "it is bound here first"));
            }
        }
        taken.push(bound);
        Ok(Some(self.listener(endpoint, listen.at)))
    }

    fn backlog(&self, pool: &Pool, listen: Option<&Given>, listener: &mut Listener) {
        let default = self.ground.default("backlog", self.version);
        let floor = pool.get("pm").is_some_and(|manager| manager.text.eq_ignore_ascii_case("ondemand"));
        let Some(given) = pool.get("listen.backlog") else {
            listener.steps.extend(default.iter().map(|(_, step)| step.clone()));
            let slot = listen.map(|listen| self.line_after(listen));
            listener.backlog = Setting { value: default.map(|(value, _)| value), slot };
            return;
        };
        if let Some(name) = &given.open {
            let what = format!("listen.backlog: nothing in this tree says what {name} is");
            listener.steps.push(Step { value: None, what, at: given.at });
            return;
        }
        let number = i64::from(atoi(&given.text));
        listener.steps.push(Step { value: Some(number), what: "listen.backlog".into(), at: given.at });
        let spelt = given.exact && given.text == number.to_string();
        listener.backlog = Setting {
            value: Some(Value::written(number, given.at)),
            slot: spelt.then(|| Slot::replace(given.at)),
        };
        if let Some((value, _)) = default.filter(|(value, _)| floor && number < value.get) {
            let assumed = if value.kind == Kind::Assumed { ", assumed" } else { "" };
            let what = format!("pm = ondemand raises it to the built-in default{assumed}");
            listener.steps.push(Step { value: Some(value.get), what, at: value.span });
            listener.backlog = Setting { value: Some(value), slot: None };
        }
    }

    /// A line of its own after the one that says `listen`.
    fn line_after(&self, listen: &Given) -> Slot {
        let line = self.ground.sources.slice(listen.line);
        let at = Span { start: listen.line.end, ..listen.line };
        let crlf = line.ends_with(b"\r\n");
        match line.ends_with(b"\n") {
            true => Slot::insert(at, "listen.backlog = ", if crlf { "\r\n" } else { "\n" }),
            false => Slot::insert(at, "\nlisten.backlog = ", ""),
        }
    }
}

/// A number as PHP-FPM has it, 0 where nothing sets it; `None` where it is not known.
fn number(pool: &Pool, key: &str) -> Option<i32> {
    match pool.get(key) {
        Some(given) if given.open.is_some() => None,
        Some(given) => Some(atoi(&given.text)),
        None => Some(0),
    }
}

fn transport_of(listen: &str) -> Transport {
    if listen.contains('/') { Transport::Unix } else { Transport::Tcp }
}
