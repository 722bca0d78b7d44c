//! The blocks of a Caddyfile: the global options and the sites, with snippets and imported files in their places.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use super::{Broken, Token};
use crate::text::{HashMap, HashSet, SourceId, Sources, Span, Tree, has_magic, over};

/// Snippets and files can import each other into millions of words.
const MAX_TOKENS: usize = 200_000;
const MAX_IMPORTS: usize = 2_000;
/// Or into few words that double each other.
const MAX_BYTES: usize = 16 << 20;
/// What it costs to begin with a file, in bytes.
const COST: usize = 64;

/// Where a Caddyfile lies, and what is known besides it.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    pub sources: &'a Sources,
    pub tree: &'a Tree,
    /// The folder of the main file.
    pub folder: &'a Path,
    /// On this machine: what is not there is not there.
    pub installed: bool,
    /// What `{$NAME}` is.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

/// One block: what stands before its brace, and what stands in it.
#[derive(Debug)]
pub struct Block {
    pub keys: Vec<Token>,
    pub body: Vec<Token>,
}

/// What a Caddyfile and all that it imports come to.
#[derive(Debug, Default)]
pub struct Blocks {
    pub global: Vec<Token>,
    pub sites: Vec<Block>,
    /// What Caddy would stop at.
    pub broken: Option<Broken>,
    /// It is a bound of ours that it broke at.
    pub cut: bool,
    /// The files that were imported.
    pub imported: HashSet<PathBuf>,
    /// Imports that lead out of what was given.
    pub missing: Vec<Broken>,
}

/// A line of a block's body, without its braces.
pub struct Line<'t> {
    /// How many braces are open around it.
    pub depth: usize,
    pub words: &'t [Token],
}

/// The lines of a body.
pub fn lines(body: &[Token]) -> Vec<Line<'_>> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for (at, token) in body.iter().enumerate() {
        let brace = token.opens() || token.closes();
        if (brace || token.first) && start < at {
            found.push(Line { depth, words: body.get(start..at).unwrap_or_default() });
        }
        match () {
            () if token.opens() => depth += 1,
            () if token.closes() => depth = depth.saturating_sub(1),
            () => {}
        }
        if brace || token.first {
            start = at + usize::from(brace);
        }
    }
    let words = body.get(start..).unwrap_or_default();
    if !words.is_empty() {
        found.push(Line { depth, words });
    }
    found
}

/// Reads one Caddyfile.
pub fn read(setting: Setting<'_>, file: SourceId) -> Blocks {
    let mut reader = Reader {
        setting,
        pending: Vec::new(),
        snippets: HashMap::default(),
        taken: 0,
        put: 0,
        bytes: Cell::new(0),
        imports: 0,
        edges: HashMap::default(),
        made: Blocks::default(),
    };
    let done = reader.tokens(file).and_then(|mut tokens| {
        tokens.reverse();
        reader.pending = tokens;
        reader.all()
    });
    reader.made.broken = done.err();
    reader.made
}

struct Reader<'a> {
    setting: Setting<'a>,
    /// What is still to be read, the next word last.
    pending: Vec<Token>,
    snippets: HashMap<String, Vec<Token>>,
    taken: usize,
    /// How many words imports have brought in.
    put: usize,
    /// How many bytes files, imports and variables have had.
    bytes: Cell<usize>,
    imports: usize,
    /// Which files import which: Caddy refuses those that import themselves.
    edges: HashMap<SourceId, HashSet<SourceId>>,
    made: Blocks,
}

