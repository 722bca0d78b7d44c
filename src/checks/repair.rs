//! Lines of sysctl files that were meant to count and do not: what they would give, and whether that is welcome.

use super::facts::Facts;
use super::remedy::holdable;
use super::syn_backlog_ignored::is_ignored;
use crate::model::{Assignment, Fate, Fix, PlaceId, Safety, Sysctl, Target, Want, key};
use crate::text::{Edit, Span};

/// A dead line, brought to life by one change.
pub(super) struct Repair<'a> {
    pub(super) key: &'a str,
    pub(super) edit: &'a Edit,
    /// The number that the line gives then.
    pub(super) gives: i64,
}

impl Facts<'_> {
    /// Whether `key` may become `value` because a line says so, and how safe that is. Not if it would do nothing, or if
    /// another rule would then find fault with it.
    pub(super) fn welcome(&self, place: PlaceId, key: &str, value: i64) -> Option<Safety> {
        let sysctl = self.host.place(place)?.sysctls.get(key)?;
        let longer = sysctl.number().is_some_and(|number| value >= number);
        let safe = if longer { Safety::Safe } else { Safety::Unsafe };
        let fine = match key {
            key::SOMAXCONN => self.holds_all(place, value) && (longer || self.asks_at_most(place, value)),
            key::MAX_SYN_BACKLOG => !is_ignored(self, place, value) && (longer || self.has_cookies(place)),
            key::SYNCOOKIES => return (value == 1).then_some(Safety::Unsafe),
            key::ABORT_ON_OVERFLOW => return (value == 0).then_some(Safety::Unsafe),
            key::NETDEV_MAX_BACKLOG => false,
            _ => return Some(Safety::Unsafe),
        };
        fine.then_some(safe)
    }

    fn holds_all(&self, place: PlaceId, somaxconn: i64) -> bool {
        self.host.place(place).is_some_and(|on| holdable(on.kernel.version.get, somaxconn))
    }

    fn asks_at_most(&self, place: PlaceId, value: i64) -> bool {
        let here =
            |listener: usize| self.host.listeners.get(listener).is_some_and(|found| found.place == place);
        let mut queues = self.queues.iter().filter(|queue| here(queue.listener));
        queues.all(|queue| queue.requested.is_some_and(|asked| (0..=value).contains(&asked)))
    }

    fn has_cookies(&self, place: PlaceId) -> bool {
        self.sysctl(place, key::SYNCOOKIES).is_some_and(|(_, cookies)| cookies.get != 0)
    }

    /// A fix that mends the line, if it is the only one for its key that counts then: the order of several is for a person
    /// to decide.
    pub(super) fn mend(&self, place: PlaceId, repair: &Repair<'_>) -> Option<(Safety, Want)> {
        let sysctls = &self.host.place(place)?.sysctls;
        let sysctl = sysctls.get(repair.key)?;
        let forced = sysctl.value.as_ref().is_some_and(|value| self.is_told(value.span));
        let dead =
            sysctl.assignments.iter().filter(|line| line.mend.is_some() && !is_overridden(line)).count();
        let meant = sysctls.suspects.iter().filter(|suspect| suspect.meant == repair.key).count();
        let loses_more = sysctl.assignments.iter().filter(|line| is_overridden(line));
        let loses_more = loses_more.filter_map(|line| line.value).any(|value| value > repair.gives);
        if forced || sysctl.boot.is_some() || dead + meant > 1 || loses_more {
            return None;
        }
        let safety = self.welcome(place, repair.key, repair.gives)?;
        let target = Target::Sysctl { place, key: repair.key.to_owned() };
        Some((safety, Want::Mend { edit: repair.edit.clone(), gives: Some((target, repair.gives)) }))
    }

    /// The largest number that a line gives somaxconn, or was meant to give it: what somebody had in mind for this place.
    pub(super) fn intended_somaxconn(&self, place: PlaceId) -> Option<(i64, Span)> {
        let sysctls = &self.host.place(place)?.sysctls;
        let sysctl = sysctls.get(key::SOMAXCONN)?;
        let in_force = sysctl.value.as_ref().filter(|_| sysctl.is_written());
        let lines = sysctl.assignments.iter().filter(|line| is_meant(&line.fate));
        let lines = lines.filter_map(|line| Some((line.octal_meant.or(line.gives())?, line.value_at)));
        let misspelt = sysctls.suspects.iter().filter(|suspect| suspect.meant == key::SOMAXCONN);
        let misspelt = misspelt.filter_map(|suspect| Some((suspect.value?, suspect.value_at)));
        // In force comes last: of equal ones it is the one to show.
        lines
            .chain(misspelt)
            .chain(in_force.map(|value| (value.get, value.span)))
            .max_by_key(|(value, _)| *value)
    }
}

/// A line that another of its file's name replaces on purpose is not meant any more.
fn is_meant(fate: &Fate) -> bool {
    matches!(fate, Fate::Wins | Fate::Overridden { .. } | Fate::Invalid { .. } | Fate::NotApplied { .. })
}

fn is_overridden(line: &Assignment) -> bool {
    matches!(line.fate, Fate::Overridden { .. })
}

/// One fix for one line.
pub(super) fn fix(title: String, mend: Option<(Safety, Want)>) -> Option<Fix> {
    let (safety, want) = mend?;
    Some(Fix { title, safety, set: vec![want], then: Vec::new() })
}

/// What is in force instead.
pub(super) fn stays(sysctl: &Sysctl) -> String {
    match sysctl.number() {
        Some(number) => format!("{number} stays in force"),
        None => "the kernel's default stays in force".to_owned(),
    }
}
