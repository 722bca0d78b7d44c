//! Caddy: what the sites of its Caddyfile, the servers of its JSON, its commands, its admin endpoint and the redirects of
//! automatic HTTPS listen on. Every queue is the kernel's somaxconn; nothing in the files can change that.

mod config;
mod options;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Ask, Bound, Candidate, Found, Ground, Hops, Policy, Starts, Why, port_of};
use crate::model::{Endpoint, Hop, Listener, Next, Problem, ProblemKind, Step, Transport, Version};
use crate::syntax::caddyfile::blocks::{self, Block, Blocks, Line, lines};
use crate::syntax::caddyfile::{Broken, Token};
use crate::syntax::host_port::split_loosely;
use crate::text::{HashMap, HashSet, SourceId, Span, over};
use options::Options;

/// Schemes that no server has are refused: 2.7.5 (commit 288216e1f).
const STRICT_SCHEMES: Version = Version::new(2, 7, 5);
/// Redirects of all addresses of a name: 2.8.0 (commit 83ef61de1); before, of one.
const ALL_ADDRESSES: Version = Version::new(2, 8, 0);
/// A server on another address of the HTTP port is no reason to open no redirects: 2.11.0 (commit 565c1c305).
const STRICT_REDIRECTS: Version = Version::new(2, 11, 0);

/// Bounds what a file of thousands of keys and binds multiplies into.
const MAX_SERVERS: usize = 4_096;

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    let mut imported: HashSet<PathBuf> = HashSet::default();
    let starts = Starts::of(ground, &mut found);
    let mut files = starts.candidates(files);
    files.sort_by_key(|file| (!starts.names(&file.path), !file.by_place, !is_main(&file.path)));
    for file in &files {
        if let Some(problem) = foreign(ground, &starts, file) {
            found.problems.push(problem);
            continue;
        }
        let mut unused = Found::default();
        let idle = starts.is_idle(&file.path);
        if !imported.contains(&file.path) {
            found.left_out += usize::from(idle);
            imported.extend(one(ground, &starts, file, if idle { &mut unused } else { &mut found }));
        }
    }
    found.listeners.extend(config::of_commands(ground));
    found
}

/// What is told of a configuration that an adapter reads which is none of Caddy's own (cmd/main.go: loadConfig).
fn foreign(ground: Ground<'_>, starts: &Starts<'_>, file: &Candidate) -> Option<Problem> {
    let line = starts.line(starts.naming(&file.path).next()?);
    let adapter = line.last("--adapter").filter(|adapter| adapter.text != "caddyfile")?;
    let message = "this configuration is not a Caddyfile, so its listeners are unknown";
    Some(ground.problem(ProblemKind::Skipped, message, adapter.span()))
}

/// Whether Caddy reads a file as its own JSON: another than a Caddyfile, for which no adapter is named.
fn is_json(starts: &Starts<'_>, file: &Candidate) -> bool {
    let extension = file.path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let adapted = starts.naming(&file.path).next().is_some_and(|run| starts.line(run).has("--adapter"));
    !adapted
        && (extension == "json"
            || starts.names(&file.path) && !is_main(&file.path) && extension != "caddyfile")
}

/// Other names are of files that a main one imports, or of one that is told by the command line.
fn is_main(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"Caddyfile"))
}

