//! The servers that automatic HTTPS opens on the HTTP port, to redirect from there (automaticHTTPSPhase1 in
//! modules/caddyhttp/autohttps.go).

use std::collections::HashMap;

use super::address::Bound;
use super::sites::{Group, Options};
use crate::model::Version;

/// Redirects of all addresses of a name: 2.8.0 (commit 83ef61de1); before, of one.
const ALL_ADDRESSES: Version = Version::new(2, 8, 0);
/// A server on another address of the HTTP port is no reason to open none: 2.11.0 (commit 565c1c305).
const STRICT: Version = Version::new(2, 11, 0);

/// The servers whose addresses get a redirecting one beside them.
pub(super) fn of<'g>(options: &Options, version: Option<Version>, groups: &'g [Group]) -> Vec<&'g Group> {
    if !options.auto_https || !options.redirects {
        return Vec::new();
    }
    let is_before = |release: Version| version.is_some_and(|version| version < release);
    let taken: Vec<&str> = groups.iter().filter(|it| it.port == options.http_port).filter_map(host).collect();
    let is_taken = |host: &str| match is_before(STRICT) {
        true => !taken.is_empty(),
        false => taken.iter().any(|other| *other == host || other.is_empty() || host.is_empty()),
    };
    let mut found = redirected(options, is_before(ALL_ADDRESSES), groups);
    found.retain(|group| host(group).is_some_and(|host| !is_taken(host)));
    found
}

/// The host of a TCP address.
fn host(group: &Group) -> Option<&str> {
    match &group.bound {
        Bound::Tcp(_, host) if !group.open => Some(host),
        _ => None,
    }
}

/// The servers that names, or requests for any name, are redirected to.
fn redirected<'g>(options: &Options, one_address: bool, groups: &'g [Group]) -> Vec<&'g Group> {
    // Caddy goes through them in the order of their addresses.
    let mut sorted: Vec<(String, &Group)> = groups.iter().filter_map(|it| Some((address(it)?, it))).collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    let mut found: Vec<&Group> = Vec::new();
    let mut by_name: HashMap<&str, Vec<&Group>> = HashMap::new();
    for (_, group) in sorted {
        let is_https = group.port == options.https_port;
        if group.port == options.http_port {
            continue;
        }
        let names = group.names();
        if names.is_empty() && (group.policies || is_https) {
            found.push(group);
        }
        for name in names {
            let known = by_name.entry(name).or_default();
            match known.first() {
                Some(_) if one_address && !is_https => {}
                Some(first) if !one_address && first.port == group.port => known.push(group),
                Some(_) if !is_https => {}
                _ => *known = vec![group],
            }
        }
    }
    found.extend(by_name.into_values().flatten());
    found.sort_by_key(|group| group.site);
    found.dedup_by(|a, b| std::ptr::eq(*a, *b));
    found
}

fn address(group: &Group) -> Option<String> {
    let host = host(group)?;
    Some(if host.contains(':') {
        format!("[{host}]:{}", group.port)
    } else {
        format!("{host}:{}", group.port)
    })
}
