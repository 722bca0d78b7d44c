//! Reads an nginx in its order, as it would start: from the main file through every include, knowing in which block it is.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::address;
use super::file::{Block, Directive, File, Item, MARK};
use super::library::{FileId, Includes, Library, Target};
use super::listen::{Listen, Module};
use super::release::{ALONE, Release};
use super::torn::Torn;
use crate::model::{Label, Problem, ProblemKind};
use crate::syntax::blocks::Word;
use crate::text::tree::Unread;
use crate::text::{HashSet, SourceId, Span, has_magic, over};

/// More than any configuration has; includes that multiply would never end.
const MAX_INCLUSIONS: usize = 1 << 18;
const MAX_ADDRESSES: usize = 1 << 19;

/// What one nginx was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) listens: Vec<Heard>,
    pub(super) workers: Workers,
    pub(super) connections: Connections,
    /// Files that are read more than once because they include themselves.
    pub(super) circles: Vec<SourceId>,
    /// `master_process off`.
    pub(super) alone: bool,
    /// Where servers pass requests on to.
    pub(super) passes: Vec<Passed>,
    pub(super) upstreams: Vec<Upstream>,
    pub(super) problems: Vec<Problem>,
    /// Includes that lead out of the repository, and where they stand.
    pub(super) outside: Vec<(String, Span)>,
}

/// What a `proxy_pass` or the like names, and the server that it stands in.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) server: usize,
    pub(super) to: Vec<u8>,
    pub(super) at: Span,
}

/// An `upstream` and its servers.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) module: Module,
    pub(super) name: Vec<u8>,
    pub(super) peers: Vec<(Vec<u8>, Span)>,
}

/// A `listen` and the server that it stands in.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) listen: Listen,
    pub(super) server: usize,
    /// Nobody wrote it: the server has no other.
    pub(super) implicit: bool,
}

/// How many processes accept connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Workers {
    /// Not known where it is the number of processors, or where the main file is not known.
    pub(super) number: Option<u32>,
    pub(super) at: Option<Span>,
}

impl Default for Workers {
    /// ngx_core_module_init_conf in src/core/nginx.c.
    fn default() -> Self {
        Self { number: Some(1), at: None }
    }
}

/// How many connections a worker may have, its listening sockets included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Connections {
    pub(super) number: i64,
    pub(super) at: Option<Span>,
}

impl Default for Connections {
    /// DEFAULT_CONNECTIONS in src/event/ngx_event.c.
    fn default() -> Self {
        Self { number: 512, at: None }
    }
}

/// What nginx would make of the file that it begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// The main file of this machine's nginx: whatever is missing keeps it from starting.
    Installed,
    /// A main file that is put to use elsewhere.
    Main,
    /// A file that some main file includes in this module.
    Fragment(Module),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Events,
    Module(Module),
    Server(Server),
    Inner,
    /// The one of this number.
    Upstream(usize),
    Table,
    /// A block where it does not belong, or a module's that we do not know.
    Nowhere,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Server {
    module: Module,
    at: Span,
    id: usize,
    listens: bool,
    /// Not all of it could be read.
    torn: bool,
}

/// A file that is being read.
struct Frame<'w> {
    file: FileId,
    next: usize,
    /// Where it is included.
    entered: Span,
    /// How many places there were when it began.
    places: usize,
    /// What is left of the include that it stands at.
    targets: &'w [Target],
    include: Include,
}

#[derive(Clone, Copy)]
struct Include {
    at: Span,
    pattern: bool,
}

pub(super) struct Walk<'w, 'a> {
    library: &'w Library<'a>,
    includes: &'w Includes<'a>,
    release: &'w Release<'a>,
    start: Start,
    /// The directives of its command line.
    argument: Option<FileId>,
    frames: Vec<Frame<'w>>,
    /// The files of the frames.
    reading: HashSet<FileId>,
    places: Vec<Place>,
    /// Files that were read where nothing listens, or in which nothing does: once is enough.
    read: HashSet<(FileId, bool)>,
    /// Files that are not there, by where they are included.
    missed: HashSet<(SourceId, u32, PathBuf)>,
    blocks: HashSet<Block>,
    inclusions: usize,
    addresses: usize,
    servers: usize,
    told: Told,
}

