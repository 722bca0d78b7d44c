//! From what checks want to what is written: wants for one target are merged by maximum, and each target gets one edit.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use crate::model::{Finding, Host, PlaceId, Safety, Sysctl, Target, Want, shell};
use crate::text::{Edit, HashMap, HashSet, Slot, SourceId, Sources, Span};

/// A fix: the index of the finding, and of the fix in it.
type FixId = (usize, usize);

/// One edit of the plan; several fixes may share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// `e1`, `e2`, ... in the order of files and places.
    pub id: String,
    pub edit: Edit,
    /// The edit is part of the patch: it serves a fix of an allowed safety.
    pub in_patch: bool,
    /// The fixes that it serves: indices of the finding and of the fix in it.
    pub serves: Vec<FixId>,
    /// The numbers that it writes.
    pub writes: BTreeMap<Target, i64>,
    /// What brings the edited lines in before the next boot.
    pub then: Vec<String>,
}

/// All edits, sorted by file and place. Edits that are in the patch do not overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    pub edits: Vec<Planned>,
    /// The edits of each fix, by their indices; found when first asked for.
    of_fixes: OnceLock<HashMap<FixId, Vec<usize>>>,
}

impl Plan {
    /// `allowed`: the least safe kind of fix that goes into the patch. What an unsafe fix wants never changes what the patch
    /// of the safe ones writes: its edits are shown beside it, as they would be in the patch of all.
    pub fn make(sources: &Sources, host: &Host, findings: &[Finding], allowed: Safety) -> Self {
        let draft = |limit| Draft::of(sources, host, findings, limit).edits();
        let mut edits = draft(allowed);
        if allowed == Safety::Safe {
            let is_unsafe = |(finding, fix): &FixId| {
                let fix = findings.get(*finding).and_then(|finding| finding.fixes.get(*fix));
                fix.is_some_and(|fix| fix.safety == Safety::Unsafe)
            };
            let known: HashMap<Span, usize> =
                edits.iter().enumerate().map(|(at, planned)| (planned.edit.span, at)).collect();
            for mut other in draft(Safety::Unsafe) {
                other.serves.retain(is_unsafe);
                let same = known.get(&other.edit.span).and_then(|at| edits.get_mut(*at));
                match same.filter(|planned| planned.edit == other.edit) {
                    Some(planned) => planned.serves.append(&mut other.serves),
                    None if other.serves.is_empty() => {}
                    None => edits.push(Planned { in_patch: false, ..other }),
                }
            }
        }
        edits.sort_by(|a, b| {
            let order = sources.order(a.edit.span, b.edit.span);
            order.then(b.in_patch.cmp(&a.in_patch)).then_with(|| a.edit.text.cmp(&b.edit.text))
        });
        for (planned, number) in edits.iter_mut().zip(1..) {
            planned.id = format!("e{number}");
        }
        Self { edits, of_fixes: OnceLock::new() }
    }

    /// A fix that wants less of a number than is written says so.
    pub fn name_merged(&self, findings: &mut [Finding]) {
        for (at, found) in findings.iter_mut().enumerate() {
            for (nth, fix) in found.fixes.iter_mut().enumerate() {
                let written = |target| self.edits_of(at, nth).filter_map(|it| it.writes.get(target)).max();
                let more = fix.set.iter().find_map(|want| match want {
                    Want::AtLeast { target, value } => written(target).filter(|written| *written > value),
                    _ => None,
                });
                if let Some(more) = more {
                    let title =
                        format!("{}, but the patch writes {more}, because another fix needs it", fix.title);
                    // Help in the same words stays the same, so that a reader meets it once.
                    found.help.iter_mut().filter(|it| **it == fix.title).for_each(|it| it.clone_from(&title));
                    fix.title = title;
                }
            }
        }
    }

