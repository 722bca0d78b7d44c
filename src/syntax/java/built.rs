//! What was called on a builder before it is used, wherever in the file: on the chain, on the variable that holds it.

use super::Value;
use super::eval::{BINDINGS, Evaluation};
use super::library::{Library, Of};
use super::names::Origin;
use crate::syntax::calls::Id;
use crate::text::over;

/// Variables and methods that lead to one builder, and are followed.
const MAX_SEEN: usize = 50;

#[derive(Debug, Default)]
pub struct Built {
    /// In the order in which they run, as far as the text tells.
    pub calls: Vec<Id>,
    /// Why more may be set than these calls do.
    pub unclear: Option<String>,
    seen: Vec<Id>,
}

impl<L: Library> Evaluation<'_, '_, L> {
    /// The calls on the builder that an expression is.
    pub fn built(&self, builder: Id) -> Built {
        let mut built = Built::default();
        if let Some(class) = self.class(builder) {
            self.follow(builder, class, &mut built);
        }
        built.calls.sort_by_key(|call| (self.span(*call).end, *call));
        built.calls.dedup();
        built
    }

    fn follow(&self, at: Id, class: L::Class, built: &mut Built) {
        if built.seen.contains(&at) {
            return;
        }
        if built.seen.len() > MAX_SEEN {
            return self.code().cut_off(at, over("places of one builder", MAX_SEEN));
        }
        built.seen.push(at);
        let inner = |id| self.code().children(id).next();
        match self.kind(at) {
            "parenthesized_expression" => inner(at).into_iter().for_each(|it| self.follow(it, class, built)),
            "cast_expression" => {
                self.field(at, "value").into_iter().for_each(|it| self.follow(it, class, built));
            }
            "assignment_expression" => {
                self.field(at, "right").into_iter().for_each(|it| self.follow(it, class, built));
            }
            "method_invocation" => self.follow_call(at, class, built),
            "identifier" | "field_access" => self.follow_variable(at, class, built),
            "object_creation_expression" => built.calls.push(at),
            // What is assigned later counts.
            "null_literal" => {}
            _ => built.unclear = Some("it is made elsewhere".to_owned()),
        }
    }

    fn follow_call(&self, call: Id, class: L::Class, built: &mut Built) {
        built.calls.push(call);
        let object = self.field(call, "object");
        if let Some(object) = object.filter(|object| self.class(*object) == Some(class)) {
            return self.follow(object, class, built);
        }
        let own = object.is_none_or(|object| self.kind(object) == "this");
        let returned = self.file.names.methods.get(self.method(call)).filter(|_| own);
        let Some(methods) = returned else { return };
        for method in self.first("methods of one name", call, methods.iter()) {
            let returns = self.code().all_in(*method).filter(|id| self.kind(*id) == "return_statement");
            let returns = self.first("returns of one method", *method, returns);
            for value in returns.filter_map(|id| self.code().children(id).next()) {
                self.follow(value, class, built);
            }
        }
    }

    fn follow_variable(&self, at: Id, class: L::Class, built: &mut Built) {
        let Some((scope, variables)) = self.variable(at) else {
            built.unclear = Some("it is made elsewhere".to_owned());
            return;
        };
        for variable in self.first(BINDINGS, at, variables.iter()) {
            match variable.origin {
                Origin::Value(value) => self.follow(value, class, built),
                Origin::Nothing => {}
                Origin::Parameter(..) | Origin::Opaque => {
                    built.unclear = Some(format!("`{}` comes from elsewhere", self.text(at)));
                }
            }
        }
        let name = self.text(match self.kind(at) {
            "field_access" => self.field(at, "field").unwrap_or(at),
            _ => at,
        });
        for node in self.uses(name, scope) {
            self.follow_use(self.whole(node), class, built);
        }
    }

    fn follow_use(&self, node: Id, class: L::Class, built: &mut Built) {
        let mut node = node;
        while let Some(outer) = self.code().parent(node) {
            match (self.kind(outer), self.code().role(node)) {
                ("method_invocation", "object") => built.calls.push(outer),
                ("assignment_expression", "left") => {
                    self.field(outer, "right").into_iter().for_each(|it| self.follow(it, class, built));
                    return;
                }
                ("argument_list", _) => {
                    let call = self.code().parent(outer).unwrap_or(outer);
                    if !self.library.table().take_only.iter().any(|name| name == self.method(call)) {
                        let name = self.method(call);
                        built.unclear = Some(format!("`{name}` is given it, and may set more"));
                    }
                    return;
                }
                _ => return,
            }
            node = outer;
        }
    }

    /// The last call of a method with as many arguments, as its arguments.
    pub fn last_call(&self, built: &Built, method: &str, count: usize) -> Option<(Id, Vec<Id>)> {
        let calls = built.calls.iter().rev().filter(|call| self.method(**call) == method);
        calls.map(|call| (*call, self.arguments(*call))).find(|(_, arguments)| arguments.len() == count)
    }

    /// What a setter was given last; unknown where a branch decides whether it is called.
    pub fn set(&self, built: &Built, setter: &str, at: Id) -> Option<Of<L>> {
        let (call, arguments) = self.last_call(built, setter, 1)?;
        Some(self.unless_branched(call, at, self.value(*arguments.first()?)))
    }

    /// A call in a branch that `at` does not lie in may not happen.
    pub fn unless_branched(&self, call: Id, at: Id, value: Of<L>) -> Of<L> {
        let code = self.code();
        let branches = code.ancestors(call).any(|outer| {
            matches!(
                code.kind(outer),
                "if_statement"
                    | "switch_expression"
                    | "while_statement"
                    | "for_statement"
                    | "enhanced_for_statement"
                    | "catch_clause"
            ) && !code.contains(outer, at)
        });
        match branches {
            true => Value::unknown("a branch decides whether it is set", self.span(call)),
            false => value,
        }
    }
}
