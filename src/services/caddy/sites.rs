//! What the sites of a Caddyfile listen on: a server for each address, and one for the redirects that come with HTTPS.

use std::collections::{HashMap, HashSet};

use super::super::Ground;
use super::address::{Address, Bound};
use super::blocks::{Block, lines};
use super::hops::{self, MAX_HOPS};
use super::redirects;
use crate::model::{Endpoint, Hop, Transport, Version};
use crate::syntax::caddyfile::{Broken, Token};
use crate::text::Span;

/// Bounds what a file of thousands of keys and binds multiplies into.
const MAX_SERVERS: usize = 4_096;

/// The global options that listeners depend on.
#[derive(Debug)]
pub(super) struct Options {
    pub http_port: u16,
    pub https_port: u16,
    pub auto_https: bool,
    pub redirects: bool,
    pub default_bind: Vec<(Bound, Option<Span>)>,
    pub admin: Option<(Bound, u16, Span)>,
    /// A port is not known.
    pub open: bool,
}

impl Options {
    pub(super) fn read(body: &[Token], top: Span) -> Result<Self, Broken> {
        let mut options = Self {
            http_port: 80,
            https_port: 443,
            auto_https: true,
            redirects: true,
            default_bind: Vec::new(),
            admin: Some((Bound::Tcp("tcp".into(), "localhost".into()), 2019, top)),
            open: false,
        };
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
                let (bound, port) = Bound::parse(&address.text);
                let known = port.parse();
                let is_tcp = matches!(bound, Bound::Tcp(..));
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

fn binds(arguments: &[Token]) -> Vec<(Bound, Option<Span>)> {
    arguments.iter().map(|word| (Bound::parse(&word.text).0, Some(word.span))).collect()
}

/// One server of Caddy: an address that sites listen on.
#[derive(Debug)]
pub(super) struct Server {
    pub endpoint: Endpoint,
    /// Why the address is not known.
    pub unknown: Option<&'static str>,
    pub site: Span,
    pub hops: Vec<Hop>,
    /// Opened for redirects to HTTPS only.
    pub redirects: bool,
    /// Whoever passes the socket decides.
    pub inherited: bool,
}

/// A site on one address.
struct Member {
    address: Address,
    key: String,
    block: usize,
    at: Span,
}

/// A server in the making.
pub(super) struct Group {
    pub bound: Bound,
    pub port: u16,
    /// The port is not known.
    pub open: bool,
    /// The `bind` or the first key that opens it.
    pub site: Span,
    /// It has policies for TLS before automatic HTTPS looks at it.
    pub policies: bool,
    members: Vec<Member>,
}

/// All servers of the sites, and what Caddy refuses.
pub(super) fn servers(
    ground: Ground<'_>,
    options: &Options,
    version: Option<Version>,
    sites: &[Block],
) -> Result<Vec<Server>, Broken> {
    let mut groups = groups(options, version, sites)?;
    let traits: Vec<Traits> = sites.iter().map(|site| Traits::of(ground, &site.body)).collect();
    let mut servers: Vec<Server> = Vec::new();
    for group in &mut groups {
        group.policies = group.has_policies(options, &traits);
        group.check(options)?;
        let unknown = (Endpoint::Unknown(Transport::Tcp), Some("its port is not known"));
        let found = if group.open { Some(unknown) } else { group.bound.endpoint(ground, group.port) };
        let Some((endpoint, unknown)) = found else { continue };
        let hops = group.members.iter().filter_map(|member| traits.get(member.block));
        let hops = hops.flat_map(|it| it.hops.iter().cloned()).collect();
        let inherited = matches!(group.bound, Bound::Descriptor(_));
        add(&mut servers, Server { endpoint, unknown, site: group.site, hops, redirects: false, inherited });
    }
    for group in redirects::of(options, version, &groups) {
        let Some((endpoint, unknown)) = group.bound.endpoint(ground, options.http_port) else { continue };
        let hops = Vec::new();
        add(
            &mut servers,
            Server { endpoint, unknown, site: group.site, hops, redirects: true, inherited: false },
        );
    }
    Ok(servers)
}

/// An address that is listened on already stays one.
fn add(servers: &mut Vec<Server>, server: Server) {
    let known = |first: &&mut Server| first.unknown.is_none() && first.endpoint == server.endpoint;
    match servers.iter_mut().find(known) {
        Some(first) => server.hops.into_iter().for_each(|hop| join(&mut first.hops, hop)),
        None => {
            let mut hops = Vec::new();
            server.hops.into_iter().for_each(|hop| join(&mut hops, hop));
            servers.push(Server { hops, ..server });
        }
    }
}

fn join(hops: &mut Vec<Hop>, hop: Hop) {
    if hops.len() < MAX_HOPS && hops.iter().all(|known| known.to != hop.to) {
        hops.push(hop);
    }
}

fn groups(options: &Options, version: Option<Version>, sites: &[Block]) -> Result<Vec<Group>, Broken> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<(Bound, u16, bool), usize> = HashMap::new();
    for (block, site) in sites.iter().enumerate() {
        let binds = site_binds(options, site);
        for key in &site.keys {
            let address = Address::parse(&key.text, key.is_open(), version).map_err(|why| (why, key.span))?;
            let port = port(options, &address).map_err(|why| (why, key.span))?;
            // Its port is known even where its host is not.
            let open = address.open && address.port.is_none()
                || options.open && (port == options.http_port || port == options.https_port);
            for (bound, bind_at) in &binds {
                let port = if matches!(bound, Bound::Tcp(..)) { port } else { 0 };
                let member = Member { address: address.clone(), key: key.text.clone(), block, at: key.span };
                let at = *places.entry((bound.clone(), port, open)).or_insert(groups.len());
                if let Some(group) = groups.get_mut(at) {
                    group.members.push(member);
                } else if groups.len() < MAX_SERVERS {
                    let (bound, site) = (bound.clone(), bind_at.unwrap_or(key.span));
                    groups.push(Group { bound, port, open, site, policies: false, members: vec![member] });
                } else {
                    return Ok(groups);
                }
            }
        }
    }
    Ok(groups)
}

fn site_binds(options: &Options, site: &Block) -> Vec<(Bound, Option<Span>)> {
    let lines = lines(&site.body);
    let own = lines.iter().filter(|line| line.depth == 0);
    let own = own.filter_map(|line| line.words.split_first()).filter(|(name, _)| name.text == "bind");
    let own: Vec<_> = own.flat_map(|(_, arguments)| binds(arguments)).collect();
    match (own.is_empty(), options.default_bind.is_empty()) {
        (false, _) => own,
        (true, false) => options.default_bind.clone(),
        (true, true) => vec![(Bound::anywhere(), None)],
    }
}

/// The port of a key (listenerAddrsForServerBlockKey in caddyconfig/httpcaddyfile/addresses.go).
fn port(options: &Options, address: &Address) -> Result<u16, String> {
    let default = if address.scheme == "http" { options.http_port } else { options.https_port };
    let port = address.port.unwrap_or(default);
    let crossed = (address.scheme == "http" && port == options.https_port)
        || (address.scheme == "https" && port == options.http_port);
    match crossed {
        true => {
            Err(format!("[{}://{}:{port}] scheme and port violate convention", address.scheme, address.host))
        }
        false => Ok(port),
    }
}

/// What a site's directives decide.
struct Traits {
    hops: Vec<Hop>,
    /// Its `tls` says how connections are made, and not only where certificates come from.
    tls: bool,
}

impl Traits {
    fn of(ground: Ground<'_>, body: &[Token]) -> Self {
        let mut tls = false;
        let mut within = false;
        for line in lines(body) {
            let Some((name, arguments)) = line.words.split_first() else { continue };
            match line.depth {
                0 => {
                    within = name.text == "tls";
                    // A certificate and its key.
                    tls |= within && arguments.len() == 2;
                }
                1 if within => {
                    let makes = ["protocols", "ciphers", "curves", "client_auth", "alpn"];
                    tls |= makes.contains(&name.text.as_str());
                }
                _ => {}
            }
        }
        Self { hops: hops::of(ground, body), tls }
    }
}

impl Group {
    /// serversFromPairings in caddyconfig/httpcaddyfile/httptype.go.
    fn has_policies(&self, options: &Options, traits: &[Traits]) -> bool {
        let own = self.members.iter().any(|member| traits.get(member.block).is_some_and(|it| it.tls));
        let is = |port: Option<u16>, wanted: u16| port == Some(wanted);
        let qualifies = self.members.iter().any(|Member { address, .. }| {
            let named = !address.host.is_empty() && !is(address.port, options.http_port);
            address.scheme == "https" || (address.scheme != "http" && named)
        });
        let automatic = options.auto_https
            && self.members.iter().all(|Member { address, .. }| {
                let named = !address.host.is_empty() && !is(address.port, options.http_port);
                is(address.port, options.https_port) || named
            });
        own || (qualifies && !automatic)
    }

