//! Which of HAProxy's many numbers a listener asks for (listener_backlog() in src/listener.c), down to the one that it works out
//! from the limit of open files.

use super::super::Ground;
use super::address::Address;
use super::bind::{Bind, Number};
use super::config::{Config, Proxy, Role, Taken};
use super::run::Run;
use crate::model::{Kind, Setting, Step, Value, Version};
use crate::text::Slot;

/// A limit that nobody set ends here since 3.1 (DEFAULT_MAXFD in include/haproxy/defaults.h).
const MOST_DESCRIPTORS: i64 = 1 << 20;
/// The first version that does so.
const HAS_MOST: Version = Version::new(3, 1, 0);
/// What HAProxy counts for itself (struct global in src/haproxy.c), and for its command line and the master's.
const OWN: i64 = 10;
const CLI: i64 = 10;
/// An event poll and the two ends of a pipe for each thread.
const PER_THREAD: i64 = 3;
/// What compute_ideal_maxconn() gives at least (DEFAULT_MAXCONN).
const LEAST_MAXCONN: i64 = 100;

/// A listener's number and how it comes about.
pub(super) struct Backlog {
    pub(super) setting: Setting,
    pub(super) steps: Vec<Step>,
}

/// One rung: a number that may decide, what it is called, and who wrote it for what.
struct Rung<'n> {
    number: &'n Number,
    what: String,
    kind: Kind,
    slot: Option<Slot>,
}

/// Works out the numbers of one HAProxy.
pub(super) struct Ladder<'a> {
    ground: Ground<'a>,
    config: &'a Config,
    run: &'a Run,
    version: Option<Version>,
    /// What HAProxy needs besides connections (global.maxsock).
    descriptors: i64,
    /// Some proxy passes data through pipes, which take descriptors too.
    splices: bool,
}

impl<'a> Ladder<'a> {
    pub(super) fn new(
        ground: Ground<'a>,
        config: &'a Config,
        run: &'a Run,
        version: Option<Version>,
    ) -> Self {
        let splices = config.proxies.iter().any(|proxy| proxy.splices && proxy.maxconn.is_none());
        Self { ground, config, run, version, descriptors: descriptors(config, run), splices }
    }

    /// That of a `bind` of a frontend, a listen, a log-forward or of peers.
    pub(super) fn of(&self, bind: &Bind, proxy: &Proxy) -> Backlog {
        let section = |taken: &Taken| {
            let own = || format!("{} {}", proxy.role.word(), proxy.name);
            taken.from.clone().unwrap_or_else(own)
        };
        let mut rungs = Vec::new();
        rungs.extend(own_backlog(bind));
        rungs.extend(proxy.backlog.as_ref().map(|taken| Rung {
            number: &taken.number,
            what: format!("backlog of {}", section(taken)),
            kind: Kind::Written,
            // A number that others take too is not changed for one of them.
            slot: taken.number.slot.clone().filter(|_| taken.from.is_none()),
        }));
        rungs.extend(own_maxconn(bind));
        rungs.extend(proxy.maxconn.as_ref().map(|taken| Rung {
            number: &taken.number,
            what: format!("maxconn of {}, for no backlog is written", section(taken)),
            kind: Kind::Default,
            slot: None,
        }));
        self.climb(bind, &rungs).unwrap_or_else(|| match proxy.role {
            Role::LogForward => self.fixed(bind, "log-forward-maxconn", 1, ""),
            Role::Peers => {
                let count = i64::try_from(proxy.peers.len()).unwrap_or(i64::MAX).max(1);
                self.fixed(bind, "peer-maxconn", count, ", for each peer of the section")
            }
            _ => self.of_global(bind),
        })
    }

    /// That of a socket for commands.
    pub(super) fn of_cli(&self, bind: &Bind) -> Backlog {
        let mut rungs = Vec::new();
        rungs.extend(own_backlog(bind));
        rungs.extend(own_maxconn(bind));
        rungs.extend(self.config.global.stats_maxconn.as_ref().map(|number| Rung {
            number,
            what: "stats maxconn of global".to_owned(),
            kind: Kind::Default,
            slot: None,
        }));
        self.climb(bind, &rungs).unwrap_or_else(|| self.fixed(bind, "cli-maxconn", 1, ""))
    }

    /// That of a socket of the master process, which no file has a word about.
    pub(super) fn of_master(&self, bind: &Bind) -> Backlog {
        self.fixed(bind, "cli-maxconn", 1, "")
    }

