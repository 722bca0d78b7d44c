//! One file of nginx's, boiled down to what decides where nginx listens and which other files it reads.

use std::ops::Range;

use super::torn::{self, Torn};
use crate::syntax::blocks::{Blocks, Statement, Word, Wrong};
use crate::text::{SourceId, Span};

/// UTF-8's byte order mark. nginx takes it for a part of the first word.
pub(super) const MARK: &[u8] = b"\xef\xbb\xbf";

/// The blocks that make a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Block {
    Http,
    Stream,
    Mail,
    Events,
    Server,
    /// Directives, but none that listens: `location` and what else stands in a server, `upstream`.
    Inner,
    /// Rows instead of directives, and includes: `types`, `map`, `geo`.
    Table,
    /// A module's that we do not know.
    Foreign,
}

impl Block {
    fn named(name: &[u8]) -> Self {
        match name {
            b"http" => Block::Http,
            b"stream" => Block::Stream,
            b"mail" => Block::Mail,
            b"events" => Block::Events,
            b"server" => Block::Server,
            b"location" | b"if" | b"limit_except" | b"upstream" => Block::Inner,
            b"types" | b"map" | b"geo" => Block::Table,
            _ => Block::Foreign,
        }
    }

    /// The directive, for the blocks that have one.
    pub(super) fn name(self) -> &'static str {
        match self {
            Block::Http => "http",
            Block::Stream => "stream",
            Block::Mail => "mail",
            Block::Events => "events",
            Block::Server => "server",
            Block::Inner | Block::Table | Block::Foreign => "block",
        }
    }
}

#[derive(Debug)]
pub(super) enum Item {
    Open(Block, Span),
    Close,
    Listen(Directive),
    Include(Directive),
    Workers(Directive),
    Connections(Directive),
    Master(Directive),
    /// Its first word names where requests go on to.
    Pass(Directive),
    /// The block that was opened last is an upstream of this name.
    Upstream(Directive),
    /// One of its servers.
    Peer(Directive),
}

/// A directive; its arguments are in [`File::arguments`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Directive {
    words: (u32, u32),
    pub(super) at: Span,
    /// It ends in a semicolon, as all of these have to.
    pub(super) simple: bool,
}

#[derive(Debug)]
pub(super) struct File<'a> {
    pub(super) source: SourceId,
    pub(super) items: Vec<Item>,
    words: Vec<Word<'a>>,
    /// Why nginx would not read to the end.
    pub(super) fault: Option<Torn>,
    /// It starts with a byte order mark.
    pub(super) marked: bool,
    pub(super) looks: Looks,
}

/// What a file looks like, for one that nobody includes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Looks {
    /// It has `http`, `stream`, `mail` or `events` outside of any block: a main file.
    pub(super) main: bool,
    /// It has a server with `listen`, `server_name`, `include` or `location`, as no other program's format has, or seems to
    /// have one where nginx would not come to.
    pub(super) server: bool,
    /// It has a server with `proxy_pass`, which belongs into `stream`.
    pub(super) stream: bool,
    /// It has `run_as` outside of any block: Shiny Server's configuration, which has nginx's grammar, `server` and `listen` too.
    pub(super) shiny: bool,
}

impl<'a> File<'a> {
    pub(super) fn read(source: SourceId, bytes: &'a [u8]) -> Self {
        let start = if bytes.starts_with(MARK) { MARK.len() } else { 0 };
        Self::read_from(source, bytes, start)
    }

    /// What stands in a source from `start` to the end of `bytes`.
    pub(super) fn read_from(source: SourceId, bytes: &'a [u8], start: usize) -> Self {
        let marked = start == MARK.len() && bytes.starts_with(MARK);
        let mut file = Self {
            source,
            items: Vec::new(),
            words: Vec::new(),
            fault: None,
            marked,
            looks: Looks::default(),
        };
        let mut blocks = Blocks::new(bytes, start);
        let mut open: Vec<Open> = Vec::new();
        loop {
            match blocks.read() {
                Ok(Some(Statement::Simple)) => file.simple(&blocks, &open),
                // A row cannot have a block (ngx_conf_parse, where there is a handler).
                Ok(Some(Statement::Open)) if innermost(&open) == Some(Block::Table) => {
                    file.fail(bytes, Wrong::Unexpected('{'), blocks.site());
                    return file;
                }
                Ok(Some(Statement::Open)) => file.open(&blocks, &mut open),
                Ok(Some(Statement::Close)) => file.close(open.pop()),
                Ok(Some(Statement::Foreign)) => {}
                Ok(None) => return file,
                Err(fault) => {
                    file.fail(bytes, fault.what, fault.at);
                    return file;
                }
            }
        }
    }