    /// The names that automatic HTTPS takes care of. A site with a key that has no host has none.
    pub(super) fn names(&self) -> Vec<&str> {
        let catching = self.members.iter().filter(|member| member.address.host.is_empty());
        let catching: HashSet<usize> = catching.map(|member| member.block).collect();
        let named = self.members.iter().filter(|Member { address, block, .. }| {
            address.scheme != "http" && !address.host.is_empty() && !catching.contains(block)
        });
        named.map(|member| member.address.host.as_str()).collect()
    }

    /// What Caddy refuses of the sites of one address.
    fn check(&self, options: &Options) -> Result<(), Broken> {
        let policies = self.policies;
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut http: Option<bool> = None;
        for Member { address, key, block, at } in &self.members {
            if *seen.entry(key).or_insert(*block) != *block {
                return Err((format!("ambiguous site definition: {key}"), *at));
            }
            let is_http = match () {
                () if address.open => continue,
                () if address.scheme == "http" || address.port == Some(options.http_port) => true,
                () if address.scheme == "https" || address.port == Some(options.https_port) || policies => {
                    false
                }
                () if address.host.is_empty() => true,
                () => continue,
            };
            if is_http && policies {
                let what =
                    format!("the server of {key} is HTTP, but attempts to configure TLS connection policies");
                return Err((what, *at));
            }
            if *http.get_or_insert(is_http) != is_http {
                let (one, other) = if is_http { ("HTTPS", "HTTP") } else { ("HTTP", "HTTPS") };
                let what = format!(
                    "it is configured for {one} and cannot natively multiplex HTTP and HTTPS: {key} is {other}"
                );
                return Err((what, *at));
            }
        }
        Ok(())
    }
}
