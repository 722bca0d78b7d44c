//! What becomes of the objects that expressions make: the variable that holds one, what is done with it.

use super::eval::Evaluation;
use super::library::Library;
use super::names::is_class_body;
use crate::syntax::calls::Id;

impl<L: Library> Evaluation<'_, '_, L> {
    /// The variable that keeps what an expression makes.
    pub fn held_by(&self, made: Id) -> Option<Id> {
        let code = self.code();
        let mut inner = made;
        loop {
            let outer = code.parent(inner)?;
            match (code.kind(outer), code.role(inner)) {
                ("variable_declarator" | "resource", "value") => return self.field(outer, "name"),
                ("assignment_expression", "right") => return self.field(outer, "left"),
                ("cast_expression" | "parenthesized_expression", _) => inner = outer,
                _ => return None,
            }
        }
    }

    /// Whether nothing is done with what an expression makes but to call these methods of it, and it is closed again.
    pub fn is_only_asked(&self, made: Id, methods: &[String]) -> bool {
        let asks_only = |method: &str| methods.iter().any(|name| name == method);
        let code = self.code();
        let held = match self.kind(made) {
            "identifier" => Some(made),
            _ => self.held_by(made),
        };
        let Some(held) = held.filter(|held| self.kind(*held) == "identifier") else {
            let called = code.parent(made).filter(|_| code.role(made) == "object");
            return called.is_some_and(|call| asks_only(self.method(call)));
        };
        let resource = code.parent(held).is_some_and(|outer| code.kind(outer) == "resource");
        let Some((scope, _)) = self.variable(held) else { return false };
        if is_class_body(code.kind(scope)) {
            return false;
        }
        let uses = self.uses(self.text(held), scope);
        let is_resource = resource || self.is_resource(self.text(held), scope);
        let method = |node: &Id| {
            let outer = code.parent(*node)?;
            match (code.kind(outer), code.role(*node)) {
                ("method_invocation", "object") => Some(self.method(outer)),
                ("binary_expression", _) => Some("isOpen"),
                ("assignment_expression", "left") => Some("isOpen"),
                _ => None,
            }
        };
        let harmless = |node: &Id| method(node).is_some_and(|name| name == "bind" || asks_only(name));
        let closed = is_resource || uses.iter().any(|node| method(node) == Some("close"));
        closed && uses.iter().all(harmless)
    }

    fn is_resource(&self, name: &str, scope: Id) -> bool {
        let code = self.code();
        code.kind(scope) == "try_with_resources_statement"
            && code.children(scope).filter(|it| code.kind(*it) == "resource_specification").any(|list| {
                code.children(list).any(|it| self.field(it, "name").is_some_and(|own| self.text(own) == name))
            })
    }

    /// Whether a variable is declared as one of these types.
    pub fn is_declared_as(&self, at: Id, types: &[&str]) -> bool {
        let declared = self.variable(at).and_then(|(_, variables)| variables.first()?.declared);
        declared.is_some_and(|declared| types.contains(&self.text(declared)))
    }
}
