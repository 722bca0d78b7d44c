//! Python programs as values with their places: constants, imports, the environment's defaults and instances of classes are
//! followed as far as the files tell. Nothing is run; what only a run could tell is unknown, with the reason.

mod eval;
mod members;
mod names;
mod options;
mod program;
pub mod slots;
mod told;
mod value;

use std::borrow::Cow;

use super::calls::{Code, Id, Unparsed};
use super::eval::{Bounds, Effort, not_told};
use super::startup::{Nobody, Startup};
use crate::text::{SourceId, Sources};
pub use names::last_name;
use names::{Binding, Names, Origin, is_function, is_scope};
pub use program::{Libraries, Linked, Program, Questions, questions};
pub use told::{Reached, Told};
pub use value::{Made, Spot, Thing, Value, integer_of};

/// How many expressions lie in one another, through names and calls, before it is given up.
const MAX_DEPTH: u32 = 48;

/// How many bindings of one name, or calls of one function, are followed.
const MAX_VALUES: usize = 1_000;

/// How many calls of one name are looked through for options and settings.
const MAX_CALLS: usize = 1_000;

/// Expressions that are worked out for one file: many times what a program needs.
pub const MAX_FUEL: u32 = 50_000;

/// Lines of comment that follow each other and are left to the grammar.
const LONG_COMMENT: usize = 500;

const BINDINGS: &str = "bindings of one name";
const TOO_FAR: &str = "following it takes too long";

/// A parsed program and the names in it.
#[derive(Debug)]
pub struct Python<'a> {
    pub code: Code<'a>,
    names: Names<'a>,
}

/// The program with blanks in the place of comments that are longer than anybody's: at each of its lines the grammar's scanner
/// looks ahead over all that follow.
fn without_long_comments(text: &[u8]) -> Cow<'_, [u8]> {
    let is_silent = |line: &[u8]| matches!(line.trim_ascii_start().first(), None | Some(b'#'));
    let mut blanked = Cow::Borrowed(text);
    let (mut at, mut start, mut lines) = (0, 0, 0);
    let rest = text.split_inclusive(|byte| *byte == b'\n').chain([&b"end"[..]]);
    for line in rest {
        if is_silent(line) {
            lines += 1;
        } else {
            if lines > LONG_COMMENT {
                let comment = blanked.to_mut().get_mut(start..at).unwrap_or_default();
                comment
                    .iter_mut()
                    .filter(|byte| !matches!(byte, b'\n' | b'\r'))
                    .for_each(|byte| *byte = b' ');
            }
            (start, lines) = (at + line.len(), 0);
        }
        at += line.len();
    }
    blanked
}

impl<'a> Python<'a> {
    pub fn parse(sources: &'a Sources, source: SourceId) -> Result<Self, Unparsed> {
        let language = tree_sitter_python::LANGUAGE.into();
        let text = without_long_comments(sources.bytes(source));
        let code = Code::parse_instead(sources, source, &text, &language)?;
        let names = Names::gather(&code);
        Ok(Self { code, names })
    }

    /// The calls whose last name is this one: `listen` of `a.b().listen()`.
    pub fn calls(&self, name: &str) -> &[Id] {
        self.names.calls.get(name).map_or(&[][..], Vec::as_slice)
    }

    /// The names that are called, each once.
    pub fn called(&self) -> impl Iterator<Item = &'a str> {
        self.names.calls.keys().copied()
    }

    /// All calls, in the order of the text.
    pub fn all_calls(&self) -> impl Iterator<Item = Id> {
        self.code.all().filter(|id| self.code.kind(*id) == "call")
    }

    /// Works out what stands in this file; what it imports is not looked into.
    pub fn reading(&self) -> Reading<'_, 'a> {
        self.reading_among(&Alone, MAX_FUEL, 0)
    }

    /// Works out what stands in this file, and follows what it imports to others of the program. The fuel is how many
    /// expressions it may cost; [`MAX_FUEL`] is plenty. The more files lead here, the less deep it goes: all share a stack.
    pub fn reading_among<'p>(&'p self, modules: &'p dyn Modules, fuel: u32, away: u32) -> Reading<'p, 'a> {
        let bounds = Bounds { fuel, depth: MAX_DEPTH >> (away.saturating_sub(1) / 4) };
        Reading { python: self, modules, effort: Effort::new(bounds) }
    }
}