    /// One edit has one safety: a fix that asks for no other edits than safe ones do is safe too.
    pub fn settle_safety(&self, findings: &mut [Finding]) {
        let is_safe = |(finding, fix): &FixId| {
            let fix = findings.get(*finding).and_then(|finding| finding.fixes.get(*fix));
            fix.is_some_and(|fix| fix.safety == Safety::Safe)
        };
        let serve_safe_ones = self.edits.iter().filter(|planned| planned.serves.iter().any(is_safe));
        let safe_edits: HashSet<&str> = serve_safe_ones.map(|planned| planned.id.as_str()).collect();
        let is_in_safe_ones = |fix: &FixId| {
            let mut edits = self.edits_of(fix.0, fix.1).peekable();
            edits.peek().is_some() && edits.all(|planned| safe_edits.contains(planned.id.as_str()))
        };
        let all =
            findings.iter().enumerate().flat_map(|(at, it)| (0..it.fixes.len()).map(move |fix| (at, fix)));
        let safe: Vec<FixId> = all.filter(|fix| !is_safe(fix) && is_in_safe_ones(fix)).collect();
        for (finding, fix) in safe {
            if let Some(fix) = findings.get_mut(finding).and_then(|finding| finding.fixes.get_mut(fix)) {
                fix.safety = Safety::Safe;
            }
        }
    }

    /// The edits that one fix of one finding needs.
    pub fn edits_of(&self, finding: usize, fix: usize) -> impl Iterator<Item = &Planned> {
        let edits = self.of_fixes.get_or_init(|| of_fixes(&self.edits)).get(&(finding, fix));
        edits.into_iter().flatten().filter_map(|at| self.edits.get(*at))
    }

    /// What to run after one fix of one finding: what brings the edited lines in, then what the fix itself names.
    pub fn then_of(&self, findings: &[Finding], finding: usize, fix: usize) -> Vec<String> {
        let own = findings.get(finding).and_then(|finding| finding.fixes.get(fix)).map(|fix| fix.then.iter());
        let edited = self.edits_of(finding, fix).flat_map(|planned| &planned.then);
        let mut commands: Vec<String> = Vec::new();
        for command in edited.chain(own.into_iter().flatten()) {
            if !commands.contains(command) {
                commands.push(command.clone());
            }
        }
        commands
    }
}

fn of_fixes(edits: &[Planned]) -> HashMap<FixId, Vec<usize>> {
    let mut found: HashMap<FixId, Vec<usize>> = HashMap::default();
    for (at, planned) in edits.iter().enumerate() {
        for fix in &planned.serves {
            let edits = found.entry(*fix).or_default();
            if edits.last() != Some(&at) {
                edits.push(at);
            }
        }
    }
    found
}

/// What all fixes want of one target.
#[derive(Debug, Default)]
struct Wish {
    at_least: Option<i64>,
    exactly: Option<i64>,
    /// What mended lines give it.
    mended: Option<i64>,
    serves: Vec<FixId>,
}

impl Wish {
    /// A switch has no maximum: who says exactly is right.
    fn value(&self) -> Option<i64> {
        self.exactly.or(self.at_least.max(self.mended))
    }

    /// Whether a target that has this number needs no edit.
    fn is_met_by(&self, number: Option<i64>) -> bool {
        match self.exactly {
            Some(_) => number == self.exactly,
            None => number.is_some() && number >= self.value(),
        }
    }
}

/// The number that a mended line gives.
type Gives<'a> = Option<&'a (Target, i64)>;

/// The wants of all fixes up to one safety.
struct Draft<'a> {
    sources: &'a Sources,
    host: &'a Host,
    findings: &'a [Finding],
    wishes: BTreeMap<&'a Target, Wish>,
    mends: Vec<(&'a Edit, Gives<'a>, Vec<FixId>)>,
    known_mends: HashMap<&'a Edit, usize>,
}

