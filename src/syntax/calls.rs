//! Source code as a flat tree of named nodes, through tree-sitter, and the names that are bound in it. It knows how programs
//! are written, not what they do; the reader of a language says which nodes bind a name.

use std::num::NonZeroU16;
use std::ops::ControlFlow;

use tree_sitter::{Language, ParseOptions, ParseState, Parser, Tree, TreeCursor};

use crate::text::{HashMap, SourceId, Sources, Span, larger, over};

/// The largest program that is parsed, in bytes. What is larger was made by a machine.
pub const MAX_CODE: usize = 1 << 20;

/// How often the parser may report progress, which it does after every hundred steps. Programs take 5 to 15 reports a KiB;
/// what takes more was made to cost memory.
const MAX_REPORTS: u32 = 12_000;

/// The deepest nesting that is followed: a chain of calls is one level a call, and nobody writes thousands.
pub const MAX_DEPTH: u32 = 2_000;

/// Why there is no tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unparsed {
    #[error("{}", larger("programs", MAX_CODE, *.0))]
    TooLarge(usize),
    #[error("the audit does not read programs nested more than {MAX_DEPTH} deep")]
    TooDeep,
    #[error("the audit does not read programs that need more than {} parser steps", MAX_REPORTS * 100)]
    TooLong,
}

/// A node of a [`Code`], by its number in the order of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u32);

#[derive(Debug, Clone, Copy)]
struct Node {
    kind: u16,
    field: Option<NonZeroU16>,
    start: u32,
    end: u32,
    parent: u32,
    /// The number of the first node after it that does not lie in it.
    until: u32,
}

/// A parsed program. Comments, punctuation and keywords are left out; operators stay.
#[derive(Debug)]
pub struct Code<'a> {
    sources: &'a Sources,
    pub source: SourceId,
    text: &'a [u8],
    nodes: Vec<Node>,
    kinds: Vec<String>,
    fields: Vec<String>,
    broken: Option<Id>,
}

impl<'a> Code<'a> {
    /// Parses a program. A broken one has a tree as well: what can be read is read. That there is none is told.
    pub fn parse(sources: &'a Sources, source: SourceId, language: &Language) -> Result<Self, Unparsed> {
        Self::parse_instead(sources, source, sources.bytes(source), language)
    }

    /// Parses what stands for a program: as many bytes, of which some are others.
    pub fn parse_instead(
        sources: &'a Sources,
        source: SourceId,
        instead: &[u8],
        language: &Language,
    ) -> Result<Self, Unparsed> {
        let code = parsed(instead, language).and_then(|tree| Self::of(&tree, sources, source, language, 0));
        code.inspect_err(|why| tell(sources, source, *why))
    }

    /// Parses a file that is one value, such as JSON. Bare, its braces would be a block; so it is read in parentheses.
    pub fn parse_value(
        sources: &'a Sources,
        source: SourceId,
        language: &Language,
    ) -> Result<Self, Unparsed> {
        let wrapped = [b"(", sources.bytes(source), b")"].concat();
        let code = parsed(&wrapped, language).and_then(|tree| Self::of(&tree, sources, source, language, 1));
        code.inspect_err(|why| tell(sources, source, *why))
    }

    fn of(
        tree: &Tree,
        sources: &'a Sources,
        source: SourceId,
        language: &Language,
        shift: usize,
    ) -> Result<Self, Unparsed> {
        let mut code = Self {
            sources,
            source,
            text: sources.bytes(source),
            nodes: Vec::new(),
            kinds: named(language.node_kind_count(), |id| language.node_kind_for_id(id)),
            fields: named(language.field_count() + 1, |id| language.field_name_for_id(id)),
            broken: None,
        };
        code.flatten(&mut tree.walk(), shift)?;
        Ok(code)
    }

