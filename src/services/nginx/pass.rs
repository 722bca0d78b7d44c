//! Where requests go on to: what `proxy_pass`, `fastcgi_pass` and the like name, and the servers of upstreams.

use super::super::{Ground, Hops};
use super::address::number;
use super::listen::Module;
use super::walk::{Told, Upstream};
use crate::model::{Endpoint, Hop, Next};
use crate::text::{HashMap, Span};

/// The next hops of every server.
pub(super) struct Passes<'l, 't> {
    by_server: HashMap<usize, Vec<(&'t [u8], Span)>>,
    upstreams: HashMap<(Module, &'t [u8]), &'t Upstream>,
    looked_at: Hops<'l>,
}

impl<'l, 't> Passes<'l, 't> {
    pub(super) fn of(ground: Ground<'l>, told: &'t Told) -> Self {
        let mut by_server: HashMap<usize, Vec<(&[u8], Span)>> = HashMap::default();
        for passed in &told.passes {
            by_server.entry(passed.server).or_default().push((&passed.to, passed.at));
        }
        let named = told.upstreams.iter();
        let named = named.map(|upstream| ((upstream.module, upstream.name.as_slice()), upstream));
        Self { by_server, upstreams: named.collect(), looked_at: Hops::of(ground) }
    }

    /// Where some servers of one module pass on to, each address once. What holds a variable is not known.
    pub(super) fn of_servers(
        &self,
        ground: Ground<'_>,
        module: Module,
        servers: impl Iterator<Item = usize>,
    ) -> Vec<Hop> {
        let passed = servers.filter_map(|server| self.by_server.get(&server)).flatten();
        let passed = passed.take_while(|(_, at)| self.looked_at.may_look(*at));
        self.looked_at.gather(passed.flat_map(|(to, at)| self.hops(ground, module, to, *at)))
    }

    fn hops(&self, ground: Ground<'_>, module: Module, to: &[u8], at: Span) -> Vec<Hop> {
        let Some((rest, default_port)) = without_scheme(to) else { return Vec::new() };
        let host = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
        match self.upstreams.get(&(module, host)) {
            // A server of an upstream of http has port 80 (ngx_http_upstream_server); in stream it must name one.
            Some(upstream) => upstream
                .peers
                .iter()
                .filter_map(|(peer, at)| Some(Hop { to: next(ground, peer, Some(80))?, at: *at }))
                .collect(),
            None => next(ground, rest, default_port).map(|to| Hop { to, at }).into_iter().collect(),
        }
    }
}

/// The address of a URL, and the port that its scheme stands for.
fn without_scheme(url: &[u8]) -> Option<(&[u8], Option<u16>)> {
    if url.contains(&b'$') {
        return None;
    }
    let schemes: [(&[u8], Option<u16>); 6] = [
        (b"http://", Some(80)),
        (b"https://", Some(443)),
        (b"grpc://", Some(80)),
        (b"grpcs://", Some(443)),
        (b"uwsgi://", None),
        (b"suwsgi://", None),
    ];
    let is_scheme = |scheme: &[u8]| url.get(..scheme.len()).is_some_and(|it| it.eq_ignore_ascii_case(scheme));
    let known = schemes.iter().find(|(scheme, _)| is_scheme(scheme));
    Some(known.map_or((url, None), |(scheme, port)| (url.get(scheme.len()..).unwrap_or_default(), *port)))
}

fn next(ground: Ground<'_>, address: &[u8], default_port: Option<u16>) -> Option<Next> {
    if let Some(path) = address.strip_prefix(b"unix:") {
        // A URI after the path is set apart by a colon.
        let path = path.split(|byte| *byte == b':').next().unwrap_or_default();
        let path = String::from_utf8_lossy(path).into_owned();
        return (!path.is_empty()).then_some(Next::At(Endpoint::Unix(path)));
    }
    let address = address.split(|byte| *byte == b'/').next().unwrap_or_default();
    let end_of_host = address.iter().position(|byte| *byte == b']').unwrap_or(0);
    let colon = address.iter().skip(end_of_host).position(|byte| *byte == b':').map(|at| at + end_of_host);
    let (host, port) = match colon {
        Some(at) => {
            let (host, port) = address.split_at_checked(at)?;
            (host, u16::try_from(number(port.get(1..)?)?).ok()?)
        }
        None => (address, default_port?),
    };
    let host = std::str::from_utf8(host).ok().filter(|host| !host.is_empty())?;
    Some(ground.next(host, port))
}
