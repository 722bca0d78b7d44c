//! varnishd's command line: the addresses of -a and the listen_depth that they share, and the management port of -T.

use std::path::{Path, PathBuf};

use super::{
    Ask, Bound, Candidate, DualStack, Empty, Found, Ground, Names, Policy, Why, bound_first, in_use,
};
use crate::model::{Command, Endpoint, Hop, Listener, Next, Occupied, Problem, ProblemKind, Starter, Text};
use crate::syntax::argv::{self, Line, Table, Wrong};
use crate::syntax::number::{int, strtoul};
use crate::syntax::refusal::Refusal;
use crate::syntax::vcl::{Backend, Vcl};
use crate::text::tree::Unread;
use crate::text::{HashSet, Slot, SourceId, Span, over};

/// Files that VCL includes.
const MAX_INCLUDES: usize = 1_000;
const DEPTH: &str = "listen_depth";

/// Without a host every address of both families, each a socket of its own.
const VARNISH: Policy = Policy { empty: Empty::Both, names: Names::All, dual_stack: DualStack::Never };

/// There are no files of its own: `started` says what runs.
pub fn read(ground: Ground<'_>, _files: &[Candidate]) -> Found {
    let table: Table = match ground.service.reader.clone().try_into() {
        Ok(table) => table,
        Err(error) => return ground.broken("the table of options", &error.message()),
    };
    let mut found = Found::default();
    for (command, arguments) in ground.started() {
        match open(ground, &table, command, arguments) {
            Ok((listeners, conflicts)) => {
                found.listeners.extend(listeners);
                found.problems.extend(conflicts);
            }
            Err(refusal) => found.problems.push(ground.refused(ProblemKind::Lost, &refusal)),
        }
    }
    found
}

/// What one command line opens.
fn open(
    ground: Ground<'_>,
    table: &Table,
    command: &Command,
    arguments: &[Text],
) -> Result<(Vec<Listener>, Vec<Problem>), Refusal> {
    let options = Options::read(table, command, arguments)?;
    let varnish = Varnish { ground, command, options };
    varnish.check()?;
    let (depth, commands) = varnish.depth()?;
    let mut listeners = varnish.management()?;
    let ports = varnish.ports(&depth)?;
    let mut conflicts = Vec::new();
    // Without a VCL nothing listens until somebody loads one; with -d it waits to be told; with -C it only compiles.
    if varnish.options.line.has("-C") {
        return Ok((Vec::new(), conflicts));
    }
    if varnish.has_vcl(&commands) && !varnish.options.line.has("-d") {
        let mut taken = Occupied::default();
        listeners.iter().for_each(|it| _ = taken.take(&it.endpoint));
        for port in ports {
            if let Some(first) = taken.take(&port.endpoint).and_then(|nth| listeners.get(nth)) {
                conflicts.push(ground.conflict(in_use(&port.endpoint), port.site, bound_first(first)));
            }
            listeners.push(port);
        }
    }
    Ok((listeners, conflicts))
}

/// The options in their order, each with the word that its argument ends.
struct Options<'w> {
    line: Line<'w, 'w>,
    /// A word that is not known may be more options.
    open: bool,
}

impl<'w> Options<'w> {
    fn read(table: &'w Table, command: &Command, arguments: &'w [Text]) -> Result<Self, Refusal> {
        let line = table.read(arguments);
        let lacking = line.wrong.iter().find_map(|wrong| match wrong {
            Wrong::Lacks(word) => Some(word),
            _ => None,
        });
        if let Some(word) = lacking {
            let letter = word.as_str().chars().next_back().unwrap_or_default();
            return Err(Refusal::new(format!("-{letter} needs an argument"), word.span()));
        }
        let open = line.rest.iter().any(|word| word.is_open());
        match line.rest.first().filter(|_| !open && command.starter != Starter::Script) {
            Some(word) => {
                Err(Refusal::new(format!("Too many arguments ({}...)", word.as_str()), word.span()))
            }
            None => Ok(Self { line, open }),
        }
    }
}

/// listen_depth as it was set last.
struct Depth {
    ask: Ask,
    /// Nothing may set it any more.
    protected: bool,
}

