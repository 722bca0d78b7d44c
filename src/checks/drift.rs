//! A running socket beside what the files say of it: does its limit come from them, and if not, what has changed since.

use std::cmp::Ordering;
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

/// Why it is so, as far as can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// It was cut by a somaxconn that has been raised since.
    NotListenedAgain,
    /// The file that names its backlog was written after the program started.
    FileChanged,
    /// It was cut by nothing then, and would be now: somaxconn was lowered.
    Lowered,
    /// It asked for another number than its files do.
    AskedOtherwise,
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
    let Limits { running, asked, now, next_boot } = limits;
    let by_somaxconn = may_be_somaxconn(facts, live, running);
    let asks_for_more = asked < 0 || asked >= running;
    match running.cmp(&now) {
        Ordering::Equal if now == next_boot => None,
        Ordering::Equal => Some(Cause::Somaxconn),
        Ordering::Less if by_somaxconn => Some(Cause::NotListenedAgain),
        Ordering::Greater if asks_for_more => Some(Cause::Lowered),
        _ if is_changed(facts, live, socket) => Some(Cause::FileChanged),
        _ => Some(Cause::AskedOtherwise),
    }
}

/// Whether the file that names the backlog was written after the program started. Which of its numbers has changed cannot be told.
pub(super) fn is_changed(facts: &Facts<'_>, live: &Live<'_>, socket: &Socket<'_>) -> bool {
    let changed = || {
        let path = facts.sources.get(facts.asked_at(socket).source).path()?;
        let changed = facts.seen?.running.changed.get(&*path.to_string_lossy())?;
        Some(*changed > live.owner()?.started?)
    };
    changed().unwrap_or(false)
}

/// Whether a limit looks like a somaxconn of some time: the kernel's defaults, or what the machine boots with.
fn may_be_somaxconn(facts: &Facts<'_>, live: &Live<'_>, limit: i64) -> bool {
    let sysctl = live.listener.and_then(|socket| facts.host.place(socket.listener.place));
    let sysctl = sysctl.and_then(|place| place.sysctls.get(key::SOMAXCONN));
    let boot = sysctl.and_then(next_boot).map(|value| value.get);
    [Some(128), Some(4096), boot].contains(&Some(limit))
}