impl<'w, 'a> Walk<'w, 'a> {
    pub(super) fn new(
        library: &'w Library<'a>,
        includes: &'w Includes<'a>,
        release: &'w Release<'a>,
        start: Start,
    ) -> Self {
        let place = match start {
            Start::Fragment(module) => Place::Module(module),
            Start::Installed | Start::Main => Place::Top,
        };
        Self {
            library,
            includes,
            release,
            start,
            argument: None,
            frames: Vec::new(),
            reading: HashSet::default(),
            places: vec![place],
            read: HashSet::default(),
            missed: HashSet::default(),
            blocks: HashSet::default(),
            inclusions: 0,
            addresses: 0,
            servers: 0,
            told: Told::default(),
        }
    }

    fn is_fragment(&self) -> bool {
        matches!(self.start, Start::Fragment(_))
    }

    /// The directives of the command line come before the file.
    pub(super) fn read(mut self, argument: Option<FileId>, main: FileId) -> Told {
        let Some(top) = self.library.file(main).map(|file| Span::top(file.source)) else { return self.told };
        self.argument = argument;
        for file in [Some(main), argument].into_iter().flatten() {
            self.enter(file, top);
        }
        while let Some(frame) = self.frames.last_mut() {
            if let Some((target, rest)) = frame.targets.split_first() {
                frame.targets = rest;
                let include = frame.include;
                self.target(target, include);
                continue;
            }
            let Some(file) = self.library.file(frame.file) else { break };
            let item = file.items.get(frame.next);
            frame.next += 1;
            match item {
                Some(item) => self.item(file, item),
                None => self.leave(file),
            }
        }
        self.end(top);
        self.told
    }

    fn enter(&mut self, id: FileId, at: Span) {
        let Some(file) = self.library.file(id) else { return };
        self.reading.insert(id);
        self.frames.push(Frame {
            file: id,
            next: 0,
            entered: at,
            places: self.places.len(),
            targets: &[],
            include: Include { at, pattern: false },
        });
        if file.marked && self.place() != Place::Table {
            let why = "unknown directive: the file starts with a byte order mark, which nginx reads as part of \
                the first word";
            self.lost(Span::new(file.source, 0..MARK.len()), why);
        }
    }

    fn leave(&mut self, file: &File<'a>) {
        let Some(frame) = self.frames.pop() else { return };
        self.reading.remove(&frame.file);
        if let Some(torn) = &file.fault {
            self.places.truncate(frame.places);
            self.tear();
            self.torn(torn);
        }
    }

    /// What was found by its content may be meant for another program; what was asked for by name is not.
    fn torn(&mut self, Torn { why, at, template }: &Torn) {
        match (self.start, template) {
            (Start::Installed, _) => self.lost(*at, why.to_string()),
            (_, Some(whose)) => {
                let message = format!("read only in part: it looks like a template of {whose}: {why}");
                self.problem(ProblemKind::Skipped, *at, message, Vec::new());
                self.advise("audit the file that this template produces");
            }
            (_, None) => {
                let kind = if self.is_named(at.source) { ProblemKind::Lost } else { ProblemKind::Skipped };
                self.problem(kind, *at, format!("read only in part: {why}"), Vec::new());
            }
        }
    }

    fn is_named(&self, file: SourceId) -> bool {
        let path = self.library.ground.sources.get(file).path();
        path.is_some_and(|path| self.library.ground.only.iter().any(|named| named == path))
    }

    fn end(&mut self, top: Span) {
        let nothing_wrong = self.told.problems.is_empty();
        if self.start == Start::Installed && nothing_wrong && !self.blocks.contains(&Block::Events) {
            self.lost(top, "no \"events\" section in configuration");
        }
    }

