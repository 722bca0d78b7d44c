//! Calls as they look from outside: what they are told, on what they are made, and whether control comes to them.

use std::rc::Rc;

use super::{Condition, MAX_CALLS, Made, Reading, Thing, Value, last_name};
use crate::syntax::calls::Id;
use crate::text::{HashSet, Span};

/// Where a call is told what.
pub enum Told {
    /// The arguments of a call, of which so many more come first.
    Arguments(Id, usize),
    /// The attributes of an instance.
    Instance(Rc<Made>),
    /// In settings of the whole program: a dictionary whose keys start so, and the attributes of an object.
    Settings {
        entries: Vec<(String, Value)>,
        prefix: String,
        of: String,
    },
    Nowhere(String),
}

/// How control comes to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    Never,
    /// Only by running this very file, or by who calls the function that it is in.
    ByItself,
    /// Whenever the file is imported.
    Always,
}

impl Reading<'_, '_> {
    /// All settings of the whole program.
    pub fn settings(&self, update: &str, prefix: &str, of: &str) -> Told {
        let mut entries = Vec::new();
        let calls = self.calls("update");
        for call in calls.filter(|call| self.callee(*call).iter().any(|name| name == update)) {
            match self.argument(call, Some(0), "").map(|value| value.thing) {
                Some(Thing::Dict(more)) => entries.extend(more),
                _ => return Told::Nowhere("its settings come from elsewhere".to_owned()),
            }
        }
        Told::Settings { entries, prefix: prefix.to_owned(), of: of.to_owned() }
    }

    /// What is given under a name, or at a place among the arguments; nothing where it is not given.
    pub fn given(&self, told: &Told, at: Option<usize>, name: &str) -> Option<Value> {
        match told {
            Told::Arguments(call, shift) => self.argument(*call, at.map(|at| at + shift), name),
            Told::Instance(made) => {
                let value = self.of_instance(made, name)?;
                let inherited = |kind: &String| value.name() == Some(&format!("{kind}.{name}"));
                (!made.kinds.iter().any(inherited)).then_some(value)
            }
            Told::Settings { entries, prefix, of } => {
                let key = format!("{prefix}{name}");
                let set = entries.iter().rev().find(|(name, _)| *name == key);
                set.map(|(_, value)| value.clone()).or_else(|| self.assigned_to(of, name))
            }
            Told::Nowhere(why) => Some(Value::unknown(why.clone())),
        }
    }

    /// The calls of a method on an instance; of several, those in the function that the call at hand is in.
    pub fn calls_on(&self, method: &str, near: Option<Id>, is_it: impl Fn(Rc<Made>) -> bool) -> Vec<Id> {
        let code = self.code();
        let is_it = |call: &Id| match self.receiver(*call).map(|value| value.thing) {
            Some(Thing::Made(made)) => is_it(made),
            _ => false,
        };
        let calls = self.calls(method).filter(is_it);
        let calls: Vec<Id> = calls.collect();
        let function = |id: Id| code.ancestors(id).find(|outer| code.kind(*outer) == "function_definition");
        let close: Vec<Id> = match near {
            Some(near) => calls.iter().copied().filter(|call| function(*call) == function(near)).collect(),
            None => Vec::new(),
        };
        if close.is_empty() { calls } else { close }
    }

    /// What a method is called on, as written.
    pub fn receiver_text(&self, call: Id) -> Option<&str> {
        let code = self.code();
        let function = code.field(call, "function")?;
        Some(code.text(code.field(function, "object")?))
    }

    /// What is shown of a call: from its last name to its end.
    pub fn site(&self, call: Id) -> Span {
        let code = self.code();
        let function = code.field(call, "function");
        let name = function.map(|function| code.field(function, "attribute").unwrap_or(function));
        let span = code.span(call);
        Span { start: name.map_or(span.start, |name| code.span(name).start), ..span }
    }

    /// Whether a call is one of a method of this name.
    pub fn is_method(&self, call: Id, name: &str) -> bool {
        let code = self.code();
        let function = code.field(call, "function").filter(|id| code.kind(*id) == "attribute");
        function.and_then(|function| last_name(code, function)) == Some(name)
    }

    /// Whether a method is called on something unknown whose last name ends in a word.
    pub fn is_called_on(&self, call: Id, method: &str, word: &str) -> bool {
        self.is_method(call, method)
            && self.receiver(call).is_some_and(|receiver| !receiver.is_known())
            && self.receiver_text(call).is_some_and(|text| text.to_ascii_lowercase().ends_with(word))
    }

    /// Whether a call may open something at all: by its last name, or because a class may be made by it.
    pub fn may_be_of(&self, call: Id, known: impl Fn(&str) -> bool) -> bool {
        let code = self.code();
        let Some(function) = code.field(call, "function") else { return false };
        let Some(name) = last_name(code, function) else { return false };
        known(name)
            || name.starts_with(char::is_uppercase)
            || (code.kind(function) == "identifier" && self.may_be_imported(function))
    }

    /// How control comes to a node: through the functions that it lies in, as far as this file calls them. Each name is looked
    /// at once: by way of functions that call each other there are millions of ways to one.
    pub fn reached(&self, at: Id) -> Reached {
        match self.condition(at) {
            Condition::Never => return Reached::Never,
            Condition::Main => return Reached::ByItself,
            Condition::Open => {}
        }
        let code = &self.python.code;
        let (mut met, mut left) = (HashSet::default(), vec![at]);
        let mut next = code.first(MAX_CALLS, "calls on the way to one call", at, std::iter::repeat(()));
        while let Some(call) = left.pop().filter(|_| next.next().is_some()) {
            if call != at && self.condition(call) != Condition::Open {
                continue;
            }
            let outer = code.ancestors(call).find(|outer| code.kind(*outer) == "function_definition");
            let Some(function) = outer else { return Reached::Always };
            let name = code.field(function, "name").map_or("", |name| code.text(name));
            if met.insert(name) {
                left.extend(self.calls(name).filter(|call| !code.contains(function, *call)));
            }
        }
        Reached::ByItself
    }
}
