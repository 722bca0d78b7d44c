//! httpd.conf and apache2.conf: where Apache listens, the one ListenBacklog of all its sockets, where its virtual hosts pass
//! requests on to, and what Apache would refuse to start with.

mod table;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use self::table::Table;
use super::{
    Ask, Bound, Candidate, Found, Ground, Heard, Layout, Looks, Server, Starts, Why, by_name, in_use,
};
use crate::model::{
    Endpoint, Hop, Label, Listener, Next, Occupied, Problem, ProblemKind, Setting, Step, Transport, Variable,
    Version,
};
use crate::syntax::argv;
use crate::syntax::hosts::Named;
use crate::syntax::httpd::{
    self, Answers, Arguments, Directive, Fault, Given, Host, Line, Lines, MAX_PASSED_OVER, Target, Variables,
    parse_address,
};
use crate::syntax::number::atoi;
use crate::syntax::start::Start;
use crate::syntax::template::is_placeholder;
use crate::text::{HashMap, HashSet, Slot, SourceId, Span, Text, over};

/// The names of the files that it begins with.
const MAIN: [&str; 2] = ["/apache2.conf", "/httpd.conf"];
/// More than a folder has of configurations that exclude each other.
const MAX_APART: usize = 64;
/// More Listens than anybody has.
const MAX_LISTENS: usize = 1 << 13;

const ANY4: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const ANY6: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

pub fn read(ground: Ground<'_>, files: &[Candidate]) -> Found {
    let table: Table = match ground.service.reader.clone().try_into() {
        Ok(table) => table,
        Err(error) => return ground.broken("[reader]", &error),
    };
    let mut found = Found::default();
    let starts = Starts::of(ground, &mut found);
    let layout = Layout::of(ground, &starts, |place| MAIN.iter().any(|name| place.ends_with(name)));
    let mut apache = Apache { ground, starts: &starts, table: &table, found };
    let laid = layout.read(&starts.candidates(files), &table.parts, &mut apache);
    let mut found = apache.found;
    found.problems.splice(0..0, laid.problems);
    found.left_out += laid.left_out;
    found
}

struct Apache<'a> {
    ground: Ground<'a>,
    starts: &'a Starts<'a>,
    table: &'a Table,
    found: Found,
}