/// Reads a Caddyfile and says what it imported.
fn one(ground: Ground<'_>, starts: &Starts<'_>, file: &Candidate, found: &mut Found) -> HashSet<PathBuf> {
    let Some(source) = ground.open(file, &mut found.problems) else { return HashSet::default() };
    if is_json(starts, file) {
        match config::of_json(ground, source, starts.names(&file.path)) {
            Ok(listeners) => found.listeners.extend(listeners),
            Err((message, at)) => found.problems.push(ground.problem(ProblemKind::Skipped, message, at)),
        }
        return HashSet::default();
    }
    let setting = blocks::Setting {
        sources: ground.sources,
        tree: ground.tree,
        folder: file.path.parent().unwrap_or(Path::new("")),
        installed: ground.is_machine(),
        variable: &|name| {
            let variable = starts.commands(&file.path).find_map(|command| command.variable(name))?;
            (!variable.value.is_open()).then(|| variable.value.as_str().to_owned())
        },
    };
    let blocks = blocks::read(setting, source);
    for (message, at) in &blocks.missing {
        let help = "audit the machine or the image that it is for, where these files exist".to_owned();
        let problem = ground.problem(ProblemKind::Skipped, message, *at);
        found.problems.push(Problem { help: Some(help), ..problem });
    }
    match listeners(ground, &blocks, source, is_main(&file.path) || starts.names(&file.path)) {
        Ok(listeners) => found.listeners.extend(listeners),
        Err((message, at)) => {
            let kind = match file.by_place {
                _ if blocks.cut => ProblemKind::CutOff,
                true => ProblemKind::Lost,
                false => ProblemKind::Skipped,
            };
            found.problems.push(ground.problem(kind, message, at));
        }
    }
    blocks.imported
}

/// Caddy starts with all of a file or with nothing.
fn listeners(
    ground: Ground<'_>,
    blocks: &Blocks,
    source: SourceId,
    with_admin: bool,
) -> Result<Vec<Listener>, Broken> {
    if ground.sources.bytes(source).is_empty() {
        return Err(("adapting config using caddyfile: EOF".to_owned(), Span::top(source)));
    }
    if let Some(broken) = &blocks.broken {
        return Err(broken.clone());
    }
    let version = ground.version(Path::new(""));
    let options = Options::read(&blocks.global, Span::top(source))?;
    let mut made = servers(ground, &options, version, &blocks.sites)?;
    made.extend(options.admin(ground).filter(|_| with_admin));
    Ok(made)
}

fn binds(arguments: &[Token]) -> Vec<(Network, Option<Span>)> {
    arguments.iter().map(|word| (Network::parse(&word.text).0, Some(word.span))).collect()
}

/// A site's key: `https://example.com:8443/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Address {
    scheme: String,
    host: String,
    port: Option<u16>,
    /// A part of it is not known.
    open: bool,
}

impl Address {
    fn parse(text: &str, open: bool, version: Option<Version>) -> Result<Self, String> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let authority = rest.split('/').next().unwrap_or_default();
        let (host, port) = split_loosely(authority).unwrap_or((authority, ""));
        // A placeholder is replaced when Caddy runs, if at all.
        let open = open || text.contains('{');
        let port = match port.parse::<u32>() {
            Ok(number) => {
                let fits = u16::try_from(number);
                Some(fits.map_err(|_| format!("parsing key: port {number} is out of range"))?)
            }
            Err(_) if port.is_empty() || open => None,
            Err(_) => return Err(format!("parsing key: invalid port '{port}'")),
        };
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "" | "http" | "https" => Ok(Self { scheme, host: host.to_ascii_lowercase(), port, open }),
            _ if open || version.is_some_and(|version| version < STRICT_SCHEMES) => {
                Ok(Self { scheme: String::new(), host: host.to_ascii_lowercase(), port, open })
            }
            _ => Err(format!("unsupported URL scheme {scheme}://")),
        }
    }
}

/// What a server binds to, before the port is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Network {
    /// The network (`tcp`, `tcp4`, `tcp6`) and the host.
    Tcp(String, String),
    Unix(String),
    /// A socket that is inherited.
    Descriptor(String),
    /// What stands for a port is none.
    NoPort(String),
    /// No stream.
    Other,
}

impl Network {
    /// A network address, and the port that it names.
    fn parse(text: &str) -> (Self, &str) {
        let (network, rest) = match text.split_once('/') {
            Some((network, rest)) => (network.trim().to_ascii_lowercase(), rest),
            None => (String::new(), text),
        };
        let (host, port) = split_loosely(rest).unwrap_or((rest, ""));
        let bound = match network.as_str() {
            "" | "tcp" => Self::Tcp("tcp".into(), host.to_owned()),
            "tcp4" | "tcp6" => Self::Tcp(network, host.to_owned()),
            // The permission bits stand behind a bar.
            "unix" => Self::Unix(rest.split('|').next().unwrap_or_default().to_owned()),
            "fd" | "fdgram" => Self::Descriptor(text.to_owned()),
            _ => Self::Other,
        };
        (bound, port)
    }

