//! Socket units that nothing else here is known to take: systemd opens them, with its own number or with their `Backlog=`.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Candidate, Found, Ground, sockets_of_unit};
use crate::syntax::unit::{self, PLACES};
use crate::text::Tree;

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    let instances = instances(ground.tree);
    for candidate in files {
        let name = candidate.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // Of several files of one name the first counts.
        let is_other =
            candidate.by_place && unit::file(ground.tree, name).is_some_and(|it| it != candidate.path);
        // A template opens nothing before it has an instance.
        let units: Vec<&str> = match name.strip_suffix(".socket").filter(|stem| stem.ends_with('@')) {
            Some(stem) if candidate.by_place => {
                let ours = instances.range(stem.to_owned()..).take_while(|it| it.starts_with(stem));
                ours.map(String::as_str).collect()
            }
            Some(_) => Vec::new(),
            None => vec![name],
        };
        let is_masked = unit::is_off(ground.tree, &candidate.path);
        if is_other || is_masked || units.is_empty() {
            continue;
        }
        let Some(source) = ground.open(candidate, &mut found.problems) else { continue };
        let sockets = units.into_iter().flat_map(|unit| sockets_of_unit(ground, source, unit));
        found.listeners.extend(sockets.map(|socket| socket.listener(ground)));
    }
    found
}

/// The instances of templates that something wants and that have no file of their own.
fn instances(tree: &Tree) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for place in PLACES.map(Path::new) {
        let inside = tree.list(place).into_iter().map(|name| place.join(name));
        let wanting = |path: &Path| path.extension().is_some_and(|it| it == "wants" || it == "requires");
        for name in inside.filter(|path| wanting(path)).flat_map(|path| tree.list(&path)) {
            let name = name.to_string_lossy();
            let is_instance = name.ends_with(".socket") && name.contains('@') && !name.ends_with("@.socket");
            if is_instance && unit::file(tree, &name).is_none() {
                found.insert(name.into_owned());
            }
        }
    }
    found
}
