//! A number in a unit that a package ships: an upgrade writes that file anew, so the number goes into a drop-in of the
//! machine's own, as `systemctl edit` makes one (systemd.unit(5)).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::Listener;
use crate::syntax::unit::{self, Entry};
use crate::text::tree::Unread;
use crate::text::{Slot, SourceId, Sources, Span, Tree};

/// Where packages put their units.
const PACKAGED: [&str; 2] = ["usr/lib/systemd/system", "lib/systemd/system"];

const OWN: &str = "etc/systemd/system";

const NAME: &str = "90-backlog-audit.conf";

/// Moves the places of numbers out of the units of packages.
pub(crate) fn take_over(sources: &Sources, tree: &Tree, listeners: &mut [Listener]) {
    let mut drop_ins = DropIns { sources, tree, made: BTreeMap::new(), moved: BTreeMap::new() };
    let slots: Vec<Slot> = listeners.iter().filter_map(|listener| listener.backlog.slot.clone()).collect();
    for slot in &slots {
        drop_ins.add(slot);
    }
    for listener in listeners {
        let Some(slot) = listener.backlog.slot.as_ref() else { continue };
        if drop_ins.packaged(slot.span.source).is_some() {
            listener.backlog.slot = drop_ins.slot_for(slot);
        }
    }
}

struct DropIns<'a> {
    sources: &'a Sources,
    tree: &'a Tree,
    made: BTreeMap<PathBuf, SourceId>,
    /// The setting that each packaged place is in, and the places in it: a drop-in repeats the setting with one number changed.
    moved: BTreeMap<Span, Vec<(Slot, Option<Slot>)>>,
}

impl DropIns<'_> {
    /// The path of a unit, or of a drop-in, below the folder of packages.
    fn packaged(&self, source: SourceId) -> Option<PathBuf> {
        let path = self.sources.get(source).path()?;
        PACKAGED.iter().find_map(|folder| path.strip_prefix(folder).ok()).map(Path::to_owned)
    }

    fn add(&mut self, slot: &Slot) {
        let Some(unit) = self.packaged(slot.span.source) else { return };
        let entries = unit::entries(self.sources, slot.span.source);
        let inside = |entry: &&Entry| {
            entry.value.whole().start <= slot.span.start && slot.span.end <= entry.value.whole().end
        };
        let Some(entry) = entries.iter().find(inside) else { return };
        if self
            .moved
            .get(&entry.value.whole())
            .is_some_and(|known| known.iter().any(|(known, _)| known == slot))
        {
            return;
        }
        let same = entries.iter().filter(|other| other.key == entry.key && !other.value.is_empty()).count();
        let moved = if same == 1 { self.moved_to(&unit, entry, slot) } else { None };
        self.moved.entry(entry.value.whole()).or_default().push((slot.clone(), moved));
    }

    fn moved_to(&mut self, unit: &Path, entry: &Entry, slot: &Slot) -> Option<Slot> {
        let folder = match unit.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Some(drop_ins) => drop_ins.to_owned(),
            None => PathBuf::from(format!("{}.d", unit.display())),
        };
        let path = Path::new(OWN).join(folder).join(NAME);
        if self.tree.entry(&path) != Err(Unread::Missing) {
            return None;
        }
        let text = |from: u32, to: u32| {
            let bytes = self.sources.bytes(entry.value.whole().source).get(from as usize..to as usize)?;
            std::str::from_utf8(bytes).ok()
        };
        let Entry { section, key, value } = entry;
        let at = value.whole();
        let (head, tail) = (text(at.start, slot.span.start)?, text(slot.span.end, at.end)?);
        // What may be given several times is added to, unless it is emptied first.
        let emptied = if key == "ExecStart" { "ExecStart=\n" } else { "" };
        let before = format!("[{section}]\n{emptied}{key}={head}{}", slot.before);
        let made = self.made.entry(path.clone()).or_insert_with(|| self.tree.absent(self.sources, &path));
        let at = Span::new(*made, 0..0);
        Some(Slot::insert(at, before, format!("{}{tail}\n", slot.after)).times(slot.factor))
    }

    /// The new place, unless two numbers of one setting would each repeat the other as it was.
    fn slot_for(&self, slot: &Slot) -> Option<Slot> {
        let all = self.moved.values().find(|all| all.iter().any(|(known, _)| known == slot))?;
        match all.as_slice() {
            [(_, moved)] => moved.clone(),
            _ => None,
        }
    }
}