    /// The wildcard.
    fn anywhere() -> Self {
        Self::Tcp("tcp".into(), String::new())
    }

    /// The server on it.
    fn listener(&self, ground: Ground<'_>, port: u16, site: Span) -> Option<Listener> {
        let ask = match self {
            Self::Descriptor(_) => Ask::handed(site),
            _ => ground.own("backlog", None),
        };
        let sockets = self.sockets(ground, port)?;
        ground.listeners(&sockets, site, &ask).pop()
    }

    /// Where Go listens for it.
    fn sockets(&self, ground: Ground<'_>, port: u16) -> Option<Bound> {
        Some(match self {
            Self::Other => return None,
            Self::Descriptor(_) => Why::Handed.into(),
            Self::NoPort(text) if text.contains('{') => Why::Elsewhere(text.clone()).into(),
            Self::NoPort(text) => Why::NoPort(text.clone()).into(),
            Self::Unix(path) if path.contains('{') => {
                Bound::unknown_on(Transport::Unix, Why::Elsewhere(path.clone()))
            }
            Self::Unix(path) => Bound::path(path),
            Self::Tcp(_, host) if host.contains('{') => Why::Elsewhere(host.clone()).into(),
            Self::Tcp(network, host) => port_of(port)
                .and_then(|port| ground.bind(Policy::go(network), host, port))
                .unwrap_or_else(Bound::from),
        })
    }
}

/// A site on one address.
#[derive(Clone)]
struct Member {
    address: Address,
    key: String,
    block: usize,
    at: Span,
}

/// A server in the making.
#[derive(Clone)]
struct Group {
    bound: Network,
    port: u16,
    /// The port is not known.
    open: bool,
    /// The `bind` or the first key that opens it.
    site: Span,
    /// It has policies for TLS before automatic HTTPS looks at it.
    policies: bool,
    /// Automatic HTTPS may open a server beside it.
    redirects: bool,
    members: Vec<Member>,
    hops: Vec<Hop>,
}

/// All servers of the sites, and what Caddy refuses.
fn servers(
    ground: Ground<'_>,
    options: &Options,
    version: Option<Version>,
    sites: &[Block],
) -> Result<Vec<Listener>, Broken> {
    let looked_at = Hops::of(ground);
    let mut groups = groups(ground, &looked_at, options, version, sites)?;
    let traits: Vec<Traits> = sites.iter().map(|site| Traits::of(ground, &site.body)).collect();
    for group in &mut groups {
        group.policies = group.has_policies(options, &traits);
        group.check(options)?;
        let own = group.members.iter().filter_map(|member| traits.get(member.block));
        group.hops = looked_at.gather(own.flat_map(|traits| &traits.hops).cloned());
    }
    Ok(opened(ground, &looked_at, options, &groups))
}

/// The sockets of all servers, and of those that redirect to them.
fn opened(ground: Ground<'_>, looked_at: &Hops<'_>, options: &Options, groups: &[Group]) -> Vec<Listener> {
    let version = ground.version(Path::new(""));
    let mut servers: Vec<Listener> = Vec::new();
    for group in groups {
        let opened = match group.open {
            true => {
                let unknown = Bound::from(Why::NotTold);
                ground.listeners(&unknown, group.site, &ground.own("backlog", None)).pop()
            }
            false => group.bound.listener(ground, group.port, group.site),
        };
        let Some(listener) = opened else { continue };
        add(looked_at, &mut servers, Listener { hops: group.hops.clone(), ..listener });
    }
    for group in redirecting(options, version, groups) {
        let opened = group.bound.listener(ground, options.http_port, group.site);
        let Some(mut listener) = opened else { continue };
        listener.notes.push(Step::note("automatic HTTPS opens it, to redirect to HTTPS", group.site));
        add(looked_at, &mut servers, listener);
    }
    servers
}

