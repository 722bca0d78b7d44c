//! Of all lines that name one key: which one decides, and what becomes of the others.

use crate::syntax::sysctl_line::Name;
use std::collections::BTreeMap;

use super::number::{Number, Refused};
use crate::text::HashMap;

/// A line that names the key, directly or by a pattern.
#[derive(Debug, Clone)]
pub(super) struct Hit<'a> {
    pub(super) name: Name,
    /// `None` for an exclusion.
    pub(super) value: Option<(&'a [u8], Result<Number, Refused>)>,
}

impl Hit<'_> {
    fn is_pattern(&self) -> bool {
        matches!(self.name, Name::Pattern(_))
    }

    fn is_exclusion(&self) -> bool {
        self.value.is_none()
    }

    fn is_valid(&self) -> bool {
        matches!(self.value, Some((_, Ok(_))))
    }
}

/// What becomes of a hit; numbers are indices of other hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lot {
    Wins,
    OverriddenBy(usize),
    ExcludedBy(usize),
    Refused,
}

/// What systemd-sysctl does: of the lines for a key only the last is written, even if the kernel refuses it; a pattern
/// applies where no line names the key itself, and an exclusion is such a line (`parse_file`, `apply_all`).
pub(super) fn at_boot(hits: &[Hit<'_>]) -> Vec<Lot> {
    let last = hits.iter().rposition(|hit| !hit.is_pattern());
    let lots: Vec<Lot> = match last {
        Some(last) if hits.get(last).is_some_and(Hit::is_exclusion) => {
            vec![Lot::ExcludedBy(last); hits.len()]
        }
        Some(last) => {
            let lot = |index| if index == last { Lot::Wins } else { Lot::OverriddenBy(last) };
            (0..hits.len()).map(lot).collect()
        }
        None => of_patterns(hits),
    };
    let refused = |hit: &Hit<'_>| matches!(hit.value, Some((_, Err(_))));
    lots.into_iter().zip(hits).map(|(lot, hit)| if refused(hit) { Lot::Refused } else { lot }).collect()
}

/// Patterns are written in their order. One that comes again with another value, or as an exclusion, moves to the end; with
/// the same value it keeps its place.
fn of_patterns(hits: &[Hit<'_>]) -> Vec<Lot> {
    let mut order: BTreeMap<usize, usize> = BTreeMap::new();
    let mut place_of: HashMap<&Name, usize> = HashMap::default();
    let mut lots: Vec<Lot> = (0..hits.len()).map(Lot::OverriddenBy).collect();
    for (index, hit) in hits.iter().enumerate() {
        let before = place_of.get(&hit.name).and_then(|place| Some((*place, order.remove(place)?)));
        let kept =
            before.filter(|(_, before)| hits.get(*before).is_some_and(|before| text(before) == text(hit)));
        let place = kept.map_or(index, |(place, _)| place);
        order.insert(place, index);
        place_of.insert(&hit.name, place);
        if let Some(lot) = before.and_then(|(_, before)| lots.get_mut(before)) {
            *lot = if hit.is_exclusion() { Lot::ExcludedBy(index) } else { Lot::OverriddenBy(index) };
        }
    }
    let winner = order.values().rfind(|index| hits.get(**index).is_some_and(Hit::is_valid));
    for (index, winner) in order.values().filter_map(|index| Some((index, winner?))) {
        if let Some(lot) = lots.get_mut(*index) {
            *lot = if index == winner { Lot::Wins } else { Lot::OverriddenBy(*winner) };
        }
    }
    lots
}

fn text<'a>(hit: &Hit<'a>) -> Option<&'a [u8]> {
    hit.value.as_ref().map(|(text, _)| *text)
}