/// What the -I file does beside that.
struct Commands {
    uses_vcl: bool,
    unknown: bool,
}

struct Varnish<'a, 'w> {
    ground: Ground<'a>,
    command: &'w Command,
    options: Options<'w>,
}

impl Varnish<'_, '_> {
    /// Whether what is not in the tree is not there: a unit starts what the machine has.
    fn is_installed(&self) -> bool {
        let machine = self.ground.is_machine();
        machine && self.command.starter == Starter::Unit
    }

    fn check(&self) -> Result<(), Refusal> {
        let at = self.command.at;
        let (has_b, has_f) = (self.options.line.has("-b"), self.options.line.has("-f"));
        if has_b && has_f {
            return Err(Refusal::new("Only one of -b or -f can be specified", at));
        }
        if !has_b && !has_f && !self.options.line.has("-d") && !self.options.open {
            return Err(Refusal::new("Neither -b nor -f given. (use -f '' to override)", at));
        }
        if let Some(second) = self.options.line.all("-I").nth(1) {
            return Err(Refusal::new("Only one -I allowed", second.word.span()));
        }
        let files = self.options.line.all("-f").filter(|file| !file.text.is_empty() && !file.word.is_open());
        for file in files.filter(|file| self.is_installed() && file.text.starts_with('/')) {
            if self.ground.tree.resolve(Path::new(file.text)).is_err() {
                return Err(Refusal::new(format!("Cannot read -f file '{}'", file.text), file.word.span()));
            }
        }
        Ok(())
    }

    /// -p and -r in their order, then the commands of -I.
    fn depth(&self) -> Result<(Depth, Commands), Refusal> {
        let own = self.ground.own("backlog", self.ground.version(Path::new("")));
        let mut depth = Depth { ask: own, protected: false };
        let mut written = false;
        for given in &self.options.line.given {
            let Some(argv::Value { text, word }) = given.value else { continue };
            match given.name {
                "-r" => depth.protected |= text.split(',').any(|name| name.trim() == DEPTH),
                "-p" => match text.split_once('=') {
                    Some((DEPTH, number)) => {
                        written = true;
                        depth.set(number, word.tail(number.len()).exact(), word)?;
                    }
                    Some((name, _)) if is_nearly_depth(name) => {
                        return Err(Refusal::new(format!("Unknown parameter \"{name}\"."), word.span()));
                    }
                    None if !word.is_open() => return Err(Refusal::new("-p lacks '='", word.span())),
                    _ => {}
                },
                _ => {}
            }
        }
        let commands = self.commands(&mut depth, &mut written)?;
        if !written && !depth.protected {
            // Behind `--` nothing is an option.
            let ended = self.command.words.iter().any(|word| word.as_str() == "--");
            let room = self.command.room.as_ref().filter(|_| !ended);
            depth.ask.backlog.slot = room.map(|room| room.slot(&["-p"], &format!("{DEPTH}=")));
        }
        Ok((depth, commands))
    }