impl<'a> Draft<'a> {
    fn of(sources: &'a Sources, host: &'a Host, findings: &'a [Finding], limit: Safety) -> Self {
        let (wishes, mends, known_mends) = (BTreeMap::new(), Vec::new(), HashMap::default());
        let mut draft = Self { sources, host, findings, wishes, mends, known_mends };
        for (finding, found) in findings.iter().enumerate() {
            let fixes = found.fixes.iter().enumerate().filter(|(_, fix)| fix.safety <= limit);
            for (fix, want) in fixes.flat_map(|(fix, it)| it.set.iter().map(move |want| (fix, want))) {
                draft.take(want, (finding, fix));
            }
        }
        draft
    }

    fn take(&mut self, want: &'a Want, fix: FixId) {
        match want {
            Want::AtLeast { target, value } => {
                let wish = self.wish(target, fix);
                wish.at_least = wish.at_least.max(Some(*value));
            }
            Want::Exactly { target, value } => {
                self.wish(target, fix).exactly.get_or_insert(*value);
            }
            Want::Mend { edit, gives } => {
                if let Some((target, value)) = gives {
                    let wish = self.wish(target, fix);
                    wish.mended = wish.mended.max(Some(*value));
                }
                match self.known_mends.get(edit).and_then(|at| self.mends.get_mut(*at)) {
                    Some((.., serves)) => serves.push(fix),
                    None => {
                        self.known_mends.insert(edit, self.mends.len());
                        self.mends.push((edit, gives.as_ref(), vec![fix]));
                    }
                }
            }
        }
    }

    fn wish(&mut self, target: &'a Target, fix: FixId) -> &mut Wish {
        let wish = self.wishes.entry(target).or_default();
        wish.serves.push(fix);
        wish
    }

    fn edits(&self) -> Vec<Planned> {
        let mut edits = Edits::default();
        for planned in self.backlogs() {
            edits.add(planned);
        }
        for (target, wish) in &self.wishes {
            for planned in self.write(target, wish) {
                edits.add(planned);
            }
        }
        let mut taken = Taken::by(&edits.all);
        let mut edits = edits.all;
        for (edit, gives, serves) in &self.mends {
            let planned = self.mend(edit, *gives, serves);
            if taken.take(edit.span) {
                edits.push(planned);
            }
        }
        for planned in
            edits.iter_mut().filter(|planned| self.sources.get(planned.edit.span.source).is_absent())
        {
            planned.edit.text.insert_str(0, &self.heading(&planned.serves));
        }
        edits
    }

    /// The numbers of programs. One number may be that of many listeners: it is written once, as the most that is wanted.
    fn backlogs(&self) -> Vec<Planned> {
        let mut wanted: Vec<(&Slot, i64, Vec<&Target>, Vec<FixId>)> = Vec::new();
        let mut known: HashMap<&Slot, usize> = HashMap::default();
        for (target, wish) in &self.wishes {
            let Target::Backlog { listener } = target else { continue };
            let backlog = self.host.listeners.get(*listener).map(|listener| &listener.backlog);
            let asked = backlog.and_then(|backlog| backlog.value.as_ref()).map(|value| value.get);
            let slot = backlog.and_then(|backlog| backlog.slot.as_ref()).filter(|_| !wish.is_met_by(asked));
            let Some((slot, value)) = slot.zip(wish.value()) else { continue };
            match known.get(slot).and_then(|at| wanted.get_mut(*at)) {
                Some((_, most, targets, serves)) => {
                    *most = value.max(*most);
                    targets.push(target);
                    serves.extend(&wish.serves);
                }
                None => {
                    known.insert(slot, wanted.len());
                    wanted.push((slot, value, vec![target], wish.serves.clone()));
                }
            }
        }
        wanted
            .into_iter()
            .map(|(slot, value, targets, serves)| {
                let writes = targets.into_iter().map(|target| (target.clone(), value)).collect();
                Planned { writes, ..planned(slot.edit(value), serves, self.read_again(slot)) }
            })
            .collect()
    }

