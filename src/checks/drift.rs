//! A running socket beside what the files say of it: does its limit come from them, and if not, what has changed since.

use std::collections::BTreeSet;

use super::facts::{Facts, Socket};
use super::running::Live;
use crate::kernel::listen;
use crate::model::{Sysctl, Value, key};

/// What stands against what, as limits that ss would show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// On the running machine.
    pub(super) running: i64,
    /// What the program asks for by its files.
    pub(super) asked: i64,
    /// What it would get if it listened now.
    pub(super) now: i64,
    /// What it will get after the next boot.
    pub(super) next_boot: i64,
}

/// What has changed since the program listened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// It would get more now; whatever was raised, it has not listened again since.
    NotListenedAgain,
    /// The file that names its backlog was written after the program started.
    FileChanged,
    /// It would get less now: something was lowered.
    Lowered,
    /// It has what it can get now, but the next boot brings another somaxconn.
    Somaxconn,
}

/// The listeners whose running limit is not what the files give, each once.
pub(super) fn drifted<'a>(facts: &Facts<'a>) -> Vec<(Live<'a>, Socket<'a>, Limits, Cause)> {
    let running = facts.running();
    let mut told: BTreeSet<usize> = BTreeSet::new();
    let mut drifted = Vec::new();
    for live in &running {
        let Some(socket) = live.listener.filter(|socket| !told.contains(&socket.index)) else { continue };
        let Some(limits) = limits(facts, live, &socket) else { continue };
        if let Some(cause) = cause(facts, live, &socket, limits) {
            told.insert(socket.index);
            drifted.push((*live, socket, limits, cause));
        }
    }
    drifted
}

fn limits(facts: &Facts<'_>, live: &Live<'_>, socket: &Socket<'_>) -> Option<Limits> {
    let place = facts.host.place(socket.listener.place)?;
    let asked = socket.queue.requested?;
    let version = place.kernel.version.get;
    let limit = |somaxconn: i64| listen::accept_queue(version, asked, somaxconn).limit;
    Some(Limits {
        running: live.socket.limit.into(),
        asked,
        now: limit(live.somaxconn()?),
        next_boot: limit(next_boot(place.sysctls.get(key::SOMAXCONN)?)?.get),
    })
}

/// What a sysctl will be after the next boot: what the files say, else the kernel's own.
pub(super) fn next_boot(sysctl: &Sysctl) -> Option<&Value<i64>> {
    sysctl.boot.as_ref().or(sysctl.default.as_ref())
}

fn cause(facts: &Facts<'_>, live: &Live<'_>, socket: &Socket<'_>, limits: Limits) -> Option<Cause> {
    let Limits { running, now, next_boot, .. } = limits;
    let file_changed = is_changed(facts, live, socket) == Some(true);
    match running.cmp(&now) {
        std::cmp::Ordering::Equal if now == next_boot => None,
        std::cmp::Ordering::Equal => Some(Cause::Somaxconn),
        _ if file_changed && !may_be_somaxconn(facts, live, running) => Some(Cause::FileChanged),
        std::cmp::Ordering::Less => Some(Cause::NotListenedAgain),
        std::cmp::Ordering::Greater => Some(Cause::Lowered),
    }
}

/// Whether the file that names the backlog was written after the program started, if both are known.
fn is_changed(facts: &Facts<'_>, live: &Live<'_>, socket: &Socket<'_>) -> Option<bool> {
    let path = facts.sources.get(facts.asked_at(socket).source).path()?;
    let changed = facts.seen?.running.changed.get(&*path.to_string_lossy())?;
    Some(*changed > live.owner()?.started?)
}

/// Whether a limit looks like a somaxconn of some time: the kernel's defaults, or what the machine boots with.
fn may_be_somaxconn(facts: &Facts<'_>, live: &Live<'_>, limit: i64) -> bool {
    let sysctl = live.listener.and_then(|socket| facts.host.place(socket.listener.place));
    let sysctl = sysctl.and_then(|place| place.sysctls.get(key::SOMAXCONN));
    let boot = sysctl.and_then(next_boot).map(|value| value.get);
    [Some(128), Some(4096), boot].contains(&Some(limit))
}
