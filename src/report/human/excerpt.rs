//! The lines that a finding points at, from all the files that take part, as one text that miette can draw: masked, harmless,
//! cut to the width of the screen, each block of lines under the name of its file.

use std::ops::{Range, RangeInclusive};

use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use unicode_width::UnicodeWidthChar;

use crate::report::screen::{tail, wrapping};
use crate::report::{plain, secrets};
use crate::text::{Source, SourceId, Sources, Span};

/// Runs of lines that are this close are drawn as one.
const CLOSE: usize = 3;

/// A tab goes to the next multiple of this many columns.
const TAB: usize = 4;

/// A message that has to be wrapped keeps at least this many columns.
const LEAST: usize = 24;

/// What a source is called.
pub(super) type Name<'a> = &'a dyn Fn(&Source) -> String;

/// A place and what is said about it; nothing, if the message is empty.
pub(super) struct Mark {
    pub(super) at: Span,
    pub(super) message: String,
}

impl Mark {
    /// The file as a whole is meant, or it has no text: there is nothing to draw.
    pub(super) fn is_whole_file(&self, sources: &Sources) -> bool {
        self.at.end == 0 || sources.bytes(self.at.source).is_empty()
    }
}

#[derive(Debug)]
pub(super) struct Excerpt {
    text: String,
    blocks: Vec<Block>,
    labels: Vec<Label>,
}

/// Lines of one file that follow one another.
#[derive(Debug)]
struct Block {
    name: String,
    first_line: usize,
    lines: usize,
    text: Range<usize>,
}

/// A mark as it stands in the text.
#[derive(Debug)]
struct Label {
    text: Range<usize>,
    message: String,
    /// In the file, from 1.
    line: usize,
    column: usize,
    /// In the drawn line, from 0.
    drawn_column: usize,
}

impl Excerpt {
    /// The first mark of a file decides the order of the files. Marks that mean a whole file are left out.
    pub(super) fn new(sources: &Sources, name: Name<'_>, marks: &[Mark], width: usize) -> Self {
        let mut excerpt = Self { text: String::new(), blocks: Vec::new(), labels: Vec::new() };
        let marks: Vec<&Mark> = marks.iter().filter(|mark| !mark.is_whole_file(sources)).collect();
        let mut files: Vec<SourceId> = Vec::new();
        for mark in &marks {
            if !files.contains(&mark.at.source) {
                files.push(mark.at.source);
            }
        }
        for file in files {
            let of_file = marks.iter().filter(|mark| mark.at.source == file).copied();
            let placed = of_file.map(|mark| (sources.position(mark.at).line, mark)).collect();
            let source = sources.get(file);
            excerpt.add_file(source, &name(source), placed, width);
        }
        excerpt.part_overlaps();
        excerpt.shorten_names(width);
        excerpt
    }