    /// The first number that is not 0.
    fn climb(&self, bind: &Bind, rungs: &[Rung<'_>]) -> Option<Backlog> {
        let rung = rungs.iter().find(|rung| rung.number.get != Some(0))?;
        let slot = rung.slot.clone().or_else(|| bind.room.clone());
        Some(match rung.number.get {
            Some(get) => known(Value { get, span: rung.number.at, kind: rung.kind }, rung.what.clone(), slot),
            None => {
                let what = format!("{}: the files do not tell its number", rung.what);
                unknown(vec![Step { value: None, what, at: rung.number.at }], slot)
            }
        })
    }

    /// A number of our own table, so many times.
    fn fixed(&self, bind: &Bind, name: &str, times: i64, why: &str) -> Backlog {
        let Some((value, step)) = self.ground.default(name, self.version) else {
            return unknown(Vec::new(), bind.room.clone());
        };
        let get = value.get.saturating_mul(times);
        known(Value { get, ..value }, format!("{}{why}", step.what), bind.room.clone())
    }

    /// What a proxy takes that sets nothing.
    fn of_global(&self, bind: &Bind) -> Backlog {
        let slot = || bind.room.clone();
        let told = |number: &Number, what: &str| {
            let rung = Rung { number, what: what.to_owned(), kind: Kind::Default, slot: None };
            self.climb(bind, &[rung])
        };
        if let Some(told) =
            self.run.proxy_maxconn.as_ref().and_then(|number| told(number, "-N of the command line"))
        {
            return told;
        }
        // Up to 1.9 a proxy has a number of its own; since then it is that of global.
        if let Some((value, step)) = self.ground.default("proxy-maxconn", self.version)
            && value.get != 0
        {
            return known(value, step.what, slot());
        }
        let command_line =
            self.run.maxconn.as_ref().and_then(|number| told(number, "-n of the command line"));
        let global = || {
            let number = self.config.global.maxconn.as_ref()?;
            told(number, "maxconn of global, for no backlog is written")
        };
        command_line.or_else(global).unwrap_or_else(|| self.automatic(bind))
    }

    /// compute_ideal_maxconn() in src/haproxy.c: two descriptors for each connection, of those that the process may have.
    fn automatic(&self, bind: &Bind) -> Backlog {
        if let Some(at) = self.run.memory {
            let what = "maxconn of global comes from the memory that -m allows".to_owned();
            return unknown(vec![Step { value: None, what, at }], bind.room.clone());
        }
        let mut steps = Vec::new();
        let Some(mut files) = self.open_files(&mut steps) else { return unknown(steps, bind.room.clone()) };
        if let Some(limit) = &self.config.global.descriptors {
            let Some(most) = limit.get else {
                let what = "fd-hard-limit: the files do not tell its number".to_owned();
                steps.push(Step { value: None, what, at: limit.at });
                return unknown(steps, bind.room.clone());
            };
            files = if most > 0 { files.min(most) } else { files };
            steps.push(Step { value: Some(files), what: "fd-hard-limit".into(), at: limit.at });
        } else if self.version.is_none_or(|version| version >= HAS_MOST) {
            files = files.min(MOST_DESCRIPTORS);
        }
        let left = files.saturating_sub(self.descriptors);
        let get = if self.splices { left.saturating_mul(2) / 5 } else { left / 2 }.max(LEAST_MAXCONN);
        let at = steps.last().map_or(bind.at, |step| step.at);
        let what = "maxconn that HAProxy works out of it, for no backlog and no maxconn is written, assumed";
        steps.push(Step { value: Some(get), what: what.into(), at });
        let value = Some(Value { get, span: at, kind: Kind::Assumed });
        Backlog { setting: Setting { value, slot: bind.room.clone() }, steps }
    }

    /// The hard limit of open files.
    fn open_files(&self, steps: &mut Vec<Step>) -> Option<i64> {
        if let Some(limit) = &self.run.open_files {
            let what = "the hard limit of open files of its unit".to_owned();
            steps.push(Step { value: Some(limit.get), what, at: limit.span });
            return Some(limit.get);
        }
        let default = self.ground.service.default("open-files")?;
        let what = "the hard limit of open files that systemd sets, assumed".to_owned();
        steps.push(Step { value: Some(default.get), what, at: default.span });
        Some(default.get)
    }
}

fn descriptors(config: &Config, run: &Run) -> i64 {
    let global = &config.global;
    let of = |binds: &[Bind]| {
        let addresses = binds.iter().filter_map(|bind| bind.addresses.as_ref()).flatten();
        addresses.map(Address::sockets).fold(0, i64::saturating_add)
    };
    let listeners =
        config.proxies.iter().map(|proxy| of(&proxy.binds)).fold(of(&global.stats), i64::saturating_add);
    let master = run.master || global.master;
    let cli = if global.stats_is_used || master { CLI } else { 0 };
    let sockets = i64::from(master) + i64::try_from(run.sockets.len()).unwrap_or(0) * (CLI + 1);
    let threads = global.threads.as_ref().and_then(|threads| threads.get).unwrap_or(1);
    let peers = config.proxies.iter().map(|proxy| proxy.peers.len()).sum::<usize>();
    [OWN, listeners, cli, sockets, threads.saturating_mul(PER_THREAD), config.checks]
        .into_iter()
        .fold(i64::try_from(peers).unwrap_or(0).saturating_mul(3), i64::saturating_add)
}

fn own_backlog(bind: &Bind) -> Option<Rung<'_>> {
    let number = bind.backlog.as_ref()?;
    Some(Rung { number, what: "backlog of bind".into(), kind: Kind::Written, slot: number.slot.clone() })
}

fn own_maxconn(bind: &Bind) -> Option<Rung<'_>> {
    let number = bind.maxconn.as_ref()?;
    let what = "maxconn of bind, for no backlog is written".to_owned();
    Some(Rung { number, what, kind: Kind::Default, slot: None })
}

fn known(value: Value<i64>, what: String, slot: Option<Slot>) -> Backlog {
    let steps = vec![Step { value: Some(value.get), what, at: value.span }];
    Backlog { setting: Setting { value: Some(value), slot }, steps }
}

fn unknown(steps: Vec<Step>, slot: Option<Slot>) -> Backlog {
    Backlog { setting: Setting { value: None, slot }, steps }
}
