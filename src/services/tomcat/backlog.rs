//! A Connector's acceptCount, and what must be used up before anybody waits in that queue.

use super::super::Ask;
use super::Instance;
use super::attributes::{Number, is_setter};
use super::properties::Filled;
use crate::model::Step;
use crate::syntax::java::integer;
use crate::syntax::xml::{Attribute, Element};
use crate::text::{Slot, Span};

/// A Connector's number while its attributes are read.
pub(super) struct Backlog {
    pub(super) ask: Ask,
    /// Attributes that look like it and are not.
    pub(super) notes: Vec<Step>,
}

impl Instance<'_> {
    pub(super) fn backlog(&self, element: &Element) -> Backlog {
        let own = self.ground.own_of("backlog", "Tomcat's own default acceptCount");
        let mut backlog = Backlog { ask: own, notes: Vec::new() };
        let mut written = false;
        for attribute in &element.attributes {
            match self.takes_count(&attribute.name) {
                Some(true) => {
                    written |= element.tag.contains(attribute.value.span());
                    self.count(attribute, &mut backlog);
                }
                Some(false) => backlog.notes.push(Step {
                    value: None,
                    what: format!("{} is not acceptCount: Tomcat ignores it", attribute.name),
                    at: attribute.value.span(),
                }),
                None => {}
            }
        }
        if let Some((end, quote)) = element.end.filter(|_| !written) {
            backlog.ask.backlog.slot = Some(Slot::insert(end, format!(" acceptCount={quote}"), quote));
        }
        backlog
    }

    /// Whether an attribute sets the number; `None` where nobody would think so.
    fn takes_count(&self, name: &str) -> Option<bool> {
        // Up to Tomcat 8.5 setBacklog was another name of setAcceptCount (AbstractEndpoint).
        let sets = is_setter(name, "acceptCount")
            || (is_setter(name, "backlog") && self.is_since(9, 0) == Some(false));
        let looks = name.eq_ignore_ascii_case("acceptCount") || name == "backlog";
        (sets || looks).then_some(sets)
    }

    /// setAcceptCount takes a whole number above 0, and else keeps what it has.
    fn count(&self, attribute: &Attribute, backlog: &mut Backlog) {
        let filled = self.properties.fill(&attribute.value);
        let number = integer(&filled.text);
        if filled.text.is_open() {
            backlog.ask = Ask::elsewhere(&attribute.value, attribute.value.span());
        } else if let Some(number) = number.filter(|number| *number > 0) {
            backlog.ask = self.accept(attribute, &filled, number);
        } else {
            let why = if number.is_some() { "not above 0" } else { "not a number to Java" };
            let what = format!("{}=\"{}\" is {why}: Tomcat ignores it", attribute.name, attribute.value);
            let value = backlog.ask.backlog.value.as_ref().map(|value| value.get);
            let slot =
                filled.text.exact().filter(|_| number.is_some() && filled.text.is_ascii()).map(Slot::replace);
            backlog.ask.backlog.slot = backlog.ask.backlog.slot.take().or(slot);
            backlog.ask.steps.push(Step { value, what, at: attribute.value.span() });
        }
    }

    /// The number stands in the attribute itself, or in the property that is all of it.
    fn accept(&self, attribute: &Attribute, filled: &Filled, number: i64) -> Ask {
        let at = filled.text.span();
        let from = filled.property.as_ref().map(|property| format!("{property} in catalina.properties"));
        let takes = from.as_ref().map(|_| {
            let what = format!("used by {}", attribute.name);
            Step { value: Some(number), what, at: attribute.value.span() }
        });
        let mut ask = Ask::written(number, from.as_ref().unwrap_or(&attribute.name), at);
        ask.steps.extend(takes);
        ask.with(filled.text.exact().filter(|_| filled.text.is_ascii()).map(Slot::replace))
    }

    /// What must be used up before connections wait in the queue. `service` is an index in the document.
    pub(super) fn capacity(&self, service: usize, element: &Element) -> Vec<Step> {
        let connections = self.limit(element, "maxConnections", "max-connections").map(|(number, at)| {
            let (value, what) = match number {
                -1 => (None, "maxConnections=-1: Tomcat accepts without limit, so only bursts use the queue"),
                _ => (
                    Some(number),
                    "maxConnections: the queue fills only when Tomcat holds this many connections",
                ),
            };
            Step { value, what: what.into(), at }
        });
        let executor = self.executor(service, element).unwrap_or(element);
        let threads = self.limit(executor, "maxThreads", "max-threads").map(|(number, at)| Step {
            value: Some(number),
            what: "maxThreads: Tomcat serves this many requests at once".into(),
            at,
        });
        connections.into_iter().chain(threads).collect()
    }

    /// The Executor of this service that a Connector names; an unknown name leaves it with threads of its own.
    fn executor(&self, service: usize, element: &Element) -> Option<&Element> {
        let (_, name) = self.last(element, "executor")?;
        let named =
            |executor: &Element| self.last(executor, "name").is_some_and(|(_, own)| own.text.is(&name.text));
        let mut executors = self.document.children(service, "Executor").map(|(_, executor)| executor);
        executors.find(|executor| named(executor))
    }

    fn limit(&self, element: &Element, attribute: &str, default: &str) -> Option<(i64, Span)> {
        match self.integer(element, attribute) {
            Number::Known(number, at) => Some((number, at)),
            Number::Open(_) => None,
            Number::Bad(_) | Number::Unset => {
                self.ground.service.default(default).map(|value| (value.get, value.span))
            }
        }
    }
}
