//! From calls to listeners: what each call asks for, in the words of the model, with the place that decides it.

use super::eval::Evaluation;
use super::listen::{Asked, Backlog, Fallback};
use super::value::{Thing, Value};
use crate::model::{self, Listener, Setting, Step};
use crate::syntax::calls::Id;
use crate::text::Span;

/// What an expression on a longer line does is not shown as a whole.
const LONG: u32 = 120;

/// The listener of a call, if it listens.
pub(super) fn of_call(evaluation: &Evaluation<'_, '_>, call: Id) -> Option<Listener> {
    let Asked { place, backlog, shared } = evaluation.asked(call)?;
    let site = site(evaluation, call);
    let ground = evaluation.ground;
    let mut listener = Listener::new(&ground.service.name, ground.place, place.endpoint, site);
    listener.sockets = (!shared).then_some(1);
    listener.notes = place.notes.into_iter().map(|what| Step { value: None, what, at: site }).collect();
    (listener.backlog, listener.steps) = setting(evaluation, backlog, site);
    Some(listener)
}

/// `new ServerSocket(8080)`, or the name of a method and what it is given.
fn site(evaluation: &Evaluation<'_, '_>, call: Id) -> Span {
    let whole = evaluation.span(call);
    let start = evaluation.field(call, "name").map_or(whole.start, |name| evaluation.span(name).start);
    let arguments = evaluation.field(call, "arguments").map(|arguments| evaluation.span(arguments));
    let end = arguments.map_or(whole.end, |arguments| arguments.end);
    let text = evaluation.ground.sources.slice(Span { start, end, ..whole });
    let first = text.iter().position(|byte| *byte == b'\n').and_then(|at| u32::try_from(at).ok());
    let short = first.unwrap_or(end.saturating_sub(start)).min(LONG);
    Span { start, end: start + short, ..whole }
}

fn setting(evaluation: &Evaluation<'_, '_>, backlog: Backlog, site: Span) -> (Setting, Vec<Step>) {
    let Backlog { given, default, too_small, least, slot } = backlog;
    let Some(given) = given else {
        let (value, step) = fallback(evaluation, default);
        return (Setting { value, slot }, step);
    };
    let Thing::Number(number) = given.thing else { return (Setting::default(), vec![unknown(&given, site)]) };
    let what = match given.unless.first() {
        Some(outside) => format!("what the program asks for unless {outside}"),
        None => "what the program asks for".to_owned(),
    };
    let asked = Step { value: Some(number), what, at: given.at };
    if number >= least {
        return (
            Setting { value: Some(model::Value::written(number, given.at)), slot: given.slot },
            vec![asked],
        );
    }
    let (value, step) = fallback(evaluation, too_small);
    let what = match least {
        1 => "less than 1 counts as nothing",
        _ => "a negative number is refused, and counts as nothing",
    };
    let ignored = Step { what: what.to_owned(), ..asked };
    (Setting { value, slot: given.slot }, std::iter::once(ignored).chain(step).collect())
}

fn fallback(evaluation: &Evaluation<'_, '_>, default: Fallback) -> (Option<model::Value<i64>>, Vec<Step>) {
    let value = evaluation.ground.service.default(default.name);
    let step = |value: &model::Value<i64>| Step {
        value: Some(value.get),
        what: default.what.to_owned(),
        at: value.span,
    };
    let steps = value.iter().map(step).collect();
    (value, steps)
}

fn unknown(given: &Value, site: Span) -> Step {
    let why = given.why_unknown().unwrap_or_else(|| "it is no number".to_owned());
    Step { value: None, what: format!("the backlog is not known: {why}"), at: site }
}
