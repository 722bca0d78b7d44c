//! squid.conf: the ports that Squid listens on. It has no number for their queue: it asks for a quarter of the file
//! descriptors that it may have.

use super::{
    Ask, Bound, Candidate, DualStack, Empty, Found, Ground, Main, Names, Policy, Starts, Why, bound_first,
    in_use,
};
use crate::model::{
    Command, Endpoint, Hop, Kind, Listener, Occupied, ProblemKind, Setting, Starter, Step, Transport, Value,
};
use crate::syntax::number::strtol;
use crate::syntax::refusal::Refusal;
use crate::syntax::squid::{self, Given, Line};
use crate::syntax::start::Start;
use crate::syntax::template::is_placeholder;
use crate::text::{HashSet, Slot, Span, over};

/// Squid's own limit: MAXTCPLISTENPORTS in src/defines.h.
const MAX_PORTS: usize = 128;

/// A hard limit of open files below this is a decision of its own: more descriptors than it allows do not help.
const ROOM: i64 = 1 << 18;
/// Workers beyond these are taken to do what these do.
const MAX_WORKERS: i64 = 64;
/// More peers than anybody has.
const MAX_PEERS: usize = 4096;

/// Of several addresses of a name getaddrinfo gives one of IPv6 first (RFC 6724).
const SQUID: Policy = Policy { empty: Empty::Name, names: Names::Ipv6First, dual_stack: DualStack::Ipv6 };

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    let starts = Starts::of(ground, &mut found);
    let mains = ground.mains(&starts, files, |_, _| true, &mut found);
    let mut squids: Vec<Squid<'_>> =
        mains.into_iter().map(|main| Squid::new(ground, &starts, main)).collect();
    let included: HashSet<_> = squids.iter().flat_map(|squid| &squid.master.seen.included).copied().collect();
    squids.retain(|squid| squid.is_installed() || !included.contains(&squid.main.source));
    for squid in squids {
        match starts.is_idle(&squid.main.path) {
            true => found.left_out += 1,
            false => squid.report(&mut found),
        }
    }
    found
}

/// A Squid and the file that it begins with, as its master process reads it.
struct Squid<'a> {
    ground: Ground<'a>,
    starts: &'a Starts<'a>,
    main: Main,
    master: Process<'a>,
    read: Result<(), Refusal>,
}

/// How many files Squid may have open at once.
enum Files {
    /// `LimitNOFILE=`: the soft limit and the hard one.
    Told(Value<i64>, Value<i64>),
    /// What systemd gives a unit that says nothing.
    Systemd,
    /// A container's limit is its runtime's.
    Unknown(Span),
}

impl<'a> Squid<'a> {
    fn new(ground: Ground<'a>, starts: &'a Starts<'a>, main: Main) -> Self {
        let (master, read) = Process::read(ground, &main, 0);
        Self { ground, starts, main, master, read }
    }

    fn is_installed(&self) -> bool {
        self.main.start == Start::Installed
    }

    fn report(mut self, found: &mut Found) {
        let read = std::mem::replace(&mut self.read, Ok(()));
        match read.and_then(|()| self.listeners(found)) {
            Ok(listeners) => found.listeners.extend(listeners),
            Err(refusal) => {
                let lost = self.is_installed() || self.main.by_place && !refusal.ours;
                let kind = if lost { ProblemKind::Lost } else { ProblemKind::Skipped };
                found.problems.push(self.ground.refused(kind, &refusal));
            }
        }
    }

    /// Whether something holds for one worker and not for another.
    fn tells_workers_apart(&self) -> bool {
        let mut read = std::iter::once(&self.main.source).chain(&self.master.seen.included);
        read.any(|file| memchr::memmem::find(self.ground.sources.bytes(*file), b"process_number").is_some())
    }

