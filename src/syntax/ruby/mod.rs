//! Ruby files that configure something: the directives that they call, in order and with their conditions, and what their
//! arguments come to as far as the files tell. Nothing is run; what only a run could tell is unknown, with the reason.

mod eval;
mod value;

use super::calls::{Code, Id, Unparsed};
use super::eval::{Bounds, Effort, not_told, shown};
use crate::text::{HashMap, SourceId, Sources, Span};
pub use eval::expand_path;
pub use value::{Thing, Value, integer_of, leading_integer};

/// How many expressions lie in one another before it is given up.
const MAX_DEPTH: u32 = 48;

/// How many assignments of one name are looked at.
const MAX_VALUES: usize = 1_000;

/// Expressions that are worked out for one file: many times what a configuration needs.
const MAX_FUEL: u32 = 20_000;

/// Directives of one file that are looked at.
const MAX_DIRECTIVES: usize = 1_000;

const TOO_FAR: &str = "following it takes too long";

/// A parsed file and what it assigns.
#[derive(Debug)]
pub struct Ruby<'a> {
    pub code: Code<'a>,
    /// By the name of the variable or constant: where it is assigned, and what, if that is followed.
    assigned: HashMap<&'a str, Vec<Assignment>>,
}

#[derive(Debug)]
struct Assignment {
    at: Id,
    value: Option<Id>,
    /// `||=`
    if_nothing: bool,
}

/// What surrounds a program that is run.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// The file's absolute path on the machine that it will run on.
    pub file: Option<String>,
    /// The working folder.
    pub folder: Option<String>,
    /// The variables of the environment, if all are known; a value that is not known is `None`.
    pub environment: Option<HashMap<String, Option<String>>>,
}

/// A method that is called on nothing: `listen 8080, backlog: 64`.
#[derive(Debug, Clone)]
pub struct Directive<'a> {
    pub name: &'a str,
    pub call: Id,
    /// Under what conditions it is reached, in words that follow a verb: ``only if `ENV["SOCKET"]` ``, ``unless `x` ``.
    pub conditions: Vec<String>,
}

impl<'a> Ruby<'a> {
    pub fn parse(sources: &'a Sources, source: SourceId) -> Result<Self, Unparsed> {
        let code = Code::parse(sources, source, &tree_sitter_ruby::LANGUAGE.into())?;
        let mut assigned: HashMap<&'a str, Vec<Assignment>> = HashMap::default();
        for id in code.all() {
            let kind = code.kind(id);
            if !matches!(kind, "assignment" | "operator_assignment") {
                continue;
            }
            let Some(left) = code.field(id, "left") else { continue };
            let operator = code.field(id, "operator").map_or("=", |operator| code.text(operator));
            let value = code.field(id, "right").filter(|_| matches!(operator, "=" | "||="));
            let targets = match code.kind(left) {
                "left_assignment_list" => code.children(left).map(|target| (target, None)).collect(),
                _ => vec![(left, value)],
            };
            for (target, value) in targets {
                let assignment = Assignment { at: id, value, if_nothing: operator == "||=" };
                assigned.entry(code.text(target)).or_default().push(assignment);
            }
        }
        Ok(Self { code, assigned })
    }

    pub fn reading<'r>(&'r self, around: &'r Surroundings) -> Reading<'r, 'a> {
        let effort = Effort::new(Bounds { fuel: MAX_FUEL, depth: MAX_DEPTH });
        Reading { ruby: self, around, effort }
    }
}

/// Evaluates expressions of one file. It ends: every expression costs fuel.
pub struct Reading<'r, 'a> {
    pub ruby: &'r Ruby<'a>,
    around: &'r Surroundings,
    effort: Effort,
}