/// The other files of a program; by themselves they tell nothing. A file that asks another may be asked by it in turn: who answers must see that it ends.
pub trait Modules {
    /// What a file imports under a full name: `.settings.PORT`.
    fn value(&self, _from: SourceId, _name: &str) -> Option<Value> {
        None
    }
    /// What a function of another file returns.
    fn returned(&self, _function: Spot) -> Option<Value> {
        None
    }
    /// The imported classes that a class of another file is one of.
    fn kinds(&self, _class: Spot) -> Vec<String> {
        Vec::new()
    }
    /// What a class of another file binds under a name.
    fn member(&self, _class: Spot, _name: &str) -> Option<Value> {
        None
    }
    /// Whether a module has a name that `from module import *` would bind.
    fn exports(&self, _from: SourceId, _module: &str, _name: &str) -> bool {
        false
    }
    /// What the program is started with.
    fn startup(&self) -> &dyn Startup {
        &Nobody
    }
}

struct Alone;

impl Modules for Alone {}

/// Evaluates expressions of one file. It ends: every expression costs fuel.
pub struct Reading<'p, 'a> {
    pub python: &'p Python<'a>,
    modules: &'p dyn Modules,
    effort: Effort,
}

impl<'p, 'a> Reading<'p, 'a> {
    fn code(&self) -> &'p Code<'a> {
        &self.python.code
    }

    fn spot(&self, node: Id) -> Spot {
        Spot { source: self.code().source, node }
    }

    /// The node, if the spot is in this file.
    pub fn here(&self, spot: Spot) -> Option<Id> {
        (spot.source == self.code().source).then_some(spot.node)
    }

    /// As many of all as are followed from a node; where there are more, that is told. Many cost as well.
    fn first<T>(&self, what: &'static str, at: Id, all: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        self.effort.paid(self.code().first(MAX_VALUES, what, at, all))
    }

    /// The calls of a name that are looked through.
    fn calls(&self, name: &str) -> impl Iterator<Item = Id> {
        let code = self.code();
        let all = self.python.calls(name);
        let at = all.get(MAX_CALLS).copied().unwrap_or(code.root());
        code.first(MAX_CALLS, "calls of one name", at, all.iter().copied())
    }

    pub fn value(&self, at: Id) -> Value {
        let value = self.effort.deeper(self.code(), at, || self.expression(at));
        value.unwrap_or_else(|| Value::unknown(TOO_FAR))
    }

    /// What a name of the module has come to when it has been run.
    pub fn last(&self, name: &str) -> Option<Value> {
        let scopes = &self.python.names.scopes;
        let (_, bindings) = scopes.find(self.code(), name, self.code().root())?;
        let live = self.reaching(bindings, self.code().root(), None);
        Value::agreed(live.iter().filter_map(|binding| self.bound(binding)).collect(), name)
    }

    /// Whether a name is one that an import may bind.
    pub fn may_be_imported(&self, at: Id) -> bool {
        match self.find(self.code().text(at), at) {
            Some((_, bindings)) => {
                self.first(BINDINGS, at, bindings.iter()).any(|it| matches!(it.origin, Origin::Import(_)))
            }
            None => !self.python.names.wildcards.is_empty(),
        }
    }

    /// The value of an expression that is not being worked out already.
    fn once(&self, at: Id) -> Option<Value> {
        self.effort.once(at, || self.value(at))
    }

    /// Unknown, because this expression is decided elsewhere.
    fn unknown(&self, at: Id) -> Value {
        Value::unknown(not_told(self.code().text(at)))
    }

    fn name(&self, at: Id) -> Value {
        let name = self.code().text(at);
        let Some((scope, bindings)) = self.find(name, at) else { return self.global(at, name) };
        let live = self.reaching(bindings, scope, Some(at));
        let values: Vec<Value> = live.iter().filter_map(|binding| self.bound(binding)).collect();
        Value::agreed(values, name).unwrap_or_else(|| self.unknown(at))
    }