    /// The ports of every process that accepts connections, in the order in which they are opened.
    fn listeners(&self, found: &mut Found) -> Result<Vec<Listener>, Refusal> {
        let (workers, at) = self.master.workers.unwrap_or((1, Span::top(self.main.source)));
        if workers < 1 && !self.is_alone() {
            return Err(Refusal::new("check failed: theProcessCount > 0", at));
        }
        if workers > MAX_WORKERS && self.tells_workers_apart() {
            self.ground.sources.cut_off(at, over("workers", MAX_WORKERS));
        }
        let mut ports: Vec<Port> = Vec::new();
        let mut hops: Vec<Hop> = Vec::new();
        let mut known = HashSet::default();
        let mut unknown: Vec<(String, Span)> = Vec::new();
        for number in 1..=workers.clamp(1, MAX_WORKERS) {
            let number = if workers < 1 { 0 } else { number };
            let (kid, read) = Process::read(self.ground, &self.main, number);
            read?;
            for port in kid.ports.into_iter().chain(kid.ftp) {
                if !ports.iter().any(|known| known.site == port.site && known.endpoint == port.endpoint) {
                    ports.push(port);
                }
            }
            hops.extend(kid.hops.into_iter().filter(|hop| known.insert(hop.to.clone())));
            unknown = kid.seen.unknown;
        }
        if ports.is_empty() && self.is_installed() {
            let why = "No HTTP, HTTPS, or FTP ports configured";
            return Err(Refusal::new(why, Span::top(self.main.source)));
        }
        if let Some(port) = ports.get(MAX_PORTS) {
            let message = format!("Squid opens {MAX_PORTS} ports and ignores the rest");
            found.problems.push(self.ground.problem(ProblemKind::Skipped, message, port.site));
            ports.truncate(MAX_PORTS);
        }
        let mut ask = self.ask();
        ask.backlog.slot = ports.first().and_then(|first| self.slot(first.line));
        let (mut listeners, mut bound): (Vec<Listener>, _) = (Vec::new(), Occupied::default());
        for port in ports {
            let listener = self.listener(port, &ask, workers, &hops, &unknown);
            let first = bound.in_the_way(&listener.endpoint).and_then(|first| listeners.get(first));
            match first.map(bound_first) {
                Some(first) => {
                    let message = format!("Squid leaves the port closed: {}", in_use(&listener.endpoint));
                    found.problems.push(self.ground.conflict(message, listener.site, first));
                }
                None => {
                    bound.take(&listener.endpoint);
                    listeners.push(listener);
                }
            }
        }
        Ok(listeners)
    }

    fn listener(
        &self,
        port: Port,
        ask: &Ask,
        workers: i64,
        hops: &[Hop],
        unknown: &[(String, Span)],
    ) -> Listener {
        let sockets = if port.own_queues { u32::try_from(workers.max(1)).ok() } else { Some(1) };
        let note = "Squid asks for a quarter of its descriptors: for N, set max_filedescriptors to 4N";
        let mut notes = port.notes;
        notes.push(Step::note(note, port.site));
        notes.extend(unknown.iter().map(|(what, at)| Step::note(what, *at)));
        Listener {
            sockets,
            notes,
            hops: hops.to_vec(),
            ..self.ground.listener(port.endpoint, port.site, ask.clone())
        }
    }

    /// listen(fd, Squid_MaxFD >> 2), where Squid_MaxFD is the soft limit after max_filedescriptors (setMaxFD in src/tools.cc,
    /// which runs without the right to raise the hard one).
    fn ask(&self) -> Ask {
        let (mut number, hard, mut steps) = self.limits();
        if let Some((asked, at)) = self.master.descriptors.filter(|(asked, _)| *asked > 0) {
            number = Some(Value::written(asked, at));
            steps = vec![Step { value: Some(asked), what: "max_filedescriptors".into(), at }];
            if let Some(hard) = hard.filter(|hard| hard.get < asked) {
                let what = "limited to the hard limit of open files".into();
                steps.push(Step { value: Some(hard.get), what, at: hard.span });
                number = Some(hard);
            }
        }
        let Some(number) = number else { return Ask { steps, ..Ask::default() } };
        let quarter = self.ground.service.default("descriptors-a-place");
        let (divisor, at) = quarter.map_or((4, number.span), |it| (it.get.max(1), it.span));
        let get = number.get / divisor;
        steps.push(Step { value: Some(get), what: "a quarter of them".into(), at });
        let value = Value { get, ..number };
        Ask { backlog: Setting { value: Some(value), slot: None }, steps }
    }

