//! Where a site passes requests on to: `reverse_proxy`, `php_fastcgi`, and the `to` in their blocks.

use super::super::Ground;
use super::blocks::{Line, lines};
use crate::model::{Endpoint, Hop, Next};
use crate::syntax::caddyfile::Token;
use crate::syntax::host_port::split_loosely;

/// A front has a few upstreams; a machine-made file that has thousands is not followed to the last.
pub(super) const MAX_HOPS: usize = 64;

/// The next hops of a site, each address once.
pub(super) fn of(ground: Ground<'_>, body: &[Token]) -> Vec<Hop> {
    let mut hops: Vec<Hop> = Vec::new();
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
            let Some(to) = next(ground, upstream) else { continue };
            if hops.len() < MAX_HOPS && hops.iter().all(|known| known.to != to) {
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
fn next(ground: Ground<'_>, upstream: &Token) -> Option<Next> {
    let text = upstream.text.as_str();
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
