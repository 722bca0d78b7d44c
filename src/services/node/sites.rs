//! The calls that listen, and the ways in which control comes to each: a function that is called with three ports, or a
//! loop over them, makes three listeners of one call.

use std::rc::Rc;

use super::eval::Evaluation;
use super::names::{NAMELESS, is_function, last_name};
use super::program::{FileId, Frame, Spot};
use super::servers::Listens;
use super::value::{Server, Thing, Value};
use crate::syntax::calls::Id;
use crate::text::deeper;

/// How many calls deep a caller is looked for.
const MAX_CALLERS: usize = 16;

/// What the branches around a call say of whether it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    MayBe,
    /// Something outside decides, in words.
    Depends(String),
    /// Not with the constants that stand in the files.
    Never,
}

impl Evaluation<'_, '_> {
    /// The calls that may listen, by their names alone, in the order of the text.
    pub(super) fn may_listen(&self, file: FileId) -> Vec<Spot> {
        let Some(root) = self.program.root(file) else { return Vec::new() };
        let Some(names) = self.file(&root).map(|file| &file.names) else { return Vec::new() };
        let named = |name: &str| names.calls.get(name).into_iter().flatten();
        let mut calls: Vec<Id> =
            ["listen", "start", "Server", NAMELESS].into_iter().flat_map(named).copied().collect();
        let of_listen = |call: &&Id| {
            let method = self.called_through(&root.to(**call));
            method.is_some_and(|(method, _)| self.program.text(&method).contains("listen"))
        };
        calls.extend(["apply", "call"].into_iter().flat_map(named).filter(of_listen));
        calls.extend(
            names.calls.iter().filter(|(name, _)| self.is_serve(&root, name)).flat_map(|(_, calls)| calls),
        );
        calls.sort_unstable();
        calls.into_iter().map(|call| root.to(call)).collect()
    }

    /// Whether a name is one under which a function is imported that makes a server and listens at once.
    fn is_serve(&self, root: &Spot, name: &str) -> bool {
        let Some(file) = self.file(root) else { return false };
        let bindings = file.names.scopes.find(&file.code, name, root.node);
        let bindings = bindings.into_iter().flat_map(|(_, bindings)| bindings);
        bindings.filter_map(|binding| self.bound(root, binding)).any(|value| {
            matches!(&value.thing, Thing::Export(module, export)
                if matches!(self.program.servers.made_by(module, export), Some(Listens::Hono | Listens::Ws)))
        })
    }

    /// The server that a call makes listen; `None` if it does something else.
    pub(super) fn server_of(&self, call: &Spot) -> Option<Server> {
        let called = match self.called_through(call) {
            Some((method, _)) => self.value(&method),
            None if self.program.kind(call) == "new_expression" => self.part(call, "constructor"),
            None => self.part(call, "function"),
        };
        match &called.thing {
            Thing::Listen(server) => Some(server.clone()),
            _ => match self.server_made_by(&called, call)? {
                Thing::Server(server) if matches!(server.listens, Listens::Hono | Listens::Ws) => {
                    Some(server)
                }
                _ => None,
            },
        }
    }

    /// The method that `method.call(...)` and `method.apply(...)` call, and whether an array holds its arguments.
    pub(super) fn called_through(&self, call: &Spot) -> Option<(Spot, bool)> {
        let callee = self.program.field(call, "function")?;
        let applies = match self.program.text(&self.program.field(&callee, "property")?) {
            "apply" => true,
            "call" => false,
            _ => return None,
        };
        Some((self.program.field(&callee, "object")?, applies))
    }

    /// How many functions a call lies in.
    pub(super) fn depth_of(&self, call: &Spot) -> usize {
        let Some(code) = self.file(call).map(|file| &file.code) else { return 0 };
        code.ancestors(call.node).filter(|outer| is_function(code.kind(*outer))).count()
    }

    /// What the branches that a call lies in say of it.
    pub(super) fn condition(&self, call: &Spot) -> Condition {
        let Some(code) = self.file(call).map(|file| &file.code) else { return Condition::MayBe };
        let mut condition = Condition::MayBe;
        let mut inner = call.node;
        for outer in code.ancestors(call.node) {
            let needed = match (code.kind(outer), code.role(inner)) {
                ("if_statement" | "ternary_expression", "consequence") => Some(true),
                ("if_statement" | "ternary_expression", "alternative") => Some(false),
                _ => None,
            };
            inner = outer;
            let Some(needed) = needed else { continue };
            let Some(of) = self.program.field(&call.to(outer), "condition") else { continue };
            let value = self.value(&of);
            match (value.unless.first(), value.truth().map(|truth| truth == needed)) {
                (Some(reason), Some(false)) => {
                    condition = Condition::Depends(format!("it listens only if {reason}"));
                }
                (Some(reason), Some(true)) => {
                    let depends = self.prevents(&of).map(|word| format!("it {word} listen if {reason}"));
                    condition = depends.map_or(condition, Condition::Depends);
                }
                (None, Some(false)) => return Condition::Never,
                (None, Some(true)) | (_, None) => {}
            }
        }
        condition
    }