    /// The number of max_filedescriptors, four times the backlog; a line of its own before the first port, if there is none.
    /// None where the hard limit leaves no room for it.
    fn slot(&self, first: Span) -> Option<Slot> {
        let (_, hard, _) = self.limits();
        if hard.is_some_and(|hard| hard.get < ROOM) {
            return None;
        }
        let slot = match self.master.descriptors {
            Some((asked, at)) => {
                let spelled = self.ground.sources.text(at) == asked.to_string();
                spelled.then(|| Slot::replace(at))?
            }
            None if self.ground.sources.get(first.source).path().is_some() => {
                Slot::insert(Span { end: first.start, ..first }, "max_filedescriptors ", "\n")
            }
            None => return None,
        };
        let quarter = self.ground.service.default("descriptors-a-place");
        Some(slot.times(quarter.map_or(4, |it| it.get.max(1))))
    }

    /// The soft limit, the hard one, and where the soft one is from.
    fn limits(&self) -> (Option<Value<i64>>, Option<Value<i64>>, Vec<Step>) {
        let default = |name| {
            let value = self.ground.service.default(name)?;
            Some(Value { kind: Kind::Assumed, ..value })
        };
        match self.files() {
            Files::Told(soft, hard) => {
                let what = "open files, by LimitNOFILE= of its unit".into();
                let step = Step { value: Some(soft.get), what, at: soft.span };
                (Some(soft), Some(hard), vec![step])
            }
            Files::Systemd => {
                let soft = default("open-files");
                let what = "open files, assuming systemd's default for a unit";
                let step =
                    |soft: &Value<i64>| Step { value: Some(soft.get), what: what.into(), at: soft.span };
                let steps = soft.iter().map(step).collect();
                (soft, default("open-files-hard"), steps)
            }
            Files::Unknown(at) => {
                let what = "open files: the container's runtime decides how many";
                (None, None, vec![Step::note(what, at)])
            }
        }
    }

    /// The limit of the command that starts Squid with this file, a unit's first.
    fn files(&self) -> Files {
        let commands: Vec<&Command> = self.starts.commands(&self.main.path).collect();
        let told = commands.iter().find_map(|command| command.open_files.clone());
        let contained = |starter| matches!(starter, Starter::Dockerfile | Starter::Compose);
        let outside = commands.iter().any(|command| !contained(command.starter));
        match (told, commands.first()) {
            (Some((soft, hard)), _) => Files::Told(soft, hard),
            (None, Some(command)) if !outside => Files::Unknown(command.at),
            _ => Files::Systemd,
        }
    }

    /// `squid -N`: one process, which is nobody's kid.
    fn is_alone(&self) -> bool {
        self.starts.reading(&self.main.path).any(|run| self.starts.line(run).has("-N"))
    }
}

/// A port of http_port, https_port or ftp_port.
#[derive(Debug)]
struct Port {
    endpoint: Endpoint,
    site: Span,
    /// The whole directive.
    line: Span,
    notes: Vec<Step>,
    /// `worker-queues`: every worker has a socket of its own.
    own_queues: bool,
}

/// One of Squid's processes, and what its files tell it.
struct Process<'a> {
    ground: Ground<'a>,
    installed: bool,
    ports: Vec<Port>,
    ftp: Vec<Port>,
    descriptors: Option<(i64, Span)>,
    workers: Option<(i64, Span)>,
    hops: Vec<Hop>,
    seen: squid::Seen,
}

impl<'a> Process<'a> {
    /// The master is 0, what accepts connections is 1 and more.
    fn read(ground: Ground<'a>, main: &Main, number: i64) -> (Self, Result<(), Refusal>) {
        let installed = main.start == Start::Installed;
        let mut process = Self {
            ground,
            installed,
            ports: Vec::new(),
            ftp: Vec::new(),
            descriptors: None,
            workers: None,
            hops: Vec::new(),
            seen: squid::Seen::default(),
        };
        let given = Given {
            sources: ground.sources,
            tree: ground.tree,
            installed,
            folder: &main.folder,
            places: &ground.service.shape.places,
            number,
        };
        let (seen, read) = squid::read(given, main.source, &mut |line| process.directive(line));
        process.seen = seen;
        (process, read)
    }