    /// Copies the tree in the order of the text, with a cursor instead of recursion: the depth is the author's to choose.
    fn flatten(&mut self, cursor: &mut TreeCursor<'_>, shift: usize) -> Result<(), Unparsed> {
        let mut open = Vec::new();
        loop {
            let node = cursor.node();
            let wanted =
                (node.is_named() || cursor.field_id().is_some()) && (!node.is_extra() || node.is_error());
            if node.is_error() || node.is_missing() {
                self.broken.get_or_insert(Id(short(self.nodes.len())));
            }
            if wanted {
                self.nodes.push(Node {
                    kind: node.kind_id(),
                    field: cursor.field_id(),
                    start: short(node.start_byte().saturating_sub(shift)),
                    end: short(node.end_byte().saturating_sub(shift)),
                    parent: open.last().copied().unwrap_or(0),
                    until: 0,
                });
            }
            if wanted && cursor.goto_first_child() {
                open.push(short(self.nodes.len() - 1));
                if open.len() > MAX_DEPTH as usize {
                    return Err(Unparsed::TooDeep);
                }
                continue;
            }
            if wanted {
                self.close(short(self.nodes.len() - 1));
            }
            while !cursor.goto_next_sibling() {
                let Some(parent) = open.pop() else { return Ok(()) };
                self.close(parent);
                cursor.goto_parent();
            }
        }
    }

    fn close(&mut self, id: u32) {
        let until = short(self.nodes.len());
        if let Some(node) = self.nodes.get_mut(id as usize) {
            node.until = until;
        }
    }

    fn node(&self, id: Id) -> Node {
        const NOTHING: Node = Node { kind: 0, field: None, start: 0, end: 0, parent: 0, until: 0 };
        self.nodes.get(id.0 as usize).copied().unwrap_or(NOTHING)
    }

    pub fn root(&self) -> Id {
        Id(0)
    }

    /// The first place that the language's grammar does not allow.
    pub fn broken(&self) -> Option<Id> {
        self.broken
    }

    /// Every node, in the order of the text.
    pub fn all(&self) -> impl Iterator<Item = Id> + use<> {
        (0..short(self.nodes.len())).map(Id)
    }

    /// A node and every node in it, in the order of the text.
    pub fn all_in(&self, id: Id) -> impl Iterator<Item = Id> + use<> {
        (id.0..self.node(id).until).map(Id)
    }

    /// The grammar's name for what the node is.
    pub fn kind(&self, id: Id) -> &str {
        let kind = usize::from(self.node(id).kind);
        self.kinds.get(kind).map_or("ERROR", String::as_str)
    }

    /// The part that the node plays in its parent, by the grammar's name for it.
    pub fn role(&self, id: Id) -> &str {
        let field = self.node(id).field.map_or(0, |field| usize::from(field.get()));
        self.fields.get(field).map_or("", String::as_str)
    }

    pub fn parent(&self, id: Id) -> Option<Id> {
        (id.0 > 0).then(|| Id(self.node(id).parent))
    }

    /// What the node lies in, from the inside out.
    pub fn ancestors(&self, id: Id) -> impl Iterator<Item = Id> {
        std::iter::successors(self.parent(id), |id| self.parent(*id))
    }

    pub fn children(&self, id: Id) -> impl Iterator<Item = Id> {
        let end = self.node(id).until;
        let within = move |child: &u32| *child < end;
        std::iter::successors(Some(id.0 + 1).filter(within), move |child| {
            Some(self.node(Id(*child)).until).filter(within)
        })
        .map(Id)
    }

    pub fn last_child(&self, id: Id) -> Option<Id> {
        self.children(id).last()
    }

    /// The child that plays a part.
    pub fn field(&self, id: Id, role: &str) -> Option<Id> {
        self.children(id).find(|child| self.role(*child) == role)
    }

    /// Whether `inner` is `outer` or lies in it.
    pub fn contains(&self, outer: Id, inner: Id) -> bool {
        outer.0 <= inner.0 && inner.0 < self.node(outer).until
    }