    /// The scope that a name belongs to at a node. What a class binds is not seen in its methods.
    fn find(&self, name: &str, at: Id) -> Option<(Id, &'p [Binding])> {
        let (code, scopes) = (self.code(), &self.python.names.scopes);
        let mut from = at;
        loop {
            let (scope, bindings) = scopes.find(code, name, from)?;
            let mut between = code.ancestors(at).take_while(|outer| *outer != scope);
            let hidden =
                code.kind(scope) == "class_definition" && between.any(|outer| is_function(code.kind(outer)));
            if !hidden {
                return Some((scope, bindings));
            }
            from = code.parent(scope)?;
        }
    }

    fn global(&self, at: Id, name: &str) -> Value {
        let wildcards = self.first("imports of whole modules", at, self.python.names.wildcards.iter());
        let source = self.code().source;
        for module in wildcards {
            if self.modules.exports(source, module, name) {
                return self.named(format!("{module}.{name}"));
            }
        }
        self.unknown(at)
    }

    /// What an import gives: something of another file of the program, or a name to go by.
    fn named(&self, name: String) -> Value {
        match name.as_str() {
            "os.environ" => Thing::Environment.into(),
            "os.name" => Thing::Text("posix".into()).into(),
            "sys.platform" => Thing::Text("linux".into()).into(),
            "typing.TYPE_CHECKING" => Thing::Truth(false).into(),
            _ => self
                .tornado_option(&name)
                .or_else(|| self.modules.value(self.code().source, &name))
                .unwrap_or_else(|| Thing::Named(name).into()),
        }
    }

    /// The bindings that may hold at a node: those before it, from the last one that is made whatever happens.
    fn reaching(&self, bindings: &'p [Binding], scope: Id, at: Option<Id>) -> Vec<&'p Binding> {
        let code = self.code();
        let in_order = at.is_some_and(|at| self.runs_in_order(at, scope));
        let earlier = at.filter(|_| in_order).map(|at| bindings.partition_point(|binding| binding.at < at));
        let bindings = earlier.and_then(|count| bindings.get(..count)).unwrap_or(bindings);
        let before = |binding: &Binding| at.is_none_or(|at| !self.is_part_of(binding, at));
        let mut live = Vec::new();
        let latest = self.first(BINDINGS, at.unwrap_or(scope), bindings.iter().rev());
        for binding in latest.filter(|binding| before(binding)) {
            let branches = || self.branches(binding.at, scope);
            if branches().any(|branch| self.is_dead(branch)) {
                continue;
            }
            // The other branch of an `if` that the node stands in.
            let around = |branch| at.is_some_and(|at| code.contains(branch, at));
            let sure = branches().all(|branch| around(branch) || self.is_taken(branch));
            live.push(binding);
            if sure {
                break;
            }
        }
        live.reverse();
        live
    }

    /// Whether what stands before a node in the text is also run before it, and nothing else is.
    fn runs_in_order(&self, at: Id, scope: Id) -> bool {
        let code = self.code();
        let mut between = code.ancestors(at).take_while(|outer| *outer != scope);
        let repeats = |kind: &str| is_function(kind) || matches!(kind, "for_statement" | "while_statement");
        !between.any(|outer| repeats(code.kind(outer)))
    }

    /// `port` of `port = int(port)` is an earlier one.
    fn is_part_of(&self, binding: &Binding, at: Id) -> bool {
        match binding.origin {
            Origin::Expression(value) | Origin::Part(value, _) | Origin::Element(value) => {
                !is_scope(self.code().kind(value)) && self.code().contains(value, at)
            }
            Origin::Parameter { default: Some(value), .. } => self.code().contains(value, at),
            _ => false,
        }
    }

    /// The blocks around a node that are run on some condition.
    fn branches(&self, at: Id, scope: Id) -> impl Iterator<Item = Id> {
        let code = self.code();
        code.ancestors(at).take_while(move |outer| *outer != scope).filter(move |outer| {
            let parent = code.parent(*outer).map_or("", |parent| code.kind(parent));
            let on_condition = matches!(
                parent,
                "if_statement"
                    | "elif_clause"
                    | "else_clause"
                    | "for_statement"
                    | "while_statement"
                    | "except_clause"
                    | "case_clause"
            );
            on_condition && code.kind(*outer) == "block"
        })
    }

    /// A condition, where nothing outside can make it another.
    fn sure_truth(&self, of: Id) -> Option<bool> {
        let value = self.once(self.code().field(of, "condition")?)?;
        value.truth().filter(|_| value.unless.is_empty())
    }

    /// Whether a block is never run: `if False`, `if sys.platform == "win32"`.
    fn is_dead(&self, block: Id) -> bool {
        let code = self.code();
        let Some(parent) = code.parent(block) else { return false };
        let outer = || code.parent(parent).filter(|outer| code.kind(*outer) == "if_statement");
        let before = || outer().is_some_and(|outer| self.sure_truth(outer) == Some(true));
        match code.kind(parent) {
            "if_statement" => self.sure_truth(parent) == Some(false),
            "elif_clause" => self.sure_truth(parent) == Some(false) || before(),
            "else_clause" => before(),
            _ => false,
        }
    }

    /// Whether a block is surely run, as far as it is its own `if` that decides.
    fn is_taken(&self, block: Id) -> bool {
        let code = self.code();
        let decides = code.parent(block).filter(|parent| code.kind(*parent) == "if_statement");
        decides.is_some_and(|parent| self.sure_truth(parent) == Some(true))
    }

    /// What is to be said of a listener at a node that a condition decides about which something outside may change.
    pub fn depends(&self, at: Id) -> Vec<String> {
        let code = self.code();
        let said = |block: Id| {
            let parent = code.parent(block)?;
            let (of, needed) = match code.kind(parent) {
                "if_statement" | "elif_clause" => (parent, true),
                "else_clause" => (code.parent(parent)?, false),
                _ => return None,
            };
            let condition = code.field(of, "condition")?;
            let value = self.once(condition)?;
            let reason = value.unless.first()?;
            Some(match value.truth()? == needed {
                true => format!("it {} listen if {reason}", self.prevents(condition)?),
                false => format!("it listens only if {reason}"),
            })
        };
        self.branches(at, code.root()).filter_map(said).collect()
    }

    /// What becomes of a condition that holds once that is set which is not: what is empty is so no more, a comparison may come
    /// out otherwise, and what is not empty remains so.
    fn prevents(&self, condition: Id) -> Option<&'static str> {
        let code = self.code();
        if matches!(code.kind(condition), "parenthesized_expression" | "not_operator") {
            return self.prevents(code.children(condition).next()?);
        }
        // `"X" in os.environ` asks for nothing but that.
        let asks = code.children(condition).any(|child| matches!(code.text(child), "in" | "not in"));
        match self.once(condition)? {
            Value { thing: Thing::Truth(_), .. } if !asks => Some("may not"),
            value => (asks || !value.truth()?).then_some("does not"),
        }
    }

