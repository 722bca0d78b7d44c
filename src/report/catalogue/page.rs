//! A page of the catalogue: a title, sections and tables, set for a screen or as Markdown.

use unicode_width::UnicodeWidthStr;

use crate::report::screen::left;
use crate::report::{Screen, plain};

/// Headings stand beside their text, this wide.
const HEADING: usize = 10;

/// Blanks between the columns of a table.
const GAP: usize = 2;

/// What a page is made of.
#[derive(Debug)]
pub(super) enum Part {
    Text(String),
    /// Rows of cells under one another; the last column is wrapped.
    Table(Table),
    /// Lines as they are.
    Code(String),
    List(Vec<String>),
    /// Statements and their sources.
    Cited(Vec<(String, String)>),
}

#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) head: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

#[derive(Debug)]
pub(super) struct Page {
    pub(super) title: String,
    /// What stands beside the title: a severity, an address.
    pub(super) beside: String,
    pub(super) lead: String,
    pub(super) sections: Vec<(&'static str, Vec<Part>)>,
}

impl Page {
    /// Adds a section, unless there is nothing in it.
    pub(super) fn section(mut self, heading: &'static str, parts: Vec<Part>) -> Self {
        let said = |part: &Part| match part {
            Part::Text(text) | Part::Code(text) => !text.trim().is_empty(),
            Part::Table(table) => !table.rows.is_empty(),
            Part::List(items) => !items.is_empty(),
            Part::Cited(items) => !items.is_empty(),
        };
        if parts.iter().any(said) {
            self.sections.push((heading, parts));
        }
        self
    }

    pub(super) fn on_screen(&self, screen: &Screen) -> String {
        let mut text = format!("{}  {}\n\n", screen.strong(&self.title), screen.faint(&self.beside));
        text.push_str(&screen.hang("", &self.lead));
        for (heading, parts) in &self.sections {
            text.push('\n');
            for (index, part) in parts.iter().enumerate() {
                let lead = left(if index == 0 { heading } else { "" }, HEADING);
                text.push_str(&part.on_screen(&screen.strong(&lead), screen));
            }
        }
        text
    }

    pub(super) fn as_markdown(&self) -> String {
        let beside = if self.beside.is_empty() { String::new() } else { format!(" ({})", self.beside) };
        let mut text = format!("# {}{beside}\n\n{}\n", markdown(&self.title), markdown(&self.lead));
        for (heading, parts) in &self.sections {
            text.push_str(&format!("\n## {heading}\n"));
            for part in parts {
                text.push('\n');
                text.push_str(&part.as_markdown());
            }
        }
        text
    }
}

impl Part {
    /// `lead` stands beside the first line.
    fn on_screen(&self, lead: &str, screen: &Screen) -> String {
        let indent = " ".repeat(HEADING);
        let led = |text: String| format!("{lead}{}", text.strip_prefix(&indent).unwrap_or(&text));
        match self {
            Part::Text(text) => screen.hang(lead, &flowing(text)),
            Part::Table(table) => led(table.on_screen(HEADING, screen)),
            Part::Code(code) => {
                led(code.trim_end().lines().map(|line| format!("{indent}{line}\n")).collect())
            }
            Part::List(items) => led(items.iter().map(|item| bullet(item, screen)).collect()),
            Part::Cited(items) => {
                let cited = |(text, source): &(String, String)| {
                    let source = screen.hang(&format!("{indent}  "), &screen.faint(&flowing(source)));
                    bullet(text, screen) + &source
                };
                led(items.iter().map(cited).collect())
            }
        }
    }

    fn as_markdown(&self) -> String {
        match self {
            Part::Text(text) => format!("{}\n", markdown(&flowing(text))),
            Part::Table(table) => table.as_markdown(),
            Part::Code(code) => format!("```\n{}\n```\n", code.trim_end()),
            Part::List(items) => {
                items.iter().map(|item| format!("- {}\n", markdown(&flowing(item)))).collect()
            }
            Part::Cited(items) => items
                .iter()
                .map(|(text, source)| {
                    format!("- {} ({})\n", markdown(&flowing(text)), markdown(&flowing(source)))
                })
                .collect(),
        }
    }
}

impl Table {
    /// The rows from column `indent` on.
    pub(super) fn on_screen(&self, indent: usize, screen: &Screen) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let head = self.head.iter().map(|word| (*word).to_owned()).collect();
        let widest = |column: usize| {
            let cells =
                std::iter::once(&head).chain(&self.rows).filter_map(|row: &Vec<String>| row.get(column));
            cells.map(|cell| cell.width()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns.saturating_sub(1)).map(widest).collect();
        let line = |row: &Vec<String>| {
            let mut lead = " ".repeat(indent);
            for (cell, width) in row.iter().zip(&widths) {
                lead.push_str(&left(cell, width + GAP));
            }
            screen.hang(&lead, row.get(widths.len()).map_or("", String::as_str))
        };
        let mut text = String::new();
        if !self.head.is_empty() {
            text.push_str(&screen.faint(line(&head).trim_end()));
            text.push('\n');
        }
        text.extend(self.rows.iter().map(line));
        text
    }

    pub(super) fn as_markdown(&self) -> String {
        self.as_markdown_with(markdown)
    }

    /// The first cell of each row leads to the page of that name.
    pub(super) fn as_index(&self) -> String {
        self.as_markdown_with(|name| format!("[{}]({name}.md)", markdown(name)))
    }

    fn as_markdown_with(&self, first: impl Fn(&str) -> String) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let head: Vec<String> = (0..columns)
            .map(|at| self.head.get(at).map_or(String::new(), |word| (*word).to_owned()))
            .collect();
        let mut text = line(&head) + &line(&vec!["---".to_owned(); columns]);
        for row in &self.rows {
            let cells = row.iter().enumerate();
            let cells = cells.map(|(at, cell)| if at == 0 { first(cell) } else { markdown(cell) });
            text.push_str(&line(&cells.collect::<Vec<_>>()));
        }
        text
    }
}

fn bullet(text: &str, screen: &Screen) -> String {
    screen.hang(&format!("{}{} ", " ".repeat(HEADING), screen.sign("•", "-")), &flowing(text))
}

/// The words of a text whose line breaks mean nothing. An organisation's rules are other people's text too.
fn flowing(text: &str) -> String {
    plain::inline(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Text in which Markdown sees no markup, but for code: backquotes stay.
fn markdown(text: &str) -> String {
    let mut in_code = false;
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        in_code ^= c == '`';
        if c == '|' || (!in_code && matches!(c, '*' | '_' | '<' | '>' | '[' | ']' | '\\' | '#')) {
            shown.push('\\');
        }
        shown.push(c);
    }
    shown
}