    fn directive(&mut self, line: &Line) -> Result<(), Refusal> {
        let words = line.words();
        let Some((name, rest)) = words.split_first() else { return Ok(()) };
        match name.0 {
            "http_port" | "ascii_port" => self.port(line, rest, Protocol::Http),
            "https_port" => self.port(line, rest, Protocol::Https),
            "ftp_port" => self.port(line, rest, Protocol::Ftp),
            "max_filedescriptors" | "max_filedesc" => {
                self.descriptors = self.number(line, rest)?.or(self.descriptors);
                Ok(())
            }
            "workers" => {
                self.workers = self.number(line, rest)?.or(self.workers);
                Ok(())
            }
            "cache_peer" => {
                self.peer(rest);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// parse_int; `None` where some tool fills it in.
    fn number(&self, line: &Line, rest: &[(&str, Span)]) -> Result<Option<(i64, Span)>, Refusal> {
        let Some((text, at)) = rest.first() else { return Err(self.bungled(line)) };
        match strtol(text, 0).filter(|number| i32::try_from(*number).is_ok()) {
            Some(number) => Ok(Some((number, *at))),
            None if !self.installed && is_placeholder(text) => Ok(None),
            None => Err(self.bungled(line)),
        }
    }

    fn bungled(&self, line: &Line) -> Refusal {
        Refusal::new(format!("Bungled line: {}", line.text), line.at())
    }

    /// `cache_peer HOST TYPE HTTP-PORT ICP-PORT`.
    fn peer(&mut self, rest: &[(&str, Span)]) {
        let [(host, at), _, (port, _), ..] = rest else { return };
        if let Some(port) = port.parse().ok().filter(|port| *port > 0)
            && !is_placeholder(host)
        {
            if self.hops.len() == MAX_PEERS {
                return self.ground.sources.cut_off(*at, over("peers of one Squid", MAX_PEERS));
            }
            self.hops.push(Hop { to: self.ground.next(host, port), at: *at });
        }
    }

    /// parsePortCfg.
    fn port(&mut self, line: &Line, rest: &[(&str, Span)], protocol: Protocol) -> Result<(), Refusal> {
        let Some(((text, at), options)) = rest.split_first() else { return Err(self.bungled(line)) };
        let options = Options::read(self, line, options, protocol)?;
        let name = protocol.directive();
        let bound = match !self.installed && is_placeholder(text) {
            true => Why::Elsewhere((*text).to_owned()).into(),
            false => self.address(text, name, line)?,
        };
        let endpoint = bound.endpoints.first().cloned().unwrap_or(Endpoint::Unknown(Transport::Tcp));
        let port = Port {
            endpoint: options.endpoint(endpoint, name, *at)?,
            site: *at,
            line: line.at(),
            notes: bound.steps(*at).collect(),
            own_queues: options.own_queues,
        };
        let ports = if protocol == Protocol::Ftp { &mut self.ftp } else { &mut self.ports };
        // One more than Squid opens is enough to say so.
        if ports.len() <= MAX_PORTS {
            ports.push(port);
        }
        Ok(())
    }

    /// parsePortSpecification.
    fn address(&self, text: &str, name: &str, line: &Line) -> Result<Bound, Refusal> {
        let at = line.at();
        let number = |digits: &str| {
            let number: Option<i64> = digits.trim_ascii_start().parse().ok();
            number.and_then(|number| u16::try_from(number).ok()).ok_or_else(|| self.bungled(line))
        };
        let missing = || Refusal::new(format!("{name}: missing Port: {text}"), at);
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, after) = rest.split_once(']').ok_or_else(missing)?;
                (host, number(after.strip_prefix(':').ok_or_else(missing)?)?)
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, number(port)?),
                None => {
                    let plain: i64 = text.parse().map_err(|_| missing())?;
                    if plain == 0 {
                        return Err(missing());
                    }
                    return Ok(Bound::at(Endpoint::DualStack(number(text)?)));
                }
            },
        };
        if port == 0 {
            return Err(Refusal::new(format!("{name}: Port cannot be 0: {host}"), at));
        }
        match self.ground.bind(SQUID, host, port) {
            Err(_) if host.is_empty() || host.contains(':') => {
                Err(Refusal::new(format!("{name}: failed to resolve Host/IP: {host}"), at))
            }
            bound => Ok(bound.unwrap_or_else(Bound::from)),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http,
    Https,
    Ftp,
}

impl Protocol {
    fn directive(self) -> &'static str {
        match self {
            Protocol::Http => "http_port",
            Protocol::Https => "https_port",
            Protocol::Ftp => "ftp_port",
        }
    }
}