    fn item(&mut self, file: &File<'a>, item: &Item) {
        match item {
            Item::Open(block, at) => self.open(*block, *at),
            Item::Close => self.close(),
            Item::Listen(directive) => self.listen(file, *directive),
            Item::Include(directive) => self.include(file, *directive),
            Item::Workers(directive) => self.workers(file, *directive),
            Item::Connections(directive) => self.connections(file, *directive),
            Item::Master(directive) => self.master(file, *directive),
            Item::Pass(directive) => self.pass(file, *directive),
            Item::Upstream(directive) => self.upstream(file, *directive),
            Item::Peer(directive) => self.peer(file, *directive),
        }
    }

    fn place(&self) -> Place {
        self.places.last().copied().unwrap_or(Place::Nowhere)
    }

    fn open(&mut self, block: Block, at: Span) {
        if self.argument.is_some() && self.argument == self.frames.last().map(|frame| frame.file) {
            self.lost(at, "block directives are not supported in -g option");
            return self.places.push(Place::Nowhere);
        }
        let next = match (self.place(), block) {
            (Place::Nowhere | Place::Table, _) | (_, Block::Foreign) => Place::Nowhere,
            (_, Block::Inner) => Place::Inner,
            (_, Block::Table) => Place::Table,
            (Place::Module(module), Block::Server) => {
                self.servers += 1;
                Place::Server(Server { module, at, id: self.servers, listens: false, torn: false })
            }
            (Place::Top, Block::Http) => self.once(block, Place::Module(Module::Http), at),
            (Place::Top, Block::Stream) => self.once(block, Place::Module(Module::Stream), at),
            (Place::Top, Block::Mail) => self.once(block, Place::Module(Module::Mail), at),
            (Place::Top, Block::Events) => self.once(block, Place::Events, at),
            _ => self.misplaced(block.name(), at),
        };
        self.places.push(next);
    }

    fn once(&mut self, block: Block, place: Place, at: Span) -> Place {
        if !self.blocks.insert(block) {
            self.lost(at, format!("\"{}\" directive is duplicate", block.name()));
            return Place::Nowhere;
        }
        place
    }

    fn misplaced(&mut self, name: &str, at: Span) -> Place {
        // What includes a fragment is not known, so neither is where it stands.
        if !self.is_fragment() {
            self.lost(at, format!("\"{name}\" directive is not allowed here"));
        }
        Place::Nowhere
    }

    fn close(&mut self) {
        let Some(Place::Server(server)) = self.places.pop() else { return };
        if server.listens || server.torn {
            return;
        }
        match server.module {
            Module::Http => self.hear(&server, Listen::unwritten(server.at), true),
            Module::Stream | Module::Mail if self.is_fragment() => {}
            Module::Stream | Module::Mail => self.lost(server.at, "no \"listen\" is defined for server"),
        }
    }

    fn listen(&mut self, file: &File<'a>, directive: Directive) {
        let server = match self.places.last_mut() {
            Some(Place::Server(server)) => {
                server.listens = true;
                *server
            }
            Some(Place::Table | Place::Nowhere) | None => return,
            Some(Place::Top | Place::Events | Place::Module(_) | Place::Inner | Place::Upstream(_)) => {
                self.misplaced("listen", directive.at);
                return;
            }
        };
        let hosts = self.library.ground.hosts;
        match Listen::read(server.module, directive, file.arguments(directive), hosts, self.release) {
            Ok(listen) => self.hear(&server, listen, false),
            Err(why) => self.lost(directive.at, why),
        }
    }

    fn hear(&mut self, server: &Server, listen: Listen, implicit: bool) {
        let full = self.addresses >= MAX_ADDRESSES;
        self.addresses += listen.addresses.len();
        match (full, self.addresses >= MAX_ADDRESSES) {
            (false, false) => self.told.listens.push(Heard { listen, server: server.id, implicit }),
            (false, true) => self.cut_off(listen.at, over("addresses that servers listen on", MAX_ADDRESSES)),
            (true, _) => {}
        }
    }