    /// systemd goes on with the unit as it was until it is told to read it again.
    fn read_again(&self, slot: &Slot) -> Vec<String> {
        let path = self.sources.get(slot.span.source).path();
        let is_unit = |path: &Path| path.extension().is_some_and(|it| it == "service" || it == "socket");
        let is_drop_in = |path: &Path| {
            let folder = path.parent().and_then(Path::to_str);
            folder.is_some_and(|folder| folder.ends_with(".service.d") || folder.ends_with(".socket.d"))
        };
        let read = path.is_some_and(|path| is_unit(path) || is_drop_in(path));
        read.then(|| "systemctl daemon-reload".to_owned()).into_iter().collect()
    }

    /// A sysctl, wherever it is decided.
    fn write(&self, target: &Target, wish: &Wish) -> Vec<Planned> {
        let Some(value) = wish.value() else { return Vec::new() };
        let planned = |slot: &Slot, then| Planned {
            writes: BTreeMap::from([(target.clone(), value)]),
            ..planned(slot.edit(value), wish.serves.clone(), then)
        };
        match target {
            Target::Backlog { .. } => Vec::new(),
            Target::Sysctl { place, key } => {
                let Some(sysctl) = self.sysctl(*place, key) else { return Vec::new() };
                let mended = wish.mended.is_some() && wish.is_met_by(wish.mended);
                let boot = sysctl.slot.as_ref().filter(|_| !mended && !wish.is_met_by(sysctl.number()));
                let boot = boot.map(|slot| planned(slot, vec![self.apply(key, value, slot)]));
                // Else the next `sysctl --system` would undo it.
                let undone = sysctl.system.as_ref().filter(|system| !wish.is_met_by(Some(system.get)));
                let by_hand = undone.and_then(|_| sysctl.by_hand(self.sources));
                boot.into_iter().chain(by_hand.map(|slot| planned(slot, Vec::new()))).collect()
            }
        }
    }

    /// A mended line may be all that others want of its key: then it serves them too.
    fn mend(&self, edit: &Edit, gives: Gives<'_>, serves: &[FixId]) -> Planned {
        let wish = gives.and_then(|(target, _)| Some((target, self.wishes.get(target)?)));
        let planned = match wish {
            Some((Target::Sysctl { key, .. }, wish)) if wish.is_met_by(wish.mended) => {
                let then = wish.mended.map(|value| write_now(key, value));
                planned(edit.clone(), wish.serves.clone(), then.into_iter().collect())
            }
            _ => planned(edit.clone(), serves.to_vec(), Vec::new()),
        };
        Planned { writes: gives.cloned().into_iter().collect(), ..planned }
    }

    fn sysctl(&self, place: PlaceId, key: &str) -> Option<&'a Sysctl> {
        self.host.place(place)?.sysctls.get(key)
    }

    /// A file of our own is applied as a whole; of a file that is edited in place only what changed, because its other lines
    /// may be overridden elsewhere.
    fn apply(&self, key: &str, value: i64, slot: &Slot) -> String {
        let path = self.sources.get(slot.span.source).path();
        match path.filter(|_| !slot.before.is_empty()) {
            Some(path) => apply_file(&format!("/{}", path.display())),
            None => write_now(key, value),
        }
    }

    /// The first line of a new file.
    fn heading(&self, serves: &[FixId]) -> String {
        let mut rules: Vec<&str> = serves
            .iter()
            .filter_map(|(finding, _)| Some(self.findings.get(*finding)?.rule.as_str()))
            .collect();
        rules.sort_unstable();
        rules.dedup();
        let one = if let [one] = rules.as_slice() { one } else { "RULE" };
        format!("# Written by backlog-audit to fix {} (backlog-audit explain {one})\n", rules.join(", "))
    }
}

