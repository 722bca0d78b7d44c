//! squid.conf: the ports that Squid listens on. It has no number for their queue: it asks for a quarter of the file
//! descriptors that it may have.

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};

use super::{Candidate, Found, Ground};
use crate::model::{
    Command, Endpoint, Hop, Kind, Label, Listener, Problem, ProblemKind, Setting, Starter, Step, Transport,
    Value, Word,
};
use crate::text::{Slot, SourceId, Span, has_magic};

/// Includes in includes: parseOneConfigFile in src/cache_cf.cc.
const MAX_DEPTH: u32 = 16;
/// MAXTCPLISTENPORTS in src/defines.h.
const MAX_PORTS: usize = 128;

/// A hard limit of open files below this is a decision of its own: more descriptors than it allows do not help.
const ROOM: i64 = 1 << 18;
/// Workers beyond these are taken to do what these do.
const MAX_WORKERS: i64 = 64;
/// Lines that are read, files that are included, and peers: more than anybody has.
const MAX_LINES: usize = 1 << 20;
const MAX_INCLUDES: usize = 4096;
const MAX_PEERS: usize = 1024;

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let mut found = Found::default();
    let mut mains = mains(ground, files, &mut found);
    let mut included = HashSet::new();
    for main in &mains {
        included.extend(main.master.included.iter().copied());
    }
    mains.retain(|main| main.installed || !included.contains(&main.source));
    for main in mains {
        main.report(&mut found);
    }
    found
}

/// Why Squid does not start.
#[derive(Debug)]
struct Refusal {
    why: String,
    at: Span,
    /// It would start: what is too much is too much for us.
    ours: bool,
}

impl Refusal {
    fn new(why: impl Into<String>, at: Span) -> Self {
        Self { why: why.into(), at, ours: false }
    }
}

/// A file that a Squid begins with, as its master process reads it.
struct Main<'a> {
    ground: Ground<'a>,
    source: SourceId,
    folder: PathBuf,
    /// It is this machine's: whatever is missing keeps Squid from starting.
    installed: bool,
    by_place: bool,
    master: Process<'a>,
    read: Result<(), Refusal>,
}

/// What the command lines begin with (`-f`), what lies where Squid looks, and what else looks like its files.
fn mains<'a>(ground: Ground<'a>, files: &[Candidate], found: &mut Found) -> Vec<Main<'a>> {
    let machine = ground.is_machine();
    let mut paths: Vec<(PathBuf, bool, bool)> = Vec::new();
    if machine {
        let named = ground.started().filter_map(|(command, arguments)| file_of(command, arguments));
        paths.extend(named.map(|path| (path, true, true)));
    }
    paths.extend(files.iter().map(|file| (file.path.clone(), file.by_place && machine, file.by_place)));
    let mut mains: Vec<Main<'_>> = Vec::new();
    for (path, installed, by_place) in paths {
        let source = match ground.tree.read(ground.sources, &path) {
            Ok(source) => source,
            Err(why) if by_place && !matches!(why, crate::text::tree::Unread::Missing) => {
                let at = Span::top(ground.tree.unread(ground.sources, &path));
                let message = format!("{} was not read: {why}", path.display());
                found.problems.push(ground.problem(ProblemKind::Lost, message, at));
                continue;
            }
            Err(_) => continue,
        };
        if mains.iter().any(|main| main.source == source) {
            continue;
        }
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let mut master = Process::new(ground, 0, &folder, installed);
        let read = master.file(source, 0);
        mains.push(Main { ground, source, folder, installed, by_place, master, read });
    }
    mains
}

