//! Which classes matter, from `rules/services/java.toml`, and what each is to the reader.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::knowledge::Service;

/// What an object of a class does here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Class {
    /// java.net.ServerSocket.
    Socket,
    /// A server channel of java.nio.
    Channel,
    /// Opens channels.
    Provider,
    /// Makes sockets.
    Factory,
    /// Makes factories of sockets.
    Tls,
    /// com.sun.net.httpserver.
    HttpServer,
    /// Netty's ServerBootstrap.
    Netty,
    /// Reactor Netty's servers: each method gives a new one.
    Reactor,
    /// Makes servers of Vert.x.
    Vertx,
    VertxServer,
    VertxOptions,
    Undertow,
    UndertowBuilder,
    /// An embedded Jetty.
    Jetty,
    JettyConnector,
    /// java.net.InetAddress.
    Address,
    SocketAddress,
    UnixAddress,
}

/// `[reader]` of `rules/services/java.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Classes {
    asks_only: Vec<String>,
    no_sockets: Vec<String>,
    native: Vec<String>,
    classes: BTreeMap<String, Class>,
}

impl Classes {
    pub(super) fn read(service: &Service) -> Result<Self, toml::de::Error> {
        service.reader.clone().try_into()
    }

    /// The class of a full name.
    pub(super) fn named(&self, full: &str) -> Option<Class> {
        self.classes.get(full).copied()
    }

    /// Whether a method leaves it open that a socket is there to be closed at once.
    pub(super) fn asks_only(&self, method: &str) -> bool {
        self.asks_only.iter().any(|name| name == method)
    }

    /// Whether a channel of Netty, as a program names it, is no socket at all.
    pub(super) fn is_no_socket(&self, channel: &str) -> bool {
        self.no_sockets.iter().any(|name| channel.contains(name.as_str()))
    }

    /// Whether a channel of Netty passes its backlog to listen(2) as it is.
    pub(super) fn is_native(&self, channel: &str) -> bool {
        self.native.iter().any(|name| channel.contains(name.as_str()))
    }
}
