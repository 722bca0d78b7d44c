//! From calls to listeners: what each call asks for, in the words of the model, with the place that decides it.

use super::super::Ask;
use super::eval::Evaluation;
use super::listen::{Asked, Backlog};
use super::program::Spot;
use super::sites::Condition;
use super::value::Server;
use super::{is_on_a_short_line, names};
use crate::model::{Endpoint, Listener};
use crate::syntax::calls::Id;
use crate::text::Span;

/// The listeners of these calls of a file.
pub(super) fn of_calls(evaluation: &Evaluation<'_, '_>, calls: &[Spot]) -> Vec<Listener> {
    let mut calls: Vec<&Spot> = calls.iter().collect();
    // A retry stands in a handler, further in than the call that it repeats.
    calls.sort_by_key(|call| evaluation.depth_of(call));
    let mut found: Vec<(Server, Listener)> = Vec::new();
    for call in calls.into_iter().flat_map(|call| evaluation.reached(call)) {
        let Some((server, new)) = of_call(evaluation, &call) else { continue };
        for listener in new {
            let known = found.iter().any(|(other, known)| {
                other.made.is_at(&server.made) && is_the_same(evaluation, known, &listener)
            });
            if !known {
                found.push((server.clone(), listener));
            }
        }
    }
    found.sort_by_key(|(_, listener)| listener.site);
    found.into_iter().map(|(_, listener)| listener).collect()
}

/// A server listens once: a call that says what another said is a retry, or the same call reached another way.
fn is_the_same(evaluation: &Evaluation<'_, '_>, one: &Listener, other: &Listener) -> bool {
    let sources = evaluation.program.ground.sources;
    let unknown = matches!(one.endpoint, Endpoint::Unknown(_));
    one.endpoint == other.endpoint && (!unknown || sources.slice(one.site) == sources.slice(other.site))
}

fn of_call(evaluation: &Evaluation<'_, '_>, call: &Spot) -> Option<(Server, Vec<Listener>)> {
    let site = site(evaluation, call)?;
    let text = evaluation.program.ground.sources.bytes(site.source);
    if !is_on_a_short_line(text, site.start as usize) {
        if evaluation.program.ground.sources.slice(site).starts_with(b"listen") {
            evaluation.program.minified.push(site);
        }
        return None;
    }
    let server = evaluation.server_of(call)?;
    let mut asked = evaluation.asked(&server, call)?;
    match evaluation.condition(call) {
        Condition::Never => return None,
        Condition::IfSet(name) => {
            asked.place.note(format!("it listens only if {name} is set in the environment"));
        }
        Condition::MayBe => {}
    }
    let listeners = of_asked(evaluation, call, site, &asked);
    Some((server, listeners))
}

/// What is shown of a call: its name and what it is given, without the body of a callback.
fn site(evaluation: &Evaluation<'_, '_>, call: &Spot) -> Option<Span> {
    let code = &evaluation.file(call)?.code;
    let callee = code.field(call.node, "function")?;
    let name = code.field(callee, "property").unwrap_or(callee);
    let is_short = |argument: &Id| !names::is_function(code.kind(*argument));
    let arguments = code.field(call.node, "arguments")?;
    let last = code.children(arguments).take_while(is_short).last();
    let (start, end) = (code.span(name).start, code.span(last.unwrap_or(name)).end);
    Some(Span { start, end, ..code.span(call.node) })
}

fn of_asked(evaluation: &Evaluation<'_, '_>, call: &Spot, site: Span, asked: &Asked) -> Vec<Listener> {
    let all = evaluation.program.ground.listeners(&asked.place, site, &ask(evaluation, call, site, asked));
    let sockets = sockets(evaluation, call, asked);
    all.into_iter().map(|listener| Listener { sockets, ..listener }).collect()
}

fn ask(evaluation: &Evaluation<'_, '_>, call: &Spot, site: Span, asked: &Asked) -> Ask {
    match &asked.backlog {
        Backlog::Default(slot) => evaluation.program.ground.own("backlog", None).with(slot.clone()),
        Backlog::Given(number, value, at) => {
            let written = value.written.as_ref();
            let slot = written.and_then(|literal| evaluation.slot_at(literal, *number, call));
            let span = evaluation.program.span(written.unwrap_or(at)).unwrap_or(site);
            let unless = value.unless.first().map(|name| format!("{name} is set in the environment"));
            Ask::of_program(i64::from(*number), unless, span).with(slot)
        }
        Backlog::Unknown(why) => Ask::unknown(why, site),
    }
}

/// Workers of a cluster share the primary's socket; with `reusePort` each has its own (doc/api/net.md, server.listen).
fn sockets(evaluation: &Evaluation<'_, '_>, call: &Spot, asked: &Asked) -> Option<u32> {
    let starts_workers =
        |name: &&str| evaluation.file(call).is_some_and(|file| file.names.calls.contains_key(*name));
    let clustered = ["fork", "Worker"].iter().any(starts_workers);
    (!(asked.reuses_port && clustered)).then_some(1)
}