/// The options of a port, as far as they decide whether and where it opens (parse_port_option).
#[derive(Debug, Default)]
struct Options {
    accelerates: bool,
    intercepts: bool,
    transparent: bool,
    ipv4: bool,
    certificate: bool,
    encrypted: bool,
    own_queues: bool,
}

impl Options {
    fn read(
        process: &Process<'_>,
        line: &Line,
        words: &[(&str, Span)],
        protocol: Protocol,
    ) -> Result<Self, Refusal> {
        let mut options = Self { encrypted: protocol == Protocol::Https, ..Self::default() };
        let name = protocol.directive();
        for (word, at) in words {
            if !process.installed && is_placeholder(word) {
                continue;
            }
            let refuse = |why: &str| Err(Refusal::new(format!("{name}: {why}"), *at));
            let shared = "mode requires its own port. It cannot be shared with other modes.";
            match word.split_once('=').map_or(*word, |(key, _)| key) {
                "accel" if options.intercepts || options.transparent => {
                    return refuse(&format!("Accelerator {shared}"));
                }
                "accel" | "vhost" => options.accelerates = true,
                "intercept" | "transparent" if options.accelerates || options.transparent => {
                    return refuse(&format!("Intercept {shared}"));
                }
                "intercept" | "transparent" => options.intercepts = true,
                "tproxy" if options.intercepts || options.accelerates => {
                    return refuse(
                        "TPROXY option requires its own interception port. It cannot be shared with other modes.",
                    );
                }
                "tproxy" => options.transparent = true,
                key @ ("defaultsite" | "vport" | "protocol" | "allow-direct") if !options.accelerates => {
                    return refuse(&format!("{key} option requires Acceleration mode flag."));
                }
                "protocol" => {
                    let value = word.rsplit('=').next().unwrap_or_default();
                    options.encrypted = value.to_ascii_uppercase().starts_with("HTTPS");
                }
                "ipv4" => options.ipv4 = true,
                "cert" | "tls-cert" => options.certificate = true,
                "worker-queues" => options.own_queues = true,
                key if process.knows(key) => {}
                _ => return Err(Refusal::new(format!("Unknown {name} option '{word}'."), *at)),
            }
        }
        match options.encrypted && !options.certificate {
            true => Err(Refusal::new("https_port requires a cert= parameter", line.at())),
            false => Ok(options),
        }
    }

    /// `ipv4` turns the wildcard and ::1 into what IPv4 has (Ip::Address::setIPv4).
    fn endpoint(&self, endpoint: Endpoint, name: &str, at: Span) -> Result<Endpoint, Refusal> {
        match endpoint {
            Endpoint::DualStack(port) if self.ipv4 => Ok(Endpoint::tcp([0, 0, 0, 0].into(), port)),
            Endpoint::Tcp(address) if self.ipv4 && address.is_ipv6() => match address.ip().is_loopback() {
                true => Ok(Endpoint::tcp([127, 0, 0, 1].into(), address.port())),
                false => {
                    let why = format!("{name}: IPv6 addresses cannot be used as IPv4-Only. {address}");
                    Err(Refusal::new(why, at))
                }
            },
            endpoint => Ok(endpoint),
        }
    }
}

impl Process<'_> {
    /// Whether some release of Squid has an option of this name for its ports.
    fn knows(&self, key: &str) -> bool {
        key.starts_with("tls-") || self.ground.list("port-options").any(|known| known == key)
    }
}

#[cfg(test)]
mod tests;
