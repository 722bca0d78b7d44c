//! Entry points: those that are written, and those that Traefik adds.

use std::collections::{HashMap, HashSet};

use super::super::Ground;
use super::Broken;
use super::settings::Setting;
use crate::model::{self, Endpoint, Listener, Step, Transport};
use crate::syntax::host_port;
use crate::text::Span;

/// What Traefik's own pages listen on, if nobody says otherwise.
const INTERNAL: &str = "traefik";

/// The listeners, and whether each sets SO_REUSEPORT.
pub(super) fn listeners(
    ground: Ground<'_>,
    settings: &[Setting],
    top: Span,
) -> Result<Vec<(Listener, bool)>, Broken> {
    let mut found = Vec::new();
    let own = by_name(settings);
    let mut names: HashSet<&str> = HashSet::new();
    for setting in settings.iter().filter(|setting| setting.is_in(&["entrypoints"])) {
        let Some(name) = setting.path.get(1) else {
            return Err(("entryPoints cannot be a standalone element".to_owned(), setting.at));
        };
        if !names.insert(name) {
            continue;
        }
        let own = |key: &'static str| own.get(&(name.as_str(), key)).copied();
        let site = own("address").map_or(setting.at, |address| address.at);
        let address = own("address").filter(|it| it.value.is_some());
        let reuses =
            own("reuseport").and_then(|it| it.value.as_deref()).is_some_and(|it| boolean(it) == Some(true));
        let found_at = match address {
            None => Some((
                Endpoint::Unknown(Transport::Tcp),
                Some("it has no address: the kernel picks a free port"),
            )),
            Some(Setting { open: true, .. }) => {
                Some((Endpoint::Unknown(Transport::Tcp), Some("a part of the address is not known")))
            }
            Some(Setting { value, .. }) => endpoint(ground, value.as_deref().unwrap_or_default())
                .map_err(|why| (format!("error while building entryPoint {name}: {why}"), site))?,
        };
        if let Some((endpoint, unknown)) = found_at {
            found.push((listener(ground, endpoint, site, unknown), reuses));
        }
    }
    if names.is_empty() {
        let what = "the entry point that Traefik opens where none is written";
        found.push((listener(ground, Endpoint::DualStack(80), top, Some(what)), false));
    }
    if let Some(at) = internal(settings)?.filter(|_| !names.contains(INTERNAL)) {
        let what = "the entry point traefik, which this opens";
        found.push((listener(ground, Endpoint::DualStack(8080), at, Some(what)), false));
    }
    Ok(found)
}

/// What each entry point sets of the keys that matter here; the last one counts.
fn by_name(settings: &[Setting]) -> HashMap<(&str, &'static str), &Setting> {
    let keyed = settings.iter().filter_map(|setting| {
        let [tables, name, key] = setting.path.as_slice() else { return None };
        let key = ["address", "reuseport"].into_iter().find(|it| it.eq_ignore_ascii_case(key))?;
        tables.eq_ignore_ascii_case("entrypoints").then_some(((name.as_str(), key), setting))
    });
    keyed.collect()
}

/// What makes Traefik open the entry point of its own pages (pkg/config/static: SetEffectiveConfiguration).
fn internal(settings: &[Setting]) -> Result<Option<Span>, Broken> {
    for switch in [&["api", "insecure"][..], &["providers", "rest", "insecure"]] {
        let Some(setting) = settings.iter().rev().find(|setting| setting.is(switch)) else { continue };
        let text = setting.value.as_deref().unwrap_or_default();
        match boolean(text).filter(|_| !setting.open) {
            Some(true) => return Ok(Some(setting.at)),
            None if !setting.open => {
                return Err((format!("strconv.ParseBool: parsing \"{text}\": invalid syntax"), setting.at));
            }
            _ => {}
        }
    }
    let prometheus = &["metrics", "prometheus"][..];
    Ok([&["ping"][..], prometheus].into_iter().find_map(|table| page(settings, table)))
}

/// Where a page of Traefik's own is switched on, if it goes to Traefik's own entry point.
fn page(settings: &[Setting], table: &[&str]) -> Option<Span> {
    let of = |key: &str| {
        let path: Vec<&str> = table.iter().copied().chain([key]).collect();
        settings.iter().rev().find(|setting| setting.is(&path))?.value.as_deref()
    };
    let first = settings.iter().find(|setting| setting.is_in(table))?;
    let off = settings.iter().any(|it| it.is(table) && it.value.as_deref().and_then(boolean) == Some(false));
    let manual = of("manualrouting").and_then(boolean) == Some(true);
    let elsewhere = of("entrypoint").is_some_and(|name| name != INTERNAL);
    (!off && !manual && !elsewhere).then_some(first.at)
}

/// Go's strconv.ParseBool.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

type Place = (Endpoint, Option<&'static str>);

/// `HOST:PORT/PROTOCOL`; UDP has no accept queue.
fn endpoint(ground: Ground<'_>, address: &str) -> Result<Option<Place>, String> {
    let (address, protocol) = address.split_once('/').unwrap_or((address, "tcp"));
    match protocol.to_ascii_lowercase().as_str() {
        "tcp" => {}
        "udp" => return Ok(None),
        _ => return Err(format!("invalid protocol: {protocol}")),
    }
    let unknown = |why| Ok(Some((Endpoint::Unknown(Transport::Tcp), Some(why))));
    if address.is_empty() {
        return unknown("it has no address: the kernel picks a free port");
    }
    // A template, or a variable that something else fills in.
    if address.contains(['{', '$', '<']) {
        return unknown("a part of the address is not known");
    }
    let listen = |why: &str| format!("error opening listener: listen tcp: address {address}: {why}");
    let (host, port) = host_port::split(address).map_err(|wrong| listen(wrong.words()))?;
    let port = match port {
        "http" => 80,
        "https" => 443,
        "" => 0,
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            number.parse::<u16>().map_err(|_| listen("invalid port"))?
        }
        _ => return unknown("its port is a name"),
    };
    if port == 0 {
        return unknown("the kernel picks a free port");
    }
    match ground.go_listens("tcp", host, port) {
        Some(endpoint) => Ok(Some((endpoint, None))),
        None => unknown("the host is no address, and no name of etc/hosts"),
    }
}

fn listener(ground: Ground<'_>, endpoint: Endpoint, site: Span, note: Option<&str>) -> Listener {
    let mut listener = Listener::new(&ground.service.name, ground.place, endpoint, site);
    listener.notes.extend(note.map(|what| Step { value: None, what: what.to_owned(), at: site }));
    if let Some((value, step)) = ground.default("backlog", None) {
        listener.backlog = model::Setting { value: Some(value), slot: None };
        listener.steps.push(step);
    }
    listener
}
