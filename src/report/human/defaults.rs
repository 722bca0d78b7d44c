//! Below the table: which listeners stay at their program's own default though the kernel would let them hold more.

use super::{Page, plain};
use crate::model::{Kind, Listener, PlaceId, Queue, key};
use crate::text::{HashSet, Span};

/// Addresses that are named before the rest is counted.
const NAMED: usize = 4;

/// A program, its number, and the somaxconn of its place.
#[derive(PartialEq, Eq)]
struct Default<'a> {
    place: PlaceId,
    service: &'a str,
    number: String,
    somaxconn: i64,
    /// What it takes to ask for more.
    more: String,
}

/// That a listener is a development server's, which nobody should put before clients.
fn for_development(listener: &Listener) -> String {
    let note = listener.notes.iter().find(|note| note.what.ends_with("'s development server"));
    note.map_or_else(String::new, |note| format!(", {}", plain::said(&note.what)))
}

impl Page<'_> {
    /// A line for each program and default. It is no finding: nobody said that the queue should be longer.
    pub(super) fn at_their_defaults(&self) -> String {
        let found = self.report.findings.iter().filter_map(|finding| finding.listener);
        let found: HashSet<usize> = found.collect();
        let mut all: Vec<(Default<'_>, Vec<&Listener>)> = Vec::new();
        for (listener, queue) in self.report.listeners().filter(|(_, queue)| !found.contains(&queue.listener))
        {
            let Some(default) = self.default(listener, queue) else { continue };
            match all.iter_mut().find(|(known, _)| *known == default) {
                Some((_, listeners)) => listeners.push(listener),
                None => all.push((default, vec![listener])),
            }
        }
        let lines: String = all.iter().map(|(default, listeners)| self.stays(default, listeners)).collect();
        if lines.is_empty() { lines } else { lines + "\n" }
    }

    /// What nobody wrote, where it is all that makes the queue as short as it is.
    fn default<'r>(&self, listener: &'r Listener, queue: &Queue) -> Option<Default<'r>> {
        let asked = queue.requested.filter(|asked| Some(*asked) == queue.limit)?;
        let is_default = listener.backlog.value.as_ref().is_some_and(|value| value.kind == Kind::Default);
        let sysctls = &self.report.host.place(listener.place)?.sysctls;
        let somaxconn = sysctls.get(key::SOMAXCONN)?.value.as_ref()?.get;
        if !is_default || listener.internal || asked >= somaxconn {
            return None;
        }
        let is_audited = |at: Span| self.report.sources.get(at.source).path().is_some();
        let number = self.number(listener, queue, asked, is_audited);
        let noted = listener.steps.iter().find(|step| step.value.is_none() && !is_audited(step.at));
        let more = match (noted, &listener.knob) {
            (Some(step), _) => format!(", but {}", plain::said(&step.what)),
            (None, Some(knob)) => format!(", with {knob}"),
            (None, None) => String::new(),
        };
        Some(Default { place: listener.place, service: &listener.service, number, somaxconn, more })
    }

    fn stays(&self, default: &Default<'_>, listeners: &[&Listener]) -> String {
        let mut named: Vec<String> = Vec::new();
        let mut met: HashSet<String> = HashSet::default();
        for listener in listeners {
            let place = self.location(listener.site);
            let named_by = match listener.address() {
                Some(_) => format!("{} ({place}{})", self.address_of(listener), for_development(listener)),
                None => place + &for_development(listener),
            };
            if met.insert(named_by.clone()) && named.len() < NAMED {
                named.push(named_by);
            }
        }
        let others = met.len() - named.len();
        let more = if others == 0 { String::new() } else { format!(" and {others} more") };
        let holds = default.somaxconn.saturating_add(1);
        let text = format!(
            "{} keeps {}, but the kernel would allow {holds}: {}{more}{}",
            default.service,
            default.number,
            named.join(", "),
            default.more
        );
        self.screen.hang("  ", &self.screen.faint(&text))
    }

    /// The number, and how it came about where a file says something of it: nobody should look for what does not count.
    fn number(
        &self,
        listener: &Listener,
        queue: &Queue,
        asked: i64,
        is_audited: impl Fn(Span) -> bool,
    ) -> String {
        let holds = queue.holds().map_or(String::new(), |holds| format!(" ({holds} connections)"));
        let first = listener.steps.first().map_or("", |step| step.what.as_str());
        let is_of_version = first.starts_with("the default of ")
            && first.ends_with(|c: char| c.is_ascii_digit())
            || first.contains(" before ");
        match listener.steps.iter().rfind(|step| is_audited(step.at)) {
            Some(step) => {
                let said = |value: &i64| step.what.contains(&value.to_string());
                let number = step.value.filter(|value| *value != asked && !said(value));
                let number = number.map_or(String::new(), |value| format!("{value} at "));
                let (said, place) = (plain::said(&step.what), self.location(step.at));
                format!("{asked}{holds}, as {said} ({number}{place})")
            }
            None if is_of_version => format!("{asked}{holds}, {}", plain::said(first)),
            None => format!("its default of {asked}{holds}"),
        }
    }
}