    /// nginx would not read on from here.
    fn fail(&mut self, bytes: &[u8], why: Wrong, at: Range<usize>) {
        self.looks.server |= torn::has_server(bytes);
        // HOCON and others have `http {` too, but hardly a server as nginx has it.
        self.looks.main &= self.looks.server;
        let template = torn::template(bytes, &why, &at);
        if template.is_some() {
            // `listen {{ port }};` is no block.
            let is_block = |item: &Item| matches!(item, Item::Listen(it) | Item::Include(it) if !it.simple);
            self.items.retain(|item| !is_block(item));
        }
        self.fault = Some(Torn { why, at: Span::new(self.source, at), template });
    }

    /// The words after the directive's name.
    pub(super) fn arguments(&self, directive: Directive) -> &[Word<'a>] {
        self.words.get(directive.words.0 as usize..directive.words.1 as usize).unwrap_or_default()
    }

    /// The argument of an include that nginx would follow.
    pub(super) fn included(&self, include: Directive) -> Option<&Word<'a>> {
        match self.arguments(include) {
            [word] if include.simple => Some(word),
            _ => None,
        }
    }

    /// The includes, of which a wrong one has no argument to follow.
    pub(super) fn includes(&self) -> impl Iterator<Item = Option<&Word<'a>>> {
        self.items.iter().filter_map(|item| match item {
            Item::Include(include) => Some(self.included(*include)),
            _ => None,
        })
    }

    /// Whether it makes a difference how often the file is read, apart from what it includes.
    pub(super) fn is_loud(&self) -> bool {
        let inert = |item: &Item| {
            matches!(item, Item::Open(Block::Inner | Block::Table, _) | Item::Close | Item::Include(_))
        };
        self.marked
            || self.fault.is_some()
            || !self.items.iter().all(inert)
            || self.includes().any(|word| word.is_none())
    }

    fn simple(&mut self, blocks: &Blocks<'a>, open: &[Open]) {
        let innermost = innermost(open);
        let [name, arguments @ ..] = blocks.words() else { return };
        match (innermost, &*name.value()) {
            (Some(Block::Foreign), _) => {}
            (Some(Block::Table), b"include") if arguments.len() != 1 => {}
            (_, b"include") => {
                self.looks.server |= innermost == Some(Block::Server);
                self.keep(Item::Include, blocks, true);
            }
            (Some(Block::Table), _) => {}
            (_, b"listen") => {
                self.looks.server |= innermost == Some(Block::Server);
                self.keep(Item::Listen, blocks, true);
            }
            (None, b"worker_processes") => self.keep(Item::Workers, blocks, true),
            (None | Some(Block::Events), b"worker_connections") => {
                self.keep(Item::Connections, blocks, true);
            }
            (None, b"master_process") => self.keep(Item::Master, blocks, true),
            (None, b"run_as") => self.looks.shiny = true,
            (Some(Block::Server), b"server_name") => self.looks.server = true,
            (Some(Block::Server), b"proxy_pass") => {
                self.looks.stream = true;
                self.keep(Item::Pass, blocks, true);
            }
            (Some(Block::Inner | Block::Server) | None, name) if is_pass(name) => {
                self.keep(Item::Pass, blocks, true);
            }
            (Some(Block::Inner) | None, b"server") => self.keep(Item::Peer, blocks, true),
            _ => {}
        }
    }

    fn open(&mut self, blocks: &Blocks<'a>, open: &mut Vec<Open>) {
        let innermost = innermost(open);
        let Some(name) = blocks.words().first().map(Word::value) else { return };
        let block = match innermost {
            Some(Block::Foreign) => Block::Foreign,
            _ => Block::named(&name),
        };
        self.looks.main |=
            innermost.is_none() && matches!(block, Block::Http | Block::Stream | Block::Mail | Block::Events);
        self.looks.server |= innermost == Some(Block::Server) && block == Block::Inner;
        open.push(Open { block, items: self.items.len() });
        match (innermost, block, &*name) {
            (Some(Block::Foreign), ..) => {}
            (_, Block::Foreign, b"listen") => self.keep(Item::Listen, blocks, false),
            (_, Block::Foreign, b"include") => self.keep(Item::Include, blocks, false),
            (_, Block::Foreign, _) => {}
            _ => self.items.push(Item::Open(block, Span::new(self.source, blocks.site()))),
        }
        if block == Block::Inner && *name == *b"upstream" {
            self.keep(Item::Upstream, blocks, false);
        }
    }

    fn close(&mut self, open: Option<Open>) {
        let Some(Open { block, items }) = open else { return };
        match block {
            Block::Foreign => {}
            // Thousands of locations hold nothing that matters here.
            Block::Inner | Block::Table if self.items.len() == items + 1 => self.items.truncate(items),
            _ => self.items.push(Item::Close),
        }
    }

    fn keep(&mut self, item: fn(Directive) -> Item, blocks: &Blocks<'a>, simple: bool) {
        let short = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let first = short(self.words.len());
        self.words.extend(blocks.words().iter().skip(1));
        let words = (first, short(self.words.len()));
        self.items.push(item(Directive { words, at: Span::new(self.source, blocks.site()), simple }));
    }
}

