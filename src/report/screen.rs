//! How wide the screen is, what it can show, and how much a reader wants to see.

use owo_colors::Style;
use unicode_width::UnicodeWidthStr;

use crate::model::Severity;

/// A wider screen is not filled: long lines are hard to read. On a narrower one the table would not make sense.
const WIDEST: usize = 100;
const NARROWEST: usize = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// Findings that count, and nothing else.
    Quiet,
    #[default]
    Normal,
    /// Everything, however long.
    Verbose,
}

/// What a report for people is set for.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// Columns.
    pub width: usize,
    pub colour: bool,
    /// Whether lines and signs beyond ASCII can be shown.
    pub unicode: bool,
    pub detail: Detail,
    /// Whether it can show a link behind words.
    pub links: bool,
    /// Whether paths start at the working directory, where they lie below it; else at their root.
    pub from_here: bool,
}

impl Screen {
    /// 80 columns without colour, for files and pipes.
    pub fn plain() -> Self {
        Self {
            width: 80,
            colour: false,
            unicode: true,
            detail: Detail::Normal,
            links: false,
            from_here: false,
        }
    }

    pub fn wide(self, width: usize) -> Self {
        Self { width: width.clamp(NARROWEST, WIDEST), ..self }
    }

    pub(super) fn is_verbose(&self) -> bool {
        self.detail == Detail::Verbose
    }

    pub(super) fn paint(&self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() { style.style(text).to_string() } else { text.to_owned() }
    }

    /// Words that lead to a page (OSC 8), where there is one.
    pub(super) fn linked(&self, text: &str, page: Option<&str>) -> String {
        match page.filter(|_| self.links) {
            Some(page) => format!("\x1b]8;;{page}\x1b\\{text}\x1b]8;;\x1b\\"),
            None => text.to_owned(),
        }
    }

    pub(super) fn strong(&self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    pub(super) fn faint(&self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    /// A sign of typography, or what stands for it on a poor screen.
    pub(crate) fn sign(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    /// A line for each run of phrases that fits behind `lead`; only a phrase that is longer than a line is broken later.
    pub(super) fn phrased(&self, lead: &str, text: &str) -> String {
        let width = textwrap::core::display_width;
        let room = self.width.saturating_sub(width(lead));
        let ends = |word: &&str| word.trim_end_matches("\x1b[0m").ends_with([':', ',', ';']);
        let words: Vec<&str> = text.split(' ').collect();
        let mut lines: Vec<String> = Vec::new();
        for phrase in words.split_inclusive(ends).map(|words| words.join(" ")) {
            match lines.last_mut() {
                Some(line) if width(&phrase) > room || width(line) + 1 + width(&phrase) <= room => {
                    line.push_str(&format!(" {phrase}"));
                }
                _ => lines.push(phrase),
            }
        }
        lines.join("\n")
    }

    /// `lead`, then the text beside it, wrapped to the screen and indented as deep as `lead` is wide.
    pub(super) fn hang(&self, lead: &str, text: &str) -> String {
        let indent = " ".repeat(textwrap::core::display_width(lead));
        let options = wrapping(self.width).initial_indent(lead).subsequent_indent(&indent);
        let mut lines = textwrap::fill(text, options);
        lines.push('\n');
        lines
    }
}

/// How lines are broken: at blanks alone, each as late as can be.
pub(super) fn wrapping(width: usize) -> textwrap::Options<'static> {
    textwrap::Options::new(width)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit)
}

/// The accent of a severity.
pub(super) fn accent(severity: Severity) -> Style {
    match severity {
        Severity::Error => Style::new().red().bold(),
        Severity::Warning => Style::new().yellow().bold(),
        Severity::Info => Style::new().cyan(),
    }
}

/// The text with blanks after it, up to a width in columns.
pub(crate) fn left(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// The text with blanks before it.
pub(crate) fn right(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(text.width())))
}

/// `1 warning`, `2 warnings`.
pub(crate) fn counted(count: usize, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        _ => format!("{count} {thing}s"),
    }
}

/// The text, its start replaced by `…` if it is wider: the end of a path says most.
pub(crate) fn tail(text: &str, width: usize, sign: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept: Vec<char> = Vec::new();
    let mut seen = sign.width();
    for c in text.chars().rev() {
        seen += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if seen > width {
            break;
        }
        kept.push(c);
    }
    sign.chars().chain(kept.into_iter().rev()).collect()
}