/// What `sysctl --system` of procps leaves: every line is written in turn, and the last that the kernel takes stays. A pattern
/// applies where no line, nor an exclusion, has the very path (`write_setting_list`, `settinglist_findpath`).
pub(super) fn by_hand(hits: &[Hit<'_>], path: &str) -> Option<usize> {
    let named = hits.iter().any(|hit| hit.name == Name::One(path.as_bytes().to_vec()));
    hits.iter().rposition(|hit| hit.is_valid() && !(named && hit.is_pattern()))
}

/// The same as lots, for systems that boot with it.
pub(super) fn in_turn(hits: &[Hit<'_>], path: &str) -> Vec<Lot> {
    let winner = by_hand(hits, path);
    let lot = |(index, hit): (usize, &Hit<'_>)| match winner {
        _ if !hit.is_valid() && !hit.is_exclusion() => Lot::Refused,
        Some(winner) if winner != index => Lot::OverriddenBy(winner),
        Some(_) => Lot::Wins,
        None => Lot::ExcludedBy(hits.iter().rposition(Hit::is_exclusion).unwrap_or(index)),
    };
    hits.iter().enumerate().map(lot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Range;
    use crate::syntax::sysctl_line::Tool;

    const PATH: &str = "net/core/somaxconn";

    /// `key=value` or `-key`, as systemd names it; what comes at boot, and which line wins by hand.
    fn ruled(lines: &[&'static str]) -> (Vec<Lot>, Option<usize>) {
        let range = Range { min: 0, max: 9999, signless: false };
        let hit = |line: &&'static str| match line.split_once('=') {
            Some((key, value)) => Hit {
                name: Name::of(key.as_bytes(), Tool::Systemd),
                value: Some((value.as_bytes(), super::super::number::parse(value.as_bytes(), range))),
            },
            None => Hit { name: Name::of(&line.as_bytes()[1..], Tool::Systemd), value: None },
        };
        let hits: Vec<Hit<'_>> = lines.iter().map(hit).collect();
        (at_boot(&hits), by_hand(&hits, PATH))
    }

    const KEY: &str = "net.core.somaxconn=1000";
    const GLOB: &str = "net.core.somax*=2000";

    #[test]
    fn the_last_line_decides_even_if_it_is_refused() {
        assert_eq!(ruled(&[KEY, "net.core.somaxconn=5"]), (vec![Lot::OverriddenBy(1), Lot::Wins], Some(1)));
        assert_eq!(
            ruled(&[KEY, "net.core.somaxconn=5k"]),
            (vec![Lot::OverriddenBy(1), Lot::Refused], Some(0))
        );
        assert_eq!(ruled(&["net.core.somaxconn=5k", KEY]), (vec![Lot::Refused, Lot::Wins], Some(1)));
    }

    #[test]
    fn a_pattern_gives_way_to_a_name() {
        assert_eq!(ruled(&[GLOB, KEY]), (vec![Lot::OverriddenBy(1), Lot::Wins], Some(1)));
        assert_eq!(ruled(&[KEY, GLOB]), (vec![Lot::Wins, Lot::OverriddenBy(0)], Some(0)));
        assert_eq!(ruled(&[GLOB]), (vec![Lot::Wins], Some(0)));
    }

    #[test]
    fn an_exclusion_takes_the_place_of_the_line_at_boot_only() {
        let excluded = vec![Lot::ExcludedBy(1), Lot::ExcludedBy(1)];
        assert_eq!(ruled(&[KEY, "-net.core.somaxconn"]), (excluded.clone(), Some(0)));
        assert_eq!(ruled(&[GLOB, "-net.core.somaxconn"]), (excluded, None));
        assert_eq!(ruled(&["-net.core.somaxconn", KEY]).0[1], Lot::Wins);
        assert_eq!(
            ruled(&[GLOB, "-net.core.somax*"]),
            (vec![Lot::ExcludedBy(1), Lot::OverriddenBy(1)], Some(0))
        );
    }

    #[test]
    fn patterns_keep_or_change_their_place() {
        let other = "net.core.soma*=3000";
        assert_eq!(ruled(&[GLOB, other]), (vec![Lot::OverriddenBy(1), Lot::Wins], Some(1)));
        assert_eq!(
            ruled(&[GLOB, other, GLOB]),
            (vec![Lot::OverriddenBy(2), Lot::Wins, Lot::OverriddenBy(1)], Some(2))
        );
        assert_eq!(
            ruled(&[GLOB, other, "net.core.somax*=1"]),
            (vec![Lot::OverriddenBy(2), Lot::OverriddenBy(2), Lot::Wins], Some(2))
        );
    }
}