/// An address that is listened on already stays one.
fn add(looked_at: &Hops<'_>, servers: &mut Vec<Listener>, server: Listener) {
    let is_known = server.endpoint.address().is_some();
    match servers.iter_mut().find(|first| is_known && first.endpoint == server.endpoint) {
        Some(_) if server.hops.is_empty() => {}
        Some(first) => {
            first.hops = looked_at.gather(std::mem::take(&mut first.hops).into_iter().chain(server.hops))
        }
        None => servers.push(server),
    }
}

fn groups(
    ground: Ground<'_>,
    looked_at: &Hops<'_>,
    options: &Options,
    version: Option<Version>,
    sites: &[Block],
) -> Result<Vec<Group>, Broken> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<(Network, u16, bool), usize> = HashMap::default();
    for (block, site) in sites.iter().enumerate() {
        let binds = site_binds(options, site);
        for key in &site.keys {
            let address = Address::parse(&key.text, key.is_open(), version).map_err(|why| (why, key.span))?;
            let port = port(options, &address).map_err(|why| (why, key.span))?;
            // Its port is known even where its host is not.
            let open = address.open && address.port.is_none()
                || options.open && (port == options.http_port || port == options.https_port);
            for (bound, bind_at) in &binds {
                let port = if matches!(bound, Network::Tcp(..)) { port } else { 0 };
                let member = Member { address: address.clone(), key: key.text.clone(), block, at: key.span };
                let at = *places.entry((bound.clone(), port, open)).or_insert(groups.len());
                if !looked_at.may_look(key.span) {
                    return Ok(groups);
                }
                if let Some(group) = groups.get_mut(at) {
                    group.members.push(member);
                } else if groups.len() < MAX_SERVERS {
                    let nowhere = config::nowhere(bind_at.unwrap_or(key.span));
                    groups.push(Group { bound: bound.clone(), port, open, members: vec![member], ..nowhere });
                } else {
                    ground.sources.cut_off(key.span, over("servers of one Caddyfile", MAX_SERVERS));
                    return Ok(groups);
                }
            }
        }
    }
    Ok(groups)
}

fn site_binds(options: &Options, site: &Block) -> Vec<(Network, Option<Span>)> {
    let lines = lines(&site.body);
    let own = lines.iter().filter(|line| line.depth == 0);
    let own = own.filter_map(|line| line.words.split_first()).filter(|(name, _)| name.text == "bind");
    let own: Vec<_> = own.flat_map(|(_, arguments)| binds(arguments)).collect();
    match (own.is_empty(), options.default_bind.is_empty()) {
        (false, _) => own,
        (true, false) => options.default_bind.clone(),
        (true, true) => vec![(Network::anywhere(), None)],
    }
}

/// The port of a key (listenerAddrsForServerBlockKey in caddyconfig/httpcaddyfile/addresses.go).
fn port(options: &Options, address: &Address) -> Result<u16, String> {
    let default = if address.scheme == "http" { options.http_port } else { options.https_port };
    let port = address.port.unwrap_or(default);
    let crossed = (address.scheme == "http" && port == options.https_port)
        || (address.scheme == "https" && port == options.http_port);
    let Address { scheme, host, .. } = address;
    let refused = || format!("[{scheme}://{host}:{port}] scheme and port violate convention");
    if crossed { Err(refused()) } else { Ok(port) }
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
        Self { hops: hops(ground, body), tls }
    }
}

impl Group {
    /// The host of a TCP address.
    fn host(&self) -> Option<&str> {
        let Network::Tcp(_, host) = &self.bound else { return None };
        (!self.open).then_some(host)
    }

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
    fn names(&self) -> Vec<&str> {
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
        let mut seen: HashMap<&str, usize> = HashMap::default();
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

/// The servers whose addresses get one of automatic HTTPS beside them, on the HTTP port, to redirect from there
/// (automaticHTTPSPhase1 in modules/caddyhttp/autohttps.go).
fn redirecting<'g>(options: &Options, version: Option<Version>, groups: &'g [Group]) -> Vec<&'g Group> {
    if !options.auto_https || !options.redirects {
        return Vec::new();
    }
    let is_before = |release: Version| version.is_some_and(|version| version < release);
    let taken: Vec<&str> =
        groups.iter().filter(|it| it.port == options.http_port).filter_map(Group::host).collect();
    let is_taken = |host: &str| match is_before(STRICT_REDIRECTS) {
        true => !taken.is_empty(),
        false => taken.iter().any(|other| *other == host || other.is_empty() || host.is_empty()),
    };
    let mut found = redirected(options, is_before(ALL_ADDRESSES), groups);
    found.retain(|group| group.host().is_some_and(|host| !is_taken(host)));
    found
}