    pub fn span(&self, id: Id) -> Span {
        let node = self.node(id);
        Span { source: self.source, start: node.start, end: node.end }
    }

    /// The innermost node that covers this very span.
    pub fn at(&self, span: Span) -> Option<Id> {
        let first = self.nodes.partition_point(|node| node.start < span.start);
        let rest = self.nodes.iter().enumerate().skip(first).take_while(|(_, node)| node.start == span.start);
        let found = rest.filter(|(_, node)| node.end == span.end && span.source == self.source).last();
        found.map(|(id, _)| Id(short(id)))
    }

    /// Says that a bound was reached at a node.
    pub fn cut_off(&self, at: Id, what: impl Into<String>) {
        self.sources.not_followed(self.span(at), what);
    }

    /// The first of all that stand in some relation to a node. Where somebody asks for more, it is told that there are.
    pub fn first<T>(
        &self,
        most: usize,
        what: &'static str,
        at: Id,
        all: impl Iterator<Item = T>,
    ) -> impl Iterator<Item = T> {
        let mut left = most;
        all.take_while(move |_| {
            if left == 0 {
                self.cut_off(at, over(what, most));
            }
            left.checked_sub(1).inspect(|less| left = *less).is_some()
        })
    }

    /// The node as written; empty where it is not UTF-8.
    pub fn text(&self, id: Id) -> &'a str {
        self.text_of(self.span(id))
    }

    /// What is written at a span of the program; empty where it is not UTF-8.
    pub fn text_of(&self, span: Span) -> &'a str {
        std::str::from_utf8(self.text.get(span.range()).unwrap_or_default()).unwrap_or_default()
    }
}

fn tell(sources: &Sources, source: SourceId, why: Unparsed) {
    sources.not_followed(Span::top(source), why.to_string());
}

fn parsed(text: &[u8], language: &Language) -> Result<Tree, Unparsed> {
    if text.len() > MAX_CODE {
        return Err(Unparsed::TooLarge(text.len()));
    }
    let mut parser = Parser::new();
    parser.set_language(language).map_err(|_| Unparsed::TooLong)?;
    let mut reports = 0;
    let mut report = |_: &ParseState| {
        reports += 1;
        if reports > MAX_REPORTS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut report);
    let rest = &mut |at: usize, _| text.get(at..).unwrap_or_default();
    parser.parse_with_options(rest, None, Some(options)).ok_or(Unparsed::TooLong)
}

fn named<'l>(count: usize, name: impl Fn(u16) -> Option<&'l str>) -> Vec<String> {
    (0..u16::try_from(count).unwrap_or(u16::MAX)).map(|id| name(id).unwrap_or_default().to_owned()).collect()
}

/// Programs are far below 4 GiB ([`MAX_CODE`]).
fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The names that a program binds, by the node in which they hold. `B` is what a language's reader knows of a binding.
#[derive(Debug)]
pub struct Scopes<'a, B> {
    names: HashMap<Id, HashMap<&'a str, Vec<B>>>,
}

impl<B> Default for Scopes<'_, B> {
    fn default() -> Self {
        Self { names: HashMap::default() }
    }
}

impl<'a, B> Scopes<'a, B> {
    /// A name may be bound more than once: it is assigned again, or declared in several branches.
    pub fn bind(&mut self, scope: Id, name: &'a str, binding: B) {
        self.names.entry(scope).or_default().entry(name).or_default().push(binding);
    }

    /// What a name means at a node, and the node in which it does: the innermost binding counts.
    pub fn find(&self, code: &Code<'_>, name: &str, at: Id) -> Option<(Id, &[B])> {
        std::iter::once(at)
            .chain(code.ancestors(at))
            .find_map(|scope| Some((scope, self.names.get(&scope)?.get(name)?.as_slice())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Origin, Sources};

    fn javascript() -> Language {
        tree_sitter_javascript::LANGUAGE.into()
    }

    fn parse<'a>(sources: &'a Sources, text: &str) -> Result<Code<'a>, Unparsed> {
        let source = sources.add(Origin::Builtin("t.js".into()), text.as_bytes().to_vec());
        Code::parse(sources, source, &javascript())
    }

