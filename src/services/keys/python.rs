//! A configuration file that is a Python module: what its names are in the end.

use std::collections::BTreeMap;

use super::said::{Said, Written};
use crate::model::Command;
use crate::services::variable;
use crate::syntax::calls::{Code, Id, Unparsed};
use crate::syntax::python::{MAX_FUEL, Modules, Python, Thing, Value};
use crate::syntax::startup::{Answer, Startup};
use crate::text::{SourceId, Sources, Span, Text};

/// What the module leaves behind.
pub(super) struct Module {
    pub(super) names: BTreeMap<String, Vec<Written>>,
    /// `from module import *`: it may set any name.
    pub(super) star: Option<Span>,
    /// The first place that is no Python.
    pub(super) broken: Option<Span>,
}

/// What it is started with: other modules are not followed, its environment is.
struct Started<'a>(Option<&'a Command>);

impl Modules for Started<'_> {
    fn startup(&self) -> &dyn Startup {
        self
    }
}

impl Startup for Started<'_> {
    fn variable(&self, name: &str) -> Answer {
        self.0.map_or(Answer::Unsaid, |command| variable(command, name))
    }
}

/// Reads the names that are wanted.
pub(super) fn read<'w>(
    sources: &Sources,
    file: SourceId,
    wanted: impl Iterator<Item = &'w str>,
    command: Option<&Command>,
) -> Result<Module, Unparsed> {
    let python = Python::parse(sources, file)?;
    let code = &python.code;
    let started = Started(command);
    let reading = python.reading_among(&started, MAX_FUEL, 0);
    let names = wanted.filter_map(|name| {
        let value = reading.last(name)?;
        let at = assigned(code, name).unwrap_or_else(|| Span::top(file));
        let values = match &value.thing {
            Thing::None => return None,
            Thing::List(all) => all.iter().map(|one| written(sources, one, at)).collect(),
            _ => vec![written(sources, &value, at)],
        };
        Some((name.to_owned(), values))
    });
    let star = code.all().find(|id| code.kind(*id) == "wildcard_import").map(|id| code.span(id));
    Ok(Module { names: names.collect(), star, broken: code.broken().map(|id| code.span(id)) })
}

/// Where a name is assigned for the last time.
fn assigned(code: &Code<'_>, name: &str) -> Option<Span> {
    let to = |id: &Id| {
        code.kind(*id) == "assignment" && code.field(*id, "left").is_some_and(|left| code.text(left) == name)
    };
    code.all().filter(to).last().and_then(|id| code.field(id, "right")).map(|right| code.span(right))
}

fn written(sources: &Sources, value: &Value, assigned: Span) -> Written {
    let said = match &value.thing {
        Thing::Text(text) => Said::Text(text.clone()),
        Thing::Number(number) => Said::Number(*number),
        Thing::Truth(is) => Said::Truth(*is),
        Thing::Real(real) => Said::Other(real.to_string()),
        Thing::Unknown(why) => Said::Open(String::new(), why.clone()),
        _ => Said::Open(String::new(), "it is not a plain value".into()),
    };
    let text = match &said {
        Said::Text(text) => Some(text.clone()),
        Said::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let stands = |(at, text): (Span, String)| Text::at(sources, text, at).exact().is_some();
    let exact = value.written.zip(text).is_some_and(stands);
    Written { said, at: value.written.unwrap_or(assigned), exact }
}