impl<'a> Reading<'_, 'a> {
    fn code(&self) -> &Code<'a> {
        &self.ruby.code
    }

    /// The directives that may be reached, in the order of the text.
    pub fn directives(&self) -> Vec<Directive<'a>> {
        let code = self.code();
        let found = code.all().filter_map(|call| {
            let name = match code.kind(call) {
                "call" if code.field(call, "receiver").is_none() => code.text(code.field(call, "method")?),
                // Without arguments it looks like a variable.
                "identifier" if self.is_statement(call) => code.text(call),
                _ => return None,
            };
            Some(Directive { name, call, conditions: self.conditions(call)? })
        });
        code.first(MAX_DIRECTIVES, "directives", code.root(), found).collect()
    }

    fn is_statement(&self, at: Id) -> bool {
        let code = self.code();
        let parent = code.parent(at).map_or("", |parent| code.kind(parent));
        matches!(parent, "program" | "then" | "else")
            || (parent.ends_with("_modifier") && code.role(at) == "body")
    }

    /// Under what conditions a node is reached; nothing where it is not, or where it is not the file that reaches it.
    fn conditions(&self, at: Id) -> Option<Vec<String>> {
        let code = self.code();
        let mut found = Vec::new();
        let mut inner = at;
        for outer in code.ancestors(at) {
            let kind = code.kind(outer);
            match kind {
                "if" | "elsif" | "unless" | "if_modifier" | "unless_modifier" | "conditional" => {
                    self.branch(outer, inner, kind, &mut found)?;
                }
                "block" | "do_block" | "lambda" | "method" | "singleton_method" | "class" | "module" => {
                    return None;
                }
                // The argument of another call is no directive.
                "argument_list" | "call" | "assignment" | "operator_assignment" | "pair" | "array" => {
                    return None;
                }
                "when" | "else" if code.parent(outer).is_some_and(|case| code.kind(case) == "case") => {
                    found.push(format!("only in {}", self.shown(outer)));
                }
                "while" | "until" | "for" | "rescue" | "binary" => {
                    found.push(format!("only in {}", self.shown(outer)));
                }
                _ => {}
            }
            inner = outer;
        }
        found.reverse();
        Some(found)
    }

    /// One `if` around a node, and the part of it that the node is in.
    fn branch(&self, outer: Id, inner: Id, kind: &str, found: &mut Vec<String>) -> Option<()> {
        let code = self.code();
        let condition = code.field(outer, "condition")?;
        if condition == inner {
            return None;
        }
        let otherwise = code.role(inner) == "alternative";
        let negated = otherwise != kind.starts_with("unless");
        let value = self.value(condition);
        match value.truth().filter(|_| value.unless.is_empty()) {
            Some(truth) if truth == negated => None,
            Some(_) => Some(()),
            None => {
                let word = if negated { "unless" } else { "only if" };
                found.push(format!("{word} {}", self.shown(condition)));
                Some(())
            }
        }
    }

    /// The start of a node, to be shown.
    fn shown(&self, at: Id) -> String {
        shown(self.code().text(at))
    }

    pub fn value(&self, at: Id) -> Value {
        let value = self.effort.deeper(self.code(), at, || self.expression(at));
        value.unwrap_or_else(|| Value::unknown(TOO_FAR))
    }

    fn once(&self, at: Id) -> Option<Value> {
        self.effort.once(at, || self.value(at))
    }

    fn unknown(&self, at: Id) -> Value {
        Value::unknown(not_told(self.code().text(at)))
    }

    /// The positional arguments of a call, without a hash of options in braces or without.
    pub fn positional(&self, call: Id) -> Vec<Id> {
        let code = self.code();
        let list = code.field(call, "arguments");
        let arguments = list.into_iter().flat_map(|list| code.children(list));
        arguments.filter(|id| !matches!(code.kind(*id), "pair" | "hash" | "block_argument")).collect()
    }

    /// The value of a positional argument.
    pub fn argument(&self, call: Id, index: usize) -> Option<Value> {
        self.positional(call).get(index).map(|argument| self.value(*argument))
    }

    /// The value of an option: `backlog: 64`, `:backlog => 64`, in braces or without. Unknown if `**` may hold it.
    pub fn option(&self, call: Id, name: &str) -> Option<Value> {
        let code = self.code();
        let list = code.field(call, "arguments")?;
        let mut found = None;
        for argument in code.children(list) {
            let pairs: Vec<Id> = match code.kind(argument) {
                "hash" => code.children(argument).collect(),
                _ => vec![argument],
            };
            for pair in pairs {
                match code.kind(pair) {
                    "pair" if code.field(pair, "key").is_some_and(|key| self.key(key) == name) => {
                        found = code.field(pair, "value").map(|value| self.value(value));
                    }
                    "hash_splat_argument" => found = Some(self.unknown(pair)),
                    _ => {}
                }
            }
        }
        found
    }

    /// The name of a key, whichever way it is written.
    fn key(&self, key: Id) -> &'a str {
        self.code().text(key).trim_matches([':', '"', '\''])
    }

    /// Where one more argument goes, behind the last one.
    pub fn behind_arguments(&self, call: Id) -> Option<Span> {
        let code = self.code();
        let last = code.last_child(code.field(call, "arguments")?)?;
        let last = match code.kind(last) {
            "hash" => code.last_child(last)?,
            "block_argument" => return None,
            _ => last,
        };
        let span = code.span(last);
        Some(Span { start: span.end, ..span })
    }

    fn name(&self, at: Id) -> Value {
        let code = self.code();
        let name = code.text(at);
        let Some(assignments) = self.ruby.assigned.get(name) else { return self.unknown(at) };
        let before = assignments.partition_point(|assignment| assignment.at < at);
        let mut values: Vec<Value> = Vec::new();
        let latest = assignments.get(..before).unwrap_or_default().iter().rev();
        let latest = code.first(MAX_VALUES, "assignments of one name", at, latest);
        for assignment in self.effort.paid(latest) {
            if code.contains(assignment.at, at) {
                continue;
            }
            let Some(conditions) = self.conditions_of_assignment(assignment.at, at) else { continue };
            let value = assignment.value.map_or_else(|| Some(self.unknown(at)), |value| self.once(value));
            values.extend(value);
            if !conditions && !assignment.if_nothing {
                break;
            }
        }
        values.reverse();
        Value::agreed(values, name).unwrap_or_else(|| self.unknown(at))
    }

    /// Whether an assignment is made on some condition that a node is not under; nothing where it is never made.
    fn conditions_of_assignment(&self, assignment: Id, at: Id) -> Option<bool> {
        let code = self.code();
        let parent = code.ancestors(assignment).find(|outer| code.contains(*outer, at))?;
        let mut found = Vec::new();
        let mut inner = assignment;
        for outer in code.ancestors(assignment) {
            let kind = code.kind(outer);
            match kind {
                "if" | "elsif" | "unless" | "if_modifier" | "unless_modifier" if outer != parent => {
                    self.branch(outer, inner, kind, &mut found)?;
                }
                // The other branch of what the node is in.
                "if" | "elsif" | "unless" if code.role(inner) != "condition" => return None,
                "method" | "singleton_method" => return None,
                "block" | "do_block" | "lambda" | "when" | "rescue" | "while" => found.push(String::new()),
                _ => {}
            }
            if outer == parent {
                break;
            }
            inner = outer;
        }
        Some(!found.is_empty())
    }
}

#[cfg(test)]
mod tests;
