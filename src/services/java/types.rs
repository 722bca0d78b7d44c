//! Which class the object of an expression has: by its declaration, by `new`, by the methods that are known to return it.

use super::classes::Class;
use super::eval::{Evaluation, MANY};
use super::names::Origin;
use crate::syntax::calls::Id;

impl Evaluation<'_, '_> {
    /// The class that a type's name means here.
    pub(super) fn class_named(&self, written: &str) -> Option<Class> {
        let names = &self.file.names;
        let bare: String =
            written.split('<').next().unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect();
        if let Some(class) = self.classes.named(&bare) {
            return Some(class);
        }
        let (first, rest) = bare.split_once('.').map_or((bare.as_str(), ""), |(first, rest)| (first, rest));
        let dot = if rest.is_empty() { "" } else { "." };
        if let Some(full) = names.imports.get(first) {
            return self.classes.named(&format!("{full}{dot}{rest}"));
        }
        if names.classes.contains_key(first) {
            return None;
        }
        let found = names
            .packages
            .iter()
            .find_map(|package| self.classes.named(&format!("{package}.{first}{dot}{rest}")));
        // A class of the same package comes before those of imported packages.
        let beside = || self.file.path.with_file_name(format!("{first}.java"));
        found.filter(|_| !self.ground.tree.exists(&beside()))
    }

    /// The class that a name means which is no variable: that of a static call.
    pub(super) fn class_itself(&self, object: Id) -> Option<Class> {
        let names_a_class = match self.kind(object) {
            "identifier" => self.variable(object).is_none(),
            "field_access" => true,
            _ => false,
        };
        if names_a_class { self.class_named(self.text(object)) } else { None }
    }

    /// The class of an expression's object.
    pub(super) fn class(&self, at: Id) -> Option<Class> {
        self.deeper(|| self.class_of(at)).flatten()
    }

    fn class_of(&self, at: Id) -> Option<Class> {
        match self.kind(at) {
            "object_creation_expression" => self.class_named(self.text(self.field(at, "type")?)),
            "cast_expression" => self.class_named(self.text(self.field(at, "type")?)),
            "parenthesized_expression" => self.class(self.code().children(at).next()?),
            "assignment_expression" => self.class(self.field(at, "right")?),
            "identifier" | "field_access" => {
                let (_, variables) = self.variable(at)?;
                variables.iter().take(MANY).find_map(|variable| match (variable.declared, variable.origin) {
                    (Some(declared), _) => self.class_named(self.text(declared)),
                    (None, Origin::Value(value)) => self.class(value),
                    _ => None,
                })
            }
            "method_invocation" => self.class_returned(at),
            _ => None,
        }
    }

    fn class_returned(&self, call: Id) -> Option<Class> {
        let method = self.method(call);
        let Some(object) = self.field(call, "object").filter(|object| self.kind(*object) != "this") else {
            return self.class_of_own_method(method);
        };
        if let Some(class) = self.class_itself(object) {
            return match (class, method) {
                (Class::Channel, "open") => Some(Class::Channel),
                (Class::Provider, "provider") => Some(Class::Provider),
                (Class::Factory, "getDefault") => Some(Class::Factory),
                (Class::Tls, "getDefault" | "getInstance") => Some(Class::Tls),
                (Class::HttpServer, "create") => Some(Class::HttpServer),
                (Class::Reactor, "create") => Some(Class::Reactor),
                (Class::Vertx, "vertx") => Some(Class::Vertx),
                (Class::Undertow, "builder") => Some(Class::UndertowBuilder),
                _ => None,
            };
        }
        if self.makes_vertx_server(method) {
            return Some(Class::VertxServer);
        }
        match (self.class(object)?, method) {
            (Class::Channel, "socket") => Some(Class::Socket),
            (Class::Channel, "bind" | "setOption") => Some(Class::Channel),
            (Class::Provider, "openServerSocketChannel") => Some(Class::Channel),
            (Class::Tls, "getServerSocketFactory") => Some(Class::Factory),
            (Class::Factory, "createServerSocket") => Some(Class::Socket),
            (Class::Netty, "bind" | "register" | "config") => None,
            (Class::Reactor, "bind" | "bindNow" | "bindUntilJavaShutdown") => None,
            (Class::VertxServer, "listen" | "close") => None,
            (Class::UndertowBuilder, "build") => Some(Class::Undertow),
            (
                class @ (Class::Netty
                | Class::Reactor
                | Class::VertxServer
                | Class::VertxOptions
                | Class::UndertowBuilder),
                _,
            ) => Some(class),
            _ => None,
        }
    }

    fn class_of_own_method(&self, method: &str) -> Option<Class> {
        if self.makes_vertx_server(method) {
            return Some(Class::VertxServer);
        }
        let methods = self.file.names.methods.get(method)?;
        methods.iter().find_map(|method| self.class_named(self.text(self.field(*method, "type")?)))
    }

    /// Vert.x's own object is mostly inherited, so it is known by what is called on it.
    fn makes_vertx_server(&self, method: &str) -> bool {
        let names = &self.file.names;
        matches!(method, "createHttpServer" | "createNetServer")
            && (names.imports.values().chain(&names.packages).any(|import| import.starts_with("io.vertx.")))
    }
}