    /// What becomes of a condition that holds once that is set which is not: what is empty is so no more, a comparison may come
    /// out otherwise, and what is not empty remains so.
    fn prevents(&self, condition: &Spot) -> Option<&'static str> {
        let inner = match self.program.kind(condition) {
            "parenthesized_expression" => self.program.children(condition).into_iter().next(),
            "unary_expression" => self.program.field(condition, "argument"),
            _ => None,
        };
        let Some(inner) = inner else {
            return match self.value(condition) {
                Value { thing: Thing::Truth(_), .. } => Some("may not"),
                value => value.truth().filter(|truth| !truth).map(|_| "does not"),
            };
        };
        self.prevents(&inner)
    }

    /// A node once for every way in which control comes to it.
    pub(super) fn reached(&self, at: &Spot) -> Vec<Spot> {
        let frames = self.frames(at, &mut Vec::new());
        frames.into_iter().map(|frame| Spot { frame, ..at.clone() }).collect()
    }

    /// The ways to a node, from what is entered on the way to the call that it lies in.
    fn frames(&self, at: &Spot, inner: &mut Vec<(FileId, Id)>) -> Vec<Option<Rc<Frame>>> {
        let Some(file) = self.file(at) else { return vec![None] };
        let code = &file.code;
        let turns = |node: &Id| is_function(code.kind(*node)) || code.kind(*node) == "for_in_statement";
        let owners = code.ancestors(at.node).filter(turns).map(|node| Spot { frame: None, ..at.to(node) });
        let entered = owners.map(|owner| (self.ways_into(&owner), owner)).find(|(ways, _)| !ways.is_empty());
        let Some((ways, owner)) = entered else { return vec![None] };
        let owned = (owner.file, owner.node);
        if inner.len() == MAX_CALLERS {
            // What a function that calls itself is given is known by then.
            if !inner.contains(&owned) {
                self.cut_off(&owner, deeper("callers of callers", MAX_CALLERS));
            }
            return vec![None];
        }
        inner.push(owned);
        let entered = ways.into_iter().flat_map(|(from, given)| {
            let outers = self.frames(&from, inner).into_iter().take_while(|_| self.fuel.get() > 0);
            let enter = move |outer: Option<Rc<Frame>>| {
                self.spend(given.len());
                let given = given.iter().map(|at| Spot { frame: outer.clone(), ..at.clone() }).collect();
                Some(Rc::new(Frame { owner: owned, given, outer }))
            };
            outers.map(enter)
        });
        let frames = self.first(&owner, entered);
        inner.pop();
        frames
    }

    /// From where a function or a loop is entered, and what it is given there.
    fn ways_into(&self, owner: &Spot) -> Vec<(Spot, Vec<Spot>)> {
        if self.program.kind(owner) == "for_in_statement" {
            return self.turns(owner, self.program.field(owner, "right"));
        }
        let parameters = self.program.field(owner, "parameters");
        let takes_none = parameters.is_some_and(|parameters| self.program.children(&parameters).is_empty());
        if takes_none {
            return Vec::new();
        }
        if let Some((call, array)) = self.runs_over(owner) {
            return self.turns(&call, Some(array));
        }
        self.calls_of(owner).into_iter().map(|call| (call.clone(), self.arguments(&call))).collect()
    }

    fn turns(&self, from: &Spot, array: Option<Spot>) -> Vec<(Spot, Vec<Spot>)> {
        match array.map(|array| self.value(&array).thing) {
            Some(Thing::Array(made)) => {
                let elements = self.first(&made, self.program.children(&made).into_iter());
                elements.into_iter().map(|element| (from.clone(), vec![element])).collect()
            }
            _ => Vec::new(),
        }
    }

    /// `array.forEach(function)`: the call and the array.
    fn runs_over(&self, function: &Spot) -> Option<(Spot, Spot)> {
        let code = &self.file(function)?.code;
        let arguments = code.parent(function.node).filter(|it| code.kind(*it) == "arguments")?;
        let call = function.to(code.parent(arguments)?);
        let callee = self.program.field(&call, "function")?;
        let object = self.program.field(&callee, "object")?;
        matches!(last_name(code, callee.node), Some("forEach" | "map")).then_some((call, object))
    }
}
