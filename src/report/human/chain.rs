//! Listeners behind one another, a line a chain: `nginx :443 (511) -> php-fpm /run/php/php8.2-fpm.sock (128)`.

use std::collections::BTreeSet;

use super::{Page, plain};
use crate::model::{Endpoint, Link, Listener, Severity};
use crate::report::screen::accent;
use crate::text::HashMap;

/// Chains that get a line; the others are counted.
const SHOWN: usize = 12;

/// A chain of this many listeners is cut there; nobody has one.
const LONGEST: usize = 8;

/// Chains that are followed: ten listeners that each pass on to ten others have a hundred million.
const FOLLOWED: usize = 100_000;

impl Page<'_> {
    /// Every way from a front to its last hop.
    pub(super) fn chains(&self) -> String {
        let (all, more) = chains(&self.report.host.links(), FOLLOWED);
        if all.is_empty() {
            return String::new();
        }
        let alike = self.alike(&all);
        let most = if self.screen.is_verbose() { alike.len() } else { SHOWN };
        let mut text = self.screen.faint("  request paths, with the limit of each queue:\n");
        text.extend(alike.iter().take(most).map(|(chain, more)| self.chain(chain, *more)));
        if alike.len() > most {
            let least = if more { "at least " } else { "" };
            let rest = format!("  and {least}{} more paths; --verbose shows all\n", alike.len() - most);
            text.push_str(&self.screen.faint(&rest));
        }
        if more && self.screen.is_verbose() {
            text.push_str(&self.screen.faint(&format!("  and more: the audit follows {FOLLOWED} paths\n")));
        }
        text + "\n"
    }

    /// Chains that differ only in the address of a front of the same service and length, as one; and how many more there are.
    fn alike<'c>(&self, all: &'c [Vec<usize>]) -> Vec<(&'c [usize], usize)> {
        let mut kept: Vec<(&[usize], usize)> = Vec::new();
        let mut known: HashMap<(&str, Option<i64>, &[usize]), usize> = HashMap::default();
        for chain in all {
            let Some((front, behind)) = chain.split_first() else { continue };
            let Some((listener, queue)) = self.report.listener(*front) else { continue };
            let key = (listener.service.as_str(), queue.limit, behind);
            match known.get(&key).and_then(|at| kept.get_mut(*at)) {
                Some((_, more)) => *more += 1,
                None => {
                    known.insert(key, kept.len());
                    kept.push((chain, 0));
                }
            }
        }
        kept
    }

    /// What is shorter than the front stands out where it is the shortest.
    fn chain(&self, chain: &[usize], more: usize) -> String {
        let limits = || chain.iter().filter_map(|index| self.report.queues.get(*index)?.limit);
        let front = limits().next();
        let weakest = limits().min().filter(|least| front.is_some_and(|front| front > *least));
        let told = chain.iter().enumerate().filter_map(|(place, index)| {
            let (listener, queue) = self.report.listener(*index)?;
            let limit = queue.limit.map_or("?".to_owned(), |limit| limit.to_string());
            let limit = match queue.limit.is_some() && queue.limit == weakest {
                true => self.screen.paint(accent(Severity::Warning), &limit),
                false => limit,
            };
            let more = match more {
                more if place == 0 && more > 0 => format!(" and {more} more"),
                _ => String::new(),
            };
            Some(format!("{} {} ({limit}){more}", listener.service, self.end(listener)))
        });
        let told: Vec<String> = told.collect();
        self.screen.hang("  ", &told.join(self.screen.sign(" → ", " -> ")))
    }

    /// `:443` of what listens everywhere, else the address.
    fn end(&self, listener: &Listener) -> String {
        match (&listener.endpoint, self.report.host.places.len()) {
            (Endpoint::Tcp(address), 1) if address.ip().is_unspecified() => format!(":{}", address.port()),
            (Endpoint::DualStack(port), 1) => format!(":{port}"),
            (Endpoint::Unix(path), 1) => plain::inline(path),
            _ => self.address_of(listener),
        }
    }
}

/// Every path from a listener that nobody passes on to, in the order of the listeners, the first `most` of them; and
/// whether there are more.
fn chains(links: &[Link], most: usize) -> (Vec<Vec<usize>>, bool) {
    let behind: BTreeSet<usize> = links.iter().map(|link| link.to).collect();
    let fronts: BTreeSet<usize> = links.iter().map(|link| link.from).collect();
    let mut open: Vec<Vec<usize>> =
        fronts.iter().rev().filter(|front| !behind.contains(front)).map(|front| vec![*front]).collect();
    let mut done = Vec::new();
    while done.len() < most
        && let Some(chain) = open.pop()
    {
        let last = chain.last().copied().unwrap_or_default();
        let next = |link: &&Link| link.from == last && !chain.contains(&link.to);
        let first = links.partition_point(|link| link.from < last);
        let nexts: Vec<usize> = links
            .iter()
            .skip(first)
            .take_while(|link| link.from == last)
            .filter(next)
            .map(|link| link.to)
            .collect();
        if nexts.is_empty() || chain.len() >= LONGEST {
            done.push(chain);
            continue;
        }
        open.extend(nexts.into_iter().rev().map(|next| chain.iter().copied().chain([next]).collect()));
    }
    (done, !open.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Sources;

    #[test]
    fn what_is_followed_to_the_end_is_not_said_to_have_more() {
        let at = Sources::new().flag("a", "");
        let links: Vec<Link> = (1..=3).map(|to| Link { from: 0, to, at }).collect();
        let few = |most| {
            let (all, more) = chains(&links, most);
            (all.len(), more)
        };
        assert_eq!((few(2), few(3), few(4)), ((2, true), (3, false), (3, false)));
    }
}