impl Reader<'_> {
    fn tokens(&mut self, file: SourceId) -> Result<Vec<Token>, Broken> {
        let bytes = self.setting.sources.bytes(file);
        if !self.spend(bytes.len() + COST) {
            return Err(self.too_long(Span::top(file)));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let at = error.valid_up_to();
            ("it is not UTF-8".to_owned(), Span::new(file, at..at))
        })?;
        let lookup = |name: &str| (self.setting.variable)(name).filter(|value| self.spend(value.len()));
        let tokens = super::tokens(file, text, &lookup);
        match self.bytes.get() > MAX_BYTES {
            true => Err(self.too_long(Span::top(file))),
            false => tokens,
        }
    }

    /// Whether there is so much left to put in.
    fn spend(&self, bytes: usize) -> bool {
        self.bytes.set(self.bytes.get().saturating_add(bytes));
        self.bytes.get() <= MAX_BYTES
    }

    fn too_long(&mut self, at: Span) -> Broken {
        self.made.cut = true;
        (over("MiB of files, imports and variables", MAX_BYTES >> 20), at)
    }

    fn next(&mut self) -> Result<Option<Token>, Broken> {
        let Some(token) = self.pending.pop() else { return Ok(None) };
        self.taken += 1;
        match self.taken > MAX_TOKENS {
            true => Err(self.too_much(token.span)),
            false => Ok(Some(token)),
        }
    }

    fn too_much(&mut self, at: Span) -> Broken {
        self.made.cut = true;
        (over("words of a file and its imports", MAX_TOKENS), at)
    }

    fn peek(&self) -> Option<&Token> {
        self.pending.last()
    }

    fn all(&mut self) -> Result<(), Broken> {
        // Snippets may stand before the global options.
        let mut is_beginning = true;
        while let Some(token) = self.next()? {
            if token.first && token.text == "import" {
                self.import(&token)?;
                continue;
            }
            if self.is_empty_line(&token) {
                continue;
            }
            is_beginning &= !self.block(token, is_beginning)?;
        }
        Ok(())
    }

    /// A variable that nobody sets, alone on its line, is no site.
    fn is_empty_line(&self, token: &Token) -> bool {
        let alone = self.peek().is_none_or(|next| next.first && !next.opens());
        token.first && alone && token.text.starts_with("{$") && token.text.ends_with('}')
    }

    /// Reads a block; says whether it is one that Caddy keeps.
    fn block(&mut self, token: Token, is_beginning: bool) -> Result<bool, Broken> {
        let at = token.span;
        let (keys, braced) = self.keys(token)?;
        if let [only] = keys.as_slice() {
            let is_route = only.text.starts_with("&(") && only.text.ends_with(')');
            if is_route || (only.text.starts_with('(') && only.text.ends_with(')')) {
                if !braced {
                    return Err((format!("Syntax error: '{}' has no block", only.text), only.span));
                }
                let body = self.raw(only.span)?;
                let name = only.text.trim_start_matches('(').trim_end_matches(')').to_owned();
                if !is_route && self.snippets.insert(name, body).is_some() {
                    let what = format!("redeclaration of previously declared snippet {}", only.text);
                    return Err((what, only.span));
                }
                return Ok(is_route);
            }
        }
        let body = self.body(at, braced)?;
        match (keys.is_empty(), is_beginning) {
            (true, true) => self.made.global = body,
            (true, false) => {
                let what =
                    "server block without any key is global configuration, and if used, it must be first";
                return Err((what.to_owned(), at));
            }
            (false, _) => self.made.sites.push(Block { keys, body }),
        }
        Ok(true)
    }

    /// The keys of a block, and whether a brace follows them.
    fn keys(&mut self, first: Token) -> Result<(Vec<Token>, bool), Broken> {
        let mut keys = Vec::new();
        let mut next = Some(first);
        let mut another = false;
        while let Some(mut token) = next {
            if token.opens() {
                if another {
                    return Err((
                        "Expected another address but had '{' - check for extra comma".into(),
                        token.span,
                    ));
                }
                return Ok((keys, true));
            }
            if token.closes() {
                return Err(("Unexpected '}' because no matching opening brace".into(), token.span));
            }
            if token.text.ends_with('{') {
                let what = format!("Site addresses cannot end with a curly brace: '{}'", token.text);
                return Err((what, token.span));
            }
            another = token.text.ends_with(',');
            if another {
                token.text.pop();
                token.span.end = token.span.end.saturating_sub(1).max(token.span.start);
            }
            if token.text.contains(',') {
                let what = format!("Site addresses cannot contain a comma ',': '{}'", token.text);
                return Err((what, token.span));
            }
            let at = token.span;
            if !token.text.is_empty() {
                keys.push(token);
            }
            match self.peek() {
                None if another => return Err(("Unexpected EOF".to_owned(), at)),
                None => break,
                Some(following) if !another && following.first => break,
                Some(_) => {}
            }
            next = self.next()?;
        }
        Ok((keys, false))
    }

    /// The words up to the brace that closes the block, nothing imported.
    fn raw(&mut self, at: Span) -> Result<Vec<Token>, Broken> {
        let mut words = Vec::new();
        let mut depth = 0_usize;
        while let Some(token) = self.next()? {
            match () {
                () if token.opens() => depth += 1,
                () if token.closes() && depth == 0 => return Ok(words),
                () if token.closes() => depth -= 1,
                () => {}
            }
            words.push(token);
        }
        Err(("Unexpected EOF".to_owned(), at))
    }

    fn body(&mut self, at: Span, braced: bool) -> Result<Vec<Token>, Broken> {
        let mut words = Vec::new();
        let mut depth = 0_usize;
        while let Some(token) = self.next()? {
            if token.first && token.text == "import" {
                self.import(&token)?;
                continue;
            }
            match () {
                () if token.opens() => depth += 1,
                () if token.closes() && depth > 0 => depth -= 1,
                () if token.closes() && braced => return Ok(words),
                () if token.closes() => {
                    return Err(("Unexpected '}' because no matching opening brace".into(), token.span));
                }
                () => {}
            }
            words.push(token);
        }
        match braced || depth > 0 {
            true => Err(("Unexpected EOF".to_owned(), at)),
            false => Ok(words),
        }
    }

    /// Puts a snippet or files in the place of an `import`.
    fn import(&mut self, import: &Token) -> Result<(), Broken> {
        let mut arguments = Vec::new();
        while self.peek().is_some_and(|next| !next.first && !next.opens()) {
            arguments.extend(self.next()?);
        }
        let block = match self.peek() {
            Some(next) if next.opens() && !next.first => {
                let brace = next.span;
                self.next()?;
                self.raw(brace)?
            }
            _ => Vec::new(),
        };
        self.imports += 1;
        let mut arguments = arguments.into_iter();
        let Some(what) = arguments.next().filter(|what| !what.text.is_empty()) else {
            return Err(("Import requires a non-empty filepath".to_owned(), import.span));
        };
        if self.imports > MAX_IMPORTS {
            self.made.cut = true;
            return Err((over("imports", MAX_IMPORTS), import.span));
        }
        let arguments: Vec<String> = arguments.map(|argument| argument.text).collect();
        let tokens = match self.snippets.get(&what.text) {
            Some(snippet) => snippet.clone(),
            None => self.files(&what)?,
        };
        self.put(import.span, tokens, &arguments, &block)
    }

    fn put(
        &mut self,
        at: Span,
        tokens: Vec<Token>,
        arguments: &[String],
        block: &[Token],
    ) -> Result<(), Broken> {
        if let Some(next) = self.pending.last_mut() {
            next.first = true;
        }
        let mut put = Vec::new();
        for (index, mut token) in tokens.into_iter().enumerate() {
            token.first |= index == 0;
            let before = put.len();
            match token.text.as_str() {
                "{block}" => put.extend(block.iter().cloned()),
                "{args[:]}" => {
                    put.extend(arguments.iter().map(|text| Token { text: text.clone(), ..token.clone() }))
                }
                text if text.contains("{args") => {
                    let most = MAX_BYTES.saturating_sub(self.bytes.get());
                    token.text = filled(text, arguments, most).ok_or_else(|| self.too_long(at))?;
                    put.push(token);
                }
                _ => put.push(token),
            }
            let new = put.get(before..).unwrap_or_default();
            self.put += new.len();
            if self.put > MAX_TOKENS {
                return Err(self.too_much(at));
            }
            if !self.spend(new.iter().map(|token| token.text.len()).sum()) {
                return Err(self.too_long(at));
            }
        }
        self.pending.extend(put.into_iter().rev());
        Ok(())
    }

    /// The words of the files that a pattern names.
    fn files(&mut self, what: &Token) -> Result<Vec<Token>, Broken> {
        if what.is_open() {
            return Ok(Vec::new());
        }
        let pattern = self.pattern(what);
        let mut text = pattern.to_string_lossy().into_owned();
        let is_here = |pattern: &str| !self.setting.tree.glob(pattern.as_bytes()).is_empty();
        if !self.setting.installed && Path::new(&what.text).is_absolute() && !is_here(&text) {
            let folder = pattern.ancestors().find(|path| !has_magic(path.as_os_str().as_encoded_bytes()));
            if let Some(end) = self.end_here(Path::new(&what.text)) {
                let message = format!("the import of {} leads out of the repository", what.text);
                self.made.missing.push((format!("{message}: assuming that it means {end}"), what.span));
                text = end;
            } else if has_magic(text.as_bytes())
                && !folder.is_some_and(|folder| self.setting.tree.is_folder(folder))
            {
                let message = format!("the import of {} leads out of the repository", what.text);
                self.made.missing.push((format!("{message}: its listeners are unknown"), what.span));
            }
        }
        if !has_magic(text.as_bytes()) && !self.setting.tree.exists(Path::new(&text)) {
            let missing = (format!("File to import not found: {}", what.text), what.span);
            // What a repository imports may lie on the machine only.
            if !self.setting.installed {
                self.made.missing.push(missing);
                return Ok(Vec::new());
            }
            return Err(missing);
        }
        let mut tokens = Vec::new();
        for path in self.setting.tree.glob(text.as_bytes()) {
            let read = self.setting.tree.read(self.setting.sources, &path);
            let file =
                read.map_err(|why| (format!("Could not import {}: {why}", path.display()), what.span))?;
            if self.is_cycle(what.span.source, file) {
                let name = |file| self.setting.sources.get(file).name();
                let (from, to) = (name(what.span.source), name(file));
                return Err((format!("a cycle of imports exists between /{from} and /{to}"), what.span));
            }
            self.made.imported.extend(self.setting.tree.resolve(&path).ok());
            let mut more = self.tokens(file)?;
            if let Some(first) = more.first_mut() {
                first.first = true;
            }
            tokens.extend(more);
            if tokens.len() > MAX_TOKENS {
                return Err(self.too_much(what.span));
            }
        }
        Ok(tokens)
    }

    /// The longest end of a path on some machine that names files beside the main one: with its folder, not by name alone.
    fn end_here(&self, path: &Path) -> Option<String> {
        let parts: Vec<_> = path.iter().collect();
        let mut ends = (1..parts.len().saturating_sub(1)).filter_map(|from| parts.get(from..));
        let here = |end: &[&std::ffi::OsStr]| {
            let end = self.setting.folder.join(end.iter().collect::<PathBuf>());
            let end = end.to_string_lossy().into_owned();
            (!self.setting.tree.glob(end.as_bytes()).is_empty()).then_some(end)
        };
        ends.find_map(here)
    }

    /// Whether a file that another is to import leads back to it (importgraph.go).
    fn is_cycle(&mut self, from: SourceId, to: SourceId) -> bool {
        let (mut met, mut left) = (HashSet::default(), vec![to]);
        while let Some(file) = left.pop() {
            if file == from {
                return true;
            }
            if met.insert(file) {
                left.extend(self.edges.get(&file).into_iter().flatten());
            }
        }
        self.edges.entry(from).or_default().insert(to);
        false
    }

    /// A pattern is relative to the file that the `import` stands in. In a repository `/etc/caddy` is the main file's folder.
    fn pattern(&self, what: &Token) -> PathBuf {
        let path = Path::new(&what.text);
        if path.is_absolute() {
            let inside = path.strip_prefix("/etc/caddy").ok();
            let inside = inside.filter(|_| !self.setting.installed);
            return inside.map_or_else(|| path.to_owned(), |inside| self.setting.folder.join(inside));
        }
        let source = self.setting.sources.get(what.span.source);
        let folder = source.path().and_then(Path::parent).unwrap_or(self.setting.folder);
        folder.join(path)
    }
}

/// A word with the arguments of its import: `{args[0]}` and the older `{args.0}`; nothing where it would be longer than `most`.
fn filled(text: &str, arguments: &[String], most: usize) -> Option<String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{args") {
        filled.push_str(before);
        let Some((inside, following)) = after.split_once('}') else { break };
        let index = inside.strip_prefix('.').or_else(|| inside.strip_prefix('[')?.strip_suffix(']'));
        match index.and_then(|index| arguments.get(index.parse::<usize>().ok()?)) {
            Some(argument) => filled.push_str(argument),
            None => filled.push_str(&format!("{{args{inside}}}")),
        }
        if filled.len() > most {
            return None;
        }
        rest = following;
    }
    filled.push_str(rest);
    Some(filled)
}