    /// Cuts the start off names with which miette's `   ╭─[name:line:column]` would be wider than the screen.
    fn shorten_names(&mut self, width: usize) {
        let last = self.blocks.iter().map(|block| block.first_line + block.lines - 1).max().unwrap_or(0);
        for block in &mut self.blocks {
            let here = self.labels.iter().filter(|label| block.text.contains(&label.text.start));
            let place =
                here.map(|label| format!(":{}:{}", label.line, label.column).len()).max().unwrap_or(0);
            let room = width.saturating_sub(gutter(last) + BRACKETS + place);
            block.name = tail(&block.name, room, "…");
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The labels for miette, their messages wrapped so that they end where the screen does.
    pub(super) fn labels(&self, width: usize) -> Vec<LabeledSpan> {
        let label = |label: &Label| {
            let middle = label.drawn_column + label.text.len() / 2;
            let room = width.saturating_sub(middle + gutter(label.line) + BRANCH).max(LEAST);
            let message = textwrap::wrap(&label.message, wrapping(room)).join("\n");
            LabeledSpan::new((!message.is_empty()).then_some(message), label.text.start, label.text.len())
        };
        self.labels.iter().map(label).collect()
    }

    fn add_file(&mut self, source: &Source, name: &str, marks: Vec<(usize, &Mark)>, width: usize) {
        for lines in runs(source, &marks) {
            let start = self.text.len();
            for line in lines.clone() {
                let on_line = marks.iter().filter(|(of, _)| *of == line).map(|(_, mark)| *mark);
                self.add_line(source, line, on_line, width);
            }
            let text = start..self.text.len();
            self.blocks.push(Block {
                name: name.to_owned(),
                first_line: *lines.start(),
                lines: lines.count(),
                text,
            });
        }
    }

    fn add_line<'a>(
        &mut self,
        source: &Source,
        line: usize,
        marks: impl Iterator<Item = &'a Mark>,
        width: usize,
    ) {
        let start = source.start_of(line);
        let bytes = source.line(line);
        let mut marks: Vec<(Range<usize>, &Mark)> =
            marks.map(|mark| (within(mark.at, start, bytes.len()), mark)).collect();
        marks.sort_by_key(|(range, _)| (range.start, range.end));
        let room = width.saturating_sub(gutter(line)).max(20);
        let spots: Vec<Spot> =
            marks.iter().map(|(range, mark)| Spot::new(range.clone(), &mark.message)).collect();
        let mut drawn = Drawn::new(bytes, &secrets::secrets_on(source, line), &spots, room);
        if marks.iter().any(|(range, _)| range.start == bytes.len()) {
            // Something for a mark at the end of a line to stand under.
            drawn.text.push(' ');
        }
        let base = self.text.len();
        for (range, mark) in marks {
            let (from, to) =
                (drawn.offset(range.start), drawn.offset(range.end).max(drawn.offset(range.start)));
            self.labels.push(Label {
                text: base + from..base + to,
                message: plain::said(&mark.message),
                line,
                column: String::from_utf8_lossy(bytes.get(..range.start).unwrap_or_default()).chars().count()
                    + 1,
                drawn_column: columns(drawn.text.get(..from).unwrap_or_default()),
            });
        }
        self.text.push_str(&drawn.text);
        self.text.push('\n');
    }

    /// miette draws the labels of a line side by side: of two that overlap, the first keeps what stands before the second; two
    /// that start together become one.
    fn part_overlaps(&mut self) {
        let mut parted: Vec<Label> = Vec::new();
        for label in self.labels.drain(..) {
            match parted.last_mut() {
                Some(before) if before.text.start == label.text.start => {
                    before.text.end = before.text.end.max(label.text.end);
                    if !before.message.is_empty() && !label.message.is_empty() {
                        before.message.push_str("; ");
                    }
                    before.message.push_str(&label.message);
                }
                Some(before) if before.text.end > label.text.start => {
                    let kept = self.text.get(before.text.start..label.text.start).unwrap_or_default();
                    before.text.end = before.text.start + kept.trim_end().len();
                    parted.push(label);
                }
                _ => parted.push(label),
            }
        }
        self.labels = parted;
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (start, end) = (span.offset(), span.offset() + span.len());
        let block = self.blocks.iter().find(|block| block.text.start <= start && end < block.text.end);
        let block = block.ok_or(MietteError::OutOfBounds)?;
        // Asked for the bare span, miette wants the place for its headline; else the lines to draw.
        let bare = before == 0 && after == 0;
        let label = self.labels.iter().find(|label| bare && label.text.start == start);
        let (line, column) = label.map_or((block.first_line, 1), |label| (label.line, label.column));
        let text = self.text.get(block.text.clone()).unwrap_or_default();
        let drawn = text.strip_suffix('\n').unwrap_or(text);
        let span = SourceSpan::new(block.text.start.into(), drawn.len());
        let name = block.name.clone();
        Ok(Box::new(MietteSpanContents::new_named(
            name,
            drawn.as_bytes(),
            span,
            line - 1,
            column - 1,
            block.lines,
        )))
    }
}

/// The lines to draw: those with a mark, and their neighbours unless they are blank; what lies close together as one.
fn runs(source: &Source, marks: &[(usize, &Mark)]) -> Vec<RangeInclusive<usize>> {
    let last =
        u32::try_from(source.bytes().len()).map_or(usize::MAX, |end| source.line_of(end.saturating_sub(1)));
    let blank = |line: usize| source.line(line).trim_ascii().is_empty();
    let mut lines: Vec<usize> = marks.iter().map(|(line, _)| *line).collect();
    lines.sort_unstable();
    let mut runs: Vec<RangeInclusive<usize>> = Vec::new();
    for line in lines {
        let first = if line > 1 && !blank(line - 1) { line - 1 } else { line };
        let end = if line < last && !blank(line + 1) { line + 1 } else { line };
        match runs.last_mut().filter(|run| run.end() + CLOSE >= first) {
            Some(run) => *run = *run.start()..=end,
            None => runs.push(first..=end),
        }
    }
    runs
}

/// The columns of `╰── `, from the middle of a mark to its message.
const BRANCH: usize = 4;

/// The columns of `[` and `]` around the name of a file.
const BRACKETS: usize = 2;

/// The columns that miette needs left of a line: ` 12 │ `.
fn gutter(line: usize) -> usize {
    line.to_string().len() + 4
}

/// The part of a span that lies on the line which it starts on.
fn within(span: Span, start: usize, length: usize) -> Range<usize> {
    let range = span.range();
    let from = range.start.saturating_sub(start).min(length);
    from..range.end.saturating_sub(start).clamp(from, length)
}

fn columns(text: &str) -> usize {
    text.chars().filter_map(UnicodeWidthChar::width).sum()
}

/// What has to be seen of a line, and the columns that are needed for it and its message.
struct Spot {
    range: Range<usize>,
    columns: usize,
}

impl Spot {
    fn new(range: Range<usize>, message: &str) -> Self {
        let message = if message.is_empty() { 0 } else { BRANCH + columns(message).min(LEAST) };
        let columns = range.len().max(range.len() / 2 + message);
        Self { range, columns }
    }
}

/// One line as it is drawn, and where its bytes went.
struct Drawn {
    text: String,
    /// Where each character of the line starts, in the line and in the text; ascending.
    offsets: Vec<(usize, usize)>,
}

impl Drawn {
    /// At most `room` columns; a line that is too long shows the surroundings of the first spot.
    fn new(bytes: &[u8], secrets: &[Range<usize>], spots: &[Spot], room: usize) -> Self {
        let focus = spots.first().map_or(0..0, |spot| spot.range.clone());
        // As much as can be seen; the rest of a minified program is not even looked at.
        let near = focus.start.saturating_sub(4 * room)..bytes.len().min(focus.start + 8 * room);
        let pieces = pieces(bytes, near.clone(), secrets);
        let column = |offset: usize| -> usize {
            pieces.iter().take_while(|piece| piece.start < offset).map(Piece::width).sum()
        };
        let fits = |spot: &Spot| column(spot.range.start) + spot.columns <= room;
        let from_start = near.start == 0 && spots.iter().all(fits);
        if from_start && near.end == bytes.len() && column(near.end) <= room {
            return Self::of(&pieces, "", "");
        }
        let skip = if from_start { 0 } else { column(focus.start).saturating_sub(room / 4) };
        let (before, room) = if skip > 0 || near.start > 0 { ("…", room - 2) } else { ("", room - 1) };
        let mut seen = 0;
        let kept: Vec<Piece> = pieces
            .into_iter()
            .filter(|piece| {
                seen += piece.width();
                seen > skip && seen <= skip + room
            })
            .collect();
        let after = if seen > skip + room || near.end < bytes.len() { "…" } else { "" };
        Self::of(&kept, before, after)
    }

