//! The ledger of a number: who asked, who cut, what is left; for a finding, and for every listener where all is asked for.

use unicode_width::UnicodeWidthStr;

use super::{Page, plain};
use crate::model::{Apply, Listener, Queue, Severity, Step, Transport};
use crate::report::screen::{accent, left, right};

/// The words at the left of a block: `fix`, `then`, `also`.
const LEAD: usize = 8;

/// The numbers of a ledger, unless one has more digits.
const NUMBER: usize = 6;

/// Places stand in a column behind words of at most this width; behind longer ones they follow.
const WORDS: usize = 36;

impl Page<'_> {
    /// How the number came about, line by line: who asked, who cut, what is left.
    pub(super) fn ledger(&self, queue: &Queue) -> String {
        let figure = |value: Option<i64>| value.map_or("?".to_owned(), |value| value.to_string());
        let running = self.running_step(queue);
        let steps: Vec<&Step> = queue.steps.iter().chain(&running).collect();
        let words: Vec<String> = steps.iter().map(|step| plain::said(&step.what)).collect();
        let widest =
            words.iter().map(|words| words.width()).filter(|width| *width <= WORDS).max().unwrap_or(0);
        let digits = steps.iter().map(|step| figure(step.value).len()).max().unwrap_or(0).max(NUMBER);
        let mut text = String::new();
        for (index, (step, words)) in steps.iter().zip(&words).enumerate() {
            let number = right(&figure(step.value), digits);
            let cut = index + 1 == steps.len() && (queue.capped_by.is_some() || running.is_some());
            let number = if cut { self.screen.paint(accent(Severity::Warning), &number) } else { number };
            let lead = format!("{}{number}  ", self.lead(if index == 0 { "queue" } else { "" }));
            if words.width() > WORDS {
                text.push_str(
                    &self
                        .screen
                        .hang(&lead, &format!("{words} {}", self.screen.faint(&self.location(step.at)))),
                );
                continue;
            }
            let room = self.screen.width.saturating_sub(LEAD + digits + widest + 6);
            let place = self.screen.faint(&self.location_in(step.at, room));
            text.push_str(&format!("{lead}{}  {place}\n", left(words, widest)));
        }
        if let Some(limit) = running.and_then(|step| step.value).or(queue.limit) {
            let (holds, end) = self.holding(queue, limit);
            let number = self.screen.strong(&right(&holds.to_string(), digits));
            let lead = format!("{}{number}  ", self.lead(""));
            text.push_str(&self.screen.hang(&lead, end));
        }
        text
    }

    /// How many connections wait at most, and what comes then.
    fn holding(&self, queue: &Queue, limit: i64) -> (i64, &'static str) {
        let listener = self.report.host.listeners.get(queue.listener);
        match listener.map(|listener| listener.endpoint.transport()) {
            _ if listener.is_some_and(|listener| queue.is_refused(listener)) => {
                (0, "connections: the program refuses to start with less than it asks for")
            }
            Some(Transport::Unix) => {
                (limit.saturating_add(1), "connections can wait, then clients are refused")
            }
            _ => (limit.saturating_add(1), "connections can wait, then clients time out"),
        }
    }

    /// Where the running machine has another limit than the files give, that is the last word.
    fn running_step(&self, queue: &Queue) -> Option<Step> {
        let seen = self.report.seen.as_ref()?;
        let (index, socket) = *self.sockets.get(&queue.listener)?.first()?;
        let value = Some(i64::from(socket.limit));
        let at = *seen.lines.get(index).filter(|_| value != queue.limit)?;
        Some(Step { value, what: "limit of the running socket".to_owned(), at })
    }

    /// Every listener with its ledger and what else is known of it.
    pub(super) fn in_detail(&self) -> String {
        self.report.listeners().map(|(listener, queue)| self.listener(listener, queue) + "\n").collect()
    }

    fn listener(&self, listener: &Listener, queue: &Queue) -> String {
        let name = format!("{} {}", listener.service, self.address_of(listener));
        let mut heading = self.screen.strong(&name);
        // Without an address the name is the place.
        if listener.address().is_some() {
            heading.push_str(&format!(" {}", self.screen.faint(&self.location(listener.site))));
        }
        let mut text = self.screen.hang("  ", &heading);
        text.push_str(&self.ledger(queue));
        if let Some(limit) = queue.syn.limit {
            let most =
                queue.syn.limit_max.map_or(String::new(), |most| format!(", on some stable kernels {most}"));
            let then = if queue.syn.cookies { "the kernel sends cookies" } else { "the kernel drops SYNs" };
            let number = right(&limit.to_string(), NUMBER);
            let lead = format!("{}{number}  ", self.lead("syn"));
            text.push_str(&self.screen.hang(&lead, &format!("half-open connections{most}, then {then}")));
        }
        text.push_str(&self.notes(listener.notes.iter()));
        let apply = match listener.apply {
            Apply::Reload => "a reload applies a changed backlog, a restart also a changed somaxconn",
            Apply::Restart => "a restart applies a changed backlog or somaxconn",
        };
        text + &self.beside("apply", apply)
    }

    /// What else is known of a listener.
    pub(super) fn notes<'s>(&self, notes: impl Iterator<Item = &'s Step>) -> String {
        let told = |Step { value, what, at }: &Step| {
            let number = right(&value.map_or(String::new(), |value| value.to_string()), NUMBER);
            let place = self.screen.faint(&self.location(*at));
            let lead = format!("{}{number}  ", self.lead("note"));
            self.screen.hang(&lead, &format!("{} {place}", plain::said(what)))
        };
        notes.map(told).collect()
    }

    pub(super) fn lead(&self, word: &str) -> String {
        self.screen.strong(&format!("  {}", left(word, LEAD)))
    }

    pub(super) fn beside(&self, word: &str, text: &str) -> String {
        self.screen.hang(&self.lead(word), text)
    }
}
