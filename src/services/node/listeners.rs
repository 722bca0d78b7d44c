//! From calls to listeners: what each call asks for, in the words of the model, with the place that decides it.

use super::super::Ask;
use super::eval::Evaluation;
use super::listen::{Asked, Backlog};
use super::program::Spot;
use super::sites::Condition;
use super::value::Server;
use super::{is_on_a_short_line, names};
use crate::model::{Endpoint, Listener, Step, Version};
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
        Condition::Depends(what) => asked.place.note(what),
        Condition::MayBe => {}
    }
    let listeners = of_asked(evaluation, call, site, &asked);
    Some((server, listeners))
}

/// What is shown of a call: its name and what it is given, without the body of a callback.
fn site(evaluation: &Evaluation<'_, '_>, call: &Spot) -> Option<Span> {
    let code = &evaluation.file(call)?.code;
    let through = evaluation.called_through(call).map(|(method, _)| method.node);
    let own = || ["function", "constructor"].iter().find_map(|role| code.field(call.node, role));
    let callee = through.or_else(own)?;
    let name = code.field(callee, "property").or_else(|| code.field(callee, "index")).unwrap_or(callee);
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
    let ground = evaluation.program.ground;
    match evaluation.startup.run_by("bun") {
        Some(Err(why)) => return Ask::unknown(why, site),
        Some(Ok(at)) => {
            let started = Step::note("Bun runs it and ignores the backlog of listen()", at);
            return ground.own_of("bun-backlog", "Bun's fixed backlog").after([started]);
        }
        None => {}
    }
    match &asked.backlog {
        Backlog::Default(slot) => ground.own_of("backlog", "Node's own default").with(slot.clone()),
        Backlog::Given(..) if is_old_cluster(evaluation, call) => {
            ground.own_of("backlog", "Node's own default: a worker's number counts since 16.15 and 17.6")
        }
        Backlog::Given(number, value, at) => {
            let written = value.written.as_ref();
            let slot = written.and_then(|literal| evaluation.slot_at(literal, *number, call));
            let outside = || evaluation.program.ground.slot_at(value.started?, i64::from(*number));
            let slot = slot.or_else(outside);
            let here = || evaluation.program.span(written.unwrap_or(at)).unwrap_or(site);
            let span = value.started.unwrap_or_else(here);
            Ask::of_program(i64::from(*number), value.unless.first(), span).with(slot)
        }
        Backlog::Unknown(why) => Ask::unknown(why, site),
    }
}

/// Whether it is a worker that listens, through a primary which takes no number from it (nodejs/node#41623).
fn is_old_cluster(evaluation: &Evaluation<'_, '_>, call: &Spot) -> bool {
    let Some(file) = evaluation.file(call) else { return false };
    let version = file.path.parent().and_then(|folder| evaluation.program.ground.version(folder));
    let is_old =
        |version: Version| version < Version::new(16, 15, 0) || version.major == 17 && version.minor < 6;
    let text = file.code.text(file.code.root());
    version.is_some_and(is_old)
        && file.names.calls.contains_key("fork")
        && text.contains("cluster")
        && !file.code.text(call.node).contains("exclusive")
}

/// Workers of a cluster share the primary's socket; with `reusePort` each has its own (doc/api/net.md, server.listen).
fn sockets(evaluation: &Evaluation<'_, '_>, call: &Spot, asked: &Asked) -> Option<u32> {
    let starts_workers =
        |name: &&str| evaluation.file(call).is_some_and(|file| file.names.calls.contains_key(*name));
    let clustered = ["fork", "Worker"].iter().any(starts_workers);
    (!(asked.reuses_port && clustered)).then_some(1)
}