/// `sysctl -p` takes a pattern (procps, src/sysctl.c: Preload calls glob(3) with GLOB_BRACE).
fn apply_file(path: &str) -> String {
    let word = shell::word(path).filter(|_| !path.contains(['*', '?', '[', '{', '\\']));
    word.map_or_else(|| shell::comment("apply with sysctl -p:", path), |word| format!("sysctl -p {word}"))
}

fn write_now(key: &str, value: i64) -> String {
    shell::command(&["sysctl", "-w", &format!("{key}={value}")])
}

fn planned(edit: Edit, mut serves: Vec<FixId>, then: Vec<String>) -> Planned {
    serves.sort_unstable();
    serves.dedup();
    Planned { id: String::new(), edit, in_patch: true, serves, writes: BTreeMap::new(), then }
}

/// Edits, each place once.
#[derive(Default)]
struct Edits {
    all: Vec<Planned>,
    known: HashMap<Span, usize>,
}

impl Edits {
    /// Lines that go to the same spot become one edit: several keys of one new file.
    fn add(&mut self, new: Planned) {
        let spot = |edit: &Edit| edit.span.start == edit.span.end;
        match self.known.get(&new.edit.span).and_then(|at| self.all.get_mut(*at)) {
            Some(known) if spot(&new.edit) => {
                known.edit.text.push_str(&new.edit.text);
                known.serves.extend(new.serves);
                known.serves.sort_unstable();
                known.serves.dedup();
                known.writes.extend(new.writes);
                known.then.extend(new.then);
                known.then.dedup();
            }
            Some(_) => {}
            None => {
                self.known.insert(new.edit.span, self.all.len());
                self.all.push(new);
            }
        }
    }
}

/// Places that have an edit.
struct Taken {
    same: HashSet<Span>,
    /// By where edits start, how far those reach that start there or before.
    ends: BTreeMap<(SourceId, u32), u32>,
}

impl Taken {
    fn by(edits: &[Planned]) -> Self {
        let mut spans: Vec<Span> = edits.iter().map(|planned| planned.edit.span).collect();
        spans.sort_unstable_by_key(|span| (span.source, span.start));
        let mut taken = Self { same: HashSet::default(), ends: BTreeMap::new() };
        spans.into_iter().for_each(|span| taken.add(span));
        taken
    }

    /// Whether no edit overlaps this one; then it is in the way of others.
    fn take(&mut self, span: Span) -> bool {
        let free = !self.same.contains(&span) && self.end_before(span.source, span.end) <= span.start;
        if free {
            self.add(span);
        }
        free
    }

    fn add(&mut self, span: Span) {
        let end = self.end_before(span.source, span.start.saturating_add(1)).max(span.end);
        self.ends.insert((span.source, span.start), end);
        self.same.insert(span);
    }

    /// How far what starts before an offset reaches.
    fn end_before(&self, source: SourceId, offset: u32) -> u32 {
        self.ends.range((source, 0)..(source, offset)).next_back().map_or(0, |(_, end)| *end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_in_the_way_of_what_overlaps_it() {
        let source = Sources::new().flag("t", "").source;
        let spans: Vec<Span> =
            (0..5_usize).flat_map(|start| (start..5).map(move |end| Span::new(source, start..end))).collect();
        let edit = |span: Span| planned(Edit { span, text: String::new() }, Vec::new(), Vec::new());
        let overlap = |x: Span, y: Span| x == y || (x.start < y.end && y.start < x.end);
        for (a, b) in spans.iter().flat_map(|a| spans.iter().map(|b| (*a, *b))) {
            for c in &spans {
                let mut taken = Taken::by(&[edit(a)]);
                let mut all = vec![a];
                for new in [b, *c] {
                    let free = all.iter().all(|known| !overlap(*known, new));
                    assert_eq!(taken.take(new), free, "{new:?} beside {all:?}");
                    all.extend(free.then_some(new));
                }
            }
        }
    }
}
