//! What is likely ours and was not taken in: one finding a kind, with the first few files.

use serde::Deserialize;

use super::facts::Facts;
use crate::model::{Finding, NotRead, NotReadKind, key};

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotReadFiles {
    /// Files that a finding names.
    shown: usize,
}

impl NotReadFiles {
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Vec<Finding> {
        let mut all: Vec<&NotRead> = facts.not_read().filter(|it| !says_nothing_new(facts, it)).collect();
        // The one that bounds every queue first.
        let rank = |it: &NotRead| (it.kind, it.key.is_some_and(|key| key != key::SOMAXCONN));
        all.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| facts.sources.order(a.at, b.at)));
        let root = |it: &NotRead| facts.place_of(it.at);
        all.sort_by_key(|it| root(it));
        all.chunk_by(|a, b| (root(a), a.kind) == (root(b), b.kind))
            .filter_map(|kind| self.finding(facts, kind))
            .collect()
    }

    fn finding(&self, facts: &Facts<'_>, files: &[&NotRead]) -> Option<Finding> {
        let first = files.first()?;
        let mut named: Vec<String> = files.iter().map(|file| name(facts, file)).collect();
        named.dedup();
        let more = named.len().saturating_sub(self.shown);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let (count, shown) =
            (named.len(), named.iter().take(self.shown).cloned().collect::<Vec<_>>().join(", "));
        let one = count == 1;
        let (what, help) = match first.kind {
            NotReadKind::Template if one => ("1 file looks like a configuration template", FILLED),
            NotReadKind::Template => ("files look like configuration templates", FILLED),
            NotReadKind::Configuration if one => ("1 file looks like configuration", NAMED),
            NotReadKind::Configuration => ("files look like configuration", NAMED),
            NotReadKind::Sysctl if files.iter().all(|file| file.contained) => match one {
                true => ("1 line sets a sysctl of a container", CONTAINED),
                false => ("lines set sysctls of containers", CONTAINED),
            },
            NotReadKind::Sysctl if one => ("1 line sets a sysctl that affects queues", ASSUMED),
            NotReadKind::Sysctl => ("lines set sysctls that affect queues", ASSUMED),
        };
        let what = if one { what.to_owned() } else { format!("{count} {what}") };
        let taken = if one { "was" } else { "were" };
        let message = format!("{what} but {taken} not read: {shown}{more}");
        let finding = facts.finding(facts.place_of(first.at), first.at, message);
        let of_host = files.iter().filter(|file| !file.contained);
        let known = of_host.filter_map(|file| Some((file.key?, file.value?)));
        let known = known.filter(|(key, value)| facts.takes(facts.place_of(first.at), key, *value));
        // The one that bounds every queue first.
        let set = known.min_by_key(|(key, _)| *key != key::SOMAXCONN);
        let set = set.map(|(key, value)| format!("--set {key}={value}"));
        let alone = first.service.as_ref().filter(|name| is_whole(facts, first, name));
        let alone = alone.and_then(|name| file_of(facts, name));
        Some(finding.help(match (set, alone) {
            (Some(set), _) => format!("{help}: {set}"),
            (None, Some(name)) if first.kind == NotReadKind::Configuration => {
                format!("{help} (to audit a single file: backlog-audit - --stdin-path {name} < FILE)")
            }
            _ => help.to_owned(),
        }))
    }
}

/// Whether a line writes what is in force anyway.
fn says_nothing_new(facts: &Facts<'_>, it: &NotRead) -> bool {
    let in_force =
        it.key.and_then(|key| facts.sysctl(facts.place_of(it.at), key)).map(|(_, value)| value.get);
    !it.contained && it.value.is_some() && it.value == in_force
}

/// Whether a file is the service's own under a longer name, and no script or manifest that has it inside.
fn is_whole(facts: &Facts<'_>, file: &NotRead, service: &str) -> bool {
    let source = facts.sources.get(file.at.source);
    let Some(name) = source.path().and_then(|path| path.to_str()) else { return false };
    let top = name.rfind('/').map_or(0, |slash| slash + 1);
    let all = name.match_indices(['.', '-', '_']).filter_map(|(at, _)| name.get(..at).filter(|_| at > top));
    all.chain([name])
        .any(|name| facts.knowledge.shapes_of(name.as_bytes()).iter().any(|(own, _)| *own == service))
}

/// What a service's own file is called: `nginx.conf`.
fn file_of(facts: &Facts<'_>, service: &str) -> Option<String> {
    let places = &facts.knowledge.service(service)?.shape.places;
    let names = places.iter().filter_map(|place| place.rsplit('/').next());
    names.into_iter().find(|name| !name.contains(['*', '?', '[', '{'])).map(str::to_owned)
}

const FILLED: &str = "audit the files that the templates produce, on the machine or in the image";
const NAMED: &str = "audit the machine or the image that uses it";
const ASSUMED: &str = "give the value that the machine really has with --set";

const CONTAINED: &str = "it applies only inside its container, and the audit does not cover the container's network namespace yet";

/// `templates/nginx.conf.j2 (nginx)`, `site.yml:12 (net.core.somaxconn = 1024)`.
fn name(facts: &Facts<'_>, file: &NotRead) -> String {
    match (file.key, file.value) {
        (Some(key), Some(value)) => format!("{} ({key} = {value})", facts.line(file.at)),
        (Some(key), None) => format!("{} ({key})", facts.line(file.at)),
        _ => {
            let service = file.service.as_ref().and_then(|name| facts.knowledge.service(name));
            format!("{} ({})", facts.file(file.at), service.map_or("", |service| service.title.as_str()))
        }
    }
}
