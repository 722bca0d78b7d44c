//! Bind URLs: where they open sockets, and the backlog in their query.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::{Endpoint, Transport};
use crate::services::Ground;
use crate::syntax::ruby::{integer_of, leading_integer};
use crate::text::{Slot, Span};

/// A URL, and where it is written.
#[derive(Debug, Clone)]
pub(super) struct Url {
    /// The URL, or why it is not known.
    pub text: Result<String, String>,
    /// What is written for it; the start of it tells the scheme of one that is not known.
    pub shown: String,
    pub site: Span,
    /// The end of the URL, where it is written as it is.
    pub tail: Option<Span>,
    /// Whether more can be written behind it.
    pub room: bool,
    pub notes: Vec<String>,
    /// It is opened whatever happens.
    pub sure: bool,
    /// The control server's: it answers `pumactl`, and nobody else.
    pub control: bool,
}

/// What listen(2) is called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Backlog {
    Default(Option<Slot>),
    Given(i64, Span, Option<Slot>),
    /// Puma does not start.
    Refused(String),
    Unknown(String),
}

impl Url {
    fn is_unix(&self) -> bool {
        let start = self.text.as_ref().unwrap_or(&self.shown);
        start.trim_start_matches(['"', '\'']).starts_with("unix:")
    }

    fn query(&self) -> Option<&str> {
        self.text.as_ref().ok()?.split_once('?').map(|(_, query)| query)
    }

    pub(super) fn backlog(&self) -> Backlog {
        if let Err(why) = &self.text {
            let query = self.shown.split_once('?').map(|(_, query)| query);
            return match query {
                Some(query) if query.contains("backlog=") || query.contains("#{") => {
                    Backlog::Unknown(why.clone())
                }
                _ => Backlog::Default(None),
            };
        }
        let pairs = self.query().into_iter().flat_map(|query| query.split(['&', ';']));
        let given = pairs.filter_map(|pair| pair.split_once('=')).rfind(|(name, _)| *name == "backlog");
        let Some((_, number)) = given else { return Backlog::Default(self.slot_behind()) };
        let value = match self.is_unix() {
            true => integer_of(number),
            false => Some(leading_integer(number)),
        };
        match value.filter(|value| i32::try_from(*value).is_ok()) {
            Some(value) => {
                let at = self.number_at(number);
                Backlog::Given(value, at.unwrap_or(self.site), at.map(Slot::replace))
            }
            None => Backlog::Refused(format!("backlog={number} is no number that it takes")),
        }
    }

    /// Where the number stands.
    fn number_at(&self, number: &str) -> Option<Span> {
        let tail = self.tail?;
        let text = self.text.as_ref().ok()?;
        let begin = text.rfind(&format!("backlog={number}"))? + "backlog=".len();
        let found = begin.checked_sub(text.len().checked_sub(tail.range().len())?)?;
        let digits = number.strip_prefix('-').unwrap_or(number);
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let short = |offset: usize| u32::try_from(offset).ok();
        let start = tail.start + short(found)?;
        plain.then_some(Span { start, end: start + short(number.len())?, ..tail })
    }

    /// A place for a backlog behind the URL.
    fn slot_behind(&self) -> Option<Slot> {
        let tail = self.tail.filter(|_| self.room)?;
        let before = if self.query().is_some() { "&backlog=" } else { "?backlog=" };
        Some(Slot::insert(Span { start: tail.end, ..tail }, before, ""))
    }

    /// Where it opens sockets; nothing where Puma passes over it.
    pub(super) fn places(&self, ground: Ground<'_>) -> Option<Result<Vec<Endpoint>, (Endpoint, String)>> {
        let unknown = |why: &str| {
            let transport = if self.is_unix() { Transport::Unix } else { Transport::Tcp };
            Some(Err((Endpoint::Unknown(transport), why.to_owned())))
        };
        let text = match &self.text {
            Ok(text) => text,
            Err(why) => return unknown(why),
        };
        let bare = text.split_once('?').map_or(text.as_str(), |(bare, _)| bare);
        if bare == "unix://" {
            return unknown("it is made of what is not set");
        }
        if let Some(path) = bare.strip_prefix("unix://") {
            return Some(Ok(vec![Endpoint::Unix(path.replace("%20", " "))]));
        }
        let rest = bare.strip_prefix("tcp://").or_else(|| bare.strip_prefix("ssl://"))?;
        let Some((host, port)) = rest.trim_end_matches('/').rsplit_once(':') else {
            return unknown("the kernel picks a free port");
        };
        match port.parse::<u16>() {
            Ok(0) => unknown("the kernel picks a free port"),
            Ok(port) => match on_host(ground, host, port) {
                Some(endpoints) => Some(Ok(endpoints)),
                None => unknown(&format!("`{host}` is not in the tree's hosts file")),
            },
            Err(_) => unknown(&format!("`{port}` is no port")),
        }
    }
}

/// `localhost` is both loopback addresses, whatever the hosts file says.
fn on_host(ground: Ground<'_>, host: &str, port: u16) -> Option<Vec<Endpoint>> {
    if host == "localhost" {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        return Some(loopback.map(|address| Endpoint::tcp(address, port)).to_vec());
    }
    let address = *ground.addresses(host).first()?;
    Some(vec![match address {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Endpoint::DualStack(port),
        address => Endpoint::tcp(address, port),
    }])
}
