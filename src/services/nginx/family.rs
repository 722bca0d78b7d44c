//! Fragments without a main file: which of them one nginx would read together.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::release::Release;
use super::sockets::{Refusal, Sockets};
use super::walk::Told;
use crate::text::{HashMap, HashSet, SourceId, Sources, Span, over};

/// Names of folders that a main file above them includes, as distributions and the images of nginx have them.
const PARTS: [&str; 7] = [
    "conf.d",
    "http.d",
    "sites-available",
    "sites-enabled",
    "stream.d",
    "streams-available",
    "streams-enabled",
];

/// More than a folder has of configurations that exclude each other; each is looked for among all that are left.
const MAX_APART: usize = 64;

/// The folder of the nginx that a fragment in `folder` belongs to.
pub(super) fn of(folder: &Path) -> PathBuf {
    let part = folder.file_name().and_then(OsStr::to_str).is_some_and(|name| PARTS.contains(&name));
    folder.parent().filter(|_| part).unwrap_or(folder).to_owned()
}

/// One nginx that was told all of it.
pub(super) fn together(fragments: Vec<Told>) -> Told {
    let mut one = Told::default();
    for told in numbered(fragments) {
        one.listens.extend(told.listens);
        one.circles.extend(told.circles);
        one.passes.extend(told.passes);
        one.upstreams.extend(told.upstreams);
    }
    one
}

/// The nginxes that fragments of one folder are for: what nginx would refuse to read together is meant for different ones,
/// as a site's configuration with TLS and the one without.
pub(super) fn parted(sources: &Sources, fragments: Vec<Told>, release: &Release<'_>) -> Vec<Told> {
    let mut nginxes = Vec::new();
    let mut left = numbered(fragments);
    while !left.is_empty() && nginxes.len() < MAX_APART {
        let mut out = Vec::new();
        loop {
            let refused = refused(&left, release);
            if refused.is_empty() {
                break;
            }
            let all = left.into_iter().enumerate();
            let (apart, fit): (Vec<_>, Vec<_>) = all.partition(|(index, _)| refused.contains(index));
            left = fit.into_iter().map(|(_, told)| told).collect();
            out.extend(apart.into_iter().map(|(_, told)| told));
        }
        nginxes.push(together(left));
        left = out;
    }
    if let [first, _, ..] = left.as_slice()
        && let Some(heard) = first.listens.first()
    {
        sources.cut_off(
            heard.listen.at,
            over("configurations that exclude each other in one folder", MAX_APART),
        );
    }
    nginxes.extend(left);
    nginxes
}

/// Servers are told apart by their numbers, across files too.
fn numbered(mut fragments: Vec<Told>) -> Vec<Told> {
    let mut before = 0;
    for told in &mut fragments {
        let servers = told.listens.iter().map(|heard| heard.server);
        let highest = servers.chain(told.passes.iter().map(|passed| passed.server)).max().unwrap_or(0);
        told.listens.iter_mut().for_each(|heard| heard.server += before);
        told.passes.iter_mut().for_each(|passed| passed.server += before);
        before += highest;
    }
    fragments
}

/// Those that an earlier one is in the way of.
fn refused(fragments: &[Told], release: &Release<'_>) -> HashSet<usize> {
    let mut heard: HashMap<SourceId, (usize, usize)> = HashMap::default();
    for (index, told) in fragments.iter().enumerate() {
        for listen in told.listens.iter().map(|heard| &heard.listen) {
            heard.entry(listen.at.source).or_insert((index, index)).1 = index;
        }
    }
    let sockets = Sockets::of(fragments.iter().flat_map(|told| &told.listens), release);
    let later = |refusal: &Refusal| {
        let (first, last) = *heard.get(&refusal.at.source)?;
        let beside = refusal.beside.and_then(|(Span { source, .. }, _)| heard.get(&source));
        let (other_first, other_last) = *beside.unwrap_or(&(first, last));
        (first.min(other_first) != last.max(other_last)).then_some(last.max(other_last))
    };
    sockets.refusals.iter().filter_map(later).collect()
}