/// `squid -f FILE`.
fn file_of(command: &Command, arguments: &[Word]) -> Option<PathBuf> {
    let at = arguments.iter().position(|word| word.text.starts_with("-f"))?;
    let word = match arguments.get(at)?.text.as_str() {
        "-f" => arguments.get(at + 1)?,
        _ => arguments.get(at)?,
    };
    let file = word.text.strip_prefix("-f").unwrap_or(&word.text);
    (!word.open).then(|| command.folder.clone().unwrap_or_default().join(file))
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

/// The backlog of all ports, and how it comes about.
struct Backlog {
    setting: Setting,
    steps: Vec<Step>,
}

impl Main<'_> {
    fn report(mut self, found: &mut Found) {
        let read = std::mem::replace(&mut self.read, Ok(()));
        match read.and_then(|()| self.listeners(found)) {
            Ok(listeners) => found.listeners.extend(listeners),
            Err(refusal) => {
                let lost = self.installed || self.by_place && !refusal.ours;
                let kind = if lost { ProblemKind::Lost } else { ProblemKind::Skipped };
                let message = match refusal.ours {
                    true => format!("this squid.conf was not read to its end: {}", refusal.why),
                    false => format!("Squid does not start with this: {}", refusal.why),
                };
                found.problems.push(self.ground.problem(kind, message, refusal.at));
            }
        }
    }

    /// The ports of every process that accepts connections, in the order in which they are opened.
    fn listeners(&self, found: &mut Found) -> Result<Vec<Listener>, Refusal> {
        let (workers, at) = self.master.workers.unwrap_or((1, Span::top(self.source)));
        if workers < 1 && !self.is_alone() {
            return Err(Refusal::new("check failed: theProcessCount > 0", at));
        }
        let mut ports: Vec<Port> = Vec::new();
        let mut hops: Vec<Hop> = Vec::new();
        let mut unknown: Vec<Step> = Vec::new();
        for number in 1..=workers.clamp(1, MAX_WORKERS) {
            let number = if workers < 1 { 0 } else { number };
            let mut kid = Process::new(self.ground, number, &self.folder, self.installed);
            kid.file(self.source, 0)?;
            for port in kid.ports.into_iter().chain(kid.ftp) {
                if !ports.iter().any(|known| known.site == port.site && known.endpoint == port.endpoint) {
                    ports.push(port);
                }
            }
            for hop in kid.hops {
                if !hops.iter().any(|known| known.to == hop.to) {
                    hops.push(hop);
                }
            }
            unknown = kid.unknown;
        }
        if ports.is_empty() && self.installed {
            let why = "No HTTP, HTTPS, or FTP ports configured";
            return Err(Refusal::new(why, Span::top(self.source)));
        }
        if let Some(port) = ports.get(MAX_PORTS) {
            let message = format!("Squid opens {MAX_PORTS} ports and passes over the rest");
            found.problems.push(self.ground.problem(ProblemKind::Skipped, message, port.site));
            ports.truncate(MAX_PORTS);
        }
        let mut backlog = self.backlog();
        backlog.setting.slot = ports.first().and_then(|first| self.slot(first.site));
        let mut listeners: Vec<Listener> = Vec::new();
        for port in ports {
            let listener = self.listener(port, &backlog, workers, &hops, &unknown);
            if let Some(first) =
                listeners.iter().find(|first| first.endpoint.collides_in_tcp(&listener.endpoint))
            {
                let message = format!("the port {} stays closed: Address already in use", listener.endpoint);
                let label = Label::new(first.site, format!("{} is open here first", first.endpoint));
                let problem = self.ground.problem(ProblemKind::Conflict, message, listener.site);
                found.problems.push(Problem { labels: vec![label], ..problem });
                continue;
            }
            listeners.push(listener);
        }
        Ok(listeners)
    }

    fn listener(
        &self,
        port: Port,
        backlog: &Backlog,
        workers: i64,
        hops: &[Hop],
        unknown: &[Step],
    ) -> Listener {
        let Ground { service, place, .. } = self.ground;
        let sockets = if port.own_queues { u32::try_from(workers.max(1)).ok() } else { Some(1) };
        let note = "a quarter of its descriptors is what Squid asks for: for a backlog of N write max_filedescriptors 4N";
        let mut notes: Vec<Step> = port.note.into_iter().collect();
        notes.push(Step { value: None, what: note.into(), at: port.site });
        notes.extend(unknown.iter().cloned());
        Listener {
            backlog: backlog.setting.clone(),
            steps: backlog.steps.clone(),
            sockets,
            notes,
            hops: hops.to_vec(),
            ..Listener::new(&service.name, place, port.endpoint, port.site)
        }
    }

    /// listen(fd, Squid_MaxFD >> 2), where Squid_MaxFD is the soft limit after max_filedescriptors (setMaxFD in src/tools.cc,
    /// which runs without the right to raise the hard one).
    fn backlog(&self) -> Backlog {
        let (mut number, hard, mut steps) = self.limits();
        if let Some((asked, at)) = self.master.descriptors.filter(|(asked, _)| *asked > 0) {
            number = Some(Value::written(asked, at));
            steps = vec![Step { value: Some(asked), what: "max_filedescriptors".into(), at }];
            if let Some(hard) = hard.filter(|hard| hard.get < asked) {
                let what = "cut to the hard limit of open files".into();
                steps.push(Step { value: Some(hard.get), what, at: hard.span });
                number = Some(hard);
            }
        }
        let Some(number) = number else { return Backlog { setting: Setting::default(), steps } };
        let quarter = self.ground.service.default("descriptors-a-place");
        let (divisor, at) = quarter.map_or((4, number.span), |it| (it.get.max(1), it.span));
        let get = number.get / divisor;
        steps.push(Step { value: Some(get), what: "a quarter of them, as Squid asks for".into(), at });
        let value = Value { get, ..number };
        Backlog { setting: Setting { value: Some(value), slot: None }, steps }
    }

    /// The number of max_filedescriptors, four times the backlog; a line of its own before the first port, if there is none.
    /// None where the hard limit leaves no room for it.
    fn slot(&self, first: Span) -> Option<Slot> {
        let (_, hard, _) = self.limits();
        if hard.is_some_and(|hard| hard.get < ROOM) {
            return None;
        }
        let slot = match self.master.descriptors.filter(|(asked, _)| *asked > 0) {
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
                let what = "open files, assumed: what systemd allows a unit that does not say";
                let step =
                    |soft: &Value<i64>| Step { value: Some(soft.get), what: what.into(), at: soft.span };
                let steps = soft.iter().map(step).collect();
                (soft, default("open-files-hard"), steps)
            }
            Files::Unknown(at) => {
                let what = "open files: the container's runtime decides how many".into();
                (None, None, vec![Step { value: None, what, at }])
            }
        }
    }

    /// The limit of the command that starts Squid with this file, a unit's first.
    fn files(&self) -> Files {
        let mut commands: Vec<&Command> = Vec::new();
        for (command, arguments) in self.ground.started() {
            let file = file_of(command, arguments);
            let source = file.map(|file| self.ground.tree.read(self.ground.sources, &file));
            if source.is_none_or(|source| source == Ok(self.source)) {
                commands.push(command);
            }
        }
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
        let mut started = self.ground.started();
        started.any(|(_, arguments)| {
            arguments.iter().any(|word| {
                let letters = word.text.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
                letters.is_some_and(|letters| letters.contains('N'))
            })
        })
    }
}

