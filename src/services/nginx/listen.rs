//! One `listen` directive: its parameters, and which of them give an address a socket of its own
//! (ngx_http_core_listen, ngx_stream_core_listen and ngx_mail_core_listen).

use std::net::{Ipv4Addr, SocketAddr};

use super::address::{self, Address};
use super::file::Directive;
use super::release::{MULTIPATH, QUIC, QUIC_CHECKED, Release, STREAM_SHARES};
use crate::syntax::blocks::Word;
use crate::syntax::hosts::{Hosts, Named};
use crate::text::Span;

/// The module that a server belongs to. Each keeps its own list of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Module {
    Http,
    Stream,
    Mail,
}

impl Module {
    /// The port of an address without one; 0 lets the kernel choose.
    fn default_port(self) -> u16 {
        if self == Module::Http { 80 } else { 0 }
    }
}

/// A `listen` as nginx understands it.
#[derive(Debug)]
pub(super) struct Listen {
    pub(super) module: Module,
    pub(super) at: Span,
    pub(super) addresses: Vec<Address>,
    /// What a name resolved to.
    pub(super) named: Vec<Named>,
    /// Socket options: at most one listen of an address may have any, and with them the address gets its own socket.
    pub(super) options: bool,
    pub(super) backlog: Option<Backlog>,
    /// Where another parameter can be put.
    pub(super) room: Option<Span>,
    pub(super) reuseport: Option<Span>,
    pub(super) dual_stack: bool,
    pub(super) default_server: bool,
    /// UDP or QUIC: no connections wait.
    pub(super) datagram: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Backlog {
    pub(super) written: i64,
    /// What is left of it in a C int.
    pub(super) passed: i32,
    pub(super) at: Span,
    /// The number alone, if it stands there as it is meant.
    pub(super) number: Option<Span>,
}

impl Listen {
    /// What a server of http without any `listen` gets (ngx_http_core_server): port 80 for root, 8000 for anybody else.
    pub(super) fn unwritten(server: Span) -> Self {
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 80));
        Self::bare(Module::Http, server, vec![Address::Tcp(address)])
    }

    fn bare(module: Module, at: Span, addresses: Vec<Address>) -> Self {
        Self {
            module,
            at,
            addresses,
            named: Vec::new(),
            options: false,
            backlog: None,
            room: None,
            reuseport: None,
            dual_stack: false,
            default_server: false,
            datagram: false,
        }
    }

    /// Reads a directive, or says in nginx's words why it would not start.
    pub(super) fn read(
        module: Module,
        directive: Directive,
        words: &[Word<'_>],
        hosts: &Hosts,
        release: &Release<'_>,
    ) -> Result<Self, String> {
        let [address, parameters @ ..] = words else {
            return Err("invalid number of arguments in \"listen\" directive".into());
        };
        if !directive.simple {
            return Err("directive \"listen\" is not terminated by \";\"".into());
        }
        let found = address::parse(&address.value(), module.default_port(), hosts)
            .map_err(|why| format!("{why} in \"{}\" of the \"listen\" directive", shown(address)))?;
        let end = words.last().map_or(0, |word| word.range().end);
        let mut listen = Self {
            named: found.named,
            room: Some(Span::new(directive.at.source, end..end)),
            ..Self::bare(module, directive.at, found.all)
        };
        for word in parameters {
            listen.parameter(word, release)?;
        }
        listen.check_datagram(parameters, release)?;
        Ok(listen)
    }

    fn parameter(&mut self, word: &Word<'_>, release: &Release<'_>) -> Result<(), String> {
        let value = word.value();
        let (name, argument) = match value.iter().position(|byte| *byte == b'=') {
            Some(equals) => value.split_at(equals + 1),
            None => (&*value, &[][..]),
        };
        if !self.knows(name, release) {
            return Err(format!("invalid parameter \"{}\"", shown(word)));
        }
        let invalid =
            || Err(format!("invalid {} \"{}\"", lossy(name.strip_suffix(b"=").unwrap_or(name)), shown(word)));
        match name {
            b"default_server" | b"default" => self.default_server = true,
            b"udp" | b"quic" | b"http3" | b"xquic" => self.datagram = true,
            b"backlog=" => match self.backlog(word, argument) {
                Some(backlog) => self.backlog = Some(backlog),
                None => return invalid(),
            },
            b"fastopen=" if address::number(argument).is_none() => return invalid(),
            b"rcvbuf=" | b"sndbuf=" if !is_size(argument) => return invalid(),
            b"ipv6only=" => match argument {
                b"on" => self.dual_stack = false,
                b"off" => self.dual_stack = true,
                [b'o', ..] => return Err(format!("invalid ipv6only flags \"{}\"", lossy(argument))),
                _ => return Err(format!("invalid parameter \"{}\"", shown(word))),
            },
            b"so_keepalive=" if !is_keepalive(argument) => {
                return Err(format!("invalid so_keepalive value: \"{}\"", lossy(argument)));
            }
            b"reuseport" => self.reuseport = Some(Span::new(self.at.source, word.range())),
            _ => {}
        }
        self.options |= matches!(
            name,
            b"bind"
                | b"fastopen="
                | b"backlog="
                | b"rcvbuf="
                | b"sndbuf="
                | b"deferred"
                | b"ipv6only="
                | b"reuseport"
                | b"multipath"
                | b"so_keepalive="
        );
        Ok(())
    }

    /// Whether nginx on Linux takes a parameter of this name, or another program made of nginx does.
    fn knows(&self, name: &[u8], release: &Release<'_>) -> bool {
        let (http, stream) = (self.module == Module::Http, self.module == Module::Stream);
        let grown_stream = stream && !release.is_before(STREAM_SHARES);
        match name {
            b"bind" | b"backlog=" | b"rcvbuf=" | b"sndbuf=" | b"ipv6only=" | b"ssl" | b"so_keepalive="
            | b"proxy_protocol" => true,
            b"multipath" => !release.is_before(MULTIPATH),
            b"fastopen=" | b"reuseport" => http || stream,
            b"default_server" | b"deferred" | b"accept_filter=" => http || grown_stream,
            b"udp" => stream,
            b"default" | b"http2" => http,
            b"quic" => http && !release.is_before(QUIC),
            // nginx up to 1.9.4 and its QUIC branch; Tengine.
            b"spdy" | b"http3" | b"xquic" | b"ntls" | b"https_allow_http" => http,
            _ => false,
        }
    }

    /// ngx_atoi() reads 63 bits, which are kept in an int; only -1, its failure, and 0 are refused.
    fn backlog(&self, word: &Word<'_>, argument: &[u8]) -> Option<Backlog> {
        let written = address::number(argument)?;
        let passed = u32::try_from(written & i64::from(u32::MAX)).ok()?.cast_signed();
        if matches!(passed, 0 | -1) {
            return None;
        }
        let range = word.inside();
        let number = range.start + b"backlog=".len()..range.end;
        let plain = word.plain().is_some() && i64::from(passed) == written;
        Some(Backlog {
            written,
            passed,
            at: Span::new(self.at.source, word.range()),
            number: plain.then(|| Span::new(self.at.source, number)),
        })
    }

    /// Most of what is for connections does not go with datagrams.
    fn check_datagram(&self, parameters: &[Word<'_>], release: &Release<'_>) -> Result<(), String> {
        let has = |name: &&&str| parameters.iter().any(|word| is_named(word, name));
        let (kind, wrong) = match self.module {
            Module::Stream if has(&&"udp") => ("udp", NOT_DATAGRAM.to_vec()),
            Module::Http if has(&&"quic") && release.is_before(QUIC_CHECKED) => ("quic", NOT_QUIC.to_vec()),
            Module::Http if has(&&"quic") => ("quic", [&NOT_DATAGRAM[..], &["http2"]].concat()),
            _ => return Ok(()),
        };
        match wrong.iter().find(has) {
            Some(name) => {
                Err(format!("\"listen\" directive \"{name}\" parameter is incompatible with \"{kind}\""))
            }
            None => Ok(()),
        }
    }
}

const NOT_DATAGRAM: [&str; 7] =
    ["backlog", "deferred", "fastopen", "multipath", "proxy_protocol", "so_keepalive", "ssl"];
const NOT_QUIC: [&str; 3] = ["http2", "proxy_protocol", "ssl"];

fn is_named(word: &Word<'_>, name: &str) -> bool {
    word.value().split(|byte| *byte == b'=').next() == Some(name.as_bytes())
}

/// A number with `k` or `m` (ngx_parse_size).
fn is_size(text: &[u8]) -> bool {
    let digits = text.strip_suffix(b"k").or_else(|| text.strip_suffix(b"K"));
    let digits = digits.or_else(|| text.strip_suffix(b"m")).or_else(|| text.strip_suffix(b"M"));
    address::number(digits.unwrap_or(text)).is_some()
}

/// `on`, `off` or `idle:interval:count`, of which one at least is given; the first two are times (ngx_parse_time).
fn is_keepalive(text: &[u8]) -> bool {
    let is_time = |part: &[u8]| {
        part.first().is_some_and(u8::is_ascii_digit)
            && part.iter().all(|byte| byte.is_ascii_digit() || b"yMwdhms ".contains(byte))
    };
    let given = |part: &[u8]| part.iter().any(|byte| matches!(byte, b'1'..=b'9'));
    let mut parts = text.splitn(3, |byte| *byte == b':');
    let (idle, interval) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let count = parts.next().unwrap_or_default();
    matches!(text, b"on" | b"off")
        || [idle, interval].iter().all(|part| part.is_empty() || is_time(part))
            && (count.is_empty() || address::number(count).is_some())
            && [idle, interval, count].into_iter().any(given)
}

fn shown(word: &Word<'_>) -> String {
    lossy(&word.value())
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