/// The directives of nginx's own modules that pass a request on.
fn is_pass(name: &[u8]) -> bool {
    matches!(
        name,
        b"proxy_pass" | b"fastcgi_pass" | b"uwsgi_pass" | b"scgi_pass" | b"grpc_pass" | b"memcached_pass"
    )
}

fn innermost(open: &[Open]) -> Option<Block> {
    open.last().map(|open| open.block)
}

/// A block that is being read, and how many items there were before it.
struct Open {
    block: Block,
    items: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Origin, Sources};

    fn items(text: &str) -> String {
        let sources = Sources::new();
        let id = sources.add(Origin::Builtin("t".into()), text.as_bytes().to_vec());
        let file = File::read(id, sources.bytes(id));
        let words = |directive: &Directive| -> String {
            let words: Vec<_> = file.arguments(*directive).iter().map(Word::value).collect();
            String::from_utf8_lossy(&words.join(&b' ')).into_owned()
        };
        let items = file.items.iter().map(|item| match item {
            Item::Open(block, _) => format!("{block:?}{{"),
            Item::Close => "}".to_owned(),
            Item::Listen(directive) => format!("listen {};", words(directive)),
            Item::Include(directive) => format!("include {};", words(directive)),
            Item::Workers(directive) => format!("workers {};", words(directive)),
            Item::Connections(directive) => format!("connections {};", words(directive)),
            Item::Master(directive) => format!("master {};", words(directive)),
            Item::Pass(directive) => format!("pass {};", words(directive)),
            Item::Upstream(directive) => format!("upstream {}:", words(directive)),
            Item::Peer(directive) => format!("peer {};", words(directive)),
        });
        items.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn only_what_matters_stays() {
        for (text, seen) in [
            ("http { server { listen 80; root /srv; } }", "Http{ Server{ listen 80; } }"),
            ("server { location / { return 204; } }", "Server{ }"),
            ("server { location / { include a; } }", "Server{ Inner{ include a; } }"),
            ("map $a $b { listen 1; include m; x y; }", "Table{ include m; }"),
            ("types { a b; }", ""),
            ("rtmp { server { listen 1935; include x; } }", ""),
            ("events { worker_connections 9; }", "Events{ connections 9; }"),
            ("worker_processes 2; http { worker_processes 3; }", "workers 2; Http{ }"),
            ("server { listen 80 { } }", "Server{ listen 80; }"),
            ("content_by_lua_block { server { listen 1; } }", ""),
            ("\"server\" { 'listen' \"a b\"; }", "Server{ listen a b; }"),
            ("server { location / { proxy_pass http://a; } }", "Server{ Inner{ pass http://a; } }"),
            ("upstream a { zone z 1m; server b:1 down; }", "Inner{ upstream a: peer b:1 down; }"),
        ] {
            assert_eq!(items(text), seen, "{text}");
        }
    }
}