/// A port of http_port, https_port or ftp_port.
#[derive(Debug)]
struct Port {
    endpoint: Endpoint,
    site: Span,
    note: Option<Step>,
    /// `worker-queues`: every worker has a socket of its own.
    own_queues: bool,
}

/// One of Squid's processes, reading its files.
struct Process<'a> {
    ground: Ground<'a>,
    /// What a macro stands for: the master is 0, what accepts connections is 1 and more.
    macros: [(&'static str, String); 3],
    folder: PathBuf,
    installed: bool,
    ports: Vec<Port>,
    ftp: Vec<Port>,
    descriptors: Option<(i64, Span)>,
    workers: Option<(i64, Span)>,
    hops: Vec<Hop>,
    included: HashSet<SourceId>,
    /// What Squid reads and the tree does not have.
    unknown: Vec<Step>,
    lines: usize,
    includes: usize,
}

impl<'a> Process<'a> {
    fn new(ground: Ground<'a>, number: i64, folder: &Path, installed: bool) -> Self {
        let macros = [
            ("${service_name}", "squid".to_owned()),
            ("${process_name}", "squid".to_owned()),
            ("${process_number}", number.to_string()),
        ];
        Self {
            ground,
            macros,
            folder: folder.to_owned(),
            installed,
            ports: Vec::new(),
            ftp: Vec::new(),
            descriptors: None,
            workers: None,
            hops: Vec::new(),
            included: HashSet::new(),
            unknown: Vec::new(),
            lines: 0,
            includes: 0,
        }
    }

    /// parseOneConfigFile.
    fn file(&mut self, source: SourceId, depth: u32) -> Result<(), Refusal> {
        let mut conditions: Vec<bool> = Vec::new();
        let lines = Lines::new(source, self.ground.sources.bytes(source));
        let mut last = Span::top(source);
        for mut line in lines {
            last = line.at();
            self.lines += 1;
            if self.lines > MAX_LINES {
                return Err(Refusal { ours: true, ..Refusal::new("it says more than we read", last) });
            }
            line.fill(&self.macros);
            if !self.installed {
                line.close_up();
            }
            let text = line.text.clone();
            if let Some(expression) = statement(&text, "if") {
                conditions.push(self.holds(expression, last)?);
            } else if statement(&text, "endif").is_some() {
                conditions.pop().ok_or_else(|| Refusal::new("'endif' without 'if'", last))?;
            } else if statement(&text, "else").is_some() {
                let inner = conditions.last_mut().ok_or_else(|| Refusal::new("'else' without 'if'", last))?;
                *inner = !*inner;
            } else if conditions.last().copied().unwrap_or(true) {
                // The innermost condition alone counts.
                self.directive(&line, depth)?;
            }
        }
        match conditions.is_empty() {
            true => Ok(()),
            false => Err(Refusal::new("if-statement without 'endif'", last)),
        }
    }

    /// EvalBoolExpr.
    fn holds(&self, expression: &str, at: Span) -> Result<bool, Refusal> {
        let number = |text: &str| {
            let refusal = || Refusal::new(format!("String is not a integer number: '{text}'"), at);
            integer(text.trim_ascii_start()).ok_or_else(refusal)
        };
        match (expression, expression.split_once('=')) {
            ("true", _) => Ok(true),
            ("false", _) => Ok(false),
            _ if !self.installed && is_template(expression) => Ok(true),
            (_, Some((left, right))) => Ok(number(left.trim_ascii_end())? == number(right)?),
            _ => Err(Refusal::new(format!("Unable to evaluate expression '{expression}'"), at)),
        }
    }

    fn directive(&mut self, line: &Line, depth: u32) -> Result<(), Refusal> {
        let words = line.words();
        let Some((name, rest)) = words.split_first() else { return Ok(()) };
        match name.0 {
            "include" if line.text.len() >= 9 => self.include(line, depth),
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
        match integer(text).filter(|number| i32::try_from(*number).is_ok()) {
            Some(number) => Ok(Some((number, *at))),
            None if !self.installed && is_template(text) => Ok(None),
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
            && !is_template(host)
            && self.hops.len() < MAX_PEERS
        {
            self.hops.push(Hop { to: self.ground.next(host, port), at: *at });
        }
    }

    /// parseManyConfigFiles.
    fn include(&mut self, line: &Line, depth: u32) -> Result<(), Refusal> {
        let at = line.at();
        let list = line.text.get("include".len()..).unwrap_or_default();
        let mut paths = Vec::new();
        for pattern in quoted_words(list) {
            let found = self.found(&pattern);
            if found.is_empty() && self.installed {
                return Err(Refusal::new(format!("Unable to find configuration file: {pattern}"), at));
            }
            if found.is_empty() && !has_magic(pattern.as_bytes()) {
                let what = format!("{pattern} is not in this tree: what it opens is not known");
                self.unknown.push(Step { value: None, what, at });
            }
            paths.extend(found);
        }
        for path in paths {
            self.includes += 1;
            if self.includes > MAX_INCLUDES {
                return Err(Refusal { ours: true, ..Refusal::new("it says more than we read", at) });
            }
            if depth >= MAX_DEPTH {
                let why = format!("can't include {}: includes are nested too deeply (>16)!", path.display());
                return Err(Refusal::new(why, at));
            }
            match self.ground.tree.read(self.ground.sources, &path) {
                Ok(source) => {
                    self.included.insert(source);
                    self.file(source, depth + 1)?;
                }
                // A folder can be opened, and has no lines.
                Err(crate::text::tree::Unread::NotAFile(_)) => {}
                Err(why) if self.installed => {
                    let why = format!("Unable to open configuration file: {}: {why}", path.display());
                    return Err(Refusal::new(why, at));
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// In a repository also below the folder of the main file, which will be put where Squid is installed.
    fn found(&self, pattern: &str) -> Vec<PathBuf> {
        let tree = self.ground.tree;
        let found = tree.glob(pattern.as_bytes());
        if !found.is_empty() || self.installed {
            return found;
        }
        let path = Path::new(pattern).strip_prefix("/").unwrap_or(Path::new(pattern));
        let homes = self.ground.service.shape.places.iter().filter_map(|main| Path::new(main).parent());
        let mut rests = homes.filter_map(|home| path.strip_prefix(home).ok());
        let moved = self.folder.join(rests.next().unwrap_or(path));
        tree.glob(moved.as_os_str().as_encoded_bytes())
    }

    /// parsePortCfg.
    fn port(&mut self, line: &Line, rest: &[(&str, Span)], protocol: Protocol) -> Result<(), Refusal> {
        let Some(((text, at), options)) = rest.split_first() else { return Err(self.bungled(line)) };
        let options = Options::read(self, line, options, protocol)?;
        let (endpoint, unknown) = match () {
            () if !self.installed && is_template(text) => {
                (None, Some("its address is set by what is not in this tree".to_owned()))
            }
            () => match self.address(text, protocol.directive(), line)? {
                (Some(address), number) => {
                    (Some(options.endpoint(address, number, protocol.directive(), *at)?), None)
                }
                (None, _) => (None, Some(format!("nothing in this tree says which address {text} is"))),
            },
        };
        let port = Port {
            endpoint: endpoint.unwrap_or(Endpoint::Unknown(Transport::Tcp)),
            site: *at,
            note: unknown.map(|what| Step { value: None, what, at: *at }),
            own_queues: options.own_queues,
        };
        let ports = if protocol == Protocol::Ftp { &mut self.ftp } else { &mut self.ports };
        // One more than Squid opens is enough to say so.
        if ports.len() <= MAX_PORTS {
            ports.push(port);
        }
        Ok(())
    }

    /// parsePortSpecification; no address where a name is not known.
    fn address(&self, text: &str, name: &str, line: &Line) -> Result<(Option<IpAddr>, u16), Refusal> {
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
                    return Ok((Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED)), number(text)?));
                }
            },
        };
        if port == 0 {
            return Err(Refusal::new(format!("{name}: Port cannot be 0: {host}"), at));
        }
        let addresses = self.ground.addresses(host);
        // Of several addresses of a name getaddrinfo gives one of IPv6 first (RFC 6724).
        let address = addresses.iter().find(|address| address.is_ipv6()).or(addresses.first());
        match address {
            None if host.is_empty() || host.contains(':') => {
                Err(Refusal::new(format!("{name}: failed to resolve Host/IP: {host}"), at))
            }
            address => Ok((address.copied(), port)),
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
            if !process.installed && is_template(word) {
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
    fn endpoint(&self, address: IpAddr, port: u16, name: &str, at: Span) -> Result<Endpoint, Refusal> {
        let wide = address == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let loopback = address == IpAddr::V6(Ipv6Addr::LOCALHOST);
        match (self.ipv4, address) {
            (true, _) if wide => Ok(Endpoint::tcp([0, 0, 0, 0].into(), port)),
            (true, _) if loopback => Ok(Endpoint::tcp([127, 0, 0, 1].into(), port)),
            (true, IpAddr::V6(_)) => {
                let why = format!("{name}: IPv6 addresses cannot be used as IPv4-Only. [{address}]:{port}");
                Err(Refusal::new(why, at))
            }
            _ if wide => Ok(Endpoint::DualStack(port)),
            _ => Ok(Endpoint::tcp(address, port)),
        }
    }
}

impl Process<'_> {
    /// Whether some release of Squid has an option of this name for its ports.
    fn knows(&self, key: &str) -> bool {
        let known = self.ground.service.reader.get("port-options").and_then(toml::Value::as_array);
        let is = |known: &toml::Value| known.as_str() == Some(key);
        key.starts_with("tls-") || known.into_iter().flatten().any(is)
    }
}

/// `if`, `else` or `endif`, and what follows (FindStatement).
fn statement<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(word)?;
    (rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_whitespace())).then(|| rest.trim_ascii_start())
}

/// strtol(3) of all of a text, octal and hexadecimal too.
fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let number = match lower.strip_prefix("0x") {
        Some(digits) if digits.starts_with(|c: char| c.is_ascii_hexdigit()) => {
            i64::from_str_radix(digits, 16)
        }
        None if lower.starts_with('0') => i64::from_str_radix(&lower, 8),
        _ if lower.starts_with(|c: char| c.is_ascii_digit()) => lower.parse(),
        _ => return None,
    };
    number.ok().map(|number| if negative { -number } else { number })
}

/// Whether a word has a placeholder that some tool fills in.
fn is_template(word: &str) -> bool {
    ["{{", "${", "<%", "$("].iter().any(|mark| word.contains(mark))
        || word.starts_with(['$', '@', '%', '<'])
        || word.starts_with("__")
}

/// The words of a list of files, in which quotes keep blanks together (strwordtok).
fn quoted_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            c if c.is_ascii_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// A line with those that continue it.
struct Line {
    source: SourceId,
    text: String,
    /// Where parts of the text come from: offsets in the text, and in the source.
    parts: Vec<(usize, usize)>,
    end: usize,
    /// A macro was filled in: the text is not what is written.
    filled: bool,
}

impl Line {
    fn at(&self) -> Span {
        let start = self.parts.first().map_or(0, |(_, start)| *start);
        Span::new(self.source, start..self.end)
    }

    /// ProcessMacros.
    fn fill(&mut self, macros: &[(&str, String)]) {
        for (name, value) in macros {
            if self.text.contains(name) {
                self.text = self.text.replace(name, value);
                self.filled = true;
            }
        }
    }

    /// Takes the blanks out of placeholders: `{{ port }}` is one word.
    fn close_up(&mut self) {
        if !["{{", "<%"].iter().any(|open| self.text.contains(open)) {
            return;
        }
        let mut inside = false;
        let mut text = String::new();
        for (at, c) in self.text.char_indices() {
            let rest = self.text.get(at..).unwrap_or_default();
            inside = match inside {
                true => !rest.starts_with("}}") && !rest.starts_with("%>"),
                false => rest.starts_with("{{") || rest.starts_with("<%"),
            };
            if !(inside && c.is_ascii_whitespace()) {
                text.push(c);
            }
        }
        (self.text, self.filled) = (text, true);
    }

    /// The words before a comment, each with its place.
    fn words(&self) -> Vec<(&str, Span)> {
        let mut words = Vec::new();
        let mut rest = self.text.as_str();
        let mut at = 0;
        loop {
            let trimmed = rest.trim_ascii_start();
            at += rest.len() - trimmed.len();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                return words;
            }
            let end = trimmed.find(|c: char| c.is_ascii_whitespace()).unwrap_or(trimmed.len());
            let (word, after) = trimmed.split_at_checked(end).unwrap_or((trimmed, ""));
            words.push((word, self.place(at, word.len())));
            at += end;
            rest = after;
        }
    }

    fn place(&self, at: usize, length: usize) -> Span {
        let part = self.parts.partition_point(|(from, _)| *from <= at).checked_sub(1);
        match part.and_then(|part| self.parts.get(part)).filter(|_| !self.filled) {
            Some((from, start)) => Span::new(self.source, start + at - from..start + at - from + length),
            None => self.at(),
        }
    }
}