    #[test]
    fn a_call_has_its_parts() {
        let sources = Sources::new();
        let code = parse(&sources, "/* x */ a.listen(1, /* y */ 'b');").unwrap();
        let call = code.all().find(|id| code.kind(*id) == "call_expression").unwrap();
        let callee = code.field(call, "function").unwrap();
        assert_eq!(code.text(code.field(callee, "property").unwrap()), "listen");
        let arguments = code.field(call, "arguments").unwrap();
        let texts: Vec<_> = code.children(arguments).map(|id| code.text(id)).collect();
        assert_eq!(texts, ["1", "'b'"]);
        assert!(code.contains(call, arguments) && !code.contains(arguments, call));
        assert_eq!(code.ancestors(callee).last(), Some(code.root()));
        assert_eq!(code.broken(), None);
    }

    #[test]
    fn a_node_is_found_by_its_place() {
        let sources = Sources::new();
        let code = parse(&sources, "a(512);").unwrap();
        let number = code.all().find(|id| code.kind(*id) == "number").unwrap();
        assert_eq!(code.at(code.span(number)), Some(number));
        assert_eq!(code.at(Span { end: 6, ..code.span(number) }), None);
    }

    #[test]
    fn operators_stay_and_what_is_broken_is_known() {
        let sources = Sources::new();
        let code = parse(&sources, "x = a || b; ) y").unwrap();
        let or = code.all().find(|id| code.kind(*id) == "binary_expression").unwrap();
        assert_eq!(code.field(or, "operator").map(|id| code.text(id)), Some("||"));
        assert!(code.broken().is_some());
    }

    #[test]
    fn a_value_keeps_its_place() {
        let sources = Sources::new();
        let source = sources.add(Origin::Builtin("t.json".into()), &b"{ \"a\": 12 }"[..]);
        let code = Code::parse_value(&sources, source, &javascript()).unwrap();
        let number = code.all().find(|id| code.kind(*id) == "number").unwrap();
        assert_eq!((code.text(number), code.span(number).range()), ("12", 7..9));
    }

    #[test]
    fn the_innermost_binding_counts() {
        let sources = Sources::new();
        let code = parse(&sources, "{ x } x").unwrap();
        let mut scopes = Scopes::default();
        let block = code.children(code.root()).next().unwrap();
        scopes.bind(code.root(), "x", 1);
        scopes.bind(block, "x", 2);
        scopes.bind(block, "x", 3);
        let inner = code.children(block).next().unwrap();
        assert_eq!(scopes.find(&code, "x", inner), Some((block, &[2, 3][..])));
        let last = code.last_child(code.root()).unwrap();
        assert_eq!(scopes.find(&code, "x", last), Some((code.root(), &[1][..])));
        assert_eq!(scopes.find(&code, "y", last), None);
    }

    #[test]
    fn bombs_end_soon() {
        let sources = Sources::new();
        assert_eq!(parse(&sources, &" ".repeat(MAX_CODE + 1)).unwrap_err(), Unparsed::TooLarge(MAX_CODE + 1));
        for open in ["{", "(", "[", "a(", "`${", "function f(){", "a=>"] {
            let started = std::time::Instant::now();
            let _ = parse(&sources, &open.repeat(200_000.min(MAX_CODE / open.len())));
            assert!(started.elapsed().as_secs() < 5, "{open}");
        }
        let nested = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(parse(&sources, &nested(MAX_DEPTH as usize)).unwrap_err(), Unparsed::TooDeep);
        assert_eq!(parse(&sources, &nested(500_000)).unwrap_err(), Unparsed::TooLong);
    }
}
