//! The global options of a Caddyfile that listeners depend on.

use super::{Network, binds};
use crate::model::{Listener, Step};
use crate::services::Ground;
use crate::syntax::caddyfile::blocks::lines;
use crate::syntax::caddyfile::{Broken, Token};
use crate::text::Span;

/// The global options that listeners depend on.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) http_port: u16,
    pub(super) https_port: u16,
    pub(super) auto_https: bool,
    pub(super) redirects: bool,
    pub(super) default_bind: Vec<(Network, Option<Span>)>,
    pub(super) admin: Option<(Network, u16, Span)>,
    /// A port is not known.
    pub(super) open: bool,
}

impl Options {
    /// What counts where nothing is said.
    pub(super) fn new(top: Span) -> Self {
        Self {
            http_port: 80,
            https_port: 443,
            auto_https: true,
            redirects: true,
            default_bind: Vec::new(),
            admin: Some((Network::Tcp("tcp".into(), "localhost".into()), 2019, top)),
            open: false,
        }
    }

    pub(super) fn admin(&self, ground: Ground<'_>) -> Option<Listener> {
        let (bound, port, at) = self.admin.as_ref()?;
        let mut admin = bound.listener(ground, *port, *at)?;
        admin.notes.push(Step::note("the admin endpoint", *at));
        Some(admin)
    }

    pub(super) fn read(body: &[Token], top: Span) -> Result<Self, Broken> {
        let mut options = Self::new(top);
        for line in lines(body).iter().filter(|line| line.depth == 0) {
            let Some((name, arguments)) = line.words.split_first() else { continue };
            options.take(name, arguments)?;
        }
        Ok(options)
    }

    fn take(&mut self, name: &Token, arguments: &[Token]) -> Result<(), Broken> {
        let first = arguments.first();
        match (name.text.as_str(), first) {
            ("http_port", Some(port)) => self.http_port = self.port(port, self.http_port)?,
            ("https_port", Some(port)) => self.https_port = self.port(port, self.https_port)?,
            ("auto_https", Some(_)) => {
                self.auto_https = arguments.iter().all(|word| word.text != "off");
                self.redirects = arguments.iter().all(|word| word.text != "disable_redirects");
            }
            ("default_bind", _) => self.default_bind = binds(arguments),
            ("admin", Some(off)) if off.text == "off" => self.admin = None,
            ("admin", Some(address)) => {
                let (bound, port) = Network::parse(&address.text);
                let known = port.parse();
                let is_tcp = matches!(bound, Network::Tcp(..));
                if is_tcp && known.is_err() && !address.text.contains('{') {
                    return Err((format!("invalid admin address '{}'", address.text), address.span));
                }
                self.admin = Some((bound, known.unwrap_or(0), address.span));
            }
            _ => {}
        }
        Ok(())
    }

    fn port(&mut self, word: &Token, default: u16) -> Result<u16, Broken> {
        if word.text.contains('{') {
            self.open = true;
            return Ok(default);
        }
        let wrong =
            |_| (format!("converting port '{}' to integer value: invalid syntax", word.text), word.span);
        word.text.parse().map_err(wrong)
    }
}
