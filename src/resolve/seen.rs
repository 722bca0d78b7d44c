//! The running machine beside the files: which socket is which listener, and the lines that show what was read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::knowledge::Knowledge;
use crate::model::{
    Counter, Endpoint, Host, Listener, Listening, Namespace, Owner, Running, Seen, Transport, bound_to,
};
use crate::text::{HashMap, Origin, Sources, Span};

/// Joins what was seen to what the files say, and gives every reading a line to point at.
pub fn seen(sources: &Sources, knowledge: &Knowledge, host: &Host, running: Running) -> Seen {
    let listeners = join(knowledge, host, &running);
    let lines = socket_lines(sources, &running);
    let counters = running.namespaces.iter().map(|namespace| counter_lines(sources, namespace)).collect();
    Seen { running, listeners, lines, counters }
}

/// The listener of each socket. The files are about the first namespace; sockets elsewhere are none of theirs, nor are those of
/// containers, which have files of their own.
fn join(knowledge: &Knowledge, host: &Host, running: &Running) -> Vec<Option<usize>> {
    let by_address = by_address(host);
    let here = running.namespaces.first().map(|namespace| &namespace.name);
    let listener = |socket: &Listening| {
        let owner = socket.owner.as_deref();
        let contained = owner.is_some_and(|owner| owner.container.is_some());
        if Some(&socket.namespace) != here || contained {
            return None;
        }
        let is_its = |index: &&usize| {
            host.listeners.get(**index).is_some_and(|listener| runs(knowledge, listener, owner))
        };
        let spellings = spellings(socket);
        let mut candidates = spellings.iter().filter_map(|address| by_address.get(address)).flatten();
        candidates.find(is_its).copied()
    };
    running.sockets.iter().map(listener).collect()
}

/// The listeners of each address: several services may be installed for one.
fn by_address(host: &Host) -> HashMap<String, Vec<usize>> {
    let mut known: HashMap<String, Vec<usize>> = HashMap::default();
    for (index, listener) in host.listeners.iter().enumerate() {
        if let Some(address) = listener.address() {
            known.entry(in_run(&address).to_owned()).or_default().push(index);
        }
    }
    known
}

/// What the files may call a socket. One for both families is bound to IPv4 alone where the machine has no IPv6.
fn spellings(socket: &Listening) -> Vec<String> {
    let written = socket.bound_to();
    let both = match &socket.address {
        Endpoint::Tcp(tcp) if tcp.ip().is_unspecified() => {
            Some(bound_to(format!("*:{}", tcp.port()), socket.interface.as_deref()))
        }
        _ => None,
    };
    let unix = matches!(socket.address, Endpoint::Unix(_)).then(|| meant(in_run(&written))).flatten();
    std::iter::once(in_run(&written).to_owned()).chain(both).chain(unix).collect()
}

/// What a unix socket is configured as, where that is not its name: some programs bind PATH.PID.tmp and rename the file, as
/// HAProxy does, or fill an abstract name with zero bytes, which are shown as `@`.
fn meant(name: &str) -> Option<String> {
    if name.starts_with('@') {
        let short = name.trim_end_matches('@');
        return (!short.is_empty() && short.len() < name.len()).then(|| short.to_owned());
    }
    let (path, pid) = name.strip_suffix(".tmp")?.rsplit_once('.')?;
    (!pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())).then(|| path.to_owned())
}

/// /var/run is a link to /run (file-hierarchy(7)).
fn in_run(path: &str) -> &str {
    if path.starts_with("/var/run/") { path.get("/var".len()..).unwrap_or(path) } else { path }
}

/// Whether a process may be the service's: another program may have taken the address. One that cannot be seen may be.
fn runs(knowledge: &Knowledge, listener: &Listener, owner: Option<&Owner>) -> bool {
    let (Some(service), Some(owner)) = (knowledge.service(&listener.service), owner) else { return true };
    let names = [Some(&owner.name), owner.program.as_ref()];
    service.programs.is_empty()
        || owner.pid == 1 // systemd listens for the services that it activates
        || names.into_iter().flatten().any(|name| service.programs.iter().any(|program| **program == **name))
}