/// The lines of a file as parseOneConfigFile puts them together.
struct Lines<'a> {
    source: SourceId,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    fn new(source: SourceId, bytes: &'a [u8]) -> Self {
        Self { source, bytes, at: 0 }
    }

    /// The next line of the file, and where it begins and ends; blanks before it are skipped.
    fn one(&mut self) -> Option<(Cow<'a, str>, usize)> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..length)?;
        let text = line.get(..memchr::memchr2(b'\r', 0, line).unwrap_or(line.len()))?;
        let start = self.at + text.len() - text.trim_ascii_start().len();
        self.at += length + 1;
        let text = text.trim_ascii_start();
        // One byte a character where it is no text, so that places stay right.
        let plain = |byte: &u8| if byte.is_ascii() { char::from(*byte) } else { '?' };
        let text = match text {
            // The stock file has eight thousand lines of comment.
            [b'#', ..] => Cow::Borrowed("#"),
            _ => std::str::from_utf8(text).map_or_else(|_| text.iter().map(plain).collect(), Cow::Borrowed),
        };
        Some((text, start))
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let mut line =
            Line { source: self.source, text: String::new(), parts: Vec::new(), end: 0, filled: false };
        // What a backslash leaves open at the end of the file is lost.
        while let Some((text, start)) = self.one() {
            // Comments and empty lines do not end what is continued.
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            line.parts.push((line.text.len(), start));
            line.end = start + text.trim_ascii_end().len();
            line.text.push_str(&text);
            match line.text.strip_suffix('\\') {
                Some(open) => line.text.truncate(open.len()),
                None => {
                    line.text.truncate(line.text.trim_ascii_end().len());
                    return Some(line);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