/// The servers that names, or requests for any name, are redirected to.
fn redirected<'g>(options: &Options, one_address: bool, groups: &'g [Group]) -> Vec<&'g Group> {
    // Caddy goes through them in the order of their addresses.
    let address = |group: &Group| match group.host()? {
        host if host.contains(':') => Some(format!("[{host}]:{}", group.port)),
        host => Some(format!("{host}:{}", group.port)),
    };
    let mut sorted: Vec<(String, &Group)> = groups.iter().filter_map(|it| Some((address(it)?, it))).collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    let mut found: Vec<&Group> = Vec::new();
    let mut by_name: BTreeMap<&str, Vec<&Group>> = BTreeMap::new();
    for (_, group) in sorted {
        let is_https = group.port == options.https_port;
        if group.port == options.http_port || !group.redirects {
            continue;
        }
        let names = group.names();
        if names.is_empty() && (group.policies || is_https) {
            found.push(group);
        }
        for name in names {
            let known = by_name.entry(name).or_default();
            match known.first() {
                Some(_) if one_address && !is_https => {}
                Some(first) if !one_address && first.port == group.port => known.push(group),
                Some(_) if !is_https => {}
                _ => *known = vec![group],
            }
        }
    }
    found.extend(by_name.into_values().flatten());
    found.sort_by_key(|group| group.site);
    found.dedup_by(|a, b| std::ptr::eq(*a, *b));
    found
}

/// Where a site passes requests on to: `reverse_proxy`, `php_fastcgi`, and the `to` in their blocks; each address once.
fn hops(ground: Ground<'_>, body: &[Token]) -> Vec<Hop> {
    let mut hops: Vec<Hop> = Vec::new();
    let mut seen = HashSet::default();
    let mut proxy: Option<usize> = None;
    for Line { depth, words } in lines(body) {
        let Some((name, arguments)) = words.split_first() else { continue };
        if proxy.is_some_and(|around| depth <= around) {
            proxy = None;
        }
        let upstreams = match name.text.as_str() {
            "reverse_proxy" | "php_fastcgi" => {
                proxy = Some(depth);
                without_matcher(arguments)
            }
            "to" if proxy.is_some_and(|around| depth == around + 1) => arguments,
            _ => continue,
        };
        for upstream in upstreams {
            let Some(to) = next(ground, &upstream.text) else { continue };
            if seen.insert(to.clone()) {
                hops.push(Hop { to, at: upstream.span });
            }
        }
    }
    hops
}

/// A first argument that says which requests are meant.
fn without_matcher(arguments: &[Token]) -> &[Token] {
    match arguments.split_first() {
        Some((first, rest)) if first.text == "*" || first.text.starts_with(['/', '@']) => rest,
        _ => arguments,
    }
}

/// `modules/caddyhttp/reverseproxy/addresses.go`: a scheme stands for a port, a network for what is dialled.
fn next(ground: Ground<'_>, text: &str) -> Option<Next> {
    if text.contains('{') {
        return None;
    }
    let (address, default_port) = match text.split_once("://") {
        Some(("https", rest)) => (rest, 443),
        Some(("http" | "h2c" | "", rest)) => (rest, 80),
        Some(_) => return None,
        None => match text.split_once('/') {
            Some(("unix" | "unix+h2c", path)) => return Some(Next::At(Endpoint::Unix(path.to_owned()))),
            Some(("tcp" | "tcp4" | "tcp6", rest)) => (rest, 80),
            Some(_) => return None,
            None => (text, 80),
        },
    };
    let (host, port) = split_loosely(address)?;
    let port = if port.is_empty() { default_port } else { port.parse().ok()? };
    Some(ground.next(if host.is_empty() { "localhost" } else { host }, port))
}

#[cfg(test)]
mod tests;