impl Server for Apache<'_> {
    type Told = Told;

    /// By the first word of every line.
    fn looks(&self, file: &Candidate, source: SourceId) -> Looks {
        let name = file.path.file_name().unwrap_or_default();
        let named = |part: &str| part.contains("apache") || part.contains("httpd");
        let mut apache = file.path.iter().any(|part| named(&part.to_string_lossy().to_ascii_lowercase()));
        apache |= name == "ports.conf";
        let (mut foreign, mut roots, mut listens, mut loads) = (false, false, false, false);
        for line in Lines::new(source, self.ground.sources.bytes(source)) {
            let Some(first) = httpd::words(&line.text).next() else { continue };
            let word = first.show().trim_end_matches('>').to_ascii_lowercase();
            apache |= self.table.signs.contains(&word);
            foreign |= self.table.foreign.contains(&word);
            roots |= word == "serverroot";
            listens |= word == "listen";
            loads |= ["loadmodule", "include", "includeoptional"].contains(&word.as_str());
        }
        let main = roots || listens && loads && self.table.mains.iter().any(|main| name == main.as_str());
        match apache && !foreign {
            true if main => Looks::Main,
            true => Looks::Fragment,
            false => Looks::Foreign,
        }
    }

    fn read(&mut self, file: &Candidate, source: SourceId, folder: &Path, start: Start) -> Heard<Told> {
        let Self { ground, starts, table, .. } = *self;
        let name = file.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let built_in = table.built_in_of.get(&name).into_iter().flatten().chain(&table.built_in);
        let version = ground.version(folder);
        let given = Given {
            sources: ground.sources,
            tree: ground.tree,
            start,
            machine: ground.is_machine(),
            folder,
            version: version.map(|Version { major, minor, patch }| [major, minor, patch]),
            variables: variables(ground, starts, &file.path, folder),
            arguments: arguments(starts, &file.path),
            loaded: built_in.cloned().collect(),
            directives: &table.directives,
            sections: &table.sections,
            symbols: &table.modules,
        };
        let mut telling =
            Telling { ground, table, told: Told::default(), problems: Vec::new(), windows: false };
        let seen = httpd::read(given, source, &mut telling);
        let silent = telling.told.listens.is_empty() && telling.problems.is_empty();
        if seen.whole && start == Start::Installed && silent {
            telling.problems.push(nothing_listens(ground, source, &seen.passed_over));
        }
        let Telling { mut told, problems, windows, .. } = telling;
        // A file that nothing listens in may be torn without harm.
        let matters = start != Start::Fragment || !told.listens.is_empty();
        let matters_at_all = !windows && !starts.is_idle(&file.path);
        let serious = |problem: &Problem| matters_at_all && (matters || problem.kind == ProblemKind::Lost);
        self.found.problems.extend(problems.into_iter().filter(serious));
        if windows {
            self.found.left_out += 1;
            told = Told::default();
        }
        Heard { told, files: seen.files, matched: seen.matched }
    }

    /// Those that bind the same address are meant for different Apaches. What listens nowhere belongs to all.
    fn parted(&self, fragments: Vec<Told>) -> Vec<Told> {
        let (listening, silent): (Vec<_>, Vec<_>) =
            fragments.into_iter().partition(|told| !told.listens.is_empty());
        let mut apaches: Vec<Told> = Vec::new();
        for told in listening {
            if let Some(apache) =
                apaches.iter_mut().rev().take(MAX_APART).find(|apache| !apache.excludes(&told))
            {
                apache.take_in(told);
                continue;
            }
            if let Some(listen) = told.listens.first().filter(|_| apaches.len() >= MAX_APART) {
                let what = over("configurations that exclude each other in one folder", MAX_APART);
                self.ground.sources.cut_off(listen.at, what);
            }
            apaches.push(told);
        }
        for apache in &mut apaches {
            silent.iter().for_each(|told| apache.take_in(told.clone()));
        }
        apaches
    }

    fn open(&mut self, told: &Told, folder: &Path, start: Start) {
        let ground = self.ground;
        let version = ground.version(folder);
        let Sockets { listeners, conflicts, .. } = Sockets::of(ground, told, version);
        // Nobody starts an Apache that listens nowhere.
        let cgid = told.cgid.filter(|_| !listeners.is_empty()).and_then(|at| cgid(ground, at, version));
        self.found.listeners.extend(listeners.into_iter().chain(cgid));
        if start != Start::Fragment {
            self.found.problems.extend(conflicts);
        }
    }
}

/// Apache does not start: what would listen stands in sections that do not hold.
fn nothing_listens(ground: Ground<'_>, main: SourceId, passed_over: &[(Span, Span)]) -> Problem {
    if let Some((at, _)) = passed_over.get(MAX_PASSED_OVER) {
        ground.sources.cut_off(*at, over("Listen lines in sections that do not hold", MAX_PASSED_OVER));
    }
    let labels = passed_over.iter().take(MAX_PASSED_OVER).map(|(at, section)| {
        let section = ground.sources.text(*section);
        Label::new(*at, format!("not read: {section} does not hold"))
    });
    let message = "no listening sockets available, shutting down";
    let problem = ground.problem(ProblemKind::Conflict, message, Span::top(main));
    Problem { labels: labels.collect(), ..problem }
}

/// What is known before the first line of a main file that is opened in `folder` is read.
fn variables(ground: Ground<'_>, starts: &Starts<'_>, file: &Path, folder: &Path) -> Variables {
    let mut variables = Variables::default();
    for command in starts.commands(file) {
        for variable in command.environment.iter().filter(|variable| !variable.value.is_open()) {
            let Variable { name, value } = &**variable;
            variables.export(name, value.clone());
        }
    }
    for run in starts.reading(file) {
        for name in starts.line(run).all("-D").filter(|name| !name.word.is_open()) {
            variables.define(name.text, None);
        }
    }
    variables.envvars(ground.sources, ground.tree, folder);
    variables
}