    fn include(&mut self, file: &File<'a>, directive: Directive) {
        let place = self.place();
        if place == Place::Nowhere {
            return;
        }
        let Some(word) = file.included(directive) else {
            self.tear();
            let why = match directive.simple {
                true => "invalid number of arguments in \"include\" directive",
                false => "directive \"include\" is not terminated by \";\"",
            };
            return self.lost(directive.at, why);
        };
        let targets = self.includes.of(word);
        if targets.is_empty() && self.start != Start::Installed {
            self.tear();
        }
        if matches!(place, Place::Module(_)) && self.includes.leads_out(word) {
            self.outside(word, directive.at);
        }
        let Some(frame) = self.frames.last_mut() else { return };
        frame.targets = targets;
        frame.include = Include { at: directive.at, pattern: has_magic(&word.value()) };
    }

    /// There may be servers in what a repository does not have.
    fn outside(&mut self, word: &Word<'_>, at: Span) {
        let value = word.value();
        let path = Path::new(OsStr::from_bytes(&value));
        if !self.is_shipped(path) {
            self.told.outside.push((path.display().to_string(), at));
        }
    }

    fn target(&mut self, target: &Target, include: Include) {
        let file = match &target.file {
            Ok(file) => *file,
            Err(why) => {
                // A file that is included again says the same again.
                if self.missed.insert((include.at.source, include.at.start, target.path.clone())) {
                    self.unread(target, why, include.at);
                }
                return;
            }
        };
        let place = self.place();
        let silent = matches!(place, Place::Inner | Place::Upstream(_) | Place::Table | Place::Events)
            || self.includes.is_quiet(file);
        if self.reading.contains(&file) {
            self.cycle(file, include);
        } else if !silent || self.read.insert((file, place == Place::Table)) {
            self.inclusions += 1;
            match self.inclusions {
                ..MAX_INCLUSIONS => self.enter(file, include.at),
                MAX_INCLUSIONS => self.cut_off(include.at, over("files that are included", MAX_INCLUSIONS)),
                _ => {}
            }
        }
    }

    /// nginx includes until it has no file descriptor left. That ends a pattern, which then matches nothing, without an error.
    fn cycle(&mut self, file: FileId, include: Include) {
        let from = self.frames.iter().position(|frame| frame.file == file).unwrap_or(0);
        let round = self.frames.get(from..).unwrap_or_default();
        let name = |frame: &Frame<'_>| self.library.name(frame.file);
        let names: Vec<String> = round.iter().map(name).chain([self.library.name(file)]).collect();
        let message = format!("the includes form a loop: {}", names.join(", "));
        let kind = if include.pattern { ProblemKind::Skipped } else { ProblemKind::Lost };
        let sources = round.iter().filter_map(|frame| Some(self.library.file(frame.file)?.source));
        self.told.circles.extend(sources);
        let labels = round.iter().skip(1).map(|frame| Label::new(frame.entered, "included here")).collect();
        self.problem(kind, include.at, message, labels);
        self.tear();
    }

    fn unread(&mut self, target: &Target, why: &Unread, at: Span) {
        self.tear();
        let path = Path::new("/").join(&target.path);
        let absent = match why {
            Unread::Outside => return,
            Unread::Missing => Some(path.as_path()),
            Unread::Dangling(target) => Some(target.as_path()),
            _ => None,
        };
        if absent.is_some_and(|path| self.start != Start::Installed || self.is_elsewhere(path)) {
            return;
        }
        let message = match why {
            Unread::Missing => format!("open() \"{}\" failed (2: No such file or directory)", path.display()),
            _ => format!("\"{}\" is not read: {why}", path.display()),
        };
        self.lost(at, message);
        if let Some(help) = why.help() {
            self.advise(&help);
        }
    }