    fn bound(&self, binding: &Binding) -> Option<Value> {
        Some(match &binding.origin {
            Origin::Expression(node) => self.once(*node)?,
            Origin::Part(node, index) => match self.once(*node)?.thing {
                Thing::List(items) => items.get(*index).cloned().unwrap_or_else(|| self.unknown(*node)),
                Thing::Made(made) if made.kinds.iter().any(|kind| members::is_optparse(kind)) => {
                    Thing::Made(made).into()
                }
                _ => self.unknown(*node),
            },
            Origin::Import(name) => self.named(name.clone()),
            Origin::Parameter { of, index, default } => self.parameter(binding.at, *of, *index, *default)?,
            Origin::Element(node) => match self.once(*node)?.thing {
                Thing::List(items) => Value::agreed(items, self.code().text(binding.at))?,
                _ => self.unknown(*node),
            },
            Origin::Opaque => self.unknown(binding.at),
        })
    }

    /// Whether a node is never reached, or is reached only if something else is so, in words.
    pub fn condition(&self, at: Id) -> Condition {
        let code = self.code();
        let mut found = Condition::Open;
        for block in self.branches(at, code.root()) {
            if self.is_dead(block) {
                return Condition::Never;
            }
            let parent = code.parent(block).unwrap_or(block);
            let condition = code.field(parent, "condition");
            if condition.is_some_and(|condition| is_about_main(code.text(condition))) {
                found = Condition::Main;
            }
        }
        found
    }
}

/// Whether control comes to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Never,
    /// Only if the file itself is run: `if __name__ == "__main__"`.
    Main,
    /// Nothing speaks against it.
    Open,
}

fn is_about_main(condition: &str) -> bool {
    condition.contains("__name__") && condition.contains("__main__") && condition.contains("==")
}

#[cfg(test)]
mod tests;