/// What a command line says that starts Apache with a file.
fn arguments(starts: &Starts<'_>, file: &Path) -> Arguments {
    let Some(run) = starts.starting(file) else { return Arguments::default() };
    let line = starts.line(run);
    let lines = |option| {
        let values = line.all(option);
        let read = |it: argv::Value<'_>| Line { text: it.word.tail(it.text.len()), at: it.span() };
        values.map(read).collect()
    };
    Arguments { root: run.folder.clone(), before: lines("-C"), behind: lines("-c") }
}

/// The socket of mod_cgid's daemon.
fn cgid(ground: Ground<'_>, at: Span, version: Option<Version>) -> Option<Listener> {
    let (value, step) = ground.default("cgid-backlog", version)?;
    let what = "the socket of mod_cgid: ScriptSock, and the number of the process after it";
    let endpoint = Endpoint::Unknown(Transport::Unix);
    Some(Listener {
        backlog: Setting { value: Some(value), slot: None },
        steps: vec![step],
        notes: vec![Step::note(what, at)],
        internal: true,
        ..Listener::new(&ground.service.name, ground.place, endpoint, at)
    })
}

/// What one Apache was told.
#[derive(Debug, Clone, Default)]
struct Told {
    listens: Vec<Listen>,
    /// Every ListenBacklog; the last one counts.
    backlogs: Vec<Backlog>,
    /// The last ListenCoresBucketsRatio.
    ratio: Option<Span>,
    /// The LoadModule of mod_cgid.
    cgid: Option<Span>,
    hosts: Vec<VirtualHost>,
    /// Outside of any VirtualHost: every one inherits it.
    passes: Vec<Pass>,
    balancers: BTreeMap<String, Vec<Pass>>,
}

#[derive(Debug, Clone)]
struct Listen {
    /// The directive.
    at: Span,
    /// Why the address is not known, where it is not.
    address: Result<(Host, u16), String>,
    /// What it depends on that these files do not tell.
    only_if: Option<String>,
    /// A line can be put before it: it is a line of a file, once.
    room: bool,
}

#[derive(Debug, Clone)]
struct Backlog {
    at: Span,
    word: Text,
    /// What it depends on that these files do not tell.
    only_if: Option<String>,
    /// What listen(2) is called with; why that is not known, where it is not.
    number: Result<i64, String>,
}

#[derive(Debug, Clone)]
struct VirtualHost {
    at: Span,
    answers: Vec<Answers>,
    passes: Vec<Pass>,
}

/// One address, or a balancer that has members.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pass {
    To(Hop),
    Balancer(String),
}

impl Told {
    /// One Apache that is told the other's, too.
    fn take_in(&mut self, other: Told) {
        self.listens.extend(other.listens);
        self.backlogs.extend(other.backlogs);
        self.ratio = other.ratio.or(self.ratio);
        self.cgid = other.cgid.or(self.cgid);
        self.hosts.extend(other.hosts);
        self.passes.extend(other.passes);
        for (name, members) in other.balancers {
            self.balancers.entry(name).or_default().extend(members);
        }
    }

    /// Whether both want an address: the same one, or one of a port that the other wants all of.
    fn excludes(&self, other: &Told) -> bool {
        let one = |host| Some(host).filter(|host: &&Host| !host.is_any());
        let mut own: HashMap<u16, HashSet<Option<&Host>>> = HashMap::default();
        for (host, port) in self.addresses() {
            own.entry(*port).or_default().insert(one(host));
        }
        other.addresses().any(|(host, port)| {
            let takes = |hosts: &HashSet<_>| hosts.contains(&None) || hosts.contains(&one(host));
            own.get(port).is_some_and(|hosts| host.is_any() || takes(hosts))
        })
    }

    fn addresses(&self) -> impl Iterator<Item = &(Host, u16)> {
        self.listens.iter().filter_map(|listen| listen.address.as_ref().ok())
    }