    /// A file that comes with nginx, or from a part of the system that is not in this tree: it is laid over another.
    fn is_elsewhere(&self, path: &Path) -> bool {
        let top = path.strip_prefix("/").ok().and_then(|path| path.components().next());
        self.is_shipped(path)
            || top.is_some_and(|top| !self.library.ground.tree.is_folder(Path::new(top.as_os_str())))
    }

    /// A file of nginx's own that people include.
    fn is_shipped(&self, path: &Path) -> bool {
        path.file_name()
            .is_some_and(|name| self.library.ground.list("shipped").any(|shipped| name == shipped))
    }

    /// The server that is being read is not known as a whole.
    fn tear(&mut self) {
        if let Some(Place::Server(server)) = self.places.last_mut() {
            server.torn = true;
        }
    }

    fn workers(&mut self, file: &File<'a>, directive: Directive) {
        if self.place() != Place::Top {
            return;
        }
        let number = file.arguments(directive).first().and_then(|word| address::number(&word.value()));
        let number = number.map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        if self.told.workers.at.is_some() {
            return self.lost(directive.at, "\"worker_processes\" directive is duplicate");
        }
        self.told.workers = Workers { number, at: Some(directive.at) };
    }

    fn connections(&mut self, file: &File<'a>, directive: Directive) {
        let number = file.arguments(directive).first().and_then(|word| address::number(&word.value()));
        if let (Place::Events, Some(number)) = (self.place(), number) {
            self.told.connections = Connections { number, at: Some(directive.at) };
        }
    }

    fn master(&mut self, file: &File<'a>, directive: Directive) {
        let off = file.arguments(directive).first().is_some_and(|word| word.is(b"off"));
        // Without a master one process accepts; before 1.23.3 it had the sockets of all workers (commit 593bb5438).
        if self.place() == Place::Top && off && !self.release.is_before(ALONE) {
            self.told.alone = true;
        }
    }

    /// It holds for the server around it, in whatever location.
    fn pass(&mut self, file: &File<'a>, directive: Directive) {
        let around = self.places.iter().rev().find_map(|place| match place {
            Place::Server(server) => Some(server.id),
            _ => None,
        });
        let (Some(server), [word]) = (around, file.arguments(directive)) else { return };
        let at = Span::new(directive.at.source, word.inside());
        self.told.passes.push(Passed { server, to: word.value().into_owned(), at });
    }

    fn upstream(&mut self, file: &File<'a>, directive: Directive) {
        let around = self.places.iter().rev().nth(1);
        let (Some(Place::Module(module)), [word]) = (around, file.arguments(directive)) else { return };
        let (module, name) = (*module, word.value().into_owned());
        if let Some(place @ Place::Inner) = self.places.last_mut() {
            *place = Place::Upstream(self.told.upstreams.len());
            self.told.upstreams.push(Upstream { module, name, peers: Vec::new() });
        }
    }

    fn peer(&mut self, file: &File<'a>, directive: Directive) {
        let Place::Upstream(number) = self.place() else { return };
        let [word, parameters @ ..] = file.arguments(directive) else { return };
        if parameters.iter().any(|parameter| parameter.is(b"down")) {
            return;
        }
        let peer = (word.value().into_owned(), Span::new(directive.at.source, word.inside()));
        if let Some(upstream) = self.told.upstreams.get_mut(number) {
            upstream.peers.push(peer);
        }
    }

    /// What to do about the problem that was told last.
    fn advise(&mut self, help: &str) {
        if let Some(problem) = self.told.problems.last_mut() {
            problem.help = Some(help.to_owned());
        }
    }

    fn cut_off(&mut self, at: Span, what: String) {
        self.library.ground.sources.cut_off(at, what);
    }

    /// nginx would not start.
    fn lost(&mut self, at: Span, message: impl Into<String>) {
        self.problem(ProblemKind::Lost, at, message, Vec::new());
    }

    fn problem(&mut self, kind: ProblemKind, at: Span, message: impl Into<String>, labels: Vec<Label>) {
        let problem = self.library.ground.problem(kind, message, at);
        self.told.problems.push(Problem { labels, ..problem });
    }
}