    fn of(pieces: &[Piece], before: &str, after: &str) -> Self {
        let mut text = before.to_owned();
        let mut offsets = Vec::with_capacity(pieces.len());
        for piece in pieces {
            offsets.push((piece.start, text.len()));
            text.push_str(&piece.shown);
        }
        offsets.push((pieces.last().map_or(0, |piece| piece.start + 1), text.trim_end().len()));
        text.push_str(after);
        text.truncate(text.trim_end().len());
        Self { text, offsets }
    }

    /// Where a byte of the line went; what is cut off lies at the nearer end.
    fn offset(&self, byte: usize) -> usize {
        let next = self.offsets.partition_point(|(from, _)| *from < byte);
        let (_, to) = self.offsets.get(next).or(self.offsets.last()).copied().unwrap_or_default();
        to.min(self.text.len())
    }
}

/// A character of a line and what is shown for it.
struct Piece {
    start: usize,
    shown: String,
}

impl Piece {
    fn width(&self) -> usize {
        columns(&self.shown)
    }
}

/// The characters of a part of a line: tabs as blanks, harmful ones spelled out, bytes that are not UTF-8 too, secrets starred.
fn pieces(bytes: &[u8], part: Range<usize>, secrets: &[Range<usize>]) -> Vec<Piece> {
    let secret = |at: usize| {
        let next = secrets.partition_point(|range| range.end <= at);
        secrets.get(next).is_some_and(|range| range.contains(&at))
    };
    let mut pieces = Vec::new();
    let (mut at, mut column) = (part.start, 0);
    for chunk in bytes.get(part).unwrap_or_default().utf8_chunks() {
        let valid = chunk.valid().chars().map(|c| (c.len_utf8(), Ok(c)));
        let invalid = chunk.invalid().iter().map(|byte| (1, Err(*byte)));
        for (length, read) in valid.chain(invalid) {
            let mut shown = String::new();
            match read {
                _ if secret(at) => shown.push('*'),
                Ok('\t') => shown.push_str(&" ".repeat(TAB - column % TAB)),
                Ok(c) => plain::push(&mut shown, c),
                Err(byte) => shown.push_str(&format!("\\x{byte:02x}")),
            }
            let piece = Piece { start: at, shown };
            column += piece.width();
            at += length;
            pieces.push(piece);
        }
    }
    pieces
}