    /// What the VirtualHosts of a socket pass on, and what all of them inherit.
    fn hops(&self, address: Option<IpAddr>, port: u16) -> Vec<Hop> {
        let here = |host: &&VirtualHost| host.answers.iter().any(|answers| answers.takes(address, port));
        let own = self.hosts.iter().filter(here).flat_map(|host| &host.passes);
        let mut hops: Vec<Hop> = Vec::new();
        let mut seen = HashSet::default();
        for pass in own.chain(&self.passes) {
            let members = match pass {
                Pass::Balancer(name) => self.balancers.get(name).map_or(&[][..], Vec::as_slice),
                Pass::To(_) => std::slice::from_ref(pass),
            };
            for member in members {
                if let Pass::To(hop) = member
                    && seen.insert(format!("{:?}", hop.to))
                {
                    hops.push(hop.clone());
                }
            }
        }
        hops
    }
}

/// Listens to what a configuration says.
struct Telling<'a> {
    ground: Ground<'a>,
    table: &'a Table,
    told: Told,
    problems: Vec<Problem>,
    /// ServerRoot has a drive: what Windows makes of it is no concern of Linux.
    windows: bool,
}

impl httpd::Reader for Telling<'_> {
    fn directive(&mut self, directive: &Directive<'_>) {
        let Directive { name, words, at, .. } = *directive;
        let first = words.first().map(Text::show).unwrap_or_default();
        match name {
            "listen" => self.listen(directive),
            "listenbacklog" => self.backlog(directive),
            "listencoresbucketsratio" if self.misplaced("ListenCoresBucketsRatio", directive) => {}
            "listencoresbucketsratio" if !is_placeholder(&first) && atoi(&first) < 1 => {
                self.refuse(directive, "ListenCoresBucketsRatio must be > 0");
            }
            "listencoresbucketsratio" => self.told.ratio = Some(at),
            "loadmodule" if first == "cgid_module" => self.told.cgid = Some(at),
            "serverroot" => {
                self.windows |= first.get(1..3).is_some_and(|rest| [":/", ":\\"].contains(&rest));
            }
            "<virtualhost" => {
                let answers =
                    words.iter().map(|word| Answers::read(&word.show(), self.ground.hosts)).collect();
                self.told.hosts.push(VirtualHost { at, answers, passes: Vec::new() });
            }
            "balancermember" => self.member(directive),
            _ => self.pass(directive),
        }
    }

    fn fault(&mut self, fault: Fault<'_>, at: Span) {
        match fault {
            Fault::Refused(message) => self.lost(at, message),
            Fault::Torn(message) => {
                let message = format!("read only in part: {message}");
                self.problems.push(self.ground.problem(ProblemKind::Skipped, message, at));
            }
            Fault::Outside(path) if self.table.shipped.iter().any(|shipped| path.ends_with(shipped)) => {}
            Fault::Outside(path) => {
                let path = path.display();
                let message =
                    format!("the include of /{path} leads out of the repository: its listeners are unknown");
                let help = "audit the machine or the image that it is for, where these files exist";
                let problem = self.ground.problem(ProblemKind::Skipped, message, at);
                self.problems.push(Problem { help: Some(help.into()), ..problem });
            }
        }
    }
}