    /// The commands of the -I file: each line that ends is one, and one that fails ends Varnish, unless a `-` stands before it.
    fn commands(&self, depth: &mut Depth, written: &mut bool) -> Result<Commands, Refusal> {
        let mut commands = Commands { uses_vcl: false, unknown: false };
        let Some(file) = self.options.line.all("-I").next() else { return Ok(commands) };
        let Ground { tree, sources, .. } = self.ground;
        let read = tree.read(sources, &self.located(file.text));
        let source = match read {
            Ok(source) if !file.word.is_open() => source,
            Err(Unread::Missing) if self.is_installed() && !file.word.is_open() => {
                let why = format!("Can't open {}: No such file or directory", file.text);
                return Err(Refusal::new(why, file.word.span()));
            }
            _ => {
                commands.unknown = true;
                return Ok(commands);
            }
        };
        let mut at = 0;
        for line in sources.bytes(source).split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (start, whole) = (at, line.ends_with(b"\n") || line.ends_with(b"\r"));
            at += line.len();
            let text = String::from_utf8_lossy(line);
            let place = Span::new(source, start..start + line.len());
            if whole && !text.trim().is_empty() {
                self.command_of(text.trim(), place, depth, &mut commands, written)?;
            }
        }
        Ok(commands)
    }

    fn command_of(
        &self,
        line: &str,
        at: Span,
        depth: &mut Depth,
        commands: &mut Commands,
        written: &mut bool,
    ) -> Result<(), Refusal> {
        let (line, may_fail) = line.strip_prefix('-').map_or((line, false), |line| (line, true));
        let words: Vec<&str> = line.split_ascii_whitespace().map(|word| word.trim_matches('"')).collect();
        let done = match words.as_slice() {
            ["param.set", DEPTH, number] => {
                let start = self.ground.sources.text(at).rfind(number).unwrap_or_default();
                let start = at.start + u32::try_from(start).unwrap_or_default();
                let length = u32::try_from(number.len()).unwrap_or_default();
                let span = Span { start, end: start + length, ..at };
                let done = depth.set_at(number, Some(span), span, "param.set listen_depth in the file of -I");
                *written |= done.is_ok();
                done
            }
            ["param.set", DEPTH, ..] => Err(Refusal::new("Too many parameters, or too few", at)),
            ["vcl.use", ..] => {
                commands.uses_vcl = true;
                Ok(())
            }
            [name, ..] if !is_command(name) => {
                Err(Refusal::new(format!("-I file CLI command failed: {line}"), at))
            }
            _ => Ok(()),
        };
        if may_fail { Ok(()) } else { done }
    }

    /// Where a path leads that is relative to the folder of the command, else to where VCL lies (vcl_path).
    fn located(&self, path: &str) -> PathBuf {
        let folder = self.command.folder.clone().unwrap_or_default();
        let beside = folder.join(path);
        match path.starts_with('/') || self.ground.tree.resolve(&beside).is_ok() {
            true => beside,
            false => Path::new("etc/varnish").join(path),
        }
    }

    /// Whether there is a VCL to start the child with.
    fn has_vcl(&self, commands: &Commands) -> bool {
        let named =
            self.options.line.has("-b") || self.options.line.all("-f").any(|file| !file.text.is_empty());
        named || commands.uses_vcl || commands.unknown || self.options.open
    }

    /// The sockets of -T, of which none is no less than `-T localhost:0`.
    fn management(&self) -> Result<Vec<Listener>, Refusal> {
        let mut listeners: Vec<Listener> = Vec::new();
        let given: Vec<(&str, Span, bool)> =
            self.options.line.all("-T").map(|it| (it.text, it.word.span(), it.word.is_open())).collect();
        let default = [("localhost:0", self.command.at, self.options.open)];
        let what = "the fixed queue of the management port";
        let ask = self.ground.own_of("management-backlog", what);
        for (text, at, open) in if given.is_empty() { &default[..] } else { &given[..] } {
            if *text == "none" {
                continue;
            }
            if text.starts_with('/') {
                let why = format!("Could not resolve -T argument to address: {text}");
                return Err(Refusal::new(why, *at));
            }
            let (bound, sockets) = if *open { (Why::NotTold.into(), 1) } else { self.places(text, 0, *at)? };
            let own = self.ground.listeners(&bound, *at, &ask).into_iter();
            let sockets = Some(sockets);
            listeners.extend(own.map(|listener| Listener { sockets, internal: true, ..listener }));
        }
        Ok(listeners)
    }

    /// The sockets of -a, else those of port 80.
    fn ports(&self, depth: &Depth) -> Result<Vec<Listener>, Refusal> {
        let mut listeners: Vec<Listener> = Vec::new();
        let hops = self.hops();
        let given: Vec<(&str, Span, bool)> =
            self.options.line.all("-a").map(|it| (it.text, it.word.span(), it.word.is_open())).collect();
        let default = [(":80", self.command.at, self.options.open)];
        let mut room = depth.ask.backlog.slot.clone();
        for (text, at, open) in if given.is_empty() { &default[..] } else { &given[..] } {
            let (bound, sockets) = if *open { (Why::NotTold.into(), 1) } else { self.address(text, *at)? };
            for mut listener in self.ground.listeners(&bound, *at, &depth.ask) {
                let same = |first: &&Listener| bound.is_known() && first.endpoint == listener.endpoint;
                if let Some(first) = listeners.iter().find(same) {
                    let first = self.ground.sources.text(first.site);
                    let why = format!("-a arguments {first} and {text} have same address");
                    return Err(Refusal::new(why, *at));
                }
                listener.sockets = Some(sockets);
                listener.hops.clone_from(&hops);
                // A new argument is put in once, for all of them.
                if room.as_ref().is_some_and(|slot| !slot.before.is_empty()) {
                    listener.backlog.slot = room.take();
                } else if room.is_none() {
                    listener.backlog.slot = None;
                }
                listeners.push(listener);
            }
        }
        Ok(listeners)
    }

    /// `[name=]address[,PROTOCOL]` or `[name=]path[,PROTOCOL][,user=..][,group=..][,mode=..]` (MAC_Arg).
    fn address(&self, spec: &str, at: Span) -> Result<(Bound, u32), Refusal> {
        let equals = spec.find('=').filter(|equals| spec.find(',').is_none_or(|comma| *equals < comma));
        let rest = equals.and_then(|equals| spec.get(equals + 1..)).unwrap_or(spec);
        let mut parts = rest.split(',').flat_map(str::split_ascii_whitespace);
        let endpoint = parts.next().unwrap_or_default();
        let is_path = endpoint.starts_with(['/', '@']);
        if !is_path && endpoint.contains('/') {
            let why = format!("Unix domain socket addresses must be absolute paths in -a ({endpoint})");
            return Err(Refusal::new(why, at));
        }
        let mut protocols = 0;
        for part in parts {
            let refuse = |why: String| Err(Refusal::new(why, at));
            match part.split_once('=') {
                None if !["http", "proxy"].contains(&part.to_ascii_lowercase().as_str()) => {
                    return refuse(format!("Unknown protocol '{part}'"));
                }
                None if protocols > 0 => return refuse(format!("Too many protocol sub-args in -a ({part})")),
                None => protocols += 1,
                Some(_) if !is_path => {
                    return refuse(format!("Invalid sub-arg {part} for IP addresses in -a"));
                }
                Some((key, mode)) if !key.is_empty() && "mode".starts_with(key) => {
                    let mode = u32::from_str_radix(mode, 8).ok().filter(|mode| (1..=0o777).contains(mode));
                    if mode.is_none() {
                        return refuse(format!("Invalid mode sub-arg {part} in -a"));
                    }
                }
                Some((key, _))
                    if !key.is_empty() && ("user".starts_with(key) || "group".starts_with(key)) => {}
                Some(_) => return refuse(format!("Invalid sub-arg {part} in -a")),
            }
        }
        match is_path {
            true => Ok((Bound::path(endpoint), 1)),
            false => self.places(endpoint, 80, at),
        }
    }

    /// VSS_resolver: a host, a port or both; without a host every address of both families. With the number of sockets at each
    /// endpoint.
    fn places(&self, text: &str, port: u16, at: Span) -> Result<(Bound, u32), Refusal> {
        let (host, written) = parted(text).ok_or_else(|| Refusal::new("IPv6 address lacks ']'", at))?;
        let port = match written {
            None => Some(port),
            // As glibc has it: a number is cut to 16 bits.
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                let number: u64 = digits.parse().unwrap_or_default();
                u16::try_from(number & 0xffff).ok()
            }
            Some("http") => Some(80),
            Some("https") => Some(443),
            Some(_) => None,
        };
        let Some(port) = port else {
            return Ok((Why::NotTold.into(), 1));
        };
        Ok(match self.ground.bind(VARNISH, host, port) {
            Ok(all) if port == 0 => (Why::AnyPort.into(), u32::try_from(all.endpoints.len()).unwrap_or(1)),
            bound => (bound.unwrap_or_else(Bound::from), 1),
        })
    }

    /// The backends of -b, or of the VCL.
    fn hops(&self) -> Vec<Hop> {
        let mut hops = Vec::new();
        for argv::Value { text, word } in self.options.line.all("-b").filter(|backend| backend.text != "none")
        {
            if text.starts_with('/') {
                hops.push(Hop { to: Next::At(Endpoint::Unix(text.to_owned())), at: word.span() });
            } else if let Some((host, port)) = parted(text).filter(|_| !word.is_open()) {
                let port = port.map_or(Some(80), |port| port.parse().ok());
                hops.extend(port.map(|port| Hop { to: self.ground.next(host, port), at: word.span() }));
            }
        }
        let mut files: Vec<PathBuf> =
            self.options.line.all("-f").map(|file| self.located(file.text)).collect();
        let mut read: HashSet<SourceId> = HashSet::default();
        while let Some(path) = files.pop() {
            let Ok(source) = self.ground.tree.read(self.ground.sources, &path) else { continue };
            if read.len() == MAX_INCLUDES && !read.contains(&source) {
                let what = over("files of VCL that one Varnish reads", MAX_INCLUDES);
                self.ground.sources.cut_off(Span::top(source), what);
                break;
            }
            if read.insert(source) {
                let vcl = Vcl::read(source, self.ground.sources.bytes(source));
                files.extend(vcl.includes.iter().map(|file| self.located(file)));
                for backend in vcl.backends {
                    let hop = hop(self.ground, backend);
                    hops.extend(hop.filter(|hop| !hops.iter().any(|known: &Hop| known.to == hop.to)));
                }
            }
        }
        hops
    }
}

