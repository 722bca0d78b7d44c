//! What became of the files of a site: folders that could not be looked into, what was not taken in, and the list of all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::discover::{Discovery, Meant, Site, Unclaimed, is_sysctl_file};
use crate::knowledge::{COMMAND, Candidates, Knowledge, SYSCTL};
use crate::model::{FileSeen, Listener, NotRead, NotReadKind, Problem, ProblemKind, ReadAs};
use crate::text::tree::{Closed, MAX_FILE};
use crate::text::{Glob, Sources, Span};

/// Folders that may not matter and are named in one message.
const SHOWN: usize = 3;

/// What is wrong with folders that could not be looked into: an error each where a service, or the kernel, looks for its
/// configuration in them or a file includes what they hold; one info for the others.
pub(super) fn closed(
    sources: &Sources,
    site: &Site,
    knowledge: &Knowledge,
    found: BTreeMap<PathBuf, Closed>,
    read: BTreeMap<PathBuf, Closed>,
) -> Vec<Problem> {
    let mut all: BTreeMap<PathBuf, (Closed, bool)> = BTreeMap::new();
    for (path, closed) in found {
        let lost = site.read_as != ReadAs::File && holds_configuration(knowledge, &path);
        all.insert(path, (closed, lost));
    }
    for (path, closed) in read {
        let lost = closed.wanted || site.read_as != ReadAs::File && holds_configuration(knowledge, &path);
        all.entry(path).or_insert((closed, false)).1 |= lost;
    }
    let (lost, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, (_, lost))| *lost);
    let top = |path: &Path| if path.as_os_str().is_empty() { PathBuf::from(".") } else { path.to_owned() };
    let problem = |kind, path: &Path, message, closed: &Closed| Problem {
        kind,
        service: None,
        message,
        help: closed.why.help(),
        at: Span::top(site.tree.unread(sources, &top(path))),
        labels: Vec::new(),
    };
    let each = lost.iter().map(|(path, (closed, _))| {
        let what = "so its configuration is unknown";
        let message = format!("cannot look into the folder {}, {what}: {}", top(path).display(), closed.why);
        problem(ProblemKind::Lost, path, message, closed)
    });
    let rest = others.first().map(|(path, (closed, _))| {
        let names: Vec<String> =
            others.iter().take(SHOWN).map(|(path, _)| top(path).display().to_string()).collect();
        let more = others.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let message = match others.len() {
            1 => format!("cannot look into the folder {}: {}", names.join(", "), closed.why),
            many => {
                format!("cannot look into {many} folders ({}{more}): {}", names.join(", "), closed.why)
            }
        };
        problem(ProblemKind::Skipped, path, message, closed)
    });
    each.chain(rest).collect()
}

/// Whether a service or the kernel looks for its configuration in a folder: it fits the beginning of a place, its own name by more
/// than a star.
fn holds_configuration(knowledge: &Knowledge, folder: &Path) -> bool {
    let depth = folder.iter().count();
    let leads_there = |place: &String| {
        let parts: Vec<&str> = place.split('/').collect();
        let (Some(above), Some(last)) = (parts.get(..depth), depth.checked_sub(1)) else { return false };
        let named = above.get(last).is_some_and(|part| *part != "*");
        parts.len() > depth && named && Glob::new(above.join("/").as_bytes()).matches(bytes(folder))
    };
    let sysctls = ["etc/sysctl.d/x", "run/sysctl.d/x", "usr/lib/sysctl.d/x", "usr/local/lib/sysctl.d/x"];
    let of_kernel = sysctls.iter().any(|file| Path::new(file).starts_with(folder));
    depth == 0 || of_kernel || knowledge.shapes().any(|(_, shape)| shape.places.iter().any(leads_there))
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

/// What is likely ours and was not taken in: neither by its name nor because another file names it.
/// What lies ready in an etc folder and is not put to use is told where nothing of the service is.
pub(super) fn not_read(
    sources: &Sources,
    site: &Site,
    unclaimed: &[Unclaimed],
    listeners: &[Listener],
) -> Vec<NotRead> {
    let heard: BTreeSet<&str> = listeners.iter().map(|listener| listener.service.as_str()).collect();
    let known: BTreeMap<&Path, Span> = own_sources(sources, site).collect();
    let mut all = Vec::new();
    for Unclaimed { path, meant } in unclaimed {
        // What nobody reads is not read for this if it is too large to be.
        let at = |place: &std::ops::Range<usize>| {
            let is_small = site.tree.length(path).is_some_and(|length| length <= MAX_FILE);
            let source = is_small.then(|| site.tree.read(sources, path).ok()).flatten();
            let whole = || Span::top(site.tree.unread(sources, path));
            source.map_or_else(whole, |source| Span::new(source, place.clone()))
        };
        all.extend(match meant {
            Meant::Config { .. } if known.contains_key(path.as_path()) => None,
            Meant::Config { service, .. } if heard.contains(service.as_str()) && is_ready(path) => None,
            Meant::Config { service, template } => {
                let of = NotRead::configuration(service, site.tree.unread(sources, path));
                Some(if *template { NotRead { kind: NotReadKind::Template, ..of } } else { of })
            }
            Meant::Sysctl(mention) => Some(NotRead {
                kind: NotReadKind::Sysctl,
                at: at(&mention.at),
                service: None,
                key: Some(mention.key),
                value: mention.value,
                contained: mention.contained,
            }),
        });
    }
    all
}

/// The files of a site that became sources, each with its top.
fn own_sources<'s>(sources: &'s Sources, site: &Site) -> impl Iterator<Item = (&'s Path, Span)> {
    let label = site.tree.label().map(str::to_owned);
    let own = sources.all().filter(move |(_, source)| source.root() == label.as_deref() && source.is_file());
    own.filter(|(_, source)| !source.bytes().is_empty())
        .filter_map(|(id, source)| Some((source.path()?, Span::top(id))))
}