impl Telling<'_> {
    /// Where a directive is refused that belongs outside of every section.
    fn misplaced(&mut self, name: &str, directive: &Directive<'_>) -> bool {
        let Some(section) = directive.sections().next() else { return false };
        let message = match section.name.as_str() {
            "<virtualhost" => format!("{name} cannot occur within <VirtualHost> section"),
            _ => format!("{name} not allowed in <{}> context", section.shown()),
        };
        self.lost(directive.at, message);
        true
    }

    fn listen(&mut self, directive: &Directive<'_>) {
        if self.misplaced("Listen", directive) {
            return;
        }
        let words = directive.words;
        let placeholders = words.iter().any(|word| is_placeholder(&word.show()));
        let count = match words {
            // Newer ones take `options=` in a third place.
            [_, _, third] if third.bytes().starts_with(b"options=") => 2,
            words => words.len(),
        };
        if !(1..=2).contains(&count) && !placeholders {
            return self.refuse(directive, "Listen requires 1 or 2 arguments");
        }
        let text = words.first().map(Text::show).unwrap_or_default();
        let address = match parse_address(&text) {
            _ if is_placeholder(&text) => Err(unknown(words)),
            Ok((_, 0)) => return self.refuse(directive, "Port must be specified"),
            Ok(known) => Ok(known),
            Err(why) => return self.refuse(directive, why),
        };
        if self.told.listens.len() < MAX_LISTENS {
            let only_if = directive.only_if().map(str::to_owned);
            self.told.listens.push(Listen { at: directive.at, address, only_if, room: !directive.in_macro });
        } else {
            self.ground.sources.cut_off(directive.at, over("addresses of one Apache", MAX_LISTENS));
        }
    }

    fn backlog(&mut self, directive: &Directive<'_>) {
        if self.misplaced("ListenBacklog", directive) {
            return;
        }
        let Directive { words, at, .. } = *directive;
        let number = match words {
            _ if words.iter().any(|word| is_placeholder(&word.show())) => Err(unknown(words)),
            [word] => match atoi(&word.show()) {
                number if number < 1 => return self.refuse(directive, "ListenBacklog must be > 0"),
                number => Ok(i64::from(number)),
            },
            _ => return self.refuse(directive, "ListenBacklog takes one argument"),
        };
        let only_if = directive.only_if().map(str::to_owned);
        let word = words.first().cloned().unwrap_or_default();
        self.told.backlogs.push(Backlog { at, word, only_if, number });
    }

    /// Where requests are passed on to: ProxyPass and its kin, to a VirtualHost or for all.
    fn pass(&mut self, directive: &Directive<'_>) {
        let Directive { name, words, at, .. } = *directive;
        let pass = match (name, words) {
            // `ProxyPass [path] url [key=value ...]`: inside Location there is no path.
            ("proxypass" | "proxypassmatch", _) => {
                words.iter().take(2).find(|word| Target::is_written(word)).and_then(|url| self.url(url, at))
            }
            ("sethandler", [word, ..]) => Target::handler(word).and_then(|url| self.url(&url, at)),
            // `RewriteRule pattern url [P]`.
            ("rewriterule", [_, url, flags, ..]) => {
                let flags = flags.show().to_ascii_lowercase();
                let flags = flags.trim().strip_prefix('[').and_then(|flags| flags.strip_suffix(']'));
                let proxies = |flag: &str| ["p", "proxy"].contains(&flag.trim());
                flags.filter(|flags| flags.split(',').any(proxies)).and_then(|_| self.url(url, at))
            }
            ("fastcgiexternalserver", _) => self.external(words, at),
            _ => None,
        };
        let Some(pass) = pass else { return };
        let section = directive.sections().find(|section| section.name == "<virtualhost");
        let mut hosts = self.told.hosts.iter_mut().rev();
        match section.and_then(|section| hosts.find(|host| host.at == section.at)) {
            Some(host) => host.passes.push(pass),
            None => self.told.passes.push(pass),
        }
    }

    /// `FastCgiExternalServer file -host address` and `-socket path`, of mod_fastcgi.
    fn external(&self, words: &[Text], at: Span) -> Option<Pass> {
        let after = |option: &str| {
            let index = words.iter().position(|word| word.bytes() == option.as_bytes())?;
            words.get(index + 1)
        };
        if let Some(socket) = after("-socket") {
            return self.pass_to(Target::path(&socket.show())?, socket, at);
        }
        let host = after("-host")?;
        let text = host.show();
        let (name, port) = text.rsplit_once(':')?;
        self.pass_to(Target::server("fcgi", name, Some(port.parse().ok()?))?, host, at)
    }

    /// Inside `<Proxy balancer://name>`, or with that name as its first word.
    fn member(&mut self, directive: &Directive<'_>) {
        let words = directive.words;
        let first = |words: &[Text]| match Target::read(&words.first()?.show())? {
            Target::Balancer(name) => Some(name),
            _ => None,
        };
        let within = |section: &httpd::Section| first(section.words()).filter(|_| section.name == "<proxy");
        let (name, url) = match first(words) {
            Some(name) => (Some(name), words.get(1)),
            None => (directive.sections().find_map(within), words.first()),
        };
        if let (Some(name), Some(pass)) = (name, url.and_then(|url| self.url(url, directive.at))) {
            self.told.balancers.entry(name).or_default().push(pass);
        }
    }

    fn url(&self, word: &Text, at: Span) -> Option<Pass> {
        self.pass_to(Target::read(&word.show())?, word, at)
    }

    /// A scheme that mod_proxy does not know leads nowhere.
    fn pass_to(&self, target: Target, word: &Text, at: Span) -> Option<Pass> {
        let to = match target {
            Target::Balancer(name) => return Some(Pass::Balancer(name)),
            Target::Unix(path) => Next::At(Endpoint::Unix(path)),
            Target::Server { scheme, host, port } => {
                let default = *self.table.ports.get(&scheme)?;
                self.ground.next(&host, port.unwrap_or(default))
            }
        };
        Some(Pass::To(Hop { to, at: word.exact().unwrap_or(at) }))
    }

    /// What is wrong with a word is so wherever the file is put to use, unless something fills it first.
    fn refuse(&mut self, directive: &Directive<'_>, message: &str) {
        if !directive.template {
            self.lost(directive.at, message);
        }
    }

    /// Apache would not start; it says what it meets first.
    fn lost(&mut self, at: Span, message: impl Into<String>) {
        if self.problems.iter().all(|problem| problem.kind != ProblemKind::Lost) {
            self.problems.push(self.ground.problem(ProblemKind::Lost, message, at));
        }
    }
}