impl Depth {
    fn set(&mut self, number: &str, at: Option<Span>, word: &Text) -> Result<(), Refusal> {
        if word.is_open() {
            self.ask = Ask::elsewhere(number, word.span());
            return Ok(());
        }
        self.set_at(number, at, word.span(), "-p listen_depth=")
    }

    /// tweak_generic_uint in bin/varnishd/mgt/mgt_param_tweak.c: an unsigned int, which listen(2) takes for an int.
    fn set_at(&mut self, number: &str, exact: Option<Span>, at: Span, what: &str) -> Result<(), Refusal> {
        if self.protected {
            return Err(Refusal::new(format!("parameter \"{DEPTH}\" is protected."), at));
        }
        let refusal = || Refusal::new(format!("Not a number ({number})"), at);
        let value = match number.eq_ignore_ascii_case("unlimited") {
            true => -1,
            false => i64::from(int(strtoul(number, 0).ok_or_else(refusal)?.cast_signed())),
        };
        let at = exact.unwrap_or(at);
        let plain = value.to_string() == number;
        let slot = exact.filter(|_| plain).map(Slot::replace);
        self.ask = Ask::written(value, what, at).with(slot);
        Ok(())
    }
}

/// A name that somebody means listen_depth by, and that is not its name.
fn is_nearly_depth(name: &str) -> bool {
    name != DEPTH && name.replace('-', "_").eq_ignore_ascii_case(DEPTH)
}

/// What can be a command of the CLI: they are in lower case, and those for parameters are few.
fn is_command(name: &str) -> bool {
    let known = name.strip_prefix("param.").is_none_or(|what| ["reset", "set", "show"].contains(&what));
    known && name.starts_with(|c: char| c.is_ascii_lowercase())
}

/// A host and a port, as vss_parse parts them; `None` where a bracket is not closed.
fn parted(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        return Some((host, after.strip_prefix([':', ' '])));
    }
    Some(match text.split_once(' ').or(text.split_once(':')) {
        Some((_, port)) if port.contains(':') => (text, None),
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    })
}

/// Where a backend of a VCL file leads.
fn hop(ground: Ground<'_>, backend: Backend) -> Option<Hop> {
    if let Some((path, at)) = backend.path {
        return Some(Hop { to: Next::At(Endpoint::Unix(path)), at });
    }
    let (text, at) = backend.host?;
    let (host, written) = parted(&text)?;
    let port = backend.port.as_deref().or(written).unwrap_or("80");
    let port = if port == "http" { 80 } else { port.parse().ok()? };
    Some(Hop { to: ground.next(host, port), at })
}

#[cfg(test)]
mod tests;