/// Whether a file lies in a folder for those that may be enabled: `etc/nginx/sites-available`.
fn is_ready(path: &Path) -> bool {
    let mut folders = path.parent().into_iter().flat_map(Path::iter).map(std::ffi::OsStr::to_string_lossy);
    path.starts_with("etc") && folders.any(|name| name.contains("available") || name.contains("disabled"))
}

/// The list of files. Those that were taken in come first, as far as readers of a report care: all others only where `all` is asked.
pub(super) fn list(
    sources: &Sources,
    site: &Site,
    found: &Discovery,
    files: &Candidates,
    problems: &[Problem],
    all: bool,
) -> Vec<FileSeen> {
    let mut rows: BTreeMap<PathBuf, (Vec<&str>, Option<String>)> = BTreeMap::new();
    for (service, files) in files {
        for file in files {
            let name = service.strip_prefix(COMMAND).unwrap_or(service);
            rows.entry(file.path.clone()).or_default().0.push(name);
        }
    }
    for path in &found.left_out {
        let why = "left out: tests, examples, docs or third-party code".to_owned();
        rows.entry(path.clone()).or_default().1.get_or_insert(why);
    }
    if all {
        let mut why = |path: &Path, why: String| {
            rows.entry(path.to_owned()).or_default().1.get_or_insert(why);
        };
        for it in &found.unclaimed {
            why(&it.path, meant(&it.meant));
        }
        for problem in problems {
            let source = sources.get(problem.at.source);
            if let Some(path) = source.path().filter(|_| source.root() == site.tree.label()) {
                why(path, problem.message.clone());
            }
        }
        for path in &found.excluded {
            why(path, "left out: the policy excludes it".to_owned());
        }
        for path in &found.unlike {
            why(path, "its name looks relevant, but its content does not".to_owned());
        }
        for (path, _) in own_sources(sources, site) {
            let row = rows.entry(path.to_owned()).or_default();
            if row.0.is_empty() && row.1.is_none() {
                row.0.push(if is_sysctl_file(path) { SYSCTL } else { "part" });
            }
        }
    }
    let row = |(path, (read_as, why)): (PathBuf, (Vec<&str>, Option<String>))| FileSeen {
        root: site.tree.label().map(str::to_owned),
        path: path.to_string_lossy().into_owned(),
        read_as: (!read_as.is_empty()).then(|| read_as.join(", ")),
        why,
    };
    rows.into_iter().map(row).collect()
}

fn meant(meant: &Meant) -> String {
    match meant {
        Meant::Config { service, template: true } => {
            format!("looks like a template for {service}, not read")
        }
        Meant::Config { service, .. } => format!("looks like configuration of {service}, not read"),
        Meant::Sysctl(mention) => match mention.value {
            Some(value) => format!("sets {} = {value}, not read", mention.key),
            None => format!("sets {}, not read", mention.key),
        },
    }
}