/// Words that something fills in which is not in the tree.
fn unknown(words: &[Text]) -> String {
    let text = words.iter().map(Text::show).collect::<Vec<_>>().join(" ");
    let variable = httpd::variable(text.as_bytes(), 0).and_then(|(start, end)| text.get(start..end));
    Why::Elsewhere(variable.unwrap_or(&text).to_owned()).to_string()
}

/// The sockets that the Listens of one Apache open, and where they get in each other's way: open_listeners in server/listen.c.
struct Sockets<'t> {
    ground: Ground<'t>,
    told: &'t Told,
    ask: Ask,
    bound: Occupied,
    /// What bound each of them.
    binders: Vec<&'t Listen>,
    /// Ports on which one socket serves both families.
    dual: HashSet<u16>,
    /// The line that switches IPv6 off.
    ipv6_off: Option<Step>,
    listeners: Vec<Listener>,
    conflicts: Vec<Problem>,
}

/// An address to bind.
#[derive(Debug, Clone)]
struct Wanted<'t> {
    listen: &'t Listen,
    /// None where it is not known.
    address: Option<IpAddr>,
    port: u16,
    /// Without a host.
    any: bool,
    /// How a name became the address, or why there is none.
    note: Option<Step>,
}

impl<'t> Sockets<'t> {
    fn of(ground: Ground<'t>, told: &'t Told, version: Option<Version>) -> Self {
        let ask = ask(ground, told, version);
        let (bound, binders, dual) = (Occupied::default(), Vec::new(), HashSet::default());
        let (listeners, conflicts, ipv6_off) = (Vec::new(), Vec::new(), ground.ipv6_off());
        let mut sockets = Self { ground, told, ask, bound, binders, dual, ipv6_off, listeners, conflicts };
        let mut written: HashMap<(&Host, u16), &Listen> = HashMap::default();
        let mut wanted = Vec::new();
        for listen in told.listens.iter().filter(|listen| listen.only_if.is_none()) {
            if let Ok((host, port)) = &listen.address {
                if let Some(first) = written.get(&(host, *port)) {
                    sockets.refuse(listen, first, "Cannot define multiple Listeners on the same IP:port");
                    continue;
                }
                written.insert((host, *port), listen);
            }
            wanted.extend(sockets.wanted(listen));
        }
        sockets.open(wanted, true);
        // What may be there is told of only where there is room for it.
        for listen in told.listens.iter().filter(|listen| listen.only_if.is_some()) {
            let wanted = sockets.wanted(listen);
            sockets.open(wanted, false);
        }
        sockets
    }

