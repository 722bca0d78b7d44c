//! Which files make up a unit: its own file, masks, aliases, instances of templates and drop-ins, as unit-file.c and dropin.c of
//! systemd 252 look for them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::commands::scene::Scene;
use crate::knowledge::Candidate;
use crate::syntax::unit::{PLACES, dropin_names, is_null, template_of};
use crate::text::tree::Entry;

/// A unit and its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    /// With its instance, if it has one: `app@blue.service`.
    pub name: String,
    /// The file of the unit, if there is one; of a loose one its drop-ins as well.
    pub own: Vec<PathBuf>,
    /// The folders of its drop-ins, the first place first. Thousands of units may share them.
    folders: Vec<PathBuf>,
}

impl Unit {
    fn loose(name: String, own: Vec<PathBuf>) -> Self {
        Self { name, own, folders: Vec::new() }
    }

    /// Its own file, then its drop-ins in the order in which they count: the first file of each name does, in the order of the
    /// names.
    pub(super) fn files(&self, scene: &Scene<'_>) -> Vec<PathBuf> {
        let mut found: BTreeMap<OsString, PathBuf> = BTreeMap::new();
        for folder in &self.folders {
            let names = scene.tree.list(folder).into_iter();
            for name in names.filter(|name| name.to_str().is_some_and(|name| name.ends_with(".conf"))) {
                let path = folder.join(&name);
                found.entry(name).or_insert(path);
            }
        }
        let dropins = found.into_values().filter(|path| !is_null(scene.tree, path));
        self.own.iter().cloned().chain(dropins).collect()
    }
}

/// All units that may be started, by name.
pub(super) fn units(scene: &Scene<'_>, candidates: &[Candidate]) -> Vec<Unit> {
    let mut found = Vec::new();
    if candidates.iter().any(|candidate| candidate.by_place) {
        found.extend(Places::of(scene).units());
    }
    found.extend(loose(scene, candidates));
    found
}

/// The units of a machine.
struct Places<'a> {
    scene: &'a Scene<'a>,
    /// The folders that there are, each once.
    folders: Vec<PathBuf>,
    /// For each name what decides it: the first folder that has it.
    names: BTreeMap<String, PathBuf>,
    /// Folders of drop-ins and of links that start units.
    inside: BTreeSet<String>,
}

impl<'a> Places<'a> {
    fn of(scene: &'a Scene<'a>) -> Self {
        let mut folders: Vec<PathBuf> = Vec::new();
        for place in PLACES {
            let real = scene.tree.resolve(Path::new(place)).ok();
            if let Some(real) = real.filter(|real| scene.tree.is_folder(real) && !folders.contains(real)) {
                folders.push(real);
            }
        }
        let (mut names, mut inside) = (BTreeMap::new(), BTreeSet::new());
        for folder in &folders {
            for name in scene.tree.list(folder) {
                let Some(name) = name.to_str() else { continue };
                if name.ends_with(".service") {
                    names.entry(name.to_owned()).or_insert_with(|| folder.join(name));
                } else if name.ends_with(".d") || name.ends_with(".wants") || name.ends_with(".requires") {
                    inside.insert(name.to_owned());
                }
            }
        }
        Self { scene, folders, names, inside }
    }

    fn units(&self) -> Vec<Unit> {
        let aliases = self.aliases();
        let are_aliases: BTreeSet<&String> = aliases.values().flatten().collect();
        let instances = self.instances();
        let mut found: BTreeMap<String, Unit> = BTreeMap::new();
        for (name, path) in &self.names {
            if is_template(name) || are_aliases.contains(name) {
                continue;
            }
            if let Some(fragment) = self.fragment(path) {
                let others = aliases.get(name).map_or(&[][..], Vec::as_slice);
                found.insert(name.clone(), self.unit(name, Some(fragment), others));
            }
        }
        for name in instances {
            let template = template_of(&name);
            if found.contains_key(&name) || self.names.contains_key(&name) {
                continue;
            }
            if let Some(fragment) = self.names.get(&template).and_then(|path| self.fragment(path)) {
                let others = [template];
                found.insert(name.clone(), self.unit(&name, Some(fragment), &others));
            }
        }
        // Drop-ins of a unit that is not in this tree may still say what it starts.
        for folder in &self.inside {
            let name = folder.strip_suffix(".d").unwrap_or_default();
            let known = found.contains_key(name) || self.names.contains_key(name) || is_prefix(name);
            if name.ends_with(".service") && !is_template(name) && !known {
                found.insert(name.to_owned(), self.unit(name, None, &[]));
            }
        }
        found.into_values().collect()
    }