/// A line for each socket, as `ss -lntp` and `ss -lxp` print it.
fn socket_lines(sources: &Sources, running: &Running) -> Vec<Span> {
    let mut lines = vec![None; running.sockets.len()];
    let mut of_namespace: HashMap<&str, Vec<(usize, &Listening)>> = HashMap::default();
    for (index, socket) in running.sockets.iter().enumerate() {
        of_namespace.entry(&socket.namespace).or_default().push((index, socket));
    }
    for namespace in &running.namespaces {
        let all = of_namespace.get(&*namespace.name).map_or(&[][..], Vec::as_slice);
        for (transport, command) in [(Transport::Tcp, "ss -lntp"), (Transport::Unix, "ss -lxp")] {
            let here = |(_, socket): &&(usize, &Listening)| socket.address.transport() == transport;
            let sockets: Vec<(usize, &Listening)> = all.iter().filter(here).copied().collect();
            if sockets.is_empty() {
                continue;
            }
            let (text, ranges) = table(&sockets);
            let source = sources.add(Origin::Live(inside(namespace, command)), text.into_bytes());
            for ((index, _), range) in sockets.iter().zip(ranges) {
                if let Some(line) = lines.get_mut(*index) {
                    *line = Some(Span::new(source, range));
                }
            }
        }
    }
    let nowhere = sources.add(Origin::Live("ss -lntp".to_owned()), Vec::new());
    lines.into_iter().map(|line| line.unwrap_or(Span::top(nowhere))).collect()
}

/// The lines of a table, and where the numbers of each stand: from Recv-Q to Send-Q.
fn table(sockets: &[(usize, &Listening)]) -> (String, Vec<std::ops::Range<usize>>) {
    let mut text = String::from("State   Recv-Q  Send-Q  Local Address:Port       Process\n");
    text.reserve(sockets.len() * 80);
    let mut ranges = Vec::with_capacity(sockets.len());
    for (_, socket) in sockets {
        text.push_str("LISTEN  ");
        let start = text.len();
        cell(&mut text, &socket.queued.to_string(), 6);
        let number = socket.limit.to_string();
        ranges.push(start..text.len() + number.len());
        cell(&mut text, &number, 6);
        cell(&mut text, &visible(&socket.bound_to()), 23);
        if let Some(owner) = &socket.owner {
            text.push_str(&visible(&owner.name));
            text.push_str(" (");
            text.push_str(&owner.pid.to_string());
            text.push(')');
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    (text, ranges)
}

/// A cell, and the blanks behind it.
fn cell(text: &mut String, word: &str, width: usize) {
    text.push_str(word);
    (word.len()..width + 2).for_each(|_| text.push(' '));
}

/// A name of a process or a path may hold anything: what would break the line is spelled out.
fn visible(name: &str) -> Cow<'_, str> {
    if !name.contains(char::is_control) {
        return Cow::Borrowed(name);
    }
    let mut shown = String::with_capacity(name.len());
    for c in name.chars() {
        match c.is_control() {
            true => shown.push_str(&format!("\\x{:02x}", u32::from(c))),
            false => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// A line for each counter, as `nstat -az` prints it.
fn counter_lines(sources: &Sources, namespace: &Namespace) -> BTreeMap<Counter, Span> {
    let mut text = String::from("#kernel\n");
    let mut ranges = Vec::new();
    for (counter, value) in &namespace.counters.0 {
        let name = counter.nstat();
        let start = text.len();
        let _ = writeln!(text, "{name:<31} {value}");
        ranges.push((*counter, start..text.trim_end().len()));
    }
    let source = sources.add(Origin::Live(inside(namespace, "nstat -az")), text.into_bytes());
    ranges.into_iter().map(|(counter, range)| (counter, Span::new(source, range))).collect()
}

/// A command as it is typed to run in a namespace.
fn inside(namespace: &Namespace, command: &str) -> String {
    match namespace.enter.as_str() {
        "" => command.to_owned(),
        enter => format!("{enter} {command}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unix_socket_is_found_by_what_it_is_configured_as() {
        assert_eq!(meant("/run/haproxy/admin.sock.1234.tmp").as_deref(), Some("/run/haproxy/admin.sock"));
        assert_eq!(meant("@inner@@@@").as_deref(), Some("@inner"));
        for name in ["/run/a.sock", "/run/a.tmp", "/run/a.b.tmp", "@inner", "@", "@@", ""] {
            assert_eq!(meant(name), None, "{name}");
        }
    }
}