    /// The addresses of a Listen in the order in which Apache binds them.
    fn wanted(&mut self, listen: &'t Listen) -> Vec<Wanted<'t>> {
        let at = listen.at;
        let wanted = |address, port, any, note| Wanted { listen, address, port, any, note };
        let (host, port) = match &listen.address {
            Ok((Host::Any, port)) => {
                let off = self.ipv6_off.clone();
                return [(ANY4, None), (ANY6, off)]
                    .map(|(ip, note)| wanted(Some(ip), *port, true, note))
                    .into();
            }
            Ok((Host::Written(host), port)) => (host, *port),
            Err(why) => {
                self.unknown(wanted(None, 0, false, None), Bound::unknown(why));
                return Vec::new();
            }
        };
        let addresses = self.ground.hosts.lookup(host);
        if addresses.is_empty() {
            self.unknown(wanted(None, port, false, None), Why::Unresolved(host.clone()).into());
        }
        let is_name = host.contains(|c: char| c.is_ascii_alphabetic()) && !host.contains(':');
        let one =
            |named: Named| wanted(Some(named.address), port, false, is_name.then(|| by_name(&named, at)));
        addresses.into_iter().map(one).collect()
    }

    fn unknown(&mut self, wanted: Wanted<'t>, bound: Bound) {
        let note = bound.steps(wanted.listen.at).next();
        self.add(Wanted { note, ..wanted }, false);
    }

    fn open(&mut self, mut wanted: Vec<Wanted<'t>>, certain: bool) {
        for index in 0..wanted.len() {
            // `[::]` goes before `0.0.0.0`, for it may serve both.
            let pairs = |this: &Wanted<'_>, next: &Wanted<'_>, first, second| {
                this.address == Some(first) && next.address == Some(second) && this.port == next.port
            };
            if let Some([this, next]) = wanted.get_mut(index..index + 2)
                && pairs(this, next, ANY4, ANY6)
            {
                std::mem::swap(this, next);
            }
            let Some(this) = wanted.get(index).cloned() else { break };
            let endpoint = this.endpoint();
            if this.address == Some(ANY4) && self.dual.contains(&this.port) {
                continue;
            }
            // With ListenCoresBucketsRatio every socket may be bound as often as there are processors.
            let shared = self.told.ratio.is_some();
            let taken = self.bound.in_the_way(&endpoint).filter(|_| !shared);
            match taken.and_then(|first| self.binders.get(first).copied()) {
                None => {
                    self.bound.take(&endpoint);
                    self.binders.push(this.listen);
                    if let Endpoint::DualStack(port) = endpoint {
                        self.dual.insert(port);
                    }
                    let further = Wanted { address: Some(ANY4), ..this.clone() };
                    let both = shared && this.any && this.address == Some(ANY6);
                    self.add(this, false);
                    if both {
                        self.add(further, true);
                    }
                }
                Some(_) if !certain => {}
                Some(first) => {
                    let goes_on = wanted.get(index + 1).is_some_and(|next| pairs(&this, next, ANY6, ANY4));
                    self.in_use(&this, first, goes_on);
                    if !goes_on {
                        break;
                    }
                }
            }
        }
    }

    /// A socket, or those of all processors; `further` are those after the first.
    fn add(&mut self, wanted: Wanted<'t>, further: bool) {
        let Wanted { listen, address, port, any, .. } = wanted;
        let one = self.told.ratio.is_none() || any && !further;
        let listener = Listener {
            sockets: one.then_some(1),
            hops: self.told.hops(address, port),
            ..self.ground.listener(wanted.endpoint(), listen.at, self.ask.clone())
        };
        let notes = self.notes(listen, wanted.note, further);
        self.listeners.push(Listener { notes, ..listener });
    }

    fn notes(&self, listen: &Listen, own: Option<Step>, further: bool) -> Vec<Step> {
        let mut notes = Vec::new();
        let only_if = |what: &String| format!("only where {what}, which the files do not show");
        notes.extend(listen.only_if.as_ref().map(|what| Step::note(only_if(what), listen.at)));
        notes.extend(own);
        if let Some(ratio) = self.told.ratio {
            let what = match further {
                true => "one more socket for each further share of the processors",
                false => "every share of the processors has a queue of its own",
            };
            notes.push(Step::note(format!("ListenCoresBucketsRatio: {what}"), ratio));
        }
        if let Some((last, before)) = self.told.backlogs.split_last() {
            let only_if = last.only_if.as_ref().map(|what| format!("the number applies {}", only_if(what)));
            notes.extend(only_if.map(|what| Step::note(what, last.at)));
            let overridden = |backlog: &Backlog| Step::note("a later ListenBacklog overrides it", backlog.at);
            notes.extend(before.iter().take(3).map(overridden));
        }
        notes
    }

    fn in_use(&mut self, wanted: &Wanted<'t>, first: &'t Listen, goes_on: bool) {
        let port = wanted.port;
        let address = match wanted.endpoint() {
            Endpoint::DualStack(_) => format!("[::]:{port}"),
            endpoint => endpoint.to_string(),
        };
        let message = match goes_on {
            true => format!("the IPv6 half of port {port} stays closed: {}", in_use(address)),
            false => in_use(address),
        };
        self.refuse(wanted.listen, first, &message);
    }

    fn refuse(&mut self, listen: &'t Listen, first: &'t Listen, message: &str) {
        let help = "remove one of them: a Listen without an address serves every address of its port";
        let first = Label::new(first.at, "is bound first");
        let mut conflict = self.ground.conflict(message, listen.at, first);
        conflict.labels.insert(0, Label::new(listen.at, "cannot be bound"));
        self.conflicts.push(Problem { help: Some(help.into()), ..conflict });
    }
}

impl Wanted<'_> {
    fn endpoint(&self) -> Endpoint {
        match self.address {
            Some(ANY6) => Endpoint::DualStack(self.port),
            Some(address) => Endpoint::tcp(address, self.port),
            None => Endpoint::Unknown(Transport::Tcp),
        }
    }
}