    /// The real path of a unit's own file; nothing for one that is masked: empty, or a link to /dev/null.
    fn fragment(&self, path: &Path) -> Option<PathBuf> {
        if is_null(self.scene.tree, path) {
            return None;
        }
        let real = self.scene.tree.resolve(path).ok()?;
        let source = self.scene.read(&real)?;
        (!self.scene.sources.bytes(source).is_empty()).then_some(real)
    }

    /// Names that are links to other units, by the unit that they mean.
    fn aliases(&self) -> BTreeMap<String, Vec<String>> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, path) in &self.names {
            let Ok(Entry::Link(target)) = self.scene.tree.entry(path) else { continue };
            let Some(target) = target.file_name().and_then(OsStr::to_str) else { continue };
            let is_unit = target.ends_with(".service") && target != name && self.names.contains_key(target);
            if is_unit && !is_template(target) {
                found.entry(target.to_owned()).or_default().push(name.clone());
            }
        }
        found
    }

    /// Instances that something wants, or that have a name of their own.
    fn instances(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (folder, inner) in
            self.folders.iter().flat_map(|folder| self.inside.iter().map(move |it| (folder, it)))
        {
            if inner.ends_with(".d") {
                continue;
            }
            let names = self.scene.tree.list(&folder.join(inner));
            let names = names.iter().filter_map(|name| name.to_str());
            found.extend(names.filter(|name| is_instance(name)).map(str::to_owned));
        }
        found.extend(self.names.keys().filter(|name| is_instance(name)).cloned());
        found
    }

    fn unit(&self, name: &str, fragment: Option<PathBuf>, others: &[String]) -> Unit {
        let mut folders: Vec<PathBuf> = Vec::new();
        for name in std::iter::once(name).chain(others.iter().map(String::as_str)) {
            for place in &self.folders {
                folders.extend(
                    dropin_names(name)
                        .into_iter()
                        .filter(|inner| self.inside.contains(inner))
                        .map(|inner| place.join(inner)),
                );
            }
        }
        if self.inside.contains("service.d") {
            folders.extend(self.folders.iter().map(|place| place.join("service.d")));
        }
        Unit { name: name.to_owned(), own: fragment.into_iter().collect(), folders }
    }
}

fn is_template(name: &str) -> bool {
    name.ends_with("@.service")
}

fn is_instance(name: &str) -> bool {
    name.ends_with(".service") && name.contains('@') && !is_template(name)
}

fn is_prefix(name: &str) -> bool {
    name.ends_with("-.service") || name == "service"
}

/// Units that lie anywhere else, with the drop-ins beside them. Nobody says which instances of a template are started, so one
/// stands for all, unless a unit of its name without instances lies beside it.
fn loose(scene: &Scene<'_>, candidates: &[Candidate]) -> Vec<Unit> {
    let paths: BTreeSet<&Path> = candidates
        .iter()
        .filter(|candidate| !candidate.by_place)
        .map(|candidate| candidate.path.as_path())
        .collect();
    let mut found: BTreeMap<PathBuf, Unit> = BTreeMap::new();
    let mut dropins: Vec<&Path> = Vec::new();
    for path in &paths {
        let Some(name) = path.file_name().and_then(OsStr::to_str) else { continue };
        if !name.ends_with(".service") {
            dropins.push(path);
            continue;
        }
        let twin = path.with_file_name(name.replace("@.service", ".service"));
        if is_template(name) && scene.tree.exists(&twin) {
            continue;
        }
        found.insert((*path).to_owned(), Unit::loose(name.to_owned(), vec![(*path).to_owned()]));
    }
    for path in dropins {
        let Some(folder) = path.parent() else { continue };
        let unit = folder.with_extension("");
        let name = unit.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // A file by itself has no folder to tell its unit.
        let unit = if name.is_empty() { path.to_owned() } else { unit };
        let entry = found.entry(unit).or_insert_with(|| Unit::loose(name, Vec::new()));
        entry.own.push(path.to_owned());
    }
    found.into_values().collect()
}