/// The last number that was read, and the steps to it.
fn ask(ground: Ground<'_>, told: &Told, version: Option<Version>) -> Ask {
    let Some(Backlog { at, word, number, .. }) = told.backlogs.last() else {
        return ground.own("backlog", version).with(room(ground, told));
    };
    if let Some(unknown) = told.perhaps(ground, version) {
        return unknown.with(word.exact().map(Slot::replace));
    }
    let number = match number {
        Ok(number) => *number,
        Err(why) => return Ask::unknown(why, *at),
    };
    let (text, span) = (word.show(), word.exact().unwrap_or(*at));
    let elsewhere = !at.contains(span);
    let what = match text == number.to_string() {
        _ if elsewhere => "what the variable is set to".into(),
        true => "ListenBacklog".into(),
        false => format!("ListenBacklog {text}, as a number"),
    };
    let mut asked = Ask::written(number, what, span);
    if elsewhere {
        let what = "used by ListenBacklog".into();
        asked.steps.push(Step { value: Some(number), what, at: *at });
    }
    // `0640` is the value too; `1k` is not.
    asked.with(word.exact().filter(|_| text.parse() == Ok(number)).map(Slot::replace))
}

impl Told {
    /// What may count where nobody knows whether its section is read, unless it says what counts otherwise.
    fn perhaps(&self, ground: Ground<'_>, version: Option<Version>) -> Option<Ask> {
        let certain = self.backlogs.iter().rposition(|backlog| backlog.only_if.is_none());
        let sure = certain.and_then(|at| self.backlogs.get(at)?.number.clone().ok());
        let sure = sure.or_else(|| Some(ground.default("backlog", version)?.0.get));
        let after = self.backlogs.get(certain.map_or(0, |at| at + 1)..)?;
        let other = after.iter().find(|backlog| backlog.number.as_ref().ok().copied() != sure)?;
        let (only_if, number) = (other.only_if.as_ref()?, other.number.as_ref().ok()?);
        let why = format!("it is {number} only where {only_if}, which the files do not show");
        Some(Ask::unknown(why, other.at))
    }
}

/// A line before the first Listen that is read for certain.
fn room(ground: Ground<'_>, told: &Told) -> Option<Slot> {
    let listens = || told.listens.iter().filter(|listen| listen.room);
    let first = listens().find(|listen| listen.only_if.is_none()).or_else(|| listens().next())?;
    Slot::line_before(ground.sources, first.at, "ListenBacklog ")
}

#[cfg(test)]
mod tests;
